/* The schema: facts about every kind of the embedded set, reflection, and sets that must be refused. The bad ones are
 * the good one with one thing changed. */
#include "wire/schema.h"

#include "google/protobuf/descriptor.pb-c.h"
#include "patronus/v1/options.pb-c.h"

#include <check.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct pt_schema *schema;

static void setup(void)
{
    struct pt_error error = {0};
    ck_assert_msg(pt_schema_new(pt_schema_embedded(), &schema, &error) == PT_OK, "%s: %s", error.field, error.text);
}

static void teardown(void)
{
    pt_schema_free(schema);
}

/* ---- the good one --------------------------------------------------------------------------------------------- */

/* Kind ids stand in keys and log entries: a row here never changes. */
static const struct {
    uint32_t id;
    const char *message, *plural, *pattern;
    bool view;
} kinds[] = {
    {1, "patronus.v1.Organization", "organizations", "organizations/{organization}", false},
    {2, "patronus.v1.Site", "sites", "organizations/{organization}/sites/{site}", false},
    {3, "patronus.v1.Edge", "edges", "organizations/{organization}/sites/{site}/edges/{edge}", false},
    {4, "patronus.v1.Link", "links", "organizations/{organization}/sites/{site}/links/{link}", false},
    {5, "patronus.v1.Fabric", "fabrics", "organizations/{organization}/fabrics/{fabric}", false},
    {6, "patronus.v1.Segment", "segments", "organizations/{organization}/segments/{segment}", false},
    {7, "patronus.v1.SlaProfile", "slaProfiles", "organizations/{organization}/slaProfiles/{sla_profile}", false},
    {8, "patronus.v1.Application", "applications", "organizations/{organization}/applications/{application}", false},
    {9, "patronus.v1.SteeringPolicy", "steeringPolicies",
     "organizations/{organization}/steeringPolicies/{steering_policy}", false},
    {10, "patronus.v1.Model", "models", "organizations/{organization}/models/{model}", false},
    {11, "patronus.v1.ModelVersion", "versions", "organizations/{organization}/models/{model}/versions/{model_version}",
     false},
    {12, "patronus.v1.Controller", "controllers", "controllers/{controller}", false},
    {13, "patronus.v1.EnrollmentToken", "enrollmentTokens", "enrollmentTokens/{enrollment_token}", false},
    {20, "patronus.v1.Tunnel", "tunnels", "organizations/{organization}/tunnels/{tunnel}", true},
    {21, "patronus.v1.Path", "paths", "organizations/{organization}/paths/{path}", true},
};

START_TEST(kind_is_as_declared)
{
    const struct pt_message_type *kind = pt_schema_kind_by_id(schema, kinds[_i].id);
    ck_assert_ptr_nonnull(kind);
    ck_assert_str_eq(kind->full_name, kinds[_i].message);
    ck_assert_ptr_eq(kind, pt_schema_message(schema, kinds[_i].message));
    ck_assert_ptr_eq(kind, pt_schema_kind(schema, kinds[_i].plural));
    ck_assert_ptr_eq(kind, pt_schema_kind(schema, kind->resource->singular));
    ck_assert_str_eq(kind->resource->pattern, kinds[_i].pattern);
    ck_assert_int_eq(kind->resource->view, kinds[_i].view);
    ck_assert_uint_gt(kind->resource->columns_len, 0);
    ck_assert_str_ne(kind->comment, "");
    ck_assert_uint_gt(kind->resource->max_per_parent, 0);
    for (size_t i = 0; i < kind->fields_len; i++) {
        const struct pt_field_type *field = &kind->fields[i];
        ck_assert_msg(field->comment[0] != '\0', "%s.%s has no comment", kind->name, field->name);
        ck_assert_uint_ne(field->rules.max_size, PT_LIMIT_NONE);
        ck_assert_uint_ne(field->rules.max_items, PT_LIMIT_NONE);
        ck_assert_ptr_eq(pt_message_field(kind, field->name), field);
        ck_assert_ptr_eq(pt_message_field(kind, field->json_name), field);
        ck_assert_ptr_eq(pt_message_field_by_number(kind, field->number), field);
        ck_assert(kinds[_i].view ? field->number < 20 || field->rules.output == PT_OUTPUT_SOFT : true);
        ck_assert(field->kind != PT_FIELD_DOUBLE || field->rules.output == PT_OUTPUT_SOFT); /* no floats in state */
    }
}
END_TEST

