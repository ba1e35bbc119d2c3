/* Generated messages to bytes: what pt_pack writes is what protobuf-c writes. */
#include "tests/unit/wire/random_tree.h"
#include "wire/pack.h"

#include <check.h>
#include <stdlib.h>

#include "patronus/v1/audit.pb-c.h"
#include "patronus/v1/replication.pb-c.h"

#define SEEDS 400

static void check_packed(const ProtobufCMessage *message, const char *what, uint64_t seed)
{
    PT_AUTO(buf) struct pt_buf ours = {0};
    PT_AUTO(buf) struct pt_buf theirs = {0};
    pt_buf_append_str(&ours, "before ");
    pt_pack(message, &ours);
    pt_buf_append_str(&theirs, "before ");
    theirs.size +=
        protobuf_c_message_pack(message, pt_buf_reserve(&theirs, protobuf_c_message_get_packed_size(message)));
    ck_assert_msg(ours.size == theirs.size && memcmp(ours.data, theirs.data, ours.size) == 0, "%s seed %lu", what,
                  (unsigned long)seed);
    ck_assert_uint_eq(ours.data[ours.size], 0); /* as behind every buffer */
}

/* Random messages of each type that is packed, read by protobuf-c. */
START_TEST(random_messages_are_packed_as_by_protobuf_c)
{
    static const ProtobufCMessageDescriptor *const types[] = {&patronus__v1__command__descriptor,
                                                              &patronus__v1__history_event__descriptor,
                                                              &patronus__v1__audit_record__descriptor};
    struct pt_schema *schema = NULL;
    struct pt_arena arena;
    pt_arena_init(&arena);
    ck_assert_int_eq(pt_schema_new(pt_schema_embedded(), &schema, NULL), PT_OK);
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        const struct pt_message_type *type = pt_schema_message(schema, types[i]->name);
        for (uint64_t seed = 0; seed < SEEDS; seed++) {
            struct rng rng = {seed};
            struct pt_bytes bytes = pt_msg_encode_in(random_tree(&rng, &arena, schema, type, 0), &arena);
            ProtobufCMessage *message = protobuf_c_message_unpack(types[i], NULL, bytes.size, bytes.data);
            ck_assert_msg(message != NULL, "%s seed %lu", type->full_name, (unsigned long)seed);
            check_packed(message, type->full_name, seed);
            protobuf_c_message_free_unpacked(message, NULL);
            pt_arena_fini(&arena);
        }
    }
    pt_schema_free(schema);
}
END_TEST

/* The size of a nested message takes one, two, three bytes and more: at each edge. */
START_TEST(sizes_of_nested_messages_take_the_bytes_that_they_need)
{
    static const size_t sizes[] = {0, 100, 120, 121, 122, 123, 124, 125, 126, 127, 128, 16370, 16380, 16384, 2100000};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        uint8_t *data = malloc(sizes[i] + 1);
        ck_assert_ptr_nonnull(data);
        memset(data, 'x', sizes[i] + 1);
        Patronus__V1__Mutation mutation = PATRONUS__V1__MUTATION__INIT;
        mutation.verb = PATRONUS__V1__VERB__CREATE;
        mutation.resource = (ProtobufCBinaryData){.data = data, .len = sizes[i]};
        Patronus__V1__Mutation *mutations[] = {&mutation, &mutation};
        Patronus__V1__Transaction transaction = PATRONUS__V1__TRANSACTION__INIT;
        transaction.mutations = mutations;
        transaction.n_mutations = 2;
        Patronus__V1__Command command = PATRONUS__V1__COMMAND__INIT;
        command.op_case = PATRONUS__V1__COMMAND__OP_TRANSACTION;
        command.transaction = &transaction;
        command.time_ns = -1;
        check_packed(&command.base, "Command", sizes[i]);
        free(data);
    }
}
END_TEST

/* Members of a oneof say something with their default too. */
START_TEST(defaults_are_left_out_but_in_a_oneof)
{
    Patronus__V1__Command command = PATRONUS__V1__COMMAND__INIT;
    check_packed(&command.base, "nothing", 0);
    command.op_case = PATRONUS__V1__COMMAND__OP_BARRIER;
    check_packed(&command.base, "barrier", 0);
    command.op_case = PATRONUS__V1__COMMAND__OP_RAISE_LEVEL;
    check_packed(&command.base, "raise_level", 0);
    Patronus__V1__Transaction transaction = PATRONUS__V1__TRANSACTION__INIT;
    command.op_case = PATRONUS__V1__COMMAND__OP_TRANSACTION;
    command.transaction = &transaction;
    check_packed(&command.base, "transaction", 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("wire/pack");
    TCase *tests = tcase_create("pack");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, random_messages_are_packed_as_by_protobuf_c);
    tcase_add_test(tests, sizes_of_nested_messages_take_the_bytes_that_they_need);
    tcase_add_test(tests, defaults_are_left_out_but_in_a_oneof);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
