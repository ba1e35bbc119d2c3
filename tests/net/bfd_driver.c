/*
 * A BFD speaker for one neighbour on a directly connected network (RFC 5881), around the product's own sessions: what
 * tests/net/bfd.sh lets FRR and BIRD talk to. Prints "up" and "down DIAGNOSTIC" as they happen; ends with its input.
 *
 *     bfd_driver LOCAL REMOTE INTERVAL_MS MULTIPLIER [sha1|meticulous KEY_ID PASSWORD]
 */
#include "base/net.h"
#include "bfd/session.h"
#include "crypto/crypto.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PORT 3784
#define SOURCE_PORT 49152
#define TTL 255 /* GTSM: what came from afar has less */

static uint64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void hash(const void *context, const uint8_t *packet, size_t size, uint8_t out[PT_BFD_SHA1_SIZE])
{
    (void)context;
    pt_sha1(packet, size, out);
}

static int open_socket(const char *address, uint16_t port, const char *remote)
{
    const int on = 1, ttl = TTL;
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_port = htons(port)},
                       other = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || inet_pton(AF_INET, address, &own.sin_addr) != 1 ||
        setsockopt(fd, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl)) != 0 ||
        setsockopt(fd, IPPROTO_IP, IP_RECVTTL, &on, sizeof(on)) != 0 ||
        bind(fd, (struct sockaddr *)&own, sizeof(own)) != 0) {
        perror("bfd_driver: socket");
        exit(1);
    }
    if (remote != NULL && (inet_pton(AF_INET, remote, &other.sin_addr) != 1 ||
                           connect(fd, (struct sockaddr *)&other, sizeof(other)) != 0)) {
        perror("bfd_driver: remote");
        exit(1);
    }
    return fd;
}

/* True when a packet came that may be the neighbour's. */
static bool receive(int fd, uint8_t *data, size_t *size)
{
    _Alignas(struct cmsghdr) uint8_t control[64];
    struct iovec part = {.iov_base = data, .iov_len = *size};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
    ssize_t got = recvmsg(fd, &message, MSG_DONTWAIT);
    int ttl = 0;
    if (got < 0) {
        return false;
    }
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c != NULL; c = CMSG_NXTHDR(&message, c)) {
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TTL) {
            memcpy(&ttl, CMSG_DATA(c), sizeof(ttl));
        }
    }
    *size = ttl == TTL ? (size_t)got : 0;
    return true;
}

static void run(struct pt_bfd *bfd, int in, int out)
{
    enum pt_bfd_state shown = PT_BFD_DOWN;
    struct pollfd polls[] = {{.fd = in, .events = POLLIN}, {.fd = STDIN_FILENO, .events = POLLIN}};
    while (polls[1].revents == 0) {
        uint8_t data[256];
        struct pt_bfd_packet packet;
        for (size_t size = sizeof(data); receive(in, data, &size); size = sizeof(data)) {
            if (pt_bfd_packet_read(data, size, &packet)) {
                enum pt_bfd_taken taken = pt_bfd_receive(bfd, &packet, data, NULL, now_ns());
                if (taken != PT_BFD_TAKEN) {
                    printf("refused %d\n", (int)taken);
                }
            }
        }
        for (size_t size; (size = pt_bfd_run(bfd, NULL, now_ns(), data)) > 0;) {
            (void)send(out, data, size, MSG_DONTWAIT); /* a neighbour that is not there yet refuses */
        }
        if ((bfd->state == PT_BFD_UP) != (shown == PT_BFD_UP)) {
            printf(bfd->state == PT_BFD_UP ? "up\n" : "down %u\n", bfd->diagnostic);
        }
        shown = bfd->state;
        uint64_t now = now_ns(), due = pt_bfd_due(bfd);
        uint64_t wait = due <= now ? 0 : due - now < 1000000000 ? due - now : 1000000000;
        (void)ppoll(polls, 2, &(struct timespec){.tv_nsec = wait == 1000000000 ? 999999999 : (long)wait}, NULL);
    }
}

int main(int argc, char **argv)
{
    if (argc != 5 && argc != 8) {
        fprintf(stderr, "usage: bfd_driver LOCAL REMOTE INTERVAL_MS MULTIPLIER [sha1|meticulous KEY_ID PASSWORD]\n");
        return 2;
    }
    uint32_t interval_us = (uint32_t)atoi(argv[3]) * 1000;
    struct pt_bfd_options options = {.discriminator = (uint32_t)getpid(),
                                     .desired_min_tx_us = interval_us,
                                     .required_min_rx_us = interval_us,
                                     .multiplier = (uint8_t)atoi(argv[4]),
                                     .seed = now_ns()};
    if (argc == 8) {
        options.auth = strcmp(argv[5], "sha1") == 0 ? PT_BFD_AUTH_SHA1 : PT_BFD_AUTH_SHA1_METICULOUS;
        options.key_id = (uint8_t)atoi(argv[6]);
        options.hash = hash;
        size_t size = strnlen(argv[7], sizeof(options.key)); /* the rest stays zero, as the others have it */
        memcpy(options.key, argv[7], size);
    }
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    struct pt_bfd bfd;
    pt_bfd_init(&bfd, &options, now_ns());
    run(&bfd, open_socket(argv[1], PORT, NULL), open_socket(argv[1], SOURCE_PORT, argv[2]));
    return 0;
}
