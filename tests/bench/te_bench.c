/*
 * The measurements behind tests/bench/te: each command prints "name value" lines. Times are processor seconds of this
 * process (one thread), but for kdl_paths with several threads, which is wall clock.
 *
 *   bench_te kdl SEED | paths THREADS | mlu | warm | maxflow | maxmin | curve | lp FILE NODES SEED
 */
#include "flow/warm.h"

#include "tests/unit/flow/instance.h"
#include "tests/unit/flow/oracle.h"

#include <pthread.h>
#include <stdatomic.h>

#define DATA PT_SOURCE_DIR "/tests/data/te/"
#define GRAPHS 20
#define CLP_SECONDS 60.0 /* for max-min fair rates, in all */

struct bench {
    struct pt_flow_te te; /* owns the graph when it came from a file */
    struct pt_flow_graph *graph;
    struct pt_flow_demand *demands;
    size_t len;
    struct pt_flow_paths *paths;
    struct pt_flow_problem problem;
    double paths_s;
};

static void must(enum pt_code code, const struct pt_error *error)
{
    if (code != PT_OK) {
        fprintf(stderr, "bench_te: %s: %s\n", error->field, error->text);
        exit(1);
    }
}

/* ---- instances ------------------------------------------------------------------------------------------------- */

static void make_paths(struct bench *bench, const struct pt_flow_workers *workers)
{
    struct pt_error error = {0};
    double begin = oracle_seconds();
    must(pt_flow_paths_new(bench->graph, NULL, bench->demands, bench->len, workers, &bench->paths, &error), &error);
    bench->paths_s = oracle_seconds() - begin;
    bench->problem = (struct pt_flow_problem){
        .graph = bench->graph, .demands = bench->demands, .demands_len = bench->len, .paths = bench->paths};
}

static struct bench from_file(const char *name, uint64_t seed, double load)
{
    struct bench bench = {0};
    char path[512];
    snprintf(path, sizeof(path), "%s%s", DATA, name);
    bench.te = instance_file(path);
    bench.graph = bench.te.graph;
    if (bench.te.demands_len > 0) {
        bench.demands = bench.te.demands;
        bench.te.demands = NULL;
        bench.len = bench.te.demands_len;
    } else {
        bench.len = instance_gravity(bench.graph, seed, load, &bench.demands);
    }
    return bench;
}

static struct bench from_random(uint32_t nodes, uint32_t cables, uint64_t seed, double load)
{
    struct bench bench = {.graph = instance_graph(nodes, cables, seed)};
    bench.len = instance_gravity(bench.graph, seed, load, &bench.demands);
    return bench;
}

static void keep_some(struct bench *bench, double share); /* the largest demands */

static void bench_free(struct bench *bench)
{
    pt_flow_paths_free(bench->paths);
    free(bench->demands);
    if (bench->te.graph == NULL) {
        pt_flow_graph_free(bench->graph);
    }
    pt_flow_te_fini(&bench->te);
}

static struct pt_flow_result *solve(const struct bench *bench, const struct pt_flow_options *options, double *ret_s)
{
    struct pt_error error = {0};
    struct pt_flow_result *result = NULL;
    double begin = oracle_seconds();
    must(pt_flow_solve(&bench->problem, options, &result, &error), &error);
    *ret_s = oracle_seconds() - begin;
    struct pt_flow_certificate certificate;
    must(pt_flow_verify(&bench->problem, result->rates, result->lengths, &certificate, &error), &error);
    result->certificate = certificate; /* what is reported is what the verifier says */
    return result;
}

