/**
 * The registry of machine-learning models: the records, and how their bytes come and go. Generated from the schema by
 * api/tools/generate; do not edit.
 */

import type { Resource } from "../collection.js";
import type { Condition } from "./common.js";

/**
 * How far a model version may decide. STAGE_UNSPECIFIED: Treated as SHADOW; SHADOW: Computes, decides nothing;
 * CANARY: Decides for a share; LIVE: Decides.
 */
export type Stage = | "STAGE_UNSPECIFIED" | "SHADOW" | "CANARY" | "LIVE" | `UNRECOGNIZED_${number}`;

/**
 * Where the bytes of a version are. ARTIFACT_STATE_UNSPECIFIED: They have not come; OFFERED: One controller has them,
 * verified; the others fetch them; STORED: A majority of the voters has them on disk, verified.
 */
export type ArtifactState = | "ARTIFACT_STATE_UNSPECIFIED" | "OFFERED" | "STORED" | `UNRECOGNIZED_${number}`;

/** A model with a purpose; its versions hold what was trained. */
export interface Model extends Resource {
  /** Resource name: organizations/{organization}/models/{model}. Assigned from the parent and the id. */
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
  /** What it is for, for example "dpi" or "forecast". */
  purpose: string;
  /**
   * The version in use; empty for none. Its bytes must be stored. PromoteModelVersion sets it together with the
   * stages. Name of a modelVersion.
   */
  liveVersion: string;
  /**
   * Ed25519 public keys, hexadecimal, one of which must have signed a version before it may decide or be loaded.
   * Empty: versions need no signature. The order carries no meaning.
   */
  signingKeys: string[];
  /** The version that was in use before live_version: where RollbackModel goes. */
  readonly previousLiveVersion: string;
  /**
   * How many versions to keep besides those in use, in CANARY, and the one in use before: older ones are deleted, the
   * oldest first. 0: all. From 0 to 10000.
   */
  keepVersions: number;
}

/** What a program says of a Model. */
export interface ModelInit {
  /** Resource name: organizations/{organization}/models/{model}. Assigned from the parent and the id. */
  name: string;
  /** Short key-value pairs for selection by filters. */
  labels?: Record<string, string>;
  /** Free key-value pairs that the system does not read. */
  annotations?: Record<string, string>;
  /** A name for people. */
  displayName?: string;
  /** What it is for, for example "dpi" or "forecast". */
  purpose: string;
  /**
   * The version in use; empty for none. Its bytes must be stored. PromoteModelVersion sets it together with the
   * stages. Name of a modelVersion.
   */
  liveVersion?: string;
  /**
   * Ed25519 public keys, hexadecimal, one of which must have signed a version before it may decide or be loaded.
   * Empty: versions need no signature. The order carries no meaning.
   */
  signingKeys?: readonly string[];
  /**
   * How many versions to keep besides those in use, in CANARY, and the one in use before: older ones are deleted, the
   * oldest first. 0: all. From 0 to 10000.
   */
  keepVersions?: number;
}

/** Fields of Model that can be changed. */
export type ModelFields = Omit<ModelInit, "name">;

/** Request of RollbackModel. */
export interface RollbackModelRequest {
  /** Name of the Model. */
  name: string;
  /** Makes a retry safe. */
  requestId: string;
}

/** What a program says of a RollbackModelRequest. */
export interface RollbackModelRequestInit {
  /** Name of the Model. */
  name: string;
  /** Makes a retry safe. */
  requestId?: string;
}

/** One trained state of a model. */
export interface ModelVersion extends Resource {
  /**
   * Resource name: organizations/{organization}/models/{model}/versions/{version}. Assigned from the parent and the
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
  /** SHA-256 of the bytes, hexadecimal. Fixed at creation. */
  digest: string;
  /**
   * Size of the bytes. They count to the organization's quota of bytes from the creation of the version on. From 0 to
   * 1099511627776 byte. Fixed at creation.
   */
  sizeBytes: bigint;
  /**
   * How far it may decide. CANARY and LIVE need its bytes stored and, when the model has signing keys, its signature;
   * LIVE is the model's live_version alone.
   */
  stage: Stage;
  /** Named results of its evaluation, in millionths. */
  metricsMillionths: Record<string, bigint>;
  /**
   * Ed25519 signature, 128 hexadecimal digits, of "patronus model version 1\n", the name, "\n", the digest and "\n".
   */
  signature: string;
  /** Where its bytes are. */
  readonly artifactState: ArtifactState;
  /** Controller that took them. */
  readonly offeredBy: string;
}

/** What a program says of a ModelVersion. */
export interface ModelVersionInit {
  /**
   * Resource name: organizations/{organization}/models/{model}/versions/{version}. Assigned from the parent and the
   * id.
   */
  name: string;
  /** Short key-value pairs for selection by filters. */
  labels?: Record<string, string>;
  /** Free key-value pairs that the system does not read. */
  annotations?: Record<string, string>;
  /** A name for people. */
  displayName?: string;
  /** SHA-256 of the bytes, hexadecimal. Fixed at creation. */
  digest: string;
  /**
   * Size of the bytes. They count to the organization's quota of bytes from the creation of the version on. From 0 to
   * 1099511627776 byte. Fixed at creation.
   */
  sizeBytes?: bigint | number;
  /**
   * How far it may decide. CANARY and LIVE need its bytes stored and, when the model has signing keys, its signature;
   * LIVE is the model's live_version alone.
   */
  stage?: Stage;
  /** Named results of its evaluation, in millionths. */
  metricsMillionths?: Record<string, bigint | number>;
  /**
   * Ed25519 signature, 128 hexadecimal digits, of "patronus model version 1\n", the name, "\n", the digest and "\n".
   */
  signature?: string;
}

