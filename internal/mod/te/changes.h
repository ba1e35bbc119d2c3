/*
 * What a what-if question changes before the stages look: the same stages then answer it. Private to the mod.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct te_changed_link {
    const char *name; /* of a link that exists, or a new one of the site named */
    const char *site;
    const char *underlay;      /* of a new one; may be NULL otherwise */
    uint64_t up_bps, down_bps; /* 0: as it is */
    uint32_t cost;             /* 0: as it is */
};

struct te_added_demand {
    const char *source, *destination; /* sites */
    uint32_t class_index;             /* Patronus__V1__TrafficClass */
    uint64_t rate_bps;
};

struct te_changes { /* strings are borrowed */
    const char **fail_links, **fail_sites, **drain_links, **drain_sites;
    size_t fail_links_len, fail_sites_len, drain_links_len, drain_sites_len;
    const uint32_t *fail_srlgs;
    size_t fail_srlgs_len;
    const struct te_changed_link *links;
    size_t links_len;
    const struct te_added_demand *demands;
    size_t demands_len;
    bool planned;           /* Demand resources count too */
    uint32_t scale_percent; /* of measured traffic; 0: 100 */
};
