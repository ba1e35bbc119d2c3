/* libs: pt_lab */
/*
 * Lab files: any text is refused with its line, or gives a topology whose parts fit together: ranges inside their
 * lists, names that find their node, every link named by its own name, no network used twice.
 */
#include "base/assert.h"
#include "lab/topology.h"

#include <string.h>

static void check_node(const struct pt_lab_topology *topology, size_t at)
{
    const struct pt_lab_node *node = &topology->nodes[at];
    pt_assert(pt_lab_topology_node(topology, node->name) == node);
    pt_assert(node->links_len <= PT_LAB_NODE_LINKS_MAX && node->links_at + node->links_len <= topology->links_len);
    pt_assert(node->lans_len <= PT_LAB_NODE_LANS_MAX && node->lans_at + node->lans_len <= topology->lans_len);
    pt_assert(node->role == PT_LAB_SITE || node->lans_len == 0);
    for (size_t i = 0; i < node->links_len; i++) {
        const struct pt_lab_link *link = &topology->links[node->links_at + i];
        char name[PT_LAB_LINK_NAME_SIZE];
        pt_assert(link->node == at && link->number == i);
        pt_assert(pt_lab_link_matches(topology, link, pt_lab_link_name(topology, link, name)));
        pt_assert(memcmp(&link->address, &link->gateway, sizeof(link->address)) != 0);
    }
    for (size_t i = 0; i < node->lans_len; i++) {
        const struct pt_lab_lan *lan = &topology->lans[node->lans_at + i];
        pt_assert(lan->node == at && lan->number == i && lan->segment[0] != '\0');
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pt_lab_topology topology = {0};
    struct pt_error error = {0};
    if (pt_lab_topology_parse("fuzz", (const char *)data, size, &topology, &error) != PT_OK) {
        pt_assert(error.text[0] != '\0' && strncmp(error.field, "fuzz", 4) == 0);
        return 0;
    }
    pt_assert(topology.nodes_len <= PT_LAB_NODES_MAX && topology.links_len <= PT_LAB_LINKS_MAX);
    for (size_t i = 0; i < topology.nodes_len; i++) {
        check_node(&topology, i);
    }
    pt_lab_topology_fini(&topology);
    return 0;
}
