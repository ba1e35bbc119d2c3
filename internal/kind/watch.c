/*
 * Watch: the state as of one revision, then every change in log order, without gap or duplicate.
 *
 * A watch is a position in the replicated history and a filter. It never holds events back in memory: when its reader
 * is slow it stops reading, and goes on from history later, or ends with OUT_OF_RANGE when history has moved on.
 * Because every node keeps the same history, the position is as good on another node. The exception is the initial
 * state, which is copied when the watch is opened, so that it is of one revision however slowly it is read. These
 * copies are bounded in all, and a reader that leaves one lying is told to begin anew.
 *
 *   INITIAL --copied state sent, BOOKMARK--> LIVE        both may pause (reader full) and resume
 *
 * A transaction is delivered whole: its last event that fits the filter carries the resume token, the others none. All
 * sending happens from a timer, never from within open or apply, and in slices: of history, so that a long one does not
 * keep the loop, and of watches, PUMPED_LEN a turn. What a thousand of them send would otherwise be carried out in one
 * turn, and consensus waits for its end with its heartbeats.
 */
#include "kind/query.h"
#include "kind/recent.h"
#include "kind/token.h"

#include "base/assert.h"
#include "base/limits.h"
#include "patronus/v1/replication.pb-c.h"
#include "patronus/v1/watch.pb-c.h"

#include <stdlib.h>
#include <string.h>

#define SLICE_LEN PT_RECENT_LEN
#define PUMPED_LEN 256 /* watches that send in one turn of the loop; at 32, an event came a third later */
#define BOOKMARK_DEFAULT_MS 30000
#define BOOKMARK_MIN_MS 1000
#define BOOKMARK_SLACK_NS 500000000ULL  /* timers count from when they were looked at */
#define INITIAL_SIZE_MAX (64U << 20)    /* copied initial states of all watches that are still to be sent */
#define INITIAL_STALL_NS 60000000000ULL /* for so long a reader may leave one lying */
#define TYPE_URL_PREFIX "type.googleapis.com/"

struct pt_watch {
    struct pt_list node;             /* machine->watches */
    struct pt_machine_kind *machine; /* NULL once the machine is gone */
    struct pt_watch_options options;
    struct pt_arena arena;          /* the request and the caller */
    const struct pt_caller *caller; /* NULL: sees everything */
    bool bound;                     /* what comes is judged event by event */
    bool permitted;                 /* `watch` at the organization has been held */
    uint64_t access_revision;       /* as of which the caller was found good */
    const char *parent;
    const bool *kinds; /* by kind id */
    struct pt_filter filter;
    struct pt_history_id history;
    struct pt_position position; /* everything up to here has been sent or does not fit */
    size_t initial_counted;      /* bytes of it in machine->initial_size */
    struct pt_buf initial;       /* serialised events still to be sent, each behind its size (4 bytes) */
    size_t initial_at;
    bool initial_bookmark; /* a bookmark is due behind the initial state */
    bool paused, ended;
    uint64_t paused_ns; /* since when */
    uint64_t bookmark_every_ns, bookmarked_ns;
    struct pt_list pumping; /* in machine->pumping: has something to send */
    struct pt_timer *bookmarks;
};

/* ---- events --------------------------------------------------------------------------------------------------- */

struct outgoing {
    int type; /* Patronus__V1__WatchEventType */
    const struct pt_kind_info *info;
    const char *name;
    struct pt_bytes resource;
    struct pt_position position;
    bool token;                /* carries a resume token */
    struct pt_recent_row *row; /* it stems from; NULL: none */
};

static void pack_event(const struct pt_watch *watch, const struct outgoing *event, struct pt_buf *out)
{
    PT_AUTO(buf) struct pt_buf token = {0};
    PT_AUTO(buf) struct pt_buf url = {0};
    Patronus__V1__WatchEvent packed = PATRONUS__V1__WATCH_EVENT__INIT;
    Google__Protobuf__Any any = GOOGLE__PROTOBUF__ANY__INIT;
    packed.type = (Patronus__V1__WatchEventType)event->type;
    packed.revision = event->position.revision;
    if (event->info != NULL) {
        pt_buf_printf(&url, TYPE_URL_PREFIX "%s", event->info->type->full_name);
        any.type_url = (char *)url.data;
        any.value.data = (uint8_t *)(uintptr_t)event->resource.data;
        any.value.len = event->resource.size;
        packed.resource = &any;
        packed.name = (char *)(uintptr_t)event->name;
    }
    if (event->token) {
        pt_token_encode(&watch->history, event->position, &token);
        packed.resume_token = (char *)token.data;
    }
    size_t size = patronus__v1__watch_event__get_packed_size(&packed);
    out->size += patronus__v1__watch_event__pack(&packed, pt_buf_reserve(out, size));
}

