/*
 * The stream to the leader, and bundles.
 *
 * Finding the leader. Addresses come from the join token, then from the controllers themselves, and stand on disk. Each
 * dial takes the next address; when every address failed, the next link is tried for all of them (control_link.c says
 * in which order, and when a link is left that died). A follower answers with the leader's address, which is dialled at
 * once. A stream that brings nothing for a while although telemetry goes out is found dead by the transport's own
 * keepalive; when its link dies, or it ends, the second connection (second.c) takes its place.
 *
 * Bundles. Accepted only when: the signature is the cluster's, it is for this node, its position is not older than the
 * one in force, and the entries make the digest in the header. Then it is put in force by the data plane, read back,
 * kept on disk and acknowledged. Anything else leaves the old one in force and is said in the acknowledgement.
 */
#include "agent/agent.h"
#include "agent/agent_priv.h"
#include "agent/control_link.h"

#include "base/assert.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIME_MS 1000 /* between looks at what the clock changes */
#define BACKOFF_MIN_MS 50
#define BACKOFF_MAX_MS 2000
#define FIRST_MESSAGE_MS 3000 /* a dial that brings no message by then is given up */
#define TAKEN_OVER_MS 1000    /* likewise for the second connection, which needs no handshake any more */
#define ONE_STREAM_MS 600000  /* a controller that takes one stream a node is not offered a second so long */
#define SETTLED_MS 1000       /* nor is any in the first second: after a leader's change all nodes come at once */
#define REDIRECTS_MAX 3       /* in a row, at once; then controllers that point at each other are left to agree */
#define TELEMETRY_MS 1000
#define AFTER_DEATH_MS 300 /* from telling a death to what can wait: all else, another second connection */
#define BUNDLE_SIZE_MAX (64U << 20)

/* ---- dialling ------------------------------------------------------------------------------------------------- */

static void dial(void *arg);

static void dial_later(struct pt_agent *agent)
{
    agent->state = PT_AGENT_OFFLINE;
    pt_timer_start(agent->dial_timer, agent->backoff_ms, 0);
    agent->backoff_ms = agent->backoff_ms * 2 < BACKOFF_MAX_MS ? agent->backoff_ms * 2 : BACKOFF_MAX_MS;
}

static void hang_up(struct pt_agent *agent)
{
    struct pt_agent_connection *live = agent->live;
    agent->live = NULL;
    pt_timer_stop(agent->telemetry_timer);
    pt_agent_diagnose_stop(agent);
    pt_agent_disconnect(live);
}

bool pt_agent_path_alive(void *arg, uint64_t path_id)
{
    const struct pt_agent *agent = arg;
    struct pt_live_status live;
    if (agent->options.tunnel != NULL && pt_agent_tunnel_live(agent->options.tunnel, path_id, &live)) {
        return live.alive;
    }
    return agent->hello != NULL && pt_hello_alive(agent->hello, path_id);
}

/* Tell the kernel which link leads to the controller that is dialled next. */
static void use_link(struct pt_agent *agent, const struct pt_ip *controller)
{
    struct pt_agent_link links[PT_AGENT_LINKS_MAX];
    size_t len = pt_agent_links_rank(agent->bundle, pt_agent_path_alive, agent, links);
    const Patronus__V1__LinkEntry *link = len > 0 ? links[agent->link_turn % len].entry : NULL;
    struct pt_ip source, gateway;
    bool has_gateway;
    if (link != NULL && pt_agent_link_addresses(link, &source, &gateway, &has_gateway)) {
        agent->options.routes.use_link(agent->options.routes.context, controller, link->interface, &source,
                                       has_gateway ? &gateway : NULL);
    }
}

static void choose_link(struct pt_agent *agent, const char *address, struct pt_ip *ret_from)
{
    const struct pt_agent_routes *routes = &agent->options.routes;
    struct pt_endpoint endpoint;
    *ret_from = (struct pt_ip){0};
    agent->link_chosen = false;
    if (routes->use_link == NULL || pt_endpoint_parse(address, &endpoint, NULL) != PT_OK) {
        return;
    }
    if (agent->bundle != NULL) {
        use_link(agent, &endpoint.ip);
        agent->link_chosen = true;
    }
    if (routes->source_to != NULL && !routes->source_to(routes->context, &endpoint.ip, ret_from)) {
        *ret_from = (struct pt_ip){0};
    }
}

