/*
 * Fork and exec, with two rules. What the child reports comes through a pipe that closes on exec, so that "no such
 * program" is an error of the caller rather than a line in a log that nobody reads. And processes are ended through
 * pidfds: signal, wait and identity check concern one and the same process, whatever happens to its number.
 */
#include "lab/process.h"

#include "base/assert.h"
#include "lab/netns.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* `ip` stands in sbin, which is not in the PATH of every root shell. */
static void extend_path(void)
{
    const char *path = getenv("PATH");
    char extended[4096];
    (void)snprintf(extended, sizeof(extended), "%.3900s:/usr/sbin:/sbin:/usr/bin:/bin", path != NULL ? path : "");
    (void)setenv("PATH", extended, 1);
}

/* After fork: never returns. The number of the failure goes to report_fd as its bytes. */
__attribute__((noreturn)) static void exec_child(const char *const *argv, int input, int output, int report_fd)
{
    extend_path();
    if (dup2(input, 0) >= 0 && dup2(output, 1) >= 0 && dup2(output, 2) >= 0) {
        (void)signal(SIGPIPE, SIG_DFL);
        execvp(argv[0], (char *const *)argv);
    }
    int number = errno;
    (void)!write(report_fd, &number, sizeof(number)); /* a parent that is gone cannot be told */
    _exit(127);
}

/* Wait for the child's exec: 0 when it happened, else its errno. Closes fd. */
static int wait_exec(int fd)
{
    int number = 0;
    ssize_t size = 0;
    do {
        size = read(fd, &number, sizeof(number));
    } while (size < 0 && errno == EINTR);
    (void)close(fd);
    return size == (ssize_t)sizeof(number) ? number : 0;
}

