/*
 * The probing of paths.
 *
 * One timer serves all paths; each interval every path sends one request. Loss is the share of the last 100 requests
 * that were not answered in time; the round-trip time is smoothed by 1/8 (RFC 6298). A path starts dead: nothing is
 * sent over what has not answered once. The first request of a new path leaves at once. Paths that BFD judges are asked
 * seldom: probing them twice would be most of what an idle network carries.
 */
#include "agent/hello.h"

#include "base/assert.h"
#include "base/map.h"

#include <arpa/inet.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW 100U /* requests over which loss is taken */
#define FLOOR_WINDOW_NS 5000000000ULL
#define RTT_US_MAX 2000000U /* slower than this is as good as dead */
#define PACKET_SIZE_MAX (sizeof(struct pt_geneve) + PT_STACK_SIZE(PT_STACK_LEN_MAX) + sizeof(struct pt_hello_packet))

struct path {
    uint64_t id;
    uint32_t link;
    struct pt_ip remote;
    uint32_t stack[PT_STACK_LEN_MAX];
    size_t stack_len;
    bool strict; /* no site may lead its packets round a failure, so none may lead hellos */
    uint32_t back[PT_STACK_LEN_MAX];
    size_t back_len;
    bool alive, seen;  /* seen: stands in the newest bundle */
    uint32_t wait;     /* intervals until the next request while somebody else judges the path */
    uint64_t sequence; /* of the newest request; 0: none yet */
    uint64_t answered; /* highest sequence answered */
    /* Loss is counted from here: what was lost while the path was dead, or not yet there, says nothing about now. */
    uint64_t counted_from;
    uint32_t rtt_us;
    uint32_t floor_us[2]; /* smallest in this window and in the one before; UINT32_MAX: none */
    uint64_t floor_until_ns;
    uint32_t peak_us;        /* rises at once, falls slowly: a path that became slow is not dead */
    uint8_t answers[WINDOW]; /* by sequence % WINDOW */
};

struct pt_hello {
    struct pt_hello_options options;
    struct pt_timer *timer;
    struct pt_map paths; /* id, 8 bytes big-endian -> struct path */
    uint32_t site_label;
    uint16_t port;
    uint32_t interval_ms, multiplier;
};

/* ---- sending -------------------------------------------------------------------------------------------------- */

static void send_request(struct pt_hello *hello, struct path *path)
{
    uint8_t data[PACKET_SIZE_MAX];
    uint8_t *at = data;
    struct pt_geneve geneve = {.version_words = (uint8_t)(PT_STACK_SIZE((uint32_t)path->stack_len) / 4),
                               .flags = PT_GENEVE_CONTROL | (path->stack_len > 0 ? PT_GENEVE_CRITICAL : 0),
                               .protocol = htons(PT_HELLO_PROTOCOL)};
    memcpy(at, &geneve, sizeof(geneve));
    at += sizeof(geneve);
    if (path->stack_len > 0) {
        struct pt_geneve_option option = {.class = htons(PT_OPTION_CLASS),
                                          .type = PT_OPTION_PATH_STACK,
                                          .words = (uint8_t)(path->stack_len | (path->strict ? PT_OPTION_STRICT : 0))};
        memcpy(at, &option, sizeof(option));
        at += sizeof(option);
        for (size_t i = 0; i < path->stack_len; i++, at += 4) {
            pt_put_be32(at, path->stack[i]);
        }
    }
    path->sequence++;
    path->answers[path->sequence % WINDOW] = 0;
    struct pt_hello_packet packet = {.magic = htonl(PT_HELLO_MAGIC),
                                     .version = PT_HELLO_VERSION,
                                     .type = PT_HELLO_REQUEST,
                                     .return_len = (uint8_t)path->back_len,
                                     .path = htobe64(path->id),
                                     .sequence = htobe64(path->sequence),
                                     .sent_ns = htobe64(pt_sys_now_ns(hello->options.sys))};
    for (size_t i = 0; i < path->back_len; i++) {
        packet.return_stack[i] = htonl(path->back[i]);
    }
    memcpy(at, &packet, sizeof(packet));
    at += sizeof(packet);
    hello->options.io->send(hello->options.io, path->link, &path->remote, hello->port, data, (size_t)(at - data));
}

