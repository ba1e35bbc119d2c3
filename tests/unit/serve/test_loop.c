/*
 * The leader's loop stays free while its workers compute: on a real loop, with executors like those of the leader, one
 * worker solves the largest public network and another one a second copy of it, as if somebody asked what if, and a
 * timer on the loop says for how long nobody came by. This is no measure of speed: who solves on the loop is gone for
 * as long as that takes, which is what the limit is compared to.
 *
 * And the leader's own passes over 200 meshed sites, by its own push: stages run on other threads, and what the loop
 * does of a pass (copying the state, taking the bundles, dropping those of before) is a small part of the work, counted
 * in processor time of each thread, which does not depend on what else the machine does.
 */
#include "../flow/instance.h"
#include "../mod/te/fixture.h"

#include "flow/solve.h"
#include "mod/mods.h"
#include "serve/push_priv.h"
#include "sys/sys_uv.h"

#include <check.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define TICK_MS 5

struct job {
    struct watch *watch;
    struct pt_flow_te te;
    struct pt_flow_demand *demands;
    size_t demands_len;
    double gap;
    bool solved;
};

struct watch {
    struct pt_sys *sys;
    struct pt_timer *timer;
    uint64_t began_ns, last_ns, longest_ns, ended_ns;
    size_t ticks, jobs;
};

static void on_tick(void *arg)
{
    struct watch *watch = arg;
    uint64_t now = pt_sys_now_ns(watch->sys);
    watch->longest_ns = now - watch->last_ns > watch->longest_ns ? now - watch->last_ns : watch->longest_ns;
    watch->last_ns = now;
    watch->ticks++;
}

static void solve(void *arg)
{
    struct job *job = arg;
    struct pt_flow_paths *paths = NULL;
    struct pt_flow_result *result = NULL;
    const struct pt_flow_rules rules = {0};
    struct pt_error error = {0};
    enum pt_code code = pt_flow_paths_new(job->te.graph, &rules, job->demands, job->demands_len, NULL, &paths, &error);
    const struct pt_flow_problem problem = {
        .graph = job->te.graph, .demands = job->demands, .demands_len = job->demands_len, .paths = paths};
    if (code == PT_OK) {
        code = pt_flow_solve(&problem, NULL, &result, &error);
    }
    job->solved = code == PT_OK;
    job->gap = code == PT_OK ? result->certificate.gap : 1;
    pt_flow_result_free(result);
    pt_flow_paths_free(paths);
}

static void solved(void *arg)
{
    struct job *job = arg;
    if (--job->watch->jobs == 0) {
        on_tick(job->watch); /* what came before counts too */
        job->watch->ended_ns = job->watch->last_ns;
        pt_timer_stop(job->watch->timer);
        pt_sys_uv_stop(job->watch->sys);
    }
}

START_TEST(the_loop_is_free_while_the_largest_network_is_solved)
{
    struct watch watch = {0};
    struct job jobs[2] = {0};
    struct pt_error error = {0};
    ck_assert_int_eq(pt_sys_uv_new(&watch.sys, &error), PT_OK);
    struct pt_executor *executors[2] = {pt_executor_new(watch.sys, "plan", 1), pt_executor_new(watch.sys, "ask", 1)};
    for (size_t i = 0; i < 2; i++) {
        jobs[i].watch = &watch;
        jobs[i].te = instance_file(PT_SOURCE_DIR "/tests/data/te/Kdl.topo");
        jobs[i].demands_len = instance_gravity(jobs[i].te.graph, i + 1, 1, &jobs[i].demands);
    }
    watch.timer = pt_timer_new(watch.sys, on_tick, &watch);
    watch.began_ns = watch.last_ns = pt_sys_now_ns(watch.sys);
    pt_timer_start(watch.timer, TICK_MS, TICK_MS);
    for (size_t i = 0; i < 2; i++, watch.jobs++) {
        pt_executor_submit(executors[i], solve, solved, &jobs[i]);
    }
    pt_sys_uv_run(watch.sys);
    uint64_t took_ns = watch.ended_ns - watch.began_ns;
    printf("solved in %.0f ms; the loop came by %zu times, and was gone for %.0f ms at most\n", (double)took_ns / 1e6,
           watch.ticks, (double)watch.longest_ns / 1e6);
    for (size_t i = 0; i < 2; i++) {
        ck_assert(jobs[i].solved);
        ck_assert_double_le(jobs[i].gap, 0.01);
        pt_executor_free(executors[i]);
        free(jobs[i].demands);
        pt_flow_te_fini(&jobs[i].te);
    }
    ck_assert_uint_lt(watch.longest_ns, took_ns / 2);
    pt_timer_free(watch.timer);
    pt_sys_uv_free(watch.sys);
}
END_TEST

/* ---- passes of the leader -------------------------------------------------------------------------------------- */

#define SITES 200
#define PASSES 6

struct leader {
    struct fixture f; /* its schema, machine and resources */
    struct pt_sys *sys;
    struct pt_controller controller;
    struct pt_log log;
    struct pt_timer *timer;
    uint64_t seen;
    double loop_ms, all_ms; /* processor time, when the first pass began, then until the last one's end */
};

static struct pt_sys *loop_of_stages;
static atomic_uint stages_on_loop, stages_elsewhere;

