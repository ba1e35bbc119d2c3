/*
 * The contents of the bundle maps as sorted rows, and how a bundle becomes them. Pure: no kernel, no libbpf.
 *
 * A table is what one slot of every bundle map holds, or shall hold. Writing a bundle is then the difference of two
 * tables, checking it is their comparison, and taking over from an earlier agent is reading one.
 */
#pragma once

#include "plan/plan.h"

#include "bpf/abi/bundle.h"

struct pt_dp_map_info {
    const char *name; /* pinned as pt_<name> */
    uint32_t type;    /* enum bpf_map_type */
    uint32_t key_size, value_size;
    uint32_t entries, flags;
};
const struct pt_dp_map_info *pt_dp_map_info(enum pt_bundle_map map);

/* Rows of key and value, ascending by key bytes once sorted; for an array only the rows that are not all zero. */
struct pt_dp_rows {
    uint8_t *data;
    size_t len, capacity;
    uint32_t key_size, value_size;
};
/* Append a row; key or value NULL is zeroes. Returns where the key stands; the value follows it. */
uint8_t *pt_dp_rows_add(struct pt_dp_rows *rows, const void *key, const void *value);
static inline uint8_t *pt_dp_rows_key(const struct pt_dp_rows *rows, size_t index)
{
    return rows->data + index * (rows->key_size + rows->value_size);
}
static inline uint8_t *pt_dp_rows_value(const struct pt_dp_rows *rows, size_t index)
{
    return pt_dp_rows_key(rows, index) + rows->key_size;
}
void pt_dp_rows_sort(struct pt_dp_rows *rows);

struct pt_dp_table {
    unsigned refs;
    int64_t due_s; /* wall clock: from then on the bundle makes another table; INT64_MAX: never */
    struct pt_dp_rows maps[PT_BUNDLE_MAPS_LEN];
    struct pt_dp_rows meters; /* by number: struct pt_abi_meter; not swapped, written before the flip */
    /* IPv4 routes of big segments, which are not in maps[PT_MAP_routes4]; keys and values as there. Number n is at n
     * - 1. Reading a slot back does not fill these: they are painted, and checked by painting again. */
    struct pt_dp_rows dirs[PT_DIRS_MAX];
};
struct pt_dp_table *pt_dp_table_new(void);
struct pt_dp_table *pt_dp_table_ref(struct pt_dp_table *table);
void pt_dp_table_unref(struct pt_dp_table *table); /* NULL is fine */
/* Move the IPv4 routes of segments with at least so many into `dirs`, and say so in `dirs` and `lans`. Rows are sorted.
 */
void pt_dp_table_split(struct pt_dp_table *table, uint32_t routes_min);
/* True when the interface is a key of `lans`, or of `links`. */
bool pt_dp_table_has_lan(const struct pt_dp_table *table, uint32_t ifindex);
bool pt_dp_table_has_link(const struct pt_dp_table *table, uint32_t ifindex);

/* Which path has which slot. Slot 0 is none. */
struct pt_dp_slots {
    uint64_t ids[PT_PATH_SLOTS];    /* 0: free */
    bool fresh[PT_PATH_SLOTS];      /* given since the last settle: its state and counters are to be reset */
    bool used[PT_PATH_SLOTS];       /* wanted since the last settle or rollback */
    uint32_t labels[PT_PATH_SLOTS]; /* of the site that the path leads to */
    struct pt_map by_id;            /* be64 id -> (void *)slot */
    uint32_t cursor;
};
void pt_dp_slots_init(struct pt_dp_slots *slots);
void pt_dp_slots_fini(struct pt_dp_slots *slots);
/* What a slot is known to hold, at take-over. */
void pt_dp_slots_put(struct pt_dp_slots *slots, uint32_t slot, uint64_t path_id);
/* Learn where the paths of a table lead. */
void pt_dp_slots_label(struct pt_dp_slots *slots, const struct pt_dp_table *table);
/* 0 for none. */
uint32_t pt_dp_slots_get(const struct pt_dp_slots *slots, uint64_t path_id);
/* The path's slot, given now if need be, and marked used; 0 when all are taken. */
uint32_t pt_dp_slots_take(struct pt_dp_slots *slots, uint64_t path_id);
/* The bundle is in force (keep what it used, free the rest) or was refused (free what was fresh). Calls fn for each
 * slot freed. */
void pt_dp_slots_settle(struct pt_dp_slots *slots, bool in_force, void (*fn)(void *arg, uint32_t slot), void *arg);

/* Which profile has which number, 0 to PT_SLAS_MAX - 1. Numbers are given in turn, so that one that was given up stays
 * unused for a while. */
struct pt_dp_slas {
    uint64_t ids[PT_SLAS_MAX]; /* 0: free */
    bool used[PT_SLAS_MAX];    /* wanted since the last settle */
    uint32_t cursor;
};
/* -1: it has none. */
int pt_dp_slas_get(const struct pt_dp_slas *slas, uint64_t id);
/* The profile's number, given now if need be, and marked used; -1 when all are taken. */
int pt_dp_slas_take(struct pt_dp_slas *slas, uint64_t id);
/* Numbers that were not used since the last time are free. */
void pt_dp_slas_settle(struct pt_dp_slas *slas);

struct pt_dp_compile_options {
    /* Index of an interface; 0 when the node has none of that name now. */
    uint32_t (*interface)(void *context, const char *name);
    void *context;
    struct pt_dp_slots *slots;
    uint32_t dir_routes_min; /* 0: PT_DIR_ROUTES_MIN */
    struct pt_dp_slas *slas;
    int64_t wall_s; /* rules and users that are out of their time by then are left out */
};
/*
 * Turn a bundle into a table. Entries on an interface that is absent are left out, and with them the paths over it and
 * the members that use those: one missing interface does not keep the rest of a bundle from being applied. Names the
 * first such interface in ret_absent (IFNAMSIZ bytes; "" for none).
 *
 * PT_INVALID_ARGUMENT, naming the entry, when a field is out of range, something named is not in the bundle, a local
 * route's interface is of another segment, or a transit group has a path with a stack.
 */
PT_MUST enum pt_code pt_dp_compile(const struct pt_bundle *bundle, const struct pt_dp_compile_options *options,
                                   struct pt_dp_table **ret_table, char ret_absent[16], struct pt_error *reterr);
