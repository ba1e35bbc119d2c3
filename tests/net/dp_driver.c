/*
 * One node's data plane without the rest of the agent: reads commands from standard input, answers each with one line
 * or more and then "ok" or "failed: why". Started inside the node's network namespace.
 *
 *    apply FILE | verify | alive PATH | dead PATH | counters | quit
 *    tunnel FOLDER PATRONUSD [watch]   start the tunnel process, or find it; prints its public key; watch: it judges
 *                              paths by BFD
 *    queues                    the queues of shaped links
 *    measures MINUTES          what its paths were like; 0: the last ten seconds
 *    sealed                    what the tunnel process counted, and what it knows of its peers
 *
 * `dp_driver DIRECTORY` opens the data plane; `dp_driver DIRECTORY remove` detaches it.
 */
#include "agent/dp.h"
#include "agent/tunnel.h"
#include "base/log.h"
#include "sys/sys_uv.h"

#include "base/drop.h"

#include "../bpf/bundle_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TUNNEL_START_US 15000000

static uint64_t now_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void print_path(void *arg, const struct pt_dp_path_counters *c)
{
    (void)arg;
    printf("path %" PRIu64 " tx %" PRIu64 " %" PRIu64 " rx %" PRIu64 " %" PRIu64 "\n", c->path_id, c->tx_packets,
           c->tx_bytes, c->rx_packets, c->rx_bytes);
}

static void print_drop(void *arg, const struct pt_dp_drop *drop)
{
    (void)arg;
    printf("drop %s %" PRIu64 "\n", pt_drop_label(drop->reason), drop->packets);
}

static void print_demand(void *arg, uint32_t site_label, uint64_t bytes)
{
    (void)arg;
    printf("demand %u %" PRIu64 "\n", site_label, bytes);
}

static void print_queues(void *arg, const struct pt_dp_link_queues *queues)
{
    (void)arg;
    printf("link %s error \"%s\"\n", queues->link, queues->error);
    for (unsigned i = 0; i < PT_DP_QUEUES; i++) {
        const struct pt_dp_queue *q = &queues->queues[i];
        if (queues->used[i]) {
            printf("class%u bytes %" PRIu64 " packets %" PRIu64 " drops %" PRIu64 " backlog %u %u promised %" PRIu64
                   "\n",
                   i, q->bytes, q->packets, q->drops, q->backlog_bytes, q->backlog_packets, q->promised_bps);
        }
    }
}

/* The tunnel process, once "tunnel" was said. */
struct sealing {
    struct pt_sys *sys;
    struct pt_agent_tunnel *tunnel; /* NULL: not yet */
    struct pt_log log;
    char folder[512], program[512];
};

static enum pt_code do_tunnel(struct pt_dp *dp, struct sealing *sealing, const char *folder, const char *program,
                              bool watch, struct pt_error *reterr)
{
    char socket[600], hex[65];
    struct pt_digest key; /* as long as a public key */
    (void)snprintf(sealing->folder, sizeof(sealing->folder), "%s", folder);
    (void)snprintf(sealing->program, sizeof(sealing->program), "%s", program);
    (void)snprintf(socket, sizeof(socket), "%s/tunnel.sock", folder);
    PT_TRY(pt_sys_uv_new(&sealing->sys, reterr));
    const struct pt_agent_tunnel_options options = {.sys = sealing->sys,
                                                    .log = &sealing->log,
                                                    .dp = dp,
                                                    .socket = socket,
                                                    .program = sealing->program,
                                                    .data = sealing->folder,
                                                    .log_level = "info",
                                                    .liveness = watch};
    sealing->tunnel = pt_agent_tunnel_new(&options);
    const uint8_t *public_key = pt_agent_tunnel_public_key(sealing->tunnel);
    /* Where everybody wants the processor, a process takes its time to begin: the agent goes on without it, we do not.
     */
    for (uint64_t end_us = now_us() + TUNNEL_START_US; public_key == NULL && now_us() < end_us;) {
        pt_sys_uv_turn(sealing->sys, true);
        public_key = pt_agent_tunnel_public_key(sealing->tunnel);
    }
    if (public_key == NULL) {
        return pt_fail(reterr, PT_UNAVAILABLE, PT_REASON_NONE, folder, "no tunnel process");
    }
    memcpy(key.bytes, public_key, sizeof(key.bytes));
    printf("key %s\n", pt_digest_hex(&key, hex));
    return PT_OK;
}

