/*
 * Calls that change nothing on their way into the audit log, refused ones and those that are recorded though they are
 * carried out; and the log's reading.
 *
 * Every call that is refused for want of a right is counted here, equal ones together, and becomes a record by an entry
 * of its own. One entry is under way at a time, ten a second at most, with at most ENTRIES_MAX records: an attacker
 * makes numbers grow, not the log. Where a principal is refused in very many ways, the rest is counted without resource
 * or method.
 *
 *   refuse --> entry {principal, key, method, resource, code} += 1 --flush--> leader: log      follower: ReportDenied
 *                |                                               \
 *                '- a known caller's first one: answered when its record is on a quorum, or after ANSWER_MS
 *
 * While there is no leader, counts wait here and nobody is kept from his refusal.
 */
#include "serve/controller_priv.h"

#include "base/assert.h"
#include "patronus/v1/audit.pb-c.h"
#include "patronus/v1/replication.pb-c.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENTRIES_MAX 128
#define ENTRIES_PER_PRINCIPAL_MAX 16
#define WAITING_MAX 256 /* calls whose refusal waits for its record */
#define FLUSH_MS 100    /* from the first refusal, and between two flushes */
#define ANSWER_MS 2000
#define REPORT_MS 2000

struct denied_entry {
    char principal[PT_SPIFFE_SIZE_MAX];
    char api_key[PT_NAME_SIZE_MAX + 1];
    char source[48];
    char method[160];
    char resource[PT_NAME_SIZE_MAX + 1];
    const char *code;
    uint64_t count;
};

struct denied_waiter {
    struct pt_serve_call *call;
    struct pt_error error;
    bool flying; /* its record is in the flush that is under way */
};

struct pt_denied {
    struct pt_controller *controller;
    struct denied_entry *entries; /* ENTRIES_MAX + 1: the last one counts what found no place */
    size_t len;
    struct denied_waiter waiting[WAITING_MAX];
    size_t waiting_len;
    struct pt_timer *flush;
    struct pt_timer *answer; /* nobody waits longer */
    bool flying;
    size_t refs; /* the controller's, and that of a flush under way */
};

/* ---- answering ------------------------------------------------------------------------------------------------ */

static void answer(struct pt_denied *denied, bool flying_only)
{
    size_t kept = 0;
    for (size_t i = 0; i < denied->waiting_len; i++) {
        struct denied_waiter *waiter = &denied->waiting[i];
        if (flying_only && !waiter->flying) {
            denied->waiting[kept++] = *waiter;
            continue;
        }
        pt_serve_fail(waiter->call, &waiter->error);
        pt_serve_call_unref(waiter->call);
    }
    denied->waiting_len = kept;
    if (kept == 0 && denied->answer != NULL) {
        pt_timer_stop(denied->answer);
    }
}

static void on_answer_time(void *arg)
{
    answer(arg, false);
}

/* ---- flushing ------------------------------------------------------------------------------------------------- */

static void unref(struct pt_denied *denied)
{
    if (--denied->refs == 0) {
        free(denied->entries);
        free(denied);
    }
}

static void landed(struct pt_denied *denied)
{
    denied->flying = false;
    if (denied->controller != NULL) {
        answer(denied, true);
        if (denied->len > 0) {
            pt_timer_start(denied->flush, FLUSH_MS, 0);
        }
    }
    unref(denied);
}

static void on_logged(void *arg, enum pt_code code, uint64_t index)
{
    (void)code; /* lost with a leadership: the callers were refused all the same */
    (void)index;
    landed(arg);
}

static void on_reported(void *arg, const struct pt_error *error, struct pt_bytes message)
{
    (void)error;
    (void)message;
    landed(arg);
}

