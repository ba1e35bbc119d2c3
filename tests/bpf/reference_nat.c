/* Firewall and translation of the interpreter of reference.h. */
#include "reference_priv.h"

#include "bpf/abi/filter.h"
#include "bpf/abi/nat.h"

#include <check.h>
#include <string.h>

void ref_state_forget(struct ref_state *state)
{
    state->mappings_len = state->peers_len = state->entered_len = state->tracks_len = 0;
}

static uint32_t v4_of(const uint8_t address[16])
{
    return ref_get32(address + 12);
}

static void set_v4(uint8_t address[16], uint32_t value)
{
    ref_set16(address + 12, value >> 16);
    ref_set16(address + 14, value & 0xffff);
}

/* ---- echoes --------------------------------------------------------------------------------------------------- */

/* The number of an echo stands for the port of who asks, 8 for that of who answers. */
void ref_read_query(const struct packet *in, struct ref_packet *p)
{
    uint32_t asks = p->v4 ? 8 : 128, answers = p->v4 ? 0 : 129;
    if (p->l4 == 0 || p->has_ports || p->protocol != (p->v4 ? 1 : 58) || p->l4 + 6 > in->size) {
        return;
    }
    uint32_t type = in->data[p->l4], id = ref_get16(in->data + p->l4 + 4);
    if (type == asks) {
        p->ports[0] = id;
        p->ports[1] = 8;
    } else if (type == answers) {
        p->ports[0] = 8;
        p->ports[1] = id;
    }
}

/* ---- the firewall --------------------------------------------------------------------------------------------- */

const struct ref_filter *ref_find_filter(const struct ref_model *m, uint32_t vni)
{
    for (size_t i = 0; i < m->nat.filters_len; i++) {
        if (m->nat.filters[i].vni == vni) {
            return &m->nat.filters[i];
        }
    }
    return NULL;
}

/* What the rules say of a packet that begins. */
static bool allows(const struct ref_model *m, uint32_t vni, const struct ref_packet *p, uint32_t to)
{
    const struct ref_filter *filter = ref_find_filter(m, vni);
    for (size_t i = 0; i < m->nat.rules_len; i++) {
        const struct ref_filter_rule *r = &m->nat.rules[i];
        bool leads = r->to == to || (r->to == 0 && (to == vni || to == REF_INTERNET));
        bool any_port = r->first == 0 && r->last == 65535;
        if (r->vni == vni && leads && (r->protocol == 256 || r->protocol == p->protocol) &&
            (any_port || (p->has_ports && p->ports[1] >= r->first && p->ports[1] <= r->last)) &&
            ref_in_prefix(p->source, r->source, r->source_bits) &&
            ref_in_prefix(p->destination, r->destination, r->destination_bits)) {
            return r->allow;
        }
    }
    return (to == vni || to == REF_INTERNET) && !filter->drop;
}

static void track_key(const struct ref_packet *p, uint32_t vni, bool answers, uint8_t key[44])
{
    uint32_t ports[2] = {p->ports[answers], p->ports[!answers]};
    const uint32_t rest[3] = {vni, p->protocol, ports[0] << 16 | ports[1]};
    memcpy(key, answers ? p->destination : p->source, 16);
    memcpy(key + 16, answers ? p->source : p->destination, 16);
    memcpy(key + 32, rest, 12);
}

static struct ref_track *find_track(struct ref_state *state, const uint8_t key[44])
{
    for (size_t i = 0; i < state->tracks_len; i++) {
        if (memcmp(state->tracks[i].key, key, 44) == 0) {
            return &state->tracks[i];
        }
    }
    return NULL;
}

/* 0: no flow waits for this packet; else its track's state, which knows of the answer from now on. */
static int answers_track(struct ref_state *state, const struct ref_packet *p, uint32_t vni, uint32_t *ret_vni)
{
    uint8_t key[44];
    track_key(p, vni, false, key);
    struct ref_track *track = find_track(state, key);
    if (track == NULL || track->state == PT_TRACK_DENIED) {
        return track == NULL ? 0 : PT_TRACK_DENIED;
    }
    track->state = PT_TRACK_ANSWERED;
    *ret_vni = track->vni;
    state->answered++;
    return PT_TRACK_ANSWERED;
}

