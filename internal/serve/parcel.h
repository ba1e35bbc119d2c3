/*
 * Parcels: calls that one controller hands to another, many in a message. Private to the folder; pure.
 *
 *   call     u64 id   path   principal   caller (a patronus.v1.Caller)   request
 *   answer   u64 id   u32 code (of gRPC)   text   payload: the reply; of an error, its details (rpc_status.h)
 *
 * Each text and byte string has its length, a u32, before it; texts have no NUL, and none at the end. A message holds
 * one parcel after the other. Big-endian.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>

#define PT_PARCEL_PATH_SIZE_MAX 255
#define PT_PARCEL_PRINCIPAL_SIZE_MAX 1023

struct pt_parcel_call {
    uint64_t id;
    char path[PT_PARCEL_PATH_SIZE_MAX + 1];
    char principal[PT_PARCEL_PRINCIPAL_SIZE_MAX + 1];
    struct pt_bytes caller, request; /* borrowed */
};

struct pt_parcel_answer {
    uint64_t id;
    struct pt_error error; /* code PT_OK: none */
    struct pt_bytes reply; /* borrowed */
};

/* Append. False, and nothing appended, when a text is too long. */
bool pt_parcel_call_put(struct pt_buf *out, uint64_t id, const char *path, const char *principal,
                        struct pt_bytes caller, struct pt_bytes request);
void pt_parcel_answer_put(struct pt_buf *out, uint64_t id, const struct pt_error *error, struct pt_bytes reply);
/* Take the next one off the front of *bytes; false when that is not a parcel. */
bool pt_parcel_call_take(struct pt_bytes *bytes, struct pt_parcel_call *ret_call);
bool pt_parcel_answer_take(struct pt_bytes *bytes, struct pt_parcel_answer *ret_answer);
