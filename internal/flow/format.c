/*
 * Reading `.te`. Line by line, three numbers each and what else is known; every refusal says which line and which field
 * of it. The first line promises how many lines follow, so that a file that was cut off is seen to be.
 *
 * Decimal numbers of at most 15 digits are read as digits over a power of ten, which is exact to the last bit and some
 * ten times as fast as strtod on files of ten megabytes; everything else goes through strtod.
 */
#include "flow/format.h"

#include "flow/graph_priv.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORD_SIZE_MAX 64U
#define WORDS_MAX 8
#define LABELS_MAX 64U     /* bits of pt_flow_link.labels */
#define LINK_SRLGS_MAX 16U /* of one link */
#define LIST_LEN_MAX 64U   /* numbers in a value */

struct reader {
    const char *at, *end;
    uint32_t line;      /* of `at`, from 1 */
    uint32_t head_line; /* where the counts stand */
    const char *words[WORDS_MAX];
    size_t sizes[WORDS_MAX];
    int len; /* words of the line */
};

PT_PRINTF(4, 5)
static enum pt_code refuse(const struct reader *reader, int field, struct pt_error *reterr, const char *format, ...)
{
    char place[64];
    char text[384];
    if (field > 0) {
        snprintf(place, sizeof(place), "line %u, field %d", reader->line, field);
    } else {
        snprintf(place, sizeof(place), "line %u", reader->line);
    }
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, place, "%s", text);
}

/* ---- lines ----------------------------------------------------------------------------------------------------- */

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* Words of the line at reader->at, which moves behind it. -1 when there are too many. */
static int split(struct reader *reader)
{
    int len = 0;
    const char *at = reader->at;
    while (at < reader->end && *at != '\n') {
        if (*at == '#') {
            const char *newline = memchr(at, '\n', (size_t)(reader->end - at));
            at = newline != NULL ? newline : reader->end;
            break;
        }
        if (blank(*at)) {
            at++;
            continue;
        }
        const char *begin = at;
        while (at < reader->end && *at != '\n' && *at != '#' && !blank(*at)) {
            at++;
        }
        if (len >= 0 && len < WORDS_MAX) {
            reader->words[len] = begin;
            reader->sizes[len++] = (size_t)(at - begin);
        } else {
            len = -1;
        }
    }
    reader->at = at < reader->end ? at + 1 : at;
    return len;
}

/* The next line that holds something; reader->line is its number. */
static enum pt_code next_line(struct reader *reader, const char *form, const char *missing, struct pt_error *reterr)
{
    int len = 0;
    while (len == 0) {
        reader->line++;
        if (reader->at >= reader->end) {
            return refuse(reader, 0, reterr, "the file ends here: %s", missing);
        }
        len = split(reader);
    }
    reader->len = len;
    return len < 0   ? refuse(reader, 0, reterr, "more than %d fields; three are needed: %s", WORDS_MAX, form)
           : len < 3 ? refuse(reader, 0, reterr, "three fields are needed: %s%s%s", form,
                              reader->at >= reader->end ? "; the file ends here: " : "",
                              reader->at >= reader->end ? missing : "")
                     : PT_OK;
}

/* ---- numbers --------------------------------------------------------------------------------------------------- */

static bool read_count(const char *word, size_t size, uint32_t *ret_value)
{
    uint32_t value = 0;
    for (size_t i = 0; i < size; i++) {
        if (word[i] < '0' || word[i] > '9' || i >= 9) {
            return false;
        }
        value = value * 10 + (uint32_t)(word[i] - '0');
    }
    *ret_value = value;
    return size > 0;
}

