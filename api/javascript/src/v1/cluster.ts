/**
 * The cluster itself: controllers, join tokens, enrolment, status. Generated from the schema by api/tools/generate;
 * do not edit.
 */

import type { Resource } from "../collection.js";
import type { Condition } from "./common.js";

/**
 * What part a controller takes in consensus. CONTROLLER_ROLE_UNSPECIFIED: Not allowed; VOTER: Votes; STANDBY:
 * Replicates, does not vote.
 */
export type ControllerRole = | "CONTROLLER_ROLE_UNSPECIFIED" | "VOTER" | "STANDBY" | `UNRECOGNIZED_${number}`;

/** A node that is, or may become, a Raft voter. */
export interface Controller extends Resource {
  /** Resource name: controllers/{controller}. Assigned from the parent and the id. */
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
  /** Raft id of the node; allocated at join, never reused. Fixed at creation. */
  raftId: bigint;
  /** Where other controllers reach it, host:port. */
  peerAddress: string;
  /** Where clients reach it, host:port. */
  apiAddress: string;
  /** Where edges reach it, host:port. */
  agentAddress: string;
  /** Region, for locality decisions. */
  region: string;
  /** What part it takes in consensus. */
  role: ControllerRole;
  /** Current part. */
  readonly raftState: string;
  /** Newest log index known to be stored there. */
  readonly matchIndex: bigint;
  /** SHA-256 of the enrolled public key, hexadecimal; empty for the controller that the cluster began with. */
  readonly publicKeyDigest: string;
  /**
   * Leadership moves to a voter of a higher priority, once it answers and has caught up. Equal ones do not compete.
   * To prefer a region, give all of its controllers the same higher number (patronusctl controllers prefer REGION).
   * From 0 to 100.
   */
  leaderPriority: number;
}

/** What a program says of a Controller. */
export interface ControllerInit {
  /** Resource name: controllers/{controller}. Assigned from the parent and the id. */
  name: string;
  /** Short key-value pairs for selection by filters. */
  labels?: Record<string, string>;
  /** Free key-value pairs that the system does not read. */
  annotations?: Record<string, string>;
  /** A name for people. */
  displayName?: string;
  /** Raft id of the node; allocated at join, never reused. Fixed at creation. */
  raftId?: bigint | number;
  /** Where other controllers reach it, host:port. */
  peerAddress: string;
  /** Where clients reach it, host:port. */
  apiAddress: string;
  /** Where edges reach it, host:port. */
  agentAddress: string;
  /** Region, for locality decisions. */
  region?: string;
  /** What part it takes in consensus. */
  role: ControllerRole;
  /**
   * Leadership moves to a voter of a higher priority, once it answers and has caught up. Equal ones do not compete.
   * To prefer a region, give all of its controllers the same higher number (patronusctl controllers prefer REGION).
   * From 0 to 100.
   */
  leaderPriority?: number;
}

/** Fields of Controller that can be changed. */
export type ControllerFields = Omit<ControllerInit, "name" | "raftId">;

/** Permission for one node to join. The token itself is shown once and stored as a hash. */
export interface EnrollmentToken extends Resource {
  /** Resource name: enrollmentTokens/{enrollment_token}. Assigned from the parent and the id. */
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
  /** What the node becomes: "edge", "voter" or "standby". Fixed at creation. */
  role: string;
  /** For an edge: the resource that the node becomes. Name of a edge. Fixed at creation. */
  edge: string;
  /** SHA-256 of the secret part, hexadecimal. Fixed at creation. */
  secretDigest: string;
  /** After this the token is refused; at most a day after creation. Fixed at creation. */
  expireTime?: Date;
  /** Digest of the public key of the node that used it; the same node may repeat its request. */
  readonly usedKeyDigest: string;
  /** True once a node has joined with it. */
  readonly used: boolean;
}

