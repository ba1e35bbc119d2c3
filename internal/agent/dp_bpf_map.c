/*
 * The two slots of every bundle map.
 *
 * What each slot holds is kept as a table, so a new one is written as a difference: the entries that went are deleted,
 * then those that are new or changed are put, into a slot that no program reads. When a write fails the slot's content
 * is unknown; before the next write it is read back from the kernel, as it is when an agent takes over.
 *
 * The flip is one store to the generation word. A program that read the old word may still be in the old slot; the
 * kernel waits such readers out in any update of an outer map, so putting the same inner map where it is already is our
 * grace period.
 *
 * Hash maps begin small and are replaced by larger ones as bundles need it: reading a map back, which every bundle
 * does, costs by its buckets, and all maps at their largest are 300,000 of them.
 */
#include "agent/dp_bpf_kernel.h"
#include "base/assert.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HASH_ENTRIES_MIN 1024
#define BATCH_SIZE 65536 /* bytes of entries that are read by one call */

static bool is_array(const struct pt_dp_map_info *info)
{
    return info->type == BPF_MAP_TYPE_ARRAY;
}

static bool is_hash(const struct pt_dp_map_info *info)
{
    return info->type == BPF_MAP_TYPE_HASH;
}

static bool is_zero(const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (data[i] != 0) {
            return false;
        }
    }
    return true;
}

/* ---- inner maps ----------------------------------------------------------------------------------------------- */

static enum pt_code inner_install(struct pt_dp_maps *maps, uint32_t slot, enum pt_bundle_map map, uint32_t entries,
                                  struct pt_error *reterr)
{
    const struct pt_dp_map_info *info = pt_dp_map_info(map);
    LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = info->flags);
    int fd = bpf_map_create(info->type, info->name, info->key_size, info->value_size, entries, &options);
    if (fd < 0) {
        return pt_fail_errno(reterr, errno, info->name, "cannot make a map of %u entries", entries);
    }
    if (bpf_map_update_elem(maps->outer[map], &slot, &fd, BPF_ANY) != 0) {
        int error = errno;
        (void)close(fd);
        return pt_fail_errno(reterr, error, info->name, "cannot install a map in slot %u", slot);
    }
    if (maps->inner[slot][map] >= 0) {
        (void)close(maps->inner[slot][map]);
    }
    maps->inner[slot][map] = fd;
    maps->capacity[slot][map] = entries;
    return PT_OK;
}

static uint32_t first_entries(const struct pt_dp_map_info *info)
{
    return is_hash(info) && info->entries > HASH_ENTRIES_MIN ? HASH_ENTRIES_MIN : info->entries;
}

/* Take the inner map that is there, or make one. */
static enum pt_code inner_open(struct pt_dp_maps *maps, uint32_t slot, enum pt_bundle_map map, struct pt_error *reterr)
{
    const struct pt_dp_map_info *info = pt_dp_map_info(map);
    struct bpf_map_info kernel = {0};
    uint32_t size = sizeof(kernel), id;
    if (bpf_map_lookup_elem(maps->outer[map], &slot, &id) != 0) {
        return inner_install(maps, slot, map, first_entries(info), reterr);
    }
    int fd = bpf_map_get_fd_by_id(id);
    if (fd < 0 || bpf_obj_get_info_by_fd(fd, &kernel, &size) != 0) {
        return pt_fail_errno(reterr, errno, info->name, "cannot open the map in slot %u", slot);
    }
    maps->inner[slot][map] = fd;
    maps->capacity[slot][map] = kernel.max_entries;
    return PT_OK;
}

static enum pt_code open_single(const struct pt_dp_programs *programs, const char *name, int *ret_fd,
                                struct pt_error *reterr)
{
    *ret_fd = pt_dp_programs_map(programs, name);
    return *ret_fd >= 0 ? PT_OK : pt_fail(reterr, PT_INTERNAL, PT_REASON_NONE, name, "the programs have no such map");
}

