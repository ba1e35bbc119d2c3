/*
 * When may memory be freed that other threads read without a lock? When each of them has been seen at rest since it was
 * taken out of reach.
 *
 * A reader is at rest while it waits for packets, and passes through rest at every turn of its loop. The one writer
 * takes an object out of reach, then retires it; pt_epoch_collect frees what no reader can still hold.
 */
#pragma once

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define PT_EPOCH_READERS_MAX 32

struct pt_epoch_reader {
    _Alignas(64) _Atomic uint64_t seen; /* epoch at its last turn; UINT64_MAX at rest */
};

struct pt_epoch_retired {
    void *object;
    void (*free_fn)(void *object);
    uint64_t epoch;
};

struct pt_epoch {
    _Atomic uint64_t now;
    struct pt_epoch_reader readers[PT_EPOCH_READERS_MAX];
    size_t readers_len;
    struct pt_epoch_retired *retired;
    size_t retired_len, retired_capacity;
};

void pt_epoch_init(struct pt_epoch *epoch, size_t readers_len);
/* Frees everything retired: the readers must be gone. */
void pt_epoch_fini(struct pt_epoch *epoch);
void pt_epoch_retire(struct pt_epoch *epoch, void *object, void (*free_fn)(void *object));
void pt_epoch_collect(struct pt_epoch *epoch);

/* Readers. Between `work` and `rest` what was reachable stays. */
static inline void pt_epoch_work(struct pt_epoch *epoch, size_t reader)
{
    atomic_store(&epoch->readers[reader].seen, atomic_load(&epoch->now));
}
static inline void pt_epoch_rest(struct pt_epoch *epoch, size_t reader)
{
    atomic_store(&epoch->readers[reader].seen, UINT64_MAX);
}
