/*
 * Applications as organizations describe them: sets of descriptions for each scope (a segment), asked for each flow
 * that is inspected. A set is made once and then only read; a new one replaces it whole. Pure.
 */
#pragma once

#include "base/arena.h"
#include "base/net.h"

#include <stddef.h>

#define PT_DPI_PROTOCOL_ANY 256U

struct pt_dpi_span {
    uint16_t first, last;
};

/* Every criterion that is set must hold; an empty list is any. The caller's memory, or the set's arena. */
struct pt_dpi_description {
    uint32_t protocol; /* PT_DPI_PROTOCOL_ANY */
    uint64_t dscp_mask;
    const struct pt_dpi_span *ports; /* of the destination */
    size_t ports_len;
    const struct pt_prefix *prefixes; /* of the destination */
    size_t prefixes_len;
    const char *const *hosts; /* lower case, with a leading "*." for every name below */
    size_t hosts_len;
    const uint32_t *signatures; /* numbers, without PT_DPI_SIGNATURE */
    size_t signatures_len;
};

struct pt_dpi_application {
    uint32_t number;
    uint8_t traffic_class;
    const char *name;
    struct pt_dpi_description *descriptions;
    size_t descriptions_len;
};

/* What is known of a flow. */
struct pt_dpi_subject {
    struct pt_ip destination;
    uint16_t port;
    uint8_t protocol, dscp;
    const char *host;            /* "": not known */
    uint32_t signature, carrier; /* 0: not known */
};

struct pt_dpi_set;

struct pt_dpi_set *pt_dpi_set_new(void);
void pt_dpi_set_free(struct pt_dpi_set *set); /* NULL is fine */
struct pt_arena *pt_dpi_set_arena(struct pt_dpi_set *set);
/* Add an application to a scope; the caller fills in its descriptions. Of those that come one after the other for a
 * scope the one with the lowest number is asked first, whatever their order. */
struct pt_dpi_application *pt_dpi_set_add(struct pt_dpi_set *set, uint32_t scope, uint32_t number, const char *name,
                                          size_t descriptions_len);
/* The first application of the scope that describes the subject; NULL: none does. */
const struct pt_dpi_application *pt_dpi_set_match(const struct pt_dpi_set *set, uint32_t scope,
                                                  const struct pt_dpi_subject *subject);
/* The first that a host name, or the signature of hosts of that name (0: none), describes without further criteria. */
const struct pt_dpi_application *pt_dpi_set_match_host(const struct pt_dpi_set *set, uint32_t scope, const char *host,
                                                       uint32_t signature);
/* By its number; NULL when there is none. */
const struct pt_dpi_application *pt_dpi_set_find(const struct pt_dpi_set *set, uint32_t scope, uint32_t number);
/* Does the pattern ("a.example" or "*.example") cover the name? Both lower case. */
bool pt_dpi_host_matches(const char *pattern, const char *host);
