/* Bytes to trees and back: the canonical form as a property, agreement with protobuf-c, and hostile input. */
#include "tests/unit/wire/random_tree.h"
#include "wire/schema_internal.h"

#include <check.h>
#include <stdlib.h>

#include "patronus/v1/cluster.pb-c.h"
#include "patronus/v1/fabric.pb-c.h"
#include "patronus/v1/model.pb-c.h"
#include "patronus/v1/policy.pb-c.h"
#include "patronus/v1/replication.pb-c.h"
#include "patronus/v1/site.pb-c.h"
#include "patronus/v1/tenancy.pb-c.h"
#include "patronus/v1/watch.pb-c.h"

#define SEEDS 40

static struct pt_schema *schema;
static struct pt_arena arena;

static void setup(void)
{
    struct pt_error error = {0};
    ck_assert_msg(pt_schema_new(pt_schema_embedded(), &schema, &error) == PT_OK, "%s: %s", error.field, error.text);
    pt_arena_init(&arena);
}

static void teardown(void)
{
    pt_arena_fini(&arena);
    pt_schema_free(schema);
}

static const struct pt_message_type *type_of(const char *name)
{
    const struct pt_message_type *type = pt_schema_message(schema, name);
    ck_assert_ptr_nonnull(type);
    return type;
}

static enum pt_code parse(const struct pt_message_type *type, const void *data, size_t size, struct pt_msg **ret_msg,
                          struct pt_error *reterr)
{
    *reterr = (struct pt_error){0};
    return pt_msg_parse(type, (struct pt_bytes){data, size}, NULL, &arena, ret_msg, reterr);
}

static bool equal_bytes(const struct pt_buf *a, const struct pt_buf *b)
{
    return a->size == b->size && (a->size == 0 || memcmp(a->data, b->data, a->size) == 0);
}

/* ---- a second, deliberately sloppy encoder -------------------------------------------------------------------- */

static void put_varint(struct pt_buf *out, uint64_t value, unsigned padding)
{
    unsigned len = 1;
    for (; value >= 0x80 || (padding > 0 && len < 10 && padding-- > 0); len++) {
        pt_buf_append_u8(out, (uint8_t)(value | 0x80));
        value >>= 7;
    }
    pt_buf_append_u8(out, (uint8_t)value);
}

static void put_block(struct pt_buf *out, const struct pt_buf *block)
{
    put_varint(out, block->size, 0);
    pt_buf_append(out, block->data, block->size);
}

static void sloppy_message(struct rng *rng, const struct pt_msg *msg, struct pt_buf *out);

static void put_fixed(struct pt_buf *out, uint64_t bits, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        pt_buf_append_u8(out, (uint8_t)(bits >> (8 * i)));
    }
}

static unsigned wire_of(enum pt_field_kind kind)
{
    switch (kind) {
    case PT_FIELD_FIXED32:
    case PT_FIELD_SFIXED32:
    case PT_FIELD_FLOAT:
        return 5;
    case PT_FIELD_FIXED64:
    case PT_FIELD_SFIXED64:
    case PT_FIELD_DOUBLE:
        return 1;
    default:
        return kind == PT_FIELD_STRING || kind == PT_FIELD_BYTES || kind == PT_FIELD_MESSAGE ? 2 : 0;
    }
}

/* The value without its tag. */
static void sloppy_value(struct rng *rng, enum pt_field_kind kind, const union pt_value *value, struct pt_buf *out)
{
    unsigned padding = (unsigned)rng_below(rng, 3);
    PT_AUTO(buf) struct pt_buf block;
    pt_buf_init(&block);
    float single = 0;
    uint32_t bits = 0;
    switch (kind) {
    case PT_FIELD_MESSAGE:
        sloppy_message(rng, value->message, &block);
        put_block(out, &block);
        return;
    case PT_FIELD_STRING:
    case PT_FIELD_BYTES:
        pt_buf_append(&block, value->bytes.data, value->bytes.size);
        put_block(out, &block);
        return;
    case PT_FIELD_BOOL:
        put_varint(out, value->boolean, padding);
        return;
    case PT_FIELD_SINT32:
    case PT_FIELD_SINT64:
        put_varint(out, (uint64_t)value->i64 << 1 ^ (uint64_t)(value->i64 >> 63), padding);
        return;
    case PT_FIELD_FLOAT:
        single = (float)value->number;
        memcpy(&bits, &single, sizeof(bits));
        put_fixed(out, bits, 4);
        return;
    default:
        if (wire_of(kind) == 0) {
            put_varint(out, value->u64, padding);
        } else {
            put_fixed(out, value->u64, wire_of(kind) == 5 ? 4 : 8);
        }
    }
}

