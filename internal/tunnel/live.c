/*
 * Sessions over paths.
 *
 * Whose packet is it? The header names the path and its owner; BFD's own discriminators are checked by the session
 * besides. The far end has no configuration for a path: a packet that authenticates and belongs to no session makes an
 * answering one, which goes when nothing authentic came for FORGET_NS. So both directions of an asymmetric path are
 * judged, each by who sends into it, and nothing must be agreed on but keys.
 *
 * Late threads. All that has arrived is taken before anything is judged: a thread that slept must not take its own
 * sleep for the neighbour's silence.
 */
#include "tunnel/live.h"

#include "base/assert.h"
#include "base/buf.h"
#include "crypto/crypto.h"
#include "tunnel/live_priv.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define LED_AT (sizeof(struct pt_geneve) + 3) /* in a packet with labels: what says that no site leads it */
#define FORGET_NS 30000000000ULL
#define PACKETS_PER_SECOND_MAX 20000U
#define TRANSIT_PACKETS_PER_SECOND 400U /* of paths over transit sites */
#define PRIORITY 5
#define FRAME_SIZE                                                                                    \
    (14U + 40U + 8U + PT_LIVE_PACKET_MAX) /* Ethernet, IPv6, UDP; more than most, as jitter is sooner \
                                           */

/* ---- keys ----------------------------------------------------------------------------------------------------- */

/* The same at both ends, and others than any other use of the two keys gives. */
static bool make_keys(const struct pt_live *live, struct pt_live_peer *peer)
{
    static const char purpose[] = "patronus liveness 1", trains[] = "patronus trains 1";
    uint8_t shared[PT_X25519_SIZE], mac[PT_HMAC_SIZE];
    if (!pt_x25519(live->options.private_key, peer->public_key, shared)) {
        return false;
    }
    pt_hmac(shared, sizeof(shared), purpose, sizeof(purpose) - 1, NULL, 0, mac);
    memcpy(peer->key, mac, PT_BFD_SHA1_SIZE);
    pt_hmac(shared, sizeof(shared), trains, sizeof(trains) - 1, NULL, 0, peer->train_key);
    pt_memory_clear(shared, sizeof(shared));
    pt_memory_clear(mac, sizeof(mac));
    return true;
}

/* SHA1 over our header, then the packet with the key in it. */
static void hash(const void *context, const uint8_t *packet, size_t size, uint8_t out[PT_BFD_SHA1_SIZE])
{
    uint8_t both[PT_LIVE_MESSAGE_MAX];
    pt_assert(size <= PT_BFD_SIZE_MAX);
    memcpy(both, context, PT_LIVE_HEADER_SIZE);
    memcpy(both + PT_LIVE_HEADER_SIZE, packet, size);
    pt_sha1(both, PT_LIVE_HEADER_SIZE + size, out);
}

static void put_peers(struct pt_live *live, const struct pt_live_config *config)
{
    uint8_t label[4];
    PT_MAP_FOREACH (entry, &live->peers) {
        ((struct pt_live_peer *)entry->value)->wanted = false;
    }
    for (size_t i = 0; i < config->peers_len; i++) {
        pt_put_be32(label, config->peers[i].label);
        struct pt_live_peer *peer = pt_map_get(&live->peers, label, sizeof(label));
        if (peer == NULL || memcmp(peer->public_key, config->peers[i].public_key, PT_X25519_SIZE) != 0) {
            struct pt_live_peer new = {0};
            memcpy(new.public_key, config->peers[i].public_key, PT_X25519_SIZE);
            if (!make_keys(live, &new)) {
                continue;
            }
            if (peer == NULL) {
                peer = calloc(1, sizeof(*peer));
                pt_assert(peer != NULL);
                (void)pt_map_put(&live->peers, label, sizeof(label), peer);
            }
            *peer = new;
        }
        peer->wanted = true;
    }
    PT_MAP_FOREACH (old, &live->peers) {
        struct pt_live_peer *peer = old->value;
        if (!peer->wanted) {
            pt_live_trains_forget(live, pt_be32(old->key));
            (void)pt_map_remove(&live->peers, old->key, old->key_size);
            free(peer);
        }
    }
}

const struct pt_live_peer *pt_live_find_peer(const struct pt_live *live, uint32_t label)
{
    uint8_t key[4];
    pt_put_be32(key, label);
    return pt_map_get(&live->peers, key, sizeof(key));
}

