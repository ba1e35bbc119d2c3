/*
 * Inspection on a node between the packets that programs copied and what they are told: names' addresses and how long
 * they hold, verdicts as flows go from their hosts, what a new bundle changes, and what is reported. The programs are
 * played; the engine and the loop are the real ones.
 */
#include "agent/agent_priv.h"
#include "base/arena.h"
#include "dpi/catalog.h"
#include "dpi/dpi.h"
#include "sys/sys_uv.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define VNI 7
#define WIKI 42
#define TCP 6
#define UDP 17
#define PACKET_SIZE_MAX 512

struct kernel {
    struct pt_dp base;
    int fd;
    bool given;
    struct pt_dp_sample sample; /* to be given */
    struct pt_dp_verdict verdict;
    struct pt_dp_known known;
    struct pt_ip addresses[4];
    uint32_t vni; /* of the newest address */
    unsigned verdicts, hosts;
};

static int sample_fd(struct pt_dp *dp)
{
    return ((struct kernel *)dp)->fd;
}

static void samples(struct pt_dp *dp, void (*fn)(void *arg, const struct pt_dp_sample *sample), void *arg)
{
    struct kernel *kernel = (struct kernel *)dp;
    uint64_t count = 0;
    ck_assert_int_eq(read(kernel->fd, &count, sizeof(count)), sizeof(count));
    fn(arg, &kernel->sample);
    kernel->given = true;
}

static void set_verdict(struct pt_dp *dp, const struct pt_dp_verdict *verdict)
{
    struct kernel *kernel = (struct kernel *)dp;
    kernel->verdict = *verdict;
    kernel->verdicts++;
}

static void set_host(struct pt_dp *dp, uint32_t vni, const struct pt_ip *address, const struct pt_dp_known *known)
{
    struct kernel *kernel = (struct kernel *)dp;
    kernel->vni = vni;
    kernel->known = *known;
    kernel->addresses[kernel->hosts++ % 4] = *address;
}

static void inspected(struct pt_dp *dp, struct pt_dp_inspected *ret_counts)
{
    (void)dp;
    *ret_counts = (struct pt_dp_inspected){.sampled = 1001, .not_sampled = 22, .hits = 303, .misses = 44};
}

static const struct pt_dp_ops ops = {.sample_fd = sample_fd,
                                     .samples = samples,
                                     .set_verdict = set_verdict,
                                     .set_host = set_host,
                                     .inspected = inspected};

struct place {
    struct pt_sys *sys;
    struct kernel kernel;
    struct pt_agent agent;
    uint64_t now_ms;
};

static void place_init(struct place *place)
{
    *place = (struct place){.kernel = {.base = {.ops = &ops}, .fd = eventfd(0, EFD_NONBLOCK)}, .now_ms = 1000};
    ck_assert_int_ge(place->kernel.fd, 0);
    ck_assert_int_eq(pt_sys_uv_new(&place->sys, NULL), PT_OK);
    place->agent.options.sys = place->sys;
    place->agent.options.dp = &place->kernel.base;
    place->agent.inspect = pt_agent_inspect_new(&place->agent);
    ck_assert_ptr_nonnull(place->agent.inspect);
}

static void place_fini(struct place *place)
{
    pt_agent_inspect_free(place->agent.inspect);
    while (pt_sys_uv_closing(place->sys)) {
        pt_sys_uv_turn(place->sys, false);
    }
    pt_sys_uv_free(place->sys);
    (void)close(place->kernel.fd);
}

/* The organization's one application, of hosts of this name. */
static void take_bundle(struct place *place, const char *host)
{
    Patronus__V1__Entry entry = PATRONUS__V1__ENTRY__INIT, *entries[] = {&entry};
    Patronus__V1__ApplicationEntry application = PATRONUS__V1__APPLICATION_ENTRY__INIT;
    Patronus__V1__DescriptionEntry description = PATRONUS__V1__DESCRIPTION_ENTRY__INIT,
                                   *descriptions[] = {&description};
    char *hosts[] = {(char *)(uintptr_t)host};
    description.protocol = PT_DPI_PROTOCOL_ANY;
    description.dscp_mask = UINT64_MAX;
    description.hosts = hosts;
    description.n_hosts = 1;
    application.vni = VNI;
    application.application = WIKI;
    application.name = (char *)"organizations/acme/applications/wiki";
    application.traffic_class = 2;
    application.descriptions = descriptions;
    application.n_descriptions = 1;
    entry.entry_case = PATRONUS__V1__ENTRY__ENTRY_APPLICATION;
    entry.application = &application;
    struct pt_bundle *bundle = pt_bundle_new(entries, 1);
    pt_agent_inspect_set_bundle(place->agent.inspect, bundle);
    pt_bundle_unref(bundle);
}

