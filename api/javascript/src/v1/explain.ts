/**
 * Why traffic went where it went, answered from what the edges recorded when they decided. Generated from the schema
 * by api/tools/generate; do not edit.
 */

import type { TrafficClass } from "./common.js";
import type { Evidence } from "./inspection.js";
import type { MoveMode, SimulatedPath, SimulatedPathInit, SimulatedVerdict } from "./policy.js";

/** Request of ExplainFlow. */
export interface ExplainFlowRequest {
  /** The organization. Name of a organization. */
  parent: string;
  /** Source address, as the site's own hosts have it. */
  source: string;
  /** Destination address. */
  destination: string;
  /** IP protocol; 6 is TCP, 17 UDP. From 0 to 255. */
  protocol: number;
  /** Source port; 0 of protocols that have none. From 0 to 65535. */
  sourcePort: number;
  /** Destination port; 0 of protocols that have none. From 0 to 65535. */
  destinationPort: number;
  /** Site where the flow enters; empty: the one with the source's prefix. Name of a site. */
  site: string;
  /** Its segment; empty: the one with the source's prefix. Name of a segment. */
  segment: string;
  /** When; unset means now. */
  time?: Date;
}

/** What a program says of a ExplainFlowRequest. */
export interface ExplainFlowRequestInit {
  /** The organization. Name of a organization. */
  parent: string;
  /** Source address, as the site's own hosts have it. */
  source: string;
  /** Destination address. */
  destination: string;
  /** IP protocol; 6 is TCP, 17 UDP. From 0 to 255. */
  protocol?: number;
  /** Source port; 0 of protocols that have none. From 0 to 65535. */
  sourcePort?: number;
  /** Destination port; 0 of protocols that have none. From 0 to 65535. */
  destinationPort?: number;
  /** Site where the flow enters; empty: the one with the source's prefix. Name of a site. */
  site?: string;
  /** Its segment; empty: the one with the source's prefix. Name of a segment. */
  segment?: string;
  /** When; unset means now. */
  time?: Date;
}

/** An earlier decision about the same flow. */
export interface FlowDecision {
  /** When. */
  time?: Date;
  /** What became of it. */
  verdict: SimulatedVerdict;
  /** The drop reason; empty unless dropped. */
  reason: string;
  /** Path that it took. */
  path: string;
  /** Its first link. */
  link: string;
  /** Log index of the configuration then. */
  revision: bigint;
}

/** What a program says of a FlowDecision. */
export interface FlowDecisionInit {
  /** When. */
  time?: Date;
  /** What became of it. */
  verdict?: SimulatedVerdict;
  /** The drop reason; empty unless dropped. */
  reason?: string;
  /** Path that it took. */
  path?: string;
  /** Its first link. */
  link?: string;
  /** Log index of the configuration then. */
  revision?: bigint | number;
}

/** Under what a flow's packets are sent on. */
export interface FlowTranslation {
  /** Source address that they have then; empty: their own. */
  source: string;
  /** Source port, or id of an ICMP query; 0: their own. */
  sourcePort: number;
  /**
   * Link whose address that is; of what comes in by a port forward or for a mapping, the link that it comes by.
   * Empty: none's.
   */
  link: string;
  /** Segment that they go on in; empty: their own. */
  segment: string;
  /** Destination address that they have then; empty: their own. */
  destination: string;
  /** Destination port; 0: their own. */
  destinationPort: number;
}

/** What a program says of a FlowTranslation. */
export interface FlowTranslationInit {
  /** Source address that they have then; empty: their own. */
  source?: string;
  /** Source port, or id of an ICMP query; 0: their own. */
  sourcePort?: number;
  /**
   * Link whose address that is; of what comes in by a port forward or for a mapping, the link that it comes by.
   * Empty: none's.
   */
  link?: string;
  /** Segment that they go on in; empty: their own. */
  segment?: string;
  /** Destination address that they have then; empty: their own. */
  destination?: string;
  /** Destination port; 0: their own. */
  destinationPort?: number;
}

