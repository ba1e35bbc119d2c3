/*
 * Clients: each has one operation under way, asks random controllers, and tries again until it has an answer.
 *
 * A write keeps its request id over all tries. An answer that leaves the fate open (UNAVAILABLE and such) makes a later
 * refusal worthless as knowledge: the earlier try may still come through. Sometimes a client gives such a write up.
 */
#include "nodes.h"

#include "base/assert.h"
#include "patronus/v1/common.pb-c.h"
#include "patronus/v1/policy.pb-c.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SERVICE "/patronus.v1.SlaProfileService/"
#define CALL_MS 1200
#define THINK_MS 4
#define RETRY_MS 40
#define TRIES_MAX 60 /* then the operation is given up; its fate stays open */

enum verb { VERB_GET, VERB_LIST, VERB_CREATE, VERB_UPDATE, VERB_UPSERT, VERB_DELETE };

struct client {
    struct world *world;
    unsigned number;
    struct pt_timer *timer;
    bool busy, probing, probed;
    enum verb verb;
    unsigned key, tries, target;
    bool open;                      /* some try may have been carried out */
    size_t write;                   /* of the model */
    struct key_floor before;        /* of the key, when the operation (a read: this try) began */
    struct key_floor all[KEYS_MAX]; /* the same for a list */
    uint64_t revision_before;
    uint64_t sequence;
};

static void key_name(unsigned key, char name[64])
{
    (void)snprintf(name, 64, ORG "/slaProfiles/k%02u", key);
}

static char *borrow(const char *text)
{
    return (char *)(uintptr_t)text;
}

/* ---- answers -------------------------------------------------------------------------------------------------- */

static void saw_profile(struct world *world, const Patronus__V1__SlaProfile *profile, const struct key_floor *before)
{
    const char *id = strrchr(profile->name, '/');
    unsigned key = id != NULL && id[1] == 'k' ? (unsigned)strtoul(id + 2, NULL, 10) : KEYS_MAX;
    if (key >= world->model.keys_len) {
        violate(world, "a resource that nobody made: '%.100s'", profile->name);
        return;
    }
    model_saw(world, key, profile->display_name, profile->revision, before);
}

static void got_get(struct client *client, struct pt_bytes message)
{
    Patronus__V1__SlaProfile *profile = patronus__v1__sla_profile__unpack(NULL, message.size, message.data);
    if (profile == NULL) {
        violate(client->world, "the answer to a get cannot be read");
        return;
    }
    saw_profile(client->world, profile, &client->before);
    patronus__v1__sla_profile__free_unpacked(profile, NULL);
}

static void got_list(struct client *client, struct pt_bytes message)
{
    struct world *world = client->world;
    Patronus__V1__ListSlaProfilesResponse *list =
        patronus__v1__list_sla_profiles_response__unpack(NULL, message.size, message.data);
    if (list == NULL) {
        violate(world, "the answer to a list cannot be read");
        return;
    }
    if (list->revision < client->revision_before) {
        violate(world, "a list at %" PRIu64 " after %" PRIu64 " was known", list->revision, client->revision_before);
    }
    bool seen[KEYS_MAX] = {false};
    for (size_t i = 0; i < list->n_sla_profiles && world->violations == 0; i++) {
        const char *id = strrchr(list->sla_profiles[i]->name, '/');
        unsigned key = id != NULL ? (unsigned)strtoul(id + 2, NULL, 10) : KEYS_MAX;
        if (key < world->model.keys_len && seen[key]) {
            violate(world, "key %u stands twice in a list", key);
        } else if (key < world->model.keys_len) {
            seen[key] = true;
            saw_profile(world, list->sla_profiles[i], &client->all[key]);
        }
    }
    for (unsigned key = 0; key < world->model.keys_len && world->violations == 0; key++) {
        if (!seen[key]) {
            model_saw_nothing(world, key, &client->all[key]);
        }
    }
    patronus__v1__list_sla_profiles_response__free_unpacked(list, NULL);
}

static void got_put(struct client *client, struct pt_bytes message)
{
    Patronus__V1__SlaProfile *profile = patronus__v1__sla_profile__unpack(NULL, message.size, message.data);
    char value[24];
    if (profile == NULL || strcmp(profile->display_name, model_value(client->write, value)) != 0) {
        violate(client->world, "write %zu was answered with '%.40s'", client->write,
                profile != NULL ? profile->display_name : "nothing that can be read");
    } else {
        model_write_acked(client->world, client->write, profile->revision, &client->before);
    }
    if (profile != NULL) {
        patronus__v1__sla_profile__free_unpacked(profile, NULL);
    }
}

