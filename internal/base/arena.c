#include "base/arena.h"
#include "base/assert.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_SIZE_MIN 4096U
#define BLOCK_SIZE_MAX (1U << 20)

struct pt_arena_block {
    struct pt_arena_block *next;
    size_t size; /* of data */
    bool lent;   /* not ours to free */
    max_align_t data[];
};

void pt_arena_init(struct pt_arena *arena)
{
    *arena = (struct pt_arena){0};
}

void pt_arena_init_lent(struct pt_arena *arena, void *memory, size_t size)
{
    pt_assert(size >= PT_ARENA_LENT_MIN && (uintptr_t)memory % _Alignof(max_align_t) == 0);
    struct pt_arena_block *block = memory;
    *block = (struct pt_arena_block){.size = size - sizeof(*block), .lent = true};
    *arena = (struct pt_arena){.head = block};
}

void pt_arena_fini(struct pt_arena *arena)
{
    struct pt_arena_block *block = arena->head;
    while (block != NULL) {
        struct pt_arena_block *next = block->next;
        if (!block->lent) {
            free(block);
        }
        block = next;
    }
    *arena = (struct pt_arena){0};
}

#define UNIT _Alignof(max_align_t) /* sizes are rounded up to it */

/* A new newest block with room for `size` bytes. Apart from its callers, so that these stay short. */
__attribute__((noinline)) static void add_block(struct pt_arena *arena, size_t size)
{
    /* Blocks double up to a megabyte, so that a large pass makes few and a small one stays small. */
    size_t block_size = arena->total_size == 0 ? BLOCK_SIZE_MIN : arena->head->size * 2;
    if (block_size > BLOCK_SIZE_MAX) {
        block_size = BLOCK_SIZE_MAX;
    }
    if (block_size < size) {
        block_size = size;
    }
    struct pt_arena_block *block = malloc(sizeof(*block) + block_size);
    pt_assert(block != NULL);
    block->next = arena->head;
    block->lent = false;
    block->size = block_size;
    arena->head = block;
    arena->used = 0;
    arena->total_size += block_size;
}

static inline void *take(struct pt_arena *arena, size_t size)
{
    if (arena->head == NULL || arena->head->size - arena->used < size) {
        add_block(arena, size);
    }
    void *data = (char *)arena->head->data + arena->used;
    arena->used += size;
    return data;
}

static inline size_t round_up(size_t size)
{
    pt_assert(size < SIZE_MAX - BLOCK_SIZE_MAX);
    return (size + UNIT - 1) & ~(UNIT - 1);
}

void *pt_arena_alloc(struct pt_arena *arena, size_t size)
{
    size = round_up(size);
    void *data = take(arena, size);
    switch (size) { /* most are so small that to call memset would take longer than to clear them */
    case UNIT:
        return memset(data, 0, UNIT);
    case 2 * UNIT:
        return memset(data, 0, 2 * UNIT);
    default:
        return memset(data, 0, size);
    }
}

void *pt_arena_raw(struct pt_arena *arena, size_t size)
{
    return take(arena, round_up(size));
}

void *pt_arena_array(struct pt_arena *arena, size_t len, size_t size)
{
    size_t total = 0;
    pt_assert(!__builtin_mul_overflow(len, size, &total));
    return pt_arena_alloc(arena, total);
}

void *pt_arena_memdup(struct pt_arena *arena, const void *data, size_t size)
{
    void *copy = pt_arena_raw(arena, size);
    return size > 0 ? memcpy(copy, data, size) : copy;
}

char *pt_arena_strndup(struct pt_arena *arena, const char *text, size_t len)
{
    len = len > 0 ? strnlen(text, len) : 0; /* as strndup: the text may end earlier, and may be NULL when len is 0 */
    char *copy = pt_arena_raw(arena, len + 1);
    if (len > 0) {
        memcpy(copy, text, len);
    }
    copy[len] = '\0';
    return copy;
}

char *pt_arena_strdup(struct pt_arena *arena, const char *text)
{
    return pt_arena_strndup(arena, text, strlen(text));
}

char *pt_arena_printf(struct pt_arena *arena, const char *format, ...)
{
    char small[256]; /* most texts fit and are made once */
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(small, sizeof(small), format, args);
    va_end(args);
    pt_assert(len >= 0);
    char *text = pt_arena_raw(arena, (size_t)len + 1);
    if ((size_t)len < sizeof(small)) {
        memcpy(text, small, (size_t)len + 1);
    } else {
        (void)vsnprintf(text, (size_t)len + 1, format, again);
    }
    va_end(again);
    return text;
}
