/*
 * Requests into changes. Every name is looked up in the frozen view, so that a mistyped one is an error with its place
 * and not a question about nothing. What is not below the organization that asks does not exist for it: otherwise the
 * answer, or the refusal, would tell one tenant what another has. Nor does a site without an edge: the plan knows
 * nothing of it.
 */
#include "mod/te/ask.h"

#include "mod/te/topology.h"

#include <stdio.h>
#include <string.h>

struct reading {
    struct pt_view *view;
    const struct te_topology *topology;
    const struct pt_msg *request;
    const char *parent; /* the organization */
    struct pt_arena *arena;
    struct te_changes *changes;
};

static bool there(const struct reading *reading, const char *name)
{
    size_t size = strlen(reading->parent);
    return strncmp(name, reading->parent, size) == 0 && name[size] == '/' && pt_view_get(reading->view, name) != NULL;
}

/* `tail`: of the place, behind the index. */
static enum pt_code need(const struct reading *reading, const char *name, const char *part, const char *field,
                         size_t index, const char *tail, struct pt_error *reterr)
{
    char place[96];
    (void)snprintf(place, sizeof(place), "%s[%zu]%s", field, index, tail);
    if (strstr(name, part) == NULL || !there(reading, name)) {
        return pt_fail(reterr, PT_NOT_FOUND, PT_REASON_RESOURCE_NOT_FOUND, place,
                       "'%.200s' does not exist in %.150s, or is a site without an edge", name, reading->parent);
    }
    return PT_OK;
}

static enum pt_code read_names(const struct reading *reading, const char *field, const char *part,
                               const char ***ret_names, size_t *ret_len, struct pt_error *reterr)
{
    const struct pt_msg_field *names = pt_msg_field(reading->request, field);
    size_t len = names != NULL ? names->len : 0;
    *ret_names = pt_arena_array(reading->arena, len, sizeof(char *));
    *ret_len = len;
    for (size_t i = 0; i < len; i++) {
        (*ret_names)[i] = (const char *)names->values[i].bytes.data;
        PT_TRY(need(reading, (*ret_names)[i], part, field, i, "", reterr));
    }
    return PT_OK;
}

static bool has_srlg(const struct reading *reading, uint32_t srlg)
{
    const struct te_topology *topology = reading->topology;
    for (size_t i = 0; i < topology->links_len; i++) {
        const struct te_link *link = &topology->links[i];
        for (size_t j = 0; j < link->srlgs_len; j++) {
            if (link->srlgs[j] == srlg && there(reading, link->name)) {
                return true;
            }
        }
    }
    return false;
}

static enum pt_code read_srlgs(const struct reading *reading, struct pt_error *reterr)
{
    const struct pt_msg_field *srlgs = pt_msg_field(reading->request, "fail_srlgs");
    size_t len = srlgs != NULL ? srlgs->len : 0;
    uint32_t *numbers = pt_arena_array(reading->arena, len, sizeof(uint32_t));
    for (size_t i = 0; i < len; i++) {
        char place[64];
        numbers[i] = (uint32_t)srlgs->values[i].u64;
        (void)snprintf(place, sizeof(place), "fail_srlgs[%zu]", i);
        if (!has_srlg(reading, numbers[i])) {
            return pt_fail(reterr, PT_NOT_FOUND, PT_REASON_RESOURCE_NOT_FOUND, place,
                           "no link of %.150s that is in use has %u in its srlgs", reading->parent, numbers[i]);
        }
    }
    reading->changes->fail_srlgs = numbers;
    reading->changes->fail_srlgs_len = len;
    return PT_OK;
}

static enum pt_code read_demands(const struct reading *reading, struct pt_error *reterr)
{
    const struct pt_msg_field *field = pt_msg_field(reading->request, "demands");
    size_t len = field != NULL ? field->len : 0;
    struct te_added_demand *demands = pt_arena_array(reading->arena, len, sizeof(*demands));
    for (size_t i = 0; i < len; i++) {
        const struct pt_msg *msg = field->values[i].message;
        demands[i] = (struct te_added_demand){.source = pt_msg_str(msg, "source_site"),
                                              .destination = pt_msg_str(msg, "destination_site"),
                                              .class_index = (uint32_t)pt_msg_i64(msg, "traffic_class"),
                                              .rate_bps = pt_msg_u64(msg, "rate_bps")};
        PT_TRY(need(reading, demands[i].source, "/sites/", "demands", i, ".source_site", reterr));
        PT_TRY(need(reading, demands[i].destination, "/sites/", "demands", i, ".destination_site", reterr));
        if (strcmp(demands[i].source, demands[i].destination) == 0) {
            char place[64];
            (void)snprintf(place, sizeof(place), "demands[%zu].destination_site", i);
            return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, place,
                           "the demand goes from %.150s to itself; write another site", demands[i].source);
        }
    }
    reading->changes->demands = demands;
    reading->changes->demands_len = len;
    return PT_OK;
}

/* ---- links ---------------------------------------------------------------------------------------------------- */

struct underlay {
    const char *name;
    bool found;
};

