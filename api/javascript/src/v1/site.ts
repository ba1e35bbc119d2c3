/** Sites, their edges and their links. Generated from the schema by api/tools/generate; do not edit. */

import type { Resource } from "../collection.js";
import type { AdminState, Condition, Transport } from "./common.js";
import type { Inspection } from "./inspection.js";
import type { LinkTranslation } from "./nat.js";
import type { LinkClass } from "./qos.js";

/**
 * What an edge does in a fabric. EDGE_ROLE_UNSPECIFIED: Treated as BRANCH; BRANCH: Serves its own site; HUB: Carries
 * traffic between other sites in a hub-and-spoke fabric; GATEWAY: Connects to networks outside.
 */
export type EdgeRole = | "EDGE_ROLE_UNSPECIFIED" | "BRANCH" | "HUB" | "GATEWAY" | `UNRECOGNIZED_${number}`;

/**
 * Whether tunnels over a link are sealed. LINK_ENCRYPTION_UNSPECIFIED: Treated as SEALED; SEALED: Every path over the
 * link is sealed from its first to its last edge; PLAIN: A path is plain Geneve when all links on it say so: for
 * underlays that are trusted or encrypt by themselves. Segments whose encryption is REQUIRED do not use it then.
 */
export type LinkEncryption = | "LINK_ENCRYPTION_UNSPECIFIED" | "SEALED" | "PLAIN" | `UNRECOGNIZED_${number}`;

/** A place: a branch, a hub, a data centre. */
export interface Site extends Resource {
  /** Resource name: organizations/{organization}/sites/{site}. Assigned from the parent and the id. */
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
  /** Where it is, for people: a town or an address. */
  location: string;
  /** Region, for locality decisions. */
  region: string;
  /** IANA time zone name. */
  timezone: string;
  /** Whether the site forwards. */
  adminState: AdminState;
  /** Number of the site in path stacks (20 bits), allocated by the cluster. */
  readonly siteLabel: number;
}

/** What a program says of a Site. */
export interface SiteInit {
  /** Resource name: organizations/{organization}/sites/{site}. Assigned from the parent and the id. */
  name: string;
  /** Short key-value pairs for selection by filters. */
  labels?: Record<string, string>;
  /** Free key-value pairs that the system does not read. */
  annotations?: Record<string, string>;
  /** A name for people. */
  displayName?: string;
  /** Where it is, for people: a town or an address. */
  location?: string;
  /** Region, for locality decisions. */
  region?: string;
  /** IANA time zone name. */
  timezone?: string;
  /** Whether the site forwards. */
  adminState?: AdminState;
}

/** Fields of Site that can be changed. */
export type SiteFields = Omit<SiteInit, "name">;

/** An interface towards the site's own hosts. */
export interface LanInterface {
  /** Name on the node, for example "lan0". */
  interface: string;
  /** Segment that packets from this interface belong to. Name of a segment. */
  segment: string;
  /** Prefixes behind the interface, announced to the other sites of the segment. The order carries no meaning. */
  prefixes: string[];
}

/** What a program says of a LanInterface. */
export interface LanInterfaceInit {
  /** Name on the node, for example "lan0". */
  interface: string;
  /** Segment that packets from this interface belong to. Name of a segment. */
  segment: string;
  /** Prefixes behind the interface, announced to the other sites of the segment. The order carries no meaning. */
  prefixes?: readonly string[];
}

/** A node that forwards packets for a site: one patronusd. */
export interface Edge extends Resource {
  /** Resource name: organizations/{organization}/sites/{site}/edges/{edge}. Assigned from the parent and the id. */
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
  /** Roles of the edge in its fabrics. The order carries no meaning. */
  roles: EdgeRole[];
  /** Interfaces towards the site's own hosts. */
  lanInterfaces: LanInterface[];
  /** SPIFFE path of the node that enrolled as this edge; empty before. */
  readonly nodeId: string;
  /** SHA-256 of the enrolled public key, hexadecimal. */
  readonly publicKeyDigest: string;
  /** Version that the node runs. */
  readonly softwareVersion: string;
  /** Generation of the bundle that the node has acknowledged. */
  readonly appliedGeneration: bigint;
  /** When the leader last heard from the node. */
  readonly lastSeenTime?: Date;
  /** True while the node's stream to the leader is open. */
  readonly connected: boolean;
  /** X25519 public key of the node's tunnels, hexadecimal; the node made it and keeps the private half. */
  readonly tunnelPublicKey: string;
  /** Which applications its hosts' flows belong to, while the node says so. */
  readonly inspection?: Inspection;
}

/** What a program says of a Edge. */
export interface EdgeInit {
  /** Resource name: organizations/{organization}/sites/{site}/edges/{edge}. Assigned from the parent and the id. */
  name: string;
  /** Short key-value pairs for selection by filters. */
  labels?: Record<string, string>;
  /** Free key-value pairs that the system does not read. */
  annotations?: Record<string, string>;
  /** A name for people. */
  displayName?: string;
  /** Roles of the edge in its fabrics. The order carries no meaning. */
  roles?: readonly EdgeRole[];
  /** Interfaces towards the site's own hosts. */
  lanInterfaces?: readonly LanInterfaceInit[];
}

