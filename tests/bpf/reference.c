/* The interpreter of reference.h. Offsets are from the start of the frame; numbers are read byte by byte. */
#include "reference.h"

#include "bpf/abi/hello.h"

#include <arpa/inet.h>
#include <string.h>

#define ETH 14
#define V4 20
#define V6 40
#define UDP 8
#define GENEVE 8
#define QUOTE 128

static uint32_t get16(const uint8_t *p)
{
    return (uint32_t)p[0] << 8 | p[1];
}

static uint32_t get32(const uint8_t *p)
{
    return get16(p) << 16 | get16(p + 2);
}

static void set16(uint8_t *p, uint32_t value)
{
    p[0] = (uint8_t)(value >> 8);
    p[1] = (uint8_t)value;
}

static void set32(uint8_t *p, uint32_t value)
{
    set16(p, value >> 16);
    set16(p + 2, value & 0xffff);
}

/* RFC 1071: the checksum of bytes, with a sum of words besides. */
static uint32_t checksum(const uint8_t *p, size_t size, uint32_t sum)
{
    return (uint16_t)~sum16(p, size, sum);
}

/* RFC 1624, equation 4: what a checksum becomes when one word of what it covers changes. */
static uint32_t checksum_changed(uint32_t check, uint32_t from, uint32_t to)
{
    uint32_t sum = ((~check & 0xffff) + (~from & 0xffff)); /* one's complement: a carry out comes back in */
    sum = (sum & 0xffff) + (sum >> 16);
    sum += to;
    sum = (sum & 0xffff) + (sum >> 16);
    return ~sum & 0xffff;
}

static void v4_mapped(const uint8_t *v4, uint8_t out[16])
{
    memset(out, 0, 10);
    out[10] = out[11] = 0xff;
    memcpy(out + 12, v4, 4);
}

static bool is_v4(const uint8_t address[16])
{
    static const uint8_t prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    return memcmp(address, prefix, 12) == 0;
}

static bool in_prefix(const uint8_t *address, const uint8_t *prefix, unsigned bits)
{
    for (unsigned i = 0; i < bits; i++) {
        if (((address[i / 8] ^ prefix[i / 8]) >> (7 - i % 8) & 1) != 0) {
            return false;
        }
    }
    return true;
}

static void drop(struct ref_verdict *v, uint32_t reason)
{
    v->action = REF_DROP;
    v->reason = reason;
}

/* ---- the policy ----------------------------------------------------------------------------------------------- */

/* Longest prefix of the segment; IPv4 destinations look among IPv4 prefixes only. */
static const struct ref_route *find_route(const struct ref_model *m, uint32_t vni, const uint8_t *address, bool v4)
{
    const struct ref_route *best = NULL;
    for (size_t i = 0; i < m->routes_len; i++) {
        const struct ref_route *r = &m->routes[i];
        if (r->vni == vni && is_v4(r->address) == v4 && in_prefix(address, r->address, r->bits) &&
            (best == NULL || r->bits > best->bits)) {
            best = r;
        }
    }
    return best;
}

static const struct ref_group *find_group(const struct ref_model *m, uint32_t site, uint32_t class)
{
    for (size_t i = 0; i < m->groups_len; i++) {
        if (m->groups[i].site == site && m->groups[i].class == class) {
            return &m->groups[i];
        }
    }
    return NULL;
}

/* The finaliser of MurmurHash3. */
static uint32_t mix(uint32_t h)
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

/* Living members before unknown ones, then the lowest tier, then the least cost by weight. NULL: none. */
static const struct ref_path *choose(const struct ref_model *m, const struct ref_group *g, uint32_t flow)
{
    const struct ref_path *best = NULL;
    uint64_t best_tier = UINT64_MAX, best_cost = 0, best_weight = 1;
    for (size_t i = 0; i < g->members_len; i++) {
        const struct ref_member *member = &g->members[i];
        const struct ref_path *path = &m->paths[member->path];
        if (path->state == PT_PATH_DEAD) {
            continue;
        }
        uint64_t tier = member->tier + (path->state == PT_PATH_ALIVE ? 0 : 1000000ULL);
        uint64_t cost = 1 + minus_log2(mix(flow ^ mix(path->slot + 0x9e3779b9U)));
        if (tier < best_tier || (tier == best_tier && cost * best_weight < best_cost * member->weight)) {
            best = path;
            best_tier = tier;
            best_cost = cost;
            best_weight = member->weight;
        }
    }
    return best;
}

