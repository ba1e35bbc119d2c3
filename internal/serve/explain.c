/*
 * Questions that only edges can answer: why did a flow go where it went, what was dropped?
 *
 *     call -> whom? -> a question over each edge's stream --answers, or 2 s--> names, reasons -> reply
 *
 * The leader keeps nothing of flows: an edge remembers its own (internal/agent/history.h), and is asked when somebody
 * wants to know. A call asks one edge about a flow, and up to EDGES_MAX edges about drops; what does not answer in time
 * is missing in the latter. At most CALLS_MAX calls wait at a time.
 */
#include "serve/controller_priv.h"

#include "base/assert.h"
#include "base/drop.h"
#include "mod/te/recorded.h"
#include "plan/plan.h"

#include <stdlib.h>
#include <string.h>

#define CALLS_MAX 64
#define EDGES_MAX 64
#define WAIT_MS 2000
#define DROPS_MAX 1024 /* lines of an answer */
#define SAMPLES_MAX 8  /* of a line */

struct asked_edge {
    uint64_t id; /* of the question */
    const char *edge;
    Patronus__V1__NodeAnswer *answer; /* NULL: none yet */
};

/* A call that waits for edges. */
struct explaining {
    struct pt_list node; /* controller->explaining */
    struct pt_serve_call *call;
    struct pt_arena arena;
    struct pt_msg *request;
    struct te_flow_place place; /* of ExplainFlow */
    uint32_t reason;            /* of ExplainDrop; 0: any */
    struct asked_edge edges[EDGES_MAX];
    size_t edges_len, open;
    struct pt_timer *timer;
    void (*finish)(struct explaining *explaining, const struct pt_plan_pass *pass);
};

static void explaining_free(struct explaining *explaining)
{
    explaining->call->controller->explaining_len--;
    pt_list_remove(&explaining->node);
    pt_timer_free(explaining->timer);
    for (size_t i = 0; i < explaining->edges_len; i++) {
        if (explaining->edges[i].answer != NULL) {
            patronus__v1__node_answer__free_unpacked(explaining->edges[i].answer, NULL);
        }
    }
    pt_serve_call_unref(explaining->call);
    pt_arena_fini(&explaining->arena);
    free(explaining);
}

static void no_plan(struct pt_serve_call *call)
{
    pt_serve_refuse(call, PT_UNAVAILABLE, PT_REASON_LEADER_CHANGED,
                    "the leader was elected just now and has no plan yet: try again in a second");
}

static void finish(struct explaining *explaining)
{
    const struct pt_plan_pass *pass = pt_push_pass(explaining->call->controller->push);
    if (pass == NULL) {
        no_plan(explaining->call);
    } else {
        explaining->finish(explaining, pass);
    }
    explaining_free(explaining);
}

static void on_late(void *arg)
{
    finish(arg);
}

void pt_explain_answer(struct pt_controller *controller, const char *edge, Patronus__V1__NodeAnswer *answer)
{
    PT_LIST_FOREACH_SAFE (node, &controller->explaining) {
        struct explaining *explaining = PT_CONTAINER(node, struct explaining, node);
        for (size_t i = 0; i < explaining->edges_len; i++) {
            struct asked_edge *asked = &explaining->edges[i];
            if (asked->id == answer->id && asked->answer == NULL && strcmp(asked->edge, edge) == 0) {
                asked->answer = answer;
                if (--explaining->open == 0) {
                    finish(explaining);
                }
                return;
            }
        }
    }
    patronus__v1__node_answer__free_unpacked(answer, NULL); /* too late, or nobody asked */
}

void pt_explain_forget(struct pt_controller *controller)
{
    PT_LIST_FOREACH_SAFE (node, &controller->explaining) {
        struct explaining *explaining = PT_CONTAINER(node, struct explaining, node);
        pt_serve_refuse(explaining->call, PT_UNAVAILABLE, PT_REASON_LEADER_CHANGED, "the leader changed: try again");
        explaining_free(explaining);
    }
}

