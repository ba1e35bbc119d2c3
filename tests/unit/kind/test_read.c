/*
 * Reads: pages, order, filters, wildcards, the overlay of SOFT fields, views; and views of the state for checks and
 * plan.
 */
#include "fixture.h"

#include <pthread.h>

static struct fixture fx;
static unsigned seed;

static void setup(void)
{
    fx_init(&fx);
    fx_world(&fx);
    seed = 1;
}

static void teardown(void)
{
    fx_fini(&fx);
}

/* ids of the page, joined by spaces */
static const char *ids(const char *field)
{
    const struct pt_msg_field *page = pt_msg_field(fx.reply, field);
    const char *text = "";
    for (size_t i = 0; page != NULL && i < page->len; i++) {
        text = pt_arena_printf(&fx.arena, "%s%s%s", text, i > 0 ? " " : "",
                               pt_name_id(pt_msg_str(page->values[i].message, "name")));
    }
    return text;
}

START_TEST(filters_choose_by_equality)
{
    static const struct {
        const char *filter, *ids;
    } cases[] = {
        {"", "nyc one sfo two"},
        {"region = us", "one two"},
        {"region = \\'us\\' AND admin_state = DRAINED", "two"},
        {"adminState=DRAINED", "two"},
        {"admin_state = ADMIN_STATE_UNSPECIFIED", "nyc one sfo"},
        {"labels.tier = gold", "one"},
        {"labels.a.b = \\'x y\\'", "two"},
        {"site_label = 3", "one"},
        {"site_label = 003", "one"},
        {"name = \\'organizations/acme/sites/sfo\\'", "sfo"},
        {"  location = \\'\\'  AND region = us ", "one two"},
        {"display_name = \\'\\\\\\'q\\\\\\'\\'", "one"}, /* "\"q\"" */
    };
    FX_OK(&fx, "CreateSite",
          "{'parent':'organizations/acme','siteId':'one','site':{'region':'us','labels':"
          "{'tier':'gold'},'displayName':'\\'q\\''}}");
    FX_OK(&fx, "CreateSite",
          "{'parent':'organizations/acme','siteId':'two','site':{'region':'us','labels':"
          "{'a.b':'x y'},'adminState':'DRAINED'}}");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        FX_OK(&fx, "ListSites", "{'parent':'organizations/acme','filter':'%s'}", cases[i].filter);
        ck_assert_msg(strcmp(ids("sites"), cases[i].ids) == 0, "%s: %s", cases[i].filter, ids("sites"));
    }
}
END_TEST

START_TEST(wrong_queries_are_refused)
{
    static const struct {
        const char *query, *field;
        enum pt_reason reason;
    } cases[] = {
        {"'filter':'colour = red'", "filter", PT_REASON_FILTER_INVALID},
        {"'filter':'region'", "filter", PT_REASON_FILTER_INVALID},
        {"'filter':'region > us'", "filter", PT_REASON_FILTER_INVALID},
        {"'filter':'region = us OR region = eu'", "filter", PT_REASON_FILTER_INVALID},
        {"'filter':'region = \\'us'", "filter", PT_REASON_FILTER_INVALID},
        {"'filter':'region = us AND'", "filter", PT_REASON_FILTER_INVALID},
        {"'filter':'admin_state = SLEEPING'", "filter", PT_REASON_FILTER_INVALID},
        {"'filter':'site_label = many'", "filter", PT_REASON_FILTER_INVALID},
        {"'filter':'labels = x'", "filter", PT_REASON_FILTER_INVALID},
        {"'filter':'conditions = x'", "filter", PT_REASON_FILTER_INVALID},
        {"'orderBy':'colour'", "order_by", PT_REASON_FIELD_INVALID},
        {"'orderBy':'region down'", "order_by", PT_REASON_FIELD_INVALID},
        {"'orderBy':'labels'", "order_by", PT_REASON_FIELD_INVALID},
        {"'pageSize':-1", "page_size", PT_REASON_FIELD_INVALID},
        {"'pageToken':'nonsense'", "page_token", PT_REASON_PAGE_TOKEN_INVALID},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        FX_FAIL(&fx, PT_INVALID_ARGUMENT, cases[i].reason, cases[i].field, "ListSites",
                "{'parent':'organizations/acme',%s}", cases[i].query);
    }
    FX_FAIL(&fx, PT_NOT_FOUND, PT_REASON_PARENT_NOT_FOUND, "parent", "ListSites", "{'parent':'organizations/none'}");
    FX_FAIL(&fx, PT_INVALID_ARGUMENT, PT_REASON_NAME_INVALID, "parent", "ListSites", "{}");
    FX_FAIL(&fx, PT_INVALID_ARGUMENT, PT_REASON_NAME_INVALID, "name", "GetSite", "{'name':'organizations/acme'}");
}
END_TEST

