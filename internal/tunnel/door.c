/*
 * Both ends of the door. The server reads whole requests into a buffer and never waits; a client that sends nonsense is
 * hung up on.
 */
#include "tunnel/door.h"

#include "base/assert.h"
#include "base/buf.h"
#include "sys/sys_uv.h"
#include "tunnel/door_live.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define CLIENTS_MAX 4
#define READ_SIZE 65536
#define ANSWER_SECONDS 2

struct client {
    struct pt_door *door;
    int fd; /* -1: free */
    struct pt_fd_watch *watch;
    struct pt_buf in;
    int fds[PT_DOOR_FDS_LEN]; /* received and not claimed yet; -1: none */
};

struct pt_door {
    struct pt_sys *sys;
    struct pt_engine *engine;
    struct pt_door_live *live;
    int fd;
    struct pt_fd_watch *watch;
    struct client clients[CLIENTS_MAX];
    void (*on_stop)(void *arg);
    void *arg;
    char path[108];
};

/* ---- bytes ---------------------------------------------------------------------------------------------------- */

static bool write_all(int fd, const void *data, size_t size)
{
    const uint8_t *at = data;
    while (size > 0) {
        ssize_t put = send(fd, at, size, MSG_NOSIGNAL);
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put <= 0) {
            return false;
        }
        at += put;
        size -= (size_t)put;
    }
    return true;
}

static bool read_all(int fd, void *data, size_t size)
{
    uint8_t *at = data;
    while (size > 0) {
        ssize_t got = recv(fd, at, size, 0);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return false;
        }
        at += got;
        size -= (size_t)got;
    }
    return true;
}

static bool send_message(int fd, enum pt_door_kind kind, const struct pt_buf *body)
{
    const struct pt_door_header header = {
        .size = (uint32_t)body->size, .kind = (uint32_t)kind, .version = PT_DOOR_VERSION};
    return write_all(fd, &header, sizeof(header)) && (body->size == 0 || write_all(fd, body->data, body->size));
}

static bool own_address(const char *path, struct sockaddr_un *ret_address)
{
    *ret_address = (struct sockaddr_un){.sun_family = AF_UNIX};
    return (size_t)snprintf(ret_address->sun_path, sizeof(ret_address->sun_path), "%s", path) <
           sizeof(ret_address->sun_path);
}

/* ---- the tunnel process's end --------------------------------------------------------------------------------- */

static void answer(int fd, enum pt_door_kind kind, enum pt_code code, const struct pt_error *error)
{
    struct pt_door_answer body = {.code = (int32_t)code};
    PT_AUTO(buf) struct pt_buf data = {0};
    if (code != PT_OK) {
        memcpy(body.field, error->field, sizeof(body.field));
        memcpy(body.text, error->text, sizeof(body.text));
    }
    pt_buf_append(&data, &body, sizeof(body));
    (void)send_message(fd, kind, &data);
}

/* Copy `len` items out of the body, aligned; NULL when it is too short. */
static void *take_items(struct pt_bytes *body, uint32_t len, size_t size)
{
    if (len > body->size / size) {
        return NULL;
    }
    void *items = calloc(len + 1, size);
    pt_assert(items != NULL);
    memcpy(items, body->data, len * size);
    body->data += len * size;
    body->size -= len * size;
    return items;
}

