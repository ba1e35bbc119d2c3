/*
 * Sessions against each other on virtual time: a wire with a delay that can be cut in either direction. Packets pass
 * through bytes. What RFC 5880 says of a number is asserted as that number.
 */
#include "bfd/session.h"

#include "base/buf.h"

#include <check.h>
#include <string.h>

#define MS 1000000ULL
#define SECOND 1000000000ULL
#define WIRE_LEN_MAX 256

struct flying {
    uint64_t at_ns;
    unsigned to;
    uint8_t data[PT_BFD_SIZE_MAX];
    size_t size;
};

struct world {
    struct pt_bfd end[2];
    uint64_t now_ns, delay_ns;
    bool cut[2]; /* nothing arrives at this end */
    struct flying wire[WIRE_LEN_MAX];
    size_t wire_len;
    unsigned sent[2];
    uint64_t down_ns[2]; /* when it last left UP */
    struct pt_bfd_packet last[2];
    uint8_t last_data[2][PT_BFD_SIZE_MAX]; /* newest packet sent by */
};

/* Not SHA1: any function of all bytes does to see that they are covered. */
static void toy_hash(const void *context, const uint8_t *packet, size_t size, uint8_t out[PT_BFD_SHA1_SIZE])
{
    (void)context;
    uint64_t sum = 0xcbf29ce484222325ULL;
    for (size_t i = 0; i < size; i++) {
        sum = (sum ^ packet[i]) * 0x100000001b3ULL;
    }
    for (size_t i = 0; i < PT_BFD_SHA1_SIZE; i++) {
        sum = (sum ^ i) * 0x100000001b3ULL;
        out[i] = (uint8_t)(sum >> 32);
    }
}

static struct pt_bfd_options options_of(uint32_t discriminator)
{
    return (struct pt_bfd_options){.discriminator = discriminator,
                                   .desired_min_tx_us = 50000,
                                   .required_min_rx_us = 50000,
                                   .multiplier = 4,
                                   .seed = discriminator};
}

static void world_init(struct world *w, const struct pt_bfd_options *first, const struct pt_bfd_options *second)
{
    memset(w, 0, sizeof(*w));
    w->now_ns = SECOND;
    w->delay_ns = 10 * MS;
    pt_bfd_init(&w->end[0], first, w->now_ns);
    pt_bfd_init(&w->end[1], second, w->now_ns);
}

static void flush(struct world *w, unsigned n)
{
    uint8_t data[PT_BFD_SIZE_MAX];
    enum pt_bfd_state before = w->end[n].state;
    for (size_t size = 0; (size = pt_bfd_run(&w->end[n], NULL, w->now_ns, data)) > 0;) {
        ck_assert(pt_bfd_packet_read(data, size, &w->last[n]));
        memcpy(w->last_data[n], data, size);
        w->sent[n]++;
        if (!w->cut[1 - n]) {
            ck_assert_uint_lt(w->wire_len, WIRE_LEN_MAX);
            w->wire[w->wire_len] = (struct flying){.at_ns = w->now_ns + w->delay_ns, .to = 1 - n, .size = size};
            memcpy(w->wire[w->wire_len++].data, data, size);
        }
    }
    if (before == PT_BFD_UP && w->end[n].state != PT_BFD_UP) {
        w->down_ns[n] = w->now_ns;
    }
}

static void deliver(struct world *w, size_t index)
{
    struct flying f = w->wire[index];
    memmove(&w->wire[index], &w->wire[index + 1], (--w->wire_len - index) * sizeof(f));
    struct pt_bfd_packet packet;
    ck_assert(pt_bfd_packet_read(f.data, f.size, &packet));
    enum pt_bfd_state before = w->end[f.to].state;
    (void)pt_bfd_receive(&w->end[f.to], &packet, f.data, NULL, w->now_ns);
    if (before == PT_BFD_UP && w->end[f.to].state != PT_BFD_UP) {
        w->down_ns[f.to] = w->now_ns;
    }
    flush(w, f.to);
}

