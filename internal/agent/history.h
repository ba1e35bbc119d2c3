/*
 * What a node remembers of its decisions about flows: when, by which rule of which policy, under which configuration,
 * and what the candidates were like then.
 *
 * Bounded: a ring of records, the oldest go first, whatever flow they are of; 32,768 by default, which is about 8 MB
 * and, where each second brings decisions of many groups, another 12 MB of photographs at most. Memory only; what is
 * kept on disk for the next agent is recall_keep.c's. One thread: the agent's loop.
 */
#pragma once

#include "agent/dp.h"
#include "agent/recall_nat.h"
#include "base/limits.h"

#define PT_HISTORY_RECORDS 32768U
#define PT_HISTORY_DROPS 256U
#define PT_HISTORY_PHOTO_NS 1000000000LL /* so long one photograph of a group serves */

/* A rule as it was; equal ones are one. */
struct pt_history_ruling {
    unsigned refs;
    char *origin; /* policy and place, as RuleEntry.origin */
    char *sla;    /* name of the group's profile, or "" */
    uint64_t revision;
    bool require;
};

struct pt_history_candidate {
    uint64_t path;
    uint32_t link; /* number of its first link */
    uint32_t tier, rtt_us, loss_ppm, jitter_us, mos_100;
    uint16_t weight;
    uint8_t life; /* enum pt_dp_life */
    bool sla_broken, sla_held;
};

/* The members of a group and what was measured of them. */
struct pt_history_photo {
    unsigned refs;
    int64_t time_ns;
    size_t len;
    struct pt_history_candidate candidates[PT_GROUP_MEMBERS_MAX];
};

struct pt_history_record {
    struct pt_dp_decision decision; /* age_ns does not count any more */
    int64_t time_ns;                /* wall clock */
    struct pt_dp_origin origin;
    struct pt_translation translation; /* what decision.nat means */
    struct pt_history_ruling *ruling;  /* NULL: nothing is known of it */
    struct pt_history_photo *photo;    /* NULL: it was not about paths */
};

struct pt_history;
struct pt_history *pt_history_new(size_t records_max);
void pt_history_free(struct pt_history *history); /* NULL is fine */

/* Equal values give the same one. The caller holds a reference until it is given to a record. */
struct pt_history_ruling *pt_history_ruling(struct pt_history *history, const char *origin, uint64_t revision,
                                            const char *sla, bool require);
/* The newest photograph of a group, if it is young enough, or else a new one by `take`. Likewise referenced. */
struct pt_history_photo *pt_history_photo(struct pt_history *history, uint32_t site_label, uint32_t policy_class,
                                          int64_t time_ns, void (*take)(void *arg, struct pt_history_photo *photo),
                                          void *arg);
/* Groups may be others now: photographs of before serve nobody new. */
void pt_history_forget_photos(struct pt_history *history);

/* Takes the references. A packet's drop (PT_EVENT_PACKET) is kept among drops only, and of equal drops of a flow one a
 * second. Records come in the order of their times, or about so. False: it was not kept, and is gone. */
bool pt_history_add(struct pt_history *history, const struct pt_history_record *record);
/* Records of a flow up to a time, newest first; returns how many, at most len_max. Borrowed until the next add. */
size_t pt_history_find(const struct pt_history *history, const struct pt_dp_flow_key *flow, int64_t time_ns,
                       const struct pt_history_record **ret_records, size_t len_max);
/* The newest drops of a reason (0: any), newest first. */
size_t pt_history_drops(const struct pt_history *history, uint32_t reason, const struct pt_history_record **ret_records,
                        size_t len_max);
/* When the oldest record is of; 0: there is none. */
int64_t pt_history_oldest(const struct pt_history *history);
