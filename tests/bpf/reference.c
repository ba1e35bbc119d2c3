/* The interpreter of reference.h. Offsets are from the start of the frame; numbers are read byte by byte. */
#include "reference_priv.h"

#include <arpa/inet.h>
#include <string.h>

uint32_t ref_get16(const uint8_t *p)
{
    return (uint32_t)p[0] << 8 | p[1];
}

uint32_t ref_get32(const uint8_t *p)
{
    return ref_get16(p) << 16 | ref_get16(p + 2);
}

void ref_set16(uint8_t *p, uint32_t value)
{
    p[0] = (uint8_t)(value >> 8);
    p[1] = (uint8_t)value;
}

static void set32(uint8_t *p, uint32_t value)
{
    ref_set16(p, value >> 16);
    ref_set16(p + 2, value & 0xffff);
}

/* RFC 1071: the checksum of bytes, with a sum of words besides. */
static uint32_t checksum(const uint8_t *p, size_t size, uint32_t sum)
{
    return (uint16_t)~sum16(p, size, sum);
}

/* RFC 1624, equation 4: what a checksum becomes when one word of what it covers changes. */
uint32_t ref_checksum_changed(uint32_t check, uint32_t from, uint32_t to)
{
    uint32_t sum = ((~check & 0xffff) + (~from & 0xffff)); /* one's complement: a carry out comes back in */
    sum = (sum & 0xffff) + (sum >> 16);
    sum += to;
    sum = (sum & 0xffff) + (sum >> 16);
    return ~sum & 0xffff;
}

void ref_v4_mapped(const uint8_t *v4, uint8_t out[16])
{
    memset(out, 0, 10);
    out[10] = out[11] = 0xff;
    memcpy(out + 12, v4, 4);
}

bool ref_is_v4(const uint8_t address[16])
{
    static const uint8_t prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    return memcmp(address, prefix, 12) == 0;
}

bool ref_in_prefix(const uint8_t *address, const uint8_t *prefix, unsigned bits)
{
    for (unsigned i = 0; i < bits; i++) {
        if (((address[i / 8] ^ prefix[i / 8]) >> (7 - i % 8) & 1) != 0) {
            return false;
        }
    }
    return true;
}

void ref_begin(struct ref_verdict *v, const struct packet *in)
{
    memset(v, 0, offsetof(struct ref_verdict, out));
    v->action = REF_UP;
    v->out = *in;
}

void ref_drop(struct ref_verdict *v, uint32_t reason)
{
    v->action = REF_DROP;
    v->reason = reason;
}

/* ---- the policy ----------------------------------------------------------------------------------------------- */

/* Longest prefix of the segment; IPv4 destinations look among IPv4 prefixes only. */
const struct ref_route *ref_find_route(const struct ref_model *m, uint32_t vni, const uint8_t *address, bool v4)
{
    const struct ref_route *best = NULL;
    for (size_t i = 0; i < m->routes_len; i++) {
        const struct ref_route *r = &m->routes[i];
        if (r->vni == vni && ref_is_v4(r->address) == v4 && ref_in_prefix(address, r->address, r->bits) &&
            (best == NULL || r->bits > best->bits)) {
            best = r;
        }
    }
    return best;
}

const struct ref_group *ref_find_group(const struct ref_model *m, uint32_t site, uint32_t class)
{
    for (size_t i = 0; i < m->groups_len; i++) {
        if (m->groups[i].site == site && m->groups[i].class == class && m->groups[i].traffic == 0) {
            return &m->groups[i];
        }
    }
    return NULL;
}

/* RFC 4594 in short: which DSCPs are REALTIME, INTERACTIVE, STREAMING, BULK; the rest is STANDARD. */
static uint32_t class_of(uint32_t dscp)
{
    static const uint8_t of[64] = {
        [32] = 1, [34] = 1, [36] = 1, [38] = 1, [40] = 1, [44] = 1, [46] = 1, [16] = 2, [18] = 2, [20] = 2, [22] = 2,
        [48] = 2, [56] = 2, [24] = 3, [26] = 3, [28] = 3, [30] = 3, [1] = 5,  [8] = 5,  [10] = 5, [12] = 5, [14] = 5};
    return of[dscp] == 0 ? 4 : of[dscp];
}

