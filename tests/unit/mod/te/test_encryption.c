/* Plain Geneve by policy and never by accident: which paths are sealed, which segments refuse those that are not, and
 * what a packet is told of it; and the public keys and ciphers that nodes are told. */
#include "fixture.h"

#include "mod/te/simulate.h"

static bool alive(void *arg, uint64_t path_id, struct te_measure *ret_measure)
{
    (void)arg;
    (void)path_id;
    *ret_measure = (struct te_measure){.alive = true, .rtt_us = 10000};
    return true;
}

static const Patronus__V1__SimulateSteeringResponse *ask(struct fixture *f)
{
    static const char json[] = "{\"site\":\"" ORG "/sites/s00\",\"segment\":\"" ORG
                               "/segments/corp\",\"destination\":\"10.1.0.9\",\"protocol\":6}";
    const struct pt_message_type *type = pt_schema_message(f->schema, "patronus.v1.SimulateSteeringRequest");
    const struct te_measures measures = {.find = alive};
    struct pt_msg *request = NULL;
    Patronus__V1__SimulateSteeringResponse *response = NULL;
    struct pt_error error = {0};
    ck_assert_int_eq(pt_json_read(f->schema, type, json, strlen(json), &f->arena, &request, &error), PT_OK);
    ck_assert_msg(te_simulate(&f->pass, &measures, request, &f->arena, &response, &error) == PT_OK, "%s", error.text);
    return response;
}

/* Of node 0's bundle: all paths are sealed or none, and so are the routes to both sites. */
static void check_bundle(struct fixture *f, bool paths_sealed, bool routes_sealed)
{
    size_t paths = 0, routes = 0;
    for (size_t i = 0; i < f->pass.nodes[0]->entries_len; i++) {
        const Patronus__V1__Entry *entry = f->pass.nodes[0]->entries[i];
        if (entry->entry_case == PATRONUS__V1__ENTRY__ENTRY_PATH) {
            ck_assert_int_eq(entry->path->sealed, paths_sealed);
            ck_assert_uint_eq(entry->path->mtu, 1500 - 36 - (paths_sealed ? 32 : 0));
            paths++;
        } else if (entry->entry_case == PATRONUS__V1__ENTRY__ENTRY_ROUTE) {
            ck_assert_int_eq(entry->route->sealed, routes_sealed);
            routes++;
        }
    }
    ck_assert_uint_eq(paths, 1);
    ck_assert_uint_eq(routes, 2);
}

struct row {
    const char *segment, *here, *there; /* encryption; "": not said */
    bool path_sealed, route_sealed, refused;
};

static const struct row rows[] = {
    {"", "", "", true, false, false},
    {"", "PLAIN", "", true, false, false}, /* one end is not enough */
    {"", "", "PLAIN", true, false, false},
    {"", "PLAIN", "PLAIN", false, false, false},
    {"BY_LINK", "PLAIN", "PLAIN", false, false, false},
    {"BY_LINK", "PLAIN", "SEALED", true, false, false},
    {"REQUIRED", "", "", true, true, false},
    {"REQUIRED", "PLAIN", "", true, true, false},
    {"REQUIRED", "", "PLAIN", true, true, false},
    {"REQUIRED", "PLAIN", "PLAIN", false, true, true},
};

static const char *link_member(const char *encryption)
{
    return strcmp(encryption, "PLAIN") == 0    ? ",\"encryption\":\"PLAIN\""
           : strcmp(encryption, "SEALED") == 0 ? ",\"encryption\":\"SEALED\""
                                               : "";
}

START_TEST(a_segment_that_requires_a_seal_refuses_a_plain_path)
{
    const struct row *row = &rows[_i];
    struct fixture f;
    fixture_init(&f);
    put_basics(&f);
    if (row->segment[0] != '\0') {
        put(&f, "segment",
            "{\"name\":\"" ORG "/segments/corp\",\"fabric\":\"" ORG "/fabrics/f\",\"vni\":7,\"encryption\":\"%s\"}",
            row->segment);
    }
    for (unsigned i = 0; i < 2; i++) {
        put_site(&f, i);
        put_link(&f, i, 0, "inet", link_member(i == 0 ? row->here : row->there));
    }
    pass_ok(&f);
    check_bundle(&f, row->path_sealed, row->route_sealed);
    const Patronus__V1__SimulateSteeringResponse *r = ask(&f);
    ck_assert_uint_eq(r->n_paths, 1);
    ck_assert(r->paths[0]->chosen);
    if (row->refused) {
        ck_assert_int_eq(r->verdict, PATRONUS__V1__SIMULATED_VERDICT__DROPPED);
        ck_assert_str_eq(r->reason, "plain_refused");
        ck_assert_str_eq(r->paths[0]->reason, "chosen, but plain: the segment refuses to send by it");
    } else {
        ck_assert_int_eq(r->verdict, PATRONUS__V1__SIMULATED_VERDICT__BY_PATH);
        ck_assert_str_eq(r->reason, "");
    }
    fixture_fini(&f);
}
END_TEST

/* ---- keys ------------------------------------------------------------------------------------------------------- */

