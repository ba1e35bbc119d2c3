/* Contexts: the file read and written, and who wins over whom. */
#include "tests/unit/cli/fixture.h"

#include "cli/context.h"

static const char file[] =
    "{\"current\": \"lab\", \"contexts\": [{\"name\": \"lab\", \"servers\": [\"lab:1\", \"lab:2\"], \"credential\": "
    "\"/lab.pem\", \"parent\": \"organizations/acme\"}, {\"name\": \"prod\", \"servers\": [\"prod:1\"], \"tokenFile\": "
    "\"/prod.token\"}]}";

static char *no_environment(const char *name)
{
    (void)name;
    return NULL;
}

static char *full_environment(const char *name)
{
    static char server[] = "env:1";
    static char credential[] = "/env.pem";
    return strcmp(name, "PATRONUS_SERVER") == 0 ? server : strcmp(name, "PATRONUS_CREDENTIAL") == 0 ? credential : NULL;
}

/* The command line `words` with this environment and the file above. */
static struct pt_cli_args settled(const char *words, char *(*environment)(const char *name))
{
    struct pt_cli_args args;
    struct pt_cli_contexts contexts;
    char *argv[16] = {NULL};
    int argc = 1;
    char *copy = pt_arena_strdup(&arena, words);
    for (char *word = strtok(copy, " "); word != NULL; word = strtok(NULL, " ")) {
        argv[argc++] = word;
    }
    ck_assert_int_eq(pt_cli_args_parse(argc, argv, environment, &arena, &args, &error), PT_OK);
    ck_assert_int_eq(pt_cli_contexts_read("f", file, strlen(file), &arena, &contexts, &error), PT_OK);
    ck_assert_int_eq(pt_cli_context_use(&contexts, &args, &error), PT_OK);
    pt_cli_args_settle(&args, "/home/me", &arena);
    return args;
}

START_TEST(flags_then_context_then_environment_then_current)
{
    struct pt_cli_args args = settled("get sites", no_environment);
    ck_assert_uint_eq(args.servers_len, 2);
    ck_assert_str_eq(args.servers[0], "lab:1");
    ck_assert_str_eq(args.credential, "/lab.pem");
    ck_assert_str_eq(args.parent, "organizations/acme");
    args = settled("get sites", full_environment);
    ck_assert_str_eq(args.servers[0], "env:1");
    ck_assert_str_eq(args.credential, "/env.pem");
    ck_assert_str_eq(args.parent, "organizations/acme"); /* nothing else says it */
    args = settled("get sites --context lab", full_environment);
    ck_assert_str_eq(args.servers[1], "lab:2");
    ck_assert_str_eq(args.credential, "/lab.pem");
    args = settled("get sites --context lab -s flag:1 -c x.pem -p other", full_environment);
    ck_assert_uint_eq(args.servers_len, 1);
    ck_assert_str_eq(args.servers[0], "flag:1");
    ck_assert_str_eq(args.credential, "x.pem");
    ck_assert_str_eq(args.parent, "other");
    args = settled("get sites --context prod -c mine.pem", no_environment);
    ck_assert_str_eq(args.credential, "mine.pem");
    ck_assert_str_eq(args.token_file, ""); /* the context's token does not speak for another credential */
    args = settled("get sites --context prod", no_environment);
    ck_assert_str_eq(args.servers[0], "prod:1");
    ck_assert_str_eq(args.token_file, "/prod.token");
    ck_assert_str_eq(args.credential, "/home/me/.config/patronus/admin.pem");
    ck_assert_str_eq(args.parent, "");
}
END_TEST

START_TEST(a_context_that_is_not_there)
{
    struct pt_cli_contexts contexts;
    struct pt_cli_args args = {.context = "nope", .config = "f"};
    ck_assert_int_eq(pt_cli_contexts_read("f", file, strlen(file), &arena, &contexts, &error), PT_OK);
    ck_assert_int_eq(pt_cli_context_use(&contexts, &args, &error), PT_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(error.text, "contexts list"));
}
END_TEST

START_TEST(written_and_read_again)
{
    struct pt_cli_contexts contexts;
    struct pt_cli_context *context = NULL;
    ck_assert_int_eq(pt_cli_contexts_read("f", "", 0, &arena, &contexts, &error), PT_OK);
    ck_assert_int_eq(pt_cli_context_put(&contexts, "Bad Name", &arena, &context, &error), PT_INVALID_ARGUMENT);
    ck_assert_int_eq(pt_cli_context_put(&contexts, "one", &arena, &context, &error), PT_OK);
    context->servers[context->servers_len++] = "[2001:db8::1]:7400";
    context->credential = "/a \"b\".pem";
    ck_assert_int_eq(pt_cli_context_put(&contexts, "two", &arena, &context, &error), PT_OK);
    contexts.current = "one";
    PT_AUTO(buf) struct pt_buf text = {0};
    pt_cli_contexts_write(&contexts, &text);
    ck_assert_int_eq(pt_cli_contexts_read("f", (char *)text.data, text.size, &arena, &contexts, &error), PT_OK);
    ck_assert_uint_eq(contexts.len, 2);
    ck_assert_str_eq(contexts.items[0].credential, "/a \"b\".pem");
    ck_assert_str_eq(contexts.items[0].servers[0], "[2001:db8::1]:7400");
    pt_cli_context_remove(&contexts, &contexts.items[0]);
    ck_assert_uint_eq(contexts.len, 1);
    ck_assert_str_eq(contexts.items[0].name, "two");
    ck_assert_str_eq(contexts.current, "");
}
END_TEST

START_TEST(files_that_are_refused)
{
    static const char *const rows[] = {"{}",
                                       "{\"contexts\": {}}",
                                       "{\"contexts\": [1]}",
                                       "{\"contexts\": [{\"name\": \"A\"}]}",
                                       "{\"contexts\": [{\"name\": \"a\", \"server\": \"x:1\"}]}",
                                       "{\"contexts\": [{\"name\": \"a\", \"servers\": [\"x\"]}]}",
                                       "{\"contexts\": [{\"name\": \"a\", \"parent\": 1}]}",
                                       "{\"contexts\": [{\"name\": \"a\"}, {\"name\": \"a\"}]}",
                                       "{\"contexts\": ["};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct pt_cli_contexts contexts;
        ck_assert_msg(pt_cli_contexts_read("f", rows[i], strlen(rows[i]), &arena, &contexts, &error) ==
                          PT_INVALID_ARGUMENT,
                      "%s", rows[i]);
    }
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("context");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, flags_then_context_then_environment_then_current);
    tcase_add_test(tcase, a_context_that_is_not_there);
    tcase_add_test(tcase, written_and_read_again);
    tcase_add_test(tcase, files_that_are_refused);
    return run_case("cli_context", tcase);
}
