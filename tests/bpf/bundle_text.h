/*
 * Bundles as text, for tests: one entry a line, "kind key=value ...", in any order; '#' begins a comment.
 *
 *    node site=1                                       tunnel id=12 link=1 remote=192.0.2.2 site=2 mtu=1464
 *    link id=1 if=wan0 address=192.0.2.1 gateway=..    path id=120 tunnel=12 stack=3,4 site=4
 *         mtu=1500                                     group site=4 class=0 members=120:1:0,130:1:1
 *    lan if=lan0 vni=100                               rule vni=100 order=0 protocol=6 ports=80-443 dscp=46
 *    route vni=100 prefix=10.1.0.0/24 site=1 lan=lan0       prefix=10.2.0.0/16 class=7 deny=1
 *
 * Members are path:weight:tier; class=transit is the group that a label selects.
 */
#pragma once

#include "plan/plan.h"

/* NULL after saying on standard error which line is wrong. */
struct pt_bundle *bundle_from_text(const char *text);
struct pt_bundle *bundle_from_file(const char *path);
