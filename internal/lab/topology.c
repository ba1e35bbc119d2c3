/*
 * The lab file's reader. One pass, one line at a time, split at blanks into words; the first word names the statement
 * and `statements` says who reads the rest. Errors are raised deep down without knowing the line; the loop adds
 * "source:line" to each, so that no reader can forget it.
 *
 * Checks that need the whole file (a node without links, two LANs of a segment that overlap) run at its end and name
 * the line at which the later of the two stood.
 */
#include "lab/topology.h"

#include "base/assert.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 16

struct reader {
    struct pt_lab_topology topology;
    struct pt_lab_link defaults; /* only its options count */
    char *words[WORDS_MAX];
    size_t words_len;
};

static const struct pt_lab_link no_defaults = {.mtu = 1500};
/* The words of the schema's enum Transport, in lower case. */
static const char *const transports[] = {"mpls", "broadband", "lte", "nr_5g", "satellite", NULL};

/* Every mistake in a lab file is of this kind. */
#define INVALID(reterr, ...) pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, NULL, __VA_ARGS__)

/* An id: [a-z]([a-z0-9-]{0,61}[a-z0-9])?, as every id of the schema. */
static bool is_id(const char *word, size_t size_max)
{
    size_t len = strlen(word);
    return len >= 1 && len < size_max && word[0] >= 'a' && word[0] <= 'z' && word[len - 1] != '-' &&
           strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

/* Room for one more element, zeroed; the limit was checked. */
static void *grow(void *array, size_t len, size_t size)
{
    /* Powers of two: a new block only when len is one (or 0). */
    if ((len & (len - 1)) == 0) {
        array = realloc(array, (len == 0 ? 1 : 2 * len) * size);
        pt_assert(array != NULL);
    }
    memset((char *)array + len * size, 0, size);
    return array;
}

static enum pt_code add_node(struct reader *reader, enum pt_lab_role role, struct pt_error *reterr)
{
    struct pt_lab_topology *topology = &reader->topology;
    const char *name = reader->words_len == 2 ? reader->words[1] : "";
    if (!is_id(name, PT_LAB_NODE_NAME_SIZE)) {
        return INVALID(reterr, "'%.64s' is not a node's name; one name of at most 31 of a-z, 0-9 and - follows", name);
    }
    if (strcmp(name, "relay") == 0 || strcmp(name, "underlay") == 0) {
        return INVALID(reterr, "the name '%s' is the lab's own; choose another", name);
    }
    if (pt_lab_topology_node(topology, name) != NULL) {
        return INVALID(reterr, "there is a node '%s' already; choose another name", name);
    }
    if (topology->nodes_len == PT_LAB_NODES_MAX) {
        return INVALID(reterr, "'%s' is one node too many; the limit is 255", name);
    }
    topology->nodes = grow(topology->nodes, topology->nodes_len, sizeof(*topology->nodes));
    struct pt_lab_node *node = &topology->nodes[topology->nodes_len++];
    (void)snprintf(node->name, sizeof(node->name), "%s", name);
    node->role = role;
    node->links_at = topology->links_len;
    node->lans_at = topology->lans_len;
    return PT_OK;
}

static enum pt_code read_site(struct reader *reader, struct pt_error *reterr)
{
    return add_node(reader, PT_LAB_SITE, reterr);
}

static enum pt_code read_controller(struct reader *reader, struct pt_error *reterr)
{
    return add_node(reader, PT_LAB_CONTROLLER, reterr);
}

/* The value when `word` is "key=value", else NULL. */
static const char *value_of(const char *word, const char *key)
{
    size_t len = strlen(key);
    return strncmp(word, key, len) == 0 && word[len] == '=' ? word + len + 1 : NULL;
}

static enum pt_code set_transport(struct pt_lab_link *link, const char *value, struct pt_error *reterr)
{
    for (size_t i = 0; transports[i] != NULL; i++) {
        if (strcmp(transports[i], value) == 0) {
            (void)snprintf(link->transport, sizeof(link->transport), "%s", value);
            return PT_OK;
        }
    }
    return INVALID(reterr, "'%.40s' is not a transport; there are mpls, broadband, lte, nr_5g, satellite", value);
}

static enum pt_code set_mtu(struct pt_lab_link *link, const char *value, struct pt_error *reterr)
{
    char *end = NULL;
    unsigned long mtu = strtoul(value, &end, 10);
    if (strspn(value, "0123456789") != strlen(value) || mtu < 1280 || mtu > 9216) {
        return INVALID(reterr, "'%.40s' is not an MTU; write a number in 1280..9216", value);
    }
    link->mtu = (uint32_t)mtu;
    return PT_OK;
}

static enum pt_code set_name(struct pt_lab_link *link, const char *value, struct pt_error *reterr)
{
    if (!is_id(value, sizeof(link->name))) {
        return INVALID(reterr, "'%.64s' is not a link's name; write at most 63 of a-z, 0-9 and -", value);
    }
    (void)snprintf(link->name, sizeof(link->name), "%s", value);
    return PT_OK;
}

static enum pt_code set_ipv6(struct pt_lab_link *link, const char *value, struct pt_error *reterr)
{
    if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0) {
        return INVALID(reterr, "ipv6='%.40s' must be yes or no", value);
    }
    link->ipv6 = value[0] == 'y';
    return PT_OK;
}

