/*
 * The store on the simulated disk: power loss at any operation, and an error at each.
 *
 * Each commit has a serial number, which is the witness's log hash, and the twin at that commit is kept under it. After
 * a restart the witness must name one of the commits that may be there, and the state must be that twin. Which may be
 * there: those since the last point that was made durable (a snapshot or a restore), and the one that was under way.
 */
#include "sys/sys_sim.h"
#include "twin.h"

#define SERIALS 64
#define DB "/data/db"
#define SNAPSHOT "/data/snapshot"

struct run {
    struct pt_sim *sim;
    unsigned host;
    struct pt_store *store;
    struct rng rng;
    struct twin now;
    struct twin at[SERIALS]; /* by serial */
    bool may[SERIALS];       /* be what is found after a crash */
    uint64_t serial;         /* of the last commit that was tried */
    uint64_t snapshot;       /* serial of the snapshot file; 0: none */
    size_t ballast;          /* bytes that each transaction writes besides; 0: none */
    bool pinned, ready;      /* a copy is being made; the file is there for it */
    uint64_t pinned_at;      /* serial */
    uint64_t noted_ns;
    unsigned failures;     /* calls that reported an error */
    struct pt_error error; /* the last of them */
};

static struct pt_sys *sys_of(struct run *run)
{
    return pt_sim_host(run->sim, run->host);
}

static void run_init(struct run *run, uint64_t seed)
{
    *run = (struct run){.rng = {seed}};
    const struct pt_sim_options options = {.seed = seed};
    run->sim = pt_sim_new(&options);
    run->host = pt_sim_add_host(run->sim);
    run->may[0] = true; /* the empty state */
    MUST(pt_dir_make(sys_of(run), "/data", why));
    MUST(pt_dir_sync(sys_of(run), "/", why));
    MUST(pt_store_open(sys_of(run), DB, &run->store, why));
}

static void run_fini(struct run *run)
{
    pt_store_close(run->store);
    pt_sim_free(run->sim);
}

/* Note an error; true when there is one. */
static bool failed(struct run *run, enum pt_code code)
{
    if (code != PT_OK) {
        run->failures++;
        ck_assert_int_eq(code, run->error.code);
    }
    return code != PT_OK;
}

/* A value so large that a few commits of it make a long log. */
static bool ballast(struct run *run)
{
    PT_AUTO(buf) struct pt_buf value = {0};
    memset(pt_buf_reserve(&value, run->ballast), (int)(run->serial + 1), run->ballast);
    return !failed(run,
                   pt_store_meta_put(run->store, "ballast", (struct pt_bytes){value.data, run->ballast}, &run->error));
}

static bool transaction(struct run *run)
{
    if (failed(run, pt_store_begin(run->store, &run->error)) || (run->ballast > 0 && !ballast(run))) {
        return false;
    }
    for (uint64_t i = rng_below(&run->rng, 5) + 1; i > 0; i--) {
        if (failed(run, twin_entry(run->store, &run->now, &run->rng, &run->error))) {
            return false;
        }
    }
    uint64_t serial = ++run->serial;
    ck_assert_uint_lt(serial, SERIALS);
    run->now.digest = pt_store_digest(run->store);
    run->at[serial] = run->now;
    run->may[serial] = true;
    struct pt_witness witness = {.applied_index = serial, .applied_term = 1, .acked_index = serial};
    memcpy(witness.log_hash.bytes, &serial, sizeof(serial));
    bool later = rng_below(&run->rng, 3) > 0; /* with the batches that follow */
    return !failed(run, later ? pt_store_end(run->store, &witness, &run->error)
                              : pt_store_commit(run->store, &witness, &run->error));
}

static void only(struct run *run, uint64_t serial)
{
    for (uint64_t i = 0; i < SERIALS; i++) {
        run->may[i] = i == serial;
    }
}

