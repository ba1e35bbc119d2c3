/**
 * What traffic is, what it needs and how it is steered. Generated from the schema by api/tools/generate; do not edit.
 */

import type { Resource } from "../collection.js";
import type { Condition, PortRange, PortRangeInit, TrafficClass, Transport } from "./common.js";

/**
 * How strongly a rule asks. PREFERENCE_UNSPECIFIED: Treated as AVAILABLE; REQUIRE: Only paths that fit; without one
 * the packet is dropped; PREFER: Paths that fit first, others when none is alive; AVOID: Paths that fit only when no
 * other is alive; AVAILABLE: Any path; DENY: No path: the packet is dropped and counted.
 */
export type Preference = | "PREFERENCE_UNSPECIFIED" | "REQUIRE" | "PREFER" | "AVOID" | "AVAILABLE" | "DENY" | `UNRECOGNIZED_${number}`;

/**
 * What becomes of flows that are under way when their path breaks the rule's SLA profile. A path that dies is left at
 * once in every mode, and so is one that REQUIRE does not allow any more. MOVE_MODE_UNSPECIFIED: Treated as NEW_ONLY;
 * NEW_ONLY: They stay; new flows take the better path. Nothing is reordered; GRACEFUL: They move when they pause for
 * 200 ms, or begin anew, so that nothing overtakes; FORCED: They move at once, also back to a better path. Packets
 * may be reordered.
 */
export type MoveMode = | "MOVE_MODE_UNSPECIFIED" | "NEW_ONLY" | "GRACEFUL" | "FORCED" | `UNRECOGNIZED_${number}`;

/**
 * A day of the week. DAY_OF_WEEK_UNSPECIFIED: Refused; MONDAY: Monday; TUESDAY: Tuesday; WEDNESDAY: Wednesday;
 * THURSDAY: Thursday; FRIDAY: Friday; SATURDAY: Saturday; SUNDAY: Sunday.
 */
export type DayOfWeek = | "DAY_OF_WEEK_UNSPECIFIED" | "MONDAY" | "TUESDAY" | "WEDNESDAY" | "THURSDAY" | "FRIDAY" | "SATURDAY" | "SUNDAY" | `UNRECOGNIZED_${number}`;

/**
 * How a path stands to the profile of a rule. SLA_STATE_UNSPECIFIED: The rule has no profile, or nothing is known of
 * the path; KEPT: It keeps it; HELD: It keeps it again, and waits until slow-up and dampening are over; BROKEN: It
 * breaks it.
 */
export type SlaState = | "SLA_STATE_UNSPECIFIED" | "KEPT" | "HELD" | "BROKEN" | `UNRECOGNIZED_${number}`;

/**
 * What becomes of a packet. SIMULATED_VERDICT_UNSPECIFIED: Not said; BY_PATH: It leaves by a chosen path; LOCAL: Its
 * destination is at the same site; DROPPED: It is dropped: see reason; BY_EXIT: It leaves by a link of its site to
 * the internet, under that link's address. Only of flows that were recorded: SimulateSteering answers for the
 * overlay, and says no_route where none of its prefixes holds the destination.
 */
export type SimulatedVerdict = | "SIMULATED_VERDICT_UNSPECIFIED" | "BY_PATH" | "LOCAL" | "DROPPED" | "BY_EXIT" | `UNRECOGNIZED_${number}`;

