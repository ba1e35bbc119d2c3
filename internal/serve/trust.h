/*
 * The controller's own trust, shared by trust.c, rotate.c and reseal.c. Private to the folder.
 */
#pragma once

#include "serve/controller_priv.h"

#define PT_TRUST_SEEN_MAX 64
#define PT_TRUST_REPORTS_MAX 64

struct Patronus__V1__TrustReport;

struct pt_trust_seen { /* a certificate of a person, as it was presented last */
    char spiffe_id[PT_SPIFFE_SIZE_MAX];
    char issuer[PT_KEY_ID_SIZE + 1];
    int64_t expire_ns;
    uint64_t at_ns;
};

struct pt_trust_report { /* of the leader: what a controller said last */
    char name[80];
    struct Patronus__V1__TrustReport *said;
    uint64_t at_ns, term;
};

struct pt_trust {
    struct pt_controller *controller;
    bool looked;            /* the roster was followed once */
    uint64_t meta_revision; /* as of which it was */
    bool several;           /* a rotation runs */
    char issuing[PT_KEY_ID_SIZE + 1];
    int64_t door_due_wall_ns; /* when controller->door_pem is made anew */
    int64_t ca_not_after_ns;  /* of the issuing one */
    struct pt_digest digest;  /* of controller->ca_pem */
    uint64_t report_at_ns, warn_at_ns, warn_seal_at_ns;
    bool reporting;
    struct pt_trust_seen seen[PT_TRUST_SEEN_MAX];
    size_t seen_len;
    /* The leader's. */
    struct pt_trust_report reports[PT_TRUST_REPORTS_MAX];
    size_t reports_len;
    bool proposing;      /* a step is on its way through the log */
    uint64_t step_at_ns; /* when to look again */
    /* reseal.c */
    bool has_next;
    uint8_t next_seal_key[PT_SEAL_KEY_SIZE];
    uint64_t next_look_ns;
    uint64_t seal_revision;
    bool seal_looked;
};

/* What a controller said to this leader, not long ago; NULL. */
const struct pt_trust_report *pt_trust_report_of(const struct pt_trust *trust, const char *name);
/* rotate.c: take the next step when nothing is in its way. */
void pt_rotate_tick(struct pt_controller *controller);
/* reseal.c */
bool pt_trust_next_seal_key(struct pt_controller *controller, struct pt_digest *ret_digest);
/* The secrets in the state are sealed under the next key: use that one from now on. */
void pt_reseal_follow(struct pt_controller *controller);
/* Does the present seal key open what the state holds? */
bool pt_reseal_key_opens(struct pt_controller *controller);