/* By another link, when that is better: not at once, for this may be called from the channel that is to be freed. */
static void look_at_link(struct pt_agent *agent)
{
    static const struct pt_ip none;
    if (agent->state != PT_AGENT_STREAMING || agent->bundle == NULL || agent->options.routes.use_link == NULL ||
        memcmp(&agent->live->from, &none, sizeof(none)) == 0) {
        return;
    }
    struct pt_agent_link links[PT_AGENT_LINKS_MAX];
    size_t len = pt_agent_links_rank(agent->bundle, pt_agent_path_alive, agent, links);
    const struct pt_agent_link *better = pt_agent_link_better(links, len, &agent->live->from, agent->link_chosen);
    if (better != NULL) {
        pt_log_info(agent->options.log, "controller by another link", "link=%s living=%u", better->entry->name,
                    better->living);
        agent->moves = true;
        pt_timer_start(agent->dial_timer, 0, 0);
    }
}

static void send_hello(struct pt_agent *agent);
static void disconnect(void *connection);

/* The leader knows the second stream from now on, and what it hears first is what died. */
static bool take_over(struct pt_agent *agent)
{
    struct pt_agent_connection *second = pt_agent_second_take(agent);
    if (second == NULL) {
        return false;
    }
    struct pt_agent_connection *old = agent->live;
    if (old != NULL) {
        old->agent = NULL;                                /* what its end says is not heard any more */
        pt_sys_post(agent->options.sys, disconnect, old); /* first the leader hears of the death */
    }
    pt_timer_stop(agent->telemetry_timer);
    pt_agent_diagnose_stop(agent);
    agent->live = second;
    agent->state = PT_AGENT_CONNECTING;
    pt_log_info(agent->options.log, "second connection takes over", "address=%s", second->address);
    send_hello(agent);
    pt_agent_report_death(agent);
    pt_timer_start(agent->dial_timer, TAKEN_OVER_MS, 0);
    return true;
}

/* To the controller that it hangs up on. */
static void move(struct pt_agent *agent)
{
    agent->moves = false;
    if (agent->state == PT_AGENT_STREAMING && !take_over(agent)) {
        (void)snprintf(agent->redirect, sizeof(agent->redirect), "%s", agent->live->address);
        agent->link_turn = 0;
        hang_up(agent);
        dial(agent);
    }
}

static bool next_address(struct pt_agent *agent, char address[80])
{
    struct pt_node_files *files = agent->options.files;
    if (agent->redirect[0] != '\0') {
        (void)snprintf(address, sizeof(agent->redirect), "%s", agent->redirect);
        agent->redirect[0] = '\0';
        return true;
    }
    if (files->agent_addresses_len == 0) {
        return false;
    }
    size_t turn = agent->address_turn++;
    if (turn % files->agent_addresses_len == 0 && turn > 0) {
        agent->link_turn++;
    }
    (void)snprintf(address, sizeof(agent->redirect), "%s", files->agent_addresses[turn % files->agent_addresses_len]);
    return true;
}

#define SHARES_MAX 65536
/* What the weights of a solver's split add to; others are smaller, or larger while one ramps up. */
#define QUANTUM 256

static bool carries(const Patronus__V1__GroupMember *member)
{
    return member->tier == 0;
}

