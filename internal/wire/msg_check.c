/*
 * The rules of the .proto, enforced on a tree. One recursive walk over the fields of each message: first what must be
 * there, then each value by its kind. Every refusal names the field by its path and says what would be right.
 */
#include "wire/msg_internal.h"
#include "base/map.h"

#include <inttypes.h>
#include <string.h>

#define TIMESTAMP_SECONDS_MIN (-9223372036LL) /* what int64 nanoseconds can hold: 1677 to 2262 */
#define TIMESTAMP_SECONDS_MAX 9223372035LL
#define DURATION_SECONDS_MAX 9223372035LL

struct checker {
    enum pt_rule_context context;
    struct pt_error *reterr;
};

static enum pt_code check_message(const struct checker *checker, const struct pt_msg *msg, const struct pt_path *path);

/* ---- one value ------------------------------------------------------------------------------------------------ */

static enum pt_code check_range(const struct checker *checker, const struct pt_field_type *type,
                                const union pt_value *value, const struct pt_path *path)
{
    const struct pt_field_rules *rules = &type->rules;
    const char *unit = rules->unit != NULL ? rules->unit : "";
    const char *space = rules->unit != NULL ? " " : "";
    if (pt_kind_is_unsigned(type->kind)) {
        bool low = rules->min > 0 && value->u64 < (uint64_t)rules->min;
        bool high = rules->max < 0 || value->u64 > (uint64_t)rules->max;
        if (low || high) {
            return pt_fail_at(checker->reterr, PT_REASON_FIELD_INVALID, path,
                              "%" PRIu64 " is out of range; write %" PRId64 " to %" PRId64 "%s%s", value->u64,
                              rules->min, rules->max, space, unit);
        }
    } else if (pt_kind_is_signed(type->kind) && (value->i64 < rules->min || value->i64 > rules->max)) {
        return pt_fail_at(checker->reterr, PT_REASON_FIELD_INVALID, path,
                          "%" PRId64 " is out of range; write %" PRId64 " to %" PRId64 "%s%s", value->i64, rules->min,
                          rules->max, space, unit);
    } else if (pt_kind_is_float(type->kind) &&
               !(value->number >= (double)rules->min && value->number <= (double)rules->max)) {
        return pt_fail_at(checker->reterr, PT_REASON_FIELD_INVALID, path,
                          "%g is out of range; write %" PRId64 " to %" PRId64 "%s%s", value->number, rules->min,
                          rules->max, space, unit);
    }
    return PT_OK;
}

static enum pt_code check_text(const struct checker *checker, const struct pt_field_type *type,
                               const union pt_value *value, const struct pt_path *path)
{
    if (value->bytes.size > type->rules.max_size) {
        return pt_fail_at(checker->reterr, PT_REASON_FIELD_INVALID, path, "is %zu bytes long; at most %u are allowed",
                          value->bytes.size, type->rules.max_size);
    }
    if (type->kind != PT_FIELD_STRING || (value->bytes.size == 0 && !type->repeated)) {
        return PT_OK; /* an empty singular string is an absent one, also where presence is tracked */
    }
    const char *text = (const char *)value->bytes.data;
    if (type->rules.reference_kind != NULL) {
        return pt_name_check_kind(type->rules.reference_kind, text, path, checker->reterr);
    }
    return pt_format_check(type->rules.format, text, path, checker->reterr);
}

static enum pt_code check_timestamp(const struct checker *checker, const struct pt_msg *time,
                                    const struct pt_path *path)
{
    int64_t seconds = pt_msg_i64(time, "seconds");
    int64_t nanos = pt_msg_i64(time, "nanos");
    if (nanos < 0 || nanos > 999999999 || seconds < TIMESTAMP_SECONDS_MIN || seconds > TIMESTAMP_SECONDS_MAX) {
        return pt_fail_at(checker->reterr, PT_REASON_FIELD_INVALID, path,
                          "is not a time; write one between the years 1678 and 2262 with nanos from 0 to 999999999");
    }
    return PT_OK;
}

static enum pt_code check_duration(const struct checker *checker, const struct pt_msg *duration,
                                   const struct pt_path *path)
{
    int64_t seconds = pt_msg_i64(duration, "seconds");
    int64_t nanos = pt_msg_i64(duration, "nanos");
    bool signs_agree = !(seconds > 0 && nanos < 0) && !(seconds < 0 && nanos > 0);
    if (!signs_agree || nanos < -999999999 || nanos > 999999999 || seconds < -DURATION_SECONDS_MAX ||
        seconds > DURATION_SECONDS_MAX) {
        return pt_fail_at(checker->reterr, PT_REASON_FIELD_INVALID, path,
                          "is not a duration; seconds and nanos must have one sign, nanos be below a second, and the "
                          "whole below 292 years");
    }
    return PT_OK;
}

