/*
 * The programs against a second implementation (reference.h): random policies with firewalls, mappings, port forwards,
 * prefix maps, groups of traffic classes and strict paths, random packets at hooks lan, wan, its companion, tap and
 * swift; verdict, bytes, what the companion is told, and at the end of each policy every drop counter and what paths
 * sent must agree: all that came in went up, out, or is counted as dropped. Not there: hairpins and ICMP errors about
 * what was translated (test_nat), meters, applications and users (test_lan, test_inspect).
 *
 * Half of a host's packets are one of the last ones again, and between packets paths die, return, break and keep SLAs:
 * so the flow cache answers many, and is asked to forget in every way. It is forgotten whole only every few policies.
 *
 * Packets are mostly sound and near what the policy speaks of, and a quarter of them is damaged: pure noise would be
 * dropped by the first check.
 *
 *   PT_PACKETS   how many in all (default 20,000)        PT_SEED   the first seed; a failure prints its own
 */
#include "interpreter.h"

#include "base/net.h"
#include "bpf/abi/demand.h"
#include "bpf/abi/flow.h"
#include "bpf/abi/hello.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <check.h>
#include <inttypes.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PACKETS_EACH 500 /* of a policy, for each program */
#define TC_REDIRECT 7

#define HISTORY 8
#define POLICIES_A_CACHE 4 /* after so many all flows are forgotten, by both */

static struct bed bed;
static struct ref_flows flows;
static struct ref_state state_of; /* mappings and tracks */
static uint64_t state;            /* of the random numbers; the seed of a policy makes all of it */

uint32_t any(uint32_t below)
{
    state += 0x9e3779b97f4a7c15ULL;
    uint64_t z = state;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
    return (uint32_t)((z ^ z >> 31) >> 16) % below;
}

bool one_in(uint32_t n)
{
    return any(n) == 0;
}

/* ---- policies ------------------------------------------------------------------------------------------------- */

static char text[1 << 18];
static size_t text_size;

void say(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    text_size += (size_t)vsnprintf(text + text_size, sizeof(text) - text_size, format, args);
    va_end(args);
    ck_assert_uint_lt(text_size, sizeof(text));
}

/* ---- steering: written into the maps, as the agent does ------------------------------------------------------- */

static void set_alive(struct ref_path *path, bool alive)
{
    path->state = alive ? PT_PATH_ALIVE : PT_PATH_DEAD;
    bed.dp->ops->set_path_alive(bed.dp, path->id, alive);
    flows.epoch += alive; /* flows see a death by themselves */
}

static void set_breaks(struct ref_path *path, uint64_t slas)
{
    int fd = bed_pinned(bed.pins, "pt_path_sla");
    const struct pt_abi_path_sla words = {.breaks = slas, .held = slas};
    path->breaks = slas;
    ck_assert_int_eq(bpf_map_update_elem(fd, &path->slot, &words, BPF_ANY), 0);
    (void)close(fd);
    bed.dp->ops->ask_again(bed.dp);
    flows.epoch++;
}

static void write_group(int inner, const struct ref_group *g)
{
    struct pt_abi_group_key key = {.site_label = PT_DEMAND_KEY(g->site, g->traffic), .policy_class = g->class};
    struct pt_abi_group value;
    ck_assert_int_eq(bpf_map_lookup_elem(inner, &key, &value), 0);
    ck_assert_uint_eq(value.members_len, g->members_len);
    value.sla = (uint8_t)g->sla;
    value.flags = (uint8_t)((value.flags & PT_GROUP_BY_CLASS) | (g->require ? PT_GROUP_REQUIRE : 0) |
                            (g->follow ? PT_GROUP_FOLLOW : 0));
    value.move = (uint8_t)g->move;
    for (size_t i = 0; i < g->members_len; i++) {
        value.members[i].tier = (uint16_t)g->members[i].tier;
        value.members[i].weight = (uint16_t)g->members[i].weight;
    }
    ck_assert_int_eq(bpf_map_update_elem(inner, &key, &value, BPF_ANY), 0);
}

/* SLA, move mode and tiers of groups as the model has them, in both slots of the bundle map. */
static void write_groups(const struct ref_group *groups, size_t len)
{
    int outer = bed_pinned(bed.pins, "pt_groups");
    for (uint32_t slot = 0; slot < 2; slot++) {
        uint32_t id = 0;
        ck_assert_int_eq(bpf_map_lookup_elem(outer, &slot, &id), 0);
        int inner = bpf_map_get_fd_by_id(id);
        for (size_t i = 0; i < len; i++) {
            write_group(inner, &groups[i]);
        }
        (void)close(inner);
    }
    (void)close(outer);
}

