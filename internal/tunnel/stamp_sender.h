/*
 * A STAMP sender (RFC 8762): measures the way to reflectors of others, such as a provider's router, that are no sites
 * of this network. Each is asked ten times a second, by the link that its target names, whatever else is sent. On the
 * loop of the tunnel process; answers are stamped by the kernel where they come.
 */
#pragma once

#include "base/net.h"
#include "measure/stamp.h"
#include "sys/sys.h"

#define PT_STAMP_TARGETS_MAX 8U
#define PT_STAMP_EVERY_MS 100U

struct pt_stamp_target {
    struct pt_endpoint reflector;
    char interface[16]; /* that packets leave by; "": as the node's routes say */
};

struct pt_stamp_status {
    struct pt_stamp_target target;
    uint64_t silent_ms; /* since the last answer; UINT64_MAX: there was none */
    struct pt_measure_report report;
};

/* "IP:PORT" or "INTERFACE=IP:PORT", several by commas; "" is none. */
PT_MUST enum pt_code pt_stamp_targets_parse(const char *text, struct pt_stamp_target ret_targets[PT_STAMP_TARGETS_MAX],
                                            size_t *ret_len, struct pt_error *reterr);

struct pt_stamp_sender;
struct pt_stamp_sender *pt_stamp_sender_new(struct pt_sys *sys);
void pt_stamp_sender_free(struct pt_stamp_sender *sender); /* NULL is fine */
/* Those that stay keep what was measured. What is more than PT_STAMP_TARGETS_MAX is left out. */
void pt_stamp_sender_configure(struct pt_stamp_sender *sender, const struct pt_stamp_target *targets, size_t len);
/* What each was like in the last so many minutes (0: ten seconds), in their order. Returns how many there are. */
size_t pt_stamp_sender_status(const struct pt_stamp_sender *sender, unsigned minutes,
                              struct pt_stamp_status ret_status[PT_STAMP_TARGETS_MAX]);
