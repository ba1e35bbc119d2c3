/*
 * Join tokens: what a new node must know to reach and trust the cluster, as one line of text.
 *
 *   "pt1." base64url( 16 secret bytes | be16 name size, name | u8 addresses, each be16 size, text | be16 size, CA PEM )
 *
 * The secret is shown once; the cluster keeps its SHA-256. The CA certificate inside is what the node trusts for the
 * one call that enrols it.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"

#define PT_JOIN_SECRET_SIZE 16
#define PT_JOIN_ADDRESSES_MAX 16

struct pt_join_token {
    uint8_t secret[PT_JOIN_SECRET_SIZE];
    char *name;                             /* EnrollmentToken resource */
    char *addresses[PT_JOIN_ADDRESSES_MAX]; /* API addresses of controllers, host:port */
    size_t addresses_len;
    char *ca_pem;
};

void pt_join_token_encode(const struct pt_join_token *token, struct pt_buf *out);
/* PT_PERMISSION_DENIED, TOKEN_INVALID for anything that is not such a token. Strings are heap: fini. */
PT_MUST enum pt_code pt_join_token_decode(const char *text, struct pt_join_token *ret_token, struct pt_error *reterr);
void pt_join_token_fini(struct pt_join_token *token); /* clears the secret */
