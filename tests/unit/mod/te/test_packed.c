/*
 * Solutions that are larger than a reply: a mesh of 215 sites in which each sends something to each other, and one site
 * more than its links carry, so that the solver is asked. What is read of it part by part, as a client reads it, is
 * joined and computed again.
 */
#include "fixture.h"

#include "mod/te/packed.h"
#include "mod/te/split.h"

#define SITES 215
#define MBIT 1000000ULL
#define RIVAL "organizations/rival"

static void demand(struct fixture *f, unsigned from, unsigned to, uint64_t rate_bps)
{
    char key[128];
    snprintf(key, sizeof(key), ORG "/sites/s%02u/edges/e/%u", from, to + 1);
    struct pt_demand_soft *soft = pt_arena_alloc(&f->arena, sizeof(*soft));
    soft->rate_bps = rate_bps;
    (void)pt_map_put_str(&f->soft.demands, key, soft);
}

static struct fixture f; /* made once: each test has a copy of the process */

/* Site 7's first link costs less and is too thin. */
static void setup(void)
{
    fixture_init(&f);
    put_basics(&f);
    for (unsigned i = 0; i < SITES; i++) {
        put_site(&f, i);
        put_link(&f, i, 0, "inet",
                 i == 7 ? ",\"cost\":5,\"capacityUpBps\":\"100000000\",\"capacityDownBps\":\"100000000\"" : "");
        put_link(&f, i, 1, "mpls", i == 7 ? ",\"capacityUpBps\":\"100000000\",\"capacityDownBps\":\"100000000\"" : "");
        for (unsigned j = 0; j < SITES; j++) {
            if (j != i) {
                demand(&f, i, j, i == 7 ? MBIT : MBIT / 10);
            }
        }
    }
    pass_ok(&f);
}

static void teardown(void)
{
    fixture_fini(&f);
}

static Patronus__V1__ListSolutionsResponse *answer(const struct te_packed *packed,
                                                   const struct te_packed_question *question, size_t *ret_size)
{
    PT_AUTO(buf) struct pt_buf data = {0};
    te_packed_answer(&packed, 1, question, &data);
    Patronus__V1__ListSolutionsResponse *response =
        patronus__v1__list_solutions_response__unpack(NULL, data.size, data.data);
    ck_assert_ptr_nonnull(response);
    *ret_size = data.size;
    return response;
}

/* All parts, one reply each; the joined bytes are a Solution as they are. */
static Patronus__V1__Solution *read_in_parts(const struct te_packed *packed, const char *organization)
{
    PT_AUTO(buf) struct pt_buf joined = {0};
    struct te_packed_question question = {.organization = organization, .epoch = packed->epoch};
    size_t parts = 1;
    for (question.part = 1; question.part <= parts; question.part++) {
        size_t size = 0;
        Patronus__V1__ListSolutionsResponse *response = answer(packed, &question, &size);
        ck_assert_uint_lt(size, TE_PACKED_PART_SIZE + 4096);
        ck_assert_uint_eq(response->n_solutions, 1);
        parts = response->parts;
        ck_assert_uint_gt(parts, 0);
        size = patronus__v1__solution__get_packed_size(response->solutions[0]);
        (void)patronus__v1__solution__pack(response->solutions[0], pt_buf_reserve(&joined, size));
        joined.size += size;
        patronus__v1__list_solutions_response__free_unpacked(response, NULL);
    }
    Patronus__V1__Solution *solution = patronus__v1__solution__unpack(NULL, joined.size, joined.data);
    ck_assert_ptr_nonnull(solution);
    return solution;
}

START_TEST(a_solution_larger_than_a_reply_is_computed_again_from_its_parts)
{
    struct te_packed packed = {0};
    struct pt_error error = {0};
    bool equal = false;
    ck_assert_int_eq(te_solution_of(&f.pass)->kind, TE_SPLIT_SOLVED);
    te_solution_pack(&f.pass, 64U << 20, &packed);
    ck_assert_uint_gt(packed.data.size, 4U << 20);
    ck_assert_uint_ge(packed.parts_len, 5);
    Patronus__V1__Solution *solution = read_in_parts(&packed, NULL);
    ck_assert_uint_eq(solution->n_links, 4 * SITES);
    ck_assert_uint_eq(solution->n_pairs, SITES * (SITES - 1));
    ck_assert_msg(te_solution_recompute(solution, &equal, &error) == PT_OK, "%s", error.text);
    ck_assert(equal);
    bool moved = false; /* and a change far behind in it is noticed */
    for (size_t i = solution->n_pairs; i-- > 0 && !moved;) {
        Patronus__V1__SolutionPath *path = solution->pairs[i]->paths[0];
        moved = path->weight != path->weight_default;
        path->weight += moved ? 1 : 0;
    }
    ck_assert(moved);
    ck_assert_int_eq(te_solution_recompute(solution, &equal, &error), PT_OK);
    ck_assert(!equal);
    patronus__v1__solution__free_unpacked(solution, NULL);
    te_packed_fini(&packed);
}
END_TEST

