/*
 * Bundles that reach a node: which are put in force, which are refused and why, and what a restart finds.
 *
 * The agent is the real one on a simulated host; no controller is in reach, bundles are handed to it directly. The data
 * plane is the simulated one, or a wrapper around it that fails on demand.
 */
#include "agent/agent_priv.h"
#include "base/assert.h"
#include "crypto/crypto.h"
#include "sys/sys_sim.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EDGE "organizations/acme/sites/nyc/edges/e1"
#define CLUSTER "c-1"

struct place {
    struct pt_sim *sim;
    struct pt_sys *sys;
    struct pt_schema *schema;
    struct pt_log log;
    struct pt_node_files files;
    uint8_t seed[PT_SIGN_PRIVATE_SIZE];
    struct pt_dp *dp;
    struct pt_agent *agent;
};

static void no_line(void *context, enum pt_log_level level, const char *line)
{
    (void)context, (void)level, (void)line;
}

static void agent_start(struct place *place)
{
    const struct pt_agent_options options = {.sys = place->sys,
                                             .schema = place->schema,
                                             .log = &place->log,
                                             .directory = "/edge",
                                             .version = "test",
                                             .files = &place->files,
                                             .dp = place->dp};
    ck_assert_int_eq(pt_agent_open(&options, &place->agent, NULL), PT_OK);
}

static void place_init_by(struct place *place, uint64_t seed)
{
    *place = (struct place){.log = {.level_min = PT_LOG_ERROR, .sink = no_line, .node = "e1"}};
    const struct pt_sim_options sim = {.seed = seed};
    place->sim = pt_sim_new(&sim);
    place->sys = pt_sim_host(place->sim, pt_sim_add_host(place->sim));
    ck_assert_int_eq(pt_schema_new(pt_schema_embedded(), &place->schema, NULL), PT_OK);
    ck_assert_int_eq(pt_dir_make(place->sys, "/edge", NULL), PT_OK);
    ck_assert_int_eq(pt_dir_sync(place->sys, "/", NULL), PT_OK);
    memset(place->seed, 7, sizeof(place->seed));
    pt_sign_keypair(place->seed, place->files.bundle_key);
    (void)snprintf(place->files.cluster_id, sizeof(place->files.cluster_id), CLUSTER);
    (void)snprintf(place->files.node_id, sizeof(place->files.node_id), "edge/" EDGE);
    place->dp = pt_dp_sim_new();
    agent_start(place);
}

static void place_init(struct place *place)
{
    place_init_by(place, 3);
}

static void place_fini(struct place *place)
{
    pt_agent_close(place->agent);
    place->dp->ops->close(place->dp);
    pt_node_files_fini(&place->files);
    pt_schema_free(place->schema);
    pt_sim_free(place->sim);
}

/* ---- bundles ------------------------------------------------------------------------------------------------------
 */

struct offer { /* what a test may bend; 0 and NULL: as it should be, see encode() */
    const char *cluster, *node;
    uint64_t epoch, term, generation;
    uint32_t site_label; /* the content */
    uint32_t trial_ms;
    const struct pt_bundle *base;
    bool flip_signature, flip_digest;
};

#define OFFER(...) (&(struct offer){__VA_ARGS__})

static struct pt_bundle *make_trial(uint32_t site_label, uint32_t trial_ms)
{
    Patronus__V1__NodeEntry node = PATRONUS__V1__NODE_ENTRY__INIT;
    node.site_label = site_label;
    node.trial_ms = trial_ms;
    node.geneve_port = 6081;
    Patronus__V1__Entry first = PATRONUS__V1__ENTRY__INIT;
    first.entry_case = PATRONUS__V1__ENTRY__ENTRY_NODE;
    first.node = &node;
    Patronus__V1__LanEntry lan = PATRONUS__V1__LAN_ENTRY__INIT;
    lan.interface = (char *)"lan0";
    lan.vni = 100;
    Patronus__V1__Entry second = PATRONUS__V1__ENTRY__INIT;
    second.entry_case = PATRONUS__V1__ENTRY__ENTRY_LAN;
    second.lan = &lan;
    Patronus__V1__Entry *const entries[] = {&first, &second};
    return pt_bundle_new(entries, 2);
}

