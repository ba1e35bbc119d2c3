/* Bundles: digest, order, differences over the wire, refusals, signatures. */
#include "plan/plan.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static uint64_t seed = 20260801;

static uint32_t next_random(void)
{
    seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
    return (uint32_t)(seed >> 33);
}

/* Storage of one entry of each kind that the tests use. */
struct maker {
    Patronus__V1__Entry entry;
    Patronus__V1__NodeEntry node;
    Patronus__V1__LanEntry lan;
    Patronus__V1__RouteEntry route;
    Patronus__V1__RuleEntry rule;
    uint8_t prefix[16];
};

static Patronus__V1__Entry *make_route(struct maker *m, uint32_t vni, uint8_t last, uint32_t label)
{
    patronus__v1__entry__init(&m->entry);
    patronus__v1__route_entry__init(&m->route);
    memset(m->prefix, 0, sizeof(m->prefix));
    m->prefix[10] = m->prefix[11] = 0xff;
    m->prefix[12] = 10;
    m->prefix[15] = last;
    m->route.vni = vni;
    m->route.prefix = (ProtobufCBinaryData){.len = 16, .data = m->prefix};
    m->route.prefix_len = 32;
    m->route.site_label = label;
    m->entry.entry_case = PATRONUS__V1__ENTRY__ENTRY_ROUTE;
    m->entry.route = &m->route;
    return &m->entry;
}

static Patronus__V1__Entry *make_rule(struct maker *m, uint32_t vni, uint32_t order)
{
    patronus__v1__entry__init(&m->entry);
    patronus__v1__rule_entry__init(&m->rule);
    m->rule.vni = vni;
    m->rule.order = order;
    m->entry.entry_case = PATRONUS__V1__ENTRY__ENTRY_RULE;
    m->entry.rule = &m->rule;
    return &m->entry;
}

static Patronus__V1__Entry *make_node(struct maker *m, uint32_t label)
{
    patronus__v1__entry__init(&m->entry);
    patronus__v1__node_entry__init(&m->node);
    m->node.site_label = label;
    m->entry.entry_case = PATRONUS__V1__ENTRY__ENTRY_NODE;
    m->entry.node = &m->node;
    return &m->entry;
}

static Patronus__V1__Entry *make_lan(struct maker *m, char *interface)
{
    patronus__v1__entry__init(&m->entry);
    patronus__v1__lan_entry__init(&m->lan);
    m->lan.interface = interface;
    m->entry.entry_case = PATRONUS__V1__ENTRY__ENTRY_LAN;
    m->entry.lan = &m->lan;
    return &m->entry;
}

/* Encode to bytes and decode, as over the wire. */
static Patronus__V1__Bundle *over_the_wire(const struct pt_bundle *bundle, const struct pt_bundle *base,
                                           size_t *ret_size)
{
    Patronus__V1__BundleHeader header = PATRONUS__V1__BUNDLE_HEADER__INIT;
    struct pt_digest digest = *pt_bundle_digest(bundle);
    struct pt_buf out;
    pt_buf_init(&out);
    header.digest = (ProtobufCBinaryData){.len = PT_DIGEST_SIZE, .data = digest.bytes};
    pt_bundle_encode(bundle, base, &header, &out);
    Patronus__V1__Bundle *message = patronus__v1__bundle__unpack(NULL, out.size, out.data);
    ck_assert_ptr_nonnull(message);
    if (ret_size != NULL) {
        *ret_size = out.size;
    }
    pt_buf_fini(&out);
    return message;
}

START_TEST(the_digest_is_as_the_schema_says)
{
    struct maker m;
    Patronus__V1__Entry *entry = make_node(&m, 7);
    struct pt_bundle *bundle = pt_bundle_new(&entry, 1);
    /* Entry{node: {site_label: 7}} = 0a 02 08 07, behind its length */
    const uint8_t bytes[] = {0, 0, 0, 4, 0x0a, 0x02, 0x08, 0x07};
    struct pt_digest want = pt_sha256(bytes, sizeof(bytes));
    ck_assert(pt_digest_equal(pt_bundle_digest(bundle), &want));
    pt_bundle_unref(bundle);

    bundle = pt_bundle_new(NULL, 0);
    want = pt_sha256("", 0);
    ck_assert(pt_digest_equal(pt_bundle_digest(bundle), &want));
    pt_bundle_unref(bundle);
}
END_TEST

