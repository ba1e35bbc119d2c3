/*
 * The same log gives the same state: whatever the batches, whether the node was closed between, or took its state from
 * another's snapshot. Compared by the digest after every entry and by a full scrub.
 */
#include "random_resource.h"

#define ENTRIES 1200

struct log {
    struct pt_buf data[ENTRIES + 1]; /* by index */
    struct pt_digest digest[ENTRIES + 1];
    uint64_t len;
};

static struct log log_of; /* one at a time; tests run in one process */

static const char *const kinds[] = {"organization", "site", "edge", "link", "segment", "application", "model"};

static void add_mutation(struct fixture *fx, Patronus__V1__Command *command)
{
    const struct pt_message_type *kind =
        pt_schema_kind(fx->schema, kinds[fx_random(fx, sizeof(kinds) / sizeof(kinds[0]))]);
    const char *above = kind->resource->parent;
    const char *parent = above[0] == '\0'                     ? ""
                         : strcmp(above, "organization") == 0 ? "organizations/acme"
                                                              : rr_world_name(above);
    struct pt_msg *msg = rr_resource(fx, kind, fx_random(fx, 1000000));
    PT_AUTO(buf) struct pt_buf bytes = {0};
    pt_msg_encode(msg, &bytes);
    Patronus__V1__Mutation *mutation = pt_arena_alloc(&fx->arena, sizeof(*mutation));
    *mutation = (Patronus__V1__Mutation)PATRONUS__V1__MUTATION__INIT;
    mutation->verb = (Patronus__V1__Verb)(1 + fx_random(fx, 3));
    mutation->kind_id = kind->resource->kind_id;
    mutation->name = pt_arena_printf(&fx->arena, "%s%s%s/x%" PRIu64, parent, parent[0] != '\0' ? "/" : "",
                                     kind->resource->plural, fx_random(fx, 20));
    mutation->uid = pt_arena_printf(&fx->arena, "%032" PRIx64, fx_random(fx, UINT32_MAX));
    mutation->force = fx_random(fx, 2) == 0;
    if (mutation->verb != PATRONUS__V1__VERB__DELETE) {
        mutation->resource.data = pt_arena_memdup(&fx->arena, bytes.data, bytes.size);
        mutation->resource.len = bytes.size;
    }
    if (mutation->verb == PATRONUS__V1__VERB__UPDATE) {
        static char display_name[] = "display_name";
        static char labels[] = "labels";
        static char *paths[] = {display_name, labels};
        mutation->paths = paths;
        mutation->n_paths = 2;
        mutation->allow_missing = fx_random(fx, 3) == 0;
    }
    Patronus__V1__Transaction *transaction = command->transaction;
    transaction->mutations[transaction->n_mutations++] = mutation;
}

/* Accepted and refused commands alike, transactions, repetitions, values, checks: written down with the digest after.
 */
static void write_log(struct fixture *fx)
{
    while (fx->index < ENTRIES) {
        Patronus__V1__Mutation *mutations[4];
        Patronus__V1__Transaction transaction = PATRONUS__V1__TRANSACTION__INIT;
        transaction.mutations = mutations;
        Patronus__V1__SetMeta meta = PATRONUS__V1__SET_META__INIT;
        Patronus__V1__DigestCheck check = PATRONUS__V1__DIGEST_CHECK__INIT;
        Patronus__V1__Command command = PATRONUS__V1__COMMAND__INIT;
        command.format = 1;
        command.time_ns = fx->time_ns += (int64_t)fx_random(fx, 3000000) - 500000;
        command.principal = (char *)(uintptr_t) "internal";
        uint64_t dice = fx_random(fx, 20);
        if (dice == 0) {
            command.op_case = PATRONUS__V1__COMMAND__OP_SET_META;
            command.set_meta = &meta;
            meta.key = pt_arena_printf(&fx->arena, "key%" PRIu64, fx_random(fx, 5));
            meta.value = (ProtobufCBinaryData){.data = (uint8_t *)meta.key, .len = fx_random(fx, 5)};
        } else if (dice == 1) {
            command.op_case = PATRONUS__V1__COMMAND__OP_DIGEST_CHECK;
            command.digest_check = &check;
            check.index = fx->index;
            check.digest = (ProtobufCBinaryData){.data = log_of.digest[fx->index].bytes, .len = PT_DIGEST_SIZE};
        } else {
            command.op_case = PATRONUS__V1__COMMAND__OP_TRANSACTION;
            command.transaction = &transaction;
            command.request_id = fx_random(fx, 3) == 0 ? pt_arena_printf(&fx->arena, "r%" PRIu64, fx_random(fx, 30))
                                                       : command.request_id;
            for (uint64_t i = 0, len = 1 + fx_random(fx, 3) / 2; i < len; i++) {
                add_mutation(fx, &command);
            }
        }
        pt_kind_command(&command, &log_of.data[fx->index + 1]);
        (void)fx_apply(fx, pt_buf_bytes(&log_of.data[fx->index + 1]));
        log_of.digest[fx->index] = fx_digest(fx);
    }
    log_of.len = fx->index;
}