static struct pt_bundle *make_bundle(uint32_t site_label)
{
    return make_trial(site_label, 0);
}

static void encode(const struct place *place, const struct offer *offer, struct pt_buf *out)
{
    struct pt_bundle *bundle = make_trial(offer->site_label != 0 ? offer->site_label : 9, offer->trial_ms);
    Patronus__V1__BundlePosition position = PATRONUS__V1__BUNDLE_POSITION__INIT;
    position.cluster_id = (char *)(uintptr_t)(offer->cluster != NULL ? offer->cluster : CLUSTER);
    position.epoch = offer->epoch != 0 ? offer->epoch : 1;
    position.term = offer->term != 0 ? offer->term : 2;
    position.generation = offer->generation != 0 ? offer->generation : 5;
    struct pt_digest digest = *pt_bundle_digest(bundle);
    digest.bytes[0] ^= offer->flip_digest ? 1 : 0;
    Patronus__V1__BundleHeader header = PATRONUS__V1__BUNDLE_HEADER__INIT;
    header.position = &position;
    header.node_id = (char *)(uintptr_t)(offer->node != NULL ? offer->node : EDGE);
    header.digest = (ProtobufCBinaryData){.len = PT_DIGEST_SIZE, .data = digest.bytes};
    uint8_t signature[PT_SIGNATURE_SIZE];
    pt_bundle_sign(&header, place->seed, signature);
    signature[10] ^= offer->flip_signature ? 1 : 0;
    header.signature = (ProtobufCBinaryData){.len = sizeof(signature), .data = signature};
    pt_bundle_encode(bundle, offer->base, &header, out);
    pt_bundle_unref(bundle);
}

static enum pt_code take(struct place *place, const struct offer *offer)
{
    PT_AUTO(buf) struct pt_buf data = {0};
    struct pt_error error = {0};
    encode(place, offer, &data);
    Patronus__V1__Bundle *message = patronus__v1__bundle__unpack(NULL, data.size, data.data);
    ck_assert_ptr_nonnull(message);
    enum pt_code code = pt_agent_take_bundle(place->agent, message, true, &error);
    patronus__v1__bundle__free_unpacked(message, NULL);
    return code;
}

/* What the agent says, and what the data plane holds, is the bundle of this content and position. */
static void check_trial(struct place *place, uint32_t site_label, uint32_t trial_ms, uint64_t generation)
{
    struct pt_agent_position position;
    ck_assert(pt_agent_position(place->agent, &position));
    ck_assert_uint_eq(position.generation, generation);
    struct pt_bundle *bundle = make_trial(site_label, trial_ms);
    ck_assert(pt_digest_equal(&position.digest, pt_bundle_digest(bundle)));
    struct pt_digest in_maps;
    ck_assert_int_eq(place->dp->ops->verify(place->dp, &in_maps, NULL), PT_OK);
    ck_assert(pt_digest_equal(&in_maps, pt_bundle_digest(bundle)));
    pt_bundle_unref(bundle);
}

static void check_in_force(struct place *place, uint32_t site_label, uint64_t term, uint64_t generation)
{
    struct pt_agent_position position;
    ck_assert(pt_agent_position(place->agent, &position));
    ck_assert_uint_eq(position.term, term);
    check_trial(place, site_label, 0, generation);
}

static void agent_restart(struct place *place, bool maps_lost)
{
    pt_agent_close(place->agent);
    if (maps_lost) {
        place->dp->ops->close(place->dp);
        place->dp = pt_dp_sim_new();
    }
    agent_start(place);
}

/* ---- tests --------------------------------------------------------------------------------------------------------
 */

