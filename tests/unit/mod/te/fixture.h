/* A state machine in a simulated host, filled with resources from JSON, and a pass of the te mod over it. */
#pragma once

#include "kind/kind.h"
#include "mod/te/paths.h"
#include "mod/te/steer.h"
#include "mod/te/te.h"
#include "plan/plan.h"
#include "sys/sys_sim.h"
#include "wire/json.h"

#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fixture {
    struct pt_sim *sim;
    struct pt_schema *schema;
    struct pt_machine_kind *machine;
    struct pt_arena arena; /* of the pass */
    struct pt_plan_pass pass;
    struct pt_soft soft;
    uint64_t revision;
    struct pt_view *views[256]; /* of earlier passes, whose names the newest one still reads */
    size_t views_len;
};

static const struct pt_mod *const no_mods[] = {NULL};
static const struct pt_mod *const te_only[] = {&pt_mod_te, NULL};

static inline void fixture_init(struct fixture *f)
{
    memset(f, 0, sizeof(*f));
    struct pt_error error = {0};
    f->sim = pt_sim_new(&(struct pt_sim_options){.seed = 1});
    unsigned host = pt_sim_add_host(f->sim);
    ck_assert_int_eq(pt_schema_new(pt_schema_embedded(), &f->schema, &error), PT_OK);
    const struct pt_kind_options options = {
        .sys = pt_sim_host(f->sim, host), .schema = f->schema, .mods = no_mods, .store_path = "/state.db"};
    ck_assert_msg(pt_kind_open(&options, &f->machine, &error) == PT_OK, "%s", error.text);
}

static inline void fixture_fini(struct fixture *f)
{
    te_pass_fini(&f->pass);
    pt_map_fini(&f->pass.sections);
    pt_map_fini(&f->soft.paths);
    pt_map_fini(&f->soft.demands);
    for (size_t i = 0; i < f->views_len; i++) {
        pt_view_free(f->views[i]);
    }
    pt_view_free(f->pass.view);
    pt_arena_fini(&f->arena);
    pt_kind_close(f->machine);
    pt_schema_free(f->schema);
    pt_sim_free(f->sim);
}

/* Put a resource into the store as apply would have left it: output fields are given in the JSON. */
__attribute__((format(printf, 3, 4))) static inline void put(struct fixture *f, const char *kind, const char *format,
                                                             ...)
{
    char text[4096];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    struct pt_arena arena;
    pt_arena_init(&arena);
    struct pt_error error = {0};
    struct pt_msg *msg = NULL;
    const struct pt_message_type *type = pt_schema_kind(f->schema, kind);
    ck_assert_ptr_nonnull(type);
    ck_assert_msg(pt_json_read(f->schema, type, text, strlen(text), &arena, &msg, &error) == PT_OK, "%s: %s: %s", text,
                  error.field, error.text);
    struct pt_buf data = {0};
    pt_msg_encode(msg, &data);
    struct pt_store *store = pt_kind_store(f->machine);
    const struct pt_row row = {.name = pt_msg_str(msg, "name"),
                               .kind_id = type->resource->kind_id,
                               .value = pt_buf_bytes(&data),
                               .uid = "u",
                               .etag = "e",
                               .revision = ++f->revision};
    ck_assert_int_eq(pt_store_begin(store, &error), PT_OK);
    ck_assert_msg(pt_store_put(store, &row, &error) == PT_OK, "%s", error.text);
    const struct pt_witness witness = {.applied_index = f->revision, .applied_term = 1};
    ck_assert_int_eq(pt_store_commit(store, &witness, &error), PT_OK);
    pt_buf_fini(&data);
    pt_arena_fini(&arena);
}

#define ORG "organizations/o"

static inline void put_basics(struct fixture *f)
{
    put(f, "organization", "{\"name\":\"" ORG "\"}");
    put(f, "fabric", "{\"name\":\"" ORG "/fabrics/f\"}");
    put(f, "segment", "{\"name\":\"" ORG "/segments/corp\",\"fabric\":\"" ORG "/fabrics/f\",\"vni\":7}");
}

