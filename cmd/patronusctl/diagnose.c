/*
 * ping, traceroute, capture, probe: what an edge sees, reply by reply as it comes; with -o json one object a line.
 *
 * The words behind the names are fields of the request, so that what the schema says is what the CLI takes. A capture
 * is written as it comes: it can be read while it grows, or be piped into a viewer.
 */
#include "ctl.h"

#include "base/assert.h"
#include "cli/fields.h"
#include "wire/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SERVICE "/patronus.v1.DiagnosticsService/"
#define REPLY_SIZE_MAX (1U << 20)

struct looking {
    struct ctl *ctl;
    const struct pt_method_type *method;
    void (*print)(struct looking *looking, const struct pt_msg *reply);
    FILE *file; /* of a capture; NULL: none */
    uint64_t replies, sent, received, packets, hop;
    uint64_t rtt_least, rtt_most, rtt_sum;
    bool reached, alive, progress;
    struct pt_error error;
};

/* ---- replies -------------------------------------------------------------------------------------------------- */

static double ms(uint64_t us)
{
    return (double)us / 1e3;
}

static void print_ping(struct looking *looking, const struct pt_msg *reply)
{
    uint64_t rtt = pt_msg_u64(reply, "rtt_us");
    looking->sent = pt_msg_u64(reply, "sent");
    looking->received = pt_msg_u64(reply, "received");
    if (pt_msg_bool(reply, "answered")) {
        looking->rtt_least = looking->rtt_sum == 0 || rtt < looking->rtt_least ? rtt : looking->rtt_least;
        looking->rtt_most = rtt > looking->rtt_most ? rtt : looking->rtt_most;
        looking->rtt_sum += rtt;
    }
    if (ctl_is_data(looking->ctl)) {
        return;
    }
    if (pt_msg_bool(reply, "answered")) {
        printf("%" PRIu64 "  %s  ttl %" PRIu64 "  %.2f ms\n", pt_msg_u64(reply, "sequence"),
               pt_msg_str(reply, "responder"), pt_msg_u64(reply, "ttl"), ms(rtt));
    } else if (pt_msg_str(reply, "responder")[0] != '\0') {
        printf("%" PRIu64 "  %s says: %s\n", pt_msg_u64(reply, "sequence"), pt_msg_str(reply, "responder"),
               pt_msg_str(reply, "error"));
    } else {
        printf("%" PRIu64 "  no answer\n", pt_msg_u64(reply, "sequence"));
    }
}

static void print_hop(struct looking *looking, const struct pt_msg *reply)
{
    const char *error = pt_msg_str(reply, "error");
    looking->reached = looking->reached || pt_msg_bool(reply, "reached");
    if (ctl_is_data(looking->ctl)) {
        return;
    }
    if (pt_msg_u64(reply, "hop") != looking->hop) {
        printf("%s%2" PRIu64, looking->hop != 0 ? "\n" : "", pt_msg_u64(reply, "hop"));
        looking->hop = pt_msg_u64(reply, "hop");
    }
    if (pt_msg_bool(reply, "answered")) {
        const char *path = pt_msg_str(reply, "path");
        printf("  %s %.2f ms%s%s", pt_msg_str(reply, "responder"), ms(pt_msg_u64(reply, "rtt_us")),
               error[0] != '\0' ? " " : "", error);
        if (path[0] != '\0') {
            printf(" by %s", pt_cli_short_name(&looking->ctl->scope, path));
        }
    } else {
        printf("  *");
    }
}

static void print_reading(struct looking *looking, const struct pt_msg *reply)
{
    looking->alive = pt_msg_bool(reply, "alive");
    if (ctl_is_data(looking->ctl)) {
        return;
    }
    printf("%" PRIu64 "  %s  %.2f ms (least %.2f)  lost %.3f %% there, %.3f %% back", pt_msg_u64(reply, "sequence"),
           looking->alive ? "up" : "DOWN", ms(pt_msg_u64(reply, "rtt_us")), ms(pt_msg_u64(reply, "min_rtt_us")),
           (double)pt_msg_u64(reply, "loss_ppm") / 1e4, (double)pt_msg_u64(reply, "back_loss_ppm") / 1e4);
    if (pt_msg_bool(reply, "measured")) {
        printf("  one way %.2f, %.2f ms  jitter %.2f, %.2f ms  MOS %.2f", (double)pt_msg_i64(reply, "delay_us") / 1e3,
               (double)pt_msg_i64(reply, "back_delay_us") / 1e3, ms(pt_msg_u64(reply, "jitter_us")),
               ms(pt_msg_u64(reply, "back_jitter_us")), (double)pt_msg_u64(reply, "mos_100") / 1e2);
    }
    if (pt_msg_u64(reply, "mtu") != 0) {
        printf("  MTU %" PRIu64, pt_msg_u64(reply, "mtu"));
    }
    printf("\n");
}

