/*
 * Why a token is believed (RFC 7519, and what RFC 8725 says goes wrong):
 *
 *   form      three parts of base64url, strict JSON, no member twice; typ JWT or at+jwt or none; no crit; no key or
 *             address of one in the header (jwk, jku, x5u, x5c): keys come from the provider alone
 *   key       the provider's key with exactly this kid; without a kid, the only key of the algorithm. The algorithm is
 *             the key's: the token's word must agree and decides nothing, so "none" and HS256 have nothing to hold on
 * to claims    iss the provider's, letter by letter; aud names one of the provider's audiences; exp there, whole, and
 *             not over; nbf and iat not ahead. Clocks may differ by a minute
 *   subject   1 to 255 visible characters without '/', for it becomes the end of a name
 */
#include "serve/jwt.h"

#include "crypto/crypto.h"
#include "wire/json_value.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static enum pt_code no_good(struct pt_error *reterr, const char *text)
{
    return pt_fail(reterr, PT_UNAUTHENTICATED, PT_REASON_TOKEN_INVALID, NULL, "%s", text);
}

/* ---- key sets ------------------------------------------------------------------------------------------------- */

/* The bytes of a base64url member; false when it is not there or no base64url. */
static bool number_of(const struct pt_json_value *jwk, const char *name, struct pt_buf *out)
{
    const char *text = pt_json_text(jwk, name);
    return text[0] != '\0' && pt_base64url_decode(text, strlen(text), out, NULL) == PT_OK;
}

static bool usable(const struct pt_json_value *jwk, enum pt_jws_alg alg)
{
    const char *use = pt_json_text(jwk, "use");
    const char *name = pt_json_text(jwk, "alg");
    const struct pt_json_value *ops = pt_json_member(jwk, "key_ops");
    bool verifies = ops == NULL;
    for (size_t i = 0; ops != NULL && i < ops->len; i++) {
        verifies = verifies || (ops->items[i].type == PT_JSON_STRING && strcmp(ops->items[i].text, "verify") == 0);
    }
    return verifies && (use[0] == '\0' || strcmp(use, "sig") == 0) &&
           (name[0] == '\0' || strcmp(name, pt_jws_alg_name(alg)) == 0);
}

/* PT_OK with *ret_key NULL: left out. */
static enum pt_code key_of(const struct pt_json_value *jwk, struct pt_jws_key **ret_key)
{
    const char *kty = pt_json_text(jwk, "kty");
    const char *curve = pt_json_text(jwk, "crv");
    PT_AUTO(buf) struct pt_buf a = {0};
    PT_AUTO(buf) struct pt_buf b = {0};
    *ret_key = NULL;
    if (strcmp(kty, "oct") == 0 || pt_json_member(jwk, "d") != NULL || pt_json_member(jwk, "k") != NULL) {
        return PT_INVALID_ARGUMENT;
    }
    enum pt_code ignored = PT_OK; /* a key that is none is left out */
    if (strcmp(kty, "RSA") == 0 && usable(jwk, PT_JWS_RS256) && number_of(jwk, "n", &a) && number_of(jwk, "e", &b)) {
        ignored = pt_jws_key_rsa(pt_buf_bytes(&a), pt_buf_bytes(&b), ret_key, NULL);
    } else if (strcmp(kty, "EC") == 0 && strcmp(curve, "P-256") == 0 && usable(jwk, PT_JWS_ES256) &&
               number_of(jwk, "x", &a) && number_of(jwk, "y", &b)) {
        ignored = pt_jws_key_p256(pt_buf_bytes(&a), pt_buf_bytes(&b), ret_key, NULL);
    } else if (strcmp(kty, "OKP") == 0 && strcmp(curve, "Ed25519") == 0 && usable(jwk, PT_JWS_EDDSA) &&
               number_of(jwk, "x", &a)) {
        ignored = pt_jws_key_ed25519(pt_buf_bytes(&a), ret_key, NULL);
    }
    (void)ignored;
    return PT_OK;
}

static enum pt_code read_keys(const struct pt_json_value *list, struct pt_jwks *keys, struct pt_error *reterr)
{
    if (list == NULL || list->type != PT_JSON_ARRAY || list->len > PT_JWKS_KEYS_MAX) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_MESSAGE_MALFORMED, "keys",
                       "a key set is an object with a list \"keys\" of %d at most", PT_JWKS_KEYS_MAX);
    }
    for (size_t i = 0; i < list->len; i++) {
        const char *kid = pt_json_text(&list->items[i], "kid");
        struct pt_jws_key *key = NULL;
        if (key_of(&list->items[i], &key) != PT_OK) {
            return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "keys",
                           "the set publishes a secret: a symmetric or a private key");
        }
        for (size_t j = 0; key != NULL && j < keys->len; j++) {
            if (kid[0] != '\0' && strcmp(keys->keys[j].kid, kid) == 0) {
                pt_jws_key_free(key);
                return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "keys",
                               "two keys have the same kid");
            }
        }
        if (key != NULL) {
            keys->keys[keys->len++] = (struct pt_jwks_key){.kid = strdup(kid), .key = key};
        }
    }
    return keys->len > 0 ? PT_OK
                         : pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "keys",
                                   "there is no key for RS256, ES256 or EdDSA in the set");
}

