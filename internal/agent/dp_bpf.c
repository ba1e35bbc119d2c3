/*
 * The data plane in the kernel.
 *
 * Applying a bundle:
 *
 *    apply:  compile -> attach to new interfaces -> write the spare slot -> flip
 *    settle: grace period -> write the other slot -> detach from interfaces that left, let go of slots
 *
 * Until the flip nothing that forwards has changed: any failure leaves the old bundle in force. After it the new one
 * is, whatever happens; a failure in the second slot is mended by the next apply. The grace period is most of the time
 * that all this takes, and nobody who waits for the bundle waits for it: only the next apply needs the spare slot.
 *
 * What survives the agent: filters and links (dp_bpf_hook.c), and all maps, pinned in a folder named by the version of
 * the ABI. A new agent takes the maps over, exchanges the programs one by one, and forwards all along. It does not know
 * the bundle in force until it is given one; applying the same bundle again then changes nothing but the generation.
 *
 * A path keeps its slot, and so its liveness and counters, from bundle to bundle and over restarts. A slot is given to
 * another path only after the bundle without the first one is in force in both slots.
 */
#include "agent/dp.h"
#include "agent/dp_bpf_kernel.h"
#include "agent/dp_bpf_qos.h"
#include "base/assert.h"
#include "base/log.h"

#include "bpf/abi/drop.h"
#include "bpf/abi/flow.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DIRECTORY_SIZE 1024

struct dp_bpf {
    struct pt_dp base;
    const struct pt_log *log;
    char pin_directory[DIRECTORY_SIZE];
    char directory[DIRECTORY_SIZE]; /* of the pins of this ABI version */
    int upgrade_from;               /* version that forwards until our first bundle is in force; 0: none */
    uint32_t tunnel_later;          /* interface to attach to then */
    struct pt_dp_programs programs;
    struct pt_dp_maps maps;
    enum pt_dp_swift swift;
    uint32_t dir_routes_min;
    struct pt_dp_slots slots;
    struct pt_dp_slas slas;
    int64_t wall_s; /* of the next apply */
    struct pt_dp_qos *qos;
    struct pt_dp_events *events;
    struct pt_dp_inspect *inspect;
    struct pt_dp_table *table; /* in force, as given by this process; NULL before the first apply */
    struct pt_digest digest;
    struct pt_bundle *unsettled; /* in force, and not settled yet; NULL: nothing is left to do */
    struct pt_dp_table *former;  /* what it replaced; NULL: not known */
};

static struct dp_bpf *dp_bpf_of(struct pt_dp *dp)
{
    return (struct dp_bpf *)dp;
}

/* ---- interfaces ----------------------------------------------------------------------------------------------- */

static uint32_t row_ifindex(const struct pt_dp_rows *rows, size_t index)
{
    uint32_t ifindex;
    memcpy(&ifindex, pt_dp_rows_key(rows, index), sizeof(ifindex));
    return ifindex;
}

static bool has_plain_path(const struct pt_dp_table *table)
{
    const struct pt_dp_rows *paths = &table->maps[PT_MAP_paths];
    for (size_t i = 0; i < paths->len; i++) {
        struct pt_abi_path path;
        memcpy(&path, pt_dp_rows_value(paths, i), sizeof(path));
        if ((path.flags & PT_PATH_SEALED) == 0) {
            return true;
        }
    }
    return false;
}

/*
 * Does the node only end sealed paths? Then trains of sealed packets may come up whole: nothing but their headers is
 * looked at here. With a plain path, or transit, each packet must be seen by itself, before the kernel merges any.
 */
static bool only_ends_sealed(const struct pt_dp_table *table)
{
    const struct pt_dp_rows *groups = &table->maps[PT_MAP_groups];
    if (has_plain_path(table)) {
        return false;
    }
    for (size_t i = 0; i < groups->len; i++) {
        struct pt_abi_group_key key;
        memcpy(&key, pt_dp_rows_key(groups, i), sizeof(key));
        if (key.policy_class == PT_CLASS_TRANSIT) {
            return false;
        }
    }
    return table->maps[PT_MAP_paths].len > 0;
}

