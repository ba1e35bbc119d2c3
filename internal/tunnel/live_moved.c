/*
 * Peers that are not where they were configured: behind a NAT, or moved.
 *
 * Answers go back to where a packet came from, but our own session of a path towards such a peer would speak to an
 * address where nobody is, and the path would be dead although packets could go by it. Where the peer is, the engine
 * knows: its keepalives name the configured address and are sealed, so who is not the peer cannot move anything
 * (control.c). Liveness follows it there.
 *
 * A NAT gives each of a host's ports a port of its own. The engine knows the one of sealed packets; that of liveness is
 * the one that the peer's own authentic packets come from. Where two links of a peer are behind one address it cannot
 * be told which port is whose: then our sessions stay at the configured port, and are dead if a NAT changes ports.
 *
 * A path over a transit site that moved goes on to the configured address, as its packets do, and is dead.
 */
#include "tunnel/live_priv.h"

static bool is_direct(const struct pt_live_session *s)
{
    return s->role == PT_LIVE_OWNER && s->stack_len == 0;
}

static const struct pt_engine_moved *find(const struct pt_engine_moved *moved, size_t len, uint32_t slot)
{
    size_t from = 0;
    while (from < len) {
        size_t middle = from + (len - from) / 2;
        if (moved[middle].slot == slot) {
            return &moved[middle];
        }
        if (moved[middle].slot < slot) {
            from = middle + 1;
        } else {
            len = middle;
        }
    }
    return NULL;
}

void pt_live_note_moved(struct pt_live *live, const struct pt_engine_moved *moved, size_t len)
{
    (void)pthread_mutex_lock(&live->lock);
    if (len > 0 || live->moved) {
        PT_MAP_FOREACH (entry, &live->owners) {
            struct pt_live_session *s = entry->value;
            const struct pt_engine_moved *now = is_direct(s) ? find(moved, len, s->slot) : NULL;
            const struct pt_ip *ip = now != NULL ? &now->ip : &s->configured;
            if (s->moved != (now != NULL) || !pt_ip_equal(ip, &s->remote.ip)) {
                s->remote = (struct pt_endpoint){.ip = *ip, .port = live->options.port};
                s->moved = now != NULL;
                live->moves++;
            }
        }
        live->moved = len > 0;
    }
    (void)pthread_mutex_unlock(&live->lock);
}

void pt_live_learn_port(struct pt_live *live, struct pt_live_session *answer, const struct pt_endpoint *before)
{
    const struct pt_endpoint *from = &answer->remote;
    struct pt_live_session *only = NULL;
    bool same = before->port == from->port && pt_ip_equal(&before->ip, &from->ip);
    if (!live->moved || answer->stack_len > 0 || (same && answer->moves == live->moves)) {
        return;
    }
    answer->moves = live->moves;
    PT_MAP_FOREACH (entry, &live->owners) {
        struct pt_live_session *s = entry->value;
        if (!is_direct(s) || s->label != answer->label || s->link != answer->link ||
            !pt_ip_equal(&s->remote.ip, &from->ip)) {
            continue;
        }
        if (only != NULL) {
            return;
        }
        only = s;
    }
    if (only != NULL && only->moved) {
        only->remote.port = from->port;
    }
}
