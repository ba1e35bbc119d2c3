/*
 * /metrics: every metric of the registry, read where it is counted, at the moment of the question. Nothing is sampled
 * in between, so a controller that nobody asks pays for the counting alone.
 *
 * What only the leader knows (how far members are, what edges report) is said by the leader only; a sum over all
 * controllers is then right. Drops are counted per edge since its programs were loaded; what is added here is their
 * growth since the edge's first report to this node, so that neither a reload there nor a new leader makes a jump.
 */
#include "serve/controller_priv.h"

#include "base/assert.h"
#include "base/drop.h"
#include "base/metric.h"
#include "http/http.h"
#include "patronus/v1/agent.pb-c.h"

#include <stdlib.h>
#include <string.h>

#define MEMBERS_MAX 64

#define RECENT_NS 30000000000ULL /* between two marks */

struct edge_drops {
    uint64_t seen[PT_SERVE_DROPS_LEN];
    uint64_t mark[PT_SERVE_DROPS_LEN], older[PT_SERVE_DROPS_LEN]; /* as seen at the last mark, and the one before */
    uint64_t marked_ns;
};

/* ---- drops ----------------------------------------------------------------------------------------------------- */

void pt_metrics_drops(struct pt_controller *controller, const char *edge, const Patronus__V1__Telemetry *telemetry)
{
    struct pt_serve_counters *counters = &controller->counters;
    counters->reports++;
    struct edge_drops *last = pt_map_get_str(&controller->drops, edge);
    bool first = last == NULL; /* what it dropped before is nobody's news; its very first drop later is */
    if (telemetry->n_drops == 0 && !first) {
        return;
    }
    if (first) {
        last = calloc(1, sizeof(*last));
        pt_assert(last != NULL);
        (void)pt_map_put_str(&controller->drops, edge, last);
    }
    uint64_t at_ns = pt_sys_now_ns(controller->sys);
    if (!first && at_ns - last->marked_ns >= RECENT_NS) {
        memcpy(last->older, last->mark, sizeof(last->older));
        memcpy(last->mark, last->seen, sizeof(last->mark));
        last->marked_ns = at_ns;
    }
    for (size_t i = 0; i < telemetry->n_drops; i++) {
        uint32_t reason = telemetry->drops[i]->reason;
        uint64_t now = telemetry->drops[i]->packets;
        if (reason < PT_SERVE_DROPS_LEN) {
            uint64_t before = last->seen[reason];
            counters->drops[reason] += first ? 0 : now >= before ? now - before : now;
            last->seen[reason] = now;
        }
    }
    if (first) {
        memcpy(last->mark, last->seen, sizeof(last->mark));
        memcpy(last->older, last->seen, sizeof(last->older));
        last->marked_ns = at_ns;
    }
}

void pt_metrics_each_drop(const struct pt_controller *controller,
                          void (*fn)(void *arg, const char *edge, uint32_t reason, uint64_t packets, uint64_t recent),
                          void *arg)
{
    PT_MAP_FOREACH (entry, &controller->drops) {
        const struct edge_drops *last = entry->value;
        for (uint32_t i = 1; i < PT_SERVE_DROPS_LEN; i++) {
            if (last->seen[i] > 0) {
                bool fewer = last->seen[i] < last->older[i]; /* its programs were loaded anew */
                fn(arg, (const char *)entry->key, i, last->seen[i],
                   fewer ? last->seen[i] : last->seen[i] - last->older[i]);
            }
        }
    }
}

void pt_metrics_forget(struct pt_controller *controller)
{
    PT_MAP_FOREACH (entry, &controller->drops) {
        free(entry->value);
    }
    pt_map_clear(&controller->drops);
}

static void put_drops(const struct pt_controller *controller, struct pt_buf *out)
{
    pt_metric_head(out, PT_METRIC_DROPS);
    for (uint32_t i = 1; i < PT_SERVE_DROPS_LEN; i++) {
        if (pt_drop_exists(i)) {
            pt_metric_value(out, PT_METRIC_DROPS, pt_drop_label(i), controller->counters.drops[i]);
        }
    }
}

/* ---- the rest -------------------------------------------------------------------------------------------------- */

static void put(struct pt_buf *out, enum pt_metric metric, uint64_t value)
{
    pt_metric_head(out, metric);
    pt_metric_value(out, metric, NULL, value);
}

static void put_node(struct pt_controller *controller, struct pt_buf *out)
{
    pt_metric_head(out, PT_METRIC_BUILD_INFO);
    pt_metric_value(out, PT_METRIC_BUILD_INFO, controller->options.version, 1);
    put(out, PT_METRIC_CLUSTER_LEVEL, pt_kind_level(controller->machine));
    struct pt_leaf_info info;
    int64_t now = pt_sys_wall_ns(controller->sys);
    bool read = pt_leaf_read(controller->cert_pem, NULL, now, true, &info, NULL) == PT_OK;
    pt_metric_head(out, PT_METRIC_CERTIFICATE_SECONDS);
    pt_metric_seconds(out, PT_METRIC_CERTIFICATE_SECONDS, NULL, read ? (info.not_after_ns - now) / 1000000 : 0);
    uint64_t resources = 0;
    if (pt_store_count(pt_kind_store(controller->machine), 0, "", &resources, NULL) == PT_OK) {
        put(out, PT_METRIC_STORE_RESOURCES, resources);
    }
}

