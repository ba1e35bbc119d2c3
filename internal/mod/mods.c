/*
 * The list of mods, made from mods.def.
 */
#include "mod/mods.h"

#define PT_MOD(name) extern const struct pt_mod pt_mod_##name;
#include "mod/mods.def"
#undef PT_MOD

const struct pt_mod *const *pt_mods(void)
{
    static const struct pt_mod *const mods[] = {
#define PT_MOD(name) &pt_mod_##name,
#include "mod/mods.def"
#undef PT_MOD
        NULL,
    };
    return mods;
}
