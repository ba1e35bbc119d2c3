/*
 * Disks of the simulated world: what a file system may do to a program that does not sync, it does by the seed.
 *
 * Contents. A node has two images: `now`, what reads see, and `durable`, what a power loss leaves. Each write changes
 * `now` and is appended, with its bytes, to the node's list of changes; a sync applies the list to `durable` and
 * empties it. At a power loss each change is kept, lost, or torn: of a torn write every 512-byte sector is kept or lost
 * by itself. Kept changes are applied in order, so that a lost write leaves what was before it. Cost: a write copies
 * its bytes twice, a sync copies what changed; no operation walks a file.
 *
 * Names. A path leads to a node in `names`, and in `durable_names` for after a power loss. Each change of a name is
 * appended to the disk's list; pt_dir_sync applies those of its folder. At a power loss a prefix of the list is kept,
 * of a length by the seed, as a journaling file system does; then what stands in a folder that is lost is lost too.
 *
 * A sync that fails loses, by the seed, its changes for good, while reads go on to show them: that is what Linux does,
 * and why the contract says that the node must stop.
 */
#include "sys/sys_sim_world.h"
#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

#define OPERATION_NS 1000U       /* what any operation but a sync takes ... */
#define BYTES_PER_NS 1U          /* ... and how fast bytes move */
#define FILE_SIZE_MAX (1U << 30) /* a simulated file larger than this is a bug of the program */

struct image {
    uint8_t *data;
    size_t size;
    size_t capacity;
};

struct change {
    struct pt_list node;
    bool truncate; /* to `offset`; else a write */
    uint64_t offset;
    size_t size;
    uint8_t data[];
};

/* A file, or a folder (which has only names, no content). */
struct sim_node {
    unsigned refs; /* names, durable names, name operations and open files that hold it */
    bool folder;
    struct image now;
    struct image durable;
    struct pt_list changes;
    const struct sim_file *locked_by;
};

struct sim_file {
    struct pt_file base;
    struct sim_node *node;
    bool writable;
    char path[];
};

/* `path` now leads to `node` (NULL: to nothing), and `from`, when there is one, no longer exists. */
struct name_op {
    struct pt_list node;
    struct sim_node *target;
    char *path;
    char *from;
};

/* ---- images --------------------------------------------------------------------------------------------------- */

static void image_resize(struct image *image, size_t size)
{
    pt_assert(size <= FILE_SIZE_MAX);
    if (size > image->capacity) {
        size_t capacity = image->capacity < 4096 ? 4096 : image->capacity * 2;
        image->capacity = capacity < size ? size : capacity;
        image->data = realloc(image->data, image->capacity);
        pt_assert(image->data != NULL);
    }
    if (size > image->size) {
        memset(image->data + image->size, 0, size - image->size);
    }
    image->size = size;
}

static void image_write(struct image *image, uint64_t offset, const void *data, size_t size)
{
    pt_assert(offset <= FILE_SIZE_MAX && size <= FILE_SIZE_MAX);
    if (size == 0) {
        return;
    }
    if (offset + size > image->size) {
        image_resize(image, (size_t)offset + size);
    }
    memcpy(image->data + offset, data, size);
}

static void apply_change(struct image *image, const struct change *change)
{
    if (change->truncate) {
        image_resize(image, (size_t)change->offset);
    } else {
        image_write(image, change->offset, change->data, change->size);
    }
}

/* Each sector of the write is kept or lost by itself. */
static void apply_torn(struct pt_sim *sim, struct image *image, const struct change *change)
{
    size_t at = 0;
    while (at < change->size) {
        uint64_t offset = change->offset + at;
        size_t take = (size_t)(SIM_SECTOR_SIZE - offset % SIM_SECTOR_SIZE);
        take = take < change->size - at ? take : change->size - at;
        if (sim_once_in(sim, 2)) {
            image_write(image, offset, change->data + at, take);
        }
        at += take;
    }
}

/* ---- nodes ---------------------------------------------------------------------------------------------------- */

