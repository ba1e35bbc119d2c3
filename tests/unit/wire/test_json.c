/* JSON: round trips as a property, the special forms, and what is refused, with its place. */
#include "tests/unit/wire/random_tree.h"
#include "wire/json.h"
#include "wire/schema_internal.h"

#include <check.h>
#include <stdlib.h>

static struct pt_schema *schema;
static struct pt_arena arena;

static void setup(void)
{
    struct pt_error error = {0};
    ck_assert_msg(pt_schema_new(pt_schema_embedded(), &schema, &error) == PT_OK, "%s: %s", error.field, error.text);
    pt_arena_init(&arena);
}

static void teardown(void)
{
    pt_arena_fini(&arena);
    pt_schema_free(schema);
}

static enum pt_code read_json(const char *type, const char *json, struct pt_msg **ret_msg, struct pt_error *reterr)
{
    *reterr = (struct pt_error){0};
    return pt_json_read(schema, pt_schema_message(schema, type), json, strlen(json), &arena, ret_msg, reterr);
}

/* Every message of the schema, compact, indented and with defaults: read(write(x)) = x. */
START_TEST(round_trips)
{
    static const unsigned flags[] = {PT_JSON_COMPACT, PT_JSON_INDENT, PT_JSON_DEFAULTS,
                                     PT_JSON_INDENT | PT_JSON_DEFAULTS};
    PT_MAP_FOREACH (entry, &schema->messages) {
        const struct pt_message_type *type = entry->value;
        if (strncmp(type->full_name, "google.", 7) == 0 || type->map_entry) {
            continue;
        }
        for (uint64_t seed = 0; seed < 24; seed++) {
            struct rng rng = {seed};
            struct pt_msg *tree = random_tree(&rng, &arena, schema, type, 0);
            PT_AUTO(buf) struct pt_buf json;
            pt_buf_init(&json);
            pt_json_write(schema, tree, flags[seed % 4], &json);
            struct pt_error error = {0};
            struct pt_msg *back = NULL;
            enum pt_code code = pt_json_read(schema, type, (const char *)json.data, json.size, &arena, &back, &error);
            ck_assert_msg(code == PT_OK, "%s seed %lu: %s: %s\n%s", type->full_name, (unsigned long)seed, error.field,
                          error.text, json.data);
            ck_assert_msg(pt_msg_equal(tree, back), "%s seed %lu\n%s", type->full_name, (unsigned long)seed, json.data);
        }
        pt_arena_fini(&arena);
    }
}
END_TEST

