/*
 * Classify: which applications the flows of a capture belong to. The capture and the organization's descriptions are
 * copied on the loop; a worker opens an engine of its own, reads the capture and makes the answer.
 *
 * A call holds up to 1 MB for as long as it waits for the worker, which artifacts want too: so many wait at a time, of
 * one organization a quarter of them, and the next is told to come again.
 */
#include "serve/controller_priv.h"

#include "base/assert.h"
#include "dpi/catalog.h"
#include "dpi/classify.h"
#include "patronus/v1/inspection.pb-c.h"
#include "serve/artifact.h"

#include <stdlib.h>
#include <string.h>

#define FLOWS_MAX 4096
#define CALLS_MAX 32
#define ORGANIZATION_MAX 8
#define RETRY_MS 1000
#define SCOPE 1

struct classify {
    struct pt_list node; /* controller->classifying; unlinked: refused before it waited */
    struct pt_serve_call *call;
    struct pt_arena arena;
    struct pt_msg *request;
    struct pt_dpi_set *set; /* the engine takes it over */
    struct pt_buf reply;
    enum pt_code code;
    struct pt_error error;
};

static void classify_free(struct classify *classify)
{
    pt_list_remove(&classify->node);
    pt_serve_call_unref(classify->call);
    pt_dpi_set_free(classify->set);
    pt_buf_fini(&classify->reply);
    pt_arena_fini(&classify->arena);
    free(classify);
}

/* ---- descriptions --------------------------------------------------------------------------------------------- */

static char *lower_case(struct pt_arena *arena, const char *text)
{
    char *copy = pt_arena_strdup(arena, text);
    for (char *c = copy; *c != '\0'; c++) {
        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c + 32) : *c;
    }
    return copy;
}

static size_t len_of(const struct pt_msg_field *field)
{
    return field != NULL ? field->len : 0;
}

static void describe(struct pt_arena *arena, const struct pt_msg *match, struct pt_dpi_description *description)
{
    const struct pt_msg_field *ports = pt_msg_field(match, "ports"), *cidrs = pt_msg_field(match, "cidrs");
    const struct pt_msg_field *hosts = pt_msg_field(match, "hosts"), *dscps = pt_msg_field(match, "dscps");
    const struct pt_msg_field *signatures = pt_msg_field(match, "signatures");
    struct pt_dpi_span *spans = pt_arena_array(arena, len_of(ports), sizeof(*spans));
    struct pt_prefix *prefixes = pt_arena_array(arena, len_of(cidrs), sizeof(*prefixes));
    const char **names = pt_arena_array(arena, len_of(hosts), sizeof(*names));
    uint32_t *numbers = pt_arena_array(arena, len_of(signatures), sizeof(*numbers));
    uint64_t dscp_mask = dscps == NULL ? UINT64_MAX : 0;
    for (size_t i = 0; i < len_of(ports); i++) {
        spans[i].first = (uint16_t)pt_msg_u64(ports->values[i].message, "first");
        spans[i].last = (uint16_t)pt_msg_u64(ports->values[i].message, "last");
    }
    for (size_t i = 0; i < len_of(cidrs); i++) { /* checked when it was written */
        enum pt_code code = pt_prefix_parse((const char *)cidrs->values[i].bytes.data, &prefixes[i], NULL);
        pt_assert(code == PT_OK);
    }
    for (size_t i = 0; i < len_of(hosts); i++) {
        names[i] = lower_case(arena, (const char *)hosts->values[i].bytes.data);
    }
    for (size_t i = 0; i < len_of(signatures); i++) {
        numbers[i] = pt_dpi_signature_number((const char *)signatures->values[i].bytes.data);
    }
    for (size_t i = 0; i < len_of(dscps); i++) {
        dscp_mask |= 1ULL << (dscps->values[i].u64 & 63);
    }
    *description = (struct pt_dpi_description){
        .protocol = pt_msg_has(match, "protocol") ? (uint32_t)pt_msg_u64(match, "protocol") : PT_DPI_PROTOCOL_ANY,
        .dscp_mask = dscp_mask,
        .ports = spans,
        .ports_len = len_of(ports),
        .prefixes = prefixes,
        .prefixes_len = len_of(cidrs),
        .hosts = names,
        .hosts_len = len_of(hosts),
        .signatures = numbers,
        .signatures_len = len_of(signatures)};
}