static struct sim_node *node_new(bool folder)
{
    struct sim_node *node = pt_sys_alloc(sizeof(*node));
    node->folder = folder;
    pt_list_init(&node->changes);
    return node;
}

static struct sim_node *node_ref(struct sim_node *node)
{
    if (node != NULL) {
        node->refs++;
    }
    return node;
}

static void drop_changes(struct sim_node *node)
{
    while (!pt_list_empty(&node->changes)) {
        free(PT_CONTAINER(pt_list_pop_front(&node->changes), struct change, node));
    }
}

static void node_unref(struct sim_node *node)
{
    if (node == NULL) {
        return;
    }
    pt_assert(node->refs > 0);
    if (--node->refs == 0) {
        drop_changes(node);
        free(node->now.data);
        free(node->durable.data);
        free(node);
    }
}

static void add_change(struct sim_node *node, bool truncate, uint64_t offset, const void *data, size_t size)
{
    struct change *change = malloc(sizeof(*change) + size);
    pt_assert(change != NULL);
    *change = (struct change){.truncate = truncate, .offset = offset, .size = size};
    if (size > 0) {
        memcpy(change->data, data, size);
    }
    pt_list_push_back(&node->changes, &change->node);
    apply_change(&node->now, change);
}

static void sync_changes(struct sim_node *node)
{
    PT_LIST_FOREACH (at, &node->changes) {
        apply_change(&node->durable, PT_CONTAINER(at, struct change, node));
    }
    drop_changes(node);
}

/* Those alone that touch the bytes from `offset` to `end`, or the size. */
static void sync_range(struct sim_node *node, uint64_t offset, uint64_t end)
{
    PT_LIST_FOREACH_SAFE (at, &node->changes) {
        struct change *change = PT_CONTAINER(at, struct change, node);
        if (change->truncate || (change->offset < end && change->offset + change->size > offset)) {
            apply_change(&node->durable, change);
            pt_list_remove(&change->node);
            free(change);
        }
    }
}

/* What a power loss, or a failed sync, leaves of the changes: each kept, lost or torn with equal chance. */
static void lose_changes(struct pt_sim *sim, struct sim_node *node)
{
    PT_LIST_FOREACH (at, &node->changes) {
        const struct change *change = PT_CONTAINER(at, struct change, node);
        uint64_t fate = sim_between(sim, 0, 2);
        if (fate == 0) {
            apply_change(&node->durable, change);
        } else if (fate == 1) {
            apply_torn(sim, &node->durable, change);
        }
    }
    drop_changes(node);
}

/* ---- names ---------------------------------------------------------------------------------------------------- */

/* The one spelling of a path: absolute, without doubled or trailing slashes; the root is "". The caller frees. */
static char *spell(const char *path)
{
    char *spelt = malloc(strlen(path) + 2);
    pt_assert(spelt != NULL);
    size_t len = 0;
    while (*path != '\0') {
        size_t slashes = strspn(path, "/");
        path += slashes;
        size_t name = strcspn(path, "/");
        if (name > 0 && !(name == 1 && path[0] == '.')) {
            spelt[len++] = '/';
            memcpy(spelt + len, path, name);
            len += name;
        }
        path += name;
    }
    spelt[len] = '\0';
    return spelt;
}

static void set_name(struct pt_map *names, const char *path, struct sim_node *node)
{
    struct sim_node *before =
        node == NULL ? pt_map_remove_str(names, path) : pt_map_put_str(names, path, node_ref(node));
    node_unref(before);
}

static struct sim_node *find_node(struct sim_disk *disk, const char *spelt)
{
    return pt_map_get_str(&disk->names, spelt);
}

/* Length of the folder part of a spelt path. */
static size_t folder_len(const char *spelt)
{
    const char *slash = strrchr(spelt, '/');
    return slash == NULL ? 0 : (size_t)(slash - spelt);
}

