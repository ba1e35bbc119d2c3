/*
 * Change sets: all or nothing, confirmed or taken back, and taken back means as it was. The rules are asked of the
 * state machine alone; the leader's clock is played by the test.
 */
#include "fixture.h"

#include "kind/machine.h"
#include "patronus/v1/changeset.pb-c.h"

#define A "organizations/acme"
#define CS A "/changeSets/c1"
#define TYPE "'@type':'type.googleapis.com/patronus.v1."
#define CREATE(name, kind, body) "{'action':'CHANGE_CREATE','name':'" name "','resource':{" TYPE kind "'" body "}}"
#define UPDATE(name, kind, body) "{'action':'CHANGE_UPDATE','name':'" name "','resource':{" TYPE kind "'" body "}}"
#define DELETE(name) "{'action':'CHANGE_DELETE','name':'" name "'}"
#define STAGE(name, changes) \
    "UpdateChangeSet", "{'changeSet':{'name':'" name "','changes':[" changes "]},'allowMissing':true}"

static struct fixture fx;

static void setup(void)
{
    fx_init(&fx);
    fx_world(&fx);
}

static void teardown(void)
{
    fx_fini(&fx);
}

/* A request from JSON; NULL is not returned. */
static PT_PRINTF(2, 3) struct pt_msg *request_of(const struct pt_method_type *method, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *json = NULL;
    ck_assert_int_ge(vasprintf(&json, format, arguments), 0);
    va_end(arguments);
    for (char *c = json; *c != '\0'; c++) {
        *c = *c == '\'' ? '"' : *c;
    }
    struct pt_msg *request = NULL;
    struct pt_error error = {0};
    enum pt_code code = pt_json_read(fx.schema, method->input, json, strlen(json), &fx.arena, &request, &error);
    ck_assert_msg(code == PT_OK, "%s: %s %s", json, error.field, error.text);
    free(json);
    return request;
}

/* A step as the leader makes it, with the edges that are connected. */
static enum pt_code step(const char *name, const char *request_json)
{
    static const char *const edges[] = {A "/sites/nyc/edges/e1"};
    const struct pt_method_type *method = fx_method(&fx, name);
    struct pt_msg *request = request_of(method, "%s", request_json);
    const struct pt_request_context context = {
        .caller = fx.caller, .time_ns = fx.time_ns, .uid_hi = fx.index + 1, .uid_lo = 9};
    PT_AUTO(buf) struct pt_buf command = {0};
    PT_AUTO(buf) struct pt_buf reply = {0};
    bool answered = false;
    fx.error = (struct pt_error){0};
    fx.reply = NULL;
    fx.proposed = false;
    struct pt_digest before = fx_digest(&fx);
    enum pt_code code =
        pt_kind_prepare_step(fx.machine, method, request, &context, edges, 1, &command, &answered, &reply, &fx.error);
    struct pt_digest after = fx_digest(&fx);
    ck_assert(pt_digest_equal(&before, &after)); /* a trial leaves nothing */
    if (code != PT_OK) {
        return code;
    }
    if (!answered) {
        fx.proposed = true;
        code = fx_apply(&fx, pt_buf_bytes(&command));
        ck_assert_msg(code == PT_OK, "the trial passed and the entry did not: %s", fx.error.text);
    }
    fx_take_reply(&fx, method->output, answered ? pt_buf_bytes(&reply) : pt_kind_verdict(fx.machine, fx.index)->reply);
    return PT_OK;
}

#define STEP_OK(name, request)                                                                                   \
    do {                                                                                                         \
        enum pt_code step_code = step((name), (request));                                                        \
        ck_assert_msg(step_code == PT_OK, "%s: %s: %s", pt_code_name(step_code), fx.error.field, fx.error.text); \
    } while (0)
#define STEP_FAIL(wanted_code, wanted_reason, name, request)                                             \
    do {                                                                                                 \
        enum pt_code step_code = step((name), (request));                                                \
        ck_assert_msg(step_code == (wanted_code), "%s: %s: %s", pt_code_name(step_code), fx.error.field, \
                      fx.error.text);                                                                    \
        ck_assert_str_eq(pt_reason_name(fx.error.reason), pt_reason_name(wanted_reason));                \
    } while (0)

static char *quoted(const char *text)
{
    char *copy = pt_arena_strdup(&fx.arena, text);
    for (char *c = copy; *c != '\0'; c++) {
        *c = *c == '\'' ? '"' : *c;
    }
    return copy;
}

#define Q(text) quoted(text)

static enum pt_code expire(const char *name, uint64_t apply_revision, uint32_t cause)
{
    char *edges[] = {(char *)(uintptr_t)A "/sites/nyc/edges/e1"};
    Patronus__V1__ChangeSetCommand op = PATRONUS__V1__CHANGE_SET_COMMAND__INIT;
    op.step = PATRONUS__V1__CHANGE_SET_STEP__STEP_EXPIRE;
    op.name = (char *)(uintptr_t)name;
    op.cause = cause;
    op.apply_revision = apply_revision;
    op.lost_edges = edges;
    op.n_lost_edges = cause == PATRONUS__V1__ROLLBACK_CAUSE__NODES_LOST;
    Patronus__V1__Command command = PATRONUS__V1__COMMAND__INIT;
    command.op_case = PATRONUS__V1__COMMAND__OP_CHANGE_SET;
    command.change_set = &op;
    return fx_command(&fx, &command);
}

