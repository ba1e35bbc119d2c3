/*
 * Sockets and the thread of liveness.
 *
 * One UDP socket a link, on a port of its own: what data does to the queues of other sockets does not reach it. UDP
 * checksums are off (RFC 6935): transit sites rewrite the outer header; every packet carries a hash that says more.
 * The kernel stamps packets when they come, so that a busy machine measures the path and not itself. A thread that
 * wakes up STALL_NS later than it asked to was on a machine that stood still: what it missed then is nobody's silence,
 * and the neighbours on the same machine stood still too.
 *
 * The thread looks each PT_LIVE_SCAN_NS and not at each packet: a node with sixty paths has a thousand a second, and
 * waking up costs more than taking one. Nothing is lost by it. Silences and round trips are measured from the kernel's
 * stamps, and answers do not wait for questions. Trains come faster than a socket's queue would hold: packets wake the
 * thread while one is under way.
 */
#include "tunnel/live.h"

#include "base/assert.h"
#include "sys/sys_uv.h"
#include "tunnel/engine_priv.h"
#include "tunnel/live_priv.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define BUFFER_SIZE (1 << 20)
#define RECEIVE_SIZE 1024 /* what is said; the rest of a train's packet is padding */
#define RECEIVE_MAX 1024  /* a link's packets in a turn */
#define STALL_NS 50000000ULL
#define TRAIN_NS 1000000000ULL /* so long after one of their packets they count as under way */
#define TOS_NETWORK_CONTROL 0xc0
#define PRIORITY_INTERACTIVE 6 /* the first band of the kernel's default queue */

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    (void)clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

uint64_t pt_live_now_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

uint64_t pt_live_wall_ns(void)
{
    return clock_ns(CLOCK_REALTIME);
}

/* ---- sockets -------------------------------------------------------------------------------------------------- */

static int set_options(int fd, const struct pt_engine_link *link)
{
    const int on = 1, tos = TOS_NETWORK_CONTROL, priority = PRIORITY_INTERACTIVE, size = BUFFER_SIZE;
    int done = 0;
    if (pt_ip_is_v4(&link->address)) {
        done |= setsockopt(fd, SOL_SOCKET, SO_NO_CHECK, &on, sizeof(on));
        done |= setsockopt(fd, IPPROTO_IP, IP_TOS, &tos, sizeof(tos));
    } else {
        done |= setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
        done |= setsockopt(fd, IPPROTO_UDP, UDP_NO_CHECK6_TX, &on, sizeof(on));
        done |= setsockopt(fd, IPPROTO_UDP, UDP_NO_CHECK6_RX, &on, sizeof(on));
        done |= setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &tos, sizeof(tos));
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_PRIORITY, &priority, sizeof(priority)); /* after TOS, which sets it too */
    done |= setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on));
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    done |= setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, link->interface, (socklen_t)strlen(link->interface));
    return done;
}

static int open_socket(const struct pt_engine_link *link, uint16_t port)
{
    struct pt_target own;
    const struct pt_endpoint endpoint = {.ip = link->address, .port = port};
    pt_target_set(&own, &endpoint);
    int fd = socket(own.address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && (set_options(fd, link) != 0 || bind(fd, (struct sockaddr *)&own.address, own.size) != 0)) {
        (void)close(fd);
        fd = -1;
    }
    return fd;
}

void pt_live_links_open(struct pt_live *live)
{
    for (size_t i = 0; i < live->links_len; i++) {
        if (live->links[i].fd < 0) {
            live->links[i].fd = open_socket(&live->links[i].config, live->options.port);
        }
    }
}

void pt_live_link_close(struct pt_live_link *link)
{
    if (link->fd >= 0) {
        (void)close(link->fd);
    }
    link->fd = -1;
}

void pt_live_send(struct pt_live *live, uint32_t number, const struct pt_endpoint *remote, const uint8_t *data,
                  size_t size)
{
    struct pt_target target;
    pt_target_set(&target, remote);
    for (size_t i = 0; i < live->links_len; i++) {
        const struct pt_live_link *link = &live->links[i];
        if (link->config.number == number && link->fd >= 0) {
            /* Best effort: what is not sent is not answered, and that is what is measured. */
            (void)sendto(link->fd, data, size, MSG_DONTWAIT, (struct sockaddr *)&target.address, target.size);
            return;
        }
    }
}

