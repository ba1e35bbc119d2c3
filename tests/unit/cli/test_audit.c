/* An export of the audit log: whole, it passes; altered in any way, the place is found. */
#include "tests/unit/cli/fixture.h"

#include "base/map.h"
#include "cli/audit.h"
#include "wire/json.h"

#include <stdio.h>

#define RECORDS 60
#define COPIES 1000

static char *lines[RECORDS];

/* A chain as the state machine makes it; the exports of real clusters are looked at by tests/e2e/access.sh. */
static void make_chain(void)
{
    struct pt_digest hash = {{0}};
    const struct pt_message_type *type = pt_schema_message(schema, "patronus.v1.AuditRecord");
    for (unsigned i = 0; i < RECORDS; i++) {
        struct pt_msg *record = pt_msg_new(&arena, type);
        pt_msg_set_u64(record, &arena, "sequence", i + 1);
        pt_msg_set_u64(record, &arena, "revision", 10 + i * 3);
        pt_msg_set_time(record, &arena, "time", 1700000000000000000LL + i * 1000000);
        pt_msg_set_str(record, &arena, "principal",
                       i % 3 == 0 ? "spiffe://c/admin/root" : "organizations/a/serviceAccounts/b");
        pt_msg_set_str(record, &arena, "method", i % 2 == 0 ? "CREATE" : "DELETE");
        pt_msg_set_str(record, &arena, "code", "OK");
        pt_msg_set_u64(record, &arena, "count", 1);
        if (i > 0) {
            pt_msg_set_bytes(record, &arena, "previous_hash", (struct pt_bytes){hash.bytes, PT_DIGEST_SIZE});
        }
        PT_AUTO(buf) struct pt_buf bytes = {0};
        pt_msg_encode(record, &bytes);
        hash = pt_sha256(bytes.data, bytes.size);
        pt_msg_set_bytes(record, &arena, "hash", (struct pt_bytes){hash.bytes, PT_DIGEST_SIZE});
        PT_AUTO(buf) struct pt_buf json = {0};
        pt_json_write(schema, record, PT_JSON_COMPACT, &json);
        lines[i] = pt_arena_strndup(&arena, (const char *)json.data, json.size);
    }
}

/* Line of the first fault, from 1; 0 when there is none. */
static uint64_t verify(char *const *copy, size_t len)
{
    struct pt_cli_audit audit = {.schema = schema};
    for (size_t i = 0; i < len; i++) {
        if (pt_cli_audit_line(&audit, copy[i], strlen(copy[i]), &error) != PT_OK) {
            ck_assert_int_eq(error.code, PT_CORRUPT);
            ck_assert_str_ne(error.text, "");
            return audit.line;
        }
    }
    return 0;
}

START_TEST(a_whole_chain_passes_from_anywhere)
{
    make_chain();
    ck_assert_uint_eq(verify(lines, RECORDS), 0);
    ck_assert_uint_eq(verify(lines + 20, RECORDS - 20), 0); /* the oldest are no longer kept */
}
END_TEST

/* Another caller in the record, and the hash that it has then. */
static char *forged(const char *line)
{
    struct pt_msg *record = NULL;
    const struct pt_message_type *type = pt_schema_message(schema, "patronus.v1.AuditRecord");
    ck_assert_int_eq(pt_json_read(schema, type, line, strlen(line), &arena, &record, &error), PT_OK);
    pt_msg_set_str(record, &arena, "principal", "spiffe://c/admin/mallory");
    pt_msg_clear(record, "hash");
    PT_AUTO(buf) struct pt_buf bytes = {0};
    pt_msg_encode(record, &bytes);
    struct pt_digest hash = pt_sha256(bytes.data, bytes.size);
    pt_msg_set_bytes(record, &arena, "hash", (struct pt_bytes){hash.bytes, PT_DIGEST_SIZE});
    PT_AUTO(buf) struct pt_buf json = {0};
    pt_json_write(schema, record, PT_JSON_COMPACT, &json);
    return pt_arena_strndup(&arena, (const char *)json.data, json.size);
}

/* One change each of six sorts; the fault is found in the line that was changed or, for what is gone or was moved, in
 * the one behind. */
START_TEST(a_thousand_tampered_copies_are_located)
{
    make_chain();
    unsigned found = 0;
    for (unsigned i = 0; i < COPIES; i++) {
        uint64_t random = pt_hash_mix(i + 1);
        size_t at = 1 + random % (RECORDS - 2);
        char *copy[RECORDS + 1];
        memcpy(copy, lines, sizeof(lines));
        size_t len = RECORDS;
        uint64_t wanted = at + 1;
        switch (i % 6) {
        case 0: { /* one byte of a value */
            char *line = pt_arena_strdup(&arena, lines[at]);
            char *place = strstr(line, i % 12 == 0 ? "principal\":\"" : "hash\":\"");
            place = strchr(strchr(place, ':'), '"') + 1 + random / 64 % 8;
            *place = *place == 'a' ? 'b' : 'a';
            copy[at] = line;
            break;
        }
        case 1: /* removed */
            memmove(&copy[at], &copy[at + 1], (RECORDS - at - 1) * sizeof(copy[0]));
            len--;
            break;
        case 2: /* two exchanged */
            copy[at] = lines[at + 1];
            copy[at + 1] = lines[at];
            break;
        case 3: /* replaced, with the hash that fits: the one behind it does not follow */
            copy[at] = forged(lines[at]);
            wanted = at + 2;
            break;
        case 4: /* one more, which fits to what is in front of it */
            memmove(&copy[at + 1], &copy[at], (RECORDS - at) * sizeof(copy[0]));
            copy[at] = forged(lines[at]);
            wanted = at + 2;
            len++;
            break;
        default: /* said twice */
            copy[at] = lines[at - 1];
            break;
        }
        uint64_t line = verify(copy, len);
        ck_assert_msg(line == wanted, "copy %u: line %u, not %u", i, (unsigned)line, (unsigned)wanted);
        found++;
    }
    printf("figure audit_tampered_located %u goal %u %s\n", found, COPIES, found == COPIES ? "met" : "short");
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("audit");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_whole_chain_passes_from_anywhere);
    tcase_add_test(tcase, a_thousand_tampered_copies_are_located);
    return run_case("cli audit", tcase);
}
