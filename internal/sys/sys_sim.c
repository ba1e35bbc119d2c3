/*
 * The simulated world: virtual time, chance, hosts.
 *
 * Everything that happens is an event: {time, sequence, whose, what}. pt_sim_step takes the earliest one, sets the
 * clock to its time and calls it. Events of equal time run in the order in which they were queued, so that a run is a
 * function of the seed and the program. The events stand in a 4-ary heap, and each knows its place in it: starting,
 * restarting and stopping a timer cost O(log n), and nothing ever scans.
 *
 * A host that is down or dead is found out when its event comes up: an event belongs to one life of a host (sim_sys),
 * and those of a dead life are dropped. An event of a host that is held (paused, or syncing on its loop) is queued
 * again for the end of the hold. That keeps the order, since events come up in order and get new sequence numbers.
 *
 * Two random streams come from the seed: the world's, and the caller's (pt_sim_random), so that a test that draws one
 * number more does not see another world.
 */
#include "sys/sys_sim.h"
#include "sys/sys_sim_world.h"
#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

/* 2026-01-01T00:00:00Z: where wall clocks start. */
#define WALL_START_NS INT64_C(1767225600000000000)
#define WALL_SKEW_MAX_NS 500000000U

/* ---- chance --------------------------------------------------------------------------------------------------- */

static void random_init(struct sim_random *random, uint64_t seed)
{
    for (size_t i = 0; i < 4; i++) {
        seed += 0x9e3779b97f4a7c15U;
        random->state[i] = pt_hash_mix(seed);
    }
}

static uint64_t rotate_left(uint64_t value, unsigned by)
{
    return value << by | value >> (64 - by);
}

uint64_t sim_random_u64(struct sim_random *random)
{
    uint64_t *s = random->state;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    uint64_t shifted = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotate_left(s[3], 45);
    return result;
}

/* Below bound, without the bias of a remainder worth caring about: multiply and take the high half. */
static uint64_t random_below(struct sim_random *random, uint64_t bound)
{
    pt_assert(bound > 0);
    return (uint64_t)((unsigned __int128)sim_random_u64(random) * bound >> 64);
}

uint64_t sim_between(struct pt_sim *sim, uint64_t low, uint64_t high)
{
    pt_assert(low <= high && high - low < UINT64_MAX);
    return low + random_below(&sim->world, high - low + 1);
}

bool sim_once_in(struct pt_sim *sim, uint64_t n)
{
    return random_below(&sim->world, n) == 0;
}

uint64_t pt_sim_random(struct pt_sim *sim, uint64_t bound)
{
    return random_below(&sim->caller, bound);
}

/* ---- events --------------------------------------------------------------------------------------------------- */

static bool earlier(const struct sim_slot *a, const struct sim_slot *b)
{
    return a->time_ns != b->time_ns ? a->time_ns < b->time_ns : a->sequence < b->sequence;
}

static void put_slot(struct pt_sim *sim, size_t at, struct sim_slot slot)
{
    sim->heap[at] = slot;
    slot.event->at = at + 1;
}

static void sift_up(struct pt_sim *sim, size_t at, struct sim_slot slot)
{
    while (at > 0 && earlier(&slot, &sim->heap[(at - 1) / 4])) {
        put_slot(sim, at, sim->heap[(at - 1) / 4]);
        at = (at - 1) / 4;
    }
    put_slot(sim, at, slot);
}

static void sift_down(struct pt_sim *sim, size_t at, struct sim_slot slot)
{
    for (;;) {
        size_t first = at * 4 + 1;
        size_t end = first + 4 < sim->heap_len ? first + 4 : sim->heap_len;
        if (first >= end) {
            break;
        }
        size_t least = first;
        for (size_t i = first + 1; i < end; i++) {
            least = earlier(&sim->heap[i], &sim->heap[least]) ? i : least;
        }
        if (!earlier(&sim->heap[least], &slot)) {
            break;
        }
        put_slot(sim, at, sim->heap[least]);
        at = least;
    }
    put_slot(sim, at, slot);
}

void sim_event_at(struct pt_sim *sim, struct sim_event *event, uint64_t time_ns)
{
    pt_assert(event->at == 0);
    pt_assert(time_ns >= sim->now_ns);
    if (sim->heap_len == sim->heap_capacity) {
        sim->heap_capacity = sim->heap_capacity == 0 ? 256 : sim->heap_capacity * 2;
        sim->heap = realloc(sim->heap, sim->heap_capacity * sizeof(*sim->heap));
        pt_assert(sim->heap != NULL);
    }
    event->time_ns = time_ns;
    event->sequence = ++sim->sequence;
    sift_up(sim, sim->heap_len++, (struct sim_slot){.time_ns = time_ns, .sequence = event->sequence, .event = event});
}

void sim_event_cancel(struct pt_sim *sim, struct sim_event *event)
{
    if (event->at == 0) {
        return;
    }
    size_t at = event->at - 1;
    pt_assert(sim->heap[at].event == event);
    event->at = 0;
    struct sim_slot last = sim->heap[--sim->heap_len];
    if (last.event == event) {
        return;
    }
    if (at > 0 && earlier(&last, &sim->heap[(at - 1) / 4])) {
        sift_up(sim, at, last);
    } else {
        sift_down(sim, at, last);
    }
}

