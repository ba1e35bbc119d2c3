/*
 * One machine on a simulated host, driven as a leader drives it: a request is prepared, its command applied as the next
 * log entry, and the verdict read. Requests are written as JSON by method name, so that a test reads like a session.
 */
#pragma once

#include "base/assert.h"
#include "base/map.h"
#include "kind/kind.h"
#include "mod/mods.h"
#include "sys/sys_sim.h"
#include "wire/json.h"

#include <check.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "patronus/v1/replication.pb-c.h"
#include "patronus/v1/watch.pb-c.h"

#define UNUSED __attribute__((unused))
#define FX_TIME_NS 1700000000000000000LL /* where the fixture's clock starts */

#define FX_FROZEN_SIZE_MAX 65536 /* a log to keep is one of what there is, not of how much */

#define FX_ADMIN ((struct pt_caller){.principal = "spiffe://c/admin/root", .api_key = "", .source = ""})

struct fixture {
    struct pt_sim *sim;
    unsigned host;
    struct pt_schema *schema;
    struct pt_machine_kind *machine;
    struct pt_kind_options options;
    uint64_t index;  /* of the last entry */
    int64_t time_ns; /* stamped on the next command */
    uint64_t random;
    struct pt_arena arena;   /* replies */
    struct pt_caller caller; /* who calls; an admin's certificate by default */
    struct pt_error error;   /* of the last call */
    struct pt_msg *reply;    /* of the last call; NULL when it failed or had none */
    bool proposed;           /* the last call made a log entry */
    struct pt_buf frozen;    /* with PT_FREEZE=FILE in the environment: every entry, see test_frozen.c */
    uint32_t frozen_len;
    bool stopped; /* an entry ended the machine: such a log is not kept */
};

static UNUSED uint64_t fx_random(struct fixture *fx, uint64_t bound)
{
    fx->random += 0x9e3779b97f4a7c15ULL;
    return pt_hash_mix(fx->random) % bound;
}

static UNUSED void fx_open_machine(struct fixture *fx)
{
    struct pt_error error = {0};
    enum pt_code code = pt_kind_open(&fx->options, &fx->machine, &error);
    ck_assert_msg(code == PT_OK, "open: %s", error.text);
}

static UNUSED void fx_reopen(struct fixture *fx)
{
    pt_kind_close(fx->machine);
    fx->machine = NULL;
    fx_open_machine(fx);
}

static UNUSED void fx_raise_level(struct fixture *fx, uint32_t level);

/* A cluster that was never raised: level 1, and an empty log. */
static UNUSED void fx_init_bare(struct fixture *fx, uint64_t seed)
{
    *fx = (struct fixture){.time_ns = FX_TIME_NS, .random = seed, .caller = FX_ADMIN};
    const struct pt_sim_options options = {.seed = seed};
    fx->sim = pt_sim_new(&options);
    fx->host = pt_sim_add_host(fx->sim);
    struct pt_sys *sys = pt_sim_host(fx->sim, fx->host);
    ck_assert_int_eq(pt_dir_make(sys, "/data", NULL), PT_OK);
    ck_assert_int_eq(pt_schema_new(pt_schema_embedded(), &fx->schema, &fx->error), PT_OK);
    pt_arena_init(&fx->arena);
    fx->options =
        (struct pt_kind_options){.sys = sys, .schema = fx->schema, .mods = pt_mods(), .store_path = "/data/state.db"};
    fx_open_machine(fx);
}

/* As a new cluster is: at the highest level that there is. */
static UNUSED void fx_init_seed(struct fixture *fx, uint64_t seed)
{
    fx_init_bare(fx, seed);
    fx_raise_level(fx, PT_CLUSTER_LEVEL_MAX);
}

static UNUSED void fx_init(struct fixture *fx)
{
    fx_init_seed(fx, 1);
}

/* As a cluster that is not finalized yet. */
static UNUSED void fx_init_level(struct fixture *fx, uint32_t level)
{
    fx_init_bare(fx, 1);
    fx_raise_level(fx, level);
}

