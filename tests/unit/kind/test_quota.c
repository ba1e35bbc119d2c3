/*
 * Quotas of tenants: limits hold at the organization and above it, the counters equal what a count of everything gives
 * (a second machine on the same store makes that count), and deleted organizations come back whole.
 */
#include "fixture.h"

#include "kind/machine.h"

#define A "organizations/acme"
#define SITE(org, id) "CreateSite", "{'parent':'" org "','siteId':'" id "','site':{}}"

static uint64_t usage(struct fixture *fx, const char *organization, enum pt_quota metric)
{
    uint64_t limit = 0, used = 0;
    ck_assert(pt_quota_usage(fx->machine, organization, metric, &limit, &used));
    return used;
}

/* Every counter, as text. */
static char *counters(struct fixture *fx, size_t *ret_organizations)
{
    struct pt_buf out = {0};
    *ret_organizations = 0;
    PT_MAP_FOREACH (entry, &fx->machine->tenants.by_name) {
        ++*ret_organizations;
    }
    for (unsigned i = 0; i < 64; i++) { /* in order of name: the map has another */
        char name[64];
        (void)snprintf(name, sizeof(name), "organizations/o%u", i);
        for (size_t metric = 0; metric < PT_QUOTA_LEN; metric++) {
            uint64_t limit = 0, used = 0;
            if (pt_quota_usage(fx->machine, name, metric, &limit, &used)) {
                pt_buf_printf(&out, "%s %zu %" PRIu64 " of %" PRIu64 "\n", name, metric, used, limit);
            }
        }
    }
    return (char *)out.data;
}

/* ---- limits --------------------------------------------------------------------------------------------------- */

START_TEST(the_tier_limits_and_says_how_much_is_used)
{
    struct fixture fx;
    fx_init(&fx);
    FX_OK(&fx, "CreateOrganization", "{'organizationId':'acme','organization':{'tier':'FREE'}}");
    FX_OK(&fx, SITE(A, "a"));
    FX_OK(&fx, SITE(A, "b"));
    FX_OK(&fx, SITE(A, "c"));
    FX_FAIL(&fx, PT_EXHAUSTED, PT_REASON_QUOTA_EXCEEDED, "sites", SITE(A, "d"));
    ck_assert_str_eq(fx.error.subject, A);
    ck_assert_uint_eq(fx.error.limit, 3);
    ck_assert_uint_eq(fx.error.usage, 3);
    FX_OK(&fx, "DeleteSite", "{'name':'" A "/sites/b'}");
    FX_OK(&fx, SITE(A, "d"));
    FX_OK(&fx, "UpdateOrganization", "{'organization':{'name':'" A "','quotas':{'sites':'4'}}}");
    FX_OK(&fx, SITE(A, "e"));
    FX_FAIL(&fx, PT_EXHAUSTED, PT_REASON_QUOTA_EXCEEDED, "sites", SITE(A, "f"));
    FX_OK(&fx, "UpdateOrganization",
          "{'organization':{'name':'" A "','tier':'ENTERPRISE','quotas':{}},"
          "'updateMask':'tier,quotas'}");
    FX_OK(&fx, SITE(A, "f"));
    fx_fini(&fx);
}
END_TEST

/* What the comments of Tier in tenancy.proto promise, said once more; a limit of one's own wins, metric by metric. */
START_TEST(each_tier_limits_each_metric)
{
    static const uint64_t mib = 1 << 20;
    static const struct {
        const char *tier;
        uint64_t limits[PT_QUOTA_LEN];
    } tiers[] = {{"FREE", {3, 6, 64, 10, 1, mib, 20, 8}},
                 {"STARTER", {25, 50, 10000, 100, 5, 16 * mib, 100, 64}},
                 {"PROFESSIONAL", {500, 1000, 1000000, 1000, 50, 256 * mib, 500, 512}},
                 {"ENTERPRISE", {0}}};
    static const char *const fields[PT_QUOTA_LEN] = {"sites",  "edges", "tunnels",           "policies",
                                                     "models", "bytes", "requestsPerSecond", "streams"};
    struct fixture fx;
    fx_init(&fx);
    for (size_t t = 0; t < sizeof(tiers) / sizeof(tiers[0]); t++) {
        FX_OK(&fx, "UpdateOrganization",
              "{'organization':{'name':'" A
              "','tier':'%s','quotas':{}},'updateMask':'tier,quotas','allowMissing':true}",
              tiers[t].tier);
        for (size_t own = 0; own <= PT_QUOTA_LEN; own++) { /* the last turn: none */
            if (own < PT_QUOTA_LEN) {
                FX_OK(&fx, "UpdateOrganization",
                      "{'organization':{'name':'" A "','quotas':{'%s':'7'}},'updateMask':'quotas'}", fields[own]);
            } else {
                FX_OK(&fx, "UpdateOrganization", "{'organization':{'name':'" A "'},'updateMask':'quotas'}");
            }
            for (size_t metric = 0; metric < PT_QUOTA_LEN; metric++) {
                uint64_t limit = 0, used = 0;
                ck_assert(pt_quota_usage(fx.machine, A, metric, &limit, &used));
                ck_assert_msg(limit == (metric == own ? 7 : tiers[t].limits[metric]), "%s %s: %" PRIu64, tiers[t].tier,
                              fields[metric], limit);
            }
        }
    }
    fx_fini(&fx);
}
END_TEST