/** What a path must offer to an application. */
export interface SlaProfile extends Resource {
  /** Resource name: organizations/{organization}/slaProfiles/{sla_profile}. Assigned from the parent and the id. */
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
  /** Largest loss, parts per million; unset means no bound. From 0 to 1000000 ppm. */
  maxLossPpm?: number;
  /** Largest round-trip time, microseconds; unset means no bound. From 1 to 60000000 us. */
  maxLatencyUs?: number;
  /** Largest jitter (RFC 3550), microseconds; unset means no bound. From 1 to 60000000 us. */
  maxJitterUs?: number;
  /** Smallest mean opinion score, thousandths (1000..5000); unset means no bound. From 1000 to 5000. */
  minMosMilli?: number;
  /** Window over which is judged, 200 ms to 10 s; unset means 1 s. Seconds. */
  evaluationWindow?: number;
  /**
   * A path that breaks a bound in the whole of this short window is left at once, without waiting for the evaluation
   * window: 100 ms to 10 s; unset means 300 ms. Seconds.
   */
  fastDown?: number;
  /**
   * How long a path that broke a bound must keep all of them, with a tenth to spare, before it is used again: at most
   * an hour; unset means 10 s. Seconds.
   */
  slowUp?: number;
  /**
   * Half-life of the penalty that a path gets for each break: one that breaks again and again is kept out, at most
   * for three half-lives. At most an hour; unset means 1 min, 0 means no dampening. Seconds.
   */
  dampening?: number;
}

/** What a program says of a SlaProfile. */
export interface SlaProfileInit {
  /** Resource name: organizations/{organization}/slaProfiles/{sla_profile}. Assigned from the parent and the id. */
  name: string;
  /** Short key-value pairs for selection by filters. */
  labels?: Record<string, string>;
  /** Free key-value pairs that the system does not read. */
  annotations?: Record<string, string>;
  /** A name for people. */
  displayName?: string;
  /** Largest loss, parts per million; unset means no bound. From 0 to 1000000 ppm. */
  maxLossPpm?: number;
  /** Largest round-trip time, microseconds; unset means no bound. From 1 to 60000000 us. */
  maxLatencyUs?: number;
  /** Largest jitter (RFC 3550), microseconds; unset means no bound. From 1 to 60000000 us. */
  maxJitterUs?: number;
  /** Smallest mean opinion score, thousandths (1000..5000); unset means no bound. From 1000 to 5000. */
  minMosMilli?: number;
  /** Window over which is judged, 200 ms to 10 s; unset means 1 s. Seconds. */
  evaluationWindow?: number;
  /**
   * A path that breaks a bound in the whole of this short window is left at once, without waiting for the evaluation
   * window: 100 ms to 10 s; unset means 300 ms. Seconds.
   */
  fastDown?: number;
  /**
   * How long a path that broke a bound must keep all of them, with a tenth to spare, before it is used again: at most
   * an hour; unset means 10 s. Seconds.
   */
  slowUp?: number;
  /**
   * Half-life of the penalty that a path gets for each break: one that breaks again and again is kept out, at most
   * for three half-lives. At most an hour; unset means 1 min, 0 means no dampening. Seconds.
   */
  dampening?: number;
}

/** Fields of SlaProfile that can be changed. */
export type SlaProfileFields = Omit<SlaProfileInit, "name">;

/** A description of packets. Every field that is set must hold. */
export interface ApplicationMatch {
  /** IP protocol number, 0..255; unset means any. From 0 to 255. */
  protocol?: number;
  /** Destination ports; empty means any. */
  ports: PortRange[];
  /** Destination prefixes; empty means any. The order carries no meaning. */
  cidrs: string[];
  /** DSCP code points, 0..63; empty means any. From 0 to 63. The order carries no meaning. */
  dscps: number[];
  /**
   * Host names that the traffic asks for (TLS and QUIC server name, HTTP host, a name whose DNS answer the edge has
   * seen), exactly or with a leading "*." for every name below; empty means any. The first packets of a flow go
   * before the name is known, unless its address was learned from a DNS answer. The order carries no meaning.
   */
  hosts: string[];
  /**
   * Names of signatures that come with the system ("youtube", "ssh", "rtp"; docs/mod/dpi.md lists them), any of which
   * is enough; empty means any. They are told by what a flow's first packets say. The order carries no meaning.
   */
  signatures: string[];
}

