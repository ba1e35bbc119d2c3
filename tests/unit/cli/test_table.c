/* Tables, ages, explanations, credentials: text in, text out. */
#include "tests/unit/cli/fixture.h"

#include "cli/args.h"
#include "cli/credential.h"
#include "cli/complete.h"
#include "cli/explain.h"

static void render(const struct pt_cli_table *table, size_t width, const char *expected)
{
    PT_AUTO(buf) struct pt_buf out = {0};
    pt_cli_table_render(table, width, &out);
    ck_assert_str_eq((char *)out.data, expected);
}

START_TEST(columns_fit_their_widest_cell)
{
    struct pt_cli_table table;
    pt_cli_table_init(&table, &arena);
    pt_cli_table_column(&table, "NAME");
    pt_cli_table_column(&table, "CITY");
    render(&table, 0, "NAME  CITY\n");
    pt_cli_table_row(&table, (const char *[]){"a", "Zürich"});
    pt_cli_table_row(&table, (const char *[]){"longer", ""});
    render(&table, 0, "NAME    CITY\na       Zürich\nlonger  -\n");
}
END_TEST

START_TEST(the_widest_column_is_cut_first)
{
    struct pt_cli_table table;
    pt_cli_table_init(&table, &arena);
    pt_cli_table_column(&table, "A");
    pt_cli_table_column(&table, "B");
    pt_cli_table_row(&table, (const char *[]){"short", "abcdefghijklmnopqrstuvwxyz"});
    render(&table, 20, "A      B\nshort  abcdefghijkl~\n");
    render(&table, 33, "A      B\nshort  abcdefghijklmnopqrstuvwxyz\n");
    /* No cell under eight characters, however narrow the terminal. */
    render(&table, 3, "A      B\nshort  abcdefg~\n");
    /* The name last. */
    pt_cli_table_row(&table, (const char *[]){"a-name-that-is-long", "x"});
    render(&table, 29, "A                    B\nshort                abcdefg~\na-name-that-is-long  x\n");
    render(&table, 22, "A             B\nshort         abcdefg~\na-name-that~  x\n");
}
END_TEST

START_TEST(control_characters_do_not_reach_the_terminal)
{
    struct pt_cli_table table;
    pt_cli_table_init(&table, &arena);
    pt_cli_table_column(&table, "A");
    pt_cli_table_row(&table, (const char *[]){"x\033[31m\ny"});
    render(&table, 0, "A\nx?[31m?y\n");
}
END_TEST

START_TEST(resources_by_their_schema)
{
    struct pt_cli_scope scope = scope_of("acme");
    struct pt_msg *site = pt_msg_new(&arena, kind("site"));
    pt_msg_set_str(site, &arena, "name", "organizations/acme/sites/nyc");
    pt_msg_set_str(site, &arena, "region", "us-east");
    pt_msg_set_i64(site, &arena, "admin_state", 2);
    pt_msg_set_time(site, &arena, "create_time", 1000000000);
    struct pt_cli_table table;
    pt_cli_table_init(&table, &arena);
    pt_cli_table_kind(&table, kind("site"));
    pt_cli_table_resource(&table, &scope, site, 301 * INT64_C(1000000000));
    render(&table, 0,
           "NAME       REGION   ADMIN_STATE  SITE_LABEL  AGE\nsites/nyc  us-east  DRAINED      -           5m\n");
}
END_TEST

START_TEST(ages)
{
    static const struct {
        int64_t seconds;
        const char *text;
    } rows[] = {{-5, "0s"},   {0, "0s"},       {119, "119s"},  {120, "2m"},        {7199, "119m"},
                {7200, "2h"}, {172799, "47h"}, {172800, "2d"}, {86400000, "1000d"}};
    char text[16];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ck_assert_str_eq(pt_cli_age(1, 1 + rows[i].seconds * 1000000000, text), rows[i].text);
    }
    ck_assert_str_eq(pt_cli_age(0, 1000000000, text), "-");
}
END_TEST