static void make_sites(unsigned len)
{
    for (unsigned i = 0; i < len; i++) {
        FX_OK(&fx, "CreateSite",
              "{'parent':'organizations/acme','siteId':'s%u','site':{'region':'r%u','labels':"
              "{'n':'%u'}}}",
              i, i % 7, i);
    }
}

/* Walk all pages; check order with `before`; return the number of resources. Between two pages something is made and
 * something deleted, in front of and behind the place. */
static unsigned walk_pages(const char *order_by, int (*compare)(const struct pt_msg *a, const struct pt_msg *b),
                           bool disturb)
{
    const char *token = "";
    const struct pt_msg *last = NULL;
    unsigned count = 0;
    unsigned pages = 0;
    do {
        FX_OK(&fx, "ListSites", "{'parent':'organizations/acme','pageSize':13,'orderBy':'%s','pageToken':'%s'}",
              order_by, token);
        const struct pt_msg_field *page = pt_msg_field(fx.reply, "sites");
        for (size_t i = 0; page != NULL && i < page->len; i++) {
            ck_assert(last == NULL || compare(last, page->values[i].message) < 0);
            last = page->values[i].message;
            count++;
        }
        token = pt_arena_strdup(&fx.arena, pt_msg_str(fx.reply, "next_page_token"));
        if (disturb && token[0] != '\0') {
            FX_OK(&fx, "DeleteSite", "{'name':'%s'}", pt_msg_str(last, "name")); /* the token's own place */
        }
        pages++;
    } while (token[0] != '\0');
    ck_assert_uint_gt(pages, 5);
    return count;
}

static int by_name(const struct pt_msg *a, const struct pt_msg *b)
{
    return strcmp(pt_msg_str(a, "name"), pt_msg_str(b, "name"));
}

static int by_name_desc(const struct pt_msg *a, const struct pt_msg *b)
{
    return -by_name(a, b);
}

static int by_region(const struct pt_msg *a, const struct pt_msg *b)
{
    int order = strcmp(pt_msg_str(a, "region"), pt_msg_str(b, "region"));
    return order != 0 ? order : by_name(a, b);
}

static int by_label_desc(const struct pt_msg *a, const struct pt_msg *b)
{
    uint64_t x = pt_msg_u64(a, "site_label");
    uint64_t y = pt_msg_u64(b, "site_label");
    return (x < y) - (x > y);
}

START_TEST(pages_follow_the_order_each_resource_once)
{
    make_sites(100);
    ck_assert_uint_eq(walk_pages("", by_name, false), 102);
    ck_assert_uint_eq(walk_pages("name desc", by_name_desc, false), 102);
    ck_assert_uint_eq(walk_pages("region", by_region, false), 102);
    ck_assert_uint_eq(walk_pages("site_label desc", by_label_desc, false), 102);
    ck_assert_uint_eq(walk_pages("create_time", by_name, false), 102); /* all of one instant: by name */
    ck_assert_uint_eq(walk_pages("name", by_name, true), 102);
}
END_TEST