static void print_piece(struct looking *looking, const struct pt_msg *reply)
{
    struct pt_bytes bytes = pt_msg_bytes(reply, "pcap");
    const char *reason = pt_msg_str(reply, "end_reason");
    if (looking->file != NULL &&
        (fwrite(bytes.data, 1, bytes.size, looking->file) != bytes.size || fflush(looking->file) != 0)) {
        (void)pt_fail(&looking->error, PT_NO_SPACE, PT_REASON_NONE, "--file", "cannot write the capture");
        return;
    }
    looking->packets = pt_msg_u64(reply, "packets");
    bool end = reason[0] != '\0';
    if (looking->progress) {
        fprintf(stderr, "\r%" PRIu64 " packets%s", looking->packets, end ? "" : " ...");
    }
    if (end && !ctl_is_data(looking->ctl)) {
        fprintf(stderr, "%s%" PRIu64 " packets, %" PRIu64 " lost; ended by %s\n", looking->progress ? "\r" : "",
                looking->packets, pt_msg_u64(reply, "lost"), reason);
    }
}

static bool on_reply(void *arg, struct pt_bytes message)
{
    struct looking *looking = arg;
    struct ctl *ctl = looking->ctl;
    struct pt_arena arena;
    struct pt_msg *reply = NULL;
    const struct pt_parse_options options = {.unknown = PT_UNKNOWN_DROP, .size_max = REPLY_SIZE_MAX};
    pt_arena_init(&arena);
    if (pt_msg_parse(looking->method->output, message, &options, &arena, &reply, &looking->error) == PT_OK) {
        looking->replies++;
        looking->print(looking, reply);
        if (ctl_is_data(ctl)) {
            PT_AUTO(buf) struct pt_buf json = {0};
            pt_json_write(ctl->schema, reply, PT_JSON_COMPACT, &json);
            pt_buf_append_u8(&json, '\n');
            (void)ctl_print_data(ctl, &json); /* a template that does not fit says so each time */
        }
        (void)fflush(stdout);
    }
    pt_arena_fini(&arena);
    return looking->error.code == PT_OK;
}

/* ---- the call ------------------------------------------------------------------------------------------------- */

/* A server that cannot is passed over, as with any call; once something came, a break is an error. */
static enum pt_code follow(struct looking *looking, const struct pt_msg *request, struct pt_error *reterr)
{
    struct ctl *ctl = looking->ctl;
    const struct pt_msg *const requests[] = {request};
    const struct ctl_stream_options options = {.method = looking->method,
                                               .requests = requests,
                                               .requests_len = 1,
                                               .may_end = true,
                                               .on_message = on_reply,
                                               .arg = looking};
    uint64_t end_ms = pt_sys_now_ms(ctl_client_sys(ctl->client)) + ctl->args->timeout_ms;
    for (;;) {
        enum pt_code code = ctl_stream(ctl->client, &options, reterr);
        if (looking->error.code != PT_OK) {
            *reterr = looking->error;
            return reterr->code;
        }
        if (code != PT_UNAVAILABLE || looking->replies > 0 || reterr->field[0] != '\0' ||
            pt_sys_now_ms(ctl_client_sys(ctl->client)) >= end_ms) {
            return code;
        }
        ctl_client_next(ctl->client);
    }
}

/* The names and the FIELD=VALUE words. what: field of the second word. */
static enum pt_code read_request(struct ctl *ctl, struct pt_msg *request, const char *kind, const char *field,
                                 const char *what, struct pt_error *reterr)
{
    const struct pt_cli_args *args = ctl->args;
    const char *name = NULL;
    size_t names = what != NULL ? 2 : 1;
    PT_TRY(pt_cli_name(&ctl->scope, pt_cli_kind(ctl->schema, kind), args->words[0], ctl->arena, &name, NULL, reterr));
    pt_msg_set_str(request, ctl->arena, field, name);
    if (what != NULL && pt_message_field(request->type, what)->rules.reference != NULL) {
        PT_TRY(
            pt_cli_name(&ctl->scope, pt_cli_kind(ctl->schema, what), args->words[1], ctl->arena, &name, NULL, reterr));
        pt_msg_set_str(request, ctl->arena, what, name);
    } else if (what != NULL) {
        pt_msg_set_str(request, ctl->arena, what, args->words[1]);
    }
    for (size_t i = names; i < args->words_len; i++) {
        const char *segment = "segment=";
        if (strncmp(args->words[i], segment, strlen(segment)) == 0) {
            PT_TRY(pt_cli_name(&ctl->scope, pt_cli_kind(ctl->schema, "segment"), args->words[i] + strlen(segment),
                               ctl->arena, &name, NULL, reterr));
            pt_msg_set_str(request, ctl->arena, "segment", name);
        } else {
            PT_TRY(pt_cli_assign(ctl->schema, args->words[i], request, NULL, ctl->arena, reterr));
        }
    }
    return PT_OK;
}