/* The text that other implementations write for the same message. */
START_TEST(forms_are_those_of_proto3)
{
    static const struct {
        const char *type;
        const char *json;    /* read */
        const char *written; /* compact */
    } rows[] = {
        {"patronus.v1.Site", "{}", "{}"},
        {"patronus.v1.Site", " { \"admin_state\" : \"DRAINED\" } ", "{\"adminState\":\"DRAINED\"}"},
        {"patronus.v1.Site", "{\"adminState\": 2, \"location\": null}", "{\"adminState\":\"DRAINED\"}"},
        {"patronus.v1.Site", "{\"revision\": 18446744073709551615}", "{\"revision\":\"18446744073709551615\"}"},
        {"patronus.v1.Site", "{\"revision\": \"7\", \"siteLabel\": \"9\"}", "{\"revision\":\"7\",\"siteLabel\":9}"},
        {"patronus.v1.Site", "{\"createTime\": \"2024-02-29T23:59:59.000001+01:00\"}",
         "{\"createTime\":\"2024-02-29T22:59:59.000001Z\"}"},
        {"patronus.v1.Site", "{\"createTime\": \"0001-01-01T00:00:00Z\"}", "{\"createTime\":\"0001-01-01T00:00:00Z\"}"},
        {"patronus.v1.Site", "{\"createTime\": \"9999-12-31T23:59:59.999999999Z\"}",
         "{\"createTime\":\"9999-12-31T23:59:59.999999999Z\"}"},
        {"patronus.v1.Site", "{\"location\": \"\\u00e9\\ud83d\\ude00\\/\\b\\n\"}",
         "{\"location\":\"\xc3\xa9\xf0\x9f\x98\x80/\\u0008\\n\"}"},
        {"patronus.v1.Site", "{\"labels\": {\"b\": \"2\", \"a\": \"\"}}", "{\"labels\":{\"a\":\"\",\"b\":\"2\"}}"},
        {"patronus.v1.WatchRequest", "{\"bookmarkInterval\": \"-1.5s\"}", "{\"bookmarkInterval\":\"-1.500s\"}"},
        {"patronus.v1.RenewRequest", "{\"csr\": \"_-8=\"}", "{\"csr\":\"/+8=\"}"},
        {"patronus.v1.RenewRequest", "{\"csr\": \"AAE\"}", "{\"csr\":\"AAE=\"}"},
        {"patronus.v1.UpdateSiteRequest", "{\"updateMask\": \"adminState,labels.tier\"}",
         "{\"updateMask\":\"adminState,labels.tier\"}"},
        {"patronus.v1.WatchEvent",
         "{\"resource\": {\"region\": \"r\", \"@type\": \"type.googleapis.com/patronus.v1.Site\"}}",
         "{\"resource\":{\"@type\":\"type.googleapis.com/patronus.v1.Site\",\"region\":\"r\"}}"},
        {"patronus.v1.WatchEvent", "{\"resource\": {\"@type\": \"x/google.protobuf.Duration\", \"value\": \"3s\"}}",
         "{\"resource\":{\"@type\":\"x/google.protobuf.Duration\",\"value\":\"3s\"}}"},
        {"patronus.v1.WatchEvent", "{\"resource\": {}}", "{\"resource\":{}}"},
        {"patronus.v1.ModelVersion", "{\"metricsMillionths\": {\"a\": -5}}", "{\"metricsMillionths\":{\"a\":\"-5\"}}"},
        {"google.protobuf.Timestamp", "\"1970-01-01T00:00:00Z\"", "\"1970-01-01T00:00:00Z\""},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct pt_error error;
        struct pt_msg *msg = NULL;
        ck_assert_msg(read_json(rows[i].type, rows[i].json, &msg, &error) == PT_OK, "%s: %s: %s", rows[i].json,
                      error.field, error.text);
        PT_AUTO(buf) struct pt_buf out;
        pt_buf_init(&out);
        pt_json_write(schema, msg, PT_JSON_COMPACT, &out);
        ck_assert_str_eq((const char *)out.data, rows[i].written);
    }
}
END_TEST

START_TEST(numbers_come_back_the_same)
{
    const struct pt_message_type *type = NULL;
    PT_MAP_FOREACH (entry, &schema->messages) {
        const struct pt_message_type *candidate = entry->value;
        if (pt_message_field(candidate, "double_value") != NULL) {
            type = candidate; /* UninterpretedOption: the one double of the set */
        }
    }
    ck_assert_ptr_nonnull(type);
    static const double numbers[] = {0.1,  1.0 / 3,       1e300,           5e-324,
                                     -2.5, 123456789.125, __builtin_inf(), -__builtin_inf()};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        struct pt_msg *msg = pt_msg_new(&arena, type);
        pt_msg_put(msg, &arena, pt_message_field(type, "double_value"), (union pt_value){.number = numbers[i]});
        PT_AUTO(buf) struct pt_buf out;
        pt_buf_init(&out);
        pt_json_write(schema, msg, PT_JSON_COMPACT, &out);
        struct pt_error error = {0};
        struct pt_msg *back = NULL;
        ck_assert_int_eq(pt_json_read(schema, type, (const char *)out.data, out.size, &arena, &back, &error), PT_OK);
        ck_assert_msg(pt_msg_equal(msg, back), "%s", out.data);
    }
}
END_TEST

