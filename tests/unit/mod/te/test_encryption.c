/* Plain Geneve by policy and never by accident: which paths are sealed, which segments refuse those that are not, and
 * what a packet is told of it. */
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

int main(void)
{
    Suite *suite = suite_create("te encryption");
    TCase *tcase = tcase_create("encryption");
    tcase_add_loop_test(tcase, a_segment_that_requires_a_seal_refuses_a_plain_path, 0,
                        (int)(sizeof(rows) / sizeof(rows[0])));
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