static enum pt_code check_value(const struct checker *checker, const struct pt_field_type *type,
                                const union pt_value *value, const struct pt_path *path)
{
    if (type->kind == PT_FIELD_MESSAGE) {
        switch (type->message->well_known) {
        case PT_WELL_KNOWN_TIMESTAMP:
            return check_timestamp(checker, value->message, path);
        case PT_WELL_KNOWN_DURATION:
            return check_duration(checker, value->message, path);
        default:
            return check_message(checker, value->message, path);
        }
    }
    if (pt_kind_is_text(type->kind)) {
        return check_text(checker, type, value, path);
    }
    if (type->kind == PT_FIELD_ENUM) {
        /* The first value of an enum, 0, says "not given"; in a list that is no statement. */
        if (pt_enum_by_number(type->enumeration, (int32_t)value->i64) == NULL || (type->repeated && value->i64 == 0)) {
            return pt_fail_at(checker->reterr, PT_REASON_FIELD_INVALID, path,
                              "%" PRId64 " is not a usable value of %s; `patronusctl explain` lists them", value->i64,
                              type->enumeration->full_name);
        }
        return PT_OK;
    }
    return type->rules.has_range ? check_range(checker, type, value, path) : PT_OK;
}

/* ---- repeated fields ------------------------------------------------------------------------------------------ */

/* Each key greater than the one before, as the parser leaves them: so none is there twice. */
static bool keys_ascend(const struct pt_msg_field *field)
{
    for (size_t i = 1; i < field->len; i++) {
        if (pt_map_entry_compare(&field->values[i - 1], &field->values[i]) >= 0) {
            return false;
        }
    }
    return true;
}

static enum pt_code check_map(const struct checker *checker, const struct pt_msg_field *field,
                              const struct pt_path *parent)
{
    struct pt_map keys; /* used only where the order does not tell */
    pt_map_init(&keys);
    bool ascending = keys_ascend(field);
    enum pt_code code = PT_OK;
    for (size_t i = 0; i < field->len && code == PT_OK; i++) {
        struct pt_msg *entry = field->values[i].message;
        char text[PT_KEY_TEXT_SIZE];
        struct pt_path path = {.parent = parent, .name = field->type->name};
        path.key = pt_map_key_text(entry, text, sizeof(text));
        if (path.key[0] == '\0') {
            code = pt_fail_at(checker->reterr, PT_REASON_FIELD_INVALID, &path, "a key is empty; write a name");
        } else if (!ascending && pt_map_put_str(&keys, path.key, entry) != NULL) {
            code = pt_fail_at(checker->reterr, PT_REASON_FIELD_INVALID, &path, "the key is given twice");
        }
        for (size_t j = 0; j < entry->fields_len && code == PT_OK; j++) {
            code = check_value(checker, entry->fields[j].type, &entry->fields[j].values[0], &path);
        }
    }
    pt_map_fini(&keys);
    return code;
}

/* A list that is a set holds nothing twice. Scalars and strings only: protos use `set` on nothing else. */
static enum pt_code check_distinct(const struct checker *checker, const struct pt_msg_field *field,
                                   const struct pt_path *parent)
{
    struct pt_map seen;
    pt_map_init(&seen);
    enum pt_code code = PT_OK;
    for (size_t i = 0; i < field->len && code == PT_OK; i++) {
        const union pt_value *value = &field->values[i];
        PT_AUTO(buf) struct pt_buf key;
        pt_buf_init(&key);
        if (pt_kind_is_text(field->type->kind)) {
            pt_buf_append(&key, value->bytes.data, value->bytes.size);
        } else if (field->type->kind == PT_FIELD_MESSAGE) {
            pt_msg_encode(value->message, &key);
        } else {
            pt_buf_append(&key, &value->u64, sizeof(value->u64));
        }
        void *first =
            pt_map_put(&seen, key.data != NULL ? key.data : (const uint8_t *)"", key.size, (void *)(uintptr_t)(i + 1));
        if (first != NULL) {
            struct pt_path path = {.parent = parent, .name = field->type->name, .index = i};
            code = pt_fail_at(checker->reterr, PT_REASON_FIELD_INVALID, &path,
                              "repeats element %zu; write each element once", (size_t)(uintptr_t)first - 1);
        }
    }
    pt_map_fini(&seen);
    return code;
}

static enum pt_code check_repeated(const struct checker *checker, const struct pt_msg_field *field,
                                   const struct pt_path *parent)
{
    struct pt_path path = {.parent = parent, .name = field->type->name, .index = PT_PATH_NO_INDEX};
    if (field->len > field->type->rules.max_items) {
        return pt_fail_at(checker->reterr, PT_REASON_FIELD_INVALID, &path, "has %zu elements; at most %u are allowed",
                          field->len, field->type->rules.max_items);
    }
    if (field->type->map) {
        return check_map(checker, field, parent);
    }
    for (size_t i = 0; i < field->len; i++) {
        path.index = i;
        PT_TRY(check_value(checker, field->type, &field->values[i], &path));
    }
    return field->type->rules.set ? check_distinct(checker, field, parent) : PT_OK;
}

