/*
 * A week and more without a controller, on virtual time: the agent is the real one, with its signed bundle on a
 * simulated disk, and the bundle becomes tables by the real compiler. Rules come and go by the hour, users' sessions
 * end, the node reboots again and again and is off for hours. What its tables say of random packets is compared with
 * what the bundle and the calendar say, worked out without either.
 *
 * The limit that this states: after a boundary of time the tables follow within two seconds (the agent looks each
 * second).
 */
#include "agent/agent_priv.h"
#include "agent/dp_bpf_table.h"
#include "sys/sys_sim.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define EDGE "organizations/acme/sites/nyc/edges/e1"
#define DAYS 9
#define SECOND 1000000000ULL
#define LAG_S 2
#define RULES 6
#define USERS 40

/* ---- a data plane of tables ----------------------------------------------------------------------------------- */

struct table_dp {
    struct pt_dp base;
    struct pt_dp_table *table;
    struct pt_dp_slots *slots;
    struct pt_dp_slas slas;
    struct pt_digest digest;
    int64_t wall_s;
    unsigned applied;
};

static struct table_dp *table_of(struct pt_dp *dp)
{
    return (struct table_dp *)dp;
}

static uint32_t any_interface(void *context, const char *name)
{
    (void)context;
    return strcmp(name, "lan0") == 0 ? 2 : 3;
}

static void slot_freed(void *arg, uint32_t slot)
{
    (void)arg, (void)slot;
}

static enum pt_code apply(struct pt_dp *base, const struct pt_bundle *bundle, struct pt_error *reterr)
{
    struct table_dp *dp = table_of(base);
    struct pt_dp_compile_options options = {
        .interface = any_interface, .slots = dp->slots, .slas = &dp->slas, .wall_s = dp->wall_s};
    struct pt_dp_table *table = NULL;
    char absent[16];
    PT_TRY(pt_dp_compile(bundle, &options, &table, absent, reterr));
    pt_dp_slots_settle(dp->slots, true, slot_freed, NULL);
    pt_dp_slas_settle(&dp->slas);
    pt_dp_table_unref(dp->table);
    dp->table = table;
    dp->digest = *pt_bundle_digest(bundle);
    dp->applied++;
    return PT_OK;
}

static enum pt_code verify(struct pt_dp *base, struct pt_digest *ret_digest, struct pt_error *reterr)
{
    (void)reterr;
    *ret_digest = table_of(base)->digest;
    return PT_OK;
}

static void set_time(struct pt_dp *base, int64_t wall_s)
{
    table_of(base)->wall_s = wall_s;
}

static int64_t due(struct pt_dp *base)
{
    const struct table_dp *dp = table_of(base);
    return dp->table != NULL ? dp->table->due_s : INT64_MAX;
}

static struct table_dp *dp_new(void)
{
    static const struct pt_dp_ops ops = {.apply = apply, .verify = verify, .set_time = set_time, .due = due};
    struct table_dp *dp = calloc(1, sizeof(*dp));
    ck_assert_ptr_nonnull(dp);
    dp->base.ops = &ops;
    dp->slots = calloc(1, sizeof(*dp->slots));
    ck_assert_ptr_nonnull(dp->slots);
    pt_dp_slots_init(dp->slots);
    return dp;
}

static void dp_free(struct table_dp *dp)
{
    pt_dp_table_unref(dp->table);
    pt_dp_slots_fini(dp->slots);
    free(dp->slots);
    free(dp);
}

struct packet {
    uint8_t source, dscp;
};

static uint64_t bits_in_table(const struct table_dp *dp, uint8_t source)
{
    const struct pt_dp_rows *rows = &dp->table->maps[PT_MAP_subjects];
    for (size_t i = 0; i < rows->len; i++) {
        struct pt_abi_subject_key key;
        uint64_t bits;
        memcpy(&key, pt_dp_rows_key(rows, i), sizeof(key));
        memcpy(&bits, pt_dp_rows_value(rows, i), sizeof(bits));
        if (((const uint8_t *)&key.source)[15] == source) {
            return bits;
        }
    }
    return 0;
}

