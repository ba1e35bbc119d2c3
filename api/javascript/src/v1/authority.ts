/**
 * The cluster's certificate authorities and their rotation. Authorities are no resources: nobody writes them but the
 * leader, and their keys stand sealed in the replicated state. Generated from the schema by api/tools/generate; do
 * not edit.
 */

/**
 * Where an authority is in its life. One is ISSUING at any time. AUTHORITY_STATE_UNSPECIFIED: None; PENDING: New:
 * every node learns to trust it; nothing is signed by it yet; ISSUING: Signs; RETIRING: Signs no more and is still
 * trusted, until nobody needs it.
 */
export type AuthorityState = | "AUTHORITY_STATE_UNSPECIFIED" | "PENDING" | "ISSUING" | "RETIRING" | `UNRECOGNIZED_${number}`;

/** One certificate authority. */
export interface Authority {
  /** "ca-1", "ca-2": a number is used once. */
  id: string;
  /** See values. */
  state: AuthorityState;
  /** Its certificate. */
  certificatePem: string;
  /** SHA-256 of the certificate, hexadecimal. */
  fingerprint: string;
  /** When it ends. */
  expireTime?: Date;
  /** When it came into this state; unset for the one that the cluster began with. */
  stateTime?: Date;
}

/** What a program says of a Authority. */
export interface AuthorityInit {
  /** "ca-1", "ca-2": a number is used once. */
  id?: string;
  /** See values. */
  state?: AuthorityState;
  /** Its certificate. */
  certificatePem?: string;
  /** SHA-256 of the certificate, hexadecimal. */
  fingerprint?: string;
  /** When it ends. */
  expireTime?: Date;
  /** When it came into this state; unset for the one that the cluster began with. */
  stateTime?: Date;
}

/** Whom a rotation waits for, or would break. */
export interface RotationObstacle {
  /** A resource name, or the SPIFFE id of a credential. */
  name: string;
  /** What is wrong, and what to do. */
  reason: string;
}

/** What a program says of a RotationObstacle. */
export interface RotationObstacleInit {
  /** A resource name, or the SPIFFE id of a credential. */
  name?: string;
  /** What is wrong, and what to do. */
  reason?: string;
}

/** How far a rotation is. */
export interface RotationStatus {
  /** The present ones, oldest first. */
  authorities: Authority[];
  /** True while more than one is trusted. */
  running: boolean;
  /** Controllers and enrolled edges. */
  nodes: number;
  /** Of these: who trusts all authorities. */
  nodesTrusting: number;
  /** Of these: who has a certificate of the issuing one. */
  nodesReissued: number;
  /**
   * What stands in the way; 256 at most. Of a rotation that does not run: whom one would break if it did not wait.
   */
  obstacles: RotationObstacle[];
  /** How many there are. */
  obstaclesLen: number;
  /** True: the rotation does not wait for edges that are offline and for credentials of people. */
  forced: boolean;
}

/** What a program says of a RotationStatus. */
export interface RotationStatusInit {
  /** The present ones, oldest first. */
  authorities?: readonly AuthorityInit[];
  /** True while more than one is trusted. */
  running?: boolean;
  /** Controllers and enrolled edges. */
  nodes?: number;
  /** Of these: who trusts all authorities. */
  nodesTrusting?: number;
  /** Of these: who has a certificate of the issuing one. */
  nodesReissued?: number;
  /**
   * What stands in the way; 256 at most. Of a rotation that does not run: whom one would break if it did not wait.
   */
  obstacles?: readonly RotationObstacleInit[];
  /** How many there are. */
  obstaclesLen?: number;
  /** True: the rotation does not wait for edges that are offline and for credentials of people. */
  forced?: boolean;
}

/** Request of ListAuthorities. */
export type ListAuthoritiesRequest = Record<string, never>;

/** Request of ListAuthorities. */
export type ListAuthoritiesRequestInit = Record<string, never>;

/** Request of RotateAuthority. */
export interface RotateAuthorityRequest {
  /** Change nothing: say whom it would break. */
  validateOnly: boolean;
  /**
   * Do not wait for edges that are offline, which then must be joined again with a new token, nor for credentials of
   * people, who then need new ones. May be given to a rotation that is under way.
   */
  force: boolean;
  /** Give up a rotation whose new authority has not signed yet. */
  abort: boolean;
}

/** What a program says of a RotateAuthorityRequest. */
export interface RotateAuthorityRequestInit {
  /** Change nothing: say whom it would break. */
  validateOnly?: boolean;
  /**
   * Do not wait for edges that are offline, which then must be joined again with a new token, nor for credentials of
   * people, who then need new ones. May be given to a rotation that is under way.
   */
  force?: boolean;
  /** Give up a rotation whose new authority has not signed yet. */
  abort?: boolean;
}