/** What a program says of a EnrollmentToken. */
export interface EnrollmentTokenInit {
  /** Resource name: enrollmentTokens/{enrollment_token}. Assigned from the parent and the id. */
  name: string;
  /** Short key-value pairs for selection by filters. */
  labels?: Record<string, string>;
  /** Free key-value pairs that the system does not read. */
  annotations?: Record<string, string>;
  /** A name for people. */
  displayName?: string;
  /** What the node becomes: "edge", "voter" or "standby". Fixed at creation. */
  role: string;
  /** For an edge: the resource that the node becomes. Name of a edge. Fixed at creation. */
  edge?: string;
  /** SHA-256 of the secret part, hexadecimal. Fixed at creation. */
  secretDigest: string;
  /** After this the token is refused; at most a day after creation. Fixed at creation. */
  expireTime: Date;
}

/** Fields of EnrollmentToken that can be changed. */
export type EnrollmentTokenFields = Omit<EnrollmentTokenInit, "name" | "role" | "edge" | "secretDigest" | "expireTime">;

/** Request of Enroll. */
export interface EnrollRequest {
  /** The token as printed by `patronusctl tokens create`. */
  token: string;
  /** PKCS #10 request in DER, signed by the node's own key. */
  csr: Uint8Array;
  /** For a controller: id of its Controller resource. */
  controllerId: string;
  /** For a controller: its addresses. */
  peerAddress: string;
  /** See peer_address. */
  apiAddress: string;
  /** See peer_address. */
  agentAddress: string;
  /** See peer_address. */
  region: string;
}

/** What a program says of a EnrollRequest. */
export interface EnrollRequestInit {
  /** The token as printed by `patronusctl tokens create`. */
  token?: string;
  /** PKCS #10 request in DER, signed by the node's own key. */
  csr?: Uint8Array;
  /** For a controller: id of its Controller resource. */
  controllerId?: string;
  /** For a controller: its addresses. */
  peerAddress?: string;
  /** See peer_address. */
  apiAddress?: string;
  /** See peer_address. */
  agentAddress?: string;
  /** See peer_address. */
  region?: string;
}

/** Response of Enroll. */
export interface EnrollResponse {
  /** Leaf certificate in PEM. */
  certificatePem: string;
  /** CA certificates in PEM. */
  caPem: string;
  /** Id of the cluster. */
  clusterId: string;
  /** What the node is now: "edge", "voter" or "standby". */
  role: string;
  /** SPIFFE id in the certificate. */
  spiffeId: string;
  /** For a controller: its Raft id. */
  raftId: bigint;
  /** For a voter or standby: the seal key, 32 bytes. */
  sealKey: Uint8Array;
  /** Ed25519 public key that bundles are signed with, 32 bytes. */
  bundleKey: Uint8Array;
  /** Every controller. */
  controllers: ControllerAddress[];
  /** How often the cluster was restored or recovered; controllers of different epochs do not talk to each other. */
  epoch: bigint;
}

/** What a program says of a EnrollResponse. */
export interface EnrollResponseInit {
  /** Leaf certificate in PEM. */
  certificatePem?: string;
  /** CA certificates in PEM. */
  caPem?: string;
  /** Id of the cluster. */
  clusterId?: string;
  /** What the node is now: "edge", "voter" or "standby". */
  role?: string;
  /** SPIFFE id in the certificate. */
  spiffeId?: string;
  /** For a controller: its Raft id. */
  raftId?: bigint | number;
  /** For a voter or standby: the seal key, 32 bytes. */
  sealKey?: Uint8Array;
  /** Ed25519 public key that bundles are signed with, 32 bytes. */
  bundleKey?: Uint8Array;
  /** Every controller. */
  controllers?: readonly ControllerAddressInit[];
  /** How often the cluster was restored or recovered; controllers of different epochs do not talk to each other. */
  epoch?: bigint | number;
}

/** Where a controller is reached. */
export interface ControllerAddress {
  /** Name of the resource. */
  name: string;
  /** Raft id. */
  raftId: bigint;
  /** host:port for other controllers. */
  peerAddress: string;
  /** host:port for clients. */
  apiAddress: string;
  /** host:port for edges. */
  agentAddress: string;
}

/** What a program says of a ControllerAddress. */
export interface ControllerAddressInit {
  /** Name of the resource. */
  name?: string;
  /** Raft id. */
  raftId?: bigint | number;
  /** host:port for other controllers. */
  peerAddress?: string;
  /** host:port for clients. */
  apiAddress?: string;
  /** host:port for edges. */
  agentAddress?: string;
}

