/*
 * Bandwidth on request: trains of probes that this node sends, and reports about those that it gets.
 *
 * A measurement has a thread of its own for the few seconds that it lasts: it must send at exact times, and nothing of
 * liveness may wait for it. It takes the lock for each packet and finds its session anew, so paths may come and go.
 * What is sent goes as hosts' packets go, without the class of network control: else the queue that is asked about
 * would be another one. Between two trains the queue has time to drain.
 *
 *    owner --- PACKET 0, 1, 2 ... at one rate, END ---> far end        END again each 50 ms until the report is here
 *          <-- REPORT: when each of them came ---------
 *
 * Whose bandwidth is it? Whoever owns both ends: packets of trains carry a MAC by a key of the two tunnel keys, and one
 * replayed makes a report that is no larger than it.
 */
#include "tunnel/live.h"

#include "base/assert.h"
#include "base/buf.h"
#include "tunnel/engine_priv.h"
#include "tunnel/live_priv.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#define MS 1000000ULL
#define END_NS (50 * MS)
#define REPORT_NS (2000 * MS) /* without a report for so long: it is given up */
#define DRAIN_NS (100 * MS)
#define SILENT_MAX 2U         /* trains in a row without a report */
#define FAILED_NS (2000 * MS) /* a path that could not be measured may be measured again so soon */
#define SPIN_NS 80000         /* the last bit of a wait: sleeping is not that exact */
#define PRIORITY 4            /* below liveness */

/* The newest train of a peer, as it came. */
struct train_log {
    uint32_t train;
    uint64_t path;
    uint16_t len;
    uint64_t came_ns[PT_TRAIN_LEN_MAX]; /* 0: it did not */
};

/* ---- trains of others ----------------------------------------------------------------------------------------- */

static struct train_log *log_of(struct pt_live *live, const struct pt_train_message *m)
{
    uint8_t key[4];
    pt_put_be32(key, m->label);
    struct train_log *log = pt_map_get(&live->train_logs, key, sizeof(key));
    if (log == NULL) {
        log = calloc(1, sizeof(*log));
        pt_assert(log != NULL);
        (void)pt_map_put(&live->train_logs, key, sizeof(key), log);
    }
    if (log->train != m->train || log->path != m->path || log->len != m->len) {
        *log = (struct train_log){.train = m->train, .path = m->path, .len = m->len};
    }
    return log;
}

void pt_live_trains_forget(struct pt_live *live, uint32_t label)
{
    uint8_t key[4];
    pt_put_be32(key, label);
    free(pt_map_remove(&live->train_logs, key, sizeof(key)));
}

static void report(struct pt_live *live, const struct train_log *log, const struct pt_train_message *end,
                   const struct pt_live_arrival *arrival, const uint8_t key[PT_HMAC_SIZE])
{
    uint8_t packet[PT_OUTER_HEADER_MAX + PT_TRAIN_MESSAGE_MAX];
    uint64_t first = UINT64_MAX;
    struct pt_train_message m = {
        .kind = PT_TRAIN_REPORT, .label = live->label, .train = end->train, .path = end->path, .len = end->len};
    for (uint32_t i = 0; i < log->len; i++) {
        first = log->came_ns[i] != 0 && log->came_ns[i] < first ? log->came_ns[i] : first;
    }
    for (uint32_t i = 0; i < log->len; i++) {
        bool came = log->came_ns[i] != 0 && log->came_ns[i] - first < PT_TRAIN_LOST;
        m.came_ns[i] = came ? (uint32_t)(log->came_ns[i] - first) : PT_TRAIN_LOST;
    }
    struct pt_endpoint remote = arrival->from;
    if (end->back_len > 0) {
        remote.port = live->options.port; /* a transit site listens there */
    }
    size_t outer = pt_live_outer(end->back, end->back_len, packet);
    size_t size = outer + pt_train_write(&m, key, packet + outer);
    pt_live_send_plain(live, arrival->link, &remote, packet, size);
}