/* One of each counted kind is there when it is one too many, and what a refusal says is what is there. */
START_TEST(each_counted_kind_is_refused_at_its_limit)
{
#define IN_ACME "{'parent':'" A "',"
    static const struct {
        const char *metric, *method, *request;
    } rows[] = {
        {"sites", "CreateSite", IN_ACME "'siteId':'x','site':{}}"},
        {"edges", "CreateEdge", "{'parent':'" A "/sites/sfo','edgeId':'x','edge':{}}"},
        {"models", "CreateModel", IN_ACME "'modelId':'x','model':{'purpose':'dpi'}}"},
        {"policies", "CreateSteeringPolicy",
         IN_ACME "'steeringPolicyId':'x','steeringPolicy':{'segment':'" A
                 "/segments/corp','rules':[{'preference':'DENY'}]}}"},
        {"policies", "CreateFirewallPolicy",
         IN_ACME "'firewallPolicyId':'x','firewallPolicy':{'segment':'" A "/segments/corp'}}"},
        {"policies", "CreateNatPolicy",
         IN_ACME "'natPolicyId':'x','natPolicy':{'segment':'" A "/segments/corp','breakout':{}}}"},
    };
    struct fixture fx;
    fx_init(&fx);
    fx_world(&fx);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        enum pt_quota metric = pt_quota_by_name(rows[i].metric);
        uint64_t used = usage(&fx, A, metric);
        FX_OK(&fx, "UpdateOrganization", "{'organization':{'name':'" A "','quotas':{'%s':'%" PRIu64 "'}}}",
              rows[i].metric, used > 0 ? used : 1);
        if (used == 0) { /* 0 would be no limit */
            FX_OK(&fx, "CreateSteeringPolicy",
                  IN_ACME "'steeringPolicyId':'first','steeringPolicy':{'segment':'" A
                          "/segments/corp','rules':[{'preference':'DENY'}]}}");
            used = usage(&fx, A, metric);
        }
        FX_FAIL(&fx, PT_EXHAUSTED, PT_REASON_QUOTA_EXCEEDED, rows[i].metric, rows[i].method, "%s", rows[i].request);
        ck_assert_uint_eq(fx.error.usage, used);
        ck_assert_uint_eq(fx.error.limit, used);
        ck_assert_str_eq(fx.error.subject, A);
        FX_OK(&fx, "UpdateOrganization", "{'organization':{'name':'" A "','quotas':{'%s':'%" PRIu64 "'}}}",
              rows[i].metric, used + 1);
        FX_OK(&fx, rows[i].method, "%s", rows[i].request);
        ck_assert_uint_eq(usage(&fx, A, metric), used + 1);
        FX_OK(&fx, "UpdateOrganization", "{'organization':{'name':'" A "'},'updateMask':'quotas'}");
    }
    fx_fini(&fx);
#undef IN_ACME
}
END_TEST

/* The entry that the leader's check let through, not yet in the log. */
static void prepare(struct fixture *fx, const char *name, const char *json, struct pt_buf *ret_command)
{
    static uint64_t uid;
    const struct pt_request_context context = {.caller = FX_ADMIN, .time_ns = fx->time_ns, 1, uid++};
    const struct pt_method_type *method = fx_method(fx, name);
    struct pt_msg *request = NULL;
    char *text = pt_arena_strdup(&fx->arena, json);
    for (char *c = text; *c != '\0'; c++) {
        *c = *c == '\'' ? '"' : *c;
    }
    ck_assert_int_eq(pt_json_read(fx->schema, method->input, text, strlen(text), &fx->arena, &request, NULL), PT_OK);
    PT_AUTO(buf) struct pt_buf reply = {0};
    bool answered = false;
    ck_assert_int_eq(pt_kind_prepare(fx->machine, method, request, &context, ret_command, &answered, &reply, NULL),
                     PT_OK);
}

/* Two calls that both pass the leader's check: the state lets the first one of the log through, and not the other. */
static void one_of_two(struct fixture *fx, const char *method, const char *first, const char *second, enum pt_code code,
                       enum pt_reason reason)
{
    PT_AUTO(buf) struct pt_buf a = {0};
    PT_AUTO(buf) struct pt_buf b = {0};
    prepare(fx, method, first, &a);
    prepare(fx, method, second, &b);
    ck_assert_int_eq(fx_apply(fx, pt_buf_bytes(&a)), PT_OK);
    ck_assert_int_eq(fx_apply(fx, pt_buf_bytes(&b)), code);
    ck_assert_str_eq(pt_reason_name(fx->error.reason), pt_reason_name(reason));
}

START_TEST(of_two_creates_at_the_limit_one_succeeds)
{
    struct fixture fx;
    fx_init(&fx);
    FX_OK(&fx, "CreateOrganization", "{'organizationId':'acme','organization':{'quotas':{'sites':'1'}}}");
    one_of_two(&fx, "CreateSite", "{'parent':'" A "','siteId':'a','site':{}}",
               "{'parent':'" A "','siteId':'b','site':{}}", PT_EXHAUSTED, PT_REASON_QUOTA_EXCEEDED);
    ck_assert_uint_eq(usage(&fx, A, PT_QUOTA_SITES), 1);
    fx_fini(&fx);
}
END_TEST

#define MOVE(id, parent) \
    "{'organization':{'name':'organizations/" id "','parentOrganization':'organizations/" parent "'}}"