/** Of a controller, to the leader: what it trusts and who signed its certificate. */
export interface TrustReport {
  /** SHA-256 of the authorities that it trusts, as PEM text. */
  trustDigest: Uint8Array;
  /** Key id of the authority that signed its certificate, hexadecimal. */
  issuer: string;
  /** When the certificate ends, nanoseconds since 1970. */
  expireTimeNs: bigint;
  /** Controllers: certificates of people that it saw lately. */
  seen: SeenCredential[];
  /** Controllers: SHA-256 of the next seal key under a constant, when it has one. */
  nextSealKeyDigest: Uint8Array;
}

/** What a program says of a TrustReport. */
export interface TrustReportInit {
  /** SHA-256 of the authorities that it trusts, as PEM text. */
  trustDigest?: Uint8Array;
  /** Key id of the authority that signed its certificate, hexadecimal. */
  issuer?: string;
  /** When the certificate ends, nanoseconds since 1970. */
  expireTimeNs?: bigint | number;
  /** Controllers: certificates of people that it saw lately. */
  seen?: readonly SeenCredentialInit[];
  /** Controllers: SHA-256 of the next seal key under a constant, when it has one. */
  nextSealKeyDigest?: Uint8Array;
}

/** A certificate that a controller saw. */
export interface SeenCredential {
  /** Whose. */
  spiffeId: string;
  /** See TrustReport. */
  issuer: string;
  /** See TrustReport. */
  expireTimeNs: bigint;
  /** How long ago, when the report was made. */
  ageMs: bigint;
}

/** What a program says of a SeenCredential. */
export interface SeenCredentialInit {
  /** Whose. */
  spiffeId?: string;
  /** See TrustReport. */
  issuer?: string;
  /** See TrustReport. */
  expireTimeNs?: bigint | number;
  /** How long ago, when the report was made. */
  ageMs?: bigint | number;
}

/** Response of ReportTrust. */
export type ReportTrustResponse = Record<string, never>;

/** Response of ReportTrust. */
export type ReportTrustResponseInit = Record<string, never>;

/** Request of ResealSecrets. */
export interface ResealSecretsRequest {
  /** Change nothing: say which controllers lack the next key. */
  validateOnly: boolean;
}

/** What a program says of a ResealSecretsRequest. */
export interface ResealSecretsRequestInit {
  /** Change nothing: say which controllers lack the next key. */
  validateOnly?: boolean;
}

/** Response of ResealSecrets. */
export interface ResealSecretsResponse {
  /** How many values were sealed anew. */
  values: number;
  /**
   * Controllers without the next key, or with another one than the leader's. Nothing is sealed while there is one.
   */
  obstacles: RotationObstacle[];
}

/** What a program says of a ResealSecretsResponse. */
export interface ResealSecretsResponseInit {
  /** How many values were sealed anew. */
  values?: number;
  /**
   * Controllers without the next key, or with another one than the leader's. Nothing is sealed while there is one.
   */
  obstacles?: readonly RotationObstacleInit[];
}

/** Request of IssueCredential. */
export interface IssueCredentialRequest {
  /** Who it is: the end of the identity spiffe://CLUSTER/ROLE/ID. Lower-case letters, digits and hyphens. */
  id: string;
  /**
   * "user", who may what bindings say; or "admin", who may everything, and whom only an admin's certificate makes.
   * Empty: "user".
   */
  role: string;
  /** Request for a certificate, PKCS #10, DER, signed by the key that it is for. Nothing else in it counts. */
  csr: Uint8Array;
  /**
   * For how long it is good: 1 h to 366 days; unset: 90 days. It can be renewed under another authority, but not
   * beyond its end. Deny the identity to end it sooner. Seconds.
   */
  lifetime?: number;
}

/** What a program says of a IssueCredentialRequest. */
export interface IssueCredentialRequestInit {
  /** Who it is: the end of the identity spiffe://CLUSTER/ROLE/ID. Lower-case letters, digits and hyphens. */
  id?: string;
  /**
   * "user", who may what bindings say; or "admin", who may everything, and whom only an admin's certificate makes.
   * Empty: "user".
   */
  role?: string;
  /** Request for a certificate, PKCS #10, DER, signed by the key that it is for. Nothing else in it counts. */
  csr?: Uint8Array;
  /**
   * For how long it is good: 1 h to 366 days; unset: 90 days. It can be renewed under another authority, but not
   * beyond its end. Deny the identity to end it sooner. Seconds.
   */
  lifetime?: number;
}

/** Response of IssueCredential. */
export interface IssueCredentialResponse {
  /** The certificate, PEM. */
  certificatePem: string;
  /** The authorities to trust, PEM. */
  caPem: string;
  /** The identity, as role bindings and DeniedIdentity name it. */
  spiffeId: string;
  /** When it ends. */
  expireTime?: Date;
}

/** What a program says of a IssueCredentialResponse. */
export interface IssueCredentialResponseInit {
  /** The certificate, PEM. */
  certificatePem?: string;
  /** The authorities to trust, PEM. */
  caPem?: string;
  /** The identity, as role bindings and DeniedIdentity name it. */
  spiffeId?: string;
  /** When it ends. */
  expireTime?: Date;
}
