/*
 * Private to crypto/tls*.c: what a context is, and what every TLS of ours keeps to.
 */
#pragma once

#include "crypto/tls.h"

#include <openssl/ssl.h>

struct pt_tls_context {
    SSL_CTX *ssl;
};

/* TLS 1.3, our groups and ciphers, no tickets, no compression. False when this OpenSSL refuses. */
bool pt_tls_restrict(SSL_CTX *ssl);
