/*
 * Watches under random writes: what a reader pieces together from initial state, events, pauses and resumed streams
 * must be the state, and the events must be the history, each once and in order.
 */
#include "fixture.h"

#include "kind/machine.h"

#include <malloc.h>

static struct fixture fx;

static void setup(void)
{
    fx_init(&fx);
    ck_assert_int_eq(fx_set_meta(&fx, PT_META_CLUSTER_ID, "c-test"), PT_OK);
}

static void teardown(void)
{
    fx_fini(&fx);
}

/* ---- a reader ------------------------------------------------------------------------------------------------- */

struct reader {
    struct pt_watch *watch;
    Patronus__V1__WatchEvent *events[20000];
    size_t len;
    size_t room; /* events taken before the queue is said to be full */
    struct pt_error error;
    bool ended;
    char token[256]; /* the newest */
};

static bool on_event(void *arg, struct pt_bytes event)
{
    struct reader *reader = arg;
    Patronus__V1__WatchEvent *parsed = patronus__v1__watch_event__unpack(NULL, event.size, event.data);
    ck_assert_ptr_nonnull(parsed);
    ck_assert_uint_lt(reader->len, 20000);
    reader->events[reader->len++] = parsed;
    if (parsed->resume_token[0] != '\0') {
        (void)snprintf(reader->token, sizeof(reader->token), "%s", parsed->resume_token);
    }
    reader->room -= reader->room > 0;
    return reader->room > 0;
}

static void on_error(void *arg, const struct pt_error *error)
{
    struct reader *reader = arg;
    reader->error = *error;
    reader->ended = true;
}

static enum pt_code reader_open(struct reader *reader, const char *json)
{
    const struct pt_message_type *type = pt_schema_message(fx.schema, "patronus.v1.WatchRequest");
    char *text = strdup(json);
    for (char *c = text; *c != '\0'; c++) {
        *c = *c == '\'' ? '"' : *c;
    }
    struct pt_msg *request = NULL;
    struct pt_error error = {0};
    ck_assert_msg(pt_json_read(fx.schema, type, text, strlen(text), &fx.arena, &request, &error) == PT_OK, "%s %s",
                  text, error.text);
    free(text);
    PT_AUTO(buf) struct pt_buf bytes = {0};
    pt_msg_encode(request, &bytes);
    reader->room = SIZE_MAX;
    reader->ended = false;
    const struct pt_watch_options options = {
        .request = pt_buf_bytes(&bytes), .on_event = on_event, .on_error = on_error, .arg = reader};
    size_t before = reader->len;
    enum pt_code code = pt_watch_open(fx.machine, &options, &reader->watch, &reader->error);
    ck_assert_uint_eq(reader->len, before); /* nothing comes from within open */
    return code;
}

static void reader_close(struct reader *reader)
{
    pt_watch_close(reader->watch);
    reader->watch = NULL;
}

static void reader_free(struct reader *reader)
{
    reader_close(reader);
    for (size_t i = 0; i < reader->len; i++) {
        patronus__v1__watch_event__free_unpacked(reader->events[i], NULL);
    }
    free(reader);
}

static struct reader *reader_new(void)
{
    struct reader *reader = calloc(1, sizeof(*reader));
    ck_assert_ptr_nonnull(reader);
    return reader;
}

/* ---- what was written ----------------------------------------------------------------------------------------- */

struct written {
    struct {
        uint64_t revision;
        uint32_t ordinal, verb;
        char name[64];
    } items[20000];
    size_t len;
};

static struct written written;

static void on_applied(void *arg, uint64_t applied_index, const struct pt_watch_event *events, size_t len)
{
    (void)arg;
    (void)applied_index;
    for (size_t i = 0; i < len; i++) {
        ck_assert_uint_lt(written.len, 20000);
        written.items[written.len].revision = events[i].revision;
        written.items[written.len].ordinal = events[i].ordinal;
        written.items[written.len].verb = events[i].verb;
        (void)snprintf(written.items[written.len].name, 64, "%s", events[i].name);
        written.len++;
    }
}

