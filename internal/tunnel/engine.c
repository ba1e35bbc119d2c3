/*
 * Life of the engine, configuration, and the loop's turn.
 *
 * A new configuration is compared with the one in force: a link with the same number, interface and address keeps its
 * sockets, a path that is the same in all keeps its object, a peer with the same key keeps its sessions. What goes is
 * taken out of the threads' sight first and freed when they have let go of it.
 *
 * A path that left the configuration goes on sealing for LINGER_NS, unless its link or peer is gone as well: the data
 * plane has decided for what waits in the device, and on a busy machine that may wait longer than it took to change the
 * configuration. Nothing else is sent by such a path, and its status is not told any more.
 */
#include "tunnel/engine.h"

#include "base/assert.h"
#include "base/buf.h"
#include "base/drop.h"
#include "crypto/crypto.h"
#include "sys/sys_uv.h"
#include "tunnel/engine_priv.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define DSCP_EF 46
#define TICK_MS 100
#define LINGER_NS 1000000000ULL
#define READ_AFTER_MS 2000ULL /* handshakes take a round trip; longer, and what waits in the device is of no use */

const char *pt_engine_drop_name(enum pt_engine_drop drop)
{
    return pt_drop_label(PT_DROP_LEN_MAX + (uint32_t)drop);
}

/* ---- the loop's turn ------------------------------------------------------------------------------------------ */

static void start_reading(struct pt_engine *engine);
static void forget_left(struct pt_engine *engine, uint64_t now_ns);

/* An engine that adopted no sessions lets packets wait in the device until the peers have new ones. */
static void tick_reading(struct pt_engine *engine, uint64_t now_ns)
{
    bool ready = true;
    for (const struct pt_peer *peer = engine->peer_list; peer != NULL; peer = peer->next) {
        ready = ready && (!peer->awaited || atomic_load(&peer->used) != NULL);
    }
    if (ready || now_ns >= engine->read_after_ns) {
        start_reading(engine);
    }
}

static void tick(struct pt_engine *engine)
{
    uint64_t now_ns = pt_sys_now_ns(engine->options.sys);
    if (!engine->running) {
        return;
    }
    pt_peers_tick(engine->peers, now_ns, (uint64_t)pt_sys_wall_ns(engine->options.sys));
    pt_control_tick(engine, now_ns);
    forget_left(engine, now_ns);
    pt_epoch_collect(&engine->epoch);
    if (!engine->reading) {
        tick_reading(engine, now_ns);
    }
}

static void on_timer(void *arg)
{
    tick(arg);
}

static void on_mail(void *arg)
{
    struct pt_engine *engine = arg;
    struct pt_mail mail;
    bool soon = false;
    while (recv(engine->mail_read, &mail, sizeof(mail), MSG_DONTWAIT) == (ssize_t)sizeof(mail)) {
        uint64_t now_ns = pt_sys_now_ns(engine->options.sys);
        if (mail.size == 0) {
            soon = true;
        } else if (mail.label != 0) {
            pt_control_take(engine, &mail, now_ns);
        } else {
            const struct pt_tunnel_via via = {.link = mail.link, .remote = mail.from};
            size_t size = mail.size < sizeof(mail.message) ? mail.size : sizeof(mail.message);
            pt_peers_receive(engine->peers, &via, mail.message, size, now_ns,
                             (uint64_t)pt_sys_wall_ns(engine->options.sys));
            soon = true;
        }
    }
    if (soon) {
        tick(engine);
    }
}

/* ---- configuration -------------------------------------------------------------------------------------------- */

static const struct pt_engine_link *wanted_link(const struct pt_engine_config *config, const struct pt_link *link)
{
    for (size_t i = 0; i < config->links_len; i++) {
        const struct pt_engine_link *wanted = &config->links[i];
        if (wanted->number == link->config.number && strcmp(wanted->interface, link->config.interface) == 0 &&
            pt_ip_equal(&wanted->address, &link->config.address) && config->port == link->port) {
            return wanted;
        }
    }
    return NULL;
}

