/*
 * The state machine and the timers of a session.
 *
 * Intervals. Each side says how often it would like to send and how often it can receive; the slower of a sender's wish
 * and a receiver's limit counts. Away from UP nothing is sent more than once a second (6.8.3), except that a change of
 * state is told at once (6.8.7), so that a session comes up in a round trip and a half after the first packet that gets
 * through. Each interval is shortened by 0 to 25 % at random (10 to 25 % with a multiplier of 1).
 *
 * Changes while UP. A longer sending interval waits for the end of a Poll Sequence, and so does a shorter receiving
 * one: in between the neighbour judges by what it knows. tx_us and rx_us are what is in force.
 *
 * Authentication. A sequence number counts only with the right hash. After twice the detection time of silence any
 * number is taken (6.8.1): a neighbour that restarted has a new one.
 */
#include "bfd/session.h"

#include "base/assert.h"
#include "base/buf.h"

#include <string.h>

#define SLOW_US 1000000U
#define HASH_AT (PT_BFD_SIZE + 8)

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static uint32_t next_random(struct pt_bfd *bfd)
{
    /* splitmix64: jitter needs no secret, only that two neighbours do not fall into step */
    uint64_t z = bfd->random += 0x9e3779b97f4a7c15ULL;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
    return (uint32_t)(z >> 32);
}

/* What our packets say that we would like. */
static uint32_t desired_tx_us(const struct pt_bfd *bfd)
{
    return bfd->state == PT_BFD_UP ? bfd->options.desired_min_tx_us : larger(bfd->options.desired_min_tx_us, SLOW_US);
}

/* ---- time ----------------------------------------------------------------------------------------------------- */

uint64_t pt_bfd_detection_ns(const struct pt_bfd *bfd)
{
    if ((bfd->state != PT_BFD_INIT && bfd->state != PT_BFD_UP) || bfd->last_received_ns == 0) {
        return 0;
    }
    return (uint64_t)bfd->remote_multiplier * larger(bfd->rx_us, bfd->remote_desired_tx_us) * 1000;
}

/* Nobody listens: a passive side that was not spoken to, a neighbour that wants nothing, or asks for silence. */
static bool is_quiet(const struct pt_bfd *bfd)
{
    return (bfd->options.passive && bfd->remote_discriminator == 0) || bfd->remote_min_rx_us == 0 ||
           (bfd->remote_demand && bfd->state == PT_BFD_UP && bfd->remote_state == PT_BFD_UP && !bfd->polling);
}

static uint64_t send_due(const struct pt_bfd *bfd)
{
    if (bfd->final_due || (bfd->changed && !is_quiet(bfd))) {
        return 0;
    }
    return is_quiet(bfd) ? UINT64_MAX : bfd->next_send_ns;
}

/* The section's "time since the last packet", made an instant. */
static void schedule(struct pt_bfd *bfd)
{
    uint64_t interval_us = larger(bfd->state == PT_BFD_UP ? bfd->tx_us : desired_tx_us(bfd), bfd->remote_min_rx_us);
    uint32_t least = bfd->options.multiplier == 1 ? 10 : 0;
    uint64_t percent_1024 = least * 1024U + next_random(bfd) % ((25 - least) * 1024U + 1);
    bfd->next_send_ns = bfd->last_sent_ns + interval_us * 1000 - interval_us * percent_1024 * 1000 / (100 * 1024);
}

uint64_t pt_bfd_due(const struct pt_bfd *bfd)
{
    uint64_t send = send_due(bfd);
    uint64_t detection = pt_bfd_detection_ns(bfd);
    uint64_t expiry = detection == 0 ? UINT64_MAX : bfd->last_received_ns + detection;
    return send < expiry ? send : expiry;
}

/* ---- state ---------------------------------------------------------------------------------------------------- */