static void pack(const struct pt_denied *denied, Patronus__V1__RecordedCall calls[], Patronus__V1__RecordedCall *list[])
{
    for (size_t i = 0; i < denied->len; i++) {
        const struct denied_entry *entry = &denied->entries[i];
        patronus__v1__recorded_call__init(&calls[i]);
        calls[i].principal = (char *)(uintptr_t)entry->principal;
        calls[i].api_key = (char *)(uintptr_t)entry->api_key;
        calls[i].source = (char *)(uintptr_t)entry->source;
        calls[i].method = (char *)(uintptr_t)entry->method;
        calls[i].resource = (char *)(uintptr_t)entry->resource;
        calls[i].code = (char *)(uintptr_t)entry->code;
        calls[i].count = entry->count;
        list[i] = &calls[i];
    }
}

/* The log entry. */
static void entry_of(const struct pt_controller *controller, Patronus__V1__RecordedCalls *calls, struct pt_buf *out)
{
    Patronus__V1__Command command = PATRONUS__V1__COMMAND__INIT;
    command.format = 1;
    command.time_ns = pt_sys_wall_ns(controller->sys);
    command.principal = (char *)(uintptr_t) "internal";
    command.op_case = PATRONUS__V1__COMMAND__OP_CALLS;
    command.calls = calls;
    pt_kind_command(&command, out);
}

static void log_denied(struct pt_controller *controller, Patronus__V1__RecordedCalls *calls, pt_raft_done_fn done,
                       void *arg)
{
    PT_AUTO(buf) struct pt_buf data = {0};
    entry_of(controller, calls, &data);
    pt_raft_propose(controller->raft, pt_buf_bytes(&data), done, arg);
}

static void on_flush_time(void *arg)
{
    struct pt_denied *denied = arg;
    struct pt_controller *controller = denied->controller;
    if (denied->flying || denied->len == 0 || controller->closing) {
        return;
    }
    Patronus__V1__RecordedCall calls[ENTRIES_MAX + 1];
    Patronus__V1__RecordedCall *list[ENTRIES_MAX + 1];
    pack(denied, calls, list);
    Patronus__V1__RecordedCalls packed = PATRONUS__V1__RECORDED_CALLS__INIT;
    packed.calls = list;
    packed.n_calls = denied->len;
    denied->refs++;
    denied->flying = true;
    if (controller->ready) {
        log_denied(controller, &packed, on_logged, denied);
    } else {
        PT_AUTO(buf) struct pt_buf bytes = {0};
        size_t size = patronus__v1__recorded_calls__get_packed_size(&packed);
        bytes.size = patronus__v1__recorded_calls__pack(&packed, pt_buf_reserve(&bytes, size));
        if (!pt_serve_ask_leader(controller, "/patronus.v1.AuditService/ReportDenied", pt_buf_bytes(&bytes), REPORT_MS,
                                 on_reported, denied)) {
            denied->refs--;
            denied->flying = false;
            pt_timer_start(denied->flush, FLUSH_MS, 0); /* no leader: later */
            return;
        }
    }
    denied->len = 0;
    for (size_t i = 0; i < denied->waiting_len; i++) {
        denied->waiting[i].flying = true;
    }
}

/* ---- counting ------------------------------------------------------------------------------------------------- */

static struct denied_entry *place(struct pt_denied *denied, const struct pt_caller *caller, const char *method,
                                  const char *resource, const char *code)
{
    size_t own = 0;
    for (size_t i = 0; i < denied->len; i++) {
        struct denied_entry *entry = &denied->entries[i];
        bool same = strcmp(entry->principal, caller->principal) == 0;
        own += same;
        if (same && entry->code == code && strcmp(entry->method, method) == 0 &&
            strcmp(entry->resource, resource) == 0 && strcmp(entry->api_key, caller->api_key) == 0) {
            return entry;
        }
    }
    static const struct pt_caller many = {.principal = "(many)", .api_key = "", .source = ""};
    if (own >= ENTRIES_PER_PRINCIPAL_MAX && method[0] != '\0') {
        return place(denied, caller, "", "", code); /* the last way in which he is told from others */
    }
    if (denied->len >= ENTRIES_MAX && caller != &many) {
        return place(denied, &many, "", "", "PERMISSION_DENIED");
    }
    pt_assert(denied->len <= ENTRIES_MAX);
    struct denied_entry *entry = &denied->entries[denied->len++];
    *entry = (struct denied_entry){.code = code};
    (void)snprintf(entry->principal, sizeof(entry->principal), "%s", caller->principal);
    (void)snprintf(entry->api_key, sizeof(entry->api_key), "%s", caller->api_key);
    (void)snprintf(entry->source, sizeof(entry->source), "%s", caller->source);
    (void)snprintf(entry->method, sizeof(entry->method), "%s", method);
    (void)snprintf(entry->resource, sizeof(entry->resource), "%s", resource);
    return entry;
}

