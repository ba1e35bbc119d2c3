/* Random translation and firewalls, for test_interpreter.c. */
#include "interpreter.h"

#include "bpf/abi/filter.h"
#include "bpf/abi/nat.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <check.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- policies ------------------------------------------------------------------------------------------------- */

static const uint32_t vnis[] = {100, 200};

static void make_filter_rule(struct ref_model *m, uint32_t vni, uint32_t order)
{
    static const uint32_t protocols[] = {256, 256, 6, 17, 1, 58, 132};
    const uint32_t leads[] = {0, 0, vni, 300 - vni, REF_INTERNET};
    struct ref_filter_rule *r = &m->nat.rules[m->nat.rules_len++];
    *r = (struct ref_filter_rule){
        .vni = vni, .to = leads[any(5)], .protocol = protocols[any(7)], .last = 65535, .allow = one_in(2)};
    if (one_in(2)) {
        r->first = any(100);
        r->last = r->first + any(100);
    }
    say("filter_rule vni=%u order=%u to=%u protocol=%u ports=%u-%u allow=%d", vni, order, r->to, r->protocol, r->first,
        r->last, r->allow);
    if (one_in(3)) {
        say(" source=%s", random_prefix(r->source, &r->source_bits));
    }
    if (one_in(3)) {
        say(" prefix=%s", random_prefix(r->destination, &r->destination_bits));
    }
    say("\n");
}

static void make_filters(struct ref_model *m)
{
    for (size_t i = 0; i < 2; i++) {
        if (one_in(2)) {
            continue;
        }
        struct ref_filter *filter = &m->nat.filters[m->nat.filters_len++];
        *filter = (struct ref_filter){.vni = vnis[i], .reach = one_in(2) ? 300 - vnis[i] : 0, .drop = one_in(3)};
        say("filter vni=%u drop=%d", filter->vni, filter->drop);
        if (filter->reach != 0) {
            say(" reach=%u", filter->reach);
        }
        say("\n");
        for (uint32_t order = 0, count = any(8); order < count; order++) {
            make_filter_rule(m, vnis[i], order);
        }
    }
}

/* Links 1 and 3 have IPv4 addresses. */
static void make_exits(struct ref_model *m)
{
    for (size_t i = 0; i < 2; i++) {
        bool dependent = one_in(3);
        for (uint32_t link = 1; link <= 3; link += 2) {
            if (one_in(3)) {
                continue;
            }
            m->nat.exits[m->nat.exits_len++] = (struct ref_exit){vnis[i], link, dependent};
            say("exit vni=%u link=%u dependent=%d\n", vnis[i], link, dependent);
        }
    }
}

static bool is_forwarded(const struct ref_model *m, const struct ref_forward *new)
{
    for (size_t i = 0; i < m->nat.forwards_len; i++) {
        const struct ref_forward *f = &m->nat.forwards[i];
        if (f->protocol == new->protocol &&
            ((f->link == new->link && f->port == new->port) ||
             (f->vni == new->vni && f->target == new->target &&memcmp(f->address, new->address, 4) == 0))) {
            return true;
        }
    }
    return false;
}

/* To hosts of this site, whose prefix the longest route must be. */
static void make_forwards(struct ref_model *m)
{
    for (uint32_t tries = any(12); tries > 0 && m->routes_len > 0; tries--) {
        const struct ref_route *r = &m->routes[any((uint32_t)m->routes_len)];
        struct ref_forward f = {.link = one_in(2) ? 1 : 3,
                                .protocol = one_in(2) ? 6 : 17,
                                .port = one_in(2) ? 1024 + any(20) : 1 + any(65535),
                                .vni = r->vni,
                                .target = one_in(2) ? 1 + any(210) : 1 + any(65535)};
        uint8_t host[16];
        memcpy(host, r->address, 16);
        if (r->lan == 0 || memcmp(host, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12) != 0 || is_forwarded(m, &f)) {
            continue;
        }
        host[15] = (uint8_t)(r->bits == 128 ? host[15] : host[15] | 1);
        const struct ref_route *there = ref_find_route(m, f.vni, host, true);
        memcpy(f.address, host + 12, 4);
        f.lan = there == NULL ? 0 : there->lan;
        if (f.lan == 0 || is_forwarded(m, &f) || m->nat.forwards_len == REF_NAT_MAX) {
            continue;
        }
        m->nat.forwards[m->nat.forwards_len++] = f;
        say("forward link=%u protocol=%u port=%u vni=%u address=%u.%u.%u.%u target=%u\n", f.link, f.protocol, f.port,
            f.vni, host[12], host[13], host[14], host[15], f.target);
    }
}

