/*
 * From an older layout of the maps to ours, without losing a packet.
 *
 * What an older agent pinned goes on forwarding, its programs with its maps, until our first bundle is in force:
 *
 *    load ours beside it -> copy what bundles do not bring -> [bundle: write, flip] -> exchange programs -> unpin the
 * old
 *
 * Copied are the slots of paths, their states, MTUs and counters, drops and demand. A value that has grown is copied
 * and the rest is zero: fields are only ever added at the end, else the map gets another name. Flows are not copied:
 * each asks once. The XDP links are moved, so that the exchange is one step and no frame passes without a program.
 *
 * Between our start and the first bundle, which is on disk, a path that dies is noticed by the new map only: the old
 * programs go on using it for that fraction of a second.
 */
#include "agent/dp_bpf_kernel.h"
#include "base/assert.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const carried[] = {"pt_path_ids", "pt_path_state", "pt_path_mtu", "pt_path_sla",     "pt_sla_ids",
                                      "pt_counters", "pt_drops",      "pt_demands",  "pt_tunnel_device"};

static void folder(const char *pin_directory, int version, char path[PATH_MAX])
{
    (void)snprintf(path, PATH_MAX, "%s/v%d", pin_directory, version);
}

int pt_dp_upgrade_from(const char *pin_directory)
{
    for (int version = PT_ABI_VERSION - 1; version > 0; version--) {
        char path[PATH_MAX];
        folder(pin_directory, version, path);
        if (access(path, F_OK) == 0) {
            return version;
        }
    }
    return 0;
}

/* ---- maps ----------------------------------------------------------------------------------------------------- */

static bool is_per_cpu(const struct bpf_map_info *info)
{
    return info->type == BPF_MAP_TYPE_PERCPU_ARRAY || info->type == BPF_MAP_TYPE_PERCPU_HASH;
}

static size_t stride(const struct bpf_map_info *info)
{
    return (info->value_size + 7) / 8 * 8;
}

/* One value, or one for each CPU. */
static void widen(const struct bpf_map_info *from, const uint8_t *old, const struct bpf_map_info *to, uint8_t *new)
{
    size_t times = is_per_cpu(from) ? (size_t)libbpf_num_possible_cpus() : 1;
    size_t size = from->value_size < to->value_size ? from->value_size : to->value_size;
    for (size_t i = 0; i < times; i++) {
        memset(new + i *stride(to), 0, stride(to));
        memcpy(new + i *stride(to), old + i * stride(from), size);
    }
}

static bool same_shape(const struct bpf_map_info *from, const struct bpf_map_info *to)
{
    return from->type == to->type && from->key_size == to->key_size && from->key_size == sizeof(uint32_t);
}

static enum pt_code copy_map(int from, int to, const char *name, struct pt_error *reterr)
{
    struct bpf_map_info old = {0}, new = {0};
    uint32_t size = sizeof(old), size2 = sizeof(new), key = 0, next = 0;
    if (bpf_obj_get_info_by_fd(from, &old, &size) != 0 || bpf_obj_get_info_by_fd(to, &new, &size2) != 0) {
        return pt_fail_errno(reterr, errno, name, "cannot ask what the map is");
    }
    if (!same_shape(&old, &new)) {
        return pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_CONFLICT, name,
                       "the older version's map is of another kind; remove it with `patronusd detach`");
    }
    size_t cpus = is_per_cpu(&old) ? (size_t)libbpf_num_possible_cpus() : 1;
    uint8_t *value = malloc(cpus * stride(&old)), *wide = malloc(cpus * stride(&new));
    enum pt_code code = PT_OK;
    bool first = true;
    pt_assert(value != NULL && wide != NULL);
    while (code == PT_OK && bpf_map_get_next_key(from, first ? NULL : &key, &next) == 0) {
        first = false;
        key = next;
        if (bpf_map_lookup_elem(from, &key, value) != 0) {
            continue; /* gone meanwhile */
        }
        widen(&old, value, &new, wide);
        if (bpf_map_update_elem(to, &key, wide, BPF_ANY) != 0 && errno != E2BIG) {
            code = pt_fail_errno(reterr, errno, name, "cannot carry an entry over");
        }
    }
    free(value);
    free(wide);
    return code;
}

enum pt_code pt_dp_upgrade_copy(const char *pin_directory, int version, const struct pt_dp_programs *programs,
                                struct pt_error *reterr)
{
    for (size_t i = 0; i < sizeof(carried) / sizeof(carried[0]); i++) {
        char path[PATH_MAX], directory[PATH_MAX];
        folder(pin_directory, version, directory);
        if (snprintf(path, sizeof(path), "%s/%s", directory, carried[i]) >= (int)sizeof(path)) {
            continue; /* nothing was pinned there */
        }
        int from = bpf_obj_get(path), to = pt_dp_programs_map(programs, carried[i]);
        if (from < 0) {
            continue; /* that version had none */
        }
        enum pt_code code = to < 0 ? PT_OK : copy_map(from, to, carried[i], reterr);
        (void)close(from);
        PT_TRY(code);
    }
    return PT_OK;
}

/* ---- pins ----------------------------------------------------------------------------------------------------- */

/* Calls fn for each file of the folder, with its path in both folders. */
static void for_each_pin(const char *pin_directory, int version,
                         void (*fn)(const char *name, const char *old, const char *new))
{
    char from[PATH_MAX], to[PATH_MAX];
    struct dirent *entry;
    folder(pin_directory, version, from);
    folder(pin_directory, PT_ABI_VERSION, to);
    DIR *dir = opendir(from);
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        char old[2 * PATH_MAX], new[2 * PATH_MAX];
        if (entry->d_name[0] != '.') {
            (void)snprintf(old, sizeof(old), "%s/%s", from, entry->d_name);
            (void)snprintf(new, sizeof(new), "%s/%s", to, entry->d_name);
            fn(entry->d_name, old, new);
        }
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
}

static void move_link(const char *name, const char *old, const char *new)
{
    unsigned ifindex;
    if (sscanf(name, "link_%u", &ifindex) == 1 || sscanf(name, "swift_%u", &ifindex) == 1) {
        (void)rename(old, new); /* if not, attaching says that the interface is taken */
    }
}

static void unpin(const char *name, const char *old, const char *new)
{
    (void)name, (void)new;
    (void)unlink(old); /* what cannot be removed keeps the folder: seen again at the next start */
}

void pt_dp_upgrade_links(const char *pin_directory, int version)
{
    for_each_pin(pin_directory, version, move_link);
}

void pt_dp_upgrade_done(const char *pin_directory, int version)
{
    char path[PATH_MAX];
    for_each_pin(pin_directory, version, unpin);
    folder(pin_directory, version, path);
    (void)rmdir(path); /* see unpin */
}