/* The serial of the present state, which is not the last one after a restore. */
static uint64_t present(struct run *run)
{
    uint64_t serial = 0;
    struct pt_witness witness = pt_store_witness(run->store);
    memcpy(&serial, witness.log_hash.bytes, sizeof(serial));
    return serial;
}

static bool step(struct run *run)
{
    uint64_t what = rng_below(&run->rng, 12);
    if (what == 0) {
        run->snapshot = 0; /* while it is being made there is none */
        if (failed(run, pt_store_snapshot(run->store, SNAPSHOT, &run->error))) {
            return false;
        }
        run->snapshot = present(run);
        only(run, run->snapshot);
        return true;
    }
    if (what == 1 && run->snapshot != 0) {
        run->may[run->snapshot] = true;
        if (failed(run, pt_store_restore(run->store, SNAPSHOT, &run->error))) {
            return false;
        }
        run->now = run->at[run->snapshot];
        only(run, run->snapshot);
        return true;
    }
    return transaction(run);
}

/* Open again and see that what is there may be there. */
static void check_after(struct run *run, const char *how)
{
    struct pt_error error = {0};
    enum pt_code code = pt_store_open(sys_of(run), DB, &run->store, &error);
    ck_assert_msg(code == PT_OK, "%s: the store does not open: %s", how, error.text);
    uint64_t serial = present(run);
    ck_assert_msg(serial < SERIALS && run->may[serial], "%s: commit %llu was found and may not be there", how,
                  (unsigned long long)serial);
    struct pt_digest digest = pt_store_digest(run->store);
    ck_assert_msg(pt_digest_equal(&digest, &run->at[serial].digest), "%s: another state", how);
    run->now = run->at[serial];
    twin_compare(run->store, &run->now, &run->rng);
    ck_assert(pt_store_witness(run->store).acked_index >= pt_store_witness(run->store).applied_index);
}

/* The disk fails for good at a random operation, which is where the power goes. Three lives for each seed. */
START_TEST(power_loss_leaves_a_state_that_was_committed)
{
    static struct run run; /* too large for the stack; set anew here */
    run_init(&run, (uint64_t)_i);
    char how[64];
    for (int life = 0; life < 3; life++) {
        (void)snprintf(how, sizeof(how), "seed %d, life %d", _i, life);
        bool cut = rng_below(&run.rng, 4) > 0;
        if (cut) {
            pt_sim_fail_disk(run.sim, run.host, (unsigned)rng_below(&run.rng, 150) + 1, PT_IO, true);
        }
        for (uint64_t steps = rng_below(&run.rng, 16) + 1; steps > 0 && step(&run); steps--) {
        }
        pt_sim_crash(run.sim, run.host, rng_below(&run.rng, 4) > 0);
        pt_store_abandon(run.store);
        pt_sim_fail_disk(run.sim, run.host, 0, PT_IO, false);
        pt_sim_restart(run.sim, run.host);
        check_after(&run, how);
        run.snapshot = 0;
    }
    run_fini(&run);
}
END_TEST

static void turn(struct run *run, uint64_t ns)
{
    uint64_t until = pt_sim_now_ns(run->sim) + ns;
    while (pt_sim_step(run->sim, until)) {
    }
}

static uint64_t log_size(struct run *run)
{
    struct pt_file *file = NULL;
    uint64_t size = 0;
    MUST(pt_file_open(sys_of(run), DB "-wal", PT_OPEN_READ, &file, why));
    MUST(pt_file_size(file, &size, why));
    pt_file_close(file);
    return size;
}

/* A log so long that it goes into the database again and again, its syncs on a worker that is through before the next
 * commit, or is not, or stands in the midst of one when the power goes. */