/* Who does not ask for parts gets the summary of what is too large, as ever; a part that is not there is none. */
START_TEST(whole_it_is_a_summary)
{
    struct te_packed packed = {0};
    struct pt_error error = {0};
    bool equal = false;
    size_t size = 0;
    te_solution_pack(&f.pass, 64U << 20, &packed);
    const struct te_packed_question questions[] = {
        {.epoch = packed.epoch}, {.epoch = 0}, {.epoch = packed.epoch, .summary = true}};
    for (size_t i = 0; i < 3; i++) {
        Patronus__V1__ListSolutionsResponse *response = answer(&packed, &questions[i], &size);
        ck_assert_uint_eq(response->n_solutions, 1);
        ck_assert_uint_eq(response->solutions[0]->epoch, packed.epoch);
        ck_assert_uint_eq(response->solutions[0]->n_links, 0);
        ck_assert_uint_eq(response->solutions[0]->n_pairs, 0);
        ck_assert_uint_eq(response->parts, i == 1 ? 0 : packed.parts_len);
        ck_assert_int_eq(te_solution_recompute(response->solutions[0], &equal, &error), PT_INVALID_ARGUMENT);
        patronus__v1__list_solutions_response__free_unpacked(response, NULL);
    }
    const struct te_packed_question none[] = {{.epoch = packed.epoch, .part = (uint32_t)packed.parts_len + 1},
                                              {.epoch = packed.epoch + 1, .part = 1}};
    for (size_t i = 0; i < 2; i++) {
        Patronus__V1__ListSolutionsResponse *response = answer(&packed, &none[i], &size);
        ck_assert_uint_eq(response->n_solutions, 0);
        patronus__v1__list_solutions_response__free_unpacked(response, NULL);
    }
    te_packed_fini(&packed);
}
END_TEST

/* Parts are a tenant's own: all of it for the one whose network it is, nothing for the other. */
START_TEST(parts_of_a_tenant_are_his)
{
    struct te_packed packed = {0};
    size_t size = 0;
    te_solution_pack(&f.pass, 64U << 20, &packed);
    Patronus__V1__Solution *own = read_in_parts(&packed, ORG);
    ck_assert_uint_eq(own->n_pairs, SITES * (SITES - 1));
    patronus__v1__solution__free_unpacked(own, NULL);
    const struct te_packed_question question = {.organization = RIVAL, .epoch = packed.epoch, .part = 1};
    Patronus__V1__ListSolutionsResponse *response = answer(&packed, &question, &size);
    ck_assert_uint_eq(response->n_solutions, 0);
    ck_assert_uint_eq(response->parts, 0);
    patronus__v1__list_solutions_response__free_unpacked(response, NULL);
    te_packed_fini(&packed);
}
END_TEST

/* Memory has a bound: one that is larger is its summary, and of many the newest stay whole. */
START_TEST(what_is_kept_has_a_bound)
{
    struct te_packed packed = {0}, summary = {0}, whole = {0};
    te_solution_pack(&f.pass, 64U << 20, &whole);
    te_solution_pack(&f.pass, whole.data.size - 1, &packed);
    ck_assert_uint_eq(packed.parts_len, 0);
    te_packed_summary(&whole, &summary);
    ck_assert_uint_eq(packed.data.size, summary.data.size);
    ck_assert_mem_eq(packed.data.data, summary.data.data, summary.data.size);
    ck_assert_uint_eq(summary.epoch, whole.epoch);
    const struct te_packed *kept[] = {&whole, &summary, &whole, &whole};
    size_t size = whole.data.size, small = summary.data.size;
    ck_assert_uint_eq(te_packed_fit(kept, 4, size - 1), 0);
    ck_assert_uint_eq(te_packed_fit(kept, 4, size), 1);
    ck_assert_uint_eq(te_packed_fit(kept, 4, 2 * size + small - 1), 2);
    ck_assert_uint_eq(te_packed_fit(kept, 4, 2 * size + small), 3);
    ck_assert_uint_eq(te_packed_fit(kept, 4, SIZE_MAX), 4);
    te_packed_fini(&summary);
    te_packed_fini(&packed);
    te_packed_fini(&whole);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("te packed");
    TCase *tcase = tcase_create("packed");
    tcase_set_timeout(tcase, 120);
    tcase_add_unchecked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_solution_larger_than_a_reply_is_computed_again_from_its_parts);
    tcase_add_test(tcase, whole_it_is_a_summary);
    tcase_add_test(tcase, parts_of_a_tenant_are_his);
    tcase_add_test(tcase, what_is_kept_has_a_bound);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
