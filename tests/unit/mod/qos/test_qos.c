/* Profiles promise what there is, say one thing of a code point, and come to what a node can do. */
#include "../table.h"

#include "mod/qos/qos.h"

#define PROFILE(classes) "{'parent':'" A "','qosProfileId':'x','qosProfile':{'classes':[" classes "]}}"

static const struct row profiles[] = {
    {"CreateQosProfile", "{'parent':'" A "','qosProfileId':'x','qosProfile':{}}", PT_INVALID_ARGUMENT,
     PT_REASON_FIELD_REQUIRED, "classes"},
    {"CreateQosProfile", PROFILE("{'trafficClass':'REALTIME','percent':60},{'trafficClass':'BULK','percent':41}"),
     PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "classes[1].percent"},
    {"CreateQosProfile", PROFILE("{'trafficClass':'REALTIME','percent':60},{'trafficClass':'BULK','percent':40}"),
     PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "classes"},
    {"CreateQosProfile", PROFILE("{'trafficClass':'BULK','percent':10},{'trafficClass':'BULK','percent':10}"),
     PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "classes[1].traffic_class"},
    {"CreateQosProfile", PROFILE("{'percent':10}"), PT_INVALID_ARGUMENT, PT_REASON_FIELD_REQUIRED,
     "classes[0].traffic_class"},
    {"CreateQosProfile", PROFILE("{'trafficClass':'BULK','percent':101}"), PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID,
     "classes[0].percent"},
    {"CreateQosProfile",
     PROFILE(
         "{'trafficClass':'BULK','percent':10,'dscps':[8,9]},{'trafficClass':'STREAMING','percent':10,'dscps':[9]}"),
     PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "classes[1].dscps[0]"},
    {"CreateQosProfile", PROFILE("{'trafficClass':'REALTIME','percent':10,'dscps':[46,48]}"), PT_INVALID_ARGUMENT,
     PT_REASON_FIELD_INVALID, "classes[0].dscps[1]"},
    {"CreateQosProfile", PROFILE("{'trafficClass':'REALTIME','percent':30,'dscpOut':46},"
                                 "{'trafficClass':'STANDARD','percent':70}")},
    {"UpdateLink", "{'link':{'name':'" A "/sites/nyc/links/inet','qosProfile':'" A "/qosProfiles/x'}}",
     PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "capacity_up_bps"},
    {"UpdateLink",
     "{'link':{'name':'" A "/sites/nyc/links/inet','qosProfile':'" A "/qosProfiles/x','capacityUpBps':'50000000'}}"},
    {"DeleteQosProfile", "{'name':'" A "/qosProfiles/x'}", PT_FAILED_PRECONDITION, PT_REASON_RESOURCE_IN_USE, "name"},
};
TABLE_TEST(promises_can_be_kept, profiles)

/* An explicit code point leaves the class that it usually belongs to; STANDARD has what is left. */
START_TEST(classes_are_what_the_profile_says)
{
    struct fixture fx;
    struct qos_class classes[QOS_CLASSES];
    fx_init(&fx);
    fx_world(&fx);
    FX_OK(&fx, "CreateQosProfile", "%s",
          PROFILE("{'trafficClass':'BULK','percent':15,'queueMs':200,'dscps':[38]},"
                  "{'trafficClass':'REALTIME','percent':30,'dscpOut':0}"));
    ck_assert_uint_eq(qos_classes(fx.reply, classes), 3);
    ck_assert_uint_eq(classes[0].traffic_class, 1);
    ck_assert_uint_eq(classes[0].percent, 30);
    ck_assert_uint_eq(classes[0].dscp_out, 1);
    ck_assert(classes[0].dscp_mask & 1ULL << 46);
    ck_assert(!(classes[0].dscp_mask & 1ULL << 38));
    ck_assert_uint_eq(classes[1].traffic_class, 4);
    ck_assert_uint_eq(classes[1].percent, 55);
    ck_assert_uint_eq(classes[2].traffic_class, 5);
    ck_assert_uint_eq(classes[2].queue_ms, 200);
    ck_assert_uint_eq(classes[2].dscp_out, 0);
    ck_assert(classes[2].dscp_mask == 1ULL << 38);
    fx_fini(&fx);
}
END_TEST

TABLE_MAIN("mod/qos", promises_can_be_kept, classes_are_what_the_profile_says)
