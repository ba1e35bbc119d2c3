/*
 * The end of a rolling upgrade: from here on the cluster may do what its older binaries would not understand.
 *
 *   finalize -> ask every other controller what it supports -> all support it -> raise_level through the log
 *                          `-> one does not, or does not answer: refused, by name
 *
 * Binaries are replaced one by one before, at the old level, in any order and back again. Asked are all controllers and
 * not the voters alone: a standby applies the same log. One that is asked and is replaced by an older binary a moment
 * later stops at the entry, with a message, and goes on when it is upgraded again: nothing is lost by it.
 */
#include "serve/controller_priv.h"

#include "base/assert.h"
#include "patronus/v1/cluster.pb-c.h"
#include "patronus/v1/replication.pb-c.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ASKED_MAX 64
#define ASK_MS_MAX 3000
#define STATUS "/patronus.v1.ClusterService/GetClusterStatus"

struct asked {
    struct upgrade *upgrade;
    char name[PT_NAME_SIZE_MAX + 1];
    struct pt_rpc_channel *channel;
    bool answered;
    uint32_t level;
};

struct upgrade { /* call->state */
    struct pt_serve_call *call;
    struct asked asked[ASKED_MAX];
    size_t len, waiting;
    uint32_t wanted, present;
    bool validate_only;
};

static void reply(struct pt_serve_call *call, uint32_t level, uint32_t before)
{
    Patronus__V1__FinalizeUpgradeResponse response = PATRONUS__V1__FINALIZE_UPGRADE_RESPONSE__INIT;
    uint8_t data[16];
    response.level = level;
    response.previous_level = before;
    size_t size = patronus__v1__finalize_upgrade_response__get_packed_size(&response);
    pt_assert(size <= sizeof(data));
    (void)patronus__v1__finalize_upgrade_response__pack(&response, data);
    pt_serve_reply(call, (struct pt_bytes){data, size});
}

static void decided(struct pt_serve_call *call, const struct pt_verdict *verdict)
{
    const struct upgrade *upgrade = call->state;
    if (verdict->error.code != PT_OK) {
        pt_serve_refuse(call, verdict->error.code, PT_REASON_CONFLICT,
                        "the level was not raised; see patronusctl cluster upgrade");
    } else if (upgrade != NULL) {
        reply(call, upgrade->wanted, upgrade->present);
    }
}

static void propose(struct upgrade *upgrade)
{
    struct pt_serve_call *call = upgrade->call;
    Patronus__V1__Command command = PATRONUS__V1__COMMAND__INIT;
    command.format = 1;
    command.time_ns = pt_sys_wall_ns(call->controller->sys);
    command.principal = (char *)(uintptr_t)call->caller.principal;
    command.op_case = PATRONUS__V1__COMMAND__OP_RAISE_LEVEL;
    command.raise_level = upgrade->wanted;
    PT_AUTO(buf) struct pt_buf data = {0};
    pt_kind_command(&command, &data);
    pt_log_info(call->controller->log, "raising the cluster level", "from=%" PRIu32 " to=%" PRIu32, upgrade->present,
                upgrade->wanted);
    pt_serve_propose(call, pt_buf_bytes(&data), decided);
}

static void decide(struct upgrade *upgrade)
{
    char behind[256] = "";
    char silent[256] = "";
    for (size_t i = 0; i < upgrade->len; i++) {
        const struct asked *asked = &upgrade->asked[i];
        char *list = !asked->answered ? silent : asked->level < upgrade->wanted ? behind : NULL;
        if (list != NULL) {
            size_t at = strlen(list);
            (void)snprintf(list + at, 256 - at, "%s%.63s", at > 0 ? ", " : "", asked->name + strlen("controllers/"));
        }
    }
    if (silent[0] != '\0' || behind[0] != '\0') {
        pt_serve_refuse(
            upgrade->call, PT_FAILED_PRECONDITION, PT_REASON_WRONG_STATE,
            "level %" PRIu32 " is not supported by every controller:%s%s%s%s%s. Upgrade them, or remove who "
            "is lost for good",
            upgrade->wanted, behind[0] != '\0' ? " an older binary runs on " : "", behind,
            behind[0] != '\0' && silent[0] != '\0' ? ";" : "", silent[0] != '\0' ? " no answer from " : "", silent);
    } else if (upgrade->validate_only || upgrade->wanted <= upgrade->present) {
        reply(upgrade->call, upgrade->validate_only ? upgrade->wanted : upgrade->present, upgrade->present);
    } else if (!upgrade->call->controller->ready) {
        pt_serve_refuse(upgrade->call, PT_UNAVAILABLE, PT_REASON_LEADER_CHANGED, "leadership moved meanwhile: repeat");
    } else {
        propose(upgrade);
    }
}

