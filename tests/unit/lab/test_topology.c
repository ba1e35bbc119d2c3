/*
 * The lab file's reader: what good files mean, and where and how bad ones are refused.
 */
#include "lab/lab.h"
#include "lab/netns.h"
#include "lab/topology.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct pt_lab_topology parse(const char *text)
{
    struct pt_lab_topology topology;
    struct pt_error error = {0};
    enum pt_code code = pt_lab_topology_parse("t.lab", text, strlen(text), &topology, &error);
    ck_assert_msg(code == PT_OK, "%s: %s", error.field, error.text);
    return topology;
}

static void assert_ip(const struct pt_ip *ip, const char *expected)
{
    char text[PT_IP_TEXT_SIZE];
    ck_assert_str_eq(pt_ip_format(ip, text), expected);
}

START_TEST(addresses_follow_from_positions)
{
    struct pt_lab_topology t = parse("default ipv6=yes\n"
                                     "site a\n lan corp\n lan guest\n link internet\n link mpls\n"
                                     "controller c\n link internet\n"
                                     "site b\n lan corp\n link internet ipv6=no\n");
    ck_assert_uint_eq(t.nodes_len, 3);
    ck_assert_uint_eq(t.links_len, 4);
    ck_assert_uint_eq(t.lans_len, 3);
    assert_ip(&t.links[0].gateway, "198.18.0.1");
    assert_ip(&t.links[0].address, "198.18.0.2");
    assert_ip(&t.links[1].address, "198.18.0.6");
    assert_ip(&t.links[1].address6, "fd18::1:2");
    assert_ip(&t.links[2].gateway6, "fd18::2:1");
    ck_assert(!t.links[3].ipv6);
    ck_assert_str_eq(t.links[1].interface, "wan1");
    ck_assert_str_eq(t.lans[1].interface, "lan1");
    assert_ip(&t.lans[1].edge, "10.1.1.1");
    assert_ip(&t.lans[1].host6, "fd00:1:1::a");
    assert_ip(&t.lans[2].host, "10.2.0.10"); /* the controller between them is not counted */
    ck_assert_int_eq(t.nodes[1].role, PT_LAB_CONTROLLER);
    pt_lab_topology_fini(&t);
}
END_TEST

START_TEST(options_and_defaults_apply_downwards)
{
    struct pt_lab_topology t = parse("site a # a comment\n"
                                     "\tlink one\r\n"
                                     "default delay=3ms mtu=1400 capacity=10mbit transport=lte\n"
                                     "\n"
                                     "  link two delay=1ms name=second\n"
                                     "  lan corp prefix=192.168.7.0/28 prefix6=2001:db8::/124\n"
                                     "# the last line has no newline\n"
                                     "link one name=third loss=2%");
    ck_assert_uint_eq(t.links[0].params.delay_ns, 0);
    ck_assert_uint_eq(t.links[0].mtu, 1500);
    ck_assert_str_eq(t.links[1].name, "second");
    ck_assert_str_eq(t.links[1].underlay, "two");
    ck_assert_str_eq(t.links[1].transport, "lte");
    ck_assert_uint_eq(t.links[1].params.delay_ns, 1000000);
    ck_assert_uint_eq(t.links[1].capacity_bps, 10000000);
    ck_assert_uint_eq(t.links[2].params.loss_ppm, 20000);
    ck_assert_uint_eq(t.links[2].mtu, 1400);
    assert_ip(&t.lans[0].edge, "192.168.7.1");
    assert_ip(&t.lans[0].host6, "2001:db8::a");
    pt_lab_topology_fini(&t);
}
END_TEST

