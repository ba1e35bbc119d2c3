/*
 * When the leader plans anew, on virtual time: at once for a death or a change that somebody makes, after an interval
 * for load, and ever more seldom for what flaps.
 */
#include "edge_node.h"

#include "mod/te/te.h"

#define ACME "organizations/acme"
#define LINK_OF(site, link) ACME "/sites/s" site "/links/" link

/* Two sites with two links of 100 Mbit/s each, of which wan0 is better; the first site's node has its bundle. */
struct world {
    struct cluster cluster;
    struct enrolled nodes[2];
    struct node_stream node;
    uint32_t far;  /* label of the other site */
    uint64_t path; /* straight there by wan0 */
};

static void update_link(struct world *w, const char *link, const char *fields, const char *mask)
{
    struct cluster *cluster = &w->cluster;
    OK(cluster, 0, "LinkService/UpdateLink", "{\"link\": {\"name\": \"%s\", %s}, \"updateMask\": \"%s\"}", link, fields,
       mask);
}

/* So long without a bundle that every timer of the start is over; all that comes is acknowledged. */
static void settle(struct world *w)
{
    unsigned acked = w->node.bundles;
    for (unsigned quiet = 0; quiet < 50; quiet++) {
        run_for_ms(&w->cluster, 100);
        if (w->node.bundles > acked) {
            acknowledge(&w->node, "");
            acked = w->node.bundles;
            quiet = 0;
        }
    }
}

static void world_init(struct world *w)
{
    static const char *const links[] = {LINK_OF("1", "wan0"), LINK_OF("2", "wan0"), LINK_OF("1", "wan1"),
                                        LINK_OF("2", "wan1")};
    network_init(&w->cluster, w->nodes);
    add_mpls_link(&w->cluster, 1);
    add_mpls_link(&w->cluster, 2);
    for (size_t i = 0; i < 4; i++) {
        update_link(w, links[i],
                    i < 2 ? "\"cost\": 5, \"capacityUpBps\": \"100000000\", \"capacityDownBps\": \"100000000\""
                          : "\"cost\": 10, \"capacityUpBps\": \"100000000\", \"capacityDownBps\": \"100000000\"",
                    "cost,capacityUpBps,capacityDownBps");
    }
    w->path = te_direct_path(te_tunnel_id(links[0], links[1]));
    node_join(&w->cluster, 0, &w->nodes[0], &w->node);
    w->far = label_of_group(&w->node);
    acknowledge(&w->node, "");
    report(&w->node, w->path, true); /* of what never lived, one report proves nothing */
    settle(w);
}

static void world_fini(struct world *w)
{
    node_leave(&w->node);
    network_fini(&w->cluster, w->nodes);
}

/* Milliseconds until the next bundle is at the node, which acknowledges it. */
static double ms_until_bundle(struct world *w)
{
    unsigned bundles = w->node.bundles;
    uint64_t began_ns = pt_sim_now_ns(w->cluster.sim);
    STEP_UNTIL(&w->cluster, w->node.bundles > bundles);
    double ms = (double)(pt_sim_now_ns(w->cluster.sim) - began_ns) / 1e6;
    acknowledge(&w->node, "");
    return ms;
}

/* Messages take half a millisecond here, a pass no time at all. */
START_TEST(a_death_and_a_change_are_planned_at_once)
{
    static struct world world, *w = &world;
    world_init(w);
    for (unsigned better = 0; better < 2; better++) { /* wan1 becomes the better way, and wan0 again */
        update_link(w, LINK_OF("1", "wan0"), better == 0 ? "\"cost\": 30" : "\"cost\": 5", "cost");
        ck_assert_double_lt(ms_until_bundle(w), 15); /* from its commit on */
        settle(w);
    }
    report(&w->node, w->path, false);
    ck_assert_double_lt(ms_until_bundle(w), 5);
    world_fini(w);
}
END_TEST

/* 90 Mbit/s on a link of 100 are too much, and are split: but load that comes and goes within the interval of two
 * seconds is nothing. */
START_TEST(load_is_planned_after_an_interval)
{
    static struct world world, *w = &world;
    world_init(w);
    offer(&w->node, w->far, 90000000 / 8);
    double ms = ms_until_bundle(w);
    ck_assert_double_ge(ms, 1900);
    ck_assert_double_lt(ms, 2200);
    settle(w);
    world_fini(w);
}
END_TEST

/* A path that dies and comes back ten times a second, for ten seconds: the first death is answered at once, and all 200
 * changes make no more than 40 bundles. When it rests, the last word is in force within half a second. */
START_TEST(what_flaps_is_planned_ever_more_seldom)
{
    static struct world world, *w = &world;
    world_init(w);
    unsigned before = w->node.bundles, acked = before;
    for (unsigned i = 0; i < 200; i++) {
        report(&w->node, w->path, i % 2 != 0);
        for (unsigned j = 0; j < 10; j++) {
            run_for_ms(&w->cluster, 5);
            if (w->node.bundles > acked) {
                acknowledge(&w->node, "");
                acked = w->node.bundles;
            }
        }
        ck_assert(i > 0 || w->node.bundles == before + 1);
    }
    ck_assert_uint_le(w->node.bundles - before, 40);
    report(&w->node, w->path, false);
    run_for_ms(&w->cluster, 500);
    acknowledge(&w->node, "");
    unsigned bundles = w->node.bundles;
    run_for_ms(&w->cluster, 1000);
    ck_assert_uint_eq(w->node.bundles, bundles);
    ck_assert_uint_ne(carrying_group(&w->node)->members[0]->path, w->path);
    world_fini(w);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("serve reaction");
    TCase *tcase = tcase_create("reaction");
    tcase_add_test(tcase, a_death_and_a_change_are_planned_at_once);
    tcase_add_test(tcase, load_is_planned_after_an_interval);
    tcase_add_test(tcase, what_flaps_is_planned_ever_more_seldom);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return run_suite(make_suite());
}
