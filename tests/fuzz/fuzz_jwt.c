/* libs: pt_serve pt_wire pt_crypto */
/*
 * Tokens, key sets and discovery documents, as strangers send them. The first byte chooses. What is read as a token is
 * never believed with a key that did not sign it.
 */
#include "base/assert.h"
#include "serve/jwt.h"

#include <string.h>

static void token(const char *text)
{
    static const uint8_t x[32] = {0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe,
                                  0xd3, 0xc9, 0x64, 0x07, 0x3a, 0x0e, 0xe1, 0x72, 0xf3, 0xda, 0xa6,
                                  0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a};
    static const char *const audiences[] = {"a"};
    const struct pt_jwt_terms terms = {
        .issuer = "i", .audiences = audiences, .audiences_len = 1, .subject_claim = "", .groups_claim = ""};
    struct pt_arena arena;
    struct pt_jwt jwt;
    struct pt_jwt_user user;
    struct pt_jwks keys = {0};
    struct pt_error error = {0};
    bool unknown = false;
    pt_arena_init(&arena);
    enum pt_code code = pt_jws_key_ed25519((struct pt_bytes){x, sizeof(x)}, &keys.keys[0].key, NULL);
    pt_assert(code == PT_OK);
    keys.keys[0].kid = strdup("k");
    keys.len = 1;
    if (pt_jwt_read(text, &arena, &jwt, &error) == PT_OK) {
        code = pt_jwt_believe(&jwt, pt_jwt_key(&jwt, &keys, &unknown), &terms, &arena, &user, &error);
        pt_assert(code == PT_UNAUTHENTICATED);
    }
    pt_assert(error.code == PT_UNAUTHENTICATED && error.text[0] != '\0');
    pt_jwks_fini(&keys);
    pt_arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) {
        return 0;
    }
    struct pt_bytes rest = {.data = data + 1, .size = size - 1};
    if (data[0] % 3 == 0) {
        PT_AUTO(buf) struct pt_buf text = {0};
        pt_buf_append(&text, rest.data, rest.size);
        pt_buf_append_u8(&text, 0);
        token((const char *)text.data);
    } else if (data[0] % 3 == 1) {
        struct pt_jwks keys = {0};
        if (pt_jwks_read(rest, &keys, NULL) == PT_OK) {
            pt_assert(keys.len > 0 && keys.len <= PT_JWKS_KEYS_MAX);
            pt_jwks_fini(&keys);
        }
    } else {
        struct pt_arena arena;
        const char *uri = NULL;
        pt_arena_init(&arena);
        if (pt_discovery_read(rest, "https://i", &arena, &uri, NULL) == PT_OK) {
            pt_assert(strncmp(uri, "https://", 8) == 0);
        }
        pt_arena_fini(&arena);
    }
    return 0;
}
