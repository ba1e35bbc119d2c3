/*
 * Trains of probes over a path, on the port of liveness and behind the same outer headers (live_wire.h). All numbers
 * big-endian.
 *
 *      0  magic            4  version, kind, labels in the return stack, zero
 *      8  sender's site label                             12  number of the train
 *     16  id of the path, as its owner calls it
 *     24  number of the packet in its train               26  packets of the train
 *     28  6 x return stack: what goes into the path stack of reports
 *     52  MAC: the first 16 bytes of HMAC-SHA-256 over the bytes before and behind it, but not over padding
 *     68  of a report: for each packet of the train when it came, ns after the first one that did; 0xffffffff: it did
 * not
 *
 * The owner sends PACKETs, padded to one size, then ENDs until a REPORT comes. Who answers keeps the newest train of
 * each peer and answers each END: lost packets cost nothing but their own arrival.
 */
#pragma once

#include "crypto/aead.h"
#include "measure/bandwidth.h"
#include "tunnel/live_wire.h"

#define PT_TRAIN_MAGIC 0x50545452 /* "PTTR" */
#define PT_TRAIN_VERSION 1
#define PT_TRAIN_HEADER_SIZE 68
#define PT_TRAIN_MESSAGE_MAX (PT_TRAIN_HEADER_SIZE + 4 * PT_TRAIN_LEN_MAX)
#define PT_TRAIN_LOST UINT32_MAX

enum pt_train_kind { PT_TRAIN_PACKET = 1, PT_TRAIN_END = 2, PT_TRAIN_REPORT = 3 };

struct pt_train_message {
    enum pt_train_kind kind;
    uint32_t label, train;
    uint64_t path;
    uint16_t index, len; /* index is below len, which is 2 to PT_TRAIN_LEN_MAX */
    uint32_t back_len;
    uint32_t back[PT_STACK_LEN_MAX];
    uint32_t came_ns[PT_TRAIN_LEN_MAX]; /* of reports: len of them */
};

/* Returns its size; the MAC is made with the key. */
size_t pt_train_write(const struct pt_train_message *message, const uint8_t key[PT_HMAC_SIZE],
                      uint8_t out[PT_TRAIN_MESSAGE_MAX]);
/* From the Geneve header on. On success *ret_bytes is where the message begins. It has passed no authentication. */
bool pt_train_read(const uint8_t *data, size_t size, struct pt_train_message *ret_message, const uint8_t **ret_bytes);
/* Of a message that was read. */
bool pt_train_authentic(const struct pt_train_message *message, const uint8_t *bytes, const uint8_t key[PT_HMAC_SIZE]);
