/*
 * The site's wires as diagnostics see them: a port. wires_packet.c is the real one, on packet sockets.
 *
 * An opened wire gives every frame that passes on an interface towards hosts, and sends packets in two ways: around, as
 * if a host of the wire had sent it to the edge, so that it goes through rules, route, path and seal like traffic, and
 * its answer comes back the same way; or out, to a host of the wire itself.
 *
 * One thread: the agent's loop.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "base/net.h"
#include "sys/sys.h"

struct pt_dp;

struct pt_wire_frame {
    struct pt_bytes bytes; /* Ethernet header first; cut to snap_size */
    size_t wire_size;
    int64_t time_ns; /* wall clock */
};

struct pt_wire_options {
    const char *interface;
    bool echoes_only;                                               /* frames of ICMP only: a busy wire costs nothing */
    size_t snap_size;                                               /* bytes of a frame that are wanted */
    void (*on_frame)(void *arg, const struct pt_wire_frame *frame); /* must not close the wire */
    void *arg;
};

struct pt_wire;
struct pt_wires {
    /* PT_NOT_FOUND: there is no such interface, or it is no Ethernet; errno of the kernel's. */
    enum pt_code (*open)(struct pt_wires *wires, const struct pt_wire_options *options, struct pt_wire **ret_wire,
                         struct pt_error *reterr);
    void (*close)(struct pt_wire *wire); /* NULL is fine */
    /* The interface's own address of a family. PT_FAILED_PRECONDITION: it has none. */
    enum pt_code (*address)(struct pt_wire *wire, bool v4, struct pt_ip *ret_ip, struct pt_error *reterr);
    /* An IP packet whose source is that address. */
    enum pt_code (*send)(struct pt_wire *wire, bool around, struct pt_bytes packet, struct pt_error *reterr);
    /* Frames that the kernel could not keep, since the wire was opened. */
    uint64_t (*lost)(struct pt_wire *wire);
    void (*free)(struct pt_wires *wires);
};
struct pt_wires *pt_wires_packet_new(struct pt_sys *sys, struct pt_dp *dp);
