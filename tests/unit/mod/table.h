/*
 * A table of calls, each with what must come of it: the form of a mod's tests. Calls are made in order on one world; a
 * refusal must leave the state's digest as it was (FX_FAIL), in the fast check and in apply.
 */
#pragma once

#include "../kind/fixture.h"

struct row {
    const char *method, *request;
    enum pt_code code; /* PT_OK: the rest is not looked at */
    enum pt_reason reason;
    const char *field;
};

#define A "organizations/acme"

/* A create straight into the log, past the fast check: the verdict. */
static UNUSED enum pt_code table_apply(struct fixture *fx, const struct row *row)
{
    const struct pt_method_type *method = fx_method(fx, row->method);
    char *json = strdup(row->request);
    for (char *c = json; *c != '\0'; c++) {
        *c = *c == '\'' ? '"' : *c;
    }
    struct pt_msg *request = NULL;
    struct pt_error error = {0};
    ck_assert_int_eq(pt_json_read(fx->schema, method->input, json, strlen(json), &fx->arena, &request, &error), PT_OK);
    free(json);
    const char *id = "";
    const struct pt_msg *body = NULL;
    for (size_t i = 0; i < request->fields_len; i++) {
        const struct pt_msg_field *field = &request->fields[i];
        if (field->type->message == method->kind) {
            body = field->values[0].message;
        } else if (strcmp(field->type->name, "parent") != 0 && field->type->kind == PT_FIELD_STRING) {
            id = (const char *)field->values[0].bytes.data;
        }
    }
    PT_AUTO(buf) struct pt_buf resource = {0};
    if (body != NULL) {
        pt_msg_encode(body, &resource);
    }
    const char *parent = pt_msg_str(request, "parent");
    Patronus__V1__Mutation mutation = PATRONUS__V1__MUTATION__INIT;
    mutation.verb = PATRONUS__V1__VERB__CREATE;
    mutation.kind_id = method->kind->resource->kind_id;
    mutation.name = pt_arena_printf(&fx->arena, "%s%s%s/%s", parent, parent[0] != '\0' ? "/" : "",
                                    method->kind->resource->plural, id);
    mutation.resource = (ProtobufCBinaryData){.data = resource.data, .len = resource.size};
    Patronus__V1__Mutation *mutations[] = {&mutation};
    Patronus__V1__Transaction transaction = PATRONUS__V1__TRANSACTION__INIT;
    transaction.mutations = mutations;
    transaction.n_mutations = 1;
    Patronus__V1__Command command = PATRONUS__V1__COMMAND__INIT;
    command.op_case = PATRONUS__V1__COMMAND__OP_TRANSACTION;
    command.transaction = &transaction;
    return fx_command(fx, &command);
}

/* The verdict on a create must be that of the fast check. */
static UNUSED void table_check_verdict(struct fixture *fx, const struct row *row)
{
    if (fx_method(fx, row->method)->verb != PT_VERB_CREATE) {
        return;
    }
    struct pt_digest before = fx_digest(fx);
    ck_assert_int_eq(table_apply(fx, row), row->code);
    ck_assert_str_eq(pt_reason_name(fx->error.reason), pt_reason_name(row->reason));
    struct pt_digest after = fx_digest(fx);
    ck_assert(pt_digest_equal(&before, &after));
}

static UNUSED void table_run(struct fixture *fx, const struct row *rows, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        const struct row *row = &rows[i];
        struct pt_digest before = fx_digest(fx);
        enum pt_code code = fx_call(fx, row->method, "%s", row->request);
        ck_assert_msg(code == row->code, "row %zu: %s: %s: %s", i, pt_code_name(code), fx->error.field, fx->error.text);
        if (code != PT_OK) {
            struct pt_digest after = fx_digest(fx);
            ck_assert_msg(pt_digest_equal(&before, &after), "row %zu left a trace", i);
            ck_assert_msg(fx->error.reason == row->reason && strcmp(fx->error.field, row->field) == 0,
                          "row %zu: %s at %s: %s", i, pt_reason_name(fx->error.reason), fx->error.field,
                          fx->error.text);
            table_check_verdict(fx, row);
        }
    }
}

#define TABLE_MAIN(name, ...)                                           \
    int main(void)                                                      \
    {                                                                   \
        const TTest *const tests[] = {__VA_ARGS__};                     \
        Suite *suite = suite_create(name);                              \
        TCase *tcase = tcase_create(name);                              \
        for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) { \
            tcase_add_test(tcase, tests[i]);                            \
        }                                                               \
        suite_add_tcase(suite, tcase);                                  \
        SRunner *runner = srunner_create(suite);                        \
        srunner_set_fork_status(runner, CK_NOFORK);                     \
        srunner_run_all(runner, CK_NORMAL);                             \
        int failed = srunner_ntests_failed(runner);                     \
        srunner_free(runner);                                           \
        return failed == 0 ? 0 : 1;                                     \
    }

/* A test that runs a table on the world. */
#define TABLE_TEST(name, rows)                                  \
    START_TEST(name)                                            \
    {                                                           \
        struct fixture fx;                                      \
        fx_init(&fx);                                           \
        fx_world(&fx);                                          \
        table_run(&fx, rows, sizeof(rows) / sizeof((rows)[0])); \
        fx_fini(&fx);                                           \
    }                                                           \
    END_TEST
