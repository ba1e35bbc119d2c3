/* The command line: order, values, environment, and what is refused with which place. */
#include "tests/unit/cli/fixture.h"

#include "cli/args.h"

static char *no_environment(const char *name)
{
    (void)name;
    return NULL;
}

static char *full_environment(const char *name)
{
    static char server[] = "env:1,env:2";
    static char credential[] = "/env.pem";
    static char parent[] = "acme";
    static char home[] = "/home/me";
    return strcmp(name, "PATRONUS_SERVER") == 0       ? server
           : strcmp(name, "PATRONUS_CREDENTIAL") == 0 ? credential
           : strcmp(name, "PATRONUS_PARENT") == 0     ? parent
           : strcmp(name, "HOME") == 0                ? home
                                                      : NULL;
}

static char *home_only(const char *name)
{
    static char home[] = "/home/me";
    return strcmp(name, "HOME") == 0 ? home : NULL;
}

static enum pt_code parse(const char *line, char *(*environment)(const char *), struct pt_cli_args *args)
{
    char *words[32] = {pt_arena_strdup(&arena, "patronusctl")};
    int len = 1;
    for (char *word = strtok(pt_arena_strdup(&arena, line), " "); word != NULL; word = strtok(NULL, " ")) {
        words[len++] = word;
    }
    error = (struct pt_error){0};
    return pt_cli_args_parse(len, words, environment, &arena, args, &error);
}

START_TEST(flags_and_words_in_any_order)
{
    static const char *const lines[] = {
        "-s a:1,b:2 -s c:3 list sites --filter x=1 --page-size=7 -o json --timeout 2m --stale",
        "list --stale -o json sites --page-size 7 --server=a:1 --server b:2,c:3 --filter=x=1 -t 120",
    };
    for (size_t i = 0; i < 2; i++) {
        struct pt_cli_args args;
        ck_assert_msg(parse(lines[i], no_environment, &args) == PT_OK, "%s: %s", error.field, error.text);
        ck_assert_str_eq(args.verb->name, "list");
        ck_assert_uint_eq(args.words_len, 1);
        ck_assert_str_eq(args.words[0], "sites");
        ck_assert_uint_eq(args.servers_len, 3);
        ck_assert_str_eq(args.servers[1], "b:2");
        ck_assert_str_eq(args.servers[2], "c:3");
        ck_assert_str_eq(args.filter, "x=1");
        ck_assert_uint_eq(args.page_size, 7);
        ck_assert_int_eq(args.output, PT_CLI_JSON);
        ck_assert_uint_eq(args.timeout_ms, 120000);
        ck_assert(pt_cli_given(&args, PT_CLI_STALE));
        ck_assert(!pt_cli_given(&args, PT_CLI_FORCE));
    }
}
END_TEST

START_TEST(environment_fills_what_flags_leave_open)
{
    struct pt_cli_args args;
    ck_assert_int_eq(parse("get sites", full_environment, &args), PT_OK);
    ck_assert_uint_eq(args.servers_len, 2);
    ck_assert_str_eq(args.servers[1], "env:2");
    ck_assert_str_eq(args.credential, "/env.pem");
    ck_assert_str_eq(args.parent, "acme");
    ck_assert_int_eq(parse("get sites -s a:1 -c x.pem --parent=", full_environment, &args), PT_OK);
    ck_assert_uint_eq(args.servers_len, 1);
    ck_assert_str_eq(args.servers[0], "a:1");
    ck_assert_str_eq(args.credential, "x.pem");
    ck_assert_str_eq(args.parent, "");
    ck_assert_int_eq(parse("get sites", home_only, &args), PT_OK);
    ck_assert_str_eq(args.config, "/home/me/.config/patronus/config.json");
    pt_cli_args_settle(&args, "/home/me", &arena);
    ck_assert_str_eq(args.servers[0], PT_CLI_SERVER_DEFAULT);
    ck_assert_str_eq(args.credential, "/home/me/.config/patronus/admin.pem");
}
END_TEST

START_TEST(double_dash_ends_flags)
{
    struct pt_cli_args args;
    ck_assert_int_eq(parse("get -- --filter -", no_environment, &args), PT_OK);
    ck_assert_uint_eq(args.words_len, 2);
    ck_assert_str_eq(args.words[0], "--filter");
    ck_assert_int_eq(parse("apply -f -", no_environment, &args), PT_OK);
    ck_assert_uint_eq(args.files_len, 1);
    ck_assert_str_eq(args.files[0], "-");
}
END_TEST

