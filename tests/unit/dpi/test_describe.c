/*
 * Which application an organization's descriptions make of a flow: every criterion alone, all together, whose
 * description counts when several do, and what a name alone may decide.
 */
#include "dpi/describe.h"

#include <check.h>
#include <string.h>

#define SCOPE 7
#define TCP 6
#define UDP 17
#define SSH 70
#define TLS 71

static struct pt_dpi_set *set;

static void setup(void)
{
    set = pt_dpi_set_new();
}

static void teardown(void)
{
    pt_dpi_set_free(set);
}

static struct pt_ip address_of(const char *text)
{
    struct pt_ip ip;
    ck_assert_int_eq(pt_ip_parse(text, &ip, NULL), PT_OK);
    return ip;
}

/* A flow that tells everything. */
static struct pt_dpi_subject flow(void)
{
    return (struct pt_dpi_subject){.destination = address_of("203.0.113.9"),
                                   .port = 443,
                                   .protocol = TCP,
                                   .dscp = 46,
                                   .host = "cdn.video.test",
                                   .signature = SSH,
                                   .carrier = TLS};
}

static struct pt_dpi_description *add(uint32_t scope, uint32_t number)
{
    return pt_dpi_set_add(set, scope, number, "organizations/acme/applications/x", 1)->descriptions;
}

static uint32_t match(uint32_t scope, const struct pt_dpi_subject *subject)
{
    const struct pt_dpi_application *found = pt_dpi_set_match(set, scope, subject);
    return found != NULL ? found->number : 0;
}

static uint32_t match_host(const char *host, uint32_t signature)
{
    const struct pt_dpi_application *found = pt_dpi_set_match_host(set, SCOPE, host, signature);
    return found != NULL ? found->number : 0;
}

START_TEST(each_criterion_decides_alone)
{
    static const struct pt_dpi_span spans[] = {{80, 80}, {440, 443}};
    static const char *const hosts[] = {"other.test", "*.video.test"};
    static const uint32_t signatures[] = {9, TLS};
    struct pt_prefix prefixes[2];
    ck_assert_int_eq(pt_prefix_parse("2001:db8::/32", &prefixes[0], NULL), PT_OK);
    ck_assert_int_eq(pt_prefix_parse("203.0.113.8/31", &prefixes[1], NULL), PT_OK);
    for (unsigned i = 0; i < 6; i++) { /* one number for each criterion; each in a scope of its own */
        struct pt_dpi_description *description = add(SCOPE + i, i + 1);
        switch (i) {
        case 0:
            description->ports = spans;
            description->ports_len = 2;
            break;
        case 1:
            description->prefixes = prefixes;
            description->prefixes_len = 2;
            break;
        case 2:
            description->protocol = TCP;
            break;
        case 3:
            description->dscp_mask = 1ULL << 46 | 1ULL << 10;
            break;
        case 4:
            description->hosts = hosts;
            description->hosts_len = 2;
            break;
        default:
            description->signatures = signatures;
            description->signatures_len = 2;
        }
    }
    struct pt_dpi_subject fits = flow(), other = flow();
    other.port = 444;
    other.destination = address_of("203.0.113.10");
    other.protocol = UDP;
    other.dscp = 45;
    other.host = "video.test"; /* "*." is for names below */
    other.carrier = 0;
    for (unsigned i = 0; i < 6; i++) {
        ck_assert_uint_eq(match(SCOPE + i, &fits), i + 1);
        ck_assert_uint_eq(match(SCOPE + i, &other), 0);
    }
    fits.port = 440;
    ck_assert_uint_eq(match(SCOPE, &fits), 1);
    fits.port = 439;
    ck_assert_uint_eq(match(SCOPE, &fits), 0);
    fits.host = ""; /* not known */
    ck_assert_uint_eq(match(SCOPE + 4, &fits), 0);
    ck_assert_uint_eq(match(SCOPE + 6, &fits), 0); /* another segment's are nobody's here */
}
END_TEST

START_TEST(all_that_is_said_must_hold)
{
    static const struct pt_dpi_span spans[] = {{443, 443}};
    static const char *const hosts[] = {"cdn.video.test"};
    struct pt_dpi_description *description = add(SCOPE, 5);
    description->protocol = TCP;
    description->ports = spans;
    description->ports_len = 1;
    description->hosts = hosts;
    description->hosts_len = 1;
    struct pt_dpi_subject subject = flow();
    ck_assert_uint_eq(match(SCOPE, &subject), 5);
    subject.protocol = UDP;
    ck_assert_uint_eq(match(SCOPE, &subject), 0);
    subject.protocol = TCP;
    subject.port = 80;
    ck_assert_uint_eq(match(SCOPE, &subject), 0);
    subject.port = 443;
    subject.host = "www.video.test";
    ck_assert_uint_eq(match(SCOPE, &subject), 0);
}
END_TEST

