/* The traffic matrix as people read it, and as documents that apply reads. */
#include "tests/unit/cli/fixture.h"

#include "cli/matrix.h"
#include "wire/json.h"

#include <stdio.h>

static const char cells[] =
    "{\"cells\":[{\"sourceSite\":\"organizations/acme/sites/nyc\",\"destinationSite\":\"organizations/acme/sites/lon\","
    "\"trafficClass\":\"REALTIME\",\"rateBps\":\"1500\",\"p50Bps\":\"1000\",\"p95Bps\":\"2000000\",\"maxBps\":"
    "\"9000000000000\",\"forecastBps\":\"3000\",\"usualBps\":\"4000\",\"bytes\":\"600000\"},"
    "{\"sourceSite\":\"organizations/acme/sites/lon\",\"destinationSite\":\"organizations/acme/sites/nyc\","
    "\"trafficClass\":\"BULK\",\"maxBps\":\"7\"}]}";

static struct pt_msg *reply_of(const char *json)
{
    const struct pt_message_type *type = pt_schema_message(schema, "patronus.v1.GetTrafficMatrixResponse");
    struct pt_msg *reply = NULL;
    ck_assert_msg(pt_json_read(schema, type, json, strlen(json), &arena, &reply, &error) == PT_OK, "%s", error.text);
    return reply;
}

START_TEST(every_rate_has_its_column)
{
    PT_AUTO(buf) struct pt_buf out = {0};
    struct pt_cli_scope scope = scope_of("acme");
    pt_cli_matrix_table(&scope, reply_of(cells), &arena, &out);
    pt_buf_append_u8(&out, 0);
    char *line = strchr((char *)out.data, '\n') + 1;
    char from[32], to[32], class[32], rates[6][2][32];
    unsigned long bytes = 0;
    ck_assert_int_eq(sscanf(line, "%31s %31s %31s %31s %31s %31s %31s %31s %31s %31s %31s %31s %31s %31s %31s %lu",
                            from, to, class, rates[0][0], rates[0][1], rates[1][0], rates[1][1], rates[2][0],
                            rates[2][1], rates[3][0], rates[3][1], rates[4][0], rates[4][1], rates[5][0], rates[5][1],
                            &bytes),
                     16);
    ck_assert_str_eq(from, "sites/nyc");
    ck_assert_str_eq(class, "REALTIME");
    static const char *const expected[] = {"1.50", "1.00", "2.00", "9000", "3.00", "4.00"};
    for (size_t i = 0; i < 6; i++) {
        ck_assert_str_eq(rates[i][0], expected[i]);
    }
    ck_assert_uint_eq(bytes, 600000);
}
END_TEST

/* Each of them is a Demand with a name of its own, the same in the next export, whatever else is in it. */
START_TEST(an_export_is_what_apply_reads)
{
    PT_AUTO(buf) struct pt_buf all = {0};
    PT_AUTO(buf) struct pt_buf one = {0};
    pt_cli_matrix_demands(reply_of(cells), "organizations/acme", pt_cli_matrix_field("max"), &all);
    pt_cli_matrix_demands(reply_of(cells), "organizations/acme", pt_cli_matrix_field("p95"), &one);
    pt_buf_append_u8(&all, 0);
    pt_buf_append_u8(&one, 0);
    ck_assert_ptr_nonnull(strstr((char *)one.data, "\"rateBps\":\"2000000\""));
    ck_assert_ptr_null(strstr((char *)one.data, "BULK")); /* nothing at p95 */
    ck_assert_ptr_nonnull(strstr((char *)all.data, "\"rateBps\":\"7\""));
    ck_assert_ptr_nonnull(strstr((char *)all.data, "\"rateBps\":\"400000000000\"")); /* what a Demand can say at most */
    char *name = strstr((char *)one.data, "/demands/measured-");
    ck_assert_ptr_nonnull(name);
    *strchr(name, '"') = '\0';
    ck_assert_ptr_nonnull(strstr((char *)all.data, name));
    PT_AUTO(buf) struct pt_buf none = {0};
    pt_cli_matrix_demands(reply_of("{}"), "organizations/acme", "p95_bps", &none);
    pt_buf_append_u8(&none, 0);
    ck_assert_str_eq((char *)none.data, "[\n]\n");
    ck_assert_ptr_null(pt_cli_matrix_field("p99"));
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("matrix");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, every_rate_has_its_column);
    tcase_add_test(tcase, an_export_is_what_apply_reads);
    return run_case("matrix", tcase);
}
