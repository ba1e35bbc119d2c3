/*
 * Replies by request id, so that a repeated request gets its answer and not a second effect.
 *
 * On disk the replies of several log entries are one row, under the sequence number of the first; a group makes one,
 * or more when they are long (store.c):
 *
 *   { id size(4), id with its NUL, revision(8), reply size(4), reply } ...
 *
 * Putting is then an append to memory, and a row is one insert of a long value, which goes to pages of its own.
 * One row each would cost an insert and, as the oldest go, a delete with its rebalancing, several times as much.
 *
 * Where a reply lies is known in memory by its request id; its bytes are not kept there, but its digest is: dropping
 * one must not mean reading and hashing it again. An eviction moves `head` and the digest at once; memory goes at the
 * commit, and a row when all of its replies are gone. Undo cuts `pending` and moves head back.
 */
#include "base/assert.h"
#include "store/store_state.h"

#include <stdlib.h>

struct store_reply *store_reply_add(struct pt_store *store, uint64_t seq, const char *request_id)
{
    struct store_replies *replies = &store->replies;
    size_t size = strlen(request_id) + 1;
    struct store_reply *reply = calloc(1, sizeof(*reply) + size);
    pt_assert(reply != NULL);
    reply->seq = seq;
    memcpy(reply->request_id, request_id, size);
    if (replies->len == replies->capacity) {
        replies->capacity = replies->capacity == 0 ? 64 : replies->capacity * 2;
        replies->list = realloc(replies->list, replies->capacity * sizeof(struct store_reply *));
        pt_assert(replies->list != NULL);
    }
    replies->list[replies->len++] = reply;
    replies->next_seq = seq + 1;
    void *before = pt_map_put_str(&replies->by_id, request_id, reply);
    pt_assert(before == NULL);
    return reply;
}

/* The reply's bytes stand for themselves by size and checksum: they repeat the resource, which is hashed as a row, and
 * hashing them a second time was a quarter of a create. */
struct pt_digest store_reply_digest(struct pt_store *store, const struct store_reply_entry *entry)
{
    store_form_start(store, STORE_TAG_REPLY);
    store_form_text(store, entry->request_id);
    store_form_u64(store, entry->revision);
    store_form_u64(store, entry->reply.size);
    store_form_u64(store, pt_crc32c(0, entry->reply.data, entry->reply.size));
    return store_form_digest(store);
}

bool store_reply_parse(struct pt_bytes body, size_t *at, struct store_reply_entry *ret_entry)
{
    const uint8_t *data = body.data;
    size_t left = body.size - *at;
    if (left < 4 || pt_be32(data + *at) == 0 || left - 4 < (uint64_t)pt_be32(data + *at) + 12) {
        return false;
    }
    size_t id_size = pt_be32(data + *at);
    const uint8_t *id = data + *at + 4;
    const uint8_t *rest = id + id_size;
    size_t size = pt_be32(rest + 8);
    if (strnlen((const char *)id, id_size) != id_size - 1 || left - 4 - id_size - 12 < size) {
        return false;
    }
    *ret_entry = (struct store_reply_entry){.request_id = (const char *)id,
                                            .revision = pt_be64(rest),
                                            .reply = {rest + 12, size},
                                            .offset = (size_t)(rest + 12 - data)};
    *at = ret_entry->offset + size;
    return true;
}

/* Sequence number of the oldest that is live: what the status record says. */
uint64_t store_replies_first(const struct pt_store *store)
{
    const struct store_replies *replies = &store->replies;
    return replies->head < replies->len ? replies->list[replies->head]->seq : replies->next_seq;
}

static enum pt_code read_reply(struct pt_store *store, const struct store_reply *reply, struct pt_buf *ret_reply,
                               struct pt_error *reterr)
{
    sqlite3_stmt *get = NULL;
    PT_TRY(store_db_statement(&store->db, STORE_REPLY_GET, &get, reterr));
    store_bind_u64(get, 1, reply->batch);
    store_bind_u64(get, 2, reply->offset + 1); /* SQL counts from 1 */
    store_bind_u64(get, 3, reply->size);
    bool row = false;
    PT_TRY(store_db_step(&store->db, get, &row, reterr));
    struct pt_bytes bytes = row ? store_column_bytes(get, 0) : (struct pt_bytes){0};
    if (!row || bytes.size != reply->size) {
        return store_db_corrupt(&store->db, reterr, "the reply to request %s is gone", reply->request_id);
    }
    pt_buf_append(ret_reply, bytes.data, bytes.size);
    (void)sqlite3_reset(get); /* the row was there: nothing can have failed */
    return PT_OK;
}

enum pt_code pt_store_reply_get(struct pt_store *store, const char *request_id, struct pt_buf *ret_reply,
                                struct pt_error *reterr)
{
    const struct store_reply *reply = pt_map_get_str(&store->replies.by_id, request_id);
    if (reply == NULL) {
        return PT_NOT_FOUND;
    }
    if (reply->seq >= store->replies.pending_seq) {
        pt_buf_append(ret_reply, store->replies.pending.data + reply->offset, reply->size);
        return PT_OK;
    }
    return read_reply(store, reply, ret_reply, reterr);
}

