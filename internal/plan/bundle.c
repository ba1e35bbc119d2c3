/*
 * Bundles: the forwarding state of one node as a sorted set of entries with a digest.
 *
 * Key of an entry: one byte, its number in the oneof, then its key fields as the schema names them, integers
 * big-endian:
 *
 *    node    -                             tunnel  tunnel (8)
 *    link    link (4)                      path    path (8)
 *    lan     interface                     group   site_label (4), policy_class (4), traffic_class (4)
 *    route   vni (4), prefix (16),         rule    vni (4), order (4)
 *            prefix_len (4)                 peer    site_label (4)
 *    sla     sla (8)                        subject vni (4), address (16)
 *
 * Keys are ordered as byte strings. Canonical bytes of an entry are protobuf-c's own packing: fields ascend, defaults
 * are left out, there are no maps; fields of a later version come back as they came. The digest is SHA-256 over each
 * entry's length (4 bytes, big-endian) and bytes, in the order of keys.
 *
 * Entries are immutable and counted, so a new bundle shares with its base all that did not change: applying a
 * difference costs by the difference, but for the digest and a merge of two sorted lists; and so does planning anew
 * what is mostly as before, but for packing each entry once to see that.
 *
 * A bundle is immutable once made; references may be taken and dropped on any thread.
 */
#include "plan/plan.h"
#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

struct item {
    unsigned refs;
    Patronus__V1__Entry *entry;
    size_t key_size, size;
    uint8_t *packed; /* behind the key, in the same allocation */
    uint8_t key[];
};

struct pt_bundle {
    unsigned refs;
    struct pt_digest digest;
    size_t len;
    struct item **items;                 /* ascending by key */
    const Patronus__V1__Entry **entries; /* of the items */
};

/* ---- keys ----------------------------------------------------------------------------------------------------- */

static void key_prefix(struct pt_buf *key, const ProtobufCBinaryData *prefix, uint32_t len)
{
    pt_buf_append(key, prefix->data, prefix->len);
    pt_buf_append_be32(key, len);
}

/* Translation, filters, protection. */
static bool later_key(const Patronus__V1__Entry *entry, struct pt_buf *key)
{
    switch (entry->entry_case) {
    case PATRONUS__V1__ENTRY__ENTRY_EXIT:
        pt_buf_append_be32(key, entry->exit->vni);
        pt_buf_append_be32(key, entry->exit->link);
        return true;
    case PATRONUS__V1__ENTRY__ENTRY_FORWARD:
        pt_buf_append_be32(key, entry->forward->link);
        pt_buf_append_be32(key, entry->forward->protocol);
        pt_buf_append_be32(key, entry->forward->port);
        return true;
    case PATRONUS__V1__ENTRY__ENTRY_PREFIX_MAP:
        pt_buf_append_be32(key, entry->prefix_map->vni);
        key_prefix(key, &entry->prefix_map->inside, entry->prefix_map->prefix_len);
        return true;
    case PATRONUS__V1__ENTRY__ENTRY_FILTER:
        pt_buf_append_be32(key, entry->filter->vni);
        return true;
    case PATRONUS__V1__ENTRY__ENTRY_FILTER_RULE:
        pt_buf_append_be32(key, entry->filter_rule->vni);
        pt_buf_append_be32(key, entry->filter_rule->order);
        return true;
    case PATRONUS__V1__ENTRY__ENTRY_GUARD:
        return true;
    case PATRONUS__V1__ENTRY__ENTRY_DENIED:
        key_prefix(key, &entry->denied->prefix, entry->denied->prefix_len);
        return true;
    case PATRONUS__V1__ENTRY__ENTRY_LIMIT:
        pt_buf_append_be64(key, entry->limit->limit);
        return true;
    case PATRONUS__V1__ENTRY__ENTRY__NOT_SET:
    default:
        return false;
    }
}

