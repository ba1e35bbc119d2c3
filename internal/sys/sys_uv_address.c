/*
 * Addresses as sockets have them, and as everybody else does: the one place where they are turned over.
 */
#include "sys/sys_uv.h"

#include <netinet/in.h>
#include <string.h>

socklen_t pt_sys_uv_sockaddr(const struct pt_endpoint *endpoint, struct sockaddr_storage *ret_storage)
{
    memset(ret_storage, 0, sizeof(*ret_storage)); /* some compare it whole */
    if (pt_ip_is_v4(&endpoint->ip)) {
        struct sockaddr_in *v4 = (struct sockaddr_in *)ret_storage;
        v4->sin_family = AF_INET;
        v4->sin_port = htons(endpoint->port);
        v4->sin_addr.s_addr = htonl(pt_ip_to_v4(&endpoint->ip));
        return sizeof(*v4);
    }
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret_storage;
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(endpoint->port);
    memcpy(&v6->sin6_addr, endpoint->ip.bytes, sizeof(endpoint->ip.bytes));
    return sizeof(*v6);
}

struct pt_endpoint pt_sys_uv_endpoint(const struct sockaddr_storage *storage)
{
    struct pt_endpoint endpoint = {0};
    if (storage->ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)storage;
        endpoint.ip = pt_ip_from_v4(ntohl(v4->sin_addr.s_addr));
        endpoint.port = ntohs(v4->sin_port);
    } else if (storage->ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)storage;
        memcpy(endpoint.ip.bytes, &v6->sin6_addr, sizeof(endpoint.ip.bytes));
        endpoint.port = ntohs(v6->sin6_port);
    }
    return endpoint;
}
