/*
 * Programs that the lab runs, daemons that it leaves running, and how it finds and ends them.
 *
 * A daemon is known by a pidfile that holds the pid and the instant of its start, so that a pid that the kernel gave
 * to somebody else later is never signalled.
 */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Run a program found by PATH (and in the sbin folders) and wait. `input` (may be NULL) is its standard input; standard
 * output and error go to `output`, cut to size and NUL-terminated (NULL with 0: dropped). PT_UNAVAILABLE when it cannot
 * start, PT_ABORTED with its words when it ends with anything but 0. */
PT_MUST enum pt_code pt_process_run(const char *const *argv, const char *input, char *output, size_t output_size,
                                    struct pt_error *reterr);
/* `ip -batch` in the namespace of the caller; on failure the text names the line that failed. ipv6 says what a rule
 * without addresses would be of; addresses speak for themselves. */
PT_MUST enum pt_code pt_process_ip_batch(const char *batch, bool ipv6, struct pt_error *reterr);

struct pt_process_daemon {
    const char *pid_path;    /* pidfile to write */
    const char *log_path;    /* its output is appended here */
    const char *netns;       /* namespace to run in */
    const char *const *argv; /* found by PATH */
    /* Wait until it writes a line to this descriptor number (3) or ends; else wait for the exec only. */
    bool wait_ready;
};
/* Start it with a session of its own. Reports what exec reported, and with wait_ready what the daemon said. */
PT_MUST enum pt_code pt_process_start(const struct pt_process_daemon *daemon, pid_t *ret_pid, struct pt_error *reterr);
/* The pid when the pidfile's process still runs; 0 otherwise. */
pid_t pt_process_pid(const char *pid_path);

/* End every process whose network namespace is one of `inodes`, but the caller: SIGTERM, then SIGKILL after grace_ms.
 * Returns how many there were. */
size_t pt_process_end_in(const ino_t *inodes, size_t inodes_len, int grace_ms);
/* The same for one pidfile; removes the file. PT_NOT_FOUND when it does not run. */
PT_MUST enum pt_code pt_process_end(const char *pid_path, bool kill_at_once, int grace_ms, struct pt_error *reterr);
/* Call fn for each process in the namespace with its command. */
void pt_process_each(ino_t inode, void (*fn)(void *arg, pid_t pid, const char *command), void *arg);
