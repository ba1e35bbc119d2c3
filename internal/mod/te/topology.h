/*
 * The topology that the stages of te/ compute on: arrays with indices, made once a pass from the frozen view.
 *
 * Strings and addresses are borrowed from the view or stand in the pass's arena. Private to the mod.
 */
#pragma once

#include "base/limits.h"
#include "base/net.h"
#include "plan/plan.h"

#define TE_NONE SIZE_MAX
#define TE_LINKS_PER_SITE_MAX 64
#define TE_SITES_PER_FABRIC_MAX 512 /* memory and time grow with its square */

struct te_link {
    const char *name;
    const char *interface;
    const char *underlay;
    size_t site;
    uint32_t number; /* within the node, from 1 */
    struct pt_ip address, gateway;
    bool has_gateway, usable, drained;
    bool plain; /* tunnels over it need not be sealed */
    uint32_t mtu, cost;
    uint32_t ramp_percent; /* of its share, while it comes back from a drain; else 100 */
    uint32_t transport;
    uint64_t capacity_bps; /* towards the underlay; 0 unknown */
    uint64_t capacity_in_bps;
    const uint32_t *srlgs;
    size_t srlgs_len;
    const struct pt_msg_field *labels, *groups; /* of the resource; NULL: none */
};

struct te_lan {
    const char *interface;
    size_t segment;
    const struct pt_prefix *prefixes;
    size_t prefixes_len;
};

struct te_site {
    const char *name;
    const char *organization;
    const char *region;
    uint32_t label;
    bool active;                  /* takes part at all */
    bool transits;                /* may carry others' traffic */
    uint32_t ramp_percent;        /* of the share of paths that transit; as of a link */
    size_t first_link, links_len; /* into links */
    struct te_lan *lans;
    size_t lans_len;
    struct pt_plan_node *node; /* NULL: no edge */
    uint8_t tunnel_key[32];    /* of the edge's tunnels */
    bool has_tunnel_key;
};

struct te_tunnel { /* directed */
    uint64_t id;
    size_t from, to;      /* sites */
    size_t local, remote; /* links */
    uint64_t metric;      /* microseconds: cost and measured delay, penalties added */
    uint32_t mtu;         /* largest inner packet with an empty stack */
    bool dead;            /* one of its ends says so */
};

struct te_fabric {
    const char *name;
    const char *organization;
    uint32_t topology;
    uint32_t max_transit;
    uint32_t cipher;    /* TunnelCipher, never unspecified */
    bool *member, *hub; /* by site */
    size_t *place;      /* by site: among the members, from 0; TE_NONE for others */
    size_t members_len;
    size_t *tunnels; /* indices into tunnels, ascending by (from, metric, id) */
    size_t tunnels_len;
    size_t *first; /* by site: first index into tunnels[] that leaves it; sites_len + 1 long */
};

struct te_segment {
    const char *name;
    const char *organization;
    size_t fabric; /* TE_NONE when it is gone */
    uint32_t vni;
    bool sealed; /* refuses plain paths */
};

struct te_risk { /* a link is in a risk group */
    uint32_t srlg;
    size_t link;
};

struct te_topology {
    const struct pt_soft *soft;
    struct pt_arena *arena;
    struct te_site *sites; /* ascending by name */
    size_t sites_len;
    struct te_link *links;
    size_t links_len;
    struct te_tunnel *tunnels; /* each once, also when several fabrics use it */
    size_t tunnels_len;
    size_t *leaving, *leaving_first; /* by site: indices of the tunnels that leave it, ascending; sites_len + 1 long */
    struct te_risk *risks;           /* ascending by (srlg, link) */
    size_t risks_len;
    struct te_fabric *fabrics;
    size_t fabrics_len;
    struct te_segment *segments;
    size_t segments_len;
};

/* Stage "topology". */
enum pt_code te_topology_run(struct pt_plan_pass *pass, void **ret_section, struct pt_error *reterr);

/* Index of a site by the first `size` bytes of a text; TE_NONE. */
size_t te_site_named(const struct te_topology *topology, const char *name, size_t size);
/* Measurement of a path; NULL when nothing is known. */
const struct pt_path_soft *te_measured(const struct te_topology *topology, uint64_t path_id);
/* Percent of its share that a path is to carry: less than 100 while something on it comes back from a drain. */
struct te_path;
uint32_t te_path_ramp(const struct te_topology *topology, const struct te_path *path);
/* Marks a link, and those that cannot be expected to fail apart from it: they share an SRLG. */
void te_link_mark_risks(const struct te_topology *topology, size_t link, bool *marks);
/* leaving and risks, from tunnels and links. */
void te_topology_index(struct te_topology *topology);
