/*
 * Private to sys_sim*.c: the state of a simulated world.
 *
 *   pt_sim --> hosts[] --> disk             survives crashes
 *                      --> sim_sys          one per life of the host: what its node sees; dead ones are kept
 *          --> events   a heap by (time, sequence)
 *          --> conns    every connection, with both of its ends
 */
#pragma once

#include "sys/sys_ops.h"
#include "sys/sys_sim.h"
#include "base/list.h"
#include "base/map.h"

#define SIM_RESET_NS 10000000000U    /* how long a cut stream stalls before it is reset */
#define SIM_SYN_RETRY_NS 1000000000U /* how often a connect tries again over a cut link */
#define SIM_TURN_NS 1000U            /* what a post or a delay of 0 takes: time must move, or a loop never ends */
#define SIM_TIMER_LATE_NS 100000U    /* the latest that a timer fires */
#define SIM_SECTOR_SIZE 512U

/* xoshiro256**: small, fast and good enough for schedules. */
struct sim_random {
    uint64_t state[4];
};

/* An event lives in the object that it is about (a timer, a stream), or is pooled: a one-off. */
struct sim_event {
    size_t at; /* index + 1 in the heap; 0 when not queued */
    uint64_t time_ns;
    uint64_t sequence;
    struct sim_sys *sys; /* whose process it runs in: NULL for the world itself. Not run when that is dead. */
    pt_task_fn fn;
    void *arg;
    struct sim_event *next_free; /* pooled ones, while free */
    bool pooled;
};

/* Heap entries carry the order, so that sifting does not touch the events. */
struct sim_slot {
    uint64_t time_ns;
    uint64_t sequence;
    struct sim_event *event;
};

/* One life of a host. */
struct sim_sys {
    struct pt_sys base;
    struct pt_sim *sim;
    struct sim_host *host;
    struct sim_sys *next; /* in pt_sim.lives */
    bool dead;
    bool in_work; /* an executor's work runs: disk time is added to work_ns instead of holding up the host */
    uint64_t work_ns;
    struct pt_list listeners;
    uint16_t port_next;
};

struct sim_disk {
    struct pt_map names;         /* path -> struct sim_node: what the host sees */
    struct pt_map durable_names; /* what would be there after a power loss */
    struct pt_list name_ops;     /* struct name_op: changes of names, not yet durable, in order */
    uint64_t sync_ns;            /* 0: random within the options */
    unsigned fail_nth;           /* operations until the failing one, itself included; 0: none fails */
    enum pt_code fail_code;
    bool fail_sticky;
};

struct sim_host {
    struct pt_sim *sim;
    unsigned index;
    struct sim_sys *sys; /* NULL while down */
    struct sim_disk disk;
    bool powered_off;       /* down after a power loss: nobody answers, not even with a reset */
    uint64_t held_until_ns; /* paused, or waiting for its disk on the loop */
    int64_t wall_skew_ns;
};

/* One direction between two hosts. */
struct sim_link {
    struct sim_host *from;
    struct sim_host *to;
    bool cut;
    struct sim_event lasting; /* queued while it is cut: what happens then */
};

struct pt_sim {
    struct pt_sim_options options;
    uint64_t now_ns;
    uint64_t sequence;
    uint64_t trace_hash;
    struct sim_random world;  /* everything that the world decides */
    struct sim_random caller; /* pt_sim_random */

    struct sim_slot *heap;
    size_t heap_len;
    size_t heap_capacity;
    struct sim_event *free_events;

    struct sim_host **hosts;
    unsigned hosts_len;
    struct sim_sys *lives;
    struct pt_map links;  /* {from, to} -> struct sim_link, made at the first cut */
    struct pt_list conns; /* struct sim_conn */
};

/* ---- sys_sim.c: time and chance ------------------------------------------------------------------------------- */

uint64_t sim_random_u64(struct sim_random *random);
/* low..high, both included. */
uint64_t sim_between(struct pt_sim *sim, uint64_t low, uint64_t high);
/* True once in n. */
bool sim_once_in(struct pt_sim *sim, uint64_t n);
/* Queue it (it must not be queued); events of equal time run in the order of queueing. */
void sim_event_at(struct pt_sim *sim, struct sim_event *event, uint64_t time_ns);
/* Fine when it is not queued. */
void sim_event_cancel(struct pt_sim *sim, struct sim_event *event);
void sim_once(struct pt_sim *sim, struct sim_sys *sys, uint64_t time_ns, pt_task_fn fn, void *arg);

