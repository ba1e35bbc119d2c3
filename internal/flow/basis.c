/*
 * The inverse of a working basis and its changes. All of them are a rank-one term: with alpha the pivot, u = inverse *
 * (what comes, by row) and v = (what comes, by column) * inverse,
 *
 *   grow            [ M + u v / alpha   -u / alpha ]    alpha = corner - v * column
 *                   [   -v / alpha       1 / alpha ]
 *   replace column  row q of the inverse becomes M[q] / u[q]; others lose u[r] times that
 *   replace row     column i of the inverse becomes M[.][i] / v[i]; others lose v[j] times that
 *   shrink          M[r][j] - M[r][i] M[q][j] / M[q][i], without row q and column i of the inverse
 *
 * Entries of the matrix are -1, 0 and 1, whatever the capacities, so a pivot's size can be told from rounding.
 */
#include "flow/basis.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_FIRST 64U
#define PIVOT_LEAST 1e-9

/* ---- memory ---------------------------------------------------------------------------------------------------- */

static bool make_room(struct flow_basis *basis)
{
    if (basis->len < basis->stride) {
        return true;
    }
    uint32_t stride = basis->stride > 0 ? 2 * basis->stride : ROOM_FIRST;
    double *inverse = flow_alloc((size_t)stride * stride, sizeof(double));
    double *along = flow_alloc(2 * (size_t)stride, sizeof(double));
    uint32_t *numbers = flow_alloc(3 * (size_t)stride, sizeof(numbers[0]));
    if (inverse == NULL || along == NULL || numbers == NULL) {
        free(inverse);
        free(along);
        free(numbers);
        return false;
    }
    for (uint32_t q = 0; q < basis->len; q++) {
        memcpy(inverse + (size_t)q * stride, basis->inverse + (size_t)q * basis->stride, basis->len * sizeof(double));
        numbers[q] = basis->link[q];
        numbers[stride + q] = basis->entry[q];
        numbers[2 * (size_t)stride + q] = basis->slot[q];
    }
    free(basis->inverse);
    free(basis->along);
    free(basis->link);
    basis->inverse = inverse;
    basis->along = along;
    basis->link = numbers;
    basis->entry = numbers + stride;
    basis->slot = numbers + 2 * (size_t)stride;
    basis->stride = stride;
    return true;
}

bool flow_basis_init(struct flow_basis *basis, const struct pt_flow_paths *paths, const uint32_t *key)
{
    *basis = (struct flow_basis){.paths = paths, .key = key};
    basis->row_of = flow_alloc(paths->links_len, sizeof(basis->row_of[0]));
    if (basis->row_of == NULL) {
        return false;
    }
    memset(basis->row_of, 0xff, paths->links_len * sizeof(basis->row_of[0]));
    return make_room(basis);
}

void flow_basis_fini(struct flow_basis *basis)
{
    free(basis->inverse);
    free(basis->along);
    free(basis->link);
    free(basis->row_of);
}

/* ---- what paths do to rows ------------------------------------------------------------------------------------- */

/* ret[row] += sign for each link of the path that is a row. */
static void add_path(const struct flow_basis *basis, uint32_t slot, double sign, double *ret)
{
    const struct pt_flow_paths *paths = basis->paths;
    for (uint32_t step = paths->entry_steps[slot]; step != FLOW_LAST; step = paths->steps[step].next) {
        uint32_t row = basis->row_of[paths->steps[step].link];
        if (row != FLOW_NO_ROW) {
            ret[row] += sign;
        }
    }
}

static double crosses(const struct pt_flow_paths *paths, uint32_t slot, uint32_t link)
{
    for (uint32_t step = paths->entry_steps[slot]; step != FLOW_LAST; step = paths->steps[step].next) {
        if (paths->steps[step].link == link) {
            return 1;
        }
    }
    return 0;
}

/* What a unit of rate moved to the path from its key adds to a link. */
static double shift_on(const struct flow_basis *basis, uint32_t entry, uint32_t slot, uint32_t link)
{
    return crosses(basis->paths, slot, link) - crosses(basis->paths, basis->key[entry], link);
}

/* ret_u (by column) = inverse times the column of a path. */
static void column_through(const struct flow_basis *basis, uint32_t entry, uint32_t slot, double *ret_u)
{
    double *column = basis->along;
    memset(column, 0, basis->len * sizeof(double));
    add_path(basis, slot, 1, column);
    add_path(basis, basis->key[entry], -1, column);
    memset(ret_u, 0, basis->len * sizeof(double));
    for (uint32_t i = 0; i < basis->len; i++) {
        for (uint32_t q = 0; column[i] != 0 && q < basis->len; q++) {
            ret_u[q] += basis->inverse[(size_t)q * basis->stride + i] * column[i];
        }
    }
}

