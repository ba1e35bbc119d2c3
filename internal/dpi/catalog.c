/*
 * The list is short and asked seldom (when a user changes something, when a bundle is taken): it is walked.
 */
#include "dpi/catalog.h"

#include <string.h>

#define NAME_SIZE_MAX 32

struct signature {
    uint32_t number;
    const char *name, *library_name;
};

static const struct signature signatures[] = {
#define X(number, name, library_name) {(number), (name), (library_name)},
#include "dpi/catalog.def"
#undef X
};
#define SIGNATURES_LEN (sizeof(signatures) / sizeof(signatures[0]))

uint32_t pt_dpi_signature_number(const char *name)
{
    for (size_t i = 0; i < SIGNATURES_LEN; i++) {
        if (strcmp(signatures[i].name, name) == 0) {
            return signatures[i].number;
        }
    }
    return 0;
}

const char *pt_dpi_signature_name(uint32_t number)
{
    for (size_t i = 0; i < SIGNATURES_LEN; i++) {
        if (signatures[i].number == number) {
            return signatures[i].name;
        }
    }
    return NULL;
}

int pt_dpi_signature_at(size_t index, uint32_t *ret_number, const char **ret_name, const char **ret_library_name)
{
    if (index >= SIGNATURES_LEN) {
        return 0;
    }
    *ret_number = signatures[index].number;
    *ret_name = signatures[index].name;
    *ret_library_name = signatures[index].library_name;
    return 1;
}

/* Insertions, deletions and exchanges that make one name of the other (Levenshtein). */
static size_t distance(const char *a, const char *b)
{
    size_t row[NAME_SIZE_MAX + 1], b_len = strlen(b);
    for (size_t j = 0; j <= b_len; j++) {
        row[j] = j;
    }
    for (size_t i = 0; a[i] != '\0'; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < b_len; j++) {
            size_t exchange = diagonal + (a[i] != b[j]);
            diagonal = row[j + 1];
            size_t least = row[j] < row[j + 1] ? row[j] + 1 : row[j + 1] + 1;
            row[j + 1] = exchange < least ? exchange : least;
        }
    }
    return row[b_len];
}

const char *pt_dpi_signature_near(const char *name)
{
    const char *near = NULL;
    size_t least = 3;
    if (strlen(name) > NAME_SIZE_MAX) {
        return NULL;
    }
    for (size_t i = 0; i < SIGNATURES_LEN; i++) {
        size_t steps = strlen(signatures[i].name) <= NAME_SIZE_MAX ? distance(name, signatures[i].name) : least;
        if (steps < least) {
            least = steps;
            near = signatures[i].name;
        }
    }
    return near;
}