/* One random change; some are refused, some change nothing, some are transactions of several. */
static void write_one(void)
{
    fx.time_ns += 1000000;
    uint64_t id = fx_random(&fx, 8);
    switch (fx_random(&fx, 5)) {
    case 0:
        (void)fx_call(&fx, "CreateOrganization", "{'organizationId':'o%d','organization':{'labels':{'a':'%d'}}}",
                      (int)id, (int)fx_random(&fx, 2));
        break;
    case 1:
        (void)fx_call(&fx, "UpdateOrganization", "{'organization':{'name':'organizations/o%d','labels':{'a':'%d'}}}",
                      (int)id, (int)fx_random(&fx, 2));
        break;
    case 2:
    case 3:
        (void)fx_call(&fx, "CreateSite", "{'parent':'organizations/o%d','siteId':'s%d'}", (int)id,
                      (int)fx_random(&fx, 4));
        break;
    default:
        (void)fx_call(&fx, "DeleteOrganization", "{'name':'organizations/o%d','force':true}", (int)id);
        break;
    }
}

/* Events from position `at` on are exactly the history from `from` on, bookmarks left out. */
static void compare_events(const struct reader *reader, size_t at, size_t from)
{
    for (size_t i = at; i < reader->len; i++) {
        const Patronus__V1__WatchEvent *event = reader->events[i];
        if (event->type == PATRONUS__V1__WATCH_EVENT_TYPE__BOOKMARK) {
            continue;
        }
        ck_assert_uint_lt(from, written.len);
        ck_assert_uint_eq(event->revision, written.items[from].revision);
        ck_assert_str_eq(event->name, written.items[from].name);
        ck_assert_int_eq(event->type, (int)written.items[from].verb); /* the numbers agree */
        bool last = from + 1 == written.len || written.items[from + 1].revision != written.items[from].revision;
        ck_assert_int_eq(event->resume_token[0] != '\0', last); /* a token at the end of each transaction only */
        from++;
    }
    ck_assert_uint_eq(from, written.len);
}

/* ---- tests
 * ------------------------------------------------------------------------------------------------------------------------
 */

START_TEST(events_are_the_history_each_once)
{
    written.len = 0;
    pt_kind_on_applied(fx.machine, on_applied, NULL);
    struct reader *reader = reader_new();
    ck_assert_int_eq(reader_open(reader, "{}"), PT_OK);
    for (unsigned i = 0; i < 1500; i++) {
        write_one();
        if (fx_random(&fx, 4) == 0) {
            fx_run(&fx, 10);
        }
        if (fx_random(&fx, 40) == 0) { /* slow: full after a few, room again later */
            reader->room = 1 + fx_random(&fx, 3);
        } else if (fx_random(&fx, 40) == 0) {
            reader->room = SIZE_MAX;
            pt_watch_resume(reader->watch);
        } else if (fx_random(&fx, 60) == 0 && reader->token[0] != '\0') { /* gone and back with its token */
            size_t len = reader->len;
            reader_close(reader);
            while (len > 0 && reader->events[len - 1]->resume_token[0] == '\0') {
                len--; /* what came behind the last token comes again */
                patronus__v1__watch_event__free_unpacked(reader->events[len], NULL);
            }
            reader->len = len;
            char request[300];
            (void)snprintf(request, sizeof(request), "{'resumeToken':'%s'}", reader->token);
            ck_assert_int_eq(reader_open(reader, request), PT_OK);
        }
    }
    reader->room = SIZE_MAX;
    pt_watch_resume(reader->watch);
    fx_run(&fx, 10);
    ck_assert(!reader->ended);
    ck_assert_uint_gt(written.len, 500);
    compare_events(reader, 0, 0);
    reader_free(reader);
}
END_TEST

