/*
 * Calls to a cluster: one loop, one channel per server, a deadline over all.
 *
 * A call that cannot be carried out now (UNAVAILABLE) is tried at the next server, then again after a pause of 50 ms to
 * 1 s, until the time is over. Mutations carry a request id, so a repetition cannot do a thing twice.
 */
#pragma once

#include "cli/args.h"
#include "cli/credential.h"
#include "rpc/rpc.h"
#include "wire/msg.h"

struct ctl_client;

struct ctl_client_options {
    const char *const *servers; /* borrowed */
    size_t servers_len;
    const struct pt_cli_credential *credential; /* borrowed */
    const char *token;                          /* sent as authorization: Bearer; NULL: none. Borrowed */
    uint64_t timeout_ms;                        /* of a call with all its tries */
};

PT_MUST enum pt_code ctl_client_new(const struct ctl_client_options *options, struct ctl_client **ret_client,
                                    struct pt_error *reterr);
void ctl_client_free(struct ctl_client *client); /* NULL is fine */
struct pt_sys *ctl_client_sys(struct ctl_client *client);

/* The reply lives in the arena. */
PT_MUST enum pt_code ctl_call(struct ctl_client *client, const struct pt_method_type *method,
                              const struct pt_msg *request, struct pt_arena *arena, struct pt_msg **ret_reply,
                              struct pt_error *reterr);
/* One try at one address, which need not be among the servers. */
PT_MUST enum pt_code ctl_call_at(struct ctl_client *client, const char *address, uint64_t timeout_ms,
                                 const struct pt_method_type *method, const struct pt_msg *request,
                                 struct pt_arena *arena, struct pt_msg **ret_reply, struct pt_error *reterr);

/* A stream at the current address: all requests are sent, then replies are read. on_message returns false to end it.
 * PT_OK when it ended so, else why it ended: PT_DEADLINE_EXCEEDED at end_ms of the client's clock (0: never),
 * PT_UNAVAILABLE when the server ended it. ctl_client_next moves on to the next server, after a pause when all were
 * tried. */
typedef bool (*ctl_message_fn)(void *arg, struct pt_bytes message);
struct ctl_stream_options {
    const struct pt_method_type *method;
    const struct pt_msg *const *requests;
    size_t requests_len;
    /* More requests, as the stream takes them, behind the others: the next one into `out`, or false for no more. NULL:
     * there are none. */
    bool (*feed)(void *arg, struct pt_buf *out);
    uint64_t end_ms;
    bool may_end; /* the server's end without an error is PT_OK */
    ctl_message_fn on_message;
    void *arg;
};
PT_MUST enum pt_code ctl_stream(struct ctl_client *client, const struct ctl_stream_options *options,
                                struct pt_error *reterr);
/* The credential is another now: calls from now on use new channels. */
void ctl_client_reconnect(struct ctl_client *client);
void ctl_client_next(struct ctl_client *client);
const char *ctl_client_server(const struct ctl_client *client);

/* Let time pass. */
void ctl_client_rest(struct ctl_client *client, uint64_t delay_ms);
/* 32 hexadecimal digits. */
void ctl_random_id(struct ctl_client *client, char text[33]);
