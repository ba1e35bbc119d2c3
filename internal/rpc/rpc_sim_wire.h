/*
 * Private to internal/rpc: the two halves of a simulated call, and what travels between them. rpc_sim_wire.c moves
 * items, rpc_sim_server.c and rpc_sim_client.c say what they mean, rpc_sim.c is the world around them.
 */
#pragma once

#include "base/arena.h"
#include "base/list.h"
#include "rpc/rpc_backend.h"
#include "rpc/rpc_sim.h"

#define PT_RPC_HOSTS_MAX 250

enum pt_rpc_item_kind {
    ITEM_OPEN,       /* to the server: headers */
    ITEM_MESSAGE,    /* either way */
    ITEM_HALF_CLOSE, /* to the server */
    ITEM_CANCEL,     /* to the server: the client gave up, or is gone */
    ITEM_STATUS,     /* to the client: the end */
    ITEM_CREDIT      /* either way: the queue towards the other side has room again */
};

struct pt_rpc_item {
    struct pt_list node;
    enum pt_rpc_item_kind kind;
    uint64_t due_ns;
    size_t size;
    uint8_t data[];
};

struct pt_rpc_link;

/* One half of a call. `alive`: somebody still waits for callbacks here. */
struct pt_rpc_side {
    struct pt_rpc_link *link;
    struct pt_rpc_fabric *host;
    struct pt_sys *sys;
    bool is_server, alive;
    bool ending;                    /* over, but for the callback that the next turn brings */
    struct pt_list inbox;           /* items on their way to here, in order */
    uint64_t due_ns;                /* of the last item that was sent here */
    uint64_t deadline_ns, stall_ns; /* UINT64_MAX: none */
    struct pt_timer *timer;         /* the earliest of all that; NULL before the first need */
    size_t queued, queued_size;     /* messages from here to the other side that have not arrived */
    bool full;
};

struct pt_rpc_sim_server {
    struct pt_rpc_server base;
    struct pt_list node; /* of fabric.servers */
    struct pt_sys *sys;
    struct pt_rpc_fabric *fabric;
    struct pt_rpc_listen *listens; /* with their ports */
    size_t listens_len;
    char *cert_pem, *ca_pem;
    uint64_t version; /* of the credentials; unique in the world */
    const struct pt_rpc_handler *handler;
    void *handler_arg;
    size_t message_size_max, calls_max;
    struct pt_list calls; /* by link.server_node */
    size_t calls_len;
    bool closing;
    struct pt_timer *timer; /* grace, then the end */
    pt_task_fn done;
    void *done_arg;
};

struct pt_rpc_sim_channel {
    struct pt_rpc_channel base;
    struct pt_list node; /* of fabric.channels */
    struct pt_sys *sys;
    struct pt_rpc_fabric *fabric;
    struct pt_endpoint address;
    bool address_known; /* a name leads nowhere here */
    char *cert_pem, *ca_pem;
    size_t message_size_max;
    struct pt_list calls; /* by link.channel_node */
    /* The last pair of credentials that was looked at: a connection, as it were. */
    uint64_t checked_version;
    enum pt_rpc_door checked_door;
    enum pt_code checked_code;
    struct pt_identity identity;
};

/* A call as the server has it. */
struct pt_rpc_sim_call {
    struct pt_rpc_call base;
    bool silent, shown, expect_one, received, finished;
    struct pt_identity peer;
    char address[PT_ENDPOINT_TEXT_SIZE];
};

struct pt_rpc_link {
    struct pt_list node; /* of world.links */
    struct pt_rpc_world *world;
    unsigned holds; /* callbacks under way: not freed meanwhile */
    struct pt_rpc_side client, server;

    struct pt_rpc_sim_server *at; /* NULL when there is nobody, or no more */
    struct pt_list server_node;
    struct pt_rpc_sim_call call;

    struct pt_rpc_sim_channel *channel;
    struct pt_list channel_node;
    struct pt_rpc_unary unary; /* the handles; one of the two is used */
    struct pt_rpc_stream stream;
    pt_rpc_reply_fn fn; /* unary */
    struct pt_rpc_stream_ops ops;
    void *arg;
    bool is_unary, cancelled, half_closed;
    struct pt_rpc_item *reply; /* unary: the message that came */

    struct pt_arena arena; /* the strings below */
    const char *method;
    struct pt_rpc_metadata *metadata;
    size_t metadata_len;
};

