/*
 * A topology: which nodes a lab has, their LANs and their links, with every address already assigned.
 *
 * It is read from a lab file, a line at a time:
 *
 *     default OPTION...         link options for the links that follow
 *     site NAME                 a node with LANs; the lines `lan` and `link` that follow belong to it
 *     controller NAME           a node without LANs
 *     lan SEGMENT [prefix=10.1.0.0/24] [prefix6=fd00:1::/64]
 *     link UNDERLAY OPTION...   name= transport= capacity= mtu= ipv6=yes and the words of lab/params.h
 *
 * `#` starts a comment. A link is an access link: from the node through the relay to the router of the lab, which
 * stands for all providers. `underlay` says between which links tunnels make sense; the lab forwards between all.
 *
 * Addresses follow from positions in the file alone: link i (from 0) has the i-th /30 of 198.18.0.0/15 (RFC 2544) and
 * the /126 at fd18::i:0, router first; LAN j of site s (from 1) has 10.s.j.0/24 and fd00:s:j::/64 unless the
 * file says otherwise, the edge's address being the first and the host's the tenth.
 */
#pragma once

#include "base/error.h"
#include "base/limits.h"
#include "base/net.h"
#include "lab/params.h"

#include <stddef.h>

#define PT_LAB_FILE_SIZE_MAX (1U << 20)
#define PT_LAB_LINE_SIZE_MAX 512U
#define PT_LAB_NODES_MAX 255U /* the second byte of a LAN's default prefix */
#define PT_LAB_LINKS_MAX 1024U
#define PT_LAB_NODE_LINKS_MAX 64U
#define PT_LAB_NODE_LANS_MAX 16U
#define PT_LAB_NODE_NAME_SIZE 32U
#define PT_LAB_LINK_NAME_SIZE (PT_LAB_NODE_NAME_SIZE + PT_ID_SIZE_MAX + 1U) /* "nyc/internet" */

enum pt_lab_role { PT_LAB_SITE, PT_LAB_CONTROLLER };

struct pt_lab_link {
    char name[PT_ID_SIZE_MAX + 1];     /* unique in the node; the underlay's unless the file says otherwise */
    char underlay[PT_ID_SIZE_MAX + 1]; /* tunnels are made between links of equal underlay */
    char transport[16];                /* a word of the schema's Transport, in lower case; "" when not said */
    char interface[16];                /* wan0, wan1 ... in the node */
    size_t node;                       /* index into nodes */
    size_t number;                     /* from 0 within the node */
    uint64_t capacity_bps;             /* declared, not enforced; 0: not said */
    uint32_t mtu;
    bool ipv6;                       /* the link has IPv6 addresses too */
    struct pt_lab_params params;     /* at start, both directions */
    struct pt_ip address, gateway;   /* /30 */
    struct pt_ip address6, gateway6; /* /126; unset without ipv6 */
};

struct pt_lab_lan {
    char segment[PT_ID_SIZE_MAX + 1];
    char interface[16]; /* lan0, lan1 ... in the node */
    size_t node;
    size_t number;                    /* from 0 within the node */
    struct pt_prefix prefix, prefix6; /* canonical */
    struct pt_ip edge, edge6;         /* the node's addresses: first of the prefix */
    struct pt_ip host, host6;         /* the host's: tenth of the prefix */
};

struct pt_lab_node {
    char name[PT_LAB_NODE_NAME_SIZE];
    enum pt_lab_role role;
    size_t links_at, links_len; /* range of topology->links */
    size_t lans_at, lans_len;   /* range of topology->lans */
};

struct pt_lab_topology {
    struct pt_lab_node *nodes;
    size_t nodes_len;
    struct pt_lab_link *links;
    size_t links_len;
    struct pt_lab_lan *lans;
    size_t lans_len;
};

/* Read a lab file's text. On failure reterr->field is "source:line" and *ret_topology is untouched; else the caller
 * calls pt_lab_topology_fini. */
PT_MUST enum pt_code pt_lab_topology_parse(const char *source, const char *text, size_t size,
                                           struct pt_lab_topology *ret_topology, struct pt_error *reterr);
/* Fine on a zeroed topology. */
void pt_lab_topology_fini(struct pt_lab_topology *topology);
/* "nyc/internet". Returns text. */
char *pt_lab_link_name(const struct pt_lab_topology *topology, const struct pt_lab_link *link,
                       char text[PT_LAB_LINK_NAME_SIZE]);
/* True when the pattern (fnmatch, so "nyc/internet", "nyc/" with a star, or with the interface: "nyc/wan0") names it.
 */
bool pt_lab_link_matches(const struct pt_lab_topology *topology, const struct pt_lab_link *link, const char *pattern);
/* NULL when there is none of that name. */
const struct pt_lab_node *pt_lab_topology_node(const struct pt_lab_topology *topology, const char *name);

/* The shipped ones: "sites3", "b4". NULL for any other name; else borrowed text that lives for ever. */
const char *pt_lab_topology_shipped(const char *name, size_t *ret_size);