/* True when the entry is new. */
static bool count(struct pt_denied *denied, const struct pt_serve_call *call, const char *resource,
                  const struct pt_error *error)
{
    const char *method = strrchr(call->method->path, '/');
    struct denied_entry *entry =
        place(denied, &call->caller, method != NULL ? method + 1 : "", resource, pt_code_name(error->code));
    if (!denied->flying && !pt_timer_active(denied->flush)) {
        pt_timer_start(denied->flush, FLUSH_MS, 0);
    }
    return entry->count++ == 0;
}

void pt_serve_note_denied(struct pt_serve_call *call, const char *resource, const struct pt_error *error)
{
    if (error->denied && !call->controller->closing) {
        (void)count(call->controller->denied, call, resource, error);
    }
}

/* The resource that a request names. */
static const char *resource_of(const struct pt_msg *request)
{
    static const char *const fields[] = {"name", "parent", "resource", "edge"};
    for (size_t i = 0; request != NULL && i < sizeof(fields) / sizeof(fields[0]); i++) {
        const struct pt_field_type *field = pt_message_field(request->type, fields[i]);
        if (field != NULL && field->kind == PT_FIELD_STRING && pt_msg_has(request, fields[i])) {
            return pt_msg_str(request, fields[i]);
        }
    }
    for (size_t i = 0; request != NULL && i < request->fields_len; i++) {
        const struct pt_msg_field *field = &request->fields[i];
        if (field->type->message != NULL && field->type->message->resource != NULL) {
            return pt_msg_str(field->values[0].message, "name");
        }
    }
    return "";
}

void pt_serve_fail_recorded(struct pt_serve_call *call, const struct pt_msg *request, const struct pt_error *error)
{
    struct pt_denied *denied = call->controller->denied;
    if (!error->denied || call->controller->closing || (call->rpc == NULL && call->carrier == NULL)) {
        pt_serve_fail(call, error);
        return;
    }
    bool first = count(denied, call, resource_of(request), error);
    call->recorded = true;
    bool known = strcmp(call->caller.principal, "anonymous") != 0;
    if (!first || !known || denied->waiting_len == WAITING_MAX) {
        pt_serve_fail(call, error);
        return;
    }
    pt_serve_call_ref(call);
    denied->waiting[denied->waiting_len++] = (struct denied_waiter){.call = call, .error = *error};
    if (!pt_timer_active(denied->answer)) {
        pt_timer_start(denied->answer, ANSWER_MS, 0);
    }
}

void pt_serve_record(struct pt_serve_call *call, const char *resource,
                     void (*done)(struct pt_serve_call *call, const struct pt_verdict *verdict))
{
    const struct pt_caller *caller = &call->caller;
    const char *method = strrchr(call->method->path, '/');
    Patronus__V1__RecordedCall item = PATRONUS__V1__RECORDED_CALL__INIT;
    Patronus__V1__RecordedCall *list[] = {&item};
    Patronus__V1__RecordedCalls calls = PATRONUS__V1__RECORDED_CALLS__INIT;
    item.principal = (char *)(uintptr_t)caller->principal;
    item.api_key = (char *)(uintptr_t)(caller->api_key != NULL ? caller->api_key : "");
    item.source = (char *)(uintptr_t)(caller->source != NULL ? caller->source : "");
    item.method = (char *)(uintptr_t)(method != NULL ? method + 1 : "");
    item.resource = (char *)(uintptr_t)resource;
    item.code = (char *)(uintptr_t)pt_code_name(PT_OK);
    item.count = 1;
    calls.calls = list;
    calls.n_calls = 1;
    PT_AUTO(buf) struct pt_buf data = {0};
    entry_of(call->controller, &calls, &data);
    pt_serve_propose(call, pt_buf_bytes(&data), done);
}

