/*
 * Bundles as text, for tests: one entry a line, "kind key=value ...", in any order; '#' begins a comment.
 *
 *    node site=1                                       tunnel id=12 link=1 remote=192.0.2.2 site=2 mtu=1464
 *    link id=1 if=wan0 address=192.0.2.1 gateway=..    path id=120 tunnel=12 stack=3,4 site=4
 *         mtu=1500                                     group site=4 class=0 members=120:1:0,130:1:1
 *    lan if=lan0 vni=100                               rule vni=100 order=0 protocol=6 ports=80-443 dscp=46
 *    route vni=100 prefix=10.1.0.0/24 site=1 lan=lan0       prefix=10.2.0.0/16 class=7 deny=1
 *
 *    exit vni=100 link=1 dependent=0 udp=300        forward link=1 protocol=6 port=8080 vni=100 address=10.1.0.5
 * target=80 filter vni=100 drop=1 reach=200,300            filter_rule vni=100 order=0 allow=1 to=200 protocol=6
 * ports=80-80 prefix_map vni=100 prefix=10.1.0.0/24               source=10.1.0.0/24 prefix=10.2.0.0/24
 *         outside=172.16.1.0                        limit id=1 vnis=100,200 site=2 rate=1000000 burst=50 parent=2
 *    guard pps=1000 syns=100                        denied prefix=203.0.113.0/24
 *
 * Members are path:weight:tier; class=transit is the group that a label selects.
 */
#pragma once

#include "plan/plan.h"

/* NULL after saying on standard error which line is wrong. */
struct pt_bundle *bundle_from_text(const char *text);
struct pt_bundle *bundle_from_file(const char *path);