/* Worst utilisation when every demand takes its first path, or splits evenly over all of its paths. */
static double plain(const struct bench *bench, bool split)
{
    double *loads = calloc(pt_flow_links_len(bench->graph), sizeof(double));
    uint32_t *path = calloc(pt_flow_nodes_len(bench->graph), sizeof(path[0]));
    for (size_t d = 0; d < bench->len; d++) {
        size_t first = pt_flow_paths_first(bench->paths, d);
        size_t count = split ? pt_flow_paths_first(bench->paths, d + 1) - first : 1;
        for (size_t s = first; s < first + count; s++) {
            size_t len = pt_flow_path_links(bench->paths, s, path, pt_flow_nodes_len(bench->graph));
            for (size_t i = 0; i < len; i++) {
                loads[path[i]] += bench->demands[d].rate / (double)count;
            }
        }
    }
    double worst = 0;
    for (uint32_t i = 0; i < pt_flow_links_len(bench->graph); i++) {
        worst = fmax(worst, loads[i] / pt_flow_link_at(bench->graph, i)->capacity);
    }
    free(loads);
    free(path);
    return worst;
}

static int descending(const void *a, const void *b)
{
    double x = ((const struct pt_flow_demand *)a)->rate;
    double y = ((const struct pt_flow_demand *)b)->rate;
    return x > y ? -1 : x < y;
}

static void keep_some(struct bench *bench, double share)
{
    qsort(bench->demands, bench->len, sizeof(bench->demands[0]), descending);
    bench->len = (size_t)ceil((double)bench->len * share);
}

/* ---- measurements ---------------------------------------------------------------------------------------------- */

static void kdl(uint64_t seed)
{
    struct bench bench = from_file("Kdl.topo", seed, 1);
    make_paths(&bench, NULL);
    double seconds = 0;
    const struct pt_flow_options options = {.gap = 0.01};
    struct pt_flow_result *result = solve(&bench, &options, &seconds);
    printf("demands %zu\nhops %zu\npaths_s %.4f\nsolve_s %.4f\ntotal_s %.4f\n", bench.len,
           pt_flow_paths_hops(bench.paths), bench.paths_s, seconds, bench.paths_s + seconds);
    printf("value %.6f\nbound %.6f\ngap %.6f\nshortest %.6f\nequal_split %.6f\n", result->certificate.value,
           result->certificate.bound, result->certificate.gap, plain(&bench, false), plain(&bench, true));
    pt_flow_result_free(result);
    bench_free(&bench);
}

struct crew {
    pt_flow_work_fn work;
    void *arg;
    size_t parts;
    atomic_size_t next;
};

static void *crew_main(void *arg)
{
    struct crew *crew = arg;
    for (size_t part = 0; (part = atomic_fetch_add(&crew->next, 1)) < crew->parts;) {
        crew->work(crew->arg, part);
    }
    return NULL;
}

static void run_crew(void *run_arg, pt_flow_work_fn work, void *arg, size_t parts)
{
    struct crew crew = {.work = work, .arg = arg, .parts = parts};
    pthread_t threads[16];
    size_t len = 0;
    for (size_t i = 1; i < *(size_t *)run_arg && len < 16; i++) {
        len += pthread_create(&threads[len], NULL, crew_main, &crew) == 0;
    }
    crew_main(&crew);
    for (size_t i = 0; i < len; i++) {
        pthread_join(threads[i], NULL);
    }
}

static void paths(size_t threads)
{
    struct bench bench = from_file("Kdl.topo", 1, 1);
    const struct pt_flow_workers workers = {.run = run_crew, .run_arg = &threads, .threads = threads};
    struct timespec begin;
    struct timespec end;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    make_paths(&bench, &workers);
    clock_gettime(CLOCK_MONOTONIC, &end);
    printf("paths_s %.4f\ncpu_s %.4f\nsize_mb %.1f\n",
           (double)(end.tv_sec - begin.tv_sec) + 1e-9 * (double)(end.tv_nsec - begin.tv_nsec), bench.paths_s,
           (double)pt_flow_paths_size(bench.paths) / 1e6);
    bench_free(&bench);
}

/* The least over any path: CLP's program of flows on links, or, where that is too large for it, what this solver
 * reaches over any path, and below which it has proved that nothing lies. */