START_TEST(power_loss_during_a_checkpoint_leaves_a_state_that_was_committed)
{
    static struct run run; /* too large for the stack; set anew here */
    run_init(&run, (uint64_t)_i);
    run.ballast = 1U << 20;
    char how[64];
    for (int life = 0; life < 2; life++) {
        (void)snprintf(how, sizeof(how), "seed %d, life %d", _i, life);
        pt_sim_slow_disk(run.sim, run.host, rng_below(&run.rng, 30) * 1000000);
        if (rng_below(&run.rng, 3) > 0) {
            pt_sim_fail_disk(run.sim, run.host, (unsigned)rng_below(&run.rng, 2500) + 1, PT_IO, true);
        }
        for (uint64_t steps = rng_below(&run.rng, 25) + 5; steps > 0 && transaction(&run); steps--) {
            turn(&run, rng_below(&run.rng, 40) * 1000000);
        }
        pt_sim_crash(run.sim, run.host, true);
        pt_store_abandon(run.store);
        pt_sim_fail_disk(run.sim, run.host, 0, PT_IO, false);
        pt_sim_restart(run.sim, run.host);
        check_after(&run, how);
    }
    run_fini(&run);
}
END_TEST

/* ---- a pin ------------------------------------------------------------------------------------------------------ */

static void on_ready(void *arg)
{
    ((struct run *)arg)->ready = true;
}

static bool pin(struct run *run)
{
    run->ready = false;
    if (failed(run, pt_store_pin(run->store, on_ready, run, &run->error))) {
        return false;
    }
    run->pinned = true;
    run->pinned_at = present(run);
    return true;
}

/* What was copied, and all that it holds, is durable. */
static bool copy(struct run *run)
{
    ck_assert(run->ready);
    run->snapshot = 0; /* while it is being made there is none */
    uint64_t size = 0;
    struct pt_digest digest;
    enum pt_code code = pt_store_copy(run->store, SNAPSHOT, &size, &digest, &run->error);
    pt_store_unpin(run->store);
    run->pinned = false;
    if (failed(run, code)) {
        return false;
    }
    run->snapshot = run->pinned_at;
    for (uint64_t i = 0; i < run->pinned_at; i++) {
        run->may[i] = false;
    }
    return true;
}

static void check_snapshot(struct run *run, const char *how)
{
    struct pt_error error = {0};
    ck_assert_msg(pt_store_restore(run->store, SNAPSHOT, &error) == PT_OK, "%s: %s", how, error.text);
    struct pt_digest digest = pt_store_digest(run->store);
    ck_assert_msg(pt_digest_equal(&digest, &run->at[run->snapshot].digest), "%s: the copy is another state", how);
    run->now = run->at[run->snapshot];
    only(run, run->snapshot);
    twin_compare(run->store, &run->now, &run->rng);
}

/* Copies are made while the store goes on: commits come before a worker has brought the file to the pin's state, while
 * the copy is due, and after it. Whenever the power goes, a copy that was made holds the state of its pin. */
START_TEST(power_loss_around_a_pin_leaves_a_state_that_was_committed)
{
    static struct run run; /* too large for the stack; set anew here */
    run_init(&run, (uint64_t)_i);
    run.ballast = 1U << 18;
    char how[64];
    for (int life = 0; life < 2; life++) {
        (void)snprintf(how, sizeof(how), "seed %d, life %d", _i, life);
        pt_sim_slow_disk(run.sim, run.host, rng_below(&run.rng, 30) * 1000000);
        if (rng_below(&run.rng, 3) > 0) {
            pt_sim_fail_disk(run.sim, run.host, (unsigned)rng_below(&run.rng, 2500) + 1, PT_IO, true);
        }
        bool goes_on = true;
        for (uint64_t steps = rng_below(&run.rng, 25) + 5; steps > 0 && goes_on; steps--) {
            bool pins = rng_below(&run.rng, 3) == 0;
            goes_on = pins && !run.pinned ? pin(&run) : pins && run.ready ? copy(&run) : transaction(&run);
            turn(&run, rng_below(&run.rng, 40) * 1000000);
        }
        pt_sim_crash(run.sim, run.host, true);
        pt_store_abandon(run.store);
        pt_sim_fail_disk(run.sim, run.host, 0, PT_IO, false);
        pt_sim_restart(run.sim, run.host);
        run.pinned = false;
        check_after(&run, how);
        if (run.snapshot != 0) {
            check_snapshot(&run, how);
        }
        run.snapshot = 0;
    }
    run_fini(&run);
}
END_TEST

