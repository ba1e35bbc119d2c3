/*
 * patronusctl te solve FILE.te: read an instance, make paths, solve, check the answer, print it.
 *
 * The answer is checked by pt_flow_verify, or pt_flow_verify_any where any path counts, which compute value and bound
 * anew from the rates; what is printed is what they say. Times are wall clock: paths_seconds covers making the paths,
 * solve_seconds the solver; neither covers reading the file, checking, or writing.
 */
#include "te.h"

#include "ctl.h"
#include "te_solve.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

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
    pthread_t threads[TE_THREADS_MAX];
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

/* The library names a demand by its index: say the line instead; and the flag instead of the option's name. */
static void name_place(const struct pt_flow_te *te, struct pt_error *error)
{
    size_t index = 0;
    if (sscanf(error->field, "demands[%zu]", &index) == 1 && index < te->demands_len) {
        snprintf(error->field, sizeof(error->field), "line %u", te->demand_lines[index]);
    }
    const char *flag = te_options_flag(error->field);
    if (flag != error->field) {
        snprintf(error->field, sizeof(error->field), "%s", flag);
    }
}

static enum pt_code make_paths(struct te_solving *solving, struct pt_error *reterr)
{
    const struct pt_flow_workers workers = {
        .run = run_crew, .run_arg = &solving->options.threads, .threads = solving->options.threads};
    double begin = now_s();
    enum pt_code code = pt_flow_paths_new(solving->te.graph, &solving->options.rules, solving->te.demands,
                                          solving->te.demands_len, &workers, &solving->paths, reterr);
    solving->paths_seconds = now_s() - begin;
    return code;
}

/* Value, bound and proofs anew, over the paths that were asked for. */
static enum pt_code check(struct te_solving *solving, struct pt_error *reterr)
{
    const struct pt_flow_problem *problem = &solving->problem;
    const struct pt_flow_rules *rules = &solving->options.rules;
    const struct pt_flow_result *result = solving->result;
    bool any = solving->options.free_paths;
    PT_TRY(any ? pt_flow_verify_any(problem, rules, result->rates, result->lengths, &solving->certificate, reterr)
               : pt_flow_verify(problem, result->rates, result->lengths, &solving->certificate, reterr));
    if (problem->objective != PT_FLOW_MAX_MIN) {
        return PT_OK;
    }
    solving->proofs = calloc(result->levels.len + 1, sizeof(solving->proofs[0]));
    if (solving->proofs == NULL) {
        return pt_fail(reterr, PT_EXHAUSTED, PT_REASON_NONE, "levels", "there is no memory for them");
    }
    return any ? pt_flow_verify_levels_any(problem, rules, result->rates, &result->levels, solving->proofs,
                                           &solving->fairness, reterr)
               : pt_flow_verify_levels(problem, result->rates, &result->levels, solving->proofs, &solving->fairness,
                                       reterr);
}

static enum pt_code solve(struct te_solving *solving, struct pt_error *reterr)
{
    const struct te_options *options = &solving->options;
    double end = now_s() + options->seconds;
    struct pt_flow_options how = {.gap = options->gap};
    if (options->seconds > 0) {
        how.stop = time_is_up;
        how.stop_arg = &end;
    }
    if (!options->free_paths) {
        PT_TRY(make_paths(solving, reterr));
    }
    solving->problem = (struct pt_flow_problem){.graph = solving->te.graph,
                                                .demands = solving->te.demands,
                                                .demands_len = solving->te.demands_len,
                                                .paths = solving->paths,
                                                .objective = options->objective,
                                                .utilisation_max = options->utilisation};
    double begin = now_s();
    if (!options->free_paths) {
        PT_TRY(pt_flow_solve(&solving->problem, &how, &solving->result, reterr));
    } else {
        PT_TRY(pt_flow_solve_free(&solving->problem, &options->rules, &how, &solving->paths, &solving->result, reterr));
        solving->problem.paths = solving->paths;
    }
    solving->solve_seconds = now_s() - begin;
    return check(solving, reterr);
}

/* ---- printing -------------------------------------------------------------------------------------------------- */

