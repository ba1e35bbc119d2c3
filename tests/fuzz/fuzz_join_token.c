/* libs: pt_node pt_crypto */
/*
 * Join tokens: any text decodes or is refused as a token, and what decodes survives being written and read again. The
 * first byte chooses: even, the rest is the text as a person would paste it; odd, the rest is what stands inside the
 * base64, so that the fuzzer gets past it.
 */
#include "base/assert.h"
#include "crypto/crypto.h"
#include "node/join_token.h"

#include <string.h>

static void same(const struct pt_join_token *a, const struct pt_join_token *b)
{
    pt_assert(memcmp(a->secret, b->secret, sizeof(a->secret)) == 0);
    pt_assert(strcmp(a->name, b->name) == 0 && strcmp(a->ca_pem, b->ca_pem) == 0);
    pt_assert(a->addresses_len == b->addresses_len && a->addresses_len <= PT_JOIN_ADDRESSES_MAX);
    for (size_t i = 0; i < a->addresses_len; i++) {
        pt_assert(strcmp(a->addresses[i], b->addresses[i]) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) {
        return 0;
    }
    PT_AUTO(buf) struct pt_buf text = {0};
    if (data[0] % 2 == 0) {
        pt_buf_append(&text, data + 1, size - 1);
    } else {
        pt_buf_append_str(&text, "pt1.");
        pt_base64url_encode((struct pt_bytes){data + 1, size - 1}, &text);
    }
    pt_buf_append_u8(&text, 0);
    struct pt_join_token token;
    struct pt_error error = {0};
    if (pt_join_token_decode((const char *)text.data, &token, &error) != PT_OK) {
        pt_assert(error.reason == PT_REASON_TOKEN_INVALID && error.text[0] != '\0');
        return 0;
    }
    PT_AUTO(buf) struct pt_buf again = {0};
    pt_join_token_encode(&token, &again);
    pt_buf_append_u8(&again, 0);
    struct pt_join_token reread;
    pt_assert(pt_join_token_decode((const char *)again.data, &reread, NULL) == PT_OK);
    same(&token, &reread);
    pt_join_token_fini(&reread);
    pt_join_token_fini(&token);
    return 0;
}
