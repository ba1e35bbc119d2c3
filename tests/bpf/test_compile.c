/* Without a kernel: what a bundle must be, how rows come out, and the arithmetic of choosing. */
#include "agent/dp.h"
#include "agent/dp_bpf_table.h"
#include "bundle_text.h"

#include "bpf/lib/hash.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char base[] = "node site=1\n"
                           "link id=1 if=wan0 address=192.0.2.1\n"
                           "link id=2 if=gone address=192.0.2.2\n"
                           "lan if=lan0 vni=100\n"
                           "tunnel id=1 link=1 remote=192.0.2.9 site=2 mtu=1464\n"
                           "tunnel id=2 link=2 remote=192.0.2.9 site=2 mtu=1464\n"
                           "path id=11 tunnel=1 site=2\n"
                           "path id=12 tunnel=2 site=2\n"
                           "path id=13 tunnel=1 site=3 stack=3\n";

static uint32_t fake_interface(void *context, const char *name)
{
    (void)context;
    return strcmp(name, "wan0") == 0 ? 7 : strcmp(name, "lan0") == 0 ? 8 : strcmp(name, "wan00") == 0 ? 7 : 0;
}

static struct pt_dp_slots slots;

static void no_slot(void *arg, uint32_t slot)
{
    (void)slot;
    ++*(unsigned *)arg;
}

static enum pt_code compile(const char *more, struct pt_dp_table **ret, char absent[16], struct pt_error *reterr)
{
    char text[8192];
    (void)snprintf(text, sizeof(text), "%s%s", base, more);
    struct pt_bundle *bundle = bundle_from_text(text);
    ck_assert_ptr_nonnull(bundle);
    struct pt_dp_compile_options options = {.interface = fake_interface, .slots = &slots};
    enum pt_code code = pt_dp_compile(bundle, &options, ret, absent, reterr);
    pt_bundle_unref(bundle);
    return code;
}

/* Each line spoils the bundle in one way; the refusal must name the entry. */
static const struct {
    const char *more, *field;
} refusals[] = {
    {"node site=0\n", "node"},
    {"node site=0x100000\n", "node"},
    {"node site=1 port=70000\n", "node"},
    {"link id=65 if=wan0 address=192.0.2.3\n", "link 65"},
    {"link id=0 if=wan0 address=192.0.2.3\n", "link 0"},
    {"link id=3 if=wan0 address=192.0.2.3 gateway=2001:db8::1\n", "link 3"},
    {"link id=3 if=wan00 address=192.0.2.1\n", "pt_links"},
    {"lan if=lan0 vni=0\n", "lan lan0"},
    {"lan if=lan0 vni=0x1000000\n", "lan lan0"},
    {"lan if=wan0 vni=100\n", "lan wan0"},
    {"route vni=100 prefix=10.0.0.1/8 site=2\n", "route of VNI 100"},
    {"route vni=100 prefix=10.0.0.0/8 site=0\n", "route 10.0.0.0/8 of VNI 100"},
    {"route vni=0 prefix=10.0.0.0/8 site=2\n", "route 10.0.0.0/8 of VNI 0"},
    {"route vni=100 prefix=10.0.0.0/8 site=1\n", "route 10.0.0.0/8 of VNI 100"},
    {"route vni=200 prefix=10.0.0.0/8 site=1 lan=lan0\n", "route 10.0.0.0/8 of VNI 200"},
    {"tunnel id=3 link=5 remote=192.0.2.9 site=2\n", "tunnel 0000000000000003"},
    {"tunnel id=3 link=1 remote=2001:db8::9 site=2\n", "tunnel 0000000000000003"},
    {"tunnel id=3 link=1 remote=192.0.2.8 site=2 mtu=500\n", "tunnel 0000000000000003"},
    {"tunnel id=3 link=1 remote=192.0.2.9 site=2\n", "pt_peers"},
    {"path id=0 tunnel=1 site=2\n", "path 0000000000000000"},
    {"path id=5 tunnel=9 site=2\n", "path 0000000000000005"},
    {"path id=5 tunnel=1 site=2 stack=1,2,3,4,5,6,7\n", "path 0000000000000005"},
    {"path id=5 tunnel=1 site=2 stack=0x100000\n", "path 0000000000000005"},
    {"group site=2 members=99:1:0\n", "group of site 2, class 0"},
    {"group site=2 members=13:1:0\n", "group of site 2, class 0"},
    {"group site=3 class=transit members=13:1:0\n", "group of site 3, class 4294967295"},
    {"group site=3 class=transit members=13:1:1023\n", "group of site 3, class 4294967295"},
    {"group site=2 members=11:0:0\n", "group of site 2, class 0"},
    {"group site=2 members=11:65536:0\n", "group of site 2, class 0"},
    {"group site=2 members=11:1:65536\n", "group of site 2, class 0"},
    {"group site=2 members=11:1:0,11:1:0,11:1:0,11:1:0,11:1:0,11:1:0,11:1:0,11:1:0,11:1:0\n",
     "group of site 2, class 0"},
    {"group site=0 members=11:1:0\n", "group of site 0, class 0"},
    {"rule vni=100 order=64\n", "rule 64 of VNI 100"},
    {"rule vni=0 order=1\n", "rule 1 of VNI 0"},
    {"rule vni=100 order=1 protocol=257\n", "rule 1 of VNI 100"},
    {"rule vni=100 order=1 ports=80-79\n", "rule 1 of VNI 100"},
    {"rule vni=100 order=1 ports=80-65536\n", "rule 1 of VNI 100"},
    {"rule vni=100 order=1 prefix=10.0.0.1/24\n", "rule 1 of VNI 100"},
    {"rule vni=100 order=1 class=0xffffffff\n", "rule 1 of VNI 100"},
};

