/**
 * The registry of machine-learning models: the records; their bytes travel apart. Generated from the schema by
 * api/tools/generate; do not edit.
 */

import type { Resource } from "../collection.js";
import type { Condition } from "./common.js";

/**
 * How far a model version may decide. STAGE_UNSPECIFIED: Treated as SHADOW; SHADOW: Computes, decides nothing;
 * CANARY: Decides for a share; LIVE: Decides.
 */
export type Stage = | "STAGE_UNSPECIFIED" | "SHADOW" | "CANARY" | "LIVE" | `UNRECOGNIZED_${number}`;

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
  /** The version in use; empty for none. Name of a modelVersion. */
  liveVersion: string;
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
  /** The version in use; empty for none. Name of a modelVersion. */
  liveVersion?: string;
}

/** Fields of Model that can be changed. */
export type ModelFields = Omit<ModelInit, "name">;

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
  /** Size of the bytes. From 0 to 1099511627776 byte. Fixed at creation. */
  sizeBytes: bigint;
  /** How far it may decide. */
  stage: Stage;
  /** Named results of its evaluation, in millionths. */
  metricsMillionths: Record<string, bigint>;
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
  /** Size of the bytes. From 0 to 1099511627776 byte. Fixed at creation. */
  sizeBytes?: bigint | number;
  /** How far it may decide. */
  stage?: Stage;
  /** Named results of its evaluation, in millionths. */
  metricsMillionths?: Record<string, bigint | number>;
}

/** Fields of ModelVersion that can be changed. */
export type ModelVersionFields = Omit<ModelVersionInit, "name" | "digest" | "sizeBytes">;
