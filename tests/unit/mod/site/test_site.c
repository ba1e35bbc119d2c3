/* Sites have numbers; links and edges do not get into each other's way. */
#include "../table.h"

#include "base/net.h"
#include "mod/site/site.h"

#define NYC A "/sites/nyc"
#define SFO A "/sites/sfo"
#define CORP A "/segments/corp"

static const struct row links[] = {
    {"CreateEdge", "{'parent':'" SFO "','edgeId':'e1','edge':{}}"},
    {"CreateEdge",
     "{'parent':'" NYC "','edgeId':'e2','edge':{'lanInterfaces':[{'interface':'lan0','segment':'" CORP "'}]}}"},
    {"CreateLink",
     "{'parent':'" NYC "','linkId':'x','link':{'edge':'" SFO "/edges/e1','interface':'w0','address':'192.0.2.9',"
     "'underlay':'internet'}}",
     PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "edge"},
    {"CreateLink",
     "{'parent':'" NYC "','linkId':'x','link':{'edge':'" NYC "/edges/e1','interface':'wan0','address':'192.0.2.9',"
     "'underlay':'internet'}}",
     PT_FAILED_PRECONDITION, PT_REASON_CONFLICT, "interface"},
    {"CreateLink",
     "{'parent':'" NYC "','linkId':'x','link':{'edge':'" NYC "/edges/e2','interface':'lan0','address':'192.0.2.9',"
     "'underlay':'internet'}}",
     PT_FAILED_PRECONDITION, PT_REASON_CONFLICT, "interface"},
    {"CreateLink",
     "{'parent':'" SFO "','linkId':'x','link':{'edge':'" SFO "/edges/e1','interface':'wan0','address':'192.0.2.1',"
     "'underlay':'internet'}}",
     PT_FAILED_PRECONDITION, PT_REASON_CONFLICT, "address"},
    /* The same address in another underlay is another address. */
    {"CreateLink", "{'parent':'" SFO "','linkId':'x','link':{'edge':'" SFO
                   "/edges/e1','interface':'wan0','address':'192.0.2.1','underlay':'mpls'}}"},
    {"UpdateLink", "{'link':{'name':'" SFO "/links/x','underlay':'internet'}}", PT_FAILED_PRECONDITION,
     PT_REASON_CONFLICT, "address"},
    {"UpdateLink", "{'link':{'name':'" SFO "/links/x','provider':'x'}}"},
    {"UpdateEdge", "{'edge':{'name':'" NYC "/edges/e1','lanInterfaces':[{'interface':'wan0','segment':'" CORP "'}]}}",
     PT_FAILED_PRECONDITION, PT_REASON_CONFLICT, "lan_interfaces[0].interface"},
};
TABLE_TEST(links_keep_apart, links)

#define LAN(interface, prefix) "{'interface':'" interface "','segment':'" CORP "','prefixes':['" prefix "']}"

