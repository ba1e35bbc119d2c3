/*
 * YAML, as far as people write it for declared resources: `get -o yaml` prints it, apply, create, update and edit read
 * it.
 *
 * Read are block mappings and lists, [flow] and {flow} ones, plain, 'single' and "double" quoted texts, | and > blocks,
 * comments, and documents between ---. Not read, and refused by name: anchors and aliases, tags, directives, plain
 * texts over several lines, tabs as indentation. Scalars mean what YAML 1.2 says: true, false, null and numbers,
 * everything else is a text ("no" and "12:30" too).
 */
#pragma once

#include "cli/value.h"

#define PT_CLI_YAML_DEPTH_MAX 64

/* Append `value` as block YAML, indented by `indent` columns from the second line on. What could be read as something
 * else than a text stands in double quotes. Ends with a line end. */
void pt_cli_yaml_write(const struct pt_cli_value *value, size_t indent, struct pt_buf *out);

/* Append the documents as JSON, each value in the line that it has in `text`, so that what a reader of JSON says of a
 * line is true of the YAML. PT_INVALID_ARGUMENT with "FILE, line L" in `field`. */
PT_MUST enum pt_code pt_cli_yaml_to_json(const char *file, const char *text, size_t size, struct pt_buf *out,
                                         struct pt_error *reterr);
