/*
 * pt_sim_nodes: run seeds for a while, or one seed loudly.
 *
 * Each seed runs in a child process, so that a crash of the code under test is one more violation with a seed, and
 * memory that a killed node left behind is gone with its child. With --seed it runs in this process, for a debugger.
 */
#include "nodes.h"

#include "base/assert.h"

#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SEED_SECONDS 30          /* virtual */
#define SEED_CPU_SECONDS_MAX 120 /* a seed that takes longer hangs */

struct arguments {
    struct options options;
    uint64_t first, step, count, wall_seconds;
    bool single, until_found, twice;
};

static const struct {
    const char *name;
    enum pt_planted planted;
} planted_names[] = {{"witness_not_written", PT_PLANTED_WITNESS_NOT_WRITTEN},
                     {"old_term_commit", PT_PLANTED_OLD_TERM_COMMIT},
                     {"ack_before_sync", PT_PLANTED_ACK_BEFORE_SYNC},
                     {"lost_generation", PT_PLANTED_LOST_GENERATION}};

static void usage(void)
{
    (void)puts("pt_sim_nodes: whole nodes on a virtual clock, network and disk\n"
               "  --seed S       one seed, told as a story\n"
               "  --first S      first of many seeds (default 1)\n"
               "  --step N       distance between seeds (default 1)\n"
               "  --count N      how many seeds at most (default: no bound)\n"
               "  --seconds N    stop after so many seconds of wall time (default: no bound)\n"
               "  --virtual N    seconds of virtual time that a seed lives under faults (default 30)\n"
               "  --planted NAME plant a bug (a build with -DPT_PLANTED_BUGS=ON): witness_not_written,\n"
               "                 old_term_commit, ack_before_sync, lost_generation\n"
               "  --rot          instead of many faults one flipped bit, with one controller down and one lagging\n"
               "  --until-found  stop at the first violation, exit 0 when there is one\n"
               "  --twice        run each seed twice and compare the traces");
}

static enum pt_planted planted_of(const char *name)
{
    for (size_t i = 0; i < sizeof(planted_names) / sizeof(planted_names[0]); i++) {
        if (strcmp(planted_names[i].name, name) == 0) {
#ifndef PT_PLANTED_BUGS
            (void)fprintf(stderr,
                          "pt_sim_nodes: this build has no planted bugs; configure with -DPT_PLANTED_BUGS=ON\n");
            exit(2);
#endif
            return planted_names[i].planted;
        }
    }
    (void)fprintf(stderr, "pt_sim_nodes: there is no planted bug '%s'\n", name);
    exit(2);
}

static void parse(int argc, char **argv, struct arguments *arguments)
{
    static const struct option known[] = {
        {"seed", required_argument, NULL, 's'},    {"first", required_argument, NULL, 'f'},
        {"step", required_argument, NULL, 'p'},    {"count", required_argument, NULL, 'c'},
        {"seconds", required_argument, NULL, 'w'}, {"virtual", required_argument, NULL, 'v'},
        {"planted", required_argument, NULL, 'b'}, {"rot", no_argument, NULL, 'r'},
        {"until-found", no_argument, NULL, 'u'},   {"twice", no_argument, NULL, 't'},
        {"help", no_argument, NULL, 'h'},          {NULL, 0, NULL, 0}};
    *arguments = (struct arguments){.options = {.seconds = SEED_SECONDS, .dump_violation = true},
                                    .first = 1,
                                    .step = 1,
                                    .count = UINT64_MAX,
                                    .wall_seconds = UINT64_MAX};
    for (int option; (option = getopt_long(argc, argv, "h", known, NULL)) != -1;) {
        uint64_t number = optarg != NULL ? strtoull(optarg, NULL, 10) : 0;
        switch (option) {
        case 's':
            arguments->single = true;
            arguments->options.seed = number;
            break;
        case 'f':
            arguments->first = number;
            break;
        case 'p':
            arguments->step = number;
            break;
        case 'c':
            arguments->count = number;
            break;
        case 'w':
            arguments->wall_seconds = number;
            break;
        case 'v':
            arguments->options.seconds = number;
            break;
        case 'b':
            arguments->options.planted = planted_of(optarg);
            break;
        case 'r':
            arguments->options.rot = true;
            break;
        case 'u':
            arguments->until_found = true;
            break;
        case 't':
            arguments->twice = true;
            break;
        case 'h':
            usage();
            exit(0);
        default:
            usage();
            exit(2);
        }
    }
}

static void read_schema(struct pt_schema **ret_schema)
{
    struct pt_error error = {0};
    if (pt_schema_new(pt_schema_embedded(), ret_schema, &error) != PT_OK) {
        (void)fprintf(stderr, "pt_sim_nodes: %s\n", error.text);
        exit(2);
    }
}

