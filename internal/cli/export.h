/*
 * Resources as configuration for other tools. Pure: text from messages and schema.
 */
#pragma once

#include "base/buf.h"
#include "base/map.h"
#include "wire/msg.h"

/* Append a resource as HCL for the Terraform provider: an import block, and a resource block with every field that the
 * user set. `names` holds the names of all resources that are exported (values are not looked at): they are written as
 * references, so that Terraform finds the order. Output fields and secrets are left out. */
void pt_cli_export_tf(const struct pt_msg *resource, const struct pt_map *names, struct pt_buf *out);
