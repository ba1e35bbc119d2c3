/*
 * Does each path keep what profiles ask? Judged here, on the thread that measures, so that steering goes on when the
 * agent is replaced and no controller is in reach: a judgement that changes is one word in the data plane.
 *
 * States belong to the session and profile number; a configuration keeps those of numbers that stay. Cost: a judgement
 * looks at three windows for each profile; of 2,000 paths with four profiles, at most every JUDGE_NS, that is some 5 %
 * of a processor. A path in use that just got late or lost something is judged at each measurement instead: when it is
 * a brownout, what decides is then never older than a probe.
 */
#include "base/assert.h"
#include "tunnel/live_priv.h"

#include <stdlib.h>
#include <string.h>

#define JUDGE_NS 90000000ULL /* less than two intervals of 50 ms, whatever their jitter */

/* What the agent told of a profile; NULL: it was not told of the number. */
static const struct pt_live_sla *find_sla(const struct pt_live *live, uint32_t number)
{
    for (size_t i = 0; i < live->slas_len; i++) {
        if (live->slas[i].number == number) {
            return &live->slas[i];
        }
    }
    return NULL;
}

static void publish(struct pt_live *live, struct pt_live_session *s, bool always)
{
    struct pt_live_quality *q = s->quality;
    uint64_t breaks = 0, held = 0;
    for (size_t i = 0; i < live->slas_len; i++) {
        uint32_t number = live->slas[i].number;
        breaks |= q->states[number].state == PT_SLA_BREAKS ? 1ULL << number : 0;
        held |= q->states[number].state != PT_SLA_KEEPS ? 1ULL << number : 0;
    }
    if (always || breaks != q->breaks || held != q->held) {
        q->breaks = breaks;
        q->held = held;
        if (live->options.set_sla != NULL) {
            live->options.set_sla(live->options.arg, s->slot, breaks, held);
        }
    }
}

struct pt_live_quality *pt_live_quality_new(uint64_t now_ns)
{
    struct pt_live_quality *q = calloc(1, sizeof(*q));
    pt_assert(q != NULL);
    pt_window_init(&q->window, now_ns / 1000000);
    return q;
}

static struct pt_sla_values values_of(struct pt_live_quality *q, uint32_t window_ms, uint64_t now_ms)
{
    struct pt_window_values v;
    pt_window_read(&q->window, window_ms, now_ms, &v);
    return (struct pt_sla_values){.packets = v.packets,
                                  .lost = v.lost,
                                  .probes = v.probes,
                                  .rtt_us = v.rtt_us,
                                  .rtt_us_min = v.rtt_us_min,
                                  .jitter_us = v.jitter_us,
                                  .mos_milli = v.mos_100 * 10};
}

/* Something is wrong with a path that is well by the rules: what breaks it may be the next measurement. */
static bool in_doubt(const struct pt_sla *state, const struct pt_sla_profile *profile, const struct pt_sla_values *fast)
{
    return state->state == PT_SLA_KEEPS &&
           ((profile->bounds_loss && fast->lost > 0) || (profile->bounds_rtt && fast->rtt_us > profile->rtt_us_max));
}

void pt_live_judge(struct pt_live *live, struct pt_live_session *s, uint64_t now_ns)
{
    struct pt_live_quality *q = s->quality;
    uint64_t now_ms = now_ns / 1000000;
    if (live->slas_len == 0 || (!q->in_doubt && now_ns - q->judged_ns < JUDGE_NS)) {
        return;
    }
    q->judged_ns = now_ns;
    q->in_doubt = false;
    for (size_t i = 0; i < live->slas_len; i++) {
        const struct pt_sla_profile *profile = &live->slas[i].profile;
        const struct pt_sla_measured measured = {.fast = values_of(q, profile->fast_down_ms, now_ms),
                                                 .window = values_of(q, profile->window_ms, now_ms),
                                                 .wide = values_of(q, pt_sla_window_ms(profile), now_ms)};
        struct pt_sla *state = &q->states[live->slas[i].number];
        (void)pt_sla_judge(state, profile, &measured, now_ms);
        q->in_doubt = q->in_doubt || in_doubt(state, profile, &measured.fast);
    }
    publish(live, s, false);
}

void pt_live_judge_dead(struct pt_live *live, struct pt_live_session *s, uint64_t now_ns)
{
    for (size_t i = 0; i < live->slas_len; i++) {
        (void)pt_sla_dead(&s->quality->states[live->slas[i].number], &live->slas[i].profile, now_ns / 1000000);
    }
    publish(live, s, false);
}

void pt_live_put_slas(struct pt_live *live, const struct pt_live_config *config)
{
    bool gone[PT_SLA_PROFILES_MAX];
    for (uint32_t number = 0; number < PT_SLA_PROFILES_MAX; number++) {
        gone[number] = find_sla(live, number) != NULL;
    }
    live->slas_len = 0;
    for (size_t i = 0; i < config->slas_len && live->slas_len < PT_SLA_PROFILES_MAX; i++) {
        const struct pt_live_sla *sla = &config->slas[i];
        if (sla->number < PT_SLA_PROFILES_MAX && find_sla(live, sla->number) == NULL) {
            live->slas[live->slas_len++] = *sla;
            gone[sla->number] = false;
        }
    }
    PT_MAP_FOREACH (entry, &live->owners) {
        struct pt_live_session *s = entry->value;
        for (uint32_t number = 0; number < PT_SLA_PROFILES_MAX && s->quality != NULL; number++) {
            if (gone[number]) {
                s->quality->states[number] = (struct pt_sla){0};
            }
        }
    }
}

void pt_live_publish_slas(struct pt_live *live)
{
    PT_MAP_FOREACH (entry, &live->owners) {
        struct pt_live_session *s = entry->value;
        if (s->quality != NULL) {
            publish(live, s, true);
        }
    }
}
