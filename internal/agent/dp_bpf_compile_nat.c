/*
 * Entries of translation: exits, port forwards, prefixes one to one.
 *
 * An exit is a link's IPv4 address; a segment's breakout names up to four. What names a link whose interface is absent
 * is left out, as paths are. A port forward makes two rows, one for each direction, and its host must be behind a local
 * prefix of its segment: so it is known by which interface.
 */
#include "agent/dp_bpf_compile.h"
#include "base/assert.h"

#include "bpf/abi/nat.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#define DESTINATION_SIZE 17U /* an address, and a length */
#define TIME_MAX_S 864000U

/* Seconds as the programs count them. */
static uint32_t units(uint32_t seconds)
{
    return (uint32_t)(((uint64_t)seconds * 1000000000ULL) >> PT_NAT_TIME_SHIFT) + 1;
}

static const struct pt_dp_known_link *known_link(const struct pt_dp_compiler *c, uint32_t link)
{
    return link == 0 || link > PT_DP_LINK_MAX || c->links[link].entry == NULL ? NULL : &c->links[link];
}

/* The link's row, made once. */
static void need_exit(struct pt_dp_compiler *c, uint32_t link)
{
    struct pt_dp_rows *rows = &c->table->maps[PT_MAP_exits];
    const struct pt_dp_known_link *known = &c->links[link];
    uint32_t mtu = known->entry->mtu == 0 ? 1500 : known->entry->mtu;
    struct pt_ip gateway;
    for (size_t i = 0; i < rows->len; i++) {
        if (memcmp(pt_dp_rows_key(rows, i), &link, sizeof(link)) == 0) {
            return;
        }
    }
    struct pt_abi_exit value = {.address = htonl(pt_ip_to_v4(&known->address)),
                                .ifindex = known->ifindex,
                                .mtu = (uint16_t)(mtu < UINT16_MAX ? mtu : UINT16_MAX),
                                .flags = known->entry->rate_bps != 0 ? PT_EXIT_SHAPED : 0};
    if (pt_dp_read_ip(&known->entry->gateway, &gateway)) {
        value.nexthop = htonl(pt_ip_to_v4(&gateway));
    }
    (void)pt_dp_rows_add(rows, &link, &value);
}

static enum pt_code read_destinations(struct pt_dp_compiler *c, const Patronus__V1__ExitEntry *exit,
                                      struct pt_abi_breakout *value, struct pt_error *reterr)
{
    if (exit->n_destinations > PT_NAT_DESTINATIONS_MAX) {
        return PT_DP_REFUSE(c, reterr, "%zu destinations; at most %d", exit->n_destinations, PT_NAT_DESTINATIONS_MAX);
    }
    for (size_t i = 0; i < exit->n_destinations; i++) {
        ProtobufCBinaryData bytes = {.len = 16, .data = exit->destinations[i].data};
        struct pt_prefix prefix;
        if (exit->destinations[i].len != DESTINATION_SIZE ||
            !pt_dp_read_prefix(&bytes, exit->destinations[i].data[16], &prefix) || !pt_ip_is_v4(&prefix.ip)) {
            return PT_DP_REFUSE(c, reterr, "destination %zu is no IPv4 prefix of 16 bytes and a length", i);
        }
        value->destinations[i].prefix = htonl(pt_ip_to_v4(&prefix.ip));
        value->destinations[i].mask = pt_dp_mask(&prefix).words[3];
    }
    value->destinations_len = (uint8_t)exit->n_destinations;
    return PT_OK;
}