static enum pt_code set_capacity(struct pt_lab_link *link, const char *value, struct pt_error *reterr)
{
    return pt_lab_parse_rate(value, &link->capacity_bps, reterr);
}

static const struct {
    const char *key;
    enum pt_code (*set)(struct pt_lab_link *link, const char *value, struct pt_error *reterr);
} options[] = {
    {"name", set_name}, {"transport", set_transport}, {"capacity", set_capacity}, {"mtu", set_mtu}, {"ipv6", set_ipv6},
};

static enum pt_code set_option(struct pt_lab_link *link, const char *word, struct pt_error *reterr)
{
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        const char *value = value_of(word, options[i].key);
        if (value != NULL) {
            return options[i].set(link, value, reterr);
        }
    }
    if (pt_lab_params_has(word)) {
        return pt_lab_params_set(&link->params, word, reterr);
    }
    return INVALID(reterr,
                   "'%.60s' is not an option of a link; there are name=, transport=, capacity=, mtu=, ipv6=, delay=, "
                   "jitter=, loss=, reorder=, duplicate=, rate=, queue= and cut=",
                   word);
}

static enum pt_code read_default(struct reader *reader, struct pt_error *reterr)
{
    for (size_t i = 1; i < reader->words_len; i++) {
        if (value_of(reader->words[i], "name") != NULL) {
            return INVALID(reterr, "'%.60s' cannot be a default: every link needs a name of its own", reader->words[i]);
        }
        PT_TRY(set_option(&reader->defaults, reader->words[i], reterr));
    }
    return PT_OK;
}

/* The i-th subnet of two bits of host part, and its members 1 (router) and 2 (node). */
static void assign_link_addresses(struct pt_lab_link *link, size_t index)
{
    uint32_t base = 0xc6120000U + (uint32_t)index * 4; /* 198.18.0.0/15 holds 32768 of them */
    link->gateway = pt_ip_from_v4(base + 1);
    link->address = pt_ip_from_v4(base + 2);
    if (link->ipv6) {
        struct pt_ip ip = {.bytes = {0xfd, 0x18}};
        ip.bytes[12] = (uint8_t)(index >> 8);
        ip.bytes[13] = (uint8_t)index;
        ip.bytes[15] = 1;
        link->gateway6 = ip;
        ip.bytes[15] = 2;
        link->address6 = ip;
    }
}

/* The node that the line belongs to; an error when it stands before any. */
static enum pt_code current_node(struct reader *reader, struct pt_lab_node **ret_node, struct pt_error *reterr)
{
    if (reader->topology.nodes_len == 0) {
        return INVALID(reterr, "a '%s' belongs to a node: a line 'site NAME' or 'controller NAME' must stand before it",
                       reader->words[0]);
    }
    *ret_node = &reader->topology.nodes[reader->topology.nodes_len - 1];
    return PT_OK;
}