static void set_steering(struct ref_model *m)
{
    for (size_t i = 0; i < m->groups_len; i++) {
        struct ref_group *g = &m->groups[i];
        if (g->class != UINT32_MAX) {
            g->sla = any(4);
            g->require = one_in(2);
            g->follow = one_in(3);
            g->move = one_in(2) ? PT_MOVE_NEW_ONLY : any(3);
        }
    }
    write_groups(m->groups, m->groups_len);
}

/* As a drain does, or a solution. */
static void change_group(struct ref_model *m)
{
    struct ref_group *g = &m->groups[any((uint32_t)m->groups_len)];
    if (g->members_len != 0) {
        struct ref_member *member = &g->members[any((uint32_t)g->members_len)];
        if (one_in(2)) {
            member->tier = any(4) + (member->tier >= PT_TIER_REPAIR ? PT_TIER_REPAIR : 0);
        } else {
            member->weight = 1 + any(256);
        }
        write_groups(g, 1);
        bed.dp->ops->ask_again(bed.dp);
        flows.epoch++;
    }
}

static uint32_t slot_in_use; /* by a flow of late */

static void change_something(struct ref_model *m)
{
    if (m->paths_len == 0) {
        return;
    }
    if (m->groups_len != 0 && one_in(3)) {
        change_group(m);
        return;
    }
    struct ref_path *path = &m->paths[any((uint32_t)m->paths_len)];
    bool used = one_in(2);
    for (size_t i = 0; i < m->paths_len && used; i++) { /* rather one that a flow is on */
        path = m->paths[i].slot == slot_in_use ? &m->paths[i] : path;
    }
    if (one_in(2)) {
        set_alive(path, path->state == PT_PATH_DEAD);
    } else {
        set_breaks(path, any(8));
    }
}

/* ---- the cache ------------------------------------------------------------------------------------------------ */

bool interpreter_key(const uint8_t key[44], struct pt_abi_flow4_key *v4, struct pt_abi_flow6_key *v6)
{
    uint32_t rest[3];
    memcpy(rest, key + 32, sizeof(rest));
    v4->vni_protocol = v6->vni_protocol = PT_FLOW_VNI_PROTOCOL(rest[0], rest[1]);
    v4->port_source = v6->port_source = (uint16_t)(rest[2] >> 16);
    v4->port_destination = v6->port_destination = (uint16_t)rest[2];
    memcpy(&v4->source, key + 12, 4);
    memcpy(&v4->destination, key + 28, 4);
    memcpy(&v6->source, key, 16);
    memcpy(&v6->destination, key + 16, 16);
    return memcmp(key, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12) == 0 &&
           memcmp(key + 16, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12) == 0;
}

/* The flow had a pause: see struct ref_flows. */
static void pause_flow(const struct ref_flow *flow)
{
    struct pt_abi_flow4_key v4 = {0};
    struct pt_abi_flow6_key v6 = {0};
    struct pt_abi_flow value;
    bool is_v4 = interpreter_key(flow->key, &v4, &v6);
    const void *key = is_v4 ? (void *)&v4 : (void *)&v6;
    int fd = bed_pinned(bed.pins, is_v4 ? "pt_flows4" : "pt_flows6");
    if (bpf_map_lookup_elem(fd, key, &value) == 0) {
        value.seen -= 1000000;
        ck_assert_int_eq(bpf_map_update_elem(fd, key, &value, BPF_EXIST), 0);
    }
    (void)close(fd);
}

static void forget_flows(void)
{
    int v4 = bed_pinned(bed.pins, "pt_flows4"), v6 = bed_pinned(bed.pins, "pt_flows6"),
        door = bed_pinned(bed.pins, "pt_door");
    for (size_t i = 0; i < flows.len; i++) {
        struct pt_abi_flow4_key key4 = {0};
        struct pt_abi_flow6_key key6 = {0};
        bool is_v4 = interpreter_key(flows.list[i].key, &key4, &key6);
        (void)bpf_map_delete_elem(is_v4 ? v4 : v6, is_v4 ? (void *)&key4 : (void *)&key6);
    }
    for (uint32_t i = 0; i < REF_DOOR; i++) {
        uint32_t none = 0;
        if (flows.door[i] != 0) {
            ck_assert_int_eq(bpf_map_update_elem(door, &i, &none, BPF_ANY), 0);
            flows.door[i] = 0;
        }
    }
    flows.len = 0;
    (void)close(v4);
    (void)close(v6);
    (void)close(door);
    forget_nat(&bed, &state_of);
}

