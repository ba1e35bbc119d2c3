/*
 * Certificates of people.
 *
 *   IssueCredential -> who, for how long, by whose leave -> record in the log --committed--> signed, answered
 *
 * The key is made where the person is and never comes here: the request is signed by it. What the identity may is the
 * matter of bindings, which may be there before the certificate is and after it has ended; so whoever has one made for
 * an identity must hold what is bound to it. A certificate is not in the state. It ends by its time, or by a
 * DeniedIdentity.
 */
#include "serve/controller_priv.h"

#include "base/assert.h"
#include "crypto/identity.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND_NS 1000000000LL
#define LIFETIME_MIN_NS (3600 * SECOND_NS)
#define LIFETIME_MAX_NS (366 * 86400 * SECOND_NS)
#define LIFETIME_DEFAULT_NS (90 * 86400 * SECOND_NS)

struct issuing {
    char spiffe_id[PT_SPIFFE_SIZE_MAX];
    struct pt_buf csr;
    int64_t not_after_ns;
};

static void reply(struct pt_serve_call *call, const struct issuing *issuing, const struct pt_buf *cert)
{
    struct pt_arena arena;
    pt_arena_init(&arena);
    struct pt_msg *response = pt_msg_new(&arena, call->method->output);
    pt_msg_set_str(response, &arena, "certificate_pem", (const char *)cert->data);
    pt_msg_set_str(response, &arena, "ca_pem", call->controller->ca_pem);
    pt_msg_set_str(response, &arena, "spiffe_id", issuing->spiffe_id);
    pt_msg_set_time(response, &arena, "expire_time", issuing->not_after_ns);
    PT_AUTO(buf) struct pt_buf bytes = {0};
    pt_msg_encode(response, &bytes);
    pt_serve_reply(call, pt_buf_bytes(&bytes));
    pt_arena_fini(&arena);
}

/* It stands in the log: now it may be signed. */
static void on_recorded(struct pt_serve_call *call, const struct pt_verdict *verdict)
{
    const struct issuing *issuing = call->state;
    struct pt_error error = {0};
    PT_AUTO(buf) struct pt_buf cert = {0};
    if (verdict->error.code != PT_OK) {
        pt_serve_fail(call, &verdict->error);
    } else if (pt_serve_sign(call->controller, issuing->spiffe_id, pt_buf_bytes(&issuing->csr), NULL, 0,
                             issuing->not_after_ns, &cert, &error) != PT_OK) {
        pt_serve_fail(call, &error);
    } else {
        pt_log_info(call->controller->log, "credential issued", "identity=%s by=%s", issuing->spiffe_id,
                    call->caller.principal);
        reply(call, issuing, &cert);
    }
}

static enum pt_code check(struct pt_serve_call *call, const struct pt_msg *request, struct issuing *issuing,
                          struct pt_error *reterr)
{
    struct pt_controller *controller = call->controller;
    const char *id = pt_msg_str(request, "id");
    const char *role = pt_msg_str(request, "role");
    struct pt_bytes csr = pt_msg_bytes(request, "csr");
    int64_t lifetime_ns = pt_msg_time(request, "lifetime");
    int64_t now = pt_sys_wall_ns(controller->sys);
    struct pt_digest key;
    if (!pt_id_valid(id)) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "id",
                       "an id is 1 to 63 lower-case letters, digits and '-', for example ann");
    }
    if (role[0] != '\0' && strcmp(role, "user") != 0 && strcmp(role, "admin") != 0) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "role", "write user or admin");
    }
    lifetime_ns = lifetime_ns == 0 ? LIFETIME_DEFAULT_NS : lifetime_ns;
    if (lifetime_ns < LIFETIME_MIN_NS || lifetime_ns > LIFETIME_MAX_NS) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "lifetime",
                       "a credential is good for 1 h to 366 days");
    }
    if (pt_csr_verify(csr, &key, reterr) != PT_OK) {
        return PT_INVALID_ARGUMENT;
    }
    (void)snprintf(issuing->spiffe_id, sizeof(issuing->spiffe_id), "spiffe://%.63s/%s/%.63s",
                   controller->options.identity.cluster_id, role[0] != '\0' ? role : "user", id);
    pt_buf_append(&issuing->csr, csr.data, csr.size);
    issuing->not_after_ns = now + lifetime_ns;
    return pt_kind_may_issue(controller->machine, &call->caller, issuing->spiffe_id, now, reterr);
}

static void issue_message(struct pt_serve_call *call, struct pt_bytes message)
{
    struct pt_arena arena;
    pt_arena_init(&arena);
    struct pt_msg *request = NULL;
    struct pt_error error = {0};
    struct issuing *issuing = calloc(1, sizeof(*issuing));
    pt_assert(issuing != NULL);
    call->state = issuing;
    if (pt_msg_parse(call->method->input, message, NULL, &arena, &request, &error) != PT_OK) {
        pt_serve_fail(call, &error);
    } else if (check(call, request, issuing, &error) != PT_OK) {
        error.denied = error.code == PT_PERMISSION_DENIED;
        pt_serve_fail_recorded(call, NULL, &error);
    } else {
        pt_serve_record(call, issuing->spiffe_id, on_recorded);
    }
    pt_arena_fini(&arena);
}

static void issue_end(struct pt_serve_call *call)
{
    struct issuing *issuing = call->state;
    if (issuing != NULL) {
        pt_buf_fini(&issuing->csr);
        free(issuing);
        call->state = NULL;
    }
}

const struct pt_serve_method pt_serve_issue_credential = {
    .path = "/patronus.v1.AuthorityService/IssueCredential", .on_message = issue_message, .on_end = issue_end};