enum pt_code pt_jwks_read(struct pt_bytes json, struct pt_jwks *ret_keys, struct pt_error *reterr)
{
    struct pt_arena arena;
    const struct pt_json_value *value = NULL;
    struct pt_jwks keys = {0};
    pt_arena_init(&arena);
    enum pt_code code = pt_json_value_read(json, &arena, &value, reterr);
    if (code == PT_OK) {
        code = read_keys(pt_json_member(value, "keys"), &keys, reterr);
    }
    pt_arena_fini(&arena);
    if (code == PT_OK) {
        *ret_keys = keys;
    } else {
        pt_jwks_fini(&keys);
    }
    return code;
}

void pt_jwks_fini(struct pt_jwks *keys)
{
    for (size_t i = 0; i < keys->len; i++) {
        free(keys->keys[i].kid);
        pt_jws_key_free(keys->keys[i].key);
    }
    keys->len = 0;
}

enum pt_code pt_discovery_read(struct pt_bytes json, const char *issuer, struct pt_arena *arena,
                               const char **ret_jwks_uri, struct pt_error *reterr)
{
    const struct pt_json_value *value = NULL;
    PT_TRY(pt_json_value_read(json, arena, &value, reterr));
    if (strcmp(pt_json_text(value, "issuer"), issuer) != 0) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "issuer",
                       "the document is of another issuer than the one that it was asked for");
    }
    const char *uri = pt_json_text(value, "jwks_uri");
    if (strncmp(uri, "https://", 8) != 0 || strlen(uri) > 512) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "jwks_uri",
                       "the key set's address must begin with https:// and have 512 bytes at most");
    }
    *ret_jwks_uri = uri;
    return PT_OK;
}

/* ---- reading -------------------------------------------------------------------------------------------------- */

static bool part(const char **at, char end, struct pt_arena *arena, struct pt_bytes *ret_part)
{
    const char *stop = strchr(*at, end);
    if (stop == NULL || stop == *at) {
        return false;
    }
    PT_AUTO(buf) struct pt_buf bytes = {0};
    if (pt_base64url_decode(*at, (size_t)(stop - *at), &bytes, NULL) != PT_OK) {
        return false;
    }
    *ret_part = (struct pt_bytes){.data = pt_arena_memdup(arena, bytes.data, bytes.size), .size = bytes.size};
    *at = stop + 1;
    return true;
}

static enum pt_code check_header(const struct pt_json_value *header, struct pt_error *reterr)
{
    static const char *const foreign[] = {"jwk", "jku", "x5u", "x5c", "crit", "b64", "zip", "enc"};
    const struct pt_json_value *type = pt_json_member(header, "typ");
    const struct pt_json_value *kid = pt_json_member(header, "kid");
    for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
        if (pt_json_member(header, foreign[i]) != NULL) {
            return no_good(reterr,
                           "the token's header has a member that is not accepted (jwk, jku, x5u, x5c, crit ...)");
        }
    }
    if (type != NULL && (type->type != PT_JSON_STRING ||
                         (strcasecmp(type->text, "JWT") != 0 && strcasecmp(type->text, "at+jwt") != 0))) {
        return no_good(reterr, "the token is of another type than JWT");
    }
    if (kid != NULL && kid->type != PT_JSON_STRING) {
        return no_good(reterr, "the token's kid is no text");
    }
    return PT_OK;
}

enum pt_code pt_jwt_read(const char *token, struct pt_arena *arena, struct pt_jwt *ret_jwt, struct pt_error *reterr)
{
    struct pt_bytes header_text, claims_text, signature;
    const struct pt_json_value *header = NULL;
    const struct pt_json_value *claims = NULL;
    const char *at = token;
    if (strnlen(token, PT_JWT_SIZE_MAX + 1) > PT_JWT_SIZE_MAX || !part(&at, '.', arena, &header_text) ||
        !part(&at, '.', arena, &claims_text)) {
        return no_good(reterr, "this is neither an API key nor a signed token of three parts");
    }
    struct pt_bytes input = {.data = (const uint8_t *)token, .size = (size_t)(at - token) - 1};
    if (!part(&at, '\0', arena, &signature)) {
        return no_good(reterr, "the token has no signature");
    }
    if (pt_json_value_read(header_text, arena, &header, NULL) != PT_OK || header->type != PT_JSON_OBJECT ||
        pt_json_value_read(claims_text, arena, &claims, NULL) != PT_OK || claims->type != PT_JSON_OBJECT) {
        return no_good(reterr, "the token's parts are not JSON objects");
    }
    PT_TRY(check_header(header, reterr));
    *ret_jwt = (struct pt_jwt){.alg = pt_json_text(header, "alg"),
                               .kid = pt_json_text(header, "kid"),
                               .issuer = pt_json_text(claims, "iss"),
                               .claims = claims,
                               .input = input,
                               .signature = signature};
    return PT_OK;
}

/* ---- believing ------------------------------------------------------------------------------------------------ */

