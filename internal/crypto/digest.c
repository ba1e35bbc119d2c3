/*
 * SHA-256, digests as numbers, and the two memory functions that must not leak through time or survive the optimiser.
 *
 * A state digest is a sum modulo 2^256 of the digests of its rows. Addition commutes and has an inverse, so a row can
 * be added, replaced or removed in any order and two nodes with equal rows have equal sums, whatever way led there. The
 * sum is not a hash that withstands someone who chooses rows freely (a generalised birthday attack finds collisions);
 * it compares members that trust each other, as the Raft group does, and guards against faults, not against forgery.
 *
 * Short rows are hashed a million times a minute, and for those OpenSSL's general interface costs more than the hash: a
 * context is allocated, a provider asked, both freed. pt_sha256 therefore calls SHA-256 by its own name, with its state
 * on the stack. OpenSSL 3 calls these functions deprecated, since they know no providers; they do the same
 * instructions. Streams, which are long and seldom, take the general interface, with a method that is fetched once for
 * the process and constant afterwards.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "crypto/crypto.h"
#include "base/assert.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct pt_sha256_stream {
    EVP_MD_CTX *context;
};

static pthread_once_t sha256_once = PTHREAD_ONCE_INIT, sha1_once = PTHREAD_ONCE_INIT;
static EVP_MD *sha256_method; /* written by sha256_fetch only */
static EVP_MD *sha1_method;   /* written by sha1_fetch only */

static void sha256_fetch(void)
{
    sha256_method = EVP_MD_fetch(NULL, "SHA256", NULL);
    pt_assert(sha256_method != NULL);
}

static const EVP_MD *sha256(void)
{
    int failed = pthread_once(&sha256_once, sha256_fetch);
    pt_assert(failed == 0);
    return sha256_method;
}

static void sha1_fetch(void)
{
    sha1_method = EVP_MD_fetch(NULL, "SHA1", NULL);
    pt_assert(sha1_method != NULL);
}

void pt_sha1(const void *data, size_t size, uint8_t ret_hash[PT_SHA1_SIZE])
{
    int failed = pthread_once(&sha1_once, sha1_fetch);
    int ok = failed == 0 && EVP_Digest(size > 0 ? data : "", size, ret_hash, NULL, sha1_method, NULL);
    pt_assert(ok == 1);
}

struct pt_digest pt_sha256(const void *data, size_t size)
{
    struct pt_digest digest;
    SHA256_CTX state;
    int ok = SHA256_Init(&state) && SHA256_Update(&state, size > 0 ? data : "", size) &&
             SHA256_Final(digest.bytes, &state); /* which clears the state */
    pt_assert(ok == 1);
    return digest;
}

struct pt_digest pt_hmac_sha256(struct pt_bytes key, struct pt_bytes data)
{
    struct pt_digest digest;
    size_t size = 0;
    const uint8_t *out = EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, key.data, key.size, data.data, data.size,
                                   digest.bytes, sizeof(digest.bytes), &size);
    pt_assert(out != NULL && size == PT_DIGEST_SIZE);
    return digest;
}

struct pt_sha256_stream *pt_sha256_open(void)
{
    struct pt_sha256_stream *stream = calloc(1, sizeof(*stream));
    pt_assert(stream != NULL);
    stream->context = EVP_MD_CTX_new();
    int ok = stream->context != NULL && EVP_DigestInit_ex2(stream->context, sha256(), NULL);
    pt_assert(ok == 1);
    return stream;
}

void pt_sha256_update(struct pt_sha256_stream *stream, const void *data, size_t size)
{
    int ok = EVP_DigestUpdate(stream->context, data, size);
    pt_assert(ok == 1);
}

struct pt_digest pt_sha256_close(struct pt_sha256_stream *stream)
{
    struct pt_digest digest;
    int ok = EVP_DigestFinal_ex(stream->context, digest.bytes, NULL);
    pt_assert(ok == 1);
    EVP_MD_CTX_free(stream->context);
    free(stream);
    return digest;
}

bool pt_digest_equal(const struct pt_digest *a, const struct pt_digest *b)
{
    return pt_memory_equal(a->bytes, b->bytes, PT_DIGEST_SIZE);
}

char *pt_hex(struct pt_bytes bytes, char text[])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < bytes.size; i++) {
        text[2 * i] = digits[bytes.data[i] >> 4];
        text[2 * i + 1] = digits[bytes.data[i] & 15];
    }
    text[2 * bytes.size] = '\0';
    return text;
}

char *pt_digest_hex(const struct pt_digest *digest, char text[65])
{
    return pt_hex((struct pt_bytes){digest->bytes, PT_DIGEST_SIZE}, text);
}

/* Value of a lower-case hexadecimal digit, or -1: one digest has one text. */
static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

enum pt_code pt_digest_from_hex(const char *text, struct pt_digest *ret_digest, struct pt_error *reterr)
{
    struct pt_digest digest;
    if (strnlen(text, 65) != 64) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, NULL,
                       "a digest has 64 lower-case hexadecimal digits");
    }
    for (size_t i = 0; i < PT_DIGEST_SIZE; i++) {
        int high = hex_value(text[2 * i]);
        int low = hex_value(text[2 * i + 1]);
        if (high < 0 || low < 0) {
            return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, NULL,
                           "a digest has lower-case hexadecimal digits only; there is another character near %zu",
                           2 * i);
        }
        digest.bytes[i] = (uint8_t)(high << 4 | low);
    }
    *ret_digest = digest;
    return PT_OK;
}

void pt_digest_add(struct pt_digest *sum, const struct pt_digest *term)
{
    uint64_t carry = 0;
    for (size_t i = PT_DIGEST_SIZE; i > 0; i -= 8) {
        uint64_t a = pt_be64(sum->bytes + i - 8);
        uint64_t b = pt_be64(term->bytes + i - 8);
        uint64_t with_carry = a + carry;
        uint64_t result = with_carry + b;
        carry = (with_carry < a ? 1U : 0U) + (result < b ? 1U : 0U);
        pt_put_be64(sum->bytes + i - 8, result);
    }
}

void pt_digest_sub(struct pt_digest *sum, const struct pt_digest *term)
{
    uint64_t borrow = 0;
    for (size_t i = PT_DIGEST_SIZE; i > 0; i -= 8) {
        uint64_t a = pt_be64(sum->bytes + i - 8);
        uint64_t b = pt_be64(term->bytes + i - 8);
        uint64_t with_borrow = a - borrow;
        uint64_t result = with_borrow - b;
        borrow = (with_borrow > a ? 1U : 0U) + (result > with_borrow ? 1U : 0U);
        pt_put_be64(sum->bytes + i - 8, result);
    }
}

bool pt_memory_equal(const void *a, const void *b, size_t size)
{
    return size == 0 || CRYPTO_memcmp(a, b, size) == 0;
}

void pt_memory_clear(void *data, size_t size)
{
    if (size > 0) {
        OPENSSL_cleanse(data, size);
    }
}
