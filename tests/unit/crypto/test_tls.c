/*
 * TLS in memory: two ends in one process, whole and in single bytes, with good and bad certificates.
 */
#include "crypto/tls.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define NOW_NS (INT64_C(1800000000) * 1000000000)
#define HOUR_NS (INT64_C(3600) * 1000000000)
#define CONTROLLER "spiffe://c-1/controller/c1"
#define EDGE "spiffe://c-1/edge/organizations/acme/sites/nyc/edges/e1"

struct authority {
    struct pt_buf key, cert;
};

static struct authority ours;
static struct authority theirs;

static void make_authority(struct authority *authority)
{
    ck_assert_int_eq(pt_ca_new("c-1", NOW_NS, &authority->key, &authority->cert, NULL), PT_OK);
}

static void setup(void)
{
    make_authority(&ours);
    make_authority(&theirs);
}

static void teardown(void)
{
    pt_auto_secret(&ours.key);
    pt_buf_fini(&ours.cert);
    pt_auto_secret(&theirs.key);
    pt_buf_fini(&theirs.cert);
}

/* A context whose leaf was signed by `by` at `signed_ns`, and which trusts `trust`. */
static struct pt_tls_context *context_of(const struct authority *by, const struct authority *trust, const char *id,
                                         int64_t signed_ns)
{
    PT_AUTO(secret) struct pt_buf key = {0};
    PT_AUTO(buf) struct pt_buf csr = {0};
    PT_AUTO(buf) struct pt_buf cert = {0};
    ck_assert_int_eq(pt_key_new(&key, NULL), PT_OK);
    ck_assert_int_eq(pt_csr_new((char *)key.data, &csr, NULL), PT_OK);
    struct pt_leaf_options options = {.spiffe_id = id, .now_ns = signed_ns, .lifetime_ns = HOUR_NS, .serial = 7};
    struct pt_error error = {0};
    ck_assert_msg(
        pt_leaf_sign((char *)by->key.data, (char *)by->cert.data, pt_buf_bytes(&csr), &options, &cert, &error) == PT_OK,
        "%s", error.text);
    struct pt_tls_context *context = NULL;
    ck_assert_int_eq(pt_tls_context_new((char *)cert.data, (char *)key.data, (char *)trust->cert.data, &context, NULL),
                     PT_OK);
    pt_tls_context_set_time(context, NOW_NS);
    return context;
}

struct end {
    struct pt_tls *tls;
    struct pt_buf plain, out;
    enum pt_code code;
    struct pt_error error;
};

struct pair {
    struct end client, server;
};

static void feed(struct end *end, const void *data, size_t size)
{
    enum pt_code code = pt_tls_feed(end->tls, data, size, &end->plain, &end->out, &end->error);
    if (end->code == PT_OK) {
        end->code = code;
    }
}

/* Carry what one end wrote to the other, at most `piece` bytes a call. */
static bool carry(struct end *from, struct end *to, size_t piece)
{
    struct pt_buf bytes = from->out;
    from->out = (struct pt_buf){0};
    for (size_t at = 0; at < bytes.size; at += piece) {
        feed(to, bytes.data + at, bytes.size - at < piece ? bytes.size - at : piece);
    }
    bool any = bytes.size > 0;
    pt_buf_fini(&bytes);
    return any;
}

static void settle(struct pair *pair, size_t piece)
{
    bool any = true;
    while (any) {
        any = carry(&pair->client, &pair->server, piece);
        any = carry(&pair->server, &pair->client, piece) || any;
    }
}

static struct pair connect_pair(struct pt_tls_context *client, struct pt_tls_context *server, size_t piece)
{
    struct pair pair = {.client = {.tls = pt_tls_new(client, false)}, .server = {.tls = pt_tls_new(server, true)}};
    feed(&pair.client, NULL, 0);
    settle(&pair, piece);
    return pair;
}

static void end_fini(struct end *end)
{
    pt_tls_free(end->tls);
    pt_buf_fini(&end->plain);
    pt_buf_fini(&end->out);
}

static void pair_fini(struct pair *pair)
{
    end_fini(&pair->client);
    end_fini(&pair->server);
}

