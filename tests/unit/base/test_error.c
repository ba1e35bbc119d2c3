/*
 * Errors, the log and state tables.
 */
#include "base/error.h"
#include "base/log.h"
#include "base/sm.h"

#include <check.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static const char *json_of(const char *event, const char *fields, char *text, size_t size)
{
    const struct pt_log_line line = {.time = "", .level = "info", .node = "", .event = event, .fields = fields};
    ck_assert_uint_eq(pt_log_json(&line, text, size), strlen(text));
    return text;
}

/* Fields as they are written for people become members; texts with quotes inside stay whole; every line is JSON. */
START_TEST(a_log_line_is_one_json_object)
{
    char text[400];
    ck_assert_str_eq(json_of("leading", "", text, sizeof(text)), "{\"level\":\"info\",\"event\":\"leading\"}");
    ck_assert_str_eq(json_of("enrolled", "node=edge/x role=voter index=17 big=12345678901234567 zero=007", text, 400),
                     "{\"level\":\"info\",\"event\":\"enrolled\",\"node\":\"edge/x\",\"role\":\"voter\","
                     "\"index\":17,\"big\":\"12345678901234567\",\"zero\":\"007\"}");
    ck_assert_str_eq(json_of("e", "reason=\"the 'x' of \"y\" is bad\" code=IO", text, sizeof(text)),
                     "{\"level\":\"info\",\"event\":\"e\",\"reason\":\"the 'x' of \\\"y\\\" is bad\","
                     "\"code\":\"IO\"}");
    ck_assert_str_eq(json_of("e", "a=\"cut of", text, sizeof(text)),
                     "{\"level\":\"info\",\"event\":\"e\",\"a\":\"\\\"cut of\"}");
    ck_assert_str_eq(json_of("e", "a=\"\n\xff\xc3\xa4\"", text, sizeof(text)),
                     "{\"level\":\"info\",\"event\":\"e\",\"a\":\"\\u000a\\ufffd\xc3\xa4\"}");
    ck_assert_str_eq(json_of("e", "no fields", text, sizeof(text)),
                     "{\"level\":\"info\",\"event\":\"e\",\"text\":\"no fields\"}");
}
END_TEST

/* Whatever the room, the object is closed, and a field is there whole or not at all. */
START_TEST(a_long_json_line_says_that_it_is_cut)
{
    char fields[300], text[400];
    memset(fields, 'x', sizeof(fields));
    memcpy(fields, "a=1 b=", 6);
    fields[299] = '\0';
    for (size_t size = 128; size < sizeof(text); size++) {
        const char *line = json_of("event", fields, text, size);
        ck_assert_uint_lt(strlen(line), size);
        ck_assert_ptr_nonnull(strstr(line, "\"a\":1"));
        ck_assert_int_eq(line[strlen(line) - 1], '}');
        ck_assert((strstr(line, "\"b\":\"xx") != NULL) != (strstr(line, ",\"truncated\":true}") != NULL));
    }
}
END_TEST

static void keep_line(void *context, enum pt_log_level level, const char *line)
{
    (void)level;
    (void)snprintf(context, 4096, "%s", line);
}