static bool read_number(const char *word, size_t size, double *ret_value)
{
    static const double tens[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    uint64_t digits = 0;
    size_t len = 0;
    size_t behind = 0;
    bool point = false;
    size_t i = 0;
    for (; i < size && len < 15; i++) {
        if (word[i] == '.' && !point) {
            point = true;
        } else if (word[i] >= '0' && word[i] <= '9') {
            digits = digits * 10 + (uint64_t)(word[i] - '0');
            len++;
            behind += point;
        } else {
            break;
        }
    }
    if (i == size && len > 0) {
        *ret_value = (double)digits / tens[behind];
        return true;
    }
    char copy[WORD_SIZE_MAX + 1];
    if (size > WORD_SIZE_MAX) {
        return false;
    }
    memcpy(copy, word, size);
    copy[size] = '\0';
    char *end = NULL;
    *ret_value = strtod(copy, &end);
    return end == copy + size && size > 0 && strspn(copy, "+-.0123456789eE") == size; /* no nan, no 0x10 */
}

static enum pt_code take_node(const struct reader *reader, int field, uint32_t nodes_len, uint32_t *ret_node,
                              struct pt_error *reterr)
{
    const char *word = reader->words[field - 1];
    int size = (int)(reader->sizes[field - 1] < 40 ? reader->sizes[field - 1] : 40);
    if (!read_count(word, reader->sizes[field - 1], ret_node)) {
        return refuse(reader, field, reterr, "'%.*s' is not a node; nodes are numbers from 0", size, word);
    }
    if (*ret_node >= nodes_len) {
        return refuse(reader, field, reterr, "there is no node %u; the first line says that nodes are 0 to %u",
                      *ret_node, nodes_len - 1);
    }
    return PT_OK;
}

static enum pt_code take_ends(const struct reader *reader, uint32_t nodes_len, uint32_t *ret_from, uint32_t *ret_to,
                              struct pt_error *reterr)
{
    PT_TRY(take_node(reader, 1, nodes_len, ret_from, reterr));
    PT_TRY(take_node(reader, 2, nodes_len, ret_to, reterr));
    if (*ret_from == *ret_to) {
        return refuse(reader, 2, reterr, "both ends are node %u; two different nodes are needed", *ret_to);
    }
    return PT_OK;
}

/* ---- what else is known ---------------------------------------------------------------------------------------- */

/* The value of word `index` when it is "key=value". */
static bool is_key(const struct reader *reader, int index, const char *key, const char **ret_value, size_t *ret_size)
{
    size_t size = strlen(key);
    if (reader->sizes[index] <= size || strncmp(reader->words[index], key, size) != 0) {
        return false;
    }
    *ret_value = reader->words[index] + size;
    *ret_size = reader->sizes[index] - size;
    return true;
}

static enum pt_code refuse_value(const struct reader *reader, int index, const char *due, struct pt_error *reterr)
{
    int size = (int)(reader->sizes[index] < 40 ? reader->sizes[index] : 40);
    return refuse(reader, index + 1, reterr, "'%.*s' will not do; write %s", size, reader->words[index], due);
}

/* Numbers with commas between, each below `end`; 0 when there is anything else. */
static size_t read_list(const char *value, size_t size, uint32_t end, uint32_t numbers[LIST_LEN_MAX])
{
    size_t len = 0;
    for (size_t at = 0; at <= size;) {
        size_t rest = size - at;
        const char *comma = memchr(value + at, ',', rest);
        size_t part = comma != NULL ? (size_t)(comma - value) - at : rest;
        if (len == LIST_LEN_MAX || !read_count(value + at, part, &numbers[len]) || numbers[len] >= end) {
            return 0;
        }
        len++;
        at += part + 1;
    }
    return len;
}

struct srlgs { /* of all links; they point into it when it has stopped growing */
    uint32_t *numbers;
    size_t len, cap;
};

static bool push_srlgs(struct srlgs *srlgs, const uint32_t *numbers, size_t len)
{
    if (srlgs->len + len > srlgs->cap) {
        size_t cap = srlgs->cap * 2 + 256;
        uint32_t *more = realloc(srlgs->numbers, cap * sizeof(*more));
        if (more == NULL) {
            return false;
        }
        srlgs->numbers = more;
        srlgs->cap = cap;
    }
    memcpy(srlgs->numbers + srlgs->len, numbers, len * sizeof(*numbers));
    srlgs->len += len;
    return true;
}

static enum pt_code take_link_word(const struct reader *reader, int index, struct pt_flow_link *link,
                                   struct srlgs *srlgs, struct pt_error *reterr)
{
    const char *value = NULL;
    size_t size = 0;
    uint32_t list[LIST_LEN_MAX];
    if (is_key(reader, index, "delay=", &value, &size)) {
        bool fine = read_number(value, size, &link->delay) && link->delay >= 0 && link->delay <= PT_FLOW_RATE_MAX;
        return fine ? PT_OK : refuse_value(reader, index, "delay=D, with D 0 or more", reterr);
    }
    if (is_key(reader, index, "loss=", &value, &size)) {
        bool fine = read_number(value, size, &link->loss) && link->loss >= 0 && link->loss < 1;
        return fine ? PT_OK : refuse_value(reader, index, "loss=S, with S a share from 0 to below 1", reterr);
    }
    if (is_key(reader, index, "metric=", &value, &size)) {
        bool fine = read_count(value, size, &link->metric) && link->metric >= 1 && link->metric <= PT_FLOW_METRIC_MAX;
        return fine ? PT_OK : refuse_value(reader, index, "metric=N, with N from 1 to 16777216", reterr);
    }
    if (is_key(reader, index, "labels=", &value, &size)) {
        size_t len = read_list(value, size, LABELS_MAX, list);
        for (size_t i = 0; i < len; i++) {
            link->labels |= UINT64_C(1) << list[i];
        }
        return len > 0 ? PT_OK : refuse_value(reader, index, "labels=N,N with N from 0 to 63", reterr);
    }
    if (is_key(reader, index, "srlgs=", &value, &size)) {
        size_t len = read_list(value, size, PT_FLOW_SRLGS_MAX, list);
        if (len == 0 || link->srlgs_len + len > LINK_SRLGS_MAX) {
            return refuse_value(reader, index, "srlgs=N,N with at most 16 numbers from 0 to 65535", reterr);
        }
        link->srlgs_len += (uint32_t)len;
        return push_srlgs(srlgs, list, len) ? PT_OK : flow_no_memory(reterr);
    }
    return refuse_value(reader, index, "delay=, loss=, metric=, labels= or srlgs= behind a link", reterr);
}

static enum pt_code take_demand_word(const struct reader *reader, int index, struct pt_flow_demand *demand,
                                     struct pt_error *reterr)
{
    const char *value = NULL;
    size_t size = 0;
    if (is_key(reader, index, "class=", &value, &size)) {
        bool fine = read_count(value, size, &demand->class_index) && demand->class_index < PT_FLOW_CLASSES_MAX;
        return fine ? PT_OK
                    : refuse_value(reader, index, "class=N, with N from 0, which is served first, to 7", reterr);
    }
    if (is_key(reader, index, "weight=", &value, &size)) {
        bool fine = read_number(value, size, &demand->weight) && demand->weight >= 1e-6 && demand->weight <= 1e6;
        return fine ? PT_OK : refuse_value(reader, index, "weight=W, with W from 0.000001 to 1000000", reterr);
    }
    return refuse_value(reader, index, "class= or weight= behind a demand", reterr);
}

/* ---- parts ----------------------------------------------------------------------------------------------------- */

static enum pt_code read_head(struct reader *reader, uint32_t counts[3], struct pt_error *reterr)
{
    static const char *const names[] = {"nodes", "links", "demands"};
    static const uint32_t most[] = {PT_FLOW_NODES_MAX, PT_FLOW_LINKS_MAX, PT_FLOW_DEMANDS_MAX};
    PT_TRY(next_line(reader, "the numbers of nodes, links and demands",
                     "write the numbers of nodes, links and demands, then a line for each link and demand", reterr));
    reader->head_line = reader->line;
    for (int i = 0; i < 3; i++) {
        int size = (int)(reader->sizes[i] < 40 ? reader->sizes[i] : 40);
        if (!read_count(reader->words[i], reader->sizes[i], &counts[i])) {
            return refuse(reader, i + 1, reterr, "'%.*s' is not a number of %s", size, reader->words[i], names[i]);
        }
        if (counts[i] > most[i]) {
            return refuse(reader, i + 1, reterr, "%u %s; at most %u are possible", counts[i], names[i], most[i]);
        }
    }
    if (reader->len > 3) {
        return refuse(reader, 4, reterr, "the first line has three fields: the numbers of nodes, links and demands");
    }
    return counts[0] > 0 ? PT_OK : refuse(reader, 1, reterr, "a graph without nodes; at least one is needed");
}

static enum pt_code read_links(struct reader *reader, uint32_t nodes_len, struct pt_flow_link *links,
                               uint32_t links_len, struct srlgs *srlgs, struct pt_error *reterr)
{
    for (uint32_t i = 0; i < links_len; i++) {
        char missing[128];
        snprintf(missing, sizeof(missing),
                 "%u of %u links and all demands are missing; it was cut off, or line %u says too many", links_len - i,
                 links_len, reader->head_line);
        PT_TRY(next_line(reader, "from, to and capacity of a link", missing, reterr));
        struct pt_flow_link *link = &links[i];
        link->delay = 1;
        PT_TRY(take_ends(reader, nodes_len, &link->from, &link->to, reterr));
        if (!read_number(reader->words[2], reader->sizes[2], &link->capacity) ||
            !(link->capacity >= PT_FLOW_CAPACITY_MIN) || link->capacity > PT_FLOW_RATE_MAX) {
            int size = (int)(reader->sizes[2] < 40 ? reader->sizes[2] : 40);
            return refuse(reader, 3, reterr,
                          "'%.*s' is not a capacity; a number above 0 and at most %g is needed (leave out a link that "
                          "carries nothing)",
                          size, reader->words[2], PT_FLOW_RATE_MAX);
        }
        for (int word = 3; word < reader->len; word++) {
            PT_TRY(take_link_word(reader, word, link, srlgs, reterr));
        }
    }
    const uint32_t *at = srlgs->numbers;
    for (uint32_t i = 0; i < links_len; i++) {
        if (links[i].srlgs_len > 0) { /* `at` is NULL when no link has any */
            links[i].srlgs = at;
            at += links[i].srlgs_len;
        }
    }
    return PT_OK;
}

/* `seen` has a byte for each pair of nodes, with a bit for each class. */
static enum pt_code read_demand(struct reader *reader, uint32_t nodes_len, struct pt_flow_te *te, size_t index,
                                uint8_t *seen, struct pt_error *reterr)
{
    struct pt_flow_demand *demand = &te->demands[index]; /* zeroed: class 0, weight 1 */
    te->demand_lines[index] = reader->line;
    PT_TRY(take_ends(reader, nodes_len, &demand->from, &demand->to, reterr));
    if (!read_number(reader->words[2], reader->sizes[2], &demand->rate) || !(demand->rate >= 0) ||
        demand->rate > PT_FLOW_RATE_MAX) {
        int size = (int)(reader->sizes[2] < 40 ? reader->sizes[2] : 40);
        return refuse(reader, 3, reterr, "'%.*s' is not a rate; a number of 0 to %g is needed", size, reader->words[2],
                      PT_FLOW_RATE_MAX);
    }
    for (int word = 3; word < reader->len; word++) {
        PT_TRY(take_demand_word(reader, word, demand, reterr));
    }
    uint8_t *pair = &seen[(size_t)demand->from * nodes_len + demand->to];
    if ((*pair >> demand->class_index & 1) != 0) {
        size_t first = 0;
        while (te->demands[first].from != demand->from || te->demands[first].to != demand->to ||
               te->demands[first].class_index != demand->class_index) {
            first++;
        }
        return refuse(reader, 0, reterr,
                      "the demand from %u to %u stands on line %u already; a pair has one of each class", demand->from,
                      demand->to, te->demand_lines[first]);
    }
    *pair = (uint8_t)(*pair | 1U << demand->class_index);
    return PT_OK;
}

static enum pt_code read_demands(struct reader *reader, uint32_t nodes_len, struct pt_flow_te *te,
                                 struct pt_error *reterr)
{
    PT_AUTO(free) uint8_t *seen = flow_alloc((size_t)nodes_len * nodes_len, 1);
    if (seen == NULL) {
        return flow_no_memory(reterr);
    }
    for (size_t i = 0; i < te->demands_len; i++) {
        char missing[128];
        snprintf(missing, sizeof(missing), "%zu of %zu demands are missing; it was cut off, or line %u says too many",
                 te->demands_len - i, te->demands_len, reader->head_line);
        PT_TRY(next_line(reader, "from, to and rate of a demand", missing, reterr));
        PT_TRY(read_demand(reader, nodes_len, te, i, seen, reterr));
    }
    while (reader->at < reader->end) {
        reader->line++;
        if (split(reader) != 0) {
            return refuse(reader, 0, reterr, "there is more than the %zu demands that the first line says",
                          te->demands_len);
        }
    }
    return PT_OK;
}

/* ---- all ------------------------------------------------------------------------------------------------------- */

static enum pt_code read_all(struct reader *reader, struct pt_flow_te *te, struct pt_error *reterr)
{
    uint32_t counts[3];
    PT_TRY(read_head(reader, counts, reterr));
    te->head_line = reader->head_line;
    PT_AUTO(free) struct pt_flow_link *links = flow_alloc(counts[1], sizeof(links[0]));
    te->demands_len = counts[2];
    te->demands = flow_alloc(counts[2], sizeof(te->demands[0]));
    te->demand_lines = flow_alloc(counts[2], sizeof(te->demand_lines[0]));
    if (links == NULL || te->demands == NULL || te->demand_lines == NULL) {
        return flow_no_memory(reterr);
    }
    struct srlgs srlgs = {0};
    enum pt_code code = read_links(reader, counts[0], links, counts[1], &srlgs, reterr);
    code = code == PT_OK ? read_demands(reader, counts[0], te, reterr) : code;
    code = code == PT_OK ? pt_flow_graph_new(counts[0], links, counts[1], &te->graph, reterr) : code;
    free(srlgs.numbers);
    return code;
}

enum pt_code pt_flow_te_read(const char *text, size_t size, struct pt_flow_te *ret_te, struct pt_error *reterr)
{
    if (size > PT_FLOW_TE_SIZE_MAX) {
        return pt_fail(reterr, PT_OUT_OF_RANGE, PT_REASON_MESSAGE_TOO_LARGE, NULL, "%zu bytes; at most %u are read",
                       size, PT_FLOW_TE_SIZE_MAX);
    }
    struct reader reader = {.at = text, .end = text + size};
    struct pt_flow_te te = {0};
    enum pt_code code = read_all(&reader, &te, reterr);
    if (code != PT_OK) {
        pt_flow_te_fini(&te);
        return code;
    }
    *ret_te = te;
    return PT_OK;
}

void pt_flow_te_fini(struct pt_flow_te *te)
{
    pt_flow_graph_free(te->graph);
    free(te->demands);
    free(te->demand_lines);
    *te = (struct pt_flow_te){0};
}