START_TEST(each_fault_is_refused_by_name)
{
    struct pt_error error = {0};
    struct pt_dp_table *table = NULL;
    char absent[16];
    unsigned freed = 0;
    ck_assert_int_eq(compile(refusals[_i].more, &table, absent, &error), PT_INVALID_ARGUMENT);
    ck_assert_ptr_null(table);
    ck_assert_str_eq(error.field, refusals[_i].field);
    ck_assert_uint_gt(strlen(error.text), 10);
    pt_dp_slots_settle(&slots, false, no_slot, &freed);
    ck_assert_uint_eq(slots.by_id.count, 0);
}
END_TEST

START_TEST(a_bundle_without_a_node_is_refused)
{
    struct pt_bundle *bundle = bundle_from_text("lan if=lan0 vni=100\n");
    struct pt_dp_compile_options options = {.interface = fake_interface, .slots = &slots};
    struct pt_dp_table *table;
    struct pt_error error;
    char absent[16];
    ck_assert_int_eq(pt_dp_compile(bundle, &options, &table, absent, &error), PT_INVALID_ARGUMENT);
    pt_bundle_unref(bundle);
}
END_TEST

START_TEST(what_is_on_an_absent_interface_is_left_out)
{
    struct pt_dp_table *table;
    struct pt_error error;
    struct pt_abi_group group;
    char absent[16];
    unsigned freed = 0;
    ck_assert_int_eq(compile("group site=2 members=12:3:0,11:1:1\n", &table, absent, &error), PT_OK);
    ck_assert_str_eq(absent, "gone");
    ck_assert_uint_eq(table->maps[PT_MAP_links].len, 1);
    ck_assert_uint_eq(table->maps[PT_MAP_peers].len, 1);
    ck_assert_uint_eq(table->maps[PT_MAP_paths].len, 2); /* 11 and 13 */
    memcpy(&group, pt_dp_rows_value(&table->maps[PT_MAP_groups], 0), sizeof(group));
    ck_assert_uint_eq(group.members_len, 1);
    ck_assert_uint_eq(group.members[0].path_slot, pt_dp_slots_get(&slots, 11));
    pt_dp_table_unref(table);
    pt_dp_slots_settle(&slots, true, no_slot, &freed);
    ck_assert_uint_eq(freed, 0);
    ck_assert_uint_eq(pt_dp_slots_get(&slots, 12), 0);
    pt_dp_slots_settle(&slots, true, no_slot, &freed); /* a bundle that uses none of them */
    ck_assert_uint_eq(freed, 2);
}
END_TEST

START_TEST(a_path_knows_its_mtu_and_a_peer_its_direct_path)
{
    struct pt_dp_table *table;
    struct pt_error error;
    struct pt_abi_path path;
    struct pt_abi_peer peer;
    char absent[16];
    unsigned freed = 0;
    ck_assert_int_eq(compile("", &table, absent, &error), PT_OK);
    for (size_t i = 0; i < table->maps[PT_MAP_paths].len; i++) {
        uint32_t slot;
        memcpy(&slot, pt_dp_rows_key(&table->maps[PT_MAP_paths], i), sizeof(slot));
        memcpy(&path, pt_dp_rows_value(&table->maps[PT_MAP_paths], i), sizeof(path));
        ck_assert_uint_eq(path.mtu, slot == pt_dp_slots_get(&slots, 13) ? 1464 - 8 : 1464);
        ck_assert_uint_eq(path.ifindex, 7);
    }
    memcpy(&peer, pt_dp_rows_value(&table->maps[PT_MAP_peers], 0), sizeof(peer));
    ck_assert_uint_eq(peer.path_slot, pt_dp_slots_get(&slots, 11));
    pt_dp_table_unref(table);
    pt_dp_slots_settle(&slots, true, no_slot, &freed);
    pt_dp_slots_settle(&slots, true, no_slot, &freed);
}
END_TEST