/* ret_v (by row) = the row of a link times inverse. */
static void row_through(const struct flow_basis *basis, uint32_t link, double *ret_v)
{
    memset(ret_v, 0, basis->len * sizeof(double));
    for (uint32_t q = 0; q < basis->len; q++) {
        double by = shift_on(basis, basis->entry[q], basis->slot[q], link);
        const double *row = basis->inverse + (size_t)q * basis->stride;
        for (uint32_t i = 0; by != 0 && i < basis->len; i++) {
            ret_v[i] += by * row[i];
        }
    }
}

void flow_basis_lengths_of_link(const struct flow_basis *basis, uint32_t link, double *ret_lengths)
{
    row_through(basis, link, basis->along);
    ret_lengths[link] = 1;
    for (uint32_t i = 0; i < basis->len; i++) {
        ret_lengths[basis->link[i]] = -basis->along[i];
    }
}

void flow_basis_lengths_of_column(const struct flow_basis *basis, uint32_t column, double *ret_lengths)
{
    for (uint32_t i = 0; i < basis->len; i++) {
        ret_lengths[basis->link[i]] = basis->inverse[(size_t)column * basis->stride + i];
    }
}

void flow_basis_solve(const struct flow_basis *basis, const double *by_link, double *ret_y)
{
    for (uint32_t i = 0; i < basis->len; i++) {
        basis->along[i] = by_link[basis->link[i]];
    }
    for (uint32_t q = 0; q < basis->len; q++) {
        const double *row = basis->inverse + (size_t)q * basis->stride;
        double sum[4] = {0, 0, 0, 0};
        uint32_t i = 0;
        for (; i + 4 <= basis->len; i += 4) {
            for (uint32_t k = 0; k < 4; k++) {
                sum[k] += row[i + k] * basis->along[i + k];
            }
        }
        for (; i < basis->len; i++) {
            sum[0] += row[i] * basis->along[i];
        }
        ret_y[q] = (sum[0] + sum[1]) + (sum[2] + sum[3]);
    }
}

/* ---- changes --------------------------------------------------------------------------------------------------- */

/* row -= by * other */
static void take_off(double *row, double by, const double *other, uint32_t len)
{
    for (uint32_t i = 0; i < len; i++) {
        row[i] -= by * other[i];
    }
}

bool flow_basis_grow(struct flow_basis *basis, uint32_t link, uint32_t entry, uint32_t slot)
{
    if (!make_room(basis)) {
        return false;
    }
    uint32_t n = basis->len;
    PT_AUTO(free) double *u = flow_alloc(2 * ((size_t)n + 1), sizeof(double));
    if (u == NULL) {
        return false;
    }
    double *v = u + n + 1;
    column_through(basis, entry, slot, u);
    row_through(basis, link, v);
    double alpha = shift_on(basis, entry, slot, link);
    for (uint32_t q = 0; q < n; q++) {
        alpha -= shift_on(basis, basis->entry[q], basis->slot[q], link) * u[q];
    }
    if (!(fabs(alpha) > PIVOT_LEAST)) {
        return false;
    }
    v[n] = -1;
    for (uint32_t q = 0; q < n; q++) {
        double *row = basis->inverse + (size_t)q * basis->stride;
        row[n] = 0;
        take_off(row, -u[q] / alpha, v, n + 1);
    }
    double *last = basis->inverse + (size_t)n * basis->stride;
    for (uint32_t i = 0; i <= n; i++) {
        last[i] = -v[i] / alpha;
    }
    basis->link[n] = link;
    basis->row_of[link] = n;
    basis->entry[n] = entry;
    basis->slot[n] = slot;
    basis->len++;
    return true;
}

bool flow_basis_replace_row(struct flow_basis *basis, uint32_t row, uint32_t link)
{
    double *v = basis->along;
    row_through(basis, link, v);
    double pivot = v[row];
    if (!(fabs(pivot) > PIVOT_LEAST)) {
        return false;
    }
    v[row] = 0;
    for (uint32_t q = 0; q < basis->len; q++) {
        double *at = basis->inverse + (size_t)q * basis->stride;
        at[row] /= pivot;
        take_off(at, at[row], v, basis->len);
    }
    basis->row_of[basis->link[row]] = FLOW_NO_ROW;
    basis->row_of[link] = row;
    basis->link[row] = link;
    return true;
}

