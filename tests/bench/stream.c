/*
 * Traffic between two hosts, and what arrived of it. Plain sockets, one thread.
 *
 *     bench_stream sink PORT                              TCP and UDP: takes what comes, answers; until killed
 *     bench_stream tcp ADDRESS PORT SECONDS STREAMS       prints Gbit/s that the sink had taken
 *     bench_stream udp ADDRESS PORT SECONDS SIZE MBIT     prints sent, received, Mbit/s received, received again
 *     bench_stream rtt ADDRESS PORT COUNT                 prints median and 99th percentile in us (UDP, 64 bytes)
 *
 * UDP datagrams begin with their number, from 1 on; the sink answers one with number 0 by how many came since the last
 * such and how many of them came again, which do not count, and one with the number ~0 by itself.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CHUNK (128 << 10)
#define STREAMS_MAX 16
#define BURST 16
#define ASK 0ULL
#define ECHO (~0ULL)

static uint64_t now_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000ULL + (uint64_t)t.tv_nsec;
}

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static struct sockaddr_in address_of(const char *address, const char *port)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
    if (inet_pton(AF_INET, address, &in.sin_addr) != 1) {
        fprintf(stderr, "not an IPv4 address: %s\n", address);
        exit(2);
    }
    return in;
}

/* ---- the sink ------------------------------------------------------------------------------------------------- */

#define NUMBERS (1U << 26) /* that are told apart: what a minute at 4 Gbit/s has */
static struct {
    uint64_t count, again, greatest;
    uint8_t seen[NUMBERS / 8];
} udp;

static void count_udp(uint64_t number)
{
    uint8_t *byte = &udp.seen[number % NUMBERS / 8], bit = (uint8_t)(1U << number % 8);
    udp.greatest = number > udp.greatest ? number : udp.greatest;
    udp.again += (*byte & bit) != 0 ? 1 : 0;
    udp.count += (*byte & bit) != 0 ? 0 : 1;
    *byte |= bit;
}

static void take_udp(int fd)
{
    static uint8_t data[BURST][2048];
    static struct sockaddr_in from[BURST];
    struct mmsghdr messages[BURST];
    struct iovec parts[BURST];
    for (unsigned i = 0; i < BURST; i++) {
        parts[i] = (struct iovec){.iov_base = data[i], .iov_len = sizeof(data[i])};
        messages[i] = (struct mmsghdr){
            .msg_hdr = {.msg_iov = &parts[i], .msg_iovlen = 1, .msg_name = &from[i], .msg_namelen = sizeof(from[i])}};
    }
    int len = recvmmsg(fd, messages, BURST, MSG_DONTWAIT, NULL);
    for (int i = 0; i < len; i++) {
        uint64_t number;
        memcpy(&number, data[i], sizeof(number));
        if (number == ASK) {
            const uint64_t answer[2] = {udp.count, udp.again};
            (void)sendto(fd, answer, sizeof(answer), 0, (struct sockaddr *)&from[i], sizeof(from[i]));
            memset(udp.seen, 0, udp.greatest < NUMBERS ? udp.greatest / 8 + 1 : sizeof(udp.seen));
            udp.count = udp.again = udp.greatest = 0;
        } else if (number == ECHO) {
            (void)sendto(fd, data[i], messages[i].msg_len, 0, (struct sockaddr *)&from[i], sizeof(from[i]));
        } else {
            count_udp(number);
        }
    }
}