struct pt_rpc_fabric {
    struct pt_rpc_world *world;
    unsigned host;
    struct pt_list servers, channels;
};

struct pt_rpc_world {
    struct pt_rpc_world_options options;
    struct pt_rpc_fabric *hosts[PT_RPC_HOSTS_MAX];
    bool cut[PT_RPC_HOSTS_MAX][PT_RPC_HOSTS_MAX]; /* [from][to] */
    struct pt_list links;
    size_t links_len;
    uint64_t version; /* the last one given to credentials */
    uint16_t port;    /* the last one given to a listen on port 0 */
};

extern const struct pt_rpc_backend pt_rpc_sim_backend;

/* rpc_sim_wire.c */
struct pt_rpc_link *pt_rpc_link_new(struct pt_rpc_sim_channel *channel, const char *method,
                                    const struct pt_rpc_metadata *metadata, size_t metadata_len);
void pt_rpc_link_hold(struct pt_rpc_link *link);
/* Free the link when neither side is alive and nobody holds it. */
void pt_rpc_link_release(struct pt_rpc_link *link);
struct pt_rpc_side *pt_rpc_side_other(struct pt_rpc_side *side);
/* Send to the side; arrives after a random delay and behind what was sent before. Nothing when it is not alive. */
void pt_rpc_side_send(struct pt_rpc_side *to, enum pt_rpc_item_kind kind, struct pt_bytes data);
/* The same at an instant not before `due_ns`. */
void pt_rpc_side_send_at(struct pt_rpc_side *to, enum pt_rpc_item_kind kind, struct pt_bytes data, uint64_t due_ns);
void pt_rpc_side_send_status(struct pt_rpc_side *to, const struct pt_error *error, uint64_t due_ns);
/* A message against the bound of the queue: false when it is full now. */
bool pt_rpc_side_send_message(struct pt_rpc_side *from, struct pt_bytes message);
/* Set the timer to the next thing that is to happen here. */
void pt_rpc_side_arm(struct pt_rpc_side *side);
/* No callbacks any more; what is on its way is dropped. */
void pt_rpc_side_end(struct pt_rpc_side *side);
/* A cut between the hosts of the link began or ended. */
void pt_rpc_link_cut_changed(struct pt_rpc_link *link);

/* rpc_sim_server.c: what happens at a server's side; may end it. */
void pt_rpc_sim_server_item(struct pt_rpc_link *link, const struct pt_rpc_item *item);
void pt_rpc_sim_server_over(struct pt_rpc_link *link, bool cancelled); /* on_end, once */
void pt_rpc_sim_server_forget(struct pt_rpc_sim_server *server);       /* crash: free without callbacks */
void pt_rpc_sim_server_detach(struct pt_rpc_link *link);               /* the call leaves the server's list */
/* Who listens there, and by which door; NULL when nobody does. */
struct pt_rpc_sim_server *pt_rpc_sim_server_find(struct pt_rpc_world *world, const struct pt_endpoint *address,
                                                 enum pt_rpc_door *ret_door);
uint16_t pt_rpc_sim_server_port(const struct pt_rpc_server *base, size_t index);
enum pt_code pt_rpc_sim_server_set_credentials(struct pt_rpc_server *base, const struct pt_rpc_credentials *credentials,
                                               struct pt_error *reterr);
void pt_rpc_sim_server_close(struct pt_rpc_server *base, uint64_t grace_ms, pt_task_fn done, void *arg);
void pt_rpc_sim_call_expect_one(struct pt_rpc_call *base);
const char *pt_rpc_sim_call_metadata(const struct pt_rpc_call *base, const char *key);
bool pt_rpc_sim_call_send(struct pt_rpc_call *base, struct pt_bytes message);
void pt_rpc_sim_call_finish(struct pt_rpc_call *base, const struct pt_error *error);
size_t pt_rpc_sim_call_queued(const struct pt_rpc_call *base);

/* rpc_sim_client.c: the same for a client's side. */
void pt_rpc_sim_client_item(struct pt_rpc_link *link, struct pt_rpc_item *item, bool *ret_taken);
void pt_rpc_sim_client_over(struct pt_rpc_link *link, const struct pt_error *error); /* fn or on_end, once */
void pt_rpc_sim_channel_forget(struct pt_rpc_sim_channel *channel);
