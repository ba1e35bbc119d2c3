/*
 * Soft state: what nodes measured, in the leader's memory only, and the views made from it.
 *
 * Only transitions matter to the plan: a tunnel that dies or recovers, a delay that leaves its band, a loss that
 * crosses a threshold with hysteresis. Paths over several tunnels are judged by these. Everything else is kept for
 * reads. A new leader starts empty and is told within a second.
 *
 * Delay band: a value kept for planning follows the measured one only when it differs by more than a quarter and by
 * more than 2 ms, so that jitter does not move traffic. Loss: bad above 2 %, good again below 0.5 %; for constraints
 * also followed when it doubles or halves and changes by more than 0.05 %.
 *
 * A node is believed about the paths and destinations in its own bundle only. Before a new leader's first pass nobody
 * knows whose they are: then everything is taken, up to a limit, and swept after the pass.
 */
#include "serve/controller_priv.h"

#include "base/assert.h"
#include "patronus/v1/agent.pb-c.h"
#include "patronus/v1/fabric.pb-c.h"
#include "mod/te/matrix.h"
#include "mod/te/simulate.h"
#include "mod/te/te.h"
#include "patronus/v1/te.pb-c.h"
#include "plan/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DELAY_BAND_US 5000U
#define PATIENCE_REPORTS 5U /* of a path that never answered */
#define LOSS_BAD_PPM 20000U
#define LOSS_GOOD_PPM 5000U
#define LOSS_BAND_PPM 500U
#define PATHS_LEN_MAX 1000000U
#define DEMANDS_LEN_MAX 1000000U

struct path_state {
    struct pt_path_soft planned;  /* what the plan was told */
    struct pt_path_soft measured; /* newest */
    char *edge;                   /* who said so last */
    uint32_t min_rtt_us;
    uint32_t reports;
    bool plans; /* the plan looks at it */
    uint32_t jitter_us, mos_100;
    uint64_t *slas; /* profiles that it breaks, then those that it keeps again and is not used for yet */
    size_t broken_len, held_len;
};

struct demand_state {
    struct pt_demand_soft planned;                /* what the plan was told */
    struct te_series *classes[PT_DEMAND_CLASSES]; /* NULL: nothing came */
};

struct pt_soft_store {
    struct pt_controller *controller;
    struct pt_map paths;        /* path id (8 bytes) -> struct path_state */
    struct pt_map demands;      /* "edge/label" -> struct demand_state */
    struct pt_map links;        /* soft_class.c: name -> what waits there */
    struct pt_map translations; /* soft_translation.c: name of a link -> its ports */
    struct pt_map inspections;  /* soft_inspection.c: edge -> what its hosts use */
    size_t paths_len_max, demands_len_max;
};

struct pt_soft_store *pt_soft_new(struct pt_controller *controller)
{
    struct pt_soft_store *soft = calloc(1, sizeof(*soft));
    pt_assert(soft != NULL);
    soft->controller = controller;
    pt_soft_set_limits(soft, PATHS_LEN_MAX, DEMANDS_LEN_MAX);
    return soft;
}

void pt_soft_set_limits(struct pt_soft_store *soft, size_t paths_len_max, size_t demands_len_max)
{
    soft->paths_len_max = paths_len_max;
    soft->demands_len_max = demands_len_max;
}

static void path_free(struct path_state *state)
{
    free(state->edge);
    free(state->slas);
    free(state);
}

static void demand_free(struct demand_state *state)
{
    for (size_t i = 0; i < PT_DEMAND_CLASSES; i++) {
        free(state->classes[i]);
    }
    free(state);
}

void pt_soft_clear(struct pt_soft_store *soft)
{
    PT_MAP_FOREACH (entry, &soft->paths) {
        path_free(entry->value);
    }
    PT_MAP_FOREACH (demand, &soft->demands) {
        demand_free(demand->value);
    }
    pt_map_clear(&soft->paths);
    pt_map_clear(&soft->demands);
    pt_soft_clear_links(&soft->links);
    pt_soft_clear_translations(&soft->translations);
    pt_soft_clear_inspections(&soft->inspections);
}