/* Attach to every interface of the table that `old` (may be NULL) does not have. */
static enum pt_code attach_new(struct dp_bpf *dp, const struct pt_dp_table *table, const struct pt_dp_table *old,
                               struct pt_error *reterr)
{
    const struct pt_dp_rows *lans = &table->maps[PT_MAP_lans], *links = &table->maps[PT_MAP_links];
    for (size_t i = 0; i < lans->len; i++) {
        uint32_t ifindex = row_ifindex(lans, i);
        if (old == NULL || !pt_dp_table_has_lan(old, ifindex)) {
            PT_TRY(pt_dp_attach_lan(&dp->programs, ifindex, reterr));
        }
    }
    bool trains = only_ends_sealed(table), same = old != NULL && only_ends_sealed(old) == trains;
    for (size_t i = 0; i < links->len; i++) {
        uint32_t ifindex = row_ifindex(links, i);
        bool seen = i > 0 && row_ifindex(links, i - 1) == ifindex;
        bool native = false;
        if (seen || (same && pt_dp_table_has_link(old, ifindex))) {
            continue;
        }
        PT_TRY(pt_dp_attach_wan(&dp->programs, dp->directory, ifindex, trains, &native, reterr));
        if (!native && !trains) {
            pt_log_warn(dp->log, "xdp is generic", "ifindex=%u hint=slower, but correct", ifindex);
        }
    }
    return PT_OK;
}

/* Where it is wanted and of use: on LANs, when some path is plain or hosts go out to the internet here. What it cannot
 * do hook `lan` does. */
static void attach_swift(struct dp_bpf *dp, const struct pt_dp_table *table)
{
    const struct pt_dp_rows *lans = &table->maps[PT_MAP_lans], *links = &table->maps[PT_MAP_links];
    bool wanted = dp->swift != PT_DP_SWIFT_OFF && (has_plain_path(table) || table->maps[PT_MAP_exits].len != 0);
    for (size_t i = 0; i < links->len && dp->swift == PT_DP_SWIFT_HARDWARE; i++) {
        wanted = wanted && pt_dp_is_hardware(row_ifindex(links, i));
    }
    for (size_t i = 0; i < lans->len; i++) {
        uint32_t ifindex = row_ifindex(lans, i);
        if (!wanted || (dp->swift == PT_DP_SWIFT_HARDWARE && !pt_dp_is_hardware(ifindex))) {
            pt_dp_detach_swift(dp->directory, ifindex);
        } else if (!pt_dp_attach_swift(&dp->programs, dp->directory, ifindex)) {
            pt_log_info(dp->log, "no swift way out", "ifindex=%u hint=the driver has no XDP; slower, but correct",
                        ifindex);
        }
    }
}

/* Detach from every interface of `old` that the table does not have. */
static void detach_gone(struct dp_bpf *dp, const struct pt_dp_table *table, const struct pt_dp_table *old)
{
    const struct pt_dp_rows *lans = &old->maps[PT_MAP_lans], *links = &old->maps[PT_MAP_links];
    for (size_t i = 0; i < lans->len; i++) {
        if (!pt_dp_table_has_lan(table, row_ifindex(lans, i))) {
            pt_dp_detach_lan(row_ifindex(lans, i));
            pt_dp_detach_swift(dp->directory, row_ifindex(lans, i));
        }
    }
    for (size_t i = 0; i < links->len; i++) {
        if (!pt_dp_table_has_link(table, row_ifindex(links, i))) {
            pt_dp_qos_clear(row_ifindex(links, i));
            pt_dp_detach_wan(dp->directory, row_ifindex(links, i));
        }
    }
}

static uint32_t interface_index(void *context, const char *name)
{
    (void)context;
    return if_nametoindex(name);
}

/* ---- paths ---------------------------------------------------------------------------------------------------- */

static void slot_freed(void *arg, uint32_t slot)
{
    struct dp_bpf *dp = arg;
    uint64_t none = 0;
    pt_dp_demand_keep(&dp->maps, &dp->slots, slot);
    (void)bpf_map_update_elem(dp->maps.path_ids, &slot, &none, BPF_ANY); /* an existing array entry: cannot fail */
}

static int sla_map(const struct dp_bpf *dp)
{
    return pt_dp_programs_map(&dp->programs, "pt_path_sla");
}

/* A path's first bundle: nothing is known of it and nothing counted. */
static void slot_reset(struct dp_bpf *dp, uint32_t slot)
{
    uint32_t unknown = PT_PATH_UNKNOWN;
    size_t cpus = (size_t)libbpf_num_possible_cpus();
    void *zeroes = calloc(cpus, sizeof(struct pt_abi_counters));
    pt_assert(zeroes != NULL);
    (void)bpf_map_update_elem(dp->maps.path_state, &slot, &unknown, BPF_ANY); /* array entries: cannot fail */
    (void)bpf_map_update_elem(dp->maps.path_mtu, &slot, &(uint32_t){0}, BPF_ANY);
    (void)bpf_map_update_elem(sla_map(dp), &slot, &(struct pt_abi_path_sla){0}, BPF_ANY);
    (void)bpf_map_update_elem(dp->maps.counters, &slot, zeroes, BPF_ANY);
    (void)bpf_map_update_elem(dp->maps.path_ids, &slot, &dp->slots.ids[slot], BPF_ANY);
    free(zeroes);
}