/* Everything below acme but its change sets, without what a return to it may change: revision and times. */
static bool render_row(void *arg, const struct pt_row *row)
{
    struct pt_buf *out = arg;
    struct pt_msg *msg = NULL;
    if (pt_kind_info(fx.machine, row->kind_id) == NULL || strstr(row->name, "/changeSets/") != NULL ||
        !pt_name_below(A, row->name) || strcmp(row->name, A) == 0) {
        return true;
    }
    ck_assert_int_eq(pt_kind_parse_row(fx.machine, row, &fx.arena, &msg, NULL), PT_OK);
    pt_msg_clear(msg, "revision");
    pt_msg_clear(msg, "update_time");
    pt_buf_printf(out, "%s ", row->name);
    pt_json_write(fx.schema, msg, PT_JSON_COMPACT, out);
    pt_buf_append_u8(out, '\n');
    return true;
}

static const char *world(void)
{
    PT_AUTO(buf) struct pt_buf out = {0};
    const struct pt_store_range range = {.parent = "", .after = ""};
    ck_assert_int_eq(pt_store_scan(pt_kind_store(fx.machine), &range, render_row, &out, NULL), PT_OK);
    return pt_arena_strndup(&fx.arena, (const char *)out.data, out.size);
}

static void same_world(const char *before)
{
    const char *after = world();
    size_t at = 0; /* of the line where they part */
    for (size_t i = 0; before[i] != '\0' && before[i] == after[i]; i++) {
        at = before[i] == '\n' ? i + 1 : at;
    }
    ck_assert_msg(strcmp(before, after) == 0, "was %.*s, is %.*s", (int)strcspn(before + at, "\n"), before + at,
                  (int)strcspn(after + at, "\n"), after + at);
}

/* Indexes beside the store equal those that a start makes of it. */
static void reopen(void)
{
    const struct pt_revisions *revisions = &fx.machine->revisions;
    size_t len = revisions->len, size = revisions->size, chains = revisions->chains.count;
    size_t pending = fx.machine->pending.count;
    struct pt_digest before = fx_digest(&fx);
    fx_reopen(&fx);
    struct pt_digest after = fx_digest(&fx);
    ck_assert(pt_digest_equal(&before, &after));
    ck_assert_int_eq(pt_store_scrub(pt_kind_store(fx.machine), NULL), PT_OK);
    ck_assert_uint_eq(fx.machine->revisions.len, len);
    ck_assert_uint_eq(fx.machine->revisions.size, size);
    ck_assert_uint_eq(fx.machine->revisions.chains.count, chains);
    ck_assert_uint_eq(fx.machine->pending.count, pending);
}

/* ---- staging -------------------------------------------------------------------------------------------------- */

START_TEST(what_can_never_be_right_cannot_be_staged)
{
    FX_OK(&fx, "CreateOrganization", "{'organizationId':'other','organization':{}}");
    FX_FAIL(&fx, PT_INVALID_ARGUMENT, PT_REASON_NAME_INVALID, "changes[0].name",
            STAGE(CS, CREATE("organizations/other/sites/s", "Site", "")));
    FX_FAIL(&fx, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "changes[0].name",
            STAGE(CS, CREATE(A "/roles/r", "Role", "")));
    FX_FAIL(&fx, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "changes[1].name",
            STAGE(CS, DELETE(A "/sites/nyc") "," DELETE(A "/sites/nyc")));
    FX_FAIL(&fx, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "changes[0].resource",
            STAGE(CS, CREATE(A "/sites/s", "Link", "")));
    FX_FAIL(&fx, PT_INVALID_ARGUMENT, PT_REASON_NAME_INVALID, "changes[0].name", STAGE(CS, DELETE("sites/nyc")));
    FX_FAIL(&fx, PT_INVALID_ARGUMENT, PT_REASON_FIELD_REQUIRED, "changes[0].action",
            STAGE(CS, "{'name':'" A "/sites/nyc'}"));
    FX_FAIL(&fx, PT_INVALID_ARGUMENT, PT_REASON_FIELD_UNKNOWN, "changes[0].update_mask",
            STAGE(CS, "{'action':'CHANGE_UPDATE','name':'" A "/sites/nyc','updateMask':'color','resource':{" TYPE
                      "Site'}}"));
    FX_OK(&fx, STAGE(CS, CREATE(A "/sites/s", "Site", "")));
    ck_assert_int_eq(pt_msg_i64(fx.reply, "state"), PATRONUS__V1__CHANGE_SET_STATE__STAGED);
}
END_TEST

/* ---- applying ------------------------------------------------------------------------------------------------- */

START_TEST(all_or_nothing)
{
    FX_OK(&fx, STAGE(CS, CREATE(A "/sites/lon", "Site", ",'region':'eu'") "," CREATE(
                             A "/sites/lon/edges/e", "Edge",
                             "") "," UPDATE(A "/sites/nyc", "Site",
                                            ",'region':'us'") "," DELETE(A "/sites/sfo") "," CREATE(A "/segments/s2",
                                                                                                    "Segment",
                                                                                                    ",'fabric':'" A
                                                                                                    "/fabrics/gone'")));
    const char *before = world();
    STEP_FAIL(PT_FAILED_PRECONDITION, PT_REASON_REFERENCE_NOT_FOUND, "ApplyChangeSet", Q("{'name':'" CS "'}"));
    ck_assert_str_eq(fx.error.field, "changes[4].fabric");
    same_world(before);
    reopen();
    FX_OK(&fx, STAGE(CS, CREATE(A "/sites/lon", "Site", ",'region':'eu'") "," CREATE(
                             A "/sites/lon/edges/e", "Edge",
                             "") "," UPDATE(A "/sites/nyc", "Site", ",'region':'us'") "," DELETE(A "/sites/sfo")));
    uint64_t index = fx.index;
    STEP_OK("ApplyChangeSet", Q("{'name':'" CS "'}"));
    ck_assert_uint_eq(fx.index, index + 1); /* one entry */
    ck_assert_int_eq(pt_msg_i64(fx.reply, "state"), PATRONUS__V1__CHANGE_SET_STATE__APPLIED);
    ck_assert_uint_eq(pt_msg_u64(fx.reply, "changed"), 4);
    FX_OK(&fx, "GetSite", "{'name':'" A "/sites/nyc'}");
    ck_assert_str_eq(pt_msg_str(fx.reply, "region"), "us");
    ck_assert_uint_eq(pt_msg_u64(fx.reply, "revision"), index + 1);
    FX_OK(&fx, "GetEdge", "{'name':'" A "/sites/lon/edges/e'}");
    ck_assert_uint_eq(strlen(pt_msg_str(fx.reply, "uid")), 32);
    FX_FAIL(&fx, PT_NOT_FOUND, PT_REASON_RESOURCE_NOT_FOUND, "name", "GetSite", "{'name':'" A "/sites/sfo'}");
    STEP_FAIL(PT_FAILED_PRECONDITION, PT_REASON_WRONG_STATE, "ApplyChangeSet", Q("{'name':'" CS "'}"));
    STEP_OK("RollbackChangeSet", Q("{'name':'" CS "'}"));
    same_world(before);
    reopen();
}
END_TEST