/* Each alone is fine, and both together would be a ring, or a tree of nine levels, or more than there is room for. */
START_TEST(of_two_moves_that_cross_one_succeeds)
{
    struct fixture fx;
    fx_init(&fx);
    FX_OK(&fx, "CreateOrganization", "{'organizationId':'x','organization':{'quotas':{'sites':'1'}}}");
    FX_OK(&fx, "CreateOrganization", "{'organizationId':'y','organization':{}}");
    one_of_two(&fx, "UpdateOrganization", MOVE("x", "y"), MOVE("y", "x"), PT_FAILED_PRECONDITION, PT_REASON_CONFLICT);
    FX_OK(&fx, "UpdateOrganization",
          "{'organization':{'name':'organizations/x','parentOrganization':''},'updateMask':'parent_organization'}");
    for (unsigned i = 1; i <= 4; i++) { /* a1 .. a4 and b1 .. b4: two columns */
        FX_OK(&fx, "CreateOrganization", "{'organizationId':'a%u','organization':{%s%u%s}}", i,
              i > 1 ? "'parentOrganization':'organizations/a" : "'displayName':'", i - 1, "'");
        FX_OK(&fx, "CreateOrganization", "{'organizationId':'b%u','organization':{%s%u%s}}", i,
              i > 1 ? "'parentOrganization':'organizations/b" : "'displayName':'", i - 1, "'");
    }
    /* x under a4 and a1 under b4: one of them leaves no level for the other. */
    one_of_two(&fx, "UpdateOrganization", MOVE("a1", "b4"), MOVE("x", "a4"), PT_FAILED_PRECONDITION,
               PT_REASON_LIMIT_REACHED);
    for (unsigned i = 0; i < 2; i++) {
        FX_OK(&fx, "CreateOrganization", "{'organizationId':'z%u','organization':{}}", i);
        FX_OK(&fx, "CreateSite", "{'parent':'organizations/z%u','siteId':'s','site':{}}", i);
    }
    one_of_two(&fx, "UpdateOrganization", MOVE("z0", "x"), MOVE("z1", "x"), PT_EXHAUSTED, PT_REASON_QUOTA_EXCEEDED);
    ck_assert_uint_eq(usage(&fx, "organizations/x", PT_QUOTA_SITES), 1);
    fx_fini(&fx);
}
END_TEST

/* Where it was counted before, an organization that moves needs no more room; where it was not, there must be room for
 * all that it uses, bytes too. */
START_TEST(a_move_needs_room_where_it_was_not_counted)
{
    struct fixture fx;
    fx_init(&fx);
    FX_OK(&fx, "CreateOrganization", "{'organizationId':'top','organization':{'quotas':{'sites':'2'}}}");
    FX_OK(&fx, "CreateOrganization",
          "{'organizationId':'a','organization':{'parentOrganization':'organizations/top'}}");
    FX_OK(&fx, "CreateOrganization",
          "{'organizationId':'b','organization':{'parentOrganization':'organizations/top'}}");
    FX_OK(&fx, SITE("organizations/a", "x"));
    FX_OK(&fx, SITE("organizations/a", "y"));
    FX_FAIL(&fx, PT_EXHAUSTED, PT_REASON_QUOTA_EXCEEDED, "sites", SITE("organizations/b", "z"));
    FX_OK(&fx, "UpdateOrganization", MOVE("a", "b"));
    ck_assert_uint_eq(usage(&fx, "organizations/top", PT_QUOTA_SITES), 2);
    ck_assert_uint_eq(usage(&fx, "organizations/b", PT_QUOTA_SITES), 2);
    FX_OK(&fx, "CreateOrganization", "{'organizationId':'narrow','organization':{'quotas':{'bytes':'1000'}}}");
    uint64_t all = usage(&fx, "organizations/a", PT_QUOTA_BYTES) + usage(&fx, "organizations/narrow", PT_QUOTA_BYTES);
#define NARROW(limit)                                                                                          \
    "UpdateOrganization", "{'organization':{'name':'organizations/narrow','quotas':{'bytes':'%" PRIu64 "'}}}", \
        (uint64_t)(limit)
    FX_OK(&fx, NARROW(all - 1));
    FX_FAIL(&fx, PT_EXHAUSTED, PT_REASON_QUOTA_EXCEEDED, "bytes", "UpdateOrganization", MOVE("a", "narrow"));
    ck_assert_str_eq(fx.error.subject, "organizations/narrow");
    FX_OK(&fx, NARROW(all + 100));
    FX_OK(&fx, "UpdateOrganization", MOVE("a", "narrow"));
    ck_assert_uint_eq(usage(&fx, "organizations/top", PT_QUOTA_SITES), 0);
    fx_fini(&fx);
#undef NARROW
}
END_TEST

START_TEST(a_limit_is_one_of_all_below_it)
{
    struct fixture fx;
    fx_init(&fx);
    FX_OK(&fx, "CreateOrganization", "{'organizationId':'acme','organization':{'quotas':{'sites':'2'}}}");
    FX_OK(&fx, "CreateOrganization", "{'organizationId':'x','organization':{'parentOrganization':'" A "'}}");
    FX_OK(&fx, "CreateOrganization",
          "{'organizationId':'y','organization':{'parentOrganization':'organizations/x','tier':'STARTER'}}");
    FX_OK(&fx, SITE("organizations/y", "a"));
    FX_OK(&fx, SITE("organizations/x", "a"));
    FX_FAIL(&fx, PT_EXHAUSTED, PT_REASON_QUOTA_EXCEEDED, "sites", SITE("organizations/y", "b"));
    ck_assert_str_eq(fx.error.subject, "organizations/x"); /* y has room for 25, x has its parent's 2 */
    ck_assert_uint_eq(usage(&fx, A, PT_QUOTA_SITES), 2);
    ck_assert_uint_eq(usage(&fx, "organizations/x", PT_QUOTA_SITES), 2);
    ck_assert_uint_eq(usage(&fx, "organizations/y", PT_QUOTA_SITES), 1);
    /* A move takes usage along, and is refused where there is no room. */
    FX_OK(&fx, "CreateOrganization", "{'organizationId':'z','organization':{'quotas':{'sites':'1'}}}");
    FX_OK(&fx, "UpdateOrganization",
          "{'organization':{'name':'organizations/y','parentOrganization':"
          "'organizations/z'}}");
    ck_assert_uint_eq(usage(&fx, A, PT_QUOTA_SITES), 1);
    ck_assert_uint_eq(usage(&fx, "organizations/z", PT_QUOTA_SITES), 1);
    FX_FAIL(&fx, PT_EXHAUSTED, PT_REASON_QUOTA_EXCEEDED, "sites", "UpdateOrganization",
            "{'organization':{'name':'organizations/x','parentOrganization':'organizations/z'}}");
    fx_fini(&fx);
}
END_TEST

