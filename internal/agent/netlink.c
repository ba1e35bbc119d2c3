/*
 * rtnetlink by hand: a header, a fixed part, attributes padded to 4 bytes. A change is sent with NLM_F_ACK and answered
 * by one NLMSG_ERROR, whose number 0 means done; a dump by a train of messages that NLMSG_DONE ends. The socket lives
 * as long as the request: these are rare, and a socket that is not kept cannot hold an answer to somebody else's
 * question.
 */
#include "agent/netlink.h"

#include "base/assert.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define ANSWER_SIZE (64U << 10)
#define ANSWER_SECONDS 2

/* ---- building ------------------------------------------------------------------------------------------------- */

static struct rtattr *end_of(struct pt_netlink *request)
{
    return (struct rtattr *)(void *)((uint8_t *)request + NLMSG_ALIGN(request->header.nlmsg_len));
}

void pt_netlink_start(struct pt_netlink *request, uint16_t type, uint16_t flags, const void *body, size_t size)
{
    memset(request, 0, sizeof(*request));
    request->header.nlmsg_type = type;
    request->header.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
    request->header.nlmsg_len = (uint32_t)NLMSG_LENGTH(size);
    memcpy(request->data, body, size);
}

void pt_netlink_add(struct pt_netlink *request, uint16_t type, const void *data, size_t size)
{
    pt_assert(NLMSG_ALIGN(request->header.nlmsg_len) + RTA_SPACE(size) <= sizeof(*request));
    struct rtattr *attribute = end_of(request);
    attribute->rta_type = type;
    attribute->rta_len = (unsigned short)RTA_LENGTH(size);
    if (size > 0) {
        memcpy(RTA_DATA(attribute), data, size);
    }
    request->header.nlmsg_len = NLMSG_ALIGN(request->header.nlmsg_len) + (uint32_t)RTA_SPACE(size);
}

void pt_netlink_add_text(struct pt_netlink *request, uint16_t type, const char *text)
{
    pt_netlink_add(request, type, text, strlen(text) + 1);
}

size_t pt_netlink_open(struct pt_netlink *request, uint16_t type)
{
    size_t opened = NLMSG_ALIGN(request->header.nlmsg_len);
    pt_netlink_add(request, type, NULL, 0);
    return opened;
}

void pt_netlink_close(struct pt_netlink *request, size_t opened)
{
    struct rtattr *attribute = (struct rtattr *)(void *)((uint8_t *)request + opened);
    attribute->rta_len = (unsigned short)(request->header.nlmsg_len - opened);
}

/* ---- asking --------------------------------------------------------------------------------------------------- */

/* A socket with the request on its way, or a negative errno. */
static int send_request(const struct pt_netlink *request)
{
    const struct timeval patience = {.tv_sec = ANSWER_SECONDS};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0) {
        return -errno;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    if (send(fd, request, request->header.nlmsg_len, 0) < 0) {
        int number = errno;
        (void)close(fd);
        return -number;
    }
    return fd;
}

static int error_of(const struct nlmsghdr *answer)
{
    struct nlmsgerr error;
    if (answer->nlmsg_len < NLMSG_LENGTH(sizeof(error.error))) {
        return EPROTO;
    }
    memcpy(&error.error, NLMSG_DATA(answer), sizeof(error.error));
    return -error.error;
}

/* Take one datagram of answers. True while more are to come. */
static bool take(const uint8_t *data, size_t size, bool dump, void (*fn)(void *arg, const struct nlmsghdr *answer),
                 void *arg, int *ret_number)
{
    const struct nlmsghdr *answer = (const struct nlmsghdr *)(const void *)data;
    size_t left = size;
    for (; NLMSG_OK(answer, left); answer = NLMSG_NEXT(answer, left)) {
        if (answer->nlmsg_type == NLMSG_ERROR) {
            *ret_number = error_of(answer);
            return false;
        }
        if (answer->nlmsg_type == NLMSG_DONE) {
            return false;
        }
        if (dump) {
            fn(arg, answer);
        }
    }
    return dump;
}

static int exchange(const struct pt_netlink *request, bool dump, void (*fn)(void *arg, const struct nlmsghdr *answer),
                    void *arg)
{
    int fd = send_request(request);
    if (fd < 0) {
        return -fd;
    }
    uint8_t *answers = malloc(ANSWER_SIZE);
    pt_assert(answers != NULL);
    int number = 0;
    for (bool more = true; more;) {
        ssize_t size = recv(fd, answers, ANSWER_SIZE, MSG_TRUNC);
        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size < 0 || (size_t)size > ANSWER_SIZE) {
            number = size < 0 ? errno : EMSGSIZE;
            break;
        }
        more = take(answers, (size_t)size, dump, fn, arg, &number);
    }
    free(answers);
    (void)close(fd);
    return number;
}

int pt_netlink_ask(struct pt_netlink *request)
{
    request->header.nlmsg_flags |= NLM_F_ACK;
    return exchange(request, false, NULL, NULL);
}

int pt_netlink_dump(struct pt_netlink *request, void (*fn)(void *arg, const struct nlmsghdr *answer), void *arg)
{
    request->header.nlmsg_flags |= NLM_F_DUMP;
    return exchange(request, true, fn, arg);
}

/* ---- reading -------------------------------------------------------------------------------------------------- */

const void *pt_netlink_find(const struct rtattr *first, size_t size, uint16_t type, size_t least, size_t *ret_size)
{
    size_t left = size;
    for (const struct rtattr *attribute = first; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
        if ((attribute->rta_type & NLA_TYPE_MASK) == type) {
            if (RTA_PAYLOAD(attribute) < least) {
                return NULL;
            }
            if (ret_size != NULL) {
                *ret_size = RTA_PAYLOAD(attribute);
            }
            return RTA_DATA(attribute);
        }
    }
    return NULL;
}