/* False when the entry has no key: it is of a kind that a later version knows. */
static bool entry_key(const Patronus__V1__Entry *entry, struct pt_buf *key)
{
    pt_buf_reset(key);
    pt_buf_append_u8(key, (uint8_t)entry->entry_case);
    switch (entry->entry_case) {
    case PATRONUS__V1__ENTRY__ENTRY_NODE:
        return true;
    case PATRONUS__V1__ENTRY__ENTRY_LINK:
        pt_buf_append_be32(key, entry->link->link);
        return true;
    case PATRONUS__V1__ENTRY__ENTRY_LAN:
        pt_buf_append_str(key, entry->lan->interface);
        return true;
    case PATRONUS__V1__ENTRY__ENTRY_ROUTE:
        pt_buf_append_be32(key, entry->route->vni);
        pt_buf_append(key, entry->route->prefix.data, entry->route->prefix.len);
        pt_buf_append_be32(key, entry->route->prefix_len);
        return true;
    case PATRONUS__V1__ENTRY__ENTRY_TUNNEL:
        pt_buf_append_be64(key, entry->tunnel->tunnel);
        return true;
    case PATRONUS__V1__ENTRY__ENTRY_PATH:
        pt_buf_append_be64(key, entry->path->path);
        return true;
    case PATRONUS__V1__ENTRY__ENTRY_GROUP:
        pt_buf_append_be32(key, entry->group->site_label);
        pt_buf_append_be32(key, entry->group->policy_class);
        pt_buf_append_be32(key, entry->group->traffic_class);
        return true;
    case PATRONUS__V1__ENTRY__ENTRY_RULE:
        pt_buf_append_be32(key, entry->rule->vni);
        pt_buf_append_be32(key, entry->rule->order);
        return true;
    case PATRONUS__V1__ENTRY__ENTRY_PEER:
        pt_buf_append_be32(key, entry->peer->site_label);
        return true;
    case PATRONUS__V1__ENTRY__ENTRY_SLA:
        pt_buf_append_be64(key, entry->sla->sla);
        return true;
    case PATRONUS__V1__ENTRY__ENTRY_SUBJECT:
        pt_buf_append_be32(key, entry->subject->vni);
        pt_buf_append(key, entry->subject->address.data, entry->subject->address.len);
        return true;
    case PATRONUS__V1__ENTRY__ENTRY_APPLICATION:
        pt_buf_append_be32(key, entry->application->vni);
        pt_buf_append_be32(key, entry->application->application);
        return true;
    case PATRONUS__V1__ENTRY__ENTRY__NOT_SET:
    default:
        return later_key(entry, key);
    }
}

/* Storage for an entry of which only the key fields are set. */
struct key_entry {
    Patronus__V1__Entry entry;
    union {
        Patronus__V1__NodeEntry node;
        Patronus__V1__LinkEntry link;
        Patronus__V1__LanEntry lan;
        Patronus__V1__RouteEntry route;
        Patronus__V1__TunnelEntry tunnel;
        Patronus__V1__PathEntry path;
        Patronus__V1__GroupEntry group;
        Patronus__V1__RuleEntry rule;
        Patronus__V1__PeerEntry peer;
        Patronus__V1__SlaEntry sla;
        Patronus__V1__SubjectEntry subject;
        Patronus__V1__ExitEntry exit;
        Patronus__V1__ForwardEntry forward;
        Patronus__V1__PrefixMapEntry prefix_map;
        Patronus__V1__FilterEntry filter;
        Patronus__V1__FilterRuleEntry filter_rule;
        Patronus__V1__GuardEntry guard;
        Patronus__V1__DeniedEntry denied;
        Patronus__V1__LimitEntry limit;
        Patronus__V1__ApplicationEntry application;
    } u;
};