struct pt_live_session *pt_live_find_owner(const struct pt_live *live, uint64_t path)
{
    uint8_t key[8];
    pt_put_be64(key, path);
    return pt_map_get(&live->owners, key, sizeof(key));
}

/* ---- sessions ------------------------------------------------------------------------------------------------- */

static uint32_t at_least(uint64_t us, uint32_t least_us)
{
    return us <= least_us ? least_us : us < UINT32_MAX ? (uint32_t)us : UINT32_MAX;
}

uint32_t pt_live_link_interval_us(uint64_t rate_bps, size_t paths_len)
{
    uint64_t share_bps = rate_bps * PT_LIVE_LINK_PERCENT / 100;
    return share_bps == 0 ? 0 : at_least(2 * (uint64_t)paths_len * FRAME_SIZE * 8 * 1000000 / share_bps, 0);
}

/* By where it sends. Owners tell the far end what they can take, so that it does not answer more often than that. */
static void set_session_interval(const struct pt_live *live, struct pt_live_session *s)
{
    bool transit = s->role == PT_LIVE_OWNER && s->stack_len > 0;
    uint32_t interval_us = transit ? live->transit_interval_us : live->interval_us;
    for (size_t i = 0; i < live->links_len; i++) {
        if (live->links[i].config.number == s->link) {
            interval_us = at_least(live->links[i].interval_us, interval_us);
        }
    }
    if (interval_us != s->bfd.options.desired_min_tx_us) {
        pt_bfd_set_intervals(&s->bfd, interval_us, interval_us, PT_LIVE_MULTIPLIER);
    }
}

void pt_live_session_start(struct pt_live *live, struct pt_live_session *session, const struct pt_live_peer *peer,
                           uint64_t now_ns)
{
    struct pt_bfd_options options = {.discriminator = live->next_discriminator,
                                     .desired_min_tx_us = live->interval_us,
                                     .required_min_rx_us = live->interval_us,
                                     .multiplier = PT_LIVE_MULTIPLIER,
                                     .auth = PT_BFD_AUTH_SHA1_METICULOUS,
                                     .key_id = 1,
                                     .hash = hash,
                                     .seed = pt_live_wall_ns() ^ (uint64_t)live->next_discriminator << 32};
    memcpy(options.key, peer->key, sizeof(options.key));
    live->next_discriminator += live->next_discriminator == UINT32_MAX ? 2 : 1; /* never 0 */
    pt_bfd_init(&session->bfd, &options, now_ns);
}

void pt_live_answer_key(uint32_t label, uint64_t path, uint8_t key[12])
{
    pt_put_be32(key, label);
    pt_put_be64(key + 4, path);
}

/* The data plane first; then whoever wants to know. True when it was news. */
static bool publish_one(struct pt_live *live, struct pt_live_session *session)
{
    bool up = session->bfd.state == PT_BFD_UP && !session->cut;
    if (session->role != PT_LIVE_OWNER || (!session->known && !up) || (session->known && session->alive == up)) {
        return false;
    }
    if (up && session->measure != NULL) {
        pt_measure_resume(session->measure);
    }
    session->known = true;
    session->alive = up;
    live->options.set_word(live->options.arg, session->slot, up);
    live->options.on_change(live->options.arg, session->path, up);
    if (!up && session->quality != NULL) {
        pt_live_judge_dead(live, session, pt_live_now_ns());
    }
    return true;
}

static bool same_tunnel(const struct pt_live_session *a, const struct pt_live_session *b)
{
    return a->link == b->link && pt_ip_equal(&a->configured, &b->configured);
}

/* What is known of the tunnel holds for every path that begins with it. */
static void publish(struct pt_live *live, struct pt_live_session *session)
{
    if (!publish_one(live, session) || session->stack_len > 0) {
        return;
    }
    PT_MAP_FOREACH (entry, &live->owners) {
        struct pt_live_session *path = entry->value;
        if (path->stack_len > 0 && same_tunnel(path, session)) {
            path->cut = !session->alive;
            (void)publish_one(live, path);
        }
    }
}