static void set_alive(struct pt_hello *hello, struct path *path, bool alive)
{
    if (path->alive != alive) {
        path->alive = alive;
        if (alive) {
            path->counted_from = path->sequence;
        }
        hello->options.on_change(hello->options.arg, path->id, alive);
    }
}

/* Requests that may be unanswered before the path is dead: the multiplier, and those that a long path has under way. */
static uint64_t allowance(const struct pt_hello *hello, const struct path *path)
{
    return hello->multiplier + path->peak_us / 1000 / hello->interval_ms;
}

static void on_interval(void *arg)
{
    struct pt_hello *hello = arg;
    PT_MAP_FOREACH (entry, &hello->paths) {
        struct path *path = entry->value;
        if (path->alive && path->sequence - path->answered >= allowance(hello, path)) {
            set_alive(hello, path, false);
        }
        bool judged = hello->options.judged != NULL && hello->options.judged(hello->options.arg, path->id);
        if (!judged || path->wait == 0) {
            send_request(hello, path);
            path->wait = PT_HELLO_SELDOM;
        }
        path->wait--;
    }
}

/* ---- receiving ------------------------------------------------------------------------------------------------ */

static void note_floor(struct path *path, uint32_t rtt_us, uint64_t now_ns)
{
    if (now_ns >= path->floor_until_ns) {
        path->floor_us[1] = path->floor_us[0];
        path->floor_us[0] = UINT32_MAX;
        path->floor_until_ns = now_ns + FLOOR_WINDOW_NS;
    }
    path->floor_us[0] = rtt_us < path->floor_us[0] ? rtt_us : path->floor_us[0];
}

static void on_packet(void *arg, uint32_t link, const struct pt_ip *from, const uint8_t *data, size_t size)
{
    struct pt_hello *hello = arg;
    (void)link;
    (void)from; /* a reply may come by another way than the request went: the path id says whose it is */
    struct pt_geneve geneve;
    struct pt_hello_packet packet;
    if (size < sizeof(geneve)) {
        return;
    }
    memcpy(&geneve, data, sizeof(geneve));
    size_t options_size = (size_t)(geneve.version_words & 0x3f) * 4;
    if ((geneve.version_words >> 6) != 0 || geneve.protocol != htons(PT_HELLO_PROTOCOL) ||
        size < sizeof(geneve) + options_size + sizeof(packet)) {
        return;
    }
    memcpy(&packet, data + sizeof(geneve) + options_size, sizeof(packet));
    if (packet.magic != htonl(PT_HELLO_MAGIC) || packet.version != PT_HELLO_VERSION || packet.type != PT_HELLO_REPLY) {
        return;
    }
    struct path *path = pt_map_get(&hello->paths, &packet.path, sizeof(packet.path));
    uint64_t sequence = be64toh(packet.sequence);
    uint64_t now = pt_sys_now_ns(hello->options.sys);
    uint64_t sent = be64toh(packet.sent_ns);
    if (path == NULL || sequence == 0 || sequence > path->sequence || path->sequence - sequence >= WINDOW ||
        sent > now || path->answers[sequence % WINDOW] != 0) {
        return; /* late, repeated, or from before a restart */
    }
    path->answers[sequence % WINDOW] = 1;
    uint32_t rtt_us = (uint32_t)((now - sent) / 1000 < UINT32_MAX ? (now - sent) / 1000 : UINT32_MAX);
    path->rtt_us = path->rtt_us == 0 ? rtt_us : (uint32_t)(((uint64_t)path->rtt_us * 7 + rtt_us) / 8);
    note_floor(path, rtt_us, now);
    uint32_t fallen_us = path->peak_us - path->peak_us / 16;
    path->peak_us = rtt_us > fallen_us ? rtt_us : fallen_us;
    if (sequence > path->answered) {
        path->answered = sequence;
    }
    /* An answer that came too late proves nothing about now. */
    if (rtt_us < RTT_US_MAX) {
        set_alive(hello, path, true);
    }
}

