/* Reading and writing of what train_wire.h draws. */
#include "tunnel/train_wire.h"

#include "base/assert.h"
#include "base/buf.h"
#include "crypto/crypto.h"

#include <arpa/inet.h>
#include <string.h>

#define MAC_AT 52
#define MAC_SIZE 16

/* What stands behind the MAC and is covered by it. */
static size_t entries_size(enum pt_train_kind kind, uint16_t len)
{
    return kind == PT_TRAIN_REPORT ? 4 * (size_t)len : 0;
}

static void make_mac(const uint8_t *bytes, size_t entries, const uint8_t key[PT_HMAC_SIZE], uint8_t out[MAC_SIZE])
{
    uint8_t mac[PT_HMAC_SIZE];
    pt_hmac(key, PT_HMAC_SIZE, bytes, MAC_AT, bytes + PT_TRAIN_HEADER_SIZE, entries, mac);
    memcpy(out, mac, MAC_SIZE);
}

size_t pt_train_write(const struct pt_train_message *m, const uint8_t key[PT_HMAC_SIZE],
                      uint8_t out[PT_TRAIN_MESSAGE_MAX])
{
    size_t entries = entries_size(m->kind, m->len);
    pt_assert(m->back_len <= PT_STACK_LEN_MAX && m->len <= PT_TRAIN_LEN_MAX);
    memset(out, 0, PT_TRAIN_HEADER_SIZE);
    pt_put_be32(out, PT_TRAIN_MAGIC);
    out[4] = PT_TRAIN_VERSION;
    out[5] = (uint8_t)m->kind;
    out[6] = (uint8_t)m->back_len;
    pt_put_be32(out + 8, m->label);
    pt_put_be32(out + 12, m->train);
    pt_put_be64(out + 16, m->path);
    pt_put_be32(out + 24, (uint32_t)m->index << 16 | m->len);
    for (uint32_t i = 0; i < m->back_len; i++) {
        pt_put_be32(out + 28 + 4 * i, m->back[i]);
    }
    for (uint32_t i = 0; i < entries / 4; i++) {
        pt_put_be32(out + PT_TRAIN_HEADER_SIZE + 4 * i, m->came_ns[i]);
    }
    make_mac(out, entries, key, out + MAC_AT);
    return PT_TRAIN_HEADER_SIZE + entries;
}

static bool sound(const struct pt_train_message *m)
{
    bool kind = m->kind == PT_TRAIN_PACKET || m->kind == PT_TRAIN_END || m->kind == PT_TRAIN_REPORT;
    for (uint32_t i = 0; i < m->back_len; i++) {
        if (m->back[i] > 0xfffff) {
            return false; /* labels have 20 bits */
        }
    }
    return kind && m->len >= 2 && m->len <= PT_TRAIN_LEN_MAX && m->index < m->len;
}

bool pt_train_read(const uint8_t *data, size_t size, struct pt_train_message *ret_message, const uint8_t **ret_bytes)
{
    struct pt_geneve geneve;
    struct pt_train_message m = {0};
    if (size < sizeof(geneve)) {
        return false;
    }
    memcpy(&geneve, data, sizeof(geneve));
    size_t outer = sizeof(geneve) + (size_t)(geneve.version_words & 0x3f) * 4;
    if (geneve.version_words >> 6 != 0 || geneve.protocol != htons(PT_LIVE_PROTOCOL) ||
        (geneve.flags & PT_GENEVE_CONTROL) == 0 || size < outer + PT_TRAIN_HEADER_SIZE) {
        return false;
    }
    const uint8_t *bytes = data + outer;
    if (pt_be32(bytes) != PT_TRAIN_MAGIC || bytes[4] != PT_TRAIN_VERSION || bytes[6] > PT_STACK_LEN_MAX ||
        bytes[7] != 0) {
        return false;
    }
    m.kind = (enum pt_train_kind)bytes[5];
    m.back_len = bytes[6];
    m.label = pt_be32(bytes + 8);
    m.train = pt_be32(bytes + 12);
    m.path = pt_be64(bytes + 16);
    m.index = (uint16_t)(pt_be32(bytes + 24) >> 16);
    m.len = (uint16_t)pt_be32(bytes + 24);
    for (uint32_t i = 0; i < m.back_len; i++) {
        m.back[i] = pt_be32(bytes + 28 + 4 * i);
    }
    if (!sound(&m) || size - outer - PT_TRAIN_HEADER_SIZE < entries_size(m.kind, m.len)) {
        return false;
    }
    for (uint32_t i = 0; i < entries_size(m.kind, m.len) / 4; i++) {
        m.came_ns[i] = pt_be32(bytes + PT_TRAIN_HEADER_SIZE + 4 * i);
    }
    *ret_message = m;
    *ret_bytes = bytes;
    return true;
}

bool pt_train_authentic(const struct pt_train_message *m, const uint8_t *bytes, const uint8_t key[PT_HMAC_SIZE])
{
    uint8_t mac[MAC_SIZE];
    make_mac(bytes, entries_size(m->kind, m->len), key, mac);
    return pt_memory_equal(mac, bytes + MAC_AT, sizeof(mac));
}