/* After a change of paths: the same for all, and what is known is told again. */
static void publish_again(struct pt_live *live)
{
    PT_MAP_FOREACH (each, &live->owners) {
        ((struct pt_live_session *)each->value)->cut = false;
    }
    PT_MAP_FOREACH (first, &live->owners) {
        const struct pt_live_session *direct = first->value;
        if (direct->stack_len > 0 || !direct->known || direct->alive) {
            continue;
        }
        PT_MAP_FOREACH (entry, &live->owners) {
            struct pt_live_session *path = entry->value;
            path->cut = path->cut || (path->stack_len > 0 && same_tunnel(path, direct));
        }
    }
    PT_MAP_FOREACH (owner, &live->owners) {
        struct pt_live_session *s = owner->value;
        if (!publish_one(live, s) && s->known) {
            live->options.set_word(live->options.arg, s->slot, s->alive);
            live->options.on_change(live->options.arg, s->path, s->alive);
        }
    }
}

static void session_free(struct pt_live *live, struct pt_live_session *s)
{
    live->measured -= s->measure != NULL ? 1 : 0;
    free(s->measure);
    free(s->quality);
    free(s);
}

/* Owners say by which streams the path's packets come, the other end says what it got of them. */
static void add_streams(const struct pt_live *live, const struct pt_live_session *s, struct pt_live_header *header)
{
    if (s->role == PT_LIVE_OWNER) {
        if (live->streams > 0 && live->slot_streams[s->slot] != PT_ENGINE_NO_STREAM) {
            header->first_stream = live->slot_streams[s->slot];
            header->streams = (uint8_t)live->streams;
        }
        return;
    }
    const struct pt_live_peer *peer = pt_live_find_peer(live, s->label);
    for (unsigned i = s->first_stream; peer != NULL && i < (unsigned)s->first_stream + s->streams; i++) {
        header->data_received += peer->received[i];
        header->data_expected += peer->expected[i];
    }
}

/* An answering session ended in silence, whose packets come by the tunnel that a direct path of ours leads by: the
 * tunnel is judged by whichever of the two misses its packets first. */
static void share_silence(struct pt_live *live, const struct pt_live_session *answer, uint64_t now_ns)
{
    PT_MAP_FOREACH (entry, &live->owners) {
        struct pt_live_session *direct = entry->value;
        if (direct->stack_len == 0 && direct->label == answer->label && direct->link == answer->link &&
            pt_ip_equal(&direct->remote.ip, &answer->remote.ip) && pt_bfd_share_silence(&direct->bfd, now_ns)) {
            publish(live, direct);
        }
    }
}

static void session_send(struct pt_live *live, struct pt_live_session *s, uint64_t now_ns)
{
    uint8_t packet[PT_LIVE_PACKET_MAX];
    while (pt_bfd_due(&s->bfd) <= now_ns) {
        uint64_t wall_ns = pt_live_wall_ns();
        uint64_t held_us = s->echo_ns != 0 && wall_ns > s->echo_at_ns ? (wall_ns - s->echo_at_ns) / 1000 : 0;
        struct pt_live_header header = {.role = s->role,
                                        .label = live->label,
                                        .sequence = s->sent + 1,
                                        .path = s->path,
                                        .sent_ns = wall_ns,
                                        .echo_ns = s->echo_ns,
                                        .held_us = held_us < UINT32_MAX ? (uint32_t)held_us : UINT32_MAX,
                                        .received = s->received,
                                        .highest = s->highest,
                                        .back_len = s->role == PT_LIVE_OWNER ? s->back_len : 0};
        memcpy(header.back, s->back, sizeof(header.back));
        add_streams(live, s, &header);
        size_t outer = pt_live_outer(s->stack, s->stack_len, packet);
        packet[LED_AT] |= s->strict && s->stack_len > 0 ? PT_OPTION_STRICT : 0;
        uint8_t *message = packet + outer;
        pt_live_header_write(&header, message);
        bool was_up = s->bfd.state == PT_BFD_UP;
        size_t size = pt_bfd_run(&s->bfd, message, now_ns, message + PT_LIVE_HEADER_SIZE);
        publish(live, s);
        if (was_up && s->role == PT_LIVE_ANSWER && s->stack_len == 0 && s->bfd.state == PT_BFD_DOWN) {
            share_silence(live, s, now_ns); /* pt_bfd_run takes a session down for nothing else */
        }
        if (size == 0) {
            return; /* the silence was judged, nothing is to be said */
        }
        s->sent++;
        pt_live_send(live, s->link, &s->remote, packet, outer + PT_LIVE_HEADER_SIZE + size);
    }
}

