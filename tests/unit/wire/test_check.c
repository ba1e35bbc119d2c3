/* The rules of the .proto: one row per rule, each with the message that a user would read. Names, paths, references. */
#include "base/limits.h"
#include "wire/json.h"
#include "wire/msg.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

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

static struct pt_msg *from_json(const char *kind, const char *json)
{
    struct pt_error error = {0};
    struct pt_msg *msg = NULL;
    const struct pt_message_type *type = pt_schema_kind(schema, kind);
    ck_assert_ptr_nonnull(type);
    ck_assert_msg(pt_json_read(schema, type, json, strlen(json), &arena, &msg, &error) == PT_OK, "%s: %s", error.field,
                  error.text);
    return msg;
}

#define LINK \
    "'edge': 'organizations/a/sites/s/edges/e', 'interface': 'eth0', 'address': '192.0.2.1', 'underlay': 'inet'"
#define POLICY "'segment': 'organizations/a/segments/x', 'rules': [{'preference': 'PREFER'}]"
#define TOKEN "'role': 'edge', 'expireTime': '2026-01-01T00:00:00Z', 'secretDigest': "
#define SHA "'0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef'"
#define CONTROLLER(a) \
    "'role': 'VOTER', 'apiAddress': 'c1.example.net:7443', 'agentAddress': '[2001:db8::1]:7444', 'peerAddress': '" a "'"

#define C PT_RULE_CREATE
#define U PT_RULE_UPDATE

