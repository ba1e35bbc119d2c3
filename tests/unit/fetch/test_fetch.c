/*
 * Fetching what a tenant's administrator named: only https, only where the operator lets it go, no further than the
 * first answer, and no more than fits. A real server on loopback, which itself is a private address.
 */
#include "fetch/fetch.h"

#include "crypto/crypto.h"
#include "crypto/identity.h"

#include <arpa/inet.h>
#include <check.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct server {
    int listener;
    unsigned port;
    SSL_CTX *tls;
    pthread_t thread;
    atomic_uint connections, requests;
    char ca_file[64];
};

static struct server the;
static struct pt_prefix loopback;

/* ---- the server ----------------------------------------------------------------------------------------------- */

static void send_text(SSL *ssl, const char *text)
{
    (void)SSL_write(ssl, text, (int)strlen(text));
}

static void send_many(SSL *ssl, size_t size)
{
    char block[1024];
    memset(block, 'x', sizeof(block));
    for (size_t sent = 0; sent < size && SSL_write(ssl, block, sizeof(block)) > 0; sent += sizeof(block)) {
    }
}

static void answer(SSL *ssl, const char *path)
{
    char head[100];
    if (strcmp(path, "/keys") == 0) {
        send_text(ssl, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello");
    } else if (strcmp(path, "/moved") == 0) {
        send_text(ssl, "HTTP/1.1 302 Found\r\nLocation: /keys\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    } else if (strcmp(path, "/most") == 0 || strcmp(path, "/announced") == 0) {
        size_t size = PT_FETCH_SIZE_MAX + (path[1] == 'a' ? 1024 : 0);
        (void)snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n", size);
        send_text(ssl, head);
        send_many(ssl, size);
    } else if (strcmp(path, "/endless") == 0) {
        send_text(ssl, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
        send_many(ssl, SIZE_MAX);
    } else if (strcmp(path, "/half") == 0) {
        send_text(ssl, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\nConnection: close\r\n\r\nhel");
    } else {
        send_text(ssl, "HTTP/1.1 500 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    }
}

static void serve_one(int socket)
{
    SSL *ssl = SSL_new(the.tls);
    char request[4096] = "";
    size_t size = 0;
    (void)SSL_set_fd(ssl, socket);
    if (SSL_accept(ssl) == 1) {
        int got = 1;
        while (got > 0 && strstr(request, "\r\n\r\n") == NULL && size + 1 < sizeof(request)) {
            got = SSL_read(ssl, request + size, (int)(sizeof(request) - 1 - size));
            size += got > 0 ? (size_t)got : 0;
            request[size] = '\0';
        }
        char path[64] = "";
        if (sscanf(request, "GET %63s HTTP/1.1", path) == 1) {
            atomic_fetch_add(&the.requests, 1);
            answer(ssl, path);
            (void)SSL_shutdown(ssl);
        }
    }
    SSL_free(ssl);
    (void)close(socket);
}

static void *serve(void *arg)
{
    int socket;
    while ((socket = accept(the.listener, NULL, NULL)) >= 0) {
        atomic_fetch_add(&the.connections, 1);
        serve_one(socket);
    }
    return arg;
}

static void use_leaf(const struct pt_buf *ca_key, const struct pt_buf *ca, int64_t now_ns)
{
    PT_AUTO(secret) struct pt_buf key = {0};
    PT_AUTO(buf) struct pt_buf csr = {0};
    PT_AUTO(buf) struct pt_buf cert = {0};
    static const char *const names[] = {"localhost"};
    struct pt_ip ip;
    ck_assert_int_eq(pt_ip_parse("127.0.0.1", &ip, NULL), PT_OK);
    const struct pt_leaf_options options = {.spiffe_id = "spiffe://c-1/controller/c1",
                                            .now_ns = now_ns,
                                            .lifetime_ns = INT64_C(3600) * 1000000000,
                                            .ips = &ip,
                                            .ips_len = 1,
                                            .dns = names,
                                            .dns_len = 1,
                                            .serial = 7};
    ck_assert_int_eq(pt_key_new(&key, NULL), PT_OK);
    ck_assert_int_eq(pt_csr_new((const char *)key.data, &csr, NULL), PT_OK);
    ck_assert_int_eq(
        pt_leaf_sign((const char *)ca_key->data, (const char *)ca->data, pt_buf_bytes(&csr), &options, &cert, NULL),
        PT_OK);
    BIO *bio = BIO_new_mem_buf(cert.data, -1);
    X509 *leaf = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    BIO_free(bio);
    bio = BIO_new_mem_buf(key.data, -1);
    EVP_PKEY *secret = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    BIO_free(bio);
    ck_assert_int_eq(SSL_CTX_use_certificate(the.tls, leaf), 1);
    ck_assert_int_eq(SSL_CTX_use_PrivateKey(the.tls, secret), 1);
    X509_free(leaf);
    EVP_PKEY_free(secret);
}

static void setup(void)
{
    PT_AUTO(secret) struct pt_buf ca_key = {0};
    PT_AUTO(buf) struct pt_buf ca = {0};
    int64_t now_ns = (int64_t)time(NULL) * 1000000000;
    (void)signal(SIGPIPE, SIG_IGN); /* clients hang up */
    the = (struct server){.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), .tls = SSL_CTX_new(TLS_method())};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    ck_assert_int_eq(bind(the.listener, (struct sockaddr *)&address, size), 0);
    ck_assert_int_eq(listen(the.listener, 16), 0);
    ck_assert_int_eq(getsockname(the.listener, (struct sockaddr *)&address, &size), 0);
    the.port = ntohs(address.sin_port);
    ck_assert_int_eq(pt_ca_new("c-1", now_ns, &ca_key, &ca, NULL), PT_OK);
    use_leaf(&ca_key, &ca, now_ns);
    (void)snprintf(the.ca_file, sizeof(the.ca_file), "/tmp/test_fetch.XXXXXX");
    int file = mkstemp(the.ca_file);
    ck_assert_int_ge(file, 0);
    size_t len = strlen((const char *)ca.data);
    ck_assert_int_eq(write(file, ca.data, len), (ssize_t)len);
    (void)close(file);
    ck_assert_int_eq(pt_prefix_parse("127.0.0.0/8", &loopback, NULL), PT_OK);
    ck_assert_int_eq(pthread_create(&the.thread, NULL, serve, NULL), 0);
}

static void teardown(void)
{
    (void)shutdown(the.listener, SHUT_RDWR); /* accept returns */
    (void)pthread_join(the.thread, NULL);
    (void)close(the.listener);
    SSL_CTX_free(the.tls);
    (void)unlink(the.ca_file);
}

/* The server's port stands between host and path. */
static enum pt_code fetch(const char *host, const char *path, bool allowed, struct pt_buf *body, struct pt_error *error)
{
    char url[200];
    (void)snprintf(url, sizeof(url), "%s:%u%s", host, the.port, path);
    const struct pt_fetch_options options = {
        .ca_file = the.ca_file, .allowed = &loopback, .allowed_len = allowed ? 1 : 0};
    *error = (struct pt_error){0};
    return pt_fetch(url, &options, body, error);
}

/* ---- tests ---------------------------------------------------------------------------------------------------- */

START_TEST(a_document_is_fetched_where_the_operator_lets_it)
{
    static const char *const urls[] = {"https://127.0.0.1", "https://localhost"};
    ck_assert_int_eq(setenv("https_proxy", "http://127.0.0.1:1", 1), 0); /* nobody's environment has a say */
    ck_assert_int_eq(setenv("ALL_PROXY", "http://127.0.0.1:1", 1), 0);
    for (size_t i = 0; i < 2; i++) { /* localhost has an address that is not allowed, too */
        PT_AUTO(buf) struct pt_buf body = {0};
        struct pt_error error;
        ck_assert_msg(fetch(urls[i], "/keys", true, &body, &error) == PT_OK, "%s: %s", urls[i], error.text);
        ck_assert_uint_eq(body.size, 5);
        ck_assert_mem_eq(body.data, "hello", 5);
    }
    (void)unsetenv("https_proxy");
    (void)unsetenv("ALL_PROXY");
}
END_TEST

/* However the address is written: nothing is sent there, not even a handshake. */
START_TEST(a_private_address_is_not_connected_to)
{
    static const char *const urls[] = {"https://127.0.0.1",  "https://localhost", "https://[::ffff:127.0.0.1]",
                                       "https://2130706433", "https://0x7f.1",    "https://user@127.0.0.1"};
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        PT_AUTO(buf) struct pt_buf body = {0};
        struct pt_error error;
        ck_assert_msg(fetch(urls[i], "/keys", false, &body, &error) == PT_UNAVAILABLE, "%s", urls[i]);
        ck_assert_ptr_nonnull(strstr(error.text, "issuer_networks"));
        ck_assert_uint_eq(body.size, 0);
    }
    ck_assert_uint_eq(atomic_load(&the.connections), 0);
}
END_TEST

START_TEST(what_is_not_the_document_is_refused)
{
    static const struct {
        const char *host, *path, *text;
    } rows[] = {
        {"https://127.0.0.1", "/moved", "status 302"}, /* and not followed */
        {"https://127.0.0.1", "/status", "status 500"}, {"https://127.0.0.1", "/half", ""},
        {"https://127.0.0.1", "/announced", ""},        {"https://127.0.0.1", "/endless", "has more than 262144 bytes"},
        {"http://127.0.0.1", "/keys", "rotocol"},       {"file://localhost", "/etc/passwd", ""},
        {"gopher://127.0.0.1", "/keys", "rotocol"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        PT_AUTO(buf) struct pt_buf body = {0};
        struct pt_error error;
        ck_assert_msg(fetch(rows[i].host, rows[i].path, true, &body, &error) == PT_UNAVAILABLE, "%s%s", rows[i].host,
                      rows[i].path);
        ck_assert_msg(strstr(error.text, rows[i].text) != NULL, "%s%s: %s", rows[i].host, rows[i].path, error.text);
        ck_assert_uint_le(body.size, PT_FETCH_SIZE_MAX);
    }
    ck_assert_uint_eq(atomic_load(&the.requests), 5); /* one of each, for https only */
    PT_AUTO(buf) struct pt_buf body = {0};
    struct pt_error error;
    ck_assert_msg(fetch("https://127.0.0.1", "/most", true, &body, &error) == PT_OK, "%s", error.text);
    ck_assert_uint_eq(body.size, PT_FETCH_SIZE_MAX);
}
END_TEST

START_TEST(a_server_shows_a_certificate_that_counts)
{
    char url[100];
    (void)snprintf(url, sizeof(url), "https://127.0.0.1:%u/keys", the.port);
    PT_AUTO(buf) struct pt_buf body = {0};
    struct pt_error error = {0};
    const struct pt_fetch_options system = {.ca_file = "", .allowed = &loopback, .allowed_len = 1};
    ck_assert_int_eq(pt_fetch(url, &system, &body, &error), PT_UNAVAILABLE);
    ck_assert_ptr_nonnull(strstr(error.text, "ertificate"));
    /* Good for 127.0.0.1, and shown for another name. */
    ck_assert_int_eq(fetch("https://127.0.0.2", "/keys", true, &body, &error), PT_UNAVAILABLE);
    ck_assert_uint_eq(body.size, 0);
    ck_assert_uint_eq(atomic_load(&the.requests), 0);
}
END_TEST

START_TEST(public_is_what_is_neither_private_nor_reserved)
{
    static const char *const not_public[] = {"0.0.0.0",
                                             "10.0.0.1",
                                             "10.255.255.255",
                                             "100.64.0.1",
                                             "100.127.255.255",
                                             "127.0.0.1",
                                             "169.254.169.254",
                                             "172.16.0.1",
                                             "172.31.255.255",
                                             "192.168.0.1",
                                             "192.0.2.7",
                                             "198.18.0.1",
                                             "203.0.113.9",
                                             "224.0.0.1",
                                             "255.255.255.255",
                                             "::",
                                             "::1",
                                             "::ffff:10.0.0.1",
                                             "64:ff9b::a00:1",
                                             "fc00::1",
                                             "fd12::1",
                                             "fe80::1",
                                             "ff02::1",
                                             "2002:a00:1::",
                                             "2001:db8::1"};
    static const char *const is_public[] = {"1.1.1.1",     "9.255.255.255",   "11.0.0.1",        "100.63.255.255",
                                            "100.128.0.1", "126.255.255.255", "128.0.0.1",       "172.15.255.255",
                                            "172.32.0.1",  "192.167.255.255", "223.255.255.255", "2606:4700::1",
                                            "2a00:1450::1"};
    struct pt_ip ip;
    for (size_t i = 0; i < sizeof(not_public) / sizeof(not_public[0]); i++) {
        ck_assert_int_eq(pt_ip_parse(not_public[i], &ip, NULL), PT_OK);
        ck_assert_msg(!pt_fetch_public(&ip), "%s", not_public[i]);
    }
    for (size_t i = 0; i < sizeof(is_public) / sizeof(is_public[0]); i++) {
        ck_assert_int_eq(pt_ip_parse(is_public[i], &ip, NULL), PT_OK);
        ck_assert_msg(pt_fetch_public(&ip), "%s", is_public[i]);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fetch");
    TCase *tcase = tcase_create("fetch");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, a_document_is_fetched_where_the_operator_lets_it);
    tcase_add_test(tcase, a_private_address_is_not_connected_to);
    tcase_add_test(tcase, what_is_not_the_document_is_refused);
    tcase_add_test(tcase, a_server_shows_a_certificate_that_counts);
    tcase_add_test(tcase, public_is_what_is_neither_private_nor_reserved);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
