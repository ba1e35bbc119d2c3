/*
 * Random resources of any kind, made from the schema: user's fields only, values that the rules allow, references to
 * what fx_world made. What a mod demands beyond the schema is mended by kind, at the end.
 */
#pragma once

#include "fixture.h"

static UNUSED struct pt_msg *rr_message(struct fixture *fx, const struct pt_message_type *type, unsigned depth);

static UNUSED const char *rr_world_name(const char *kind)
{
    static const char *const names[][2] = {
        {"organization", "organizations/root"},
        {"site", "organizations/acme/sites/nyc"},
        {"edge", "organizations/acme/sites/nyc/edges/e1"},
        {"link", "organizations/acme/sites/nyc/links/inet"},
        {"fabric", "organizations/acme/fabrics/wan"},
        {"segment", "organizations/acme/segments/corp"},
        {"slaProfile", "organizations/acme/slaProfiles/voice"},
        {"qosProfile", "organizations/acme/qosProfiles/office"},
        {"application", "organizations/acme/applications/web"},
        {"model", "organizations/acme/models/dpi"},
        {"modelVersion", "organizations/acme/models/dpi/versions/v0"}, /* taken out again */
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(names[i][0], kind) == 0) {
            return names[i][1];
        }
    }
    ck_abort_msg("the world has no %s: add one to fx_world", kind);
}

static UNUSED const char *rr_text(struct fixture *fx, const struct pt_field_type *field)
{
    uint64_t n = fx_random(fx, 200);
    if (field->rules.reference != NULL) {
        return rr_world_name(field->rules.reference);
    }
    switch (field->rules.format) {
    case PT_FORMAT_ID:
        return pt_arena_printf(&fx->arena, "id-%" PRIu64, n);
    case PT_FORMAT_IP:
        return n % 2 == 0 ? pt_arena_printf(&fx->arena, "198.51.100.%" PRIu64, n)
                          : pt_arena_printf(&fx->arena, "2001:db8::%" PRIx64, n + 1);
    case PT_FORMAT_IP_PREFIX:
        return pt_arena_printf(&fx->arena, "10.%" PRIu64 ".%" PRIu64 ".0/24", n, fx_random(fx, 250));
    case PT_FORMAT_IP_INTERFACE:
        return pt_arena_printf(&fx->arena, "10.%" PRIu64 ".0.1/24", n);
    case PT_FORMAT_HOST_PORT:
        return pt_arena_printf(&fx->arena, "host-%" PRIu64 ":%" PRIu64, n, 1000 + fx_random(fx, 60000));
    case PT_FORMAT_FQDN:
        return pt_arena_printf(&fx->arena, "host-%" PRIu64 ".example.com", n);
    case PT_FORMAT_IFNAME:
        return pt_arena_printf(&fx->arena, "eth%" PRIu64, n);
    case PT_FORMAT_SHA256_HEX:
        return pt_arena_printf(&fx->arena, "%064" PRIx64, n);
    default:
        return pt_arena_printf(&fx->arena, "text \xc3\xa9 %" PRIu64, n);
    }
}

static UNUSED union pt_value rr_value(struct fixture *fx, const struct pt_field_type *field, unsigned depth)
{
    union pt_value value = {.u64 = 0};
    int64_t min = field->rules.has_range ? field->rules.min : 0;
    int64_t max = field->rules.has_range ? field->rules.max : 1000;
    uint64_t number = (uint64_t)min + fx_random(fx, (uint64_t)(max - min) + 1);
    switch (field->kind) {
    case PT_FIELD_BOOL:
        value.boolean = fx_random(fx, 2) == 0;
        break;
    case PT_FIELD_STRING:
    case PT_FIELD_BYTES: {
        const char *text = rr_text(fx, field);
        value.bytes = (struct pt_bytes){(const uint8_t *)text, strlen(text)};
        break;
    }
    case PT_FIELD_ENUM: /* not the zero value: it may be required */
        value.i64 = field->enumeration->values[1 + fx_random(fx, field->enumeration->values_len - 1)].number;
        break;
    case PT_FIELD_MESSAGE:
        value.message = rr_message(fx, field->message, depth + 1);
        break;
    default:
        value.u64 = number;
        break;
    }
    return value;
}

