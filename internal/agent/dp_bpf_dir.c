/*
 * Tables of routes for big segments (bpf/abi/route.h, DIR-24-8), written through memory.
 *
 * A table is painted: shortest prefixes first, each over what is there; so what a prefix leaves free shows the next
 * shorter one, and a deleted route is one that is not painted. Painting a million routes takes less than telling the
 * kernel of a few ten thousand by system calls, so a slot whose routes changed is painted anew. No program reads a slot
 * that is not in force, so nothing is seen half painted, and the flip of the generation holds for these tables as for
 * every map.
 *
 * Sorted rows come by length first: the length is the first byte of their key.
 */
#include "agent/dp_bpf_kernel.h"
#include "base/assert.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define NAME "pt_tables"
#define LINES_A_BLOCK (256 / PT_DIR_WORDS)

_Static_assert(PT_ROUTE_VNI_BITS + 32 < 256, "one byte of a key holds its length");

/* ---- painting ------------------------------------------------------------------------------------------------- */

struct painter {
    uint32_t *words; /* of the whole table */
    uint32_t blocks, blocks_max;
};

static uint32_t word_of(const struct pt_abi_route *route)
{
    uint32_t sealed = route->site_label & PT_ROUTE_SEALED ? PT_DIR_SEALED : 0;
    return route->lan_ifindex != 0 ? PT_DIR_LOCAL | sealed | route->lan_ifindex : sealed | PT_ROUTE_LABEL(route);
}

static void fill(uint32_t *words, size_t len, uint32_t word)
{
    for (size_t i = 0; i < len; i++) {
        words[i] = word;
    }
}

static void paint_one(struct painter *p, uint32_t address, uint32_t len, uint32_t word)
{
    uint32_t *at = &p->words[address >> 8];
    if (len <= 24) {
        fill(at, (size_t)1 << (24 - len), word);
        return;
    }
    if ((*at & PT_DIR_BLOCK) == 0) {
        uint32_t *block = p->words + (size_t)PT_DIR_FIRST * PT_DIR_WORDS + (size_t)p->blocks * 256;
        pt_assert(p->blocks < p->blocks_max);
        fill(block, 256, *at);
        *at = PT_DIR_BLOCK | p->blocks++;
    }
    uint32_t *block = p->words + (size_t)PT_DIR_FIRST * PT_DIR_WORDS + (size_t)(*at & PT_DIR_VALUE) * 256;
    fill(block + (address & 0xff), (size_t)1 << (32 - len), word);
}

/* Blocks that the rows may need: at most one for each prefix longer than 24 bits. */
static uint32_t blocks_bound(const struct pt_dp_rows *rows)
{
    uint32_t bound = 0;
    for (size_t i = rows->len; i > 0; i--) {
        if (pt_dp_rows_key(rows, i - 1)[0] <= PT_ROUTE_VNI_BITS + 24) {
            break;
        }
        bound++;
    }
    return bound;
}

/* Into words that are zero up to the first block. Returns how many blocks were used. */
static uint32_t paint(uint32_t *words, uint32_t blocks_max, const struct pt_dp_rows *rows)
{
    struct painter p = {.words = words, .blocks_max = blocks_max};
    for (size_t i = 0; i < rows->len; i++) {
        struct pt_abi_route4_key key;
        struct pt_abi_route route;
        memcpy(&key, pt_dp_rows_key(rows, i), sizeof(key));
        memcpy(&route, pt_dp_rows_value(rows, i), sizeof(route));
        paint_one(&p, ntohl(key.address), key.prefix_len - PT_ROUTE_VNI_BITS, word_of(&route));
    }
    return p.blocks;
}

/* ---- maps ----------------------------------------------------------------------------------------------------- */

static size_t table_size(uint32_t entries)
{
    return (size_t)entries * sizeof(struct pt_abi_dir_line);
}

static enum pt_code entries_of(int fd, uint32_t *ret_entries, struct pt_error *reterr)
{
    struct bpf_map_info info = {0};
    uint32_t size = sizeof(info);
    if (bpf_obj_get_info_by_fd(fd, &info, &size) != 0) {
        return pt_fail_errno(reterr, errno, NAME, "cannot ask for a table's size");
    }
    *ret_entries = info.max_entries;
    return PT_OK;
}

/* A map with room for so many blocks in the place: the one that is there, or a new one. */
static enum pt_code make_room(struct pt_dp_maps *maps, uint32_t at, uint32_t blocks, uint32_t *ret_entries,
                              struct pt_error *reterr)
{
    LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_INNER_MAP | BPF_F_MMAPABLE);
    uint32_t entries = PT_DIR_FIRST + (blocks + blocks / 4 + 64) * LINES_A_BLOCK;
    if (maps->tables[at] >= 0) {
        PT_TRY(entries_of(maps->tables[at], ret_entries, reterr));
        if (*ret_entries >= PT_DIR_FIRST + blocks * LINES_A_BLOCK) {
            return PT_OK;
        }
    }
    int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "pt_table", sizeof(uint32_t), sizeof(struct pt_abi_dir_line), entries,
                            &options);
    if (fd < 0) {
        return pt_fail_errno(reterr, errno, NAME, "cannot make a table of %zu MB", table_size(entries) >> 20);
    }
    if (bpf_map_update_elem(maps->tables_outer, &at, &fd, BPF_ANY) != 0) {
        int error = errno;
        (void)close(fd);
        return pt_fail_errno(reterr, error, NAME, "cannot install a table");
    }
    if (maps->tables[at] >= 0) {
        (void)close(maps->tables[at]);
    }
    maps->tables[at] = fd;
    *ret_entries = entries;
    return PT_OK;
}