#define KEY "00112233445566778899aabbccddeeff0f1e2d3c4b5a69788796a5b4c3d2e1f0" /* site 1's */

static void put_key(struct fixture *f, const char *key)
{
    put(f, "edge",
        "{\"name\":\"" ORG "/sites/s01/edges/e\",\"nodeId\":\"edge/x1\",\"tunnelPublicKey\":\"%s\",\"lanInterfaces\":["
        "{\"interface\":\"lan0\",\"segment\":\"" ORG "/segments/corp\",\"prefixes\":[\"10.1.0.0/24\"]}]}",
        key);
}

/* What node 0 is told of site 1 (label 2); NULL: nothing. */
static const Patronus__V1__PeerEntry *peer_of(const struct fixture *f)
{
    const Patronus__V1__PeerEntry *peer = NULL;
    for (size_t i = 0; i < f->pass.nodes[0]->entries_len; i++) {
        const Patronus__V1__Entry *entry = f->pass.nodes[0]->entries[i];
        if (entry->entry_case == PATRONUS__V1__ENTRY__ENTRY_PEER) {
            ck_assert_ptr_null(peer);
            peer = entry->peer;
        }
    }
    return peer;
}

/* Loop: the fabric's cipher; 0: not said. The numbers are those that the tunnel process knows (crypto/aead.h). */
START_TEST(a_peer_is_its_site_s_public_key_and_the_fabric_s_cipher)
{
    static const char *const ciphers[] = {"", "AES_128_GCM", "AES_256_GCM", "CHACHA20_POLY1305"};
    static const uint32_t wanted[] = {2, 1, 2, 3};
    struct fixture f;
    fixture_init(&f);
    put_basics(&f);
    if (_i > 0) {
        put(&f, "fabric", "{\"name\":\"" ORG "/fabrics/f\",\"cipher\":\"%s\"}", ciphers[_i]);
    }
    for (unsigned i = 0; i < 2; i++) {
        put_site(&f, i);
        put_link(&f, i, 0, "inet", "");
    }
    put_key(&f, KEY);
    pass_ok(&f);
    const Patronus__V1__PeerEntry *peer = peer_of(&f);
    ck_assert_ptr_nonnull(peer);
    ck_assert_uint_eq(peer->site_label, 2);
    ck_assert_uint_eq(peer->cipher, wanted[_i]);
    ck_assert_uint_eq(peer->public_key.len, 32);
    for (size_t i = 0; i < 32; i++) {
        char byte[3];
        snprintf(byte, sizeof(byte), "%02x", peer->public_key.data[i]);
        ck_assert_mem_eq(byte, &KEY[2 * i], 2);
    }
    fixture_fini(&f);
}
END_TEST

/* A node that has no key yet, or half of one, is nobody's peer; its paths stay sealed all the same, and carry nothing.
 */
START_TEST(without_a_key_there_is_no_peer_and_no_plain_path)
{
    static const char *const keys[] = {"", "00112233",
                                       "zz112233445566778899aabbccddeeff0f1e2d3c4b5a69788796a5b4c3d2e1f0"};
    struct fixture f;
    fixture_init_sites(&f, 2);
    put_key(&f, keys[_i]);
    pass_ok(&f);
    ck_assert_ptr_null(peer_of(&f));
    check_bundle(&f, true, false);
    fixture_fini(&f);
}
END_TEST

/* A denied node may be in other hands: nobody is its peer or has a path to it, until that is over. */
START_TEST(nobody_keeps_a_tunnel_to_a_denied_node)
{
    struct fixture f;
    size_t paths = 0;
    fixture_init_sites(&f, 2);
    put_key(&f, KEY);
    put(&f, "deniedIdentity",
        "{\"name\":\"deniedIdentities/stolen\",\"identity\":\"spiffe://c/edge/" ORG "/sites/s01/edges/e\"%s}",
        _i == 0 ? "" : ",\"expireTime\":\"1970-01-01T00:00:00Z\"");
    pass_ok(&f);
    ck_assert_str_eq(f.pass.nodes[0]->edge, ORG "/sites/s00/edges/e");
    for (size_t i = 0; i < f.pass.nodes[0]->entries_len; i++) {
        paths += f.pass.nodes[0]->entries[i]->entry_case == PATRONUS__V1__ENTRY__ENTRY_PATH;
    }
    ck_assert_uint_eq(paths, _i == 0 ? 0 : 1);
    ck_assert((peer_of(&f) == NULL) == (_i == 0));
    fixture_fini(&f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("te encryption");
    TCase *tcase = tcase_create("encryption");
    tcase_add_loop_test(tcase, a_segment_that_requires_a_seal_refuses_a_plain_path, 0,
                        (int)(sizeof(rows) / sizeof(rows[0])));
    tcase_add_loop_test(tcase, a_peer_is_its_site_s_public_key_and_the_fabric_s_cipher, 0, 4);
    tcase_add_loop_test(tcase, nobody_keeps_a_tunnel_to_a_denied_node, 0, 2);
    tcase_add_loop_test(tcase, without_a_key_there_is_no_peer_and_no_plain_path, 0, 3);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