/** What a program says of a ApplicationMatch. */
export interface ApplicationMatchInit {
  /** IP protocol number, 0..255; unset means any. From 0 to 255. */
  protocol?: number;
  /** Destination ports; empty means any. */
  ports?: readonly PortRangeInit[];
  /** Destination prefixes; empty means any. The order carries no meaning. */
  cidrs?: readonly string[];
  /** DSCP code points, 0..63; empty means any. From 0 to 63. The order carries no meaning. */
  dscps?: readonly number[];
  /**
   * Host names that the traffic asks for (TLS and QUIC server name, HTTP host, a name whose DNS answer the edge has
   * seen), exactly or with a leading "*." for every name below; empty means any. The first packets of a flow go
   * before the name is known, unless its address was learned from a DNS answer. The order carries no meaning.
   */
  hosts?: readonly string[];
  /**
   * Names of signatures that come with the system ("youtube", "ssh", "rtp"; docs/mod/dpi.md lists them), any of which
   * is enough; empty means any. They are told by what a flow's first packets say. The order carries no meaning.
   */
  signatures?: readonly string[];
}

/** A kind of traffic, told by what its packets say. */
export interface Application extends Resource {
  /** Resource name: organizations/{organization}/applications/{application}. Assigned from the parent and the id. */
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
  /** Any of these describes the application. */
  matches: ApplicationMatch[];
  /** Number of the application in the data plane, allocated by the cluster. */
  readonly applicationId: number;
  /**
   * Class in which shaped links queue its packets, whatever their DSCP says; unspecified: the class of their DSCP. A
   * flow has one application: of several that describe it, the one with the lowest application_id.
   */
  trafficClass: TrafficClass;
}

/** What a program says of a Application. */
export interface ApplicationInit {
  /** Resource name: organizations/{organization}/applications/{application}. Assigned from the parent and the id. */
  name: string;
  /** Short key-value pairs for selection by filters. */
  labels?: Record<string, string>;
  /** Free key-value pairs that the system does not read. */
  annotations?: Record<string, string>;
  /** A name for people. */
  displayName?: string;
  /** Any of these describes the application. */
  matches: readonly ApplicationMatchInit[];
  /**
   * Class in which shaped links queue its packets, whatever their DSCP says; unspecified: the class of their DSCP. A
   * flow has one application: of several that describe it, the one with the lowest application_id.
   */
  trafficClass?: TrafficClass;
}

/** Fields of Application that can be changed. */
export type ApplicationFields = Omit<ApplicationInit, "name">;

/** A time of the week. Each node judges it by its own clock, also without a controller. */
export interface TimeWindow {
  /** Days on which it begins; empty means every day. The order carries no meaning. */
  days: DayOfWeek[];
  /** First minute, "HH:MM"; empty means 00:00. */
  start: string;
  /**
   * Minute after the last, "HH:MM"; empty or 24:00 means the end of the day. Not after `start`: it ends on the next
   * day.
   */
  end: string;
  /**
   * What the times are by: minutes east of UTC, -720 to 840. Daylight saving is not followed. From -720 to 840 min.
   */
  utcOffsetMinutes: number;
}

/** What a program says of a TimeWindow. */
export interface TimeWindowInit {
  /** Days on which it begins; empty means every day. The order carries no meaning. */
  days?: readonly DayOfWeek[];
  /** First minute, "HH:MM"; empty means 00:00. */
  start?: string;
  /**
   * Minute after the last, "HH:MM"; empty or 24:00 means the end of the day. Not after `start`: it ends on the next
   * day.
   */
  end?: string;
  /**
   * What the times are by: minutes east of UTC, -720 to 840. Daylight saving is not followed. From -720 to 840 min.
   */
  utcOffsetMinutes?: number;
}

/**
 * What a path must be all along: unlike transports and underlays, which look at its first link only. Links are both
 * ends of each tunnel that the path takes. What is measured is followed in steps: a bound is for choosing paths, an
 * SLA profile is for leaving one at once.
 */
