/*
 * Every kind of the schema against a trivial twin.
 *
 * The twin is an array of resources by id, each with its user's fields, etag and revision. Random requests go to both:
 * the machine must answer as the twin does, and after a refusal, a validate_only or a repetition its digest must be
 * what it was. The only kind-specific part is what makes random resources acceptable to the mods (random_resource.h).
 */
#include "random_resource.h"

#define IDS 12
#define STEPS 400

struct twin {
    struct pt_msg *user[IDS]; /* NULL: does not exist */
    char etag[IDS][17];
    uint64_t revision[IDS];
};

struct run {
    struct fixture *fx;
    const struct pt_message_type *kind;
    const char *parent;
    struct twin twin;
    uint64_t unique;
    unsigned accepted, refused;
};

static const struct pt_method_type *method_of(struct run *run, enum pt_verb verb)
{
    size_t len = 0;
    const struct pt_method_type *const *methods = pt_schema_methods(run->fx->schema, &len);
    for (size_t i = 0; i < len; i++) {
        if (methods[i]->kind == run->kind && methods[i]->verb == verb) {
            return methods[i];
        }
    }
    return NULL;
}

static const char *name_of(struct run *run, size_t at)
{
    return pt_arena_printf(&run->fx->arena, "%s%s%s/x%zu", run->parent, run->parent[0] != '\0' ? "/" : "",
                           run->kind->resource->plural, at);
}

static const struct pt_field_type *body_of(const struct pt_method_type *method)
{
    for (size_t i = 0; i < method->input->fields_len; i++) {
        if (method->input->fields[i].message == method->kind) {
            return &method->input->fields[i];
        }
    }
    ck_abort();
}

static const struct pt_field_type *id_of(const struct pt_method_type *method)
{
    for (size_t i = 0; i < method->input->fields_len; i++) {
        const char *name = method->input->fields[i].name;
        if (strcmp(name, "request_id") != 0 && strlen(name) > 3 && strcmp(name + strlen(name) - 3, "_id") == 0) {
            return &method->input->fields[i];
        }
    }
    ck_abort();
}

static struct pt_msg *user_form(struct run *run, const struct pt_msg *resource)
{
    struct pt_msg *user = pt_msg_dup(resource, &run->fx->arena);
    pt_msg_strip(user, PT_OUTPUT_DERIVED, false);
    pt_msg_strip(user, PT_OUTPUT_SOFT, false);
    return user;
}

/* The machine's resource is the twin's. */
static void compare(struct run *run, size_t at, const struct pt_msg *resource)
{
    struct twin *twin = &run->twin;
    ck_assert(pt_msg_equal(user_form(run, resource), twin->user[at]));
    ck_assert_str_eq(pt_msg_str(resource, "etag"), twin->etag[at]);
    ck_assert_uint_eq(pt_msg_u64(resource, "revision"), twin->revision[at]);
}

static void get(struct run *run, size_t at)
{
    const struct pt_method_type *method = method_of(run, PT_VERB_GET);
    struct pt_msg *request = pt_msg_new(&run->fx->arena, method->input);
    pt_msg_set_str(request, &run->fx->arena, "name", name_of(run, at));
    enum pt_code code = fx_request(run->fx, method, request);
    if (run->twin.user[at] == NULL) {
        ck_assert_int_eq(code, PT_NOT_FOUND);
    } else {
        ck_assert_int_eq(code, PT_OK);
        compare(run, at, run->fx->reply);
    }
}

/* The twin takes what the machine accepted. */
static void accept(struct run *run, size_t at, struct pt_msg *user)
{
    struct twin *twin = &run->twin;
    const char *etag = pt_msg_str(run->fx->reply, "etag");
    bool changed = twin->user[at] == NULL || !pt_msg_equal(twin->user[at], user);
    ck_assert(changed == (strcmp(etag, twin->etag[at]) != 0));
    ck_assert_uint_eq(pt_msg_u64(run->fx->reply, "revision"), changed ? run->fx->index : twin->revision[at]);
    twin->user[at] = user;
    (void)snprintf(twin->etag[at], sizeof(twin->etag[at]), "%s", etag);
    twin->revision[at] = pt_msg_u64(run->fx->reply, "revision");
    compare(run, at, run->fx->reply);
    run->accepted++;
}