/* False when the watch must stop sending for now (or was closed by its reader: then `watch` is gone; see sending). */
static bool emit(struct pt_watch *watch, struct pt_bytes event)
{
    if (!watch->options.on_event(watch->options.arg, event)) {
        watch->paused = true;
        watch->paused_ns = pt_sys_now_ns(watch->machine->sys);
    }
    return !watch->paused;
}

static void pump_soon(struct pt_watch *watch)
{
    if (pt_list_empty(&watch->pumping)) {
        pt_list_push_back(&watch->machine->pumping, &watch->pumping);
    }
    if (!pt_timer_active(watch->machine->pump)) {
        pt_timer_start(watch->machine->pump, 0, 0);
    }
}

static void end(struct pt_watch *watch, const struct pt_error *error)
{
    watch->ended = true;
    pt_list_remove(&watch->pumping);
    pt_timer_stop(watch->bookmarks);
    if (watch->options.on_error != NULL) {
        watch->options.on_error(watch->options.arg, error); /* may close the watch: touch it no more */
    }
}

/* ---- what fits ------------------------------------------------------------------------------------------------ */

static bool fits_place(const struct pt_watch *watch, uint32_t kind_id, const char *name)
{
    return kind_id < watch->machine->infos_len && watch->kinds[kind_id] && pt_name_below(watch->parent, name);
}

/* How a resource looks to the reader. */
enum sight {
    SIGHT_NONE,  /* he may not know of it */
    SIGHT_UNFIT, /* the filter does not match */
    SIGHT_FITS
};

/* The resource as the reader may see it, into arena memory. */
static enum pt_code see(const struct pt_watch *watch, const struct pt_kind_info *info, const char *name,
                        struct pt_bytes stored, struct pt_arena *arena, struct pt_bytes *ret_visible,
                        enum sight *ret_sight, struct pt_error *reterr)
{
    *ret_sight = SIGHT_FITS;
    *ret_visible = stored;
    if (!info->has_secret && watch->filter.len == 0 && !watch->bound) {
        return PT_OK;
    }
    const struct pt_row row = {.name = name, .kind_id = info->type->resource->kind_id, .value = stored};
    struct pt_msg *msg = NULL;
    PT_TRY(pt_kind_parse_row(watch->machine, &row, arena, &msg, reterr));
    if (watch->bound && !pt_permit_row(watch->machine, watch->caller, info, name, msg)) {
        *ret_sight = SIGHT_NONE;
        return PT_OK;
    }
    if (info->has_secret) {
        pt_msg_strip(msg, PT_OUTPUT_USER, true);
        PT_AUTO(buf) struct pt_buf bytes = {0};
        pt_msg_encode(msg, &bytes);
        *ret_visible = (struct pt_bytes){pt_arena_memdup(arena, bytes.data, bytes.size), bytes.size};
    }
    *ret_sight = pt_filter_match(&watch->filter, msg) ? SIGHT_FITS : SIGHT_UNFIT;
    return PT_OK;
}

/* ---- initial state -------------------------------------------------------------------------------------------- */

static void drop_initial(struct pt_watch *watch)
{
    if (watch->machine != NULL) {
        watch->machine->initial_size -= watch->initial_counted;
    }
    watch->initial_counted = 0;
    pt_buf_fini(&watch->initial);
    watch->initial_at = 0;
}

/* Count the copy; refuse it when there are too many. */
static enum pt_code count_initial(struct pt_watch *watch, struct pt_error *reterr)
{
    struct pt_machine_kind *machine = watch->machine;
    if (watch->initial.size <= INITIAL_SIZE_MAX && machine->initial_size <= INITIAL_SIZE_MAX - watch->initial.size) {
        watch->initial_counted = watch->initial.size;
        machine->initial_size += watch->initial.size;
        return PT_OK;
    }
    pt_buf_fini(&watch->initial);
    (void)pt_fail(
        reterr, PT_EXHAUSTED, PT_REASON_OVERLOADED, "send_initial",
        "too many watches are being sent what there is: try again in a few seconds, at another controller, or "
        "list and watch from there");
    if (reterr != NULL) {
        reterr->retry_ms = 5000;
    }
    return PT_EXHAUSTED;
}