/* What cannot be shown in its special form is shown so that nothing is lost or invented. */
START_TEST(unknown_any_is_base64)
{
    struct pt_msg *event = pt_msg_new(&arena, pt_schema_message(schema, "patronus.v1.WatchEvent"));
    struct pt_msg *any = pt_msg_new(&arena, pt_schema_message(schema, "google.protobuf.Any"));
    pt_msg_set_str(any, &arena, "type_url", "x/y.Z");
    pt_msg_set_bytes(any, &arena, "value", (struct pt_bytes){(const uint8_t *)"\x01\x02", 2});
    pt_msg_set_child(event, &arena, "resource", any);
    PT_AUTO(buf) struct pt_buf out;
    pt_buf_init(&out);
    pt_json_write(schema, event, PT_JSON_COMPACT, &out);
    ck_assert_str_eq((const char *)out.data, "{\"resource\":{\"@type\":\"x/y.Z\",\"value\":\"AQI=\"}}");
    pt_buf_reset(&out);
    pt_json_write(NULL, event, PT_JSON_INDENT, &out);
    ck_assert_str_eq((const char *)out.data,
                     "{\n  \"resource\": {\n    \"@type\": \"x/y.Z\",\n    \"value\": \"AQI=\"\n  }\n}");
}
END_TEST

static const struct {
    const char *json;
    const char *place;
    const char *text;
} refused[] = {
    {"", "line 1, column 1", "text ends"},
    {"{", "line 1, column 2", "expected a string"},
    {"[]", "line 1, column 1", "expected '{'"},
    {"{} x", "line 1, column 4", "something follows"},
    {"{\"name\": \"a\",}", "line 1, column 14", "expected a string"},
    {"{\n \"regoin\": \"x\"\n}", "line 2, column 2", "has no field 'regoin'; did you mean 'region'?"},
    {"{\"region\": \"a\", \"region\": \"b\"}", "line 1, column 17", "region: is given twice"},
    {"{\"siteLabel\": 1, \"site_label\": 1}", "line 1, column 18", "site_label: is given twice"},
    {"{\"region\": 5}", "line 1, column 12", "region: expected a string"},
    {"{\"siteLabel\": -1}", "line 1, column 15", "site_label: '-1' is not a whole number of 0 or more, in 32 bits"},
    {"{\"siteLabel\": 4294967296}", "line 1, column 15", "32 bits"},
    {"{\"siteLabel\": 1.5}", "line 1, column 15", "whole number"},
    {"{\"siteLabel\": 01}", "line 1, column 15", "expected a number"},
    {"{\"siteLabel\": \" 1\"}", "line 1, column 15", "whole number"},
    {"{\"siteLabel\": true}", "line 1, column 15", "expected a number"},
    {"{\"revision\": \"18446744073709551616\"}", "line 1, column 14", "64 bits"},
    {"{\"reconciling\": \"true\"}", "line 1, column 17", "true or false"},
    {"{\"adminState\": \"ACTVE\"}", "line 1, column 16", "'ACTVE' is not one of ADMIN_STATE_UNSPECIFIED, ACTIVE"},
    {"{\"adminState\": 9}", "line 1, column 16", "is not one of"},
    {"{\"location\": \"a\nb\"}", "line 1, column 16", "control character"},
    {"{\"location\": \"\\u0000\"}", "line 1, column 15", "bad escape"},
    {"{\"location\": \"\\ud800\"}", "line 1, column 15", "bad escape"},
    {"{\"location\": \"\\x\"}", "line 1, column 15", "bad escape"},
    {"{\"location\": \"\xff\"}", "line 1, column 14", "UTF-8"},
    {"{\"location\": \"abc", "line 1, column 14", "does not end"},
    {"{\"createTime\": \"yesterday\"}", "line 1, column 16", "write for example 2026-01-31T12:00:00Z"},
    {"{\"createTime\": \"2026-02-30T00:00:00Z\"}", "line 1, column 16", "is not a time"},
    {"{\"createTime\": \"2026-01-01T24:00:00Z\"}", "line 1, column 16", "is not a time"},
    {"{\"labels\": {\"a\": \"1\", \"a\": \"2\"}}", "line 1, column 13", "labels.a: the key is given twice"},
    {"{\"labels\": {\"a\": 1}}", "line 1, column 18", "labels.a: expected a string"},
    {"{\"labels\": []}", "line 1, column 12", "expected '{'"},
    {"{\"conditions\": [{}, null]}", "line 1, column 21", "conditions[1]: expected '{'"},
    {"{\"conditions\": {}}", "line 1, column 16", "expected '['"},
};

