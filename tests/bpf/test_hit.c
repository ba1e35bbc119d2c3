/*
 * What the next packet of a known flow costs, by hook `swift` (cache, counters, meter, encapsulation, redirect):
 * random flows out of so many, IPv4 and IPv6. Prints; the bounds asserted catch a change of kind, not noise.
 */
#include "bed.h"
#include "cost.h"

#include "bpf/abi/flow.h"
#include "bpf/abi/nat.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define VNI 100
#define PORT 9

static struct bed bed;
static struct bpf_object *object;
static const char *program_file;

static const char *const bundle = "node site=1\n"
                                  "link id=1 if=wan0 address=192.0.2.1 gateway=192.0.2.254\n"
                                  "lan if=lan0 vni=100\n"
                                  "route vni=100 prefix=10.1.0.0/16 site=1 lan=lan0\n"
                                  "route vni=100 prefix=10.2.0.0/16 site=2\n"
                                  "route vni=100 prefix=fd00:2::/32 site=2\n"
                                  "tunnel id=1 link=1 remote=192.0.2.2 site=2\n"
                                  "path id=11 tunnel=1 site=2\n"
                                  "group site=2 class=0 members=11:1:0\n"
                                  "exit vni=100 link=1\n";

static struct pt_abi_flow flow_value(uint16_t meter)
{
    uint32_t zero = 0, generation = 0, epoch = 0, one = 11;
    uint64_t id = 0;
    int fd = bed_pinned(bed.pins, "pt_generation"), epochs = bed_pinned(bed.pins, "pt_epoch"),
        ids = bed_pinned(bed.pins, "pt_path_ids");
    ck_assert_int_eq(bpf_map_lookup_elem(fd, &zero, &generation), 0);
    ck_assert_int_eq(bpf_map_lookup_elem(epochs, &zero, &epoch), 0);
    for (one = 1; id != 11; one++) {
        ck_assert_int_eq(bpf_map_lookup_elem(ids, &one, &id), 0);
    }
    (void)close(fd);
    (void)close(epochs);
    (void)close(ids);
    return (struct pt_abi_flow){.generation = generation,
                                .epoch = epoch,
                                .out = one - 1,
                                .verdict = PT_FLOW_PATH,
                                .hash = 0x12345678,
                                .meter = meter};
}

static void put_flows(uint32_t flows)
{
    int v4 = bed_pinned(bed.pins, "pt_flows4"), v6 = bed_pinned(bed.pins, "pt_flows6");
    struct pt_abi_flow value = flow_value(1);
    struct pt_abi_flow4_key key4 = {.destination = htonl(0x0a020009),
                                    .port_destination = PORT,
                                    .vni_protocol = PT_FLOW_VNI_PROTOCOL(VNI, IPPROTO_UDP)};
    struct pt_abi_flow6_key key6 = {.port_destination = PORT, .vni_protocol = key4.vni_protocol};
    ck_assert_int_eq(inet_pton(AF_INET6, "fd00:2::9", &key6.destination), 1);
    for (uint32_t n = 0; n < flows; n++) {
        key4.source = htonl(0x0a010000 + (n >> 12));
        key4.port_source = key6.port_source = (uint16_t)(1024 + (n & 4095));
        ck_assert_int_eq(inet_pton(AF_INET6, "fd00:1::", &key6.source), 1);
        key6.source.words[3] = htonl(n >> 12);
        ck_assert_int_eq(bpf_map_update_elem(v4, &key4, &value, BPF_ANY), 0);
        ck_assert_int_eq(bpf_map_update_elem(v6, &key6, &value, BPF_ANY), 0);
    }
    (void)close(v4);
    (void)close(v6);
}

static struct packet one_packet(bool v6, const char *to)
{
    struct packet p;
    put_ethernet(&p, v6 ? ETH_P_IPV6 : ETH_P_IP);
    uint32_t ip = v6 ? put_ipv6(&p, "fd00:1::", to, IPPROTO_UDP, 0) : put_ipv4(&p, "10.1.0.0", to, IPPROTO_UDP, 0);
    uint32_t udp = put_udp(&p, 1024, PORT);
    put_payload(&p, 26);
    finish_udp_size(&p, udp);
    if (v6) {
        finish_ipv6(&p, ip);
    } else {
        finish_ipv4(&p, ip);
    }
    return p;
}

/* Flows to the internet, each under a port of its own. */
static void put_translated(uint32_t flows)
{
    int fd = bed_pinned(bed.pins, "pt_flows4");
    struct pt_abi_flow value = flow_value(1);
    value.verdict = PT_FLOW_EXIT;
    value.out = 1;
    for (uint32_t n = 0; n < flows; n++) {
        struct pt_abi_flow4_key key = {.source = htonl(0x0a010000 + (n >> 12)),
                                       .destination = htonl(0xc6336407),
                                       .port_source = (uint16_t)(1024 + (n & 4095)),
                                       .port_destination = PORT,
                                       .vni_protocol = PT_FLOW_VNI_PROTOCOL(VNI, IPPROTO_UDP)};
        value.nat = PT_NAT_INDEX(1, PT_NAT_UDP, 2048 + n);
        ck_assert_int_eq(bpf_map_update_elem(fd, &key, &value, BPF_ANY), 0);
    }
    (void)close(fd);
}