static void sloppy_element(struct rng *rng, const struct pt_field_type *type, const union pt_value *value,
                           struct pt_buf *out)
{
    put_varint(out, (uint64_t)type->number << 3 | wire_of(type->kind), (unsigned)rng_below(rng, 2));
    sloppy_value(rng, type->kind, value, out);
}

static void sloppy_field(struct rng *rng, const struct pt_msg_field *field, struct pt_buf *out)
{
    const struct pt_field_type *type = field->type;
    if (!type->repeated && type->kind != PT_FIELD_MESSAGE && rng_below(rng, 3) == 0) {
        union pt_value junk = {.u64 = 0};
        if (pt_kind_is_text(type->kind)) {
            junk.bytes = (struct pt_bytes){(const uint8_t *)"x", type->rules.max_size > 0};
        }
        sloppy_element(rng, type, &junk, out); /* the last one counts */
    }
    for (size_t i = 0; i < field->len; i++) {
        if (!type->repeated || wire_of(type->kind) == 2 || rng_below(rng, 2) == 0) {
            sloppy_element(rng, type, &field->values[i], out);
            continue;
        }
        PT_AUTO(buf) struct pt_buf run;
        pt_buf_init(&run);
        size_t end = i + 1 + rng_below(rng, field->len - i);
        for (; i < end; i++) {
            sloppy_value(rng, type->kind, &field->values[i], &run);
        }
        i--;
        put_varint(out, (uint64_t)type->number << 3 | 2, 0);
        put_block(out, &run);
    }
}

/* Fields in random order, with explicit defaults for absent ones. */
static void sloppy_message(struct rng *rng, const struct pt_msg *msg, struct pt_buf *out)
{
    size_t len = msg->type->fields_len;
    size_t *order = malloc((len + 1) * sizeof(*order));
    for (size_t i = 0; i < len; i++) {
        order[i] = i;
    }
    for (size_t i = len; i > 1; i--) {
        size_t j = rng_below(rng, i);
        size_t other = order[i - 1];
        order[i - 1] = order[j];
        order[j] = other;
    }
    for (size_t i = 0; i < len; i++) {
        const struct pt_field_type *type = &msg->type->fields[order[i]];
        const struct pt_msg_field *field = pt_msg_find(msg, type);
        if (field != NULL) {
            sloppy_field(rng, field, out);
        } else if (!type->repeated && !pt_field_has_presence(type) && rng_below(rng, 4) == 0) {
            union pt_value zero = {.u64 = 0};
            if (pt_kind_is_text(type->kind)) {
                zero.bytes = (struct pt_bytes){(const uint8_t *)"", 0};
            }
            sloppy_element(rng, type, &zero, out);
        }
    }
    free(order);
}

/* ---- the canonical form --------------------------------------------------------------------------------------- */

static void check_canonical(const struct pt_message_type *type, uint64_t seed)
{
    struct rng rng = {seed};
    struct pt_error error;
    struct pt_msg *tree = random_tree(&rng, &arena, schema, type, 0);
    PT_AUTO(buf) struct pt_buf once;
    PT_AUTO(buf) struct pt_buf twice;
    PT_AUTO(buf) struct pt_buf sloppy;
    pt_buf_init(&once);
    pt_buf_init(&twice);
    pt_buf_init(&sloppy);

    pt_msg_encode(tree, &once);
    ck_assert_uint_eq(once.size, pt_msg_encoded_size(tree));
    struct pt_bytes in_arena = pt_msg_encode_in(tree, &arena);
    ck_assert(in_arena.size == once.size && (once.size == 0 || memcmp(in_arena.data, once.data, once.size) == 0));
    struct pt_msg *back = NULL;
    ck_assert_msg(parse(type, once.data, once.size, &back, &error) == PT_OK, "%s seed %lu: %s: %s", type->full_name,
                  (unsigned long)seed, error.field, error.text);
    pt_msg_encode(back, &twice);
    ck_assert_msg(equal_bytes(&once, &twice), "%s seed %lu: parse(encode(x)) != x", type->full_name,
                  (unsigned long)seed);
    ck_assert(pt_msg_equal(tree, back));
    ck_assert(pt_msg_equal(tree, pt_msg_dup(back, &arena)));

    sloppy_message(&rng, tree, &sloppy);
    ck_assert_msg(parse(type, sloppy.data, sloppy.size, &back, &error) == PT_OK, "%s seed %lu: %s: %s", type->full_name,
                  (unsigned long)seed, error.field, error.text);
    pt_buf_reset(&twice);
    pt_msg_encode(back, &twice);
    ck_assert_msg(equal_bytes(&once, &twice), "%s seed %lu: shuffled input has other canonical bytes", type->full_name,
                  (unsigned long)seed);
}