enum pt_code pt_dp_maps_open(struct pt_dp_maps *maps, const struct pt_dp_programs *programs, struct pt_error *reterr)
{
    uint32_t zero = 0;
    memset(maps, 0, sizeof(*maps));
    memset(maps->inner, -1, sizeof(maps->inner));
    memset(maps->tables, -1, sizeof(maps->tables));
    PT_TRY(open_single(programs, "pt_tables", &maps->tables_outer, reterr));
    PT_TRY(pt_dp_dirs_open(maps, reterr));
    PT_TRY(open_single(programs, "pt_generation", &maps->generation, reterr));
    PT_TRY(open_single(programs, "pt_epoch", &maps->epoch, reterr));
    PT_TRY(open_single(programs, "pt_applied", &maps->applied, reterr));
    PT_TRY(open_single(programs, "pt_path_state", &maps->path_state, reterr));
    PT_TRY(open_single(programs, "pt_path_ids", &maps->path_ids, reterr));
    PT_TRY(open_single(programs, "pt_path_mtu", &maps->path_mtu, reterr));
    PT_TRY(open_single(programs, "pt_tunnel_device", &maps->tunnel_device, reterr));
    PT_TRY(open_single(programs, "pt_counters", &maps->counters, reterr));
    PT_TRY(open_single(programs, "pt_drops", &maps->drops, reterr));
    PT_TRY(open_single(programs, "pt_demands", &maps->demands, reterr));
    PT_TRY(open_single(programs, "pt_flows4", &maps->flows4, reterr));
    PT_TRY(open_single(programs, "pt_flows6", &maps->flows6, reterr));
    PT_TRY(open_single(programs, "pt_events", &maps->events, reterr));
    PT_TRY(open_single(programs, "pt_event_gate", &maps->event_gate, reterr));
    for (enum pt_bundle_map map = 0; map < PT_BUNDLE_MAPS_LEN; map++) {
        PT_TRY(open_single(programs, pt_dp_map_info(map)->name, &maps->outer[map], reterr));
        PT_TRY(inner_open(maps, 0, map, reterr));
        PT_TRY(inner_open(maps, 1, map, reterr));
    }
    if (bpf_map_lookup_elem(maps->generation, &zero, &maps->in_force) != 0) {
        return pt_fail_errno(reterr, errno, "pt_generation", "cannot read the generation");
    }
    PT_TRY(pt_dp_maps_read(maps, 0, &maps->slots[0], reterr));
    return pt_dp_maps_read(maps, 1, &maps->slots[1], reterr);
}

void pt_dp_maps_fini(struct pt_dp_maps *maps)
{
    pt_dp_dirs_fini(maps);
    for (uint32_t slot = 0; slot < 2; slot++) {
        pt_dp_table_unref(maps->slots[slot]);
        maps->slots[slot] = NULL;
        for (enum pt_bundle_map map = 0; map < PT_BUNDLE_MAPS_LEN; map++) {
            if (maps->inner[slot][map] >= 0) {
                (void)close(maps->inner[slot][map]);
                maps->inner[slot][map] = -1;
            }
        }
    }
}

/* ---- writing -------------------------------------------------------------------------------------------------- */

static enum pt_code write_failed(enum pt_bundle_map map, struct pt_error *reterr)
{
    int error = errno;
    if (error == E2BIG || error == ENOMEM || error == ENOSPC) {
        return pt_fail(reterr, PT_EXHAUSTED, PT_REASON_LIMIT_REACHED, pt_dp_map_info(map)->name,
                       "the kernel has no room for another entry: %s", strerror(error));
    }
    return pt_fail_errno(reterr, error, pt_dp_map_info(map)->name, "cannot write an entry");
}

static int put_row(int fd, const struct pt_dp_rows *rows, size_t index)
{
    return bpf_map_update_elem(fd, pt_dp_rows_key(rows, index), pt_dp_rows_value(rows, index), BPF_ANY);
}

static int remove_row(int fd, const struct pt_dp_map_info *info, const struct pt_dp_rows *rows, size_t index)
{
    uint8_t *key = pt_dp_rows_key(rows, index);
    if (!is_array(info)) {
        return bpf_map_delete_elem(fd, key);
    }
    void *zeroes = calloc(1, info->value_size);
    pt_assert(zeroes != NULL);
    int result = bpf_map_update_elem(fd, key, zeroes, BPF_ANY);
    free(zeroes);
    return result;
}