static void set_state(struct pt_bfd *bfd, enum pt_bfd_state state, uint8_t diagnostic)
{
    if (bfd->state == state) {
        return;
    }
    bool was_up = bfd->state == PT_BFD_UP;
    bfd->state = state;
    bfd->diagnostic = diagnostic;
    bfd->changed = true;
    bfd->ups += state == PT_BFD_UP ? 1 : 0;
    bfd->downs += was_up ? 1 : 0;
    if (state == PT_BFD_UP) {
        /* Sending faster needs no consent; the neighbour learns the new wish by this packet and answers it. */
        bfd->tx_us = bfd->options.desired_min_tx_us;
        bfd->rx_us = bfd->options.required_min_rx_us;
        bfd->polling = true;
        schedule(bfd);
    } else {
        bfd->polling = false;
        bfd->rx_us = bfd->options.required_min_rx_us;
    }
}

static bool end_when_silent_for(struct pt_bfd *bfd, uint64_t ns, uint64_t now_ns)
{
    bool silent = ns != 0 && now_ns >= bfd->last_received_ns + ns;
    if (silent) {
        set_state(bfd, PT_BFD_DOWN, PT_BFD_DIAG_DETECTION_EXPIRED);
        bfd->remote_discriminator = 0;
        bfd->remote_state = PT_BFD_DOWN;
    }
    return silent;
}

static void expire(struct pt_bfd *bfd, uint64_t now_ns)
{
    (void)end_when_silent_for(bfd, pt_bfd_detection_ns(bfd), now_ns);
}

bool pt_bfd_share_silence(struct pt_bfd *bfd, uint64_t now_ns)
{
    uint64_t detection = pt_bfd_detection_ns(bfd);
    return detection != 0 && end_when_silent_for(bfd, detection - detection / bfd->remote_multiplier, now_ns);
}

void pt_bfd_excuse(struct pt_bfd *bfd, uint64_t ns)
{
    if (bfd->last_received_ns != 0) {
        bfd->last_received_ns += ns;
    }
}

/* ---- authentication ------------------------------------------------------------------------------------------- */

static void make_hash(const struct pt_bfd *bfd, const void *context, const uint8_t *data, uint8_t out[PT_BFD_SHA1_SIZE])
{
    uint8_t copy[PT_BFD_SIZE_MAX];
    memcpy(copy, data, sizeof(copy));
    memcpy(copy + HASH_AT, bfd->options.key, PT_BFD_SHA1_SIZE);
    bfd->options.hash(context, copy, sizeof(copy), out);
}

/* In the window that section 6.7.4 allows: ahead by at most three times the multiplier. */
static bool sequence_fits(const struct pt_bfd *bfd, uint32_t sequence)
{
    uint32_t ahead = sequence - bfd->received_sequence; /* modulo 2^32, as the numbers are */
    uint32_t least = bfd->options.auth == PT_BFD_AUTH_SHA1_METICULOUS ? 1 : 0;
    return ahead >= least && ahead <= 3U * bfd->options.multiplier;
}

static enum pt_bfd_taken authenticate(struct pt_bfd *bfd, const struct pt_bfd_packet *packet, const uint8_t *data,
                                      const void *context, uint64_t now_ns)
{
    uint8_t hash[PT_BFD_SHA1_SIZE];
    if (packet->auth != bfd->options.auth) {
        return PT_BFD_WRONG_AUTH;
    }
    if (packet->auth == PT_BFD_AUTH_NONE) {
        return PT_BFD_TAKEN;
    }
    if (packet->key_id != bfd->options.key_id) {
        return PT_BFD_WRONG_AUTH;
    }
    uint64_t detection = (uint64_t)bfd->remote_multiplier * larger(bfd->rx_us, bfd->remote_desired_tx_us) * 1000;
    /* The instant of a packet that waited in a queue may be before that of one which did not. */
    if (bfd->sequence_known && now_ns > bfd->last_received_ns && now_ns - bfd->last_received_ns > 2 * detection) {
        bfd->sequence_known = false;
    }
    if (bfd->sequence_known && !sequence_fits(bfd, packet->sequence)) {
        return PT_BFD_WRONG_SEQUENCE;
    }
    make_hash(bfd, context, data, hash);
    uint8_t differs = 0;
    for (size_t i = 0; i < sizeof(hash); i++) { /* in constant time */
        differs |= hash[i] ^ data[HASH_AT + i];
    }
    if (differs != 0) {
        return PT_BFD_WRONG_HASH;
    }
    bfd->sequence_known = true;
    bfd->received_sequence = packet->sequence;
    return PT_BFD_TAKEN;
}

