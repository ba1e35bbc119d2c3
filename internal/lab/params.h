/*
 * What the lab does to the frames of one direction of a link, and how people write it: "delay=20ms loss=0.5%".
 *
 * The same words stand in lab files, in `patronusctl lab link set` and in the relay's control protocol, so they are
 * parsed and printed here alone. Values only; nothing is owned.
 */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PT_LAB_DELAY_NS_MAX 10000000000ULL  /* 10 s */
#define PT_LAB_RATE_BPS_MAX 400000000000ULL /* as Link.capacity_up_bps */
#define PT_LAB_QUEUE_SIZE_MAX (256U << 20)
#define PT_LAB_PARAMS_TEXT_SIZE 224

struct pt_lab_params {
    uint64_t delay_ns;      /* one way */
    uint64_t jitter_ns;     /* uniform in +-jitter around the delay; order is kept */
    uint64_t rate_bps;      /* 0: unlimited */
    uint64_t queue_size;    /* bytes that may wait for the rate; 0: pt_lab_params_queue_size() chooses */
    uint32_t loss_ppm;      /* independent loss of frames */
    uint32_t reorder_ppm;   /* frames that overtake the others by skipping the delay */
    uint32_t duplicate_ppm; /* frames that come twice */
    bool cut;               /* every frame is dropped; the carrier stays up */
};

/* Apply one "key=value" to *params; PT_INVALID_ARGUMENT says what would be right and leaves *params as it was. */
PT_MUST enum pt_code pt_lab_params_set(struct pt_lab_params *params, const char *assignment, struct pt_error *reterr);
/* True when pt_lab_params_set knows the key (the text before '='). */
bool pt_lab_params_has(const char *assignment);
/* The words that would make these parameters; "delay=0" for none. Returns text. */
char *pt_lab_params_format(const struct pt_lab_params *params, char text[PT_LAB_PARAMS_TEXT_SIZE]);
/* Bytes that may wait: as set, else 50 ms at the rate, and no less than 32 KiB. */
uint64_t pt_lab_params_queue_size(const struct pt_lab_params *params);

/* "20ms", "1.5s", "100us", "0". Nanoseconds. */
PT_MUST enum pt_code pt_lab_parse_duration(const char *text, uint64_t *ret_ns, struct pt_error *reterr);
/* "50mbit", "1.5gbit", "800kbit", "64bit", "off". Bits per second. */
PT_MUST enum pt_code pt_lab_parse_rate(const char *text, uint64_t *ret_bps, struct pt_error *reterr);
