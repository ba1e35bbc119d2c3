/*
 * What a packet of a flow costs that is in the cache and classified: parse, hash, find, count.
 *
 *     bench_dpi FLOWS...        one line for each number of flows:  hit_ns FLOWS VALUE
 *
 * Each flow is a question and an answer of DNS, which libndpi recognises; then packets of all of them come in an order
 * that no cache foresees. The packet itself is warm, as it is in a program that has just received it. Median of rounds.
 */
#include "base/assert.h"
#include "dpi/dpi.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS 9
#define PACKETS 1000000U
#define PACKET_SIZE 61
#define FLOWS_MAX 65536U

/* 10.0.x.y:PORT to 10.9.9.9:53, or back; `answer` sets the flag of DNS that says so. */
static void make_packet(uint8_t packet[PACKET_SIZE], uint32_t flow, bool answer)
{
    static const uint8_t question[] = {0x12, 0x34, 1,   0,   0,   1,   0,   0,   0, 0, 0, 0, 1, 'a',
                                       7,    'e',  'x', 'a', 'm', 'p', 'l', 'e', 0, 0, 1, 0, 1};
    const uint8_t host[4] = {10, 0, (uint8_t)(flow >> 8), (uint8_t)flow}, server[4] = {10, 9, 9, 9};
    const uint16_t port = (uint16_t)(1024 + flow % 40000), sizes[2] = {PACKET_SIZE, PACKET_SIZE - 20};
    memset(packet, 0, PACKET_SIZE);
    packet[0] = 0x45, packet[2] = (uint8_t)(sizes[0] >> 8), packet[3] = (uint8_t)sizes[0], packet[8] = 64,
    packet[9] = 17;
    memcpy(packet + 12, answer ? server : host, 4);
    memcpy(packet + 16, answer ? host : server, 4);
    uint8_t *from = packet + (answer ? 22 : 20), *to = packet + (answer ? 20 : 22);
    from[0] = (uint8_t)(port >> 8), from[1] = (uint8_t)port, to[0] = 0, to[1] = 53;
    packet[24] = (uint8_t)(sizes[1] >> 8), packet[25] = (uint8_t)sizes[1];
    _Static_assert(28 + sizeof(question) <= PACKET_SIZE, "it fits");
    memcpy(packet + 28, question, sizeof(question));
    packet[30] |= answer ? 0x80 : 0;
}

static struct pt_dpi_flow *see(struct pt_dpi *dpi, const uint8_t packet[PACKET_SIZE])
{
    struct pt_dpi_packet parsed;
    bool changed = false;
    pt_assert(pt_dpi_packet_parse(packet, PACKET_SIZE, &parsed));
    return pt_dpi_packet(dpi, 1, &parsed, 1000, &changed);
}

static uint64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static double measure(uint32_t flows)
{
    const struct pt_dpi_options options = {
        .flows_max = flows, .tcp_packets_max = 12, .udp_packets_max = 10, .replaces = true};
    struct pt_dpi *dpi = NULL;
    uint8_t packet[PACKET_SIZE];
    double rounds[ROUNDS];
    pt_assert(pt_dpi_new(&options, &dpi, NULL) == PT_OK);
    for (uint32_t i = 0; i < flows; i++) {
        make_packet(packet, i, false);
        (void)see(dpi, packet);
        make_packet(packet, i, true);
        struct pt_dpi_flow *flow = see(dpi, packet);
        pt_assert(flow != NULL && flow->verdict.application != 0);
        pt_dpi_finish(dpi, flow);
    }
    struct pt_dpi_counts before = pt_dpi_counts(dpi);
    make_packet(packet, 0, false);
    for (int round = 0; round < ROUNDS; round++) {
        uint32_t random = 1;
        uint64_t began = now_ns();
        for (uint32_t i = 0; i < PACKETS; i++) {
            random = random * 1664525U + 1013904223U;
            uint32_t flow = (uint32_t)((uint64_t)random * flows >> 32);
            uint16_t port = (uint16_t)(1024 + flow % 40000);
            packet[14] = (uint8_t)(flow >> 8), packet[15] = (uint8_t)flow;
            packet[20] = (uint8_t)(port >> 8), packet[21] = (uint8_t)port;
            (void)see(dpi, packet);
        }
        rounds[round] = (double)(now_ns() - began) / PACKETS;
    }
    pt_assert(pt_dpi_counts(dpi).hits - before.hits == (uint64_t)ROUNDS * PACKETS); /* nothing else was measured */
    pt_dpi_free(dpi);
    qsort(rounds, ROUNDS, sizeof(rounds[0]), by_value);
    return rounds[ROUNDS / 2];
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        unsigned long flows = strtoul(argv[i], NULL, 10);
        if (flows == 0 || flows > FLOWS_MAX) {
            fprintf(stderr, "bench_dpi: %s: 1 to %u flows\n", argv[i], FLOWS_MAX);
            return 2;
        }
        printf("hit_ns %lu %.1f\n", flows, measure((uint32_t)flows));
    }
    return 0;
}
