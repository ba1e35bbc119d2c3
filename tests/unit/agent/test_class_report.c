/*
 * What a node says of its links' queues: rates since the last report, and how long what waits will take. The numbers
 * that the kernel would count are given here.
 */
#include "agent/agent_priv.h"
#include "base/arena.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define ELAPSED_MS 500
#define REALTIME 1
#define BULK 5

struct kernel { /* a data plane that has queues and nothing else */
    struct pt_dp base;
    struct pt_dp_link_queues links[2];
    size_t links_len;
};

static void queues(struct pt_dp *dp, void (*fn)(void *arg, const struct pt_dp_link_queues *queues), void *arg)
{
    const struct kernel *kernel = (const struct kernel *)dp;
    for (size_t i = 0; i < kernel->links_len; i++) {
        fn(arg, &kernel->links[i]);
    }
}

static const struct pt_dp_ops ops = {.queues = queues};

struct place {
    struct kernel kernel;
    struct pt_agent agent;
    struct pt_arena arena;
    Patronus__V1__Telemetry telemetry;
};

static void place_init(struct place *place)
{
    *place = (struct place){.kernel = {.base = {.ops = &ops}, .links_len = 1}};
    place->kernel.links[0] = (struct pt_dp_link_queues){.link = "inet", .error = "", .used[BULK] = true};
    place->kernel.links[0].queues[BULK].promised_bps = 1000000;
    place->agent.options.dp = &place->kernel.base;
    pt_arena_init(&place->arena);
}

static void place_fini(struct place *place)
{
    free(place->agent.queues);
    pt_arena_fini(&place->arena);
}

static const Patronus__V1__LinkReport *say(struct place *place)
{
    patronus__v1__telemetry__init(&place->telemetry);
    pt_agent_add_classes(&place->agent, &place->arena, &place->telemetry, ELAPSED_MS);
    ck_assert_uint_eq(place->telemetry.n_links, place->kernel.links_len);
    return place->telemetry.links[0];
}

/* So many bytes left since the last report, and so many wait. */
static const Patronus__V1__ClassReport *after(struct place *place, uint64_t bytes, uint32_t backlog)
{
    struct pt_dp_queue *queue = &place->kernel.links[0].queues[BULK];
    queue->bytes += bytes;
    queue->backlog_bytes = backlog;
    const Patronus__V1__LinkReport *report = say(place);
    ck_assert_str_eq(report->name, "inet");
    ck_assert_str_eq(report->error, "");
    ck_assert_uint_eq(report->n_classes, 1);
    ck_assert_uint_eq(report->classes[0]->traffic_class, BULK);
    return report->classes[0];
}

/* delay = what waits / the greater of the rate at which it leaves and the one that is promised */
START_TEST(a_delay_is_what_waits_by_the_rate_at_which_it_leaves)
{
    struct place place;
    place_init(&place);
    const Patronus__V1__ClassReport *class = after(&place, 777777, 12500);
    ck_assert_uint_eq(class->rate_bps, 0);      /* of how long ago that is, nothing is known yet */
    ck_assert_uint_eq(class->delay_us, 100000); /* 100,000 bits at the promised 1 Mbit/s */
    class = after(&place, 250000, 12500);
    ck_assert_uint_eq(class->rate_bps, 4000000);
    ck_assert_uint_eq(class->delay_us, 25000); /* it borrows: at 4 Mbit/s */
    class = after(&place, 31250, 12500);
    ck_assert_uint_eq(class->rate_bps, 500000);
    ck_assert_uint_eq(class->delay_us, 100000); /* it sent less than it may: it may still */
    class = after(&place, 250000, 0);
    ck_assert_uint_eq(class->delay_us, 0);
    place.kernel.links[0].queues[BULK].promised_bps = 0;
    class = after(&place, 0, 12500);
    ck_assert_uint_eq(class->delay_us, 0); /* nothing to say it by */
    place_fini(&place);
}
END_TEST

START_TEST(queues_that_are_new_begin_at_nothing)
{
    struct place place;
    place_init(&place);
    (void)after(&place, 1000000, 0);
    struct pt_dp_queue *queue = &place.kernel.links[0].queues[BULK];
    queue->bytes = 100; /* made again: it counts from 0 */
    queue->packets = 2;
    queue->drops = 7;
    const Patronus__V1__ClassReport *class = after(&place, 0, 0);
    ck_assert_uint_eq(class->rate_bps, 0);
    ck_assert_uint_eq(class->bytes, 100);
    ck_assert_uint_eq(class->packets, 2);
    ck_assert_uint_eq(class->drops, 7);
    class = after(&place, 62500, 0);
    ck_assert_uint_eq(class->rate_bps, 1000000);
    place_fini(&place);
}
END_TEST

/* Classes that are not used are left out; a link that could not be shaped says why, and has none. */
START_TEST(a_link_says_what_it_has)
{
    struct place place;
    place_init(&place);
    place.kernel.links_len = 2;
    place.kernel.links[0].used[0] = place.kernel.links[0].used[REALTIME] = true;
    place.kernel.links[1] = (struct pt_dp_link_queues){.link = "mpls", .error = "no htb", .used[BULK] = true};
    const Patronus__V1__LinkReport *report = say(&place);
    ck_assert_uint_eq(report->n_classes, 3);
    ck_assert_uint_eq(report->classes[0]->traffic_class, 0);
    ck_assert_uint_eq(report->classes[1]->traffic_class, REALTIME);
    ck_assert_uint_eq(report->classes[2]->traffic_class, BULK);
    ck_assert_str_eq(place.telemetry.links[1]->name, "mpls");
    ck_assert_str_eq(place.telemetry.links[1]->error, "no htb");
    ck_assert_uint_eq(place.telemetry.links[1]->n_classes, 0);
    place_fini(&place);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("class_report");
    TCase *tcase = tcase_create("numbers");
    tcase_add_test(tcase, a_delay_is_what_waits_by_the_rate_at_which_it_leaves);
    tcase_add_test(tcase, queues_that_are_new_begin_at_nothing);
    tcase_add_test(tcase, a_link_says_what_it_has);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