void sim_once(struct pt_sim *sim, struct sim_sys *sys, uint64_t time_ns, pt_task_fn fn, void *arg)
{
    struct sim_event *event = sim->free_events;
    if (event != NULL) {
        sim->free_events = event->next_free;
    } else {
        event = pt_sys_alloc(sizeof(*event));
        event->pooled = true;
    }
    event->sys = sys;
    event->fn = fn;
    event->arg = arg;
    sim_event_at(sim, event, time_ns);
}

static void run_event(struct pt_sim *sim, struct sim_event *event)
{
    pt_task_fn fn = event->fn;
    void *arg = event->arg;
    uint64_t whose = event->sys == NULL ? 0 : event->sys->host->index + 1;
    sim->trace_hash = pt_hash_mix(sim->trace_hash ^ event->time_ns) ^ pt_hash_mix(event->sequence << 16 ^ whose);
    if (event->pooled) {
        event->next_free = sim->free_events;
        sim->free_events = event;
    }
    fn(arg); /* the event may be gone after this */
}

bool pt_sim_step(struct pt_sim *sim, uint64_t until_ns)
{
    while (sim->heap_len > 0 && sim->heap[0].time_ns < until_ns) {
        struct sim_event *event = sim->heap[0].event;
        struct sim_sys *sys = event->sys;
        sim_event_cancel(sim, event);
        if (sys != NULL && sys->dead) {
            if (event->pooled) {
                event->next_free = sim->free_events;
                sim->free_events = event;
            }
            continue;
        }
        pt_assert(event->time_ns >= sim->now_ns);
        sim->now_ns = event->time_ns;
        if (sys != NULL && sys->host->held_until_ns > sim->now_ns) {
            sim_event_at(sim, event, sys->host->held_until_ns);
            continue;
        }
        run_event(sim, event);
        return true;
    }
    if (until_ns != UINT64_MAX && until_ns > sim->now_ns) {
        sim->now_ns = until_ns;
    }
    return false;
}

uint64_t pt_sim_now_ns(const struct pt_sim *sim)
{
    return sim->now_ns;
}

uint64_t pt_sim_trace_hash(const struct pt_sim *sim)
{
    return sim->trace_hash;
}

/* ---- what a host sees ----------------------------------------------------------------------------------------- */

static uint64_t sim_now(struct pt_sys *sys)
{
    return ((struct sim_sys *)sys)->sim->now_ns;
}

static int64_t sim_wall(struct pt_sys *base)
{
    struct sim_sys *sys = (struct sim_sys *)base;
    return WALL_START_NS + sys->host->wall_skew_ns + (int64_t)sys->sim->now_ns;
}

static void sim_fill_random(struct pt_sys *base, void *data, size_t size)
{
    struct sim_sys *sys = (struct sim_sys *)base;
    uint8_t *to = data;
    while (size > 0) {
        uint64_t value = sim_random_u64(&sys->sim->world);
        size_t take = size < sizeof(value) ? size : sizeof(value);
        memcpy(to, &value, take);
        to += take;
        size -= take;
    }
}

static bool sim_on_loop(struct pt_sys *sys)
{
    (void)sys;
    return true;
}

static const struct pt_sys_ops sim_ops = {
    .now_ns = sim_now,
    .wall_ns = sim_wall,
    .random = sim_fill_random,
    .post = sim_post,
    .on_loop = sim_on_loop,
    .timer_new = sim_timer_new,
    .timer_start = sim_timer_start,
    .timer_stop = sim_timer_stop,
    .timer_active = sim_timer_active,
    .timer_free = sim_timer_free,
    .executor_new = sim_executor_new,
    .executor_submit = sim_executor_submit,
    .executor_spread = sim_executor_spread,
    .executor_free = sim_executor_free,
    .file_open = sim_file_open,
    .file_close = sim_file_close,
    .file_read = sim_file_read,
    .file_write = sim_file_write,
    .file_sync = sim_file_sync,
    .file_write_through = sim_file_write_through,
    .file_truncate = sim_file_truncate,
    .file_size = sim_file_size,
    .file_lock = sim_file_lock,
    .dir_make = sim_dir_make,
    .dir_sync = sim_dir_sync,
    .dir_list = sim_dir_list,
    .path_rename = sim_path_rename,
    .path_remove = sim_path_remove,
    .path_exists = sim_path_exists,
    .disk_free = sim_disk_free,
    .listen = sim_listen,
    .listener_address = sim_listener_address,
    .listener_close = sim_listener_close,
    .connect = sim_connect,
    .stream_start = sim_stream_start,
    .stream_write = sim_stream_write,
    .stream_close = sim_stream_close,
};

/* ---- hosts ---------------------------------------------------------------------------------------------------- */

