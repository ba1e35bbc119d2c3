/*
 * What a node says of links that hosts leave by: by the name of the link, each second what was made and refused, and
 * now and then, because that costs, how many ports are taken. What the programs would count is given here.
 */
#include "agent/agent_priv.h"
#include "base/arena.h"
#include "sys/sys_sim.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define SECOND_NS 1000000000ULL

struct kernel { /* a data plane that translates on link 2 and nothing else */
    struct pt_dp base;
    struct pt_dp_translation counts;
    unsigned looks; /* at its ports */
};

static bool translation(struct pt_dp *dp, uint32_t link, bool ports, struct pt_dp_translation *ret_counts)
{
    struct kernel *kernel = (struct kernel *)dp;
    ck_assert_uint_le(link, 3);
    *ret_counts = kernel->counts;
    kernel->looks += ports;
    if (!ports) {
        memset(ret_counts->taken, 0, sizeof(ret_counts->taken));
    }
    return link == 2;
}

static const struct pt_dp_ops ops = {.translation = translation};

struct place {
    struct kernel kernel;
    struct pt_agent agent;
    struct pt_arena arena;
    Patronus__V1__Telemetry telemetry;
    struct pt_sim *sim;
};

/* Links 1 to 3, of which hosts leave by 2 and, by a pool that is not there yet, 3. */
static struct pt_bundle *make_bundle(void)
{
    static const char *const names[] = {"mpls", "inet", "lte"};
    Patronus__V1__Entry entries[5], *list[5];
    Patronus__V1__LinkEntry links[3];
    Patronus__V1__ExitEntry exits[2];
    for (uint32_t i = 0; i < 5; i++) {
        patronus__v1__entry__init(&entries[i]);
        list[i] = &entries[i];
    }
    for (uint32_t i = 0; i < 3; i++) {
        patronus__v1__link_entry__init(&links[i]);
        links[i].link = i + 1;
        links[i].name = (char *)(uintptr_t)names[i];
        entries[i].entry_case = PATRONUS__V1__ENTRY__ENTRY_LINK;
        entries[i].link = &links[i];
    }
    for (uint32_t i = 0; i < 2; i++) {
        patronus__v1__exit_entry__init(&exits[i]);
        exits[i].vni = 100;
        exits[i].link = i + 2;
        entries[3 + i].entry_case = PATRONUS__V1__ENTRY__ENTRY_EXIT;
        entries[3 + i].exit = &exits[i];
    }
    return pt_bundle_new(list, 5);
}

static void place_init(struct place *place)
{
    *place = (struct place){.kernel = {.base = {.ops = &ops}}};
    place->sim = pt_sim_new(&(struct pt_sim_options){.seed = 1});
    place->agent.options.sys = pt_sim_host(place->sim, pt_sim_add_host(place->sim));
    place->agent.options.dp = &place->kernel.base;
    place->agent.bundle = make_bundle();
    pt_arena_init(&place->arena);
    (void)pt_sim_step(place->sim, pt_sys_now_ns(place->agent.options.sys) + SECOND_NS);
}

static void place_fini(struct place *place)
{
    free(place->agent.ports);
    pt_bundle_unref(place->agent.bundle);
    pt_arena_fini(&place->arena);
    pt_sim_free(place->sim);
}

/* A second later, this is what it says of the one link that translates. */
static const Patronus__V1__TranslationReport *say(struct place *place)
{
    (void)pt_sim_step(place->sim, pt_sys_now_ns(place->agent.options.sys) + SECOND_NS);
    patronus__v1__telemetry__init(&place->telemetry);
    pt_agent_add_translations(&place->agent, &place->arena, &place->telemetry);
    ck_assert_uint_eq(place->telemetry.n_translations, 1);
    ck_assert_str_eq(place->telemetry.translations[0]->link, "inet");
    return place->telemetry.translations[0];
}

START_TEST(ports_are_counted_twice_a_minute)
{
    struct place place;
    place_init(&place);
    place.kernel.counts = (struct pt_dp_translation){.made = 7, .taken = {4, 5, 6}};
    const Patronus__V1__TranslationReport *report = say(&place);
    ck_assert_uint_eq(report->made, 7);
    ck_assert_uint_eq(report->exhausted, 0);
    ck_assert_uint_eq(report->tcp_ports, 4);
    ck_assert_uint_eq(report->udp_ports, 5);
    ck_assert_uint_eq(report->icmp_ids, 6);
    place.kernel.counts = (struct pt_dp_translation){.made = 9, .taken = {40, 50, 60}};
    for (int i = 0; i < 29; i++) {
        report = say(&place);
        ck_assert_uint_eq(report->made, 9);
        ck_assert_uint_eq(report->tcp_ports, 4); /* as it was */
    }
    ck_assert_uint_eq(place.kernel.looks, 1);
    ck_assert_uint_eq(say(&place)->tcp_ports, 40);
    ck_assert_uint_eq(place.kernel.looks, 2);
    place_fini(&place);
}
END_TEST

/* Somebody will look at once; but a host that is refused each second does not make it count each second. */
START_TEST(a_host_that_is_refused_has_them_counted)
{
    struct place place;
    place_init(&place);
    (void)say(&place);
    place.kernel.counts = (struct pt_dp_translation){.exhausted = 1, .taken = {31744, 0, 0}};
    for (int i = 0; i < 4; i++) {
        ck_assert_uint_eq(say(&place)->exhausted, 1);
    }
    ck_assert_uint_eq(say(&place)->tcp_ports, 31744);
    ck_assert_uint_eq(place.kernel.looks, 2);
    for (int i = 0; i < 12; i++) {
        place.kernel.counts.exhausted++;
        (void)say(&place);
    }
    ck_assert_uint_le(place.kernel.looks, 6);
    place_fini(&place);
}
END_TEST

START_TEST(who_does_not_translate_says_nothing)
{
    struct place place;
    place_init(&place);
    pt_bundle_unref(place.agent.bundle);
    place.agent.bundle = NULL;
    patronus__v1__telemetry__init(&place.telemetry);
    pt_agent_add_translations(&place.agent, &place.arena, &place.telemetry);
    ck_assert_uint_eq(place.telemetry.n_translations, 0);
    static const struct pt_dp_ops none = {0};
    place.agent.bundle = make_bundle();
    place.kernel.base.ops = &none;
    pt_agent_add_translations(&place.agent, &place.arena, &place.telemetry);
    ck_assert_uint_eq(place.telemetry.n_translations, 0);
    place_fini(&place);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("translation_report");
    TCase *tcase = tcase_create("numbers");
    tcase_add_test(tcase, ports_are_counted_twice_a_minute);
    tcase_add_test(tcase, a_host_that_is_refused_has_them_counted);
    tcase_add_test(tcase, who_does_not_translate_says_nothing);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