static enum pt_code read_link(struct reader *reader, struct pt_error *reterr)
{
    struct pt_lab_topology *topology = &reader->topology;
    struct pt_lab_node *node = NULL;
    PT_TRY(current_node(reader, &node, reterr));
    const char *underlay = reader->words_len >= 2 ? reader->words[1] : "";
    struct pt_lab_link link = reader->defaults;
    if (!is_id(underlay, sizeof(link.underlay))) {
        return INVALID(reterr, "'%.64s' is not an underlay; 'link' is followed by a word of at most 63 of a-z, 0-9, -",
                       underlay);
    }
    (void)snprintf(link.underlay, sizeof(link.underlay), "%s", underlay);
    (void)snprintf(link.name, sizeof(link.name), "%s", underlay);
    for (size_t i = 2; i < reader->words_len; i++) {
        PT_TRY(set_option(&link, reader->words[i], reterr));
    }
    for (size_t i = node->links_at; i < topology->links_len; i++) {
        if (strcmp(topology->links[i].name, link.name) == 0) {
            return INVALID(reterr, "the node has a link '%s' already; give this one a name=", link.name);
        }
    }
    if (node->links_len == PT_LAB_NODE_LINKS_MAX || topology->links_len == PT_LAB_LINKS_MAX) {
        return INVALID(reterr, "link '%s' is one too many; the limits are 64 a node and 1024 a lab", link.name);
    }
    link.node = topology->nodes_len - 1;
    link.number = node->links_len++;
    (void)snprintf(link.interface, sizeof(link.interface), "wan%zu", link.number);
    assign_link_addresses(&link, topology->links_len);
    topology->links = grow(topology->links, topology->links_len, sizeof(*topology->links));
    topology->links[topology->links_len++] = link;
    return PT_OK;
}

/* base + offset in the last byte: the prefixes leave at least four bits of host part. */
static struct pt_ip member(const struct pt_prefix *prefix, uint8_t offset)
{
    struct pt_ip ip = prefix->ip;
    ip.bytes[15] = (uint8_t)(ip.bytes[15] + offset);
    return ip;
}

static enum pt_code set_prefix(const char *text, bool v4, struct pt_prefix *ret_prefix, struct pt_error *reterr)
{
    struct pt_prefix prefix;
    PT_TRY(pt_prefix_parse(text, &prefix, reterr));
    struct pt_prefix canonical = pt_prefix_canonical(&prefix);
    char right[PT_PREFIX_TEXT_SIZE];
    if (!pt_ip_equal(&prefix.ip, &canonical.ip)) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, NULL,
                       "'%s' has bits behind the prefix; write %s", text, pt_prefix_format(&canonical, right));
    }
    if (pt_ip_is_v4(&prefix.ip) != v4) {
        return INVALID(reterr, "'%s' is of the other family: prefix= takes IPv4 and prefix6= takes IPv6", text);
    }
    if (prefix.len > (v4 ? 28 : 124)) {
        return INVALID(reterr, "'%s' is too small for an edge and a host; write /28 or /124 or shorter", text);
    }
    *ret_prefix = prefix;
    return PT_OK;
}

/* LANs of one segment may not overlap: each is a route in it. */
static enum pt_code check_overlap(const struct pt_lab_topology *topology, const struct pt_lab_lan *lan,
                                  struct pt_error *reterr)
{
    for (size_t i = 0; i < topology->lans_len; i++) {
        const struct pt_lab_lan *other = &topology->lans[i];
        if (strcmp(other->segment, lan->segment) == 0 && (pt_prefix_contains(&other->prefix, &lan->prefix.ip) ||
                                                          pt_prefix_contains(&lan->prefix, &other->prefix.ip) ||
                                                          pt_prefix_contains(&other->prefix6, &lan->prefix6.ip) ||
                                                          pt_prefix_contains(&lan->prefix6, &other->prefix6.ip))) {
            return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, NULL,
                           "the prefixes overlap those of segment '%s' at '%s'; within a segment they must not",
                           lan->segment, topology->nodes[other->node].name);
        }
    }
    return PT_OK;
}

/* 10.site.lan.0/24 and fd00:site:lan::/64: sites are counted from 1, LANs from 0. */
static void default_prefixes(const struct pt_lab_topology *topology, struct pt_lab_lan *lan)
{
    uint32_t site = 0;
    for (size_t i = 0; i < topology->nodes_len; i++) {
        site += topology->nodes[i].role == PT_LAB_SITE;
    }
    lan->prefix.ip = pt_ip_from_v4(10U << 24 | site << 16 | (uint32_t)lan->number << 8);
    lan->prefix.len = 24;
    lan->prefix6.ip = (struct pt_ip){.bytes = {0xfd, 0, 0, (uint8_t)site, 0, (uint8_t)lan->number}};
    lan->prefix6.len = 64;
}

