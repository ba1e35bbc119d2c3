/*
 * A pair's rates by path are what links see, whichever packets they are made of. So the classes may change places
 * without changing any link's load, nor the certificate: the first class keeps its normal paths as far as there is room
 * on them, and takes the rest from the best of the others; the next class does the same with what is left. What must
 * leave the best path is then what comes last: BULK, and REALTIME only when nothing else is there.
 */
#include "mod/te/share.h"

#include "base/assert.h"

#include <string.h>

#define PATHS_MAX 64

static double take(double wanted, double *room)
{
    double given = wanted < *room ? wanted : *room;
    given = given > 0 ? given : 0;
    *room -= given;
    return given;
}

static void share_all(const struct te_share_problem *problem, double *ret_splits)
{
    double sum = 0;
    for (size_t i = 0; i < problem->paths_len; i++) {
        sum += problem->room[i];
    }
    for (size_t i = 0; i < problem->paths_len; i++) {
        ret_splits[i] = sum > 0 ? problem->room[i] / sum : problem->normal[i];
    }
}

void te_share_classes(const struct te_share_problem *problem, double *ret_splits)
{
    double room[PATHS_MAX];
    size_t len = problem->paths_len;
    pt_assert(len > 0 && len <= PATHS_MAX);
    memcpy(room, problem->room, len * sizeof(double));
    for (size_t class = 0; class < problem->classes_len; class ++) {
        double *splits = &ret_splits[class * len];
        double served = problem->served[class], left = served;
        if (!(served > 0)) {
            share_all(problem, splits);
            continue;
        }
        for (size_t i = 0; i < len; i++) {
            splits[i] = take(problem->normal[i] * served, &room[i]);
            left -= splits[i];
        }
        for (size_t i = 0; i < len; i++) {
            double more = take(left, &room[i]);
            splits[i] += more;
            left -= more;
        }
        size_t most = 0;
        for (size_t i = 1; i < len; i++) {
            most = splits[i] > splits[most] ? i : most;
        }
        splits[most] += left; /* what sums of doubles are off by */
        for (size_t i = 0; i < len; i++) {
            splits[i] /= served;
        }
    }
}
