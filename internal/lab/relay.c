/*
 * Two packet sockets per link, one epoll, one timerfd, one thread.
 *
 * Receiving. A socket that is readable is emptied in batches of 64 by recvmmsg. Each frame is offered to its
 * direction's shaper: what may go now is sent from the receive buffer itself by one sendmmsg; what must wait is copied
 * into the shaper's FIFO. Sending the waiting. After each turn the earliest due time over all directions arms the timer
 * (absolute, so lateness does not add up); a turn begins by flushing what is due. A scan over some 80 directions costs
 * less than keeping them in a heap.
 *
 * Rest. Where every line has a delay, nobody waits for the frame that came just now: after a turn the relay rests until
 * REST_NS have gone since it began, and takes what has come together. Waking up for each of 50,000 frames a second
 * costs more than passing them on, and it is the nodes' processor. Frames are late by that much at most; where a line
 * has no delay, and while more waits than a turn takes, there is no rest.
 *
 * What is late. A frame's delay and its place in the rate count from the instant at which the kernel received it, and
 * not from when this process had time to look: a busy machine makes the relay send late, but not twice so.
 *
 * PACKET_IGNORE_OUTGOING keeps a socket from seeing the frames that we send on its interface. The nodes' ends have
 * transmit checksums and segmentation off, so that every frame that arrives here is whole and could stand on a wire.
 *
 * Failure modes. An interface that goes away (lab down, in progress) makes its socket report an error: the link stops,
 * the others go on. A frame that the kernel does not take (a full ring of the receiver) is counted, not retried: that
 * is what a switch would do. A control client that does not read its reply is dropped.
 */
#include "lab/relay.h"

#include "base/assert.h"
#include "base/map.h"
#include "lab/netns.h"
#include "lab/relay_control.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define BATCH_LEN 64
#define AGE_NS_MAX 1000000000ULL
#define FRAME_SIZE_MAX 9252     /* an MTU of 9216 with Ethernet header and two VLAN tags, rounded up */
#define OUT_LEN (2 * BATCH_LEN) /* each frame may go twice */
#define CONTROL_SIZE CMSG_SPACE(sizeof(struct timespec))
#define BATCHES_PER_TURN 4 /* then the other links have their turn */
#define RECEIVE_BUFFER_SIZE (4 << 20)
#define EVENTS_LEN 64
#define REST_NS 250000ULL
#define REST_DELAY_NS (4 * REST_NS) /* the shortest delay beside which a rest does not count */
#define CLIENTS_MAX 16

struct port {
    int fd;       /* packet socket bound to the interface */
    int xdp_link; /* keeps NAPI on; -1 on the underlay's side */
};

/* Direction d of link i receives on ports[2 * i + d] and sends on ports[2 * i + 1 - d]: up comes in on n<i>. */
struct relay {
    const struct pt_lab_topology *topology;
    struct pt_relay_state state;
    struct port *ports;
    size_t ports_len;
    int epoll_fd, timer_fd, signal_fd, listen_fd;
    int clients[CLIENTS_MAX]; /* -1: free */
    uint64_t armed_ns;        /* what the timer is set to; PT_SHAPER_NEVER when off */
    bool stopping;
    bool rests; /* every line has a delay */
    bool more;  /* than this turn took */
    struct mmsghdr in[BATCH_LEN];
    struct iovec in_iov[BATCH_LEN];
    _Alignas(struct cmsghdr) uint8_t in_control[BATCH_LEN][CONTROL_SIZE];
    struct mmsghdr out[OUT_LEN];
    struct iovec out_iov[OUT_LEN];
    uint8_t frames[BATCH_LEN][FRAME_SIZE_MAX];
};

/* What an epoll event is about, in its high half; the low half is an index. */
enum source { SOURCE_PORT, SOURCE_TIMER, SOURCE_SIGNAL, SOURCE_LISTEN, SOURCE_CLIENT };

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    (void)clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static uint64_t now_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

