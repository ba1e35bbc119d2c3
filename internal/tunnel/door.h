/*
 * The tunnel process's door: a Unix socket by which the agent configures it and reads its state.
 *
 * The tunnel is a process of its own so that it outlives the agent: keys, sessions, sockets and the device stay when
 * the agent restarts, crashes or is replaced, and so does forwarding. The agent starts it when nobody answers at the
 * socket, or when who answers runs another program than the agent does. The new process takes the place of the old one
 * (door_take.c), whatever version that is of.
 *
 *    agent -> tunnel   header { size (4), kind (4), version (4), zero (4) }, body
 *    tunnel -> agent   the same; one answer to each request, in order
 *
 * Bodies are the structs below as they stand in memory: both ends are the same binary, or the version differs. The
 * socket stands in a folder of mode 0700; who can open it owns the node anyway.
 */
#pragma once

#include "tunnel/engine.h"
#include "tunnel/live.h"
#include "tunnel/stamp_sender.h"

#define PT_DOOR_VERSION 7U
#define PT_DOOR_SIZE_MAX (16U << 20)

enum pt_door_kind {
    PT_DOOR_CONFIGURE = 1, /* struct pt_door_counts, then links, paths, peers; answered by struct pt_door_answer */
    PT_DOOR_STATUS = 2,    /* no body; answered by struct pt_door_status, then peers, paths */
    PT_DOOR_STOP = 3,      /* no body; answered by struct pt_door_answer; the process ends */
    PT_DOOR_WATCH = 5,     /* struct pt_door_watch, then links, paths, peers, slas, with descriptors; as CONFIGURE */
    PT_DOOR_MEASURES = 6,  /* minutes (4); answered by struct pt_live_measures, one after the other */
    PT_DOOR_BANDWIDTH = 7, /* struct pt_door_bandwidth: begin; answered by struct pt_door_answer */
    PT_DOOR_BANDWIDTH_GET = 8, /* no body; answered by struct pt_live_bandwidth */
    PT_DOOR_STAMP = 9,         /* struct pt_stamp_target, one after the other; answered by struct pt_door_answer */
    PT_DOOR_STAMP_GET = 10,    /* minutes (4); answered by struct pt_stamp_status, one after the other */
    PT_DOOR_TAKE = 11,         /* a process that takes this one's place: door_take.c; of any version, like STOP */
    PT_DOOR_OTHER = 4,         /* answer to another version or an unknown kind */
};

struct pt_door_header {
    uint32_t size, kind, version, zero; /* size of the body */
};

struct pt_door_counts {
    uint32_t links_len, paths_len, peers_len, port;
    uint64_t rekey_after_ms, rekey_volume_bytes;
};

/* Paths to keep alive sessions over. The descriptors go with the first byte: the data plane's maps of path states, of
 * profiles that paths break, and of the steering epoch, into which the process writes by itself, and a socket on which
 * it tells changes (struct pt_door_change, one a datagram).
 */
struct pt_door_watch {
    uint32_t label, links_len, paths_len, peers_len, slas_len, zero;
};
enum pt_door_fd { PT_DOOR_FD_STATE, PT_DOOR_FD_SLA, PT_DOOR_FD_EPOCH, PT_DOOR_FD_CHANGES, PT_DOOR_FDS_LEN };

struct pt_door_change {
    uint64_t path;
    uint32_t alive, zero;
};

struct pt_door_bandwidth {
    uint64_t path, max_bps;
};

struct pt_door_answer {
    int32_t code; /* enum pt_code */
    char field[PT_ERROR_FIELD_SIZE], text[PT_ERROR_TEXT_SIZE];
};

/* Which file a process runs: another one, or one that was written anew, is another program. */
struct pt_door_program {
    uint64_t device, inode, size, mtime_ns;
};

struct pt_door_status {
    uint32_t device_index, peers_len, paths_len, lives_len; /* lives: struct pt_live_status */
    uint64_t now_ns;                                        /* the clock that stamps of peers are by */
    uint8_t public_key[PT_X25519_SIZE];
    struct pt_door_program program;
    struct pt_engine_counters counters;
};

/* ---- in the tunnel process ------------------------------------------------------------------------------------ */

/* The process that is there hands over to this one (door_take.c). Until pt_door_taken the engine and the door that
 * adopt what it gave must stay paused: it still may go on itself. */
