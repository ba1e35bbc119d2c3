/*
 * A synchronous face over the loop: start a call, turn the loop until it is answered. A timer ticks meanwhile, for the
 * pauses between tries and for the progress line on a terminal.
 */
#include "client.h"

#include "base/assert.h"
#include "crypto/crypto.h"
#include "sys/sys_uv.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAUSE_MS_MIN 50
#define PAUSE_MS_MAX 1000
#define PROGRESS_AFTER_MS 1000
#define TICK_MS 250
#define TRY_MS_FIRST 3000 /* at one of several servers: one that is cut off silently must not take all the time */
#define REPLY_SIZE_MAX (8U << 20)

struct ctl_client {
    struct pt_sys *sys;
    struct ctl_client_options options;
    struct pt_rpc_channel *channels[PT_CLI_SERVERS_MAX];
    size_t current;    /* server to try next */
    size_t failed;     /* servers tried without success since the last success */
    uint64_t pause_ms; /* before the next round */
    uint64_t start_ms; /* of what is under way, for the progress line */
    bool progress_shown;
    char *authorization; /* "Bearer TOKEN"; NULL: none */
    struct pt_timer *tick;
    struct pt_timer *alarm;
    bool alarm_rung;
};

/* ---- progress ------------------------------------------------------------------------------------------------- */

static void on_tick(void *arg)
{
    struct ctl_client *client = arg;
    uint64_t elapsed_ms = pt_sys_now_ms(client->sys) - client->start_ms;
    if (elapsed_ms >= PROGRESS_AFTER_MS) {
        fprintf(stderr, "\r\033[Kwaiting for %s ... %" PRIu64 " s", ctl_client_server(client), elapsed_ms / 1000);
        client->progress_shown = true;
    }
}

static void begin_progress(struct ctl_client *client)
{
    client->start_ms = pt_sys_now_ms(client->sys);
    if (isatty(STDERR_FILENO)) {
        pt_timer_start(client->tick, PROGRESS_AFTER_MS, TICK_MS);
    }
}

static void end_progress(struct ctl_client *client)
{
    pt_timer_stop(client->tick);
    if (client->progress_shown) {
        fputs("\r\033[K", stderr);
        client->progress_shown = false;
    }
}

/* ---- life ----------------------------------------------------------------------------------------------------- */

static void on_alarm(void *arg)
{
    struct ctl_client *client = arg;
    client->alarm_rung = true;
}

void ctl_client_rest(struct ctl_client *client, uint64_t delay_ms)
{
    client->alarm_rung = false;
    pt_timer_start(client->alarm, delay_ms, 0);
    while (!client->alarm_rung) {
        pt_sys_uv_turn(client->sys, true);
    }
}

enum pt_code ctl_client_new(const struct ctl_client_options *options, struct ctl_client **ret_client,
                            struct pt_error *reterr)
{
    pt_assert(options->servers_len > 0 && options->servers_len <= PT_CLI_SERVERS_MAX);
    struct pt_sys *sys = NULL;
    PT_TRY(pt_sys_uv_new(&sys, reterr));
    struct ctl_client *client = calloc(1, sizeof(*client));
    pt_assert(client != NULL);
    client->sys = sys;
    client->options = *options;
    client->pause_ms = PAUSE_MS_MIN;
    if (options->token != NULL) {
        int size = asprintf(&client->authorization, "Bearer %s", options->token);
        pt_assert(size > 0);
    }
    client->tick = pt_timer_new(sys, on_tick, client);
    client->alarm = pt_timer_new(sys, on_alarm, client);
    *ret_client = client;
    return PT_OK;
}

void ctl_client_free(struct ctl_client *client)
{
    if (client == NULL) {
        return;
    }
    for (size_t i = 0; i < PT_CLI_SERVERS_MAX; i++) {
        pt_rpc_channel_free(client->channels[i]);
    }
    if (client->authorization != NULL) {
        pt_memory_clear(client->authorization, strlen(client->authorization));
        free(client->authorization);
    }
    pt_timer_free(client->tick);
    pt_timer_free(client->alarm);
    pt_sys_uv_free(client->sys);
    free(client);
}