/* What comes from outside stays in its field and on its line, whatever it holds; the JSON holds what it was. */
START_TEST(what_is_put_into_a_line_stays_in_its_field)
{
    static const struct {
        const char *put, *quoted, *bare, *json;
    } cases[] = {
        {"plain", "plain", "plain", "plain"},
        {"x\" level=\"fake", "x\\\" level=\\\"fake", "x\\\"\\x20level=\\\"fake", "x\\\" level=\\\"fake"},
        {"a\n2026-01-01T00:00:00Z error fake", "a\\n2026-01-01T00:00:00Z error fake",
         "a\\n2026-01-01T00:00:00Z\\x20error\\x20fake", "a\\u000a2026-01-01T00:00:00Z error fake"},
        {"\x1b[2J\x7f\r\t", "\\x1b[2J\\x7f\\r\\t", "\\x1b[2J\\x7f\\r\\t", "\\u001b[2J\\u007f\\u000d\\u0009"},
        {"back\\slash\\n", "back\\\\slash\\\\n", "back\\\\slash\\\\n", "back\\\\slash\\\\n"},
        {"\xc2\x9b"
         "31m \xe2\x80\xae\xe2\x80\xa8",
         "\\xc2\\x9b31m \\xe2\\x80\\xae\\xe2\\x80\\xa8", "\\xc2\\x9b31m\\x20\\xe2\\x80\\xae\\xe2\\x80\\xa8",
         "\\u009b31m \\u202e\\u2028"},
        {"\xff\xfe\xc3", "\\xff\\xfe\\xc3", "\\xff\\xfe\\xc3", "\\ufffd\\ufffd\\ufffd"},
        {"%s%n%d \xc3\xa4\xf0\x9f\x98\x80", "%s%n%d \xc3\xa4\xf0\x9f\x98\x80", "%s%n%d\\x20\xc3\xa4\xf0\x9f\x98\x80",
         "%s%n%d \xc3\xa4\xf0\x9f\x98\x80"},
        {"$(reboot) `id` ${jndi:ldap://x} <script>", "$(reboot) `id` ${jndi:ldap://x} <script>",
         "$(reboot)\\x20`id`\\x20${jndi:ldap://x}\\x20<script>", "$(reboot) `id` ${jndi:ldap://x} <script>"},
    };
    char line[4096], want[4096];
    struct pt_log log = {.level_min = PT_LOG_INFO, .sink = keep_line, .context = line};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        log.json = false;
        pt_log_info(&log, "event", "who=%s reason=\"%.*s\" n=%zu", cases[i].put, 200, cases[i].put, i);
        (void)snprintf(want, sizeof(want), "info  event who=%s reason=\"%s\" n=%zu", cases[i].bare, cases[i].quoted, i);
        ck_assert_str_eq(line, want);
        log.json = true;
        pt_log_info(&log, "event", "who=%s reason=\"%.*s\" n=%zu", cases[i].put, 200, cases[i].put, i);
        (void)snprintf(want, sizeof(want),
                       "{\"level\":\"info\",\"event\":\"event\",\"who\":\"%s\",\"reason\":\"%s\",\"n\":%zu}",
                       cases[i].json, cases[i].json, i);
        ck_assert_str_eq(line, want);
    }
    log.json = false;
    pt_log_info(&log, "numbers", "a=%d b=%u c=%lld d=%llx e=%zu f=%016" PRIx64 " g=%.2f h=100%% i=%.3s j=%-4s|", -1, 2U,
                -3LL, 0xfULL, (size_t)5, (uint64_t)6, 7.125, "abcdef", "x");
    ck_assert_str_eq(line,
                     "info  numbers a=-1 b=2 c=-3 d=f e=5 f=0000000000000006 g=7.12 h=100% i=abc j=x\\x20\\x20\\x20|");
    char big[9000];
    memset(big, '\n', sizeof(big));
    big[sizeof(big) - 1] = '\0';
    pt_log_info(&log, "big", "a=\"%s\" b=1", big);
    ck_assert_uint_lt(strlen(line), 2048);
    ck_assert_ptr_null(strchr(line, '\n'));
}
END_TEST

START_TEST(codes_round_trip_to_grpc)
{
    for (int status = 0; status <= 16; status++) {
        enum pt_code code = pt_code_from_grpc(status);
        ck_assert_int_eq((int)code, status);
        ck_assert_int_eq(pt_code_grpc(code), status);
        ck_assert_str_ne(pt_code_name(code), "unknown code");
    }
    ck_assert_int_eq(pt_code_from_grpc(17), PT_UNKNOWN);
    ck_assert_int_eq(pt_code_from_grpc(-1), PT_UNKNOWN);
    ck_assert_int_eq(pt_code_from_grpc(PT_IO), PT_UNKNOWN); /* never on the wire */
    static const enum pt_code inner[] = {PT_IO, PT_NO_SPACE, PT_NOT_LEADER, PT_CORRUPT, PT_CLOSED};
    for (size_t i = 0; i < 5; i++) {
        ck_assert_int_gt(pt_code_grpc(inner[i]), 0);
        ck_assert_int_le(pt_code_grpc(inner[i]), 16);
    }
    ck_assert_int_eq(pt_code_grpc(PT_NO_SPACE), PT_EXHAUSTED);
}
END_TEST

