/*
 * Who a verified client certificate speaks for, remembered.
 *
 * Reading a leaf takes some twenty microseconds: more than the rest of a small call. A line (rpc_line.c) knows whose it
 * is while it has calls; who makes one call after the other, or connects again, brings the same text each time. So the
 * newest texts are kept with what was read, in slots by checksum. The whole text is compared: a slot is never believed
 * for another certificate.
 */
#include "base/assert.h"
#include "crypto/crypto.h"
#include "rpc/rpc_grpc.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS_LEN 256 /* a power of two */

struct slot {
    char *pem; /* NULL: empty */
    size_t size;
    struct pt_identity identity;
};

struct pt_rpc_peer_cache {
    struct slot slots[SLOTS_LEN];
};

struct pt_rpc_peer_cache *pt_rpc_peer_cache_new(void)
{
    struct pt_rpc_peer_cache *cache = calloc(1, sizeof(*cache));
    pt_assert(cache != NULL);
    return cache;
}

void pt_rpc_peer_cache_free(struct pt_rpc_peer_cache *cache)
{
    for (size_t i = 0; cache != NULL && i < SLOTS_LEN; i++) {
        free(cache->slots[i].pem);
    }
    free(cache);
}

enum pt_code pt_rpc_peer_identity(struct pt_rpc_peer_cache *cache, const char *pem, size_t size,
                                  struct pt_identity *ret_identity, struct pt_error *reterr)
{
    struct slot *slot = &cache->slots[pt_crc32c(0, pem, size) & (SLOTS_LEN - 1)];
    if (slot->pem == NULL || slot->size != size || memcmp(slot->pem, pem, size) != 0) {
        char *text = strndup(pem, size);
        pt_assert(text != NULL);
        struct pt_leaf_info info;
        enum pt_code code = pt_leaf_read(text, NULL, 0, true, &info, reterr);
        if (code != PT_OK) {
            free(text);
            return code;
        }
        free(slot->pem);
        *slot = (struct slot){.pem = text, .size = strlen(text), .identity = info.identity};
    }
    *ret_identity = slot->identity;
    return PT_OK;
}