static void slots_load(struct dp_bpf *dp)
{
    for (uint32_t slot = 1; slot < PT_PATH_SLOTS; slot++) {
        uint64_t id = 0;
        if (bpf_map_lookup_elem(dp->maps.path_ids, &slot, &id) == 0 && id != 0) {
            pt_dp_slots_put(&dp->slots, slot, id);
        }
    }
}

static int state_map(struct pt_dp *base)
{
    return dp_bpf_of(base)->maps.path_state;
}

/* Flows notice a death by themselves; that a better path is back they do not. */
static void ask_again(struct pt_dp *base)
{
    struct dp_bpf *dp = dp_bpf_of(base);
    uint32_t zero = 0, epoch = 0;
    (void)bpf_map_lookup_elem(dp->maps.epoch, &zero, &epoch); /* array entries: cannot fail */
    epoch++;
    (void)bpf_map_update_elem(dp->maps.epoch, &zero, &epoch, BPF_ANY);
}

static void set_path_alive(struct pt_dp *base, uint64_t path_id, bool alive)
{
    struct dp_bpf *dp = dp_bpf_of(base);
    uint32_t slot = pt_dp_slots_get(&dp->slots, path_id), state = alive ? PT_PATH_ALIVE : PT_PATH_DEAD;
    if (slot != 0) {
        (void)bpf_map_update_elem(dp->maps.path_state, &slot, &state, BPF_ANY); /* array entry: cannot fail */
    }
    if (slot != 0 && alive) {
        ask_again(base);
    }
}

static uint32_t path_slot(struct pt_dp *base, uint64_t path_id)
{
    return pt_dp_slots_get(&dp_bpf_of(base)->slots, path_id);
}

static void set_path_mtu(struct pt_dp *base, uint64_t path_id, uint32_t mtu)
{
    struct dp_bpf *dp = dp_bpf_of(base);
    uint32_t slot = pt_dp_slots_get(&dp->slots, path_id);
    if (slot != 0) {
        (void)bpf_map_update_elem(dp->maps.path_mtu, &slot, &mtu, BPF_ANY); /* array entry: cannot fail */
    }
}

/* The way back first: the way out begins with the map entry. */
static enum pt_code set_tunnel(struct pt_dp *base, uint32_t ifindex, struct pt_error *reterr)
{
    struct dp_bpf *dp = dp_bpf_of(base);
    uint32_t zero = 0;
    if (dp->upgrade_from != 0) {
        dp->tunnel_later = ifindex; /* the older program delivers until then */
    } else {
        PT_TRY(pt_dp_attach_tap(&dp->programs, ifindex, reterr));
    }
    if (bpf_map_update_elem(dp->maps.tunnel_device, &zero, &ifindex, BPF_ANY) != 0) {
        return pt_fail_errno(reterr, errno, "pt_tunnel_device", "cannot name the tunnel's device");
    }
    return PT_OK;
}

/* ---- steering ------------------------------------------------------------------------------------------------- */

static bool sla_maps(struct pt_dp *base, int *ret_sla_map, int *ret_epoch_map)
{
    struct dp_bpf *dp = dp_bpf_of(base);
    *ret_sla_map = sla_map(dp);
    *ret_epoch_map = pt_dp_programs_map(&dp->programs, "pt_epoch");
    return *ret_sla_map >= 0 && *ret_epoch_map >= 0;
}

static int sla_number(struct pt_dp *base, uint64_t sla)
{
    return pt_dp_slas_get(&dp_bpf_of(base)->slas, sla);
}

/* Numbers outlive the agent, as slots do: the words of the paths go on meaning the same. */
static void slas_load(struct dp_bpf *dp)
{
    for (uint32_t number = 0; number < PT_SLAS_MAX; number++) {
        (void)bpf_map_lookup_elem(pt_dp_programs_map(&dp->programs, "pt_sla_ids"), &number, &dp->slas.ids[number]);
    }
}

