/*
 * The network of the simulated world: connections between hosts, and how they stall and die.
 *
 * A connection has two ends. What one end writes goes as segments into the inbox of the other, each with the instant of
 * its arrival: now plus a random delay of the link, but never before the segment ahead of it, so that a stream stays in
 * order. Only the head of an inbox is an event. Writes of one instant share a segment, and now and then a segment is
 * delivered in two pieces: a program that takes one write for one message finds out.
 *
 *   write -> [segment, segment, FIN] --head arrives--> on_data ... on_closed
 *
 * A cut link holds segments where they are: the inbox stalls when its head comes up, and goes on when the link heals. A
 * link that was cut for 10 s resets every connection between its hosts, at each end by itself, as a TCP timeout does.
 * Bandwidth has no limit; what is queued in the sense of pt_stream_write are the bytes that have not been delivered.
 *
 * Life of an end: opening (the handshake is under way, or the other host's on_accept is) -> open -> over (told its
 * owner) and, independent of that, released (the owner closed it, or never saw it). A connection is freed when both
 * ends are released.
 */
#include "sys/sys_sim_world.h"
#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

#define LOOPBACK_DELAY_NS 10000U
#define SPLIT_ONCE_IN 16U    /* segments delivered in two pieces */
#define LOSE_TAIL_ONCE_IN 8U /* closes that lose what was queued */

struct segment {
    struct segment *next;
    uint64_t arrival_ns;
    uint64_t written_ns;
    enum pt_code fin; /* PT_OK: data; else the last one, with what on_closed is told */
    struct pt_buf data;
};

enum end_state { END_OPENING, END_OPEN, END_OVER };

struct sim_end {
    struct pt_stream base;
    struct sim_conn *conn;
    struct sim_end *other;
    struct sim_sys *sys; /* the life of the host that has this end; NULL before the other host answered */
    struct sim_host *host;
    const struct pt_stream_ops *ops; /* NULL: accepted, not started */
    void *arg;
    enum end_state state;
    bool released;
    bool wants_writable;
    bool stalled;         /* the head of the inbox waits for a cut link */
    struct segment *head; /* inbox */
    struct segment *tail;
    size_t inbox_size; /* bytes in it: what the other end has queued */
    uint64_t arrival_last_ns;
    struct sim_event arrival;  /* of the head */
    struct sim_event writable; /* on_writable is due */
    struct sim_event reset;    /* it ends then, whatever happens */
};

struct sim_conn {
    struct pt_list node; /* in pt_sim.conns */
    struct pt_sim *sim;
    unsigned refs;            /* callbacks and one-off events under way */
    struct sim_end ends[2];   /* 0: the one that connected */
    struct sim_event opening; /* the handshake's next step */
    struct sim_event accepting;
    struct pt_endpoint to;
    struct pt_endpoint from;
    uint64_t give_up_ns;
};

struct sim_listener {
    struct pt_listener base;
    struct pt_list node; /* in sim_sys.listeners */
    struct pt_endpoint at;
    pt_accept_fn on_accept;
    void *arg;
};

/* ---- links ---------------------------------------------------------------------------------------------------- */

static struct sim_link *link_between(struct pt_sim *sim, const struct sim_host *from, const struct sim_host *to)
{
    uint32_t key[2] = {from->index, to->index};
    return pt_map_get(&sim->links, key, sizeof(key));
}

static bool is_cut(struct pt_sim *sim, const struct sim_host *from, const struct sim_host *to)
{
    const struct sim_link *link = sim->links.count == 0 ? NULL : link_between(sim, from, to);
    return link != NULL && link->cut;
}

static uint64_t link_delay_ns(struct pt_sim *sim, const struct sim_host *from, const struct sim_host *to)
{
    if (from == to) {
        return LOOPBACK_DELAY_NS;
    }
    return sim_between(sim, sim->options.net_delay_min_us * 1000, sim->options.net_delay_max_us * 1000);
}

/* Host n has the address 10.0.0.0 + n + 1; loopback addresses lead home. NULL when there is no such host. */
static struct sim_host *host_of(struct sim_host *asking, const struct pt_ip *ip)
{
    static const struct pt_ip loopback6 = {.bytes = {[15] = 1}};
    struct pt_sim *sim = asking->sim;
    if (pt_ip_equal(ip, &loopback6)) {
        return asking;
    }
    if (!pt_ip_is_v4(ip)) {
        return NULL;
    }
    uint32_t v4 = pt_ip_to_v4(ip);
    if (v4 >> 24 == 127) {
        return asking;
    }
    uint32_t index = v4 - 0x0a000001U;
    return index < sim->hosts_len ? sim->hosts[index] : NULL;
}