/* Method: every kind and every field of every kind explains itself. */
START_TEST(everything_can_be_explained)
{
    size_t len = 0;
    const struct pt_message_type *const *kinds = pt_schema_kinds(schema, &len);
    for (size_t i = 0; i < len; i++) {
        PT_AUTO(buf) struct pt_buf text = {0};
        ck_assert_int_eq(pt_cli_explain(schema, kinds[i]->resource->plural, &text, &error), PT_OK);
        for (size_t j = 0; j < kinds[i]->fields_len; j++) {
            PT_AUTO(buf) struct pt_buf one = {0};
            const char *path = pt_arena_printf(&arena, "%s.%s", kinds[i]->resource->singular, kinds[i]->fields[j].name);
            ck_assert_int_eq(pt_cli_explain(schema, path, &one, &error), PT_OK);
            ck_assert_ptr_nonnull(strstr((char *)text.data, kinds[i]->fields[j].name));
        }
    }
    PT_AUTO(buf) struct pt_buf text = {0};
    ck_assert_int_eq(pt_cli_explain(schema, "edge.lan_interfaces.segment", &text, &error), PT_OK);
    ck_assert_ptr_nonnull(strstr((char *)text.data, "required   yes"));
    ck_assert_ptr_nonnull(strstr((char *)text.data, "organizations/{organization}/segments/{segment}"));
    static const char *const bad[] = {"nope", "site.", "site.nope", "site.region.x", "site.labels.x", "."};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ck_assert_msg(pt_cli_explain(schema, bad[i], &text, &error) == PT_INVALID_ARGUMENT, "%s", bad[i]);
    }
}
END_TEST

/* Each line typed so far, with what it may go on with, and what it may not. */
START_TEST(tab_completes_the_last_word)
{
    static const struct {
        const char *words[8];
        const char *found, *absent;
        enum pt_cli_wanted wanted;
    } lines[] = {
        {{""}, "\napply\t", "\n--", 0},
        {{"ap"}, "\napply\tmake", "\nget\t", 0},
        {{"get", "ste"}, "\nsteeringPolicies\t", "\nsite", 0},
        {{"-p", "acme", "get", "site", "n"}, "", "\nn", PT_CLI_WANT_NAMES},
        {{"create", "link", "sites/a/links/l", "cap"}, "\ncapacity_up_bps=\t", "\nuid", 0},
        {{"update", "site", "nyc", ""}, "\nlabels.\t", "\nuid=", 0}, /* uid: nobody can set it */
        {{"update", "site", ""}, "", "\nlabels", PT_CLI_WANT_NAMES},
        {{"explain", "site.re"}, "\nsite.region\t", "\nsite.uid", 0},
        {{"delete", "--f"}, "\n--force\tdelete what", "\n--filter", 0},
        {{"get", "--f"}, "\n--filter\t", "\n--force", 0},
        {{"get", "sites", "-o", ""}, "\njsonpath=\t", "\nsite", 0},
        {{"get", "sites", "--context", "x"}, "", "\nsite", PT_CLI_WANT_CONTEXTS},
        {{"get", "sites", "--output=ya"}, "\n--output=yaml\t", "json", 0},
        {{"get", "sites", "--parent=a"}, "", "\n--", PT_CLI_WANT_NAMES},
        {{"-p", ""}, "", "\napply", PT_CLI_WANT_NAMES},
        {{"contexts", "use", ""}, "", "\nadd", PT_CLI_WANT_CONTEXTS},
        {{"sites", ""}, "\ndrain\t", "\nsite", 0},
        {{"sites", "drain", ""}, "", "\ndrain", PT_CLI_WANT_NAMES},
        {{"call", "SiteService.G"}, "\nSiteService.GetSite\t", "\nLinkService", 0},
        {{"tf", ""}, "\ndestroy\t", NULL, 0},
        {{"te", "wh"}, "\nwhat-if\t", "\nexplain", 0},
        {{"te", "what-if", "fail-"}, "\nfail-srlg=\t", "\ndemand", 0},
        {{"te", "explain", "n"}, "", "\nrequire=", PT_CLI_WANT_NAMES},
        {{"te", "explain", "nyc", "lon", "max"}, "\nmax-delay=\t", "\nsource=", 0},
        {{"te", "matrix", ""}, "\nby=p95\t", "\nfail", 0},
        {{"nonsense", ""}, "", "\napply", 0},
        {{"get", "nonsense", ""}, "", "\nsite", 0},
    };
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        PT_AUTO(buf) struct pt_buf text = {0};
        size_t len = 0;
        while (lines[i].words[len] != NULL) {
            len++;
        }
        pt_buf_append_u8(&text, '\n');
        struct pt_cli_completion completion = pt_cli_complete(schema, lines[i].words, len, &text);
        pt_buf_append_u8(&text, 0);
        ck_assert_int_eq(completion.wanted, lines[i].wanted);
        ck_assert_msg(strstr((char *)text.data, lines[i].found) != NULL, "%zu: %s", i, (char *)text.data);
        ck_assert_msg(lines[i].absent == NULL || strstr((char *)text.data, lines[i].absent) == NULL, "%zu: %s", i,
                      (char *)text.data);
    }
    PT_AUTO(buf) struct pt_buf script = {0};
    ck_assert(pt_cli_completion_script("zsh", &script) && pt_cli_completion_script("fish", &script));
    ck_assert(!pt_cli_completion_script("tcsh", &script));
}
END_TEST

