/*
 * The cluster's own resources: controllers that can be told apart, tokens that do not live long.
 */
#include "mod/cluster/cluster.h"

#include "base/limits.h"
#include "patronus/v1/cluster.pb-c.h"

#include <inttypes.h>
#include <string.h>

#define TOKEN_LIFETIME_MAX_NS (24LL * 3600 * 1000000000)

/* ---- controllers ---------------------------------------------------------------------------------------------- */

struct others {
    const struct pt_change *change;
    size_t voters;      /* besides the one that changes */
    const char *region; /* that it was in; "" asks nothing */
    size_t region_len, region_voters;
    enum pt_code code;
    struct pt_error *reterr;
};

static bool check_other(void *arg, const char *name, const struct pt_msg *other)
{
    struct others *others = arg;
    if (strcmp(name, others->change->name) == 0) {
        return true;
    }
    bool votes = pt_msg_i64(other, "role") == PATRONUS__V1__CONTROLLER_ROLE__VOTER;
    others->voters += votes;
    if (others->region[0] != '\0' && strcmp(pt_msg_str(other, "region"), others->region) == 0) {
        others->region_len++;
        others->region_voters += votes;
    }
    const struct pt_msg *after = others->change->after;
    if (after == NULL) {
        return true;
    }
    uint64_t raft_id = pt_msg_u64(after, "raft_id");
    if (raft_id != 0 && raft_id == pt_msg_u64(other, "raft_id")) {
        others->code = pt_fail(others->reterr, PT_FAILED_PRECONDITION, PT_REASON_CONFLICT, "raft_id",
                               "%.200s has Raft id %" PRIu64 " already", name, raft_id);
    } else if (strcmp(pt_msg_str(after, "peer_address"), pt_msg_str(other, "peer_address")) == 0) {
        others->code = pt_fail(others->reterr, PT_FAILED_PRECONDITION, PT_REASON_CONFLICT, "peer_address",
                               "%.200s has peer address %.100s already; delete it first if it is gone", name,
                               pt_msg_str(after, "peer_address"));
    }
    return others->code == PT_OK;
}

static enum pt_code controller_check(struct pt_view *view, const struct pt_change *change, struct pt_error *reterr)
{
    if (change->before == NULL && pt_msg_u64(change->after, "raft_id") == 0) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_REQUIRED, "raft_id",
                       "a controller gets its Raft id by joining; use: patronusd join TOKEN");
    }
    struct others others = {.change = change,
                            .region = change->before != NULL ? pt_msg_str(change->before, "region") : "",
                            .reterr = reterr};
    pt_view_scan(view, "controller", "", check_other, &others);
    PT_TRY(others.code);
    bool voted = change->before != NULL && pt_msg_i64(change->before, "role") == PATRONUS__V1__CONTROLLER_ROLE__VOTER;
    bool votes = change->after != NULL && pt_msg_i64(change->after, "role") == PATRONUS__V1__CONTROLLER_ROLE__VOTER;
    if (voted && !votes && others.voters == 0) {
        return pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_CONFLICT, "role",
                       "%.200s is the only voter; make another controller a voter first", change->name);
    }
    /* A region that has controllers keeps a voter: else its standbys could not carry on when the others are cut off. */
    bool stays = change->after != NULL && strcmp(pt_msg_str(change->after, "region"), others.region) == 0;
    if (voted && !(votes && stays) && others.region_voters == 0 && others.region_len + stays > 0 &&
        others.region[0] != '\0') {
        return pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_CONFLICT, "role",
                       "%.200s is the only voter of region %.64s, which has other controllers; promote one of them "
                       "first",
                       change->name, others.region);
    }
    return PT_OK;
}

/* ---- tokens
 * --------------------------------------------------------------------------------------------------------------------
 */

static enum pt_code check_purpose(const struct pt_msg *token, struct pt_error *reterr)
{
    const char *role = pt_msg_str(token, "role");
    bool edge = strcmp(role, "edge") == 0;
    if (!edge && strcmp(role, "voter") != 0 && strcmp(role, "standby") != 0) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "role",
                       "'%.63s' is not a role; write edge, voter or standby", role);
    }
    if (edge != (pt_msg_str(token, "edge")[0] != '\0')) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, edge ? PT_REASON_FIELD_REQUIRED : PT_REASON_FIELD_INVALID, "edge",
                       edge ? "a token for an edge names the edge that the node becomes"
                            : "only a token with role edge names an edge");
    }
    return PT_OK;
}

static enum pt_code token_check(struct pt_view *view, const struct pt_change *change, struct pt_error *reterr)
{
    if (change->after == NULL) {
        return PT_OK;
    }
    PT_TRY(check_purpose(change->after, reterr));
    int64_t left_ns = pt_msg_time(change->after, "expire_time") - pt_view_time_ns(view);
    if (change->before == NULL && (left_ns <= 0 || left_ns > TOKEN_LIFETIME_MAX_NS)) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "expire_time",
                       left_ns <= 0 ? "the time is past; give one within the next 24 hours"
                                    : "a token lives at most 24 hours; give a time within them");
    }
    return PT_OK;
}

static const struct pt_kind controller = {.message = "patronus.v1.Controller", .check = controller_check};
static const struct pt_kind enrollment_token = {.message = "patronus.v1.EnrollmentToken", .check = token_check};
static const struct pt_kind *const kinds[] = {&controller, &enrollment_token, NULL};
static const char *const needs[] = {"site", NULL};

const struct pt_mod pt_mod_cluster = {.name = "cluster", .needs = needs, .kinds = kinds};