/** Fields of ModelVersion that can be changed. */
export type ModelVersionFields = Omit<ModelVersionInit, "name" | "digest" | "sizeBytes">;

/** Request of PromoteModelVersion. */
export interface PromoteModelVersionRequest {
  /** Name of the ModelVersion. */
  name: string;
  /** Makes a retry safe. */
  requestId: string;
}

/** What a program says of a PromoteModelVersionRequest. */
export interface PromoteModelVersionRequestInit {
  /** Name of the ModelVersion. */
  name: string;
  /** Makes a retry safe. */
  requestId?: string;
}

/** One message of UploadArtifact. */
export interface UploadArtifactRequest {
  /** In the first message, with or without data: name of the ModelVersion whose bytes come. It must exist. */
  name: string;
  /** The next piece of the bytes. */
  data: Uint8Array;
}

/** What a program says of a UploadArtifactRequest. */
export interface UploadArtifactRequestInit {
  /** In the first message, with or without data: name of the ModelVersion whose bytes come. It must exist. */
  name?: string;
  /** The next piece of the bytes. */
  data?: Uint8Array;
}

/** Request of DownloadArtifact. */
export interface DownloadArtifactRequest {
  /** Name of the ModelVersion. */
  name: string;
  /** Bytes to leave out: those that the caller has. */
  offset: bigint;
  /** Most bytes to send; 0: all. */
  limit: bigint;
}

/** What a program says of a DownloadArtifactRequest. */
export interface DownloadArtifactRequestInit {
  /** Name of the ModelVersion. */
  name: string;
  /** Bytes to leave out: those that the caller has. */
  offset?: bigint | number;
  /** Most bytes to send; 0: all. */
  limit?: bigint | number;
}

/** What comes before the bytes: all that is needed to check them. */
export interface ArtifactManifest {
  /** Name of the ModelVersion. */
  name: string;
  /** SHA-256 of all the bytes, hexadecimal. */
  digest: string;
  /** How many there are in all. */
  sizeBytes: bigint;
  /** The version's signature. */
  signature: string;
  /** The model's signing keys. */
  signingKeys: string[];
}

/** What a program says of a ArtifactManifest. */
export interface ArtifactManifestInit {
  /** Name of the ModelVersion. */
  name?: string;
  /** SHA-256 of all the bytes, hexadecimal. */
  digest?: string;
  /** How many there are in all. */
  sizeBytes?: bigint | number;
  /** The version's signature. */
  signature?: string;
  /** The model's signing keys. */
  signingKeys?: readonly string[];
}

/** One message of DownloadArtifact. */
export interface ArtifactChunk {
  /** In the first message only. */
  manifest?: ArtifactManifest;
  /** The next piece. */
  data: Uint8Array;
}

/** What a program says of a ArtifactChunk. */
export interface ArtifactChunkInit {
  /** In the first message only. */
  manifest?: ArtifactManifestInit;
  /** The next piece. */
  data?: Uint8Array;
}

/** Of a controller: it has taken the bytes of a version from a client. */
export interface OfferArtifactRequest {
  /** Name of the ModelVersion. */
  name: string;
  /** SHA-256 of the bytes, verified. */
  digest: string;
  /** Who sent them. */
  principal: string;
  /** Groups of the sender, full names. */
  groups: string[];
  /** Name of the API key that the sender presented. */
  apiKey: string;
  /** Address of the sender. */
  source: string;
}

/** What a program says of a OfferArtifactRequest. */
export interface OfferArtifactRequestInit {
  /** Name of the ModelVersion. */
  name: string;
  /** SHA-256 of the bytes, verified. */
  digest: string;
  /** Who sent them. */
  principal: string;
  /** Groups of the sender, full names. */
  groups?: readonly string[];
  /** Name of the API key that the sender presented. */
  apiKey?: string;
  /** Address of the sender. */
  source?: string;
}

/** Response of OfferArtifact. */
export type OfferArtifactResponse = Record<string, never>;

/** Response of OfferArtifact. */
export type OfferArtifactResponseInit = Record<string, never>;

/** Of a controller: artifacts that it has on disk, verified. */
export interface ReportArtifactsRequest {
  /** Their digests. */
  digests: string[];
  /** Say which of them nothing refers to, instead of counting them. */
  collect: boolean;
}

/** What a program says of a ReportArtifactsRequest. */
export interface ReportArtifactsRequestInit {
  /** Their digests. */
  digests?: readonly string[];
  /** Say which of them nothing refers to, instead of counting them. */
  collect?: boolean;
}

/** Response of ReportArtifacts. */
export interface ReportArtifactsResponse {
  /** With collect: digests that no version has, as of a moment after the question. */
  unreferenced: string[];
}

/** What a program says of a ReportArtifactsResponse. */
export interface ReportArtifactsResponseInit {
  /** With collect: digests that no version has, as of a moment after the question. */
  unreferenced?: readonly string[];
}
