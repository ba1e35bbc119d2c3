/*
 * Format. Big-endian, no padding: u8 type, u8 version, u64 term, then by type
 *
 *   append entries          u64 previous index, u64 previous term, u64 commit, u32 n, n x { u64 term, u8 type, u32
 * size, data } append entries result   u64 rejected, u64 last index, u16 features, u16 capacity request vote u64
 * candidate, u64 last index, u64 last term, u8 flags (1 disrupt leader, 2 pre-vote) request vote result     u8 flags (1
 * granted, 2 pre-vote), u16 features, u16 capacity install snapshot        u64 last index, u64 last term, u64
 * configuration index, u32 size, configuration, u32 size, data timeout now             u64 last index, u64 last term
 *   configuration           u32 n, n x { u64 id, u8 role, u16 size, address }
 *
 * The version is the one that libraft gives its messages; unknown ones are passed on, since libraft only ever adds
 * fields and this codec carries those of 0.22. A change of this format needs a new protocol number in the hello
 * (peer.c).
 *
 * Failure: a frame that does not decode closes the link it came on. libraft repeats what was in it.
 */
#include "raft/codec.h"

#include "base/assert.h"

#include <string.h>

struct reader {
    const uint8_t *at;
    size_t left;
    bool failed;
};

static const uint8_t *take(struct reader *r, size_t size)
{
    if (r->failed || r->left < size) {
        r->failed = true;
        return NULL;
    }
    const uint8_t *p = r->at;
    r->at += size;
    r->left -= size;
    return p;
}

static uint8_t take_u8(struct reader *r)
{
    const uint8_t *p = take(r, 1);
    return p == NULL ? 0 : p[0];
}

static uint16_t take_u16(struct reader *r)
{
    const uint8_t *p = take(r, 2);
    return p == NULL ? 0 : (uint16_t)((unsigned)p[0] << 8 | p[1]);
}

static uint32_t take_u32(struct reader *r)
{
    const uint8_t *p = take(r, 4);
    return p == NULL ? 0 : pt_be32(p);
}

static uint64_t take_u64(struct reader *r)
{
    const uint8_t *p = take(r, 8);
    return p == NULL ? 0 : pt_be64(p);
}

static void put_u16(struct pt_buf *out, unsigned value)
{
    pt_buf_append_u8(out, (uint8_t)(value >> 8));
    pt_buf_append_u8(out, (uint8_t)value);
}

static enum pt_code malformed(struct pt_error *reterr, const char *what)
{
    return pt_fail(reterr, PT_CORRUPT, PT_REASON_MESSAGE_MALFORMED, "", "raft message: %s", what);
}

/* ---- configuration -------------------------------------------------------------------------------------------- */

void pt_raft_configuration_encode(const struct raft_configuration *configuration, struct pt_buf *out)
{
    pt_assert(configuration->n <= PT_RAFT_MEMBERS_MAX);
    pt_buf_append_be32(out, configuration->n);
    for (unsigned i = 0; i < configuration->n; i++) {
        const struct raft_server *server = &configuration->servers[i];
        size_t size = strlen(server->address);
        pt_assert(size <= PT_RAFT_ADDRESS_SIZE_MAX);
        pt_buf_append_be64(out, server->id);
        pt_buf_append_u8(out, (uint8_t)server->role);
        put_u16(out, (unsigned)size);
        pt_buf_append(out, server->address, size);
    }
}

static enum pt_code server_decode(struct reader *r, struct raft_configuration *configuration, struct pt_error *reterr)
{
    uint64_t id = take_u64(r);
    uint8_t role = take_u8(r);
    uint16_t size = take_u16(r);
    const uint8_t *address = size <= PT_RAFT_ADDRESS_SIZE_MAX ? take(r, size) : NULL;
    if (address == NULL || size == 0 || id == 0 || role > RAFT_SPARE || memchr(address, 0, size) != NULL) {
        return malformed(reterr, "a member of the configuration is not valid");
    }
    char text[PT_RAFT_ADDRESS_SIZE_MAX + 1];
    memcpy(text, address, size);
    text[size] = '\0';
    int rv = raft_configuration_add(configuration, id, text, role);
    pt_assert(rv != RAFT_NOMEM);
    return rv == 0 ? PT_OK : malformed(reterr, "the configuration names a member twice");
}

