/*
 * A STAMP sender against reflectors that are played: what was put in between (delay, loss, order, clocks) comes out.
 * The layout of answers is that of RFC 8762, 4.3, written byte by byte here, not by our reflector. And packets that
 * somebody else's program made, for both sides.
 */
#include "measure/stamp.h"

#include "base/buf.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define MS 1000000ULL
#define BEGIN_NS 1700000000000000000ULL
#define ERA_END_NS ((4294967296ULL - 2208988800ULL) * 1000000000ULL) /* 2036-02-07: NTP's seconds begin anew */

struct reflector {
    uint32_t number; /* of the next answer */
    bool stateful, ptp;
    int64_t clock_ns; /* ahead of ours */
};

/* RFC 8762, figure 4. */
static void reflect(struct reflector *r, const uint8_t *question, uint64_t came_ns, uint64_t left_ns, uint8_t out[44])
{
    uint64_t times[2] = {left_ns + (uint64_t)r->clock_ns, came_ns + (uint64_t)r->clock_ns};
    for (unsigned i = 0; i < 2; i++) {
        uint64_t seconds = times[i] / 1000000000, rest = times[i] % 1000000000;
        times[i] = r->ptp ? seconds << 32 | rest : (seconds + 2208988800ULL) << 32 | (rest << 32) / 1000000000;
    }
    memset(out, 0, 44);
    pt_put_be32(out, r->stateful ? r->number : pt_be32(question));
    r->number++;
    pt_put_be64(out + 4, times[0]);
    out[12] = r->ptp ? 0x40 : 0;
    out[13] = 1;
    pt_put_be64(out + 16, times[1]);
    memcpy(out + 24, question, 14);
    out[40] = 63;
}

struct way {
    uint64_t there_ns, back_ns, kept_ns;
};

/* A question that is answered. */
static void round_trip(struct pt_stamp_session *s, struct reflector *r, uint64_t now_ns, const struct way *way)
{
    uint8_t question[PT_STAMP_SIZE], answer[PT_STAMP_SIZE];
    pt_stamp_ask(s, now_ns, question);
    uint64_t came_ns = now_ns + way->there_ns, left_ns = came_ns + way->kept_ns;
    reflect(r, question, came_ns, left_ns, answer);
    ck_assert(pt_stamp_take(s, answer, sizeof(answer), left_ns + way->back_ns));
    ck_assert(!pt_stamp_take(s, answer, sizeof(answer), left_ns + way->back_ns + 1)); /* each counts once */
}

START_TEST(a_question_is_laid_out_as_the_rfc_draws_it)
{
    struct pt_stamp_session s;
    uint8_t question[PT_STAMP_SIZE];
    static const uint8_t zeros[30] = {0};
    pt_stamp_session_init(&s, BEGIN_NS);
    pt_stamp_ask(&s, BEGIN_NS, question);
    pt_stamp_ask(&s, BEGIN_NS + 1500 * MS, question);
    ck_assert_uint_eq(pt_be32(question), 1); /* the first has number 0 */
    ck_assert_uint_eq(pt_be64(question + 4), (1700000001ULL + 2208988800ULL) << 32 | 0x80000000);
    ck_assert_uint_eq(question[12] & 0x40, 0); /* NTP's format */
    ck_assert_uint_ne(question[13], 0);        /* the multiplier must not be zero */
    ck_assert_mem_eq(question + 14, zeros, 30);
}
END_TEST

/* 30 ms there, 10 ms back, a clock that is 5 ms ahead, an answer that is kept for 200 ms; both formats of time, and
 * over the end of NTP's era. */
START_TEST(delays_are_what_was_put_in)
{
    const uint64_t begins[] = {BEGIN_NS, ERA_END_NS - 3000 * MS};
    const struct way way = {.there_ns = 30 * MS, .back_ns = 10 * MS, .kept_ns = 200 * MS};
    for (unsigned i = 0; i < 4; i++) {
        struct reflector r = {.ptp = i % 2, .clock_ns = 5000000};
        struct pt_stamp_session s;
        struct pt_measure_report report;
        pt_stamp_session_init(&s, begins[i / 2]);
        for (unsigned n = 0; n < 60; n++) {
            round_trip(&s, &r, begins[i / 2] + n * 100 * MS, &way);
        }
        pt_measure_report(&s.measure, 0, &report);
        ck_assert_int_ge(report.delay_us[PT_MEASURE_FORWARD], 34999);
        ck_assert_int_le(report.delay_us[PT_MEASURE_FORWARD], 35001);
        ck_assert_int_ge(report.delay_us[PT_MEASURE_BACK], 4999);
        ck_assert_int_le(report.delay_us[PT_MEASURE_BACK], 5001);
        ck_assert_uint_ge(report.rtt_us, 39998); /* without what it was kept */
        ck_assert_uint_le(report.rtt_us, 40002);
        ck_assert_uint_le(report.jitter_us[PT_MEASURE_FORWARD], 1);
        ck_assert_uint_eq(report.loss_ppm[PT_MEASURE_FORWARD] + report.loss_ppm[PT_MEASURE_BACK], 0);
        ck_assert_uint_gt(report.mos_100, 400);
    }
}
END_TEST

