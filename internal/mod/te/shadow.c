/*
 * Rules that never decide.
 *
 * A line of the data plane is a box: ranges of ports and destinations, sets of protocols, DSCPs and sites. What earlier
 * lines of the segment leave of it is found by cutting them out, one after the other: a cut leaves at most two pieces
 * for a range and one for a set, which do not overlap. A rule is shadowed when nothing is left of any of its lines; so
 * earlier rules that only together cover it are found too.
 *
 *      +--------------------+      the line; an earlier one takes the middle:
 *      |  A  |  taken  | B  |      A and B are cut off first, by ports; C is what remains above it,
 *      |     |---------|    |      by the next dimension
 *      |     |    C    |    |
 *      +--------------------+
 *
 * Who and when are no dimensions: an earlier line counts only when it holds for everybody, or everybody that the later
 * one names, and at every minute of the week of the later one. And at most PIECES_MAX pieces are followed. Where that
 * is too coarse a shadowed rule is not found; what is found is certain.
 *
 * A rule without any line is unreachable by itself: its prefixes or DSCPs and its applications' contradict each other.
 */
#include "mod/te/simulate.h"

#include "mod/te/steer.h"

#include <stdlib.h>
#include <string.h>

#define PROTOCOL_ANY 256U
#define PORT_NONE 65536U /* of packets that have none: later fragments, and protocols without */
#define PIECES_MAX 512
#define NAMES_MAX 63 /* sites that have a bit; one more is for all others */
#define WEEK_MINUTES 10080
#define WEEK_WORDS ((WEEK_MINUTES + 63) / 64)

struct box {
    uint64_t protocols[4], dscps, sites;
    uint32_t port_first, port_last;
    struct pt_ip first, last;
};

struct pieces {
    struct box *boxes;
    size_t len;
    bool overflow;
};

struct search {
    struct pt_arena *arena;
    const struct te_segment_rules *rules;
    const char *names[NAMES_MAX]; /* of sites */
    size_t names_len;
    struct pieces now, next;
    const char *only; /* policy that must be part of what is told; NULL: any */
    Patronus__V1__FindShadowedRulesResponse *response;
};

/* ---- who and when --------------------------------------------------------------------------------------------- */

static bool lists(const struct pt_msg_field *field, const char *text)
{
    for (size_t i = 0; field != NULL && i < field->len; i++) {
        if (strcmp((const char *)field->values[i].bytes.data, text) == 0) {
            return true;
        }
    }
    return false;
}

/* Every text of `inner` is in `outer`. */
static bool all_in(const struct pt_msg_field *outer, const struct pt_msg_field *inner)
{
    for (size_t i = 0; inner != NULL && i < inner->len; i++) {
        if (!lists(outer, (const char *)inner->values[i].bytes.data)) {
            return false;
        }
    }
    return true;
}

/* Users and groups together say who: an earlier rule holds the later one's when each is named there too. */
static bool subjects_hold(const struct pt_msg *outer, const struct pt_msg *inner)
{
    bool anybody = !pt_msg_has(outer, "users") && !pt_msg_has(outer, "groups");
    bool somebody = pt_msg_has(inner, "users") || pt_msg_has(inner, "groups");
    return anybody || (somebody && all_in(pt_msg_field(outer, "users"), pt_msg_field(inner, "users")) &&
                       all_in(pt_msg_field(outer, "groups"), pt_msg_field(inner, "groups")));
}

static void add_week(const Patronus__V1__RuleEntry *entry, uint64_t week[WEEK_WORDS])
{
    for (size_t i = 0; i < entry->n_windows; i++) {
        const Patronus__V1__RuleWindow *window = entry->windows[i];
        for (int day = 0; day < 7; day++) {
            int first = day * 1440 + (int)window->first_minute - window->utc_offset_minutes + WEEK_MINUTES;
            for (int m = 0; (window->days >> day & 1) != 0 && m < (int)window->minutes; m++) {
                int minute = (first + m) % WEEK_MINUTES;
                week[minute / 64] |= 1ULL << (minute % 64);
            }
        }
    }
}