static const struct {
    const char *kind;
    const char *json; /* with ' for " */
    enum pt_rule_context context;
    enum pt_reason reason; /* NONE: it is fine */
    const char *field;
    const char *text; /* a part of the message */
} rows[] = {
    /* what is fine */
    {"site", "{}", C, PT_REASON_NONE, "", ""},
    {"site", "{'region': 'emea-1', 'labels': {'tier': 'gold', 'x': ''}}", C, PT_REASON_NONE, "", ""},
    {"link", "{" LINK "}", C, PT_REASON_NONE, "", ""},
    {"steeringPolicy", "{" POLICY "}", C, PT_REASON_NONE, "", ""},
    {"enrollmentToken", "{" TOKEN SHA "}", C, PT_REASON_NONE, "", ""},
    {"controller", "{" CONTROLLER("192.0.2.1:7445") "}", C, PT_REASON_NONE, "", ""},
    {"slaProfile", "{'maxLossPpm': 0}", C, PT_REASON_NONE, "", ""},
    /* required */
    {"link", "{'interface': 'eth0'}", C, PT_REASON_FIELD_REQUIRED, "edge", "is required"},
    {"link", "{'interface': 'eth0'}", U, PT_REASON_FIELD_REQUIRED, "edge", "is required"},
    {"steeringPolicy", "{'segment': 'organizations/a/segments/x'}", C, PT_REASON_FIELD_REQUIRED, "rules",
     "is required"},
    {"edge",
     "{'lanInterfaces': [{'interface': 'lan0', 'segment': 'organizations/a/segments/x'}, {'interface': 'lan1'}]}", C,
     PT_REASON_FIELD_REQUIRED, "lan_interfaces[1].segment", "is required"},
    {"controller", "{'peerAddress': 'a:1', 'apiAddress': 'a:1', 'agentAddress': 'a:1'}", C, PT_REASON_FIELD_REQUIRED,
     "role", "is required"},
    /* output */
    {"site", "{'siteLabel': 5}", C, PT_REASON_FIELD_OUTPUT_ONLY, "site_label", "leave it out"},
    {"site", "{'reconciling': true}", C, PT_REASON_FIELD_OUTPUT_ONLY, "reconciling", "leave it out"},
    {"site", "{'siteLabel': 5, 'reconciling': true}", U, PT_REASON_NONE, "", ""},
    /* range */
    {"slaProfile", "{'maxLossPpm': 1000001}", C, PT_REASON_FIELD_INVALID, "max_loss_ppm",
     "1000001 is out of range; write 0 to 1000000 ppm"},
    {"slaProfile", "{'maxLatencyUs': 0}", C, PT_REASON_FIELD_INVALID, "max_latency_us", "write 1 to 60000000 us"},
    {"steeringPolicy", "{" POLICY ", 'priority': 65536}", C, PT_REASON_FIELD_INVALID, "priority", "write 0 to 65535"},
    {"application", "{'matches': [{'dscps': [46, 64]}]}", C, PT_REASON_FIELD_INVALID, "matches[0].dscps[1]",
     "write 0 to 63"},
    /* sets */
    {"application", "{'matches': [{'dscps': [46, 0, 46]}]}", C, PT_REASON_FIELD_INVALID, "matches[0].dscps[2]",
     "repeats element 0"},
    {"segment", "{'fabric': 'organizations/a/fabrics/f', 'prefixes': ['10.0.0.0/8', '10.0.0.0/8']}", C,
     PT_REASON_FIELD_INVALID, "prefixes[1]", "repeats element 0"},
    /* enums in lists */
    {"edge", "{'roles': ['BRANCH', 'EDGE_ROLE_UNSPECIFIED']}", C, PT_REASON_FIELD_INVALID, "roles[1]",
     "not a usable value"},
    /* references */
    {"modelVersion", "{'digest': " SHA "}", C, PT_REASON_NONE, "", ""},
    {"model", "{'purpose': 'x', 'liveVersion': 'organizations/a/models/m'}", C, PT_REASON_FIELD_INVALID, "live_version",
     "is not the name of a modelVersion"},
    {"edge", "{'lanInterfaces': [{'interface': 'lan0', 'segment': 'segments/x'}]}", C, PT_REASON_FIELD_INVALID,
     "lan_interfaces[0].segment", "write organizations/{organization}/segments/{segment}"},
    {"fabric", "{'sites': ['organizations/a/sites/s', 'organizations/a/sites/S']}", C, PT_REASON_FIELD_INVALID,
     "sites[1]", "'S' in 'organizations/a/sites/S' is not an id"},
    /* maps */
    {"site", "{'labels': {'': 'x'}}", C, PT_REASON_FIELD_INVALID, "labels.", "a key is empty"},
    /* formats */
    {"site", "{'region': 'EMEA'}", C, PT_REASON_FIELD_INVALID, "region", "'EMEA' is not an id"},
    {"site", "{'region': 'a-'}", C, PT_REASON_FIELD_INVALID, "region", "is not an id"},
    {"link", "{'gateway': '192.0.2.256', " LINK "}", C, PT_REASON_FIELD_INVALID, "gateway", "is not an IP address"},
    {"link", "{'gateway': '2001:DB8::1', " LINK "}", C, PT_REASON_FIELD_INVALID, "gateway", "write 2001:db8::1"},
    {"link", "{'gateway': '2001:db8:0:0::1', " LINK "}", C, PT_REASON_FIELD_INVALID, "gateway", "write 2001:db8::1"},
    {"segment", "{'fabric': 'organizations/a/fabrics/f', 'prefixes': ['10.0.0.1/24']}", C, PT_REASON_FIELD_INVALID,
     "prefixes[0]", "'10.0.0.1/24' has bits set behind the prefix length; write 10.0.0.0/24"},
    {"segment", "{'fabric': 'organizations/a/fabrics/f', 'prefixes': ['2001:db8::1/32']}", C, PT_REASON_FIELD_INVALID,
     "prefixes[0]", "write 2001:db8::/32"},
    {"segment", "{'fabric': 'organizations/a/fabrics/f', 'prefixes': ['2001:DB8::/32']}", C, PT_REASON_FIELD_INVALID,
     "prefixes[0]", "write 2001:db8::/32"},
    {"segment", "{'fabric': 'organizations/a/fabrics/f', 'prefixes': ['10.0.0.0']}", C, PT_REASON_FIELD_INVALID,
     "prefixes[0]", "is not an IP prefix"},
    {"segment", "{'fabric': 'organizations/a/fabrics/f', 'prefixes': ['']}", C, PT_REASON_FIELD_INVALID, "prefixes[0]",
     "is not an IP prefix"},
    {"edge", "{'lanInterfaces': [{'interface': 'a/b', 'segment': 'organizations/a/segments/x'}]}", C,
     PT_REASON_FIELD_INVALID, "lan_interfaces[0].interface", "network interface"},
    {"edge", "{'lanInterfaces': [{'interface': 'sixteen-bytes-xx', 'segment': 'organizations/a/segments/x'}]}", C,
     PT_REASON_FIELD_INVALID, "lan_interfaces[0].interface", "1 to 15"},
    {"controller", "{" CONTROLLER("192.0.2.1") "}", C, PT_REASON_FIELD_INVALID, "peer_address",
     "is not a host with a port"},
    {"controller", "{" CONTROLLER("192.0.2.300:1") "}", C, PT_REASON_FIELD_INVALID, "peer_address",
     "is not a host with a port"},
    {"controller", "{" CONTROLLER("2001:db8::1:80") "}", C, PT_REASON_FIELD_INVALID, "peer_address",
     "is not a host with a port"},
    {"controller", "{" CONTROLLER("h:0") "}", C, PT_REASON_FIELD_INVALID, "peer_address", "is not a host with a port"},
    {"controller", "{" CONTROLLER("h:65536") "}", C, PT_REASON_FIELD_INVALID, "peer_address",
     "is not a host with a port"},
    {"controller", "{" CONTROLLER("-h:1") "}", C, PT_REASON_FIELD_INVALID, "peer_address", "is not a host with a port"},
    {"enrollmentToken", "{" TOKEN "'abc'}", C, PT_REASON_FIELD_INVALID, "secret_digest", "64 digits of 0-9 and a-f"},
};