static struct pt_ip ip_of(const struct sim_host *host)
{
    return pt_ip_from_v4(0x0a000001U + host->index);
}

/* ---- inboxes -------------------------------------------------------------------------------------------------- */

static void drop_inbox(struct sim_end *end)
{
    while (end->head != NULL) {
        struct segment *next = end->head->next;
        pt_buf_fini(&end->head->data);
        free(end->head);
        end->head = next;
    }
    end->tail = NULL;
    end->inbox_size = 0;
    sim_event_cancel(end->conn->sim, &end->arrival);
}

static void schedule_head(struct sim_end *end)
{
    struct pt_sim *sim = end->conn->sim;
    if (end->head != NULL && end->arrival.at == 0 && !end->stalled && end->sys != NULL) {
        uint64_t time_ns = end->head->arrival_ns > sim->now_ns ? end->head->arrival_ns : sim->now_ns;
        end->arrival.sys = end->sys;
        sim_event_at(sim, &end->arrival, time_ns);
    }
}

/* A new last segment on the way to `end`. */
static struct segment *add_segment(struct sim_end *end)
{
    struct pt_sim *sim = end->conn->sim;
    struct segment *segment = pt_sys_alloc(sizeof(*segment));
    uint64_t arrival_ns = sim->now_ns + link_delay_ns(sim, end->other->host, end->host);
    segment->arrival_ns = arrival_ns > end->arrival_last_ns ? arrival_ns : end->arrival_last_ns;
    segment->written_ns = sim->now_ns;
    pt_buf_init(&segment->data);
    end->arrival_last_ns = segment->arrival_ns;
    if (end->tail != NULL) {
        end->tail->next = segment;
    } else {
        end->head = segment;
    }
    end->tail = segment;
    return segment;
}

static void send_fin(struct sim_end *end, enum pt_code code)
{
    if (end->state != END_OVER && !end->released && (end->tail == NULL || end->tail->fin == PT_OK)) {
        add_segment(end)->fin = code;
        schedule_head(end);
    }
}

/* ---- life ----------------------------------------------------------------------------------------------------- */

static void hold(struct sim_conn *conn)
{
    conn->refs++;
}

static void let_go(struct sim_conn *conn)
{
    pt_assert(conn->refs > 0);
    if (--conn->refs > 0 || !conn->ends[0].released || !conn->ends[1].released) {
        return;
    }
    for (int i = 0; i < 2; i++) {
        drop_inbox(&conn->ends[i]);
        sim_event_cancel(conn->sim, &conn->ends[i].writable);
        sim_event_cancel(conn->sim, &conn->ends[i].reset);
    }
    sim_event_cancel(conn->sim, &conn->opening);
    sim_event_cancel(conn->sim, &conn->accepting);
    pt_list_remove(&conn->node);
    free(conn);
}

static void release(struct sim_end *end)
{
    end->released = true;
    end->state = END_OVER;
    drop_inbox(end);
    sim_event_cancel(end->conn->sim, &end->writable);
    sim_event_cancel(end->conn->sim, end == &end->conn->ends[0] ? &end->conn->opening : &end->conn->accepting);
}

/* Tell the owner, if there is one, that it is over. The connection may be gone afterwards unless it is held. */
static void end_over(struct sim_end *end, enum pt_code code)
{
    enum end_state before = end->state;
    if (before == END_OVER || end->sys == NULL || end->sys->dead) {
        return;
    }
    end->state = END_OVER;
    drop_inbox(end);
    sim_event_cancel(end->conn->sim, &end->writable);
    if (before == END_OPENING && end == &end->conn->ends[0]) {
        sim_event_cancel(end->conn->sim, &end->conn->opening);
        end->ops->on_connect(end->arg, PT_UNAVAILABLE);
    } else if (end->ops != NULL) {
        end->ops->on_closed(end->arg, code);
    }
}