/* ---- receiving ------------------------------------------------------------------------------------------------ */

/* What an answer says of the path: how our probes and data fared, and its own probes. */
static void measure(struct pt_live_session *s, const struct pt_live_header *h, const struct pt_live_arrival *arrival)
{
    uint64_t wall_s = arrival->wall_ns / 1000000000, now_ms = arrival->now_ns / 1000000;
    struct pt_measure_count there = {.expected = h->highest, .received = h->received},
                            back = {.expected = s->highest, .received = s->received},
                            data = {.expected = h->data_expected, .received = h->data_received};
    pt_measure_counts(s->measure, PT_MEASURE_FORWARD, false, there, wall_s);
    pt_measure_counts(s->measure, PT_MEASURE_BACK, false, back, wall_s);
    if (data.expected > 0) {
        pt_measure_counts(s->measure, PT_MEASURE_FORWARD, true, data, wall_s);
        pt_window_counts(&s->quality->window, PT_MEASURE_FORWARD, true, data, now_ms);
    }
    pt_window_counts(&s->quality->window, PT_MEASURE_FORWARD, false, there, now_ms);
    pt_window_counts(&s->quality->window, PT_MEASURE_BACK, false, back, now_ms);
    if (h->echo_ns != 0) {
        int64_t came_ns = (int64_t)h->sent_ns - (int64_t)h->held_us * 1000;
        int64_t forward_ns = came_ns - (int64_t)h->echo_ns;
        int64_t back_ns = (int64_t)arrival->wall_ns - (int64_t)h->sent_ns;
        pt_measure_probe(s->measure, forward_ns, back_ns, wall_s);
        pt_window_probe(&s->quality->window, forward_ns, back_ns, now_ms);
    }
}

#define REORDER_MAX 64 /* lower numbers than this before the highest are another start, not a packet that is late */

static void note_arrival(struct pt_live_session *s, const struct pt_live_header *header,
                         const struct pt_live_arrival *arrival)
{
    if (header->sequence + REORDER_MAX < s->highest) {
        s->received = 0;
        s->highest = header->sequence - 1;
    }
    s->received++;
    s->highest = header->sequence > s->highest ? header->sequence : s->highest;
    s->first_stream = header->first_stream;
    s->streams = header->streams;
    s->echo_ns = header->sent_ns;
    s->echo_at_ns = arrival->wall_ns;
    s->heard_ns = arrival->now_ns;
}

/* Where answers go: back by the tunnel it came by, with the stack that the owner gave. */
static void set_way_back(const struct pt_live *live, struct pt_live_session *s, const struct pt_live_header *header,
                         const struct pt_live_arrival *arrival)
{
    bool moved = s->link != arrival->link;
    s->link = arrival->link;
    s->remote = arrival->from;
    s->stack_len = header->back_len;
    memcpy(s->stack, header->back, sizeof(s->stack));
    if (s->stack_len > 0) {
        /* A transit site listens there; a NAT stands only before the owner of a direct path. */
        s->remote.port = live->options.port;
    }
    if (moved) {
        set_session_interval(live, s);
    }
}

static struct pt_live_session *take_owners(struct pt_live *live, const struct pt_live_header *header,
                                           const struct pt_bfd_packet *packet, const uint8_t *message,
                                           const struct pt_live_arrival *arrival)
{
    uint8_t key[12];
    const struct pt_live_peer *peer = pt_live_find_peer(live, header->label);
    pt_live_answer_key(header->label, header->path, key);
    struct pt_live_session *s = pt_map_get(&live->answers, key, sizeof(key));
    struct pt_live_session candidate = {.role = PT_LIVE_ANSWER, .path = header->path, .label = header->label};
    if (peer == NULL) {
        return NULL;
    }
    if (s == NULL) {
        if (live->answers.count >= PT_LIVE_PATHS_MAX || packet->your != 0) {
            return NULL; /* an old session of ours that we forgot: the other end finds out by silence */
        }
        pt_live_session_start(live, &candidate, peer, arrival->now_ns);
    }
    struct pt_live_session *taker = s != NULL ? s : &candidate;
    if (pt_bfd_receive(&taker->bfd, packet, message + PT_LIVE_HEADER_SIZE, message, arrival->came_ns) != PT_BFD_TAKEN) {
        return NULL;
    }
    if (s == NULL) { /* only what is authentic costs memory */
        s = malloc(sizeof(*s));
        pt_assert(s != NULL);
        *s = candidate;
        (void)pt_map_put(&live->answers, key, sizeof(key), s);
    }
    const struct pt_endpoint before = s->remote;
    set_way_back(live, s, header, arrival);
    pt_live_learn_port(live, s, &before);
    return s;
}