START_TEST(bytes_and_tunnels_are_limited_too)
{
    struct fixture fx;
    fx_init(&fx);
    fx_world(&fx);
    FX_OK(&fx, "CreateEdge", "{'parent':'" A "/sites/sfo','edgeId':'e1','edge':{}}");
    FX_OK(&fx, "UpdateOrganization", "{'organization':{'name':'" A "','quotas':{'tunnels':'2'}}}");
#define LINK(site, id)                                                                                   \
    "CreateLink", "{'parent':'" A "/sites/" site "','linkId':'" id "','link':{'edge':'" A "/sites/" site \
                  "/edges/e1','interface':'wan" id "','address':'192.0.2." id "','underlay':'internet'}}"
    FX_FAIL(&fx, PT_INVALID_ARGUMENT, PT_REASON_NAME_INVALID, "link_id", LINK("sfo", "7"));
#undef LINK
#define LINK(site, id, n)                                                                                \
    "CreateLink", "{'parent':'" A "/sites/" site "','linkId':'" id "','link':{'edge':'" A "/sites/" site \
                  "/edges/e1','interface':'wan" n "','address':'192.0.2." n "','underlay':'internet'}}"
    FX_OK(&fx, LINK("sfo", "l7", "7"));
    ck_assert_uint_eq(usage(&fx, A, PT_QUOTA_TUNNELS), 2);
    FX_FAIL(&fx, PT_EXHAUSTED, PT_REASON_QUOTA_EXCEEDED, "tunnels", LINK("nyc", "l8", "8"));
    FX_OK(&fx, "UpdateLink", "{'link':{'name':'" A "/sites/sfo/links/l7','underlay':'mpls'}}");
    ck_assert_uint_eq(usage(&fx, A, PT_QUOTA_TUNNELS), 0);

    FX_OK(&fx, "UpdateOrganization", "{'organization':{'name':'" A "','quotas':{'bytes':'1'}}}");
    /* Bytes are known when the resource is encoded: the state refuses. */
    FX_FAIL(&fx, PT_EXHAUSTED, PT_REASON_QUOTA_EXCEEDED, "bytes", SITE(A, "more"));
    FX_OK(&fx, "DeleteSite", "{'name':'" A "/sites/sfo','force':true}");
    fx_fini(&fx);
}
END_TEST

/* What makes no resource more may use more: an organization counts to the one above it, and a link that moves to an
 * underlay where others are forms tunnels there. */
START_TEST(nothing_is_used_without_being_counted)
{
    struct fixture fx;
    fx_init(&fx);
    fx_world(&fx);
    uint64_t used = usage(&fx, A, PT_QUOTA_BYTES);
    FX_OK(&fx, "UpdateOrganization", "{'organization':{'name':'" A "','quotas':{'bytes':'%" PRIu64 "'}}}", used + 100);
    FX_FAIL(&fx, PT_EXHAUSTED, PT_REASON_QUOTA_EXCEEDED, "bytes", "CreateOrganization",
            "{'organizationId':'wordy','organization':{'parentOrganization':'" A
            "','displayName':'0123456789012345678901234567890123456789012345678901234567890'}}");
    FX_OK(&fx, "UpdateOrganization",
          "{'organization':{'name':'" A "','quotas':{'tunnels':'2'}},'updateMask':'quotas'}");
    FX_OK(&fx, "CreateEdge", "{'parent':'" A "/sites/sfo','edgeId':'e1','edge':{}}");
#define SFO_LINK(id, n, underlay)                                                                            \
    "CreateLink", "{'parent':'" A "/sites/sfo','linkId':'" id "','link':{'edge':'" A "/sites/sfo/edges/e1'," \
                  "'interface':'wan" n "','address':'192.0.2." n "','underlay':'" underlay "'}}"
    FX_OK(&fx, SFO_LINK("l7", "7", "mpls"));
    FX_OK(&fx, SFO_LINK("l8", "8", "internet"));
#undef SFO_LINK
    ck_assert_uint_eq(usage(&fx, A, PT_QUOTA_TUNNELS), 2);
    FX_FAIL(&fx, PT_EXHAUSTED, PT_REASON_QUOTA_EXCEEDED, "tunnels", "UpdateLink",
            "{'link':{'name':'" A "/sites/sfo/links/l7','underlay':'internet'}}");
    FX_OK(&fx, "UpdateLink", "{'link':{'name':'" A "/sites/sfo/links/l7','underlay':'lte'}}"); /* nobody is there */
    ck_assert_uint_eq(usage(&fx, A, PT_QUOTA_TUNNELS), 2);
    fx_fini(&fx);
}
END_TEST