/* ---- messages ------------------------------------------------------------------------------------------------- */

static enum pt_code missing(const struct checker *checker, const struct pt_field_type *type, const struct pt_path *path)
{
    const char *comment_end = strchr(type->comment, '\n');
    int size = comment_end != NULL ? (int)(comment_end - type->comment) : (int)strlen(type->comment);
    return pt_fail_at(checker->reterr, PT_REASON_FIELD_REQUIRED, path, "is required%s%.*s", size > 0 ? ": " : "", size,
                      type->comment);
}

static enum pt_code check_field(const struct checker *checker, const struct pt_field_type *type,
                                const struct pt_msg_field *field, const struct pt_path *parent)
{
    struct pt_path path = {.parent = parent, .name = type->name, .index = PT_PATH_NO_INDEX};
    if (type->rules.output != PT_OUTPUT_USER) {
        if (checker->context == PT_RULE_CREATE && field != NULL) {
            return pt_fail_at(checker->reterr, PT_REASON_FIELD_OUTPUT_ONLY, &path,
                              "is set by the system; leave it out");
        }
        return PT_OK;
    }
    bool given = field != NULL && (type->repeated || !pt_value_is_default(type->kind, &field->values[0]));
    if (type->rules.required && !given) {
        return missing(checker, type, &path);
    }
    if (field == NULL) {
        return PT_OK;
    }
    return type->repeated ? check_repeated(checker, field, parent)
                          : check_value(checker, type, &field->values[0], &path);
}

static enum pt_code check_message(const struct checker *checker, const struct pt_msg *msg, const struct pt_path *path)
{
    size_t at = 0;
    for (size_t i = 0; i < msg->type->fields_len; i++) {
        const struct pt_field_type *type = &msg->type->fields[i];
        const struct pt_msg_field *field = NULL;
        if (at < msg->fields_len && msg->fields[at].type == type) {
            field = &msg->fields[at++];
        }
        PT_TRY(check_field(checker, type, field, path));
    }
    return PT_OK;
}

enum pt_code pt_msg_check(const struct pt_msg *msg, enum pt_rule_context context, struct pt_error *reterr)
{
    struct checker checker = {.context = context, .reterr = reterr};
    return check_message(&checker, msg, NULL);
}

/* ---- strip and references ------------------------------------------------------------------------------------- */

void pt_msg_strip(struct pt_msg *msg, enum pt_output output, bool secrets)
{
    size_t kept = 0;
    for (size_t i = 0; i < msg->fields_len; i++) {
        struct pt_msg_field *field = &msg->fields[i];
        const struct pt_field_rules *rules = &field->type->rules;
        bool gone = (output != PT_OUTPUT_USER && rules->output == output) || (secrets && rules->secret);
        if (gone) {
            continue;
        }
        for (size_t j = 0; field->type->kind == PT_FIELD_MESSAGE && j < field->len; j++) {
            pt_msg_strip(field->values[j].message, output, secrets);
        }
        msg->fields[kept++] = *field;
    }
    msg->fields_len = kept;
}

struct reference_walk {
    void (*fn)(void *arg, const char *path, const char *kind, const char *name);
    void *arg;
};

static void walk_references(const struct reference_walk *walk, const struct pt_msg *msg, const struct pt_path *parent,
                            const struct pt_path *entry)
{
    for (size_t i = 0; i < msg->fields_len; i++) {
        const struct pt_msg_field *field = &msg->fields[i];
        for (size_t j = 0; j < field->len; j++) {
            struct pt_path path = {.parent = parent, .name = field->type->name, .index = PT_PATH_NO_INDEX};
            path.index = field->type->repeated ? j : PT_PATH_NO_INDEX;
            const union pt_value *value = &field->values[j];
            if (field->type->kind == PT_FIELD_MESSAGE) {
                char key[PT_KEY_TEXT_SIZE];
                path.key = field->type->map ? pt_map_key_text(value->message, key, sizeof(key)) : NULL;
                walk_references(walk, value->message, field->type->map ? parent : &path,
                                field->type->map ? &path : NULL);
            } else if (field->type->rules.reference != NULL && !field->type->map && value->bytes.size > 0) {
                char text[PT_ERROR_FIELD_SIZE];
                (void)pt_path_format(entry != NULL ? entry : &path, text, sizeof(text));
                walk->fn(walk->arg, text, field->type->rules.reference, (const char *)value->bytes.data);
            }
        }
    }
}

void pt_msg_references(const struct pt_msg *msg,
                       void (*fn)(void *arg, const char *path, const char *kind, const char *name), void *arg)
{
    struct reference_walk walk = {.fn = fn, .arg = arg};
    walk_references(&walk, msg, NULL, NULL);
}
