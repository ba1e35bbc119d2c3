/*
 * The answers of one turn leave together.
 *
 * gRPC writes as soon as a call is answered: each answer is a record of TLS, a sendmsg, a segment, and a wake-up of the
 * client, although a group of entries that has committed answers a dozen calls of the same connection in one turn. Its
 * C API has no call that answers several. So the connection is corked meanwhile (tcp(7), TCP_CORK): from the second
 * answer of a turn on, the kernel gathers them, and sends them when the turn is through, or HELD_MAX of them are there.
 * The first one goes at once: a client that waits for one call alone does not wait for others.
 *
 * gRPC does not say which descriptor a connection is. The kernel does: it is the one whose other end is the address
 * that the call came from. It is looked for once, asked again each time, since a number may have passed to another
 * connection, and given up for a while where nothing was found (an address through a proxy of gRPC's, no /proc). To
 * cork a wrong one would do no harm: whatever is corked here is not after the turn.
 */
#include "base/assert.h"
#include "base/map.h"
#include "base/net.h"
#include "rpc/rpc_grpc.h"
#include "sys/sys_uv.h"

#include <dirent.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define LINES_LEN 64U   /* connections that are known at a time; a power of two */
#define HELD_MAX 16U    /* answers; more only keep those waiting that are there */
#define SEARCH_MS 10U   /* between two searches: each asks every descriptor */
#define GIVE_UP_MS 1000 /* from a search that found nothing to the next for the same line */

struct line {
    struct pt_endpoint peer;
    int fd; /* -1: not known */
    uint64_t search_at_ns;
    uint64_t turn;    /* that answers were counted in */
    unsigned answers; /* in that turn */
    bool corked;
};

struct pt_rpc_cork {
    struct pt_sys *sys;
    uint64_t turn;
    uint64_t search_at_ns;
    struct line *corked[LINES_LEN]; /* a place twice, when its connection ended in the turn and another took it */
    size_t corked_len;
    struct line lines[LINES_LEN];
};

struct pt_rpc_cork *pt_rpc_cork_new(struct pt_sys *sys)
{
    struct pt_rpc_cork *cork = calloc(1, sizeof(*cork));
    pt_assert(cork != NULL);
    cork->sys = sys;
    cork->turn = 1;
    return cork;
}

void pt_rpc_cork_free(struct pt_rpc_cork *cork)
{
    pt_assert(cork == NULL || cork->corked_len == 0);
    free(cork);
}

/* Is the other end of it the peer? */
static bool leads_to(int fd, const struct pt_endpoint *peer)
{
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof(address);
    if (getpeername(fd, (struct sockaddr *)&address, &size) != 0) {
        return false;
    }
    struct pt_endpoint end = pt_sys_uv_endpoint(&address);
    return end.port == peer->port && pt_ip_equal(&end.ip, &peer->ip);
}

static int search(const struct pt_endpoint *peer)
{
    DIR *folder = opendir("/proc/self/fd");
    int found = -1;
    for (struct dirent *entry; found < 0 && folder != NULL && (entry = readdir(folder)) != NULL;) {
        int fd = (int)strtol(entry->d_name, NULL, 10); /* "." is 0, and no connection */
        found = leads_to(fd, peer) ? fd : -1;
    }
    if (folder != NULL) {
        (void)closedir(folder); /* only read */
    }
    return found;
}

static bool find(struct pt_rpc_cork *cork, struct line *line)
{
    if (line->fd >= 0 && leads_to(line->fd, &line->peer)) {
        return true;
    }
    uint64_t now_ns = pt_sys_now_ns(cork->sys);
    line->fd = -1;
    if (now_ns < cork->search_at_ns || now_ns < line->search_at_ns) {
        return false;
    }
    line->fd = search(&line->peer);
    now_ns = pt_sys_now_ns(cork->sys);
    cork->search_at_ns = now_ns + SEARCH_MS * UINT64_C(1000000);
    line->search_at_ns = now_ns + GIVE_UP_MS * UINT64_C(1000000);
    return line->fd >= 0;
}

static void set(struct line *line, bool corked)
{
    int value = corked;
    /* One that is gone meanwhile needs none. */
    line->corked = setsockopt(line->fd, IPPROTO_TCP, TCP_CORK, &value, sizeof(value)) == 0 && corked;
}

/* The line of this peer; NULL when its place is taken by one that is corked. */
static struct line *line_of(struct pt_rpc_cork *cork, const struct pt_endpoint *peer)
{
    struct line *line = &cork->lines[pt_hash(peer, sizeof(*peer)) & (LINES_LEN - 1)];
    if (line->peer.port == peer->port && pt_ip_equal(&line->peer.ip, &peer->ip)) {
        return line;
    }
    if (line->corked) {
        return NULL;
    }
    *line = (struct line){.peer = *peer, .fd = -1};
    return line;
}

void pt_rpc_cork_answer(struct pt_rpc_cork *cork, const struct pt_endpoint *peer)
{
    struct line *line = peer->port != 0 ? line_of(cork, peer) : NULL;
    if (line == NULL) {
        return;
    }
    if (line->turn != cork->turn) {
        line->turn = cork->turn;
        line->answers = 0;
    }
    line->answers++;
    if (line->corked) {
        if (line->answers % HELD_MAX == 0) {
            set(line, false);
            set(line, true);
        }
    } else if (line->answers == 2 && cork->corked_len < LINES_LEN && find(cork, line)) {
        set(line, true);
        if (line->corked) {
            cork->corked[cork->corked_len++] = line;
        }
    }
}

void pt_rpc_cork_pull(struct pt_rpc_cork *cork)
{
    for (size_t i = 0; i < cork->corked_len; i++) {
        set(cork->corked[i], false);
    }
    cork->corked_len = 0;
    cork->turn++;
}
