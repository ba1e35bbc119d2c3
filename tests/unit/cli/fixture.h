/*
 * What the tests of internal/cli share: the embedded schema, an arena, scopes, and one main.
 */
#pragma once

#include "cli/names.h"
#include "wire/schema.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define UNUSED __attribute__((unused))

static struct pt_schema *schema;
static struct pt_arena arena;
static struct pt_error error;

static UNUSED void setup(void)
{
    ck_assert_int_eq(pt_schema_new(pt_schema_embedded(), &schema, &error), PT_OK);
    pt_arena_init(&arena);
    error = (struct pt_error){0};
}

static UNUSED void teardown(void)
{
    pt_arena_fini(&arena);
    pt_schema_free(schema);
}

static UNUSED struct pt_cli_scope scope_of(const char *parent)
{
    struct pt_cli_scope scope;
    ck_assert_msg(pt_cli_scope_init(schema, parent, &arena, &scope, &error) == PT_OK, "%s", error.text);
    return scope;
}

static UNUSED const struct pt_message_type *kind(const char *word)
{
    const struct pt_message_type *found = pt_cli_kind(schema, word);
    ck_assert_ptr_nonnull(found);
    return found;
}

static inline int run_case(const char *name, TCase *tcase)
{
    Suite *suite = suite_create(name);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
