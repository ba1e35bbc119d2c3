/*
 * Signatures of other people's tokens (JWS, RFC 7515 and 7518): the public keys that may be used, and one way to verify
 * with each. The algorithm is the key's and never the token's choice: there is no function that takes a name.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>

enum pt_jws_alg { PT_JWS_RS256, PT_JWS_ES256, PT_JWS_EDDSA };
const char *pt_jws_alg_name(enum pt_jws_alg alg); /* "RS256" */

struct pt_jws_key;
/* RSA of 2048 to 8192 bits, exponent odd and at most 32 bits; P-256; Ed25519. PT_INVALID_ARGUMENT otherwise. */
PT_MUST enum pt_code pt_jws_key_rsa(struct pt_bytes modulus, struct pt_bytes exponent, struct pt_jws_key **ret_key,
                                    struct pt_error *reterr);
PT_MUST enum pt_code pt_jws_key_p256(struct pt_bytes x, struct pt_bytes y, struct pt_jws_key **ret_key,
                                     struct pt_error *reterr);
PT_MUST enum pt_code pt_jws_key_ed25519(struct pt_bytes x, struct pt_jws_key **ret_key, struct pt_error *reterr);
void pt_jws_key_free(struct pt_jws_key *key); /* NULL is fine */
enum pt_jws_alg pt_jws_key_alg(const struct pt_jws_key *key);
bool pt_jws_verify(const struct pt_jws_key *key, struct pt_bytes data, struct pt_bytes signature);
