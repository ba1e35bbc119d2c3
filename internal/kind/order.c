/*
 * Order and pages of List.
 *
 * A resource's key is a byte string that compares as the resources are ordered; a page token is the key of the last
 * resource of a page. So a page goes on at the right place whatever was created or deleted meanwhile. The token carries
 * a check over query and key: it fits one query only and cannot be edited by hand unnoticed. (It is no secret: what it
 * could reveal, the caller has been shown.)
 */
#include "kind/query.h"

#include "base/assert.h"
#include "crypto/crypto.h"

#include <stdlib.h>
#include <string.h>

/* ---- order ---------------------------------------------------------------------------------------------------- */

static bool leads_into_map(const struct pt_message_type *kind, const char *path, struct pt_arena *arena)
{
    for (const char *dot = strchr(path, '.'); dot != NULL; dot = strchr(dot + 1, '.')) {
        const struct pt_field_type *field = pt_path_field(kind, pt_arena_strndup(arena, path, (size_t)(dot - path)));
        if (field != NULL && field->map) {
            return true;
        }
    }
    return false;
}

enum pt_code pt_order_parse(const char *text, const struct pt_message_type *kind, struct pt_arena *arena,
                            struct pt_order *ret_order, struct pt_error *reterr)
{
    struct pt_order order = {0};
    text += strspn(text, " ");
    size_t size = strcspn(text, " ");
    const char *rest = text + size + strspn(text + size, " ");
    if (*rest != '\0' && strcmp(rest, "desc") != 0 && strcmp(rest, "asc") != 0) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "order_by",
                       "'%.100s' is not an order; write one field, optionally followed by desc, for example: "
                       "create_time desc",
                       text);
    }
    order.descending = strcmp(rest, "desc") == 0;
    if (size > 0 && !(size == 4 && strncmp(text, "name", 4) == 0)) {
        order.path = pt_arena_strndup(arena, text, size);
        order.field = pt_path_field(kind, order.path);
        order.in_map = order.field != NULL && leads_into_map(kind, order.path, arena);
        bool time = order.field != NULL && order.field->message != NULL &&
                    (order.field->message->well_known == PT_WELL_KNOWN_TIMESTAMP ||
                     order.field->message->well_known == PT_WELL_KNOWN_DURATION);
        if (order.field == NULL || order.field->repeated || (order.field->message != NULL && !time)) {
            return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "order_by",
                           "%s has no single-valued field '%.100s' to order by", kind->name, order.path);
        }
    }
    *ret_order = order;
    return PT_OK;
}

static bool is_number(const struct pt_field_type *field)
{
    switch (field->kind) {
    case PT_FIELD_STRING:
    case PT_FIELD_BYTES:
    case PT_FIELD_FLOAT:
    case PT_FIELD_DOUBLE:
        return false;
    default:
        return true;
    }
}

/* The singular message that holds the last field of a path; NULL when it is absent. */
static const struct pt_msg *holder(const struct pt_msg *msg, const char *path, const char **ret_last)
{
    const char *dot = strchr(path, '.');
    while (msg != NULL && dot != NULL) {
        char part[256];
        size_t size = (size_t)(dot - path);
        pt_assert(size < sizeof(part)); /* pt_path_field has seen it */
        memcpy(part, path, size);
        part[size] = '\0';
        msg = pt_msg_child(msg, pt_message_field(msg->type, part)->name);
        path = dot + 1;
        dot = strchr(path, '.');
    }
    *ret_last = path;
    return msg;
}

