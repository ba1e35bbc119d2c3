/*
 * A newer agent finds what an older one pinned, in a layout that has changed since. The older one is made from ours:
 * its pins are moved to the folder of version 1, and the counters, which have grown, are put back to what they were.
 */
#include "bed.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUNDLE                                                  \
    "node site=1\n"                                             \
    "link id=1 if=wan0 address=192.0.2.1 gateway=192.0.2.254\n" \
    "lan if=lan0 vni=100\n"                                     \
    "route vni=100 prefix=10.1.0.0/24 site=1 lan=lan0\n"        \
    "route vni=100 prefix=10.2.0.0/16 site=2\n"                 \
    "tunnel id=1 link=1 remote=192.0.2.2 site=2\n"              \
    "path id=11 tunnel=1 site=2\n"                              \
    "group site=2 class=0 members=11:1:0\n"

struct counters_v1 {
    uint64_t tx_packets, tx_bytes, rx_packets, rx_bytes;
};

static struct bed bed;

static void old_path(const char *name, char path[256])
{
    (void)snprintf(path, 256, "%s/v1/%s", bed.pins, name);
}

static void put_counters_v1(uint32_t slot)
{
    char path[256];
    size_t cpus = (size_t)libbpf_num_possible_cpus();
    struct counters_v1 *values = calloc(cpus, sizeof(*values));
    old_path("pt_counters", path);
    ck_assert_int_eq(unlink(path), 0);
    int fd = bpf_map_create(BPF_MAP_TYPE_PERCPU_ARRAY, "pt_counters", 4, sizeof(*values), PT_PATH_SLOTS, NULL);
    ck_assert_int_ge(fd, 0);
    for (size_t cpu = 0; cpu < cpus; cpu++) {
        values[cpu] = (struct counters_v1){1000 + cpu, 2000, 3000, 4000};
    }
    ck_assert_int_eq(bpf_map_update_elem(fd, &slot, values, BPF_ANY), 0);
    ck_assert_int_eq(bpf_obj_pin(fd, path), 0);
    (void)close(fd);
    free(values);
}

static uint32_t xdp_program(void)
{
    uint32_t id = 0;
    ck_assert_int_eq(bpf_xdp_query_id((int)bed.wan0, 0, &id), 0);
    return id;
}

static uint32_t tc_program(void)
{
    LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)bed.lan0, .attach_point = BPF_TC_INGRESS);
    LIBBPF_OPTS(bpf_tc_opts, options, .handle = 1, .priority = 1);
    ck_assert_int_eq(bpf_tc_query(&hook, &options), 0);
    return options.prog_id;
}

START_TEST(an_older_layout_forwards_until_the_first_bundle_and_then_is_ours)
{
    char old[256], new[256];
    struct pt_dp_bpf_options options = {.pin_directory = bed.pins};
    struct pt_error error = {0};
    struct pt_digest digest;
    bed.dp->ops->set_path_alive(bed.dp, 11, true);
    uint32_t slot = bed.dp->ops->path_slot(bed.dp, 11), xdp = xdp_program(), tc = tc_program();
    bed.dp->ops->close(bed.dp);
    old_path("", old);
    old[strlen(old) - 1] = '\0';
    (void)snprintf(new, sizeof(new), "%s/v%d", bed.pins, PT_ABI_VERSION);
    ck_assert_int_eq(rename(new, old), 0);
    put_counters_v1(slot);

    ck_assert_msg(pt_dp_bpf_new(&options, &bed.dp, &error) == PT_OK, "%s: %s", error.field, error.text);
    ck_assert_uint_eq(xdp_program(), xdp);
    ck_assert_uint_eq(tc_program(), tc);
    ck_assert_uint_eq(bed.dp->ops->path_slot(bed.dp, 11), slot);
    size_t cpus = (size_t)libbpf_num_possible_cpus();
    struct pt_dp_path_counters counters = bed_path(&bed, 11);
    ck_assert_uint_eq(counters.tx_packets, 1000 * cpus + cpus * (cpus - 1) / 2);
    ck_assert_uint_eq(counters.rx_bytes, 4000 * cpus);

    bed_apply(&bed, BUNDLE);
    ck_assert_uint_ne(xdp_program(), xdp);
    ck_assert_uint_ne(tc_program(), tc);
    ck_assert_int_ne(access(old, F_OK), 0);
    ck_assert_uint_eq(bed.dp->ops->path_slot(bed.dp, 11), slot);
    uint32_t state = 0;
    int fd = bed_pinned(bed.pins, "pt_path_state");
    ck_assert_int_eq(bpf_map_lookup_elem(fd, &slot, &state), 0);
    (void)close(fd);
    ck_assert_uint_eq(state, PT_PATH_ALIVE);
    ck_assert_msg(bed.dp->ops->verify(bed.dp, &digest, &error) == PT_OK, "%s: %s", error.field, error.text);
    bed_apply(&bed, BUNDLE); /* and goes on as ever */
}
END_TEST

int main(void)
{
    if (!bed_possible()) {
        return 77;
    }
    bed_open(&bed, BUNDLE);
    Suite *suite = suite_create("upgrade");
    TCase *tc = tcase_create("upgrade");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, an_older_layout_forwards_until_the_first_bundle_and_then_is_ours);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    bed_close(&bed);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