static void create(struct run *run, size_t at)
{
    struct fixture *fx = run->fx;
    const struct pt_method_type *method = method_of(run, PT_VERB_CREATE);
    struct pt_msg *resource = rr_resource(fx, run->kind, run->unique++);
    struct pt_msg *request = pt_msg_new(&fx->arena, method->input);
    bool validate_only = fx_random(fx, 8) == 0;
    pt_msg_set_str(request, &fx->arena, "parent", run->parent);
    pt_msg_set_str(request, &fx->arena, id_of(method)->name, pt_arena_printf(&fx->arena, "x%zu", at));
    pt_msg_set_child(request, &fx->arena, body_of(method)->name, resource);
    pt_msg_set_bool(request, &fx->arena, "validate_only", validate_only);
    if (fx_random(fx, 3) == 0) {
        pt_msg_set_str(request, &fx->arena, "request_id", pt_arena_printf(&fx->arena, "r%" PRIu64, run->unique));
    }
    bool exists = run->twin.user[at] != NULL;
    enum pt_code code = fx_request(fx, method, request);
    ck_assert_msg(code == (exists ? PT_ALREADY_EXISTS : PT_OK), "%s: %s: %s", pt_code_name(code), fx->error.field,
                  fx->error.text);
    if (code != PT_OK) {
        run->refused++;
        return;
    }
    struct pt_msg *user = pt_msg_dup(resource, &fx->arena);
    pt_msg_set_str(user, &fx->arena, "name", name_of(run, at));
    if (validate_only) {
        ck_assert(!fx->proposed);
        ck_assert(pt_msg_equal(user_form(run, fx->reply), user));
        return;
    }
    run->twin.etag[at][0] = '\0';
    accept(run, at, user);
    if (pt_msg_has(request, "request_id")) { /* again: the same answer, no new entry */
        struct pt_msg *first = fx->reply;
        ck_assert_int_eq(fx_request(fx, method, request), PT_OK);
        ck_assert(!fx->proposed && pt_msg_equal(first, fx->reply));
    }
}

/* Some fields of the kind that a user may change, and the twin's idea of the result. */
static struct pt_msg *merge(struct run *run, size_t at, const struct pt_msg *patch, struct pt_msg *request)
{
    struct fixture *fx = run->fx;
    struct pt_msg *mask = pt_msg_new(&fx->arena, pt_message_field(request->type, "update_mask")->message);
    struct pt_msg *merged = run->twin.user[at] != NULL ? pt_msg_dup(run->twin.user[at], &fx->arena) : NULL;
    bool explicit = fx_random(fx, 2) == 0;
    for (size_t i = 0; i < run->kind->fields_len; i++) {
        const struct pt_field_type *field = &run->kind->fields[i];
        bool user = field->rules.output == PT_OUTPUT_USER && strcmp(field->name, "name") != 0;
        bool named = user && (explicit ? fx_random(fx, 3) == 0 : pt_msg_has(patch, field->name));
        if (named && merged != NULL) {
            ck_assert_int_eq(pt_msg_copy_path(merged, patch, field->name, &fx->arena, NULL), PT_OK);
        }
        if (named && explicit) {
            pt_msg_append(mask, &fx->arena, "paths",
                          (union pt_value){.bytes = {(const uint8_t *)field->name, strlen(field->name)}});
        }
    }
    if (explicit && pt_msg_has(mask, "paths")) {
        pt_msg_set_child(request, &fx->arena, "update_mask", mask);
        return merged;
    }
    return explicit ? NULL : merged;
}

static void update(struct run *run, size_t at)
{
    struct fixture *fx = run->fx;
    const struct pt_method_type *method = method_of(run, PT_VERB_UPDATE);
    struct pt_msg *patch = rr_resource(fx, run->kind, run->unique++);
    struct pt_msg *request = pt_msg_new(&fx->arena, method->input);
    struct pt_msg *merged = merge(run, at, patch, request);
    if (merged == NULL && run->twin.user[at] != NULL) {
        return; /* an explicit mask that names nothing */
    }
    pt_msg_set_str(patch, &fx->arena, "name", name_of(run, at));
    bool stale = fx_random(fx, 6) == 0;
    if (stale) {
        pt_msg_set_str(patch, &fx->arena, "etag", "ffffffffffffffff");
    } else if (run->twin.user[at] != NULL && fx_random(fx, 2) == 0) {
        pt_msg_set_str(patch, &fx->arena, "etag", run->twin.etag[at]);
    }
    pt_msg_set_child(request, &fx->arena, body_of(method)->name, patch);
    struct pt_digest before = fx_digest(fx);
    enum pt_code code = fx_request(fx, method, request);
    if (code == PT_OK) {
        ck_assert(run->twin.user[at] != NULL && !stale);
        accept(run, at, merged);
        return;
    }
    struct pt_digest after = fx_digest(fx);
    ck_assert(pt_digest_equal(&before, &after));
    run->refused++;
    if (run->twin.user[at] == NULL) {
        ck_assert_int_eq(code, PT_NOT_FOUND);
    } else if (stale) {
        ck_assert_int_eq(code, PT_ABORTED);
    } else { /* an immutable or required field, or what a mod refuses of the mixture */
        ck_assert_msg(code == PT_INVALID_ARGUMENT || code == PT_FAILED_PRECONDITION, "%s", fx->error.text);
        ck_assert_str_ne(fx->error.field, "");
        ck_assert_str_ne(fx->error.text, "");
    }
}