static bool in_folder(const char *spelt, const char *folder)
{
    size_t len = folder_len(spelt);
    return spelt[0] != '\0' && len == strlen(folder) && memcmp(spelt, folder, len) == 0;
}

static bool folder_exists(const struct pt_map *names, const char *spelt)
{
    const struct sim_node *node = pt_map_get(names, spelt, folder_len(spelt));
    return node != NULL && node->folder;
}

static void free_name_op(struct name_op *op)
{
    pt_list_remove(&op->node);
    node_unref(op->target);
    free(op->path);
    free(op->from);
    free(op);
}

static void apply_name_op(struct pt_map *names, const struct name_op *op)
{
    set_name(names, op->path, op->target);
    if (op->from != NULL) {
        set_name(names, op->from, NULL);
    }
}

/* from may be NULL. */
static void change_name(struct sim_disk *disk, const char *path, struct sim_node *target, const char *from)
{
    struct name_op *op = pt_sys_alloc(sizeof(*op));
    op->target = node_ref(target);
    op->path = strdup(path);
    op->from = from == NULL ? NULL : strdup(from);
    pt_assert(op->path != NULL && (from == NULL || op->from != NULL));
    pt_list_push_back(&disk->name_ops, &op->node);
    apply_name_op(&disk->names, op);
}

static int compare_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorted paths, borrowed from the map; the caller frees the array. */
static const char **sorted_paths(const struct pt_map *names, size_t *ret_len)
{
    const char **paths = pt_sys_alloc((names->count + 1) * sizeof(*paths));
    size_t len = 0;
    PT_MAP_FOREACH (entry, names) {
        paths[len++] = (const char *)entry->key;
    }
    qsort(paths, len, sizeof(*paths), compare_text);
    *ret_len = len;
    return paths;
}

static void copy_names(struct pt_map *to, const struct pt_map *from)
{
    size_t len = 0;
    PT_AUTO(free) const char **paths = sorted_paths(from, &len);
    for (size_t i = 0; i < len; i++) {
        set_name(to, paths[i], pt_map_get_str(from, paths[i]));
    }
}

static void clear_names(struct pt_map *names)
{
    PT_MAP_FOREACH (entry, names) {
        node_unref(entry->value);
    }
    pt_map_clear(names);
}

/* ---- the disk ------------------------------------------------------------------------------------------------- */

void sim_disk_init(struct sim_disk *disk)
{
    pt_map_init(&disk->names);
    pt_map_init(&disk->durable_names);
    pt_list_init(&disk->name_ops);
    struct sim_node *root = node_new(true);
    set_name(&disk->names, "", root);
    set_name(&disk->durable_names, "", root);
}

void sim_disk_fini(struct sim_disk *disk)
{
    PT_LIST_FOREACH_SAFE (at, &disk->name_ops) {
        free_name_op(PT_CONTAINER(at, struct name_op, node));
    }
    clear_names(&disk->names);
    clear_names(&disk->durable_names);
}

static void lose_names(struct pt_sim *sim, struct sim_disk *disk)
{
    bool kept = true;
    PT_LIST_FOREACH_SAFE (at, &disk->name_ops) {
        struct name_op *op = PT_CONTAINER(at, struct name_op, node);
        kept = kept && !sim_once_in(sim, 4);
        if (kept) {
            apply_name_op(&disk->durable_names, op);
        }
        free_name_op(op);
    }
    /* Parents sort before what is in them, so that one pass finds all that hangs in the air. */
    size_t len = 0;
    PT_AUTO(free) const char **paths = sorted_paths(&disk->durable_names, &len);
    for (size_t i = 0; i < len; i++) {
        if (paths[i][0] != '\0' && !folder_exists(&disk->durable_names, paths[i])) {
            set_name(&disk->durable_names, paths[i], NULL);
        }
    }
    clear_names(&disk->names);
    copy_names(&disk->names, &disk->durable_names);
}

