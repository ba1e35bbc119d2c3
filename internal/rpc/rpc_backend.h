/*
 * Private to internal/rpc: the table behind the port. rpc.c is the one caller; rpc_grpc_*.c and rpc_sim*.c fill it in.
 *
 * Each object starts with its base below, so that one pointer leads to the table. An implementation's own struct has
 * that base as its first member.
 */
#pragma once

#include "rpc/rpc.h"

struct pt_rpc_backend {
    uint16_t (*server_port)(const struct pt_rpc_server *server, size_t index);
    enum pt_code (*server_set_credentials)(struct pt_rpc_server *server, const struct pt_rpc_credentials *credentials,
                                           struct pt_error *reterr);
    void (*server_close)(struct pt_rpc_server *server, uint64_t grace_ms, pt_task_fn done, void *arg);

    void (*call_expect_one)(struct pt_rpc_call *call);
    void (*call_reply_one)(struct pt_rpc_call *call);          /* NULL: needs no hint */
    void (*call_pause)(struct pt_rpc_call *call, bool paused); /* NULL: messages come as they do */
    const char *(*call_metadata)(const struct pt_rpc_call *call, const char *key);
    bool (*call_send)(struct pt_rpc_call *call, struct pt_bytes message);
    void (*call_finish)(struct pt_rpc_call *call, const struct pt_error *error);
    size_t (*call_queued)(const struct pt_rpc_call *call);

    void (*channel_free)(struct pt_rpc_channel *channel);
    struct pt_rpc_unary *(*unary)(struct pt_rpc_channel *channel, const char *method, struct pt_bytes request,
                                  const struct pt_rpc_metadata *metadata, size_t metadata_len, uint64_t deadline_ms,
                                  pt_rpc_reply_fn fn, void *arg);
    void (*unary_cancel)(struct pt_rpc_unary *unary);
    struct pt_rpc_stream *(*stream_open)(struct pt_rpc_channel *channel, const char *method,
                                         const struct pt_rpc_metadata *metadata, size_t metadata_len,
                                         const struct pt_rpc_stream_ops *ops, void *arg);
    bool (*stream_send)(struct pt_rpc_stream *stream, struct pt_bytes message);
    void (*stream_half_close)(struct pt_rpc_stream *stream);
    void (*stream_cancel)(struct pt_rpc_stream *stream);
};

struct pt_rpc_server {
    const struct pt_rpc_backend *backend;
};

struct pt_rpc_call {
    const struct pt_rpc_backend *backend;
    struct pt_rpc_call_info info;
    void *user;
};

struct pt_rpc_channel {
    const struct pt_rpc_backend *backend;
};

struct pt_rpc_unary {
    const struct pt_rpc_backend *backend;
};

struct pt_rpc_stream {
    const struct pt_rpc_backend *backend;
};

/* The constructors; options are checked and completed by rpc.c. */
enum pt_code pt_rpc_grpc_server_new(struct pt_sys *sys, const struct pt_rpc_server_options *options,
                                    struct pt_rpc_server **ret_server, struct pt_error *reterr);
enum pt_code pt_rpc_grpc_channel_new(struct pt_sys *sys, const struct pt_rpc_channel_options *options,
                                     struct pt_rpc_channel **ret_channel, struct pt_error *reterr);
enum pt_code pt_rpc_sim_server_new(struct pt_sys *sys, const struct pt_rpc_server_options *options,
                                   struct pt_rpc_server **ret_server, struct pt_error *reterr);
enum pt_code pt_rpc_sim_channel_new(struct pt_sys *sys, const struct pt_rpc_channel_options *options,
                                    struct pt_rpc_channel **ret_channel, struct pt_error *reterr);

/* Does certificate, key and CA fit together, is the leaf valid now and of the role? The key may be checked only when a
 * certificate is given; role NULL takes any. */
enum pt_code pt_rpc_credentials_check(struct pt_sys *sys, const struct pt_rpc_credentials *credentials,
                                      const char *role, struct pt_error *reterr);