static void any_path(const struct bench *bench, bool edge)
{
    double seconds = 0;
    if (edge) {
        double value = oracle_edge_mlu(bench->graph, bench->demands, bench->len, &seconds);
        printf("any path %.6f in %.2f s (CLP)", value, seconds);
        return;
    }
    struct bench found = *bench;
    struct pt_flow_result *result = NULL;
    struct pt_flow_certificate certificate;
    struct pt_error error = {0};
    const struct pt_flow_options options = {.gap = 0.002};
    double begin = oracle_seconds();
    must(pt_flow_solve_free(&bench->problem, NULL, &options, &found.paths, &result, &error), &error);
    seconds = oracle_seconds() - begin;
    found.problem.paths = found.paths;
    must(pt_flow_verify_any(&found.problem, NULL, result->rates, result->lengths, &certificate, &error), &error);
    printf("any path %.6f to %.6f in %.2f s (ours)", certificate.bound, certificate.value, seconds);
    pt_flow_result_free(result);
    pt_flow_paths_free(found.paths);
}

static double mlu_of(struct bench *bench, const char *name, bool edge)
{
    make_paths(bench, NULL);
    double ours_s = 0;
    double clp_s = 0;
    const struct pt_flow_options options = {.gap = 0.01};
    struct pt_flow_result *result = solve(bench, &options, &ours_s);
    double clp = oracle_value(&bench->problem, ORACLE_DUAL, &clp_s);
    double ratio = result->certificate.value / clp;
    printf("# %-11s ours %.6f in %.4f s, CLP %.6f in %.4f s, ratio %.5f; ", name, result->certificate.value, ours_s,
           clp, clp_s, ratio);
    any_path(bench, edge);
    printf("; shortest %.4f, equal split %.4f\n", plain(bench, false), plain(bench, true));
    fflush(stdout);
    pt_flow_result_free(result);
    bench_free(bench);
    return ratio;
}

static void mlu(void)
{
    struct bench bench = from_file("B4.te", 0, 0);
    double worst = mlu_of(&bench, "B4", true);
    bench = from_file("UsCarrier.topo", 1, 1);
    for (size_t d = 0; d < bench.len; d++) {
        bench.demands[d].rate = 1;
    }
    worst = fmax(worst, mlu_of(&bench, "UsCarrier", false));
    bench = from_file("UsCarrier.topo", 1, 1);
    worst = fmax(worst, mlu_of(&bench, "UsCarrier-g", false));
    for (uint64_t seed = 1; seed <= GRAPHS; seed++) {
        char name[32];
        snprintf(name, sizeof(name), "random%d", (int)seed);
        bench = from_random(10 + (uint32_t)seed * 2, 20 + (uint32_t)seed * 4, seed, 1);
        worst = fmax(worst, mlu_of(&bench, name, true));
    }
    printf("worst_ratio %.6f\n", worst);
}

/* Fail a link, and solve again from the answer before: seconds, or NAN when it was a bridge. The object is a new one
 * for each link; what it comes to is read out and verified. */
static double fail_one(struct bench *bench, const struct pt_flow_result *before, uint32_t index, const char *name)
{
    struct pt_error error = {0};
    struct pt_flow_warm *warm = NULL;
    must(pt_flow_warm_new(&bench->problem, NULL, before, &warm, &error), &error);
    const struct pt_flow_options options = {.gap = 0.01};
    struct pt_flow_certificate certificate;
    double begin = oracle_seconds();
    enum pt_code code = pt_flow_warm_fail(warm, &index, 1, &options, &certificate, &error);
    double seconds = code == PT_OK ? oracle_seconds() - begin : NAN;
    if (code == PT_OK) {
        struct bench after = {.problem = bench->problem};
        struct pt_flow_result *result = NULL;
        must(pt_flow_warm_read(warm, &after.graph, &after.paths, &result, &error), &error);
        after.problem.graph = after.graph;
        after.problem.paths = after.paths;
        must(pt_flow_verify(&after.problem, result->rates, result->lengths, &certificate, &error), &error);
        const struct pt_flow_link *link = pt_flow_link_at(bench->graph, index);
        printf("# %s link %u to %u: %.1f ms, %zu demands touched, %zu passes, gap %.4f, %.4f before %.4f\n", name,
               link->from, link->to, seconds * 1e3, pt_flow_warm_touched(warm), pt_flow_warm_passes(warm),
               certificate.gap, certificate.value, before->certificate.value);
        fflush(stdout);
        if (certificate.gap > 0.01) {
            must(pt_fail(&error, PT_INTERNAL, PT_REASON_NONE, name, "the gap is %.4f", certificate.gap), &error);
        }
        pt_flow_result_free(result);
        pt_flow_paths_free(after.paths);
        pt_flow_graph_free(after.graph);
    }
    pt_flow_warm_free(warm);
    return seconds;
}