static void make_policy(struct ref_model *m)
{
    memset(m, 0, sizeof(*m));
    text_size = 0;
    m->site = 1;
    m->lan_mtu = 1500;
    say("node site=1\nlan if=lan0 vni=100\nlan if=lan1 vni=%u\n", one_in(2) ? 200 : 100);
    m->lans[0] = (struct ref_lan){bed.lan0, 100};
    m->lans[1] = (struct ref_lan){bed.lan1, strstr(text, "lan1 vni=200") != NULL ? 200 : 100};
    m->lans_len = 2;
    make_entries(m, &bed);
    bed_apply(&bed, text);
    flows.generation++;
    for (size_t i = 0; i < m->paths_len; i++) {
        struct ref_path *path = &m->paths[i];
        path->slot = bed.dp->ops->path_slot(bed.dp, path->id);
        ck_assert_uint_ne(path->slot, 0);
        set_alive(path, !one_in(4));
        set_breaks(path, one_in(2) ? any(8) : 0);
    }
    set_steering(m);
}

/* ---- packets -------------------------------------------------------------------------------------------------- */

/* An address that the policy speaks of, mostly. */
static void random_address(const struct ref_model *m, bool v4, uint8_t out[16])
{
    for (unsigned tries = 0; tries < 20 && m->routes_len > 0 && !one_in(8); tries++) {
        const struct ref_route *r = &m->routes[any((uint32_t)m->routes_len)];
        bool route_v4 = memcmp(r->address, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12) == 0;
        if (route_v4 != v4) {
            continue;
        }
        for (unsigned i = 0; i < 16; i++) {
            out[i] = (uint8_t)any(256);
        }
        for (unsigned i = 0; i < r->bits; i++) {
            uint8_t bit = (uint8_t)(0x80 >> i % 8);
            out[i / 8] = (uint8_t)((out[i / 8] & ~bit) | (r->address[i / 8] & bit));
        }
        return;
    }
    if (v4 && !one_in(3) && nat_address(m, out)) {
        return;
    }
    char name[64];
    if (v4) {
        static const uint8_t first[] = {10, 10, 224, 255, 169, 127, 8};
        (void)snprintf(name, sizeof(name), "%u.%u.%u.%u", first[any(7)], one_in(4) ? 254 : any(6), any(4), any(256));
    } else {
        static const char *const first[] = {"2001:db8", "2001:db8", "ff02", "fe80", "fec0"};
        (void)snprintf(name, sizeof(name), "%s:%x:%x::%x", first[any(5)], any(4), any(4), any(1000));
    }
    address_of(name, out);
}

static struct {
    struct packet packet;
    uint32_t ifindex;
} history[HISTORY];
static size_t history_len;

static struct packet arrivals[HISTORY]; /* what hosts got of late */
static size_t arrivals_len;

static void remember_arrival(const struct ref_verdict *want)
{
    if (want->action == REF_SEND && !want->translated) {
        arrivals[arrivals_len < HISTORY ? arrivals_len++ : any(HISTORY)] = want->out;
    }
}

static const struct packet *recent(void)
{
    if (arrivals_len > 0 && (history_len == 0 || one_in(2))) {
        return &arrivals[any((uint32_t)arrivals_len)];
    }
    return history_len == 0 ? NULL : &history[any((uint32_t)history_len)].packet;
}

/* What answers one of the last packets of hosts, or to hosts: source and destination change places. False: none of this
 * family. */
bool put_answer(struct packet *p, bool v4)
{
    const struct packet *in = recent();
    const uint32_t ip = p->size, header = v4 ? 20 : 40, at = v4 ? 12 : 8, size = v4 ? 4 : 16;
    if (in == NULL || in->size < ETH_HLEN + header + 4 || in->data[ETH_HLEN] >> 4 != (v4 ? 4 : 6)) {
        return false;
    }
    put(p, in->data + ETH_HLEN, in->size - ETH_HLEN);
    memcpy(p->data + ip + at, in->data + ETH_HLEN + at + size, size);
    memcpy(p->data + ip + at + size, in->data + ETH_HLEN + at, size);
    uint8_t protocol = p->data[ip + (v4 ? 9 : 6)], *l4 = p->data + ip + header;
    if (protocol == 6 || protocol == 17 || protocol == 132) {
        const uint8_t ports[4] = {l4[2], l4[3], l4[0], l4[1]};
        memcpy(l4, ports, sizeof(ports));
    } else if (protocol == 1 || protocol == 58) { /* an echo's question becomes its answer */
        l4[0] = protocol == 1 ? (l4[0] == 8 ? 0 : 8) : l4[0] == 128 ? 129 : 128;
    }
    return true;
}