void pt_soft_free(struct pt_soft_store *soft)
{
    if (soft != NULL) {
        pt_soft_clear(soft);
        pt_map_fini(&soft->paths);
        pt_map_fini(&soft->demands);
        pt_map_fini(&soft->links);
        pt_map_fini(&soft->translations);
        pt_map_fini(&soft->inspections);
        free(soft);
    }
}

/* ---- taking telemetry -----------------------------------------------------------------------------------------------
 */

/* Move what the plan is told towards what is measured. */
static enum pt_soft_change transition(struct path_state *state)
{
    const struct pt_path_soft *now = &state->measured;
    struct pt_path_soft *planned = &state->planned;
    if (!planned->known && !now->alive && state->reports < PATIENCE_REPORTS) {
        return PT_SOFT_SAME;
    }
    enum pt_soft_change change = PT_SOFT_SAME;
    uint32_t low = planned->rtt_us < state->min_rtt_us ? planned->rtt_us : state->min_rtt_us;
    uint32_t high = planned->rtt_us < state->min_rtt_us ? state->min_rtt_us : planned->rtt_us;
    if (now->alive && high - low > DELAY_BAND_US && high - low > high / 4) {
        planned->rtt_us = state->min_rtt_us;
        change = PT_SOFT_QUALITY;
    }
    bool was_bad = planned->loss_ppm >= LOSS_BAD_PPM;
    bool is_bad = was_bad ? now->loss_ppm > LOSS_GOOD_PPM : now->loss_ppm >= LOSS_BAD_PPM;
    if (now->alive && was_bad != is_bad) { /* what a dead path lost says nothing about how it will be */
        planned->loss_ppm = is_bad ? LOSS_BAD_PPM : 0;
        change = PT_SOFT_QUALITY;
    }
    low = planned->loss_seen_ppm < now->loss_ppm ? planned->loss_seen_ppm : now->loss_ppm;
    high = planned->loss_seen_ppm < now->loss_ppm ? now->loss_ppm : planned->loss_seen_ppm;
    if (now->alive && high - low > LOSS_BAND_PPM && high - low >= high / 2) {
        planned->loss_seen_ppm = now->loss_ppm;
        change = PT_SOFT_QUALITY;
    }
    /* Known and alive is what the plan takes an unknown path for. */
    if (planned->known ? planned->alive != now->alive : !now->alive) {
        change = now->alive ? PT_SOFT_ALIVE : PT_SOFT_DEAD;
    }
    planned->known = true;
    planned->alive = now->alive;
    return change;
}

static struct demand_state *demand_of(struct pt_soft_store *soft, const char *edge, uint32_t site_label)
{
    char key[PT_NAME_SIZE_MAX + 16];
    int size = snprintf(key, sizeof(key), "%s/%u", edge, site_label);
    struct demand_state *state = pt_map_get(&soft->demands, key, (size_t)size);
    if (state == NULL && soft->demands.count < soft->demands_len_max) {
        state = calloc(1, sizeof(*state));
        pt_assert(state != NULL);
        (void)pt_map_put(&soft->demands, key, (size_t)size, state);
    }
    return state;
}