static enum pt_code do_sealed(const struct sealing *sealing, struct pt_error *reterr)
{
    struct pt_door_report report;
    char socket[600];
    int fd;
    (void)snprintf(socket, sizeof(socket), "%s/tunnel.sock", sealing->folder);
    PT_TRY(pt_door_dial(socket, &fd, reterr));
    enum pt_code code = pt_door_report(fd, &report, reterr);
    (void)close(fd);
    PT_TRY(code);
    printf("sealed %" PRIu64 " opened %" PRIu64 " program %" PRIu64 "\n", report.status.counters.sealed_packets,
           report.status.counters.opened_packets, report.status.program.inode);
    for (enum pt_engine_drop i = 0; i < PT_ENGINE_DROPS_LEN; i++) {
        printf("drop %s %" PRIu64 "\n", pt_engine_drop_name(i), report.status.counters.drops[i]);
    }
    for (uint32_t i = 0; i < report.status.peers_len; i++) {
        const struct pt_peer_status *peer = &report.peers[i];
        printf("peer %u %s handshakes %" PRIu64 "\n", peer->label, peer->established_ns != 0 ? "up" : "down",
               peer->handshakes);
    }
    for (uint32_t i = 0; i < report.status.lives_len; i++) {
        const struct pt_live_status *live = &report.lives[i];
        printf("live %" PRIu64 " %s detection %u ups %" PRIu64 " downs %" PRIu64 "\n", live->path,
               !live->known  ? "unknown"
               : live->alive ? "alive"
                             : "dead",
               live->detection_ms, live->ups, live->downs);
    }
    for (uint32_t i = 0; i < report.status.paths_len; i++) {
        printf("slot %u mtu %u\n", report.paths[i].slot, report.paths[i].mtu);
    }
    pt_door_report_fini(&report);
    return PT_OK;
}

static enum pt_code do_measures(const struct sealing *sealing, uint32_t minutes, struct pt_error *reterr)
{
    struct pt_live_measures *measures = NULL;
    size_t len = 0;
    char socket[600];
    int fd;
    (void)snprintf(socket, sizeof(socket), "%s/tunnel.sock", sealing->folder);
    PT_TRY(pt_door_dial(socket, &fd, reterr));
    enum pt_code code = pt_door_measures(fd, minutes, &measures, &len, reterr);
    (void)close(fd);
    PT_TRY(code);
    for (size_t i = 0; i < len; i++) {
        const struct pt_measure_report *r = &measures[i].report;
        printf("measure %" PRIu64
               " loss_ppm %u %u packets %u %u delay_us %d %d jitter_us %u %u rtt_us %u %u %u mos %u\n",
               measures[i].path, r->loss_ppm[0], r->loss_ppm[1], r->packets[0], r->packets[1], r->delay_us[0],
               r->delay_us[1], r->jitter_us[0], r->jitter_us[1], r->p50_us, r->p95_us, r->p99_us, r->mos_100);
    }
    free(measures);
    return PT_OK;
}

static enum pt_code do_apply(struct pt_dp *dp, struct sealing *sealing, const char *file, struct pt_error *reterr)
{
    struct pt_bundle *bundle = bundle_from_file(file);
    if (bundle == NULL) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_NONE, file, "not a bundle");
    }
    uint64_t start = now_us();
    enum pt_code code = dp->ops->apply(dp, bundle, reterr);
    dp->ops->settle(dp);
    printf("apply_us %" PRIu64 "\n", now_us() - start);
    if (code == PT_OK && sealing->tunnel != NULL) {
        pt_agent_tunnel_set_bundle(sealing->tunnel, bundle);
    }
    pt_bundle_unref(bundle);
    return code;
}

