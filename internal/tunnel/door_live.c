/*
 * The tunnel process flips a path's word by itself: it has the map's descriptor from the agent, and one system call
 * writes an array entry. That is all it knows of BPF. The map is the same one that the agent writes and that is pinned,
 * so it goes on meaning the same when the agent is gone.
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
    int state_map, changes; /* -1: no agent yet */
};

static void set_word(void *arg, uint32_t slot, bool alive)
{
    struct pt_door_live *door = arg;
    uint32_t state = alive ? PT_PATH_ALIVE : PT_PATH_DEAD;
    union bpf_attr attributes;
    memset(&attributes, 0, sizeof(attributes));
    (void)pthread_mutex_lock(&door->lock);
    attributes.map_fd = (uint32_t)door->state_map;
    attributes.key = (uint64_t)(uintptr_t)&slot;
    attributes.value = (uint64_t)(uintptr_t)&state;
    if (door->state_map >= 0) {
        (void)syscall(SYS_bpf, BPF_MAP_UPDATE_ELEM, &attributes, sizeof(attributes)); /* array entry: cannot fail */
    }
    (void)pthread_mutex_unlock(&door->lock);
}

static void on_change(void *arg, uint64_t path, bool alive)
{
    struct pt_door_live *door = arg;
    const struct pt_door_change change = {.path = path, .alive = alive};
    (void)pthread_mutex_lock(&door->lock);
    if (door->changes >= 0) {
        (void)send(door->changes, &change, sizeof(change), MSG_DONTWAIT | MSG_NOSIGNAL);
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

void pt_door_live_configure(struct pt_door_live *door, const struct pt_live_config *config, int state_map, int changes)
{
    (void)pthread_mutex_lock(&door->lock);
    replace(&door->state_map, state_map);
    replace(&door->changes, changes);
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
}

enum pt_code pt_door_live_open(struct pt_sys *sys, struct pt_engine *engine, const uint8_t private_key[PT_X25519_SIZE],
                               struct pt_door_live **ret_door, struct pt_error *reterr)
{
    struct pt_door_live *door = calloc(1, sizeof(*door));
    struct pt_live_options options = {.set_word = set_word, .on_change = on_change, .arg = door};
    pt_assert(door != NULL);
    door->state_map = door->changes = -1;
    int failed = pthread_mutex_init(&door->lock, NULL);
    pt_assert(failed == 0);
    memcpy(options.private_key, private_key, sizeof(options.private_key));
    enum pt_code code = pt_live_open(&options, &door->live, reterr);
    pt_memory_clear(&options, sizeof(options));
    if (code != PT_OK) {
        pt_door_live_close(door);
        return code;
    }
    door->engine = engine;
    door->timer = pt_timer_new(sys, on_note, door);
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
    replace(&door->state_map, -1);
    replace(&door->changes, -1);
    (void)pthread_mutex_destroy(&door->lock);
    free(door);
}
