/*
 * The first state of a simulated cluster: what `patronusd init` leaves on the first controller's disk, and behind it an
 * organization with a fabric, a segment and a site with an enrolled edge for each simulated node.
 *
 * The founding commands are written here and not by pt_found_cluster, because that one draws keys from OpenSSL.
 */
#include "nodes.h"

#include "base/assert.h"
#include "patronus/v1/cluster.pb-c.h"
#include "patronus/v1/fabric.pb-c.h"
#include "patronus/v1/replication.pb-c.h"
#include "patronus/v1/site.pb-c.h"
#include "patronus/v1/tenancy.pb-c.h"
#include "serve/setup.h"

#include <stdio.h>
#include <string.h>

#define CA_KEY_SIZE 241 /* as large as a real one; nobody signs with it here */

enum kind_id { KIND_ORGANIZATION = 1, KIND_EDGE = 3, KIND_LINK, KIND_FABRIC, KIND_SEGMENT };
#define KIND_CONTROLLER 12
#define KIND_TOKEN 13

struct founding {
    struct world *world;
    struct pt_sys *sys;
    struct pt_buf commands;
    unsigned uids;
};

static char *borrow(const char *text)
{
    return (char *)(uintptr_t)text;
}

static void add(struct founding *founding, Patronus__V1__Command *command)
{
    command->format = 1;
    command->time_ns = pt_sys_wall_ns(founding->sys);
    command->principal = borrow("internal");
    PT_AUTO(buf) struct pt_buf data = {0};
    pt_kind_command(command, &data);
    pt_buf_append_be32(&founding->commands, (uint32_t)data.size);
    pt_buf_append(&founding->commands, data.data, data.size);
}

static void add_meta(struct founding *founding, const char *key, struct pt_bytes value)
{
    Patronus__V1__SetMeta meta = PATRONUS__V1__SET_META__INIT;
    meta.key = borrow(key);
    meta.value = (ProtobufCBinaryData){.len = value.size, .data = (uint8_t *)(uintptr_t)value.data};
    meta.if_absent = 1;
    Patronus__V1__Command command = PATRONUS__V1__COMMAND__INIT;
    command.op_case = PATRONUS__V1__COMMAND__OP_SET_META;
    command.set_meta = &meta;
    add(founding, &command);
}

static void add_sealed(struct founding *founding, const char *key, struct pt_bytes secret)
{
    uint8_t nonce[PT_SEAL_NONCE_SIZE];
    pt_sys_random(founding->sys, nonce, sizeof(nonce));
    PT_AUTO(buf) struct pt_buf sealed = {0};
    pt_seal(founding->world->seal_key, nonce, key, secret, &sealed);
    add_meta(founding, key, pt_buf_bytes(&sealed));
}

static void add_resource(struct founding *founding, uint32_t kind_id, const char *name, const ProtobufCMessage *message)
{
    PT_AUTO(buf) struct pt_buf data = {0};
    size_t size = protobuf_c_message_get_packed_size(message);
    (void)protobuf_c_message_pack(message, pt_buf_reserve(&data, size));
    data.size = size;
    char uid[33];
    (void)snprintf(uid, sizeof(uid), "%032x", ++founding->uids);
    Patronus__V1__Mutation mutation = PATRONUS__V1__MUTATION__INIT;
    mutation.verb = PATRONUS__V1__VERB__CREATE;
    mutation.kind_id = kind_id;
    mutation.name = borrow(name);
    mutation.resource = (ProtobufCBinaryData){.len = data.size, .data = data.data};
    mutation.uid = uid;
    Patronus__V1__Mutation *mutations[] = {&mutation};
    Patronus__V1__Transaction transaction = PATRONUS__V1__TRANSACTION__INIT;
    transaction.n_mutations = 1;
    transaction.mutations = mutations;
    Patronus__V1__Command command = PATRONUS__V1__COMMAND__INIT;
    command.op_case = PATRONUS__V1__COMMAND__OP_TRANSACTION;
    command.transaction = &transaction;
    add(founding, &command);
}

static void add_controller(struct founding *founding, const struct controller_host *node)
{
    char name[64], peer[32], api[32], agent[32];
    (void)snprintf(name, sizeof(name), "controllers/c%u", node->number);
    controller_addresses(node->host, peer, api, agent);
    Patronus__V1__Controller resource = PATRONUS__V1__CONTROLLER__INIT;
    resource.raft_id = node->raft_id;
    resource.peer_address = peer;
    resource.api_address = api;
    resource.agent_address = agent;
    resource.role = PATRONUS__V1__CONTROLLER_ROLE__VOTER;
    add_resource(founding, KIND_CONTROLLER, name, &resource.base);
}