/* ---- packets --------------------------------------------------------------------------------------------------- */

/* Between the host 10.1.0.5:40000 and 10.2.0.9:SERVER of a segment, and all that comes of it. */
static void give(struct place *place, uint32_t vni, bool from_host, uint8_t protocol, uint16_t server, uint8_t flags,
                 const void *data, size_t size)
{
    uint8_t ip[PACKET_SIZE_MAX] = {0x45, [6] = 0x40, [8] = 64, [9] = protocol, [12] = 10, 1, 0, 5, 10, 2, 0, 9};
    size_t head = 20 + (protocol == TCP ? 20 : 8), whole = head + size;
    const uint16_t ports[2] = {from_host ? 40000 : server, from_host ? server : 40000};
    ck_assert_uint_le(whole, sizeof(ip));
    if (!from_host) {
        memcpy(ip + 12, (const uint8_t[]){10, 2, 0, 9, 10, 1, 0, 5}, 8);
    }
    ip[2] = (uint8_t)(whole >> 8), ip[3] = (uint8_t)whole;
    for (size_t i = 0; i < 2; i++) {
        ip[20 + 2 * i] = (uint8_t)(ports[i] >> 8), ip[21 + 2 * i] = (uint8_t)ports[i];
    }
    if (protocol == TCP) {
        ip[32] = 5 << 4, ip[33] = flags;
    } else {
        ip[24] = (uint8_t)((8 + size) >> 8), ip[25] = (uint8_t)(8 + size);
    }
    if (size > 0) {
        memcpy(ip + head, data, size);
    }
    place->kernel.sample =
        (struct pt_dp_sample){.time_ms = place->now_ms, .vni = vni, .from_host = from_host, .data = ip, .size = whole};
    place->kernel.given = false;
    ck_assert_int_eq(write(place->kernel.fd, &(uint64_t){1}, 8), 8);
    while (!place->kernel.given) { /* ctest's limit is the limit */
        pt_sys_uv_turn(place->sys, true);
    }
}

/* "NAME is 192.0.2.N and 2001:db8::N for so many seconds", said to the host. */
static void answer_dns(struct place *place, uint32_t vni, const char *name, uint32_t ttl_s, uint8_t n)
{
    static const uint8_t head[] = {0, 1, 0x81, 0x80, 0, 1, 0, 2, 0, 0, 0, 0};
    const uint8_t ttl[] = {(uint8_t)(ttl_s >> 24), (uint8_t)(ttl_s >> 16), (uint8_t)(ttl_s >> 8), (uint8_t)ttl_s};
    uint8_t data[256] = {0};
    size_t at = sizeof(head);
    memcpy(data, head, sizeof(head));
    while (*name != '\0') {
        size_t len = strcspn(name, ".");
        data[at++] = (uint8_t)len;
        memcpy(data + at, name, len);
        at += len;
        name += name[len] == '.' ? len + 1 : len;
    }
    at++;
    memcpy(data + at, "\0\1\0\1", 4);
    at += 4;
    for (int i = 0; i < 2; i++) {
        uint8_t len = i == 0 ? 4 : 16;
        memcpy(data + at, "\xc0\x0c\0", 3);
        data[at + 3] = i == 0 ? 1 : 28;
        data[at + 5] = 1;
        memcpy(data + at + 6, ttl, 4);
        data[at + 11] = len;
        at += 12;
        memcpy(data + at, i == 0 ? "\xc0\0\2" : "\x20\1\x0d\xb8", i == 0 ? 3 : 4);
        at += len;
        data[at - 1] = n;
    }
    give(place, vni, false, UDP, 53, 0, data, at);
}