static enum pt_code copy_initial(struct pt_watch *watch, struct pt_error *reterr)
{
    struct pt_arena arena;
    pt_arena_init(&arena);
    struct pt_row_list rows = {.arena = &arena};
    const struct pt_store_range range = {.parent = "", .after = ""};
    enum pt_code code = pt_kind_rows(watch->machine, &range, &rows, reterr);
    for (size_t i = 0; i < rows.len && code == PT_OK; i++) {
        const struct pt_row *row = &rows.rows[i];
        const struct pt_kind_info *info = pt_kind_info(watch->machine, row->kind_id);
        if (info == NULL || !fits_place(watch, row->kind_id, row->name)) {
            continue;
        }
        struct outgoing event = {.type = PATRONUS__V1__WATCH_EVENT_TYPE__ADDED,
                                 .info = info,
                                 .name = row->name,
                                 .position = {.revision = row->revision}};
        enum sight sight = SIGHT_NONE;
        code = see(watch, info, row->name, row->value, &arena, &event.resource, &sight, reterr);
        if (code == PT_OK && sight == SIGHT_FITS) {
            size_t at = watch->initial.size;
            pt_buf_append_be32(&watch->initial, 0);
            pack_event(watch, &event, &watch->initial);
            pt_put_be32(watch->initial.data + at, (uint32_t)(watch->initial.size - at - 4));
        }
    }
    pt_arena_fini(&arena);
    watch->initial_bookmark = true;
    return code == PT_OK ? count_initial(watch, reterr) : code;
}

static void send_bookmark(struct pt_watch *watch)
{
    PT_AUTO(buf) struct pt_buf bytes = {0};
    const struct outgoing event = {
        .type = PATRONUS__V1__WATCH_EVENT_TYPE__BOOKMARK, .position = watch->position, .token = true};
    pack_event(watch, &event, &bytes);
    (void)emit(watch, pt_buf_bytes(&bytes)); /* full or not, it is taken */
}

/* True when the initial state is behind us and the watch may go on. */
static bool pump_initial(struct pt_watch *watch)
{
    for (size_t sent = 0; watch->initial_at < watch->initial.size; sent++) {
        if (sent == SLICE_LEN) {
            pump_soon(watch);
            return false;
        }
        size_t size = pt_be32(watch->initial.data + watch->initial_at);
        struct pt_bytes event = {watch->initial.data + watch->initial_at + 4, size};
        watch->initial_at += 4 + size;
        if (!emit(watch, event)) {
            return false;
        }
    }
    drop_initial(watch);
    if (watch->initial_bookmark) {
        watch->initial_bookmark = false;
        send_bookmark(watch);
    }
    return !watch->paused;
}

/* ---- history -------------------------------------------------------------------------------------------------- */

struct slice {
    struct pt_watch *watch;
    struct pt_arena arena;
    struct outgoing *events; /* that fit */
    size_t len;
    struct pt_error error;
};

static int event_type(uint64_t verb, bool fits)
{
    if (verb == PATRONUS__V1__VERB__DELETE || !fits) {
        return PATRONUS__V1__WATCH_EVENT_TYPE__DELETED;
    }
    return verb == PATRONUS__V1__VERB__CREATE ? PATRONUS__V1__WATCH_EVENT_TYPE__ADDED
                                              : PATRONUS__V1__WATCH_EVENT_TYPE__MODIFIED;
}

/* Does the row go to this watch, and how? */
static enum pt_code look_at(struct slice *slice, struct pt_recent_row *row)
{
    struct pt_watch *watch = slice->watch;
    const struct pt_kind_info *info = row->info;
    if (!fits_place(watch, info->type->resource->kind_id, row->name)) {
        return PT_OK;
    }
    struct outgoing outgoing = {.info = info, .name = row->name, .position = row->position, .row = row};
    enum sight sight = SIGHT_NONE;
    PT_TRY(see(watch, info, row->name, row->resource, &slice->arena, &outgoing.resource, &sight, &slice->error));
    if (sight == SIGHT_NONE) {
        return PT_OK;
    }
    bool fits = sight == SIGHT_FITS;
    if (!fits && row->verb != PATRONUS__V1__VERB__UPDATE) {
        return PT_OK; /* never was in the stream; what an update made unfit may have been */
    }
    outgoing.type = event_type(row->verb, fits);
    slice->events[slice->len++] = outgoing;
    return PT_OK;
}