static void reproduce(const struct arguments *arguments, uint64_t seed)
{
    (void)printf("reproduce: pt_sim_nodes%s --seed %" PRIu64 " --virtual %" PRIu64,
                 arguments->options.rot ? " --rot" : "", seed, arguments->options.seconds);
    for (size_t i = 0; i < sizeof(planted_names) / sizeof(planted_names[0]); i++) {
        if (arguments->options.planted == planted_names[i].planted) {
            (void)printf(" --planted %s", planted_names[i].name);
        }
    }
    (void)printf("\n");
    (void)fflush(stdout);
}

/* One seed in a child. A child that dies has found something. */
static struct result run_child(const struct arguments *arguments, uint64_t seed, const struct certs *certs,
                               const struct pt_schema *schema)
{
    int ends[2];
    struct result result = {.violations = 1};
    (void)fflush(stdout);
    pt_assert(pipe(ends) == 0);
    pid_t child = fork();
    pt_assert(child >= 0);
    if (child == 0) {
        struct options options = arguments->options;
        options.seed = seed;
        struct rlimit limit;
        pt_assert(getrlimit(RLIMIT_CPU, &limit) == 0);
        limit.rlim_cur = SEED_CPU_SECONDS_MAX;
        pt_assert(setrlimit(RLIMIT_CPU, &limit) == 0); /* not of the wall clock: the machine may be busy */
        run_seed(&options, certs, schema, &result);
        (void)fflush(stdout);
        _exit(write(ends[1], &result, sizeof(result)) == (ssize_t)sizeof(result) ? 0 : 1);
    }
    (void)close(ends[1]);
    struct result answer;
    bool whole = read(ends[0], &answer, sizeof(answer)) == (ssize_t)sizeof(answer);
    (void)close(ends[0]);
    int status = 0;
    pt_assert(waitpid(child, &status, 0) == child);
    if (whole) {
        return answer;
    }
    (void)printf("violation: seed %" PRIu64 " ended by signal %d%s\n", seed, WIFSIGNALED(status) ? WTERMSIG(status) : 0,
                 WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU ? " (it hangs)" : "");
    return result;
}

static uint64_t wall_seconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec;
}

static int run_many(const struct arguments *arguments, const struct certs *certs, const struct pt_schema *schema)
{
    struct result sum = {0};
    uint64_t seeds = 0, started = wall_seconds();
    for (uint64_t seed = arguments->first; seeds < arguments->count; seed += arguments->step) {
        if (arguments->wall_seconds != UINT64_MAX && wall_seconds() - started >= arguments->wall_seconds) {
            break;
        }
        struct result result = run_child(arguments, seed, certs, schema);
        if (arguments->twice && result.violations == 0) {
            struct result again = run_child(arguments, seed, certs, schema);
            if (again.trace_hash != result.trace_hash) {
                (void)printf("violation: seed %" PRIu64 " does not repeat itself: %016" PRIx64 ", then %016" PRIx64
                             "\n",
                             seed, result.trace_hash, again.trace_hash);
                result.violations++;
            }
        }
        seeds++;
        sum.ops += result.ops;
        sum.faults += result.faults;
        sum.violations += result.violations;
        if (result.violations > 0) {
            reproduce(arguments, seed);
            if (arguments->until_found) {
                (void)printf("found seed=%" PRIu64 " after %" PRIu64 " seeds\n", seed, seeds);
                return 0;
            }
        }
    }
    (void)printf("sim: seeds=%" PRIu64 " ops=%" PRIu64 " faults=%" PRIu64 " violations=%" PRIu64 "\n", seeds, sum.ops,
                 sum.faults, sum.violations);
    return (sum.violations > 0) != arguments->until_found ? 1 : 0;
}

int main(int argc, char **argv)
{
    struct arguments arguments;
    parse(argc, argv, &arguments);
    struct certs certs;
    struct pt_schema *schema = NULL;
    certs_init(&certs);
    read_schema(&schema);
    int code = 0;
    if (arguments.single) {
        struct result result = {0};
        arguments.options.verbose = true;
        (void)setvbuf(stdout, NULL, _IOLBF, 0); /* the story must be whole when the node dies */
        run_seed(&arguments.options, &certs, schema, &result);
        (void)printf("sim: seeds=1 ops=%" PRIu64 " faults=%" PRIu64 " violations=%" PRIu64 " virtual_ms=%" PRIu64
                     " events=%" PRIu64 " trace=%016" PRIx64 "\n",
                     result.ops, result.faults, result.violations, result.virtual_ms, result.events, result.trace_hash);
        code = result.violations > 0 ? 1 : 0;
    } else {
        code = run_many(&arguments, &certs, schema);
    }
    pt_schema_free(schema);
    certs_fini(&certs);
    return code;
}
