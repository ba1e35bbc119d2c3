/*
 * Credentials: what is presented, what is trusted, and how it changes under a running server.
 *
 * Leaves live an hour, so a server outlives many. gRPC asks a fetcher at each new connection whether the credentials
 * changed; each port remembers the version that it was given last. The fetcher runs on gRPC's threads: the texts stand
 * under a lock. Credentials are checked before they are taken (gRPC itself would only log and go on with the old ones).
 *
 * A client compares the server's name with PT_RPC_SERVER_NAME, not with what it dialled, and looks into the leaf for
 * the role: an edge's leaf is signed by the same CA, but it must not pass for a controller.
 */
#include "base/assert.h"
#include "crypto/crypto.h"
#include "crypto/tls.h"
#include "rpc/rpc_backend.h"
#include "rpc/rpc_grpc.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct port {
    struct port *next;
    struct pt_rpc_credential_store *store;
    uint64_t version; /* last given to gRPC; under the store's lock */
};

struct pt_rpc_credential_store {
    pthread_mutex_t lock; /* protects all below but ports, which only grows before the server starts */
    uint64_t version;     /* counts from 1 */
    char *cert_pem, *key_pem, *ca_pem;
    struct port *ports;
};

enum pt_code pt_rpc_credentials_check(struct pt_sys *sys, const struct pt_rpc_credentials *credentials,
                                      const char *role, struct pt_error *reterr)
{
    if (credentials->cert_pem == NULL || credentials->key_pem == NULL || credentials->ca_pem == NULL) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_NONE, NULL,
                       "certificate, key and CA certificate are all needed");
    }
    struct pt_leaf_info info;
    /* An expired leaf may start: it can be renewed only by a node that runs. Until then clients refuse it. */
    PT_TRY(pt_leaf_read(credentials->cert_pem, credentials->ca_pem, pt_sys_wall_ns(sys), true, &info, reterr));
    if (role != NULL && strcmp(info.identity.role, role) != 0) {
        return pt_fail(reterr, PT_UNAUTHENTICATED, PT_REASON_NONE, NULL,
                       "the certificate is for the role %s; it must be for %s", info.identity.role, role);
    }
    struct pt_tls_context *context = NULL; /* made only to see that the key is the certificate's */
    PT_TRY(pt_tls_context_new(credentials->cert_pem, credentials->key_pem, credentials->ca_pem, &context, reterr));
    pt_tls_context_free(context);
    return PT_OK;
}

static void free_texts(struct pt_rpc_credential_store *store)
{
    if (store->key_pem != NULL) {
        pt_memory_clear(store->key_pem, strlen(store->key_pem));
    }
    free(store->cert_pem);
    free(store->key_pem);
    free(store->ca_pem);
}

void pt_rpc_credential_store_set(struct pt_rpc_credential_store *store, const struct pt_rpc_credentials *credentials)
{
    char *cert_pem = strdup(credentials->cert_pem);
    char *key_pem = strdup(credentials->key_pem);
    char *ca_pem = strdup(credentials->ca_pem);
    pt_assert(cert_pem != NULL && key_pem != NULL && ca_pem != NULL);
    pt_assert(pthread_mutex_lock(&store->lock) == 0);
    free_texts(store);
    store->cert_pem = cert_pem;
    store->key_pem = key_pem;
    store->ca_pem = ca_pem;
    store->version++;
    pt_assert(pthread_mutex_unlock(&store->lock) == 0);
}

struct pt_rpc_credential_store *pt_rpc_credential_store_new(const struct pt_rpc_credentials *credentials)
{
    struct pt_rpc_credential_store *store = calloc(1, sizeof(*store));
    pt_assert(store != NULL);
    pt_assert(pthread_mutex_init(&store->lock, NULL) == 0);
    pt_rpc_credential_store_set(store, credentials);
    return store;
}

void pt_rpc_credential_store_free(struct pt_rpc_credential_store *store)
{
    if (store == NULL) {
        return;
    }
    while (store->ports != NULL) {
        struct port *next = store->ports->next;
        free(store->ports);
        store->ports = next;
    }
    free_texts(store);
    pt_assert(pthread_mutex_destroy(&store->lock) == 0);
    free(store);
}

/* Any of gRPC's threads. */
static grpc_ssl_certificate_config_reload_status fetch(void *user_data, grpc_ssl_server_certificate_config **config)
{
    struct port *port = user_data;
    struct pt_rpc_credential_store *store = port->store;
    grpc_ssl_certificate_config_reload_status status = GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
    pt_assert(pthread_mutex_lock(&store->lock) == 0);
    if (port->version != store->version) {
        grpc_ssl_pem_key_cert_pair pair = {.private_key = store->key_pem, .cert_chain = store->cert_pem};
        *config = grpc_ssl_server_certificate_config_create(store->ca_pem, &pair, 1);
        port->version = store->version;
        status = GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
    }
    pt_assert(pthread_mutex_unlock(&store->lock) == 0);
    return status;
}

grpc_server_credentials *pt_rpc_credential_store_port(struct pt_rpc_credential_store *store, enum pt_rpc_door door)
{
    struct port *port = calloc(1, sizeof(*port));
    pt_assert(port != NULL);
    *port = (struct port){.next = store->ports, .store = store};
    store->ports = port;
    return grpc_ssl_server_credentials_create_with_options(
        grpc_ssl_server_credentials_create_options_using_config_fetcher(
            door == PT_DOOR_AGENT ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                                  : GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_AND_VERIFY,
            fetch, port));
}

/* Any of gRPC's threads, after the chain was verified. 0 lets the server pass. */
static int verify_server(const char *target_name, const char *peer_pem, void *userdata)
{
    (void)target_name;
    (void)userdata;
    struct pt_leaf_info info;
    return pt_leaf_read(peer_pem, NULL, 0, true, &info, NULL) == PT_OK && strcmp(info.identity.role, "controller") == 0
               ? 0
               : 1;
}

grpc_channel_credentials *pt_rpc_client_credentials(const struct pt_rpc_credentials *credentials)
{
    grpc_ssl_pem_key_cert_pair pair = {.private_key = credentials->key_pem, .cert_chain = credentials->cert_pem};
    grpc_ssl_verify_peer_options verify = {.verify_peer_callback = verify_server};
    return grpc_ssl_credentials_create_ex(credentials->ca_pem, credentials->cert_pem != NULL ? &pair : NULL, &verify,
                                          NULL);
}
