/*
 * Packet inspection: what the programs copy for the agent, and what the agent has found out and tells the programs.
 *
 *    host's packet -> flow known?  yes: its entry says the application
 *                                  no:  the verdict that came before the entry, or the destination's name (DNS)
 *                        |
 *                        +-> one of the flow's first packets, below the rate: a copy into the ring -> agent -> verdict
 *
 * What is not copied is counted, never waited for: forwarding does not depend on inspection.
 */
#pragma once

#include "bpf/abi/address.h"

#define PT_SAMPLE_SIZE 1600U       /* bytes of a packet that are copied: a QUIC Initial or a ClientHello whole */
#define PT_SAMPLES_SIZE (2U << 20) /* of the ring */
#define PT_SAMPLE_PACKETS 16U      /* of a flow each way, that may be copied */
#define PT_SAMPLE_RATE 2000U       /* packets a second that are copied at most, if the agent does not say otherwise */
#define PT_SAMPLE_BURST_NS 250000000U /* may come at once: a quarter of a second's */
#define PT_HOSTS_MAX 65536U
#define PT_VERDICTS_MAX 16384U
#define PT_MARKS_MAX 128U

/* Direction of a sample. */
#define PT_SAMPLE_FROM_HOST 0
#define PT_SAMPLE_TO_HOST 1

struct pt_abi_sample {
    __u64 time_ns; /* monotonic */
    __u32 vni;
    __u16 size;   /* bytes copied, from the IP header on */
    __u8 towards; /* PT_SAMPLE_FROM_HOST or PT_SAMPLE_TO_HOST */
    __u8 reserved;
    __u8 data[PT_SAMPLE_SIZE];
};
_Static_assert(sizeof(struct pt_abi_sample) == 16 + PT_SAMPLE_SIZE, "abi");

/* key 0: how much is copied. */
struct pt_abi_inspect {
    __u64 ns_per_sample; /* 0: nothing is copied */
    __u64 until_ns;      /* the programs': as in struct pt_abi_meter */
};
_Static_assert(sizeof(struct pt_abi_inspect) == 16, "abi");

/* Counts, for each CPU. */
enum pt_abi_inspected {
    PT_INSPECTED_SAMPLED = 0,
    PT_INSPECTED_ABOVE_RATE = 1, /* not copied: too many a second */
    PT_INSPECTED_NO_ROOM = 2,    /* not copied: the agent does not keep up */
    PT_INSPECTED_HITS = 3,       /* flows that began with a known application */
    PT_INSPECTED_MISSES = 4,     /* flows that began with none */
    PT_INSPECTED_LEN = 8
};

/* What a destination is known to be for, from a DNS answer. Key: struct pt_abi_subject_key with its address. Also a
 * flow's verdict that came before the flow had an entry. */
struct pt_abi_known {
    __u32 application;  /* with the confidence, as in a flow entry */
    __u32 until;        /* units of PT_FLOW_TIME_SHIFT; not for verdicts */
    __u8 traffic_class; /* 0: by DSCP */
    __u8 reserved[3];
};
_Static_assert(sizeof(struct pt_abi_known) == 12, "abi");

/* Which rules of a segment an application satisfies: bit n is rule n. */
struct pt_abi_application_key {
    __u32 vni;
    __u32 application; /* low 24 bits */
};
_Static_assert(sizeof(struct pt_abi_application_key) == 8, "abi");

/* How a shaped link is told the class of a packet whose DSCP does not say it: by traffic class the DSCP of the outer
 * header; PT_MARK_NONE: as it came. Key: ifindex. */
#define PT_MARK_NONE 0xff
struct pt_abi_marks {
    __u8 dscp[8];
};
_Static_assert(sizeof(struct pt_abi_marks) == 8, "abi");
