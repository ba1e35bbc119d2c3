/*
 * Which of the node's links leads to the controllers. Pure: the bundle in force says what links and direct paths there
 * are, the caller which of these live. Private to the folder and its tests.
 */
#pragma once

#include "base/net.h"
#include "plan/plan.h"

#define PT_AGENT_LINKS_MAX 64U

struct pt_agent_link {
    const Patronus__V1__LinkEntry *entry; /* of the bundle */
    uint32_t paths, living;               /* direct ones that leave by it */
};

typedef bool (*pt_agent_alive_fn)(void *arg, uint64_t path_id);

/* The links, the best first: by living paths, by paths, by number. Returns how many, at most PT_AGENT_LINKS_MAX. */
size_t pt_agent_links_rank(const struct pt_bundle *bundle, pt_agent_alive_fn alive, void *arg,
                           struct pt_agent_link *ret_links);

/* Its own address and its first hop; false: the entry is not sound. */
bool pt_agent_link_addresses(const Patronus__V1__LinkEntry *link, struct pt_ip *ret_source, struct pt_ip *ret_gateway,
                             bool *ret_has_gateway);
/* The link with that address; NULL. */
const struct pt_agent_link *pt_agent_link_of(const struct pt_agent_link *links, size_t len, const struct pt_ip *source);
/* Nothing that leaves by it lives, though something could. */
bool pt_agent_link_dead(const struct pt_agent_link *link);

/* The link to change to from the one with the address `source`; NULL: stay. One leaves a link on which nothing lives
 * while another has something that does; `chosen` false: nobody chose it (there was no bundle when it was dialled), so
 * one leaves it for any that leads to more sites. */
const struct pt_agent_link *pt_agent_link_better(const struct pt_agent_link *links, size_t len,
                                                 const struct pt_ip *source, bool chosen);
