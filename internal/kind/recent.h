/*
 * A piece of history, read once for all watches that want the same one. Private to the folder.
 *
 * Watches that have caught up stand at one position, and all want what was applied since: a thousand of them would each
 * look it up in the store, parse it and write the same message. They share the rows, and the message where their reader
 * may see the resource as it is stored.
 */
#pragma once

#include "base/arena.h"
#include "kind/machine.h"
#include "kind/token.h"

#define PT_RECENT_LEN 256 /* rows; the transaction that this is reached in is read to its end */

struct pt_recent_row {
    struct pt_position position;
    const struct pt_kind_info *info;
    uint64_t verb;
    const char *name;
    struct pt_bytes resource;  /* as stored */
    struct pt_bytes packed[2]; /* the message with the resource as stored; [1]: with a resume token. Size 0: not made */
};

struct pt_recent {
    bool filled;
    struct pt_position from; /* behind this */
    uint64_t applied_index;  /* of the machine, then */
    struct pt_arena arena;
    struct pt_recent_row *rows;
    size_t len, capacity;
    size_t seen;             /* rows that were looked at; those of unknown kinds are not among `rows` */
    struct pt_position last; /* of those */
    bool more;               /* history goes on */
};

/* Rows behind `from`, borrowed until the next call. PT_OUT_OF_RANGE: they are no longer kept. */
PT_MUST enum pt_code pt_recent_read(struct pt_machine_kind *machine, struct pt_position from,
                                    struct pt_recent **ret_recent, struct pt_error *reterr);
void pt_recent_forget(struct pt_machine_kind *machine); /* the history is another one, or the machine goes */