static bool take_demand(struct pt_soft_store *soft, const char *edge, const Patronus__V1__DemandReport *report)
{
    struct demand_state *state = demand_of(soft, edge, report->site_label);
    if (state == NULL) {
        return false;
    }
    uint32_t class = report->traffic_class;
    class = class == 0 || class >= PT_DEMAND_CLASSES ? PATRONUS__V1__TRAFFIC_CLASS__STANDARD : class;
    struct te_series *series = state->classes[class];
    if (series == NULL) {
        if (report->rate_bps == 0 && report->n_history_bytes == 0) {
            return false; /* nothing so far: no cell */
        }
        series = malloc(sizeof(*series));
        pt_assert(series != NULL);
        te_series_init(series);
        state->classes[class] = series;
    }
    uint32_t window_ms = report->window_ms != 0 ? report->window_ms : 1000;
    uint64_t bytes = report->window_ms != 0 ? report->bytes : report->rate_bps / 8;
    te_series_add(series, pt_sys_wall_ns(soft->controller->sys), window_ms, bytes);
    if (report->n_history_bytes > 0) {
        (void)te_series_learn(series, report->history_interval, report->history_bytes, report->n_history_bytes,
                              report->history_hours, report->n_history_hours); /* not taken: it knows by itself */
    }
    uint64_t rate = 0;
    for (size_t i = 0; i < PT_DEMAND_CLASSES; i++) {
        rate += state->classes[i] != NULL ? state->classes[i]->rate_bps : 0;
    }
    uint64_t planned = state->planned.rate_bps;
    uint64_t low = planned < rate ? planned : rate;
    uint64_t high = planned < rate ? rate : planned;
    /* A demand matters when it changes by half and by a megabit: load is followed, bursts are not. */
    if (high - low <= 1000000 || high - low <= high / 2) {
        return false;
    }
    state->planned.rate_bps = rate;
    for (size_t i = 0; i < PT_DEMAND_CLASSES; i++) {
        state->planned.class_bps[i] = state->classes[i] != NULL ? state->classes[i]->rate_bps : 0;
    }
    return true;
}

/* Split "<edge>/<label>" as take_demand made it. */
static void demand_key_split(const void *key, size_t size, char edge[PT_NAME_SIZE_MAX + 1], uint32_t *ret_site_label)
{
    const char *text = key;
    size_t end = size;
    uint32_t label = 0;
    uint32_t unit = 1;
    for (; end > 0 && text[end - 1] != '/'; end--, unit *= 10) {
        label += (uint32_t)(text[end - 1] - '0') * unit;
    }
    pt_assert(end > 0 && end - 1 <= PT_NAME_SIZE_MAX);
    memcpy(edge, text, end - 1);
    edge[end - 1] = '\0';
    *ret_site_label = label;
}

/* The state of a path, the edge being its source; NULL when there are too many. */
static struct path_state *path_of(struct pt_soft_store *soft, const char *edge, uint64_t path_id)
{
    uint8_t key[8];
    pt_put_be64(key, path_id);
    struct path_state *state = pt_map_get(&soft->paths, key, sizeof(key));
    if (state == NULL) {
        if (soft->paths.count >= soft->paths_len_max) {
            return NULL;
        }
        state = calloc(1, sizeof(*state));
        pt_assert(state != NULL);
        state->planned.path_id = path_id;
        (void)pt_map_put(&soft->paths, key, sizeof(key), state);
    }
    if (state->edge == NULL || strcmp(state->edge, edge) != 0) {
        free(state->edge);
        state->edge = strdup(edge);
        pt_assert(state->edge != NULL);
    }
    return state;
}

static void take_slas(struct path_state *state, const Patronus__V1__PathReport *report)
{
    size_t len = report->n_broken_slas + report->n_held_slas;
    free(state->slas);
    state->slas = len > 0 ? calloc(len, sizeof(*state->slas)) : NULL;
    pt_assert(len == 0 || state->slas != NULL);
    state->broken_len = report->n_broken_slas;
    state->held_len = report->n_held_slas;
    for (size_t i = 0; i < len; i++) {
        state->slas[i] = i < state->broken_len ? report->broken_slas[i] : report->held_slas[i - state->broken_len];
    }
}