static void later_entry_init(struct key_entry *k, const Patronus__V1__Entry *from)
{
    switch (from->entry_case) {
    case PATRONUS__V1__ENTRY__ENTRY_EXIT:
        patronus__v1__exit_entry__init(&k->u.exit);
        k->u.exit.vni = from->exit->vni;
        k->u.exit.link = from->exit->link;
        break;
    case PATRONUS__V1__ENTRY__ENTRY_FORWARD:
        patronus__v1__forward_entry__init(&k->u.forward);
        k->u.forward.link = from->forward->link;
        k->u.forward.protocol = from->forward->protocol;
        k->u.forward.port = from->forward->port;
        break;
    case PATRONUS__V1__ENTRY__ENTRY_PREFIX_MAP:
        patronus__v1__prefix_map_entry__init(&k->u.prefix_map);
        k->u.prefix_map.vni = from->prefix_map->vni;
        k->u.prefix_map.inside = from->prefix_map->inside;
        k->u.prefix_map.prefix_len = from->prefix_map->prefix_len;
        break;
    case PATRONUS__V1__ENTRY__ENTRY_FILTER:
        patronus__v1__filter_entry__init(&k->u.filter);
        k->u.filter.vni = from->filter->vni;
        break;
    case PATRONUS__V1__ENTRY__ENTRY_FILTER_RULE:
        patronus__v1__filter_rule_entry__init(&k->u.filter_rule);
        k->u.filter_rule.vni = from->filter_rule->vni;
        k->u.filter_rule.order = from->filter_rule->order;
        break;
    case PATRONUS__V1__ENTRY__ENTRY_GUARD:
        patronus__v1__guard_entry__init(&k->u.guard);
        break;
    case PATRONUS__V1__ENTRY__ENTRY_DENIED:
        patronus__v1__denied_entry__init(&k->u.denied);
        k->u.denied.prefix = from->denied->prefix;
        k->u.denied.prefix_len = from->denied->prefix_len;
        break;
    case PATRONUS__V1__ENTRY__ENTRY_LIMIT:
        patronus__v1__limit_entry__init(&k->u.limit);
        k->u.limit.limit = from->limit->limit;
        break;
    default:
        pt_unreachable();
    }
}

/* Borrows names and bytes from `from`. */
static void key_entry_init(struct key_entry *k, const Patronus__V1__Entry *from)
{
    patronus__v1__entry__init(&k->entry);
    k->entry.entry_case = from->entry_case;
    k->entry.node = &k->u.node; /* the oneof's members share their place */
    switch (from->entry_case) {
    case PATRONUS__V1__ENTRY__ENTRY_NODE:
        patronus__v1__node_entry__init(&k->u.node);
        break;
    case PATRONUS__V1__ENTRY__ENTRY_LINK:
        patronus__v1__link_entry__init(&k->u.link);
        k->u.link.link = from->link->link;
        break;
    case PATRONUS__V1__ENTRY__ENTRY_LAN:
        patronus__v1__lan_entry__init(&k->u.lan);
        k->u.lan.interface = from->lan->interface;
        break;
    case PATRONUS__V1__ENTRY__ENTRY_ROUTE:
        patronus__v1__route_entry__init(&k->u.route);
        k->u.route.vni = from->route->vni;
        k->u.route.prefix = from->route->prefix;
        k->u.route.prefix_len = from->route->prefix_len;
        break;
    case PATRONUS__V1__ENTRY__ENTRY_TUNNEL:
        patronus__v1__tunnel_entry__init(&k->u.tunnel);
        k->u.tunnel.tunnel = from->tunnel->tunnel;
        break;
    case PATRONUS__V1__ENTRY__ENTRY_PATH:
        patronus__v1__path_entry__init(&k->u.path);
        k->u.path.path = from->path->path;
        break;
    case PATRONUS__V1__ENTRY__ENTRY_GROUP:
        patronus__v1__group_entry__init(&k->u.group);
        k->u.group.site_label = from->group->site_label;
        k->u.group.policy_class = from->group->policy_class;
        k->u.group.traffic_class = from->group->traffic_class;
        break;
    case PATRONUS__V1__ENTRY__ENTRY_RULE:
        patronus__v1__rule_entry__init(&k->u.rule);
        k->u.rule.vni = from->rule->vni;
        k->u.rule.order = from->rule->order;
        break;
    case PATRONUS__V1__ENTRY__ENTRY_PEER:
        patronus__v1__peer_entry__init(&k->u.peer);
        k->u.peer.site_label = from->peer->site_label;
        break;
    case PATRONUS__V1__ENTRY__ENTRY_SLA:
        patronus__v1__sla_entry__init(&k->u.sla);
        k->u.sla.sla = from->sla->sla;
        break;
    case PATRONUS__V1__ENTRY__ENTRY_SUBJECT:
        patronus__v1__subject_entry__init(&k->u.subject);
        k->u.subject.vni = from->subject->vni;
        k->u.subject.address = from->subject->address;
        break;
    case PATRONUS__V1__ENTRY__ENTRY_APPLICATION:
        patronus__v1__application_entry__init(&k->u.application);
        k->u.application.vni = from->application->vni;
        k->u.application.application = from->application->application;
        break;
    default:
        later_entry_init(k, from);
    }
}

