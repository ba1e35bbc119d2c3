/*
 * What the loop itself sends and hears: handshakes, keepalives, path MTU probes.
 *
 * Which way a handshake goes. An initiation takes the peer's paths in turn, so that one dead path costs one attempt. An
 * answer goes back the way the question came, if that is a direct path or an address that no site is known by (the peer
 * has moved, or stands behind a NAT); if it came through a transit site, by one of our own paths in turn.
 *
 * Roaming and NAT. Each direct path sends a keepalive each 15 s and with every new session. It names the sender's
 * address as configured: the receiver finds its own path by that, and sends to where the keepalive really came from.
 *
 * Path MTU: pmtu.h says what to probe. The echo repeats what the probe said: which path it is of, and when it left.
 */
#include "tunnel/engine_priv.h"

#include "base/assert.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define MS 1000000ULL
#define KEEPALIVE_NS (15000 * MS)
#define CONTROL_SIZE_MAX 9216U

/* NULL also for one that has left the configuration. */
static struct pt_path *path_at(struct pt_engine *engine, uint32_t slot)
{
    struct pt_path *path = atomic_load_explicit(&engine->paths[slot], memory_order_relaxed);
    return path != NULL && path->left_ns == 0 ? path : NULL;
}

/* ---- sending -------------------------------------------------------------------------------------------------- */

static void send_datagram(int fd, const struct pt_target *target, const uint8_t *outer, size_t outer_size,
                          const uint8_t *message, size_t size)
{
    struct iovec parts[2] = {{.iov_base = (void *)(uintptr_t)outer, .iov_len = outer_size},
                             {.iov_base = (void *)(uintptr_t)message, .iov_len = size}};
    struct msghdr datagram = {.msg_name = (void *)(uintptr_t)&target->address,
                              .msg_namelen = target->size,
                              .msg_iov = parts,
                              .msg_iovlen = 2};
    (void)sendmsg(fd, &datagram, MSG_DONTWAIT); /* lost like any packet; tried again */
}

static void send_by_path(struct pt_path *path, const uint8_t *message, size_t size)
{
    int fd = path->config.stack_len > 0 ? path->link->stacked[0] : path->link->in[0];
    send_datagram(fd, atomic_load(&path->target), path->outer, path->outer_size, message, size);
}

static bool is_from(struct pt_path *path, const struct pt_tunnel_via *via)
{
    return path->link->config.number == via->link && path->config.stack_len == 0 &&
           (pt_ip_equal(&path->config.remote, &via->remote.ip) ||
            pt_ip_equal(&atomic_load(&path->target)->endpoint.ip, &via->remote.ip));
}

/* The peer's path whose turn it is; NULL when it has none. */
static struct pt_path *path_in_turn(struct pt_engine *engine, uint32_t label, unsigned turn)
{
    unsigned len = 0;
    for (unsigned pass = 0; pass < 2; pass++) {
        unsigned at = 0;
        for (uint32_t slot = 1; slot < PT_ENGINE_SLOTS; slot++) {
            struct pt_path *path = path_at(engine, slot);
            if (path == NULL || path->config.peer != label) {
                continue;
            }
            if (pass == 1 && at == turn % len) {
                return path;
            }
            at++;
        }
        len = at;
        if (len == 0) {
            return NULL;
        }
    }
    return NULL;
}

/* Straight back to an address that is no path's: a peer that moved. */
static void send_back(struct pt_engine *engine, const struct pt_tunnel_via *via, const uint8_t *message, size_t size)
{
    struct pt_link *link = via->link <= PT_ENGINE_LINKS_MAX ? atomic_load(&engine->link_table[via->link]) : NULL;
    const struct pt_geneve geneve = {.protocol = htons(PT_SEALED_PROTOCOL)};
    struct pt_target target;
    if (link != NULL) {
        pt_target_set(&target, &via->remote);
        send_datagram(link->in[0], &target, (const uint8_t *)&geneve, sizeof(geneve), message, size);
    }
}

void pt_control_send(struct pt_engine *engine, uint32_t label, const struct pt_tunnel_via *via, const uint8_t *message,
                     size_t size)
{
    bool transit = false;
    for (uint32_t slot = 1; slot < PT_ENGINE_SLOTS && via->link != 0 && label != 0; slot++) {
        struct pt_path *path = path_at(engine, slot);
        if (path != NULL && is_from(path, via)) {
            if (path->config.peer == label) {
                send_by_path(path, message, size);
                return;
            }
            transit = true;
        }
    }
    if (via->link != 0 && !transit) {
        send_back(engine, via, message, size);
        return;
    }
    struct pt_path *path = path_in_turn(engine, label, via->link != 0 ? engine->turn++ : via->attempt);
    if (path != NULL) {
        send_by_path(path, message, size);
    }
}

/* Seal a control message of `size` bytes, padded with zeroes, and send it by the path. */
static void send_control(struct pt_path *path, const struct pt_tunnel_control *control, size_t size)
{
    uint8_t plain[CONTROL_SIZE_MAX] = {0}, sealed[CONTROL_SIZE_MAX + PT_TUNNEL_OVERHEAD];
    struct pt_tunnel_session *session = atomic_load(&path->peer->used);
    const struct pt_tunnel_data data = {.flags = PT_TUNNEL_CONTROL, .stream = PT_CONTROL_STREAM};
    size = size < CONTROL_SIZE_MAX ? size : CONTROL_SIZE_MAX;
    pt_tunnel_control_write(control, plain);
    if (session != NULL && pt_session_seal(session, PT_ENGINE_WORKERS_MAX, &data, plain, size, sealed)) {
        send_by_path(path, sealed, size + PT_TUNNEL_OVERHEAD);
    }
}

