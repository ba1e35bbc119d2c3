/*
 * Items between the two sides of a simulated call.
 *
 * Each side has an inbox in order of arrival and one timer on its own host's pt_sys, set to the earliest of: the next
 * item, the deadline, the end of a stall, the callback of its own end. So a host that is paused or dead runs nothing,
 * and nothing of a call ever runs on the wrong host. An item is due after a random delay, but never before the one
 * ahead of it. While the direction is cut, items wait; a side that waited stall_ms across a cut gives up, as keepalive
 * makes a real connection do.
 *
 * A message counts against its sender's queue until it arrives. When a full queue has emptied by half, a credit travels
 * back, and becomes on_writable there.
 */
#include "base/assert.h"
#include "rpc/rpc_sim_wire.h"
#include "rpc/rpc_status.h"

#include <stdlib.h>
#include <string.h>

#define NS_PER_MS UINT64_C(1000000)

static void on_timer(void *arg);

static void init_side(struct pt_rpc_side *side, struct pt_rpc_link *link, bool is_server)
{
    *side =
        (struct pt_rpc_side){.link = link, .is_server = is_server, .deadline_ns = UINT64_MAX, .stall_ns = UINT64_MAX};
    pt_list_init(&side->inbox);
}

struct pt_rpc_link *pt_rpc_link_new(struct pt_rpc_sim_channel *channel, const char *method,
                                    const struct pt_rpc_metadata *metadata, size_t metadata_len)
{
    struct pt_rpc_link *link = calloc(1, sizeof(*link));
    pt_assert(link != NULL);
    link->world = channel->fabric->world;
    pt_list_push_back(&link->world->links, &link->node);
    link->world->links_len++;
    init_side(&link->client, link, false);
    init_side(&link->server, link, true);
    link->client.host = channel->fabric;
    link->client.sys = channel->sys;
    link->client.alive = true;
    link->channel = channel;
    pt_list_push_back(&channel->calls, &link->channel_node);
    pt_list_init(&link->server_node);
    link->call.base.backend = link->unary.backend = link->stream.backend = &pt_rpc_sim_backend;
    link->method = pt_arena_strdup(&link->arena, method);
    link->metadata = pt_arena_array(&link->arena, metadata_len, sizeof(*metadata));
    link->metadata_len = metadata_len;
    for (size_t i = 0; i < metadata_len; i++) {
        link->metadata[i] = (struct pt_rpc_metadata){.key = pt_arena_strdup(&link->arena, metadata[i].key),
                                                     .value = pt_arena_strdup(&link->arena, metadata[i].value)};
    }
    return link;
}

void pt_rpc_link_hold(struct pt_rpc_link *link)
{
    link->holds++;
}

void pt_rpc_link_release(struct pt_rpc_link *link)
{
    pt_assert(link->holds > 0);
    if (--link->holds > 0 || link->client.alive || link->server.alive) {
        return;
    }
    pt_assert(link->at == NULL && link->channel == NULL);
    pt_list_remove(&link->node);
    link->world->links_len--;
    pt_arena_fini(&link->arena);
    free(link->reply);
    free(link);
}

struct pt_rpc_side *pt_rpc_side_other(struct pt_rpc_side *side)
{
    return side->is_server ? &side->link->client : &side->link->server;
}

static bool is_cut(struct pt_rpc_side *to)
{
    const struct pt_rpc_side *from = pt_rpc_side_other(to);
    return from->host != NULL && to->host != NULL && to->link->world->cut[from->host->host][to->host->host];
}

void pt_rpc_side_send_at(struct pt_rpc_side *to, enum pt_rpc_item_kind kind, struct pt_bytes data, uint64_t due_ns)
{
    if (!to->alive || to->ending) {
        return;
    }
    struct pt_rpc_item *item = malloc(sizeof(*item) + data.size);
    pt_assert(item != NULL);
    to->due_ns = due_ns > to->due_ns ? due_ns : to->due_ns;
    *item = (struct pt_rpc_item){.kind = kind, .due_ns = to->due_ns, .size = data.size};
    if (data.size > 0) {
        memcpy(item->data, data.data, data.size);
    }
    pt_list_push_back(&to->inbox, &item->node);
    pt_rpc_side_arm(to);
}

void pt_rpc_side_send(struct pt_rpc_side *to, enum pt_rpc_item_kind kind, struct pt_bytes data)
{
    if (!to->alive) {
        return;
    }
    const struct pt_rpc_world_options *options = &to->link->world->options;
    uint64_t spread_us = options->delay_max_us - options->delay_min_us + 1;
    uint64_t delay_us = options->delay_min_us + options->random(options->random_arg, spread_us);
    pt_rpc_side_send_at(to, kind, data, pt_sys_now_ns(to->sys) + delay_us * 1000);
}

void pt_rpc_side_send_status(struct pt_rpc_side *to, const struct pt_error *error, uint64_t due_ns)
{
    PT_AUTO(buf) struct pt_buf status = {0};
    if (error != NULL) {
        pt_buf_append_u8(&status, (uint8_t)pt_code_grpc(error->code));
        char text[PT_ERROR_TEXT_SIZE];
        size_t size = pt_rpc_status_text(error->text, text, sizeof(text));
        pt_buf_append(&status, text, size + 1);
        pt_rpc_status_encode(error, &status);
    }
    if (due_ns == 0) {
        pt_rpc_side_send(to, ITEM_STATUS, pt_buf_bytes(&status));
    } else {
        pt_rpc_side_send_at(to, ITEM_STATUS, pt_buf_bytes(&status), due_ns);
    }
}