enum pt_soft_change pt_soft_telemetry(struct pt_soft_store *soft, const char *edge,
                                      const Patronus__V1__Telemetry *telemetry)
{
    const struct pt_push *push = soft->controller->push;
    enum pt_soft_change most = PT_SOFT_SAME;
    for (size_t i = 0; i < telemetry->n_paths; i++) {
        const Patronus__V1__PathReport *report = telemetry->paths[i];
        struct path_state *state =
            pt_push_may_report(push, edge, report->path) ? path_of(soft, edge, report->path) : NULL;
        if (state == NULL) {
            continue;
        }
        state->measured = (struct pt_path_soft){.path_id = report->path,
                                                .alive = report->alive,
                                                .known = true,
                                                .rtt_us = report->rtt_us,
                                                .loss_ppm = report->loss_ppm,
                                                .mtu = report->mtu,
                                                .cipher = report->cipher,
                                                .session_age_ms = report->session_age_ms,
                                                .handshakes = report->handshakes};
        take_slas(state, report);
        state->jitter_us = report->jitter_us;
        state->mos_100 = report->mos_100;
        state->min_rtt_us = report->min_rtt_us != 0 ? report->min_rtt_us : report->rtt_us;
        state->reports++;
        enum pt_soft_change change = transition(state);
        state->plans = pt_push_plans_by(push, edge, report->path);
        most = change > most && state->plans ? change : most;
    }
    for (size_t i = 0; i < telemetry->n_demands; i++) {
        if (pt_push_reaches(push, edge, telemetry->demands[i]->site_label) &&
            take_demand(soft, edge, telemetry->demands[i]) && most < PT_SOFT_QUALITY) {
            most = PT_SOFT_QUALITY;
        }
    }
    pt_soft_take_links(soft->controller, &soft->links, edge, telemetry);
    pt_soft_take_translations(soft->controller, &soft->translations, edge, telemetry);
    pt_soft_take_inspection(soft->controller, &soft->inspections, edge, telemetry);
    return most;
}

void pt_soft_sweep(struct pt_soft_store *soft)
{
    const struct pt_push *push = soft->controller->push;
    PT_MAP_FOREACH (entry, &soft->paths) {
        struct path_state *state = entry->value;
        if (!pt_push_may_report(push, state->edge, state->measured.path_id)) {
            (void)pt_map_remove(&soft->paths, entry->key, entry->key_size);
            path_free(state);
        }
    }
    PT_MAP_FOREACH (demand, &soft->demands) {
        char edge[PT_NAME_SIZE_MAX + 1];
        uint32_t site_label = 0;
        struct demand_state *state = demand->value;
        demand_key_split(demand->key, demand->key_size, edge, &site_label);
        if (!pt_push_reaches(push, edge, site_label)) {
            (void)pt_map_remove(&soft->demands, demand->key, demand->key_size);
            demand_free(state);
        }
    }
}

const struct pt_soft *pt_soft_copy(struct pt_soft_store *soft, struct pt_arena *arena)
{
    struct pt_soft *copy = PT_NEW(arena, struct pt_soft);
    PT_MAP_FOREACH (entry, &soft->paths) {
        const struct path_state *state = entry->value;
        if (!state->plans) {
            continue; /* most of them, and this is the loop's time */
        }
        struct pt_path_soft *path = pt_arena_memdup(arena, &state->planned, sizeof(state->planned));
        (void)pt_map_put(&copy->paths, entry->key, entry->key_size, path);
    }
    PT_MAP_FOREACH (demand, &soft->demands) {
        const struct demand_state *state = demand->value;
        struct pt_demand_soft *planned = pt_arena_memdup(arena, &state->planned, sizeof(state->planned));
        (void)pt_map_put(&copy->demands, demand->key, demand->key_size, planned);
    }
    return copy;
}

void pt_soft_matrix(struct pt_soft_store *soft,
                    void (*fn)(void *arg, const char *edge, uint32_t site_label, uint32_t traffic_class,
                               const struct te_series *series),
                    void *arg)
{
    PT_MAP_FOREACH (demand, &soft->demands) {
        char edge[PT_NAME_SIZE_MAX + 1];
        uint32_t site_label = 0;
        const struct demand_state *state = demand->value;
        demand_key_split(demand->key, demand->key_size, edge, &site_label);
        for (uint32_t i = 0; i < PT_DEMAND_CLASSES; i++) {
            if (state->classes[i] != NULL) {
                fn(arg, edge, site_label, i, state->classes[i]);
            }
        }
    }
}

/* ---- SOFT fields of stored kinds ------------------------------------------------------------------------------ */

static const struct pt_path_soft *measured(struct pt_soft_store *soft, uint64_t path_id)
{
    uint8_t key[8];
    pt_put_be64(key, path_id);
    const struct path_state *state = pt_map_get(&soft->paths, key, sizeof(key));
    return state != NULL ? &state->measured : NULL;
}