static void slas_settle(struct dp_bpf *dp)
{
    pt_dp_slas_settle(&dp->slas);
    for (uint32_t number = 0; number < PT_SLAS_MAX; number++) { /* array entries: cannot fail */
        (void)bpf_map_update_elem(pt_dp_programs_map(&dp->programs, "pt_sla_ids"), &number, &dp->slas.ids[number],
                                  BPF_ANY);
    }
}

static void set_time(struct pt_dp *base, int64_t wall_s)
{
    dp_bpf_of(base)->wall_s = wall_s;
}

static int64_t due(struct pt_dp *base)
{
    const struct dp_bpf *dp = dp_bpf_of(base);
    return dp->table != NULL ? dp->table->due_s : INT64_MAX;
}

/* ---- bundles -------------------------------------------------------------------------------------------------- */

/* The first bundle after a change of layout is in force: exchange the older version's programs, one by one. */
static enum pt_code take_over(struct dp_bpf *dp, const struct pt_dp_table *table, struct pt_error *reterr)
{
    pt_dp_upgrade_links(dp->pin_directory, dp->upgrade_from);
    PT_TRY(attach_new(dp, table, NULL, reterr));
    if (dp->tunnel_later != 0) {
        PT_TRY(pt_dp_attach_tap(&dp->programs, dp->tunnel_later, reterr));
    }
    pt_dp_upgrade_done(dp->pin_directory, dp->upgrade_from);
    pt_log_info(dp->log, "data plane upgraded", "from=v%d to=v%d", dp->upgrade_from, PT_ABI_VERSION);
    dp->upgrade_from = 0;
    return PT_OK;
}

/* Which bundle the next generation is. Flows of a generation before the table's length ago are not told apart. */
static void write_applied(struct dp_bpf *dp)
{
    const struct pt_dp_origin *origin = &dp->base.origin;
    uint32_t generation = dp->maps.in_force + 1, index = generation % PT_APPLIED_MAX;
    struct pt_abi_applied row = {.generation = generation,
                                 .revision = origin->revision,
                                 .epoch = origin->epoch,
                                 .term = origin->term,
                                 .position = origin->generation,
                                 .te_epoch = (uint32_t)origin->te_epoch,
                                 .time_ns = (uint64_t)origin->time_ns};
    (void)bpf_map_update_elem(dp->maps.applied, &index, &row, BPF_ANY); /* array entry: cannot fail */
}

/* Rates of meters. They are not swapped: a rate that changes does so just before the flip. What a meter has let through
 * and dropped is kept. */
static void write_meters(struct dp_bpf *dp, const struct pt_dp_table *table)
{
    int map = pt_dp_programs_map(&dp->programs, "pt_meters");
    for (size_t i = 0; i < table->meters.len; i++) {
        struct pt_abi_meter wanted, is = {0};
        uint32_t number = row_ifindex(&table->meters, i);
        memcpy(&wanted, pt_dp_rows_value(&table->meters, i), sizeof(wanted));
        (void)bpf_map_lookup_elem(map, &number, &is); /* array entries: cannot fail */
        if (is.ns_per_byte_q20 != wanted.ns_per_byte_q20 || is.burst_ns != wanted.burst_ns ||
            is.parent != wanted.parent) {
            wanted.dropped = is.dropped;
            (void)bpf_map_update_elem(map, &number, &wanted, BPF_ANY);
        }
    }
}

/* Everything up to the flip. On failure the old bundle is in force. */
static enum pt_code put_in_force(struct dp_bpf *dp, const struct pt_bundle *bundle, struct pt_dp_table *table,
                                 struct pt_error *reterr)
{
    uint32_t spare = (dp->maps.in_force + 1) & 1;
    for (uint32_t slot = 1; slot < PT_PATH_SLOTS; slot++) {
        if (dp->slots.fresh[slot]) {
            slot_reset(dp, slot);
        }
    }
    struct pt_dp_table *old = dp->maps.slots[dp->maps.in_force & 1];
    bool upgrades = dp->upgrade_from != 0; /* then our maps are in force before our programs take over */
    if (!upgrades) {
        PT_TRY(attach_new(dp, table, old, reterr));
    }
    PT_TRY(pt_dp_nat_pools(&dp->programs, &table->maps[PT_MAP_exits], reterr));
    PT_TRY(pt_dp_maps_write(&dp->maps, spare, table, reterr));
    write_meters(dp, table);
    if (dp->base.before_flip != NULL) {
        dp->base.before_flip(dp->base.before_flip_arg, bundle);
    }
    write_applied(dp);
    PT_TRY(pt_dp_maps_flip(&dp->maps, reterr));
    return upgrades ? take_over(dp, table, reterr) : PT_OK;
}