export interface PathConstraints {
  /** Labels that every link has: "key=value", or "key" with any value. The order carries no meaning. */
  requireLabels: string[];
  /** Labels that no link has: "key=value", or "key" with any value. The order carries no meaning. */
  excludeLabels: string[];
  /**
   * Administrative groups that every link is in, all of them (RFC 3209: include-all). From 0 to 255. The order
   * carries no meaning.
   */
  includeAllGroups: number[];
  /**
   * Administrative groups of which every link is in one at least (RFC 3209: include-any). From 0 to 255. The order
   * carries no meaning.
   */
  includeAnyGroups: number[];
  /**
   * Administrative groups that no link is in (RFC 3209: exclude-any). From 0 to 255. The order carries no meaning.
   */
  excludeGroups: number[];
  /**
   * Longest round trip over the whole path, microseconds, as the nodes measure its tunnels; 0: any. From 0 to
   * 60000000 us.
   */
  maxLatencyUs: number;
  /**
   * Largest loss over the whole path, parts per million, as the nodes measure its tunnels; unset: any. From 0 to
   * 1000000 ppm.
   */
  maxLossPpm?: number;
  /**
   * What every link's capacity in the path's direction is at least, bit/s; 0: any. A link of unknown capacity does
   * not do. From 0 to 400000000000 bit/s.
   */
  minCapacityBps: bigint;
}

/** What a program says of a PathConstraints. */
export interface PathConstraintsInit {
  /** Labels that every link has: "key=value", or "key" with any value. The order carries no meaning. */
  requireLabels?: readonly string[];
  /** Labels that no link has: "key=value", or "key" with any value. The order carries no meaning. */
  excludeLabels?: readonly string[];
  /**
   * Administrative groups that every link is in, all of them (RFC 3209: include-all). From 0 to 255. The order
   * carries no meaning.
   */
  includeAllGroups?: readonly number[];
  /**
   * Administrative groups of which every link is in one at least (RFC 3209: include-any). From 0 to 255. The order
   * carries no meaning.
   */
  includeAnyGroups?: readonly number[];
  /**
   * Administrative groups that no link is in (RFC 3209: exclude-any). From 0 to 255. The order carries no meaning.
   */
  excludeGroups?: readonly number[];
  /**
   * Longest round trip over the whole path, microseconds, as the nodes measure its tunnels; 0: any. From 0 to
   * 60000000 us.
   */
  maxLatencyUs?: number;
  /**
   * Largest loss over the whole path, parts per million, as the nodes measure its tunnels; unset: any. From 0 to
   * 1000000 ppm.
   */
  maxLossPpm?: number;
  /**
   * What every link's capacity in the path's direction is at least, bit/s; 0: any. A link of unknown capacity does
   * not do. From 0 to 400000000000 bit/s.
   */
  minCapacityBps?: bigint | number;
}

/** Paths by their first link. Every criterion that is set must hold. */
export interface PathChoice {
  /** Transports; empty means any. The order carries no meaning. */
  transports: Transport[];
  /** Underlays; empty means any. The order carries no meaning. */
  underlays: string[];
}

/** What a program says of a PathChoice. */
export interface PathChoiceInit {
  /** Transports; empty means any. The order carries no meaning. */
  transports?: readonly Transport[];
  /** Underlays; empty means any. The order carries no meaning. */
  underlays?: readonly string[];
}

/** One rule of a policy. Every criterion that is set must hold. */
export interface SteeringRule {
  /** Applications; empty means any. Name of a application. The order carries no meaning. */
  applications: string[];
  /** Source sites; empty means any. Name of a site. The order carries no meaning. */
  sites: string[];
  /** Destination prefixes; empty means any. The order carries no meaning. */
  destinationCidrs: string[];
  /** DSCP code points, 0..63; empty means any. From 0 to 63. The order carries no meaning. */
  dscps: number[];
  /** How strongly. */
  preference: Preference;
  /** A path fits when its first link has one of these transports; empty means any. The order carries no meaning. */
  transports: Transport[];
  /** A path fits when its first link has one of these underlays; empty means any. The order carries no meaning. */
  underlays: string[];
  /**
   * What a path must keep; empty means anything. Each node judges by its own measurements: with REQUIRE, paths that
   * break it are not used (drop reason sla_unmet when there is no other); else they come after all others, also after
   * those that are not preferred or to be avoided. Name of a slaProfile.
   */
  slaProfile: string;
  /**
   * Users, as their sessions name them; a rule with users or groups matches packets from addresses of such sessions
   * only. Empty, and no groups: anybody. The order carries no meaning.
   */
  users: string[];
  /** Groups of users, as their sessions name them; a user or a group is enough. The order carries no meaning. */
  groups: string[];
  /** When the rule is in force; empty means always. */
  windows: TimeWindow[];
  /** What becomes of flows that are under way. */
  moveMode: MoveMode;
  /**
   * With PREFER: which paths come next, in this order, when none that fits is left; the rest comes behind them. With
   * REQUIRE: which paths are allowed after those that fit, in this order.
   */
  fallbacks: PathChoice[];
  /**
   * A path fits when it is like this all along, too. With REQUIRE and PREFER paths are searched for that are, also
   * such as no traffic takes otherwise.
   */
  constraints?: PathConstraints;
}

