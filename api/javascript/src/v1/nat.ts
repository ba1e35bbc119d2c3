/**
 * Network address translation at edges: breakout to the internet, port forwards, prefixes that overlap. Generated
 * from the schema by api/tools/generate; do not edit.
 */

import type { Resource } from "../collection.js";
import type { Condition } from "./common.js";

/**
 * Who may send to a mapping that a host has made (RFC 4787 5). NAT_FILTERING_UNSPECIFIED: Treated as
 * ENDPOINT_INDEPENDENT; ENDPOINT_INDEPENDENT: Anybody: applications that meet through a third party work best;
 * ADDRESS_DEPENDENT: Only addresses to which the host has sent by this mapping.
 */
export type NatFiltering = | "NAT_FILTERING_UNSPECIFIED" | "ENDPOINT_INDEPENDENT" | "ADDRESS_DEPENDENT" | `UNRECOGNIZED_${number}`;

/** What translation of addresses does on a link that hosts leave by. Counts begin with the pool of the link. */
export interface LinkTranslation {
  /** Mappings made. */
  readonly mappingsMade: bigint;
  /** Packets dropped because no port was found free (nat_exhausted). */
  readonly exhaustedPackets: bigint;
  /** Ports taken of TCP, counted at most half a minute ago. */
  readonly tcpPorts: number;
  /** The same of UDP. */
  readonly udpPorts: number;
  /** The same of ids of ICMP queries. */
  readonly icmpIds: number;
  /** Ports that there are, of each of them. */
  readonly ports: number;
}

/** What a program says of a LinkTranslation. */
export type LinkTranslationInit = Record<string, never>;

/** Hosts of the segment reach by IPv4 what the segment has no route to, under the address of a link of their site. */
export interface NatBreakout {
  /**
   * Links that are used, by their underlay; empty means any. A host keeps to one of them while it is there. The order
   * carries no meaning.
   */
  underlays: string[];
  /** Destinations; empty means all that the segment has no route to. The order carries no meaning. */
  destinationCidrs: string[];
  /** Who may answer. */
  filtering: NatFiltering;
  /**
   * How long a UDP mapping lasts after the host's last packet, seconds; 0 means 300 (RFC 4787 4.3). From 0 to 86400
   * s.
   */
  udpTimeoutSeconds: number;
  /** The same for TCP connections that were answered; 0 means 7440 (RFC 5382 5). From 0 to 864000 s. */
  tcpTimeoutSeconds: number;
  /** TCP that begins or has ended; 0 means 240. From 0 to 3600 s. */
  tcpTransitorySeconds: number;
  /** ICMP queries; 0 means 60 (RFC 5508 3.2). From 0 to 3600 s. */
  icmpTimeoutSeconds: number;
}

/** What a program says of a NatBreakout. */
export interface NatBreakoutInit {
  /**
   * Links that are used, by their underlay; empty means any. A host keeps to one of them while it is there. The order
   * carries no meaning.
   */
  underlays?: readonly string[];
  /** Destinations; empty means all that the segment has no route to. The order carries no meaning. */
  destinationCidrs?: readonly string[];
  /** Who may answer. */
  filtering?: NatFiltering;
  /**
   * How long a UDP mapping lasts after the host's last packet, seconds; 0 means 300 (RFC 4787 4.3). From 0 to 86400
   * s.
   */
  udpTimeoutSeconds?: number;
  /** The same for TCP connections that were answered; 0 means 7440 (RFC 5382 5). From 0 to 864000 s. */
  tcpTimeoutSeconds?: number;
  /** TCP that begins or has ended; 0 means 240. From 0 to 3600 s. */
  tcpTransitorySeconds?: number;
  /** ICMP queries; 0 means 60 (RFC 5508 3.2). From 0 to 3600 s. */
  icmpTimeoutSeconds?: number;
}

/** A port of the site's links that leads to a host. */
export interface PortForward {
  /** IP protocol: 6 (TCP) or 17 (UDP). From 6 to 17. */
  protocol: number;
  /** Port of the link's address. From 1 to 65535. */
  port: number;
  /** Host that it leads to: an IPv4 address in a prefix of the site's own. */
  address: string;
  /** The host's port; 0 means the same. From 0 to 65535. */
  targetPort: number;
}

/** What a program says of a PortForward. */
export interface PortForwardInit {
  /** IP protocol: 6 (TCP) or 17 (UDP). From 6 to 17. */
  protocol: number;
  /** Port of the link's address. From 1 to 65535. */
  port: number;
  /** Host that it leads to: an IPv4 address in a prefix of the site's own. */
  address: string;
  /** The host's port; 0 means the same. From 0 to 65535. */
  targetPort?: number;
}

/** A prefix under which the other sites know one of a site's, one to one: so sites may use equal prefixes. */
export interface PrefixMap {
  /** The site. Name of a site. */
  site: string;
  /** Its own IPv4 prefix. It is not announced any more. */
  inside: string;
  /** What is announced in its place: as long as `inside`. */
  outside: string;
}

/** What a program says of a PrefixMap. */
export interface PrefixMapInit {
  /** The site. Name of a site. */
  site: string;
  /** Its own IPv4 prefix. It is not announced any more. */
  inside: string;
  /** What is announced in its place: as long as `inside`. */
  outside: string;
}

/**
 * How addresses of a segment are translated at its edges. IPv4 only. At most one policy applies to a segment at a
 * site: the first by name.
 */
export interface NatPolicy extends Resource {
  /** Resource name: organizations/{organization}/natPolicies/{nat_policy}. Assigned from the parent and the id. */
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
  /** The segment. Name of a segment. */
  segment: string;
  /** Sites where it applies; empty means all. Name of a site. The order carries no meaning. */
  sites: string[];
  /** Breakout to the internet; unset means none. */
  breakout?: NatBreakout;
  /** Port forwards; each takes effect at sites whose prefixes hold its address. */
  portForwards: PortForward[];
  /** Prefixes, one to one. */
  prefixMaps: PrefixMap[];
  /** Not in force when true. */
  disabled: boolean;
}

/** What a program says of a NatPolicy. */
export interface NatPolicyInit {
  /** Resource name: organizations/{organization}/natPolicies/{nat_policy}. Assigned from the parent and the id. */
  name: string;
  /** Short key-value pairs for selection by filters. */
  labels?: Record<string, string>;
  /** Free key-value pairs that the system does not read. */
  annotations?: Record<string, string>;
  /** A name for people. */
  displayName?: string;
  /** The segment. Name of a segment. */
  segment: string;
  /** Sites where it applies; empty means all. Name of a site. The order carries no meaning. */
  sites?: readonly string[];
  /** Breakout to the internet; unset means none. */
  breakout?: NatBreakoutInit;
  /** Port forwards; each takes effect at sites whose prefixes hold its address. */
  portForwards?: readonly PortForwardInit[];
  /** Prefixes, one to one. */
  prefixMaps?: readonly PrefixMapInit[];
  /** Not in force when true. */
  disabled?: boolean;
}

/** Fields of NatPolicy that can be changed. */
export type NatPolicyFields = Omit<NatPolicyInit, "name">;
