/*
 * The roster of certificate authorities as it stands in the replicated state: read, written, and what follows from it.
 *
 * One value, "ca.roster", so that each step of a rotation is one log entry. A cluster that never rotated has none: then
 * the authority of its founding is the one authority, "ca-1", and it issues.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "patronus/v1/replication.pb-c.h"
#include "store/store.h"

#define PT_META_CA_ROSTER "ca.roster"
#define PT_AUTHORITIES_MAX 4

/* PT_FAILED_PRECONDITION when the state is not that of a founded cluster, PT_CORRUPT when the value cannot be read. */
PT_MUST enum pt_code pt_roster_read(struct pt_store *store, Patronus__V1__AuthorityRoster **ret_roster,
                                    struct pt_error *reterr);
void pt_roster_free(Patronus__V1__AuthorityRoster *roster); /* NULL is fine */
/* The one in a state, or NULL; there is always an ISSUING one. */
Patronus__V1__AuthorityRecord *pt_roster_in(const Patronus__V1__AuthorityRoster *roster, uint32_t state);
/* Every certificate, the issuing one first, NUL-terminated: what nodes trust. */
void pt_roster_trust(const Patronus__V1__AuthorityRoster *roster, struct pt_buf *ret_pem);
/* A command that puts this roster in force. caller NULL: the cluster itself. */
struct pt_caller;
void pt_roster_command(const Patronus__V1__AuthorityRoster *roster, const struct pt_caller *caller, int64_t time_ns,
                       struct pt_buf *ret_command);
