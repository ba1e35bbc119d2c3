/* Declared resources: forms of files, masks, places of errors, and the order of application. */
#include "tests/unit/cli/fixture.h"

#include "cli/document.h"
#include "cli/scan.h"

#include <stdio.h>

static enum pt_code read_text(const char *parent, const char *text, struct pt_cli_documents *documents)
{
    struct pt_cli_scope scope = scope_of(parent);
    error = (struct pt_error){0};
    return pt_cli_documents_read(&scope, "f.json", text, strlen(text), &arena, documents, &error);
}

#define SITE(id) "{\"kind\": \"Site\", \"name\": \"organizations/acme/sites/" id "\"}"

START_TEST(forms_of_files)
{
    static const char *const forms[] = {
        SITE("a") SITE("b"),
        SITE("a") "\n" SITE("b") "\n",
        "[" SITE("a") "," SITE("b") "]",
        " [ " SITE("a") " ,\n" SITE("b") " ] ",
        "{\"items\": [" SITE("a") "," SITE("b") "]}",
        "{\"nextPageToken\": \"x\", \"items\": [" SITE("a") "," SITE("b") "]}",
        "[" SITE("a") "]" SITE("b"),
    };
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        struct pt_cli_documents documents = {0};
        ck_assert_msg(read_text("", forms[i], &documents) == PT_OK, "%s: %s: %s", forms[i], error.field, error.text);
        ck_assert_uint_eq(documents.len, 2);
        ck_assert_str_eq(documents.items[1].name, "organizations/acme/sites/b");
        ck_assert_str_eq(documents.items[1].kind->name, "Site");
    }
    static const char *const empty[] = {"", " \n", "[]", "{\"items\": []}"};
    for (size_t i = 0; i < sizeof(empty) / sizeof(empty[0]); i++) {
        struct pt_cli_documents documents = {0};
        ck_assert_int_eq(read_text("", empty[i], &documents), PT_OK);
        ck_assert_uint_eq(documents.len, 0);
    }
}
END_TEST

/* "kind" may stand first, last, in the middle or alone; names and references may be short; output fields go. */
START_TEST(an_object_becomes_a_message_and_a_mask)
{
    static const char *const texts[] = {
        "{\"kind\": \"link\", \"name\": \"sites/nyc/links/i0\", \"edge\": \"e1\", \"mtu\": 1400, \"uid\": \"u\"}",
        "{\"name\": \"sites/nyc/links/i0\", \"edge\": \"e1\", \"kind\": \"links\", \"mtu\": 1400}",
        "{\"name\": \"sites/nyc/links/i0\", \"edge\": \"e1\", \"mtu\": 1400 ,\n \"kind\": \"Link\" }",
        "{\"name\": \"sites/nyc/links/i0\", \"edge\": \"e1\", \"mtu\": 1400, \"lossPpm\": 5, \"kind\": \"Link\" }",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct pt_cli_documents documents = {0};
        ck_assert_msg(read_text("acme", texts[i], &documents) == PT_OK, "%s: %s", error.field, error.text);
        const struct pt_cli_document *document = &documents.items[0];
        ck_assert_str_eq(document->name, "organizations/acme/sites/nyc/links/i0");
        ck_assert_str_eq(pt_msg_str(document->msg, "edge"), "organizations/acme/sites/nyc/edges/e1");
        ck_assert_uint_eq(pt_msg_u64(document->msg, "mtu"), 1400);
        ck_assert(!pt_msg_has(document->msg, "uid") && !pt_msg_has(document->msg, "loss_ppm"));
        ck_assert_uint_eq(document->mask.len, 2);
        ck_assert_str_eq(document->mask.paths[0], "edge");
        ck_assert_str_eq(document->mask.paths[1], "mtu");
    }
}
END_TEST