/* A flow is let through, or not any more. */
static void write_track(struct ref_state *state, const struct ref_packet *p, uint32_t at_vni, uint32_t from_vni,
                        bool allow)
{
    uint8_t key[44];
    track_key(p, at_vni, true, key);
    struct ref_track *track = find_track(state, key);
    if (track == NULL) {
        if (allow) {
            ck_assert_uint_lt(state->tracks_len, REF_TRACKS_MAX);
            track = &state->tracks[state->tracks_len++];
            memcpy(track->key, key, 44);
            track->vni = from_vni;
            track->state = PT_TRACK_BEGUN;
        }
        return;
    }
    if (!allow || track->state == PT_TRACK_DENIED || p->begins) {
        track->state = allow ? PT_TRACK_BEGUN : PT_TRACK_DENIED;
    }
    track->vni = from_vni;
}

int ref_answers(const struct ref_model *m, struct ref_state *state, const struct ref_packet *p, uint32_t vni,
                uint32_t *ret_vni)
{
    return ref_find_filter(m, vni) == NULL ? 0 : answers_track(state, p, vni, ret_vni);
}

bool ref_judge(const struct ref_model *m, struct ref_state *state, const struct ref_packet *p,
               const struct ref_judgement *j)
{
    if (ref_find_filter(m, j->vni) == NULL || j->answers == PT_TRACK_ANSWERED) {
        return true;
    }
    bool allow = allows(m, j->vni, p, j->to);
    if (j->to != REF_INTERNET) {
        write_track(state, p, j->local ? j->to : j->vni, j->vni, allow);
    }
    state->refused += !allow;
    return allow;
}

/* For a host of this site, judged where it began: it leaves a track for its answers, unless it is one itself. */
bool ref_arrives(const struct ref_model *m, struct ref_state *state, const struct ref_packet *p, uint32_t vni)
{
    uint32_t ignored;
    if (ref_find_filter(m, vni) == NULL) {
        return true;
    }
    int found = answers_track(state, p, vni, &ignored);
    if (found == 0) { /* a packet travels in the segment that it goes to: where it began is not known here */
        write_track(state, p, vni, 0, true);
    }
    return found != PT_TRACK_DENIED;
}

/* ---- changing packets ----------------------------------------------------------------------------------------- */

/* Where TCP, UDP and ICMP have their checksum; 0: nobody else has one here. */
static uint32_t checksum_at(const struct ref_packet *p)
{
    return p->protocol == 6 ? p->l4 + 16 : p->protocol == 17 ? p->l4 + 6 : p->protocol == 1 ? p->l4 + 2 : 0;
}

static void replace_word(struct packet *out, const struct ref_packet *p, uint32_t check_at, uint32_t from, uint32_t to)
{
    uint32_t check = ref_get16(out->data + check_at);
    if (p->protocol == 17 && check == 0) {
        return; /* there is none */
    }
    check = ref_checksum_changed(check, from, to);
    ref_set16(out->data + check_at, p->protocol == 17 && check == 0 ? 0xffff : check);
}

bool ref_set_address(struct packet *out, const struct ref_packet *p, bool source, uint32_t to)
{
    uint8_t *ip = out->data + ETH, *at = ip + (source ? 12 : 16);
    uint32_t check_at = checksum_at(p), from = ref_get32(at);
    if (from == to) {
        return true;
    }
    if (check_at != 0 && p->protocol != 1) {
        if (check_at + 2 > out->size) {
            return false;
        }
        replace_word(out, p, check_at, from >> 16, to >> 16);
        replace_word(out, p, check_at, from & 0xffff, to & 0xffff);
    }
    uint32_t header = ref_checksum_changed(ref_get16(ip + 10), from >> 16, to >> 16);
    ref_set16(ip + 10, ref_checksum_changed(header, from & 0xffff, to & 0xffff));
    ref_set16(at, to >> 16);
    ref_set16(at + 2, to & 0xffff);
    return true;
}