/* Cookies that the programs make are taken by a kernel that makes some itself (bpf/lib/cookie.h). */
static void allow_cookies(struct dp_bpf *dp, const struct pt_dp_table *table)
{
    const struct pt_dp_rows *guards = &table->maps[PT_MAP_guards];
    struct pt_abi_guard guard = {0};
    if (guards->len > 0) {
        memcpy(&guard, pt_dp_rows_value(guards, 0), sizeof(guard));
    }
    FILE *file = guard.syns_ps != 0 ? fopen("/proc/sys/net/ipv4/tcp_syncookies", "we") : NULL;
    if (guard.syns_ps != 0 && (file == NULL || fputs("2\n", file) < 0)) {
        pt_log_warn(dp->log, "cookies not allowed", "hint=set net.ipv4.tcp_syncookies to 2");
    }
    if (file != NULL) {
        (void)fclose(file); /* a write that failed shows as connections that are refused under a flood */
    }
}

static void settle(struct pt_dp *base)
{
    struct dp_bpf *dp = dp_bpf_of(base);
    struct pt_error error = {0};
    if (dp->unsettled == NULL) {
        return;
    }
    pt_dp_maps_wait(&dp->maps);
    if (pt_dp_maps_write(&dp->maps, (dp->maps.in_force + 1) & 1, dp->table, &error) != PT_OK) {
        pt_log_warn(dp->log, "second slot not written", "field=%s reason=%s", error.field, error.text);
    }
    if (dp->former != NULL) {
        detach_gone(dp, dp->table, dp->former);
    }
    attach_swift(dp, dp->table);
    pt_dp_slots_label(&dp->slots, dp->table);
    pt_dp_slots_settle(&dp->slots, true, slot_freed, dp);
    slas_settle(dp);
    pt_dp_qos_apply(dp->qos, dp->unsettled);
    pt_dp_table_unref(dp->former);
    dp->former = NULL;
    pt_bundle_unref(dp->unsettled);
    dp->unsettled = NULL;
}

/* It is in force; `former` is what was, and its reference goes along. */
static void leave_unsettled(struct dp_bpf *dp, const struct pt_bundle *bundle, struct pt_dp_table *table,
                            struct pt_dp_table *former)
{
    dp->unsettled = (struct pt_bundle *)(uintptr_t)bundle; /* references are not part of its value */
    pt_bundle_ref(dp->unsettled);
    dp->former = former;
    pt_dp_table_unref(dp->table);
    dp->table = table;
    dp->digest = *pt_bundle_digest(bundle);
}

static enum pt_code apply(struct pt_dp *base, const struct pt_bundle *bundle, struct pt_error *reterr)
{
    struct dp_bpf *dp = dp_bpf_of(base);
    settle(base); /* the spare slot may be in use, and numbers of slots not free, until then */
    struct pt_dp_compile_options options = {.interface = interface_index,
                                            .slots = &dp->slots,
                                            .slas = &dp->slas,
                                            .dir_routes_min = dp->dir_routes_min,
                                            .wall_s = dp->wall_s};
    struct pt_dp_table *table = NULL, *old = dp->maps.slots[dp->maps.in_force & 1];
    char absent[16] = "";
    enum pt_code code = pt_dp_compile(bundle, &options, &table, absent, reterr);
    if (old != NULL) {
        old = pt_dp_table_ref(old);
    }
    if (code == PT_OK) {
        code = put_in_force(dp, bundle, table, reterr);
    }
    if (code != PT_OK) {
        if (old != NULL && table != NULL) {
            detach_gone(dp, old, table);
        }
        pt_dp_slots_settle(&dp->slots, false, slot_freed, dp);
        pt_dp_table_unref(old);
        pt_dp_table_unref(table);
        return code;
    }
    leave_unsettled(dp, bundle, table, old);
    allow_cookies(dp, table);
    if (absent[0] != '\0') {
        pt_log_warn(dp->log, "interface absent", "name=%s effect=its entries are not in force", absent);
    }
    return PT_OK;
}

static void key_hex(const uint8_t *key, size_t size, char text[2 * 64 + 1])
{
    for (size_t i = 0; i < size && i < 64; i++) {
        (void)snprintf(text + 2 * i, 3, "%02x", key[i]);
    }
}