/* Null and empty values are named: they clear. What is not named is not in the mask. */
START_TEST(the_mask_is_what_is_named)
{
    struct pt_cli_documents documents = {0};
    ck_assert_int_eq(read_text("acme",
                               "{\"kind\":\"site\",\"name\":\"nyc\",\"region\":null,\"location\":\"\","
                               "\"displayName\":\"New York\",\"labels\":{}}",
                               &documents),
                     PT_OK);
    const struct pt_cli_mask *mask = &documents.items[0].mask;
    ck_assert_uint_eq(mask->len, 4);
    ck_assert_str_eq(mask->paths[0], "region");
    ck_assert_str_eq(mask->paths[2], "display_name");
    ck_assert(!pt_msg_has(documents.items[0].msg, "region"));
}
END_TEST

START_TEST(errors_have_their_place)
{
    static const struct {
        const char *text, *field, *says;
    } rows[] = {
        {"{\"kind\":\"site\",\"name\":\"a\"}\n\n{\"kind\":\"site\",\n\"name\":\"b\",\n  \"regio\":1}",
         "f.json, line 5, column 3", "regio"},
        {"[\n" SITE("a") ",\n" SITE("b") ",\n]x", "f.json, line 4", "JSON"},
        {"[" SITE("a") ",\n\n17]", "f.json, line 3", "JSON"},
        {"{\"kind\":\"site\",\"name\":\"a\"", "f.json, line 1", "JSON"},
        {"{\"kind\":\"site\" \"name\":\"a\"}", "f.json, line 1", "JSON"},
        {"\n{\"name\":\"a\"}", "f.json, line 2", "\"kind\""},
        {"\n{\"kind\":\"site\"}", "f.json, line 2", "\"name\""},
        {"{\"kind\":\"sitte\",\"name\":\"a\"}", "f.json, line 1", "no kind"},
        {"}", "f.json, line 1", "JSON"},
        {"\"x\"", "f.json, line 1", "JSON"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct pt_cli_documents documents = {0};
        ck_assert_msg(read_text("acme", rows[i].text, &documents) == PT_INVALID_ARGUMENT, "%s", rows[i].text);
        ck_assert_str_eq(error.field, rows[i].field);
        ck_assert_msg(strstr(error.text, rows[i].says) != NULL, "%s", error.text);
    }
    struct pt_cli_documents documents = {0};
    ck_assert_int_eq(read_text("acme", "\n{\"kind\":\"site\",\"name\":\"Bad Name\"}", &documents), PT_INVALID_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(error.text, "f.json, line 2"));
}
END_TEST

/* Method: every text is cut at every byte, and every byte is replaced by each of JSON's own characters; the scanner
 * must end and stay in bounds (asan looks). */
START_TEST(broken_texts_end_somehow)
{
    static const char text[] = "{\"items\":[{\"kind\":\"site\",\"name\":\"a\\\"b\",\"labels\":{\"k\":\"v\"}},[1,2.5]]}";
    static const char replacements[] = "{}[],:\"\\ x";
    for (size_t i = 0; i < sizeof(text) - 1; i++) {
        struct pt_cli_documents documents = {0};
        char *cut = pt_arena_strndup(&arena, text, i);
        (void)read_text("acme", cut, &documents);
        for (const char *c = replacements; *c != '\0'; c++) {
            char *changed = pt_arena_strdup(&arena, text);
            changed[i] = *c;
            documents = (struct pt_cli_documents){0};
            (void)read_text("acme", changed, &documents);
        }
    }
}
END_TEST

/* ---- order */

static size_t position(const struct pt_cli_documents *documents, const size_t *order, const char *name)
{
    for (size_t i = 0; i < documents->len; i++) {
        if (strcmp(documents->items[order[i]].name, name) == 0) {
            return i;
        }
    }
    ck_abort_msg("%s is not in the order", name);
}

START_TEST(parents_and_references_come_first)
{
    static const char text[] = "{\"kind\":\"link\",\"name\":\"organizations/acme/sites/nyc/links/i0\",\"edge\":\"e1\"}"
                               "{\"kind\":\"edge\",\"name\":\"organizations/acme/sites/nyc/edges/e1\","
                               " \"lanInterfaces\":[{\"interface\":\"lan0\",\"segment\":\"corp\"}]}"
                               "{\"kind\":\"segment\",\"name\":\"organizations/acme/segments/corp\",\"fabric\":\"wan\"}"
                               "{\"kind\":\"fabric\",\"name\":\"organizations/acme/fabrics/wan\",\"hubs\":[\"nyc\"]}"
                               "{\"kind\":\"site\",\"name\":\"organizations/acme/sites/nyc\"}"
                               "{\"kind\":\"organization\",\"name\":\"organizations/acme\"}";
    struct pt_cli_documents documents = {0};
    ck_assert_msg(read_text("", text, &documents) == PT_OK, "%s: %s", error.field, error.text);
    size_t order[6];
    ck_assert_int_eq(pt_cli_documents_order(&documents, &arena, order, &error), PT_OK);
    static const char *const expected[] = {"organizations/acme",
                                           "organizations/acme/sites/nyc",
                                           "organizations/acme/fabrics/wan",
                                           "organizations/acme/segments/corp",
                                           "organizations/acme/sites/nyc/edges/e1",
                                           "organizations/acme/sites/nyc/links/i0"};
    for (size_t i = 0; i < 6; i++) {
        ck_assert_str_eq(documents.items[order[i]].name, expected[i]);
    }
}
END_TEST

START_TEST(order_of_files_is_kept_where_it_may_be)
{
    struct pt_cli_documents documents = {0};
    ck_assert_int_eq(read_text("acme", SITE("c") SITE("a") SITE("b"), &documents), PT_OK);
    size_t order[3];
    ck_assert_int_eq(pt_cli_documents_order(&documents, &arena, order, &error), PT_OK);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_uint_eq(order[i], i);
    }
}
END_TEST