void ctl_client_reconnect(struct ctl_client *client)
{
    for (size_t i = 0; i < PT_CLI_SERVERS_MAX; i++) {
        pt_rpc_channel_free(client->channels[i]);
        client->channels[i] = NULL;
    }
}

struct pt_sys *ctl_client_sys(struct ctl_client *client)
{
    return client->sys;
}

const char *ctl_client_server(const struct ctl_client *client)
{
    return client->options.servers[client->current];
}

void ctl_random_id(struct ctl_client *client, char text[33])
{
    (void)snprintf(text, 33, "%016" PRIx64 "%016" PRIx64, pt_sys_random_u64(client->sys),
                   pt_sys_random_u64(client->sys));
}

static enum pt_code new_channel(struct ctl_client *client, const char *address, struct pt_rpc_channel **ret_channel,
                                struct pt_error *reterr)
{
    const struct pt_cli_credential *credential = client->options.credential;
    const struct pt_rpc_channel_options options = {.address = address,
                                                   .credentials = {.cert_pem = (const char *)credential->cert_pem.data,
                                                                   .key_pem = (const char *)credential->key_pem.data,
                                                                   .ca_pem = (const char *)credential->ca_pem.data},
                                                   .message_size_max = REPLY_SIZE_MAX};
    return pt_rpc_channel_new(client->sys, &options, ret_channel, reterr);
}

static enum pt_code current_channel(struct ctl_client *client, struct pt_rpc_channel **ret_channel,
                                    struct pt_error *reterr)
{
    struct pt_rpc_channel **place = &client->channels[client->current];
    if (*place == NULL) {
        PT_TRY(new_channel(client, ctl_client_server(client), place, reterr));
    }
    *ret_channel = *place;
    return PT_OK;
}

void ctl_client_next(struct ctl_client *client)
{
    client->current = (client->current + 1) % client->options.servers_len;
    client->failed++;
    if (client->failed % client->options.servers_len == 0) {
        ctl_client_rest(client, client->pause_ms);
        client->pause_ms = client->pause_ms * 2 < PAUSE_MS_MAX ? client->pause_ms * 2 : PAUSE_MS_MAX;
    }
}

static void note_success(struct ctl_client *client)
{
    client->failed = 0;
    client->pause_ms = PAUSE_MS_MIN;
}

/* ---- unary calls ---------------------------------------------------------------------------------------------- */

struct answer {
    const struct pt_message_type *type;
    struct pt_arena *arena;
    struct pt_msg *msg;
    struct pt_error error; /* code PT_OK on success */
    bool done;
};

static void on_answer(void *arg, const struct pt_error *error, struct pt_bytes message)
{
    struct answer *answer = arg;
    answer->done = true;
    if (error != NULL) {
        answer->error = *error;
        return;
    }
    const struct pt_parse_options options = {.unknown = PT_UNKNOWN_DROP, .size_max = REPLY_SIZE_MAX};
    if (pt_msg_parse(answer->type, message, &options, answer->arena, &answer->msg, &answer->error) != PT_OK) {
        answer->error.code = PT_INTERNAL;
        (void)pt_wrap(&answer->error, PT_INTERNAL, "the server's answer cannot be read");
    }
}

static enum pt_code try_call(struct ctl_client *client, struct pt_rpc_channel *channel, uint64_t timeout_ms,
                             const struct pt_method_type *method, struct pt_bytes request, struct answer *answer)
{
    *answer = (struct answer){.type = method->output, .arena = answer->arena};
    const struct pt_rpc_metadata metadata = {.key = "authorization", .value = client->authorization};
    size_t metadata_len = client->authorization != NULL ? 1 : 0;
    (void)pt_rpc_unary(channel, method->path, request, &metadata, metadata_len, timeout_ms, on_answer, answer);
    while (!answer->done) {
        pt_sys_uv_turn(client->sys, true);
    }
    return answer->error.code;
}

/* A read, and a mutation with its request id, can be repeated whatever happened to the first one. Of other methods only
 * one that did not get to a leader is sent again. */