bool pt_live_trains_take(struct pt_live *live, const struct pt_live_arrival *arrival)
{
    struct pt_train_message m;
    const uint8_t *bytes = NULL;
    if (!pt_train_read(arrival->data, arrival->size, &m, &bytes)) {
        return false;
    }
    const struct pt_live_peer *peer = pt_live_find_peer(live, m.label);
    if (peer == NULL || !pt_train_authentic(&m, bytes, peer->train_key)) {
        live->refused++;
    } else if (m.kind == PT_TRAIN_REPORT) {
        struct pt_live_trains *trains = &live->trains;
        const struct pt_live_session *s = pt_live_find_owner(live, m.path);
        if (s != NULL && s->label == m.label && trains->newest.state == PT_LIVE_BANDWIDTH_RUNNING &&
            trains->newest.path == m.path && trains->number == m.train) {
            trains->report = m;
            trains->reported = true;
            (void)pthread_cond_signal(&trains->changed);
        }
    } else {
        struct train_log *log = log_of(live, &m);
        if (m.kind == PT_TRAIN_END) {
            report(live, log, &m, arrival, peer->train_key);
        } else if (log->came_ns[m.index] == 0) {
            log->came_ns[m.index] = arrival->wall_ns;
        }
    }
    return true;
}

/* ---- our own -------------------------------------------------------------------------------------------------- */

/* One packet of a train, or its END; false when the path is gone or dead. Stamped when it leaves. */
static bool send_one(struct pt_live *live, struct pt_train_message *m, uint64_t path, int64_t *ret_sent_ns)
{
    uint8_t packet[PT_TRAIN_SIZE] = {0};
    (void)pthread_mutex_lock(&live->lock);
    const struct pt_live_session *s = pt_live_find_owner(live, path);
    const struct pt_live_peer *peer = s != NULL ? pt_live_find_peer(live, s->label) : NULL;
    bool fine = peer != NULL && s->known && s->alive;
    if (fine) {
        size_t headers = (pt_ip_is_v4(&s->remote.ip) ? 20U : 40U) + 8U;
        m->label = live->label;
        m->path = path;
        m->back_len = s->back_len;
        memcpy(m->back, s->back, sizeof(m->back));
        size_t outer = pt_live_outer(s->stack, s->stack_len, packet);
        size_t size = outer + pt_train_write(m, peer->train_key, packet + outer);
        *ret_sent_ns = (int64_t)pt_live_now_ns();
        pt_live_send_plain(live, s->link, &s->remote, packet,
                           m->kind == PT_TRAIN_PACKET ? PT_TRAIN_SIZE - headers : size);
    }
    (void)pthread_mutex_unlock(&live->lock);
    return fine;
}

static void wait_until(uint64_t due_ns)
{
    uint64_t now_ns = pt_live_now_ns();
    if (due_ns > now_ns + SPIN_NS) {
        const uint64_t wake_ns = due_ns - SPIN_NS;
        const struct timespec wake = {.tv_sec = (time_t)(wake_ns / 1000000000),
                                      .tv_nsec = (long)(wake_ns % 1000000000)};
        (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &wake, NULL);
    }
    while (pt_live_now_ns() < due_ns) {
    }
}

/* With the lock: until something changed, the process ends, or so much later. */
static void wait_changed(struct pt_live *live, uint64_t until_ns)
{
    const struct timespec until = {.tv_sec = (time_t)(until_ns / 1000000000), .tv_nsec = (long)(until_ns % 1000000000)};
    if (!atomic_load(&live->stopping)) {
        (void)pthread_cond_timedwait(&live->trains.changed, &live->lock, &until);
    }
}

/* What the far end says of the train; false when it says nothing. */
static bool ask_report(struct pt_live *live, struct pt_train_message *m, uint64_t path, struct pt_train *train)
{
    uint64_t give_up_ns = pt_live_now_ns() + REPORT_NS;
    bool reported = false;
    while (!reported && !atomic_load(&live->stopping) && pt_live_now_ns() < give_up_ns) {
        int64_t ignored;
        m->kind = PT_TRAIN_END;
        m->index = 0;
        if (!send_one(live, m, path, &ignored)) {
            return false;
        }
        uint64_t until_ns = pt_live_now_ns() + END_NS;
        (void)pthread_mutex_lock(&live->lock);
        while (!live->trains.reported && !atomic_load(&live->stopping) && pt_live_now_ns() < until_ns) {
            wait_changed(live, until_ns);
        }
        reported = live->trains.reported && live->trains.report.len == train->len;
        for (uint32_t i = 0; reported && i < train->len; i++) {
            train->came[i] = live->trains.report.came_ns[i] != PT_TRAIN_LOST;
            train->came_ns[i] = live->trains.report.came_ns[i];
        }
        (void)pthread_mutex_unlock(&live->lock);
    }
    return reported;
}

