/*
 * Routes of a big segment: a million IPv4 prefixes of which 5 % are longer than /24, and 100,000 of IPv6, in a table
 * and a trie. The answers are compared with a search by hash for each length, those of IPv6 with what their numbers
 * say; then half of the routes of both are deleted. Prints what a look-up of random destinations costs, and how long it
 * takes until the routes are in force.
 */
#include "agent/dp_bpf_kernel.h"
#include "bed.h"
#include "cost.h"
#include "bundle_text.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define VNI 100
#define SITES 1000U
#define ROUTES4 1000000U
#define ROUTES6 100000U

static struct bed bed;
static const char *program_file;
static uint32_t seed = 7;

static uint32_t random32(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    return seed;
}

static double now_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---- the same routes, searched for the slow way --------------------------------------------------------------- */

#define SLOTS (1U << 22)

struct slow_route {
    uint32_t address, label;
    uint8_t len; /* 0: free */
};
static struct slow_route *slow;

static struct slow_route *slow_find(uint32_t address, uint32_t len)
{
    uint32_t at = (address * 2654435761U ^ len * 40503U) % SLOTS;
    while (slow[at].len != 0 && (slow[at].len != len || slow[at].address != address)) {
        at = (at + 1) % SLOTS;
    }
    return &slow[at];
}

static uint32_t mask(uint32_t len)
{
    return len == 0 ? 0 : ~0U << (32 - len);
}

static uint32_t slow_search(uint32_t address)
{
    for (uint32_t len = 32; len > 0; len--) {
        const struct slow_route *route = slow_find(address & mask(len), len);
        if (route->len != 0 && route->label != 0) {
            return route->label;
        }
    }
    return 0;
}

/* ---- those of IPv6: they are numbered, so that the search is a calculation ------------------------------------ */

#define INNER 7U /* the last bits of the /64 that is inside some /48 */
static bool *gone6;

static uint32_t label6(uint32_t n)
{
    return gone6[n] ? 0 : 2 + n * 7 % SITES;
}

/* Of 20 numbers 19 are a /48 of their own, and the last is a /64 inside that of the one before. */
static uint32_t prefix6(uint32_t n, uint32_t words[4])
{
    bool inner = n % 20 == 19;
    n -= inner ? 1 : 0;
    words[0] = htonl(0x20010000 + (n >> 8));
    words[1] = htonl(n << 24 | (n * 77 & 0xff) << 16 | (inner ? INNER : 0));
    words[2] = words[3] = 0;
    return inner ? 64 : 48;
}

static uint32_t slow_search6(const uint32_t words[4])
{
    uint32_t high = ntohl(words[0]), low = ntohl(words[1]), n = (high - 0x20010000) << 8 | low >> 24;
    if (high < 0x20010000 || n >= ROUTES6 || n % 20 == 19 || (low >> 16 & 0xff) != (n * 77 & 0xff)) {
        return 0;
    }
    return n % 20 == 18 && (low & 0xffff) == INNER && !gone6[n + 1] ? label6(n + 1) : label6(n);
}

/* ---- making tables -------------------------------------------------------------------------------------------- */

static uint32_t random_len(void)
{
    uint32_t r = random32() % 100;
    return r < 5 ? 25 + random32() % 8 : r < 60 ? 24 : 16 + random32() % 8;
}

static void make_routes(void)
{
    for (uint32_t i = 0; i < ROUTES4;) {
        uint32_t len = random_len(), address = random32() & mask(len);
        struct slow_route *route = slow_find(address, len);
        if (route->len != 0) {
            continue; /* is there */
        }
        *route = (struct slow_route){.address = address, .label = 2 + random32() % SITES, .len = (uint8_t)len};
        i++;
    }
}