/* TCP with options, UDP, or something else; returns the protocol. */
static uint8_t put_l4(struct packet *p)
{
    static const uint8_t others[] = {1, 58, 132, 136, 33, 47, 50, 59, 255};
    uint16_t source = (uint16_t)any(65536), port = (uint16_t)(one_in(3) ? any(65536) : any(210));
    uint8_t options[40];
    switch (any(5)) {
    case 0:
    case 1: {
        size_t size = 4 * any(11);
        memset(options, 1, sizeof(options));
        for (size_t at = any(4); at + 4 <= size; at += 4 + any(4)) {
            static const uint8_t kinds[] = {2, 2, 2, 3, 8, 0, 1, 5};
            options[at] = kinds[any(8)];
            options[at + 1] = one_in(6) ? (uint8_t)any(12) : 4;
            options[at + 2] = (uint8_t)any(8);
            options[at + 3] = (uint8_t)any(256);
        }
        uint32_t tcp = put_tcp(p, source, port, one_in(2) ? TH_SYN : (uint8_t)any(256), options, size);
        p->data[tcp + 16] = (uint8_t)any(256);
        p->data[tcp + 17] = (uint8_t)any(256);
        return 6;
    }
    case 2:
    case 3:
        (void)put_udp(p, source, port);
        return 17;
    default: {
        uint8_t some[8] = {(uint8_t)any(256), 0, (uint8_t)any(256)};
        put(p, some, sizeof(some));
        return others[any(sizeof(others))];
    }
    }
}

static size_t payload_size(void)
{
    switch (any(6)) {
    case 0:
        return 0;
    case 1:
        return 400 + any(1200);
    case 2:
        return any(1500);
    default:
        return any(120);
    }
}

/* IP header, perhaps options or extension headers, L4, payload. */
void put_ip(struct packet *p, const struct ref_model *m, bool v4)
{
    uint8_t source[16], destination[16], headers[64] = {0};
    uint32_t ip = p->size;
    random_address(m, v4, source);
    random_address(m, v4, destination);
    if (v4) {
        uint32_t words = one_in(6) ? 5 + any(11) : 5;
        headers[0] = (uint8_t)(0x40 | words);
        headers[1] = (uint8_t)any(256);
        headers[6] = one_in(2) ? 0x40 : one_in(6) ? (uint8_t)any(256) : 0;
        headers[8] = one_in(8) ? (uint8_t)any(3) : (uint8_t)any(256);
        memcpy(headers + 12, source + 12, 4);
        memcpy(headers + 16, destination + 12, 4);
        put(p, headers, words * 4);
        p->data[ip + 9] = put_l4(p);
        put_payload(p, payload_size());
        finish_ipv4(p, ip);
        return;
    }
    headers[0] = (uint8_t)(0x60 | any(16));
    headers[1] = (uint8_t)any(256);
    headers[7] = one_in(8) ? (uint8_t)any(3) : (uint8_t)any(256);
    memcpy(headers + 8, source, 16);
    memcpy(headers + 24, destination, 16);
    put(p, headers, 40);
    uint32_t next = ip + 6;
    for (uint32_t count = one_in(4) ? any(7) : 0; count > 0; count--) {
        static const uint8_t kinds[] = {0, 43, 60, 44};
        uint8_t extension[24] = {0};
        p->data[next] = kinds[any(4)];
        extension[1] = p->data[next] == 44 ? 0 : (uint8_t)any(3);
        next = p->size;
        put(p, extension, 8 + extension[1] * 8U);
    }
    uint8_t protocol = put_l4(p);
    p->data[next] = protocol;
    put_payload(p, payload_size());
    finish_ipv6(p, ip);
}

void damage(struct packet *p)
{
    if (one_in(4)) {
        for (uint32_t i = 1 + any(3); i > 0; i--) {
            uint32_t reach = one_in(2) || p->size < 100 ? p->size : 100; /* headers more than payload */
            p->data[any(reach)] ^= (uint8_t)(one_in(2) ? 1U << any(8) : any(256));
        }
    }
    if (one_in(12)) {
        p->size = ETH_HLEN + any(p->size - ETH_HLEN + 1);
    } else if (one_in(12) && p->size + 60 < PACKET_MAX) {
        put_payload(p, any(60)); /* padding behind the packet */
    }
}

static void make_lan(const struct ref_model *m, struct packet *p)
{
    bool v4 = !one_in(3);
    put_ethernet(p, v4 ? ETH_P_IP : ETH_P_IPV6);
    if (!one_in(6) || !put_answer(p, v4)) {
        put_ip(p, m, v4);
    }
    damage(p);
    if (p->size < ETH_HLEN + 40) { /* BPF_PROG_RUN refuses frames shorter than their network header */
        put_payload(p, ETH_HLEN + 40 - p->size);
    }
}

static void put_hello(struct packet *p)
{
    uint8_t hello[56] = {0x50, 0x54, 0x48, 0x45, 1, one_in(4) ? 2 : 1, (uint8_t)any(8)};
    for (unsigned i = 7; i < sizeof(hello); i++) {
        hello[i] = (uint8_t)any(256);
    }
    put(p, hello, sizeof(hello));
}