static void serve_configure(struct pt_door *door, int fd, struct pt_bytes body)
{
    struct pt_door_counts counts;
    struct pt_error error = {0};
    enum pt_code code = PT_OK;
    struct pt_engine_link *links = NULL;
    struct pt_engine_path *paths = NULL;
    struct pt_peer_entry *peers = NULL;
    if (body.size >= sizeof(counts)) {
        memcpy(&counts, body.data, sizeof(counts));
        body.data += sizeof(counts);
        body.size -= sizeof(counts);
        links = take_items(&body, counts.links_len, sizeof(*links));
        paths = take_items(&body, counts.paths_len, sizeof(*paths));
        peers = counts.peers_len <= PT_PEERS_MAX ? take_items(&body, counts.peers_len, sizeof(*peers)) : NULL;
    }
    if (links == NULL || paths == NULL || peers == NULL || counts.port > UINT16_MAX) {
        code = pt_fail(&error, PT_INVALID_ARGUMENT, PT_REASON_MESSAGE_MALFORMED, "configure",
                       "the configuration is cut short or has more than %d peers", PT_PEERS_MAX);
    } else {
        const struct pt_engine_config config = {.port = (uint16_t)counts.port,
                                                .links = links,
                                                .links_len = counts.links_len,
                                                .paths = paths,
                                                .paths_len = counts.paths_len,
                                                .peers = peers,
                                                .peers_len = counts.peers_len,
                                                .rekey_after_ms = counts.rekey_after_ms,
                                                .rekey_volume_bytes = counts.rekey_volume_bytes};
        code = pt_engine_configure(door->engine, &config, &error);
    }
    answer(fd, PT_DOOR_CONFIGURE, code, &error);
    free(links);
    free(paths);
    free(peers);
}

static void serve_watch(struct client *client, struct pt_bytes body)
{
    struct pt_door_watch counts;
    struct pt_error error = {0};
    enum pt_code code = PT_OK;
    struct pt_engine_link *links = NULL;
    struct pt_live_path *paths = NULL;
    struct pt_peer_entry *peers = NULL;
    struct pt_live_sla *slas = NULL;
    bool has_fds = true;
    for (size_t i = 0; i < PT_DOOR_FDS_LEN; i++) {
        has_fds = has_fds && client->fds[i] >= 0;
    }
    if (body.size >= sizeof(counts)) {
        memcpy(&counts, body.data, sizeof(counts));
        body.data += sizeof(counts);
        body.size -= sizeof(counts);
        links = take_items(&body, counts.links_len, sizeof(*links));
        paths = take_items(&body, counts.paths_len, sizeof(*paths));
        peers = counts.peers_len <= PT_PEERS_MAX ? take_items(&body, counts.peers_len, sizeof(*peers)) : NULL;
        slas = take_items(&body, counts.slas_len, sizeof(*slas));
    }
    if (links == NULL || paths == NULL || peers == NULL || slas == NULL || !has_fds) {
        code = pt_fail(&error, PT_INVALID_ARGUMENT, PT_REASON_MESSAGE_MALFORMED, "watch",
                       "the paths are cut short, have more than %d peers, or came without descriptors", PT_PEERS_MAX);
    } else {
        const struct pt_live_config config = {.label = counts.label,
                                              .links = links,
                                              .links_len = counts.links_len,
                                              .paths = paths,
                                              .paths_len = counts.paths_len,
                                              .peers = peers,
                                              .peers_len = counts.peers_len,
                                              .slas = slas,
                                              .slas_len = counts.slas_len};
        pt_door_live_configure(client->door->live, &config, client->fds);
        memset(client->fds, 0xff, sizeof(client->fds)); /* -1: theirs now */
    }
    answer(client->fd, PT_DOOR_WATCH, code, &error);
    free(links);
    free(paths);
    free(peers);
    free(slas);
}