/* A link that moves to another underlay leaves the tunnels that it had: from level 3 on it needs room for the
 * difference, before for all that it has then. The leader's check and the state say the same. */
START_TEST(a_link_that_moves_needs_room_for_what_it_has_more)
{
    struct fixture fx;
    bool exact = _i >= 3;
    fx_init_level(&fx, (uint32_t)_i);
    fx_world(&fx);
    FX_OK(&fx, "CreateEdge", "{'parent':'" A "/sites/sfo','edgeId':'e1','edge':{}}");
#define LINK_AT(site, id, n, underlay)                                                                   \
    "CreateLink", "{'parent':'" A "/sites/" site "','linkId':'" id "','link':{'edge':'" A "/sites/" site \
                  "/edges/e1','interface':'wan" n "','address':'192.0.2." n "','underlay':'" underlay "'}}"
#define TO(underlay) "{'link':{'name':'" A "/sites/sfo/links/l7','underlay':'" underlay "'}}"
#define LIMIT(n) "UpdateOrganization", "{'organization':{'name':'" A "','quotas':{'tunnels':'" n "'}}}"
    FX_OK(&fx, LINK_AT("nyc", "m11", "11", "mpls"));
    FX_OK(&fx, LINK_AT("sfo", "l7", "7", "internet"));
    ck_assert_uint_eq(usage(&fx, A, PT_QUOTA_TUNNELS), 2);
    PT_AUTO(buf) struct pt_buf same = {0}; /* two tunnels before, and two after */
    prepare(&fx, "UpdateLink", TO("mpls"), &same);
    FX_OK(&fx, LIMIT("2"));
    ck_assert_int_eq(fx_apply(&fx, pt_buf_bytes(&same)), exact ? PT_OK : PT_EXHAUSTED);
    ck_assert_uint_eq(usage(&fx, A, PT_QUOTA_TUNNELS), 2);
    ck_assert_int_eq(fx_call(&fx, "UpdateLink", TO("internet")), PT_OK);
    ck_assert_int_eq(fx_call(&fx, "UpdateLink", TO("mpls")), exact ? PT_OK : PT_EXHAUSTED);
    FX_OK(&fx, LIMIT("100"));
    FX_OK(&fx, "UpdateLink", TO("internet"));
    FX_OK(&fx, LINK_AT("nyc", "m12", "12", "mpls"));
    FX_OK(&fx, LINK_AT("sfo", "l8", "8", "mpls")); /* of its own site: no tunnels between the two */
    ck_assert_uint_eq(usage(&fx, A, PT_QUOTA_TUNNELS), 6);
    PT_AUTO(buf) struct pt_buf more = {0}; /* four in the place of two */
    prepare(&fx, "UpdateLink", TO("mpls"), &more);
    FX_OK(&fx, LIMIT("7"));
    FX_FAIL(&fx, PT_EXHAUSTED, PT_REASON_QUOTA_EXCEEDED, "tunnels", "UpdateLink", TO("mpls"));
    ck_assert_int_eq(fx_apply(&fx, pt_buf_bytes(&more)), PT_EXHAUSTED);
    ck_assert_uint_eq(usage(&fx, A, PT_QUOTA_TUNNELS), 6);
    FX_OK(&fx, LIMIT("8"));
    ck_assert_int_eq(fx_call(&fx, "UpdateLink", TO("mpls")), exact ? PT_OK : PT_EXHAUSTED);
    ck_assert_uint_eq(usage(&fx, A, PT_QUOTA_TUNNELS), exact ? 8 : 6);
    FX_OK(&fx, LIMIT("1")); /* beyond its limit: what needs no more is no matter of it */
    ck_assert_int_eq(fx_call(&fx, "UpdateLink", TO("internet")), PT_OK);
    ck_assert_uint_eq(usage(&fx, A, PT_QUOTA_TUNNELS), 6);
    fx_fini(&fx);
#undef LINK_AT
#undef TO
#undef LIMIT
}
END_TEST

/* ---- counters against a count --------------------------------------------------------------------------------- */

static void random_step(struct fixture *fx)
{
    unsigned o = (unsigned)fx_random(fx, 6), p = (unsigned)fx_random(fx, 6), s = (unsigned)fx_random(fx, 4);
    switch (fx_random(fx, 9)) {
    case 0:
        (void)fx_call(fx, "CreateOrganization",
                      "{'organizationId':'o%u','organization':{'parentOrganization':'organizations/o%u'}}", o, p);
        break;
    case 1:
        (void)fx_call(fx, "CreateOrganization", "{'organizationId':'o%u','organization':{'quotas':{'sites':'3'}}}", o);
        break;
    case 2:
        (void)fx_call(fx, "UpdateOrganization",
                      "{'organization':{'name':'organizations/o%u','parentOrganization':'organizations/o%u'}}", o, p);
        break;
    case 3:
    case 4:
        (void)fx_call(fx, "CreateSite", "{'parent':'organizations/o%u','siteId':'s%u','site':{'displayName':'%.*s'}}",
                      o, s, (int)s * 9, "abcdefghijklmnopqrstuvwxyz0123456789");
        (void)fx_call(fx, "CreateEdge", "{'parent':'organizations/o%u/sites/s%u','edgeId':'e','edge':{}}", o, s);
        break;
    case 5:
        (void)fx_call(fx, "CreateLink",
                      "{'parent':'organizations/o%u/sites/s%u','linkId':'l%u','link':{'edge':'organizations/o%u/sites/"
                      "s%u/edges/e','interface':'w%u','address':'192.0.2.%u','underlay':'u%u'}}",
                      o, s, p, o, s, p, 10 * s + p + 1, p % 2);
        break;
    case 6:
        (void)fx_call(fx, "UpdateSite", "{'site':{'name':'organizations/o%u/sites/s%u','region':'r%u'}}", o, s, p);
        break;
    case 7:
        (void)fx_call(fx, "DeleteOrganization", "{'name':'organizations/o%u','force':%s}", o, p < 3 ? "true" : "false");
        break;
    default:
        (void)fx_call(fx, "UndeleteOrganization", "{'name':'organizations/o%u'}", o);
        break;
    }
}