static void add_values(struct founding *founding)
{
    struct world *world = founding->world;
    static const uint8_t ca_key[CA_KEY_SIZE] = {0};
    add_meta(founding, PT_META_CA_CERT, (struct pt_bytes){.data = ca_key, .size = sizeof(ca_key)});
    add_sealed(founding, PT_META_CA_KEY, (struct pt_bytes){.data = ca_key, .size = sizeof(ca_key)});
    add_sealed(founding, PT_META_BUNDLE_KEY,
               (struct pt_bytes){.data = world->bundle_seed, .size = sizeof(world->bundle_seed)});
    add_meta(founding, PT_META_BUNDLE_PUBLIC,
             (struct pt_bytes){.data = world->bundle_public, .size = sizeof(world->bundle_public)});
}

static void add_fabric(struct founding *founding)
{
    Patronus__V1__Organization organization = PATRONUS__V1__ORGANIZATION__INIT;
    add_resource(founding, KIND_ORGANIZATION, ORG, &organization.base);
    Patronus__V1__Fabric fabric = PATRONUS__V1__FABRIC__INIT;
    fabric.topology = PATRONUS__V1__TOPOLOGY__FULL_MESH;
    add_resource(founding, KIND_FABRIC, ORG "/fabrics/main", &fabric.base);
    Patronus__V1__Segment segment = PATRONUS__V1__SEGMENT__INIT;
    segment.fabric = borrow(ORG "/fabrics/main");
    add_resource(founding, KIND_SEGMENT, ORG "/segments/red", &segment.base);
}

static void add_tenant(struct founding *founding)
{
    Patronus__V1__Quotas quotas = PATRONUS__V1__QUOTAS__INIT;
    quotas.sites = TENANT_SITES_MAX;
    Patronus__V1__Organization organization = PATRONUS__V1__ORGANIZATION__INIT;
    organization.quotas = &quotas;
    add_resource(founding, KIND_ORGANIZATION, TENANT, &organization.base);
}

static void add_plain_site(struct founding *founding, const char *name, const char *display_name)
{
    Patronus__V1__Site site = PATRONUS__V1__SITE__INIT;
    site.display_name = borrow(display_name);
    add_resource(founding, KIND_SITE, name, &site.base);
}

static void add_changed(struct founding *founding)
{
    Patronus__V1__Organization organization = PATRONUS__V1__ORGANIZATION__INIT;
    add_resource(founding, KIND_ORGANIZATION, CHANGED, &organization.base);
    add_plain_site(founding, CHANGED "/sites/a", "v0");
    add_plain_site(founding, CHANGED "/sites/b", "v0");
}

static void add_movers(struct founding *founding)
{
    static const char *const parents[] = {MOVE_PARENT "1", MOVE_PARENT "2"};
    static const char *const movers[] = {MOVER "0", MOVER "1"};
    for (unsigned i = 0; i < 2; i++) {
        Patronus__V1__Quotas quotas = PATRONUS__V1__QUOTAS__INIT;
        quotas.sites = 3;
        Patronus__V1__Organization parent = PATRONUS__V1__ORGANIZATION__INIT;
        parent.quotas = &quotas;
        add_resource(founding, KIND_ORGANIZATION, parents[i], &parent.base);
        Patronus__V1__Organization mover = PATRONUS__V1__ORGANIZATION__INIT;
        mover.parent_organization = borrow(parents[i]);
        add_resource(founding, KIND_ORGANIZATION, movers[i], &mover.base);
        for (unsigned site = 0; site < 2; site++) {
            char name[96];
            (void)snprintf(name, sizeof(name), "%s/sites/s%u", movers[i], site);
            add_plain_site(founding, name, "");
        }
    }
}

