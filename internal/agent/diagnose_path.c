/*
 * ProbePath: what the probes of a path measure now, reading by reading. Nothing is sent for it: BFD and its probes run
 * anyway, on a thread that is not late when the machine is busy (docs/mod/measure.md); this only looks more often than
 * telemetry does.
 */
#include "agent/diagnose.h"

#include "base/assert.h"

#include <stdlib.h>

/* Of a path that hellos alone measure. False: nothing is known of it. */
static bool read_hello(const struct pt_agent *agent, uint64_t path_id, Patronus__V1__ProbePathResponse *reading)
{
    size_t len = agent->hello != NULL ? pt_hello_reports(agent->hello, NULL, 0) : 0;
    struct pt_path_report *reports = calloc(len + 1, sizeof(*reports));
    bool found = false;
    pt_assert(reports != NULL);
    len = len > 0 ? pt_hello_reports(agent->hello, reports, len) : 0;
    for (size_t i = 0; i < len; i++) {
        if (reports[i].path_id == path_id) {
            found = true;
            reading->alive = reports[i].alive;
            reading->rtt_us = reports[i].rtt_us;
            reading->min_rtt_us = reports[i].min_rtt_us;
            reading->loss_ppm = reports[i].loss_ppm;
        }
    }
    free(reports);
    return found;
}

static void read_live(const struct pt_live_status *live, Patronus__V1__ProbePathResponse *reading)
{
    const struct pt_measure_report *recent = &live->recent;
    reading->alive = live->alive != 0;
    reading->measured = recent->packets[PT_MEASURE_FORWARD] > 0;
    reading->rtt_us = recent->rtt_us;
    reading->min_rtt_us = recent->rtt_min_us;
    reading->loss_ppm = recent->loss_ppm[PT_MEASURE_FORWARD];
    reading->back_loss_ppm = recent->loss_ppm[PT_MEASURE_BACK];
    reading->delay_us = recent->delay_us[PT_MEASURE_FORWARD];
    reading->back_delay_us = recent->delay_us[PT_MEASURE_BACK];
    reading->jitter_us = recent->jitter_us[PT_MEASURE_FORWARD];
    reading->back_jitter_us = recent->jitter_us[PT_MEASURE_BACK];
    reading->mos_100 = recent->mos_100;
    reading->downs = live->downs;
}

static void on_timer(struct pt_diagnostic *diagnostic)
{
    const struct pt_agent *agent = diagnostic->agent;
    struct pt_diagnostic_path *path = &diagnostic->path;
    Patronus__V1__DiagnosticReport report = PATRONUS__V1__DIAGNOSTIC_REPORT__INIT;
    Patronus__V1__ProbePathResponse reading = PATRONUS__V1__PROBE_PATH_RESPONSE__INIT;
    struct pt_live_status live;
    struct pt_agent_tunnel_path tunnel;
    if (agent->options.tunnel != NULL && pt_agent_tunnel_live(agent->options.tunnel, path->id, &live)) {
        read_live(&live, &reading);
    } else if (!read_hello(agent, path->id, &reading)) {
        struct pt_error error = {0};
        (void)pt_fail(&error, PT_FAILED_PRECONDITION, PT_REASON_WRONG_STATE, NULL,
                      "the edge measures no such path: it is not in the bundle in force");
        pt_diagnostic_fail(diagnostic, &error);
        return;
    }
    if (agent->options.tunnel != NULL && pt_agent_tunnel_path(agent->options.tunnel, path->id, &tunnel)) {
        reading.mtu = tunnel.mtu;
    }
    reading.sequence = ++path->sequence;
    report.response_case = PATRONUS__V1__DIAGNOSTIC_REPORT__RESPONSE_PROBE_PATH;
    report.probe_path = &reading;
    pt_diagnostic_tell(diagnostic, &report, path->sequence == path->count);
}

static enum pt_code begin(struct pt_diagnostic *diagnostic, const Patronus__V1__DiagnosticOrder *order,
                          struct pt_error *reterr)
{
    (void)reterr;
    const Patronus__V1__ProbePathRequest *request = order->probe_path;
    diagnostic->path =
        (struct pt_diagnostic_path){.id = order->path, .count = pt_diagnostic_bound(request->count, 10, 1, 600)};
    pt_timer_start(diagnostic->timer, 0, pt_diagnostic_bound(request->interval_ms, 1000, 100, 60000));
    return PT_OK;
}

const struct pt_diagnostic_type pt_diagnostic_path = {.begin = begin, .on_timer = on_timer};
