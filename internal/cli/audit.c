/*
 * The chain as the state machine makes it (kind/audit.c): a record's hash is the SHA-256 of its canonical form, and the
 * next one holds it. So a changed record does not have the hash that it says, or, when that was changed too, is not the
 * one that the next record follows. A cut end is seen only by the cluster's own head, which `audit verify` compares.
 */
#include "cli/audit.h"

#include "base/arena.h"
#include "wire/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

PT_PRINTF(3, 4)
static enum pt_code broken(const struct pt_cli_audit *audit, struct pt_error *reterr, const char *format, ...)
{
    char text[PT_ERROR_TEXT_SIZE / 2];
    char place[32];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    (void)snprintf(place, sizeof(place), "line %" PRIu64, audit->line);
    return pt_fail(reterr, PT_CORRUPT, PT_REASON_CONFLICT, place, "%s", text);
}

enum pt_code pt_cli_audit_record(struct pt_cli_audit *audit, struct pt_msg *record, struct pt_error *reterr)
{
    audit->line++;
    uint64_t sequence = pt_msg_u64(record, "sequence");
    struct pt_bytes stated = pt_msg_bytes(record, "hash");
    struct pt_bytes previous = pt_msg_bytes(record, "previous_hash");
    PT_AUTO(buf) struct pt_buf said = {0};
    pt_buf_append(&said, stated.data, stated.size);
    pt_msg_clear(record, "hash");
    PT_AUTO(buf) struct pt_buf bytes = {0};
    pt_msg_encode(record, &bytes);
    struct pt_digest hash = pt_sha256(bytes.data, bytes.size);
    if (said.size != PT_DIGEST_SIZE || memcmp(said.data, hash.bytes, PT_DIGEST_SIZE) != 0) {
        return broken(audit, reterr, "record %" PRIu64 " is not what it was when it was written: its hash differs",
                      sequence);
    }
    bool first = audit->sequence == 0;
    if (sequence == 0 || (!first && sequence != audit->sequence + 1)) {
        return broken(audit, reterr, "record %" PRIu64 " follows record %" PRIu64 ": records are missing or were moved",
                      sequence, audit->sequence);
    }
    size_t wanted = sequence == 1 ? 0 : PT_DIGEST_SIZE;
    if (previous.size != wanted || (!first && memcmp(previous.data, audit->hash.bytes, PT_DIGEST_SIZE) != 0)) {
        return broken(audit, reterr,
                      "record %" PRIu64 " was not written behind the record in front of it: one of them was replaced",
                      sequence);
    }
    audit->sequence = sequence;
    audit->hash = hash;
    return PT_OK;
}

enum pt_code pt_cli_audit_line(struct pt_cli_audit *audit, const char *line, size_t size, struct pt_error *reterr)
{
    struct pt_arena arena;
    pt_arena_init(&arena);
    struct pt_msg *record = NULL;
    struct pt_error error = {0};
    const struct pt_message_type *type = pt_schema_message(audit->schema, "patronus.v1.AuditRecord");
    enum pt_code code = pt_json_read(audit->schema, type, line, size, &arena, &record, &error);
    if (code != PT_OK) {
        audit->line++;
        code = broken(audit, reterr, "this is no record of the audit log: %.150s", error.text);
    } else {
        code = pt_cli_audit_record(audit, record, reterr);
    }
    pt_arena_fini(&arena);
    return code;
}