static bool send_train(struct pt_live *live, uint64_t path, uint64_t rate_bps, struct pt_train *train)
{
    *train = (struct pt_train){.len = pt_bandwidth_train_len(rate_bps)};
    (void)pthread_mutex_lock(&live->lock);
    struct pt_train_message m = {.train = ++live->trains.number, .len = (uint16_t)train->len};
    live->trains.reported = false;
    (void)pthread_mutex_unlock(&live->lock);
    uint64_t gap_ns = PT_TRAIN_SIZE * 8ULL * 1000000000 / rate_bps, due_ns = pt_live_now_ns();
    for (uint32_t i = 0; i < train->len && !atomic_load(&live->stopping); i++) {
        m.kind = PT_TRAIN_PACKET;
        m.index = (uint16_t)i;
        wait_until(due_ns);
        if (!send_one(live, &m, path, &train->sent_ns[i])) {
            return false;
        }
        due_ns = (uint64_t)train->sent_ns[i] + gap_ns; /* one that is late does not make the next ones hurry */
    }
    return ask_report(live, &m, path, train);
}

static void drain(struct pt_live *live, const struct pt_train *train)
{
    uint64_t until_ns = pt_live_now_ns() + DRAIN_NS + (uint64_t)(train->sent_ns[train->len - 1] - train->sent_ns[0]);
    (void)pthread_mutex_lock(&live->lock);
    while (!atomic_load(&live->stopping) && pt_live_now_ns() < until_ns) {
        wait_changed(live, until_ns);
    }
    (void)pthread_mutex_unlock(&live->lock);
}

static void finish(struct pt_live *live, const struct pt_bandwidth *b, uint64_t took_ns, const char *failure)
{
    (void)pthread_mutex_lock(&live->lock);
    struct pt_live_bandwidth *newest = &live->trains.newest;
    bool found = failure == NULL || b->low_bps != 0 || b->high_bps != 0; /* as if trains had run out */
    struct pt_live_session *s = pt_live_find_owner(live, newest->path);
    if (!found && s != NULL) {
        s->trains_ns = pt_live_now_ns() - PT_LIVE_BANDWIDTH_AGAIN_MS * MS + FAILED_NS;
    }
    newest->code = found ? PT_OK : PT_UNAVAILABLE;
    (void)snprintf(newest->text, sizeof(newest->text), "%s", found ? "" : failure);
    newest->rate_bps = pt_bandwidth_estimate(b);
    newest->low_bps = b->low_bps;
    newest->high_bps = b->high_bps;
    newest->bytes = b->bytes;
    newest->trains = b->trains;
    newest->packets = b->packets;
    newest->duration_ms = (uint32_t)(took_ns / MS);
    newest->state = PT_LIVE_BANDWIDTH_DONE;
    (void)pthread_mutex_unlock(&live->lock);
}

/* A train had no report. Why the measurement ends by that; NULL: it goes on. A machine that has no time for anybody
 * keeps a report waiting, or lets a path seem dead for a moment. */
static const char *forgive(struct pt_live *live, uint64_t path, unsigned *silent)
{
    (void)pthread_mutex_lock(&live->lock);
    const struct pt_live_session *s = pt_live_find_owner(live, path);
    bool there = s != NULL && !atomic_load(&live->stopping), alive = there && s->alive;
    if (there && !alive) {
        wait_changed(live, pt_live_now_ns() + END_NS);
    }
    (void)pthread_mutex_unlock(&live->lock);
    *silent += alive ? 1 : 0;
    if (!there) {
        return "the path is not there any more";
    }
    return *silent < SILENT_MAX ? NULL
                                : "the far end says nothing of the probes: they get lost, or its edge is too old";
}

static void *measure(void *arg)
{
    struct pt_live *live = arg;
    struct pt_bandwidth bandwidth;
    struct pt_train train;
    const char *failure = NULL;
    unsigned silent = 0;
    uint64_t path = live->trains.newest.path, began_ns = pt_live_now_ns(), took_ns = 0; /* nobody writes it meanwhile */
    (void)prctl(PR_SET_TIMERSLACK, 1UL);
    pt_bandwidth_init(&bandwidth, live->trains.max_bps);
    while (bandwidth.next_bps != 0 && failure == NULL && took_ns < PT_LIVE_BANDWIDTH_MS_MAX * MS) {
        if (!send_train(live, path, bandwidth.next_bps, &train)) {
            failure = forgive(live, path, &silent);
        } else {
            silent = 0;
            pt_bandwidth_put(&bandwidth, &train);
            drain(live, &train);
        }
        took_ns = pt_live_now_ns() - began_ns;
    }
    if (bandwidth.trains == 0 && failure == NULL) {
        failure = "the path was dead while it was to be measured";
    }
    finish(live, &bandwidth, took_ns, failure);
    return NULL;
}

