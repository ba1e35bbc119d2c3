/*
 * The HTTP listener, on a real loop over loopback, by a client that writes whatever it likes: certificates good and
 * bad, requests whole, broken, huge and slow. After everything hostile a good request is answered as before.
 */
#include "http/http.h"

#include "base/assert.h"
#include "crypto/crypto.h"
#include "http/http_priv.h"
#include "sys/sys_uv.h"

#include <check.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOUR_NS (INT64_C(3600) * 1000000000)
#define GOOD "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"

struct party { /* a key and a leaf */
    struct pt_buf key, cert;
};

struct world {
    struct pt_sys *sys;
    struct pt_http_server *server;
    struct party ca, controller, admin;
    struct pt_http_exchange *held; /* by /later */
    unsigned handled;
    bool closed;
};

#define TURN_UNTIL(world, condition)                                                                    \
    do {                                                                                                \
        uint64_t end_ms_ = pt_sys_now_ms((world)->sys) + 60000;                                         \
        while (!(condition)) {                                                                          \
            ck_assert_msg(pt_sys_now_ms((world)->sys) < end_ms_, "never came to pass: %s", #condition); \
            pt_sys_uv_turn((world)->sys, true);                                                         \
        }                                                                                               \
    } while (0)

static const char *pem(const struct pt_buf *buf)
{
    return (const char *)buf->data;
}

static void new_leaf(struct world *world, const struct party *ca, const char *id, int64_t age_ns, uint64_t serial,
                     struct party *leaf)
{
    PT_AUTO(buf) struct pt_buf csr = {0};
    const char *dns[] = {"controller.patronus", "localhost"};
    struct pt_leaf_options options = {.spiffe_id = id,
                                      .now_ns = pt_sys_wall_ns(world->sys) - age_ns,
                                      .lifetime_ns = HOUR_NS,
                                      .dns = dns,
                                      .dns_len = 2,
                                      .serial = serial};
    ck_assert_int_eq(pt_key_new(&leaf->key, NULL), PT_OK);
    ck_assert_int_eq(pt_csr_new(pem(&leaf->key), &csr, NULL), PT_OK);
    ck_assert_int_eq(pt_leaf_sign(pem(&ca->key), pem(&ca->cert), pt_buf_bytes(&csr), &options, &leaf->cert, NULL),
                     PT_OK);
}

static void party_fini(struct party *party)
{
    pt_auto_secret(&party->key);
    pt_buf_fini(&party->cert);
}

/* ---- what is served ---------------------------------------------------------------------------------------------- */

static void say(struct pt_http_exchange *exchange, const char *text)
{
    pt_http_reply(exchange, 200, "text/plain", (struct pt_bytes){(const uint8_t *)text, strlen(text)});
}

static void hello(void *arg, struct pt_http_exchange *exchange)
{
    ((struct world *)arg)->handled++;
    const struct pt_http_request *request = pt_http_request(exchange);
    char text[1024];
    (void)snprintf(text, sizeof(text), "peer=%s loopback=%d auth=%.100s end",
                   request->peer != NULL ? request->peer->spiffe_id : "-", request->loopback, request->authorization);
    say(exchange, text);
}

static void big(void *arg, struct pt_http_exchange *exchange)
{
    (void)arg;
    PT_AUTO(buf) struct pt_buf text = {0};
    for (unsigned i = 0; i < 100000; i++) {
        pt_buf_printf(&text, "%06u\n", i);
    }
    pt_http_reply(exchange, 200, "text/plain", pt_buf_bytes(&text));
}

static void echo(void *arg, struct pt_http_exchange *exchange)
{
    (void)arg;
    pt_http_reply(exchange, 200, "text/plain", pt_http_request(exchange)->body);
}

static void later(void *arg, struct pt_http_exchange *exchange)
{
    ((struct world *)arg)->held = exchange;
}

static const struct pt_http_route routes[] = {{PT_HTTP_GET, "/hello", 0, hello},
                                              {PT_HTTP_GET, "/big", 0, big},
                                              {PT_HTTP_GET, "/later", 0, later},
                                              {PT_HTTP_POST, "/echo/", 100, echo},
                                              {PT_HTTP_POST, "/large", 65536, echo}};

static struct pt_tls_context *context_of(const struct world *world, const struct party *party)
{
    struct pt_tls_context *context = NULL;
    ck_assert_int_eq(pt_tls_context_new(pem(&party->cert), pem(&party->key), pem(&world->ca.cert), &context, NULL),
                     PT_OK);
    return context;
}

static void world_init(struct world *world, uint32_t connections_max, uint32_t open_ms_max)
{
    *world = (struct world){0};
    ck_assert_int_eq(pt_sys_uv_new(&world->sys, NULL), PT_OK);
    ck_assert_int_eq(pt_ca_new("c-1", pt_sys_wall_ns(world->sys), &world->ca.key, &world->ca.cert, NULL), PT_OK);
    new_leaf(world, &world->ca, "spiffe://c-1/controller/c1", 0, 11, &world->controller);
    new_leaf(world, &world->ca, "spiffe://c-1/admin/root", 0, 12, &world->admin);
    struct pt_tls_context *tls = context_of(world, &world->controller);
    const struct pt_http_options options = {.sys = world->sys,
                                            .listen = {.ip = pt_ip_from_v4(0x7f000001)},
                                            .tls = tls,
                                            .routes = routes,
                                            .routes_len = sizeof(routes) / sizeof(routes[0]),
                                            .arg = world,
                                            .connections_max = connections_max,
                                            .open_ms_max = open_ms_max};
    struct pt_error error = {0};
    enum pt_code code = pt_http_open(&options, &world->server, &error);
    ck_assert_msg(code == PT_OK, "%s", error.text);
    pt_tls_context_free(tls);
}

static void on_closed(void *arg)
{
    ((struct world *)arg)->closed = true;
}

static void world_fini(struct world *world)
{
    if (world->server != NULL) {
        pt_http_close(world->server, on_closed, world);
        TURN_UNTIL(world, world->closed);
    }
    party_fini(&world->ca);
    party_fini(&world->controller);
    party_fini(&world->admin);
    pt_sys_uv_free(world->sys);
}

/* ---- a client ------------------------------------------------------------------------------------------------------
 */

struct client {
    struct world *world;
    struct pt_stream *stream;
    SSL_CTX *context; /* NULL: plain text */
    SSL *ssl;
    BIO *in, *out;
    struct pt_buf got; /* plain bytes */
    bool closed;
};

static void client_flush(struct client *client)
{
    char bytes[16384];
    int size = 0;
    while ((size = BIO_read(client->out, bytes, sizeof(bytes))) > 0) {
        (void)pt_stream_write(client->stream, bytes, (size_t)size);
    }
}

static void client_data(void *arg, const uint8_t *data, size_t size)
{
    struct client *client = arg;
    if (client->context == NULL) {
        pt_buf_append(&client->got, data, size);
        return;
    }
    ck_assert_int_eq(BIO_write(client->in, data, (int)size), (int)size);
    char bytes[16384];
    int got = 0;
    while ((got = SSL_read(client->ssl, bytes, sizeof(bytes))) > 0) {
        pt_buf_append(&client->got, bytes, (size_t)got);
    }
    int why = SSL_get_error(client->ssl, got);
    client->closed = client->closed || (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE);
    client_flush(client);
}

static void client_connected(void *arg, enum pt_code code)
{
    struct client *client = arg;
    client->closed = code != PT_OK;
    if (client->context != NULL && code == PT_OK) {
        (void)SSL_do_handshake(client->ssl);
        client_flush(client);
    }
}

static void client_over(void *arg, enum pt_code code)
{
    (void)code;
    ((struct client *)arg)->closed = true;
}

static const struct pt_stream_ops client_ops = {
    .on_connect = client_connected, .on_data = client_data, .on_closed = client_over};

static void client_open(struct client *client, struct world *world, const struct party *party, int version_max)
{
    *client = (struct client){.world = world};
    if (version_max != 0) {
        client->context = SSL_CTX_new(TLS_client_method());
        ck_assert_int_eq(SSL_CTX_set_max_proto_version(client->context, version_max), 1);
        if (party != NULL) {
            BIO *bio = BIO_new_mem_buf(pem(&party->cert), -1);
            X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
            BIO_free(bio);
            bio = BIO_new_mem_buf(pem(&party->key), -1);
            EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
            BIO_free(bio);
            ck_assert_int_eq(SSL_CTX_use_certificate(client->context, cert), 1);
            ck_assert_int_eq(SSL_CTX_use_PrivateKey(client->context, key), 1);
            X509_free(cert);
            EVP_PKEY_free(key);
        }
        client->ssl = SSL_new(client->context);
        client->in = BIO_new(BIO_s_mem());
        client->out = BIO_new(BIO_s_mem());
        SSL_set_bio(client->ssl, client->in, client->out);
        SSL_set_connect_state(client->ssl);
        ck_assert_int_eq(SSL_set_tlsext_host_name(client->ssl, "patronus"), 1); /* the vhost's own name, too */
    }
    const struct pt_endpoint address = {.ip = pt_ip_from_v4(0x7f000001), .port = pt_http_port(world->server)};
    client->stream = pt_connect(world->sys, &address, &client_ops, client);
}

static void client_close(struct client *client)
{
    pt_stream_close(client->stream);
    SSL_free(client->ssl);
    SSL_CTX_free(client->context);
    pt_buf_fini(&client->got);
}

static bool client_ready(const struct client *client)
{
    return client->closed || client->context == NULL || SSL_is_init_finished(client->ssl) == 1;
}

static void client_send(struct client *client, const char *data, size_t size)
{
    TURN_UNTIL(client->world, client_ready(client));
    if (client->closed) {
        return;
    }
    if (client->context == NULL) {
        (void)pt_stream_write(client->stream, data, size);
        return;
    }
    for (size_t at = 0; at < size;) {
        int wrote = SSL_write(client->ssl, data + at, (int)(size - at));
        if (wrote <= 0) {
            client->closed = true;
            return;
        }
        at += (size_t)wrote;
    }
    client_flush(client);
}

/* A whole answer has come: its header and as many bytes as that says. */
static bool answered(struct client *client)
{
    pt_buf_append_u8(&client->got, 0);
    client->got.size--;
    const char *text = (const char *)client->got.data;
    const char *end = strstr(text, "\r\n\r\n");
    const char *length = strcasestr(text, "content-length:");
    return end != NULL && length != NULL && length < end &&
           client->got.size >= (size_t)(end - text) + 4 + strtoul(length + 15, NULL, 10);
}

/* Status of the answer; 0: closed without one. The text stays in client->got. */
static unsigned ask(struct client *client, const char *data, size_t size)
{
    pt_buf_reset(&client->got);
    client_send(client, data, size);
    TURN_UNTIL(client->world, client->closed || answered(client));
    const char *text = (const char *)client->got.data;
    return client->got.size >= 12 && strncmp(text, "HTTP/1.1 ", 9) == 0 ? (unsigned)strtoul(text + 9, NULL, 10) : 0;
}

static unsigned ask_once(struct world *world, const struct party *party, const char *data, size_t size)
{
    struct client client;
    client_open(&client, world, party, TLS1_3_VERSION);
    unsigned status = ask(&client, data, size);
    client_close(&client);
    return status;
}

static void still_good(struct world *world)
{
    ck_assert_uint_eq(ask_once(world, NULL, GOOD, strlen(GOOD)), 200);
}

#define HAS(client, text) \
    ck_assert_msg(strstr((const char *)(client).got.data, (text)) != NULL, "no %s in %s", (text), (client).got.data)

/* ---- tests ------------------------------------------------------------------------------------------------------ */

START_TEST(answers_one_request_after_another)
{
    struct world world;
    struct client client;
    world_init(&world, 0, 0);
    client_open(&client, &world, NULL, TLS1_3_VERSION);
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_uint_eq(ask(&client, GOOD, strlen(GOOD)), 200);
        HAS(client, "peer=- loopback=1 auth= end");
        HAS(client, "nosniff");
    }
    static const char signed_in[] = "GET /hello HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer abc\r\n\r\n";
    ck_assert_uint_eq(ask(&client, signed_in, strlen(signed_in)), 200);
    HAS(client, "auth=Bearer abc end");
    static const char post[] = "POST /echo/x HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n12345";
    ck_assert_uint_eq(ask(&client, post, strlen(post)), 200);
    HAS(client, "\r\n\r\n12345");
    ck_assert(!client.closed);
    ck_assert_uint_eq(pt_http_counters(world.server).accepted, 1);
    ck_assert_uint_eq(pt_http_counters(world.server).answers[2], 5);
    client_close(&client);
    world_fini(&world);
}
END_TEST

