/*
 * The agent's side of encrypted tunnels.
 *
 * Each second: ask the tunnel process how it is. When nobody answers, start one and dial again. When it runs another
 * program than we do, start ours, which takes its place and loses nothing (tunnel/door_take.c); only one that is of
 * another version and still there START_TRIES later is stopped. What a process was told before it went, a new one is
 * told again: the last bundle stands here.
 *
 * The order that keeps packets safe: the device goes into the data plane's map only once it exists, and the bundle's
 * sealed paths drop until then. Nothing is ever sent plain for want of a tunnel.
 */
#include "agent/tunnel.h"

#include "agent/shape.h"
#include "base/assert.h"
#include "base/map.h"
#include "patronus/v1/te.pb-c.h"
#include "sys/sys_uv.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define TICK_MS 1000
#define START_MS 50 /* between looks at a process that was just started */
#define START_TRIES 40
#define REPLACE_TRIES 5 /* of a program that does not manage to take over */

extern char **environ;

struct path_link { /* what a path of the bundle is to the tunnel process */
    uint64_t id;
    uint32_t slot, peer;
};

struct watched { /* what is known of a path that the process watches */
    struct pt_live_status status;
};

struct pt_agent_tunnel {
    struct pt_agent_tunnel_options options;
    char socket[600];
    struct pt_door_program program; /* that the process should run */
    int fd;                         /* -1: nobody answers */
    unsigned tries_left, replaced;  /* replaced: how often ours was started to take the place of another program */
    struct pt_timer *timer;
    struct pt_bundle *bundle; /* NULL: none yet */
    bool told;                /* the process knows the bundle */
    uint64_t configured;      /* hash of what it was configured with; 0: not known */
    struct pt_stamp_target stamps[PT_STAMP_TARGETS_MAX];
    bool stamps_told;
    uint32_t device_index;
    bool has_key;
    uint8_t public_key[PT_X25519_SIZE];
    struct path_link *paths; /* ascending by id */
    size_t paths_len;
    struct pt_door_report report; /* newest */
    struct pt_agent_tunnel_watcher watcher;
    struct watched *watched; /* ascending by path; those that have a session, of the newest report */
    size_t watched_len;
    int changes[2]; /* from the process: ours, its; -1: none */
    struct pt_fd_watch *changes_watch;
    char last_error[PT_ERROR_TEXT_SIZE];
};

/* ---- the process ---------------------------------------------------------------------------------------------- */

/* The child that is waited for ends at once; the tunnel goes on in a session of its own, so that what is sent to the
 * agent's process group does not reach it. */
static void start_process(const struct pt_agent_tunnel *tunnel)
{
    const struct pt_agent_tunnel_options *o = &tunnel->options;
    char name[] = "patronusd", command[] = "tunnel", data[] = "--data", level[] = "--log-level";
    char format[] = "--log-format", text[] = "text", json[] = "json";
    char *const arguments[] = {name,   command,
                               data,   (char *)(uintptr_t)o->data,
                               level,  (char *)(uintptr_t)o->log_level,
                               format, o->log != NULL && o->log->json ? json : text,
                               NULL};
    pid_t child;
    int number =
        posix_spawn(&child, o->program != NULL ? o->program : "/proc/self/exe", NULL, NULL, arguments, environ);
    if (number != 0) {
        pt_log_error(o->log, "tunnel process not started", "reason=\"%s\"", strerror(number));
        return;
    }
    (void)waitpid(child, NULL, 0); /* it forks and ends */
    pt_log_info(o->log, "tunnel process started", "data=%s", o->data);
}

static void hang_up(struct pt_agent_tunnel *tunnel)
{
    if (tunnel->fd >= 0) {
        (void)close(tunnel->fd);
    }
    tunnel->fd = -1;
    tunnel->told = tunnel->stamps_told = false;
    tunnel->configured = 0;
}

/* Nobody watches the paths any more. */
static void lose(struct pt_agent_tunnel *tunnel)
{
    size_t len = tunnel->watched_len;
    tunnel->watched_len = 0; /* before anybody asks */
    for (size_t i = 0; i < len; i++) {
        if (tunnel->watched[i].status.known && tunnel->watcher.on_lost != NULL) {
            tunnel->watcher.on_lost(tunnel->watcher.arg, tunnel->watched[i].status.path);
        }
    }
}

