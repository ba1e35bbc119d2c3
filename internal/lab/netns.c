/*
 * A namespace outlives its processes by a bind mount of /proc/self/ns/net on a file in /run/netns. That folder has to
 * be a shared mount of its own, or an unmount here would not reach the other mount namespaces, and the network
 * namespace would stay alive in them.
 *
 * The mark of ownership is the alias of the loopback device. `lab down` must find its namespaces even when the run
 * directory is lost, and must never remove one that somebody else gave a name with the same prefix.
 */
#include "lab/netns.h"

#include "base/assert.h"
#include "lab/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static char *netns_path(const char *name, char path[PT_NETNS_NAME_SIZE + 16])
{
    (void)snprintf(path, PT_NETNS_NAME_SIZE + 16, PT_NETNS_DIRECTORY "/%.127s", name);
    return path;
}

/* /run/netns as a shared mount. */
static enum pt_code prepare_directory(struct pt_error *reterr)
{
    if (mkdir(PT_NETNS_DIRECTORY, 0755) != 0 && errno != EEXIST) {
        return pt_fail_errno(reterr, errno, PT_NETNS_DIRECTORY, "cannot make the folder of namespaces");
    }
    if (mount("", PT_NETNS_DIRECTORY, "none", MS_SHARED | MS_REC, NULL) == 0) {
        return PT_OK;
    }
    /* EINVAL: not a mount point yet. */
    if (errno != EINVAL || mount(PT_NETNS_DIRECTORY, PT_NETNS_DIRECTORY, "none", MS_BIND | MS_REC, NULL) != 0 ||
        mount("", PT_NETNS_DIRECTORY, "none", MS_SHARED | MS_REC, NULL) != 0) {
        return pt_fail_errno(reterr, errno, PT_NETNS_DIRECTORY, "cannot make it a shared mount");
    }
    return PT_OK;
}

static enum pt_code bind_here(const char *name, struct pt_error *reterr)
{
    char path[PT_NETNS_NAME_SIZE + 16];
    int fd = open(netns_path(name, path), O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
    if (fd < 0) {
        return pt_fail_errno(reterr, errno, path, "cannot make the file of the namespace");
    }
    (void)close(fd); /* only its existence matters */
    if (mount("/proc/thread-self/ns/net", path, "none", MS_BIND, NULL) != 0) {
        int number = errno;
        (void)unlink(path);
        return pt_fail_errno(reterr, number, path, "cannot bind the namespace");
    }
    return PT_OK;
}

enum pt_code pt_netns_add(const char *name, const char *owner, struct pt_error *reterr)
{
    PT_TRY(prepare_directory(reterr));
    int back = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    if (back < 0 || unshare(CLONE_NEWNET) != 0) {
        enum pt_code code = pt_fail_errno(reterr, errno, name, "cannot make a network namespace");
        if (back >= 0) {
            (void)close(back);
        }
        return code;
    }
    enum pt_code code = bind_here(name, reterr);
    if (code == PT_OK) {
        char batch[128];
        (void)snprintf(batch, sizeof(batch), "link set lo alias patronus-lab-%.60s\nlink set lo up\n", owner);
        code = pt_process_ip_batch(batch, false, reterr);
    }
    pt_netns_leave(back);
    return code;
}

void pt_netns_remove(const char *name)
{
    char path[PT_NETNS_NAME_SIZE + 16];
    /* Both fail when there is nothing to remove, which is the state wanted. */
    (void)umount2(netns_path(name, path), MNT_DETACH);
    (void)unlink(path);
}

bool pt_netns_exists(const char *name)
{
    char path[PT_NETNS_NAME_SIZE + 16];
    return access(netns_path(name, path), F_OK) == 0;
}

ino_t pt_netns_inode(const char *name)
{
    char path[PT_NETNS_NAME_SIZE + 16];
    struct stat status;
    return stat(netns_path(name, path), &status) == 0 ? status.st_ino : 0;
}

bool pt_netns_is_owned(const char *name, const char *owner)
{
    int back = -1;
    if (pt_netns_visit(name, &back, NULL) != PT_OK) {
        return false; /* a file that is no namespace, left by a crash or by someone else */
    }
    char output[2048];
    const char *const argv[] = {"ip", "-o", "link", "show", "lo", NULL};
    bool shown = pt_process_run(argv, NULL, output, sizeof(output), NULL) == PT_OK;
    pt_netns_leave(back);
    char mark[96];
    (void)snprintf(mark, sizeof(mark), "alias patronus-lab-%.60s", owner);
    const char *found = shown ? strstr(output, mark) : NULL;
    return found != NULL && strchr(" \\\n", found[strlen(mark)]) != NULL;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void pt_netns_each(const char *prefix, void (*fn)(void *arg, const char *name), void *arg)
{
    /* Read whole and sort before the calls, which may remove entries. */
    DIR *directory = opendir(PT_NETNS_DIRECTORY);
    char **names = NULL;
    size_t len = 0;
    for (struct dirent *entry; directory != NULL && (entry = readdir(directory)) != NULL;) {
        if (strncmp(entry->d_name, prefix, strlen(prefix)) == 0) {
            names = realloc(names, (len + 1) * sizeof(*names));
            pt_assert(names != NULL);
            names[len] = strdup(entry->d_name);
            pt_assert(names[len] != NULL);
            len++;
        }
    }
    if (directory != NULL) {
        (void)closedir(directory);
    }
    if (len != 0) {
        qsort(names, len, sizeof(*names), by_name);
    }
    for (size_t i = 0; i < len; i++) {
        fn(arg, names[i]);
        free(names[i]);
    }
    free(names);
}

enum pt_code pt_netns_enter(const char *name, struct pt_error *reterr)
{
    char path[PT_NETNS_NAME_SIZE + 16];
    int fd = open(netns_path(name, path), O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return pt_fail_errno(reterr, errno, path, "cannot open the namespace");
    }
    int failed = setns(fd, CLONE_NEWNET);
    int number = errno;
    (void)close(fd);
    return failed == 0 ? PT_OK : pt_fail_errno(reterr, number, path, "cannot enter the namespace");
}

enum pt_code pt_netns_visit(const char *name, int *ret_back, struct pt_error *reterr)
{
    int back = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    if (back < 0) {
        return pt_fail_errno(reterr, errno, name, "cannot open the present namespace");
    }
    enum pt_code code = pt_netns_enter(name, reterr);
    if (code != PT_OK) {
        (void)close(back);
        return code;
    }
    *ret_back = back;
    return PT_OK;
}

void pt_netns_leave(int back)
{
    /* To go on in the wrong namespace would configure somebody else's interfaces. */
    pt_assert(setns(back, CLONE_NEWNET) == 0);
    (void)close(back);
}
