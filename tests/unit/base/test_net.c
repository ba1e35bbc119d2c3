/*
 * Addresses: tables of text that is accepted, with its canonical form, and of text that is refused.
 */
#include "base/net.h"

#include <check.h>
#include <string.h>

#define LEN(table) (sizeof(table) / sizeof((table)[0]))

struct form {
    const char *text;
    const char *canonical; /* NULL: refused */
};

static const struct form ips[] = {
    {"192.0.2.1", "192.0.2.1"},
    {"0.0.0.0", "0.0.0.0"},
    {"255.255.255.255", "255.255.255.255"},
    {"::", "::"},
    {"::1", "::1"},
    {"2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},    /* RFC 5952 4.2.3: the first of two equal runs */
    {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"}, /* 4.2.2: one field is not shortened */
    {"fe80:0:0:0:0:0:0:1", "fe80::1"},
    {"::ffff:192.0.2.1", "192.0.2.1"}, /* v4-mapped is IPv4 here */
    {"", NULL},
    {"1.2.3", NULL},
    {"1.2.3.4.5", NULL},
    {"256.0.0.1", NULL},
    {"01.2.3.4", NULL}, /* octal to some, decimal to others */
    {" 1.2.3.4", NULL},
    {"1.2.3.4 ", NULL},
    {"1.2.3.4/8", NULL},
    {":::", NULL},
    {"1::2::3", NULL},
    {"12345::", NULL},
    {"fe80::1%eth0", NULL},
    {"[::1]", NULL},
    {"localhost", NULL},
};

START_TEST(ip_text)
{
    for (size_t i = 0; i < LEN(ips); i++) {
        struct pt_ip ip;
        struct pt_error error;
        char text[PT_IP_TEXT_SIZE];
        memset(&ip, 0x55, sizeof(ip));
        struct pt_ip before = ip;
        enum pt_code code = pt_ip_parse(ips[i].text, &ip, &error);
        if (ips[i].canonical == NULL) {
            ck_assert_msg(code == PT_INVALID_ARGUMENT, "'%s' was accepted", ips[i].text);
            ck_assert(pt_ip_equal(&ip, &before));
            ck_assert_int_eq(error.reason, PT_REASON_FIELD_INVALID);
        } else {
            ck_assert_msg(code == PT_OK, "'%s' was refused", ips[i].text);
            ck_assert_str_eq(pt_ip_format(&ip, text), ips[i].canonical);
        }
    }
}
END_TEST

static const struct form prefixes[] = {
    {"10.0.0.0/8", "10.0.0.0/8"},
    {"10.1.2.3/8", "10.1.2.3/8"}, /* host bits are allowed by the parser */
    {"0.0.0.0/0", "0.0.0.0/0"},
    {"1.2.3.4/32", "1.2.3.4/32"},
    {"::/0", "::/0"},
    {"2001:db8::/128", "2001:db8::/128"},
    {"::ffff:10.0.0.0/104", "10.0.0.0/8"}, /* the same prefix, written long */
    {"::ffff:0.0.0.0/96", "0.0.0.0/0"},
    {"::ffff:10.0.0.0/95", NULL}, /* neither IPv4 nor a prefix that we could hold */
    {"10.0.0.0", NULL},
    {"10.0.0.0/", NULL},
    {"10.0.0.0/33", NULL},
    {"10.0.0.0/08", NULL},
    {"10.0.0.0/+8", NULL},
    {"10.0.0.0/ 8", NULL},
    {"10.0.0.0/8 ", NULL},
    {"10.0.0.0/-1", NULL},
    {"10.0.0.0/4294967304", NULL},
    {"::/129", NULL},
    {"/8", NULL},
    {"10.0.0.0/255.0.0.0", NULL},
    {"2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff:2001:db8:aaaa:bbbb/64", NULL},
};

START_TEST(prefix_text)
{
    for (size_t i = 0; i < LEN(prefixes); i++) {
        struct pt_prefix prefix;
        char text[PT_PREFIX_TEXT_SIZE];
        enum pt_code code = pt_prefix_parse(prefixes[i].text, &prefix, NULL);
        if (prefixes[i].canonical == NULL) {
            ck_assert_msg(code == PT_INVALID_ARGUMENT, "'%s' was accepted", prefixes[i].text);
        } else {
            ck_assert_msg(code == PT_OK, "'%s' was refused", prefixes[i].text);
            ck_assert_str_eq(pt_prefix_format(&prefix, text), prefixes[i].canonical);
            ck_assert_uint_le(pt_prefix_len128(&prefix), 128);
        }
    }
}
END_TEST

static const struct form canonicals[] = {
    {"10.1.2.3/8", "10.0.0.0/8"}, {"10.255.255.255/9", "10.128.0.0/9"}, {"1.2.3.4/0", "0.0.0.0/0"},
    {"1.2.3.4/31", "1.2.3.4/31"}, {"1.2.3.5/31", "1.2.3.4/31"},         {"2001:db8:ffff::1/33", "2001:db8:8000::/33"},
    {"ffff::1/0", "::/0"},
};

START_TEST(prefix_canonical)
{
    for (size_t i = 0; i < LEN(canonicals); i++) {
        struct pt_prefix prefix;
        char text[PT_PREFIX_TEXT_SIZE];
        ck_assert_int_eq(pt_prefix_parse(canonicals[i].text, &prefix, NULL), PT_OK);
        prefix = pt_prefix_canonical(&prefix);
        ck_assert_str_eq(pt_prefix_format(&prefix, text), canonicals[i].canonical);
    }
}
END_TEST

/* Every length of IPv4 against masks; IPv6 never contains IPv4. */
START_TEST(prefix_contains)
{
    static const uint32_t addresses[] = {0, 1, 0x0a000001, 0x0a800001, 0x7fffffff, 0x80000000, 0xffffffff};
    for (uint8_t len = 0; len <= 32; len++) {
        uint32_t mask = len == 0 ? 0 : UINT32_MAX << (32 - len);
        for (size_t a = 0; a < LEN(addresses); a++) {
            struct pt_prefix prefix = {.ip = pt_ip_from_v4(addresses[a]), .len = len};
            for (size_t b = 0; b < LEN(addresses); b++) {
                struct pt_ip ip = pt_ip_from_v4(addresses[b]);
                ck_assert_uint_eq(pt_ip_to_v4(&ip), addresses[b]);
                ck_assert(pt_prefix_contains(&prefix, &ip) == ((addresses[a] & mask) == (addresses[b] & mask)));
            }
        }
    }
    struct pt_prefix all6 = {.len = 0};
    struct pt_ip v4 = pt_ip_from_v4(0x01020304);
    ck_assert(!pt_prefix_contains(&all6, &v4));
}
END_TEST

static const struct form endpoints[] = {
    {"192.0.2.1:7400", "192.0.2.1:7400"},
    {"[2001:db8::1]:7400", "[2001:db8::1]:7400"},
    {"[::]:0", "[::]:0"},
    {"1.2.3.4:65535", "1.2.3.4:65535"},
    {"1.2.3.4:65536", NULL},
    {"1.2.3.4:", NULL},
    {"1.2.3.4", NULL},
    {"1.2.3.4:-1", NULL},
    {"1.2.3.4: 1", NULL},
    {"1.2.3.4:000080", NULL},
    {"::1:80", NULL}, /* ambiguous without brackets */
    {"[::1]", NULL},
    {"[::1:80", NULL},
    {"[]:80", NULL},
    {"[1.2.3.4]:80", NULL}, /* brackets are for IPv6 */
    {":80", NULL},
    {"localhost:80", NULL},
};

START_TEST(endpoint_text)
{
    for (size_t i = 0; i < LEN(endpoints); i++) {
        struct pt_endpoint endpoint;
        char text[PT_ENDPOINT_TEXT_SIZE];
        enum pt_code code = pt_endpoint_parse(endpoints[i].text, &endpoint, NULL);
        if (endpoints[i].canonical == NULL) {
            ck_assert_msg(code == PT_INVALID_ARGUMENT, "'%s' was accepted", endpoints[i].text);
        } else {
            ck_assert_msg(code == PT_OK, "'%s' was refused", endpoints[i].text);
            ck_assert_str_eq(pt_endpoint_format(&endpoint, text), endpoints[i].canonical);
        }
    }
}
END_TEST

/* The longest texts fit their buffers. */
START_TEST(longest_text_fits)
{
    struct pt_endpoint endpoint = {.port = 65535};
    memset(endpoint.ip.bytes, 0xab, 16);
    char text[PT_ENDPOINT_TEXT_SIZE];
    ck_assert_str_eq(pt_endpoint_format(&endpoint, text), "[abab:abab:abab:abab:abab:abab:abab:abab]:65535");
    struct pt_endpoint back;
    ck_assert_int_eq(pt_endpoint_parse(text, &back, NULL), PT_OK);
    ck_assert(pt_ip_equal(&back.ip, &endpoint.ip));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base_net");
    TCase *tc = tcase_create("all");
    tcase_add_test(tc, ip_text);
    tcase_add_test(tc, prefix_text);
    tcase_add_test(tc, prefix_canonical);
    tcase_add_test(tc, prefix_contains);
    tcase_add_test(tc, endpoint_text);
    tcase_add_test(tc, longest_text_fits);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