/* Reset an end from within another event: as an event of its own host, so that a held host hears of it later. */
static void on_reset(void *arg)
{
    struct sim_end *end = arg;
    struct sim_conn *conn = end->conn;
    hold(conn);
    end_over(end, PT_UNAVAILABLE);
    let_go(conn);
}

static void reset_at(struct sim_end *end, uint64_t time_ns)
{
    if (end->state == END_OVER || end->sys == NULL || end->sys->dead) {
        return;
    }
    if (end->reset.at != 0 && end->reset.time_ns <= time_ns) {
        return;
    }
    sim_event_cancel(end->conn->sim, &end->reset);
    end->reset.sys = end->sys;
    sim_event_at(end->conn->sim, &end->reset, time_ns);
}

void sim_stream_close(struct pt_stream *base)
{
    struct sim_end *end = (struct sim_end *)base;
    struct sim_conn *conn = end->conn;
    pt_assert(!end->released);
    hold(conn);
    if (end->other->sys == NULL) {
        release(end->other); /* the handshake ends here: the other host never heard of it */
    } else if (!end->sys->dead && end->state != END_OVER) {
        if (end->other->inbox_size > 0 && sim_once_in(conn->sim, LOSE_TAIL_ONCE_IN)) {
            drop_inbox(end->other);
        }
        send_fin(end->other, PT_CLOSED);
    }
    release(end);
    let_go(conn);
}

/* ---- data ----------------------------------------------------------------------------------------------------- */

static void on_writable_due(void *arg)
{
    struct sim_end *end = arg;
    if (end->wants_writable && end->state == END_OPEN && end->other->inbox_size < PT_STREAM_QUEUE_LOW) {
        end->wants_writable = false;
        if (end->ops != NULL && end->ops->on_writable != NULL) {
            end->ops->on_writable(end->arg);
        }
    }
}

static void tell_writer(struct sim_end *writer)
{
    struct pt_sim *sim = writer->conn->sim;
    if (writer->wants_writable && writer->state == END_OPEN && writer->writable.at == 0 &&
        writer->other->inbox_size < PT_STREAM_QUEUE_LOW) {
        writer->writable.sys = writer->sys;
        sim_event_at(sim, &writer->writable, sim->now_ns + link_delay_ns(sim, writer->other->host, writer->host));
    }
}

/* Take the head of the inbox, or now and then only its beginning. */
static struct segment *take_segment(struct sim_end *end)
{
    struct segment *segment = end->head;
    size_t size = segment->data.size;
    if (size > 1 && sim_once_in(end->conn->sim, SPLIT_ONCE_IN)) {
        size_t first = (size_t)sim_between(end->conn->sim, 1, size - 1);
        struct segment *rest = pt_sys_alloc(sizeof(*rest));
        *rest = (struct segment){.next = segment->next, .arrival_ns = segment->arrival_ns, .written_ns = UINT64_MAX};
        pt_buf_append(&rest->data, segment->data.data + first, size - first);
        segment->data.size = first;
        segment->next = rest;
        if (end->tail == segment) {
            end->tail = rest;
        }
    }
    end->head = segment->next;
    if (end->head == NULL) {
        end->tail = NULL;
    }
    end->inbox_size -= segment->data.size;
    return segment;
}

static void on_arrival(void *arg)
{
    struct sim_end *end = arg;
    struct sim_conn *conn = end->conn;
    if (is_cut(conn->sim, end->other->host, end->host)) {
        end->stalled = true; /* pt_sim_partition goes on when the link heals */
        return;
    }
    if (end->state == END_OPENING) { /* a held host: its on_accept or on_connect comes first */
        sim_event_at(conn->sim, &end->arrival, conn->sim->now_ns + SIM_TURN_NS);
        return;
    }
    hold(conn);
    struct segment *segment = take_segment(end);
    tell_writer(end->other);
    if (segment->fin != PT_OK) {
        end_over(end, segment->fin);
    } else {
        schedule_head(end);
        end->ops->on_data(end->arg, segment->data.data, segment->data.size);
    }
    pt_buf_fini(&segment->data);
    free(segment);
    let_go(conn);
}