static bool may_repeat(bool repeatable, const struct pt_error *error)
{
    return repeatable || error->reason != PT_REASON_LEADER_CHANGED;
}

/* Of several servers a silent one must not take all the time; but it doubles from round to round of them, so that what
 * takes long is answered at last. */
static uint64_t try_limit_ms(const struct ctl_client *client)
{
    size_t round = client->failed / client->options.servers_len;
    return (uint64_t)TRY_MS_FIRST << (round < 10 ? round : 10);
}

static enum pt_code call_all(struct ctl_client *client, const struct pt_method_type *method, struct pt_bytes request,
                             bool repeatable, struct answer *answer, struct pt_error *reterr)
{
    uint64_t end_ms = pt_sys_now_ms(client->sys) + client->options.timeout_ms;
    struct pt_error unavailable = {0}; /* the last real cause: better than "deadline exceeded" */
    for (;;) {
        uint64_t now_ms = pt_sys_now_ms(client->sys);
        if (now_ms >= end_ms) {
            break;
        }
        struct pt_rpc_channel *channel = NULL;
        PT_TRY(current_channel(client, &channel, reterr));
        uint64_t left_ms = end_ms - now_ms;
        uint64_t try_ms = try_limit_ms(client);
        bool cut = client->options.servers_len > 1 && left_ms > try_ms;
        enum pt_code code = try_call(client, channel, cut ? try_ms : left_ms, method, request, answer);
        bool again =
            (code == PT_UNAVAILABLE && may_repeat(repeatable, &answer->error)) || (code == PT_DEADLINE_EXCEEDED && cut);
        if (!again && (code != PT_DEADLINE_EXCEEDED || unavailable.code == PT_OK)) {
            note_success(client);
            if (code != PT_OK && reterr != NULL) {
                *reterr = answer->error;
            }
            return code;
        }
        if (code == PT_UNAVAILABLE || unavailable.code == PT_OK) {
            unavailable = answer->error;
            (void)pt_wrap(&unavailable, code, "%s", ctl_client_server(client));
        }
        if (!again) {
            break;
        }
        ctl_client_next(client);
    }
    if (unavailable.code == PT_OK) {
        unavailable = answer->error;
    }
    unavailable.code = PT_UNAVAILABLE;
    if (reterr != NULL) {
        *reterr = unavailable;
    }
    return PT_UNAVAILABLE;
}

enum pt_code ctl_call(struct ctl_client *client, const struct pt_method_type *method, const struct pt_msg *request,
                      struct pt_arena *arena, struct pt_msg **ret_reply, struct pt_error *reterr)
{
    PT_AUTO(buf) struct pt_buf data = {0};
    pt_msg_encode(request, &data);
    struct answer answer = {.arena = arena};
    bool repeatable = method->verb != PT_VERB_CUSTOM || (pt_message_field(method->input, "request_id") != NULL &&
                                                         pt_msg_str(request, "request_id")[0] != '\0');
    begin_progress(client);
    enum pt_code code = call_all(client, method, pt_buf_bytes(&data), repeatable, &answer, reterr);
    end_progress(client);
    if (code == PT_OK) {
        *ret_reply = answer.msg;
    }
    return code;
}

enum pt_code ctl_call_at(struct ctl_client *client, const char *address, uint64_t timeout_ms,
                         const struct pt_method_type *method, const struct pt_msg *request, struct pt_arena *arena,
                         struct pt_msg **ret_reply, struct pt_error *reterr)
{
    struct pt_rpc_channel *channel = NULL;
    PT_TRY(new_channel(client, address, &channel, reterr));
    PT_AUTO(buf) struct pt_buf data = {0};
    pt_msg_encode(request, &data);
    struct answer answer = {.arena = arena};
    enum pt_code code = try_call(client, channel, timeout_ms, method, pt_buf_bytes(&data), &answer);
    pt_rpc_channel_free(channel);
    if (code == PT_OK) {
        *ret_reply = answer.msg;
    } else if (reterr != NULL) {
        *reterr = answer.error;
    }
    return code;
}