/* The first row in which the kernel's and ours differ. */
static enum pt_code compare_rows(enum pt_bundle_map map, const struct pt_dp_rows *kernel,
                                 const struct pt_dp_rows *wanted, struct pt_error *reterr)
{
    const struct pt_dp_map_info *info = pt_dp_map_info(map);
    size_t row_size = info->key_size + info->value_size;
    char text[2 * 64 + 1] = "";
    for (size_t i = 0; i < kernel->len || i < wanted->len; i++) {
        int order = i == kernel->len   ? 1
                    : i == wanted->len ? -1
                                       : memcmp(pt_dp_rows_key(kernel, i), pt_dp_rows_key(wanted, i), info->key_size);
        if (order == 0 && memcmp(pt_dp_rows_key(kernel, i), pt_dp_rows_key(wanted, i), row_size) == 0) {
            continue;
        }
        key_hex(pt_dp_rows_key(order < 0 ? kernel : wanted, i), info->key_size, text);
        return pt_fail(reterr, PT_CORRUPT, PT_REASON_NONE, info->name, "the entry with key %s is %s in the kernel",
                       text,
                       order < 0   ? "not of the bundle but stands"
                       : order > 0 ? "missing"
                                   : "different");
    }
    return PT_OK;
}

static enum pt_code verify(struct pt_dp *base, struct pt_digest *ret_digest, struct pt_error *reterr)
{
    struct dp_bpf *dp = dp_bpf_of(base);
    struct pt_dp_table *kernel = NULL;
    uint32_t zero = 0, generation = 0;
    if (dp->table == NULL) {
        return pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_NONE, NULL,
                       "no bundle was applied since the agent started");
    }
    if (bpf_map_lookup_elem(dp->maps.generation, &zero, &generation) != 0 || generation != dp->maps.in_force) {
        return pt_fail(reterr, PT_CORRUPT, PT_REASON_NONE, "pt_generation", "is %u and should be %u", generation,
                       dp->maps.in_force);
    }
    PT_TRY(pt_dp_maps_read(&dp->maps, generation & 1, &kernel, reterr));
    enum pt_code code = PT_OK;
    for (enum pt_bundle_map map = 0; map < PT_BUNDLE_MAPS_LEN && code == PT_OK; map++) {
        code = compare_rows(map, &kernel->maps[map], &dp->table->maps[map], reterr);
    }
    if (code != PT_OK) {
        /* What the slot holds is not what we thought: the next apply reads it first. */
        pt_dp_table_unref(dp->maps.slots[generation & 1]);
        dp->maps.slots[generation & 1] = kernel;
        return code;
    }
    pt_dp_table_unref(kernel);
    PT_TRY(pt_dp_dirs_verify(&dp->maps, generation & 1, dp->table, reterr));
    *ret_digest = dp->digest;
    return PT_OK;
}

/* ---- counters ------------------------------------------------------------------------------------------------- */

static void counters(struct pt_dp *base, void (*path_fn)(void *arg, const struct pt_dp_path_counters *counters),
                     void (*drop_fn)(void *arg, const struct pt_dp_drop *drop), void *arg)
{
    struct dp_bpf *dp = dp_bpf_of(base);
    pt_dp_count_paths(&dp->maps, &dp->slots, path_fn, arg);
    pt_dp_count_drops(&dp->maps, drop_fn, arg);
}

static void demands(struct pt_dp *base, void (*fn)(void *arg, uint32_t key, uint64_t bytes), void *arg)
{
    struct dp_bpf *dp = dp_bpf_of(base);
    pt_dp_demands(&dp->maps, &dp->slots, fn, arg);
}

static void queues(struct pt_dp *base, void (*fn)(void *arg, const struct pt_dp_link_queues *queues), void *arg)
{
    pt_dp_qos_read(dp_bpf_of(base)->qos, fn, arg);
}

/* ---- what was decided ----------------------------------------------------------------------------------------- */

static uint64_t decisions(struct pt_dp *base, void (*fn)(void *arg, const struct pt_dp_decision *decision), void *arg)
{
    return pt_dp_events_read(dp_bpf_of(base)->events, fn, arg);
}

static bool flow(struct pt_dp *base, const struct pt_dp_flow_key *key, struct pt_dp_flow *ret_flow)
{
    return pt_dp_flow_read(&dp_bpf_of(base)->maps, key, ret_flow);
}

static bool origin_of(struct pt_dp *base, uint32_t generation, struct pt_dp_origin *ret_origin)
{
    return pt_dp_applied_read(&dp_bpf_of(base)->maps, generation, ret_origin);
}

