/*
 * cas: the cluster's certificate authorities. A rotation is done by the controllers; this starts it, watches it, and
 * keeps the caller's own credential file good meanwhile: first with the new authority beside the old one, then with a
 * certificate of the new one, at the end without the old one.
 */
#include "ctl.h"

#include "base/assert.h"
#include "client.h"
#include "crypto/identity.h"
#include "wire/time_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SERVICE "/patronus.v1.AuthorityService/"
#define PAUSE_MS 300
#define FAILURES_MAX 20

static struct pt_msg *request_of(struct ctl *ctl, const char *path, const struct pt_method_type **ret_method)
{
    *ret_method = pt_schema_method(ctl->schema, path);
    pt_assert(*ret_method != NULL);
    return pt_msg_new(ctl->arena, (*ret_method)->input);
}

static enum pt_code status(struct ctl *ctl, struct pt_msg **ret_status, struct pt_error *reterr)
{
    const struct pt_method_type *method = NULL;
    struct pt_msg *request = request_of(ctl, SERVICE "ListAuthorities", &method);
    return ctl_call(ctl->client, method, request, ctl->arena, ret_status, reterr);
}

/* ---- output --------------------------------------------------------------------------------------------------- */

static void print_obstacles(const struct pt_msg *reply)
{
    const struct pt_msg_field *obstacles = pt_msg_field(reply, "obstacles");
    for (size_t i = 0; obstacles != NULL && i < obstacles->len; i++) {
        const struct pt_msg *item = obstacles->values[i].message;
        printf("%s: %s\n", pt_msg_str(item, "name"), pt_msg_str(item, "reason"));
    }
}

static int print_status(struct ctl *ctl, const struct pt_msg *reply)
{
    static const char *const states[] = {"?", "pending", "issuing", "retiring"};
    if (ctl_is_data(ctl)) {
        PT_AUTO(buf) struct pt_buf json = {0};
        ctl_put_json(ctl, reply, &json);
        return ctl_print_data(ctl, &json);
    }
    printf("%-8s %-10s %-12s %s\n", "NAME", "STATE", "EXPIRES", "FINGERPRINT");
    const struct pt_msg_field *list = pt_msg_field(reply, "authorities");
    for (size_t i = 0; list != NULL && i < list->len; i++) {
        const struct pt_msg *authority = list->values[i].message;
        int64_t state = pt_msg_i64(authority, "state");
        char time[PT_TIME_TEXT_SIZE] = "-";
        (void)pt_timestamp_format(pt_msg_time(authority, "expire_time") / 1000000000, 0, time);
        printf("%-8s %-10s %-12.10s %.16s...\n", pt_msg_str(authority, "id"),
               states[state > 0 && state < 4 ? state : 0], time, pt_msg_str(authority, "fingerprint"));
    }
    bool running = pt_msg_bool(reply, "running");
    printf("\n%s: %llu nodes, %llu trust all authorities, %llu have a certificate of the issuing one\n",
           running ? "a rotation runs" : "no rotation runs", (unsigned long long)pt_msg_u64(reply, "nodes"),
           (unsigned long long)pt_msg_u64(reply, "nodes_trusting"),
           (unsigned long long)pt_msg_u64(reply, "nodes_reissued"));
    if (pt_msg_u64(reply, "obstacles_len") > 0) {
        printf(running ? "it waits for:\n" : "a rotation would wait for these, or break them with --force:\n");
        print_obstacles(reply);
    }
    return PT_CLI_EXIT_OK;
}

/* ---- the caller's own credential ------------------------------------------------------------------------------- */

static enum pt_code write_credential(struct ctl *ctl, struct pt_error *reterr)
{
    const struct pt_cli_credential *own = ctl->credential;
    const char *path = ctl->args->credential;
    PT_AUTO(secret) struct pt_buf text = {0};
    const struct pt_buf *parts[] = {&own->cert_pem, &own->key_pem, &own->ca_pem};
    for (size_t i = 0; i < 3; i++) {
        pt_buf_append_str(&text, (const char *)parts[i]->data);
    }
    return path[0] == '\0'
               ? pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_NONE, NULL, "no credential file is known")
               : pt_path_write(ctl_client_sys(ctl->client), path, text.data, text.size, reterr);
}