bool pt_soft_measured(struct pt_soft_store *soft, uint64_t path_id, struct te_measure *ret_measure)
{
    uint8_t key[8];
    pt_put_be64(key, path_id);
    const struct path_state *state = pt_map_get(&soft->paths, key, sizeof(key));
    if (state == NULL || !state->measured.known) {
        return false;
    }
    *ret_measure = (struct te_measure){.alive = state->measured.alive,
                                       .rtt_us = state->measured.rtt_us,
                                       .min_rtt_us = state->min_rtt_us,
                                       .loss_ppm = state->measured.loss_ppm,
                                       .jitter_us = state->jitter_us,
                                       .mos_100 = state->mos_100,
                                       .broken_slas = state->slas,
                                       .broken_slas_len = state->broken_len,
                                       .held_slas = state->slas + state->broken_len,
                                       .held_slas_len = state->held_len};
    return true;
}

static void overlay_edge(struct pt_controller *controller, struct pt_msg *resource, struct pt_arena *arena)
{
    const struct pt_edge_session *session = pt_edge_find(controller, pt_msg_str(resource, "name"));
    if (session == NULL || !session->greeted) {
        return;
    }
    pt_msg_set_bool(resource, arena, "connected", true);
    pt_msg_set_str(resource, arena, "software_version", session->version);
    pt_msg_set_u64(resource, arena, "applied_generation", session->acked_generation);
    pt_msg_set_time(resource, arena, "last_seen_time", (int64_t)session->last_seen_wall_ns);
}

/* Worst loss and median delay of the direct paths that leave by the link. */
static void overlay_link(struct pt_controller *controller, struct pt_msg *resource, struct pt_arena *arena)
{
    const struct pt_plan_pass *pass = pt_push_pass(controller->push);
    if (pass == NULL) {
        return;
    }
    uint64_t tunnels[64];
    size_t len = te_link_tunnels(pass, pt_msg_str(resource, "name"), tunnels, 64);
    uint32_t delays[64];
    size_t delays_len = 0;
    uint32_t loss_ppm = 0;
    for (size_t i = 0; i < len; i++) {
        const struct pt_path_soft *path = measured(controller->soft, te_direct_path(tunnels[i]));
        if (path != NULL && path->alive) {
            loss_ppm = path->loss_ppm > loss_ppm ? path->loss_ppm : loss_ppm;
            size_t at = delays_len++;
            for (; at > 0 && delays[at - 1] > path->rtt_us; at--) {
                delays[at] = delays[at - 1];
            }
            delays[at] = path->rtt_us;
        }
    }
    if (delays_len > 0) {
        pt_msg_set_u64(resource, arena, "loss_ppm", loss_ppm);
        pt_msg_set_u64(resource, arena, "latency_us", delays[delays_len / 2]);
    }
}

static void overlay_controller(struct pt_controller *controller, struct pt_msg *resource, struct pt_arena *arena)
{
    uint64_t id = pt_msg_u64(resource, "raft_id");
    struct pt_raft_status status = pt_raft_status(controller->raft);
    struct pt_raft_member members[64];
    size_t len = pt_raft_members(controller->raft, members, 64);
    const char *state = "unconfigured";
    for (size_t i = 0; i < len; i++) {
        if (members[i].id == id) {
            state = members[i].voter ? "follower" : members[i].spare ? "spare" : "standby";
        }
    }
    pt_msg_set_str(resource, arena, "raft_state", id == status.leader_id ? "leader" : state);
    pt_msg_set_u64(resource, arena, "match_index", pt_raft_match_index(controller->raft, id));
}

static void overlay_organization(struct pt_controller *controller, struct pt_msg *resource, struct pt_arena *arena)
{
    const struct pt_message_type *type = pt_schema_message(controller->schema, "patronus.v1.QuotaUsage");
    for (enum pt_quota i = 0; i < PT_QUOTA_LEN; i++) {
        uint64_t limit = 0, usage = 0;
        if (!pt_quota_usage(controller->machine, pt_msg_str(resource, "name"), i, &limit, &usage)) {
            return; /* deleted */
        }
        usage = i <= PT_QUOTA_BYTES ? usage : pt_limits_usage(controller, pt_msg_str(resource, "name"), i);
        struct pt_msg *line = pt_msg_new(arena, type);
        pt_msg_set_str(line, arena, "metric", pt_quota_name(i));
        pt_msg_set_u64(line, arena, "limit", limit);
        pt_msg_set_u64(line, arena, "usage", usage);
        pt_msg_append(resource, arena, "quota_usage", (union pt_value){.message = line});
    }
}

