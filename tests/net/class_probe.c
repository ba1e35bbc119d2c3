/*
 * Traffic of a class, and what becomes of it.
 *
 *     class_probe send ADDRESS PORT DSCP MBIT SECONDS [PIECE [PIECES]]
 *         UDP at a steady rate in pieces of PIECE bytes (1200), PIECES of them in one call (a train; 1)
 *     class_probe sink ADDRESS PORT PORTS SKIP_MS MEASURE_MS
 *         counts what comes to each of PORTS ports from PORT on: "port P packets N bytes N p50_us N p99_us N max_us N",
 *         delays by the clock that both ends share on one machine; the first SKIP_MS after the first packet do not
 * count
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

#define PORTS_MAX 8
#define SAMPLES_MAX 400000
#define TURN_NS 1000000

static uint64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static struct sockaddr_in address_of(const char *text, int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    if (inet_pton(AF_INET, text, &address.sin_addr) != 1) {
        fprintf(stderr, "class_probe: '%s' is no address\n", text);
        exit(2);
    }
    return address;
}

static int send_all(char **argv, size_t piece, size_t pieces)
{
    struct sockaddr_in to = address_of(argv[2], atoi(argv[3]));
    int tos = atoi(argv[4]) << 2, segment = (int)piece, fd = socket(AF_INET, SOCK_DGRAM, 0);
    double bytes_per_ns = atof(argv[5]) / 8000, sent = 0;
    uint64_t start = now_ns(), end = start + (uint64_t)(atof(argv[6]) * 1e9);
    static uint8_t data[65000];
    if (fd < 0 || piece < 8 || piece * pieces > sizeof(data) ||
        setsockopt(fd, IPPROTO_IP, IP_TOS, &tos, sizeof(tos)) != 0 ||
        (pieces > 1 && setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof(segment)) != 0) ||
        connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
        perror("class_probe send");
        return 1;
    }
    for (uint64_t now = start; now < end; now = now_ns()) {
        double due = (double)(now - start) * bytes_per_ns;
        if (sent < due - 4e6) {
            sent = due - 4e6; /* a machine that was away does not make up for it */
        }
        for (; sent < due; sent += (double)(piece * pieces)) {
            uint64_t stamp = now_ns();
            for (size_t i = 0; i < pieces; i++) {
                memcpy(data + i * piece, &stamp, sizeof(stamp));
            }
            (void)!send(fd, data, piece * pieces, 0);
        }
        double wait = (sent - due) / bytes_per_ns;
        struct timespec pause = {.tv_nsec = wait > TURN_NS ? (long)(wait < 5e8 ? wait : 5e8) : TURN_NS};
        (void)nanosleep(&pause, NULL);
    }
    return 0;
}

struct port {
    uint64_t packets, bytes;
    uint32_t *delays_us;
    size_t delays_len;
};

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static void take(struct port *port, int fd, uint64_t from, uint64_t until)
{
    static uint8_t data[65536];
    for (;;) {
        ssize_t size = recv(fd, data, sizeof(data), MSG_DONTWAIT);
        uint64_t now = now_ns(), stamp;
        if (size < (ssize_t)sizeof(stamp)) {
            return;
        }
        if (now < from || now >= until) {
            continue;
        }
        memcpy(&stamp, data, sizeof(stamp));
        port->packets++;
        port->bytes += (uint64_t)size;
        if (port->delays_len < SAMPLES_MAX && now > stamp) {
            port->delays_us[port->delays_len++] = (uint32_t)((now - stamp) / 1000);
        }
    }
}

static void print_port(int number, struct port *port)
{
    size_t len = port->delays_len;
    qsort(port->delays_us, len, sizeof(*port->delays_us), compare);
    printf("port %d packets %" PRIu64 " bytes %" PRIu64 " p50_us %u p99_us %u max_us %u\n", number, port->packets,
           port->bytes, len > 0 ? port->delays_us[len / 2] : 0, len > 0 ? port->delays_us[len * 99 / 100] : 0,
           len > 0 ? port->delays_us[len - 1] : 0);
}

static int sink(char **argv)
{
    int first = atoi(argv[3]), ports = atoi(argv[4]), size = 16 << 20;
    struct pollfd fds[PORTS_MAX];
    struct port counts[PORTS_MAX] = {0};
    uint64_t skip = (uint64_t)atoi(argv[5]) * 1000000, length = (uint64_t)atoi(argv[6]) * 1000000;
    for (int i = 0; i < ports && i < PORTS_MAX; i++) {
        struct sockaddr_in own = address_of(argv[2], first + i);
        fds[i] = (struct pollfd){.fd = socket(AF_INET, SOCK_DGRAM, 0), .events = POLLIN};
        (void)setsockopt(fds[i].fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
        counts[i].delays_us = calloc(SAMPLES_MAX, sizeof(uint32_t));
        if (bind(fds[i].fd, (struct sockaddr *)&own, sizeof(own)) != 0 || counts[i].delays_us == NULL) {
            perror("class_probe sink");
            return 1;
        }
    }
    printf("ready\n");
    (void)fflush(stdout);
    if (poll(fds, (nfds_t)ports, 20000) <= 0) {
        fprintf(stderr, "class_probe sink: nothing came\n");
        return 1;
    }
    uint64_t from = now_ns() + skip, until = from + length;
    while (now_ns() < until) {
        (void)poll(fds, (nfds_t)ports, 50);
        for (int i = 0; i < ports; i++) {
            take(&counts[i], fds[i].fd, from, until);
        }
    }
    for (int i = 0; i < ports; i++) {
        print_port(first + i, &counts[i]);
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc >= 7 && strcmp(argv[1], "send") == 0) {
        return send_all(argv, argc > 7 ? (size_t)atoi(argv[7]) : 1200, argc > 8 ? (size_t)atoi(argv[8]) : 1);
    }
    if (argc == 7 && strcmp(argv[1], "sink") == 0 && atoi(argv[4]) >= 1 && atoi(argv[4]) <= PORTS_MAX) {
        return sink(argv);
    }
    fprintf(stderr, "usage: class_probe send ADDRESS PORT DSCP MBIT SECONDS [PIECE [PIECES]] |\n"
                    "       sink ADDRESS PORT PORTS SKIP_MS MEASURE_MS\n");
    return 2;
}
