/*
 * What one change costs in the store: creates (row, references, history, reply, a counter), updates of resources spread
 * at random, and a snapshot, with groups of a given length.
 *
 *   bench_store FOLDER [creates] [changes a group] [value bytes] [updates] [rising]
 *
 * CPU time of the process is reported, for several nodes share the processors in the benchmark that this serves; that
 * of the worker which makes checkpoints is in it. Calls and bytes are what the kernel counts (/proc/self/io), so those
 * of the write-ahead log and of its way into the database are both in them. The names are spread over the key, as names
 * that people and programs give are; with `rising` each is behind all before it, as those of one program's loop. A
 * folder that holds a database goes on with it.
 */
#include "store/store.h"
#include "sys/sys_uv.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

struct cost {
    double cpu_us;
    uint64_t reads, writes, written_size;
};

static uint64_t io_count(const char *text, const char *field)
{
    const char *at = strstr(text, field);
    return at == NULL ? 0 : strtoull(at + strlen(field), NULL, 10);
}

static struct cost cost_now(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    char text[512] = "";
    FILE *file = fopen("/proc/self/io", "r");
    if (file != NULL) {
        text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
        (void)fclose(file);
    }
    return (struct cost){.cpu_us = (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3,
                         .reads = io_count(text, "syscr: "),
                         .writes = io_count(text, "syscw: "),
                         .written_size = io_count(text, "wchar: ")};
}

static void print_cost(const char *what, const struct cost *before, uint64_t len)
{
    struct cost now = cost_now();
    double each = 1.0 / (double)(len > 0 ? len : 1);
    printf("%s: %.2f us of CPU, %.3f reads, %.3f writes, %.0f bytes each\n", what, (now.cpu_us - before->cpu_us) * each,
           (double)(now.reads - before->reads) * each, (double)(now.writes - before->writes) * each,
           (double)(now.written_size - before->written_size) * each);
}

static void must(enum pt_code code, const struct pt_error *error)
{
    if (code != PT_OK) {
        fprintf(stderr, "bench_store: %s: %s\n", error->field, error->text);
        exit(EXIT_FAILURE);
    }
}

struct bench {
    struct pt_store *store;
    struct pt_bytes value;
    uint64_t creates; /* resources that are there, 1 and up */
    uint64_t index;   /* of the log */
    uint64_t group_len;
    bool rising;
    struct pt_error error;
};

static void resource_of(const struct bench *bench, uint64_t number, char name[96], char id[40])
{
    uint64_t spread = pt_crc32c(0, &number, sizeof(number));
    (void)snprintf(name, 96, "organizations/bench/sites/s-%08" PRIx64 "-%" PRIu64, bench->rising ? number : spread,
                   number);
    (void)snprintf(id, 40, "%08" PRIx64 "-0000-4000-8000-%012" PRIx64, spread, number);
}

static void change(struct bench *bench, uint64_t number, bool create)
{
    struct pt_store *store = bench->store;
    struct pt_error *error = &bench->error;
    char name[96];
    char id[40];
    char request[24];
    resource_of(bench, number, name, id);
    (void)snprintf(request, sizeof(request), "%" PRIu64, ++bench->index);
    const char *to[] = {"organizations/bench/fabrics/main"};
    const struct pt_row row = {.name = name,
                               .kind_id = 7,
                               .value = bench->value,
                               .uid = id,
                               .etag = "0123456789abcdef",
                               .revision = bench->index};
    uint64_t label = 0;
    must(pt_store_savepoint(store, error), error);
    if (create) {
        must(pt_store_allocate(store, "label", 16, 1 << 24, &label, error), error);
    }
    must(pt_store_put(store, &row, error), error);
    must(pt_store_set_references(store, name, to, 1, error), error);
    must(pt_store_history_put(store, bench->index, 0, name, bench->value, error), error);
    must(pt_store_history_trim(store, 100000, UINT64_MAX, error), error);
    must(pt_store_reply_put(store, request, bench->index, bench->value, 10000, error), error);
    must(pt_store_release(store, error), error);
}

static uint64_t next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 33;
}

/* Batches of 64, as the log brings them, and a commit behind each group. */
static void changes(struct bench *bench, uint64_t len, bool create)
{
    uint64_t random = 1;
    for (uint64_t done = 0; done < len; done++) {
        if (done % 64 == 0) {
            must(pt_store_begin(bench->store, &bench->error), &bench->error);
        }
        change(bench, create ? ++bench->creates : 1 + next_random(&random) % bench->creates, create);
        bool last = done + 1 == len;
        const struct pt_witness witness = {
            .applied_index = bench->index, .applied_term = 1, .acked_index = bench->index};
        if (last || (done + 1) % bench->group_len == 0) {
            must(pt_store_commit(bench->store, &witness, &bench->error), &bench->error);
        } else if ((done + 1) % 64 == 0) {
            must(pt_store_end(bench->store, &witness, &bench->error), &bench->error);
        }
    }
}

static void snapshot(struct bench *bench, const char *path)
{
    char copy[1100];
    (void)snprintf(copy, sizeof(copy), "%s.snapshot", path);
    struct cost before = cost_now();
    must(pt_store_snapshot(bench->store, copy, &bench->error), &bench->error);
    print_cost("snapshot", &before, 1);
    struct stat there;
    if (stat(copy, &there) == 0) {
        printf("snapshot of %" PRIu64 " resources: %.1f MiB\n", bench->creates, (double)there.st_size / (1 << 20));
    }
    (void)remove(copy);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: bench_store FOLDER [creates] [changes a group] [value bytes] [updates] [rising]\n");
        return EXIT_FAILURE;
    }
    uint64_t creates = argc > 2 ? strtoull(argv[2], NULL, 10) : 50000;
    struct bench bench = {.group_len = (argc > 3 ? strtoull(argv[3], NULL, 10) : 640) / 64 * 64};
    size_t size = argc > 4 ? (size_t)strtoull(argv[4], NULL, 10) : 300;
    bench.rising = argc > 6 && strcmp(argv[6], "rising") == 0;
    uint64_t updates = argc > 5 ? strtoull(argv[5], NULL, 10) : 20000;
    char path[1024];
    (void)snprintf(path, sizeof(path), "%s/bench.db", argv[1]);
    uint8_t *bytes = malloc(size + 1);
    if (bytes == NULL || bench.group_len == 0 || size == 0) {
        fprintf(stderr, "bench_store: a group has at least 64 changes, and a value a byte\n");
        return EXIT_FAILURE;
    }
    memset(bytes, 'v', size);
    bench.value = (struct pt_bytes){bytes, size};
    struct pt_sys *sys = NULL;
    must(pt_sys_uv_new(&sys, &bench.error), &bench.error);
    must(pt_store_open(sys, path, &bench.store, &bench.error), &bench.error);
    bench.index = pt_store_witness(bench.store).applied_index;
    must(pt_store_count(bench.store, 7, "", &bench.creates, &bench.error), &bench.error);
    struct cost before = cost_now();
    changes(&bench, creates, true);
    print_cost("create", &before, creates);
    before = cost_now();
    changes(&bench, updates, false);
    print_cost("update", &before, updates);
    snapshot(&bench, path);
    before = cost_now();
    pt_store_close(bench.store);
    must(pt_store_open(sys, path, &bench.store, &bench.error), &bench.error);
    print_cost("close, open and check", &before, 1);
    pt_store_close(bench.store);
    pt_sys_uv_free(sys);
    free(bytes);
    return EXIT_SUCCESS;
}