START_TEST(kinds_are_listed)
{
    PT_AUTO(buf) struct pt_buf kinds = {0};
    pt_cli_kinds(schema, &arena, &kinds);
    ck_assert_ptr_nonnull(strstr((char *)kinds.data, "steeringPolicy"));
}
END_TEST

#define BLOCK(label, body) "-----BEGIN " label "-----\n" body "\n-----END " label "-----\n"

START_TEST(credentials_in_one_file)
{
    struct pt_cli_credential credential;
    static const char *const good[] = {
        BLOCK("CERTIFICATE", "leaf") BLOCK("PRIVATE KEY", "key") BLOCK("CERTIFICATE", "ca1")
            BLOCK("CERTIFICATE", "ca2"),
        "text before\n" BLOCK("EC PRIVATE KEY", "key") "\n" BLOCK("CERTIFICATE", "leaf") "# c\n" BLOCK(
            "CERTIFICATE", "ca1") BLOCK("CERTIFICATE", "ca2"),
    };
    for (size_t i = 0; i < 2; i++) {
        ck_assert_int_eq(pt_cli_credential_parse(good[i], false, &credential, &error), PT_OK);
        ck_assert_str_eq((char *)credential.cert_pem.data, BLOCK("CERTIFICATE", "leaf"));
        ck_assert_ptr_nonnull(strstr((char *)credential.key_pem.data, "key"));
        ck_assert_str_eq((char *)credential.ca_pem.data, BLOCK("CERTIFICATE", "ca1") BLOCK("CERTIFICATE", "ca2"));
        pt_cli_credential_fini(&credential);
    }
    static const struct {
        const char *text, *says;
    } bad[] = {{"", "the certificate is missing"},
               {BLOCK("CERTIFICATE", "leaf"), "the private key is missing"},
               {BLOCK("CERTIFICATE", "leaf") BLOCK("PRIVATE KEY", "k"), "the CA's certificate is missing"},
               {BLOCK("PRIVATE KEY", "k"), "the certificate is missing"},
               {"-----BEGIN CERTIFICATE-----\nleaf", "the certificate is missing"}};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ck_assert_int_eq(pt_cli_credential_parse(bad[i].text, false, &credential, &error), PT_INVALID_ARGUMENT);
        ck_assert_msg(strstr(error.text, bad[i].says) != NULL, "%s", error.text);
    }
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("table");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, columns_fit_their_widest_cell);
    tcase_add_test(tcase, the_widest_column_is_cut_first);
    tcase_add_test(tcase, control_characters_do_not_reach_the_terminal);
    tcase_add_test(tcase, resources_by_their_schema);
    tcase_add_test(tcase, ages);
    tcase_add_test(tcase, everything_can_be_explained);
    tcase_add_test(tcase, tab_completes_the_last_word);
    tcase_add_test(tcase, kinds_are_listed);
    tcase_add_test(tcase, credentials_in_one_file);
    return run_case("cli table", tcase);
}