/* ---- items ---------------------------------------------------------------------------------------------------- */

static struct item *item_new(const Patronus__V1__Entry *entry, const struct pt_buf *key)
{
    size_t size = patronus__v1__entry__get_packed_size(entry);
    struct item *item = malloc(sizeof(*item) + key->size + size);
    pt_assert(item != NULL);
    item->refs = 1;
    item->key_size = key->size;
    item->size = size;
    item->packed = item->key + key->size;
    memcpy(item->key, key->data, key->size);
    (void)patronus__v1__entry__pack(entry, item->packed);
    item->entry = patronus__v1__entry__unpack(NULL, size, item->packed);
    pt_assert(item->entry != NULL); /* it was just packed */
    return item;
}

/* The item of the bundle (may be NULL) with this key; NULL: it has none. */
static struct item *item_find(const struct pt_bundle *bundle, const struct pt_buf *key)
{
    size_t low = 0, high = bundle != NULL ? bundle->len : 0;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        struct item *item = bundle->items[middle];
        size_t size = item->key_size < key->size ? item->key_size : key->size;
        int order = memcmp(item->key, key->data, size);
        order = order != 0 ? order : (item->key_size > key->size) - (item->key_size < key->size);
        if (order == 0) {
            return item;
        }
        low = order < 0 ? middle + 1 : low;
        high = order < 0 ? high : middle;
    }
    return NULL;
}

/* A reference to the item of `like` that is this entry, or a new item. */
static struct item *item_like(const struct pt_bundle *like, const Patronus__V1__Entry *entry, const struct pt_buf *key)
{
    struct item *item = item_find(like, key);
    size_t size = item != NULL ? patronus__v1__entry__get_packed_size(entry) : 0;
    if (item != NULL && size == item->size) {
        PT_AUTO(buf) struct pt_buf packed = {0};
        (void)patronus__v1__entry__pack(entry, pt_buf_reserve(&packed, size));
        if (memcmp(packed.data, item->packed, size) == 0) {
            __atomic_add_fetch(&item->refs, 1, __ATOMIC_RELAXED);
            return item;
        }
    }
    return item_new(entry, key);
}

static void item_unref(struct item *item)
{
    if (__atomic_sub_fetch(&item->refs, 1, __ATOMIC_ACQ_REL) == 0) {
        patronus__v1__entry__free_unpacked(item->entry, NULL);
        free(item);
    }
}

static int item_compare(const struct item *a, const struct item *b)
{
    size_t size = a->key_size < b->key_size ? a->key_size : b->key_size;
    int order = memcmp(a->key, b->key, size);
    return order != 0 ? order : (a->key_size > b->key_size) - (a->key_size < b->key_size);
}

/* What may end up in a bundle. Of equal keys the highest rank wins. */
struct candidate {
    struct item *item; /* a reference */
    size_t rank;       /* 0: of the base; else its place in the input, from 1 */
    bool removed;
};

