/*
 * The kernel's side of the data plane: features, programs, maps and attachments. Together with dp_bpf*.c the one door
 * to libbpf. One thread: the agent's loop.
 */
#pragma once

#include "agent/dp_bpf_table.h"

/* ---- dp_bpf_probe.c ------------------------------------------------------------------------------------------- */

/* PT_FAILED_PRECONDITION naming the first feature that is missing and what to do. */
PT_MUST enum pt_code pt_dp_probe(struct pt_error *reterr);
/* Make the directory and see that it is on a bpffs: mount one there if not. */
PT_MUST enum pt_code pt_dp_mount(const char *directory, struct pt_error *reterr);
/* Undo pt_dp_mount as far as nothing else is there. */
void pt_dp_unmount(const char *directory);

/* ---- dp_bpf_load.c -------------------------------------------------------------------------------------------- */

struct pt_lan_bpf;
struct pt_swift_bpf;
struct pt_wan_bpf;

/* Keep libbpf from printing. */
void pt_dp_quiet(void);

struct pt_dp_programs {
    struct pt_lan_bpf *lan_object;
    struct pt_swift_bpf *swift_object;
    struct pt_wan_bpf *wan_object;
    int lan, tap, swift, wan, wan_tc; /* program descriptors, borrowed from the objects */
};
/* Load the objects; maps pinned in the directory are taken over, others are made and pinned. */
PT_MUST enum pt_code pt_dp_programs_load(struct pt_dp_programs *programs, const char *directory,
                                         struct pt_error *reterr);
void pt_dp_programs_fini(struct pt_dp_programs *programs);
/* -1 when the programs have no such map. */
int pt_dp_programs_map(const struct pt_dp_programs *programs, const char *name);

/* ---- dp_bpf_map.c --------------------------------------------------------------------------------------------- */

struct pt_dp_maps {
    int outer[PT_BUNDLE_MAPS_LEN];
    int inner[2][PT_BUNDLE_MAPS_LEN];
    int tables_outer, tables[2 * PT_DIRS_MAX]; /* dp_bpf_dir.c; -1: there is none */
    uint32_t capacity[2][PT_BUNDLE_MAPS_LEN];  /* entries of the inner map */
    int generation, epoch, applied, path_state, path_ids, path_mtu, tunnel_device, counters, drops, demands, flows4,
        flows6, events, event_gate; /* borrowed */
    struct pt_dp_table *slots[2];   /* what each slot holds; NULL when that is not known */
    uint32_t in_force;              /* the generation word */
};
/* Find every map of the programs; make inner maps where there are none; learn what they hold. */
PT_MUST enum pt_code pt_dp_maps_open(struct pt_dp_maps *maps, const struct pt_dp_programs *programs,
                                     struct pt_error *reterr);
void pt_dp_maps_fini(struct pt_dp_maps *maps);
/* Make a slot hold the table. On failure what it holds is unknown, which is harmless while it is not in force. */
PT_MUST enum pt_code pt_dp_maps_write(struct pt_dp_maps *maps, uint32_t slot, struct pt_dp_table *table,
                                      struct pt_error *reterr);
/* Read a slot. */
PT_MUST enum pt_code pt_dp_maps_read(const struct pt_dp_maps *maps, uint32_t slot, struct pt_dp_table **ret_table,
                                     struct pt_error *reterr);
/* Put the other slot in force. */
PT_MUST enum pt_code pt_dp_maps_flip(struct pt_dp_maps *maps, struct pt_error *reterr);
/* Return when no program can still be using the slot that was in force before: some milliseconds. */
void pt_dp_maps_wait(const struct pt_dp_maps *maps);

/* ---- dp_bpf_dir.c --------------------------------------------------------------------------------------------- */

/* Find the tables that are there. What they hold is not known: the first write paints them. */
PT_MUST enum pt_code pt_dp_dirs_open(struct pt_dp_maps *maps, struct pt_error *reterr);
void pt_dp_dirs_fini(struct pt_dp_maps *maps);
/* Make the tables of a slot hold those of `to`, when `from` is what they hold. */
PT_MUST enum pt_code pt_dp_dirs_write(struct pt_dp_maps *maps, uint32_t slot, const struct pt_dp_table *from,
                                      const struct pt_dp_table *to, struct pt_error *reterr);
/* PT_CORRUPT when a word differs. */
PT_MUST enum pt_code pt_dp_dirs_verify(const struct pt_dp_maps *maps, uint32_t slot, const struct pt_dp_table *table,
                                       struct pt_error *reterr);

/* ---- dp_bpf_count.c ------------------------------------------------------------------------------------------- */

struct pt_dp_path_counters;
struct pt_dp_drop;

void pt_dp_count_paths(const struct pt_dp_maps *maps, const struct pt_dp_slots *slots,
                       void (*fn)(void *arg, const struct pt_dp_path_counters *counters), void *arg);
void pt_dp_count_drops(const struct pt_dp_maps *maps, void (*fn)(void *arg, const struct pt_dp_drop *drop), void *arg);
/* Once for each PT_DEMAND_KEY. */
void pt_dp_demands(const struct pt_dp_maps *maps, const struct pt_dp_slots *slots,
                   void (*fn)(void *arg, uint32_t key, uint64_t bytes), void *arg);
/* The path in a slot goes: what it was offered stays in the sum of its site. */
void pt_dp_demand_keep(const struct pt_dp_maps *maps, const struct pt_dp_slots *slots, uint32_t slot);

/* ---- dp_bpf_event.c ------------------------------------------------------------------------------------------- */