static const struct row lans[] = {
    {"UpdateEdge", "{'edge':{'name':'" NYC "/edges/e1','lanInterfaces':[" LAN("lan0", "10.1.0.0/16") "]}}"},
    {"CreateEdge", "{'parent':'" NYC "','edgeId':'spare','edge':{'lanInterfaces':[" LAN("lan0", "10.1.0.0/16") "]}}"},
    {"CreateEdge", "{'parent':'" SFO "','edgeId':'e1','edge':{'lanInterfaces':[" LAN("lan0", "10.1.2.0/24") "]}}",
     PT_FAILED_PRECONDITION, PT_REASON_CONFLICT, "lan_interfaces[0].prefixes"},
    {"CreateEdge", "{'parent':'" SFO "','edgeId':'e1','edge':{'lanInterfaces':[" LAN("lan0", "10.0.0.0/8") "]}}",
     PT_FAILED_PRECONDITION, PT_REASON_CONFLICT, "lan_interfaces[0].prefixes"},
    {"CreateEdge",
     "{'parent':'" SFO
     "','edgeId':'e1','edge':{'lanInterfaces':[" LAN("lan0", "10.2.0.0/16") "," LAN("lan0", "10.3.0.0/16") "]}}",
     PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "lan_interfaces[1].interface"},
    {"CreateEdge",
     "{'parent':'" SFO
     "','edgeId':'e1','edge':{'lanInterfaces':[" LAN("lan0", "10.2.0.0/16") "," LAN("lan1", "10.2.3.0/24") "]}}",
     PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "lan_interfaces[1].prefixes"},
    /* Another segment is another world. */
    {"CreateSegment", "{'parent':'" A "','segmentId':'guest','segment':{'fabric':'" A
                      "/fabrics/wan','prefixes':['10.1.0.0/16','2001:db8::/32']}}"},
    {"CreateEdge", "{'parent':'" SFO "','edgeId':'e1','edge':{'lanInterfaces':[{'interface':'lan0','segment':'" A
                   "/segments/guest','prefixes':['10.1.0.0/16','2001:db8:1::/48']}]}}"},
    {"CreateEdge",
     "{'parent':'" SFO "','edgeId':'e2','edge':{'lanInterfaces':[{'interface':'lan0','segment':'" A
     "/segments/guest','prefixes':['10.1.0.0/16','10.0.0.0/8']}]}}",
     PT_FAILED_PRECONDITION, PT_REASON_CONFLICT, "lan_interfaces[0].prefixes[1]"},
    {"CreateEdge",
     "{'parent':'" SFO "','edgeId':'e2','edge':{'lanInterfaces':[{'interface':'lan0','segment':'" A
     "/segments/guest','prefixes':['192.168.0.0/24']}]}}",
     PT_FAILED_PRECONDITION, PT_REASON_CONFLICT, "lan_interfaces[0].prefixes[0]"},
};
TABLE_TEST(prefixes_of_two_sites_do_not_overlap, lans)

START_TEST(site_labels_are_numbered_and_kept)
{
    struct fixture fx;
    fx_init(&fx);
    fx_world(&fx);
    FX_OK(&fx, "CreateSite", "{'parent':'" A "','siteId':'x'}");
    ck_assert_uint_eq(pt_msg_u64(fx.reply, "site_label"), 3);
    FX_OK(&fx, "UpdateSite", "{'site':{'name':'" A "/sites/x','region':'us'}}");
    ck_assert_uint_eq(pt_msg_u64(fx.reply, "site_label"), 3);
    FX_OK(&fx, "DeleteSite", "{'name':'" A "/sites/x'}");
    FX_OK(&fx, "CreateSite", "{'parent':'" A "','siteId':'x'}");
    ck_assert_uint_eq(pt_msg_u64(fx.reply, "site_label"), 4); /* never reused */
    fx_fini(&fx);
}
END_TEST

START_TEST(overlap_is_sharing_an_address)
{
    static const struct {
        const char *a, *b;
        bool overlap;
    } cases[] = {
        {"10.0.0.0/8", "10.1.0.0/16", true},        {"10.1.0.0/16", "10.0.0.0/8", true},
        {"10.1.0.0/16", "10.1.0.0/16", true},       {"10.1.0.0/16", "10.2.0.0/16", false},
        {"0.0.0.0/0", "192.0.2.1/32", true},        {"0.0.0.0/0", "2001:db8::/32", false},
        {"2001:db8::/32", "2001:db8:1::/48", true}, {"192.0.2.0/25", "192.0.2.128/25", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct pt_prefix a;
        struct pt_prefix b;
        ck_assert_int_eq(pt_prefix_parse(cases[i].a, &a, NULL), PT_OK);
        ck_assert_int_eq(pt_prefix_parse(cases[i].b, &b, NULL), PT_OK);
        ck_assert_msg(site_prefixes_overlap(&a, &b) == cases[i].overlap, "%s %s", cases[i].a, cases[i].b);
    }
}
END_TEST

TABLE_MAIN("mod/site", links_keep_apart, prefixes_of_two_sites_do_not_overlap, site_labels_are_numbered_and_kept,
           overlap_is_sharing_an_address)
