/*
 * Up and down.
 *
 * Up writes the run directory first: from then on whatever happens, `down` knows what belongs to the lab. Down does not
 * trust any state but names: it ends every process that it finds in the lab's namespaces (the relay, daemons, what
 * users started there), then unbinds the namespaces (their interfaces go with them), then unmounts and removes what is
 * below the run directory. Each step is harmless when there is nothing to do, so down may be killed and run again.
 */
#include "lab/lab.h"

#include "base/assert.h"
#include "lab/build.h"
#include "lab/netns.h"
#include "lab/process.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define GRACE_MS 3000 /* patronusd hands over leadership within it */

enum pt_code pt_lab_check_name(const char *name, struct pt_error *reterr)
{
    size_t len = strlen(name);
    if (len == 0 || len >= PT_LAB_NAME_SIZE || name[0] < 'a' || name[0] > 'z' ||
        strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789") != len) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_NAME_INVALID, "--name",
                       "'%.40s' cannot be a lab's name; write at most 12 of a-z and 0-9, a letter first", name);
    }
    return PT_OK;
}

enum pt_code pt_lab_check_root(struct pt_error *reterr)
{
    return geteuid() == 0 ? PT_OK
                          : pt_fail(reterr, PT_PERMISSION_DENIED, PT_REASON_NONE, NULL,
                                    "the lab makes network namespaces, which only root may; run it again with sudo");
}

char *pt_lab_path(const char *name, const char *file, char path[PT_LAB_PATH_SIZE])
{
    (void)snprintf(path, PT_LAB_PATH_SIZE, PT_LAB_DIRECTORY "/%s%s%s", name, file[0] != '\0' ? "/" : "", file);
    return path;
}

char *pt_lab_netns(const char *name, const char *node, char *text)
{
    (void)snprintf(text, PT_NETNS_NAME_SIZE, "%s-%s", name, node);
    return text;
}

void pt_lab_limit(struct pt_lab_topology *topology)
{
    for (size_t i = 0; i < topology->links_len; i++) {
        if (topology->links[i].params.rate_bps == 0) {
            topology->links[i].params.rate_bps = topology->links[i].capacity_bps;
        }
    }
}

/* mkdir, fine when it exists. */
static enum pt_code make_directory(const char *path, struct pt_error *reterr)
{
    return mkdir(path, 0755) == 0 || errno == EEXIST ? PT_OK
                                                     : pt_fail_errno(reterr, errno, path, "cannot make the folder");
}

/* The lock of up and down: the folder of all labs itself, so that no lock file is left behind. */
static enum pt_code lock(int *ret_fd, struct pt_error *reterr)
{
    PT_TRY(make_directory("/run/patronus", reterr));
    PT_TRY(make_directory(PT_LAB_DIRECTORY, reterr));
    int fd = open(PT_LAB_DIRECTORY, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || flock(fd, LOCK_EX) != 0) {
        enum pt_code code = pt_fail_errno(reterr, errno, PT_LAB_DIRECTORY, "cannot lock the folder of labs");
        if (fd >= 0) {
            (void)close(fd);
        }
        return code;
    }
    *ret_fd = fd;
    return PT_OK;
}

/* ---- down ----------------------------------------------------------------------------------------------------- */

struct found {
    const char *name;
    const struct pt_lab_topology *topology; /* NULL: the run directory is lost */
    char (*netns)[PT_NETNS_NAME_SIZE];
    ino_t *inodes;
    size_t len;
};

struct comparison {
    const char *name;
    const char *netns;
    bool equal;
};

static enum pt_code compare(void *arg, const char *node, struct pt_error *reterr)
{
    (void)reterr; /* cannot fail */
    struct comparison *comparison = arg;
    char netns[PT_NETNS_NAME_SIZE];
    comparison->equal |= strcmp(pt_lab_netns(comparison->name, node, netns), comparison->netns) == 0;
    return PT_OK;
}

/* The topology's own, or marked as ours: one with our prefix that somebody else made is left alone. */
static bool belongs(const struct found *found, const char *netns)
{
    struct comparison comparison = {.name = found->name, .netns = netns};
    if (found->topology != NULL) {
        pt_assert(pt_lab_each_netns(found->topology, compare, &comparison, NULL) == PT_OK);
    }
    return comparison.equal || pt_netns_is_owned(netns, found->name);
}

