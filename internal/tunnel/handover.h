/*
 * What a tunnel process hands to the one that takes its place (door_take.c): tables of plain records, and descriptors.
 *
 *     table { tag (4), size of a record (4), records (4), zero (4) }, records, the next table
 *
 * Both ends are on one machine, so numbers stand as in memory; but they are two versions of the program, and either may
 * be the newer one. So:
 *
 *  - a record only grows, at its end, and a field keeps its meaning for ever: who knows a longer record reads zeroes,
 *    who knows a shorter one reads its beginning;
 *  - a table whose meaning changes gets a new tag, and the old tag is not used again; unknown tables are passed over;
 *  - records name descriptors by their place in the list, -1 for none.
 *
 * Keys are in here: it goes through a Unix socket and through memory that is wiped, never through a file.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PT_HANDOVER_SIZE_MAX (1ULL << 30) /* 4096 peers with all their sessions and streams are 0.4 GB */
#define PT_HANDOVER_FDS_MAX 4096U
#define PT_HANDOVER_RECORD_MAX (1U << 20)

enum pt_handover_tag { /* never reused */
                       PT_HANDOVER_ENGINE = 1,
                       PT_HANDOVER_COUNTERS = 2,
                       PT_HANDOVER_LINKS = 3,
                       PT_HANDOVER_PATHS = 4,
                       PT_HANDOVER_PEERS = 5,
                       PT_HANDOVER_SESSIONS = 6,
                       PT_HANDOVER_STREAMS = 7,
                       PT_HANDOVER_DOOR = 8,
                       PT_HANDOVER_LIVE = 9,
                       PT_HANDOVER_LIVE_LINKS = 10,
                       PT_HANDOVER_LIVE_PEERS = 11,
                       PT_HANDOVER_LIVE_SESSIONS = 12,
                       PT_HANDOVER_LIVE_SLAS = 13,
                       PT_HANDOVER_LIVE_MEASURES = 14,
                       PT_HANDOVER_DOOR_LIVE = 15,
};

/* Zeroed is empty. */
struct pt_handover {
    uint8_t *data;
    size_t size, capacity;
    int *fds;
    size_t fds_len;
    bool owned; /* the descriptors are ours to close: they were received */
};

/* Wipes, and closes what was received and not taken; an empty one is fine. */
void pt_handover_fini(struct pt_handover *handover);

/* ---- who hands over ------------------------------------------------------------------------------------------- */

void pt_handover_add(struct pt_handover *handover, enum pt_handover_tag tag, const void *records, size_t record_size,
                     size_t len);
/* Returns its place; the descriptor stays the caller's. -1 for a negative one. */
int32_t pt_handover_add_fd(struct pt_handover *handover, int fd);
/* False when the other end is gone or late. */
bool pt_handover_send(int fd, const struct pt_handover *handover);

/* ---- who takes over ------------------------------------------------------------------------------------------- */

/* False when the other end is gone or late, or what it sent is not whole. */
bool pt_handover_receive(int fd, struct pt_handover *ret_handover);
/* Are the tables well formed? The functions below may be asked only then. */
bool pt_handover_valid(const struct pt_handover *handover);
/* Size that the records of a table have there; 0: no such table. */
size_t pt_handover_record_size(const struct pt_handover *handover, enum pt_handover_tag tag);
/* The records of a table, as long as the caller knows them: wiped and freed by pt_handover_drop. Never NULL. */
void *pt_handover_take(const struct pt_handover *handover, enum pt_handover_tag tag, size_t record_size,
                       size_t *ret_len);
void pt_handover_drop(void *records, size_t record_size, size_t len);
/* The descriptor at a place, the caller's from now on; -1: none, or taken before. */
int pt_handover_take_fd(struct pt_handover *handover, int32_t place);
