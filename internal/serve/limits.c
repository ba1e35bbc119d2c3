/*
 * Requests a second and open streams of tenants, at this controller.
 *
 *   call of organizations/acme/serviceAccounts/ci -> a token of acme, of each organization above it that has a limit,
 *                                                    and of ci's own bucket, which holds four fifths of acme's
 *
 * A bucket holds the tokens of two seconds, so that bursts pass and a lasting excess does not. A call is counted where
 * it comes in: what a follower forwards is not counted again by the leader. A refusal costs no token and says when one
 * will be there. Refusals too have a rate, the bucket's own: what comes faster waits for its answer (shed.c), so that
 * a client which heeds no delay is slowed down instead of being told so ten times as often as it may call. One
 * principal alone cannot empty its organization's bucket: whoever is to stop a program that runs wild has a fifth of
 * it. Callers with a certificate of a role that bindings decide about have a bucket each; admins, controllers and nodes
 * have none: what keeps the network alive is never shed first.
 *
 * Streams are counted at the organization of who opened them, and added up when somebody asks for those below one: an
 * organization that moves takes its own along. Requests of the last second are counted at each one above at once.
 * Memory: one bucket a tenant, and one a principal, that has called lately; full ones are dropped.
 */
#include "serve/controller_priv.h"

#include "base/assert.h"
#include "base/limits.h"
#include "kind/tenant.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BURST_S 2
#define PRINCIPAL_RATE 200 /* a second, for a certificate that belongs to no organization */
#define OWN_PART 5         /* a principal has all but one such part of its organization's rate */
#define BUCKETS_MAX 65536  /* further ones find no bucket, and are refused */
#define SECOND_NS UINT64_C(1000000000)
#define TOLD_NS SECOND_NS           /* refusals of so long go out at once before one waits */
#define HOLD_NS_MAX (4 * SECOND_NS) /* none waits longer: shed.c says why */
#define SAY_NS (5 * SECOND_NS)      /* a tenant's refused calls are in the log no more often */

struct bucket {
    uint64_t tokens_ns; /* tokens times SECOND_NS */
    uint64_t at_ns;     /* as of when */
    uint64_t rate;      /* a second */
    uint64_t refused;   /* calls, not yet said in the log */
    uint64_t answer_ns; /* the next refusal's turn, were none told at once; past: now */
    uint64_t said_ns;   /* when it was last */
};

struct rate {                     /* calls that were let in, by the second of the monotonic clock */
    uint64_t second, now, before; /* `before`: in the second before that one */
};

struct pt_limits {
    struct pt_map buckets; /* organization or principal -> struct bucket */
    struct pt_map streams; /* organization -> uint64_t: open streams of its own principals */
    struct pt_map below;   /* the same, with those of the organizations below; made when it is asked for */
    bool summed;           /* `below` is, as of this revision of the tree: */
    uint64_t revision;
    struct pt_map requests; /* organization -> struct rate: its principals', and those of who is below it */
};

struct pt_limits *pt_limits_new(void)
{
    struct pt_limits *limits = calloc(1, sizeof(*limits));
    pt_assert(limits != NULL);
    pt_map_init(&limits->buckets);
    pt_map_init(&limits->streams);
    pt_map_init(&limits->below);
    pt_map_init(&limits->requests);
    return limits;
}

static void drop_values(struct pt_map *map)
{
    PT_MAP_FOREACH (entry, map) {
        free(entry->value);
    }
    pt_map_clear(map);
}

void pt_limits_free(struct pt_limits *limits)
{
    if (limits == NULL) {
        return;
    }
    struct pt_map *maps[] = {&limits->buckets, &limits->streams, &limits->below, &limits->requests};
    for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++) {
        drop_values(maps[i]);
        pt_map_fini(maps[i]);
    }
    free(limits);
}

/* ---- buckets -------------------------------------------------------------------------------------------------- */

