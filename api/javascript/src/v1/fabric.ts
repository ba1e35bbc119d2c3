/**
 * Fabrics, segments, and the tunnels and paths that follow from them. Generated from the schema by
 * api/tools/generate; do not edit.
 */

import type { Resource } from "../collection.js";
import type { Condition } from "./common.js";

/**
 * Which sites get tunnels between them. TOPOLOGY_UNSPECIFIED: Treated as FULL_MESH; FULL_MESH: Every pair whose links
 * share an underlay; HUB_SPOKE: Hubs with every site; REGIONAL: Pairs of one region, and hubs with hubs.
 */
export type Topology = | "TOPOLOGY_UNSPECIFIED" | "FULL_MESH" | "HUB_SPOKE" | "REGIONAL" | `UNRECOGNIZED_${number}`;

/**
 * How packets between two edges are sealed. Numbers are on the wire between edges. TUNNEL_CIPHER_UNSPECIFIED: Treated
 * as AES_256_GCM; AES_128_GCM: AES-128 in Galois/counter mode; AES_256_GCM: AES-256 in Galois/counter mode;
 * CHACHA20_POLY1305: ChaCha20-Poly1305 (RFC 8439), for machines without AES instructions.
 */
export type TunnelCipher = | "TUNNEL_CIPHER_UNSPECIFIED" | "AES_128_GCM" | "AES_256_GCM" | "CHACHA20_POLY1305" | `UNRECOGNIZED_${number}`;

/**
 * Whether a segment may ever travel in the clear. SEGMENT_ENCRYPTION_UNSPECIFIED: Treated as BY_LINK; BY_LINK: A path
 * is sealed unless every link on it allows plain tunnels; REQUIRED: A plain path is refused, in both directions, even
 * when nothing else is left.
 */
export type SegmentEncryption = | "SEGMENT_ENCRYPTION_UNSPECIFIED" | "BY_LINK" | "REQUIRED" | `UNRECOGNIZED_${number}`;

/** Whether something works. OPER_STATE_UNSPECIFIED: Nothing was heard yet; UP: Works; DOWN: Does not. */
export type OperState = | "OPER_STATE_UNSPECIFIED" | "UP" | "DOWN" | `UNRECOGNIZED_${number}`;

/** A set of sites that are connected with each other [MEF 70: SWVC]. */
export interface Fabric extends Resource {
  /** Resource name: organizations/{organization}/fabrics/{fabric}. Assigned from the parent and the id. */
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
  /** Which sites get tunnels between them. */
  topology: Topology;
  /** Hub sites, for HUB_SPOKE. Name of a site. The order carries no meaning. */
  hubs: string[];
  /** Member sites; empty means every site of the organization. Name of a site. The order carries no meaning. */
  sites: string[];
  /** Most transit sites on a path, 0..5; unset means 3. From 0 to 5. */
  maxTransitSites?: number;
  /** How packets between two edges are sealed. */
  cipher: TunnelCipher;
}

/** What a program says of a Fabric. */
export interface FabricInit {
  /** Resource name: organizations/{organization}/fabrics/{fabric}. Assigned from the parent and the id. */
  name: string;
  /** Short key-value pairs for selection by filters. */
  labels?: Record<string, string>;
  /** Free key-value pairs that the system does not read. */
  annotations?: Record<string, string>;
  /** A name for people. */
  displayName?: string;
  /** Which sites get tunnels between them. */
  topology?: Topology;
  /** Hub sites, for HUB_SPOKE. Name of a site. The order carries no meaning. */
  hubs?: readonly string[];
  /** Member sites; empty means every site of the organization. Name of a site. The order carries no meaning. */
  sites?: readonly string[];
  /** Most transit sites on a path, 0..5; unset means 3. From 0 to 5. */
  maxTransitSites?: number;
  /** How packets between two edges are sealed. */
  cipher?: TunnelCipher;
}

/** Fields of Fabric that can be changed. */
export type FabricFields = Omit<FabricInit, "name">;

/** An isolated routing domain [VRF]. Packets never cross from one to another. */
export interface Segment extends Resource {
  /** Resource name: organizations/{organization}/segments/{segment}. Assigned from the parent and the id. */
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
  /** The fabric that carries the segment. Name of a fabric. */
  fabric: string;
  /** Prefixes that sites may announce into the segment; empty means any. The order carries no meaning. */
  prefixes: string[];
  /** Geneve VNI (24 bits), allocated by the cluster and not reused while anything may still carry it. */
  readonly vni: number;
  /** Whether packets of the segment may ever travel in the clear. */
  encryption: SegmentEncryption;
}