static void serve_status(struct pt_door *door, int fd)
{
    struct pt_door_status status = {.device_index = pt_engine_device_index(door->engine),
                                    .now_ns = pt_sys_now_ns(door->sys)};
    struct pt_live *live = pt_door_live_get(door->live);
    size_t peers_len = pt_engine_peers(door->engine, NULL, 0), paths_len = pt_engine_paths(door->engine, NULL, 0),
           lives_len = pt_live_statuses(live, NULL, 0); /* only the loop, where we are, changes how many there are */
    struct pt_peer_status *peers = calloc(peers_len + 1, sizeof(*peers));
    struct pt_engine_path_status *paths = calloc(paths_len + 1, sizeof(*paths));
    struct pt_live_status *lives = calloc(lives_len + 1, sizeof(*lives));
    PT_AUTO(buf) struct pt_buf body = {0};
    pt_assert(peers != NULL && paths != NULL && lives != NULL);
    (void)pt_live_statuses(live, lives, lives_len);
    (void)pt_engine_peers(door->engine, peers, peers_len);
    (void)pt_engine_paths(door->engine, paths, paths_len);
    status.peers_len = (uint32_t)peers_len;
    status.paths_len = (uint32_t)paths_len;
    status.lives_len = (uint32_t)lives_len;
    memcpy(status.public_key, pt_engine_public_key(door->engine), sizeof(status.public_key));
    pt_engine_counters(door->engine, &status.counters);
    pt_buf_append(&body, &status, sizeof(status));
    pt_buf_append(&body, peers, peers_len * sizeof(*peers));
    pt_buf_append(&body, paths, paths_len * sizeof(*paths));
    pt_buf_append(&body, lives, lives_len * sizeof(*lives));
    (void)send_message(fd, PT_DOOR_STATUS, &body);
    free(peers);
    free(paths);
    free(lives);
}

static void serve_measures(struct pt_door *door, int fd, struct pt_bytes body)
{
    struct pt_live *live = pt_door_live_get(door->live);
    uint32_t minutes = 0;
    size_t len = pt_live_measures(live, 0, NULL, 0);
    struct pt_live_measures *measures = calloc(len + 1, sizeof(*measures));
    PT_AUTO(buf) struct pt_buf answer_body = {0};
    pt_assert(measures != NULL);
    memcpy(&minutes, body.data, body.size == sizeof(minutes) ? sizeof(minutes) : 0);
    (void)pt_live_measures(live, minutes, measures, len);
    pt_buf_append(&answer_body, measures, len * sizeof(*measures));
    (void)send_message(fd, PT_DOOR_MEASURES, &answer_body);
    free(measures);
}

static void drop_fds(struct client *client)
{
    for (size_t i = 0; i < PT_DOOR_FDS_LEN; i++) {
        if (client->fds[i] >= 0) {
            (void)close(client->fds[i]);
        }
        client->fds[i] = -1;
    }
}

static void hang_up(struct client *client)
{
    pt_sys_uv_unwatch(client->watch);
    (void)close(client->fd);
    pt_buf_fini(&client->in);
    drop_fds(client);
    *client = (struct client){.door = client->door, .fd = -1, .fds = {-1, -1, -1, -1}};
}

static void serve(struct client *client, const struct pt_door_header *header, struct pt_bytes body)
{
    struct pt_door *door = client->door;
    const struct pt_error none = {0};
    if (header->kind == PT_DOOR_STOP) { /* of any version: what a newer agent says to an older process */
        answer(client->fd, PT_DOOR_STOP, PT_OK, &none);
        door->on_stop(door->arg);
    } else if (header->version == PT_DOOR_VERSION && header->kind == PT_DOOR_CONFIGURE) {
        serve_configure(door, client->fd, body);
    } else if (header->version == PT_DOOR_VERSION && header->kind == PT_DOOR_WATCH) {
        serve_watch(client, body);
    } else if (header->version == PT_DOOR_VERSION && header->kind == PT_DOOR_MEASURES) {
        serve_measures(door, client->fd, body);
    } else if (header->version == PT_DOOR_VERSION && header->kind == PT_DOOR_STATUS) {
        serve_status(door, client->fd);
    } else {
        answer(client->fd, PT_DOOR_OTHER, PT_OK, &none);
    }
}

