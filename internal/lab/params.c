/*
 * Units. A number with an optional fraction is followed by a suffix from a table; the product is rounded to an integer
 * of the base unit at once, so that no fraction travels further. A bare number is refused where its unit would be a
 * guess, except 0.
 */
#include "lab/params.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct unit {
    const char *suffix;
    double factor;
};

static const struct unit durations[] = {{"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {NULL, 0}};
static const struct unit rates[] = {{"bit", 1}, {"kbit", 1e3}, {"mbit", 1e6}, {"gbit", 1e9}, {NULL, 0}};
static const struct unit sizes[] = {{"B", 1}, {"kB", 1e3}, {"MB", 1e6}, {NULL, 0}};
static const struct unit ratios[] = {{"%", 1e4}, {"ppm", 1}, {NULL, 0}};

/* False unless the whole text is NUMBER SUFFIX with a product in 0..max. */
static bool parse_quantity(const char *text, const struct unit *units, double max, uint64_t *ret_value)
{
    if (text[0] < '0' || text[0] > '9') {
        return false; /* strtod would take signs, blanks, "inf" and "nan" */
    }
    if (strspn(text, "0123456789.") > 18) {
        return false;
    }
    char *end = NULL;
    double number = strtod(text, &end);
    if (end != text + strspn(text, "0123456789.")) {
        return false; /* hexadecimal or an exponent */
    }
    double product = number;
    if (*end != '\0') {
        while (units->suffix != NULL && strcmp(units->suffix, end) != 0) {
            units++;
        }
        if (units->suffix == NULL) {
            return false;
        }
        product = number * units->factor;
    } else if (number > 0) {
        return false;
    }
    if (product > max) {
        return false;
    }
    *ret_value = (uint64_t)(product + 0.5);
    return true;
}

enum pt_code pt_lab_parse_duration(const char *text, uint64_t *ret_ns, struct pt_error *reterr)
{
    if (!parse_quantity(text, durations, (double)PT_LAB_DELAY_NS_MAX, ret_ns)) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, NULL,
                       "'%.40s' is not a duration; write it like 20ms, 1.5s or 100us, at most 10s", text);
    }
    return PT_OK;
}

enum pt_code pt_lab_parse_rate(const char *text, uint64_t *ret_bps, struct pt_error *reterr)
{
    if (strcmp(text, "off") == 0) {
        *ret_bps = 0;
        return PT_OK;
    }
    if (!parse_quantity(text, rates, (double)PT_LAB_RATE_BPS_MAX, ret_bps)) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, NULL,
                       "'%.40s' is not a rate; write it like 50mbit, 800kbit, 1.5gbit or off, at most 400gbit", text);
    }
    return PT_OK;
}

static enum pt_code parse_ratio(const char *text, uint32_t *ret_ppm, struct pt_error *reterr)
{
    uint64_t ppm = 0;
    if (!parse_quantity(text, ratios, 1e6, &ppm)) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, NULL,
                       "'%.40s' is not a ratio; write it like 2%%, 0.1%% or 500ppm, at most 100%%", text);
    }
    *ret_ppm = (uint32_t)ppm;
    return PT_OK;
}

static enum pt_code parse_size(const char *text, uint64_t *ret_size, struct pt_error *reterr)
{
    if (!parse_quantity(text, sizes, PT_LAB_QUEUE_SIZE_MAX, ret_size)) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, NULL,
                       "'%.40s' is not a size; write it like 64kB, 1MB or 3000B, at most 268MB", text);
    }
    return PT_OK;
}

static enum pt_code parse_switch(const char *text, bool *ret_on, struct pt_error *reterr)
{
    if (strcmp(text, "yes") != 0 && strcmp(text, "no") != 0) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, NULL, "'%.40s' must be yes or no", text);
    }
    *ret_on = text[0] == 'y';
    return PT_OK;
}

enum key { KEY_DELAY, KEY_JITTER, KEY_LOSS, KEY_REORDER, KEY_DUPLICATE, KEY_RATE, KEY_QUEUE, KEY_CUT, KEY_NONE };
static const char *const keys[] = {"delay", "jitter", "loss", "reorder", "duplicate", "rate", "queue", "cut"};

