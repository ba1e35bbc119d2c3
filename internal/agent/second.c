/*
 * The second connection: to the same controller by another link, open but silent.
 *
 *   none --look--> opening --first message--> in reserve --the live one's link died, or it ended--> live
 *     ^               |                           |
 *     '---- pause ----'--- its own link died -----'
 *
 * A link that dies takes the live connection with it, and what a new one costs (TCP and TLS over what is left, while
 * every node that the link led past does the same) is most of the time until the node has the plan for life without the
 * link. So one is kept ready. On it a stream is open on which nothing was said: for the leader a stream belongs to a
 * node from its hello on, and until then counts nowhere (serve/edge.c). Which of a node's streams is the live one is
 * thus decided by the node alone, by its hello; the leader then ends the other.
 *
 * Both connections go to one address, so the kernel must tell their packets apart: hold_link binds packets that have a
 * link's address to the link, before use_link turns those that have none yet, the new connection's first one, to the
 * other link. The default is turned back when the second stands.
 */
#include "agent/agent_priv.h"
#include "agent/control_link.h"

#include <string.h>

#define SILENT_MS 3000 /* a second connection that nothing came by so long is given up */
#define PAUSE_MIN_MS 2000
#define PAUSE_MAX_MS 60000
#define NO_WAY_MS 60000 /* there is no other link, or the kernel cannot hold two */

static uint64_t now_ms(const struct pt_agent *agent)
{
    return pt_sys_now_ns(agent->options.sys) / 1000000;
}

void pt_agent_second_wait(struct pt_agent *agent, uint64_t ms)
{
    uint64_t until_ms = now_ms(agent) + ms;
    agent->second.due_ms = agent->second.due_ms > until_ms ? agent->second.due_ms : until_ms;
}

static void try_another(struct pt_agent *agent)
{
    uint64_t pause = agent->second.pause_ms < PAUSE_MIN_MS ? PAUSE_MIN_MS : agent->second.pause_ms;
    pt_agent_second_wait(agent, pause);
    agent->second.pause_ms = pause * 2 < PAUSE_MAX_MS ? pause * 2 : PAUSE_MAX_MS;
    agent->second.turn++;
}

void pt_agent_second_drop(struct pt_agent *agent)
{
    struct pt_agent_connection *second = agent->second.connection;
    agent->second.connection = NULL;
    pt_agent_disconnect(second);
}

/* ---- opening -------------------------------------------------------------------------------------------------- */

/* hold or use the link for packets to the controller. */
static bool lead_by(const struct pt_agent *agent, const Patronus__V1__LinkEntry *link, const struct pt_ip *controller,
                    bool hold)
{
    const struct pt_agent_routes *routes = &agent->options.routes;
    struct pt_ip source, gateway;
    bool has_gateway;
    if (!pt_agent_link_addresses(link, &source, &gateway, &has_gateway)) {
        return false;
    }
    const struct pt_ip *hop = has_gateway ? &gateway : NULL;
    if (hold) {
        return routes->hold_link(routes->context, controller, link->interface, &source, hop);
    }
    routes->use_link(routes->context, controller, link->interface, &source, hop);
    return true;
}

/* The nth of the links that live and are not `own`; NULL when there is none. */
static const struct pt_agent_link *other_link(const struct pt_agent_link *links, size_t len,
                                              const struct pt_agent_link *own, size_t n)
{
    size_t others = 0;
    for (size_t i = 0; i < len; i++) {
        others += &links[i] != own && links[i].living > 0 ? 1 : 0;
    }
    size_t left = others > 0 ? n % others : 0;
    for (size_t i = 0; i < len; i++) {
        if (&links[i] != own && links[i].living > 0 && left-- == 0) {
            return &links[i];
        }
    }
    return NULL;
}

