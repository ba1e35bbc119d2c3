/* Reading and writing the messages of wire.h. Nothing is believed: sizes are exact, unused bytes are zero. */
#include "tunnel/wire.h"

#include "base/assert.h"
#include "base/buf.h"

#include <string.h>

#define FLAGS_KNOWN (PT_TUNNEL_PARTIAL | PT_TUNNEL_VERIFIED | PT_TUNNEL_CONTROL)

void pt_tunnel_data_write(const struct pt_tunnel_data *data, uint8_t header[PT_TUNNEL_DATA_HEADER])
{
    pt_assert(data->counter <= PT_TUNNEL_COUNTER_MAX && data->vni < 1U << 24 && data->stream < PT_TUNNEL_STREAMS);
    header[0] = PT_TUNNEL_DATA;
    header[1] = data->flags;
    header[2] = data->stream;
    header[3] = (uint8_t)(data->vni >> 16);
    header[4] = (uint8_t)(data->vni >> 8);
    header[5] = (uint8_t)data->vni;
    header[6] = (uint8_t)(data->counter >> 40);
    header[7] = (uint8_t)(data->counter >> 32);
    pt_put_be32(header + 8, (uint32_t)data->counter);
    pt_put_be32(header + 12, data->receiver);
}

bool pt_tunnel_data_read(const uint8_t *message, size_t size, struct pt_tunnel_data *ret_data)
{
    if (size < PT_TUNNEL_OVERHEAD || message[0] != PT_TUNNEL_DATA || (message[1] & ~FLAGS_KNOWN) != 0 ||
        message[2] >= PT_TUNNEL_STREAMS) {
        return false;
    }
    *ret_data = (struct pt_tunnel_data){.flags = message[1],
                                        .stream = message[2],
                                        .vni = pt_be32(message + 2) & 0xffffff,
                                        .counter = pt_be64(message + 4) & PT_TUNNEL_COUNTER_MAX,
                                        .receiver = pt_be32(message + 12)};
    return true;
}

void pt_tunnel_nonce(uint8_t stream, uint64_t counter, uint8_t nonce[PT_AEAD_NONCE_SIZE])
{
    pt_put_be32(nonce, (uint32_t)stream << 24);
    pt_put_be64(nonce + 4, counter);
}

bool pt_tunnel_handshake_read(const uint8_t *message, size_t size, struct pt_tunnel_handshake *ret_handshake)
{
    if (size < 8 || message[1] != PT_TUNNEL_VERSION || message[2] != 0 || message[3] != 0) {
        return false;
    }
    if (message[0] == PT_TUNNEL_INITIATION && size == PT_TUNNEL_INITIATION_SIZE) {
        *ret_handshake = (struct pt_tunnel_handshake){.type = PT_TUNNEL_INITIATION,
                                                      .sender = pt_be32(message + 4),
                                                      .noise = message + 8,
                                                      .noise_size = size - 8 - 2 * PT_TUNNEL_MAC_SIZE,
                                                      .mac1 = message + size - 2 * PT_TUNNEL_MAC_SIZE};
        return true;
    }
    if (message[0] == PT_TUNNEL_RESPONSE && size == PT_TUNNEL_RESPONSE_SIZE) {
        *ret_handshake = (struct pt_tunnel_handshake){.type = PT_TUNNEL_RESPONSE,
                                                      .sender = pt_be32(message + 4),
                                                      .receiver = pt_be32(message + 8),
                                                      .noise = message + 12,
                                                      .noise_size = size - 12 - 2 * PT_TUNNEL_MAC_SIZE,
                                                      .mac1 = message + size - 2 * PT_TUNNEL_MAC_SIZE};
        return true;
    }
    if (message[0] == PT_TUNNEL_COOKIE && size == PT_TUNNEL_COOKIE_SIZE) {
        *ret_handshake = (struct pt_tunnel_handshake){
            .type = PT_TUNNEL_COOKIE, .receiver = pt_be32(message + 4), .noise = message + 8, .noise_size = size - 8};
        return true;
    }
    return false;
}

void pt_tunnel_control_write(const struct pt_tunnel_control *control, uint8_t message[PT_TUNNEL_CONTROL_SIZE])
{
    memset(message, 0, PT_TUNNEL_CONTROL_SIZE);
    message[0] = (uint8_t)control->kind;
    pt_put_be32(message + 4, control->size);
    memcpy(message + 8, control->address, sizeof(control->address));
}

bool pt_tunnel_control_read(const uint8_t *message, size_t size, struct pt_tunnel_control *ret_control)
{
    if (size < PT_TUNNEL_CONTROL_SIZE || message[0] < PT_TUNNEL_KEEPALIVE || message[0] > PT_TUNNEL_ECHO ||
        message[1] != 0 || message[2] != 0 || message[3] != 0) {
        return false;
    }
    ret_control->kind = (enum pt_tunnel_control_kind)message[0];
    ret_control->size = pt_be32(message + 4);
    memcpy(ret_control->address, message + 8, sizeof(ret_control->address));
    return true;
}