static void swap_quotes(const char *json, char *out)
{
    for (; *json != '\0'; json++) {
        *out++ = *json == '\'' ? '"' : *json;
    }
    *out = '\0';
}

START_TEST(rule_is_enforced)
{
    char json[1024];
    swap_quotes(rows[_i].json, json);
    struct pt_error error = {0};
    enum pt_code code = pt_msg_check(from_json(rows[_i].kind, json), rows[_i].context, &error);
    ck_assert_msg(code == (rows[_i].reason == PT_REASON_NONE ? PT_OK : PT_INVALID_ARGUMENT), "%s: %s: %s", json,
                  error.field, error.text);
    ck_assert_str_eq(pt_reason_name(error.reason), pt_reason_name(rows[_i].reason));
    ck_assert_str_eq(error.field, rows[_i].field);
    ck_assert_msg(strstr(error.text, rows[_i].text) != NULL, "'%s' lacks '%s'", error.text, rows[_i].text);
}
END_TEST

/* Limits hold for trees that no parser has seen, too; and for strings and lists without rules, by default. */
START_TEST(limits_are_enforced)
{
    struct pt_error error = {0};
    char text[PT_MESSAGE_SIZE_MAX / 1024 + 2];
    memset(text, 'x', sizeof(text));
    struct pt_msg *site = pt_msg_new(&arena, pt_schema_kind(schema, "site"));
    pt_msg_set_bytes(site, &arena, "location", (struct pt_bytes){(const uint8_t *)text, 1024});
    ck_assert_int_eq(pt_msg_check(site, PT_RULE_CREATE, &error), PT_OK);
    pt_msg_set_bytes(site, &arena, "location", (struct pt_bytes){(const uint8_t *)text, 1025});
    ck_assert_int_eq(pt_msg_check(site, PT_RULE_CREATE, &error), PT_INVALID_ARGUMENT);
    ck_assert_str_eq(error.field, "location");
    ck_assert_str_eq(error.text, "is 1025 bytes long; at most 1024 are allowed");

    struct pt_msg *edge = pt_msg_new(&arena, pt_schema_kind(schema, "edge"));
    for (int i = 0; i < 5; i++) {
        pt_msg_append(edge, &arena, "roles", (union pt_value){.i64 = 1});
    }
    ck_assert_int_eq(pt_msg_check(edge, PT_RULE_CREATE, &error), PT_INVALID_ARGUMENT);
    ck_assert_str_eq(error.text, "has 5 elements; at most 4 are allowed");
}
END_TEST

START_TEST(times_are_checked)
{
    static const struct {
        int64_t seconds, nanos;
        bool fine;
    } times[] = {{0, 0, true},          {0, -1, false},        {0, 1000000000, false},
                 {INT64_MAX, 0, false}, {INT64_MIN, 0, false}, {9223372035, 999999999, true}};
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        struct pt_msg *token =
            from_json("enrollmentToken", "{\"role\": \"edge\", \"expireTime\": \"2026-01-01T00:00:00Z\"}");
        pt_msg_set_str(token, &arena, "secret_digest",
                       "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
        struct pt_msg *time = pt_msg_child(token, "expire_time");
        pt_msg_set_i64(time, &arena, "seconds", times[i].seconds);
        pt_msg_set_i64(time, &arena, "nanos", times[i].nanos);
        ck_assert_int_eq(pt_msg_check(token, PT_RULE_CREATE, NULL), times[i].fine ? PT_OK : PT_INVALID_ARGUMENT);
        (void)pt_msg_time(token, "expire_time"); /* saturates: no overflow under the sanitizer */
    }
}
END_TEST