START_TEST(a_page_token_fits_its_query_only)
{
    make_sites(30);
    FX_OK(&fx, "ListSites", "{'parent':'organizations/acme','pageSize':5}");
    const char *token = pt_msg_str(fx.reply, "next_page_token");
    FX_FAIL(&fx, PT_INVALID_ARGUMENT, PT_REASON_PAGE_TOKEN_INVALID, "page_token", "ListSites",
            "{'parent':'organizations/acme','pageSize':5,'orderBy':'region','pageToken':'%s'}", token);
    FX_FAIL(&fx, PT_INVALID_ARGUMENT, PT_REASON_PAGE_TOKEN_INVALID, "page_token", "ListSites",
            "{'parent':'organizations/-','pageSize':5,'pageToken':'%s'}", token);
    char *edited = pt_arena_strdup(&fx.arena, token);
    edited[15] = edited[15] == 'A' ? 'B' : 'A';
    FX_FAIL(&fx, PT_INVALID_ARGUMENT, PT_REASON_PAGE_TOKEN_INVALID, "page_token", "ListSites",
            "{'parent':'organizations/acme','pageSize':5,'pageToken':'%s'}", edited);
    FX_OK(&fx, "ListSites", "{'parent':'organizations/acme','pageSize':7,'pageToken':'%s'}", token);
    ck_assert_uint_eq(pt_msg_field(fx.reply, "sites")->len, 7); /* the size may change */
}
END_TEST

START_TEST(a_dash_reads_across_collections)
{
    FX_OK(&fx, "CreateOrganization", "{'organizationId':'other'}");
    FX_OK(&fx, "CreateSite", "{'parent':'organizations/other','siteId':'nyc'}");
    FX_OK(&fx, "CreateEdge", "{'parent':'organizations/other/sites/nyc','edgeId':'e2'}");
    FX_OK(&fx, "CreateEdge", "{'parent':'organizations/acme/sites/sfo','edgeId':'e3'}");
    FX_OK(&fx, "ListEdges", "{'parent':'organizations/-/sites/-'}");
    ck_assert_str_eq(ids("edges"), "e1 e3 e2");
    FX_OK(&fx, "ListEdges", "{'parent':'organizations/acme/sites/-'}");
    ck_assert_str_eq(ids("edges"), "e1 e3");
    FX_OK(&fx, "ListEdges", "{'parent':'organizations/-/sites/nyc'}");
    ck_assert_str_eq(ids("edges"), "e1 e2");
}
END_TEST

/* ---- overlay and views ---------------------------------------------------------------------------------------- */

static void overlay(void *context, struct pt_msg *resource, struct pt_arena *arena)
{
    (void)context;
    if (strcmp(resource->type->name, "Edge") == 0) {
        pt_msg_set_bool(resource, arena, "connected", true);
    }
}

static void list_view(void *context, const struct pt_message_type *kind, struct pt_arena *arena,
                      void (*emit)(void *arg, struct pt_msg *resource), void *arg)
{
    (void)context;
    for (unsigned i = 0; i < 5; i++) {
        struct pt_msg *msg = pt_msg_new(arena, kind);
        pt_msg_set_str(msg, arena, "name", pt_arena_printf(arena, "organizations/acme/tunnels/t%u", i));
        pt_msg_set_u64(msg, arena, "rtt_us", 100 - i);
        emit(arg, msg);
    }
}

static enum pt_code read_overlaid(const char *method_name, const char *field, const char *value, const char *filter)
{
    const struct pt_method_type *method = fx_method(&fx, method_name);
    struct pt_msg *request = pt_msg_new(&fx.arena, method->input);
    pt_msg_set_str(request, &fx.arena, field, value);
    if (filter != NULL) {
        pt_msg_set_str(request, &fx.arena, "filter", filter);
        pt_msg_set_str(request, &fx.arena, "order_by", strcmp(method->kind->name, "Tunnel") == 0 ? "rtt_us" : "");
    }
    const struct pt_soft_overlay soft = {.overlay = overlay, .list_view = list_view};
    PT_AUTO(buf) struct pt_buf reply = {0};
    enum pt_code code = pt_kind_read(fx.machine, NULL, method, request, &soft, &reply, &fx.error);
    if (code == PT_OK) {
        fx_take_reply(&fx, method->output, pt_buf_bytes(&reply));
    }
    return code;
}

START_TEST(soft_fields_are_overlaid_and_never_stored)
{
    ck_assert_int_eq(read_overlaid("GetEdge", "name", "organizations/acme/sites/nyc/edges/e1", NULL), PT_OK);
    ck_assert(pt_msg_bool(fx.reply, "connected"));
    ck_assert_int_eq(read_overlaid("ListEdges", "parent", "organizations/-/sites/-", "connected = true"), PT_OK);
    ck_assert_str_eq(ids("edges"), "e1");
    FX_OK(&fx, "GetEdge", "{'name':'organizations/acme/sites/nyc/edges/e1','stale':true}");
    ck_assert(!pt_msg_has(fx.reply, "connected"));
}
END_TEST