static enum pt_dp_life path_life(struct pt_dp *base, uint64_t path_id)
{
    struct dp_bpf *dp = dp_bpf_of(base);
    uint32_t slot = pt_dp_slots_get(&dp->slots, path_id), state = PT_PATH_UNKNOWN;
    if (slot != 0) {
        (void)bpf_map_lookup_elem(dp->maps.path_state, &slot, &state); /* array entry: cannot fail */
    }
    return (enum pt_dp_life)state;
}

static enum pt_code turn(struct pt_dp *base, uint32_t ifindex, bool on, struct pt_error *reterr)
{
    (void)base;
    if (!on) {
        pt_dp_turn_off(ifindex);
        return PT_OK;
    }
    return pt_dp_turn_on(ifindex, reterr);
}

/* ---- inspection ----------------------------------------------------------------------------------------------- */

static int sample_fd(struct pt_dp *base)
{
    return pt_dp_inspect_fd(dp_bpf_of(base)->inspect);
}

static void samples(struct pt_dp *base, void (*fn)(void *arg, const struct pt_dp_sample *sample), void *arg)
{
    pt_dp_inspect_take(dp_bpf_of(base)->inspect, fn, arg);
}

static void set_verdict(struct pt_dp *base, const struct pt_dp_verdict *verdict)
{
    pt_dp_inspect_verdict(dp_bpf_of(base)->inspect, verdict);
}

static void set_host(struct pt_dp *base, uint32_t vni, const struct pt_ip *address, const struct pt_dp_known *known)
{
    pt_dp_inspect_host(dp_bpf_of(base)->inspect, vni, address, known);
}

static void inspected(struct pt_dp *base, struct pt_dp_inspected *ret_counts)
{
    pt_dp_inspect_counts(dp_bpf_of(base)->inspect, ret_counts);
}

static bool translation(struct pt_dp *base, uint32_t link, bool ports, struct pt_dp_translation *ret_counts)
{
    return pt_dp_nat_count(&dp_bpf_of(base)->programs, link, ports, ret_counts);
}

/* ---- life ----------------------------------------------------------------------------------------------------- */

static void close_dp(struct pt_dp *base)
{
    struct dp_bpf *dp = dp_bpf_of(base);
    settle(base);
    pt_dp_table_unref(dp->table);
    pt_dp_qos_free(dp->qos);
    pt_dp_events_free(dp->events);
    pt_dp_inspect_free(dp->inspect);
    pt_dp_maps_fini(&dp->maps);
    pt_dp_programs_fini(&dp->programs);
    pt_dp_slots_fini(&dp->slots);
    free(dp);
}

static const struct pt_dp_ops dp_bpf_ops = {.apply = apply,
                                            .settle = settle,
                                            .sla_maps = sla_maps,
                                            .sla_number = sla_number,
                                            .set_time = set_time,
                                            .due = due,
                                            .verify = verify,
                                            .set_path_alive = set_path_alive,
                                            .ask_again = ask_again,
                                            .state_map = state_map,
                                            .counters = counters,
                                            .demands = demands,
                                            .queues = queues,
                                            .decisions = decisions,
                                            .flow = flow,
                                            .origin_of = origin_of,
                                            .path_life = path_life,
                                            .turn = turn,
                                            .path_slot = path_slot,
                                            .set_tunnel = set_tunnel,
                                            .set_path_mtu = set_path_mtu,
                                            .sample_fd = sample_fd,
                                            .samples = samples,
                                            .set_verdict = set_verdict,
                                            .set_host = set_host,
                                            .inspected = inspected,
                                            .translation = translation,
                                            .close = close_dp};

static void version_directory(const char *pin_directory, size_t size, char *directory)
{
    (void)snprintf(directory, size, "%s/v%d", pin_directory, PT_ABI_VERSION);
}

enum pt_code pt_dp_bpf_new(const struct pt_dp_bpf_options *options, struct pt_dp **ret_dp, struct pt_error *reterr)
{
    pt_dp_quiet();
    PT_TRY(pt_dp_probe(reterr));
    PT_TRY(pt_dp_mount(options->pin_directory, reterr));
    struct dp_bpf *dp = calloc(1, sizeof(*dp));
    pt_assert(dp != NULL);
    dp->base.ops = &dp_bpf_ops;
    dp->log = options->log;
    dp->swift = options->swift;
    dp->dir_routes_min = options->dir_routes_min;
    dp->qos = pt_dp_qos_new(options->log);
    memset(dp->maps.inner, -1, sizeof(dp->maps.inner));
    memset(dp->maps.tables, -1, sizeof(dp->maps.tables));
    pt_dp_slots_init(&dp->slots);
    (void)snprintf(dp->pin_directory, sizeof(dp->pin_directory), "%s", options->pin_directory);
    version_directory(options->pin_directory, sizeof(dp->directory), dp->directory);