bool flow_basis_replace_column(struct flow_basis *basis, uint32_t column, uint32_t entry, uint32_t slot)
{
    double *u = basis->along + basis->stride;
    column_through(basis, entry, slot, u);
    if (!(fabs(u[column]) > PIVOT_LEAST)) {
        return false;
    }
    double *own = basis->inverse + (size_t)column * basis->stride;
    for (uint32_t i = 0; i < basis->len; i++) {
        own[i] /= u[column];
    }
    for (uint32_t q = 0; q < basis->len; q++) {
        if (q != column && u[q] != 0) {
            take_off(basis->inverse + (size_t)q * basis->stride, u[q], own, basis->len);
        }
    }
    basis->entry[column] = entry;
    basis->slot[column] = slot;
    return true;
}

bool flow_basis_shrink(struct flow_basis *basis, uint32_t column, uint32_t row)
{
    double *own = basis->inverse + (size_t)column * basis->stride;
    double pivot = own[row];
    if (!(fabs(pivot) > PIVOT_LEAST)) {
        return false;
    }
    uint32_t last = basis->len - 1;
    for (uint32_t q = 0; q < basis->len; q++) {
        double *at = basis->inverse + (size_t)q * basis->stride;
        if (q != column) {
            take_off(at, at[row] / pivot, own, basis->len);
            at[row] = at[last];
        }
    }
    if (column != last) {
        memcpy(own, basis->inverse + (size_t)last * basis->stride, basis->len * sizeof(double));
        basis->entry[column] = basis->entry[last];
        basis->slot[column] = basis->slot[last];
    }
    basis->row_of[basis->link[row]] = FLOW_NO_ROW;
    if (row != last) {
        basis->link[row] = basis->link[last];
        basis->row_of[basis->link[row]] = row;
    }
    basis->len--;
    return true;
}

/* The old key path's rate is what the demand's columns do not carry. */
void flow_basis_swap(struct flow_basis *basis, uint32_t column)
{
    double *own = basis->inverse + (size_t)column * basis->stride;
    for (uint32_t q = 0; q < basis->len; q++) {
        if (q != column && basis->entry[q] == basis->entry[column]) {
            take_off(own, -1, basis->inverse + (size_t)q * basis->stride, basis->len);
        }
    }
    for (uint32_t i = 0; i < basis->len; i++) {
        own[i] = -own[i];
    }
    basis->slot[column] = basis->key[basis->entry[column]];
}

/* ---- anew ------------------------------------------------------------------------------------------------------ */

/* matrix (n rows of 2 n: the basis and the unit matrix) to the unit matrix and the inverse. */
static bool eliminate(double *matrix, uint32_t n)
{
    size_t width = 2 * (size_t)n;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t best = i;
        for (uint32_t r = i + 1; r < n; r++) {
            best = fabs(matrix[r * width + i]) > fabs(matrix[best * width + i]) ? r : best;
        }
        double *own = matrix + i * width;
        double *other = matrix + best * width;
        if (!(fabs(other[i]) > PIVOT_LEAST)) {
            return false;
        }
        for (size_t j = 0; j < width && best != i; j++) {
            double held = own[j];
            own[j] = other[j];
            other[j] = held;
        }
        double pivot = own[i];
        for (size_t j = i; j < width; j++) {
            own[j] /= pivot;
        }
        for (uint32_t r = 0; r < n; r++) {
            double *row = matrix + r * width;
            if (r != i && row[i] != 0) {
                take_off(row + i, row[i], own + i, (uint32_t)(width - i));
            }
        }
    }
    return true;
}

bool flow_basis_renew(struct flow_basis *basis)
{
    uint32_t n = basis->len;
    size_t width = 2 * (size_t)n;
    PT_AUTO(free) double *matrix = flow_alloc(n * width, sizeof(double));
    if (matrix == NULL) {
        return false;
    }
    for (uint32_t q = 0; q < n; q++) {
        double *column = basis->along;
        memset(column, 0, n * sizeof(double));
        add_path(basis, basis->slot[q], 1, column);
        add_path(basis, basis->key[basis->entry[q]], -1, column);
        for (uint32_t i = 0; i < n; i++) {
            matrix[i * width + q] = column[i];
        }
        matrix[q * width + n + q] = 1;
    }
    if (!eliminate(matrix, n)) {
        return false;
    }
    for (uint32_t q = 0; q < n; q++) {
        memcpy(basis->inverse + (size_t)q * basis->stride, matrix + q * width + n, n * sizeof(double));
    }
    return true;
}