static UNUSED bool rr_has_value(const struct pt_msg_field *field, union pt_value value)
{
    for (size_t i = 0; field != NULL && i < field->len; i++) {
        bool text = field->type->kind == PT_FIELD_STRING || field->type->kind == PT_FIELD_BYTES;
        if (text ? field->values[i].bytes.size == value.bytes.size &&
                       memcmp(field->values[i].bytes.data, value.bytes.data, value.bytes.size) == 0
                 : field->values[i].u64 == value.u64) {
            return true;
        }
    }
    return false;
}

static UNUSED void rr_map(struct fixture *fx, struct pt_msg *msg, const struct pt_field_type *field)
{
    for (uint64_t i = 0, len = fx_random(fx, 3); i < len; i++) {
        struct pt_msg *entry = pt_msg_new(&fx->arena, field->message);
        const struct pt_field_type *value = pt_message_field_by_number(field->message, 2);
        pt_msg_set_str(entry, &fx->arena, "key", pt_arena_printf(&fx->arena, "k%" PRIu64, i));
        if (value->kind == PT_FIELD_STRING) {
            pt_msg_set_str(entry, &fx->arena, "value", rr_text(fx, value));
        } else {
            pt_msg_set_i64(entry, &fx->arena, "value", (int64_t)fx_random(fx, 1000));
        }
        pt_msg_append(msg, &fx->arena, field->name, (union pt_value){.message = entry});
    }
}

static UNUSED void rr_field(struct fixture *fx, struct pt_msg *msg, const struct pt_field_type *field, unsigned depth)
{
    if (field->map) {
        rr_map(fx, msg, field);
        return;
    }
    if (field->repeated) {
        for (uint64_t i = 0, len = 1 + fx_random(fx, 2); i < len; i++) {
            union pt_value value = rr_value(fx, field, depth);
            if (!field->rules.set || !rr_has_value(pt_msg_field(msg, field->name), value)) {
                pt_msg_append(msg, &fx->arena, field->name, value);
            }
        }
        return;
    }
    union pt_value value = rr_value(fx, field, depth);
    switch (field->kind) {
    case PT_FIELD_BOOL:
        pt_msg_set_bool(msg, &fx->arena, field->name, value.boolean);
        break;
    case PT_FIELD_STRING:
    case PT_FIELD_BYTES:
        pt_msg_set_bytes(msg, &fx->arena, field->name, value.bytes);
        break;
    case PT_FIELD_MESSAGE:
        pt_msg_set_child(msg, &fx->arena, field->name, value.message);
        break;
    case PT_FIELD_ENUM:
    case PT_FIELD_INT32:
    case PT_FIELD_INT64:
    case PT_FIELD_SINT32:
    case PT_FIELD_SINT64:
    case PT_FIELD_SFIXED32:
    case PT_FIELD_SFIXED64:
        pt_msg_set_i64(msg, &fx->arena, field->name, value.i64);
        break;
    case PT_FIELD_FLOAT:
    case PT_FIELD_DOUBLE:
        break;
    default:
        pt_msg_set_u64(msg, &fx->arena, field->name, value.u64);
        break;
    }
}

static UNUSED struct pt_msg *rr_message(struct fixture *fx, const struct pt_message_type *type, unsigned depth)
{
    struct pt_msg *msg = pt_msg_new(&fx->arena, type);
    if (type->well_known != PT_WELL_KNOWN_NONE) {
        pt_msg_set_i64(msg, &fx->arena, "seconds", (int64_t)fx_random(fx, 1000));
        return msg;
    }
    for (size_t i = 0; i < type->fields_len; i++) {
        const struct pt_field_type *field = &type->fields[i];
        bool skipped = field->rules.output != PT_OUTPUT_USER || (depth == 0 && strcmp(field->name, "name") == 0);
        if (!skipped && (field->rules.required || fx_random(fx, 2) == 0)) {
            rr_field(fx, msg, field, depth);
        }
    }
    return msg;
}

/* ---- what mods demand ----------------------------------------------------------------------------------------- */