/* The splits in force that a solver gave. */
static void add_shares(const struct pt_bundle *bundle, struct pt_arena *arena, Patronus__V1__NodeHello *hello)
{
    size_t len = 0;
    const Patronus__V1__Entry *const *entries = pt_bundle_entries(bundle, &len);
    hello->shares = pt_arena_array(arena, SHARES_MAX, sizeof(*hello->shares));
    for (size_t i = 0; i < len; i++) {
        const Patronus__V1__GroupEntry *group =
            entries[i]->entry_case == PATRONUS__V1__ENTRY__ENTRY_GROUP ? entries[i]->group : NULL;
        uint64_t sum = 0;
        for (size_t j = 0; group != NULL && group->policy_class == 0 && j < group->n_members; j++) {
            sum += carries(group->members[j]) ? group->members[j]->weight : 0;
        }
        for (size_t j = 0; sum == QUANTUM && j < group->n_members && hello->n_shares < SHARES_MAX; j++) {
            if (carries(group->members[j])) {
                Patronus__V1__PathShare *share = PT_NEW(arena, Patronus__V1__PathShare);
                patronus__v1__path_share__init(share);
                share->path = group->members[j]->path;
                share->weight = group->members[j]->weight;
                share->traffic_class = group->traffic_class;
                hello->shares[hello->n_shares++] = share;
            }
        }
    }
}

static void send_hello(struct pt_agent *agent)
{
    struct pt_arena arena;
    pt_arena_init(&arena);
    Patronus__V1__NodeHello hello = PATRONUS__V1__NODE_HELLO__INIT;
    Patronus__V1__BundlePosition position = PATRONUS__V1__BUNDLE_POSITION__INIT;
    hello.software_version = (char *)(uintptr_t)agent->options.version;
    hello.abi_version = 1;
    const uint8_t *key = agent->options.tunnel != NULL ? pt_agent_tunnel_public_key(agent->options.tunnel) : NULL;
    if (key != NULL) {
        hello.tunnel_public_key = (ProtobufCBinaryData){.len = PT_X25519_SIZE, .data = (uint8_t *)(uintptr_t)key};
        memcpy(agent->told_key, key, sizeof(agent->told_key));
    }
    agent->key_told = key != NULL;
    if (agent->bundle != NULL) {
        position.cluster_id = agent->options.files->cluster_id;
        position.epoch = agent->position.epoch;
        position.term = agent->position.term;
        position.generation = agent->position.generation;
        hello.position = &position;
        hello.digest = (ProtobufCBinaryData){.len = PT_DIGEST_SIZE, .data = agent->position.digest.bytes};
        add_shares(agent->bundle, &arena, &hello);
    }
    Patronus__V1__EdgeMessage message = PATRONUS__V1__EDGE_MESSAGE__INIT;
    message.message_case = PATRONUS__V1__EDGE_MESSAGE__MESSAGE_HELLO;
    message.hello = &hello;
    pt_agent_send(agent, &message);
    pt_arena_fini(&arena);
}

static void on_message(void *arg, struct pt_bytes data);
static void on_end(void *arg, const struct pt_error *error);

enum pt_code pt_agent_connect(struct pt_agent *agent, const char *address, struct pt_agent_connection **ret_connection,
                              struct pt_error *reterr)
{
    static const struct pt_rpc_stream_ops ops = {.on_message = on_message, .on_end = on_end};
    const struct pt_node_files *files = agent->options.files;
    const struct pt_rpc_channel_options options = {.address = address,
                                                   .credentials = {.cert_pem = (const char *)files->cert_pem.data,
                                                                   .key_pem = (const char *)files->key_pem.data,
                                                                   .ca_pem = (const char *)files->ca_pem.data},
                                                   .message_size_max = BUNDLE_SIZE_MAX,
                                                   .fabric = agent->options.fabric};
    struct pt_rpc_channel *channel = NULL;
    PT_TRY(pt_rpc_channel_new(agent->options.sys, &options, &channel, reterr));
    struct pt_agent_connection *connection = calloc(1, sizeof(*connection));
    pt_assert(connection != NULL);
    connection->agent = agent;
    connection->channel = channel;
    (void)snprintf(connection->address, sizeof(connection->address), "%s", address);
    connection->stream = pt_rpc_stream_open(channel, "/patronus.v1.EdgeSync/Stream", NULL, 0, &ops, connection);
    *ret_connection = connection;
    return PT_OK;
}

void pt_agent_disconnect(struct pt_agent_connection *connection)
{
    if (connection != NULL) {
        connection->agent = NULL; /* what its end says is not heard any more */
        pt_rpc_channel_free(connection->channel);
        free(connection);
    }
}

