/*
 * Identity providers: their keys, fetched ahead of any token, and the users that tokens make.
 *
 *   IdentityProvider resources -> sources (issuer, key set's address) --executor--> discovery, key set -> keys
 *   token -> provider by iss and aud -> key by kid -> believed (jwt.c) -> caller
 *
 * Nothing is fetched because of a token: only what the state names, each ten minutes, and after failures ever less
 * often. A kid that nobody knows brings the next fetch nearer, no nearer than ten seconds after the last. Keys stay
 * good for a day when their provider cannot be reached; then its tokens are refused.
 *
 * A token that fits providers of two organizations would make its bearer either one's user, at the choice of whoever
 * wrote the other resource: it is refused until the caller says which one he means.
 */
#include "serve/controller_priv.h"

#include "base/assert.h"
#include "serve/jwt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROVIDERS_MAX 4096
#define SOURCES_MAX 1024
#define BUSY_MAX 2
#define SECOND_NS 1000000000ULL
#define REFRESH_NS (600 * SECOND_NS)
#define AGAIN_NS (10 * SECOND_NS)
#define STALE_NS (24 * 3600 * SECOND_NS)
#define BACKOFF_MIN_NS (2 * SECOND_NS)
#define BACKOFF_MAX_NS (600 * SECOND_NS)
#define WELL_KNOWN "/.well-known/openid-configuration"

struct source { /* keys of an issuer; shared by the providers that name the same */
    char *issuer, *jwks_uri;
    struct pt_jwks keys;
    uint64_t fetched_ns; /* 0: never */
    uint64_t next_ns;
    unsigned failures;
    bool busy, wanted;
};

struct provider { /* in oidc->arena */
    const char *name, *issuer, *jwks_uri;
    const char *const *audiences;
    size_t audiences_len;
    const char *subject_claim, *groups_claim;
    struct source *source;
};

struct pt_oidc {
    struct pt_controller *controller;
    struct pt_executor *executor;
    struct pt_arena arena;
    struct provider *providers;
    size_t providers_len;
    struct source *sources[SOURCES_MAX];
    size_t sources_len;
    size_t busy;
    uint64_t revision; /* of access, as of which providers were read */
    bool read;
};

struct job {
    struct pt_oidc *oidc;
    const struct pt_controller_options *options;
    struct source *source; /* not freed while busy */
    char *issuer, *jwks_uri;
    struct pt_jwks keys;
    struct pt_error error;
};

static void source_free(struct source *source)
{
    pt_jwks_fini(&source->keys);
    free(source->issuer);
    free(source->jwks_uri);
    free(source);
}

struct pt_oidc *pt_oidc_new(struct pt_controller *controller)
{
    if (controller->options.fetch == NULL) {
        return NULL;
    }
    struct pt_oidc *oidc = calloc(1, sizeof(*oidc));
    pt_assert(oidc != NULL);
    oidc->controller = controller;
    oidc->executor = pt_executor_new(controller->sys, "issuers", BUSY_MAX);
    pt_arena_init(&oidc->arena);
    return oidc;
}

void pt_oidc_free(struct pt_oidc *oidc)
{
    if (oidc == NULL) {
        return;
    }
    pt_executor_free(oidc->executor);
    for (size_t i = 0; i < oidc->sources_len; i++) {
        source_free(oidc->sources[i]);
    }
    pt_arena_fini(&oidc->arena);
    free(oidc);
}

/* ---- what the state names ------------------------------------------------------------------------------------- */

static struct source *source_of(struct pt_oidc *oidc, const char *issuer, const char *jwks_uri)
{
    for (size_t i = 0; i < oidc->sources_len; i++) {
        if (strcmp(oidc->sources[i]->issuer, issuer) == 0 && strcmp(oidc->sources[i]->jwks_uri, jwks_uri) == 0) {
            return oidc->sources[i];
        }
    }
    if (oidc->sources_len == SOURCES_MAX) {
        return NULL; /* its tokens are refused */
    }
    struct source *source = calloc(1, sizeof(*source));
    pt_assert(source != NULL);
    source->issuer = strdup(issuer);
    source->jwks_uri = strdup(jwks_uri);
    pt_assert(source->issuer != NULL && source->jwks_uri != NULL);
    oidc->sources[oidc->sources_len++] = source;
    return source;
}