START_TEST(quotas_count_the_whole)
{
    FX_OK(&fx, "UpdateOrganization", "{'organization':{'name':'" A "','quotas':{'sites':'3'}}}");
    FX_OK(&fx, STAGE(CS, CREATE(A "/sites/a", "Site", "") "," CREATE(A "/sites/b", "Site", "")));
    STEP_FAIL(PT_EXHAUSTED, PT_REASON_QUOTA_EXCEEDED, "ApplyChangeSet", Q("{'name':'" CS "'}"));
    FX_OK(&fx,
          STAGE(CS, DELETE(A "/sites/sfo") "," CREATE(A "/sites/a", "Site", "") "," CREATE(A "/sites/b", "Site", "")));
    STEP_OK("ApplyChangeSet", Q("{'name':'" CS "'}"));
    reopen();
}
END_TEST

START_TEST(a_repeated_request_is_answered_and_not_done_twice)
{
    FX_OK(&fx, STAGE(CS, CREATE(A "/sites/a", "Site", "")));
    STEP_OK("ApplyChangeSet", Q("{'name':'" CS "','requestId':'r1'}"));
    ck_assert(fx.proposed);
    uint64_t revision = pt_msg_u64(fx.reply, "apply_revision");
    fx.time_ns += 1000000000;
    STEP_OK("ApplyChangeSet", Q("{'name':'" CS "','requestId':'r1'}"));
    ck_assert(!fx.proposed);
    ck_assert_uint_eq(pt_msg_u64(fx.reply, "apply_revision"), revision);
    STEP_FAIL(PT_INVALID_ARGUMENT, PT_REASON_REQUEST_ID_REUSED, "ConfirmChangeSet",
              Q("{'name':'" CS "','requestId':'r1'}"));
}
END_TEST

START_TEST(a_conflict_says_who_and_when)
{
    FX_OK(&fx, STAGE(CS, UPDATE(A "/sites/nyc", "Site", ",'region':'us'") "," DELETE(A "/sites/sfo")));
    fx.caller.principal = "spiffe://c/admin/ann";
    FX_OK(&fx, "UpdateSite", "{'site':{'name':'" A "/sites/nyc','displayName':'x'}}");
    STEP_FAIL(PT_ABORTED, PT_REASON_ETAG_MISMATCH, "ApplyChangeSet", Q("{'name':'" CS "'}"));
    ck_assert_str_eq(fx.error.field, "changes[0].etag");
    ck_assert_ptr_nonnull(strstr(fx.error.text, "by spiffe://c/admin/ann at 2023-11-14T22:13:20Z"));
    /* Staged again as it is, it still stands on what it stood on; an etag of its own says: I have seen it. */
    FX_OK(&fx, "UpdateChangeSet", "{'changeSet':{'name':'" CS "','displayName':'again'}}");
    STEP_FAIL(PT_ABORTED, PT_REASON_ETAG_MISMATCH, "ApplyChangeSet", Q("{'name':'" CS "'}"));
    FX_OK(&fx, STAGE(CS, UPDATE(A "/sites/nyc", "Site", ",'region':'eu'") "," DELETE(A "/sites/sfo")));
    FX_OK(&fx, "DeleteSite", "{'name':'" A "/sites/sfo'}");
    STEP_FAIL(PT_ABORTED, PT_REASON_ETAG_MISMATCH, "ApplyChangeSet", Q("{'name':'" CS "'}"));
    ck_assert_str_eq(fx.error.field, "changes[1].etag");
    ck_assert_ptr_nonnull(strstr(fx.error.text, "deleted by spiffe://c/admin/ann"));
    FX_OK(&fx, STAGE(CS, UPDATE(A "/sites/nyc", "Site", ",'region':'eu'")));
    STEP_OK("ApplyChangeSet", Q("{'name':'" CS "'}"));
}
END_TEST

/* ---- the wait ------------------------------------------------------------------------------------------------- */

#define APPLY_WAITING Q("{'name':'" CS "','confirmTimeout':'60s'}")

