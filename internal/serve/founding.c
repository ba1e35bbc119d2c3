/*
 * What a controller does for itself once it runs: put the founding commands through the log, and renew its certificate.
 *
 * Founding. The first leader of an empty state proposes the commands that init left on its disk. Each is harmless when
 * repeated (values only when absent, a create that already exists is refused), and the cluster id, by which a founded
 * state is known, comes last: so a crash in between costs nothing.
 *
 * Renewal. A controller holds the seal key and the sealed CA key, so it signs its own next leaf at half life, also
 * after a long stop: nobody else is asked.
 */
#include "serve/controller_priv.h"

#include "patronus/v1/authority.pb-c.h"
#include "serve/setup.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FOUNDING_SIZE_MAX (1U << 20)
#define LEAF_LIFETIME_NS PT_SERVE_LEAF_NS

static void on_proposed(void *arg, enum pt_code code, uint64_t index)
{
    struct pt_controller *controller = arg;
    if (code != PT_OK && code != PT_CLOSED) {
        pt_log_warn(controller->log, "founding command lost", "code=%s index=%" PRIu64, pt_code_name(code), index);
    }
}

void pt_serve_found_state(struct pt_controller *controller)
{
    PT_AUTO(buf) struct pt_buf id = {0};
    if (pt_store_meta_get(pt_kind_store(controller->machine), PT_META_CLUSTER_ID, &id, NULL) == PT_OK) {
        return;
    }
    char path[1024];
    (void)snprintf(path, sizeof(path), "%s/founding", controller->options.directory);
    PT_AUTO(buf) struct pt_buf data = {0};
    struct pt_error error = {0};
    if (pt_path_read(controller->sys, path, FOUNDING_SIZE_MAX, &data, &error) != PT_OK) {
        pt_log_error(controller->log, "the state is empty and there are no founding commands", "reason=\"%s\"",
                     error.text);
        return;
    }
    size_t at = 0;
    while (data.size - at >= 4) {
        uint32_t size = pt_be32(data.data + at);
        at += 4;
        if (size > data.size - at) {
            pt_log_error(controller->log, "the founding commands are damaged", "file=%s", path);
            return;
        }
        pt_raft_propose(controller->raft, (struct pt_bytes){.data = data.data + at, .size = size}, on_proposed,
                        controller);
        at += size;
    }
    pt_log_info(controller->log, "founding the cluster", "cluster=%s", controller->options.identity.cluster_id);
}

/* ---- renewal --------------------------------------------------------------------------------------------------------
 */

enum pt_code pt_serve_own_leaf(struct pt_controller *controller, uint32_t state, struct pt_buf *ret_cert,
                               struct pt_error *reterr)
{
    struct pt_leaf_info own;
    PT_TRY(pt_leaf_read(controller->cert_pem, NULL, 0, true, &own, reterr));
    struct pt_arena arena;
    pt_arena_init(&arena);
    uint64_t raft_id = controller->options.identity.raft_id;
    const char *const addresses[] = {pt_serve_controller_field(controller, raft_id, "peer_address", &arena),
                                     pt_serve_controller_field(controller, raft_id, "api_address", &arena),
                                     pt_serve_controller_field(controller, raft_id, "agent_address", &arena)};
    PT_AUTO(buf) struct pt_buf csr = {0};
    enum pt_code code = pt_csr_new(controller->key_pem, &csr, reterr);
    if (code == PT_OK) {
        code = pt_serve_sign_by(controller, state, own.identity.spiffe_id, pt_buf_bytes(&csr), addresses, 3, 0,
                                ret_cert, reterr);
    }
    pt_arena_fini(&arena);
    return code;
}

enum pt_code pt_serve_renew_under(struct pt_controller *controller, const char *ca_pem, struct pt_error *reterr)
{
    PT_AUTO(buf) struct pt_buf cert = {0};
    PT_TRY(pt_serve_own_leaf(controller, PATRONUS__V1__AUTHORITY_STATE__ISSUING, &cert, reterr));
    return pt_controller_set_certificate(controller, (const char *)cert.data, ca_pem, reterr);
}

void pt_serve_renew_self(struct pt_controller *controller)
{
    int64_t now = pt_sys_wall_ns(controller->sys);
    if (now < controller->renew_at_wall_ns) {
        return;
    }
    PT_AUTO(buf) struct pt_buf id = {0};
    if (pt_store_meta_get(pt_kind_store(controller->machine), PT_META_CA_KEY, &id, NULL) != PT_OK) {
        return; /* not founded yet, or still far behind */
    }
    struct pt_leaf_info info;
    struct pt_error error = {0};
    enum pt_code code = pt_leaf_read(controller->cert_pem, controller->ca_pem, now, true, &info, &error);
    if (code == PT_OK && now < info.not_after_ns - LEAF_LIFETIME_NS / 2) {
        controller->renew_at_wall_ns = info.not_after_ns - LEAF_LIFETIME_NS / 2;
        return;
    }
    if (code == PT_OK) {
        code = pt_serve_renew_under(controller, controller->ca_pem, &error);
    }
    if (code == PT_OK && controller->options.on_certificate != NULL) {
        controller->options.on_certificate(controller->options.certificate_context, controller->cert_pem,
                                           controller->ca_pem);
    }
    if (code == PT_OK) {
        controller->renew_at_wall_ns = now + LEAF_LIFETIME_NS / 2;
        pt_log_info(controller->log, "certificate renewed", "expires_in_s=%lld", LEAF_LIFETIME_NS / 1000000000LL);
    } else {
        controller->renew_at_wall_ns = now + 60 * 1000000000LL;
        pt_log_warn(controller->log, "certificate not renewed", "reason=\"%s\"", error.text);
    }
}
