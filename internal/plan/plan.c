/*
 * The order of stages: each runs once all those it names have run; among those that may, in order of mods and then of
 * declaration, so that a pass is the same wherever it runs.
 */
#include "plan/plan.h"

#include "base/assert.h"

#include <string.h>

#define STAGES_MAX 64

void pt_plan_emit(struct pt_plan_pass *pass, struct pt_plan_node *node, Patronus__V1__Entry *entry)
{
    if (node->entries_len == node->entries_capacity) {
        size_t capacity = node->entries_capacity == 0 ? 64 : node->entries_capacity * 2;
        Patronus__V1__Entry **more = pt_arena_array(pass->arena, capacity, sizeof(Patronus__V1__Entry *));
        if (node->entries_len > 0) {
            memcpy(more, node->entries, node->entries_len * sizeof(Patronus__V1__Entry *));
        }
        node->entries = more;
        node->entries_capacity = capacity;
    }
    node->entries[node->entries_len++] = entry;
}

static bool has_run(const struct pt_stage *const *done, size_t done_len, const char *name)
{
    for (size_t i = 0; i < done_len; i++) {
        if (strcmp(done[i]->name, name) == 0) {
            return true;
        }
    }
    return false;
}

static bool may_run(const struct pt_stage *stage, const struct pt_stage *const *done, size_t done_len)
{
    for (size_t i = 0; stage->after != NULL && stage->after[i] != NULL; i++) {
        if (!has_run(done, done_len, stage->after[i])) {
            return false;
        }
    }
    return true;
}

/* The next stage that may run; NULL when none is left, or when those left wait for each other. */
static const struct pt_stage *next_stage(const struct pt_mod *const *mods, const struct pt_stage *const *done,
                                         size_t done_len, bool *ret_left)
{
    *ret_left = false;
    for (size_t i = 0; mods[i] != NULL; i++) {
        for (size_t j = 0; mods[i]->stages != NULL && mods[i]->stages[j] != NULL; j++) {
            const struct pt_stage *stage = mods[i]->stages[j];
            if (!has_run(done, done_len, stage->name)) {
                *ret_left = true;
                if (may_run(stage, done, done_len)) {
                    return stage;
                }
            }
        }
    }
    return NULL;
}

enum pt_code pt_plan_run(struct pt_plan_pass *pass, const struct pt_mod *const *mods, struct pt_error *reterr)
{
    const struct pt_stage *done[STAGES_MAX];
    size_t done_len = 0;
    bool left = false;
    const struct pt_stage *stage = NULL;
    while ((stage = next_stage(mods, done, done_len, &left)) != NULL) {
        pt_assert(done_len < STAGES_MAX);
        void *section = NULL;
        enum pt_code code = stage->run(pass, &section, reterr);
        if (code != PT_OK) {
            return pt_wrap(reterr, code, "stage %s", stage->name);
        }
        if (section != NULL) {
            (void)pt_map_put_str(&pass->sections, stage->name, section);
        }
        done[done_len++] = stage;
    }
    return left ? pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_NONE, NULL,
                          "stages wait for each other, or for one that no mod has")
                : PT_OK;
}