START_TEST(reasons_round_trip)
{
#define CHECK_REASON(name) ck_assert_int_eq(pt_reason_from_name(pt_reason_name(PT_REASON_##name)), PT_REASON_##name);
    PT_REASONS(CHECK_REASON)
#undef CHECK_REASON
    ck_assert_str_eq(pt_reason_name(PT_REASON_NO_LEADER), "NO_LEADER");
    ck_assert_int_eq(pt_reason_from_name("no_leader"), PT_REASON_NONE);
    ck_assert_int_eq(pt_reason_from_name(""), PT_REASON_NONE);
}
END_TEST

static enum pt_code try_it(enum pt_code code, bool *passed)
{
    PT_TRY(code);
    *passed = true;
    return PT_OK;
}

START_TEST(fail_fills_and_cuts)
{
    struct pt_error error;
    char longer[PT_ERROR_TEXT_SIZE * 2];
    memset(longer, 'x', sizeof(longer));
    longer[sizeof(longer) - 1] = '\0';
    ck_assert_int_eq(pt_fail(&error, PT_NOT_FOUND, PT_REASON_RESOURCE_NOT_FOUND, "a.b", "no %s", "site"), PT_NOT_FOUND);
    ck_assert_int_eq(error.code, PT_NOT_FOUND);
    ck_assert_int_eq(error.reason, PT_REASON_RESOURCE_NOT_FOUND);
    ck_assert_str_eq(error.field, "a.b");
    ck_assert_str_eq(error.text, "no site");
    ck_assert_int_eq(pt_fail(NULL, PT_ABORTED, PT_REASON_NONE, NULL, "nobody reads it"), PT_ABORTED);
    ck_assert_int_eq(pt_fail(&error, PT_INTERNAL, PT_REASON_NONE, longer, "%s", longer), PT_INTERNAL);
    ck_assert_uint_eq(strlen(error.field), PT_ERROR_FIELD_SIZE - 1);
    ck_assert_uint_eq(strlen(error.text), PT_ERROR_TEXT_SIZE - 1);
    ck_assert_int_eq(pt_fail(&error, PT_INTERNAL, PT_REASON_NONE, NULL, "x"), PT_INTERNAL);
    ck_assert_str_eq(error.field, "");
    bool passed = false;
    ck_assert_int_eq(try_it(PT_IO, &passed), PT_IO);
    ck_assert(!passed);
    ck_assert_int_eq(try_it(PT_OK, &passed), PT_OK);
    ck_assert(passed);
}
END_TEST

START_TEST(errno_becomes_a_code)
{
    struct pt_error error;
    ck_assert_int_eq(pt_fail_errno(&error, ENOSPC, "/f", "cannot write"), PT_NO_SPACE);
    ck_assert_int_eq(error.reason, PT_REASON_NO_SPACE);
    ck_assert_str_eq(error.field, "/f");
    ck_assert_str_eq(error.text, "cannot write: No space left on device");
    ck_assert_int_eq(pt_fail_errno(NULL, EDQUOT, NULL, "x"), PT_NO_SPACE);
    ck_assert_int_eq(pt_fail_errno(&error, EIO, NULL, "x"), PT_IO);
}
END_TEST

START_TEST(wrap_puts_a_prefix)
{
    struct pt_error error;
    (void)pt_fail(&error, PT_IO, PT_REASON_NONE, "f", "no disk");
    ck_assert_int_eq(pt_wrap(&error, PT_INTERNAL, "log %d", 7), PT_IO); /* the error's own code stays */
    ck_assert_str_eq(error.text, "log 7: no disk");
    ck_assert_str_eq(error.field, "f");
    ck_assert_int_eq(pt_wrap(NULL, PT_INTERNAL, "x"), PT_INTERNAL);
    for (int i = 0; i < 200; i++) {
        (void)pt_wrap(&error, PT_INTERNAL, "again");
    }
    ck_assert_uint_lt(strlen(error.text), PT_ERROR_TEXT_SIZE);
    ck_assert_int_eq(strncmp(error.text, "again: again: ", 14), 0);
}
END_TEST

/* ---- log ------------------------------------------------------------------------------------------------------ */

struct sink {
    char line[4096];
    enum pt_log_level level;
    int lines;
};

