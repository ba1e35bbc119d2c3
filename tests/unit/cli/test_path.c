/* Paths of a pair of sites as people read them. */
#include "tests/unit/cli/fixture.h"

#include "cli/path.h"
#include "wire/json.h"

static void told(const char *json, const char *expected)
{
    PT_AUTO(buf) struct pt_buf out = {0};
    struct pt_cli_scope scope = scope_of("acme");
    const struct pt_message_type *type = pt_schema_message(schema, "patronus.v1.ExplainedPath");
    struct pt_msg *path = NULL;
    ck_assert_msg(pt_json_read(schema, type, json, strlen(json), &arena, &path, &error) == PT_OK, "%s", error.text);
    pt_cli_explained_path(&scope, path, &arena, &out);
    pt_buf_append_u8(&out, 0);
    ck_assert_str_eq((char *)out.data, expected);
}

START_TEST(a_path_says_what_it_carries)
{
    told("{\"tier\":1,\"sharePpm\":0,\"metric\":12,\"utilizationPpm\":5000,\"reason\":\"waits: it crosses a drained "
         "link\"}",
         "tier 1,   0.0% of it, metric 12 us, fullest link 0.5%: waits: it crosses a drained link\n"
         "    round trip 0.0 ms, loss 0.00%, capacity unknown\n");
}
END_TEST

/* Only classes that are split otherwise than the pair as a whole have a share of their own: what the path's share does
 * not say of them. */
START_TEST(classes_that_are_split_otherwise_are_named)
{
    told("{\"links\":[\"organizations/acme/sites/nyc/links/inet\",\"organizations/acme/sites/lon/links/inet\"],"
         "\"sharePpm\":500000,\"metric\":40000,\"utilizationPpm\":900000,\"reason\":\"carries: the best\","
         "\"rttUs\":40100,\"lossPpm\":100,\"capacityBps\":\"50000000\",\"classShares\":["
         "{\"trafficClass\":\"REALTIME\",\"sharePpm\":1000000},{\"trafficClass\":\"BULK\",\"sharePpm\":123400},"
         "{\"trafficClass\":\"STANDARD\",\"sharePpm\":0}]}",
         "tier 0,  50.0% of it, metric 40000 us, fullest link 90.0%: carries: the best\n"
         "    but 100.0% of REALTIME, 12.3% of BULK, 0.0% of STANDARD\n"
         "    round trip 40.1 ms, loss 0.01%, capacity 50 Mbit/s\n"
         "    sites/nyc/links/inet -> sites/lon/links/inet\n");
}
END_TEST

START_TEST(rates_have_three_digits)
{
    static const struct {
        uint64_t bps;
        const char *text;
    } rows[] = {{0, "0 bit/s"},           {999, "999 bit/s"},        {1500, "1.50 kbit/s"},      {10000, "10 kbit/s"},
                {2500000, "2.50 Mbit/s"}, {400000000, "400 Mbit/s"}, {1000000000, "1.00 Gbit/s"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ck_assert_str_eq(pt_cli_rate(rows[i].bps, &arena), rows[i].text);
    }
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("path");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_path_says_what_it_carries);
    tcase_add_test(tcase, classes_that_are_split_otherwise_are_named);
    tcase_add_test(tcase, rates_have_three_digits);
    return run_case("path", tcase);
}
