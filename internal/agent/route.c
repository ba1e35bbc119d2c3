/*
 * Routes and rules of rtnetlink(7), replaced or added in place, answered by the kernel at once.
 *
 *   use    controller/32 or /128  via gateway  dev interface  src source  proto PROTOCOL                in the main
 * table hold   the same route in a table of the interface's own, and from source to controller  lookup that table  pref
 * RULE_PREFERENCE  proto PROTOCOL
 *
 * A connection has its source from the main table when it opens; from then on the rule leads it, and the main table may
 * lead others elsewhere. The kernel takes a route away with its interface or source address; the rule then leads to an
 * empty table, which is as if it were not there.
 */
#include "agent/route.h"

#include "agent/netlink.h"
#include "sys/sys_uv.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PROTOCOL 200 /* marks our routes in `ip route`; not one of iproute2's names */
#define RULE_PREFERENCE 20200U
#define TABLE_BASE 0x50540000U /* plus the interface's number */

static void add_ip(struct pt_netlink *request, uint16_t type, const struct pt_ip *ip)
{
    bool v4 = pt_ip_is_v4(ip);
    pt_netlink_add(request, type, v4 ? ip->bytes + 12 : ip->bytes, v4 ? 4 : 16);
}

static int put_route(uint32_t table, const struct pt_ip *controller, unsigned index, const struct pt_ip *source,
                     const struct pt_ip *gateway)
{
    bool v4 = pt_ip_is_v4(controller);
    const struct rtmsg route = {.rtm_family = v4 ? AF_INET : AF_INET6,
                                .rtm_dst_len = v4 ? 32 : 128,
                                .rtm_table = table == RT_TABLE_MAIN ? RT_TABLE_MAIN : RT_TABLE_UNSPEC,
                                .rtm_protocol = PROTOCOL,
                                .rtm_scope = gateway != NULL ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK,
                                .rtm_type = RTN_UNICAST};
    struct pt_netlink request;
    pt_netlink_start(&request, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, &route, sizeof(route));
    pt_netlink_add(&request, RTA_TABLE, &table, sizeof(table));
    add_ip(&request, RTA_DST, controller);
    pt_netlink_add(&request, RTA_OIF, &index, sizeof(index));
    add_ip(&request, RTA_PREFSRC, source);
    if (gateway != NULL) {
        add_ip(&request, RTA_GATEWAY, gateway);
    }
    return pt_netlink_ask(&request);
}

/* One that stands already is fine. */
static int put_rule(uint32_t table, const struct pt_ip *controller, const struct pt_ip *source)
{
    bool v4 = pt_ip_is_v4(controller);
    const uint32_t preference = RULE_PREFERENCE;
    const uint8_t protocol = PROTOCOL, bits = v4 ? 32 : 128;
    const struct fib_rule_hdr rule = {
        .family = v4 ? AF_INET : AF_INET6, .src_len = bits, .dst_len = bits, .action = FR_ACT_TO_TBL};
    struct pt_netlink request;
    pt_netlink_start(&request, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, &rule, sizeof(rule));
    add_ip(&request, FRA_SRC, source);
    add_ip(&request, FRA_DST, controller);
    pt_netlink_add(&request, FRA_TABLE, &table, sizeof(table));
    pt_netlink_add(&request, FRA_PRIORITY, &preference, sizeof(preference));
    pt_netlink_add(&request, FRA_PROTOCOL, &protocol, sizeof(protocol));
    int number = pt_netlink_ask(&request);
    return number == EEXIST ? 0 : number;
}

/* 0: the link cannot reach this controller. */
static unsigned interface_to(const struct pt_ip *controller, const char *interface, const struct pt_ip *source,
                             const struct pt_ip *gateway)
{
    bool v4 = pt_ip_is_v4(controller);
    bool fits = pt_ip_is_v4(source) == v4 && (gateway == NULL || pt_ip_is_v4(gateway) == v4);
    return fits ? if_nametoindex(interface) : 0;
}

static void warn(const struct pt_log *log, const char *what, const struct pt_ip *controller, const char *interface,
                 int number)
{
    char text[PT_IP_TEXT_SIZE];
    pt_log_warn(log, what, "controller=%s interface=%s reason=\"%s\"", pt_ip_format(controller, text), interface,
                strerror(number));
}

void pt_route_use_link(void *context, const struct pt_ip *controller, const char *interface, const struct pt_ip *source,
                       const struct pt_ip *gateway)
{
    unsigned index = interface_to(controller, interface, source, gateway);
    int number = index != 0 ? put_route(RT_TABLE_MAIN, controller, index, source, gateway) : 0;
    if (number != 0) {
        warn(context, "no route to the controller", controller, interface, number);
    }
}

bool pt_route_hold_link(void *context, const struct pt_ip *controller, const char *interface,
                        const struct pt_ip *source, const struct pt_ip *gateway)
{
    unsigned index = interface_to(controller, interface, source, gateway);
    if (index == 0) {
        return false;
    }
    int number = put_route(TABLE_BASE + index, controller, index, source, gateway);
    number = number == 0 ? put_rule(TABLE_BASE + index, controller, source) : number;
    if (number != 0) {
        warn(context, "link not held", controller, interface, number);
    }
    return number == 0;
}

/* A UDP socket that is connected has the source that its packets would have (RFC 1122, 3.3.4.3). */
bool pt_route_source_to(void *context, const struct pt_ip *controller, struct pt_ip *ret_source)
{
    (void)context;
    bool v4 = pt_ip_is_v4(controller);
    struct sockaddr_storage to, from = {0};
    const struct pt_endpoint end = {.ip = *controller, .port = 9}; /* discard: nothing is sent */
    socklen_t size = pt_sys_uv_sockaddr(&end, &to);
    int fd = socket(v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool found = fd >= 0 && connect(fd, (struct sockaddr *)&to, size) == 0 &&
                 getsockname(fd, (struct sockaddr *)&from, &size) == 0;
    if (fd >= 0) {
        (void)close(fd);
    }
    if (found) {
        *ret_source = pt_sys_uv_endpoint(&from).ip;
    }
    return found;
}
