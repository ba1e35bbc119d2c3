/*
 * Memory that is not there, by LD_PRELOAD: the PT_ALLOC_NTH-th allocation of the process fails, and those after it work
 * again. What a program makes of it is seen at once; under limits of the system it would be killed from outside
 * instead.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t len, size_t size);
void *__libc_realloc(void *memory, size_t size);

static atomic_llong left = 0; /* 0: not read yet; below 0: over */

static bool fails(void)
{
    long long now = atomic_load(&left);
    if (now == 0) {
        const char *text = getenv("PT_ALLOC_NTH");
        now = text != NULL ? strtoll(text, NULL, 10) : -1;
        atomic_store(&left, now);
    }
    if (now < 0 || atomic_fetch_sub(&left, 1) != 1) {
        return false;
    }
    atomic_store(&left, -1);
    errno = ENOMEM;
    return true;
}

void *malloc(size_t size)
{
    return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t len, size_t size)
{
    return fails() ? NULL : __libc_calloc(len, size);
}

void *realloc(void *memory, size_t size)
{
    return fails() ? NULL : __libc_realloc(memory, size);
}
