/* Kinds and names as people type them. */
#include "tests/unit/cli/fixture.h"

START_TEST(kinds_by_any_name)
{
    static const char *const words[] = {"steeringPolicy",    "steeringpolicies", "steering-policy", "SteeringPolicy",
                                        "STEERING_POLICIES", "policy",           "policies"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        ck_assert_str_eq(kind(words[i])->name, "SteeringPolicy");
    }
    const struct pt_message_type *found = NULL;
    ck_assert_int_eq(pt_cli_kind_find(schema, "sitez", &found, &error), PT_INVALID_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(error.text, "did you mean 'sites'"));
    ck_assert_int_eq(pt_cli_kind_find(schema, "", &found, &error), PT_INVALID_ARGUMENT);
}
END_TEST

START_TEST(names_relative_to_the_parent_and_what_is_above_it)
{
    static const struct {
        const char *parent, *kind, *word, *name; /* name NULL: refused */
    } rows[] = {
        {"", "site", "organizations/acme/sites/nyc", "organizations/acme/sites/nyc"},
        {"", NULL, "organizations/acme/sites/nyc", "organizations/acme/sites/nyc"},
        {"", "organization", "acme", "organizations/acme"},
        {"", "controller", "c1", "controllers/c1"},
        {"acme", "site", "nyc", "organizations/acme/sites/nyc"},
        {"organizations/acme", "site", "nyc", "organizations/acme/sites/nyc"},
        {"acme", "site", "sites/nyc", "organizations/acme/sites/nyc"},
        {"acme", NULL, "sites/nyc", "organizations/acme/sites/nyc"},
        {"acme", NULL, "sites/nyc/links/inet0", "organizations/acme/sites/nyc/links/inet0"},
        {"acme", "site", "organizations/other/sites/nyc", "organizations/other/sites/nyc"},
        {"acme", "controller", "c1", "controllers/c1"},
        {"organizations/acme/sites/nyc", "link", "inet0", "organizations/acme/sites/nyc/links/inet0"},
        {"organizations/acme/sites/nyc", NULL, "links/inet0", "organizations/acme/sites/nyc/links/inet0"},
        {"organizations/acme/sites/nyc", "site", "lon", "organizations/acme/sites/lon"},
        {"organizations/acme/sites/nyc", NULL, "sites/lon", "organizations/acme/sites/lon"},
        {"", "site", "nyc", NULL},
        {"", NULL, "sites/nyc", NULL},
        {"acme", NULL, "nyc", NULL},
        {"acme", "link", "inet0", NULL},
        {"acme", "link", "sites/nyc", NULL},
        {"acme", "site", "NYC", NULL},
        {"acme", "site", "", NULL},
        {"acme", "site", "-", NULL},
        {"organizations/-", "site", "nyc", NULL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct pt_cli_scope scope = scope_of(rows[i].parent);
        const char *name = NULL;
        const struct pt_message_type *found = NULL;
        const struct pt_message_type *wanted = rows[i].kind != NULL ? kind(rows[i].kind) : NULL;
        enum pt_code code = pt_cli_name(&scope, wanted, rows[i].word, &arena, &name, &found, &error);
        if (rows[i].name == NULL) {
            ck_assert_msg(code == PT_INVALID_ARGUMENT, "row %zu: %s gave %s", i, rows[i].word, name);
            continue;
        }
        ck_assert_msg(code == PT_OK, "row %zu: %s: %s", i, rows[i].word, error.text);
        ck_assert_str_eq(name, rows[i].name);
        ck_assert(wanted == NULL || found == wanted);
    }
}
END_TEST

START_TEST(lists_read_across_collections_when_the_parent_is_higher)
{
    static const struct {
        const char *parent, *kind, *list;
    } rows[] = {
        {"", "organization", ""},
        {"acme", "organization", ""},
        {"", "site", "organizations/-"},
        {"acme", "site", "organizations/acme"},
        {"-", "site", "organizations/-"},
        {"", "link", "organizations/-/sites/-"},
        {"acme", "link", "organizations/acme/sites/-"},
        {"organizations/acme/sites/nyc", "link", "organizations/acme/sites/nyc"},
        {"organizations/acme/sites/nyc", "fabric", "organizations/acme"},
        {"acme", "modelVersion", "organizations/acme/models/-"},
        {"organizations/-/sites/-", "edge", "organizations/-/sites/-"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct pt_cli_scope scope = scope_of(rows[i].parent);
        const char *parent = pt_cli_list_parent(&scope, kind(rows[i].kind), &arena);
        ck_assert_str_eq(parent, rows[i].list);
        ck_assert_int_eq(pt_parent_parse(kind(rows[i].kind), parent, true, NULL), PT_OK);
    }
}
END_TEST

START_TEST(scopes_that_are_no_names)
{
    static const char *const bad[] = {"a/b", "organizations/", "organizations/Acme", "ACME"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct pt_cli_scope scope;
        ck_assert_int_eq(pt_cli_scope_init(schema, bad[i], &arena, &scope, &error), PT_INVALID_ARGUMENT);
        ck_assert_str_eq(error.field, "--parent");
    }
}
END_TEST

/* What is shown short can be typed as it is shown. */
START_TEST(short_names_resolve_back)
{
    struct pt_cli_scope scope = scope_of("acme");
    static const char *const names[] = {"organizations/acme/sites/nyc", "organizations/acme/sites/nyc/links/i0",
                                        "organizations/acmes/sites/nyc", "controllers/c1", "organizations/acme"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *name = NULL;
        ck_assert_int_eq(pt_cli_name(&scope, NULL, pt_cli_short_name(&scope, names[i]), &arena, &name, NULL, &error),
                         PT_OK);
        ck_assert_str_eq(name, names[i]);
    }
    ck_assert_str_eq(pt_cli_short_name(&scope, names[0]), "sites/nyc");
    struct pt_cli_scope wild = scope_of("-");
    ck_assert_str_eq(pt_cli_short_name(&wild, names[0]), names[0]);
}
END_TEST

START_TEST(references_are_relative_to_the_resource_that_holds_them)
{
    struct pt_cli_scope scope = scope_of("");
    struct pt_msg *link = pt_msg_new(&arena, kind("link"));
    pt_msg_set_str(link, &arena, "edge", "e1");
    pt_cli_expand_references(&scope, "organizations/acme/sites/nyc/links/inet0", link, &arena);
    ck_assert_str_eq(pt_msg_str(link, "edge"), "organizations/acme/sites/nyc/edges/e1");

    /* Within a list of messages too. */
    struct pt_msg *edge = pt_msg_new(&arena, kind("edge"));
    struct pt_msg *lan = pt_msg_new(&arena, pt_message_field(kind("edge"), "lan_interfaces")->message);
    pt_msg_set_str(lan, &arena, "segment", "corp");
    pt_msg_append(edge, &arena, "lan_interfaces", (union pt_value){.message = lan});
    pt_cli_expand_references(&scope, "organizations/acme/sites/nyc/edges/e1", edge, &arena);
    ck_assert_str_eq(pt_msg_str(lan, "segment"), "organizations/acme/segments/corp");

    /* A full name stays; what cannot be resolved too. */
    pt_msg_set_str(link, &arena, "edge", "organizations/b/sites/x/edges/y");
    pt_cli_expand_references(&scope, "organizations/acme/sites/nyc/links/inet0", link, &arena);
    ck_assert_str_eq(pt_msg_str(link, "edge"), "organizations/b/sites/x/edges/y");
    pt_msg_set_str(link, &arena, "edge", "Not A Name");
    pt_cli_expand_references(&scope, "organizations/acme/sites/nyc/links/inet0", link, &arena);
    ck_assert_str_eq(pt_msg_str(link, "edge"), "Not A Name");
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("names");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, kinds_by_any_name);
    tcase_add_test(tcase, names_relative_to_the_parent_and_what_is_above_it);
    tcase_add_test(tcase, lists_read_across_collections_when_the_parent_is_higher);
    tcase_add_test(tcase, scopes_that_are_no_names);
    tcase_add_test(tcase, short_names_resolve_back);
    tcase_add_test(tcase, references_are_relative_to_the_resource_that_holds_them);
    return run_case("cli names", tcase);
}
