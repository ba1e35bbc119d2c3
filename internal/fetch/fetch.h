/*
 * HTTPS GET of a small document, for key sets of identity providers. The one door to libcurl.
 *
 * Who names the URL may be hostile (a tenant's administrator), so: https only, no redirects, no proxy of the
 * environment, no cookies, no credentials; the address that is connected to is checked after the name was resolved, and
 * once: what is private, local or reserved is refused unless the operator allows its prefix. Bounded in bytes and time.
 *
 * Blocking: for threads of an executor, never on the loop. Thread-safe.
 */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "base/net.h"

#define PT_FETCH_SIZE_MAX (256U << 10)
#define PT_FETCH_TIMEOUT_MS 5000

struct pt_fetch_options {
    const char *ca_file;             /* PEM of who signs the servers' certificates; "": the system's */
    const struct pt_prefix *allowed; /* beyond the public addresses */
    size_t allowed_len;
};
/* PT_UNAVAILABLE with the reason. Appends to ret_body. */
PT_MUST enum pt_code pt_fetch(const char *url, const struct pt_fetch_options *options, struct pt_buf *ret_body,
                              struct pt_error *reterr);
/* May that address be connected to without the operator's word? */
bool pt_fetch_public(const struct pt_ip *ip);