START_TEST(bad_json_is_refused)
{
    struct pt_error error;
    struct pt_msg *msg = NULL;
    ck_assert_int_eq(read_json("patronus.v1.Site", refused[_i].json, &msg, &error), PT_INVALID_ARGUMENT);
    ck_assert_ptr_null(msg);
    ck_assert_str_eq(error.field, refused[_i].place);
    ck_assert_msg(strstr(error.text, refused[_i].text) != NULL, "'%s' lacks '%s'", error.text, refused[_i].text);
}
END_TEST

START_TEST(limits_hold)
{
    struct pt_error error;
    struct pt_msg *msg = NULL;
    PT_AUTO(buf) struct pt_buf json;
    pt_buf_init(&json);
    pt_buf_append_str(&json, "{\"srlgs\": [0");
    for (int i = 1; i < 32; i++) {
        pt_buf_printf(&json, ",%d", i);
    }
    size_t size = json.size;
    pt_buf_append_str(&json, "]}");
    ck_assert_int_eq(read_json("patronus.v1.Link", (const char *)json.data, &msg, &error), PT_OK);
    json.size = size;
    pt_buf_append_str(&json, ",99]}");
    ck_assert_int_eq(read_json("patronus.v1.Link", (const char *)json.data, &msg, &error), PT_INVALID_ARGUMENT);
    ck_assert_msg(strstr(error.text, "at most 32") != NULL, "%s", error.text);

    /* Any in Any in Any ..., and an array to skip that is 100,000 deep: refused, not overrun. */
    pt_buf_reset(&json);
    pt_buf_append_str(&json, "{\"resource\":");
    for (int i = 0; i < 50; i++) {
        pt_buf_append_str(&json, "{\"@type\":\"t/google.protobuf.Any\",\"value\":");
    }
    ck_assert_int_eq(read_json("patronus.v1.WatchEvent", (const char *)json.data, &msg, &error), PT_INVALID_ARGUMENT);
    pt_buf_reset(&json);
    pt_buf_append_str(&json, "{\"resource\":{\"x\":");
    for (int i = 0; i < 100000; i++) {
        pt_buf_append_u8(&json, '[');
    }
    ck_assert_int_eq(read_json("patronus.v1.WatchEvent", (const char *)json.data, &msg, &error), PT_INVALID_ARGUMENT);
    ck_assert_int_eq(error.reason, PT_REASON_MESSAGE_TOO_DEEP);
    pt_buf_reset(&json);
    for (int i = 0; i < 10000; i++) {
        pt_buf_append_str(&json, "{\"nestedType\":[");
    }
    ck_assert_int_eq(read_json("google.protobuf.DescriptorProto", (const char *)json.data, &msg, &error),
                     PT_INVALID_ARGUMENT);
    ck_assert_int_eq(error.reason, PT_REASON_MESSAGE_TOO_DEEP);
}
END_TEST

/* Each prefix of good text is refused without reading behind its end. */
START_TEST(every_prefix_is_refused)
{
    struct rng rng = {3};
    const struct pt_message_type *type = pt_schema_message(schema, "patronus.v1.SteeringPolicy");
    PT_AUTO(buf) struct pt_buf json;
    pt_buf_init(&json);
    pt_json_write(schema, random_tree(&rng, &arena, schema, type, 0), PT_JSON_INDENT, &json);
    for (size_t size = 0; size < json.size; size++) {
        char *exact = malloc(size + 1);
        memcpy(exact, json.data, size);
        struct pt_msg *msg = NULL;
        ck_assert_int_eq(pt_json_read(schema, type, exact, size, &arena, &msg, NULL), PT_INVALID_ARGUMENT);
        free(exact);
        pt_arena_fini(&arena);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("wire/json");
    TCase *tests = tcase_create("json");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, round_trips);
    tcase_add_test(tests, forms_are_those_of_proto3);
    tcase_add_test(tests, numbers_come_back_the_same);
    tcase_add_test(tests, unknown_any_is_base64);
    tcase_add_loop_test(tests, bad_json_is_refused, 0, (int)(sizeof(refused) / sizeof(refused[0])));
    tcase_add_test(tests, limits_hold);
    tcase_add_test(tests, every_prefix_is_refused);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
