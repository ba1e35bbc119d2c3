/*
 * Rotation of the certificate authority by overlap, driven by whoever leads.
 *
 *   (call) ca-2 PENDING --everybody trusts both--> ca-2 ISSUING, ca-1 RETIRING --every leaf is of ca-2--> ca-2 alone
 *
 * Each arrow is one log entry, and each is taken only on reports that came to the leader that takes it: nobody is
 * shown a leaf of an authority that he was not told of, and no authority goes while a leaf of it is in use. Controllers
 * are always waited for. Edges that are offline and credentials of people are waited for unless the rotation is forced:
 * an edge that comes back to authorities that it does not know must be joined again.
 *
 * A rotation survives leaders: everything that decides stands in the roster.
 */
#include "serve/trust.h"

#include "base/assert.h"
#include "patronus/v1/authority.pb-c.h"
#include "serve/roster.h"
#include "serve/setup.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OBSTACLES_MAX 256
#define STEP_NS (500ULL * 1000000ULL)

enum { PENDING = PATRONUS__V1__AUTHORITY_STATE__PENDING, ISSUING = PATRONUS__V1__AUTHORITY_STATE__ISSUING };
enum { RETIRING = PATRONUS__V1__AUTHORITY_STATE__RETIRING };

/* ---- how far is it? ------------------------------------------------------------------------------------------- */

struct survey {
    struct pt_controller *controller;
    const Patronus__V1__AuthorityRoster *roster;
    struct pt_arena *arena;
    struct pt_digest trust; /* what a node reports that trusts everybody it should */
    char issuing[PT_KEY_ID_SIZE + 1], retiring[PT_KEY_ID_SIZE + 1];
    bool forced;
    uint32_t nodes, trusting, reissued;
    uint32_t blocking; /* obstacles that a step waits for */
    Patronus__V1__RotationObstacle *obstacles[OBSTACLES_MAX];
    uint32_t obstacles_len;
};

PT_PRINTF(4, 5)
static void obstacle(struct survey *survey, const char *name, bool blocks, const char *format, ...)
{
    survey->blocking += blocks;
    if (survey->obstacles_len++ >= OBSTACLES_MAX) {
        return;
    }
    char text[256];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    Patronus__V1__RotationObstacle *item = pt_arena_alloc(survey->arena, sizeof(*item));
    patronus__v1__rotation_obstacle__init(item);
    item->name = pt_arena_strdup(survey->arena, name);
    item->reason = pt_arena_strdup(survey->arena, text);
    survey->obstacles[survey->obstacles_len - 1] = item;
}

/* What a node that is there said; the digest is NULL when it said nothing. */
static void count_node(struct survey *survey, const char *name, const struct pt_digest *trust, const char *issuer)
{
    bool trusts = trust != NULL && pt_digest_equal(trust, &survey->trust);
    bool reissued = trust != NULL && strcmp(issuer, survey->issuing) == 0;
    survey->trusting += trusts;
    survey->reissued += reissued;
    if (survey->roster->n_authorities == 1) {
        return;
    }
    if (!trusts) {
        obstacle(survey, name, true, "does not trust the new authority yet");
    } else if (!reissued && survey->retiring[0] != '\0') {
        obstacle(survey, name, true, "has no certificate of the new authority yet");
    }
}

static bool survey_controller(void *arg, const char *name, const struct pt_msg *msg)
{
    struct survey *survey = arg;
    (void)msg;
    survey->nodes++;
    const struct pt_trust_report *report = pt_trust_report_of(survey->controller->trust, name);
    if (report == NULL) {
        obstacle(survey, name, true, "this controller has not reported: is it down? Start it, or remove it");
        return true;
    }
    struct pt_digest digest = {0};
    if (report->said->trust_digest.len == sizeof(digest.bytes)) {
        memcpy(digest.bytes, report->said->trust_digest.data, sizeof(digest.bytes));
    }
    count_node(survey, name, &digest, report->said->issuer);
    return true;
}

static bool survey_edge(void *arg, const char *name, const struct pt_msg *msg)
{
    struct survey *survey = arg;
    if (pt_msg_str(msg, "public_key_digest")[0] == '\0') {
        return true; /* never joined */
    }
    survey->nodes++;
    const struct pt_edge_session *session = pt_edge_find(survey->controller, name);
    if (session == NULL || !session->greeted) {
        obstacle(survey, name, !survey->forced,
                 survey->forced ? "offline: it must be joined again with a new token if it comes back too late"
                                : "offline: start it, delete it, or use --force and join it again later");
    } else {
        count_node(survey, name, session->trust_reported ? &session->trust : NULL, session->issuer);
    }
    return true;
}

