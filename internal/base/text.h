/*
 * What a text from outside may do to whoever reads it: end a line, move the cursor, turn the direction of writing.
 */
#pragma once

#include <stddef.h>

/* Length of the UTF-8 sequence at text, 0 when it is none. */
size_t pt_text_utf8(const unsigned char *text, size_t size);
/* The same for a character that does no harm in a line: no control, nothing that turns the direction or ends the line.
 * 0: it does, or is no UTF-8. */
size_t pt_text_harmless(const unsigned char *text, size_t size);
/* Each character that does harm becomes a question mark. */
void pt_text_clean(char *text);
