/* FIELD=VALUE words: each kind of value, the mask, and refusals that name the field and what would be right. */
#include "tests/unit/cli/fixture.h"

#include "cli/fields.h"
#include "cli/request.h"
#include "wire/json.h"

static void check_json(const struct pt_msg *msg, const char *expected)
{
    PT_AUTO(buf) struct pt_buf json = {0};
    pt_json_write(schema, msg, PT_JSON_COMPACT, &json);
    ck_assert_str_eq((char *)json.data, expected);
}

START_TEST(values_of_each_type)
{
    static const struct {
        const char *kind, *word, *json, *path;
    } rows[] = {
        {"site", "region=us-east", "{\"region\":\"us-east\"}", "region"},
        {"site", "location=New York, \"NY\" \\ 1=2", "{\"location\":\"New York, \\\"NY\\\" \\\\ 1=2\"}", "location"},
        {"site", "admin_state=drained", "{\"adminState\":\"DRAINED\"}", "admin_state"},
        {"site", "adminState=DRAINED", "{\"adminState\":\"DRAINED\"}", "admin_state"},
        {"site", "labels.tier=gold", "{\"labels\":{\"tier\":\"gold\"}}", "labels.tier"},
        {"site", "labels.a.b/c=x", "{\"labels\":{\"a.b/c\":\"x\"}}", "labels.a.b/c"},
        {"site", "labels={\"a\":\"1\",\"b\":\"\"}", "{\"labels\":{\"a\":\"1\",\"b\":\"\"}}", "labels"},
        {"link", "capacity_up_bps=100M", "{\"capacityUpBps\":\"100000000\"}", "capacity_up_bps"},
        {"link", "mtu=1500", "{\"mtu\":1500}", "mtu"},
        {"link", "metered=yes", "{\"metered\":true}", "metered"},
        {"link", "metered=false", "{}", "metered"},
        {"link", "srlgs=1,2,30", "{\"srlgs\":[1,2,30]}", "srlgs"},
        {"link", "srlgs=[4, 5]", "{\"srlgs\":[4,5]}", "srlgs"},
        {"fabric", "max_transit_sites=0", "{\"maxTransitSites\":0}", "max_transit_sites"},
        {"edge", "roles=hub,BRANCH", "{\"roles\":[\"HUB\",\"BRANCH\"]}", "roles"},
        {"edge", "lan_interfaces=[{\"interface\":\"lan0\",\"prefixes\":[\"10.0.0.0/24\"]}]",
         "{\"lanInterfaces\":[{\"interface\":\"lan0\",\"prefixes\":[\"10.0.0.0/24\"]}]}", "lan_interfaces"},
        {"edge", "lan_interfaces={\"interface\":\"lan0\"}", "{\"lanInterfaces\":[{\"interface\":\"lan0\"}]}",
         "lan_interfaces"},
        {"token", "expire_time=2030-01-01T00:00:00Z", "{\"expireTime\":\"2030-01-01T00:00:00Z\"}", "expire_time"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct pt_msg *msg = pt_msg_new(&arena, kind(rows[i].kind));
        struct pt_cli_mask mask = {0};
        ck_assert_msg(pt_cli_assign(schema, rows[i].word, msg, &mask, &arena, &error) == PT_OK, "%s: %s: %s",
                      rows[i].word, error.field, error.text);
        check_json(msg, rows[i].json);
        ck_assert_uint_eq(mask.len, 1);
        ck_assert_str_eq(mask.paths[0], rows[i].path);
    }
}
END_TEST

START_TEST(an_empty_value_clears)
{
    struct pt_msg *msg = pt_msg_new(&arena, kind("site"));
    struct pt_cli_mask mask = {0};
    static const char *const words[] = {"region=eu", "labels.a=1", "labels.b=2", "region=", "labels.a=", "region="};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        ck_assert_int_eq(pt_cli_assign(schema, words[i], msg, &mask, &arena, &error), PT_OK);
    }
    check_json(msg, "{\"labels\":{\"b\":\"2\"}}");
    ck_assert_uint_eq(mask.len, 3); /* region, labels.a, labels.b: each once */
}
END_TEST