void pt_explain_abandon(struct pt_controller *controller)
{
    PT_LIST_FOREACH_SAFE (node, &controller->explaining) {
        explaining_free(PT_CONTAINER(node, struct explaining, node));
    }
}

/* A call with its request checked; NULL after refusing it. */
static struct explaining *explaining_new(struct pt_serve_call *call, struct pt_bytes message)
{
    struct pt_controller *controller = call->controller;
    const struct pt_parse_options options = {.unknown = PT_UNKNOWN_REFUSE};
    struct pt_error error = {0};
    if (controller->explaining_len == CALLS_MAX) {
        pt_serve_refuse(call, PT_EXHAUSTED, PT_REASON_OVERLOADED,
                        "%d questions wait for edges already: try again in a second", CALLS_MAX);
        return NULL;
    }
    struct explaining *explaining = calloc(1, sizeof(*explaining));
    pt_assert(explaining != NULL);
    pt_arena_init(&explaining->arena);
    pt_serve_call_ref(call);
    explaining->call = call;
    controller->explaining_len++;
    pt_list_push_back(&controller->explaining, &explaining->node);
    explaining->timer = pt_timer_new(controller->sys, on_late, explaining);
    struct pt_bytes copy = {pt_arena_memdup(&explaining->arena, message.data, message.size), message.size};
    enum pt_code code =
        pt_msg_parse(call->method->input, copy, &options, &explaining->arena, &explaining->request, &error);
    code = code == PT_OK ? pt_msg_check(explaining->request, PT_RULE_CREATE, &error) : code;
    if (code != PT_OK) {
        pt_serve_fail(call, &error);
        explaining_free(explaining);
        return NULL;
    }
    return explaining;
}

/* Ask an edge; one that is not connected is left out. */
static void ask(struct explaining *explaining, const char *edge, Patronus__V1__NodeQuestion *question)
{
    struct pt_controller *controller = explaining->call->controller;
    struct pt_edge_session *session = pt_edge_find(controller, edge);
    question->id = ++controller->question_id;
    if (session != NULL && explaining->edges_len < EDGES_MAX && pt_edge_ask(session, question)) {
        explaining->edges[explaining->edges_len++] =
            (struct asked_edge){.id = question->id, .edge = pt_arena_strdup(&explaining->arena, edge)};
        explaining->open++;
    }
}

static void wait_or_finish(struct explaining *explaining)
{
    if (explaining->open == 0) {
        finish(explaining);
    } else {
        pt_timer_start(explaining->timer, WAIT_MS, 0);
    }
}

static void reply(struct pt_serve_call *call, const ProtobufCMessage *message)
{
    PT_AUTO(buf) struct pt_buf data = {0};
    size_t size = protobuf_c_message_get_packed_size(message);
    (void)protobuf_c_message_pack(message, pt_buf_reserve(&data, size));
    data.size = size;
    pt_serve_reply(call, pt_buf_bytes(&data));
}

/* ---- a flow --------------------------------------------------------------------------------------------------- */

static void finish_flow(struct explaining *explaining, const struct pt_plan_pass *pass)
{
    struct pt_serve_call *call = explaining->call;
    const Patronus__V1__NodeAnswer *answer = explaining->edges_len > 0 ? explaining->edges[0].answer : NULL;
    Patronus__V1__ExplainFlowResponse *response = NULL;
    struct pt_error error = {0};
    if (explaining->edges_len == 0) {
        pt_serve_refuse(call, PT_UNAVAILABLE, PT_REASON_NONE,
                        "'%.200s' is not connected, and only it knows: try again when it is", explaining->place.edge);
    } else if (answer == NULL) {
        pt_serve_refuse(call, PT_UNAVAILABLE, PT_REASON_NONE, "'%.200s' did not answer in %d ms: try again",
                        explaining->place.edge, WAIT_MS);
    } else if (answer->error[0] != '\0' || answer->answer_case != PATRONUS__V1__NODE_ANSWER__ANSWER_FLOW) {
        pt_serve_refuse(call, PT_FAILED_PRECONDITION, PT_REASON_NONE, "'%.160s' cannot say: %.200s",
                        explaining->place.edge, answer->error);
    } else if (te_flow_explain(pass, &explaining->place, answer->flow, &explaining->arena, &response, &error) !=
               PT_OK) {
        pt_serve_fail(call, &error);
    } else {
        reply(call, &response->base);
    }
}

