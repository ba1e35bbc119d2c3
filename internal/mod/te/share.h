/*
 * Who of a pair's classes takes which of its paths. Private to the mod.
 */
#pragma once

#include <stddef.h>

struct te_share_problem {
    size_t paths_len, classes_len;
    const double *room;   /* by path: what all classes together put there */
    const double *normal; /* by path: the splits of shortest paths, adding to 1 */
    const double *served; /* by class, the first one first: they add to the sum of room */
};

/* Splits by class, then by path, each class's adding to 1; together they put on each path what there is room for. A
 * class that is not served has the splits of all together, or the normal ones when nothing is served. */
void te_share_classes(const struct te_share_problem *problem, double *ret_splits);