START_TEST(links_are_found_by_name_interface_and_pattern)
{
    struct pt_lab_topology t = parse("site a\nlink internet\nlink mpls\nsite b\nlink internet\n");
    static const struct {
        const char *pattern;
        unsigned matches; /* a bit per link */
    } cases[] = {{"a/internet", 1}, {"a/wan1", 2}, {"*/internet", 5}, {"a/*", 3},   {"*", 7},
                 {"c/internet", 0}, {"a", 0},      {"a/wan", 0},      {"?/wan0", 5}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        unsigned matches = 0;
        for (size_t l = 0; l < t.links_len; l++) {
            matches |= (unsigned)pt_lab_link_matches(&t, &t.links[l], cases[i].pattern) << l;
        }
        ck_assert_msg(matches == cases[i].matches, "%s matches %u", cases[i].pattern, matches);
    }
    pt_lab_topology_fini(&t);
}
END_TEST

static const struct {
    const char *text;
    const char *field; /* where */
    const char *says;  /* part of the message */
} bad_files[] = {
    {"", "t.lab:0", "no node"},
    {"# nothing\n\n", "t.lab:2", "no node"},
    {"\nrouter a\n", "t.lab:2", "'router' is not known"},
    {"site\n", "t.lab:1", "not a node's name"},
    {"site A\n", "t.lab:1", "'A' is not a node's name"},
    {"site a b\n", "t.lab:1", "not a node's name"},
    {"site a-\n", "t.lab:1", "not a node's name"},
    {"site ../x\n", "t.lab:1", "not a node's name"},
    {"site abcdefghijklmnopqrstuvwxyzabcdef\n", "t.lab:1", "not a node's name"},
    {"site relay\n", "t.lab:1", "the lab's own"},
    {"site a\nlink i\ncontroller a\n", "t.lab:3", "a node 'a' already"},
    {"link internet\n", "t.lab:1", "must stand before"},
    {"lan corp\n", "t.lab:1", "must stand before"},
    {"site a\n", "t.lab:1", "node 'a' has no link"},
    {"site a\nlink\n", "t.lab:2", "not an underlay"},
    {"site a\nlink Internet\n", "t.lab:2", "'Internet' is not an underlay"},
    {"site a\nlink i\nlink i\n", "t.lab:3", "a link 'i' already"},
    {"site a\nlink i speed=3\n", "t.lab:2", "'speed=3' is not an option of a link"},
    {"site a\nlink i delay\n", "t.lab:2", "'delay' is not an option"},
    {"site a\nlink i delay=5\n", "t.lab:2", "'5' is not a duration"},
    {"site a\nlink i delay=-5ms\n", "t.lab:2", "not a duration"},
    {"site a\nlink i delay=11s\n", "t.lab:2", "at most 10s"},
    {"site a\nlink i loss=101%\n", "t.lab:2", "not a ratio"},
    {"site a\nlink i rate=fast\n", "t.lab:2", "not a rate"},
    {"site a\nlink i mtu=500\n", "t.lab:2", "1280..9216"},
    {"site a\nlink i mtu=15x0\n", "t.lab:2", "not an MTU"},
    {"site a\nlink i ipv6=on\n", "t.lab:2", "must be yes or no"},
    {"site a\nlink i transport=pigeon\n", "t.lab:2", "there are mpls"},
    {"default name=x\n", "t.lab:1", "cannot be a default"},
    {"controller a\nlink i\nlan corp\n", "t.lab:3", "only sites have LANs"},
    {"site a\nlan\n", "t.lab:2", "not a segment"},
    {"site a\nlan corp\nlan corp\n", "t.lab:3", "a LAN in segment 'corp' already"},
    {"site a\nlan corp vlan=3\n", "t.lab:2", "not an option of a LAN"},
    {"site a\nlan corp prefix=10.0.0.1/24\n", "t.lab:2", "write 10.0.0.0/24"},
    {"site a\nlan corp prefix=10.0.0.0/29\n", "t.lab:2", "too small"},
    {"site a\nlan corp prefix=fd00::/64\n", "t.lab:2", "other family"},
    {"site a\nlan corp prefix6=10.0.0.0/24\n", "t.lab:2", "other family"},
    {"site a\nlan corp prefix=10.0.0/24\n", "t.lab:2", ""},
    {"site a\nlan corp\nlink i\nsite b\nlan corp prefix=10.1.0.0/16\n", "t.lab:5", "overlap"},
    {"site a\nlan b\nlink i\nsite a-b\nlink i\n", "t.lab:5", "the name of a LAN host"},
    {"site a\nlink i 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17\n", "t.lab:2", "more than 16 words"},
};