/** Response of ExplainFlow: the decision that was in force at that time. */
export interface ExplainFlowResponse {
  /** Site where it enters. */
  site: string;
  /** Segment. */
  segment: string;
  /** Edge that answered. */
  edge: string;
  /** The flow is under way: its entry stands in the edge's table. */
  present: boolean;
  /** When it was decided, by the edge's clock. */
  decideTime?: Date;
  /** Its last packet, by the edge's clock; unset when the flow is gone. */
  lastPacketTime?: Date;
  /** Packets so far, while it is under way. */
  packets: bigint;
  /** Bytes so far. */
  bytes: bigint;
  /** What became of it. */
  verdict: SimulatedVerdict;
  /** The drop reason, as in metrics. */
  reason: string;
  /** What it means. */
  reasonText: string;
  /** Where it went. */
  destinationSite: string;
  /** Steering policy whose rule decided; empty: none did. */
  steeringPolicy: string;
  /** Place of the rule in it, from 0. */
  rule: number;
  /** Number of the rule in its segment, as the flow's entry has it; 0: none. */
  ruleId: number;
  /** Log index of that policy then. */
  ruleRevision: bigint;
  /** Log index of the configuration in force then. */
  revision: bigint;
  /** Raft term of the bundle in force then. */
  bundleTerm: bigint;
  /** Its generation within the term. */
  bundleGeneration: bigint;
  /** Epoch of traffic engineering then. */
  teEpoch: bigint;
  /** What the traffic is for: the class of its application, or else that of its DSCP. */
  trafficClass: TrafficClass;
  /** DSCP of the packet that was decided. */
  dscp: number;
  /** Number of the application that was recognised; 0: none was. */
  applicationId: number;
  /** How sure that is, percent. */
  applicationConfidence: number;
  /** Index of its translation of addresses on the edge; 0: not translated. */
  natIndex: number;
  /** The rule's profile. */
  slaProfile: string;
  /** How flows under way follow a new choice. */
  moveMode: MoveMode;
  /** It has changed its path since it began. */
  moved: boolean;
  /** Its packets are sealed. */
  sealed: boolean;
  /** Candidates as they were then, with what was measured then. */
  paths: SimulatedPath[];
  /** When that was, by the edge's clock. */
  measureTime?: Date;
  /** What would change where it goes. */
  changes: string[];
  /** Decisions before this one, newest first. */
  earlier: FlowDecision[];
  /** Its translation of addresses, in words; unset: not translated, or from an edge that does not say. */
  translation?: FlowTranslation;
  /**
   * Name of the application: of an Application, or of a signature; empty: none was recognised, or it is gone since.
   */
  applicationName: string;
  /** By what it was recognised. */
  applicationEvidence: Evidence;
  /**
   * Firewall policy whose rule refused it, or let it pass where no steering rule matched; `rule` is its place there.
   */
  firewallPolicy: string;
}

/** What a program says of a ExplainFlowResponse. */
export interface ExplainFlowResponseInit {
  /** Site where it enters. */
  site?: string;
  /** Segment. */
  segment?: string;
  /** Edge that answered. */
  edge?: string;
  /** The flow is under way: its entry stands in the edge's table. */
  present?: boolean;
  /** When it was decided, by the edge's clock. */
  decideTime?: Date;
  /** Its last packet, by the edge's clock; unset when the flow is gone. */
  lastPacketTime?: Date;
  /** Packets so far, while it is under way. */
  packets?: bigint | number;
  /** Bytes so far. */
  bytes?: bigint | number;
  /** What became of it. */
  verdict?: SimulatedVerdict;
  /** The drop reason, as in metrics. */
  reason?: string;
  /** What it means. */
  reasonText?: string;
  /** Where it went. */
  destinationSite?: string;
  /** Steering policy whose rule decided; empty: none did. */
  steeringPolicy?: string;
  /** Place of the rule in it, from 0. */
  rule?: number;
  /** Number of the rule in its segment, as the flow's entry has it; 0: none. */
  ruleId?: number;
  /** Log index of that policy then. */
  ruleRevision?: bigint | number;
  /** Log index of the configuration in force then. */
  revision?: bigint | number;
  /** Raft term of the bundle in force then. */
  bundleTerm?: bigint | number;
  /** Its generation within the term. */
  bundleGeneration?: bigint | number;
  /** Epoch of traffic engineering then. */
  teEpoch?: bigint | number;
  /** What the traffic is for: the class of its application, or else that of its DSCP. */
  trafficClass?: TrafficClass;
  /** DSCP of the packet that was decided. */
  dscp?: number;
  /** Number of the application that was recognised; 0: none was. */
  applicationId?: number;
  /** How sure that is, percent. */
  applicationConfidence?: number;
  /** Index of its translation of addresses on the edge; 0: not translated. */
  natIndex?: number;
  /** The rule's profile. */
  slaProfile?: string;
  /** How flows under way follow a new choice. */
  moveMode?: MoveMode;
  /** It has changed its path since it began. */
  moved?: boolean;
  /** Its packets are sealed. */
  sealed?: boolean;
  /** Candidates as they were then, with what was measured then. */
  paths?: readonly SimulatedPathInit[];
  /** When that was, by the edge's clock. */
  measureTime?: Date;
  /** What would change where it goes. */
  changes?: readonly string[];
  /** Decisions before this one, newest first. */
  earlier?: readonly FlowDecisionInit[];
  /** Its translation of addresses, in words; unset: not translated, or from an edge that does not say. */
  translation?: FlowTranslationInit;
  /**
   * Name of the application: of an Application, or of a signature; empty: none was recognised, or it is gone since.
   */
  applicationName?: string;
  /** By what it was recognised. */
  applicationEvidence?: Evidence;
  /**
   * Firewall policy whose rule refused it, or let it pass where no steering rule matched; `rule` is its place there.
   */
  firewallPolicy?: string;
}