static uint64_t full(const struct bucket *bucket)
{
    return bucket->rate * BURST_S * SECOND_NS;
}

static void fill(struct bucket *bucket, uint64_t now_ns, uint64_t rate)
{
    uint64_t since_ns = now_ns - bucket->at_ns;
    since_ns = since_ns < BURST_S * SECOND_NS ? since_ns : BURST_S * SECOND_NS;
    bucket->rate = rate;
    bucket->tokens_ns += since_ns * rate;
    bucket->tokens_ns = bucket->tokens_ns < full(bucket) ? bucket->tokens_ns : full(bucket);
    bucket->at_ns = now_ns;
}

/* NULL when there are too many. */
static struct bucket *bucket_of(struct pt_limits *limits, const char *name, uint64_t now_ns, uint64_t rate)
{
    struct bucket *bucket = pt_map_get_str(&limits->buckets, name);
    if (bucket == NULL && limits->buckets.count < BUCKETS_MAX) {
        bucket = calloc(1, sizeof(*bucket));
        pt_assert(bucket != NULL);
        *bucket = (struct bucket){.at_ns = now_ns, .rate = rate, .tokens_ns = rate * BURST_S * SECOND_NS};
        (void)pt_map_put_str(&limits->buckets, name, bucket);
    }
    return bucket;
}

void pt_limits_tick(struct pt_controller *controller)
{
    struct pt_limits *limits = controller->limits;
    uint64_t now_ns = pt_sys_now_ns(controller->sys);
    PT_MAP_FOREACH (entry, &limits->buckets) {
        struct bucket *bucket = entry->value;
        fill(bucket, now_ns, bucket->rate);
        bool all = bucket->tokens_ns == full(bucket);
        if (bucket->refused > 0 && (all || now_ns - bucket->said_ns >= SAY_NS)) {
            pt_log_info(controller->log, "limited", "name=%.*s refused=%" PRIu64 " rate=%" PRIu64, (int)entry->key_size,
                        (const char *)entry->key, bucket->refused, bucket->rate);
            bucket->refused = 0;
            bucket->said_ns = now_ns;
        }
        if (all) {
            (void)pt_map_remove(&limits->buckets, entry->key, entry->key_size);
            free(bucket);
        }
    }
    PT_MAP_FOREACH (entry, &limits->requests) {
        struct rate *rate = entry->value;
        if (rate->second + 1 < now_ns / SECOND_NS) {
            (void)pt_map_remove(&limits->requests, entry->key, entry->key_size);
            free(rate);
        }
    }
}

/* ---- a call --------------------------------------------------------------------------------------------------- */

struct taking {
    struct pt_limits *limits;
    uint64_t now_ns;
    bool check; /* nothing is taken yet */
    enum pt_code code;
    uint64_t hold_ns; /* of a refusal */
    struct pt_error *reterr;
};

/* How long the bucket's newest refusal waits for its answer. */
static uint64_t next_turn(struct bucket *bucket, uint64_t now_ns)
{
    uint64_t turn_ns = bucket->answer_ns > now_ns ? bucket->answer_ns : now_ns;
    uint64_t ahead_ns = turn_ns - now_ns;
    if (ahead_ns < TOLD_NS + HOLD_NS_MAX) {
        bucket->answer_ns = turn_ns + SECOND_NS / bucket->rate;
    }
    return ahead_ns > TOLD_NS ? ahead_ns - TOLD_NS : 0;
}

static enum pt_code too_fast(struct taking *taking, struct bucket *bucket, const char *name)
{
    if (bucket != NULL) {
        bucket->refused++;
        taking->hold_ns = next_turn(bucket, taking->now_ns);
    }
    uint64_t missing_ns = SECOND_NS - (bucket != NULL ? bucket->tokens_ns : 0);
    uint64_t rate = bucket != NULL ? bucket->rate : 1;
    (void)pt_fail(taking->reterr, PT_EXHAUSTED, PT_REASON_RATE_LIMITED, NULL,
                  "%.80s makes more than its %" PRIu64
                  " requests a second at this controller: try again a little later",
                  name, rate);
    taking->reterr->retry_ms = (uint32_t)(missing_ns / rate / 1000000 + 1);
    return PT_EXHAUSTED;
}