static bool windows_hold(const Patronus__V1__RuleEntry *outer, const Patronus__V1__RuleEntry *inner)
{
    uint64_t a[WEEK_WORDS] = {0}, b[WEEK_WORDS] = {0}, missing = 0;
    if (outer->n_windows == 0) {
        return true;
    }
    add_week(outer, a);
    add_week(inner, b);
    for (int minute = 0; inner->n_windows == 0 && minute < WEEK_MINUTES; minute++) {
        b[minute / 64] |= 1ULL << (minute % 64);
    }
    for (size_t i = 0; i < WEEK_WORDS; i++) {
        missing |= b[i] & ~a[i];
    }
    return missing == 0;
}

/* ---- boxes ---------------------------------------------------------------------------------------------------- */

/* Bits of the sites that a rule is for. One without a bit is among the others: right for what is cut, and for what
 * cuts (`exact`) the rule does not count there. */
static uint64_t sites_of(struct search *search, const struct pt_msg *rule, bool exact)
{
    const struct pt_msg_field *sites = pt_msg_field(rule, "sites");
    uint64_t bits = sites == NULL ? UINT64_MAX : 0;
    for (size_t i = 0; sites != NULL && i < sites->len; i++) {
        const char *name = (const char *)sites->values[i].bytes.data;
        size_t at = 0;
        while (at < search->names_len && strcmp(search->names[at], name) != 0) {
            at++;
        }
        if (at == search->names_len && at < NAMES_MAX) {
            search->names[search->names_len++] = name;
        }
        bits |= at < NAMES_MAX || !exact ? 1ULL << at : 0;
    }
    return bits;
}

/* The last address of a prefix: its host bits set. */
static struct pt_ip last_of(const struct pt_ip *first, size_t bits)
{
    struct pt_ip last = *first;
    for (size_t i = bits; i < 128; i++) {
        last.bytes[i / 8] |= (uint8_t)(0x80 >> (i % 8));
    }
    return last;
}

static struct box box_of(struct search *search, const struct te_rule *rule, bool exact)
{
    const Patronus__V1__RuleEntry *entry = &rule->entry;
    bool any_port = entry->port_first == 0 && entry->port_last == 65535;
    struct box box = {.dscps = entry->dscp_mask,
                      .sites = sites_of(search, rule->rule, exact),
                      .port_first = entry->port_first,
                      .port_last = any_port ? PORT_NONE : entry->port_last};
    if (entry->protocol == PROTOCOL_ANY) {
        memset(box.protocols, 0xff, sizeof(box.protocols));
    } else {
        box.protocols[entry->protocol / 64 & 3] = 1ULL << (entry->protocol % 64);
    }
    size_t bits = 0;
    if (entry->prefix.len == sizeof(box.first.bytes)) {
        memcpy(box.first.bytes, entry->prefix.data, sizeof(box.first.bytes));
        bits = entry->prefix_len + (pt_ip_is_v4(&box.first) ? 96 : 0);
    }
    box.last = last_of(&box.first, bits);
    return box;
}