/** What a program says of a SteeringRule. */
export interface SteeringRuleInit {
  /** Applications; empty means any. Name of a application. The order carries no meaning. */
  applications?: readonly string[];
  /** Source sites; empty means any. Name of a site. The order carries no meaning. */
  sites?: readonly string[];
  /** Destination prefixes; empty means any. The order carries no meaning. */
  destinationCidrs?: readonly string[];
  /** DSCP code points, 0..63; empty means any. From 0 to 63. The order carries no meaning. */
  dscps?: readonly number[];
  /** How strongly. */
  preference: Preference;
  /** A path fits when its first link has one of these transports; empty means any. The order carries no meaning. */
  transports?: readonly Transport[];
  /** A path fits when its first link has one of these underlays; empty means any. The order carries no meaning. */
  underlays?: readonly string[];
  /**
   * What a path must keep; empty means anything. Each node judges by its own measurements: with REQUIRE, paths that
   * break it are not used (drop reason sla_unmet when there is no other); else they come after all others, also after
   * those that are not preferred or to be avoided. Name of a slaProfile.
   */
  slaProfile?: string;
  /**
   * Users, as their sessions name them; a rule with users or groups matches packets from addresses of such sessions
   * only. Empty, and no groups: anybody. The order carries no meaning.
   */
  users?: readonly string[];
  /** Groups of users, as their sessions name them; a user or a group is enough. The order carries no meaning. */
  groups?: readonly string[];
  /** When the rule is in force; empty means always. */
  windows?: readonly TimeWindowInit[];
  /** What becomes of flows that are under way. */
  moveMode?: MoveMode;
  /**
   * With PREFER: which paths come next, in this order, when none that fits is left; the rest comes behind them. With
   * REQUIRE: which paths are allowed after those that fit, in this order.
   */
  fallbacks?: readonly PathChoiceInit[];
  /**
   * A path fits when it is like this all along, too. With REQUIRE and PREFER paths are searched for that are, also
   * such as no traffic takes otherwise.
   */
  constraints?: PathConstraintsInit;
}

/** Which paths the traffic of a segment may or should take. */
export interface SteeringPolicy extends Resource {
  /**
   * Resource name: organizations/{organization}/steeringPolicies/{steering_policy}. Assigned from the parent and the
   * id.
   */
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
  /** The segment whose traffic is steered. Name of a segment. */
  segment: string;
  /** Policies are read in order of priority, lowest first; equal priorities in order of name. From 0 to 65535. */
  priority: number;
  /** Read in order; the first that matches decides. */
  rules: SteeringRule[];
  /** Not in force when true. */
  disabled: boolean;
}

/** What a program says of a SteeringPolicy. */
export interface SteeringPolicyInit {
  /**
   * Resource name: organizations/{organization}/steeringPolicies/{steering_policy}. Assigned from the parent and the
   * id.
   */
  name: string;
  /** Short key-value pairs for selection by filters. */
  labels?: Record<string, string>;
  /** Free key-value pairs that the system does not read. */
  annotations?: Record<string, string>;
  /** A name for people. */
  displayName?: string;
  /** The segment whose traffic is steered. Name of a segment. */
  segment: string;
  /** Policies are read in order of priority, lowest first; equal priorities in order of name. From 0 to 65535. */
  priority?: number;
  /** Read in order; the first that matches decides. */
  rules: readonly SteeringRuleInit[];
  /** Not in force when true. */
  disabled?: boolean;
}

