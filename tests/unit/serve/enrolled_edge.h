/*
 * An edge that enrols and renews, without a network around it; and the leaf of the controller that it talks to.
 */
#pragma once

#include "fixture.h"

#include "serve/controller_priv.h"

#define EDGE "organizations/acme/sites/nyc/edges/e1"

static UNUSED void make_edge(struct cluster *cluster)
{
    OK(cluster, 0, "SiteService/CreateSite", "{\"parent\": \"organizations/acme\", \"siteId\": \"nyc\", \"site\": {}}");
    OK(cluster, 0, "EdgeService/CreateEdge",
       "{\"parent\": \"organizations/acme/sites/nyc\", \"edgeId\": \"e1\", \"edge\": {}}");
}

static UNUSED void enroll_edge(struct cluster *cluster, struct enrolled *ret_node)
{
    PT_AUTO(buf) struct pt_buf token = {0};
    make_token(cluster, "edge", EDGE, 600, &token);
    enum pt_code code = enroll(cluster, 0, (const char *)token.data, -1, ret_node);
    ck_assert_msg(code == PT_OK, "%s", cluster->answer.error.text);
}

/* A new leaf for the doors of the first controller: simulated ones do not renew by themselves. */
static UNUSED void set_own_leaf(struct cluster *cluster)
{
    const struct pt_node_files *files = &cluster->nodes[0].files;
    PT_AUTO(buf) struct pt_buf csr = {0};
    PT_AUTO(buf) struct pt_buf leaf = {0};
    struct pt_leaf_info own;
    ck_assert_int_eq(pt_leaf_read(pem(&files->cert_pem), NULL, 0, true, &own, NULL), PT_OK);
    ck_assert_int_eq(pt_csr_new(pem(&files->key_pem), &csr, NULL), PT_OK);
    ck_assert_int_eq(pt_serve_sign(cluster->nodes[0].controller, own.identity.spiffe_id, pt_buf_bytes(&csr), NULL, 0, 0,
                                   &leaf, NULL),
                     PT_OK);
    ck_assert_int_eq(pt_controller_set_certificate(cluster->nodes[0].controller, pem(&leaf), pem(&files->ca_pem), NULL),
                     PT_OK);
}
