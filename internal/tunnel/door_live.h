/* Between liveness and what an agent handed over: maps of the data plane and the socket for changes. */
#pragma once

#include "tunnel/door.h"

struct pt_door_live;
/* Adopted ones begin paused, as pt_live_open. */
PT_MUST enum pt_code pt_door_live_open(const struct pt_door_options *options, struct pt_door_live **ret_door,
                                       struct pt_error *reterr);
void pt_door_live_save(struct pt_door_live *door, struct pt_handover *into); /* while liveness is paused */
void pt_door_live_close(struct pt_door_live *door);                          /* NULL is fine */
/* Takes the descriptors, then configures. */
void pt_door_live_configure(struct pt_door_live *door, const struct pt_live_config *config,
                            const int fds[PT_DOOR_FDS_LEN]);
struct pt_live *pt_door_live_get(struct pt_door_live *door);