/* ---- strip and references ------------------------------------------------------------------------------------- */

START_TEST(output_fields_are_stripped)
{
    struct pt_msg *site =
        from_json("site", "{\"uid\": \"u\", \"reconciling\": true, \"region\": \"r\", \"siteLabel\": 4}");
    pt_msg_strip(site, PT_OUTPUT_SOFT, false);
    ck_assert(pt_msg_has(site, "uid") && !pt_msg_has(site, "reconciling") && pt_msg_has(site, "region"));
    pt_msg_strip(site, PT_OUTPUT_DERIVED, false);
    ck_assert(!pt_msg_has(site, "uid") && !pt_msg_has(site, "site_label") && pt_msg_has(site, "region"));

    struct pt_msg *request = pt_msg_new(&arena, pt_schema_message(schema, "patronus.v1.EnrollRequest"));
    pt_msg_set_str(request, &arena, "token", "secret");
    pt_msg_set_str(request, &arena, "controller_id", "c");
    pt_msg_strip(request, PT_OUTPUT_USER, true);
    ck_assert(!pt_msg_has(request, "token") && pt_msg_has(request, "controller_id"));
}
END_TEST

static void append_reference(void *arg, const char *path, const char *kind, const char *name)
{
    pt_buf_printf(arg, "%s=%s:%s;", path, kind, name);
}

START_TEST(references_are_found)
{
    struct pt_msg *fabric =
        from_json("steeringPolicy", "{\"segment\": \"s\", \"rules\": [{}, {\"sites\": [\"x\", \"y\"], "
                                    "\"slaProfile\": \"p\"}]}");
    PT_AUTO(buf) struct pt_buf found;
    pt_buf_init(&found);
    pt_msg_references(fabric, append_reference, &found);
    ck_assert_str_eq((const char *)found.data, "segment=segment:s;rules[1].sites[0]=site:x;rules[1].sites[1]=site:y;"
                                               "rules[1].sla_profile=slaProfile:p;");
}
END_TEST

/* ---- names ---------------------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    const char *kind; /* NULL: refused */
} names[] = {
    {"organizations/acme", "organization"},
    {"organizations/acme/sites/nyc", "site"},
    {"organizations/acme/sites/nyc/links/inet-0", "link"},
    {"organizations/acme/models/m/versions/v1", "modelVersion"},
    {"controllers/c1", "controller"},
    {"organizations/acme/tunnels/t0", "tunnel"},
    {"", NULL},
    {"/", NULL},
    {"organizations", NULL},
    {"organizations/", NULL},
    {"/organizations/acme", NULL},
    {"organizations/acme/", NULL},
    {"organizations//sites/nyc", NULL},
    {"organizations/-", NULL},
    {"organizations/Acme", NULL},
    {"organizations/a_b", NULL},
    {"organizations/1a", NULL},
    {"organizations/a-", NULL},
    {"sites/nyc", NULL},
    {"organizations/acme/links/inet0", NULL},
    {"organizations/acme/sites/nyc/sites/x", NULL},
    {"controllers/c1/sites/nyc", NULL},
    {"org/acme", NULL},
    {"organization/acme", NULL},
    {"organizations/acme/sites/nyc ", NULL},
    {"organizations/abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz01234567890", "organization"},
    {"organizations/abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz012345678901", NULL},
};

START_TEST(name_is_parsed)
{
    const struct pt_message_type *kind = NULL;
    struct pt_error error = {0};
    enum pt_code code = pt_name_parse(schema, names[_i].name, &kind, &error);
    if (names[_i].kind != NULL) {
        ck_assert_msg(code == PT_OK, "%s: %s", names[_i].name, error.text);
        ck_assert_str_eq(kind->resource->singular, names[_i].kind);
    } else {
        ck_assert_msg(code == PT_INVALID_ARGUMENT, "%s", names[_i].name);
        ck_assert_int_eq(error.reason, PT_REASON_NAME_INVALID);
        ck_assert_ptr_null(kind);
    }
}
END_TEST