/* ---- packets -------------------------------------------------------------------------------------------------- */

static void take_state(struct pt_bfd *bfd, enum pt_bfd_state remote)
{
    if (remote == PT_BFD_ADMIN_DOWN) {
        if (bfd->state != PT_BFD_DOWN) {
            set_state(bfd, PT_BFD_DOWN, PT_BFD_DIAG_NEIGHBOUR_DOWN);
        }
        return;
    }
    switch (bfd->state) {
    case PT_BFD_DOWN:
        if (remote == PT_BFD_DOWN) {
            set_state(bfd, PT_BFD_INIT, PT_BFD_DIAG_NONE);
        } else if (remote == PT_BFD_INIT) {
            set_state(bfd, PT_BFD_UP, PT_BFD_DIAG_NONE);
        }
        break;
    case PT_BFD_INIT:
        if (remote == PT_BFD_INIT || remote == PT_BFD_UP) {
            set_state(bfd, PT_BFD_UP, PT_BFD_DIAG_NONE);
        }
        break;
    case PT_BFD_UP:
        if (remote == PT_BFD_DOWN) {
            set_state(bfd, PT_BFD_DOWN, PT_BFD_DIAG_NEIGHBOUR_DOWN);
        }
        break;
    case PT_BFD_ADMIN_DOWN:
        break;
    }
}

enum pt_bfd_taken pt_bfd_receive(struct pt_bfd *bfd, const struct pt_bfd_packet *packet, const uint8_t *data,
                                 const void *context, uint64_t now_ns)
{
    if (packet->your != 0 && packet->your != bfd->options.discriminator) {
        return PT_BFD_WRONG_DISCRIMINATOR;
    }
    enum pt_bfd_taken taken = authenticate(bfd, packet, data, context, now_ns);
    if (taken != PT_BFD_TAKEN) {
        return taken;
    }
    uint32_t receives_us = bfd->remote_min_rx_us;
    bfd->remote_discriminator = packet->my;
    bfd->remote_state = packet->state;
    bfd->remote_diagnostic = packet->diagnostic;
    bfd->remote_demand = packet->demand;
    bfd->remote_min_rx_us = packet->required_min_rx_us;
    bfd->remote_desired_tx_us = packet->desired_min_tx_us;
    bfd->remote_multiplier = packet->multiplier;
    if (packet->final && bfd->polling) {
        bfd->polling = false;
        bfd->tx_us = bfd->options.desired_min_tx_us;
        bfd->rx_us = bfd->options.required_min_rx_us;
    }
    if (bfd->state == PT_BFD_ADMIN_DOWN) {
        return PT_BFD_ADMINISTRATIVELY_DOWN;
    }
    bfd->last_received_ns = now_ns;
    take_state(bfd, packet->state);
    bfd->final_due |= packet->poll;
    if (packet->required_min_rx_us < receives_us) {
        schedule(bfd); /* it can take more from now on (6.8.7: recalculated at once) */
    }
    return PT_BFD_TAKEN;
}