/* Run until the instant, from event to event. */
static void run_until(struct world *w, uint64_t until_ns)
{
    for (;;) {
        uint64_t next = until_ns;
        size_t first = WIRE_LEN_MAX;
        for (size_t i = 0; i < w->wire_len; i++) {
            if (w->wire[i].at_ns < next) {
                next = w->wire[i].at_ns;
                first = i;
            }
        }
        uint64_t due[2] = {pt_bfd_due(&w->end[0]), pt_bfd_due(&w->end[1])};
        for (unsigned n = 0; n < 2; n++) {
            if (due[n] < next) {
                next = due[n] > w->now_ns ? due[n] : w->now_ns;
                first = WIRE_LEN_MAX;
            }
        }
        if (next >= until_ns) {
            w->now_ns = until_ns;
            return;
        }
        w->now_ns = next;
        if (first < WIRE_LEN_MAX) {
            deliver(w, first);
        } else {
            flush(w, 0);
            flush(w, 1);
        }
    }
}

static void run_for(struct world *w, uint64_t ns)
{
    run_until(w, w->now_ns + ns);
}

static void bring_up(struct world *w)
{
    run_for(w, 3 * SECOND);
    ck_assert_int_eq(w->end[0].state, PT_BFD_UP);
    ck_assert_int_eq(w->end[1].state, PT_BFD_UP);
}

/* ---- tests ---------------------------------------------------------------------------------------------------- */

START_TEST(session_is_up_in_a_round_trip_and_a_half_and_ends_its_poll_sequence)
{
    struct world w;
    const struct pt_bfd_options a = options_of(1), b = options_of(2);
    world_init(&w, &a, &b);
    run_for(&w, 31 * MS); /* three times over the wire of 10 ms */
    ck_assert_int_eq(w.end[0].state, PT_BFD_UP);
    ck_assert_int_eq(w.end[1].state, PT_BFD_UP);
    ck_assert(w.end[0].polling || w.end[1].polling);
    run_for(&w, 100 * MS);
    ck_assert(!w.end[0].polling && !w.end[1].polling);
    ck_assert_uint_eq(pt_bfd_detection_ns(&w.end[0]), 200 * MS);
    ck_assert_uint_eq(w.end[0].remote_discriminator, 2);
}
END_TEST

START_TEST(nothing_is_sent_faster_than_once_a_second_while_down)
{
    struct world w;
    const struct pt_bfd_options a = options_of(1), b = options_of(2);
    world_init(&w, &a, &b);
    w.cut[0] = w.cut[1] = true;
    run_for(&w, 30 * SECOND);
    ck_assert_int_eq(w.end[0].state, PT_BFD_DOWN);
    ck_assert_uint_ge(w.sent[0], 29); /* intervals of 0.75 to 1 s */
    ck_assert_uint_le(w.sent[0], 41);
    ck_assert_uint_eq(w.last[0].desired_min_tx_us, 1000000);
}
END_TEST

START_TEST(sending_while_up_is_jittered_by_at_most_a_quarter)
{
    struct world w;
    const struct pt_bfd_options a = options_of(1), b = options_of(2);
    world_init(&w, &a, &b);
    bring_up(&w);
    unsigned before = w.sent[0];
    run_for(&w, 10 * SECOND);
    ck_assert_uint_ge(w.sent[0] - before, 200); /* 50 ms */
    ck_assert_uint_le(w.sent[0] - before, 267); /* 37.5 ms */
    ck_assert_uint_gt(w.sent[0] - before, 215); /* not always the longest */
}
END_TEST

/* Silence: down after the detection time since the last packet, which was at most 50 ms old. */
START_TEST(silence_is_detected_within_the_detection_time_and_not_before)
{
    for (unsigned round = 0; round < 50; round++) {
        struct world w;
        const struct pt_bfd_options a = options_of(1 + round), b = options_of(1000 + round);
        world_init(&w, &a, &b);
        bring_up(&w);
        run_for(&w, round * 7 * MS);
        uint64_t cut_ns = w.now_ns;
        w.wire_len = 0;
        w.cut[0] = w.cut[1] = true;
        run_for(&w, SECOND);
        for (unsigned n = 0; n < 2; n++) {
            ck_assert_int_eq(w.end[n].state, PT_BFD_DOWN);
            ck_assert_uint_eq(w.end[n].diagnostic, PT_BFD_DIAG_DETECTION_EXPIRED);
            ck_assert_uint_eq(w.end[n].remote_discriminator, 0);
            ck_assert_uint_le(w.down_ns[n] - cut_ns, 200 * MS);
            ck_assert_uint_ge(w.down_ns[n] - cut_ns, 140 * MS); /* 200 - 50 - what was on the wire */
        }
        w.cut[0] = w.cut[1] = false;
        run_for(&w, 1100 * MS);
        ck_assert_int_eq(w.end[0].state, PT_BFD_UP);
        ck_assert_int_eq(w.end[1].state, PT_BFD_UP);
    }
}
END_TEST