static bool add_provider(void *arg, const char *name, const struct pt_msg *msg)
{
    struct pt_oidc *oidc = arg;
    struct pt_arena *arena = &oidc->arena;
    const struct pt_msg_field *audiences = pt_msg_field(msg, "audiences");
    if (pt_msg_bool(msg, "disabled") || audiences == NULL || oidc->providers_len == PROVIDERS_MAX) {
        return true;
    }
    const char **list = pt_arena_array(arena, audiences->len, sizeof(*list));
    for (size_t i = 0; i < audiences->len; i++) {
        list[i] = pt_arena_strdup(arena, (const char *)audiences->values[i].bytes.data);
    }
    struct provider *provider = &oidc->providers[oidc->providers_len++];
    *provider = (struct provider){.name = pt_arena_strdup(arena, name),
                                  .issuer = pt_arena_strdup(arena, pt_msg_str(msg, "issuer")),
                                  .audiences = list,
                                  .audiences_len = audiences->len,
                                  .subject_claim = pt_arena_strdup(arena, pt_msg_str(msg, "subject_claim")),
                                  .groups_claim = pt_arena_strdup(arena, pt_msg_str(msg, "groups_claim")),
                                  .jwks_uri = pt_arena_strdup(arena, pt_msg_str(msg, "jwks_uri"))};
    return true;
}

static void read_providers(struct pt_oidc *oidc)
{
    struct pt_machine_kind *machine = oidc->controller->machine;
    if (oidc->read && oidc->revision == pt_kind_access_revision(machine)) {
        return;
    }
    oidc->read = true;
    oidc->revision = pt_kind_access_revision(machine);
    pt_arena_fini(&oidc->arena);
    pt_arena_init(&oidc->arena);
    oidc->providers = pt_arena_array(&oidc->arena, PROVIDERS_MAX, sizeof(*oidc->providers));
    oidc->providers_len = 0;
    struct pt_view *view = pt_view_new(machine);
    pt_view_scan(view, "identityProvider", "", add_provider, oidc);
    pt_view_free(view);
    for (size_t i = 0; i < oidc->sources_len; i++) {
        oidc->sources[i]->wanted = false;
    }
    for (size_t i = 0; i < oidc->providers_len; i++) {
        struct provider *provider = &oidc->providers[i];
        provider->source = source_of(oidc, provider->issuer, provider->jwks_uri);
        if (provider->source != NULL) {
            provider->source->wanted = true;
        }
    }
    size_t len = 0;
    for (size_t i = 0; i < oidc->sources_len; i++) {
        if (oidc->sources[i]->wanted || oidc->sources[i]->busy) {
            oidc->sources[len++] = oidc->sources[i];
        } else {
            source_free(oidc->sources[i]);
        }
    }
    oidc->sources_len = len;
}

/* ---- fetching ------------------------------------------------------------------------------------------------- */

/* On a thread. */
static void work(void *arg)
{
    struct job *job = arg;
    const struct pt_controller_options *options = job->options;
    struct pt_arena arena;
    PT_AUTO(buf) struct pt_buf body = {0};
    PT_AUTO(buf) struct pt_buf url = {0};
    const char *jwks_uri = job->jwks_uri;
    enum pt_code code = PT_OK;
    pt_arena_init(&arena);
    if (jwks_uri[0] == '\0') {
        size_t size = strlen(job->issuer);
        bool slash = size > 0 && job->issuer[size - 1] == '/';
        pt_buf_printf(&url, "%.*s%s", (int)(slash ? size - 1 : size), job->issuer, WELL_KNOWN);
        code = options->fetch(options->certificate_context, (const char *)url.data, &body, &job->error);
        if (code == PT_OK) {
            code = pt_discovery_read(pt_buf_bytes(&body), job->issuer, &arena, &jwks_uri, &job->error);
        }
        pt_buf_reset(&body);
    }
    if (code == PT_OK) {
        code = options->fetch(options->certificate_context, jwks_uri, &body, &job->error);
    }
    if (code == PT_OK) {
        code = pt_jwks_read(pt_buf_bytes(&body), &job->keys, &job->error);
    }
    pt_arena_fini(&arena);
}

static void done(void *arg)
{
    struct job *job = arg;
    struct pt_oidc *oidc = job->oidc;
    struct source *source = job->source;
    uint64_t now = pt_sys_now_ns(oidc->controller->sys);
    source->busy = false;
    oidc->busy--;
    if (job->error.code == PT_OK) {
        pt_jwks_fini(&source->keys);
        source->keys = job->keys;
        source->fetched_ns = now;
        source->next_ns = now + REFRESH_NS;
        source->failures = 0;
        pt_log_info(oidc->controller->log, "issuer's keys", "issuer=%.200s keys=%zu", source->issuer, source->keys.len);
    } else {
        unsigned shift = source->failures < 10 ? source->failures : 10;
        uint64_t wait = BACKOFF_MIN_NS << shift;
        source->failures++;
        source->next_ns = now + (wait < BACKOFF_MAX_NS ? wait : BACKOFF_MAX_NS);
        pt_log_warn(oidc->controller->log, "issuer's keys not fetched", "issuer=%.200s reason=\"%s\"", source->issuer,
                    job->error.text);
    }
    free(job->issuer);
    free(job->jwks_uri);
    free(job);
}

