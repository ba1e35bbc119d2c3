/* Classes of a pair with splits of their own: who takes which path, what nodes get, and who stays where he is. */
#include "fixture.h"

#include "mod/te/packed.h"
#include "mod/te/share.h"
#include "mod/te/split.h"

#define MBIT 1000000ULL
#define REALTIME 1
#define STANDARD 4
#define BULK 5

static void demand(struct fixture *f, unsigned from, unsigned to, uint64_t realtime_bps, uint64_t bulk_bps)
{
    char key[128];
    snprintf(key, sizeof(key), ORG "/sites/s%02u/edges/e/%u", from, to + 1);
    struct pt_demand_soft *soft = pt_arena_alloc(&f->arena, sizeof(*soft));
    soft->rate_bps = realtime_bps + bulk_bps;
    soft->class_bps[REALTIME] = realtime_bps;
    soft->class_bps[BULK] = bulk_bps;
    (void)pt_map_put_str(&f->soft.demands, key, soft);
}

/* Two sites with two links of 100 Mbit/s each; inet costs less. */
static void two_sites(struct fixture *f)
{
    const char *rates = ",\"capacityUpBps\":\"100000000\",\"capacityDownBps\":\"100000000\"";
    char cheap[128];
    snprintf(cheap, sizeof(cheap), ",\"cost\":5%s", rates);
    put_basics(f);
    for (unsigned i = 0; i < 2; i++) {
        put_site(f, i);
        put_link(f, i, 0, "inet", cheap);
        put_link(f, i, 1, "mpls", rates);
    }
}

static uint64_t inet_path(void)
{
    return te_direct_path(te_tunnel_id(ORG "/sites/s00/links/l00", ORG "/sites/s01/links/l00"));
}

/* Share of a class of the pair 0 -> 1 that goes by inet. */
static double by_inet(struct fixture *f, uint32_t class)
{
    const struct te_pair *pair = te_pair_for_class(pair_of(f, 0, 1), class);
    double splits[TE_CANDIDATES_MAX], share = 0;
    te_pair_splits(pair, splits);
    for (size_t i = 0; i < pair->len; i++) {
        share += pair->paths[i].id == inet_path() ? splits[i] : 0;
    }
    return share;
}

static const Patronus__V1__GroupEntry *class_group(const struct pt_plan_node *node, uint32_t label, uint32_t class)
{
    for (size_t i = 0; i < node->entries_len; i++) {
        const Patronus__V1__Entry *entry = node->entries[i];
        if (entry->entry_case == PATRONUS__V1__ENTRY__ENTRY_GROUP && entry->group->site_label == label &&
            entry->group->policy_class == 0 && entry->group->traffic_class == class) {
            return entry->group;
        }
    }
    return NULL;
}

static size_t class_groups(const struct pt_plan_node *node)
{
    size_t len = 0;
    for (size_t i = 0; i < node->entries_len; i++) {
        len += node->entries[i]->entry_case == PATRONUS__V1__ENTRY__ENTRY_GROUP &&
                       node->entries[i]->group->traffic_class != 0
                   ? 1
                   : 0;
    }
    return len;
}

static bool recomputes(struct fixture *f)
{
    struct te_packed packed = {0};
    bool equal = false;
    struct pt_error error = {0};
    te_solution_pack(&f->pass, SIZE_MAX, &packed);
    Patronus__V1__Solution *solution = patronus__v1__solution__unpack(NULL, packed.data.size, packed.data.data);
    ck_assert_ptr_nonnull(solution);
    ck_assert_msg(te_solution_recompute(solution, &equal, &error) == PT_OK, "%s", error.text);
    patronus__v1__solution__free_unpacked(solution, NULL);
    te_packed_fini(&packed);
    return equal;
}

/* Random rooms and classes: each class adds to 1, together they fill what there is, and the first one keeps its normal
 * path exactly as far as there is room on it. */