static void get(struct place *place, const char *host)
{
    char text[200];
    int size = snprintf(text, sizeof(text), "GET /a HTTP/1.1\r\nHost: %s\r\nUser-Agent: test\r\n\r\n", host);
    give(place, VNI, true, TCP, 8080, PT_DPI_TCP_SYN, "", 0);
    give(place, VNI, false, TCP, 8080, PT_DPI_TCP_SYN | PT_DPI_TCP_ACK, "", 0);
    give(place, VNI, true, TCP, 8080, PT_DPI_TCP_ACK, text, (size_t)size);
}

/* ---- tests ----------------------------------------------------------------------------------------------------- */

/* An address is told with what its name means, for as long as the answer says, within bounds; in its segment only. */
START_TEST(names_lead_to_addresses_for_a_time)
{
    static const uint32_t ttls[][2] = {{0, 60}, {59, 60}, {300, 300}, {86400, 3600}};
    struct place place;
    struct pt_ip v4, v6;
    place_init(&place);
    take_bundle(&place, "*.corp.test");
    for (uint8_t i = 0; i < 4; i++) {
        answer_dns(&place, VNI, "Wiki.corp.test", ttls[i][0], 9);
        ck_assert_uint_eq(place.kernel.hosts, 2 * (i + 1U));
        ck_assert_uint_eq(place.kernel.vni, VNI);
        ck_assert_uint_eq(place.kernel.known.application, WIKI);
        ck_assert_uint_eq(place.kernel.known.traffic_class, 2);
        ck_assert_uint_eq(place.kernel.known.evidence, PT_DPI_EVIDENCE_DNS_ANSWER);
        ck_assert_uint_eq(place.kernel.known.confidence, 60);
        ck_assert_uint_eq(place.kernel.known.ttl_s, ttls[i][1]);
    }
    ck_assert_int_eq(pt_ip_parse("192.0.2.9", &v4, NULL), PT_OK);
    ck_assert_int_eq(pt_ip_parse("2001:db8::9", &v6, NULL), PT_OK);
    ck_assert(pt_ip_equal(&place.kernel.addresses[2], &v4));
    ck_assert(pt_ip_equal(&place.kernel.addresses[3], &v6));
    answer_dns(&place, VNI, "corp.test", 60, 1);          /* "*." is for names below */
    answer_dns(&place, VNI + 1, "wiki.corp.test", 60, 1); /* another segment's hosts */
    ck_assert_uint_eq(place.kernel.hosts, 8);
    answer_dns(&place, VNI + 1, "www.youtube.com", 60, 1);
    ck_assert_uint_eq(place.kernel.hosts, 10);
    ck_assert_uint_eq(place.kernel.known.application, PT_DPI_SIGNATURE | pt_dpi_signature_number("youtube"));
    place_fini(&place);
}
END_TEST

/* The programs know a flow by its host's direction, whoever spoke when it was recognised. */
START_TEST(a_verdict_is_of_the_flow_as_it_goes_from_its_host)
{
    static const char banner[] = "SSH-2.0-OpenSSH_9.6\r\n";
    struct place place;
    const struct pt_dp_verdict *verdict = &place.kernel.verdict;
    place_init(&place);
    take_bundle(&place, "*.corp.test");
    get(&place, "wiki.corp.test");
    ck_assert_uint_ge(place.kernel.verdicts, 1);
    ck_assert_uint_eq(verdict->application, WIKI);
    ck_assert_uint_eq(verdict->evidence, PT_DPI_EVIDENCE_HTTP_HOST);
    ck_assert_uint_eq(verdict->confidence, 95);
    ck_assert_uint_eq(verdict->traffic_class, 2);
    ck_assert_uint_eq(verdict->vni, VNI);
    give(&place, VNI, true, TCP, 20022, PT_DPI_TCP_SYN, "", 0);
    give(&place, VNI, false, TCP, 20022, PT_DPI_TCP_SYN | PT_DPI_TCP_ACK, "", 0);
    give(&place, VNI, false, TCP, 20022, PT_DPI_TCP_ACK, banner, sizeof(banner) - 1); /* the server speaks first */
    ck_assert_uint_eq(verdict->application, PT_DPI_SIGNATURE | pt_dpi_signature_number("ssh"));
    ck_assert_uint_eq(verdict->evidence, PT_DPI_EVIDENCE_PAYLOAD);
    ck_assert_uint_eq(verdict->traffic_class, 0);
    ck_assert_uint_eq(pt_ip_to_v4(&verdict->source), 0x0a010005);
    ck_assert_uint_eq(pt_ip_to_v4(&verdict->destination), 0x0a020009);
    ck_assert_uint_eq(verdict->port_source, 40000);
    ck_assert_uint_eq(verdict->port_destination, 20022);
    ck_assert_uint_eq(verdict->protocol, TCP);
    place_fini(&place);
}
END_TEST

