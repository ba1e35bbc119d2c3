/*
 * Enrolment: who gets in, who does not, and that a repeated request is answered alike.
 */
#include "fixture.h"

#include "kind/machine.h"

#define HOUR_NS 3600000000000LL
#define SECRET "1111111111111111111111111111111111111111111111111111111111111111"
#define KEY_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define KEY_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define EDGE "organizations/acme/sites/nyc/edges/e1"

static struct fixture fx;

static void setup(void)
{
    fx_init(&fx);
    fx_world(&fx);
    FX_OK(&fx, "CreateEnrollmentToken",
          "{'enrollmentTokenId':'t1','enrollmentToken':{'role':'edge','edge':'" EDGE "','secretDigest':'" SECRET
          "','expireTime':'2023-11-14T23:00:00Z'}}"); /* the fixture's clock starts at 22:13:20 */
    FX_OK(&fx, "CreateEnrollmentToken",
          "{'enrollmentTokenId':'t2','enrollmentToken':{'role':'standby','secretDigest':'" SECRET
          "','expireTime':'2023-11-14T23:00:00Z'}}");
}

static void teardown(void)
{
    fx_fini(&fx);
}

struct enrolling {
    const char *token, *secret, *key, *node_id;
    const char *controller; /* id, or NULL for an edge */
    int role;               /* Patronus__V1__ControllerRole */
    const char *peer_address;
};

static enum pt_code enroll(const struct enrolling *who)
{
    Patronus__V1__EnrollCommand enroll = PATRONUS__V1__ENROLL_COMMAND__INIT;
    enroll.token_name = (char *)(uintptr_t)who->token;
    enroll.secret_digest = (char *)(uintptr_t)who->secret;
    enroll.key_digest = (char *)(uintptr_t)who->key;
    enroll.node_id = (char *)(uintptr_t)who->node_id;
    PT_AUTO(buf) struct pt_buf resource = {0};
    if (who->controller != NULL) {
        struct pt_msg *msg = pt_msg_new(&fx.arena, pt_schema_message(fx.schema, "patronus.v1.Controller"));
        pt_msg_set_str(msg, &fx.arena, "peer_address", who->peer_address);
        pt_msg_set_str(msg, &fx.arena, "api_address", "10.0.0.2:7400");
        pt_msg_set_str(msg, &fx.arena, "agent_address", "10.0.0.2:7402");
        pt_msg_set_i64(msg, &fx.arena, "role", who->role);
        pt_msg_encode(msg, &resource);
        enroll.controller = (ProtobufCBinaryData){.data = resource.data, .len = resource.size};
        enroll.controller_name = pt_arena_printf(&fx.arena, "controllers/%s", who->controller);
        enroll.uid = (char *)(uintptr_t) "u";
    }
    Patronus__V1__Command command = PATRONUS__V1__COMMAND__INIT;
    command.op_case = PATRONUS__V1__COMMAND__OP_ENROLL;
    command.enroll = &enroll;
    enum pt_code code = fx_command(&fx, &command);
    fx.reply = NULL;
    if (code == PT_OK) {
        fx_take_reply(
            &fx, pt_schema_message(fx.schema, who->controller != NULL ? "patronus.v1.Controller" : "patronus.v1.Edge"),
            pt_kind_verdict(fx.machine, fx.index)->reply);
    }
    return code;
}

static const struct enrolling edge = {
    .token = "enrollmentTokens/t1", .secret = SECRET, .key = KEY_A, .node_id = "edge/" EDGE};
static const struct enrolling standby = {.token = "enrollmentTokens/t2",
                                         .secret = SECRET,
                                         .key = KEY_A,
                                         .node_id = "controller/c2",
                                         .controller = "c2",
                                         .role = 2,
                                         .peer_address = "10.0.0.2:7401"};

/* Refused so, and nothing changed. */
static void refused(const struct enrolling *who, enum pt_code code, enum pt_reason reason)
{
    struct pt_digest before = fx_digest(&fx);
    ck_assert_int_eq(enroll(who), code);
    ck_assert_str_eq(pt_reason_name(fx.error.reason), pt_reason_name(reason));
    struct pt_digest after = fx_digest(&fx);
    ck_assert(pt_digest_equal(&before, &after));
}

START_TEST(an_edge_is_bound_to_its_key)
{
    ck_assert_int_eq(enroll(&edge), PT_OK);
    ck_assert_str_eq(pt_msg_str(fx.reply, "node_id"), "edge/" EDGE);
    ck_assert_str_eq(pt_msg_str(fx.reply, "public_key_digest"), KEY_A);
    FX_OK(&fx, "GetEnrollmentToken", "{'name':'enrollmentTokens/t1'}");
    ck_assert(pt_msg_bool(fx.reply, "used"));
    ck_assert_str_eq(pt_msg_str(fx.reply, "used_key_digest"), KEY_A);
    /* What a user sets did not change: an edit begun before goes through. */
    FX_OK(&fx, "GetEdge", "{'name':'" EDGE "'}");
    ck_assert_uint_lt(pt_msg_u64(fx.reply, "revision"), fx.index);
}
END_TEST

START_TEST(the_same_key_may_repeat_another_may_not)
{
    uint64_t records = fx.machine->audit_sequence;
    ck_assert_int_eq(enroll(&edge), PT_OK);
    struct pt_msg *first = fx.reply;
    fx.time_ns += 2 * HOUR_NS; /* even when the token has expired since */
    ck_assert_int_eq(enroll(&edge), PT_OK);
    ck_assert(pt_msg_equal(first, fx.reply));
    struct enrolling other = edge;
    other.key = KEY_B;
    refused(&other, PT_PERMISSION_DENIED, PT_REASON_TOKEN_USED);
    ck_assert_uint_eq(fx.machine->audit_sequence, records + 2); /* each time that a certificate was signed for it */
}
END_TEST

