/*
 * See handover.h. On the socket: sizes, then descriptors a few at a time, each few with one byte, then the tables.
 */
#include "tunnel/handover.h"

#include "base/assert.h"
#include "crypto/crypto.h"
#include "tunnel/door_priv.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FDS_AT_ONCE 64U /* the kernel takes 253 */

struct table {
    uint32_t tag, record_size, len, zero;
};

struct sizes {
    uint64_t size;
    uint32_t fds_len, zero;
};

/* Memory that held keys is wiped before it goes: no realloc. */
static void reserve(struct pt_handover *handover, size_t more)
{
    size_t wanted = handover->size + more;
    if (wanted <= handover->capacity) {
        return;
    }
    size_t capacity = 2 * handover->capacity > wanted ? 2 * handover->capacity : wanted;
    uint8_t *data = malloc(capacity);
    pt_assert(data != NULL);
    if (handover->size > 0) {
        memcpy(data, handover->data, handover->size);
        pt_memory_clear(handover->data, handover->size);
    }
    free(handover->data);
    handover->data = data;
    handover->capacity = capacity;
}

static void append(struct pt_handover *handover, const void *data, size_t size)
{
    reserve(handover, size);
    memcpy(handover->data + handover->size, data, size);
    handover->size += size;
}

void pt_handover_fini(struct pt_handover *handover)
{
    for (size_t i = 0; i < handover->fds_len; i++) {
        if (handover->owned && handover->fds[i] >= 0) {
            (void)close(handover->fds[i]);
        }
    }
    if (handover->size > 0) {
        pt_memory_clear(handover->data, handover->size);
    }
    free(handover->data);
    free(handover->fds);
    *handover = (struct pt_handover){0};
}

/* ---- who hands over ------------------------------------------------------------------------------------------- */

void pt_handover_add(struct pt_handover *handover, enum pt_handover_tag tag, const void *records, size_t record_size,
                     size_t len)
{
    const struct table table = {.tag = (uint32_t)tag, .record_size = (uint32_t)record_size, .len = (uint32_t)len};
    pt_assert(record_size > 0 && record_size <= PT_HANDOVER_RECORD_MAX && len <= UINT32_MAX);
    reserve(handover, sizeof(table) + record_size * len);
    append(handover, &table, sizeof(table));
    if (len > 0) {
        append(handover, records, record_size * len);
    }
}

int32_t pt_handover_add_fd(struct pt_handover *handover, int fd)
{
    if (fd < 0) {
        return -1;
    }
    pt_assert(handover->fds_len < PT_HANDOVER_FDS_MAX);
    handover->fds = realloc(handover->fds, (handover->fds_len + 1) * sizeof(int));
    pt_assert(handover->fds != NULL);
    handover->fds[handover->fds_len] = fd;
    return (int32_t)handover->fds_len++;
}

static bool send_fds(int socket, const int *fds, size_t len)
{
    char byte = 0;
    _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(FDS_AT_ONCE * sizeof(int))] = {0};
    struct iovec part = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = CMSG_SPACE(len * sizeof(int))};
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(len * sizeof(int));
    memcpy(CMSG_DATA(c), fds, len * sizeof(int));
    return sendmsg(socket, &message, MSG_NOSIGNAL) == 1;
}

bool pt_handover_send(int fd, const struct pt_handover *handover)
{
    const struct sizes sizes = {.size = handover->size, .fds_len = (uint32_t)handover->fds_len};
    if (handover->size > PT_HANDOVER_SIZE_MAX || !pt_door_write_all(fd, &sizes, sizeof(sizes))) {
        return false;
    }
    for (size_t at = 0; at < handover->fds_len; at += FDS_AT_ONCE) {
        size_t len = handover->fds_len - at < FDS_AT_ONCE ? handover->fds_len - at : FDS_AT_ONCE;
        if (!send_fds(fd, handover->fds + at, len)) {
            return false;
        }
    }
    return pt_door_write_all(fd, handover->data, handover->size);
}

/* ---- who takes over ------------------------------------------------------------------------------------------- */