/* A site with one edge, two links, and the entry by which the node enrolled. */
static void add_site(struct founding *founding, unsigned number)
{
    char site[96], edge[128], link[128], address[32], prefix[32], token[64], node_id[140], digest[65];
    (void)snprintf(site, sizeof(site), ORG "/sites/s%u", number);
    (void)snprintf(edge, sizeof(edge), "%s/edges/e1", site);
    Patronus__V1__Site site_resource = PATRONUS__V1__SITE__INIT;
    add_resource(founding, KIND_SITE, site, &site_resource.base);

    (void)snprintf(prefix, sizeof(prefix), "172.16.%u.0/24", number);
    char *prefixes[] = {prefix};
    Patronus__V1__LanInterface lan = PATRONUS__V1__LAN_INTERFACE__INIT;
    lan.interface = borrow("lan0");
    lan.segment = borrow(ORG "/segments/red");
    lan.prefixes = prefixes;
    lan.n_prefixes = 1;
    Patronus__V1__LanInterface *lans[] = {&lan};
    Patronus__V1__Edge edge_resource = PATRONUS__V1__EDGE__INIT;
    edge_resource.lan_interfaces = lans;
    edge_resource.n_lan_interfaces = 1;
    add_resource(founding, KIND_EDGE, edge, &edge_resource.base);

    for (unsigned i = 0; i < 2; i++) {
        char interface[8];
        (void)snprintf(link, sizeof(link), "%s/links/wan%u", site, i);
        (void)snprintf(address, sizeof(address), "192.0.%u.%u", i, number);
        (void)snprintf(interface, sizeof(interface), "wan%u", i);
        Patronus__V1__Link resource = PATRONUS__V1__LINK__INIT;
        resource.edge = edge;
        resource.interface = interface;
        resource.address = address;
        resource.underlay = borrow("internet");
        add_resource(founding, KIND_LINK, link, &resource.base);
    }

    (void)snprintf(token, sizeof(token), "enrollmentTokens/t%u", number);
    (void)snprintf(node_id, sizeof(node_id), "edge/%s", edge);
    (void)snprintf(digest, sizeof(digest), "%064x", number);
    Google__Protobuf__Timestamp expires = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    expires.seconds = pt_sys_wall_ns(founding->sys) / (int64_t)SECOND + 3600;
    Patronus__V1__EnrollmentToken token_resource = PATRONUS__V1__ENROLLMENT_TOKEN__INIT;
    token_resource.role = borrow("edge");
    token_resource.edge = edge;
    token_resource.secret_digest = digest;
    token_resource.expire_time = &expires;
    add_resource(founding, KIND_TOKEN, token, &token_resource.base);
    Patronus__V1__EnrollCommand enroll = PATRONUS__V1__ENROLL_COMMAND__INIT;
    enroll.token_name = token;
    enroll.secret_digest = digest;
    enroll.key_digest = digest;
    enroll.node_id = node_id;
    Patronus__V1__Command command = PATRONUS__V1__COMMAND__INIT;
    command.op_case = PATRONUS__V1__COMMAND__OP_ENROLL;
    command.enroll = &enroll;
    add(founding, &command);
}

void found_cluster(struct world *world, unsigned voters)
{
    struct controller_host *first = &world->controllers[0];
    struct founding founding = {.world = world, .sys = pt_sim_host(world->sim, first->host)};
    pt_sys_random(founding.sys, world->seal_key, sizeof(world->seal_key));
    pt_sys_random(founding.sys, world->bundle_seed, sizeof(world->bundle_seed));
    pt_sign_keypair(world->bundle_seed, world->bundle_public);
    add_values(&founding);
    for (unsigned i = 0; i < voters; i++) {
        controller_renew(&world->controllers[i], world->raft_id_next++);
        add_controller(&founding, &world->controllers[i]);
    }
    add_fabric(&founding);
    add_tenant(&founding);
    add_changed(&founding);
    add_movers(&founding);
    for (unsigned i = 0; i < world->edges_len; i++) {
        add_site(&founding, world->edges[i].number);
    }
    add_meta(&founding, PT_META_CLUSTER_ID, /* last, as in setup.c */
             (struct pt_bytes){.data = (const uint8_t *)CLUSTER_ID, .size = strlen(CLUSTER_ID)});
    char peer[32], api[32], agent[32];
    controller_addresses(first->host, peer, api, agent);
    pt_assert(pt_raft_bootstrap(founding.sys, "/d1/raft", CLUSTER_ID, first->raft_id, peer, NULL) == PT_OK);
    pt_assert(pt_path_write(founding.sys, "/d1/founding", founding.commands.data, founding.commands.size, NULL) ==
              PT_OK);
    pt_buf_fini(&founding.commands);
    for (unsigned i = 0; i < voters; i++) {
        controller_start(&world->controllers[i]);
    }
}
