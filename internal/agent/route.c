/*
 * One RTM_NEWROUTE message (rtnetlink(7)), replaced in place, answered by the kernel at once.
 *
 *   destination/32 or /128  via gateway  dev interface  src source  proto PROTOCOL
 */
#include "agent/route.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PROTOCOL 200 /* marks our routes in `ip route`; not one of iproute2's names */

struct request {
    struct nlmsghdr header;
    struct rtmsg route;
    uint8_t attributes[256];
};

static void add_attribute(struct request *request, unsigned short type, const void *data, size_t size)
{
    struct rtattr *attribute = (struct rtattr *)(void *)((uint8_t *)request + NLMSG_ALIGN(request->header.nlmsg_len));
    attribute->rta_type = type;
    attribute->rta_len = (unsigned short)RTA_LENGTH(size);
    memcpy(RTA_DATA(attribute), data, size);
    request->header.nlmsg_len = NLMSG_ALIGN(request->header.nlmsg_len) + RTA_ALIGN(attribute->rta_len);
}

static void add_ip(struct request *request, unsigned short type, const struct pt_ip *ip)
{
    bool v4 = pt_ip_is_v4(ip);
    add_attribute(request, type, v4 ? ip->bytes + 12 : ip->bytes, v4 ? 4 : 16);
}

static int transact(const struct request *request)
{
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0) {
        return errno;
    }
    struct {
        struct nlmsghdr header;
        struct nlmsgerr error;
        uint8_t rest[512];
    } answer;
    int number = 0;
    if (send(fd, request, request->header.nlmsg_len, 0) < 0 || recv(fd, &answer, sizeof(answer), 0) < 0) {
        number = errno;
    } else if (answer.header.nlmsg_type == NLMSG_ERROR) {
        number = -answer.error.error;
    }
    (void)close(fd);
    return number;
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
    struct request request = {
        .header = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct rtmsg)),
                   .nlmsg_type = RTM_NEWROUTE,
                   .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE},
        .route = {.rtm_family = v4 ? AF_INET : AF_INET6,
                  .rtm_dst_len = v4 ? 32 : 128,
                  .rtm_table = RT_TABLE_MAIN,
                  .rtm_protocol = PROTOCOL,
                  .rtm_scope = gateway != NULL ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK,
                  .rtm_type = RTN_UNICAST},
    };
    add_ip(&request, RTA_DST, controller);
    add_attribute(&request, RTA_OIF, &index, sizeof(index));
    add_ip(&request, RTA_PREFSRC, source);
    if (gateway != NULL) {
        add_ip(&request, RTA_GATEWAY, gateway);
    }
    int number = transact(&request);
    if (number != 0) {
        pt_log_warn(log, "no route to the controller", "controller=%s interface=%s reason=\"%s\"",
                    pt_ip_format(controller, text), interface, strerror(number));
    }
}
