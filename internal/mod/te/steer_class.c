/*
 * What rules ask of paths.
 *
 * The order of a class's paths, best first: those that fit, those of the first fallback, of the second ..., the rest
 * (REQUIRE: no rest). AVOID has two ranks: the others, then those that fit. Within a rank the order is that of traffic
 * engineering. Paths that break the class's SLA profile come behind all of that (REQUIRE: not at all), which is the
 * node's business: it measures, and goes on when nobody computes classes any more.
 */
#include "mod/te/steer.h"

#include "base/assert.h"
#include "mod/te/te.h"
#include "patronus/v1/policy.pb-c.h"

#include <string.h>

/* Defaults of SlaProfile's times, as its fields' comments state them, milliseconds. */
#define WINDOW_MS 1000
#define FAST_DOWN_MS 300
#define SLOW_UP_MS 10000
#define HALF_LIFE_MS 60000
#define TIME_MS_MAX 3600000

/* ---- classes -------------------------------------------------------------------------------------------------- */

static bool asks_for_paths(const struct pt_msg *rule)
{
    return pt_msg_i64(rule, "preference") != PATRONUS__V1__PREFERENCE__AVAILABLE &&
           (pt_msg_has(rule, "transports") || pt_msg_has(rule, "underlays") || pt_msg_has(rule, "constraints"));
}

/* Equal for equal constraints. */
static void add_constraints(struct pt_buf *text, const struct pt_msg *constraints)
{
    PT_AUTO(buf) struct pt_buf bytes = {0};
    pt_msg_encode(constraints, &bytes);
    pt_buf_append_str(text, "|");
    for (size_t i = 0; i < bytes.size; i++) {
        pt_buf_printf(text, "%02x", bytes.data[i]);
    }
}

static void add_choice(struct pt_buf *text, const struct pt_msg *choice)
{
    static const char *const paths[] = {"transports", "underlays"};
    for (size_t i = 0; i < 2; i++) {
        pt_buf_append_str(text, "|");
        /* A field that is absent adds nothing; the paths exist in the schema. */
        enum pt_code code = pt_msg_text(choice, paths[i], text, NULL);
        pt_assert(code == PT_OK);
    }
}

static uint32_t move_of(const struct pt_msg *rule)
{
    int64_t mode = pt_msg_i64(rule, "move_mode");
    return mode > PATRONUS__V1__MOVE_MODE__NEW_ONLY ? (uint32_t)(mode - PATRONUS__V1__MOVE_MODE__NEW_ONLY) : 0;
}

uint32_t te_class_of(struct te_steer *steer, const struct te_topology *topology, size_t fabric,
                     const struct pt_msg *rule, struct pt_arena *arena)
{
    const struct pt_msg *constraints = rule != NULL ? pt_msg_child(rule, "constraints") : NULL;
    struct te_class class = {.fabric = fabric};
    struct pt_buf text = {0};
    pt_buf_printf(&text, "%zu", fabric);
    if (rule != NULL) {
        const char *sla = pt_msg_str(rule, "sla_profile");
        class.preference = (uint32_t)pt_msg_i64(rule, "preference");
        class.sla = sla[0] != '\0' ? sla : NULL;
        class.move = move_of(rule);
        pt_buf_printf(&text, "|%u|%u|%s", class.preference, class.move, sla);
        if (asks_for_paths(rule)) {
            const struct pt_msg_field *fallbacks = pt_msg_field(rule, "fallbacks");
            class.rule = rule;
            add_choice(&text, rule);
            for (size_t i = 0; fallbacks != NULL && i < fallbacks->len; i++) {
                add_choice(&text, fallbacks->values[i].message);
            }
            if (constraints != NULL) {
                add_constraints(&text, constraints);
            }
        } else if (class.sla == NULL) { /* asks for nothing: the fabric's default */
            class = (struct te_class){.fabric = fabric};
            pt_buf_reset(&text);
            pt_buf_printf(&text, "%zu", fabric);
        }
    }
    uint32_t index = 0;
    while (index < steer->classes_len && strcmp(steer->classes[index].signature, (const char *)text.data) != 0) {
        index++;
    }
    if (index == steer->classes_len) {
        class.signature = pt_arena_strdup(arena, (const char *)text.data);
        class.constraints =
            class.rule != NULL && constraints != NULL ? te_constraints_new(topology, constraints, arena) : NULL;
        steer->classes[steer->classes_len++] = class;
    }
    pt_buf_fini(&text);
    return index;
}

/* ---- ranks ---------------------------------------------------------------------------------------------------- */

static bool chosen(const struct pt_msg *choice, const struct te_link *link)
{
    const struct pt_msg_field *transports = pt_msg_field(choice, "transports");
    const struct pt_msg_field *underlays = pt_msg_field(choice, "underlays");
    bool transport = transports == NULL, underlay = underlays == NULL;
    for (size_t i = 0; transports != NULL && i < transports->len; i++) {
        transport = transport || (uint32_t)transports->values[i].i64 == link->transport;
    }
    for (size_t i = 0; underlays != NULL && i < underlays->len; i++) {
        underlay = underlay || strcmp((const char *)underlays->values[i].bytes.data, link->underlay) == 0;
    }
    return transport && underlay;
}

