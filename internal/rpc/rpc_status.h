/*
 * Errors as gRPC carries them: google.rpc.Status with details, the trailer "grpc-status-details-bin".
 *
 *   Status     { int32 code = 1; string message = 2; repeated Any details = 3; }
 *   Any        { string type_url = 1; bytes value = 2; }
 *   ErrorInfo  { string reason = 1; string domain = 2; map<string, string> metadata = 3; }
 *   BadRequest { repeated FieldViolation { string field = 1; string description = 2; } field_violations = 1; }
 *
 * An error with a reason gets an ErrorInfo with domain "patronus" and, when it has a field, metadata {"field": ...}. An
 * INVALID_ARGUMENT with a field also gets a BadRequest.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"

#define PT_RPC_STATUS_KEY "grpc-status-details-bin"
#define PT_RPC_ERROR_DOMAIN "patronus"

/* Append the Status of the error. */
void pt_rpc_status_encode(const struct pt_error *error, struct pt_buf *out);
/* The error that a client got: code and text from the status line, reason and field from the details. Bytes that are
 * not a Status leave reason and field empty. */
void pt_rpc_status_decode(int status, const char *text, struct pt_bytes details, struct pt_error *ret_error);
/* The text as valid UTF-8: a broken sequence (an error text cut short) becomes '?'. Returns the length. */
size_t pt_rpc_status_text(const char *text, char *ret_text, size_t size);
