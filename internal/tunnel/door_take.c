/*
 * One tunnel process takes another's place, and no packet is lost: what comes meanwhile waits in the device's and the
 * sockets' queues, which stay open all the time because descriptors go from process to process.
 *
 *     new process                                   old process
 *     started, linked, its key read
 *     connects, "take" -------------------------->  pauses its threads: nothing is sealed, opened or sent any more
 *                      <--------------------------  "yes"; descriptors; tables (handover.h)
 *     makes paths, peers and sessions, paused
 *     "ready" ----------------------------------->
 *                      <--------------------------  "go"; from here on it never seals again, and ends
 *     starts its threads
 *
 * Nonces. Exactly one of the two may go on from the saved counters. The old one goes on only if it did not write "go",
 * or could not write it because the other end was gone; the new one only if it read it. So in the worst case, a new
 * process that dies between the two, neither goes on: that is an interruption, and the agent starts another.
 *
 * Everything slow happens before "take", and a new program that cannot start, or cannot make sense of what it is given,
 * never stops the old one.
 *
 * Whose? The socket stands in a folder of mode 0700, and each end asks the kernel whether the other one belongs to the
 * same user. Keys go through it and are wiped at both ends; they never stand in a file.
 *
 * Versions. "take", "ready" and "go" mean the same in all of them, and so do the tables. A process from before all this
 * answers PT_DOOR_OTHER: it must be stopped, and sessions begin anew.
 */
#include "crypto/crypto.h"
#include "tunnel/door_live.h"
#include "tunnel/door_priv.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define READY 'r'
#define GO 'g'
#define PATIENCE_S 1 /* of the old process: while it waits nothing is forwarded */

/* With the rules of handover.h. */
struct door_record {
    int32_t listener;
};

/* ---- the old process ------------------------------------------------------------------------------------------ */

static bool hand_over(struct pt_door *door, int fd)
{
    const char go = GO;
    struct pt_handover handover = {0};
    char ready = 0;
    pt_engine_save(pt_door_engine(door), &handover);
    pt_door_live_save(pt_door_live_of(door), &handover);
    const struct door_record record = {.listener = pt_handover_add_fd(&handover, pt_door_listener(door))};
    pt_handover_add(&handover, PT_HANDOVER_DOOR, &record, sizeof(record), 1);
    bool given = pt_handover_send(fd, &handover) && pt_door_read_all(fd, &ready, 1) && ready == READY &&
                 pt_door_write_all(fd, &go, 1);
    pt_handover_fini(&handover);
    return given;
}

bool pt_door_give(struct pt_door *door, int fd)
{
    const struct timeval patience = {.tv_sec = PATIENCE_S};
    struct pt_live *live = pt_door_live_get(pt_door_live_of(door));
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    pt_live_pause(live);
    pt_engine_pause(pt_door_engine(door));
    if (hand_over(door, fd)) {
        return true;
    }
    pt_engine_start(pt_door_engine(door));
    if (pt_live_start(live, NULL) != PT_OK) { /* its thread ran a moment ago */
        pt_door_abandon(door);
    }
    return false;
}

/* ---- the new process ------------------------------------------------------------------------------------------ */

int pt_door_adopt_listener(struct pt_handover *from)
{
    size_t len;
    struct door_record *record = pt_handover_take(from, PT_HANDOVER_DOOR, sizeof(*record), &len);
    int fd = len == 1 ? pt_handover_take_fd(from, record->listener) : -1;
    free(record);
    return fd;
}

static enum pt_code ask(int fd, struct pt_door_taking *taking, struct pt_error *reterr)
{
    PT_AUTO(buf) struct pt_buf none = {0};
    struct pt_door_header header;
    struct pt_door_answer result;
    if (!pt_door_is_own_user(fd)) {
        return pt_fail(reterr, PT_PERMISSION_DENIED, PT_REASON_NONE, "tunnel",
                       "the tunnel process belongs to another user");
    }
    if (!pt_door_send_message(fd, PT_DOOR_TAKE, &none) || !pt_door_read_all(fd, &header, sizeof(header))) {
        return pt_fail(reterr, PT_UNAVAILABLE, PT_REASON_NONE, "tunnel", "the tunnel process does not answer");
    }
    if (header.kind != PT_DOOR_TAKE || header.size != sizeof(result) ||
        !pt_door_read_all(fd, &result, sizeof(result))) {
        return pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_CONFLICT, "tunnel",
                       "the tunnel process is of a version that cannot hand over: stop it first");
    }
    result.text[sizeof(result.text) - 1] = '\0';
    if (result.code != PT_OK) {
        return pt_fail(reterr, (enum pt_code)result.code, PT_REASON_NONE, "tunnel", "%s", result.text);
    }
    if (!pt_handover_receive(fd, &taking->handover)) {
        return pt_fail(reterr, PT_UNAVAILABLE, PT_REASON_NONE, "tunnel",
                       "the tunnel process did not hand over everything");
    }
    return PT_OK;
}

enum pt_code pt_door_take(const char *path, struct pt_door_taking *ret_taking, struct pt_error *reterr)
{
    struct pt_door_taking taking = {.fd = -1};
    if (pt_door_dial(path, &taking.fd, NULL) != PT_OK) {
        *ret_taking = (struct pt_door_taking){.fd = -1};
        return PT_OK;
    }
    enum pt_code code = ask(taking.fd, &taking, reterr);
    if (code != PT_OK) {
        (void)close(taking.fd);
        return code;
    }
    *ret_taking = taking;
    return PT_OK;
}

enum pt_code pt_door_taken(struct pt_door_taking *taking, struct pt_error *reterr)
{
    const char ready = READY;
    char go = 0;
    if (!pt_door_write_all(taking->fd, &ready, 1) || !pt_door_read_all(taking->fd, &go, 1) || go != GO) {
        return pt_fail(reterr, PT_UNAVAILABLE, PT_REASON_NONE, "tunnel",
                       "the tunnel process before this one goes on itself");
    }
    return PT_OK;
}

void pt_door_taking_fini(struct pt_door_taking *taking)
{
    if (taking->fd >= 0) {
        (void)close(taking->fd);
    }
    taking->fd = -1;
    pt_handover_fini(&taking->handover);
}
