/* What the files of the engine share. Private to the folder. */
#pragma once

#include "tunnel/engine.h"
#include "tunnel/epoch.h"
#include "tunnel/packet.h"
#include "tunnel/pmtu.h"
#include "tunnel/replay.h"
#include "tunnel/wire.h"

#include <linux/virtio_net.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

#define PT_SESSION_BUCKETS 4096 /* a power of two */
#define PT_CONTROL_STREAM (PT_TUNNEL_STREAMS - 1)
#define PT_OUTER_HEADER_MAX (8 + 4 + 4 * PT_STACK_LEN_MAX) /* Geneve and path stack */
#define PT_VNET_SIZE sizeof(struct virtio_net_hdr)
#define PT_ETH_SIZE 14

struct pt_session_stream {
    atomic_flag lock; /* opening only; uncontended but when a peer moved */
    struct pt_replay replay;
    _Atomic uint64_t received, expected;     /* opening: packets that opened, and the greatest number plus 1 */
    uint64_t noted_received, noted_expected; /* the loop's: what of them stands in the peer's totals */
    _Alignas(64) _Atomic uint64_t next;      /* sealing: the next counter */
};

/* A session as the data threads see it. */
struct pt_tunnel_session {
    struct pt_tunnel_keys keys;
    uint32_t label;
    struct pt_tunnel_session *_Atomic chain; /* next of its bucket */
    _Atomic uint64_t volume;
    atomic_bool heard, heard_ever;
    struct pt_aead *seal[PT_ENGINE_WORKERS_MAX + 1], *open[PT_ENGINE_WORKERS_MAX]; /* by thread; seal's last: loop */
    struct pt_session_stream streams[PT_TUNNEL_STREAMS];
};

struct pt_link { /* immutable but for its sockets' life */
    struct pt_engine *engine;
    struct pt_engine_link config;
    uint16_t port;
    int in[PT_ENGINE_WORKERS_MAX];  /* bound to address:port, shared by hash; the loop and out 0 send from in[0] */
    int out[PT_ENGINE_WORKERS_MAX]; /* out[0] is in[0]; the others have a port of their own, for receivers' hashes */
    int stacked[PT_ENGINE_WORKERS_MAX]; /* for packets with labels: without UDP checksums, which segmentation wants */
    struct pt_link *next;
};

struct pt_target { /* where a path's packets go: replaced when the peer moves */
    struct sockaddr_storage address;
    socklen_t size;
    struct pt_endpoint endpoint;
};

struct pt_peer {
    uint32_t label;
    struct pt_tunnel_session *_Atomic used;
    uint64_t received[PT_TUNNEL_STREAMS], expected[PT_TUNNEL_STREAMS]; /* totals over sessions */
    bool noted;                                                        /* something was added to them */
    bool awaited; /* was heard by the process before, which handed over no session: its packets wait */
    struct pt_peer *next;
};

struct pt_path {
    struct pt_engine_path config;
    struct pt_link *link;
    struct pt_peer *peer;
    struct pt_target *_Atomic target;
    unsigned streams[PT_ENGINE_QUEUES]; /* by queue: base of its streams; worker n uses base + n */
    uint8_t outer[PT_OUTER_HEADER_MAX];
    size_t outer_size;
    /* The loop's own: path MTU and keepalive. */
    struct pt_pmtu pmtu;
    uint64_t keepalive_ns;
    uint64_t left_ns;  /* when it left the configuration; 0: it stands there */
    atomic_bool doubt; /* does its MTU still hold? The kernel refused a packet for its size, or the session is new */
};

struct pt_worker {
    struct pt_engine *engine;
    unsigned number;
    size_t reader; /* of the epoch */
    pthread_t thread;
    bool started;
    int tap, epoll;                     /* epoll: in threads only; events carry the link's number, 0 for `wake` */
    int wake;                           /* eventfd: look whether to stop */
    struct pt_engine_counters counters; /* written by the worker alone, read by the loop with relaxed loads */
};

struct pt_engine {
    struct pt_engine_options options;
    unsigned workers;
    uint32_t device_index;
    int taps[PT_ENGINE_WORKERS_MAX];
    struct pt_epoch epoch;
    atomic_bool stopping;
    bool running;                     /* threads and timer: else nothing is sealed, opened or sent */
    bool reading;                     /* the device: the out threads run */
    uint64_t read_after_ns;           /* not reading: begin then at the latest, or when every peer has a session */
    struct pt_engine_counters before; /* what processes before this one counted */
    struct pt_worker out[PT_ENGINE_WORKERS_MAX], in[PT_ENGINE_WORKERS_MAX];

