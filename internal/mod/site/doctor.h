/*
 * What is probably wrong at a site: from facts that the leader has, to causes in the order in which to look at them.
 *
 * Pure: facts in, findings out, no clock and no state. A cause that explains others hides them: of an edge that is away
 * nothing else is said, and of a link over which nothing lives no path.
 */
#pragma once

#include "base/arena.h"
#include "patronus/v1/diagnostics.pb-c.h"

#include <stdbool.h>
#include <stdint.h>

#define SITE_FINDINGS_MAX 256

struct site_edge_facts {
    const char *name;
    bool joined;       /* it has a certificate of ours */
    bool connected;    /* to the leader */
    bool refused;      /* its newest bundle */
    bool clock_known;  /* what follows is */
    int64_t clock_ms;  /* its clock less ours; what a report took on its way makes it a little less */
    bool leaf_known;   /* what follows is */
    int64_t leaf_s;    /* until its certificate ends; negative: it has ended */
    uint64_t unsent_s; /* so long it has not acknowledged the newest bundle */
};

struct site_link_facts {
    const char *name;
    bool drained;
    uint32_t tunnels, dead; /* direct paths that leave by it, and those that are known to be dead */
    uint64_t capacity_bps;  /* 0: not known */
    uint64_t rate_bps;      /* that it sends, as far as it is shaped */
    uint32_t delay_us;      /* longest wait in a queue of it */
    uint32_t mtu;           /* largest inner packet as configured, sealed; 0: not known */
    uint32_t found_mtu;     /* least that was found on a tunnel; 0: not known */
    bool lacks_ports;       /* a host that wanted to leave by it found none in the last minute */
    uint64_t refused;       /* packets of such hosts, ever */
    uint32_t ports, taken;  /* that it has for them, and that are taken of TCP, UDP or ICMP: the most; 0: no exit */
};

struct site_path_facts {
    const char *name, *destination; /* Path; Site */
    const char *link;               /* first one */
    bool known, alive;
    bool carries; /* it is no backup */
    uint32_t rtt_us, min_rtt_us, loss_ppm;
    const char *const *slas; /* profiles that it breaks */
    size_t slas_len;
};

struct site_drop_facts {
    const char *edge, *reason, *text, *remedy; /* of base/drop.h */
    uint64_t recent;                           /* packets of the last minute or so */
    bool meant;                                /* a rule says so */
};

struct site_facts {
    const char *site;
    bool drained;
    const struct site_edge_facts *edges;
    size_t edges_len;
    const struct site_link_facts *links;
    size_t links_len;
    const struct site_path_facts *paths; /* those of a destination behind one another */
    size_t paths_len;
    const struct site_drop_facts *drops;
    size_t drops_len;
};

/* In the arena; names of the facts are borrowed. */
Patronus__V1__DiagnoseSiteResponse *site_diagnose(const struct site_facts *facts, struct pt_arena *arena);