/* How long ago the kernel received the frame; 0 when it does not say, or the wall clock was set meanwhile. */
static uint64_t age_ns(struct msghdr *message, uint64_t wall_ns)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_TIMESTAMPNS) {
            struct timespec stamp;
            memcpy(&stamp, CMSG_DATA(c), sizeof(stamp));
            uint64_t stamp_ns = (uint64_t)stamp.tv_sec * 1000000000 + (uint64_t)stamp.tv_nsec;
            return stamp_ns < wall_ns && wall_ns - stamp_ns < AGE_NS_MAX ? wall_ns - stamp_ns : 0;
        }
    }
    return 0;
}

/* ---- frames --------------------------------------------------------------------------------------------------------
 */

/* Send the first len entries of `out` on the port; what is not taken is counted for the direction. */
static void send_out(struct relay *relay, size_t direction, size_t len)
{
    int fd = relay->ports[direction ^ 1].fd;
    for (size_t done = 0; done < len;) {
        int sent = sendmmsg(fd, relay->out + done, (unsigned)(len - done), MSG_DONTWAIT);
        if (sent > 0) {
            done += (size_t)sent;
        } else {
            relay->state.drops_send[direction]++;
            done++;
        }
    }
}

static void set_out(struct relay *relay, size_t at, const void *data, size_t size)
{
    relay->out_iov[at] = (struct iovec){.iov_base = (void *)(uintptr_t)data, .iov_len = size};
}

/* Send what is due in a direction. */
static void flush(struct relay *relay, size_t direction, uint64_t now)
{
    struct pt_shaper *shaper = &relay->state.shapers[direction];
    while (pt_shaper_next_ns(shaper) <= now) {
        const uint8_t *data[BATCH_LEN];
        size_t sizes[BATCH_LEN];
        size_t len = pt_shaper_peek_many(shaper, now, data, sizes, BATCH_LEN);
        for (size_t i = 0; i < len; i++) {
            set_out(relay, i, data[i], sizes[i]);
        }
        send_out(relay, direction, len);
        for (size_t i = 0; i < len; i++) {
            pt_shaper_pop(shaper);
        }
    }
}

static void judge_batch(struct relay *relay, size_t direction, size_t len)
{
    struct pt_shaper *shaper = &relay->state.shapers[direction];
    uint64_t now = now_ns(), wall_ns = clock_ns(CLOCK_REALTIME);
    size_t out_len = 0;
    for (size_t i = 0; i < len; i++) {
        if ((relay->in[i].msg_hdr.msg_flags & MSG_TRUNC) != 0) {
            relay->state.drops_send[direction]++; /* larger than any MTU that a link can have */
            continue;
        }
        uint64_t came_ns = now - age_ns(&relay->in[i].msg_hdr, wall_ns);
        for (unsigned copies = pt_shaper_copies(shaper); copies > 0; copies--) {
            size_t size = relay->in[i].msg_len;
            uint64_t due_ns = 0;
            switch (pt_shaper_offer(shaper, came_ns, size, &due_ns)) {
            case PT_SHAPER_SEND:
                set_out(relay, out_len++, relay->frames[i], size);
                break;
            case PT_SHAPER_HOLD:
                pt_shaper_push(shaper, due_ns, relay->frames[i], size);
                break;
            case PT_SHAPER_DROP:
                break;
            }
        }
    }
    send_out(relay, direction, out_len);
}

static void receive(struct relay *relay, size_t direction)
{
    struct port *port = &relay->ports[direction];
    for (int batch = 0; batch < BATCHES_PER_TURN; batch++) {
        for (size_t i = 0; i < BATCH_LEN; i++) {
            relay->in[i].msg_hdr.msg_controllen = CONTROL_SIZE; /* the kernel writes how much it used */
        }
        int len = recvmmsg(port->fd, relay->in, BATCH_LEN, MSG_DONTWAIT, NULL);
        if (len < 0) {
            if (errno == ENETDOWN) {
                continue; /* reported once; the interface may come up again */
            }
            if (errno != EAGAIN && errno != EINTR) {
                (void)epoll_ctl(relay->epoll_fd, EPOLL_CTL_DEL, port->fd, NULL); /* gone for good */
            }
            return;
        }
        judge_batch(relay, direction, (size_t)len);
        if (len < BATCH_LEN) {
            return;
        }
    }
    relay->more = true;
}

