/*
 * Packing and cutting. A message of protobuf may come in pieces: fields that repeat are appended, so links and pairs
 * that are packed a slice at a time stand one after the other as if they had been packed at once.
 */
#include "mod/te/packed.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

#define RESPONSE_SOLUTIONS 0x0a /* tags of ListSolutionsResponse: field 1, with its size; field 2, a number */
#define RESPONSE_PARTS 0x10
#define ITEM_OVERHEAD 6 /* tag and size of a link or pair */

/* ---- packing --------------------------------------------------------------------------------------------------- */

static void append(const Patronus__V1__Solution *solution, struct pt_buf *out)
{
    size_t size = patronus__v1__solution__get_packed_size(solution);
    if (size > 0) {
        (void)patronus__v1__solution__pack(solution, pt_buf_reserve(out, size));
        out->size += size;
    }
}

static void end_part(struct te_packed *packed)
{
    size_t *more = realloc(packed->ends, (packed->parts_len + 1) * sizeof(*more));
    pt_assert(more != NULL);
    packed->ends = more;
    packed->ends[packed->parts_len++] = packed->data.size;
}

/* How many items from the first one on make a part. */
static size_t slice_len(ProtobufCMessage *const *items, size_t len)
{
    size_t size = 0, i = 0;
    while (i < len && size < TE_PACKED_PART_SIZE) {
        size += protobuf_c_message_get_packed_size(items[i++]) + ITEM_OVERHEAD;
    }
    return i;
}

static void append_inputs(const Patronus__V1__Solution *solution, struct te_packed *packed)
{
    for (size_t i = 0; i < solution->n_links;) {
        Patronus__V1__Solution slice = PATRONUS__V1__SOLUTION__INIT;
        slice.links = &solution->links[i];
        slice.n_links = slice_len((ProtobufCMessage *const *)slice.links, solution->n_links - i);
        i += slice.n_links;
        append(&slice, &packed->data);
        end_part(packed);
    }
    for (size_t i = 0; i < solution->n_pairs;) {
        Patronus__V1__Solution slice = PATRONUS__V1__SOLUTION__INIT;
        slice.pairs = &solution->pairs[i];
        slice.n_pairs = slice_len((ProtobufCMessage *const *)slice.pairs, solution->n_pairs - i);
        i += slice.n_pairs;
        append(&slice, &packed->data);
        end_part(packed);
    }
}

void te_solution_pack_message(const Patronus__V1__Solution *solution, size_t size_max, struct te_packed *ret_packed)
{
    struct te_packed packed = {.epoch = solution->epoch};
    Patronus__V1__Solution summary = *solution;
    summary.n_links = summary.n_pairs = 0;
    append(&summary, &packed.data);
    packed.summary_size = packed.data.size;
    if (patronus__v1__solution__get_packed_size(solution) <= size_max) {
        append_inputs(solution, &packed);
    }
    *ret_packed = packed;
}

void te_solution_pack(const struct pt_plan_pass *pass, size_t size_max, struct te_packed *ret_packed)
{
    struct pt_arena arena;
    pt_arena_init(&arena);
    const Patronus__V1__Solution *message = te_solution_message(pass, false, &arena);
    if (message != NULL) {
        te_solution_pack_message(message, size_max, ret_packed);
    }
    pt_arena_fini(&arena);
}

void te_packed_summary(const struct te_packed *packed, struct te_packed *ret_summary)
{
    *ret_summary = (struct te_packed){.epoch = packed->epoch, .summary_size = packed->summary_size};
    pt_buf_append(&ret_summary->data, packed->data.data, packed->summary_size);
}

size_t te_packed_fit(const struct te_packed *const *kept, size_t kept_len, size_t size_max)
{
    size_t fit = 0;
    for (size_t size = 0; fit < kept_len && size + kept[fit]->data.size <= size_max; fit++) {
        size += kept[fit]->data.size;
    }
    return fit;
}

void te_packed_fini(struct te_packed *packed)
{
    pt_buf_fini(&packed->data);
    free(packed->ends);
    *packed = (struct te_packed){0};
}

/* ---- answering ------------------------------------------------------------------------------------------------- */

static void append_varint(struct pt_buf *out, uint64_t value)
{
    for (; value >= 0x80; value >>= 7) {
        pt_buf_append_u8(out, (uint8_t)(value | 0x80));
    }
    pt_buf_append_u8(out, (uint8_t)value);
}

static void answer_one(const struct te_packed *packed, const struct te_packed_question *question, struct pt_buf *out)
{
    size_t begin = packed->summary_size, end = packed->summary_size;
    if (question->part > 0) {
        begin = question->part == 1 ? begin : packed->ends[question->part - 2];
        end = packed->ends[question->part - 1];
    } else if (!question->summary && packed->data.size <= TE_PACKED_WHOLE_SIZE) {
        end = packed->data.size;
    }
    pt_buf_append_u8(out, RESPONSE_SOLUTIONS);
    append_varint(out, packed->summary_size + (end - begin));
    pt_buf_append(out, packed->data.data, packed->summary_size);
    pt_buf_append(out, packed->data.data + begin, end - begin);
}

/* What is the organization's, packed anew. */
static void part_of(const struct te_packed *packed, const char *organization, struct te_packed *ret_packed)
{
    Patronus__V1__Solution *solution = patronus__v1__solution__unpack(NULL, packed->data.size, packed->data.data);
    pt_assert(solution != NULL);
    te_solution_part(solution, organization);
    te_solution_pack_message(solution, SIZE_MAX, ret_packed);
    patronus__v1__solution__free_unpacked(solution, NULL);
}

void te_packed_answer(const struct te_packed *const *kept, size_t kept_len, const struct te_packed_question *question,
                      struct pt_buf *out)
{
    size_t parts_len = 0;
    for (size_t i = 0; i < kept_len; i++) {
        struct te_packed own = {0};
        const struct te_packed *packed = kept[i];
        if (question->epoch != 0 && packed->epoch != question->epoch) {
            continue;
        }
        if (question->organization != NULL) {
            part_of(packed, question->organization, &own);
            packed = &own;
        }
        parts_len = packed->parts_len;
        if (question->part <= parts_len) {
            answer_one(packed, question, out);
        }
        te_packed_fini(&own);
    }
    if (question->epoch != 0 && parts_len > 0) {
        pt_buf_append_u8(out, RESPONSE_PARTS);
        append_varint(out, parts_len);
    }
}