static void note_time(void *arg)
{
    struct run *run = arg;
    run->noted_ns = pt_sim_now_ns(run->sim);
}

/* Two syncs of 30 ms, and a megabyte to copy: a timer of the loop is on time nonetheless, and what is committed while
 * the worker is at it is not in the copy. */
START_TEST(a_pin_holds_nobody_up)
{
    static struct run run; /* too large for the stack; set anew here */
    run_init(&run, 3);
    run.ballast = 1U << 20;
    ck_assert(transaction(&run));
    MUST(pt_store_snapshot(run.store, SNAPSHOT, why)); /* its folder was not synced before */
    ck_assert(transaction(&run));
    pt_sim_slow_disk(run.sim, run.host, 30000000);
    struct pt_timer *timer = pt_timer_new(sys_of(&run), note_time, &run);
    pt_timer_start(timer, 1, 0);
    ck_assert(pin(&run));
    ck_assert(!run.ready);
    turn(&run, 20000000);
    ck_assert_uint_ne(run.noted_ns, 0); /* on the loop one sync alone would have held it up for longer */
    ck_assert(!run.ready);
    turn(&run, 100000000);
    ck_assert(run.ready);
    ck_assert(transaction(&run));
    ck_assert(copy(&run));
    check_snapshot(&run, "after the pin");
    /* A commit begins the log anew, and waits for the worker: whoever waits for the pin is told then. */
    ck_assert(transaction(&run));
    ck_assert(pin(&run));
    for (int i = 0; i < 8 && !run.ready; i++) {
        ck_assert(transaction(&run));
    }
    ck_assert(run.ready);
    ck_assert(copy(&run));
    check_snapshot(&run, "after a commit that waited");
    pt_timer_free(timer);
    run_fini(&run);
}
END_TEST

/* A checkpoint is under way already and nothing was committed since: it is the pin's. Nothing at all to do: at once. */
START_TEST(a_pin_waits_for_the_checkpoint_that_is_under_way)
{
    static struct run run; /* too large for the stack; set anew here */
    run_init(&run, 4);
    run.ballast = 1U << 20;
    ck_assert(transaction(&run));
    MUST(pt_store_snapshot(run.store, SNAPSHOT, why)); /* its folder was not synced before */
    pt_sim_slow_disk(run.sim, run.host, 30000000);
    for (int i = 0; i < 2; i++) {
        ck_assert(i > 0 || transaction(&run));
        ck_assert(pin(&run));
        ck_assert_int_eq(run.ready, i > 0);
        pt_store_unpin(run.store);
        ck_assert(pin(&run));
        turn(&run, 100000000);
        ck_assert(run.ready);
        ck_assert(copy(&run));
    }
    check_snapshot(&run, "after the second");
    ck_assert(transaction(&run));
    ck_assert(pin(&run));
    pt_store_unpin(run.store); /* whoever waited is not told any more */
    turn(&run, 100000000);
    ck_assert(!run.ready);
    run.pinned = false;
    run_fini(&run);
}
END_TEST

/* The worker cannot bring the file to the pin's state: who waits is told, the copy is none, and the store has failed.
 */
