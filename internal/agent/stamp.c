/*
 * Who asks is answered with as many bytes, so a forged source is hit with no more than was sent in its name; and the
 * rate has a bound, so that a flood costs a bounded part of the loop. A stateless reflector keeps nothing between two
 * packets but the second's count; a stateful one a number for each of few senders, of whom the longest silent gives
 * way.
 */
#include "agent/stamp.h"

#include "base/assert.h"
#include "measure/stamp.h"
#include "sys/sys_uv.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define RECEIVE_MAX 64 /* packets a turn */

struct sender { /* of a session, as RFC 8972 tells them apart */
    struct sockaddr_storage address;
    uint16_t session;
    uint32_t answers;
    uint64_t heard_ns; /* 0: free */
};

struct pt_stamp_reflector {
    struct pt_sys *sys;
    struct sender *senders; /* PT_STAMP_SENDERS_MAX; NULL: stateless */
    int fd;
    struct pt_fd_watch *watch;
    uint64_t second; /* of the count */
    unsigned count;
};

struct control {
    _Alignas(struct cmsghdr) uint8_t bytes[CMSG_SPACE(sizeof(struct timespec)) + CMSG_SPACE(sizeof(int))];
};

static bool within_rate(struct pt_stamp_reflector *r)
{
    uint64_t second = pt_sys_now_ns(r->sys) / 1000000000;
    r->count = second == r->second ? r->count + 1 : 1;
    r->second = second;
    return r->count <= PT_STAMP_PPS_MAX;
}

/* The number of this answer in the sender's session. */
static uint32_t next_number(struct pt_stamp_reflector *r, const struct sockaddr_storage *from, const uint8_t *question)
{
    struct sender *oldest = &r->senders[0];
    uint16_t session;
    memcpy(&session, question + 14, sizeof(session));
    for (size_t i = 0; i < PT_STAMP_SENDERS_MAX; i++) {
        struct sender *sender = &r->senders[i];
        if (sender->heard_ns != 0 && sender->session == session && memcmp(&sender->address, from, sizeof(*from)) == 0) {
            sender->heard_ns = pt_sys_now_ns(r->sys);
            return sender->answers++;
        }
        oldest = sender->heard_ns < oldest->heard_ns ? sender : oldest;
    }
    *oldest = (struct sender){.address = *from, .session = session, .answers = 1, .heard_ns = pt_sys_now_ns(r->sys)};
    return 0;
}

static void read_control(const struct pt_stamp_reflector *r, struct msghdr *message, struct pt_stamp_arrival *arrival)
{
    *arrival = (struct pt_stamp_arrival){.came_ns = (uint64_t)pt_sys_wall_ns(r->sys)};
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
        struct timespec stamp;
        int ttl = 0;
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_TIMESTAMPNS) {
            memcpy(&stamp, CMSG_DATA(c), sizeof(stamp));
            arrival->came_ns = (uint64_t)stamp.tv_sec * 1000000000 + (uint64_t)stamp.tv_nsec;
        } else if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TTL) ||
                   (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_HOPLIMIT)) {
            memcpy(&ttl, CMSG_DATA(c), sizeof(ttl));
            arrival->ttl = (uint8_t)ttl;
        }
    }
}

static void on_readable(void *arg)
{
    struct pt_stamp_reflector *r = arg;
    for (unsigned i = 0; i < RECEIVE_MAX; i++) {
        uint8_t packet[PT_STAMP_SIZE_MAX + 1], answer[PT_STAMP_SIZE_MAX]; /* what is too long is seen to be */
        struct control control;
        struct sockaddr_storage from = {0}; /* compared whole */
        struct iovec part = {.iov_base = packet, .iov_len = sizeof(packet)};
        struct msghdr message = {.msg_name = &from,
                                 .msg_namelen = sizeof(from),
                                 .msg_iov = &part,
                                 .msg_iovlen = 1,
                                 .msg_control = control.bytes,
                                 .msg_controllen = sizeof(control.bytes)};
        struct pt_stamp_arrival arrival;
        ssize_t size = recvmsg(r->fd, &message, MSG_DONTWAIT);
        if (size < 0) {
            return; /* drained, or an ICMP error of an earlier answer */
        }
        read_control(r, &message, &arrival);
        if (within_rate(r) && pt_stamp_reflect(packet, (size_t)size, &arrival, answer)) {
            if (r->senders != NULL) {
                pt_stamp_number(answer, next_number(r, &from, packet));
            }
            pt_stamp_leave(answer, (uint64_t)pt_sys_wall_ns(r->sys));
            (void)sendto(r->fd, answer, (size_t)size, MSG_DONTWAIT, (struct sockaddr *)&from, message.msg_namelen);
        }
    }
}

static int prepare(int fd, const struct pt_endpoint *at)
{
    const int on = 1;
    struct sockaddr_storage address;
    socklen_t size = pt_sys_uv_sockaddr(at, &address);
    bool v4 = pt_ip_is_v4(&at->ip);
    if (setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) != 0 ||
        setsockopt(fd, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_RECVTTL : IPV6_RECVHOPLIMIT, &on, sizeof(on)) != 0 ||
        setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &on, sizeof(on)) != 0 ||
        bind(fd, (struct sockaddr *)&address, size) != 0) {
        return errno;
    }
    return 0;
}

enum pt_code pt_stamp_reflector_open(struct pt_sys *sys, const struct pt_endpoint *at, bool stateful,
                                     struct pt_stamp_reflector **ret_reflector, struct pt_error *reterr)
{
    int fd = socket(pt_ip_is_v4(&at->ip) ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int number = fd < 0 ? errno : prepare(fd, at);
    if (number != 0) {
        if (fd >= 0) {
            (void)close(fd);
        }
        return pt_fail_errno(reterr, number, "stamp_listen", "cannot reflect STAMP packets there");
    }
    struct pt_stamp_reflector *r = calloc(1, sizeof(*r));
    pt_assert(r != NULL);
    *r = (struct pt_stamp_reflector){.sys = sys, .fd = fd};
    if (stateful) {
        r->senders = calloc(PT_STAMP_SENDERS_MAX, sizeof(*r->senders));
        pt_assert(r->senders != NULL);
    }
    r->watch = pt_sys_uv_watch(sys, fd, on_readable, r);
    *ret_reflector = r;
    return PT_OK;
}

void pt_stamp_reflector_close(struct pt_stamp_reflector *r)
{
    if (r == NULL) {
        return;
    }
    pt_sys_uv_unwatch(r->watch);
    (void)close(r->fd);
    free(r->senders);
    free(r);
}