static int candidate_compare(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    int order = item_compare(x->item, y->item);
    return order != 0 ? order : (x->rank > y->rank) - (x->rank < y->rank);
}

struct candidates {
    struct candidate *list;
    size_t len;
};

static void candidates_add(struct candidates *c, struct item *item, size_t rank, bool removed)
{
    c->list[c->len++] = (struct candidate){.item = item, .rank = rank, .removed = removed};
}

static void candidates_fini(struct candidates *c)
{
    for (size_t i = 0; i < c->len; i++) {
        item_unref(c->list[i].item);
    }
    free(c->list);
}

/* ---- making bundles ------------------------------------------------------------------------------------------- */

/* Sorts the candidates and keeps the winner of each key. */
static struct pt_bundle *bundle_from(struct candidates *c)
{
    struct pt_bundle *bundle = calloc(1, sizeof(*bundle));
    struct pt_sha256_stream *stream = pt_sha256_open();
    pt_assert(bundle != NULL);
    bundle->refs = 1;
    bundle->items = calloc(c->len + 1, sizeof(*bundle->items));
    bundle->entries = calloc(c->len + 1, sizeof(*bundle->entries));
    pt_assert(bundle->items != NULL && bundle->entries != NULL);

    qsort(c->list, c->len, sizeof(*c->list), candidate_compare);
    for (size_t i = 0; i < c->len; i++) {
        bool last = i + 1 == c->len || item_compare(c->list[i].item, c->list[i + 1].item) != 0;
        if (!last || c->list[i].removed) {
            continue;
        }
        struct item *item = c->list[i].item;
        uint8_t size[4];
        pt_put_be32(size, (uint32_t)item->size);
        pt_sha256_update(stream, size, sizeof(size));
        pt_sha256_update(stream, item->packed, item->size);
        __atomic_add_fetch(&item->refs, 1, __ATOMIC_RELAXED);
        bundle->items[bundle->len] = item;
        bundle->entries[bundle->len++] = item->entry;
    }
    bundle->digest = pt_sha256_close(stream);
    return bundle;
}

struct pt_bundle *pt_bundle_new(Patronus__V1__Entry *const *entries, size_t len)
{
    return pt_bundle_new_like(NULL, entries, len);
}

struct pt_bundle *pt_bundle_new_like(const struct pt_bundle *like, Patronus__V1__Entry *const *entries, size_t len)
{
    struct candidates c = {.list = calloc(len + 1, sizeof(*c.list))};
    struct pt_buf key;
    pt_buf_init(&key);
    pt_assert(c.list != NULL);
    for (size_t i = 0; i < len; i++) {
        bool keyed = entry_key(entries[i], &key);
        pt_assert(keyed);
        candidates_add(&c, item_like(like, entries[i], &key), i + 1, false);
    }
    struct pt_bundle *bundle = bundle_from(&c);
    candidates_fini(&c);
    pt_buf_fini(&key);
    return bundle;
}

static enum pt_code candidates_add_list(struct candidates *c, Patronus__V1__Entry *const *entries, size_t len,
                                        bool removed, struct pt_buf *key, struct pt_error *reterr)
{
    for (size_t i = 0; i < len; i++) {
        if (!entry_key(entries[i], key)) {
            return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_MESSAGE_MALFORMED,
                           removed ? "bundle.removed" : "bundle.entries", "entry %zu is of no known kind", i);
        }
        candidates_add(c, item_new(entries[i], key), i + 1, removed);
    }
    return PT_OK;
}

/* An input names each key once. The candidates are sorted: their bundle was made. */
static enum pt_code candidates_check(const struct candidates *c, struct pt_error *reterr)
{
    for (size_t i = 1; i < c->len; i++) {
        if (c->list[i - 1].rank != 0 && item_compare(c->list[i - 1].item, c->list[i].item) == 0) {
            return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_MESSAGE_MALFORMED, "bundle.entries",
                           "two entries of kind %u have the same key", c->list[i].item->key[0]);
        }
    }
    return PT_OK;
}