/* One application has several descriptions; of several applications the one with the lowest number counts, whichever
 * was added first. */
START_TEST(the_lowest_number_that_fits_counts)
{
    static const struct pt_dpi_span ssh[] = {{22, 22}}, web[] = {{443, 443}};
    (void)add(SCOPE, 8); /* whatever it is */
    (void)add(SCOPE, 9);
    struct pt_dpi_application *first = pt_dpi_set_add(set, SCOPE, 3, "first", 2);
    first->descriptions[0].ports = ssh;
    first->descriptions[1].ports = web;
    first->descriptions[0].ports_len = first->descriptions[1].ports_len = 1;
    first->traffic_class = 4;
    struct pt_dpi_subject subject = flow();
    ck_assert_uint_eq(match(SCOPE, &subject), 3);
    subject.port = 22;
    ck_assert_uint_eq(match(SCOPE, &subject), 3);
    ck_assert_uint_eq(pt_dpi_set_match(set, SCOPE, &subject)->traffic_class, 4);
    subject.port = 23;
    ck_assert_uint_eq(match(SCOPE, &subject), 8);
    ck_assert_str_eq(pt_dpi_set_find(set, SCOPE, 3)->name, "first");
    ck_assert_ptr_null(pt_dpi_set_find(set, SCOPE + 1, 3));
    ck_assert_ptr_null(pt_dpi_set_find(set, SCOPE, 4));
    ck_assert_uint_eq(match(SCOPE + 1, &subject), 0);
    ck_assert_ptr_null(pt_dpi_set_match(NULL, SCOPE, &subject));
}
END_TEST

/* An address that a name led to says nothing of ports: what asks for more than a name is not decided by one. */
START_TEST(a_name_decides_where_nothing_else_is_asked)
{
    static const struct pt_dpi_span web[] = {{443, 443}};
    static const char *const hosts[] = {"*.video.test"}, *const others[] = {"*.notes.test"};
    static const uint32_t signatures[] = {TLS};
    struct pt_dpi_description *more = add(SCOPE, 1), *name, *operator_of;
    more->hosts = hosts;
    more->hosts_len = 1;
    more->ports = web;
    more->ports_len = 1;
    (void)add(SCOPE, 2); /* any flow: not a matter of names */
    name = add(SCOPE, 3);
    name->hosts = others;
    name->hosts_len = 1;
    operator_of = add(SCOPE, 4);
    operator_of->signatures = signatures;
    operator_of->signatures_len = 1;
    ck_assert_uint_eq(match_host("cdn.video.test", 0), 0);
    ck_assert_uint_eq(match_host("my.notes.test", 0), 3);
    ck_assert_uint_eq(match_host("my.notes.test", TLS), 3);
    ck_assert_uint_eq(match_host("cdn.video.test", TLS), 4);
    ck_assert_uint_eq(match_host("cdn.video.test", SSH), 0);
}
END_TEST

/* More than the set had room for at first, the highest number first. */
START_TEST(many_are_kept_in_their_order)
{
    static struct pt_dpi_span spans[100];
    for (uint16_t i = 100; i-- > 0;) {
        struct pt_dpi_description *description = add(SCOPE, i + 1U);
        spans[i] = (struct pt_dpi_span){1000, (uint16_t)(1000 + i)};
        description->ports = &spans[i];
        description->ports_len = 1;
    }
    struct pt_dpi_subject subject = flow();
    for (uint16_t i = 0; i < 100; i++) {
        subject.port = (uint16_t)(1000 + i);
        ck_assert_uint_eq(match(SCOPE, &subject), i + 1U); /* those before it end below */
    }
    subject.port = 999;
    ck_assert_uint_eq(match(SCOPE, &subject), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("describe");
    TCase *cases = tcase_create("all");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, each_criterion_decides_alone);
    tcase_add_test(cases, all_that_is_said_must_hold);
    tcase_add_test(cases, the_lowest_number_that_fits_counts);
    tcase_add_test(cases, a_name_decides_where_nothing_else_is_asked);
    tcase_add_test(cases, many_are_kept_in_their_order);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
