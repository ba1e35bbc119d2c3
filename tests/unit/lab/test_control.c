/*
 * Parameters as people write them, and the relay's control commands on shapers without a relay.
 */
#include "lab/relay_control.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

START_TEST(parameters_are_read_and_printed)
{
    static const struct {
        const char *words[3];
        const char *text;
    } cases[] = {
        {{"delay=0"}, "delay=0"},
        {{"delay=20ms"}, "delay=20ms"},
        {{"delay=1.5s", "jitter=100us"}, "delay=1500ms jitter=0.1ms"},
        {{"loss=0.5%", "reorder=500ppm"}, "delay=0 loss=0.5% reorder=0.05%"},
        {{"duplicate=1.5%", "reorder=1%"}, "delay=0 reorder=1% duplicate=1.5%"},
        {{"rate=1.5gbit", "queue=64kB"}, "delay=0 rate=1500mbit queue=64kB"},
        {{"rate=800kbit", "rate=off"}, "delay=0"},
        {{"cut=yes"}, "delay=0 cut=yes"},
        {{"cut=yes", "cut=no"}, "delay=0"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct pt_lab_params params = {0};
        char text[PT_LAB_PARAMS_TEXT_SIZE];
        for (size_t w = 0; w < 3 && cases[i].words[w] != NULL; w++) {
            ck_assert_int_eq(pt_lab_params_set(&params, cases[i].words[w], NULL), PT_OK);
        }
        ck_assert_str_eq(pt_lab_params_format(&params, text), cases[i].text);
    }
}
END_TEST

START_TEST(bad_parameters_change_nothing)
{
    static const char *const bad[] = {"delay",
                                      "delay=",
                                      "delay=20",
                                      "delay=20m",
                                      "delay=ms",
                                      "delay=1e3ms",
                                      "delay=nan",
                                      "delay=0x1ms",
                                      "delay= 1ms",
                                      "delay=+1ms",
                                      "delay=10.1s",
                                      "loss=2",
                                      "loss=-1%",
                                      "loss=100.1%",
                                      "rate=5mb",
                                      "rate=401gbit",
                                      "queue=1GB",
                                      "cut=1",
                                      "mtu=1500",
                                      "=5ms",
                                      "",
                                      "delay=1.2.3ms",
                                      "delay=00000000000000000000001ms"};
    struct pt_lab_params params = {.delay_ns = 7, .loss_ppm = 8, .rate_bps = 9, .queue_size = 10};
    struct pt_lab_params before = params;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct pt_error error = {0};
        ck_assert_msg(pt_lab_params_set(&params, bad[i], &error) == PT_INVALID_ARGUMENT, "'%s' was taken", bad[i]);
        ck_assert_mem_eq(&params, &before, sizeof(params));
        ck_assert_str_ne(error.text, "");
    }
}
END_TEST

START_TEST(the_queue_defaults_to_50_ms_at_the_rate)
{
    struct pt_lab_params params = {.rate_bps = 80000000};
    ck_assert_uint_eq(pt_lab_params_queue_size(&params), 500000);
    params.rate_bps = 1000000;
    ck_assert_uint_eq(pt_lab_params_queue_size(&params), 32768);
    params.queue_size = 5;
    ck_assert_uint_eq(pt_lab_params_queue_size(&params), 5);
}
END_TEST

struct fixture {
    struct pt_lab_topology topology;
    struct pt_shaper shapers[6];
    uint64_t drops_send[6];
    struct pt_relay_state state;
    struct pt_buf reply;
};

static void setup(struct fixture *f)
{
    static const char text[] = "default delay=1ms\nsite a\nlink internet\nlink mpls\nsite b\nlink internet\n";
    memset(f, 0, sizeof(*f));
    ck_assert_int_eq(pt_lab_topology_parse("t", text, strlen(text), &f->topology, NULL), PT_OK);
    for (size_t i = 0; i < 6; i++) {
        pt_shaper_init(&f->shapers[i], &f->topology.links[i / 2].params, i);
    }
    f->state = (struct pt_relay_state){.topology = &f->topology, .shapers = f->shapers, .drops_send = f->drops_send};
    pt_buf_init(&f->reply);
}

static void teardown(struct fixture *f)
{
    pt_buf_fini(&f->reply);
    pt_lab_topology_fini(&f->topology);
}