bool sim_stream_write(struct pt_stream *base, const void *data, size_t size)
{
    struct sim_end *end = (struct sim_end *)base;
    struct sim_end *to = end->other;
    struct pt_sim *sim = end->conn->sim;
    pt_assert(!end->released);
    if (end->sys->dead || end->state == END_OVER || to->state == END_OVER || size == 0) {
        return true; /* nobody hears it; the owner is told by on_closed */
    }
    pt_assert(to->tail == NULL || to->tail->fin == PT_OK);
    struct segment *segment = to->tail;
    if (segment == NULL || segment->written_ns != sim->now_ns) {
        segment = add_segment(to);
    }
    pt_buf_append(&segment->data, data, size);
    to->inbox_size += size;
    schedule_head(to);
    if (to->inbox_size > PT_STREAM_QUEUE_HIGH) {
        end->wants_writable = true;
        return false;
    }
    return true;
}

/* ---- opening -------------------------------------------------------------------------------------------------- */

static struct sim_listener *find_listener(struct sim_sys *sys, uint16_t port)
{
    PT_LIST_FOREACH (at, &sys->listeners) {
        struct sim_listener *listener = PT_CONTAINER(at, struct sim_listener, node);
        if (listener->at.port == port) {
            return listener;
        }
    }
    return NULL;
}

/* In the accepting host: hand the stream to the listener, if that is still there. */
static void on_accepting(void *arg)
{
    struct sim_conn *conn = arg;
    struct sim_end *end = &conn->ends[1];
    struct sim_listener *listener = find_listener(end->sys, conn->to.port);
    hold(conn);
    if (end->state == END_OPENING) {
        end->state = END_OPEN;
    }
    if (listener != NULL && end->state == END_OPEN) {
        listener->on_accept(listener->arg, &end->base, &conn->from);
    }
    if (end->ops == NULL && !end->released) {
        sim_stream_close(&end->base);
    }
    let_go(conn);
}

/* In the connecting host: the answer is here. */
static void on_opened(void *arg)
{
    struct sim_conn *conn = arg;
    struct sim_end *end = &conn->ends[0];
    hold(conn);
    end->state = END_OPEN;
    end->ops->on_connect(end->arg, PT_OK);
    if (!end->released) {
        schedule_head(end);
    }
    let_go(conn);
}

static void on_refused(void *arg)
{
    struct sim_conn *conn = arg;
    hold(conn);
    release(&conn->ends[1]);
    end_over(&conn->ends[0], PT_UNAVAILABLE);
    let_go(conn);
}

/* In the network: the request has reached the other host, or a cut link. */
static void on_syn(void *arg)
{
    struct sim_conn *conn = arg;
    struct pt_sim *sim = conn->sim;
    struct sim_end *from = &conn->ends[0];
    struct sim_end *to = &conn->ends[1];
    conn->opening.sys = from->sys;
    conn->opening.fn = on_refused;
    if (to->host != NULL &&
        (to->host->powered_off || is_cut(sim, from->host, to->host) || is_cut(sim, to->host, from->host))) {
        if (sim->now_ns + SIM_SYN_RETRY_NS < conn->give_up_ns) {
            conn->opening.sys = NULL;
            conn->opening.fn = on_syn;
            sim_event_at(sim, &conn->opening, sim->now_ns + SIM_SYN_RETRY_NS);
        } else {
            sim_event_at(sim, &conn->opening, conn->give_up_ns);
        }
        return;
    }
    uint64_t answer_ns = sim->now_ns + link_delay_ns(sim, from->host, to->host == NULL ? from->host : to->host);
    bool listens = to->host != NULL && to->host->sys != NULL && find_listener(to->host->sys, conn->to.port) != NULL;
    if (listens) {
        to->sys = to->host->sys;
        to->base.sys = &to->sys->base;
        conn->opening.fn = on_opened;
        conn->accepting = (struct sim_event){.sys = to->sys, .fn = on_accepting, .arg = conn};
        sim_event_at(sim, &conn->accepting, sim->now_ns);
        /* What the accepting side sends must not overtake the answer, nor on_data on_accept. */
        from->arrival_last_ns = answer_ns;
        to->arrival_last_ns = sim->now_ns;
        schedule_head(to);
    }
    sim_event_at(sim, &conn->opening, answer_ns);
}

