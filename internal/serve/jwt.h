/*
 * Tokens of other people's identity providers: key sets, discovery documents, and what it takes for a token to be
 * believed. Pure: no clock, no network, no state (oidc.c has those).
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "crypto/jws.h"

#include <stdbool.h>
#include <stdint.h>

#define PT_JWT_SIZE_MAX 16384
#define PT_JWKS_KEYS_MAX 64
#define PT_JWT_SKEW_S 60
#define PT_JWT_SUBJECT_SIZE_MAX 255
#define PT_JWT_GROUPS_MAX 64

/* ---- key sets --------------------------------------------------------------------------------------------------- */

struct pt_jwks_key {
    char *kid; /* "" when it has none */
    struct pt_jws_key *key;
};
struct pt_jwks {
    struct pt_jwks_key keys[PT_JWKS_KEYS_MAX];
    size_t len;
};
/* Keys that are not for signatures, of other algorithms, or weak are left out; a symmetric or a private key, and two
 * keys of one kid, make the whole set worthless: whoever publishes such a set does not know what he does. */
PT_MUST enum pt_code pt_jwks_read(struct pt_bytes json, struct pt_jwks *ret_keys, struct pt_error *reterr);
void pt_jwks_fini(struct pt_jwks *keys);

/* The URL of the key set in a discovery document, which must name the very issuer that it was asked for. In the arena.
 */
PT_MUST enum pt_code pt_discovery_read(struct pt_bytes json, const char *issuer, struct pt_arena *arena,
                                       const char **ret_jwks_uri, struct pt_error *reterr);

/* ---- tokens ----------------------------------------------------------------------------------------------------- */

struct pt_json_value;
struct pt_jwt { /* read, and not believed yet */
    const char *alg, *kid;
    const char *issuer;
    const struct pt_json_value *claims;
    struct pt_bytes input, signature;
};
/* PT_UNAUTHENTICATED, with the reason, when the text is no such token. Everything in the arena. */
PT_MUST enum pt_code pt_jwt_read(const char *token, struct pt_arena *arena, struct pt_jwt *ret_jwt,
                                 struct pt_error *reterr);
bool pt_jwt_for(const struct pt_jwt *jwt, const char *audience);

struct pt_jwt_terms { /* what a provider wants */
    const char *issuer;
    const char *const *audiences;
    size_t audiences_len;
    const char *subject_claim, *groups_claim; /* "": "sub", "groups" */
    int64_t now_s;
};
struct pt_jwt_user {
    const char *subject;
    const char *const *groups;
    size_t groups_len;
    int64_t expire_s;
};
/* Which key: NULL and *ret_unknown when no key of the set can be meant, so that a newer set may help. */
const struct pt_jwks_key *pt_jwt_key(const struct pt_jwt *jwt, const struct pt_jwks *keys, bool *ret_unknown);
/* Signature first, then everything that the terms say. PT_UNAUTHENTICATED. */
PT_MUST enum pt_code pt_jwt_believe(const struct pt_jwt *jwt, const struct pt_jwks_key *key,
                                    const struct pt_jwt_terms *terms, struct pt_arena *arena,
                                    struct pt_jwt_user *ret_user, struct pt_error *reterr);