static struct pt_peer *find_peer(const struct pt_engine *engine, uint32_t label)
{
    struct pt_peer *peer = engine->peer_list;
    while (peer != NULL && peer->label != label) {
        peer = peer->next;
    }
    return peer;
}

static bool wanted_peer(const struct pt_engine_config *config, const struct pt_peer *peer)
{
    size_t i = 0;
    while (i < config->peers_len && config->peers[i].label != peer->label) {
        i++;
    }
    return i < config->peers_len;
}

static void free_path(void *object)
{
    struct pt_path *path = object;
    free(atomic_load(&path->target));
    free(path);
}

static void remove_path(struct pt_engine *engine, uint32_t slot)
{
    struct pt_path *path = atomic_load(&engine->paths[slot]);
    if (path != NULL) {
        atomic_store(&engine->paths[slot], NULL);
        pt_epoch_retire(&engine->epoch, path, free_path);
    }
}

/* The configuration has no such path any more. */
static void leave_path(struct pt_engine *engine, const struct pt_engine_config *config, uint32_t slot)
{
    struct pt_path *path = atomic_load(&engine->paths[slot]);
    if (path == NULL || !wanted_peer(config, path->peer) ||
        atomic_load(&engine->link_table[path->config.link]) != path->link) {
        remove_path(engine, slot);
    } else if (path->left_ns == 0) {
        path->left_ns = pt_sys_now_ns(engine->options.sys);
        engine->left_until_ns = path->left_ns + LINGER_NS;
    }
}

static void forget_left(struct pt_engine *engine, uint64_t now_ns)
{
    for (uint32_t slot = 1; slot < PT_ENGINE_SLOTS && engine->left_until_ns != 0; slot++) {
        const struct pt_path *path = atomic_load(&engine->paths[slot]);
        if (path != NULL && path->left_ns != 0 && now_ns >= path->left_ns + LINGER_NS) {
            remove_path(engine, slot);
        }
    }
    engine->left_until_ns = now_ns < engine->left_until_ns ? engine->left_until_ns : 0;
}

static void fill_outer(struct pt_path *path)
{
    const struct pt_engine_path *config = &path->config;
    bool stack = config->stack_len > 0;
    const struct pt_geneve geneve = {.version_words = (uint8_t)(PT_STACK_SIZE(config->stack_len) / 4),
                                     .flags = stack ? PT_GENEVE_CRITICAL : 0,
                                     .protocol = htons(PT_SEALED_PROTOCOL)};
    const struct pt_geneve_option option = {.class = htons(PT_OPTION_CLASS),
                                            .type = PT_OPTION_PATH_STACK,
                                            .words =
                                                (uint8_t)(config->stack_len | (config->strict ? PT_OPTION_STRICT : 0))};
    memcpy(path->outer, &geneve, sizeof(geneve));
    path->outer_size = sizeof(geneve);
    if (stack) {
        memcpy(path->outer + path->outer_size, &option, sizeof(option));
        path->outer_size += sizeof(option);
    }
    for (uint32_t i = 0; i < config->stack_len; i++) {
        pt_put_be32(path->outer + path->outer_size, config->stack[i]);
        path->outer_size += 4;
    }
}

static unsigned greatest_common(unsigned a, unsigned b)
{
    return b == 0 ? a : greatest_common(b, a % b);
}

/*
 * Streams go round among paths and, on shaped links, queues: neighbours get different ones. Where there are not enough,
 * two share numbers, and only lose what one overtakes the other by more than the replay window. The step between paths
 * has no factor in common with the number of places, so that each place is the first of some path.
 */
static void take_streams(const struct pt_engine *engine, struct pt_path *path, unsigned turn)
{
    unsigned places = (PT_TUNNEL_STREAMS - 1) / engine->workers, step = PT_ENGINE_QUEUES;
    while (greatest_common(step, places) != 1) {
        step++;
    }
    for (unsigned i = 0; i < PT_ENGINE_QUEUES; i++) {
        path->streams[i] = (turn * step + i) % places * engine->workers;
    }
    for (unsigned i = 0; i < 64; i++) {
        path->config.queues[i] = path->config.queues[i] < PT_ENGINE_QUEUES ? path->config.queues[i] : 0;
    }
}