static void open_second(struct pt_agent *agent, const struct pt_agent_link *links, size_t len)
{
    const struct pt_agent_routes *routes = &agent->options.routes;
    const struct pt_agent_link *own = pt_agent_link_of(links, len, &agent->live->from);
    const struct pt_agent_link *other = own != NULL ? other_link(links, len, own, agent->second.turn) : NULL;
    struct pt_endpoint controller;
    if (other == NULL) {
        pt_agent_second_wait(agent, PAUSE_MIN_MS); /* a look costs little, and links come back */
        return;
    }
    if (pt_endpoint_parse(agent->live->address, &controller, NULL) != PT_OK ||
        !lead_by(agent, own->entry, &controller.ip, true) || !lead_by(agent, other->entry, &controller.ip, true)) {
        pt_agent_second_wait(agent, NO_WAY_MS);
        agent->second.turn++;
        return;
    }
    struct pt_ip from;
    (void)lead_by(agent, other->entry, &controller.ip, false);
    if (!routes->source_to(routes->context, &controller.ip, &from) || pt_agent_link_of(links, len, &from) != other ||
        pt_agent_connect(agent, agent->live->address, &agent->second.connection, NULL) != PT_OK) {
        (void)lead_by(agent, own->entry, &controller.ip, false);
        try_another(agent);
        return;
    }
    agent->second.connection->from = from;
    pt_agent_second_wait(agent, SILENT_MS);
}

/* What has no source yet goes by the live connection's link again. */
static void turn_back(const struct pt_agent *agent)
{
    struct pt_agent_link links[PT_AGENT_LINKS_MAX];
    size_t len = pt_agent_links_rank(agent->bundle, pt_agent_path_alive, (void *)(uintptr_t)agent, links);
    const struct pt_agent_link *own = agent->live != NULL ? pt_agent_link_of(links, len, &agent->live->from) : NULL;
    struct pt_endpoint controller;
    if (own != NULL && pt_endpoint_parse(agent->live->address, &controller, NULL) == PT_OK) {
        (void)lead_by(agent, own->entry, &controller.ip, false);
    }
}

void pt_agent_second_look(struct pt_agent *agent)
{
    const struct pt_agent_routes *routes = &agent->options.routes;
    if (agent->bundle == NULL || routes->use_link == NULL || routes->hold_link == NULL || routes->source_to == NULL) {
        return;
    }
    struct pt_agent_connection *second = agent->second.connection;
    bool due = now_ms(agent) >= agent->second.due_ms;
    if (second == NULL && !due) {
        return;
    }
    struct pt_agent_link links[PT_AGENT_LINKS_MAX];
    size_t len = pt_agent_links_rank(agent->bundle, pt_agent_path_alive, agent, links);
    const struct pt_agent_link *by = second != NULL ? pt_agent_link_of(links, len, &second->from) : NULL;
    if (second == NULL) {
        open_second(agent, links, len);
    } else if (by == NULL || pt_agent_link_dead(by)) {
        pt_agent_second_drop(agent);
        open_second(agent, links, len);
    } else if (!second->heard && due) {
        pt_agent_second_drop(agent);
        turn_back(agent);
        try_another(agent);
    }
}

/* ---- while it is in reserve ----------------------------------------------------------------------------------- */

void pt_agent_second_heard(struct pt_agent *agent, const Patronus__V1__ControllerMessage *message)
{
    struct pt_agent_connection *second = agent->second.connection;
    if (message->message_case == PATRONUS__V1__CONTROLLER_MESSAGE__MESSAGE_NOT_LEADER) {
        pt_agent_second_drop(agent); /* the live one hears so too, and whom to ask */
        turn_back(agent);
        try_another(agent);
    } else if (!second->heard) {
        char text[PT_IP_TEXT_SIZE];
        second->heard = true;
        agent->second.pause_ms = 0;
        turn_back(agent);
        pt_log_info(agent->options.log, "second connection", "address=%s from=%s", second->address,
                    pt_ip_format(&second->from, text));
    }
}

void pt_agent_second_ended(struct pt_agent *agent)
{
    bool opened = agent->second.connection->heard;
    agent->second.connection = NULL;
    if (!opened) {
        turn_back(agent);
    }
    try_another(agent);
}

struct pt_agent_connection *pt_agent_second_take(struct pt_agent *agent)
{
    struct pt_agent_connection *second = agent->second.connection;
    if (second == NULL || !second->heard || agent->bundle == NULL) {
        return NULL;
    }
    struct pt_agent_link links[PT_AGENT_LINKS_MAX];
    size_t len = pt_agent_links_rank(agent->bundle, pt_agent_path_alive, agent, links);
    const struct pt_agent_link *by = pt_agent_link_of(links, len, &second->from);
    if (by == NULL || pt_agent_link_dead(by)) {
        return NULL;
    }
    agent->second.connection = NULL;
    agent->link_chosen = true;
    return second;
}