struct pt_sim *pt_sim_new(const struct pt_sim_options *options)
{
    struct pt_sim *sim = pt_sys_alloc(sizeof(*sim));
    sim->options = *options;
    if (options->net_delay_max_us == 0) {
        sim->options.net_delay_min_us = 50;
        sim->options.net_delay_max_us = 500;
    }
    if (options->disk_delay_max_us == 0) {
        sim->options.disk_delay_min_us = 50;
        sim->options.disk_delay_max_us = 300;
    }
    pt_assert(sim->options.net_delay_min_us <= sim->options.net_delay_max_us);
    pt_assert(sim->options.disk_delay_min_us <= sim->options.disk_delay_max_us);
    random_init(&sim->world, options->seed);
    random_init(&sim->caller, pt_hash_mix(~options->seed));
    pt_map_init(&sim->links);
    pt_list_init(&sim->conns);
    return sim;
}

static void start_life(struct sim_host *host)
{
    struct sim_sys *sys = pt_sys_alloc(sizeof(*sys));
    sys->base.ops = &sim_ops;
    sys->sim = host->sim;
    sys->host = host;
    sys->port_next = 49152;
    pt_list_init(&sys->listeners);
    sys->next = host->sim->lives;
    host->sim->lives = sys;
    host->sys = sys;
}

unsigned pt_sim_add_host(struct pt_sim *sim)
{
    pt_assert(sim->hosts_len < 65534);
    struct sim_host *host = pt_sys_alloc(sizeof(*host));
    host->sim = sim;
    host->index = sim->hosts_len;
    host->wall_skew_ns = (int64_t)sim_between(sim, 0, WALL_SKEW_MAX_NS * 2) - (int64_t)WALL_SKEW_MAX_NS;
    sim_disk_init(&host->disk);
    start_life(host);
    sim->hosts = realloc(sim->hosts, (sim->hosts_len + 1) * sizeof(struct sim_host *));
    pt_assert(sim->hosts != NULL);
    sim->hosts[sim->hosts_len++] = host;
    return host->index;
}

static struct sim_host *host_at(struct pt_sim *sim, unsigned host)
{
    pt_assert(host < sim->hosts_len);
    return sim->hosts[host];
}

struct pt_sys *pt_sim_host(struct pt_sim *sim, unsigned host)
{
    struct sim_sys *sys = host_at(sim, host)->sys;
    return sys == NULL ? NULL : &sys->base;
}

void pt_sim_free(struct pt_sim *sim)
{
    if (sim == NULL) {
        return;
    }
    sim_net_fini(sim);
    while (sim->heap_len > 0) {
        struct sim_event *event = sim->heap[0].event;
        sim_event_cancel(sim, event);
        if (event->pooled) {
            free(event);
        }
    }
    while (sim->free_events != NULL) {
        struct sim_event *next = sim->free_events->next_free;
        free(sim->free_events);
        sim->free_events = next;
    }
    while (sim->lives != NULL) {
        struct sim_sys *next = sim->lives->next;
        free(sim->lives);
        sim->lives = next;
    }
    for (unsigned i = 0; i < sim->hosts_len; i++) {
        sim_disk_fini(&sim->hosts[i]->disk);
        free(sim->hosts[i]);
    }
    free(sim->hosts);
    free(sim->heap);
    free(sim);
}

/* ---- faults --------------------------------------------------------------------------------------------------- */

void pt_sim_crash(struct pt_sim *sim, unsigned index, bool power_loss)
{
    struct sim_host *host = host_at(sim, index);
    pt_assert(host->sys != NULL);
    host->sys->dead = true;
    sim_net_crash(host, power_loss);
    sim_disk_crash(host, power_loss);
    host->sys = NULL;
    host->powered_off = power_loss;
    host->held_until_ns = 0;
}

void pt_sim_restart(struct pt_sim *sim, unsigned index)
{
    struct sim_host *host = host_at(sim, index);
    pt_assert(host->sys == NULL);
    host->powered_off = false;
    start_life(host);
    sim_net_restart(host);
}

void pt_sim_set_wall(struct pt_sim *sim, unsigned index, int64_t skew_ns)
{
    pt_assert(index < sim->hosts_len);
    sim->hosts[index]->wall_skew_ns = skew_ns;
}

void pt_sim_pause(struct pt_sim *sim, unsigned index, uint64_t duration_ns)
{
    struct sim_host *host = host_at(sim, index);
    uint64_t until = sim->now_ns + duration_ns;
    host->held_until_ns = until > host->held_until_ns ? until : host->held_until_ns;
}

void pt_sim_fail_disk(struct pt_sim *sim, unsigned index, unsigned nth, enum pt_code code, bool sticky)
{
    struct sim_disk *disk = &host_at(sim, index)->disk;
    pt_assert(code == PT_IO || code == PT_NO_SPACE || nth == 0);
    disk->fail_nth = nth;
    disk->fail_code = code;
    disk->fail_sticky = sticky;
}

void pt_sim_slow_disk(struct pt_sim *sim, unsigned index, uint64_t sync_ns)
{
    host_at(sim, index)->disk.sync_ns = sync_ns;
}
