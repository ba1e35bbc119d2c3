/*
 * TLS 1.3 over memory: the library sees two buffers and never a socket, so that the same code runs over real streams
 * and simulated ones, cut into whatever pieces.
 *
 *      network bytes -> [ in ] -> SSL -> plaintext
 *                              SSL -> [ out ] -> network bytes
 *
 * Both sides present a certificate of the cluster's CA. OpenSSL checks chain, time, signature and purpose (clientAuth
 * of who dialled, serverAuth of who was dialled); verify_peer adds what it leaves open, the one SPIFFE id, inside the
 * handshake, so that a stranger gets an alert and no byte of ours.
 *
 * In TLS 1.3 the client has finished before the server has seen its certificate: a client that is ready may still learn
 * with the next bytes that it was refused. A server that is ready knows its client.
 *
 * No session tickets and no early data: a resumed session would skip the certificate, and with it a revocation.
 *
 * A failure is final. Whatever is fed afterwards gets the same answer, and the alert in `out` should still be sent.
 *
 * Keys of AES-GCM should not protect more than 2^24.5 full records (RFC 8446, 5.5). OpenSSL does not count, we do, and
 * ask for new keys each REKEY_RECORDS of ours.
 */
#include "crypto/tls.h"
#include "base/assert.h"
#include "crypto/tls_context.h"
#include "crypto/x509.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define REKEY_RECORDS (1U << 16)
#define RECORD_SIZE_MAX 16384
#define READ_SIZE (4 * RECORD_SIZE_MAX)

struct pt_tls {
    SSL *ssl;
    BIO *in;                    /* owned by ssl: what came from the network */
    BIO *out;                   /* owned by ssl: what must go there */
    bool ready;                 /* handshake complete and peer known */
    uint32_t records;           /* written under the present keys */
    struct pt_identity peer;    /* valid when ready */
    struct pt_error failure;    /* code other than PT_OK: the answer from now on */
    struct pt_error peer_fault; /* why verify_peer refused */
};