static void add_path(struct pt_engine *engine, const struct pt_engine_path *config, struct pt_link *link,
                     struct pt_peer *peer, unsigned turn)
{
    struct pt_path *path = calloc(1, sizeof(*path));
    struct pt_target *target = malloc(sizeof(*target));
    struct pt_path *old = atomic_load(&engine->paths[config->slot]);
    struct pt_endpoint endpoint = {.ip = config->remote, .port = link->port};
    pt_assert(path != NULL && target != NULL);
    path->config = *config;
    path->link = link;
    path->peer = peer;
    take_streams(engine, path, turn);
    pt_pmtu_init(&path->pmtu, config->mtu);
    if (old != NULL && pt_ip_equal(&old->config.remote, &config->remote) && old->config.peer == config->peer) {
        endpoint = atomic_load(&old->target)->endpoint; /* the peer is where it was found last */
        if (old->pmtu.found != 0 && old->pmtu.found <= config->mtu && old->config.mtu == config->mtu) {
            pt_pmtu_restore(&path->pmtu, old->pmtu.found, pt_sys_now_ns(engine->options.sys));
        }
    }
    pt_target_set(target, &endpoint);
    atomic_store(&path->target, target);
    fill_outer(path);
    atomic_store_explicit(&engine->paths[config->slot], path, memory_order_release);
    if (old != NULL) {
        pt_epoch_retire(&engine->epoch, old, free_path);
    }
}

static void configure_paths(struct pt_engine *engine, const struct pt_engine_config *config)
{
    bool *wanted = calloc(PT_ENGINE_SLOTS, sizeof(bool));
    pt_assert(wanted != NULL);
    for (size_t i = 0; i < config->paths_len; i++) {
        const struct pt_engine_path *path = &config->paths[i];
        if (path->slot == 0 || path->slot >= PT_ENGINE_SLOTS || path->stack_len > PT_STACK_LEN_MAX ||
            path->link > PT_ENGINE_LINKS_MAX) {
            continue;
        }
        struct pt_link *link = atomic_load(&engine->link_table[path->link]);
        struct pt_peer *peer = find_peer(engine, path->peer);
        if (link == NULL || peer == NULL) {
            continue; /* no socket, or no key of that site yet: packets for it are dropped and counted */
        }
        struct pt_path *old = atomic_load(&engine->paths[path->slot]);
        wanted[path->slot] = true;
        if (old == NULL || old->link != link || old->peer != peer || memcmp(&old->config, path, sizeof(*path)) != 0) {
            add_path(engine, path, link, peer, (unsigned)i);
        } else {
            old->left_ns = 0;
        }
    }
    for (uint32_t slot = 1; slot < PT_ENGINE_SLOTS; slot++) {
        if (!wanted[slot]) {
            leave_path(engine, config, slot);
        }
    }
    free(wanted);
}

static void add_peers(struct pt_engine *engine, const struct pt_engine_config *config)
{
    for (size_t i = 0; i < config->peers_len; i++) {
        if (find_peer(engine, config->peers[i].label) == NULL) {
            struct pt_peer *peer = calloc(1, sizeof(*peer));
            pt_assert(peer != NULL);
            peer->label = config->peers[i].label;
            peer->next = engine->peer_list;
            engine->peer_list = peer;
        }
    }
}

static void remove_peers(struct pt_engine *engine, const struct pt_engine_config *config)
{
    for (struct pt_peer **at = &engine->peer_list; *at != NULL;) {
        struct pt_peer *peer = *at;
        if (wanted_peer(config, peer)) {
            at = &peer->next;
        } else {
            *at = peer->next;
            pt_epoch_retire(&engine->epoch, peer, free);
        }
    }
}

