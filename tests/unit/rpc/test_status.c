/*
 * The error codec: what goes over the wire is google.rpc.Status, byte for byte, and nothing that comes back breaks it.
 */
#include "rpc/rpc_status.h"

#include <check.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static struct pt_error make(enum pt_code code, enum pt_reason reason, const char *field, const char *text)
{
    struct pt_error error;
    (void)pt_fail(&error, code, reason, field, "%s", text);
    return error;
}

START_TEST(the_bytes_are_those_of_protoc)
{
    /* protoc --encode=google.rpc.Status of: code: 3 message: "no"
     * details { [.../google.rpc.ErrorInfo] { reason: "FIELD_INVALID" domain: "patronus"
     *           metadata { key: "field" value: "a" } } }
     * details { [.../google.rpc.BadRequest] { field_violations { field: "a" description: "no" } } } */
    static const char expected[] =
        "080312026e6f"
        "1a510a28747970652e676f6f676c65617069732e636f6d2f676f6f676c652e7270632e4572726f72496e666f"
        "12250a0d4649454c445f494e56414c49441208706174726f6e75731a0a0a056669656c64120161"
        "1a360a29747970652e676f6f676c65617069732e636f6d2f676f6f676c652e7270632e42616452657175657374"
        "12090a070a016112026e6f";
    struct pt_error error = make(PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "a", "no");
    PT_AUTO(buf) struct pt_buf out = {0};
    PT_AUTO(buf) struct pt_buf hex = {0};
    pt_rpc_status_encode(&error, &out);
    for (size_t i = 0; i < out.size; i++) {
        pt_buf_printf(&hex, "%02x", out.data[i]);
    }
    ck_assert_str_eq((char *)hex.data, expected);
}
END_TEST

/* What a client of any language reads when a tenant has no room, or asks too often. */
START_TEST(quotas_and_delays_are_those_of_protoc)
{
    /* protoc --encode=google.rpc.Status of: code: 8 message: "full"
     * details { [.../google.rpc.ErrorInfo] { reason: "QUOTA_EXCEEDED" domain: "patronus"
     *           metadata { key: "field" value: "sites" } metadata { key: "quota_subject" value: "organizations/a" }
     *           metadata { key: "quota_limit" value: "3" } metadata { key: "quota_usage" value: "2" } } }
     * details { [.../google.rpc.QuotaFailure] { violations { subject: "organizations/a" description: "full"
     *           4: "sites" 7: 3 } } }        quota_metric and quota_value: newer than many a protoc
     * details { [.../google.rpc.RetryInfo] { retry_delay { seconds: 1 nanos: 500000000 } } } */
    static const char expected[] =
        "0808120466756c6c1a9c010a28747970652e676f6f676c65617069732e636f6d2f676f6f676c652e7270632e4572726f7249"
        "6e666f12700a0e51554f54415f45584345454445441208706174726f6e75731a0e0a056669656c64120573697465731a200a"
        "0d71756f74615f7375626a656374120f6f7267616e697a6174696f6e732f611a100a0b71756f74615f6c696d69741201331a"
        "100a0b71756f74615f75736167651201321a510a2b747970652e676f6f676c65617069732e636f6d2f676f6f676c652e7270"
        "632e51756f74614661696c75726512220a200a0f6f7267616e697a6174696f6e732f61120466756c6c220573697465733803"
        "1a360a28747970652e676f6f676c65617069732e636f6d2f676f6f676c652e7270632e5265747279496e666f120a0a080801"
        "1080cab5ee01";
    struct pt_error error = make(PT_EXHAUSTED, PT_REASON_QUOTA_EXCEEDED, "sites", "full");
    (void)strcpy(error.subject, "organizations/a");
    error.limit = 3;
    error.usage = 2;
    error.retry_ms = 1500;
    PT_AUTO(buf) struct pt_buf out = {0};
    PT_AUTO(buf) struct pt_buf hex = {0};
    pt_rpc_status_encode(&error, &out);
    for (size_t i = 0; i < out.size; i++) {
        pt_buf_printf(&hex, "%02x", out.data[i]);
    }
    ck_assert_str_eq((char *)hex.data, expected);
    struct pt_error back;
    pt_rpc_status_decode(8, "full", pt_buf_bytes(&out), &back);
    ck_assert_str_eq(back.subject, error.subject);
    ck_assert_uint_eq(back.limit, 3);
    ck_assert_uint_eq(back.usage, 2);
    ck_assert_uint_eq(back.retry_ms, 1500);
}
END_TEST

