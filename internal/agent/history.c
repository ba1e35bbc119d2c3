/*
 * A ring of records, and chains through it by the flow's hash.
 *
 *      records  [ n ][n+1] ... [n-1]          a record's number is how many came before it; it stands at number % size,
 *                 ^                           and is there as long as fewer than size came after it
 *      heads    hash -> newest number + 1 --older--> number + 1 --older--> ... 0 or overwritten: the end
 *
 * A chain needs no repair when a record is overwritten: whoever follows it sees that the number is too old, and all
 * behind it are older. Rulings and photographs are shared by count, so that a thousand flows under one rule cost one.
 */
#include "agent/history.h"

#include "base/assert.h"
#include "base/buf.h"
#include "base/map.h"
#include "bpf/abi/event.h"

#include <stdlib.h>
#include <string.h>

#define SECOND_NS 1000000000LL

struct slot {
    struct pt_history_record record;
    uint64_t older; /* number + 1 of the flow's hash's record before; 0: none */
};

struct pt_history {
    struct slot *slots;
    uint64_t *heads; /* by hash */
    size_t size;     /* a power of two */
    uint64_t count;  /* records so far: the next one's number */
    struct pt_history_record *drops;
    uint64_t drops_count;
    struct pt_map rulings; /* text -> struct pt_history_ruling; not referenced by the map */
    struct pt_map photos;  /* group -> struct pt_history_photo; referenced */
};

struct pt_history *pt_history_new(size_t records_max)
{
    struct pt_history *history = calloc(1, sizeof(*history));
    pt_assert(history != NULL);
    history->size = 1;
    while (history->size < records_max) {
        history->size *= 2;
    }
    history->slots = calloc(history->size, sizeof(*history->slots));
    history->heads = calloc(history->size, sizeof(*history->heads));
    history->drops = calloc(PT_HISTORY_DROPS, sizeof(*history->drops));
    pt_assert(history->slots != NULL && history->heads != NULL && history->drops != NULL);
    return history;
}

/* ---- what is shared ------------------------------------------------------------------------------------------- */

static void ruling_key(const char *origin, uint64_t revision, const char *sla, bool require, struct pt_buf *key)
{
    pt_buf_append_str(key, origin);
    pt_buf_append_u8(key, 0);
    pt_buf_append_str(key, sla);
    pt_buf_append_u8(key, require);
    pt_buf_append_be64(key, revision);
}

struct pt_history_ruling *pt_history_ruling(struct pt_history *history, const char *origin, uint64_t revision,
                                            const char *sla, bool require)
{
    PT_AUTO(buf) struct pt_buf key = {0};
    ruling_key(origin, revision, sla, require, &key);
    struct pt_history_ruling *ruling = pt_map_get(&history->rulings, key.data, key.size);
    if (ruling == NULL) {
        ruling = calloc(1, sizeof(*ruling));
        pt_assert(ruling != NULL);
        ruling->origin = strdup(origin);
        ruling->sla = strdup(sla);
        pt_assert(ruling->origin != NULL && ruling->sla != NULL);
        ruling->revision = revision;
        ruling->require = require;
        (void)pt_map_put(&history->rulings, key.data, key.size, ruling);
    }
    ruling->refs++;
    return ruling;
}

static void ruling_unref(struct pt_history *history, struct pt_history_ruling *ruling)
{
    if (ruling == NULL || --ruling->refs > 0) {
        return;
    }
    PT_AUTO(buf) struct pt_buf key = {0};
    ruling_key(ruling->origin, ruling->revision, ruling->sla, ruling->require, &key);
    (void)pt_map_remove(&history->rulings, key.data, key.size);
    free(ruling->origin);
    free(ruling->sla);
    free(ruling);
}

static void photo_unref(struct pt_history_photo *photo)
{
    if (photo != NULL && --photo->refs == 0) {
        free(photo);
    }
}

struct pt_history_photo *pt_history_photo(struct pt_history *history, uint32_t site_label, uint32_t policy_class,
                                          int64_t time_ns, void (*take)(void *arg, struct pt_history_photo *photo),
                                          void *arg)
{
    uint8_t key[8];
    pt_put_be64(key, (uint64_t)site_label << 32 | policy_class);
    struct pt_history_photo *photo = pt_map_get(&history->photos, key, sizeof(key));
    if (photo == NULL || time_ns - photo->time_ns >= PT_HISTORY_PHOTO_NS || time_ns < photo->time_ns) {
        photo_unref(photo);
        photo = calloc(1, sizeof(*photo));
        pt_assert(photo != NULL);
        photo->refs = 1;
        photo->time_ns = time_ns;
        take(arg, photo);
        (void)pt_map_put(&history->photos, key, sizeof(key), photo);
    }
    photo->refs++;
    return photo;
}

void pt_history_forget_photos(struct pt_history *history)
{
    PT_MAP_FOREACH (entry, &history->photos) {
        photo_unref(entry->value);
    }
    pt_map_clear(&history->photos);
}

static void let_go(struct pt_history *history, struct pt_history_record *record)
{
    ruling_unref(history, record->ruling);
    photo_unref(record->photo);
    *record = (struct pt_history_record){0};
}