/* Has the same person been seen since, by any controller, with a certificate of another authority? */
static bool seen_since(const struct pt_trust *trust, const char *spiffe_id, const char *old, uint64_t at_ms)
{
    for (size_t i = 0; i < trust->reports_len; i++) {
        const Patronus__V1__TrustReport *said = trust->reports[i].said;
        for (size_t j = 0; j < said->n_seen; j++) {
            uint64_t other_ms = trust->reports[i].at_ns / 1000000 - said->seen[j]->age_ms;
            if (strcmp(said->seen[j]->spiffe_id, spiffe_id) == 0 && strcmp(said->seen[j]->issuer, old) != 0 &&
                (int64_t)(other_ms - at_ms) >= 0) {
                return true;
            }
        }
    }
    return false;
}

/* Whoever calls at several controllers is one person. */
static bool named(const struct survey *survey, const char *name)
{
    uint32_t len = survey->obstacles_len < OBSTACLES_MAX ? survey->obstacles_len : OBSTACLES_MAX;
    for (uint32_t i = 0; i < len; i++) {
        if (strcmp(survey->obstacles[i]->name, name) == 0) {
            return true;
        }
    }
    return false;
}

static void survey_people(struct survey *survey)
{
    const struct pt_trust *trust = survey->controller->trust;
    int64_t now = pt_sys_wall_ns(survey->controller->sys);
    const char *old = survey->retiring[0] != '\0' ? survey->retiring : survey->issuing;
    for (size_t i = 0; i < trust->reports_len; i++) {
        const Patronus__V1__TrustReport *said = trust->reports[i].said;
        for (size_t j = 0; j < said->n_seen; j++) {
            const Patronus__V1__SeenCredential *seen = said->seen[j];
            uint64_t at_ms = trust->reports[i].at_ns / 1000000 - seen->age_ms;
            if (strcmp(seen->issuer, old) == 0 && seen->expire_time_ns > now && !named(survey, seen->spiffe_id) &&
                !seen_since(trust, seen->spiffe_id, old, at_ms)) {
                obstacle(survey, seen->spiffe_id, !survey->forced && survey->retiring[0] != '\0',
                         "a credential that lives %lld days longer is of the old authority: its owner runs patronusctl "
                         "cas renew",
                         (long long)((seen->expire_time_ns - now) / 1000000000 / 86400));
            }
        }
    }
}

static enum pt_code survey_make(struct pt_controller *controller, const Patronus__V1__AuthorityRoster *roster,
                                struct pt_arena *arena, struct survey *ret_survey, struct pt_error *reterr)
{
    struct survey *survey = ret_survey;
    *survey = (struct survey){.controller = controller, .roster = roster, .arena = arena, .forced = roster->forced};
    PT_AUTO(buf) struct pt_buf pem = {0};
    pt_roster_trust(roster, &pem);
    survey->trust = pt_sha256(pem.data, pem.size);
    for (size_t i = 0; i < roster->n_authorities; i++) {
        struct pt_ca_info info;
        PT_TRY(pt_ca_read(roster->authorities[i]->certificate_pem, &info, reterr));
        if (roster->authorities[i]->state == ISSUING) {
            memcpy(survey->issuing, info.key_id, sizeof(survey->issuing));
        } else if (roster->authorities[i]->state == RETIRING) {
            memcpy(survey->retiring, info.key_id, sizeof(survey->retiring));
        }
    }
    struct pt_view *view = pt_view_new(controller->machine);
    pt_view_scan(view, "controller", "", survey_controller, survey);
    pt_view_scan(view, "edge", "", survey_edge, survey);
    pt_view_free(view);
    survey_people(survey);
    return PT_OK;
}

/* ---- the next step -------------------------------------------------------------------------------------------- */

static void value_set(void *arg, enum pt_code code, uint64_t index)
{
    (void)arg, (void)code, (void)index; /* only older versions read it */
}