const struct pt_jwks_key *pt_jwt_key(const struct pt_jwt *jwt, const struct pt_jwks *keys, bool *ret_unknown)
{
    const struct pt_jwks_key *found = NULL;
    size_t fitting = 0;
    for (size_t i = 0; i < keys->len; i++) {
        const struct pt_jwks_key *key = &keys->keys[i];
        bool meant = jwt->kid[0] != '\0' ? strcmp(key->kid, jwt->kid) == 0
                                         : strcmp(pt_jws_alg_name(pt_jws_key_alg(key->key)), jwt->alg) == 0;
        if (meant) {
            found = key;
            fitting++;
        }
    }
    *ret_unknown = fitting == 0 && jwt->kid[0] != '\0';
    return fitting == 1 ? found : NULL;
}

bool pt_jwt_for(const struct pt_jwt *jwt, const char *audience)
{
    const struct pt_json_value *aud = pt_json_member(jwt->claims, "aud");
    if (aud != NULL && aud->type == PT_JSON_STRING) {
        return strcmp(aud->text, audience) == 0;
    }
    bool found = false;
    for (size_t i = 0; aud != NULL && aud->type == PT_JSON_ARRAY && i < aud->len; i++) {
        found = found || (aud->items[i].type == PT_JSON_STRING && strcmp(aud->items[i].text, audience) == 0);
    }
    return found;
}

static enum pt_code check_times(const struct pt_jwt *jwt, int64_t now_s, int64_t *ret_expire_s, struct pt_error *reterr)
{
    static const char *const begins[] = {"nbf", "iat"};
    if (!pt_json_whole(pt_json_member(jwt->claims, "exp"), ret_expire_s)) {
        return no_good(reterr, "the token does not say, in whole seconds, when it expires");
    }
    if (*ret_expire_s + PT_JWT_SKEW_S <= now_s) {
        return pt_fail(reterr, PT_UNAUTHENTICATED, PT_REASON_TOKEN_EXPIRED, NULL, "the token has expired");
    }
    for (size_t i = 0; i < 2; i++) {
        const struct pt_json_value *claim = pt_json_member(jwt->claims, begins[i]);
        int64_t begin_s = 0;
        if (claim != NULL && (!pt_json_whole(claim, &begin_s) || begin_s > now_s + PT_JWT_SKEW_S)) {
            return no_good(reterr, "the token is not valid yet");
        }
    }
    return PT_OK;
}

/* Letters that a name may end with. */
static bool good_part(const char *text)
{
    size_t size = strnlen(text, PT_JWT_SUBJECT_SIZE_MAX + 1);
    for (size_t i = 0; i < size; i++) {
        if (text[i] <= ' ' || text[i] > '~' || text[i] == '/') {
            return false;
        }
    }
    return size > 0 && size <= PT_JWT_SUBJECT_SIZE_MAX;
}

static void read_groups(const struct pt_jwt *jwt, const char *claim, struct pt_arena *arena, struct pt_jwt_user *user)
{
    const struct pt_json_value *list = pt_json_member(jwt->claims, claim);
    const char **groups = pt_arena_array(arena, PT_JWT_GROUPS_MAX, sizeof(*groups));
    for (size_t i = 0; list != NULL && list->type == PT_JSON_ARRAY && i < list->len; i++) {
        const struct pt_json_value *item = &list->items[i];
        if (user->groups_len < PT_JWT_GROUPS_MAX && item->type == PT_JSON_STRING && good_part(item->text)) {
            groups[user->groups_len++] = item->text;
        }
    }
    user->groups = groups;
}

enum pt_code pt_jwt_believe(const struct pt_jwt *jwt, const struct pt_jwks_key *key, const struct pt_jwt_terms *terms,
                            struct pt_arena *arena, struct pt_jwt_user *ret_user, struct pt_error *reterr)
{
    struct pt_jwt_user user = {0};
    if (key == NULL) {
        return no_good(reterr, "no key of the provider is the one that the token names");
    }
    if (strcmp(pt_jws_alg_name(pt_jws_key_alg(key->key)), jwt->alg) != 0 ||
        !pt_jws_verify(key->key, jwt->input, jwt->signature)) {
        return no_good(reterr, "the token is not signed by its provider");
    }
    if (strcmp(jwt->issuer, terms->issuer) != 0) {
        return no_good(reterr, "the token is of another issuer");
    }
    bool meant = false;
    for (size_t i = 0; i < terms->audiences_len; i++) {
        meant = meant || pt_jwt_for(jwt, terms->audiences[i]);
    }
    if (!meant) {
        return no_good(reterr, "the token is meant for somebody else (aud)");
    }
    PT_TRY(check_times(jwt, terms->now_s, &user.expire_s, reterr));
    user.subject = pt_json_text(jwt->claims, terms->subject_claim[0] != '\0' ? terms->subject_claim : "sub");
    if (!good_part(user.subject)) {
        return no_good(reterr, "the token's subject is not 1 to 255 visible characters without '/'");
    }
    read_groups(jwt, terms->groups_claim[0] != '\0' ? terms->groups_claim : "groups", arena, &user);
    *ret_user = user;
    return PT_OK;
}