bool pt_rpc_side_send_message(struct pt_rpc_side *from, struct pt_bytes message)
{
    struct pt_rpc_side *to = pt_rpc_side_other(from);
    if (!to->alive || to->ending) {
        return true; /* nothing to wait for: the end is on its way */
    }
    from->queued++;
    from->queued_size += message.size;
    from->full = from->full || from->queued >= PT_RPC_QUEUE_LEN_MAX || from->queued_size >= PT_RPC_QUEUE_SIZE_MAX;
    pt_rpc_side_send(to, ITEM_MESSAGE, message);
    return !from->full;
}

void pt_rpc_side_arm(struct pt_rpc_side *side)
{
    if (!side->alive) {
        return;
    }
    uint64_t now_ns = pt_sys_now_ns(side->sys);
    uint64_t next_ns = side->deadline_ns < side->stall_ns ? side->deadline_ns : side->stall_ns;
    if (!pt_list_empty(&side->inbox) && !is_cut(side)) {
        uint64_t due_ns = PT_CONTAINER(side->inbox.next, struct pt_rpc_item, node)->due_ns;
        next_ns = due_ns < next_ns ? due_ns : next_ns;
    }
    if (side->ending) {
        next_ns = now_ns;
    }
    if (next_ns == UINT64_MAX) {
        if (side->timer != NULL) {
            pt_timer_stop(side->timer);
        }
        return;
    }
    if (side->timer == NULL) {
        side->timer = pt_timer_new(side->sys, on_timer, side);
    }
    uint64_t wait_ns = next_ns > now_ns ? next_ns - now_ns : 0;
    pt_timer_start(side->timer, (wait_ns + NS_PER_MS - 1) / NS_PER_MS, 0);
}

void pt_rpc_side_end(struct pt_rpc_side *side)
{
    side->alive = false;
    struct pt_list *node;
    while ((node = pt_list_pop_front(&side->inbox)) != NULL) {
        free(PT_CONTAINER(node, struct pt_rpc_item, node));
    }
    pt_timer_free(side->timer);
    side->timer = NULL;
}

/* A message arrived: its place in the sender's queue is free. */
static void give_back(struct pt_rpc_side *from, size_t size)
{
    pt_assert(from->queued > 0 && from->queued_size >= size);
    from->queued--;
    from->queued_size -= size;
    if (from->full && from->queued <= PT_RPC_QUEUE_LEN_MAX / 2 && from->queued_size <= PT_RPC_QUEUE_SIZE_MAX / 2) {
        from->full = false;
        pt_rpc_side_send(from, ITEM_CREDIT, (struct pt_bytes){0});
    }
}

static void deliver(struct pt_rpc_side *side, struct pt_rpc_item *item)
{
    if (item->kind == ITEM_MESSAGE) {
        give_back(pt_rpc_side_other(side), item->size);
    }
    bool taken = false;
    if (side->is_server) {
        pt_rpc_sim_server_item(side->link, item);
    } else {
        pt_rpc_sim_client_item(side->link, item, &taken);
    }
    if (!taken) {
        free(item);
    }
}

static void expire(struct pt_rpc_side *side, enum pt_code code, const char *text)
{
    struct pt_error error;
    (void)pt_fail(&error, code, PT_REASON_NONE, NULL, "%s", text);
    if (side->is_server) {
        pt_rpc_sim_server_over(side->link, true);
    } else {
        pt_rpc_side_send(pt_rpc_side_other(side), ITEM_CANCEL, (struct pt_bytes){0});
        pt_rpc_sim_client_over(side->link, &error);
    }
}

static void on_timer(void *arg)
{
    struct pt_rpc_side *side = arg;
    struct pt_rpc_link *link = side->link;
    pt_rpc_link_hold(link);
    uint64_t now_ns = pt_sys_now_ns(side->sys);
    while (side->alive && !side->ending && !pt_list_empty(&side->inbox) && !is_cut(side)) {
        struct pt_rpc_item *item = PT_CONTAINER(side->inbox.next, struct pt_rpc_item, node);
        if (item->due_ns > now_ns) {
            break;
        }
        pt_list_remove(&item->node);
        deliver(side, item);
    }
    if (side->alive && side->ending) {
        if (side->is_server) {
            pt_rpc_sim_server_over(link, false);
        } else {
            pt_rpc_sim_client_over(link, NULL);
        }
    }
    if (side->alive && now_ns >= side->stall_ns) {
        expire(side, PT_UNAVAILABLE, "the connection broke: nothing was heard from the other side");
    }
    if (side->alive && now_ns >= side->deadline_ns) {
        expire(side, PT_DEADLINE_EXCEEDED, "the deadline passed");
    }
    pt_rpc_side_arm(side);
    pt_rpc_link_release(link);
}

void pt_rpc_link_cut_changed(struct pt_rpc_link *link)
{
    bool cut = is_cut(&link->client) || is_cut(&link->server);
    struct pt_rpc_side *sides[] = {&link->client, &link->server};
    for (size_t i = 0; i < 2; i++) {
        if (!sides[i]->alive) {
            continue;
        }
        if (!cut) {
            sides[i]->stall_ns = UINT64_MAX;
        } else if (sides[i]->stall_ns == UINT64_MAX) {
            sides[i]->stall_ns = pt_sys_now_ns(sides[i]->sys) + link->world->options.stall_ms * NS_PER_MS;
        }
        pt_rpc_side_arm(sides[i]);
    }
}