static bool add_application(void *arg, const char *name, const struct pt_msg *msg)
{
    struct pt_dpi_set *set = arg;
    const struct pt_msg_field *matches = pt_msg_field(msg, "matches");
    struct pt_dpi_application *application =
        pt_dpi_set_add(set, SCOPE, (uint32_t)pt_msg_u64(msg, "application_id"), name, len_of(matches));
    for (size_t i = 0; i < len_of(matches); i++) {
        describe(pt_dpi_set_arena(set), matches->values[i].message, &application->descriptions[i]);
    }
    return true;
}

/* ---- the worker's part ---------------------------------------------------------------------------------------- */

static Patronus__V1__ClassifiedFlow *flow_entry(struct pt_arena *arena, const struct pt_dpi_set *set,
                                                const struct pt_dpi_flow *flow)
{
    Patronus__V1__ClassifiedFlow *entry = PT_NEW(arena, Patronus__V1__ClassifiedFlow);
    patronus__v1__classified_flow__init(entry);
    char text[PT_IP_TEXT_SIZE];
    const struct pt_dpi_verdict *verdict = &flow->verdict;
    entry->source = pt_arena_strdup(arena, pt_ip_format(&flow->client, text));
    entry->destination = pt_arena_strdup(arena, pt_ip_format(&flow->server, text));
    entry->source_port = flow->port_client;
    entry->destination_port = flow->port_server;
    entry->protocol = flow->protocol;
    const struct pt_dpi_application *known =
        verdict->application != 0 ? pt_dpi_set_find(set, SCOPE, verdict->application) : NULL;
    const char *signature = pt_dpi_signature_name(verdict->signature),
               *carrier = pt_dpi_signature_name(verdict->carrier);
    entry->application = pt_arena_strdup(arena, known != NULL ? known->name : "");
    entry->signature = pt_arena_strdup(arena, signature != NULL ? signature : "unknown");
    entry->carrier = pt_arena_strdup(arena, carrier != NULL ? carrier : "");
    entry->evidence = (Patronus__V1__Evidence)verdict->evidence;
    entry->confidence = verdict->confidence;
    entry->host = pt_arena_strdup(arena, flow->host != NULL ? flow->host : "");
    entry->packets = flow->packets;
    entry->bytes = flow->bytes;
    entry->known_after = verdict->known_after;
    return entry;
}

static void answer(struct classify *classify, struct pt_dpi *dpi, const struct pt_dpi_summary *summary)
{
    Patronus__V1__ClassifyResponse response = PATRONUS__V1__CLASSIFY_RESPONSE__INIT;
    struct pt_dpi_flow *flow;
    response.flows = pt_arena_array(&classify->arena, FLOWS_MAX, sizeof(*response.flows));
    while (response.n_flows < FLOWS_MAX && (flow = pt_dpi_flow_at(dpi, response.n_flows)) != NULL) {
        response.flows[response.n_flows++] = flow_entry(&classify->arena, pt_dpi_set(dpi), flow);
    }
    response.packets = summary->packets;
    response.skipped = summary->skipped;
    response.flows_left_out = pt_dpi_counts(dpi).left_out;
    size_t size = patronus__v1__classify_response__get_packed_size(&response);
    (void)patronus__v1__classify_response__pack(&response, pt_buf_reserve(&classify->reply, size));
    classify->reply.size = size;
}