/* ---- bundles -------------------------------------------------------------------------------------------------- */

static struct path *get_path(struct pt_hello *hello, uint64_t id)
{
    uint8_t key[8];
    pt_put_be64(key, id);
    struct path *path = pt_map_get(&hello->paths, key, sizeof(key));
    if (path == NULL) {
        path = calloc(1, sizeof(*path));
        pt_assert(path != NULL);
        path->id = id;
        path->floor_us[0] = path->floor_us[1] = UINT32_MAX;
        (void)pt_map_put(&hello->paths, key, sizeof(key), path);
    }
    return path;
}

static const Patronus__V1__TunnelEntry *find_tunnel(const Patronus__V1__Entry *const *entries, size_t len, uint64_t id)
{
    for (size_t i = 0; i < len; i++) {
        if (entries[i]->entry_case == PATRONUS__V1__ENTRY__ENTRY_TUNNEL && entries[i]->tunnel->tunnel == id) {
            return entries[i]->tunnel;
        }
    }
    return NULL;
}

/* Sites of the path: own, the tunnel's far end, the stack. The reply goes to the site before the last by its outer
 * address, so its stack is the rest, backwards, down to our own site. */
static void set_stacks(const struct pt_hello *hello, const Patronus__V1__PathEntry *entry, uint32_t remote_site,
                       struct path *path)
{
    uint32_t sites[PT_STACK_LEN_MAX + 2] = {hello->site_label, remote_site};
    size_t sites_len = 2;
    path->strict = entry->strict;
    path->stack_len = entry->n_stack < PT_STACK_LEN_MAX ? entry->n_stack : PT_STACK_LEN_MAX;
    for (size_t i = 0; i < path->stack_len; i++) {
        path->stack[i] = entry->stack[i];
        sites[sites_len++] = entry->stack[i];
    }
    path->back_len = sites_len - 2;
    for (size_t i = 0; i < path->back_len; i++) {
        path->back[i] = sites[sites_len - 3 - i];
    }
}

static void set_links(struct pt_hello *hello, const Patronus__V1__Entry *const *entries, size_t len)
{
    const Patronus__V1__LinkEntry **links = calloc(len + 1, sizeof(*links));
    pt_assert(links != NULL);
    size_t links_len = 0;
    for (size_t i = 0; i < len; i++) {
        if (entries[i]->entry_case == PATRONUS__V1__ENTRY__ENTRY_LINK) {
            links[links_len++] = entries[i]->link;
        } else if (entries[i]->entry_case == PATRONUS__V1__ENTRY__ENTRY_NODE) {
            hello->site_label = entries[i]->node->site_label;
            hello->port = (uint16_t)entries[i]->node->geneve_port;
            hello->interval_ms = entries[i]->node->hello_interval_ms != 0 ? entries[i]->node->hello_interval_ms : 100;
            hello->multiplier = entries[i]->node->hello_multiplier != 0 ? entries[i]->node->hello_multiplier : 3;
        }
    }
    /* A link that cannot be opened makes its paths dead, which is what is reported. */
    (void)hello->options.io->set_links(hello->options.io, links, links_len, NULL);
    free(links);
}