const struct ref_group *ref_group_for(const struct ref_model *m, const struct ref_group *g, uint32_t dscp)
{
    for (size_t i = 0; i < m->groups_len; i++) {
        const struct ref_group *own = &m->groups[i];
        if (own->site == g->site && own->class == g->class && own->traffic == class_of(dscp)) {
            return own;
        }
    }
    return g;
}

/* The finaliser of MurmurHash3. */
uint32_t ref_mix(uint32_t h)
{
    h = (h ^ h >> 16) * 0x85ebca6bU;
    h = (h ^ h >> 13) * 0xc2b2ae35U;
    return h ^ h >> 16;
}

/* -log2((h + 1) / 2^32), 16 bits of fraction: whole part, then the parabola that stands for log2(1 + f). */
static uint64_t minus_log2(uint32_t h)
{
    uint64_t x = (uint64_t)h + 1, whole = 0;
    while (x >> (whole + 1) != 0) {
        whole++;
    }
    uint64_t f = ((x << 16) >> whole) & 0xffff;
    uint64_t curve = f * (65536 - f) / 65536 * 22525 / 65536;
    return 32 * 65536 - whole * 65536 - f - curve;
}

/* Living members before unknown ones, those that keep the SLA before those that break it (or without them), then the
 * lowest tier, then the least cost by weight. NULL: none; *ret_unmet when only for the SLA. */
const struct ref_path *ref_choose(const struct ref_model *m, const struct ref_group *g, uint32_t flow, bool *ret_unmet)
{
    const struct ref_path *best = NULL;
    uint64_t best_tier = UINT64_MAX, best_cost = 0, best_weight = 1;
    bool unmet = false;
    for (size_t i = 0; i < g->members_len; i++) {
        const struct ref_member *member = &g->members[i];
        const struct ref_path *path = &m->paths[member->path];
        bool breaks = g->sla != 0 && (path->breaks >> (g->sla - 1) & 1);
        if (path->state == PT_PATH_DEAD) {
            continue;
        }
        if (breaks && g->require) {
            unmet = true;
            continue;
        }
        uint64_t tier = member->tier + (breaks ? 100000ULL : 0) + (path->state == PT_PATH_ALIVE ? 0 : 1000000ULL);
        uint64_t cost = 1 + minus_log2(ref_mix(flow ^ ref_mix(path->slot + 0x9e3779b9U)));
        if (tier < best_tier || (tier == best_tier && cost * best_weight < best_cost * member->weight)) {
            best = path;
            best_tier = tier;
            best_cost = cost;
            best_weight = member->weight;
        }
    }
    if (ret_unmet != NULL) {
        *ret_unmet = unmet && best == NULL;
    }
    return best;
}

/* ---- a host's packet ------------------------------------------------------------------------------------------ */

static bool parse_v4(const struct packet *in, struct ref_packet *p)
{
    const uint8_t *ip = in->data + ETH;
    if (in->size < ETH + V4 || ip[0] >> 4 != 4 || (ip[0] & 15) < 5) {
        return false;
    }
    uint32_t header = (ip[0] & 15) * 4U, bits = ref_get16(ip + 6);
    p->size = ref_get16(ip + 2);
    if (p->size < header || p->size > in->size - ETH) {
        return false;
    }
    ref_v4_mapped(ip + 12, p->source);
    ref_v4_mapped(ip + 16, p->destination);
    p->v4 = true;
    p->tos = ip[1];
    p->ttl = ip[8];
    p->protocol = ip[9];
    p->df = (bits & 0x4000) != 0;
    p->fragment = (bits & 0x3fff) != 0;
    p->l4 = p->fragment ? 0 : ETH + header;
    return true;
}

