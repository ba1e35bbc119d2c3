/*
 * Profiles: what each class gets of a link. A profile that promises more than there is, or says two things of one code
 * point, is refused where it is written; what reaches a node can be done.
 */
#include "mod/qos/qos.h"

#include "patronus/v1/qos.pb-c.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define DSCP(n) (1ULL << (n))
#define STANDARD PATRONUS__V1__TRAFFIC_CLASS__STANDARD

/* RFC 4594, without network control. STANDARD has what no other class has. */
static const uint64_t usual[QOS_CLASSES + 1] = {
    [PATRONUS__V1__TRAFFIC_CLASS__REALTIME] =
        DSCP(46) | DSCP(44) | DSCP(40) | DSCP(32) | DSCP(34) | DSCP(36) | DSCP(38),
    [PATRONUS__V1__TRAFFIC_CLASS__INTERACTIVE] = DSCP(16) | DSCP(18) | DSCP(20) | DSCP(22),
    [PATRONUS__V1__TRAFFIC_CLASS__STREAMING] = DSCP(24) | DSCP(26) | DSCP(28) | DSCP(30),
    [PATRONUS__V1__TRAFFIC_CLASS__BULK] = DSCP(1) | DSCP(8) | DSCP(10) | DSCP(12) | DSCP(14),
};

static uint64_t named_dscps(const struct pt_msg *class)
{
    const struct pt_msg_field *dscps = pt_msg_field(class, "dscps");
    uint64_t mask = 0;
    for (size_t i = 0; dscps != NULL && i < dscps->len; i++) {
        mask |= DSCP(dscps->values[i].u64 & 63);
    }
    return mask;
}

/* ---- checks --------------------------------------------------------------------------------------------------- */

static enum pt_code check_dscps(const struct pt_msg *class, size_t at, uint64_t taken, struct pt_error *reterr)
{
    const struct pt_msg_field *dscps = pt_msg_field(class, "dscps");
    char path[64];
    for (size_t i = 0; dscps != NULL && i < dscps->len; i++) {
        uint64_t dscp = dscps->values[i].u64;
        (void)snprintf(path, sizeof(path), "classes[%zu].dscps[%zu]", at, i);
        if ((DSCP(dscp & 63) & QOS_CONTROL_DSCPS) != 0) {
            return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, path,
                           "DSCP %" PRIu64 " is network control, which has a queue of its own", dscp);
        }
        if ((DSCP(dscp & 63) & taken) != 0) {
            return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, path,
                           "DSCP %" PRIu64 " belongs to a class above already; a code point has one class", dscp);
        }
    }
    return PT_OK;
}

static enum pt_code profile_check(struct pt_view *view, const struct pt_change *change, struct pt_error *reterr)
{
    (void)view;
    const struct pt_msg_field *classes = change->after != NULL ? pt_msg_field(change->after, "classes") : NULL;
    uint64_t sum = 0, taken = 0;
    bool seen[QOS_CLASSES + 1] = {false};
    char path[64];
    for (size_t i = 0; classes != NULL && i < classes->len; i++) {
        const struct pt_msg *class = classes->values[i].message;
        int64_t number = pt_msg_i64(class, "traffic_class");
        if (number < 1 || number > (int64_t)QOS_CLASSES || seen[number]) {
            (void)snprintf(path, sizeof(path), "classes[%zu].traffic_class", i);
            return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, path,
                           "each entry is about a class of its own");
        }
        seen[number] = true;
        sum += pt_msg_u64(class, "percent");
        uint64_t most = 100;
        if (sum > most) {
            (void)snprintf(path, sizeof(path), "classes[%zu].percent", i);
            return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, path,
                           "the classes up to this one promise %" PRIu64 " %% of the link; take %" PRIu64 " away", sum,
                           sum - most);
        }
        PT_TRY(check_dscps(class, i, taken, reterr));
        taken |= named_dscps(class);
    }
    if (classes != NULL && !seen[STANDARD] && sum == 100) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "classes",
                       "nothing is left for STANDARD, whose packets are all that no class names; give it an entry, or "
                       "leave a percent");
    }
    return PT_OK;
}

/* ---- what it comes to ----------------------------------------------------------------------------------------- */

size_t qos_classes(const struct pt_msg *profile, struct qos_class ret_classes[QOS_CLASSES])
{
    const struct pt_msg_field *field = pt_msg_field(profile, "classes");
    struct qos_class all[QOS_CLASSES + 1] = {0};
    uint64_t named = QOS_CONTROL_DSCPS;
    uint32_t sum = 0;
    size_t len = 0;
    for (size_t i = 0; field != NULL && i < field->len; i++) {
        named |= named_dscps(field->values[i].message);
    }
    for (size_t i = 0; field != NULL && i < field->len; i++) {
        const struct pt_msg *msg = field->values[i].message;
        size_t number = (size_t)pt_msg_i64(msg, "traffic_class") % (QOS_CLASSES + 1);
        uint64_t own = named_dscps(msg);
        all[number] =
            (struct qos_class){.percent = (uint32_t)pt_msg_u64(msg, "percent"),
                               .queue_ms = (uint32_t)pt_msg_u64(msg, "queue_ms"),
                               .dscp_mask = own != 0 ? own : usual[number] & ~named,
                               .dscp_out = pt_msg_has(msg, "dscp_out") ? (uint32_t)pt_msg_u64(msg, "dscp_out") + 1 : 0};
        sum += all[number].percent;
    }
    if (all[STANDARD].percent == 0) {
        all[STANDARD].percent = sum < 100 ? 100 - sum : 1;
    }
    for (uint32_t i = 1; i <= QOS_CLASSES; i++) {
        if (all[i].percent != 0) {
            all[i].traffic_class = i;
            ret_classes[len++] = all[i];
        }
    }
    return len;
}

static const struct pt_kind qos_profile = {.message = "patronus.v1.QosProfile", .check = profile_check};
static const struct pt_kind rate_limit = {.message = "patronus.v1.RateLimit"};
static const struct pt_kind *const kinds[] = {&qos_profile, &rate_limit, NULL};
static const char *const needs[] = {"tenancy", NULL};

const struct pt_mod pt_mod_qos = {.name = "qos", .needs = needs, .kinds = kinds};
