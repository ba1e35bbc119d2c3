/*
 * What the kernel must have, asked before anything is loaded, so that what is missing is named in words of its own and
 * not as a verifier's log; and the bpffs that pins live in.
 *
 * A bpffs belongs to a mount namespace. Nodes that share one (the lab's) have a directory each; an agent with a mount
 * namespace of its own (systemd's PrivateMounts) would lose its pins with it and must not have one.
 */
#include "agent/dp_bpf_kernel.h"
#include "base/assert.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

static enum pt_code missing(struct pt_error *reterr, const char *feature, const char *since)
{
    return pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_NONE, feature,
                   "the kernel lacks %s; use Linux %s or later, with CONFIG_BPF_SYSCALL, CONFIG_BPF_JIT, "
                   "CONFIG_NET_CLS_BPF and CONFIG_NET_SCH_INGRESS as distributions build it",
                   feature, since);
}

static enum pt_code probe_helpers(struct pt_error *reterr)
{
    static const struct {
        enum bpf_prog_type type;
        enum bpf_func_id helper;
        const char *name, *since;
    } helpers[] = {
        {BPF_PROG_TYPE_SCHED_CLS, BPF_FUNC_skb_adjust_room, "the BPF helper skb_adjust_room", "5.18"},
        {BPF_PROG_TYPE_SCHED_CLS, BPF_FUNC_redirect_neigh, "the BPF helper redirect_neigh", "5.18"},
        {BPF_PROG_TYPE_SCHED_CLS, BPF_FUNC_check_mtu, "the BPF helper check_mtu", "5.18"},
        {BPF_PROG_TYPE_XDP, BPF_FUNC_xdp_adjust_meta, "the BPF helper xdp_adjust_meta", "5.18"},
        {BPF_PROG_TYPE_XDP, BPF_FUNC_xdp_load_bytes, "the BPF helper xdp_load_bytes", "5.18"},
    };
    for (size_t i = 0; i < sizeof(helpers) / sizeof(helpers[0]); i++) {
        if (libbpf_probe_bpf_helper(helpers[i].type, helpers[i].helper, NULL) == 0) {
            return missing(reterr, helpers[i].name, helpers[i].since);
        }
    }
    return PT_OK;
}

enum pt_code pt_dp_probe(struct pt_error *reterr)
{
    static const struct {
        enum bpf_map_type type;
        const char *name;
    } maps[] = {
        {BPF_MAP_TYPE_ARRAY_OF_MAPS, "BPF maps of maps"},
        {BPF_MAP_TYPE_LPM_TRIE, "the BPF longest-prefix map"},
        {BPF_MAP_TYPE_PERCPU_ARRAY, "per-CPU BPF arrays"},
    };
    LIBBPF_OPTS(bpf_map_create_opts, inner, .map_flags = BPF_F_INNER_MAP);
    int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "pt_probe", 4, 4, 1, NULL);
    if (fd < 0) {
        return errno == EPERM
                   ? pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_PERMISSION_MISSING, "capabilities",
                             "the agent may not use BPF; run it as root or with CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON "
                             "and CAP_SYS_ADMIN")
                   : missing(reterr, "the bpf() system call", "5.18");
    }
    (void)close(fd);
    if (libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_XDP, NULL) == 0) {
        return missing(reterr, "XDP programs", "5.18");
    }
    if (libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_SCHED_CLS, NULL) == 0) {
        return missing(reterr, "BPF classifiers for tc", "5.18");
    }
    for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++) {
        if (libbpf_probe_bpf_map_type(maps[i].type, NULL) == 0) {
            return missing(reterr, maps[i].name, "5.18");
        }
    }
    fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "pt_probe", 4, 4, 1, &inner);
    if (fd < 0) {
        return missing(reterr, "inner BPF arrays of different sizes (BPF_F_INNER_MAP)", "5.18");
    }
    (void)close(fd);
    return probe_helpers(reterr);
}

/* mkdir -p */
static enum pt_code make_directories(const char *directory, struct pt_error *reterr)
{
    char path[PATH_MAX];
    size_t size = strlen(directory);
    if (size == 0 || size >= sizeof(path) || directory[0] != '/') {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "pin_directory",
                       "'%.64s' is not an absolute path", directory);
    }
    for (size_t i = 1; i <= size; i++) {
        if (directory[i] != '/' && directory[i] != '\0') {
            continue;
        }
        memcpy(path, directory, i);
        path[i] = '\0';
        if (mkdir(path, 0700) != 0 && errno != EEXIST) {
            return pt_fail_errno(reterr, errno, directory, "cannot make %s", path);
        }
    }
    return PT_OK;
}

static bool is_bpffs(const char *directory)
{
    struct statfs fs;
    return statfs(directory, &fs) == 0 && (unsigned long)fs.f_type == BPF_FS_MAGIC;
}

enum pt_code pt_dp_mount(const char *directory, struct pt_error *reterr)
{
    PT_TRY(make_directories(directory, reterr));
    if (is_bpffs(directory)) {
        return PT_OK;
    }
    if (mount("bpffs", directory, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700") != 0) {
        return pt_fail_errno(reterr, errno, directory, "cannot mount a bpffs to pin the programs in");
    }
    return PT_OK;
}

void pt_dp_unmount(const char *directory)
{
    /* Fails when the bpffs is mounted higher up or holds other pins still in use: then it is not ours to remove. */
    (void)umount2(directory, 0);
    (void)rmdir(directory);
}
