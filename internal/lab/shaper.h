/*
 * The shaper: one direction of a lab link as a pure machine in virtual time.
 *
 * The caller offers each frame with the present instant and either sends it at once or pushes it; later it takes what
 * is due. No clock, no sockets, no threads; randomness follows from the seed alone, so that a run can be repeated.
 *
 *     copies -> offer each -> cut? -> loss? -> transmitter (rate, drop-tail) -> delay and jitter -> FIFO by due time ->
 * take
 */
#pragma once

#include "lab/params.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PT_SHAPER_QUEUE_LEN_MAX 32768U /* frames in one FIFO: 1 Gbit/s of full frames for 390 ms */
#define PT_SHAPER_NEVER UINT64_MAX

enum pt_shaper_verdict {
    PT_SHAPER_SEND, /* forward now */
    PT_SHAPER_HOLD, /* push with the due time that was returned */
    PT_SHAPER_DROP  /* counted; forget it */
};

/* Totals since init. */
struct pt_shaper_counters {
    uint64_t frames;     /* forwarded or taken */
    uint64_t duplicates; /* frames that were offered a second time */
    uint64_t bytes;      /* of those */
    uint64_t drops_cut;  /* while cut, and what was on the wire when the cut came */
    uint64_t drops_loss; /* by chance */
    uint64_t drops_tail; /* the rate's queue was full, or the FIFO */
};

struct pt_shaper_frame; /* private: header before the bytes */

struct pt_shaper {
    struct pt_lab_params params;
    struct pt_shaper_counters counters;
    uint64_t random;        /* state of the generator; never 0 */
    uint64_t busy_until_ns; /* when the transmitter has sent what it accepted */
    uint64_t last_due_ns;   /* due time of the newest frame: none behind it is due earlier */
    struct pt_shaper_frame *head;
    struct pt_shaper_frame *tail;
    uint32_t len; /* frames in the FIFO */
};

void pt_shaper_init(struct pt_shaper *shaper, const struct pt_lab_params *params, uint64_t seed);
/* Frees what is queued. Fine on a zeroed shaper. */
void pt_shaper_fini(struct pt_shaper *shaper);
/* New parameters for frames offered from now on. Frames in the FIFO keep their due times, except that a cut loses them
 * at once; a rate that changed starts with an idle transmitter. */
void pt_shaper_change(struct pt_shaper *shaper, const struct pt_lab_params *params);
/* How often the frame that came now is to be offered: twice, with the chance that the parameters say. A copy is a frame
 * like others: it takes of the rate, and may be lost. */
unsigned pt_shaper_copies(struct pt_shaper *shaper);
/* Decide about a frame of `size` bytes. *ret_due_ns is set for HOLD only. */
enum pt_shaper_verdict pt_shaper_offer(struct pt_shaper *shaper, uint64_t now_ns, size_t size, uint64_t *ret_due_ns);
/* Queue a copy of a frame that was judged HOLD. */
void pt_shaper_push(struct pt_shaper *shaper, uint64_t due_ns, const void *data, size_t size);
/* The first frame when it is due, else NULL. Borrowed until pt_shaper_pop. */
const uint8_t *pt_shaper_peek(const struct pt_shaper *shaper, uint64_t now_ns, size_t *ret_size);
/* Take many at once: fills data and size of up to max due frames from the head, without removing them. */
size_t pt_shaper_peek_many(const struct pt_shaper *shaper, uint64_t now_ns, const uint8_t **data, size_t *sizes,
                           size_t max);
/* Remove the first frame, which must exist, and count it as forwarded. */
void pt_shaper_pop(struct pt_shaper *shaper);
/* Due time of the first frame, PT_SHAPER_NEVER when the FIFO is empty. */
uint64_t pt_shaper_next_ns(const struct pt_shaper *shaper);