/* One for each of few networks, so that no two overlap. */
static void make_prefixes(struct ref_model *m)
{
    for (size_t i = 0; i < 2; i++) {
        for (uint32_t net = 0; net < 6 && !one_in(3); net++) {
            uint32_t bits = 16 + any(15), third = any(4);
            if (one_in(2)) {
                continue;
            }
            struct ref_prefix x = {.vni = vnis[i], .mask = UINT32_MAX << (32 - bits)};
            x.inside = (10U << 24 | net << 16 | third << 8) & x.mask;
            x.outside = (172U << 24 | (16 + net) << 16 | any(256) << 8) & x.mask;
            m->nat.prefixes[m->nat.prefixes_len++] = x;
            say("prefix_map vni=%u prefix=10.%u.%u.0/%u outside=%u.%u.%u.%u\n", x.vni, net, x.inside >> 8 & 255, bits,
                x.outside >> 24, x.outside >> 16 & 255, x.outside >> 8 & 255, x.outside & 255);
        }
    }
}

void make_nat(struct ref_model *m)
{
    memset(&m->nat, 0, sizeof(m->nat));
    make_filters(m);
    make_exits(m);
    make_forwards(m);
    make_prefixes(m);
}

/* ---- the programs' memory ------------------------------------------------------------------------------------- */

uint32_t port_given(void *arg, const struct ref_mapping *wanted)
{
    const struct bed *bed = arg;
    const struct pt_abi_inside key = {.address = htonl(wanted->address),
                                      .vni_class = wanted->vni | wanted->class << 24,
                                      .port = (uint16_t)wanted->inside_port,
                                      .link = (uint16_t)wanted->link};
    uint32_t port = 0;
    int fd = bed_pinned(bed->pins, "pt_nat_out");
    if (bpf_map_lookup_elem(fd, &key, &port) != 0) {
        port = 0;
    }
    (void)close(fd);
    return port;
}

static void forget_mappings(const struct bed *bed, const struct ref_state *state)
{
    int out = bed_pinned(bed->pins, "pt_nat_out"), pools = bed_pinned(bed->pins, "pt_nat_pools"),
        peers = bed_pinned(bed->pins, "pt_nat_peers");
    const struct pt_abi_mapping none = {0};
    for (size_t i = 0; i < state->mappings_len; i++) {
        const struct ref_mapping *x = &state->mappings[i];
        const struct pt_abi_inside key = {.address = htonl(x->address),
                                          .vni_class = x->vni | x->class << 24,
                                          .port = (uint16_t)x->inside_port,
                                          .link = (uint16_t)x->link};
        uint32_t id = 0, link = x->link, place = PT_NAT_PLACE(PT_NAT_INDEX(0, x->class, x->port));
        ck_assert_int_eq(bpf_map_lookup_elem(pools, &link, &id), 0);
        int pool = bpf_map_get_fd_by_id(id);
        ck_assert_int_eq(bpf_map_update_elem(pool, &place, &none, BPF_ANY), 0);
        (void)bpf_map_delete_elem(out, &key);
        (void)close(pool);
    }
    for (size_t i = 0; i < state->peers_len; i++) {
        const struct ref_peer_seen *x = &state->peers[i];
        const struct pt_abi_nat_peer key = {PT_NAT_INDEX(x->link, x->class, x->port), htonl(x->remote)};
        (void)bpf_map_delete_elem(peers, &key);
    }
    int entered = bed_pinned(bed->pins, "pt_nat_entered");
    for (size_t i = 0; i < state->entered_len; i++) {
        const struct ref_entered *x = &state->entered[i];
        const struct pt_abi_flow4_key key = {.source = htonl(x->host),
                                             .destination = htonl(x->remote),
                                             .port_source = (uint16_t)x->port,
                                             .port_destination = (uint16_t)x->remote_port,
                                             .vni_protocol = PT_FLOW_VNI_PROTOCOL(x->vni, x->protocol)};
        (void)bpf_map_delete_elem(entered, &key);
    }
    (void)close(entered);
    (void)close(out);
    (void)close(pools);
    (void)close(peers);
}

void forget_nat(const struct bed *bed, struct ref_state *state)
{
    int v4 = bed_pinned(bed->pins, "pt_tracks4"), v6 = bed_pinned(bed->pins, "pt_tracks6");
    for (size_t i = 0; i < state->tracks_len; i++) {
        struct pt_abi_flow4_key key4 = {0};
        struct pt_abi_flow6_key key6 = {0};
        bool is_v4 = interpreter_key(state->tracks[i].key, &key4, &key6);
        (void)bpf_map_delete_elem(is_v4 ? v4 : v6, is_v4 ? (void *)&key4 : (void *)&key6);
    }
    (void)close(v4);
    (void)close(v6);
    forget_mappings(bed, state);
    ref_state_forget(state);
}

/* ---- packets -------------------------------------------------------------------------------------------------- */

static void set_v4(uint8_t out[16], uint32_t address)
{
    memset(out, 0, 10);
    out[10] = out[11] = 0xff;
    address = htonl(address);
    memcpy(out + 12, &address, 4);
}