/* Random trees of every message of the schema; then the same content, badly encoded. */
START_TEST(equal_content_has_equal_bytes)
{
    PT_MAP_FOREACH (entry, &schema->messages) {
        const struct pt_message_type *type = entry->value;
        if (strncmp(type->full_name, "patronus.", 9) != 0 || type->map_entry) {
            continue;
        }
        for (uint64_t seed = 0; seed < SEEDS; seed++) {
            check_canonical(type, seed);
        }
        pt_arena_fini(&arena);
    }
}
END_TEST

/* protobuf-c reads what we write and writes what we read, byte for byte. */
START_TEST(agrees_with_protobuf_c)
{
    static const ProtobufCMessageDescriptor *const generated[] = {
        &patronus__v1__organization__descriptor,
        &patronus__v1__site__descriptor,
        &patronus__v1__edge__descriptor,
        &patronus__v1__link__descriptor,
        &patronus__v1__fabric__descriptor,
        &patronus__v1__segment__descriptor,
        &patronus__v1__sla_profile__descriptor,
        &patronus__v1__application__descriptor,
        &patronus__v1__steering_policy__descriptor,
        &patronus__v1__model__descriptor,
        &patronus__v1__model_version__descriptor,
        &patronus__v1__controller__descriptor,
        &patronus__v1__enrollment_token__descriptor,
        &patronus__v1__tunnel__descriptor,
        &patronus__v1__path__descriptor,
        &patronus__v1__command__descriptor,
        &patronus__v1__watch_request__descriptor,
    };
    for (size_t i = 0; i < sizeof(generated) / sizeof(generated[0]); i++) {
        const struct pt_message_type *type = type_of(generated[i]->name);
        for (uint64_t seed = 0; seed < SEEDS; seed++) {
            struct rng rng = {seed};
            PT_AUTO(buf) struct pt_buf ours;
            pt_buf_init(&ours);
            pt_msg_encode(random_tree(&rng, &arena, schema, type, 0), &ours);
            ProtobufCMessage *unpacked = protobuf_c_message_unpack(generated[i], NULL, ours.size, ours.data);
            ck_assert_msg(unpacked != NULL, "%s seed %lu", type->full_name, (unsigned long)seed);
            ck_assert_uint_eq(unpacked->n_unknown_fields, 0);
            PT_AUTO(buf) struct pt_buf theirs;
            pt_buf_init(&theirs);
            theirs.size = protobuf_c_message_pack(
                unpacked, pt_buf_reserve(&theirs, protobuf_c_message_get_packed_size(unpacked)));
            protobuf_c_message_free_unpacked(unpacked, NULL);
            ck_assert_msg(equal_bytes(&ours, &theirs), "%s seed %lu", type->full_name, (unsigned long)seed);
        }
        pt_arena_fini(&arena);
    }
}
END_TEST