START_TEST(entries_are_in_key_order_whatever_the_input_order)
{
    struct maker m[5];
    Patronus__V1__Entry *forward[] = {make_node(&m[0], 1), make_lan(&m[1], "lan0"), make_route(&m[2], 1, 9, 2),
                                      make_route(&m[3], 256, 1, 2), make_rule(&m[4], 1, 3)};
    Patronus__V1__Entry *backward[] = {forward[4], forward[3], forward[2], forward[1], forward[0]};
    struct pt_bundle *a = pt_bundle_new(forward, 5), *b = pt_bundle_new(backward, 5);
    size_t len;
    const Patronus__V1__Entry *const *entries = pt_bundle_entries(b, &len);
    ck_assert(pt_digest_equal(pt_bundle_digest(a), pt_bundle_digest(b)));
    ck_assert_uint_eq(len, 5);
    ck_assert_int_eq(entries[0]->entry_case, PATRONUS__V1__ENTRY__ENTRY_NODE);
    ck_assert_int_eq(entries[1]->entry_case, PATRONUS__V1__ENTRY__ENTRY_LAN);
    ck_assert_uint_eq(entries[2]->route->vni, 1); /* numbers order as numbers */
    ck_assert_uint_eq(entries[3]->route->vni, 256);
    ck_assert_int_eq(entries[4]->entry_case, PATRONUS__V1__ENTRY__ENTRY_RULE);
    pt_bundle_unref(a);
    pt_bundle_unref(b);
}
END_TEST

START_TEST(a_bundle_owns_copies_and_the_last_of_equal_keys_wins)
{
    struct maker m[2];
    Patronus__V1__Entry *entries[] = {make_route(&m[0], 1, 1, 5), make_route(&m[1], 1, 1, 6)};
    struct pt_bundle *bundle = pt_bundle_new(entries, 2);
    size_t len;
    memset(m, 0xee, sizeof(m));
    const Patronus__V1__Entry *const *got = pt_bundle_entries(bundle, &len);
    ck_assert_uint_eq(len, 1);
    ck_assert_uint_eq(got[0]->route->site_label, 6);
    pt_bundle_unref(bundle);
}
END_TEST

/* Random bundles; each is rebuilt from its predecessor and the difference, and must equal one made from scratch. */
START_TEST(a_difference_rebuilds_the_bundle)
{
    enum { ROUTES = 60, ROUNDS = 200 };
    uint32_t labels[ROUTES] = {0}; /* 0: absent. The trivial twin. */
    struct pt_bundle *base = pt_bundle_new(NULL, 0);
    for (int round = 0; round < ROUNDS; round++) {
        struct maker m[ROUTES];
        Patronus__V1__Entry *entries[ROUTES];
        size_t len = 0;
        for (uint32_t change = next_random() % 6; change > 0; change--) {
            labels[next_random() % ROUTES] = next_random() % 4;
        }
        for (uint8_t i = 0; i < ROUTES; i++) {
            if (labels[i] != 0) {
                entries[len] = make_route(&m[len], 3, i, labels[i]);
                len++;
            }
        }
        struct pt_bundle *want = pt_bundle_new(entries, len), *got = NULL;
        Patronus__V1__Bundle *message = over_the_wire(want, round % 7 == 0 ? NULL : base, NULL);
        ck_assert_uint_le(message->n_entries + message->n_removed, round % 7 == 0 ? ROUTES : 6);
        struct pt_error error = {0};
        ck_assert_msg(pt_bundle_apply(base, message, &got, &error) == PT_OK, "%s", error.text);
        ck_assert(pt_digest_equal(pt_bundle_digest(got), pt_bundle_digest(want)));
        size_t got_len;
        (void)pt_bundle_entries(got, &got_len);
        ck_assert_uint_eq(got_len, len);
        patronus__v1__bundle__free_unpacked(message, NULL);
        pt_bundle_unref(want);
        pt_bundle_unref(base);
        base = got;
    }
    pt_bundle_unref(base);
}
END_TEST