static void stepped(void *arg, enum pt_code code, uint64_t index)
{
    struct pt_controller *controller = arg;
    (void)code, (void)index; /* a step that was lost with leadership is taken by the next leader */
    if (code != PT_CLOSED) {
        controller->trust->proposing = false;
    }
}

/* The values of before rosters stay those of the issuing authority, and never those of one that is gone. */
static void propose_values(struct pt_controller *controller, const Patronus__V1__AuthorityRecord *issuing)
{
    const struct pt_bytes values[] = {
        {.data = (const uint8_t *)issuing->certificate_pem, .size = strlen(issuing->certificate_pem)},
        {.data = issuing->sealed_key.data, .size = issuing->sealed_key.len}};
    static const char *const keys[] = {PT_META_CA_CERT, PT_META_CA_KEY};
    for (size_t i = 0; i < 2; i++) {
        Patronus__V1__SetMeta meta = PATRONUS__V1__SET_META__INIT;
        meta.key = (char *)(uintptr_t)keys[i];
        meta.value = (ProtobufCBinaryData){.len = values[i].size, .data = (uint8_t *)(uintptr_t)values[i].data};
        Patronus__V1__Command command = PATRONUS__V1__COMMAND__INIT;
        command.format = 1;
        command.time_ns = pt_sys_wall_ns(controller->sys);
        command.principal = (char *)(uintptr_t) "internal";
        command.op_case = PATRONUS__V1__COMMAND__OP_SET_META;
        command.set_meta = &meta;
        PT_AUTO(buf) struct pt_buf data = {0};
        pt_kind_command(&command, &data);
        pt_raft_propose(controller->raft, pt_buf_bytes(&data), value_set, NULL);
    }
}

/* True when the roster was changed into what comes next. */
static bool advance(Patronus__V1__AuthorityRoster *roster, int64_t now_ns)
{
    Patronus__V1__AuthorityRecord *pending = pt_roster_in(roster, PENDING);
    if (pending != NULL) {
        pt_roster_in(roster, ISSUING)->state = RETIRING;
        pending->state = ISSUING;
        pending->state_time_ns = now_ns;
        return true;
    }
    size_t len = 0;
    for (size_t i = 0; i < roster->n_authorities; i++) {
        Patronus__V1__AuthorityRecord *record = roster->authorities[i];
        if (record->state == RETIRING) {
            patronus__v1__authority_record__free_unpacked(record, NULL);
        } else {
            roster->authorities[len++] = record;
        }
    }
    bool removed = len < roster->n_authorities;
    roster->n_authorities = len;
    roster->forced = roster->forced && len > 1;
    return removed;
}

void pt_rotate_tick(struct pt_controller *controller)
{
    struct pt_trust *trust = controller->trust;
    uint64_t now = pt_sys_now_ns(controller->sys);
    if (!trust->several || trust->proposing || now < trust->step_at_ns) {
        return;
    }
    trust->step_at_ns = now + STEP_NS;
    Patronus__V1__AuthorityRoster *roster = NULL;
    struct survey survey;
    struct pt_arena arena;
    pt_arena_init(&arena);
    if (pt_roster_read(pt_kind_store(controller->machine), &roster, NULL) == PT_OK &&
        survey_make(controller, roster, &arena, &survey, NULL) == PT_OK && survey.blocking == 0 &&
        advance(roster, pt_sys_wall_ns(controller->sys))) {
        PT_AUTO(buf) struct pt_buf command = {0};
        pt_roster_command(roster, NULL, pt_sys_wall_ns(controller->sys), &command);
        trust->proposing = true;
        propose_values(controller, pt_roster_in(roster, ISSUING));
        pt_log_info(controller->log, "rotation goes on", "authorities=%zu issuing=%s", roster->n_authorities,
                    pt_roster_in(roster, ISSUING)->id);
        pt_raft_propose(controller->raft, pt_buf_bytes(&command), stepped, controller);
    }
    pt_roster_free(roster);
    pt_arena_fini(&arena);
}

/* ---- methods -------------------------------------------------------------------------------------------------- */

static Google__Protobuf__Timestamp *time_of(struct pt_arena *arena, int64_t ns)
{
    if (ns == 0) {
        return NULL;
    }
    Google__Protobuf__Timestamp *time = pt_arena_alloc(arena, sizeof(*time));
    google__protobuf__timestamp__init(time);
    time->seconds = ns / 1000000000;
    time->nanos = (int32_t)(ns % 1000000000);
    return time;
}

