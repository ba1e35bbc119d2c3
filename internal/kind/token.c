/*
 * A resume token is base64url of
 *
 *   version (1 byte: 1) | revision (8) | ordinal (4) | epoch (8) | cluster id (the rest)     big-endian
 *
 * It is not secret and not signed: a forged one can only make its own stream begin elsewhere.
 */
#include "kind/token.h"

#include <string.h>

#define VERSION 1
#define HEADER_SIZE (1 + 8 + 4 + 8)

enum pt_code pt_history_id_read(struct pt_machine_kind *machine, struct pt_history_id *ret_id, struct pt_error *reterr)
{
    struct pt_history_id id = {0};
    PT_AUTO(buf) struct pt_buf value = {0};
    enum pt_code code = pt_store_meta_get(machine->store, PT_META_CLUSTER_ID, &value, reterr);
    if (code != PT_OK && code != PT_NOT_FOUND) {
        return code;
    }
    size_t size = value.size < sizeof(id.cluster_id) ? value.size : sizeof(id.cluster_id) - 1;
    if (code == PT_OK && size > 0) {
        memcpy(id.cluster_id, value.data, size);
    }
    pt_buf_reset(&value);
    code = pt_store_meta_get(machine->store, PT_META_CLUSTER_EPOCH, &value, reterr);
    if (code != PT_OK && code != PT_NOT_FOUND) {
        return code;
    }
    id.epoch = code == PT_OK && value.size == 8 ? pt_be64(value.data) : 0;
    *ret_id = id;
    return PT_OK;
}

void pt_token_encode(const struct pt_history_id *id, struct pt_position position, struct pt_buf *out)
{
    PT_AUTO(buf) struct pt_buf bytes = {0};
    pt_buf_append_u8(&bytes, VERSION);
    pt_buf_append_be64(&bytes, position.revision);
    pt_buf_append_be32(&bytes, position.ordinal);
    pt_buf_append_be64(&bytes, id->epoch);
    pt_buf_append_str(&bytes, id->cluster_id);
    pt_base64url_encode(pt_buf_bytes(&bytes), out);
}

enum pt_code pt_token_decode(const struct pt_history_id *id, const char *token, struct pt_position *ret_position,
                             struct pt_error *reterr)
{
    PT_AUTO(buf) struct pt_buf bytes = {0};
    if (pt_base64url_decode(token, strlen(token), &bytes, NULL) != PT_OK || bytes.size < HEADER_SIZE ||
        bytes.data[0] != VERSION || pt_be64(bytes.data + 1) >= PT_REVISION_END ||
        pt_be32(bytes.data + 9) > PT_ORDINAL_END) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_RESUME_TOKEN_INVALID, "resume_token",
                       "this is no resume token; begin without one");
    }
    size_t size = bytes.size - HEADER_SIZE;
    if (id->cluster_id[0] == '\0' && size > 0) {
        return pt_fail(reterr, PT_UNAVAILABLE, PT_REASON_NO_LEADER, "resume_token",
                       "this node has not caught up with its cluster yet: try again, or try another controller");
    }
    if (size != strlen(id->cluster_id) || memcmp(bytes.data + HEADER_SIZE, id->cluster_id, size) != 0) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_RESUME_TOKEN_INVALID, "resume_token",
                       "the token is of another cluster; begin without one");
    }
    if (pt_be64(bytes.data + 13) != id->epoch) {
        return pt_fail(reterr, PT_OUT_OF_RANGE, PT_REASON_HISTORY_COMPACTED, "resume_token",
                       "the cluster's state was restored since the token was made; list, then watch anew");
    }
    *ret_position = (struct pt_position){.revision = pt_be64(bytes.data + 1), .ordinal = pt_be32(bytes.data + 9)};
    return PT_OK;
}
