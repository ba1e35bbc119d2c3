/*
 * Answers that leave together.
 *
 * gRPC writes as soon as a call is answered: each answer is a record of TLS, a sendmsg, a segment, and a wake-up of the
 * client, although a group of entries that has committed answers a dozen calls of the same connection in one turn. Its
 * C API has no call that answers several. But what is handed to a connection while gRPC writes to it leaves together
 * with the next write. So the first answer of a turn is handed over alone, and the others while gRPC is about to send
 * that one (rpc_hook.h): two writes for a turn, or two for each TOGETHER_MAX of its answers. The first goes at once: a
 * client that waits for one call alone does not wait for others.
 *
 * Where gRPC's way to the kernel is not seen, or it would pass such work to a thread of its own, each answer leaves by
 * itself.
 *
 * A line is a connection. gRPC makes one object of what TLS showed on it, and gives that with each call: this is how it
 * is known again, and whom the certificate speaks for, and from where, is found out once.
 */
#include "base/assert.h"
#include "base/map.h"
#include "rpc/rpc_grpc.h"
#include "rpc/rpc_hook.h"

#include <grpc/support/alloc.h>
#include <stdlib.h>
#include <string.h>

#define TOGETHER_MAX 32U /* answers; more only keep those waiting that are there */

struct pt_rpc_lines {
    struct pt_rpc_queue *queue;
    bool together;
    struct pt_map by_context; /* grpc_auth_context * -> struct pt_rpc_line, which holds it */
    struct pt_list busy;      /* lines by .node; some may have nothing left */
    struct pt_rpc_later flush;
};

static void on_flush(struct pt_rpc_later *later);

struct pt_rpc_lines *pt_rpc_lines_new(struct pt_rpc_queue *queue)
{
    struct pt_rpc_lines *lines = calloc(1, sizeof(*lines));
    pt_assert(lines != NULL);
    lines->queue = queue;
    lines->together = pt_rpc_hook_works() && pt_rpc_hook_stays();
    pt_map_init(&lines->by_context);
    pt_list_init(&lines->busy);
    pt_list_init(&lines->flush.node);
    lines->flush.fn = on_flush;
    return lines;
}

void pt_rpc_lines_free(struct pt_rpc_lines *lines)
{
    if (lines != NULL) {
        pt_assert(lines->by_context.count == 0);
        pt_list_remove(&lines->flush.node);
        pt_map_fini(&lines->by_context);
        free(lines);
    }
}

/* "ipv4:10.0.0.1:80" and "ipv6:%5B::1%5D:80" without the scheme and the percents. */
static void copy_address(const char *peer, char address[PT_RPC_ADDRESS_SIZE])
{
    const char *from = strchr(peer, ':');
    from = from != NULL ? from + 1 : peer;
    size_t used = 0;
    while (*from != '\0' && used + 1 < PT_RPC_ADDRESS_SIZE) {
        bool open = strncmp(from, "%5B", 3) == 0, close = strncmp(from, "%5D", 3) == 0;
        address[used++] = open ? '[' : close ? ']' : *from;
        from += open || close ? 3 : 1;
    }
    address[used] = '\0';
}

static struct pt_rpc_line *line_new(struct pt_rpc_lines *lines, grpc_call *call, grpc_auth_context *context)
{
    struct pt_rpc_line *line = calloc(1, sizeof(*line));
    pt_assert(line != NULL);
    line->lines = lines;
    line->context = context;
    pt_list_init(&line->node);
    pt_list_init(&line->waiting);
    char *peer = grpc_call_get_peer(call);
    copy_address(peer, line->address);
    gpr_free(peer);
    return line;
}

struct pt_rpc_line *pt_rpc_line_get(struct pt_rpc_lines *lines, grpc_call *call)
{
    grpc_auth_context *context = grpc_call_auth_context(call);
    struct pt_rpc_line *line = pt_map_get(&lines->by_context, &context, sizeof(context));
    if (line != NULL) {
        grpc_auth_context_release(context);
    } else {
        line = line_new(lines, call, context);
        (void)pt_map_put(&lines->by_context, &context, sizeof(context), line); /* was not there */
    }
    line->refs++;
    return line;
}

void pt_rpc_line_unref(struct pt_rpc_line *line)
{
    pt_assert(line->refs > 0);
    if (--line->refs == 0) {
        pt_assert(pt_list_empty(&line->waiting));
        (void)pt_map_remove(&line->lines->by_context, &line->context, sizeof(line->context));
        grpc_auth_context_release(line->context);
        pt_list_remove(&line->node);
        free(line);
    }
}

enum pt_code pt_rpc_line_peer(struct pt_rpc_line *line, struct pt_rpc_peer_cache *cache, struct pt_error *reterr)
{
    if (line->peer_read) {
        return PT_OK;
    }
    grpc_auth_property_iterator leaves =
        grpc_auth_context_find_properties_by_name(line->context, GRPC_X509_PEM_CERT_PROPERTY_NAME);
    const grpc_auth_property *leaf = grpc_auth_property_iterator_next(&leaves);
    if (leaf != NULL) {
        PT_TRY(pt_rpc_peer_identity(cache, leaf->value, leaf->value_length, &line->identity, reterr));
    } else if (grpc_auth_context_peer_is_authenticated(line->context) != 0) {
        return pt_fail(reterr, PT_UNAUTHENTICATED, PT_REASON_CREDENTIALS_MISSING, NULL,
                       "the client certificate cannot be read");
    }
    line->identified = leaf != NULL;
    line->peer_read = true;
    return PT_OK;
}

void pt_rpc_line_later(struct pt_rpc_line *line, struct pt_rpc_later *later)
{
    if (!pt_list_empty(&later->node)) {
        return;
    }
    pt_list_push_back(&line->waiting, &later->node);
    if (pt_list_empty(&line->node)) {
        pt_list_push_back(&line->lines->busy, &line->node);
    }
    pt_rpc_queue_later(line->lines->queue, &line->lines->flush);
}

static void run_one(struct pt_rpc_line *line)
{
    struct pt_rpc_later *later = PT_CONTAINER(pt_list_pop_front(&line->waiting), struct pt_rpc_later, node);
    later->fn(later);
}

/* Inside gRPC, which is about to write. */
static void hand_over(void *arg)
{
    struct pt_rpc_line *line = arg;
    for (size_t n = 1; n < TOGETHER_MAX && !pt_list_empty(&line->waiting); n++) {
        run_one(line);
    }
}

static void flush_line(struct pt_rpc_line *line)
{
    while (!pt_list_empty(&line->waiting)) {
        if (line->lines->together && line->waiting.next != line->waiting.prev) {
            pt_rpc_hook_before_send(hand_over, line);
        }
        run_one(line);
        pt_rpc_hook_before_send(NULL, NULL); /* it may have had nothing to write */
    }
}

static void on_flush(struct pt_rpc_later *later)
{
    struct pt_rpc_lines *lines = PT_CONTAINER(later, struct pt_rpc_lines, flush);
    struct pt_list *node;
    while ((node = pt_list_pop_front(&lines->busy)) != NULL) {
        flush_line(PT_CONTAINER(node, struct pt_rpc_line, node));
    }
}