START_TEST(counters_equal_a_count_of_everything)
{
    struct fixture fx;
    fx_init_seed(&fx, (uint64_t)_i + 1);
    for (unsigned round = 0; round < 12; round++) {
        for (unsigned i = 0; i < 40; i++) {
            random_step(&fx);
        }
        size_t before_len = 0, after_len = 0;
        char *before = counters(&fx, &before_len);
        fx_reopen(&fx);
        char *after = counters(&fx, &after_len);
        ck_assert_uint_eq(before_len, after_len);
        ck_assert_pstr_eq(before, after);
        free(before);
        free(after);
    }
    fx_fini(&fx);
}
END_TEST

/* ---- undelete ------------------------------------------------------------------------------------------------- */

START_TEST(an_organization_comes_back_with_all_that_was_below)
{
    struct fixture fx;
    fx_init(&fx);
    fx_world(&fx);
    FX_OK(&fx, "GetLink", "{'name':'" A "/sites/nyc/links/inet'}");
    const struct pt_msg *link = fx.reply;
    uint64_t bytes = usage(&fx, A, PT_QUOTA_BYTES);
    FX_FAIL(&fx, PT_NOT_FOUND, PT_REASON_RESOURCE_NOT_FOUND, "name", "UndeleteOrganization", "{'name':'" A "'}");
    FX_OK(&fx, "DeleteOrganization", "{'name':'" A "','force':true}");
    FX_FAIL(&fx, PT_NOT_FOUND, PT_REASON_RESOURCE_NOT_FOUND, "name", "GetOrganization", "{'name':'" A "'}");
    FX_OK(&fx, "ListOrganizations", "{'showDeleted':true}");
    const struct pt_msg_field *deleted = pt_msg_field(fx.reply, "organizations");
    ck_assert_ptr_nonnull(deleted);
    ck_assert_uint_eq(deleted->len, 1);
    ck_assert_int_eq(pt_msg_time(deleted->values[0].message, "delete_time"), fx.time_ns);
    fx_reopen(&fx);
    FX_OK(&fx, "UndeleteOrganization", "{'name':'" A "'}");
    ck_assert_str_eq(pt_msg_str(fx.reply, "parent_organization"), "organizations/root");
    ck_assert(!pt_msg_has(fx.reply, "delete_time"));
    FX_OK(&fx, "GetLink", "{'name':'" A "/sites/nyc/links/inet'}");
    ck_assert(pt_msg_equal(link, fx.reply));
    ck_assert_uint_eq(usage(&fx, A, PT_QUOTA_BYTES), bytes);
    /* References stand again. */
    FX_FAIL(&fx, PT_FAILED_PRECONDITION, PT_REASON_RESOURCE_IN_USE, "name", "DeleteFabric",
            "{'name':'" A "/fabrics/wan'}");
    FX_FAIL(&fx, PT_NOT_FOUND, PT_REASON_RESOURCE_NOT_FOUND, "name", "UndeleteOrganization", "{'name':'" A "'}");
    fx_fini(&fx);
}
END_TEST

START_TEST(a_name_is_free_at_once_and_the_old_one_is_kept_for_30_days)
{
    struct fixture fx;
    fx_init(&fx);
    FX_OK(&fx, "CreateOrganization", "{'organizationId':'acme'}");
    FX_OK(&fx, "GetOrganization", "{'name':'" A "'}");
    const char *uid = pt_msg_str(fx.reply, "uid");
    FX_OK(&fx, "DeleteOrganization", "{'name':'" A "'}");
    FX_OK(&fx, "CreateOrganization", "{'organizationId':'acme'}");
    ck_assert_str_ne(pt_msg_str(fx.reply, "uid"), uid);
    FX_FAIL(&fx, PT_ALREADY_EXISTS, PT_REASON_RESOURCE_EXISTS, "name", "UndeleteOrganization", "{'name':'" A "'}");
    FX_OK(&fx, "DeleteOrganization", "{'name':'" A "'}");
    FX_OK(&fx, "UndeleteOrganization", "{'name':'" A "','uid':'%s'}", uid);
    ck_assert_str_eq(pt_msg_str(fx.reply, "uid"), uid);
    FX_OK(&fx, "DeleteOrganization", "{'name':'" A "'}");
    fx.time_ns += 31LL * 86400 * 1000000000;
    FX_OK(&fx, "CreateOrganization", "{'organizationId':'other'}");
    FX_FAIL(&fx, PT_NOT_FOUND, PT_REASON_RESOURCE_NOT_FOUND, "name", "UndeleteOrganization", "{'name':'" A "'}");
    FX_OK(&fx, "DeleteOrganization", "{'name':'organizations/other'}");
    ck_assert_uint_eq(fx.machine->trash.len, 1); /* the old ones are gone for good */
    fx_fini(&fx);
}
END_TEST