struct pt_stream *sim_connect(struct pt_sys *base, const struct pt_endpoint *address, const struct pt_stream_ops *ops,
                              void *arg)
{
    struct sim_sys *sys = (struct sim_sys *)base;
    struct pt_sim *sim = sys->sim;
    struct sim_conn *conn = pt_sys_alloc(sizeof(*conn));
    conn->sim = sim;
    conn->to = *address;
    conn->from = (struct pt_endpoint){.ip = ip_of(sys->host), .port = sys->port_next++};
    conn->give_up_ns = sim->now_ns + SIM_RESET_NS;
    conn->opening = (struct sim_event){.fn = on_syn, .arg = conn};
    for (int i = 0; i < 2; i++) {
        struct sim_end *end = &conn->ends[i];
        end->base.sys = base;
        end->conn = conn;
        end->other = &conn->ends[1 - i];
        end->arrival = (struct sim_event){.fn = on_arrival, .arg = end};
        end->writable = (struct sim_event){.fn = on_writable_due, .arg = end};
        end->reset = (struct sim_event){.fn = on_reset, .arg = end};
    }
    conn->ends[0].sys = sys;
    conn->ends[0].host = sys->host;
    conn->ends[0].ops = ops;
    conn->ends[0].arg = arg;
    conn->ends[1].host = host_of(sys->host, &address->ip);
    pt_list_push_back(&sim->conns, &conn->node);
    if (sys->dead) {
        conn->ends[0].state = END_OVER;
        release(&conn->ends[1]);
    } else {
        const struct sim_host *to = conn->ends[1].host;
        sim_event_at(sim, &conn->opening, sim->now_ns + link_delay_ns(sim, sys->host, to == NULL ? sys->host : to));
    }
    return &conn->ends[0].base;
}

void sim_stream_start(struct pt_stream *base, const struct pt_stream_ops *ops, void *arg)
{
    struct sim_end *end = (struct sim_end *)base;
    pt_assert(end->ops == NULL && !end->released);
    end->ops = ops;
    end->arg = arg;
}

/* ---- listening ------------------------------------------------------------------------------------------------ */

enum pt_code sim_listen(struct pt_sys *base, const struct pt_endpoint *address, pt_accept_fn on_accept, void *arg,
                        struct pt_listener **ret_listener, struct pt_error *reterr)
{
    static const struct pt_ip any6 = {0};
    struct sim_sys *sys = (struct sim_sys *)base;
    char text[PT_ENDPOINT_TEXT_SIZE];
    bool any = pt_ip_equal(&address->ip, &any6) || (pt_ip_is_v4(&address->ip) && pt_ip_to_v4(&address->ip) == 0);
    if (!any && host_of(sys->host, &address->ip) != sys->host) {
        return pt_fail(reterr, PT_IO, PT_REASON_NONE, NULL, "cannot listen on %s: it is not an address of this host",
                       pt_endpoint_format(address, text));
    }
    struct pt_endpoint at = *address;
    while (at.port == 0 || (address->port == 0 && find_listener(sys, at.port) != NULL)) {
        at.port = sys->port_next++;
    }
    if (find_listener(sys, at.port) != NULL) {
        return pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_NONE, NULL,
                       "cannot listen on %s: the address is in use by another process",
                       pt_endpoint_format(address, text));
    }
    struct sim_listener *listener = pt_sys_alloc(sizeof(*listener));
    listener->base.sys = base;
    listener->at = at;
    listener->on_accept = on_accept;
    listener->arg = arg;
    pt_list_push_back(&sys->listeners, &listener->node);
    *ret_listener = &listener->base;
    return PT_OK;
}

struct pt_endpoint sim_listener_address(const struct pt_listener *listener)
{
    return ((const struct sim_listener *)listener)->at;
}

void sim_listener_close(struct pt_listener *base)
{
    struct sim_listener *listener = (struct sim_listener *)base;
    pt_list_remove(&listener->node);
    free(listener);
}

/* ---- faults --------------------------------------------------------------------------------------------------- */

/* An end whose owner will never see it (the process died before on_accept) is let go of here. */
static void abandon_unseen(struct sim_conn *conn)
{
    struct sim_end *end = &conn->ends[1];
    if (end->ops == NULL && !end->released && end->sys != NULL && end->sys->dead) {
        release(end);
    }
}