static void put_raft(struct pt_controller *controller, struct pt_buf *out)
{
    struct pt_raft_status status = pt_raft_status(controller->raft);
    put(out, PT_METRIC_RAFT_LEADER, status.role == PT_RAFT_LEADER);
    put(out, PT_METRIC_RAFT_LEADER_KNOWN, pt_serve_leader_heard(controller));
    put(out, PT_METRIC_RAFT_QUARANTINED, status.quarantined);
    put(out, PT_METRIC_RAFT_TERM, status.term);
    put(out, PT_METRIC_RAFT_COMMIT, status.commit_index);
    put(out, PT_METRIC_RAFT_APPLIED, status.applied_index);
    put(out, PT_METRIC_RAFT_LAST, status.last_index);
    put(out, PT_METRIC_RAFT_SNAPSHOT, status.snapshot_index);
    pt_metric_head(out, PT_METRIC_RAFT_TIMEOUT);
    pt_metric_seconds(out, PT_METRIC_RAFT_TIMEOUT, NULL, status.election_timeout_ms);
    put(out, PT_METRIC_RAFT_LEADERSHIPS, controller->counters.leaderships);
}

static void put_members(struct pt_controller *controller, struct pt_buf *out)
{
    struct pt_raft_member members[MEMBERS_MAX];
    size_t len = pt_raft_members(controller->raft, members, MEMBERS_MAX);
    uint64_t voters = 0, spares = 0;
    const char *names[MEMBERS_MAX];
    struct pt_arena arena;
    pt_arena_init(&arena);
    for (size_t i = 0; i < len; i++) {
        voters += members[i].voter ? 1 : 0;
        spares += members[i].spare ? 1 : 0;
        names[i] = pt_serve_controller_name(controller, members[i].id, &arena);
    }
    pt_metric_head(out, PT_METRIC_RAFT_MEMBERS);
    pt_metric_value(out, PT_METRIC_RAFT_MEMBERS, "voter", voters);
    pt_metric_value(out, PT_METRIC_RAFT_MEMBERS, "standby", len - voters - spares);
    pt_metric_value(out, PT_METRIC_RAFT_MEMBERS, "spare", spares);
    uint64_t last = pt_raft_status(controller->raft).last_index;
    pt_metric_head(out, PT_METRIC_RAFT_LAG);
    for (size_t i = 0; controller->leading && i < len; i++) {
        uint64_t match = pt_raft_match_index(controller->raft, members[i].id);
        pt_metric_value(out, PT_METRIC_RAFT_LAG, names[i], match < last ? last - match : 0);
    }
    pt_metric_head(out, PT_METRIC_RAFT_SILENT);
    for (size_t i = 0; controller->leading && i < len; i++) {
        uint64_t silent = pt_raft_silent_ms(controller->raft, members[i].id);
        if (silent != UINT64_MAX) { /* one that was never heard has no number */
            pt_metric_seconds(out, PT_METRIC_RAFT_SILENT, names[i], (int64_t)silent);
        }
    }
    pt_arena_fini(&arena);
}

static void put_calls(struct pt_controller *controller, struct pt_buf *out)
{
    uint64_t open = 0;
    PT_LIST_FOREACH (node, &controller->calls) {
        open++;
    }
    put(out, PT_METRIC_RPC_OPEN, open);
    pt_metric_head(out, PT_METRIC_RPC_CALLS);
    for (size_t i = 0; i < PT_SERVE_CODES_LEN; i++) {
        pt_metric_value(out, PT_METRIC_RPC_CALLS, pt_code_name((enum pt_code)i), controller->counters.calls[i]);
    }
    put(out, PT_METRIC_WATCH_STREAMS, controller->watches_len);
    put(out, PT_METRIC_WATCH_EVENTS, controller->counters.watch_events);
}

static void put_agents(struct pt_controller *controller, struct pt_buf *out)
{
    uint64_t sessions = 0, behind = 0;
    PT_LIST_FOREACH (node, &controller->sessions) {
        const struct pt_edge_session *session = PT_CONTAINER(node, struct pt_edge_session, node);
        sessions += session->greeted ? 1 : 0;
        behind += session->greeted && session->acked_generation < session->sent_generation ? 1 : 0;
    }
    put(out, PT_METRIC_AGENT_SESSIONS, sessions);
    put(out, PT_METRIC_AGENT_BEHIND, behind);
    put(out, PT_METRIC_AGENT_REPORTS, controller->counters.reports);
    put(out, PT_METRIC_BUNDLE_GENERATION, pt_push_generation(controller->push));
    put_drops(controller, out);
    pt_soft_metrics(controller->soft, out);
}

static void put_http(const struct pt_controller *controller, struct pt_buf *out)
{
    static const char *const classes[] = {"none", "1xx", "2xx", "3xx", "4xx", "5xx"};
    struct pt_http_counters counters = pt_http_counters(controller->http);
    put(out, PT_METRIC_HTTP_CONNECTIONS, counters.connections);
    pt_metric_head(out, PT_METRIC_HTTP_ANSWERS);
    for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
        pt_metric_value(out, PT_METRIC_HTTP_ANSWERS, classes[i], counters.answers[i]);
    }
    pt_metric_head(out, PT_METRIC_HTTP_REFUSED);
    pt_metric_value(out, PT_METRIC_HTTP_REFUSED, "too_many", counters.turned_away);
    pt_metric_value(out, PT_METRIC_HTTP_REFUSED, "too_slow", counters.timed_out);
}

void pt_metrics_write(struct pt_controller *controller, struct pt_buf *out)
{
    put_node(controller, out);
    put_raft(controller, out);
    put_members(controller, out);
    put_calls(controller, out);
    put_agents(controller, out);
    put_http(controller, out);
}
