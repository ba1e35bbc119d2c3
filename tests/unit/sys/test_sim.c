/*
 * The simulated world: determinism, virtual time, executors, crashes, partitions, pauses.
 *
 * The workload of the determinism tests is two hosts that echo to each other, write and sync files and restart timers;
 * each test says what it looks at.
 */
#include "sys/sys_sim.h"
#include "base/assert.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define MS UINT64_C(1000000)
#define SECOND (1000 * MS)

static struct pt_sim *sim_new(uint64_t seed, unsigned hosts)
{
    struct pt_sim *sim = pt_sim_new(&(struct pt_sim_options){.seed = seed});
    for (unsigned i = 0; i < hosts; i++) {
        ck_assert_uint_eq(pt_sim_add_host(sim), i);
    }
    return sim;
}

static void run_until(struct pt_sim *sim, uint64_t until_ns)
{
    while (pt_sim_step(sim, until_ns)) {
    }
    ck_assert_uint_eq(pt_sim_now_ns(sim), until_ns);
}

static struct pt_endpoint address(unsigned host, uint16_t port)
{
    return (struct pt_endpoint){.ip = pt_ip_from_v4(0x0a000001U + host), .port = port};
}

/* ---- one end of a stream that counts -------------------------------------------------------------------------- */

struct peer {
    struct pt_sim *sim;
    struct pt_stream *stream;
    struct pt_listener *listener;
    struct pt_buf got;
    bool echo;
    int connects, accepts, closes, writables;
    enum pt_code connect_code, close_code;
    uint64_t connect_ns, close_ns, data_ns;
};

static void on_connect(void *arg, enum pt_code code)
{
    struct peer *peer = arg;
    peer->connects++;
    peer->connect_code = code;
    peer->connect_ns = pt_sim_now_ns(peer->sim);
}

static void on_data(void *arg, const uint8_t *data, size_t size)
{
    struct peer *peer = arg;
    ck_assert_int_eq(peer->closes, 0);
    pt_buf_append(&peer->got, data, size);
    peer->data_ns = pt_sim_now_ns(peer->sim);
    if (peer->echo) {
        (void)pt_stream_write(peer->stream, data, size);
    }
}

static void on_closed(void *arg, enum pt_code code)
{
    struct peer *peer = arg;
    ck_assert_int_eq(peer->closes, 0);
    peer->closes++;
    peer->close_code = code;
    peer->close_ns = pt_sim_now_ns(peer->sim);
}

static void on_writable(void *arg)
{
    ((struct peer *)arg)->writables++;
}

static const struct pt_stream_ops peer_ops = {on_connect, on_data, on_closed, on_writable};

static void on_accept(void *arg, struct pt_stream *stream, const struct pt_endpoint *from)
{
    struct peer *peer = arg;
    (void)from;
    peer->accepts++;
    if (peer->stream == NULL) {
        peer->stream = stream;
        pt_stream_start(stream, &peer_ops, peer);
    }
}

static void peer_fini(struct peer *peer)
{
    pt_stream_close(peer->stream);
    pt_listener_close(peer->listener);
    pt_buf_fini(&peer->got);
}

/* a of host 0 connects to b of host 1. */
static void pair_init(struct pt_sim *sim, struct peer *a, struct peer *b)
{
    *a = (struct peer){.sim = sim};
    *b = (struct peer){.sim = sim};
    struct pt_endpoint at = address(1, 7000);
    ck_assert_int_eq(pt_listen(pt_sim_host(sim, 1), &at, on_accept, b, &b->listener, NULL), PT_OK);
    a->stream = pt_connect(pt_sim_host(sim, 0), &at, &peer_ops, a);
    run_until(sim, pt_sim_now_ns(sim) + 5 * MS);
    ck_assert_int_eq(a->connects, 1);
    ck_assert_int_eq(a->connect_code, PT_OK);
    ck_assert_int_eq(b->accepts, 1);
}

/* ---- determinism ---------------------------------------------------------------------------------------------- */

struct busy {
    struct pt_sys *sys;
    struct pt_timer *timer;
    struct pt_executor *executor;
    struct pt_file *file;
    struct peer *peer;
    unsigned rounds;
    unsigned pending;
};

static void busy_work(void *arg)
{
    struct busy *busy = arg;
    uint64_t value = pt_sys_random_u64(busy->sys);
    ck_assert_int_eq(pt_file_write(busy->file, busy->rounds * 8, &value, 8, NULL), PT_OK);
    ck_assert_int_eq(pt_file_sync(busy->file, NULL), PT_OK);
}