/* The most used link that has not been tried. */
static uint32_t most_used(const struct bench *bench, const struct pt_flow_result *before, const bool *tried)
{
    uint32_t best = UINT32_MAX;
    double most = -1;
    for (uint32_t i = 0; i < pt_flow_links_len(bench->graph); i++) {
        double used = before->loads[i] / pt_flow_link_at(bench->graph, i)->capacity;
        if (!tried[i] && used > most) {
            most = used;
            best = i;
        }
    }
    return best;
}

/* Fail links, each alone: the most used ones, then as many spread over the list. Bridges do not count. */
static void warm_of(struct bench *bench, const char *name, uint32_t links)
{
    make_paths(bench, NULL);
    double cold_s = 0;
    const struct pt_flow_options options = {.gap = 0.01};
    struct pt_flow_result *before = solve(bench, &options, &cold_s);
    uint32_t links_len = pt_flow_links_len(bench->graph);
    bool *tried = calloc(links_len, sizeof(bool));
    double worst = 0;
    for (uint32_t done = 0; done < links;) {
        uint32_t link = most_used(bench, before, tried);
        if (link == UINT32_MAX) {
            break;
        }
        tried[link] = true;
        double seconds = fail_one(bench, before, link, name);
        done += !isnan(seconds);
        worst = isnan(seconds) ? worst : fmax(worst, seconds);
    }
    for (uint32_t i = 0; i < links; i++) {
        double seconds = fail_one(bench, before, i * (links_len / links), name);
        worst = isnan(seconds) ? worst : fmax(worst, seconds);
    }
    printf("%s_ms %.2f\n", name, worst * 1e3);
    free(tried);
    pt_flow_result_free(before);
    bench_free(bench);
}

static void warm(void)
{
    struct bench bench = from_file("Kdl.topo", 1, 1);
    warm_of(&bench, "warm_kdl", 10);
    bench = from_random(200, 400, 1, 1);
    warm_of(&bench, "warm_200", 20);
}

