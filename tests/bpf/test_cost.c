/*
 * What the data plane costs, printed: time to open, to take over, to attach, to flip, to check; nanoseconds a packet by
 * BPF_PROG_RUN (about 25 of them are the loop's). The bounds asserted are loose: they catch a change of kind, not
 * noise.
 */
#include "bed.h"
#include "cost.h"
#include "bundle_text.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define REPEAT 1000000U

static struct bed bed;
static const char *program_file;

static uint64_t now_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* 1000 routes of each family; 10 sites behind one another, each by two paths; 32 rules of which the last matches. */
static char *bundle_text(uint32_t changed)
{
    static char text[1 << 20];
    size_t size = 0;
#define ADD(...) size += (size_t)snprintf(text + size, sizeof(text) - size, __VA_ARGS__)
    ADD("node site=1\nlink id=1 if=wan0 address=192.0.2.1 gateway=192.0.2.254\nlan if=lan0 vni=100\n");
    ADD("route vni=100 prefix=10.1.0.0/24 site=1 lan=lan0\n");
    ADD("route vni=100 prefix=fd00:1::/64 site=1 lan=lan0\n");
    for (uint32_t i = 0; i < 1000; i++) {
        ADD("route vni=100 prefix=10.%u.%u.0/24 site=%u\n", 10 + i / 250, i % 250,
            2 + (i + (i == 0 ? changed : 0)) % 10);
        ADD("route vni=100 prefix=fd00:a:%x::/48 site=%u\n", i, 2 + i % 10);
    }
    for (uint32_t i = 0; i < 10; i++) {
        ADD("tunnel id=%u link=1 remote=192.0.2.%u site=%u\n", i + 1, i + 2, i + 2);
        ADD("path id=%u tunnel=%u site=%u\n", 100 + i, i + 1, i + 2);
        ADD("path id=%u tunnel=%u site=%u stack=%u\n", 200 + i, (i + 1) % 10 + 1, i + 2, i + 2);
        ADD("group site=%u members=%u:1:0,%u:1:1\n", i + 2, 100 + i, 200 + i);
        ADD("group site=%u class=1 members=%u:2:0,%u:1:0\n", i + 2, 100 + i, 200 + i);
        ADD("group site=%u class=transit members=%u:1:0\n", i + 2, 100 + i);
    }
    for (uint32_t i = 0; i < 32; i++) {
        ADD("rule vni=100 order=%u protocol=17 ports=%u-%u class=1\n", i, 4000 + i, 4000 + i);
    }
#undef ADD
    return text;
}

static struct packet host_packet(uint16_t port)
{
    struct packet p;
    put_ethernet(&p, ETH_P_IP);
    put_ipv4(&p, "10.1.0.2", "10.10.5.9", IPPROTO_UDP, 0);
    p.data[ETH_HLEN + 8] = 255;
    uint32_t udp = put_udp(&p, 1024, port);
    put_payload(&p, 22);
    finish_udp_size(&p, udp);
    finish_ipv4(&p, ETH_HLEN);
    return p;
}

static struct packet host_packet6(uint16_t port)
{
    struct packet p;
    put_ethernet(&p, ETH_P_IPV6);
    uint32_t ip = put_ipv6(&p, "fd00:1::2", "fd00:a:c9::9", IPPROTO_UDP, 0);
    uint32_t udp = put_udp(&p, 1024, port);
    put_payload(&p, 22);
    finish_udp_size(&p, udp);
    finish_ipv6(&p, ip);
    return p;
}

static struct packet tunnel_packet(uint32_t label)
{
    struct packet p;
    put_ethernet(&p, ETH_P_IP);
    put_ipv4(&p, "192.0.2.2", "192.0.2.1", IPPROTO_UDP, 0);
    uint32_t udp = put_udp(&p, 50000, 6081);
    put_geneve(&p, 100, ETH_P_IP, 0, &label, label == 0 ? 0 : 1);
    uint32_t inner = put_ipv4(&p, "10.10.5.9", "10.1.0.2", IPPROTO_UDP, 0);
    put_payload(&p, 30);
    finish_ipv4(&p, inner);
    finish_udp_size(&p, udp);
    finish_ipv4(&p, ETH_HLEN);
    return p;
}

START_TEST(control_operations)
{
    struct pt_dp_bpf_options options = {.pin_directory = bed.pins};
    struct pt_error error = {0};
    struct pt_digest digest;
    uint64_t start = now_us();
    bed.dp->ops->close(bed.dp);
    ck_assert_int_eq(pt_dp_bpf_new(&options, &bed.dp, &error), PT_OK);
    uint64_t taken = now_us() - start, flips = 0, worst = 0;
    printf("cost: take_over_ms %.1f\n", (double)taken / 1000);
    for (uint32_t i = 0; i < 10; i++) {
        struct pt_bundle *bundle = bundle_from_text(bundle_text(i));
        start = now_us();
        ck_assert_int_eq(bed.dp->ops->apply(bed.dp, bundle, &error), PT_OK);
        uint64_t one = now_us() - start;
        flips += one;
        worst = one > worst ? one : worst;
        pt_bundle_unref(bundle);
    }
    printf("cost: apply_one_change_of_1000_routes_ms mean %.1f worst %.1f\n", (double)flips / 10000,
           (double)worst / 1000);
    start = now_us();
    ck_assert_int_eq(bed.dp->ops->verify(bed.dp, &digest, &error), PT_OK);
    printf("cost: verify_ms %.1f\n", (double)(now_us() - start) / 1000);
    start = now_us();
    for (int i = 0; i < 1000; i++) {
        bed.dp->ops->set_path_alive(bed.dp, 100, i % 2 != 0);
    }
    printf("cost: path_flip_us %.2f\n", (double)(now_us() - start) / 1000);
    ck_assert_uint_lt(worst, 2000000);
}
END_TEST