static void busy_done(void *arg)
{
    struct busy *busy = arg;
    busy->pending--;
    (void)pt_stream_write(busy->peer->stream, "hello", 5);
}

static void busy_tick(void *arg)
{
    struct busy *busy = arg;
    busy->rounds++;
    busy->pending++;
    pt_executor_submit(busy->executor, busy_work, busy_done, busy);
    pt_timer_start(busy->timer, 1 + pt_sys_random_u64(busy->sys) % 5, 0);
}

static uint64_t busy_run(uint64_t seed, uint64_t caller_draws)
{
    struct pt_sim *sim = sim_new(seed, 2);
    struct peer peers[2];
    struct busy busy[2] = {0};
    pair_init(sim, &peers[0], &peers[1]);
    peers[1].echo = true;
    for (unsigned i = 0; i < 2; i++) {
        busy[i].sys = pt_sim_host(sim, i);
        busy[i].peer = &peers[i];
        busy[i].executor = pt_executor_new(busy[i].sys, "disk", 1);
        busy[i].timer = pt_timer_new(busy[i].sys, busy_tick, &busy[i]);
        ck_assert_int_eq(pt_file_open(busy[i].sys, "/f", PT_OPEN_WRITE | PT_OPEN_CREATE, &busy[i].file, NULL), PT_OK);
        pt_timer_start(busy[i].timer, 0, 0);
    }
    for (uint64_t i = 0; i < caller_draws; i++) {
        ck_assert_uint_lt(pt_sim_random(sim, 10), 10);
    }
    run_until(sim, SECOND);
    uint64_t hash = pt_sim_trace_hash(sim);
    for (unsigned i = 0; i < 2; i++) {
        ck_assert_uint_gt(busy[i].rounds, 100);
        ck_assert_uint_gt(peers[i].got.size, 500);
        pt_timer_free(busy[i].timer);
        pt_executor_free(busy[i].executor);
        ck_assert_uint_eq(busy[i].pending, 0);
        pt_file_close(busy[i].file);
        peer_fini(&peers[i]);
    }
    pt_sim_free(sim);
    return hash;
}

/* The same seed runs twice to the same trace, whatever the caller draws for itself; other seeds run otherwise. */
START_TEST(trace_is_a_function_of_the_seed)
{
    uint64_t before = 0;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        uint64_t hash = busy_run(seed, 0);
        ck_assert_uint_eq(hash, busy_run(seed, 7));
        ck_assert_uint_ne(hash, before);
        before = hash;
    }
}
END_TEST

/* ---- time ----------------------------------------------------------------------------------------------------- */

struct instants {
    struct pt_sys *sys;
    uint64_t at[16];
    int len;
};

static void note_instant(void *arg)
{
    struct instants *instants = arg;
    instants->at[instants->len++] = pt_sys_now_ns(instants->sys);
}

/* A timer never fires early and at most 100 us late; a day passes at once. */
START_TEST(time_is_virtual)
{
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct pt_sim *sim = sim_new(seed, 1);
        struct instants instants = {.sys = pt_sim_host(sim, 0)};
        struct pt_timer *timer = pt_timer_new(instants.sys, note_instant, &instants);
        pt_timer_start(timer, 5, 86400000);
        run_until(sim, 86400 * SECOND + 6 * MS);
        ck_assert_int_eq(instants.len, 2);
        ck_assert_uint_ge(instants.at[0], 5 * MS);
        ck_assert_uint_lt(instants.at[0], 5 * MS + 100000);
        ck_assert_uint_ge(instants.at[1], 86400 * SECOND + 5 * MS);
        ck_assert_uint_lt(instants.at[1], 86400 * SECOND + 5 * MS + 100000);
        pt_timer_stop(timer);
        ck_assert(!pt_timer_active(timer));
        run_until(sim, 3 * 86400 * SECOND);
        ck_assert_int_eq(instants.len, 2);
        pt_timer_free(timer);
        pt_sim_free(sim);
    }
}
END_TEST