static struct pt_live_session *take_answer(struct pt_live *live, const struct pt_live_header *header,
                                           const struct pt_bfd_packet *packet, const uint8_t *message,
                                           const struct pt_live_arrival *arrival)
{
    struct pt_live_session *s = pt_live_find_owner(live, header->path);
    if (s == NULL || s->label != header->label ||
        pt_bfd_receive(&s->bfd, packet, message + PT_LIVE_HEADER_SIZE, message, arrival->came_ns) != PT_BFD_TAKEN) {
        return NULL;
    }
    return s;
}

void pt_live_take(struct pt_live *live, const struct pt_live_arrival *arrival)
{
    struct pt_live_header header;
    struct pt_bfd_packet packet;
    const uint8_t *message = NULL;
    size_t bfd_size = 0;
    struct pt_live_session *s = NULL;
    if (pt_live_trains_take(live, arrival)) {
        live->trained_ns = arrival->now_ns;
        return;
    }
    if (pt_live_read(arrival->data, arrival->size, &header, &message, &bfd_size) &&
        pt_bfd_packet_read(message + PT_LIVE_HEADER_SIZE, bfd_size, &packet)) {
        s = header.role == PT_LIVE_OWNER ? take_owners(live, &header, &packet, message, arrival)
                                         : take_answer(live, &header, &packet, message, arrival);
    }
    if (s == NULL) {
        live->refused++;
        return;
    }
    note_arrival(s, &header, arrival);
    publish(live, s);
    if (s->measure != NULL && s->alive) {
        measure(s, &header, arrival);
        pt_live_judge(live, s, arrival->now_ns);
    }
    session_send(live, s, arrival->now_ns); /* a change of state, or a Final, leaves at once */
}

/* ---- time ----------------------------------------------------------------------------------------------------- */

static uint64_t run_all(struct pt_live *live, struct pt_map *sessions, uint64_t now_ns, uint64_t next_ns)
{
    PT_MAP_FOREACH (entry, sessions) {
        struct pt_live_session *s = entry->value;
        if (s->role == PT_LIVE_ANSWER && s->bfd.state != PT_BFD_UP && now_ns - s->heard_ns > FORGET_NS) {
            (void)pt_map_remove(sessions, entry->key, entry->key_size);
            session_free(live, s);
            continue;
        }
        session_send(live, s, now_ns);
        uint64_t due = pt_bfd_due(&s->bfd);
        next_ns = due < next_ns ? due : next_ns;
    }
    return next_ns;
}

void pt_live_excuse(struct pt_live *live, uint64_t ns)
{
    PT_MAP_FOREACH (owner, &live->owners) {
        pt_bfd_excuse(&((struct pt_live_session *)owner->value)->bfd, ns);
    }
    PT_MAP_FOREACH (answer, &live->answers) {
        pt_bfd_excuse(&((struct pt_live_session *)answer->value)->bfd, ns);
    }
}

uint64_t pt_live_run(struct pt_live *live, uint64_t now_ns)
{
    uint64_t next_ns = now_ns + 1000000000;
    if (now_ns - live->retried_ns >= 1000000000) {
        live->retried_ns = now_ns;
        pt_live_links_open(live);
    }
    next_ns = run_all(live, &live->owners, now_ns, next_ns);
    next_ns = run_all(live, &live->answers, now_ns, next_ns);
    bool hears = live->links_len > 0; /* packets do not wake the thread */
    uint64_t soon_ns = now_ns + PT_LIVE_SCAN_NS;
    return next_ns > soon_ns && !hears ? next_ns : soon_ns;
}

/* ---- configuration -------------------------------------------------------------------------------------------- */

/* The same socket does; its rate may be another one. */
static bool same_link(const struct pt_engine_link *a, const struct pt_engine_link *b)
{
    return a->number == b->number && strcmp(a->interface, b->interface) == 0 && pt_ip_equal(&a->address, &b->address);
}