/** Fields of SteeringPolicy that can be changed. */
export type SteeringPolicyFields = Omit<SteeringPolicyInit, "name">;

/** Request of SimulateSteering: a packet that need not exist. */
export interface SimulateSteeringRequest {
  /** Site where it enters. Name of a site. */
  site: string;
  /** Its segment. Name of a segment. */
  segment: string;
  /** Destination address. */
  destination: string;
  /** Source address; it says who sends, by the sessions that there are, unless user or groups do. */
  source: string;
  /** IP protocol; 6 is TCP, 17 UDP. From 0 to 255. */
  protocol: number;
  /** Destination port of TCP, UDP and SCTP. From 0 to 65535. */
  destinationPort: number;
  /** Source port; no rule looks at it, the choice among equal paths does. From 0 to 65535. */
  sourcePort: number;
  /** DSCP code point. From 0 to 63. */
  dscp: number;
  /** The user who sends, as if logged in. */
  user: string;
  /** Groups of the user. The order carries no meaning. */
  groups: string[];
  /** When; unset means now. */
  time?: Date;
}

/** What a program says of a SimulateSteeringRequest. */
export interface SimulateSteeringRequestInit {
  /** Site where it enters. Name of a site. */
  site: string;
  /** Its segment. Name of a segment. */
  segment: string;
  /** Destination address. */
  destination: string;
  /** Source address; it says who sends, by the sessions that there are, unless user or groups do. */
  source?: string;
  /** IP protocol; 6 is TCP, 17 UDP. From 0 to 255. */
  protocol?: number;
  /** Destination port of TCP, UDP and SCTP. From 0 to 65535. */
  destinationPort?: number;
  /** Source port; no rule looks at it, the choice among equal paths does. From 0 to 65535. */
  sourcePort?: number;
  /** DSCP code point. From 0 to 63. */
  dscp?: number;
  /** The user who sends, as if logged in. */
  user?: string;
  /** Groups of the user. The order carries no meaning. */
  groups?: readonly string[];
  /** When; unset means now. */
  time?: Date;
}

/** One candidate. */
export interface SimulatedPath {
  /** Path. */
  path: string;
  /** Its first link. */
  link: string;
  /** The packet takes it, or one of several with this mark, by the flow's hash. */
  chosen: boolean;
  /** Why it is chosen, waits or is not allowed. */
  reason: string;
  /** Its node has reported of it. */
  measured: boolean;
  /** It lives. */
  alive: boolean;
  /** Round trip, microseconds. */
  rttUs: number;
  /** Loss, parts per million. */
  lossPpm: number;
  /** How it stands to the rule's profile, as the node judges. */
  slaState: SlaState;
  /** Share among chosen ones. */
  weight: number;
  /** Its order in traffic engineering and the rule: the lowest that is usable is used. */
  tier: number;
  /** Jitter, microseconds. */
  jitterUs: number;
  /** Mean opinion score times 100; 0: not measured. */
  mos100: number;
  /** What would have the packet take it; empty for those that are chosen. */
  change: string;
}

/** What a program says of a SimulatedPath. */
export interface SimulatedPathInit {
  /** Path. */
  path?: string;
  /** Its first link. */
  link?: string;
  /** The packet takes it, or one of several with this mark, by the flow's hash. */
  chosen?: boolean;
  /** Why it is chosen, waits or is not allowed. */
  reason?: string;
  /** Its node has reported of it. */
  measured?: boolean;
  /** It lives. */
  alive?: boolean;
  /** Round trip, microseconds. */
  rttUs?: number;
  /** Loss, parts per million. */
  lossPpm?: number;
  /** How it stands to the rule's profile, as the node judges. */
  slaState?: SlaState;
  /** Share among chosen ones. */
  weight?: number;
  /** Its order in traffic engineering and the rule: the lowest that is usable is used. */
  tier?: number;
  /** Jitter, microseconds. */
  jitterUs?: number;
  /** Mean opinion score times 100; 0: not measured. */
  mos100?: number;
  /** What would have the packet take it; empty for those that are chosen. */
  change?: string;
}

