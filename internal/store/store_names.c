/*
 * Which names may be there: a filter before the database.
 *
 * A create asks first whether its name is taken, which mostly it is not, and SQLite walks the tree of names to say so:
 * a tenth of what applying a create takes, on each member. The filter knows all names that were ever put since the
 * store was opened or loaded. What it has not seen is not there; what it may have seen SQLite is asked for.
 *
 * Bits of a name stand in one word, four of them, which its hash chooses (a Bloom filter with blocks of 64 bits):
 *
 *   words[hash of the name] |= four bits of the same hash        16 bits a name: 1 % of those not there look as if
 *
 * A filter that is full is kept, and one of twice its size begins: nothing is ever hashed again. A name that goes
 * leaves its bits, which costs a question more if it comes back. Behind the largest filter everything may be there:
 * then it is as it was without, until the store is opened anew.
 */
#include "base/assert.h"
#include "store/store_state.h"

#include <stdlib.h>

#define FIRST_LEN 4096U /* names of the first filter; a power of two */
#define WORDS(names_len) ((names_len) / 4)

struct place {
    uint64_t hash, bits;
};

static struct place place_of(const char *name)
{
    uint64_t hash = pt_hash_mix(pt_hash(name, strlen(name)));
    uint64_t bits = 0;
    for (int i = 0; i < 4; i++) {
        bits |= UINT64_C(1) << (hash >> (6 * i) & 63);
    }
    return (struct place){.hash = hash >> 24, .bits = bits};
}

static size_t names_max(size_t filter)
{
    return (size_t)FIRST_LEN << filter;
}

void store_names_add(struct pt_store *store, const char *name)
{
    struct store_names *names = &store->names;
    if (names->all) {
        return;
    }
    if (names->filters_len == 0 || names->len == names_max(names->filters_len - 1)) {
        if (names->filters_len == STORE_NAMES_FILTERS_MAX) {
            names->all = true;
            return;
        }
        uint64_t *words = calloc(WORDS(names_max(names->filters_len)), sizeof(*words));
        pt_assert(words != NULL);
        names->filters[names->filters_len++] = words;
        names->len = 0;
    }
    size_t newest = names->filters_len - 1;
    struct place place = place_of(name);
    names->filters[newest][place.hash & (WORDS(names_max(newest)) - 1)] |= place.bits;
    names->len++;
}

bool store_names_may(const struct pt_store *store, const char *name)
{
    const struct store_names *names = &store->names;
    struct place place = place_of(name);
    bool may = names->all;
    for (size_t i = 0; i < names->filters_len && !may; i++) {
        may = (names->filters[i][place.hash & (WORDS(names_max(i)) - 1)] & place.bits) == place.bits;
    }
    return may;
}

void store_names_clear(struct pt_store *store)
{
    for (size_t i = 0; i < store->names.filters_len; i++) {
        free(store->names.filters[i]);
    }
    store->names = (struct store_names){0};
}
