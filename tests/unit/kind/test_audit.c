/*
 * The audit log as the state machine writes it: one record an entry that changes something, whoever asked and however,
 * chained; none for what changes nothing; and to each tenant its own.
 */
#include "fixture.h"

#include "kind/machine.h"
#include "patronus/v1/changeset.pb-c.h"

#define A "organizations/acme"

static struct fixture fx;

static void setup(void)
{
    fx_init(&fx);
}

static void teardown(void)
{
    fx_fini(&fx);
}

/* Records of `parent`, as QueryAudit answers; the response in the fixture's arena. */
static const struct pt_msg *query(const char *parent, uint64_t after, int64_t page)
{
    const struct pt_method_type *method = fx_method(&fx, "QueryAudit");
    struct pt_msg *request = pt_msg_new(&fx.arena, method->input);
    pt_msg_set_str(request, &fx.arena, "parent", parent);
    pt_msg_set_u64(request, &fx.arena, "after_revision", after);
    pt_msg_set_i64(request, &fx.arena, "page_size", page);
    PT_AUTO(buf) struct pt_buf reply = {0};
    struct pt_error error = {0};
    ck_assert_int_eq(pt_kind_audit_query(fx.machine, method, request, &reply, &error), PT_OK);
    fx_take_reply(&fx, method->output, pt_buf_bytes(&reply));
    return fx.reply;
}

static size_t records_of(const struct pt_msg *response)
{
    const struct pt_msg_field *records = pt_msg_field(response, "records");
    return records != NULL ? records->len : 0;
}

static struct pt_msg *record_at(const struct pt_msg *response, size_t i)
{
    return pt_msg_field(response, "records")->values[i].message;
}

static const char *resource_of(const struct pt_msg *record)
{
    const struct pt_msg_field *resources = pt_msg_field(record, "resources");
    return resources != NULL ? (const char *)resources->values[0].bytes.data : "";
}

/* The newest record. */
static const struct pt_msg *newest(void)
{
    const struct pt_msg *all = query("", 0, 10000);
    ck_assert_uint_gt(records_of(all), 0);
    return record_at(all, records_of(all) - 1);
}

static void newest_is(const char *method, const char *resource, const char *principal)
{
    const struct pt_msg *record = newest();
    ck_assert_str_eq(pt_msg_str(record, "method"), method);
    ck_assert_str_eq(resource_of(record), resource);
    ck_assert_str_eq(pt_msg_str(record, "principal"), principal);
    ck_assert_str_eq(pt_msg_str(record, "code"), "OK");
    ck_assert_uint_eq(pt_msg_u64(record, "revision"), fx.index);
    ck_assert_int_eq(pt_msg_time(record, "time"), fx.time_ns);
    ck_assert_uint_eq(pt_msg_bytes(record, "change_digest").size, PT_DIGEST_SIZE);
}

/* Each record holds the hash of the one before, and the head is that of the last. */
static void chain_holds(void)
{
    const struct pt_msg *all = query("", 0, 10000);
    struct pt_digest hash = {{0}};
    for (size_t i = 0; i < records_of(all); i++) {
        struct pt_msg *record = record_at(all, i);
        ck_assert_uint_eq(pt_msg_u64(record, "sequence"), i + 1);
        struct pt_bytes previous = pt_msg_bytes(record, "previous_hash");
        ck_assert_uint_eq(previous.size, i > 0 ? PT_DIGEST_SIZE : 0);
        ck_assert(i == 0 || memcmp(previous.data, hash.bytes, PT_DIGEST_SIZE) == 0);
        struct pt_bytes stated = pt_msg_bytes(record, "hash");
        ck_assert_uint_eq(stated.size, PT_DIGEST_SIZE);
        PT_AUTO(buf) struct pt_buf said = {0};
        pt_buf_append(&said, stated.data, stated.size);
        pt_msg_clear(record, "hash");
        PT_AUTO(buf) struct pt_buf bytes = {0};
        pt_msg_encode(record, &bytes);
        hash = pt_sha256(bytes.data, bytes.size);
        ck_assert_mem_eq(said.data, hash.bytes, PT_DIGEST_SIZE);
    }
    ck_assert_uint_eq(pt_msg_u64(all, "head_sequence"), records_of(all));
    ck_assert_mem_eq(pt_msg_bytes(all, "head_hash").data, hash.bytes, PT_DIGEST_SIZE);
}

