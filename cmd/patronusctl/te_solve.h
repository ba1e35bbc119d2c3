/*
 * patronusctl te solve: what its files share. te_options.c reads the command line, te.c solves and prints, te_explain.c
 * says how a demand is carried.
 */
#pragma once

#include "flow/format.h"
#include "flow/solve.h"

struct te_options {
    const char *file, *flows, *explain; /* flows and explain: NULL when not asked for */
    enum pt_flow_objective objective;
    const char *objective_name, *paths_name;
    bool free_paths;
    struct pt_flow_rules rules;
    double gap, utilisation, seconds; /* seconds: 0 no limit */
    size_t threads;
    bool json;
};

#define TE_THREADS_MAX 64

struct te_solving {
    struct te_options options;
    struct pt_flow_te te;
    struct pt_flow_paths *paths;
    struct pt_flow_result *result;
    struct pt_flow_problem problem;
    struct pt_flow_certificate certificate; /* as the verifier computed it; likewise: */
    struct pt_flow_fairness fairness;       /* maxmin */
    struct pt_flow_level_proof *proofs;     /* by level */
    double paths_seconds, solve_seconds;
};

/* 0, or the exit code; -1 when the help was asked for and printed. Errors are printed. */
int te_options_parse(int argc, char **argv, struct te_options *ret_options);
/* The flag that an error of the library is about; `field` itself when it is about none. */
const char *te_options_flag(const char *field);

/* How the demands from FROM to TO are carried, and what holds them: as text, or as further members of a JSON object.
 * PT_INVALID_ARGUMENT before anything is printed. */
PT_MUST enum pt_code te_explain_check(const struct te_solving *solving, struct pt_error *reterr);
void te_explain_print(const struct te_solving *solving);