enum pt_code pt_engine_configure(struct pt_engine *engine, const struct pt_engine_config *config,
                                 struct pt_error *reterr)
{
    enum pt_code result = PT_OK;
    struct pt_link *gone[PT_ENGINE_LINKS_MAX + 1];
    size_t gone_len = 0;
    bool have[PT_ENGINE_LINKS_MAX + 1] = {false};
    for (struct pt_link *link = engine->links; link != NULL; link = link->next) {
        if (wanted_link(config, link) == NULL) {
            gone[gone_len++] = link;
        } else {
            have[link->config.number] = true;
        }
    }
    for (size_t i = 0; i < gone_len; i++) { /* before the new ones: they may want the same address */
        pt_link_close(gone[i]);
    }
    for (size_t i = 0; i < config->links_len; i++) {
        const struct pt_engine_link *wanted = &config->links[i];
        struct pt_link *link;
        if (wanted->number == 0 || wanted->number > PT_ENGINE_LINKS_MAX) {
            result = pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "link", "numbers are 1..%d",
                             PT_ENGINE_LINKS_MAX);
        } else if (!have[wanted->number]) {
            enum pt_code code = pt_link_open(engine, wanted, config->port, &link, reterr);
            result = result == PT_OK ? code : result;
        }
    }
    add_peers(engine, config);
    configure_paths(engine, config);
    pt_peers_set_limits(engine->peers, config->rekey_after_ms != 0 ? config->rekey_after_ms : 120000,
                        config->rekey_volume_bytes != 0 ? config->rekey_volume_bytes : 64ULL << 30);
    pt_peers_set(engine->peers, config->peers, config->peers_len, pt_sys_now_ns(engine->options.sys));
    remove_peers(engine, config);
    tick(engine);
    return result;
}

/* ---- status --------------------------------------------------------------------------------------------------- */

const uint8_t *pt_engine_public_key(const struct pt_engine *engine)
{
    return pt_peers_public_key(engine->peers);
}

uint32_t pt_engine_device_index(const struct pt_engine *engine)
{
    return engine->device_index;
}

static void add_counters(struct pt_engine_counters *sum, const struct pt_engine_counters *part)
{
    const uint64_t *from = (const uint64_t *)part;
    uint64_t *to = (uint64_t *)sum;
    for (size_t i = 0; i < sizeof(*sum) / sizeof(uint64_t); i++) {
        to[i] += __atomic_load_n(&from[i], __ATOMIC_RELAXED);
    }
}

void pt_engine_counters(const struct pt_engine *engine, struct pt_engine_counters *ret_counters)
{
    *ret_counters = engine->before;
    for (unsigned i = 0; i < engine->workers; i++) {
        add_counters(ret_counters, &engine->out[i].counters);
        add_counters(ret_counters, &engine->in[i].counters);
    }
}

size_t pt_engine_peers(const struct pt_engine *engine, struct pt_peer_status *ret_status, size_t len_max)
{
    return pt_peers_status(engine->peers, ret_status, len_max);
}

size_t pt_engine_paths(const struct pt_engine *engine, struct pt_engine_path_status *ret_status, size_t len_max)
{
    size_t len = 0;
    for (uint32_t slot = 1; slot < PT_ENGINE_SLOTS; slot++) {
        struct pt_path *path = atomic_load(&engine->paths[slot]);
        if (path != NULL && path->left_ns == 0) {
            if (len < len_max) {
                ret_status[len] = (struct pt_engine_path_status){
                    .slot = slot, .mtu = path->pmtu.found, .remote = atomic_load(&path->target)->endpoint};
            }
            len++;
        }
    }
    return len;
}

/* ---- life ----------------------------------------------------------------------------------------------------- */

