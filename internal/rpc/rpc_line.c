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
 * Where gRPC's way to the kernel is not seen, or its executor has a thread (rpc_message.c), each answer leaves by
 * itself.
 *
 * A line is a connection, as its calls name it: the address of the other end. One that ended and another that took its
 * port share a line for a moment; then what was to leave together leaves in pieces.
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
    struct pt_map by_peer; /* what gRPC calls the other end -> struct pt_rpc_line */
    struct pt_list busy;   /* lines by .node; some may have nothing left */
    struct pt_rpc_later flush;
};

static void on_flush(struct pt_rpc_later *later);

struct pt_rpc_lines *pt_rpc_lines_new(struct pt_rpc_queue *queue)
{
    struct pt_rpc_lines *lines = calloc(1, sizeof(*lines));
    pt_assert(lines != NULL);
    lines->queue = queue;
    lines->together = pt_rpc_hook_works() && pt_rpc_library_stays();
    pt_map_init(&lines->by_peer);
    pt_list_init(&lines->busy);
    pt_list_init(&lines->flush.node);
    lines->flush.fn = on_flush;
    return lines;
}

void pt_rpc_lines_free(struct pt_rpc_lines *lines)
{
    if (lines != NULL) {
        pt_assert(lines->by_peer.count == 0);
        pt_list_remove(&lines->flush.node);
        pt_map_fini(&lines->by_peer);
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

struct pt_rpc_line *pt_rpc_line_get(struct pt_rpc_lines *lines, grpc_call *call)
{
    char *peer = grpc_call_get_peer(call);
    struct pt_rpc_line *line = pt_map_get_str(&lines->by_peer, peer);
    if (line == NULL) {
        size_t size = strlen(peer) + 1;
        line = calloc(1, sizeof(*line) + size);
        pt_assert(line != NULL);
        line->lines = lines;
        pt_list_init(&line->node);
        pt_list_init(&line->waiting);
        copy_address(peer, line->address);
        memcpy(line->peer, peer, size);
        (void)pt_map_put_str(&lines->by_peer, line->peer, line); /* was not there */
    }
    line->refs++;
    gpr_free(peer);
    return line;
}

void pt_rpc_line_unref(struct pt_rpc_line *line)
{
    pt_assert(line->refs > 0);
    if (--line->refs == 0) {
        pt_assert(pt_list_empty(&line->waiting));
        (void)pt_map_remove_str(&line->lines->by_peer, line->peer);
        pt_list_remove(&line->node);
        free(line);
    }
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
