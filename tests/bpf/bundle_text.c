/* See bundle_text.h. Everything read lives in an arena until the bundle has made its copies. */
#include "bundle_text.h"
#include "base/net.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reader {
    struct pt_arena arena;
    char *line; /* the words of the line at hand, NUL-separated, ended by an empty one */
    bool failed;
};

/* The value of a key in the line, or `fallback`. */
static const char *word(struct reader *r, const char *key, const char *fallback)
{
    size_t size = strlen(key);
    for (char *at = r->line; *at != '\0'; at += strlen(at) + 1) {
        if (strncmp(at, key, size) == 0 && at[size] == '=') {
            return at + size + 1;
        }
    }
    if (fallback == NULL) {
        fprintf(stderr, "bundle: '%s' lacks %s=\n", r->line, key);
        r->failed = true;
        return "0";
    }
    return fallback;
}

static uint64_t number(struct reader *r, const char *key, const char *fallback)
{
    const char *text = word(r, key, fallback);
    char *end;
    uint64_t value = strtoull(text, &end, 0);
    if (*end != '\0') {
        fprintf(stderr, "bundle: '%s': %s=%s is no number\n", r->line, key, text);
        r->failed = true;
    }
    return value;
}

static uint32_t number32(struct reader *r, const char *key, const char *fallback)
{
    return (uint32_t)number(r, key, fallback);
}

static ProtobufCBinaryData address(struct reader *r, const char *key, const char *fallback)
{
    const char *text = word(r, key, fallback);
    struct pt_ip ip;
    struct pt_error error;
    if (*text == '\0') {
        return (ProtobufCBinaryData){0};
    }
    if (pt_ip_parse(text, &ip, &error) != PT_OK) {
        fprintf(stderr, "bundle: %s=%s: %s\n", key, text, error.text);
        r->failed = true;
        return (ProtobufCBinaryData){0};
    }
    return (ProtobufCBinaryData){.len = 16, .data = pt_arena_memdup(&r->arena, &ip, sizeof(ip))};
}

static ProtobufCBinaryData prefix_of(struct reader *r, const char *key, const char *fallback, uint32_t *ret_len)
{
    const char *text = word(r, key, fallback);
    struct pt_prefix p;
    struct pt_error error;
    if (*text == '\0') {
        return (ProtobufCBinaryData){0};
    }
    if (pt_prefix_parse(text, &p, &error) != PT_OK) {
        fprintf(stderr, "bundle: %s=%s: %s\n", key, text, error.text);
        r->failed = true;
        return (ProtobufCBinaryData){0};
    }
    *ret_len = p.len;
    return (ProtobufCBinaryData){.len = 16, .data = pt_arena_memdup(&r->arena, &p.ip, sizeof(p.ip))};
}

static ProtobufCBinaryData prefix(struct reader *r, const char *fallback, uint32_t *ret_len)
{
    return prefix_of(r, "prefix", fallback, ret_len);
}

static char *string(struct reader *r, const char *key, const char *fallback)
{
    return pt_arena_strdup(&r->arena, word(r, key, fallback));
}

/* Allocate a message of the kind and link it into the entry. */
#define MESSAGE(r, e, kind, CASE, variable, type)        \
    type *variable = PT_NEW(&(r)->arena, type);          \
    patronus__v1__##kind##_entry__init(variable);        \
    (e)->entry_case = PATRONUS__V1__ENTRY__ENTRY_##CASE; \
    (e)->kind = variable

static void read_node(struct reader *r, Patronus__V1__Entry *e)
{
    MESSAGE(r, e, node, NODE, m, Patronus__V1__NodeEntry);
    m->site_label = number32(r, "site", NULL);
    m->geneve_port = number32(r, "port", "6081");
}

/* "class:percent:dscp[:dscp_out]", one DSCP a class. */
static void read_classes(struct reader *r, Patronus__V1__LinkEntry *m)
{
    char *list = string(r, "classes", ""), *save = NULL;
    m->classes = pt_arena_array(&r->arena, 5, sizeof(*m->classes));
    for (char *one = strtok_r(list, ",", &save); one != NULL && m->n_classes < 5; one = strtok_r(NULL, ",", &save)) {
        Patronus__V1__LinkClassEntry *class = PT_NEW(&r->arena, Patronus__V1__LinkClassEntry);
        uint32_t dscp = 0, dscp_out = UINT32_MAX;
        patronus__v1__link_class_entry__init(class);
        if (sscanf(one, "%" SCNu32 ":%" SCNu32 ":%" SCNu32 ":%" SCNu32, &class->traffic_class, &class->percent, &dscp,
                   &dscp_out) < 3) {
            fprintf(stderr, "bundle: class '%s' is not class:percent:dscp\n", one);
            r->failed = true;
        }
        class->dscp_mask = 1ULL << (dscp & 63);
        class->dscp_out = dscp_out + 1;
        m->classes[m->n_classes++] = class;
    }
}