static enum pt_code write_table(struct pt_dp_maps *maps, uint32_t at, const struct pt_dp_rows *rows,
                                struct pt_error *reterr)
{
    uint32_t entries = 0;
    PT_TRY(make_room(maps, at, blocks_bound(rows), &entries, reterr));
    uint32_t *words = mmap(NULL, table_size(entries), PROT_READ | PROT_WRITE, MAP_SHARED, maps->tables[at], 0);
    if (words == MAP_FAILED) {
        return pt_fail_errno(reterr, errno, NAME, "cannot map a table");
    }
    memset(words, 0, table_size(PT_DIR_FIRST));
    (void)paint(words, (entries - PT_DIR_FIRST) / LINES_A_BLOCK, rows);
    (void)munmap(words, table_size(entries));
    return PT_OK;
}

static bool same_rows(const struct pt_dp_rows *a, const struct pt_dp_rows *b)
{
    return a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len * (a->key_size + a->value_size)) == 0);
}

enum pt_code pt_dp_dirs_write(struct pt_dp_maps *maps, uint32_t slot, const struct pt_dp_table *from,
                              const struct pt_dp_table *to, struct pt_error *reterr)
{
    for (uint32_t n = 0; n < PT_DIRS_MAX; n++) {
        uint32_t at = slot * PT_DIRS_MAX + n;
        const struct pt_dp_rows *rows = &to->dirs[n];
        if (rows->len != 0 && (maps->tables[at] < 0 || !same_rows(&from->dirs[n], rows))) {
            PT_TRY(write_table(maps, at, rows, reterr));
        } else if (rows->len == 0 && maps->tables[at] >= 0) {
            (void)bpf_map_delete_elem(maps->tables_outer, &at); /* it is there */
            (void)close(maps->tables[at]);
            maps->tables[at] = -1;
        }
    }
    return PT_OK;
}

enum pt_code pt_dp_dirs_open(struct pt_dp_maps *maps, struct pt_error *reterr)
{
    for (uint32_t at = 0; at < 2 * PT_DIRS_MAX; at++) {
        uint32_t id;
        if (bpf_map_lookup_elem(maps->tables_outer, &at, &id) != 0) {
            continue;
        }
        maps->tables[at] = bpf_map_get_fd_by_id(id);
        if (maps->tables[at] < 0) {
            return pt_fail_errno(reterr, errno, NAME, "cannot open table %u", at);
        }
    }
    return PT_OK;
}

void pt_dp_dirs_fini(struct pt_dp_maps *maps)
{
    for (uint32_t at = 0; at < 2 * PT_DIRS_MAX; at++) {
        if (maps->tables[at] >= 0) {
            (void)close(maps->tables[at]);
            maps->tables[at] = -1;
        }
    }
}

/* ---- checking ------------------------------------------------------------------------------------------------- */

static enum pt_code verify_table(int fd, const struct pt_dp_rows *rows, struct pt_error *reterr)
{
    uint32_t entries = 0, blocks = blocks_bound(rows);
    PT_TRY(entries_of(fd, &entries, reterr));
    size_t size = table_size(PT_DIR_FIRST + blocks * LINES_A_BLOCK);
    uint32_t *kernel = table_size(entries) < size ? MAP_FAILED : mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
    if (kernel == MAP_FAILED) {
        return pt_fail(reterr, PT_CORRUPT, PT_REASON_NONE, NAME, "a table is smaller than its routes need");
    }
    uint32_t *wanted = calloc(1, size);
    pt_assert(wanted != NULL);
    size_t used = table_size(PT_DIR_FIRST) / 4 + (size_t)paint(wanted, blocks, rows) * 256, i = 0;
    while (i < used && kernel[i] == wanted[i]) {
        i++;
    }
    uint32_t is = i < used ? kernel[i] : 0, should = i < used ? wanted[i] : 0;
    free(wanted);
    (void)munmap(kernel, size);
    return i == used ? PT_OK
                     : pt_fail(reterr, PT_CORRUPT, PT_REASON_NONE, NAME, "word %zu is %08x in the kernel, not %08x", i,
                               is, should);
}

enum pt_code pt_dp_dirs_verify(const struct pt_dp_maps *maps, uint32_t slot, const struct pt_dp_table *table,
                               struct pt_error *reterr)
{
    for (uint32_t n = 0; n < PT_DIRS_MAX; n++) {
        int fd = maps->tables[slot * PT_DIRS_MAX + n];
        if (table->dirs[n].len == 0) {
            continue;
        }
        if (fd < 0) {
            return pt_fail(reterr, PT_CORRUPT, PT_REASON_NONE, NAME, "table %u is not there", n + 1);
        }
        PT_TRY(verify_table(fd, &table->dirs[n], reterr));
    }
    return PT_OK;
}
