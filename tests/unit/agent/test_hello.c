/* Hellos in virtual time: the far end is a function that answers, late, or not at all. Instants are asserted. */
#include "agent/hello.h"
#include "sys/sys_sim.h"

#include <arpa/inet.h>
#include <check.h>
#include <stdlib.h>
#include <string.h>

#define MS 1000000ULL
#define TUNNEL 0x11ULL
#define PATH_DIRECT 0xa1ULL
#define PATH_TRANSIT 0xa2ULL

struct world {
    struct pt_hello_io io; /* first: the port under test sees only this */
    struct pt_sim *sim;
    struct pt_sys *sys;
    struct pt_hello *hello;
    struct pt_bundle *bundle;
    uint64_t delay_ms; /* round trip */
    bool cut;
    unsigned drop_every; /* drop each nth request; 0: none */
    unsigned requests;
    unsigned downs, ups;
    uint64_t last_change_ms;
    struct pt_hello_packet last; /* newest request, and the labels before it */
    uint32_t last_stack[PT_STACK_LEN_MAX];
    size_t last_stack_len;
    size_t links_len;
    bool judged; /* by somebody else */
};

struct reply {
    struct world *world;
    struct pt_timer *timer;
    uint8_t data[sizeof(struct pt_geneve) + sizeof(struct pt_hello_packet)];
};

static void deliver(void *arg)
{
    struct reply *reply = arg;
    struct pt_ip from = pt_ip_from_v4(0xc0000202);
    if (reply->world->io.on_packet != NULL) {
        reply->world->io.on_packet(reply->world->io.arg, 1, &from, reply->data, sizeof(reply->data));
    }
    pt_timer_free(reply->timer);
    free(reply);
}

static void world_send(struct pt_hello_io *io, uint32_t link, const struct pt_ip *remote, uint16_t port,
                       const void *data, size_t size)
{
    struct world *world = (struct world *)io;
    const uint8_t *bytes = data;
    struct pt_geneve geneve;
    ck_assert_uint_eq(link, 1);
    ck_assert_uint_eq(port, 6081);
    ck_assert_uint_eq(pt_ip_to_v4(remote), 0xc0000202);
    memcpy(&geneve, bytes, sizeof(geneve));
    size_t options = (size_t)(geneve.version_words & 0x3f) * 4;
    ck_assert_uint_eq(size, sizeof(geneve) + options + sizeof(struct pt_hello_packet));
    world->last_stack_len = options == 0 ? 0 : options / 4 - 1;
    for (size_t i = 0; i < world->last_stack_len; i++) {
        world->last_stack[i] = pt_be32(bytes + sizeof(geneve) + 4 + 4 * i);
    }
    memcpy(&world->last, bytes + sizeof(geneve) + options, sizeof(world->last));
    world->requests++;
    if (world->cut || (world->drop_every != 0 && world->requests % world->drop_every == 0)) {
        return;
    }
    struct reply *reply = calloc(1, sizeof(*reply));
    struct pt_geneve answer = {.flags = PT_GENEVE_CONTROL, .protocol = htons(PT_HELLO_PROTOCOL)};
    struct pt_hello_packet packet = world->last;
    packet.type = PT_HELLO_REPLY;
    memcpy(reply->data, &answer, sizeof(answer));
    memcpy(reply->data + sizeof(answer), &packet, sizeof(packet));
    reply->world = world;
    reply->timer = pt_timer_new(world->sys, deliver, reply);
    pt_timer_start(reply->timer, world->delay_ms, 0);
}

static enum pt_code world_set_links(struct pt_hello_io *io, const Patronus__V1__LinkEntry *const *links, size_t len,
                                    struct pt_error *reterr)
{
    (void)links;
    (void)reterr;
    ((struct world *)io)->links_len = len;
    return PT_OK;
}

static void on_change(void *arg, uint64_t path_id, bool alive)
{
    struct world *world = arg;
    (void)path_id;
    *(alive ? &world->ups : &world->downs) += 1;
    world->last_change_ms = pt_sim_now_ns(world->sim) / MS;
}