START_TEST(long_names_are_refused)
{
    char name[2048];
    memset(name, 'a', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    const struct pt_message_type *kind = NULL;
    ck_assert_int_eq(pt_name_parse(schema, name, &kind, NULL), PT_INVALID_ARGUMENT);
    memcpy(name, "organizations/", 14);
    ck_assert_int_eq(pt_name_parse(schema, name, &kind, NULL), PT_INVALID_ARGUMENT);
}
END_TEST

START_TEST(parents_are_checked)
{
    const struct pt_message_type *site = pt_schema_kind(schema, "site");
    const struct pt_message_type *link = pt_schema_kind(schema, "link");
    const struct pt_message_type *organization = pt_schema_kind(schema, "organization");
    struct pt_error error = {0};
    ck_assert_int_eq(pt_parent_parse(site, "organizations/a", false, &error), PT_OK);
    ck_assert_int_eq(pt_parent_parse(organization, "", false, &error), PT_OK);
    ck_assert_int_eq(pt_parent_parse(site, "organizations/-", true, &error), PT_OK);
    ck_assert_int_eq(pt_parent_parse(link, "organizations/-/sites/-", true, &error), PT_OK);
    ck_assert_int_eq(pt_parent_parse(site, "organizations/-", false, &error), PT_INVALID_ARGUMENT);
    ck_assert_str_eq(error.field, "parent");
    ck_assert_int_eq(pt_parent_parse(site, "", true, &error), PT_INVALID_ARGUMENT);
    ck_assert_int_eq(pt_parent_parse(link, "organizations/a", true, &error), PT_INVALID_ARGUMENT);
    ck_assert_msg(strstr(error.text, "organizations/{organization}/sites/{site}") != NULL, "%s", error.text);
    ck_assert_int_eq(pt_parent_parse(organization, "organizations/a", true, &error), PT_INVALID_ARGUMENT);
}
END_TEST

START_TEST(names_are_taken_apart)
{
    char parent[PT_NAME_SIZE_MAX + 1];
    pt_name_parent("organizations/acme/sites/nyc", parent);
    ck_assert_str_eq(parent, "organizations/acme");
    pt_name_parent("organizations/acme", parent);
    ck_assert_str_eq(parent, "");
    pt_name_parent("", parent);
    ck_assert_str_eq(parent, "");
    ck_assert_str_eq(pt_name_id("organizations/acme/sites/nyc"), "nyc");
    ck_assert_str_eq(pt_name_id("nyc"), "nyc");
    ck_assert(pt_id_valid("a") && pt_id_valid("a0-b") && !pt_id_valid("") && !pt_id_valid("-a") && !pt_id_valid("a-"));
}
END_TEST

/* ---- paths ---------------------------------------------------------------------------------------------------- */

static const char *text_at(const struct pt_msg *msg, const char *path, struct pt_buf *out)
{
    struct pt_error error = {0};
    pt_buf_reset(out);
    enum pt_code code = pt_msg_text(msg, path, out, &error);
    ck_assert_msg(code == PT_OK, "%s: %s", error.field, error.text);
    return out->data != NULL ? (const char *)out->data : "";
}

START_TEST(paths_give_text)
{
    struct pt_msg *link =
        from_json("link", "{\"labels\": {\"a.b\": \"v\", \"c\": \"\"}, \"createTime\": \"2026-01-31T12:00:00.5Z\", "
                          "\"srlgs\": [3, 1], \"transport\": \"LTE\", \"metered\": true, \"mtu\": 1400, "
                          "\"conditions\": [{\"type\": \"Ready\"}]}");
    PT_AUTO(buf) struct pt_buf out;
    pt_buf_init(&out);
    ck_assert_str_eq(text_at(link, "labels.a.b", &out), "v");
    ck_assert_str_eq(text_at(link, "labels.none", &out), "");
    ck_assert_str_eq(text_at(link, "labels", &out), "a.b=v,c=");
    ck_assert_str_eq(text_at(link, "create_time", &out), "2026-01-31T12:00:00.500Z");
    ck_assert_str_eq(text_at(link, "create_time.seconds", &out), "1769860800");
    ck_assert_str_eq(text_at(link, "srlgs", &out), "3,1");
    ck_assert_str_eq(text_at(link, "transport", &out), "LTE");
    ck_assert_str_eq(text_at(link, "metered", &out), "true");
    ck_assert_str_eq(text_at(link, "mtu", &out), "1400");
    ck_assert_str_eq(text_at(link, "gateway", &out), "");
    ck_assert_str_eq(text_at(link, "update_time.seconds", &out), "");
    ck_assert_str_eq(text_at(link, "conditions", &out), "{\"type\":\"Ready\"}");
    static const char *const bad[] = {
        "", ".", "x", "mtu.x", "mtu.", "srlgs.x", "conditions.type", "create_time.x", "update_time.x", "labels."};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ck_assert_msg(pt_msg_text(link, bad[i], &out, NULL) == PT_INVALID_ARGUMENT, "'%s'", bad[i]);
    }
}
END_TEST