/** Fields of Edge that can be changed. */
export type EdgeFields = Omit<EdgeInit, "name">;

/** An underlay connection of an edge [MEF 70: underlay connectivity service]. */
export interface Link extends Resource {
  /** Resource name: organizations/{organization}/sites/{site}/links/{link}. Assigned from the parent and the id. */
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
  /** The edge that the link is plugged into. Name of a edge. */
  edge: string;
  /** Name of the interface on the node, for example "wan0". */
  interface: string;
  /** Address that other sites send to. */
  address: string;
  /** First hop towards the underlay; empty when the underlay is on-link or the system's routes are to be used. */
  gateway: string;
  /** Technology. */
  transport: Transport;
  /** Who sells it. */
  provider: string;
  /** Tunnels are made between links of equal underlay, for example "internet" or "mpls-acme". */
  underlay: string;
  /** Rate from the site, bit/s; 0 means unknown. From 0 to 400000000000 bit/s. */
  capacityUpBps: bigint;
  /** Rate to the site, bit/s; 0 means unknown. From 0 to 400000000000 bit/s. */
  capacityDownBps: bigint;
  /** Volume is paid for. */
  metered: boolean;
  /** Largest IP packet of the underlay, bytes; 0 means 1500. From 0 to 9216 byte. */
  mtu: number;
  /** Shared-risk groups: links with a common number fail together (RFC 4202). The order carries no meaning. */
  srlgs: number[];
  /** Whether the link carries traffic. */
  adminState: AdminState;
  /** Administrative cost; lower is preferred among links of equal delay. 0 means 10. From 0 to 65535. */
  cost: number;
  /** Measured loss over the last window, parts per million, worst tunnel. */
  readonly lossPpm: number;
  /** Measured round-trip time, microseconds, median tunnel. */
  readonly latencyUs: number;
  /** Whether tunnels over the link are sealed. */
  encryption: LinkEncryption;
  /**
   * How the link's traffic is divided when it is full; the link is then shaped to capacity_up_bps, which must be set.
   * Empty: the link is not shaped. Name of a qosProfile.
   */
  qosProfile: string;
  /** What each class of traffic does on the link; empty while the link is not shaped. */
  readonly classes: LinkClass[];
  /** Why the link is not shaped although it should be; empty when it is. */
  readonly shapingError: string;
  /**
   * Administrative groups (RFC 7308), 0 to 255: what path constraints include and exclude, for example 1 for
   * satellites. From 0 to 255. The order carries no meaning.
   */
  adminGroups: number[];
  /** What translation of addresses does on the link; unset while no hosts leave by it. */
  readonly translation?: LinkTranslation;
}

/** What a program says of a Link. */
export interface LinkInit {
  /** Resource name: organizations/{organization}/sites/{site}/links/{link}. Assigned from the parent and the id. */
  name: string;
  /** Short key-value pairs for selection by filters. */
  labels?: Record<string, string>;
  /** Free key-value pairs that the system does not read. */
  annotations?: Record<string, string>;
  /** A name for people. */
  displayName?: string;
  /** The edge that the link is plugged into. Name of a edge. */
  edge: string;
  /** Name of the interface on the node, for example "wan0". */
  interface: string;
  /** Address that other sites send to. */
  address: string;
  /** First hop towards the underlay; empty when the underlay is on-link or the system's routes are to be used. */
  gateway?: string;
  /** Technology. */
  transport?: Transport;
  /** Who sells it. */
  provider?: string;
  /** Tunnels are made between links of equal underlay, for example "internet" or "mpls-acme". */
  underlay: string;
  /** Rate from the site, bit/s; 0 means unknown. From 0 to 400000000000 bit/s. */
  capacityUpBps?: bigint | number;
  /** Rate to the site, bit/s; 0 means unknown. From 0 to 400000000000 bit/s. */
  capacityDownBps?: bigint | number;
  /** Volume is paid for. */
  metered?: boolean;
  /** Largest IP packet of the underlay, bytes; 0 means 1500. From 0 to 9216 byte. */
  mtu?: number;
  /** Shared-risk groups: links with a common number fail together (RFC 4202). The order carries no meaning. */
  srlgs?: readonly number[];
  /** Whether the link carries traffic. */
  adminState?: AdminState;
  /** Administrative cost; lower is preferred among links of equal delay. 0 means 10. From 0 to 65535. */
  cost?: number;
  /** Whether tunnels over the link are sealed. */
  encryption?: LinkEncryption;
  /**
   * How the link's traffic is divided when it is full; the link is then shaped to capacity_up_bps, which must be set.
   * Empty: the link is not shaped. Name of a qosProfile.
   */
  qosProfile?: string;
  /**
   * Administrative groups (RFC 7308), 0 to 255: what path constraints include and exclude, for example 1 for
   * satellites. From 0 to 255. The order carries no meaning.
   */
  adminGroups?: readonly number[];
}

/** Fields of Link that can be changed. */
export type LinkFields = Omit<LinkInit, "name">;