START_TEST(while_it_waits_nothing_else_of_its_organization_changes)
{
    FX_OK(&fx, "CreateOrganization", "{'organizationId':'other','organization':{}}");
    FX_OK(&fx, STAGE(CS, DELETE(A "/sites/sfo")));
    FX_OK(&fx, STAGE(A "/changeSets/c2", CREATE(A "/sites/b", "Site", "")));
    STEP_OK("ApplyChangeSet", APPLY_WAITING);
    ck_assert_int_eq(pt_msg_i64(fx.reply, "state"), PATRONUS__V1__CHANGE_SET_STATE__CONFIRMING);
    ck_assert(pt_msg_time(fx.reply, "confirm_before_time") == fx.time_ns + 60000000000LL);
    FX_FAIL(&fx, PT_FAILED_PRECONDITION, PT_REASON_CHANGE_PENDING, "name", "UpdateSite",
            "{'site':{'name':'" A "/sites/nyc','region':'x'}}");
    FX_FAIL(&fx, PT_FAILED_PRECONDITION, PT_REASON_CHANGE_PENDING, "name", "CreateSite",
            "{'parent':'" A "','siteId':'z','site':{}}");
    FX_FAIL(&fx, PT_FAILED_PRECONDITION, PT_REASON_CHANGE_PENDING, "name", "DeleteChangeSet", "{'name':'" CS "'}");
    FX_FAIL(&fx, PT_FAILED_PRECONDITION, PT_REASON_CHANGE_PENDING, "name", "DeleteOrganization",
            "{'name':'" A "','force':true}");
    FX_FAIL(&fx, PT_FAILED_PRECONDITION, PT_REASON_WRONG_STATE, "changes", STAGE(CS, DELETE(A "/sites/nyc")));
    STEP_FAIL(PT_FAILED_PRECONDITION, PT_REASON_CHANGE_PENDING, "ApplyChangeSet", Q("{'name':'" A "/changeSets/c2'}"));
    /* Others, and what decides about access, go on. */
    FX_OK(&fx, "CreateSite", "{'parent':'organizations/other','siteId':'z','site':{}}");
    FX_OK(&fx, "CreateRole", "{'parent':'" A "','roleId':'r','role':{'permissions':['sites.get']}}");
    reopen();
    FX_FAIL(&fx, PT_FAILED_PRECONDITION, PT_REASON_CHANGE_PENDING, "name", "UpdateSite",
            "{'site':{'name':'" A "/sites/nyc','region':'x'}}");
    STEP_OK("ConfirmChangeSet", Q("{'name':'" CS "'}"));
    ck_assert_int_eq(pt_msg_i64(fx.reply, "state"), PATRONUS__V1__CHANGE_SET_STATE__APPLIED);
    ck_assert_str_eq(pt_msg_str(fx.reply, "finish_principal"), FX_ADMIN.principal);
    FX_OK(&fx, "UpdateSite", "{'site':{'name':'" A "/sites/nyc','region':'x'}}");
    STEP_OK("ApplyChangeSet", Q("{'name':'" A "/changeSets/c2'}"));
    reopen();
}
END_TEST

START_TEST(what_is_not_confirmed_is_taken_back)
{
    FX_OK(&fx, "CreateEdge", "{'parent':'" A "/sites/sfo','edgeId':'e','edge':{}}");
    FX_OK(&fx, STAGE(CS, "{'action':'CHANGE_DELETE','name':'" A "/sites/sfo','force':true}," UPDATE(
                             A "/sites/nyc", "Site", ",'region':'us'") "," CREATE(A "/sites/b", "Site", "")));
    const char *before = world();
    uint64_t sites = 0, limit = 0;
    ck_assert(pt_quota_usage(fx.machine, A, PT_QUOTA_SITES, &limit, &sites));
    STEP_OK("ApplyChangeSet", APPLY_WAITING);
    uint64_t applied = pt_msg_u64(fx.reply, "apply_revision");
    ck_assert_uint_eq(pt_msg_u64(fx.reply, "changed"), 4);
    FX_OK(&fx, "UpdateOrganization", "{'organization':{'name':'" A "','quotas':{'sites':'1'}}}");
    ck_assert_int_eq(expire(CS, applied + 1, PATRONUS__V1__ROLLBACK_CAUSE__NOT_CONFIRMED), PT_FAILED_PRECONDITION);
    ck_assert_int_eq(expire(CS, applied, PATRONUS__V1__ROLLBACK_CAUSE__NODES_LOST), PT_OK);
    FX_OK(&fx, "UpdateOrganization", "{'organization':{'name':'" A "','quotas':{}},'updateMask':'quotas'}");
    same_world(before);
    FX_OK(&fx, "GetChangeSet", "{'name':'" CS "'}");
    ck_assert_int_eq(pt_msg_i64(fx.reply, "state"), PATRONUS__V1__CHANGE_SET_STATE__ROLLED_BACK);
    ck_assert_int_eq(pt_msg_i64(fx.reply, "rollback_cause"), PATRONUS__V1__ROLLBACK_CAUSE__NODES_LOST);
    ck_assert_str_eq(pt_msg_str(fx.reply, "finish_principal"), "internal");
    ck_assert_uint_eq(pt_msg_field(fx.reply, "lost_edges")->len, 1);
    ck_assert_int_eq(expire(CS, applied, PATRONUS__V1__ROLLBACK_CAUSE__NODES_LOST), PT_FAILED_PRECONDITION);
    STEP_FAIL(PT_FAILED_PRECONDITION, PT_REASON_WRONG_STATE, "ConfirmChangeSet", Q("{'name':'" CS "'}"));
    uint64_t now = 0;
    ck_assert(pt_quota_usage(fx.machine, A, PT_QUOTA_SITES, &limit, &now));
    ck_assert_uint_eq(now, sites);
    reopen();
    FX_OK(&fx, "CreateSite", "{'parent':'" A "','siteId':'z','site':{}}");
}
END_TEST