/* Gone and back, with the newest token that is worth anything; what came behind that comes again. */
static void reader_move(struct reader *reader, const char *filter)
{
    reader_close(reader);
    while (reader->len > 0 && reader->events[reader->len - 1]->resume_token[0] == '\0') {
        patronus__v1__watch_event__free_unpacked(reader->events[--reader->len], NULL);
    }
    char request[400];
    (void)snprintf(request, sizeof(request), "{'resumeToken':'%s'%s}", reader->len > 0 ? reader->token : "", filter);
    ck_assert_int_eq(reader_open(reader, request), PT_OK);
}

/* Far more has happened than is read at once, transactions of hundreds of changes among it. Everybody gets all of it:
 * who takes it in one go, who stops in the midst of transactions, who leaves there and comes back, and who wants to see
 * a part only. */
START_TEST(a_long_history_is_read_in_pieces_without_a_gap)
{
    enum { ALL, SLOW, LEAVING, SITES, READERS };
    static const char *const filters[READERS] = {"", "", "", ",'kinds':['sites']"};
    struct reader *readers[READERS];
    written.len = 0;
    pt_kind_on_applied(fx.machine, on_applied, NULL);
    FX_OK(&fx, "CreateOrganization", "{'organizationId':'seen'}");
    for (unsigned i = 0; i < READERS; i++) { /* each has a token of its own */
        char request[100];
        readers[i] = reader_new();
        (void)snprintf(request, sizeof(request), "{%s}", filters[i][0] != '\0' ? filters[i] + 1 : "");
        ck_assert_int_eq(reader_open(readers[i], request), PT_OK);
    }
    FX_OK(&fx, "CreateSite", "{'parent':'organizations/seen','siteId':'first'}");
    fx_run(&fx, 10);
    for (unsigned round = 0; round < 3; round++) {
        FX_OK(&fx, "CreateOrganization", "{'organizationId':'big'}");
        for (unsigned i = 0; i < 400; i++) {
            FX_OK(&fx, "CreateSite", "{'parent':'organizations/big','siteId':'s%u'}", i);
        }
        FX_OK(&fx, "DeleteOrganization", "{'name':'organizations/big','force':true}"); /* 401 in one */
    }
    readers[SLOW]->room = readers[LEAVING]->room = 7;
    for (unsigned i = 0; i < 200; i++) { /* by itself: what was read last is read again from within a transaction */
        fx_run(&fx, 10);
        readers[SLOW]->room = 1 + i % 50;
        pt_watch_resume(readers[SLOW]->watch);
    }
    for (unsigned i = 0; i < 300; i++) {
        fx_run(&fx, 10);
        if (readers[LEAVING]->room == 0) {
            readers[LEAVING]->room = SIZE_MAX;
            reader_move(readers[LEAVING], filters[LEAVING]);
            readers[LEAVING]->room = 300 + i; /* more each time, or one transaction would keep it for ever */
        }
    }
    readers[SLOW]->room = readers[LEAVING]->room = SIZE_MAX;
    pt_watch_resume(readers[SLOW]->watch);
    pt_watch_resume(readers[LEAVING]->watch);
    fx_run(&fx, 10);
    for (unsigned i = 0; i < READERS; i++) {
        ck_assert(!readers[i]->ended);
        if (i != SITES) {
            compare_events(readers[i], 0, 1);
        }
    }
    ck_assert_uint_eq(readers[SITES]->len, 1 + 3 * 800);
    for (unsigned i = 0; i < READERS; i++) {
        reader_free(readers[i]);
    }
}
END_TEST