static UNUSED void rr_mend_lans(struct fixture *fx, struct pt_msg *edge)
{
    const struct pt_msg_field *lans = pt_msg_field(edge, "lan_interfaces");
    for (size_t i = 0; lans != NULL && i < lans->len; i++) {
        struct pt_msg *lan = lans->values[i].message;
        pt_msg_set_str(lan, &fx->arena, "interface", pt_arena_printf(&fx->arena, "lan%zu", i));
        pt_msg_clear(lan, "prefixes");
        const char *prefix = pt_arena_printf(&fx->arena, "10.%zu.%" PRIu64 ".0/24", i, fx_random(fx, 250));
        pt_msg_append(lan, &fx->arena, "prefixes",
                      (union pt_value){.bytes = {(const uint8_t *)prefix, strlen(prefix)}});
    }
}

static UNUSED void rr_mend_matches(struct fixture *fx, struct pt_msg *application)
{
    const struct pt_msg_field *matches = pt_msg_field(application, "matches");
    for (size_t i = 0; matches != NULL && i < matches->len; i++) {
        struct pt_msg *match = matches->values[i].message;
        if (pt_msg_has(match, "signatures")) {
            pt_msg_clear(match, "signatures");
            pt_msg_append(match, &fx->arena, "signatures", (union pt_value){.bytes = {(const uint8_t *)"ssh", 3}});
        }
        pt_msg_clear(match, "ports");
        pt_msg_set_u64(match, &fx->arena, "protocol", 17);
        struct pt_msg *ports = pt_msg_new(&fx->arena, pt_message_field(match->type, "ports")->message);
        uint64_t first = fx_random(fx, 60000);
        pt_msg_set_u64(ports, &fx->arena, "first", first);
        pt_msg_set_u64(ports, &fx->arena, "last", first + fx_random(fx, 5000));
        pt_msg_append(match, &fx->arena, "ports", (union pt_value){.message = ports});
    }
}

static UNUSED void rr_mend_windows(struct fixture *fx, struct pt_msg *rule)
{
    const struct pt_msg_field *windows = pt_msg_field(rule, "windows");
    for (size_t i = 0; windows != NULL && i < windows->len; i++) {
        struct pt_msg *window = windows->values[i].message;
        pt_msg_set_str(
            window, &fx->arena, "start",
            pt_arena_printf(&fx->arena, "%02u:%02u", (unsigned)fx_random(fx, 24), (unsigned)fx_random(fx, 60)));
        pt_msg_set_str(window, &fx->arena, "end", fx_random(fx, 2) == 0 ? "24:00" : "07:30");
    }
}

/* One entry a class, together less than everything, the usual code points. */
static UNUSED void rr_mend_classes(struct fixture *fx, struct pt_msg *profile)
{
    const struct pt_msg_field *classes = pt_msg_field(profile, "classes");
    for (size_t i = 0; classes != NULL && i < classes->len; i++) {
        struct pt_msg *class = classes->values[i].message;
        pt_msg_set_i64(class, &fx->arena, "traffic_class", 1 + (int64_t)i);
        pt_msg_set_u64(class, &fx->arena, "percent", 1 + fx_random(fx, 40));
        pt_msg_clear(class, "dscps");
    }
}

/* Rules about packets of different protocols, within the segment. */
static UNUSED void rr_mend_firewall(struct fixture *fx, struct pt_msg *policy)
{
    static const char *const fields[] = {"to_segment", "source_cidrs", "destination_cidrs", "ports"};
    const struct pt_msg_field *rules = pt_msg_field(policy, "rules");
    for (size_t i = 0; rules != NULL && i < rules->len; i++) {
        struct pt_msg *rule = rules->values[i].message;
        for (size_t j = 0; j < sizeof(fields) / sizeof(fields[0]); j++) {
            pt_msg_clear(rule, fields[j]);
        }
        pt_msg_set_i64(rule, &fx->arena, "scope", 1);
        pt_msg_set_u64(rule, &fx->arena, "protocol", 50 + i);
    }
}

