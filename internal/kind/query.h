/*
 * What List and Watch share: filters (AIP-160: equality and AND) and, for List, order and page tokens. Private.
 */
#pragma once

#include "base/arena.h"
#include "wire/msg.h"

/* ---- filters: path = value [AND path = value ...] ------------------------------------------------------------- */

#define PT_FILTER_TERMS_MAX 16

struct pt_filter_term {
    const char *path;
    const char *value;
};

struct pt_filter {
    struct pt_filter_term terms[PT_FILTER_TERMS_MAX];
    size_t len;
};

/* "" fits everything. Strings live in the arena. PT_INVALID_ARGUMENT FILTER_INVALID says where and what would be right.
 */
PT_MUST enum pt_code pt_filter_parse(const char *text, struct pt_arena *arena, struct pt_filter *ret_filter,
                                     struct pt_error *reterr);
/* Paths must exist in the kind and end in a scalar; values must be possible for it. */
PT_MUST enum pt_code pt_filter_check(const struct pt_filter *filter, const struct pt_message_type *kind,
                                     struct pt_error *reterr);
/* A path that the kind does not have fits nothing. */
bool pt_filter_match(const struct pt_filter *filter, const struct pt_msg *resource);

/* The field that a path ends in, as for pt_msg_text; NULL when there is none. A map's value field for a map entry. */
const struct pt_field_type *pt_path_field(const struct pt_message_type *type, const char *path);

/* ---- order ---------------------------------------------------------------------------------------------------- */

struct pt_order {
    const char *path; /* NULL: by name */
    const struct pt_field_type *field;
    bool in_map; /* the field is the value of a map's entry */
    bool descending;
};

PT_MUST enum pt_code pt_order_parse(const char *text, const struct pt_message_type *kind, struct pt_arena *arena,
                                    struct pt_order *ret_order, struct pt_error *reterr);
/* Append bytes that compare (memcmp, then size) as the resources should be ordered, the name included. */
void pt_order_key(const struct pt_order *order, const struct pt_msg *resource, const char *name, struct pt_buf *out);

/* ---- page tokens: base64url of a check over (query, key) and the key ------------------------------------------ */

void pt_page_token(const char *query, struct pt_bytes key, struct pt_buf *out);
/* The key of the last resource of the page before. PT_INVALID_ARGUMENT PAGE_TOKEN_INVALID unless the token was made for
 * this query. */
PT_MUST enum pt_code pt_page_key(const char *query, const char *token, struct pt_buf *ret_key, struct pt_error *reterr);