static void flush_all(struct relay *relay)
{
    uint64_t now = now_ns();
    for (size_t d = 0; d < relay->ports_len; d++) {
        flush(relay, d, now);
    }
}

/* Set the timer; false when something is due by now, and so there is nothing to wait for. */
static bool arm_timer(struct relay *relay)
{
    uint64_t next_ns = PT_SHAPER_NEVER;
    for (size_t d = 0; d < relay->ports_len; d++) {
        uint64_t due_ns = pt_shaper_next_ns(&relay->state.shapers[d]);
        next_ns = due_ns < next_ns ? due_ns : next_ns;
    }
    if (next_ns == relay->armed_ns) {
        return true;
    }
    if (next_ns <= now_ns()) {
        return false;
    }
    struct itimerspec setting = {0}; /* zero switches it off */
    if (next_ns != PT_SHAPER_NEVER) {
        setting.it_value.tv_sec = (time_t)(next_ns / 1000000000);
        setting.it_value.tv_nsec = (long)(next_ns % 1000000000);
    }
    pt_assert(timerfd_settime(relay->timer_fd, TFD_TIMER_ABSTIME, &setting, NULL) == 0);
    relay->armed_ns = next_ns;
    return true;
}

static void look_at_delays(struct relay *relay)
{
    relay->rests = true;
    for (size_t d = 0; d < relay->ports_len; d++) {
        const struct pt_lab_params *params = &relay->state.shapers[d].params;
        relay->rests = relay->rests && params->delay_ns >= params->jitter_ns + REST_DELAY_NS;
    }
}

static void rest(const struct relay *relay, uint64_t began_ns)
{
    const uint64_t until_ns = began_ns + REST_NS;
    if (relay->rests && !relay->more) {
        const struct timespec until = {.tv_sec = (time_t)(until_ns / 1000000000),
                                       .tv_nsec = (long)(until_ns % 1000000000)};
        (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
    }
}

/* ---- control -------------------------------------------------------------------------------------------------------
 */

static void watch(struct relay *relay, int fd, enum source source, size_t index)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = (uint64_t)source << 32 | index};
    pt_assert(epoll_ctl(relay->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0);
}

