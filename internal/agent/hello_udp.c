/*
 * Hello sockets: one UDP socket a link, bound to the link's address, the Geneve port and the interface.
 *
 * UDP checksums are off in both directions (RFC 6935): a transit site rewrites the outer addresses and cannot redo a
 * checksum that was left to hardware.
 */
#include "agent/hello.h"

#include "base/assert.h"
#include "sys/sys_uv.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LINKS_MAX 64
#define RECEIVE_MAX 64 /* packets a turn, so that a flood does not starve the loop */

struct udp_io;

struct udp_link {
    struct udp_io *io;
    uint32_t number;
    char interface[IF_NAMESIZE];
    struct pt_ip address;
    int fd;
    struct pt_fd_watch *watch;
    bool wanted;
};

struct udp_io {
    struct pt_hello_io io;
    struct pt_sys *sys;
    struct udp_link links[LINKS_MAX];
    size_t links_len;
};

static void on_readable(void *arg)
{
    struct udp_link *link = arg;
    for (unsigned i = 0; i < RECEIVE_MAX; i++) {
        uint8_t data[512];
        struct sockaddr_storage from;
        socklen_t from_size = sizeof(from);
        ssize_t size = recvfrom(link->fd, data, sizeof(data), MSG_DONTWAIT, (struct sockaddr *)&from, &from_size);
        if (size < 0) {
            return; /* drained, or an ICMP error of an earlier send: the missing reply says it all */
        }
        struct pt_endpoint end = pt_sys_uv_endpoint(&from);
        if (link->io->io.on_packet != NULL) {
            link->io->io.on_packet(link->io->io.arg, link->number, &end.ip, data, (size_t)size);
        }
    }
}

static void link_close(struct udp_link *link)
{
    pt_sys_uv_unwatch(link->watch);
    if (link->fd >= 0) {
        (void)close(link->fd);
    }
    link->watch = NULL;
    link->fd = -1;
}

static enum pt_code link_open(struct udp_link *link, struct pt_error *reterr)
{
    bool v4 = pt_ip_is_v4(&link->address);
    link->fd = socket(v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (link->fd < 0) {
        return pt_fail_errno(reterr, errno, link->interface, "no UDP socket for hellos");
    }
    const int on = 1;
    int done = setsockopt(link->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (v4) {
        done |= setsockopt(link->fd, SOL_SOCKET, SO_NO_CHECK, &on, sizeof(on));
    } else {
        done |= setsockopt(link->fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
        done |= setsockopt(link->fd, IPPROTO_UDP, UDP_NO_CHECK6_TX, &on, sizeof(on));
        done |= setsockopt(link->fd, IPPROTO_UDP, UDP_NO_CHECK6_RX, &on, sizeof(on));
    }
    done |= setsockopt(link->fd, SOL_SOCKET, SO_BINDTODEVICE, link->interface, (socklen_t)strlen(link->interface));
    struct sockaddr_storage address;
    const struct pt_endpoint own = {.ip = link->address, .port = PT_GENEVE_PORT};
    socklen_t size = pt_sys_uv_sockaddr(&own, &address);
    if (done != 0 || bind(link->fd, (struct sockaddr *)&address, size) != 0) {
        int number = errno;
        link_close(link);
        return pt_fail_errno(reterr, number, link->interface, "hellos cannot use the link's address");
    }
    link->watch = pt_sys_uv_watch(link->io->sys, link->fd, on_readable, link);
    return PT_OK;
}

static struct udp_link *find_link(struct udp_io *udp, const Patronus__V1__LinkEntry *entry)
{
    for (size_t i = 0; i < udp->links_len; i++) {
        struct udp_link *link = &udp->links[i];
        if (strcmp(link->interface, entry->interface) == 0 && entry->address.len == sizeof(struct pt_ip) &&
            memcmp(link->address.bytes, entry->address.data, sizeof(struct pt_ip)) == 0 && link->fd >= 0) {
            return link;
        }
    }
    return NULL;
}

static enum pt_code udp_set_links(struct pt_hello_io *io, const Patronus__V1__LinkEntry *const *links, size_t len,
                                  struct pt_error *reterr)
{
    struct udp_io *udp = (struct udp_io *)io;
    enum pt_code result = PT_OK;
    for (size_t i = 0; i < udp->links_len; i++) {
        udp->links[i].wanted = false;
    }
    for (size_t i = 0; i < len; i++) {
        struct udp_link *link = find_link(udp, links[i]);
        if (link != NULL) {
            link->wanted = true;
            link->number = links[i]->link;
        }
    }
    for (size_t i = 0; i < udp->links_len; i++) {
        if (!udp->links[i].wanted) {
            link_close(&udp->links[i]);
        }
    }
    for (size_t i = 0; i < len; i++) {
        if (find_link(udp, links[i]) != NULL || links[i]->address.len != sizeof(struct pt_ip)) {
            continue;
        }
        size_t slot = 0;
        while (slot < udp->links_len && udp->links[slot].fd >= 0) {
            slot++;
        }
        if (slot == LINKS_MAX) {
            return pt_fail(reterr, PT_EXHAUSTED, PT_REASON_LIMIT_REACHED, links[i]->interface, "at most %d links",
                           LINKS_MAX);
        }
        udp->links_len = slot == udp->links_len ? slot + 1 : udp->links_len;
        struct udp_link *link = &udp->links[slot];
        *link = (struct udp_link){.io = udp, .number = links[i]->link, .fd = -1, .wanted = true};
        (void)strncpy(link->interface, links[i]->interface, sizeof(link->interface) - 1);
        memcpy(link->address.bytes, links[i]->address.data, sizeof(struct pt_ip));
        enum pt_code code = link_open(link, reterr);
        result = result == PT_OK ? code : result;
    }
    return result;
}

static void udp_send(struct pt_hello_io *io, uint32_t number, const struct pt_ip *remote, uint16_t port,
                     const void *data, size_t size)
{
    struct udp_io *udp = (struct udp_io *)io;
    for (size_t i = 0; i < udp->links_len; i++) {
        if (udp->links[i].number == number && udp->links[i].fd >= 0) {
            struct sockaddr_storage address;
            const struct pt_endpoint to = {.ip = *remote, .port = port};
            socklen_t address_size = pt_sys_uv_sockaddr(&to, &address);
            /* Best effort: what is not sent is not answered. */
            (void)sendto(udp->links[i].fd, data, size, MSG_DONTWAIT, (struct sockaddr *)&address, address_size);
            return;
        }
    }
}

static void udp_close(struct pt_hello_io *io)
{
    struct udp_io *udp = (struct udp_io *)io;
    for (size_t i = 0; i < udp->links_len; i++) {
        link_close(&udp->links[i]);
    }
    free(udp);
}

struct pt_hello_io *pt_hello_udp_new(struct pt_sys *sys)
{
    struct udp_io *udp = calloc(1, sizeof(*udp));
    pt_assert(udp != NULL);
    udp->sys = sys;
    udp->io = (struct pt_hello_io){.set_links = udp_set_links, .send = udp_send, .close = udp_close};
    return &udp->io;
}