static void delete (struct run *run, size_t at)
{
    struct fixture *fx = run->fx;
    const struct pt_method_type *method = method_of(run, PT_VERB_DELETE);
    struct pt_msg *request = pt_msg_new(&fx->arena, method->input);
    bool validate_only = fx_random(fx, 6) == 0;
    pt_msg_set_str(request, &fx->arena, "name", name_of(run, at));
    pt_msg_set_bool(request, &fx->arena, "force", fx_random(fx, 2) == 0);
    pt_msg_set_bool(request, &fx->arena, "validate_only", validate_only);
    enum pt_code code = fx_request(fx, method, request);
    ck_assert_int_eq(code, run->twin.user[at] != NULL ? PT_OK : PT_NOT_FOUND);
    if (code == PT_OK && !validate_only) {
        ck_assert_uint_eq(pt_msg_u64(fx->reply, "revision"), fx->index);
        run->twin.user[at] = NULL;
        run->twin.etag[at][0] = '\0';
        run->accepted++;
    }
}

/* All pages of a random size: each resource once, in order of name, and those of the world besides. */
static void list(struct run *run)
{
    struct fixture *fx = run->fx;
    const struct pt_method_type *method = method_of(run, PT_VERB_LIST);
    int64_t page_size = 1 + (int64_t)fx_random(fx, 5);
    const char *token = "";
    const char *last = "";
    size_t found = 0;
    do {
        struct pt_msg *request = pt_msg_new(&fx->arena, method->input);
        pt_msg_set_str(request, &fx->arena, "parent", run->parent);
        pt_msg_set_i64(request, &fx->arena, "page_size", page_size);
        pt_msg_set_str(request, &fx->arena, "page_token", token);
        ck_assert_int_eq(fx_request(fx, method, request), PT_OK);
        ck_assert_uint_eq(pt_msg_u64(fx->reply, "revision"), fx->index);
        const struct pt_msg_field *page = pt_msg_field(fx->reply, method->output->fields[0].name);
        for (size_t i = 0; page != NULL && i < page->len; i++) {
            const struct pt_msg *resource = page->values[i].message;
            const char *name = pt_msg_str(resource, "name");
            ck_assert_int_gt(strcmp(name, last), 0);
            last = name;
            if (pt_name_id(name)[0] == 'x') {
                compare(run, (size_t)atoi(pt_name_id(name) + 1), resource);
                found++;
            }
        }
        token = pt_msg_str(fx->reply, "next_page_token");
        ck_assert(token[0] == '\0' || page->len == (size_t)page_size);
    } while (token[0] != '\0');
    size_t wanted = 0;
    for (size_t i = 0; i < IDS; i++) {
        wanted += run->twin.user[i] != NULL;
    }
    ck_assert_uint_eq(found, wanted);
}

static void run_kind(struct fixture *fx, const struct pt_message_type *kind)
{
    struct run run = {.fx = fx, .kind = kind, .parent = ""};
    if (kind->resource->parent[0] != '\0') {
        run.parent = strcmp(kind->resource->parent, "organization") == 0 ? "organizations/acme"
                                                                         : rr_world_name(kind->resource->parent);
    }
    for (unsigned step = 0; step < STEPS; step++) {
        size_t at = fx_random(fx, IDS);
        uint64_t dice = fx_random(fx, 100);
        fx->time_ns += 1000000;
        if (dice < 35) {
            create(&run, at);
        } else if (dice < 65) {
            update(&run, at);
        } else if (dice < 80) {
            delete (&run, at);
        } else if (dice < 97) {
            get(&run, at);
        } else {
            list(&run);
        }
        if (step % 100 == 99) {
            fx_reopen(fx);
        }
    }
    ck_assert_msg(run.accepted > STEPS / 5, "%s: %u accepted, %u refused", kind->name, run.accepted, run.refused);
    ck_assert_int_eq(pt_store_scrub(pt_kind_store(fx->machine), NULL), PT_OK);
}

START_TEST(every_kind_behaves_as_its_twin)
{
    struct fixture fx;
    fx_init_seed(&fx, 100 + (uint64_t)_i);
    size_t len = 0;
    const struct pt_message_type *const *kinds = pt_schema_kinds(fx.schema, &len);
    struct run probe = {.fx = &fx, .kind = kinds[(size_t)_i % len]};
    /* API keys and change sets are made by methods of their own. */
    if ((size_t)_i < len && !kinds[_i]->resource->view && method_of(&probe, PT_VERB_CREATE) != NULL) {
        fx_world(&fx);
        run_kind(&fx, kinds[_i]);
    }
    fx_fini(&fx);
}
END_TEST

int main(void)
{
    struct pt_schema *schema = NULL;
    size_t kinds_len = 0;
    if (pt_schema_new(pt_schema_embedded(), &schema, NULL) != PT_OK) {
        return 1;
    }
    (void)pt_schema_kinds(schema, &kinds_len);
    pt_schema_free(schema);
    Suite *suite = suite_create("kind/model");
    TCase *tests = tcase_create("model");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, every_kind_behaves_as_its_twin, 0, (int)kinds_len);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