/* ---- sys_sim_loop.c: timers, posts, executors ----------------------------------------------------------------- */

void sim_post(struct pt_sys *sys, pt_task_fn fn, void *arg);
struct pt_timer *sim_timer_new(struct pt_sys *sys, pt_task_fn fn, void *arg);
void sim_timer_start(struct pt_timer *timer, uint64_t delay_ms, uint64_t repeat_ms);
void sim_timer_stop(struct pt_timer *timer);
bool sim_timer_active(const struct pt_timer *timer);
void sim_timer_free(struct pt_timer *timer);
struct pt_executor *sim_executor_new(struct pt_sys *sys, const char *name, unsigned threads);
void sim_executor_submit(struct pt_executor *executor, pt_task_fn work, pt_task_fn done, void *arg);
void sim_executor_spread(struct pt_executor *executor, pt_part_fn work, void *arg, size_t parts);
void sim_executor_free(struct pt_executor *executor);

/* ---- sys_sim_disk.c ------------------------------------------------------------------------------------------- */

void sim_disk_init(struct sim_disk *disk);
void sim_disk_fini(struct sim_disk *disk);
/* The process ended: locks are gone; with power_loss also what was not synced. */
void sim_disk_crash(struct sim_host *host, bool power_loss);
enum pt_code sim_file_open(struct pt_sys *sys, const char *path, unsigned flags, struct pt_file **ret_file,
                           struct pt_error *reterr);
void sim_file_close(struct pt_file *file);
enum pt_code sim_file_read(struct pt_file *file, uint64_t offset, void *data, size_t size, struct pt_error *reterr);
enum pt_code sim_file_write(struct pt_file *file, uint64_t offset, const void *data, size_t size,
                            struct pt_error *reterr);
enum pt_code sim_file_sync(struct pt_file *file, struct pt_error *reterr);
enum pt_code sim_file_write_through(struct pt_file *file, uint64_t offset, const void *data, size_t size,
                                    struct pt_error *reterr);
enum pt_code sim_file_truncate(struct pt_file *file, uint64_t size, struct pt_error *reterr);
enum pt_code sim_file_size(struct pt_file *file, uint64_t *ret_size, struct pt_error *reterr);
enum pt_code sim_file_lock(struct pt_file *file, struct pt_error *reterr);
enum pt_code sim_dir_make(struct pt_sys *sys, const char *path, struct pt_error *reterr);
enum pt_code sim_dir_sync(struct pt_sys *sys, const char *path, struct pt_error *reterr);
enum pt_code sim_dir_list(struct pt_sys *sys, const char *path, void (*fn)(void *arg, const char *name), void *arg,
                          struct pt_error *reterr);
enum pt_code sim_path_rename(struct pt_sys *sys, const char *from, const char *to, struct pt_error *reterr);
enum pt_code sim_path_remove(struct pt_sys *sys, const char *path, struct pt_error *reterr);
bool sim_path_exists(struct pt_sys *sys, const char *path);
enum pt_code sim_disk_free(struct pt_sys *sys, const char *path, uint64_t *ret_size, struct pt_error *reterr);

/* ---- sys_sim_net.c -------------------------------------------------------------------------------------------- */

void sim_net_fini(struct pt_sim *sim);
/* The process of the host ended. */
void sim_net_crash(struct sim_host *host, bool power_loss);
/* The host is back: it answers what is left of old connections with a reset. */
void sim_net_restart(struct sim_host *host);
enum pt_code sim_listen(struct pt_sys *sys, const struct pt_endpoint *address, pt_accept_fn on_accept, void *arg,
                        struct pt_listener **ret_listener, struct pt_error *reterr);
struct pt_endpoint sim_listener_address(const struct pt_listener *listener);
void sim_listener_close(struct pt_listener *listener);
struct pt_stream *sim_connect(struct pt_sys *sys, const struct pt_endpoint *address, const struct pt_stream_ops *ops,
                              void *arg);
void sim_stream_start(struct pt_stream *stream, const struct pt_stream_ops *ops, void *arg);
bool sim_stream_write(struct pt_stream *stream, const void *data, size_t size);
void sim_stream_close(struct pt_stream *stream);
