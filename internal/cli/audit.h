/*
 * Is an export of the audit log whole? JSON lines, one record each, as `patronusctl audit export` prints them.
 */
#pragma once

#include "crypto/crypto.h"
#include "wire/msg.h"

struct pt_cli_audit { /* zero but for the schema at the start */
    const struct pt_schema *schema;
    uint64_t line;     /* lines seen */
    uint64_t sequence; /* of the record before; 0: none yet */
    struct pt_digest hash;
};

/* The next record: its own hash, its number and the hash of the one before. PT_CORRUPT names the line and what is wrong
 * with it. */
PT_MUST enum pt_code pt_cli_audit_record(struct pt_cli_audit *audit, struct pt_msg *record, struct pt_error *reterr);
/* The same from a line of text. */
PT_MUST enum pt_code pt_cli_audit_line(struct pt_cli_audit *audit, const char *line, size_t size,
                                       struct pt_error *reterr);