void sim_disk_crash(struct sim_host *host, bool power_loss)
{
    struct sim_disk *disk = &host->disk;
    if (power_loss) {
        lose_names(host->sim, disk);
    }
    size_t len = 0;
    PT_AUTO(free) const char **paths = sorted_paths(&disk->names, &len);
    for (size_t i = 0; i < len; i++) {
        struct sim_node *node = find_node(disk, paths[i]);
        node->locked_by = NULL;
        if (power_loss) {
            lose_changes(host->sim, node);
            image_resize(&node->now, 0);
            image_write(&node->now, 0, node->durable.data, node->durable.size);
        }
    }
}

bool pt_sim_flip_bit(struct pt_sim *sim, unsigned host, const char *path, uint64_t bit)
{
    pt_assert(host < sim->hosts_len);
    PT_AUTO(free) char *spelt = spell(path);
    struct sim_node *node = find_node(&sim->hosts[host]->disk, spelt);
    if (node == NULL || bit / 8 >= node->now.size) {
        return false;
    }
    uint8_t mask = (uint8_t)(1U << bit % 8);
    node->now.data[bit / 8] ^= mask;
    if (bit / 8 < node->durable.size) {
        node->durable.data[bit / 8] ^= mask;
    }
    return true;
}

bool pt_sim_durable_bit(struct pt_sim *sim, unsigned host, const char *path, uint64_t bit)
{
    pt_assert(host < sim->hosts_len);
    PT_AUTO(free) char *spelt = spell(path);
    const struct sim_node *node = find_node(&sim->hosts[host]->disk, spelt);
    return node != NULL && bit / 8 < node->durable.size && (node->durable.data[bit / 8] >> bit % 8 & 1) != 0;
}

/* ---- one operation -------------------------------------------------------------------------------------------- */

static void take_time(struct sim_sys *sys, uint64_t cost_ns)
{
    if (sys->in_work) {
        sys->work_ns += cost_ns;
        return;
    }
    /* On the loop: nothing else of this host happens until it is done. */
    struct sim_host *host = sys->host;
    uint64_t from = host->held_until_ns > sys->sim->now_ns ? host->held_until_ns : sys->sim->now_ns;
    host->held_until_ns = from + cost_ns;
}

/* Every operation begins here: it takes time, and it may be the one that is to fail. */
static enum pt_code begin(struct pt_sys *base, const char *path, bool allocates, uint64_t cost_ns,
                          struct pt_error *reterr)
{
    struct sim_sys *sys = (struct sim_sys *)base;
    struct sim_disk *disk = &sys->host->disk;
    if (sys->dead) {
        return pt_fail(reterr, PT_IO, PT_REASON_NONE, path, "the host has crashed");
    }
    take_time(sys, cost_ns);
    if (disk->fail_nth == 0 || (disk->fail_code == PT_NO_SPACE && !allocates)) {
        return PT_OK;
    }
    if (disk->fail_nth > 1) {
        disk->fail_nth--;
        return PT_OK;
    }
    disk->fail_nth = disk->fail_sticky ? 1 : 0;
    return pt_fail(reterr, disk->fail_code, disk->fail_code == PT_NO_SPACE ? PT_REASON_NO_SPACE : PT_REASON_NONE, path,
                   "%s", pt_code_text(disk->fail_code));
}

static uint64_t sync_cost_ns(struct pt_sys *base)
{
    struct sim_sys *sys = (struct sim_sys *)base;
    const struct pt_sim_options *options = &sys->sim->options;
    /* Drawn in any case, so that a slow disk does not change what else happens. */
    uint64_t cost_ns = sim_between(sys->sim, options->disk_delay_min_us * 1000, options->disk_delay_max_us * 1000);
    return sys->host->disk.sync_ns != 0 ? sys->host->disk.sync_ns : cost_ns;
}

static struct sim_disk *disk_of(struct pt_sys *sys)
{
    return &((struct sim_sys *)sys)->host->disk;
}

static enum pt_code fail_missing(struct pt_error *reterr, const char *path)
{
    return pt_fail(reterr, PT_NOT_FOUND, PT_REASON_NONE, path, "it does not exist");
}