START_TEST(a_good_bundle_is_in_force_and_survives_a_restart)
{
    struct place place;
    place_init(&place);
    struct pt_agent_position none;
    ck_assert(!pt_agent_position(place.agent, &none));
    ck_assert_int_eq(take(&place, OFFER(.generation = 5)), PT_OK);
    check_in_force(&place, 9, 2, 5);
    agent_restart(&place, true);
    check_in_force(&place, 9, 2, 5);
    place_fini(&place);
}
END_TEST

START_TEST(a_bundle_that_is_not_ours_is_refused)
{
    struct place place;
    place_init(&place);
    ck_assert_int_eq(take(&place, OFFER(.flip_signature = true)), PT_UNAUTHENTICATED);
    ck_assert_int_eq(take(&place, OFFER(.node = "organizations/acme/sites/nyc/edges/e2")), PT_PERMISSION_DENIED);
    ck_assert_int_eq(take(&place, OFFER(.cluster = "c-2")), PT_PERMISSION_DENIED);
    ck_assert_int_eq(take(&place, OFFER(.flip_digest = true)), PT_INVALID_ARGUMENT);
    struct pt_agent_position none;
    ck_assert(!pt_agent_position(place.agent, &none));
    ck_assert(!pt_path_exists(place.sys, "/edge/bundle"));
    /* And with one in force, it stays. */
    ck_assert_int_eq(take(&place, OFFER(.generation = 5)), PT_OK);
    ck_assert_int_eq(take(&place, OFFER(.generation = 6, .site_label = 1, .flip_signature = true)), PT_UNAUTHENTICATED);
    ck_assert_int_eq(take(&place, OFFER(.generation = 6, .site_label = 1, .flip_digest = true)), PT_INVALID_ARGUMENT);
    check_in_force(&place, 9, 2, 5);
    agent_restart(&place, true);
    check_in_force(&place, 9, 2, 5);
    place_fini(&place);
}
END_TEST

/* By (epoch, term, generation), also after a restart; the same position again is fine. */
START_TEST(an_older_bundle_is_refused)
{
    struct place place;
    place_init(&place);
    ck_assert_int_eq(take(&place, OFFER(.epoch = 2, .term = 4, .generation = 5)), PT_OK);
    for (unsigned round = 0; round < 2; round++) {
        ck_assert_int_eq(take(&place, OFFER(.epoch = 2, .term = 4, .generation = 4, .site_label = 1)),
                         PT_FAILED_PRECONDITION);
        ck_assert_int_eq(take(&place, OFFER(.epoch = 2, .term = 3, .generation = 99, .site_label = 1)),
                         PT_FAILED_PRECONDITION);
        ck_assert_int_eq(take(&place, OFFER(.epoch = 1, .term = 99, .generation = 99, .site_label = 1)),
                         PT_FAILED_PRECONDITION);
        check_in_force(&place, 9, 4, 5);
        agent_restart(&place, round == 0);
    }
    ck_assert_int_eq(take(&place, OFFER(.epoch = 2, .term = 4, .generation = 5)), PT_OK);
    ck_assert_int_eq(take(&place, OFFER(.epoch = 2, .term = 5, .generation = 1, .site_label = 1)), PT_OK);
    check_in_force(&place, 1, 5, 1);
    ck_assert_int_eq(take(&place, OFFER(.epoch = 3, .term = 1, .generation = 1, .site_label = 2)), PT_OK);
    check_in_force(&place, 2, 1, 1);
    place_fini(&place);
}
END_TEST