START_TEST(both_ends_learn_who_the_other_is)
{
    size_t piece = _i == 0 ? SIZE_MAX / 2 : (size_t)_i;
    struct pt_tls_context *edge = context_of(&ours, &ours, EDGE, NOW_NS);
    struct pt_tls_context *controller = context_of(&ours, &ours, CONTROLLER, NOW_NS);
    struct pair pair = connect_pair(edge, controller, piece);
    pt_tls_context_free(edge); /* open connections keep what they need */
    pt_tls_context_free(controller);
    ck_assert_msg(pair.client.code == PT_OK && pair.server.code == PT_OK, "%s / %s", pair.client.error.text,
                  pair.server.error.text);
    ck_assert(pt_tls_ready(pair.client.tls) && pt_tls_ready(pair.server.tls));
    ck_assert_str_eq(pt_tls_peer(pair.client.tls)->spiffe_id, CONTROLLER);
    ck_assert_str_eq(pt_tls_peer(pair.client.tls)->role, "controller");
    ck_assert_str_eq(pt_tls_peer(pair.server.tls)->spiffe_id, EDGE);
    ck_assert_str_eq(pt_tls_peer(pair.server.tls)->path, "organizations/acme/sites/nyc/edges/e1");

    ck_assert_int_eq(pt_tls_write(pair.client.tls, "hello", 5, &pair.client.out, NULL), PT_OK);
    ck_assert_int_eq(pt_tls_write(pair.client.tls, " there", 6, &pair.client.out, NULL), PT_OK);
    ck_assert_int_eq(pt_tls_write(pair.client.tls, "", 0, &pair.client.out, NULL), PT_OK);
    settle(&pair, piece);
    ck_assert_str_eq((char *)pair.server.plain.data, "hello there");
    ck_assert_int_eq(pt_tls_write(pair.server.tls, "yes", 3, &pair.server.out, NULL), PT_OK);
    settle(&pair, piece);
    ck_assert_str_eq((char *)pair.client.plain.data, "yes");
    pair_fini(&pair);
}
END_TEST

START_TEST(megabytes_pass_unchanged_in_odd_pieces)
{
    struct pt_tls_context *context = context_of(&ours, &ours, CONTROLLER, NOW_NS);
    struct pair pair = connect_pair(context, context, SIZE_MAX / 2);
    size_t size = 3000001;
    PT_AUTO(buf) struct pt_buf data = {0};
    uint8_t *bytes = pt_buf_reserve(&data, size);
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (uint8_t)(i * 2654435761U >> 13);
    }
    ck_assert_int_eq(pt_tls_write(pair.client.tls, bytes, size, &pair.client.out, NULL), PT_OK);
    ck_assert_int_eq(pt_tls_write(pair.server.tls, bytes, size, &pair.server.out, NULL), PT_OK);
    settle(&pair, 7919);
    ck_assert_uint_eq(pair.server.plain.size, size);
    ck_assert_mem_eq(pair.server.plain.data, bytes, size);
    ck_assert_uint_eq(pair.client.plain.size, size);
    ck_assert_mem_eq(pair.client.plain.data, bytes, size);
    pair_fini(&pair);
    pt_tls_context_free(context);
}
END_TEST

/* More records than one set of keys serves: the change of keys must not be noticed. */
START_TEST(keys_are_changed_on_the_way)
{
    struct pt_tls_context *context = context_of(&ours, &ours, CONTROLLER, NOW_NS);
    struct pair pair = connect_pair(context, context, SIZE_MAX / 2);
    for (unsigned i = 0; i < 140000; i++) {
        uint8_t byte = (uint8_t)(i % 251);
        ck_assert_int_eq(pt_tls_write(pair.client.tls, &byte, 1, &pair.client.out, NULL), PT_OK);
        if (i % 1000 == 999) {
            settle(&pair, SIZE_MAX / 2);
        }
    }
    ck_assert_int_eq(pair.server.code, PT_OK);
    ck_assert_uint_eq(pair.server.plain.size, 140000);
    for (unsigned i = 0; i < 140000; i++) {
        ck_assert_uint_eq(pair.server.plain.data[i], i % 251);
    }
    pair_fini(&pair);
    pt_tls_context_free(context);
}
END_TEST

START_TEST(an_end_is_told_from_a_cut)
{
    struct pt_tls_context *context = context_of(&ours, &ours, CONTROLLER, NOW_NS);
    struct pair pair = connect_pair(context, context, SIZE_MAX / 2);
    ck_assert_int_eq(pt_tls_write(pair.client.tls, "bye", 3, &pair.client.out, NULL), PT_OK);
    pt_tls_close(pair.client.tls, &pair.client.out);
    settle(&pair, SIZE_MAX / 2);
    ck_assert_str_eq((char *)pair.server.plain.data, "bye");
    ck_assert_int_eq(pair.server.code, PT_CLOSED);
    ck_assert(!pt_tls_ready(pair.server.tls));
    struct pt_error error = {0};
    ck_assert_int_eq(pt_tls_write(pair.server.tls, "x", 1, &pair.server.out, &error), PT_CLOSED);
    ck_assert_int_eq(error.code, PT_CLOSED);
    pair_fini(&pair);
    pt_tls_context_free(context);
}
END_TEST

/* Every byte of a record that was sent, changed once: the reader must fail and give out nothing. */
START_TEST(an_altered_record_ends_the_connection)
{
    struct pt_tls_context *context = context_of(&ours, &ours, CONTROLLER, NOW_NS);
    for (size_t at = 5; at < 27; at++) { /* behind the header: 5 bytes of text, 1 of type, 16 of tag */
        struct pair pair = connect_pair(context, context, SIZE_MAX / 2);
        ck_assert_int_eq(pt_tls_write(pair.client.tls, "hello", 5, &pair.client.out, NULL), PT_OK);
        ck_assert_uint_eq(pair.client.out.size, 27);
        pair.client.out.data[at] ^= 1;
        settle(&pair, SIZE_MAX / 2);
        ck_assert_int_eq(pair.server.code, PT_UNAUTHENTICATED);
        ck_assert_uint_eq(pair.server.plain.size, 0);
        ck_assert_int_eq(pt_tls_feed(pair.server.tls, "x", 1, &pair.server.plain, &pair.server.out, NULL),
                         PT_UNAUTHENTICATED);
        pair_fini(&pair);
    }
    pt_tls_context_free(context);
}
END_TEST