/* ---- life ----------------------------------------------------------------------------------------------------- */

struct pt_denied *pt_denied_new(struct pt_controller *controller)
{
    struct pt_denied *denied = calloc(1, sizeof(*denied));
    pt_assert(denied != NULL);
    denied->controller = controller;
    denied->entries = calloc(ENTRIES_MAX + 1, sizeof(*denied->entries));
    pt_assert(denied->entries != NULL);
    denied->flush = pt_timer_new(controller->sys, on_flush_time, denied);
    denied->answer = pt_timer_new(controller->sys, on_answer_time, denied);
    denied->refs = 1;
    return denied;
}

void pt_denied_close(struct pt_denied *denied)
{
    if (denied != NULL) {
        answer(denied, false);
    }
}

void pt_denied_free(struct pt_denied *denied)
{
    if (denied == NULL) {
        return;
    }
    pt_timer_free(denied->flush);
    pt_timer_free(denied->answer);
    denied->flush = denied->answer = NULL;
    denied->controller = NULL;
    unref(denied);
}

void pt_denied_abandon(struct pt_denied *denied)
{
    denied->waiting_len = 0; /* their calls are freed without a word */
    denied->refs = 1;
}

/* ---- methods -------------------------------------------------------------------------------------------------- */

static void query_message(struct pt_serve_call *call, struct pt_bytes message)
{
    struct pt_arena arena;
    pt_arena_init(&arena);
    struct pt_msg *request = NULL;
    struct pt_error error = {0};
    PT_AUTO(buf) struct pt_buf reply = {0};
    enum pt_code code = pt_msg_parse(call->method->input, message, NULL, &arena, &request, &error);
    if (code == PT_OK) {
        code = pt_kind_audit_query(call->controller->machine, call->method, request, &reply, &error);
    }
    if (code != PT_OK) {
        pt_serve_fail(call, &error);
    } else {
        pt_serve_reply(call, pt_buf_bytes(&reply));
    }
    pt_arena_fini(&arena);
}

const struct pt_serve_method pt_serve_query_audit = {.path = "/patronus.v1.AuditService/QueryAudit",
                                                     .on_message = query_message};

static void reported(struct pt_serve_call *call, const struct pt_verdict *verdict)
{
    (void)verdict;
    pt_serve_reply(call, (struct pt_bytes){0}); /* ReportDeniedResponse has no fields */
}

static void report_message(struct pt_serve_call *call, struct pt_bytes message)
{
    struct pt_arena arena;
    pt_arena_init(&arena);
    struct pt_msg *request = NULL;
    struct pt_error error = {0};
    if (pt_msg_parse(call->method->input, message, NULL, &arena, &request, &error) != PT_OK) {
        pt_serve_fail(call, &error);
        pt_arena_fini(&arena);
        return;
    }
    pt_arena_fini(&arena);
    /* The walker has passed it. */
    Patronus__V1__RecordedCalls *calls = patronus__v1__recorded_calls__unpack(NULL, message.size, message.data);
    pt_assert(calls != NULL);
    PT_AUTO(buf) struct pt_buf data = {0};
    entry_of(call->controller, calls, &data);
    patronus__v1__recorded_calls__free_unpacked(calls, NULL);
    pt_serve_propose(call, pt_buf_bytes(&data), reported);
}

const struct pt_serve_method pt_serve_report_denied = {.path = "/patronus.v1.AuditService/ReportDenied",
                                                       .on_message = report_message};
