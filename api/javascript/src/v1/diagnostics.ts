/**
 * Diagnostics: what an edge finds out because somebody asks, reply by reply, and what is probably wrong at a site.
 * Ping and Traceroute send packets into a segment as a host behind the edge would: rules, route, path and seal are
 * those of traffic. Capture shows what passes on the site's wires of one segment. ProbePath tells what the probes of
 * a path measure. Each call is recorded in the audit log before the edge is asked. Generated from the schema by
 * api/tools/generate; do not edit.
 */

/**
 * What is probably wrong. DIAGNOSIS_CAUSE_UNSPECIFIED: Nothing; CAUSE_EDGE_NEVER_JOINED: No edge stands at the site,
 * or it never joined; CAUSE_EDGE_NOT_CONNECTED: The edge has no stream to the leader; CAUSE_CERTIFICATE_EXPIRING: Its
 * certificate ends soon and was not renewed; CAUSE_BUNDLE_REFUSED: It refused its newest bundle; CAUSE_BUNDLE_BEHIND:
 * It does not have the newest bundle; CAUSE_CLOCK_OFF: Its clock is not the leader's; CAUSE_LINK_DOWN: Nothing lives
 * over a link of the site; CAUSE_SITE_UNREACHABLE: No path to another site lives; CAUSE_PATH_DOWN: A path's session
 * of liveness (BFD) is down; others carry; CAUSE_SLA_BROKEN: A path breaks an SLA profile; CAUSE_LOSS_HIGH: A path
 * loses packets; CAUSE_DELAY_HIGH: A path takes long; CAUSE_MTU_REDUCED: A path carries smaller packets than is
 * configured; CAUSE_LINK_SATURATED: A link is full: packets wait; CAUSE_POLICY_DENIES: Rules of policies or the
 * firewall drop packets; CAUSE_DROPS_RISING: Packets are dropped for another reason; CAUSE_DRAINED: The site, or a
 * link, is drained; CAUSE_PORTS_EXHAUSTED: A link has no port left, or few, for hosts that leave by it.
 */
export type DiagnosisCause = | "DIAGNOSIS_CAUSE_UNSPECIFIED" | "CAUSE_EDGE_NEVER_JOINED" | "CAUSE_EDGE_NOT_CONNECTED" | "CAUSE_CERTIFICATE_EXPIRING" | "CAUSE_BUNDLE_REFUSED" | "CAUSE_BUNDLE_BEHIND" | "CAUSE_CLOCK_OFF" | "CAUSE_LINK_DOWN" | "CAUSE_SITE_UNREACHABLE" | "CAUSE_PATH_DOWN" | "CAUSE_SLA_BROKEN" | "CAUSE_LOSS_HIGH" | "CAUSE_DELAY_HIGH" | "CAUSE_MTU_REDUCED" | "CAUSE_LINK_SATURATED" | "CAUSE_POLICY_DENIES" | "CAUSE_DROPS_RISING" | "CAUSE_DRAINED" | "CAUSE_PORTS_EXHAUSTED" | `UNRECOGNIZED_${number}`;

/**
 * How much a finding matters. DIAGNOSIS_SEVERITY_UNSPECIFIED: Not said; DIAGNOSIS_NOTE: Worth knowing;
 * DIAGNOSIS_WARNING: Traffic suffers, or will; DIAGNOSIS_CRITICAL: Traffic does not flow.
 */
export type DiagnosisSeverity = | "DIAGNOSIS_SEVERITY_UNSPECIFIED" | "DIAGNOSIS_NOTE" | "DIAGNOSIS_WARNING" | "DIAGNOSIS_CRITICAL" | `UNRECOGNIZED_${number}`;

/** Request of Ping. */
export interface PingRequest {
  /** The edge that sends. Name of a edge. */
  edge: string;
  /** Address to reach. */
  destination: string;
  /** Segment to send in; empty: the only one of the edge's. Name of a segment. */
  segment: string;
  /** How many: 1..1000; 0 means 5. From 0 to 1000. */
  count: number;
  /** From one to the next, milliseconds: 100..10000; 0 means 1000. From 0 to 10000 millisecond. */
  intervalMs: number;
  /** Bytes behind the ICMP header: 16..1400; 0 means 56. From 0 to 1400 byte. */
  payloadSize: number;
  /** How long an answer is waited for, milliseconds: 100..10000; 0 means 1000. From 0 to 10000 millisecond. */
  timeoutMs: number;
  /** DSCP of the packets: decides class and rules as that of traffic does. From 0 to 63. */
  dscp: number;
}