START_TEST(refusals_name_the_field)
{
    static const struct {
        const char *kind, *word, *field, *text;
    } rows[] = {
        {"site", "regio=x", "regio", "did you mean 'region'"},
        {"site", "name=x", "name", "cannot change"},
        {"site", "uid=x", "uid", "system sets"},
        {"site", "site_label=3", "site_label", "system sets"},
        {"site", "region.x=y", "region.x", "ends before the dot"},
        {"site", "admin_state=OFF", "admin_state", "ACTIVE, DRAINED, MAINTENANCE"},
        {"site", "labels=a", "labels", "labels.key=value"},
        {"link", "mtu=big", "mtu", "whole number (byte)"},
        {"link", "mtu=1.5", "mtu", "whole number"},
        {"link", "mtu=15KB", "mtu", "whole number"},
        {"link", "mtu=-", "mtu", "whole number"},
        {"link", "mtu=99999999999", "mtu", ""},
        {"link", "metered=maybe", "metered", "true or false"},
        {"link", "srlgs=1,,2", "srlgs", "empty element"},
        {"link", "srlgs=[1,2", "srlgs", ""},
        {"link", "srlgs.0=1", "srlgs.0", "list"},
        {"edge", "lan_interfaces=lan0", "lan_interfaces", "JSON"},
        {"edge", "lan_interfaces=[{\"nope\":1}]", "lan_interfaces", "nope"},
        {"site", "=x", "=x", "FIELD=VALUE"},
        {"site", "region", "region", "FIELD=VALUE"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct pt_msg *msg = pt_msg_new(&arena, kind(rows[i].kind));
        struct pt_cli_mask mask = {0};
        error = (struct pt_error){0};
        ck_assert_msg(pt_cli_assign(schema, rows[i].word, msg, &mask, &arena, &error) == PT_INVALID_ARGUMENT, "%s",
                      rows[i].word);
        ck_assert_str_eq(error.field, rows[i].field);
        ck_assert_msg(strstr(error.text, rows[i].text) != NULL, "%s: %s", rows[i].word, error.text);
        ck_assert_uint_eq(mask.len, 0);
        ck_assert_uint_eq(msg->fields_len, 0);
    }
}
END_TEST

/* For every kind that can be written: the requests hold what the server looks for. */
START_TEST(requests_of_every_kind)
{
    size_t len = 0;
    const struct pt_message_type *const *kinds = pt_schema_kinds(schema, &len);
    ck_assert_uint_gt(len, 10);
    for (size_t i = 0; i < len; i++) {
        ck_assert_ptr_nonnull(pt_cli_method(schema, kinds[i], PT_VERB_GET));
        const struct pt_method_type *list = pt_cli_method(schema, kinds[i], PT_VERB_LIST);
        const struct pt_cli_list_options options = {
            .parent = "p", .filter = "f", .order_by = "o", .page_token = "t", .page_size = 3, .stale = true};
        struct pt_msg *request = pt_cli_request_list(list, &options, &arena);
        ck_assert_str_eq(pt_msg_str(request, "filter"), "f");
        ck_assert_int_eq(pt_msg_i64(request, "page_size"), 3);
        ck_assert(pt_msg_bool(request, "stale"));
        ck_assert_ptr_null(pt_cli_list_items(list, pt_msg_new(&arena, list->output)));

        const struct pt_method_type *create = pt_cli_method(schema, kinds[i], PT_VERB_CREATE);
        bool issued =
            strcmp(kinds[i]->resource->singular, "apiKey") == 0 ||  /* by a method of its own */
            strcmp(kinds[i]->resource->singular, "changeSet") == 0; /* by Update, that makes what is missing */
        ck_assert((kinds[i]->resource->view || issued) == (create == NULL));
        if (create == NULL) {
            const struct pt_method_type *found = NULL;
            ck_assert_int_eq(pt_cli_method_find(schema, kinds[i], PT_VERB_CREATE, &found, &error), PT_UNIMPLEMENTED);
            continue;
        }
        /* organizations/x/sites/x/...: the pattern with every id "x". */
        PT_AUTO(buf) struct pt_buf name = {0};
        for (const char *at = kinds[i]->resource->pattern; *at != '\0';) {
            if (*at == '{') {
                pt_buf_append_u8(&name, 'x');
                at = strchr(at, '}') + 1;
            } else {
                pt_buf_append_u8(&name, (uint8_t)*at++);
            }
        }
        const struct pt_cli_write_options write = {
            .request_id = "r", .etag = "e", .dry_run = true, .allow_missing = true, .force = true};
        const char *full = (const char *)name.data;
        request = pt_cli_request_create(create, full, pt_msg_new(&arena, kinds[i]), &write, &arena);
        ck_assert_str_eq(pt_msg_str(request, "request_id"), "r");
        ck_assert(pt_msg_bool(request, "validate_only"));
        ck_assert_int_eq(pt_parent_parse(kinds[i], pt_msg_str(request, "parent"), false, NULL), PT_OK);
        ck_assert_uint_eq(request->fields_len, kinds[i]->resource->parent_kind != NULL ? 5 : 4);

        struct pt_cli_mask mask = {0};
        pt_cli_mask_add(&mask, &arena, "labels");
        const struct pt_method_type *update = pt_cli_method(schema, kinds[i], PT_VERB_UPDATE);
        request = pt_cli_request_update(update, full, pt_msg_new(&arena, kinds[i]), &mask, &write, &arena);
        ck_assert(pt_msg_bool(request, "allow_missing"));
        const struct pt_msg_field *paths = pt_msg_field(pt_msg_child(request, "update_mask"), "paths");
        ck_assert_uint_eq(paths->len, 1);

        const struct pt_method_type *erase = pt_cli_method(schema, kinds[i], PT_VERB_DELETE);
        request = pt_cli_request_delete(erase, full, &write, &arena);
        ck_assert(pt_msg_bool(request, "force"));
        ck_assert_str_eq(pt_msg_str(request, "etag"), "e");
    }
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("fields");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, values_of_each_type);
    tcase_add_test(tcase, an_empty_value_clears);
    tcase_add_test(tcase, refusals_name_the_field);
    tcase_add_test(tcase, requests_of_every_kind);
    return run_case("cli fields", tcase);
}