/* One side is bad; the other must refuse it, and no byte of plaintext may reach anybody. */
START_TEST(a_bad_certificate_is_refused_by_the_other_side)
{
    static const struct {
        const char *what;
        bool other_ca;
        int64_t signed_ns;
        const char *reason;
    } cases[] = {
        {"of another cluster", true, NOW_NS, "unable to get"},
        {"expired", false, NOW_NS - 2 * HOUR_NS, "expired"},
        {"not yet valid", false, NOW_NS + HOUR_NS, "not yet valid"},
    };
    bool bad_client = _i % 2 == 0;
    size_t n = (size_t)_i / 2;
    struct pt_tls_context *good = context_of(&ours, &ours, CONTROLLER, NOW_NS);
    struct pt_tls_context *bad = context_of(cases[n].other_ca ? &theirs : &ours, &ours, EDGE, cases[n].signed_ns);
    struct pair pair = connect_pair(bad_client ? bad : good, bad_client ? good : bad, SIZE_MAX / 2);
    struct end *judge = bad_client ? &pair.server : &pair.client;
    struct end *refused = bad_client ? &pair.client : &pair.server;
    ck_assert_int_eq(judge->code, PT_UNAUTHENTICATED);
    ck_assert_msg(strstr(judge->error.text, cases[n].reason) != NULL, "%s: %s", cases[n].what, judge->error.text);
    ck_assert(!pt_tls_ready(judge->tls));
    ck_assert_int_eq(refused->code, PT_UNAUTHENTICATED); /* by the alert */
    ck_assert(!pt_tls_ready(refused->tls));
    ck_assert_uint_eq(judge->plain.size + refused->plain.size, 0);
    pair_fini(&pair);
    pt_tls_context_free(good);
    pt_tls_context_free(bad);
}
END_TEST

START_TEST(noise_is_refused)
{
    struct pt_tls_context *context = context_of(&ours, &ours, CONTROLLER, NOW_NS);
    static const char *const noise[] = {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "\x16\x03\x01\x00\x04\x01\x00\x00\x00",
                                        "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"};
    for (size_t i = 0; i < 3; i++) {
        struct end server = {.tls = pt_tls_new(context, true)};
        feed(&server, noise[i], i == 1 ? 9 : strlen(noise[i]));
        ck_assert_int_eq(server.code, PT_UNAUTHENTICATED);
        ck_assert_str_ne(server.error.text, "");
        end_fini(&server);
    }
    pt_tls_context_free(context);
}
END_TEST

START_TEST(a_context_needs_parts_that_fit)
{
    PT_AUTO(secret) struct pt_buf key = {0};
    struct pt_tls_context *context = NULL;
    const char *ca = (char *)ours.cert.data;
    ck_assert_int_eq(pt_key_new(&key, NULL), PT_OK);
    ck_assert_int_eq(pt_tls_context_new(ca, (char *)key.data, ca, &context, NULL), PT_INVALID_ARGUMENT);
    ck_assert_int_eq(pt_tls_context_new("", (char *)key.data, ca, &context, NULL), PT_INVALID_ARGUMENT);
    ck_assert_int_eq(pt_tls_context_new(ca, "", ca, &context, NULL), PT_INVALID_ARGUMENT);
    ck_assert_int_eq(pt_tls_context_new(ca, (char *)ours.key.data, "", &context, NULL), PT_INVALID_ARGUMENT);
    PT_AUTO(buf) struct pt_buf cut = {0};
    pt_buf_append(&cut, ours.cert.data, ours.cert.size);
    pt_buf_append(&cut, theirs.cert.data, theirs.cert.size / 2);
    ck_assert_int_eq(pt_tls_context_new(ca, (char *)ours.key.data, (char *)cut.data, &context, NULL),
                     PT_INVALID_ARGUMENT);
    ck_assert_ptr_null(context);
    pt_tls_context_free(NULL);
    pt_tls_free(NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("crypto/tls");
    TCase *tcase = tcase_create("tls");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, both_ends_learn_who_the_other_is, 0, 4);
    tcase_add_test(tcase, megabytes_pass_unchanged_in_odd_pieces);
    tcase_add_test(tcase, keys_are_changed_on_the_way);
    tcase_add_test(tcase, an_end_is_told_from_a_cut);
    tcase_add_test(tcase, an_altered_record_ends_the_connection);
    tcase_add_loop_test(tcase, a_bad_certificate_is_refused_by_the_other_side, 0, 6);
    tcase_add_test(tcase, noise_is_refused);
    tcase_add_test(tcase, a_context_needs_parts_that_fit);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