static bool set_port(struct packet *out, const struct ref_packet *p, bool source, uint32_t to)
{
    uint32_t at = p->l4 + (p->protocol == 1 ? 4 : source ? 0 : 2), check_at = checksum_at(p);
    uint32_t from = ref_get16(out->data + at);
    if (from == to) {
        return true;
    }
    if (check_at + 2 > out->size) {
        return false;
    }
    replace_word(out, p, check_at, from, to);
    ref_set16(out->data + at, to);
    return true;
}

/* ---- prefixes one to one -------------------------------------------------------------------------------------- */

static const struct ref_prefix *find_prefix(const struct ref_model *m, uint32_t vni, uint32_t address, bool outside)
{
    for (size_t i = 0; i < m->nat.prefixes_len; i++) {
        const struct ref_prefix *x = &m->nat.prefixes[i];
        if (x->vni == vni && (address & x->mask) == (outside ? x->outside : x->inside)) {
            return x;
        }
    }
    return NULL;
}

bool ref_prefix_out(const struct ref_model *m, uint32_t vni, const struct ref_packet *p, uint32_t *ret_address)
{
    uint32_t own = v4_of(p->source);
    const struct ref_prefix *x = p->v4 ? find_prefix(m, vni, own, false) : NULL;
    if (x != NULL) {
        *ret_address = x->outside | (own & ~x->mask);
    }
    return x != NULL;
}

bool ref_prefix_in(const struct ref_model *m, uint32_t vni, bool v4, uint8_t destination[16])
{
    uint32_t to = v4_of(destination);
    const struct ref_prefix *x = v4 ? find_prefix(m, vni, to, true) : NULL;
    if (x != NULL) {
        set_v4(destination, x->inside | (to & ~x->mask));
    }
    return x != NULL;
}

/* ---- the internet --------------------------------------------------------------------------------------------- */

static const struct ref_forward *find_forward_out(const struct ref_model *m, uint32_t vni, const struct ref_packet *p)
{
    for (size_t i = 0; i < m->nat.forwards_len && p->has_ports; i++) {
        const struct ref_forward *f = &m->nat.forwards[i];
        if (f->vni == vni && f->protocol == p->protocol && f->target == p->ports[0] &&
            ref_get32(f->address) == v4_of(p->source)) {
            return f;
        }
    }
    return NULL;
}

static struct ref_entered *find_entered(struct ref_state *state, const struct ref_entered *flow)
{
    for (size_t i = 0; i < state->entered_len; i++) {
        if (memcmp(&state->entered[i], flow, offsetof(struct ref_entered, link)) == 0) {
            return &state->entered[i];
        }
    }
    return NULL;
}

static void note_entered(struct ref_state *state, const struct ref_entered *flow)
{
    struct ref_entered *known = find_entered(state, flow);
    if (known == NULL) {
        ck_assert_uint_lt(state->entered_len, REF_MAPPINGS_MAX);
        known = &state->entered[state->entered_len++];
    }
    *known = *flow;
}

/* Link and port outside of what a forwarded host sends: those that the flow came in by, while they lead there. */
static bool way_back(const struct ref_model *m, struct ref_state *state, uint32_t vni, const struct ref_packet *p,
                     struct ref_decision *d)
{
    const struct ref_forward *forward = find_forward_out(m, vni, p);
    const struct ref_entered flow = {.vni = vni,
                                     .protocol = p->protocol,
                                     .host = v4_of(p->source),
                                     .port = p->ports[0],
                                     .remote = v4_of(p->destination),
                                     .remote_port = p->ports[1]};
    const struct ref_entered *entered = forward == NULL ? NULL : find_entered(state, &flow);
    if (forward == NULL) {
        return false;
    }
    d->out = forward->link;
    d->port = forward->port;
    for (size_t i = 0; i < m->nat.forwards_len && entered != NULL; i++) {
        const struct ref_forward *f = &m->nat.forwards[i];
        if (f->link == entered->link && f->port == entered->outside && f->protocol == p->protocol &&
            ref_get32(f->address) == flow.host && f->target == flow.port) {
            d->out = f->link;
            d->port = f->port;
        }
    }
    return true;
}

