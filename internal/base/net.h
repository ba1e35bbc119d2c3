/*
 * Network addresses as values. Every address is 16 bytes; IPv4 is v4-mapped (::ffff:a.b.c.d, RFC 4291 2.5.5.2).
 *
 * Text is canonical: dotted quad for IPv4, RFC 5952 for IPv6. Parsers accept canonical and other valid text; callers
 * that must not rewrite a user's value compare with the formatted form.
 */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct pt_ip {
    uint8_t bytes[16];
};

struct pt_prefix {
    struct pt_ip ip;
    uint8_t len; /* as written: 0..32 for IPv4, 0..128 for IPv6 */
};

struct pt_endpoint {
    struct pt_ip ip;
    uint16_t port;
};

#define PT_IP_TEXT_SIZE 46
#define PT_PREFIX_TEXT_SIZE 50
#define PT_ENDPOINT_TEXT_SIZE 54

bool pt_ip_is_v4(const struct pt_ip *ip);
bool pt_ip_equal(const struct pt_ip *a, const struct pt_ip *b);
struct pt_ip pt_ip_from_v4(uint32_t host_order);
/* Host order; the address must be IPv4. */
uint32_t pt_ip_to_v4(const struct pt_ip *ip);
PT_MUST enum pt_code pt_ip_parse(const char *text, struct pt_ip *ret_ip, struct pt_error *reterr);
/* Returns `text`. */
char *pt_ip_format(const struct pt_ip *ip, char text[PT_IP_TEXT_SIZE]);

/* address/len; host bits allowed. */
PT_MUST enum pt_code pt_prefix_parse(const char *text, struct pt_prefix *ret_prefix, struct pt_error *reterr);
char *pt_prefix_format(const struct pt_prefix *prefix, char text[PT_PREFIX_TEXT_SIZE]);
/* The same prefix with host bits cleared. */
struct pt_prefix pt_prefix_canonical(const struct pt_prefix *prefix);
bool pt_prefix_contains(const struct pt_prefix *prefix, const struct pt_ip *ip);
/* Length on the v4-mapped 128-bit form. */
unsigned pt_prefix_len128(const struct pt_prefix *prefix);

/* "1.2.3.4:80" or "[::1]:80"; names are refused. */
PT_MUST enum pt_code pt_endpoint_parse(const char *text, struct pt_endpoint *ret_endpoint, struct pt_error *reterr);
char *pt_endpoint_format(const struct pt_endpoint *endpoint, char text[PT_ENDPOINT_TEXT_SIZE]);
