/*
 * Hellos: liveness, round-trip time and loss of each path, by a small packet each interval along the very path.
 *
 * Format, behind outer UDP and a Geneve header with the O bit, VNI 0, protocol PT_HELLO_PROTOCOL:
 *
 *     0  be32 magic        8  be64 path id     16 be64 sequence    24 be64 sender's clock, ns
 *     4  u8 version, u8 type (1 request, 2 reply), u8 labels in the return stack, u8 zero
 *    32  6 x be32 return stack: what the far end puts into the reply's path stack
 *
 * The far end's XDP program answers requests itself, so that a path is judged by what carries packets and not by
 * whether a process runs there. A path is dead when `multiplier` hellos in a row stay unanswered, alive with the first
 * answer.
 */
#pragma once

#include "agent/dp.h"
#include "base/net.h"
#include "bpf/abi/hello.h"
#include "sys/sys.h"

/* Sockets, as a port: hello_udp.c is the real one. */
struct pt_hello_io {
    /* Be able to send and receive on a link from now on; links that are not named any more are closed. */
    enum pt_code (*set_links)(struct pt_hello_io *io, const Patronus__V1__LinkEntry *const *links, size_t len,
                              struct pt_error *reterr);
    /* Send to remote:port from the link; best effort. */
    void (*send)(struct pt_hello_io *io, uint32_t link, const struct pt_ip *remote, uint16_t port, const void *data,
                 size_t size);
    /* Where received packets (from the Geneve header on) go; set by pt_hello_new. */
    void (*on_packet)(void *arg, uint32_t link, const struct pt_ip *from, const uint8_t *data, size_t size);
    void *arg;
    void (*close)(struct pt_hello_io *io);
};

/* Real UDP sockets, one a link, bound to its address and interface. */
struct pt_hello_io *pt_hello_udp_new(struct pt_sys *sys);

#define PT_HELLO_SELDOM 10U

struct pt_path_report { /* what is known of one path */
    uint64_t path_id;
    bool alive;
    uint32_t rtt_us, loss_ppm;
    uint32_t min_rtt_us; /* smallest of the last 5 to 10 seconds */
};

struct pt_hello;
struct pt_hello_options {
    struct pt_sys *sys;
    struct pt_hello_io *io; /* borrowed */
    /* A path died or recovered: the data plane's word is to flip at once. */
    void (*on_change)(void *arg, uint64_t path_id, bool alive);
    /* Somebody else judges the path now: one request in PT_HELLO_SELDOM intervals is enough to know how it is when that
     * ends. May be NULL. */
    bool (*judged)(void *arg, uint64_t path_id);
    void *arg;
};
struct pt_hello *pt_hello_new(const struct pt_hello_options *options);
void pt_hello_free(struct pt_hello *hello); /* NULL is fine */
/* Probe the paths of this bundle from now on; what is known of paths that stay is kept. */
void pt_hello_set_bundle(struct pt_hello *hello, const struct pt_bundle *bundle);
bool pt_hello_alive(const struct pt_hello *hello, uint64_t path_id); /* false for unknown ones */
/* Every path, ascending by id. Returns how many there are; fills at most len_max. */
size_t pt_hello_reports(const struct pt_hello *hello, struct pt_path_report *ret_reports, size_t len_max);