static void flow_message(struct pt_serve_call *call, struct pt_bytes message)
{
    struct explaining *explaining = explaining_new(call, message);
    const struct pt_plan_pass *pass = pt_push_pass(call->controller->push);
    struct pt_error error = {0};
    if (explaining == NULL) {
        return;
    }
    if (pass == NULL) {
        no_plan(call);
        explaining_free(explaining);
        return;
    }
    if (te_flow_place(pass, explaining->request, &explaining->arena, &explaining->place, &error) != PT_OK) {
        pt_serve_fail(call, &error);
        explaining_free(explaining);
        return;
    }
    Patronus__V1__NodeQuestion question = PATRONUS__V1__NODE_QUESTION__INIT;
    question.question_case = PATRONUS__V1__NODE_QUESTION__QUESTION_FLOW;
    question.flow = explaining->place.question;
    explaining->finish = finish_flow;
    ask(explaining, explaining->place.edge, &question);
    wait_or_finish(explaining);
}

const struct pt_serve_method pt_serve_explain_flow = {.path = "/patronus.v1.ExplainService/ExplainFlow",
                                                      .on_message = flow_message};

/* ---- drops ---------------------------------------------------------------------------------------------------- */

struct lines {
    struct explaining *explaining;
    const struct pt_plan_pass *pass; /* NULL while edges are asked */
    Patronus__V1__DropExplanation **drops;
    size_t len;
};

/* Is the edge one of those asked about? */
static bool concerns(const struct explaining *explaining, const char *edge)
{
    const char *parent = pt_msg_str(explaining->request, "parent"), *site = pt_msg_str(explaining->request, "site");
    const char *above = site[0] != '\0' ? site : parent;
    size_t size = strlen(above);
    return strncmp(edge, parent, strlen(parent)) == 0 && edge[strlen(parent)] == '/' &&
           strncmp(edge, above, size) == 0 && edge[size] == '/';
}

static const Patronus__V1__DropAnswer *answer_of(const struct explaining *explaining, const char *edge)
{
    for (size_t i = 0; i < explaining->edges_len; i++) {
        const Patronus__V1__NodeAnswer *answer = explaining->edges[i].answer;
        if (strcmp(explaining->edges[i].edge, edge) == 0 && answer != NULL &&
            answer->answer_case == PATRONUS__V1__NODE_ANSWER__ANSWER_DROP) {
            return answer->drop;
        }
    }
    return NULL;
}

static void put_samples(struct lines *lines, Patronus__V1__DropExplanation *line, const char *edge, uint32_t reason)
{
    const Patronus__V1__DropAnswer *answer = answer_of(lines->explaining, edge);
    struct pt_arena *arena = &lines->explaining->arena;
    line->samples = pt_arena_array(arena, SAMPLES_MAX, sizeof(*line->samples));
    for (size_t i = 0; answer != NULL && i < answer->n_samples && line->n_samples < SAMPLES_MAX; i++) {
        if (answer->samples[i]->reason == reason) {
            line->samples[line->n_samples++] = te_dropped_packet(lines->pass, answer->samples[i], arena);
        }
    }
}