START_TEST(initial_state_is_of_one_revision)
{
    written.len = 0;
    pt_kind_on_applied(fx.machine, on_applied, NULL);
    for (unsigned i = 0; i < 300; i++) {
        write_one();
    }
    uint64_t count = 0;
    ck_assert_int_eq(pt_store_count(pt_kind_store(fx.machine), 0, "", &count, NULL), PT_OK);
    static const uint32_t unseen[] = {PT_KIND_TRASH, PT_KIND_REVISION, PT_KIND_KEPT_CHANGE};
    for (size_t i = 0; i < sizeof(unseen) / sizeof(unseen[0]); i++) { /* what is kept in nobody's sight */
        uint64_t kept = 0;
        ck_assert_int_eq(pt_store_count(pt_kind_store(fx.machine), unseen[i], "", &kept, NULL), PT_OK);
        count -= kept;
    }
    struct reader *reader = reader_new();
    ck_assert_int_eq(reader_open(reader, "{'sendInitial':true}"), PT_OK);
    uint64_t opened = fx.index;
    size_t from = written.len;
    reader->room = 3; /* the reader is slow, and much happens meanwhile */
    fx_run(&fx, 10);
    for (unsigned i = 0; i < 300; i++) {
        write_one();
    }
    reader->room = SIZE_MAX;
    pt_watch_resume(reader->watch);
    fx_run(&fx, 10);
    for (uint64_t i = 0; i < count; i++) {
        ck_assert_int_eq(reader->events[i]->type, PATRONUS__V1__WATCH_EVENT_TYPE__ADDED);
        ck_assert_uint_le(reader->events[i]->revision, opened);
        ck_assert(i == 0 || strcmp(reader->events[i - 1]->name, reader->events[i]->name) != 0);
    }
    ck_assert_int_eq(reader->events[count]->type, PATRONUS__V1__WATCH_EVENT_TYPE__BOOKMARK);
    ck_assert_uint_eq(reader->events[count]->revision, opened);
    compare_events(reader, count + 1, from);
    reader_free(reader);
}
END_TEST

START_TEST(an_event_holds_the_resource)
{
    struct reader *reader = reader_new();
    ck_assert_int_eq(reader_open(reader, "{}"), PT_OK);
    FX_OK(&fx, "CreateOrganization", "{'organizationId':'acme','organization':{'displayName':'Acme'}}");
    struct pt_msg *created = fx.reply;
    FX_OK(&fx, "DeleteOrganization", "{'name':'organizations/acme'}");
    fx_run(&fx, 10);
    ck_assert_uint_eq(reader->len, 2);
    for (size_t i = 0; i < 2; i++) { /* a deletion holds the last state */
        ck_assert_str_eq(reader->events[i]->resource->type_url, "type.googleapis.com/patronus.v1.Organization");
        fx_take_reply(
            &fx, created->type,
            (struct pt_bytes){reader->events[i]->resource->value.data, reader->events[i]->resource->value.len});
        ck_assert(pt_msg_equal(fx.reply, created));
    }
    ck_assert_int_eq(reader->events[1]->type, PATRONUS__V1__WATCH_EVENT_TYPE__DELETED);
    reader_free(reader);
}
END_TEST