/* Bytes, and descriptors that came with them. */
static ssize_t receive(struct client *client)
{
    _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(client->fds))];
    struct iovec part = {.iov_base = pt_buf_reserve(&client->in, READ_SIZE), .iov_len = READ_SIZE};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
    ssize_t got = recvmsg(client->fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    for (struct cmsghdr *c = got > 0 ? CMSG_FIRSTHDR(&message) : NULL; c != NULL; c = CMSG_NXTHDR(&message, c)) {
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
            drop_fds(client);
            memcpy(client->fds, CMSG_DATA(c), c->cmsg_len - CMSG_LEN(0)); /* as many as there was room for */
        }
    }
    return got;
}

static void on_readable(void *arg)
{
    struct client *client = arg;
    ssize_t got = receive(client);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (got <= 0) {
        hang_up(client);
        return;
    }
    client->in.size += (size_t)got;
    struct pt_door_header header;
    while (client->in.size >= sizeof(header)) {
        memcpy(&header, client->in.data, sizeof(header));
        if (header.size > PT_DOOR_SIZE_MAX) {
            hang_up(client);
            return;
        }
        if (client->in.size < sizeof(header) + header.size) {
            return;
        }
        serve(client, &header, (struct pt_bytes){client->in.data + sizeof(header), header.size});
        pt_buf_consume(&client->in, sizeof(header) + header.size);
    }
}

static void on_connect(void *arg)
{
    struct pt_door *door = arg;
    const struct timeval patience = {.tv_sec = 1}; /* an agent that does not read its answer */
    int fd = accept4(door->fd, NULL, NULL, SOCK_CLOEXEC);
    for (size_t i = 0; i < CLIENTS_MAX && fd >= 0; i++) {
        struct client *client = &door->clients[i];
        if (client->fd < 0) {
            (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
            client->fd = fd;
            client->watch = pt_sys_uv_watch(door->sys, fd, on_readable, client);
            return;
        }
    }
    if (fd >= 0) {
        (void)close(fd);
    }
}

enum pt_code pt_door_open(const struct pt_door_options *options, struct pt_door **ret_door, struct pt_error *reterr)
{
    const char *path = options->path;
    struct pt_door_live *live = NULL;
    struct sockaddr_un address;
    if (!own_address(path, &address)) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, path,
                       "the socket's path is longer than the %zu bytes that a Unix socket takes",
                       sizeof(address.sun_path) - 1);
    }
    PT_TRY(pt_door_live_open(options->sys, options->engine, options->private_key, &live, reterr));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    (void)unlink(path);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 || chmod(path, 0600) != 0 ||
        listen(fd, CLIENTS_MAX) != 0) {
        int number = errno;
        if (fd >= 0) {
            (void)close(fd);
        }
        pt_door_live_close(live);
        return pt_fail_errno(reterr, number, path, "cannot listen for the agent");
    }
    struct pt_door *door = calloc(1, sizeof(*door));
    pt_assert(door != NULL);
    *door = (struct pt_door){.sys = options->sys,
                             .engine = options->engine,
                             .live = live,
                             .fd = fd,
                             .on_stop = options->on_stop,
                             .arg = options->arg};
    (void)snprintf(door->path, sizeof(door->path), "%s", path);
    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        door->clients[i] = (struct client){.door = door, .fd = -1, .fds = {-1, -1, -1, -1}};
    }
    door->watch = pt_sys_uv_watch(options->sys, fd, on_connect, door);
    *ret_door = door;
    return PT_OK;
}

void pt_door_close(struct pt_door *door)
{
    if (door == NULL) {
        return;
    }
    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        if (door->clients[i].fd >= 0) {
            hang_up(&door->clients[i]);
        }
    }
    pt_sys_uv_unwatch(door->watch);
    (void)close(door->fd);
    (void)unlink(door->path);
    pt_door_live_close(door->live);
    free(door);
}

/* ---- the agent's end ------------------------------------------------------------------------------------------ */

