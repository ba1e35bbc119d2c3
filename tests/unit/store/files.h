/*
 * A folder of real files for a store, and the small steps that its tests share.
 */
#pragma once

#include "sys/sys_uv.h"
#include "twin.h"

#include <sys/stat.h>
#include <unistd.h>

static struct pt_sys *sys;
static char folder[64];
static char path[96];
static char other[96];

static inline void setup(void)
{
    strcpy(folder, "/tmp/pt-store-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/db", folder);
    (void)snprintf(other, sizeof(other), "%s/other", folder);
    ck_assert_int_eq(pt_sys_uv_new(&sys, NULL), PT_OK);
}

static inline void remove_entry(void *arg, const char *name)
{
    (void)arg;
    char entry[512];
    (void)snprintf(entry, sizeof(entry), "%s/%s", folder, name);
    ck_assert_int_eq(unlink(entry), 0);
}

static inline void teardown(void)
{
    ck_assert_int_eq(pt_dir_list(sys, folder, remove_entry, NULL, NULL), PT_OK);
    ck_assert_int_eq(rmdir(folder), 0);
    pt_sys_uv_free(sys);
}

static inline struct pt_store *open_at(const char *where)
{
    struct pt_store *store = NULL;
    MUST(pt_store_open(sys, where, &store, why));
    return store;
}

static inline struct pt_witness witness_of(uint64_t index)
{
    struct pt_witness witness = {.applied_index = index, .applied_term = index / 7 + 1, .acked_index = index + 2};
    witness.log_hash = pt_sha256(&index, sizeof(index));
    return witness;
}

static inline void commit(struct pt_store *store, uint64_t index)
{
    struct pt_witness witness = witness_of(index);
    MUST(pt_store_commit(store, &witness, why));
}

static inline void put_text(struct pt_store *store, const char *name, uint32_t kind_id, const char *value,
                            uint64_t revision)
{
    const struct pt_row row = {.name = name,
                               .kind_id = kind_id,
                               .value = {(const uint8_t *)value, strlen(value)},
                               .uid = "uid",
                               .etag = "etag",
                               .revision = revision};
    MUST(pt_store_put(store, &row, why));
}

static inline uint64_t log_size(void)
{
    char log[128];
    struct stat status;
    (void)snprintf(log, sizeof(log), "%s-wal", path);
    ck_assert_int_eq(stat(log, &status), 0);
    return (uint64_t)status.st_size;
}
