/*
 * What the benchmarks' clients share: one mTLS channel to each of several addresses.
 */
#pragma once

#include "rpc/rpc.h"

#define BENCH_CHANNELS_MAX 8

struct bench_client {
    struct pt_rpc_channel *channels[BENCH_CHANNELS_MAX];
    size_t len;
};

/* addresses: comma-separated host:port, taken apart in place. files: certificate, key, CA. On failure the reason is on
 * standard error. */
bool bench_client_open(struct pt_sys *sys, char *addresses, char *const files[3], struct bench_client *client);