static void take_line(void *context, enum pt_log_level level, const char *line)
{
    struct sink *sink = context;
    sink->lines++;
    sink->level = level;
    (void)snprintf(sink->line, sizeof(sink->line), "%s", line);
}

START_TEST(log_writes_event_and_fields)
{
    struct sink sink = {.lines = 0};
    struct pt_log log = {.level_min = PT_LOG_INFO, .sink = take_line, .context = &sink, .node = "n1"};
    pt_log_debug(&log, "hidden", "");
    ck_assert_int_eq(sink.lines, 0);
    pt_log_warn(&log, "bundle refused", "site=%s generation=%d", "paris", 7);
    ck_assert_int_eq(sink.lines, 1);
    ck_assert_int_eq(sink.level, PT_LOG_WARN);
    ck_assert_str_eq(sink.line, "warn  n1: bundle refused site=paris generation=7");
    log.node = NULL;
    pt_log_info(&log, "started", "");
    ck_assert_str_eq(sink.line, "info  started");
    pt_log_error(NULL, "nobody", "");
    ck_assert_int_eq(sink.lines, 2);
    char longer[5000];
    memset(longer, 'x', sizeof(longer));
    longer[sizeof(longer) - 1] = '\0';
    pt_log_error(&log, "long", "value=%s", longer);
    pt_log_error(&log, longer, "value=%s", longer);
    ck_assert_int_eq(sink.lines, 4);
    ck_assert_uint_lt(strlen(sink.line), 2048);
}
END_TEST

START_TEST(log_levels_parse)
{
    ck_assert_int_eq(pt_log_level_parse("debug"), PT_LOG_DEBUG);
    ck_assert_int_eq(pt_log_level_parse("error"), PT_LOG_ERROR);
    ck_assert_int_eq(pt_log_level_parse("Error"), -1);
    ck_assert_int_eq(pt_log_level_parse(""), -1);
}
END_TEST

/* ---- state tables --------------------------------------------------------------------------------------------- */

static const struct pt_sm_state door[] = {
    {"open", 1U << 1},
    {"closed", 1U << 0 | 1U << 2},
    {"locked", 1U << 1},
};

static bool has_key(const void *owner, unsigned state)
{
    return state != 2 || *(const bool *)owner;
}

START_TEST(sm_moves_as_the_table_says)
{
    bool key = true;
    struct pt_sm sm;
    pt_sm_init(&sm, door, has_key, &key, 0);
    ck_assert_str_eq(pt_sm_name(&sm), "open");
    pt_sm_move(&sm, 1);
    pt_sm_move(&sm, 2);
    ck_assert_str_eq(pt_sm_name(&sm), "locked");
}
END_TEST

/* These two abort, as they must; they run in a child. */
START_TEST(sm_aborts_on_an_illegal_move)
{
    struct pt_sm sm;
    pt_sm_init(&sm, door, NULL, NULL, 0);
    pt_sm_move(&sm, 2);
}
END_TEST

START_TEST(sm_aborts_on_a_broken_invariant)
{
    bool key = false;
    struct pt_sm sm;
    pt_sm_init(&sm, door, has_key, &key, 1);
    pt_sm_move(&sm, 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base_error");
    TCase *tc = tcase_create("all");
    tcase_add_test(tc, codes_round_trip_to_grpc);
    tcase_add_test(tc, a_log_line_is_one_json_object);
    tcase_add_test(tc, a_long_json_line_says_that_it_is_cut);
    tcase_add_test(tc, what_is_put_into_a_line_stays_in_its_field);
    tcase_add_test(tc, reasons_round_trip);
    tcase_add_test(tc, fail_fills_and_cuts);
    tcase_add_test(tc, errno_becomes_a_code);
    tcase_add_test(tc, wrap_puts_a_prefix);
    tcase_add_test(tc, log_writes_event_and_fields);
    tcase_add_test(tc, log_levels_parse);
    tcase_add_test(tc, sm_moves_as_the_table_says);
    tcase_add_test_raise_signal(tc, sm_aborts_on_an_illegal_move, SIGABRT);
    tcase_add_test_raise_signal(tc, sm_aborts_on_a_broken_invariant, SIGABRT);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite); /* forks: two tests abort */
    srunner_set_fork_status(runner, CK_FORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
