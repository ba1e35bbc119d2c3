/*
 * The leader's pass over a mesh of sites with two links each: bench_te_pass [SITES]... (100 and 200 unless said)
 *
 * For each size a line per pass: what changed since the one before it, processor milliseconds of the stage "te" and of
 * all the mod's stages, wall milliseconds of the stage, how many pairs were searched anew, and a hash of the plan, by
 * which two builds can be compared. Then the first pass with two threads. No figure of the benchmarks: it says what a
 * pass costs.
 */
#include "tests/unit/mod/te/fixture.h"

#include <time.h>

static double clock_ms(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* All that was found, in one number: equal when two programs plan alike. */
static uint64_t hash_of(const struct te_topology *topology, const struct te_paths *paths)
{
    uint64_t hash = 0;
    for (size_t i = 0; i < topology->fabrics_len; i++) {
        size_t members_len = topology->fabrics[i].members_len;
        for (size_t j = 0; j < members_len * members_len; j++) {
            const struct te_pair *pair = &paths->fabrics[i].pairs[j];
            for (size_t k = 0; k < pair->len; k++) {
                const struct te_path *path = &pair->paths[k];
                hash = pt_hash_mix(hash ^ path->id ^ pt_hash_mix(path->metric) ^ path->tier << 8 ^ path->weight);
            }
        }
    }
    return hash;
}

static void pass(struct fixture *f, const char *what, size_t sites)
{
    double begin = clock_ms(CLOCK_PROCESS_CPUTIME_ID);
    pass_ok(f);
    double all = clock_ms(CLOCK_PROCESS_CPUTIME_ID) - begin;
    void *section = NULL;
    begin = clock_ms(CLOCK_PROCESS_CPUTIME_ID);
    double wall = clock_ms(CLOCK_MONOTONIC);
    struct pt_error error = {0};
    struct te_topology *topology = pt_map_get_str(&f->pass.sections, "topology");
    ck_assert_int_eq(te_paths_run(&f->pass, &section, &error), PT_OK);
    printf("%zu sites, %-28s stage %6.1f ms cpu %6.1f ms wall, pass %7.1f ms cpu, %6zu pairs searched, plan %016llx\n",
           sites, what, clock_ms(CLOCK_PROCESS_CPUTIME_ID) - begin, clock_ms(CLOCK_MONOTONIC) - wall, all,
           ((const struct te_paths *)section)->fabrics[0].searched, (unsigned long long)hash_of(topology, section));
    const struct te_paths *paths = section;
    pt_map_fini(&((struct te_solution *)(uintptr_t)paths->solution)->weights);
}

/* The passes of one fabric: each goes on from the one before. */
static void measure_size(unsigned sites)
{
    struct fixture f;
    fixture_init(&f);
    put_basics(&f);
    for (unsigned i = 0; i < sites; i++) {
        put_site(&f, i);
        put_link(&f, i, 0, "inet", "");
        put_link(&f, i, 1, "mpls", "");
    }
    static const char *const whats[] = {"first",        "nothing changed",         "a link went down",
                                        "it came back", "one tunnel's delay rose", "it fell again"};
    for (size_t i = 0; i < sizeof(whats) / sizeof(whats[0]); i++) {
        const struct te_topology *topology = i > 0 ? topology_of(&f) : NULL;
        for (size_t j = 0; i > 1 && j < topology->tunnels_len; j++) {
            const struct te_tunnel *tunnel = &topology->tunnels[j];
            bool watched = i < 4 ? tunnel->local == 7 : tunnel->local == 8 && tunnel->to == 9;
            if (watched) {
                measure(&f, te_direct_path(tunnel->id), i != 2, i == 4 ? 30000 : 0);
            }
        }
        const struct te_solution *previous = i > 0 ? te_solution_of(&f.pass) : NULL;
        if (i > 0) {
            f.pass.previous = previous;
            te_pass_fini(&f.pass);
            pt_map_fini(&f.pass.sections);
            f.views[f.views_len++] = f.pass.view;
        }
        pass(&f, whats[i], sites);
    }
    fixture_fini(&f);
}

/* The fixture asserts, which only works inside a run of libcheck. */
static int words_len;
static char **words;

START_TEST(passes)
{
    for (int i = 1; i < words_len; i++) {
        measure_size((unsigned)strtoul(words[i], NULL, 10));
    }
    if (words_len == 1) {
        measure_size(100);
        measure_size(200);
    }
}
END_TEST

int main(int argc, char **argv)
{
    words_len = argc;
    words = argv;
    Suite *suite = suite_create("te pass");
    TCase *tcase = tcase_create("passes");
    tcase_add_test(tcase, passes);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
