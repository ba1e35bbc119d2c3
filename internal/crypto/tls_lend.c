/*
 * Lending our TLS to a library that insists on an SSL_CTX and sockets of its own.
 *
 *      its SSL_CTX --- client hello ---> SSL_set_SSL_CTX: ours, the newest
 *
 * The library's SSL_CTX holds nothing but restrictions. When a client says hello, the connection takes over
 * certificate, key and trust of the context that is newest then, and keeps a reference to it: a renewed certificate
 * counts from the next handshake on, and nothing that stands is dropped. The switch must come as early as the hello:
 * later callbacks (server name, certificate) run after OpenSSL has decided whether to ask the client for a certificate.
 *
 * A certificate is asked for and not required. One that is presented must be of the cluster's CA, for clients, in time,
 * and must carry one SPIFFE id; else the handshake fails: who has a wrong certificate is not somebody without one.
 */
#include "base/assert.h"
#include "crypto/tls_context.h"
#include "crypto/x509.h"

#include <openssl/err.h>
#include <stdlib.h>

struct pt_tls_lender {
    SSL_CTX *current; /* a reference of our own */
};

static int verify_client(int ok, X509_STORE_CTX *context)
{
    if (!ok || X509_STORE_CTX_get_error_depth(context) != 0) {
        return ok;
    }
    struct pt_identity identity;
    if (pt_identity_of_cert(X509_STORE_CTX_get_current_cert(context), &identity, NULL) != PT_OK) {
        X509_STORE_CTX_set_error(context, X509_V_ERR_APPLICATION_VERIFICATION);
        return 0;
    }
    return 1;
}

static int on_hello(SSL *ssl, int *alert, void *arg)
{
    const struct pt_tls_lender *lender = arg;
    if (SSL_set_SSL_CTX(ssl, lender->current) == NULL) {
        *alert = SSL_AD_INTERNAL_ERROR;
        return SSL_CLIENT_HELLO_ERROR;
    }
    SSL_set_verify(ssl, SSL_VERIFY_PEER, verify_client);
    return SSL_CLIENT_HELLO_SUCCESS;
}

struct pt_tls_lender *pt_tls_lender_new(const struct pt_tls_context *context)
{
    struct pt_tls_lender *lender = calloc(1, sizeof(*lender));
    pt_assert(lender != NULL);
    pt_tls_lender_set(lender, context);
    return lender;
}

void pt_tls_lender_set(struct pt_tls_lender *lender, const struct pt_tls_context *context)
{
    int ok = SSL_CTX_up_ref(context->ssl);
    pt_assert(ok == 1);
    SSL_CTX_free(lender->current);
    lender->current = context->ssl;
}

enum pt_code pt_tls_lender_install(struct pt_tls_lender *lender, void *ssl_ctx, struct pt_error *reterr)
{
    SSL_CTX *theirs = ssl_ctx;
    if (!pt_tls_restrict(theirs)) {
        return pt_fail_openssl(reterr, PT_INTERNAL, "this OpenSSL refuses our TLS 1.3 settings");
    }
    /* By a server's name the library would put its own context back. */
    SSL_CTX_set_tlsext_servername_callback(theirs, NULL);
    SSL_CTX_set_client_hello_cb(theirs, on_hello, lender);
    return PT_OK;
}

void pt_tls_lender_free(struct pt_tls_lender *lender)
{
    if (lender != NULL) {
        SSL_CTX_free(lender->current);
        free(lender);
    }
}

bool pt_tls_lent_peer(void *ssl, struct pt_identity *ret_identity)
{
    X509 *cert = SSL_get0_peer_certificate(ssl);
    return cert != NULL && SSL_get_verify_result(ssl) == X509_V_OK &&
           pt_identity_of_cert(cert, ret_identity, NULL) == PT_OK;
}