START_TEST(a_confirmed_one_is_taken_back_only_while_nobody_builds_on_it)
{
    FX_OK(&fx, STAGE(CS, CREATE(A "/sites/b", "Site", "") "," UPDATE(A "/sites/nyc", "Site",
                                                                     ",'region':'us'") "," DELETE(A "/sites/sfo")));
    STEP_OK("ApplyChangeSet", Q("{'name':'" CS "'}"));
    FX_OK(&fx, "CreateEdge", "{'parent':'" A "/sites/b','edgeId':'e','edge':{}}");
    STEP_FAIL(PT_FAILED_PRECONDITION, PT_REASON_RESOURCE_HAS_CHILDREN, "RollbackChangeSet", Q("{'name':'" CS "'}"));
    FX_OK(&fx, "DeleteEdge", "{'name':'" A "/sites/b/edges/e'}");
    FX_OK(&fx, "UpdateSite", "{'site':{'name':'" A "/sites/nyc','displayName':'y'}}");
    STEP_FAIL(PT_ABORTED, PT_REASON_ETAG_MISMATCH, "RollbackChangeSet", Q("{'name':'" CS "'}"));
    ck_assert_ptr_nonnull(strstr(fx.error.text, "after the change set was applied"));
    FX_OK(&fx, "UpdateSite", "{'site':{'name':'" A "/sites/nyc'},'updateMask':'displayName'}");
    FX_OK(&fx, "UpdateOrganization", "{'organization':{'name':'" A "','quotas':{'sites':'1'}}}");
    STEP_FAIL(PT_EXHAUSTED, PT_REASON_QUOTA_EXCEEDED, "RollbackChangeSet", Q("{'name':'" CS "'}"));
    FX_OK(&fx, "UpdateOrganization", "{'organization':{'name':'" A "','quotas':{'sites':'9'}}}");
    STEP_OK("RollbackChangeSet", Q("{'name':'" CS "'}"));
    FX_OK(&fx, "GetSite", "{'name':'" A "/sites/sfo'}");
    reopen();
}
END_TEST

/* A later state has no place for what was: a parent, a referent, room. Each alone is in the way. */
START_TEST(what_lost_its_place_since_does_not_come_back)
{
    FX_OK(&fx, "CreateEdge", "{'parent':'" A "/sites/sfo','edgeId':'e','edge':{}}");
    FX_OK(&fx, STAGE(CS, DELETE(A "/sites/sfo/edges/e")));
    STEP_OK("ApplyChangeSet", Q("{'name':'" CS "'}"));
    FX_OK(&fx, "DeleteSite", "{'name':'" A "/sites/sfo'}");
    const char *before = world();
    STEP_FAIL(PT_FAILED_PRECONDITION, PT_REASON_PARENT_NOT_FOUND, "RollbackChangeSet", Q("{'name':'" CS "'}"));
    same_world(before);

    FX_OK(&fx, "UpdateEdge",
          "{'edge':{'name':'" A "/sites/nyc/edges/e1','lanInterfaces':[{'interface':'lan0','segment':'" A
          "/segments/corp','prefixes':['10.1.0.0/16']}]}}");
    FX_OK(&fx, STAGE(A "/changeSets/c2", "{'action':'CHANGE_UPDATE','name':'" A "/sites/nyc/edges/e1','updateMask':"
                                         "'lanInterfaces','resource':{" TYPE "Edge'}}"));
    STEP_OK("ApplyChangeSet", Q("{'name':'" A "/changeSets/c2'}"));
    FX_OK(&fx, "DeleteSegment", "{'name':'" A "/segments/corp'}");
    before = world();
    STEP_FAIL(PT_FAILED_PRECONDITION, PT_REASON_REFERENCE_NOT_FOUND, "RollbackChangeSet",
              Q("{'name':'" A "/changeSets/c2'}"));
    same_world(before);

    FX_OK(&fx, STAGE(A "/changeSets/c3", DELETE(A "/slaProfiles/voice")));
    STEP_OK("ApplyChangeSet", Q("{'name':'" A "/changeSets/c3'}"));
    uint64_t used = 0, limit = 0;
    ck_assert(pt_quota_usage(fx.machine, A, PT_QUOTA_BYTES, &limit, &used));
    FX_OK(&fx, "UpdateOrganization", "{'organization':{'name':'" A "','quotas':{'bytes':'%" PRIu64 "'}}}", used);
    STEP_FAIL(PT_EXHAUSTED, PT_REASON_QUOTA_EXCEEDED, "RollbackChangeSet", Q("{'name':'" A "/changeSets/c3'}"));
    FX_OK(&fx, "UpdateOrganization", "{'organization':{'name':'" A "','quotas':{}},'updateMask':'quotas'}");
    STEP_OK("RollbackChangeSet", Q("{'name':'" A "/changeSets/c3'}"));
    reopen();
}
END_TEST

/* Applying is of what was read, for a time that makes sense, and of something; and while one waits, an older one is not
 * taken back under it. */