START_TEST(every_kind_is_listed)
{
    size_t len = 0;
    const struct pt_message_type *const *all = pt_schema_kinds(schema, &len);
    ck_assert_uint_ge(len, sizeof(kinds) / sizeof(kinds[0]));
    for (size_t i = 1; i < len; i++) {
        ck_assert_uint_lt(all[i - 1]->resource->kind_id, all[i]->resource->kind_id);
    }
    ck_assert_ptr_null(pt_schema_kind_by_id(schema, 0));
    ck_assert_ptr_null(pt_schema_kind_by_id(schema, 65535));
    ck_assert_ptr_null(pt_schema_kind(schema, "Site"));
    ck_assert_str_eq(pt_schema_kind(schema, "sla")->name, "SlaProfile");
    ck_assert_str_eq(pt_schema_kind(schema, "orgs")->name, "Organization");
}
END_TEST

/* Each stored kind has the five verbs with derived permissions, each view has Get and List; only
 * organizations are undeleted. */
START_TEST(verbs_are_derived)
{
    size_t kinds_len = 0;
    size_t methods_len = 0;
    const struct pt_message_type *const *all = pt_schema_kinds(schema, &kinds_len);
    const struct pt_method_type *const *methods = pt_schema_methods(schema, &methods_len);
    static const char *const names[] = {"", "create", "get", "list", "update", "delete", "undelete"};
    for (size_t i = 0; i < kinds_len; i++) {
        unsigned found = 0;
        for (size_t j = 0; j < methods_len; j++) {
            if (methods[j]->kind == all[i]) {
                char permission[128];
                (void)snprintf(permission, sizeof(permission), "%s.%s", all[i]->resource->plural,
                               names[methods[j]->verb]);
                ck_assert_str_eq(methods[j]->permission, permission);
                ck_assert_uint_eq(found & 1U << methods[j]->verb, 0);
                found |= 1U << methods[j]->verb;
            }
        }
        bool undelete = strcmp(all[i]->resource->singular, "organization") == 0;
        bool issued = strcmp(all[i]->resource->singular, "apiKey") == 0 ||  /* by a method of its own */
                      strcmp(all[i]->resource->singular, "changeSet") == 0; /* by Update, that makes what is missing */
        ck_assert_uint_eq(found, all[i]->resource->view ? 0x0c : undelete ? 0x7e : issued ? 0x3c : 0x3e);
    }
    for (size_t j = 0; j < methods_len; j++) {
        ck_assert_ptr_eq(pt_schema_method(schema, methods[j]->path), methods[j]);
        ck_assert(j == 0 || strcmp(methods[j - 1]->path, methods[j]->path) < 0);
        ck_assert_int_eq(methods[j]->verb == PT_VERB_CUSTOM, methods[j]->kind == NULL);
    }
    ck_assert_ptr_null(pt_schema_method(schema, "/patronus.v1.SiteService/Nothing"));
}
END_TEST

START_TEST(custom_methods_carry_access)
{
    const struct pt_method_type *stream = pt_schema_method(schema, "/patronus.v1.EdgeSync/Stream");
    const struct pt_method_type *enroll = pt_schema_method(schema, "/patronus.v1.EnrollmentService/Enroll");
    const struct pt_method_type *watch = pt_schema_method(schema, "/patronus.v1.WatchService/Watch");
    ck_assert(stream->client_streaming && stream->server_streaming);
    ck_assert_str_eq(stream->role, "edge");
    ck_assert(enroll->anonymous && enroll->leader && !enroll->client_streaming);
    ck_assert_str_eq(watch->permission, "watch");
    ck_assert(watch->server_streaming && !watch->client_streaming && !watch->anonymous);
    ck_assert_str_eq(watch->comment, "Stream events in order, without gap or duplicate, until cancelled. OUT_OF_RANGE "
                                     "when resume_token is older than the history kept: list, then watch anew.");
}
END_TEST

