/*
 * Does a path keep what an SLA profile asks? One small state machine for each path and profile. Pure: what was measured
 * and the time go in.
 *
 *    KEEPS --a bound is broken--> BREAKS --all bounds kept for one window--> RETURNS --slow-up, dampening--> KEEPS
 *                                   ^                                           |
 *                                   '------------------ broken -----------------'
 *
 *  - Fast down: a bound that the whole of a short window breaks counts at once; else the evaluation window decides.
 *  - Slow up: after all bounds were kept for slow_up without a break.
 *  - Hysteresis: a path that was bad is good again only PT_SLA_HYSTERESIS_PERCENT inside its bounds.
 *  - Dampening (the idea of RFC 2439): each break adds PT_SLA_PENALTY, which halves each half-life. A path whose
 *    penalty was above PT_SLA_SUPPRESS at a break is not back before it is below PT_SLA_REUSE.
 *
 * From these numbers follows, whatever the path does: breaks out of KEEPS are at least two half-lives apart, but for
 * one second chance after five half-lives of peace. With the default of a minute that is less than one move of traffic
 * a minute in the long run.
 *
 * Nothing known is nothing against a path: without measurements a state stays as it is, and the first is KEEPS.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PT_SLA_PROFILES_MAX 64 /* of a node: their numbers are bits of a word */
#define PT_SLA_WINDOW_MS 1000
#define PT_SLA_WINDOW_MS_MIN 200
#define PT_SLA_WINDOW_MS_MAX 10000
#define PT_SLA_FAST_DOWN_MS 300
#define PT_SLA_FAST_DOWN_MS_MIN 100
#define PT_SLA_SLOW_UP_MS 10000
#define PT_SLA_SLOW_UP_MS_MAX 3600000
#define PT_SLA_HALF_LIFE_MS 60000
#define PT_SLA_HALF_LIFE_MS_MAX 3600000
#define PT_SLA_HYSTERESIS_PERCENT 10
#define PT_SLA_PENALTY 1000.0
#define PT_SLA_PENALTY_MAX 2400.0 /* three half-lives above PT_SLA_REUSE: what one bad hour can cost afterwards */
#define PT_SLA_SUPPRESS 1030.0
#define PT_SLA_REUSE 300.0

/* Evidence: fewer are chance. */
#define PT_SLA_LOST_MIN 3      /* packets, for the evaluation window */
#define PT_SLA_LOST_MIN_FAST 5 /* for fast down, where the bound must be broken twice over besides */
#define PT_SLA_DEVIATIONS 2.0  /* that losses must lie above what the bound allows */
#define PT_SLA_PROBES_MIN 3    /* for anything about delay */

struct pt_sla_profile {
    bool bounds_loss, bounds_rtt, bounds_jitter, bounds_mos; /* a bound of 0 is a bound */
    uint32_t loss_ppm_max, rtt_us_max, jitter_us_max, mos_milli_min;
    uint32_t window_ms, fast_down_ms, slow_up_ms;
    uint32_t half_life_ms; /* 0: no dampening */
};
/* No bounds, times as above. */
void pt_sla_profile_init(struct pt_sla_profile *profile);
/* Times from elsewhere into their bounds. */
void pt_sla_profile_clamp(struct pt_sla_profile *profile);
/* Longest window that measurements are needed for. */
uint32_t pt_sla_window_ms(const struct pt_sla_profile *profile);

/* What was measured in a window; loss and jitter of the worse direction. */
struct pt_sla_values {
    uint32_t packets, lost;
    uint32_t probes; /* round trips */
    uint32_t rtt_us, rtt_us_min;
    uint32_t jitter_us;
    uint32_t mos_milli;
};

struct pt_sla_measured {
    struct pt_sla_values fast, window; /* of fast_down_ms and window_ms */
    struct pt_sla_values wide;         /* of PT_SLA_WIDE windows: few packets need longer to tell */
};
#define PT_SLA_WIDE 5

enum pt_sla_state { PT_SLA_KEEPS, PT_SLA_BREAKS, PT_SLA_RETURNS };

/* Which bounds; for people. */
#define PT_SLA_WHY_LOSS 1U
#define PT_SLA_WHY_RTT 2U
#define PT_SLA_WHY_JITTER 4U
#define PT_SLA_WHY_MOS 8U
#define PT_SLA_WHY_DEAD 16U

struct pt_sla { /* zeroed is the start */
    enum pt_sla_state state;
    uint32_t why;     /* the newest break */
    uint64_t good_ms; /* since when all bounds are kept; when state is not KEEPS */
    bool is_good;     /* good_ms counts */
    uint64_t well_ms; /* good_ms of the newest return: the wide window may reach back to what was before */
    bool suppressed;  /* until the penalty is below PT_SLA_REUSE */
    double penalty;   /* at penalty_ms */
    uint64_t penalty_ms;
    uint64_t breaks, returns; /* moves of traffic away, and back */
};

/* Judge anew; returns whether the state changed. Time never goes back (a value that does counts as no time). */
bool pt_sla_judge(struct pt_sla *sla, const struct pt_sla_profile *profile, const struct pt_sla_measured *measured,
                  uint64_t now_ms);
/* The path is dead by other means: as a break of every bound. */
bool pt_sla_dead(struct pt_sla *sla, const struct pt_sla_profile *profile, uint64_t now_ms);
/* The penalty as of now. */
double pt_sla_penalty(const struct pt_sla *sla, const struct pt_sla_profile *profile, uint64_t now_ms);
/* "loss, delay": which bounds; "" for none. */
#define PT_SLA_WHY_TEXT_SIZE 48
const char *pt_sla_why_text(uint32_t why, char out[PT_SLA_WHY_TEXT_SIZE]);