static void collect(void *arg, const char *netns)
{
    struct found *found = arg;
    if (strlen(netns) >= PT_NETNS_NAME_SIZE || !belongs(found, netns)) {
        return;
    }
    found->netns = realloc(found->netns, (found->len + 1) * sizeof(*found->netns));
    found->inodes = realloc(found->inodes, (found->len + 1) * sizeof(*found->inodes));
    pt_assert(found->netns != NULL && found->inodes != NULL);
    (void)snprintf(found->netns[found->len], PT_NETNS_NAME_SIZE, "%s", netns);
    found->inodes[found->len] = pt_netns_inode(netns);
    found->len++;
}

/* Unmount what is mounted below the run directory (a node's bpffs), the newest first. */
static void unmount_below(const char *directory)
{
    char prefix[PT_LAB_PATH_SIZE + 1];
    int prefix_len = snprintf(prefix, sizeof(prefix), "%s/", directory);
    for (bool found = true; found;) {
        char last[4096] = "";
        char line[8192];
        FILE *mounts = fopen("/proc/self/mountinfo", "re");
        while (mounts != NULL && fgets(line, sizeof(line), mounts) != NULL) {
            char point[4096];
            if (sscanf(line, "%*s %*s %*s %*s %4095s", point) == 1 && strncmp(point, prefix, (size_t)prefix_len) == 0) {
                memcpy(last, point, sizeof(last));
            }
        }
        if (mounts != NULL) {
            (void)fclose(mounts);
        }
        found = last[0] != '\0' && umount2(last, MNT_DETACH) == 0;
    }
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

static enum pt_code down_locked(const char *name, bool *ret_found, struct pt_error *reterr)
{
    char directory[PT_LAB_PATH_SIZE];
    char prefix[PT_LAB_NAME_SIZE + 1];
    struct pt_lab_topology topology = {0};
    struct found found = {.name = name};
    if (pt_lab_open(name, &topology, NULL) == PT_OK) {
        found.topology = &topology;
    }
    (void)snprintf(prefix, sizeof(prefix), "%s-", name);
    pt_netns_each(prefix, collect, &found);
    (void)pt_process_end_in(found.inodes, found.len, GRACE_MS);
    for (size_t i = 0; i < found.len; i++) {
        pt_netns_remove(found.netns[i]);
    }
    unmount_below(pt_lab_path(name, "", directory));
    bool existed = access(directory, F_OK) == 0;
    bool removed = !existed || nftw(directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) == 0;
    int number = errno;
    if (ret_found != NULL) {
        *ret_found = existed || found.len != 0;
    }
    free(found.netns);
    free(found.inodes);
    pt_lab_topology_fini(&topology);
    return removed ? PT_OK : pt_fail_errno(reterr, number, directory, "cannot remove the run directory");
}

enum pt_code pt_lab_down(const char *name, bool *ret_found, struct pt_error *reterr)
{
    int fd = -1;
    PT_TRY(pt_lab_check_name(name, reterr));
    PT_TRY(pt_lab_check_root(reterr));
    PT_TRY(lock(&fd, reterr));
    enum pt_code code = down_locked(name, ret_found, reterr);
    (void)close(fd);
    return code;
}

/* ---- up ------------------------------------------------------------------------------------------------------- */

static void note_existing(void *arg, const char *netns)
{
    (void)snprintf(arg, PT_NETNS_NAME_SIZE, "%s", netns);
}

/* Nothing with our names may exist, ours or not. */
static enum pt_code check_absent(const char *name, struct pt_error *reterr)
{
    char path[PT_LAB_PATH_SIZE];
    char prefix[PT_LAB_NAME_SIZE + 1];
    char existing[PT_NETNS_NAME_SIZE] = "";
    if (access(pt_lab_path(name, "", path), F_OK) == 0) {
        return pt_fail(reterr, PT_ALREADY_EXISTS, PT_REASON_RESOURCE_EXISTS, path,
                       "the lab '%s' is up already; `patronusctl lab down --name %s` removes it", name, name);
    }
    (void)snprintf(prefix, sizeof(prefix), "%s-", name);
    pt_netns_each(prefix, note_existing, existing);
    if (existing[0] != '\0') {
        return pt_fail(reterr, PT_ALREADY_EXISTS, PT_REASON_RESOURCE_EXISTS, existing,
                       "there is a namespace '%s' already; choose another lab with --name, or remove a lab that lost "
                       "its run directory with `patronusctl lab down --name %s`",
                       existing, name);
    }
    return PT_OK;
}

static enum pt_code write_file(const char *path, const char *text, size_t size, struct pt_error *reterr)
{
    FILE *file = fopen(path, "we");
    if (file == NULL) {
        return pt_fail_errno(reterr, errno, path, "cannot write the file");
    }
    bool written = fwrite(text, 1, size, file) == size;
    return fclose(file) == 0 && written ? PT_OK : pt_fail_errno(reterr, errno, path, "cannot write the file");
}

static enum pt_code start_relay(const struct pt_lab_up_options *options, struct pt_error *reterr)
{
    char pid_path[PT_LAB_PATH_SIZE];
    char log_path[PT_LAB_PATH_SIZE];
    char netns[PT_NETNS_NAME_SIZE];
    char seed[24];
    (void)snprintf(seed, sizeof(seed), "%" PRIu64, options->seed);
    const char *argv[] = {options->program, "lab", "relay",   "--name", options->name,
                          "--seed",         seed,  "--ready", NULL,     NULL};
    if (options->limit) {
        argv[8] = "--limit";
    }
    struct pt_process_daemon daemon = {.pid_path = pt_lab_path(options->name, "relay.pid", pid_path),
                                       .log_path = pt_lab_path(options->name, "relay.log", log_path),
                                       .netns = pt_lab_netns(options->name, "relay", netns),
                                       .argv = argv,
                                       .wait_ready = true};
    pid_t pid = 0;
    return pt_process_start(&daemon, &pid, reterr);
}

static enum pt_code up_locked(const struct pt_lab_up_options *options, const struct pt_lab_topology *topology,
                              struct pt_error *reterr)
{
    char path[PT_LAB_PATH_SIZE];
    PT_TRY(make_directory(pt_lab_path(options->name, "", path), reterr));
    PT_TRY(write_file(pt_lab_path(options->name, "topology.lab", path), options->text, options->text_size, reterr));
    PT_TRY(make_directory(pt_lab_path(options->name, "nodes", path), reterr));
    PT_TRY(pt_lab_build(options->name, topology, reterr));
    return start_relay(options, reterr);
}

enum pt_code pt_lab_up(const struct pt_lab_up_options *options, struct pt_error *reterr)
{
    struct pt_lab_topology topology;
    int fd = -1;
    PT_TRY(pt_lab_check_name(options->name, reterr));
    PT_TRY(pt_lab_topology_parse(options->source, options->text, options->text_size, &topology, reterr));
    enum pt_code code = pt_lab_check_root(reterr);
    code = code == PT_OK ? lock(&fd, reterr) : code;
    code = code == PT_OK ? check_absent(options->name, reterr) : code;
    if (code == PT_OK) {
        code = up_locked(options, &topology, reterr);
        if (code != PT_OK) {
            (void)down_locked(options->name, NULL, NULL); /* the first error is the one to tell */
        }
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    pt_lab_topology_fini(&topology);
    return code;
}

enum pt_code pt_lab_open(const char *name, struct pt_lab_topology *ret_topology, struct pt_error *reterr)
{
    char path[PT_LAB_PATH_SIZE];
    PT_TRY(pt_lab_check_name(name, reterr));
    FILE *file = fopen(pt_lab_path(name, "topology.lab", path), "re");
    if (file == NULL) {
        return pt_fail(reterr, PT_NOT_FOUND, PT_REASON_NONE, path,
                       "the lab '%s' is not up; start it with `patronusctl lab up --name %s`", name, name);
    }
    char *text = malloc(PT_LAB_FILE_SIZE_MAX + 1);
    pt_assert(text != NULL);
    size_t size = fread(text, 1, PT_LAB_FILE_SIZE_MAX + 1, file);
    (void)fclose(file);
    enum pt_code code = pt_lab_topology_parse(path, text, size, ret_topology, reterr);
    free(text);
    return code;
}

/* ---- daemons -------------------------------------------------------------------------------------------------- */

/* A daemon's name is part of a path: no '/' and no dot in front. */
static enum pt_code check_daemon_name(const char *daemon, struct pt_error *reterr)
{
    if (daemon[0] == '\0' || daemon[0] == '.' || strchr(daemon, '/') != NULL || strlen(daemon) > 60) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_NAME_INVALID, "--as",
                       "'%.60s' cannot be a daemon's name; write at most 60 characters without '/'", daemon);
    }
    return PT_OK;
}

