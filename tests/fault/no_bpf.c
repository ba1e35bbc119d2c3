/*
 * A kernel without bpf(), by LD_PRELOAD: what a program says of it can be tested on one that has it. libbpf makes the
 * call by syscall(), which is stood before; everything else goes through as it is.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef long syscall_fn(long number, ...);

long syscall(long number, ...)
{
    union { /* POSIX wants a pointer to data made one to code */
        void *data;
        syscall_fn *code;
    } next = {.data = dlsym(RTLD_NEXT, "syscall")};
    if (next.data == NULL) {
        abort();
    }
    if (number == SYS_bpf) {
        errno = ENOSYS;
        return -1;
    }
    long words[6];
    va_list args;
    va_start(args, number);
    for (int i = 0; i < 6; i++) {
        words[i] = va_arg(args, long);
    }
    va_end(args);
    return next.code(number, words[0], words[1], words[2], words[3], words[4], words[5]);
}