static size_t write_packet(struct pt_bfd *bfd, const void *context, uint8_t out[PT_BFD_SIZE_MAX])
{
    const struct pt_bfd_options *o = &bfd->options;
    const struct pt_bfd_packet packet = {.state = bfd->state,
                                         .diagnostic = bfd->diagnostic,
                                         .poll = bfd->polling && !bfd->final_due,
                                         .final = bfd->final_due,
                                         .multiplier = o->multiplier,
                                         .my = o->discriminator,
                                         .your = bfd->remote_discriminator,
                                         .desired_min_tx_us = desired_tx_us(bfd),
                                         .required_min_rx_us = o->required_min_rx_us,
                                         .auth = (uint8_t)o->auth,
                                         .key_id = o->key_id,
                                         .sequence = bfd->sent_sequence};
    size_t size = pt_bfd_packet_write(&packet, out);
    if (o->auth != PT_BFD_AUTH_NONE) {
        make_hash(bfd, context, out, out + HASH_AT);
        bfd->sent_sequence++; /* keyed SHA1 may, meticulous must */
    }
    return size;
}

size_t pt_bfd_run(struct pt_bfd *bfd, const void *context, uint64_t now_ns, uint8_t out[PT_BFD_SIZE_MAX])
{
    expire(bfd, now_ns);
    if (now_ns < send_due(bfd)) {
        return 0;
    }
    size_t size = write_packet(bfd, context, out);
    bool answer_only = bfd->final_due && !bfd->changed && now_ns < bfd->next_send_ns;
    bfd->final_due = false;
    bfd->changed = false;
    if (!answer_only) { /* a Final stands outside the rhythm */
        bfd->last_sent_ns = now_ns;
        schedule(bfd);
    }
    return size;
}

/* ---- life ----------------------------------------------------------------------------------------------------- */

void pt_bfd_init(struct pt_bfd *bfd, const struct pt_bfd_options *options, uint64_t now_ns)
{
    pt_assert(options->discriminator != 0 && options->multiplier > 0 && options->desired_min_tx_us > 0);
    pt_assert(options->auth == PT_BFD_AUTH_NONE || options->hash != NULL);
    *bfd = (struct pt_bfd){.options = *options,
                           .state = PT_BFD_DOWN,
                           .remote_state = PT_BFD_DOWN,
                           .remote_min_rx_us = 1,
                           .tx_us = options->desired_min_tx_us,
                           .rx_us = options->required_min_rx_us,
                           .random = options->seed,
                           .last_sent_ns = now_ns,
                           .next_send_ns = now_ns}; /* the first packet leaves at once */
    bfd->sent_sequence = next_random(bfd);
}

void pt_bfd_set_intervals(struct pt_bfd *bfd, uint32_t desired_min_tx_us, uint32_t required_min_rx_us,
                          uint8_t multiplier)
{
    struct pt_bfd_options *o = &bfd->options;
    pt_assert(desired_min_tx_us > 0 && multiplier > 0);
    if (o->desired_min_tx_us == desired_min_tx_us && o->required_min_rx_us == required_min_rx_us &&
        o->multiplier == multiplier) {
        return;
    }
    o->desired_min_tx_us = desired_min_tx_us;
    o->required_min_rx_us = required_min_rx_us;
    o->multiplier = multiplier;
    bfd->changed = true;
    if (bfd->state == PT_BFD_UP) {
        bfd->polling = true;
        bfd->tx_us = desired_min_tx_us < bfd->tx_us ? desired_min_tx_us : bfd->tx_us;
        bfd->rx_us = larger(required_min_rx_us, bfd->rx_us);
    } else {
        bfd->tx_us = desired_min_tx_us;
        bfd->rx_us = required_min_rx_us;
    }
    schedule(bfd);
}

void pt_bfd_set_admin_down(struct pt_bfd *bfd, bool down)
{
    if (down) {
        set_state(bfd, PT_BFD_ADMIN_DOWN, PT_BFD_DIAG_ADMIN_DOWN);
    } else if (bfd->state == PT_BFD_ADMIN_DOWN) {
        set_state(bfd, PT_BFD_DOWN, PT_BFD_DIAG_NONE);
    }
}
