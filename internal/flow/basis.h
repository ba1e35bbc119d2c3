/*
 * The working basis of a simplex method over path sets, kept as its inverse. Private to the folder.
 *
 * Every demand that takes part has a key path, which carries what its other paths do not. A link whose capacity is used
 * up is a row; a path that carries beside a key path is a column: there are as many of one as of the other. The column
 * of path p is what a unit of rate that moves from the key path to p adds to each row's link: 1, -1 or 0. All that the
 * method needs to know of a program with ten thousands of rows is the inverse of this matrix of some hundreds.
 */
#pragma once

#include "flow/paths_priv.h"

#define FLOW_NO_ROW UINT32_MAX

struct flow_basis {
    const struct pt_flow_paths *paths;
    const uint32_t *key; /* by entry: the entry slot of its key path; the caller changes it by flow_basis_swap only */
    uint32_t len;        /* rows, and columns */
    uint32_t stride;     /* room for rows */
    double *inverse;     /* [column * stride + row] */
    double *along;       /* by row: scratch */
    uint32_t *link;      /* by row */
    uint32_t *row_of;    /* by link, or FLOW_NO_ROW */
    uint32_t *entry;     /* by column */
    uint32_t *slot;      /* by column: entry slot */
};

/* False: no memory; fini in any case. */
bool flow_basis_init(struct flow_basis *basis, const struct pt_flow_paths *paths, const uint32_t *key);
void flow_basis_fini(struct flow_basis *basis);

/* Sum over the path's links of `lengths`. */
static inline double flow_basis_length(const struct pt_flow_paths *paths, uint32_t slot, const double *lengths)
{
    double sum = 0;
    for (uint32_t step = paths->entry_steps[slot]; step != FLOW_LAST; step = paths->steps[step].next) {
        sum += lengths[paths->steps[step].link];
    }
    return sum;
}

/* ret_lengths (zeros, by link): what the load of a link that is no row changes by, for a unit more on any link while
 * the rows' links stay full: 1 for the link itself, and what rates that make way for it cost or save. */
void flow_basis_lengths_of_link(const struct flow_basis *basis, uint32_t link, double *ret_lengths);
/* The same for the rate of a column, with its sign turned: by how much it shrinks. */
void flow_basis_lengths_of_column(const struct flow_basis *basis, uint32_t column, double *ret_lengths);
/* ret_y (by column) = inverse times `rows` (by link). */
void flow_basis_solve(const struct flow_basis *basis, const double *by_link, double *ret_y);

/* A link becomes a row, and a path a column. False: no memory, or the pivot is no good: nothing has changed. */
bool flow_basis_grow(struct flow_basis *basis, uint32_t link, uint32_t entry, uint32_t slot);
/* A link takes the place of a row; a path that of a column. False: the pivot is no good. */
bool flow_basis_replace_row(struct flow_basis *basis, uint32_t row, uint32_t link);
bool flow_basis_replace_column(struct flow_basis *basis, uint32_t column, uint32_t entry, uint32_t slot);
/* A column and a row go; the last ones take their numbers. False: the pivot is no good. */
bool flow_basis_shrink(struct flow_basis *basis, uint32_t column, uint32_t row);
/* The column's path becomes the key path and the other way round: the caller changes key[] right after. */
void flow_basis_swap(struct flow_basis *basis, uint32_t column);
/* The inverse anew from the paths. False: singular (the inverse is then of no use), or no memory. */
bool flow_basis_renew(struct flow_basis *basis);