static struct pt_dp_table *make_table(void)
{
    struct pt_dp_table *table = pt_dp_table_new();
    struct pt_abi_node node = {.site_label = 1, .geneve_port = htons(6081), .present = 1};
    (void)pt_dp_rows_add(&table->maps[PT_MAP_nodes], NULL, &node);
    for (uint32_t at = 0; at < SLOTS; at++) {
        if (slow[at].len != 0 && slow[at].label != 0) {
            struct pt_abi_route4_key key = {
                .prefix_len = PT_ROUTE_VNI_BITS + slow[at].len, .vni = htonl(VNI), .address = htonl(slow[at].address)};
            struct pt_abi_route route = {.site_label = slow[at].label};
            (void)pt_dp_rows_add(&table->maps[PT_MAP_routes4], &key, &route);
        }
    }
    for (uint32_t i = 0; i < ROUTES6; i++) {
        struct pt_abi_route6_key key = {.vni = htonl(VNI)};
        struct pt_abi_route route = {.site_label = label6(i)};
        key.prefix_len = PT_ROUTE_VNI_BITS + prefix6(i, key.address.words);
        if (!gone6[i]) {
            (void)pt_dp_rows_add(&table->maps[PT_MAP_routes6], &key, &route);
        }
    }
    for (enum pt_bundle_map map = 0; map < PT_BUNDLE_MAPS_LEN; map++) {
        pt_dp_rows_sort(&table->maps[map]);
    }
    pt_dp_table_split(table, PT_DIR_ROUTES_MIN);
    ck_assert_uint_eq(table->maps[PT_MAP_routes4].len, 0);
    ck_assert_uint_ne(table->dirs[0].len, 0);
    return table;
}

/* ---- asking --------------------------------------------------------------------------------------------------- */

static struct bench_route ask(struct bpf_object *object, const char *program, const struct bench_route *question,
                              uint32_t repeat, uint32_t *ret_ns)
{
    struct bench_route answer;
    uint8_t data[64] = {0};
    uint32_t zero = 0;
    int fd = bpf_object__find_map_fd_by_name(object, "pt_bench_route");
    LIBBPF_OPTS(bpf_test_run_opts, test, .data_in = data, .data_size_in = sizeof(data), .repeat = (int)repeat);
    ck_assert_int_eq(bpf_map_update_elem(fd, &zero, question, BPF_ANY), 0);
    ck_assert_int_eq(bpf_prog_test_run_opts(bpf_program__fd(bpf_object__find_program_by_name(object, program)), &test),
                     0);
    ck_assert_int_eq(bpf_map_lookup_elem(fd, &zero, &answer), 0);
    if (ret_ns != NULL) {
        *ret_ns = test.duration;
    }
    return answer;
}

static void compare(struct bpf_object *object, uint32_t slot, uint32_t times)
{
    for (uint32_t i = 0; i < times; i++) {
        uint32_t address = random32() | 1;
        if (i % 4 == 0) { /* near a long prefix */
            uint32_t at = random32() % SLOTS;
            while (slow[at].len <= 24) {
                at = (at + 1) % SLOTS;
            }
            address = slow[at].address ^ (random32() & 3);
            address = address == 0 ? 1 : address;
        }
        struct bench_route question = {.vni = VNI, .dir = 1, .slot = slot, .address = htonl(address)};
        struct bench_route answer = ask(object, "pt_route", &question, 1, NULL);
        uint32_t wanted = slow_search(address);
        ck_assert_msg(wanted == 0 ? answer.missed == 1 : answer.found == 1 && answer.label == wanted,
                      "%08x: site %u, should be %u", address, answer.label, wanted);
    }
}

/* Every third is of the neighbourhood of a /64 inside a /48, and some are of nobody. */
static void compare6(struct bpf_object *object, uint32_t slot, uint32_t times)
{
    uint32_t missed = 0, inner = 0;
    for (uint32_t i = 0; i < times; i++) {
        struct bench_route question = {.vni = VNI, .slot = slot};
        uint32_t n = random32() % (ROUTES6 + ROUTES6 / 20);
        n = i % 3 == 0 ? n - n % 20 + 18 : n;
        (void)prefix6(n, question.address6);
        question.address6[1] |= htonl(i % 2 == 0 ? INNER : random32() % 16);
        question.address6[2] = random32();
        question.address6[3] = random32();
        struct bench_route answer = ask(object, "pt_route6", &question, 1, NULL);
        uint32_t wanted = slow_search6(question.address6);
        ck_assert_msg(wanted == 0 ? answer.missed == 1 : answer.found == 1 && answer.label == wanted,
                      "%08x %08x: site %u, should be %u", ntohl(question.address6[0]), ntohl(question.address6[1]),
                      answer.label, wanted);
        missed += wanted == 0 ? 1 : 0;
        inner += n < ROUTES6 && n % 20 == 18 && !gone6[n + 1] && wanted == label6(n + 1) ? 1 : 0;
    }
    ck_assert_uint_gt(missed, times / 50);
    ck_assert_uint_gt(inner, times / 20);
}