START_TEST(a_step_that_does_not_fit_is_refused)
{
    FX_OK(&fx, STAGE(CS, UPDATE(A "/sites/nyc", "Site", ",'region':'us'")));
    const char *etag = pt_arena_strdup(&fx.arena, pt_msg_str(fx.reply, "etag"));
    FX_OK(&fx, STAGE(CS, UPDATE(A "/sites/nyc", "Site", ",'region':'eu'")));
    STEP_FAIL(PT_ABORTED, PT_REASON_ETAG_MISMATCH, "ApplyChangeSet",
              pt_arena_printf(&fx.arena, "{\"name\":\"" CS "\",\"etag\":\"%s\"}", etag));
    ck_assert_str_eq(fx.error.field, "etag");
    static const char *const times[] = {"0.5s", "3601s", "-1s"};
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        STEP_FAIL(PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "ApplyChangeSet",
                  pt_arena_printf(&fx.arena, "{\"name\":\"" CS "\",\"confirmTimeout\":\"%s\"}", times[i]));
        ck_assert_str_eq(fx.error.field, "confirm_timeout");
    }
    FX_OK(&fx, "GetChangeSet", "{'name':'" CS "'}");
    etag = pt_arena_strdup(&fx.arena, pt_msg_str(fx.reply, "etag"));
    STEP_OK("ApplyChangeSet", pt_arena_printf(&fx.arena, "{\"name\":\"" CS "\",\"etag\":\"%s\"}", etag));

    FX_OK(&fx, "UpdateChangeSet", "{'changeSet':{'name':'" A "/changeSets/empty'},'allowMissing':true}");
    STEP_FAIL(PT_FAILED_PRECONDITION, PT_REASON_FIELD_REQUIRED, "ApplyChangeSet",
              Q("{'name':'" A "/changeSets/empty'}"));
    FX_OK(&fx, STAGE(A "/changeSets/c2", CREATE(A "/sites/b", "Site", "")));
    STEP_OK("ApplyChangeSet", Q("{'name':'" A "/changeSets/c2','confirmTimeout':'60s'}"));
    const char *before = world();
    STEP_FAIL(PT_FAILED_PRECONDITION, PT_REASON_CHANGE_PENDING, "RollbackChangeSet", Q("{'name':'" CS "'}"));
    same_world(before);
    STEP_OK("ConfirmChangeSet", Q("{'name':'" A "/changeSets/c2'}"));
    STEP_OK("RollbackChangeSet", Q("{'name':'" CS "'}"));
    reopen();
}
END_TEST

/* More than can be kept is not begun: what could not be taken back does not come into force. */
START_TEST(what_is_too_much_to_be_kept_is_refused)
{
    PT_AUTO(buf) struct pt_buf annotations = {0};
    PT_AUTO(buf) struct pt_buf changes = {0};
    for (unsigned i = 0; i < 60; i++) {
        pt_buf_printf(&annotations, "%s'a%u':'%4000u'", i > 0 ? "," : "", i, i);
    }
    pt_buf_append_u8(&annotations, 0);
    for (unsigned i = 0; i < 20; i++) { /* 240 KB each, of 4 MiB */
        FX_OK(&fx, "CreateSite", "{'parent':'" A "','siteId':'b%u','site':{'annotations':{%s}}}", i,
              (const char *)annotations.data);
        pt_arena_fini(&fx.arena);
        pt_arena_init(&fx.arena);
        pt_buf_printf(&changes, "%s" DELETE(A "/sites/b%u"), i > 0 ? "," : "", i);
    }
    FX_OK(&fx, "UpdateChangeSet", "{'changeSet':{'name':'" CS "','changes':[%.*s]},'allowMissing':true}",
          (int)changes.size, (const char *)changes.data);
    struct pt_digest digest = fx_digest(&fx);
    STEP_FAIL(PT_EXHAUSTED, PT_REASON_LIMIT_REACHED, "ApplyChangeSet", Q("{'name':'" CS "'}"));
    FX_OK(&fx, "GetSite", "{'name':'" A "/sites/b7'}");
    struct pt_digest after = fx_digest(&fx);
    ck_assert(pt_digest_equal(&digest, &after));
    FX_OK(&fx, STAGE(CS, DELETE(A "/sites/b1")));
    STEP_OK("ApplyChangeSet", Q("{'name':'" CS "'}"));
}
END_TEST

START_TEST(what_is_over_makes_room)
{
    for (unsigned i = 0; i < 70; i++) {
        FX_OK(&fx, "UpdateChangeSet",
              "{'changeSet':{'name':'" A "/changeSets/n%u','changes':[{'action':'CHANGE_UPDATE','name':'" A
              "/sites/nyc','resource':{" TYPE "Site','region':'r%u'}}]},'allowMissing':true}",
              i, i);
        STEP_OK("ApplyChangeSet", pt_arena_printf(&fx.arena, "{\"name\":\"" A "/changeSets/n%u\"}", i));
    }
    FX_OK(&fx, "ListChangeSets", "{'parent':'" A "','pageSize':1000}");
    ck_assert_uint_eq(pt_msg_field(fx.reply, "change_sets")->len, 64);
    STEP_FAIL(PT_FAILED_PRECONDITION, PT_REASON_HISTORY_COMPACTED, "RollbackChangeSet",
              Q("{'name':'" A "/changeSets/n61'}"));
    for (unsigned i = 69; i >= 62; i--) { /* the newest eight, one after the other */
        STEP_OK("RollbackChangeSet", pt_arena_printf(&fx.arena, "{\"name\":\"" A "/changeSets/n%u\"}", i));
    }
    FX_OK(&fx, "GetSite", "{'name':'" A "/sites/nyc'}");
    ck_assert_str_eq(pt_msg_str(fx.reply, "region"), "r61");
    reopen();
}
END_TEST

/* ---- rights --------------------------------------------------------------------------------------------------- */