static void make_wan(const struct ref_model *m, struct packet *p, uint32_t ifindex)
{
    static const uint16_t ports[] = {6081, 6081, 6081, 6081, 6082, 6083, 6084};
    uint32_t stack[PT_STACK_LEN_MAX], stack_len = one_in(2) ? 0 : 1 + any(PT_STACK_LEN_MAX), link;
    do {
        link = any(4);
    } while (m->links[link].ifindex != ifindex && !one_in(10));
    const uint8_t *own = m->links[link].address, *from = own;
    for (unsigned tries = 0; tries < 30 && m->peers_len > 0; tries++) {
        const struct ref_peer *peer = &m->peers[any((uint32_t)m->peers_len)];
        if ((memcmp(peer->address, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12) == 0) == (link % 2 == 0) &&
            (peer->ifindex == ifindex || one_in(10))) {
            from = peer->address;
            break;
        }
    }
    char source[PT_IP_TEXT_SIZE], target[PT_IP_TEXT_SIZE];
    struct pt_ip a, b;
    memcpy(a.bytes, from, 16);
    memcpy(b.bytes, own, 16);
    (void)pt_ip_format(&a, source);
    (void)pt_ip_format(&b, target);
    bool v4 = link % 2 == 0, inner4 = !one_in(3), hello = one_in(6);
    put_ethernet(p, v4 ? ETH_P_IP : ETH_P_IPV6);
    uint32_t ip = v4 ? put_ipv4(p, source, target, IPPROTO_UDP, (uint8_t)any(256))
                     : put_ipv6(p, source, target, IPPROTO_UDP, (uint8_t)any(256));
    uint32_t udp = put_udp(p, (uint16_t)any(65536), ports[any(7)]);
    for (uint32_t i = 0; i < stack_len; i++) {
        stack[i] = one_in(6) ? any(0xfffff) : 2 + any(6);
    }
    uint32_t geneve = put_geneve(p,
                                 hello       ? 0
                                 : one_in(3) ? 200
                                             : 100,
                                 hello    ? PT_HELLO_PROTOCOL
                                 : inner4 ? ETH_P_IP
                                          : ETH_P_IPV6,
                                 hello || one_in(10) ? PT_GENEVE_CONTROL : 0, stack, stack_len);
    if (stack_len != 0 && one_in(4)) {
        p->data[geneve + 8 + 3] |= PT_OPTION_REPAIRED;
    }
    if (stack_len != 0 && one_in(3)) {
        p->data[geneve + 8 + 3] |= PT_OPTION_STRICT;
    }
    if (hello) {
        put_hello(p);
    } else if (!one_in(2) || !put_answer(p, inner4)) {
        put_ip(p, m, inner4);
    }
    finish_udp_size(p, udp);
    if (v4) {
        finish_ipv4(p, ip);
    } else {
        finish_ipv6(p, ip);
    }
    if (one_in(4)) { /* a checksum: whole, or left to hardware */
        uint16_t check = (uint16_t)any(65536);
        memcpy(p->data + udp + 6, &check, 2);
    }
    damage(p);
    if (v4 && p->size > ip + 20 && !one_in(4)) { /* most damage is not to be found out by the first sum */
        p->data[ip + 10] = p->data[ip + 11] = 0;
        uint16_t sum = htons((uint16_t)~sum16(p->data + ip, 20, 0));
        memcpy(p->data + ip + 10, &sum, 2);
    }
}

/* ---- comparing ------------------------------------------------------------------------------------------------ */

static struct tally {
    uint64_t packets, up, sent, dropped, fast, by_paths, mismatches;
    uint64_t strict, strict_dropped, repaired; /* in transit */
    uint64_t drops[PT_DROP_LEN_MAX], seen[PT_DROP_LEN_MAX];
} tally;

static void print_bytes(const char *name, const struct packet *p)
{
    fprintf(stderr, "  %s (%u):", name, p->size);
    for (uint32_t i = 0; i < p->size && i < 160; i++) {
        fprintf(stderr, "%s%02x", i % 4 == 0 ? " " : "", p->data[i]);
    }
    fprintf(stderr, "\n");
}

static void mismatch(const char *what, uint64_t seed, const struct packet *in, const struct run *run,
                     const struct ref_verdict *want)
{
    tally.mismatches++;
    if (tally.mismatches > 5) {
        return;
    }
    fprintf(stderr, "MISMATCH %s: PT_SEED=%" PRIu64 " verdict %d, reference %d reason %u\n", what, seed, run->verdict,
            (int)want->action, want->reason);
    print_bytes("in", in);
    print_bytes("program", &run->out);
    print_bytes("reference", &want->out);
}

static bool same_bytes(const struct run *run, const struct ref_verdict *want)
{
    return run->out.size == want->out.size && memcmp(run->out.data, want->out.data, want->out.size) == 0;
}