static enum pt_code read_lan(struct reader *reader, struct pt_error *reterr)
{
    struct pt_lab_topology *topology = &reader->topology;
    struct pt_lab_node *node = NULL;
    PT_TRY(current_node(reader, &node, reterr));
    const char *segment = reader->words_len >= 2 ? reader->words[1] : "";
    struct pt_lab_lan lan = {.node = topology->nodes_len - 1, .number = node->lans_len};
    if (node->role != PT_LAB_SITE) {
        return INVALID(reterr, "'%s' is a controller; only sites have LANs", node->name);
    }
    if (!is_id(segment, sizeof(lan.segment))) {
        return INVALID(reterr, "'%.64s' is not a segment; 'lan' is followed by a word of at most 63 of a-z, 0-9, -",
                       segment);
    }
    if (node->lans_len == PT_LAB_NODE_LANS_MAX) {
        return INVALID(reterr, "'%s' has one LAN too many; the limit is 16", node->name);
    }
    for (size_t i = node->lans_at; i < topology->lans_len; i++) {
        if (strcmp(topology->lans[i].segment, segment) == 0) {
            return INVALID(reterr, "the site has a LAN in segment '%s' already", segment);
        }
    }
    (void)snprintf(lan.segment, sizeof(lan.segment), "%s", segment);
    (void)snprintf(lan.interface, sizeof(lan.interface), "lan%zu", lan.number);
    default_prefixes(topology, &lan);
    for (size_t i = 2; i < reader->words_len; i++) {
        const char *v4 = value_of(reader->words[i], "prefix");
        const char *v6 = value_of(reader->words[i], "prefix6");
        if (v4 == NULL && v6 == NULL) {
            return INVALID(reterr,
                           "'%.60s' is not an option of a LAN; there are prefix= and prefix6=", reader->words[i]);
        }
        PT_TRY(v4 != NULL ? set_prefix(v4, true, &lan.prefix, reterr) : set_prefix(v6, false, &lan.prefix6, reterr));
    }
    PT_TRY(check_overlap(topology, &lan, reterr));
    lan.edge = member(&lan.prefix, 1);
    lan.edge6 = member(&lan.prefix6, 1);
    lan.host = member(&lan.prefix, 10);
    lan.host6 = member(&lan.prefix6, 10);
    topology->lans = grow(topology->lans, topology->lans_len, sizeof(*topology->lans));
    topology->lans[topology->lans_len++] = lan;
    node->lans_len++;
    return PT_OK;
}

static const struct {
    const char *word;
    enum pt_code (*read)(struct reader *reader, struct pt_error *reterr);
} statements[] = {
    {"default", read_default}, {"site", read_site}, {"controller", read_controller},
    {"lan", read_lan},         {"link", read_link},
};

/* Cut the line (NUL-terminated, ours to change) into words. */
static enum pt_code split(struct reader *reader, char *line, struct pt_error *reterr)
{
    char *comment = strchr(line, '#');
    if (comment != NULL) {
        *comment = '\0';
    }
    reader->words_len = 0;
    char *rest = NULL;
    for (char *word = strtok_r(line, " \t\r", &rest); word != NULL; word = strtok_r(NULL, " \t\r", &rest)) {
        if (reader->words_len == WORDS_MAX) {
            return INVALID(reterr, "more than 16 words in a line, from '%.40s' on", word);
        }
        reader->words[reader->words_len++] = word;
    }
    return PT_OK;
}

static enum pt_code read_line(struct reader *reader, const char *start, size_t size, struct pt_error *reterr)
{
    char line[PT_LAB_LINE_SIZE_MAX + 1];
    if (size > PT_LAB_LINE_SIZE_MAX) {
        return INVALID(reterr, "the line is longer than %u bytes", PT_LAB_LINE_SIZE_MAX);
    }
    if (memchr(start, '\0', size) != NULL) {
        return INVALID(reterr, "the line holds a NUL byte; a lab file is text");
    }
    memcpy(line, start, size);
    line[size] = '\0';
    PT_TRY(split(reader, line, reterr));
    if (reader->words_len == 0) {
        return PT_OK;
    }
    for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++) {
        if (strcmp(statements[i].word, reader->words[0]) == 0) {
            return statements[i].read(reader, reterr);
        }
    }
    return INVALID(reterr, "'%.40s' is not known; a line starts with default, site, controller, lan or link",
                   reader->words[0]);
}