static bool parse_v6(const struct packet *in, struct ref_packet *p)
{
    const uint8_t *ip = in->data + ETH;
    if (in->size < ETH + V6 || ip[0] >> 4 != 6) {
        return false;
    }
    p->size = ref_get16(ip + 4) + V6;
    if (p->size > in->size - ETH) {
        return false;
    }
    memcpy(p->source, ip + 8, 16);
    memcpy(p->destination, ip + 24, 16);
    p->tos = (ref_get16(ip) >> 4) & 0xff;
    p->ttl = ip[7];
    p->df = true;
    uint32_t next = ip[6], at = ETH + V6;
    for (unsigned extensions = 0; extensions <= 4; extensions++) {
        if (next != 0 && next != 43 && next != 60 && next != 44) {
            p->protocol = next;
            p->l4 = p->fragment ? 0 : at;
            return true;
        }
        if (at + 4 > in->size) {
            return false;
        }
        p->fragment |= next == 44;
        uint32_t size = next == 44 ? 8 : 8U + in->data[at + 1] * 8U;
        next = in->data[at];
        at += size;
    }
    p->protocol = 59; /* more extensions than are walked: nothing known */
    return true;
}

static void hash_flow(struct ref_packet *p, uint32_t vni)
{
    uint32_t h = vni ^ p->protocol << 24;
    for (unsigned i = 0; i < 4; i++) { /* words as they lie in memory */
        uint32_t source, destination;
        memcpy(&source, p->source + 4 * i, 4);
        memcpy(&destination, p->destination + 4 * i, 4);
        h = ref_mix(h ^ source) + destination;
    }
    p->flow = ref_mix(p->has_ports ? h ^ (p->ports[0] << 16 | p->ports[1]) : h);
}

bool ref_parse(const struct packet *in, uint32_t vni, struct ref_packet *p)
{
    memset(p, 0, sizeof(*p));
    if (!(ref_get16(in->data + 12) == 0x86dd ? parse_v6(in, p) : parse_v4(in, p))) {
        return false;
    }
    bool with_ports =
        p->protocol == 6 || p->protocol == 17 || p->protocol == 132 || p->protocol == 136 || p->protocol == 33;
    if (p->l4 != 0 && with_ports && p->l4 + 4 <= in->size) {
        p->has_ports = true;
        p->ports[0] = ref_get16(in->data + p->l4);
        p->ports[1] = ref_get16(in->data + p->l4 + 2);
        p->begins = p->protocol == 6 && p->l4 + 14 <= in->size && (in->data[p->l4 + 13] & 0x12) == 2;
    }
    hash_flow(p, vni);
    return true;
}

static bool link_scope(const struct ref_packet *p)
{
    const uint8_t *d = p->destination;
    return p->v4 ? d[12] >= 224 || (d[12] == 169 && d[13] == 254) : d[0] == 0xff || (d[0] == 0xfe && d[1] >> 6 == 2);
}

/* The first rule that matches; NULL: none. */
const struct ref_rule *ref_find_rule(const struct ref_model *m, uint32_t vni, const struct ref_packet *p)
{
    for (size_t i = 0; i < m->rules_len; i++) {
        const struct ref_rule *r = &m->rules[i];
        bool any_port = r->first == 0 && r->last == 65535;
        if (r->vni == vni && (r->protocol == 256 || r->protocol == p->protocol) &&
            (r->dscp < 0 || (uint32_t)r->dscp == p->tos >> 2) &&
            (any_port || (p->has_ports && p->ports[1] >= r->first && p->ports[1] <= r->last)) &&
            ref_in_prefix(p->destination, r->address, r->bits)) {
            return r;
        }
    }
    return NULL;
}

bool ref_hop(struct packet *out, const struct ref_packet *p)
{
    uint8_t *ip = out->data + ETH;
    if (p->ttl <= 1) {
        return false;
    }
    if (p->v4) {
        ref_set16(ip + 10, ref_checksum_changed(ref_get16(ip + 10), ref_get16(ip + 8), ref_get16(ip + 8) - 0x100));
        ip[8]--;
    } else {
        ip[7]--;
    }
    return true;
}