enum pt_code pt_dp_compile_exit(struct pt_dp_compiler *c, const Patronus__V1__ExitEntry *exit, struct pt_error *reterr)
{
    struct pt_dp_rows *rows = &c->table->maps[PT_MAP_breakouts];
    const struct pt_dp_known_link *link = known_link(c, exit->link);
    struct pt_abi_breakout value = {.flags = exit->address_dependent ? PT_NAT_ADDRESS_DEPENDENT : 0,
                                    .udp = units(exit->udp_s),
                                    .tcp = units(exit->tcp_s),
                                    .tcp_transitory = units(exit->tcp_transitory_s),
                                    .icmp = units(exit->icmp_s)};
    uint32_t vni = exit->vni;
    (void)snprintf(c->field, sizeof(c->field), "exit of VNI %u by link %u", vni, exit->link);
    if (vni == 0 || vni > PT_VNI_MAX || link == NULL || !pt_ip_is_v4(&link->address)) {
        return PT_DP_REFUSE(c, reterr, "its VNI must be 1..%u, its link one of the bundle's with an IPv4 address",
                            PT_VNI_MAX);
    }
    if (exit->udp_s > TIME_MAX_S || exit->tcp_s > TIME_MAX_S || exit->tcp_transitory_s > TIME_MAX_S ||
        exit->icmp_s > TIME_MAX_S) {
        return PT_DP_REFUSE(c, reterr, "mappings last at most %u s", TIME_MAX_S);
    }
    PT_TRY(read_destinations(c, exit, &value, reterr));
    if (link->ifindex == 0) {
        return PT_OK;
    }
    need_exit(c, exit->link);
    /* Exits come by VNI and link, so one belongs to the last row or begins another. */
    if (rows->len == 0 || memcmp(pt_dp_rows_key(rows, rows->len - 1), &vni, sizeof(vni)) != 0) {
        value.links_len = 1;
        value.links[0] = (uint8_t)exit->link;
        (void)pt_dp_rows_add(rows, &vni, &value);
        return PT_OK;
    }
    uint8_t *at = pt_dp_rows_value(rows, rows->len - 1);
    memcpy(&value, at, sizeof(value));
    if (value.links_len == PT_NAT_EXITS_MAX) {
        return PT_DP_REFUSE(c, reterr, "a segment leaves by at most %d links", PT_NAT_EXITS_MAX);
    }
    value.links[value.links_len++] = (uint8_t)exit->link;
    memcpy(at, &value, sizeof(value));
    return PT_OK;
}

/* The interface behind which an address of the segment is; 0: it is not of this site. */
static uint32_t local_interface(const struct pt_dp_compiler *c, uint32_t vni, uint32_t address)
{
    const struct pt_dp_rows *routes = &c->table->maps[PT_MAP_routes4];
    uint32_t best = 0, ifindex = 0;
    for (size_t i = 0; i < routes->len; i++) {
        struct pt_abi_route4_key key;
        struct pt_abi_route route;
        memcpy(&key, pt_dp_rows_key(routes, i), sizeof(key));
        memcpy(&route, pt_dp_rows_value(routes, i), sizeof(route));
        uint32_t len = key.prefix_len - PT_ROUTE_VNI_BITS, mask = len == 0 ? 0 : UINT32_MAX << (32 - len);
        if (key.vni == htonl(vni) && (address & mask) == ntohl(key.address) && key.prefix_len > best) {
            best = key.prefix_len;
            ifindex = route.lan_ifindex;
        }
    }
    return ifindex;
}

static bool has_row(const struct pt_dp_rows *rows, const void *key)
{
    for (size_t i = 0; i < rows->len; i++) {
        if (memcmp(pt_dp_rows_key(rows, i), key, rows->key_size) == 0) {
            return true;
        }
    }
    return false;
}

/* Several links, or ports, may lead to one port of a host. The row for what the host sends is that of the first: for
 * what it begins; answers go where the question came from (lib/nat.h). */
