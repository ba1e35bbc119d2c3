/*
 * The list of drop reasons as a table. Reasons that do not exist have no label.
 */
#include "base/drop.h"

#include <string.h>

struct words {
    const char *label, *text, *remedy;
};

static const struct words words[PT_DROP_REASONS_MAX] = {
#define ROW(name, number, label, text, remedy) [number] = {label, text, remedy},
    PT_DROPS(ROW) PT_TUNNEL_DROPS(ROW)
#undef ROW
};

bool pt_drop_exists(uint32_t reason)
{
    return reason < PT_DROP_REASONS_MAX && words[reason].label != NULL;
}

static const struct words *words_of(uint32_t reason)
{
    static const struct words unknown = {"unknown", "a reason of a newer version", "bring this node to that version"};
    return pt_drop_exists(reason) ? &words[reason] : &unknown;
}

const char *pt_drop_label(uint32_t reason)
{
    return words_of(reason)->label;
}

const char *pt_drop_text(uint32_t reason)
{
    return words_of(reason)->text;
}

const char *pt_drop_remedy(uint32_t reason)
{
    return words_of(reason)->remedy;
}

uint32_t pt_drop_by_label(const char *label)
{
    uint32_t found = 0;
    for (uint32_t i = 1; i < PT_DROP_REASONS_MAX; i++) {
        found = words[i].label != NULL && strcmp(words[i].label, label) == 0 ? i : found;
    }
    return found;
}
