/*
 * The seal key, and another one in its place while the cluster runs.
 *
 * What is secret in the state (keys of authorities, the bundle key, the key of API keys' digests) is sealed under one
 * key that no state, log or backup holds. To replace it, the operator gives every controller the next key beside the
 * present one (FILE.next) and calls ResealSecrets. The leader proposes each value anew, the authorities' last. A
 * controller that finds them sealed under its next key uses that from then on and keeps it in place of the old one.
 *
 *   every controller has the same next key -> digests' key, bundle key -> authorities -> each: next becomes present
 *
 * Values are opened with either key, so a reseal that was cut short is repeated. API keys are stored as HMACs that
 * nobody can compute anew: the HMAC's key was derived from the first seal key, and is a sealed value of its own from
 * the first reseal on.
 */
#include "serve/trust.h"

#include "base/assert.h"
#include "patronus/v1/authority.pb-c.h"
#include "patronus/v1/replication.pb-c.h"
#include "serve/roster.h"
#include "serve/setup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_NS (2ULL * 1000000000ULL)
#define OBSTACLES_MAX 64

/* ---- opening -------------------------------------------------------------------------------------------------- */

enum pt_code pt_serve_unseal_value(struct pt_controller *controller, const char *context, struct pt_bytes sealed,
                                   struct pt_buf *out, struct pt_error *reterr)
{
    const struct pt_trust *trust = controller->trust;
    if (pt_unseal(controller->options.identity.seal_key, context, sealed, out, NULL) == PT_OK ||
        (trust->has_next && pt_unseal(trust->next_seal_key, context, sealed, out, NULL) == PT_OK)) {
        return PT_OK;
    }
    return pt_fail(reterr, PT_CORRUPT, PT_REASON_NONE, context,
                   "this controller's seal key does not open %s; is the seal key file that of this cluster?", context);
}

static void derive(const uint8_t seal_key[PT_SEAL_KEY_SIZE], uint8_t ret_key[PT_DIGEST_SIZE])
{
    static const char purpose[] = "patronus api keys 1";
    struct pt_digest derived = pt_hmac_sha256((struct pt_bytes){seal_key, PT_SEAL_KEY_SIZE},
                                              (struct pt_bytes){(const uint8_t *)purpose, sizeof(purpose) - 1});
    memcpy(ret_key, derived.bytes, PT_DIGEST_SIZE);
    pt_memory_clear(&derived, sizeof(derived));
}

/* The key of API keys' digests. */
static enum pt_code digests_key(struct pt_controller *controller, uint8_t ret_key[PT_DIGEST_SIZE],
                                struct pt_error *reterr)
{
    PT_AUTO(buf) struct pt_buf sealed = {0};
    PT_AUTO(secret) struct pt_buf key = {0};
    if (pt_store_meta_get(pt_kind_store(controller->machine), PT_META_DIGESTS_KEY, &sealed, NULL) != PT_OK) {
        derive(controller->options.identity.seal_key, ret_key);
        return PT_OK;
    }
    PT_TRY(pt_serve_unseal_value(controller, PT_META_DIGESTS_KEY, pt_buf_bytes(&sealed), &key, reterr));
    if (key.size != PT_DIGEST_SIZE) {
        return pt_fail(reterr, PT_CORRUPT, PT_REASON_NONE, PT_META_DIGESTS_KEY, "the key has a wrong size");
    }
    memcpy(ret_key, key.data, PT_DIGEST_SIZE);
    return PT_OK;
}

enum pt_code pt_serve_key_digest(struct pt_controller *controller, const char *key, struct pt_digest *ret_digest,
                                 struct pt_error *reterr)
{
    uint8_t secret[PT_DIGEST_SIZE];
    PT_TRY(digests_key(controller, secret, reterr));
    *ret_digest =
        pt_hmac_sha256((struct pt_bytes){secret, sizeof(secret)}, (struct pt_bytes){(const uint8_t *)key, strlen(key)});
    pt_memory_clear(secret, sizeof(secret));
    return PT_OK;
}

/* ---- the next key --------------------------------------------------------------------------------------------- */

bool pt_trust_next_seal_key(struct pt_controller *controller, struct pt_digest *ret_digest)
{
    static const char purpose[] = "patronus next seal key 1";
    struct pt_trust *trust = controller->trust;
    if (trust->has_next) {
        *ret_digest = pt_hmac_sha256((struct pt_bytes){trust->next_seal_key, PT_SEAL_KEY_SIZE},
                                     (struct pt_bytes){(const uint8_t *)purpose, sizeof(purpose) - 1});
    }
    return trust->has_next;
}