static void nothing_to_overlay(void *context, struct pt_msg *resource, struct pt_arena *arena)
{
    (void)context;
    (void)resource;
    (void)arena;
}

static void read_both_ways(const struct pt_method_type *method, const struct pt_msg *request)
{
    const struct pt_soft_overlay soft = {.overlay = nothing_to_overlay}; /* so that each resource is parsed */
    PT_AUTO(buf) struct pt_buf stored = {0};
    PT_AUTO(buf) struct pt_buf built = {0};
    ck_assert_int_eq(pt_kind_read(fx.machine, NULL, method, request, NULL, &stored, &fx.error), PT_OK);
    ck_assert_int_eq(pt_kind_read(fx.machine, NULL, method, request, &soft, &built, &fx.error), PT_OK);
    ck_assert_uint_eq(stored.size, built.size);
    ck_assert_mem_eq(stored.data, built.data, built.size);
    fx_take_reply(&fx, method->output, pt_buf_bytes(&stored));
}

/* Every page, without the overlay as the bytes lie in the store, and with one from parsed resources: the same reply. */
START_TEST(bytes_as_stored_are_the_reply)
{
    static const struct {
        const char *method, *parent;
        unsigned len;
    } lists[] = {{"ListSites", "organizations/acme", 32},       {"ListSites", "organizations/-", 35},
                 {"ListSites", "organizations/root", 3},        {"ListEdges", "organizations/acme/sites/-", 1},
                 {"ListSegments", "organizations/acme", 1},     {"ListApplications", "organizations/acme", 1},
                 {"ListEdges", "organizations/root/sites/-", 0}};
    for (unsigned i = 0; i < 33; i++) {
        FX_OK(&fx, "CreateSite", "{'parent':'organizations/%s','siteId':'v%u','site':{'annotations':{'v':'%0*u'}}}",
              i < 30 ? "acme" : "root", i, (int)i * 9 + 1, i);
    }
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        const struct pt_method_type *method = fx_method(&fx, lists[i].method);
        for (int page_size = 0; page_size < 40; page_size += 3) {
            struct pt_msg *request = pt_msg_new(&fx.arena, method->input);
            unsigned len = 0;
            pt_msg_set_str(request, &fx.arena, "parent", lists[i].parent);
            pt_msg_set_i64(request, &fx.arena, "page_size", page_size);
            do {
                read_both_ways(method, request);
                const struct pt_msg_field *page = pt_msg_field(fx.reply, method->output->fields[0].name);
                len += page != NULL ? (unsigned)page->len : 0;
                pt_msg_set_str(request, &fx.arena, "page_token", pt_msg_str(fx.reply, "next_page_token"));
            } while (pt_msg_str(request, "page_token")[0] != '\0');
            ck_assert_uint_eq(len, lists[i].len);
        }
    }
    const struct pt_method_type *get = fx_method(&fx, "GetSite");
    struct pt_msg *request = pt_msg_new(&fx.arena, get->input);
    pt_msg_set_str(request, &fx.arena, "name", "organizations/acme/sites/v7");
    read_both_ways(get, request);
}
END_TEST

START_TEST(views_are_made_by_the_overlay)
{
    ck_assert_int_eq(read_overlaid("ListTunnels", "parent", "organizations/acme", ""), PT_OK);
    ck_assert_str_eq(ids("tunnels"), "t4 t3 t2 t1 t0");
    ck_assert_int_eq(read_overlaid("ListTunnels", "parent", "organizations/acme", "rtt_us = 98"), PT_OK);
    ck_assert_str_eq(ids("tunnels"), "t2");
    ck_assert_int_eq(read_overlaid("GetTunnel", "name", "organizations/acme/tunnels/t3", NULL), PT_OK);
    ck_assert_uint_eq(pt_msg_u64(fx.reply, "rtt_us"), 97);
    ck_assert_int_eq(read_overlaid("GetTunnel", "name", "organizations/acme/tunnels/t9", NULL), PT_NOT_FOUND);
    FX_FAIL(&fx, PT_FAILED_PRECONDITION, PT_REASON_NO_LEADER, "stale", "ListTunnels",
            "{'parent':'organizations/acme'}");
}
END_TEST

