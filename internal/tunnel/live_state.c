/*
 * What liveness hands to the process that takes its place, and how it is taken over (handover.h, door_take.c).
 *
 * A session goes on as if nothing had been: same discriminators, same state, next sequence number, same socket. The
 * neighbour hears nothing for as long as the handing over takes, which is little beside its detection time.
 *
 * What a path was measured to be like goes along as it stands in memory, because it is of much more parts than anything
 * else here: only between processes for which all of these parts have one size (`layout`). Whoever changes their
 * meaning without their size gives the table a new tag. Where it does not go along, measuring begins anew.
 */
#include "base/assert.h"
#include "base/buf.h"
#include "crypto/crypto.h"
#include "tunnel/live_priv.h"

#include <stdlib.h>
#include <string.h>

/* Records: the rules of handover.h hold for each of them. */
struct live_record {
    uint32_t label, interval_us, transit_interval_us, next_discriminator;
};

struct link_record {
    uint32_t number;
    int32_t fd;
    char interface[16];
    uint8_t address[16];
    uint64_t rate_bps;
    uint32_t interval_us, zero;
};

struct peer_record {
    uint32_t label, zero;
    uint8_t public_key[PT_X25519_SIZE], key[PT_BFD_SHA1_SIZE], zeroes[4], train_key[PT_HMAC_SIZE];
};

struct session_record {
    uint64_t path;
    uint32_t role, label, slot, link;
    uint32_t stack_len, back_len, stack[PT_STACK_LEN_MAX], back[PT_STACK_LEN_MAX];
    uint8_t remote[16];
    uint32_t remote_port, known, alive, cut;
    uint32_t sent, received, highest, first_stream, streams, zero;
    uint64_t heard_ns, trains_ns, echo_ns, echo_at_ns;
    /* BFD: its variables by the names of session.h. */
    uint32_t discriminator, desired_min_tx_us, required_min_rx_us, multiplier;
    uint32_t state, remote_state, diagnostic, remote_diagnostic, remote_discriminator;
    uint32_t remote_min_rx_us, remote_desired_tx_us, remote_multiplier, remote_demand, tx_us, rx_us;
    uint32_t polling, final_due, changed, sequence_known, received_sequence, sent_sequence, zero2;
    uint64_t random, last_received_ns, last_sent_ns, next_send_ns, ups, downs;
    uint8_t configured[16];
    uint32_t moved, strict;
};

struct sla_record {
    uint32_t number;
    uint32_t bounds_loss, bounds_rtt, bounds_jitter, bounds_mos;
    uint32_t loss_ppm_max, rtt_us_max, jitter_us_max, mos_milli_min;
    uint32_t window_ms, fast_down_ms, slow_up_ms, half_life_ms;
};

struct measure_record {
    uint64_t path;
    uint32_t layout[4];
    struct pt_measure measure;
    struct pt_live_quality quality;
};
static const uint32_t layout[4] = {sizeof(struct pt_measure), sizeof(struct pt_measure_minute),
                                   sizeof(struct pt_window), sizeof(struct pt_sla)};

_Static_assert(sizeof(struct measure_record) <= PT_HANDOVER_RECORD_MAX, "a record of what was measured");

/* ---- saving --------------------------------------------------------------------------------------------------- */

static void save_links(const struct pt_live *live, struct pt_handover *into)
{
    struct link_record records[PT_ENGINE_LINKS_MAX];
    for (size_t i = 0; i < live->links_len; i++) {
        const struct pt_live_link *link = &live->links[i];
        records[i] = (struct link_record){.number = link->config.number,
                                          .fd = pt_handover_add_fd(into, link->fd),
                                          .rate_bps = link->config.rate_bps,
                                          .interval_us = link->interval_us};
        memcpy(records[i].interface, link->config.interface, sizeof(records[i].interface));
        memcpy(records[i].address, link->config.address.bytes, sizeof(records[i].address));
    }
    pt_handover_add(into, PT_HANDOVER_LIVE_LINKS, records, sizeof(records[0]), live->links_len);
}