static const char *ask(struct fixture *f, const char *request)
{
    pt_buf_reset(&f->reply);
    pt_relay_control(&f->state, request, &f->reply);
    return (const char *)f->reply.data;
}

START_TEST(set_changes_the_links_and_directions_named)
{
    struct fixture f;
    setup(&f);
    ck_assert_str_eq(ask(&f, "set a/internet both delay=5ms loss=1%"), "ok 1");
    ck_assert_str_eq(ask(&f, "set */internet up cut=yes"), "ok 2");
    ck_assert_uint_eq(f.shapers[0].params.delay_ns, 5000000);
    ck_assert_uint_eq(f.shapers[1].params.delay_ns, 5000000);
    ck_assert_uint_eq(f.shapers[2].params.delay_ns, 1000000);
    ck_assert(f.shapers[0].params.cut && !f.shapers[1].params.cut);
    ck_assert(!f.shapers[2].params.cut && f.shapers[4].params.cut && !f.shapers[5].params.cut);
    ck_assert_str_eq(ask(&f, "set b/wan0 down cut=yes delay=0"), "ok 1");
    ck_assert(f.shapers[5].params.cut);
    ck_assert_uint_eq(f.shapers[5].params.delay_ns, 0);
    teardown(&f);
}
END_TEST

START_TEST(a_wrong_request_changes_nothing)
{
    struct fixture f;
    setup(&f);
    static const struct {
        const char *request;
        const char *says;
    } cases[] = {
        {"set * both delay=9ms loss=x", "not a ratio"},
        {"set c/internet both delay=9ms", "no link 'c/internet'"},
        {"set * left delay=9ms", "a set is"},
        {"set *", "a set is"},
        {"set * both", "a set is"},
        {"drop tables", "a request is"},
        {"", "a request is"},
        {"status now", "a request is"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *reply = ask(&f, cases[i].request);
        ck_assert_msg(strncmp(reply, "error ", 6) == 0 && strstr(reply, cases[i].says) != NULL, "'%s' says '%s'",
                      cases[i].request, reply);
    }
    for (size_t i = 0; i < 6; i++) {
        ck_assert_uint_eq(f.shapers[i].params.delay_ns, 1000000);
    }
    teardown(&f);
}
END_TEST

START_TEST(status_has_a_line_per_direction)
{
    struct fixture f;
    setup(&f);
    uint64_t due_ns = 0;
    f.shapers[3].params.delay_ns = 0;
    f.drops_send[3] = 4;
    ck_assert_int_eq(pt_shaper_offer(&f.shapers[3], 0, 99, &due_ns), PT_SHAPER_SEND);
    const char *reply = ask(&f, "status");
    unsigned lines = 0;
    for (const char *at = reply; *at != '\0'; at++) {
        lines += *at == '\n';
    }
    ck_assert_uint_eq(lines, 7);
    ck_assert_ptr_nonnull(strstr(reply, "\na/mpls\tdown\tdelay=0\t1 99 0 0 0 4 0 0\n"));
    ck_assert_ptr_nonnull(strstr(reply, "\nb/internet\tup\tdelay=1ms\t0 0 0 0 0 0 0 0\n"));
    teardown(&f);
}
END_TEST

START_TEST(asking_without_a_relay_says_so)
{
    struct pt_error error = {0};
    struct pt_buf reply;
    pt_buf_init(&reply);
    ck_assert_int_eq(pt_relay_ask("/nonexistent/relay.sock", "status", &reply, &error), PT_UNAVAILABLE);
    ck_assert_ptr_nonnull(strstr(error.text, "is the lab up?"));
    ck_assert_uint_eq(reply.size, 0);
    pt_buf_fini(&reply);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("control");
    TCase *tcase = tcase_create("control");
    tcase_add_test(tcase, parameters_are_read_and_printed);
    tcase_add_test(tcase, bad_parameters_change_nothing);
    tcase_add_test(tcase, the_queue_defaults_to_50_ms_at_the_rate);
    tcase_add_test(tcase, set_changes_the_links_and_directions_named);
    tcase_add_test(tcase, a_wrong_request_changes_nothing);
    tcase_add_test(tcase, status_has_a_line_per_direction);
    tcase_add_test(tcase, asking_without_a_relay_says_so);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