enum pt_code pt_raft_configuration_decode(struct pt_bytes bytes, struct raft_configuration *ret_configuration,
                                          struct pt_error *reterr)
{
    struct reader r = {.at = bytes.data, .left = bytes.size};
    struct raft_configuration configuration;
    raft_configuration_init(&configuration);
    uint32_t n = take_u32(&r);
    enum pt_code code = n <= PT_RAFT_MEMBERS_MAX ? PT_OK : malformed(reterr, "too many members");
    for (uint32_t i = 0; i < n && code == PT_OK; i++) {
        code = server_decode(&r, &configuration, reterr);
    }
    if (code == PT_OK && (r.failed || r.left != 0)) {
        code = malformed(reterr, "the configuration has a wrong size");
    }
    if (code != PT_OK) {
        raft_configuration_close(&configuration);
        return code;
    }
    *ret_configuration = configuration;
    return PT_OK;
}

/* ---- encode --------------------------------------------------------------------------------------------------- */

static void begin(struct pt_buf *out, enum raft_message_type type, unsigned char version, uint64_t term)
{
    pt_buf_append_u8(out, (uint8_t)type);
    pt_buf_append_u8(out, version);
    pt_buf_append_be64(out, term);
}

static void encode_append(const struct raft_append_entries *m, struct pt_buf *out)
{
    pt_assert(m->n_entries <= PT_RAFT_MESSAGE_ENTRIES_MAX);
    begin(out, RAFT_APPEND_ENTRIES, m->version, m->term);
    pt_buf_append_be64(out, m->prev_log_index);
    pt_buf_append_be64(out, m->prev_log_term);
    pt_buf_append_be64(out, m->leader_commit);
    pt_buf_append_be32(out, m->n_entries);
    for (unsigned i = 0; i < m->n_entries; i++) {
        const struct raft_entry *entry = &m->entries[i];
        pt_buf_append_be64(out, entry->term);
        pt_buf_append_u8(out, (uint8_t)entry->type);
        pt_buf_append_be32(out, (uint32_t)entry->buf.len);
        pt_buf_append(out, entry->buf.base, entry->buf.len);
    }
}

static void encode_install(const struct raft_install_snapshot *m, struct pt_buf *out)
{
    pt_assert(m->data.len <= PT_RAFT_MANIFEST_SIZE_MAX);
    begin(out, RAFT_INSTALL_SNAPSHOT, m->version, m->term);
    pt_buf_append_be64(out, m->last_index);
    pt_buf_append_be64(out, m->last_term);
    pt_buf_append_be64(out, m->conf_index);
    PT_AUTO(buf) struct pt_buf configuration = {0};
    pt_raft_configuration_encode(&m->conf, &configuration);
    pt_buf_append_be32(out, (uint32_t)configuration.size);
    pt_buf_append(out, configuration.data, configuration.size);
    pt_buf_append_be32(out, (uint32_t)m->data.len);
    pt_buf_append(out, m->data.base, m->data.len);
}

