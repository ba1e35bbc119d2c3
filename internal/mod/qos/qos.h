/*
 * The qos mod: see docs/mod/qos.md. What stands below the mod itself is for te, which puts it into bundles.
 */
#pragma once

#include "kind/kind.h"

extern const struct pt_mod pt_mod_qos;

#define QOS_CLASSES 5U                              /* TrafficClass, 1..5 */
#define QOS_SHAPED_BPS_MIN 100000U                  /* a link below cannot be shaped */
#define QOS_CONTROL_DSCPS (1ULL << 48 | 1ULL << 56) /* CS6, CS7: network control, of no class */

struct qos_class {
    uint32_t traffic_class, percent, queue_ms;
    uint64_t dscp_mask; /* bit n: DSCP n */
    uint32_t dscp_out;  /* plus 1; 0: as it came */
};
/* The classes of a profile that passed its check, ascending, STANDARD always among them. Returns how many. */
size_t qos_classes(const struct pt_msg *profile, struct qos_class ret_classes[QOS_CLASSES]);
