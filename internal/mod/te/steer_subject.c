/*
 * Who and when.
 *
 * Rules name users and groups, packets have addresses; sessions stand between. Each different set of users and groups
 * that rules of a segment name gets a bit; a session becomes, at the site where its addresses are, a word of the sets
 * that it belongs to. So a packet costs one lookup however many users a rule names, and a login changes one entry of
 * one node.
 */
#include "mod/te/steer.h"

#include "base/assert.h"
#include "patronus/v1/policy.pb-c.h"

#include <string.h>

#define DAY_MINUTES 1440
#define EVERY_DAY 0x7fU

/* ---- subjects ------------------------------------------------------------------------------------------------- */

static bool names(const struct pt_msg_field *field, const char *text)
{
    for (size_t i = 0; field != NULL && i < field->len; i++) {
        if (strcmp((const char *)field->values[i].bytes.data, text) == 0) {
            return true;
        }
    }
    return false;
}

bool te_subjects_of(struct te_segment_rules *segment, const struct pt_msg *rule, struct pt_arena *arena,
                    uint64_t *ret_bit)
{
    struct pt_buf text = {0};
    *ret_bit = 0;
    if (!pt_msg_has(rule, "users") && !pt_msg_has(rule, "groups")) {
        return true;
    }
    enum pt_code code = pt_msg_text(rule, "users", &text, NULL);
    pt_buf_append_str(&text, "|");
    code = code == PT_OK ? pt_msg_text(rule, "groups", &text, NULL) : code;
    pt_assert(code == PT_OK); /* the paths exist in the schema */
    size_t index = 0;
    while (index < segment->sets_len && strcmp(segment->sets[index].signature, (const char *)text.data) != 0) {
        index++;
    }
    if (index == segment->sets_len && index < TE_SUBJECT_SETS_MAX) {
        segment->sets[segment->sets_len++] =
            (struct te_subject_set){.rule = rule, .signature = pt_arena_strdup(arena, (const char *)text.data)};
    }
    pt_buf_fini(&text);
    *ret_bit = index < TE_SUBJECT_SETS_MAX ? 1ULL << index : 0;
    return index < TE_SUBJECT_SETS_MAX;
}

uint64_t te_session_subjects(const struct te_segment_rules *segment, const struct pt_msg *session)
{
    const struct pt_msg_field *groups = pt_msg_field(session, "groups");
    uint64_t bits = 0;
    for (size_t i = 0; i < segment->sets_len; i++) {
        const struct pt_msg *rule = segment->sets[i].rule;
        bool in = names(pt_msg_field(rule, "users"), pt_msg_str(session, "user"));
        for (size_t j = 0; !in && groups != NULL && j < groups->len; j++) {
            in = names(pt_msg_field(rule, "groups"), (const char *)groups->values[j].bytes.data);
        }
        bits |= in ? 1ULL << i : 0;
    }
    return bits;
}

struct emitting {
    struct pt_plan_pass *pass;
    struct pt_plan_node *node;
    const struct te_segment_rules *rules;
    const struct te_segment *segment;
    const char *site;
};

/* Two sessions with one address: the address belongs to both users, until the later one of them ends. The data plane
 * has one entry, so bits are joined, and the earlier expiry counts: nobody is somebody for longer than he said. */
static Patronus__V1__SubjectEntry *entry_of(const struct emitting *emitting, const struct pt_ip *ip)
{
    for (size_t i = 0; i < emitting->node->entries_len; i++) {
        Patronus__V1__Entry *entry = emitting->node->entries[i];
        if (entry->entry_case == PATRONUS__V1__ENTRY__ENTRY_SUBJECT && entry->subject->vni == emitting->segment->vni &&
            memcmp(entry->subject->address.data, ip->bytes, sizeof(ip->bytes)) == 0) {
            return entry->subject;
        }
    }
    Patronus__V1__SubjectEntry *subject = PT_NEW(emitting->pass->arena, Patronus__V1__SubjectEntry);
    patronus__v1__subject_entry__init(subject);
    subject->vni = emitting->segment->vni;
    subject->address.data = pt_arena_memdup(emitting->pass->arena, ip->bytes, sizeof(ip->bytes));
    subject->address.len = sizeof(ip->bytes);
    Patronus__V1__Entry *entry = PT_NEW(emitting->pass->arena, Patronus__V1__Entry);
    patronus__v1__entry__init(entry);
    entry->entry_case = PATRONUS__V1__ENTRY__ENTRY_SUBJECT;
    entry->subject = subject;
    pt_plan_emit(emitting->pass, emitting->node, entry);
    return subject;
}