bool nat_address(const struct ref_model *m, uint8_t out[16])
{
    if (m->nat.prefixes_len > 0 && one_in(2)) {
        const struct ref_prefix *x = &m->nat.prefixes[any((uint32_t)m->nat.prefixes_len)];
        set_v4(out, (one_in(2) ? x->outside : x->inside) | (any(1U << 16) & ~x->mask));
        return true;
    }
    if (m->nat.forwards_len > 0) {
        const struct ref_forward *f = &m->nat.forwards[any((uint32_t)m->nat.forwards_len)];
        memset(out, 0, 10);
        out[10] = out[11] = 0xff;
        memcpy(out + 12, f->address, 4);
        return true;
    }
    return false;
}

struct knock { /* at which port of a link */
    uint32_t protocol, port, from;
};

static struct knock choose_knock(const struct ref_model *m, const struct ref_state *state, uint32_t link)
{
    struct knock k = {.protocol = one_in(2)   ? 6
                                  : one_in(2) ? 17
                                              : 1,
                      .port = 1024 + any(400),
                      .from = 8U << 24 | any(4) << 8 | any(256)};
    if (one_in(3) && m->nat.forwards_len > 0) {
        const struct ref_forward *f = &m->nat.forwards[any((uint32_t)m->nat.forwards_len)];
        k.protocol = f->protocol;
        k.port = f->port;
    } else if (!one_in(4) && state->mappings_len > 0) {
        static const uint8_t protocols[] = {6, 17, 1};
        const struct ref_mapping *x = &state->mappings[any((uint32_t)state->mappings_len)];
        k.protocol = protocols[x->class];
        k.port = x->port;
    }
    for (unsigned tries = 0; tries < 8 && state->peers_len > 0 && one_in(2); tries++) {
        const struct ref_peer_seen *x = &state->peers[any((uint32_t)state->peers_len)];
        if (x->link == link) {
            k.from = x->remote;
            k.port = x->port;
            break;
        }
    }
    return k;
}

void make_internet(const struct ref_model *m, const struct ref_state *state, struct packet *p, uint32_t ifindex)
{
    uint32_t link = m->links[0].ifindex == ifindex ? 1 : 3;
    struct knock k = choose_knock(m, state, link);
    char source[16], target[16];
    const uint8_t *own = m->links[link - 1].address;
    (void)snprintf(source, sizeof(source), "%u.%u.%u.%u", k.from >> 24, k.from >> 16 & 255, k.from >> 8 & 255,
                   k.from & 255);
    (void)snprintf(target, sizeof(target), "%u.%u.%u.%u", own[12], own[13], own[14], own[15]);
    put_ethernet(p, ETH_P_IP);
    uint32_t ip = put_ipv4(p, source, target, (uint8_t)k.protocol, (uint8_t)any(256));
    if (one_in(8)) {
        p->data[ip + 8] = (uint8_t)any(3);
    }
    if (k.protocol == 6) {
        (void)put_tcp(p, (uint16_t)any(65536), (uint16_t)k.port, (uint8_t)any(256), NULL, 0);
    } else if (k.protocol == 17) {
        uint32_t udp = put_udp(p, (uint16_t)any(65536), (uint16_t)k.port);
        uint16_t check = (uint16_t)(one_in(3) ? 0 : any(65536));
        memcpy(p->data + udp + 6, &check, 2);
    } else {
        const uint8_t echo[8] = {one_in(4) ? 8 : 0, 0, (uint8_t)any(256), (uint8_t)any(256), (uint8_t)(k.port >> 8),
                                 (uint8_t)k.port};
        put(p, echo, sizeof(echo));
    }
    put_payload(p, one_in(8) ? 1400 + any(200) : any(100));
    finish_ipv4(p, ip);
    damage(p);
    if (p->size < ETH_HLEN + 40) { /* BPF_PROG_RUN refuses frames shorter than their network header */
        put_payload(p, ETH_HLEN + 40 - p->size);
    }
    uint32_t l4 = ip + (p->data[ip] & 15) * 4U;
    if (p->data[ip + 9] == 1 && l4 < p->size) {
        uint8_t *type = &p->data[l4];
        *type = *type == 3 || *type == 11 || *type == 12 ? 0 : *type; /* errors are test_nat's */
    }
}

void make_tap(const struct ref_model *m, struct packet *p)
{
    bool v4 = !one_in(3);
    uint32_t vni = vnis[any(2)];
    put_ethernet(p, v4 ? ETH_P_IP : ETH_P_IPV6);
    if (!one_in(2) || !put_answer(p, v4)) {
        put_ip(p, m, v4);
    }
    damage(p);
    if (p->size < ETH_HLEN + 40) {
        put_payload(p, ETH_HLEN + 40 - p->size);
    }
    const uint8_t from[6] = {2, 0x54, 0, 0, (uint8_t)(vni >> 8), (uint8_t)vni};
    const uint16_t ethertype = htons(v4 ? ETH_P_IP : ETH_P_IPV6);
    memcpy(p->data + 6, from, sizeof(from));
    memcpy(p->data + 12, &ethertype, 2);
    if (one_in(50)) {
        p->data[6 + any(6)] ^= (uint8_t)(1U << any(8));
    }
}