START_TEST(wrong_tokens_are_refused)
{
    struct enrolling who = edge;
    who.token = "enrollmentTokens/none";
    refused(&who, PT_PERMISSION_DENIED, PT_REASON_TOKEN_INVALID);
    who.token = "organizations/acme"; /* a resource, and no token */
    refused(&who, PT_PERMISSION_DENIED, PT_REASON_TOKEN_INVALID);
    who = edge;
    who.secret = KEY_B;
    refused(&who, PT_PERMISSION_DENIED, PT_REASON_TOKEN_INVALID);
    who = edge;
    who.node_id = "edge/organizations/acme/sites/sfo/edges/e1";
    refused(&who, PT_PERMISSION_DENIED, PT_REASON_TOKEN_INVALID);
    who = edge;
    fx.time_ns += HOUR_NS;
    refused(&who, PT_PERMISSION_DENIED, PT_REASON_TOKEN_EXPIRED);
}
END_TEST

START_TEST(a_controller_gets_the_next_raft_id)
{
    ck_assert_int_eq(enroll(&standby), PT_OK);
    ck_assert_str_eq(pt_msg_str(fx.reply, "name"), "controllers/c2");
    ck_assert_uint_eq(pt_msg_u64(fx.reply, "raft_id"), 2);
    struct pt_msg *first = fx.reply;
    ck_assert_int_eq(enroll(&standby), PT_OK);
    ck_assert(pt_msg_equal(first, fx.reply));
    /* A number is not given out again, nor one that was taken by hand. */
    FX_OK(&fx, "DeleteController", "{'name':'controllers/c2'}");
    FX_OK(&fx, "CreateController",
          "{'controllerId':'c9','controller':{'raftId':'3','peerAddress':'10.0.0.9:7401','apiAddress':'10.0.0.9:7400',"
          "'agentAddress':'10.0.0.9:7402','role':'STANDBY'}}");
    FX_OK(&fx, "CreateEnrollmentToken",
          "{'enrollmentTokenId':'t3','enrollmentToken':{'role':'voter','secretDigest':'" SECRET
          "','expireTime':'2023-11-14T23:00:00Z'}}");
    struct enrolling third = standby;
    third.token = "enrollmentTokens/t3";
    third.node_id = "controller/c3";
    third.controller = "c3";
    third.role = 1;
    ck_assert_int_eq(enroll(&third), PT_OK);
    ck_assert_uint_eq(pt_msg_u64(fx.reply, "raft_id"), 4);
}
END_TEST

START_TEST(a_controller_is_bound_to_its_key)
{
    ck_assert_int_eq(enroll(&standby), PT_OK);
    ck_assert_str_eq(pt_msg_str(fx.reply, "public_key_digest"), standby.key);
    /* Another node takes its place: the first one's token gives it nothing any more. */
    FX_OK(&fx, "DeleteController", "{'name':'controllers/c2'}");
    FX_OK(&fx, "CreateEnrollmentToken",
          "{'enrollmentTokenId':'t3','enrollmentToken':{'role':'standby','secretDigest':'" SECRET
          "','expireTime':'2023-11-14T23:00:00Z'}}");
    struct enrolling successor = standby;
    successor.token = "enrollmentTokens/t3";
    successor.key = strcmp(standby.key, KEY_A) == 0 ? KEY_B : KEY_A;
    ck_assert_int_eq(enroll(&successor), PT_OK);
    ck_assert_str_eq(pt_msg_str(fx.reply, "public_key_digest"), successor.key);
    refused(&standby, PT_PERMISSION_DENIED, PT_REASON_TOKEN_USED);
}
END_TEST

START_TEST(a_controller_that_does_not_fit_uses_no_token)
{
    struct enrolling who = standby;
    who.role = 1; /* the token is for a standby */
    refused(&who, PT_PERMISSION_DENIED, PT_REASON_TOKEN_INVALID);
    who = standby;
    who.controller = "c7"; /* not the name in its certificate */
    refused(&who, PT_PERMISSION_DENIED, PT_REASON_TOKEN_INVALID);
    who = standby;
    who.peer_address = "10.0.0.1:7401"; /* c1 has it */
    refused(&who, PT_FAILED_PRECONDITION, PT_REASON_CONFLICT);
    who = standby;
    who.controller = "c1";
    who.node_id = "controller/c1";
    refused(&who, PT_ALREADY_EXISTS, PT_REASON_RESOURCE_EXISTS);
    who = standby;
    who.peer_address = "no address";
    refused(&who, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID);
    char text[2048];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    who.peer_address = text; /* what does not even parse is no reason to stop the cluster */
    refused(&who, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID);
    ck_assert_int_eq(enroll(&standby), PT_OK);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("kind/enroll");
    TCase *tests = tcase_create("enroll");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, an_edge_is_bound_to_its_key);
    tcase_add_test(tests, the_same_key_may_repeat_another_may_not);
    tcase_add_test(tests, wrong_tokens_are_refused);
    tcase_add_test(tests, a_controller_gets_the_next_raft_id);
    tcase_add_test(tests, a_controller_is_bound_to_its_key);
    tcase_add_test(tests, a_controller_that_does_not_fit_uses_no_token);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