static void note(const struct ref_verdict *want)
{
    tally.packets++;
    tally.up += want->action == REF_UP;
    tally.sent += want->action == REF_SEND;
    tally.dropped += want->action == REF_DROP;
    tally.by_paths += want->by_path;
    tally.strict += want->strict && want->action == REF_SEND;
    tally.strict_dropped += want->strict && want->action == REF_DROP && want->reason == PT_DROP_NO_PATH;
    tally.repaired += want->repaired;
    if (want->action == REF_DROP) {
        tally.drops[want->reason]++;
    }
    if (want->reported != 0) {
        tally.drops[want->reported]++;
    }
}

/* A new packet, or one of the last ones again, perhaps with another DSCP. */
static uint32_t next_lan(const struct ref_model *m, struct packet *in)
{
    if (history_len == 0 || one_in(2)) {
        uint32_t ifindex = one_in(4) ? bed.lan1 : bed.lan0;
        make_lan(m, in);
        return ifindex;
    }
    size_t at = any((uint32_t)history_len);
    *in = history[at].packet;
    if (one_in(10) && in->data[ETH_HLEN] >> 4 == 6) {
        in->data[ETH_HLEN] = (uint8_t)(0x60 | any(16));
        in->data[ETH_HLEN + 1] = (uint8_t)any(256);
    } else if (one_in(10) && in->size >= ETH_HLEN + 20 && in->data[ETH_HLEN] == 0x45) {
        in->data[ETH_HLEN + 1] = (uint8_t)any(256);
        in->data[ETH_HLEN + 10] = in->data[ETH_HLEN + 11] = 0;
        uint16_t sum = htons((uint16_t)~sum16(in->data + ETH_HLEN, 20, 0));
        memcpy(in->data + ETH_HLEN + 10, &sum, 2);
    }
    return history[at].ifindex;
}

/* Mostly those that go somewhere: what is malformed today is so tomorrow. */
static void remember(const struct packet *in, uint32_t ifindex, const struct ref_verdict *want)
{
    if (want->action != REF_SEND && !one_in(16)) {
        return;
    }
    size_t at = history_len < HISTORY ? history_len++ : any(HISTORY);
    history[at].packet = *in;
    history[at].ifindex = ifindex;
}

/* Hook swift, on a packet that hook lan just judged: it sends the same bytes behind other Ethernet addresses, or leaves
 * the packet as it is to lan. */
static void compare_swift(const struct run_options *options, const struct packet *in, const struct ref_verdict *want,
                          uint64_t seed)
{
    struct run run = run_swift(&bed, in, *options);
    bool same = run.verdict == XDP_PASS && run.out.size == in->size && memcmp(run.out.data, in->data, in->size) == 0;
    if (run.verdict == XDP_REDIRECT) {
        same = want->action == REF_SEND && want->reported == 0 && run.out.size == want->out.size &&
               memcmp(run.out.data + 12, want->out.data + 12, want->out.size - 12) == 0;
        tally.fast++;
        tally.by_paths += want->by_path;
    }
    if (!same) {
        mismatch("swift", seed, in, &run, want);
    }
}

static const int tc_verdicts[] = {[REF_UP] = TC_ACT_OK, [REF_DROP] = TC_ACT_SHOT, [REF_SEND] = TC_REDIRECT};

/* The program goes first: which port it gave to a new mapping is asked of it. A flow that is known had a pause. */
static void compare_lan(const struct ref_model *m, uint64_t seed)
{
    struct packet in;
    struct ref_verdict want;
    struct run_options options = {.ifindex = next_lan(m, &in)};
    const struct ref_flow *known = ref_known(m, &flows, options.ifindex, &in);
    if (known != NULL) {
        pause_flow(known);
    }
    struct run run = run_lan_with(&bed, &in, options);
    ref_lan(m, &flows, &state_of, options.ifindex, &in, &want);
    if (flows.last != NULL) {
        slot_in_use = flows.last->kept == 1 /* a path */ ? flows.last->out : slot_in_use;
    }
    remember(&in, options.ifindex, &want);
    note(&want);
    if (run.verdict != tc_verdicts[want.action] || (want.action != REF_DROP && !same_bytes(&run, &want))) {
        mismatch("lan", seed, &in, &run, &want);
    }
    compare_swift(&options, &in, &want, seed);
}

static void compare_internet(const struct ref_model *m, uint64_t seed)
{
    struct packet in;
    struct ref_verdict want;
    struct run_options options = {.ifindex = one_in(2) ? bed.wan1 : bed.wan0};
    make_internet(m, &state_of, &in, options.ifindex);
    ref_internet(m, &state_of, options.ifindex, &in, &want);
    struct run run = run_wan_tc_with(&bed, &in, options);
    note(&want);
    if (run.verdict != tc_verdicts[want.action] || (want.action != REF_DROP && !same_bytes(&run, &want))) {
        mismatch("wan_tc", seed, &in, &run, &want);
    }
}