/* ---- too big -------------------------------------------------------------------------------------------------- */

static void report_too_big(const struct packet *in, const struct ref_packet *p, uint32_t mtu, struct ref_verdict *v)
{
    struct packet *out = &v->out;
    uint8_t *ip = out->data + ETH;
    uint32_t header = p->v4 ? V4 : V6, icmp = ETH + header;
    memset(out->data, 0, ETH + V6 + 8);
    memcpy(out->data, in->data + 6, 6);
    memcpy(out->data + 6, in->data, 6);
    memcpy(out->data + 12, in->data + 12, 2);
    memcpy(out->data + icmp + 8, in->data + ETH, QUOTE);
    out->size = icmp + 8 + QUOTE;
    uint8_t *error = out->data + icmp;
    if (p->v4) {
        ip[0] = 0x45;
        ref_set16(ip + 2, V4 + 8 + QUOTE);
        ip[8] = 64;
        ip[9] = 1;
        memcpy(ip + 12, p->destination + 12, 4);
        memcpy(ip + 16, p->source + 12, 4);
        ref_set16(ip + 10, checksum(ip, V4, 0));
        error[0] = 3;
        error[1] = 4;
        ref_set16(error + 6, mtu);
        ref_set16(error + 2, checksum(error, 8 + QUOTE, 0));
    } else {
        ip[0] = 0x60;
        ref_set16(ip + 4, 8 + QUOTE);
        ip[6] = 58;
        ip[7] = 64;
        memcpy(ip + 8, p->destination, 16);
        memcpy(ip + 24, p->source, 16);
        error[0] = 2;
        set32(error + 4, mtu);
        ref_set16(error + 2, checksum(error, 8 + QUOTE, sum16(ip + 8, 32, 8 + QUOTE + 58)));
    }
    v->action = REF_SEND;
    v->reported = PT_DROP_TOO_BIG_REPORTED;
}

static void lower_mss(struct packet *out, const struct ref_packet *p, uint32_t mss_max)
{
    uint8_t *tcp = out->data + p->l4;
    if (p->l4 + 20 > out->size || (tcp[13] & 2) == 0) {
        return;
    }
    uint32_t at = 20, end = (tcp[12] >> 4) * 4U;
    for (unsigned i = 0; i < 40 && at + 4 <= end && p->l4 + at + 4 <= out->size; i++) {
        uint8_t *option = tcp + at;
        if (option[0] == 1) {
            at++;
            continue;
        }
        if (option[0] == 0 || option[1] < 2) {
            return;
        }
        if (option[0] != 2) {
            at += option[1];
            continue;
        }
        uint32_t from = ref_get16(option + 2), to = mss_max;
        if (option[1] != 4 || from <= mss_max) {
            return;
        }
        ref_set16(option + 2, to);
        if (at % 2 != 0) {
            from = (from & 0xff) << 8 | from >> 8;
            to = (to & 0xff) << 8 | to >> 8;
        }
        ref_set16(tcp + 16, ref_checksum_changed(ref_get16(tcp + 16), from, to));
        return;
    }
}

/* ---- the outer header ----------------------------------------------------------------------------------------- */