/* As an unsigned number of equal order; what is absent is 0. */
static uint64_t number_of(const struct pt_order *order, const struct pt_msg *resource)
{
    const uint64_t sign = (uint64_t)1 << 63;
    const char *last = NULL;
    const struct pt_msg *msg = holder(resource, order->path, &last);
    const char *name = order->field->name;
    switch (order->field->kind) {
    case PT_FIELD_BOOL:
        return msg != NULL && pt_msg_bool(msg, name);
    case PT_FIELD_UINT32:
    case PT_FIELD_UINT64:
    case PT_FIELD_FIXED32:
    case PT_FIELD_FIXED64:
        return msg != NULL ? pt_msg_u64(msg, name) : 0;
    case PT_FIELD_MESSAGE:
        return (uint64_t)(msg != NULL ? pt_msg_time(msg, name) : 0) ^ sign;
    default:
        return (uint64_t)(msg != NULL ? pt_msg_i64(msg, name) : 0) ^ sign;
    }
}

/* A value in a map, as a number of equal order. */
static uint64_t map_number(const struct pt_order *order, const struct pt_msg *resource)
{
    PT_AUTO(buf) struct pt_buf text = {0};
    bool found = pt_msg_text(resource, order->path, &text, NULL) == PT_OK && text.size > 0;
    long long number = found ? strtoll((const char *)text.data, NULL, 10) : 0;
    return (uint64_t)number ^ (uint64_t)1 << 63;
}

void pt_order_key(const struct pt_order *order, const struct pt_msg *resource, const char *name, struct pt_buf *out)
{
    size_t start = out->size;
    if (order->path == NULL) {
        pt_buf_append_str(out, name);
    } else if (is_number(order->field)) {
        pt_buf_append_be64(out, order->in_map ? map_number(order, resource) : number_of(order, resource));
    } else {
        /* Text is ended by a NUL, which it cannot hold, so that a prefix comes first. */
        if (pt_msg_text(resource, order->path, out, NULL) != PT_OK) {
            out->size = start; /* as if absent */
        }
        pt_buf_append_u8(out, 0);
    }
    for (size_t i = start; order->descending && i < out->size; i++) {
        out->data[i] = (uint8_t)~out->data[i];
    }
    if (order->path != NULL) {
        pt_buf_append_str(out, name);
    } else if (order->descending) {
        pt_buf_append_u8(out, 0xff); /* a prefix comes last */
    }
}

/* ---- tokens --------------------------------------------------------------------------------------------------- */

#define CHECK_SIZE 8

static void make_check(const char *query, struct pt_bytes key, uint8_t check[CHECK_SIZE])
{
    PT_AUTO(buf) struct pt_buf bytes = {0};
    pt_buf_append(&bytes, query, strlen(query) + 1);
    pt_buf_append(&bytes, key.data, key.size);
    struct pt_digest digest = pt_sha256(bytes.data, bytes.size);
    memcpy(check, digest.bytes, CHECK_SIZE);
}

void pt_page_token(const char *query, struct pt_bytes key, struct pt_buf *out)
{
    PT_AUTO(buf) struct pt_buf bytes = {0};
    make_check(query, key, pt_buf_reserve(&bytes, CHECK_SIZE));
    bytes.size += CHECK_SIZE;
    pt_buf_append(&bytes, key.data, key.size);
    pt_base64url_encode(pt_buf_bytes(&bytes), out);
}

enum pt_code pt_page_key(const char *query, const char *token, struct pt_buf *ret_key, struct pt_error *reterr)
{
    PT_AUTO(buf) struct pt_buf bytes = {0};
    uint8_t check[CHECK_SIZE] = {0};
    bool sound = pt_base64url_decode(token, strlen(token), &bytes, NULL) == PT_OK && bytes.size >= CHECK_SIZE;
    if (sound) {
        make_check(query, (struct pt_bytes){bytes.data + CHECK_SIZE, bytes.size - CHECK_SIZE}, check);
        sound = memcmp(check, bytes.data, CHECK_SIZE) == 0;
    }
    if (!sound) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_PAGE_TOKEN_INVALID, "page_token",
                       "the token does not belong to this query; repeat parent, filter and order_by as they were, or "
                       "begin without a token");
    }
    pt_buf_append(ret_key, bytes.data + CHECK_SIZE, bytes.size - CHECK_SIZE);
    return PT_OK;
}