START_TEST(it_changes_only_what_its_caller_may_change)
{
    FX_OK(&fx, "CreateRole", "{'parent':'" A "','roleId':'r','role':{'permissions':['changeSets.*','sites.*']}}");
    FX_OK(&fx, "CreateRoleBinding",
          "{'parent':'" A "','roleBindingId':'b','roleBinding':{'role':'" A "/roles/r','members':["
          "'spiffe://c/user/ann']}}");
    fx.caller.principal = "spiffe://c/user/ann";
    FX_OK(&fx, STAGE(CS, CREATE(A "/sites/b", "Site", "") "," CREATE(A "/fabrics/f", "Fabric", "")));
    STEP_FAIL(PT_PERMISSION_DENIED, PT_REASON_PERMISSION_MISSING, "ApplyChangeSet", Q("{'name':'" CS "'}"));
    ck_assert(fx.error.denied);
    FX_OK(&fx, STAGE(CS, CREATE(A "/sites/b", "Site", "")));
    fx.caller.principal = "spiffe://c/user/bob"; /* holds nothing: it does not exist */
    STEP_FAIL(PT_NOT_FOUND, PT_REASON_RESOURCE_NOT_FOUND, "ApplyChangeSet", Q("{'name':'" CS "'}"));
    fx.caller.principal = "spiffe://c/user/ann";
    STEP_OK("ApplyChangeSet", APPLY_WAITING);
    fx.caller = FX_ADMIN;
    FX_OK(&fx, "UpdateRole", "{'role':{'name':'" A "/roles/r','permissions':['changeSets.*','sites.get']}}");
    fx.caller.principal = "spiffe://c/user/ann";
    STEP_FAIL(PT_PERMISSION_DENIED, PT_REASON_PERMISSION_MISSING, "RollbackChangeSet", Q("{'name':'" CS "'}"));
    STEP_OK("ConfirmChangeSet", Q("{'name':'" CS "'}"));
}
END_TEST

/* ---- plans ---------------------------------------------------------------------------------------------------- */

static struct pt_msg *plan(const char *json)
{
    const struct pt_method_type *method = fx_method(&fx, "PlanChangeSet");
    struct pt_msg *response = NULL;
    struct pt_digest before = fx_digest(&fx);
    const char *world_before = world();
    struct pt_error error = {0};
    enum pt_code code = pt_kind_plan(fx.machine, &fx.caller, method, request_of(method, "%s", json), fx.time_ns, NULL,
                                     &fx.arena, &response, NULL, &error);
    ck_assert_msg(code == PT_OK, "%s", error.text);
    struct pt_digest after = fx_digest(&fx);
    ck_assert(pt_digest_equal(&before, &after));
    same_world(world_before);
    return response;
}

static const struct pt_msg *at(const struct pt_msg *msg, const char *field, size_t index)
{
    const struct pt_msg_field *list = pt_msg_field(msg, field);
    ck_assert(list != NULL && index < list->len);
    return list->values[index].message;
}

START_TEST(a_plan_tells_fields_quotas_and_every_refusal)
{
    FX_OK(&fx, "UpdateSite", "{'site':{'name':'" A "/sites/nyc','labels':{'tier':'gold','old':'1'}}}");
    FX_OK(&fx, STAGE(CS, UPDATE(A "/sites/nyc", "Site", ",'region':'us','labels':{'tier':'lead','new':'2'}") "," CREATE(
                             A "/sites/b", "Site",
                             "") "," CREATE(A "/sites/sfo", "Site",
                                            "") "," DELETE(A "/sites/nowhere") "," CREATE(A "/sites/b/edges/e", "Edge",
                                                                                          "")));
    struct pt_msg *response = plan("{\"name\":\"" CS "\"}");
    ck_assert(!pt_msg_bool(response, "acceptable"));
    ck_assert_uint_eq(pt_msg_field(response, "changes")->len, 5);
    const struct pt_msg *nyc = at(response, "changes", 0);
    ck_assert_str_eq(pt_msg_str(at(nyc, "fields", 0), "path"), "labels.old");
    ck_assert_str_eq(pt_msg_str(at(nyc, "fields", 0), "before"), "1");
    ck_assert_str_eq(pt_msg_str(at(nyc, "fields", 0), "after"), "");
    ck_assert_str_eq(pt_msg_str(at(nyc, "fields", 1), "path"), "labels.tier");
    ck_assert_str_eq(pt_msg_str(at(nyc, "fields", 2), "path"), "labels.new");
    ck_assert_str_eq(pt_msg_str(at(nyc, "fields", 3), "path"), "region");
    ck_assert_str_eq(pt_msg_str(at(nyc, "fields", 3), "after"), "us");
    ck_assert_str_eq(pt_msg_str(at(response, "changes", 2), "error_reason"), "RESOURCE_EXISTS");
    ck_assert_str_eq(pt_msg_str(at(response, "changes", 3), "error_reason"), "RESOURCE_NOT_FOUND");
    ck_assert_str_eq(pt_msg_str(at(response, "changes", 4), "error_reason"), "");
    ck_assert_str_eq(pt_msg_str(at(response, "quotas", 0), "metric"), "sites");
    ck_assert_uint_eq(pt_msg_u64(at(response, "quotas", 0), "before"), 2);
    ck_assert_uint_eq(pt_msg_u64(at(response, "quotas", 0), "after"), 3);
    /* Without staging anything. */
    response = plan(Q("{'name':'" A "/changeSets/none','changes':[" DELETE(A "/sites/sfo") "]}"));
    ck_assert(pt_msg_bool(response, "acceptable"));
    ck_assert_int_eq(pt_msg_i64(at(response, "changes", 0), "action"), PATRONUS__V1__CHANGE_ACTION__CHANGE_DELETE);
    reopen();
}
END_TEST

START_TEST(staged_state_is_read_as_if_it_were_in_force)
{
    FX_OK(&fx, STAGE(CS, UPDATE(A "/sites/nyc", "Site", ",'region':'us'") "," DELETE(A "/sites/sfo")));
    const struct pt_method_type *method = fx_method(&fx, "ReadStagedState");
    static const struct {
        const char *resource;
        enum pt_code code;
        bool staged;
    } rows[] = {{A "/sites/nyc", PT_OK, true}, {A "/sites/sfo", PT_NOT_FOUND, false}, {A "/fabrics/wan", PT_OK, false}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        PT_AUTO(buf) struct pt_buf reply = {0};
        struct pt_msg *request = request_of(method, "{\"name\":\"" CS "\",\"resource\":\"%s\"}", rows[i].resource);
        ck_assert_int_eq(pt_kind_read_staged(fx.machine, &fx.caller, method, request, fx.time_ns, &reply, &fx.error),
                         rows[i].code);
        if (rows[i].code == PT_OK) {
            fx_take_reply(&fx, method->output, pt_buf_bytes(&reply));
            ck_assert(pt_msg_bool(fx.reply, "staged") == rows[i].staged);
        }
    }
    FX_OK(&fx, "GetSite", "{'name':'" A "/sites/nyc'}");
    ck_assert_str_eq(pt_msg_str(fx.reply, "region"), "");
}
END_TEST