/* The message of an event; one that others get too is made once. */
static struct pt_bytes packed_event(const struct pt_watch *watch, const struct outgoing *event, struct pt_buf *scratch)
{
    struct pt_recent_row *row = event->row;
    bool shared = event->resource.data == row->resource.data && event->type == event_type(row->verb, true);
    if (shared && row->packed[event->token].size > 0) {
        return row->packed[event->token];
    }
    pt_buf_reset(scratch);
    pack_event(watch, event, scratch);
    if (shared) {
        row->packed[event->token] = (struct pt_bytes){
            pt_arena_memdup(&watch->machine->recent->arena, scratch->data, scratch->size), scratch->size};
    }
    return pt_buf_bytes(scratch);
}

static void send_slice(struct pt_watch *watch, const struct slice *slice, const struct pt_recent *recent)
{
    PT_AUTO(buf) struct pt_buf scratch = {0};
    for (size_t i = 0; i < slice->len; i++) {
        struct outgoing *event = &slice->events[i];
        event->token = i + 1 == slice->len || slice->events[i + 1].position.revision != event->position.revision;
        watch->position = event->position;
        if (!emit(watch, packed_event(watch, event, &scratch))) {
            return; /* the rest comes from history again */
        }
    }
    if (recent->seen > 0) {
        watch->position = recent->last;
    }
    if (recent->more) {
        pump_soon(watch);
    } else {
        /* Caught up: what is applied and did not fit need not be looked at again. */
        watch->position = (struct pt_position){.revision = watch->machine->applied_index, .ordinal = PT_ORDINAL_END};
    }
}

static enum pt_code read_slice(struct slice *slice, struct pt_recent **ret_recent)
{
    PT_TRY(pt_recent_read(slice->watch->machine, slice->watch->position, ret_recent, &slice->error));
    slice->events = pt_arena_array(&slice->arena, (*ret_recent)->len, sizeof(*slice->events));
    for (size_t i = 0; i < (*ret_recent)->len; i++) {
        PT_TRY(look_at(slice, &(*ret_recent)->rows[i]));
    }
    return PT_OK;
}

static void pump_history(struct pt_watch *watch)
{
    if (watch->position.revision > watch->machine->applied_index) {
        return; /* resumed on a node that is behind: it waits */
    }
    struct slice slice = {.watch = watch};
    struct pt_recent *recent = NULL;
    PT_ARENA_LENT(memory, 4096);
    pt_arena_init_lent(&slice.arena, memory, sizeof(memory));
    enum pt_code code = read_slice(&slice, &recent);
    if (code == PT_OK) {
        send_slice(watch, &slice, recent);
    }
    pt_arena_fini(&slice.arena);
    if (code == PT_OUT_OF_RANGE) {
        (void)pt_fail(&slice.error, PT_OUT_OF_RANGE, PT_REASON_HISTORY_COMPACTED, "resume_token",
                      "changes behind the token are no longer kept; list, then watch anew");
    }
    if (code != PT_OK) {
        end(watch, &slice.error);
    }
}

/* ---- the caller ----------------------------------------------------------------------------------------------- */

static void copy_caller(struct pt_watch *watch, const struct pt_caller *caller)
{
    struct pt_caller *copy = PT_NEW(&watch->arena, struct pt_caller);
    const char **groups = pt_arena_array(&watch->arena, caller->groups_len, sizeof(*groups));
    for (size_t i = 0; i < caller->groups_len; i++) {
        groups[i] = pt_arena_strdup(&watch->arena, caller->groups[i]);
    }
    *copy = (struct pt_caller){
        .principal = pt_arena_strdup(&watch->arena, caller->principal),
        .groups = groups,
        .groups_len = caller->groups_len,
        .api_key = pt_arena_strdup(&watch->arena, caller->api_key != NULL ? caller->api_key : ""),
        .source = pt_arena_strdup(&watch->arena, caller->source != NULL ? caller->source : ""),
    };
    watch->caller = copy;
    watch->bound = !pt_access_unbound(copy);
}

/* Where one organization is watched, the permission `watch` there decides; elsewhere each event is judged by itself.
 * Certificates of admins and controllers are not bound, but they can be revoked. */
