/* libs: pt_raft */
/*
 * The codec of raft messages, and the framing below it. What is read must be written as the same bytes again. The first
 * byte chooses: 0 a message, 1 a configuration, 2 a stream of frames.
 */
#include "base/assert.h"
#include "raft/codec.h"
#include "raft/peer_priv.h"

#include <string.h>

static void message(struct pt_bytes bytes)
{
    static struct pt_raft_decoded decoded; /* large, and written before it is read */
    struct pt_error error = {0};
    if (pt_raft_message_decode(bytes, &decoded, &error) != PT_OK) {
        pt_assert(error.text[0] != '\0');
        return;
    }
    struct pt_buf again = {0};
    pt_raft_message_encode(&decoded.message, &again);
    pt_assert(again.size == bytes.size && memcmp(again.data, bytes.data, bytes.size) == 0);
    pt_buf_fini(&again);
    if (decoded.message.type == RAFT_INSTALL_SNAPSHOT) {
        raft_configuration_close(&decoded.message.install_snapshot.conf);
    }
}

static void configuration(struct pt_bytes bytes)
{
    struct raft_configuration decoded;
    if (pt_raft_configuration_decode(bytes, &decoded, NULL) != PT_OK) {
        return;
    }
    struct pt_buf again = {0};
    pt_raft_configuration_encode(&decoded, &again);
    pt_assert(again.size == bytes.size && memcmp(again.data, bytes.data, bytes.size) == 0);
    pt_buf_fini(&again);
    raft_configuration_close(&decoded);
}

static void frames(struct pt_bytes bytes)
{
    size_t offset = 0;
    enum pt_raft_frame kind;
    struct pt_bytes payload;
    while (pt_raft_frame_next(bytes, &offset, &kind, &payload) == 1) {
        pt_assert(offset <= bytes.size && payload.data + payload.size == bytes.data + offset);
        struct pt_raft_hello hello;
        if (kind == PT_RAFT_FRAME_HELLO && pt_raft_hello_decode(payload, &hello)) {
            pt_assert(strlen(hello.address) < sizeof hello.address);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    struct pt_bytes rest = {data + 1, size - 1};
    switch (data[0] % 3) {
    case 0:
        message(rest);
        break;
    case 1:
        configuration(rest);
        break;
    default:
        frames(rest);
        break;
    }
    return 0;
}
