/**
 * Identities that come from elsewhere: identity providers whose tokens name users, and identities that are refused.
 * Generated from the schema by api/tools/generate; do not edit.
 */

import type { Resource } from "../collection.js";
import type { Condition } from "./common.js";

/** An OpenID Connect issuer whose tokens name users: organizations/acme/identityProviders/okta/users/SUBJECT. */
export interface IdentityProvider extends Resource {
  /**
   * Resource name: organizations/{organization}/identityProviders/{identity_provider}. Assigned from the parent and
   * the id.
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
  /** The `iss` of its tokens: an https URL. Keys are found through its discovery document. */
  issuer: string;
  /** A token names one of these as `aud`. The order carries no meaning. */
  audiences: string[];
  /** URL of the key set, where discovery is not wanted. */
  jwksUri: string;
  /** Claim that names the user; empty: "sub". */
  subjectClaim: string;
  /** Claim that lists the user's groups; empty: "groups". */
  groupsClaim: string;
  /** True: its tokens are refused. */
  disabled: boolean;
}

/** What a program says of a IdentityProvider. */
export interface IdentityProviderInit {
  /**
   * Resource name: organizations/{organization}/identityProviders/{identity_provider}. Assigned from the parent and
   * the id.
   */
  name: string;
  /** Short key-value pairs for selection by filters. */
  labels?: Record<string, string>;
  /** Free key-value pairs that the system does not read. */
  annotations?: Record<string, string>;
  /** A name for people. */
  displayName?: string;
  /** The `iss` of its tokens: an https URL. Keys are found through its discovery document. */
  issuer: string;
  /** A token names one of these as `aud`. The order carries no meaning. */
  audiences: readonly string[];
  /** URL of the key set, where discovery is not wanted. */
  jwksUri?: string;
  /** Claim that names the user; empty: "sub". */
  subjectClaim?: string;
  /** Claim that lists the user's groups; empty: "groups". */
  groupsClaim?: string;
  /** True: its tokens are refused. */
  disabled?: boolean;
}

/** Fields of IdentityProvider that can be changed. */
export type IdentityProviderFields = Omit<IdentityProviderInit, "name">;

/** An identity that is refused at every door, whatever it presents, and whose open streams end. */
export interface DeniedIdentity extends Resource {
  /** Resource name: deniedIdentities/{denied_identity}. Assigned from the parent and the id. */
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
  /** A SPIFFE id, a service account, an API key, or a user of an identity provider. Fixed at creation. */
  identity: string;
  /** Why, for people. */
  reason: string;
  /** Until when; unset: for ever. */
  expireTime?: Date;
}

/** What a program says of a DeniedIdentity. */
export interface DeniedIdentityInit {
  /** Resource name: deniedIdentities/{denied_identity}. Assigned from the parent and the id. */
  name: string;
  /** Short key-value pairs for selection by filters. */
  labels?: Record<string, string>;
  /** Free key-value pairs that the system does not read. */
  annotations?: Record<string, string>;
  /** A name for people. */
  displayName?: string;
  /** A SPIFFE id, a service account, an API key, or a user of an identity provider. Fixed at creation. */
  identity: string;
  /** Why, for people. */
  reason?: string;
  /** Until when; unset: for ever. */
  expireTime?: Date;
}

/** Fields of DeniedIdentity that can be changed. */
export type DeniedIdentityFields = Omit<DeniedIdentityInit, "name" | "identity">;
