/*
 * The one registry of metrics: name, type, label and meaning of everything that /metrics says, and how it is written
 * (Prometheus' text format 0.0.4). Values are not kept here: whoever serves them reads each where it is counted.
 *
 * A name is an interface: dashboards and alarms hold it. Units stand in it, base units only (seconds, bytes); a counter
 * ends in _total. Labels have few values, set by us and never by a client.
 */
#pragma once

#include "base/buf.h"

/* id, name, type, label ("" for none), meaning */
#define PT_METRICS(X)                                                                                                 \
    X(BUILD_INFO, "patronus_build_info", GAUGE, "version", "1, with the version of the binary")                       \
    X(CLUSTER_LEVEL, "patronus_cluster_level", GAUGE, "", "Level of behaviour in force")                              \
    X(CERTIFICATE_SECONDS, "patronus_certificate_remaining_seconds", GAUGE, "",                                       \
      "Until this node's certificate expires; it renews itself at half its life")                                     \
    X(RAFT_LEADER, "patronus_raft_is_leader", GAUGE, "", "1 when this node leads")                                    \
    X(RAFT_LEADER_KNOWN, "patronus_raft_leader_known", GAUGE, "", "1 when this node leads, or hears who does")        \
    X(RAFT_QUARANTINED, "patronus_raft_quarantined", GAUGE, "",                                                       \
      "1 when the log ends below what was acknowledged: the node neither votes nor stands until it is healed")        \
    X(RAFT_TERM, "patronus_raft_term", GAUGE, "", "Term of consensus")                                                \
    X(RAFT_COMMIT, "patronus_raft_commit_index", GAUGE, "", "Newest entry known to be committed")                     \
    X(RAFT_APPLIED, "patronus_raft_applied_index", GAUGE, "", "Newest entry applied to the state")                    \
    X(RAFT_LAST, "patronus_raft_last_index", GAUGE, "", "Newest entry in this node's log")                            \
    X(RAFT_SNAPSHOT, "patronus_raft_snapshot_index", GAUGE, "", "Newest entry in the newest snapshot")                \
    X(RAFT_TIMEOUT, "patronus_raft_election_timeout_seconds", GAUGE, "", "Election timeout in force, by the lines")   \
    X(RAFT_LEADERSHIPS, "patronus_raft_leaderships_total", COUNTER, "", "Times that this node began to lead")         \
    X(RAFT_MEMBERS, "patronus_raft_members", GAUGE, "role", "Members of consensus by role")                           \
    X(RAFT_LAG, "patronus_raft_lag_entries", GAUGE, "controller", "Entries that a member lacks; the leader knows")    \
    X(RAFT_SILENT, "patronus_raft_silent_seconds", GAUGE, "controller", "Since a member was heard; the leader knows") \
    X(STORE_RESOURCES, "patronus_store_resources", GAUGE, "", "Resources in the state")                               \
    X(RPC_OPEN, "patronus_rpc_calls_open", GAUGE, "", "Calls and streams under way")                                  \
    X(RPC_CALLS, "patronus_rpc_calls_total", COUNTER, "code", "Calls answered, by status")                            \
    X(WATCH_STREAMS, "patronus_watch_streams", GAUGE, "", "Open Watch streams")                                       \
    X(WATCH_EVENTS, "patronus_watch_events_total", COUNTER, "", "Messages sent to Watch streams")                     \
    X(AGENT_SESSIONS, "patronus_agent_sessions", GAUGE, "", "Edges connected to this node")                           \
    X(AGENT_BEHIND, "patronus_agent_behind", GAUGE, "", "Connected edges that have not acknowledged their bundle")    \
    X(AGENT_REPORTS, "patronus_agent_reports_total", COUNTER, "", "Reports of edges taken")                           \
    X(BUNDLE_GENERATION, "patronus_bundle_generation", GAUGE, "", "Generation of the newest bundles; the leader's")   \
    X(DROPS, "patronus_edge_drops_total", COUNTER, "reason",                                                          \
      "Packets that edges dropped, as they report to the leader")                                                     \
    X(INSPECT_PACKETS, "patronus_inspect_packets_total", COUNTER, "outcome",                                          \
      "Packets that edges copied for inspection (sampled), and that they should have (not_sampled)")                  \
    X(INSPECT_FLOWS, "patronus_inspect_flows_total", COUNTER, "application",                                          \
      "Flows by signature, of organizations' own applications (described), and unknown")                              \
    X(INSPECT_CACHE, "patronus_inspect_cache_total", COUNTER, "outcome",                                              \
      "New flows whose application was known from their first packet (hit) or not (miss)")                            \
    X(NAT_MAPPINGS, "patronus_nat_mappings_total", COUNTER, "outcome",                                                \
      "Mappings of hosts that edges made, and packets refused one because no port was free (refused)")                \
    X(NAT_PORTS, "patronus_nat_ports_taken", GAUGE, "protocol", "Ports of links' addresses that hosts have")          \
    X(NAT_LINKS, "patronus_nat_links", GAUGE, "state",                                                                \
      "Links that hosts leave by; full: one refused a host in the last minute")                                       \
    X(HTTP_CONNECTIONS, "patronus_http_connections", GAUGE, "", "Open connections of this listener")                  \
    X(HTTP_ANSWERS, "patronus_http_answers_total", COUNTER, "class", "Answers of this listener by class of status")   \
    X(HTTP_REFUSED, "patronus_http_refused_total", COUNTER, "reason", "Connections that this listener ended")

enum pt_metric {
#define PT_METRIC_ENUM(id, name, type, label, help) PT_METRIC_##id,
    PT_METRICS(PT_METRIC_ENUM)
#undef PT_METRIC_ENUM
        PT_METRICS_LEN
};

/* Name as in the registry. */
const char *pt_metric_name(enum pt_metric metric);
/* Once before a metric's values: what it means and of what type it is. */
void pt_metric_head(struct pt_buf *out, enum pt_metric metric);
/* One value. label is that of the metric's label, NULL when it has none; any bytes. */
void pt_metric_value(struct pt_buf *out, enum pt_metric metric, const char *label, uint64_t value);
void pt_metric_seconds(struct pt_buf *out, enum pt_metric metric, const char *label, int64_t ms);