enum pt_code pt_door_dial(const char *path, int *ret_fd, struct pt_error *reterr)
{
    const struct timeval patience = {.tv_sec = ANSWER_SECONDS};
    struct sockaddr_un address;
    int fd = own_address(path, &address) ? socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) : -1;
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        int number = errno;
        if (fd >= 0) {
            (void)close(fd);
        }
        return pt_fail(reterr, PT_UNAVAILABLE, PT_REASON_NONE, path, "the tunnel process does not answer: %s",
                       strerror(number));
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    *ret_fd = fd;
    return PT_OK;
}

/* A header with descriptors; the body follows as usual. */
static bool send_header(int fd, enum pt_door_kind kind, const struct pt_buf *body, const int *fds)
{
    struct pt_door_header header = {.size = (uint32_t)body->size, .kind = (uint32_t)kind, .version = PT_DOOR_VERSION};
    _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(PT_DOOR_FDS_LEN * sizeof(int))] = {0};
    struct iovec part = {.iov_base = &header, .iov_len = sizeof(header)};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(PT_DOOR_FDS_LEN * sizeof(int));
    memcpy(CMSG_DATA(c), fds, PT_DOOR_FDS_LEN * sizeof(int));
    return sendmsg(fd, &message, MSG_NOSIGNAL) == (ssize_t)sizeof(header); /* so few bytes go whole or not at all */
}

/* Ask and wait; *ret_body is the caller's to free. fds: NULL, or PT_DOOR_FDS_LEN of them. */
static enum pt_code ask_with(int fd, enum pt_door_kind kind, const struct pt_buf *request, const int *fds,
                             struct pt_buf *ret_body, struct pt_error *reterr)
{
    struct pt_door_header header;
    bool sent = fds != NULL ? send_header(fd, kind, request, fds) && write_all(fd, request->data, request->size)
                            : send_message(fd, kind, request);
    if (!sent || !read_all(fd, &header, sizeof(header)) || header.size > PT_DOOR_SIZE_MAX ||
        !read_all(fd, pt_buf_reserve(ret_body, header.size), header.size)) {
        return pt_fail(reterr, PT_UNAVAILABLE, PT_REASON_NONE, "tunnel", "the tunnel process does not answer");
    }
    ret_body->size = header.size;
    if (header.version != PT_DOOR_VERSION || header.kind != (uint32_t)kind) {
        return pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_CONFLICT, "tunnel",
                       "the tunnel process is of another version");
    }
    return PT_OK;
}

static enum pt_code ask(int fd, enum pt_door_kind kind, const struct pt_buf *request, struct pt_buf *ret_body,
                        struct pt_error *reterr)
{
    return ask_with(fd, kind, request, NULL, ret_body, reterr);
}

static enum pt_code read_answer(const struct pt_buf *body, struct pt_error *reterr)
{
    struct pt_door_answer result;
    if (body->size != sizeof(result)) {
        return pt_fail(reterr, PT_CORRUPT, PT_REASON_NONE, "tunnel", "the tunnel process's answer is malformed");
    }
    memcpy(&result, body->data, sizeof(result));
    result.field[sizeof(result.field) - 1] = result.text[sizeof(result.text) - 1] = '\0';
    return result.code == PT_OK
               ? PT_OK
               : pt_fail(reterr, (enum pt_code)result.code, PT_REASON_NONE, result.field, "%s", result.text);
}

enum pt_code pt_door_configure(int fd, const struct pt_engine_config *config, struct pt_error *reterr)
{
    const struct pt_door_counts counts = {.links_len = (uint32_t)config->links_len,
                                          .paths_len = (uint32_t)config->paths_len,
                                          .peers_len = (uint32_t)config->peers_len,
                                          .port = config->port,
                                          .rekey_after_ms = config->rekey_after_ms,
                                          .rekey_volume_bytes = config->rekey_volume_bytes};
    PT_AUTO(buf) struct pt_buf request = {0};
    PT_AUTO(buf) struct pt_buf body = {0};
    pt_buf_append(&request, &counts, sizeof(counts));
    pt_buf_append(&request, config->links, config->links_len * sizeof(*config->links));
    pt_buf_append(&request, config->paths, config->paths_len * sizeof(*config->paths));
    pt_buf_append(&request, config->peers, config->peers_len * sizeof(*config->peers));
    PT_TRY(ask(fd, PT_DOOR_CONFIGURE, &request, &body, reterr));
    return read_answer(&body, reterr);
}