static void read_link(struct reader *r, Patronus__V1__Entry *e)
{
    MESSAGE(r, e, link, LINK, m, Patronus__V1__LinkEntry);
    m->link = number32(r, "id", NULL);
    m->interface = string(r, "if", NULL);
    m->address = address(r, "address", NULL);
    m->gateway = address(r, "gateway", "");
    m->mtu = number32(r, "mtu", "1500");
    m->name = string(r, "name", "");
    m->rate_bps = number(r, "rate", "0");
    read_classes(r, m);
}

static void read_lan(struct reader *r, Patronus__V1__Entry *e)
{
    MESSAGE(r, e, lan, LAN, m, Patronus__V1__LanEntry);
    m->interface = string(r, "if", NULL);
    m->vni = number32(r, "vni", NULL);
}

static void read_route(struct reader *r, Patronus__V1__Entry *e)
{
    MESSAGE(r, e, route, ROUTE, m, Patronus__V1__RouteEntry);
    m->vni = number32(r, "vni", NULL);
    m->prefix = prefix(r, NULL, &m->prefix_len);
    m->site_label = number32(r, "site", NULL);
    m->lan_interface = string(r, "lan", "");
    m->sealed = number32(r, "sealed", "0") != 0;
}

static void read_tunnel(struct reader *r, Patronus__V1__Entry *e)
{
    MESSAGE(r, e, tunnel, TUNNEL, m, Patronus__V1__TunnelEntry);
    m->tunnel = number(r, "id", NULL);
    m->link = number32(r, "link", NULL);
    m->remote = address(r, "remote", NULL);
    m->remote_site = number32(r, "site", NULL);
    m->mtu = number32(r, "mtu", "1444");
}

static void read_path(struct reader *r, Patronus__V1__Entry *e)
{
    MESSAGE(r, e, path, PATH, m, Patronus__V1__PathEntry);
    m->path = number(r, "id", NULL);
    m->tunnel = number(r, "tunnel", NULL);
    m->destination = number32(r, "site", NULL);
    m->strict = number32(r, "strict", "0") != 0;
    m->sealed = number32(r, "sealed", "0") != 0;
    m->stack = pt_arena_array(&r->arena, 16, sizeof(*m->stack));
    char *list = string(r, "stack", ""), *save = NULL;
    for (char *one = strtok_r(list, ",", &save); one != NULL && m->n_stack < 16; one = strtok_r(NULL, ",", &save)) {
        m->stack[m->n_stack++] = (uint32_t)strtoul(one, NULL, 0);
    }
}

static void read_group(struct reader *r, Patronus__V1__Entry *e)
{
    MESSAGE(r, e, group, GROUP, m, Patronus__V1__GroupEntry);
    m->site_label = number32(r, "site", NULL);
    m->policy_class = strcmp(word(r, "class", "0"), "transit") == 0 ? UINT32_MAX : number32(r, "class", "0");
    m->traffic_class = number32(r, "traffic", "0");
    m->sla = number(r, "sla", "0");
    m->require = number32(r, "require", "0") != 0;
    m->move = number32(r, "move", "0");
    m->follow = number32(r, "follow", "0") != 0;
    m->members = pt_arena_array(&r->arena, 16, sizeof(*m->members));
    char *list = string(r, "members", ""), *save = NULL;
    for (char *one = strtok_r(list, ",", &save); one != NULL && m->n_members < 16; one = strtok_r(NULL, ",", &save)) {
        Patronus__V1__GroupMember *member = PT_NEW(&r->arena, Patronus__V1__GroupMember);
        patronus__v1__group_member__init(member);
        if (sscanf(one, "%" SCNu64 ":%" SCNu32 ":%" SCNu32, &member->path, &member->weight, &member->tier) != 3) {
            fprintf(stderr, "bundle: member '%s' is not path:weight:tier\n", one);
            r->failed = true;
        }
        m->members[m->n_members++] = member;
    }
}

static void read_rule(struct reader *r, Patronus__V1__Entry *e)
{
    MESSAGE(r, e, rule, RULE, m, Patronus__V1__RuleEntry);
    m->vni = number32(r, "vni", NULL);
    m->order = number32(r, "order", NULL);
    m->protocol = number32(r, "protocol", "256");
    if (sscanf(word(r, "ports", "0-65535"), "%" SCNu32 "-%" SCNu32, &m->port_first, &m->port_last) != 2) {
        fprintf(stderr, "bundle: ports are written first-last\n");
        r->failed = true;
    }
    uint64_t dscp = number(r, "dscp", "64");
    m->dscp_mask = dscp > 63 ? UINT64_MAX : 1ULL << dscp;
    m->prefix = prefix(r, "", &m->prefix_len);
    m->policy_class = number32(r, "class", "0");
    m->deny = number32(r, "deny", "0") != 0;
    m->rule_id = number32(r, "id", "0");
    m->subjects = number(r, "subjects", "0");
    uint32_t application = number32(r, "applications", "0"); /* one is enough here */
    if (application != 0) {
        m->applications = pt_arena_memdup(&r->arena, &application, sizeof(application));
        m->n_applications = 1;
    }
}