/* ---- files ---------------------------------------------------------------------------------------------------- */

enum pt_code sim_file_open(struct pt_sys *sys, const char *path, unsigned flags, struct pt_file **ret_file,
                           struct pt_error *reterr)
{
    struct sim_disk *disk = disk_of(sys);
    PT_AUTO(free) char *spelt = spell(path);
    struct sim_node *node = find_node(disk, spelt);
    bool makes = node == NULL && (flags & PT_OPEN_CREATE) != 0;
    PT_TRY(begin(sys, path, makes, OPERATION_NS, reterr));
    if (node != NULL && (flags & PT_OPEN_EXCLUSIVE) != 0) {
        return pt_fail(reterr, PT_ALREADY_EXISTS, PT_REASON_NONE, path, "it exists already");
    }
    if ((node == NULL && !makes) || (makes && !folder_exists(&disk->names, spelt))) {
        return fail_missing(reterr, path);
    }
    if (node != NULL && node->folder) {
        return pt_fail(reterr, PT_IO, PT_REASON_NONE, path, "it is a folder");
    }
    if (makes) {
        node = node_new(false);
        change_name(disk, spelt, node, NULL);
    }
    struct sim_file *file = pt_sys_alloc(sizeof(*file) + strlen(path) + 1);
    file->base.sys = sys;
    file->node = node_ref(node);
    file->writable = (flags & PT_OPEN_WRITE) != 0;
    memcpy(file->path, path, strlen(path) + 1);
    *ret_file = &file->base;
    return PT_OK;
}

void sim_file_close(struct pt_file *base)
{
    struct sim_file *file = (struct sim_file *)base;
    if (file->node->locked_by == file) {
        file->node->locked_by = NULL;
    }
    node_unref(file->node);
    free(file);
}

enum pt_code sim_file_read(struct pt_file *base, uint64_t offset, void *data, size_t size, struct pt_error *reterr)
{
    struct sim_file *file = (struct sim_file *)base;
    const struct image *now = &file->node->now;
    PT_TRY(begin(base->sys, file->path, false, OPERATION_NS + size / BYTES_PER_NS, reterr));
    if (size == 0) {
        return PT_OK;
    }
    if (offset > now->size || size > now->size - offset) {
        return pt_fail(reterr, PT_OUT_OF_RANGE, PT_REASON_NONE, file->path, "the file ends before %zu bytes at %llu",
                       size, (unsigned long long)offset);
    }
    memcpy(data, now->data + offset, size);
    return PT_OK;
}

static enum pt_code fail_read_only(const struct sim_file *file, struct pt_error *reterr)
{
    return pt_fail(reterr, PT_IO, PT_REASON_NONE, file->path, "the file is open for reading only");
}

/* A part may have been written, of whole sectors. */
static void write_part(struct sim_file *file, uint64_t offset, const void *data, size_t size)
{
    struct sim_sys *sys = (struct sim_sys *)file->base.sys;
    if (!sys->dead && file->writable && size > 0) {
        uint64_t end = offset + sim_between(sys->sim, 0, size - 1);
        end -= end % SIM_SECTOR_SIZE;
        add_change(file->node, false, offset, data, end > offset ? (size_t)(end - offset) : 0);
    }
}

enum pt_code sim_file_write(struct pt_file *base, uint64_t offset, const void *data, size_t size,
                            struct pt_error *reterr)
{
    struct sim_file *file = (struct sim_file *)base;
    enum pt_code code = begin(base->sys, file->path, true, OPERATION_NS + size / BYTES_PER_NS, reterr);
    if (code != PT_OK) {
        write_part(file, offset, data, size);
        return code;
    }
    if (!file->writable) {
        return fail_read_only(file, reterr);
    }
    if (size > 0) {
        add_change(file->node, false, offset, data, size);
    }
    return PT_OK;
}