START_TEST(masks_copy_fields)
{
    struct pt_msg *from = from_json("link", "{\"mtu\": 9000, \"labels\": {\"a\": \"1\", \"b\": \"2\"}, \"srlgs\": [1, "
                                            "2], \"createTime\": \"1970-01-01T00:00:07Z\"}");
    struct pt_msg *to =
        from_json("link", "{\"mtu\": 1, \"gateway\": \"g\", \"labels\": {\"b\": \"x\", \"c\": \"3\"}, \"srlgs\": [9]}");
    struct pt_error error = {0};
    static const char *const paths[] = {"mtu",
                                        "gateway",
                                        "labels.a",
                                        "labels.b",
                                        "labels.c",
                                        "labels.none",
                                        "srlgs",
                                        "create_time.seconds",
                                        "update_time.nanos"};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        ck_assert_msg(pt_msg_copy_path(to, from, paths[i], &arena, &error) == PT_OK, "%s: %s", paths[i], error.text);
    }
    ck_assert(pt_msg_equal(to, from));
    /* A path that does not exist changes nothing. */
    ck_assert_int_eq(pt_msg_copy_path(to, from, "update_time.x", &arena, &error), PT_INVALID_ARGUMENT);
    ck_assert_int_eq(error.reason, PT_REASON_FIELD_UNKNOWN);
    ck_assert(pt_msg_equal(to, from));
    /* Clearing the last entry clears the field. */
    struct pt_msg *empty = from_json("link", "{}");
    ck_assert_int_eq(pt_msg_copy_path(to, empty, "labels.a", &arena, &error), PT_OK);
    ck_assert_int_eq(pt_msg_copy_path(to, empty, "labels.b", &arena, &error), PT_OK);
    ck_assert(!pt_msg_has(to, "labels"));
    ck_assert_int_eq(pt_msg_copy_path(to, empty, "srlgs", &arena, &error), PT_OK);
    ck_assert(!pt_msg_has(to, "srlgs"));
}
END_TEST

/* Trees that were put together by hand need not hold the entries of a map in order. */
START_TEST(keys_are_distinct_in_any_order)
{
    static const struct {
        const char *keys;
        enum pt_code code;
    } maps[] = {{"abc", PT_OK},
                {"cba", PT_OK},
                {"bac", PT_OK},
                {"aab", PT_INVALID_ARGUMENT},
                {"bb", PT_INVALID_ARGUMENT},
                {"aba", PT_INVALID_ARGUMENT},
                {"cabc", PT_INVALID_ARGUMENT}};
    const struct pt_message_type *site = pt_schema_kind(schema, "site");
    for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++) {
        struct pt_msg *msg = pt_msg_new(&arena, site);
        for (const char *key = maps[i].keys; *key != '\0'; key++) {
            struct pt_msg *entry = pt_msg_new(&arena, pt_message_field(site, "labels")->message);
            pt_msg_set_str(entry, &arena, "key", pt_arena_strndup(&arena, key, 1));
            pt_msg_append(msg, &arena, "labels", (union pt_value){.message = entry});
        }
        struct pt_error error = {0};
        ck_assert_msg(pt_msg_check(msg, PT_RULE_CREATE, &error) == maps[i].code, "%s: %s", maps[i].keys, error.text);
        ck_assert(maps[i].code == PT_OK || strcmp(error.text, "the key is given twice") == 0);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("wire/check");
    TCase *tests = tcase_create("check");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, rule_is_enforced, 0, (int)(sizeof(rows) / sizeof(rows[0])));
    tcase_add_test(tests, limits_are_enforced);
    tcase_add_test(tests, times_are_checked);
    tcase_add_test(tests, output_fields_are_stripped);
    tcase_add_test(tests, references_are_found);
    tcase_add_loop_test(tests, name_is_parsed, 0, (int)(sizeof(names) / sizeof(names[0])));
    tcase_add_test(tests, long_names_are_refused);
    tcase_add_test(tests, parents_are_checked);
    tcase_add_test(tests, names_are_taken_apart);
    tcase_add_test(tests, paths_give_text);
    tcase_add_test(tests, masks_copy_fields);
    tcase_add_test(tests, keys_are_distinct_in_any_order);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