void pt_raft_message_encode(const struct raft_message *message, struct pt_buf *out)
{
    switch (message->type) {
    case RAFT_APPEND_ENTRIES:
        encode_append(&message->append_entries, out);
        break;
    case RAFT_APPEND_ENTRIES_RESULT: {
        const struct raft_append_entries_result *m = &message->append_entries_result;
        begin(out, message->type, m->version, m->term);
        pt_buf_append_be64(out, m->rejected);
        pt_buf_append_be64(out, m->last_log_index);
        put_u16(out, m->features);
        put_u16(out, m->capacity);
        break;
    }
    case RAFT_REQUEST_VOTE: {
        const struct raft_request_vote *m = &message->request_vote;
        begin(out, message->type, m->version, m->term);
        pt_buf_append_be64(out, m->candidate_id);
        pt_buf_append_be64(out, m->last_log_index);
        pt_buf_append_be64(out, m->last_log_term);
        pt_buf_append_u8(out, (uint8_t)((m->disrupt_leader ? 1U : 0U) | (m->pre_vote ? 2U : 0U)));
        break;
    }
    case RAFT_REQUEST_VOTE_RESULT: {
        const struct raft_request_vote_result *m = &message->request_vote_result;
        begin(out, message->type, m->version, m->term);
        pt_buf_append_u8(out, (uint8_t)((m->vote_granted ? 1U : 0U) | (m->pre_vote ? 2U : 0U)));
        put_u16(out, m->features);
        put_u16(out, m->capacity);
        break;
    }
    case RAFT_INSTALL_SNAPSHOT:
        encode_install(&message->install_snapshot, out);
        break;
    case RAFT_TIMEOUT_NOW:
        begin(out, message->type, message->timeout_now.version, message->timeout_now.term);
        pt_buf_append_be64(out, message->timeout_now.last_log_index);
        pt_buf_append_be64(out, message->timeout_now.last_log_term);
        break;
    }
}

/* ---- decode --------------------------------------------------------------------------------------------------- */

static enum pt_code decode_append(struct reader *r, struct pt_raft_decoded *d, struct pt_error *reterr)
{
    struct raft_append_entries *m = &d->message.append_entries;
    m->prev_log_index = take_u64(r);
    m->prev_log_term = take_u64(r);
    m->leader_commit = take_u64(r);
    m->n_entries = take_u32(r);
    m->entries = d->entries;
    if (r->failed || m->n_entries > PT_RAFT_MESSAGE_ENTRIES_MAX) {
        return malformed(reterr, "too many entries");
    }
    if ((m->prev_log_index == 0) != (m->prev_log_term == 0) || m->prev_log_term > m->term ||
        m->prev_log_index > UINT64_MAX / 2) {
        return malformed(reterr, "previous index and term do not fit each other");
    }
    raft_term term = m->prev_log_term;
    for (unsigned i = 0; i < m->n_entries; i++) {
        struct raft_entry *entry = &d->entries[i];
        entry->term = take_u64(r);
        uint8_t type = take_u8(r);
        entry->buf.len = take_u32(r);
        const uint8_t *data = entry->buf.len <= PT_RAFT_DATA_SIZE_MAX ? take(r, entry->buf.len) : NULL;
        entry->buf.base = (void *)(uintptr_t)data; /* borrowed and never written */
        entry->type = type;
        entry->batch = NULL;
        if (data == NULL || type < RAFT_COMMAND || type > RAFT_CHANGE || entry->term < term || entry->term == 0 ||
            entry->term > m->term) {
            return malformed(reterr, "an entry is not valid");
        }
        term = entry->term;
    }
    return PT_OK;
}

static enum pt_code decode_append_result(struct reader *r, struct pt_raft_decoded *d, struct pt_error *reterr)
{
    struct raft_append_entries_result *m = &d->message.append_entries_result;
    m->rejected = take_u64(r);
    m->last_log_index = take_u64(r);
    m->features = take_u16(r);
    m->capacity = take_u16(r);
    /* libraft before 0.19.2 gave larger hints; ours never does. */
    return m->rejected > 0 && m->last_log_index >= m->rejected ? malformed(reterr, "the hint is above the rejection")
                                                               : PT_OK;
}

static enum pt_code decode_vote(struct reader *r, struct pt_raft_decoded *d, struct pt_error *reterr)
{
    struct raft_request_vote *m = &d->message.request_vote;
    m->candidate_id = take_u64(r);
    m->last_log_index = take_u64(r);
    m->last_log_term = take_u64(r);
    uint8_t flags = take_u8(r);
    m->disrupt_leader = (flags & 1U) != 0;
    m->pre_vote = (flags & 2U) != 0;
    return flags > 3 || m->candidate_id == 0 ? malformed(reterr, "vote request") : PT_OK;
}