static void look(struct pt_controller *controller)
{
    struct pt_trust *trust = controller->trust;
    uint64_t now = pt_sys_now_ns(controller->sys);
    if (controller->options.next_seal_key == NULL || now < trust->next_look_ns) {
        return;
    }
    trust->next_look_ns = now + LOOK_NS;
    uint8_t key[PT_SEAL_KEY_SIZE];
    bool found = controller->options.next_seal_key(controller->options.certificate_context, key) &&
                 !pt_memory_equal(key, controller->options.identity.seal_key, sizeof(key));
    if (found != trust->has_next || (found && !pt_memory_equal(key, trust->next_seal_key, sizeof(key)))) {
        trust->has_next = found;
        memcpy(trust->next_seal_key, key, sizeof(key));
        trust->report_at_ns = 0;
        trust->seal_looked = false;
        pt_log_info(controller->log, "next seal key", "found=%d", found);
    }
    pt_memory_clear(key, sizeof(key));
}

static bool opens(struct pt_controller *controller, const uint8_t key[PT_SEAL_KEY_SIZE])
{
    Patronus__V1__AuthorityRoster *roster = NULL;
    PT_AUTO(secret) struct pt_buf plain = {0};
    if (pt_roster_read(pt_kind_store(controller->machine), &roster, NULL) != PT_OK) {
        return false;
    }
    const ProtobufCBinaryData *sealed = &pt_roster_in(roster, PATRONUS__V1__AUTHORITY_STATE__ISSUING)->sealed_key;
    bool opened = pt_unseal(key, PT_META_CA_KEY, (struct pt_bytes){sealed->data, sealed->len}, &plain, NULL) == PT_OK;
    pt_roster_free(roster);
    return opened;
}

bool pt_reseal_key_opens(struct pt_controller *controller)
{
    return opens(controller, controller->options.identity.seal_key);
}

void pt_reseal_follow(struct pt_controller *controller)
{
    struct pt_trust *trust = controller->trust;
    look(controller);
    uint64_t revision = pt_kind_meta_revision(controller->machine);
    if (!trust->has_next || (trust->seal_looked && trust->seal_revision == revision)) {
        return;
    }
    trust->seal_looked = true;
    trust->seal_revision = revision;
    if (!opens(controller, trust->next_seal_key)) {
        return;
    }
    memcpy((void *)(uintptr_t)controller->options.identity.seal_key, trust->next_seal_key, PT_SEAL_KEY_SIZE);
    pt_memory_clear(trust->next_seal_key, sizeof(trust->next_seal_key));
    trust->has_next = false;
    trust->report_at_ns = 0;
    pt_log_info(controller->log, "seal key replaced", "by=next");
    if (controller->options.seal_key_replaced != NULL) {
        controller->options.seal_key_replaced(controller->options.certificate_context,
                                              controller->options.identity.seal_key);
    }
}

/* ---- the call ------------------------------------------------------------------------------------------------- */

struct asked {
    struct pt_arena *arena;
    struct pt_controller *controller;
    struct pt_digest want;
    Patronus__V1__RotationObstacle *items[OBSTACLES_MAX];
    size_t len;
};

static bool ask_controller(void *arg, const char *name, const struct pt_msg *msg)
{
    struct asked *asked = arg;
    (void)msg;
    const struct pt_trust_report *report = pt_trust_report_of(asked->controller->trust, name);
    const char *reason = NULL;
    if (report == NULL) {
        reason = "has not reported: is it down?";
    } else if (report->said->next_seal_key_digest.len == 0) {
        reason = "has no next seal key: write it to FILE.next beside the seal key's FILE";
    } else if (report->said->next_seal_key_digest.len != PT_DIGEST_SIZE ||
               memcmp(report->said->next_seal_key_digest.data, asked->want.bytes, PT_DIGEST_SIZE) != 0) {
        reason = "has another next seal key than the leader";
    }
    if (reason != NULL && asked->len < OBSTACLES_MAX) {
        Patronus__V1__RotationObstacle *item = pt_arena_alloc(asked->arena, sizeof(*item));
        patronus__v1__rotation_obstacle__init(item);
        item->name = pt_arena_strdup(asked->arena, name);
        item->reason = (char *)(uintptr_t)reason;
        asked->items[asked->len++] = item;
    }
    return true;
}

static void reseal_one(struct pt_controller *controller, const char *context, struct pt_bytes plain, struct pt_buf *out)
{
    uint8_t nonce[PT_SEAL_NONCE_SIZE];
    pt_sys_random(controller->sys, nonce, sizeof(nonce));
    pt_seal(controller->trust->next_seal_key, nonce, context, plain, out);
}

static void ignore(void *arg, enum pt_code code, uint64_t index)
{
    (void)arg, (void)code, (void)index; /* the roster comes behind it in the log: its verdict is the answer */
}

static void propose_meta(struct pt_serve_call *call, const char *key, struct pt_bytes plain)
{
    struct pt_controller *controller = call->controller;
    PT_AUTO(buf) struct pt_buf sealed = {0};
    reseal_one(controller, key, plain, &sealed);
    Patronus__V1__SetMeta meta = PATRONUS__V1__SET_META__INIT;
    meta.key = (char *)(uintptr_t)key;
    meta.value = (ProtobufCBinaryData){.len = sealed.size, .data = sealed.data};
    Patronus__V1__Command command = PATRONUS__V1__COMMAND__INIT;
    command.format = 1;
    command.time_ns = pt_sys_wall_ns(controller->sys);
    command.principal = (char *)(uintptr_t)call->caller.principal;
    command.op_case = PATRONUS__V1__COMMAND__OP_SET_META;
    command.set_meta = &meta;
    PT_AUTO(buf) struct pt_buf data = {0};
    pt_kind_command(&command, &data);
    pt_raft_propose(controller->raft, pt_buf_bytes(&data), ignore, NULL);
}