/* Site number i (from 0), named s00, s01 ... so that order of name is order of number; label i + 1; LAN 10.i.0.0/24. */
static inline void put_site(struct fixture *f, unsigned i)
{
    put(f, "site", "{\"name\":\"" ORG "/sites/s%02u\",\"siteLabel\":%u}", i, i + 1);
    put(f, "edge",
        "{\"name\":\"" ORG "/sites/s%02u/edges/e\",\"nodeId\":\"edge/x%u\",\"lanInterfaces\":[{\"interface\":\"lan0\","
        "\"segment\":\"" ORG "/segments/corp\",\"prefixes\":[\"10.%u.0.0/24\"]}]}",
        i, i, i);
}

/* A link of site i with an address made from (i, n); extra: more JSON members, beginning with a comma, or "". */
static inline void put_link(struct fixture *f, unsigned i, unsigned n, const char *underlay, const char *extra)
{
    put(f, "link",
        "{\"name\":\"" ORG "/sites/s%02u/links/l%02u\",\"edge\":\"" ORG
        "/sites/s%02u/edges/e\",\"interface\":\"wan%u\",\"address\":\"192.0.%u.%u\",\"underlay\":\"%s\"%s}",
        i, n, i, n, i, n + 1, underlay, extra);
}

/* So many sites with a link each to the internet, and nothing else. */
static inline void fixture_init_sites(struct fixture *f, unsigned sites)
{
    fixture_init(f);
    put_basics(f);
    for (unsigned i = 0; i < sites; i++) {
        put_site(f, i);
        put_link(f, i, 0, "inet", "");
    }
}

/* Both ends of a point-to-point underlay. */
static inline void put_pair(struct fixture *f, unsigned a, unsigned na, unsigned b, unsigned nb)
{
    char underlay[32];
    snprintf(underlay, sizeof(underlay), "p%u-%u", a, b);
    put_link(f, a, na, underlay, "");
    put_link(f, b, nb, underlay, "");
}

/* Say what was measured of a path before the pass. */
static inline void measure(struct fixture *f, uint64_t path_id, bool alive, uint32_t rtt_us)
{
    uint8_t key[8];
    pt_put_be64(key, path_id);
    struct pt_path_soft *soft = pt_arena_alloc(&f->arena, sizeof(*soft));
    *soft = (struct pt_path_soft){.path_id = path_id, .alive = alive, .known = true, .rtt_us = rtt_us};
    (void)pt_map_put(&f->soft.paths, key, sizeof(key), soft);
}

static inline enum pt_code run_pass(struct fixture *f, struct pt_error *reterr)
{
    f->pass.arena = &f->arena;
    f->pass.soft = &f->soft;
    f->pass.nodes_len = 0; /* of the pass before */
    f->pass.view = pt_view_new(f->machine);
    pt_view_freeze(f->pass.view);
    return pt_plan_run(&f->pass, te_only, reterr);
}

static inline void pass_ok(struct fixture *f)
{
    struct pt_error error = {0};
    ck_assert_msg(run_pass(f, &error) == PT_OK, "%s", error.text);
}

/* Another pass, which goes on from `previous`. */
static inline void pass_again(struct fixture *f, const struct te_solution *previous)
{
    te_pass_fini(&f->pass);
    pt_map_fini(&f->pass.sections);
    ck_assert_uint_lt(f->views_len, sizeof(f->views) / sizeof(f->views[0]));
    f->views[f->views_len++] = f->pass.view;
    f->pass.previous = previous;
    pass_ok(f);
}

static inline const struct te_topology *topology_of(struct fixture *f)
{
    return pt_map_get_str(&f->pass.sections, "topology");
}

static inline const struct te_pair *pair_of(struct fixture *f, size_t from, size_t to)
{
    return te_pair_of(topology_of(f), pt_map_get_str(&f->pass.sections, "te"), 0, from, to);
}

static inline const Patronus__V1__GroupEntry *group_of(const struct pt_plan_node *node, uint32_t label, uint32_t class)
{
    for (size_t i = 0; i < node->entries_len; i++) {
        const Patronus__V1__Entry *entry = node->entries[i];
        if (entry->entry_case == PATRONUS__V1__ENTRY__ENTRY_GROUP && entry->group->site_label == label &&
            entry->group->policy_class == class && entry->group->traffic_class == 0) {
            return entry->group;
        }
    }
    return NULL;
}