uint32_t te_class_rank(const struct te_class *class, const struct te_topology *topology, const struct te_path *path)
{
    if (class->rule == NULL) {
        return 0;
    }
    const struct te_link *link = &topology->links[topology->tunnels[path->tunnels[0]].local];
    bool fits = chosen(class->rule, link) &&
                (class->constraints == NULL || te_constraints_keep(class->constraints, topology, path));
    if (class->preference == PATRONUS__V1__PREFERENCE__AVOID) {
        return fits ? TE_RANK_STEP : 0;
    }
    const struct pt_msg_field *fallbacks = pt_msg_field(class->rule, "fallbacks");
    uint32_t rank = 0;
    for (size_t i = 0; !fits && fallbacks != NULL && i < fallbacks->len; i++) {
        rank += TE_RANK_STEP;
        fits = chosen(fallbacks->values[i].message, link);
    }
    if (fits) {
        return rank;
    }
    return class->preference == PATRONUS__V1__PREFERENCE__REQUIRE ? TE_RANK_NONE : rank + TE_RANK_STEP;
}

/* ---- paths of a group ----------------------------------------------------------------------------------------- */

struct te_constrained *te_class_search(const struct te_class *class, const struct te_topology *topology, size_t from)
{
    if (class->constraints == NULL || class->fabric >= topology->fabrics_len ||
        !topology->fabrics[class->fabric].member[from] ||
        (class->preference != PATRONUS__V1__PREFERENCE__REQUIRE &&
         class->preference != PATRONUS__V1__PREFERENCE__PREFER)) {
        return NULL;
    }
    const struct te_site *site = &topology->sites[from];
    bool *first = pt_arena_array(topology->arena, topology->links_len, sizeof(bool));
    for (size_t i = site->first_link; i < site->first_link + site->links_len; i++) {
        first[i] = chosen(class->rule, &topology->links[i]);
    }
    return te_constrained_new(topology, &topology->fabrics[class->fabric], class->constraints, from, first);
}

/* What a rule requires of every link holds while one is dead too: transit sites may not lead its packets over others.
 * Such a packet is dropped there until this site has noticed, and takes another path that keeps the constraints. */
static void make_strict(struct te_path *path, bool strict)
{
    path->strict = strict;
    path->id = strict ? te_strict_path(path->id) : path->id;
}

size_t te_class_paths(const struct te_class *class, const struct te_topology *topology, const struct te_pair *pair,
                      struct te_constrained *search, size_t to, struct te_path *ret_paths)
{
    struct te_pair own = {0};
    if (search != NULL) {
        (void)te_constrained_pair(search, to, &own);
    }
    memcpy(ret_paths, own.paths, own.len * sizeof(*ret_paths));
    size_t len = own.len;
    uint32_t behind = len > 0 ? own.paths[len - 1].tier + 1 : 0;
    for (size_t i = 0; i < pair->len && len < PT_GROUP_MEMBERS_MAX; i++) {
        uint32_t rank = te_class_rank(class, topology, &pair->paths[i]);
        if (rank != TE_RANK_NONE && !te_pair_holds(&own, pair->paths[i].id)) {
            uint32_t tier = pair->paths[i].tier + behind;
            ret_paths[len] = pair->paths[i];
            ret_paths[len++].tier = rank + (tier < TE_RANK_STEP ? tier : TE_RANK_STEP - 1);
        }
    }
    bool strict = class->constraints != NULL && class->preference == PATRONUS__V1__PREFERENCE__REQUIRE;
    for (size_t i = 0; i < len; i++) {
        bool keeps =
            strict && ret_paths[i].tunnels_len > 1 && te_constraints_keep(class->constraints, topology, &ret_paths[i]);
        make_strict(&ret_paths[i], keeps);
    }
    return len;
}

/* ---- profiles ------------------------------------------------------------------------------------------------- */

uint64_t te_sla_id(const char *profile)
{
    return te_tunnel_id(profile, "sla"); /* a hash like that of tunnels; 0 is nobody's */
}

static uint32_t duration_ms(const struct pt_msg *msg, const char *name, uint32_t otherwise, uint32_t least)
{
    const struct pt_msg *duration = pt_msg_child(msg, name);
    if (duration == NULL) {
        return otherwise;
    }
    int64_t seconds = pt_msg_i64(duration, "seconds"), nanos = pt_msg_i64(duration, "nanos");
    uint64_t ms = seconds < 0 || nanos < 0 ? 0 : (uint64_t)seconds * 1000 + (uint64_t)nanos / 1000000;
    return ms < least ? least : ms > TIME_MS_MAX ? TIME_MS_MAX : (uint32_t)ms;
}

static uint32_t bound(const struct pt_msg *msg, const char *name, uint32_t bit, uint32_t *bounds)
{
    *bounds |= pt_msg_has(msg, name) ? bit : 0;
    return (uint32_t)pt_msg_u64(msg, name);
}

Patronus__V1__SlaEntry *te_sla_entry(struct pt_plan_pass *pass, const char *profile)
{
    const struct pt_msg *msg = pt_view_get(pass->view, profile);
    if (msg == NULL) {
        return NULL;
    }
    Patronus__V1__SlaEntry *entry = PT_NEW(pass->arena, Patronus__V1__SlaEntry);
    patronus__v1__sla_entry__init(entry);
    entry->sla = te_sla_id(profile);
    entry->name = (char *)(uintptr_t)profile;
    entry->loss_ppm_max = bound(msg, "max_loss_ppm", 1, &entry->bounds);
    entry->rtt_us_max = bound(msg, "max_latency_us", 2, &entry->bounds);
    entry->jitter_us_max = bound(msg, "max_jitter_us", 4, &entry->bounds);
    entry->mos_milli_min = bound(msg, "min_mos_milli", 8, &entry->bounds);
    entry->window_ms = duration_ms(msg, "evaluation_window", WINDOW_MS, 200);
    entry->fast_down_ms = duration_ms(msg, "fast_down", FAST_DOWN_MS, 100);
    entry->slow_up_ms = duration_ms(msg, "slow_up", SLOW_UP_MS, 0);
    entry->half_life_ms = duration_ms(msg, "dampening", HALF_LIFE_MS, 0);
    return entry;
}
