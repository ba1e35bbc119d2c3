/*
 * The skeleton of JSON: where values and members begin and end, without a look inside. Private to this folder; the
 * values themselves are read by wire/json.h.
 */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

struct pt_cli_scan {
    const char *text;
    size_t size, at;
};

struct pt_cli_span {
    size_t begin, end; /* [begin, end) of the text */
};

void pt_cli_scan_space(struct pt_cli_scan *scan);
/* The character at the cursor after white space; 0 at the end. */
char pt_cli_scan_peek(struct pt_cli_scan *scan);
/* Step over one value (nesting is counted, not recursed into). False when there is none or it does not end. */
bool pt_cli_scan_value(struct pt_cli_scan *scan, struct pt_cli_span *ret_value);
/* Inside of an object, the cursor behind '{' or a member: the next member. *ret_more false at '}', which is taken. A
 * comma behind the member is taken too. False when it is not JSON. */
bool pt_cli_scan_member(struct pt_cli_scan *scan, struct pt_cli_span *ret_key, struct pt_cli_span *ret_value,
                        bool *ret_more);
/* The same for elements of an array. */
bool pt_cli_scan_element(struct pt_cli_scan *scan, struct pt_cli_span *ret_value, bool *ret_more);
/* Line of an offset, from 1. */
unsigned pt_cli_scan_line(const struct pt_cli_scan *scan, size_t offset);
