/**
 * What may pass: rules between and within segments, and protection of links against floods. Generated from the schema
 * by api/tools/generate; do not edit.
 */

import type { Resource } from "../collection.js";
import type { Condition, PortRange, PortRangeInit } from "./common.js";

/**
 * What becomes of a packet. FIREWALL_ACTION_UNSPECIFIED: Of a rule: refused. Of a policy: ALLOW; ALLOW: It passes,
 * and so does what comes back; DROP: It is dropped and counted.
 */
export type FirewallAction = | "FIREWALL_ACTION_UNSPECIFIED" | "ALLOW" | "DROP" | `UNRECOGNIZED_${number}`;

/**
 * Where a packet is going. FIREWALL_SCOPE_UNSPECIFIED: Within the segment, and to the internet; WITHIN: Within the
 * segment; INTERNET: To the internet, through a NatPolicy's breakout; SEGMENT: To the segment that `to_segment`
 * names.
 */
export type FirewallScope = | "FIREWALL_SCOPE_UNSPECIFIED" | "WITHIN" | "INTERNET" | "SEGMENT" | `UNRECOGNIZED_${number}`;

/** One rule. Every criterion that is set must hold. */
export interface FirewallRule {
  /** What becomes of packets that match. */
  action: FirewallAction;
  /** Where they go. */
  scope: FirewallScope;
  /** The other segment, with scope SEGMENT. Name of a segment. */
  toSegment: string;
  /** Sources; empty means any. The order carries no meaning. */
  sourceCidrs: string[];
  /** Destinations; empty means any. The order carries no meaning. */
  destinationCidrs: string[];
  /** IP protocol; unset means any. From 0 to 255. */
  protocol?: number;
  /** Destination ports; empty means any. Fragments have none. */
  ports: PortRange[];
}

/** What a program says of a FirewallRule. */
export interface FirewallRuleInit {
  /** What becomes of packets that match. */
  action: FirewallAction;
  /** Where they go. */
  scope?: FirewallScope;
  /** The other segment, with scope SEGMENT. Name of a segment. */
  toSegment?: string;
  /** Sources; empty means any. The order carries no meaning. */
  sourceCidrs?: readonly string[];
  /** Destinations; empty means any. The order carries no meaning. */
  destinationCidrs?: readonly string[];
  /** IP protocol; unset means any. From 0 to 255. */
  protocol?: number;
  /** Destination ports; empty means any. Fragments have none. */
  ports?: readonly PortRangeInit[];
}

/**
 * What hosts of a segment may begin. Rules are asked where a flow begins; what answers it passes, for as long as the
 * flow lives. Between segments nothing passes but what a rule allows.
 */
export interface FirewallPolicy extends Resource {
  /**
   * Resource name: organizations/{organization}/firewallPolicies/{firewall_policy}. Assigned from the parent and the
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
  /** The segment whose hosts begin. Name of a segment. */
  segment: string;
  /** Policies are read in order of priority, lowest first; equal priorities in order of name. From 0 to 65535. */
  priority: number;
  /** Read in order; the first that matches decides. */
  rules: FirewallRule[];
  /**
   * What becomes of packets within the segment and to the internet that no rule matches. DROP in one policy of the
   * segment is enough.
   */
  defaultAction: FirewallAction;
  /** Not in force when true. */
  disabled: boolean;
}

/** What a program says of a FirewallPolicy. */
export interface FirewallPolicyInit {
  /**
   * Resource name: organizations/{organization}/firewallPolicies/{firewall_policy}. Assigned from the parent and the
   * id.
   */
  name: string;
  /** Short key-value pairs for selection by filters. */
  labels?: Record<string, string>;
  /** Free key-value pairs that the system does not read. */
  annotations?: Record<string, string>;
  /** A name for people. */
  displayName?: string;
  /** The segment whose hosts begin. Name of a segment. */
  segment: string;
  /** Policies are read in order of priority, lowest first; equal priorities in order of name. From 0 to 65535. */
  priority?: number;
  /** Read in order; the first that matches decides. */
  rules?: readonly FirewallRuleInit[];
  /**
   * What becomes of packets within the segment and to the internet that no rule matches. DROP in one policy of the
   * segment is enough.
   */
  defaultAction?: FirewallAction;
  /** Not in force when true. */
  disabled?: boolean;
}

/** Fields of FirewallPolicy that can be changed. */
export type FirewallPolicyFields = Omit<FirewallPolicyInit, "name">;

/** Protection of edges against floods, judged where packets of the underlay arrive. */
export interface FloodGuard extends Resource {
  /** Resource name: organizations/{organization}/floodGuards/{flood_guard}. Assigned from the parent and the id. */
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
   * Sites where it applies; empty means all. The first by name decides at a site. Name of a site. The order carries
   * no meaning.
   */
  sites: string[];
  /** Sources whose packets are dropped. The order carries no meaning. */
  deniedCidrs: string[];
  /** Packets a second from one source that is no tunnel's far end; 0 means no limit. From 0 to 100000000. */
  sourcePacketsPerSecond: number;
  /**
   * TCP connections a second to the edge and its port forwards; while more begin, only those whose source has proved
   * itself by a SYN cookie. 0 means no limit. From 0 to 100000000.
   */
  synsPerSecond: number;
  /** Not in force when true. */
  disabled: boolean;
}

/** What a program says of a FloodGuard. */
export interface FloodGuardInit {
  /** Resource name: organizations/{organization}/floodGuards/{flood_guard}. Assigned from the parent and the id. */
  name: string;
  /** Short key-value pairs for selection by filters. */
  labels?: Record<string, string>;
  /** Free key-value pairs that the system does not read. */
  annotations?: Record<string, string>;
  /** A name for people. */
  displayName?: string;
  /**
   * Sites where it applies; empty means all. The first by name decides at a site. Name of a site. The order carries
   * no meaning.
   */
  sites?: readonly string[];
  /** Sources whose packets are dropped. The order carries no meaning. */
  deniedCidrs?: readonly string[];
  /** Packets a second from one source that is no tunnel's far end; 0 means no limit. From 0 to 100000000. */
  sourcePacketsPerSecond?: number;
  /**
   * TCP connections a second to the edge and its port forwards; while more begin, only those whose source has proved
   * itself by a SYN cookie. 0 means no limit. From 0 to 100000000.
   */
  synsPerSecond?: number;
  /** Not in force when true. */
  disabled?: boolean;
}

/** Fields of FloodGuard that can be changed. */
export type FloodGuardFields = Omit<FloodGuardInit, "name">;