/* Entries are appended out of order; the bytes come out sorted, numbers by number. */
START_TEST(map_entries_are_sorted_by_key)
{
    const struct pt_message_type *type = type_of("patronus.v1.Site");
    const struct pt_field_type *labels = pt_message_field(type, "labels");
    struct pt_msg *site = pt_msg_new(&arena, type);
    for (const char *key = "cab"; *key != '\0'; key++) {
        struct pt_msg *entry = pt_msg_new(&arena, labels->message);
        pt_msg_set_bytes(entry, &arena, "key", (struct pt_bytes){(const uint8_t *)key, 1});
        pt_msg_append(site, &arena, "labels", (union pt_value){.message = entry});
    }
    PT_AUTO(buf) struct pt_buf out;
    pt_buf_init(&out);
    pt_msg_encode(site, &out);
    ck_assert_uint_eq(out.size, 15);
    ck_assert_mem_eq(out.data,
                     "\x3a\x03\x0a\x01"
                     "a\x3a\x03\x0a\x01"
                     "b\x3a\x03\x0a\x01"
                     "c",
                     15);
}
END_TEST

/* ---- hostile input -------------------------------------------------------------------------------------------- */

static const struct {
    const char *type;
    const char *data;
    size_t size;
    enum pt_reason reason;
    const char *field;
    const char *text; /* a part of the message */
} hostile[] = {
    {"patronus.v1.Site", "\x0a", 1, PT_REASON_MESSAGE_MALFORMED, "name", "behind the end"},
    {"patronus.v1.Site",
     "\x0a\x05"
     "zz",
     4, PT_REASON_MESSAGE_MALFORMED, "name", "behind the end"},
    {"patronus.v1.Site", "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11, PT_REASON_MESSAGE_MALFORMED, "name",
     "behind"},
    {"patronus.v1.Site", "\x02\x00", 2, PT_REASON_MESSAGE_MALFORMED, "", "tag"},
    {"patronus.v1.Site", "\x80", 1, PT_REASON_MESSAGE_MALFORMED, "", "tag"},
    {"patronus.v1.Site", "\x20\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 11, PT_REASON_MESSAGE_MALFORMED, "revision",
     "64 bits"},
    {"patronus.v1.Site", "\x21\x00\x00\x00\x00\x00\x00\x00\x00", 9, PT_REASON_MESSAGE_MALFORMED, "revision",
     "wire type"},
    {"patronus.v1.Site", "\x0b\x0c", 2, PT_REASON_MESSAGE_MALFORMED, "name", "wire type"},
    {"patronus.v1.Site", "\xfa\x3f\x00", 3, PT_REASON_FIELD_UNKNOWN, "", "field number 1023"},
    {"patronus.v1.Site", "\x0a\x01\xff", 3, PT_REASON_FIELD_INVALID, "name", "UTF-8"},
    {"patronus.v1.Site", "\x0a\x01\x00", 3, PT_REASON_FIELD_INVALID, "name", "NUL"},
    {"patronus.v1.Site", "\x0a\x03\xed\xa0\x80", 5, PT_REASON_FIELD_INVALID, "name", "UTF-8"},
    {"patronus.v1.Site", "\x0a\x02\xc0\x80", 4, PT_REASON_FIELD_INVALID, "name", "UTF-8"},
    {"patronus.v1.Site", "\x0a\x04\xf4\x90\x80\x80", 6, PT_REASON_FIELD_INVALID, "name", "UTF-8"},
    {"patronus.v1.Site", "\x50\x02", 2, PT_REASON_MESSAGE_MALFORMED, "reconciling", "does not fit"},
    {"patronus.v1.Site", "\xb8\x01\x63", 3, PT_REASON_FIELD_INVALID, "admin_state",
     "99 is not a value of patronus.v1.AdminState"},
    {"patronus.v1.Site", "\xc0\x01\x80\x80\x80\x80\x10", 7, PT_REASON_MESSAGE_MALFORMED, "site_label", "does not fit"},
    {"patronus.v1.Site", "\x2a\x00\x2a\x00", 4, PT_REASON_MESSAGE_MALFORMED, "create_time", "twice"},
    {"patronus.v1.Site", "\x3a\x03\x0a\x01k\x3a\x03\x0a\x01k", 10, PT_REASON_FIELD_INVALID, "labels.k", "twice"},
    {"patronus.v1.Site", "\x5a\x00\x5a\x02\x0a\x05", 6, PT_REASON_MESSAGE_MALFORMED, "conditions[1].type",
     "behind the end"},
    {"patronus.v1.Link", "\xfa\x01\x01\x80", 4, PT_REASON_MESSAGE_MALFORMED, "srlgs", "cut off"},
    {"patronus.v1.Link", "\xfa\x01\x02\x01\x80", 5, PT_REASON_MESSAGE_MALFORMED, "srlgs[1]", "cut off"},
};

