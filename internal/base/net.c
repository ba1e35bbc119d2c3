#include "base/net.h"
#include "base/assert.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t v4_mapped[12] = {[10] = 0xff, [11] = 0xff};

bool pt_ip_is_v4(const struct pt_ip *ip)
{
    return memcmp(ip->bytes, v4_mapped, sizeof(v4_mapped)) == 0;
}

bool pt_ip_equal(const struct pt_ip *a, const struct pt_ip *b)
{
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

struct pt_ip pt_ip_from_v4(uint32_t host_order)
{
    struct pt_ip ip;
    memcpy(ip.bytes, v4_mapped, sizeof(v4_mapped));
    for (int i = 0; i < 4; i++) {
        ip.bytes[12 + i] = (uint8_t)(host_order >> (24 - 8 * i));
    }
    return ip;
}

uint32_t pt_ip_to_v4(const struct pt_ip *ip)
{
    pt_assert(pt_ip_is_v4(ip));
    return (uint32_t)ip->bytes[12] << 24 | (uint32_t)ip->bytes[13] << 16 | (uint32_t)ip->bytes[14] << 8 | ip->bytes[15];
}

enum pt_code pt_ip_parse(const char *text, struct pt_ip *ret_ip, struct pt_error *reterr)
{
    struct pt_ip ip;
    memcpy(ip.bytes, v4_mapped, sizeof(v4_mapped));
    if (inet_pton(AF_INET, text, ip.bytes + 12) == 1 || inet_pton(AF_INET6, text, ip.bytes) == 1) {
        *ret_ip = ip;
        return PT_OK;
    }
    return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, NULL,
                   "'%.64s' is not an IP address; write for example 192.0.2.1 or 2001:db8::1", text);
}

char *pt_ip_format(const struct pt_ip *ip, char text[PT_IP_TEXT_SIZE])
{
    const char *done = pt_ip_is_v4(ip) ? inet_ntop(AF_INET, ip->bytes + 12, text, PT_IP_TEXT_SIZE)
                                       : inet_ntop(AF_INET6, ip->bytes, text, PT_IP_TEXT_SIZE);
    pt_assert(done != NULL);
    return text;
}

enum pt_code pt_prefix_parse(const char *text, struct pt_prefix *ret_prefix, struct pt_error *reterr)
{
    const char *slash = strchr(text, '/');
    char address[PT_IP_TEXT_SIZE];
    struct pt_prefix prefix;
    if (slash == NULL || (size_t)(slash - text) >= sizeof(address)) {
        goto bad;
    }
    memcpy(address, text, (size_t)(slash - text));
    address[slash - text] = '\0';
    if (pt_ip_parse(address, &prefix.ip, NULL) != PT_OK) {
        goto bad;
    }
    unsigned len = 0;
    const char *p = slash + 1;
    if (*p == '\0' || strlen(p) > 3 || (p[0] == '0' && p[1] != '\0')) {
        goto bad;
    }
    for (; *p != '\0'; p++) {
        if (*p < '0' || *p > '9') {
            goto bad;
        }
        len = len * 10 + (unsigned)(*p - '0');
    }
    if (len > (strchr(address, ':') == NULL ? 32U : 128U)) {
        goto bad;
    }
    if (pt_ip_is_v4(&prefix.ip) && strchr(address, ':') != NULL) {
        /* An IPv4 prefix written as IPv6: its length counts on 128 bits. Shorter ones are neither IPv4 nor IPv6. */
        if (len < 96) {
            goto bad;
        }
        len -= 96;
    }
    prefix.len = (uint8_t)len;
    *ret_prefix = prefix;
    return PT_OK;
bad:
    return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, NULL,
                   "'%.64s' is not an IP prefix; write for example 192.0.2.0/24 or 2001:db8::/32", text);
}

char *pt_prefix_format(const struct pt_prefix *prefix, char text[PT_PREFIX_TEXT_SIZE])
{
    char address[PT_IP_TEXT_SIZE];
    (void)snprintf(text, PT_PREFIX_TEXT_SIZE, "%s/%u", pt_ip_format(&prefix->ip, address), prefix->len);
    return text;
}

unsigned pt_prefix_len128(const struct pt_prefix *prefix)
{
    return prefix->len + (pt_ip_is_v4(&prefix->ip) ? 96U : 0U);
}

struct pt_prefix pt_prefix_canonical(const struct pt_prefix *prefix)
{
    struct pt_prefix result = *prefix;
    unsigned len = pt_prefix_len128(prefix);
    for (unsigned i = 0; i < 16; i++) {
        unsigned keep = len >= (i + 1) * 8 ? 8 : len > i * 8 ? len - i * 8 : 0;
        result.ip.bytes[i] &= (uint8_t)(0xff00U >> keep);
    }
    return result;
}

bool pt_prefix_contains(const struct pt_prefix *prefix, const struct pt_ip *ip)
{
    struct pt_prefix other = {.ip = *ip, .len = prefix->len};
    if (pt_ip_is_v4(ip) != pt_ip_is_v4(&prefix->ip)) {
        return false;
    }
    struct pt_prefix a = pt_prefix_canonical(prefix);
    struct pt_prefix b = pt_prefix_canonical(&other);
    return pt_ip_equal(&a.ip, &b.ip);
}

enum pt_code pt_endpoint_parse(const char *text, struct pt_endpoint *ret_endpoint, struct pt_error *reterr)
{
    const char *colon = strrchr(text, ':');
    char address[PT_IP_TEXT_SIZE + 2];
    struct pt_endpoint endpoint;
    if (colon == NULL || (size_t)(colon - text) >= sizeof(address) || colon[1] == '\0' || strlen(colon + 1) > 5) {
        goto bad;
    }
    memcpy(address, text, (size_t)(colon - text));
    address[colon - text] = '\0';
    size_t len = strlen(address);
    char *ip = address;
    if (address[0] == '[') {
        if (len < 3 || address[len - 1] != ']') {
            goto bad;
        }
        address[len - 1] = '\0';
        ip++;
        if (strchr(ip, ':') == NULL) {
            goto bad; /* brackets are for IPv6 */
        }
    } else if (strchr(address, ':') != NULL) {
        goto bad;
    }
    unsigned port = 0;
    for (const char *p = colon + 1; *p != '\0'; p++) {
        if (*p < '0' || *p > '9') {
            goto bad;
        }
        port = port * 10 + (unsigned)(*p - '0');
    }
    if (port > 65535 || pt_ip_parse(ip, &endpoint.ip, NULL) != PT_OK) {
        goto bad;
    }
    endpoint.port = (uint16_t)port;
    *ret_endpoint = endpoint;
    return PT_OK;
bad:
    return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, NULL,
                   "'%.80s' is not an address with a port; write for example 192.0.2.1:7400 or [2001:db8::1]:7400",
                   text);
}

char *pt_endpoint_format(const struct pt_endpoint *endpoint, char text[PT_ENDPOINT_TEXT_SIZE])
{
    char address[PT_IP_TEXT_SIZE];
    (void)snprintf(text, PT_ENDPOINT_TEXT_SIZE, pt_ip_is_v4(&endpoint->ip) ? "%s:%u" : "[%s]:%u",
                   pt_ip_format(&endpoint->ip, address), endpoint->port);
    return text;
}
