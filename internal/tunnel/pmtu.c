/*
 * See pmtu.h. An unanswered probe costs a timeout, an answered one a round trip; so the configured size is asked first,
 * and once a round trip is known, timeouts follow it. An echo that comes after its timeout corrects what was concluded
 * from its absence: a machine or a line that stood still for a moment does not leave a small size behind.
 */
#include "tunnel/pmtu.h"

#include "base/assert.h"

#define MS 1000000ULL
#define TRIES 3
#define TIMEOUT_NS (1000 * MS) /* at most */
#define GRACE_NS (200 * MS)    /* beside some round trips: the far end's loop looks each 100 ms */
#define AGAIN_NS (30000 * MS)
#define RAISE_NS (600000 * MS)

static uint32_t at_most(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

void pt_pmtu_init(struct pt_pmtu *pmtu, uint32_t max)
{
    *pmtu = (struct pt_pmtu){.max = max, .high = max, .size = max};
}

void pt_pmtu_restore(struct pt_pmtu *pmtu, uint32_t found, uint64_t now_ns)
{
    pt_assert(found > 0 && found <= pmtu->max);
    pmtu->found = pmtu->low = pmtu->size = found;
    pmtu->high = at_most(found + PT_PMTU_STEP - 1, pmtu->max);
    pmtu->tries = 0;
    pmtu->next_ns = now_ns;
    pmtu->raise_ns = now_ns + RAISE_NS;
}

static void probe(struct pt_pmtu *pmtu, uint32_t size, uint64_t at_ns)
{
    pmtu->size = at_most(size, pmtu->max);
    pmtu->tries = 0;
    pmtu->next_ns = at_ns;
}

/* Something arrived: what next? */
static void arrived(struct pt_pmtu *pmtu, uint32_t size, uint64_t now_ns)
{
    pmtu->low = size;
    if (size > pmtu->high) { /* it was thought not to: neither is the rest known */
        pmtu->high = pmtu->max;
    }
    if (pmtu->high >= pmtu->low + PT_PMTU_STEP) {
        probe(pmtu, (pmtu->low + pmtu->high + 1) / 2, now_ns);
        return;
    }
    if (pmtu->found != pmtu->low) {
        pmtu->raise_ns = now_ns + RAISE_NS;
    }
    pmtu->found = pmtu->low;
    probe(pmtu, pmtu->low, now_ns + AGAIN_NS);
}

static void failed(struct pt_pmtu *pmtu, uint64_t now_ns)
{
    if (pmtu->size <= PT_PMTU_MIN) { /* nothing gets through: the path is dead. Begin anew later */
        pmtu->low = 0;
        pmtu->high = pmtu->max;
        probe(pmtu, pmtu->max, now_ns + AGAIN_NS);
        return;
    }
    pmtu->high = pmtu->size - 1;
    if (pmtu->size <= pmtu->low || pmtu->low == 0) { /* does anything get through at all? */
        pmtu->low = 0;
        probe(pmtu, PT_PMTU_MIN, now_ns);
    } else if (pmtu->high >= pmtu->low + PT_PMTU_STEP) {
        probe(pmtu, (pmtu->low + pmtu->high + 1) / 2, now_ns);
    } else { /* it would be over: but did the path only die meanwhile? */
        probe(pmtu, pmtu->low, now_ns);
    }
}

uint32_t pt_pmtu_tick(struct pt_pmtu *pmtu, uint64_t now_ns)
{
    if (now_ns < pmtu->next_ns) {
        return 0;
    }
    if (pmtu->tries >= TRIES) {
        failed(pmtu, now_ns);
        if (now_ns < pmtu->next_ns) {
            return 0;
        }
    }
    if (pmtu->tries == 0 && pmtu->size == pmtu->found && pmtu->found < pmtu->max && now_ns >= pmtu->raise_ns) {
        pmtu->size = pmtu->high = pmtu->max;
        pmtu->raise_ns = now_ns + RAISE_NS;
    }
    uint64_t timeout_ns = 4 * pmtu->rtt_ns + GRACE_NS;
    pmtu->tries++;
    pmtu->next_ns = now_ns + (pmtu->rtt_ns != 0 && timeout_ns < TIMEOUT_NS ? timeout_ns : TIMEOUT_NS);
    return pmtu->size;
}

void pt_pmtu_echo(struct pt_pmtu *pmtu, uint32_t size, uint64_t sent_ns, uint64_t now_ns)
{
    if (sent_ns != 0 && sent_ns <= now_ns && now_ns - sent_ns < 10 * TIMEOUT_NS) {
        uint64_t rtt_ns = now_ns - sent_ns, before_ns = pmtu->rtt_ns - pmtu->rtt_ns / 8;
        pmtu->rtt_ns = rtt_ns > before_ns ? rtt_ns : before_ns;
    }
    if (size <= pmtu->max && ((pmtu->tries > 0 && size == pmtu->size) || size > pmtu->low)) {
        arrived(pmtu, size, now_ns);
    }
}

void pt_pmtu_doubt(struct pt_pmtu *pmtu, uint64_t now_ns)
{
    if (pmtu->found != 0 && pmtu->size == pmtu->found && pmtu->tries == 0) {
        pmtu->next_ns = now_ns;
    }
}
