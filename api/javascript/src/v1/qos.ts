/**
 * Classes of traffic: what a WAN link gives to each when not everything fits. Generated from the schema by
 * api/tools/generate; do not edit.
 */

import type { Resource } from "../collection.js";
import type { Condition, TrafficClass } from "./common.js";

/** What one class of traffic gets on a link. */
export interface QosClass {
  /** The class. */
  trafficClass: TrafficClass;
  /**
   * REALTIME is served before all others, and this is the most that it may take of the link; for the others it is the
   * least that they get when they ask for it. What nobody uses is shared in the same proportion. From 1 to 100 %.
   */
  percent: number;
  /**
   * DSCP code points, 0..63, that belong to the class; empty: those that RFC 4594 gives it. A code point may stand in
   * one class only; CS6 and CS7 are network control, which has a queue for itself; of hosts, INTERACTIVE. From 0 to
   * 63. The order carries no meaning.
   */
  dscps: number[];
  /**
   * DSCP that its packets carry on the underlay; unset: as they came. The host's packet arrives as it was sent. From
   * 0 to 63.
   */
  dscpOut?: number;
  /**
   * Most that may wait, as time that it takes at the link's rate (REALTIME: at its own); unset: 50 ms, REALTIME 20
   * ms. From 0 to 2000 ms.
   */
  queueMs: number;
}

/** What a program says of a QosClass. */
export interface QosClassInit {
  /** The class. */
  trafficClass: TrafficClass;
  /**
   * REALTIME is served before all others, and this is the most that it may take of the link; for the others it is the
   * least that they get when they ask for it. What nobody uses is shared in the same proportion. From 1 to 100 %.
   */
  percent: number;
  /**
   * DSCP code points, 0..63, that belong to the class; empty: those that RFC 4594 gives it. A code point may stand in
   * one class only; CS6 and CS7 are network control, which has a queue for itself; of hosts, INTERACTIVE. From 0 to
   * 63. The order carries no meaning.
   */
  dscps?: readonly number[];
  /**
   * DSCP that its packets carry on the underlay; unset: as they came. The host's packet arrives as it was sent. From
   * 0 to 63.
   */
  dscpOut?: number;
  /**
   * Most that may wait, as time that it takes at the link's rate (REALTIME: at its own); unset: 50 ms, REALTIME 20
   * ms. From 0 to 2000 ms.
   */
  queueMs?: number;
}

/** What one class of traffic does on a link now. */
export interface LinkClass {
  /** The class; unspecified for network control. */
  readonly trafficClass: TrafficClass;
  /** Rate of the last second, bit/s, Ethernet frames. */
  readonly rateBps: bigint;
  /** What the class is promised, bit/s: for REALTIME its bound, for others the least. */
  readonly promisedBps: bigint;
  /** Bytes that wait. */
  readonly backlogBytes: number;
  /** Packets that wait. */
  readonly backlogPackets: number;
  /** How long what waits takes at the rate that the class has, microseconds. */
  readonly delayUs: number;
  /** Packets dropped since the link is shaped, because too many waited. */
  readonly drops: bigint;
  /** Packets sent since then. */
  readonly packets: bigint;
  /** Bytes sent since then. */
  readonly bytes: bigint;
}

/** What a program says of a LinkClass. */
export type LinkClassInit = Record<string, never>;

/** How the traffic of a WAN link is divided among classes, when the link is full. A link names its profile. */
export interface QosProfile extends Resource {
  /** Resource name: organizations/{organization}/qosProfiles/{qos_profile}. Assigned from the parent and the id. */
  name: string;
  /** Unique for ever, also across deletion and re-creation of the same name. */
  readonly uid: string;
  /** Digest of the user's fields; send it back in Update or Delete to detect a concurrent change (AIP-154). */
  readonly etag: string;
  /** Log index of the last change of a user's field. */
  readonly revision: bigint;
  /** When the resource was created, by the leader's clock. */
  readonly createTime?: Date;
  /** When a user's field last changed, by the leader's clock. */
  readonly updateTime?: Date;
  /** Short key-value pairs for selection by filters. */
  labels: Record<string, string>;
  /** Free key-value pairs that the system does not read. */
  annotations: Record<string, string>;
  /** A name for people. */
  displayName: string;
  /** True while nodes have not yet reached the declared state. */
  readonly reconciling: boolean;
  /** Health, aspect by aspect. */
  readonly conditions: Condition[];
  /** Newest revision that every node concerned has applied. */
  readonly observedRevision: bigint;
  /**
   * What each class gets; at most one entry a class, and together at most 100 percent. Packets of a class that has no
   * entry go with STANDARD; without an entry of its own STANDARD has what the others leave, and they must leave some.
   */
  classes: QosClass[];
}