/* ---- time ----------------------------------------------------------------------------------------------------- */

static void tick_keepalive(struct pt_path *path, uint64_t now_ns)
{
    struct pt_tunnel_control control = {.kind = PT_TUNNEL_KEEPALIVE};
    if (path->keepalive_ns != 0 && now_ns - path->keepalive_ns < KEEPALIVE_NS) {
        return;
    }
    path->keepalive_ns = now_ns;
    if (path->config.stack_len == 0) { /* through a transit site the address would not be ours */
        memcpy(control.address, path->link->config.address.bytes, sizeof(control.address));
    }
    send_control(path, &control, PT_TUNNEL_CONTROL_SIZE);
}

static void tick_probe(struct pt_path *path, uint64_t now_ns)
{
    if (atomic_exchange_explicit(&path->doubt, false, memory_order_relaxed)) {
        pt_pmtu_doubt(&path->pmtu, now_ns);
    }
    uint32_t size = pt_pmtu_tick(&path->pmtu, now_ns);
    if (size != 0) {
        struct pt_tunnel_control control = {.kind = PT_TUNNEL_PROBE, .size = size};
        pt_put_be32(control.address, path->config.slot); /* comes back in the echo: ours to read */
        pt_put_be64(control.address + 4, now_ns);
        send_control(path, &control, size);
    }
}

void pt_control_tick(struct pt_engine *engine, uint64_t now_ns)
{
    for (uint32_t slot = 1; slot < PT_ENGINE_SLOTS; slot++) {
        struct pt_path *path = path_at(engine, slot);
        if (path != NULL && atomic_load(&path->peer->used) != NULL) {
            tick_keepalive(path, now_ns);
            tick_probe(path, now_ns);
        }
    }
}

/* ---- hearing -------------------------------------------------------------------------------------------------- */

static void free_target(void *object)
{
    free(object);
}

/* The peer's link with that address is reached at `mail->from` now. */
static void take_keepalive(struct pt_engine *engine, const struct pt_mail *mail,
                           const struct pt_tunnel_control *control)
{
    for (uint32_t slot = 1; slot < PT_ENGINE_SLOTS; slot++) {
        struct pt_path *path = path_at(engine, slot);
        if (path == NULL || path->config.peer != mail->label || path->link->config.number != mail->link ||
            path->config.stack_len != 0 || memcmp(path->config.remote.bytes, control->address, 16) != 0) {
            continue;
        }
        struct pt_target *old = atomic_load(&path->target);
        if (pt_ip_equal(&old->endpoint.ip, &mail->from.ip) && old->endpoint.port == mail->from.port) {
            continue;
        }
        struct pt_target *target = malloc(sizeof(*target));
        pt_assert(target != NULL);
        pt_target_set(target, &mail->from);
        atomic_store(&path->target, target);
        pt_epoch_retire(&engine->epoch, old, free_target);
        char text[PT_ENDPOINT_TEXT_SIZE];
        pt_log_info(engine->options.log, "peer moved", "site=%u now=%s", mail->label,
                    pt_endpoint_format(&mail->from, text));
    }
}

/* Answer by our own direct path to where it came from, else by any. */
static void take_probe(struct pt_engine *engine, const struct pt_mail *mail, const struct pt_tunnel_control *control)
{
    const struct pt_tunnel_via via = {.link = mail->link, .remote = mail->from};
    struct pt_tunnel_control echo = *control;
    struct pt_path *chosen = NULL;
    echo.kind = PT_TUNNEL_ECHO;
    if (control->size != mail->size) {
        return;
    }
    for (uint32_t slot = 1; slot < PT_ENGINE_SLOTS; slot++) {
        struct pt_path *path = path_at(engine, slot);
        if (path != NULL && path->config.peer == mail->label && (chosen == NULL || is_from(path, &via))) {
            chosen = path;
        }
    }
    if (chosen != NULL) {
        send_control(chosen, &echo, PT_TUNNEL_CONTROL_SIZE);
    }
}

static void take_echo(struct pt_engine *engine, const struct pt_mail *mail, const struct pt_tunnel_control *control,
                      uint64_t now_ns)
{
    uint32_t slot = pt_be32(control->address);
    struct pt_path *path = slot < PT_ENGINE_SLOTS ? path_at(engine, slot) : NULL;
    if (path == NULL || path->config.peer != mail->label) {
        return;
    }
    uint32_t before = path->pmtu.found;
    pt_pmtu_echo(&path->pmtu, control->size, pt_be64(control->address + 4), now_ns);
    if (before != path->pmtu.found) {
        pt_log_info(engine->options.log, "path mtu", "slot=%u mtu=%u configured=%u", slot, path->pmtu.found,
                    path->config.mtu);
    }
}

void pt_control_take(struct pt_engine *engine, const struct pt_mail *mail, uint64_t now_ns)
{
    struct pt_tunnel_control control;
    size_t size = mail->size < sizeof(mail->message) ? mail->size : sizeof(mail->message);
    if (!pt_tunnel_control_read(mail->message, size, &control)) {
        return;
    }
    switch (control.kind) {
    case PT_TUNNEL_KEEPALIVE:
        take_keepalive(engine, mail, &control);
        break;
    case PT_TUNNEL_PROBE:
        take_probe(engine, mail, &control);
        break;
    case PT_TUNNEL_ECHO:
        take_echo(engine, mail, &control, now_ns);
        break;
    }
}
