/*
 * The judgement.
 *
 * Two questions are asked of each bound, of different strictness. "Is it broken?" wants evidence: enough lost packets
 * that it is not chance, a round trip that is long in the middle of the window and not at its edge. "Is it kept?" wants
 * the bound kept with something to spare. Between the two lies the hysteresis: there a state stays what it is, only a
 * path that is returning must wait on.
 *
 * Loss is the difficult one. Twenty probes a second cannot tell 2 % from 5 % in a second, so an idle path is judged
 * over several windows, while one with traffic, whose packets count too, is judged within the window.
 */
#include "sla/sla.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void pt_sla_profile_init(struct pt_sla_profile *profile)
{
    *profile = (struct pt_sla_profile){.window_ms = PT_SLA_WINDOW_MS,
                                       .fast_down_ms = PT_SLA_FAST_DOWN_MS,
                                       .slow_up_ms = PT_SLA_SLOW_UP_MS,
                                       .half_life_ms = PT_SLA_HALF_LIFE_MS};
}

static uint32_t within(uint32_t value, uint32_t min, uint32_t max)
{
    return value < min ? min : value > max ? max : value;
}

void pt_sla_profile_clamp(struct pt_sla_profile *profile)
{
    profile->window_ms = within(profile->window_ms, PT_SLA_WINDOW_MS_MIN, PT_SLA_WINDOW_MS_MAX);
    profile->fast_down_ms = within(profile->fast_down_ms, PT_SLA_FAST_DOWN_MS_MIN, PT_SLA_WINDOW_MS_MAX);
    profile->slow_up_ms = within(profile->slow_up_ms, 0, PT_SLA_SLOW_UP_MS_MAX);
    profile->half_life_ms = within(profile->half_life_ms, 0, PT_SLA_HALF_LIFE_MS_MAX);
}

uint32_t pt_sla_window_ms(const struct pt_sla_profile *profile)
{
    uint64_t wide_ms = (uint64_t)profile->window_ms * PT_SLA_WIDE;
    return wide_ms < PT_SLA_WINDOW_MS_MAX ? (uint32_t)wide_ms : PT_SLA_WINDOW_MS_MAX;
}

/* ---- bounds --------------------------------------------------------------------------------------------------- */

/* More was lost than times x the bound allows, by more than chance (the deviation of a Poisson count). */
static bool lost_more(const struct pt_sla_values *v, uint32_t bound_ppm, uint32_t times, uint32_t least_lost)
{
    double allowed = (double)v->packets * bound_ppm * times / 1e6;
    return v->lost >= least_lost && v->lost > allowed + PT_SLA_DEVIATIONS * sqrt(allowed);
}

/* remembers: the wide window reaches back to before the path came back, and says nothing of now. */
static uint32_t broken_bounds(const struct pt_sla_profile *p, const struct pt_sla_measured *m, bool remembers)
{
    uint32_t why = 0;
    const struct pt_sla_values *w = &m->window, *f = &m->fast;
    bool fast_delay = f->probes >= PT_SLA_PROBES_MIN, delay = w->probes >= PT_SLA_PROBES_MIN;
    if (p->bounds_loss &&
        (lost_more(f, p->loss_ppm_max, 2, PT_SLA_LOST_MIN_FAST) || lost_more(w, p->loss_ppm_max, 1, PT_SLA_LOST_MIN) ||
         (!remembers && lost_more(&m->wide, p->loss_ppm_max, 1, PT_SLA_LOST_MIN)))) {
        why |= PT_SLA_WHY_LOSS;
    }
    if (p->bounds_rtt && ((fast_delay && f->rtt_us_min > p->rtt_us_max) || (delay && w->rtt_us > p->rtt_us_max))) {
        why |= PT_SLA_WHY_RTT;
    }
    if (p->bounds_jitter && delay && w->jitter_us > p->jitter_us_max) {
        why |= PT_SLA_WHY_JITTER;
    }
    if (p->bounds_mos && delay && w->mos_milli < p->mos_milli_min) {
        why |= PT_SLA_WHY_MOS;
    }
    return why;
}

static bool well_below(uint64_t value, uint64_t bound)
{
    return value * 100 <= bound * (100 - PT_SLA_HYSTERESIS_PERCENT);
}

