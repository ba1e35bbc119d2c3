/*
 * What this controller trusts, and what the leader knows of who trusts what.
 *
 * The roster in the state decides. Each controller follows it by itself: when the trusted authorities change, its doors
 * and peer links get them for new connections; when another authority issues, it signs itself a new leaf at once. Open
 * streams go on. Nodes are told by their sessions (edge.c).
 *
 *   roster applied -> doors, peer links, file on disk -> own leaf -> TrustReport to the leader
 *
 * Reports are soft: a new leader has none and gets each within a second or so while a rotation runs, half a minute
 * otherwise. A step of a rotation is taken on what was reported to the leader that takes it (rotate.c).
 */
#include "serve/trust.h"

#include "base/assert.h"
#include "patronus/v1/authority.pb-c.h"
#include "serve/roster.h"
#include "serve/setup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REPORT_RUNNING_NS (500ULL * 1000000ULL)
#define REPORT_IDLE_NS (30ULL * 1000000000ULL)
#define REPORT_MS 3000
#define WARN_CA_NS (180LL * 24 * 3600 * 1000000000LL)
#define WARN_LEAF_NS (10LL * 60 * 1000000000LL)
#define WARN_EVERY_NS (3600ULL * 1000000000ULL)

struct pt_trust *pt_trust_new(struct pt_controller *controller)
{
    struct pt_trust *trust = calloc(1, sizeof(*trust));
    pt_assert(trust != NULL);
    trust->controller = controller;
    trust->digest = pt_sha256(controller->ca_pem, strlen(controller->ca_pem));
    return trust;
}

void pt_trust_free(struct pt_trust *trust)
{
    if (trust == NULL) {
        return;
    }
    for (size_t i = 0; i < trust->reports_len; i++) {
        patronus__v1__trust_report__free_unpacked(trust->reports[i].said, NULL);
    }
    pt_memory_clear(trust->next_seal_key, sizeof(trust->next_seal_key));
    free(trust);
}

/* ---- following the roster ------------------------------------------------------------------------------------- */

static void keep(struct pt_controller *controller)
{
    if (controller->options.on_certificate != NULL) {
        controller->options.on_certificate(controller->options.certificate_context, controller->cert_pem,
                                           controller->ca_pem);
    }
}

/* While an authority retires, the doors show a leaf of it: whoever was not there to learn of the new one (an edge that
 * was offline, a client with a CA file) can still come in and be told. Kept in memory only. */
static enum pt_code choose_door(struct pt_trust *trust, const Patronus__V1__AuthorityRoster *roster, bool *ret_changed,
                                struct pt_error *reterr)
{
    struct pt_controller *controller = trust->controller;
    int64_t now = pt_sys_wall_ns(controller->sys);
    bool retiring = pt_roster_in(roster, PATRONUS__V1__AUTHORITY_STATE__RETIRING) != NULL;
    if (!retiring ? controller->door_pem == NULL : controller->door_pem != NULL && now < trust->door_due_wall_ns) {
        return PT_OK;
    }
    PT_AUTO(buf) struct pt_buf cert = {0};
    if (retiring) {
        PT_TRY(pt_serve_own_leaf(controller, PATRONUS__V1__AUTHORITY_STATE__RETIRING, &cert, reterr));
    }
    free(controller->door_pem);
    controller->door_pem = retiring ? strdup((const char *)cert.data) : NULL;
    trust->door_due_wall_ns = retiring ? now + PT_SERVE_LEAF_NS / 2 : INT64_MAX;
    *ret_changed = true;
    return PT_OK;
}

