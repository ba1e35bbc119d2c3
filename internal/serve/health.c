/*
 * The standard health service. The server as a whole ("") serves while it hears a leader; every service of the schema
 * has the same state.
 */
#include "serve/controller_priv.h"

#include "base/assert.h"
#include "grpc/health/v1/health.pb-c.h"

#include <stdlib.h>
#include <string.h>

#define LEADER_SILENT_TIMEOUTS 5 /* election timeouts without a word: it is not known any more */

struct health_watch {
    struct pt_list node; /* controller->health */
    struct pt_serve_call *call;
    int last;
    char service[256];
};

static bool known_service(const struct pt_controller *controller, const char *service)
{
    size_t len = 0;
    const char *const *services = pt_schema_services(controller->schema, &len);
    for (size_t i = 0; i < len; i++) {
        if (strcmp(services[i], service) == 0) {
            return true;
        }
    }
    return service[0] == '\0';
}

/* A standby that is cut off stands for no election, and so goes on believing in the leader that it knew. */
bool pt_serve_leader_heard(const struct pt_controller *controller)
{
    struct pt_raft_status status = pt_raft_status(controller->raft);
    uint64_t patience_ms = LEADER_SILENT_TIMEOUTS * (uint64_t)status.election_timeout_ms;
    return status.leader_id != 0 && pt_raft_silent_ms(controller->raft, status.leader_id) < patience_ms;
}

static int state_of(const struct pt_controller *controller, const char *service)
{
    if (!known_service(controller, service)) {
        return GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVICE_UNKNOWN;
    }
    bool serves = !controller->closing && pt_serve_leader_heard(controller);
    return serves ? GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING
                  : GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__NOT_SERVING;
}

/* Service name of a request; false after answering. */
static bool read_request(struct pt_serve_call *call, struct pt_bytes message, char service[256])
{
    Grpc__Health__V1__HealthCheckRequest *request =
        grpc__health__v1__health_check_request__unpack(NULL, message.size, message.data);
    if (request == NULL || strlen(request->service) > 255) {
        pt_serve_refuse(call, PT_INVALID_ARGUMENT, PT_REASON_MESSAGE_MALFORMED, "the request cannot be read");
    } else {
        memcpy(service, request->service, strlen(request->service) + 1);
    }
    bool good = request != NULL && strlen(request->service) <= 255;
    if (request != NULL) {
        grpc__health__v1__health_check_request__free_unpacked(request, NULL);
    }
    return good;
}

static void encode(int state, struct pt_buf *out)
{
    Grpc__Health__V1__HealthCheckResponse response = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;
    response.status = (Grpc__Health__V1__HealthCheckResponse__ServingStatus)state;
    size_t size = grpc__health__v1__health_check_response__get_packed_size(&response);
    (void)grpc__health__v1__health_check_response__pack(&response, pt_buf_reserve(out, size));
    out->size += size;
}

static void check_message(struct pt_serve_call *call, struct pt_bytes message)
{
    char service[256];
    if (!read_request(call, message, service)) {
        return;
    }
    int state = state_of(call->controller, service);
    if (state == GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVICE_UNKNOWN) {
        pt_serve_refuse(call, PT_NOT_FOUND, PT_REASON_RESOURCE_NOT_FOUND, "there is no service '%s'", service);
        return;
    }
    PT_AUTO(buf) struct pt_buf reply = {0};
    encode(state, &reply);
    pt_serve_reply(call, pt_buf_bytes(&reply));
}

const struct pt_serve_method pt_serve_health_check = {.path = "/grpc.health.v1.Health/Check",
                                                      .on_message = check_message};

static void send_state(struct health_watch *watch)
{
    int state = state_of(watch->call->controller, watch->service);
    if (state != watch->last && watch->call->rpc != NULL) {
        watch->last = state;
        PT_AUTO(buf) struct pt_buf reply = {0};
        encode(state, &reply);
        /* A full queue cannot be: one small message a change of role. */
        (void)pt_rpc_call_send(watch->call->rpc, pt_buf_bytes(&reply));
    }
}

static void watch_message(struct pt_serve_call *call, struct pt_bytes message)
{
    struct health_watch *watch = calloc(1, sizeof(*watch));
    pt_assert(watch != NULL);
    watch->call = call;
    watch->last = -1;
    pt_list_push_back(&call->controller->health, &watch->node);
    call->state = watch;
    if (read_request(call, message, watch->service)) {
        send_state(watch);
    }
}

static void watch_end(struct pt_serve_call *call)
{
    struct health_watch *watch = call->state;
    if (watch != NULL) {
        pt_list_remove(&watch->node);
        free(watch);
        call->state = NULL;
    }
}

const struct pt_serve_method pt_serve_health_watch = {
    .path = "/grpc.health.v1.Health/Watch", .on_message = watch_message, .on_end = watch_end};

void pt_serve_health_changed(struct pt_controller *controller)
{
    PT_LIST_FOREACH_SAFE (node, &controller->health) {
        send_state(PT_CONTAINER(node, struct health_watch, node));
    }
}
