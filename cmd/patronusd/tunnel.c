/*
 * patronusd tunnel: the tunnel process of an edge, started by its agent (agent/tunnel.c).
 *
 * It leaves the agent's session at once, so that it outlives it; keeps its log in the data folder; and ends when an
 * agent says so, on SIGTERM, when another process took its place, or when its socket is not at its place any more: the
 * node's folder was removed.
 */
#include "node.h"

#include "base/assert.h"
#include "crypto/crypto.h"
#include "sys/sys_uv.h"
#include "tunnel/door.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHECK_MS 1000
#define HOUR 60 /* minutes */

struct tunnel {
    struct pt_sys *sys;
    struct pt_engine *engine;
    struct pt_door *door;
    struct pt_timer *timer;
    struct tunnel_paths paths;
    uint8_t key[PT_X25519_SIZE]; /* until it runs */
    ino_t inode;                 /* of the socket */
};

void tunnel_paths(const struct config *config, struct tunnel_paths *ret_paths)
{
    (void)snprintf(ret_paths->socket, sizeof(ret_paths->socket), "%s/tunnel.sock", config->data);
    (void)snprintf(ret_paths->key, sizeof(ret_paths->key), "%s/tunnel.key", config->data);
    (void)snprintf(ret_paths->log, sizeof(ret_paths->log), "%s/tunnel.log", config->data);
}

enum pt_code tunnel_leave(const struct config *config, struct pt_error *reterr)
{
    struct tunnel_paths paths;
    tunnel_paths(config, &paths);
    pid_t child = fork(); /* before there are threads */
    if (child < 0) {
        return pt_fail_errno(reterr, errno, "tunnel", "cannot leave the agent's session");
    }
    if (child > 0) {
        _exit(0);
    }
    (void)setsid();
    (void)close_range(3, ~0U, 0); /* what the agent had open is not ours */
    int log = open(paths.log, O_WRONLY | O_CREAT | O_APPEND, 0600), null = open("/dev/null", O_RDWR);
    if (log < 0 || null < 0) {
        return pt_fail_errno(reterr, errno, paths.log, "cannot write the tunnel's log");
    }
    (void)dup2(null, 0);
    (void)dup2(null, 1);
    (void)dup2(log, 2);
    (void)close(log);
    (void)close(null);
    return PT_OK;
}

static void on_stop(void *arg)
{
    struct tunnel *tunnel = arg;
    pt_sys_uv_stop(tunnel->sys);
}

static void on_signal(void *arg, int number)
{
    if (number != SIGHUP) {
        on_stop(arg);
    }
}

static void on_check(void *arg)
{
    struct tunnel *tunnel = arg;
    struct stat now;
    if (stat(tunnel->paths.socket, &now) != 0 || now.st_ino != tunnel->inode) {
        pt_sys_uv_stop(tunnel->sys);
    }
}

/* The node's private key: made here, read by nobody else, kept for the node's life. */
static enum pt_code load_key(const struct process *process, const char *path, uint8_t key[PT_X25519_SIZE],
                             struct pt_error *reterr)
{
    PT_AUTO(buf) struct pt_buf data = {0};
    if (!pt_path_exists(process->sys, path)) {
        pt_sys_random(process->sys, key, PT_X25519_SIZE);
        return pt_path_write(process->sys, path, key, PT_X25519_SIZE, reterr);
    }
    PT_TRY(pt_path_read(process->sys, path, PT_X25519_SIZE, &data, reterr));
    if (data.size != PT_X25519_SIZE) {
        return pt_fail(reterr, PT_CORRUPT, PT_REASON_NONE, path,
                       "the tunnel's key has %zu bytes instead of %d; remove the file to make a new one", data.size,
                       PT_X25519_SIZE);
    }
    memcpy(key, data.data, PT_X25519_SIZE);
    pt_memory_clear(data.data, data.size);
    return PT_OK;
}

/* Engine and door: anew, or as another process had them, and then paused. */
static enum pt_code open_parts(const struct process *process, struct tunnel *tunnel, struct pt_handover *adopt,
                               struct pt_error *reterr)
{
    struct pt_engine_options engine = {
        .sys = process->sys, .log = process->log, .device = TUNNEL_DEVICE, .adopt = adopt};
    struct pt_door_options door = {
        .sys = process->sys, .path = tunnel->paths.socket, .adopt = adopt, .on_stop = on_stop, .arg = tunnel};
    memcpy(engine.private_key, tunnel->key, sizeof(engine.private_key));
    memcpy(door.private_key, tunnel->key, sizeof(door.private_key));
    enum pt_code code = pt_engine_open(&engine, &tunnel->engine, reterr);
    if (code == PT_OK) {
        door.engine = tunnel->engine;
        code = pt_door_open(&door, &tunnel->door, reterr);
    }
    pt_memory_clear(&engine, sizeof(engine));
    pt_memory_clear(&door, sizeof(door));
    return code;
}

/* Take the place of the process that is there, if one is, and run. */
static enum pt_code begin(const struct process *process, struct tunnel *tunnel, struct pt_error *reterr)
{
    struct pt_door_taking taking;
    PT_TRY(pt_door_take(tunnel->paths.socket, &taking, reterr));
    bool adopts = taking.fd >= 0;
    enum pt_code code = open_parts(process, tunnel, adopts ? &taking.handover : NULL, reterr);
    if (code == PT_OK && adopts) {
        code = pt_door_taken(&taking, reterr);
    }
    if (code == PT_OK && adopts) {
        code = pt_door_start(tunnel->door, reterr);
    }
    pt_door_taking_fini(&taking);
    if (code == PT_OK) {
        pt_log_info(process->log, "tunnel runs", "device=%s adopted=%s", TUNNEL_DEVICE, adopts ? "yes" : "no");
    }
    return code;
}

