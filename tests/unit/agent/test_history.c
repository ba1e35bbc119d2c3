/* What a node remembers, against a list: the newest records of each flow, whatever came between, and no more than fit.
 */
#include "agent/history.h"
#include "bpf/abi/event.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define SIZE 64 /* records that fit */
#define FLOWS 23
#define ROUNDS 20000
#define SECOND 1000000000LL

static uint64_t state = 7;

static unsigned any(unsigned below)
{
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (unsigned)(state >> 33) % below;
}

static struct pt_dp_flow_key flow_of(unsigned n)
{
    struct pt_dp_flow_key flow = {
        .vni = 7, .protocol = 6, .source_port = (uint16_t)(1000 + n), .destination_port = 443};
    flow.source.bytes[15] = (uint8_t)n;
    flow.destination.bytes[15] = 9;
    return flow;
}

static struct pt_history_record record_of(unsigned flow, int64_t time_ns, uint64_t path)
{
    return (struct pt_history_record){
        .decision = {.flow = flow_of(flow), .verdict = PT_FLOW_PATH, .path_id = path, .kind = PT_EVENT_FLOW},
        .time_ns = time_ns};
}

static struct pt_history_record drop_of(unsigned flow, int64_t time_ns, uint8_t reason, uint8_t kind)
{
    struct pt_history_record record = record_of(flow, time_ns, 0);
    record.decision.verdict = PT_FLOW_DROP;
    record.decision.reason = reason;
    record.decision.kind = kind;
    return record;
}

/* Method: every record ever is kept in an array; what is found must be the newest of the flow among the last SIZE. */
START_TEST(the_newest_records_of_a_flow_are_found)
{
    struct pt_history *history = pt_history_new(SIZE);
    struct twin {
        unsigned flow;
        int64_t time_ns;
    } *twin = calloc(ROUNDS, sizeof(*twin));
    ck_assert_ptr_nonnull(twin);
    for (size_t n = 0; n < ROUNDS; n++) {
        twin[n] = (struct twin){.flow = any(FLOWS), .time_ns = (int64_t)(n + 1) * 1000};
        struct pt_history_record record = record_of(twin[n].flow, twin[n].time_ns, n + 1);
        record.ruling = pt_history_ruling(history, any(2) ? "a rules[0]" : "b rules[1]", any(3), "", false);
        pt_history_add(history, &record);
        unsigned flow = any(FLOWS);
        int64_t at = any(2) ? INT64_MAX : twin[n].time_ns - (int64_t)any(50) * 1000;
        const struct pt_history_record *found[5];
        struct pt_dp_flow_key key = flow_of(flow);
        size_t len = pt_history_find(history, &key, at, found, 5), expected = 0;
        for (size_t i = n + 1; i-- > 0 && i + SIZE > n && expected < 5;) {
            if (twin[i].flow == flow && twin[i].time_ns <= at) {
                ck_assert_uint_lt(expected, len);
                ck_assert_int_eq(found[expected]->time_ns, twin[i].time_ns);
                ck_assert_uint_eq(found[expected++]->decision.path_id, i + 1);
            }
        }
        ck_assert_uint_eq(len, expected);
        ck_assert_int_eq(pt_history_oldest(history), n + 1 < SIZE ? 1000 : (int64_t)(n + 2 - SIZE) * 1000);
    }
    free(twin);
    pt_history_free(history);
}
END_TEST

START_TEST(equal_rulings_are_one)
{
    struct pt_history *history = pt_history_new(SIZE);
    struct pt_history_record record = record_of(1, 1, 1);
    struct pt_history_ruling *first = record.ruling = pt_history_ruling(history, "p rules[0]", 9, "sla", true);
    pt_history_add(history, &record);
    record.ruling = pt_history_ruling(history, "p rules[0]", 9, "sla", true);
    ck_assert_ptr_eq(record.ruling, first);
    pt_history_add(history, &record);
    record.ruling = pt_history_ruling(history, "p rules[0]", 10, "sla", true);
    ck_assert_ptr_ne(record.ruling, first);
    pt_history_add(history, &record);
    pt_history_free(history);
}
END_TEST

