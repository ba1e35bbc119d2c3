/* Random policies, for test_interpreter.c: links, paths, groups, routes, rules. */
#include "interpreter.h"

#include "base/net.h"
#include "bpf/abi/path.h"

#include <check.h>
#include <inttypes.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

void address_of(const char *name, uint8_t out[16])
{
    struct pt_ip ip;
    ck_assert_int_eq(pt_ip_parse(name, &ip, NULL), PT_OK);
    memcpy(out, ip.bytes, 16);
}

const char *random_prefix(uint8_t address[16], unsigned *ret_bits)
{
    static char name[64];
    struct pt_prefix prefix = {.len = 0};
    char base[64];
    if (one_in(3)) {
        (void)snprintf(base, sizeof(base), "2001:db8:%x:%x::%x", any(4), any(4), any(1000));
        prefix.len = (uint8_t)(32 + any(97));
    } else {
        (void)snprintf(base, sizeof(base), "10.%u.%u.%u", any(6), any(4), any(256));
        prefix.len = (uint8_t)(one_in(40) ? 0 : 8 + any(25));
    }
    ck_assert_int_eq(pt_ip_parse(base, &prefix.ip, NULL), PT_OK);
    prefix = pt_prefix_canonical(&prefix);
    memcpy(address, prefix.ip.bytes, 16);
    *ret_bits = pt_prefix_len128(&prefix);
    return pt_prefix_format(&prefix, name);
}

static void make_links(struct ref_model *m, const struct bed *bed)
{
    static const struct {
        const char *interface, *address, *gateway;
    } links[] = {{"wan0", "192.0.2.1", "192.0.2.254"},
                 {"wan0", "2001:db8:fe::1", ""},
                 {"wan1", "198.51.100.1", ""},
                 {"wan1", "2001:db8:ff::1", "2001:db8:ff::fe"}};
    for (size_t i = 0; i < 4; i++) {
        bool gateway = links[i].gateway[0] != '\0';
        say("link id=%zu if=%s address=%s%s%s\n", i + 1, links[i].interface, links[i].address,
            gateway ? " gateway=" : "", links[i].gateway);
        m->links[i].ifindex = i < 2 ? bed->wan0 : bed->wan1;
        address_of(links[i].address, m->links[i].address);
    }
    m->links_len = 4;
}

/* Sites 2 to 6 have a tunnel each over some links, and paths straight and over others. */
static void make_paths(struct ref_model *m)
{
    static const char *const nexthops[] = {"192.0.2.254", "", "", "2001:db8:ff::fe"};
    for (uint32_t link = 0; link < 4; link++) {
        for (uint32_t site = 2; site <= 6; site++) {
            char remote[64];
            uint32_t mtu = 576 + any(925), tunnel = link * 10 + site;
            if (one_in(3)) {
                continue;
            }
            (void)snprintf(remote, sizeof(remote), link % 2 == 0 ? "203.0.%u.%u" : "2001:db8:%u::%u", 110 + link, site);
            say("tunnel id=%u link=%u remote=%s site=%u mtu=%u\n", tunnel, link + 1, remote, site, mtu);
            struct ref_peer *peer = &m->peers[m->peers_len++];
            *peer = (struct ref_peer){.ifindex = m->links[link].ifindex, .path = SIZE_MAX};
            address_of(remote, peer->address);
            for (uint32_t way = 0; way < 2; way++) {
                struct ref_path *path = &m->paths[m->paths_len];
                *path = (struct ref_path){.id = tunnel * 10 + way,
                                          .ifindex = peer->ifindex,
                                          .site = way == 0 ? site : 2 + any(5),
                                          .stack_len = way == 0 ? 0 : 1 + any(6),
                                          .sealed = one_in(4),
                                          .strict = one_in(3)};
                if (one_in(4)) {
                    continue;
                }
                memcpy(path->local, m->links[link].address, 16);
                memcpy(path->remote, peer->address, 16);
                path->has_nexthop = nexthops[link][0] != '\0';
                if (path->has_nexthop) {
                    address_of(nexthops[link], path->nexthop);
                }
                path->mtu = mtu - (path->stack_len > 0 ? 4 + 4 * path->stack_len : 0);
                if (path->sealed) {
                    uint32_t seal = 32; /* header and tag, inside what the tunnel's MTU leaves */
                    path->mtu -= seal;
                }
                say("path id=%" PRIu64 " tunnel=%u site=%u sealed=%d strict=%d%s", path->id, tunnel, path->site,
                    path->sealed, path->strict, path->stack_len > 0 ? " stack=" : "");
                for (uint32_t i = 0; i < path->stack_len; i++) {
                    path->stack[i] = i + 1 == path->stack_len ? path->site : 1 + any(0xfffff);
                    say("%s%u", i > 0 ? "," : "", path->stack[i]);
                }
                say("\n");
                if (path->stack_len == 0) {
                    peer->path = m->paths_len;
                }
                m->paths_len++;
            }
        }
    }
}

