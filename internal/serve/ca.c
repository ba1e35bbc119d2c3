/*
 * The cluster's keys on the leader: unsealed for the length of one signature, then cleared.
 *
 * The CA key and the bundle key stand sealed in the replicated state; the seal key is each controller's own file.
 */
#include "serve/controller_priv.h"

#include "patronus/v1/authority.pb-c.h"
#include "serve/roster.h"
#include "serve/setup.h"

#include <string.h>

/* The key of an authority by its state, and its certificate. */
static enum pt_code authority_key(struct pt_controller *controller, uint32_t state, struct pt_buf *ret_key,
                                  struct pt_buf *ret_cert, struct pt_error *reterr)
{
    Patronus__V1__AuthorityRoster *roster = NULL;
    PT_TRY(pt_roster_read(pt_kind_store(controller->machine), &roster, reterr));
    const Patronus__V1__AuthorityRecord *record = pt_roster_in(roster, state);
    if (record == NULL) {
        pt_roster_free(roster);
        return pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_WRONG_STATE, NULL, "no authority is in that state");
    }
    struct pt_bytes sealed = {.data = record->sealed_key.data, .size = record->sealed_key.len};
    pt_buf_append_str(ret_cert, record->certificate_pem);
    pt_buf_append_u8(ret_cert, 0);
    enum pt_code code = pt_serve_unseal_value(controller, PT_META_CA_KEY, sealed, ret_key, reterr);
    pt_roster_free(roster);
    return code;
}

enum pt_code pt_serve_sign(struct pt_controller *controller, const char *spiffe_id, struct pt_bytes csr,
                           const char *const *addresses, size_t addresses_len, int64_t not_after_ns,
                           struct pt_buf *ret_cert_pem, struct pt_error *reterr)
{
    return pt_serve_sign_by(controller, PATRONUS__V1__AUTHORITY_STATE__ISSUING, spiffe_id, csr, addresses,
                            addresses_len, not_after_ns, ret_cert_pem, reterr);
}

enum pt_code pt_serve_sign_by(struct pt_controller *controller, uint32_t state, const char *spiffe_id,
                              struct pt_bytes csr, const char *const *addresses, size_t addresses_len,
                              int64_t not_after_ns, struct pt_buf *ret_cert_pem, struct pt_error *reterr)
{
    PT_AUTO(secret) struct pt_buf key = {0};
    PT_AUTO(buf) struct pt_buf issuer = {0};
    PT_TRY(authority_key(controller, state, &key, &issuer, reterr));
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
    int64_t now = pt_sys_wall_ns(controller->sys);
    const struct pt_leaf_options options = {
        .spiffe_id = spiffe_id,
        .now_ns = now,
        .lifetime_ns = not_after_ns != 0 ? not_after_ns - now : PT_SERVE_LEAF_NS,
        .ips = ips,
        .ips_len = serves ? ips_len : 0, /* a node that names a controller's address must not be taken for it */
        .dns = dns,
        .dns_len = serves ? 2 : 0,
        .serial = pt_sys_random_u64(controller->sys) | 1,
    };
    return pt_leaf_sign((const char *)key.data, (const char *)issuer.data, csr, &options, ret_cert_pem, reterr);
}

enum pt_code pt_serve_bundle_key(struct pt_controller *controller, uint8_t seed[PT_SIGN_PRIVATE_SIZE],
                                 struct pt_error *reterr)
{
    PT_AUTO(secret) struct pt_buf key = {0};
    PT_AUTO(buf) struct pt_buf sealed = {0};
    if (pt_store_meta_get(pt_kind_store(controller->machine), PT_META_BUNDLE_KEY, &sealed, reterr) != PT_OK) {
        return pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_NONE, NULL, "the cluster's state lacks %s",
                       PT_META_BUNDLE_KEY);
    }
    PT_TRY(pt_serve_unseal_value(controller, PT_META_BUNDLE_KEY, pt_buf_bytes(&sealed), &key, reterr));
    if (key.size != PT_SIGN_PRIVATE_SIZE) {
        return pt_fail(reterr, PT_CORRUPT, PT_REASON_NONE, NULL, "the bundle key has a wrong size");
    }
    memcpy(seed, key.data, PT_SIGN_PRIVATE_SIZE);
    return PT_OK;
}
