/*
 * TLS 1.3 as a filter over bytes: the peer link puts it on a pt_stream. Both sides must present a certificate of the
 * cluster's CA; the other side's identity is given after the handshake.
 *
 *   network bytes -> pt_tls_feed -> plaintext appended to `plain`; whatever must be sent is appended to `out`.
 */
#pragma once

#include "crypto/identity.h"

struct pt_tls_context; /* certificate, key, CA: shared by connections, replaced on renewal */
struct pt_tls;

/* An own certificate chain, its key and the CAs to trust, all PEM. */
PT_MUST enum pt_code pt_tls_context_new(const char *cert_pem, const char *key_pem, const char *ca_pem,
                                        struct pt_tls_context **ret_context, struct pt_error *reterr);
void pt_tls_context_free(struct pt_tls_context *context); /* NULL is fine; open connections keep what they need */

/* Judge certificates of connections made from now on by this wall time and not by the system's clock: the simulator's
 * virtual time, and tests. */
void pt_tls_context_set_time(struct pt_tls_context *context, int64_t now_ns);

struct pt_tls *pt_tls_new(struct pt_tls_context *context, bool server);
void pt_tls_free(struct pt_tls *tls); /* NULL is fine */
/* Start (client) or go on: feed received bytes (size 0 to start). PT_UNAUTHENTICATED when the handshake fails;
 * PT_CLOSED after the other side's close_notify. `out` and `plain` are appended to. */
PT_MUST enum pt_code pt_tls_feed(struct pt_tls *tls, const void *data, size_t size, struct pt_buf *plain,
                                 struct pt_buf *out, struct pt_error *reterr);
bool pt_tls_ready(const struct pt_tls *tls); /* the handshake is complete */
/* The other side, once ready. */
const struct pt_identity *pt_tls_peer(const struct pt_tls *tls);
/* Encrypt; ready must hold. */
PT_MUST enum pt_code pt_tls_write(struct pt_tls *tls, const void *data, size_t size, struct pt_buf *out,
                                  struct pt_error *reterr);
/* Append close_notify to `out`, so that the other side can tell an end from a cut. Nothing may be written afterwards.
 */
void pt_tls_close(struct pt_tls *tls, struct pt_buf *out);

/* ---- lending: another library speaks TLS, with an SSL_CTX of its own (the HTTP listener) ---------------------------
 */

/* What its connections take instead of what that SSL_CTX holds: certificate, key and CAs of the newest context. A
 * client is asked for a certificate of the cluster's CA with a SPIFFE id; without one it is anonymous, with another its
 * handshake fails. */
struct pt_tls_lender;
struct pt_tls_lender *pt_tls_lender_new(const struct pt_tls_context *context);
/* Handshakes from now on use this context; connections that stand go on with theirs. */
void pt_tls_lender_set(struct pt_tls_lender *lender, const struct pt_tls_context *context);
/* ssl_ctx is the library's SSL_CTX, before its first connection; the lender must outlive it. */
PT_MUST enum pt_code pt_tls_lender_install(struct pt_tls_lender *lender, void *ssl_ctx, struct pt_error *reterr);
void pt_tls_lender_free(struct pt_tls_lender *lender); /* NULL is fine */
/* Who is at the other end of a connection (SSL) of that library; false: somebody without a certificate. */
bool pt_tls_lent_peer(void *ssl, struct pt_identity *ret_identity);
