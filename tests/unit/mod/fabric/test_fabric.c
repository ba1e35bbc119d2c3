/* Hubs are there where the topology needs them; segments have numbers and keep what is announced in them. */
#include "../table.h"

static const struct row fabrics[] = {
    {"CreateFabric", "{'parent':'" A "','fabricId':'x','fabric':{'topology':'HUB_SPOKE'}}", PT_INVALID_ARGUMENT,
     PT_REASON_FIELD_REQUIRED, "hubs"},
    {"CreateFabric", "{'parent':'" A "','fabricId':'x','fabric':{'topology':'HUB_SPOKE','hubs':['" A "/sites/nyc']}}"},
    {"UpdateFabric", "{'fabric':{'name':'" A "/fabrics/x'},'updateMask':'hubs'}", PT_INVALID_ARGUMENT,
     PT_REASON_FIELD_REQUIRED, "hubs"},
    {"UpdateFabric", "{'fabric':{'name':'" A "/fabrics/x','sites':['" A "/sites/sfo']}}", PT_INVALID_ARGUMENT,
     PT_REASON_FIELD_INVALID, "hubs[0]"},
    {"UpdateFabric", "{'fabric':{'name':'" A "/fabrics/x','sites':['" A "/sites/sfo','" A "/sites/nyc']}}"},
    {"CreateFabric", "{'parent':'" A "','fabricId':'y','fabric':{'maxTransitSites':6}}", PT_INVALID_ARGUMENT,
     PT_REASON_FIELD_INVALID, "max_transit_sites"},
};
TABLE_TEST(hubs_are_members, fabrics)

static const struct row segments[] = {
    {"CreateSegment",
     "{'parent':'" A "','segmentId':'x','segment':{'fabric':'" A "/fabrics/wan','prefixes':['10.0.0.0/8','10.0.0.0/8']}"
     "}",
     PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "prefixes[1]"},
    {"CreateSegment",
     "{'parent':'" A "','segmentId':'x','segment':{'fabric':'" A "/fabrics/wan','prefixes':['10.0.0.1/8']}}",
     PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "prefixes[0]"},
    {"UpdateEdge", "{'edge':{'name':'" A "/sites/nyc/edges/e1','lanInterfaces':[{'interface':'lan0','segment':'" A
                   "/segments/corp','prefixes':['10.1.0.0/16']}]}}"},
    {"UpdateSegment", "{'segment':{'name':'" A "/segments/corp','prefixes':['10.1.0.0/24']}}", PT_FAILED_PRECONDITION,
     PT_REASON_CONFLICT, "prefixes"},
    {"UpdateSegment", "{'segment':{'name':'" A "/segments/corp','prefixes':['10.0.0.0/8']}}"},
    {"UpdateSegment", "{'segment':{'name':'" A "/segments/corp'},'updateMask':'prefixes'}"},
};
TABLE_TEST(segments_hold_what_is_announced, segments)

START_TEST(vnis_are_numbered_and_kept)
{
    struct fixture fx;
    fx_init(&fx);
    fx_world(&fx);
    FX_OK(&fx, "GetSegment", "{'name':'" A "/segments/corp'}");
    ck_assert_uint_eq(pt_msg_u64(fx.reply, "vni"), 1);
    FX_OK(&fx, "DeleteSegment", "{'name':'" A "/segments/corp'}");
    FX_OK(&fx, "CreateSegment", "{'parent':'" A "','segmentId':'corp','segment':{'fabric':'" A "/fabrics/wan'}}");
    ck_assert_uint_eq(pt_msg_u64(fx.reply, "vni"), 2);
    FX_OK(&fx, "UpdateSegment", "{'segment':{'name':'" A "/segments/corp','displayName':'x'}}");
    ck_assert_uint_eq(pt_msg_u64(fx.reply, "vni"), 2);
    fx_fini(&fx);
}
END_TEST

TABLE_MAIN("mod/fabric", hubs_are_members, segments_hold_what_is_announced, vnis_are_numbered_and_kept)