static void take(void *arg, struct pt_history_photo *photo)
{
    unsigned *taken = arg;
    photo->len = 1;
    photo->candidates[0].path = ++*taken;
}

/* One photograph a second and group; a new bundle ends its use; records keep theirs. */
START_TEST(a_photograph_serves_for_a_second)
{
    struct pt_history *history = pt_history_new(SIZE);
    const struct pt_history_record *found[4];
    unsigned taken = 0;
    for (int i = 0; i < 4; i++) {
        struct pt_history_record record = record_of(1, (i + 1) * SECOND / 2, 1);
        record.photo = pt_history_photo(history, 2, 0, record.time_ns, take, &taken);
        pt_history_add(history, &record);
    }
    ck_assert_uint_eq(taken, 2);
    struct pt_history_record other = record_of(2, 3 * SECOND, 1);
    other.photo = pt_history_photo(history, 2, 5, other.time_ns, take, &taken);
    pt_history_add(history, &other);
    ck_assert_uint_eq(taken, 3);
    pt_history_forget_photos(history);
    struct pt_history_record later = record_of(3, 3 * SECOND, 1);
    later.photo = pt_history_photo(history, 2, 5, later.time_ns, take, &taken);
    pt_history_add(history, &later);
    ck_assert_uint_eq(taken, 4);
    struct pt_dp_flow_key key = flow_of(1);
    ck_assert_uint_eq(pt_history_find(history, &key, INT64_MAX, found, 4), 4);
    ck_assert_uint_eq(found[0]->photo->candidates[0].path, 2);
    ck_assert_uint_eq(found[3]->photo->candidates[0].path, 1);
    pt_history_free(history);
}
END_TEST

/* A packet's own drop is no decision about its flow; drops that repeat within a second are one. */
START_TEST(drops_are_samples)
{
    struct pt_history *history = pt_history_new(SIZE);
    const struct pt_history_record *found[8];
    struct pt_dp_flow_key key = flow_of(1);
    struct pt_history_record record = record_of(1, SECOND, 5);
    pt_history_add(history, &record);
    record = drop_of(1, SECOND + 1, 8, PT_EVENT_PACKET);
    pt_history_add(history, &record);
    ck_assert_uint_eq(pt_history_find(history, &key, INT64_MAX, found, 8), 1);
    ck_assert_uint_eq(pt_history_drops(history, 0, found, 8), 1);
    for (int i = 0; i < 5; i++) {
        record = drop_of(1, 2 * SECOND + i, 7, PT_EVENT_NO_WAY);
        pt_history_add(history, &record);
    }
    ck_assert_uint_eq(pt_history_find(history, &key, INT64_MAX, found, 8), 2);
    ck_assert_uint_eq(pt_history_drops(history, 7, found, 8), 1);
    record = drop_of(1, 4 * SECOND, 7, PT_EVENT_NO_WAY);
    pt_history_add(history, &record);
    record = drop_of(2, 4 * SECOND, 7, PT_EVENT_NO_WAY);
    pt_history_add(history, &record);
    ck_assert_uint_eq(pt_history_drops(history, 7, found, 8), 3);
    ck_assert_uint_eq(pt_history_drops(history, 0, found, 2), 2);
    ck_assert_uint_eq(found[0]->decision.flow.source_port, 1002);
    for (unsigned i = 0; i < 2 * PT_HISTORY_DROPS; i++) {
        record = drop_of(i % 200, (int64_t)(10 + i) * SECOND, 4, PT_EVENT_FLOW);
        pt_history_add(history, &record);
    }
    ck_assert_uint_eq(pt_history_drops(history, 7, found, 8), 0);
    pt_history_free(history);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("history");
    TCase *tcase = tcase_create("history");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, the_newest_records_of_a_flow_are_found);
    tcase_add_test(tcase, equal_rulings_are_one);
    tcase_add_test(tcase, a_photograph_serves_for_a_second);
    tcase_add_test(tcase, drops_are_samples);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
