/*
 * Arena: memory that is freed all at once. One per request and per compute pass.
 *
 * Small fixed allocations never fail (out of memory aborts); nothing is freed singly. Not thread-safe: one owner.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct pt_arena_block;

struct pt_arena {
    struct pt_arena_block *head; /* newest block; the older ones behind it */
    size_t used;                 /* bytes used of the newest block */
    size_t total_size;           /* bytes of all blocks that were allocated */
};

void pt_arena_init(struct pt_arena *arena);
/* The first block is the caller's, mostly on its stack, and outlives the arena: what fits it costs no allocation.
 * Aligned for any type (PT_ARENA_LENT), at least PT_ARENA_LENT_MIN bytes. */
void pt_arena_init_lent(struct pt_arena *arena, void *memory, size_t size);
#define PT_ARENA_LENT_MIN 64
#define PT_ARENA_LENT(name, size) _Alignas(max_align_t) char name[size]
/* Free everything; the arena can be used again. Fine on a zeroed arena. */
void pt_arena_fini(struct pt_arena *arena);
/* Zeroed memory, aligned for any type. size 0 gives a valid pointer. */
void *pt_arena_alloc(struct pt_arena *arena, size_t size);
/* Like pt_arena_alloc, but the bytes are whatever they are: for what is written whole at once. */
void *pt_arena_raw(struct pt_arena *arena, size_t size);
/* Like pt_arena_alloc for an array; aborts when len * size overflows. */
void *pt_arena_array(struct pt_arena *arena, size_t len, size_t size);
char *pt_arena_strdup(struct pt_arena *arena, const char *text);
char *pt_arena_strndup(struct pt_arena *arena, const char *text, size_t len);
void *pt_arena_memdup(struct pt_arena *arena, const void *data, size_t size);
char *pt_arena_printf(struct pt_arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define PT_NEW(arena, type) ((type *)pt_arena_alloc((arena), sizeof(type)))
