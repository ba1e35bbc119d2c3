/*
 * Bandwidth of a path, because the leader asks: the tunnel process measures, this side hands the order over, looks each
 * 100 ms whether it is done, and tells. An answer whose leader is gone meanwhile is told to the next one, who does not
 * know the request and drops it.
 */
#include "agent/agent.h"
#include "agent/agent_priv.h"

#include <stdio.h>

#define LOOK_MS 100

static void tell(struct pt_agent *agent, const struct pt_live_bandwidth *found, uint64_t request, uint64_t path,
                 const struct pt_error *error)
{
    char text[257];
    (void)snprintf(text, sizeof(text), "%.256s", error->text);
    Patronus__V1__BandwidthReport report = PATRONUS__V1__BANDWIDTH_REPORT__INIT;
    report.request = request;
    report.path = path;
    report.code = (uint32_t)pt_code_grpc(error->code);
    report.error = text;
    report.rate_bps = found->rate_bps;
    report.low_bps = found->low_bps;
    report.high_bps = found->high_bps;
    report.trains = found->trains;
    report.packets = found->packets;
    report.bytes = found->bytes;
    report.duration_ms = found->duration_ms;
    Patronus__V1__EdgeMessage message = PATRONUS__V1__EDGE_MESSAGE__INIT;
    message.message_case = PATRONUS__V1__EDGE_MESSAGE__MESSAGE_BANDWIDTH;
    message.bandwidth = &report;
    pt_agent_send(agent, &message);
}

static void on_timer(void *arg)
{
    struct pt_agent *agent = arg;
    struct pt_live_bandwidth found = {0};
    struct pt_error error = {0};
    enum pt_code code = pt_agent_tunnel_bandwidth(agent->options.tunnel, &found, &error);
    if (code == PT_OK && found.state == PT_LIVE_BANDWIDTH_RUNNING && found.path == agent->bandwidth_path) {
        pt_timer_start(agent->bandwidth_timer, LOOK_MS, 0);
        return;
    }
    if (code == PT_OK && (found.state != PT_LIVE_BANDWIDTH_DONE || found.path != agent->bandwidth_path)) {
        (void)pt_fail(&error, PT_UNAVAILABLE, PT_REASON_NONE, "tunnel", "the edge's tunnel process began anew");
    } else if (code == PT_OK && found.code != PT_OK) {
        (void)pt_fail(&error, (enum pt_code)found.code, PT_REASON_NONE, "path", "%s", found.text);
    }
    tell(agent, &found, agent->bandwidth_request, agent->bandwidth_path, &error);
}

void pt_agent_bandwidth_init(struct pt_agent *agent)
{
    agent->bandwidth_timer = pt_timer_new(agent->options.sys, on_timer, agent);
}

void pt_agent_bandwidth_fini(struct pt_agent *agent)
{
    pt_timer_free(agent->bandwidth_timer);
}

void pt_agent_take_order(struct pt_agent *agent, const Patronus__V1__BandwidthOrder *order)
{
    const struct pt_live_bandwidth none = {0};
    struct pt_error error = {0};
    if (agent->options.tunnel == NULL) {
        (void)pt_fail(&error, PT_UNIMPLEMENTED, PT_REASON_NONE, "tunnel", "this edge has no tunnel process");
    } else if (pt_agent_tunnel_bandwidth_start(agent->options.tunnel, order->path, order->max_rate_bps, &error) ==
               PT_OK) {
        agent->bandwidth_request = order->request; /* one is under way at most: the process refuses a second */
        agent->bandwidth_path = order->path;
        pt_timer_start(agent->bandwidth_timer, LOOK_MS, 0);
        return;
    }
    tell(agent, &none, order->request, order->path, &error);
}
