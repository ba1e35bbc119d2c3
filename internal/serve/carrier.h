/*
 * What forwarding needs of a call that came in a parcel. Private to the folder.
 */
#pragma once

#include "serve/controller_priv.h"
#include "serve/parcel.h"

#define PT_CARRIER_PATH "/patronus.internal.Controllers/Carry"
#define PT_CARRIER_MESSAGE_SIZE (256U << 10) /* parcels are gathered up to this */

extern const struct pt_method_type pt_carrier_method;
extern const struct pt_serve_method pt_serve_carry;

/* Answer a call that has a carrier. The call may be gone afterwards. */
void pt_carrier_answer(struct pt_serve_call *call, const struct pt_error *error, struct pt_bytes reply);

/* api.c: a call for the parcel, on its own feet but without a connection; and what happens to it. */
struct pt_serve_call *pt_serve_call_parcel(struct pt_serve_call *stream, const struct pt_parcel_call *parcel);
void pt_serve_call_begin(struct pt_serve_call *call, const struct pt_parcel_call *parcel);