START_TEST(a_difference_counts_on_its_own_base_only)
{
    struct place place;
    place_init(&place);
    struct pt_bundle *base = make_bundle(9);
    struct pt_bundle *other = make_bundle(8);
    ck_assert_int_eq(take(&place, OFFER(.site_label = 1, .base = base)), PT_FAILED_PRECONDITION); /* nothing yet */
    ck_assert_int_eq(take(&place, OFFER(.generation = 5)), PT_OK);
    ck_assert_int_eq(take(&place, OFFER(.generation = 6, .site_label = 1, .base = other)), PT_FAILED_PRECONDITION);
    check_in_force(&place, 9, 2, 5);
    ck_assert_int_eq(take(&place, OFFER(.generation = 6, .site_label = 1, .base = base)), PT_OK);
    check_in_force(&place, 1, 2, 6);
    agent_restart(&place, true); /* the file holds everything, not the difference */
    check_in_force(&place, 1, 2, 6);
    pt_bundle_unref(base);
    pt_bundle_unref(other);
    place_fini(&place);
}
END_TEST

/* Every single bit of the file, one at a time in a sample, and every shorter length: never in force, never a crash. */
START_TEST(a_corrupt_file_is_ignored)
{
    struct place place;
    place_init(&place);
    ck_assert_int_eq(take(&place, OFFER(.generation = 5)), PT_OK);
    PT_AUTO(buf) struct pt_buf good = {0};
    ck_assert_int_eq(pt_path_read(place.sys, "/edge/bundle", 1 << 20, &good, NULL), PT_OK);
    unsigned used = 0;
    for (size_t i = 0; i < good.size; i++) {
        PT_AUTO(buf) struct pt_buf bad = {0};
        pt_buf_append(&bad, good.data, good.size);
        bad.data[i] ^= (uint8_t)(1U << i % 8);
        ck_assert_int_eq(pt_path_write(place.sys, "/edge/bundle", bad.data, bad.size, NULL), PT_OK);
        agent_restart(&place, true);
        struct pt_agent_position position;
        used += pt_agent_position(place.agent, &position);
        ck_assert_int_eq(pt_path_write(place.sys, "/edge/bundle", good.data, i, NULL), PT_OK);
        agent_restart(&place, true);
        used += pt_agent_position(place.agent, &position);
    }
    ck_assert_uint_eq(used, 0);
    /* The leader sends anew. */
    ck_assert_int_eq(take(&place, OFFER(.generation = 5)), PT_OK);
    check_in_force(&place, 9, 2, 5);
    place_fini(&place);
}
END_TEST

/* All or nothing: what cannot be kept goes out of force again, so that a restart does not fall behind what was said. */
START_TEST(a_full_disk_leaves_the_old_bundle_in_force)
{
    struct place place;
    place_init(&place);
    ck_assert_int_eq(take(&place, OFFER(.generation = 5)), PT_OK);
    pt_sim_fail_disk(place.sim, 0, 1, PT_NO_SPACE, true);
    ck_assert_int_eq(take(&place, OFFER(.generation = 6, .site_label = 1)), PT_NO_SPACE);
    check_in_force(&place, 9, 2, 5);
    pt_sim_fail_disk(place.sim, 0, 0, PT_OK, false);
    agent_restart(&place, true);
    check_in_force(&place, 9, 2, 5);
    ck_assert_int_eq(take(&place, OFFER(.generation = 6, .site_label = 1)), PT_OK);
    check_in_force(&place, 1, 2, 6);
    place_fini(&place);
}
END_TEST

/* ---- change sets that wait ----------------------------------------------------------------------------------------
 */

static void run_s(struct place *place, uint64_t seconds)
{
    uint64_t until_ns = pt_sim_now_ns(place->sim) + seconds * 1000000000;
    while (pt_sim_step(place->sim, until_ns)) {
    }
}

