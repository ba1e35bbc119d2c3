/*
 * Messages of generated code to bytes.
 */
#pragma once

#include "base/buf.h"

#include <protobuf-c/protobuf-c.h>

/* Append what protobuf_c_message_pack would write, in one walk: that one goes over everything for the size first, and
 * these few messages (commands, events, audit records) are written with every change. Messages of proto3 without
 * `optional`, `required` or unknown fields only, which is asserted. */
void pt_pack(const ProtobufCMessage *message, struct pt_buf *out);