/** Request of Renew. */
export interface RenewRequest {
  /** The current or an expired leaf certificate, PEM. */
  certificatePem: string;
  /** PKCS #10 request in DER, signed by the enrolled key. */
  csr: Uint8Array;
}

/** What a program says of a RenewRequest. */
export interface RenewRequestInit {
  /** The current or an expired leaf certificate, PEM. */
  certificatePem?: string;
  /** PKCS #10 request in DER, signed by the enrolled key. */
  csr?: Uint8Array;
}

/** Response of Renew. */
export interface RenewResponse {
  /** Leaf certificate in PEM. */
  certificatePem: string;
  /** CA certificates in PEM. */
  caPem: string;
}

/** What a program says of a RenewResponse. */
export interface RenewResponseInit {
  /** Leaf certificate in PEM. */
  certificatePem?: string;
  /** CA certificates in PEM. */
  caPem?: string;
}

/** Request of GetClusterStatus. */
export type GetClusterStatusRequest = Record<string, never>;

/** Request of GetClusterStatus. */
export type GetClusterStatusRequestInit = Record<string, never>;

/** Response of GetClusterStatus: how the answering node sees the cluster. */
export interface GetClusterStatusResponse {
  /** Id of the cluster. */
  clusterId: string;
  /** The answering node. */
  controller: string;
  /** "leader", "follower", "candidate" or "standby". */
  raftState: string;
  /** Current term. */
  term: bigint;
  /** Name of the leader's Controller resource, empty when unknown. */
  leader: string;
  /** Highest committed and applied log index. */
  commitIndex: bigint;
  /** See commit_index. */
  appliedIndex: bigint;
  /** Digest of the replicated state at applied_index, hexadecimal. */
  stateDigest: string;
  /** Level of behaviour in force: every member supports it. */
  clusterLevel: number;
  /** Members; match_index is known to the leader only. */
  controllers: ControllerStatus[];
  /** Nodes with an open stream to this node. */
  connectedEdges: number;
  /** Generation of the newest computed bundles. */
  generation: bigint;
  /** Version of the answering binary. */
  softwareVersion: string;
  /** Highest cluster level that the answering binary supports; 0 from binaries that support level 1 only. */
  supportedLevel: number;
}

/** What a program says of a GetClusterStatusResponse. */
export interface GetClusterStatusResponseInit {
  /** Id of the cluster. */
  clusterId?: string;
  /** The answering node. */
  controller?: string;
  /** "leader", "follower", "candidate" or "standby". */
  raftState?: string;
  /** Current term. */
  term?: bigint | number;
  /** Name of the leader's Controller resource, empty when unknown. */
  leader?: string;
  /** Highest committed and applied log index. */
  commitIndex?: bigint | number;
  /** See commit_index. */
  appliedIndex?: bigint | number;
  /** Digest of the replicated state at applied_index, hexadecimal. */
  stateDigest?: string;
  /** Level of behaviour in force: every member supports it. */
  clusterLevel?: number;
  /** Members; match_index is known to the leader only. */
  controllers?: readonly ControllerStatusInit[];
  /** Nodes with an open stream to this node. */
  connectedEdges?: number;
  /** Generation of the newest computed bundles. */
  generation?: bigint | number;
  /** Version of the answering binary. */
  softwareVersion?: string;
  /** Highest cluster level that the answering binary supports; 0 from binaries that support level 1 only. */
  supportedLevel?: number;
}

/** One member. */
export interface ControllerStatus {
  /** Name of the resource. */
  name: string;
  /** Raft id. */
  raftId: bigint;
  /** "voter", "standby" or "spare". */
  role: string;
  /** Highest log index known to be stored there. */
  matchIndex: bigint;
  /** host:port for other controllers. */
  peerAddress: string;
}

/** What a program says of a ControllerStatus. */
export interface ControllerStatusInit {
  /** Name of the resource. */
  name?: string;
  /** Raft id. */
  raftId?: bigint | number;
  /** "voter", "standby" or "spare". */
  role?: string;
  /** Highest log index known to be stored there. */
  matchIndex?: bigint | number;
  /** host:port for other controllers. */
  peerAddress?: string;
}