/* ---- streams -------------------------------------------------------------------------------------------------- */

struct reading {
    struct ctl_client *client;
    const struct ctl_stream_options *options;
    struct pt_rpc_stream *stream;
    struct pt_error error;
    bool wanted_end, done;
    bool fed; /* everything was sent */
};

static void on_stream_message(void *arg, struct pt_bytes message)
{
    struct reading *reading = arg;
    note_success(reading->client);
    end_progress(reading->client);
    if (!reading->wanted_end && !reading->options->on_message(reading->options->arg, message)) {
        reading->wanted_end = true;
        pt_rpc_stream_cancel(reading->stream);
    }
}

static void on_stream_end(void *arg, const struct pt_error *error)
{
    struct reading *reading = arg;
    reading->done = true;
    if (error != NULL && !reading->wanted_end) {
        reading->error = *error;
    }
}

/* Send until the stream's queue is full or there is nothing more. */
static void feed(struct reading *reading)
{
    const struct ctl_stream_options *options = reading->options;
    bool room = true;
    while (room && !reading->fed && !reading->done && !reading->wanted_end) {
        PT_AUTO(buf) struct pt_buf data = {0};
        reading->fed = options->feed == NULL || !options->feed(options->arg, &data);
        if (reading->fed) {
            pt_rpc_stream_half_close(reading->stream);
        } else {
            room = pt_rpc_stream_send(reading->stream, pt_buf_bytes(&data));
        }
    }
}

static void on_stream_writable(void *arg)
{
    feed(arg);
}

static void send_all(struct reading *reading)
{
    for (size_t i = 0; i < reading->options->requests_len; i++) {
        PT_AUTO(buf) struct pt_buf data = {0};
        pt_msg_encode(reading->options->requests[i], &data);
        (void)pt_rpc_stream_send(reading->stream, pt_buf_bytes(&data)); /* one that cannot go ends the stream */
    }
    feed(reading);
}

/* Turn the loop until the stream is over or its time is; true in the latter case. */
static bool read_until(struct reading *reading, uint64_t end_ms)
{
    struct ctl_client *client = reading->client;
    bool late = false;
    client->alarm_rung = false;
    if (end_ms != 0) {
        uint64_t now_ms = pt_sys_now_ms(client->sys);
        pt_timer_start(client->alarm, end_ms > now_ms ? end_ms - now_ms : 0, 0);
    }
    while (!reading->done) {
        pt_sys_uv_turn(client->sys, true);
        if (client->alarm_rung && !late && !reading->wanted_end) {
            late = true;
            reading->wanted_end = true;
            pt_rpc_stream_cancel(reading->stream);
        }
    }
    pt_timer_stop(client->alarm);
    return late;
}

enum pt_code ctl_stream(struct ctl_client *client, const struct ctl_stream_options *options, struct pt_error *reterr)
{
    struct pt_rpc_channel *channel = NULL;
    PT_TRY(current_channel(client, &channel, reterr));
    struct reading reading = {.client = client, .options = options};
    const struct pt_rpc_stream_ops ops = {
        .on_message = on_stream_message, .on_writable = on_stream_writable, .on_end = on_stream_end};
    const struct pt_rpc_metadata metadata = {.key = "authorization", .value = client->authorization};
    size_t metadata_len = client->authorization != NULL ? 1 : 0;
    reading.stream = pt_rpc_stream_open(channel, options->method->path, &metadata, metadata_len, &ops, &reading);
    send_all(&reading);
    if (read_until(&reading, options->end_ms)) {
        return pt_fail(reterr, PT_DEADLINE_EXCEEDED, PT_REASON_NONE, NULL, "the time is over");
    }
    if (reading.wanted_end || (reading.error.code == PT_OK && options->may_end)) {
        return PT_OK;
    }
    if (reading.error.code == PT_OK) {
        return pt_fail(reterr, PT_UNAVAILABLE, PT_REASON_NONE, NULL, "the server ended the stream");
    }
    if (reterr != NULL) {
        *reterr = reading.error;
    }
    return reading.error.code;
}