START_TEST(rules_are_read)
{
    const struct pt_message_type *link = pt_schema_kind(schema, "link");
    const struct pt_field_type *field = pt_message_field(link, "capacity_up_bps");
    ck_assert(field->rules.has_range && field->rules.min == 0 && field->rules.max == 400000000000);
    ck_assert_str_eq(field->rules.unit, "bit/s");
    field = pt_message_field(link, "edge");
    ck_assert(field->rules.required);
    ck_assert_str_eq(field->rules.reference, "edge");
    ck_assert_ptr_eq(field->rules.reference_kind, pt_schema_kind(schema, "edge"));
    field = pt_message_field(link, "srlgs");
    ck_assert(field->packed && field->repeated && field->rules.set && field->rules.max_items == 32);
    field = pt_message_field(link, "labels");
    ck_assert(field->map && field->repeated && field->message->map_entry && field->rules.max_items == 64);
    ck_assert_uint_eq(field->message->fields[0].rules.max_size, 256);
    ck_assert_uint_eq(field->message->fields[1].rules.max_size, 256);
    ck_assert_int_eq(pt_message_field(link, "name")->rules.immutable, true);
    ck_assert_int_eq(pt_message_field(link, "uid")->rules.output, PT_OUTPUT_DERIVED);
    ck_assert_int_eq(pt_message_field(link, "reconciling")->rules.output, PT_OUTPUT_SOFT);
    ck_assert_int_eq(pt_message_field(link, "gateway")->rules.format, PT_FORMAT_IP);
    field = pt_message_field(pt_schema_kind(schema, "slaProfile"), "max_loss_ppm");
    ck_assert(field->optional && field->oneof_index == -1 && field->oneof_name == NULL);
    /* A page has no limit of its own; that of the message bounds it. */
    field = pt_message_field(pt_schema_message(schema, "patronus.v1.ListSitesResponse"), "sites");
    ck_assert_uint_eq(field->rules.max_items, PT_LIMIT_NONE);
    field = pt_message_field(pt_schema_message(schema, "patronus.v1.EnrollRequest"), "token");
    ck_assert(field->rules.secret);
}
END_TEST

START_TEST(enums_are_read)
{
    const struct pt_enum_type *transport = pt_message_field(pt_schema_kind(schema, "link"), "transport")->enumeration;
    ck_assert_str_eq(transport->full_name, "patronus.v1.Transport");
    ck_assert_str_eq(pt_enum_by_number(transport, 3)->name, "LTE");
    ck_assert_str_eq(pt_enum_by_number(transport, 3)->comment, "4G.");
    ck_assert_int_eq(pt_enum_by_name(transport, "SATELLITE")->number, 5);
    ck_assert_ptr_null(pt_enum_by_name(transport, "satellite"));
    ck_assert_ptr_null(pt_enum_by_number(transport, 99));
}
END_TEST

/* Reflection clients ask by file and by symbol, and follow imports; the bytes must unpack and hold no comments. */
START_TEST(reflection_finds_files)
{
    static const char *const symbols[] = {"patronus.v1.Site",         "patronus.v1.AdminState",
                                          "patronus.v1.SiteService",  "patronus.v1.SiteService.CreateSite",
                                          "patronus.v1.resource",     "patronus.v1.Site.LabelsEntry",
                                          "google.protobuf.Timestamp"};
    for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++) {
        struct pt_bytes bytes = pt_schema_file_of_symbol(schema, symbols[i]);
        ck_assert_msg(bytes.size > 0, "%s", symbols[i]);
        Google__Protobuf__FileDescriptorProto *file =
            google__protobuf__file_descriptor_proto__unpack(NULL, bytes.size, bytes.data);
        ck_assert_ptr_nonnull(file);
        ck_assert_ptr_null(file->source_code_info);
        ck_assert_ptr_eq(pt_schema_file(schema, file->name).data, bytes.data);
        size_t len = 0;
        const char *const *imports = pt_schema_file_imports(schema, file->name, &len);
        ck_assert_uint_eq(len, file->n_dependency);
        for (size_t j = 0; j < len; j++) {
            ck_assert_uint_gt(pt_schema_file(schema, imports[j]).size, 0);
        }
        google__protobuf__file_descriptor_proto__free_unpacked(file, NULL);
    }
    size_t len = 1;
    ck_assert_uint_eq(pt_schema_file(schema, "none.proto").size, 0);
    ck_assert_uint_eq(pt_schema_file_of_symbol(schema, "patronus.v1.None").size, 0);
    ck_assert_ptr_null(pt_schema_file_imports(schema, "none.proto", &len));
    const char *const *services = pt_schema_services(schema, &len);
    bool found = false;
    for (size_t i = 0; i < len; i++) {
        ck_assert(i == 0 || strcmp(services[i - 1], services[i]) < 0);
        found = found || strcmp(services[i], "patronus.v1.SiteService") == 0;
    }
    ck_assert(found);
}
END_TEST