static void compare_tap(const struct ref_model *m, uint64_t seed)
{
    struct packet in;
    struct ref_verdict want;
    make_tap(m, &in);
    ref_tap(m, &state_of, &in, &want);
    remember_arrival(&want);
    struct run run = run_tap(if_nametoindex("lo"), &in);
    note(&want);
    if (run.verdict != tc_verdicts[want.action] || (want.action != REF_DROP && !same_bytes(&run, &want))) {
        mismatch("tap", seed, &in, &run, &want);
    }
}

static void compare_wan(const struct ref_model *m, uint64_t seed)
{
    struct packet in;
    struct ref_verdict want;
    struct run_options options = {.ifindex = one_in(2) ? bed.wan1 : bed.wan0};
    make_wan(m, &in, options.ifindex);
    ref_wan(m, &state_of, options.ifindex, &in, &want);
    if (want.ifindex == bed.lan0 || want.ifindex == bed.lan1) { /* to a host */
        remember_arrival(&want);
    }
    struct run run = run_wan_with(&bed, &in, options);
    note(&want);
    bool same = run.verdict == (want.action == REF_DROP ? XDP_DROP : XDP_PASS);
    if (want.action != REF_DROP) {
        same &= same_bytes(&run, &want) && run.handed_over == (want.action == REF_SEND);
    }
    if (want.action == REF_SEND && run.handed_over) {
        same &= run.meta.ifindex == want.ifindex && run.meta.family == want.family &&
                ntohl(run.meta.outside) == want.outside &&
                (want.family == 0 || memcmp(&run.meta.nexthop, want.nexthop, 16) == 0);
    }
    if (!same) {
        mismatch("wan", seed, &in, &run, &want);
    }
}

struct counted {
    uint64_t drops[PT_DROP_LEN_MAX], by_paths;
};

static void take_drop(void *arg, const struct pt_dp_drop *drop)
{
    ((struct counted *)arg)->drops[drop->reason] = drop->packets;
}

static void take_path(void *arg, const struct pt_dp_path_counters *counters)
{
    ((struct counted *)arg)->by_paths += counters->tx_packets;
}

static uint64_t sent_by_paths(void)
{
    struct counted now = {0};
    bed.dp->ops->counters(bed.dp, take_path, take_drop, &now);
    return now.by_paths;
}

/* What was counted since the policy began is what should have been: every packet went up, or out, or is among those
 * dropped for a reason; and what went out by paths is what they counted. */
static void compare_counters(uint64_t seed, uint64_t paths_before)
{
    struct counted counted = {0};
    bed.dp->ops->counters(bed.dp, take_path, take_drop, &counted);
    const uint64_t *now = counted.drops;
    if (counted.by_paths - paths_before != tally.by_paths) {
        tally.mismatches++;
        fprintf(stderr, "MISMATCH paths: PT_SEED=%" PRIu64 " counted %" PRIu64 ", reference %" PRIu64 "\n", seed,
                counted.by_paths - paths_before, tally.by_paths);
    }
    tally.by_paths = 0;
    for (size_t i = 0; i < PT_DROP_LEN_MAX; i++) {
        if (now[i] - tally.seen[i] != tally.drops[i]) {
            tally.mismatches++;
            fprintf(stderr,
                    "MISMATCH drops: PT_SEED=%" PRIu64 " reason %zu counted %" PRIu64 ", reference %" PRIu64 "\n", seed,
                    i, now[i] - tally.seen[i], tally.drops[i]);
        }
        tally.seen[i] = now[i];
        tally.drops[i] = 0;
    }
}