static int wait_exit(pid_t pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int memory_file(const char *text)
{
    int fd = memfd_create("patronus-lab", MFD_CLOEXEC);
    pt_assert(fd >= 0);
    size_t size = text != NULL ? strlen(text) : 0;
    pt_assert(size == 0 || write(fd, text, size) == (ssize_t)size);
    pt_assert(lseek(fd, 0, SEEK_SET) == 0);
    return fd;
}

enum pt_code pt_process_run(const char *const *argv, const char *input, char *output, size_t output_size,
                            struct pt_error *reterr)
{
    int in = memory_file(input);
    int out = memory_file(NULL);
    int report[2] = {-1, -1};
    pt_assert(pipe2(report, O_CLOEXEC) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        exec_child(argv, in, out, report[1]);
    }
    (void)close(report[1]);
    (void)close(in);
    int number = pid > 0 ? wait_exec(report[0]) : errno;
    int status = pid > 0 ? wait_exit(pid) : 127;
    char said[2048] = "";
    char *target = output != NULL ? output : said;
    size_t target_size = output != NULL ? output_size : sizeof(said);
    ssize_t size = pread(out, target, target_size - 1, 0);
    target[size > 0 ? size : 0] = '\0';
    (void)close(out);
    if (pid < 0 || number != 0) {
        return pt_fail(reterr, PT_UNAVAILABLE, PT_REASON_NONE, argv[0], "cannot run '%s': %s; is it installed?",
                       argv[0], strerror(number));
    }
    if (status != 0) {
        return pt_fail(reterr, PT_ABORTED, PT_REASON_NONE, argv[0], "'%s' ended with %d: %.400s", argv[0], status,
                       target);
    }
    return PT_OK;
}

/* Line `number` (from 1) of text, for an error message. */
static void nth_line(const char *text, long number, char *ret_line, size_t size)
{
    for (long i = 1; i < number && text != NULL; i++) {
        text = strchr(text, '\n');
        text = text != NULL ? text + 1 : NULL;
    }
    (void)snprintf(ret_line, size, "%.*s", text != NULL ? (int)strcspn(text, "\n") : 0, text != NULL ? text : "");
}

enum pt_code pt_process_ip_batch(const char *batch, bool ipv6, struct pt_error *reterr)
{
    char said[1024];
    const char *const argv[] = {"ip", ipv6 ? "-6" : "-4", "-batch", "-", NULL};
    enum pt_code code = pt_process_run(argv, batch, said, sizeof(said), reterr);
    if (code != PT_ABORTED) {
        return code;
    }
    const char *at = strstr(said, "-:");
    char line[160];
    nth_line(batch, at != NULL ? strtol(at + 2, NULL, 10) : 1, line, sizeof(line));
    return pt_fail(reterr, code, PT_REASON_NONE, "ip -batch", "'ip %s' failed: %.200s", line, said);
}

/* ---- daemons -------------------------------------------------------------------------------------------------------
 */

/* Field 22 of /proc/<pid>/stat: when it started, in ticks since boot. 0 when there is no such process. */
static unsigned long long start_ticks(pid_t pid)
{
    char path[64];
    char text[1024];
    (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
    if (fd >= 0) {
        (void)close(fd);
    }
    text[size > 0 ? size : 0] = '\0';
    /* The name in field 2 may hold anything; its closing parenthesis is the last one. */
    char *at = strrchr(text, ')');
    for (int field = 2; at != NULL && field < 22; field++) {
        at = strchr(at + 1, ' ');
    }
    /* A zombie has ended in all but name: field 3 is Z. */
    char *name_end = strrchr(text, ')');
    bool dead = name_end == NULL || name_end[1] == '\0' || strchr("ZX", name_end[2]) != NULL;
    return at == NULL || dead ? 0 : strtoull(at + 1, NULL, 10);
}

static enum pt_code write_pid(const char *path, pid_t pid, struct pt_error *reterr)
{
    FILE *file = fopen(path, "we");
    if (file == NULL) {
        return pt_fail_errno(reterr, errno, path, "cannot write the pidfile");
    }
    (void)fprintf(file, "%d %llu\n", (int)pid, start_ticks(pid));
    return fclose(file) == 0 ? PT_OK : pt_fail_errno(reterr, errno, path, "cannot write the pidfile");
}

pid_t pt_process_pid(const char *pid_path)
{
    FILE *file = fopen(pid_path, "re");
    int pid = 0;
    unsigned long long ticks = 0;
    int fields = file != NULL ? fscanf(file, "%d %llu", &pid, &ticks) : 0;
    if (file != NULL) {
        (void)fclose(file);
    }
    return fields == 2 && pid > 0 && ticks != 0 && start_ticks(pid) == ticks ? pid : 0;
}

/* In the child of pt_process_start. */
__attribute__((noreturn)) static void run_daemon(const struct pt_process_daemon *daemon, int log, int report, int ready)
{
    (void)setsid();
    struct pt_error error;
    int null = fcntl(open("/dev/null", O_RDONLY | O_CLOEXEC), F_DUPFD_CLOEXEC, 10);
    if (pt_netns_enter(daemon->netns, &error) != PT_OK) {
        int number = ENOENT;
        (void)!write(report, &number, sizeof(number));
        _exit(127);
    }
    if (daemon->wait_ready) {
        (void)dup2(ready, 3); /* loses close-on-exec unless it is 3 already */
        (void)fcntl(3, F_SETFD, 0);
    }
    exec_child(daemon->argv, null, log, report);
}

/* The daemon's first line: "ready", or why it ends. Closes fd. */
static enum pt_code wait_ready(int fd, const struct pt_process_daemon *daemon, struct pt_error *reterr)
{
    char line[400];
    size_t len = 0;
    for (ssize_t size = 1; len < sizeof(line) - 1 && size > 0 && memchr(line, '\n', len) == NULL;) {
        size = read(fd, line + len, sizeof(line) - 1 - len);
        len += size > 0 ? (size_t)size : 0;
    }
    (void)close(fd);
    line[len] = '\0';
    line[strcspn(line, "\n")] = '\0';
    if (strcmp(line, "ready") == 0) {
        return PT_OK;
    }
    return pt_fail(reterr, PT_ABORTED, PT_REASON_NONE, daemon->log_path, "'%s' did not start: %s", daemon->argv[0],
                   len != 0 ? line : "it ended without a word; its log says more");
}

enum pt_code pt_process_start(const struct pt_process_daemon *daemon, pid_t *ret_pid, struct pt_error *reterr)
{
    int log = open(daemon->log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (log < 0) {
        return pt_fail_errno(reterr, errno, daemon->log_path, "cannot open the log");
    }
    int report[2] = {-1, -1};
    int ready[2] = {-1, -1};
    /* Above the descriptor that the daemon is handed, so that moving one does not close another. */
    pt_assert(pipe2(report, O_CLOEXEC) == 0 && pipe2(ready, O_CLOEXEC) == 0);
    int report_fd = fcntl(report[1], F_DUPFD_CLOEXEC, 10);
    pid_t pid = fork();
    if (pid == 0) {
        run_daemon(daemon, fcntl(log, F_DUPFD_CLOEXEC, 10), report_fd, ready[1]);
    }
    (void)close(log);
    (void)close(report[1]);
    (void)close(report_fd);
    (void)close(ready[1]);
    int number = pid > 0 ? wait_exec(report[0]) : errno;
    enum pt_code code = PT_OK;
    if (pid < 0 || number != 0) {
        code = pt_fail(reterr, PT_UNAVAILABLE, PT_REASON_NONE, daemon->argv[0], "cannot run '%s': %s", daemon->argv[0],
                       strerror(number));
        (void)close(ready[0]);
    } else {
        code = write_pid(daemon->pid_path, pid, reterr);
        if (code == PT_OK && daemon->wait_ready) {
            code = wait_ready(ready[0], daemon, reterr);
        } else {
            (void)close(ready[0]);
        }
    }
    if (code == PT_OK) {
        *ret_pid = pid;
    }
    return code;
}

/* ---- finding and ending --------------------------------------------------------------------------------------------
 */

struct victim {
    pid_t pid;
    int fd; /* pidfd */
};

static int64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void signal_all(const struct victim *victims, size_t len, int number)
{
    for (size_t i = 0; i < len; i++) {
        (void)syscall(SYS_pidfd_send_signal, victims[i].fd, number, NULL, 0); /* gone already is fine */
    }
}

/* True when every one ended before the deadline. */
static bool wait_all(const struct victim *victims, size_t len, int64_t deadline_ms)
{
    for (size_t i = 0; i < len; i++) {
        struct pollfd item = {.fd = victims[i].fd, .events = POLLIN};
        int64_t left = deadline_ms - now_ms();
        if (poll(&item, 1, left > 0 ? (int)left : 0) != 1) {
            return false;
        }
        (void)waitpid(victims[i].pid, NULL, WNOHANG); /* reaps it when it is our own child */
    }
    return true;
}

static void end_all(struct victim *victims, size_t len, int grace_ms)
{
    if (grace_ms > 0) {
        signal_all(victims, len, SIGTERM);
    }
    if (grace_ms <= 0 || !wait_all(victims, len, now_ms() + grace_ms)) {
        signal_all(victims, len, SIGKILL);
        (void)wait_all(victims, len, now_ms() + 5000); /* only a process stuck in the kernel takes longer */
    }
    for (size_t i = 0; i < len; i++) {
        (void)close(victims[i].fd);
    }
}

static ino_t netns_of(pid_t pid)
{
    char path[64];
    struct stat status;
    (void)snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
    return stat(path, &status) == 0 ? status.st_ino : 0;
}

static bool is_one_of(ino_t inode, const ino_t *inodes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (inode != 0 && inodes[i] == inode) {
            return true;
        }
    }
    return false;
}

/* pids in ascending order of /proc; the caller frees. */
static pid_t *list_in(const ino_t *inodes, size_t inodes_len, size_t *ret_len)
{
    pid_t *pids = NULL;
    size_t len = 0;
    DIR *directory = opendir("/proc");
    for (struct dirent *entry; directory != NULL && (entry = readdir(directory)) != NULL;) {
        pid_t pid = isdigit((unsigned char)entry->d_name[0]) ? (pid_t)atoi(entry->d_name) : 0;
        if (pid != 0 && pid != getpid() && is_one_of(netns_of(pid), inodes, inodes_len)) {
            pids = realloc(pids, (len + 1) * sizeof(*pids));
            pt_assert(pids != NULL);
            pids[len++] = pid;
        }
    }
    if (directory != NULL) {
        (void)closedir(directory);
    }
    *ret_len = len;
    return pids;
}

size_t pt_process_end_in(const ino_t *inodes, size_t inodes_len, int grace_ms)
{
    size_t pids_len = 0;
    pid_t *pids = list_in(inodes, inodes_len, &pids_len);
    struct victim *victims = calloc(pids_len + 1, sizeof(*victims));
    pt_assert(victims != NULL);
    size_t len = 0;
    for (size_t i = 0; i < pids_len; i++) {
        int fd = (int)syscall(SYS_pidfd_open, pids[i], 0);
        /* Looked at again now that the pidfd pins the identity. */
        if (fd >= 0 && is_one_of(netns_of(pids[i]), inodes, inodes_len)) {
            victims[len++] = (struct victim){.pid = pids[i], .fd = fd};
        } else if (fd >= 0) {
            (void)close(fd);
        }
    }
    end_all(victims, len, grace_ms);
    free(victims);
    free(pids);
    return len;
}

enum pt_code pt_process_end(const char *pid_path, bool kill_at_once, int grace_ms, struct pt_error *reterr)
{
    pid_t pid = pt_process_pid(pid_path);
    struct victim victim = {.pid = pid, .fd = pid != 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1};
    bool found = victim.fd >= 0 && pt_process_pid(pid_path) == pid;
    if (found) {
        end_all(&victim, 1, kill_at_once ? 0 : grace_ms);
    } else if (victim.fd >= 0) {
        (void)close(victim.fd);
    }
    (void)unlink(pid_path); /* of no use to anybody from here on */
    return found ? PT_OK : pt_fail(reterr, PT_NOT_FOUND, PT_REASON_NONE, pid_path, "its process does not run any more");
}

void pt_process_each(ino_t inode, void (*fn)(void *arg, pid_t pid, const char *command), void *arg)
{
    size_t len = 0;
    pid_t *pids = list_in(&inode, 1, &len);
    for (size_t i = 0; i < len; i++) {
        char path[64];
        char command[64] = "?";
        (void)snprintf(path, sizeof(path), "/proc/%d/comm", (int)pids[i]);
        FILE *file = fopen(path, "re");
        if (file != NULL) {
            if (fgets(command, sizeof(command), file) != NULL) {
                command[strcspn(command, "\n")] = '\0';
            }
            (void)fclose(file);
        }
        fn(arg, pids[i], command);
    }
    free(pids);
}