static bool emit_session(void *arg, const char *name, const struct pt_msg *session)
{
    const struct emitting *emitting = arg;
    (void)name;
    if (strcmp(pt_msg_str(session, "site"), emitting->site) != 0 ||
        strcmp(pt_msg_str(session, "segment"), emitting->segment->name) != 0) {
        return true;
    }
    uint64_t bits = te_session_subjects(emitting->rules, session);
    const struct pt_msg_field *addresses = pt_msg_field(session, "addresses");
    const struct pt_msg *expires = pt_msg_child(session, "expire_time");
    int64_t expires_s = expires != NULL ? pt_msg_i64(expires, "seconds") : 0;
    /* What has ended by the leader's clock is left out; what ends later, the node itself forgets in time. */
    for (size_t i = 0; bits != 0 && expires_s > emitting->pass->time_ns / 1000000000 && i < addresses->len; i++) {
        struct pt_ip ip;
        if (pt_ip_parse((const char *)addresses->values[i].bytes.data, &ip, NULL) == PT_OK) {
            Patronus__V1__SubjectEntry *subject = entry_of(emitting, &ip);
            bool sooner = subject->subjects == 0 || expires_s < subject->expire_time_s;
            subject->subjects |= bits;
            subject->expire_time_s = sooner ? expires_s : subject->expire_time_s;
        }
    }
    return true;
}

void te_subjects_emit(struct pt_plan_pass *pass, struct pt_plan_node *node, const struct te_segment_rules *rules,
                      const struct te_segment *segment, const char *site)
{
    struct emitting emitting = {.pass = pass, .node = node, .rules = rules, .segment = segment, .site = site};
    if (rules->sets_len > 0) {
        pt_view_scan(pass->view, "userSession", "", emit_session, &emitting);
    }
}

/* ---- times ---------------------------------------------------------------------------------------------------- */

/* "HH:MM" as checked by mod policy; otherwise when empty. */
static uint32_t minute_of(const char *text, uint32_t otherwise)
{
    return text[0] == '\0' ? otherwise
                           : (uint32_t)((text[0] - '0') * 10 + text[1] - '0') * 60 +
                                 (uint32_t)((text[3] - '0') * 10 + text[4] - '0');
}

void te_windows_of(const struct pt_msg *rule, struct pt_arena *arena, Patronus__V1__RuleEntry *entry)
{
    const struct pt_msg_field *windows = pt_msg_field(rule, "windows");
    size_t len = windows != NULL ? windows->len : 0;
    entry->windows = pt_arena_array(arena, len, sizeof(*entry->windows));
    for (size_t i = 0; i < len; i++) {
        const struct pt_msg *msg = windows->values[i].message;
        const struct pt_msg_field *days = pt_msg_field(msg, "days");
        Patronus__V1__RuleWindow *window = PT_NEW(arena, Patronus__V1__RuleWindow);
        patronus__v1__rule_window__init(window);
        for (size_t j = 0; days != NULL && j < days->len; j++) {
            window->days |= 1U << (days->values[j].i64 - PATRONUS__V1__DAY_OF_WEEK__MONDAY);
        }
        window->days = days == NULL ? EVERY_DAY : window->days;
        window->first_minute = minute_of(pt_msg_str(msg, "start"), 0);
        uint32_t end = minute_of(pt_msg_str(msg, "end"), DAY_MINUTES);
        window->minutes =
            end > window->first_minute ? end - window->first_minute : DAY_MINUTES - window->first_minute + end;
        window->utc_offset_minutes = (int32_t)pt_msg_i64(msg, "utc_offset_minutes");
        entry->windows[entry->n_windows++] = window;
    }
}