/* ---- bad ones ------------------------------------------------------------------------------------------------- */

typedef Google__Protobuf__FileDescriptorSet Set;
typedef Google__Protobuf__DescriptorProto Message;
typedef Google__Protobuf__FieldDescriptorProto Field;

static Message *message_of(Set *set, const char *name)
{
    for (size_t i = 0; i < set->n_file; i++) {
        for (size_t j = 0; j < set->file[i]->n_message_type; j++) {
            if (strcmp(set->file[i]->message_type[j]->name, name) == 0) {
                return set->file[i]->message_type[j];
            }
        }
    }
    ck_abort_msg("no message %s", name);
    return NULL;
}

static Field *field_of(Set *set, const char *message, const char *name)
{
    Message *at = message_of(set, message);
    for (size_t i = 0; i < at->n_field; i++) {
        if (strcmp(at->field[i]->name, name) == 0) {
            return at->field[i];
        }
    }
    ck_abort_msg("no field %s.%s", message, name);
    return NULL;
}

static Google__Protobuf__MethodDescriptorProto *method_of(Set *set, const char *name)
{
    for (size_t i = 0; i < set->n_file; i++) {
        for (size_t j = 0; j < set->file[i]->n_service; j++) {
            Google__Protobuf__ServiceDescriptorProto *service = set->file[i]->service[j];
            for (size_t k = 0; k < service->n_method; k++) {
                if (strcmp(service->method[k]->name, name) == 0) {
                    return service->method[k];
                }
            }
        }
    }
    ck_abort_msg("no method %s", name);
    return NULL;
}

static void replace(char **text, const char *by)
{
    free(*text);
    *text = strdup(by);
}

/* Put other bytes into an extension, behind its one- or two-byte length. */
static void put_extension(ProtobufCMessage *options, const uint8_t *data, size_t size)
{
    ProtobufCMessageUnknownField *field = &options->unknown_fields[0];
    ck_assert_uint_lt(size, 1 << 14);
    free(field->data);
    field->len = size + 2;
    field->data = malloc(field->len);
    field->data[0] = (uint8_t)(size | 0x80);
    field->data[1] = (uint8_t)(size >> 7);
    memcpy(field->data + 2, data, size);
}

static void set_resource(Set *set, const char *message, Patronus__V1__ResourceRules rules)
{
    uint8_t data[256];
    put_extension(&message_of(set, message)->options->base, data, patronus__v1__resource_rules__pack(&rules, data));
}

static Patronus__V1__ResourceRules site_rules(void)
{
    Patronus__V1__ResourceRules rules = PATRONUS__V1__RESOURCE_RULES__INIT;
    rules.kind_id = 2;
    rules.singular = "site";
    rules.plural = "sites";
    rules.parent = "organization";
    return rules;
}

static void bad_kind_id(Set *set)
{
    Patronus__V1__ResourceRules rules = site_rules();
    rules.kind_id = 3;
    set_resource(set, "Site", rules);
}

static void no_kind_id(Set *set)
{
    Patronus__V1__ResourceRules rules = site_rules();
    rules.kind_id = 0;
    set_resource(set, "Site", rules);
}

static void bad_singular(Set *set)
{
    Patronus__V1__ResourceRules rules = site_rules();
    rules.singular = "link";
    set_resource(set, "Site", rules);
}

static void bad_plural(Set *set)
{
    Patronus__V1__ResourceRules rules = site_rules();
    rules.plural = "links";
    set_resource(set, "Site", rules);
}

static void bad_short_name(Set *set)
{
    Patronus__V1__ResourceRules rules = site_rules();
    char *names[] = {"sla"};
    rules.short_names = names;
    rules.n_short_names = 1;
    set_resource(set, "Site", rules);
}

static void bad_column(Set *set)
{
    Patronus__V1__ResourceRules rules = site_rules();
    char *columns[] = {"create_time.minutes"};
    rules.columns = columns;
    rules.n_columns = 1;
    set_resource(set, "Site", rules);
}

static void bad_parent(Set *set)
{
    Patronus__V1__ResourceRules rules = site_rules();
    rules.parent = "planet";
    set_resource(set, "Site", rules);
}