/* Many readers, of whom some see less: each gets his own. They send some a turn, so that others get a turn between. */
START_TEST(many_readers_share_and_take_turns)
{
    enum { READERS = 600 };
    static const char *const requests[] = {"{}", "{'kinds':['sites']}", "{'filter':'labels.a = 1'}", "{}"};
    static const size_t expected[] = {4, 1, 2, 4}; /* by filter: a creation, and what no longer fits */
    struct reader *readers[READERS];
    for (size_t i = 0; i < READERS; i++) {
        readers[i] = reader_new();
        ck_assert_int_eq(reader_open(readers[i], requests[i % 4]), PT_OK);
    }
    fx_run(&fx, 10);
    FX_OK(&fx, "CreateOrganization", "{'organizationId':'acme','organization':{'labels':{'a':'1'}}}");
    FX_OK(&fx, "UpdateOrganization", "{'organization':{'name':'organizations/acme','labels':{'a':'2'}}}");
    FX_OK(&fx, "CreateSite", "{'parent':'organizations/acme','siteId':'s'}");
    FX_OK(&fx, "DeleteOrganization", "{'name':'organizations/acme','force':true}");
    size_t served = 0, most = 0;
    while (pt_sim_step(fx.sim, pt_sim_now_ns(fx.sim) + 10000000)) { /* one task or timer at a time */
        size_t now = 0;
        for (size_t i = 0; i < READERS; i++) {
            now += readers[i]->len > 0;
        }
        most = now - served > most ? now - served : most;
        served = now;
    }
    ck_assert_uint_eq(served, READERS);
    ck_assert_uint_le(most, 256);
    for (size_t i = 0; i < READERS; i++) {
        size_t least = expected[i % 4]; /* and who goes with the organization */
        ck_assert_uint_ge(readers[i]->len, least);
        const struct reader *first = readers[i % 4];
        ck_assert_uint_eq(readers[i]->len, first->len);
        for (size_t n = 0; n < first->len; n++) {
            ck_assert_str_eq(readers[i]->events[n]->name, first->events[n]->name);
            ck_assert_int_eq(readers[i]->events[n]->type, first->events[n]->type);
            ck_assert_str_eq(readers[i]->events[n]->resume_token, first->events[n]->resume_token);
        }
    }
    for (size_t i = 0; i < READERS; i++) {
        reader_free(readers[i]);
    }
}
END_TEST

START_TEST(kinds_parents_and_filters_choose)
{
    fx_world(&fx);
    struct reader *by_kind = reader_new();
    struct reader *by_parent = reader_new();
    struct reader *by_filter = reader_new();
    struct reader *across = reader_new();
    ck_assert_int_eq(reader_open(by_kind, "{'kinds':['sites']}"), PT_OK);
    ck_assert_int_eq(reader_open(by_parent, "{'parent':'organizations/acme/sites/nyc'}"), PT_OK);
    ck_assert_int_eq(reader_open(by_filter, "{'kinds':['sites'],'filter':'labels.tier = gold'}"), PT_OK);
    ck_assert_int_eq(reader_open(across, "{'parent':'organizations/-/sites/sfo'}"), PT_OK);
    FX_OK(&fx, "UpdateSite", "{'site':{'name':'organizations/acme/sites/nyc','labels':{'tier':'gold'}}}");
    FX_OK(&fx, "UpdateSite", "{'site':{'name':'organizations/acme/sites/nyc','labels':{'tier':'tin'}}}");
    FX_OK(&fx, "UpdateLink", "{'link':{'name':'organizations/acme/sites/nyc/links/inet','provider':'x'}}");
    FX_OK(&fx, "UpdateSite", "{'site':{'name':'organizations/acme/sites/sfo','location':'x'}}");
    fx_run(&fx, 10);
    ck_assert_uint_eq(by_kind->len, 3);
    ck_assert_uint_eq(by_parent->len, 3);
    ck_assert_uint_eq(across->len, 1);
    ck_assert_uint_eq(by_filter->len, 3);
    ck_assert_int_eq(by_filter->events[0]->type, PATRONUS__V1__WATCH_EVENT_TYPE__MODIFIED);
    ck_assert_int_eq(by_filter->events[1]->type, PATRONUS__V1__WATCH_EVENT_TYPE__DELETED);
    ck_assert_int_eq(by_filter->events[2]->type, PATRONUS__V1__WATCH_EVENT_TYPE__DELETED);
    reader_free(by_kind);
    reader_free(by_parent);
    reader_free(by_filter);
    reader_free(across);
}
END_TEST

