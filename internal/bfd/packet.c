/*
 * Reading and writing of control packets.
 *
 * What is read here has passed no authentication: every length is checked against the one around it. An authentication
 * section of a type that we do not speak is read as far as its header, so that the session can say what it thinks of
 * it.
 */
#include "bfd/packet.h"

#include "base/assert.h"
#include "base/buf.h"

#include <string.h>

#define VERSION 1
#define FLAG_POLL 0x20
#define FLAG_FINAL 0x10
#define FLAG_INDEPENDENT 0x08
#define FLAG_AUTH 0x04
#define FLAG_DEMAND 0x02
#define FLAG_MULTIPOINT 0x01

static bool is_sha1(uint8_t type)
{
    return type == PT_BFD_AUTH_SHA1 || type == PT_BFD_AUTH_SHA1_METICULOUS;
}

bool pt_bfd_packet_read(const uint8_t *data, size_t size, struct pt_bfd_packet *ret_packet)
{
    struct pt_bfd_packet p = {0};
    if (size < PT_BFD_SIZE || data[0] >> 5 != VERSION || data[3] > size) {
        return false;
    }
    bool has_auth = (data[1] & FLAG_AUTH) != 0;
    p.size = data[3];
    if (p.size < (has_auth ? PT_BFD_SIZE + 2U : PT_BFD_SIZE) || data[2] == 0 || (data[1] & FLAG_MULTIPOINT) != 0) {
        return false;
    }
    p.state = (enum pt_bfd_state)(data[1] >> 6);
    p.diagnostic = data[0] & 0x1f;
    p.poll = (data[1] & FLAG_POLL) != 0;
    p.final = (data[1] & FLAG_FINAL) != 0;
    p.independent = (data[1] & FLAG_INDEPENDENT) != 0;
    p.demand = (data[1] & FLAG_DEMAND) != 0;
    p.multiplier = data[2];
    p.my = pt_be32(data + 4);
    p.your = pt_be32(data + 8);
    p.desired_min_tx_us = pt_be32(data + 12);
    p.required_min_rx_us = pt_be32(data + 16);
    p.required_min_echo_us = pt_be32(data + 20);
    if (p.my == 0 || (p.your == 0 && p.state != PT_BFD_DOWN && p.state != PT_BFD_ADMIN_DOWN) || (p.poll && p.final)) {
        return false;
    }
    if (has_auth) {
        const uint8_t *auth = data + PT_BFD_SIZE;
        p.auth = auth[0];
        if (p.auth == PT_BFD_AUTH_NONE || auth[1] < 2 || auth[1] > p.size - PT_BFD_SIZE ||
            (is_sha1(p.auth) && (auth[1] != PT_BFD_AUTH_SIZE || p.size != PT_BFD_SIZE_MAX))) {
            return false;
        }
        if (is_sha1(p.auth)) {
            p.key_id = auth[2];
            p.sequence = pt_be32(auth + 4);
        }
    }
    *ret_packet = p;
    return true;
}

size_t pt_bfd_packet_write(const struct pt_bfd_packet *p, uint8_t out[PT_BFD_SIZE_MAX])
{
    bool has_auth = p->auth != PT_BFD_AUTH_NONE;
    size_t size = has_auth ? PT_BFD_SIZE_MAX : PT_BFD_SIZE;
    pt_assert(!has_auth || is_sha1(p->auth));
    pt_assert(p->multiplier > 0 && p->my != 0);
    memset(out, 0, PT_BFD_SIZE_MAX);
    out[0] = (uint8_t)(VERSION << 5 | (p->diagnostic & 0x1f));
    out[1] = (uint8_t)((unsigned)p->state << 6 | (p->poll ? FLAG_POLL : 0U) | (p->final ? FLAG_FINAL : 0U) |
                       (p->independent ? FLAG_INDEPENDENT : 0U) | (has_auth ? FLAG_AUTH : 0U) |
                       (p->demand ? FLAG_DEMAND : 0U));
    out[2] = p->multiplier;
    out[3] = (uint8_t)size;
    pt_put_be32(out + 4, p->my);
    pt_put_be32(out + 8, p->your);
    pt_put_be32(out + 12, p->desired_min_tx_us);
    pt_put_be32(out + 16, p->required_min_rx_us);
    pt_put_be32(out + 20, p->required_min_echo_us);
    if (has_auth) {
        out[24] = p->auth;
        out[25] = PT_BFD_AUTH_SIZE;
        out[26] = p->key_id;
        pt_put_be32(out + 28, p->sequence);
    }
    return size;
}