static int compare(const struct pt_ip *a, const struct pt_ip *b)
{
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

/* The address after (by 1) or before (by -1): of one that has such. */
static struct pt_ip beside(struct pt_ip ip, int by)
{
    int carry = by;
    for (size_t i = sizeof(ip.bytes); i-- > 0 && carry != 0;) {
        int sum = ip.bytes[i] + carry;
        ip.bytes[i] = (uint8_t)sum;
        carry = sum < 0 ? -1 : sum > 255 ? 1 : 0;
    }
    return ip;
}

static bool meet(const struct box *a, const struct box *b)
{
    uint64_t protocols = 0;
    for (size_t i = 0; i < 4; i++) {
        protocols |= a->protocols[i] & b->protocols[i];
    }
    return protocols != 0 && (a->dscps & b->dscps) != 0 && (a->sites & b->sites) != 0 &&
           a->port_first <= b->port_last && b->port_first <= a->port_last && compare(&a->first, &b->last) <= 0 &&
           compare(&b->first, &a->last) <= 0;
}

static void keep(struct pieces *pieces, const struct box *box)
{
    pieces->overflow = pieces->overflow || pieces->len == PIECES_MAX;
    if (!pieces->overflow) {
        pieces->boxes[pieces->len++] = *box;
    }
}

static void cut_ranges(struct pieces *rest, struct box *box, const struct box *hole)
{
    if (box->port_first < hole->port_first) {
        struct box piece = *box;
        piece.port_last = hole->port_first - 1;
        keep(rest, &piece);
        box->port_first = hole->port_first;
    }
    if (box->port_last > hole->port_last) {
        struct box piece = *box;
        piece.port_first = hole->port_last + 1;
        keep(rest, &piece);
        box->port_last = hole->port_last;
    }
    if (compare(&box->first, &hole->first) < 0) {
        struct box piece = *box;
        piece.last = beside(hole->first, -1);
        keep(rest, &piece);
        box->first = hole->first;
    }
    if (compare(&box->last, &hole->last) > 0) {
        struct box piece = *box;
        piece.first = beside(hole->last, 1);
        keep(rest, &piece);
        box->last = hole->last;
    }
}

/* What is in `box` and not in `hole`, which meet. */
static void cut(struct pieces *rest, struct box box, const struct box *hole)
{
    cut_ranges(rest, &box, hole);
    struct box piece = box;
    uint64_t left = 0;
    for (size_t i = 0; i < 4; i++) {
        piece.protocols[i] &= ~hole->protocols[i];
        left |= piece.protocols[i];
        box.protocols[i] &= hole->protocols[i];
    }
    if (left != 0) {
        keep(rest, &piece);
    }
    if ((box.dscps & ~hole->dscps) != 0) {
        piece = box;
        piece.dscps &= ~hole->dscps;
        keep(rest, &piece);
        box.dscps &= hole->dscps;
    }
    if ((box.sites & ~hole->sites) != 0) {
        piece = box;
        piece.sites &= ~hole->sites;
        keep(rest, &piece);
    }
}

/* ---- the search ----------------------------------------------------------------------------------------------- */

static bool same_rule(const struct te_rule *a, const struct te_rule *b)
{
    return a->policy != NULL && b->policy != NULL && a->index == b->index && strcmp(a->policy, b->policy) == 0;
}

/* Cut the box of an earlier line out of what is left. True when that took something. */
static bool take(struct search *search, const struct box *hole)
{
    bool took = false;
    search->next.len = 0;
    search->next.overflow = search->now.overflow;
    for (size_t i = 0; i < search->now.len; i++) {
        if (meet(&search->now.boxes[i], hole)) {
            cut(&search->next, search->now.boxes[i], hole);
            took = true;
        } else {
            keep(&search->next, &search->now.boxes[i]);
        }
    }
    const struct pieces now = search->now;
    search->now = search->next;
    search->next = now;
    return took;
}

static bool contains(const struct box *outer, const struct box *inner)
{
    uint64_t missing = (inner->dscps & ~outer->dscps) | (inner->sites & ~outer->sites);
    for (size_t i = 0; i < 4; i++) {
        missing |= inner->protocols[i] & ~outer->protocols[i];
    }
    return missing == 0 && outer->port_first <= inner->port_first && outer->port_last >= inner->port_last &&
           compare(&outer->first, &inner->first) <= 0 && compare(&outer->last, &inner->last) >= 0;
}

/* A line for one application takes packets from lines for that application only. */
static bool applications_hold(const Patronus__V1__RuleEntry *outer, const Patronus__V1__RuleEntry *inner)
{
    return outer->n_applications == 0 || (inner->n_applications == 1 && outer->n_applications == 1 &&
                                          outer->applications[0] == inner->applications[0]);
}

/* May the earlier line keep packets from the later one at all? */
static bool counts(const struct te_rule *earlier, const struct te_rule *line)
{
    return earlier->rule != NULL && !same_rule(earlier, line) && subjects_hold(earlier->rule, line->rule) &&
           windows_hold(&earlier->entry, &line->entry) && applications_hold(&earlier->entry, &line->entry);
}

/* Do earlier lines of other rules leave nothing of a line? *by is the one that takes it all alone, or else the first of
 * those that took something. */
static bool covered(struct search *search, size_t at, const struct te_rule **by, bool *alone)
{
    const struct te_segment_rules *rules = search->rules;
    const struct te_rule *line = &rules->rules[at];
    const struct box whole = box_of(search, line, false);
    search->now.len = 0;
    search->now.overflow = false;
    keep(&search->now, &whole);
    *by = NULL;
    for (size_t i = 0; i < at; i++) {
        const struct te_rule *earlier = &rules->rules[i];
        if (!counts(earlier, line)) {
            continue;
        }
        const struct box hole = box_of(search, earlier, true);
        if (contains(&hole, &whole)) {
            *by = earlier;
            *alone = true;
            return true;
        }
        if (search->now.len > 0 && !search->now.overflow && take(search, &hole)) {
            *by = *by == NULL ? earlier : *by;
        }
    }
    return search->now.len == 0 && !search->now.overflow;
}

static void add(struct search *search, const char *policy, size_t index, const struct te_rule *by, const char *reason)
{
    bool of_it = search->only == NULL || strcmp(search->only, policy) == 0 ||
                 (by != NULL && strcmp(search->only, by->policy) == 0);
    if (!of_it) {
        return;
    }
    Patronus__V1__ShadowedRule *rule = PT_NEW(search->arena, Patronus__V1__ShadowedRule);
    patronus__v1__shadowed_rule__init(rule);
    rule->steering_policy = (char *)(uintptr_t)policy;
    rule->rule = (uint32_t)index;
    rule->by_steering_policy = by != NULL ? (char *)(uintptr_t)by->policy : rule->by_steering_policy;
    rule->by_rule = by != NULL ? (uint32_t)by->index : 0;
    rule->reason = (char *)(uintptr_t)reason;
    search->response->rules[search->response->n_rules++] = rule;
}

static void make_room(struct search *search)
{
    Patronus__V1__FindShadowedRulesResponse *response = search->response;
    size_t more = search->rules->rules_len + search->rules->empty_len;
    Patronus__V1__ShadowedRule **rules = pt_arena_array(search->arena, response->n_rules + more, sizeof(*rules));
    for (size_t i = 0; i < response->n_rules; i++) {
        rules[i] = response->rules[i];
    }
    response->rules = rules;
}

static void search_segment(struct search *search, const struct te_segment_rules *rules)
{
    search->rules = rules;
    search->names_len = 0;
    make_room(search);
    for (size_t i = 0; i < rules->rules_len;) {
        const struct te_rule *first = &rules->rules[i], *by = NULL;
        bool never = true, together = false;
        for (; i < rules->rules_len && (&rules->rules[i] == first || same_rule(first, &rules->rules[i])); i++) {
            const struct te_rule *shadow = NULL;
            bool alone = false;
            never = never && first->rule != NULL && covered(search, i, &shadow, &alone);
            together = together || !alone || (by != NULL && shadow != NULL && !same_rule(by, shadow));
            by = by == NULL ? shadow : by;
        }
        if (never) {
            add(search, first->policy, first->index, by,
                together ? "earlier rules together match every packet that it matches; this is the first of them"
                         : "an earlier rule matches every packet that it matches");
        }
    }
    for (size_t i = 0; i < rules->empty_len; i++) {
        add(search, rules->empty[i].policy, rules->empty[i].index, NULL,
            "it matches nothing: its prefixes or DSCPs and those of its applications contradict each other");
    }
}

static void search_init(struct search *search, struct pt_arena *arena)
{
    *search = (struct search){.arena = arena, .response = PT_NEW(arena, Patronus__V1__FindShadowedRulesResponse)};
    patronus__v1__find_shadowed_rules_response__init(search->response);
    search->now.boxes = pt_arena_array(arena, PIECES_MAX, sizeof(struct box));
    search->next.boxes = pt_arena_array(arena, PIECES_MAX, sizeof(struct box));
}

void te_shadowed(const struct pt_plan_pass *pass, const char *organization, struct pt_arena *arena,
                 Patronus__V1__FindShadowedRulesResponse **ret_response)
{
    const struct te_topology *topology = pt_map_get_str(&pass->sections, "topology");
    const struct te_steer *steer = pt_map_get_str(&pass->sections, "steer");
    struct search search;
    search_init(&search, arena);
    for (size_t i = 0; i < topology->segments_len; i++) {
        if (strcmp(topology->segments[i].organization, organization) == 0) {
            search_segment(&search, &steer->segments[i]);
        }
    }
    *ret_response = search.response;
}

enum pt_code te_shadowed_with(struct pt_view *view, const struct pt_msg *policy, struct pt_arena *arena,
                              Patronus__V1__FindShadowedRulesResponse **ret_response, struct pt_error *reterr)
{
    struct te_segment_rules rules;
    struct search search;
    PT_TRY(te_steer_segment(view, policy, arena, &rules, reterr));
    search_init(&search, arena);
    search.only = pt_msg_str(policy, "name");
    search_segment(&search, &rules);
    *ret_response = search.response;
    return PT_OK;
}