static void read_subject(struct reader *r, Patronus__V1__Entry *e)
{
    MESSAGE(r, e, subject, SUBJECT, m, Patronus__V1__SubjectEntry);
    m->vni = number32(r, "vni", NULL);
    m->address = address(r, "source", NULL);
    m->subjects = number(r, "bits", "1");
}

static void read_peer(struct reader *r, Patronus__V1__Entry *e)
{
    MESSAGE(r, e, peer, PEER, m, Patronus__V1__PeerEntry);
    struct pt_digest key; /* as long as a public key */
    m->site_label = number32(r, "site", NULL);
    m->cipher = number32(r, "cipher", "2");
    if (pt_digest_from_hex(word(r, "key", NULL), &key, NULL) != PT_OK) {
        fprintf(stderr, "bundle: a key has 64 hexadecimal digits\n");
        r->failed = true;
    }
    m->public_key = (ProtobufCBinaryData){.len = sizeof(key), .data = pt_arena_memdup(&r->arena, &key, sizeof(key))};
}

static void read_sla(struct reader *r, Patronus__V1__Entry *e)
{
    MESSAGE(r, e, sla, SLA, m, Patronus__V1__SlaEntry);
    m->sla = number(r, "id", NULL);
    m->loss_ppm_max = number32(r, "loss", "0");
    m->rtt_us_max = number32(r, "rtt", "0");
    m->bounds = (m->loss_ppm_max != 0 ? 1 : 0) | (m->rtt_us_max != 0 ? 2 : 0);
    m->window_ms = number32(r, "window", "1000");
    m->fast_down_ms = number32(r, "fast", "300");
    m->slow_up_ms = number32(r, "up", "10000");
    m->half_life_ms = number32(r, "half", "60000");
}

/* Numbers with commas between them. */
static uint32_t *list32(struct reader *r, const char *key, size_t *ret_len)
{
    enum { LIST_MAX = 16 };
    uint32_t *list = pt_arena_array(&r->arena, LIST_MAX, sizeof(*list));
    char *text = string(r, key, ""), *save = NULL;
    for (char *one = strtok_r(text, ",", &save); one != NULL && *ret_len < LIST_MAX; one = strtok_r(NULL, ",", &save)) {
        list[(*ret_len)++] = (uint32_t)strtoul(one, NULL, 0);
    }
    return list;
}

static void read_exit(struct reader *r, Patronus__V1__Entry *e)
{
    MESSAGE(r, e, exit, EXIT, m, Patronus__V1__ExitEntry);
    m->vni = number32(r, "vni", NULL);
    m->link = number32(r, "link", NULL);
    m->address_dependent = number32(r, "dependent", "0") != 0;
    m->udp_s = number32(r, "udp", "300");
    m->tcp_s = number32(r, "tcp", "7440");
    m->tcp_transitory_s = number32(r, "transitory", "240");
    m->icmp_s = number32(r, "icmp", "60");
}

static void read_forward(struct reader *r, Patronus__V1__Entry *e)
{
    MESSAGE(r, e, forward, FORWARD, m, Patronus__V1__ForwardEntry);
    m->link = number32(r, "link", NULL);
    m->protocol = number32(r, "protocol", "6");
    m->port = number32(r, "port", NULL);
    m->vni = number32(r, "vni", NULL);
    m->address = address(r, "address", NULL);
    m->target_port = number32(r, "target", NULL);
}

static void read_prefix_map(struct reader *r, Patronus__V1__Entry *e)
{
    MESSAGE(r, e, prefix_map, PREFIX_MAP, m, Patronus__V1__PrefixMapEntry);
    m->vni = number32(r, "vni", NULL);
    m->inside = prefix(r, NULL, &m->prefix_len);
    m->outside = address(r, "outside", NULL);
}

static void read_filter(struct reader *r, Patronus__V1__Entry *e)
{
    MESSAGE(r, e, filter, FILTER, m, Patronus__V1__FilterEntry);
    m->vni = number32(r, "vni", NULL);
    m->drop = number32(r, "drop", "0") != 0;
    m->reach = list32(r, "reach", &m->n_reach);
}

