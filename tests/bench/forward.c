/*
 * Frames as fast as one CPU makes and forwards them.
 *
 *   bench_forward OBJECT sink INTERFACE                   drop all that comes, until killed
 *   bench_forward OBJECT send INTERFACE HEX VARY COUNT    send the frame so often in 1,024 flows; prints seconds
 *
 * Maker, forwarder and sink run on the CPU of this process: what counts is what arrives, by the sink's statistics.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define FRAME_MAX 128

struct forward { /* as in tests/bpf/forward.bpf.c */
    uint32_t ifindex, size, vary, seed;
    uint8_t frame[FRAME_MAX];
};

static int fail(const char *what)
{
    perror(what);
    return 1;
}

static double now_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int sink(struct bpf_object *object, const char *interface)
{
    int program = bpf_program__fd(bpf_object__find_program_by_name(object, "pt_sink"));
    if (bpf_xdp_attach((int)if_nametoindex(interface), program, 0, NULL) != 0) {
        return fail("cannot attach the sink");
    }
    printf("ready\n");
    (void)fflush(stdout);
    for (;;) {
        (void)pause();
    }
}

static uint32_t read_hex(const char *text, uint8_t *out, uint32_t max)
{
    uint32_t size = 0;
    unsigned byte;
    while (size < max && sscanf(text + 2 * (size_t)size, "%2x", &byte) == 1) {
        out[size++] = (uint8_t)byte;
    }
    return (size + 3) / 4 * 4;
}

static int send_frames(struct bpf_object *object, char **arguments)
{
    struct forward forward = {.ifindex = if_nametoindex(arguments[0]), .vary = (uint32_t)atoi(arguments[2]), .seed = 1};
    uint32_t zero = 0;
    forward.size = read_hex(arguments[1], forward.frame, FRAME_MAX);
    struct xdp_md context = {.data_end = forward.size};
    LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = forward.frame, .data_size_in = forward.size, .ctx_in = &context,
                .ctx_size_in = sizeof(context), .repeat = atoi(arguments[3]), .flags = BPF_F_TEST_XDP_LIVE_FRAMES,
                .batch_size = 64);
    int map = bpf_object__find_map_fd_by_name(object, "pt_forward");
    if (bpf_map_update_elem(map, &zero, &forward, BPF_ANY) != 0) {
        return fail("cannot describe the frame");
    }
    double start = now_s();
    if (bpf_prog_test_run_opts(bpf_program__fd(bpf_object__find_program_by_name(object, "pt_make")), &options) != 0) {
        return fail("cannot send");
    }
    printf("%.6f\n", now_s() - start);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: see the head of tests/bench/forward.c\n");
        return 2;
    }
    struct bpf_object *object = bpf_object__open_file(argv[1], NULL);
    if (object == NULL || bpf_object__load(object) != 0) {
        return fail("cannot load the programs");
    }
    return strcmp(argv[2], "sink") == 0 ? sink(object, argv[3]) : argc == 7 ? send_frames(object, argv + 3) : 2;
}