START_TEST(a_large_answer_is_whole)
{
    struct world world;
    struct client client;
    world_init(&world, 0, 0);
    client_open(&client, &world, NULL, TLS1_3_VERSION);
    static const char get[] = "GET /big HTTP/1.1\r\nHost: x\r\n\r\n";
    ck_assert_uint_eq(ask(&client, get, strlen(get)), 200);
    const char *body = strstr((const char *)client.got.data, "\r\n\r\n") + 4;
    for (unsigned i = 0; i < 100000; i++) {
        ck_assert_uint_eq(strtoul(body + (size_t)i * 7, NULL, 10), i);
    }
    client_close(&client);
    world_fini(&world);
}
END_TEST

START_TEST(knows_who_presents_a_certificate)
{
    struct world world;
    struct client client;
    world_init(&world, 0, 0);
    client_open(&client, &world, &world.admin, TLS1_3_VERSION);
    ck_assert_uint_eq(ask(&client, GOOD, strlen(GOOD)), 200);
    HAS(client, "peer=spiffe://c-1/admin/root ");
    client_close(&client);
    world_fini(&world);
}
END_TEST

/* A wrong certificate is not the same as none: nothing is served. */
START_TEST(refuses_wrong_certificates_and_versions)
{
    struct world world;
    struct party other_ca = {{0}}, stranger = {{0}}, expired = {{0}}, early = {{0}};
    world_init(&world, 0, 0);
    ck_assert_int_eq(pt_ca_new("c-1", pt_sys_wall_ns(world.sys), &other_ca.key, &other_ca.cert, NULL), PT_OK);
    new_leaf(&world, &other_ca, "spiffe://c-1/admin/root", 0, 1, &stranger);
    new_leaf(&world, &world.ca, "spiffe://c-1/admin/root", 2 * HOUR_NS, 2, &expired);
    new_leaf(&world, &world.ca, "spiffe://c-1/admin/root", -2 * HOUR_NS, 3, &early);
    const struct party *wrong[] = {&stranger, &expired, &early, &other_ca, &world.ca};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        ck_assert_msg(ask_once(&world, wrong[i], GOOD, strlen(GOOD)) == 0, "certificate %zu was served", i);
    }
    struct client client;
    client_open(&client, &world, NULL, TLS1_2_VERSION);
    ck_assert_uint_eq(ask(&client, GOOD, strlen(GOOD)), 0);
    client_close(&client);
    client_open(&client, &world, NULL, 0); /* plain text */
    ck_assert_uint_eq(ask(&client, GOOD, strlen(GOOD)), 0);
    client_close(&client);
    ck_assert_uint_eq(world.handled, 0);
    still_good(&world);
    party_fini(&other_ca);
    party_fini(&stranger);
    party_fini(&expired);
    party_fini(&early);
    world_fini(&world);
}
END_TEST