static void complain(struct pt_agent_tunnel *tunnel, const char *event, const struct pt_error *error)
{
    if (strcmp(tunnel->last_error, error->text) != 0) { /* once, not each second */
        pt_log_warn(tunnel->options.log, event, "place=%s reason=\"%s\"", error->field, error->text);
        (void)snprintf(tunnel->last_error, sizeof(tunnel->last_error), "%s", error->text);
    }
}

/* ---- liveness ------------------------------------------------------------------------------------------------- */

static struct watched *find_watched(const struct pt_agent_tunnel *tunnel, uint64_t path_id)
{
    size_t low = 0, high = tunnel->watched_len;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (tunnel->watched[middle].status.path < path_id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < tunnel->watched_len && tunnel->watched[low].status.path == path_id ? &tunnel->watched[low] : NULL;
}

static void take_change(struct pt_agent_tunnel *tunnel, struct watched *watched, bool alive)
{
    if (watched->status.known && watched->status.alive == alive) {
        return; /* known already: by a report, or told again after a configuration */
    }
    watched->status.known = true;
    watched->status.alive = alive;
    if (tunnel->watcher.on_change != NULL) {
        tunnel->watcher.on_change(tunnel->watcher.arg, watched->status.path, alive);
    }
}

static void on_changes(void *arg)
{
    struct pt_agent_tunnel *tunnel = arg;
    struct pt_door_change change;
    while (recv(tunnel->changes[0], &change, sizeof(change), MSG_DONTWAIT) == (ssize_t)sizeof(change)) {
        struct watched *watched = find_watched(tunnel, change.path);
        if (watched != NULL) { /* else the next report brings it */
            take_change(tunnel, watched, change.alive != 0);
        }
    }
}

/* Replace what is known by a report; what changed without our hearing of it is told now. */
static void take_lives(struct pt_agent_tunnel *tunnel)
{
    size_t len = tunnel->report.status.lives_len, old_len = tunnel->watched_len;
    struct watched *old = tunnel->watched;
    tunnel->watched = calloc(len + 1, sizeof(*tunnel->watched));
    pt_assert(tunnel->watched != NULL);
    tunnel->watched_len = len;
    for (size_t i = 0, j = 0; i < len; i++) {
        const struct pt_live_status *now = &tunnel->report.lives[i];
        while (j < old_len && old[j].status.path < now->path) {
            j++;
        }
        bool was_known = j < old_len && old[j].status.path == now->path && old[j].status.known;
        tunnel->watched[i].status = *now;
        tunnel->watched[i].status.known = was_known;
        tunnel->watched[i].status.alive = was_known && old[j].status.alive;
    }
    free(old);
    for (size_t i = 0; i < len; i++) {
        if (tunnel->report.lives[i].known) {
            take_change(tunnel, &tunnel->watched[i], tunnel->report.lives[i].alive);
        }
    }
}

void pt_agent_tunnel_watch(struct pt_agent_tunnel *tunnel, const struct pt_agent_tunnel_watcher *watcher)
{
    tunnel->watcher = *watcher;
}

bool pt_agent_tunnel_live(const struct pt_agent_tunnel *tunnel, uint64_t path_id, struct pt_live_status *ret_status)
{
    const struct watched *watched = find_watched(tunnel, path_id);
    if (watched == NULL || !watched->status.known) {
        return false;
    }
    if (ret_status != NULL) {
        *ret_status = watched->status;
    }
    return true;
}

/* ---- what it is told ------------------------------------------------------------------------------------------ */

struct config {
    struct pt_engine_link *links;
    struct pt_engine_path *paths;
    struct pt_live_path *watched;
    struct pt_peer_entry *peers;
    struct path_link *sealed;
    struct pt_live_sla slas[PT_SLA_PROFILES_MAX];
    size_t links_len, paths_len, watched_len, peers_len, sealed_len, slas_len;
    uint32_t label;                                                 /* of this site */
    const Patronus__V1__LinkEntry *shaped[PT_ENGINE_LINKS_MAX + 1]; /* by number; NULL: not shaped */
};

static void config_init(struct config *config, size_t entries_len)
{
    *config = (struct config){.links = calloc(entries_len + 1, sizeof(*config->links)),
                              .paths = calloc(entries_len + 1, sizeof(*config->paths)),
                              .watched = calloc(entries_len + 1, sizeof(*config->watched)),
                              .peers = calloc(entries_len + 1, sizeof(*config->peers)),
                              .sealed = calloc(entries_len + 1, sizeof(*config->sealed))};
    pt_assert(config->links != NULL && config->paths != NULL && config->watched != NULL && config->peers != NULL &&
              config->sealed != NULL);
}

static void config_fini(struct config *config)
{
    free(config->links);
    free(config->paths);
    free(config->watched);
    free(config->peers);
    free(config->sealed);
}

static const Patronus__V1__TunnelEntry *find_tunnel(const struct pt_map *tunnels, uint64_t id)
{
    uint8_t key[8];
    pt_put_be64(key, id);
    return pt_map_get(tunnels, key, sizeof(key));
}

/* The sites of a path are our own, the tunnel's far end, and the stack. An answer goes to the one before the last by
 * its outer address, so its stack is the rest, backwards, down to us. */
static void add_watched(struct config *config, const Patronus__V1__PathEntry *entry,
                        const Patronus__V1__TunnelEntry *first, uint32_t slot)
{
    uint32_t sites[PT_STACK_LEN_MAX + 2] = {config->label, first->remote_site};
    struct pt_live_path *path = &config->watched[config->watched_len++];
    *path = (struct pt_live_path){.id = entry->path,
                                  .slot = slot,
                                  .peer = entry->destination,
                                  .link = first->link,
                                  .stack_len = (uint16_t)entry->n_stack,
                                  .strict = entry->strict ? 1 : 0,
                                  .back_len = (uint32_t)entry->n_stack};
    memcpy(path->remote.bytes, first->remote.data, sizeof(path->remote.bytes));
    for (uint32_t i = 0; i < path->stack_len; i++) {
        path->stack[i] = sites[i + 2] = entry->stack[i];
    }
    for (uint32_t i = 0; i < path->back_len; i++) {
        path->back[i] = sites[path->stack_len - 1 - i];
    }
}

/* Queues of the path's first link as the tunnel numbers them: STANDARD is 0 there, as on a link that is not shaped. */
static void add_queues(const struct config *config, struct pt_engine_path *path)
{
    const Patronus__V1__LinkEntry *link = path->link <= PT_ENGINE_LINKS_MAX ? config->shaped[path->link] : NULL;
    const uint32_t standard = PATRONUS__V1__TRAFFIC_CLASS__STANDARD;
    _Static_assert(PT_SHAPE_CLASSES == PT_ENGINE_QUEUES, "a class is a queue");
    for (uint32_t dscp = 0; link != NULL && dscp < 64; dscp++) {
        uint32_t class = pt_shape_class_of(link, dscp);
        path->queues[dscp] = (uint8_t)(class == standard ? 0 : class == 0 ? standard : class);
    }
}

static void add_path(struct pt_agent_tunnel *tunnel, struct config *config, const struct pt_map *tunnels,
                     const Patronus__V1__PathEntry *entry)
{
    const Patronus__V1__TunnelEntry *first = find_tunnel(tunnels, entry->tunnel);
    uint32_t slot = tunnel->options.dp->ops->path_slot(tunnel->options.dp, entry->path);
    if (first == NULL || slot == 0 || first->remote.len != 16 || entry->n_stack > PT_STACK_LEN_MAX) {
        return;
    }
    add_watched(config, entry, first, slot);
    if (!entry->sealed) {
        return;
    }
    uint32_t overhead = PT_TUNNEL_OVERHEAD + PT_STACK_SIZE((uint32_t)entry->n_stack);
    if (first->mtu <= overhead) {
        return;
    }
    struct pt_engine_path *path = &config->paths[config->paths_len++];
    uint32_t mtu = first->mtu - overhead;
    *path = (struct pt_engine_path){.slot = slot,
                                    .peer = entry->destination,
                                    .link = first->link,
                                    .mtu = entry->mtu != 0 && entry->mtu < mtu ? entry->mtu : mtu,
                                    .stack_len = (uint16_t)entry->n_stack,
                                    .strict = entry->strict ? 1 : 0};
    memcpy(path->remote.bytes, first->remote.data, sizeof(path->remote.bytes));
    if (entry->n_stack > 0) { /* without labels there is no array, and memcpy must not see NULL */
        memcpy(path->stack, entry->stack, entry->n_stack * sizeof(uint32_t));
    }
    add_queues(config, path);
    config->sealed[config->sealed_len++] =
        (struct path_link){.id = entry->path, .slot = slot, .peer = entry->destination};
}

static void add_sla(struct pt_agent_tunnel *tunnel, struct config *config, const Patronus__V1__SlaEntry *entry)
{
    int number = tunnel->options.dp->ops->sla_number(tunnel->options.dp, entry->sla);
    if (number < 0 || config->slas_len == PT_SLA_PROFILES_MAX) {
        return; /* no group asks for it */
    }
    struct pt_live_sla *sla = &config->slas[config->slas_len++];
    sla->number = (uint32_t)number;
    sla->profile = (struct pt_sla_profile){.bounds_loss = (entry->bounds & 1) != 0,
                                           .bounds_rtt = (entry->bounds & 2) != 0,
                                           .bounds_jitter = (entry->bounds & 4) != 0,
                                           .bounds_mos = (entry->bounds & 8) != 0,
                                           .loss_ppm_max = entry->loss_ppm_max,
                                           .rtt_us_max = entry->rtt_us_max,
                                           .jitter_us_max = entry->jitter_us_max,
                                           .mos_milli_min = entry->mos_milli_min,
                                           .window_ms = entry->window_ms,
                                           .fast_down_ms = entry->fast_down_ms,
                                           .slow_up_ms = entry->slow_up_ms,
                                           .half_life_ms = entry->half_life_ms};
    pt_sla_profile_clamp(&sla->profile);
}

static void add_entry(struct pt_agent_tunnel *tunnel, struct config *config, struct pt_map *tunnels,
                      const Patronus__V1__Entry *entry)
{
    uint8_t key[8];
    switch (entry->entry_case) {
    case PATRONUS__V1__ENTRY__ENTRY_NODE: /* stands first */
        config->label = entry->node->site_label;
        break;
    case PATRONUS__V1__ENTRY__ENTRY_LINK:
        if (entry->link->address.len == 16 && if_nametoindex(entry->link->interface) != 0) {
            struct pt_engine_link *link = &config->links[config->links_len++];
            *link = (struct pt_engine_link){.number = entry->link->link, .rate_bps = entry->link->rate_bps};
            (void)snprintf(link->interface, sizeof(link->interface), "%.15s", entry->link->interface);
            memcpy(link->address.bytes, entry->link->address.data, 16);
            if (link->number <= PT_ENGINE_LINKS_MAX && entry->link->rate_bps != 0) {
                config->shaped[link->number] = entry->link;
            }
        }
        break;
    case PATRONUS__V1__ENTRY__ENTRY_TUNNEL:
        pt_put_be64(key, entry->tunnel->tunnel);
        (void)pt_map_put(tunnels, key, sizeof(key), entry->tunnel);
        break;
    case PATRONUS__V1__ENTRY__ENTRY_PATH: /* tunnels stand before paths */
        add_path(tunnel, config, tunnels, entry->path);
        break;
    case PATRONUS__V1__ENTRY__ENTRY_PEER:
        if (entry->peer->public_key.len == PT_X25519_SIZE && pt_cipher_known(entry->peer->cipher) &&
            config->peers_len < PT_PEERS_MAX) {
            struct pt_peer_entry *peer = &config->peers[config->peers_len++];
            *peer =
                (struct pt_peer_entry){.label = entry->peer->site_label, .cipher = (enum pt_cipher)entry->peer->cipher};
            memcpy(peer->public_key, entry->peer->public_key.data, PT_X25519_SIZE);
        }
        break;
    case PATRONUS__V1__ENTRY__ENTRY_SLA:
        add_sla(tunnel, config, entry->sla);
        break;
    default:
        break;
    }
}

static void tell_watch(struct pt_agent_tunnel *tunnel, const struct config *config)
{
    struct pt_error error = {0};
    const struct pt_live_config live = {.label = config->label,
                                        .links = config->links,
                                        .links_len = config->links_len,
                                        .paths = config->watched,
                                        .paths_len = config->watched_len,
                                        .peers = config->peers,
                                        .peers_len = config->peers_len,
                                        .slas = config->slas,
                                        .slas_len = config->slas_len};
    struct pt_dp *dp = tunnel->options.dp;
    int fds[PT_DOOR_FDS_LEN] = {[PT_DOOR_FD_STATE] = dp->ops->state_map(dp), [PT_DOOR_FD_CHANGES] = tunnel->changes[1]};
    if (!tunnel->options.liveness || fds[PT_DOOR_FD_STATE] < 0 || tunnel->changes[1] < 0 ||
        !dp->ops->sla_maps(dp, &fds[PT_DOOR_FD_SLA], &fds[PT_DOOR_FD_EPOCH])) {
        return;
    }
    if (pt_door_watch(tunnel->fd, &live, fds, &error) != PT_OK) {
        complain(tunnel, "paths not watched", &error);
        tunnel->told = false;
    }
}

static uint64_t hash_config(const struct config *config)
{
    const uint64_t parts[] = {config->links_len,
                              config->paths_len,
                              config->peers_len,
                              pt_hash(config->links, config->links_len * sizeof(*config->links)),
                              pt_hash(config->paths, config->paths_len * sizeof(*config->paths)),
                              pt_hash(config->peers, config->peers_len * sizeof(*config->peers))};
    return pt_hash(parts, sizeof(parts)) | 1;
}

/* Nothing is said when it would be the same again: most bundles change neither links nor paths nor peers, and before a
 * flip packets wait for the answer. */
static enum pt_code configure(struct pt_agent_tunnel *tunnel, const struct config *config)
{
    struct pt_error error = {0};
    uint64_t hash = hash_config(config);
    if (hash == tunnel->configured) {
        return PT_OK;
    }
    const struct pt_engine_config wanted = {.port = PT_SEALED_PORT,
                                            .links = config->links,
                                            .links_len = config->links_len,
                                            .paths = config->paths,
                                            .paths_len = config->paths_len,
                                            .peers = config->peers,
                                            .peers_len = config->peers_len};
    enum pt_code code = pt_door_configure(tunnel->fd, &wanted, &error);
    if (code == PT_UNAVAILABLE) { /* another process may have taken its place, and its socket, just now */
        hang_up(tunnel);
        code = pt_door_dial(tunnel->socket, &tunnel->fd, &error);
        code = code == PT_OK ? pt_door_configure(tunnel->fd, &wanted, &error) : code;
    }
    tunnel->configured = code == PT_OK ? hash : 0;
    if (code != PT_OK) {
        tunnel->told = false;
        complain(tunnel, "tunnel not configured", &error);
        if (code == PT_UNAVAILABLE || code == PT_FAILED_PRECONDITION) {
            hang_up(tunnel);
        }
    }
    return code;
}

/* Tell the process what the bundle says. */
static void tell(struct pt_agent_tunnel *tunnel)
{
    size_t len = 0;
    const Patronus__V1__Entry *const *entries = pt_bundle_entries(tunnel->bundle, &len);
    struct config config;
    struct pt_map tunnels;
    config_init(&config, len);
    pt_map_init(&tunnels);
    for (size_t i = 0; i < len; i++) {
        add_entry(tunnel, &config, &tunnels, entries[i]);
    }
    free(tunnel->paths);
    tunnel->paths = config.sealed;
    tunnel->paths_len = config.sealed_len;
    config.sealed = NULL;
    if (configure(tunnel, &config) == PT_OK) {
        tunnel->told = true;
        tell_watch(tunnel, &config);
    }
    pt_map_fini(&tunnels);
    config_fini(&config);
}

/* Once to each process, also that there are none: it may have been told otherwise by an agent before this one. */
static void tell_stamps(struct pt_agent_tunnel *tunnel)
{
    struct pt_error error = {0};
    tunnel->stamps_told = true;
    if (pt_door_stamp(tunnel->fd, tunnel->stamps, tunnel->options.stamps_len, &error) != PT_OK) {
        complain(tunnel, "reflectors not measured", &error);
    }
}

/* What the entry is to the process: entries of two bundles with the same key are two versions of one thing. */
static size_t process_key(const Patronus__V1__Entry *entry, uint8_t key[9])
{
    uint64_t id = 0;
    key[0] = (uint8_t)entry->entry_case;
    switch (entry->entry_case) {
    case PATRONUS__V1__ENTRY__ENTRY_LINK:
        id = entry->link->link;
        break;
    case PATRONUS__V1__ENTRY__ENTRY_PATH:
        id = entry->path->path;
        break;
    case PATRONUS__V1__ENTRY__ENTRY_PEER:
        id = entry->peer->site_label;
        break;
    default:
        break; /* the node, of which there is one; tunnels, which both may have; and what the process never sees */
    }
    pt_put_be64(key + 1, id);
    return 9;
}

/* Add what stands in `bundle` and not in `known`. Its tunnels are taken in any case: its paths begin with them. */
static void add_others(struct pt_agent_tunnel *tunnel, struct config *config, struct pt_map *tunnels,
                       const struct pt_bundle *bundle, struct pt_map *known)
{
    size_t len = 0;
    const Patronus__V1__Entry *const *entries = pt_bundle_entries(bundle, &len);
    for (size_t i = 0; i < len; i++) {
        uint8_t key[9];
        size_t size = process_key(entries[i], key);
        bool is_tunnel = entries[i]->entry_case == PATRONUS__V1__ENTRY__ENTRY_TUNNEL;
        if (is_tunnel || pt_map_put(known, key, size, tunnel) == NULL) {
            add_entry(tunnel, config, tunnels, entries[i]);
        }
    }
}

void pt_agent_tunnel_prepare(struct pt_agent_tunnel *tunnel, const struct pt_bundle *next)
{
    if (tunnel->fd < 0 || tunnel->bundle == NULL || !tunnel->told) {
        return; /* it knows nothing that could be kept */
    }
    size_t len = 0;
    size_t next_len = 0;
    (void)pt_bundle_entries(tunnel->bundle, &len);
    (void)pt_bundle_entries(next, &next_len);
    struct config config;
    struct pt_map tunnels;
    struct pt_map known;
    config_init(&config, len + next_len);
    pt_map_init(&tunnels);
    pt_map_init(&known);
    add_others(tunnel, &config, &tunnels, next, &known);
    add_others(tunnel, &config, &tunnels, tunnel->bundle, &known);
    (void)configure(tunnel, &config);
    pt_map_fini(&known);
    pt_map_fini(&tunnels);
    config_fini(&config);
}

/* ---- each second ---------------------------------------------------------------------------------------------- */

static const struct pt_engine_path_status *status_of(const struct pt_agent_tunnel *tunnel, uint32_t slot)
{
    for (uint32_t i = 0; i < tunnel->report.status.paths_len; i++) {
        if (tunnel->report.paths[i].slot == slot) {
            return &tunnel->report.paths[i];
        }
    }
    return NULL;
}

/* The process answered: take its device and what it found out. */
static void take_report(struct pt_agent_tunnel *tunnel, struct pt_door_report *report)
{
    struct pt_dp *dp = tunnel->options.dp;
    struct pt_error error = {0};
    pt_door_report_fini(&tunnel->report);
    tunnel->report = *report;
    memcpy(tunnel->public_key, report->status.public_key, sizeof(tunnel->public_key));
    take_lives(tunnel);
    tunnel->has_key = true;
    if (tunnel->device_index != report->status.device_index) {
        if (dp->ops->set_tunnel(dp, report->status.device_index, &error) == PT_OK) {
            tunnel->device_index = report->status.device_index;
        } else {
            complain(tunnel, "tunnel device not attached", &error);
        }
    }
    for (size_t i = 0; i < tunnel->paths_len; i++) {
        const struct pt_engine_path_status *path = status_of(tunnel, tunnel->paths[i].slot);
        if (path != NULL) {
            dp->ops->set_path_mtu(dp, tunnel->paths[i].id, path->mtu);
        }
    }
}

static enum pt_code dial_and_ask(struct pt_agent_tunnel *tunnel, struct pt_door_report *ret_report)
{
    if (tunnel->fd < 0) {
        PT_TRY(pt_door_dial(tunnel->socket, &tunnel->fd, NULL));
    }
    enum pt_code code = pt_door_report(tunnel->fd, ret_report, NULL);
    if (code != PT_OK) {
        hang_up(tunnel);
    }
    return code;
}

/* PT_OK: the process is there and of our version. PT_FAILED_PRECONDITION: of another one. Else nobody answers. */
static enum pt_code look(struct pt_agent_tunnel *tunnel, bool *ret_ours)
{
    struct pt_door_report report;
    bool was_there = tunnel->fd >= 0;
    enum pt_code code = dial_and_ask(tunnel, &report);
    if (code == PT_UNAVAILABLE && was_there) { /* another one may have taken its place, and its socket, just now */
        code = dial_and_ask(tunnel, &report);
    }
    *ret_ours = false;
    if (code != PT_OK) {
        lose(tunnel);
        return code;
    }
    *ret_ours = memcmp(&report.status.program, &tunnel->program, sizeof(tunnel->program)) == 0;
    take_report(tunnel, &report);
    if (tunnel->bundle != NULL && !tunnel->told) {
        tell(tunnel);
    }
    if (tunnel->fd >= 0 && !tunnel->stamps_told) {
        tell_stamps(tunnel);
    }
    return tunnel->fd >= 0 ? PT_OK : PT_UNAVAILABLE;
}

/* Ours is to take the place of who is there. Where that fails again and again, leave it: it works as it is. */
static void replace(struct pt_agent_tunnel *tunnel, bool answers)
{
    int fd;
    if (!answers && tunnel->replaced > 0 && pt_door_dial(tunnel->socket, &fd, NULL) == PT_OK) {
        pt_log_warn(tunnel->options.log, "tunnel process of another version stopped", "socket=%s", tunnel->socket);
        pt_door_stop(fd);
        (void)close(fd);
    }
    start_process(tunnel);
    tunnel->replaced++;
    if (tunnel->replaced == REPLACE_TRIES) {
        pt_log_warn(tunnel->options.log, "tunnel process goes on with another program", "log=%s/tunnel.log",
                    tunnel->options.data);
    }
}

static void on_timer(void *arg)
{
    struct pt_agent_tunnel *tunnel = arg;
    uint64_t next_ms = START_MS;
    bool ours;
    enum pt_code code = look(tunnel, &ours);
    if (code == PT_OK && ours) {
        tunnel->tries_left = tunnel->replaced = 0;
        next_ms = TICK_MS;
    } else if (code == PT_OK && tunnel->replaced >= REPLACE_TRIES) {
        next_ms = TICK_MS;
    } else if (tunnel->tries_left > 0) {
        tunnel->tries_left--;
    } else {
        if (code == PT_OK || code == PT_FAILED_PRECONDITION) {
            replace(tunnel, code == PT_OK);
        } else {
            start_process(tunnel);
        }
        tunnel->tries_left = START_TRIES;
    }
    pt_timer_start(tunnel->timer, next_ms, 0);
}

struct pt_agent_tunnel *pt_agent_tunnel_new(const struct pt_agent_tunnel_options *options)
{
    struct pt_agent_tunnel *tunnel = calloc(1, sizeof(*tunnel));
    pt_assert(tunnel != NULL);
    tunnel->options = *options;
    (void)snprintf(tunnel->socket, sizeof(tunnel->socket), "%s", options->socket);
    pt_assert(options->stamps_len <= PT_STAMP_TARGETS_MAX);
    for (size_t i = 0; i < options->stamps_len; i++) {
        tunnel->stamps[i] = options->stamps[i];
    }
    tunnel->fd = -1;
    pt_door_program_of(options->program, &tunnel->program);
    tunnel->timer = pt_timer_new(options->sys, on_timer, tunnel);
    tunnel->changes[0] = tunnel->changes[1] = -1;
    if (options->liveness && socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, tunnel->changes) == 0) {
        tunnel->changes_watch = pt_sys_uv_watch(options->sys, tunnel->changes[0], on_changes, tunnel);
    }
    bool ours;
    enum pt_code code = look(tunnel, &ours);
    if (code != PT_OK || !ours) {
        start_process(tunnel);
        tunnel->replaced = code == PT_OK || code == PT_FAILED_PRECONDITION ? 1 : 0;
        tunnel->tries_left = START_TRIES;
    }
    /* The first hello to the leader carries the key: worth waiting for a little, before the loop runs. One that comes
     * later is told by another hello. */
    for (unsigned i = 0; i < START_TRIES && code != PT_OK; i++) {
        (void)usleep(START_MS * 1000 / 5);
        code = look(tunnel, &ours);
    }
    pt_timer_start(tunnel->timer, START_MS, 0);
    return tunnel;
}

