/*
 * BFD control packets on the wire (RFC 5880, section 4).
 *
 *      0                   1                   2                   3
 *     |Vers |  Diag   |Sta|P|F|C|A|D|M|  Detect Mult  |    Length     |
 *     |                       My Discriminator                        |
 *     |                      Your Discriminator                       |
 *     |              Desired Min TX Interval, microseconds            |
 *     |              Required Min RX Interval, microseconds           |
 *     |            Required Min Echo RX Interval, microseconds        |
 *     |  Auth Type    |   28          |  Auth Key ID  |   Reserved    |   with A: keyed SHA1 (section 4.4)
 *     |                        Sequence Number                        |
 *     |                     20 bytes of hash                          |
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PT_BFD_SIZE 24
#define PT_BFD_SHA1_SIZE 20
#define PT_BFD_AUTH_SIZE 28
#define PT_BFD_SIZE_MAX (PT_BFD_SIZE + PT_BFD_AUTH_SIZE)

enum pt_bfd_state { PT_BFD_ADMIN_DOWN = 0, PT_BFD_DOWN = 1, PT_BFD_INIT = 2, PT_BFD_UP = 3 };

enum pt_bfd_diagnostic {
    PT_BFD_DIAG_NONE = 0,
    PT_BFD_DIAG_DETECTION_EXPIRED = 1,
    PT_BFD_DIAG_NEIGHBOUR_DOWN = 3,
    PT_BFD_DIAG_ADMIN_DOWN = 7,
};

enum pt_bfd_auth { PT_BFD_AUTH_NONE = 0, PT_BFD_AUTH_SHA1 = 4, PT_BFD_AUTH_SHA1_METICULOUS = 5 };

struct pt_bfd_packet {
    enum pt_bfd_state state;
    uint8_t diagnostic;
    bool poll, final, independent, demand; /* P, F, C, D */
    uint8_t multiplier;
    uint32_t my, your; /* discriminators */
    uint32_t desired_min_tx_us, required_min_rx_us, required_min_echo_us;
    uint8_t auth; /* type as sent; 0: the A bit is clear */
    uint8_t key_id;
    uint32_t sequence;
    size_t size; /* of the whole packet: the Length field */
};

/* The checks of section 6.8.6 that need no session. False: to be discarded; *ret_packet is untouched then. */
bool pt_bfd_packet_read(const uint8_t *data, size_t size, struct pt_bfd_packet *ret_packet);
/* Returns the size; where a hash goes, 20 zero bytes stand at PT_BFD_SIZE + 8. */
size_t pt_bfd_packet_write(const struct pt_bfd_packet *packet, uint8_t out[PT_BFD_SIZE_MAX]);