static struct pt_bundle *make_bundle(bool transit)
{
    static uint8_t address[16], remote[16];
    struct pt_ip a = pt_ip_from_v4(0xc0000201);
    struct pt_ip b = pt_ip_from_v4(0xc0000202);
    memcpy(address, a.bytes, 16);
    memcpy(remote, b.bytes, 16);
    Patronus__V1__NodeEntry node = PATRONUS__V1__NODE_ENTRY__INIT;
    node.site_label = 1;
    node.geneve_port = 6081;
    node.hello_interval_ms = 100;
    node.hello_multiplier = 3;
    Patronus__V1__LinkEntry link = PATRONUS__V1__LINK_ENTRY__INIT;
    link.link = 1;
    link.interface = (char *)"wan0";
    link.address = (ProtobufCBinaryData){.len = 16, .data = address};
    Patronus__V1__TunnelEntry tunnel = PATRONUS__V1__TUNNEL_ENTRY__INIT;
    tunnel.tunnel = TUNNEL;
    tunnel.link = 1;
    tunnel.remote = (ProtobufCBinaryData){.len = 16, .data = remote};
    tunnel.remote_site = 2;
    static uint32_t stack[] = {3, 4};
    Patronus__V1__PathEntry path = PATRONUS__V1__PATH_ENTRY__INIT;
    path.path = transit ? PATH_TRANSIT : PATH_DIRECT;
    path.tunnel = TUNNEL;
    path.stack = stack;
    path.n_stack = transit ? 2 : 0;
    Patronus__V1__Entry entries[4];
    Patronus__V1__Entry *list[4];
    for (size_t i = 0; i < 4; i++) {
        patronus__v1__entry__init(&entries[i]);
        list[i] = &entries[i];
    }
    entries[0].entry_case = PATRONUS__V1__ENTRY__ENTRY_NODE;
    entries[0].node = &node;
    entries[1].entry_case = PATRONUS__V1__ENTRY__ENTRY_LINK;
    entries[1].link = &link;
    entries[2].entry_case = PATRONUS__V1__ENTRY__ENTRY_TUNNEL;
    entries[2].tunnel = &tunnel;
    entries[3].entry_case = PATRONUS__V1__ENTRY__ENTRY_PATH;
    entries[3].path = &path;
    return pt_bundle_new(list, 4);
}

static void run_until(struct world *world, uint64_t ms)
{
    while (pt_sim_step(world->sim, ms * MS)) {
    }
}

static bool is_judged(void *arg, uint64_t path_id)
{
    const struct world *world = arg;
    ck_assert(path_id == PATH_DIRECT || path_id == PATH_TRANSIT);
    return world->judged;
}

static void world_init(struct world *world, bool transit)
{
    memset(world, 0, sizeof(*world));
    world->sim = pt_sim_new(&(struct pt_sim_options){.seed = 1});
    world->sys = pt_sim_host(world->sim, pt_sim_add_host(world->sim));
    world->io = (struct pt_hello_io){.set_links = world_set_links, .send = world_send};
    world->delay_ms = 20;
    const struct pt_hello_options options = {
        .sys = world->sys, .io = &world->io, .on_change = on_change, .judged = is_judged, .arg = world};
    world->hello = pt_hello_new(&options);
    world->bundle = make_bundle(transit);
    pt_hello_set_bundle(world->hello, world->bundle);
}

static void world_fini(struct world *world)
{
    pt_hello_free(world->hello);
    run_until(world, pt_sim_now_ns(world->sim) / MS + 5000); /* replies under way free themselves */
    pt_bundle_unref(world->bundle);
    pt_sim_free(world->sim);
}

START_TEST(path_lives_with_its_first_answer)
{
    struct world world;
    world_init(&world, false);
    ck_assert_uint_eq(world.links_len, 1);
    ck_assert_uint_eq(world.requests, 1); /* at once, not after an interval */
    run_until(&world, 19);
    ck_assert_uint_eq(world.ups, 0);
    run_until(&world, 21);
    ck_assert_uint_eq(world.ups, 1);
    ck_assert_uint_eq(world.last_change_ms, 20);
    struct pt_path_report report;
    run_until(&world, 1000);
    ck_assert_uint_eq(pt_hello_reports(world.hello, &report, 1), 1);
    ck_assert_uint_eq(report.path_id, PATH_DIRECT);
    ck_assert_uint_ge(report.rtt_us, 20000);
    ck_assert_uint_le(report.rtt_us, 20200); /* timers of the simulated host are a little late */
    ck_assert_uint_eq(report.loss_ppm, 0);
    world_fini(&world);
}
END_TEST

START_TEST(silence_kills_within_four_intervals_and_an_answer_revives)
{
    struct world world;
    world_init(&world, false);
    run_until(&world, 1050);
    world.cut = true;
    run_until(&world, 1050 + 400);
    ck_assert_uint_eq(world.downs, 1);
    ck_assert_uint_ge(world.last_change_ms, 1300);
    run_until(&world, 3050);
    ck_assert_uint_eq(world.downs, 1);
    world.cut = false;
    run_until(&world, 3050 + 125);
    ck_assert_uint_eq(world.ups, 2);
    world_fini(&world);
}
END_TEST