static bool take_request(void *arg, const char *name, uint64_t limit)
{
    struct taking *taking = arg;
    struct bucket *bucket = bucket_of(taking->limits, name, taking->now_ns, limit);
    if (bucket != NULL) {
        fill(bucket, taking->now_ns, limit);
    }
    if (bucket == NULL || bucket->tokens_ns < SECOND_NS) {
        taking->code = too_fast(taking, bucket, name);
        return false;
    }
    bucket->tokens_ns -= taking->check ? 0 : SECOND_NS;
    return true;
}

/* The principal's part. Asked last: a call that its organization refuses makes no bucket, so that a provider of
 * identities who invents users makes no more of them than his organization makes calls. */
static void take_own(struct pt_controller *controller, const char *principal, struct taking *taking)
{
    uint64_t limit = 0, usage = 0;
    bool limited = pt_quota_usage(controller->machine, principal, PT_QUOTA_REQUESTS, &limit, &usage) && limit != 0;
    if (limited && taking->code == PT_OK) {
        (void)take_request(taking, principal, limit - limit / OWN_PART);
    }
}

static void *counter_of(struct pt_map *map, const char *name, size_t size)
{
    void *counter = pt_map_get_str(map, name);
    if (counter == NULL) {
        counter = calloc(1, size);
        pt_assert(counter != NULL);
        (void)pt_map_put_str(map, name, counter);
    }
    return counter;
}

static void count_request(struct pt_controller *controller, const char *principal, uint64_t now_ns)
{
    uint64_t second = now_ns / SECOND_NS;
    for (const struct pt_tenant *at = pt_tenant_of(controller->machine, principal); at != NULL; at = at->parent) {
        struct rate *rate = counter_of(&controller->limits->requests, at->name, sizeof(*rate));
        if (rate->second != second) {
            *rate = (struct rate){.second = second, .before = rate->second + 1 == second ? rate->now : 0};
        }
        rate->now++;
    }
}

/* Look at all first: a call that one of them refuses takes nothing of the others. */
static enum pt_code take(struct pt_controller *controller, const char *principal, uint64_t *ret_hold_ns,
                         struct pt_error *reterr)
{
    struct taking taking = {
        .limits = controller->limits, .now_ns = pt_sys_now_ns(controller->sys), .check = true, .reterr = reterr};
    for (unsigned turn = 0; turn < 2 && taking.code == PT_OK; turn++) {
        taking.check = turn == 0;
        pt_quota_each(controller->machine, principal, PT_QUOTA_REQUESTS, take_request, &taking);
        take_own(controller, principal, &taking);
    }
    if (taking.code == PT_OK) {
        count_request(controller, principal, taking.now_ns);
    }
    *ret_hold_ns = taking.hold_ns;
    return taking.code;
}

enum pt_code pt_limits_request(struct pt_controller *controller, const struct pt_caller *caller, uint64_t *ret_hold_ns,
                               struct pt_error *reterr)
{
    if (strncmp(caller->principal, "organizations/", 14) == 0) {
        return take(controller, caller->principal, ret_hold_ns, reterr);
    }
    if (strcmp(pt_identity_role(caller->principal), "user") != 0) {
        return PT_OK;
    }
    struct taking taking = {.limits = controller->limits, .now_ns = pt_sys_now_ns(controller->sys), .reterr = reterr};
    (void)take_request(&taking, caller->principal, PRINCIPAL_RATE);
    *ret_hold_ns = taking.hold_ns;
    return taking.code;
}

/* ---- streams -------------------------------------------------------------------------------------------------- */