static void circular_parent(Set *set)
{
    Patronus__V1__ResourceRules rules = site_rules();
    rules.parent = "edge";
    set_resource(set, "Site", rules);
}

static void bad_reference(Set *set)
{
    Patronus__V1__FieldRules rules = PATRONUS__V1__FIELD_RULES__INIT;
    rules.reference = "planet";
    uint8_t data[64];
    put_extension(&field_of(set, "Link", "edge")->options->base, data, patronus__v1__field_rules__pack(&rules, data));
}

static void newer_rule(Set *set)
{
    static const uint8_t data[] = {0x70, 1}; /* field 14 */
    put_extension(&field_of(set, "Link", "edge")->options->base, data, sizeof(data));
}

static void no_common_field(Set *set)
{
    replace(&field_of(set, "Site", "etag")->name, "e_tag");
}

static void wrong_output_class(Set *set)
{
    put_extension(&field_of(set, "Site", "uid")->options->base, (const uint8_t *)"", 0);
}

static void contains_itself(Set *set)
{
    replace(&field_of(set, "ApplicationMatch", "ports")->type_name, ".patronus.v1.Application");
}

static void no_access(Set *set)
{
    Google__Protobuf__MethodOptions *options = method_of(set, "Enroll")->options;
    options->base.unknown_fields[0].tag = 51003;
}

static void no_name_in_request(Set *set)
{
    replace(&field_of(set, "GetSiteRequest", "name")->name, "nome");
}

static void no_body_in_request(Set *set)
{
    replace(&field_of(set, "CreateSiteRequest", "site")->type_name, ".patronus.v1.Link");
}

static void dangling_type(Set *set)
{
    replace(&field_of(set, "Site", "create_time")->type_name, ".google.protobuf.Time");
}

static void dangling_input(Set *set)
{
    replace(&method_of(set, "Enroll")->input_type, ".patronus.v1.Nothing");
}

static void same_number(Set *set)
{
    field_of(set, "Site", "location")->number = 21;
}

static void zero_number(Set *set)
{
    field_of(set, "Site", "location")->number = 0;
}

static void group(Set *set)
{
    field_of(set, "Site", "location")->type = GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_GROUP;
}

static void bad_map_entry(Set *set)
{
    message_of(set, "Site")->nested_type[0]->field[0]->number = 3;
}

static void bad_timestamp(Set *set)
{
    message_of(set, "Timestamp")->field[0]->type = GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_STRING;
}

static void same_message(Set *set)
{
    replace(&message_of(set, "Edge")->name, "Site");
}

static void same_file(Set *set)
{
    replace(&set->file[0]->name, set->file[1]->name);
}

static const struct {
    void (*change)(Set *set);
    const char *place;
    const char *text;
} bad[] = {
    {bad_kind_id, "patronus.v1.Edge", "kind_id 3 is already that of"},
    {no_kind_id, "patronus.v1.Site", "a kind needs kind_id"},
    {bad_singular, "patronus.v1.Link", "'link' is already one of patronus.v1.Site"},
    {bad_plural, "patronus.v1.Link", "'links' is already one of patronus.v1.Site"},
    {bad_short_name, "patronus.v1.SlaProfile", "'sla' is already one of patronus.v1.Site"},
    {bad_column, "patronus.v1.Site", "'create_time.minutes' is no field"},
    {bad_parent, "patronus.v1.Site", "the parent 'planet'"},
    {circular_parent, "patronus.v1.Site", "circle"},
    {bad_reference, "patronus.v1.Link", "field edge refers to 'planet'"},
    {newer_rule, "patronus.v1.Link", "newer than this program"},
    {no_common_field, "patronus.v1.Site", "etag = 3"},
    {wrong_output_class, "patronus.v1.Site", "uid = 2"},
    {contains_itself, "patronus.v1.ApplicationMatch", "contains itself"},
    {no_access, "/patronus.v1.EnrollmentService/Enroll", "state who may call it"},
    {no_name_in_request, "/patronus.v1.SiteService/GetSite", "string `name`"},
    {no_body_in_request, "/patronus.v1.SiteService/CreateSite", "must hold a patronus.v1.Site"},
    {dangling_type, "patronus.v1.Site", "unknown type '.google.protobuf.Time'"},
    {dangling_input, "/patronus.v1.EnrollmentService/Enroll", "input or output type is unknown"},
    {same_number, "patronus.v1.Site", "name or number of another"},
    {zero_number, "patronus.v1.Site", "no name, number or known type"},
    {group, "patronus.v1.Site", "no name, number or known type"},
    {bad_map_entry, "patronus.v1.Site.LabelsEntry", "map entry"},
    {bad_timestamp, "google.protobuf.Timestamp", "differ from those that Google defines"},
    {same_message, "patronus.v1.Site", "declared twice"},
    {same_file, NULL, "in the set twice"},
};

