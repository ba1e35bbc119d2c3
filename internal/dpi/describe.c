#include "dpi/describe.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

#define CAPACITY_FIRST 16

struct member {
    uint32_t scope;
    struct pt_dpi_application application;
};

struct pt_dpi_set {
    struct pt_arena arena;
    struct member **members; /* of each run of a scope the lowest number first */
    size_t members_len, members_capacity;
};

struct pt_dpi_set *pt_dpi_set_new(void)
{
    struct pt_dpi_set *set = calloc(1, sizeof(*set));
    pt_assert(set != NULL);
    pt_arena_init(&set->arena);
    return set;
}

void pt_dpi_set_free(struct pt_dpi_set *set)
{
    if (set != NULL) {
        pt_arena_fini(&set->arena);
        free(set);
    }
}

struct pt_arena *pt_dpi_set_arena(struct pt_dpi_set *set)
{
    return &set->arena;
}

struct pt_dpi_application *pt_dpi_set_add(struct pt_dpi_set *set, uint32_t scope, uint32_t number, const char *name,
                                          size_t descriptions_len)
{
    if (set->members_len == set->members_capacity) {
        size_t capacity = set->members_capacity == 0 ? CAPACITY_FIRST : set->members_capacity * 2;
        struct member **more = pt_arena_array(&set->arena, capacity, sizeof(struct member *));
        if (set->members_len > 0) {
            memcpy(more, set->members, set->members_len * sizeof(struct member *));
        }
        set->members = more;
        set->members_capacity = capacity;
    }
    struct member *member = PT_NEW(&set->arena, struct member);
    member->scope = scope;
    member->application.number = number;
    member->application.name = pt_arena_strdup(&set->arena, name);
    member->application.descriptions_len = descriptions_len;
    member->application.descriptions = pt_arena_array(&set->arena, descriptions_len, sizeof(struct pt_dpi_description));
    for (size_t i = 0; i < descriptions_len; i++) {
        member->application.descriptions[i] =
            (struct pt_dpi_description){.protocol = PT_DPI_PROTOCOL_ANY, .dscp_mask = UINT64_MAX};
    }
    size_t at = set->members_len++;
    while (at > 0 && set->members[at - 1]->scope == scope && set->members[at - 1]->application.number > number) {
        set->members[at] = set->members[at - 1];
        at--;
    }
    set->members[at] = member;
    return &member->application;
}

/* ---- matching ------------------------------------------------------------------------------------------------- */

bool pt_dpi_host_matches(const char *pattern, const char *host)
{
    if (strncmp(pattern, "*.", 2) != 0) {
        return strcmp(pattern, host) == 0;
    }
    size_t below = strlen(pattern) - 1, len = strlen(host); /* with the dot */
    return len > below && strcmp(host + len - below, pattern + 1) == 0;
}

static bool any_host(const struct pt_dpi_description *description, const char *host)
{
    for (size_t i = 0; i < description->hosts_len; i++) {
        if (host[0] != '\0' && pt_dpi_host_matches(description->hosts[i], host)) {
            return true;
        }
    }
    return description->hosts_len == 0;
}

static bool any_port(const struct pt_dpi_description *description, uint16_t port)
{
    for (size_t i = 0; i < description->ports_len; i++) {
        if (port >= description->ports[i].first && port <= description->ports[i].last) {
            return true;
        }
    }
    return description->ports_len == 0;
}

static bool any_prefix(const struct pt_dpi_description *description, const struct pt_ip *ip)
{
    for (size_t i = 0; i < description->prefixes_len; i++) {
        if (pt_prefix_contains(&description->prefixes[i], ip)) {
            return true;
        }
    }
    return description->prefixes_len == 0;
}

static bool any_signature(const struct pt_dpi_description *description, const struct pt_dpi_subject *subject)
{
    for (size_t i = 0; i < description->signatures_len; i++) {
        uint32_t number = description->signatures[i];
        if (number == subject->signature || number == subject->carrier) {
            return true;
        }
    }
    return description->signatures_len == 0;
}

static bool describes(const struct pt_dpi_description *description, const struct pt_dpi_subject *subject)
{
    return (description->protocol == PT_DPI_PROTOCOL_ANY || description->protocol == subject->protocol) &&
           (description->dscp_mask >> (subject->dscp & 63) & 1) != 0 && any_port(description, subject->port) &&
           any_prefix(description, &subject->destination) && any_host(description, subject->host) &&
           any_signature(description, subject);
}

const struct pt_dpi_application *pt_dpi_set_match(const struct pt_dpi_set *set, uint32_t scope,
                                                  const struct pt_dpi_subject *subject)
{
    for (size_t i = 0; set != NULL && i < set->members_len; i++) {
        const struct pt_dpi_application *application = &set->members[i]->application;
        for (size_t j = 0; set->members[i]->scope == scope && j < application->descriptions_len; j++) {
            if (describes(&application->descriptions[j], subject)) {
                return application;
            }
        }
    }
    return NULL;
}

/* Nothing else is asked for: an address learned from DNS says nothing of ports. */
static bool names_only(const struct pt_dpi_description *description)
{
    return (description->hosts_len > 0 || description->signatures_len > 0) &&
           description->protocol == PT_DPI_PROTOCOL_ANY && description->dscp_mask == UINT64_MAX &&
           description->ports_len == 0 && description->prefixes_len == 0;
}

const struct pt_dpi_application *pt_dpi_set_match_host(const struct pt_dpi_set *set, uint32_t scope, const char *host,
                                                       uint32_t signature)
{
    const struct pt_dpi_subject subject = {.host = host, .signature = signature};
    for (size_t i = 0; set != NULL && i < set->members_len; i++) {
        const struct pt_dpi_application *application = &set->members[i]->application;
        for (size_t j = 0; set->members[i]->scope == scope && j < application->descriptions_len; j++) {
            const struct pt_dpi_description *description = &application->descriptions[j];
            if (names_only(description) && any_host(description, host) && any_signature(description, &subject)) {
                return application;
            }
        }
    }
    return NULL;
}

const struct pt_dpi_application *pt_dpi_set_find(const struct pt_dpi_set *set, uint32_t scope, uint32_t number)
{
    for (size_t i = 0; set != NULL && i < set->members_len; i++) {
        if (set->members[i]->scope == scope && set->members[i]->application.number == number) {
            return &set->members[i]->application;
        }
    }
    return NULL;
}