/* Each tenth question is lost there, each fifth answer of the others back. */
static void play_loss(struct reflector *r, struct pt_measure_report *ret_report)
{
    struct pt_stamp_session s;
    uint32_t reached = 0;
    pt_stamp_session_init(&s, BEGIN_NS);
    for (unsigned n = 0; n < 101; n++) {
        uint8_t question[PT_STAMP_SIZE], answer[PT_STAMP_SIZE];
        uint64_t now_ns = BEGIN_NS + n * 90 * MS;
        pt_stamp_ask(&s, now_ns, question);
        if (n % 10 == 5) {
            continue;
        }
        reflect(r, question, now_ns + MS, now_ns + MS, answer);
        if (reached++ % 5 != 3) {
            ck_assert(pt_stamp_take(&s, answer, sizeof(answer), now_ns + 2 * MS));
        }
    }
    pt_measure_report(&s.measure, 0, ret_report);
}

START_TEST(a_stateful_reflector_tells_in_which_direction_packets_were_lost)
{
    struct reflector r = {.stateful = true, .number = 7000}; /* it was asked before we began */
    struct pt_measure_report report;
    play_loss(&r, &report);
    ck_assert_uint_eq(report.packets[PT_MEASURE_FORWARD], 100);
    ck_assert_uint_eq(report.loss_ppm[PT_MEASURE_FORWARD], 100000);
    ck_assert_uint_eq(report.packets[PT_MEASURE_BACK], 90);
    ck_assert_uint_eq(report.loss_ppm[PT_MEASURE_BACK], 200000);
}
END_TEST

START_TEST(with_a_stateless_one_all_loss_is_of_the_way_back)
{
    struct reflector r = {0};
    struct pt_measure_report report;
    play_loss(&r, &report);
    ck_assert_uint_eq(report.loss_ppm[PT_MEASURE_FORWARD], 0);
    ck_assert_uint_eq(report.packets[PT_MEASURE_BACK], 100);
    ck_assert_uint_eq(report.loss_ppm[PT_MEASURE_BACK], 280000); /* 10, and a fifth of 90 */
}
END_TEST

/* Answers in the wrong order are no loss; a reflector that begins anew is no loss either. */
START_TEST(order_and_restarts_are_no_loss)
{
    struct pt_stamp_session s;
    struct reflector r = {.stateful = true, .number = 500};
    struct pt_measure_report report;
    uint8_t questions[2][PT_STAMP_SIZE], answers[2][PT_STAMP_SIZE];
    pt_stamp_session_init(&s, BEGIN_NS);
    for (unsigned n = 0; n < 40; n++) {
        uint64_t now_ns = BEGIN_NS + n * 200 * MS;
        r.number = n == 20 ? 0 : r.number;
        for (unsigned i = 0; i < 2; i++) {
            pt_stamp_ask(&s, now_ns + i * MS, questions[i]);
            reflect(&r, questions[i], now_ns + 2 * MS, now_ns + 2 * MS, answers[i]);
        }
        ck_assert(pt_stamp_take(&s, answers[1], PT_STAMP_SIZE, now_ns + 3 * MS));
        ck_assert(pt_stamp_take(&s, answers[0], PT_STAMP_SIZE, now_ns + 4 * MS));
    }
    pt_measure_report(&s.measure, 0, &report);
    ck_assert_uint_gt(report.packets[PT_MEASURE_FORWARD], 70);
    ck_assert_uint_eq(report.loss_ppm[PT_MEASURE_FORWARD], 0);
    ck_assert_uint_eq(report.loss_ppm[PT_MEASURE_BACK], 0);
}
END_TEST

START_TEST(what_answers_no_open_question_changes_nothing)
{
    struct pt_stamp_session s, before;
    struct reflector r = {0};
    uint8_t first[PT_STAMP_SIZE], question[PT_STAMP_SIZE], answer[PT_STAMP_SIZE + 20] = {0};
    pt_stamp_session_init(&s, BEGIN_NS);
    pt_stamp_ask(&s, BEGIN_NS, first);
    for (unsigned n = 1; n <= PT_STAMP_WINDOW; n++) {
        pt_stamp_ask(&s, BEGIN_NS + n * MS, question);
    }
    before = s;
    reflect(&r, first, BEGIN_NS, BEGIN_NS, answer);
    ck_assert(!pt_stamp_take(&s, answer, PT_STAMP_SIZE, BEGIN_NS + MS)); /* too late */
    reflect(&r, question, BEGIN_NS, BEGIN_NS, answer);
    ck_assert(!pt_stamp_take(&s, answer, PT_STAMP_SIZE - 1, BEGIN_NS + MS)); /* cut short */
    answer[35] ^= 1;
    ck_assert(!pt_stamp_take(&s, answer, PT_STAMP_SIZE, BEGIN_NS + MS)); /* not our timestamp: guessed */
    answer[35] ^= 1;
    pt_put_be32(answer + 24, s.next);
    ck_assert(!pt_stamp_take(&s, answer, PT_STAMP_SIZE, BEGIN_NS + MS)); /* not asked yet */
    ck_assert_mem_eq(&s, &before, sizeof(s));
    pt_put_be32(answer + 24, s.next - 1);
    ck_assert(pt_stamp_take(&s, answer, sizeof(answer), BEGIN_NS + (PT_STAMP_WINDOW + 1) * MS)); /* TLVs behind it */
}
END_TEST