/* ---- a host's packet ------------------------------------------------------------------------------------------ */

struct ref_packet {
    bool v4, fragment, df, has_ports;
    uint8_t source[16], destination[16];
    uint32_t size, tos, ttl, protocol, ports[2], flow;
    uint32_t l4; /* 0: none to be seen */
};

static bool parse_v4(const struct packet *in, struct ref_packet *p)
{
    const uint8_t *ip = in->data + ETH;
    if (in->size < ETH + V4 || ip[0] >> 4 != 4 || (ip[0] & 15) < 5) {
        return false;
    }
    uint32_t header = (ip[0] & 15) * 4U, bits = get16(ip + 6);
    p->size = get16(ip + 2);
    if (p->size < header || p->size > in->size - ETH) {
        return false;
    }
    v4_mapped(ip + 12, p->source);
    v4_mapped(ip + 16, p->destination);
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
    p->size = get16(ip + 4) + V6;
    if (p->size > in->size - ETH) {
        return false;
    }
    memcpy(p->source, ip + 8, 16);
    memcpy(p->destination, ip + 24, 16);
    p->tos = (get16(ip) >> 4) & 0xff;
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
        h = mix(h ^ source) + destination;
    }
    p->flow = mix(p->has_ports ? h ^ (p->ports[0] << 16 | p->ports[1]) : h);
}