void pt_live_send_plain(struct pt_live *live, uint32_t number, const struct pt_endpoint *remote, const uint8_t *data,
                        size_t size)
{
    const int tos = 0; /* takes the socket's priority away as well */
    bool v4 = pt_ip_is_v4(&remote->ip);
    struct pt_target target;
    pt_target_set(&target, remote);
    _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(tos))] = {0};
    struct iovec part = {.iov_base = (void *)(uintptr_t)data, .iov_len = size};
    const struct msghdr message = {.msg_name = &target.address,
                                   .msg_namelen = target.size,
                                   .msg_iov = &part,
                                   .msg_iovlen = 1,
                                   .msg_control = control,
                                   .msg_controllen = sizeof(control)};
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    c->cmsg_level = v4 ? IPPROTO_IP : IPPROTO_IPV6;
    c->cmsg_type = v4 ? IP_TOS : IPV6_TCLASS;
    c->cmsg_len = CMSG_LEN(sizeof(tos));
    memcpy(CMSG_DATA(c), &tos, sizeof(tos));
    for (size_t i = 0; i < live->links_len; i++) {
        if (live->links[i].config.number == number && live->links[i].fd >= 0) {
            (void)sendmsg(live->links[i].fd, &message, MSG_DONTWAIT); /* as above */
            return;
        }
    }
}

/* ---- receiving ------------------------------------------------------------------------------------------------ */

static uint64_t stamp_of(struct msghdr *message)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_TIMESTAMPNS) {
            struct timespec stamp;
            memcpy(&stamp, CMSG_DATA(c), sizeof(stamp));
            return (uint64_t)stamp.tv_sec * 1000000000 + (uint64_t)stamp.tv_nsec;
        }
    }
    return pt_live_wall_ns();
}

static bool receive_one(struct pt_live *live, const struct pt_live_link *link)
{
    uint8_t data[RECEIVE_SIZE];
    _Alignas(struct cmsghdr) uint8_t control[128];
    struct sockaddr_storage from = {0};
    struct iovec part = {.iov_base = data, .iov_len = sizeof(data)};
    struct msghdr message = {.msg_name = &from,
                             .msg_namelen = sizeof(from),
                             .msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof(control)};
    ssize_t size = recvmsg(link->fd, &message, MSG_DONTWAIT);
    if (size < 0) {
        return errno == ECONNREFUSED || errno == EHOSTUNREACH; /* ICMP for an earlier send; there may be more */
    }
    struct pt_live_arrival arrival = {.link = link->config.number,
                                      .data = data,
                                      .size = (size_t)size,
                                      .now_ns = pt_live_now_ns(),
                                      .wall_ns = stamp_of(&message)};
    /* What lay in the queue while the thread rested came when the kernel says. More than that is the thread's own
     * lateness, which is not held against anybody. */
    uint64_t wall_ns = pt_live_wall_ns(), age_ns = arrival.wall_ns < wall_ns ? wall_ns - arrival.wall_ns : 0;
    arrival.came_ns = arrival.now_ns - (age_ns < PT_LIVE_SCAN_NS ? age_ns : PT_LIVE_SCAN_NS);
    arrival.from = pt_sys_uv_endpoint(&from);
    pt_live_take(live, &arrival);
    return true;
}

static void receive_all(struct pt_live *live)
{
    for (size_t i = 0; i < live->links_len; i++) {
        for (unsigned n = 0; n < RECEIVE_MAX && live->links[i].fd >= 0; n++) {
            if (!receive_one(live, &live->links[i])) {
                break;
            }
        }
    }
}

/* ---- the thread ----------------------------------------------------------------------------------------------- */

static size_t fill_poll(struct pt_live *live, uint64_t now_ns, struct pollfd *polls)
{
    size_t len = 0;
    bool train = live->trained_ns != 0 && now_ns < live->trained_ns + TRAIN_NS;
    polls[len++] = (struct pollfd){.fd = live->wake, .events = POLLIN};
    for (size_t i = 0; train && i < live->links_len; i++) {
        if (live->links[i].fd >= 0) {
            polls[len++] = (struct pollfd){.fd = live->links[i].fd, .events = POLLIN};
        }
    }
    return len;
}

void *pt_live_thread(void *arg)
{
    struct pt_live *live = arg;
    struct pollfd polls[PT_ENGINE_LINKS_MAX + 1];
    eventfd_t ignored;
    uint64_t asked_ns = UINT64_MAX;
    while (!atomic_load(&live->stopping)) {
        (void)pthread_mutex_lock(&live->lock);
        receive_all(live); /* everything that came, before silence is judged */
        uint64_t now_ns = pt_live_now_ns();
        if (now_ns > asked_ns && now_ns - asked_ns > STALL_NS) {
            pt_live_excuse(live, now_ns - asked_ns);
        }
        uint64_t next_ns = pt_live_run(live, now_ns);
        asked_ns = next_ns;
        size_t len = fill_poll(live, now_ns, polls);
        (void)pthread_mutex_unlock(&live->lock);
        uint64_t wait_ns = next_ns - now_ns;
        const struct timespec wait = {.tv_sec = (time_t)(wait_ns / 1000000000),
                                      .tv_nsec = (long)(wait_ns % 1000000000)};
        /* A socket that is closed meanwhile wakes it, or is another one's number: it only looks too early then. */
        (void)ppoll(polls, len, &wait, NULL);
        (void)eventfd_read(live->wake, &ignored);
    }
    return NULL;
}
