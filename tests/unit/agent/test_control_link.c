/* Which link leads to the controllers: the widest that lives, and when it is left. */
#include "agent/control_link.h"

#include <check.h>
#include <string.h>

/* Link i has tunnels (and direct paths) to i + 1 sites; path 100 * link + n. Path 999 is longer and counts nowhere. */
#define LINKS 3

struct node {
    Patronus__V1__LinkEntry links[LINKS];
    Patronus__V1__TunnelEntry tunnels[8];
    Patronus__V1__PathEntry paths[8];
    Patronus__V1__Entry entries[LINKS + 16];
    Patronus__V1__Entry *list[LINKS + 16];
    uint32_t stack[1];
    size_t len;
    struct pt_ip addresses[LINKS];
    struct pt_bundle *bundle;
    uint64_t dead[8];
};

static Patronus__V1__Entry *add(struct node *node, Patronus__V1__Entry__EntryCase which)
{
    Patronus__V1__Entry *entry = &node->entries[node->len];
    patronus__v1__entry__init(entry);
    entry->entry_case = which;
    node->list[node->len++] = entry;
    return entry;
}

static void node_init(struct node *node)
{
    memset(node, 0, sizeof(*node));
    size_t tunnels = 0;
    for (uint32_t i = 0; i < LINKS; i++) {
        patronus__v1__link_entry__init(&node->links[i]);
        node->links[i].link = i + 1;
        node->addresses[i] = pt_ip_from_v4(0xc0000200U + i);
        node->links[i].address = (ProtobufCBinaryData){.len = 16, .data = node->addresses[i].bytes};
        add(node, PATRONUS__V1__ENTRY__ENTRY_LINK)->link = &node->links[i];
        for (uint32_t j = 0; j <= i; j++, tunnels++) {
            patronus__v1__tunnel_entry__init(&node->tunnels[tunnels]);
            patronus__v1__path_entry__init(&node->paths[tunnels]);
            node->tunnels[tunnels].tunnel = node->paths[tunnels].tunnel = 1000 + tunnels;
            node->tunnels[tunnels].link = i + 1;
            node->paths[tunnels].path = 100 * (i + 1) + j;
            add(node, PATRONUS__V1__ENTRY__ENTRY_TUNNEL)->tunnel = &node->tunnels[tunnels];
            add(node, PATRONUS__V1__ENTRY__ENTRY_PATH)->path = &node->paths[tunnels];
        }
    }
    patronus__v1__path_entry__init(&node->paths[tunnels]);
    node->paths[tunnels].path = 999;
    node->paths[tunnels].tunnel = 1000;
    node->paths[tunnels].stack = node->stack;
    node->paths[tunnels].n_stack = 1;
    add(node, PATRONUS__V1__ENTRY__ENTRY_PATH)->path = &node->paths[tunnels];
    node->bundle = pt_bundle_new(node->list, node->len);
}

static bool alive(void *arg, uint64_t path_id)
{
    const struct node *node = arg;
    for (size_t i = 0; i < 8; i++) {
        if (node->dead[i] == path_id) {
            return false;
        }
    }
    return true;
}

static bool nothing_lives(void *arg, uint64_t path_id)
{
    (void)arg;
    (void)path_id;
    return false;
}

/* Number of the link to change to from link `own` (0: an address of none); 0: stay. */
static uint32_t better(struct node *node, pt_agent_alive_fn fn, uint32_t own, bool chosen)
{
    struct pt_agent_link links[PT_AGENT_LINKS_MAX];
    struct pt_ip source = own > 0 ? node->addresses[own - 1] : pt_ip_from_v4(0x0a000001U);
    size_t len = pt_agent_links_rank(node->bundle, fn, node, links);
    ck_assert_uint_eq(len, LINKS);
    const struct pt_agent_link *link = pt_agent_link_better(links, len, &source, chosen);
    return link != NULL ? link->entry->link : 0;
}

START_TEST(the_widest_link_that_lives_comes_first)
{
    struct node node;
    struct pt_agent_link links[PT_AGENT_LINKS_MAX];
    node_init(&node);
    ck_assert_uint_eq(pt_agent_links_rank(node.bundle, alive, &node, links), LINKS);
    for (uint32_t i = 0; i < LINKS; i++) {
        ck_assert_uint_eq(links[i].entry->link, LINKS - i);
        ck_assert_uint_eq(links[i].paths, LINKS - i);
    }
    node.dead[0] = 300;
    node.dead[1] = 301;
    (void)pt_agent_links_rank(node.bundle, alive, &node, links);
    ck_assert_uint_eq(links[0].entry->link, 2); /* two of two against one of three */
    ck_assert_uint_eq(links[1].entry->link, 3); /* as many as link 1, but more that may come back */
    pt_bundle_unref(node.bundle);
}
END_TEST

START_TEST(a_link_is_left_when_it_is_dead_and_another_is_not)
{
    struct node node;
    node_init(&node);
    ck_assert_uint_eq(better(&node, alive, 1, true), 0); /* narrow, but it was chosen and it lives */
    ck_assert_uint_eq(better(&node, alive, 1, false), 3);
    ck_assert_uint_eq(better(&node, alive, 3, false), 0);
    ck_assert_uint_eq(better(&node, alive, 0, false), 0); /* by a network that is none of the links */
    node.dead[0] = 100;
    ck_assert_uint_eq(better(&node, alive, 1, true), 3);
    ck_assert_uint_eq(better(&node, alive, 2, true), 0);
    node.dead[1] = 200; /* one of two */
    ck_assert_uint_eq(better(&node, alive, 2, true), 0);
    node.dead[2] = 201;
    ck_assert_uint_eq(better(&node, alive, 2, true), 3);
    ck_assert_uint_eq(better(&node, nothing_lives, 1, true), 0); /* nowhere to go */
    pt_bundle_unref(node.bundle);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("agent control link");
    TCase *tcase = tcase_create("control link");
    tcase_add_test(tcase, the_widest_link_that_lives_comes_first);
    tcase_add_test(tcase, a_link_is_left_when_it_is_dead_and_another_is_not);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
