/*
 * The load of the write benchmark: creates of 256 bytes, a fixed number in flight, over mTLS; the same client for
 * Patronus (CreateSite) and for etcd (Put), so that only the servers differ.
 *
 * Usage: bench_load patronus|etcd ADDRESS[,ADDRESS...] CERT KEY CA COUNT IN_FLIGHT RUN
 *   RUN makes the names of this run different from those of others. Calls go round the addresses.
 *   Patronus: organizations/RUN-0, RUN-1 ... must be there, one for each 8000 creates.
 * Prints: rate P50_US P99_US ERRORS
 */
#include "client.h"
#include "patronus/v1/site.pb-c.h"
#include "sys/sys_uv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VALUE_SIZE 256
#define SITES_PER_PARENT 8000 /* an organization takes 10,000 */

struct load {
    struct pt_sys *sys;
    bool etcd;
    const char *run;
    struct bench_client client;
    size_t count, started, done, errors;
    uint32_t *latency_us;
};

struct call {
    struct load *load;
    uint64_t started_ns;
};

static char value[VALUE_SIZE + 1];

static void start(struct load *load);

static void on_reply(void *arg, const struct pt_error *error, struct pt_bytes message)
{
    struct call *call = arg;
    struct load *load = call->load;
    (void)message;
    if (error != NULL && load->errors++ < 3) {
        fprintf(stderr, "bench_load: %s: %s\n", pt_code_name(error->code), error->text);
    }
    load->latency_us[load->done++] = (uint32_t)((pt_sys_now_ns(load->sys) - call->started_ns) / 1000);
    free(call);
    if (load->done == load->count) {
        pt_sys_uv_stop(load->sys);
    } else if (load->started < load->count) {
        start(load);
    }
}

static void put_field(struct pt_buf *out, uint8_t number, const void *data, size_t size)
{
    pt_buf_append_u8(out, (uint8_t)(number << 3 | 2));
    if (size >= 0x80) {
        pt_buf_append_u8(out, (uint8_t)(size | 0x80));
        pt_buf_append_u8(out, (uint8_t)(size >> 7));
    } else {
        pt_buf_append_u8(out, (uint8_t)size);
    }
    pt_buf_append(out, data, size);
}

/* A request whose payload is VALUE_SIZE bytes under a new name. */
static void make_request(struct load *load, struct pt_buf *out)
{
    char id[64];
    (void)snprintf(id, sizeof(id), "s%s-%zu", load->run, load->started);
    if (load->etcd) {
        put_field(out, 1, id, strlen(id)); /* PutRequest.key */
        put_field(out, 2, value, VALUE_SIZE);
        return;
    }
    Patronus__V1__Site site = PATRONUS__V1__SITE__INIT;
    site.location = value;
    Patronus__V1__CreateSiteRequest request = PATRONUS__V1__CREATE_SITE_REQUEST__INIT;
    char parent[64];
    (void)snprintf(parent, sizeof(parent), "organizations/%s-%zu", load->run, load->started / SITES_PER_PARENT);
    request.parent = parent;
    request.site_id = id;
    request.site = &site;
    size_t size = patronus__v1__create_site_request__get_packed_size(&request);
    (void)patronus__v1__create_site_request__pack(&request, pt_buf_reserve(out, size));
    out->size = size;
}

static void start(struct load *load)
{
    struct call *call = calloc(1, sizeof(*call));
    struct pt_buf request = {0};
    make_request(load, &request);
    struct pt_rpc_channel *channel = load->client.channels[load->started++ % load->client.len];
    *call = (struct call){.load = load, .started_ns = pt_sys_now_ns(load->sys)};
    (void)pt_rpc_unary(channel, load->etcd ? "/etcdserverpb.KV/Put" : "/patronus.v1.SiteService/CreateSite",
                       pt_buf_bytes(&request), NULL, 0, 30000, on_reply, call);
    pt_buf_fini(&request);
}

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
    if (argc != 9) {
        fprintf(stderr, "usage: bench_load patronus|etcd ADDRESS,... CERT KEY CA COUNT IN_FLIGHT RUN\n");
        return 2;
    }
    struct load load = {.etcd = strcmp(argv[1], "etcd") == 0, .run = argv[8], .count = strtoul(argv[6], NULL, 10)};
    size_t in_flight = strtoul(argv[7], NULL, 10);
    struct pt_error error = {0};
    memset(value, 'x', VALUE_SIZE);
    if (pt_sys_uv_new(&load.sys, &error) != PT_OK || !bench_client_open(load.sys, argv[2], argv + 3, &load.client)) {
        return 1;
    }
    load.latency_us = calloc(load.count, sizeof(uint32_t));
    uint64_t began = pt_sys_now_ns(load.sys);
    while (load.started < in_flight && load.started < load.count) {
        start(&load);
    }
    pt_sys_uv_run(load.sys);
    double seconds = (double)(pt_sys_now_ns(load.sys) - began) / 1e9;
    qsort(load.latency_us, load.count, sizeof(uint32_t), compare);
    printf("%.0f %u %u %zu\n", (double)load.count / seconds, load.latency_us[load.count / 2],
           load.latency_us[load.count * 99 / 100], load.errors);
    return load.errors == 0 ? 0 : 1;
}