static bool has_underlay(void *arg, const char *name, const struct pt_msg *msg)
{
    struct underlay *underlay = arg;
    (void)name;
    underlay->found = underlay->found || strcmp(pt_msg_str(msg, "underlay"), underlay->name) == 0;
    return !underlay->found;
}

static enum pt_code check_new_link(const struct reading *reading, const struct te_changed_link *link, const char *place,
                                   struct pt_error *reterr)
{
    if (strstr(link->name, "/links/") == NULL || !there(reading, link->site)) {
        return pt_fail(reterr, PT_NOT_FOUND, PT_REASON_RESOURCE_NOT_FOUND, place,
                       "'%.200s' is no link of %.150s, nor could it be a new one of a site with an edge", link->name,
                       reading->parent);
    }
    size_t site = te_site_named(reading->topology, link->site, strlen(link->site));
    if (site == TE_NONE || reading->topology->sites[site].node == NULL) {
        return pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_CONFLICT, place,
                       "%.150s has no edge that a new link could be of; create one first", link->site);
    }
    if (reading->topology->sites[site].links_len >= TE_LINKS_PER_SITE_MAX) {
        return pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_LIMIT_REACHED, place,
                       "%.150s has %d links already, which is the most", link->site, TE_LINKS_PER_SITE_MAX);
    }
    struct underlay underlay = {.name = link->underlay};
    pt_view_scan(reading->view, "link", reading->parent, has_underlay, &underlay);
    if (!underlay.found || link->up_bps == 0 || link->down_bps == 0) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, place,
                       "'%.150s' does not exist yet: say its underlay, one that other links have, and both capacities",
                       link->name);
    }
    return PT_OK;
}

static enum pt_code check_link(const struct reading *reading, const struct te_changed_link *links, size_t index,
                               struct pt_error *reterr)
{
    const struct te_changed_link *link = &links[index];
    char place[64];
    (void)snprintf(place, sizeof(place), "links[%zu].link", index);
    for (size_t i = 0; i < index; i++) {
        if (strcmp(links[i].name, link->name) == 0) {
            return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, place,
                           "'%.200s' stands at links[%zu] already; say all that changes of a link at one place",
                           link->name, i);
        }
    }
    if (strstr(link->name, "/links/") == NULL || !there(reading, link->name)) {
        return check_new_link(reading, link, place, reterr);
    }
    const char *underlay = pt_msg_str(pt_view_get(reading->view, link->name), "underlay");
    if (link->underlay[0] != '\0' && strcmp(link->underlay, underlay) != 0) {
        (void)snprintf(place, sizeof(place), "links[%zu].underlay", index);
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, place,
                       "'%.200s' exists, with underlay '%.63s'; ask about a new link, and let this one fail",
                       link->name, underlay);
    }
    return PT_OK;
}

static enum pt_code read_links(const struct reading *reading, struct pt_error *reterr)
{
    const struct pt_msg_field *field = pt_msg_field(reading->request, "links");
    size_t len = field != NULL ? field->len : 0;
    struct te_changed_link *links = pt_arena_array(reading->arena, len, sizeof(*links));
    for (size_t i = 0; i < len; i++) {
        const struct pt_msg *msg = field->values[i].message;
        const char *name = pt_msg_str(msg, "link");
        const char *part = strstr(name, "/links/");
        links[i] = (struct te_changed_link){
            .name = name,
            .site = part != NULL ? pt_arena_strndup(reading->arena, name, (size_t)(part - name)) : "",
            .underlay = pt_msg_str(msg, "underlay"),
            .up_bps = pt_msg_u64(msg, "capacity_up_bps"),
            .down_bps = pt_msg_u64(msg, "capacity_down_bps"),
            .cost = (uint32_t)pt_msg_u64(msg, "cost")};
        PT_TRY(check_link(reading, links, i, reterr));
    }
    reading->changes->links = links;
    reading->changes->links_len = len;
    return PT_OK;
}

enum pt_code te_changes_read(const struct pt_plan_pass *pass, const struct pt_msg *request, struct pt_arena *arena,
                             struct te_changes **ret_changes, struct pt_error *reterr)
{
    struct te_changes *changes = PT_NEW(arena, struct te_changes);
    const struct reading reading = {.view = pass->view,
                                    .topology = pt_map_get_str(&pass->sections, "topology"),
                                    .request = request,
                                    .parent = pt_msg_str(request, "parent"),
                                    .arena = arena,
                                    .changes = changes};
    PT_TRY(read_names(&reading, "fail_links", "/links/", &changes->fail_links, &changes->fail_links_len, reterr));
    PT_TRY(read_names(&reading, "fail_sites", "/sites/", &changes->fail_sites, &changes->fail_sites_len, reterr));
    PT_TRY(read_srlgs(&reading, reterr));
    changes->planned = pt_msg_bool(request, "planned");
    changes->scale_percent = (uint32_t)pt_msg_u64(request, "scale_percent");
    PT_TRY(read_demands(&reading, reterr));
    PT_TRY(read_links(&reading, reterr));
    *ret_changes = changes;
    return PT_OK;
}