static void put_links(struct pt_live *live, const struct pt_live_config *config)
{
    for (size_t i = 0; i < live->links_len; i++) {
        live->links[i].wanted = false;
    }
    for (size_t i = 0; i < config->links_len; i++) {
        const struct pt_engine_link *link = &config->links[i];
        size_t at = 0;
        while (at < live->links_len && !same_link(&live->links[at].config, link)) {
            at++;
        }
        if (at == live->links_len && at < PT_ENGINE_LINKS_MAX) {
            live->links[live->links_len++] = (struct pt_live_link){.config = *link, .fd = -1};
        }
        if (at < live->links_len) {
            live->links[at].wanted = true;
            live->links[at].config.rate_bps = link->rate_bps;
        }
    }
    for (size_t i = 0; i < live->links_len;) {
        if (live->links[i].wanted) {
            i++;
        } else {
            pt_live_link_close(&live->links[i]);
            live->links[i] = live->links[--live->links_len];
        }
    }
    pt_live_links_open(live);
}

void pt_live_session_measure(struct pt_live *live, struct pt_live_session *s, uint64_t now_ns)
{
    if (live->measured < PT_LIVE_MEASURED_MAX) {
        s->measure = malloc(sizeof(*s->measure));
        pt_assert(s->measure != NULL);
        pt_measure_init(s->measure, pt_live_wall_ns() / 1000000000);
        s->quality = pt_live_quality_new(now_ns);
        live->measured++;
    }
}

static void put_path(struct pt_live *live, const struct pt_live_path *path, uint64_t now_ns)
{
    uint8_t key[8];
    pt_put_be64(key, path->id);
    struct pt_live_session *s = pt_map_get(&live->owners, key, sizeof(key));
    const struct pt_live_peer *peer = pt_live_find_peer(live, path->peer);
    if (peer == NULL) {
        return; /* without a key there is no session */
    }
    if (s != NULL && (s->label != path->peer || memcmp(s->bfd.options.key, peer->key, sizeof(peer->key)) != 0)) {
        (void)pt_map_remove(&live->owners, key, sizeof(key));
        session_free(live, s);
        s = NULL;
    }
    if (s == NULL) {
        s = calloc(1, sizeof(*s));
        pt_assert(s != NULL);
        *s = (struct pt_live_session){.role = PT_LIVE_OWNER, .path = path->id, .label = path->peer};
        pt_live_session_start(live, s, peer, now_ns);
        pt_live_session_measure(live, s, now_ns);
        (void)pt_map_put(&live->owners, key, sizeof(key), s);
    }
    s->wanted = true;
    if (s->slot != path->slot || s->link != path->link || !pt_ip_equal(&s->configured, &path->remote)) {
        s->remote = (struct pt_endpoint){.ip = path->remote, .port = live->options.port};
        s->configured = path->remote;
        s->moved = false;
    }
    s->slot = path->slot;
    s->link = path->link;
    s->stack_len = path->stack_len;
    s->strict = path->strict != 0;
    s->back_len = path->back_len;
    memcpy(s->stack, path->stack, sizeof(s->stack));
    memcpy(s->back, path->back, sizeof(s->back));
    set_session_interval(live, s);
}

/* As many answering sessions as paths, each with its own packets. */
static void set_intervals(struct pt_live *live, const struct pt_live_config *config, size_t paths_len)
{
    size_t transit = 0;
    for (size_t i = 0; i < paths_len; i++) {
        transit += config->paths[i].stack_len > 0;
    }
    uint64_t slow_us = transit * 2 * 1000000 / TRANSIT_PACKETS_PER_SECOND;
    slow_us = slow_us < PT_LIVE_TRANSIT_INTERVAL_MAX_US ? slow_us : PT_LIVE_TRANSIT_INTERVAL_MAX_US;
    live->interval_us = at_least(paths_len * 2 * 1000000 / PACKETS_PER_SECOND_MAX, PT_LIVE_INTERVAL_US);
    live->transit_interval_us = at_least(slow_us, live->interval_us);
    for (size_t n = 0; n < live->links_len; n++) {
        struct pt_live_link *link = &live->links[n];
        size_t crossing = 0;
        for (size_t i = 0; i < paths_len; i++) {
            crossing += config->paths[i].link == link->config.number;
        }
        link->interval_us = pt_live_link_interval_us(link->config.rate_bps, crossing > 0 ? crossing : 1);
    }
}