START_TEST(programs_and_reference_agree)
{
    static struct ref_model model;
    const char *wanted_text = getenv("PT_PACKETS"), *seed_text = getenv("PT_SEED");
    uint64_t wanted = wanted_text != NULL ? strtoull(wanted_text, NULL, 10) : 20000;
    uint64_t seed = seed_text != NULL ? strtoull(seed_text, NULL, 10) : (uint64_t)time(NULL), policies = 0;
    uint64_t reasons[PT_DROP_LEN_MAX] = {0};
    /* What hosts' kernels said of themselves before there was a bundle is not ours to explain. */
    struct counted before = {0};
    bed.dp->ops->counters(bed.dp, take_path, take_drop, &before);
    memcpy(tally.seen, before.drops, sizeof(tally.seen));
    state_of.port_of = port_given;
    state_of.arg = &bed;
    for (; tally.packets < wanted && tally.mismatches == 0; seed++, policies++) {
        state = seed;
        if (policies % POLICIES_A_CACHE == 0) {
            forget_flows();
            history_len = arrivals_len = 0;
        }
        make_policy(&model);
        uint64_t paths_before = sent_by_paths();
        if (policies == 1) { /* from here on there is a tunnel device: any interface does */
            ck_assert_int_eq(bed.dp->ops->set_tunnel(bed.dp, if_nametoindex("lo"), NULL), PT_OK);
        }
        model.tunnel = policies > 0;
        for (unsigned i = 0; i < PACKETS_EACH; i++) {
            if (one_in(6)) {
                change_something(&model);
            }
            compare_lan(&model, seed);
            compare_wan(&model, seed);
            compare_internet(&model, seed);
            if (model.tunnel) {
                compare_tap(&model, seed);
            }
        }
        for (size_t i = 0; i < PT_DROP_LEN_MAX; i++) {
            reasons[i] += tally.drops[i];
        }
        compare_counters(seed, paths_before);
    }
    printf("interpreter: packets %" PRIu64 " policies %" PRIu64 " up %" PRIu64 " sent %" PRIu64 " dropped %" PRIu64
           " mismatches %" PRIu64 "\n",
           tally.packets, policies, tally.up, tally.sent, tally.dropped, tally.mismatches);
    printf("interpreter: sent by hook swift too %" PRIu64 "\n", tally.fast);
    printf("interpreter: known flows %" PRIu64 ", of which %" PRIu64
           " stayed on a path that was not the choice any more, and %" PRIu64 " followed a share\n",
           flows.hits + flows.stays + flows.follows, flows.stays, flows.follows);
    printf("interpreter: by the group of a traffic class %" PRIu64 "; strict packets sent on %" PRIu64
           ", without a way %" PRIu64 "; led round a failure %" PRIu64 "\n",
           flows.by_class, tally.strict, tally.strict_dropped, tally.repaired);
    printf("interpreter: mappings %" PRIu64 ", answers by a track %" PRIu64 ", refused by a firewall %" PRIu64 "\n",
           state_of.made, state_of.answered, state_of.refused);
#define PRINT(name, number, label, words, remedy)                        \
    if (reasons[number] != 0) {                                          \
        printf("interpreter: %s %" PRIu64 "\n", label, reasons[number]); \
    }
    PT_DROPS(PRINT)
#undef PRINT
    ck_assert_uint_eq(tally.mismatches, 0);
    ck_assert_uint_gt(tally.sent, tally.packets / 20); /* the packets are about something */
    ck_assert_uint_gt(tally.up, 0);
    ck_assert_uint_gt(flows.hits, 0);
    ck_assert_uint_gt(tally.fast, 0);
    ck_assert_uint_gt(flows.by_class, 0);
    ck_assert_uint_gt(tally.strict, 0);
    ck_assert_uint_gt(tally.strict_dropped, 0);
    ck_assert_uint_gt(tally.repaired, 0);
    ck_assert_uint_gt(state_of.made, 0);
    ck_assert_uint_gt(state_of.answered, 0);
    ck_assert_uint_gt(state_of.refused, 0);
}
END_TEST

/* Hook swift sends to neighbours that the kernel knows. */
static bool open_neighbours(void)
{
    return system("set -e; sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1\n"
                  "ip addr add 192.0.2.1/24 dev wan0; ip addr add 198.51.100.1/24 dev wan1\n"
                  "ip addr add 2001:db8:fe::1/64 dev wan0 nodad; ip addr add 2001:db8:ff::1/64 dev wan1 nodad\n"
                  "ip neigh replace 192.0.2.254 lladdr 02:00:00:00:00:01 dev wan0\n"
                  "ip neigh replace 2001:db8:ff::fe lladdr 02:00:00:00:00:02 dev wan1\n"
                  "ip route add 203.0.112.0/24 dev wan1; ip route add 2001:db8:111::/64 dev wan0\n"
                  "for i in 2 3 4 5 6; do ip neigh replace 203.0.112.$i lladdr 02:00:00:00:00:03 dev wan1\n"
                  "ip neigh replace 2001:db8:111::$i lladdr 02:00:00:00:00:04 dev wan0; done") == 0;
}

int main(void)
{
    if (!bed_possible()) {
        return 77;
    }
    bed_open_swift(&bed, "node site=1\n"
                         "link id=1 if=wan0 address=192.0.2.1\n"
                         "link id=3 if=wan1 address=198.51.100.1\n"
                         "lan if=lan0 vni=100\nlan if=lan1 vni=100\n"
                         "route vni=100 prefix=10.2.0.0/16 site=2\n"
                         "tunnel id=1 link=1 remote=192.0.2.2 site=2\n"
                         "path id=11 tunnel=1 site=2\n"
                         "exit vni=100 link=1\nexit vni=100 link=3\n");
    if (!open_neighbours()) {
        fprintf(stderr, "cannot name the neighbours\n");
        return EXIT_FAILURE;
    }
    Suite *suite = suite_create("interpreter");
    TCase *tc = tcase_create("interpreter");
    tcase_set_timeout(tc, 3600);
    tcase_add_test(tc, programs_and_reference_agree);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    bed_close(&bed);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
