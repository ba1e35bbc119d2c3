/*
 * Growing byte buffer. Heap memory; `fini` frees it. A NUL always stands behind the last byte, outside `size`.
 *
 * Growth aborts when out of memory: bound what is put in. Byte order helpers are big-endian, as all our formats.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Borrowed bytes. */
struct pt_bytes {
    const uint8_t *data;
    size_t size;
};

struct pt_buf {
    uint8_t *data;
    size_t size;
    size_t capacity;
};

void pt_buf_init(struct pt_buf *buf);
void pt_buf_fini(struct pt_buf *buf);
void pt_buf_reset(struct pt_buf *buf); /* size 0, memory kept */
/* Make room for `more` bytes behind size and return where they go; size is unchanged. */
static inline uint8_t *pt_buf_reserve(struct pt_buf *buf, size_t more);
void pt_buf_append(struct pt_buf *buf, const void *data, size_t size);
void pt_buf_append_str(struct pt_buf *buf, const char *text);
void pt_buf_append_u8(struct pt_buf *buf, uint8_t value);
void pt_buf_append_be32(struct pt_buf *buf, uint32_t value);
void pt_buf_append_be64(struct pt_buf *buf, uint64_t value);
void pt_buf_printf(struct pt_buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Remove the first `size` bytes. */
void pt_buf_consume(struct pt_buf *buf, size_t size);
/* Move the memory out: the caller frees; buf is empty afterwards. */
uint8_t *pt_buf_take(struct pt_buf *buf, size_t *ret_size);
struct pt_bytes pt_buf_bytes(const struct pt_buf *buf);
void pt_auto_buf(struct pt_buf *buf); /* for PT_AUTO(buf) */

void pt_buf_grow(struct pt_buf *buf, size_t more); /* for pt_buf_reserve */

static inline uint8_t *pt_buf_reserve(struct pt_buf *buf, size_t more)
{
    if (more >= buf->capacity || buf->size >= buf->capacity - more) { /* one byte is the NUL's */
        pt_buf_grow(buf, more);
    }
    return buf->data + buf->size;
}

static inline uint32_t pt_be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline uint64_t pt_be64(const uint8_t *p)
{
    return (uint64_t)pt_be32(p) << 32 | pt_be32(p + 4);
}

static inline void pt_put_be32(uint8_t *p, uint32_t value)
{
    p[0] = (uint8_t)(value >> 24);
    p[1] = (uint8_t)(value >> 16);
    p[2] = (uint8_t)(value >> 8);
    p[3] = (uint8_t)value;
}

static inline void pt_put_be64(uint8_t *p, uint64_t value)
{
    pt_put_be32(p, (uint32_t)(value >> 32));
    pt_put_be32(p + 4, (uint32_t)value);
}