/* No controller answers in this world: a node on trial goes back in time, and not before. */
START_TEST(a_node_that_is_alone_on_trial_goes_back)
{
    struct place place;
    place_init(&place);
    ck_assert_int_eq(take(&place, OFFER(.generation = 5)), PT_OK);
    run_s(&place, 100);
    check_in_force(&place, 9, 2, 5); /* not on trial: it stays */
    ck_assert_int_eq(take(&place, OFFER(.generation = 6, .site_label = 1, .trial_ms = 30000)), PT_OK);
    run_s(&place, 20);
    ck_assert_int_eq(take(&place, OFFER(.generation = 7, .site_label = 2, .trial_ms = 30000)), PT_OK);
    run_s(&place, 8);
    check_trial(&place, 2, 30000, 7);
    run_s(&place, 4);
    check_in_force(&place, 9, 2, 7); /* what was before all of it; the position does not fall */
    for (unsigned round = 0; round < 2; round++) {
        ck_assert_int_eq(take(&place, OFFER(.generation = 6, .site_label = 3)), PT_FAILED_PRECONDITION);
        ck_assert_int_eq(take(&place, OFFER(.generation = 7, .site_label = 2, .trial_ms = 30000)),
                         PT_FAILED_PRECONDITION);
        ck_assert_int_eq(take(&place, OFFER(.generation = 8, .site_label = 4, .trial_ms = 30000)),
                         PT_FAILED_PRECONDITION);
        agent_restart(&place, round == 0);
        check_in_force(&place, 9, 2, 7);
    }
    /* Confirmed or taken back: it is taken, and the next trial is a new one. */
    ck_assert_int_eq(take(&place, OFFER(.generation = 8, .site_label = 2)), PT_OK);
    ck_assert(!pt_path_exists(place.sys, "/edge/bundle.tried"));
    ck_assert_int_eq(take(&place, OFFER(.generation = 9, .site_label = 5, .trial_ms = 5000)), PT_OK);
    run_s(&place, 7);
    check_in_force(&place, 2, 2, 9);
    place_fini(&place);
}
END_TEST

/* A restart in the middle of a trial does not forget what there is to go back to; a confirmation does. */
START_TEST(a_trial_survives_a_restart_and_ends_with_a_confirmation)
{
    struct place place;
    place_init(&place);
    ck_assert_int_eq(take(&place, OFFER(.generation = 5)), PT_OK);
    ck_assert_int_eq(take(&place, OFFER(.generation = 6, .site_label = 1, .trial_ms = 5000)), PT_OK);
    run_s(&place, 2);
    agent_restart(&place, true);
    check_trial(&place, 1, 5000, 6);
    run_s(&place, 4);
    check_trial(&place, 1, 5000, 6); /* its time begins with the start */
    run_s(&place, 3);
    check_in_force(&place, 9, 2, 6);
    ck_assert_int_eq(take(&place, OFFER(.generation = 7, .site_label = 2)), PT_OK);
    ck_assert_int_eq(take(&place, OFFER(.generation = 8, .site_label = 3, .trial_ms = 5000)), PT_OK);
    ck_assert_int_eq(take(&place, OFFER(.generation = 9, .site_label = 3)), PT_OK);
    ck_assert(!pt_path_exists(place.sys, "/edge/bundle.former"));
    run_s(&place, 60);
    check_in_force(&place, 3, 2, 9);
    place_fini(&place);
}
END_TEST

/* What cannot be kept to go back to is not begun. */
START_TEST(a_full_disk_begins_no_trial)
{
    struct place place;
    place_init(&place);
    ck_assert_int_eq(take(&place, OFFER(.generation = 5)), PT_OK);
    for (unsigned nth = 1; nth <= 3; nth++) {
        pt_sim_fail_disk(place.sim, 0, nth, PT_NO_SPACE, true);
        enum pt_code code = take(&place, OFFER(.generation = 6, .site_label = 1, .trial_ms = 5000));
        pt_sim_fail_disk(place.sim, 0, 0, PT_OK, false);
        ck_assert_int_eq(code, PT_NO_SPACE);
        check_in_force(&place, 9, 2, 5);
        ck_assert(!pt_path_exists(place.sys, "/edge/bundle.former"));
    }
    place_fini(&place);
}
END_TEST

/* ---- a data plane that fails ---------------------------------------------------------------------------------------
 */