START_TEST(hostile_input_is_refused)
{
    struct pt_error error;
    struct pt_msg *msg = NULL;
    uint8_t *exact = malloc(hostile[_i].size); /* so that reading behind the end is seen */
    memcpy(exact, hostile[_i].data, hostile[_i].size);
    ck_assert_int_eq(parse(type_of(hostile[_i].type), exact, hostile[_i].size, &msg, &error), PT_INVALID_ARGUMENT);
    free(exact);
    ck_assert_ptr_null(msg);
    ck_assert_str_eq(pt_reason_name(error.reason), pt_reason_name(hostile[_i].reason));
    ck_assert_str_eq(error.field, hostile[_i].field);
    ck_assert_msg(strstr(error.text, hostile[_i].text) != NULL, "'%s' lacks '%s'", error.text, hostile[_i].text);
}
END_TEST

/* Every prefix and every one-byte change of valid input is either refused or again canonical after one turn. */
START_TEST(damaged_input_never_crashes)
{
    static const char *const names[] = {"patronus.v1.Edge", "patronus.v1.SteeringPolicy", "patronus.v1.ModelVersion",
                                        "patronus.v1.Command", "patronus.v1.ControllerMessage"};
    for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
        const struct pt_message_type *type = type_of(names[n]);
        struct rng rng = {n};
        PT_AUTO(buf) struct pt_buf whole;
        pt_buf_init(&whole);
        pt_msg_encode(random_tree(&rng, &arena, schema, type, 0), &whole);
        for (size_t cut = 0; cut <= whole.size * 2; cut++) {
            size_t size = cut <= whole.size ? cut : whole.size;
            uint8_t *exact = malloc(size + 1);
            memcpy(exact, whole.data, size);
            if (cut > whole.size) {
                exact[cut - whole.size - 1] ^= (uint8_t)(1U << rng_below(&rng, 8));
            }
            struct pt_error error;
            struct pt_msg *msg = NULL;
            if (parse(type, exact, size, &msg, &error) == PT_OK) {
                PT_AUTO(buf) struct pt_buf once;
                PT_AUTO(buf) struct pt_buf twice;
                pt_buf_init(&once);
                pt_buf_init(&twice);
                pt_msg_encode(msg, &once);
                ck_assert_int_eq(parse(type, once.data, once.size, &msg, &error), PT_OK);
                pt_msg_encode(msg, &twice);
                ck_assert(equal_bytes(&once, &twice));
            } else {
                ck_assert_int_eq(error.code, PT_INVALID_ARGUMENT);
                ck_assert_str_ne(error.text, "");
            }
            free(exact);
            pt_arena_fini(&arena);
        }
    }
}
END_TEST

/* DescriptorProto is the one type in the set that contains itself: PT_MESSAGE_DEPTH_MAX levels pass, one more does not,
 * and 10,000 do not end the process. */
START_TEST(depth_is_bounded)
{
    const struct pt_message_type *type = type_of("google.protobuf.DescriptorProto");
    static const size_t levels[] = {1, PT_MESSAGE_DEPTH_MAX, PT_MESSAGE_DEPTH_MAX + 1, 10000};
    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        PT_AUTO(buf) struct pt_buf bomb;
        pt_buf_init(&bomb);
        for (size_t level = 1; level < levels[i]; level++) {
            PT_AUTO(buf) struct pt_buf outer;
            pt_buf_init(&outer);
            pt_buf_append_u8(&outer, 3 << 3 | 2); /* nested_type */
            put_block(&outer, &bomb);
            pt_buf_reset(&bomb);
            pt_buf_append(&bomb, outer.data, outer.size);
        }
        struct pt_error error;
        struct pt_msg *msg = NULL;
        enum pt_code code = parse(type, bomb.data, bomb.size, &msg, &error);
        if (levels[i] <= PT_MESSAGE_DEPTH_MAX) {
            ck_assert_int_eq(code, PT_OK);
        } else {
            ck_assert_int_eq(code, PT_INVALID_ARGUMENT);
            ck_assert_int_eq(error.reason, PT_REASON_MESSAGE_TOO_DEEP);
        }
    }
}
END_TEST