static Patronus__V1__Authority *describe(const Patronus__V1__AuthorityRecord *record, struct pt_arena *arena)
{
    Patronus__V1__Authority *authority = pt_arena_alloc(arena, sizeof(*authority));
    patronus__v1__authority__init(authority);
    struct pt_ca_info info = {0};
    char hex[65];
    authority->id = record->id;
    authority->state = (Patronus__V1__AuthorityState)record->state;
    authority->certificate_pem = record->certificate_pem;
    authority->state_time = time_of(arena, record->state_time_ns);
    if (pt_ca_read(record->certificate_pem, &info, NULL) == PT_OK) {
        authority->fingerprint = pt_arena_strdup(arena, pt_digest_hex(&info.fingerprint, hex));
        authority->expire_time = time_of(arena, info.not_after_ns);
    }
    return authority;
}

static void reply_status(struct pt_serve_call *call)
{
    struct pt_controller *controller = call->controller;
    Patronus__V1__AuthorityRoster *roster = NULL;
    struct survey survey;
    struct pt_error error = {0};
    struct pt_arena arena;
    pt_arena_init(&arena);
    if (pt_roster_read(pt_kind_store(controller->machine), &roster, &error) != PT_OK ||
        survey_make(controller, roster, &arena, &survey, &error) != PT_OK) {
        pt_serve_fail(call, &error);
    } else {
        Patronus__V1__RotationStatus status = PATRONUS__V1__ROTATION_STATUS__INIT;
        Patronus__V1__Authority *list[PT_AUTHORITIES_MAX];
        for (size_t i = 0; i < roster->n_authorities; i++) {
            list[i] = describe(roster->authorities[i], &arena);
        }
        status.authorities = list;
        status.n_authorities = roster->n_authorities;
        status.running = roster->n_authorities > 1;
        status.nodes = survey.nodes;
        status.nodes_trusting = survey.trusting;
        status.nodes_reissued = survey.reissued;
        status.obstacles = survey.obstacles;
        status.n_obstacles = survey.obstacles_len < OBSTACLES_MAX ? survey.obstacles_len : OBSTACLES_MAX;
        status.obstacles_len = survey.obstacles_len;
        status.forced = roster->forced;
        PT_AUTO(buf) struct pt_buf reply = {0};
        size_t size = patronus__v1__rotation_status__get_packed_size(&status);
        (void)patronus__v1__rotation_status__pack(&status, pt_buf_reserve(&reply, size));
        reply.size = size;
        pt_serve_reply(call, pt_buf_bytes(&reply));
    }
    pt_roster_free(roster);
    pt_arena_fini(&arena);
}

/* The leader knows that it still leads before it answers from its state. */
static void on_barrier(void *arg, enum pt_code code, uint64_t index)
{
    struct pt_serve_call *call = arg;
    (void)index;
    if (code != PT_OK) {
        pt_serve_fail_raft(call, code);
    } else if (pt_serve_call_open(call)) {
        reply_status(call);
    }
    pt_serve_call_unref(call);
}

static void list_message(struct pt_serve_call *call, struct pt_bytes message)
{
    (void)message; /* has no fields */
    pt_serve_call_ref(call);
    pt_raft_barrier(call->controller->raft, on_barrier, call);
}

const struct pt_serve_method pt_serve_list_authorities = {.path = "/patronus.v1.AuthorityService/ListAuthorities",
                                                          .on_message = list_message};

static void rotated(struct pt_serve_call *call, const struct pt_verdict *verdict)
{
    if (verdict->error.code != PT_OK) {
        pt_serve_fail(call, &verdict->error);
    } else {
        reply_status(call);
    }
}

/* Another authority at the end of the list, trusted from now on. */
static enum pt_code add_pending(struct pt_controller *controller, Patronus__V1__AuthorityRoster *roster,
                                struct pt_error *reterr)
{
    PT_AUTO(secret) struct pt_buf key = {0};
    PT_AUTO(buf) struct pt_buf cert = {0};
    PT_AUTO(buf) struct pt_buf sealed = {0};
    uint8_t nonce[PT_SEAL_NONCE_SIZE];
    char id[32];
    int64_t now = pt_sys_wall_ns(controller->sys);
    (void)snprintf(id, sizeof(id), "ca-%u", roster->next);
    PT_TRY(pt_ca_new_named(controller->options.identity.cluster_id, id, now, &key, &cert, reterr));
    pt_sys_random(controller->sys, nonce, sizeof(nonce));
    pt_seal(controller->options.identity.seal_key, nonce, PT_META_CA_KEY, pt_buf_bytes(&key), &sealed);
    pt_buf_append_u8(&cert, 0);