struct pt_door_taking {
    int fd; /* -1: nobody was there */
    struct pt_handover handover;
};
/* PT_OK also when nobody is there. Else it is there and does not hand over: who starts anew must stop it first. */
PT_MUST enum pt_code pt_door_take(const char *path, struct pt_door_taking *ret_taking, struct pt_error *reterr);
/* From here on it is ours. On failure the other one goes on, and this process must end. */
PT_MUST enum pt_code pt_door_taken(struct pt_door_taking *taking, struct pt_error *reterr);
void pt_door_taking_fini(struct pt_door_taking *taking); /* wipes */

struct pt_door;
/* Listen at `path`, replacing a socket that nobody answers at. on_stop: an agent said stop. Opens liveness too, which
 * it keeps telling the descriptors that an agent gave it (door_live.c). */
struct pt_door_options {
    struct pt_sys *sys;
    struct pt_engine *engine; /* borrowed */
    const char *path;
    uint8_t private_key[PT_X25519_SIZE];
    struct pt_handover *adopt; /* NULL: begin anew. Else paused until pt_door_start, like the engine */
    void (*on_stop)(void *arg);
    void *arg;
};
PT_MUST enum pt_code pt_door_open(const struct pt_door_options *options, struct pt_door **ret_door,
                                  struct pt_error *reterr);
/* Only of a door that adopted: engine and liveness run. */
PT_MUST enum pt_code pt_door_start(struct pt_door *door, struct pt_error *reterr);
/* Another process took this one's place: nothing is sealed any more, and the socket is the other one's. */
bool pt_door_was_taken(const struct pt_door *door);
void pt_door_close(struct pt_door *door); /* NULL is fine */

/* ---- in the agent --------------------------------------------------------------------------------------------- */

/* NULL: the one that this process runs. Zeroes when there is none. */
void pt_door_program_of(const char *path, struct pt_door_program *ret_program);
/* Connect; PT_UNAVAILABLE when nobody answers. Requests wait for their answer, at most 2 s: it is a process on the same
 * machine, whose loop does nothing slow. */
PT_MUST enum pt_code pt_door_dial(const char *path, int *ret_fd, struct pt_error *reterr);
/* PT_FAILED_PRECONDITION when the process is of another version. */
PT_MUST enum pt_code pt_door_configure(int fd, const struct pt_engine_config *config, struct pt_error *reterr);
/* The descriptors stay the caller's. */
PT_MUST enum pt_code pt_door_watch(int fd, const struct pt_live_config *config, const int fds[PT_DOOR_FDS_LEN],
                                   struct pt_error *reterr);
struct pt_door_report { /* pt_door_report_fini frees */
    struct pt_door_status status;
    struct pt_peer_status *peers;
    struct pt_engine_path_status *paths;
    struct pt_live_status *lives;
};
PT_MUST enum pt_code pt_door_report(int fd, struct pt_door_report *ret_report, struct pt_error *reterr);
void pt_door_report_fini(struct pt_door_report *report);
/* What paths were like in the last so many minutes; *ret_measures is the caller's to free. */
PT_MUST enum pt_code pt_door_measures(int fd, uint32_t minutes, struct pt_live_measures **ret_measures, size_t *ret_len,
                                      struct pt_error *reterr);
/* As pt_live_bandwidth_start and pt_live_bandwidth. */
PT_MUST enum pt_code pt_door_bandwidth_start(int fd, uint64_t path, uint64_t max_bps, struct pt_error *reterr);
PT_MUST enum pt_code pt_door_bandwidth(int fd, struct pt_live_bandwidth *ret_bandwidth, struct pt_error *reterr);
/* Which STAMP reflectors are measured, and what the ways to them were like in the last so many minutes. A process of an
 * older binary does not know of them: PT_FAILED_PRECONDITION. */
PT_MUST enum pt_code pt_door_stamp(int fd, const struct pt_stamp_target *targets, size_t len, struct pt_error *reterr);
PT_MUST enum pt_code pt_door_stamp_get(int fd, uint32_t minutes,
                                       struct pt_stamp_status ret_status[PT_STAMP_TARGETS_MAX], size_t *ret_len,
                                       struct pt_error *reterr);
void pt_door_stop(int fd); /* best effort */
