/*
 * Credentials of the simulated nodes. Keys come from OpenSSL's own generator, outside the seed; that is why they are
 * made once, handed to the nodes as options, and never written to a simulated disk or into the replicated state.
 */
#include "nodes.h"

#include "base/assert.h"

#include <stdio.h>
#include <time.h>

#define YEAR_NS (365LL * 24 * 3600 * 1000000000LL)
#define START_NS INT64_C(1767225600000000000) /* where the simulated wall clocks start, see sys_sim.c */

static void make_leaf(const struct certs *certs, const char *path, struct leaf *leaf)
{
    PT_AUTO(buf) struct pt_buf csr = {0};
    static const char *const dns[] = {PT_RPC_SERVER_NAME};
    char spiffe_id[PT_SPIFFE_SIZE_MAX];
    (void)snprintf(spiffe_id, sizeof(spiffe_id), "spiffe://%s/%s", CLUSTER_ID, path);
    const struct pt_leaf_options options = {
        .spiffe_id = spiffe_id, .now_ns = START_NS, .lifetime_ns = YEAR_NS, .dns = dns, .dns_len = 1, .serial = 7};
    pt_assert(pt_key_new(&leaf->key, NULL) == PT_OK);
    pt_assert(pt_csr_new((const char *)leaf->key.data, &csr, NULL) == PT_OK);
    pt_assert(pt_leaf_sign((const char *)certs->ca_key.data, (const char *)certs->ca.data, pt_buf_bytes(&csr), &options,
                           &leaf->cert, NULL) == PT_OK);
}

void certs_init(struct certs *certs)
{
    char path[128];
    *certs = (struct certs){0};
    pt_assert(pt_ca_new(CLUSTER_ID, START_NS, &certs->ca_key, &certs->ca, NULL) == PT_OK);
    for (unsigned i = 0; i < CONTROLLERS_MAX; i++) {
        (void)snprintf(path, sizeof(path), "controller/c%u", i + 1);
        make_leaf(certs, path, &certs->controllers[i]);
    }
    for (unsigned i = 0; i < EDGES_MAX; i++) {
        (void)snprintf(path, sizeof(path), "edge/" ORG "/sites/s%u/edges/e1", i + 1);
        make_leaf(certs, path, &certs->edges[i]);
    }
    make_leaf(certs, "admin/root", &certs->admin);
}

static void leaf_fini(struct leaf *leaf)
{
    pt_auto_secret(&leaf->key);
    pt_buf_fini(&leaf->cert);
}

void certs_fini(struct certs *certs)
{
    pt_auto_secret(&certs->ca_key);
    pt_buf_fini(&certs->ca);
    for (unsigned i = 0; i < CONTROLLERS_MAX; i++) {
        leaf_fini(&certs->controllers[i]);
    }
    for (unsigned i = 0; i < EDGES_MAX; i++) {
        leaf_fini(&certs->edges[i]);
    }
    leaf_fini(&certs->admin);
}
