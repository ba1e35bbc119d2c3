/*
 * Shaped links of the data plane: the marking program at a link's egress (bpf/qos.bpf.c) and its queues (shape.h).
 */
#pragma once

#include "agent/dp.h"
#include "base/log.h"

struct pt_dp_qos;
struct pt_dp_qos *pt_dp_qos_new(const struct pt_log *log);
void pt_dp_qos_free(struct pt_dp_qos *qos); /* NULL is fine; links stay shaped */
/* Shape the links of the bundle as it says, and no others. What cannot be shaped carries traffic as before, and the
 * report says why. */
void pt_dp_qos_apply(struct pt_dp_qos *qos, const struct pt_bundle *bundle);
void pt_dp_qos_read(struct pt_dp_qos *qos, void (*fn)(void *arg, const struct pt_dp_link_queues *queues), void *arg);
/* Undo it for one interface. */
void pt_dp_qos_clear(uint32_t ifindex);