/* A machine that stands still for longer than the detection time, and says so, sees no failure; a real one comes later.
 */
START_TEST(a_stall_of_our_own_is_no_silence)
{
    struct world w;
    const struct pt_bfd_options a = options_of(7), b = options_of(8);
    uint8_t out[PT_BFD_SIZE_MAX];
    world_init(&w, &a, &b);
    bring_up(&w);
    uint64_t heard_ns = w.end[0].last_received_ns, woken_ns = heard_ns + SECOND;
    pt_bfd_excuse(&w.end[0], SECOND - 30 * MS);
    (void)pt_bfd_run(&w.end[0], NULL, woken_ns, out);
    ck_assert_int_eq(w.end[0].state, PT_BFD_UP);
    (void)pt_bfd_run(&w.end[0], NULL, woken_ns + 169 * MS, out);
    ck_assert_int_eq(w.end[0].state, PT_BFD_UP);
    (void)pt_bfd_run(&w.end[0], NULL, woken_ns + 170 * MS, out);
    ck_assert_int_eq(w.end[0].state, PT_BFD_DOWN);
}
END_TEST

/* Another session by the same way ended: this one ends with it from three of its four intervals on, and not before. */
START_TEST(silence_is_shared_when_it_is_nearly_long_enough)
{
    struct world w;
    const struct pt_bfd_options a = options_of(7), b = options_of(8);
    world_init(&w, &a, &b);
    ck_assert(!pt_bfd_share_silence(&w.end[0], w.now_ns + SECOND)); /* it was not up */
    bring_up(&w);
    uint64_t heard_ns = w.end[0].last_received_ns;
    ck_assert(!pt_bfd_share_silence(&w.end[0], heard_ns + 150 * MS - 1));
    ck_assert_int_eq(w.end[0].state, PT_BFD_UP);
    ck_assert(pt_bfd_share_silence(&w.end[0], heard_ns + 150 * MS));
    ck_assert_int_eq(w.end[0].state, PT_BFD_DOWN);
    ck_assert_uint_eq(w.end[0].diagnostic, PT_BFD_DIAG_DETECTION_EXPIRED);
    ck_assert_uint_eq(w.end[0].downs, 1);
    ck_assert(!pt_bfd_share_silence(&w.end[0], heard_ns + SECOND)); /* once */
}
END_TEST

START_TEST(one_lost_packet_or_two_are_not_a_failure)
{
    struct world w;
    const struct pt_bfd_options a = options_of(1), b = options_of(2);
    world_init(&w, &a, &b);
    bring_up(&w);
    for (unsigned i = 0; i < 100; i++) {
        w.cut[1] = true;
        run_for(&w, 100 * MS);
        w.cut[1] = false;
        run_for(&w, 100 * MS);
    }
    ck_assert_uint_eq(w.end[1].downs, 0);
}
END_TEST

START_TEST(a_cut_in_one_direction_takes_both_ends_down_the_deaf_one_tells)
{
    struct world w;
    const struct pt_bfd_options a = options_of(1), b = options_of(2);
    world_init(&w, &a, &b);
    bring_up(&w);
    uint64_t cut_ns = w.now_ns;
    w.cut[1] = true;
    run_for(&w, 260 * MS);
    ck_assert_int_eq(w.end[1].state, PT_BFD_DOWN);
    ck_assert_int_eq(w.end[0].state, PT_BFD_DOWN);
    ck_assert_uint_eq(w.end[0].diagnostic, PT_BFD_DIAG_NEIGHBOUR_DOWN);
    ck_assert_uint_le(w.down_ns[0] - cut_ns, 210 * MS);
}
END_TEST

START_TEST(the_slower_of_wish_and_limit_counts)
{
    struct world w;
    struct pt_bfd_options a = options_of(1), b = options_of(2);
    b.required_min_rx_us = 400000;
    b.multiplier = 3;
    world_init(&w, &a, &b);
    bring_up(&w);
    unsigned before = w.sent[0], before_b = w.sent[1];
    run_for(&w, 20 * SECOND);
    ck_assert_uint_le(w.sent[0] - before, 68); /* a sends as slowly as b listens */
    ck_assert_uint_ge(w.sent[0] - before, 49);
    ck_assert_uint_ge(w.sent[1] - before_b, 400); /* b sends as it likes */
    ck_assert_uint_eq(pt_bfd_detection_ns(&w.end[0]), 3 * 50 * MS);
    ck_assert_uint_eq(pt_bfd_detection_ns(&w.end[1]), 4 * 400 * MS);
}
END_TEST

