/*
 * The leader's compute graph: snapshot of the state -> pure stages -> one bundle per node -> difference to its last
 * ack.
 *
 * A stage is a pure function of a frozen view, the soft measurements and the results of earlier stages; it runs on a
 * worker. Nothing here does I/O.
 */
#pragma once

#include "base/arena.h"
#include "base/map.h"
#include "crypto/crypto.h"
#include "kind/kind.h"
#include "patronus/v1/agent.pb-c.h"

/* ---- soft state: what nodes measured; the leader's memory only ------------------------------------------------ */

struct pt_path_soft {
    uint64_t path_id;
    bool alive, known;
    uint32_t rtt_us, loss_ppm; /* to the plan loss is bad or 0; */
    uint32_t loss_seen_ppm;    /* this follows it coarsely */
    uint32_t mtu, cipher;      /* as in PathReport; for people, no stage reads them */
    uint64_t session_age_ms, handshakes;
};

#define PT_DEMAND_CLASSES 6 /* by number of Patronus__V1__TrafficClass */

struct pt_demand_soft {
    uint64_t rate_bps; /* of all classes: what the plan was told, which follows the measured rate coarsely */
    uint64_t class_bps[PT_DEMAND_CLASSES];
};

/* Immutable copy handed to stages. Keys: path id as 8 bytes big-endian. */
struct pt_soft {
    struct pt_map paths;   /* -> struct pt_path_soft */
    struct pt_map demands; /* "<Edge name>/<destination label>" -> struct pt_demand_soft */
};

/* ---- stages --------------------------------------------------------------------------------------------------- */

/* What the compute pass makes for one node: entries to which stages append. */
struct pt_plan_node {
    const char *edge;    /* Edge resource name */
    const char *node_id; /* SPIFFE path; "" when not enrolled */
    uint32_t site_label;
    Patronus__V1__Entry **entries;
    size_t entries_len, entries_capacity;
};

struct te_changes;
struct te_solution;
struct pt_flow_workers;

struct pt_plan_pass {
    struct pt_view *view; /* frozen */
    const struct pt_soft *soft;
    int64_t time_ns;                    /* the leader's clock when the pass began: stages have no other */
    const struct te_solution *previous; /* what the pass before found; NULL: none */
    bool under_way;                     /* of that, some node may not have its shares of the traffic in force yet */
    bool late;                          /* and has had its time: it is not waited for any longer */
    const struct pt_map *ramps;       /* name of a Link or Site -> uint32_t: percent of its share; NULL: all in full */
    const struct pt_map *trials;      /* organization -> uint32_t ms: see NodeEntry.trial_ms; NULL: none */
    const struct te_changes *changes; /* a what-if question; NULL: the real thing */
    const struct pt_flow_workers *workers; /* for stages that have much to do; NULL: they have the caller's thread */
    struct pt_arena *arena;                /* lives as long as the pass's result */
    struct pt_map sections;                /* stage name -> its result, for later stages */
    struct pt_plan_node **nodes;           /* ascending by edge name; made by the "topology" stage */
    size_t nodes_len;
};

struct pt_stage {
    const char *name;
    const char *const *after; /* stages whose sections it reads, NULL-terminated; may be NULL */
    enum pt_code (*run)(struct pt_plan_pass *pass, void **ret_section, struct pt_error *reterr);
};

/* Append an entry (allocated in the pass's arena) to a node. */
void pt_plan_emit(struct pt_plan_pass *pass, struct pt_plan_node *node, Patronus__V1__Entry *entry);
/* Run every stage of the mods in dependency order. PT_FAILED_PRECONDITION for a cycle. */
PT_MUST enum pt_code pt_plan_run(struct pt_plan_pass *pass, const struct pt_mod *const *mods, struct pt_error *reterr);

/* ---- bundles -------------------------------------------------------------------------------------------------- */

/* A node's entries in canonical order with their digest. Owns copies. */
struct pt_bundle;
struct pt_bundle *pt_bundle_new(Patronus__V1__Entry *const *entries, size_t len);
/* The same; what stands in `like` (may be NULL) in just these bytes is shared with it. */
struct pt_bundle *pt_bundle_new_like(const struct pt_bundle *like, Patronus__V1__Entry *const *entries, size_t len);
/* From the wire: entries of a full bundle, or base plus difference. PT_INVALID_ARGUMENT when the result's digest is not
 * the header's, PT_FAILED_PRECONDITION when the base is another. */
PT_MUST enum pt_code pt_bundle_apply(const struct pt_bundle *base, const Patronus__V1__Bundle *message,
                                     struct pt_bundle **ret_bundle, struct pt_error *reterr);
void pt_bundle_ref(struct pt_bundle *bundle);
void pt_bundle_unref(struct pt_bundle *bundle); /* NULL is fine */
const struct pt_digest *pt_bundle_digest(const struct pt_bundle *bundle);
/* Entries in ascending order of key; borrowed. */
const Patronus__V1__Entry *const *pt_bundle_entries(const struct pt_bundle *bundle, size_t *ret_len);
/* Serialise a Bundle message: whole (base NULL) or as the difference to base. The header is packed as given. */
void pt_bundle_encode(const struct pt_bundle *bundle, const struct pt_bundle *base,
                      const Patronus__V1__BundleHeader *header, struct pt_buf *out);
/* Sign or verify a header with the cluster's Ed25519 key over its canonical form with an empty signature. */
void pt_bundle_sign(Patronus__V1__BundleHeader *header, const uint8_t seed[PT_SIGN_PRIVATE_SIZE],
                    uint8_t signature[PT_SIGNATURE_SIZE]);
bool pt_bundle_verify(const Patronus__V1__BundleHeader *header, const uint8_t public_key[PT_SIGN_PUBLIC_SIZE]);
/* -1, 0, 1 by (epoch, term, generation); the cluster id must be equal. */
int pt_bundle_position_compare(const Patronus__V1__BundlePosition *a, const Patronus__V1__BundlePosition *b);