void pt_history_free(struct pt_history *history)
{
    if (history == NULL) {
        return;
    }
    for (size_t i = 0; i < history->size; i++) {
        let_go(history, &history->slots[i].record);
    }
    for (size_t i = 0; i < PT_HISTORY_DROPS; i++) {
        let_go(history, &history->drops[i]);
    }
    pt_history_forget_photos(history);
    pt_map_fini(&history->rulings);
    pt_map_fini(&history->photos);
    free(history->slots);
    free(history->heads);
    free(history->drops);
    free(history);
}

/* ---- records -------------------------------------------------------------------------------------------------- */

static bool same_flow(const struct pt_dp_flow_key *a, const struct pt_dp_flow_key *b)
{
    return pt_ip_equal(&a->source, &b->source) && pt_ip_equal(&a->destination, &b->destination) && a->vni == b->vni &&
           a->source_port == b->source_port && a->destination_port == b->destination_port && a->protocol == b->protocol;
}

static size_t bucket_of(const struct pt_history *history, const struct pt_dp_flow_key *flow)
{
    uint64_t hash = 0xcbf29ce484222325ULL; /* FNV-1a */
    uint8_t rest[9];
    pt_put_be32(rest, flow->vni);
    pt_put_be32(rest + 4, (uint32_t)flow->source_port << 16 | flow->destination_port);
    rest[8] = flow->protocol;
    for (size_t i = 0; i < sizeof(flow->source.bytes) * 2 + sizeof(rest); i++) {
        uint8_t byte = i < 16 ? flow->source.bytes[i] : i < 32 ? flow->destination.bytes[i - 16] : rest[i - 32];
        hash = (hash ^ byte) * 0x100000001b3ULL;
    }
    return (size_t)(hash ^ hash >> 32) & (history->size - 1);
}

/* The record of a number + 1, or NULL when there is none any more. */
static const struct slot *slot_of(const struct pt_history *history, uint64_t next)
{
    bool there = next != 0 && history->count - (next - 1) <= history->size;
    return there ? &history->slots[(next - 1) & (history->size - 1)] : NULL;
}

static bool is_drop(const struct pt_history_record *record)
{
    return record->decision.verdict == PT_FLOW_DROP || record->decision.kind != PT_EVENT_FLOW;
}

/* The same drop of the same flow, in less than a second. */
static bool repeats(const struct pt_history_record *older, const struct pt_history_record *record)
{
    return is_drop(older) && is_drop(record) && older->decision.reason == record->decision.reason &&
           older->decision.rule_id == record->decision.rule_id && record->time_ns - older->time_ns < SECOND_NS &&
           same_flow(&older->decision.flow, &record->decision.flow);
}

/* False: it repeats another. */
static bool add_drop(struct pt_history *history, const struct pt_history_record *record)
{
    for (uint64_t i = history->drops_count; i > 0 && history->drops_count - i < PT_HISTORY_DROPS; i--) {
        if (repeats(&history->drops[(i - 1) % PT_HISTORY_DROPS], record)) {
            return false;
        }
    }
    struct pt_history_record *drop = &history->drops[history->drops_count++ % PT_HISTORY_DROPS];
    let_go(history, drop);
    *drop = *record;
    if (record->ruling != NULL) {
        record->ruling->refs++;
    }
    if (record->photo != NULL) {
        record->photo->refs++;
    }
    return true;
}

bool pt_history_add(struct pt_history *history, const struct pt_history_record *record)
{
    struct pt_history_record given = *record;
    size_t bucket = bucket_of(history, &given.decision.flow);
    const struct slot *newest = slot_of(history, history->heads[bucket]);
    bool kept = is_drop(&given) && add_drop(history, &given);
    if (given.decision.kind == PT_EVENT_PACKET || (newest != NULL && repeats(&newest->record, &given))) {
        let_go(history, &given);
        return kept;
    }
    struct slot *slot = &history->slots[history->count & (history->size - 1)];
    let_go(history, &slot->record);
    slot->record = given;
    slot->older = history->heads[bucket];
    history->heads[bucket] = ++history->count;
    return true;
}

size_t pt_history_find(const struct pt_history *history, const struct pt_dp_flow_key *flow, int64_t time_ns,
                       const struct pt_history_record **ret_records, size_t len_max)
{
    size_t len = 0;
    const struct slot *slot = slot_of(history, history->heads[bucket_of(history, flow)]);
    for (; slot != NULL && len < len_max; slot = slot_of(history, slot->older)) {
        if (slot->record.time_ns <= time_ns && same_flow(&slot->record.decision.flow, flow)) {
            ret_records[len++] = &slot->record;
        }
    }
    return len;
}

size_t pt_history_drops(const struct pt_history *history, uint32_t reason, const struct pt_history_record **ret_records,
                        size_t len_max)
{
    size_t len = 0;
    for (uint64_t i = history->drops_count; i > 0 && history->drops_count - i < PT_HISTORY_DROPS && len < len_max;
         i--) {
        const struct pt_history_record *record = &history->drops[(i - 1) % PT_HISTORY_DROPS];
        if (reason == 0 || record->decision.reason == reason) {
            ret_records[len++] = record;
        }
    }
    return len;
}

int64_t pt_history_oldest(const struct pt_history *history)
{
    uint64_t kept = history->count < history->size ? history->count : history->size;
    return kept == 0 ? 0 : history->slots[(history->count - kept) & (history->size - 1)].record.time_ns;
}