/** Request of TransferLeadership. */
export interface TransferLeadershipRequest {
  /** The controller to lead; empty lets the leader choose. */
  controller: string;
}

/** What a program says of a TransferLeadershipRequest. */
export interface TransferLeadershipRequestInit {
  /** The controller to lead; empty lets the leader choose. */
  controller?: string;
}

/** Response of TransferLeadership. */
export type TransferLeadershipResponse = Record<string, never>;

/** Response of TransferLeadership. */
export type TransferLeadershipResponseInit = Record<string, never>;

/** Request of FinalizeUpgrade. */
export interface FinalizeUpgradeRequest {
  /** Check everything, change nothing (AIP-163). */
  validateOnly: boolean;
}

/** What a program says of a FinalizeUpgradeRequest. */
export interface FinalizeUpgradeRequestInit {
  /** Check everything, change nothing (AIP-163). */
  validateOnly?: boolean;
}

/** Response of FinalizeUpgrade. */
export interface FinalizeUpgradeResponse {
  /** Level in force now. */
  level: number;
  /** Level in force before; equal when there was nothing to raise. */
  previousLevel: number;
}

/** What a program says of a FinalizeUpgradeResponse. */
export interface FinalizeUpgradeResponseInit {
  /** Level in force now. */
  level?: number;
  /** Level in force before; equal when there was nothing to raise. */
  previousLevel?: number;
}

/** Request of Backup. */
export interface BackupRequest {
  /**
   * Take what the answering controller has, without asking the leader: works without a leader, and may lack the
   * newest writes.
   */
  stale: boolean;
}

/** What a program says of a BackupRequest. */
export interface BackupRequestInit {
  /**
   * Take what the answering controller has, without asking the leader: works without a leader, and may lack the
   * newest writes.
   */
  stale?: boolean;
}

/** What a backup is; stands in the first message of the stream. */
export interface BackupManifest {
  /** Id of the cluster. */
  clusterId: string;
  /** How often the cluster was restored before. */
  epoch: bigint;
  /** Log index that the state has applied: every write acknowledged before the call is in it, unless it is stale. */
  revision: bigint;
  /** Log index of the snapshot: at or above revision. */
  index: bigint;
  /** Term of that entry. */
  term: bigint;
  /** Cluster level. */
  level: number;
  /** When it was taken, by the answering controller's clock. */
  createTime?: Date;
  /** Name of the answering controller. */
  controller: string;
  /** Version of its binary. */
  softwareVersion: string;
  /** Taken without asking the leader. */
  stale: boolean;
  /** Bytes that follow. */
  size: bigint;
  /** SHA-256 of them, hexadecimal. */
  sha256: string;
}

/** What a program says of a BackupManifest. */
export interface BackupManifestInit {
  /** Id of the cluster. */
  clusterId?: string;
  /** How often the cluster was restored before. */
  epoch?: bigint | number;
  /** Log index that the state has applied: every write acknowledged before the call is in it, unless it is stale. */
  revision?: bigint | number;
  /** Log index of the snapshot: at or above revision. */
  index?: bigint | number;
  /** Term of that entry. */
  term?: bigint | number;
  /** Cluster level. */
  level?: number;
  /** When it was taken, by the answering controller's clock. */
  createTime?: Date;
  /** Name of the answering controller. */
  controller?: string;
  /** Version of its binary. */
  softwareVersion?: string;
  /** Taken without asking the leader. */
  stale?: boolean;
  /** Bytes that follow. */
  size?: bigint | number;
  /** SHA-256 of them, hexadecimal. */
  sha256?: string;
}

/** One message of the stream that Backup answers. */
export interface BackupChunk {
  /** In the first message only. */
  manifest?: BackupManifest;
  /** The state's bytes, in order; those of all messages together are what the manifest says. */
  data: Uint8Array;
}

/** What a program says of a BackupChunk. */
export interface BackupChunkInit {
  /** In the first message only. */
  manifest?: BackupManifestInit;
  /** The state's bytes, in order; those of all messages together are what the manifest says. */
  data?: Uint8Array;
}