static void read_filter_rule(struct reader *r, Patronus__V1__Entry *e)
{
    MESSAGE(r, e, filter_rule, FILTER_RULE, m, Patronus__V1__FilterRuleEntry);
    m->vni = number32(r, "vni", NULL);
    m->order = number32(r, "order", NULL);
    m->allow = number32(r, "allow", "1") != 0;
    m->to = strcmp(word(r, "to", "0"), "internet") == 0 ? UINT32_MAX : number32(r, "to", "0");
    m->protocol = number32(r, "protocol", "256");
    if (sscanf(word(r, "ports", "0-65535"), "%" SCNu32 "-%" SCNu32, &m->port_first, &m->port_last) != 2) {
        fprintf(stderr, "bundle: ports are written first-last\n");
        r->failed = true;
    }
    m->source = prefix_of(r, "source", "", &m->source_len);
    m->destination = prefix(r, "", &m->destination_len);
    m->rule_id = number32(r, "id", "0");
}

static void read_guard(struct reader *r, Patronus__V1__Entry *e)
{
    MESSAGE(r, e, guard, GUARD, m, Patronus__V1__GuardEntry);
    m->source_pps = number32(r, "pps", "0");
    m->syns_ps = number32(r, "syns", "0");
}

static void read_denied(struct reader *r, Patronus__V1__Entry *e)
{
    MESSAGE(r, e, denied, DENIED, m, Patronus__V1__DeniedEntry);
    m->prefix = prefix(r, NULL, &m->prefix_len);
}

static void read_limit(struct reader *r, Patronus__V1__Entry *e)
{
    MESSAGE(r, e, limit, LIMIT, m, Patronus__V1__LimitEntry);
    m->limit = number(r, "id", NULL);
    m->vnis = list32(r, "vnis", &m->n_vnis);
    m->site_label = number32(r, "site", "0");
    m->rate_bps = number(r, "rate", NULL);
    m->burst_ms = number32(r, "burst", "50");
    m->parent = number(r, "parent", "0");
}

static void read_entry(struct reader *r, Patronus__V1__Entry *e)
{
    static const struct {
        const char *kind;
        void (*read)(struct reader *r, Patronus__V1__Entry *e);
    } kinds[] = {{"node", read_node},       {"link", read_link},
                 {"lan", read_lan},         {"route", read_route},
                 {"tunnel", read_tunnel},   {"path", read_path},
                 {"group", read_group},     {"rule", read_rule},
                 {"peer", read_peer},       {"subject", read_subject},
                 {"sla", read_sla},         {"exit", read_exit},
                 {"forward", read_forward}, {"prefix_map", read_prefix_map},
                 {"filter", read_filter},   {"filter_rule", read_filter_rule},
                 {"guard", read_guard},     {"denied", read_denied},
                 {"limit", read_limit}};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(r->line, kinds[i].kind) == 0) {
            kinds[i].read(r, e);
            return;
        }
    }
    fprintf(stderr, "bundle: '%s' is no kind of entry\n", r->line);
    r->failed = true;
}

/* Words NUL-separated, an empty one at the end. False for a line without any. */
static bool split(struct reader *r, const char *line)
{
    char *out = r->line = pt_arena_alloc(&r->arena, strlen(line) + 2);
    while (*line != '\0' && *line != '#') {
        size_t size = strcspn(line, " \t#");
        memcpy(out, line, size);
        out += size + (size != 0);
        line += size;
        line += strspn(line, " \t");
    }
    return out != r->line;
}

struct pt_bundle *bundle_from_text(const char *text)
{
    enum { ENTRIES_MAX = 65536 };
    struct reader r = {0};
    pt_arena_init(&r.arena);
    Patronus__V1__Entry **entries = pt_arena_array(&r.arena, ENTRIES_MAX, sizeof(*entries));
    size_t len = 0;
    char *copy = pt_arena_strdup(&r.arena, text), *save = NULL;
    for (char *line = strtok_r(copy, "\n", &save); line != NULL && len < ENTRIES_MAX && !r.failed;
         line = strtok_r(NULL, "\n", &save)) {
        if (!split(&r, line)) {
            continue;
        }
        entries[len] = PT_NEW(&r.arena, Patronus__V1__Entry);
        patronus__v1__entry__init(entries[len]);
        read_entry(&r, entries[len++]);
    }
    struct pt_bundle *bundle = r.failed ? NULL : pt_bundle_new(entries, len);
    pt_arena_fini(&r.arena);
    return bundle;
}

struct pt_bundle *bundle_from_file(const char *path)
{
    FILE *file = fopen(path, "re");
    struct pt_buf buf;
    struct pt_bundle *bundle = NULL;
    if (file == NULL) {
        perror(path);
        return NULL;
    }
    pt_buf_init(&buf);
    for (size_t got = 1; got != 0; buf.size += got) {
        got = fread(pt_buf_reserve(&buf, 65536), 1, 65536, file);
    }
    (void)fclose(file);
    pt_buf_append_u8(&buf, 0);
    bundle = bundle_from_text((const char *)buf.data);
    pt_buf_fini(&buf);
    return bundle;
}