static void worker_start(struct pt_engine *engine, struct pt_worker *worker, unsigned number, bool in)
{
    worker->engine = engine;
    worker->number = number;
    worker->reader = 2 * number + (in ? 1 : 0);
    worker->tap = engine->taps[number];
    worker->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    worker->epoll = -1;
    pt_assert(worker->wake >= 0);
    if (in) {
        struct epoll_event event = {.events = EPOLLIN};
        worker->epoll = epoll_create1(EPOLL_CLOEXEC);
        pt_assert(worker->epoll >= 0 && epoll_ctl(worker->epoll, EPOLL_CTL_ADD, worker->wake, &event) == 0);
        for (struct pt_link *link = engine->links; link != NULL; link = link->next) {
            pt_link_watch(link, worker);
        }
    }
    pt_assert(pthread_create(&worker->thread, NULL, in ? pt_engine_in_run : pt_engine_out_run, worker) == 0);
    worker->started = true;
}

static void worker_stop(struct pt_worker *worker)
{
    const uint64_t one = 1;
    if (!worker->started) {
        return;
    }
    (void)!write(worker->wake, &one, sizeof(one));
    (void)pthread_join(worker->thread, NULL);
    (void)close(worker->wake);
    if (worker->epoll >= 0) {
        (void)close(worker->epoll);
    }
    worker->started = false;
}

static void start_reading(struct pt_engine *engine)
{
    for (unsigned i = 0; i < engine->workers; i++) {
        worker_start(engine, &engine->out[i], i, false);
    }
    engine->reading = true;
}

void pt_engine_start(struct pt_engine *engine)
{
    pt_assert(!engine->running);
    atomic_store(&engine->stopping, false);
    engine->running = true;
    for (unsigned i = 0; i < engine->workers; i++) {
        worker_start(engine, &engine->in[i], i, true);
    }
    if (engine->read_after_ns == 0) {
        start_reading(engine);
    } else {
        engine->read_after_ns = pt_sys_now_ns(engine->options.sys) + READ_AFTER_MS * 1000000;
    }
    pt_timer_start(engine->timer, TICK_MS, TICK_MS);
    tick(engine);
}

void pt_engine_pause(struct pt_engine *engine)
{
    pt_assert(engine->running);
    pt_timer_stop(engine->timer);
    atomic_store(&engine->stopping, true);
    for (unsigned i = 0; i < engine->workers; i++) {
        worker_stop(&engine->out[i]);
        worker_stop(&engine->in[i]);
    }
    on_mail(engine); /* what they had handed to us */
    engine->running = engine->reading = false;
}

static unsigned choose_workers(unsigned asked)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned workers = asked != 0 ? asked : cpus > 2 ? (unsigned)cpus / 2 : 1;
    return workers < PT_ENGINE_WORKERS_MAX ? workers : PT_ENGINE_WORKERS_MAX;
}

static enum pt_code open_device(struct pt_engine *engine, struct pt_error *reterr)
{
    const struct pt_engine_options *options = &engine->options;
    memset(engine->taps, -1, sizeof(engine->taps));
    if (options->adopt == NULL) {
        return pt_tap_open(options->device, engine->taps, engine->workers, &engine->device_index, reterr);
    }
    return pt_engine_adopt_device(engine) ? PT_OK
                                          : pt_fail(reterr, PT_CORRUPT, PT_REASON_NONE, options->device,
                                                    "the process before this one handed over no device");
}

static void close_taps(struct pt_engine *engine)
{
    for (unsigned i = 0; i < engine->workers; i++) {
        if (engine->taps[i] >= 0) {
            (void)close(engine->taps[i]);
        }
    }
}