static enum pt_code check_node(const char *name, const char *node, struct pt_error *reterr)
{
    char netns[PT_NETNS_NAME_SIZE];
    PT_TRY(pt_lab_check_name(name, reterr));
    PT_TRY(pt_lab_check_root(reterr));
    if (strchr(node, '/') != NULL || node[0] == '\0' || strlen(node) > 100 ||
        !pt_netns_exists(pt_lab_netns(name, node, netns))) {
        return pt_fail(reterr, PT_NOT_FOUND, PT_REASON_NONE, node,
                       "the lab '%s' has no node '%.60s'; `patronusctl lab status` lists them", name, node);
    }
    return PT_OK;
}

static void daemon_path(const char *name, const char *node, const char *daemon, const char *suffix,
                        char path[PT_LAB_PATH_SIZE])
{
    char file[PT_LAB_PATH_SIZE - 64];
    (void)snprintf(file, sizeof(file), "nodes/%.100s%s%.60s%s", node, daemon[0] != '\0' ? "/" : "", daemon, suffix);
    (void)pt_lab_path(name, file, path);
}

enum pt_code pt_lab_start(const char *name, const char *node, const char *daemon, const char *const *argv,
                          pid_t *ret_pid, struct pt_error *reterr)
{
    char directory[PT_LAB_PATH_SIZE];
    char pid_path[PT_LAB_PATH_SIZE];
    char log_path[PT_LAB_PATH_SIZE];
    char netns[PT_NETNS_NAME_SIZE];
    const char *slash = strrchr(argv[0], '/');
    daemon = daemon != NULL ? daemon : slash != NULL ? slash + 1 : argv[0];
    PT_TRY(check_node(name, node, reterr));
    PT_TRY(check_daemon_name(daemon, reterr));
    daemon_path(name, node, "", "", directory);
    PT_TRY(make_directory(directory, reterr));
    daemon_path(name, node, daemon, ".pid", pid_path);
    daemon_path(name, node, daemon, ".log", log_path);
    pid_t running = pt_process_pid(pid_path);
    if (running != 0) {
        return pt_fail(reterr, PT_ALREADY_EXISTS, PT_REASON_RESOURCE_EXISTS, pid_path,
                       "'%s' runs at %s already as process %d; stop it first, or start a second one with --as", daemon,
                       node, (int)running);
    }
    struct pt_process_daemon start = {
        .pid_path = pid_path, .log_path = log_path, .netns = pt_lab_netns(name, node, netns), .argv = argv};
    return pt_process_start(&start, ret_pid, reterr);
}

enum pt_code pt_lab_stop(const char *name, const char *node, const char *daemon, bool kill_at_once, size_t *ret_len,
                         struct pt_error *reterr)
{
    char path[PT_LAB_PATH_SIZE];
    PT_TRY(check_node(name, node, reterr));
    if (daemon != NULL) {
        PT_TRY(check_daemon_name(daemon, reterr));
        daemon_path(name, node, daemon, ".pid", path);
        PT_TRY(pt_process_end(path, kill_at_once, GRACE_MS, reterr));
        *ret_len = 1;
        return PT_OK;
    }
    daemon_path(name, node, "*", ".pid", path);
    glob_t matches = {0};
    size_t len = 0;
    if (glob(path, 0, NULL, &matches) == 0) {
        for (size_t i = 0; i < matches.gl_pathc; i++) {
            len += pt_process_end(matches.gl_pathv[i], kill_at_once, GRACE_MS, NULL) == PT_OK;
        }
    }
    globfree(&matches);
    *ret_len = len;
    return PT_OK;
}