void pt_live_configure(struct pt_live *live, const struct pt_live_config *config)
{
    uint64_t now_ns = pt_live_now_ns();
    size_t paths_len = config->paths_len < PT_LIVE_PATHS_MAX ? config->paths_len : PT_LIVE_PATHS_MAX;
    (void)pthread_mutex_lock(&live->lock);
    live->label = config->label;
    put_links(live, config);
    set_intervals(live, config, paths_len);
    put_peers(live, config);
    pt_live_put_slas(live, config);
    PT_MAP_FOREACH (entry, &live->owners) {
        ((struct pt_live_session *)entry->value)->wanted = false;
    }
    for (size_t i = 0; i < paths_len; i++) {
        put_path(live, &config->paths[i], now_ns);
    }
    PT_MAP_FOREACH (old, &live->owners) {
        struct pt_live_session *s = old->value;
        if (!s->wanted) {
            (void)pt_map_remove(&live->owners, old->key, old->key_size);
            session_free(live, s);
        }
    }
    publish_again(live);
    pt_live_publish_slas(live);
    PT_MAP_FOREACH (answer, &live->answers) { /* of peers that are gone, or have another key */
        struct pt_live_session *s = answer->value;
        const struct pt_live_peer *peer = pt_live_find_peer(live, s->label);
        if (peer == NULL || memcmp(s->bfd.options.key, peer->key, sizeof(peer->key)) != 0) {
            (void)pt_map_remove(&live->answers, answer->key, answer->key_size);
            session_free(live, s);
        } else {
            set_session_interval(live, s);
        }
    }
    (void)pthread_mutex_unlock(&live->lock);
    (void)eventfd_write(live->wake, 1);
}

static int compare_statuses(const void *a, const void *b)
{
    uint64_t x = ((const struct pt_live_status *)a)->path, y = ((const struct pt_live_status *)b)->path;
    return x < y ? -1 : x > y;
}

size_t pt_live_statuses(struct pt_live *live, struct pt_live_status *ret_status, size_t len_max)
{
    size_t len = 0;
    (void)pthread_mutex_lock(&live->lock);
    size_t count = live->owners.count;
    PT_MAP_FOREACH (entry, &live->owners) {
        const struct pt_live_session *s = entry->value;
        if (len == len_max) {
            break;
        }
        ret_status[len++] = (struct pt_live_status){.path = s->path,
                                                    .known = s->known,
                                                    .alive = s->alive,
                                                    .state = (uint8_t)s->bfd.state,
                                                    .diagnostic = s->bfd.diagnostic,
                                                    .detection_ms = (uint32_t)(pt_bfd_detection_ns(&s->bfd) / 1000000),
                                                    .ups = s->bfd.ups,
                                                    .downs = s->bfd.downs};
        if (s->measure != NULL) {
            pt_measure_tick(s->measure, pt_live_wall_ns() / 1000000000);
            pt_measure_report(s->measure, 0, &ret_status[len - 1].recent);
            ret_status[len - 1].sla_breaks = s->quality->breaks;
            ret_status[len - 1].sla_held = s->quality->held;
        }
    }
    (void)pthread_mutex_unlock(&live->lock);
    if (len > 0) {
        qsort(ret_status, len, sizeof(*ret_status), compare_statuses);
    }
    return count;
}

static int compare_measures(const void *a, const void *b)
{
    uint64_t x = ((const struct pt_live_measures *)a)->path, y = ((const struct pt_live_measures *)b)->path;
    return x < y ? -1 : x > y;
}

size_t pt_live_measures(struct pt_live *live, unsigned minutes, struct pt_live_measures *ret_measures, size_t len_max)
{
    size_t len = 0;
    (void)pthread_mutex_lock(&live->lock);
    size_t count = live->measured;
    PT_MAP_FOREACH (entry, &live->owners) {
        const struct pt_live_session *s = entry->value;
        if (s->measure != NULL && len < len_max) {
            pt_measure_tick(s->measure, pt_live_wall_ns() / 1000000000);
            ret_measures[len].path = s->path;
            pt_measure_report(s->measure, minutes, &ret_measures[len++].report);
        }
    }
    (void)pthread_mutex_unlock(&live->lock);
    if (len > 0) {
        qsort(ret_measures, len, sizeof(*ret_measures), compare_measures);
    }
    return count;
}