START_TEST(bad_files_are_refused_with_line_and_reason)
{
    struct pt_lab_topology untouched;
    struct pt_lab_topology topology;
    struct pt_error error = {0};
    memset(&topology, 0x5a, sizeof(topology));
    memset(&untouched, 0x5a, sizeof(untouched));
    const char *text = bad_files[_i].text;
    ck_assert_int_eq(pt_lab_topology_parse("t.lab", text, strlen(text), &topology, &error), PT_INVALID_ARGUMENT);
    ck_assert_str_eq(error.field, bad_files[_i].field);
    ck_assert_msg(strstr(error.text, bad_files[_i].says) != NULL, "'%s' lacks '%s'", error.text, bad_files[_i].says);
    ck_assert_mem_eq(&topology, &untouched, sizeof(topology));
}
END_TEST

START_TEST(limits_hold_at_their_edge)
{
    char *text = malloc(1 << 20);
    struct pt_lab_topology topology;
    struct pt_error error = {0};
    for (unsigned nodes = PT_LAB_NODES_MAX; nodes <= PT_LAB_NODES_MAX + 1; nodes++) {
        char *at = text;
        for (unsigned i = 0; i < nodes; i++) {
            at += sprintf(at, "site n%u\nlink i\n", i);
        }
        enum pt_code code = pt_lab_topology_parse("t.lab", text, strlen(text), &topology, &error);
        ck_assert_int_eq(code, nodes == PT_LAB_NODES_MAX ? PT_OK : PT_INVALID_ARGUMENT);
        if (code == PT_OK) {
            pt_lab_topology_fini(&topology);
        }
    }
    ck_assert_str_eq(error.field, "t.lab:511");
    memset(text, '#', PT_LAB_LINE_SIZE_MAX + 1);
    ck_assert_int_ne(pt_lab_topology_parse("t.lab", text, PT_LAB_LINE_SIZE_MAX + 1, &topology, &error), PT_OK);
    ck_assert_ptr_nonnull(strstr(error.text, "longer than 512"));
    ck_assert_int_ne(pt_lab_topology_parse("t.lab", "site a\0b\n", 9, &topology, &error), PT_OK);
    ck_assert_ptr_nonnull(strstr(error.text, "NUL"));
    free(text);
}
END_TEST

/* Every cut and every changed byte of a good file: parse or refuse, nothing else (the sanitizers watch). */
START_TEST(damaged_files_do_no_harm)
{
    size_t size = 0;
    const char *good = pt_lab_topology_shipped("sites3", &size);
    for (size_t i = 0; i < size; i++) {
        for (unsigned byte = 0; byte < 256; byte += 51) {
            char *copy = malloc(size);
            memcpy(copy, good, size);
            copy[i] = (char)byte;
            struct pt_lab_topology topology;
            struct pt_error error = {0};
            size_t part = byte == 0 ? i : size;
            if (pt_lab_topology_parse("t.lab", copy, part, &topology, &error) == PT_OK) {
                ck_assert_uint_gt(topology.nodes_len, 0);
                pt_lab_topology_fini(&topology);
            } else {
                ck_assert_msg(strncmp(error.field, "t.lab:", 6) == 0, "'%s'", error.field);
            }
            free(copy);
        }
    }
}
END_TEST