static void dial(void *arg)
{
    struct pt_agent *agent = arg;
    char address[80];
    struct pt_ip from;
    pt_agent_second_drop(agent);
    if (!next_address(agent, address)) {
        dial_later(agent);
        return;
    }
    choose_link(agent, address, &from);
    struct pt_error error = {0};
    if (pt_agent_connect(agent, address, &agent->live, &error) != PT_OK) {
        pt_log_warn(agent->options.log, "controller not dialled", "address=%s reason=\"%s\"", address, error.text);
        dial_later(agent);
        return;
    }
    agent->live->from = from;
    agent->state = PT_AGENT_CONNECTING;
    agent->reported = false;
    send_hello(agent);
    pt_timer_start(agent->dial_timer, FIRST_MESSAGE_MS, 0);
}

static void on_dial_timer(void *arg)
{
    struct pt_agent *agent = arg;
    if (agent->moves) {
        move(agent);
    } else if (agent->state == PT_AGENT_CONNECTING) {
        pt_log_info(agent->options.log, "controller silent", "address=%s", agent->live->address);
        hang_up(agent);
        dial(agent);
    } else if (agent->state == PT_AGENT_OFFLINE) {
        dial(agent);
    }
}

static void disconnect(void *arg)
{
    pt_agent_disconnect(arg);
}

static void on_end(void *arg, const struct pt_error *error)
{
    struct pt_agent_connection *connection = arg;
    struct pt_agent *agent = connection->agent;
    if (agent == NULL) {
        return; /* hung up by us */
    }
    connection->stream = NULL;
    connection->agent = NULL;
    pt_sys_post(agent->options.sys, disconnect, connection); /* a channel is not freed inside its own callback */
    if (connection == agent->second.connection) {
        pt_agent_second_ended(agent);
        return;
    }
    if (agent->state == PT_AGENT_STREAMING || error != NULL) {
        pt_log_info(agent->options.log, "controller left", "address=%s reason=\"%s\"", connection->address,
                    error != NULL ? error->text : "");
    }
    agent->live = NULL;
    pt_timer_stop(agent->telemetry_timer);
    pt_agent_diagnose_stop(agent);
    pt_agent_trial_tick(agent); /* until now */
    if (error != NULL && error->code == PT_ABORTED) {
        pt_agent_second_wait(agent, ONE_STREAM_MS); /* an older controller: it ends the first when a second opens */
    }
    if (agent->redirect[0] != '\0' && agent->redirects < REDIRECTS_MAX) {
        agent->redirects++;
        agent->state = PT_AGENT_OFFLINE;
        pt_timer_start(agent->dial_timer, 0, 0);
    } else if (error == NULL || (error->code != PT_UNAVAILABLE && error->code != PT_ABORTED) || !take_over(agent)) {
        agent->redirects = 0;
        dial_later(agent);
    }
}

/* ---- sending -------------------------------------------------------------------------------------------------- */

void pt_agent_send(struct pt_agent *agent, const Patronus__V1__EdgeMessage *message)
{
    if (agent->live == NULL || agent->live->stream == NULL) {
        return;
    }
    PT_AUTO(buf) struct pt_buf data = {0};
    size_t size = patronus__v1__edge_message__get_packed_size(message);
    (void)patronus__v1__edge_message__pack(message, pt_buf_reserve(&data, size));
    data.size = size;
    /* Telemetry is soft and one a second: a full queue only delays it. */
    (void)pt_rpc_stream_send(agent->live->stream, pt_buf_bytes(&data));
}

/* A tunnel process that was slow to start was not there yet when the hello was said; or it is one that made a key anew.
 * Until the leader knows the key nobody can seal to this node, though hellos find its paths alive. */
static void tell_key(struct pt_agent *agent)
{
    const uint8_t *key = agent->options.tunnel != NULL ? pt_agent_tunnel_public_key(agent->options.tunnel) : NULL;
    if (key != NULL && (!agent->key_told || memcmp(agent->told_key, key, sizeof(agent->told_key)) != 0)) {
        pt_log_info(agent->options.log, "tunnel key told", "reason=\"%s\"",
                    agent->key_told ? "it is another one" : "the tunnel process came after the hello");
        send_hello(agent);
    }
}

