/*
 * The command line of te solve.
 */
#include "te_solve.h"

#include "ctl.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define THREADS_DEFAULT 2
#define LABELS_LEN 64

static const char usage_text[] =
    "Usage: patronusctl te solve FILE.te [FLAG]...\n"
    "\n"
    "Solve a traffic-engineering instance from a file; needs no cluster. The file: a line \"nodes links demands\", "
    "then\n"
    "\"from to capacity\" for each link and \"from to rate\" for each demand; nodes are numbers from 0. Behind a link "
    "may\n"
    "stand delay=D loss=SHARE metric=N labels=N,N srlgs=N,N, behind a demand class=N (0 is served first) weight=W.\n"
    "docs/mod/flow.md says what the certificate means.\n"
    "\n"
    "      --objective mlu|maxmin|maxflow|mindelay   [mlu]\n"
    "      --paths disjointK|free    up to K edge-disjoint paths a demand (K 1 to 16), or any path [disjoint4]\n"
    "      --gap SHARE               stop when value and bound are that close [0.01]\n"
    "      --utilisation SHARE       bound on load by capacity, for all but mlu [1]\n"
    "      --time SECONDS            stop then, with the best so far [no limit]\n"
    "      --threads N               for making paths [2]\n"
    "      --flows FILE              write the answer: a line \"rate node node ...\" for each path that carries\n"
    "      --explain FROM,TO         also say how that demand is carried, and what holds it\n"
    "  -o, --output table|json       [table]\n"
    "\n"
    "Which paths there are:\n"
    "      --weight hops|metric|delay    what the shortest path is short in [hops]\n"
    "      --srlg-disjoint           later paths of a demand share no risk group with earlier ones\n"
    "      --share                   when no disjoint path is left, paths follow that share as little as possible\n"
    "      --exclude-labels N,N      no link with any of these labels (administrative groups are labels)\n"
    "      --require-labels N,N      only links with all of these\n"
    "      --any-labels N,N          only links with one of these\n"
    "      --min-capacity C          no thinner link\n"
    "      --max-delay D             of a path, as links say it\n"
    "      --max-loss SHARE          of a path\n";

/* ---- values ---------------------------------------------------------------------------------------------------- */

static int usage_error(const char *flag, const char *value, const char *due)
{
    fprintf(stderr, "patronusctl: %s: '%.60s' will not do; %s\n", flag, value, due);
    return PT_CLI_EXIT_USAGE;
}

static int take_objective(struct te_options *options, const char *value)
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

static int take_paths(struct te_options *options, const char *value)
{
    options->paths_name = value;
    options->free_paths = strcmp(value, "free") == 0;
    if (options->free_paths) {
        return 0;
    }
    char *end = NULL;
    bool numbered = strncmp(value, "disjoint", 8) == 0 && value[8] >= '0' && value[8] <= '9';
    unsigned long count = numbered ? strtoul(value + 8, &end, 10) : 0;
    if (count < 1 || count > PT_FLOW_PATHS_MAX || *end != '\0') {
        return usage_error("--paths", value, "write disjoint4 (or another number up to 16) or free");
    }
    options->rules.paths_max = (uint32_t)count;
    return 0;
}

static int take_weight(struct te_options *options, const char *value)
{
    static const char *const names[] = {
        [PT_FLOW_BY_HOPS] = "hops", [PT_FLOW_BY_METRIC] = "metric", [PT_FLOW_BY_DELAY] = "delay"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(names[i], value) == 0) {
            options->rules.weight = (enum pt_flow_weight)i;
            return 0;
        }
    }
    return usage_error("--weight", value, "write hops, metric or delay");
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

static int take_labels(const char *flag, const char *value, uint64_t *ret_labels)
{
    uint64_t labels = 0;
    const char *at = value;
    while (true) {
        char *end = NULL;
        unsigned long label = *at >= '0' && *at <= '9' ? strtoul(at, &end, 10) : LABELS_LEN;
        if (label >= LABELS_LEN || (*end != '\0' && *end != ',')) {
            return usage_error(flag, value, "write numbers from 0 to 63 with commas between");
        }
        labels |= UINT64_C(1) << label;
        if (*end == '\0') {
            *ret_labels = labels;
            return 0;
        }
        at = end + 1;
    }
}

static int take_output(struct te_options *options, const char *value)
{
    options->json = strcmp(value, "json") == 0;
    return options->json || strcmp(value, "table") == 0 ? 0 : usage_error("--output", value, "write table or json");
}

static int take_threads(struct te_options *options, const char *value)
{
    double threads = 0;
    int status = take_number("--threads", value, TE_THREADS_MAX, &threads);
    options->threads = threads >= 1 ? (size_t)threads : 1;
    return status;
}

/* ---- flags ----------------------------------------------------------------------------------------------------- */

