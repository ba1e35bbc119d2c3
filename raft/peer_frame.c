/*
 * Format. A connection carries frames in both directions:
 *
 *   frame   u32 size of what follows the checksum (kind and payload)   u32 CRC-32C of that   u8 kind   payload
 *   hello   u32 protocol   u64 from   u64 to   u16 size, cluster id   u16 size, address of the sender's own listener
 *
 * The dialler sends hello first and may send everything else right behind it; the other side answers hello, or refused
 * with a text, and closes. The checksum guards plain links and our own mistakes; TLS guards the rest.
 */
#include "raft/peer_priv.h"

#include "base/assert.h"

#include <inttypes.h>
#include <string.h>

void pt_raft_frame_seal(struct pt_buf *out, size_t at)
{
    pt_assert(out->size >= at + PT_RAFT_FRAME_HEAD_SIZE);
    size_t size = out->size - at - 8;
    pt_assert(size + 8 <= PT_RAFT_FRAME_SIZE_MAX);
    pt_put_be32(out->data + at, (uint32_t)size);
    pt_put_be32(out->data + at + 4, pt_crc32c(0, out->data + at + 8, size));
}

void pt_raft_frame_put(struct pt_buf *out, enum pt_raft_frame kind, const void *payload, size_t size)
{
    size_t at = out->size;
    pt_buf_append_be64(out, 0);
    pt_buf_append_u8(out, (uint8_t)kind);
    if (size != 0) {
        pt_buf_append(out, payload, size);
    }
    pt_raft_frame_seal(out, at);
}

int pt_raft_frame_next(struct pt_bytes bytes, size_t *offset, enum pt_raft_frame *ret_kind,
                       struct pt_bytes *ret_payload)
{
    size_t left = bytes.size - *offset;
    if (left < 8) {
        return 0;
    }
    const uint8_t *p = bytes.data + *offset;
    size_t size = pt_be32(p);
    if (size < 1 || size + 8 > PT_RAFT_FRAME_SIZE_MAX) {
        return -1;
    }
    if (left < size + 8) {
        return 0;
    }
    if (pt_be32(p + 4) != pt_crc32c(0, p + 8, size) || p[8] == 0 || p[8] >= PT_RAFT_FRAME_MAX) {
        return -1;
    }
    *ret_kind = (enum pt_raft_frame)p[8];
    *ret_payload = (struct pt_bytes){p + PT_RAFT_FRAME_HEAD_SIZE, size - 1};
    *offset += size + 8;
    return 1;
}

static void put_text(struct pt_buf *out, const char *text)
{
    size_t size = strlen(text);
    pt_buf_append_u8(out, (uint8_t)(size >> 8));
    pt_buf_append_u8(out, (uint8_t)size);
    pt_buf_append(out, text, size);
}

void pt_raft_hello_encode(const struct pt_raft_net *net, uint64_t to, struct pt_buf *out)
{
    size_t at = out->size;
    pt_buf_append_be64(out, 0);
    pt_buf_append_u8(out, PT_RAFT_FRAME_HELLO);
    pt_buf_append_be32(out, PT_RAFT_PROTOCOL);
    pt_buf_append_be64(out, net->options.id);
    pt_buf_append_be64(out, to);
    put_text(out, net->cluster_id);
    put_text(out, net->address);
    pt_raft_frame_seal(out, at);
}

static bool get_text(struct pt_bytes *bytes, char *out, size_t out_size)
{
    if (bytes->size < 2) {
        return false;
    }
    size_t size = (size_t)bytes->data[0] << 8 | bytes->data[1];
    if (size >= out_size || bytes->size < 2 + size || memchr(bytes->data + 2, 0, size) != NULL) {
        return false;
    }
    memcpy(out, bytes->data + 2, size);
    out[size] = '\0';
    bytes->data += 2 + size;
    bytes->size -= 2 + size;
    return true;
}

bool pt_raft_hello_decode(struct pt_bytes payload, struct pt_raft_hello *ret_hello)
{
    if (payload.size < 20 || pt_be32(payload.data) != PT_RAFT_PROTOCOL) {
        return false;
    }
    ret_hello->from = pt_be64(payload.data + 4);
    ret_hello->to = pt_be64(payload.data + 12);
    struct pt_bytes rest = {payload.data + 20, payload.size - 20};
    return get_text(&rest, ret_hello->cluster_id, sizeof ret_hello->cluster_id) &&
           get_text(&rest, ret_hello->address, sizeof ret_hello->address) && rest.size == 0;
}

const char *pt_raft_hello_check(const struct pt_raft_net *net, const struct pt_raft_hello *hello,
                                const struct pt_tls *tls)
{
    if (strcmp(hello->cluster_id, net->cluster_id) != 0) {
        return "another cluster";
    }
    if (hello->to != net->options.id) {
        return "meant for another node";
    }
    if (hello->from == 0 || hello->from == net->options.id) {
        return "a node with this id";
    }
    if (tls != NULL) {
        const struct pt_identity *identity = pt_tls_peer(tls);
        if (strcmp(identity->cluster_id, net->trust_id) != 0) {
            return "a certificate of another cluster";
        }
        if (net->options.peer_allowed != NULL &&
            !net->options.peer_allowed(net->options.peer_context, hello->from, identity)) {
            return "the certificate may not speak for this id";
        }
    }
    return NULL;
}

void pt_raft_pipe_fini(struct pt_raft_pipe *pipe)
{
    pt_stream_close(pipe->stream);
    pt_tls_free(pipe->tls);
    pt_buf_fini(&pipe->plain);
    pt_buf_fini(&pipe->wire);
    *pipe = (struct pt_raft_pipe){0};
}

static void pipe_drain(struct pt_raft_pipe *pipe)
{
    if (pipe->wire.size > 0) {
        pipe->blocked = !pt_stream_write(pipe->stream, pipe->wire.data, pipe->wire.size) || pipe->blocked;
        pt_buf_reset(&pipe->wire);
    }
}

bool pt_raft_pipe_feed(struct pt_raft_pipe *pipe, const uint8_t *data, size_t size, struct pt_error *reterr)
{
    if (pipe->tls == NULL) {
        if (size > 0) {
            pt_buf_append(&pipe->plain, data, size);
        }
        return true;
    }
    enum pt_code code = pt_tls_feed(pipe->tls, data, size, &pipe->plain, &pipe->wire, reterr);
    pipe_drain(pipe);
    return code == PT_OK;
}

bool pt_raft_pipe_write(struct pt_raft_pipe *pipe, const void *data, size_t size)
{
    if (pipe->tls == NULL) {
        pipe->blocked = !pt_stream_write(pipe->stream, data, size) || pipe->blocked;
        return true;
    }
    enum pt_code code = pt_tls_write(pipe->tls, data, size, &pipe->wire, NULL);
    pipe_drain(pipe);
    return code == PT_OK;
}

bool pt_raft_pipe_ready(const struct pt_raft_pipe *pipe)
{
    return pipe->tls == NULL || pt_tls_ready(pipe->tls);
}
