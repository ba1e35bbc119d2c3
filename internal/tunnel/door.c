/*
 * The tunnel process's end of the door (the agent's: door_dial.c). It reads whole requests into a buffer and never
 * waits; a client that sends nonsense is hung up on.
 */
#include "tunnel/door.h"

#include "base/assert.h"
#include "base/buf.h"
#include "sys/sys_uv.h"
#include "tunnel/door_live.h"
#include "tunnel/door_priv.h"

#include <errno.h>
#include <fcntl.h>
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
    struct pt_stamp_sender *stamp;
    int fd;
    struct pt_fd_watch *watch;
    struct client clients[CLIENTS_MAX];
    void (*on_stop)(void *arg);
    void *arg;
    bool taken;  /* by another process */
    bool paused; /* what was adopted is not ours yet: neither is the socket */
    struct pt_door_program program;
    char path[108];
};

static void answer(int fd, enum pt_door_kind kind, enum pt_code code, const struct pt_error *error)
{
    struct pt_door_answer body = {.code = (int32_t)code};
    PT_AUTO(buf) struct pt_buf data = {0};
    if (code != PT_OK) {
        memcpy(body.field, error->field, sizeof(body.field));
        memcpy(body.text, error->text, sizeof(body.text));
    }
    pt_buf_append(&data, &body, sizeof(body));
    (void)pt_door_send_message(fd, kind, &data);
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
        links = pt_door_take_items(&body, counts.links_len, sizeof(*links));
        paths = pt_door_take_items(&body, counts.paths_len, sizeof(*paths));
        peers = counts.peers_len <= PT_PEERS_MAX ? pt_door_take_items(&body, counts.peers_len, sizeof(*peers)) : NULL;
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
        links = pt_door_take_items(&body, counts.links_len, sizeof(*links));
        paths = pt_door_take_items(&body, counts.paths_len, sizeof(*paths));
        peers = counts.peers_len <= PT_PEERS_MAX ? pt_door_take_items(&body, counts.peers_len, sizeof(*peers)) : NULL;
        slas = pt_door_take_items(&body, counts.slas_len, sizeof(*slas));
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
                                    .now_ns = pt_sys_now_ns(door->sys),
                                    .program = door->program};
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
    (void)pt_door_send_message(fd, PT_DOOR_STATUS, &body);
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
    (void)pt_door_send_message(fd, PT_DOOR_MEASURES, &answer_body);
    free(measures);
}

static void serve_bandwidth(struct pt_door *door, int fd, struct pt_bytes body)
{
    struct pt_door_bandwidth what = {0};
    struct pt_error error = {0};
    memcpy(&what, body.data, body.size == sizeof(what) ? sizeof(what) : 0); /* no path has number 0 */
    enum pt_code code = pt_live_bandwidth_start(pt_door_live_get(door->live), what.path, what.max_bps, &error);
    answer(fd, PT_DOOR_BANDWIDTH, code, &error);
}

static void serve_bandwidth_get(struct pt_door *door, int fd)
{
    const struct pt_live_bandwidth newest = pt_live_bandwidth(pt_door_live_get(door->live));
    PT_AUTO(buf) struct pt_buf body = {0};
    pt_buf_append(&body, &newest, sizeof(newest));
    (void)pt_door_send_message(fd, PT_DOOR_BANDWIDTH_GET, &body);
}

static void serve_stamp(struct pt_door *door, int fd, struct pt_bytes body)
{
    struct pt_stamp_target targets[PT_STAMP_TARGETS_MAX];
    const struct pt_error none = {0};
    size_t len = body.size / sizeof(*targets);
    len = len < PT_STAMP_TARGETS_MAX ? len : PT_STAMP_TARGETS_MAX;
    memcpy(targets, body.data, len * sizeof(*targets));
    pt_stamp_sender_configure(door->stamp, targets, len);
    answer(fd, PT_DOOR_STAMP, PT_OK, &none);
}