/** What a program says of a PingRequest. */
export interface PingRequestInit {
  /** The edge that sends. Name of a edge. */
  edge: string;
  /** Address to reach. */
  destination: string;
  /** Segment to send in; empty: the only one of the edge's. Name of a segment. */
  segment?: string;
  /** How many: 1..1000; 0 means 5. From 0 to 1000. */
  count?: number;
  /** From one to the next, milliseconds: 100..10000; 0 means 1000. From 0 to 10000 millisecond. */
  intervalMs?: number;
  /** Bytes behind the ICMP header: 16..1400; 0 means 56. From 0 to 1400 byte. */
  payloadSize?: number;
  /** How long an answer is waited for, milliseconds: 100..10000; 0 means 1000. From 0 to 10000 millisecond. */
  timeoutMs?: number;
  /** DSCP of the packets: decides class and rules as that of traffic does. From 0 to 63. */
  dscp?: number;
}

/** One echo, answered or given up. */
export interface PingResponse {
  /** Number of the echo, from 1. */
  sequence: number;
  /** The destination answered. */
  answered: boolean;
  /** Round trip, microseconds. */
  rttUs: number;
  /** Time to live, or hop limit, that the answer came with. */
  ttl: number;
  /** Who answered, or sent the error; empty: nobody. */
  responder: string;
  /** What an error says, for example "host unreachable"; empty: there was none. */
  error: string;
  /** Address that it was sent from: the edge's own in the segment. */
  source: string;
  /** Echoes sent so far. */
  sent: number;
  /** Of these answered. */
  received: number;
}

/** What a program says of a PingResponse. */
export interface PingResponseInit {
  /** Number of the echo, from 1. */
  sequence?: number;
  /** The destination answered. */
  answered?: boolean;
  /** Round trip, microseconds. */
  rttUs?: number;
  /** Time to live, or hop limit, that the answer came with. */
  ttl?: number;
  /** Who answered, or sent the error; empty: nobody. */
  responder?: string;
  /** What an error says, for example "host unreachable"; empty: there was none. */
  error?: string;
  /** Address that it was sent from: the edge's own in the segment. */
  source?: string;
  /** Echoes sent so far. */
  sent?: number;
  /** Of these answered. */
  received?: number;
}

/** Request of Traceroute. */
export interface TracerouteRequest {
  /** The edge that sends. Name of a edge. */
  edge: string;
  /** Address to reach. */
  destination: string;
  /** Segment to send in; empty: the only one of the edge's. Name of a segment. */
  segment: string;
  /** Hops to look at: 1..64; 0 means 30. From 0 to 64. */
  maxHops: number;
  /** Packets to each hop: 1..5; 0 means 3. From 0 to 5. */
  probes: number;
  /** How long an answer is waited for, milliseconds: 100..5000; 0 means 1000. From 0 to 5000 millisecond. */
  timeoutMs: number;
  /** DSCP of the packets. From 0 to 63. */
  dscp: number;
}

/** What a program says of a TracerouteRequest. */
export interface TracerouteRequestInit {
  /** The edge that sends. Name of a edge. */
  edge: string;
  /** Address to reach. */
  destination: string;
  /** Segment to send in; empty: the only one of the edge's. Name of a segment. */
  segment?: string;
  /** Hops to look at: 1..64; 0 means 30. From 0 to 64. */
  maxHops?: number;
  /** Packets to each hop: 1..5; 0 means 3. From 0 to 5. */
  probes?: number;
  /** How long an answer is waited for, milliseconds: 100..5000; 0 means 1000. From 0 to 5000 millisecond. */
  timeoutMs?: number;
  /** DSCP of the packets. From 0 to 63. */
  dscp?: number;
}

/** What one packet of a Traceroute met. */
export interface TracerouteResponse {
  /**
   * Hop, from 1: the edge itself. The way between two sites is one hop, whatever path the packet takes there: see
   * `path`.
   */
  hop: number;
  /** Number of the packet to this hop, from 1. */
  probe: number;
  /** Somebody answered. */
  answered: boolean;
  /** Who; empty: nobody. */
  responder: string;
  /** Round trip, microseconds. */
  rttUs: number;
  /** It was the destination. */
  reached: boolean;
  /** What an error other than "time exceeded" says; empty: there was none. */
  error: string;
  /** Path that the packet took to another site; empty: to none. */
  path: string;
}

