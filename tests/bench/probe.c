/*
 * A client that is already connected, driven line by line: what the figures about time to the first write and time to
 * the changed packet need, where starting a program for each call would be most of what is measured.
 *
 * Usage: bench_probe ADDRESS[,ADDRESS...] CERT KEY CA      calls go round the addresses
 * Standard input, one command a line:
 *   disable NAME       set disabled on a steering policy
 *   enable NAME        clear it
 *   write PERIOD_MS PARENT PREFIX    from now on, change PARENT's SLA profile "probe" each period, whatever became of
 *                                    earlier changes; it is made first, which fails where it is there already
 *   stop               end writing
 * Standard output, one event a line, times in ns of CLOCK_MONOTONIC:
 *   sent BEGAN         a change of a policy left
 *   changed BEGAN ENDED | made BEGAN ENDED | wrote BEGAN ENDED | failed BEGAN ENDED CODE TEXT
 */
#include "client.h"
#include "patronus/v1/policy.pb-c.h"
#include "sys/sys_uv.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define WRITE_DEADLINE_MS 300 /* a call caught by an election is given up; later ones are under way */
#define CHANGE_DEADLINE_MS 5000

struct probe {
    struct pt_sys *sys;
    struct bench_client client;
    size_t started;
    struct pt_timer *timer;
    char parent[256], prefix[64];
    char line[1024];
    size_t line_size;
};

struct call {
    const char *event;
    uint64_t began_ns;
};

/* Not pt_sys_now_ns: other programs of the benchmark compare these times with theirs. */
static uint64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

static void on_reply(void *arg, const struct pt_error *error, struct pt_bytes message)
{
    struct call *call = arg;
    (void)message;
    if (error == NULL) {
        printf("%s %" PRIu64 " %" PRIu64 "\n", call->event, call->began_ns, now_ns());
    } else {
        printf("failed %" PRIu64 " %" PRIu64 " %s %s\n", call->began_ns, now_ns(), pt_code_name(error->code),
               error->text);
    }
    free(call);
}

static void send_call(struct probe *probe, const char *event, const char *method, const ProtobufCMessage *request,
                      uint64_t deadline_ms)
{
    struct call *call = calloc(1, sizeof(*call));
    struct pt_buf data = {0};
    size_t size = protobuf_c_message_get_packed_size(request);
    (void)protobuf_c_message_pack(request, pt_buf_reserve(&data, size));
    data.size = size;
    *call = (struct call){.event = event, .began_ns = now_ns()};
    (void)pt_rpc_unary(probe->client.channels[probe->started++ % probe->client.len], method, pt_buf_bytes(&data), NULL,
                       0, deadline_ms, on_reply, call);
    pt_buf_fini(&data);
}

static void change(struct probe *probe, char *name, bool disabled)
{
    char *paths[] = {(char *)(uintptr_t) "disabled"};
    Google__Protobuf__FieldMask mask = GOOGLE__PROTOBUF__FIELD_MASK__INIT;
    mask.n_paths = 1;
    mask.paths = paths;
    Patronus__V1__SteeringPolicy policy = PATRONUS__V1__STEERING_POLICY__INIT;
    policy.name = name;
    policy.disabled = disabled;
    Patronus__V1__UpdateSteeringPolicyRequest request = PATRONUS__V1__UPDATE_STEERING_POLICY_REQUEST__INIT;
    request.steering_policy = &policy;
    request.update_mask = &mask;
    send_call(probe, "changed", "/patronus.v1.SteeringPolicyService/UpdateSteeringPolicy", &request.base,
              CHANGE_DEADLINE_MS);
    printf("sent %" PRIu64 "\n", now_ns());
}