/* What can be translated: TCP, UDP, and echoes by their number. -1: nothing else. */
static int class_of(const struct packet *in, struct ref_packet *p)
{
    if (p->protocol == 6 || p->protocol == 17) {
        return !p->has_ports ? -1 : p->protocol == 6 ? PT_NAT_TCP : PT_NAT_UDP;
    }
    if (p->protocol != 1 || p->l4 == 0 || p->l4 + 6 > in->size || (in->data[p->l4] != 8 && in->data[p->l4] != 0)) {
        return -1;
    }
    p->ports[0] = p->ports[1] = ref_get16(in->data + p->l4 + 4);
    return PT_NAT_ICMP;
}

static const struct ref_mapping *mapping_at(const struct ref_state *state, uint32_t link, uint32_t class, uint32_t port)
{
    for (size_t i = 0; i < state->mappings_len; i++) {
        const struct ref_mapping *x = &state->mappings[i];
        if (x->link == link && x->class == class && x->port == port) {
            return x;
        }
    }
    return NULL;
}

/* The port that a host is known by; one that it has, or a new one. 0: the program gave one that it must not. */
static uint32_t map_port(struct ref_state *state, const struct ref_mapping *wanted)
{
    for (size_t i = 0; i < state->mappings_len; i++) {
        struct ref_mapping *x = &state->mappings[i];
        if (x->link == wanted->link && x->class == wanted->class && x->address == wanted->address &&
            x->vni == wanted->vni && x->inside_port == wanted->inside_port) {
            x->lan = wanted->lan;
            return x->port;
        }
    }
    uint32_t port = state->port_of(state->arg, wanted), own = wanted->inside_port;
    if (own >= PT_NAT_PORT_FIRST && own <= PT_NAT_PORT_LAST &&
        mapping_at(state, wanted->link, wanted->class, own) == NULL) {
        port = own;
    } else if (port < PT_NAT_PORT_FIRST || port > PT_NAT_PORT_LAST || (port ^ own) & 1 ||
               mapping_at(state, wanted->link, wanted->class, port) != NULL) {
        return 0;
    }
    ck_assert_uint_lt(state->mappings_len, REF_MAPPINGS_MAX);
    struct ref_mapping *new = &state->mappings[state->mappings_len++];
    *new = *wanted;
    new->port = port;
    state->made++;
    return port;
}

static void note_peer(struct ref_state *state, const struct ref_peer_seen *peer)
{
    for (size_t i = 0; i < state->peers_len; i++) {
        if (memcmp(&state->peers[i], peer, sizeof(*peer)) == 0) {
            return;
        }
    }
    ck_assert_uint_lt(state->peers_len, REF_MAPPINGS_MAX);
    state->peers[state->peers_len++] = *peer;
}

/* The link that a host keeps to: the one that its address chooses among those of its segment. */
static const struct ref_exit *choose_exit(const struct ref_model *m, uint32_t vni, const struct ref_packet *p)
{
    const struct ref_exit *own[4];
    uint32_t len = 0, address;
    for (size_t i = 0; i < m->nat.exits_len; i++) {
        if (m->nat.exits[i].vni == vni) {
            own[len++] = &m->nat.exits[i];
        }
    }
    memcpy(&address, p->source + 12, 4); /* as it lies in memory */
    return len == 0 ? NULL : own[ref_mix(address) % len];
}

/* Is there a way out at all: an exit, or forwards whose answers need one? */
static bool has_exits(const struct ref_model *m, uint32_t vni)
{
    bool found = false;
    for (size_t i = 0; i < m->nat.exits_len; i++) {
        found |= m->nat.exits[i].vni == vni;
    }
    for (size_t i = 0; i < m->nat.forwards_len; i++) {
        found |= m->nat.forwards[i].vni == vni;
    }
    return found;
}