static UNUSED void rr_mend(struct fixture *fx, struct pt_msg *msg, uint64_t unique)
{
    struct pt_arena *arena = &fx->arena;
    const char *kind = msg->type->resource->singular;
    if (pt_message_field(msg->type, "members") != NULL && pt_message_field(msg->type, "role") != NULL) {
        const char *member = pt_arena_printf(&fx->arena, "spiffe://c/user/u%" PRIu64, unique);
        pt_msg_set_str(msg, &fx->arena, "role", fx_random(fx, 2) == 0 ? "roles/viewer" : "roles/admin");
        pt_msg_clear(msg, "members");
        pt_msg_append(msg, &fx->arena, "members", (union pt_value){.bytes = {(const uint8_t *)member, strlen(member)}});
    } else if (strcmp(kind, "role") == 0) {
        static const char *const permissions[] = {"sites.*", "sites.update", "watch", "gone.create"};
        const char *permission = permissions[fx_random(fx, 4)];
        pt_msg_clear(msg, "permissions");
        pt_msg_append(msg, &fx->arena, "permissions",
                      (union pt_value){.bytes = {(const uint8_t *)permission, strlen(permission)}});
    } else if (strcmp(kind, "identityProvider") == 0) {
        pt_msg_set_str(msg, &fx->arena, "issuer", "https://id.example.com/tenant");
        pt_msg_clear(msg, "jwks_uri");
    } else if (strcmp(kind, "organization") == 0) { /* a limit would refuse by chance */
        pt_msg_clear(msg, "quotas");
        pt_msg_clear(msg, "tier");
    } else if (strcmp(kind, "edge") == 0) {
        rr_mend_lans(fx, msg);
    } else if (strcmp(kind, "link") == 0) {
        pt_msg_set_str(msg, arena, "interface", pt_arena_printf(arena, "w%" PRIu64, unique));
        pt_msg_set_str(msg, arena, "address", pt_arena_printf(arena, "2001:db8:1::%" PRIx64, unique + 1));
        pt_msg_set_u64(msg, arena, "capacity_up_bps", 1000000 + fx_random(fx, 1000000)); /* it may be shaped */
    } else if (strcmp(kind, "qosProfile") == 0) {
        rr_mend_classes(fx, msg);
    } else if (strcmp(kind, "natPolicy") == 0) { /* IPv4 only, and what goes together */
        pt_msg_clear(msg, "breakout");
        pt_msg_clear(msg, "port_forwards");
        pt_msg_clear(msg, "prefix_maps");
    } else if (strcmp(kind, "firewallPolicy") == 0) {
        rr_mend_firewall(fx, msg);
    } else if (strcmp(kind, "fabric") == 0) {
        pt_msg_clear(msg, "sites");
        if (pt_msg_i64(msg, "topology") == 2 && !pt_msg_has(msg, "hubs")) { /* HUB_SPOKE */
            pt_msg_clear(msg, "topology");
        }
    } else if (strcmp(kind, "application") == 0) {
        rr_mend_matches(fx, msg);
    } else if (strcmp(kind, "controller") == 0) {
        pt_msg_set_u64(msg, arena, "raft_id", unique + 100);
        pt_msg_set_str(msg, arena, "peer_address", pt_arena_printf(arena, "c%" PRIu64 ":7401", unique));
    } else if (strcmp(kind, "enrollmentToken") == 0) {
        pt_msg_set_str(msg, arena, "role", "voter");
        pt_msg_clear(msg, "edge");
        pt_msg_set_time(msg, arena, "expire_time", fx->time_ns + 3600LL * 1000000000);
    } else if (strcmp(kind, "modelVersion") == 0 && pt_msg_i64(msg, "stage") > 1) {
        pt_msg_set_i64(msg, arena, "stage", 1); /* its bytes have not come */
    } else if (strcmp(kind, "steeringPolicy") == 0) {
        const struct pt_msg_field *rules = pt_msg_field(msg, "rules");
        for (size_t i = 0; i < rules->len; i++) {
            struct pt_msg *rule = rules->values[i].message;
            pt_msg_set_i64(rule, arena, "preference", 1 + (int64_t)fx_random(fx, 4));
            pt_msg_clear(rule, "fallbacks"); /* not every preference has them */
            rr_mend_windows(fx, rule);
        }
    } else if (strcmp(kind, "slaProfile") == 0) {
        struct pt_msg *window = pt_msg_child(msg, "evaluation_window");
        if (window != NULL) {
            pt_msg_set_i64(window, arena, "seconds", 1 + (int64_t)fx_random(fx, 9));
        }
        pt_msg_clear(msg, "fast_down"); /* below a second, mostly */
    }
}

static UNUSED struct pt_msg *rr_resource(struct fixture *fx, const struct pt_message_type *kind, uint64_t unique)
{
    struct pt_msg *msg = rr_message(fx, kind, 0);
    if (strcmp(kind->resource->singular, "model") == 0) {
        pt_msg_clear(msg, "live_version");
    }
    rr_mend(fx, msg, unique);
    return msg;
}