void pt_agent_tunnel_free(struct pt_agent_tunnel *tunnel)
{
    if (tunnel == NULL) {
        return;
    }
    pt_timer_free(tunnel->timer);
    hang_up(tunnel); /* the process goes on watching */
    pt_sys_uv_unwatch(tunnel->changes_watch);
    for (size_t i = 0; i < 2; i++) {
        if (tunnel->changes[i] >= 0) {
            (void)close(tunnel->changes[i]);
        }
    }
    free(tunnel->watched);
    pt_bundle_unref(tunnel->bundle);
    pt_door_report_fini(&tunnel->report);
    free(tunnel->paths);
    free(tunnel);
}

const uint8_t *pt_agent_tunnel_public_key(const struct pt_agent_tunnel *tunnel)
{
    return tunnel->has_key ? tunnel->public_key : NULL;
}

void pt_agent_tunnel_set_bundle(struct pt_agent_tunnel *tunnel, const struct pt_bundle *bundle)
{
    struct pt_bundle *kept = (struct pt_bundle *)(uintptr_t)bundle; /* references are not part of its value */
    pt_bundle_ref(kept);
    pt_bundle_unref(tunnel->bundle);
    tunnel->bundle = kept;
    tunnel->told = false;
    if (tunnel->fd >= 0) {
        tell(tunnel);
    }
}

