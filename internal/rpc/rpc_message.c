/*
 * The library's own life, and bytes in and out of its buffers.
 *
 * A received message is a list of slices, nearly always of one: that one is lent out as it is; several are joined in a
 * copy. A message to send is copied once, into a slice of its own: SEND_MESSAGE empties the buffer that it is given.
 */
#include "base/assert.h"
#include "rpc/rpc_grpc.h"

#include <dlfcn.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/support/log.h>
#include <stdlib.h>
#include <string.h>

struct pt_rpc_out {
    struct pt_rpc_out *next;
    grpc_byte_buffer *buffer;
    size_t size;
};

#ifdef __SANITIZE_THREAD__
/* The race detector sees what libgrpc and abseil do to memory (memcpy, malloc) but not their locks, which sit on
 * futexes: everything they hand over would look like a race. So it is to look at instrumented code alone, ours. */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
    return "ignore_noninstrumented_modules=1";
}
#endif

static void discard_log(gpr_log_func_args *args)
{
    (void)args; /* gRPC reports to its callers as well; only its debugging needs the lines */
}

/* Debian 12 builds abseil without NDEBUG, so that each of gRPC's locks looks for deadlock cycles in a global graph: a
 * sixth of all time spent on a call. There is no C interface to turn that off; where the function is missing under this
 * name (other builds of abseil), nothing is lost but the gain. */
static void stop_deadlock_search(void)
{
    const int ignore = 0; /* absl::OnDeadlockCycle::kIgnore */
    void *symbol = dlsym(RTLD_DEFAULT, "_ZN4absl7debian329SetMutexDeadlockDetectionModeENS0_15OnDeadlockCycleE");
    void (*set_mode)(int mode);
    memcpy(&set_mode, &symbol, sizeof(set_mode));
    if (set_mode != NULL) {
        set_mode(ignore);
    }
}

void pt_rpc_library_open(void)
{
    stop_deadlock_search();
    if (getenv("GRPC_VERBOSITY") == NULL && getenv("GRPC_TRACE") == NULL) {
        gpr_set_log_function(discard_log);
    }
    grpc_init();
}

void pt_rpc_library_close(void)
{
    grpc_shutdown();
}

void pt_rpc_view_init(struct pt_rpc_view *view, grpc_byte_buffer *buffer)
{
    *view = (struct pt_rpc_view){0};
    grpc_byte_buffer_reader reader;
    if (grpc_byte_buffer_length(buffer) == 0 || grpc_byte_buffer_reader_init(&reader, buffer) == 0) {
        return;
    }
    grpc_slice *first = NULL;
    if (grpc_byte_buffer_reader_peek(&reader, &first) != 0) {
        size_t size = GRPC_SLICE_LENGTH(*first);
        if (size == grpc_byte_buffer_length(buffer)) {
            view->bytes = (struct pt_bytes){.data = GRPC_SLICE_START_PTR(*first), .size = size};
        }
    }
    grpc_byte_buffer_reader_destroy(&reader);
    if (view->bytes.data == NULL && grpc_byte_buffer_reader_init(&reader, buffer) != 0) {
        view->whole = grpc_byte_buffer_reader_readall(&reader);
        view->copied = true;
        view->bytes.data = GRPC_SLICE_START_PTR(view->whole);
        view->bytes.size = GRPC_SLICE_LENGTH(view->whole);
        grpc_byte_buffer_reader_destroy(&reader);
    }
}

void pt_rpc_view_fini(struct pt_rpc_view *view)
{
    if (view->copied) {
        grpc_slice_unref(view->whole);
    }
    *view = (struct pt_rpc_view){0};
}

grpc_byte_buffer *pt_rpc_buffer_new(struct pt_bytes message)
{
    grpc_slice slice =
        message.size > 0 ? grpc_slice_from_copied_buffer((const char *)message.data, message.size) : grpc_empty_slice();
    grpc_byte_buffer *buffer = grpc_raw_byte_buffer_create(&slice, 1);
    grpc_slice_unref(slice);
    return buffer;
}

bool pt_rpc_outbox_push(struct pt_rpc_outbox *box, struct pt_bytes message)
{
    struct pt_rpc_out *out = malloc(sizeof(*out));
    pt_assert(out != NULL);
    *out = (struct pt_rpc_out){.buffer = pt_rpc_buffer_new(message), .size = message.size};
    if (box->head == NULL) {
        box->head = out;
    } else {
        box->tail->next = out;
    }
    box->tail = out;
    box->len++;
    box->size += message.size;
    if (box->len >= PT_RPC_QUEUE_LEN_MAX || box->size >= PT_RPC_QUEUE_SIZE_MAX) {
        box->full = true;
    }
    return !box->full;
}

grpc_byte_buffer *pt_rpc_outbox_pop(struct pt_rpc_outbox *box)
{
    struct pt_rpc_out *out = box->head;
    if (out == NULL) {
        return NULL;
    }
    grpc_byte_buffer *buffer = out->buffer;
    box->head = out->next;
    pt_assert(box->len > 0 && box->size >= out->size);
    box->len--;
    box->size -= out->size;
    free(out);
    return buffer;
}

bool pt_rpc_outbox_drained(struct pt_rpc_outbox *box)
{
    if (!box->full || box->len > PT_RPC_QUEUE_LEN_MAX / 2 || box->size > PT_RPC_QUEUE_SIZE_MAX / 2) {
        return false;
    }
    box->full = false;
    return true;
}

void pt_rpc_outbox_fini(struct pt_rpc_outbox *box)
{
    grpc_byte_buffer *buffer;
    while ((buffer = pt_rpc_outbox_pop(box)) != NULL) {
        grpc_byte_buffer_destroy(buffer);
    }
}