static UNUSED void fx_freeze(struct fixture *fx)
{
    const char *path = getenv("PT_FREEZE");
    if (path != NULL && !fx->stopped && fx->frozen_len > 0 && fx->frozen.size <= FX_FROZEN_SIZE_MAX) {
        struct pt_digest digest = pt_store_digest(pt_kind_store(fx->machine));
        PT_AUTO(buf) struct pt_buf head = {0};
        pt_buf_append_str(&head, "PTFL");
        pt_buf_append_be32(&head, fx->frozen_len);
        FILE *file = fopen(path, "ab");
        ck_assert_ptr_nonnull(file);
        ck_assert_uint_eq(fwrite(head.data, head.size, 1, file), 1);
        ck_assert_uint_eq(fwrite(fx->frozen.data, fx->frozen.size, 1, file), 1);
        ck_assert_uint_eq(fwrite(digest.bytes, sizeof(digest.bytes), 1, file), 1);
        ck_assert_int_eq(fclose(file), 0);
    }
    pt_buf_fini(&fx->frozen);
}

static UNUSED void fx_fini(struct fixture *fx)
{
    fx_freeze(fx);
    pt_kind_close(fx->machine);
    pt_schema_free(fx->schema);
    pt_arena_fini(&fx->arena);
    pt_sim_free(fx->sim);
}

/* Let timers run for so long. */
static UNUSED void fx_run(struct fixture *fx, uint64_t duration_ms)
{
    uint64_t until_ns = pt_sim_now_ns(fx->sim) + duration_ms * 1000000;
    while (pt_sim_step(fx->sim, until_ns)) {
    }
}

static UNUSED struct pt_digest fx_digest(struct fixture *fx)
{
    return pt_store_digest(pt_kind_store(fx->machine));
}

/* ---- entries -------------------------------------------------------------------------------------------------- */

static UNUSED enum pt_code fx_apply_at(struct fixture *fx, uint64_t index, struct pt_bytes data)
{
    const struct pt_digest hash = pt_sha256(data.data, data.size);
    const struct pt_log_entry entry = {.index = index, .term = 1, .data = data};
    fx->index = index;
    fx->error = (struct pt_error){0};
    if (getenv("PT_FREEZE") != NULL) {
        pt_buf_append_be64(&fx->frozen, index);
        pt_buf_append_be32(&fx->frozen, (uint32_t)data.size);
        pt_buf_append(&fx->frozen, data.data, data.size);
        fx->frozen_len++;
    }
    enum pt_code code = pt_kind_apply(fx->machine, &entry, 1, index, &hash, &fx->error);
    fx->stopped = fx->stopped || code != PT_OK;
    return code;
}

/* Apply an entry; the verdict's code. The reply is left as bytes in the verdict. */
static UNUSED enum pt_code fx_apply(struct fixture *fx, struct pt_bytes data)
{
    enum pt_code code = fx_apply_at(fx, fx->index + 1, data);
    ck_assert_msg(code == PT_OK, "apply: %s", fx->error.text);
    const struct pt_verdict *verdict = pt_kind_verdict(fx->machine, fx->index);
    ck_assert_ptr_nonnull(verdict);
    fx->error = verdict->error;
    return verdict->error.code;
}

static UNUSED enum pt_code fx_command(struct fixture *fx, Patronus__V1__Command *command)
{
    command->format = 1;
    command->time_ns = fx->time_ns;
    if (command->principal == NULL || command->principal[0] == '\0') {
        command->principal = (char *)(uintptr_t) "internal";
    }
    PT_AUTO(buf) struct pt_buf data = {0};
    pt_kind_command(command, &data);
    return fx_apply(fx, pt_buf_bytes(&data));
}

static UNUSED void fx_raise_level(struct fixture *fx, uint32_t level)
{
    Patronus__V1__Command command = PATRONUS__V1__COMMAND__INIT;
    command.op_case = PATRONUS__V1__COMMAND__OP_RAISE_LEVEL;
    command.raise_level = level;
    ck_assert_int_eq(fx_command(fx, &command), PT_OK);
}