enum pt_code sim_file_write_through(struct pt_file *base, uint64_t offset, const void *data, size_t size,
                                    struct pt_error *reterr)
{
    struct sim_file *file = (struct sim_file *)base;
    struct sim_sys *sys = (struct sim_sys *)base->sys;
    uint64_t cost_ns = OPERATION_NS + size / BYTES_PER_NS + sync_cost_ns(base->sys);
    enum pt_code code = begin(base->sys, file->path, true, cost_ns, reterr);
    if (code != PT_OK) {
        write_part(file, offset, data, size);
        if (!sys->dead) {
            lose_changes(sys->sim, file->node);
        }
        return code;
    }
    if (!file->writable) {
        return fail_read_only(file, reterr);
    }
    if (size > 0) {
        add_change(file->node, false, offset, data, size);
        sync_range(file->node, offset, offset + size);
    }
    return PT_OK;
}

enum pt_code sim_file_sync(struct pt_file *base, struct pt_error *reterr)
{
    struct sim_file *file = (struct sim_file *)base;
    struct sim_sys *sys = (struct sim_sys *)base->sys;
    enum pt_code code = begin(base->sys, file->path, false, sync_cost_ns(base->sys), reterr);
    if (code == PT_OK) {
        sync_changes(file->node);
    } else if (!sys->dead) {
        lose_changes(sys->sim, file->node);
    }
    return code;
}

enum pt_code sim_file_truncate(struct pt_file *base, uint64_t size, struct pt_error *reterr)
{
    struct sim_file *file = (struct sim_file *)base;
    PT_TRY(begin(base->sys, file->path, size > file->node->now.size, OPERATION_NS, reterr));
    if (!file->writable) {
        return fail_read_only(file, reterr);
    }
    if (size != file->node->now.size) {
        add_change(file->node, true, size, NULL, 0);
    }
    return PT_OK;
}

enum pt_code sim_file_size(struct pt_file *base, uint64_t *ret_size, struct pt_error *reterr)
{
    struct sim_file *file = (struct sim_file *)base;
    PT_TRY(begin(base->sys, file->path, false, OPERATION_NS, reterr));
    *ret_size = file->node->now.size;
    return PT_OK;
}

enum pt_code sim_file_lock(struct pt_file *base, struct pt_error *reterr)
{
    struct sim_file *file = (struct sim_file *)base;
    PT_TRY(begin(base->sys, file->path, false, OPERATION_NS, reterr));
    if (file->node->locked_by != NULL && file->node->locked_by != file) {
        return pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_NONE, file->path,
                       "another process has locked the file; stop it first");
    }
    file->node->locked_by = file;
    return PT_OK;
}

/* ---- folders and names ---------------------------------------------------------------------------------------- */

enum pt_code sim_dir_make(struct pt_sys *sys, const char *path, struct pt_error *reterr)
{
    struct sim_disk *disk = disk_of(sys);
    PT_AUTO(free) char *spelt = spell(path);
    const struct sim_node *node = find_node(disk, spelt);
    PT_TRY(begin(sys, path, node == NULL, OPERATION_NS, reterr));
    if (node != NULL) {
        return node->folder ? PT_OK : pt_fail(reterr, PT_ALREADY_EXISTS, PT_REASON_NONE, path, "it is a file");
    }
    if (!folder_exists(&disk->names, spelt)) {
        return fail_missing(reterr, path);
    }
    change_name(disk, spelt, node_new(true), NULL);
    return PT_OK;
}

enum pt_code sim_dir_sync(struct pt_sys *sys, const char *path, struct pt_error *reterr)
{
    struct sim_disk *disk = disk_of(sys);
    PT_AUTO(free) char *spelt = spell(path);
    const struct sim_node *node = find_node(disk, spelt);
    PT_TRY(begin(sys, path, false, sync_cost_ns(sys), reterr));
    if (node == NULL || !node->folder) {
        return fail_missing(reterr, path);
    }
    PT_LIST_FOREACH_SAFE (at, &disk->name_ops) {
        struct name_op *op = PT_CONTAINER(at, struct name_op, node);
        if (in_folder(op->path, spelt) || (op->from != NULL && in_folder(op->from, spelt))) {
            apply_name_op(&disk->durable_names, op);
            free_name_op(op);
        }
    }
    return PT_OK;
}

