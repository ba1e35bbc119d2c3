/*
 * One test, two worlds: what the contract of sys.h promises is tested on libuv and in the simulator by the same code.
 *
 * A world gives a pt_sys, a folder to write in, an address to listen on, and a way to let time pass until a condition
 * holds. A loop test gets the number of the world: WORLD_REAL or WORLD_SIM.
 */
#pragma once

#include "sys/sys_sim.h"
#include "sys/sys_uv.h"
#include "base/assert.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WORLD_REAL, WORLD_SIM, WORLDS };

struct world {
    int kind;
    struct pt_sim *sim;
    struct pt_sys *sys;
    char folder[64];
};

static inline void world_init(struct world *world, int kind)
{
    *world = (struct world){.kind = kind};
    if (kind == WORLD_REAL) {
        (void)snprintf(world->folder, sizeof(world->folder), "/tmp/patronus-test-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(world->folder));
        ck_assert_int_eq(pt_sys_uv_new(&world->sys, NULL), PT_OK);
        return;
    }
    world->sim = pt_sim_new(&(struct pt_sim_options){.seed = 1});
    world->sys = pt_sim_host(world->sim, pt_sim_add_host(world->sim));
    (void)snprintf(world->folder, sizeof(world->folder), "/data");
    ck_assert_int_eq(pt_dir_make(world->sys, world->folder, NULL), PT_OK);
}

static inline void world_remove(void *arg, const char *name)
{
    struct world *world = arg;
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/%s", world->folder, name);
    ck_assert_int_eq(pt_path_remove(world->sys, path, NULL), PT_OK);
}

static inline void world_fini(struct world *world)
{
    ck_assert_int_eq(pt_dir_list(world->sys, world->folder, world_remove, world, NULL), PT_OK);
    ck_assert_int_eq(pt_path_remove(world->sys, world->folder, NULL), PT_OK);
    if (world->kind == WORLD_REAL) {
        pt_sys_uv_free(world->sys);
    } else {
        pt_sim_free(world->sim);
    }
}

/* A path in the world's folder, in a buffer that the caller names. */
static inline const char *world_path(const struct world *world, char path[128], const char *name)
{
    (void)snprintf(path, 128, "%s/%s", world->folder, name);
    return path;
}

/* Let one thing happen; blocks in the real world, so only when something is on its way. */
static inline void world_turn(struct world *world)
{
    if (world->kind == WORLD_REAL) {
        pt_sys_uv_turn(world->sys, true);
    } else {
        ck_assert_msg(pt_sim_step(world->sim, UINT64_MAX), "nothing is on its way");
    }
}

#define WORLD_WAIT(world, condition) \
    do {                             \
        while (!(condition)) {       \
            world_turn(world);       \
        }                            \
    } while (0)
