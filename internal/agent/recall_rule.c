/*
 * A rule by its number. A segment has at most 64 rules of each kind, but a bundle has many entries, in the order of
 * their kinds and then of their VNIs: so the segment's first is searched for, and from there it is a walk.
 */
#include "agent/recall_rule.h"

/* Kind and VNI of an entry; those of other kinds have none here. */
static uint64_t place_of(const Patronus__V1__Entry *entry)
{
    uint32_t vni = entry->entry_case == PATRONUS__V1__ENTRY__ENTRY_RULE          ? entry->rule->vni
                   : entry->entry_case == PATRONUS__V1__ENTRY__ENTRY_FILTER_RULE ? entry->filter_rule->vni
                                                                                 : 0;
    return (uint64_t)entry->entry_case << 32 | vni;
}

/* The first entry at or behind a place. */
static size_t first_at(const Patronus__V1__Entry *const *entries, size_t len, uint64_t place)
{
    size_t low = 0, high = len;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        bool before = place_of(entries[middle]) < place;
        low = before ? middle + 1 : low;
        high = before ? high : middle;
    }
    return low;
}

struct pt_recall_rule pt_recall_rule_of(const struct pt_bundle *bundle, uint32_t vni, uint32_t rule_id)
{
    static const Patronus__V1__Entry__EntryCase kinds[] = {PATRONUS__V1__ENTRY__ENTRY_RULE,
                                                           PATRONUS__V1__ENTRY__ENTRY_FILTER_RULE};
    size_t len = 0;
    const Patronus__V1__Entry *const *entries = bundle != NULL && rule_id != 0 ? pt_bundle_entries(bundle, &len) : NULL;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        uint64_t place = (uint64_t)kinds[i] << 32 | vni;
        for (size_t at = first_at(entries, len, place); at < len && place_of(entries[at]) == place; at++) {
            if (kinds[i] == PATRONUS__V1__ENTRY__ENTRY_RULE && entries[at]->rule->rule_id == rule_id) {
                return (struct pt_recall_rule){entries[at]->rule->origin, entries[at]->rule->revision};
            }
            if (kinds[i] != PATRONUS__V1__ENTRY__ENTRY_RULE && entries[at]->filter_rule->rule_id == rule_id) {
                return (struct pt_recall_rule){.origin = entries[at]->filter_rule->origin};
            }
        }
    }
    return (struct pt_recall_rule){.origin = ""};
}