bool pt_agent_tunnel_path(const struct pt_agent_tunnel *tunnel, uint64_t path_id, struct pt_agent_tunnel_path *ret_path)
{
    for (size_t i = 0; i < tunnel->paths_len; i++) {
        if (tunnel->paths[i].id != path_id) {
            continue;
        }
        const struct pt_engine_path_status *path = status_of(tunnel, tunnel->paths[i].slot);
        *ret_path = (struct pt_agent_tunnel_path){.mtu = path != NULL ? path->mtu : 0};
        for (uint32_t j = 0; j < tunnel->report.status.peers_len; j++) {
            const struct pt_peer_status *peer = &tunnel->report.peers[j];
            if (peer->label == tunnel->paths[i].peer && peer->established_ns != 0) {
                ret_path->cipher = (uint32_t)peer->cipher;
                ret_path->handshakes = peer->handshakes;
                ret_path->session_age_ms = (tunnel->report.status.now_ns - peer->established_ns) / 1000000 + 1;
            }
        }
        return true;
    }
    return false;
}

static enum pt_code no_process(struct pt_error *reterr)
{
    return pt_fail(reterr, PT_UNAVAILABLE, PT_REASON_NONE, "tunnel", "the edge has no tunnel process just now");
}

enum pt_code pt_agent_tunnel_bandwidth_start(const struct pt_agent_tunnel *tunnel, uint64_t path_id, uint64_t max_bps,
                                             struct pt_error *reterr)
{
    return tunnel->fd < 0 ? no_process(reterr) : pt_door_bandwidth_start(tunnel->fd, path_id, max_bps, reterr);
}

enum pt_code pt_agent_tunnel_bandwidth(const struct pt_agent_tunnel *tunnel, struct pt_live_bandwidth *ret_bandwidth,
                                       struct pt_error *reterr)
{
    return tunnel->fd < 0 ? no_process(reterr) : pt_door_bandwidth(tunnel->fd, ret_bandwidth, reterr);
}

const struct pt_engine_counters *pt_agent_tunnel_counters(const struct pt_agent_tunnel *tunnel)
{
    return &tunnel->report.status.counters;
}

void pt_agent_tunnel_stop(const char *socket)
{
    int fd;
    if (pt_door_dial(socket, &fd, NULL) == PT_OK) {
        pt_door_stop(fd);
        (void)close(fd);
    }
}