/* Transit takes paths over other sites as repairs only. */
static void make_group(struct ref_model *m, uint32_t site, uint32_t class, uint32_t traffic)
{
    struct ref_group *g = &m->groups[m->groups_len++];
    *g = (struct ref_group){.site = site, .class = class, .traffic = traffic};
    if (class == UINT32_MAX) {
        say("group site=%u class=transit members=", site);
    } else {
        say("group site=%u class=%u traffic=%u members=", site, class, traffic);
    }
    for (size_t i = 0; i < m->paths_len && g->members_len < PT_MEMBERS_MAX; i++) {
        bool repair = class == UINT32_MAX && m->paths[i].stack_len != 0;
        if (m->paths[i].site != site || one_in(4)) {
            continue;
        }
        struct ref_member member = {.path = i, .weight = 1 + any(one_in(4) ? 65535 : 4), .tier = any(3)};
        member.tier += repair ? PT_TIER_REPAIR : 0;
        say("%s%" PRIu64 ":%u:%u", g->members_len > 0 ? "," : "", m->paths[i].id, member.weight, member.tier);
        g->members[g->members_len++] = member;
    }
    say("\n");
}

/* The group of a policy class, and of some of its traffic classes, which are split otherwise. */
static void make_class_groups(struct ref_model *m, uint32_t site, uint32_t class)
{
    make_group(m, site, class, 0);
    for (uint32_t traffic = 1, split = any(2); split != 0 && traffic <= 5; traffic++) {
        if (one_in(2)) {
            make_group(m, site, class, traffic);
        }
    }
}

static void make_routes(struct ref_model *m)
{
    for (size_t i = 0, count = 5 + any(40); i < count; i++) {
        struct ref_route r = {.vni = one_in(3) ? 200 : 100, .site = 1 + any(one_in(8) ? 7 : 6), .sealed = one_in(6)};
        const char *name = random_prefix(r.address, &r.bits);
        const struct ref_lan *at = &m->lans[any(2)];
        r.site = r.site == m->site && at->vni != r.vni ? 7 : r.site; /* what is here is behind an interface */
        const char *lan = r.site != m->site ? "" : at == m->lans ? "lan0" : "lan1";
        bool there = false;
        for (size_t j = 0; j < m->routes_len; j++) {
            there |= m->routes[j].vni == r.vni && m->routes[j].bits == r.bits &&
                     memcmp(m->routes[j].address, r.address, 16) == 0;
        }
        if (there) {
            continue;
        }
        r.lan = lan[0] == '\0' ? 0 : if_nametoindex(lan);
        say("route vni=%u prefix=%s site=%u sealed=%d%s%s\n", r.vni, name, r.site, r.sealed, r.lan != 0 ? " lan=" : "",
            lan);
        m->routes[m->routes_len++] = r;
    }
}

static void make_rules(struct ref_model *m)
{
    static const uint32_t protocols[] = {256, 256, 6, 17, 1, 132};
    for (uint32_t vni = 100; vni <= 200; vni += 100) {
        for (uint32_t order = 0, count = any(one_in(5) ? 32 : 8); order < count; order++) {
            struct ref_rule *r = &m->rules[m->rules_len++];
            *r = (struct ref_rule){.vni = vni,
                                   .protocol = protocols[any(6)],
                                   .last = 65535,
                                   .class = any(3),
                                   .dscp = one_in(3) ? (int)any(64) : -1,
                                   .deny = one_in(4)};
            if (one_in(2)) {
                r->first = any(100);
                r->last = r->first + any(100);
            }
            say("rule vni=%u order=%u protocol=%u ports=%u-%u class=%u deny=%d", vni, order, r->protocol, r->first,
                r->last, r->class, r->deny);
            if (r->dscp >= 0) {
                say(" dscp=%d", r->dscp);
            }
            if (one_in(2)) {
                say(" prefix=%s", random_prefix(r->address, &r->bits));
            }
            say("\n");
        }
    }
}

void make_entries(struct ref_model *m, const struct bed *bed)
{
    make_links(m, bed);
    make_paths(m);
    for (uint32_t site = 2; site <= 6; site++) {
        for (uint32_t class = 0; class < 3; class ++) {
            if (!one_in(4)) {
                make_class_groups(m, site, class);
            }
        }
        if (!one_in(4)) {
            make_group(m, site, UINT32_MAX, 0);
        }
    }
    make_routes(m);
    make_rules(m);
    make_nat(m);
}