/* ---- what is recorded ----------------------------------------------------------------------------------------- */

/* The entry of a step, as the leader makes it. */
static void prepare_apply(const char *id, uint64_t confirm_s, struct pt_buf *ret_command)
{
    const struct pt_method_type *method = fx_method(&fx, "ApplyChangeSet");
    struct pt_msg *request = pt_msg_new(&fx.arena, method->input);
    pt_msg_set_str(request, &fx.arena, "name", pt_arena_printf(&fx.arena, A "/changeSets/%s", id));
    if (confirm_s > 0) {
        const struct pt_field_type *timeout = pt_message_field(method->input, "confirm_timeout");
        struct pt_msg *duration = pt_msg_new(&fx.arena, timeout->message);
        pt_msg_set_i64(duration, &fx.arena, "seconds", (int64_t)confirm_s);
        pt_msg_set_child(request, &fx.arena, "confirm_timeout", duration);
    }
    const struct pt_request_context context = {
        .caller = fx.caller, .time_ns = fx.time_ns, .uid_hi = fx.index + 1, .uid_lo = 9};
    PT_AUTO(buf) struct pt_buf reply = {0};
    bool answered = false;
    enum pt_code code =
        pt_kind_prepare_step(fx.machine, method, request, &context, NULL, 0, ret_command, &answered, &reply, &fx.error);
    ck_assert_msg(code == PT_OK && !answered, "%s", fx.error.text);
}

static void apply_change_set(const char *id, uint64_t confirm_s)
{
    PT_AUTO(buf) struct pt_buf command = {0};
    prepare_apply(id, confirm_s, &command);
    ck_assert_int_eq(fx_apply(&fx, pt_buf_bytes(&command)), PT_OK);
    struct pt_digest entry = pt_sha256(command.data, command.size); /* the record says which entry it was */
    ck_assert_mem_eq(pt_msg_bytes(newest(), "change_digest").data, entry.bytes, PT_DIGEST_SIZE);
}