/* Who makes and deletes organizations all day long loses his own. */
START_TEST(nobody_drops_what_others_deleted)
{
    struct fixture fx;
    fx_init(&fx);
    FX_OK(&fx, "CreateOrganization", "{'organizationId':'quiet'}");
    FX_OK(&fx, "CreateOrganization",
          "{'organizationId':'lost','organization':{'parentOrganization':'organizations/quiet'}}");
    FX_OK(&fx, "DeleteOrganization", "{'name':'organizations/lost'}");
    FX_OK(&fx, "CreateOrganization", "{'organizationId':'busy'}");
    FX_OK(&fx, "CreateOrganization",
          "{'organizationId':'below','organization':{'parentOrganization':'organizations/busy'}}");
    for (unsigned i = 0; i < 2 * PT_TRASH_LEN_MAX; i++) { /* at two levels: it is one tenant's all the same */
        fx.time_ns += 1000000;
        FX_OK(&fx, "CreateOrganization", "{'organizationId':'b%u','organization':{'parentOrganization':'%s'}}", i,
              i % 2 == 0 ? "organizations/busy" : "organizations/below");
        FX_OK(&fx, "DeleteOrganization", "{'name':'organizations/b%u'}", i);
        if (i % 50 == 0) {
            fx_reopen(&fx);
        }
    }
    ck_assert_uint_eq(fx.machine->trash.len, PT_TRASH_LEN_MAX);
    FX_OK(&fx, "UndeleteOrganization", "{'name':'organizations/lost'}");
    FX_OK(&fx, "UndeleteOrganization", "{'name':'organizations/b%u'}", 2 * PT_TRASH_LEN_MAX - 1);
    FX_FAIL(&fx, PT_NOT_FOUND, PT_REASON_RESOURCE_NOT_FOUND, "name", "UndeleteOrganization",
            "{'name':'organizations/b%u'}", PT_TRASH_LEN_MAX);
    fx_fini(&fx);
}
END_TEST

/* A clock that was set back: everything is of one instant. What comes back, and what is dropped, is what it would be on
 * a node that was not started anew in between. */
START_TEST(deletions_of_one_instant_keep_their_order)
{
    struct pt_digest digests[2];
    for (unsigned restart = 0; restart < 2; restart++) {
        struct fixture fx;
        fx_init(&fx);
        for (unsigned i = 0; i < PT_TRASH_LEN_MAX / 2; i++) { /* uids rise in one half and fall in the other */
            FX_OK(&fx, "CreateOrganization", "{'organizationId':'acme','organization':{'displayName':'%u'}}", i);
            FX_OK(&fx, "DeleteOrganization", "{'name':'" A "'}");
        }
        uint64_t index = fx.index;
        for (unsigned i = 0; i < PT_TRASH_LEN_MAX / 2; i++) {
            const struct pt_request_context context = {
                .caller = FX_ADMIN, .time_ns = fx.time_ns, .uid_hi = index - i, .uid_lo = 3};
            PT_AUTO(buf) struct pt_buf command = {0};
            struct pt_msg *body = pt_msg_new(&fx.arena, pt_schema_kind(fx.schema, "organization"));
            struct pt_error error = {0};
            pt_msg_set_str(body, &fx.arena, "display_name", pt_arena_printf(&fx.arena, "%u", 100 + i));
            ck_assert_int_eq(
                pt_kind_prepare_create(fx.machine, body->type, "", "acme", body, &context, &command, &error), PT_OK);
            ck_assert_int_eq(fx_apply(&fx, pt_buf_bytes(&command)), PT_OK);
            FX_OK(&fx, "DeleteOrganization", "{'name':'" A "'}");
        }
        ck_assert_uint_eq(fx.machine->trash.len, PT_TRASH_LEN_MAX);
        if (restart == 1) {
            fx_reopen(&fx);
        }
        FX_OK(&fx, "UndeleteOrganization", "{'name':'" A "'}");
        ck_assert_str_eq(pt_msg_str(fx.reply, "display_name"), "131"); /* the newest */
        for (unsigned i = 0; i < 5; i++) {
            FX_OK(&fx, "CreateOrganization", "{'organizationId':'o%u'}", i);
            FX_OK(&fx, "DeleteOrganization", "{'name':'organizations/o%u'}", i);
        }
        digests[restart] = fx_digest(&fx);
        fx_fini(&fx);
    }
    ck_assert(pt_digest_equal(&digests[0], &digests[1]));
}
END_TEST

START_TEST(deleted_organizations_are_bounded)
{
    struct fixture fx;
    fx_init(&fx);
    for (unsigned i = 0; i < PT_TRASH_LEN_MAX + 3; i++) {
        fx.time_ns += 1000000;
        FX_OK(&fx, "CreateOrganization", "{'organizationId':'o%u'}", i);
        FX_OK(&fx, "DeleteOrganization", "{'name':'organizations/o%u'}", i);
    }
    ck_assert_uint_eq(fx.machine->trash.len, PT_TRASH_LEN_MAX);
    FX_FAIL(&fx, PT_NOT_FOUND, PT_REASON_RESOURCE_NOT_FOUND, "name", "UndeleteOrganization",
            "{'name':'organizations/o2'}");
    FX_OK(&fx, "UndeleteOrganization", "{'name':'organizations/o3'}");
    fx_fini(&fx);
}
END_TEST

/* What may stand in the way of coming back: no room any more, no level any more, no parent any more. Nothing of it
 * comes back then, and all of it later. */