    enum pt_code code = pt_dp_mount(dp->directory, reterr); /* it is below a bpffs: this only makes it */
    if (code == PT_OK) {
        code = pt_dp_programs_load(&dp->programs, dp->directory, reterr);
    }
    if (code == PT_OK) {
        code = pt_dp_maps_open(&dp->maps, &dp->programs, reterr);
    }
    if (code == PT_OK) {
        code = pt_dp_events_new(&dp->maps, &dp->slots, &dp->events, reterr);
    }
    if (code == PT_OK && dp->maps.in_force == 0) {
        dp->upgrade_from = pt_dp_upgrade_from(options->pin_directory);
    }
    if (code == PT_OK && dp->upgrade_from != 0) {
        code = pt_dp_upgrade_copy(options->pin_directory, dp->upgrade_from, &dp->programs, reterr);
    }
    if (code == PT_OK) {
        slots_load(dp);
        if (dp->maps.slots[dp->maps.in_force & 1] != NULL) {
            pt_dp_slots_label(&dp->slots, dp->maps.slots[dp->maps.in_force & 1]);
        }
        slas_load(dp);
        dp->inspect = pt_dp_inspect_new(&dp->programs);
        /* Exchange the programs of the agent before us, wherever it attached them. */
        code = attach_new(dp, dp->maps.slots[dp->maps.in_force & 1], NULL, reterr);
    }
    if (code != PT_OK) {
        close_dp(&dp->base);
        return code;
    }
    *ret_dp = &dp->base;
    return PT_OK;
}

/* ---- removal -------------------------------------------------------------------------------------------------- */

/* Detach the filters of the interfaces in a pinned bundle map of either slot. */
static void remove_filters(const char *directory, const char *name)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof(path), "%s/%s", directory, name);
    int outer = bpf_obj_get(path);
    for (uint32_t slot = 0; outer >= 0 && slot < 2; slot++) {
        uint32_t id, key[8], next[8];
        bool first = true;
        int inner = bpf_map_lookup_elem(outer, &slot, &id) == 0 ? bpf_map_get_fd_by_id(id) : -1;
        while (inner >= 0 && bpf_map_get_next_key(inner, first ? NULL : key, next) == 0) {
            first = false;
            memcpy(key, next, sizeof(key));
            pt_dp_detach_lan(key[0]); /* both keys begin with the interface; the companion's filter is alike */
        }
        if (inner >= 0) {
            (void)close(inner);
        }
    }
    if (outer >= 0) {
        (void)close(outer);
    }
}

static enum pt_code remove_pins(const char *directory, struct pt_error *reterr)
{
    DIR *dir = opendir(directory);
    struct dirent *entry;
    if (dir == NULL) {
        return errno == ENOENT ? PT_OK : pt_fail_errno(reterr, errno, directory, "cannot read the directory");
    }
    while ((entry = readdir(dir)) != NULL) {
        char path[PATH_MAX];
        unsigned ifindex;
        if (entry->d_name[0] == '.') {
            continue;
        }
        if (sscanf(entry->d_name, "link_%u", &ifindex) == 1) {
            pt_dp_qos_clear(ifindex);
            pt_dp_detach_wan(directory, ifindex);
            continue;
        }
        if (sscanf(entry->d_name, "swift_%u", &ifindex) == 1) {
            pt_dp_detach_swift(directory, ifindex);
            continue;
        }
        (void)snprintf(path, sizeof(path), "%s/%.255s", directory, entry->d_name);
        (void)unlink(path); /* what cannot be removed keeps the directory, and rmdir says so */
    }
    (void)closedir(dir);
    return rmdir(directory) == 0 ? PT_OK : pt_fail_errno(reterr, errno, directory, "cannot remove the directory");
}

enum pt_code pt_dp_bpf_remove(const struct pt_dp_bpf_options *options, struct pt_error *reterr)
{
    char directory[DIRECTORY_SIZE];
    pt_dp_quiet();
    for (int version = 1; version <= PT_ABI_VERSION; version++) {
        (void)snprintf(directory, sizeof(directory), "%s/v%d", options->pin_directory, version);
        remove_filters(directory, "pt_lans");
        remove_filters(directory, "pt_links");
        PT_TRY(remove_pins(directory, reterr));
    }
    pt_dp_unmount(options->pin_directory);
    return PT_OK;
}