static void classify_work(void *arg)
{
    struct classify *classify = arg;
    const struct pt_dpi_options options = {.flows_max = FLOWS_MAX,
                                           .tcp_packets_max = PT_DPI_TCP_PACKETS_DEFAULT,
                                           .udp_packets_max = PT_DPI_UDP_PACKETS_DEFAULT};
    struct pt_bytes capture = pt_msg_bytes(classify->request, "capture");
    struct pt_dpi_summary summary;
    struct pt_dpi *dpi = NULL;
    classify->code = pt_dpi_new(&options, &dpi, &classify->error);
    if (classify->code != PT_OK) {
        return;
    }
    pt_dpi_describe(dpi, classify->set);
    classify->set = NULL;
    classify->code = pt_dpi_classify(dpi, SCOPE, capture.data, capture.size, &summary, &classify->error);
    if (classify->code == PT_OK) {
        answer(classify, dpi, &summary);
    }
    pt_dpi_free(dpi);
}

static void classify_done(void *arg)
{
    struct classify *classify = arg;
    if (classify->code != PT_OK) {
        pt_serve_fail(classify->call, &classify->error);
    } else {
        pt_serve_reply(classify->call, pt_buf_bytes(&classify->reply));
    }
    classify_free(classify);
}

static enum pt_code check_room(struct pt_controller *controller, const char *organization, struct pt_error *reterr)
{
    size_t all = 0, own = 0;
    PT_LIST_FOREACH (item, &controller->classifying) {
        const struct classify *other = PT_CONTAINER(item, struct classify, node);
        all++;
        own += strcmp(pt_msg_str(other->request, "parent"), organization) == 0;
    }
    if (all < CALLS_MAX && own < ORGANIZATION_MAX) {
        return PT_OK;
    }
    (void)pt_fail(reterr, PT_EXHAUSTED, PT_REASON_OVERLOADED, NULL,
                  "%zu captures%s are being classified already: try again in a second",
                  own >= ORGANIZATION_MAX ? own : all, own >= ORGANIZATION_MAX ? " of this organization" : "");
    reterr->retry_ms = RETRY_MS;
    return PT_EXHAUSTED;
}

static void classify_message(struct pt_serve_call *call, struct pt_bytes message)
{
    struct classify *classify = calloc(1, sizeof(*classify));
    pt_assert(classify != NULL);
    pt_arena_init(&classify->arena);
    pt_list_init(&classify->node);
    pt_serve_call_ref(call);
    classify->call = call;
    const struct pt_parse_options options = {.unknown = PT_UNKNOWN_REFUSE};
    struct pt_error error = {0};
    uint8_t *copy = pt_arena_memdup(&classify->arena, message.data, message.size);
    enum pt_code code = pt_msg_parse(call->method->input, (struct pt_bytes){.data = copy, .size = message.size},
                                     &options, &classify->arena, &classify->request, &error);
    if (code == PT_OK) {
        code = pt_msg_check(classify->request, PT_RULE_CREATE, &error);
    }
    struct pt_view *view = pt_view_new(call->controller->machine);
    const char *parent = code == PT_OK ? pt_msg_str(classify->request, "parent") : "";
    if (code == PT_OK && pt_view_get(view, parent) == NULL) {
        code = pt_fail(&error, PT_NOT_FOUND, PT_REASON_PARENT_NOT_FOUND, "parent", "there is no '%.200s'", parent);
    }
    if (code == PT_OK) {
        code = check_room(call->controller, parent, &error);
    }
    if (code == PT_OK) {
        classify->set = pt_dpi_set_new();
        pt_view_scan(view, "application", parent, add_application, classify->set);
    }
    pt_view_free(view);
    if (code != PT_OK) {
        pt_serve_fail(call, &error);
        classify_free(classify);
        return;
    }
    pt_list_push_back(&call->controller->classifying, &classify->node);
    pt_executor_submit(pt_artifacts_work(call->controller->artifacts), classify_work, classify_done, classify);
}

const struct pt_serve_method pt_serve_classify = {.path = "/patronus.v1.ApplicationService/Classify",
                                                  .on_message = classify_message};