static uint64_t serial_of(struct client *client)
{
    TURN_UNTIL(client->world, client_ready(client));
    X509 *cert = SSL_get1_peer_certificate(client->ssl);
    ck_assert_ptr_nonnull(cert);
    long serial = ASN1_INTEGER_get(X509_get0_serialNumber(cert));
    X509_free(cert);
    return (uint64_t)serial;
}

START_TEST(a_renewed_certificate_drops_nobody)
{
    struct world world;
    struct client before, after;
    struct party renewed = {{0}};
    world_init(&world, 0, 0);
    client_open(&before, &world, &world.admin, TLS1_3_VERSION);
    ck_assert_uint_eq(ask(&before, GOOD, strlen(GOOD)), 200);
    ck_assert_uint_eq(serial_of(&before), 11);
    new_leaf(&world, &world.ca, "spiffe://c-1/controller/c1", 0, 77, &renewed);
    struct pt_tls_context *tls = context_of(&world, &renewed);
    pt_http_set_tls(world.server, tls);
    pt_tls_context_free(tls);
    client_open(&after, &world, &world.admin, TLS1_3_VERSION);
    ck_assert_uint_eq(ask(&after, GOOD, strlen(GOOD)), 200);
    ck_assert_uint_eq(serial_of(&after), 77);
    ck_assert_uint_eq(ask(&before, GOOD, strlen(GOOD)), 200);
    HAS(before, "peer=spiffe://c-1/admin/root ");
    ck_assert(!before.closed);
    client_close(&before);
    client_close(&after);
    party_fini(&renewed);
    world_fini(&world);
}
END_TEST