/* The bytes of a version are on a majority, as the log would have it. */
static UNUSED enum pt_code fx_store_artifact(struct fixture *fx, const char *version, const char *digest)
{
    Patronus__V1__ArtifactCommand op = PATRONUS__V1__ARTIFACT_COMMAND__INIT;
    op.name = (char *)(uintptr_t)version;
    op.digest = (char *)(uintptr_t)digest;
    op.stored = true;
    Patronus__V1__Command command = PATRONUS__V1__COMMAND__INIT;
    command.op_case = PATRONUS__V1__COMMAND__OP_ARTIFACT;
    command.artifact = &op;
    return fx_command(fx, &command);
}

static UNUSED enum pt_code fx_set_meta(struct fixture *fx, const char *key, const char *value)
{
    Patronus__V1__SetMeta meta = PATRONUS__V1__SET_META__INIT;
    meta.key = (char *)(uintptr_t)key;
    meta.value = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)value, .len = strlen(value)};
    Patronus__V1__Command command = PATRONUS__V1__COMMAND__INIT;
    command.op_case = PATRONUS__V1__COMMAND__OP_SET_META;
    command.set_meta = &meta;
    return fx_command(fx, &command);
}

/* ---- calls ---------------------------------------------------------------------------------------------------- */

static UNUSED const struct pt_method_type *fx_method(struct fixture *fx, const char *name)
{
    size_t len = 0;
    const struct pt_method_type *const *methods = pt_schema_methods(fx->schema, &len);
    for (size_t i = 0; i < len; i++) {
        if (strcmp(methods[i]->name, name) == 0) {
            return methods[i];
        }
    }
    ck_abort_msg("no method %s", name);
}

static UNUSED void fx_take_reply(struct fixture *fx, const struct pt_message_type *type, struct pt_bytes bytes)
{
    const struct pt_parse_options options = {.size_max = UINT32_MAX};
    struct pt_error error = {0};
    enum pt_code code = pt_msg_parse(type, bytes, &options, &fx->arena, &fx->reply, &error);
    ck_assert_msg(code == PT_OK, "reply: %s: %s", error.field, error.text);
}

static UNUSED enum pt_code fx_mutate(struct fixture *fx, const struct pt_method_type *method,
                                     const struct pt_msg *request)
{
    const struct pt_request_context context = {
        .caller = fx->caller, .time_ns = fx->time_ns, .uid_hi = fx->index + 1, .uid_lo = 7};
    PT_AUTO(buf) struct pt_buf command = {0};
    PT_AUTO(buf) struct pt_buf reply = {0};
    bool answered = false;
    enum pt_code code =
        pt_kind_prepare(fx->machine, method, request, &context, &command, &answered, &reply, &fx->error);
    if (code != PT_OK) {
        ck_assert_int_eq(command.size, 0);
        return code;
    }
    if (answered) {
        fx_take_reply(fx, method->output, pt_buf_bytes(&reply));
        return PT_OK;
    }
    fx->proposed = true;
    code = fx_apply(fx, pt_buf_bytes(&command));
    if (code == PT_OK) {
        fx_take_reply(fx, method->output, pt_kind_verdict(fx->machine, fx->index)->reply);
    }
    return code;
}

static UNUSED enum pt_code fx_request(struct fixture *fx, const struct pt_method_type *method,
                                      const struct pt_msg *request)
{
    fx->error = (struct pt_error){0};
    fx->reply = NULL;
    fx->proposed = false;
    if (method->verb != PT_VERB_GET && method->verb != PT_VERB_LIST) {
        return fx_mutate(fx, method, request);
    }
    PT_AUTO(buf) struct pt_buf reply = {0};
    pt_kind_now(fx->machine, fx->time_ns);
    enum pt_code code = pt_kind_read(fx->machine, &fx->caller, method, request, NULL, &reply, &fx->error);
    if (code == PT_OK) {
        fx_take_reply(fx, method->output, pt_buf_bytes(&reply));
    }
    return code;
}