/* All that the status names, the issuing one first; true when the file changed. */
static enum pt_code take_authorities(struct ctl *ctl, const struct pt_msg *reply, bool *ret_changed,
                                     struct pt_error *reterr)
{
    PT_AUTO(buf) struct pt_buf pem = {0};
    const struct pt_msg_field *list = pt_msg_field(reply, "authorities");
    for (int64_t first = 1; first >= 0; first--) {
        for (size_t i = 0; list != NULL && i < list->len; i++) {
            const struct pt_msg *authority = list->values[i].message;
            if ((pt_msg_i64(authority, "state") == 2) == (first == 1)) {
                pt_buf_append_str(&pem, pt_msg_str(authority, "certificate_pem"));
            }
        }
    }
    pt_buf_append_u8(&pem, 0);
    pem.size--;
    struct pt_buf *ca = (struct pt_buf *)(uintptr_t)&ctl->credential->ca_pem;
    *ret_changed = pem.size > 0 && strcmp((const char *)ca->data, (const char *)pem.data) != 0;
    if (!*ret_changed) {
        return PT_OK;
    }
    pt_buf_reset(ca);
    pt_buf_append_str(ca, (const char *)pem.data);
    ctl_client_reconnect(ctl->client);
    return ctl->credential->cert_pem.size > 0 ? write_credential(ctl, reterr) : PT_OK;
}

/* Is the caller's certificate of the authority that issues? Yes when he has none. */
static bool current(const struct ctl *ctl)
{
    struct pt_leaf_info own;
    struct pt_ca_info issuing;
    return ctl->credential->cert_pem.size == 0 ||
           pt_leaf_read((const char *)ctl->credential->cert_pem.data, NULL, 0, true, &own, NULL) != PT_OK ||
           pt_ca_read((const char *)ctl->credential->ca_pem.data, &issuing, NULL) != PT_OK ||
           strcmp(own.identity.issuer, issuing.key_id) == 0;
}

static enum pt_code renew(struct ctl *ctl, struct pt_error *reterr)
{
    const struct pt_method_type *method = NULL;
    struct pt_msg *request = request_of(ctl, "/patronus.v1.EnrollmentService/Renew", &method);
    struct pt_msg *reply = NULL;
    PT_AUTO(buf) struct pt_buf csr = {0};
    struct pt_buf *cert = (struct pt_buf *)(uintptr_t)&ctl->credential->cert_pem;
    PT_TRY(pt_csr_new((const char *)ctl->credential->key_pem.data, &csr, reterr));
    pt_msg_set_str(request, ctl->arena, "certificate_pem", (const char *)cert->data);
    pt_msg_set_bytes(request, ctl->arena, "csr", pt_buf_bytes(&csr));
    PT_TRY(ctl_call(ctl->client, method, request, ctl->arena, &reply, reterr));
    pt_buf_reset(cert);
    pt_buf_append_str(cert, pt_msg_str(reply, "certificate_pem"));
    if (pt_msg_str(reply, "ca_pem")[0] != '\0') {
        struct pt_buf *ca = (struct pt_buf *)(uintptr_t)&ctl->credential->ca_pem;
        pt_buf_reset(ca);
        pt_buf_append_str(ca, pt_msg_str(reply, "ca_pem"));
    }
    ctl_client_reconnect(ctl->client);
    return write_credential(ctl, reterr);
}

/* After each look: what the caller trusts and who signed for him follows. */
static enum pt_code follow(struct ctl *ctl, const struct pt_msg *reply, struct pt_error *reterr)
{
    bool changed = false;
    PT_TRY(take_authorities(ctl, reply, &changed, reterr));
    return current(ctl) ? PT_OK : renew(ctl, reterr);
}

static int renew_credential(struct ctl *ctl)
{
    struct pt_error error = {0};
    struct pt_msg *reply = NULL;
    if (ctl->credential->cert_pem.size == 0) {
        return ctl_usage_text(ctl, "only a credential with a certificate is renewed; name it with --credential");
    }
    bool changed = false;
    enum pt_code code = status(ctl, &reply, &error);
    if (code == PT_OK) {
        code = take_authorities(ctl, reply, &changed, &error);
    } else if (code == PT_PERMISSION_DENIED) {
        code = PT_OK; /* not everybody may see the cluster's authorities: who renews is told whom to trust */
    }
    if (code != PT_OK || renew(ctl, &error) != PT_OK) {
        return ctl_fail(&error);
    }
    printf("%s is renewed\n", ctl->args->credential);
    return PT_CLI_EXIT_OK;
}