/* ---- views of the state --------------------------------------------------------------------------------------- */

static bool count_one(void *arg, const char *name, const struct pt_msg *msg)
{
    ck_assert_str_eq(name, pt_msg_str(msg, "name"));
    ++*(unsigned *)arg;
    return true;
}

static void check_view(struct pt_view *view)
{
    unsigned count = 0;
    pt_view_scan(view, "link", "organizations/acme", count_one, &count);
    ck_assert_uint_eq(count, 1);
    count = 0;
    pt_view_scan(view, "link", "organizations/acm", count_one, &count); /* a prefix of an id is no parent */
    ck_assert_uint_eq(count, 0);
    count = 0;
    pt_view_scan(view, "organization", "", count_one, &count);
    ck_assert_uint_eq(count, 2);
    const struct pt_msg *link = pt_view_get(view, "organizations/acme/sites/nyc/links/inet");
    ck_assert_ptr_nonnull(link);
    ck_assert_str_eq(pt_msg_str(link, "underlay"), "internet");
    ck_assert_ptr_null(pt_view_get(view, "organizations/acme/sites/nyc/links/none"));
}

static void *check_on_thread(void *arg)
{
    check_view(arg);
    return NULL;
}

START_TEST(a_frozen_view_stays_as_it_was)
{
    struct pt_view *live = pt_view_new(fx.machine);
    struct pt_view *frozen = pt_view_new(fx.machine);
    FX_OK(&fx, "CreateEdge", "{'parent':'organizations/acme/sites/sfo','edgeId':'e','edge':{}}");
    check_view(live);
    pt_view_freeze(frozen);
    uint64_t revision = fx.index;
    FX_OK(&fx, "DeleteSite", "{'name':'organizations/acme/sites/sfo','force':true}");
    ck_assert_ptr_null(pt_view_get(live, "organizations/acme/sites/sfo"));
    ck_assert_ptr_nonnull(pt_view_get(frozen, "organizations/acme/sites/sfo"));
    ck_assert_uint_eq(pt_view_revision(frozen), revision);
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, check_on_thread, frozen), 0);
    check_view(frozen);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    pt_view_free(live);
    pt_view_free(frozen);
}
END_TEST

/* ---- chains of views -------------------------------------------------------------------------------------------- */

struct listed {
    const struct pt_view *other;
    size_t len;
};

/* Without what a frozen view leaves out. */
static struct pt_msg *lean(const struct pt_msg *msg)
{
    static const char *const left_out[] = {"annotations", "create_time", "display_name", "etag", "uid", "update_time"};
    struct pt_msg *copy = pt_msg_dup(msg, &fx.arena);
    for (size_t i = 0; i < sizeof(left_out) / sizeof(left_out[0]); i++) {
        if (pt_msg_has(copy, left_out[i])) {
            pt_msg_clear(copy, left_out[i]);
        }
    }
    return copy;
}

static bool same_in_other(void *arg, const char *name, const struct pt_msg *msg)
{
    struct listed *listed = arg;
    const struct pt_msg *other = pt_view_get((struct pt_view *)(uintptr_t)listed->other, name);
    ck_assert_msg(other != NULL && pt_msg_equal(lean(msg), lean(other)), "%s differs", name);
    listed->len++;
    return true;
}

static bool is_one(void *arg, const char *name, const struct pt_msg *msg)
{
    (void)name;
    (void)msg;
    *(bool *)arg = true;
    return false;
}

/* A frozen view has a site when it has an edge. */
static bool frozen_with_an_edge(void *arg, const char *name, const struct pt_msg *msg)
{
    struct listed *listed = arg; /* `other` is frozen, the site from a live view */
    struct pt_view *live = pt_view_new(fx.machine);
    bool has_edge = false;
    pt_view_scan(live, "edge", name, is_one, &has_edge);
    pt_view_free(live);
    const struct pt_msg *frozen = pt_view_get((struct pt_view *)(uintptr_t)listed->other, name);
    ck_assert_msg((frozen != NULL) == has_edge, "%s has %s edge", name, has_edge ? "an" : "no");
    ck_assert(frozen == NULL || pt_msg_equal(lean(msg), lean(frozen)));
    listed->len += has_edge;
    return true;
}