START_TEST(what_is_refused)
{
    static const struct {
        const char *line, *field;
    } rows[] = {
        {"gett sites", "gett"},
        {"get --nope", "--nope"},
        {"get --fil x", "--fil"},
        {"get sites --force", "--force"},
        {"get sites -o xml", "--output"},
        {"get sites -o jsonpath=", "--output"},
        {"get sites --timeout 5x", "--timeout"},
        {"get sites --timeout 0", "--timeout"},
        {"get sites --timeout -5s", "--timeout"},
        {"get sites --page-size 1001", "--page-size"},
        {"get sites --page-size 0", "--page-size"},
        {"get sites --page-size", "--page-size"},
        {"get sites --stale=1", "--stale"},
        {"get sites -s host", "--server"},
        {"get sites -s :7400", "--server"},
        {"get sites -s a:1,,b:2", "--server"},
        {"get sites -s 1:1,1:1,1:1,1:1,1:1,1:1,1:1,1:1,1:1,1:1,1:1,1:1,1:1,1:1,1:1,1:1,1:1", "--server"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct pt_cli_args args;
        ck_assert_msg(parse(rows[i].line, no_environment, &args) == PT_INVALID_ARGUMENT, "%s", rows[i].line);
        ck_assert_str_eq(error.field, rows[i].field);
        ck_assert_str_ne(error.text, "");
    }
}
END_TEST

/* Help must not depend on the rest being right. */
START_TEST(help_is_given_in_any_case)
{
    struct pt_cli_args args;
    ck_assert_int_eq(parse("get sites --force --help", no_environment, &args), PT_OK);
    ck_assert(pt_cli_given(&args, PT_CLI_HELP));
    ck_assert_int_eq(parse("-h", no_environment, &args), PT_OK);
    ck_assert_ptr_null(args.verb);
    size_t len = 0;
    const struct pt_cli_verb *verbs = pt_cli_verbs(&len);
    for (size_t i = 0; i < len; i++) {
        PT_AUTO(buf) struct pt_buf text = {0};
        pt_cli_help(&verbs[i], &text);
        ck_assert_ptr_nonnull(strstr((char *)text.data, verbs[i].name));
        for (const char *line = (char *)text.data; line != NULL && *line != '\0'; line = strchr(line + 1, '\n')) {
            ck_assert_uint_le(strcspn(line + 1, "\n"), 120);
        }
    }
    PT_AUTO(buf) struct pt_buf all = {0};
    pt_cli_help(NULL, &all);
    ck_assert_ptr_nonnull(strstr((char *)all.data, "Exit codes: 0 "));
}
END_TEST

static void says(const char *verb, const char *words, bool wanted)
{
    PT_AUTO(buf) struct pt_buf text = {0};
    pt_cli_help(pt_cli_verb_find(verb), &text);
    ck_assert_msg((strstr((char *)text.data, words) != NULL) == wanted, "%s --help %s '%s'", verb,
                  wanted ? "lacks" : "has", words);
}

/* One flag means different things to different verbs, in the help, in the manual page and at the Tab key. */
START_TEST(a_flag_is_explained_as_the_verb_means_it)
{
    says("delete", "delete what is below it too", true);
    says("cas", "delete what is below it too", false);
    says("cas", "do not wait for edges", true);
    says("sites", "delete what is below it too", false);
    says("tokens", "edge|voter|standby", true);
    says("controllers", "--role voter|standby", true);
    says("controllers", "edge|", false);
    says("tokens", "at most 24h [10m]", true);
    says("cas", "[10m]", false);
    says("cas", "366d [90d]", true);
    says("api-keys", "[for ever]", true);
    PT_AUTO(buf) struct pt_buf page = {0};
    pt_cli_man("1", &page);
    ck_assert_ptr_nonnull(strstr((char *)page.data, "366d [90d]"));
    ck_assert_ptr_nonnull(strstr((char *)page.data, "at most 24h [10m]"));
}
END_TEST

START_TEST(times)
{
    static const struct {
        const char *text;
        uint64_t seconds;
    } rows[] = {{"1", 1}, {"90s", 90}, {"10m", 600}, {"12h", 43200}, {"1d", 86400}};
    uint64_t seconds = 0;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ck_assert_int_eq(pt_cli_seconds(rows[i].text, "x", &seconds, NULL), PT_OK);
        ck_assert_uint_eq(seconds, rows[i].seconds);
    }
    static const char *const bad[] = {"", "s", "-1s", "1w", "1.5s", "99999999999999999999s", "5 s"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ck_assert_int_eq(pt_cli_seconds(bad[i], "x", &seconds, &error), PT_INVALID_ARGUMENT);
    }
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("args");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, flags_and_words_in_any_order);
    tcase_add_test(tcase, environment_fills_what_flags_leave_open);
    tcase_add_test(tcase, double_dash_ends_flags);
    tcase_add_test(tcase, what_is_refused);
    tcase_add_test(tcase, help_is_given_in_any_case);
    tcase_add_test(tcase, a_flag_is_explained_as_the_verb_means_it);
    tcase_add_test(tcase, times);
    return run_case("cli args", tcase);
}