static void accept_client(struct relay *relay)
{
    int fd = accept4(relay->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    for (size_t i = 0; fd >= 0 && i < CLIENTS_MAX; i++) {
        if (relay->clients[i] < 0) {
            relay->clients[i] = fd;
            watch(relay, fd, SOURCE_CLIENT, i);
            return;
        }
    }
    if (fd >= 0) {
        (void)close(fd); /* too many at once */
    }
}

static void serve_client(struct relay *relay, size_t index)
{
    char request[PT_RELAY_REQUEST_SIZE_MAX + 1];
    int fd = relay->clients[index];
    ssize_t size = recv(fd, request, PT_RELAY_REQUEST_SIZE_MAX, MSG_DONTWAIT);
    if (size < 0 && errno == EAGAIN) {
        return;
    }
    bool answered = false;
    if (size > 0) {
        request[size] = '\0';
        struct pt_buf reply;
        pt_buf_init(&reply);
        pt_relay_control(&relay->state, request, &reply);
        look_at_delays(relay);
        answered = send(fd, reply.data, reply.size, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)reply.size;
        pt_buf_fini(&reply);
    }
    if (!answered) {
        (void)close(fd);
        relay->clients[index] = -1;
    }
}

/* ---- life ----------------------------------------------------------------------------------------------------------
 */

static void dispatch(struct relay *relay, uint64_t data)
{
    size_t index = (uint32_t)data;
    uint64_t expirations = 0;
    switch ((enum source)(data >> 32)) {
    case SOURCE_PORT:
        receive(relay, index);
        break;
    case SOURCE_TIMER:
        (void)!read(relay->timer_fd, &expirations, sizeof(expirations)); /* the flush of this turn does the work */
        relay->armed_ns = PT_SHAPER_NEVER;
        break;
    case SOURCE_SIGNAL:
        relay->stopping = true;
        break;
    case SOURCE_LISTEN:
        accept_client(relay);
        break;
    case SOURCE_CLIENT:
        serve_client(relay, index);
        break;
    }
}

static void loop(struct relay *relay)
{
    while (!relay->stopping) {
        struct epoll_event events[EVENTS_LEN];
        int len = epoll_wait(relay->epoll_fd, events, EVENTS_LEN, arm_timer(relay) ? -1 : 0);
        uint64_t began_ns = now_ns();
        relay->more = len == EVENTS_LEN;
        flush_all(relay);
        for (int i = 0; i < len; i++) {
            dispatch(relay, events[i].data.u64);
        }
        rest(relay, began_ns);
    }
}

static enum pt_code set_option(int fd, int level, int option, int value, const char *name, struct pt_error *reterr)
{
    if (setsockopt(fd, level, option, &value, sizeof(value)) != 0) {
        return pt_fail_errno(reterr, errno, name, "cannot set socket option %d", option);
    }
    return PT_OK;
}

static enum pt_code open_port(struct relay *relay, size_t index, struct pt_error *reterr)
{
    struct port *port = &relay->ports[index];
    char name[24];
    (void)snprintf(name, sizeof(name), "%c%zu", index % 2 == PT_RELAY_UP ? 'n' : 'u', index / 2);
    unsigned ifindex = if_nametoindex(name);
    if (ifindex == 0) {
        return pt_fail_errno(reterr, errno, name, "the relay has no such interface");
    }
    if (index % 2 == PT_RELAY_UP) {
        PT_TRY(pt_nic_attach_xdp_pass(ifindex, &port->xdp_link, reterr));
    }
    /* Protocol 0 receives nothing until bind says which interface: no frame of another one slips in. */
    port->fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (port->fd < 0) {
        return pt_fail_errno(reterr, errno, name, "cannot open a packet socket");
    }
    PT_TRY(set_option(port->fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1, name, reterr));
    PT_TRY(set_option(port->fd, SOL_PACKET, PACKET_QDISC_BYPASS, 1, name, reterr));
    PT_TRY(set_option(port->fd, SOL_SOCKET, SO_TIMESTAMPNS, 1, name, reterr));
    PT_TRY(set_option(port->fd, SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER_SIZE, name, reterr));
    struct packet_mreq promiscuous = {.mr_ifindex = (int)ifindex, .mr_type = PACKET_MR_PROMISC};
    if (setsockopt(port->fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promiscuous, sizeof(promiscuous)) != 0) {
        return pt_fail_errno(reterr, errno, name, "cannot make the interface promiscuous");
    }
    struct sockaddr_ll address = {
        .sll_family = AF_PACKET, .sll_protocol = __builtin_bswap16(ETH_P_ALL), .sll_ifindex = (int)ifindex};
    if (bind(port->fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        return pt_fail_errno(reterr, errno, name, "cannot bind the packet socket");
    }
    watch(relay, port->fd, SOURCE_PORT, index);
    return PT_OK;
}

static enum pt_code open_control(struct relay *relay, const char *path, struct pt_error *reterr)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(address.sun_path)) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_NONE, path, "the path of the socket is too long");
    }
    memcpy(address.sun_path, path, strlen(path));
    (void)unlink(path); /* left by a relay that was killed */
    relay->listen_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (relay->listen_fd < 0 || bind(relay->listen_fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(relay->listen_fd, CLIENTS_MAX) != 0) {
        return pt_fail_errno(reterr, errno, path, "cannot listen for commands");
    }
    watch(relay, relay->listen_fd, SOURCE_LISTEN, 0);
    return PT_OK;
}