/* Walk both tables' rows of one map; `removing` selects what to act upon. */
static enum pt_code write_difference(int fd, enum pt_bundle_map map, const struct pt_dp_rows *from,
                                     const struct pt_dp_rows *to, bool removing, struct pt_error *reterr)
{
    const struct pt_dp_map_info *info = pt_dp_map_info(map);
    size_t i = 0, k = 0;
    while (i < from->len || k < to->len) {
        int order = i == from->len ? 1
                    : k == to->len ? -1
                                   : memcmp(pt_dp_rows_key(from, i), pt_dp_rows_key(to, k), info->key_size);
        if (order < 0 && removing && remove_row(fd, info, from, i) != 0) {
            return write_failed(map, reterr);
        }
        bool changed = order > 0 || (order == 0 &&
                                     memcmp(pt_dp_rows_value(from, i), pt_dp_rows_value(to, k), info->value_size) != 0);
        if (changed && !removing && put_row(fd, to, k) != 0) {
            return write_failed(map, reterr);
        }
        i += order <= 0;
        k += order >= 0;
    }
    return PT_OK;
}

/* How many entries the rows ask for: an array reaches to the highest index, a hash has two buckets a row while it may
 * still grow. */
static uint64_t entries_wanted(const struct pt_dp_map_info *info, const struct pt_dp_rows *rows)
{
    uint32_t index_max = 0;
    if (is_hash(info)) {
        return 2 * rows->len < info->entries ? 2 * rows->len : info->entries;
    }
    for (size_t i = 0; is_array(info) && i < rows->len; i++) {
        uint32_t index;
        memcpy(&index, pt_dp_rows_key(rows, i), sizeof(index));
        index_max = index > index_max ? index : index_max;
    }
    return is_array(info) ? (uint64_t)index_max + 1 : info->entries;
}

/* A larger map begins empty. */
static enum pt_code make_room(struct pt_dp_maps *maps, uint32_t slot, enum pt_bundle_map map,
                              const struct pt_dp_rows *to, bool *ret_empty, struct pt_error *reterr)
{
    const struct pt_dp_map_info *info = pt_dp_map_info(map);
    uint64_t wanted = entries_wanted(info, to);
    uint32_t entries = maps->capacity[slot][map];
    *ret_empty = false;
    if (wanted <= entries) {
        return PT_OK;
    }
    while (entries < wanted) {
        entries *= 2;
    }
    *ret_empty = true;
    return inner_install(maps, slot, map, is_hash(info) && entries > info->entries ? info->entries : entries, reterr);
}

enum pt_code pt_dp_maps_write(struct pt_dp_maps *maps, uint32_t slot, struct pt_dp_table *table,
                              struct pt_error *reterr)
{
    struct pt_dp_table *from = maps->slots[slot];
    enum pt_code code = PT_OK;
    maps->slots[slot] = NULL;
    if (from == NULL) {
        PT_TRY(pt_dp_maps_read(maps, slot, &from, reterr));
    }
    for (enum pt_bundle_map map = 0; map < PT_BUNDLE_MAPS_LEN && code == PT_OK; map++) {
        const struct pt_dp_rows none = {.key_size = table->maps[map].key_size,
                                        .value_size = table->maps[map].value_size};
        bool empty = false;
        code = make_room(maps, slot, map, &table->maps[map], &empty, reterr);
        const struct pt_dp_rows *rows = empty ? &none : &from->maps[map];
        int fd = maps->inner[slot][map];
        if (code == PT_OK) {
            code = write_difference(fd, map, rows, &table->maps[map], true, reterr);
        }
        if (code == PT_OK) {
            code = write_difference(fd, map, rows, &table->maps[map], false, reterr);
        }
    }
    if (code == PT_OK) {
        code = pt_dp_dirs_write(maps, slot, from, table, reterr);
    }
    pt_dp_table_unref(from);
    if (code == PT_OK) {
        maps->slots[slot] = pt_dp_table_ref(table);
    }
    return code;
}

enum pt_code pt_dp_maps_flip(struct pt_dp_maps *maps, struct pt_error *reterr)
{
    uint32_t zero = 0, next = maps->in_force + 1;
    if (bpf_map_update_elem(maps->generation, &zero, &next, BPF_ANY) != 0) {
        return pt_fail_errno(reterr, errno, "pt_generation", "cannot flip the generation");
    }
    maps->in_force = next;
    return PT_OK;
}