static enum pt_code do_command(struct pt_dp *dp, struct sealing *sealing, const char *command, const char *argument,
                               const char *second, const char *third, struct pt_error *reterr)
{
    struct pt_digest digest;
    char hex[65];
    if (strcmp(command, "apply") == 0) {
        return do_apply(dp, sealing, argument, reterr);
    }
    if (strcmp(command, "tunnel") == 0) {
        return do_tunnel(dp, sealing, argument, second, strcmp(third, "watch") == 0, reterr);
    }
    if (strcmp(command, "sealed") == 0) {
        return do_sealed(sealing, reterr);
    }
    if (strcmp(command, "measures") == 0) {
        return do_measures(sealing, (uint32_t)strtoul(argument, NULL, 10), reterr);
    }
    if (strcmp(command, "verify") == 0) {
        uint64_t start = now_us();
        PT_TRY(dp->ops->verify(dp, &digest, reterr));
        printf("digest %s\nverify_us %" PRIu64 "\n", pt_digest_hex(&digest, hex), now_us() - start);
        return PT_OK;
    }
    if (strcmp(command, "alive") == 0 || strcmp(command, "dead") == 0) {
        dp->ops->set_path_alive(dp, strtoull(argument, NULL, 0), command[0] == 'a');
        return PT_OK;
    }
    if (strcmp(command, "counters") == 0) {
        dp->ops->counters(dp, print_path, print_drop, NULL);
        dp->ops->demands(dp, print_demand, NULL);
        return PT_OK;
    }
    if (strcmp(command, "queues") == 0) {
        dp->ops->queues(dp, print_queues, NULL);
        return PT_OK;
    }
    return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_NONE, command, "no such command");
}

int main(int argc, char **argv)
{
    struct pt_log log = {.level_min = PT_LOG_INFO};
    struct pt_error error = {0};
    struct pt_dp *dp = NULL;
    struct sealing sealing = {.log = log};
    char line[4096];
    if (argc < 2) {
        fprintf(stderr, "usage: dp_driver DIRECTORY [remove]\n");
        return 2;
    }
    struct pt_dp_bpf_options options = {.pin_directory = argv[1], .log = &log};
    options.swift = getenv("PT_DP_SWIFT") != NULL ? PT_DP_SWIFT_ON : PT_DP_SWIFT_HARDWARE;
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    uint64_t start = now_us();
    enum pt_code code = argc > 2 ? pt_dp_bpf_remove(&options, &error) : pt_dp_bpf_new(&options, &dp, &error);
    if (code != PT_OK) {
        printf("failed: %s: %s\n", error.field, error.text);
        return 1;
    }
    printf("open_us %" PRIu64 "\nok\n", now_us() - start);
    while (argc == 2 && fgets(line, sizeof(line), stdin) != NULL) {
        char *save = NULL, *command = strtok_r(line, " \n", &save), *argument = strtok_r(NULL, " \n", &save),
             *second = strtok_r(NULL, " \n", &save), *third = strtok_r(NULL, " \n", &save);
        if (command == NULL || strcmp(command, "quit") == 0) {
            break;
        }
        if (do_command(dp, &sealing, command, argument == NULL ? "" : argument, second == NULL ? "" : second,
                       third == NULL ? "" : third, &error) == PT_OK) {
            printf("ok\n");
        } else {
            printf("failed: %s: %s\n", error.field, error.text);
        }
        if (sealing.sys != NULL) {
            pt_sys_uv_turn(sealing.sys, false); /* its timers */
        }
    }
    if (dp != NULL) {
        pt_agent_tunnel_free(sealing.tunnel);
        dp->ops->close(dp);
    }
    return 0;
}