enum pt_code pt_store_reply_put(struct pt_store *store, const char *request_id, uint64_t revision,
                                struct pt_bytes reply, size_t keep_len, struct pt_error *reterr)
{
    struct store_replies *replies = &store->replies;
    pt_assert(store->in_transaction && keep_len > 0);
    if (pt_map_get_str(&replies->by_id, request_id) != NULL) {
        return pt_fail(reterr, PT_ALREADY_EXISTS, PT_REASON_REQUEST_ID_REUSED, NULL, "request %s has a reply already",
                       request_id);
    }
    size_t id_size = strlen(request_id) + 1;
    pt_buf_append_be32(&replies->pending, (uint32_t)id_size);
    pt_buf_append(&replies->pending, request_id, id_size);
    pt_buf_append_be64(&replies->pending, revision);
    pt_buf_append_be32(&replies->pending, (uint32_t)reply.size);
    struct store_reply *entry = store_reply_add(store, replies->next_seq, request_id);
    entry->batch = replies->pending_seq;
    entry->offset = replies->pending.size;
    entry->size = reply.size;
    pt_buf_append(&replies->pending, reply.data, reply.size);
    const struct store_reply_entry form = {.request_id = request_id, .revision = revision, .reply = reply};
    entry->term = store_reply_digest(store, &form);
    store_digest_swap(store, NULL, &entry->term);
    while (replies->len - replies->head > keep_len) {
        struct store_reply *oldest = replies->list[replies->head++];
        store_digest_swap(store, &oldest->term, NULL);
        void *removed = pt_map_remove_str(&replies->by_id, oldest->request_id);
        pt_assert(removed == oldest);
    }
    return PT_OK;
}

/* Free the memory of those that were evicted, and close the gap so seldom that it costs nothing. */
static void drop_evicted(struct store_replies *replies)
{
    for (size_t i = replies->gone; i < replies->head; i++) {
        free(replies->list[i]);
    }
    replies->gone = replies->head;
    if (replies->gone > replies->len / 2) {
        replies->len -= replies->gone;
        memmove(replies->list, replies->list + replies->gone, replies->len * sizeof(struct store_reply *));
        replies->gone = 0;
        replies->head = 0;
    }
}

enum pt_code store_replies_insert(struct pt_store *store, struct pt_error *reterr)
{
    struct store_replies *replies = &store->replies;
    pt_assert(!store->in_savepoint);
    if (replies->pending.size == 0) {
        return PT_OK;
    }
    sqlite3_stmt *insert = NULL;
    PT_TRY(store_db_statement(&store->db, STORE_REPLY_INSERT, &insert, reterr));
    store_bind_u64(insert, 1, replies->pending_seq);
    store_bind_bytes(insert, 2, pt_buf_bytes(&replies->pending));
    PT_TRY(store_db_run(&store->db, insert, reterr));
    pt_buf_reset(&replies->pending);
    replies->pending_seq = replies->next_seq;
    return PT_OK;
}

enum pt_code store_replies_flush(struct pt_store *store, struct pt_error *reterr)
{
    struct store_replies *replies = &store->replies;
    PT_TRY(store_replies_insert(store, reterr));
    if (replies->head > replies->gone) {
        bool any = replies->head < replies->len;
        sqlite3_stmt *evict = NULL;
        PT_TRY(store_db_statement(&store->db, STORE_REPLY_EVICT, &evict, reterr));
        store_bind_u64(evict, 1, any ? replies->list[replies->head]->batch : replies->next_seq);
        PT_TRY(store_db_run(&store->db, evict, reterr));
        drop_evicted(replies);
    }
    return PT_OK;
}

void store_replies_undo(struct pt_store *store)
{
    struct store_replies *replies = &store->replies;
    const struct store_undo *undo = &store->undo;
    while (replies->len > undo->reply_len) {
        struct store_reply *reply = replies->list[--replies->len];
        if (replies->len >= replies->head) {
            (void)pt_map_remove_str(&replies->by_id, reply->request_id);
        }
        replies->next_seq = reply->seq;
        free(reply);
    }
    size_t evicted = replies->head < replies->len ? replies->head : replies->len;
    for (size_t i = undo->reply_head; i < evicted; i++) {
        pt_map_put_str(&replies->by_id, replies->list[i]->request_id, replies->list[i]);
    }
    replies->head = undo->reply_head;
    replies->pending.size = undo->reply_pending;
}

void store_replies_clear(struct pt_store *store)
{
    struct store_replies *replies = &store->replies;
    for (size_t i = replies->gone; i < replies->len; i++) {
        free(replies->list[i]);
    }
    free(replies->list);
    pt_map_fini(&replies->by_id);
    pt_buf_fini(&replies->pending);
    *replies = (struct store_replies){0};
}
