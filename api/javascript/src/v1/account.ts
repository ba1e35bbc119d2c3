/**
 * Accounts: programs that call the API, and their keys. Generated from the schema by api/tools/generate; do not edit.
 */

import type { Resource } from "../collection.js";
import type { Condition } from "./common.js";

/** A program that calls the API. It can nothing until a binding names it. */
export interface ServiceAccount extends Resource {
  /**
   * Resource name: organizations/{organization}/serviceAccounts/{service_account}. Assigned from the parent and the
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
  /** True: its keys are refused. */
  disabled: boolean;
}

/** What a program says of a ServiceAccount. */
export interface ServiceAccountInit {
  /**
   * Resource name: organizations/{organization}/serviceAccounts/{service_account}. Assigned from the parent and the
   * id.
   */
  name: string;
  /** Short key-value pairs for selection by filters. */
  labels?: Record<string, string>;
  /** Free key-value pairs that the system does not read. */
  annotations?: Record<string, string>;
  /** A name for people. */
  displayName?: string;
  /** True: its keys are refused. */
  disabled?: boolean;
}

/** Fields of ServiceAccount that can be changed. */
export type ServiceAccountFields = Omit<ServiceAccountInit, "name">;

/** Request of IssueApiKey. */
export interface IssueApiKeyRequest {
  /** Name of the service account. */
  parent: string;
  /** Last segment of the name; matches [a-z]([a-z0-9-]{0,61}[a-z0-9])? */
  apiKeyId: string;
  /** The key's properties. */
  apiKey?: ApiKey;
}

/** What a program says of a IssueApiKeyRequest. */
export interface IssueApiKeyRequestInit {
  /** Name of the service account. */
  parent?: string;
  /** Last segment of the name; matches [a-z]([a-z0-9-]{0,61}[a-z0-9])? */
  apiKeyId?: string;
  /** The key's properties. */
  apiKey?: ApiKeyInit;
}

/** Response of IssueApiKey. */
export interface IssueApiKeyResponse {
  /** The resource. */
  apiKey?: ApiKey;
  /** The key itself, to be sent as "authorization: Bearer KEY". It is shown here and never again. */
  key: string;
}

/** What a program says of a IssueApiKeyResponse. */
export interface IssueApiKeyResponseInit {
  /** The resource. */
  apiKey?: ApiKeyInit;
  /** The key itself, to be sent as "authorization: Bearer KEY". It is shown here and never again. */
  key?: string;
}

/** A key that speaks for a service account. Made by IssueApiKey; the cluster keeps a keyed digest of it only. */
export interface ApiKey extends Resource {
  /**
   * Resource name: organizations/{organization}/serviceAccounts/{service_account}/apiKeys/{api_key}. Assigned from
   * the parent and the id.
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
  /** HMAC-SHA256 of the key, under a key that the controllers share. Fixed at creation. */
  secretHmac: string;
  /** First characters of the key, to tell one from another. Fixed at creation. */
  hint: string;
  /** When it ends; unset: never. */
  expireTime?: Date;
  /**
   * Permissions that the key is good for, of those its account has, for example "sites.*"; empty: all. The order
   * carries no meaning.
   */
  scopes: string[];
  /** Prefixes from which the key is good; empty: any. The order carries no meaning. */
  sourcePrefixes: string[];
  /** True: it is refused. */
  disabled: boolean;
}

/** What a program says of a ApiKey. */
export interface ApiKeyInit {
  /**
   * Resource name: organizations/{organization}/serviceAccounts/{service_account}/apiKeys/{api_key}. Assigned from
   * the parent and the id.
   */
  name: string;
  /** Short key-value pairs for selection by filters. */
  labels?: Record<string, string>;
  /** Free key-value pairs that the system does not read. */
  annotations?: Record<string, string>;
  /** A name for people. */
  displayName?: string;
  /** HMAC-SHA256 of the key, under a key that the controllers share. Fixed at creation. */
  secretHmac: string;
  /** First characters of the key, to tell one from another. Fixed at creation. */
  hint?: string;
  /** When it ends; unset: never. */
  expireTime?: Date;
  /**
   * Permissions that the key is good for, of those its account has, for example "sites.*"; empty: all. The order
   * carries no meaning.
   */
  scopes?: readonly string[];
  /** Prefixes from which the key is good; empty: any. The order carries no meaning. */
  sourcePrefixes?: readonly string[];
  /** True: it is refused. */
  disabled?: boolean;
}

/** Fields of ApiKey that can be changed. */
export type ApiKeyFields = Omit<ApiKeyInit, "name" | "secretHmac" | "hint">;