START_TEST(circles_and_doubles)
{
    struct pt_cli_documents documents = {0};
    ck_assert_int_eq(read_text("",
                               "{\"kind\":\"org\",\"name\":\"a\",\"parentOrganization\":\"b\"}"
                               "{\"kind\":\"org\",\"name\":\"b\",\"parentOrganization\":\"a\"}"
                               "{\"kind\":\"site\",\"name\":\"organizations/b/sites/s\"}",
                               &documents),
                     PT_OK);
    size_t order[3];
    ck_assert_int_eq(pt_cli_documents_order(&documents, &arena, order, &error), PT_OK);
    ck_assert_uint_lt(position(&documents, order, "organizations/b"),
                      position(&documents, order, "organizations/b/sites/s"));
    ck_assert_uint_eq(position(&documents, order, "organizations/a"), 0);

    struct pt_cli_documents doubles = {0};
    ck_assert_int_eq(read_text("", SITE("a") "\n" SITE("a"), &doubles), PT_OK);
    ck_assert_int_eq(pt_cli_documents_order(&doubles, &arena, order, &error), PT_INVALID_ARGUMENT);
    ck_assert_str_eq(error.field, "organizations/acme/sites/a");
    ck_assert_ptr_nonnull(strstr(error.text, "line 1 and f.json, line 2"));
}
END_TEST

START_TEST(one_object_for_create)
{
    struct pt_cli_scope scope = scope_of("acme");
    struct pt_cli_document document;
    static const char good[] = "{\"region\": \"eu\"}";
    ck_assert_int_eq(pt_cli_document_read_one(&scope, kind("site"), "-", good, strlen(good), &arena, &document, &error),
                     PT_OK);
    ck_assert_str_eq(document.name, "");
    static const char *const bad[] = {"[]", "{} {}", "{\"kind\":\"link\"}", "", "{\"region\":}"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ck_assert_msg(pt_cli_document_read_one(&scope, kind("site"), "-", bad[i], strlen(bad[i]), &arena, &document,
                                               &error) == PT_INVALID_ARGUMENT,
                      "%s", bad[i]);
    }
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("documents");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, forms_of_files);
    tcase_add_test(tcase, an_object_becomes_a_message_and_a_mask);
    tcase_add_test(tcase, the_mask_is_what_is_named);
    tcase_add_test(tcase, errors_have_their_place);
    tcase_add_test(tcase, broken_texts_end_somehow);
    tcase_add_test(tcase, parents_and_references_come_first);
    tcase_add_test(tcase, order_of_files_is_kept_where_it_may_be);
    tcase_add_test(tcase, circles_and_doubles);
    tcase_add_test(tcase, one_object_for_create);
    return run_case("cli documents", tcase);
}