void sim_net_crash(struct sim_host *host, bool power_loss)
{
    struct pt_sim *sim = host->sim;
    PT_LIST_FOREACH_SAFE (at, &sim->conns) {
        struct sim_conn *conn = PT_CONTAINER(at, struct sim_conn, node);
        hold(conn);
        for (int i = 0; i < 2; i++) {
            struct sim_end *end = &conn->ends[i];
            if (end->host != host || end->sys != host->sys || end->state == END_OVER) {
                continue;
            }
            drop_inbox(end);
            if (!power_loss) {
                send_fin(end->other, PT_UNAVAILABLE); /* the kernel closes the sockets of the process */
                continue;
            }
            if (end->other->stalled) {
                drop_inbox(end->other); /* it was in the dead kernel's memory */
            }
            reset_at(end->other, sim->now_ns + SIM_RESET_NS);
        }
        if (conn->ends[0].sys == host->sys && conn->ends[1].sys == NULL) {
            sim_event_cancel(sim, &conn->opening); /* the handshake ends with its process */
            release(&conn->ends[1]);
        }
        abandon_unseen(conn);
        let_go(conn);
    }
}

void sim_net_restart(struct sim_host *host)
{
    struct pt_sim *sim = host->sim;
    PT_LIST_FOREACH (at, &sim->conns) {
        struct sim_conn *conn = PT_CONTAINER(at, struct sim_conn, node);
        for (int i = 0; i < 2; i++) {
            struct sim_end *end = &conn->ends[i];
            if (end->host == host && end->sys != NULL && end->sys->dead && !is_cut(sim, host, end->other->host)) {
                reset_at(end->other, sim->now_ns + link_delay_ns(sim, host, end->other->host));
            }
        }
    }
}

static void heal(struct pt_sim *sim, const struct sim_host *from, const struct sim_host *to)
{
    PT_LIST_FOREACH (at, &sim->conns) {
        struct sim_conn *conn = PT_CONTAINER(at, struct sim_conn, node);
        for (int i = 0; i < 2; i++) {
            struct sim_end *end = &conn->ends[i];
            if (end->stalled && end->host == to && end->other->host == from) {
                end->stalled = false;
                if (end->head != NULL) {
                    end->head->arrival_ns = sim->now_ns + link_delay_ns(sim, from, to);
                    schedule_head(end);
                }
            }
        }
    }
}

/* 10 s after a cut that lasted: nothing between the hosts is alive any more. */
static void on_cut_lasted(void *arg)
{
    const struct sim_link *link = arg;
    struct pt_sim *sim = link->from->sim;
    PT_LIST_FOREACH (at, &sim->conns) {
        struct sim_conn *conn = PT_CONTAINER(at, struct sim_conn, node);
        const struct sim_host *a = conn->ends[0].host;
        const struct sim_host *b = conn->ends[1].host;
        if (conn->ends[1].sys == NULL) {
            continue; /* a handshake under way ends by itself: see on_syn */
        }
        if ((a == link->from && b == link->to) || (a == link->to && b == link->from)) {
            reset_at(&conn->ends[0], sim->now_ns);
            reset_at(&conn->ends[1], sim->now_ns);
        }
    }
}

void pt_sim_partition(struct pt_sim *sim, unsigned from, unsigned to, bool cut)
{
    pt_assert(from < sim->hosts_len && to < sim->hosts_len && from != to);
    uint32_t key[2] = {from, to};
    struct sim_link *link = link_between(sim, sim->hosts[from], sim->hosts[to]);
    if (link == NULL) {
        link = pt_sys_alloc(sizeof(*link));
        link->from = sim->hosts[from];
        link->to = sim->hosts[to];
        link->lasting = (struct sim_event){.fn = on_cut_lasted, .arg = link};
        (void)pt_map_put(&sim->links, key, sizeof(key), link); /* nothing was there */
    }
    if (link->cut == cut) {
        return;
    }
    link->cut = cut;
    if (cut) {
        sim_event_at(sim, &link->lasting, sim->now_ns + SIM_RESET_NS);
    } else {
        sim_event_cancel(sim, &link->lasting);
        heal(sim, link->from, link->to);
    }
}

void sim_net_fini(struct pt_sim *sim)
{
    PT_LIST_FOREACH_SAFE (at, &sim->conns) {
        struct sim_conn *conn = PT_CONTAINER(at, struct sim_conn, node);
        release(&conn->ends[0]);
        release(&conn->ends[1]);
        conn->refs = 1;
        let_go(conn);
    }
    PT_MAP_FOREACH (entry, &sim->links) {
        struct sim_link *link = entry->value;
        sim_event_cancel(sim, &link->lasting);
        free(link);
    }
    pt_map_fini(&sim->links);
}