static void serve_stamp_get(struct pt_door *door, int fd, struct pt_bytes body)
{
    struct pt_stamp_status status[PT_STAMP_TARGETS_MAX];
    PT_AUTO(buf) struct pt_buf answer_body = {0};
    uint32_t minutes = 0;
    memcpy(&minutes, body.data, body.size == sizeof(minutes) ? sizeof(minutes) : 0);
    size_t len = pt_stamp_sender_status(door->stamp, minutes, status);
    pt_buf_append(&answer_body, status, len * sizeof(*status));
    (void)pt_door_send_message(fd, PT_DOOR_STAMP_GET, &answer_body);
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

/* Afterwards the client is gone, or this process's part is over. */
static void serve_take(struct client *client)
{
    struct pt_door *door = client->door;
    struct pt_error error = {0};
    enum pt_code code = PT_OK;
    if (pt_live_bandwidth(pt_door_live_get(door->live)).state == PT_LIVE_BANDWIDTH_RUNNING) {
        code = pt_fail(&error, PT_UNAVAILABLE, PT_REASON_NONE, "tunnel",
                       "a path's bandwidth is being measured: again in a few seconds");
    }
    answer(client->fd, PT_DOOR_TAKE, code, &error);
    if (code == PT_OK && pt_door_give(door, client->fd)) {
        door->taken = true;
        door->on_stop(door->arg);
    } else {
        hang_up(client);
    }
}

/* Requests of the agent. */
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
    } else if (header->version == PT_DOOR_VERSION && header->kind == PT_DOOR_BANDWIDTH) {
        serve_bandwidth(door, client->fd, body);
    } else if (header->version == PT_DOOR_VERSION && header->kind == PT_DOOR_BANDWIDTH_GET) {
        serve_bandwidth_get(door, client->fd);
    } else if (header->version == PT_DOOR_VERSION && header->kind == PT_DOOR_STAMP) {
        serve_stamp(door, client->fd, body);
    } else if (header->version == PT_DOOR_VERSION && header->kind == PT_DOOR_STAMP_GET) {
        serve_stamp_get(door, client->fd, body);
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
    ssize_t got = client->door->taken ? 0 : receive(client); /* taken: whoever asks is to ask the other process */
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
        if (header.kind == PT_DOOR_TAKE) { /* of any version, like STOP */
            serve_take(client);
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
    int fd = door->taken ? -1 : accept4(door->fd, NULL, NULL, SOCK_CLOEXEC);
    for (size_t i = 0; i < CLIENTS_MAX && fd >= 0 && pt_door_is_own_user(fd); i++) {
        struct client *client = &door->clients[i];
        if (client->fd < 0) {
            (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
            client->fd = fd;
            client->watch = pt_sys_uv_watch(door->sys, fd, on_readable, client);
            /* Watching made it non-blocking; but what is said is to be said whole, within the patience above. */
            (void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
            return;
        }
    }
    if (fd >= 0) {
        (void)close(fd);
    }
}

struct pt_engine *pt_door_engine(struct pt_door *door)
{
    return door->engine;
}

struct pt_door_live *pt_door_live_of(struct pt_door *door)
{
    return door->live;
}

int pt_door_listener(const struct pt_door *door)
{
    return door->fd;
}

void pt_door_abandon(struct pt_door *door)
{
    door->on_stop(door->arg);
}

/* The socket that the agent finds: our own, in place of what stood there, or the one of the process before. */
static enum pt_code open_listener(const struct pt_door_options *options, int *ret_fd, struct pt_error *reterr)
{
    const char *path = options->path;
    struct sockaddr_un address;
    if (!pt_door_address(path, &address)) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, path,
                       "the socket's path is longer than the %zu bytes that a Unix socket takes",
                       sizeof(address.sun_path) - 1);
    }
    if (options->adopt != NULL) {
        *ret_fd = pt_door_adopt_listener(options->adopt);
        return *ret_fd >= 0 ? PT_OK
                            : pt_fail(reterr, PT_CORRUPT, PT_REASON_NONE, path,
                                      "the process before this one handed over no socket for the agent");
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    (void)unlink(path);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 || chmod(path, 0600) != 0 ||
        listen(fd, CLIENTS_MAX) != 0) {
        int number = errno;
        if (fd >= 0) {
            (void)close(fd);
        }
        return pt_fail_errno(reterr, number, path, "cannot listen for the agent");
    }
    *ret_fd = fd;
    return PT_OK;
}

enum pt_code pt_door_open(const struct pt_door_options *options, struct pt_door **ret_door, struct pt_error *reterr)
{
    struct pt_door_live *live = NULL;
    int fd = -1;
    PT_TRY(pt_door_live_open(options, &live, reterr));
    enum pt_code code = open_listener(options, &fd, reterr);
    if (code != PT_OK) {
        pt_door_live_close(live);
        return code;
    }
    struct pt_door *door = calloc(1, sizeof(*door));
    pt_assert(door != NULL);
    *door = (struct pt_door){.sys = options->sys,
                             .engine = options->engine,
                             .live = live,
                             .fd = fd,
                             .paused = options->adopt != NULL,
                             .on_stop = options->on_stop,
                             .arg = options->arg};
    (void)snprintf(door->path, sizeof(door->path), "%s", options->path);
    pt_door_program_of(NULL, &door->program);
    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        door->clients[i] = (struct client){.door = door, .fd = -1, .fds = {-1, -1, -1, -1}};
    }
    door->stamp = pt_stamp_sender_new(options->sys);
    door->watch = pt_sys_uv_watch(options->sys, fd, on_connect, door);
    *ret_door = door;
    return PT_OK;
}

enum pt_code pt_door_start(struct pt_door *door, struct pt_error *reterr)
{
    door->paused = false;
    pt_engine_start(door->engine);
    return pt_live_start(pt_door_live_get(door->live), reterr);
}

bool pt_door_was_taken(const struct pt_door *door)
{
    return door->taken;
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
    if (!door->taken && !door->paused) {
        (void)unlink(door->path);
    }
    pt_stamp_sender_free(door->stamp);
    pt_door_live_close(door->live);
    free(door);
}