static void maxflow(void)
{
    double worst = INFINITY;
    double slowest = 0;
    for (int i = 0; i < 4; i++) {
        struct bench bench = i == 0   ? from_file("UsCarrier.topo", 1, 2)
                             : i == 1 ? from_file("Kdl.topo", 1, 0.3)
                             : i == 2 ? from_random(100, 200, 7, 3)
                                      : from_random(60, 150, 8, 3);
        static const char *const names[] = {"UsCarrier", "Kdl-2%", "random100", "random60"};
        keep_some(&bench, i == 1 ? 0.02 : 1);
        make_paths(&bench, NULL);
        bench.problem.objective = PT_FLOW_MAX_FLOW;
        double ours_s = 0;
        double clp_s = 0;
        const struct pt_flow_options options = {.gap = 0.01};
        struct pt_flow_result *result = solve(&bench, &options, &ours_s);
        double clp = oracle_value(&bench.problem, ORACLE_BARRIER, &clp_s);
        printf("# %-10s ours %.6g in %.4f s, gap %.4f; CLP barrier %.6g in %.4f s; ratio %.5f, time ratio %.4f\n",
               names[i], result->certificate.value, ours_s, result->certificate.gap, clp, clp_s,
               result->certificate.value / clp, ours_s / clp_s);
        fflush(stdout);
        worst = fmin(worst, result->certificate.value / clp);
        slowest = fmax(slowest, ours_s / clp_s);
        pt_flow_result_free(result);
        bench_free(&bench);
    }
    printf("ratio %.6f\ntime_ratio %.6f\n", worst, slowest);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* Rates of demands, ascending: as they are compared. */
static double *sorted_rates(const struct bench *bench, const struct pt_flow_result *result)
{
    double *rates = calloc(bench->len, sizeof(double));
    for (size_t d = 0; d < bench->len; d++) {
        for (size_t s = pt_flow_paths_first(bench->paths, d); s < pt_flow_paths_first(bench->paths, d + 1); s++) {
            rates[d] += result->rates[s];
        }
    }
    qsort(rates, bench->len, sizeof(double), ascending);
    return rates;
}

/* Smallest ratio of the sorted rates over CLP's, which solves level by level; NAN when its time is up. Takes what it
 * used off *clp_left. */
static double beside_clp(const struct bench *bench, const struct pt_flow_result *result, double *clp_left)
{
    double *ours = sorted_rates(bench, result);
    double *theirs = calloc(bench->len, sizeof(double));
    double begin = oracle_seconds();
    bool solved = *clp_left > 0 && oracle_fair(&bench->problem, *clp_left, theirs);
    double clp_s = oracle_seconds() - begin;
    *clp_left -= clp_s;
    double least = solved ? INFINITY : NAN;
    size_t near = 0;
    qsort(theirs, bench->len, sizeof(double), ascending);
    for (size_t d = 0; solved && d < bench->len; d++) {
        least = fmin(least, ours[d] / theirs[d]);
        near += ours[d] >= theirs[d] * 0.98;
    }
    if (solved) {
        printf("; CLP %.3f s, smallest ratio %.5f, %zu of %zu within 2 %%", clp_s, least, near, bench->len);
    } else if (clp_s > 0.5) {
        printf("; CLP stopped after %.0f s", clp_s);
    }
    free(ours);
    free(theirs);
    return least;
}

/* What is proved of every demand stands beside: it is all there is where CLP cannot be asked. */
static double maxmin_of(struct bench *bench, const char *name, double *clp_left)
{
    make_paths(bench, NULL);
    bench->problem.objective = PT_FLOW_MAX_MIN;
    double ours_s = 0;
    const struct pt_flow_options options = {.gap = 0.01};
    struct pt_flow_result *result = solve(bench, &options, &ours_s);
    struct pt_flow_fairness fairness;
    struct pt_error error = {0};
    must(pt_flow_verify_levels(&bench->problem, result->rates, &result->levels, NULL, &fairness, &error), &error);
    printf("# %-12s %6zu demands: %.3f s, %zu levels, %zu served, %zu held, %zu unproved; no demand lacks more than a "
           "share of %.1e, %.1e on average",
           name, bench->len, ours_s, result->levels.len, fairness.served, fairness.held, fairness.unproved,
           fairness.gap, fairness.gap_mean);
    double ratio = beside_clp(bench, result, clp_left);
    printf("\n");
    fflush(stdout);
    pt_flow_result_free(result);
    bench_free(bench);
    return ratio;
}

/* A program a level is too much for CLP beyond some 35 nodes: larger ones have their proofs only. */
static void maxmin(void)
{
    static const uint32_t larger[] = {20, 25, 30, 35};
    double clp_left = CLP_SECONDS;
    double none = 0;
    struct bench bench = from_file("B4.te", 0, 0);
    for (size_t d = 0; d < bench.len; d++) {
        bench.demands[d].rate *= 3;
    }
    double worst = maxmin_of(&bench, "B4", &clp_left);
    for (uint32_t seed = 1; seed <= 10; seed++) {
        char name[32];
        snprintf(name, sizeof(name), "random%u", 6 + seed);
        bench = from_random(6 + seed, 12 + 2 * seed, seed, 3);
        worst = fmin(worst, maxmin_of(&bench, name, &clp_left)); /* NAN counts for nothing */
    }
    for (size_t i = 0; i < sizeof(larger) / sizeof(larger[0]); i++) {
        char name[32];
        snprintf(name, sizeof(name), "random%u", larger[i]);
        bench = from_random(larger[i], larger[i] * 2, larger[i], 3);
        worst = fmin(worst, maxmin_of(&bench, name, &clp_left));
    }
    bench = from_random(60, 150, 8, 2);
    (void)maxmin_of(&bench, "random60", &none);
    bench = from_random(100, 250, 8, 2);
    (void)maxmin_of(&bench, "random100", &none);
    bench = from_file("UsCarrier.topo", 1, 2);
    (void)maxmin_of(&bench, "UsCarrier", &none);
    printf("worst %.6f\n", worst);
}

/* Graphs like Kdl in degree (2.4 links a node), from 10 nodes up; the last is Kdl itself. */
static void curve(void)
{
    static const uint32_t sizes[] = {10, 25, 50, 100, 200, 400, 754};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        uint32_t n = sizes[i];
        struct bench bench = n == 754 ? from_file("Kdl.topo", 1, 1) : from_random(n, n * 119 / 100 + 1, 1, 1);
        make_paths(&bench, NULL);
        double seconds = 0;
        const struct pt_flow_options options = {.gap = 0.01};
        struct pt_flow_result *result = solve(&bench, &options, &seconds);
        printf("# %3u nodes %6zu demands %9zu hops: paths %8.3f ms, solve %8.3f ms, %zu passes, gap %.4f\n", n,
               bench.len, pt_flow_paths_hops(bench.paths), bench.paths_s * 1e3, seconds * 1e3, result->passes,
               result->certificate.gap);
        fflush(stdout);
        pt_flow_result_free(result);
        bench_free(&bench);
    }
}