enum pt_code pt_door_watch(int fd, const struct pt_live_config *config, const int fds[PT_DOOR_FDS_LEN],
                           struct pt_error *reterr)
{
    const struct pt_door_watch counts = {.label = config->label,
                                         .links_len = (uint32_t)config->links_len,
                                         .paths_len = (uint32_t)config->paths_len,
                                         .peers_len = (uint32_t)config->peers_len,
                                         .slas_len = (uint32_t)config->slas_len};
    PT_AUTO(buf) struct pt_buf request = {0};
    PT_AUTO(buf) struct pt_buf body = {0};
    pt_buf_append(&request, &counts, sizeof(counts));
    pt_buf_append(&request, config->links, config->links_len * sizeof(*config->links));
    pt_buf_append(&request, config->paths, config->paths_len * sizeof(*config->paths));
    pt_buf_append(&request, config->peers, config->peers_len * sizeof(*config->peers));
    pt_buf_append(&request, config->slas, config->slas_len * sizeof(*config->slas));
    PT_TRY(ask_with(fd, PT_DOOR_WATCH, &request, fds, &body, reterr));
    return read_answer(&body, reterr);
}

enum pt_code pt_door_report(int fd, struct pt_door_report *ret_report, struct pt_error *reterr)
{
    PT_AUTO(buf) struct pt_buf none = {0};
    PT_AUTO(buf) struct pt_buf body = {0};
    struct pt_door_report report = {0};
    PT_TRY(ask(fd, PT_DOOR_STATUS, &none, &body, reterr));
    struct pt_bytes rest = pt_buf_bytes(&body);
    if (rest.size >= sizeof(report.status)) {
        memcpy(&report.status, rest.data, sizeof(report.status));
        rest.data += sizeof(report.status);
        rest.size -= sizeof(report.status);
        report.peers = take_items(&rest, report.status.peers_len, sizeof(*report.peers));
        report.paths = take_items(&rest, report.status.paths_len, sizeof(*report.paths));
        report.lives = take_items(&rest, report.status.lives_len, sizeof(*report.lives));
    }
    if (report.peers == NULL || report.paths == NULL || report.lives == NULL) {
        pt_door_report_fini(&report);
        return pt_fail(reterr, PT_CORRUPT, PT_REASON_NONE, "tunnel", "the tunnel process's answer is malformed");
    }
    *ret_report = report;
    return PT_OK;
}

enum pt_code pt_door_measures(int fd, uint32_t minutes, struct pt_live_measures **ret_measures, size_t *ret_len,
                              struct pt_error *reterr)
{
    PT_AUTO(buf) struct pt_buf request = {0};
    PT_AUTO(buf) struct pt_buf body = {0};
    pt_buf_append(&request, &minutes, sizeof(minutes));
    PT_TRY(ask(fd, PT_DOOR_MEASURES, &request, &body, reterr));
    struct pt_bytes rest = pt_buf_bytes(&body);
    *ret_len = rest.size / sizeof(**ret_measures);
    *ret_measures = take_items(&rest, (uint32_t)*ret_len, sizeof(**ret_measures));
    return PT_OK;
}

void pt_door_report_fini(struct pt_door_report *report)
{
    free(report->peers);
    free(report->paths);
    free(report->lives);
    *report = (struct pt_door_report){0};
}

void pt_door_stop(int fd)
{
    PT_AUTO(buf) struct pt_buf none = {0};
    PT_AUTO(buf) struct pt_buf body = {0};
    (void)ask(fd, PT_DOOR_STOP, &none, &body, NULL);
}
