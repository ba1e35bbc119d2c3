/*
 * The cluster's keys on the leader: unsealed for the length of one signature, then cleared.
 *
 * The CA key and the bundle key stand sealed in the replicated state; the seal key is each controller's own file.
 */
#include "serve/controller_priv.h"

#include "serve/setup.h"

#include <string.h>

#define LEAF_LIFETIME_NS (3600LL * 1000000000LL)

static enum pt_code unseal(struct pt_controller *controller, const char *key, struct pt_buf *out,
                           struct pt_error *reterr)
{
    PT_AUTO(buf) struct pt_buf sealed = {0};
    enum pt_code code = pt_store_meta_get(pt_kind_store(controller->machine), key, &sealed, reterr);
    if (code != PT_OK) {
        return pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_NONE, NULL, "the cluster's state lacks %s", key);
    }
    code = pt_unseal(controller->options.identity.seal_key, key, pt_buf_bytes(&sealed), out, reterr);
    return code == PT_OK ? PT_OK
                         : pt_wrap(reterr, code,
                                   "this controller's seal key does not open %s; is the seal key file "
                                   "that of this cluster?",
                                   key);
}

enum pt_code pt_serve_sign(struct pt_controller *controller, const char *spiffe_id, struct pt_bytes csr,
                           const char *const *addresses, size_t addresses_len, struct pt_buf *ret_cert_pem,
                           struct pt_error *reterr)
{
    PT_AUTO(secret) struct pt_buf key = {0};
    PT_TRY(unseal(controller, PT_META_CA_KEY, &key, reterr));
    struct pt_ip ips[8];
    size_t ips_len = 0;
    for (size_t i = 0; i < addresses_len && ips_len < 8; i++) {
        struct pt_endpoint endpoint;
        if (pt_endpoint_parse(addresses[i], &endpoint, NULL) == PT_OK) {
            bool known = false;
            for (size_t j = 0; j < ips_len; j++) {
                known = known || pt_ip_equal(&ips[j], &endpoint.ip);
            }
            if (!known) {
                ips[ips_len++] = endpoint.ip;
            }
        }
    }
    static const char *const dns[] = {PT_RPC_SERVER_NAME, "localhost"};
    struct pt_identity identity;
    PT_TRY(pt_identity_parse(spiffe_id, &identity, reterr));
    bool serves = strcmp(identity.role, "controller") == 0;
    const struct pt_leaf_options options = {
        .spiffe_id = spiffe_id,
        .now_ns = pt_sys_wall_ns(controller->sys),
        .lifetime_ns = LEAF_LIFETIME_NS,
        .ips = ips,
        .ips_len = serves ? ips_len : 0, /* a node that names a controller's address must not be taken for it */
        .dns = dns,
        .dns_len = serves ? 2 : 0,
        .serial = pt_sys_random_u64(controller->sys) | 1,
    };
    return pt_leaf_sign((const char *)key.data, controller->ca_pem, csr, &options, ret_cert_pem, reterr);
}

enum pt_code pt_serve_bundle_key(struct pt_controller *controller, uint8_t seed[PT_SIGN_PRIVATE_SIZE],
                                 struct pt_error *reterr)
{
    PT_AUTO(secret) struct pt_buf key = {0};
    PT_TRY(unseal(controller, PT_META_BUNDLE_KEY, &key, reterr));
    if (key.size != PT_SIGN_PRIVATE_SIZE) {
        return pt_fail(reterr, PT_CORRUPT, PT_REASON_NONE, NULL, "the bundle key has a wrong size");
    }
    memcpy(seed, key.data, PT_SIGN_PRIVATE_SIZE);
    return PT_OK;
}
