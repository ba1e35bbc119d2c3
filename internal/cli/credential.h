/*
 * A credential file: the client's certificate, its key and the CA's certificates, one after the other as PEM. The first
 * certificate is the client's.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>

struct pt_cli_credential {
    struct pt_buf cert_pem, key_pem, ca_pem; /* NUL-terminated */
};

/* PT_INVALID_ARGUMENT when something is missing; says what. With a token in place of the certificate (ca_only), every
 * certificate is a CA's unless a key stands beside it, and neither key nor certificate is kept. */
PT_MUST enum pt_code pt_cli_credential_parse(const char *text, bool ca_only, struct pt_cli_credential *ret_credential,
                                             struct pt_error *reterr);
void pt_cli_credential_fini(struct pt_cli_credential *credential); /* clears the key */
