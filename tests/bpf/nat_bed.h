/*
 * What the tests of translation and of the firewall share: a node with two segments, and packets of one host.
 *
 *    h 10.1.0.2 --lan0--+                        +--wan0 192.0.2.1-- internet
 *    g 10.9.0.2 --lan1--+ this is site 1         +-- site 2: 10.2.0.0/16 of segment 100, 10.8.0.0/16 of segment 200
 */
#pragma once

#include "bed.h"

#include <arpa/inet.h>
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TC_REDIRECT 7 /* TC_ACT_REDIRECT */
#define SYN 2
#define ACK 16
#define FIN 1

#define BASE                                                    \
    "node site=1\n"                                             \
    "link id=1 if=wan0 address=192.0.2.1 gateway=192.0.2.254\n" \
    "lan if=lan0 vni=100\n"                                     \
    "lan if=lan1 vni=200\n"                                     \
    "route vni=100 prefix=10.1.0.0/24 site=1 lan=lan0\n"        \
    "route vni=200 prefix=10.9.0.0/24 site=1 lan=lan1\n"        \
    "route vni=100 prefix=10.2.0.0/16 site=2\n"                 \
    "route vni=200 prefix=10.8.0.0/16 site=2\n"                 \
    "tunnel id=12 link=1 remote=192.0.2.2 site=2 mtu=1464\n"    \
    "path id=12 tunnel=12 site=2\n"                             \
    "group site=2 class=0 members=12:1:0\n"

static struct bed bed;

struct way {
    const char *source, *destination;
    uint16_t port_source, port;
    uint8_t protocol, flags; /* 0: UDP */
};

/* A packet with right checksums. */
static inline struct packet make(struct way w)
{
    struct packet p;
    uint8_t protocol = w.protocol == 0 ? IPPROTO_UDP : w.protocol;
    put_ethernet(&p, ETH_P_IP);
    uint32_t ip = put_ipv4(&p, w.source, w.destination, protocol, 0), l4 = p.size;
    if (protocol == IPPROTO_TCP) {
        l4 = put_tcp(&p, w.port_source, w.port, w.flags, NULL, 0);
    } else if (protocol == IPPROTO_UDP) {
        l4 = put_udp(&p, w.port_source, w.port);
    } else {
        uint8_t echo[8] = {w.flags, 0, 0, 0, (uint8_t)(w.port_source >> 8), (uint8_t)w.port_source, 0, 1};
        put(&p, echo, sizeof(echo));
    }
    put_payload(&p, 40);
    if (protocol == IPPROTO_UDP) {
        finish_udp_size(&p, l4);
    }
    finish_ipv4(&p, ip);
    if (protocol == IPPROTO_ICMP) {
        uint16_t sum = htons((uint16_t)~sum16(p.data + l4, p.size - l4, 0));
        memcpy(p.data + l4 + 2, &sum, 2);
    } else {
        finish_l4(&p, ip, l4, protocol == IPPROTO_TCP ? 16 : 6);
    }
    return p;
}

static inline uint16_t port_at(const struct packet *p, uint32_t offset)
{
    return (uint16_t)(p->data[offset] << 8 | p->data[offset + 1]);
}

#define SOURCE_PORT(p) port_at(p, ETH_HLEN + 20)
#define PORT(p) port_at(p, ETH_HLEN + 22)

static inline bool address_is(const struct packet *p, uint32_t offset, const char *text)
{
    struct in_addr address;
    ck_assert_int_eq(inet_pton(AF_INET, text, &address), 1);
    return memcmp(p->data + offset, &address, 4) == 0;
}

/* Redirected, from and to these addresses, and both checksums right. */
static inline void check_packet(const struct run *run, const char *source, const char *destination)
{
    ck_assert_msg(run->verdict == TC_REDIRECT, "verdict %d: %s", run->verdict, drops_text(&bed));
    ck_assert(address_is(&run->out, ETH_HLEN + 12, source));
    ck_assert(address_is(&run->out, ETH_HLEN + 16, destination));
    ck_assert_uint_eq(sum16(run->out.data + ETH_HLEN, 20, 0), 0xffff);
    if (run->out.data[ETH_HLEN + 9] == IPPROTO_ICMP) {
        ck_assert_uint_eq(sum16(run->out.data + ETH_HLEN + 20, run->out.size - ETH_HLEN - 20, 0), 0xffff);
    } else {
        ck_assert_uint_eq(l4_sum(run->out.data + ETH_HLEN, run->out.size - ETH_HLEN), 0xffff);
    }
    ck_assert_uint_eq(run->out.data[ETH_HLEN + 8], 63);
}

/* All tests of the file in one node; 77: there is nothing to run programs with. */
static inline int run_in_bed(Suite *suite)
{
    bed_open(&bed, BASE);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    bed_close(&bed);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