static void make_profile(struct probe *probe)
{
    Patronus__V1__SlaProfile profile = PATRONUS__V1__SLA_PROFILE__INIT;
    Patronus__V1__CreateSlaProfileRequest request = PATRONUS__V1__CREATE_SLA_PROFILE_REQUEST__INIT;
    request.parent = probe->parent;
    request.sla_profile_id = (char *)(uintptr_t) "probe";
    request.sla_profile = &profile;
    send_call(probe, "made", "/patronus.v1.SlaProfileService/CreateSlaProfile", &request.base, WRITE_DEADLINE_MS);
}

/* An update, for an organization may have but so many profiles. */
static void write_one(void *arg)
{
    struct probe *probe = arg;
    char name[300], text[96];
    char *paths[] = {(char *)(uintptr_t) "display_name"};
    (void)snprintf(name, sizeof(name), "%s/slaProfiles/probe", probe->parent);
    (void)snprintf(text, sizeof(text), "%s-%zu", probe->prefix, probe->started);
    Google__Protobuf__FieldMask mask = GOOGLE__PROTOBUF__FIELD_MASK__INIT;
    mask.n_paths = 1;
    mask.paths = paths;
    Patronus__V1__SlaProfile profile = PATRONUS__V1__SLA_PROFILE__INIT;
    profile.name = name;
    profile.display_name = text;
    Patronus__V1__UpdateSlaProfileRequest request = PATRONUS__V1__UPDATE_SLA_PROFILE_REQUEST__INIT;
    request.sla_profile = &profile;
    request.update_mask = &mask;
    send_call(probe, "wrote", "/patronus.v1.SlaProfileService/UpdateSlaProfile", &request.base, WRITE_DEADLINE_MS);
}

static void obey(struct probe *probe, char *line)
{
    char name[512];
    unsigned int period_ms = 0;
    if (sscanf(line, "disable %511s", name) == 1) {
        change(probe, name, true);
    } else if (sscanf(line, "enable %511s", name) == 1) {
        change(probe, name, false);
    } else if (sscanf(line, "write %u %255s %63s", &period_ms, probe->parent, probe->prefix) == 3) {
        make_profile(probe);
        pt_timer_start(probe->timer, 0, period_ms);
    } else if (strcmp(line, "stop") == 0) {
        pt_timer_stop(probe->timer);
    } else {
        fprintf(stderr, "bench_probe: what is '%s'?\n", line);
    }
}

static void on_input(void *arg)
{
    struct probe *probe = arg;
    ssize_t got = read(STDIN_FILENO, probe->line + probe->line_size, sizeof(probe->line) - 1 - probe->line_size);
    if (got <= 0) {
        pt_sys_uv_stop(probe->sys);
        return;
    }
    probe->line_size += (size_t)got;
    probe->line[probe->line_size] = '\0';
    char *at = probe->line;
    for (char *end = strchr(at, '\n'); end != NULL; end = strchr(at, '\n')) {
        *end = '\0';
        obey(probe, at);
        at = end + 1;
    }
    probe->line_size = strlen(at);
    memmove(probe->line, at, probe->line_size);
}

int main(int argc, char **argv)
{
    struct probe probe = {0};
    struct pt_error error = {0};
    if (argc != 5) {
        fprintf(stderr, "usage: bench_probe ADDRESS,... CERT KEY CA\n");
        return 2;
    }
    if (pt_sys_uv_new(&probe.sys, &error) != PT_OK) {
        fprintf(stderr, "bench_probe: %s\n", error.text);
        return 1;
    }
    if (!bench_client_open(probe.sys, argv[1], argv + 2, &probe.client)) {
        return 1;
    }
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    probe.timer = pt_timer_new(probe.sys, write_one, &probe);
    struct pt_fd_watch *watch = pt_sys_uv_watch(probe.sys, STDIN_FILENO, on_input, &probe);
    pt_sys_uv_run(probe.sys);
    pt_sys_uv_unwatch(watch);
    pt_timer_free(probe.timer);
    fflush(stdout);
    _exit(0); /* calls under way are nobody's business any more */
}