/* By the exit that the host keeps to: 0, or why not. */
static uint32_t leave_by(const struct ref_exit *exit, struct ref_state *state, const struct ref_question *q,
                         struct ref_packet *p, bool forwarded, struct ref_decision *d)
{
    int class = p->fragment ? -1 : class_of(q->in, p);
    if (class < 0) {
        return p->fragment ? PT_DROP_NAT_FRAGMENT : PT_DROP_NAT_PROTOCOL;
    }
    const struct ref_mapping wanted = {.link = exit->link,
                                       .class = (uint32_t) class,
                                       .address = v4_of(p->source),
                                       .vni = q->vni,
                                       .inside_port = p->ports[0],
                                       .lan = q->ifindex};
    if (!forwarded) {
        d->out = exit->link;
        d->port = map_port(state, &wanted);
    }
    if (d->port != 0 && exit->dependent) {
        note_peer(state, &(struct ref_peer_seen){d->out, (uint32_t) class, d->port, v4_of(p->destination)});
    }
    return d->port == 0 ? PT_DROP_NAT_EXHAUSTED : 0;
}

void ref_exit(const struct ref_model *m, struct ref_state *state, const struct ref_question *q, struct ref_packet *p,
              struct ref_decision *d)
{
    const struct ref_judgement judgement = {.vni = q->vni, .to = REF_INTERNET};
    d->reason = PT_DROP_NO_ROUTE;
    if (!p->v4 || !has_exits(m, q->vni)) {
        return;
    }
    const struct ref_exit *exit = choose_exit(m, q->vni, p);
    bool forwarded = way_back(m, state, q->vni, p, d);
    if (!ref_judge(m, state, p, &judgement) && !forwarded) {
        d->reason = PT_DROP_FIREWALL;
        return;
    }
    const struct ref_rule *rule = ref_find_rule(m, q->vni, p);
    if (rule != NULL && rule->deny) {
        d->reason = PT_DROP_POLICY_DENY;
        return;
    }
    if (exit != NULL) {
        d->reason = leave_by(exit, state, q, p, forwarded, d);
    } else {
        d->reason = forwarded ? 0 : PT_DROP_NO_ROUTE;
    }
    if (d->reason != 0) {
        return;
    }
    d->kept = REF_KEPT_EXIT;
    d->site = REF_INTERNET;
    d->forgotten = p->protocol == 1; /* echoes of several numbers are one flow */
}

bool ref_translate_source(const struct ref_model *m, struct packet *out, const struct ref_packet *p, uint32_t link,
                          uint32_t port)
{
    return ref_set_address(out, p, true, v4_of(m->links[link - 1].address)) && set_port(out, p, true, port);
}

/* ---- from the internet ---------------------------------------------------------------------------------------- */

struct host {
    uint32_t address, port, lan, vni;
};

/* 0: nobody is behind the port; 1: *ret; -1: who asks may not. */
static int behind(const struct ref_model *m, struct ref_state *state, uint32_t link, int class,
                  const struct ref_packet *p, struct host *ret)
{
    for (size_t i = 0; i < m->nat.forwards_len; i++) {
        const struct ref_forward *f = &m->nat.forwards[i];
        if (f->link == link && f->protocol == p->protocol && f->port == p->ports[1]) {
            const struct ref_entered flow = {
                f->vni, f->protocol, ref_get32(f->address), f->target, v4_of(p->source), p->ports[0], link, f->port};
            note_entered(state, &flow);
            *ret = (struct host){flow.host, f->target, f->lan, f->vni};
            return 1;
        }
    }
    const struct ref_mapping *x = mapping_at(state, link, (uint32_t) class, p->ports[1]);
    const struct ref_exit *exit = NULL;
    for (size_t i = 0; i < m->nat.exits_len && x != NULL; i++) {
        exit = exit == NULL && m->nat.exits[i].vni == x->vni ? &m->nat.exits[i] : exit;
    }
    if (exit == NULL) {
        return 0;
    }
    *ret = (struct host){x->address, x->inside_port, x->lan, x->vni};
    const struct ref_peer_seen peer = {link, (uint32_t) class, p->ports[1], v4_of(p->source)};
    for (size_t i = 0; i < state->peers_len; i++) {
        if (memcmp(&state->peers[i], &peer, sizeof(peer)) == 0) {
            return 1;
        }
    }
    return exit->dependent ? -1 : 1;
}

