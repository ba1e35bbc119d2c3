/*
 * What both ends of the door share: whole messages over a blocking socket, and where it is.
 */
#pragma once

#include "base/buf.h"
#include "tunnel/door.h"

#include <sys/un.h>

/* False when the other end is gone or late. */
bool pt_door_write_all(int fd, const void *data, size_t size);
bool pt_door_read_all(int fd, void *data, size_t size);
bool pt_door_send_message(int fd, enum pt_door_kind kind, const struct pt_buf *body);
/* False when the path is too long for a socket. */
bool pt_door_address(const char *path, struct sockaddr_un *ret_address);
/* Copy `len` items out of the body, aligned; NULL when it is too short. */
void *pt_door_take_items(struct pt_bytes *body, uint32_t len, size_t size);
/* Does the process at the other end belong to the same user? */
bool pt_door_is_own_user(int fd);

/* ---- door_take.c, for the process that hands over -------------------------------------------------------------- */
/* True when the other end took the place: never start again. Else everything runs as before. */
bool pt_door_give(struct pt_door *door, int fd);
int pt_door_adopt_listener(struct pt_handover *from); /* -1: none */

/* ---- door.c ---------------------------------------------------------------------------------------------------- */
struct pt_engine *pt_door_engine(struct pt_door *door);
struct pt_door_live *pt_door_live_of(struct pt_door *door);
int pt_door_listener(const struct pt_door *door);
void pt_door_abandon(struct pt_door *door); /* end: without liveness a process is no use; the agent starts another */