/* What has been used once stays in memory: a machine that is short of it would else take away code and stacks of the
 * thread of liveness between two of its packets, and reading them back takes longer than a path may be silent. Refused
 * in some containers; then it is as with any process. */
static void stay_in_memory(const struct process *process)
{
    if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) != 0) {
        pt_log_info(process->log, "memory not locked", "reason=\"%s\"", strerror(errno));
    }
}

enum pt_code run_tunnel(const struct process *process, struct pt_error *reterr)
{
    struct tunnel tunnel = {.sys = process->sys};
    struct stat socket;
    tunnel_paths(process->config, &tunnel.paths);
    PT_TRY(load_key(process, tunnel.paths.key, tunnel.key, reterr));
    PT_TRY(pt_sys_uv_on_signal(process->sys, on_signal, &tunnel, reterr));
    enum pt_code code = begin(process, &tunnel, reterr);
    pt_memory_clear(tunnel.key, sizeof(tunnel.key));
    if (code == PT_OK) {
        stay_in_memory(process);
        tunnel.inode = stat(tunnel.paths.socket, &socket) == 0 ? socket.st_ino : 0;
        tunnel.timer = pt_timer_new(process->sys, on_check, &tunnel);
        pt_timer_start(tunnel.timer, CHECK_MS, CHECK_MS);
        pt_sys_uv_run(process->sys);
        pt_log_info(process->log, "tunnel ends", "device=%s handed_over=%s", TUNNEL_DEVICE,
                    pt_door_was_taken(tunnel.door) ? "yes" : "no");
    }
    pt_timer_free(tunnel.timer);
    pt_door_close(tunnel.door);
    pt_engine_close(tunnel.engine);
    return code;
}

/* ---- patronusd paths ------------------------------------------------------------------------------------------ */

static void print_measures(const char *period, const struct pt_measure_report *r)
{
    (void)printf(
        "\"%s\": {\"loss_ppm\": %u, \"back_loss_ppm\": %u, \"packets\": %u, \"jitter_us\": %u, "
        "\"back_jitter_us\": %u, \"rtt_p50_us\": %u, \"rtt_p95_us\": %u, \"rtt_p99_us\": %u, \"mos\": %u.%02u}",
        period, r->loss_ppm[PT_MEASURE_FORWARD], r->loss_ppm[PT_MEASURE_BACK], r->packets[PT_MEASURE_FORWARD],
        r->jitter_us[PT_MEASURE_FORWARD], r->jitter_us[PT_MEASURE_BACK], r->p50_us, r->p95_us, r->p99_us,
        r->mos_100 / 100, r->mos_100 % 100);
}

/* The way to a STAMP reflector, as paths are. */
static void print_stamp(const struct pt_stamp_status *now, const struct pt_measure_report *hour)
{
    char text[PT_ENDPOINT_TEXT_SIZE];
    (void)printf("{\"stamp\": \"%s\", \"interface\": \"%.15s\", ", pt_endpoint_format(&now->target.reflector, text),
                 now->target.interface);
    if (now->silent_ms != UINT64_MAX) {
        (void)printf("\"silent_ms\": %" PRIu64 ", ", now->silent_ms);
    }
    (void)printf("\"delay_us\": %d, \"back_delay_us\": %d, ", now->report.delay_us[PT_MEASURE_FORWARD],
                 now->report.delay_us[PT_MEASURE_BACK]);
    print_measures("now", &now->report);
    (void)printf(", ");
    print_measures("hour", hour);
    (void)printf("}\n");
}

static enum pt_code print_stamps(int fd, struct pt_error *reterr)
{
    struct pt_stamp_status now[PT_STAMP_TARGETS_MAX], hour[PT_STAMP_TARGETS_MAX];
    size_t now_len = 0, hour_len = 0;
    PT_TRY(pt_door_stamp_get(fd, 0, now, &now_len, reterr));
    PT_TRY(pt_door_stamp_get(fd, HOUR, hour, &hour_len, reterr));
    for (size_t i = 0; i < now_len && i < hour_len; i++) { /* an agent that just changed them: a line too few */
        print_stamp(&now[i], &hour[i].report);
    }
    return PT_OK;
}

enum pt_code run_paths(const struct process *process, struct pt_error *reterr)
{
    struct tunnel_paths files;
    struct pt_live_measures *now = NULL, *hour = NULL;
    size_t now_len = 0, hour_len = 0;
    int fd;
    tunnel_paths(process->config, &files);
    PT_TRY(pt_door_dial(files.socket, &fd, reterr));
    enum pt_code code = pt_door_measures(fd, 0, &now, &now_len, reterr);
    if (code == PT_OK) {
        code = pt_door_measures(fd, HOUR, &hour, &hour_len, reterr);
    }
    for (size_t i = 0, j = 0; i < now_len && code == PT_OK; i++) {
        const struct pt_measure_report *r = &now[i].report;
        (void)printf("{\"path\": \"%016" PRIx64 "\", \"delay_us\": %d, \"back_delay_us\": %d, ", now[i].path,
                     r->delay_us[PT_MEASURE_FORWARD], r->delay_us[PT_MEASURE_BACK]);
        print_measures("now", r);
        while (j < hour_len && hour[j].path < now[i].path) { /* both ascend by path */
            j++;
        }
        if (j < hour_len && hour[j].path == now[i].path) {
            (void)printf(", ");
            print_measures("hour", &hour[j].report);
        }
        (void)printf("}\n");
    }
    if (code == PT_OK) {
        code = print_stamps(fd, reterr);
    }
    (void)close(fd);
    free(now);
    free(hour);
    return code;
}
