/*
 * What the files of diagnose*.c share: a diagnostic that runs. Private to the folder.
 */
#pragma once

#include "agent/agent_priv.h"
#include "agent/echo.h"
#include "agent/wires.h"
#include "base/list.h"

struct pt_diagnostic;

/* A kind of diagnostic. */
struct pt_diagnostic_type {
    /* Read the order, open what is needed, start the timer. What it fails with is told the caller. */
    enum pt_code (*begin)(struct pt_diagnostic *diagnostic, const Patronus__V1__DiagnosticOrder *order,
                          struct pt_error *reterr);
    void (*on_timer)(struct pt_diagnostic *diagnostic);
    void (*end)(struct pt_diagnostic *diagnostic); /* free what begin made; may be NULL */
};

#define PT_DIAGNOSTIC_PROBES_MAX 1000U

/* An echo on its way. */
struct pt_diagnostic_echo {
    int64_t sent_ns; /* wall clock; 0: not sent */
    bool over;       /* answered, or given up */
};

struct pt_diagnostic_echoes { /* diagnose_echo.c: ping and traceroute */
    struct pt_ip source, destination;
    bool around; /* else the destination is a host of the wire */
    bool reached;
    uint16_t id, payload_size;
    uint8_t dscp;
    uint32_t vni;
    uint32_t count, interval_ms, timeout_ms; /* count: of a ping; to each hop of a traceroute */
    uint32_t hop, hops_max;                  /* of a traceroute */
    uint32_t sent, received, over;
    uint64_t next_ns; /* when the next is sent */
    struct pt_diagnostic_echo *list;
};

struct pt_diagnostic_capture { /* diagnose_capture.c */
    struct pt_frame_match match;
    struct pt_buf pcap; /* not told yet */
    uint64_t packets, packets_max, size, size_max, lost;
    uint64_t end_ns;
    uint32_t snap_size;
    const char *end_reason; /* NULL: it goes on */
};

struct pt_diagnostic_path { /* diagnose_path.c */
    uint64_t id;
    uint32_t sequence, count;
};

struct pt_diagnostic {
    struct pt_list node; /* agent->diagnostics */
    struct pt_agent *agent;
    const struct pt_diagnostic_type *type;
    uint64_t id; /* of the question */
    bool over;   /* the last was told: freed by the timer, because a callback of the wire's may be under way */
    struct pt_timer *timer;
    struct pt_wire *wire; /* NULL: it needs none */
    union {
        struct pt_diagnostic_echoes echoes;
        struct pt_diagnostic_capture capture;
        struct pt_diagnostic_path path;
    };
};

extern const struct pt_diagnostic_type pt_diagnostic_ping, pt_diagnostic_traceroute; /* diagnose_echo.c */
extern const struct pt_diagnostic_type pt_diagnostic_capture;                        /* diagnose_capture.c */
extern const struct pt_diagnostic_type pt_diagnostic_path;                           /* diagnose_path.c */

/* Tell the leader; last: nothing follows, and the diagnostic ends. */
void pt_diagnostic_tell(struct pt_diagnostic *diagnostic, Patronus__V1__DiagnosticReport *report, bool last);
void pt_diagnostic_fail(struct pt_diagnostic *diagnostic, const struct pt_error *error);
/* Open the wire of a segment that suits the destination (NULL: any of the segment's). ret_local (may be NULL): the
 * destination is a host of that wire. */
PT_MUST enum pt_code pt_diagnostic_open(struct pt_diagnostic *diagnostic, uint32_t vni, const struct pt_ip *destination,
                                        const struct pt_wire_options *options, bool *ret_local,
                                        struct pt_error *reterr);
/* The value, or the default when it is 0; between the two bounds. */
uint32_t pt_diagnostic_bound(uint32_t value, uint32_t otherwise, uint32_t least, uint32_t most);
