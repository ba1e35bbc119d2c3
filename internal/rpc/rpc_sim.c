/*
 * The simulated network: hosts, their servers and channels, crashes and cuts. rpc_sim.h says what it keeps of the real
 * one; rpc_sim_wire.c says how a call travels.
 *
 * Who owns what: a world owns its fabrics and the links (calls) between them; a link is freed when both of its sides
 * are over, whichever is last. Servers and channels belong to their makers, until a crash takes them.
 */
#include "rpc/rpc_sim.h"
#include "base/assert.h"
#include "rpc/rpc_sim_wire.h"

#include <stdlib.h>

struct pt_rpc_world *pt_rpc_world_new(const struct pt_rpc_world_options *options)
{
    pt_assert(options->random != NULL && options->delay_min_us <= options->delay_max_us);
    struct pt_rpc_world *world = calloc(1, sizeof(*world));
    pt_assert(world != NULL);
    world->options = *options;
    if (options->delay_max_us == 0) {
        world->options.delay_min_us = 50;
        world->options.delay_max_us = 500;
    }
    if (options->reset_ms == 0) {
        world->options.reset_ms = 20;
    }
    if (options->stall_ms == 0) {
        world->options.stall_ms = 8000;
    }
    pt_list_init(&world->links);
    world->port = 40000;
    return world;
}

void pt_rpc_world_free(struct pt_rpc_world *world)
{
    if (world == NULL) {
        return;
    }
    pt_assert(pt_list_empty(&world->links));
    for (size_t i = 0; i < PT_RPC_HOSTS_MAX; i++) {
        if (world->hosts[i] != NULL) {
            pt_assert(pt_list_empty(&world->hosts[i]->servers) && pt_list_empty(&world->hosts[i]->channels));
            free(world->hosts[i]);
        }
    }
    free(world);
}

struct pt_rpc_fabric *pt_rpc_world_host(struct pt_rpc_world *world, unsigned host)
{
    pt_assert(host < PT_RPC_HOSTS_MAX);
    if (world->hosts[host] == NULL) {
        struct pt_rpc_fabric *fabric = calloc(1, sizeof(*fabric));
        pt_assert(fabric != NULL);
        fabric->world = world;
        fabric->host = host;
        pt_list_init(&fabric->servers);
        pt_list_init(&fabric->channels);
        world->hosts[host] = fabric;
    }
    return world->hosts[host];
}

/* The host's side of a call vanishes; the other learns of it later. */
static void lose_side(struct pt_rpc_side *side)
{
    struct pt_rpc_link *link = side->link;
    struct pt_rpc_side *other = pt_rpc_side_other(side);
    if (!side->alive) {
        return;
    }
    if (other->alive) {
        uint64_t due_ns = pt_sys_now_ns(other->sys) + link->world->options.reset_ms * 1000000;
        if (other->is_server) {
            pt_rpc_side_send_at(other, ITEM_CANCEL, (struct pt_bytes){0}, due_ns);
        } else {
            struct pt_error error;
            (void)pt_fail(&error, PT_UNAVAILABLE, PT_REASON_NONE, NULL, "the connection was reset");
            pt_rpc_side_send_status(other, &error, due_ns);
        }
    }
    if (side->is_server) {
        pt_rpc_sim_server_detach(link);
    } else {
        pt_list_remove(&link->channel_node);
        link->channel = NULL;
    }
    pt_rpc_side_end(side);
}

void pt_rpc_world_crash(struct pt_rpc_world *world, unsigned host)
{
    struct pt_rpc_fabric *fabric = pt_rpc_world_host(world, host);
    PT_LIST_FOREACH_SAFE (node, &world->links) {
        struct pt_rpc_link *link = PT_CONTAINER(node, struct pt_rpc_link, node);
        pt_rpc_link_hold(link);
        bool client_lost = link->client.host == fabric, server_lost = link->server.host == fabric;
        if (client_lost && server_lost) { /* a node that calls itself: nobody is left to tell */
            link->client.ending = link->server.ending = true;
        }
        if (client_lost) {
            lose_side(&link->client);
        }
        if (server_lost) {
            lose_side(&link->server);
        }
        pt_rpc_link_release(link);
    }
    while (!pt_list_empty(&fabric->servers)) {
        pt_rpc_sim_server_forget(PT_CONTAINER(fabric->servers.next, struct pt_rpc_sim_server, node));
    }
    while (!pt_list_empty(&fabric->channels)) {
        pt_rpc_sim_channel_forget(PT_CONTAINER(fabric->channels.next, struct pt_rpc_sim_channel, node));
    }
}

void pt_rpc_world_partition(struct pt_rpc_world *world, unsigned from, unsigned to, bool cut)
{
    pt_assert(from < PT_RPC_HOSTS_MAX && to < PT_RPC_HOSTS_MAX && from != to);
    world->cut[from][to] = cut;
    PT_LIST_FOREACH (node, &world->links) {
        pt_rpc_link_cut_changed(PT_CONTAINER(node, struct pt_rpc_link, node));
    }
}

size_t pt_rpc_world_calls(const struct pt_rpc_world *world)
{
    return world->links_len;
}