/* fx_call(fx, "CreateSite", "{parent: ..}") with JSON in single quotation marks for readability. */
static UNUSED PT_PRINTF(3, 4) enum pt_code fx_call(struct fixture *fx, const char *name, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *json = NULL;
    ck_assert_int_ge(vasprintf(&json, format, arguments), 0);
    va_end(arguments);
    for (char *c = json; *c != '\0'; c++) {
        *c = *c == '\'' ? '"' : *c;
    }
    const struct pt_method_type *method = fx_method(fx, name);
    struct pt_msg *request = NULL;
    struct pt_error error = {0};
    enum pt_code code = pt_json_read(fx->schema, method->input, json, strlen(json), &fx->arena, &request, &error);
    ck_assert_msg(code == PT_OK, "%s: %s %s", json, error.field, error.text);
    free(json);
    return fx_request(fx, method, request);
}

/* The call must succeed. */
#define FX_OK(fx, ...)                                                                                             \
    do {                                                                                                           \
        enum pt_code fx_code = fx_call((fx), __VA_ARGS__);                                                         \
        ck_assert_msg(fx_code == PT_OK, "%s: %s: %s", pt_code_name(fx_code), (fx)->error.field, (fx)->error.text); \
    } while (0)

/* The call must be refused so, and leave no trace. */
#define FX_FAIL(fx, wanted_code, wanted_reason, wanted_field, ...)                                      \
    do {                                                                                                \
        struct pt_digest fx_before = fx_digest(fx);                                                     \
        enum pt_code fx_code = fx_call((fx), __VA_ARGS__);                                              \
        struct pt_digest fx_after = fx_digest(fx);                                                      \
        ck_assert_msg(fx_code == (wanted_code), "%s: %s: %s", pt_code_name(fx_code), (fx)->error.field, \
                      (fx)->error.text);                                                                \
        ck_assert_str_eq(pt_reason_name((fx)->error.reason), pt_reason_name(wanted_reason));            \
        ck_assert_str_eq((fx)->error.field, (wanted_field));                                            \
        ck_assert(pt_digest_equal(&fx_before, &fx_after));                                              \
    } while (0)

/* An organization with one of each: site, edge, link, fabric, segment, profile of SLA and QoS, application, model; and
 * the first controller. */
static UNUSED void fx_world(struct fixture *fx)
{
    FX_OK(fx, "CreateController",
          "{'controllerId':'c1','controller':{'raftId':'1','peerAddress':'10.0.0.1:7401','apiAddress':'10.0.0.1:7400',"
          "'agentAddress':'10.0.0.1:7402','role':'VOTER'}}");
    FX_OK(fx, "CreateOrganization", "{'organizationId':'root','organization':{}}");
    FX_OK(fx, "CreateOrganization",
          "{'organizationId':'acme','organization':{'parentOrganization':"
          "'organizations/root'}}");
    FX_OK(fx, "CreateSite", "{'parent':'organizations/acme','siteId':'nyc','site':{}}");
    FX_OK(fx, "CreateSite", "{'parent':'organizations/acme','siteId':'sfo','site':{}}");
    FX_OK(fx, "CreateFabric", "{'parent':'organizations/acme','fabricId':'wan','fabric':{}}");
    FX_OK(fx, "CreateSegment",
          "{'parent':'organizations/acme','segmentId':'corp','segment':"
          "{'fabric':'organizations/acme/fabrics/wan'}}");
    FX_OK(fx, "CreateEdge", "{'parent':'organizations/acme/sites/nyc','edgeId':'e1','edge':{}}");
    FX_OK(fx, "CreateLink",
          "{'parent':'organizations/acme/sites/nyc','linkId':'inet','link':{'edge':'organizations/acme/sites/nyc/edges/"
          "e1','interface':'wan0','address':'192.0.2.1','underlay':'internet'}}");
    FX_OK(fx, "CreateSlaProfile", "{'parent':'organizations/acme','slaProfileId':'voice','slaProfile':{}}");
    FX_OK(fx, "CreateQosProfile",
          "{'parent':'organizations/acme','qosProfileId':'office','qosProfile':{'classes':[{'trafficClass':'BULK',"
          "'percent':10}]}}");
    FX_OK(fx, "CreateApplication",
          "{'parent':'organizations/acme','applicationId':'web','application':{'matches':"
          "[{'protocol':6}]}}");
    FX_OK(fx, "CreateModel", "{'parent':'organizations/acme','modelId':'dpi','model':{'purpose':'dpi'}}");
}