/* The world's entries stand at the head of every log, so each machine makes them by itself. */
static uint64_t begin(struct fixture *fx, uint64_t seed)
{
    fx_init_seed(fx, seed);
    fx_world(fx);
    log_of.digest[fx->index] = fx_digest(fx);
    return fx->index;
}

static void apply_batch(struct fixture *fx, uint64_t len)
{
    struct pt_log_entry entries[64];
    for (uint64_t i = 0; i < len; i++) {
        uint64_t index = fx->index + 1 + i;
        entries[i] = (struct pt_log_entry){.index = index, .term = 1, .data = pt_buf_bytes(&log_of.data[index])};
    }
    fx->index += len;
    const struct pt_digest hash = {0};
    struct pt_error error = {0};
    enum pt_code code = pt_kind_apply(fx->machine, entries, len, fx->index, &hash, &error);
    ck_assert_msg(code == PT_OK, "%s", error.text);
    struct pt_digest digest = fx_digest(fx);
    ck_assert(pt_digest_equal(&digest, &log_of.digest[fx->index]));
}

static void apply_rest(struct fixture *fx, uint64_t until, bool reopen)
{
    while (fx->index < until) {
        uint64_t left = until - fx->index;
        uint64_t len = 1 + fx_random(fx, 40);
        apply_batch(fx, len < left ? len : left);
        if (reopen && fx_random(fx, 10) == 0) {
            fx_reopen(fx);
        }
    }
    ck_assert_int_eq(pt_store_scrub(pt_kind_store(fx->machine), NULL), PT_OK);
}

static void copy_file(struct fixture *from, struct fixture *to, const char *path)
{
    PT_AUTO(buf) struct pt_buf data = {0};
    ck_assert_int_eq(pt_path_read(pt_sim_host(from->sim, 0), path, 64U << 20, &data, NULL), PT_OK);
    ck_assert_int_eq(pt_path_write(pt_sim_host(to->sim, 0), path, data.data, data.size, NULL), PT_OK);
}

START_TEST(the_same_log_gives_the_same_state)
{
    struct fixture first;
    struct fixture batched;
    struct fixture restored;
    (void)begin(&first, 10 + (uint64_t)_i);
    write_log(&first);
    (void)begin(&batched, 77);
    apply_rest(&batched, ENTRIES / 2, true);
    /* A third node has applied less than half, then takes the second's state and goes on by itself. */
    (void)begin(&restored, 78);
    apply_rest(&restored, ENTRIES / 4, false);
    struct pt_error error = {0};
    ck_assert_int_eq(pt_store_snapshot(pt_kind_store(batched.machine), "/data/snapshot", &error), PT_OK);
    copy_file(&batched, &restored, "/data/snapshot");
    ck_assert_int_eq(pt_kind_restore(restored.machine, "/data/snapshot", &error), PT_OK);
    restored.index = batched.index;
    apply_rest(&batched, ENTRIES, true);
    apply_rest(&restored, ENTRIES, true);
    fx_fini(&restored);
    fx_fini(&batched);
    fx_fini(&first);
    for (uint64_t i = 1; i <= ENTRIES; i++) {
        pt_buf_fini(&log_of.data[i]);
    }
}
END_TEST

/* ---- what stops a node ---------------------------------------------------------------------------------------- */

static enum pt_code apply_raw(struct fixture *fx, const Patronus__V1__Command *command)
{
    PT_AUTO(buf) struct pt_buf data = {0};
    pt_kind_command(command, &data);
    return fx_apply_at(fx, fx->index + 1, pt_buf_bytes(&data));
}