/* The kinds that overlay() knows. */
static bool overlays(const struct pt_message_type *kind)
{
    static const char *const kinds[] = {"edge", "link", "controller", "organization"};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(kind->resource->singular, kinds[i]) == 0) {
            return true;
        }
    }
    return false;
}

static void overlay(void *context, struct pt_msg *resource, struct pt_arena *arena)
{
    struct pt_controller *controller = context;
    const char *singular = resource->type->resource->singular;
    if (strcmp(singular, "edge") == 0) {
        overlay_edge(controller, resource, arena);
        pt_soft_overlay_inspection(controller, &controller->soft->inspections, resource, arena);
    } else if (strcmp(singular, "link") == 0) {
        overlay_link(controller, resource, arena);
        pt_soft_overlay_classes(controller, &controller->soft->links, resource, arena);
        pt_soft_overlay_translation(controller, &controller->soft->translations, resource, arena);
    } else if (strcmp(singular, "controller") == 0) {
        overlay_controller(controller, resource, arena);
    } else if (strcmp(singular, "organization") == 0) {
        overlay_organization(controller, resource, arena);
    }
}

/* ---- views ---------------------------------------------------------------------------------------------------- */

static void set_measured(struct pt_controller *controller, struct pt_msg *msg, struct pt_arena *arena, uint64_t path_id)
{
    const struct pt_path_soft *path = measured(controller->soft, path_id);
    if (path == NULL) {
        return;
    }
    pt_msg_set_i64(msg, arena, "oper_state",
                   path->alive ? PATRONUS__V1__OPER_STATE__UP : PATRONUS__V1__OPER_STATE__DOWN);
    pt_msg_set_u64(msg, arena, "rtt_us", path->rtt_us);
    pt_msg_set_u64(msg, arena, "loss_ppm", path->loss_ppm);
    if (pt_message_field(msg->type, "session_age_ms") != NULL) { /* of a tunnel */
        pt_msg_set_u64(msg, arena, "path_mtu", path->mtu);
        pt_msg_set_i64(msg, arena, "cipher", path->cipher);
        pt_msg_set_u64(msg, arena, "session_age_ms", path->session_age_ms);
        pt_msg_set_u64(msg, arena, "handshakes", path->handshakes);
    }
}

static void list_view(void *context, const struct pt_message_type *kind, struct pt_arena *arena,
                      void (*emit)(void *arg, struct pt_msg *resource), void *arg)
{
    struct pt_controller *controller = context;
    const struct pt_plan_pass *pass = pt_push_pass(controller->push);
    if (pass == NULL) {
        return;
    }
    size_t len = 0;
    struct te_view_item *items = strcmp(kind->resource->singular, "tunnel") == 0
                                     ? te_view_tunnels(pass, kind, arena, &len)
                                     : te_view_paths(pass, kind, arena, &len);
    for (size_t i = 0; i < len; i++) {
        set_measured(controller, items[i].msg, arena, items[i].path_id);
        emit(arg, items[i].msg);
    }
}

struct pt_soft_overlay pt_soft_overlay(struct pt_controller *controller)
{
    return (struct pt_soft_overlay){
        .context = controller, .overlay = overlay, .overlays = overlays, .list_view = list_view};
}

/* ---- metrics -------------------------------------------------------------------------------------------------- */

void pt_soft_metrics(const struct pt_soft_store *soft, struct pt_buf *out)
{
    pt_soft_put_inspections(&soft->inspections, out);
    pt_soft_put_translations(soft->controller, &soft->translations, out);
}

bool pt_soft_lacks_ports(const struct pt_soft_store *soft, const struct pt_msg *link)
{
    return pt_soft_refuses_ports(soft->controller, &soft->translations, link);
}
