/* YAML in and out: what is written reads as the same JSON, every form that people use is read, and what is not is
 * refused with its line. */
#include "tests/unit/cli/fixture.h"

#include "cli/document.h"
#include "cli/yaml.h"

static void check_reads(const char *yaml, const char *expected)
{
    PT_AUTO(buf) struct pt_buf json = {0};
    const struct pt_cli_value *value = NULL;
    ck_assert_msg(pt_cli_yaml_to_json("f", yaml, strlen(yaml), &json, &error) == PT_OK, "%s\n%s: %s", yaml, error.field,
                  error.text);
    ck_assert_msg(pt_cli_value_read((const char *)json.data, json.size, &arena, &value, &error) == PT_OK,
                  "%s\n%.*s\n%s: %s", yaml, (int)json.size, (char *)json.data, error.field, error.text);
    PT_AUTO(buf) struct pt_buf again = {0};
    pt_cli_value_json(value, &again);
    pt_buf_append_u8(&again, 0);
    ck_assert_str_eq((char *)again.data, expected);
}

START_TEST(forms_that_people_write)
{
    static const struct {
        const char *yaml, *json;
    } rows[] = {
        {"a: 1\nb: text\n", "{\"a\":1,\"b\":\"text\"}"},
        {"a: New York, NY  # comment\n", "{\"a\":\"New York, NY\"}"},
        {"a: x#y\nb: 'it''s: #1'\nc: \"q\\\"\\n\"\n", "{\"a\":\"x#y\",\"b\":\"it's: #1\",\"c\":\"q\\\"\\u000a\"}"},
        {"a: true\nb: null\nc: ~\nd:\ne: -1.5\nf: no\ng: 012\nh: 12:30\n",
         "{\"a\":true,\"b\":null,\"c\":null,\"d\":null,\"e\":-1.5,\"f\":\"no\",\"g\":\"012\",\"h\":\"12:30\"}"},
        {"a:\n- 1\n- b: 2\n  c: 3\n-\n  d: 4\n- - 5\n  - 6\n", "{\"a\":[1,{\"b\":2,\"c\":3},{\"d\":4},[5,6]]}"},
        {"a:\n  - x\n  -\n\nb: {c: [1, two, \"3\"], 'd': {}}\n",
         "{\"a\":[\"x\",null],\"b\":{\"c\":[1,\"two\",\"3\"],\"d\":{}}}"},
        {"a: [\n  1,  # one\n  2\n]\nb: 3", "{\"a\":[1,2],\"b\":3}"},
        {"a: |\n  one\n   two\n\n  three\nb: >-\n  folded\n  text\nc: |+\n  x\n\n",
         "{\"a\":\"one\\u000a two\\u000a\\u000athree\\u000a\",\"b\":\"folded text\",\"c\":\"x\\u000a\\u000a\"}"},
        {"# head\n---\n\"a b\": c\r\n", "{\"a b\":\"c\"}"},
        {"a: http://x/y\nb: 10.0.0.0/24\nc: fd00::1\n",
         "{\"a\":\"http://x/y\",\"b\":\"10.0.0.0/24\",\"c\":\"fd00::1\"}"},
        {"- a\n- b\n", "[\"a\",\"b\"]"},
        {"labels:\n    tier: gold\n    deep:\n        er: x\n",
         "{\"labels\":{\"tier\":\"gold\",\"deep\":{\"er\":\"x\"}}}"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        check_reads(rows[i].yaml, rows[i].json);
    }
}
END_TEST

START_TEST(what_is_refused_names_its_line)
{
    static const struct {
        const char *yaml, *place;
    } rows[] = {
        {"a: 1\n  b: 2\n", "f, line 2"}, {"a: &x 1\n", "f, line 1"},      {"\na: *x\n", "f, line 2"},
        {"a: !t 1\n", "f, line 1"},      {"a: [1, 2\n", "f, line 2"},     {"a: 'x\n", "f, line 1"},
        {"a: \"x\n", "f, line 1"},       {"a: \"\\q\"\n", "f, line 1"},   {"a:\n\tb: 1\n", "f, line 2"},
        {"a: b: c\n", "f, line 1"},      {"a: 1\ntext\n", "f, line 2"},   {"a: one\n  two\n", "f, line 2"},
        {"a: [1] 2\n", "f, line 1"},     {"a: {b}\n", "f, line 1"},       {"%YAML 1.2\n", "f, line 1"},
        {"a: | x\n  y\n", "f, line 1"},  {"  a: 1\nb: 2\n", "f, line 2"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        PT_AUTO(buf) struct pt_buf json = {0};
        enum pt_code code = pt_cli_yaml_to_json("f", rows[i].yaml, strlen(rows[i].yaml), &json, &error);
        ck_assert_msg(code == PT_INVALID_ARGUMENT, "%s was read as %.*s", rows[i].yaml, (int)json.size,
                      (char *)json.data);
        ck_assert_str_eq(error.field, rows[i].place);
    }
}
END_TEST

/* Depth is limited on every way down. */
START_TEST(deep_nesting_is_refused)
{
    static const char *const units[] = {"[", "{a: ", "- "};
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        PT_AUTO(buf) struct pt_buf yaml = {0};
        PT_AUTO(buf) struct pt_buf json = {0};
        for (int depth = 0; depth < 100000; depth++) {
            pt_buf_append_str(&yaml, units[i]);
        }
        ck_assert_int_eq(pt_cli_yaml_to_json("f", (char *)yaml.data, yaml.size, &json, &error), PT_INVALID_ARGUMENT);
    }
}
END_TEST

START_TEST(what_is_written_reads_as_the_same)
{
    static const char *const values[] = {
        "{\"kind\":\"Site\",\"name\":\"organizations/acme/sites/nyc\",\"region\":\"us-east\"}",
        "{\"a\":\"\",\"b\":\"yes\",\"c\":\"100\",\"d\":\"x: y\",\"e\":\" x\",\"f\":\"x \",\"g\":\"-\",\"h\":\"#\"}",
        "{\"a\":[],\"b\":{},\"c\":[[1,2],[{\"d\":null}]],\"e\":[{\"f\":[true,false]}]}",
        "{\"a\":\"line\\u000aline\\u0009\",\"b\":\"\xc3\xa9\",\"c d\":1,\"true\":2,\"2\":3}",
        "[{\"a\":1,\"b\":2},{\"a\":3}]",
        "{\"items\":[]}",
        "\"text\"",
        "{\"a\":1e+20,\"b\":-1.5e-07,\"c\":\"12e5\",\"d\":\"12e+5\"}",
    };
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        const struct pt_cli_value *value = NULL;
        PT_AUTO(buf) struct pt_buf yaml = {0};
        ck_assert_msg(pt_cli_value_read(values[i], strlen(values[i]), &arena, &value, &error) == PT_OK, "%s",
                      error.text);
        pt_cli_yaml_write(value, 0, &yaml);
        pt_buf_append_u8(&yaml, 0);
        check_reads((char *)yaml.data, values[i]);
    }
}
END_TEST