/* Random starts, restarts, stops and frees of many timers against a plain array of their due instants. */
START_TEST(timers_agree_with_a_trivial_twin)
{
    enum { TIMERS = 64 };
    struct pt_sim *sim = sim_new(42, 1);
    struct instants instants[TIMERS];
    struct pt_timer *timers[TIMERS];
    uint64_t due[TIMERS] = {0};
    for (int i = 0; i < TIMERS; i++) {
        instants[i] = (struct instants){.sys = pt_sim_host(sim, 0)};
        timers[i] = pt_timer_new(instants[i].sys, note_instant, &instants[i]);
    }
    for (int step = 0; step < 20000; step++) {
        uint64_t i = pt_sim_random(sim, TIMERS);
        uint64_t delay = 1 + pt_sim_random(sim, 50);
        if (pt_sim_random(sim, 3) == 0) {
            pt_timer_stop(timers[i]);
            due[i] = 0;
        } else {
            pt_timer_start(timers[i], delay, 0);
            due[i] = pt_sim_now_ns(sim) + delay * MS;
        }
        /* Stand between milliseconds, far from any lateness. */
        run_until(sim, pt_sim_now_ns(sim) + pt_sim_random(sim, 3) * MS + (step == 0 ? 500000 : 0));
        for (int t = 0; t < TIMERS; t++) {
            bool fired = due[t] != 0 && due[t] + 100000 <= pt_sim_now_ns(sim);
            if (fired) {
                ck_assert_int_eq(instants[t].len, 1);
                ck_assert_uint_ge(instants[t].at[0], due[t]);
                ck_assert_uint_lt(instants[t].at[0], due[t] + 100000);
                due[t] = 0;
                instants[t].len = 0;
            }
            ck_assert_int_eq(instants[t].len, 0);
            ck_assert(pt_timer_active(timers[t]) == (due[t] != 0));
        }
    }
    for (int i = 0; i < TIMERS; i++) {
        pt_timer_free(timers[i]);
    }
    pt_sim_free(sim);
}
END_TEST

static void repost(void *arg)
{
    struct instants *instants = arg;
    instants->len++;
    pt_sys_post(instants->sys, repost, instants);
}

/* A task that posts itself for ever must not stop the clock. */
START_TEST(posting_takes_time)
{
    struct pt_sim *sim = sim_new(1, 1);
    struct instants instants = {.sys = pt_sim_host(sim, 0)};
    pt_sys_post(instants.sys, repost, &instants);
    run_until(sim, MS);
    ck_assert_int_gt(instants.len, 100);
    pt_sim_free(sim);
}
END_TEST

/* ---- executors ------------------------------------------------------------------------------------------------ */

struct sim_job {
    struct pt_sim *sim;
    struct pt_file *file;
    int *done;
    int order;
    uint64_t worked_ns, done_ns;
};

static void sync_work(void *arg)
{
    struct sim_job *job = arg;
    job->worked_ns = pt_sim_now_ns(job->sim);
    ck_assert_int_eq(pt_file_sync(job->file, NULL), PT_OK);
}

static void sync_done(void *arg)
{
    struct sim_job *job = arg;
    job->order = (*job->done)++;
    job->done_ns = pt_sim_now_ns(job->sim);
}

/* done comes after the time of the syncs; one thread works one job after the other; a slow disk makes it slow. */
START_TEST(executors_take_the_time_of_the_disk)
{
    struct pt_sim *sim = sim_new(3, 1);
    struct pt_sys *sys = pt_sim_host(sim, 0);
    struct pt_executor *executor = pt_executor_new(sys, "log", 1);
    struct pt_file *file = NULL;
    int done_len = 0;
    ck_assert_int_eq(pt_file_open(sys, "/log", PT_OPEN_WRITE | PT_OPEN_CREATE, &file, NULL), PT_OK);
    pt_sim_slow_disk(sim, 0, 20 * MS);
    struct sim_job jobs[5];
    for (int i = 0; i < 5; i++) {
        jobs[i] = (struct sim_job){.sim = sim, .file = file, .done = &done_len};
        pt_executor_submit(executor, sync_work, sync_done, &jobs[i]);
        ck_assert_int_eq(done_len, 0);
    }
    run_until(sim, SECOND);
    ck_assert_int_eq(done_len, 5);
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(jobs[i].order, i);
        ck_assert_uint_ge(jobs[i].done_ns, jobs[i].worked_ns + 20 * MS);
        ck_assert(i == 0 || jobs[i].worked_ns >= jobs[i - 1].done_ns);
    }
    /* What is left when the executor is freed is finished before that returns. */
    uint64_t before = pt_sim_now_ns(sim);
    for (int i = 0; i < 5; i++) {
        pt_executor_submit(executor, sync_work, sync_done, &jobs[i]);
    }
    pt_executor_free(executor);
    ck_assert_int_eq(done_len, 10);
    ck_assert_uint_eq(pt_sim_now_ns(sim), before);
    pt_file_close(file);
    pt_sim_free(sim);
}
END_TEST