/* Runs after the stages of traffic engineering. */
static enum pt_code witness(struct pt_plan_pass *pass, void **ret_section, struct pt_error *reterr)
{
    (void)pass;
    (void)ret_section;
    (void)reterr;
    atomic_fetch_add(pt_sys_on_loop(loop_of_stages) ? &stages_on_loop : &stages_elsewhere, 1);
    return PT_OK;
}

static const struct pt_stage witness_stage = {
    .name = "witness", .after = (const char *const[]){"emit", NULL}, .run = witness};
static const struct pt_mod witness_mod = {.name = "witness",
                                          .stages = (const struct pt_stage *const[]){&witness_stage, NULL}};
#define MODS_MAX 64
static const struct pt_mod *witnessed[MODS_MAX]; /* all there are, and the witness */

static double cpu_ms(clockid_t id)
{
    struct timespec now;
    ck_assert_int_eq(clock_gettime(id, &now), 0);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void no_line(void *context, enum pt_log_level level, const char *line)
{
    (void)context;
    (void)level;
    (void)line;
}

/* As soon as a pass is in force the next one is asked for. */
static void on_look(void *arg)
{
    struct leader *leader = arg;
    struct pt_push *push = leader->controller.push;
    if (push->newest_number == leader->seen || push->running) {
        return;
    }
    leader->seen = push->newest_number;
    if (leader->seen == PASSES) {
        leader->loop_ms = cpu_ms(CLOCK_THREAD_CPUTIME_ID) - leader->loop_ms;
        leader->all_ms = cpu_ms(CLOCK_PROCESS_CPUTIME_ID) - leader->all_ms;
        pt_sys_uv_stop(leader->sys);
        return;
    }
    pt_push_within(push, 0);
}

static void leader_init(struct leader *leader, const char *store)
{
    struct pt_error error = {0};
    *leader = (struct leader){.log = {.level_min = PT_LOG_ERROR, .sink = no_line, .node = "test"}};
    ck_assert_int_eq(pt_sys_uv_new(&leader->sys, &error), PT_OK);
    ck_assert_int_eq(pt_schema_new(pt_schema_embedded(), &leader->f.schema, &error), PT_OK);
    const struct pt_kind_options options = {
        .sys = leader->sys, .schema = leader->f.schema, .mods = no_mods, .store_path = store};
    ck_assert_msg(pt_kind_open(&options, &leader->f.machine, &error) == PT_OK, "%s", error.text);
    put_basics(&leader->f);
    for (unsigned i = 0; i < SITES; i++) {
        put_site(&leader->f, i);
        put_link(&leader->f, i, 0, "inet", "");
        put_link(&leader->f, i, 1, "mpls", "");
    }
    size_t mods_len = 0;
    for (; pt_mods()[mods_len] != NULL; mods_len++) {
        ck_assert_uint_lt(mods_len, MODS_MAX - 2);
        witnessed[mods_len] = pt_mods()[mods_len];
    }
    witnessed[mods_len] = &witness_mod;
    struct pt_controller *controller = &leader->controller;
    controller->options.mods = witnessed;
    controller->sys = loop_of_stages = leader->sys;
    controller->log = &leader->log;
    controller->machine = leader->f.machine;
    controller->leading = controller->ready = true;
    pt_list_init(&controller->sessions);
    controller->soft = pt_soft_new(controller);
    controller->push = pt_push_new(controller);
}

static void leader_fini(struct leader *leader)
{
    pt_push_free(leader->controller.push);
    pt_soft_free(leader->controller.soft);
    pt_timer_free(leader->timer);
    pt_kind_close(leader->f.machine);
    pt_schema_free(leader->f.schema);
    pt_sys_uv_free(leader->sys);
}

START_TEST(a_pass_is_other_threads_work)
{
    static struct leader leader;
    char folder[] = "/tmp/patronus-loop-XXXXXX", store[64];
    ck_assert_ptr_nonnull(mkdtemp(folder));
    (void)snprintf(store, sizeof(store), "%s/state.db", folder);
    leader_init(&leader, store);
    leader.timer = pt_timer_new(leader.sys, on_look, &leader);
    leader.loop_ms = cpu_ms(CLOCK_THREAD_CPUTIME_ID);
    leader.all_ms = cpu_ms(CLOCK_PROCESS_CPUTIME_ID);
    pt_push_role_changed(leader.controller.push);
    pt_timer_start(leader.timer, TICK_MS, TICK_MS);
    pt_sys_uv_run(leader.sys);
    printf("%d passes over %d sites: %.0f ms, of these the loop's %.0f\n", PASSES, SITES, leader.all_ms,
           leader.loop_ms);
    ck_assert_uint_eq(leader.controller.push->newest->plan.nodes_len, SITES);
    ck_assert_uint_eq(atomic_load(&stages_on_loop), 0);
    ck_assert_uint_eq(atomic_load(&stages_elsewhere), PASSES);
    ck_assert_double_lt(leader.loop_ms, leader.all_ms / 4);
    leader_fini(&leader);
    static const char *const files[] = {"", "-wal", "-shm", ".acked", ".lock"};
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        char path[80];
        (void)snprintf(path, sizeof(path), "%s%s", store, files[i]);
        (void)unlink(path); /* some are not there */
    }
    ck_assert_int_eq(rmdir(folder), 0); /* nothing else was made */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("loop");
    TCase *tcase = tcase_create("loop");
    tcase_set_timeout(tcase, 240);
    tcase_add_test(tcase, the_loop_is_free_while_the_largest_network_is_solved);
    tcase_add_test(tcase, a_pass_is_other_threads_work);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