/* The trusted set first, with the leaf there is; then, when that is not the issuing authority's, another leaf. */
static enum pt_code follow(struct pt_trust *trust, const Patronus__V1__AuthorityRoster *roster, struct pt_error *reterr)
{
    struct pt_controller *controller = trust->controller;
    PT_AUTO(buf) struct pt_buf pem = {0};
    struct pt_ca_info issuing;
    struct pt_leaf_info own;
    pt_roster_trust(roster, &pem);
    PT_TRY(pt_ca_read((const char *)pem.data, &issuing, reterr));
    PT_TRY(pt_leaf_read(controller->cert_pem, NULL, 0, true, &own, reterr));
    bool foreign = strcmp(own.identity.issuer, issuing.key_id) != 0;
    bool same = strcmp(controller->ca_pem, (const char *)pem.data) == 0;
    bool door = false;
    PT_TRY(choose_door(trust, roster, &door, reterr));
    memcpy(trust->issuing, issuing.key_id, sizeof(trust->issuing));
    trust->ca_not_after_ns = issuing.not_after_ns;
    if (foreign) {
        PT_TRY(pt_serve_renew_under(controller, (const char *)pem.data, reterr));
        pt_log_info(controller->log, "certificate renewed", "issuer=%s", issuing.key_id);
    } else if (!same || door) {
        PT_TRY(pt_controller_set_certificate(controller, controller->cert_pem, (const char *)pem.data, reterr));
    }
    if (!same) {
        pt_log_info(controller->log, "authorities changed", "len=%zu issuer=%s", roster->n_authorities, issuing.key_id);
    }
    if (foreign || !same) {
        keep(controller);
        trust->digest = pt_sha256(controller->ca_pem, strlen(controller->ca_pem));
        trust->report_at_ns = 0;
        pt_edge_send_trust(controller, NULL);
    }
    return PT_OK;
}

static void look(struct pt_trust *trust)
{
    struct pt_controller *controller = trust->controller;
    uint64_t revision = pt_kind_meta_revision(controller->machine);
    bool door_due = trust->door_due_wall_ns != 0 && pt_sys_wall_ns(controller->sys) >= trust->door_due_wall_ns;
    if (trust->looked && trust->meta_revision == revision && !door_due) {
        return;
    }
    Patronus__V1__AuthorityRoster *roster = NULL;
    struct pt_error error = {0};
    if (pt_roster_read(pt_kind_store(controller->machine), &roster, NULL) != PT_OK) {
        return; /* not founded yet, or far behind */
    }
    trust->several = roster->n_authorities > 1;
    bool written = roster->n_authorities > 1 || roster->next > 2;
    /* The simulator's clusters have certificates that were made elsewhere; they follow once they rotate. */
    if ((written || !controller->options.peer_plain) && follow(trust, roster, &error) != PT_OK) {
        pt_log_warn(controller->log, "authorities not followed", "reason=\"%s\"", error.text);
    } else {
        trust->looked = true;
        trust->meta_revision = revision;
    }
    pt_roster_free(roster);
}

/* ---- certificates of people ----------------------------------------------------------------------------------- */

void pt_trust_seen(struct pt_controller *controller, const struct pt_identity *peer)
{
    struct pt_trust *trust = controller->trust;
    struct pt_trust_seen *oldest = &trust->seen[0];
    for (size_t i = 0; i < trust->seen_len; i++) {
        struct pt_trust_seen *seen = &trust->seen[i];
        if (strcmp(seen->spiffe_id, peer->spiffe_id) == 0) {
            oldest = seen;
            break;
        }
        oldest = seen->at_ns < oldest->at_ns ? seen : oldest;
        if (i + 1 == trust->seen_len && trust->seen_len < PT_TRUST_SEEN_MAX) {
            oldest = &trust->seen[trust->seen_len++];
            break;
        }
    }
    if (trust->seen_len == 0) {
        trust->seen_len = 1;
    }
    if (strcmp(oldest->spiffe_id, peer->spiffe_id) != 0 || strcmp(oldest->issuer, peer->issuer) != 0) {
        trust->report_at_ns = trust->several ? 0 : trust->report_at_ns;
    }
    memcpy(oldest->spiffe_id, peer->spiffe_id, sizeof(oldest->spiffe_id));
    memcpy(oldest->issuer, peer->issuer, sizeof(oldest->issuer));
    oldest->expire_ns = peer->not_after_ns;
    oldest->at_ns = pt_sys_now_ns(controller->sys);
}

/* ---- reports -------------------------------------------------------------------------------------------------- */

static void take(struct pt_trust *trust, const char *name, Patronus__V1__TrustReport *said)
{
    struct pt_trust_report *place = NULL;
    for (size_t i = 0; place == NULL && i < trust->reports_len; i++) {
        place = strcmp(trust->reports[i].name, name) == 0 ? &trust->reports[i] : NULL;
    }
    if (place == NULL && trust->reports_len == PT_TRUST_REPORTS_MAX) {
        patronus__v1__trust_report__free_unpacked(said, NULL);
        return;
    }
    if (place == NULL) {
        place = &trust->reports[trust->reports_len++];
        (void)snprintf(place->name, sizeof(place->name), "%.79s", name);
    } else {
        patronus__v1__trust_report__free_unpacked(place->said, NULL);
    }
    place->said = said;
    place->at_ns = pt_sys_now_ns(trust->controller->sys);
    place->term = trust->controller->term;
}

