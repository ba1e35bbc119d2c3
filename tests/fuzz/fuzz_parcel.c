/* libs: pt_serve */
/*
 * Parcels between controllers. The first byte chooses: even, the rest is a message of calls; odd, of answers. What can
 * be read survives being written and read again.
 */
#include "base/assert.h"
#include "serve/parcel.h"

#include <string.h>

static bool same(struct pt_bytes a, struct pt_bytes b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static void calls(struct pt_bytes bytes)
{
    static struct pt_parcel_call call, reread;
    while (pt_parcel_call_take(&bytes, &call)) {
        PT_AUTO(buf) struct pt_buf again = {0};
        bool put = pt_parcel_call_put(&again, call.id, call.path, call.principal, call.caller, call.request);
        pt_assert(put);
        struct pt_bytes rest = pt_buf_bytes(&again);
        pt_assert(pt_parcel_call_take(&rest, &reread) && rest.size == 0);
        pt_assert(reread.id == call.id && strcmp(reread.path, call.path) == 0);
        pt_assert(strcmp(reread.principal, call.principal) == 0 && same(reread.caller, call.caller) &&
                  same(reread.request, call.request));
    }
}

static void answers(struct pt_bytes bytes)
{
    struct pt_parcel_answer answer, reread;
    while (pt_parcel_answer_take(&bytes, &answer)) {
        bool fine = answer.error.code == PT_OK;
        PT_AUTO(buf) struct pt_buf again = {0};
        pt_parcel_answer_put(&again, answer.id, fine ? NULL : &answer.error, answer.reply);
        struct pt_bytes rest = pt_buf_bytes(&again);
        pt_assert(pt_parcel_answer_take(&rest, &reread) && rest.size == 0);
        pt_assert(reread.id == answer.id && reread.error.code == answer.error.code &&
                  reread.error.reason == answer.error.reason && same(reread.reply, answer.reply));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 0 && data[0] % 2 == 0) {
        calls((struct pt_bytes){data + 1, size - 1});
    } else if (size > 0) {
        answers((struct pt_bytes){data + 1, size - 1});
    }
    return 0;
}