/* By hook `lan` at tc, with the kernel's helpers for checksums. */
static uint32_t measure_lan(const struct packet *p, uint32_t flows)
{
    struct bpf_object *lan = bed_load_beside(bed.pins, program_file, "cost_lan.bpf.o");
    struct bench bench = {.flows_mask = flows - 1, .seed = 1};
    uint32_t zero = 0, best = UINT32_MAX;
    struct __sk_buff skb = {.ifindex = bed.lan0, .ingress_ifindex = bed.lan0};
    int fd = bpf_object__find_map_fd_by_name(lan, "pt_bench_lan");
    int program = bpf_program__fd(bpf_object__find_program_by_name(lan, "pt_translated"));
    ck_assert_int_eq(bpf_map_update_elem(fd, &zero, &bench, BPF_ANY), 0);
    for (int round = 0; round < 5; round++) {
        LIBBPF_OPTS(bpf_test_run_opts, test, .data_in = p->data, .data_size_in = p->size, .ctx_in = &skb,
                    .ctx_size_in = sizeof(skb), .repeat = 200000);
        ck_assert_int_eq(bpf_prog_test_run_opts(program, &test), 0);
        best = test.duration < best ? test.duration : best;
    }
    ck_assert_int_eq(bpf_map_lookup_elem(fd, &zero, &bench), 0);
    ck_assert_msg(bench.other == 0, "%u not sent, %u sent", bench.other, bench.sent);
    bpf_object__close(lan);
    return best;
}

static uint32_t measure(const char *program, const struct packet *p, uint32_t flows)
{
    struct bench bench = {.flows_mask = flows - 1, .seed = 1};
    uint32_t zero = 0, best = UINT32_MAX;
    uint8_t out[PACKET_MAX];
    struct xdp_md in = {.data_end = p->size, .ingress_ifindex = bed.lan0};
    int fd = bpf_object__find_map_fd_by_name(object, "pt_bench");
    for (int round = 0; round < 5; round++) {
        LIBBPF_OPTS(bpf_test_run_opts, test, .data_in = p->data, .data_size_in = p->size, .data_out = out,
                    .data_size_out = sizeof(out), .ctx_in = &in, .ctx_size_in = sizeof(in), .repeat = 1000000);
        ck_assert_int_eq(bpf_map_update_elem(fd, &zero, &bench, BPF_ANY), 0);
        ck_assert_int_eq(
            bpf_prog_test_run_opts(bpf_program__fd(bpf_object__find_program_by_name(object, program)), &test), 0);
        struct bench after;
        ck_assert_int_eq(bpf_map_lookup_elem(fd, &zero, &after), 0);
        ck_assert_msg(after.other <= after.sent / 1000, "%u not sent, %u sent", after.other, after.sent);
        best = test.duration < best ? test.duration : best;
    }
    return best;
}

START_TEST(nanoseconds_of_a_hit)
{
    struct pt_abi_meter meter = {.ns_per_byte_q20 = 1, .burst_ns = 1000000000};
    uint32_t one = 1;
    ck_assert_int_eq(system("ip addr add 192.0.2.1/24 dev wan0 && ip neigh add 192.0.2.254 lladdr 02:00:00:00:00:fe "
                            "dev wan0 nud permanent && sysctl -qw net.ipv4.ip_forward=1"),
                     0);
    object = bed_load_beside(bed.pins, program_file, "cost.bpf.o");
    int meters = bed_pinned(bed.pins, "pt_meters");
    ck_assert_int_eq(bpf_map_update_elem(meters, &one, &meter, BPF_ANY), 0);
    (void)close(meters);
    const struct packet four = one_packet(false, "10.2.0.9"), six = one_packet(true, "fd00:2::9");
    struct packet out = one_packet(false, "198.51.100.7");
    finish_l4(&out, ETH_HLEN, ETH_HLEN + 20, 6);
    put_flows(1024);
    printf("cost: hit_1k_ns %u ipv6 %u\n", measure("pt_again4", &four, 1024), measure("pt_again6", &six, 1024));
    put_translated(1024);
    printf("cost: nat_hit_ns %u at_tc %u\n", measure("pt_again_nat", &out, 1024), measure_lan(&out, 1024));
    put_flows(262144);
    uint32_t v4 = measure("pt_again4", &four, 262144), v6 = measure("pt_again6", &six, 262144);
    printf("cost: hit_262k_ns %u ipv6 %u\n", v4, v6);
    ck_assert_uint_lt(v4, 10000);
}
END_TEST

int main(int argc, char **argv)
{
    (void)argc;
    if (!bed_possible()) {
        return 77;
    }
    program_file = argv[0];
    bed_open(&bed, bundle);
    Suite *suite = suite_create("hit");
    TCase *tc = tcase_create("hit");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, nanoseconds_of_a_hit);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    bpf_object__close(object);
    bed_close(&bed);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