static void print_path(const struct te_solving *solving, size_t slot, uint32_t *links, FILE *out)
{
    size_t len = pt_flow_path_links(solving->paths, slot, links, PT_FLOW_NODES_MAX);
    fprintf(out, "%.12g %u", solving->result->rates[slot], pt_flow_link_at(solving->te.graph, links[0])->from);
    for (size_t i = 0; i < len; i++) {
        fprintf(out, " %u", pt_flow_link_at(solving->te.graph, links[i])->to);
    }
    fputc('\n', out);
}

static enum pt_code flows_fail(const struct te_solving *solving, int number, struct pt_error *reterr)
{
    char place[PT_ERROR_FIELD_SIZE];
    snprintf(place, sizeof(place), "--flows %s", solving->options.flows);
    return pt_fail_errno(reterr, number, place, "the flows cannot be written");
}

/* Before a solve that may take minutes: whether there is a place for its answer. Leaves no trace; a pipe or a device is
 * not touched. */
static enum pt_code check_flows(const struct te_solving *solving, struct pt_error *reterr)
{
    const char *path = solving->options.flows;
    struct stat found;
    bool there = stat(path, &found) == 0;
    if (there && !S_ISREG(found.st_mode) && !S_ISDIR(found.st_mode)) {
        return PT_OK;
    }
    FILE *out = fopen(path, "a");
    if (out == NULL) {
        return flows_fail(solving, errno, reterr);
    }
    (void)fclose(out); /* nothing was written */
    return there || remove(path) == 0 ? PT_OK : flows_fail(solving, errno, reterr);
}

static enum pt_code write_flows(const struct te_solving *solving, struct pt_error *reterr)
{
    FILE *out = fopen(solving->options.flows, "w");
    if (out == NULL) {
        return flows_fail(solving, errno, reterr);
    }
    uint32_t links[PT_FLOW_NODES_MAX];
    for (size_t slot = 0; slot < solving->result->rates_len; slot++) {
        if (solving->result->rates[slot] > 0) {
            print_path(solving, slot, links, out);
        }
    }
    bool failed = ferror(out) != 0;
    if (fclose(out) != 0 || failed) {
        return flows_fail(solving, errno, reterr);
    }
    return PT_OK;
}

/* A level holds who cannot get more: `value` is what they have per weight, `bound` what they could all have at most
 * while nobody below loses anything. level_gap is a demand's own: how much of what it could have it may lack. */
static void print_levels(const struct te_solving *solving)
{
    const struct pt_flow_fairness *fairness = &solving->fairness;
    const struct pt_flow_levels *levels = &solving->result->levels;
    printf(", \"level_gap\": %.6g, \"level_gap_mean\": %.6g, \"served\": %zu, \"held\": %zu, \"unproved\": %zu, "
           "\"levels\": [",
           fairness->gap, fairness->gap_mean, fairness->served, fairness->held, fairness->unproved);
    for (size_t k = 0; k < levels->len; k++) {
        const struct pt_flow_level_proof *proof = &solving->proofs[k];
        printf("%s{\"class\": %u, \"value\": %.9g, \"bound\": %.9g, \"gap\": %.6g, \"demands\": %zu}",
               k > 0 ? ", " : "", levels->levels[k].class_index, proof->value, proof->bound, proof->gap,
               proof->demands_len);
    }
    putchar(']');
}

static void print_json(const struct te_solving *solving)
{
    const struct pt_flow_certificate *c = &solving->certificate;
    printf("{\"objective\": \"%s\", \"paths\": \"%s\", \"value\": %.9g, \"bound\": %.9g, \"gap\": %.6g, "
           "\"paths_seconds\": %.6f, \"solve_seconds\": %.6f, \"passes\": %zu, \"reached\": %s, "
           "\"utilisation\": %.9g, \"carried\": %.9g, \"unmet\": %.9g",
           solving->options.objective_name, solving->options.paths_name, c->value, c->bound, c->gap,
           solving->paths_seconds, solving->solve_seconds, solving->result->passes,
           c->gap <= solving->options.gap && solving->fairness.gap <= solving->options.gap ? "true" : "false",
           c->utilisation, c->carried, c->unmet);
    if (solving->options.objective == PT_FLOW_MAX_MIN) {
        print_levels(solving);
    }
    if (solving->options.explain != NULL) {
        te_explain_print(solving);
    }
    printf("}\n");
}

