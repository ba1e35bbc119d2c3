/*
 * Requests to the kernel over rtnetlink(7): the one door. A request is built in place, sent on a socket of its own, and
 * answered at once by the kernel itself; nothing here waits for anybody else. Numbers are the host's.
 */
#pragma once

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <stdint.h>

#define PT_NETLINK_SIZE_MAX 4096U

struct pt_netlink {
    struct nlmsghdr header;
    uint8_t data[PT_NETLINK_SIZE_MAX];
};

/* Begin a request: its fixed part, for example a struct rtmsg. NLM_F_REQUEST is added. */
void pt_netlink_start(struct pt_netlink *request, uint16_t type, uint16_t flags, const void *body, size_t size);
void pt_netlink_add(struct pt_netlink *request, uint16_t type, const void *data, size_t size);
void pt_netlink_add_text(struct pt_netlink *request, uint16_t type, const char *text);
/* Attributes added between the two stand inside one. */
size_t pt_netlink_open(struct pt_netlink *request, uint16_t type);
void pt_netlink_close(struct pt_netlink *request, size_t opened);

/* Send, and take the kernel's word: 0 or an errno. */
int pt_netlink_ask(struct pt_netlink *request);
/* Send a dump request; calls fn for every answer's fixed part and attributes. 0 or an errno. */
int pt_netlink_dump(struct pt_netlink *request, void (*fn)(void *arg, const struct nlmsghdr *answer), void *arg);

/* Attribute `type` among those that begin at `first` and take `size` bytes; NULL when it is not there, or shorter than
 * `least`. */
const void *pt_netlink_find(const struct rtattr *first, size_t size, uint16_t type, size_t least, size_t *ret_size);