struct pt_dp_decision;
struct pt_dp_flow;
struct pt_dp_flow_key;
struct pt_dp_origin;
struct pt_dp_events;

/* The reader of the ring of events, whose place in it outlives the agent. */
PT_MUST enum pt_code pt_dp_events_new(const struct pt_dp_maps *maps, const struct pt_dp_slots *slots,
                                      struct pt_dp_events **ret_events, struct pt_error *reterr);
void pt_dp_events_free(struct pt_dp_events *events); /* NULL is fine */
uint64_t pt_dp_events_read(struct pt_dp_events *events, void (*fn)(void *arg, const struct pt_dp_decision *decision),
                           void *arg);
bool pt_dp_flow_read(const struct pt_dp_maps *maps, const struct pt_dp_flow_key *key, struct pt_dp_flow *ret_flow);
bool pt_dp_applied_read(const struct pt_dp_maps *maps, uint32_t generation, struct pt_dp_origin *ret_origin);
/* ---- dp_bpf_inspect.c ----------------------------------------------------------------------------------------- */

struct pt_dp_inspect;
struct pt_dp_sample;
struct pt_dp_verdict;
struct pt_dp_known;
struct pt_dp_inspected;

struct pt_dp_inspect *pt_dp_inspect_new(const struct pt_dp_programs *programs);
void pt_dp_inspect_free(struct pt_dp_inspect *inspect); /* NULL is fine */
/* As the operations of struct pt_dp_ops. */
int pt_dp_inspect_fd(const struct pt_dp_inspect *inspect);
void pt_dp_inspect_take(struct pt_dp_inspect *inspect, void (*fn)(void *arg, const struct pt_dp_sample *sample),
                        void *arg);
/* An application as entries have it (bpf/abi/flow.h): confidence is rounded down to a step; and back. */
uint32_t pt_dp_application_word(uint32_t application, uint8_t evidence, uint8_t confidence);
uint32_t pt_dp_application_of(uint32_t word, uint8_t *ret_evidence, uint8_t *ret_confidence);
void pt_dp_inspect_verdict(struct pt_dp_inspect *inspect, const struct pt_dp_verdict *verdict);
void pt_dp_inspect_host(struct pt_dp_inspect *inspect, uint32_t vni, const struct pt_ip *address,
                        const struct pt_dp_known *known);
void pt_dp_inspect_counts(const struct pt_dp_inspect *inspect, struct pt_dp_inspected *ret_counts);

/* ---- dp_bpf_upgrade.c ----------------------------------------------------------------------------------------- */

/* The newest older version whose pins are there; 0: none. */
int pt_dp_upgrade_from(const char *pin_directory);
/* Carry over into our maps what bundles do not bring. */
PT_MUST enum pt_code pt_dp_upgrade_copy(const char *pin_directory, int version, const struct pt_dp_programs *programs,
                                        struct pt_error *reterr);
/* Make the older version's XDP links ours: their programs are exchanged by attaching. */
void pt_dp_upgrade_links(const char *pin_directory, int version);
/* Our programs are attached: unpin what is left of it. */
void pt_dp_upgrade_done(const char *pin_directory, int version);

/* ---- dp_bpf_nat.c --------------------------------------------------------------------------------------------- */

struct pt_dp_rows;
struct pt_dp_translation;
/* A pool of ports for each exit that has none yet. */
PT_MUST enum pt_code pt_dp_nat_pools(const struct pt_dp_programs *programs, const struct pt_dp_rows *exits,
                                     struct pt_error *reterr);
/* As the operation of struct pt_dp_ops. */
bool pt_dp_nat_count(const struct pt_dp_programs *programs, uint32_t link, bool ports,
                     struct pt_dp_translation *ret_counts);

/* ---- dp_bpf_hook.c -------------------------------------------------------------------------------------------- */

/* Attach, or replace what an earlier agent attached without a gap. `trains`: XDP is to be generic, because native XDP
 * takes segmentation offload from the other end of a virtual link: for nodes that only end sealed paths. ret_native is
 * false when XDP is only generic. */
PT_MUST enum pt_code pt_dp_attach_lan(const struct pt_dp_programs *programs, uint32_t ifindex, struct pt_error *reterr);
PT_MUST enum pt_code pt_dp_attach_wan(const struct pt_dp_programs *programs, const char *directory, uint32_t ifindex,
                                      bool trains, bool *ret_native, struct pt_error *reterr);
PT_MUST enum pt_code pt_dp_attach_tap(const struct pt_dp_programs *programs, uint32_t ifindex, struct pt_error *reterr);
/* The fast way out of a LAN (bpf/swift.bpf.c). Without native XDP it is not worth having: false, and not attached. */
bool pt_dp_attach_swift(const struct pt_dp_programs *programs, const char *directory, uint32_t ifindex);
void pt_dp_detach_swift(const char *directory, uint32_t ifindex);
/* Is there hardware behind the interface? */
bool pt_dp_is_hardware(uint32_t ifindex);
/* ---- dp_bpf_turn.c -------------------------------------------------------------------------------------------- */

/* Frames from the interface to itself come in by it, from now on, or no longer. */
PT_MUST enum pt_code pt_dp_turn_on(uint32_t ifindex, struct pt_error *reterr);
void pt_dp_turn_off(uint32_t ifindex); /* an interface that is gone is fine */

/* An interface that is gone is fine. */
void pt_dp_detach_lan(uint32_t ifindex);
void pt_dp_detach_wan(const char *directory, uint32_t ifindex);