static void views_equal(struct pt_view *a, struct pt_view *b)
{
    static const char *const kinds[] = {"organization", "edge", "link", "segment"};
    struct listed sites = {.other = a};
    pt_view_scan(b, "site", "", frozen_with_an_edge, &sites);
    ck_assert_uint_eq(pt_view_count(a, "site"), sites.len);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct listed ab = {.other = b};
        struct listed ba = {.other = a};
        pt_view_scan(a, kinds[i], "", same_in_other, &ab);
        pt_view_scan(b, kinds[i], "", same_in_other, &ba);
        ck_assert_uint_eq(ab.len, ba.len);
    }
}

/* Some of twenty sites get a first or second edge, and some lose one. */
static void change_edges(void)
{
    for (int i = 0; i < 4; i++) {
        unsigned draw = (unsigned)rand_r(&seed);
        if (draw % 2 == 0) {
            FX_OK(&fx, "UpdateEdge", "{'edge':{'name':'organizations/acme/sites/v%d/edges/e%d'},'allowMissing':true}",
                  200 + draw / 2 % 20, draw / 64 % 2);
        } else {
            FX_OK(&fx, "DeleteEdge", "{'name':'organizations/acme/sites/v%d/edges/e%d','allowMissing':true}",
                  200 + draw / 2 % 20, draw / 64 % 2);
        }
    }
}

/* Each view is made from the one before, and compared with the state as it is read without one. More rows than one turn
 * copies; changes between the turns; more views than share batches. */
START_TEST(a_view_made_from_the_one_before_is_the_state)
{
    for (int i = 0; i < 700; i++) {
        FX_OK(&fx, "CreateSite", "{'parent':'organizations/acme','siteId':'v%d'}", i);
    }
    struct pt_view *before = NULL;
    for (int round = 0; round < 150; round++) {
        struct pt_view *view = pt_view_new(fx.machine);
        int turns = 1;
        for (; !pt_view_copy(view, before); turns++) {
            FX_OK(&fx, "DeleteSite", "{'name':'organizations/acme/sites/v0','allowMissing':true}");
            FX_OK(&fx, "UpdateSite",
                  "{'site':{'name':'organizations/acme/sites/aa','location':'%d'},'allowMissing':true}", round);
            change_edges();
        }
        ck_assert_int_eq(turns, before == NULL ? 2 : 1);
        pt_view_freeze(view);
        ck_assert_uint_eq(pt_view_revision(view), fx.index);
        struct pt_view *live = pt_view_new(fx.machine);
        views_equal(view, live);
        pt_view_free(live);
        pt_view_free(before);
        before = view;
        change_edges();
        FX_OK(&fx, "DeleteSite", "{'name':'organizations/acme/sites/v%d'}", round + 1);
        FX_OK(&fx, "UpdateSite",
              "{'site':{'name':'organizations/acme/sites/v%d','location':'%d'},'updateMask':'location'}",
              200 + round / 4, round);
        if (round % 40 == 39) { /* the state is replaced: nothing of the old view may be left */
            struct pt_error error = {0};
            ck_assert_int_eq(pt_store_snapshot(pt_kind_store(fx.machine), "/data/snapshot", &error), PT_OK);
            FX_OK(&fx, "DeleteSite", "{'name':'organizations/acme/sites/v699'}");
            ck_assert_int_eq(pt_kind_restore(fx.machine, "/data/snapshot", &error), PT_OK);
            pt_view_free(before);
            before = NULL;
        }
    }
    pt_view_free(before);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("kind/read");
    TCase *tests = tcase_create("read");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, filters_choose_by_equality);
    tcase_add_test(tests, wrong_queries_are_refused);
    tcase_add_test(tests, pages_follow_the_order_each_resource_once);
    tcase_add_test(tests, a_page_token_fits_its_query_only);
    tcase_add_test(tests, a_dash_reads_across_collections);
    tcase_add_test(tests, soft_fields_are_overlaid_and_never_stored);
    tcase_add_test(tests, bytes_as_stored_are_the_reply);
    tcase_add_test(tests, views_are_made_by_the_overlay);
    tcase_add_test(tests, a_frozen_view_stays_as_it_was);
    tcase_add_test(tests, a_view_made_from_the_one_before_is_the_state);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