struct failing_dp {
    struct pt_dp base;
    struct pt_dp *real;
    bool fail_apply, lie;
};

static struct failing_dp *failing_of(struct pt_dp *dp)
{
    return (struct failing_dp *)dp;
}

static enum pt_code failing_apply(struct pt_dp *dp, const struct pt_bundle *bundle, struct pt_error *reterr)
{
    struct failing_dp *failing = failing_of(dp);
    if (failing->fail_apply) {
        return pt_fail(reterr, PT_EXHAUSTED, PT_REASON_NONE, NULL, "the map is full");
    }
    return failing->real->ops->apply(failing->real, bundle, reterr);
}

static enum pt_code failing_verify(struct pt_dp *dp, struct pt_digest *ret_digest, struct pt_error *reterr)
{
    struct failing_dp *failing = failing_of(dp);
    PT_TRY(failing->real->ops->verify(failing->real, ret_digest, reterr));
    if (failing->lie) {
        failing->lie = false;
        ret_digest->bytes[3] ^= 1;
    }
    return PT_OK;
}

static void failing_set_time(struct pt_dp *dp, int64_t wall_s)
{
    struct failing_dp *failing = failing_of(dp);
    failing->real->ops->set_time(failing->real, wall_s);
}

static int64_t failing_due(struct pt_dp *dp)
{
    struct failing_dp *failing = failing_of(dp);
    return failing->real->ops->due(failing->real);
}

START_TEST(what_the_maps_refuse_or_garble_is_not_acknowledged)
{
    struct place place;
    place_init(&place);
    static const struct pt_dp_ops ops = {
        .apply = failing_apply, .verify = failing_verify, .set_time = failing_set_time, .due = failing_due};
    struct pt_dp *real = place.dp;
    struct failing_dp failing = {.base = {.ops = &ops}, .real = real};
    pt_agent_close(place.agent);
    place.dp = &failing.base;
    agent_start(&place);
    ck_assert_int_eq(take(&place, OFFER(.generation = 5)), PT_OK);
    failing.fail_apply = true;
    ck_assert_int_eq(take(&place, OFFER(.generation = 6, .site_label = 1)), PT_EXHAUSTED);
    failing.fail_apply = false;
    check_in_force(&place, 9, 2, 5);
    failing.lie = true;
    ck_assert_int_eq(take(&place, OFFER(.generation = 6, .site_label = 1)), PT_CORRUPT);
    check_in_force(&place, 9, 2, 5);
    pt_agent_close(place.agent);
    place.dp = real;
    agent_start(&place);
    place_fini(&place);
}
END_TEST

static void keep(struct place *place, const char *path, const struct pt_buf *data)
{
    ck_assert_int_eq(pt_path_write(place->sys, path, data->data, data->size, NULL), PT_OK);
}

/* A disk that fails while a bundle is kept may have it under its name, and lose the name with the power. Which bundle a
 * start finds, the next one finds too. */
START_TEST(what_a_start_found_outlives_the_power)
{
    struct place place;
    PT_AUTO(buf) struct pt_buf fifth = {0};
    PT_AUTO(buf) struct pt_buf sixth = {0};
    place_init_by(&place, (uint64_t)_i); /* which of the disk's unsynced changes are lost */
    ck_assert_int_eq(take(&place, OFFER(.generation = 5)), PT_OK);
    ck_assert_int_eq(pt_path_read(place.sys, "/edge/bundle", 1 << 20, &fifth, NULL), PT_OK);
    ck_assert_int_eq(take(&place, OFFER(.generation = 6, .site_label = 1)), PT_OK);
    ck_assert_int_eq(pt_path_read(place.sys, "/edge/bundle", 1 << 20, &sixth, NULL), PT_OK);
    keep(&place, "/edge/bundle", &fifth);
    keep(&place, "/edge/bundle.tmp", &sixth);
    ck_assert_int_eq(pt_path_rename(place.sys, "/edge/bundle.tmp", "/edge/bundle", NULL), PT_OK); /* not synced */
    pt_agent_close(place.agent);
    agent_start(&place);
    check_in_force(&place, 1, 2, 6);
    pt_sim_crash(place.sim, 0, true);
    pt_agent_abandon(place.agent);
    pt_sim_restart(place.sim, 0);
    place.sys = pt_sim_host(place.sim, 0);
    agent_start(&place);
    check_in_force(&place, 1, 2, 6);
    place_fini(&place);
}
END_TEST