/* ---- packets of another implementation ------------------------------------------------------------------------- */

/*
 * Made by Scapy 2.8 (scapy.contrib.stamp), where each is one expression: a sender's question with a session identifier
 * and a TLV (extra padding), seq=7, ts=T+0.25, scale 3, multiplier 9; what a reflector answers that does not know the
 * TLV, with our error estimate, ts_rx=T+0.5, ts=T+0.75, TTL 61; our first question at T; a reflector's answer to that,
 * synchronised, scale 5, ts_rx=T+1/32, ts=T+5/32. T is BEGIN_NS: 3908988800 s since 1900.
 */
static const char scapy_asks[] = "00000007e8fe6f8040000000830912340000000000000000000000000000000000000000000000000000"
                                 "00008001000400000000";
static const char scapy_would_answer[] = "00000007e8fe6f80c000000016011234e8fe6f808000000000000007e8fe6f804000000083"
                                         "0900003d0000008001000400000000";
static const char we_ask[] = "00000000e8fe6f80000000001601000000000000000000000000000000000000000000000000000000000000";
static const char scapy_answers[] = "00000000e8fe6f802800000085010000e8fe6f800800000000000000e8fe6f800000000016010000ff"
                                    "000000";

static size_t from_hex(const char *hex, uint8_t out[PT_STAMP_SIZE_MAX])
{
    size_t size = strlen(hex) / 2;
    for (size_t i = 0; i < size; i++) {
        const char byte[3] = {hex[2 * i], hex[2 * i + 1], 0};
        out[i] = (uint8_t)strtoul(byte, NULL, 16);
    }
    return size;
}

START_TEST(another_implementation_s_question_is_answered_as_it_would_answer)
{
    uint8_t question[PT_STAMP_SIZE_MAX], wanted[PT_STAMP_SIZE_MAX], answer[PT_STAMP_SIZE_MAX];
    const struct pt_stamp_arrival arrival = {.came_ns = BEGIN_NS + 500 * MS, .ttl = 61};
    size_t size = from_hex(scapy_asks, question);
    ck_assert_uint_eq(from_hex(scapy_would_answer, wanted), size);
    ck_assert(pt_stamp_reflect(question, size, &arrival, answer));
    pt_stamp_leave(answer, BEGIN_NS + 750 * MS);
    ck_assert_mem_eq(answer, wanted, size);
}
END_TEST

/* 31,250 us there, kept for 125,000, 15,625 us back. */
START_TEST(another_implementation_s_answer_says_what_it_means)
{
    struct pt_stamp_session s;
    struct pt_measure_report report;
    uint8_t question[PT_STAMP_SIZE], wanted[PT_STAMP_SIZE_MAX], answer[PT_STAMP_SIZE_MAX];
    pt_stamp_session_init(&s, BEGIN_NS);
    pt_stamp_ask(&s, BEGIN_NS, question);
    ck_assert_uint_eq(from_hex(we_ask, wanted), sizeof(question));
    ck_assert_mem_eq(question, wanted, sizeof(question));
    size_t size = from_hex(scapy_answers, answer);
    ck_assert(pt_stamp_take(&s, answer, size, BEGIN_NS + 171875000));
    pt_measure_report(&s.measure, 0, &report);
    ck_assert_int_eq(report.delay_us[PT_MEASURE_FORWARD], 31250);
    ck_assert_int_eq(report.delay_us[PT_MEASURE_BACK], 15625);
    ck_assert_uint_eq(report.rtt_us, 46875);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("stamp");
    TCase *tc = tcase_create("sender");
    tcase_add_test(tc, a_question_is_laid_out_as_the_rfc_draws_it);
    tcase_add_test(tc, delays_are_what_was_put_in);
    tcase_add_test(tc, a_stateful_reflector_tells_in_which_direction_packets_were_lost);
    tcase_add_test(tc, with_a_stateless_one_all_loss_is_of_the_way_back);
    tcase_add_test(tc, order_and_restarts_are_no_loss);
    tcase_add_test(tc, what_answers_no_open_question_changes_nothing);
    tcase_add_test(tc, another_implementation_s_question_is_answered_as_it_would_answer);
    tcase_add_test(tc, another_implementation_s_answer_says_what_it_means);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