/* 0, or an exit code. */
static int look(struct looking *looking, const char *kind, const char *field, const char *what, const char *usage)
{
    struct ctl *ctl = looking->ctl;
    struct pt_error error = {0};
    if (ctl->args->words_len < (what != NULL ? 2U : 1U)) {
        return ctl_usage_text(ctl, "%s", usage);
    }
    pt_assert(looking->method != NULL);
    struct pt_msg *request = pt_msg_new(ctl->arena, looking->method->input);
    if (read_request(ctl, request, kind, field, what, &error) != PT_OK) {
        return ctl_usage(&error);
    }
    if (ctl_connect(ctl, &error) != PT_OK || follow(looking, request, &error) != PT_OK) {
        return ctl_fail(&error);
    }
    return PT_CLI_EXIT_OK;
}

static struct looking looking_of(struct ctl *ctl, const char *path,
                                 void (*print)(struct looking *looking, const struct pt_msg *reply))
{
    return (struct looking){.ctl = ctl, .method = pt_schema_method(ctl->schema, path), .print = print};
}

int ctl_ping(struct ctl *ctl)
{
    struct looking looking = looking_of(ctl, SERVICE "Ping", print_ping);
    int code = look(&looking, "edge", "edge", "destination", "an EDGE and an ADDRESS are needed");
    if (code == PT_CLI_EXIT_OK && !ctl_is_data(ctl)) {
        printf("%" PRIu64 " sent, %" PRIu64 " answered", looking.sent, looking.received);
        if (looking.received > 0) {
            printf("; %.2f ms least, %.2f mean, %.2f most", ms(looking.rtt_least),
                   ms(looking.rtt_sum) / (double)looking.received, ms(looking.rtt_most));
        }
        printf("\n");
    }
    return code != PT_CLI_EXIT_OK ? code : looking.received > 0 ? PT_CLI_EXIT_OK : PT_CLI_EXIT_FAILED;
}

int ctl_traceroute(struct ctl *ctl)
{
    struct looking looking = looking_of(ctl, SERVICE "Traceroute", print_hop);
    int code = look(&looking, "edge", "edge", "destination", "an EDGE and an ADDRESS are needed");
    if (looking.hop != 0) {
        printf("\n");
    }
    return code != PT_CLI_EXIT_OK ? code : looking.reached ? PT_CLI_EXIT_OK : PT_CLI_EXIT_FAILED;
}

int ctl_probe(struct ctl *ctl)
{
    struct looking looking = looking_of(ctl, SERVICE "ProbePath", print_reading);
    int code = look(&looking, "path", "name", NULL, "a PATH is needed; patronusctl get paths shows them");
    return code != PT_CLI_EXIT_OK ? code : looking.alive ? PT_CLI_EXIT_OK : PT_CLI_EXIT_FAILED;
}

int ctl_capture(struct ctl *ctl)
{
    struct looking looking = looking_of(ctl, SERVICE "Capture", print_piece);
    const struct pt_cli_args *args = ctl->args;
    bool data = ctl_is_data(ctl);
    if (args->files_len != 1 && !data) {
        return ctl_usage_text(ctl, "say where the capture goes: -f FILE, or -f - for standard output");
    }
    if (args->files_len == 1 && data && strcmp(args->files[0], "-") == 0) {
        return ctl_usage_text(ctl, "-f - and -o both want standard output");
    }
    bool out = args->files_len == 1 && strcmp(args->files[0], "-") == 0;
    if (out && isatty(STDOUT_FILENO)) {
        return ctl_usage_text(ctl, "a capture is no text: write it to a file, or into a pipe");
    }
    if (args->files_len == 1) {
        looking.file = out ? stdout : fopen(args->files[0], "we");
        looking.progress = !out && !data && isatty(STDERR_FILENO);
        if (looking.file == NULL) {
            return ctl_usage_text(ctl, "cannot write %s", args->files[0]);
        }
    }
    int code = look(&looking, "edge", "edge", "segment", "an EDGE and a SEGMENT are needed");
    if (looking.file != NULL && !out && fclose(looking.file) != 0) {
        return ctl_usage_text(ctl, "cannot write %s", args->files[0]);
    }
    return code;
}
