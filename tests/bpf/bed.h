/*
 * Test bed for the programs: a network namespace and a mount namespace of this process's own, interfaces lan0, lan1,
 * wan0, wan1 (veth ends, up), the real data plane attached to them, and BPF_PROG_RUN.
 *
 * A test has three parts: PKTGEN writes the packet (put_* below), SETUP is a bundle in text and bed_apply, and CHECK
 * reads verdict and bytes of a struct run.
 */
#pragma once

#include "agent/dp.h"

#include "bpf/abi/bundle.h"
#include "bpf/abi/drop.h"
#include "bpf/abi/meta.h"

#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stdbool.h>
#include <stdint.h>

struct bed {
    struct pt_dp *dp;
    char pins[64];
    uint32_t lan0, lan1, wan0, wan1;                             /* interface indexes */
    int lan_program, wan_program, wan_tc_program, swift_program; /* swift_program: -1 without it */
};

/* True when the test can run here; else says why not, for exit code 77. */
bool bed_possible(void);
/* The bed with a bundle in force. Exits on failure. */
void bed_open(struct bed *bed, const char *bundle);
/* The same with hook `swift` on the LANs. */
void bed_open_swift(struct bed *bed, const char *bundle);
void bed_close(struct bed *bed);
void bed_apply(struct bed *bed, const char *bundle);
/* A map by its pin below the folder. Exits when there is none. */
int bed_pinned(const char *pins, const char *name);
/* A file of programs from the folder of the program that runs, over the maps that are pinned. Exits on failure. */
struct bpf_object *bed_load_beside(const char *pins, const char *program, const char *file);
/* Count of a drop reason. */
uint64_t bed_drops(struct bed *bed, enum pt_drop reason);
struct pt_dp_path_counters bed_path(struct bed *bed, uint64_t path_id);

/* ---- packets -------------------------------------------------------------------------------------------------- */

#define PACKET_MAX 4096

struct packet {
    uint8_t data[PACKET_MAX];
    uint32_t size;
};

void put(struct packet *p, const void *data, size_t size);
void put_ethernet(struct packet *p, uint16_t ethertype);
/* Addresses as text. Total or payload length and checksums are written by finish_*. Return the header's offset. */
uint32_t put_ipv4(struct packet *p, const char *source, const char *destination, uint8_t protocol, uint8_t tos);
uint32_t put_ipv6(struct packet *p, const char *source, const char *destination, uint8_t protocol, uint8_t tos);
uint32_t put_udp(struct packet *p, uint16_t source, uint16_t destination);
uint32_t put_tcp(struct packet *p, uint16_t source, uint16_t destination, uint8_t flags, const void *options,
                 size_t options_size);
void put_payload(struct packet *p, size_t size);
/* Geneve with the given labels as path stack. */
uint32_t put_geneve(struct packet *p, uint32_t vni, uint16_t protocol, uint8_t flags, const uint32_t *stack,
                    size_t stack_len);
/* The packet ends here: write lengths and the IPv4 header checksum, or the L4 checksum. */
void finish_ipv4(struct packet *p, uint32_t offset);
void finish_ipv6(struct packet *p, uint32_t offset);
void finish_udp_size(struct packet *p, uint32_t offset);
void finish_l4(struct packet *p, uint32_t ip_offset, uint32_t l4_offset, uint32_t checksum_offset);

/* One's complement sum of the bytes, folded: 0xffff when a checksum within is right. */
uint16_t sum16(const void *data, size_t size, uint32_t sum);
/* Sum over pseudo header and everything behind the IP header. */
uint16_t l4_sum(const uint8_t *ip, size_t size);

/* ---- runs ----------------------------------------------------------------------------------------------------- */

struct run {
    int verdict; /* a TC or an XDP action */
    bool dropped;
    bool handed_over; /* wan: with metadata for the companion */
    struct pt_abi_meta meta;
    struct packet out;
    uint32_t nanoseconds; /* a packet, mean of the repeats */
};

struct run run_lan(struct bed *bed, const struct packet *p);
/* On another interface, as a super-packet, many times. */
struct run_options {
    uint32_t ifindex, gso_size, gso_segs, repeat;
};
struct run run_lan_with(struct bed *bed, const struct packet *p, struct run_options options);
struct run run_wan(struct bed *bed, const struct packet *p);
/* The companion, on a packet that came by no tunnel. */
struct run run_wan_tc(struct bed *bed, const struct packet *p); /* by wan0 */
struct run run_wan1_tc(struct bed *bed, const struct packet *p);
struct run run_wan_tc_with(struct bed *bed, const struct packet *p, struct run_options options);
struct run run_swift(struct bed *bed, const struct packet *p, struct run_options options);
/* The program of the tunnel's device, which gets what was opened: on an interface that set_tunnel named. */
struct run run_tap(uint32_t ifindex, const struct packet *p);
struct run run_wan_with(struct bed *bed, const struct packet *p, struct run_options options);

/* Run, and check that it was dropped for this reason and no other. */
#define CHECK_DROP(bed, call, reason)                                                                      \
    do {                                                                                                   \
        uint64_t before = bed_drops((bed), PT_DROP_##reason);                                              \
        struct run dropped = (call);                                                                       \
        ck_assert(dropped.dropped);                                                                        \
        ck_assert_msg(bed_drops((bed), PT_DROP_##reason) == before + 1, "not dropped for " #reason ": %s", \
                      drops_text(bed));                                                                    \
    } while (0)
/* Every count, for a failure's message. */
const char *drops_text(struct bed *bed);
