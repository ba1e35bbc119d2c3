/*
 * Messages as JSON (the proto3 mapping: lowerCamelCase names, 64-bit numbers as strings, enums by name, bytes in
 * base64, Timestamp, Duration, FieldMask and Any in their special forms) and as YAML-ish text for people.
 */
#pragma once

#include "base/limits.h"
#include "wire/msg.h"

enum pt_json_flags { PT_JSON_COMPACT = 0, PT_JSON_INDENT = 1, PT_JSON_DEFAULTS = 2 /* print absent scalars too */ };

#define PT_JSON_SIZE_MAX (4 * PT_MESSAGE_SIZE_MAX) /* longest text that is read */

/* Append the message. Any needs the schema to look its type up; when schema is NULL, or its type or content is unknown,
 * it is printed as {"@type": ..., "value": base64}. Secrets are printed: strip first. */
void pt_json_write(const struct pt_schema *schema, const struct pt_msg *msg, unsigned flags, struct pt_buf *out);
/* Both lowerCamelCase and snake_case names are accepted; unknown names, duplicate names, values of a wrong type, depth
 * over the limit and trailing bytes are refused with "line L, column C" in field and the path in the text. Limits of
 * size and number hold as in pt_msg_parse. null means absent. The tree is canonical up to the order of maps. */
PT_MUST enum pt_code pt_json_read(const struct pt_schema *schema, const struct pt_message_type *type, const char *text,
                                  size_t size, struct pt_arena *arena, struct pt_msg **ret_msg,
                                  struct pt_error *reterr);