static void print_route6(struct bpf_object *object, uint32_t slot)
{
    uint32_t best = UINT32_MAX;
    for (int round = 0; round < 5; round++) {
        struct bench_route question = {.vni = VNI, .slot = slot, .seed = 3, .prefixes6 = ROUTES6};
        uint32_t ns;
        struct bench_route answer = ask(object, "pt_route6", &question, 200000, &ns);
        ck_assert_uint_eq(answer.found + answer.missed, 200000);
        ck_assert_uint_gt(answer.found, 150000);
        best = ns < best ? ns : best;
    }
    printf("cost: route6_100k_ns %u\n", best);
}

static double put_in_force(struct pt_dp_maps *maps, struct pt_dp_table *table)
{
    struct pt_error error = {0};
    uint32_t spare = (maps->in_force + 1) & 1;
    double start = now_s();
    ck_assert_msg(pt_dp_maps_write(maps, spare, table, &error) == PT_OK, "%s: %s", error.field, error.text);
    ck_assert_int_eq(pt_dp_maps_flip(maps, &error), PT_OK);
    return now_s() - start;
}

START_TEST(a_million_routes_are_found_and_deleted_again)
{
    char directory[96];
    struct pt_dp_programs programs;
    struct pt_dp_maps maps;
    struct pt_error error = {0};
    slow = calloc(SLOTS, sizeof(*slow));
    gone6 = calloc(ROUTES6, sizeof(*gone6));
    ck_assert_ptr_nonnull(slow);
    ck_assert_ptr_nonnull(gone6);
    (void)snprintf(directory, sizeof(directory), "%s/v%d", bed.pins, PT_ABI_VERSION);
    ck_assert_int_eq(pt_dp_programs_load(&programs, directory, &error), PT_OK);
    ck_assert_int_eq(pt_dp_maps_open(&maps, &programs, &error), PT_OK);
    struct bpf_object *object = bed_load_beside(bed.pins, program_file, "cost.bpf.o");

    make_routes();
    struct pt_dp_table *table = make_table();
    double first = put_in_force(&maps, table), again = put_in_force(&maps, table);
    printf("cost: route_1m_load_s %.3f the_other_slot %.3f\n", first, again);
    ck_assert_int_eq(pt_dp_dirs_verify(&maps, maps.in_force & 1, table, &error), PT_OK);
    compare(object, maps.in_force & 1, 20000);
    compare6(object, maps.in_force & 1, 20000);
    print_route6(object, maps.in_force & 1);

    uint32_t best = UINT32_MAX;
    for (int round = 0; round < 5; round++) {
        struct bench_route question = {.vni = VNI, .dir = 1, .slot = maps.in_force & 1, .seed = 3};
        uint32_t ns;
        struct bench_route answer = ask(object, "pt_route", &question, 1000000, &ns);
        ck_assert_uint_eq(answer.found + answer.missed, 1000000);
        ck_assert_uint_gt(answer.found, 500000);
        best = ns < best ? ns : best;
    }
    printf("cost: route_1m_ns %u\n", best);

    for (uint32_t at = 0; at < SLOTS; at++) {
        if (slow[at].len != 0 && random32() % 2 == 0) {
            slow[at].label = 0;
        }
    }
    for (uint32_t n = 0; n < ROUTES6; n++) {
        gone6[n] = random32() % 2 == 0;
    }
    struct pt_dp_table *fewer = make_table();
    double deleted = put_in_force(&maps, fewer);
    printf("cost: route_500k_deleted_s %.3f\n", deleted);
    compare(object, maps.in_force & 1, 20000);
    compare6(object, maps.in_force & 1, 20000);
    ck_assert_int_eq(pt_dp_dirs_verify(&maps, maps.in_force & 1, table, &error), PT_CORRUPT);
    pt_dp_table_unref(table);
    pt_dp_table_unref(fewer);
    bpf_object__close(object);
    pt_dp_maps_fini(&maps);
    pt_dp_programs_fini(&programs);
    free(slow);
    free(gone6);
}
END_TEST

/* ---- through the programs ------------------------------------------------------------------------------------- */