/* ---- pause ---------------------------------------------------------------------------------------------------- */

static void on_tick(void *arg)
{
    note_instant(arg);
}

/* A paused host runs nothing; what was due comes afterwards, in order, and the bytes sent to it are not lost. */
START_TEST(pause_holds_everything_and_keeps_order)
{
    struct pt_sim *sim = sim_new(5, 2);
    struct peer a;
    struct peer b;
    pair_init(sim, &a, &b);
    uint64_t start = pt_sim_now_ns(sim);
    struct instants first = {.sys = pt_sim_host(sim, 1)};
    struct instants second = {.sys = pt_sim_host(sim, 1)};
    struct pt_timer *timers[] = {pt_timer_new(first.sys, on_tick, &first), pt_timer_new(first.sys, on_tick, &second)};
    pt_timer_start(timers[1], 20, 0);
    pt_timer_start(timers[0], 10, 0);
    pt_sim_pause(sim, 1, SECOND);
    for (int i = 0; i < 100; i++) {
        char digit = (char)('0' + i % 10);
        (void)pt_stream_write(a.stream, &digit, 1);
        run_until(sim, pt_sim_now_ns(sim) + MS);
    }
    run_until(sim, start + SECOND - 1);
    ck_assert_int_eq(first.len + second.len, 0);
    ck_assert_uint_eq(b.got.size, 0);
    run_until(sim, start + SECOND + 10 * MS);
    ck_assert_int_eq(first.len, 1);
    ck_assert_uint_eq(first.at[0], start + SECOND);
    ck_assert_uint_eq(second.at[0], start + SECOND);
    ck_assert_uint_eq(b.got.size, 100);
    for (int i = 0; i < 100; i++) {
        ck_assert_int_eq(b.got.data[i], '0' + i % 10);
    }
    pt_timer_free(timers[0]);
    pt_timer_free(timers[1]);
    peer_fini(&a);
    peer_fini(&b);
    pt_sim_free(sim);
}
END_TEST

/* A sync on the loop holds up the host's other events: the simulator shows what it would cost. */
START_TEST(sync_on_the_loop_holds_up_the_host)
{
    struct pt_sim *sim = sim_new(6, 1);
    struct instants instants = {.sys = pt_sim_host(sim, 0)};
    struct pt_file *file = NULL;
    ck_assert_int_eq(pt_file_open(instants.sys, "/f", PT_OPEN_WRITE | PT_OPEN_CREATE, &file, NULL), PT_OK);
    struct pt_timer *timer = pt_timer_new(instants.sys, on_tick, &instants);
    pt_timer_start(timer, 10, 0);
    pt_sim_slow_disk(sim, 0, 300 * MS);
    ck_assert_int_eq(pt_file_sync(file, NULL), PT_OK);
    run_until(sim, SECOND);
    ck_assert_int_eq(instants.len, 1);
    ck_assert_uint_ge(instants.at[0], 300 * MS);
    pt_timer_free(timer);
    pt_file_close(file);
    pt_sim_free(sim);
}
END_TEST

/* ---- partitions ----------------------------------------------------------------------------------------------- */

/* A short cut delays and loses nothing; only the direction that is cut stalls. */
START_TEST(a_short_cut_only_delays)
{
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct pt_sim *sim = sim_new(seed, 2);
        struct peer a;
        struct peer b;
        pair_init(sim, &a, &b);
        pt_sim_partition(sim, 0, 1, true);
        (void)pt_stream_write(a.stream, "one", 3);
        (void)pt_stream_write(b.stream, "two", 3);
        run_until(sim, pt_sim_now_ns(sim) + SECOND);
        (void)pt_stream_write(a.stream, "more", 4);
        run_until(sim, pt_sim_now_ns(sim) + 8 * SECOND);
        ck_assert_uint_eq(b.got.size, 0);
        ck_assert_uint_eq(a.got.size, 3);
        pt_sim_partition(sim, 0, 1, false);
        run_until(sim, pt_sim_now_ns(sim) + 5 * MS);
        ck_assert_uint_eq(b.got.size, 7);
        ck_assert_int_eq(memcmp(b.got.data, "onemore", 7), 0);
        run_until(sim, pt_sim_now_ns(sim) + 60 * SECOND);
        ck_assert_int_eq(a.closes + b.closes, 0);
        peer_fini(&a);
        peer_fini(&b);
        pt_sim_free(sim);
    }
}
END_TEST

