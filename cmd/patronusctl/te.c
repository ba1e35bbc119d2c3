/*
 * patronusctl te solve FILE.te: read an instance, make paths, solve, check the answer, print it.
 *
 * The answer is checked by pt_flow_verify, which computes value and bound anew from the rates; what is printed is what
 * it says. Times are wall clock: paths_seconds covers making the paths, solve_seconds the solver; neither covers
 * reading the file, checking, or writing.
 */
#include "te.h"

#include "ctl.h"

#include "flow/format.h"
#include "flow/solve.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define THREADS_DEFAULT 2
#define THREADS_MAX 64
#define SHOWN_LINKS 5

static const char usage_text[] =
    "Usage: patronusctl te solve FILE.te [FLAG]...\n"
    "\n"
    "Solve a traffic-engineering instance from a file; needs no cluster. docs/mod/te.md says what the certificate "
    "means.\n"
    "\n"
    "      --objective mlu|maxmin|maxflow|mindelay   [mlu]\n"
    "      --paths disjointK|free    up to K edge-disjoint paths a demand (K 1 to 16), or any path [disjoint4]\n"
    "      --gap SHARE               stop when value and bound are that close [0.01]\n"
    "      --utilisation SHARE       bound on load by capacity, for all but mlu [1]\n"
    "      --time SECONDS            stop then, with the best so far [no limit]\n"
    "      --threads N               for making paths [2]\n"
    "      --flows FILE              write the answer: a line \"rate node node ...\" for each path that carries\n"
    "      --explain FROM,TO         also say how that demand is carried, and what holds it\n"
    "  -o, --output table|json       [table]\n";

struct options {
    const char *file, *flows, *explain;
    enum pt_flow_objective objective;
    const char *objective_name, *paths_name;
    uint32_t paths_max; /* 0: any path */
    double gap, utilisation, seconds;
    size_t threads;
    bool json;
};

/* ---- flags ----------------------------------------------------------------------------------------------------- */

static int usage_error(const char *flag, const char *value, const char *due)
{
    fprintf(stderr, "patronusctl: %s: '%.60s' will not do; %s\n", flag, value, due);
    return PT_CLI_EXIT_USAGE;
}

static int take_objective(struct options *options, const char *value)
{
    static const struct {
        const char *name;
        enum pt_flow_objective objective;
    } all[] = {{"mlu", PT_FLOW_MIN_MLU},
               {"maxmin", PT_FLOW_MAX_MIN},
               {"maxflow", PT_FLOW_MAX_FLOW},
               {"mindelay", PT_FLOW_MIN_DELAY}};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (strcmp(all[i].name, value) == 0) {
            options->objective = all[i].objective;
            options->objective_name = all[i].name;
            return 0;
        }
    }
    return usage_error("--objective", value, "write mlu, maxmin, maxflow or mindelay");
}

static int take_paths(struct options *options, const char *value)
{
    options->paths_name = value;
    if (strcmp(value, "free") == 0) {
        options->paths_max = 0;
        return 0;
    }
    char *end = NULL;
    unsigned long count = strncmp(value, "disjoint", 8) == 0 ? strtoul(value + 8, &end, 10) : 0;
    if (count < 1 || count > PT_FLOW_PATHS_MAX || *end != '\0') {
        return usage_error("--paths", value, "write disjoint4 (or another number up to 16) or free");
    }
    options->paths_max = (uint32_t)count;
    return 0;
}

static int take_number(const char *flag, const char *value, double most, double *ret_number)
{
    char *end = NULL;
    double number = strtod(value, &end);
    if (end == value || *end != '\0' || !(number > 0) || number > most) {
        char due[64];
        snprintf(due, sizeof(due), "a number above 0 and at most %g is needed", most);
        return usage_error(flag, value, due);
    }
    *ret_number = number;
    return 0;
}

static int take_output(struct options *options, const char *value)
{
    options->json = strcmp(value, "json") == 0;
    return options->json || strcmp(value, "table") == 0 ? 0 : usage_error("--output", value, "write table or json");
}

enum { OPT_OBJECTIVE = 256, OPT_PATHS, OPT_GAP, OPT_UTILISATION, OPT_TIME, OPT_THREADS, OPT_FLOWS, OPT_EXPLAIN };

