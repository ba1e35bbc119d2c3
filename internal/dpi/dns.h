/*
 * DNS answers (RFC 1035), as far as they say where a name leads: A and AAAA records, and how long they hold. Pure.
 */
#pragma once

#include "base/net.h"

#include <stddef.h>

#define PT_DPI_HOST_SIZE 254
#define PT_DPI_DNS_ADDRESSES_MAX 16

struct pt_dpi_answer {
    char host[PT_DPI_HOST_SIZE]; /* the name that was asked for, lower case, without a dot at the end */
    struct pt_ip addresses[PT_DPI_DNS_ADDRESSES_MAX];
    size_t addresses_len;
    uint32_t ttl_s; /* shortest of the records that lead there */
};

/* False when the message is no answer without error, or is damaged; then *ret_answer is untouched. Further addresses
 * than there is room for are left out. */
bool pt_dpi_dns_parse(const uint8_t *data, size_t size, struct pt_dpi_answer *ret_answer);
