/*
 * The bytes of parcels (parcel.h). Reading trusts nothing but trusts the sender to mean what it says: who may send was
 * decided when the stream was opened.
 */
#include "serve/parcel.h"

#include "rpc/rpc_status.h"

#include <string.h>

static void put_bytes(struct pt_buf *out, const void *data, size_t size)
{
    pt_buf_append_be32(out, (uint32_t)size);
    if (size > 0) {
        pt_buf_append(out, data, size);
    }
}

static bool take(struct pt_bytes *bytes, size_t size, const uint8_t **ret_data)
{
    if (bytes->size < size) {
        return false;
    }
    *ret_data = bytes->data;
    bytes->data += size;
    bytes->size -= size;
    return true;
}

static bool take_bytes(struct pt_bytes *bytes, struct pt_bytes *ret_bytes)
{
    const uint8_t *data = NULL;
    if (!take(bytes, 4, &data)) {
        return false;
    }
    ret_bytes->size = pt_be32(data);
    return take(bytes, ret_bytes->size, &ret_bytes->data);
}

static bool take_text(struct pt_bytes *bytes, char *ret_text, size_t size)
{
    struct pt_bytes text = {0};
    if (!take_bytes(bytes, &text) || text.size >= size || memchr(text.data, 0, text.size) != NULL) {
        return false;
    }
    memcpy(ret_text, text.data, text.size);
    ret_text[text.size] = '\0';
    return true;
}

bool pt_parcel_call_put(struct pt_buf *out, uint64_t id, const char *path, const char *principal,
                        struct pt_bytes caller, struct pt_bytes request)
{
    if (strlen(path) > PT_PARCEL_PATH_SIZE_MAX || strlen(principal) > PT_PARCEL_PRINCIPAL_SIZE_MAX) {
        return false;
    }
    pt_buf_append_be64(out, id);
    put_bytes(out, path, strlen(path));
    put_bytes(out, principal, strlen(principal));
    put_bytes(out, caller.data, caller.size);
    put_bytes(out, request.data, request.size);
    return true;
}

void pt_parcel_answer_put(struct pt_buf *out, uint64_t id, const struct pt_error *error, struct pt_bytes reply)
{
    pt_buf_append_be64(out, id);
    pt_buf_append_be32(out, error != NULL ? (uint32_t)pt_code_grpc(error->code) : PT_OK);
    if (error == NULL) {
        put_bytes(out, NULL, 0);
        put_bytes(out, reply.data, reply.size);
        return;
    }
    PT_AUTO(buf) struct pt_buf details = {0};
    pt_rpc_status_encode(error, &details);
    put_bytes(out, error->text, strnlen(error->text, sizeof(error->text)));
    put_bytes(out, details.data, details.size);
}

bool pt_parcel_call_take(struct pt_bytes *bytes, struct pt_parcel_call *ret_call)
{
    const uint8_t *data = NULL;
    if (!take(bytes, 8, &data)) {
        return false;
    }
    ret_call->id = pt_be64(data);
    return take_text(bytes, ret_call->path, sizeof(ret_call->path)) &&
           take_text(bytes, ret_call->principal, sizeof(ret_call->principal)) && take_bytes(bytes, &ret_call->caller) &&
           take_bytes(bytes, &ret_call->request);
}

bool pt_parcel_answer_take(struct pt_bytes *bytes, struct pt_parcel_answer *ret_answer)
{
    const uint8_t *data = NULL;
    char text[PT_ERROR_TEXT_SIZE];
    struct pt_bytes payload = {0};
    if (!take(bytes, 12, &data)) {
        return false;
    }
    *ret_answer = (struct pt_parcel_answer){.id = pt_be64(data)};
    uint32_t code = pt_be32(data + 8);
    if (!take_text(bytes, text, sizeof(text)) || !take_bytes(bytes, &payload)) {
        return false;
    }
    if (code == PT_OK) {
        ret_answer->reply = payload;
        return true;
    }
    pt_rpc_status_decode((int)code, text, payload, &ret_answer->error);
    return ret_answer->error.code != PT_OK;
}