START_TEST(bad_requests_are_refused)
{
    struct reader *reader = reader_new();
    ck_assert_int_eq(reader_open(reader, "{'kinds':['things']}"), PT_INVALID_ARGUMENT);
    ck_assert_int_eq(reader_open(reader, "{'kinds':['tunnels']}"), PT_INVALID_ARGUMENT);
    ck_assert_int_eq(reader_open(reader, "{'filter':'a ='}"), PT_INVALID_ARGUMENT);
    ck_assert_int_eq(reader->error.reason, PT_REASON_FILTER_INVALID);
    ck_assert_int_eq(reader_open(reader, "{'filter':'colour = red'}"), PT_INVALID_ARGUMENT);
    ck_assert_int_eq(reader_open(reader, "{'resumeToken':'nonsense'}"), PT_INVALID_ARGUMENT);
    ck_assert_int_eq(reader->error.reason, PT_REASON_RESUME_TOKEN_INVALID);
    reader_free(reader);
}
END_TEST

START_TEST(a_token_is_good_for_its_history_only)
{
    struct reader *reader = reader_new();
    ck_assert_int_eq(reader_open(reader, "{'sendInitial':true}"), PT_OK);
    fx_run(&fx, 10);
    reader_close(reader);
    char request[300];
    (void)snprintf(request, sizeof(request), "{'resumeToken':'%s'}", reader->token);
    ck_assert_int_eq(fx_set_meta(&fx, PT_META_CLUSTER_EPOCH, "\x01\x02\x03\x04\x05\x06\x07\x08"), PT_OK);
    ck_assert_int_eq(reader_open(reader, request), PT_OUT_OF_RANGE);
    ck_assert_int_eq(reader->error.reason, PT_REASON_HISTORY_COMPACTED);
    ck_assert_int_eq(fx_set_meta(&fx, PT_META_CLUSTER_ID, "c-other"), PT_OK);
    ck_assert_int_eq(reader_open(reader, request), PT_INVALID_ARGUMENT);
    ck_assert_int_eq(reader->error.reason, PT_REASON_RESUME_TOKEN_INVALID);
    reader_free(reader);
}
END_TEST

START_TEST(history_that_is_gone_is_out_of_range)
{
    pt_kind_close(fx.machine);
    fx.options.history_len_max = 100;
    fx_open_machine(&fx);
    struct reader *resumed = reader_new();
    struct reader *paused = reader_new();
    ck_assert_int_eq(reader_open(resumed, "{'sendInitial':true}"), PT_OK);
    ck_assert_int_eq(reader_open(paused, "{}"), PT_OK);
    paused->room = 1;
    fx_run(&fx, 10);
    reader_close(resumed);
    for (unsigned i = 0; i < 600; i++) {
        FX_OK(&fx, "UpdateOrganization",
              "{'organization':{'name':'organizations/o','displayName':'%u'},"
              "'allowMissing':true}",
              i);
        fx_run(&fx, 10);
    }
    char request[300];
    (void)snprintf(request, sizeof(request), "{'resumeToken':'%s'}", resumed->token);
    ck_assert_int_eq(reader_open(resumed, request), PT_OUT_OF_RANGE);
    ck_assert_int_eq(resumed->error.reason, PT_REASON_HISTORY_COMPACTED);
    ck_assert(!paused->ended);
    paused->room = SIZE_MAX;
    pt_watch_resume(paused->watch);
    fx_run(&fx, 10);
    ck_assert(paused->ended);
    ck_assert_int_eq(paused->error.code, PT_OUT_OF_RANGE);
    reader_free(resumed);
    reader_free(paused);
}
END_TEST

START_TEST(a_quiet_stream_gets_bookmarks)
{
    struct reader *reader = reader_new();
    ck_assert_int_eq(reader_open(reader, "{'bookmarkInterval':'2s'}"), PT_OK);
    fx_run(&fx, 7000);
    ck_assert_uint_eq(reader->len, 3);
    ck_assert_int_eq(reader->events[0]->type, PATRONUS__V1__WATCH_EVENT_TYPE__BOOKMARK);
    ck_assert_str_ne(reader->events[0]->resume_token, "");
    reader_free(reader);
}
END_TEST