enum pt_code pt_engine_open(const struct pt_engine_options *options, struct pt_engine **ret_engine,
                            struct pt_error *reterr)
{
    struct pt_engine *engine = aligned_alloc(64, (sizeof(*engine) + 63) / 64 * 64);
    int mail[2];
    pt_assert(engine != NULL);
    memset(engine, 0, sizeof(*engine));
    engine->options = *options;
    engine->workers = choose_workers(options->workers);
    enum pt_code code = open_device(engine, reterr);
    if (code == PT_OK && socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, mail) != 0) {
        code = pt_fail_errno(reterr, errno, options->device, "no socket pair between the tunnel's threads");
    }
    if (code != PT_OK) {
        close_taps(engine);
        pt_memory_clear(engine, sizeof(*engine));
        free(engine);
        return code;
    }
    engine->mail_read = mail[0];
    engine->mail_write = mail[1];
    engine->paths = calloc(PT_ENGINE_SLOTS, sizeof(*engine->paths));
    pt_assert(engine->paths != NULL);
    struct pt_peers_options peers = {.ops = &pt_engine_peers_ops, .arg = engine};
    memcpy(peers.private_key, options->private_key, sizeof(peers.private_key));
    engine->peers = pt_peers_new(&peers);
    pt_memory_clear(&peers, sizeof(peers));
    pt_memory_clear(engine->options.private_key, sizeof(engine->options.private_key));
    pt_epoch_init(&engine->epoch, 2 * (size_t)engine->workers);
    engine->mail_watch = pt_sys_uv_watch(options->sys, engine->mail_read, on_mail, engine);
    engine->timer = pt_timer_new(options->sys, on_timer, engine);
    if (options->adopt != NULL) {
        pt_engine_adopt(engine);
        engine->options.adopt = NULL; /* the caller's */
    } else {
        pt_engine_start(engine);
    }
    *ret_engine = engine;
    return PT_OK;
}

void pt_engine_close(struct pt_engine *engine)
{
    if (engine == NULL) {
        return;
    }
    if (engine->running) {
        pt_engine_pause(engine);
    }
    pt_timer_free(engine->timer);
    pt_sys_uv_unwatch(engine->mail_watch);
    for (uint32_t slot = 1; slot < PT_ENGINE_SLOTS; slot++) {
        remove_path(engine, slot);
    }
    pt_peers_free(engine->peers);
    const struct pt_engine_config none = {0};
    remove_peers(engine, &none);
    while (engine->links != NULL) {
        pt_link_close(engine->links);
    }
    pt_epoch_fini(&engine->epoch);
    close_taps(engine);
    (void)close(engine->mail_read);
    (void)close(engine->mail_write);
    free(engine->paths);
    free(engine);
}

void pt_engine_streams(struct pt_engine *engine,
                       void (*fn)(void *arg, uint32_t label, const uint64_t *received, const uint64_t *expected),
                       void *arg)
{
    pt_session_note_streams(engine);
    for (const struct pt_peer *peer = engine->peer_list; peer != NULL; peer = peer->next) {
        if (peer->noted) {
            fn(arg, peer->label, peer->received, peer->expected);
        }
    }
}

unsigned pt_engine_path_streams(const struct pt_engine *engine, uint8_t *ret_first)
{
    for (uint32_t slot = 0; slot < PT_ENGINE_SLOTS; slot++) {
        const struct pt_path *path = atomic_load_explicit(&engine->paths[slot], memory_order_relaxed);
        /* EF's queue: what a full queue here throws away is no loss of the path, and this one is the last to be full.
         */
        ret_first[slot] = path != NULL ? (uint8_t)path->streams[path->config.queues[DSCP_EF]] : PT_ENGINE_NO_STREAM;
    }
    return engine->workers;
}

size_t pt_engine_moved(const struct pt_engine *engine, struct pt_engine_moved *ret_moved, size_t len_max)
{
    size_t len = 0;
    for (uint32_t slot = 1; slot < PT_ENGINE_SLOTS; slot++) {
        /* Paths and targets are replaced on the loop alone, and this runs there. */
        const struct pt_path *path = atomic_load_explicit(&engine->paths[slot], memory_order_relaxed);
        const struct pt_target *target = path != NULL ? atomic_load(&path->target) : NULL;
        if (target == NULL ||
            (target->endpoint.port == path->link->port && pt_ip_equal(&target->endpoint.ip, &path->config.remote))) {
            continue;
        }
        if (len < len_max) {
            ret_moved[len] = (struct pt_engine_moved){.slot = slot, .ip = target->endpoint.ip};
        }
        len++;
    }
    return len;
}