void pt_oidc_tick(struct pt_oidc *oidc)
{
    if (oidc == NULL) {
        return;
    }
    uint64_t now = pt_sys_now_ns(oidc->controller->sys);
    read_providers(oidc);
    for (size_t i = 0; i < oidc->sources_len && oidc->busy < BUSY_MAX; i++) {
        struct source *source = oidc->sources[i];
        if (source->busy || !source->wanted || now < source->next_ns) {
            continue;
        }
        struct job *job = calloc(1, sizeof(*job));
        pt_assert(job != NULL);
        *job = (struct job){.oidc = oidc,
                            .options = &oidc->controller->options,
                            .source = source,
                            .issuer = strdup(source->issuer),
                            .jwks_uri = strdup(source->jwks_uri)};
        pt_assert(job->issuer != NULL && job->jwks_uri != NULL);
        source->busy = true;
        oidc->busy++;
        pt_executor_submit(oidc->executor, work, done, job);
    }
}

/* ---- tokens --------------------------------------------------------------------------------------------------- */

static const struct provider *provider_of(const struct pt_oidc *oidc, const struct pt_jwt *jwt, const char *wanted,
                                          size_t *ret_len)
{
    const struct provider *found = NULL;
    for (size_t i = 0; i < oidc->providers_len; i++) {
        const struct provider *provider = &oidc->providers[i];
        bool meant = false;
        for (size_t j = 0; j < provider->audiences_len; j++) {
            meant = meant || pt_jwt_for(jwt, provider->audiences[j]);
        }
        if (meant && strcmp(provider->issuer, jwt->issuer) == 0 &&
            (wanted[0] == '\0' || strcmp(wanted, provider->name) == 0)) {
            found = provider;
            ++*ret_len;
        }
    }
    return found;
}

static void set_caller(struct pt_serve_call *call, const struct provider *provider, const struct pt_jwt_user *user)
{
    struct pt_arena *arena = &call->arena;
    const char **groups = pt_arena_array(arena, user->groups_len, sizeof(*groups));
    for (size_t i = 0; i < user->groups_len; i++) {
        groups[i] = pt_arena_printf(arena, "%s/groups/%s", provider->name, user->groups[i]);
    }
    call->caller.principal = pt_arena_printf(arena, "%s/users/%s", provider->name, user->subject);
    call->caller.groups = groups;
    call->caller.groups_len = user->groups_len;
    call->credential_end_ns = (user->expire_s + PT_JWT_SKEW_S) * (int64_t)SECOND_NS;
}

enum pt_code pt_oidc_authenticate(struct pt_serve_call *call, const char *token, const char *wanted,
                                  struct pt_error *reterr)
{
    struct pt_controller *controller = call->controller;
    struct pt_oidc *oidc = controller->oidc;
    struct pt_jwt jwt;
    struct pt_jwt_user user;
    size_t len = 0;
    PT_TRY(pt_jwt_read(token, &call->arena, &jwt, reterr));
    if (oidc != NULL) {
        read_providers(oidc);
    }
    const struct provider *provider = oidc != NULL ? provider_of(oidc, &jwt, wanted, &len) : NULL;
    if (len != 1) {
        return pt_fail(reterr, PT_UNAUTHENTICATED, PT_REASON_TOKEN_INVALID, NULL,
                       len == 0 ? "no identity provider of the cluster has the token's issuer and audience"
                                : "more than one identity provider accepts this token: name one in the metadata "
                                  "patronus-identity-provider");
    }
    struct source *source = provider->source;
    uint64_t now = pt_sys_now_ns(controller->sys);
    if (source == NULL || source->fetched_ns == 0 || now - source->fetched_ns > STALE_NS) {
        return pt_fail(reterr, PT_UNAVAILABLE, PT_REASON_NONE, NULL,
                       "the keys of the token's issuer are not known at this moment: try again");
    }
    const struct pt_jwt_terms terms = {.issuer = provider->issuer,
                                       .audiences = provider->audiences,
                                       .audiences_len = provider->audiences_len,
                                       .subject_claim = provider->subject_claim,
                                       .groups_claim = provider->groups_claim,
                                       .now_s = pt_sys_wall_ns(controller->sys) / (int64_t)SECOND_NS};
    bool unknown = false;
    const struct pt_jwks_key *key = pt_jwt_key(&jwt, &source->keys, &unknown);
    if (unknown && source->next_ns > source->fetched_ns + AGAIN_NS && source->failures == 0) {
        source->next_ns = source->fetched_ns + AGAIN_NS; /* the issuer may have new keys */
    }
    PT_TRY(pt_jwt_believe(&jwt, key, &terms, &call->arena, &user, reterr));
    set_caller(call, provider, &user);
    return PT_OK;
}