/* The key and where its value starts; KEY_NONE when there is no such key or no '='. */
static enum key find_key(const char *assignment, const char **ret_value)
{
    const char *equals = strchr(assignment, '=');
    if (equals == NULL) {
        return KEY_NONE;
    }
    size_t len = (size_t)(equals - assignment);
    for (unsigned i = 0; i < KEY_NONE; i++) {
        if (strlen(keys[i]) == len && memcmp(keys[i], assignment, len) == 0) {
            *ret_value = equals + 1;
            return (enum key)i;
        }
    }
    return KEY_NONE;
}

bool pt_lab_params_has(const char *assignment)
{
    const char *value = NULL;
    return find_key(assignment, &value) != KEY_NONE;
}

enum pt_code pt_lab_params_set(struct pt_lab_params *params, const char *assignment, struct pt_error *reterr)
{
    const char *value = NULL;
    switch (find_key(assignment, &value)) {
    case KEY_DELAY:
        return pt_lab_parse_duration(value, &params->delay_ns, reterr);
    case KEY_JITTER:
        return pt_lab_parse_duration(value, &params->jitter_ns, reterr);
    case KEY_LOSS:
        return parse_ratio(value, &params->loss_ppm, reterr);
    case KEY_REORDER:
        return parse_ratio(value, &params->reorder_ppm, reterr);
    case KEY_DUPLICATE:
        return parse_ratio(value, &params->duplicate_ppm, reterr);
    case KEY_RATE:
        return pt_lab_parse_rate(value, &params->rate_bps, reterr);
    case KEY_QUEUE:
        return parse_size(value, &params->queue_size, reterr);
    case KEY_CUT:
        return parse_switch(value, &params->cut, reterr);
    case KEY_NONE:
        break;
    }
    return pt_fail(
        reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_UNKNOWN, NULL,
        "'%.60s' is not known; there are delay=, jitter=, loss=, reorder=, duplicate=, rate=, queue= and cut=",
        assignment);
}

char *pt_lab_params_format(const struct pt_lab_params *params, char text[PT_LAB_PARAMS_TEXT_SIZE])
{
    char *at = text;
    char *end = text + PT_LAB_PARAMS_TEXT_SIZE;
    at += snprintf(at, (size_t)(end - at), "delay=%g%s", (double)params->delay_ns / 1e6,
                   params->delay_ns == 0 ? "" : "ms");
    if (params->jitter_ns != 0) {
        at += snprintf(at, (size_t)(end - at), " jitter=%gms", (double)params->jitter_ns / 1e6);
    }
    if (params->loss_ppm != 0) {
        at += snprintf(at, (size_t)(end - at), " loss=%g%%", (double)params->loss_ppm / 1e4);
    }
    if (params->reorder_ppm != 0) {
        at += snprintf(at, (size_t)(end - at), " reorder=%g%%", (double)params->reorder_ppm / 1e4);
    }
    if (params->duplicate_ppm != 0) {
        at += snprintf(at, (size_t)(end - at), " duplicate=%g%%", (double)params->duplicate_ppm / 1e4);
    }
    if (params->rate_bps != 0) {
        at += snprintf(at, (size_t)(end - at), " rate=%gmbit", (double)params->rate_bps / 1e6);
    }
    if (params->queue_size != 0) {
        at += snprintf(at, (size_t)(end - at), " queue=%gkB", (double)params->queue_size / 1e3);
    }
    if (params->cut) {
        (void)snprintf(at, (size_t)(end - at), " cut=yes"); /* cannot be cut short: the longest text is below 180 */
    }
    return text;
}

uint64_t pt_lab_params_queue_size(const struct pt_lab_params *params)
{
    if (params->queue_size != 0) {
        return params->queue_size;
    }
    uint64_t size = params->rate_bps / 8 / 20;
    return size < 32768 ? 32768 : size;
}