START_TEST(a_pin_whose_worker_fails_gives_no_copy)
{
    static struct run run; /* too large for the stack; set anew here */
    run_init(&run, 5);
    run.ballast = 1U << 20;
    ck_assert(transaction(&run));
    MUST(pt_store_snapshot(run.store, SNAPSHOT, why)); /* its folder was not synced before */
    ck_assert(transaction(&run));
    ck_assert(pin(&run));
    pt_sim_fail_disk(run.sim, run.host, 1, PT_NO_SPACE, true);
    turn(&run, 100000000);
    pt_sim_fail_disk(run.sim, run.host, 0, PT_IO, false);
    ck_assert(!copy(&run));
    ck_assert_int_eq(run.error.code, PT_NO_SPACE);
    ck_assert_ptr_nonnull(pt_store_failure(run.store));
    ck_assert(!pin(&run));
    pt_store_close(run.store);
    check_after(&run, "after the failure");
    run_fini(&run);
}
END_TEST

/* Commits of a megabyte: the log is begun anew each time that it has gone into the database, whether the loop has heard
 * of that or never turns, as in a tool. */
START_TEST(the_log_is_short_whoever_turns_the_loop)
{
    static struct run run; /* too large for the stack; set anew here */
    run_init(&run, 1);
    run.ballast = 1U << 20;
    uint64_t largest = 0;
    while (run.serial < SERIALS - 1) {
        ck_assert(transaction(&run));
        if (_i == 0) {
            turn(&run, 100000000);
        }
        largest = log_size(&run) > largest ? log_size(&run) : largest;
    }
    ck_assert_uint_lt(largest, 12U << 20);
    ck_assert_uint_gt(largest, 7U << 20);
    twin_compare(run.store, &run.now, &run.rng);
    run_fini(&run);
}
END_TEST

/* Batches that end while no time passes: a group is committed by its size alone, what is in SQLite already counted with
 * what is pending, so that a crash takes no more than that. */
START_TEST(a_group_is_committed_by_its_size)
{
    enum { BATCHES = 30 };
    static struct run run; /* too large for the stack; set anew here */
    static uint8_t bytes[50000];
    run_init(&run, 4);
    char id[24];
    for (uint64_t index = 1; index <= BATCHES; index++) {
        MUST(pt_store_begin(run.store, why));
        (void)snprintf(id, sizeof(id), "%u", (unsigned)index);
        MUST(pt_store_history_put(run.store, index, 0, "a", (struct pt_bytes){bytes, sizeof(bytes)}, why));
        MUST(pt_store_reply_put(run.store, id, index, (struct pt_bytes){bytes, sizeof(bytes)}, BATCHES, why));
        MUST(pt_store_end(run.store, &(struct pt_witness){.applied_index = index, .applied_term = 1}, why));
    }
    pt_store_abandon(run.store);
    run.store = NULL;
    MUST(pt_store_open(sys_of(&run), DB, &run.store, why));
    /* 100,000 bytes a batch: the commit is at the eleventh, the twenty-second, ... */
    ck_assert_uint_eq(pt_store_witness(run.store).applied_index, 22);
    MUST(pt_store_scrub(run.store, why));
    run_fini(&run);
}
END_TEST

/* The worker's sync fails: nobody waits for it, and yet the store is not used any more. */
START_TEST(a_sync_that_fails_behind_the_loop_ends_the_store)
{
    static struct run run; /* too large for the stack; set anew here */
    run_init(&run, 5);
    run.ballast = 1U << 20;
    while (run.serial < SERIALS - 1 && log_size(&run) < 8U << 20) {
        ck_assert(transaction(&run));
    }
    pt_sim_fail_disk(run.sim, run.host, 1, PT_IO, true);
    turn(&run, 100000000);
    pt_sim_fail_disk(run.sim, run.host, 0, PT_IO, false);
    ck_assert_ptr_nonnull(pt_store_failure(run.store));
    while (transaction(&run)) { /* none of them is committed; the first that would be says so */
    }
    ck_assert_int_eq(run.error.code, PT_IO);
    pt_sim_crash(run.sim, run.host, true);
    pt_store_abandon(run.store);
    pt_sim_restart(run.sim, run.host);
    check_after(&run, "after the failure");
    run_fini(&run);
}
END_TEST

