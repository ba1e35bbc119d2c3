/* Reading and writing of what live_wire.h draws. What is read has passed no authentication yet. */
#include "tunnel/live_wire.h"

#include "base/assert.h"
#include "base/buf.h"
#include "tunnel/wire.h"

#include <arpa/inet.h>
#include <string.h>

void pt_live_header_write(const struct pt_live_header *h, uint8_t out[PT_LIVE_HEADER_SIZE])
{
    pt_assert(h->back_len <= PT_STACK_LEN_MAX);
    memset(out, 0, PT_LIVE_HEADER_SIZE);
    pt_put_be32(out, PT_LIVE_MAGIC);
    out[4] = PT_LIVE_VERSION;
    out[5] = (uint8_t)h->role;
    out[6] = (uint8_t)h->back_len;
    pt_put_be32(out + 8, h->label);
    pt_put_be32(out + 12, h->sequence);
    pt_put_be64(out + 16, h->path);
    pt_put_be64(out + 24, h->sent_ns);
    pt_put_be64(out + 32, h->echo_ns);
    pt_put_be32(out + 40, h->held_us);
    pt_put_be32(out + 44, h->received);
    pt_put_be32(out + 48, h->highest);
    out[52] = h->first_stream;
    out[53] = h->streams;
    pt_put_be64(out + 56, h->data_received);
    pt_put_be64(out + 64, h->data_expected);
    for (uint32_t i = 0; i < h->back_len; i++) {
        pt_put_be32(out + 72 + 4 * i, h->back[i]);
    }
}

bool pt_live_read(const uint8_t *data, size_t size, struct pt_live_header *ret_header, const uint8_t **ret_message,
                  size_t *ret_bfd_size)
{
    struct pt_geneve geneve;
    struct pt_live_header h = {0};
    if (size < sizeof(geneve)) {
        return false;
    }
    memcpy(&geneve, data, sizeof(geneve));
    size_t outer = sizeof(geneve) + (size_t)(geneve.version_words & 0x3f) * 4;
    if (geneve.version_words >> 6 != 0 || geneve.protocol != htons(PT_LIVE_PROTOCOL) ||
        (geneve.flags & PT_GENEVE_CONTROL) == 0 || size < outer + PT_LIVE_HEADER_SIZE + PT_BFD_SIZE) {
        return false;
    }
    const uint8_t *m = data + outer;
    h.role = (enum pt_live_role)m[5];
    h.back_len = m[6];
    if (pt_be32(m) != PT_LIVE_MAGIC || m[4] != PT_LIVE_VERSION || m[7] != 0 || h.back_len > PT_STACK_LEN_MAX ||
        (h.role != PT_LIVE_OWNER && h.role != PT_LIVE_ANSWER)) {
        return false;
    }
    h.label = pt_be32(m + 8);
    h.sequence = pt_be32(m + 12);
    h.path = pt_be64(m + 16);
    h.sent_ns = pt_be64(m + 24);
    h.echo_ns = pt_be64(m + 32);
    h.held_us = pt_be32(m + 40);
    h.received = pt_be32(m + 44);
    h.highest = pt_be32(m + 48);
    h.first_stream = m[52];
    h.streams = m[53];
    h.data_received = pt_be64(m + 56);
    h.data_expected = pt_be64(m + 64);
    if (h.first_stream + h.streams > PT_TUNNEL_STREAMS) {
        return false;
    }
    for (uint32_t i = 0; i < h.back_len; i++) {
        h.back[i] = pt_be32(m + 72 + 4 * i);
        if (h.back[i] > 0xfffff) {
            return false; /* labels have 20 bits */
        }
    }
    *ret_header = h;
    *ret_message = m;
    *ret_bfd_size = size - outer - PT_LIVE_HEADER_SIZE;
    return true;
}

size_t pt_live_outer(const uint32_t *stack, uint32_t stack_len, uint8_t out[8 + 4 + 4 * PT_STACK_LEN_MAX])
{
    const struct pt_geneve geneve = {.version_words = (uint8_t)(PT_STACK_SIZE(stack_len) / 4),
                                     .flags = PT_GENEVE_CONTROL | (stack_len > 0 ? PT_GENEVE_CRITICAL : 0),
                                     .protocol = htons(PT_LIVE_PROTOCOL)};
    size_t size = sizeof(geneve);
    pt_assert(stack_len <= PT_STACK_LEN_MAX);
    memcpy(out, &geneve, sizeof(geneve));
    if (stack_len > 0) {
        const struct pt_geneve_option option = {
            .class = htons(PT_OPTION_CLASS), .type = PT_OPTION_PATH_STACK, .words = (uint8_t)stack_len};
        memcpy(out + size, &option, sizeof(option));
        size += sizeof(option);
        for (uint32_t i = 0; i < stack_len; i++, size += 4) {
            pt_put_be32(out + size, stack[i]);
        }
    }
    return size;
}