    struct pt_path *_Atomic *paths; /* by slot */
    struct pt_tunnel_session *_Atomic buckets[PT_SESSION_BUCKETS];
    struct pt_link *_Atomic link_table[PT_ENGINE_LINKS_MAX + 1]; /* by number */
    struct pt_link *links;
    struct pt_peer *peer_list;
    uint64_t left_until_ns; /* the last of those that left the configuration goes then; 0: there are none */
    unsigned turn;          /* among paths, for answers */
    struct pt_peers *peers;

    /* From the in threads to the loop: handshakes and control messages. */
    int mail_read, mail_write;
    struct pt_fd_watch *mail_watch;
    struct pt_timer *timer;
};

/* What an in thread hands to the loop: one datagram of a socket pair. */
struct pt_mail {
    uint32_t link;
    uint32_t label; /* of the peer whose session opened it; 0: a handshake, not authenticated */
    struct pt_endpoint from;
    uint16_t size;
    uint8_t message[256]; /* of a probe only the beginning; `size` says how long it was */
};

#define PT_COUNT(worker, member, n) \
    __atomic_store_n(&(worker)->counters.member, (worker)->counters.member + (n), __ATOMIC_RELAXED)

/* ---- tap.c ---------------------------------------------------------------------------------------------------- */
PT_MUST enum pt_code pt_tap_open(const char *device, int *fds, unsigned fds_len, uint32_t *ret_index,
                                 struct pt_error *reterr);

/* ---- link.c --------------------------------------------------------------------------------------------------- */
PT_MUST enum pt_code pt_link_open(struct pt_engine *engine, const struct pt_engine_link *config, uint16_t port,
                                  struct pt_link **ret_link, struct pt_error *reterr);
/* The same with sockets that another process had; takes them in any case. False when they are not all there. */
struct pt_link_fds {
    int in[PT_ENGINE_WORKERS_MAX], out[PT_ENGINE_WORKERS_MAX], stacked[PT_ENGINE_WORKERS_MAX];
};
bool pt_link_adopt(struct pt_engine *engine, const struct pt_engine_link *config, uint16_t port,
                   const struct pt_link_fds *fds);
void pt_link_watch(struct pt_link *link, const struct pt_worker *worker); /* an in worker that just got its epoll */
void pt_link_close(struct pt_link *link); /* out of the threads' sight; freed when they let go */
void pt_target_set(struct pt_target *target, const struct pt_endpoint *endpoint);

/* ---- session.c ------------------------------------------------------------------------------------------------ */
extern const struct pt_peers_ops pt_engine_peers_ops;
struct pt_tunnel_session *pt_session_find(struct pt_engine *engine, uint32_t index);
/* Seal one packet: `out` takes PT_TUNNEL_OVERHEAD + size bytes. False when the stream's numbers are used up. */
bool pt_session_seal(struct pt_tunnel_session *session, unsigned thread, const struct pt_tunnel_data *data,
                     const uint8_t *plain, size_t size, uint8_t *out);
/* Open one message into `out` (size - PT_TUNNEL_OVERHEAD bytes). PT_ENGINE_DROPS_LEN: it opened, and is no replay. */
enum pt_engine_drop pt_session_open(struct pt_tunnel_session *session, unsigned thread,
                                    const struct pt_tunnel_data *data, const uint8_t *message, size_t size,
                                    uint8_t *out);

void pt_session_note_streams(struct pt_engine *engine);

/* ---- engine_state.c ------------------------------------------------------------------------------------------- */
/* Takes the device's queues and their number out of what is adopted. False when they are not there. */
bool pt_engine_adopt_device(struct pt_engine *engine);
/* The rest: links, paths, peers, sessions. */
void pt_engine_adopt(struct pt_engine *engine);

/* ---- out.c, in.c: the threads --------------------------------------------------------------------------------- */
void *pt_engine_out_run(void *worker);
void *pt_engine_in_run(void *worker);

/* ---- control.c: what the loop sends and hears by sessions ----------------------------------------------------- */
void pt_control_tick(struct pt_engine *engine, uint64_t now_ns);
void pt_control_take(struct pt_engine *engine, const struct pt_mail *mail, uint64_t now_ns);
/* A handshake message, by `via` or by the attempt's turn among the peer's paths. */
void pt_control_send(struct pt_engine *engine, uint32_t label, const struct pt_tunnel_via *via, const uint8_t *message,
                     size_t size);
