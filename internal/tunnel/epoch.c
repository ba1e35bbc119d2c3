/* See epoch.h. An object retired in epoch e may be held by readers that began their turn in e or before. */
#include "tunnel/epoch.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

void pt_epoch_init(struct pt_epoch *epoch, size_t readers_len)
{
    pt_assert(readers_len <= PT_EPOCH_READERS_MAX);
    memset(epoch, 0, sizeof(*epoch));
    atomic_store(&epoch->now, 1);
    epoch->readers_len = readers_len;
    for (size_t i = 0; i < readers_len; i++) {
        pt_epoch_rest(epoch, i);
    }
}

void pt_epoch_fini(struct pt_epoch *epoch)
{
    for (size_t i = 0; i < epoch->retired_len; i++) {
        epoch->retired[i].free_fn(epoch->retired[i].object);
    }
    free(epoch->retired);
}

void pt_epoch_retire(struct pt_epoch *epoch, void *object, void (*free_fn)(void *object))
{
    if (epoch->retired_len == epoch->retired_capacity) {
        epoch->retired_capacity = epoch->retired_capacity == 0 ? 16 : 2 * epoch->retired_capacity;
        epoch->retired = realloc(epoch->retired, epoch->retired_capacity * sizeof(*epoch->retired));
        pt_assert(epoch->retired != NULL);
    }
    epoch->retired[epoch->retired_len++] =
        (struct pt_epoch_retired){.object = object, .free_fn = free_fn, .epoch = atomic_fetch_add(&epoch->now, 1)};
}

void pt_epoch_collect(struct pt_epoch *epoch)
{
    uint64_t least = UINT64_MAX;
    size_t kept = 0;
    for (size_t i = 0; i < epoch->readers_len; i++) {
        uint64_t seen = atomic_load(&epoch->readers[i].seen);
        least = seen < least ? seen : least;
    }
    for (size_t i = 0; i < epoch->retired_len; i++) {
        if (epoch->retired[i].epoch < least) {
            epoch->retired[i].free_fn(epoch->retired[i].object);
        } else {
            epoch->retired[kept++] = epoch->retired[i];
        }
    }
    epoch->retired_len = kept;
}