static void on_telemetry_timer(void *arg)
{
    struct pt_agent *agent = arg;
    if (agent->state != PT_AGENT_STREAMING) {
        return;
    }
    if (agent->link_doubt) {
        agent->link_doubt = false;
        look_at_link(agent);
    }
    if (agent->moves) {
        return; /* what would be said now would not arrive */
    }
    tell_key(agent);
    if (agent->died) {
        agent->died = false;
        pt_agent_report_death(agent);
        pt_timer_start(agent->telemetry_timer, AFTER_DEATH_MS, 0);
        return;
    }
    pt_agent_report(agent);
    pt_agent_second_look(agent);
    pt_timer_start(agent->telemetry_timer, TELEMETRY_MS, 0);
}

/* The tunnel process has flipped the path's word already. */
static void on_live_change(void *arg, uint64_t path_id, bool alive)
{
    struct pt_agent *agent = arg;
    pt_log_info(agent->options.log, alive ? "path up" : "path down", "path=%016" PRIx64, path_id);
    if (alive) {
        agent->options.dp->ops->ask_again(agent->options.dp); /* the tunnel process flips words, not flows */
    }
    if (agent->state == PT_AGENT_STREAMING) {
        pt_timer_start(agent->telemetry_timer, 0, 0); /* the leader hears after the flip */
    }
    agent->died = agent->died || !alive;
    agent->link_doubt = agent->link_doubt || !alive; /* looked at when all that die together have been heard of */
}

static bool judged_by_bfd(void *arg, uint64_t path_id)
{
    const struct pt_agent *agent = arg;
    return agent->options.tunnel != NULL && pt_agent_tunnel_live(agent->options.tunnel, path_id, NULL);
}

/* Hellos have the say where BFD has not. */
static void on_path_change(void *arg, uint64_t path_id, bool alive)
{
    struct pt_agent *agent = arg;
    if (judged_by_bfd(agent, path_id)) {
        return;
    }
    agent->options.dp->ops->set_path_alive(agent->options.dp, path_id, alive);
    on_live_change(agent, path_id, alive);
}

static void before_flip(void *arg, const struct pt_bundle *bundle)
{
    const struct pt_agent *agent = arg;
    pt_agent_tunnel_prepare(agent->options.tunnel, bundle);
}

/* The tunnel process is gone: what hellos found meanwhile counts again. */
static void on_live_lost(void *arg, uint64_t path_id)
{
    struct pt_agent *agent = arg;
    if (agent->hello != NULL) {
        on_path_change(agent, path_id, pt_hello_alive(agent->hello, path_id));
    }
}

/* ---- receiving ------------------------------------------------------------------------------------------------ */

static void ack(struct pt_agent *agent, const Patronus__V1__BundleHeader *header, const char *refusal)
{
    Patronus__V1__BundleAck answer = PATRONUS__V1__BUNDLE_ACK__INIT;
    answer.position = header != NULL ? header->position : NULL;
    answer.digest =
        (ProtobufCBinaryData){.len = agent->bundle != NULL ? PT_DIGEST_SIZE : 0, .data = agent->position.digest.bytes};
    answer.error = (char *)(uintptr_t)refusal;
    Patronus__V1__EdgeMessage message = PATRONUS__V1__EDGE_MESSAGE__INIT;
    message.message_case = PATRONUS__V1__EDGE_MESSAGE__MESSAGE_ACK;
    message.ack = &answer;
    pt_agent_send(agent, &message);
}

static void on_bundle(struct pt_agent *agent, const Patronus__V1__Bundle *bundle)
{
    struct pt_error error = {0};
    enum pt_code code = pt_agent_take_bundle(agent, bundle, true, &error);
    if (code == PT_OK) {
        ack(agent, bundle->header, "");
        if (!agent->link_chosen) { /* the first one: now the links are known */
            look_at_link(agent);
            agent->link_chosen = true;
        }
    } else {
        pt_log_warn(agent->options.log, "bundle refused", "code=%s reason=\"%s\"", pt_code_name(code), error.text);
        ack(agent, bundle->header, error.text);
    }
}