static enum pt_code permit(struct pt_watch *watch, struct pt_error *reterr)
{
    struct pt_machine_kind *machine = watch->machine;
    if (watch->caller == NULL) {
        return PT_OK;
    }
    watch->access_revision = machine->access.revision;
    PT_TRY(pt_kind_authenticate(machine, watch->caller, machine->wall_ns, reterr));
    const struct pt_tenant *tenant = pt_tenant_of(machine, watch->parent);
    if (!watch->bound || watch->parent[0] == '\0' || tenant == NULL) {
        return PT_OK; /* an organization that does not exist, or is everybody's "-": nothing but what he may list */
    }
    const struct pt_ask ask = {
        .permission = pt_permission_number(&machine->access, "watch"), .tenant = tenant, .time_ns = machine->wall_ns};
    if (!watch->permitted && !pt_access_visible(machine, watch->caller, tenant, machine->wall_ns)) {
        return PT_OK; /* the same: silence */
    }
    watch->permitted = watch->permitted || pt_access_allowed(machine, watch->caller, &ask);
    return pt_access_allowed(machine, watch->caller, &ask)
               ? PT_OK
               : pt_fail(reterr, PT_PERMISSION_DENIED, PT_REASON_PERMISSION_MISSING, NULL,
                         "the caller lacks the permission 'watch' at %.80s", tenant->name);
}

static bool still_permitted(struct pt_watch *watch)
{
    struct pt_error error = {0};
    if (permit(watch, &error) == PT_OK) {
        return true;
    }
    end(watch, &error);
    return false;
}

static void pump(struct pt_watch *watch)
{
    if (!watch->ended && !still_permitted(watch)) {
        return; /* and may be gone */
    }
    if (!watch->ended && !watch->paused && pump_initial(watch)) {
        pump_history(watch);
    }
}

static void on_pump(void *arg)
{
    struct pt_machine_kind *machine = arg;
    struct pt_list *node = NULL;
    for (size_t i = 0; i < PUMPED_LEN && (node = pt_list_pop_front(&machine->pumping)) != NULL; i++) {
        pump(PT_CONTAINER(node, struct pt_watch, pumping));
    }
    if (!pt_list_empty(&machine->pumping)) {
        pt_timer_start(machine->pump, 0, 0);
    }
}

/* What lies there for a reader who does not come holds memory; a position in history holds none. */
static bool is_left_lying(const struct pt_watch *watch)
{
    return watch->paused && watch->initial.size > 0 &&
           pt_sys_now_ns(watch->machine->sys) - watch->paused_ns >= INITIAL_STALL_NS;
}

static void on_bookmark(void *arg)
{
    struct pt_watch *watch = arg;
    if (!watch->ended && !still_permitted(watch)) {
        return;
    }
    if (!watch->ended && is_left_lying(watch)) {
        struct pt_error error = {0};
        (void)pt_fail(&error, PT_ABORTED, PT_REASON_OVERLOADED, "send_initial",
                      "the reader has taken nothing for a minute, and the state that it was being sent is old by now: "
                      "begin anew");
        drop_initial(watch);
        end(watch, &error);
        return;
    }
    bool waiting = watch->initial.size > 0 || watch->initial_bookmark || !pt_list_empty(&watch->pumping);
    uint64_t now_ns = pt_sys_now_ns(watch->machine->sys);
    if (!watch->ended && !watch->paused && !waiting &&
        now_ns - watch->bookmarked_ns + BOOKMARK_SLACK_NS >= watch->bookmark_every_ns) {
        watch->bookmarked_ns = now_ns;
        send_bookmark(watch);
    }
}

/* ---- open and close ------------------------------------------------------------------------------------------- */

static enum pt_code named_kinds(const struct pt_watch *watch, const struct pt_msg_field *field, bool *kinds,
                                struct pt_error *reterr)
{
    for (size_t i = 0; i < field->len; i++) {
        const char *name = (const char *)field->values[i].bytes.data;
        const struct pt_message_type *kind = pt_schema_kind(watch->machine->schema, name);
        if (kind == NULL) {
            return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "kinds",
                           "there is no kind '%.100s'; write a plural, for example sites", name);
        }
        if (kind->resource->view) {
            return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "kinds",
                           "%.100s are computed by the leader and cannot be watched; list them", name);
        }
        PT_TRY(pt_filter_check(&watch->filter, kind, reterr));
        kinds[kind->resource->kind_id] = true;
    }
    return PT_OK;
}