/* Everything before the inner packet but the Ethernet header; returns its size. */
uint32_t ref_write_outer(uint8_t *out, const struct ref_path *path, const struct ref_envelope *e)
{
    uint32_t option = e->stack_len == 0 ? 0 : 4 + 4 * e->stack_len, header = ref_is_v4(path->remote) ? V4 : V6;
    uint32_t udp_size = UDP + GENEVE + option + e->inner_size;
    memset(out, 0, header + UDP + GENEVE + option);
    if (header == V4) {
        out[0] = 0x45;
        out[1] = (uint8_t)e->tos;
        ref_set16(out + 2, V4 + udp_size);
        out[6] = 0x40;
        out[8] = 64;
        out[9] = 17;
        memcpy(out + 12, path->local + 12, 4);
        memcpy(out + 16, path->remote + 12, 4);
        ref_set16(out + 10, checksum(out, V4, 0));
    } else {
        set32(out, 6U << 28 | e->tos << 20 | (e->flow & 0xfffff));
        ref_set16(out + 4, udp_size);
        out[6] = 17;
        out[7] = 64;
        memcpy(out + 8, path->local, 16);
        memcpy(out + 24, path->remote, 16);
    }
    uint8_t *udp = out + header, *geneve = udp + UDP;
    ref_set16(udp, e->source_port);
    ref_set16(udp + 2, e->port);
    ref_set16(udp + 4, udp_size);
    geneve[0] = (uint8_t)(option / 4);
    geneve[1] = (uint8_t)((option != 0 ? 0x40 : 0) | (e->control ? 0x80 : 0));
    ref_set16(geneve + 2, e->protocol);
    set32(geneve + 4, e->vni << 8);
    if (option != 0) {
        ref_set16(geneve + 8, 0xff00);
        geneve[10] = 0x81;
        geneve[11] = (uint8_t)(e->stack_len | (e->repaired ? 0x80 : 0) | (e->strict ? 0x40 : 0));
        for (uint32_t i = 0; i < e->stack_len; i++) {
            set32(geneve + 12 + 4 * i, e->stack[i]);
        }
    }
    return header + UDP + GENEVE + option;
}

/* ---- hook lan ------------------------------------------------------------------------------------------------- */

static void send_by(const struct ref_model *m, const struct ref_path *path, uint32_t vni, const struct ref_packet *p,
                    const struct packet *in, struct ref_verdict *v)
{
    if (p->size > path->mtu) {
        if (p->df) {
            report_too_big(in, p, path->mtu, v);
        } else {
            ref_drop(v, PT_DROP_TOO_BIG);
        }
        return;
    }
    if (p->protocol == 6 && p->l4 != 0) {
        lower_mss(&v->out, p, path->mtu - (p->v4 ? 40 : 60));
    }
    if (!ref_hop(&v->out, p)) {
        ref_drop(v, PT_DROP_TTL_EXCEEDED);
        return;
    }
    v->action = REF_SEND;
    if (path->sealed) {
        if (!m->tunnel) {
            ref_drop(v, PT_DROP_NO_TUNNEL);
            return;
        }
        uint8_t *eth = v->out.data;
        eth[0] = 2;
        eth[1] = 0x50;
        set32(eth + 2, path->slot);
        eth[6] = 2;
        eth[7] = 0x54;
        eth[8] = 0;
        eth[9] = (uint8_t)(vni >> 16);
        ref_set16(eth + 10, vni & 0xffff);
        v->by_path = true;
        return;
    }
    const struct ref_envelope e = {.vni = vni,
                                   .inner_size = p->size,
                                   .flow = p->flow,
                                   .source_port = 49152 + (p->flow & 0x3fff),
                                   .port = PT_GENEVE_PORT,
                                   .protocol = p->v4 ? 0x0800 : 0x86dd,
                                   .tos = p->tos,
                                   .strict = path->strict,
                                   .stack = path->stack,
                                   .stack_len = path->stack_len};
    uint8_t header[V6 + UDP + GENEVE + 4 + 4 * PT_STACK_LEN_MAX];
    uint32_t size = ref_write_outer(header, path, &e);
    memmove(v->out.data + ETH + size, v->out.data + ETH, v->out.size - ETH);
    memcpy(v->out.data + ETH, header, size);
    ref_set16(v->out.data + 12, ref_is_v4(path->remote) ? 0x0800 : 0x86dd);
    v->out.size += size;
    v->by_path = true;
}

uint32_t ref_lan_segment(const struct ref_model *m, uint32_t ifindex)
{
    for (size_t i = 0; i < m->lans_len; i++) {
        if (m->lans[i].ifindex == ifindex) {
            return m->lans[i].vni;
        }
    }
    return 0;
}

