/*
 * Reading is strict: every length is checked against what is left, nothing may follow, strings hold no NUL.
 */
#include "node/join_token.h"

#include "base/assert.h"
#include "crypto/crypto.h"

#include <stdlib.h>
#include <string.h>

#define PREFIX "pt1."
#define TOKEN_SIZE_MAX 16384

static void append_text(struct pt_buf *out, const char *text)
{
    size_t size = strlen(text);
    pt_assert(size <= UINT16_MAX);
    pt_buf_append_u8(out, (uint8_t)(size >> 8));
    pt_buf_append_u8(out, (uint8_t)size);
    pt_buf_append(out, text, size);
}

void pt_join_token_encode(const struct pt_join_token *token, struct pt_buf *out)
{
    PT_AUTO(buf) struct pt_buf data = {0};
    pt_buf_append(&data, token->secret, sizeof(token->secret));
    append_text(&data, token->name);
    pt_assert(token->addresses_len <= PT_JOIN_ADDRESSES_MAX);
    pt_buf_append_u8(&data, (uint8_t)token->addresses_len);
    for (size_t i = 0; i < token->addresses_len; i++) {
        append_text(&data, token->addresses[i]);
    }
    append_text(&data, token->ca_pem);
    pt_buf_append_str(out, PREFIX);
    pt_base64url_encode(pt_buf_bytes(&data), out);
    pt_memory_clear(data.data, data.size);
}

/* The next text of *rest; NULL when it is cut short or holds a NUL. */
static char *take_text(struct pt_bytes *rest)
{
    if (rest->size < 2) {
        return NULL;
    }
    size_t size = (size_t)rest->data[0] << 8 | rest->data[1];
    if (rest->size - 2 < size || memchr(rest->data + 2, 0, size) != NULL) {
        return NULL;
    }
    char *text = strndup((const char *)rest->data + 2, size);
    pt_assert(text != NULL);
    rest->data += 2 + size;
    rest->size -= 2 + size;
    return text;
}

static bool decode(struct pt_bytes rest, struct pt_join_token *token)
{
    if (rest.size < sizeof(token->secret)) {
        return false;
    }
    memcpy(token->secret, rest.data, sizeof(token->secret));
    rest.data += sizeof(token->secret);
    rest.size -= sizeof(token->secret);
    token->name = take_text(&rest);
    if (token->name == NULL || rest.size < 1 || rest.data[0] > PT_JOIN_ADDRESSES_MAX) {
        return false;
    }
    size_t addresses_len = rest.data[0];
    rest.data++;
    rest.size--;
    for (size_t i = 0; i < addresses_len; i++) {
        char *address = take_text(&rest);
        if (address == NULL) {
            return false;
        }
        token->addresses[token->addresses_len++] = address;
    }
    token->ca_pem = take_text(&rest);
    return token->ca_pem != NULL && rest.size == 0;
}

enum pt_code pt_join_token_decode(const char *text, struct pt_join_token *ret_token, struct pt_error *reterr)
{
    struct pt_join_token token = {.name = NULL};
    PT_AUTO(buf) struct pt_buf data = {0};
    size_t size = strnlen(text, TOKEN_SIZE_MAX + 1);
    bool good = size <= TOKEN_SIZE_MAX && strncmp(text, PREFIX, strlen(PREFIX)) == 0 &&
                pt_base64url_decode(text + strlen(PREFIX), size - strlen(PREFIX), &data, NULL) == PT_OK &&
                decode(pt_buf_bytes(&data), &token);
    if (data.data != NULL) {
        pt_memory_clear(data.data, data.size);
    }
    if (!good) {
        pt_join_token_fini(&token);
        return pt_fail(reterr, PT_PERMISSION_DENIED, PT_REASON_TOKEN_INVALID, "token",
                       "this is not a join token; make one with: patronusctl tokens create");
    }
    *ret_token = token;
    return PT_OK;
}

void pt_join_token_fini(struct pt_join_token *token)
{
    pt_memory_clear(token->secret, sizeof(token->secret));
    free(token->name);
    for (size_t i = 0; i < token->addresses_len; i++) {
        free(token->addresses[i]);
    }
    free(token->ca_pem);
    *token = (struct pt_join_token){0};
}