/* A file that is a credential as `patronusd init` writes it: certificate, key, authorities. The key is made here. */
static enum pt_code issue_to(struct ctl *ctl, const char *role, const char *id, const char *path,
                             struct pt_msg **ret_reply, struct pt_error *reterr)
{
    const struct pt_method_type *method = NULL;
    struct pt_msg *request = request_of(ctl, SERVICE "IssueCredential", &method);
    PT_AUTO(secret) struct pt_buf text = {0};
    PT_AUTO(secret) struct pt_buf key = {0};
    PT_AUTO(buf) struct pt_buf csr = {0};
    PT_TRY(pt_key_new(&key, reterr));
    PT_TRY(pt_csr_new((const char *)key.data, &csr, reterr));
    pt_msg_set_str(request, ctl->arena, "id", id);
    pt_msg_set_str(request, ctl->arena, "role", role);
    pt_msg_set_bytes(request, ctl->arena, "csr", pt_buf_bytes(&csr));
    if (ctl->args->expires_s != 0) {
        struct pt_msg *lifetime = pt_msg_new(ctl->arena, pt_message_field(method->input, "lifetime")->message);
        pt_msg_set_i64(lifetime, ctl->arena, "seconds", (int64_t)ctl->args->expires_s);
        pt_msg_set_child(request, ctl->arena, "lifetime", lifetime);
    }
    PT_TRY(ctl_call(ctl->client, method, request, ctl->arena, ret_reply, reterr));
    pt_buf_append_str(&text, pt_msg_str(*ret_reply, "certificate_pem"));
    pt_buf_append_str(&text, (const char *)key.data);
    pt_buf_append_str(&text, pt_msg_str(*ret_reply, "ca_pem"));
    return pt_path_write(ctl_client_sys(ctl->client), path, text.data, text.size, reterr);
}

static int issue(struct ctl *ctl)
{
    const char *who = ctl->args->words[1];
    const char *path = ctl->args->words[2];
    size_t size = strcspn(who, "/");
    char role[16];
    struct pt_error error = {0};
    struct pt_msg *reply = NULL;
    if (who[size] == '\0' || size >= sizeof(role)) {
        return ctl_usage_text(ctl, "write user/ID or admin/ID, and the file to make: cas issue user/ann ann.pem");
    }
    if (access(path, F_OK) == 0) {
        return ctl_usage_text(ctl, "%s exists: name a new file", path);
    }
    (void)snprintf(role, sizeof(role), "%.*s", (int)size, who);
    char time[PT_TIME_TEXT_SIZE] = "-";
    if (ctl_connect(ctl, &error) != PT_OK || issue_to(ctl, role, who + size + 1, path, &reply, &error) != PT_OK) {
        return ctl_fail(&error);
    }
    (void)pt_timestamp_format(pt_msg_time(reply, "expire_time") / 1000000000, 0, time);
    printf("%s is the credential of %s until %s\n", path, pt_msg_str(reply, "spiffe_id"), time);
    return PT_CLI_EXIT_OK;
}

/* ---- rotation ------------------------------------------------------------------------------------------------- */

/* Until no rotation runs. A line for each thing that changed. */
static int wait_done(struct ctl *ctl, struct pt_msg *reply)
{
    char last[256] = "";
    unsigned failures = 0; /* a leader that changes meanwhile is no reason to stop looking */
    struct pt_error error = {0};
    while (pt_msg_bool(reply, "running")) {
        char line[256];
        const struct pt_msg_field *list = pt_msg_field(reply, "authorities");
        const struct pt_msg *newest = list->values[list->len - 1].message;
        (void)snprintf(
            line, sizeof(line), "%s %s: %llu of %llu nodes trust it, %llu have a certificate of the issuing one",
            pt_msg_str(newest, "id"), pt_msg_i64(newest, "state") == 1 ? "pending" : "issuing",
            (unsigned long long)pt_msg_u64(reply, "nodes_trusting"), (unsigned long long)pt_msg_u64(reply, "nodes"),
            (unsigned long long)pt_msg_u64(reply, "nodes_reissued"));
        if (strcmp(line, last) != 0) {
            fprintf(stderr, "%s\n", line);
            memcpy(last, line, sizeof(last));
        }
        if (follow(ctl, reply, &error) != PT_OK) {
            return ctl_fail(&error);
        }
        ctl_client_rest(ctl->client, PAUSE_MS);
        if (status(ctl, &reply, &error) != PT_OK && (error.code != PT_UNAVAILABLE || ++failures > FAILURES_MAX)) {
            return ctl_fail(&error);
        }
    }
    return follow(ctl, reply, &error) == PT_OK ? print_status(ctl, reply) : ctl_fail(&error);
}

