/*
 * PEM blocks are told by their first lines only; whether they fit together is looked at where they are used.
 */
#include "cli/credential.h"

#include "crypto/crypto.h"
#include "crypto/identity.h"

#include <string.h>

#define BEGIN "-----BEGIN "
#define END "-----END "

/* The next block from *at on, its END line included; empty when there is none. *at is set behind it. */
static struct pt_bytes next_block(const char **at)
{
    const char *begin = strstr(*at, BEGIN);
    const char *end = begin != NULL ? strstr(begin, END) : NULL;
    if (end == NULL) {
        return (struct pt_bytes){0};
    }
    end += strcspn(end, "\n");
    *at = end;
    return (struct pt_bytes){.data = (const uint8_t *)begin, .size = (size_t)(end - begin)};
}

static bool is_block(struct pt_bytes block, const char *what)
{
    const char *label = (const char *)block.data + strlen(BEGIN);
    size_t size = strcspn(label, "\n");
    return memmem(label, size, what, strlen(what)) != NULL;
}

static void add(struct pt_buf *out, struct pt_bytes block)
{
    pt_buf_append(out, block.data, block.size);
    pt_buf_append_u8(out, '\n');
}

enum pt_code pt_cli_credential_parse(const char *text, bool ca_only, struct pt_cli_credential *ret_credential,
                                     struct pt_error *reterr)
{
    struct pt_cli_credential credential = {0};
    const char *at = text;
    for (struct pt_bytes block = next_block(&at); block.size > 0; block = next_block(&at)) {
        if (is_block(block, "PRIVATE KEY")) {
            add(&credential.key_pem, block);
        } else if (is_block(block, "CERTIFICATE")) {
            add(credential.cert_pem.size == 0 ? &credential.cert_pem : &credential.ca_pem, block);
        }
    }
    if (ca_only && credential.key_pem.size == 0) {
        pt_buf_append(&credential.cert_pem, credential.ca_pem.data, credential.ca_pem.size);
        pt_buf_fini(&credential.ca_pem);
        credential.ca_pem = credential.cert_pem;
        credential.cert_pem = (struct pt_buf){0};
    }
    if (ca_only && credential.ca_pem.size > 0) {
        pt_auto_secret(&credential.key_pem);
        pt_buf_fini(&credential.cert_pem);
        credential.key_pem = credential.cert_pem = (struct pt_buf){0};
        *ret_credential = credential;
        return PT_OK;
    }
    const char *missing = credential.ca_pem.size == 0 ? "the CA's certificate" : NULL;
    missing = credential.key_pem.size == 0 ? "the private key" : missing;
    missing = credential.cert_pem.size == 0 ? "the certificate" : missing;
    if (missing != NULL) {
        pt_cli_credential_fini(&credential);
        return pt_fail(
            reterr, PT_INVALID_ARGUMENT, PT_REASON_CREDENTIALS_MISSING, NULL,
            "%s is missing; the file must hold certificate, key and CA as PEM, as `patronusd init` writes it", missing);
    }
    *ret_credential = credential;
    return PT_OK;
}

void pt_cli_credential_fini(struct pt_cli_credential *credential)
{
    pt_auto_secret(&credential->key_pem);
    pt_buf_fini(&credential->cert_pem);
    pt_buf_fini(&credential->ca_pem);
    *credential = (struct pt_cli_credential){0};
}
