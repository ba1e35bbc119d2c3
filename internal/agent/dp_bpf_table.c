/*
 * Tables: rows, and the slots of paths. See dp_bpf_compile.c for how a bundle becomes one.
 *
 * Rows of a map lie in one array, key and value side by side, sorted by the key's bytes (an order that means nothing
 * but is the same everywhere). So two tables are compared by one walk, and a million routes are one allocation.
 */
#include "agent/dp_bpf_table.h"
#include "base/arena.h"
#include "base/assert.h"
#include "base/buf.h"

#include "bpf/abi/flow.h"

#include <arpa/inet.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

static const struct pt_dp_map_info map_infos[PT_BUNDLE_MAPS_LEN] = {
#define MAP_INFO(name, type, key, value, entries, flags) \
    {"pt_" #name, type, sizeof(key), sizeof(value), entries, flags},
    PT_BUNDLE_MAPS(MAP_INFO)
#undef MAP_INFO
};

const struct pt_dp_map_info *pt_dp_map_info(enum pt_bundle_map map)
{
    pt_assert(map < PT_BUNDLE_MAPS_LEN);
    return &map_infos[map];
}

/* ---- rows ----------------------------------------------------------------------------------------------------- */

uint8_t *pt_dp_rows_add(struct pt_dp_rows *rows, const void *key, const void *value)
{
    size_t row_size = rows->key_size + rows->value_size;
    if (rows->len == rows->capacity) {
        rows->capacity = rows->capacity == 0 ? 16 : rows->capacity * 2;
        rows->data = reallocarray(rows->data, rows->capacity, row_size);
        pt_assert(rows->data != NULL);
    }
    uint8_t *row = rows->data + rows->len++ * row_size;
    memset(row, 0, row_size);
    if (key != NULL) {
        memcpy(row, key, rows->key_size);
    }
    if (value != NULL) {
        memcpy(row + rows->key_size, value, rows->value_size);
    }
    return row;
}

static int row_compare(const void *a, const void *b, void *key_size)
{
    return memcmp(a, b, *(const uint32_t *)key_size);
}

void pt_dp_rows_sort(struct pt_dp_rows *rows)
{
    if (rows->len > 1) {
        qsort_r(rows->data, rows->len, rows->key_size + rows->value_size, row_compare, &rows->key_size);
    }
}

struct pt_dp_table *pt_dp_table_new(void)
{
    struct pt_dp_table *table = calloc(1, sizeof(*table));
    pt_assert(table != NULL);
    table->refs = 1;
    table->due_s = INT64_MAX;
    for (unsigned map = 0; map < PT_BUNDLE_MAPS_LEN; map++) {
        table->maps[map].key_size = map_infos[map].key_size;
        table->maps[map].value_size = map_infos[map].value_size;
    }
    table->meters.key_size = sizeof(uint32_t);
    table->meters.value_size = sizeof(struct pt_abi_meter);
    for (unsigned n = 0; n < PT_DIRS_MAX; n++) {
        table->dirs[n].key_size = sizeof(struct pt_abi_route4_key);
        table->dirs[n].value_size = sizeof(struct pt_abi_route);
    }
    return table;
}

struct pt_dp_table *pt_dp_table_ref(struct pt_dp_table *table)
{
    table->refs++;
    return table;
}

void pt_dp_table_unref(struct pt_dp_table *table)
{
    if (table == NULL || --table->refs != 0) {
        return;
    }
    for (unsigned map = 0; map < PT_BUNDLE_MAPS_LEN; map++) {
        free(table->maps[map].data);
    }
    for (unsigned n = 0; n < PT_DIRS_MAX; n++) {
        free(table->dirs[n].data);
    }
    free(table->meters.data);
    free(table);
}

static bool rows_have_ifindex(const struct pt_dp_rows *rows, uint32_t ifindex)
{
    for (size_t i = 0; i < rows->len; i++) {
        if (memcmp(pt_dp_rows_key(rows, i), &ifindex, sizeof(ifindex)) == 0) {
            return true;
        }
    }
    return false;
}

bool pt_dp_table_has_lan(const struct pt_dp_table *table, uint32_t ifindex)
{
    return rows_have_ifindex(&table->maps[PT_MAP_lans], ifindex);
}

bool pt_dp_table_has_link(const struct pt_dp_table *table, uint32_t ifindex)
{
    return rows_have_ifindex(&table->maps[PT_MAP_links], ifindex);
}

/* ---- big segments --------------------------------------------------------------------------------------------- */

struct segment {
    uint32_t vni; /* network order, as in keys */
    size_t routes;
    bool fits; /* its interfaces' indexes fit a word */
};

static struct segment *segment_of(struct pt_map *by_vni, struct pt_arena *arena, uint32_t vni)
{
    struct segment *segment = pt_map_get(by_vni, &vni, sizeof(vni));
    if (segment == NULL) {
        segment = PT_NEW(arena, struct segment);
        *segment = (struct segment){.vni = vni, .fits = true};
        (void)pt_map_put(by_vni, &vni, sizeof(vni), segment);
    }
    return segment;
}

/* Count what each segment has. Neighbouring rows are of one segment most of the time. */
static void count_routes(const struct pt_dp_rows *routes, struct pt_map *by_vni, struct pt_arena *arena)
{
    struct segment *segment = NULL;
    for (size_t i = 0; i < routes->len; i++) {
        struct pt_abi_route4_key key;
        struct pt_abi_route value;
        memcpy(&key, pt_dp_rows_key(routes, i), sizeof(key));
        memcpy(&value, pt_dp_rows_value(routes, i), sizeof(value));
        if (segment == NULL || segment->vni != key.vni) {
            segment = segment_of(by_vni, arena, key.vni);
        }
        segment->routes++;
        segment->fits = segment->fits && value.lan_ifindex <= PT_DIR_VALUE;
    }
}

/* Number of the segment's table, given now if it is to have one; 0: none. */
static uint32_t dir_of(const struct segment *segment, uint32_t routes_min, uint32_t *vnis, uint32_t *len)
{
    for (uint32_t n = 0; n < *len; n++) {
        if (vnis[n] == segment->vni) {
            return n + 1;
        }
    }
    if (segment->routes < routes_min || !segment->fits || *len == PT_DIRS_MAX) {
        return 0;
    }
    vnis[(*len)++] = segment->vni;
    return *len;
}

static void say_in_lans(struct pt_dp_table *table, uint32_t vni, uint8_t dir)
{
    struct pt_dp_rows *lans = &table->maps[PT_MAP_lans];
    (void)pt_dp_rows_add(&table->maps[PT_MAP_dirs], &vni, &(uint32_t){dir});
    for (size_t i = 0; i < lans->len; i++) {
        struct pt_abi_lan lan;
        memcpy(&lan, pt_dp_rows_value(lans, i), sizeof(lan));
        if (lan.vni == vni) {
            lan.dir = dir;
            memcpy(pt_dp_rows_value(lans, i), &lan, sizeof(lan));
        }
    }
}

void pt_dp_table_split(struct pt_dp_table *table, uint32_t routes_min)
{
    struct pt_dp_rows *routes = &table->maps[PT_MAP_routes4];
    size_t row_size = routes->key_size + routes->value_size, kept = 0;
    uint32_t vnis[PT_DIRS_MAX], len = 0;
    struct pt_map by_vni;
    struct pt_arena arena;
    if (routes->len < routes_min) {
        return;
    }
    pt_map_init(&by_vni);
    pt_arena_init(&arena);
    count_routes(routes, &by_vni, &arena);
    for (size_t i = 0; i < routes->len; i++) {
        struct pt_abi_route4_key key;
        memcpy(&key, pt_dp_rows_key(routes, i), sizeof(key));
        uint32_t dir = dir_of(segment_of(&by_vni, &arena, key.vni), routes_min, vnis, &len);
        if (dir != 0) {
            (void)pt_dp_rows_add(&table->dirs[dir - 1], &key, pt_dp_rows_value(routes, i));
        } else {
            memmove(pt_dp_rows_key(routes, kept++), pt_dp_rows_key(routes, i), row_size);
        }
    }
    routes->len = kept;
    for (uint32_t n = 0; n < len; n++) {
        say_in_lans(table, ntohl(vnis[n]), (uint8_t)(n + 1));
    }
    pt_dp_rows_sort(&table->maps[PT_MAP_dirs]);
    pt_map_fini(&by_vni);
    pt_arena_fini(&arena);
}

/* ---- slots ---------------------------------------------------------------------------------------------------- */

void pt_dp_slots_init(struct pt_dp_slots *slots)
{
    memset(slots, 0, sizeof(*slots));
    pt_map_init(&slots->by_id);
}

void pt_dp_slots_fini(struct pt_dp_slots *slots)
{
    pt_map_fini(&slots->by_id);
}

void pt_dp_slots_put(struct pt_dp_slots *slots, uint32_t slot, uint64_t path_id)
{
    uint8_t key[8];
    pt_assert(slot != 0 && slot < PT_PATH_SLOTS && path_id != 0);
    pt_put_be64(key, path_id);
    slots->ids[slot] = path_id;
    (void)pt_map_put(&slots->by_id, key, sizeof(key), (void *)(uintptr_t)slot);
}

void pt_dp_slots_label(struct pt_dp_slots *slots, const struct pt_dp_table *table)
{
    const struct pt_dp_rows *paths = &table->maps[PT_MAP_paths];
    for (size_t i = 0; i < paths->len; i++) {
        struct pt_abi_path path;
        uint32_t slot;
        memcpy(&slot, pt_dp_rows_key(paths, i), sizeof(slot));
        memcpy(&path, pt_dp_rows_value(paths, i), sizeof(path));
        if (slot < PT_PATH_SLOTS) {
            slots->labels[slot] = path.destination;
        }
    }
}

uint32_t pt_dp_slots_get(const struct pt_dp_slots *slots, uint64_t path_id)
{
    uint8_t key[8];
    pt_put_be64(key, path_id);
    return (uint32_t)(uintptr_t)pt_map_get(&slots->by_id, key, sizeof(key));
}

uint32_t pt_dp_slots_take(struct pt_dp_slots *slots, uint64_t path_id)
{
    uint32_t slot = pt_dp_slots_get(slots, path_id);
    for (uint32_t tries = 1; slot == 0 && tries < PT_PATH_SLOTS; tries++) {
        slots->cursor = slots->cursor + 1 < PT_PATH_SLOTS ? slots->cursor + 1 : 1;
        if (slots->ids[slots->cursor] == 0) {
            slot = slots->cursor;
            pt_dp_slots_put(slots, slot, path_id);
            slots->fresh[slot] = true;
        }
    }
    if (slot != 0) {
        slots->used[slot] = true;
    }
    return slot;
}

void pt_dp_slots_settle(struct pt_dp_slots *slots, bool in_force, void (*fn)(void *arg, uint32_t slot), void *arg)
{
    for (uint32_t slot = 1; slot < PT_PATH_SLOTS; slot++) {
        if (slots->ids[slot] != 0 && (in_force ? !slots->used[slot] : slots->fresh[slot])) {
            uint8_t key[8];
            pt_put_be64(key, slots->ids[slot]);
            (void)pt_map_remove(&slots->by_id, key, sizeof(key));
            slots->ids[slot] = 0;
            fn(arg, slot);
        }
    }
    memset(slots->fresh, 0, sizeof(slots->fresh));
    memset(slots->used, 0, sizeof(slots->used));
}

/* ---- numbers of SLAs ------------------------------------------------------------------------------------------ */

int pt_dp_slas_get(const struct pt_dp_slas *slas, uint64_t id)
{
    for (uint32_t number = 0; number < PT_SLAS_MAX; number++) {
        if (slas->ids[number] == id && id != 0) {
            return (int)number;
        }
    }
    return -1;
}

int pt_dp_slas_take(struct pt_dp_slas *slas, uint64_t id)
{
    int number = pt_dp_slas_get(slas, id);
    for (uint32_t tries = 0; number < 0 && tries < PT_SLAS_MAX; tries++) {
        uint32_t next = slas->cursor++ % PT_SLAS_MAX;
        if (slas->ids[next] == 0) {
            slas->ids[next] = id;
            number = (int)next;
        }
    }
    if (number >= 0) {
        slas->used[number] = true;
    }
    return number;
}

void pt_dp_slas_settle(struct pt_dp_slas *slas)
{
    for (uint32_t number = 0; number < PT_SLAS_MAX; number++) {
        slas->ids[number] = slas->used[number] ? slas->ids[number] : 0;
        slas->used[number] = false;
    }
}