/* 1 dropped, 0 allowed; by the rows, as a program reads them. */
static int verdict_of(const struct table_dp *dp, const struct packet *packet)
{
    const struct pt_dp_rows *rows = &dp->table->maps[PT_MAP_rules];
    struct pt_abi_rules set = {0};
    if (rows->len > 0) {
        memcpy(&set, pt_dp_rows_value(rows, 0), sizeof(set));
    }
    for (uint32_t i = 0; i < set.len; i++) {
        const struct pt_abi_rule *rule = &set.rules[i];
        if ((rule->dscp_mask >> packet->dscp & 1) != 0 &&
            (rule->subjects == 0 || (rule->subjects & bits_in_table(dp, packet->source)) != 0)) {
            return rule->flags & PT_RULE_DENY ? 1 : 0;
        }
    }
    return 0;
}

/* ---- the bundle, and what it means ---------------------------------------------------------------------------- */

static const struct plain_rule {
    uint64_t dscp_mask, subjects;
    bool deny;
    uint32_t days, first, minutes; /* minutes 0: always */
    int32_t offset;
} rules[RULES] = {
    {.dscp_mask = 1ULL << 1, .subjects = 1, .deny = true},
    {.dscp_mask = 1ULL << 2 | 1ULL << 3, .deny = true, .days = 0x1f, .first = 480, .minutes = 600, .offset = 60},
    {.dscp_mask = 1ULL << 3, .subjects = 2, .days = 0x60, .first = 1380, .minutes = 120, .offset = -300},
    {.dscp_mask = 1ULL << 3, .deny = true, .days = 0x7f, .first = 1320, .minutes = 480},
    {.dscp_mask = 1ULL << 4, .subjects = 4, .deny = true, .days = 0x40, .first = 0, .minutes = 1440, .offset = 840},
    {.dscp_mask = 1ULL << 1 | 1ULL << 4, .deny = true, .days = 0x55, .first = 17, .minutes = 1},
};

static int64_t session_end_s(unsigned user, int64_t start_s)
{
    return user % 5 == 0 ? 0 : start_s + (int64_t)user * 19013 % (DAYS * 86400);
}

static uint64_t session_bits(unsigned user)
{
    return user % 8;
}

static bool in_window(const struct plain_rule *rule, int64_t wall_s)
{
    for (int back = 0; back <= 1 && rule->minutes > 0; back++) {
        time_t at = (time_t)(wall_s + rule->offset * 60 - back * 86400);
        struct tm tm;
        (void)gmtime_r(&at, &tm);
        int since = tm.tm_hour * 60 + tm.tm_min + back * 1440 - (int)rule->first;
        if ((rule->days >> (unsigned)(tm.tm_wday + 6) % 7 & 1) != 0 && since >= 0 && since < (int)rule->minutes) {
            return true;
        }
    }
    return rule->minutes == 0;
}

static int oracle(const struct packet *packet, int64_t wall_s, int64_t start_s)
{
    int64_t end_s = session_end_s(packet->source, start_s);
    bool known = packet->source <= USERS && (end_s == 0 || wall_s < end_s);
    uint64_t bits = known ? session_bits(packet->source) : 0;
    for (size_t i = 0; i < RULES; i++) {
        if ((rules[i].dscp_mask >> packet->dscp & 1) != 0 && in_window(&rules[i], wall_s) &&
            (rules[i].subjects == 0 || (rules[i].subjects & bits) != 0)) {
            return rules[i].deny ? 1 : 0;
        }
    }
    return 0;
}

static Patronus__V1__Entry *add_entry(struct pt_arena *arena, Patronus__V1__Entry **entries, size_t *len,
                                      Patronus__V1__Entry__EntryCase which)
{
    Patronus__V1__Entry *entry = PT_NEW(arena, Patronus__V1__Entry);
    patronus__v1__entry__init(entry);
    entry->entry_case = which;
    entries[(*len)++] = entry;
    return entry;
}