START_TEST(shipped_topologies_are_what_they_claim)
{
    size_t size = 0;
    struct pt_lab_topology t;
    const char *text = pt_lab_topology_shipped("sites3", &size);
    ck_assert_int_eq(pt_lab_topology_parse("sites3", text, size, &t, NULL), PT_OK);
    ck_assert_uint_eq(t.nodes_len, 6);
    ck_assert_uint_eq(t.links_len, 9);
    ck_assert_uint_eq(t.lans_len, 6);
    pt_lab_topology_fini(&t);
    text = pt_lab_topology_shipped("b4", &size);
    ck_assert_int_eq(pt_lab_topology_parse("b4", text, size, &t, NULL), PT_OK);
    ck_assert_uint_eq(t.nodes_len, 15);
    ck_assert_uint_eq(t.links_len, 2 * 19 + 3);
    for (size_t i = 0; i < t.links_len; i++) {
        unsigned members = 0;
        for (size_t j = 0; j < t.links_len; j++) {
            members += strcmp(t.links[i].underlay, t.links[j].underlay) == 0;
        }
        ck_assert_uint_eq(members, strcmp(t.links[i].underlay, "internet") == 0 ? 3 : 2);
    }
    pt_lab_limit(&t);
    ck_assert_uint_eq(t.links[0].params.rate_bps, 50000000);
    ck_assert_uint_eq(t.links[40].params.rate_bps, 0);
    pt_lab_topology_fini(&t);
    ck_assert_ptr_null(pt_lab_topology_shipped("b5", &size));
}
END_TEST

START_TEST(export_names_every_address)
{
    struct pt_lab_topology t = parse("site a\nlan corp\nlink internet capacity=1mbit delay=2ms ipv6=yes\n");
    struct pt_buf json;
    pt_buf_init(&json);
    pt_lab_export("x", &t, &json);
    static const char *const parts[] = {"\"underlays\": [\"internet\"]",
                                        "\"segments\": [\"corp\"]",
                                        "\"namespace\": \"x-a\"",
                                        "\"address\": \"198.18.0.2\"",
                                        "\"gateway6\": \"fd18::1\"",
                                        "\"capacity_bps\": 1000000",
                                        "\"delay_us\": 2000",
                                        "\"namespace\": \"x-a-corp\"",
                                        "\"address\": \"10.1.0.10\"",
                                        "\"prefix6\": \"fd00:1::/64\""};
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        ck_assert_msg(strstr((const char *)json.data, parts[i]) != NULL, "%s is missing", parts[i]);
    }
    pt_buf_fini(&json);
    pt_lab_topology_fini(&t);
}
END_TEST

START_TEST(lab_names_cannot_be_prefixes_of_others)
{
    static const char *const bad[] = {"", "Pt", "1a", "a-b", "a/b", "..", "abcdefghijklm", "a b"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ck_assert_int_eq(pt_lab_check_name(bad[i], NULL), PT_INVALID_ARGUMENT);
    }
    ck_assert_int_eq(pt_lab_check_name("pt", NULL), PT_OK);
    ck_assert_int_eq(pt_lab_check_name("abcdefghijkl", NULL), PT_OK);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("topology");
    TCase *tcase = tcase_create("topology");
    tcase_add_test(tcase, addresses_follow_from_positions);
    tcase_add_test(tcase, options_and_defaults_apply_downwards);
    tcase_add_test(tcase, links_are_found_by_name_interface_and_pattern);
    tcase_add_loop_test(tcase, bad_files_are_refused_with_line_and_reason, 0,
                        (int)(sizeof(bad_files) / sizeof(bad_files[0])));
    tcase_add_test(tcase, limits_hold_at_their_edge);
    tcase_add_test(tcase, damaged_files_do_no_harm);
    tcase_add_test(tcase, shipped_topologies_are_what_they_claim);
    tcase_add_test(tcase, export_names_every_address);
    tcase_add_test(tcase, lab_names_cannot_be_prefixes_of_others);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