/** What a program says of a Segment. */
export interface SegmentInit {
  /** Resource name: organizations/{organization}/segments/{segment}. Assigned from the parent and the id. */
  name: string;
  /** Short key-value pairs for selection by filters. */
  labels?: Record<string, string>;
  /** Free key-value pairs that the system does not read. */
  annotations?: Record<string, string>;
  /** A name for people. */
  displayName?: string;
  /** The fabric that carries the segment. Name of a fabric. */
  fabric: string;
  /** Prefixes that sites may announce into the segment; empty means any. The order carries no meaning. */
  prefixes?: readonly string[];
  /** Whether packets of the segment may ever travel in the clear. */
  encryption?: SegmentEncryption;
}

/** Fields of Segment that can be changed. */
export type SegmentFields = Omit<SegmentInit, "name">;

/** A tunnel between two links of different sites: a view, made from fabrics and links. */
export interface Tunnel extends Resource {
  /** Resource name: organizations/{organization}/tunnels/{tunnel}. Assigned from the parent and the id. */
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
  /** The link at the near end. Name of a link. */
  readonly localLink: string;
  /** The link at the far end. Name of a link. */
  readonly remoteLink: string;
  /** How packets are wrapped. */
  readonly encapsulation: string;
  /** Largest inner packet, bytes. */
  readonly mtu: number;
  /** Up when hellos come back. */
  readonly operState: OperState;
  /** Measured round-trip time, microseconds. */
  readonly rttUs: number;
  /** Measured loss, parts per million. */
  readonly lossPpm: number;
  /** Largest inner packet that was seen to arrive, bytes; 0 when not known yet. */
  readonly pathMtu: number;
  /** How packets are sealed; unspecified on a plain tunnel, and while there is no session. */
  readonly cipher: TunnelCipher;
  /** Age of the keys in use, milliseconds; 0 while there is no session. */
  readonly sessionAgeMs: bigint;
  /** Handshakes with the far end since the tunnel process started there. */
  readonly handshakes: bigint;
}

/** What a program says of a Tunnel. */
export interface TunnelInit {
  /** Resource name: organizations/{organization}/tunnels/{tunnel}. Assigned from the parent and the id. */
  name: string;
  /** Short key-value pairs for selection by filters. */
  labels?: Record<string, string>;
  /** Free key-value pairs that the system does not read. */
  annotations?: Record<string, string>;
  /** A name for people. */
  displayName?: string;
}

/** Fields of Tunnel that can be changed. */
export type TunnelFields = Omit<TunnelInit, "name">;

/** A way from one site to another, over one or more tunnels: a view, made by traffic engineering. */
export interface Path extends Resource {
  /** Resource name: organizations/{organization}/paths/{path}. Assigned from the parent and the id. */
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
  /** First site. Name of a site. */
  readonly sourceSite: string;
  /** Last site. Name of a site. */
  readonly destinationSite: string;
  /** Sites after the first, in order. Name of a site. */
  readonly hops: string[];
  /** First tunnel. Name of a tunnel. */
  readonly tunnel: string;
  /** Share among the paths of the same tier. */
  readonly weight: number;
  /** Used only when no primary path is alive. */
  readonly backup: boolean;
  /** Up when hellos come back. */
  readonly operState: OperState;
  /** Measured round-trip time, microseconds. */
  readonly rttUs: number;
  /** Measured loss, parts per million. */
  readonly lossPpm: number;
  /** Segments whose packets take the path. Name of a segment. */
  readonly segments: string[];
}

/** What a program says of a Path. */
export interface PathInit {
  /** Resource name: organizations/{organization}/paths/{path}. Assigned from the parent and the id. */
  name: string;
  /** Short key-value pairs for selection by filters. */
  labels?: Record<string, string>;
  /** Free key-value pairs that the system does not read. */
  annotations?: Record<string, string>;
  /** A name for people. */
  displayName?: string;
}

/** Fields of Path that can be changed. */
export type PathFields = Omit<PathInit, "name">;