/* The stream moves to a node that has not applied as much yet: it waits there. */
START_TEST(a_stream_resumes_on_a_node_that_is_behind)
{
    FX_OK(&fx, "CreateOrganization", "{'organizationId':'a'}");
    struct pt_error error = {0};
    ck_assert_int_eq(pt_store_snapshot(pt_kind_store(fx.machine), "/data/snapshot", &error), PT_OK);
    uint64_t behind = fx.index;
    struct reader *reader = reader_new();
    ck_assert_int_eq(reader_open(reader, "{}"), PT_OK);
    FX_OK(&fx, "CreateOrganization", "{'organizationId':'b'}");
    fx_run(&fx, 10);
    ck_assert_uint_eq(reader->len, 1);
    reader_close(reader);
    ck_assert_int_eq(pt_kind_restore(fx.machine, "/data/snapshot", &error), PT_OK); /* as the other node is */
    fx.index = behind;
    char request[300];
    (void)snprintf(request, sizeof(request), "{'resumeToken':'%s'}", reader->token);
    ck_assert_int_eq(reader_open(reader, request), PT_OK);
    fx_run(&fx, 10);
    FX_OK(&fx, "CreateOrganization", "{'organizationId':'b'}"); /* the entry that the first node had */
    fx_run(&fx, 10);
    ck_assert_uint_eq(reader->len, 1);
    FX_OK(&fx, "CreateOrganization", "{'organizationId':'c'}");
    fx_run(&fx, 10);
    ck_assert_uint_eq(reader->len, 2);
    ck_assert_str_eq(reader->events[1]->name, "organizations/c");
    reader_free(reader);
}
END_TEST

/* What is copied for a reader who does not come is not kept for ever, and not for any number of them. */
START_TEST(initial_state_is_bounded_and_not_left_lying)
{
    PT_AUTO(buf) struct pt_buf annotations = {0};
    char value[4001];
    memset(value, 'x', 4000);
    value[4000] = '\0';
    for (unsigned i = 0; i < 60; i++) {
        pt_buf_printf(&annotations, "%s'a%u':'%s'", i > 0 ? "," : "", i, value);
    }
    pt_buf_append_u8(&annotations, 0);
    for (unsigned i = 0; i < 64; i++) { /* 240 KB each */
        FX_OK(&fx, "CreateOrganization", "{'organizationId':'big%u','organization':{'annotations':{%s}}}", i,
              (const char *)annotations.data);
        pt_arena_fini(&fx.arena);
    }
    struct reader *readers[5];
    for (unsigned i = 0; i < 5; i++) {
        readers[i] = reader_new();
        enum pt_code code = reader_open(readers[i], "{'sendInitial':true,'bookmarkInterval':'86400s'}");
        ck_assert_int_eq(code, i < 4 ? PT_OK : PT_EXHAUSTED); /* 64 MiB in all */
        readers[i]->room = 1;
    }
    ck_assert_uint_gt(readers[4]->error.retry_ms, 0);
    fx_run(&fx, 10);
    readers[0]->room = SIZE_MAX; /* one comes for the rest in time */
    pt_watch_resume(readers[0]->watch);
    fx_run(&fx, 1000);
    ck_assert_uint_ge(readers[0]->len, 64);
    ck_assert_int_eq(reader_open(readers[4], "{'sendInitial':true}"), PT_OK); /* and makes room */
    fx_run(&fx, 100000);
    ck_assert(!readers[0]->ended && !readers[4]->ended);
    for (unsigned i = 1; i < 4; i++) {
        ck_assert(readers[i]->ended);
        ck_assert_int_eq(readers[i]->error.code, PT_ABORTED);
    }
    for (unsigned i = 0; i < 5; i++) {
        reader_free(readers[i]);
    }
    ck_assert_uint_eq(fx.machine->initial_size, 0);
}
END_TEST