static void save_peers(const struct pt_live *live, struct pt_handover *into)
{
    struct peer_record *records = calloc(live->peers.count + 1, sizeof(*records));
    size_t len = 0;
    pt_assert(records != NULL);
    PT_MAP_FOREACH (entry, &live->peers) {
        const struct pt_live_peer *peer = entry->value;
        struct peer_record *record = &records[len++];
        record->label = pt_be32(entry->key);
        memcpy(record->public_key, peer->public_key, sizeof(record->public_key));
        memcpy(record->key, peer->key, sizeof(record->key));
        memcpy(record->train_key, peer->train_key, sizeof(record->train_key));
    }
    pt_handover_add(into, PT_HANDOVER_LIVE_PEERS, records, sizeof(*records), len);
    pt_handover_drop(records, sizeof(*records), len);
}

static void save_bfd(const struct pt_bfd *bfd, struct session_record *record)
{
    record->discriminator = bfd->options.discriminator;
    record->desired_min_tx_us = bfd->options.desired_min_tx_us;
    record->required_min_rx_us = bfd->options.required_min_rx_us;
    record->multiplier = bfd->options.multiplier;
    record->state = (uint32_t)bfd->state;
    record->remote_state = (uint32_t)bfd->remote_state;
    record->diagnostic = bfd->diagnostic;
    record->remote_diagnostic = bfd->remote_diagnostic;
    record->remote_discriminator = bfd->remote_discriminator;
    record->remote_min_rx_us = bfd->remote_min_rx_us;
    record->remote_desired_tx_us = bfd->remote_desired_tx_us;
    record->remote_multiplier = bfd->remote_multiplier;
    record->remote_demand = bfd->remote_demand;
    record->tx_us = bfd->tx_us;
    record->rx_us = bfd->rx_us;
    record->polling = bfd->polling;
    record->final_due = bfd->final_due;
    record->changed = bfd->changed;
    record->sequence_known = bfd->sequence_known;
    record->received_sequence = bfd->received_sequence;
    record->sent_sequence = bfd->sent_sequence;
    record->random = bfd->random;
    record->last_received_ns = bfd->last_received_ns;
    record->last_sent_ns = bfd->last_sent_ns;
    record->next_send_ns = bfd->next_send_ns;
    record->ups = bfd->ups;
    record->downs = bfd->downs;
}

static void save_session(const struct pt_live_session *s, struct session_record *record)
{
    *record = (struct session_record){.path = s->path,
                                      .role = (uint32_t)s->role,
                                      .label = s->label,
                                      .slot = s->slot,
                                      .link = s->link,
                                      .stack_len = s->stack_len,
                                      .back_len = s->back_len,
                                      .remote_port = s->remote.port,
                                      .known = s->known,
                                      .alive = s->alive,
                                      .cut = s->cut,
                                      .sent = s->sent,
                                      .received = s->received,
                                      .highest = s->highest,
                                      .first_stream = s->first_stream,
                                      .streams = s->streams,
                                      .heard_ns = s->heard_ns,
                                      .trains_ns = s->trains_ns,
                                      .echo_ns = s->echo_ns,
                                      .echo_at_ns = s->echo_at_ns};
    memcpy(record->stack, s->stack, sizeof(record->stack));
    memcpy(record->back, s->back, sizeof(record->back));
    memcpy(record->remote, s->remote.ip.bytes, sizeof(record->remote));
    record->moved = s->moved;
    record->strict = s->strict;
    memcpy(record->configured, s->configured.bytes, sizeof(record->configured));
    save_bfd(&s->bfd, record);
}