enum {
    OPT_OBJECTIVE = 256,
    OPT_PATHS,
    OPT_GAP,
    OPT_UTILISATION,
    OPT_TIME,
    OPT_THREADS,
    OPT_FLOWS,
    OPT_EXPLAIN,
    OPT_WEIGHT,
    OPT_SRLG_DISJOINT,
    OPT_SHARE,
    OPT_EXCLUDE_LABELS,
    OPT_REQUIRE_LABELS,
    OPT_ANY_LABELS,
    OPT_MIN_CAPACITY,
    OPT_MAX_DELAY,
    OPT_MAX_LOSS
};

static const struct option long_options[] = {
    {"objective", required_argument, NULL, OPT_OBJECTIVE},
    {"paths", required_argument, NULL, OPT_PATHS},
    {"gap", required_argument, NULL, OPT_GAP},
    {"utilisation", required_argument, NULL, OPT_UTILISATION},
    {"time", required_argument, NULL, OPT_TIME},
    {"threads", required_argument, NULL, OPT_THREADS},
    {"flows", required_argument, NULL, OPT_FLOWS},
    {"explain", required_argument, NULL, OPT_EXPLAIN},
    {"weight", required_argument, NULL, OPT_WEIGHT},
    {"srlg-disjoint", no_argument, NULL, OPT_SRLG_DISJOINT},
    {"share", no_argument, NULL, OPT_SHARE},
    {"exclude-labels", required_argument, NULL, OPT_EXCLUDE_LABELS},
    {"require-labels", required_argument, NULL, OPT_REQUIRE_LABELS},
    {"any-labels", required_argument, NULL, OPT_ANY_LABELS},
    {"min-capacity", required_argument, NULL, OPT_MIN_CAPACITY},
    {"max-delay", required_argument, NULL, OPT_MAX_DELAY},
    {"max-loss", required_argument, NULL, OPT_MAX_LOSS},
    {"output", required_argument, NULL, 'o'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static int take_rule(struct te_options *options, int flag)
{
    struct pt_flow_rules *rules = &options->rules;
    switch (flag) {
    case OPT_WEIGHT:
        return take_weight(options, optarg);
    case OPT_SRLG_DISJOINT:
        rules->srlg_disjoint = true;
        return 0;
    case OPT_SHARE:
        rules->shared_too = true;
        return 0;
    case OPT_EXCLUDE_LABELS:
        return take_labels("--exclude-labels", optarg, &rules->labels_none);
    case OPT_REQUIRE_LABELS:
        return take_labels("--require-labels", optarg, &rules->labels_all);
    case OPT_ANY_LABELS:
        return take_labels("--any-labels", optarg, &rules->labels_any);
    case OPT_MIN_CAPACITY:
        return take_number("--min-capacity", optarg, PT_FLOW_RATE_MAX, &rules->capacity_min);
    case OPT_MAX_DELAY:
        return take_number("--max-delay", optarg, PT_FLOW_RATE_MAX, &rules->delay_max);
    case OPT_MAX_LOSS:
        return take_number("--max-loss", optarg, 1, &rules->loss_max);
    default:
        fprintf(stderr, "see patronusctl te solve --help\n");
        return PT_CLI_EXIT_USAGE;
    }
}

static int take_flag(struct te_options *options, int flag)
{
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
        return take_threads(options, optarg);
    case OPT_FLOWS:
        options->flows = optarg;
        return 0;
    case OPT_EXPLAIN:
        options->explain = optarg;
        return 0;
    case 'o':
        return take_output(options, optarg);
    default:
        return take_rule(options, flag);
    }
}

int te_options_parse(int argc, char **argv, struct te_options *ret_options)
{
    struct te_options options = {.objective_name = "mlu",
                                 .paths_name = "disjoint4",
                                 .rules = {.paths_max = 4},
                                 .gap = 0.01,
                                 .utilisation = 1,
                                 .threads = THREADS_DEFAULT};
    optind = 1;
    for (int flag = 0; (flag = getopt_long(argc, argv, "o:h", long_options, NULL)) != -1;) {
        if (flag == 'h') {
            fputs(usage_text, stdout);
            return -1;
        }
        int status = take_flag(&options, flag);
        if (status != 0) {
            return status;
        }
    }
    if (optind + 1 != argc) {
        fprintf(stderr, "patronusctl: te solve: one FILE.te is needed\n");
        return PT_CLI_EXIT_USAGE;
    }
    if (options.free_paths && (options.rules.srlg_disjoint || options.rules.shared_too || options.rules.delay_max > 0 ||
                               options.rules.loss_max > 0)) {
        return usage_error("--paths", "free",
                           "any path is a path of one: write disjointK with --srlg-disjoint, "
                           "--share, --max-delay or --max-loss");
    }
    options.file = argv[optind];
    *ret_options = options;
    return 0;
}

const char *te_options_flag(const char *field)
{
    return strcmp(field, "utilisation_max") == 0 ? "--utilisation" : field;
}