START_TEST(slots_run_out_and_come_back)
{
    unsigned freed = 0;
    for (uint64_t id = 1; id < PT_PATH_SLOTS; id++) {
        ck_assert_uint_ne(pt_dp_slots_take(&slots, id), 0);
    }
    ck_assert_uint_eq(pt_dp_slots_take(&slots, PT_PATH_SLOTS), 0);
    ck_assert_uint_ne(pt_dp_slots_take(&slots, 5), 0);
    pt_dp_slots_settle(&slots, true, no_slot, &freed);
    uint32_t kept = pt_dp_slots_take(&slots, 77);
    pt_dp_slots_settle(&slots, true, no_slot, &freed);
    ck_assert_uint_eq(freed, PT_PATH_SLOTS - 2);
    ck_assert_uint_eq(pt_dp_slots_take(&slots, 77), kept);
    pt_dp_slots_settle(&slots, false, no_slot, &freed); /* refused: what was not fresh stays */
    ck_assert_uint_eq(pt_dp_slots_get(&slots, 77), kept);
    pt_dp_slots_settle(&slots, true, no_slot, &freed);
}
END_TEST

START_TEST(the_logarithm_is_within_a_hundredth)
{
    double worst = 0;
    for (uint64_t h = 0; h <= UINT32_MAX; h += h < 70000 ? 1 : 99991) {
        double want = -log2(((double)h + 1) / 4294967296.0);
        double error = fabs(pt_neg_log2((uint32_t)h) / 65536.0 - want);
        worst = error > worst ? error : worst;
    }
    ck_assert_uint_eq(pt_neg_log2(UINT32_MAX), 0);
    ck_assert_uint_eq(pt_neg_log2(0), 32U << 16);
    ck_assert_msg(worst < 0.01, "error %f", worst);
}
END_TEST

START_TEST(the_simulated_data_plane_keeps_what_it_is_given)
{
    struct pt_dp *dp = pt_dp_sim_new();
    struct pt_bundle *bundle = bundle_from_text(base);
    struct pt_digest digest;
    struct pt_error error;
    ck_assert_int_eq(dp->ops->verify(dp, &digest, &error), PT_FAILED_PRECONDITION);
    ck_assert_int_eq(dp->ops->apply(dp, bundle, &error), PT_OK);
    ck_assert_int_eq(dp->ops->verify(dp, &digest, &error), PT_OK);
    ck_assert(pt_digest_equal(&digest, pt_bundle_digest(bundle)));
    ck_assert(!pt_dp_sim_path_alive(dp, 11));
    dp->ops->set_path_alive(dp, 11, true);
    ck_assert(pt_dp_sim_path_alive(dp, 11));
    dp->ops->set_path_alive(dp, 11, false);
    ck_assert(!pt_dp_sim_path_alive(dp, 11));
    pt_bundle_unref(bundle); /* the data plane has a reference of its own */
    ck_assert_int_eq(dp->ops->verify(dp, &digest, &error), PT_OK);
    dp->ops->close(dp);
}
END_TEST

int main(void)
{
    pt_dp_slots_init(&slots);
    Suite *suite = suite_create("compile");
    TCase *tc = tcase_create("compile");
    tcase_set_timeout(tc, 30);
    tcase_add_loop_test(tc, each_fault_is_refused_by_name, 0, (int)(sizeof(refusals) / sizeof(refusals[0])));
    tcase_add_test(tc, a_bundle_without_a_node_is_refused);
    tcase_add_test(tc, what_is_on_an_absent_interface_is_left_out);
    tcase_add_test(tc, a_path_knows_its_mtu_and_a_peer_its_direct_path);
    tcase_add_test(tc, slots_run_out_and_come_back);
    tcase_add_test(tc, the_logarithm_is_within_a_hundredth);
    tcase_add_test(tc, the_simulated_data_plane_keeps_what_it_is_given);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    pt_dp_slots_fini(&slots);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