static const char *bundle_of(uint32_t routes)
{
    static char text[4 << 20];
    size_t size = (size_t)snprintf(text, sizeof(text),
                                   "node site=1\nlink id=1 if=wan0 address=192.0.2.1 gateway=192.0.2.254\n"
                                   "lan if=lan0 vni=100\nlan if=lan1 vni=100\n"
                                   "route vni=100 prefix=10.1.0.0/24 site=1 lan=lan0\n"
                                   "route vni=100 prefix=10.1.1.128/25 site=1 lan=lan1\n"
                                   "tunnel id=1 link=1 remote=192.0.2.2 site=2\npath id=11 tunnel=1 site=2\n"
                                   "group site=2 class=0 members=11:1:0\n");
    for (uint32_t i = 0; i < routes; i++) {
        size += (size_t)snprintf(text + size, sizeof(text) - size, "route vni=100 prefix=20.%u.%u.0/24 site=2\n",
                                 i / 256, i % 256);
    }
    return text;
}

static struct run send_to(const char *destination)
{
    struct packet p;
    put_ethernet(&p, ETH_P_IP);
    put_ipv4(&p, "10.1.0.2", destination, IPPROTO_ICMP, 0);
    put_payload(&p, 8);
    finish_ipv4(&p, ETH_HLEN);
    return run_lan(&bed, &p);
}

static struct run arrive_for(const char *destination)
{
    struct packet p;
    put_ethernet(&p, ETH_P_IP);
    put_ipv4(&p, "192.0.2.2", "192.0.2.1", IPPROTO_UDP, 0);
    uint32_t udp = put_udp(&p, 50000, 6081);
    put_geneve(&p, 100, ETH_P_IP, 0, NULL, 0);
    uint32_t inner = put_ipv4(&p, "20.1.1.1", destination, IPPROTO_UDP, 0);
    put_payload(&p, 30);
    finish_ipv4(&p, inner);
    finish_udp_size(&p, udp);
    finish_ipv4(&p, ETH_HLEN);
    return run_wan(&bed, &p);
}

static void check_segment(void)
{
    struct pt_digest digest;
    struct pt_error error = {0};
    ck_assert_int_eq(send_to("20.5.6.7").verdict, 7);
    CHECK_DROP(&bed, send_to("21.5.6.7"), NO_ROUTE);
    ck_assert_int_eq(send_to("10.1.0.77").verdict, TC_ACT_OK);
    ck_assert_int_eq(send_to("10.1.1.129").verdict, 7);
    CHECK_DROP(&bed, send_to("10.1.1.127"), NO_ROUTE);
    ck_assert_uint_eq(arrive_for("10.1.0.2").meta.ifindex, bed.lan0);
    ck_assert_uint_eq(arrive_for("10.1.1.200").meta.ifindex, bed.lan1);
    CHECK_DROP(&bed, arrive_for("10.1.1.1"), WRONG_SEGMENT);
    CHECK_DROP(&bed, arrive_for("20.1.1.1"), NOT_LOCAL);
    ck_assert_msg(bed.dp->ops->verify(bed.dp, &digest, &error) == PT_OK, "%s: %s", error.field, error.text);
}

START_TEST(a_segment_grows_into_a_table_and_out_of_it)
{
    uint32_t found = 0, vni = 100, slot, id;
    int outer = bed_pinned(bed.pins, "pt_dirs");
    bed_apply(&bed, bundle_of(2000));
    check_segment();
    bed_apply(&bed, bundle_of(20000));
    for (slot = 0; slot < 2; slot++) {
        ck_assert_int_eq(bpf_map_lookup_elem(outer, &slot, &id), 0);
        int inner = bpf_map_get_fd_by_id(id);
        ck_assert_int_eq(bpf_map_lookup_elem(inner, &vni, &found), 0);
        ck_assert_uint_eq(found, 1);
        (void)close(inner);
    }
    check_segment();
    /* an agent that takes over knows the tables only after it is told the bundle */
    struct pt_dp_bpf_options options = {.pin_directory = bed.pins};
    struct pt_error error = {0};
    bed.dp->ops->close(bed.dp);
    ck_assert_int_eq(pt_dp_bpf_new(&options, &bed.dp, &error), PT_OK);
    ck_assert_int_eq(send_to("20.5.6.7").verdict, 7);
    bed_apply(&bed, bundle_of(20000));
    check_segment();
    bed_apply(&bed, bundle_of(2000));
    check_segment();
    (void)close(outer);
}
END_TEST

int main(int argc, char **argv)
{
    (void)argc;
    if (!bed_possible()) {
        return 77;
    }
    program_file = argv[0];
    bed_open(&bed, bundle_of(0));
    Suite *suite = suite_create("route");
    TCase *tc = tcase_create("route");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, a_segment_grows_into_a_table_and_out_of_it);
    tcase_add_test(tc, a_million_routes_are_found_and_deleted_again);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    bed_close(&bed);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
