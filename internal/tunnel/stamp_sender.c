/*
 * One connected socket a target: what comes from elsewhere never gets here, and a reflector that is not there says so
 * by ICMP, which is as good as silence. A socket that cannot be had (the interface is not there yet) is tried again
 * with each question; meanwhile the questions are asked and lost, as the link is down.
 */
#include "tunnel/stamp_sender.h"

#include "base/assert.h"
#include "sys/sys_uv.h"
#include "tunnel/engine_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define RECEIVE_MAX 64 /* packets a turn */

struct probe {
    struct pt_stamp_target target;
    struct pt_sys *sys;
    int fd; /* -1: none yet */
    struct pt_fd_watch *watch;
    struct pt_stamp_session session;
};

struct pt_stamp_sender {
    struct pt_sys *sys;
    struct pt_timer *timer;
    struct probe *probes[PT_STAMP_TARGETS_MAX];
    size_t len;
};

/* ---- targets -------------------------------------------------------------------------------------------------- */

static enum pt_code parse_one(const char *text, struct pt_stamp_target *ret_target, struct pt_error *reterr)
{
    const char *sign = strchr(text, '=');
    struct pt_stamp_target target = {0};
    size_t name_size = sign == NULL ? 0 : (size_t)(sign - text);
    if (name_size >= sizeof(target.interface) || (sign != NULL && name_size == 0)) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "stamp_probe",
                       "an interface has a name of 1 to %zu bytes before '='", sizeof(target.interface) - 1);
    }
    memcpy(target.interface, text, name_size);
    PT_TRY(pt_endpoint_parse(sign == NULL ? text : sign + 1, &target.reflector, reterr));
    *ret_target = target;
    return PT_OK;
}

enum pt_code pt_stamp_targets_parse(const char *text, struct pt_stamp_target ret_targets[PT_STAMP_TARGETS_MAX],
                                    size_t *ret_len, struct pt_error *reterr)
{
    struct pt_stamp_target targets[PT_STAMP_TARGETS_MAX];
    size_t len = 0;
    for (bool more = *text != '\0'; more;) {
        char one[80];
        size_t size = strcspn(text, ",");
        if (len == PT_STAMP_TARGETS_MAX || size >= sizeof(one)) {
            return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "stamp_probe",
                           "give %u reflectors at most, each as IP:PORT or INTERFACE=IP:PORT", PT_STAMP_TARGETS_MAX);
        }
        memcpy(one, text, size);
        one[size] = '\0';
        PT_TRY(parse_one(one, &targets[len], reterr));
        len++;
        more = text[size] == ',';
        text += size + (more ? 1 : 0);
    }
    memcpy(ret_targets, targets, len * sizeof(*targets));
    *ret_len = len;
    return PT_OK;
}

/* ---- answers -------------------------------------------------------------------------------------------------- */

static uint64_t stamp_of(const struct probe *probe, struct msghdr *message)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
        struct timespec stamp;
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_TIMESTAMPNS) {
            memcpy(&stamp, CMSG_DATA(c), sizeof(stamp));
            return (uint64_t)stamp.tv_sec * 1000000000 + (uint64_t)stamp.tv_nsec;
        }
    }
    return (uint64_t)pt_sys_wall_ns(probe->sys);
}

static void on_readable(void *arg)
{
    struct probe *probe = arg;
    for (unsigned i = 0; i < RECEIVE_MAX; i++) {
        uint8_t packet[PT_STAMP_SIZE]; /* what a reflector adds behind is not asked for */
        _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(struct timespec))];
        struct iovec part = {.iov_base = packet, .iov_len = sizeof(packet)};
        struct msghdr message = {
            .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
        ssize_t size = recvmsg(probe->fd, &message, MSG_DONTWAIT);
        if (size < 0) {
            return; /* drained, or an ICMP error, which reading took away */
        }
        (void)pt_stamp_take(&probe->session, packet, (size_t)size, stamp_of(probe, &message));
    }
}

/* ---- questions ------------------------------------------------------------------------------------------------ */

static void open_socket(struct probe *probe)
{
    const int on = 1;
    struct pt_target to;
    const char *interface = probe->target.interface;
    pt_target_set(&to, &probe->target.reflector);
    int fd = socket(to.address.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return;
    }
    if (setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) != 0 ||
        (interface[0] != '\0' &&
         setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface, (socklen_t)strlen(interface)) != 0) ||
        connect(fd, (const struct sockaddr *)&to.address, to.size) != 0) {
        (void)close(fd);
        return;
    }
    probe->fd = fd;
    probe->watch = pt_sys_uv_watch(probe->sys, fd, on_readable, probe);
}