static bool take_one(void *arg, struct pt_bytes event)
{
    unsigned *seen = arg;
    (void)event;
    ++*seen;
    return false; /* full, and it stays so */
}

/* A thousand readers who take one event and no more: another one gets all, and nothing is held for them. What so many
 * changes take anyhow is measured first, without them. */
START_TEST(a_thousand_that_stopped_hold_nothing)
{
    enum { READERS = 1000, CHANGES = 1000 };
    static struct pt_watch *watches[READERS];
    static unsigned seen[READERS];
    size_t grown[2];
    struct reader *reader = reader_new();
    ck_assert_int_eq(reader_open(reader, "{}"), PT_OK);
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; round == 1 && i < READERS; i++) {
            seen[i] = 0;
            const struct pt_watch_options options = {
                .request = {(const uint8_t *)"", 0}, .on_event = take_one, .arg = &seen[i]};
            ck_assert_int_eq(pt_watch_open(fx.machine, &options, &watches[i], NULL), PT_OK);
        }
        size_t before = mallinfo2().uordblks;
        for (unsigned i = 0; i < CHANGES; i++) {
            FX_OK(&fx, "UpdateOrganization",
                  "{'organization':{'name':'organizations/o','displayName':'%u %u'},'allowMissing':true}", round, i);
            fx_run(&fx, 10);
        }
        size_t after = mallinfo2().uordblks;
        grown[round] = after > before ? after - before : 0;
    }
    ck_assert_uint_eq(reader->len, 2 * CHANGES);
    for (unsigned i = 0; i < READERS; i++) {
        ck_assert_uint_eq(seen[i], 1);
        pt_watch_close(watches[i]);
    }
    ck_assert_msg(grown[1] < grown[0] + READERS * (size_t)1024, "%zu bytes without them, %zu with", grown[0], grown[1]);
    reader_free(reader);
}
END_TEST

START_TEST(a_restore_ends_what_was_of_the_former_history)
{
    struct pt_error error = {0};
    ck_assert_int_eq(pt_store_snapshot(pt_kind_store(fx.machine), "/data/backup", &error), PT_OK);
    ck_assert_int_eq(fx_set_meta(&fx, PT_META_CLUSTER_EPOCH, "\1\1\1\1\1\1\1\1"), PT_OK);
    struct reader *reader = reader_new();
    ck_assert_int_eq(reader_open(reader, "{}"), PT_OK);
    fx_run(&fx, 10);
    ck_assert_int_eq(pt_kind_restore(fx.machine, "/data/backup", &error), PT_OK);
    ck_assert(reader->ended);
    ck_assert_int_eq(reader->error.code, PT_OUT_OF_RANGE);
    ck_assert_int_eq(reader->error.reason, PT_REASON_HISTORY_COMPACTED);
    reader_free(reader);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("kind/watch");
    TCase *tests = tcase_create("watch");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, events_are_the_history_each_once);
    tcase_add_test(tests, a_long_history_is_read_in_pieces_without_a_gap);
    tcase_add_test(tests, initial_state_is_of_one_revision);
    tcase_add_test(tests, an_event_holds_the_resource);
    tcase_add_test(tests, many_readers_share_and_take_turns);
    tcase_add_test(tests, kinds_parents_and_filters_choose);
    tcase_add_test(tests, bad_requests_are_refused);
    tcase_add_test(tests, a_token_is_good_for_its_history_only);
    tcase_add_test(tests, history_that_is_gone_is_out_of_range);
    tcase_add_test(tests, a_quiet_stream_gets_bookmarks);
    tcase_add_test(tests, a_stream_resumes_on_a_node_that_is_behind);
    tcase_add_test(tests, initial_state_is_bounded_and_not_left_lying);
    tcase_add_test(tests, a_thousand_that_stopped_hold_nothing);
    tcase_add_test(tests, a_restore_ends_what_was_of_the_former_history);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
