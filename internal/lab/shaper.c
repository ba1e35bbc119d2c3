/*
 * The rate is a transmitter that is busy until an instant: a frame that comes earlier waits, and what waits in bytes is
 * the remaining busy time multiplied by the rate. That needs no second queue: waiting, delay and jitter add up to one
 * due time, and drop-tail compares the backlog with its limit.
 *
 * Invariant: due times in the FIFO never fall, because each is at least last_due_ns. So jitter bunches frames together
 * rather than reordering them, as a queue in a router does. A frame chosen by reorder_ppm does not enter the FIFO.
 */
#include "lab/shaper.h"

#include "base/assert.h"
#include "base/map.h"

#include <stdlib.h>
#include <string.h>

struct pt_shaper_frame {
    struct pt_shaper_frame *next;
    uint64_t due_ns;
    size_t size;
    uint8_t data[];
};

static void clear(struct pt_shaper *shaper)
{
    while (shaper->head != NULL) {
        struct pt_shaper_frame *next = shaper->head->next;
        free(shaper->head);
        shaper->head = next;
    }
    shaper->tail = NULL;
    shaper->len = 0;
}

void pt_shaper_init(struct pt_shaper *shaper, const struct pt_lab_params *params, uint64_t seed)
{
    *shaper = (struct pt_shaper){.params = *params, .random = pt_hash_mix(seed) | 1};
}

void pt_shaper_fini(struct pt_shaper *shaper)
{
    clear(shaper);
}

void pt_shaper_change(struct pt_shaper *shaper, const struct pt_lab_params *params)
{
    if (params->cut) {
        shaper->counters.drops_cut += shaper->len;
        clear(shaper);
    }
    if (params->rate_bps != shaper->params.rate_bps) {
        shaper->busy_until_ns = 0;
    }
    shaper->params = *params;
}

/* xorshift64*: 64 bits, period 2^64 - 1; quality far beyond what a loss process needs. */
static uint64_t next_random(struct pt_shaper *shaper)
{
    uint64_t x = shaper->random;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    shaper->random = x;
    return x * 0x2545f4914f6cdd1dULL;
}

/* True with a chance of ppm in a million. Draws only when it matters, so that a loss of 0 costs nothing. */
static bool chance(struct pt_shaper *shaper, uint32_t ppm)
{
    return ppm != 0 && (next_random(shaper) >> 32) * 1000000 >> 32 < ppm;
}

/* When the transmitter has sent the frame, or PT_SHAPER_NEVER when its queue has no room. */
static uint64_t transmit(struct pt_shaper *shaper, uint64_t now_ns, size_t size)
{
    uint64_t rate_bps = shaper->params.rate_bps;
    if (rate_bps == 0) {
        return now_ns;
    }
    uint64_t start_ns = shaper->busy_until_ns > now_ns ? shaper->busy_until_ns : now_ns;
    /* 128 bits: a backlog of seconds at 400 Gbit/s does not fit in 64. */
    uint64_t backlog_size = (uint64_t)((unsigned __int128)(start_ns - now_ns) * rate_bps / (8ULL * 1000000000));
    if (backlog_size + size > pt_lab_params_queue_size(&shaper->params) && start_ns > now_ns) {
        return PT_SHAPER_NEVER;
    }
    shaper->busy_until_ns = start_ns + (uint64_t)size * 8 * 1000000000 / rate_bps;
    return shaper->busy_until_ns;
}

static uint64_t delay_ns(struct pt_shaper *shaper)
{
    uint64_t jitter = shaper->params.jitter_ns;
    uint64_t delay = shaper->params.delay_ns;
    if (jitter == 0) {
        return delay;
    }
    uint64_t offset = next_random(shaper) % (2 * jitter + 1);
    return delay + offset > jitter ? delay + offset - jitter : 0;
}

unsigned pt_shaper_copies(struct pt_shaper *shaper)
{
    if (shaper->params.cut || !chance(shaper, shaper->params.duplicate_ppm)) {
        return 1;
    }
    shaper->counters.duplicates++;
    return 2;
}

enum pt_shaper_verdict pt_shaper_offer(struct pt_shaper *shaper, uint64_t now_ns, size_t size, uint64_t *ret_due_ns)
{
    if (shaper->params.cut) {
        shaper->counters.drops_cut++;
        return PT_SHAPER_DROP;
    }
    if (chance(shaper, shaper->params.loss_ppm)) {
        shaper->counters.drops_loss++;
        return PT_SHAPER_DROP;
    }
    uint64_t sent_ns = shaper->len < PT_SHAPER_QUEUE_LEN_MAX ? transmit(shaper, now_ns, size) : PT_SHAPER_NEVER;
    if (sent_ns == PT_SHAPER_NEVER) {
        shaper->counters.drops_tail++;
        return PT_SHAPER_DROP;
    }
    bool overtakes = chance(shaper, shaper->params.reorder_ppm);
    uint64_t due_ns = sent_ns + delay_ns(shaper);
    if (overtakes || (due_ns <= now_ns && shaper->head == NULL)) {
        shaper->counters.frames++;
        shaper->counters.bytes += size;
        return PT_SHAPER_SEND;
    }
    *ret_due_ns = due_ns > shaper->last_due_ns || shaper->head == NULL ? due_ns : shaper->last_due_ns;
    return PT_SHAPER_HOLD;
}

void pt_shaper_push(struct pt_shaper *shaper, uint64_t due_ns, const void *data, size_t size)
{
    pt_assert(shaper->tail == NULL || due_ns >= shaper->tail->due_ns);
    struct pt_shaper_frame *frame = malloc(sizeof(*frame) + size);
    pt_assert(frame != NULL); /* bounded by PT_SHAPER_QUEUE_LEN_MAX */
    frame->next = NULL;
    frame->due_ns = due_ns;
    frame->size = size;
    memcpy(frame->data, data, size);
    if (shaper->tail == NULL) {
        shaper->head = frame;
    } else {
        shaper->tail->next = frame;
    }
    shaper->tail = frame;
    shaper->last_due_ns = due_ns;
    shaper->len++;
}

const uint8_t *pt_shaper_peek(const struct pt_shaper *shaper, uint64_t now_ns, size_t *ret_size)
{
    const uint8_t *data = NULL;
    return pt_shaper_peek_many(shaper, now_ns, &data, ret_size, 1) == 1 ? data : NULL;
}

size_t pt_shaper_peek_many(const struct pt_shaper *shaper, uint64_t now_ns, const uint8_t **data, size_t *sizes,
                           size_t max)
{
    size_t len = 0;
    for (struct pt_shaper_frame *f = shaper->head; f != NULL && f->due_ns <= now_ns && len < max; f = f->next) {
        data[len] = f->data;
        sizes[len] = f->size;
        len++;
    }
    return len;
}

void pt_shaper_pop(struct pt_shaper *shaper)
{
    struct pt_shaper_frame *frame = shaper->head;
    pt_assert(frame != NULL);
    shaper->counters.frames++;
    shaper->counters.bytes += frame->size;
    shaper->head = frame->next;
    if (shaper->head == NULL) {
        shaper->tail = NULL;
    }
    shaper->len--;
    free(frame);
}

uint64_t pt_shaper_next_ns(const struct pt_shaper *shaper)
{
    return shaper->head == NULL ? PT_SHAPER_NEVER : shaper->head->due_ns;
}