struct opening {
    struct pt_controller *controller;
    enum pt_code code;
    struct pt_error *reterr;
};

/* Each count goes to its organization and to every one above it. */
static void sum_streams(const struct pt_controller *controller)
{
    struct pt_limits *limits = controller->limits;
    uint64_t revision = pt_kind_access_revision(controller->machine); /* a move of an organization raises it too */
    if (limits->summed && limits->revision == revision) {
        return;
    }
    drop_values(&limits->below);
    PT_MAP_FOREACH (entry, &limits->streams) {
        char name[PT_NAME_SIZE_MAX + 1];
        memcpy(name, entry->key, entry->key_size); /* an organization's name: it fits */
        name[entry->key_size] = '\0';
        for (const struct pt_tenant *at = pt_tenant_of(controller->machine, name); at != NULL; at = at->parent) {
            uint64_t *below = counter_of(&limits->below, at->name, sizeof(*below));
            *below += *(const uint64_t *)entry->value;
        }
    }
    limits->summed = true;
    limits->revision = revision;
}

static uint64_t open_below(const struct pt_controller *controller, const char *name)
{
    sum_streams(controller);
    const uint64_t *open = pt_map_get_str(&controller->limits->below, name);
    return open != NULL ? *open : 0;
}

static bool has_room(void *arg, const char *name, uint64_t limit)
{
    struct opening *opening = arg;
    if (open_below(opening->controller, name) < limit) {
        return true;
    }
    opening->code = pt_fail(opening->reterr, PT_EXHAUSTED, PT_REASON_RATE_LIMITED, NULL,
                            "%.80s has its %" PRIu64 " streams open at this controller: end some", name, limit);
    opening->reterr->retry_ms = 1000;
    return false;
}

/* Into name; "" for who is of no organization. */
static void organization_of(const struct pt_caller *caller, char name[PT_NAME_SIZE_MAX + 1])
{
    size_t size = pt_tenant_name_size(caller->principal);
    size = size <= PT_NAME_SIZE_MAX ? size : 0;
    memcpy(name, caller->principal, size);
    name[size] = '\0';
}

enum pt_code pt_limits_open_stream(struct pt_controller *controller, const struct pt_caller *caller,
                                   struct pt_error *reterr)
{
    char organization[PT_NAME_SIZE_MAX + 1];
    organization_of(caller, organization);
    if (organization[0] == '\0') {
        return PT_OK;
    }
    struct opening opening = {.controller = controller, .reterr = reterr};
    pt_quota_each(controller->machine, organization, PT_QUOTA_STREAMS, has_room, &opening);
    if (opening.code != PT_OK) {
        return opening.code;
    }
    uint64_t *open = counter_of(&controller->limits->streams, organization, sizeof(*open));
    *open += 1;
    controller->limits->summed = false;
    return PT_OK;
}

void pt_limits_close_stream(struct pt_controller *controller, const struct pt_caller *caller)
{
    char organization[PT_NAME_SIZE_MAX + 1];
    organization_of(caller, organization);
    uint64_t *open = pt_map_get_str(&controller->limits->streams, organization);
    if (organization[0] != '\0' && open != NULL && --*open == 0) {
        free(pt_map_remove_str(&controller->limits->streams, organization));
    }
    controller->limits->summed = false;
}

/* ---- usage ---------------------------------------------------------------------------------------------------- */

uint64_t pt_limits_usage(const struct pt_controller *controller, const char *organization, enum pt_quota metric)
{
    if (metric == PT_QUOTA_STREAMS) {
        return open_below(controller, organization);
    }
    const struct rate *rate =
        metric == PT_QUOTA_REQUESTS ? pt_map_get_str(&controller->limits->requests, organization) : NULL;
    uint64_t second = pt_sys_now_ns(controller->sys) / SECOND_NS;
    return rate == NULL ? 0 : rate->second == second ? rate->before : rate->second + 1 == second ? rate->now : 0;
}
