/*
 * Requests into changes. Every name is looked up in the frozen view, so that a mistyped one is an error with its place
 * and not a question about nothing.
 */
#include "mod/te/ask.h"

#include <stdio.h>
#include <string.h>

static enum pt_code need(struct pt_view *view, const char *name, const char *part, const char *field, size_t index,
                         struct pt_error *reterr)
{
    char place[96];
    (void)snprintf(place, sizeof(place), "%s[%zu]", field, index);
    if (strstr(name, part) == NULL || pt_view_get(view, name) == NULL) {
        return pt_fail(reterr, PT_NOT_FOUND, PT_REASON_RESOURCE_NOT_FOUND, place, "'%.200s' does not exist", name);
    }
    return PT_OK;
}

static enum pt_code read_names(struct pt_view *view, const struct pt_msg *request, const char *field, const char *part,
                               struct pt_arena *arena, const char ***ret_names, size_t *ret_len,
                               struct pt_error *reterr)
{
    const struct pt_msg_field *names = pt_msg_field(request, field);
    size_t len = names != NULL ? names->len : 0;
    *ret_names = pt_arena_array(arena, len, sizeof(char *));
    *ret_len = len;
    for (size_t i = 0; i < len; i++) {
        (*ret_names)[i] = (const char *)names->values[i].bytes.data;
        PT_TRY(need(view, (*ret_names)[i], part, field, i, reterr));
    }
    return PT_OK;
}

static enum pt_code read_demands(struct pt_view *view, const struct pt_msg *request, struct pt_arena *arena,
                                 struct te_changes *changes, struct pt_error *reterr)
{
    const struct pt_msg_field *field = pt_msg_field(request, "demands");
    size_t len = field != NULL ? field->len : 0;
    struct te_added_demand *demands = pt_arena_array(arena, len, sizeof(*demands));
    for (size_t i = 0; i < len; i++) {
        const struct pt_msg *msg = field->values[i].message;
        demands[i] = (struct te_added_demand){.source = pt_msg_str(msg, "source_site"),
                                              .destination = pt_msg_str(msg, "destination_site"),
                                              .class_index = (uint32_t)pt_msg_i64(msg, "traffic_class"),
                                              .rate_bps = pt_msg_u64(msg, "rate_bps")};
        PT_TRY(need(view, demands[i].source, "/sites/", "demands.source_site", i, reterr));
        PT_TRY(need(view, demands[i].destination, "/sites/", "demands.destination_site", i, reterr));
        if (strcmp(demands[i].source, demands[i].destination) == 0) {
            return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "demands.destination_site",
                           "demand %zu goes from %.150s to itself", i, demands[i].source);
        }
    }
    changes->demands = demands;
    changes->demands_len = len;
    return PT_OK;
}

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

static enum pt_code check_new_link(struct pt_view *view, const struct te_changed_link *link, size_t index,
                                   struct pt_error *reterr)
{
    char place[64];
    (void)snprintf(place, sizeof(place), "links[%zu].link", index);
    if (strstr(link->name, "/links/") == NULL || pt_view_get(view, link->site) == NULL) {
        return pt_fail(reterr, PT_NOT_FOUND, PT_REASON_RESOURCE_NOT_FOUND, place,
                       "'%.200s' is no link, nor could it be a new one of a site that exists", link->name);
    }
    struct underlay underlay = {.name = link->underlay};
    pt_view_scan(view, "link", "", has_underlay, &underlay);
    if (!underlay.found || link->up_bps == 0 || link->down_bps == 0) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, place,
                       "'%.150s' does not exist yet: say its underlay, one that other links have, and both capacities",
                       link->name);
    }
    return PT_OK;
}

static enum pt_code read_links(struct pt_view *view, const struct pt_msg *request, struct pt_arena *arena,
                               struct te_changes *changes, struct pt_error *reterr)
{
    const struct pt_msg_field *field = pt_msg_field(request, "links");
    size_t len = field != NULL ? field->len : 0;
    struct te_changed_link *links = pt_arena_array(arena, len, sizeof(*links));
    for (size_t i = 0; i < len; i++) {
        const struct pt_msg *msg = field->values[i].message;
        const char *name = pt_msg_str(msg, "link");
        const char *part = strstr(name, "/links/");
        links[i] =
            (struct te_changed_link){.name = name,
                                     .site = part != NULL ? pt_arena_strndup(arena, name, (size_t)(part - name)) : "",
                                     .underlay = pt_msg_str(msg, "underlay"),
                                     .up_bps = pt_msg_u64(msg, "capacity_up_bps"),
                                     .down_bps = pt_msg_u64(msg, "capacity_down_bps"),
                                     .cost = (uint32_t)pt_msg_u64(msg, "cost")};
        if (part == NULL || pt_view_get(view, name) == NULL) {
            PT_TRY(check_new_link(view, &links[i], i, reterr));
        }
    }
    changes->links = links;
    changes->links_len = len;
    return PT_OK;
}

enum pt_code te_changes_read(const struct pt_plan_pass *pass, const struct pt_msg *request, struct pt_arena *arena,
                             struct te_changes **ret_changes, struct pt_error *reterr)
{
    struct te_changes *changes = PT_NEW(arena, struct te_changes);
    PT_TRY(read_names(pass->view, request, "fail_links", "/links/", arena, &changes->fail_links,
                      &changes->fail_links_len, reterr));
    PT_TRY(read_names(pass->view, request, "fail_sites", "/sites/", arena, &changes->fail_sites,
                      &changes->fail_sites_len, reterr));
    const struct pt_msg_field *srlgs = pt_msg_field(request, "fail_srlgs");
    size_t len = srlgs != NULL ? srlgs->len : 0;
    uint32_t *numbers = pt_arena_array(arena, len, sizeof(uint32_t));
    for (size_t i = 0; i < len; i++) {
        numbers[i] = (uint32_t)srlgs->values[i].u64;
    }
    changes->fail_srlgs = numbers;
    changes->fail_srlgs_len = len;
    changes->planned = pt_msg_bool(request, "planned");
    changes->scale_percent = (uint32_t)pt_msg_u64(request, "scale_percent");
    PT_TRY(read_demands(pass->view, request, arena, changes, reterr));
    PT_TRY(read_links(pass->view, request, arena, changes, reterr));
    *ret_changes = changes;
    return PT_OK;
}
