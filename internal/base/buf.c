#include "base/buf.h"
#include "base/assert.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void pt_buf_init(struct pt_buf *buf)
{
    *buf = (struct pt_buf){0};
}

void pt_buf_fini(struct pt_buf *buf)
{
    free(buf->data);
    *buf = (struct pt_buf){0};
}

void pt_auto_buf(struct pt_buf *buf)
{
    pt_buf_fini(buf);
}

void pt_buf_reset(struct pt_buf *buf)
{
    buf->size = 0;
    if (buf->data != NULL) {
        buf->data[0] = 0;
    }
}

void pt_buf_grow(struct pt_buf *buf, size_t more)
{
    pt_assert(more < SIZE_MAX / 4 && buf->size < SIZE_MAX / 4);
    size_t need = buf->size + more + 1;
    size_t capacity = buf->capacity < 64 ? 64 : buf->capacity * 2;
    if (capacity < need) {
        capacity = need;
    }
    uint8_t *data = realloc(buf->data, capacity);
    pt_assert(data != NULL);
    buf->data = data;
    buf->capacity = capacity;
}

/* `size` bytes have been written behind the last one. */
static inline void close_up(struct pt_buf *buf, size_t size)
{
    buf->size += size;
    buf->data[buf->size] = 0;
}

void pt_buf_append(struct pt_buf *buf, const void *data, size_t size)
{
    uint8_t *to = pt_buf_reserve(buf, size);
    if (size > 0) {
        memcpy(to, data, size);
    }
    close_up(buf, size);
}

void pt_buf_append_str(struct pt_buf *buf, const char *text)
{
    pt_buf_append(buf, text, strlen(text));
}

void pt_buf_append_u8(struct pt_buf *buf, uint8_t value)
{
    *pt_buf_reserve(buf, 1) = value;
    close_up(buf, 1);
}

void pt_buf_append_be32(struct pt_buf *buf, uint32_t value)
{
    pt_put_be32(pt_buf_reserve(buf, sizeof(value)), value);
    close_up(buf, sizeof(value));
}

void pt_buf_append_be64(struct pt_buf *buf, uint64_t value)
{
    pt_put_be64(pt_buf_reserve(buf, sizeof(value)), value);
    close_up(buf, sizeof(value));
}

void pt_buf_printf(struct pt_buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    pt_assert(len >= 0);
    char *to = (char *)pt_buf_reserve(buf, (size_t)len);
    (void)vsnprintf(to, (size_t)len + 1, format, again);
    va_end(again);
    buf->size += (size_t)len;
}

void pt_buf_consume(struct pt_buf *buf, size_t size)
{
    pt_assert(size <= buf->size);
    if (size > 0) {
        memmove(buf->data, buf->data + size, buf->size - size);
        buf->size -= size;
        buf->data[buf->size] = 0;
    }
}

uint8_t *pt_buf_take(struct pt_buf *buf, size_t *ret_size)
{
    (void)pt_buf_reserve(buf, 0);
    buf->data[buf->size] = 0;
    uint8_t *data = buf->data;
    *ret_size = buf->size;
    *buf = (struct pt_buf){0};
    return data;
}

struct pt_bytes pt_buf_bytes(const struct pt_buf *buf)
{
    return (struct pt_bytes){.data = buf->data, .size = buf->size};
}