static void on_status(void *arg, const struct pt_error *error, struct pt_bytes message)
{
    struct asked *asked = arg;
    struct upgrade *upgrade = asked->upgrade;
    Patronus__V1__GetClusterStatusResponse *status =
        error == NULL ? patronus__v1__get_cluster_status_response__unpack(NULL, message.size, message.data) : NULL;
    if (status != NULL && strcmp(status->controller, asked->name) == 0) {
        asked->answered = true;
        asked->level = status->supported_level > 0 ? status->supported_level : 1;
    }
    if (status != NULL) {
        patronus__v1__get_cluster_status_response__free_unpacked(status, NULL);
    }
    struct pt_serve_call *call = upgrade->call;
    if (--upgrade->waiting == 0 && pt_serve_call_open(call)) {
        decide(upgrade);
    }
    pt_serve_call_unref(call);
}

static bool add(void *arg, const char *name, const struct pt_msg *msg)
{
    struct upgrade *upgrade = arg;
    struct pt_controller *controller = upgrade->call->controller;
    if (strcmp(name, controller->options.identity.name) == 0 || pt_msg_u64(msg, "raft_id") == 0) {
        return true;
    }
    struct asked *asked = &upgrade->asked[upgrade->len++];
    const struct pt_rpc_channel_options options = {.fabric = controller->options.fabric,
                                                   .address = pt_msg_str(msg, "api_address"),
                                                   .beside = controller->closing ? NULL : controller->server,
                                                   .credentials = {.cert_pem = controller->cert_pem,
                                                                   .key_pem = controller->key_pem,
                                                                   .ca_pem = controller->ca_pem}};
    asked->upgrade = upgrade;
    (void)snprintf(asked->name, sizeof(asked->name), "%s", name);
    if (pt_rpc_channel_new(controller->sys, &options, &asked->channel, NULL) != PT_OK) {
        asked->channel = NULL; /* counts as silent */
    }
    return upgrade->len < ASKED_MAX;
}

static void on_message(struct pt_serve_call *call, struct pt_bytes message)
{
    struct pt_controller *controller = call->controller;
    Patronus__V1__FinalizeUpgradeRequest *request =
        patronus__v1__finalize_upgrade_request__unpack(NULL, message.size, message.data);
    struct upgrade *upgrade = calloc(1, sizeof(*upgrade));
    pt_assert(upgrade != NULL && request != NULL); /* the walker has passed it when its permission was looked at */
    upgrade->call = call;
    upgrade->validate_only = request->validate_only != 0;
    upgrade->wanted = pt_kind_level_max(controller->machine);
    upgrade->present = pt_kind_level(controller->machine);
    patronus__v1__finalize_upgrade_request__free_unpacked(request, NULL);
    call->state = upgrade;
    struct pt_view *view = pt_view_new(controller->machine);
    pt_view_scan(view, "controller", "", add, upgrade);
    pt_view_free(view);
    upgrade->waiting = 1; /* until all are asked */
    for (size_t i = 0; i < upgrade->len; i++) {
        if (upgrade->asked[i].channel != NULL) {
            upgrade->waiting++;
            pt_serve_call_ref(call);
            (void)pt_rpc_unary(upgrade->asked[i].channel, STATUS, (struct pt_bytes){0}, NULL, 0, ASK_MS_MAX, on_status,
                               &upgrade->asked[i]);
        }
    }
    if (--upgrade->waiting == 0) {
        decide(upgrade);
    }
}

static void on_end(struct pt_serve_call *call)
{
    struct upgrade *upgrade = call->state;
    if (upgrade == NULL) {
        return;
    }
    pt_serve_call_ref(call); /* answers that are still to come end here, one by one */
    for (size_t i = 0; i < upgrade->len; i++) {
        pt_rpc_channel_free(upgrade->asked[i].channel);
    }
    call->state = NULL;
    free(upgrade);
    pt_serve_call_unref(call);
}

const struct pt_serve_method pt_serve_upgrade = {
    .path = "/patronus.v1.ClusterService/FinalizeUpgrade", .on_message = on_message, .on_end = on_end};