#define ADD(field, FIELD, type, init)  \
    type *field = PT_NEW(arena, type); \
    init(field);                       \
    add_entry(arena, entries, &len, PATRONUS__V1__ENTRY__ENTRY_##FIELD)->field = field

static struct pt_bundle *make_bundle(struct pt_arena *arena, int64_t start_s)
{
    Patronus__V1__Entry *entries[64];
    size_t len = 0;
    ADD(node, NODE, Patronus__V1__NodeEntry, patronus__v1__node_entry__init);
    node->site_label = 9;
    for (uint32_t i = 0; i < RULES; i++) {
        ADD(rule, RULE, Patronus__V1__RuleEntry, patronus__v1__rule_entry__init);
        rule->vni = 100;
        rule->order = i;
        rule->protocol = 256;
        rule->port_last = 65535;
        rule->dscp_mask = rules[i].dscp_mask;
        rule->subjects = rules[i].subjects;
        rule->deny = rules[i].deny;
        rule->windows = pt_arena_array(arena, 1, sizeof(*rule->windows));
        if (rules[i].minutes > 0) {
            Patronus__V1__RuleWindow *window = PT_NEW(arena, Patronus__V1__RuleWindow);
            patronus__v1__rule_window__init(window);
            window->days = rules[i].days;
            window->first_minute = rules[i].first;
            window->minutes = rules[i].minutes;
            window->utc_offset_minutes = rules[i].offset;
            rule->windows[rule->n_windows++] = window;
        }
    }
    for (unsigned user = 1; user <= USERS; user++) {
        struct pt_ip ip = pt_ip_from_v4(0x0a000000 + user);
        ADD(subject, SUBJECT, Patronus__V1__SubjectEntry, patronus__v1__subject_entry__init);
        subject->vni = 100;
        subject->address.len = 16;
        subject->address.data = pt_arena_memdup(arena, ip.bytes, 16);
        subject->subjects = session_bits(user);
        subject->expire_time_s = session_end_s(user, start_s);
    }
    return pt_bundle_new(entries, len);
}

/* ---- the node ------------------------------------------------------------------------------------------------- */

struct place {
    struct pt_sim *sim;
    struct pt_sys *sys;
    struct pt_schema *schema;
    struct pt_log log;
    struct pt_node_files files;
    uint8_t seed[PT_SIGN_PRIVATE_SIZE];
    struct table_dp *dp;
    struct pt_agent *agent;
};

static void no_line(void *context, enum pt_log_level level, const char *line)
{
    (void)context, (void)level, (void)line;
}

static void boot(struct place *place)
{
    place->dp = dp_new();
    const struct pt_agent_options options = {.sys = place->sys,
                                             .schema = place->schema,
                                             .log = &place->log,
                                             .directory = "/edge",
                                             .version = "test",
                                             .files = &place->files,
                                             .dp = &place->dp->base};
    ck_assert_int_eq(pt_agent_open(&options, &place->agent, NULL), PT_OK);
}

static void power_off(struct place *place)
{
    pt_agent_close(place->agent);
    dp_free(place->dp); /* everything in the kernel is gone */
}

static void pass(struct place *place, uint64_t seconds)
{
    uint64_t end_ns = pt_sim_now_ns(place->sim) + seconds * SECOND;
    while (pt_sim_step(place->sim, end_ns)) {
    }
}

static int64_t wall_s(struct place *place)
{
    return pt_sys_wall_ns(place->sys) / (int64_t)SECOND;
}

static void give_bundle(struct place *place, int64_t start_s)
{
    struct pt_arena arena;
    pt_arena_init(&arena);
    struct pt_bundle *bundle = make_bundle(&arena, start_s);
    Patronus__V1__BundlePosition position = PATRONUS__V1__BUNDLE_POSITION__INIT;
    position.cluster_id = (char *)"c-1";
    position.epoch = position.term = position.generation = 1;
    Patronus__V1__BundleHeader header = PATRONUS__V1__BUNDLE_HEADER__INIT;
    struct pt_digest digest = *pt_bundle_digest(bundle);
    uint8_t signature[PT_SIGNATURE_SIZE];
    header.position = &position;
    header.node_id = (char *)EDGE;
    header.digest = (ProtobufCBinaryData){.len = PT_DIGEST_SIZE, .data = digest.bytes};
    pt_bundle_sign(&header, place->seed, signature);
    header.signature = (ProtobufCBinaryData){.len = sizeof(signature), .data = signature};
    PT_AUTO(buf) struct pt_buf data = {0};
    pt_bundle_encode(bundle, NULL, &header, &data);
    Patronus__V1__Bundle *message = patronus__v1__bundle__unpack(NULL, data.size, data.data);
    struct pt_error error = {0};
    ck_assert_msg(pt_agent_take_bundle(place->agent, message, true, &error) == PT_OK, "%s: %s", error.field,
                  error.text);
    patronus__v1__bundle__free_unpacked(message, NULL);
    pt_bundle_unref(bundle);
    pt_arena_fini(&arena);
}

START_TEST(nine_days_alone_drop_nothing_wrongly_and_let_nothing_through)
{
    struct place place = {.log = {.level_min = PT_LOG_ERROR, .sink = no_line, .node = "e1"}};
    const struct pt_sim_options sim = {.seed = 11};
    place.sim = pt_sim_new(&sim);
    place.sys = pt_sim_host(place.sim, pt_sim_add_host(place.sim));
    ck_assert_int_eq(pt_schema_new(pt_schema_embedded(), &place.schema, NULL), PT_OK);
    ck_assert_int_eq(pt_dir_make(place.sys, "/edge", NULL), PT_OK);
    memset(place.seed, 7, sizeof(place.seed));
    pt_sign_keypair(place.seed, place.files.bundle_key);
    (void)snprintf(place.files.cluster_id, sizeof(place.files.cluster_id), "c-1");
    (void)snprintf(place.files.node_id, sizeof(place.files.node_id), "edge/" EDGE);
    boot(&place);
    int64_t start_s = wall_s(&place);
    give_bundle(&place, start_s);
    unsigned wrongly_dropped = 0, wrongly_allowed = 0, dropped = 0, packets = 0, reboots = 0, changes = 0;
    while (wall_s(&place) < start_s + DAYS * 86400) {
        pass(&place, 20 + pt_sim_random(place.sim, 400));
        if (pt_sim_random(place.sim, 120) == 0) {
            changes += place.dp->applied;
            power_off(&place);
            pass(&place, pt_sim_random(place.sim, 4) == 0 ? pt_sim_random(place.sim, 20000) : 30);
            boot(&place); /* finds the bundle on its disk, and the time of now */
            reboots++;
        }
        int64_t now_s = wall_s(&place);
        for (unsigned i = 0; i < 50; i++) {
            struct packet packet = {.source = (uint8_t)(1 + pt_sim_random(place.sim, USERS + 5)),
                                    .dscp = (uint8_t)pt_sim_random(place.sim, 6)};
            int wanted = oracle(&packet, now_s, start_s);
            bool settled = true; /* within the stated lag of a boundary either answer is right */
            for (int64_t back = 1; back <= LAG_S; back++) {
                settled = settled && oracle(&packet, now_s - back, start_s) == wanted;
            }
            int got = verdict_of(place.dp, &packet);
            packets++;
            dropped += got == 1 ? 1 : 0;
            wrongly_dropped += settled && got == 1 && wanted == 0 ? 1 : 0;
            wrongly_allowed += settled && got == 0 && wanted == 1 ? 1 : 0;
        }
    }
    changes += place.dp->applied;
    ck_assert_uint_eq(wrongly_dropped, 0);
    ck_assert_uint_eq(wrongly_allowed, 0);
    ck_assert_uint_ge(reboots, 10);
    ck_assert_uint_ge(changes, 50);           /* the clock had its say */
    ck_assert_uint_ge(dropped, packets / 50); /* and both verdicts occur */
    printf("headless: rules days %d packets %u dropped %u reboots %u wrongly_dropped %u wrongly_allowed %u\n", DAYS,
           packets, dropped, reboots, wrongly_dropped, wrongly_allowed);
    power_off(&place);
    pt_node_files_fini(&place.files);
    pt_schema_free(place.schema);
    pt_sim_free(place.sim);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("agent headless");
    TCase *tcase = tcase_create("headless");
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, nine_days_alone_drop_nothing_wrongly_and_let_nothing_through);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