START_TEST(size_is_bounded)
{
    const struct pt_message_type *type = type_of("patronus.v1.Site");
    uint8_t *data = calloc(1, PT_MESSAGE_SIZE_MAX + 1);
    struct pt_error error;
    struct pt_msg *msg = NULL;
    ck_assert_int_eq(parse(type, data, PT_MESSAGE_SIZE_MAX + 1, &msg, &error), PT_INVALID_ARGUMENT);
    ck_assert_int_eq(error.reason, PT_REASON_MESSAGE_TOO_LARGE);
    free(data);
}
END_TEST

/* The worst inputs for their size: repeated empty messages, empty strings, one-byte numbers, in fields without a limit.
 */
START_TEST(memory_is_proportional_to_input)
{
    static const struct {
        const char *type;
        const char *piece;
        size_t size;
    } worst[] = {
        {"patronus.v1.ListSitesResponse", "\x0a\x00", 2},
        {"patronus.v1.ListSitesResponse", "\x0a\x02\x5a\x00", 4},
        {"google.protobuf.FieldMask", "\x0a\x00", 2},
        {"google.protobuf.SourceCodeInfo.Location", "\x08\x01", 2},
        {"google.protobuf.SourceCodeInfo.Location", "\x0a\x01\x01", 3},
    };
    for (size_t i = 0; i < sizeof(worst) / sizeof(worst[0]); i++) {
        PT_AUTO(buf) struct pt_buf data;
        pt_buf_init(&data);
        while (data.size + worst[i].size <= PT_MESSAGE_SIZE_MAX) {
            pt_buf_append(&data, worst[i].piece, worst[i].size);
        }
        struct pt_error error;
        struct pt_msg *msg = NULL;
        ck_assert_msg(parse(type_of(worst[i].type), data.data, data.size, &msg, &error) == PT_OK, "%s: %s", error.field,
                      error.text);
        ck_assert_msg(arena.total_size <= PT_MSG_EXPANSION_MAX * data.size, "case %zu: %zu bytes for %zu", i,
                      arena.total_size, data.size);
        pt_arena_fini(&arena);
    }
}
END_TEST

/* srlgs takes 32 elements, packed, unpacked or mixed; the 33rd is refused. */
START_TEST(counts_are_bounded)
{
    const struct pt_message_type *type = type_of("patronus.v1.Link");
    for (size_t packed = 0; packed <= 33; packed++) {
        for (size_t total = 32; total <= 33; total++) {
            PT_AUTO(buf) struct pt_buf data;
            pt_buf_init(&data);
            pt_buf_append(&data, "\xfa\x01", 2);
            pt_buf_append_u8(&data, (uint8_t)(packed < total ? packed : total));
            for (size_t i = 0; i < total; i++) {
                if (i >= packed) {
                    pt_buf_append(&data, "\xf8\x01", 2);
                }
                pt_buf_append_u8(&data, 7);
            }
            struct pt_error error;
            struct pt_msg *msg = NULL;
            enum pt_code code = parse(type, data.data, data.size, &msg, &error);
            ck_assert_int_eq(code, total == 32 ? PT_OK : PT_INVALID_ARGUMENT);
            ck_assert(total == 32 || strstr(error.text, "at most 32") != NULL);
        }
    }
}
END_TEST

START_TEST(unknown_fields_are_dropped_on_request)
{
    struct pt_parse_options options = {.unknown = PT_UNKNOWN_DROP};
    static const uint8_t data[] = {0x0a, 1, 'n', 0xfa, 0x3f, 2, 9, 9, 0xf8, 0x3f, 5, 0xfd, 0x3f, 1, 2, 3, 4};
    struct pt_msg *msg = NULL;
    struct pt_error error;
    ck_assert_int_eq(pt_msg_parse(type_of("patronus.v1.Site"), (struct pt_bytes){data, sizeof(data)}, &options, &arena,
                                  &msg, &error),
                     PT_OK);
    ck_assert_uint_eq(pt_msg_encoded_size(msg), 3);
    ck_assert_int_eq(pt_msg_parse(type_of("patronus.v1.Site"), (struct pt_bytes){data, sizeof(data) - 1}, &options,
                                  &arena, &msg, &error),
                     PT_INVALID_ARGUMENT);
}
END_TEST

/* ---- access --------------------------------------------------------------------------------------------------- */

