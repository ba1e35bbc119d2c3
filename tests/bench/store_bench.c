/*
 * What one create costs in the store: row, references, history, reply, a counter, within transactions of a given
 * length.
 *
 *   store_bench FOLDER [creates] [entries a transaction] [value bytes]
 *
 * CPU time of the process is reported, for several nodes share the processors in the benchmark that this serves. The
 * names are spread over the key, as names that people and programs give are.
 */
#include "store/store.h"
#include "sys/sys_uv.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double cpu_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static void must(enum pt_code code, const struct pt_error *error)
{
    if (code != PT_OK) {
        fprintf(stderr, "store_bench: %s: %s\n", error->field, error->text);
        exit(EXIT_FAILURE);
    }
}

static void create(struct pt_store *store, uint64_t index, struct pt_bytes value, struct pt_error *error)
{
    char name[96];
    char id[40];
    uint64_t spread = pt_crc32c(0, &index, sizeof(index));
    (void)snprintf(name, sizeof(name), "organizations/bench/sites/s-%08" PRIx64 "-%" PRIu64, spread, index);
    (void)snprintf(id, sizeof(id), "%08" PRIx64 "-0000-4000-8000-%012" PRIx64, spread, index);
    const char *to[] = {"organizations/bench/fabrics/main"};
    const struct pt_row row = {
        .name = name, .kind_id = 7, .value = value, .uid = id, .etag = "0123456789abcdef", .revision = index};
    uint64_t number = 0;
    must(pt_store_savepoint(store, error), error);
    must(pt_store_allocate(store, "label", 16, 1 << 20, &number, error), error);
    must(pt_store_put(store, &row, error), error);
    must(pt_store_set_references(store, name, to, 1, error), error);
    must(pt_store_history_put(store, index, 0, name, value, error), error);
    must(pt_store_history_trim(store, 100000, UINT64_MAX, error), error);
    must(pt_store_reply_put(store, id, index, value, 10000, error), error);
    must(pt_store_release(store, error), error);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: store_bench FOLDER [creates] [entries a transaction] [value bytes]\n");
        return EXIT_FAILURE;
    }
    uint64_t creates = argc > 2 ? strtoull(argv[2], NULL, 10) : 50000;
    uint64_t batch = argc > 3 ? strtoull(argv[3], NULL, 10) : 64;
    size_t size = argc > 4 ? (size_t)strtoull(argv[4], NULL, 10) : 300;
    char path[1024];
    (void)snprintf(path, sizeof(path), "%s/bench.db", argv[1]);
    uint8_t *bytes = malloc(size);
    if (bytes == NULL || batch == 0 || size == 0) {
        return EXIT_FAILURE;
    }
    memset(bytes, 'v', size);
    struct pt_error error = {0};
    struct pt_sys *sys = NULL;
    struct pt_store *store = NULL;
    must(pt_sys_uv_new(&sys, &error), &error);
    must(pt_store_open(sys, path, &store, &error), &error);
    uint64_t index = pt_store_witness(store).applied_index;
    double start = cpu_us();
    for (uint64_t done = 0; done < creates; done += batch) {
        must(pt_store_begin(store, &error), &error);
        for (uint64_t i = 0; i < batch; i++) {
            create(store, ++index, (struct pt_bytes){bytes, size}, &error);
        }
        const struct pt_witness witness = {.applied_index = index, .applied_term = 1, .acked_index = index};
        must(pt_store_commit(store, &witness, &error), &error);
    }
    double took = cpu_us() - start;
    printf("creates %" PRIu64 ", %" PRIu64 " a transaction, %zu bytes: %.2f us of CPU each\n", creates, batch, size,
           took / (double)creates);
    start = cpu_us();
    pt_store_close(store);
    must(pt_store_open(sys, path, &store, &error), &error);
    printf("close, open and check of %" PRIu64 " resources: %.0f ms of CPU\n", index, (cpu_us() - start) / 1e3);
    pt_store_close(store);
    pt_sys_uv_free(sys);
    free(bytes);
    return EXIT_SUCCESS;
}