static void save_sessions(const struct pt_live *live, struct pt_handover *into)
{
    struct session_record *records = calloc(live->owners.count + live->answers.count + 1, sizeof(*records));
    struct measure_record *measures = calloc(live->measured + 1, sizeof(*measures));
    size_t len = 0, measures_len = 0;
    pt_assert(records != NULL && measures != NULL);
    PT_MAP_FOREACH (owner, &live->owners) {
        const struct pt_live_session *s = owner->value;
        save_session(s, &records[len++]);
        if (s->measure != NULL) {
            struct measure_record *record = &measures[measures_len++];
            record->path = s->path;
            memcpy(record->layout, layout, sizeof(record->layout));
            record->measure = *s->measure;
            record->quality = *s->quality;
        }
    }
    PT_MAP_FOREACH (answer, &live->answers) {
        save_session(answer->value, &records[len++]);
    }
    pt_handover_add(into, PT_HANDOVER_LIVE_SESSIONS, records, sizeof(*records), len);
    pt_handover_add(into, PT_HANDOVER_LIVE_MEASURES, measures, sizeof(*measures), measures_len);
    free(records);
    free(measures);
}

static void save_slas(const struct pt_live *live, struct pt_handover *into)
{
    struct sla_record records[PT_SLA_PROFILES_MAX];
    for (size_t i = 0; i < live->slas_len; i++) {
        const struct pt_sla_profile *p = &live->slas[i].profile;
        records[i] = (struct sla_record){.number = live->slas[i].number,
                                         .bounds_loss = p->bounds_loss,
                                         .bounds_rtt = p->bounds_rtt,
                                         .bounds_jitter = p->bounds_jitter,
                                         .bounds_mos = p->bounds_mos,
                                         .loss_ppm_max = p->loss_ppm_max,
                                         .rtt_us_max = p->rtt_us_max,
                                         .jitter_us_max = p->jitter_us_max,
                                         .mos_milli_min = p->mos_milli_min,
                                         .window_ms = p->window_ms,
                                         .fast_down_ms = p->fast_down_ms,
                                         .slow_up_ms = p->slow_up_ms,
                                         .half_life_ms = p->half_life_ms};
    }
    pt_handover_add(into, PT_HANDOVER_LIVE_SLAS, records, sizeof(records[0]), live->slas_len);
}

void pt_live_save(struct pt_live *live, struct pt_handover *into)
{
    const struct live_record record = {.label = live->label,
                                       .interval_us = live->interval_us,
                                       .transit_interval_us = live->transit_interval_us,
                                       .next_discriminator = live->next_discriminator};
    pt_assert(!live->started); /* nobody else is in it: no lock */
    pt_handover_add(into, PT_HANDOVER_LIVE, &record, sizeof(record), 1);
    save_links(live, into);
    save_peers(live, into);
    save_sessions(live, into);
    save_slas(live, into);
}

/* ---- taking over ---------------------------------------------------------------------------------------------- */

static void adopt_links(struct pt_live *live, struct pt_handover *from)
{
    size_t len;
    struct link_record *records = pt_handover_take(from, PT_HANDOVER_LIVE_LINKS, sizeof(*records), &len);
    for (size_t i = 0; i < len && live->links_len < PT_ENGINE_LINKS_MAX; i++) {
        struct pt_live_link *link = &live->links[live->links_len++];
        *link = (struct pt_live_link){.config = {.number = records[i].number, .rate_bps = records[i].rate_bps},
                                      .fd = pt_handover_take_fd(from, records[i].fd),
                                      .interval_us = records[i].interval_us};
        memcpy(link->config.interface, records[i].interface, sizeof(link->config.interface) - 1);
        memcpy(link->config.address.bytes, records[i].address, sizeof(link->config.address.bytes));
    }
    free(records);
}

static void adopt_peers(struct pt_live *live, const struct pt_handover *from)
{
    size_t len;
    struct peer_record *records = pt_handover_take(from, PT_HANDOVER_LIVE_PEERS, sizeof(*records), &len);
    for (size_t i = 0; i < len && live->peers.count < PT_PEERS_MAX; i++) {
        uint8_t label[4];
        struct pt_live_peer *peer = calloc(1, sizeof(*peer));
        pt_assert(peer != NULL);
        memcpy(peer->public_key, records[i].public_key, sizeof(peer->public_key));
        memcpy(peer->key, records[i].key, sizeof(peer->key));
        memcpy(peer->train_key, records[i].train_key, sizeof(peer->train_key));
        pt_put_be32(label, records[i].label);
        free(pt_map_put(&live->peers, label, sizeof(label), peer));
    }
    pt_handover_drop(records, sizeof(*records), len);
}