/* Every bound is kept with something to spare, and there is enough to know. */
static bool all_kept(const struct pt_sla_profile *p, const struct pt_sla_measured *m)
{
    const struct pt_sla_values *w = &m->window;
    if (w->probes < PT_SLA_PROBES_MIN) {
        return false;
    }
    bool loss =
        w->lost == 0 || w->packets == 0 || well_below((uint64_t)w->lost * 1000000 / w->packets, p->loss_ppm_max);
    /* Of the way from the worst score to the best; a bound at the very top could not be passed. */
    uint64_t spare = (uint64_t)(p->mos_milli_min < 4400 ? (4400 - p->mos_milli_min) / PT_SLA_HYSTERESIS_PERCENT : 0);
    return (!p->bounds_loss || loss) && (!p->bounds_rtt || well_below(w->rtt_us, p->rtt_us_max)) &&
           (!p->bounds_jitter || well_below(w->jitter_us, p->jitter_us_max)) &&
           (!p->bounds_mos || w->mos_milli >= p->mos_milli_min + spare);
}

/* ---- dampening ------------------------------------------------------------------------------------------------ */

double pt_sla_penalty(const struct pt_sla *sla, const struct pt_sla_profile *profile, uint64_t now_ms)
{
    if (profile->half_life_ms == 0) {
        return 0;
    }
    uint64_t passed_ms = now_ms > sla->penalty_ms ? now_ms - sla->penalty_ms : 0;
    return sla->penalty * exp2(-(double)passed_ms / profile->half_life_ms);
}

static bool to_breaks(struct pt_sla *sla, const struct pt_sla_profile *profile, uint32_t why, uint64_t now_ms)
{
    sla->is_good = false;
    sla->why = why;
    if (sla->state == PT_SLA_BREAKS) {
        return false;
    }
    double penalty = pt_sla_penalty(sla, profile, now_ms) + (profile->half_life_ms > 0 ? PT_SLA_PENALTY : 0);
    sla->penalty = penalty < PT_SLA_PENALTY_MAX ? penalty : PT_SLA_PENALTY_MAX;
    sla->penalty_ms = now_ms;
    sla->suppressed = sla->suppressed || sla->penalty > PT_SLA_SUPPRESS;
    sla->breaks += sla->state == PT_SLA_KEEPS ? 1 : 0;
    sla->state = PT_SLA_BREAKS;
    return true;
}

bool pt_sla_dead(struct pt_sla *sla, const struct pt_sla_profile *profile, uint64_t now_ms)
{
    return to_breaks(sla, profile, PT_SLA_WHY_DEAD, now_ms);
}

/* ---- judging -------------------------------------------------------------------------------------------------- */

/* A path that was bad: when may it come back? */
static bool advance(struct pt_sla *sla, const struct pt_sla_profile *profile, uint64_t now_ms)
{
    uint64_t good_ms = now_ms > sla->good_ms ? now_ms - sla->good_ms : 0;
    if (sla->state == PT_SLA_BREAKS && good_ms >= profile->window_ms) {
        sla->state = PT_SLA_RETURNS;
        return true;
    }
    if (sla->suppressed && pt_sla_penalty(sla, profile, now_ms) < PT_SLA_REUSE) {
        sla->suppressed = false;
    }
    if (sla->state == PT_SLA_RETURNS && !sla->suppressed && good_ms >= profile->slow_up_ms) {
        sla->state = PT_SLA_KEEPS;
        sla->why = 0;
        sla->is_good = false;
        sla->well_ms = sla->good_ms;
        sla->returns++;
        return true;
    }
    return false;
}

bool pt_sla_judge(struct pt_sla *sla, const struct pt_sla_profile *profile, const struct pt_sla_measured *measured,
                  uint64_t now_ms)
{
    bool remembers = sla->state == PT_SLA_KEEPS ? sla->returns > 0 && now_ms < sla->well_ms + pt_sla_window_ms(profile)
                                                : all_kept(profile, measured);
    uint32_t why = broken_bounds(profile, measured, remembers);
    if (why != 0) {
        return to_breaks(sla, profile, why, now_ms);
    }
    if (sla->state == PT_SLA_KEEPS) {
        return false;
    }
    if (!all_kept(profile, measured)) {
        /* Neither broken nor well kept. Who is nearly back waits as long as this lasts, and begins anew. */
        sla->is_good = false;
        return false;
    }
    if (!sla->is_good) {
        sla->is_good = true;
        sla->good_ms = now_ms;
    }
    return advance(sla, profile, now_ms);
}

const char *pt_sla_why_text(uint32_t why, char out[PT_SLA_WHY_TEXT_SIZE])
{
    static const char *const names[] = {"loss", "delay", "jitter", "mos", "dead"};
    size_t size = 0;
    out[0] = '\0';
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if ((why >> i & 1) != 0) {
            size += (size_t)snprintf(out + size, PT_SLA_WHY_TEXT_SIZE - size, "%s%s", size > 0 ? ", " : "", names[i]);
        }
    }
    return out;
}