START_TEST(a_longer_interval_waits_for_the_end_of_the_poll_sequence)
{
    struct world w;
    const struct pt_bfd_options a = options_of(1), b = options_of(2);
    world_init(&w, &a, &b);
    bring_up(&w);
    w.cut[0] = true; /* no Final comes */
    pt_bfd_set_intervals(&w.end[0], 150000, 50000, 4);
    run_for(&w, 90 * MS);
    ck_assert(w.end[0].polling && w.last[0].poll);
    ck_assert_uint_eq(w.last[0].desired_min_tx_us, 150000);
    ck_assert_uint_eq(w.end[0].tx_us, 50000);
    w.cut[0] = false;
    run_for(&w, 100 * MS);
    ck_assert(!w.end[0].polling);
    ck_assert_uint_eq(w.end[0].tx_us, 150000);
    ck_assert_uint_eq(pt_bfd_detection_ns(&w.end[1]), 600 * MS);
    run_for(&w, 10 * SECOND);
    ck_assert_uint_eq(w.end[0].downs + w.end[1].downs, 0);
}
END_TEST

START_TEST(down_by_intention_is_told_and_stays)
{
    struct world w;
    const struct pt_bfd_options a = options_of(1), b = options_of(2);
    world_init(&w, &a, &b);
    bring_up(&w);
    pt_bfd_set_admin_down(&w.end[0], true);
    run_for(&w, 11 * MS);
    ck_assert_int_eq(w.end[1].state, PT_BFD_DOWN);
    ck_assert_uint_eq(w.end[1].diagnostic, PT_BFD_DIAG_NEIGHBOUR_DOWN);
    run_for(&w, 5 * SECOND);
    ck_assert_int_eq(w.end[0].state, PT_BFD_ADMIN_DOWN);
    ck_assert_int_eq(w.end[1].state, PT_BFD_DOWN);
    pt_bfd_set_admin_down(&w.end[0], false);
    run_for(&w, 2 * SECOND);
    ck_assert_int_eq(w.end[0].state, PT_BFD_UP);
    ck_assert_int_eq(w.end[1].state, PT_BFD_UP);
}
END_TEST

START_TEST(a_passive_side_waits_to_be_spoken_to)
{
    struct world w;
    struct pt_bfd_options a = options_of(1), b = options_of(2);
    a.passive = b.passive = true;
    world_init(&w, &a, &b);
    run_for(&w, 5 * SECOND);
    ck_assert_uint_eq(w.sent[0] + w.sent[1], 0);
    a.passive = false;
    world_init(&w, &a, &b);
    bring_up(&w);
}
END_TEST

START_TEST(a_neighbour_in_demand_mode_is_left_in_peace)
{
    struct world w;
    const struct pt_bfd_options a = options_of(1), b = options_of(2);
    world_init(&w, &a, &b);
    bring_up(&w);
    w.end[0].remote_demand = true;
    w.cut[0] = true; /* or it would be unlearnt */
    w.wire_len = 0;
    ck_assert(!w.end[0].polling);
    unsigned before = w.sent[0];
    run_for(&w, 150 * MS);
    ck_assert_uint_eq(w.sent[0], before);
}
END_TEST

/* ---- authentication ------------------------------------------------------------------------------------------- */

static void keyed(struct pt_bfd_options *o, enum pt_bfd_auth auth)
{
    o->auth = auth;
    o->key_id = 7;
    o->hash = toy_hash;
    memcpy(o->key, "a key of 20 bytes...", 20);
}

START_TEST(keyed_ends_come_up_and_stay_up)
{
    struct world w;
    struct pt_bfd_options a = options_of(1), b = options_of(2);
    keyed(&a, _i == 0 ? PT_BFD_AUTH_SHA1 : PT_BFD_AUTH_SHA1_METICULOUS);
    keyed(&b, _i == 0 ? PT_BFD_AUTH_SHA1 : PT_BFD_AUTH_SHA1_METICULOUS);
    world_init(&w, &a, &b);
    w.end[0].sent_sequence = UINT32_MAX - 20; /* numbers go round */
    bring_up(&w);
    run_for(&w, 60 * SECOND);
    ck_assert_uint_eq(w.end[0].downs + w.end[1].downs, 0);
}
END_TEST