const struct pt_trust_report *pt_trust_report_of(const struct pt_trust *trust, const char *name)
{
    uint64_t now = pt_sys_now_ns(trust->controller->sys);
    for (size_t i = 0; i < trust->reports_len; i++) {
        const struct pt_trust_report *report = &trust->reports[i];
        if (strcmp(report->name, name) == 0 && report->term == trust->controller->term &&
            now - report->at_ns < 2 * REPORT_IDLE_NS) {
            return report;
        }
    }
    return NULL;
}

struct packed_report {
    Patronus__V1__TrustReport report;
    Patronus__V1__SeenCredential seen[PT_TRUST_SEEN_MAX];
    Patronus__V1__SeenCredential *list[PT_TRUST_SEEN_MAX];
    struct pt_digest next;
};

static void pack(struct pt_trust *trust, struct pt_buf *ret_bytes)
{
    struct packed_report packed;
    uint64_t now = pt_sys_now_ns(trust->controller->sys);
    struct pt_leaf_info own = {0};
    patronus__v1__trust_report__init(&packed.report);
    enum pt_code code = pt_leaf_read(trust->controller->cert_pem, NULL, 0, true, &own, NULL);
    pt_assert(code == PT_OK);
    packed.report.trust_digest = (ProtobufCBinaryData){.len = PT_DIGEST_SIZE, .data = trust->digest.bytes};
    packed.report.issuer = own.identity.issuer;
    packed.report.expire_time_ns = own.not_after_ns;
    for (size_t i = 0; i < trust->seen_len; i++) {
        patronus__v1__seen_credential__init(&packed.seen[i]);
        packed.seen[i].spiffe_id = trust->seen[i].spiffe_id;
        packed.seen[i].issuer = trust->seen[i].issuer;
        packed.seen[i].expire_time_ns = trust->seen[i].expire_ns;
        packed.seen[i].age_ms = (now - trust->seen[i].at_ns) / 1000000;
        packed.list[i] = &packed.seen[i];
    }
    packed.report.seen = packed.list;
    packed.report.n_seen = trust->seen_len;
    if (pt_trust_next_seal_key(trust->controller, &packed.next)) {
        packed.report.next_seal_key_digest = (ProtobufCBinaryData){.len = PT_DIGEST_SIZE, .data = packed.next.bytes};
    }
    size_t size = patronus__v1__trust_report__get_packed_size(&packed.report);
    (void)patronus__v1__trust_report__pack(&packed.report, pt_buf_reserve(ret_bytes, size));
    ret_bytes->size = size;
}

static void on_reported(void *arg, const struct pt_error *error, struct pt_bytes message)
{
    struct pt_controller *controller = arg;
    (void)message;
    controller->trust->reporting = false;
    if (error != NULL) {
        controller->trust->report_at_ns = pt_sys_now_ns(controller->sys) + REPORT_RUNNING_NS;
    }
}

static void report(struct pt_trust *trust)
{
    struct pt_controller *controller = trust->controller;
    uint64_t now = pt_sys_now_ns(controller->sys);
    if (trust->reporting || now < trust->report_at_ns) {
        return;
    }
    PT_AUTO(buf) struct pt_buf bytes = {0};
    pack(trust, &bytes);
    trust->report_at_ns = now + (trust->several ? REPORT_RUNNING_NS : REPORT_IDLE_NS);
    if (controller->leading) {
        Patronus__V1__TrustReport *said = patronus__v1__trust_report__unpack(NULL, bytes.size, bytes.data);
        pt_assert(said != NULL);
        take(trust, controller->options.identity.name, said);
    } else {
        trust->reporting = true;
        if (!pt_serve_ask_leader(controller, "/patronus.v1.AuthorityService/ReportTrust", pt_buf_bytes(&bytes),
                                 REPORT_MS, on_reported, controller)) {
            trust->reporting = false;
            trust->report_at_ns = now + REPORT_RUNNING_NS;
        }
    }
}