/* Without kinds, every kind that has the fields of the filter. */
static enum pt_code fitting_kinds(const struct pt_watch *watch, bool *kinds, struct pt_error *reterr)
{
    bool found = false;
    for (size_t i = 0; i < watch->machine->infos_len; i++) {
        const struct pt_message_type *kind = watch->machine->infos[i].type;
        kinds[i] = kind != NULL && pt_filter_check(&watch->filter, kind, reterr) == PT_OK;
        found = found || kinds[i];
    }
    return found ? PT_OK : PT_INVALID_ARGUMENT; /* the last kind's complaint stands in reterr */
}

static enum pt_code read_kinds(struct pt_watch *watch, const struct pt_msg *request, struct pt_error *reterr)
{
    bool *kinds = pt_arena_array(&watch->arena, watch->machine->infos_len, sizeof(*kinds));
    const struct pt_msg_field *field = pt_msg_field(request, "kinds");
    if (field != NULL && field->len > 0) {
        PT_TRY(named_kinds(watch, field, kinds, reterr));
    } else {
        struct pt_error error = {0};
        enum pt_code code = fitting_kinds(watch, kinds, &error);
        if (code != PT_OK) {
            return pt_fail(reterr, code, error.reason, error.field, "%s", error.text);
        }
    }
    watch->kinds = kinds;
    return PT_OK;
}

static bool stop_at_once(void *arg, uint64_t revision, uint32_t ordinal, const char *name, struct pt_bytes data)
{
    (void)arg, (void)revision, (void)ordinal, (void)name, (void)data;
    return false;
}

static enum pt_code read_position(struct pt_watch *watch, const struct pt_msg *request, struct pt_error *reterr)
{
    struct pt_machine_kind *machine = watch->machine;
    const char *token = pt_msg_str(request, "resume_token");
    watch->position = (struct pt_position){.revision = machine->applied_index, .ordinal = PT_ORDINAL_END};
    if (token[0] == '\0') {
        return pt_msg_bool(request, "send_initial") ? copy_initial(watch, reterr) : PT_OK;
    }
    PT_TRY(pt_token_decode(&watch->history, token, &watch->position, reterr));
    if (watch->position.revision > machine->applied_index) {
        return PT_OK;
    }
    enum pt_code code = pt_store_history_scan(machine->store, watch->position.revision, watch->position.ordinal,
                                              stop_at_once, NULL, reterr);
    return code == PT_OUT_OF_RANGE ? pt_fail(reterr, PT_OUT_OF_RANGE, PT_REASON_HISTORY_COMPACTED, "resume_token",
                                             "changes behind the token are no longer kept; list, then watch anew")
                                   : code;
}

static uint64_t bookmark_ms(const struct pt_msg *request)
{
    int64_t interval_ns = pt_msg_time(request, "bookmark_interval");
    if (interval_ns <= 0) {
        return BOOKMARK_DEFAULT_MS;
    }
    uint64_t interval_ms = (uint64_t)interval_ns / 1000000;
    return interval_ms < BOOKMARK_MIN_MS ? BOOKMARK_MIN_MS : interval_ms;
}

static enum pt_code open_watch(struct pt_watch *watch, struct pt_error *reterr)
{
    struct pt_machine_kind *machine = watch->machine;
    const struct pt_message_type *type = pt_schema_message(machine->schema, "patronus.v1.WatchRequest");
    pt_assert(type != NULL);
    const struct pt_parse_options options = {.unknown = PT_UNKNOWN_REFUSE};
    struct pt_msg *request = NULL;
    PT_TRY(pt_msg_parse(type, watch->options.request, &options, &watch->arena, &request, reterr));
    watch->parent = pt_msg_str(request, "parent");
    if (strlen(watch->parent) > PT_NAME_SIZE_MAX) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_NAME_INVALID, "parent", "a name has at most %d bytes",
                       PT_NAME_SIZE_MAX);
    }
    if (watch->options.caller != NULL) {
        copy_caller(watch, watch->options.caller);
        PT_TRY(permit(watch, reterr));
    }
    PT_TRY(pt_filter_parse(pt_msg_str(request, "filter"), &watch->arena, &watch->filter, reterr));
    PT_TRY(read_kinds(watch, request, reterr));
    PT_TRY(pt_history_id_read(machine, &watch->history, reterr));
    if (watch->history.cluster_id[0] == '\0') {
        return pt_fail(reterr, PT_UNAVAILABLE, PT_REASON_NO_LEADER, NULL,
                       "this node has not caught up with its cluster yet: try again, or try another controller");
    }
    PT_TRY(read_position(watch, request, reterr));
    uint64_t interval_ms = bookmark_ms(request);
    pump_soon(watch);
    watch->bookmark_every_ns = interval_ms * 1000000;
    watch->bookmarked_ns = pt_sys_now_ns(machine->sys);
    uint64_t look_ms = interval_ms < BOOKMARK_DEFAULT_MS ? interval_ms : BOOKMARK_DEFAULT_MS;
    pt_timer_start(watch->bookmarks, look_ms, look_ms);
    return PT_OK;
}