/* Replace a list of addresses by the sound ones among others; true when it changed. An empty list replaces nothing. */
static bool take_addresses(char (*addresses)[80], size_t *addresses_len, char *const *given, size_t given_len)
{
    char taken[PT_NODE_ADDRESSES_MAX][80] = {{0}};
    size_t len = 0;
    for (size_t i = 0; i < given_len && len < PT_NODE_ADDRESSES_MAX; i++) {
        struct pt_endpoint endpoint;
        if (strlen(given[i]) < sizeof(taken[0]) && pt_endpoint_parse(given[i], &endpoint, NULL) == PT_OK) {
            memcpy(taken[len++], given[i], strlen(given[i]) + 1);
        }
    }
    bool same = len == *addresses_len;
    for (size_t i = 0; same && i < len; i++) {
        same = strcmp(addresses[i], taken[i]) == 0;
    }
    if (len == 0 || same) {
        return false;
    }
    memcpy(addresses, taken, sizeof(taken));
    *addresses_len = len;
    return true;
}

static void on_controllers(struct pt_agent *agent, const Patronus__V1__ControllerList *list)
{
    struct pt_node_files *files = agent->options.files;
    bool changed = take_addresses(files->agent_addresses, &files->agent_addresses_len, list->agent_addresses,
                                  list->n_agent_addresses);
    changed |=
        take_addresses(files->api_addresses, &files->api_addresses_len, list->api_addresses, list->n_api_addresses);
    struct pt_error error = {0};
    if (changed && pt_node_save_identity(agent->options.sys, agent->options.directory, files, &error) != PT_OK) {
        pt_log_warn(agent->options.log, "addresses not kept", "reason=\"%s\"", error.text);
    }
}

static void ask(struct pt_agent *agent, const Patronus__V1__NodeQuestion *question)
{
    if (question->question_case == PATRONUS__V1__NODE_QUESTION__QUESTION_DIAGNOSTIC ||
        question->question_case == PATRONUS__V1__NODE_QUESTION__QUESTION_STOP) {
        pt_agent_diagnose(agent, question);
    } else {
        pt_agent_answer(agent, question);
    }
}

static void on_message(void *arg, struct pt_bytes data)
{
    struct pt_agent_connection *connection = arg;
    struct pt_agent *agent = connection->agent;
    Patronus__V1__ControllerMessage *message = agent != NULL ? pt_agent_parse(agent, data) : NULL;
    if (message == NULL) {
        return;
    }
    if (connection == agent->second.connection) {
        pt_agent_second_heard(agent, message);
        patronus__v1__controller_message__free_unpacked(message, NULL);
        return;
    }
    connection->heard = true;
    if (message->message_case == PATRONUS__V1__CONTROLLER_MESSAGE__MESSAGE_NOT_LEADER) {
        (void)snprintf(agent->redirect, sizeof(agent->redirect), "%.79s", message->not_leader->agent_address);
    } else if (agent->state == PT_AGENT_CONNECTING) {
        agent->state = PT_AGENT_STREAMING;
        agent->history_told = 0; /* perhaps another leader */
        agent->backoff_ms = BACKOFF_MIN_MS;
        agent->address_turn = 0;
        agent->redirects = 0;
        pt_agent_second_wait(agent, SETTLED_MS);
        pt_timer_stop(agent->dial_timer);
        pt_timer_start(agent->telemetry_timer, 0, 0);
        pt_log_info(agent->options.log, "controller found", "address=%s", connection->address);
    }
    if (message->message_case == PATRONUS__V1__CONTROLLER_MESSAGE__MESSAGE_BUNDLE) {
        on_bundle(agent, message->bundle);
    } else if (message->message_case == PATRONUS__V1__CONTROLLER_MESSAGE__MESSAGE_CONTROLLERS) {
        on_controllers(agent, message->controllers);
    } else if (message->message_case == PATRONUS__V1__CONTROLLER_MESSAGE__MESSAGE_TRUST) {
        pt_agent_take_trust(agent, message->trust);
    } else if (message->message_case == PATRONUS__V1__CONTROLLER_MESSAGE__MESSAGE_BANDWIDTH) {
        pt_agent_take_order(agent, message->bandwidth);
    } else if (message->message_case == PATRONUS__V1__CONTROLLER_MESSAGE__MESSAGE_QUESTION) {
        ask(agent, message->question);
    }
    patronus__v1__controller_message__free_unpacked(message, NULL);
}