/* Called for each certificate of the chain, from the root down; the leaf has depth 0. */
static int verify_peer(int ok, X509_STORE_CTX *context)
{
    if (!ok || X509_STORE_CTX_get_error_depth(context) != 0) {
        return ok;
    }
    SSL *ssl = X509_STORE_CTX_get_ex_data(context, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct pt_tls *tls = SSL_get_app_data(ssl);
    if (pt_identity_of_cert(X509_STORE_CTX_get_current_cert(context), &tls->peer, &tls->peer_fault) != PT_OK) {
        X509_STORE_CTX_set_error(context, X509_V_ERR_APPLICATION_VERIFICATION);
        return 0;
    }
    return 1;
}

/* A chain file may hold intermediates behind the leaf; ours do not, but it costs nothing to send them. */
static bool use_chain(SSL_CTX *ssl, const char *cert_pem)
{
    BIO *bio = BIO_new_mem_buf(cert_pem, -1);
    pt_assert(bio != NULL);
    X509 *leaf = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    bool ok = leaf != NULL && SSL_CTX_use_certificate(ssl, leaf) == 1;
    X509_free(leaf);
    X509 *next = NULL;
    while (ok && (next = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
        ok = SSL_CTX_add0_chain_cert(ssl, next) == 1;
        if (!ok) {
            X509_free(next);
        }
    }
    BIO_free(bio);
    if (ok) {
        ERR_clear_error(); /* "no start line" at the end of the text */
    }
    return ok;
}

bool pt_tls_restrict(SSL_CTX *ssl)
{
    SSL_CTX_set_options(ssl, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
    X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(ssl), X509_V_FLAG_X509_STRICT);
    return SSL_CTX_set_min_proto_version(ssl, TLS1_3_VERSION) == 1 &&
           SSL_CTX_set_max_proto_version(ssl, TLS1_3_VERSION) == 1 && SSL_CTX_set_num_tickets(ssl, 0) == 1 &&
           SSL_CTX_set1_groups_list(ssl, "X25519:P-256") == 1 &&
           SSL_CTX_set_ciphersuites(ssl,
                                    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256") == 1;
}

enum pt_code pt_tls_context_new(const char *cert_pem, const char *key_pem, const char *ca_pem,
                                struct pt_tls_context **ret_context, struct pt_error *reterr)
{
    EVP_PKEY *key = NULL;
    X509_STORE *trust = NULL;
    PT_TRY(pt_trust_from_pem(ca_pem, &trust, reterr));
    enum pt_code code = pt_key_from_pem(key_pem, &key, reterr);
    if (code != PT_OK) {
        X509_STORE_free(trust);
        return code;
    }
    SSL_CTX *ssl = SSL_CTX_new(TLS_method());
    pt_assert(ssl != NULL);
    SSL_CTX_set_cert_store(ssl, trust); /* takes it over */
    SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, verify_peer);
    if (!pt_tls_restrict(ssl)) {
        code = pt_fail_openssl(reterr, PT_INTERNAL, "this OpenSSL refuses our TLS 1.3 settings");
    } else if (!use_chain(ssl, cert_pem)) {
        code = pt_fail_openssl(reterr, PT_INVALID_ARGUMENT, "the certificate text holds no usable certificate");
    } else if (SSL_CTX_use_PrivateKey(ssl, key) != 1 || SSL_CTX_check_private_key(ssl) != 1) {
        code = pt_fail_openssl(reterr, PT_INVALID_ARGUMENT, "the key is not that of the certificate");
    }
    EVP_PKEY_free(key);
    if (code != PT_OK) {
        SSL_CTX_free(ssl);
        return code;
    }
    struct pt_tls_context *context = calloc(1, sizeof(*context));
    pt_assert(context != NULL);
    context->ssl = ssl;
    *ret_context = context;
    return PT_OK;
}

void pt_tls_context_set_time(struct pt_tls_context *context, int64_t now_ns)
{
    X509_VERIFY_PARAM_set_time(SSL_CTX_get0_param(context->ssl), (time_t)(now_ns / 1000000000));
}

void pt_tls_context_free(struct pt_tls_context *context)
{
    if (context != NULL) {
        SSL_CTX_free(context->ssl);
        free(context);
    }
}

struct pt_tls *pt_tls_new(struct pt_tls_context *context, bool server)
{
    struct pt_tls *tls = calloc(1, sizeof(*tls));
    pt_assert(tls != NULL);
    tls->ssl = SSL_new(context->ssl);
    tls->in = BIO_new(BIO_s_mem());
    tls->out = BIO_new(BIO_s_mem());
    pt_assert(tls->ssl != NULL && tls->in != NULL && tls->out != NULL);
    SSL_set_bio(tls->ssl, tls->in, tls->out);
    SSL_set_app_data(tls->ssl, tls);
    if (server) {
        SSL_set_accept_state(tls->ssl);
    } else {
        SSL_set_connect_state(tls->ssl);
    }
    return tls;
}

void pt_tls_free(struct pt_tls *tls)
{
    if (tls != NULL) {
        SSL_free(tls->ssl);
        free(tls);
    }
}

/* Move what must be sent from the library's buffer to the caller's. */
static void drain(struct pt_tls *tls, struct pt_buf *out)
{
    size_t size = BIO_ctrl_pending(tls->out);
    if (size > 0) {
        int got = BIO_read(tls->out, pt_buf_reserve(out, size), (int)size);
        pt_assert(got == (int)size);
        out->size += size;
        out->data[out->size] = 0;
    }
}

/* The answer from now on, with the first of: what verify_peer said, what the chain check said, what the library said.
 */
static enum pt_code fail_for_good(struct pt_tls *tls)
{
    long verdict = SSL_get_verify_result(tls->ssl);
    if (tls->peer_fault.code != PT_OK) {
        tls->failure = tls->peer_fault;
        ERR_clear_error();
    } else if (verdict != X509_V_OK) {
        ERR_clear_error();
        (void)pt_fail(&tls->failure, PT_UNAUTHENTICATED, PT_REASON_NONE, NULL, "the peer's certificate is refused: %s",
                      X509_verify_cert_error_string(verdict));
    } else {
        (void)pt_fail_openssl(&tls->failure, PT_UNAUTHENTICATED, tls->ready ? "TLS" : "the TLS handshake failed");
    }
    tls->ready = false;
    return tls->failure.code;
}

/* After a call of the library returned `result`, which was no success. */
static enum pt_code outcome(struct pt_tls *tls, int result)
{
    switch (SSL_get_error(tls->ssl, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return PT_OK; /* more bytes are needed */
    case SSL_ERROR_ZERO_RETURN:
        tls->ready = false;
        return pt_fail(&tls->failure, PT_CLOSED, PT_REASON_NONE, NULL, "the other side has closed the connection");
    default:
        return fail_for_good(tls);
    }
}

static enum pt_code handshake(struct pt_tls *tls)
{
    int result = SSL_do_handshake(tls->ssl);
    if (result != 1) {
        return outcome(tls, result);
    }
    /* verify_peer has run: a handshake without the peer's certificate does not complete, and nothing is resumed. */
    pt_assert(tls->peer.spiffe_id[0] != '\0' && SSL_get_verify_result(tls->ssl) == X509_V_OK);
    tls->ready = true;
    return PT_OK;
}

static enum pt_code read_all(struct pt_tls *tls, struct pt_buf *plain)
{
    for (;;) {
        size_t got = 0;
        int result = SSL_read_ex(tls->ssl, pt_buf_reserve(plain, READ_SIZE), READ_SIZE, &got);
        if (result != 1) {
            plain->data[plain->size] = 0;
            return outcome(tls, result);
        }
        plain->size += got;
        plain->data[plain->size] = 0;
    }
}

enum pt_code pt_tls_feed(struct pt_tls *tls, const void *data, size_t size, struct pt_buf *plain, struct pt_buf *out,
                         struct pt_error *reterr)
{
    enum pt_code code = tls->failure.code;
    if (code == PT_OK) {
        ERR_clear_error(); /* SSL_get_error judges by the queue */
        size_t written = 0;
        int ok = size == 0 || (BIO_write_ex(tls->in, data, size, &written) == 1 && written == size);
        pt_assert(ok == 1);
        if (!tls->ready) {
            code = handshake(tls);
        }
        if (code == PT_OK && tls->ready) {
            code = read_all(tls, plain);
        }
        drain(tls, out);
    }
    if (code != PT_OK && reterr != NULL) {
        *reterr = tls->failure;
    }
    return code;
}

bool pt_tls_ready(const struct pt_tls *tls)
{
    return tls->ready;
}

const struct pt_identity *pt_tls_peer(const struct pt_tls *tls)
{
    pt_assert(tls->peer.spiffe_id[0] != '\0');
    return &tls->peer;
}

enum pt_code pt_tls_write(struct pt_tls *tls, const void *data, size_t size, struct pt_buf *out,
                          struct pt_error *reterr)
{
    if (tls->failure.code != PT_OK) {
        if (reterr != NULL) {
            *reterr = tls->failure;
        }
        return tls->failure.code;
    }
    pt_assert(tls->ready);
    ERR_clear_error();
    const uint8_t *at = data;
    enum pt_code code = PT_OK;
    while (code == PT_OK && size > 0) {
        if (++tls->records > REKEY_RECORDS) {
            tls->records = 0;
            int ok = SSL_key_update(tls->ssl, SSL_KEY_UPDATE_NOT_REQUESTED);
            pt_assert(ok == 1);
        }
        size_t piece = size < RECORD_SIZE_MAX ? size : RECORD_SIZE_MAX;
        size_t written = 0;
        int result = SSL_write_ex(tls->ssl, at, piece, &written);
        if (result != 1) {
            code = fail_for_good(tls); /* memory takes everything: it is never a matter of waiting */
        }
        at += written;
        size -= written;
    }
    drain(tls, out);
    if (code != PT_OK && reterr != NULL) {
        *reterr = tls->failure;
    }
    return code;
}

void pt_tls_close(struct pt_tls *tls, struct pt_buf *out)
{
    if (tls->ready) {
        ERR_clear_error();
        (void)SSL_shutdown(tls->ssl); /* sends close_notify; that the other side's has not come yet is no matter */
        drain(tls, out);
    }
}