/* A LAN host's namespace is called <node>-<segment>; no node may be called so. */
static enum pt_code check_whole(const struct pt_lab_topology *topology, struct pt_error *reterr)
{
    if (topology->nodes_len == 0) {
        return INVALID(reterr, "there is no node; write at least one line 'site NAME'");
    }
    for (size_t i = 0; i < topology->nodes_len; i++) {
        if (topology->nodes[i].links_len == 0) {
            return INVALID(reterr, "node '%s' has no link; write a line 'link UNDERLAY' after it",
                           topology->nodes[i].name);
        }
    }
    for (size_t i = 0; i < topology->lans_len; i++) {
        char host[PT_LAB_NODE_NAME_SIZE + PT_ID_SIZE_MAX + 1];
        (void)snprintf(host, sizeof(host), "%s-%s", topology->nodes[topology->lans[i].node].name,
                       topology->lans[i].segment);
        if (pt_lab_topology_node(topology, host) != NULL) {
            return INVALID(reterr, "the node '%s' has the name of a LAN host; rename it", host);
        }
    }
    return PT_OK;
}

/* Put "source:line" where the error stands. */
static enum pt_code located(struct pt_error *reterr, enum pt_code code, const char *source, size_t line)
{
    if (reterr != NULL) {
        (void)snprintf(reterr->field, sizeof(reterr->field), "%.160s:%zu", source, line);
    }
    return code;
}

static enum pt_code read_lines(struct reader *reader, const char *source, const char *text, size_t size,
                               struct pt_error *reterr)
{
    size_t line = 0;
    for (const char *at = text, *end = text + size; at < end;) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t line_size = (size_t)((newline != NULL ? newline : end) - at);
        line++;
        enum pt_code code = read_line(reader, at, line_size, reterr);
        if (code != PT_OK) {
            return located(reterr, code, source, line);
        }
        at += line_size + 1;
    }
    enum pt_code code = check_whole(&reader->topology, reterr);
    return code == PT_OK ? PT_OK : located(reterr, code, source, line);
}

enum pt_code pt_lab_topology_parse(const char *source, const char *text, size_t size,
                                   struct pt_lab_topology *ret_topology, struct pt_error *reterr)
{
    if (size > PT_LAB_FILE_SIZE_MAX) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_MESSAGE_TOO_LARGE, source,
                       "a lab file has at most %u bytes", PT_LAB_FILE_SIZE_MAX);
    }
    struct reader reader = {.defaults = no_defaults};
    enum pt_code code = read_lines(&reader, source, text, size, reterr);
    if (code != PT_OK) {
        pt_lab_topology_fini(&reader.topology);
        return code;
    }
    *ret_topology = reader.topology;
    return PT_OK;
}

void pt_lab_topology_fini(struct pt_lab_topology *topology)
{
    free(topology->nodes);
    free(topology->links);
    free(topology->lans);
    *topology = (struct pt_lab_topology){0};
}

char *pt_lab_link_name(const struct pt_lab_topology *topology, const struct pt_lab_link *link,
                       char text[PT_LAB_LINK_NAME_SIZE])
{
    (void)snprintf(text, PT_LAB_LINK_NAME_SIZE, "%s/%s", topology->nodes[link->node].name, link->name);
    return text;
}

bool pt_lab_link_matches(const struct pt_lab_topology *topology, const struct pt_lab_link *link, const char *pattern)
{
    char text[PT_LAB_LINK_NAME_SIZE];
    if (fnmatch(pattern, pt_lab_link_name(topology, link, text), 0) == 0) {
        return true;
    }
    (void)snprintf(text, sizeof(text), "%s/%s", topology->nodes[link->node].name, link->interface);
    return fnmatch(pattern, text, 0) == 0;
}

const struct pt_lab_node *pt_lab_topology_node(const struct pt_lab_topology *topology, const char *name)
{
    for (size_t i = 0; i < topology->nodes_len; i++) {
        if (strcmp(topology->nodes[i].name, name) == 0) {
            return &topology->nodes[i];
        }
    }
    return NULL;
}