enum pt_code pt_bundle_apply(const struct pt_bundle *base, const Patronus__V1__Bundle *message,
                             struct pt_bundle **ret_bundle, struct pt_error *reterr)
{
    const ProtobufCBinaryData *wanted = &message->base_digest;
    if (message->header == NULL || message->header->digest.len != PT_DIGEST_SIZE) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_MESSAGE_MALFORMED, "bundle.header",
                       "the header or its digest of 32 bytes is missing");
    }
    if (wanted->len == 0) {
        base = NULL;
    } else if (base == NULL || wanted->len != PT_DIGEST_SIZE ||
               memcmp(wanted->data, base->digest.bytes, PT_DIGEST_SIZE) != 0) {
        return pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_CONFLICT, "bundle.base_digest",
                       "the difference is to another bundle than the one in force; send the whole");
    }
    size_t base_len = base == NULL ? 0 : base->len;
    struct candidates c = {.list = calloc(base_len + message->n_entries + message->n_removed + 1, sizeof(*c.list))};
    if (c.list == NULL) {
        return pt_fail(reterr, PT_EXHAUSTED, PT_REASON_LIMIT_REACHED, "bundle", "out of memory");
    }
    struct pt_buf key;
    struct pt_bundle *bundle = NULL;
    pt_buf_init(&key);
    for (size_t i = 0; i < base_len; i++) {
        __atomic_add_fetch(&base->items[i]->refs, 1, __ATOMIC_RELAXED);
        candidates_add(&c, base->items[i], 0, false);
    }
    enum pt_code code = candidates_add_list(&c, message->entries, message->n_entries, false, &key, reterr);
    if (code == PT_OK) {
        code = candidates_add_list(&c, message->removed, message->n_removed, true, &key, reterr);
    }
    if (code == PT_OK) {
        bundle = bundle_from(&c);
        code = candidates_check(&c, reterr);
    }
    if (code == PT_OK && memcmp(bundle->digest.bytes, message->header->digest.data, PT_DIGEST_SIZE) != 0) {
        code = pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_CONFLICT, "bundle.header.digest",
                       "the entries' digest is not the one in the header");
    }
    candidates_fini(&c);
    pt_buf_fini(&key);
    if (code != PT_OK) {
        pt_bundle_unref(bundle);
        return code;
    }
    *ret_bundle = bundle;
    return PT_OK;
}

void pt_bundle_ref(struct pt_bundle *bundle)
{
    __atomic_add_fetch(&bundle->refs, 1, __ATOMIC_RELAXED);
}

void pt_bundle_unref(struct pt_bundle *bundle)
{
    if (bundle == NULL || __atomic_sub_fetch(&bundle->refs, 1, __ATOMIC_ACQ_REL) != 0) {
        return;
    }
    for (size_t i = 0; i < bundle->len; i++) {
        item_unref(bundle->items[i]);
    }
    free(bundle->items);
    free(bundle->entries);
    free(bundle);
}

const struct pt_digest *pt_bundle_digest(const struct pt_bundle *bundle)
{
    return &bundle->digest;
}

const Patronus__V1__Entry *const *pt_bundle_entries(const struct pt_bundle *bundle, size_t *ret_len)
{
    *ret_len = bundle->len;
    return bundle->entries;
}

/* ---- the wire ------------------------------------------------------------------------------------------------- */

static bool item_equal(const struct item *a, const struct item *b)
{
    return a == b || (a->size == b->size && memcmp(a->packed, b->packed, a->size) == 0);
}

