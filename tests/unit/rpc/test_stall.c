/*
 * A client that asks for much and reads nothing: the server's loop turns on, and others are answered. The client speaks
 * TLS and HTTP/2 by hand, for one of gRPC's would read.
 */
#include "fixture.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ASKED "8 1000000" /* messages, and the size of each: more than sockets hold */
#define ASKED_SIZE 8000000U
#define OTHERS 1000 /* calls, in less than its patience: so none waits until somebody happens to look */
#define PATIENCE_S 30

struct deaf {
    uint16_t port;
    sem_t go_on; /* read now */
    bool gave_up;
    size_t read_size;
};

static void put_frame(struct pt_buf *out, uint8_t type, uint8_t flags, uint32_t stream, struct pt_bytes payload)
{
    pt_buf_append_u8(out, (uint8_t)(payload.size >> 16));
    pt_buf_append_u8(out, (uint8_t)(payload.size >> 8));
    pt_buf_append_u8(out, (uint8_t)payload.size);
    pt_buf_append_u8(out, type);
    pt_buf_append_u8(out, flags);
    pt_buf_append_be32(out, stream);
    pt_buf_append(out, payload.data, payload.size);
}

/* RFC 7541, 6.2.2: a literal that is not indexed, with a new name. */
static void put_header(struct pt_buf *out, const char *name, const char *value)
{
    pt_buf_append_u8(out, 0);
    pt_buf_append_u8(out, (uint8_t)strlen(name));
    pt_buf_append(out, name, strlen(name));
    pt_buf_append_u8(out, (uint8_t)strlen(value));
    pt_buf_append(out, value, strlen(value));
}

/* Preface, windows that are never full, and one call of /t/Count (RFC 9113). */
static void put_request(struct pt_buf *out)
{
    PT_AUTO(buf) struct pt_buf headers = {0};
    PT_AUTO(buf) struct pt_buf message = {0};
    static const uint8_t window[] = {0, 4, 0x7f, 0xff, 0xff, 0xff}; /* SETTINGS_INITIAL_WINDOW_SIZE */
    static const uint8_t more[] = {0x7f, 0xfe, 0, 0};
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    pt_buf_append(out, preface, sizeof(preface) - 1);
    put_frame(out, 4, 0, 0, (struct pt_bytes){window, sizeof(window)});
    put_frame(out, 8, 0, 0, (struct pt_bytes){more, sizeof(more)});
    static const char *const fields[][2] = {{":method", "POST"},   {":scheme", "https"},
                                            {":path", "/t/Count"}, {":authority", "x"},
                                            {"te", "trailers"},    {"content-type", "application/grpc"}};
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        put_header(&headers, fields[i][0], fields[i][1]);
    }
    put_frame(out, 1, 4, 1, pt_buf_bytes(&headers)); /* END_HEADERS */
    pt_buf_append_u8(&message, 0);
    pt_buf_append_be32(&message, sizeof(ASKED) - 1);
    pt_buf_append(&message, ASKED, sizeof(ASKED) - 1);
    put_frame(out, 0, 1, 1, pt_buf_bytes(&message)); /* END_STREAM */
}

static void *run_deaf(void *arg)
{
    struct deaf *deaf = arg;
    int room = 16384;
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(deaf->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    pt_assert(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room)) == 0);
    pt_assert(connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    pt_assert(SSL_CTX_set_alpn_protos(context, (const uint8_t *)"\x02h2", 3) == 0);
    SSL *tls = SSL_new(context);
    pt_assert(SSL_set_fd(tls, fd) == 1 && SSL_connect(tls) == 1);
    PT_AUTO(buf) struct pt_buf request = {0};
    put_request(&request);
    pt_assert(SSL_write(tls, request.data, (int)request.size) == (int)request.size);

    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += PATIENCE_S;
    deaf->gave_up = sem_timedwait(&deaf->go_on, &end) != 0;
    char data[65536];
    for (int size = 1; size > 0 && deaf->read_size < ASKED_SIZE && !deaf->gave_up;) {
        size = SSL_read(tls, data, sizeof(data));
        deaf->read_size += size > 0 ? (size_t)size : 0;
    }
    SSL_free(tls);
    SSL_CTX_free(context);
    close(fd);
    return NULL;
}

START_TEST(who_does_not_read_keeps_nobody_waiting)
{
    struct world world;
    pthread_t thread;
    world_init(&world, (enum world_kind)_i);
    struct deaf deaf = {.port = world.api_port};
    pt_assert(sem_init(&deaf.go_on, 0, 0) == 0 && pthread_create(&thread, NULL, run_deaf, &deaf) == 0);
    TURN_UNTIL(&world, world.messages == 1 && world.queued_max > 0);
    struct pt_rpc_channel *channel = open_channel(&world, &world.admin, &world.ca, world.api_port);
    for (unsigned i = 0; i < OTHERS; i++) {
        struct reply reply = {0};
        ck_assert_int_eq(call_text(&world, channel, "/t/Echo", "x", &reply), PT_OK);
        pt_buf_fini(&reply.message);
    }
    pt_assert(sem_post(&deaf.go_on) == 0);
    TURN_UNTIL(&world, world.ends == OTHERS + 1);
    pt_assert(pthread_join(thread, NULL) == 0 && sem_destroy(&deaf.go_on) == 0);
    ck_assert(!deaf.gave_up);
    ck_assert_uint_ge(deaf.read_size, ASKED_SIZE);
    pt_rpc_channel_free(channel);
    world_fini(&world);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rpc stall");
    TCase *tcase = tcase_create("stall");
    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, who_does_not_read_keeps_nobody_waiting, WORLD_GRPC, WORLD_GRPC + 1);
    tcase_add_loop_test(tcase, who_does_not_read_keeps_nobody_waiting, WORLD_POLLED, WORLD_POLLED + 1);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK); /* no fork after grpc_init */
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