START_TEST(a_wrong_key_a_changed_byte_and_no_key_are_refused)
{
    struct world w;
    struct pt_bfd_options a = options_of(1), b = options_of(2);
    struct pt_bfd_packet packet;
    keyed(&a, PT_BFD_AUTH_SHA1_METICULOUS);
    keyed(&b, PT_BFD_AUTH_SHA1_METICULOUS);
    b.key[19] ^= 1;
    world_init(&w, &a, &b);
    run_for(&w, 5 * SECOND);
    ck_assert_int_eq(w.end[0].state, PT_BFD_DOWN);
    b.key[19] ^= 1;
    world_init(&w, &a, &b);
    bring_up(&w);
    w.cut[1] = true;
    run_for(&w, 60 * MS);
    for (size_t i = 0; i < PT_BFD_SIZE_MAX; i++) {
        uint8_t forged[PT_BFD_SIZE_MAX];
        memcpy(forged, w.last_data[0], sizeof(forged));
        forged[i] ^= 0x40;
        if (i != 27 && pt_bfd_packet_read(forged, sizeof(forged), &packet)) { /* byte 27 is reserved, and hashed too */
            ck_assert_int_ne(pt_bfd_receive(&w.end[1], &packet, forged, NULL, w.now_ns), PT_BFD_TAKEN);
        }
    }
    packet = w.last[0];
    packet.auth = PT_BFD_AUTH_NONE;
    ck_assert_int_eq(pt_bfd_receive(&w.end[1], &packet, w.last_data[0], NULL, w.now_ns), PT_BFD_WRONG_AUTH);
    packet = w.last[0];
    ck_assert_int_eq(pt_bfd_receive(&w.end[1], &packet, w.last_data[0], NULL, w.now_ns), PT_BFD_TAKEN);
    ck_assert_int_eq(w.end[1].state, PT_BFD_UP);
}
END_TEST

START_TEST(replayed_and_far_numbers_are_refused_until_twice_the_detection_time)
{
    struct world w;
    struct pt_bfd_options a = options_of(1), b = options_of(2);
    struct pt_bfd_packet old;
    uint8_t old_data[PT_BFD_SIZE_MAX];
    keyed(&a, PT_BFD_AUTH_SHA1_METICULOUS);
    keyed(&b, PT_BFD_AUTH_SHA1_METICULOUS);
    world_init(&w, &a, &b);
    bring_up(&w);
    old = w.last[0];
    memcpy(old_data, w.last_data[0], sizeof(old_data));
    run_for(&w, 300 * MS);
    ck_assert_int_eq(pt_bfd_receive(&w.end[1], &old, old_data, NULL, w.now_ns), PT_BFD_WRONG_SEQUENCE);
    w.end[0].sent_sequence += 13; /* more than three times the multiplier */
    run_for(&w, 60 * MS);
    ck_assert_int_eq(pt_bfd_receive(&w.end[1], &w.last[0], w.last_data[0], NULL, w.now_ns), PT_BFD_WRONG_SEQUENCE);
    w.cut[1] = true;
    run_for(&w, 2 * SECOND);
    ck_assert_int_eq(w.end[1].state, PT_BFD_DOWN);
    w.cut[1] = false; /* a neighbour that restarted has other numbers, and is heard again */
    run_for(&w, 3 * SECOND);
    ck_assert_int_eq(w.end[1].state, PT_BFD_UP);
}
END_TEST

START_TEST(another_sessions_packet_is_not_ours)
{
    struct world w;
    const struct pt_bfd_options a = options_of(1), b = options_of(2);
    world_init(&w, &a, &b);
    bring_up(&w);
    struct pt_bfd_packet packet = w.last[0];
    packet.your = 77;
    ck_assert_int_eq(pt_bfd_receive(&w.end[1], &packet, w.last_data[0], NULL, w.now_ns), PT_BFD_WRONG_DISCRIMINATOR);
}
END_TEST

/* ---- packets -------------------------------------------------------------------------------------------------- */