static void adopt_bfd(struct pt_bfd *bfd, const struct session_record *record)
{
    bfd->options.discriminator = record->discriminator;
    bfd->options.desired_min_tx_us = record->desired_min_tx_us;
    bfd->options.required_min_rx_us = record->required_min_rx_us;
    bfd->options.multiplier = (uint8_t)record->multiplier;
    bfd->state = (enum pt_bfd_state)record->state;
    bfd->remote_state = (enum pt_bfd_state)record->remote_state;
    bfd->diagnostic = (uint8_t)record->diagnostic;
    bfd->remote_diagnostic = (uint8_t)record->remote_diagnostic;
    bfd->remote_discriminator = record->remote_discriminator;
    bfd->remote_min_rx_us = record->remote_min_rx_us;
    bfd->remote_desired_tx_us = record->remote_desired_tx_us;
    bfd->remote_multiplier = (uint8_t)record->remote_multiplier;
    bfd->remote_demand = record->remote_demand != 0;
    bfd->tx_us = record->tx_us;
    bfd->rx_us = record->rx_us;
    bfd->polling = record->polling != 0;
    bfd->final_due = record->final_due != 0;
    bfd->changed = record->changed != 0;
    bfd->sequence_known = record->sequence_known != 0;
    bfd->received_sequence = record->received_sequence;
    bfd->sent_sequence = record->sent_sequence;
    bfd->random = record->random;
    bfd->last_received_ns = record->last_received_ns;
    bfd->last_sent_ns = record->last_sent_ns;
    bfd->next_send_ns = record->next_send_ns;
    bfd->ups = record->ups;
    bfd->downs = record->downs;
}

/* False for what cannot have been saved by a process that was well. */
static bool is_sane(const struct pt_live *live, const struct session_record *record)
{
    return (record->role == PT_LIVE_OWNER || record->role == PT_LIVE_ANSWER) && record->slot < PT_ENGINE_SLOTS &&
           record->stack_len <= PT_STACK_LEN_MAX && record->back_len <= PT_STACK_LEN_MAX &&
           record->discriminator != 0 && record->state <= PT_BFD_UP && record->remote_state <= PT_BFD_UP &&
           record->remote_port <= UINT16_MAX && record->first_stream + (uint64_t)record->streams <= PT_TUNNEL_STREAMS &&
           pt_live_find_peer(live, record->label) != NULL;
}

static void adopt_session(struct pt_live *live, const struct session_record *record, uint64_t now_ns)
{
    bool owner = record->role == PT_LIVE_OWNER;
    uint8_t answer[12], *key = owner ? answer + 4 : answer; /* an owner's is the path alone */
    size_t key_size = owner ? 8 : sizeof(answer);
    struct pt_map *sessions = owner ? &live->owners : &live->answers;
    pt_live_answer_key(record->label, record->path, answer);
    if (pt_map_get(sessions, key, key_size) != NULL) {
        return;
    }
    struct pt_live_session *s = calloc(1, sizeof(*s));
    pt_assert(s != NULL);
    *s = (struct pt_live_session){.role = (enum pt_live_role)record->role,
                                  .path = record->path,
                                  .label = record->label,
                                  .slot = record->slot,
                                  .link = record->link,
                                  .stack_len = record->stack_len,
                                  .back_len = record->back_len,
                                  .remote = {.port = (uint16_t)record->remote_port},
                                  .known = record->known != 0,
                                  .alive = record->alive != 0,
                                  .cut = record->cut != 0,
                                  .sent = record->sent,
                                  .received = record->received,
                                  .highest = record->highest,
                                  .first_stream = (uint8_t)record->first_stream,
                                  .streams = (uint8_t)record->streams,
                                  .heard_ns = record->heard_ns,
                                  .trains_ns = record->trains_ns,
                                  .echo_ns = record->echo_ns,
                                  .echo_at_ns = record->echo_at_ns};
    memcpy(s->stack, record->stack, sizeof(s->stack));
    memcpy(s->back, record->back, sizeof(s->back));
    memcpy(s->remote.ip.bytes, record->remote, sizeof(s->remote.ip.bytes));
    s->moved = record->moved != 0;
    s->strict = record->strict != 0;
    memcpy(s->configured.bytes, record->configured, sizeof(s->configured.bytes));
    pt_live_session_start(live, s, pt_live_find_peer(live, record->label), now_ns);
    adopt_bfd(&s->bfd, record);
    if (owner) {
        pt_live_session_measure(live, s, now_ns);
    }
    (void)pt_map_put(sessions, key, key_size, s);
}

