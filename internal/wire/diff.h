/*
 * What differs between two messages of a type, field by field, for people.
 */
#pragma once

#include "wire/msg.h"

/* Call fn for each user's field that differs, in order of number: within messages by path, of maps by entry, of lists
 * as a whole. Values as pt_msg_text shows them; "" where there is none. Either may be NULL. `name` is left out. */
void pt_msg_diff(const struct pt_message_type *type, const struct pt_msg *before, const struct pt_msg *after,
                 void (*fn)(void *arg, const char *path, const char *before, const char *after), void *arg);