static void print_table(const struct te_solving *solving)
{
    const struct pt_flow_certificate *c = &solving->certificate;
    printf("objective      %s over %s paths\nvalue          %.6g\nbound          %.6g (gap %.4f %%%s)\n",
           solving->options.objective_name, solving->options.paths_name, c->value, c->bound, c->gap * 100,
           c->gap <= solving->options.gap ? "" : ", more than asked");
    printf("carried        %.6g, unmet %.6g\n", c->carried, c->unmet);
    if (solving->options.objective == PT_FLOW_MAX_MIN) {
        printf("fairness       %zu demands served, %zu held at %zu levels, %zu not proved; a demand lacks %.4f %% on "
               "average, %.4f %% at most\n",
               solving->fairness.served, solving->fairness.held, solving->result->levels.len,
               solving->fairness.unproved, solving->fairness.gap_mean * 100, solving->fairness.gap * 100);
    }
    if (pt_flow_links_len(solving->te.graph) > 0) {
        const struct pt_flow_link *worst = pt_flow_link_at(solving->te.graph, c->worst_link);
        printf("most used      %u to %u, %.2f %% of %g\n", worst->from, worst->to, c->utilisation * 100,
               worst->capacity);
    }
    printf("paths_seconds  %.3f\nsolve_seconds  %.3f, %zu passes\n", solving->paths_seconds, solving->solve_seconds,
           solving->result->passes);
    if (solving->options.explain != NULL) {
        te_explain_print(solving);
    }
}

/* ---- entry ----------------------------------------------------------------------------------------------------- */

/* A file may hold a graph alone, for programs that make their own demands: nothing is to be solved then, and a value of
 * 0 would look like an answer. */
static enum pt_code check_demands(const struct pt_flow_te *te, struct pt_error *reterr)
{
    if (te->demands_len > 0) {
        return PT_OK;
    }
    char place[64];
    snprintf(place, sizeof(place), "line %u, field 3", te->head_line);
    return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, place,
                   "the file has no demands, so there is nothing to solve; write a line \"from to rate\" for each one "
                   "behind the links, and how many they are here");
}

static enum pt_code run(struct te_solving *solving, struct pt_error *reterr)
{
    PT_AUTO(buf) struct pt_buf text = {0};
    PT_TRY(ctl_read_file(solving->options.file, &text, reterr));
    PT_TRY(pt_flow_te_read((const char *)text.data, text.size, &solving->te, reterr));
    PT_TRY(check_demands(&solving->te, reterr));
    if (solving->options.explain != NULL) {
        PT_TRY(te_explain_check(solving, reterr));
    }
    if (solving->options.flows != NULL) {
        PT_TRY(check_flows(solving, reterr));
    }
    enum pt_code code = solve(solving, reterr);
    if (code == PT_OK && solving->options.flows != NULL) {
        code = write_flows(solving, reterr);
    }
    if (code != PT_OK) {
        name_place(&solving->te, reterr);
        return code;
    }
    if (solving->options.json) {
        print_json(solving);
    } else {
        print_table(solving);
    }
    if (fflush(stdout) != 0 || ferror(stdout) != 0) {
        return pt_fail_errno(reterr, errno, "standard output", "the answer cannot be written");
    }
    return PT_OK;
}

int pt_cmd_te_solve(int argc, char **argv)
{
    struct te_solving solving = {0};
    int status = te_options_parse(argc - 1, argv + 1, &solving.options);
    if (status != 0) {
        return status < 0 ? PT_CLI_EXIT_OK : status;
    }
    struct pt_error error = {0};
    if (run(&solving, &error) != PT_OK) {
        struct pt_error shown = error;
        bool named = strcmp(error.field, solving.options.file) == 0; /* by who could not read it */
        if (!named) {
            snprintf(shown.field, sizeof(shown.field), "%.100s%s%.60s", solving.options.file,
                     error.field[0] != '\0' ? ": " : "", error.field);
        }
        status = ctl_fail(&shown);
    }
    free(solving.proofs);
    pt_flow_result_free(solving.result);
    pt_flow_paths_free(solving.paths);
    pt_flow_te_fini(&solving.te);
    return status;
}