static void close_socket(struct probe *probe)
{
    if (probe->fd >= 0) {
        pt_sys_uv_unwatch(probe->watch);
        (void)close(probe->fd);
    }
    probe->fd = -1;
    probe->watch = NULL;
}

static void on_timer(void *arg)
{
    struct pt_stamp_sender *sender = arg;
    for (size_t i = 0; i < sender->len; i++) {
        struct probe *probe = sender->probes[i];
        uint8_t question[PT_STAMP_SIZE];
        if (probe->fd < 0) {
            open_socket(probe);
        }
        pt_stamp_ask(&probe->session, (uint64_t)pt_sys_wall_ns(sender->sys), question);
        if (probe->fd >= 0 && send(probe->fd, question, sizeof(question), MSG_DONTWAIT) < 0 &&
            (errno == ENODEV || errno == ENETUNREACH || errno == EADDRNOTAVAIL || errno == EINVAL)) {
            close_socket(probe); /* the interface or its address went: begin anew */
        }
    }
}

/* ---- configuration -------------------------------------------------------------------------------------------- */

static bool same_target(const struct pt_stamp_target *a, const struct pt_stamp_target *b)
{
    return a->reflector.port == b->reflector.port && pt_ip_equal(&a->reflector.ip, &b->reflector.ip) &&
           strncmp(a->interface, b->interface, sizeof(a->interface)) == 0;
}

static void free_probe(struct probe *probe)
{
    if (probe != NULL) {
        close_socket(probe);
        free(probe);
    }
}

/* That of the target among the old ones, which are its no more; else a new one. */
static struct probe *take_or_make(struct pt_stamp_sender *sender, const struct pt_stamp_target *target)
{
    for (size_t i = 0; i < sender->len; i++) {
        struct probe *probe = sender->probes[i];
        if (probe != NULL && same_target(&probe->target, target)) {
            sender->probes[i] = NULL;
            return probe;
        }
    }
    struct probe *probe = calloc(1, sizeof(*probe));
    pt_assert(probe != NULL);
    probe->target = *target;
    probe->target.interface[sizeof(probe->target.interface) - 1] = '\0';
    probe->sys = sender->sys;
    probe->fd = -1;
    pt_stamp_session_init(&probe->session, (uint64_t)pt_sys_wall_ns(sender->sys));
    return probe;
}

void pt_stamp_sender_configure(struct pt_stamp_sender *sender, const struct pt_stamp_target *targets, size_t len)
{
    struct probe *probes[PT_STAMP_TARGETS_MAX] = {NULL};
    len = len < PT_STAMP_TARGETS_MAX ? len : PT_STAMP_TARGETS_MAX;
    for (size_t i = 0; i < len; i++) {
        probes[i] = take_or_make(sender, &targets[i]);
    }
    for (size_t i = 0; i < sender->len; i++) {
        free_probe(sender->probes[i]);
    }
    memcpy(sender->probes, probes, sizeof(probes));
    sender->len = len;
    if (len == 0) {
        pt_timer_stop(sender->timer);
    } else if (!pt_timer_active(sender->timer)) {
        pt_timer_start(sender->timer, PT_STAMP_EVERY_MS, PT_STAMP_EVERY_MS);
    }
}

struct pt_stamp_sender *pt_stamp_sender_new(struct pt_sys *sys)
{
    struct pt_stamp_sender *sender = calloc(1, sizeof(*sender));
    pt_assert(sender != NULL);
    sender->sys = sys;
    sender->timer = pt_timer_new(sys, on_timer, sender);
    return sender;
}

void pt_stamp_sender_free(struct pt_stamp_sender *sender)
{
    if (sender == NULL) {
        return;
    }
    pt_stamp_sender_configure(sender, NULL, 0);
    pt_timer_free(sender->timer);
    free(sender);
}

size_t pt_stamp_sender_status(const struct pt_stamp_sender *sender, unsigned minutes,
                              struct pt_stamp_status ret_status[PT_STAMP_TARGETS_MAX])
{
    uint64_t now_ns = (uint64_t)pt_sys_wall_ns(sender->sys);
    for (size_t i = 0; i < sender->len; i++) {
        const struct probe *probe = sender->probes[i];
        const struct pt_stamp_session *s = &probe->session;
        ret_status[i] = (struct pt_stamp_status){.target = probe->target, .silent_ms = UINT64_MAX};
        if (s->answered) {
            ret_status[i].silent_ms = now_ns > s->answered_ns ? (now_ns - s->answered_ns) / 1000000 : 0;
        }
        pt_measure_report(&s->measure, minutes, &ret_status[i].report);
    }
    return sender->len;
}
