/*
 * audit export: JSON lines on standard output. audit verify: of a file, or of the cluster's own log against its head.
 */
#include "ctl.h"

#include "base/assert.h"
#include "cli/audit.h"
#include "wire/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct head {
    uint64_t sequence;
    struct pt_digest hash;
};

typedef enum pt_code (*record_fn)(struct ctl *ctl, void *arg, struct pt_msg *record, struct pt_error *reterr);

/* Every record, page by page. */
static enum pt_code read_all(struct ctl *ctl, const char *parent, record_fn fn, void *arg, struct head *ret_head,
                             struct pt_error *reterr)
{
    const struct pt_method_type *method = pt_schema_method(ctl->schema, "/patronus.v1.AuditService/QueryAudit");
    pt_assert(method != NULL);
    uint64_t after = 0;
    enum pt_code code = PT_OK;
    do {
        struct pt_arena arena;
        pt_arena_init(&arena);
        struct pt_msg *request = pt_msg_new(&arena, method->input);
        struct pt_msg *reply = NULL;
        pt_msg_set_str(request, &arena, "parent", parent);
        pt_msg_set_u64(request, &arena, "after_revision", after);
        code = ctl_call(ctl->client, method, request, &arena, &reply, reterr);
        const struct pt_msg_field *records = code == PT_OK ? pt_msg_field(reply, "records") : NULL;
        for (size_t i = 0; records != NULL && i < records->len && code == PT_OK; i++) {
            code = fn(ctl, arg, records->values[i].message, reterr);
        }
        if (code == PT_OK) {
            after = pt_msg_u64(reply, "next_revision");
            struct pt_bytes hash = pt_msg_bytes(reply, "head_hash");
            ret_head->sequence = pt_msg_u64(reply, "head_sequence");
            memcpy(ret_head->hash.bytes, hash.data, hash.size == PT_DIGEST_SIZE ? PT_DIGEST_SIZE : 0);
        }
        pt_arena_fini(&arena);
    } while (code == PT_OK && after != 0);
    return code;
}

static enum pt_code print_record(struct ctl *ctl, void *arg, struct pt_msg *record, struct pt_error *reterr)
{
    (void)arg;
    (void)reterr;
    PT_AUTO(buf) struct pt_buf line = {0};
    pt_json_write(ctl->schema, record, PT_JSON_COMPACT, &line);
    pt_buf_append_u8(&line, '\n');
    ctl_print(&line);
    return PT_OK;
}

static enum pt_code verify_record(struct ctl *ctl, void *arg, struct pt_msg *record, struct pt_error *reterr)
{
    (void)ctl;
    return pt_cli_audit_record(arg, record, reterr);
}

static int done(const struct pt_cli_audit *audit)
{
    char hex[65];
    printf("%" PRIu64 " records, the last is number %" PRIu64 " with hash %s\n", audit->line, audit->sequence,
           pt_digest_hex(&audit->hash, hex));
    return PT_CLI_EXIT_OK;
}

static int verify_file(struct ctl *ctl, const char *path)
{
    PT_AUTO(buf) struct pt_buf text = {0};
    struct pt_error error = {0};
    if (ctl_read_file(path, &text, &error) != PT_OK) {
        return ctl_fail(&error);
    }
    struct pt_cli_audit audit = {.schema = ctl->schema};
    for (const char *at = (const char *)text.data; *at != '\0';) {
        size_t size = strcspn(at, "\n");
        if (pt_cli_audit_line(&audit, at, size, &error) != PT_OK) {
            return ctl_fail(&error);
        }
        at += size + (at[size] == '\n');
    }
    return done(&audit);
}

static int verify_cluster(struct ctl *ctl)
{
    struct pt_cli_audit audit = {.schema = ctl->schema};
    struct head head = {0};
    struct pt_error error = {0};
    if (ctl_connect(ctl, &error) != PT_OK || read_all(ctl, "", verify_record, &audit, &head, &error) != PT_OK) {
        return ctl_fail(&error);
    }
    if (audit.sequence != head.sequence || !pt_digest_equal(&audit.hash, &head.hash)) {
        (void)pt_fail(&error, PT_CORRUPT, PT_REASON_CONFLICT, "head",
                      "the log ends at record %" PRIu64 " and the cluster's newest is %" PRIu64
                      ": the end was cut off or replaced (or records were written meanwhile: repeat)",
                      audit.sequence, head.sequence);
        return ctl_fail(&error);
    }
    return done(&audit);
}

int ctl_audit(struct ctl *ctl)
{
    const struct pt_cli_args *args = ctl->args;
    struct pt_error error = {0};
    bool verify = args->words_len > 0 && strcmp(args->words[0], "verify") == 0;
    bool export = args->words_len == 1 && strcmp(args->words[0], "export") == 0;
    if (verify && args->words_len <= 2) {
        return args->words_len == 2 ? verify_file(ctl, args->words[1]) : verify_cluster(ctl);
    }
    if (!export) {
        return ctl_usage_text(ctl, "write audit export, audit verify, or audit verify FILE");
    }
    struct head head = {0};
    if (ctl_connect(ctl, &error) != PT_OK ||
        read_all(ctl, ctl->scope.parent, print_record, NULL, &head, &error) != PT_OK) {
        return ctl_fail(&error);
    }
    return PT_CLI_EXIT_OK;
}
