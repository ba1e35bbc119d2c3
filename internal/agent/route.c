/*
 * One RTM_NEWROUTE message (rtnetlink(7)), replaced in place, answered by the kernel at once.
 *
 *   destination/32 or /128  via gateway  dev interface  src source  proto PROTOCOL
 */
#include "agent/route.h"

#include "agent/netlink.h"

#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PROTOCOL 200 /* marks our routes in `ip route`; not one of iproute2's names */

static void add_ip(struct pt_netlink *request, uint16_t type, const struct pt_ip *ip)
{
    bool v4 = pt_ip_is_v4(ip);
    pt_netlink_add(request, type, v4 ? ip->bytes + 12 : ip->bytes, v4 ? 4 : 16);
}

void pt_route_use_link(void *context, const struct pt_ip *controller, const char *interface, const struct pt_ip *source,
                       const struct pt_ip *gateway)
{
    const struct pt_log *log = context;
    char text[PT_IP_TEXT_SIZE];
    unsigned index = if_nametoindex(interface);
    bool v4 = pt_ip_is_v4(controller);
    if (index == 0 || pt_ip_is_v4(source) != v4 || (gateway != NULL && pt_ip_is_v4(gateway) != v4)) {
        return; /* the link cannot reach this controller; the next one is tried */
    }
    const struct rtmsg route = {.rtm_family = v4 ? AF_INET : AF_INET6,
                                .rtm_dst_len = v4 ? 32 : 128,
                                .rtm_table = RT_TABLE_MAIN,
                                .rtm_protocol = PROTOCOL,
                                .rtm_scope = gateway != NULL ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK,
                                .rtm_type = RTN_UNICAST};
    struct pt_netlink request;
    pt_netlink_start(&request, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, &route, sizeof(route));
    add_ip(&request, RTA_DST, controller);
    pt_netlink_add(&request, RTA_OIF, &index, sizeof(index));
    add_ip(&request, RTA_PREFSRC, source);
    if (gateway != NULL) {
        add_ip(&request, RTA_GATEWAY, gateway);
    }
    int number = pt_netlink_ask(&request);
    if (number != 0) {
        pt_log_warn(log, "no route to the controller", "controller=%s interface=%s reason=\"%s\"",
                    pt_ip_format(controller, text), interface, strerror(number));
    }
}

/* A UDP socket that is connected has the source that its packets would have (RFC 1122, 3.3.4.3). */
bool pt_route_source_to(void *context, const struct pt_ip *controller, struct pt_ip *ret_source)
{
    (void)context;
    bool v4 = pt_ip_is_v4(controller);
    struct sockaddr_in to4 = {.sin_family = AF_INET, .sin_port = htons(9)}, from4 = {0};
    struct sockaddr_in6 to6 = {.sin6_family = AF_INET6, .sin6_port = htons(9)}, from6 = {0};
    memcpy(&to4.sin_addr, controller->bytes + 12, 4);
    memcpy(&to6.sin6_addr, controller->bytes, 16);
    socklen_t size = v4 ? sizeof(to4) : sizeof(to6);
    int fd = socket(v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool found = fd >= 0 && connect(fd, v4 ? (struct sockaddr *)&to4 : (struct sockaddr *)&to6, size) == 0 &&
                 getsockname(fd, v4 ? (struct sockaddr *)&from4 : (struct sockaddr *)&from6, &size) == 0;
    if (fd >= 0) {
        (void)close(fd);
    }
    if (found && v4) {
        uint8_t bytes[4];
        memcpy(bytes, &from4.sin_addr, 4);
        *ret_source = *controller; /* the prefix of a mapped address */
        memcpy(ret_source->bytes + 12, bytes, 4);
    } else if (found) {
        memcpy(ret_source->bytes, &from6.sin6_addr, 16);
    }
    return found;
}