START_TEST(what_does_not_fit_any_more_stays_deleted)
{
    struct fixture fx;
    fx_init(&fx);
    FX_OK(&fx, "CreateOrganization", "{'organizationId':'top','organization':{'quotas':{'sites':'2'}}}");
    FX_OK(&fx, "CreateOrganization",
          "{'organizationId':'acme','organization':{'parentOrganization':'organizations/top'}}");
    FX_OK(&fx, SITE(A, "a"));
    FX_OK(&fx, SITE(A, "b"));
    FX_OK(&fx, "DeleteOrganization", "{'name':'" A "','force':true}");
    FX_OK(&fx, SITE("organizations/top", "c"));
    FX_FAIL(&fx, PT_EXHAUSTED, PT_REASON_QUOTA_EXCEEDED, "sites", "UndeleteOrganization", "{'name':'" A "'}");
    FX_FAIL(&fx, PT_NOT_FOUND, PT_REASON_RESOURCE_NOT_FOUND, "name", "GetOrganization", "{'name':'" A "'}");
    ck_assert_uint_eq(usage(&fx, "organizations/top", PT_QUOTA_SITES), 1);
    FX_OK(&fx, "UpdateOrganization",
          "{'organization':{'name':'organizations/top','quotas':{'sites':'9','bytes':'500'}}}");
    FX_FAIL(&fx, PT_EXHAUSTED, PT_REASON_QUOTA_EXCEEDED, "bytes", "UndeleteOrganization", "{'name':'" A "'}");
    FX_OK(&fx, "UpdateOrganization", "{'organization':{'name':'organizations/top'},'updateMask':'quotas'}");
    /* Seven levels above what was the second one. */
    for (unsigned i = 1; i <= 7; i++) {
        FX_OK(&fx, "CreateOrganization", "{'organizationId':'l%u','organization':{%s%u%s}}", i,
              i > 1 ? "'parentOrganization':'organizations/l" : "'displayName':'", i - 1, "'");
    }
    FX_OK(&fx, "UpdateOrganization", MOVE("top", "l7"));
    FX_FAIL(&fx, PT_FAILED_PRECONDITION, PT_REASON_LIMIT_REACHED, "parent_organization", "UndeleteOrganization",
            "{'name':'" A "'}");
    FX_OK(&fx, "DeleteOrganization", "{'name':'organizations/top','force':true}");
    FX_FAIL(&fx, PT_FAILED_PRECONDITION, PT_REASON_REFERENCE_NOT_FOUND, "parent_organization", "UndeleteOrganization",
            "{'name':'" A "'}");
    FX_OK(&fx, "DeleteOrganization", "{'name':'organizations/l7'}");
    FX_OK(&fx, "CreateOrganization", "{'organizationId':'top','organization':{}}"); /* another one of that name */
    FX_OK(&fx, "UndeleteOrganization", "{'name':'" A "'}");
    FX_OK(&fx, "GetSite", "{'name':'" A "/sites/b'}");
    ck_assert_uint_eq(usage(&fx, "organizations/top", PT_QUOTA_SITES), 2);
    fx_fini(&fx);
}
END_TEST

/* Overlapping prefixes in different organizations do not meet. */
START_TEST(tenants_may_use_the_same_prefixes)
{
    struct fixture fx;
    fx_init(&fx);
    for (unsigned i = 0; i < 2; i++) {
        FX_OK(&fx, "CreateOrganization", "{'organizationId':'o%u'}", i);
        FX_OK(&fx, "CreateFabric", "{'parent':'organizations/o%u','fabricId':'wan','fabric':{}}", i);
        FX_OK(&fx, "CreateSegment",
              "{'parent':'organizations/o%u','segmentId':'corp','segment':{'fabric':'organizations/o%u/fabrics/wan'}}",
              i, i);
        FX_OK(&fx, "CreateSite", "{'parent':'organizations/o%u','siteId':'s','site':{}}", i);
        FX_OK(&fx, "CreateEdge",
              "{'parent':'organizations/o%u/sites/s','edgeId':'e','edge':{'lanInterfaces':[{'interface':'lan0',"
              "'segment':'organizations/o%u/segments/corp','prefixes':['10.1.0.0/16']}]}}",
              i, i);
    }
    fx_fini(&fx);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("kind/quota");
    TCase *tests = tcase_create("quota");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, the_tier_limits_and_says_how_much_is_used);
    tcase_add_test(tests, each_tier_limits_each_metric);
    tcase_add_test(tests, each_counted_kind_is_refused_at_its_limit);
    tcase_add_test(tests, of_two_creates_at_the_limit_one_succeeds);
    tcase_add_test(tests, of_two_moves_that_cross_one_succeeds);
    tcase_add_test(tests, a_move_needs_room_where_it_was_not_counted);
    tcase_add_test(tests, a_limit_is_one_of_all_below_it);
    tcase_add_test(tests, nothing_is_used_without_being_counted);
    tcase_add_test(tests, bytes_and_tunnels_are_limited_too);
    tcase_add_loop_test(tests, a_link_that_moves_needs_room_for_what_it_has_more, 1, PT_CLUSTER_LEVEL_MAX + 1);
    tcase_add_loop_test(tests, counters_equal_a_count_of_everything, 0, 8);
    tcase_add_test(tests, an_organization_comes_back_with_all_that_was_below);
    tcase_add_test(tests, a_name_is_free_at_once_and_the_old_one_is_kept_for_30_days);
    tcase_add_test(tests, what_does_not_fit_any_more_stays_deleted);
    tcase_add_test(tests, nobody_drops_what_others_deleted);
    tcase_add_test(tests, deletions_of_one_instant_keep_their_order);
    tcase_add_test(tests, deleted_organizations_are_bounded);
    tcase_add_test(tests, tenants_may_use_the_same_prefixes);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
