/*
 * Diagnostics that the leader asks for: their life. What each does stands in diagnose_echo.c, diagnose_capture.c and
 * diagnose_path.c.
 *
 *    question --begin--> RUNNING --report, report, ...--> last report, or an error --timer--> freed
 *                           '--- stop; the stream to the leader ends ------------------------> freed
 *
 * Few run at a time, each sends at its own slow pace and ends by itself: a leader that forgets one costs nothing. The
 * leader has filled in defaults and checked limits; they are looked at once more here, because what this node does is
 * this node's matter.
 */
#include "agent/diagnose.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

#define RUNNING_MAX 8
#define CAPTURES_MAX 2

uint32_t pt_diagnostic_bound(uint32_t value, uint32_t otherwise, uint32_t least, uint32_t most)
{
    value = value == 0 ? otherwise : value;
    return value < least ? least : value > most ? most : value;
}

/* ---- telling -------------------------------------------------------------------------------------------------- */

static void answer(struct pt_agent *agent, uint64_t id, const char *error, Patronus__V1__DiagnosticReport *report)
{
    Patronus__V1__NodeAnswer answer = PATRONUS__V1__NODE_ANSWER__INIT;
    Patronus__V1__EdgeMessage message = PATRONUS__V1__EDGE_MESSAGE__INIT;
    answer.id = id;
    answer.error = (char *)(uintptr_t)error;
    if (report != NULL) {
        answer.answer_case = PATRONUS__V1__NODE_ANSWER__ANSWER_DIAGNOSTIC;
        answer.diagnostic = report;
    }
    message.message_case = PATRONUS__V1__EDGE_MESSAGE__MESSAGE_ANSWER;
    message.answer = &answer;
    pt_agent_send(agent, &message);
}

static void finish(struct pt_diagnostic *diagnostic)
{
    diagnostic->over = true;
    pt_timer_start(diagnostic->timer, 0, 0);
}

void pt_diagnostic_tell(struct pt_diagnostic *diagnostic, Patronus__V1__DiagnosticReport *report, bool last)
{
    if (diagnostic->over) {
        return;
    }
    report->last = last;
    answer(diagnostic->agent, diagnostic->id, "", report);
    if (last) {
        finish(diagnostic);
    }
}

void pt_diagnostic_fail(struct pt_diagnostic *diagnostic, const struct pt_error *error)
{
    if (!diagnostic->over) {
        answer(diagnostic->agent, diagnostic->id, error->text, NULL);
        finish(diagnostic);
    }
}

/* ---- wires ---------------------------------------------------------------------------------------------------- */

/* Is the address behind the interface, by the routes of the segment? */
static bool is_behind(const struct pt_bundle *bundle, uint32_t vni, const char *interface, const struct pt_ip *ip)
{
    size_t len = 0;
    const Patronus__V1__Entry *const *entries = pt_bundle_entries(bundle, &len);
    const Patronus__V1__RouteEntry *best = NULL;
    for (size_t i = 0; i < len; i++) {
        const Patronus__V1__RouteEntry *route = entries[i]->route;
        struct pt_prefix prefix = {.len = 0};
        if (entries[i]->entry_case != PATRONUS__V1__ENTRY__ENTRY_ROUTE || route->vni != vni ||
            route->prefix.len != sizeof(prefix.ip.bytes)) {
            continue;
        }
        memcpy(prefix.ip.bytes, route->prefix.data, sizeof(prefix.ip.bytes));
        prefix.len = (uint8_t)route->prefix_len;
        if (pt_ip_is_v4(&prefix.ip) == pt_ip_is_v4(ip) && pt_prefix_contains(&prefix, ip) &&
            (best == NULL || route->prefix_len > best->prefix_len)) {
            best = route;
        }
    }
    return best != NULL && strcmp(best->lan_interface, interface) == 0;
}

/* The interface of the segment that the destination is behind, or else its first. NULL: there is none. */
static const char *choose_interface(const struct pt_bundle *bundle, uint32_t vni, const struct pt_ip *destination,
                                    bool *ret_local)
{
    size_t len = 0;
    const Patronus__V1__Entry *const *entries = bundle != NULL ? pt_bundle_entries(bundle, &len) : NULL;
    const char *chosen = NULL;
    *ret_local = false;
    for (size_t i = 0; i < len && !*ret_local; i++) {
        if (entries[i]->entry_case == PATRONUS__V1__ENTRY__ENTRY_LAN && entries[i]->lan->vni == vni) {
            const char *interface = entries[i]->lan->interface;
            *ret_local = destination != NULL && is_behind(bundle, vni, interface, destination);
            chosen = chosen == NULL || *ret_local ? interface : chosen;
        }
    }
    return chosen;
}