START_TEST(every_change_has_its_record)
{
    const char *root = FX_ADMIN.principal;
    FX_OK(&fx, "CreateOrganization", "{'organizationId':'acme','organization':{},'requestId':'r1'}");
    newest_is("CREATE", A, root);
    ck_assert_str_eq(pt_msg_str(newest(), "request_id"), "r1");
    fx.time_ns += 1000000000;
    FX_OK(&fx, "CreateSite", "{'parent':'" A "','siteId':'s','site':{}}");
    FX_OK(&fx, "UpdateSite", "{'site':{'name':'" A "/sites/s','region':'eu'}}");
    newest_is("UPDATE", A "/sites/s", root);
    FX_OK(&fx, "DeleteSite", "{'name':'" A "/sites/s'}");
    newest_is("DELETE", A "/sites/s", root);
    FX_OK(&fx, "DeleteOrganization", "{'name':'" A "'}");
    FX_OK(&fx, "UndeleteOrganization", "{'name':'" A "'}");
    newest_is("UNDELETE", A, root);
    ck_assert_int_eq(fx_set_meta(&fx, PT_META_CLUSTER_ID, "c-1"), PT_OK);
    newest_is("SET_META", PT_META_CLUSTER_ID, "internal");
    /* A change set: a record of its own, and one of each resource. */
    FX_OK(&fx, "UpdateChangeSet",
          "{'changeSet':{'name':'" A "/changeSets/c','changes':[{'action':'CHANGE_CREATE','name':'" A
          "/sites/t','resource':{'@type':'type.googleapis.com/patronus.v1.Site'}}]},'allowMissing':true}");
    uint64_t sequence = fx.machine->audit_sequence;
    apply_change_set("c", 60);
    newest_is("CREATE", A "/sites/t", root);
    ck_assert_uint_eq(fx.machine->audit_sequence, sequence + 2);
    Patronus__V1__ChangeSetCommand op = PATRONUS__V1__CHANGE_SET_COMMAND__INIT;
    op.step = PATRONUS__V1__CHANGE_SET_STEP__STEP_EXPIRE;
    op.name = (char *)(uintptr_t)A "/changeSets/c";
    op.cause = PATRONUS__V1__ROLLBACK_CAUSE__NOT_CONFIRMED;
    op.apply_revision = fx.index;
    Patronus__V1__Command command = PATRONUS__V1__COMMAND__INIT;
    command.op_case = PATRONUS__V1__COMMAND__OP_CHANGE_SET;
    command.change_set = &op;
    ck_assert_int_eq(fx_command(&fx, &command), PT_OK);
    const struct pt_msg *all = query("", 0, 10000);
    ck_assert_str_eq(pt_msg_str(record_at(all, records_of(all) - 2), "method"), "EXPIRE");
    newest_is("DELETE", A "/sites/t", "internal");
    chain_holds();
    /* The chain goes on where it was when the node starts again. */
    sequence = fx.machine->audit_sequence;
    fx_reopen(&fx);
    FX_OK(&fx, "CreateSite", "{'parent':'" A "','siteId':'u','site':{}}");
    ck_assert_uint_eq(fx.machine->audit_sequence, sequence + 1);
    chain_holds();
}
END_TEST

/* Whence and by which key is on record; and what the state refused though the leader had let it through. */
START_TEST(a_record_says_by_what_credential)
{
#define BOT A "/serviceAccounts/bot"
    FX_OK(&fx, "CreateOrganization", "{'organizationId':'acme','organization':{}}");
    FX_OK(&fx, "CreateServiceAccount", "{'parent':'" A "','serviceAccountId':'bot'}");
    FX_OK(&fx, "CreateRoleBinding",
          "{'parent':'" A "','roleBindingId':'b','roleBinding':{'role':'roles/operator','members':['" BOT "']}}");
    FX_OK(&fx, "UpdateApiKey",
          "{'apiKey':{'name':'" BOT "/apiKeys/k','secretHmac':"
          "'0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef'},'allowMissing':true}");
    const struct pt_caller bot = {.principal = BOT, .api_key = BOT "/apiKeys/k", .source = "192.0.2.7"};
    fx.caller = bot;
    FX_OK(&fx, "CreateSite", "{'parent':'" A "','siteId':'s','site':{}}");
    newest_is("CREATE", A "/sites/s", BOT);
    ck_assert_str_eq(pt_msg_str(newest(), "api_key"), BOT "/apiKeys/k");
    ck_assert_str_eq(pt_msg_str(newest(), "source"), "192.0.2.7");
    FX_OK(&fx, "UpdateChangeSet",
          "{'changeSet':{'name':'" A "/changeSets/c','changes':[{'action':'CHANGE_DELETE','name':'" A
          "/sites/s'}]},'allowMissing':true}");
    PT_AUTO(buf) struct pt_buf late = {0};
    prepare_apply("c", 0, &late);
    fx.caller = FX_ADMIN;
    FX_OK(&fx, "DeleteRoleBinding", "{'name':'" A "/roleBindings/b'}");
    uint64_t sequence = fx.machine->audit_sequence;
    ck_assert_int_eq(fx_apply(&fx, pt_buf_bytes(&late)), PT_NOT_FOUND); /* he holds nothing there now */
    ck_assert_uint_eq(fx.machine->audit_sequence, sequence + 1);
    ck_assert_str_eq(pt_msg_str(newest(), "method"), "APPLY");
    ck_assert_str_eq(pt_msg_str(newest(), "code"), "NOT_FOUND");
    ck_assert_str_eq(pt_msg_str(newest(), "principal"), BOT);
    FX_OK(&fx, "GetSite", "{'name':'" A "/sites/s'}");
    chain_holds();
}
END_TEST