static bool parse(const struct packet *in, uint32_t vni, struct ref_packet *p)
{
    memset(p, 0, sizeof(*p));
    if (!(get16(in->data + 12) == 0x86dd ? parse_v6(in, p) : parse_v4(in, p))) {
        return false;
    }
    bool with_ports =
        p->protocol == 6 || p->protocol == 17 || p->protocol == 132 || p->protocol == 136 || p->protocol == 33;
    if (p->l4 != 0 && with_ports && p->l4 + 4 <= in->size) {
        p->has_ports = true;
        p->ports[0] = get16(in->data + p->l4);
        p->ports[1] = get16(in->data + p->l4 + 2);
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
static const struct ref_rule *find_rule(const struct ref_model *m, uint32_t vni, const struct ref_packet *p)
{
    for (size_t i = 0; i < m->rules_len; i++) {
        const struct ref_rule *r = &m->rules[i];
        bool any_port = r->first == 0 && r->last == 65535;
        if (r->vni == vni && (r->protocol == 256 || r->protocol == p->protocol) &&
            (r->dscp < 0 || (uint32_t)r->dscp == p->tos >> 2) &&
            (any_port || (p->has_ports && p->ports[1] >= r->first && p->ports[1] <= r->last)) &&
            in_prefix(p->destination, r->address, r->bits)) {
            return r;
        }
    }
    return NULL;
}

static bool hop(struct packet *out, const struct ref_packet *p)
{
    uint8_t *ip = out->data + ETH;
    if (p->ttl <= 1) {
        return false;
    }
    if (p->v4) {
        set16(ip + 10, checksum_changed(get16(ip + 10), get16(ip + 8), get16(ip + 8) - 0x100));
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
        set16(ip + 2, V4 + 8 + QUOTE);
        ip[8] = 64;
        ip[9] = 1;
        memcpy(ip + 12, p->destination + 12, 4);
        memcpy(ip + 16, p->source + 12, 4);
        set16(ip + 10, checksum(ip, V4, 0));
        error[0] = 3;
        error[1] = 4;
        set16(error + 6, mtu);
        set16(error + 2, checksum(error, 8 + QUOTE, 0));
    } else {
        ip[0] = 0x60;
        set16(ip + 4, 8 + QUOTE);
        ip[6] = 58;
        ip[7] = 64;
        memcpy(ip + 8, p->destination, 16);
        memcpy(ip + 24, p->source, 16);
        error[0] = 2;
        set32(error + 4, mtu);
        set16(error + 2, checksum(error, 8 + QUOTE, sum16(ip + 8, 32, 8 + QUOTE + 58)));
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
        uint32_t from = get16(option + 2), to = mss_max;
        if (option[1] != 4 || from <= mss_max) {
            return;
        }
        set16(option + 2, to);
        if (at % 2 != 0) {
            from = (from & 0xff) << 8 | from >> 8;
            to = (to & 0xff) << 8 | to >> 8;
        }
        set16(tcp + 16, checksum_changed(get16(tcp + 16), from, to));
        return;
    }
}

/* ---- the outer header ----------------------------------------------------------------------------------------- */

struct ref_envelope {
    uint32_t vni, inner_size, flow, source_port, port, protocol, tos;
    bool control, repaired;
    const uint32_t *stack;
    uint32_t stack_len;
};

/* Everything before the inner packet but the Ethernet header; returns its size. */
static uint32_t write_outer(uint8_t *out, const struct ref_path *path, const struct ref_envelope *e)
{
    uint32_t option = e->stack_len == 0 ? 0 : 4 + 4 * e->stack_len, header = is_v4(path->remote) ? V4 : V6;
    uint32_t udp_size = UDP + GENEVE + option + e->inner_size;
    memset(out, 0, header + UDP + GENEVE + option);
    if (header == V4) {
        out[0] = 0x45;
        out[1] = (uint8_t)e->tos;
        set16(out + 2, V4 + udp_size);
        out[6] = 0x40;
        out[8] = 64;
        out[9] = 17;
        memcpy(out + 12, path->local + 12, 4);
        memcpy(out + 16, path->remote + 12, 4);
        set16(out + 10, checksum(out, V4, 0));
    } else {
        set32(out, 6U << 28 | e->tos << 20 | (e->flow & 0xfffff));
        set16(out + 4, udp_size);
        out[6] = 17;
        out[7] = 64;
        memcpy(out + 8, path->local, 16);
        memcpy(out + 24, path->remote, 16);
    }
    uint8_t *udp = out + header, *geneve = udp + UDP;
    set16(udp, e->source_port);
    set16(udp + 2, e->port);
    set16(udp + 4, udp_size);
    geneve[0] = (uint8_t)(option / 4);
    geneve[1] = (uint8_t)((option != 0 ? 0x40 : 0) | (e->control ? 0x80 : 0));
    set16(geneve + 2, e->protocol);
    set32(geneve + 4, e->vni << 8);
    if (option != 0) {
        set16(geneve + 8, 0xff00);
        geneve[10] = 0x81;
        geneve[11] = (uint8_t)(e->stack_len | (e->repaired ? 0x80 : 0));
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
            drop(v, PT_DROP_TOO_BIG);
        }
        return;
    }
    if (p->protocol == 6 && p->l4 != 0) {
        lower_mss(&v->out, p, path->mtu - (p->v4 ? 40 : 60));
    }
    if (!hop(&v->out, p)) {
        drop(v, PT_DROP_TTL_EXCEEDED);
        return;
    }
    v->action = REF_SEND;
    if (path->sealed) {
        if (!m->tunnel) {
            drop(v, PT_DROP_NO_TUNNEL);
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
        set16(eth + 10, vni & 0xffff);
        return;
    }
    const struct ref_envelope e = {.vni = vni,
                                   .inner_size = p->size,
                                   .flow = p->flow,
                                   .source_port = 49152 + (p->flow & 0x3fff),
                                   .port = PT_GENEVE_PORT,
                                   .protocol = p->v4 ? 0x0800 : 0x86dd,
                                   .tos = p->tos,
                                   .stack = path->stack,
                                   .stack_len = path->stack_len};
    uint8_t header[V6 + UDP + GENEVE + 4 + 4 * PT_STACK_LEN_MAX];
    uint32_t size = write_outer(header, path, &e);
    memmove(v->out.data + ETH + size, v->out.data + ETH, v->out.size - ETH);
    memcpy(v->out.data + ETH, header, size);
    set16(v->out.data + 12, is_v4(path->remote) ? 0x0800 : 0x86dd);
    v->out.size += size;
}

static uint32_t lan_segment(const struct ref_model *m, uint32_t ifindex)
{
    for (size_t i = 0; i < m->lans_len; i++) {
        if (m->lans[i].ifindex == ifindex) {
            return m->lans[i].vni;
        }
    }
    return 0;
}

void ref_lan(const struct ref_model *m, uint32_t ifindex, const struct packet *in, struct ref_verdict *v)
{
    struct ref_packet p;
    uint32_t ethertype = get16(in->data + 12), vni = lan_segment(m, ifindex);
    memset(v, 0, offsetof(struct ref_verdict, out));
    v->action = REF_UP;
    v->out = *in;
    if (ethertype != 0x0800 && ethertype != 0x86dd) {
        return;
    }
    if (vni == 0) {
        drop(v, PT_DROP_UNKNOWN_LAN);
        return;
    }
    if (!parse(in, vni, &p)) {
        drop(v, PT_DROP_MALFORMED);
        return;
    }
    if (link_scope(&p)) {
        return;
    }
    const struct ref_route *route = find_route(m, vni, p.destination, ethertype == 0x0800);
    if (route == NULL) {
        drop(v, PT_DROP_NO_ROUTE);
        return;
    }
    if (route->lan == ifindex) {
        return;
    }
    const struct ref_rule *rule = find_rule(m, vni, &p);
    if (rule != NULL && rule->deny) {
        drop(v, PT_DROP_POLICY_DENY);
        return;
    }
    if (route->site == m->site) {
        if (route->lan == 0) {
            drop(v, PT_DROP_NO_ROUTE);
        } else if (in->size - ETH > m->lan_mtu) {
            drop(v, PT_DROP_EGRESS_TOO_BIG);
        } else if (!hop(&v->out, &p)) {
            drop(v, PT_DROP_TTL_EXCEEDED);
        } else {
            v->action = REF_SEND;
        }
        return;
    }
    const struct ref_group *group = find_group(m, route->site, rule != NULL ? rule->class : 0);
    group = group == NULL ? find_group(m, route->site, 0) : group;
    if (group == NULL) {
        drop(v, PT_DROP_NO_GROUP);
        return;
    }
    const struct ref_path *path = choose(m, group, p.flow);
    if (path == NULL) {
        drop(v, PT_DROP_NO_PATH);
    } else if (route->sealed && !path->sealed) {
        drop(v, PT_DROP_PLAIN_REFUSED);
    } else {
        send_by(m, path, vni, &p, in, v);
    }
}

/* ---- hook wan ------------------------------------------------------------------------------------------------- */

struct ref_frame {
    uint8_t source[16], destination[16];
    uint32_t udp, inner, inner_size, vni, protocol, source_port, port, check, tos;
    uint32_t stack[PT_STACK_LEN_MAX], stack_len;
    bool control, repaired; /* repaired: led round a failure before */
};

/* 0, a drop reason, or UINT32_MAX: not ours. */
#define NOT_OURS UINT32_MAX

static uint32_t parse_outer_ip(const struct packet *in, struct ref_frame *f, uint32_t *udp_size)
{
    const uint8_t *ip = in->data + ETH;
    uint32_t ethertype = get16(in->data + 12);
    if (ethertype == 0x0800) {
        if (in->size < ETH + V4 || ip[0] >> 4 != 4 || ip[9] != 17 || (ip[0] & 15) != 5 || (get16(ip + 6) & 0x1fff)) {
            return NOT_OURS;
        }
        v4_mapped(ip + 12, f->source);
        v4_mapped(ip + 16, f->destination);
        f->tos = ip[1];
        f->udp = ETH + V4;
        *udp_size = get16(ip + 2) - V4; /* less than a header: a size that no frame has */
        if (*udp_size > in->size - f->udp || sum16(ip, V4, 0) != 0xffff) {
            return PT_DROP_OUTER_MALFORMED;
        }
        return get16(ip + 6) & 0x2000 ? PT_DROP_OUTER_FRAGMENT : 0;
    }
    if (ethertype != 0x86dd || in->size < ETH + V6 || ip[0] >> 4 != 6 || ip[6] != 17) {
        return NOT_OURS;
    }
    memcpy(f->source, ip + 8, 16);
    memcpy(f->destination, ip + 24, 16);
    f->tos = (get16(ip) >> 4) & 0xff;
    f->udp = ETH + V6;
    *udp_size = get16(ip + 4);
    return *udp_size > in->size - f->udp ? PT_DROP_OUTER_MALFORMED : 0;
}

static uint32_t parse_options(const struct packet *in, struct ref_frame *f, uint32_t at, uint32_t end)
{
    for (unsigned i = 0; i < 4 && at < end; i++) {
        if (at + 4 > end || at + 4 > in->size) {
            return PT_DROP_GENEVE_MALFORMED;
        }
        const uint8_t *option = in->data + at;
        uint32_t words = option[3] & 0x1f;
        at += 4;
        if (at + words * 4 > end) {
            return PT_DROP_GENEVE_MALFORMED;
        }
        if (get16(option) == 0xff00 && option[2] == 0x81) {
            if (words < 1 || words > PT_STACK_LEN_MAX || f->stack_len != 0 || at + 4 * words > in->size) {
                return PT_DROP_GENEVE_MALFORMED;
            }
            f->stack_len = words;
            f->repaired = (option[3] & 0x80) != 0;
            for (uint32_t j = 0; j < words; j++) {
                f->stack[j] = get32(in->data + at + 4 * j);
                if (f->stack[j] >> 20 != 0) {
                    return PT_DROP_GENEVE_MALFORMED;
                }
            }
        } else if (option[2] & 0x80) {
            return PT_DROP_UNKNOWN_OPTION;
        }
        at += words * 4;
    }
    return at == end ? 0 : PT_DROP_GENEVE_MALFORMED;
}

static uint32_t parse_frame(const struct ref_model *m, uint32_t ifindex, const struct packet *in, struct ref_frame *f)
{
    uint32_t udp_size = 0, reason;
    memset(f, 0, sizeof(*f));
    reason = parse_outer_ip(in, f, &udp_size);
    if (reason == NOT_OURS || f->udp + UDP > in->size) {
        return NOT_OURS;
    }
    const uint8_t *udp = in->data + f->udp;
    f->source_port = get16(udp);
    f->port = get16(udp + 2);
    f->check = get16(udp + 6);
    bool ours = false;
    for (size_t i = 0; i < m->links_len; i++) {
        ours |= m->links[i].ifindex == ifindex && memcmp(m->links[i].address, f->destination, 16) == 0;
    }
    if (!ours || f->port < PT_GENEVE_PORT || f->port > PT_LIVE_PORT) {
        return NOT_OURS;
    }
    if (reason != 0) {
        return reason;
    }
    if (get16(udp + 4) != udp_size || udp_size < UDP) {
        return PT_DROP_OUTER_MALFORMED;
    }
    const uint8_t *geneve = udp + UDP;
    uint32_t rest = udp_size - UDP, options = (geneve[0] & 0x3f) * 4U;
    if (rest < GENEVE || geneve[0] >> 6 != 0 || rest < GENEVE + options) {
        return PT_DROP_GENEVE_MALFORMED;
    }
    f->control = (geneve[1] & 0x80) != 0;
    f->protocol = get16(geneve + 2);
    f->vni = get32(geneve + 4) >> 8;
    f->inner = f->udp + UDP + GENEVE + options;
    f->inner_size = rest - GENEVE - options;
    return parse_options(in, f, f->udp + UDP + GENEVE, f->inner);
}

static void hand_over(struct ref_verdict *v, uint32_t ifindex, bool v4, const uint8_t *nexthop)
{
    v->action = REF_SEND;
    v->ifindex = ifindex;
    v->family = nexthop == NULL ? 0 : v4 ? 2 : 10;
    if (nexthop != NULL) {
        memcpy(v->nexthop, nexthop, 16);
    }
}

struct ref_labels {
    uint32_t stack[2 * PT_STACK_LEN_MAX], len;
    bool repaired;
};

/* The same inner packet behind another outer header. */
static void send_on(const struct packet *in, const struct ref_frame *f, const struct ref_path *path, uint32_t port,
                    const struct ref_labels *labels, struct ref_verdict *v)
{
    const struct ref_envelope e = {.vni = f->vni,
                                   .inner_size = f->inner_size,
                                   .flow = f->source_port,
                                   .source_port = f->source_port,
                                   .port = port,
                                   .protocol = f->protocol,
                                   .tos = f->tos,
                                   .control = f->control,
                                   .repaired = labels->repaired,
                                   .stack = labels->stack,
                                   .stack_len = labels->len};
    bool v4 = is_v4(path->remote);
    memcpy(v->out.data, in->data, 12);
    set16(v->out.data + 12, v4 ? 0x0800 : 0x86dd);
    uint32_t size = ETH + write_outer(v->out.data + ETH, path, &e);
    memcpy(v->out.data + size, in->data + f->inner, in->size - f->inner);
    v->out.size = size + in->size - f->inner;
    hand_over(v, path->ifindex, v4, path->has_nexthop ? path->nexthop : NULL);
    if (!path->has_nexthop) { /* an address is carried all the same, and not looked at */
        memset(v->nexthop, 0, sizeof(v->nexthop));
    }
}

/* The path to the site of the used-th label, by its group; a detour, for a packet that has made none. NULL and why. */
static const struct ref_path *towards(const struct ref_model *m, const struct ref_frame *f, uint32_t used,
                                      uint32_t *reason)
{
    const struct ref_group *group = find_group(m, f->stack[used - 1], UINT32_MAX);
    *reason = group == NULL ? PT_DROP_NO_GROUP : PT_DROP_NO_PATH;
    if (group == NULL) {
        return NULL;
    }
    /* The port as it lies in memory. */
    const struct ref_path *path = choose(m, group, mix(f->vni ^ (uint32_t)htons((uint16_t)f->source_port) << 16));
    return path != NULL && path->stack_len != 0 && f->repaired ? NULL : path;
}

static void transit(const struct ref_model *m, const struct packet *in, const struct ref_frame *f,
                    struct ref_verdict *v)
{
    uint32_t reason = 0, ignored = 0, used = 1;
    const struct ref_path *path = towards(m, f, 1, &reason);
    if (path == NULL && reason == PT_DROP_NO_PATH && f->stack_len > 1 && !f->repaired) {
        used = 2; /* past the site that cannot be reached */
        path = towards(m, f, 2, &ignored);
    }
    if (path == NULL) {
        drop(v, reason);
        return;
    }
    bool v4 = is_v4(f->source);
    uint32_t pseudo = f->inner - f->udp + f->inner_size + 17;
    pseudo = v4 ? sum16(f->source + 12, 4, sum16(f->destination + 12, 4, pseudo))
                : sum16(f->source, 16, sum16(f->destination, 16, pseudo));
    if (f->check != 0 && f->check == pseudo) {
        drop(v, PT_DROP_OUTER_CHECKSUM);
        return;
    }
    struct ref_labels labels = {.len = path->stack_len + f->stack_len - used,
                                .repaired = f->repaired || path->stack_len != 0 || used != 1};
    if (labels.len > PT_STACK_LEN_MAX) {
        drop(v, PT_DROP_NO_PATH);
        return;
    }
    for (uint32_t i = 0; i < labels.len; i++) {
        labels.stack[i] = i < path->stack_len ? path->stack[i] : f->stack[i - path->stack_len + used];
    }
    send_on(in, f, path, f->port, &labels, v);
}

static void control(const struct ref_model *m, const struct packet *in, const struct ref_frame *f,
                    const struct ref_peer *peer, struct ref_verdict *v)
{
    const uint8_t *hello = in->data + f->inner;
    if (f->protocol != PT_HELLO_PROTOCOL || f->inner_size < 56 || f->inner + 56 > in->size ||
        get32(hello) != PT_HELLO_MAGIC || hello[4] != PT_HELLO_VERSION || hello[5] != PT_HELLO_REQUEST) {
        return;
    }
    if (peer->path == SIZE_MAX || hello[6] > PT_STACK_LEN_MAX) {
        drop(v, PT_DROP_NO_PATH);
        return;
    }
    struct ref_labels back = {.len = hello[6]};
    for (unsigned i = 0; i < PT_STACK_LEN_MAX; i++) {
        back.stack[i] = get32(hello + 32 + 4 * i);
    }
    struct packet reply = *in;
    reply.data[f->inner + 5] = PT_HELLO_REPLY;
    send_on(&reply, f, &m->paths[peer->path], PT_GENEVE_PORT, &back, v);
}

/* Congestion outside is congestion inside (RFC 6040); false: the inner packet cannot be marked. */
static bool mark(struct packet *out, uint32_t outer_tos, bool v4)
{
    uint8_t *ip = out->data + ETH;
    uint32_t tos = v4 ? ip[1] : (get16(ip) >> 4) & 0xff;
    if ((outer_tos & 3) != 3 || (tos & 3) == 3) {
        return true;
    }
    if ((tos & 3) == 0) {
        return false;
    }
    if (v4) {
        uint32_t sum = get16(ip + 10) + 0xffff - ((tos | 3) - tos);
        set16(ip + 10, (sum & 0xffff) + (sum >> 16));
        ip[1] |= 3;
    } else {
        ip[1] |= 0x30;
    }
    return true;
}

static void deliver(const struct ref_model *m, const struct packet *in, const struct ref_frame *f,
                    struct ref_verdict *v)
{
    const uint8_t *ip = in->data + f->inner;
    bool v4 = f->protocol == 0x0800;
    uint8_t destination[16];
    if (v4) {
        if (f->inner_size < V4 || ip[0] >> 4 != 4 || (ip[0] & 15) < 5 || get16(ip + 2) > f->inner_size ||
            get16(ip + 2) < (ip[0] & 15) * 4U) {
            drop(v, PT_DROP_INNER_MALFORMED);
            return;
        }
        v4_mapped(ip + 16, destination);
    } else if (f->protocol != 0x86dd || f->inner_size < V6 || ip[0] >> 4 != 6 || get16(ip + 4) + V6 > f->inner_size) {
        drop(v, PT_DROP_INNER_MALFORMED);
        return;
    } else {
        memcpy(destination, ip + 24, 16);
    }
    /* An IPv6 packet to a v4-mapped address is taken for the IPv4 address. */
    const struct ref_route *route = find_route(m, f->vni, destination, is_v4(destination));
    if (route == NULL) {
        drop(v, PT_DROP_WRONG_SEGMENT);
    } else if (route->site != m->site || route->lan == 0) {
        drop(v, PT_DROP_NOT_LOCAL);
    } else if (route->sealed) {
        drop(v, PT_DROP_PLAIN_REFUSED);
    } else {
        memcpy(v->out.data, in->data, 12);
        set16(v->out.data + 12, f->protocol);
        memcpy(v->out.data + ETH, ip, in->size - f->inner);
        v->out.size = ETH + in->size - f->inner;
        if (mark(&v->out, f->tos, v4)) {
            hand_over(v, route->lan, is_v4(destination), destination);
        } else {
            drop(v, PT_DROP_ECN_INVALID);
        }
    }
}

void ref_wan(const struct ref_model *m, uint32_t ifindex, const struct packet *in, struct ref_verdict *v)
{
    struct ref_frame f;
    memset(v, 0, offsetof(struct ref_verdict, out));
    v->action = REF_UP;
    v->out = *in;
    uint32_t reason = parse_frame(m, ifindex, in, &f);
    if (reason != 0) {
        if (reason != NOT_OURS) {
            drop(v, reason);
        }
        return;
    }
    const struct ref_peer *peer = NULL;
    for (size_t i = 0; i < m->peers_len; i++) {
        if (m->peers[i].ifindex == ifindex && memcmp(m->peers[i].address, f.source, 16) == 0) {
            peer = &m->peers[i];
        }
    }
    bool proves_itself = f.port != PT_GENEVE_PORT && f.stack_len == 0;
    if (peer == NULL) {
        if (!proves_itself) {
            drop(v, PT_DROP_UNKNOWN_PEER);
        }
        return;
    }
    if (f.stack_len != 0) {
        transit(m, in, &f, v);
    } else if (!proves_itself && f.control) {
        control(m, in, &f, peer, v);
    } else if (!proves_itself) {
        deliver(m, in, &f, v);
    }
}
