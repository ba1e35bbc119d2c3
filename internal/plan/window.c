/*
 * Windows repeat each week, so everything is counted in minutes of the week from Monday 00:00 by the window's own
 * offset from UTC. A window that begins on Sunday evening may end on Monday: differences are taken round the week.
 */
#include "plan/window.h"

#define DAY_MINUTES 1440
#define WEEK_MINUTES (7 * DAY_MINUTES)
#define EPOCH_DAY 3 /* 1970-01-01 was a Thursday; Monday is 0 */
#define OFFSET_MAX DAY_MINUTES

static int64_t modulo(int64_t value, int64_t by)
{
    int64_t rest = value % by;
    return rest < 0 ? rest + by : rest;
}

bool pt_plan_rule_in_time(const Patronus__V1__RuleEntry *rule, int64_t wall_s, int64_t *due_s)
{
    int64_t minute = (wall_s - modulo(wall_s, 60)) / 60;
    bool in = rule->n_windows == 0;
    for (size_t i = 0; i < rule->n_windows; i++) {
        const Patronus__V1__RuleWindow *window = rule->windows[i];
        bool sound = window->first_minute < DAY_MINUTES && window->minutes >= 1 && window->minutes <= DAY_MINUTES &&
                     window->utc_offset_minutes >= -OFFSET_MAX && window->utc_offset_minutes <= OFFSET_MAX;
        int64_t now = modulo(minute + window->utc_offset_minutes + (int64_t)EPOCH_DAY * DAY_MINUTES, WEEK_MINUTES);
        for (unsigned day = 0; sound && day < 7; day++) {
            if ((window->days >> day & 1) == 0) {
                continue;
            }
            int64_t since = modulo(now - (int64_t)day * DAY_MINUTES - window->first_minute, WEEK_MINUTES);
            bool inside = since < window->minutes;
            int64_t change = inside ? window->minutes - since : WEEK_MINUTES - since;
            int64_t change_s = (minute + change) * 60;
            in = in || inside;
            *due_s = change_s < *due_s ? change_s : *due_s;
        }
    }
    return in;
}