static void got_delete(struct client *client, struct pt_bytes message)
{
    Patronus__V1__DeleteResponse *response = patronus__v1__delete_response__unpack(NULL, message.size, message.data);
    if (response == NULL) {
        violate(client->world, "the answer to a delete cannot be read");
        return;
    }
    model_write_acked(client->world, client->write, response->revision, &client->before);
    patronus__v1__delete_response__free_unpacked(response, NULL);
}

static bool is_write(enum verb verb)
{
    return verb != VERB_GET && verb != VERB_LIST;
}

static void rest(struct client *client)
{
    client->busy = false;
    client->tries = 0;
    client->open = false;
    pt_timer_start(client->timer, 1 + draw(client->world, THINK_MS), 0);
}

/* Does the answer leave open whether the request was carried out? */
static bool is_vague(const struct pt_error *error)
{
    return error->code == PT_UNAVAILABLE || error->code == PT_DEADLINE_EXCEEDED || error->code == PT_CANCELLED ||
           error->code == PT_EXHAUSTED;
}

static void refused(struct client *client, const struct pt_error *error)
{
    struct world *world = client->world;
    bool plain = client->verb == VERB_CREATE ? error->code == PT_ALREADY_EXISTS : error->code == PT_NOT_FOUND;
    if (!plain || client->verb == VERB_LIST || client->verb == VERB_UPSERT) {
        violate(world, "operation %u on key %u was refused: %s %s: %.120s", (unsigned)client->verb, client->key,
                pt_code_name(error->code), error->field, error->text);
    } else if (client->verb == VERB_GET) {
        model_saw_nothing(world, client->key, &client->before);
        world->ops++;
    } else {
        model_write_over(world, client->write, client->open ? UNKNOWN : REFUSED);
    }
    rest(client);
}

static void on_reply(void *arg, const struct pt_error *error, struct pt_bytes message)
{
    struct client *client = arg;
    struct world *world = client->world;
    if (world->violations > 0) {
        return;
    }
    if (error != NULL && is_vague(error)) {
        client->open = true;
        bool tired = client->tries > TRIES_MAX || (client->tries > 2 && !client->probing && chance(world, 5));
        if (!tired) {
            pt_timer_start(client->timer, 1 + draw(world, RETRY_MS), 0);
            return;
        }
        if (is_write(client->verb)) {
            model_write_over(world, client->write, UNKNOWN);
        }
        rest(client);
        return;
    }
    if (error != NULL) {
        refused(client, error);
        return;
    }
    switch (client->verb) {
    case VERB_GET:
        got_get(client, message);
        break;
    case VERB_LIST:
        got_list(client, message);
        break;
    case VERB_DELETE:
        got_delete(client, message);
        break;
    case VERB_CREATE:
    case VERB_UPDATE:
    case VERB_UPSERT:
        got_put(client, message);
        client->probed = client->probing;
        break;
    }
    world->ops++;
    rest(client);
}

/* ---- requests ------------------------------------------------------------------------------------------------- */

static void call(struct client *client, const char *method, const ProtobufCMessage *request)
{
    struct world *world = client->world;
    PT_AUTO(buf) struct pt_buf data = {0};
    size_t size = protobuf_c_message_get_packed_size(request);
    (void)protobuf_c_message_pack(request, pt_buf_reserve(&data, size));
    data.size = size;
    (void)pt_rpc_unary(world->channels[client->target], method, pt_buf_bytes(&data), NULL, 0, CALL_MS, on_reply,
                       client);
}

static void send_put(struct client *client, const char *name, char *request_id)
{
    char value[24], id[8];
    Patronus__V1__SlaProfile profile = PATRONUS__V1__SLA_PROFILE__INIT;
    profile.display_name = model_value(client->write, value);
    if (client->verb == VERB_CREATE) {
        (void)snprintf(id, sizeof(id), "k%02u", client->key);
        Patronus__V1__CreateSlaProfileRequest request = PATRONUS__V1__CREATE_SLA_PROFILE_REQUEST__INIT;
        request.parent = borrow(ORG);
        request.sla_profile_id = id;
        request.sla_profile = &profile;
        request.request_id = request_id;
        call(client, SERVICE "CreateSlaProfile", &request.base);
        return;
    }
    Patronus__V1__UpdateSlaProfileRequest request = PATRONUS__V1__UPDATE_SLA_PROFILE_REQUEST__INIT;
    profile.name = borrow(name);
    request.sla_profile = &profile;
    request.allow_missing = client->verb == VERB_UPSERT;
    request.request_id = request_id;
    call(client, SERVICE "UpdateSlaProfile", &request.base);
}

