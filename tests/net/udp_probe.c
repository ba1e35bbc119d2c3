/*
 * How long was the way interrupted? One end sends a numbered packet each interval, the other says which runs of them
 * are missing, and how long a run was by the sender's clock: from the last packet that came to the next one.
 *
 *     udp_probe send ADDRESS PORT INTERVAL_US        until its input ends
 *     udp_probe receive ADDRESS PORT                 "gap MICROSECONDS lost N" for each run; on the end of input
 * "received N reordered N"
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct probe {
    uint64_t sequence, sent_ns;
};

static uint64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void send_all(int fd, uint64_t interval_ns)
{
    struct probe probe = {0};
    uint64_t next = now_ns();
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    for (;;) {
        uint64_t now = now_ns();
        const struct timespec wait = {.tv_nsec = next > now ? (long)(next - now) : 0};
        if (ppoll(&input, 1, &wait, NULL) > 0) {
            return;
        }
        if (now_ns() >= next) {
            probe.sequence++;
            probe.sent_ns = now_ns();
            (void)send(fd, &probe, sizeof(probe), MSG_DONTWAIT); /* what does not leave is missing */
            next += interval_ns;
            next = next < probe.sent_ns ? probe.sent_ns : next; /* no bursts after a long sleep */
        }
    }
}

static void receive_all(int fd)
{
    struct probe last = {0}, probe;
    uint64_t received = 0, reordered = 0;
    struct pollfd polls[] = {{.fd = fd, .events = POLLIN}, {.fd = STDIN_FILENO, .events = POLLIN}};
    while (poll(polls, 2, -1) >= 0) {
        while (recv(fd, &probe, sizeof(probe), MSG_DONTWAIT) == (ssize_t)sizeof(probe)) {
            received++;
            if (probe.sequence <= last.sequence) {
                reordered++;
                continue;
            }
            if (last.sequence != 0 && probe.sequence != last.sequence + 1) {
                printf("gap %" PRIu64 " lost %" PRIu64 "\n", (probe.sent_ns - last.sent_ns) / 1000,
                       probe.sequence - last.sequence - 1);
            }
            last = probe;
        }
        if (polls[1].revents != 0) {
            break;
        }
    }
    printf("received %" PRIu64 " reordered %" PRIu64 "\n", received, reordered);
}

int main(int argc, char **argv)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (argc < 4 || fd < 0 || inet_pton(AF_INET, argv[2], &address.sin_addr) != 1) {
        fprintf(stderr, "usage: udp_probe send ADDRESS PORT INTERVAL_US | receive ADDRESS PORT\n");
        return 2;
    }
    address.sin_port = htons((uint16_t)atoi(argv[3]));
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    if (strcmp(argv[1], "send") == 0 && argc == 5) {
        if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
            perror("udp_probe: connect");
            return 1;
        }
        send_all(fd, strtoull(argv[4], NULL, 10) * 1000);
        return 0;
    }
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        perror("udp_probe: bind");
        return 1;
    }
    receive_all(fd);
    return 0;
}
