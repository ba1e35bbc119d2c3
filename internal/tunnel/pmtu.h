/*
 * The largest inner packet that a path carries, found out by probes through the session (RFC 8899 in short). Pure.
 *
 *     configured size --echo--> found: asked again each 30 s, and the configured size again each 10 minutes
 *          | three unanswered                                  | three unanswered
 *          v                                                   v
 *     least size <---------------------------------------------'
 *          | echo                          '--three unanswered--> dead: anew in 30 s
 *          v
 *     halving between what arrived and what did not, to within 8 bytes; the last that arrived once more --echo--> found
 *
 * What is found changes only when a search is over: hosts keep what they are told for minutes.
 */
#pragma once

#include <stdint.h>

#define PT_PMTU_MIN 576U
#define PT_PMTU_STEP 8U

struct pt_pmtu {
    uint32_t max;       /* by configuration */
    uint32_t found;     /* 0: not known yet */
    uint32_t low, high; /* low arrived (0: nothing did); more than high was not seen to */
    uint32_t size;      /* of the probe whose turn it is */
    unsigned tries;     /* sent with that size */
    uint64_t rtt_ns;    /* 0: not known */
    uint64_t next_ns;   /* when to look again */
    uint64_t raise_ns;  /* when to try more than what was found */
};

void pt_pmtu_init(struct pt_pmtu *pmtu, uint32_t max);
/* As another process had found it; it is asked at once whether it still holds. */
void pt_pmtu_restore(struct pt_pmtu *pmtu, uint32_t found, uint64_t now_ns);
/* Size of the probe to send now; 0: none. */
uint32_t pt_pmtu_tick(struct pt_pmtu *pmtu, uint64_t now_ns);
/* A probe of that size, sent then, came back; late ones count as well. */
void pt_pmtu_echo(struct pt_pmtu *pmtu, uint32_t size, uint64_t sent_ns, uint64_t now_ns);
/* A packet was refused for its size: ask now whether what was found still holds. */
void pt_pmtu_doubt(struct pt_pmtu *pmtu, uint64_t now_ns);