/* ---- at random ------------------------------------------------------------------------------------------------ */

static void random_change(struct pt_buf *out, unsigned seed)
{
    unsigned id = (unsigned)fx_random(&fx, 6);
    bool edge = fx_random(&fx, 2) == 0;
    const char *name = pt_arena_printf(&fx.arena, A "/sites/r%u%s", id, edge ? "/edges/e" : "");
    const char *type = edge ? "Edge" : "Site";
    if (out->size > 0 && strstr(pt_arena_strndup(&fx.arena, (const char *)out->data, out->size),
                                pt_arena_printf(&fx.arena, "\"%s\"", name)) != NULL) {
        return; /* each once */
    }
    pt_buf_append_str(out, out->size > 0 ? "," : "");
    switch (fx_random(&fx, 3)) {
    case 0:
        pt_buf_printf(out, "{\"action\":\"CHANGE_DELETE\",\"name\":\"%s\",\"force\":%s,\"allowMissing\":true}", name,
                      fx_random(&fx, 2) == 0 ? "true" : "false");
        break;
    case 1:
        pt_buf_printf(out,
                      "{\"action\":\"CHANGE_CREATE\",\"name\":\"%s\",\"resource\":{\"@type\":"
                      "\"type.googleapis.com/patronus.v1.%s\"}}",
                      name, type);
        break;
    default:
        pt_buf_printf(out,
                      "{\"action\":\"CHANGE_UPDATE\",\"name\":\"%s\",\"allowMissing\":true,\"resource\":{\"@type\":"
                      "\"type.googleapis.com/patronus.v1.%s\",\"displayName\":\"d%u\"}}",
                      name, type, seed);
    }
}

START_TEST(taking_back_is_a_return_to_what_was)
{
    unsigned applied = 0, refused = 0;
    for (unsigned i = 0; i < 300; i++) {
        PT_AUTO(buf) struct pt_buf changes = {0};
        for (uint64_t n = 1 + fx_random(&fx, 4); n > 0; n--) {
            random_change(&changes, i);
        }
        fx.time_ns += 1000000;
        struct pt_msg *request =
            request_of(fx_method(&fx, "UpdateChangeSet"),
                       "{\"changeSet\":{\"name\":\"" A "/changeSets/x%u\",\"changes\":[%.*s]},\"allowMissing\":true}",
                       i, (int)changes.size, (const char *)changes.data);
        ck_assert_int_eq(fx_request(&fx, fx_method(&fx, "UpdateChangeSet"), request), PT_OK);
        const char *before = world();
        const char *apply = pt_arena_printf(&fx.arena, "{\"name\":\"" A "/changeSets/x%u\"%s}", i,
                                            i % 2 == 0 ? ",\"confirmTimeout\":\"5s\"" : "");
        if (step("ApplyChangeSet", apply) != PT_OK) {
            refused++;
            same_world(before);
            FX_OK(&fx, "DeleteChangeSet", "{'name':'" A "/changeSets/x%u'}", i);
            continue;
        }
        applied++;
        const char *name = pt_arena_printf(&fx.arena, A "/changeSets/x%u", i);
        uint64_t revision = pt_msg_u64(fx.reply, "apply_revision");
        const char *json = pt_arena_printf(&fx.arena, "{\"name\":\"%s\"}", name);
        if (fx_random(&fx, 3) == 0) {
            if (i % 2 == 0) {
                STEP_OK("ConfirmChangeSet", json);
            }
        } else if (i % 2 == 0 && fx_random(&fx, 2) == 0) {
            ck_assert_int_eq(expire(name, revision, PATRONUS__V1__ROLLBACK_CAUSE__NOT_CONFIRMED), PT_OK);
            same_world(before);
        } else {
            STEP_OK("RollbackChangeSet", json);
            same_world(before);
        }
        if (i % 25 == 0) {
            reopen();
        }
    }
    ck_assert_uint_gt(applied, 50);
    ck_assert_uint_gt(refused, 20);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("changeset");
    TCase *tests = tcase_create("changeset");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, what_can_never_be_right_cannot_be_staged);
    tcase_add_test(tests, all_or_nothing);
    tcase_add_test(tests, quotas_count_the_whole);
    tcase_add_test(tests, a_repeated_request_is_answered_and_not_done_twice);
    tcase_add_test(tests, a_conflict_says_who_and_when);
    tcase_add_test(tests, while_it_waits_nothing_else_of_its_organization_changes);
    tcase_add_test(tests, what_is_not_confirmed_is_taken_back);
    tcase_add_test(tests, a_confirmed_one_is_taken_back_only_while_nobody_builds_on_it);
    tcase_add_test(tests, what_lost_its_place_since_does_not_come_back);
    tcase_add_test(tests, a_step_that_does_not_fit_is_refused);
    tcase_add_test(tests, what_is_too_much_to_be_kept_is_refused);
    tcase_add_test(tests, what_is_over_makes_room);
    tcase_add_test(tests, it_changes_only_what_its_caller_may_change);
    tcase_add_test(tests, a_plan_tells_fields_quotas_and_every_refusal);
    tcase_add_test(tests, staged_state_is_read_as_if_it_were_in_force);
    tcase_add_test(tests, taking_back_is_a_return_to_what_was);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