enum pt_code pt_diagnostic_open(struct pt_diagnostic *diagnostic, uint32_t vni, const struct pt_ip *destination,
                                const struct pt_wire_options *options, bool *ret_local, struct pt_error *reterr)
{
    struct pt_wires *wires = diagnostic->agent->options.wires;
    struct pt_wire_options with = *options;
    bool local = false;
    if (wires == NULL) {
        return pt_fail(reterr, PT_UNIMPLEMENTED, PT_REASON_NONE, NULL, "this node has no wires to look at");
    }
    with.interface = choose_interface(diagnostic->agent->bundle, vni, destination, &local);
    if (with.interface == NULL) {
        return pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_WRONG_STATE, NULL,
                       "the bundle in force has no wire of this segment");
    }
    PT_TRY(wires->open(wires, &with, &diagnostic->wire, reterr));
    if (ret_local != NULL) {
        *ret_local = local;
    }
    return PT_OK;
}

/* ---- life ----------------------------------------------------------------------------------------------------- */

static void diagnostic_free(struct pt_diagnostic *diagnostic)
{
    if (diagnostic->type->end != NULL) {
        diagnostic->type->end(diagnostic);
    }
    if (diagnostic->wire != NULL) {
        diagnostic->agent->options.wires->close(diagnostic->wire);
    }
    pt_timer_free(diagnostic->timer);
    pt_list_remove(&diagnostic->node);
    free(diagnostic);
}

static void on_timer(void *arg)
{
    struct pt_diagnostic *diagnostic = arg;
    if (diagnostic->over) {
        diagnostic_free(diagnostic);
    } else {
        diagnostic->type->on_timer(diagnostic);
    }
}

static const struct pt_diagnostic_type *type_of(const Patronus__V1__DiagnosticOrder *order)
{
    switch (order->request_case) {
    case PATRONUS__V1__DIAGNOSTIC_ORDER__REQUEST_PING:
        return &pt_diagnostic_ping;
    case PATRONUS__V1__DIAGNOSTIC_ORDER__REQUEST_TRACEROUTE:
        return &pt_diagnostic_traceroute;
    case PATRONUS__V1__DIAGNOSTIC_ORDER__REQUEST_CAPTURE:
        return &pt_diagnostic_capture;
    case PATRONUS__V1__DIAGNOSTIC_ORDER__REQUEST_PROBE_PATH:
        return &pt_diagnostic_path;
    default:
        return NULL;
    }
}

/* NULL: one more may run. */
static const char *too_many(const struct pt_agent *agent, const struct pt_diagnostic_type *type)
{
    size_t running = 0, captures = 0;
    PT_LIST_FOREACH (node, &agent->diagnostics) {
        const struct pt_diagnostic *other = PT_CONTAINER(node, struct pt_diagnostic, node);
        running++;
        captures += other->type == &pt_diagnostic_capture;
    }
    return running >= RUNNING_MAX ? "as many diagnostics run on this edge as may: try again when one has ended"
           : type == &pt_diagnostic_capture && captures >= CAPTURES_MAX
               ? "as many captures run on this edge as may: try again when one has ended"
               : NULL;
}

static void begin(struct pt_agent *agent, uint64_t id, const Patronus__V1__DiagnosticOrder *order)
{
    const struct pt_diagnostic_type *type = type_of(order);
    const char *refusal = type == NULL ? "this node does not know the diagnostic: it is older than the controller"
                                       : too_many(agent, type);
    if (refusal != NULL) {
        answer(agent, id, refusal, NULL);
        return;
    }
    struct pt_diagnostic *diagnostic = calloc(1, sizeof(*diagnostic));
    struct pt_error error = {0};
    pt_assert(diagnostic != NULL);
    *diagnostic = (struct pt_diagnostic){.agent = agent, .type = type, .id = id};
    diagnostic->timer = pt_timer_new(agent->options.sys, on_timer, diagnostic);
    pt_list_push_back(&agent->diagnostics, &diagnostic->node);
    if (type->begin(diagnostic, order, &error) != PT_OK) {
        pt_diagnostic_fail(diagnostic, &error);
    }
}

void pt_agent_diagnose(struct pt_agent *agent, const Patronus__V1__NodeQuestion *question)
{
    if (question->question_case == PATRONUS__V1__NODE_QUESTION__QUESTION_DIAGNOSTIC) {
        begin(agent, question->id, question->diagnostic);
        return;
    }
    PT_LIST_FOREACH_SAFE (node, &agent->diagnostics) {
        struct pt_diagnostic *diagnostic = PT_CONTAINER(node, struct pt_diagnostic, node);
        if (diagnostic->id == question->stop) {
            diagnostic_free(diagnostic);
        }
    }
}

void pt_agent_diagnose_stop(struct pt_agent *agent)
{
    PT_LIST_FOREACH_SAFE (node, &agent->diagnostics) {
        diagnostic_free(PT_CONTAINER(node, struct pt_diagnostic, node));
    }
}