START_TEST(every_code_and_reason_comes_back)
{
    static const enum pt_code codes[] = {
#define CODE(name, number, text) PT_##name,
        PT_CODES(CODE)
#undef CODE
    };
    static const enum pt_reason reasons[] = {
#define REASON(name) PT_REASON_##name,
        PT_REASONS(REASON)
#undef REASON
    };
    for (size_t i = 1; i < sizeof(codes) / sizeof(codes[0]); i++) {
        for (size_t j = 0; j < sizeof(reasons) / sizeof(reasons[0]); j++) {
            struct pt_error error = make(codes[i], reasons[j], "links[3].rate_bps", "too fast");
            PT_AUTO(buf) struct pt_buf out = {0};
            pt_rpc_status_encode(&error, &out);
            struct pt_error back;
            pt_rpc_status_decode(pt_code_grpc(codes[i]), "too fast", pt_buf_bytes(&out), &back);
            ck_assert_int_eq(back.code, pt_code_grpc(codes[i]));
            ck_assert_int_eq(back.reason, reasons[j]);
            ck_assert_str_eq(back.text, "too fast");
            bool has_field = reasons[j] != PT_REASON_NONE || codes[i] == PT_INVALID_ARGUMENT;
            ck_assert_str_eq(back.field, has_field ? "links[3].rate_bps" : "");
        }
    }
}
END_TEST

START_TEST(a_full_error_fits_and_a_long_field_is_kept)
{
    struct pt_error error = {.code = PT_INVALID_ARGUMENT, .reason = PT_REASON_FIELD_INVALID};
    memset(error.field, 'f', sizeof(error.field) - 1);
    memset(error.text, 't', sizeof(error.text) - 1);
    PT_AUTO(buf) struct pt_buf out = {0};
    pt_rpc_status_encode(&error, &out);
    ck_assert_uint_lt(out.size, 2048);
    struct pt_error back;
    pt_rpc_status_decode(3, error.text, pt_buf_bytes(&out), &back);
    ck_assert_str_eq(back.field, error.field);
    ck_assert_str_eq(back.text, error.text);
}
END_TEST

START_TEST(cut_and_corrupted_bytes_are_survived)
{
    struct pt_error error = make(PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "site.name", "not a name");
    PT_AUTO(buf) struct pt_buf out = {0};
    pt_rpc_status_encode(&error, &out);
    for (size_t size = 0; size <= out.size; size++) {
        /* A copy of exact size, so that the sanitizer sees a read past the end. */
        uint8_t *copy = malloc(size + (size == 0));
        memcpy(copy, out.data, size);
        struct pt_error back;
        pt_rpc_status_decode(3, "not a name", (struct pt_bytes){.data = copy, .size = size}, &back);
        ck_assert_int_eq(back.code, PT_INVALID_ARGUMENT);
        for (size_t bit = 0; bit < size * 8; bit++) {
            copy[bit / 8] ^= (uint8_t)(1U << bit % 8);
            pt_rpc_status_decode(3, "not a name", (struct pt_bytes){.data = copy, .size = size}, &back);
            ck_assert_uint_lt(strlen(back.field), sizeof(back.field));
            copy[bit / 8] ^= (uint8_t)(1U << bit % 8);
        }
        free(copy);
    }
}
END_TEST

START_TEST(details_of_another_domain_are_not_ours)
{
    static const uint8_t other[] = "\x1a\x48\x0a\x28type.googleapis.com/google.rpc.ErrorInfo"
                                   "\x12\x1c\x0a\x0d"
                                   "FIELD_INVALID\x12\x0b"
                                   "example.com";
    struct pt_error back;
    pt_rpc_status_decode(9, "", (struct pt_bytes){.data = other, .size = sizeof(other) - 1}, &back);
    ck_assert_int_eq(back.code, PT_FAILED_PRECONDITION);
    ck_assert_int_eq(back.reason, PT_REASON_NONE);
}
END_TEST

START_TEST(text_is_made_valid_utf8)
{
    static const struct {
        const char *from, *to;
    } cases[] = {
        {"plain", "plain"},
        {"\xc2\xb5s", "\xc2\xb5s"},
        {"\xe2\x82\xac \xf0\x9f\x98\x80", "\xe2\x82\xac \xf0\x9f\x98\x80"},
        {"cut \xc2", "cut ?"},
        {"cut \xe2\x82", "cut ??"},
        {"\xc0\xaf overlong", "?? overlong"},
        {"\xed\xa0\x80 surrogate", "??? surrogate"},
        {"\xf4\x90\x80\x80 beyond", "???? beyond"},
        {"\xff\xfe", "??"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[64];
        size_t size = pt_rpc_status_text(cases[i].from, text, sizeof(text));
        ck_assert_str_eq(text, cases[i].to);
        ck_assert_uint_eq(size, strlen(text));
    }
    char small[4];
    ck_assert_uint_eq(pt_rpc_status_text("ab\xe2\x82\xac", small, sizeof(small)), 2); /* no half character */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rpc status");
    TCase *test_case = tcase_create("status");
    tcase_add_test(test_case, the_bytes_are_those_of_protoc);
    tcase_add_test(test_case, quotas_and_delays_are_those_of_protoc);
    tcase_add_test(test_case, every_code_and_reason_comes_back);
    tcase_add_test(test_case, a_full_error_fits_and_a_long_field_is_kept);
    tcase_add_test(test_case, cut_and_corrupted_bytes_are_survived);
    tcase_add_test(test_case, details_of_another_domain_are_not_ours);
    tcase_add_test(test_case, text_is_made_valid_utf8);
    suite_add_tcase(suite, test_case);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