/* MIN_MLU of a random graph, of UsCarrier (158) or of Kdl (754) as an MPS file, for other solvers; CLP's own time. */
static void lp(const char *file, uint32_t nodes, uint64_t seed)
{
    struct bench bench = nodes == 754   ? from_file("Kdl.topo", seed, 1)
                         : nodes == 158 ? from_file("UsCarrier.topo", seed, 1)
                                        : from_random(nodes, nodes * 2, seed, 1);
    make_paths(&bench, NULL);
    double seconds = 0;
    const struct pt_flow_options options = {.gap = 0.01};
    struct pt_flow_result *result = solve(&bench, &options, &seconds);
    double clp_s = 0;
    double clp = oracle_value_mps(&bench.problem, ORACLE_PRIMAL, &clp_s, file);
    printf("value %.6f\nsolve_s %.4f\nclp %.6f\nclp_s %.4f\n", result->certificate.value, seconds, clp, clp_s);
    pt_flow_result_free(result);
    bench_free(&bench);
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    if (strcmp(what, "kdl") == 0 && argc == 3) {
        kdl(strtoull(argv[2], NULL, 10));
    } else if (strcmp(what, "paths") == 0 && argc == 3) {
        paths(strtoull(argv[2], NULL, 10));
    } else if (strcmp(what, "mlu") == 0) {
        mlu();
    } else if (strcmp(what, "warm") == 0) {
        warm();
    } else if (strcmp(what, "maxflow") == 0) {
        maxflow();
    } else if (strcmp(what, "maxmin") == 0) {
        maxmin();
    } else if (strcmp(what, "curve") == 0) {
        curve();
    } else if (strcmp(what, "lp") == 0 && argc == 5) {
        lp(argv[2], (uint32_t)strtoul(argv[3], NULL, 10), strtoull(argv[4], NULL, 10));
    } else {
        fputs("usage: bench_te kdl SEED | paths THREADS | mlu | warm | maxflow | maxmin | curve | lp FILE NODES SEED\n",
              stderr);
        return 2;
    }
    return 0;
}