START_TEST(what_changes_nothing_has_none)
{
    FX_OK(&fx, "CreateOrganization", "{'organizationId':'acme','organization':{},'requestId':'r1'}");
    uint64_t sequence = fx.machine->audit_sequence;
    FX_OK(&fx, "CreateOrganization", "{'organizationId':'acme','organization':{},'requestId':'r1'}"); /* repeated */
    FX_OK(&fx, "GetOrganization", "{'name':'" A "'}");
    FX_OK(&fx, "ListSites", "{'parent':'" A "'}");
    FX_OK(&fx, "CreateSite", "{'parent':'" A "','siteId':'s','site':{},'validateOnly':true}");
    FX_FAIL(&fx, PT_ALREADY_EXISTS, PT_REASON_RESOURCE_EXISTS, "name", "CreateOrganization",
            "{'organizationId':'acme'}");
    ck_assert_uint_eq(fx.machine->audit_sequence, sequence);
    chain_holds();
}
END_TEST

/* What controllers refused comes as an entry of counts, one record each; so does what was carried out and changed
 * nothing here. */
START_TEST(calls_are_records_of_the_same_chain)
{
    FX_OK(&fx, "CreateOrganization", "{'organizationId':'acme','organization':{}}");
    Patronus__V1__RecordedCall calls[3];
    Patronus__V1__RecordedCall *list[3] = {&calls[0], &calls[1], &calls[2]};
    static const char *const resources[] = {"", A, "spiffe://c/user/ann"};
    static const char *const codes[] = {"UNAUTHENTICATED", "PERMISSION_DENIED", "OK"};
    for (unsigned i = 0; i < 3; i++) {
        patronus__v1__recorded_call__init(&calls[i]);
        calls[i].principal = (char *)(uintptr_t)(i == 0 ? "anonymous" : A "/serviceAccounts/bot");
        calls[i].method = (char *)(uintptr_t)(i == 2 ? "IssueCredential" : "CreateSite");
        calls[i].resource = (char *)(uintptr_t)resources[i];
        calls[i].code = (char *)(uintptr_t)codes[i];
        calls[i].source = (char *)(uintptr_t) "192.0.2.1";
        calls[i].count = 7 + i;
    }
    Patronus__V1__RecordedCalls recorded = PATRONUS__V1__RECORDED_CALLS__INIT;
    recorded.calls = list;
    recorded.n_calls = 3;
    Patronus__V1__Command command = PATRONUS__V1__COMMAND__INIT;
    command.op_case = PATRONUS__V1__COMMAND__OP_CALLS;
    command.calls = &recorded;
    struct pt_digest before = fx_digest(&fx);
    ck_assert_int_eq(fx_command(&fx, &command), PT_OK);
    struct pt_digest after = fx_digest(&fx);
    ck_assert(!pt_digest_equal(&before, &after)); /* the head is a part of the state */
    const struct pt_msg *all = query("", 0, 10000);
    ck_assert_uint_eq(records_of(all), 5); /* the first one is of the level */
    for (unsigned i = 0; i < 3; i++) {
        const struct pt_msg *record = record_at(all, 2 + i);
        ck_assert_str_eq(pt_msg_str(record, "method"), calls[i].method);
        ck_assert_uint_eq(pt_msg_u64(record, "resources_len"), resources[i][0] != '\0');
        ck_assert_str_eq(i > 0 ? resource_of(record) : "", resources[i]);
        ck_assert_str_eq(pt_msg_str(record, "principal"), calls[i].principal);
        ck_assert_str_eq(pt_msg_str(record, "code"), calls[i].code);
        ck_assert_str_eq(pt_msg_str(record, "source"), "192.0.2.1");
        ck_assert_uint_eq(pt_msg_u64(record, "count"), 7 + i);
    }
    chain_holds();
}
END_TEST