/* Memory and descriptors that fini frees, whatever failed. */
static void relay_init(struct relay *relay, const struct pt_relay_options *options)
{
    const struct pt_lab_topology *topology = options->topology;
    size_t len = 2 * topology->links_len;
    relay->topology = topology;
    relay->ports_len = len;
    relay->ports = calloc(len, sizeof(*relay->ports));
    relay->state = (struct pt_relay_state){.topology = topology,
                                           .shapers = calloc(len, sizeof(struct pt_shaper)),
                                           .drops_send = calloc(len, sizeof(uint64_t))};
    pt_assert(relay->ports != NULL && relay->state.shapers != NULL && relay->state.drops_send != NULL);
    for (size_t d = 0; d < len; d++) {
        relay->ports[d] = (struct port){.fd = -1, .xdp_link = -1};
        pt_shaper_init(&relay->state.shapers[d], &topology->links[d / 2].params, options->seed + pt_hash_mix(d));
    }
    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        relay->clients[i] = -1;
    }
    for (size_t i = 0; i < BATCH_LEN; i++) {
        relay->in_iov[i] = (struct iovec){.iov_base = relay->frames[i], .iov_len = FRAME_SIZE_MAX};
        relay->in[i].msg_hdr =
            (struct msghdr){.msg_iov = &relay->in_iov[i], .msg_iovlen = 1, .msg_control = relay->in_control[i]};
    }
    for (size_t i = 0; i < OUT_LEN; i++) {
        relay->out[i].msg_hdr = (struct msghdr){.msg_iov = &relay->out_iov[i], .msg_iovlen = 1};
    }
    relay->epoll_fd = relay->timer_fd = relay->signal_fd = relay->listen_fd = -1;
    relay->armed_ns = PT_SHAPER_NEVER;
    look_at_delays(relay);
}

static void close_fd(int fd)
{
    if (fd >= 0) {
        (void)close(fd);
    }
}

static void relay_fini(struct relay *relay)
{
    for (size_t d = 0; d < relay->ports_len; d++) {
        close_fd(relay->ports[d].fd);
        close_fd(relay->ports[d].xdp_link);
        pt_shaper_fini(&relay->state.shapers[d]);
    }
    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        close_fd(relay->clients[i]);
    }
    close_fd(relay->listen_fd);
    close_fd(relay->signal_fd);
    close_fd(relay->timer_fd);
    close_fd(relay->epoll_fd);
    free(relay->ports);
    free(relay->state.shapers);
    free(relay->state.drops_send);
}

static enum pt_code relay_open(struct relay *relay, const struct pt_relay_options *options, struct pt_error *reterr)
{
    sigset_t signals;
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    (void)sigprocmask(SIG_BLOCK, &signals, NULL);
    /* A wire does not wait for its nodes' work. Where neither is allowed, packets are later than they should be. */
    const struct sched_param first = {.sched_priority = 1};
    if (sched_setscheduler(0, SCHED_RR, &first) != 0) {
        (void)setpriority(PRIO_PROCESS, 0, -10);
    }
    relay->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    relay->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    relay->signal_fd = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
    if (relay->epoll_fd < 0 || relay->timer_fd < 0 || relay->signal_fd < 0) {
        return pt_fail_errno(reterr, errno, NULL, "cannot open the relay's descriptors");
    }
    watch(relay, relay->timer_fd, SOURCE_TIMER, 0);
    watch(relay, relay->signal_fd, SOURCE_SIGNAL, 0);
    for (size_t d = 0; d < relay->ports_len; d++) {
        PT_TRY(open_port(relay, d, reterr));
    }
    return open_control(relay, options->socket_path, reterr);
}

enum pt_code pt_relay_run(const struct pt_relay_options *options, struct pt_error *reterr)
{
    struct relay *relay = calloc(1, sizeof(*relay)); /* 600 KiB of buffers: not for a stack */
    pt_assert(relay != NULL);
    relay_init(relay, options);
    enum pt_code code = relay_open(relay, options, reterr);
    if (code == PT_OK) {
        if (options->ready_fd >= 0) {
            (void)!write(options->ready_fd, "ready\n", 6); /* who started us may have gone; we work all the same */
            (void)close(options->ready_fd);
        }
        loop(relay);
        (void)unlink(options->socket_path);
    }
    relay_fini(relay);
    free(relay);
    return code;
}