static void adopt_sessions(struct pt_live *live, const struct pt_handover *from, uint64_t now_ns)
{
    size_t len;
    struct session_record *records = pt_handover_take(from, PT_HANDOVER_LIVE_SESSIONS, sizeof(*records), &len);
    for (size_t i = 0; i < len && i < 2 * (size_t)PT_LIVE_PATHS_MAX; i++) {
        if (is_sane(live, &records[i])) {
            adopt_session(live, &records[i], now_ns);
        }
    }
    free(records);
}

static void adopt_measures(struct pt_live *live, const struct pt_handover *from)
{
    size_t len;
    if (pt_handover_record_size(from, PT_HANDOVER_LIVE_MEASURES) != sizeof(struct measure_record)) {
        return;
    }
    struct measure_record *records = pt_handover_take(from, PT_HANDOVER_LIVE_MEASURES, sizeof(*records), &len);
    for (size_t i = 0; i < len && memcmp(records[i].layout, layout, sizeof(layout)) == 0; i++) {
        struct pt_live_session *s = pt_live_find_owner(live, records[i].path);
        if (s != NULL && s->measure != NULL) {
            *s->measure = records[i].measure;
            *s->quality = records[i].quality;
        }
    }
    free(records);
}

static void adopt_slas(struct pt_live *live, const struct pt_handover *from)
{
    size_t len;
    struct sla_record *records = pt_handover_take(from, PT_HANDOVER_LIVE_SLAS, sizeof(*records), &len);
    for (size_t i = 0; i < len && live->slas_len < PT_SLA_PROFILES_MAX; i++) {
        const struct sla_record *r = &records[i];
        struct pt_live_sla *sla = &live->slas[live->slas_len++];
        *sla = (struct pt_live_sla){.number = r->number < PT_SLA_PROFILES_MAX ? r->number : 0,
                                    .profile = {.bounds_loss = r->bounds_loss != 0,
                                                .bounds_rtt = r->bounds_rtt != 0,
                                                .bounds_jitter = r->bounds_jitter != 0,
                                                .bounds_mos = r->bounds_mos != 0,
                                                .loss_ppm_max = r->loss_ppm_max,
                                                .rtt_us_max = r->rtt_us_max,
                                                .jitter_us_max = r->jitter_us_max,
                                                .mos_milli_min = r->mos_milli_min,
                                                .window_ms = r->window_ms,
                                                .fast_down_ms = r->fast_down_ms,
                                                .slow_up_ms = r->slow_up_ms,
                                                .half_life_ms = r->half_life_ms}};
        pt_sla_profile_clamp(&sla->profile);
    }
    free(records);
}

void pt_live_adopt(struct pt_live *live)
{
    struct pt_handover *from = live->options.adopt;
    size_t len;
    struct live_record *record = pt_handover_take(from, PT_HANDOVER_LIVE, sizeof(*record), &len);
    if (len == 1) {
        live->label = record->label;
        live->interval_us = record->interval_us > PT_LIVE_INTERVAL_US ? record->interval_us : PT_LIVE_INTERVAL_US;
        live->transit_interval_us = record->transit_interval_us;
    }
    adopt_links(live, from);
    adopt_peers(live, from);
    adopt_sessions(live, from, pt_live_now_ns());
    adopt_slas(live, from);
    adopt_measures(live, from);
    if (len == 1) { /* after sessions were made, which take numbers */
        live->next_discriminator = record->next_discriminator != 0 ? record->next_discriminator : 1;
    }
    free(record);
}