/* ---- reading -------------------------------------------------------------------------------------------------- */

START_TEST(a_tenant_reads_what_concerns_it_page_by_page)
{
    FX_OK(&fx, "CreateOrganization", "{'organizationId':'acme','organization':{}}");
    FX_OK(&fx, "CreateOrganization", "{'organizationId':'rival','organization':{}}");
    FX_OK(&fx, "CreateOrganization", "{'organizationId':'child','organization':{'parentOrganization':'" A "'}}");
    for (unsigned i = 0; i < 20; i++) {
        FX_OK(&fx, "CreateSite", "{'parent':'organizations/%s','siteId':'s%u','site':{}}",
              i % 4 == 0   ? "rival"
              : i % 4 == 1 ? "child"
                           : "acme",
              i);
    }
    const struct pt_msg *own = query(A, 0, 10000);
    ck_assert_uint_eq(records_of(own), 2 + 15);
    for (size_t i = 0; i < records_of(own); i++) {
        ck_assert(strstr(resource_of(record_at(own, i)), "rival") == NULL);
    }
    ck_assert(!pt_msg_has(own, "head_hash")); /* it tells how much others do */
    ck_assert_uint_eq(records_of(query("organizations/child", 0, 10000)), 1 + 5);
    size_t len = 0, pages = 0;
    uint64_t after = 0;
    do {
        const struct pt_msg *page = query("", after, 5);
        ck_assert_uint_le(records_of(page), 5);
        len += records_of(page);
        after = pt_msg_u64(page, "next_revision");
        pages++;
    } while (after != 0);
    ck_assert_uint_eq(len, 24); /* with the one of the level */
    ck_assert_uint_ge(pages, 5);
}
END_TEST

/* What its own accounts do elsewhere concerns a tenant too; what happens elsewhere does not. */
START_TEST(a_tenant_reads_what_its_accounts_did_elsewhere)
{
    FX_OK(&fx, "CreateOrganization", "{'organizationId':'acme','organization':{}}");
    FX_OK(&fx, "CreateOrganization", "{'organizationId':'rival','organization':{}}");
    FX_OK(&fx, "CreateServiceAccount", "{'parent':'" A "','serviceAccountId':'bot'}");
    FX_OK(&fx, "CreateRoleBinding",
          "{'parent':'organizations/rival','roleBindingId':'b','roleBinding':{'role':'roles/operator','members':['" BOT
          "']}}");
    size_t before = records_of(query(A, 0, 10000));
    FX_OK(&fx, "CreateSite", "{'parent':'organizations/rival','siteId':'theirs','site':{}}");
    ck_assert_uint_eq(records_of(query(A, 0, 10000)), before);
    fx.caller = (struct pt_caller){.principal = BOT, .api_key = "", .source = ""};
    FX_OK(&fx, "CreateSite", "{'parent':'organizations/rival','siteId':'ours','site':{}}");
    const struct pt_msg *own = query(A, 0, 10000);
    ck_assert_uint_eq(records_of(own), before + 1);
    ck_assert_str_eq(resource_of(record_at(own, before)), "organizations/rival/sites/ours");
    ck_assert_uint_eq(records_of(query("organizations/rival", 0, 10000)), 4);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("kind/audit");
    TCase *tests = tcase_create("audit");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, every_change_has_its_record);
    tcase_add_test(tests, a_record_says_by_what_credential);
    tcase_add_test(tests, what_changes_nothing_has_none);
    tcase_add_test(tests, calls_are_records_of_the_same_chain);
    tcase_add_test(tests, a_tenant_reads_what_concerns_it_page_by_page);
    tcase_add_test(tests, a_tenant_reads_what_its_accounts_did_elsewhere);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