/* ---- what packets do not wait for ----------------------------------------------------------------------------------
 */

struct settling_dp {
    struct pt_dp base;
    struct pt_dp *real;
    unsigned settled;
};

static enum pt_code settling_apply(struct pt_dp *dp, const struct pt_bundle *bundle, struct pt_error *reterr)
{
    struct pt_dp *real = ((struct settling_dp *)dp)->real;
    return real->ops->apply(real, bundle, reterr);
}

static enum pt_code settling_verify(struct pt_dp *dp, struct pt_digest *ret_digest, struct pt_error *reterr)
{
    struct pt_dp *real = ((struct settling_dp *)dp)->real;
    return real->ops->verify(real, ret_digest, reterr);
}

static void settling_settle(struct pt_dp *dp)
{
    ((struct settling_dp *)dp)->settled++;
}

static void settling_set_time(struct pt_dp *dp, int64_t wall_s)
{
    (void)dp, (void)wall_s;
}

static int64_t settling_due(struct pt_dp *dp)
{
    (void)dp;
    return INT64_MAX;
}

START_TEST(a_bundle_is_settled_after_it_is_acknowledged)
{
    struct place place;
    place_init(&place);
    static const struct pt_dp_ops ops = {.apply = settling_apply,
                                         .verify = settling_verify,
                                         .settle = settling_settle,
                                         .set_time = settling_set_time,
                                         .due = settling_due};
    struct pt_dp *real = place.dp;
    struct settling_dp settling = {.base = {.ops = &ops}, .real = real};
    pt_agent_close(place.agent);
    place.dp = &settling.base;
    agent_start(&place);
    ck_assert_int_eq(take(&place, OFFER(.generation = 5)), PT_OK);
    ck_assert_uint_eq(settling.settled, 0);
    ck_assert_int_eq(take(&place, OFFER(.generation = 6, .site_label = 1)), PT_OK); /* right behind it: once for both */
    ck_assert_uint_eq(settling.settled, 0);
    run_s(&place, 1);
    ck_assert_uint_eq(settling.settled, 1);
    pt_agent_close(place.agent); /* at a start nobody waits */
    agent_start(&place);
    ck_assert_uint_eq(settling.settled, 2);
    pt_agent_close(place.agent);
    place.dp = real;
    agent_start(&place);
    place_fini(&place);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("agent take");
    TCase *tcase = tcase_create("bundles");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, a_good_bundle_is_in_force_and_survives_a_restart);
    tcase_add_test(tcase, a_bundle_that_is_not_ours_is_refused);
    tcase_add_test(tcase, an_older_bundle_is_refused);
    tcase_add_test(tcase, a_difference_counts_on_its_own_base_only);
    tcase_add_test(tcase, a_corrupt_file_is_ignored);
    tcase_add_test(tcase, a_full_disk_leaves_the_old_bundle_in_force);
    tcase_add_test(tcase, a_node_that_is_alone_on_trial_goes_back);
    tcase_add_test(tcase, a_trial_survives_a_restart_and_ends_with_a_confirmation);
    tcase_add_test(tcase, a_full_disk_begins_no_trial);
    tcase_add_test(tcase, what_the_maps_refuse_or_garble_is_not_acknowledged);
    tcase_add_loop_test(tcase, what_a_start_found_outlives_the_power, 1, 17);
    tcase_add_test(tcase, a_bundle_is_settled_after_it_is_acknowledged);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(make_suite());
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