START_TEST(what_is_written_is_what_is_read)
{
    struct pt_bfd_packet in = {.state = PT_BFD_UP,
                               .diagnostic = 3,
                               .final = true,
                               .independent = true,
                               .demand = true,
                               .multiplier = 5,
                               .my = 0x01020304,
                               .your = 0x05060708,
                               .desired_min_tx_us = 9,
                               .required_min_rx_us = 10,
                               .required_min_echo_us = 11,
                               .auth = PT_BFD_AUTH_SHA1,
                               .key_id = 12,
                               .sequence = 13,
                               .size = PT_BFD_SIZE_MAX};
    struct pt_bfd_packet out;
    uint8_t data[PT_BFD_SIZE_MAX];
    memset(&out, 0, sizeof(out));
    ck_assert_uint_eq(pt_bfd_packet_write(&in, data), 52);
    ck_assert(pt_bfd_packet_read(data, 52, &out));
    ck_assert_uint_eq(out.my, in.my);
    ck_assert_uint_eq(out.your, in.your);
    ck_assert_uint_eq(out.sequence, 13);
    ck_assert_uint_eq(out.key_id, 12);
    ck_assert_uint_eq(out.required_min_echo_us, 11);
    ck_assert(out.final && out.demand && out.independent && !out.poll);
    ck_assert_int_eq(out.state, PT_BFD_UP);
}
END_TEST

/* Section 6.8.6, line by line: each change makes a sound packet one that must be discarded. */
START_TEST(what_the_rfc_discards_is_discarded)
{
    const struct pt_bfd_packet sound = {.state = PT_BFD_UP, .multiplier = 3, .my = 1, .your = 2};
    const struct {
        size_t at;
        uint8_t value;
    } bad[] = {
        {0, 0x00}, {0, 0x40}, /* version */
        {3, 23},   {3, 25},   /* length: less than a packet; more than the payload */
        {2, 0},               /* multiplier */
        {1, 0xc1},            /* M */
        {7, 0},               /* my discriminator */
        {11, 0},              /* your discriminator 0 in UP */
        {1, 0xf0},            /* P and F */
        {1, 0xc4},            /* A without a section */
    };
    uint8_t data[PT_BFD_SIZE_MAX];
    struct pt_bfd_packet out;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        size_t size = pt_bfd_packet_write(&sound, data);
        ck_assert(pt_bfd_packet_read(data, size, &out));
        data[bad[i].at] = bad[i].value;
        ck_assert_msg(!pt_bfd_packet_read(data, size, &out), "byte %zu is %u", bad[i].at, bad[i].value);
    }
    for (size_t size = 0; size < 24; size++) {
        (void)pt_bfd_packet_write(&sound, data);
        ck_assert(!pt_bfd_packet_read(data, size, &out));
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bfd");
    TCase *sessions = tcase_create("sessions");
    tcase_add_test(sessions, session_is_up_in_a_round_trip_and_a_half_and_ends_its_poll_sequence);
    tcase_add_test(sessions, nothing_is_sent_faster_than_once_a_second_while_down);
    tcase_add_test(sessions, sending_while_up_is_jittered_by_at_most_a_quarter);
    tcase_add_test(sessions, silence_is_detected_within_the_detection_time_and_not_before);
    tcase_add_test(sessions, a_stall_of_our_own_is_no_silence);
    tcase_add_test(sessions, silence_is_shared_when_it_is_nearly_long_enough);
    tcase_add_test(sessions, one_lost_packet_or_two_are_not_a_failure);
    tcase_add_test(sessions, a_cut_in_one_direction_takes_both_ends_down_the_deaf_one_tells);
    tcase_add_test(sessions, the_slower_of_wish_and_limit_counts);
    tcase_add_test(sessions, a_longer_interval_waits_for_the_end_of_the_poll_sequence);
    tcase_add_test(sessions, down_by_intention_is_told_and_stays);
    tcase_add_test(sessions, a_passive_side_waits_to_be_spoken_to);
    tcase_add_test(sessions, a_neighbour_in_demand_mode_is_left_in_peace);
    tcase_add_loop_test(sessions, keyed_ends_come_up_and_stay_up, 0, 2);
    tcase_add_test(sessions, a_wrong_key_a_changed_byte_and_no_key_are_refused);
    tcase_add_test(sessions, replayed_and_far_numbers_are_refused_until_twice_the_detection_time);
    tcase_add_test(sessions, another_sessions_packet_is_not_ours);
    suite_add_tcase(suite, sessions);
    TCase *packets = tcase_create("packets");
    tcase_add_test(packets, what_is_written_is_what_is_read);
    tcase_add_test(packets, what_the_rfc_discards_is_discarded);
    suite_add_tcase(suite, packets);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