START_TEST(written_form)
{
    static const char json[] =
        "{\"name\":\"a/b\",\"labels\":{\"tier\":\"gold\"},\"list\":[{\"x\":\"1\",\"z\":2},{\"x\":\"\"}]}";
    const struct pt_cli_value *value = NULL;
    PT_AUTO(buf) struct pt_buf yaml = {0};
    ck_assert_int_eq(pt_cli_value_read(json, strlen(json), &arena, &value, &error), PT_OK);
    pt_cli_yaml_write(value, 0, &yaml);
    pt_buf_append_u8(&yaml, 0);
    ck_assert_str_eq((char *)yaml.data,
                     "name: a/b\nlabels:\n  tier: gold\nlist:\n  - x: \"1\"\n    z: 2\n  - x: \"\"\n");
}
END_TEST

/* Documents: several in a file, and errors of the reader of JSON at the line of the YAML. */
START_TEST(documents_in_yaml)
{
    static const char good[] = "# two\nkind: Site\nname: sites/nyc\nlabels:\n  tier: gold\n---\nkind: link\n"
                               "name: sites/nyc/links/inet0\nedge: e1\nsrlgs: [1, 2]\n";
    static const char bad[] = "kind: Site\nname: sites/nyc\nlabels:\n  tier: gold\nregio: x\n";
    struct pt_cli_scope scope = scope_of("acme");
    struct pt_cli_documents documents = {0};
    ck_assert_msg(pt_cli_documents_read(&scope, "f.yaml", good, strlen(good), &arena, &documents, &error) == PT_OK,
                  "%s: %s", error.field, error.text);
    ck_assert_uint_eq(documents.len, 2);
    ck_assert_str_eq(documents.items[0].name, "organizations/acme/sites/nyc");
    ck_assert_uint_eq(documents.items[0].line, 2);
    ck_assert_uint_eq(documents.items[1].line, 7);
    ck_assert_str_eq(pt_msg_str(documents.items[1].msg, "edge"), "organizations/acme/sites/nyc/edges/e1");
    ck_assert_int_eq(pt_cli_documents_read(&scope, "f.yaml", bad, strlen(bad), &arena, &documents, &error),
                     PT_INVALID_ARGUMENT);
    ck_assert_str_eq(error.field, "f.yaml, line 5");
}
END_TEST

START_TEST(json_that_is_refused)
{
    static const char *const rows[] = {"",   "{",   "{} {}",   "[1,]",        "{\"a\"}", "01",
                                       "1.", "tru", "\"\\x\"", "\"\\ud800\"", "[1}",     "{\"a\":1,}",
                                       "-",  "1e",  "nul",     "\"abc"};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct pt_cli_value *value = NULL;
        ck_assert_msg(pt_cli_value_read(rows[i], strlen(rows[i]), &arena, &value, &error) == PT_INVALID_ARGUMENT, "%s",
                      rows[i]);
    }
    const struct pt_cli_value *value = NULL;
    static const char nul[] = "false\0";
    ck_assert_int_eq(pt_cli_value_read(nul, sizeof(nul), &arena, &value, &error), PT_INVALID_ARGUMENT);
    ck_assert_int_eq(pt_cli_value_read(nul, sizeof(nul) - 1, &arena, &value, &error), PT_INVALID_ARGUMENT);
    static const char nul_name[] = "{\"a\\u0000\":1}";
    ck_assert_int_eq(pt_cli_value_read(nul_name, strlen(nul_name), &arena, &value, &error), PT_INVALID_ARGUMENT);
    static const char text[] = "\"\\ud83d\\ude00 \\u00e9\\u20ac\\u0000\"";
    ck_assert_int_eq(pt_cli_value_read(text, strlen(text), &arena, &value, &error), PT_OK);
    ck_assert_str_eq(value->text, "\xf0\x9f\x98\x80 \xc3\xa9\xe2\x82\xac");
    ck_assert_uint_eq(value->size, strlen(value->text) + 1);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("yaml");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, forms_that_people_write);
    tcase_add_test(tcase, what_is_refused_names_its_line);
    tcase_add_test(tcase, deep_nesting_is_refused);
    tcase_add_test(tcase, what_is_written_reads_as_the_same);
    tcase_add_test(tcase, written_form);
    tcase_add_test(tcase, documents_in_yaml);
    tcase_add_test(tcase, json_that_is_refused);
    return run_case("cli_yaml", tcase);
}