static const Patronus__V1__InspectionReport *report(const struct place *place, struct pt_arena *arena)
{
    static Patronus__V1__Telemetry telemetry;
    patronus__v1__telemetry__init(&telemetry);
    pt_agent_add_inspection(place->agent.inspect, arena, &telemetry);
    ck_assert_ptr_nonnull(telemetry.inspection);
    return telemetry.inspection;
}

/* What is told of applications, unknown flows, the cache and learned addresses; a bundle that says the same of
 * applications is no reload. */
START_TEST(what_was_seen_is_reported)
{
    static const char noise[] = "\x01\x93qq\x88zz-noise-that-nobody-speaks";
    struct place place;
    struct pt_arena arena;
    pt_arena_init(&arena);
    place_init(&place);
    uint64_t reloads = report(&place, &arena)->reloads;
    take_bundle(&place, "*.corp.test");
    take_bundle(&place, "*.corp.test");
    ck_assert_uint_eq(report(&place, &arena)->reloads, reloads + 1);
    get(&place, "wiki.corp.test");
    for (int i = 0; i < 16; i++) { /* until it is settled */
        give(&place, VNI, i % 2 == 1, TCP, 8080, PT_DPI_TCP_ACK, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 40);
        give(&place, VNI, i % 2 == 1, TCP, 47123, PT_DPI_TCP_ACK, noise, sizeof(noise) - 1);
    }
    answer_dns(&place, VNI, "wiki.corp.test", 100, 1);
    const Patronus__V1__InspectionReport *said = report(&place, &arena);
    ck_assert_uint_eq(said->sampled, 1001);
    ck_assert_uint_eq(said->not_sampled, 22);
    ck_assert_uint_eq(said->cache_hits, 303);
    ck_assert_uint_eq(said->cache_misses, 44);
    ck_assert_uint_eq(said->unknown, 1);
    ck_assert_uint_eq(said->learned_addresses, 2);
    uint64_t flows = 0;
    bool wiki = false, unknown = false;
    for (size_t i = 0; i < said->n_applications; i++) {
        const Patronus__V1__ApplicationReport *use = said->applications[i];
        flows += use->flows;
        wiki = wiki || (use->application == WIKI && use->flows >= 1 &&
                        strcmp(use->name, "organizations/acme/applications/wiki") == 0);
        unknown = unknown || (use->application == 0 && use->flows == 1 && strcmp(use->name, "unknown") == 0);
    }
    ck_assert(wiki);
    ck_assert(unknown);
    ck_assert_uint_eq(flows, said->recognised + said->unknown);
    place.now_ms += 101000; /* by which the addresses have run out */
    give(&place, VNI, true, UDP, 9999, 0, "x", 1);
    ck_assert_uint_eq(report(&place, &arena)->learned_addresses, 0);
    take_bundle(&place, "*.other.test");
    ck_assert_uint_eq(report(&place, &arena)->reloads, reloads + 2);
    unsigned hosts = place.kernel.hosts;
    answer_dns(&place, VNI, "wiki.corp.test", 100, 1); /* nobody's any more */
    ck_assert_uint_eq(place.kernel.hosts, hosts);
    place_fini(&place);
    pt_arena_fini(&arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("inspect");
    TCase *tcase = tcase_create("node");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, names_lead_to_addresses_for_a_time);
    tcase_add_test(tcase, a_verdict_is_of_the_flow_as_it_goes_from_its_host);
    tcase_add_test(tcase, what_was_seen_is_reported);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
