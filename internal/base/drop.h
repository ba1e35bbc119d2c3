/*
 * Drop reasons in words: the list in bpf/abi/drop.h by number. Static text; unknown numbers are "unknown".
 */
#pragma once

#include "bpf/abi/drop.h"

#include <stdbool.h>
#include <stdint.h>

#define PT_DROP_REASONS_MAX 96 /* numbers are below */

bool pt_drop_exists(uint32_t reason);
const char *pt_drop_label(uint32_t reason);  /* as in metrics */
const char *pt_drop_text(uint32_t reason);   /* what it means */
const char *pt_drop_remedy(uint32_t reason); /* what to do about it */
/* 0 when there is none of that label. */
uint32_t pt_drop_by_label(const char *label);
