/*
 * UDP sockets of a link.
 *
 * UDP checksums are left to the device on direct paths: the kernel segments a train only with them. Packets with labels
 * go without (RFC 6935), from sockets of their own: a transit site rewrites the outer header and could not redo a
 * checksum that was left to hardware; every packet carries a tag that says more. The kernel's own path MTU is not asked
 * (PMTUDISC_PROBE): packets leave with DF set at the size that we choose, and what arrives is found out inside.
 */
#include "tunnel/engine_priv.h"

#include "base/assert.h"
#include "sys/sys_uv.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

#define BUFFER_SIZE (4 << 20)

void pt_target_set(struct pt_target *target, const struct pt_endpoint *endpoint)
{
    target->endpoint = *endpoint;
    target->size = pt_sys_uv_sockaddr(endpoint, &target->address);
}

static int set_options(int fd, const struct pt_engine_link *config, bool stacked)
{
    const int on = 1, none = stacked ? 1 : 0, probe = IP_PMTUDISC_PROBE, size = BUFFER_SIZE;
    int done = setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
    if (pt_ip_is_v4(&config->address)) {
        done |= setsockopt(fd, SOL_SOCKET, SO_NO_CHECK, &none, sizeof(none));
        done |= setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &probe, sizeof(probe));
        done |= setsockopt(fd, IPPROTO_IP, IP_RECVTOS, &on, sizeof(on));
    } else {
        done |= setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
        done |= setsockopt(fd, IPPROTO_UDP, UDP_NO_CHECK6_TX, &none, sizeof(none));
        done |= setsockopt(fd, IPPROTO_UDP, UDP_NO_CHECK6_RX, &on, sizeof(on));
        done |= setsockopt(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &probe, sizeof(probe));
        done |= setsockopt(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, &on, sizeof(on));
    }
    done |= setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, config->interface, (socklen_t)strlen(config->interface));
    (void)setsockopt(fd, IPPROTO_UDP, UDP_GRO, &on, sizeof(on)); /* without it packets come one by one */
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) != 0) {
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    }
    if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) != 0) {
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    }
    return done;
}

static enum pt_code open_socket(const struct pt_engine_link *config, uint16_t port, bool stacked, int *ret_fd,
                                struct pt_error *reterr)
{
    struct pt_target own;
    const struct pt_endpoint endpoint = {.ip = config->address, .port = port};
    pt_target_set(&own, &endpoint);
    int fd = socket(own.address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return pt_fail_errno(reterr, errno, config->interface, "no UDP socket for sealed packets");
    }
    if (set_options(fd, config, stacked) != 0 || bind(fd, (struct sockaddr *)&own.address, own.size) != 0) {
        int number = errno;
        (void)close(fd);
        return pt_fail_errno(reterr, number, config->interface, "sealed packets cannot use the link's address");
    }
    *ret_fd = fd;
    return PT_OK;
}

static void free_link(void *object)
{
    struct pt_link *link = object;
    for (unsigned i = 0; i < PT_ENGINE_WORKERS_MAX; i++) {
        if (i > 0 && link->out[i] >= 0) {
            (void)close(link->out[i]);
        }
        if (link->in[i] >= 0) {
            (void)close(link->in[i]);
        }
        if (link->stacked[i] >= 0) {
            (void)close(link->stacked[i]);
        }
    }
    free(link);
}

static struct pt_link *new_link(struct pt_engine *engine, const struct pt_engine_link *config, uint16_t port)
{
    struct pt_link *link = calloc(1, sizeof(*link));
    pt_assert(link != NULL);
    link->engine = engine;
    link->config = *config;
    link->port = port;
    memset(link->in, -1, sizeof(link->in));
    memset(link->out, -1, sizeof(link->out));
    memset(link->stacked, -1, sizeof(link->stacked));
    return link;
}

void pt_link_watch(struct pt_link *link, const struct pt_worker *worker)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = link->config.number};
    pt_assert(epoll_ctl(worker->epoll, EPOLL_CTL_ADD, link->in[worker->number], &event) == 0);
}

static void insert_link(struct pt_link *link)
{
    struct pt_engine *engine = link->engine;
    link->next = engine->links;
    engine->links = link;
    atomic_store(&engine->link_table[link->config.number], link); /* before its first event */
    for (unsigned i = 0; i < engine->workers && engine->running; i++) {
        pt_link_watch(link, &engine->in[i]);
    }
}

enum pt_code pt_link_open(struct pt_engine *engine, const struct pt_engine_link *config, uint16_t port,
                          struct pt_link **ret_link, struct pt_error *reterr)
{
    struct pt_link *link = new_link(engine, config, port);
    enum pt_code code = PT_OK;
    for (unsigned i = 0; i < engine->workers && code == PT_OK; i++) {
        code = open_socket(config, port, false, &link->in[i], reterr);
        link->out[i] = link->in[i];
        if (code == PT_OK && i > 0) {
            code = open_socket(config, 0, false, &link->out[i], reterr);
        }
        if (code == PT_OK) {
            code = open_socket(config, 0, true, &link->stacked[i], reterr);
        }
    }
    if (code != PT_OK) {
        free_link(link);
        return code;
    }
    insert_link(link);
    *ret_link = link;
    return PT_OK;
}

bool pt_link_adopt(struct pt_engine *engine, const struct pt_engine_link *config, uint16_t port,
                   const struct pt_link_fds *fds)
{
    struct pt_link *link = new_link(engine, config, port);
    bool whole = config->number > 0 && config->number <= PT_ENGINE_LINKS_MAX;
    memcpy(link->in, fds->in, sizeof(link->in));
    memcpy(link->out, fds->out, sizeof(link->out));
    link->out[0] = link->in[0];
    memcpy(link->stacked, fds->stacked, sizeof(link->stacked));
    for (unsigned i = 0; i < engine->workers; i++) {
        whole = whole && link->in[i] >= 0 && link->out[i] >= 0 && link->stacked[i] >= 0;
    }
    if (!whole) {
        free_link(link);
        return false;
    }
    insert_link(link);
    return true;
}

void pt_link_close(struct pt_link *link)
{
    struct pt_engine *engine = link->engine;
    struct pt_link **at = &engine->links;
    while (*at != link) {
        at = &(*at)->next;
    }
    *at = link->next;
    if (atomic_load(&engine->link_table[link->config.number]) == link) {
        atomic_store(&engine->link_table[link->config.number], NULL);
    }
    for (unsigned i = 0; i < engine->workers && engine->running; i++) {
        (void)epoll_ctl(engine->in[i].epoll, EPOLL_CTL_DEL, link->in[i], NULL);
    }
    pt_epoch_retire(&engine->epoch, link, free_link);
}