enum pt_code sim_dir_list(struct pt_sys *sys, const char *path, void (*fn)(void *arg, const char *name), void *arg,
                          struct pt_error *reterr)
{
    struct sim_disk *disk = disk_of(sys);
    PT_AUTO(free) char *spelt = spell(path);
    const struct sim_node *node = find_node(disk, spelt);
    PT_TRY(begin(sys, path, false, OPERATION_NS, reterr));
    if (node == NULL || !node->folder) {
        return fail_missing(reterr, path);
    }
    size_t len = 0;
    PT_AUTO(free) const char **paths = sorted_paths(&disk->names, &len);
    PT_AUTO(free) char **found = pt_sys_alloc((len + 1) * sizeof(*found));
    size_t found_len = 0;
    for (size_t i = 0; i < len; i++) {
        if (in_folder(paths[i], spelt)) {
            found[found_len] = strdup(paths[i] + strlen(spelt) + 1);
            pt_assert(found[found_len] != NULL);
            found_len++;
        }
    }
    for (size_t i = 0; i < found_len; i++) { /* copies: fn may remove files */
        fn(arg, found[i]);
        free(found[i]);
    }
    return PT_OK;
}

static bool folder_empty(struct sim_disk *disk, const char *spelt)
{
    PT_MAP_FOREACH (entry, &disk->names) {
        if (in_folder((const char *)entry->key, spelt)) {
            return false;
        }
    }
    return true;
}

enum pt_code sim_path_rename(struct pt_sys *sys, const char *from, const char *to, struct pt_error *reterr)
{
    struct sim_disk *disk = disk_of(sys);
    PT_AUTO(free) char *spelt_from = spell(from);
    PT_AUTO(free) char *spelt_to = spell(to);
    struct sim_node *node = find_node(disk, spelt_from);
    const struct sim_node *over = find_node(disk, spelt_to);
    PT_TRY(begin(sys, from, true, OPERATION_NS, reterr));
    if (node == NULL || !folder_exists(&disk->names, spelt_to)) {
        return fail_missing(reterr, from);
    }
    if (node == over) {
        return PT_OK;
    }
    /* Moving a folder would rename all that is in it: nothing of ours does that. */
    if ((node->folder && !folder_empty(disk, spelt_from)) || (over != NULL && over->folder != node->folder)) {
        return pt_fail(reterr, PT_IO, PT_REASON_NONE, from, "a folder in use cannot be renamed here");
    }
    change_name(disk, spelt_to, node, spelt_from);
    return PT_OK;
}

enum pt_code sim_path_remove(struct pt_sys *sys, const char *path, struct pt_error *reterr)
{
    struct sim_disk *disk = disk_of(sys);
    PT_AUTO(free) char *spelt = spell(path);
    const struct sim_node *node = find_node(disk, spelt);
    PT_TRY(begin(sys, path, false, OPERATION_NS, reterr));
    if (node == NULL) {
        return PT_OK;
    }
    if (spelt[0] == '\0' || (node->folder && !folder_empty(disk, spelt))) {
        return pt_fail(reterr, PT_IO, PT_REASON_NONE, path, "the folder is not empty");
    }
    change_name(disk, spelt, NULL, NULL);
    return PT_OK;
}

bool sim_path_exists(struct pt_sys *sys, const char *path)
{
    PT_AUTO(free) char *spelt = spell(path);
    return !((struct sim_sys *)sys)->dead && find_node(disk_of(sys), spelt) != NULL;
}

enum pt_code sim_disk_free(struct pt_sys *sys, const char *path, uint64_t *ret_size, struct pt_error *reterr)
{
    PT_TRY(begin(sys, path, false, 0, reterr));
    *ret_size = UINT64_C(1) << 50; /* a disk is full when a fault says so */
    return PT_OK;
}