/** What a program says of a QosProfile. */
export interface QosProfileInit {
  /** Resource name: organizations/{organization}/qosProfiles/{qos_profile}. Assigned from the parent and the id. */
  name: string;
  /** Short key-value pairs for selection by filters. */
  labels?: Record<string, string>;
  /** Free key-value pairs that the system does not read. */
  annotations?: Record<string, string>;
  /** A name for people. */
  displayName?: string;
  /**
   * What each class gets; at most one entry a class, and together at most 100 percent. Packets of a class that has no
   * entry go with STANDARD; without an entry of its own STANDARD has what the others leave, and they must leave some.
   */
  classes: readonly QosClassInit[];
}

/** Fields of QosProfile that can be changed. */
export type QosProfileFields = Omit<QosProfileInit, "name">;

/** How much a tenant, or a site towards another, may send. Judged where hosts send, after rules. */
export interface RateLimit extends Resource {
  /** Resource name: organizations/{organization}/rateLimits/{rate_limit}. Assigned from the parent and the id. */
  name: string;
  /** Unique for ever, also across deletion and re-creation of the same name. */
  readonly uid: string;
  /** Digest of the user's fields; send it back in Update or Delete to detect a concurrent change (AIP-154). */
  readonly etag: string;
  /** Log index of the last change of a user's field. */
  readonly revision: bigint;
  /** When the resource was created, by the leader's clock. */
  readonly createTime?: Date;
  /** When a user's field last changed, by the leader's clock. */
  readonly updateTime?: Date;
  /** Short key-value pairs for selection by filters. */
  labels: Record<string, string>;
  /** Free key-value pairs that the system does not read. */
  annotations: Record<string, string>;
  /** A name for people. */
  displayName: string;
  /** True while nodes have not yet reached the declared state. */
  readonly reconciling: boolean;
  /** Health, aspect by aspect. */
  readonly conditions: Condition[];
  /** Newest revision that every node concerned has applied. */
  readonly observedRevision: bigint;
  /** Segment; empty means all of the organization together. Name of a segment. */
  segment: string;
  /**
   * Sites where it applies, each with the whole rate; empty means all. Name of a site. The order carries no meaning.
   */
  sites: string[];
  /** Only what goes to this site; empty means everything. Name of a site. */
  peerSite: string;
  /** Rate, IP packets. From 10000 to 400000000000 bit/s. */
  rateBps: bigint;
  /** How much may come at once, as time that it takes at the rate; 0 means 50. From 0 to 10000 ms. */
  burstMs: number;
  /** Not in force when true. */
  disabled: boolean;
}

/** What a program says of a RateLimit. */
export interface RateLimitInit {
  /** Resource name: organizations/{organization}/rateLimits/{rate_limit}. Assigned from the parent and the id. */
  name: string;
  /** Short key-value pairs for selection by filters. */
  labels?: Record<string, string>;
  /** Free key-value pairs that the system does not read. */
  annotations?: Record<string, string>;
  /** A name for people. */
  displayName?: string;
  /** Segment; empty means all of the organization together. Name of a segment. */
  segment?: string;
  /**
   * Sites where it applies, each with the whole rate; empty means all. Name of a site. The order carries no meaning.
   */
  sites?: readonly string[];
  /** Only what goes to this site; empty means everything. Name of a site. */
  peerSite?: string;
  /** Rate, IP packets. From 10000 to 400000000000 bit/s. */
  rateBps: bigint | number;
  /** How much may come at once, as time that it takes at the rate; 0 means 50. From 0 to 10000 ms. */
  burstMs?: number;
  /** Not in force when true. */
  disabled?: boolean;
}

/** Fields of RateLimit that can be changed. */
export type RateLimitFields = Omit<RateLimitInit, "name">;