/* A cut of ten seconds resets both ends, even idle ones, and no earlier; afterwards one can connect again. */
START_TEST(a_long_cut_resets)
{
    struct pt_sim *sim = sim_new(7, 2);
    struct peer a;
    struct peer b;
    pair_init(sim, &a, &b);
    uint64_t start = pt_sim_now_ns(sim);
    pt_sim_partition(sim, 1, 0, true);
    pt_sim_partition(sim, 0, 1, true);
    run_until(sim, start + 10 * SECOND - 1);
    ck_assert_int_eq(a.closes + b.closes, 0);
    run_until(sim, start + 10 * SECOND + MS);
    ck_assert_int_eq(a.closes, 1);
    ck_assert_int_eq(b.closes, 1);
    ck_assert_int_eq(a.close_code, PT_UNAVAILABLE);
    /* A connect over the cut fails after 10 s; one that is under way when the link heals succeeds. */
    struct pt_endpoint at = address(1, 7000);
    struct peer late = {.sim = sim};
    struct peer lucky = {.sim = sim};
    late.stream = pt_connect(pt_sim_host(sim, 0), &at, &peer_ops, &late);
    run_until(sim, pt_sim_now_ns(sim) + 5 * SECOND);
    lucky.stream = pt_connect(pt_sim_host(sim, 0), &at, &peer_ops, &lucky);
    run_until(sim, pt_sim_now_ns(sim) + 6 * SECOND);
    ck_assert_int_eq(late.connects, 1);
    ck_assert_int_eq(late.connect_code, PT_UNAVAILABLE);
    ck_assert_int_eq(late.closes, 0);
    ck_assert_int_eq(lucky.connects, 0);
    pt_sim_partition(sim, 1, 0, false);
    pt_sim_partition(sim, 0, 1, false);
    run_until(sim, pt_sim_now_ns(sim) + 2 * SECOND);
    ck_assert_int_eq(lucky.connects, 1);
    ck_assert_int_eq(lucky.connect_code, PT_OK);
    peer_fini(&late);
    peer_fini(&lucky);
    peer_fini(&a);
    peer_fini(&b);
    pt_sim_free(sim);
}
END_TEST

/* ---- crashes of the process ----------------------------------------------------------------------------------- */

static void must_not_run(void *arg)
{
    (void)arg;
    ck_abort_msg("a callback of a dead host ran");
}

/* Nothing of a crashed host calls back; its objects can be freed before and after the restart; its peer learns. */
START_TEST(crash_silences_the_host)
{
    for (int power_loss = 0; power_loss < 2; power_loss++) {
        struct pt_sim *sim = sim_new(8, 2);
        struct peer a;
        struct peer b;
        pair_init(sim, &a, &b);
        struct pt_sys *sys = pt_sim_host(sim, 1);
        struct pt_timer *timer = pt_timer_new(sys, must_not_run, NULL);
        struct pt_executor *executor = pt_executor_new(sys, "log", 2);
        struct pt_file *file = NULL;
        ck_assert_int_eq(pt_file_open(sys, "/f", PT_OPEN_WRITE | PT_OPEN_CREATE, &file, NULL), PT_OK);
        pt_timer_start(timer, 1, 1);
        pt_sys_post(sys, must_not_run, NULL);
        for (int i = 0; i < 5; i++) {
            pt_executor_submit(executor, must_not_run, must_not_run, NULL);
        }
        (void)pt_stream_write(a.stream, "lost", 4);
        pt_sim_crash(sim, 1, power_loss != 0);
        ck_assert_ptr_null(pt_sim_host(sim, 1));
        run_until(sim, pt_sim_now_ns(sim) + SECOND);
        ck_assert_int_eq(a.closes, power_loss != 0 ? 0 : 1); /* a dead machine says nothing */
        ck_assert(!pt_timer_active(timer));
        ck_assert_int_eq(pt_file_write(file, 0, "x", 1, NULL), PT_IO);
        pt_timer_start(timer, 1, 1);
        pt_timer_free(timer);
        pt_executor_submit(executor, must_not_run, must_not_run, NULL);
        pt_sim_restart(sim, 1);
        ck_assert_ptr_nonnull(pt_sim_host(sim, 1));
        ck_assert_ptr_ne(pt_sim_host(sim, 1), sys);
        run_until(sim, pt_sim_now_ns(sim) + SECOND);
        ck_assert_int_eq(a.closes, 1);
        ck_assert_int_eq(a.close_code, PT_UNAVAILABLE);
        ck_assert_uint_eq(b.got.size, 0);
        pt_executor_free(executor);
        pt_file_close(file);
        peer_fini(&a);
        peer_fini(&b);
        pt_sim_free(sim);
    }
}
END_TEST