/* ---- life ----------------------------------------------------------------------------------------------------- */

enum pt_code pt_agent_open(const struct pt_agent_options *options, struct pt_agent **ret_agent, struct pt_error *reterr)
{
    (void)reterr; /* nothing that is tried here is fatal: the leader is found later, the bundle comes again */
    struct pt_agent *agent = calloc(1, sizeof(*agent));
    pt_assert(agent != NULL);
    agent->options = *options;
    agent->backoff_ms = BACKOFF_MIN_MS;
    pt_list_init(&agent->diagnostics);
    if (options->hello_io != NULL) {
        const struct pt_hello_options hello = {.sys = options->sys,
                                               .io = options->hello_io,
                                               .on_change = on_path_change,
                                               .judged = judged_by_bfd,
                                               .arg = agent};
        agent->hello = pt_hello_new(&hello);
    }
    if (options->tunnel != NULL) {
        options->dp->before_flip = before_flip;
        options->dp->before_flip_arg = agent;
        const struct pt_agent_tunnel_watcher watcher = {
            .on_change = on_live_change, .on_lost = on_live_lost, .arg = agent};
        pt_agent_tunnel_watch(options->tunnel, &watcher);
    }
    agent->inspect = pt_agent_inspect_new(agent);
    agent->dial_timer = pt_timer_new(options->sys, on_dial_timer, agent);
    agent->telemetry_timer = pt_timer_new(options->sys, on_telemetry_timer, agent);
    agent->time_timer = pt_timer_new(options->sys, pt_agent_on_time, agent);
    agent->settle_timer = pt_timer_new(options->sys, pt_agent_settle, agent);
    pt_agent_bandwidth_init(agent);
    pt_timer_start(agent->time_timer, TIME_MS, TIME_MS);
    pt_agent_recall_start(agent);
    pt_agent_load_bundle(agent);
    pt_agent_keep_load(agent);
    pt_agent_renew_start(agent);
    pt_timer_start(agent->dial_timer, 0, 0);
    *ret_agent = agent;
    return PT_OK;
}

void pt_agent_close(struct pt_agent *agent)
{
    if (agent == NULL) {
        return;
    }
    pt_agent_renew_stop(agent);
    pt_agent_second_drop(agent);
    hang_up(agent);
    pt_timer_free(agent->dial_timer);
    pt_timer_free(agent->telemetry_timer);
    pt_timer_free(agent->time_timer);
    pt_timer_free(agent->settle_timer);
    pt_agent_bandwidth_fini(agent);
    if (agent->options.tunnel != NULL) {
        pt_agent_tunnel_watch(agent->options.tunnel, &(struct pt_agent_tunnel_watcher){0});
        agent->options.dp->before_flip = NULL;
    }
    pt_agent_inspect_free(agent->inspect);
    pt_hello_free(agent->hello);
    pt_agent_trial_fini(agent);
    pt_agent_recall_stop(agent);
    pt_bundle_unref(agent->bundle);
    free(agent->demand);
    free(agent->queues);
    free(agent->ports);
    free(agent);
}

void pt_agent_abandon(struct pt_agent *agent)
{
    /* The fabric has dropped the dead host's channels already: their handles are not to be touched. */
    free(agent->live);
    free(agent->second.connection);
    agent->live = agent->second.connection = NULL;
    agent->renew_channel = NULL;
    agent->keep.over = true; /* nor is its disk */
    pt_agent_close(agent);
}

bool pt_agent_position(const struct pt_agent *agent, struct pt_agent_position *ret_position)
{
    if (agent->bundle == NULL) {
        return false;
    }
    *ret_position = agent->position;
    return true;
}

bool pt_agent_connected(const struct pt_agent *agent)
{
    return agent->state == PT_AGENT_STREAMING;
}