/** A rule that was looked at before and does not match. */
export interface PassedRule {
  /** Policy. */
  steeringPolicy: string;
  /** Place in it, from 0. */
  rule: number;
  /** What does not match. */
  reason: string;
}

/** What a program says of a PassedRule. */
export interface PassedRuleInit {
  /** Policy. */
  steeringPolicy?: string;
  /** Place in it, from 0. */
  rule?: number;
  /** What does not match. */
  reason?: string;
}

/** Response of SimulateSteering. */
export interface SimulateSteeringResponse {
  /** What becomes of it. */
  verdict: SimulatedVerdict;
  /** The drop reason, as in telemetry. */
  reason: string;
  /** Policy whose rule decides; empty: none does. */
  steeringPolicy: string;
  /** Place of the rule in it, from 0. */
  rule: number;
  /** Where it goes. */
  destinationSite: string;
  /** The rule's profile. */
  slaProfile: string;
  /** Candidates, in the order of traffic engineering. */
  paths: SimulatedPath[];
  /** Rules before, in order. */
  passedRules: PassedRule[];
  /** Name of the TrafficClass that the packet's DSCP says, for example "REALTIME". */
  trafficClass: string;
  /** What reason means; empty unless dropped. */
  reasonText: string;
}

/** What a program says of a SimulateSteeringResponse. */
export interface SimulateSteeringResponseInit {
  /** What becomes of it. */
  verdict?: SimulatedVerdict;
  /** The drop reason, as in telemetry. */
  reason?: string;
  /** Policy whose rule decides; empty: none does. */
  steeringPolicy?: string;
  /** Place of the rule in it, from 0. */
  rule?: number;
  /** Where it goes. */
  destinationSite?: string;
  /** The rule's profile. */
  slaProfile?: string;
  /** Candidates, in the order of traffic engineering. */
  paths?: readonly SimulatedPathInit[];
  /** Rules before, in order. */
  passedRules?: readonly PassedRuleInit[];
  /** Name of the TrafficClass that the packet's DSCP says, for example "REALTIME". */
  trafficClass?: string;
  /** What reason means; empty unless dropped. */
  reasonText?: string;
}

/** Request of FindShadowedRules. */
export interface FindShadowedRulesRequest {
  /** The organization. Name of a organization. */
  parent: string;
}

/** What a program says of a FindShadowedRulesRequest. */
export interface FindShadowedRulesRequestInit {
  /** The organization. Name of a organization. */
  parent: string;
}

/** A rule that never decides. */
export interface ShadowedRule {
  /** Its policy. */
  steeringPolicy: string;
  /** Its place in it, from 0. */
  rule: number;
  /** Policy of the rule that keeps it from deciding; empty: it matches nothing by itself. */
  bySteeringPolicy: string;
  /** That rule's place. */
  byRule: number;
  /** Why. */
  reason: string;
}

/** What a program says of a ShadowedRule. */
export interface ShadowedRuleInit {
  /** Its policy. */
  steeringPolicy?: string;
  /** Its place in it, from 0. */
  rule?: number;
  /** Policy of the rule that keeps it from deciding; empty: it matches nothing by itself. */
  bySteeringPolicy?: string;
  /** That rule's place. */
  byRule?: number;
  /** Why. */
  reason?: string;
}

/** Response of FindShadowedRules. */
export interface FindShadowedRulesResponse {
  /** In the order of segments and rules. */
  rules: ShadowedRule[];
}

/** What a program says of a FindShadowedRulesResponse. */
export interface FindShadowedRulesResponseInit {
  /** In the order of segments and rules. */
  rules?: readonly ShadowedRuleInit[];
}