static uint32_t deliver(const struct ref_model *m, struct packet *out, const struct ref_packet *p,
                        const struct host *host)
{
    if (ref_lan_segment(m, host->lan) != host->vni) {
        return PT_DROP_NO_ROUTE;
    }
    if (out->size - ETH > m->lan_mtu) {
        return PT_DROP_EGRESS_TOO_BIG;
    }
    if (p->ttl <= 1) {
        return PT_DROP_TTL_EXCEEDED;
    }
    if (!ref_set_address(out, p, false, host->address) || !set_port(out, p, false, host->port)) {
        return PT_DROP_MALFORMED;
    }
    (void)ref_hop(out, p);
    return 0;
}

void ref_internet(const struct ref_model *m, struct ref_state *state, uint32_t ifindex, const struct packet *in,
                  struct ref_verdict *v)
{
    struct ref_packet p;
    struct host host;
    uint32_t link = 0;
    ref_begin(v, in);
    if (ref_get16(in->data + 12) != 0x0800 || !ref_parse(in, 0, &p) || p.l4 == 0 ||
        (p.protocol == 17 && p.has_ports && p.ports[1] >= PT_GENEVE_PORT && p.ports[1] <= PT_LIVE_PORT)) {
        return;
    }
    for (uint32_t i = 0; i < m->links_len; i++) {
        if (m->links[i].ifindex == ifindex && memcmp(m->links[i].address, p.destination, 16) == 0) {
            link = i + 1;
        }
    }
    if (link == 0 || (p.protocol == 1 && p.l4 < in->size && in->data[p.l4] == 8)) {
        return;
    }
    int class = class_of(in, &p), found = class < 0 ? 0 : behind(m, state, link, class, &p, &host);
    if (found == 0) {
        return;
    }
    uint32_t reason = found < 0 ? PT_DROP_NAT_FILTERED : deliver(m, &v->out, &p, &host);
    v->action = REF_SEND;
    if (reason != 0) {
        ref_drop(v, reason);
    }
}

/* ---- what the tunnel process opened --------------------------------------------------------------------------- */

void ref_tap(const struct ref_model *m, struct ref_state *state, const struct packet *in, struct ref_verdict *v)
{
    struct ref_packet p;
    ref_begin(v, in);
    uint32_t vni = ref_get32(in->data + 8) & 0xffffff;
    if (in->data[6] != 2 || in->data[7] != 0x54 || !ref_parse(in, 0, &p)) {
        ref_drop(v, PT_DROP_INNER_MALFORMED);
        return;
    }
    if (ref_prefix_in(m, vni, p.v4, p.destination) &&
        (p.l4 == 0 || !ref_set_address(&v->out, &p, false, v4_of(p.destination)))) {
        ref_drop(v, PT_DROP_NAT_FRAGMENT);
        return;
    }
    const struct ref_route *route = ref_find_route(m, vni, p.destination, p.v4);
    ref_read_query(in, &p);
    if (route == NULL) {
        ref_drop(v, PT_DROP_WRONG_SEGMENT);
    } else if (route->site != m->site || route->lan == 0) {
        ref_drop(v, PT_DROP_NOT_LOCAL);
    } else if (!ref_arrives(m, state, &p, vni)) {
        ref_drop(v, PT_DROP_FIREWALL);
    } else if (in->size - ETH > m->lan_mtu) {
        ref_drop(v, PT_DROP_EGRESS_TOO_BIG);
    } else {
        v->action = REF_SEND;
    }
}