/** What a program says of a TracerouteResponse. */
export interface TracerouteResponseInit {
  /**
   * Hop, from 1: the edge itself. The way between two sites is one hop, whatever path the packet takes there: see
   * `path`.
   */
  hop?: number;
  /** Number of the packet to this hop, from 1. */
  probe?: number;
  /** Somebody answered. */
  answered?: boolean;
  /** Who; empty: nobody. */
  responder?: string;
  /** Round trip, microseconds. */
  rttUs?: number;
  /** It was the destination. */
  reached?: boolean;
  /** What an error other than "time exceeded" says; empty: there was none. */
  error?: string;
  /** Path that the packet took to another site; empty: to none. */
  path?: string;
}

/** Request of Capture. */
export interface CaptureRequest {
  /** The edge. Name of a edge. */
  edge: string;
  /** The segment: only its wires at the edge's site are looked at. Name of a segment. */
  segment: string;
  /** Only packets from or to it; empty: any. */
  prefix: string;
  /** Only packets of this IP protocol; 0: any, and what is not IP. From 0 to 255. */
  protocol: number;
  /** Only packets from or to this port of TCP or UDP; 0: any. From 0 to 65535. */
  port: number;
  /** Bytes kept of each packet: 64..9000; 0 means 128. From 0 to 9000 byte. */
  snapSize: number;
  /** Packets after which it ends: 1..100000; 0 means 1000. From 0 to 100000. */
  maxPackets: number;
  /** Bytes of the capture file after which it ends: 1 KiB..16 MiB; 0 means 1 MiB. From 0 to 16777216 byte. */
  maxSize: number;
  /** Time after which it ends, milliseconds: 100..300000; 0 means 30000. From 0 to 300000 millisecond. */
  durationMs: number;
}

/** What a program says of a CaptureRequest. */
export interface CaptureRequestInit {
  /** The edge. Name of a edge. */
  edge: string;
  /** The segment: only its wires at the edge's site are looked at. Name of a segment. */
  segment: string;
  /** Only packets from or to it; empty: any. */
  prefix?: string;
  /** Only packets of this IP protocol; 0: any, and what is not IP. From 0 to 255. */
  protocol?: number;
  /** Only packets from or to this port of TCP or UDP; 0: any. From 0 to 65535. */
  port?: number;
  /** Bytes kept of each packet: 64..9000; 0 means 128. From 0 to 9000 byte. */
  snapSize?: number;
  /** Packets after which it ends: 1..100000; 0 means 1000. From 0 to 100000. */
  maxPackets?: number;
  /** Bytes of the capture file after which it ends: 1 KiB..16 MiB; 0 means 1 MiB. From 0 to 16777216 byte. */
  maxSize?: number;
  /** Time after which it ends, milliseconds: 100..300000; 0 means 30000. From 0 to 300000 millisecond. */
  durationMs?: number;
}

/** A piece of a capture. */
export interface CaptureResponse {
  /** The next bytes of a capture file (pcap, nanoseconds, Ethernet); all pieces together are one. */
  pcap: Uint8Array;
  /** Packets in all pieces so far. */
  packets: bigint;
  /** Packets that matched and are missing, because too many came at a time. */
  lost: bigint;
  /** Why it ends: "packets", "size" or "duration"; empty: it goes on. */
  endReason: string;
}

/** What a program says of a CaptureResponse. */
export interface CaptureResponseInit {
  /** The next bytes of a capture file (pcap, nanoseconds, Ethernet); all pieces together are one. */
  pcap?: Uint8Array;
  /** Packets in all pieces so far. */
  packets?: bigint | number;
  /** Packets that matched and are missing, because too many came at a time. */
  lost?: bigint | number;
  /** Why it ends: "packets", "size" or "duration"; empty: it goes on. */
  endReason?: string;
}

/** Request of ProbePath. */
export interface ProbePathRequest {
  /** Name of the Path. Name of a path. */
  name: string;
  /** Readings: 1..600; 0 means 10. From 0 to 600. */
  count: number;
  /** From one to the next, milliseconds: 100..60000; 0 means 1000. From 0 to 60000 millisecond. */
  intervalMs: number;
}