static void add_line(void *arg, const char *edge, uint32_t reason, uint64_t packets, uint64_t recent)
{
    struct lines *lines = arg;
    struct pt_arena *arena = &lines->explaining->arena;
    const char *end = strstr(edge, "/edges/");
    uint32_t wanted = lines->explaining->reason;
    if (!concerns(lines->explaining, edge) || end == NULL || (wanted != 0 && wanted != reason) ||
        lines->len == DROPS_MAX) {
        return;
    }
    Patronus__V1__DropExplanation *line = PT_NEW(arena, Patronus__V1__DropExplanation);
    patronus__v1__drop_explanation__init(line);
    line->site = pt_arena_strndup(arena, edge, (size_t)(end - edge));
    line->reason = (char *)(uintptr_t)pt_drop_label(reason);
    line->text = (char *)(uintptr_t)pt_drop_text(reason);
    line->remedy = (char *)(uintptr_t)pt_drop_remedy(reason);
    line->packets = packets;
    line->recent_packets = recent;
    put_samples(lines, line, edge, reason);
    lines->drops[lines->len++] = line;
}

static int compare_lines(const void *a, const void *b)
{
    const Patronus__V1__DropExplanation *x = *(Patronus__V1__DropExplanation *const *)a;
    const Patronus__V1__DropExplanation *y = *(Patronus__V1__DropExplanation *const *)b;
    int order = strcmp(x->site, y->site);
    if (order == 0 && x->recent_packets != y->recent_packets) {
        order = x->recent_packets > y->recent_packets ? -1 : 1;
    }
    return order != 0 ? order : strcmp(x->reason, y->reason);
}

static void finish_drop(struct explaining *explaining, const struct pt_plan_pass *pass)
{
    Patronus__V1__ExplainDropResponse response = PATRONUS__V1__EXPLAIN_DROP_RESPONSE__INIT;
    struct lines lines = {.explaining = explaining,
                          .pass = pass,
                          .drops = pt_arena_array(&explaining->arena, DROPS_MAX, sizeof(*lines.drops))};
    pt_metrics_each_drop(explaining->call->controller, add_line, &lines);
    if (lines.len > 0) {
        qsort(lines.drops, lines.len, sizeof(*lines.drops), compare_lines);
    }
    response.drops = lines.drops;
    response.n_drops = lines.len;
    reply(explaining->call, &response.base);
}

static void ask_about_drops(struct explaining *explaining)
{
    struct pt_controller *controller = explaining->call->controller;
    Patronus__V1__DropQuestion drop = PATRONUS__V1__DROP_QUESTION__INIT;
    Patronus__V1__NodeQuestion question = PATRONUS__V1__NODE_QUESTION__INIT;
    drop.reason = explaining->reason;
    drop.limit = 64;
    question.question_case = PATRONUS__V1__NODE_QUESTION__QUESTION_DROP;
    question.drop = &drop;
    PT_LIST_FOREACH_SAFE (node, &controller->sessions) {
        const struct pt_edge_session *session = PT_CONTAINER(node, struct pt_edge_session, node);
        if (concerns(explaining, session->edge)) {
            ask(explaining, session->edge, &question);
        }
    }
}

static void drop_message(struct pt_serve_call *call, struct pt_bytes message)
{
    struct explaining *explaining = explaining_new(call, message);
    if (explaining == NULL) {
        return;
    }
    const char *label = pt_msg_str(explaining->request, "reason");
    explaining->reason = pt_drop_by_label(label);
    explaining->finish = finish_drop;
    if (label[0] != '\0' && explaining->reason == 0) {
        struct pt_error error = {0};
        (void)pt_fail(&error, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "reason",
                      "there is no drop reason '%.64s'; docs/drops.md lists them", label);
        pt_serve_fail(call, &error);
        explaining_free(explaining);
        return;
    }
    ask_about_drops(explaining);
    wait_or_finish(explaining);
}

const struct pt_serve_method pt_serve_explain_drop = {.path = "/patronus.v1.ExplainService/ExplainDrop",
                                                      .on_message = drop_message};