START_TEST(classes_change_no_link_s_load)
{
    uint64_t state = 7;
    for (unsigned round = 0; round < 2000; round++) {
        double room[5], normal[5] = {0}, served[3], splits[15], sum = 0;
        for (size_t i = 0; i < 5; i++) {
            state = state * 6364136223846793005ULL + 1442695040888963407ULL;
            room[i] = (double)(state >> 40 & 255) * (state >> 33 & 1 ? 1 : 0);
            sum += room[i];
        }
        normal[round % 2] = round % 3 == 0 ? 0.5 : 1;
        normal[2] = 1 - normal[round % 2];
        served[0] = sum * 0.2;
        served[1] = round % 5 == 0 ? 0 : sum * 0.5;
        served[2] = sum - served[0] - served[1];
        const struct te_share_problem problem = {
            .paths_len = 5, .classes_len = 3, .room = room, .normal = normal, .served = served};
        te_share_classes(&problem, splits);
        for (size_t class = 0; class < 3; class ++) {
            double all = 0;
            for (size_t i = 0; i < 5; i++) {
                ck_assert_double_ge(splits[class * 5 + i], -1e-9);
                all += splits[class * 5 + i];
            }
            ck_assert_double_eq_tol(all, 1, 1e-9);
        }
        for (size_t i = 0; i < 5; i++) {
            double put = 0;
            for (size_t class = 0; class < 3; class ++) {
                put += splits[class * 5 + i] * served[class];
            }
            ck_assert_double_eq_tol(put, room[i], 1e-6);
        }
        double kept = normal[2] * served[0] < room[2] ? normal[2] * served[0] : room[2];
        ck_assert_double_ge(splits[2] * served[0], kept - 1e-6);
    }
}
END_TEST

/* 90 Mbit/s on a link of 100 are spread; voice stays on the better link, and bulk is what leaves it. The link's loads,
 * and the certificate, are those of a split that knows no classes. */
START_TEST(bulk_leaves_and_voice_stays)
{
    struct fixture f;
    fixture_init(&f);
    two_sites(&f);
    demand(&f, 0, 1, 20 * MBIT, 70 * MBIT);
    demand(&f, 1, 0, 10 * MBIT, 10 * MBIT);
    pass_ok(&f);
    const struct te_solution *solution = te_solution_of(&f.pass);
    ck_assert_int_eq(solution->kind, TE_SPLIT_SOLVED);
    ck_assert_uint_le(solution->target_ppm, 460000);
    ck_assert_uint_le(solution->gap_ppm, 10000);
    ck_assert_uint_le(solution->rounding_ppm, 1000000 / TE_QUANTUM);
    ck_assert(solution->promised);
    ck_assert_double_eq(by_inet(&f, REALTIME), 1);
    ck_assert_double_eq_tol(by_inet(&f, BULK) * 70 + 20, 45, 1.5);
    ck_assert_double_eq_tol(by_inet(&f, 0) * 90, 45, 1.5); /* what all together have, for classes not seen yet */
    const struct pt_plan_node *node = topology_of(&f)->sites[0].node;
    const Patronus__V1__GroupEntry *voice = class_group(node, 2, REALTIME), *all = group_of(node, 2, 0);
    ck_assert_ptr_nonnull(voice);
    ck_assert_ptr_nonnull(class_group(node, 2, BULK));
    ck_assert_ptr_null(class_group(node, 2, STANDARD));
    ck_assert_uint_eq(voice->members[0]->path, inet_path());
    ck_assert_uint_eq(voice->members[0]->tier, 0);
    ck_assert_uint_gt(voice->members[1]->tier, 0);
    ck_assert_uint_eq(all->members[1]->tier, 0);
    ck_assert_uint_eq(class_groups(topology_of(&f)->sites[1].node), 0); /* nothing of its traffic is in anybody's way */
    ck_assert(recomputes(&f));
    Patronus__V1__ExplainDemandResponse *response = NULL;
    struct pt_error error = {0};
    ck_assert_int_eq(te_explain(&f.pass, ORG "/sites/s00", ORG "/sites/s01", NULL, &f.arena, &response, &error), PT_OK);
    ck_assert_uint_eq(response->paths[0]->n_class_shares, 2);
    ck_assert_int_eq(response->paths[0]->class_shares[0]->traffic_class, PATRONUS__V1__TRAFFIC_CLASS__REALTIME);
    ck_assert_uint_eq(response->paths[0]->class_shares[0]->share_ppm + response->paths[1]->class_shares[0]->share_ppm,
                      1000000);
    fixture_fini(&f);
}
END_TEST

/* The same traffic once more, and traffic that changes a little: every class keeps its weights, and the epoch stays. */
START_TEST(a_class_stays_where_it_is)
{
    struct fixture f;
    fixture_init(&f);
    two_sites(&f);
    demand(&f, 0, 1, 20 * MBIT, 70 * MBIT);
    pass_ok(&f);
    struct te_solution before = *te_solution_of(&f.pass);
    double bulk = by_inet(&f, BULK);
    memset(&((struct te_solution *)(uintptr_t)te_solution_of(&f.pass))->weights, 0, sizeof(before.weights));
    demand(&f, 0, 1, 22 * MBIT, 68 * MBIT);
    pass_again(&f, &before);
    const struct te_solution *after = te_solution_of(&f.pass);
    ck_assert_int_eq(after->kind, TE_SPLIT_KEPT);
    ck_assert_uint_eq(after->epoch, before.epoch);
    ck_assert_double_eq(by_inet(&f, BULK), bulk);
    ck_assert_double_eq(by_inet(&f, REALTIME), 1);
    ck_assert(recomputes(&f));
    pt_map_fini(&before.weights);
    fixture_fini(&f);
}
END_TEST