static const struct ref_path *path_in(const struct ref_model *m, uint32_t slot)
{
    for (size_t i = 0; i < m->paths_len; i++) {
        if (m->paths[i].slot == slot) {
            return &m->paths[i];
        }
    }
    return NULL;
}

/* To a host of this site. */
static void deliver_here(const struct ref_model *m, const struct ref_packet *p, const struct packet *in,
                         struct ref_verdict *v)
{
    if (in->size - ETH > m->lan_mtu) {
        ref_drop(v, PT_DROP_EGRESS_TOO_BIG);
    } else if (!ref_hop(&v->out, p)) {
        ref_drop(v, PT_DROP_TTL_EXCEEDED);
    } else {
        v->action = REF_SEND;
    }
}

/* Out to the internet, under the mapping. */
static void send_out(const struct ref_model *m, const struct ref_decision *d, const struct ref_packet *p,
                     const struct packet *in, struct ref_verdict *v)
{
    const uint32_t mtu = 1500; /* of the link */
    if (p->size > mtu) {
        if (p->df) {
            report_too_big(in, p, mtu, v);
        } else {
            ref_drop(v, PT_DROP_TOO_BIG);
        }
        return;
    }
    if (p->protocol == 6) {
        lower_mss(&v->out, p, mtu - 40);
    }
    if (p->ttl <= 1) {
        ref_drop(v, PT_DROP_TTL_EXCEEDED);
    } else if (!ref_translate_source(m, &v->out, p, d->out, d->port)) {
        ref_drop(v, PT_DROP_MALFORMED);
    } else {
        (void)ref_hop(&v->out, p);
        v->action = REF_SEND;
    }
}

/* By a path, under the address that other sites know. */
static void send_to_site(const struct ref_model *m, const struct ref_decision *d, uint32_t vni,
                         const struct ref_packet *p, const struct packet *in, struct ref_verdict *v)
{
    const struct ref_path *path = path_in(m, d->out);
    uint32_t outside = 0;
    if (d->vni == vni && ref_prefix_out(m, vni, p, &outside) &&
        (p->l4 == 0 || !ref_set_address(&v->out, p, true, outside))) {
        ref_drop(v, PT_DROP_NAT_FRAGMENT);
    } else if (d->sealed && !path->sealed) {
        ref_drop(v, PT_DROP_PLAIN_REFUSED);
    } else {
        send_by(m, path, d->vni, p, in, v);
    }
}

void ref_lan(const struct ref_model *m, struct ref_flows *flows, struct ref_state *state, uint32_t ifindex,
             const struct packet *in, struct ref_verdict *v)
{
    struct ref_packet p;
    struct ref_decision d;
    const struct ref_question q = {.ifindex = ifindex, .vni = ref_lan_segment(m, ifindex), .in = in};
    uint32_t ethertype = ref_get16(in->data + 12);
    ref_begin(v, in);
    if (ethertype != 0x0800 && ethertype != 0x86dd) {
        return;
    }
    if (q.vni == 0) {
        ref_drop(v, PT_DROP_UNKNOWN_LAN);
        return;
    }
    if (!ref_parse(in, q.vni, &p)) {
        ref_drop(v, PT_DROP_MALFORMED);
        return;
    }
    if (link_scope(&p)) {
        return;
    }
    if (ref_find_filter(m, q.vni) != NULL) {
        ref_read_query(in, &p);
    }
    ref_decide(m, flows, state, &q, &p, &d);
    if (d.kept == REF_KEPT_LOCAL) {
        if (d.out != ifindex) {
            deliver_here(m, &p, in, v);
        }
    } else if (d.kept == REF_KEPT_EXIT) {
        send_out(m, &d, &p, in, v);
    } else if (d.kept == REF_KEPT_PATH) {
        send_to_site(m, &d, q.vni, &p, in, v);
    } else {
        ref_drop(v, d.reason);
    }
}
