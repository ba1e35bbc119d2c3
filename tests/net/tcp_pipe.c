/*
 * Bytes over one TCP connection, for tests:  tcp_pipe listen PORT > file   |   tcp_pipe connect ADDRESS PORT < file
 *
 * The listener prints "ready" on standard error once a connect can succeed, takes one connection and copies it out.
 */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int fail(const char *what)
{
    perror(what);
    return 1;
}

static int copy(int from, int to)
{
    static char buffer[65536];
    ssize_t got;
    while ((got = read(from, buffer, sizeof(buffer))) > 0) {
        for (ssize_t done = 0; done < got;) {
            ssize_t put = write(to, buffer + done, (size_t)(got - done));
            if (put <= 0) {
                return fail("write");
            }
            done += put;
        }
    }
    return got < 0 ? fail("read") : 0;
}

static int listen_once(const char *port)
{
    struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)atoi(port))};
    int on = 1, off = 0, fd = socket(AF_INET6, SOCK_STREAM, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) != 0 ||
        bind(fd, (struct sockaddr *)&any, sizeof(any)) != 0 || listen(fd, 1) != 0) {
        return fail("listen");
    }
    fprintf(stderr, "ready\n");
    int peer = accept(fd, NULL, NULL);
    return peer < 0 ? fail("accept") : copy(peer, STDOUT_FILENO);
}

static int connect_once(const char *address, const char *port)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST}, *found = NULL;
    if (getaddrinfo(address, port, &hints, &found) != 0) {
        fprintf(stderr, "'%s' is not an address\n", address);
        return 1;
    }
    int fd = socket(found->ai_family, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, found->ai_addr, found->ai_addrlen) != 0) {
        return fail("connect");
    }
    freeaddrinfo(found);
    return copy(STDIN_FILENO, fd);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "listen") == 0) {
        return listen_once(argv[2]);
    }
    if (argc == 4 && strcmp(argv[1], "connect") == 0) {
        return connect_once(argv[2], argv[3]);
    }
    fprintf(stderr, "usage: tcp_pipe listen PORT | connect ADDRESS PORT\n");
    return 2;
}