static enum pt_code decode_vote_result(struct reader *r, struct pt_raft_decoded *d, struct pt_error *reterr)
{
    struct raft_request_vote_result *m = &d->message.request_vote_result;
    uint8_t flags = take_u8(r);
    m->vote_granted = (flags & 1U) != 0;
    m->pre_vote = (flags & 2U) != 0;
    m->features = take_u16(r);
    m->capacity = take_u16(r);
    return flags > 3 ? malformed(reterr, "vote result") : PT_OK;
}

static enum pt_code decode_install(struct reader *r, struct pt_raft_decoded *d, struct pt_error *reterr)
{
    struct raft_install_snapshot *m = &d->message.install_snapshot;
    m->last_index = take_u64(r);
    m->last_term = take_u64(r);
    m->conf_index = take_u64(r);
    uint32_t size = take_u32(r);
    const uint8_t *configuration = take(r, size);
    m->data.len = take_u32(r);
    const uint8_t *data = m->data.len <= PT_RAFT_MANIFEST_SIZE_MAX ? take(r, m->data.len) : NULL;
    m->data.base = (void *)(uintptr_t)data;
    if (r->failed || data == NULL || r->left != 0 || m->last_index == 0 || m->last_term == 0 ||
        m->last_term > m->term || m->conf_index > m->last_index || m->conf_index == 0) {
        return malformed(reterr, "install snapshot");
    }
    return pt_raft_configuration_decode((struct pt_bytes){configuration, size}, &m->conf, reterr);
}

enum pt_code pt_raft_message_decode(struct pt_bytes bytes, struct pt_raft_decoded *ret_decoded, struct pt_error *reterr)
{
    struct reader r = {.at = bytes.data, .left = bytes.size};
    struct pt_raft_decoded *d = ret_decoded;
    memset(&d->message, 0, sizeof d->message);
    uint8_t type = take_u8(&r);
    uint8_t version = take_u8(&r);
    uint64_t term = take_u64(&r);
    if (r.failed || type < RAFT_APPEND_ENTRIES || type > RAFT_TIMEOUT_NOW || term == 0) {
        return malformed(reterr, "unknown type or no term");
    }
    d->message.type = type;
    /* All types begin with version and term, but C gives no way to say so. */
    enum pt_code code = PT_OK;
    switch (d->message.type) {
    case RAFT_APPEND_ENTRIES:
        d->message.append_entries.version = version;
        d->message.append_entries.term = term;
        code = decode_append(&r, d, reterr);
        break;
    case RAFT_APPEND_ENTRIES_RESULT:
        d->message.append_entries_result.version = version;
        d->message.append_entries_result.term = term;
        code = decode_append_result(&r, d, reterr);
        break;
    case RAFT_REQUEST_VOTE:
        d->message.request_vote.version = version;
        d->message.request_vote.term = term;
        code = decode_vote(&r, d, reterr);
        break;
    case RAFT_REQUEST_VOTE_RESULT:
        d->message.request_vote_result.version = version;
        d->message.request_vote_result.term = term;
        code = decode_vote_result(&r, d, reterr);
        break;
    case RAFT_INSTALL_SNAPSHOT:
        d->message.install_snapshot.version = version;
        d->message.install_snapshot.term = term;
        return decode_install(&r, d, reterr); /* the configuration is taken last, after the check of the size */
    case RAFT_TIMEOUT_NOW:
        d->message.timeout_now.version = version;
        d->message.timeout_now.term = term;
        d->message.timeout_now.last_log_index = take_u64(&r);
        d->message.timeout_now.last_log_term = take_u64(&r);
        break;
    }
    if (code == PT_OK && (r.failed || r.left != 0)) {
        code = malformed(reterr, "wrong size");
    }
    return code;
}