static const struct option long_options[] = {
    {"objective", required_argument, NULL, OPT_OBJECTIVE},
    {"paths", required_argument, NULL, OPT_PATHS},
    {"gap", required_argument, NULL, OPT_GAP},
    {"utilisation", required_argument, NULL, OPT_UTILISATION},
    {"time", required_argument, NULL, OPT_TIME},
    {"threads", required_argument, NULL, OPT_THREADS},
    {"flows", required_argument, NULL, OPT_FLOWS},
    {"explain", required_argument, NULL, OPT_EXPLAIN},
    {"output", required_argument, NULL, 'o'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static int take_flag(struct options *options, int flag)
{
    double threads = 0;
    int status = 0;
    switch (flag) {
    case OPT_OBJECTIVE:
        return take_objective(options, optarg);
    case OPT_PATHS:
        return take_paths(options, optarg);
    case OPT_GAP:
        return take_number("--gap", optarg, 1, &options->gap);
    case OPT_UTILISATION:
        return take_number("--utilisation", optarg, 1e6, &options->utilisation);
    case OPT_TIME:
        return take_number("--time", optarg, 1e6, &options->seconds);
    case OPT_THREADS:
        status = take_number("--threads", optarg, THREADS_MAX, &threads);
        options->threads = threads >= 1 ? (size_t)threads : 1;
        return status;
    case OPT_FLOWS:
        options->flows = optarg;
        return 0;
    case OPT_EXPLAIN:
        options->explain = optarg;
        return 0;
    case 'o':
        return take_output(options, optarg);
    default:
        fprintf(stderr, "see patronusctl te solve --help\n");
        return PT_CLI_EXIT_USAGE;
    }
}

/* 0, or the exit code; -1 when help was asked for. */
static int parse(int argc, char **argv, struct options *options)
{
    optind = 1;
    for (int flag = 0; (flag = getopt_long(argc, argv, "o:h", long_options, NULL)) != -1;) {
        if (flag == 'h') {
            return -1;
        }
        int status = take_flag(options, flag);
        if (status != 0) {
            return status;
        }
    }
    if (optind + 1 != argc) {
        fprintf(stderr, "patronusctl: te solve: one FILE.te is needed\n");
        return PT_CLI_EXIT_USAGE;
    }
    options->file = argv[optind];
    return 0;
}

/* ---- threads and time ------------------------------------------------------------------------------------------ */

static double now_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail for this clock */
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static bool time_is_up(void *arg)
{
    return now_s() > *(const double *)arg;
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

/* A thread that cannot be made is one fewer; the caller's own always works. */
static void run_crew(void *run_arg, pt_flow_work_fn work, void *arg, size_t parts)
{
    struct crew crew = {.work = work, .arg = arg, .parts = parts};
    pthread_t threads[THREADS_MAX];
    size_t len = 0;
    for (size_t i = 1; i < *(const size_t *)run_arg; i++) {
        len += pthread_create(&threads[len], NULL, crew_main, &crew) == 0;
    }
    (void)crew_main(&crew);
    for (size_t i = 0; i < len; i++) {
        (void)pthread_join(threads[i], NULL);
    }
}

/* ---- the run --------------------------------------------------------------------------------------------------- */

struct solving {
    struct options options;
    struct pt_flow_te te;
    struct pt_flow_paths *paths;
    struct pt_flow_result *result;
    struct pt_flow_problem problem;
    struct pt_flow_certificate certificate; /* as the verifier computed it */
    double paths_seconds, solve_seconds;
};

/* The library names a demand by its index: say the line instead. */
static void name_line(const struct pt_flow_te *te, struct pt_error *error)
{
    size_t index = 0;
    if (sscanf(error->field, "demands[%zu]", &index) == 1 && index < te->demands_len) {
        snprintf(error->field, sizeof(error->field), "line %u", te->demand_lines[index]);
    }
}

static enum pt_code make_paths(struct solving *solving, struct pt_error *reterr)
{
    const struct pt_flow_rules rules = {.paths_max = solving->options.paths_max};
    const struct pt_flow_workers workers = {
        .run = run_crew, .run_arg = &solving->options.threads, .threads = solving->options.threads};
    double begin = now_s();
    enum pt_code code = pt_flow_paths_new(solving->te.graph, &rules, solving->te.demands, solving->te.demands_len,
                                          &workers, &solving->paths, reterr);
    solving->paths_seconds = now_s() - begin;
    return code;
}

static enum pt_code solve(struct solving *solving, struct pt_error *reterr)
{
    const struct options *options = &solving->options;
    double end = now_s() + options->seconds;
    struct pt_flow_options how = {.gap = options->gap};
    if (options->seconds > 0) {
        how.stop = time_is_up;
        how.stop_arg = &end;
    }
    if (options->paths_max > 0) {
        PT_TRY(make_paths(solving, reterr));
    }
    solving->problem = (struct pt_flow_problem){.graph = solving->te.graph,
                                                .demands = solving->te.demands,
                                                .demands_len = solving->te.demands_len,
                                                .paths = solving->paths,
                                                .objective = options->objective,
                                                .utilisation_max = options->utilisation};
    double begin = now_s();
    if (options->paths_max > 0) {
        PT_TRY(pt_flow_solve(&solving->problem, &how, &solving->result, reterr));
    } else {
        PT_TRY(pt_flow_solve_free(&solving->problem, NULL, &how, &solving->paths, &solving->result, reterr));
        solving->problem.paths = solving->paths;
    }
    solving->solve_seconds = now_s() - begin;
    PT_TRY(pt_flow_verify(&solving->problem, solving->result->rates, solving->result->lengths, &solving->certificate,
                          reterr));
    if (options->paths_max == 0) { /* the verifier knows the paths that were made; the bound holds for all others too */
        solving->certificate.bound = solving->result->certificate.bound;
        solving->certificate.gap = solving->result->certificate.gap;
    }
    return PT_OK;
}

/* ---- printing -------------------------------------------------------------------------------------------------- */

static void print_path(const struct solving *solving, size_t slot, uint32_t *links, FILE *out)
{
    size_t len = pt_flow_path_links(solving->paths, slot, links, PT_FLOW_NODES_MAX);
    fprintf(out, "%.9g %u", solving->result->rates[slot], pt_flow_link_at(solving->te.graph, links[0])->from);
    for (size_t i = 0; i < len; i++) {
        fprintf(out, " %u", pt_flow_link_at(solving->te.graph, links[i])->to);
    }
    fputc('\n', out);
}

static enum pt_code write_flows(const struct solving *solving, struct pt_error *reterr)
{
    FILE *out = fopen(solving->options.flows, "w");
    if (out == NULL) {
        return pt_fail_errno(reterr, errno, solving->options.flows, "the flows cannot be written");
    }
    uint32_t links[PT_FLOW_NODES_MAX];
    for (size_t slot = 0; slot < solving->result->rates_len; slot++) {
        if (solving->result->rates[slot] > 0) {
            print_path(solving, slot, links, out);
        }
    }
    bool failed = ferror(out) != 0;
    if (fclose(out) != 0 || failed) {
        return pt_fail_errno(reterr, errno, solving->options.flows, "the flows cannot be written");
    }
    return PT_OK;
}

static void print_answer(const struct solving *solving)
{
    const struct pt_flow_certificate *c = &solving->certificate;
    const struct pt_flow_link *worst =
        pt_flow_links_len(solving->te.graph) > 0 ? pt_flow_link_at(solving->te.graph, c->worst_link) : NULL;
    if (solving->options.json) {
        printf("{\"objective\": \"%s\", \"paths\": \"%s\", \"value\": %.9g, \"bound\": %.9g, \"gap\": %.6g, "
               "\"paths_seconds\": %.6f, \"solve_seconds\": %.6f, \"passes\": %zu, \"reached\": %s, "
               "\"utilisation\": %.9g, \"carried\": %.9g, \"unmet\": %.9g",
               solving->options.objective_name, solving->options.paths_name, c->value, c->bound, c->gap,
               solving->paths_seconds, solving->solve_seconds, solving->result->passes,
               c->gap <= solving->options.gap ? "true" : "false", c->utilisation, c->carried, c->unmet);
        if (solving->options.objective == PT_FLOW_MAX_MIN) {
            printf(", \"level_gap\": %.6g, \"level_gap_mean\": %.6g", solving->result->level_gap,
                   solving->result->level_gap_mean);
        }
        printf("}\n");
        return;
    }
    printf("objective      %s over %s paths\nvalue          %.6g\nbound          %.6g (gap %.4f %%%s)\n",
           solving->options.objective_name, solving->options.paths_name, c->value, c->bound, c->gap * 100,
           c->gap <= solving->options.gap ? "" : ", more than asked");
    printf("carried        %.6g, unmet %.6g\n", c->carried, c->unmet);
    if (solving->options.objective == PT_FLOW_MAX_MIN) {
        printf("later levels   gap %.4f %% on average, %.4f %% at most\n", solving->result->level_gap_mean * 100,
               solving->result->level_gap * 100);
    }
    if (worst != NULL) {
        printf("most used      %u to %u, %.2f %% of %g\n", worst->from, worst->to, c->utilisation * 100,
               worst->capacity);
    }
    printf("paths_seconds  %.3f\nsolve_seconds  %.3f, %zu passes\n", solving->paths_seconds, solving->solve_seconds,
           solving->result->passes);
}

/* The path's most used link, and all that have a price. */
static void explain_path(const struct solving *solving, size_t slot, uint32_t *links)
{
    const struct pt_flow_graph *graph = solving->te.graph;
    size_t len = pt_flow_path_links(solving->paths, slot, links, PT_FLOW_NODES_MAX);
    uint32_t worst = links[0];
    double length = 0;
    for (size_t i = 0; i < len; i++) {
        double used = solving->result->loads[links[i]] / pt_flow_link_at(graph, links[i])->capacity;
        length += solving->result->lengths[links[i]];
        if (used > solving->result->loads[worst] / pt_flow_link_at(graph, worst)->capacity) {
            worst = links[i];
        }
    }
    const struct pt_flow_link *link = pt_flow_link_at(graph, worst);
    printf("  %-12.6g price %-12.6g narrowest %u to %u at %.2f %%, %zu links: ", solving->result->rates[slot], length,
           link->from, link->to, solving->result->loads[worst] / link->capacity * 100, len);
    print_path(solving, slot, links, stdout);
}

static void explain_links(const struct solving *solving)
{
    const struct pt_flow_graph *graph = solving->te.graph;
    printf("links whose capacity counts most (price: what the objective gains for one unit more):\n");
    double limit = 0;
    for (int shown = 0; shown < SHOWN_LINKS; shown++) {
        uint32_t best = UINT32_MAX;
        for (uint32_t i = 0; i < pt_flow_links_len(graph); i++) {
            double price = solving->result->lengths[i];
            if (price > 0 && (shown == 0 || price < limit) &&
                (best == UINT32_MAX || price > solving->result->lengths[best])) {
                best = i;
            }
        }
        if (best == UINT32_MAX) {
            return;
        }
        limit = solving->result->lengths[best];
        const struct pt_flow_link *link = pt_flow_link_at(graph, best);
        printf("  %u to %u: price %.6g, %.6g of %g used\n", link->from, link->to, limit, solving->result->loads[best],
               link->capacity);
    }
}

static enum pt_code explain(const struct solving *solving, struct pt_error *reterr)
{
    uint32_t from = 0;
    uint32_t to = 0;
    int used = 0;
    if (sscanf(solving->options.explain, "%u,%u%n", &from, &to, &used) != 2 || solving->options.explain[used] != '\0') {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "--explain",
                       "'%.40s' is not a demand; write FROM,TO with two node numbers", solving->options.explain);
    }
    for (size_t d = 0; d < solving->te.demands_len; d++) {
        if (solving->te.demands[d].from != from || solving->te.demands[d].to != to) {
            continue;
        }
        uint32_t links[PT_FLOW_NODES_MAX];
        printf("demand %u to %u, rate %.6g, by path:\n", from, to, solving->te.demands[d].rate);
        for (size_t slot = pt_flow_paths_first(solving->paths, d); slot < pt_flow_paths_first(solving->paths, d + 1);
             slot++) {
            explain_path(solving, slot, links);
        }
        explain_links(solving);
        return PT_OK;
    }
    return pt_fail(reterr, PT_NOT_FOUND, PT_REASON_NONE, "--explain", "%s has no demand from %u to %u",
                   solving->options.file, from, to);
}

/* ---- entry ----------------------------------------------------------------------------------------------------- */

static enum pt_code run(struct solving *solving, struct pt_error *reterr)
{
    PT_AUTO(buf) struct pt_buf text = {0};
    PT_TRY(ctl_read_file(solving->options.file, &text, reterr));
    PT_TRY(pt_flow_te_read((const char *)text.data, text.size, &solving->te, reterr));
    enum pt_code code = solve(solving, reterr);
    if (code == PT_OK && solving->options.flows != NULL) {
        code = write_flows(solving, reterr);
    }
    if (code != PT_OK) {
        if (reterr != NULL) {
            name_line(&solving->te, reterr);
        }
        return code;
    }
    print_answer(solving);
    return solving->options.explain != NULL ? explain(solving, reterr) : PT_OK;
}

int pt_cmd_te_solve(int argc, char **argv)
{
    struct solving solving = {.options = {.objective_name = "mlu",
                                          .paths_name = "disjoint4",
                                          .paths_max = 4,
                                          .gap = 0.01,
                                          .utilisation = 1,
                                          .threads = THREADS_DEFAULT}};
    int status = parse(argc - 1, argv + 1, &solving.options);
    if (status != 0) {
        if (status < 0) {
            fputs(usage_text, stdout);
        }
        return status < 0 ? PT_CLI_EXIT_OK : status;
    }
    struct pt_error error = {0};
    if (run(&solving, &error) != PT_OK) {
        struct pt_error shown = error;
        snprintf(shown.field, sizeof(shown.field), "%.100s%s%.60s", solving.options.file,
                 error.field[0] != '\0' ? ": " : "", error.field);
        status = ctl_fail(&shown);
    }
    pt_flow_result_free(solving.result);
    pt_flow_paths_free(solving.paths);
    pt_flow_te_fini(&solving.te);
    return status;
}