START_TEST(what_is_planned_anew_shares_what_did_not_change)
{
    struct maker m[6];
    Patronus__V1__Entry *first[] = {make_route(&m[0], 1, 1, 5), make_route(&m[1], 1, 2, 5), make_route(&m[2], 1, 3, 5)};
    Patronus__V1__Entry *second[] = {make_route(&m[3], 1, 4, 5), make_route(&m[4], 1, 2, 5),
                                     make_route(&m[5], 1, 3, 6)};
    struct pt_bundle *before = pt_bundle_new(first, 3), *scratch = pt_bundle_new(second, 3);
    struct pt_bundle *after = pt_bundle_new_like(before, second, 3);
    size_t len;
    const Patronus__V1__Entry *const *was = pt_bundle_entries(before, &len);
    const Patronus__V1__Entry *const *is = pt_bundle_entries(after, &len);
    ck_assert_uint_eq(len, 3);
    ck_assert(pt_digest_equal(pt_bundle_digest(after), pt_bundle_digest(scratch)));
    ck_assert_ptr_eq(is[0], was[1]); /* 2 is the same, 3 has another site, 4 is new */
    ck_assert_ptr_ne(is[1], was[2]);
    ck_assert_uint_eq(is[1]->route->site_label, 6);
    pt_bundle_unref(before);
    ck_assert_uint_eq(is[0]->route->site_label, 5); /* it lives on */
    pt_bundle_unref(after);
    pt_bundle_unref(scratch);
}
END_TEST

START_TEST(what_does_not_fit_is_refused)
{
    struct maker m[2];
    Patronus__V1__Entry *one = make_route(&m[0], 1, 1, 5), *two = make_route(&m[1], 1, 2, 5);
    struct pt_bundle *a = pt_bundle_new(&one, 1), *b = pt_bundle_new(&two, 1), *got = NULL;
    struct pt_error error = {0};

    Patronus__V1__Bundle *message = over_the_wire(b, a, NULL);
    ck_assert_int_eq(pt_bundle_apply(b, message, &got, &error), PT_FAILED_PRECONDITION);
    ck_assert_int_eq(pt_bundle_apply(NULL, message, &got, &error), PT_FAILED_PRECONDITION);
    message->header->digest.data[3] ^= 1;
    ck_assert_int_eq(pt_bundle_apply(a, message, &got, &error), PT_INVALID_ARGUMENT);
    ck_assert_str_eq(error.field, "bundle.header.digest");
    message->header->digest.len = 31;
    ck_assert_int_eq(pt_bundle_apply(a, message, &got, &error), PT_INVALID_ARGUMENT);
    message->header->digest.len = 32;
    patronus__v1__bundle__free_unpacked(message, NULL);

    /* the same key twice, and an entry of a kind from the future */
    Patronus__V1__BundleHeader header = PATRONUS__V1__BUNDLE_HEADER__INIT;
    struct pt_digest digest = *pt_bundle_digest(a);
    header.digest = (ProtobufCBinaryData){.len = 32, .data = digest.bytes};
    Patronus__V1__Bundle by_hand = PATRONUS__V1__BUNDLE__INIT;
    Patronus__V1__Entry empty = PATRONUS__V1__ENTRY__INIT;
    Patronus__V1__Entry *twice[] = {one, one}, *unknown[] = {&empty};
    by_hand.header = &header;
    by_hand.entries = twice;
    by_hand.n_entries = 2;
    ck_assert_int_eq(pt_bundle_apply(NULL, &by_hand, &got, &error), PT_INVALID_ARGUMENT);
    by_hand.entries = unknown;
    by_hand.n_entries = 1;
    ck_assert_int_eq(pt_bundle_apply(NULL, &by_hand, &got, &error), PT_INVALID_ARGUMENT);
    by_hand.header = NULL;
    ck_assert_int_eq(pt_bundle_apply(NULL, &by_hand, &got, &error), PT_INVALID_ARGUMENT);
    ck_assert_ptr_null(got);
    pt_bundle_unref(a);
    pt_bundle_unref(b);
}
END_TEST