/** What a program says of a ProbePathRequest. */
export interface ProbePathRequestInit {
  /** Name of the Path. Name of a path. */
  name: string;
  /** Readings: 1..600; 0 means 10. From 0 to 600. */
  count?: number;
  /** From one to the next, milliseconds: 100..60000; 0 means 1000. From 0 to 60000 millisecond. */
  intervalMs?: number;
}

/** What a path is like now. */
export interface ProbePathResponse {
  /** Number of the reading, from 1. */
  sequence: number;
  /** Its session of liveness is up. */
  alive: boolean;
  /** Probes measure it; false: what follows is of hellos only, or not known. */
  measured: boolean;
  /** Round trip, microseconds. */
  rttUs: number;
  /** Smallest of the last seconds: what the way takes without queues. */
  minRttUs: number;
  /** Loss of the last ten seconds there, parts per million. */
  lossPpm: number;
  /** The same on the way back. */
  backLossPpm: number;
  /** One way there, microseconds; right as far as the clocks of both edges agree. */
  delayUs: number;
  /** The same on the way back. */
  backDelayUs: number;
  /** Jitter there, microseconds. */
  jitterUs: number;
  /** The same on the way back. */
  backJitterUs: number;
  /** Mean opinion score times 100; 0: not measured. */
  mos100: number;
  /** Largest inner packet that was seen to arrive through the seal; 0: not known, or a plain path. */
  mtu: number;
  /** Times that the session went down since the tunnel process began. */
  downs: bigint;
}

/** What a program says of a ProbePathResponse. */
export interface ProbePathResponseInit {
  /** Number of the reading, from 1. */
  sequence?: number;
  /** Its session of liveness is up. */
  alive?: boolean;
  /** Probes measure it; false: what follows is of hellos only, or not known. */
  measured?: boolean;
  /** Round trip, microseconds. */
  rttUs?: number;
  /** Smallest of the last seconds: what the way takes without queues. */
  minRttUs?: number;
  /** Loss of the last ten seconds there, parts per million. */
  lossPpm?: number;
  /** The same on the way back. */
  backLossPpm?: number;
  /** One way there, microseconds; right as far as the clocks of both edges agree. */
  delayUs?: number;
  /** The same on the way back. */
  backDelayUs?: number;
  /** Jitter there, microseconds. */
  jitterUs?: number;
  /** The same on the way back. */
  backJitterUs?: number;
  /** Mean opinion score times 100; 0: not measured. */
  mos100?: number;
  /** Largest inner packet that was seen to arrive through the seal; 0: not known, or a plain path. */
  mtu?: number;
  /** Times that the session went down since the tunnel process began. */
  downs?: bigint | number;
}

/** A probable cause. */
export interface DiagnosisFinding {
  /** What. */
  cause: DiagnosisCause;
  /** How much it matters. */
  severity: DiagnosisSeverity;
  /** How probably it is what hurts, of 1000: the order of the findings. */
  weight: number;
  /** The resource that it is about. */
  resource: string;
  /** In a sentence. */
  summary: string;
  /** What it is concluded from, with figures. */
  evidence: string[];
  /** What to do. */
  remedy: string;
}

/** What a program says of a DiagnosisFinding. */
export interface DiagnosisFindingInit {
  /** What. */
  cause?: DiagnosisCause;
  /** How much it matters. */
  severity?: DiagnosisSeverity;
  /** How probably it is what hurts, of 1000: the order of the findings. */
  weight?: number;
  /** The resource that it is about. */
  resource?: string;
  /** In a sentence. */
  summary?: string;
  /** What it is concluded from, with figures. */
  evidence?: readonly string[];
  /** What to do. */
  remedy?: string;
}

/** Request of DiagnoseSite. */
export interface DiagnoseSiteRequest {
  /** Name of the Site. Name of a site. */
  name: string;
}

/** What a program says of a DiagnoseSiteRequest. */
export interface DiagnoseSiteRequestInit {
  /** Name of the Site. Name of a site. */
  name: string;
}

/** Response of DiagnoseSite. */
export interface DiagnoseSiteResponse {
  /** Probable causes, the most probable first; none: nothing was found. */
  findings: DiagnosisFinding[];
  /** What was looked at, one line each. */
  checks: string[];
}

/** What a program says of a DiagnoseSiteResponse. */
export interface DiagnoseSiteResponseInit {
  /** Probable causes, the most probable first; none: nothing was found. */
  findings?: readonly DiagnosisFindingInit[];
  /** What was looked at, one line each. */
  checks?: readonly string[];
}