/* ---- asking --------------------------------------------------------------------------------------------------- */

/* With the lock. */
static enum pt_code admit(struct pt_live *live, uint64_t path, uint64_t now_ns, struct pt_error *reterr)
{
    struct pt_live_session *s = pt_live_find_owner(live, path);
    if (s == NULL) {
        return pt_fail(reterr, PT_NOT_FOUND, PT_REASON_RESOURCE_NOT_FOUND, "path", "no such path begins here");
    }
    if (!s->known || !s->alive) {
        return pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_WRONG_STATE, "path", "the path is not alive");
    }
    if (live->trains.newest.state == PT_LIVE_BANDWIDTH_RUNNING) {
        return pt_fail(reterr, PT_EXHAUSTED, PT_REASON_RATE_LIMITED, "path",
                       "another path of the edge is being measured; try again in some seconds");
    }
    if (s->trains_ns != 0 && now_ns - s->trains_ns < PT_LIVE_BANDWIDTH_AGAIN_MS * MS) {
        return pt_fail(reterr, PT_EXHAUSTED, PT_REASON_RATE_LIMITED, "path",
                       "the path was measured a moment ago; it is measured once in %u s",
                       PT_LIVE_BANDWIDTH_AGAIN_MS / 1000);
    }
    s->trains_ns = now_ns;
    return PT_OK;
}

enum pt_code pt_live_bandwidth_start(struct pt_live *live, uint64_t path, uint64_t max_bps, struct pt_error *reterr)
{
    struct pt_live_trains *trains = &live->trains;
    (void)pthread_mutex_lock(&live->lock);
    enum pt_code code = admit(live, path, pt_live_now_ns(), reterr);
    bool join = code == PT_OK && trains->started;
    if (code == PT_OK) {
        trains->newest = (struct pt_live_bandwidth){.path = path, .state = PT_LIVE_BANDWIDTH_RUNNING};
        trains->max_bps = max_bps;
    }
    (void)pthread_mutex_unlock(&live->lock);
    if (code != PT_OK) {
        return code;
    }
    if (join) {
        (void)pthread_join(trains->thread, NULL); /* it has said that it is done */
    }
    int number = pthread_create(&trains->thread, NULL, measure, live);
    trains->started = number == 0;
    if (number != 0) {
        (void)pthread_mutex_lock(&live->lock);
        trains->newest = (struct pt_live_bandwidth){.path = path};
        (void)pthread_mutex_unlock(&live->lock);
        return pt_fail_errno(reterr, number, "bandwidth", "no thread for it");
    }
    const struct sched_param priority = {.sched_priority = PRIORITY};
    (void)pthread_setschedparam(trains->thread, SCHED_RR, &priority); /* refused in some containers */
    return PT_OK;
}

struct pt_live_bandwidth pt_live_bandwidth(struct pt_live *live)
{
    (void)pthread_mutex_lock(&live->lock);
    struct pt_live_bandwidth newest = live->trains.newest;
    (void)pthread_mutex_unlock(&live->lock);
    return newest;
}

/* ---- life ----------------------------------------------------------------------------------------------------- */

void pt_live_trains_init(struct pt_live *live)
{
    pthread_condattr_t attributes;
    bool made = pthread_condattr_init(&attributes) == 0 &&
                pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
                pthread_cond_init(&live->trains.changed, &attributes) == 0;
    pt_assert(made);
    (void)pthread_condattr_destroy(&attributes);
    live->trains.number = (uint32_t)pt_live_wall_ns(); /* after a restart others than before */
    pt_map_init(&live->train_logs);
}

void pt_live_trains_fini(struct pt_live *live)
{
    if (live->trains.started) {
        (void)pthread_mutex_lock(&live->lock);
        (void)pthread_cond_signal(&live->trains.changed);
        (void)pthread_mutex_unlock(&live->lock);
        (void)pthread_join(live->trains.thread, NULL);
    }
    PT_MAP_FOREACH (entry, &live->train_logs) {
        free(entry->value);
    }
    pt_map_fini(&live->train_logs);
    (void)pthread_cond_destroy(&live->trains.changed);
}
