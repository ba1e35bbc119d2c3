/*
 * One BFD session in asynchronous mode (RFC 5880, section 6). Pure: packets and the time go in, packets and a state
 * come out. Transport (RFC 5881, or a tunnel's header), threads and timers are the caller's.
 *
 *                        receives Down, AdminDown, or nothing for the detection time
 *            .-----------------------------------------------------------------------.
 *            v                                                                       |
 *        +------+  receives Down   +------+  receives Init, Up                    +----+
 *        | DOWN |----------------->| INIT |-------------------------------------->| UP |
 *        +------+                  +------+                                       +----+
 *            |  receives Init                                                        ^
 *            '-----------------------------------------------------------------------'
 *
 * Use: pt_bfd_receive for each packet, then pt_bfd_run, which judges the detection time and says whether a packet is to
 * be sent; again at pt_bfd_due at the latest. Read everything that has arrived before pt_bfd_run: a thread that woke up
 * late must not take its own sleep for the neighbour's silence.
 *
 * Not here: demand mode of our own (a neighbour's is honoured), the echo function, keyed MD5 and simple passwords.
 */
#pragma once

#include "bfd/packet.h"

/* SHA1 over the packet (with the key in the hash's place, section 6.7.4), made by the caller: this folder knows no
 * cryptography. `context` is what pt_bfd_receive and pt_bfd_run were given. */
typedef void pt_bfd_hash(const void *context, const uint8_t *packet, size_t size, uint8_t out[PT_BFD_SHA1_SIZE]);

struct pt_bfd_options {
    uint32_t discriminator; /* not 0, unique on this node */
    uint32_t desired_min_tx_us, required_min_rx_us;
    uint8_t multiplier;
    bool passive; /* says nothing until the neighbour has spoken (section 6.1) */
    enum pt_bfd_auth auth;
    uint8_t key_id;
    uint8_t key[PT_BFD_SHA1_SIZE]; /* shorter ones are filled up with zeroes */
    pt_bfd_hash *hash;             /* NULL without authentication */
    uint64_t seed;                 /* of the jitter and of the first sequence number */
};

struct pt_bfd {
    struct pt_bfd_options options;
    enum pt_bfd_state state, remote_state;
    uint8_t diagnostic, remote_diagnostic;
    uint32_t remote_discriminator; /* 0: not known */
    /* The neighbour's last words; remote_min_rx starts at 1 us (section 6.8.1). */
    uint32_t remote_min_rx_us, remote_desired_tx_us;
    uint8_t remote_multiplier;
    bool remote_demand;
    /* What is in use until a Poll Sequence ends, where that differs from what is wanted (section 6.8.3). */
    uint32_t tx_us, rx_us;
    bool polling, final_due, changed; /* changed: the neighbour has not been told of the newest state */
    bool sequence_known;
    uint32_t received_sequence, sent_sequence;
    uint64_t random;
    uint64_t last_received_ns; /* 0: never */
    uint64_t last_sent_ns, next_send_ns;
    uint64_t ups, downs; /* transitions */
};

enum pt_bfd_taken {
    PT_BFD_TAKEN,
    PT_BFD_WRONG_DISCRIMINATOR,
    PT_BFD_WRONG_AUTH,     /* type, key id, or one side has authentication and the other has not */
    PT_BFD_WRONG_SEQUENCE, /* replayed, or too far ahead */
    PT_BFD_WRONG_HASH,
    PT_BFD_ADMINISTRATIVELY_DOWN,
};

void pt_bfd_init(struct pt_bfd *bfd, const struct pt_bfd_options *options, uint64_t now_ns);
/* `data` is what `packet` was read from. */
enum pt_bfd_taken pt_bfd_receive(struct pt_bfd *bfd, const struct pt_bfd_packet *packet, const uint8_t *data,
                                 const void *context, uint64_t now_ns);
/* Judge the detection time, and write a packet if one is due: its size, or 0. Again while it is not 0. */
size_t pt_bfd_run(struct pt_bfd *bfd, const void *context, uint64_t now_ns, uint8_t out[PT_BFD_SIZE_MAX]);
/*
 * The caller himself did not run for `ns`: time in which nobody could listen is no silence of the neighbour's. For a
 * thread that woke up much later than it asked to (a machine that was paused, or has no time for it).
 */
void pt_bfd_excuse(struct pt_bfd *bfd, uint64_t ns);
/*
 * Another session that hears the same neighbour by the same way has just ended in silence. When this one has heard
 * nothing either, for its detection time less one interval, it ends too: the two had their last packets at other
 * moments, and the way died for both. True: it did.
 */
bool pt_bfd_share_silence(struct pt_bfd *bfd, uint64_t now_ns);
/* When pt_bfd_run has something to do next; UINT64_MAX: not before a packet comes. */
uint64_t pt_bfd_due(const struct pt_bfd *bfd);
/* 0: the session is not up, or the neighbour sends nothing in demand mode. */
uint64_t pt_bfd_detection_ns(const struct pt_bfd *bfd);
/* Other intervals: while up they take force when the neighbour has agreed (a Poll Sequence). */
void pt_bfd_set_intervals(struct pt_bfd *bfd, uint32_t desired_min_tx_us, uint32_t required_min_rx_us,
                          uint8_t multiplier);
/* Down by intention, and back. */
void pt_bfd_set_admin_down(struct pt_bfd *bfd, bool down);