    /* Of the allocator that protobuf-c frees with. */
    Patronus__V1__AuthorityRecord *record = calloc(1, sizeof(*record));
    Patronus__V1__AuthorityRecord **list = calloc(roster->n_authorities + 1, sizeof(*list));
    pt_assert(record != NULL && list != NULL);
    patronus__v1__authority_record__init(record);
    record->id = strdup(id);
    record->state = PENDING;
    record->certificate_pem = strdup((const char *)cert.data);
    record->sealed_key = (ProtobufCBinaryData){.len = sealed.size, .data = malloc(sealed.size)};
    record->state_time_ns = now;
    pt_assert(record->id != NULL && record->certificate_pem != NULL && record->sealed_key.data != NULL);
    memcpy(record->sealed_key.data, sealed.data, sealed.size);
    memcpy(list, roster->authorities, roster->n_authorities * sizeof(*list));
    list[roster->n_authorities++] = record;
    free(roster->authorities);
    roster->authorities = list;
    roster->next++;
    return PT_OK;
}

static enum pt_code give_up(Patronus__V1__AuthorityRoster *roster, struct pt_error *reterr)
{
    Patronus__V1__AuthorityRecord *pending = pt_roster_in(roster, PENDING);
    if (pending == NULL) {
        return pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_WRONG_STATE, "abort",
                       "there is no rotation whose new authority has not signed yet; rotate again instead");
    }
    size_t len = 0;
    for (size_t i = 0; i < roster->n_authorities; i++) {
        if (roster->authorities[i] != pending) {
            roster->authorities[len++] = roster->authorities[i];
        }
    }
    patronus__v1__authority_record__free_unpacked(pending, NULL);
    roster->n_authorities = len;
    roster->forced = false;
    return PT_OK;
}

/* The roster as the request wants it; *ret_same when nothing is to be done. */
static enum pt_code edit(struct pt_controller *controller, const struct pt_msg *request,
                         Patronus__V1__AuthorityRoster *roster, bool *ret_same, struct pt_error *reterr)
{
    bool force = pt_msg_bool(request, "force");
    if (controller->trust->proposing) {
        return pt_fail(reterr, PT_UNAVAILABLE, PT_REASON_CONFLICT, NULL, "a step is under way: try again in a second");
    }
    if (pt_msg_bool(request, "abort")) {
        return give_up(roster, reterr);
    }
    if (roster->n_authorities == 1) {
        PT_TRY(add_pending(controller, roster, reterr));
        roster->forced = force;
    } else if (force && !roster->forced) {
        roster->forced = true;
    } else {
        *ret_same = true; /* it runs: its state is the answer */
    }
    return PT_OK;
}

static void rotate_message(struct pt_serve_call *call, struct pt_bytes message)
{
    struct pt_controller *controller = call->controller;
    Patronus__V1__AuthorityRoster *roster = NULL;
    struct pt_arena arena;
    struct pt_msg *request = NULL;
    struct pt_error error = {0};
    bool same = false;
    pt_arena_init(&arena);
    if (pt_msg_parse(call->method->input, message, NULL, &arena, &request, &error) != PT_OK) {
        pt_serve_fail(call, &error);
    } else if (pt_msg_bool(request, "validate_only")) {
        list_message(call, message);
    } else if (pt_roster_read(pt_kind_store(controller->machine), &roster, &error) != PT_OK ||
               edit(controller, request, roster, &same, &error) != PT_OK) {
        pt_serve_fail(call, &error);
    } else if (same) {
        list_message(call, message);
    } else {
        PT_AUTO(buf) struct pt_buf command = {0};
        pt_roster_command(roster, &call->caller, pt_sys_wall_ns(controller->sys), &command);
        pt_serve_propose(call, pt_buf_bytes(&command), rotated);
    }
    pt_roster_free(roster);
    pt_arena_fini(&arena);
}

const struct pt_serve_method pt_serve_rotate_authority = {.path = "/patronus.v1.AuthorityService/RotateAuthority",
                                                          .on_message = rotate_message};