void pt_hello_set_bundle(struct pt_hello *hello, const struct pt_bundle *bundle)
{
    size_t len = 0;
    const Patronus__V1__Entry *const *entries = pt_bundle_entries(bundle, &len);
    set_links(hello, entries, len);
    PT_MAP_FOREACH (entry, &hello->paths) {
        ((struct path *)entry->value)->seen = false;
    }
    for (size_t i = 0; i < len; i++) {
        if (entries[i]->entry_case != PATRONUS__V1__ENTRY__ENTRY_PATH) {
            continue;
        }
        const Patronus__V1__PathEntry *path_entry = entries[i]->path;
        const Patronus__V1__TunnelEntry *tunnel = find_tunnel(entries, len, path_entry->tunnel);
        if (tunnel == NULL || tunnel->remote.len != sizeof(struct pt_ip)) {
            continue;
        }
        struct path *path = get_path(hello, path_entry->path);
        bool is_new = path->sequence == 0;
        path->seen = true;
        path->link = tunnel->link;
        memcpy(path->remote.bytes, tunnel->remote.data, sizeof(path->remote.bytes));
        set_stacks(hello, path_entry, tunnel->remote_site, path);
        if (is_new) {
            send_request(hello, path);
        }
    }
    PT_MAP_FOREACH (old, &hello->paths) {
        struct path *path = old->value;
        if (!path->seen) {
            (void)pt_map_remove(&hello->paths, old->key, old->key_size);
            free(path);
        }
    }
    pt_timer_start(hello->timer, hello->interval_ms, hello->interval_ms);
}

bool pt_hello_alive(const struct pt_hello *hello, uint64_t path_id)
{
    uint8_t key[8];
    pt_put_be64(key, path_id);
    const struct path *path = pt_map_get(&hello->paths, key, sizeof(key));
    return path != NULL && path->alive;
}

static int compare_reports(const void *a, const void *b)
{
    uint64_t x = ((const struct pt_path_report *)a)->path_id;
    uint64_t y = ((const struct pt_path_report *)b)->path_id;
    return x < y ? -1 : x > y;
}

size_t pt_hello_reports(const struct pt_hello *hello, struct pt_path_report *ret_reports, size_t len_max)
{
    size_t len = 0;
    PT_MAP_FOREACH (entry, &hello->paths) {
        const struct path *path = entry->value;
        if (len == len_max) {
            break;
        }
        uint64_t since = path->sequence - path->counted_from;
        uint32_t asked = since < WINDOW ? (uint32_t)since : WINDOW;
        uint32_t answered = 0;
        for (uint32_t i = 0; i < asked; i++) {
            answered += path->answers[(path->sequence - i) % WINDOW];
        }
        /* The newest requests may still be under way. */
        uint32_t open = (uint32_t)allowance(hello, path);
        uint32_t lost = asked - answered > open ? asked - answered - open : 0;
        uint32_t floor_us = path->floor_us[0] < path->floor_us[1] ? path->floor_us[0] : path->floor_us[1];
        ret_reports[len++] = (struct pt_path_report){.path_id = path->id,
                                                     .min_rtt_us = floor_us == UINT32_MAX ? 0 : floor_us,
                                                     .alive = path->alive,
                                                     .rtt_us = path->rtt_us,
                                                     .loss_ppm = asked > 0 ? lost * 1000000U / asked : 0};
    }
    if (len > 0) {
        qsort(ret_reports, len, sizeof(*ret_reports), compare_reports);
    }
    return hello->paths.count;
}

struct pt_hello *pt_hello_new(const struct pt_hello_options *options)
{
    struct pt_hello *hello = calloc(1, sizeof(*hello));
    pt_assert(hello != NULL);
    hello->options = *options;
    hello->port = PT_GENEVE_PORT;
    hello->interval_ms = 100;
    hello->multiplier = 3;
    hello->timer = pt_timer_new(options->sys, on_interval, hello);
    options->io->on_packet = on_packet;
    options->io->arg = hello;
    return hello;
}

void pt_hello_free(struct pt_hello *hello)
{
    if (hello == NULL) {
        return;
    }
    hello->options.io->on_packet = NULL;
    pt_timer_free(hello->timer);
    PT_MAP_FOREACH (entry, &hello->paths) {
        free(entry->value);
    }
    pt_map_fini(&hello->paths);
    free(hello);
}