/* Fill the message's lists by walking both bundles at once; `keys` holds what is removed. */
static void encode_lists(const struct pt_bundle *bundle, const struct pt_bundle *base, Patronus__V1__Bundle *message,
                         struct key_entry *keys)
{
    size_t base_len = base == NULL ? 0 : base->len;
    size_t i = 0, k = 0;
    while (i < bundle->len || k < base_len) {
        int order = i == bundle->len ? 1 : k == base_len ? -1 : item_compare(bundle->items[i], base->items[k]);
        if (order > 0) {
            key_entry_init(&keys[message->n_removed], base->items[k++]->entry);
            message->removed[message->n_removed] = &keys[message->n_removed].entry;
            message->n_removed++;
            continue;
        }
        if (order < 0 || !item_equal(bundle->items[i], base->items[k])) {
            message->entries[message->n_entries++] = bundle->items[i]->entry;
        }
        i++;
        k += order == 0;
    }
}

void pt_bundle_encode(const struct pt_bundle *bundle, const struct pt_bundle *base,
                      const Patronus__V1__BundleHeader *header, struct pt_buf *out)
{
    size_t base_len = base == NULL ? 0 : base->len;
    Patronus__V1__Bundle message = PATRONUS__V1__BUNDLE__INIT;
    struct key_entry *keys = calloc(base_len + 1, sizeof(*keys));
    message.header = (Patronus__V1__BundleHeader *)(uintptr_t)header; /* only read */
    message.entries = calloc(bundle->len + 1, sizeof(*message.entries));
    message.removed = calloc(base_len + 1, sizeof(*message.removed));
    pt_assert(keys != NULL && message.entries != NULL && message.removed != NULL);
    if (base != NULL) {
        message.base_digest.data = (uint8_t *)(uintptr_t)base->digest.bytes; /* only read */
        message.base_digest.len = PT_DIGEST_SIZE;
    }
    encode_lists(bundle, base, &message, keys);

    size_t size = patronus__v1__bundle__get_packed_size(&message);
    (void)patronus__v1__bundle__pack(&message, pt_buf_reserve(out, size));
    out->size += size;
    free(message.entries);
    free(message.removed);
    free(keys);
}

/* The header as it is signed: packed with an empty signature. */
static void header_canonical(const Patronus__V1__BundleHeader *header, struct pt_buf *out)
{
    Patronus__V1__BundleHeader copy = *header;
    copy.signature = (ProtobufCBinaryData){0};
    size_t size = patronus__v1__bundle_header__get_packed_size(&copy);
    (void)patronus__v1__bundle_header__pack(&copy, pt_buf_reserve(out, size));
    out->size += size;
}

void pt_bundle_sign(Patronus__V1__BundleHeader *header, const uint8_t seed[PT_SIGN_PRIVATE_SIZE],
                    uint8_t signature[PT_SIGNATURE_SIZE])
{
    PT_AUTO(buf) struct pt_buf bytes;
    pt_buf_init(&bytes);
    header_canonical(header, &bytes);
    pt_sign(seed, bytes.data, bytes.size, signature);
    header->signature = (ProtobufCBinaryData){.len = PT_SIGNATURE_SIZE, .data = signature};
}

bool pt_bundle_verify(const Patronus__V1__BundleHeader *header, const uint8_t public_key[PT_SIGN_PUBLIC_SIZE])
{
    PT_AUTO(buf) struct pt_buf bytes;
    pt_buf_init(&bytes);
    if (header->signature.len != PT_SIGNATURE_SIZE) {
        return false;
    }
    header_canonical(header, &bytes);
    return pt_sign_verify(public_key, bytes.data, bytes.size, header->signature.data);
}

int pt_bundle_position_compare(const Patronus__V1__BundlePosition *a, const Patronus__V1__BundlePosition *b)
{
    pt_assert(strcmp(a->cluster_id, b->cluster_id) == 0);
    if (a->epoch != b->epoch) {
        return a->epoch < b->epoch ? -1 : 1;
    }
    if (a->term != b->term) {
        return a->term < b->term ? -1 : 1;
    }
    return (a->generation > b->generation) - (a->generation < b->generation);
}