void pt_live_note_streams(struct pt_live *live, uint32_t label, const uint64_t *received, const uint64_t *expected)
{
    (void)pthread_mutex_lock(&live->lock);
    uint8_t key[4];
    pt_put_be32(key, label);
    struct pt_live_peer *peer = pt_map_get(&live->peers, key, sizeof(key));
    if (peer != NULL) {
        memcpy(peer->received, received, sizeof(peer->received));
        memcpy(peer->expected, expected, sizeof(peer->expected));
    }
    (void)pthread_mutex_unlock(&live->lock);
}

void pt_live_note_paths(struct pt_live *live, const uint8_t *first, unsigned streams)
{
    (void)pthread_mutex_lock(&live->lock);
    memcpy(live->slot_streams, first, sizeof(live->slot_streams));
    live->streams = streams;
    (void)pthread_mutex_unlock(&live->lock);
}

/* ---- life ----------------------------------------------------------------------------------------------------- */

void pt_live_lock_init(pthread_mutex_t *lock)
{
    pthread_mutexattr_t attributes;
    bool made = pthread_mutexattr_init(&attributes) == 0 &&
                pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT) == 0 &&
                pthread_mutex_init(lock, &attributes) == 0;
    pt_assert(made);
    (void)pthread_mutexattr_destroy(&attributes);
}

enum pt_code pt_live_open(const struct pt_live_options *options, struct pt_live **ret_live, struct pt_error *reterr)
{
    struct pt_live *live = calloc(1, sizeof(*live));
    pt_assert(live != NULL);
    live->options = *options;
    live->options.port = options->port != 0 ? options->port : PT_LIVE_PORT;
    live->interval_us = PT_LIVE_INTERVAL_US;
    live->next_discriminator = (uint32_t)pt_live_wall_ns() | 1; /* after a restart others than before */
    pt_map_init(&live->peers);
    pt_map_init(&live->owners);
    pt_map_init(&live->answers);
    pt_live_lock_init(&live->lock);
    pt_live_trains_init(live);
    live->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pt_assert(live->wake >= 0);
    if (options->adopt != NULL) {
        pt_live_adopt(live);
        live->options.adopt = NULL; /* the caller's */
    } else {
        enum pt_code code = pt_live_start(live, reterr);
        if (code != PT_OK) {
            pt_live_close(live);
            return code;
        }
    }
    *ret_live = live;
    return PT_OK;
}

enum pt_code pt_live_start(struct pt_live *live, struct pt_error *reterr)
{
    pt_assert(!live->started);
    atomic_store(&live->stopping, false);
    int number = pthread_create(&live->thread, NULL, pt_live_thread, live);
    if (number != 0) {
        return pt_fail_errno(reterr, number, "liveness", "no thread for it");
    }
    live->started = true;
    /* Before everything else that is busy; refused in some containers, where it does its work at the usual priority. */
    const struct sched_param priority = {.sched_priority = PRIORITY};
    (void)pthread_setschedparam(live->thread, SCHED_RR, &priority);
    return PT_OK;
}

void pt_live_pause(struct pt_live *live)
{
    atomic_store(&live->stopping, true);
    if (live->started) {
        (void)eventfd_write(live->wake, 1);
        (void)pthread_join(live->thread, NULL);
        live->started = false;
    }
}

static void free_all(struct pt_map *map)
{
    PT_MAP_FOREACH (entry, map) {
        free(entry->value);
    }
    pt_map_fini(map);
}

void pt_live_close(struct pt_live *live)
{
    if (live == NULL) {
        return;
    }
    pt_live_pause(live);
    pt_live_trains_fini(live);
    for (size_t i = 0; i < live->links_len; i++) {
        pt_live_link_close(&live->links[i]);
    }
    (void)close(live->wake);
    PT_MAP_FOREACH (entry, &live->peers) {
        pt_memory_clear(entry->value, sizeof(struct pt_live_peer));
    }
    PT_MAP_FOREACH (owner, &live->owners) {
        free(((struct pt_live_session *)owner->value)->measure);
        free(((struct pt_live_session *)owner->value)->quality);
    }
    free_all(&live->peers);
    free_all(&live->owners);
    free_all(&live->answers);
    (void)pthread_mutex_destroy(&live->lock);
    pt_memory_clear(&live->options, sizeof(live->options));
    free(live);
}
