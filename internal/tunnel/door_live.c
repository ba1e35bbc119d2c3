/*
 * The tunnel process flips a path's words by itself: it has the maps' descriptors from the agent, and one system call
 * writes an array entry. That is all it knows of BPF. The maps are the same that the agent writes and that are pinned,
 * so they go on meaning the same when the agent is gone.
 *
 * A flow that is cached asks again when the steering epoch moves on, so that word follows each change of an SLA word.
 *
 * Changes are told by a datagram that is not waited for: an agent that does not read asks each second anyway.
 */
#include "tunnel/door_live.h"

#include "base/assert.h"
#include "bpf/abi/path.h"
#include "crypto/crypto.h"
#include "tunnel/door.h"

#include <linux/bpf.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NOTE_MS 200 /* between looks at what the engine received */

struct pt_door_live {
    struct pt_live *live;
    struct pt_engine *engine;
    struct pt_timer *timer;
    pthread_mutex_t lock; /* the descriptors: used on liveness's thread, replaced on the loop; taken inside its lock */
    int fds[PT_DOOR_FDS_LEN];                      /* -1: no agent yet */
    struct pt_engine_moved moved[PT_ENGINE_SLOTS]; /* of the newest look */
};

/* An entry of an array: cannot fail once the descriptor is of the map. */
static void access_entry(int command, int fd, uint32_t index, void *value)
{
    union bpf_attr attributes;
    memset(&attributes, 0, sizeof(attributes));
    attributes.map_fd = (uint32_t)fd;
    attributes.key = (uint64_t)(uintptr_t)&index;
    attributes.value = (uint64_t)(uintptr_t)value;
    if (fd >= 0) {
        (void)syscall(SYS_bpf, command, &attributes, sizeof(attributes));
    }
}

static void set_word(void *arg, uint32_t slot, bool alive)
{
    struct pt_door_live *door = arg;
    uint32_t state = alive ? PT_PATH_ALIVE : PT_PATH_DEAD;
    (void)pthread_mutex_lock(&door->lock);
    access_entry(BPF_MAP_UPDATE_ELEM, door->fds[PT_DOOR_FD_STATE], slot, &state);
    (void)pthread_mutex_unlock(&door->lock);
}

static void set_sla(void *arg, uint32_t slot, uint64_t breaks, uint64_t held)
{
    struct pt_door_live *door = arg;
    struct pt_abi_path_sla word = {.breaks = breaks, .held = held};
    uint32_t epoch = 0;
    (void)pthread_mutex_lock(&door->lock);
    access_entry(BPF_MAP_UPDATE_ELEM, door->fds[PT_DOOR_FD_SLA], slot, &word);
    access_entry(BPF_MAP_LOOKUP_ELEM, door->fds[PT_DOOR_FD_EPOCH], 0, &epoch); /* the agent moves it too */
    epoch++;
    access_entry(BPF_MAP_UPDATE_ELEM, door->fds[PT_DOOR_FD_EPOCH], 0, &epoch);
    (void)pthread_mutex_unlock(&door->lock);
}

static void on_change(void *arg, uint64_t path, bool alive)
{
    struct pt_door_live *door = arg;
    const struct pt_door_change change = {.path = path, .alive = alive};
    (void)pthread_mutex_lock(&door->lock);
    if (door->fds[PT_DOOR_FD_CHANGES] >= 0) {
        (void)send(door->fds[PT_DOOR_FD_CHANGES], &change, sizeof(change), MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    (void)pthread_mutex_unlock(&door->lock);
}

static void replace(int *fd, int new)
{
    if (*fd >= 0) {
        (void)close(*fd);
    }
    *fd = new;
}

void pt_door_live_configure(struct pt_door_live *door, const struct pt_live_config *config,
                            const int fds[PT_DOOR_FDS_LEN])
{
    (void)pthread_mutex_lock(&door->lock);
    for (size_t i = 0; i < PT_DOOR_FDS_LEN; i++) {
        replace(&door->fds[i], fds[i]);
    }
    (void)pthread_mutex_unlock(&door->lock);
    pt_live_configure(door->live, config);
}

struct pt_live *pt_door_live_get(struct pt_door_live *door)
{
    return door->live;
}

static void on_streams(void *arg, uint32_t label, const uint64_t *received, const uint64_t *expected)
{
    pt_live_note_streams(arg, label, received, expected);
}

/* Loss is measured on the packets themselves: what the engine opened goes into answers. */
static void on_note(void *arg)
{
    struct pt_door_live *door = arg;
    uint8_t first[PT_ENGINE_SLOTS];
    pt_engine_streams(door->engine, on_streams, door->live);
    unsigned streams = pt_engine_path_streams(door->engine, first);
    pt_live_note_paths(door->live, first, streams);
    pt_live_note_moved(door->live, door->moved, pt_engine_moved(door->engine, door->moved, PT_ENGINE_SLOTS));
}

/* With the rules of handover.h. */
struct door_record {
    int32_t fds[PT_DOOR_FDS_LEN];
};

void pt_door_live_save(struct pt_door_live *door, struct pt_handover *into)
{
    struct door_record record;
    for (size_t i = 0; i < PT_DOOR_FDS_LEN; i++) {
        record.fds[i] = pt_handover_add_fd(into, door->fds[i]);
    }
    pt_handover_add(into, PT_HANDOVER_DOOR_LIVE, &record, sizeof(record), 1);
    pt_live_save(door->live, into);
}

static void adopt_fds(struct pt_door_live *door, struct pt_handover *from)
{
    size_t len;
    struct door_record *record = pt_handover_take(from, PT_HANDOVER_DOOR_LIVE, sizeof(*record), &len);
    for (size_t i = 0; i < PT_DOOR_FDS_LEN && len == 1; i++) {
        door->fds[i] = pt_handover_take_fd(from, record->fds[i]);
    }
    free(record);
}

enum pt_code pt_door_live_open(const struct pt_door_options *from, struct pt_door_live **ret_door,
                               struct pt_error *reterr)
{
    struct pt_door_live *door = calloc(1, sizeof(*door));
    struct pt_live_options options = {.set_word = set_word, .on_change = on_change, .set_sla = set_sla, .arg = door};
    pt_assert(door != NULL);
    memset(door->fds, 0xff, sizeof(door->fds)); /* -1 */
    pt_live_lock_init(&door->lock);
    memcpy(options.private_key, from->private_key, sizeof(options.private_key));
    options.adopt = from->adopt;
    if (from->adopt != NULL) {
        adopt_fds(door, from->adopt);
    }
    enum pt_code code = pt_live_open(&options, &door->live, reterr);
    pt_memory_clear(&options, sizeof(options));
    if (code != PT_OK) {
        pt_door_live_close(door);
        return code;
    }
    door->engine = from->engine;
    door->timer = pt_timer_new(from->sys, on_note, door);
    pt_timer_start(door->timer, NOTE_MS, NOTE_MS);
    *ret_door = door;
    return PT_OK;
}

void pt_door_live_close(struct pt_door_live *door)
{
    if (door == NULL) {
        return;
    }
    pt_timer_free(door->timer);
    pt_live_close(door->live);
    for (size_t i = 0; i < PT_DOOR_FDS_LEN; i++) {
        replace(&door->fds[i], -1);
    }
    (void)pthread_mutex_destroy(&door->lock);
    free(door);
}