/* Exactly `len` descriptors with the next byte; those that came are noted in any case, so that they are closed. */
static bool receive_fds(int socket, struct pt_handover *handover, size_t len)
{
    char byte;
    _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(FDS_AT_ONCE * sizeof(int))];
    struct iovec part = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
    if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) != 1) {
        return false;
    }
    const struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    if (c == NULL || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) {
        return false;
    }
    size_t got = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int); /* FDS_AT_ONCE at most: there was no more room */
    memcpy(handover->fds + handover->fds_len, CMSG_DATA(c), got * sizeof(int));
    handover->fds_len += got;
    return got == len && (message.msg_flags & MSG_CTRUNC) == 0;
}

bool pt_handover_receive(int fd, struct pt_handover *ret_handover)
{
    struct pt_handover handover = {.owned = true};
    struct sizes sizes;
    if (!pt_door_read_all(fd, &sizes, sizeof(sizes)) || sizes.size > PT_HANDOVER_SIZE_MAX ||
        sizes.fds_len > PT_HANDOVER_FDS_MAX) {
        return false;
    }
    handover.fds = calloc(sizes.fds_len + FDS_AT_ONCE, sizeof(int));
    pt_assert(handover.fds != NULL);
    bool whole = true;
    while (whole && handover.fds_len < sizes.fds_len) {
        size_t left = sizes.fds_len - handover.fds_len;
        whole = receive_fds(fd, &handover, left < FDS_AT_ONCE ? left : FDS_AT_ONCE);
    }
    reserve(&handover, sizes.size);
    whole = whole && pt_door_read_all(fd, handover.data, sizes.size);
    handover.size = sizes.size;
    if (!whole || !pt_handover_valid(&handover)) {
        pt_handover_fini(&handover);
        return false;
    }
    *ret_handover = handover;
    return true;
}

/* The table at *at, which moves behind it; NULL at the end, or where there is no whole table. */
static const uint8_t *next_table(const struct pt_handover *handover, size_t *at, struct table *ret_table)
{
    if (handover->size - *at < sizeof(*ret_table)) {
        return NULL;
    }
    memcpy(ret_table, handover->data + *at, sizeof(*ret_table));
    const uint8_t *records = handover->data + *at + sizeof(*ret_table);
    size_t left = handover->size - *at - sizeof(*ret_table);
    if (ret_table->record_size == 0 || ret_table->record_size > PT_HANDOVER_RECORD_MAX ||
        ret_table->len > left / ret_table->record_size) {
        return NULL;
    }
    *at += sizeof(*ret_table) + (size_t)ret_table->record_size * ret_table->len;
    return records;
}

bool pt_handover_valid(const struct pt_handover *handover)
{
    struct table table;
    size_t at = 0;
    while (at < handover->size) {
        if (next_table(handover, &at, &table) == NULL) {
            return false;
        }
    }
    return true;
}

static const uint8_t *find(const struct pt_handover *handover, enum pt_handover_tag tag, struct table *ret_table)
{
    const uint8_t *records;
    size_t at = 0;
    while ((records = next_table(handover, &at, ret_table)) != NULL) {
        if (ret_table->tag == (uint32_t)tag) {
            return records;
        }
    }
    return NULL;
}

size_t pt_handover_record_size(const struct pt_handover *handover, enum pt_handover_tag tag)
{
    struct table table;
    return find(handover, tag, &table) != NULL ? table.record_size : 0;
}

void *pt_handover_take(const struct pt_handover *handover, enum pt_handover_tag tag, size_t record_size,
                       size_t *ret_len)
{
    struct table table = {0};
    const uint8_t *from = find(handover, tag, &table);
    size_t len = from != NULL ? table.len : 0,
           known = table.record_size < record_size ? table.record_size : record_size;
    uint8_t *records = calloc(len + 1, record_size);
    pt_assert(records != NULL);
    for (size_t i = 0; i < len; i++) {
        memcpy(records + i * record_size, from + i * table.record_size, known);
    }
    *ret_len = len;
    return records;
}

void pt_handover_drop(void *records, size_t record_size, size_t len)
{
    pt_memory_clear(records, record_size * len);
    free(records);
}

int pt_handover_take_fd(struct pt_handover *handover, int32_t place)
{
    if (place < 0 || (size_t)place >= handover->fds_len) {
        return -1;
    }
    int fd = handover->fds[place];
    handover->fds[place] = -1;
    return fd;
}