START_TEST(setters_and_getters_agree)
{
    struct pt_msg *site = pt_msg_new(&arena, type_of("patronus.v1.Site"));
    ck_assert_str_eq(pt_msg_str(site, "region"), "");
    pt_msg_set_str(site, &arena, "region", "emea");
    pt_msg_set_u64(site, &arena, "site_label", 77);
    pt_msg_set_i64(site, &arena, "admin_state", 2);
    pt_msg_set_bool(site, &arena, "reconciling", true);
    pt_msg_set_time(site, &arena, "create_time", -1500000000);
    ck_assert_str_eq(pt_msg_str(site, "region"), "emea");
    ck_assert_uint_eq(pt_msg_u64(site, "site_label"), 77);
    ck_assert_int_eq(pt_msg_i64(site, "admin_state"), 2);
    ck_assert(pt_msg_bool(site, "reconciling"));
    ck_assert_int_eq(pt_msg_time(site, "create_time"), -1500000000);
    ck_assert_int_eq(pt_msg_i64(pt_msg_child(site, "create_time"), "seconds"), -2);
    ck_assert_uint_eq(site->fields_len, 5);
    for (size_t i = 1; i < site->fields_len; i++) {
        ck_assert_uint_lt(site->fields[i - 1].type->number, site->fields[i].type->number);
    }
    pt_msg_set_u64(site, &arena, "site_label", 0); /* a default without presence is absence */
    pt_msg_set_str(site, &arena, "region", "");
    pt_msg_clear(site, "create_time");
    ck_assert(!pt_msg_has(site, "site_label") && !pt_msg_has(site, "region") && !pt_msg_has(site, "create_time"));
}
END_TEST

/* `optional` tells 0 from absent; a member of a oneof puts out the others. */
START_TEST(presence_is_kept)
{
    struct pt_msg *profile = pt_msg_new(&arena, type_of("patronus.v1.SlaProfile"));
    pt_msg_set_u64(profile, &arena, "max_loss_ppm", 0);
    ck_assert(pt_msg_has(profile, "max_loss_ppm"));
    ck_assert_uint_eq(pt_msg_encoded_size(profile), 3);

    const struct pt_message_type *type = type_of("patronus.v1.EdgeMessage");
    const struct pt_field_type *members[2] = {NULL, NULL};
    for (size_t i = 0; i < type->fields_len; i++) {
        if (type->fields[i].oneof_index >= 0 && members[1] == NULL) {
            members[members[0] != NULL] = &type->fields[i];
        }
    }
    ck_assert_ptr_nonnull(members[1]);
    struct pt_msg *message = pt_msg_new(&arena, type);
    for (size_t i = 0; i < 2; i++) {
        pt_msg_set_child(message, &arena, members[i]->name, pt_msg_new(&arena, members[i]->message));
    }
    ck_assert(!pt_msg_has(message, members[0]->name));
    ck_assert(pt_msg_has(message, members[1]->name));

    const uint8_t both[] = {(uint8_t)(members[0]->number << 3 | 2), 0, (uint8_t)(members[1]->number << 3 | 2), 0};
    struct pt_error error;
    struct pt_msg *msg = NULL;
    ck_assert_int_eq(parse(type, both, sizeof(both), &msg, &error), PT_INVALID_ARGUMENT);
    ck_assert_msg(strstr(error.text, "together with") != NULL, "%s", error.text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("wire/msg");
    TCase *tests = tcase_create("msg");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, equal_content_has_equal_bytes);
    tcase_add_test(tests, agrees_with_protobuf_c);
    tcase_add_test(tests, map_entries_are_sorted_by_key);
    tcase_add_loop_test(tests, hostile_input_is_refused, 0, (int)(sizeof(hostile) / sizeof(hostile[0])));
    tcase_add_test(tests, damaged_input_never_crashes);
    tcase_add_test(tests, depth_is_bounded);
    tcase_add_test(tests, size_is_bounded);
    tcase_add_test(tests, memory_is_proportional_to_input);
    tcase_add_test(tests, counts_are_bounded);
    tcase_add_test(tests, unknown_fields_are_dropped_on_request);
    tcase_add_test(tests, setters_and_getters_agree);
    tcase_add_test(tests, presence_is_kept);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