enum pt_code pt_dp_compile_forward(struct pt_dp_compiler *c, const Patronus__V1__ForwardEntry *forward,
                                   struct pt_error *reterr)
{
    const struct pt_dp_known_link *link = known_link(c, forward->link);
    struct pt_ip address;
    (void)snprintf(c->field, sizeof(c->field), "forward of port %u, protocol %u, link %u", forward->port,
                   forward->protocol, forward->link);
    if (link == NULL || !pt_ip_is_v4(&link->address)) {
        return PT_DP_REFUSE(c, reterr, "its link must be one of the bundle's with an IPv4 address");
    }
    if ((forward->protocol != IPPROTO_TCP && forward->protocol != IPPROTO_UDP) || forward->port == 0 ||
        forward->port > UINT16_MAX || forward->target_port == 0 || forward->target_port > UINT16_MAX) {
        return PT_DP_REFUSE(c, reterr, "its protocol must be 6 or 17, its ports 1..65535");
    }
    if (forward->vni == 0 || forward->vni > PT_VNI_MAX || !pt_dp_read_ip(&forward->address, &address) ||
        !pt_ip_is_v4(&address)) {
        return PT_DP_REFUSE(c, reterr, "its VNI must be 1..%u, its address an IPv4 address of 16 bytes", PT_VNI_MAX);
    }
    uint32_t host = pt_ip_to_v4(&address), ifindex = local_interface(c, forward->vni, host);
    if (link->ifindex == 0 || ifindex == 0) {
        return PT_OK;
    }
    need_exit(c, forward->link);
    struct pt_abi_forward_key in = {
        .scope = forward->link, .port = (uint16_t)forward->port, .protocol = (uint8_t)forward->protocol};
    struct pt_abi_forward to = {
        .address = htonl(host), .scope = forward->vni, .port = forward->target_port, .lan_ifindex = ifindex};
    struct pt_abi_forward_key out = {.address = htonl(host),
                                     .scope = forward->vni,
                                     .port = (uint16_t)forward->target_port,
                                     .protocol = (uint8_t)forward->protocol,
                                     .inside = 1};
    struct pt_abi_forward back = {.scope = forward->link, .port = forward->port};
    (void)pt_dp_rows_add(&c->table->maps[PT_MAP_forwards], &in, &to);
    if (!has_row(&c->table->maps[PT_MAP_forwards], &out)) {
        (void)pt_dp_rows_add(&c->table->maps[PT_MAP_forwards], &out, &back);
    }
    return PT_OK;
}

enum pt_code pt_dp_compile_prefix_map(struct pt_dp_compiler *c, const Patronus__V1__PrefixMapEntry *map,
                                      struct pt_error *reterr)
{
    struct pt_dp_rows *rows = &c->table->maps[PT_MAP_prefixes];
    struct pt_prefix inside, outside;
    struct pt_abi_prefixes value;
    uint32_t vni = map->vni;
    (void)snprintf(c->field, sizeof(c->field), "prefix map of VNI %u", vni);
    if (vni == 0 || vni > PT_VNI_MAX || !pt_dp_read_prefix(&map->inside, map->prefix_len, &inside) ||
        !pt_dp_read_prefix(&map->outside, map->prefix_len, &outside) || !pt_ip_is_v4(&inside.ip) ||
        !pt_ip_is_v4(&outside.ip)) {
        return PT_DP_REFUSE(c, reterr, "its VNI must be 1..%u, its prefixes IPv4, of one length, without host bits",
                            PT_VNI_MAX);
    }
    if (rows->len == 0 || memcmp(pt_dp_rows_key(rows, rows->len - 1), &vni, sizeof(vni)) != 0) {
        (void)pt_dp_rows_add(rows, &vni, NULL);
    }
    uint8_t *at = pt_dp_rows_value(rows, rows->len - 1);
    memcpy(&value, at, sizeof(value));
    if (value.len == PT_NAT_PREFIXES_MAX) {
        return PT_DP_REFUSE(c, reterr, "at most %d in a segment", PT_NAT_PREFIXES_MAX);
    }
    value.maps[value.len].inside = htonl(pt_ip_to_v4(&inside.ip));
    value.maps[value.len].outside = htonl(pt_ip_to_v4(&outside.ip));
    value.maps[value.len].mask = pt_dp_mask(&inside).words[3];
    value.len++;
    memcpy(at, &value, sizeof(value));
    return PT_OK;
}