START_TEST(bad_schema_is_refused)
{
    struct pt_bytes good = pt_schema_embedded();
    Set *set = google__protobuf__file_descriptor_set__unpack(NULL, good.size, good.data);
    bad[_i].change(set);
    size_t size = google__protobuf__file_descriptor_set__get_packed_size(set);
    uint8_t *data = malloc(size);
    (void)google__protobuf__file_descriptor_set__pack(set, data);
    google__protobuf__file_descriptor_set__free_unpacked(set, NULL);
    struct pt_schema *made = NULL;
    struct pt_error error = {0};
    ck_assert_int_eq(pt_schema_new((struct pt_bytes){data, size}, &made, &error), PT_INVALID_ARGUMENT);
    free(data);
    ck_assert_ptr_null(made);
    ck_assert_msg(bad[_i].place == NULL || strcmp(error.field, bad[_i].place) == 0, "%s: %s", error.field, error.text);
    ck_assert_msg(strstr(error.text, bad[_i].text) != NULL, "%s: '%s' lacks '%s'", error.field, error.text,
                  bad[_i].text);
}
END_TEST

START_TEST(junk_is_refused)
{
    struct pt_bytes good = pt_schema_embedded();
    struct pt_schema *made = NULL;
    struct pt_error error = {0};
    ck_assert_int_eq(pt_schema_new((struct pt_bytes){(const uint8_t *)"\xff", 1}, &made, &error), PT_INVALID_ARGUMENT);
    ck_assert_int_eq(pt_schema_new((struct pt_bytes){good.data, good.size / 2}, &made, &error), PT_INVALID_ARGUMENT);
    /* 10,000 nested types: protobuf-c alone would overrun the stack. */
    struct pt_buf bomb;
    pt_buf_init(&bomb);
    for (int i = 0; i < 10000; i++) {
        uint8_t head[8];
        size_t len = 0;
        head[len++] = i == 9999 ? 0x0a : i == 9998 ? 0x22 : 0x1a;
        for (size_t size = bomb.size; len == 1 || size > 0; size >>= 7) {
            head[len++] = (uint8_t)((size & 0x7f) | (size >> 7 != 0 ? 0x80 : 0));
        }
        (void)pt_buf_reserve(&bomb, len);
        memmove(bomb.data + len, bomb.data, bomb.size);
        memcpy(bomb.data, head, len);
        bomb.size += len;
    }
    ck_assert_int_eq(pt_schema_new(pt_buf_bytes(&bomb), &made, &error), PT_INVALID_ARGUMENT);
    ck_assert_msg(strstr(error.text, "nests types more than") != NULL, "%s", error.text);
    pt_buf_fini(&bomb);
    ck_assert_ptr_null(made);
    /* Nothing at all is a schema without anything. */
    ck_assert_int_eq(pt_schema_new((struct pt_bytes){NULL, 0}, &made, &error), PT_OK);
    size_t len = 1;
    (void)pt_schema_kinds(made, &len);
    ck_assert_uint_eq(len, 0);
    pt_schema_free(made);
    pt_schema_free(NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("wire/schema");
    TCase *tests = tcase_create("schema");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, kind_is_as_declared, 0, (int)(sizeof(kinds) / sizeof(kinds[0])));
    tcase_add_test(tests, every_kind_is_listed);
    tcase_add_test(tests, verbs_are_derived);
    tcase_add_test(tests, custom_methods_carry_access);
    tcase_add_test(tests, rules_are_read);
    tcase_add_test(tests, enums_are_read);
    tcase_add_test(tests, reflection_finds_files);
    tcase_add_loop_test(tests, bad_schema_is_refused, 0, (int)(sizeof(bad) / sizeof(bad[0])));
    tcase_add_test(tests, junk_is_refused);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