/* A satellite: more requests are under way than the multiplier, and the path lives all the same. */
START_TEST(long_round_trips_are_no_deaths)
{
    struct world world;
    world_init(&world, false);
    world.delay_ms = 650;
    /* The very first answer still took 20 ms: the path seems dead once, until it is known to be slow. */
    run_until(&world, 2000);
    unsigned downs = world.downs;
    ck_assert_uint_le(downs, 1);
    run_until(&world, 10000);
    ck_assert_uint_eq(world.downs, downs);
    world.cut = true;
    run_until(&world, 10000 + 1500);
    ck_assert_uint_eq(world.downs, downs + 1);
    world_fini(&world);
}
END_TEST

START_TEST(loss_is_measured)
{
    struct world world;
    world_init(&world, false);
    world.drop_every = 10;
    run_until(&world, 20000);
    struct pt_path_report report;
    ck_assert_uint_eq(pt_hello_reports(world.hello, &report, 1), 1);
    ck_assert_uint_ge(report.loss_ppm, 60000);
    ck_assert_uint_le(report.loss_ppm, 110000);
    ck_assert_uint_eq(world.downs, 0);
    world_fini(&world);
}
END_TEST

/* own site 1, far end 2, then 3, 4: forwards [3, 4]; the reply leaves site 4 for site 3 by address, then [2, 1]. */
START_TEST(transit_paths_carry_both_stacks)
{
    struct world world;
    world_init(&world, true);
    ck_assert_uint_eq(world.last_stack_len, 2);
    ck_assert_uint_eq(world.last_stack[0], 3);
    ck_assert_uint_eq(world.last_stack[1], 4);
    ck_assert_uint_eq(world.last.return_len, 2);
    ck_assert_uint_eq(ntohl(world.last.return_stack[0]), 2);
    ck_assert_uint_eq(ntohl(world.last.return_stack[1]), 1);
    world_fini(&world);
}
END_TEST

START_TEST(what_stays_in_the_next_bundle_keeps_its_state)
{
    struct world world;
    world_init(&world, false);
    run_until(&world, 500);
    unsigned requests = world.requests;
    pt_hello_set_bundle(world.hello, world.bundle);
    ck_assert_uint_eq(world.requests, requests);
    struct pt_bundle *other = make_bundle(true);
    pt_hello_set_bundle(world.hello, other);
    struct pt_path_report report;
    ck_assert_uint_eq(pt_hello_reports(world.hello, &report, 1), 1);
    ck_assert_uint_eq(report.path_id, PATH_TRANSIT);
    ck_assert(!report.alive);
    pt_bundle_unref(other);
    world_fini(&world);
}
END_TEST

START_TEST(rubbish_is_ignored)
{
    struct world world;
    world_init(&world, false);
    run_until(&world, 500);
    struct pt_ip from = pt_ip_from_v4(1);
    uint8_t data[128] = {0};
    for (size_t size = 0; size < sizeof(data); size++) {
        memset(data, (int)size, sizeof(data));
        world.io.on_packet(world.io.arg, 1, &from, data, size);
    }
    ck_assert_uint_eq(world.downs, 0);
    world_fini(&world);
}
END_TEST

/* BFD probes the path too: hellos only need to know how it is when that ends, and then they are quick again. */
START_TEST(what_others_judge_is_asked_seldom)
{
    struct world world;
    world_init(&world, false);
    run_until(&world, 1050);
    unsigned often = world.requests;
    world.judged = true;
    run_until(&world, 11050);
    ck_assert_uint_ge(world.requests - often, 10);
    ck_assert_uint_le(world.requests - often, 11);
    ck_assert_uint_eq(world.downs, 0);
    world.judged = false;
    world.cut = true;
    run_until(&world, 11050 + 450);
    ck_assert_uint_eq(world.downs, 1);
    world_fini(&world);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hello");
    TCase *tcase = tcase_create("hello");
    tcase_add_test(tcase, path_lives_with_its_first_answer);
    tcase_add_test(tcase, silence_kills_within_four_intervals_and_an_answer_revives);
    tcase_add_test(tcase, long_round_trips_are_no_deaths);
    tcase_add_test(tcase, loss_is_measured);
    tcase_add_test(tcase, transit_paths_carry_both_stacks);
    tcase_add_test(tcase, what_stays_in_the_next_bundle_keeps_its_state);
    tcase_add_test(tcase, rubbish_is_ignored);
    tcase_add_test(tcase, what_others_judge_is_asked_seldom);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