__attribute__((noreturn)) static void sink(const char *port)
{
    static uint8_t chunk[CHUNK];
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
    const int on = 1, size = 8 << 20;
    int tcp = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), datagrams = socket(AF_INET, SOCK_DGRAM, 0),
        poller = epoll_create1(0);
    (void)setsockopt(tcp, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    (void)setsockopt(datagrams, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
    if (bind(tcp, (struct sockaddr *)&any, sizeof(any)) != 0 || listen(tcp, 16) != 0 ||
        bind(datagrams, (struct sockaddr *)&any, sizeof(any)) != 0) {
        die("bind");
    }
    struct epoll_event event = {.events = EPOLLIN, .data.fd = tcp};
    (void)epoll_ctl(poller, EPOLL_CTL_ADD, tcp, &event);
    event.data.fd = datagrams;
    (void)epoll_ctl(poller, EPOLL_CTL_ADD, datagrams, &event);
    for (;;) {
        struct epoll_event events[8];
        int len = epoll_wait(poller, events, 8, -1);
        for (int i = 0; i < len; i++) {
            int fd = events[i].data.fd;
            if (fd == datagrams) {
                take_udp(fd);
            } else if (fd == tcp) {
                event.data.fd = accept4(tcp, NULL, NULL, SOCK_NONBLOCK);
                (void)epoll_ctl(poller, EPOLL_CTL_ADD, event.data.fd, &event);
            } else {
                ssize_t got = recv(fd, chunk, sizeof(chunk), 0);
                if (got == 0 || (got < 0 && errno != EAGAIN)) {
                    (void)close(fd);
                } else if (got > 0 && chunk[0] == 'e') { /* the end: say that all was taken */
                    (void)send(fd, "e", 1, MSG_NOSIGNAL);
                }
            }
        }
    }
}

/* ---- the sources ---------------------------------------------------------------------------------------------- */

static int tcp_source(char **argv)
{
    static uint8_t chunk[CHUNK];
    struct sockaddr_in to = address_of(argv[2], argv[3]);
    unsigned streams = (unsigned)atoi(argv[5]);
    uint64_t end, start, bytes = 0;
    struct pollfd fds[STREAMS_MAX];
    streams = streams > STREAMS_MAX ? STREAMS_MAX : streams;
    for (unsigned i = 0; i < streams; i++) {
        fds[i].fd = socket(AF_INET, SOCK_STREAM, 0);
        fds[i].events = POLLOUT;
        if (connect(fds[i].fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
            die("connect");
        }
    }
    start = now_ns();
    end = start + (uint64_t)(atof(argv[4]) * 1e9);
    while (now_ns() < end) {
        if (streams > 1) {
            (void)poll(fds, streams, 1000);
        }
        for (unsigned i = 0; i < streams; i++) {
            if (streams == 1 || (fds[i].revents & POLLOUT) != 0) {
                ssize_t sent = send(fds[i].fd, chunk, sizeof(chunk), streams == 1 ? 0 : MSG_DONTWAIT);
                bytes += sent > 0 ? (uint64_t)sent : 0;
            }
        }
    }
    for (unsigned i = 0; i < streams; i++) { /* what is still on the way does not count as arrived: wait for it */
        char answer;
        (void)shutdown(fds[i].fd, SHUT_WR);
        (void)recv(fds[i].fd, &answer, 1, 0);
        (void)close(fds[i].fd);
    }
    printf("%.3f\n", (double)bytes * 8 / (double)(now_ns() - start));
    return 0;
}

static int udp_source(char **argv)
{
    static uint8_t data[2048];
    struct sockaddr_in to = address_of(argv[2], argv[3]);
    size_t size = (size_t)atoi(argv[5]);
    double per_ns = atof(argv[6]) * 1e6 / 8 / 1e9 / (double)size;
    struct mmsghdr messages[BURST];
    uint64_t numbers[BURST], answer[2] = {0};
    struct iovec parts[BURST][2];
    const int buffer = 4 << 20;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof(buffer));
    if (connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
        die("connect");
    }
    for (unsigned i = 0; i < BURST; i++) {
        parts[i][0] = (struct iovec){.iov_base = &numbers[i], .iov_len = sizeof(numbers[i])};
        parts[i][1] = (struct iovec){.iov_base = data, .iov_len = size - sizeof(numbers[i])};
        messages[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = parts[i], .msg_iovlen = 2}};
    }
    uint64_t start = now_ns(), end = start + (uint64_t)(atof(argv[4]) * 1e9), sent = 0, now;
    while ((now = now_ns()) < end) {
        uint64_t due = (uint64_t)((double)(now - start) * per_ns);
        if (due < sent + BURST) {
            struct timespec nap = {.tv_nsec = 20000};
            (void)nanosleep(&nap, NULL);
            continue;
        }
        for (unsigned i = 0; i < BURST; i++) {
            numbers[i] = sent + i + 1;
        }
        int done = sendmmsg(fd, messages, BURST, 0);
        sent += done > 0 ? (uint64_t)done : 0;
    }
    double seconds = (double)(now_ns() - start) / 1e9;
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    for (unsigned i = 0; i < 10; i++) { /* ask until the answer comes; what is on the way comes first */
        uint64_t ask = ASK;
        struct timespec nap = {.tv_nsec = 100000000};
        (void)nanosleep(&nap, NULL);
        (void)send(fd, &ask, sizeof(ask), 0);
        if (poll(&wait, 1, 500) == 1 && recv(fd, answer, sizeof(answer), 0) == (ssize_t)sizeof(answer)) {
            break;
        }
    }
    printf("%llu %llu %.1f %llu\n", (unsigned long long)sent, (unsigned long long)answer[0],
           (double)answer[0] * (double)size * 8 / seconds / 1e6, (unsigned long long)answer[1]);
    return 0;
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static int rtt(char **argv)
{
    struct sockaddr_in to = address_of(argv[2], argv[3]);
    unsigned count = (unsigned)atoi(argv[4]), got = 0;
    uint64_t *times = calloc(count + 1, sizeof(*times)), packet[8] = {ECHO};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (times == NULL || connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
        die("connect");
    }
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    for (unsigned i = 0; i < count; i++) {
        struct timespec nap = {.tv_nsec = 1000000};
        uint64_t start = now_ns();
        packet[1] = i;
        (void)send(fd, packet, sizeof(packet), 0);
        if (poll(&wait, 1, 100) == 1 && recv(fd, packet, sizeof(packet), 0) > 0 && packet[1] == i) {
            times[got++] = now_ns() - start;
        }
        (void)nanosleep(&nap, NULL);
    }
    qsort(times, got, sizeof(*times), compare);
    printf("%.1f %.1f\n", got == 0 ? 0.0 : (double)times[got / 2] / 1e3,
           got == 0 ? 0.0 : (double)times[got * 99 / 100] / 1e3);
    free(times);
    return 0;
}

int main(int argc, char **argv)
{
    (void)signal(SIGPIPE, SIG_IGN);
    if (argc == 3 && strcmp(argv[1], "sink") == 0) {
        sink(argv[2]);
    }
    if (argc == 6 && strcmp(argv[1], "tcp") == 0) {
        return tcp_source(argv);
    }
    if (argc == 7 && strcmp(argv[1], "udp") == 0) {
        return udp_source(argv);
    }
    if (argc == 5 && strcmp(argv[1], "rtt") == 0) {
        return rtt(argv);
    }
    fprintf(stderr, "usage: bench_stream sink|tcp|udp|rtt ... (see the head of stream.c)\n");
    return 2;
}
