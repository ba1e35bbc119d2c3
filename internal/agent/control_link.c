/*
 * A controller's connection stays on the link that it was dialled by, and when that link dies the kernel finds out
 * after seconds. The node knows within a fifth of one: nothing that leaves by the link lives any more. Then it goes on
 * over the connection that it has in reserve on another link (second.c), or else hangs up and dials by the best link
 * that is left, so that the plan for life without the link reaches also the nodes that it was cut off from the leader
 * by.
 *
 * The best link is the one that the most other sites are reached by: it is the most likely to reach a controller, and
 * the least likely to fail alone. A node that joins does not know its links yet and takes the system's route; when it
 * learns of a better link it changes, once.
 */
#include "agent/control_link.h"

#include <stdlib.h>
#include <string.h>

static const Patronus__V1__TunnelEntry *tunnel_of(const Patronus__V1__Entry *const *entries, size_t len, uint64_t id)
{
    for (size_t i = 0; i < len; i++) {
        if (entries[i]->entry_case == PATRONUS__V1__ENTRY__ENTRY_TUNNEL && entries[i]->tunnel->tunnel == id) {
            return entries[i]->tunnel;
        }
    }
    return NULL;
}

static int compare(const void *a, const void *b)
{
    const struct pt_agent_link *x = a;
    const struct pt_agent_link *y = b;
    if (x->living != y->living) {
        return x->living > y->living ? -1 : 1;
    }
    if (x->paths != y->paths) {
        return x->paths > y->paths ? -1 : 1;
    }
    return x->entry->link < y->entry->link ? -1 : x->entry->link > y->entry->link;
}

size_t pt_agent_links_rank(const struct pt_bundle *bundle, pt_agent_alive_fn alive, void *arg,
                           struct pt_agent_link *ret_links)
{
    size_t entries_len = 0, len = 0;
    const Patronus__V1__Entry *const *entries = pt_bundle_entries(bundle, &entries_len);
    for (size_t i = 0; i < entries_len && len < PT_AGENT_LINKS_MAX; i++) {
        if (entries[i]->entry_case == PATRONUS__V1__ENTRY__ENTRY_LINK) {
            ret_links[len++] = (struct pt_agent_link){.entry = entries[i]->link};
        }
    }
    for (size_t i = 0; i < entries_len; i++) {
        const Patronus__V1__PathEntry *path =
            entries[i]->entry_case == PATRONUS__V1__ENTRY__ENTRY_PATH ? entries[i]->path : NULL;
        const Patronus__V1__TunnelEntry *tunnel =
            path != NULL && path->n_stack == 0 ? tunnel_of(entries, entries_len, path->tunnel) : NULL;
        for (size_t j = 0; tunnel != NULL && j < len; j++) {
            if (ret_links[j].entry->link == tunnel->link) {
                ret_links[j].paths++;
                ret_links[j].living += alive(arg, path->path) ? 1 : 0;
            }
        }
    }
    if (len > 0) {
        qsort(ret_links, len, sizeof(*ret_links), compare);
    }
    return len;
}

bool pt_agent_link_addresses(const Patronus__V1__LinkEntry *link, struct pt_ip *ret_source, struct pt_ip *ret_gateway,
                             bool *ret_has_gateway)
{
    if (link->address.len != sizeof(ret_source->bytes)) {
        return false;
    }
    memcpy(ret_source->bytes, link->address.data, sizeof(ret_source->bytes));
    *ret_has_gateway = link->gateway.len == sizeof(ret_gateway->bytes);
    if (*ret_has_gateway) {
        memcpy(ret_gateway->bytes, link->gateway.data, sizeof(ret_gateway->bytes));
    }
    return true;
}

const struct pt_agent_link *pt_agent_link_of(const struct pt_agent_link *links, size_t len, const struct pt_ip *source)
{
    for (size_t i = 0; i < len; i++) {
        const ProtobufCBinaryData *address = &links[i].entry->address;
        if (address->len == sizeof(source->bytes) && memcmp(address->data, source->bytes, address->len) == 0) {
            return &links[i];
        }
    }
    return NULL;
}

bool pt_agent_link_dead(const struct pt_agent_link *link)
{
    return link->paths > 0 && link->living == 0;
}

const struct pt_agent_link *pt_agent_link_better(const struct pt_agent_link *links, size_t len,
                                                 const struct pt_ip *source, bool chosen)
{
    const struct pt_agent_link *own = pt_agent_link_of(links, len, source);
    if (own == NULL || own == &links[0]) {
        return NULL; /* a network of its own leads there, or there is no better one */
    }
    bool leave = pt_agent_link_dead(own) && links[0].living > 0;
    return leave || (!chosen && links[0].paths > own->paths) ? &links[0] : NULL;
}
