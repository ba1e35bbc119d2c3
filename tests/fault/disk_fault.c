/*
 * Disk faults for real processes, by LD_PRELOAD: slow syncs, and one failing call.
 *
 * Steered by a file of sizeof(struct control) that PT_FAULT_CONTROL names, mapped shared, so that a test changes it
 * while the process runs. Only calls on files of the folder PT_FAULT_FOLDER count: it is a file system of its own, told
 * by its device number. Sockets, pipes and the program's own files are left alone.
 *
 *   native byte order; written by tests/fault/driver/disk.go
 *     u32 sync_ms     each sync takes this much longer
 *     u32 fail_after  n: the nth call from now fails; counts down to 0, which is off
 *     u32 fail_errno  with this
 *     u32 failed      calls that were made to fail so far
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

struct control {
    _Atomic uint32_t sync_ms, fail_after, fail_errno, failed;
};

static struct control *control; /* set before main, then constant */
static dev_t device;

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("PT_FAULT_CONTROL"), *folder = getenv("PT_FAULT_FOLDER");
    struct stat status;
    if (path == NULL || folder == NULL || stat(folder, &status) != 0) {
        return;
    }
    device = status.st_dev;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        return;
    }
    void *map = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    (void)close(fd); /* the map stays */
    control = map == MAP_FAILED ? NULL : map;
}

static bool counts(int fd)
{
    struct stat status;
    return control != NULL && fstat(fd, &status) == 0 && status.st_dev == device;
}

/* Is this the call that fails? */
static bool strikes(void)
{
    uint32_t left = atomic_load(&control->fail_after);
    while (left > 0) {
        if (atomic_compare_exchange_weak(&control->fail_after, &left, left - 1)) {
            if (left > 1) {
                return false;
            }
            atomic_fetch_add(&control->failed, 1);
            errno = (int)atomic_load(&control->fail_errno);
            return true;
        }
    }
    return false;
}

static void drag(void)
{
    uint32_t ms = atomic_load(&control->sync_ms);
    if (ms > 0) {
        const struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
        (void)nanosleep(&time, NULL);
    }
}

/* The function that ours stands before. POSIX wants a pointer to data made one to code; a union says so. */
#define NEXT(type, name)                       \
    union {                                    \
        void *data;                            \
        type code;                             \
    } next = {.data = dlsym(RTLD_NEXT, name)}; \
    if (next.data == NULL) {                   \
        abort();                               \
    }

typedef ssize_t pwrite_fn(int fd, const void *data, size_t size, off_t offset);
typedef ssize_t pwritev2_fn(int fd, const struct iovec *pieces, int pieces_len, off_t offset, int flags);
typedef ssize_t pread_fn(int fd, void *data, size_t size, off_t offset);
typedef int sync_fn(int fd);
typedef int rename_fn(const char *from, const char *to);

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
{
    NEXT(pwrite_fn *, "pwrite")
    return counts(fd) && strikes() ? -1 : next.code(fd, data, size, offset);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off_t offset)
{
    return pwrite(fd, data, size, offset);
}

/* A write, and by its flags a sync too. */
ssize_t pwritev2(int fd, const struct iovec *pieces, int pieces_len, off_t offset, int flags)
{
    NEXT(pwritev2_fn *, "pwritev2")
    if (counts(fd)) {
        if ((flags & RWF_DSYNC) != 0) {
            drag();
        }
        if (strikes()) {
            return -1;
        }
    }
    return next.code(fd, pieces, pieces_len, offset, flags);
}

ssize_t pread(int fd, void *data, size_t size, off_t offset)
{
    NEXT(pread_fn *, "pread")
    return counts(fd) && strikes() ? -1 : next.code(fd, data, size, offset);
}

ssize_t pread64(int fd, void *data, size_t size, off_t offset)
{
    return pread(fd, data, size, offset);
}

int fsync(int fd)
{
    NEXT(sync_fn *, "fsync")
    if (counts(fd)) {
        drag();
        if (strikes()) {
            return -1;
        }
    }
    return next.code(fd);
}

int fdatasync(int fd)
{
    NEXT(sync_fn *, "fdatasync")
    if (counts(fd)) {
        drag();
        if (strikes()) {
            return -1;
        }
    }
    return next.code(fd);
}

int rename(const char *from, const char *to)
{
    NEXT(rename_fn *, "rename")
    struct stat status;
    if (control != NULL && stat(from, &status) == 0 && status.st_dev == device && strikes()) {
        return -1;
    }
    return next.code(from, to);
}
