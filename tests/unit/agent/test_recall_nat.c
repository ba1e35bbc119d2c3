/*
 * What a translation's number means: the address and port of an exit's link, the prefix that a host is known under, or
 * another segment; and nothing when the bundle does not know it.
 */
#include "agent/recall_nat.h"
#include "bpf/abi/nat.h"

#include <check.h>
#include <string.h>

static struct pt_ip ip(const char *text)
{
    struct pt_ip address;
    ck_assert_int_eq(pt_ip_parse(text, &address, NULL), PT_OK);
    return address;
}

#define BYTES(ip) ((ProtobufCBinaryData){.len = sizeof((ip).bytes), .data = (ip).bytes})

static struct pt_bundle *make_bundle(void)
{
    Patronus__V1__Entry entries[5];
    Patronus__V1__Entry *list[5];
    Patronus__V1__ForwardEntry forward = PATRONUS__V1__FORWARD_ENTRY__INIT;
    struct pt_ip host = ip("10.2.0.9");
    Patronus__V1__LinkEntry links[2];
    Patronus__V1__PrefixMapEntry maps[2];
    struct pt_ip addresses[] = {ip("192.0.2.2"), ip("198.51.100.2")};
    struct pt_ip inside[] = {ip("10.1.0.0"), ip("10.2.0.0")}, outside[] = {ip("172.16.0.0"), ip("172.17.0.0")};
    for (int i = 0; i < 5; i++) {
        patronus__v1__entry__init(&entries[i]);
        list[i] = &entries[i];
    }
    for (int i = 0; i < 2; i++) {
        patronus__v1__link_entry__init(&links[i]);
        links[i].link = (uint32_t)i + 1;
        links[i].name = (char *)"link";
        links[i].address = BYTES(addresses[i]);
        entries[i].entry_case = PATRONUS__V1__ENTRY__ENTRY_LINK;
        entries[i].link = &links[i];
        patronus__v1__prefix_map_entry__init(&maps[i]);
        maps[i].vni = 7;
        maps[i].inside = BYTES(inside[i]);
        maps[i].prefix_len = 16;
        maps[i].outside = BYTES(outside[i]);
        entries[2 + i].entry_case = PATRONUS__V1__ENTRY__ENTRY_PREFIX_MAP;
        entries[2 + i].prefix_map = &maps[i];
    }
    forward.link = 2;
    forward.protocol = 6;
    forward.port = 8443;
    forward.vni = 7;
    forward.address = BYTES(host);
    forward.target_port = 443;
    entries[4].entry_case = PATRONUS__V1__ENTRY__ENTRY_FORWARD;
    entries[4].forward = &forward;
    return pt_bundle_new(list, 5);
}

START_TEST(the_number_becomes_an_address)
{
    static const struct {
        uint32_t nat, vni_of_flow;
        bool there;
        const char *source;
        uint16_t port;
        uint32_t link, vni;
    } cases[] = {
        {0, 7, false, "::", 0, 0, 0},
        {PT_NAT_INDEX(2U, PT_NAT_UDP, 4711U), 7, true, "198.51.100.2", 4711, 2, 0},
        {PT_NAT_INDEX(1U, PT_NAT_TCP, 32000U), 7, true, "192.0.2.2", 32000, 1, 0},
        {PT_NAT_INDEX(9U, PT_NAT_TCP, 32000U), 7, false, "::", 0, 0, 0}, /* no such link */
        {PT_NAT_PREFIX | 1, 7, true, "172.17.3.4", 0, 0, 0},
        {PT_NAT_PREFIX | 2, 7, false, "::", 0, 0, 0},
        {PT_NAT_PREFIX | 0, 8, false, "::", 0, 0, 0}, /* of another segment */
        {PT_NAT_SEGMENT | 99, 7, true, "::", 0, 0, 99},
    };
    struct pt_bundle *bundle = make_bundle();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct pt_dp_flow_key flow = {
            .source = ip("10.2.3.4"), .destination = ip("203.0.113.1"), .vni = cases[i].vni_of_flow};
        struct pt_translation translation = pt_translation_of(bundle, &flow, cases[i].nat);
        struct pt_ip source = ip(cases[i].source);
        ck_assert_int_eq(translation.there, cases[i].there);
        ck_assert(pt_ip_equal(&translation.source, &source));
        ck_assert_uint_eq(translation.port, cases[i].port);
        ck_assert_uint_eq(translation.link, cases[i].link);
        ck_assert_uint_eq(translation.vni, cases[i].vni);
        ck_assert(!pt_translation_of(NULL, &flow, cases[i].nat).there);
    }
    pt_bundle_unref(bundle);
}
END_TEST

/* What a port forward let in is told by where it went. */
START_TEST(a_forward_says_whom_it_leads_to)
{
    struct pt_bundle *bundle = make_bundle();
    const struct pt_dp_flow_key flow = {.source = ip("203.0.113.1"), .destination = ip("198.51.100.2"), .vni = 7};
    struct pt_ip host = ip("10.2.0.9");
    struct pt_translation to = pt_translation_of(bundle, &flow, PT_NAT_INBOUND | PT_NAT_INDEX(2U, PT_NAT_TCP, 8443U));
    ck_assert(to.there);
    ck_assert(pt_ip_equal(&to.destination, &host));
    ck_assert_uint_eq(to.destination_port, 443);
    ck_assert_uint_eq(to.link, 2);
    ck_assert_uint_eq(to.port, 0);
    ck_assert(!pt_translation_of(bundle, &flow, PT_NAT_INBOUND | PT_NAT_INDEX(2U, PT_NAT_UDP, 8443U)).there);
    ck_assert(!pt_translation_of(bundle, &flow, PT_NAT_INBOUND | PT_NAT_INDEX(1U, PT_NAT_TCP, 8443U)).there);
    pt_bundle_unref(bundle);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("recall_nat");
    TCase *tcase = tcase_create("meaning");
    tcase_add_test(tcase, the_number_becomes_an_address);
    tcase_add_test(tcase, a_forward_says_whom_it_leads_to);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