enum pt_code pt_watch_open(struct pt_machine_kind *machine, const struct pt_watch_options *options,
                           struct pt_watch **ret_watch, struct pt_error *reterr)
{
    struct pt_watch *watch = calloc(1, sizeof(*watch));
    pt_assert(watch != NULL);
    watch->machine = machine;
    watch->options = *options;
    pt_arena_init(&watch->arena);
    pt_list_push_back(&machine->watches, &watch->node);
    pt_list_init(&watch->pumping);
    if (machine->pump == NULL) {
        machine->pump = pt_timer_new(machine->sys, on_pump, machine);
    }
    watch->bookmarks = pt_timer_new(machine->sys, on_bookmark, watch);
    enum pt_code code = open_watch(watch, reterr);
    if (code != PT_OK) {
        pt_watch_close(watch);
        return code;
    }
    watch->options.request = (struct pt_bytes){0}; /* was borrowed */
    watch->options.caller = NULL;
    *ret_watch = watch;
    return PT_OK;
}

bool pt_kind_watched(const struct pt_machine_kind *machine)
{
    return !pt_list_empty(&machine->watches);
}

void pt_watch_resume(struct pt_watch *watch)
{
    if (watch->paused && !watch->ended && watch->machine != NULL) {
        watch->paused = false;
        pump_soon(watch);
    }
}

void pt_watch_close(struct pt_watch *watch)
{
    if (watch != NULL) {
        pt_list_remove(&watch->node);
        pt_list_remove(&watch->pumping);
        pt_timer_free(watch->bookmarks);
        drop_initial(watch);
        pt_arena_fini(&watch->arena);
        free(watch);
    }
}

void pt_watches_wake(struct pt_machine_kind *machine)
{
    PT_LIST_FOREACH (node, &machine->watches) {
        struct pt_watch *watch = PT_CONTAINER(node, struct pt_watch, node);
        bool judge = watch->caller != NULL && watch->access_revision != machine->access.revision;
        if ((!watch->paused || judge) && !watch->ended) {
            pump_soon(watch);
        }
    }
}

void pt_watches_restored(struct pt_machine_kind *machine)
{
    pt_recent_forget(machine);
    struct pt_history_id history;
    struct pt_error error = {0};
    if (pt_history_id_read(machine, &history, &error) != PT_OK) {
        return; /* the disk: whoever reads next is told */
    }
    PT_LIST_FOREACH_SAFE (node, &machine->watches) {
        struct pt_watch *watch = PT_CONTAINER(node, struct pt_watch, node);
        if (!watch->ended &&
            (history.epoch != watch->history.epoch || strcmp(history.cluster_id, watch->history.cluster_id) != 0)) {
            (void)pt_fail(&error, PT_OUT_OF_RANGE, PT_REASON_HISTORY_COMPACTED, "resume_token",
                          "the cluster's state was restored; list, then watch anew");
            end(watch, &error);
        }
    }
}

void pt_watches_orphan(struct pt_machine_kind *machine)
{
    PT_LIST_FOREACH_SAFE (node, &machine->watches) {
        struct pt_watch *watch = PT_CONTAINER(node, struct pt_watch, node);
        pt_timer_free(watch->bookmarks);
        watch->bookmarks = NULL;
        pt_list_remove(&watch->node);
        pt_list_remove(&watch->pumping);
        watch->ended = true;
        watch->machine = NULL;
    }
    pt_timer_free(machine->pump);
    machine->pump = NULL;
    pt_recent_forget(machine);
}
