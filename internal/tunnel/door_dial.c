/*
 * The agent's end of the door: one request, one answer, a few seconds at most.
 */
#include "tunnel/door.h"

#include "base/assert.h"
#include "base/buf.h"
#include "tunnel/door_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define ANSWER_SECONDS 2

enum pt_code pt_door_dial(const char *path, int *ret_fd, struct pt_error *reterr)
{
    const struct timeval patience = {.tv_sec = ANSWER_SECONDS};
    struct sockaddr_un address;
    int fd = pt_door_address(path, &address) ? socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) : -1;
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
    bool sent = fds != NULL ? send_header(fd, kind, request, fds) && pt_door_write_all(fd, request->data, request->size)
                            : pt_door_send_message(fd, kind, request);
    if (!sent || !pt_door_read_all(fd, &header, sizeof(header)) || header.size > PT_DOOR_SIZE_MAX ||
        !pt_door_read_all(fd, pt_buf_reserve(ret_body, header.size), header.size)) {
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
        report.peers = pt_door_take_items(&rest, report.status.peers_len, sizeof(*report.peers));
        report.paths = pt_door_take_items(&rest, report.status.paths_len, sizeof(*report.paths));
        report.lives = pt_door_take_items(&rest, report.status.lives_len, sizeof(*report.lives));
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
    *ret_measures = pt_door_take_items(&rest, (uint32_t)*ret_len, sizeof(**ret_measures));
    return PT_OK;
}

enum pt_code pt_door_bandwidth_start(int fd, uint64_t path, uint64_t max_bps, struct pt_error *reterr)
{
    const struct pt_door_bandwidth what = {.path = path, .max_bps = max_bps};
    PT_AUTO(buf) struct pt_buf request = {0};
    PT_AUTO(buf) struct pt_buf body = {0};
    pt_buf_append(&request, &what, sizeof(what));
    PT_TRY(ask(fd, PT_DOOR_BANDWIDTH, &request, &body, reterr));
    return read_answer(&body, reterr);
}

enum pt_code pt_door_bandwidth(int fd, struct pt_live_bandwidth *ret_bandwidth, struct pt_error *reterr)
{
    PT_AUTO(buf) struct pt_buf none = {0};
    PT_AUTO(buf) struct pt_buf body = {0};
    PT_TRY(ask(fd, PT_DOOR_BANDWIDTH_GET, &none, &body, reterr));
    if (body.size != sizeof(*ret_bandwidth)) {
        return pt_fail(reterr, PT_CORRUPT, PT_REASON_NONE, "tunnel", "the tunnel process's answer is malformed");
    }
    memcpy(ret_bandwidth, body.data, sizeof(*ret_bandwidth));
    ret_bandwidth->text[sizeof(ret_bandwidth->text) - 1] = '\0';
    return PT_OK;
}

enum pt_code pt_door_stamp(int fd, const struct pt_stamp_target *targets, size_t len, struct pt_error *reterr)
{
    PT_AUTO(buf) struct pt_buf request = {0};
    PT_AUTO(buf) struct pt_buf body = {0};
    pt_buf_append(&request, targets, len * sizeof(*targets));
    PT_TRY(ask(fd, PT_DOOR_STAMP, &request, &body, reterr));
    return read_answer(&body, reterr);
}

enum pt_code pt_door_stamp_get(int fd, uint32_t minutes, struct pt_stamp_status ret_status[PT_STAMP_TARGETS_MAX],
                               size_t *ret_len, struct pt_error *reterr)
{
    PT_AUTO(buf) struct pt_buf request = {0};
    PT_AUTO(buf) struct pt_buf body = {0};
    pt_buf_append(&request, &minutes, sizeof(minutes));
    PT_TRY(ask(fd, PT_DOOR_STAMP_GET, &request, &body, reterr));
    if (body.size % sizeof(*ret_status) != 0 || body.size / sizeof(*ret_status) > PT_STAMP_TARGETS_MAX) {
        return pt_fail(reterr, PT_CORRUPT, PT_REASON_NONE, "tunnel", "the tunnel process's answer is malformed");
    }
    memcpy(ret_status, body.data, body.size);
    *ret_len = body.size / sizeof(*ret_status);
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
