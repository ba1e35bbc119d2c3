/*
 * Plans for tests of packets: three sites with two links of 100 Mbit/s each, traffic between them, and passes of the
 * real stages one after the other. What comes out is the first site's bundle, as a leader would push it.
 */
#pragma once

#include "plan/plan.h"

#include <stdbool.h>
#include <stdint.h>

#define SPLIT_SITES 3

struct split_plan;

/* Site 0 sends from 10.0.0.0/24 by wan0 ("inet") and wan1 ("mpls"). costs[n] are those of site n's two links. */
struct split_plan *split_plan_new(const unsigned costs[SPLIT_SITES][2]);
void split_plan_free(struct split_plan *plan);
/* What a site sends to another, Mbit/s: of no class in particular, of REALTIME, of BULK. */
void split_plan_demand(struct split_plan *plan, unsigned from, unsigned to, const uint64_t mbit[3]);
void split_plan_drain(struct split_plan *plan, unsigned site, unsigned link);
/* The next pass: the first site's bundle, which the caller owns. */
struct pt_bundle *split_plan_pass(struct split_plan *plan);
/* Of the newest pass. */
bool split_plan_is_solved(const struct split_plan *plan);
bool split_plan_has_more(const struct split_plan *plan);
/* Share of what the first site sends to a site, of a TrafficClass or (0) all, that leaves by wan0, as the stage says.
 */
double split_plan_by_wan0(struct split_plan *plan, unsigned to, uint32_t traffic_class);