START_TEST(what_a_binary_does_not_know_stops_it)
{
    struct fixture fx;
    fx_init(&fx);
    Patronus__V1__Command command = PATRONUS__V1__COMMAND__INIT;
    command.format = 2;
    command.op_case = PATRONUS__V1__COMMAND__OP_BARRIER;
    command.barrier = true;
    ck_assert_int_eq(apply_raw(&fx, &command), PT_CORRUPT);
    ck_assert_ptr_nonnull(strstr(fx.error.text, "format 2"));
    const uint8_t junk[] = {0xff, 0x01, 0x02};
    ck_assert_int_eq(fx_apply_at(&fx, 1, (struct pt_bytes){junk, sizeof(junk)}), PT_CORRUPT);
    Patronus__V1__Mutation mutation = PATRONUS__V1__MUTATION__INIT;
    mutation.verb = PATRONUS__V1__VERB__CREATE;
    mutation.kind_id = 999;
    mutation.name = (char *)(uintptr_t) "things/x";
    Patronus__V1__Mutation *mutations[] = {&mutation};
    Patronus__V1__Transaction transaction = PATRONUS__V1__TRANSACTION__INIT;
    transaction.mutations = mutations;
    transaction.n_mutations = 1;
    command.format = 1;
    command.op_case = PATRONUS__V1__COMMAND__OP_TRANSACTION;
    command.transaction = &transaction;
    ck_assert_int_eq(apply_raw(&fx, &command), PT_CORRUPT);
    ck_assert_ptr_nonnull(strstr(fx.error.text, "kind 999"));
    command.op_case = PATRONUS__V1__COMMAND__OP_BARRIER;
    command.barrier = true;
    ck_assert_int_eq(apply_raw(&fx, &command), PT_CORRUPT); /* stopped is stopped */
    fx_fini(&fx);
}
END_TEST

START_TEST(a_cluster_level_beyond_this_binary_stops_it)
{
    struct fixture fx;
    fx_init_bare(&fx, 1);
    Patronus__V1__Command command = PATRONUS__V1__COMMAND__INIT;
    command.op_case = PATRONUS__V1__COMMAND__OP_RAISE_LEVEL;
    command.raise_level = 1;
    ck_assert_int_eq(fx_command(&fx, &command), PT_OK);
    command.raise_level = PT_CLUSTER_LEVEL_MAX + 1;
    command.format = 1;
    ck_assert_int_eq(apply_raw(&fx, &command), PT_CORRUPT);
    ck_assert_ptr_nonnull(strstr(fx.error.text, "upgrade"));
    fx_fini(&fx);
}
END_TEST

START_TEST(a_state_that_differs_stops_the_node)
{
    struct fixture fx;
    fx_init(&fx);
    fx_world(&fx);
    struct pt_digest digest, now;
    Patronus__V1__DigestCheck check = PATRONUS__V1__DIGEST_CHECK__INIT;
    do { /* up to an entry whose digest is kept */
        ck_assert_int_eq(fx_set_meta(&fx, "k", "v"), PT_OK);
        check.index = pt_kind_digest(fx.machine, &digest);
    } while (check.index != fx.index);
    now = fx_digest(&fx);
    ck_assert(pt_digest_equal(&now, &digest));
    check.digest = (ProtobufCBinaryData){.data = digest.bytes, .len = PT_DIGEST_SIZE};
    Patronus__V1__Command command = PATRONUS__V1__COMMAND__INIT;
    command.op_case = PATRONUS__V1__COMMAND__OP_DIGEST_CHECK;
    command.digest_check = &check;
    ck_assert_int_eq(fx_command(&fx, &command), PT_OK);
    digest.bytes[0] ^= 1;
    ck_assert_int_eq(apply_raw(&fx, &command), PT_CORRUPT);
    ck_assert_ptr_nonnull(strstr(fx.error.text, "differs"));
    fx_fini(&fx);
}
END_TEST

START_TEST(a_failing_disk_is_no_verdict)
{
    struct fixture fx;
    fx_init(&fx);
    fx_world(&fx);
    pt_sim_fail_disk(fx.sim, fx.host, 1, PT_IO, true);
    Patronus__V1__SetMeta meta = PATRONUS__V1__SET_META__INIT;
    meta.key = (char *)(uintptr_t) "k";
    meta.value = (ProtobufCBinaryData){.data = (uint8_t *)meta.key, .len = 1};
    Patronus__V1__Command command = PATRONUS__V1__COMMAND__INIT;
    command.format = 1;
    command.op_case = PATRONUS__V1__COMMAND__OP_SET_META;
    command.set_meta = &meta;
    ck_assert_int_eq(apply_raw(&fx, &command), PT_IO);
    ck_assert_int_eq(apply_raw(&fx, &command), PT_CORRUPT);
    pt_sim_fail_disk(fx.sim, fx.host, 0, PT_OK, false);
    fx_fini(&fx);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("kind/determinism");
    TCase *tests = tcase_create("determinism");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, the_same_log_gives_the_same_state, 0, 4);
    tcase_add_test(tests, what_a_binary_does_not_know_stops_it);
    tcase_add_test(tests, a_cluster_level_beyond_this_binary_stops_it);
    tcase_add_test(tests, a_state_that_differs_stops_the_node);
    tcase_add_test(tests, a_failing_disk_is_no_verdict);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