static void report_message(struct pt_serve_call *call, struct pt_bytes message)
{
    struct pt_arena arena;
    pt_arena_init(&arena);
    struct pt_msg *walked = NULL;
    struct pt_error error = {0};
    struct pt_identity peer;
    if (pt_msg_parse(call->method->input, message, NULL, &arena, &walked, &error) != PT_OK) {
        pt_serve_fail(call, &error);
    } else if (call->forwarded || pt_identity_parse(call->caller.principal, &peer, NULL) != PT_OK ||
               strcmp(peer.role, "controller") != 0) {
        pt_serve_refuse(call, PT_PERMISSION_DENIED, PT_REASON_PERMISSION_MISSING,
                        "only a controller says what it trusts");
    } else {
        Patronus__V1__TrustReport *said = patronus__v1__trust_report__unpack(NULL, message.size, message.data);
        pt_assert(said != NULL);
        char name[PT_SPIFFE_SIZE_MAX + 16];
        (void)snprintf(name, sizeof(name), "controllers/%s", peer.path);
        take(call->controller->trust, name, said);
        pt_serve_reply(call, (struct pt_bytes){0});
    }
    pt_arena_fini(&arena);
}

const struct pt_serve_method pt_serve_report_trust = {.path = "/patronus.v1.AuthorityService/ReportTrust",
                                                      .on_message = report_message};

/* ---- warnings ------------------------------------------------------------------------------------------------- */

static void warn(struct pt_trust *trust)
{
    struct pt_controller *controller = trust->controller;
    uint64_t now = pt_sys_now_ns(controller->sys);
    int64_t wall = pt_sys_wall_ns(controller->sys);
    struct pt_leaf_info own;
    if (now < trust->warn_at_ns || pt_leaf_read(controller->cert_pem, NULL, 0, true, &own, NULL) != PT_OK) {
        return;
    }
    trust->warn_at_ns = now + 60ULL * 1000000000ULL;
    int64_t left_s = (own.not_after_ns - wall) / 1000000000;
    if (own.not_after_ns <= wall) {
        pt_log_warn(controller->log, "certificate expired",
                    "seconds_ago=%lld do=\"wait: it is renewed by the key that it "
                    "was issued to, once a controller answers\"",
                    (long long)-left_s);
    } else if (own.not_after_ns - wall < WARN_LEAF_NS) {
        pt_log_warn(controller->log, "certificate expires soon", "seconds=%lld", (long long)left_s);
    }
    if (trust->ca_not_after_ns != 0 && trust->ca_not_after_ns - wall < WARN_CA_NS) {
        trust->warn_at_ns = now + WARN_EVERY_NS;
        long long days = (trust->ca_not_after_ns - wall) / 1000000000 / 86400;
        bool over = trust->ca_not_after_ns <= wall;
        pt_log_warn(controller->log, over ? "authority expired" : "authority expires soon",
                    "%s=%lld do=\"patronusctl cas rotate --wait\"", over ? "days_ago" : "days", over ? -days : days);
    }
}

/* With a wrong seal key a controller follows and votes, and fails as a leader: at each signature. Said by one that has
 * heard the leader and is not behind: what it read at its start may be sealed under the key of before. */
static void warn_seal_key(struct pt_trust *trust)
{
    struct pt_controller *controller = trust->controller;
    struct pt_raft_status status = pt_raft_status(controller->raft);
    uint64_t now = pt_sys_now_ns(controller->sys);
    if (now < trust->warn_seal_at_ns || !pt_serve_leader_heard(controller) ||
        status.applied_index < status.commit_index) {
        return;
    }
    trust->warn_seal_at_ns = now + 60ULL * 1000000000ULL;
    if (!pt_reseal_key_opens(controller)) {
        pt_log_error(controller->log, "seal key opens nothing",
                     "do=\"give this controller the seal key of the others and start it again\"");
    }
}

void pt_trust_tick(struct pt_controller *controller)
{
    struct pt_trust *trust = controller->trust;
    look(trust);
    pt_reseal_follow(controller);
    bool plain = controller->options.peer_plain && !trust->several;
    if (!trust->looked || plain) {
        return;
    }
    warn(trust);
    warn_seal_key(trust);
    report(trust);
    if (controller->ready) {
        pt_rotate_tick(controller);
    }
}
