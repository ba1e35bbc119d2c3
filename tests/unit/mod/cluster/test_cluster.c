/* Controllers are told apart, one of them votes; tokens have a purpose and a short life. */
#include "../table.h"

#define ADDRESSES "'apiAddress':'10.0.0.2:7400','agentAddress':'10.0.0.2:7402'"
#define SECRET "1111111111111111111111111111111111111111111111111111111111111111"

static const struct row controllers[] = {
    {"CreateController",
     "{'controllerId':'c2','controller':{'raftId':'1','peerAddress':'10.0.0.2:7401'," ADDRESSES ",'role':'VOTER'}}",
     PT_FAILED_PRECONDITION, PT_REASON_CONFLICT, "raft_id"},
    {"CreateController",
     "{'controllerId':'c2','controller':{'raftId':'2','peerAddress':'10.0.0.1:7401'," ADDRESSES ",'role':'VOTER'}}",
     PT_FAILED_PRECONDITION, PT_REASON_CONFLICT, "peer_address"},
    {"CreateController",
     "{'controllerId':'c2','controller':{'peerAddress':'10.0.0.2:7401'," ADDRESSES ",'role':'VOTER'}}",
     PT_INVALID_ARGUMENT, PT_REASON_FIELD_REQUIRED, "raft_id"},
    {"DeleteController", "{'name':'controllers/c1'}", PT_FAILED_PRECONDITION, PT_REASON_CONFLICT, "role"},
    {"UpdateController", "{'controller':{'name':'controllers/c1','role':'STANDBY'}}", PT_FAILED_PRECONDITION,
     PT_REASON_CONFLICT, "role"},
    {"CreateController",
     "{'controllerId':'c2','controller':{'raftId':'2','peerAddress':'10.0.0.2:7401'," ADDRESSES ",'role':'STANDBY'}}"},
    {"DeleteController", "{'name':'controllers/c1'}", PT_FAILED_PRECONDITION, PT_REASON_CONFLICT, "role"},
    {"UpdateController", "{'controller':{'name':'controllers/c2','role':'VOTER'}}"},
    {"DeleteController", "{'name':'controllers/c1'}"},
};
TABLE_TEST(controllers_are_told_apart, controllers)

#define PEER(n, region, role)                                                                              \
    "{'controllerId':'c" n "','controller':{'raftId':'" n "','peerAddress':'10.0.0." n ":7401'," ADDRESSES \
    ",'role':'" role "','region':'" region "'}}"
static const struct row regions[] = {
    {"CreateController", PEER("2", "eu", "VOTER")},
    {"CreateController", PEER("3", "eu", "STANDBY")},
    {"CreateController", PEER("4", "us", "VOTER")},
    /* eu would have a controller and no voter, whichever way it loses the one. */
    {"DeleteController", "{'name':'controllers/c2'}", PT_FAILED_PRECONDITION, PT_REASON_CONFLICT, "role"},
    {"UpdateController", "{'controller':{'name':'controllers/c2','role':'STANDBY'}}", PT_FAILED_PRECONDITION,
     PT_REASON_CONFLICT, "role"},
    {"UpdateController", "{'controller':{'name':'controllers/c2','region':'us'}}", PT_FAILED_PRECONDITION,
     PT_REASON_CONFLICT, "role"},
    /* us would have no controller at all: it ceases to be a region. */
    {"UpdateController", "{'controller':{'name':'controllers/c3','role':'VOTER'}}"},
    {"UpdateController", "{'controller':{'name':'controllers/c2','role':'STANDBY'}}"},
    {"DeleteController", "{'name':'controllers/c4'}"},
    {"UpdateController", "{'controller':{'name':'controllers/c3','leaderPriority':101}}", PT_INVALID_ARGUMENT,
     PT_REASON_FIELD_INVALID, "leader_priority"},
};
TABLE_TEST(a_region_keeps_a_voter, regions)

#define TOKEN(fields) "{'enrollmentTokenId':'t','enrollmentToken':{'secretDigest':'" SECRET "'," fields "}}"
/* The fixture's clock starts at 2023-11-14T22:13:20Z. */
static const struct row tokens[] = {
    {"CreateEnrollmentToken", TOKEN("'role':'king','expireTime':'2023-11-14T23:00:00Z'"), PT_INVALID_ARGUMENT,
     PT_REASON_FIELD_INVALID, "role"},
    {"CreateEnrollmentToken", TOKEN("'role':'edge','expireTime':'2023-11-14T23:00:00Z'"), PT_INVALID_ARGUMENT,
     PT_REASON_FIELD_REQUIRED, "edge"},
    {"CreateEnrollmentToken",
     TOKEN("'role':'voter','edge':'" A "/sites/nyc/edges/e1','expireTime':'2023-11-14T23:00:00Z'"), PT_INVALID_ARGUMENT,
     PT_REASON_FIELD_INVALID, "edge"},
    {"CreateEnrollmentToken", TOKEN("'role':'voter','expireTime':'2023-11-14T22:13:20Z'"), PT_INVALID_ARGUMENT,
     PT_REASON_FIELD_INVALID, "expire_time"},
    {"CreateEnrollmentToken", TOKEN("'role':'voter','expireTime':'2023-11-15T22:13:21Z'"), PT_INVALID_ARGUMENT,
     PT_REASON_FIELD_INVALID, "expire_time"},
    {"CreateEnrollmentToken", TOKEN("'role':'voter'"), PT_INVALID_ARGUMENT, PT_REASON_FIELD_REQUIRED, "expire_time"},
    {"CreateEnrollmentToken", TOKEN("'role':'voter','expireTime':'2023-11-15T22:13:20Z'")},
    {"UpdateEnrollmentToken", "{'enrollmentToken':{'name':'enrollmentTokens/t','expireTime':'2023-11-16T22:13:20Z'}}",
     PT_INVALID_ARGUMENT, PT_REASON_FIELD_IMMUTABLE, "expire_time"},
};
TABLE_TEST(tokens_have_a_purpose_and_a_short_life, tokens)
TABLE_MAIN("mod/cluster", controllers_are_told_apart, a_region_keeps_a_voter, tokens_have_a_purpose_and_a_short_life)