static void resealed(struct pt_serve_call *call, const struct pt_verdict *verdict)
{
    if (verdict->error.code != PT_OK) {
        pt_serve_fail(call, &verdict->error);
        return;
    }
    Patronus__V1__ResealSecretsResponse response = PATRONUS__V1__RESEAL_SECRETS_RESPONSE__INIT;
    response.values = (uint32_t)(uintptr_t)call->state;
    uint8_t bytes[16];
    size_t size = patronus__v1__reseal_secrets_response__pack(&response, bytes);
    pt_serve_reply(call, (struct pt_bytes){bytes, size});
}

static enum pt_code reseal(struct pt_serve_call *call, struct pt_error *reterr)
{
    struct pt_controller *controller = call->controller;
    struct pt_store *store = pt_kind_store(controller->machine);
    PT_AUTO(buf) struct pt_buf sealed = {0};
    PT_AUTO(secret) struct pt_buf bundle = {0};
    uint8_t digests[PT_DIGEST_SIZE];
    Patronus__V1__AuthorityRoster *roster = NULL;
    PT_TRY(pt_store_meta_get(store, PT_META_BUNDLE_KEY, &sealed, reterr));
    PT_TRY(pt_serve_unseal_value(controller, PT_META_BUNDLE_KEY, pt_buf_bytes(&sealed), &bundle, reterr));
    PT_TRY(digests_key(controller, digests, reterr));
    PT_TRY(pt_roster_read(store, &roster, reterr));
    enum pt_code code = PT_OK;
    for (size_t i = 0; code == PT_OK && i < roster->n_authorities; i++) {
        ProtobufCBinaryData *key = &roster->authorities[i]->sealed_key;
        PT_AUTO(secret) struct pt_buf plain = {0};
        PT_AUTO(buf) struct pt_buf anew = {0};
        code =
            pt_serve_unseal_value(controller, PT_META_CA_KEY, (struct pt_bytes){key->data, key->len}, &plain, reterr);
        if (code == PT_OK) {
            reseal_one(controller, PT_META_CA_KEY, pt_buf_bytes(&plain), &anew);
            pt_assert(anew.size == key->len); /* the same plain text */
            memcpy(key->data, anew.data, anew.size);
        }
    }
    if (code == PT_OK) {
        propose_meta(call, PT_META_DIGESTS_KEY, (struct pt_bytes){digests, sizeof(digests)});
        propose_meta(call, PT_META_BUNDLE_KEY, pt_buf_bytes(&bundle));
        PT_AUTO(buf) struct pt_buf command = {0};
        pt_roster_command(roster, &call->caller, pt_sys_wall_ns(controller->sys), &command);
        call->state = (void *)(uintptr_t)(2 + roster->n_authorities);
        pt_serve_propose(call, pt_buf_bytes(&command), resealed);
    }
    pt_memory_clear(digests, sizeof(digests));
    pt_roster_free(roster);
    return code;
}

static void reseal_message(struct pt_serve_call *call, struct pt_bytes message)
{
    struct pt_controller *controller = call->controller;
    struct pt_arena arena;
    struct pt_msg *request = NULL;
    struct pt_error error = {0};
    pt_arena_init(&arena);
    struct asked asked = {.arena = &arena, .controller = controller};
    if (pt_msg_parse(call->method->input, message, NULL, &arena, &request, &error) != PT_OK) {
        pt_serve_fail(call, &error);
        pt_arena_fini(&arena);
        return;
    }
    bool has = pt_trust_next_seal_key(controller, &asked.want);
    struct pt_view *view = pt_view_new(controller->machine);
    pt_view_scan(view, "controller", "", ask_controller, &asked);
    pt_view_free(view);
    if (pt_msg_bool(request, "validate_only") || asked.len > 0 || !has) {
        Patronus__V1__ResealSecretsResponse response = PATRONUS__V1__RESEAL_SECRETS_RESPONSE__INIT;
        response.obstacles = asked.items;
        response.n_obstacles = asked.len;
        PT_AUTO(buf) struct pt_buf reply = {0};
        size_t size = patronus__v1__reseal_secrets_response__get_packed_size(&response);
        (void)patronus__v1__reseal_secrets_response__pack(&response, pt_buf_reserve(&reply, size));
        reply.size = size;
        pt_serve_reply(call, pt_buf_bytes(&reply));
    } else if (reseal(call, &error) != PT_OK) {
        pt_serve_fail(call, &error);
    }
    pt_arena_fini(&arena);
}

const struct pt_serve_method pt_serve_reseal_secrets = {.path = "/patronus.v1.AuthorityService/ResealSecrets",
                                                        .on_message = reseal_message};
