/*
 * A roster is read by unpacking: what stands in the state was made by a leader, but it may have been made by a newer
 * one, or be damaged, so its shape is checked once more before anything is signed with it.
 */
#include "serve/roster.h"

#include "base/assert.h"
#include "kind/kind.h"
#include "patronus/v1/authority.pb-c.h"
#include "serve/setup.h"

#include <stdlib.h>
#include <string.h>

/* The cluster as init made it. */
static enum pt_code founded(struct pt_store *store, Patronus__V1__AuthorityRoster **ret_roster, struct pt_error *reterr)
{
    PT_AUTO(buf) struct pt_buf cert = {0};
    PT_AUTO(buf) struct pt_buf key = {0};
    if (pt_store_meta_get(store, PT_META_CA_CERT, &cert, NULL) != PT_OK ||
        pt_store_meta_get(store, PT_META_CA_KEY, &key, NULL) != PT_OK) {
        return pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_NONE, PT_META_CA_CERT,
                       "the state holds no certificate authority: the cluster is not founded yet");
    }
    pt_buf_append_u8(&cert, 0);
    Patronus__V1__AuthorityRecord record = PATRONUS__V1__AUTHORITY_RECORD__INIT;
    record.id = (char *)(uintptr_t) "ca-1";
    record.state = PATRONUS__V1__AUTHORITY_STATE__ISSUING;
    record.certificate_pem = (char *)cert.data;
    record.sealed_key = (ProtobufCBinaryData){.len = key.size, .data = key.data};
    Patronus__V1__AuthorityRecord *records[] = {&record};
    Patronus__V1__AuthorityRoster roster = PATRONUS__V1__AUTHORITY_ROSTER__INIT;
    roster.authorities = records;
    roster.n_authorities = 1;
    roster.next = 2;
    PT_AUTO(buf) struct pt_buf packed = {0};
    size_t size = patronus__v1__authority_roster__get_packed_size(&roster);
    (void)patronus__v1__authority_roster__pack(&roster, pt_buf_reserve(&packed, size));
    *ret_roster = patronus__v1__authority_roster__unpack(NULL, size, packed.data);
    pt_assert(*ret_roster != NULL);
    return PT_OK;
}

static bool sound(const Patronus__V1__AuthorityRoster *roster)
{
    if (roster == NULL || roster->n_authorities == 0 || roster->n_authorities > PT_AUTHORITIES_MAX) {
        return false;
    }
    size_t issuing = 0;
    for (size_t i = 0; i < roster->n_authorities; i++) {
        const Patronus__V1__AuthorityRecord *record = roster->authorities[i];
        issuing += record->state == PATRONUS__V1__AUTHORITY_STATE__ISSUING;
        if (record->certificate_pem[0] == '\0' || record->sealed_key.len == 0) {
            return false;
        }
    }
    return issuing == 1;
}

enum pt_code pt_roster_read(struct pt_store *store, Patronus__V1__AuthorityRoster **ret_roster, struct pt_error *reterr)
{
    PT_AUTO(buf) struct pt_buf value = {0};
    if (pt_store_meta_get(store, PT_META_CA_ROSTER, &value, NULL) != PT_OK) {
        return founded(store, ret_roster, reterr);
    }
    Patronus__V1__AuthorityRoster *roster = patronus__v1__authority_roster__unpack(NULL, value.size, value.data);
    if (!sound(roster)) {
        pt_roster_free(roster);
        return pt_fail(reterr, PT_CORRUPT, PT_REASON_NONE, PT_META_CA_ROSTER,
                       "the roster of authorities cannot be read; was it written by a newer version?");
    }
    *ret_roster = roster;
    return PT_OK;
}

void pt_roster_free(Patronus__V1__AuthorityRoster *roster)
{
    if (roster != NULL) {
        patronus__v1__authority_roster__free_unpacked(roster, NULL);
    }
}

Patronus__V1__AuthorityRecord *pt_roster_in(const Patronus__V1__AuthorityRoster *roster, uint32_t state)
{
    for (size_t i = 0; i < roster->n_authorities; i++) {
        if (roster->authorities[i]->state == state) {
            return roster->authorities[i];
        }
    }
    return NULL;
}

void pt_roster_trust(const Patronus__V1__AuthorityRoster *roster, struct pt_buf *ret_pem)
{
    const Patronus__V1__AuthorityRecord *first = pt_roster_in(roster, PATRONUS__V1__AUTHORITY_STATE__ISSUING);
    pt_buf_append_str(ret_pem, first->certificate_pem);
    for (size_t i = 0; i < roster->n_authorities; i++) {
        if (roster->authorities[i] != first) {
            pt_buf_append_str(ret_pem, roster->authorities[i]->certificate_pem);
        }
    }
    pt_buf_append_u8(ret_pem, 0);
    ret_pem->size--;
}

void pt_roster_command(const Patronus__V1__AuthorityRoster *roster, const struct pt_caller *caller, int64_t time_ns,
                       struct pt_buf *ret_command)
{
    PT_AUTO(buf) struct pt_buf packed = {0};
    size_t size = patronus__v1__authority_roster__get_packed_size(roster);
    (void)patronus__v1__authority_roster__pack(roster, pt_buf_reserve(&packed, size));
    packed.size = size;
    Patronus__V1__SetMeta meta = PATRONUS__V1__SET_META__INIT;
    meta.key = (char *)(uintptr_t)PT_META_CA_ROSTER;
    meta.value = (ProtobufCBinaryData){.len = packed.size, .data = packed.data};
    Patronus__V1__Caller more = PATRONUS__V1__CALLER__INIT;
    Patronus__V1__Command command = PATRONUS__V1__COMMAND__INIT;
    command.format = 1;
    command.time_ns = time_ns;
    command.principal = (char *)(uintptr_t)(caller != NULL ? caller->principal : "internal");
    if (caller != NULL) {
        more.api_key = (char *)(uintptr_t)caller->api_key;
        more.source = (char *)(uintptr_t)caller->source;
        command.caller = &more;
    }
    command.op_case = PATRONUS__V1__COMMAND__OP_SET_META;
    command.set_meta = &meta;
    pt_kind_command(&command, ret_command);
}