START_TEST(removed_entries_carry_only_their_key)
{
    struct maker m;
    Patronus__V1__Entry *entry = make_route(&m, 1, 1, 5);
    struct pt_bundle *base = pt_bundle_new(&entry, 1), *empty = pt_bundle_new(NULL, 0);
    Patronus__V1__Bundle *message = over_the_wire(empty, base, NULL);
    ck_assert_uint_eq(message->n_removed, 1);
    ck_assert_uint_eq(message->removed[0]->route->site_label, 0);
    ck_assert_uint_eq(message->removed[0]->route->prefix_len, 32);
    patronus__v1__bundle__free_unpacked(message, NULL);
    pt_bundle_unref(base);
    pt_bundle_unref(empty);
}
END_TEST

START_TEST(a_signature_covers_every_field_of_the_header)
{
    uint8_t private_seed[PT_SIGN_PRIVATE_SIZE] = {1, 2, 3}, public_key[PT_SIGN_PUBLIC_SIZE];
    uint8_t signature[PT_SIGNATURE_SIZE], digest[32] = {9};
    Patronus__V1__BundleHeader header = PATRONUS__V1__BUNDLE_HEADER__INIT;
    Patronus__V1__BundlePosition position = PATRONUS__V1__BUNDLE_POSITION__INIT;
    position.term = 4;
    header.position = &position;
    header.digest = (ProtobufCBinaryData){.len = 32, .data = digest};
    pt_sign_keypair(private_seed, public_key);
    ck_assert(!pt_bundle_verify(&header, public_key));
    pt_bundle_sign(&header, private_seed, signature);
    ck_assert_uint_eq(header.signature.len, PT_SIGNATURE_SIZE);
    ck_assert(pt_bundle_verify(&header, public_key));
    position.term = 5;
    ck_assert(!pt_bundle_verify(&header, public_key));
    position.term = 4;
    digest[31] = 1;
    ck_assert(!pt_bundle_verify(&header, public_key));
    digest[31] = 0;
    header.revision = 1;
    ck_assert(!pt_bundle_verify(&header, public_key));
    header.revision = 0;
    ck_assert(pt_bundle_verify(&header, public_key));
    signature[0] ^= 1;
    ck_assert(!pt_bundle_verify(&header, public_key));
}
END_TEST

START_TEST(positions_order_by_epoch_term_generation)
{
    Patronus__V1__BundlePosition a = PATRONUS__V1__BUNDLE_POSITION__INIT, b = PATRONUS__V1__BUNDLE_POSITION__INIT;
    a.generation = 1;
    ck_assert_int_eq(pt_bundle_position_compare(&a, &b), 1);
    b.term = 1;
    ck_assert_int_eq(pt_bundle_position_compare(&a, &b), -1);
    a.epoch = 1;
    ck_assert_int_eq(pt_bundle_position_compare(&a, &b), 1);
    b = a;
    ck_assert_int_eq(pt_bundle_position_compare(&a, &b), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bundle");
    TCase *tc = tcase_create("bundle");
    tcase_add_test(tc, the_digest_is_as_the_schema_says);
    tcase_add_test(tc, entries_are_in_key_order_whatever_the_input_order);
    tcase_add_test(tc, a_bundle_owns_copies_and_the_last_of_equal_keys_wins);
    tcase_add_test(tc, a_difference_rebuilds_the_bundle);
    tcase_add_test(tc, what_is_planned_anew_shares_what_did_not_change);
    tcase_add_test(tc, what_does_not_fit_is_refused);
    tcase_add_test(tc, removed_entries_carry_only_their_key);
    tcase_add_test(tc, a_signature_covers_every_field_of_the_header);
    tcase_add_test(tc, positions_order_by_epoch_term_generation);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