/* 270 Mbit/s for 200: voice has all it wants, on no link more than there is; bulk is split as what is left. */
START_TEST(what_does_not_fit_is_bulk)
{
    struct fixture f;
    fixture_init(&f);
    two_sites(&f);
    demand(&f, 0, 1, 120 * MBIT, 150 * MBIT);
    pass_ok(&f);
    const struct te_solution *solution = te_solution_of(&f.pass);
    ck_assert_int_eq(solution->kind, TE_SPLIT_FAIR);
    ck_assert_uint_gt(solution->bound_ppm, 1000000); /* proves that not everything fits */
    double voice = by_inet(&f, REALTIME) * 120, bulk = by_inet(&f, BULK);
    ck_assert_double_le(voice, 101);
    ck_assert_double_le(120 - voice, 101);
    ck_assert_double_eq_tol(bulk * 80, 100 - voice, 2); /* of the 80 that are left */
    ck_assert(recomputes(&f));
    fixture_fini(&f);
}
END_TEST

/* A new leader hears from nodes how each class is split: that stays until the traffic was measured. */
START_TEST(what_nodes_say_of_classes_is_kept)
{
    static const uint32_t all[] = {128, 128}, voice[] = {256, 0};
    struct fixture f;
    fixture_init(&f);
    two_sites(&f);
    pass_ok(&f);
    struct te_solution learned = {.hold = true};
    const struct te_pair *pair = pair_of(&f, 0, 1);
    for (size_t i = 0; i < 2; i++) {
        uint8_t key[TE_WEIGHT_KEY_SIZE];
        size_t size = te_weight_key(pair->paths[i].id, 0, ORG "/sites/s00", key);
        (void)pt_map_put(&learned.weights, key, size, (void *)(uintptr_t)&all[i]);
        size = te_weight_key(pair->paths[i].id, REALTIME, ORG "/sites/s00", key);
        if (voice[i] != 0) {
            (void)pt_map_put(&learned.weights, key, size, (void *)(uintptr_t)&voice[i]);
        }
    }
    demand(&f, 0, 1, 0, 1 * MBIT);
    pass_again(&f, &learned);
    ck_assert_int_eq(te_solution_of(&f.pass)->kind, TE_SPLIT_KEPT);
    ck_assert_double_eq(by_inet(&f, REALTIME), 1);
    ck_assert_double_eq(by_inet(&f, BULK), 0.5);
    pt_map_fini(&learned.weights);
    fixture_fini(&f);
}
END_TEST

/* A solution whose classes do not ascend is refused with its place. */
START_TEST(classes_that_do_not_ascend_are_refused)
{
    struct fixture f;
    fixture_init(&f);
    two_sites(&f);
    demand(&f, 0, 1, 20 * MBIT, 70 * MBIT);
    pass_ok(&f);
    struct te_packed packed = {0};
    bool equal = false;
    struct pt_error error = {0};
    te_solution_pack(&f.pass, SIZE_MAX, &packed);
    Patronus__V1__Solution *solution = patronus__v1__solution__unpack(NULL, packed.data.size, packed.data.data);
    ck_assert_uint_eq(solution->n_pairs, 2);
    solution->pairs[1]->traffic_class = PATRONUS__V1__TRAFFIC_CLASS__REALTIME;
    ck_assert_int_eq(te_solution_recompute(solution, &equal, &error), PT_INVALID_ARGUMENT);
    ck_assert_str_eq(error.field, "pairs.traffic_class");
    solution->pairs[1]->traffic_class = (Patronus__V1__TrafficClass)77;
    ck_assert_int_eq(te_solution_recompute(solution, &equal, &error), PT_INVALID_ARGUMENT);
    patronus__v1__solution__free_unpacked(solution, NULL);
    te_packed_fini(&packed);
    fixture_fini(&f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("classes");
    TCase *tcase = tcase_create("all");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, classes_change_no_link_s_load);
    tcase_add_test(tcase, bulk_leaves_and_voice_stays);
    tcase_add_test(tcase, a_class_stays_where_it_is);
    tcase_add_test(tcase, what_does_not_fit_is_bulk);
    tcase_add_test(tcase, what_nodes_say_of_classes_is_kept);
    tcase_add_test(tcase, classes_that_do_not_ascend_are_refused);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
