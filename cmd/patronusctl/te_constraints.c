/*
 * Path constraints as words of the command line: require=LABEL, exclude=LABEL, group=N, any-group=N, no-group=N,
 * max-delay=20ms, max-loss=0.1%, min-capacity=50M. What they mean is the schema's (PathConstraints).
 */
#include "te.h"

#include <stdlib.h>
#include <string.h>

static enum pt_code fail(const char *word, const char *due, struct pt_error *reterr)
{
    return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, word, "%s", due);
}

/* A number with one of up to three units behind it; the first unit is also meant without any. */
static bool number_with_unit(const char *text, const char *const units[3], const double factors[3], double *ret_value)
{
    char *end = NULL;
    double value = strtod(text, &end);
    if (end == text || !(value >= 0) || value > 1e15) {
        return false;
    }
    for (size_t i = 0; i < 3; i++) {
        if (units[i] != NULL && (strcmp(end, units[i]) == 0 || (i == 0 && *end == '\0'))) {
            *ret_value = value * factors[i];
            return true;
        }
    }
    return false;
}

static enum pt_code add_delay(struct pt_arena *arena, struct pt_msg *constraints, const char *word, const char *value,
                              struct pt_error *reterr)
{
    static const char *const units[3] = {"us", "ms", "s"};
    static const double factors[3] = {1, 1e3, 1e6};
    double us = 0;
    if (!number_with_unit(value, units, factors, &us) || us < 1 || us > 6e7) {
        return fail(word, "a delay is a number with us, ms or s behind it, from 1us to 60s", reterr);
    }
    pt_msg_set_u64(constraints, arena, "max_latency_us", (uint64_t)us);
    return PT_OK;
}

static enum pt_code add_loss(struct pt_arena *arena, struct pt_msg *constraints, const char *word, const char *value,
                             struct pt_error *reterr)
{
    static const char *const units[3] = {"%", "ppm", NULL};
    static const double factors[3] = {1e4, 1, 1};
    double ppm = 0;
    if (!number_with_unit(value, units, factors, &ppm) || ppm > 1e6) {
        return fail(word, "a loss is a number with % or ppm behind it, at most 100%", reterr);
    }
    pt_msg_set_u64(constraints, arena, "max_loss_ppm", (uint64_t)(ppm + 0.5));
    return PT_OK;
}

static enum pt_code add_group(struct pt_arena *arena, struct pt_msg *constraints, const char *field, const char *word,
                              const char *value, struct pt_error *reterr)
{
    char *end = NULL;
    unsigned long number = strtoul(value, &end, 10);
    if (value[0] < '0' || value[0] > '9' || *end != '\0' || number > 255) {
        return fail(word, "a group is a number from 0 to 255", reterr);
    }
    pt_msg_append(constraints, arena, field, (union pt_value){.u64 = number});
    return PT_OK;
}

static enum pt_code add_label(struct pt_arena *arena, struct pt_msg *constraints, const char *field, const char *word,
                              const char *value, struct pt_error *reterr)
{
    if (value[0] == '\0' || value[0] == '=') {
        return fail(word, "write a label as key or key=value", reterr);
    }
    pt_msg_append(constraints, arena, field,
                  (union pt_value){.bytes = {.data = (const uint8_t *)value, .size = strlen(value)}});
    return PT_OK;
}

enum pt_code ctl_te_constraint(struct pt_arena *arena, struct pt_msg *constraints, const char *word,
                               struct pt_error *reterr)
{
    static const struct {
        const char *key, *field;
        enum pt_code (*add)(struct pt_arena *arena, struct pt_msg *constraints, const char *field, const char *word,
                            const char *value, struct pt_error *reterr);
    } lists[] = {{"require=", "require_labels", add_label},
                 {"exclude=", "exclude_labels", add_label},
                 {"group=", "include_all_groups", add_group},
                 {"any-group=", "include_any_groups", add_group},
                 {"no-group=", "exclude_groups", add_group}};
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        size_t size = strlen(lists[i].key);
        if (strncmp(word, lists[i].key, size) == 0) {
            return lists[i].add(arena, constraints, lists[i].field, word, word + size, reterr);
        }
    }
    if (strncmp(word, "max-delay=", 10) == 0) {
        return add_delay(arena, constraints, word, word + 10, reterr);
    }
    if (strncmp(word, "max-loss=", 9) == 0) {
        return add_loss(arena, constraints, word, word + 9, reterr);
    }
    if (strncmp(word, "min-capacity=", 13) == 0) {
        uint64_t bps = 0;
        PT_TRY(ctl_te_rate(word + 13, &bps, reterr));
        pt_msg_set_u64(constraints, arena, "min_capacity_bps", bps);
        return PT_OK;
    }
    return fail(word, "write require=, exclude=, group=, any-group=, no-group=, max-delay=, max-loss= or min-capacity=",
                reterr);
}
