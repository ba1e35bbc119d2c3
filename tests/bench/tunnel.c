/*
 * One end of an encrypted tunnel without the rest of the product: the engine between a TAP and a link, two such
 * processes being two edges. The kernel routes into the TAP with a neighbour entry that stands for the steering
 * verdict.
 *
 *     bench_tunnel DEVICE LINK OWN_ADDRESS PEER_ADDRESS own|peer CIPHER [REKEY_MS]
 *
 * The two ends have fixed keys, "own" the one and "peer" the other. SIGUSR1 prints the counters, SIGTERM ends it.
 */
#include "base/assert.h"
#include "base/log.h"
#include "sys/sys_uv.h"
#include "tunnel/engine.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

struct bench {
    struct pt_sys *sys;
    struct pt_engine *engine;
    int signals;
};

static void print(const struct bench *bench)
{
    struct pt_engine_counters c;
    struct pt_engine_path_status path = {0};
    struct pt_peer_status peer = {0};
    pt_engine_counters(bench->engine, &c);
    (void)pt_engine_paths(bench->engine, &path, 1);
    (void)pt_engine_peers(bench->engine, &peer, 1);
    printf("sealed=%" PRIu64 " opened=%" PRIu64 " reads=%" PRIu64 " sends=%" PRIu64 " receives=%" PRIu64
           " writes=%" PRIu64 " mtu=%u handshakes=%" PRIu64,
           c.sealed_packets, c.opened_packets, c.reads, c.sends, c.receives, c.writes, path.mtu, peer.handshakes);
    for (enum pt_engine_drop i = 0; i < PT_ENGINE_DROPS_LEN; i++) {
        if (c.drops[i] != 0) {
            printf(" %s=%" PRIu64, pt_engine_drop_name(i), c.drops[i]);
        }
    }
    printf("\n");
    (void)fflush(stdout);
}

static void on_signal(void *arg)
{
    struct bench *bench = arg;
    struct signalfd_siginfo info;
    if (read(bench->signals, &info, sizeof(info)) == (ssize_t)sizeof(info) && info.ssi_signo == SIGUSR1) {
        print(bench);
    } else {
        pt_sys_uv_stop(bench->sys);
    }
}

static void run(char **argv, uint64_t rekey_ms)
{
    struct bench bench = {0};
    struct pt_error error = {0};
    bool own = strcmp(argv[5], "own") == 0;
    struct pt_engine_options options = {.device = argv[1]};
    struct pt_engine_link link = {.number = 1};
    struct pt_engine_path path = {.slot = 1, .peer = 2, .link = 1, .mtu = 1500 - 20 - 8 - 8 - PT_TUNNEL_OVERHEAD};
    struct pt_peer_entry peer = {.label = 2, .cipher = (enum pt_cipher)atoi(argv[6])};
    uint8_t other[PT_X25519_SIZE];
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGTERM);
    pt_assert(sigprocmask(SIG_BLOCK, &set, NULL) == 0); /* before there are threads */
    memset(options.private_key, own ? 0x11 : 0x22, sizeof(options.private_key));
    memset(other, own ? 0x22 : 0x11, sizeof(other));
    pt_x25519_public(other, peer.public_key);
    (void)snprintf(link.interface, sizeof(link.interface), "%s", argv[2]);
    pt_assert(pt_ip_parse(argv[3], &link.address, &error) == PT_OK);
    pt_assert(pt_ip_parse(argv[4], &path.remote, &error) == PT_OK);
    pt_assert(pt_sys_uv_new(&bench.sys, &error) == PT_OK);
    const struct pt_log log = {.level_min = PT_LOG_INFO, .node = argv[5]};
    options.sys = bench.sys;
    options.log = &log;
    const struct pt_engine_config config = {.port = PT_SEALED_PORT,
                                            .links = &link,
                                            .links_len = 1,
                                            .paths = &path,
                                            .paths_len = 1,
                                            .peers = &peer,
                                            .peers_len = 1,
                                            .rekey_after_ms = rekey_ms};
    if (pt_engine_open(&options, &bench.engine, &error) != PT_OK ||
        pt_engine_configure(bench.engine, &config, &error) != PT_OK) {
        fprintf(stderr, "bench_tunnel: %s: %s\n", error.field, error.text);
        exit(1);
    }
    bench.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    struct pt_fd_watch *watch = pt_sys_uv_watch(bench.sys, bench.signals, on_signal, &bench);
    pt_sys_uv_run(bench.sys);
    print(&bench);
    pt_sys_uv_unwatch(watch);
    pt_engine_close(bench.engine);
    pt_sys_uv_free(bench.sys);
}

int main(int argc, char **argv)
{
    if (argc < 7) {
        fprintf(stderr, "usage: bench_tunnel DEVICE LINK OWN_ADDRESS PEER_ADDRESS own|peer CIPHER [REKEY_MS]\n");
        return 2;
    }
    run(argv, argc > 7 ? strtoull(argv[7], NULL, 10) : 0);
    return 0;
}
