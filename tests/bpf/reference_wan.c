/* Hook wan of the interpreter of reference.h. */
#include "reference_priv.h"

#include "bpf/abi/hello.h"

#include <arpa/inet.h>
#include <string.h>

/* ---- hook wan ------------------------------------------------------------------------------------------------- */

struct ref_frame {
    uint8_t source[16], destination[16];
    uint32_t udp, inner, inner_size, vni, protocol, source_port, port, check, tos;
    uint32_t stack[PT_STACK_LEN_MAX], stack_len;
    bool control, strict, repaired; /* repaired: led round a failure before */
};

/* 0, a drop reason, or UINT32_MAX: not ours. */
#define NOT_OURS UINT32_MAX

static uint32_t parse_outer_ip(const struct packet *in, struct ref_frame *f, uint32_t *udp_size)
{
    const uint8_t *ip = in->data + ETH;
    uint32_t ethertype = ref_get16(in->data + 12);
    if (ethertype == 0x0800) {
        if (in->size < ETH + V4 || ip[0] >> 4 != 4 || ip[9] != 17 || (ip[0] & 15) != 5 ||
            (ref_get16(ip + 6) & 0x1fff)) {
            return NOT_OURS;
        }
        ref_v4_mapped(ip + 12, f->source);
        ref_v4_mapped(ip + 16, f->destination);
        f->tos = ip[1];
        f->udp = ETH + V4;
        *udp_size = ref_get16(ip + 2) - V4; /* less than a header: a size that no frame has */
        if (*udp_size > in->size - f->udp || sum16(ip, V4, 0) != 0xffff) {
            return PT_DROP_OUTER_MALFORMED;
        }
        return ref_get16(ip + 6) & 0x2000 ? PT_DROP_OUTER_FRAGMENT : 0;
    }
    if (ethertype != 0x86dd || in->size < ETH + V6 || ip[0] >> 4 != 6 || ip[6] != 17) {
        return NOT_OURS;
    }
    memcpy(f->source, ip + 8, 16);
    memcpy(f->destination, ip + 24, 16);
    f->tos = (ref_get16(ip) >> 4) & 0xff;
    f->udp = ETH + V6;
    *udp_size = ref_get16(ip + 4);
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
        if (ref_get16(option) == 0xff00 && option[2] == 0x81) {
            if (words < 1 || words > PT_STACK_LEN_MAX || f->stack_len != 0 || at + 4 * words > in->size) {
                return PT_DROP_GENEVE_MALFORMED;
            }
            f->stack_len = words;
            f->repaired = (option[3] & 0x80) != 0;
            f->strict = (option[3] & 0x40) != 0;
            for (uint32_t j = 0; j < words; j++) {
                f->stack[j] = ref_get32(in->data + at + 4 * j);
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
    f->source_port = ref_get16(udp);
    f->port = ref_get16(udp + 2);
    f->check = ref_get16(udp + 6);
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
    if (ref_get16(udp + 4) != udp_size || udp_size < UDP) {
        return PT_DROP_OUTER_MALFORMED;
    }
    const uint8_t *geneve = udp + UDP;
    uint32_t rest = udp_size - UDP, options = (geneve[0] & 0x3f) * 4U;
    if (rest < GENEVE || geneve[0] >> 6 != 0 || rest < GENEVE + options) {
        return PT_DROP_GENEVE_MALFORMED;
    }
    f->control = (geneve[1] & 0x80) != 0;
    f->protocol = ref_get16(geneve + 2);
    f->vni = ref_get32(geneve + 4) >> 8;
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
                                   .strict = f->strict,
                                   .stack = labels->stack,
                                   .stack_len = labels->len};
    bool v4 = ref_is_v4(path->remote);
    memcpy(v->out.data, in->data, 12);
    ref_set16(v->out.data + 12, v4 ? 0x0800 : 0x86dd);
    uint32_t size = ETH + ref_write_outer(v->out.data + ETH, path, &e);
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
    const struct ref_group *group = ref_find_group(m, f->stack[used - 1], UINT32_MAX);
    *reason = group == NULL ? PT_DROP_NO_GROUP : PT_DROP_NO_PATH;
    if (group == NULL) {
        return NULL;
    }
    /* The port as it lies in memory. */
    const struct ref_path *path =
        ref_choose(m, group, ref_mix(f->vni ^ (uint32_t)htons((uint16_t)f->source_port) << 16), NULL);
    for (size_t i = 0; path != NULL && f->strict && i < group->members_len; i++) {
        if (&m->paths[group->members[i].path] == path && group->members[i].tier != 0) {
            return NULL;
        }
    }
    return path != NULL && path->stack_len != 0 && f->repaired ? NULL : path;
}

static void transit(const struct ref_model *m, const struct packet *in, const struct ref_frame *f,
                    struct ref_verdict *v)
{
    uint32_t reason = 0, ignored = 0, used = 1;
    const struct ref_path *path = towards(m, f, 1, &reason);
    v->strict = f->strict;
    if (path == NULL && reason == PT_DROP_NO_PATH && f->stack_len > 1 && !f->repaired && !f->strict) {
        used = 2; /* past the site that cannot be reached */
        path = towards(m, f, 2, &ignored);
    }
    if (path == NULL) {
        ref_drop(v, reason);
        return;
    }
    bool v4 = ref_is_v4(f->source);
    uint32_t pseudo = f->inner - f->udp + f->inner_size + 17;
    pseudo = v4 ? sum16(f->source + 12, 4, sum16(f->destination + 12, 4, pseudo))
                : sum16(f->source, 16, sum16(f->destination, 16, pseudo));
    if (f->check != 0 && f->check == pseudo) {
        ref_drop(v, PT_DROP_OUTER_CHECKSUM);
        return;
    }
    struct ref_labels labels = {.len = path->stack_len + f->stack_len - used,
                                .repaired = f->repaired || path->stack_len != 0 || used != 1};
    if (labels.len > PT_STACK_LEN_MAX) {
        ref_drop(v, PT_DROP_NO_PATH);
        return;
    }
    for (uint32_t i = 0; i < labels.len; i++) {
        labels.stack[i] = i < path->stack_len ? path->stack[i] : f->stack[i - path->stack_len + used];
    }
    send_on(in, f, path, f->port, &labels, v);
    v->by_path = true;
    v->repaired = labels.repaired && !f->repaired;
}

static void control(const struct ref_model *m, const struct packet *in, const struct ref_frame *f,
                    const struct ref_peer *peer, struct ref_verdict *v)
{
    const uint8_t *hello = in->data + f->inner;
    if (f->protocol != PT_HELLO_PROTOCOL || f->inner_size < 56 || f->inner + 56 > in->size ||
        ref_get32(hello) != PT_HELLO_MAGIC || hello[4] != PT_HELLO_VERSION || hello[5] != PT_HELLO_REQUEST) {
        return;
    }
    if (peer->path == SIZE_MAX || hello[6] > PT_STACK_LEN_MAX) {
        ref_drop(v, PT_DROP_NO_PATH);
        return;
    }
    struct ref_labels back = {.len = hello[6]};
    for (unsigned i = 0; i < PT_STACK_LEN_MAX; i++) {
        back.stack[i] = ref_get32(hello + 32 + 4 * i);
    }
    struct packet reply = *in;
    reply.data[f->inner + 5] = PT_HELLO_REPLY;
    send_on(&reply, f, &m->paths[peer->path], PT_GENEVE_PORT, &back, v);
}

/* Congestion outside is congestion inside (RFC 6040); false: the inner packet cannot be marked. */
static bool mark(struct packet *out, uint32_t outer_tos, bool v4)
{
    uint8_t *ip = out->data + ETH;
    uint32_t tos = v4 ? ip[1] : (ref_get16(ip) >> 4) & 0xff;
    if ((outer_tos & 3) != 3 || (tos & 3) == 3) {
        return true;
    }
    if ((tos & 3) == 0) {
        return false;
    }
    if (v4) {
        uint32_t sum = ref_get16(ip + 10) + 0xffff - ((tos | 3) - tos);
        ref_set16(ip + 10, (sum & 0xffff) + (sum >> 16));
        ip[1] |= 3;
    } else {
        ip[1] |= 0x30;
    }
    return true;
}

/* The inner packet as the firewall sees it: its ports, or the number of an echo, behind the header and nothing else. */
static void read_inner(const struct packet *in, const struct ref_frame *f, struct ref_packet *p)
{
    const uint8_t *ip = in->data + f->inner;
    p->v4 = f->protocol == 0x0800;
    p->protocol = p->v4 ? ip[9] : ip[6];
    p->fragment = p->v4 && (ref_get16(ip + 6) & 0x3fff) != 0;
    if (p->v4) {
        ref_v4_mapped(ip + 12, p->source);
        ref_v4_mapped(ip + 16, p->destination);
    } else {
        memcpy(p->source, ip + 8, 16);
        memcpy(p->destination, ip + 24, 16);
    }
    p->l4 = f->inner + (p->v4 ? (ip[0] & 15) * 4U : V6);
    if (p->fragment || p->l4 + 8 > in->size) {
        p->l4 = 0;
        return;
    }
    p->has_ports =
        p->protocol == 6 || p->protocol == 17 || p->protocol == 132 || p->protocol == 136 || p->protocol == 33;
    if (p->has_ports) {
        p->ports[0] = ref_get16(in->data + p->l4);
        p->ports[1] = ref_get16(in->data + p->l4 + 2);
        p->begins = p->protocol == 6 && p->l4 + 14 <= in->size && (in->data[p->l4 + 13] & 0x12) == 2;
    }
    ref_read_query(in, p);
}

static void deliver(const struct ref_model *m, struct ref_state *state, const struct packet *in,
                    const struct ref_frame *f, struct ref_verdict *v)
{
    struct ref_packet p = {0};
    const uint8_t *ip = in->data + f->inner;
    bool v4 = f->protocol == 0x0800;
    uint8_t destination[16];
    if (v4) {
        if (f->inner_size < V4 || ip[0] >> 4 != 4 || (ip[0] & 15) < 5 || ref_get16(ip + 2) > f->inner_size ||
            ref_get16(ip + 2) < (ip[0] & 15) * 4U) {
            ref_drop(v, PT_DROP_INNER_MALFORMED);
            return;
        }
        ref_v4_mapped(ip + 16, destination);
    } else if (f->protocol != 0x86dd || f->inner_size < V6 || ip[0] >> 4 != 6 ||
               ref_get16(ip + 4) + V6 > f->inner_size) {
        ref_drop(v, PT_DROP_INNER_MALFORMED);
        return;
    } else {
        memcpy(destination, ip + 24, 16);
    }
    v->translated = ref_prefix_in(m, f->vni, v4, destination);
    v->outside = v->translated ? ref_get32(ip + 16) : 0;
    read_inner(in, f, &p);
    memcpy(p.destination, destination, 16);
    /* An IPv6 packet to a v4-mapped address is taken for the IPv4 address. */
    const struct ref_route *route = ref_find_route(m, f->vni, destination, ref_is_v4(destination));
    if (route == NULL) {
        ref_drop(v, PT_DROP_WRONG_SEGMENT);
    } else if (route->site != m->site || route->lan == 0) {
        ref_drop(v, PT_DROP_NOT_LOCAL);
    } else if (route->sealed) {
        ref_drop(v, PT_DROP_PLAIN_REFUSED);
    } else if (!ref_arrives(m, state, &p, f->vni)) {
        ref_drop(v, PT_DROP_FIREWALL);
    } else {
        memcpy(v->out.data, in->data, 12);
        ref_set16(v->out.data + 12, f->protocol);
        memcpy(v->out.data + ETH, ip, in->size - f->inner);
        v->out.size = ETH + in->size - f->inner;
        if (mark(&v->out, f->tos, v4)) {
            hand_over(v, route->lan, ref_is_v4(destination), destination);
        } else {
            ref_drop(v, PT_DROP_ECN_INVALID);
        }
    }
}

void ref_wan(const struct ref_model *m, struct ref_state *state, uint32_t ifindex, const struct packet *in,
             struct ref_verdict *v)
{
    struct ref_frame f;
    ref_begin(v, in);
    uint32_t reason = parse_frame(m, ifindex, in, &f);
    if (reason != 0) {
        if (reason != NOT_OURS) {
            ref_drop(v, reason);
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
            ref_drop(v, PT_DROP_UNKNOWN_PEER);
        }
        return;
    }
    if (f.stack_len != 0) {
        transit(m, in, &f, v);
    } else if (!proves_itself && f.control) {
        control(m, in, &f, peer, v);
    } else if (!proves_itself) {
        deliver(m, state, in, &f, v);
    }
}
