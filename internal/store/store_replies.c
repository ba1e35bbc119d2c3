/*
 * Replies by request id, so that a repeated request gets its answer and not a second effect.
 *
 * On disk they lie by a sequence number, which makes putting one an append and dropping the oldest a cut at the other
 * end. Which number a request id has is known in memory; the reply's bytes are not kept there. The digest of each is:
 * dropping one must not mean hashing it again.
 *
 * An eviction moves `head` and the digest at once; rows and memory go at the commit. Undo therefore only moves head
 * back.
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

struct pt_digest store_reply_digest(struct pt_store *store, const char *request_id, uint64_t revision,
                                    struct pt_bytes reply)
{
    store_form_start(store, STORE_TAG_REPLY);
    store_form_text(store, request_id);
    store_form_u64(store, revision);
    store_form_bytes(store, reply.data, reply.size);
    return store_form_digest(store);
}

uint64_t store_replies_first(const struct pt_store *store)
{
    const struct store_replies *replies = &store->replies;
    return replies->head < replies->len ? replies->list[replies->head]->seq : replies->next_seq;
}

enum pt_code pt_store_reply_get(struct pt_store *store, const char *request_id, struct pt_buf *ret_reply,
                                struct pt_error *reterr)
{
    const struct store_reply *reply = pt_map_get_str(&store->replies.by_id, request_id);
    if (reply == NULL) {
        return PT_NOT_FOUND;
    }
    sqlite3_stmt *get = NULL;
    PT_TRY(store_db_statement(&store->db, STORE_REPLY_GET, &get, reterr));
    store_bind_u64(get, 1, reply->seq);
    bool row = false;
    PT_TRY(store_db_step(&store->db, get, &row, reterr));
    if (!row) {
        return store_db_corrupt(&store->db, reterr, "the reply to request %s is gone", request_id);
    }
    struct pt_bytes bytes = store_column_bytes(get, 0);
    pt_buf_append(ret_reply, bytes.data, bytes.size);
    (void)sqlite3_reset(get); /* the row was there: nothing can have failed */
    return PT_OK;
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
    sqlite3_stmt *insert = NULL;
    PT_TRY(store_db_statement(&store->db, STORE_REPLY_INSERT, &insert, reterr));
    store_bind_u64(insert, 1, replies->next_seq);
    store_bind_text(insert, 2, request_id);
    store_bind_u64(insert, 3, revision);
    store_bind_bytes(insert, 4, reply);
    PT_TRY(store_db_run(&store->db, insert, reterr));
    struct store_reply *entry = store_reply_add(store, replies->next_seq, request_id);
    entry->term = store_reply_digest(store, request_id, revision, reply);
    store_digest_swap(store, NULL, &entry->term);
    while (replies->len - replies->head > keep_len) {
        struct store_reply *oldest = replies->list[replies->head++];
        store_digest_swap(store, &oldest->term, NULL);
        void *removed = pt_map_remove_str(&replies->by_id, oldest->request_id);
        pt_assert(removed == oldest);
    }
    return PT_OK;
}

enum pt_code store_replies_flush(struct pt_store *store, struct pt_error *reterr)
{
    struct store_replies *replies = &store->replies;
    if (replies->head == replies->gone) {
        return PT_OK;
    }
    sqlite3_stmt *evict = NULL;
    PT_TRY(store_db_statement(&store->db, STORE_REPLY_EVICT, &evict, reterr));
    store_bind_u64(evict, 1, store_replies_first(store));
    PT_TRY(store_db_run(&store->db, evict, reterr));
    for (size_t i = replies->gone; i < replies->head; i++) {
        free(replies->list[i]);
    }
    replies->gone = replies->head;
    if (replies->gone > replies->len / 2) { /* move what is left so seldom that it costs nothing */
        replies->len -= replies->gone;
        memmove(replies->list, replies->list + replies->gone, replies->len * sizeof(struct store_reply *));
        replies->gone = 0;
        replies->head = 0;
    }
    return PT_OK;
}

enum pt_code store_replies_undo(struct pt_store *store, struct pt_error *reterr)
{
    struct store_replies *replies = &store->replies;
    const struct store_undo *undo = &store->undo;
    if (replies->len > undo->reply_len) {
        uint64_t from = replies->list[undo->reply_len]->seq;
        sqlite3_stmt *remove = NULL;
        PT_TRY(store_db_statement(&store->db, STORE_REPLY_UNDO, &remove, reterr));
        store_bind_u64(remove, 1, from);
        PT_TRY(store_db_run(&store->db, remove, reterr));
        replies->next_seq = from;
    }
    while (replies->len > undo->reply_len) {
        struct store_reply *reply = replies->list[--replies->len];
        if (replies->len >= replies->head) {
            (void)pt_map_remove_str(&replies->by_id, reply->request_id);
        }
        free(reply);
    }
    size_t evicted = replies->head < replies->len ? replies->head : replies->len;
    for (size_t i = undo->reply_head; i < evicted; i++) {
        pt_map_put_str(&replies->by_id, replies->list[i]->request_id, replies->list[i]);
    }
    replies->head = undo->reply_head;
    return PT_OK;
}

void store_replies_clear(struct pt_store *store)
{
    struct store_replies *replies = &store->replies;
    for (size_t i = replies->gone; i < replies->len; i++) {
        free(replies->list[i]);
    }
    free(replies->list);
    pt_map_fini(&replies->by_id);
    *replies = (struct store_replies){0};
}