/** Request of ExplainDrop. */
export interface ExplainDropRequest {
  /** The organization. Name of a organization. */
  parent: string;
  /** One site; empty: all. Name of a site. */
  site: string;
  /** One reason, as in metrics; empty: all that occurred. */
  reason: string;
}

/** What a program says of a ExplainDropRequest. */
export interface ExplainDropRequestInit {
  /** The organization. Name of a organization. */
  parent: string;
  /** One site; empty: all. Name of a site. */
  site?: string;
  /** One reason, as in metrics; empty: all that occurred. */
  reason?: string;
}

/** A packet that was dropped. */
export interface DroppedPacket {
  /** When, by the edge's clock. */
  time?: Date;
  /** Source address. */
  source: string;
  /** Source port. */
  sourcePort: number;
  /** Destination address. */
  destination: string;
  /** Destination port. */
  destinationPort: number;
  /** IP protocol. */
  protocol: number;
  /** Segment. */
  segment: string;
  /** Policy and place of the rule that denied it, if one did. */
  rule: string;
}

/** What a program says of a DroppedPacket. */
export interface DroppedPacketInit {
  /** When, by the edge's clock. */
  time?: Date;
  /** Source address. */
  source?: string;
  /** Source port. */
  sourcePort?: number;
  /** Destination address. */
  destination?: string;
  /** Destination port. */
  destinationPort?: number;
  /** IP protocol. */
  protocol?: number;
  /** Segment. */
  segment?: string;
  /** Policy and place of the rule that denied it, if one did. */
  rule?: string;
}

/** Packets that a site dropped for one reason. */
export interface DropExplanation {
  /** Site. */
  site: string;
  /** The reason, as in metrics. */
  reason: string;
  /** What it means. */
  text: string;
  /** What to do about it. */
  remedy: string;
  /** Packets since the edge's programs were loaded. */
  packets: bigint;
  /** Packets in the last minute or so, as its edge reported. */
  recentPackets: bigint;
  /** Some of the last ones. */
  samples: DroppedPacket[];
}

/** What a program says of a DropExplanation. */
export interface DropExplanationInit {
  /** Site. */
  site?: string;
  /** The reason, as in metrics. */
  reason?: string;
  /** What it means. */
  text?: string;
  /** What to do about it. */
  remedy?: string;
  /** Packets since the edge's programs were loaded. */
  packets?: bigint | number;
  /** Packets in the last minute or so, as its edge reported. */
  recentPackets?: bigint | number;
  /** Some of the last ones. */
  samples?: readonly DroppedPacketInit[];
}

/** Response of ExplainDrop. */
export interface ExplainDropResponse {
  /** By site, the reasons with most packets of late first. */
  drops: DropExplanation[];
}

/** What a program says of a ExplainDropResponse. */
export interface ExplainDropResponseInit {
  /** By site, the reasons with most packets of late first. */
  drops?: readonly DropExplanationInit[];
}