void pt_dp_maps_wait(const struct pt_dp_maps *maps)
{
    uint32_t slot = maps->in_force & 1;
    /* Replaces a pointer by the same: there is nothing to fail on. */
    (void)bpf_map_update_elem(maps->outer[PT_MAP_nodes], &slot, &maps->inner[slot][PT_MAP_nodes], BPF_ANY);
}

/* ---- reading -------------------------------------------------------------------------------------------------- */

static void take_row(const struct pt_dp_map_info *info, const void *key, const uint8_t *value, struct pt_dp_rows *rows)
{
    if (!is_array(info) || !is_zero(value, info->value_size)) {
        (void)pt_dp_rows_add(rows, key, value);
    }
}

/* Many entries a call. False: the kernel cannot do that with this type of map, and nothing was read. `scratch` goes
 * from map to map: pages of its own for each would cost more than most maps' entries. */
static bool read_batches(int fd, const struct pt_dp_map_info *info, struct pt_buf *scratch, struct pt_dp_rows *rows)
{
    uint8_t position[64], next[64]; /* a key at most, and what the kernel makes of it */
    uint32_t room = BATCH_SIZE / (info->key_size + info->value_size) + 1;
    bool first = true, more = true, can = true;
    while (more && can) {
        uint32_t count = room;
        uint8_t *values = pt_buf_reserve(scratch, (size_t)room * (info->key_size + info->value_size));
        uint8_t *keys = values + (size_t)room * info->value_size;
        pt_assert(info->key_size <= sizeof(position));
        int result = bpf_map_lookup_batch(fd, first ? NULL : position, next, keys, values, &count, NULL);
        more = result == 0 || errno == ENOSPC;
        can = more || errno == ENOENT;
        if (result != 0 && more) {
            room *= 2; /* a bucket has more entries than there was room for: the same again */
        } else {
            for (uint32_t i = 0; can && i < count; i++) {
                take_row(info, keys + (size_t)i * info->key_size, values + (size_t)i * info->value_size, rows);
            }
            memcpy(position, next, sizeof(position));
            first = false;
        }
    }
    if (!can) {
        rows->len = 0;
    }
    return can;
}

static enum pt_code read_each(int fd, const struct pt_dp_map_info *info, struct pt_dp_rows *rows,
                              struct pt_error *reterr)
{
    uint8_t key[64], next[64];
    uint8_t *value = malloc(info->value_size);
    bool first = true;
    pt_assert(value != NULL && info->key_size <= sizeof(key));
    while (bpf_map_get_next_key(fd, first ? NULL : key, next) == 0) {
        first = false;
        memcpy(key, next, info->key_size);
        if (bpf_map_lookup_elem(fd, key, value) != 0) {
            int error = errno;
            free(value);
            return pt_fail_errno(reterr, error, info->name, "cannot read an entry");
        }
        take_row(info, key, value, rows);
    }
    free(value);
    return PT_OK;
}

static enum pt_code read_map(int fd, enum pt_bundle_map map, struct pt_buf *scratch, struct pt_dp_rows *rows,
                             struct pt_error *reterr)
{
    const struct pt_dp_map_info *info = pt_dp_map_info(map);
    if (!read_batches(fd, info, scratch, rows)) {
        PT_TRY(read_each(fd, info, rows, reterr));
    }
    pt_dp_rows_sort(rows);
    return PT_OK;
}

enum pt_code pt_dp_maps_read(const struct pt_dp_maps *maps, uint32_t slot, struct pt_dp_table **ret_table,
                             struct pt_error *reterr)
{
    struct pt_dp_table *table = pt_dp_table_new();
    PT_AUTO(buf) struct pt_buf scratch = {0};
    for (enum pt_bundle_map map = 0; map < PT_BUNDLE_MAPS_LEN; map++) {
        enum pt_code code = read_map(maps->inner[slot][map], map, &scratch, &table->maps[map], reterr);
        if (code != PT_OK) {
            pt_dp_table_unref(table);
            return code;
        }
    }
    *ret_table = table;
    return PT_OK;
}