/* ---- hostile ------------------------------------------------------------------------------------------------------
 */

/* Each with the statuses that are right; 0: closed. */
static const struct hostile {
    const char *request;
    unsigned status, or_status;
} hostiles[] = {
    {"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n", 404, 404},
    {"POST /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 405, 405},
    {"DELETE /hello HTTP/1.1\r\nHost: x\r\n\r\n", 405, 405},
    {"BREW /hello HTTP/1.1\r\nHost: x\r\n\r\n", 405, 0},
    {"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n", 400, 0},
    {"GET /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n12345", 413, 413},
    {"POST /echo/ HTTP/1.1\r\nHost: x\r\nContent-Length: 101\r\n\r\n", 413, 413},
    {"POST /echo/ HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n", 413, 411},
    {"POST /echo/ HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 411, 0},
    {"POST /echo/ HTTP/1.1\r\nHost: x\r\nContent-Length: 5x\r\n\r\n12345", 411, 0},
    {"POST /echo/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n0\r\n\r\n", 411, 0},
    {"POST /echo/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", 411, 0},
    {"GET /echo/../hello HTTP/1.1\r\nHost: x\r\n\r\n", 404, 200},
    {"GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", 404, 0},
    {"GET /echo/%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", 400, 404},
    {"GET /%00hello HTTP/1.1\r\nHost: x\r\n\r\n", 400, 404},
    {"GET /hello%0d%0aX: y HTTP/1.1\r\nHost: x\r\n\r\n", 400, 0},
    {"GET hello HTTP/1.1\r\nHost: x\r\n\r\n", 404, 0},
    {"GET\r\n\r\n", 400, 0},
    {"\r\n\r\n\r\n\r\n\r\n GET", 400, 0},
    {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, 0},
    {"GET /hello HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
     400, 0},
    {"GET /hello HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n"
     "HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
     200, 0},
};

START_TEST(hostile_requests_get_an_answer_or_an_end)
{
    struct world world;
    world_init(&world, 0, 1000);
    const struct hostile *hostile = &hostiles[_i];
    unsigned status = ask_once(&world, NULL, hostile->request, strlen(hostile->request));
    ck_assert_msg(status == hostile->status || status == hostile->or_status || status == 0, "%s: %u", hostile->request,
                  status);
    still_good(&world);
    world_fini(&world);
}
END_TEST

START_TEST(headers_have_a_limit)
{
    struct world world;
    world_init(&world, 0, 0);
    for (unsigned form = 0; form < 4; form++) {
        PT_AUTO(buf) struct pt_buf text = {0};
        pt_buf_append_str(&text, form == 0 ? "GET /" : "GET /hello HTTP/1.1\r\nHost: x\r\n");
        pt_buf_append_str(&text, form == 1 ? "X-Long: " : form == 2 ? "Authorization: Bearer " : "");
        for (unsigned i = 0; i < 20000; i++) {
            pt_buf_append_str(&text, form == 3 ? "X-Many: 1\r\n" : "aaaaaaaaaaaaaaaa");
        }
        pt_buf_append_str(&text, form == 0 ? " HTTP/1.1\r\nHost: x\r\n\r\n" : "\r\n\r\n");
        unsigned status = ask_once(&world, NULL, (const char *)text.data, text.size);
        /* A field that nobody reads may be skipped; nothing may be kept of it. */
        ck_assert_msg(status == 0 || (status >= 400 && status < 500) || (form % 2 == 1 && status == 200), "form %u: %u",
                      form, status);
        still_good(&world);
    }
    world_fini(&world);
}
END_TEST

/* Bytes that come one by one do not keep a connection: everyone is closed in time, and others are served meanwhile. */
START_TEST(slow_clients_are_closed)
{
    enum { SLOW = 12 };
    struct world world;
    struct client clients[SLOW];
    world_init(&world, 0, 2000);
    for (unsigned i = 0; i < SLOW; i++) {
        client_open(&clients[i], &world, NULL, i % 3 == 0 ? 0 : TLS1_3_VERSION); /* some never say hello */
    }
    for (unsigned i = 0; i < SLOW; i++) {
        if (i % 3 != 0) {
            client_send(&clients[i], i % 3 == 1 ? "GET /hel" : "POST /large HTTP/1.1\r\nHost: x\r\nContent-Le", 8);
        }
    }
    still_good(&world);
    uint64_t end = pt_sys_now_ms(world.sys) + 30000;
    uint64_t next = 0;
    size_t open = SLOW;
    while (open > 0) {
        ck_assert_msg(pt_sys_now_ms(world.sys) < end, "%zu slow connections are still open", open);
        if (pt_sys_now_ms(world.sys) >= next) { /* one byte now and then, for as long as it is let */
            for (unsigned i = 0; i < SLOW; i++) {
                if (!clients[i].closed && i % 3 == 1) {
                    client_send(&clients[i], "x", 1);
                }
            }
            next = pt_sys_now_ms(world.sys) + 200;
        }
        pt_sys_uv_turn(world.sys, true);
        open = 0;
        for (unsigned i = 0; i < SLOW; i++) {
            open += clients[i].closed ? 0 : 1;
        }
    }
    ck_assert_uint_ge(pt_http_counters(world.server).timed_out, 1);
    still_good(&world);
    for (unsigned i = 0; i < SLOW; i++) {
        client_close(&clients[i]);
    }
    world_fini(&world);
}
END_TEST

START_TEST(connections_have_a_limit)
{
    enum { MOST = 4 };
    struct world world;
    struct client clients[MOST + 1];
    world_init(&world, MOST, 0);
    for (unsigned i = 0; i < MOST; i++) {
        client_open(&clients[i], &world, NULL, TLS1_3_VERSION);
        ck_assert_uint_eq(ask(&clients[i], GOOD, strlen(GOOD)), 200);
    }
    client_open(&clients[MOST], &world, NULL, TLS1_3_VERSION);
    ck_assert_uint_eq(ask(&clients[MOST], GOOD, strlen(GOOD)), 0);
    ck_assert_uint_eq(pt_http_counters(world.server).turned_away, 1);
    client_close(&clients[0]);
    TURN_UNTIL(&world, pt_http_counters(world.server).connections == MOST - 1);
    still_good(&world);
    for (unsigned i = 1; i <= MOST; i++) {
        client_close(&clients[i]);
    }
    world_fini(&world);
}
END_TEST

/* A client that leaves before its answer: the answer goes nowhere, also behind the server's own end. */
START_TEST(an_answer_may_come_too_late)
{
    static const char get[] = "GET /later HTTP/1.1\r\nHost: x\r\n\r\n";
    struct world world;
    struct client client;
    world_init(&world, 0, 0);
    for (unsigned i = 0; i < 3; i++) {
        world.held = NULL;
        client_open(&client, &world, NULL, TLS1_3_VERSION);
        client_send(&client, get, strlen(get));
        TURN_UNTIL(&world, world.held != NULL);
        if (i == 0) {
            say(world.held, "just in time");
            TURN_UNTIL(&world, answered(&client));
            HAS(client, "just in time");
        }
        if (i < 2) {
            client_close(&client);
            TURN_UNTIL(&world, pt_http_counters(world.server).connections == 0);
        }
        if (i == 1) {
            say(world.held, "too late");
            ck_assert_uint_eq(pt_http_counters(world.server).answers[0], 1);
        }
    }
    pt_http_close(world.server, on_closed, &world);
    TURN_UNTIL(&world, world.closed);
    world.server = NULL;
    say(world.held, "far too late");
    client_close(&client);
    world_fini(&world);
}
END_TEST

START_TEST(an_address_in_use_is_told)
{
    struct world world;
    world_init(&world, 0, 0);
    struct pt_tls_context *tls = context_of(&world, &world.controller);
    struct pt_http_server *second = NULL;
    struct pt_error error = {0};
    const struct pt_http_options options = {
        .sys = world.sys,
        .listen = {.ip = pt_ip_from_v4(0x7f000001), .port = pt_http_port(world.server)},
        .tls = tls,
        .routes = routes,
        .routes_len = 1};
    ck_assert_int_eq(pt_http_open(&options, &second, &error), PT_FAILED_PRECONDITION);
    ck_assert_str_ne(error.text, "");
    pt_tls_context_free(tls);
    still_good(&world);
    world_fini(&world);
}
END_TEST

/* Requests with bytes changed, cut, doubled and moved, by a seed: whatever comes back, the next good one is served. */
START_TEST(mutated_requests_do_no_harm)
{
    struct world world;
    world_init(&world, 0, 1000);
    uint64_t seed = UINT64_C(0x9e3779b97f4a7c15);
    for (unsigned round = 0; round < 150; round++) {
        char text[1024];
        const char *base = hostiles[round % (sizeof(hostiles) / sizeof(hostiles[0]))].request;
        size_t size = strlen(base);
        memcpy(text, base, size);
        for (unsigned i = 0; i < 1 + round % 7; i++) {
            seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            size_t at = (size_t)(seed >> 33) % size;
            if (seed >> 62 == 0 && size > 8) {
                memmove(text + at, text + at + 1, size - at - 1);
                size--;
            } else {
                text[at] = (char)(seed >> 50);
            }
        }
        struct client client;
        client_open(&client, &world, NULL, TLS1_3_VERSION);
        client_send(&client, text, size);
        client_close(&client); /* at once: many end in the middle */
        if (round % 10 == 0) {
            still_good(&world);
        }
    }
    still_good(&world);
    TURN_UNTIL(&world, pt_http_counters(world.server).connections == 0);
    world_fini(&world);
}
END_TEST

START_TEST(the_table_of_routes)
{
    bool missing = false;
    size_t len = sizeof(routes) / sizeof(routes[0]);
    ck_assert_ptr_eq(pt_http_route_find(routes, len, PT_HTTP_GET, "/hello", &missing), &routes[0]);
    ck_assert_ptr_null(pt_http_route_find(routes, len, PT_HTTP_GET, "/hello/", &missing));
    ck_assert(!missing);
    ck_assert_ptr_null(pt_http_route_find(routes, len, PT_HTTP_PUT, "/hello", &missing));
    ck_assert(missing);
    ck_assert_ptr_eq(pt_http_route_find(routes, len, PT_HTTP_POST, "/echo/a/b", &missing), &routes[3]);
    ck_assert(pt_http_path_good("/a/..b"));
    ck_assert(!pt_http_path_good("/a/.."));
    ck_assert(!pt_http_path_good("/../a"));
    ck_assert(!pt_http_path_good("a"));
    ck_assert(!pt_http_path_good("/a\\b"));
    ck_assert(pt_http_is_loopback("127.8.9.1"));
    ck_assert(pt_http_is_loopback("::1"));
    ck_assert(pt_http_is_loopback("::ffff:127.0.0.1"));
    ck_assert(!pt_http_is_loopback("::ffff:10.0.0.1"));
    ck_assert(!pt_http_is_loopback(""));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http");
    TCase *tcase = tcase_create("http");
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, answers_one_request_after_another);
    tcase_add_test(tcase, a_large_answer_is_whole);
    tcase_add_test(tcase, knows_who_presents_a_certificate);
    tcase_add_test(tcase, refuses_wrong_certificates_and_versions);
    tcase_add_test(tcase, a_renewed_certificate_drops_nobody);
    tcase_add_loop_test(tcase, hostile_requests_get_an_answer_or_an_end, 0,
                        (int)(sizeof(hostiles) / sizeof(hostiles[0])));
    tcase_add_test(tcase, headers_have_a_limit);
    tcase_add_test(tcase, slow_clients_are_closed);
    tcase_add_test(tcase, connections_have_a_limit);
    tcase_add_test(tcase, an_answer_may_come_too_late);
    tcase_add_test(tcase, an_address_in_use_is_told);
    tcase_add_test(tcase, mutated_requests_do_no_harm);
    tcase_add_test(tcase, the_table_of_routes);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