static void send(struct client *client)
{
    struct world *world = client->world;
    char name[64], request_id[64];
    key_name(client->key, name);
    (void)snprintf(request_id, sizeof(request_id), "c%u-%" PRIu64, client->number, client->sequence);
    client->tries++;
    /* Mostly one controller, so that most requests need no other way; after a failure any. */
    if (client->tries > 1 || chance(world, 10)) {
        client->target = (unsigned)draw(world, CONTROLLERS_MAX);
    }
    if (!is_write(client->verb) || client->tries == 1) {
        client->before = world->model.keys[client->key].floor;
    }
    if (client->verb == VERB_GET) {
        Patronus__V1__GetSlaProfileRequest request = PATRONUS__V1__GET_SLA_PROFILE_REQUEST__INIT;
        request.name = name;
        call(client, SERVICE "GetSlaProfile", &request.base);
    } else if (client->verb == VERB_LIST) {
        Patronus__V1__ListSlaProfilesRequest request = PATRONUS__V1__LIST_SLA_PROFILES_REQUEST__INIT;
        request.parent = borrow(ORG);
        request.page_size = 1000;
        for (unsigned i = 0; i < world->model.keys_len; i++) {
            client->all[i] = world->model.keys[i].floor;
        }
        client->revision_before = world->model.revision_max;
        call(client, SERVICE "ListSlaProfiles", &request.base);
    } else if (client->verb == VERB_DELETE) {
        Patronus__V1__DeleteSlaProfileRequest request = PATRONUS__V1__DELETE_SLA_PROFILE_REQUEST__INIT;
        request.name = name;
        request.request_id = request_id;
        call(client, SERVICE "DeleteSlaProfile", &request.base);
    } else {
        send_put(client, name, request_id);
    }
}

static enum verb choose(struct world *world)
{
    uint64_t dice = draw(world, 100);
    return dice < 40   ? VERB_GET
           : dice < 43 ? VERB_LIST
           : dice < 50 ? VERB_CREATE
           : dice < 65 ? VERB_UPDATE
           : dice < 92 ? VERB_UPSERT
                       : VERB_DELETE;
}

static void begin(struct client *client, enum verb verb)
{
    struct world *world = client->world;
    client->busy = true;
    client->verb = verb;
    client->key = (unsigned)draw(world, world->model.keys_len);
    client->sequence++;
    if (is_write(verb)) {
        client->write = model_write(world, client->key, verb == VERB_DELETE);
    }
    send(client);
}

static void on_timer(void *arg)
{
    struct client *client = arg;
    struct world *world = client->world;
    if (world->violations > 0) {
        return;
    }
    if (client->busy) {
        send(client);
    } else if (client->probing && !client->probed) {
        begin(client, VERB_UPSERT);
    } else if (!world->winding_down) {
        begin(client, choose(world));
    }
}

void clients_init(struct world *world, size_t len)
{
    world->clients = calloc(len, sizeof(*world->clients));
    pt_assert(world->clients != NULL);
    world->clients_len = len;
    for (size_t i = 0; i < len; i++) {
        struct client *client = &world->clients[i];
        *client = (struct client){.world = world, .number = (unsigned)i};
        client->timer = pt_timer_new(pt_sim_host(world->sim, world->client_host), on_timer, client);
        pt_timer_start(client->timer, 1 + draw(world, 100), 0);
    }
}

void clients_fini(struct world *world)
{
    for (size_t i = 0; i < world->clients_len; i++) {
        pt_timer_free(world->clients[i].timer);
    }
    free(world->clients);
    world->clients = NULL;
    world->clients_len = 0;
}

bool clients_idle(const struct world *world)
{
    for (size_t i = 0; i < world->clients_len; i++) {
        if (world->clients[i].busy) {
            return false;
        }
    }
    return true;
}

void clients_probe(struct world *world)
{
    struct client *client = &world->clients[0];
    client->probing = true;
    client->probed = false;
    if (!client->busy) {
        pt_timer_start(client->timer, 1, 0);
    }
}

bool clients_probe_done(const struct world *world)
{
    return world->clients[0].probed;
}