/* Connecting to a host whose process is down is refused at once; to one without power, it takes ten seconds. */
START_TEST(connect_to_a_dead_host_fails)
{
    for (int power_loss = 0; power_loss < 2; power_loss++) {
        struct pt_sim *sim = sim_new(9, 2);
        struct peer a = {.sim = sim};
        struct pt_endpoint at = address(1, 7000);
        pt_sim_crash(sim, 1, power_loss != 0);
        a.stream = pt_connect(pt_sim_host(sim, 0), &at, &peer_ops, &a);
        ck_assert(pt_stream_write(a.stream, "x", 1));
        run_until(sim, SECOND);
        ck_assert_int_eq(a.connects, power_loss != 0 ? 0 : 1);
        run_until(sim, 11 * SECOND);
        ck_assert_int_eq(a.connects, 1);
        ck_assert_int_eq(a.connect_code, PT_UNAVAILABLE);
        ck_assert_int_eq(a.closes, 0);
        peer_fini(&a);
        pt_sim_free(sim);
    }
}
END_TEST

/* Crashes at random instants while connections open, carry data and close: nothing leaks, nothing is called twice. */
START_TEST(crashes_at_any_instant)
{
    for (uint64_t seed = 0; seed < 300; seed++) {
        struct pt_sim *sim = sim_new(seed, 2);
        struct peer a = {.sim = sim, .echo = true};
        struct peer b = {.sim = sim, .echo = true};
        struct pt_endpoint at = address(1, 7000);
        ck_assert_int_eq(pt_listen(pt_sim_host(sim, 1), &at, on_accept, &b, &b.listener, NULL), PT_OK);
        a.stream = pt_connect(pt_sim_host(sim, 0), &at, &peer_ops, &a);
        (void)pt_stream_write(a.stream, "ping", 4);
        run_until(sim, pt_sim_random(sim, 1500000));
        unsigned host = (unsigned)pt_sim_random(sim, 2);
        bool closes = pt_sim_random(sim, 3) == 0;
        if (closes) {
            pt_stream_close(a.stream);
            a.stream = NULL;
        } else {
            pt_sim_crash(sim, host, pt_sim_random(sim, 2) == 0);
        }
        run_until(sim, pt_sim_now_ns(sim) + pt_sim_random(sim, 2 * SECOND));
        if (!closes && pt_sim_random(sim, 2) == 0) {
            pt_sim_restart(sim, host);
        }
        run_until(sim, pt_sim_now_ns(sim) + 20 * SECOND);
        struct peer *other = host == 0 ? &b : &a;
        if (!closes && other->stream != NULL) {
            bool told = other->closes == 1 || (other == &a && a.connects == 1 && a.connect_code != PT_OK);
            ck_assert_msg(told, "seed %llu: the surviving end was not told", (unsigned long long)seed);
        }
        peer_fini(&a);
        peer_fini(&b);
        pt_sim_free(sim);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sys_sim");
    TCase *tc = tcase_create("all");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, trace_is_a_function_of_the_seed);
    tcase_add_test(tc, time_is_virtual);
    tcase_add_test(tc, timers_agree_with_a_trivial_twin);
    tcase_add_test(tc, posting_takes_time);
    tcase_add_test(tc, executors_take_the_time_of_the_disk);
    tcase_add_test(tc, pause_holds_everything_and_keeps_order);
    tcase_add_test(tc, sync_on_the_loop_holds_up_the_host);
    tcase_add_test(tc, a_short_cut_only_delays);
    tcase_add_test(tc, a_long_cut_resets);
    tcase_add_test(tc, crash_silences_the_host);
    tcase_add_test(tc, connect_to_a_dead_host_fails);
    tcase_add_test(tc, crashes_at_any_instant);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