/* A fixed run in which the nth operation fails once. Whoever meets the error says so, and the store stays failed. */
static void one_error(unsigned nth, enum pt_code code, bool *ret_reported)
{
    static struct run run; /* too large for the stack; set anew here */
    char how[64];
    run_init(&run, 7);
    (void)snprintf(how, sizeof(how), "%s at operation %u", pt_code_name(code), nth);
    pt_sim_fail_disk(run.sim, run.host, nth, code, false);
    bool goes_on = true;
    for (int i = 0; i < 10 && goes_on; i++) {
        goes_on = transaction(&run);
    }
    if (goes_on) {
        goes_on = !failed(&run, pt_store_snapshot(run.store, SNAPSHOT, &run.error));
        run.snapshot = goes_on ? present(&run) : 0;
    }
    for (int i = 0; i < 3 && goes_on; i++) {
        goes_on = transaction(&run);
    }
    if (goes_on) {
        goes_on = !failed(&run, pt_store_restore(run.store, SNAPSHOT, &run.error));
        if (goes_on) {
            run.now = run.at[run.snapshot];
            only(&run, run.snapshot);
        }
    }
    if (goes_on) {
        goes_on = transaction(&run);
    }
    *ret_reported = run.failures > 0;
    if (run.failures > 0) {
        ck_assert_msg(run.error.code == code, "%s: reported as %s: %s", how, pt_code_name(run.error.code),
                      run.error.text);
    }
    pt_store_close(run.store);
    pt_sim_fail_disk(run.sim, run.host, 0, PT_IO, false);
    check_after(&run, how);
    run_fini(&run);
}

START_TEST(an_error_of_the_disk_is_reported_and_harms_nothing)
{
    unsigned reported = 0;
    for (unsigned nth = 1; nth <= 100; nth++) {
        bool report = false;
        one_error(nth, _i == 0 ? PT_IO : PT_NO_SPACE, &report);
        reported += report;
    }
    ck_assert_uint_ge(reported, _i == 0 ? 60 : 30);
}
END_TEST

START_TEST(a_store_that_failed_stays_failed)
{
    static struct run run; /* too large for the stack; set anew here */
    run_init(&run, 3);
    ck_assert(transaction(&run));
    pt_sim_fail_disk(run.sim, run.host, 1, PT_IO, false);
    while (transaction(&run)) {
    }
    struct pt_arena arena;
    struct pt_row row;
    pt_arena_init(&arena);
    struct pt_error error = {0};
    ck_assert_int_eq(pt_store_get(run.store, "organizations/o0", &arena, &row, &error), PT_IO);
    ck_assert_int_eq(error.code, PT_IO);
    ck_assert_int_eq(pt_store_snapshot(run.store, SNAPSHOT, NULL), PT_IO);
    pt_arena_fini(&arena);
    pt_store_close(run.store);
    check_after(&run, "after the failure");
    run_fini(&run);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store/sim");
    TCase *tcase = tcase_create("sim");
    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, power_loss_leaves_a_state_that_was_committed, 1, 221);
    tcase_add_loop_test(tcase, power_loss_during_a_checkpoint_leaves_a_state_that_was_committed, 1, 101);
    tcase_add_loop_test(tcase, power_loss_around_a_pin_leaves_a_state_that_was_committed, 1, 101);
    tcase_add_test(tcase, a_pin_holds_nobody_up);
    tcase_add_test(tcase, a_pin_waits_for_the_checkpoint_that_is_under_way);
    tcase_add_test(tcase, a_pin_whose_worker_fails_gives_no_copy);
    tcase_add_loop_test(tcase, the_log_is_short_whoever_turns_the_loop, 0, 2);
    tcase_add_test(tcase, a_group_is_committed_by_its_size);
    tcase_add_test(tcase, a_sync_that_fails_behind_the_loop_ends_the_store);
    tcase_add_loop_test(tcase, an_error_of_the_disk_is_reported_and_harms_nothing, 0, 2);
    tcase_add_test(tcase, a_store_that_failed_stays_failed);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
