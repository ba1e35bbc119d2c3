/*
 * The leader's loop stays free while its workers compute: on a real loop, with executors like those of the leader, one
 * worker solves the largest public network and another one a second copy of it, as if somebody asked what if, and a
 * timer on the loop says for how long nobody came by. This is no measure of speed: who solves on the loop is gone for
 * as long as that takes, which is what the limit is compared to.
 */
#include "../flow/instance.h"

#include "flow/solve.h"
#include "sys/sys_uv.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

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

int main(void)
{
    Suite *suite = suite_create("loop");
    TCase *tcase = tcase_create("loop");
    tcase_set_timeout(tcase, 240);
    tcase_add_test(tcase, the_loop_is_free_while_the_largest_network_is_solved);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