/* The programs rewrite the packet in place, so a repeat would see its own output: only what leaves the packet as it was
 * can be repeated. The rest is the median of single runs, which have the clock's own cost in them (wan_nothing shows
 * it). */
static void print_repeated(const char *name, const struct packet *p, bool lan, struct run_options options)
{
    options.repeat = REPEAT;
    struct run r = lan ? run_lan_with(&bed, p, options) : run_wan_with(&bed, p, options);
    printf("cost: %s_ns %u\n", name, r.nanoseconds);
    ck_assert_uint_lt(r.nanoseconds, 5000);
}

static int compare_u32(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void print_single(const char *name, const struct packet *p, bool lan, bool fresh, struct run_options options)
{
    enum { RUNS = 2001 };
    static uint32_t times[RUNS];
    struct packet one = *p;
    for (int i = 0; i < RUNS; i++) {
        if (fresh) { /* the source port: another flow each time */
            one.data[ETH_HLEN + 20] = (uint8_t)(16 + i / 256);
            one.data[ETH_HLEN + 21] = (uint8_t)i;
        }
        struct run r = lan ? run_lan_with(&bed, &one, options) : run_wan_with(&bed, &one, options);
        times[i] = r.nanoseconds;
    }
    qsort(times, RUNS, sizeof(times[0]), compare_u32);
    printf("cost: %s_single_ns %u\n", name, times[RUNS / 2]);
}

/* The first packet of a flow, all the way: another flow each time, the frame put back afterwards (cost_lan.bpf.c).
 * Least of five rounds: what else the machine does only ever adds. */
static void print_miss(const char *name, const char *entry, struct packet p)
{
    struct bench bench = {.seed = 1};
    struct __sk_buff skb = {.ifindex = bed.lan0, .ingress_ifindex = bed.lan0};
    struct bpf_object *object = bed_load_beside(bed.pins, program_file, "cost_lan.bpf.o");
    int program = bpf_program__fd(bpf_object__find_program_by_name(object, entry));
    int fd = bpf_object__find_map_fd_by_name(object, "pt_bench_lan");
    uint32_t zero = 0, best = UINT32_MAX;
    ck_assert_int_eq(bpf_map_update_elem(fd, &zero, &bench, BPF_ANY), 0);
    for (int round = 0; round < 5; round++) {
        LIBBPF_OPTS(bpf_test_run_opts, test, .data_in = p.data, .data_size_in = p.size, .ctx_in = &skb,
                    .ctx_size_in = sizeof(skb), .repeat = 200000);
        ck_assert_int_eq(bpf_prog_test_run_opts(program, &test), 0);
        best = test.duration < best ? test.duration : best;
    }
    ck_assert_int_eq(bpf_map_lookup_elem(fd, &zero, &bench), 0);
    if (bench.sent == 0 && p.data[ETH_HLEN] >> 4 == 6) {
        printf("cost: %s_ns - the kernel (before 6.3) cannot take an IPv4 header off IPv6 again\n", name);
        bpf_object__close(object);
        return;
    }
    ck_assert_msg(bench.other == 0 && bench.sent == 1000000, "%s: %u sent, %u not", name, bench.sent, bench.other);
    printf("cost: %s_ns %u\n", name, best);
    bpf_object__close(object);
}

START_TEST(nanoseconds_a_packet)
{
    struct run_options lan = {.ifindex = bed.lan0}, wan = {.ifindex = bed.wan0};
    struct packet p = host_packet(9);
    bed_apply(&bed, bundle_text(0));
    p.data[ETH_HLEN + 16 + 0] = 224;
    finish_ipv4(&p, ETH_HLEN);
    print_repeated("lan_pass_up", &p, true, lan);
    p = host_packet(9);
    p.data[ETH_HLEN + 8] = 1; /* TTL: all the way to the choice of a path, then dropped */
    finish_ipv4(&p, ETH_HLEN);
    print_repeated("lan_all_but_encap", &p, true, lan);
    p.data[ETH_HLEN + 22] = (4031 >> 8), p.data[ETH_HLEN + 23] = (uint8_t)4031;
    print_repeated("lan_all_but_encap_32_rules_2_members", &p, true, lan);
    print_miss("miss", "pt_first", host_packet(9));
    p = host_packet6(9);
    ck_assert_int_eq(run_lan_with(&bed, &p, lan).verdict, TC_ACT_REDIRECT);
    print_miss("miss6", "pt_first6", p);
    p = host_packet(9);
    print_single("lan_encap", &p, true, true, lan);
    p = host_packet(9);
    print_single("lan_encap_hit", &p, true, false, lan);
    p = host_packet(9);
    print_repeated("wan_not_ours", &p, false, wan);
    p = tunnel_packet(0);
    p.data[ETH_HLEN + 20 + 8 + 4] = 0x77; /* another segment: dropped after everything but the rewrite */
    print_repeated("wan_deliver_but_rewrite", &p, false, wan);
    p = tunnel_packet(0);
    print_single("wan_deliver", &p, false, false, wan);
    p = tunnel_packet(3);
    print_single("wan_transit", &p, false, false, wan);
    p = host_packet(9);
    p.data[12] = 0;
    print_single("wan_nothing", &p, false, false, wan);
}
END_TEST

int main(int argc, char **argv)
{
    (void)argc;
    if (!bed_possible()) {
        return 77;
    }
    program_file = argv[0];
    bed_open(&bed, bundle_text(0));
    Suite *suite = suite_create("cost");
    TCase *tc = tcase_create("cost");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, control_operations);
    tcase_add_test(tc, nanoseconds_a_packet);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    bed_close(&bed);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