static int rotate(struct ctl *ctl)
{
    const struct pt_method_type *method = NULL;
    struct pt_msg *request = request_of(ctl, SERVICE "RotateAuthority", &method);
    struct pt_msg *reply = NULL;
    struct pt_error error = {0};
    bool dry = pt_cli_given(ctl->args, PT_CLI_DRY_RUN);
    pt_msg_set_bool(request, ctl->arena, "validate_only", dry);
    pt_msg_set_bool(request, ctl->arena, "force", pt_cli_given(ctl->args, PT_CLI_FORCE));
    if (ctl_call(ctl->client, method, request, ctl->arena, &reply, &error) != PT_OK) {
        return ctl_fail(&error);
    }
    if (dry) {
        return print_status(ctl, reply);
    }
    if (pt_cli_given(ctl->args, PT_CLI_WAIT)) {
        return wait_done(ctl, reply);
    }
    return follow(ctl, reply, &error) == PT_OK ? print_status(ctl, reply) : ctl_fail(&error);
}

static int stop(struct ctl *ctl)
{
    const struct pt_method_type *method = NULL;
    struct pt_msg *request = request_of(ctl, SERVICE "RotateAuthority", &method);
    struct pt_msg *reply = NULL;
    struct pt_error error = {0};
    pt_msg_set_bool(request, ctl->arena, "abort", true);
    return ctl_call(ctl->client, method, request, ctl->arena, &reply, &error) == PT_OK &&
                   follow(ctl, reply, &error) == PT_OK
               ? print_status(ctl, reply)
               : ctl_fail(&error);
}

static int reseal(struct ctl *ctl)
{
    const struct pt_method_type *method = NULL;
    struct pt_msg *request = request_of(ctl, SERVICE "ResealSecrets", &method);
    struct pt_msg *reply = NULL;
    struct pt_error error = {0};
    pt_msg_set_bool(request, ctl->arena, "validate_only", pt_cli_given(ctl->args, PT_CLI_DRY_RUN));
    if (ctl_call(ctl->client, method, request, ctl->arena, &reply, &error) != PT_OK) {
        return ctl_fail(&error);
    }
    const struct pt_msg_field *obstacles = pt_msg_field(reply, "obstacles");
    print_obstacles(reply);
    if (obstacles != NULL && obstacles->len > 0) {
        return PT_CLI_EXIT_FAILED;
    }
    if (pt_cli_given(ctl->args, PT_CLI_DRY_RUN)) {
        printf("every controller has the same next seal key\n");
    } else {
        printf("%llu secrets are sealed under the next seal key; the old one opens nothing any more\n",
               (unsigned long long)pt_msg_u64(reply, "values"));
    }
    return PT_CLI_EXIT_OK;
}

int ctl_cas(struct ctl *ctl)
{
    static const struct {
        const char *name;
        int (*run)(struct ctl *ctl);
    } commands[] = {{"rotate", rotate}, {"abort", stop}, {"renew", renew_credential}, {"reseal", reseal}};
    const char *what = ctl->args->words_len == 1 ? ctl->args->words[0] : "";
    struct pt_error error = {0};
    struct pt_msg *reply = NULL;
    if (ctl->args->words_len == 3 && strcmp(ctl->args->words[0], "issue") == 0) {
        return issue(ctl);
    }
    if (strcmp(what, "list") == 0) {
        return ctl_connect(ctl, &error) == PT_OK && status(ctl, &reply, &error) == PT_OK ? print_status(ctl, reply)
                                                                                         : ctl_fail(&error);
    }
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(what, commands[i].name) == 0) {
            return ctl_connect(ctl, &error) == PT_OK ? commands[i].run(ctl) : ctl_fail(&error);
        }
    }
    return ctl_usage_text(ctl, "write cas list, cas rotate, cas abort, cas renew, cas reseal or cas issue WHO FILE");
}
