/** Every message of the API as a TypeScript type. Generated from the schema by api/tools/generate; do not edit. */

import type { Kind } from "../call.js";
import type { Resource } from "../collection.js";

/**
 * Whether a site or link takes part in forwarding. ADMIN_STATE_UNSPECIFIED: Treated as ACTIVE; ACTIVE: Forwards;
 * DRAINED: Takes no new traffic where another path exists; MAINTENANCE: Out of use.
 */
export type AdminState = | "ADMIN_STATE_UNSPECIFIED" | "ACTIVE" | "DRAINED" | "MAINTENANCE" | `UNRECOGNIZED_${number}`;

/**
 * The underlay technology of a link. TRANSPORT_UNSPECIFIED: Unknown; MPLS: A carrier's MPLS service; BROADBAND:
 * Cable, DSL, fibre; LTE: 4G; NR_5G: 5G; SATELLITE: Satellite.
 */
export type Transport = | "TRANSPORT_UNSPECIFIED" | "MPLS" | "BROADBAND" | "LTE" | "NR_5G" | "SATELLITE" | `UNRECOGNIZED_${number}`;

/**
 * What a staged change does. CHANGE_ACTION_UNSPECIFIED: Refused; CHANGE_CREATE: Makes a resource that does not exist;
 * CHANGE_UPDATE: Changes fields of a resource; CHANGE_DELETE: Removes a resource.
 */
export type ChangeAction = | "CHANGE_ACTION_UNSPECIFIED" | "CHANGE_CREATE" | "CHANGE_UPDATE" | "CHANGE_DELETE" | `UNRECOGNIZED_${number}`;

/**
 * Where a change set is in its life. CHANGE_SET_STATE_UNSPECIFIED: Not shown; STAGED: Can be changed, planned,
 * applied; CONFIRMING: In force, and taken back by itself unless it is confirmed before `confirm_before_time`;
 * APPLIED: In force; ROLLED_BACK: Was in force and has been taken back.
 */
export type ChangeSetState = | "CHANGE_SET_STATE_UNSPECIFIED" | "STAGED" | "CONFIRMING" | "APPLIED" | "ROLLED_BACK" | `UNRECOGNIZED_${number}`;

/**
 * Why a change set was taken back. ROLLBACK_CAUSE_UNSPECIFIED: It was not; REQUESTED: Somebody asked for it;
 * NOT_CONFIRMED: Nobody confirmed it in time; NODES_LOST: Edges that were connected when it was applied lost the
 * controllers: see `lost_edges`.
 */
export type RollbackCause = | "ROLLBACK_CAUSE_UNSPECIFIED" | "REQUESTED" | "NOT_CONFIRMED" | "NODES_LOST" | `UNRECOGNIZED_${number}`;

/**
 * What part a controller takes in consensus. CONTROLLER_ROLE_UNSPECIFIED: Not allowed; VOTER: Votes; STANDBY:
 * Replicates, does not vote.
 */
export type ControllerRole = | "CONTROLLER_ROLE_UNSPECIFIED" | "VOTER" | "STANDBY" | `UNRECOGNIZED_${number}`;

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

/**
 * How far a model version may decide. STAGE_UNSPECIFIED: Treated as SHADOW; SHADOW: Computes, decides nothing;
 * CANARY: Decides for a share; LIVE: Decides.
 */
export type Stage = | "STAGE_UNSPECIFIED" | "SHADOW" | "CANARY" | "LIVE" | `UNRECOGNIZED_${number}`;

/**
 * How strongly a rule asks. PREFERENCE_UNSPECIFIED: Treated as AVAILABLE; REQUIRE: Only paths that fit; without one
 * the packet is dropped; PREFER: Paths that fit first, others when none is alive; AVOID: Paths that fit only when no
 * other is alive; AVAILABLE: Any path; DENY: No path: the packet is dropped and counted.
 */
export type Preference = | "PREFERENCE_UNSPECIFIED" | "REQUIRE" | "PREFER" | "AVOID" | "AVAILABLE" | "DENY" | `UNRECOGNIZED_${number}`;

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

/**
 * What packets are for, as their DSCP says (RFC 4594). Edges count what they are offered by class.
 * TRAFFIC_CLASS_UNSPECIFIED: Treated as STANDARD; REALTIME: Voice and live video: EF, VA, CS5, CS4, AF4x;
 * INTERACTIVE: Transactions and control: AF2x, CS2, CS6, CS7; STREAMING: Recorded video: AF3x, CS3; STANDARD:
 * Everything else; BULK: Backups and updates: AF1x, CS1, LE.
 */
export type TrafficClass = | "TRAFFIC_CLASS_UNSPECIFIED" | "REALTIME" | "INTERACTIVE" | "STREAMING" | "STANDARD" | "BULK" | `UNRECOGNIZED_${number}`;

/**
 * What a tenant has booked: the limits that hold where `quotas` names none. TIER_UNSPECIFIED: That of the
 * organization above; a root without tier has no limits: it belongs to whoever runs the cluster; FREE: To try: 3
 * sites, 6 edges, 64 tunnels, 10 policies, 1 model, 1 MiB, 20 requests a second, 8 streams; STARTER: A few sites: 25
 * sites, 50 edges, 10,000 tunnels, 100 policies, 5 models, 16 MiB, 100 requests a second, 64 streams; PROFESSIONAL:
 * Hundreds of sites: 500 sites, 1,000 edges, 1,000,000 tunnels, 1,000 policies, 50 models, 256 MiB, 500 requests a
 * second, 512 streams; ENTERPRISE: As contracted: no limits but those in `quotas`.
 */
export type Tier = | "TIER_UNSPECIFIED" | "FREE" | "STARTER" | "PROFESSIONAL" | "ENTERPRISE" | `UNRECOGNIZED_${number}`;

/** One aspect of a resource's health, as AIP-216 and Kubernetes users know it. */
export interface Condition {
  /** Aspect in UpperCamelCase, for example "Ready". */
  type: string;
  /** True when the aspect holds. */
  status: boolean;
  /** One UpperCamelCase word that says why. */
  reason: string;
  /** A sentence for people; says what to do when status is false. */
  message: string;
  /** When status last changed. */
  lastTransitionTime?: Date;
}

/** What a program says of a Condition. */
export interface ConditionInit {
  /** Aspect in UpperCamelCase, for example "Ready". */
  type?: string;
  /** True when the aspect holds. */
  status?: boolean;
  /** One UpperCamelCase word that says why. */
  reason?: string;
  /** A sentence for people; says what to do when status is false. */
  message?: string;
  /** When status last changed. */
  lastTransitionTime?: Date;
}

/** An inclusive range of transport ports. */
export interface PortRange {
  /** First port, 0..65535. */
  first: number;
  /** Last port, not below first. */
  last: number;
}

/** What a program says of a PortRange. */
export interface PortRangeInit {
  /** First port, 0..65535. */
  first?: number;
  /** Last port, not below first. */
  last?: number;
}

/** When a binding counts. Everything that is set must hold. */
export interface BindingCondition {
  /** The resource has these labels. */
  labels: Record<string, string>;
  /** Not earlier. */
  notBefore?: Date;
  /** Earlier than this. */
  notAfter?: Date;
  /** The call comes from one of these prefixes. The order carries no meaning. */
  sourcePrefixes: string[];
}

/** What a program says of a BindingCondition. */
export interface BindingConditionInit {
  /** The resource has these labels. */
  labels?: Record<string, string>;
  /** Not earlier. */
  notBefore?: Date;
  /** Earlier than this. */
  notAfter?: Date;
  /** The call comes from one of these prefixes. The order carries no meaning. */
  sourcePrefixes?: readonly string[];
}

/** A set of permissions with a name. It counts in its organization and all below. */
export interface Role extends Resource {
  /** Resource name: organizations/{organization}/roles/{role}. Assigned from the parent and the id. */
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
   * Permissions, for example "sites.update", or "sites.*" for all of a collection. One that nobody made yet grants
   * nothing. The order carries no meaning.
   */
  permissions: string[];
}

/** What a program says of a Role. */
export interface RoleInit {
  /** Resource name: organizations/{organization}/roles/{role}. Assigned from the parent and the id. */
  name: string;
  /** Short key-value pairs for selection by filters. */
  labels?: Record<string, string>;
  /** Free key-value pairs that the system does not read. */
  annotations?: Record<string, string>;
  /** A name for people. */
  displayName?: string;
  /**
   * Permissions, for example "sites.update", or "sites.*" for all of a collection. One that nobody made yet grants
   * nothing. The order carries no meaning.
   */
  permissions: readonly string[];
}

/** Fields of Role that can be changed. */
export type RoleFields = Omit<RoleInit, "name">;

/** Who has a role, in its organization and all below. Nobody gives what he does not hold himself. */
export interface RoleBinding extends Resource {
  /** Resource name: organizations/{organization}/roleBindings/{role_binding}. Assigned from the parent and the id. */
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
   * Name of a role: roles/viewer, roles/operator, roles/developer, roles/admin, or a Role of this organization or of
   * one above it.
   */
  role: string;
  /**
   * Who: a service account (organizations/acme/serviceAccounts/ci), a user or a group of an identity provider
   * (organizations/acme/identityProviders/okta/users/SUBJECT, .../groups/GROUP), or a SPIFFE id. The order carries no
   * meaning.
   */
  members: string[];
  /** When the binding counts; unset: always. */
  condition?: BindingCondition;
}

/** What a program says of a RoleBinding. */
export interface RoleBindingInit {
  /** Resource name: organizations/{organization}/roleBindings/{role_binding}. Assigned from the parent and the id. */
  name: string;
  /** Short key-value pairs for selection by filters. */
  labels?: Record<string, string>;
  /** Free key-value pairs that the system does not read. */
  annotations?: Record<string, string>;
  /** A name for people. */
  displayName?: string;
  /**
   * Name of a role: roles/viewer, roles/operator, roles/developer, roles/admin, or a Role of this organization or of
   * one above it.
   */
  role: string;
  /**
   * Who: a service account (organizations/acme/serviceAccounts/ci), a user or a group of an identity provider
   * (organizations/acme/identityProviders/okta/users/SUBJECT, .../groups/GROUP), or a SPIFFE id. The order carries no
   * meaning.
   */
  members: readonly string[];
  /** When the binding counts; unset: always. */
  condition?: BindingConditionInit;
}

/** Fields of RoleBinding that can be changed. */
export type RoleBindingFields = Omit<RoleBindingInit, "name">;

/** Who has a role in the whole cluster: in every organization and in what stands above them. */
export interface ClusterRoleBinding extends Resource {
  /** Resource name: clusterRoleBindings/{cluster_role_binding}. Assigned from the parent and the id. */
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
   * Name of a role: roles/viewer, roles/operator, roles/developer, roles/admin, or a Role of this organization or of
   * one above it.
   */
  role: string;
  /**
   * Who: a service account (organizations/acme/serviceAccounts/ci), a user or a group of an identity provider
   * (organizations/acme/identityProviders/okta/users/SUBJECT, .../groups/GROUP), or a SPIFFE id. The order carries no
   * meaning.
   */
  members: string[];
  /** When the binding counts; unset: always. */
  condition?: BindingCondition;
}

/** What a program says of a ClusterRoleBinding. */
export interface ClusterRoleBindingInit {
  /** Resource name: clusterRoleBindings/{cluster_role_binding}. Assigned from the parent and the id. */
  name: string;
  /** Short key-value pairs for selection by filters. */
  labels?: Record<string, string>;
  /** Free key-value pairs that the system does not read. */
  annotations?: Record<string, string>;
  /** A name for people. */
  displayName?: string;
  /**
   * Name of a role: roles/viewer, roles/operator, roles/developer, roles/admin, or a Role of this organization or of
   * one above it.
   */
  role: string;
  /**
   * Who: a service account (organizations/acme/serviceAccounts/ci), a user or a group of an identity provider
   * (organizations/acme/identityProviders/okta/users/SUBJECT, .../groups/GROUP), or a SPIFFE id. The order carries no
   * meaning.
   */
  members: readonly string[];
  /** When the binding counts; unset: always. */
  condition?: BindingConditionInit;
}

/** Fields of ClusterRoleBinding that can be changed. */
export type ClusterRoleBindingFields = Omit<ClusterRoleBindingInit, "name">;

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

/** Request of TestIamPermissions. */
export interface TestIamPermissionsRequest {
  /** A resource, or an organization; empty: the cluster. */
  resource: string;
  /** Permissions to ask for, for example "sites.update". */
  permissions: string[];
}

/** What a program says of a TestIamPermissionsRequest. */
export interface TestIamPermissionsRequestInit {
  /** A resource, or an organization; empty: the cluster. */
  resource?: string;
  /** Permissions to ask for, for example "sites.update". */
  permissions?: readonly string[];
}

/** Response of TestIamPermissions. */
export interface TestIamPermissionsResponse {
  /** Those of the permissions that the caller has. */
  permissions: string[];
  /** Who the caller is. */
  principal: string;
}

/** What a program says of a TestIamPermissionsResponse. */
export interface TestIamPermissionsResponseInit {
  /** Those of the permissions that the caller has. */
  permissions?: readonly string[];
  /** Who the caller is. */
  principal?: string;
}

/** Calls that were refused at the edge, equal ones counted together. */
export interface DeniedCall {
  /** Who asked. */
  principal: string;
  /** API key that was presented. */
  apiKey: string;
  /** Address. */
  source: string;
  /** Method. */
  method: string;
  /** Resource named in the request. */
  resource: string;
  /** Code of the refusal. */
  code: string;
  /** How many. */
  count: bigint;
}

/** What a program says of a DeniedCall. */
export interface DeniedCallInit {
  /** Who asked. */
  principal?: string;
  /** API key that was presented. */
  apiKey?: string;
  /** Address. */
  source?: string;
  /** Method. */
  method?: string;
  /** Resource named in the request. */
  resource?: string;
  /** Code of the refusal. */
  code?: string;
  /** How many. */
  count?: bigint | number;
}

/** Refused calls of one controller. */
export interface DeniedCalls {
  /** Each with its count. */
  calls: DeniedCall[];
}

/** What a program says of a DeniedCalls. */
export interface DeniedCallsInit {
  /** Each with its count. */
  calls?: readonly DeniedCallInit[];
}

/**
 * One record. Its hash is the SHA-256 of its canonical form without `hash`; the next record holds it as
 * `previous_hash`.
 */
export interface AuditRecord {
  /** Number of the record, from 1, without gap. */
  sequence: bigint;
  /** Log index of the entry that wrote it: the revision of what was changed. */
  revision: bigint;
  /** When, by the leader's clock. */
  time?: Date;
  /** Who asked. */
  principal: string;
  /** Name of the API key that was presented; empty for none. */
  apiKey: string;
  /** Address that the call came from. */
  source: string;
  /** What was asked for: CREATE, UPDATE, DELETE, UNDELETE, ENROLL, SET_META, or the method of a refused call. */
  method: string;
  /** Resources concerned, 16 at most. */
  resources: string[];
  /** How many there were. */
  resourcesLen: number;
  /** "OK", or the code of the refusal, for example PERMISSION_DENIED. */
  code: string;
  /** How many equal calls the record stands for: refused calls are counted together. */
  count: bigint;
  /** Request id of the caller; empty for none. */
  requestId: string;
  /** SHA-256 over the change as it stands in the log. */
  changeDigest: Uint8Array;
  /** Hash of the record before; empty in the first. */
  previousHash: Uint8Array;
  /** Hash of this record. Not stored: added where the record is shown. */
  hash: Uint8Array;
}

/** What a program says of a AuditRecord. */
export interface AuditRecordInit {
  /** Number of the record, from 1, without gap. */
  sequence?: bigint | number;
  /** Log index of the entry that wrote it: the revision of what was changed. */
  revision?: bigint | number;
  /** When, by the leader's clock. */
  time?: Date;
  /** Who asked. */
  principal?: string;
  /** Name of the API key that was presented; empty for none. */
  apiKey?: string;
  /** Address that the call came from. */
  source?: string;
  /** What was asked for: CREATE, UPDATE, DELETE, UNDELETE, ENROLL, SET_META, or the method of a refused call. */
  method?: string;
  /** Resources concerned, 16 at most. */
  resources?: readonly string[];
  /** How many there were. */
  resourcesLen?: number;
  /** "OK", or the code of the refusal, for example PERMISSION_DENIED. */
  code?: string;
  /** How many equal calls the record stands for: refused calls are counted together. */
  count?: bigint | number;
  /** Request id of the caller; empty for none. */
  requestId?: string;
  /** SHA-256 over the change as it stands in the log. */
  changeDigest?: Uint8Array;
  /** Hash of the record before; empty in the first. */
  previousHash?: Uint8Array;
  /** Hash of this record. Not stored: added where the record is shown. */
  hash?: Uint8Array;
}

/** Request of QueryAudit. */
export interface QueryAuditRequest {
  /**
   * An organization: what concerns it and what is below it. Empty: everything, which the chain can be verified on.
   */
  parent: string;
  /** Records of later log entries only: next_revision of the answer before; 0: from the oldest on. */
  afterRevision: bigint;
  /** Most log entries to look at: 1..10000, default 1000. */
  pageSize: number;
}

/** What a program says of a QueryAuditRequest. */
export interface QueryAuditRequestInit {
  /**
   * An organization: what concerns it and what is below it. Empty: everything, which the chain can be verified on.
   */
  parent?: string;
  /** Records of later log entries only: next_revision of the answer before; 0: from the oldest on. */
  afterRevision?: bigint | number;
  /** Most log entries to look at: 1..10000, default 1000. */
  pageSize?: number;
}

/** Response of QueryAudit. */
export interface QueryAuditResponse {
  /** In order. Records of one log entry are never parted. */
  records: AuditRecord[];
  /** after_revision of the next call; 0: there is nothing more now. */
  nextRevision: bigint;
  /** Number of the newest record. */
  headSequence: bigint;
  /** Its hash. */
  headHash: Uint8Array;
}

/** What a program says of a QueryAuditResponse. */
export interface QueryAuditResponseInit {
  /** In order. Records of one log entry are never parted. */
  records?: readonly AuditRecordInit[];
  /** after_revision of the next call; 0: there is nothing more now. */
  nextRevision?: bigint | number;
  /** Number of the newest record. */
  headSequence?: bigint | number;
  /** Its hash. */
  headHash?: Uint8Array;
}

/** Response of ReportDenied. */
export type ReportDeniedResponse = Record<string, never>;

/** Response of ReportDenied. */
export type ReportDeniedResponseInit = Record<string, never>;

/** One change of one resource, to be made later. */
export interface StagedChange {
  /** What it does. */
  action: ChangeAction;
  /** Full name of the resource, below the change set's own organization. Each name stands once in a change set. */
  name: string;
  /** Create, update: the resource. Its name and output fields are not looked at. */
  resource?: AnyResource;
  /** Update: the fields to change; empty means those that are set in `resource`, "*" every field. */
  updateMask?: string[];
  /** Update: create when missing. Delete: succeed when missing. */
  allowMissing: boolean;
  /** Delete: also what is below it. */
  force: boolean;
  /**
   * When set, the resource must have this etag when the change set is applied. Otherwise the one that it had when the
   * change was staged: see `bases`.
   */
  etag: string;
}

/** What a program says of a StagedChange. */
export interface StagedChangeInit {
  /** What it does. */
  action: ChangeAction;
  /** Full name of the resource, below the change set's own organization. Each name stands once in a change set. */
  name: string;
  /** Create, update: the resource. Its name and output fields are not looked at. */
  resource?: AnyResource;
  /** Update: the fields to change; empty means those that are set in `resource`, "*" every field. */
  updateMask?: string[];
  /** Update: create when missing. Delete: succeed when missing. */
  allowMissing?: boolean;
  /** Delete: also what is below it. */
  force?: boolean;
  /**
   * When set, the resource must have this etag when the change set is applied. Otherwise the one that it had when the
   * change was staged: see `bases`.
   */
  etag?: string;
}

/** What a staged change was made upon. */
export interface ChangeBase {
  /** Name of the resource. */
  name: string;
  /** Its etag when the change was staged; empty: it did not exist. */
  etag: string;
  /** Its revision then. */
  revision: bigint;
}

/** What a program says of a ChangeBase. */
export interface ChangeBaseInit {
  /** Name of the resource. */
  name?: string;
  /** Its etag when the change was staged; empty: it did not exist. */
  etag?: string;
  /** Its revision then. */
  revision?: bigint | number;
}

/**
 * Changes of resources of one organization that are applied together or not at all. It is staged by UpdateChangeSet
 * with allow_missing, as often as one likes; whoever may read the change set reads what is staged in it. Applied, it
 * is one entry of the log: each change passes the same checks, quotas and access rules as if its caller had made it
 * alone, and a refusal of one is a refusal of all. While one waits for its confirmation, its organization takes no
 * other changes of the kinds that change sets hold, so that taking it back gives exactly the state before.
 */
export interface ChangeSet extends Resource {
  /** Resource name: organizations/{organization}/changeSets/{change_set}. Assigned from the parent and the id. */
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
  /** What it changes, in this order. Cannot be changed once it has been applied. */
  changes: StagedChange[];
  /** Where it is in its life. */
  readonly state: ChangeSetState;
  /** What the changes were staged upon, in their order. A change that is staged again unchanged keeps its base. */
  readonly bases: ChangeBase[];
  /** Who applied it. */
  readonly applyPrincipal: string;
  /** When it was applied, by the leader's clock. */
  readonly applyTime?: Date;
  /** Log index at which it was applied: the revision of what it changed. */
  readonly applyRevision: bigint;
  /** Resources that it changed, those included that went with a forced delete. */
  readonly changed: number;
  /** While CONFIRMING: until when it waits to be confirmed. */
  readonly confirmBeforeTime?: Date;
  /** Who confirmed it or took it back; "internal": the cluster itself. */
  readonly finishPrincipal: string;
  /** When that was. */
  readonly finishTime?: Date;
  /** Why it was taken back. */
  readonly rollbackCause: RollbackCause;
  /** With NODES_LOST: edges that lost the controllers, at most 16 of them. */
  readonly lostEdges: string[];
}

/** What a program says of a ChangeSet. */
export interface ChangeSetInit {
  /** Resource name: organizations/{organization}/changeSets/{change_set}. Assigned from the parent and the id. */
  name: string;
  /** Short key-value pairs for selection by filters. */
  labels?: Record<string, string>;
  /** Free key-value pairs that the system does not read. */
  annotations?: Record<string, string>;
  /** A name for people. */
  displayName?: string;
  /** What it changes, in this order. Cannot be changed once it has been applied. */
  changes?: readonly StagedChangeInit[];
}

/** Fields of ChangeSet that can be changed. */
export type ChangeSetFields = Omit<ChangeSetInit, "name">;

/** Request of PlanChangeSet. */
export interface PlanChangeSetRequest {
  /** Name of the change set. */
  name: string;
  /** When set: plan these. The change set need not exist. */
  changes: StagedChange[];
}

/** What a program says of a PlanChangeSetRequest. */
export interface PlanChangeSetRequestInit {
  /** Name of the change set. */
  name: string;
  /** When set: plan these. The change set need not exist. */
  changes?: readonly StagedChangeInit[];
}

/** One field that a change alters. */
export interface FieldDiff {
  /** Path of the field, for example "match.ports" or "labels.tier". */
  path: string;
  /** Its value before, as tables show it; empty: it was not set. */
  before: string;
  /** Its value after; empty: it is not set. */
  after: string;
}

/** What a program says of a FieldDiff. */
export interface FieldDiffInit {
  /** Path of the field, for example "match.ports" or "labels.tier". */
  path?: string;
  /** Its value before, as tables show it; empty: it was not set. */
  before?: string;
  /** Its value after; empty: it is not set. */
  after?: string;
}

/** What one resource would become. */
export interface PlannedChange {
  /** What is done to the resource. CHANGE_ACTION_UNSPECIFIED: it stays as it is. */
  action: ChangeAction;
  /** Its name. */
  name: string;
  /** The fields that change, as the caller may see them. */
  fields: FieldDiff[];
  /** Why it would be refused: reason, as in google.rpc.ErrorInfo; empty when it would not. */
  errorReason: string;
  /** The same for people. */
  errorMessage: string;
  /** Which field the refusal is about. */
  errorField: string;
}

/** What a program says of a PlannedChange. */
export interface PlannedChangeInit {
  /** What is done to the resource. CHANGE_ACTION_UNSPECIFIED: it stays as it is. */
  action?: ChangeAction;
  /** Its name. */
  name?: string;
  /** The fields that change, as the caller may see them. */
  fields?: readonly FieldDiffInit[];
  /** Why it would be refused: reason, as in google.rpc.ErrorInfo; empty when it would not. */
  errorReason?: string;
  /** The same for people. */
  errorMessage?: string;
  /** Which field the refusal is about. */
  errorField?: string;
}

/** Use of one quota. */
export interface PlannedQuota {
  /** Field of Quotas, for example "sites". */
  metric: string;
  /** The limit in force; 0 when there is none. */
  limit: bigint;
  /** In use before. */
  before: bigint;
  /** In use after. */
  after: bigint;
}

/** What a program says of a PlannedQuota. */
export interface PlannedQuotaInit {
  /** Field of Quotas, for example "sites". */
  metric?: string;
  /** The limit in force; 0 when there is none. */
  limit?: bigint | number;
  /** In use before. */
  before?: bigint | number;
  /** In use after. */
  after?: bigint | number;
}

/** One edge whose forwarding would change. */
export interface PlannedNode {
  /** Name of the Edge. */
  edge: string;
  /** Entries of its forwarding tables that come, change or go. */
  entries: number;
}

/** What a program says of a PlannedNode. */
export interface PlannedNodeInit {
  /** Name of the Edge. */
  edge?: string;
  /** Entries of its forwarding tables that come, change or go. */
  entries?: number;
}

/** Response of PlanChangeSet: what ApplyChangeSet would do now. */
export interface PlanChangeSetResponse {
  /** Every change and, with `force`, what goes with it. */
  changes: PlannedChange[];
  /** True when all of it would be accepted. */
  acceptable: boolean;
  /** Quotas of the organization whose use changes. */
  quotas: PlannedQuota[];
  /** Edges whose forwarding changes; the first 256. */
  nodes: PlannedNode[];
  /** How many there are. */
  nodesAffected: number;
  /**
   * Next-hop groups of these edges, one for each destination and class, whose paths come, go, or change their share.
   */
  pathsMoved: number;
  /**
   * True when nodes and paths were computed; false when the leader has no plan yet, or this one failed: see
   * `forwarding_error`.
   */
  forwardingPlanned: boolean;
  /** Why nodes and paths could not be computed. */
  forwardingError: string;
  /** Log index as of which it was planned. */
  revision: bigint;
}

/** What a program says of a PlanChangeSetResponse. */
export interface PlanChangeSetResponseInit {
  /** Every change and, with `force`, what goes with it. */
  changes?: readonly PlannedChangeInit[];
  /** True when all of it would be accepted. */
  acceptable?: boolean;
  /** Quotas of the organization whose use changes. */
  quotas?: readonly PlannedQuotaInit[];
  /** Edges whose forwarding changes; the first 256. */
  nodes?: readonly PlannedNodeInit[];
  /** How many there are. */
  nodesAffected?: number;
  /**
   * Next-hop groups of these edges, one for each destination and class, whose paths come, go, or change their share.
   */
  pathsMoved?: number;
  /**
   * True when nodes and paths were computed; false when the leader has no plan yet, or this one failed: see
   * `forwarding_error`.
   */
  forwardingPlanned?: boolean;
  /** Why nodes and paths could not be computed. */
  forwardingError?: string;
  /** Log index as of which it was planned. */
  revision?: bigint | number;
}

/** Request of ReadStagedState. */
export interface ReadStagedStateRequest {
  /** Name of the change set. */
  name: string;
  /** Name of the resource to read, staged or not; below the same organization. */
  resource: string;
}

/** What a program says of a ReadStagedStateRequest. */
export interface ReadStagedStateRequestInit {
  /** Name of the change set. */
  name: string;
  /** Name of the resource to read, staged or not; below the same organization. */
  resource: string;
}

/** Response of ReadStagedState. */
export interface ReadStagedStateResponse {
  /** The resource as it would be if the change set were applied now. NOT_FOUND when there would be none. */
  resource?: AnyResource;
  /** True when the change set changes it. */
  staged: boolean;
}

/** What a program says of a ReadStagedStateResponse. */
export interface ReadStagedStateResponseInit {
  /** The resource as it would be if the change set were applied now. NOT_FOUND when there would be none. */
  resource?: AnyResource;
  /** True when the change set changes it. */
  staged?: boolean;
}

/** Request of ApplyChangeSet. */
export interface ApplyChangeSetRequest {
  /** Name of the change set. */
  name: string;
  /** When not empty, must match the change set's etag: what is applied is what was read. */
  etag: string;
  /** When set: take it back unless it is confirmed in this time. At least 1 s, at most 1 h. Seconds. */
  confirmTimeout?: number;
  /**
   * With confirm_timeout: also take it back when an edge that was connected is not for so long. Unset means 30 s; at
   * least 1 s. Seconds.
   */
  reconnectTimeout?: number;
  /** Makes a retry safe: the same id gets the stored reply (AIP-155). At most 64 bytes. */
  requestId: string;
}

/** What a program says of a ApplyChangeSetRequest. */
export interface ApplyChangeSetRequestInit {
  /** Name of the change set. */
  name: string;
  /** When not empty, must match the change set's etag: what is applied is what was read. */
  etag?: string;
  /** When set: take it back unless it is confirmed in this time. At least 1 s, at most 1 h. Seconds. */
  confirmTimeout?: number;
  /**
   * With confirm_timeout: also take it back when an edge that was connected is not for so long. Unset means 30 s; at
   * least 1 s. Seconds.
   */
  reconnectTimeout?: number;
  /** Makes a retry safe: the same id gets the stored reply (AIP-155). At most 64 bytes. */
  requestId?: string;
}

/** Request of ConfirmChangeSet. */
export interface ConfirmChangeSetRequest {
  /** Name of the change set. */
  name: string;
  /** Makes a retry safe: the same id gets the stored reply (AIP-155). At most 64 bytes. */
  requestId: string;
}

/** What a program says of a ConfirmChangeSetRequest. */
export interface ConfirmChangeSetRequestInit {
  /** Name of the change set. */
  name: string;
  /** Makes a retry safe: the same id gets the stored reply (AIP-155). At most 64 bytes. */
  requestId?: string;
}

/** Request of RollbackChangeSet. */
export interface RollbackChangeSetRequest {
  /** Name of the change set. */
  name: string;
  /** Makes a retry safe: the same id gets the stored reply (AIP-155). At most 64 bytes. */
  requestId: string;
}

/** What a program says of a RollbackChangeSetRequest. */
export interface RollbackChangeSetRequestInit {
  /** Name of the change set. */
  name: string;
  /** Makes a retry safe: the same id gets the stored reply (AIP-155). At most 64 bytes. */
  requestId?: string;
}

/** What a resource was, from one change to the next. */
export interface Revision {
  /** Log index of the change that made it so. */
  revision: bigint;
  /** When that was, by the leader's clock. */
  time?: Date;
  /** Who changed it; empty when that is not known any more. */
  principal: string;
  /** The resource, without secrets; unset when it was deleted then. */
  resource?: AnyResource;
  /** True for what it is now. */
  current: boolean;
}

/** What a program says of a Revision. */
export interface RevisionInit {
  /** Log index of the change that made it so. */
  revision?: bigint | number;
  /** When that was, by the leader's clock. */
  time?: Date;
  /** Who changed it; empty when that is not known any more. */
  principal?: string;
  /** The resource, without secrets; unset when it was deleted then. */
  resource?: AnyResource;
  /** True for what it is now. */
  current?: boolean;
}

/** Request of ListRevisions. */
export interface ListRevisionsRequest {
  /** Name of the resource, existing or deleted. */
  name: string;
  /** Only this one; 0: all that are kept. */
  revision: bigint;
}

/** What a program says of a ListRevisionsRequest. */
export interface ListRevisionsRequestInit {
  /** Name of the resource, existing or deleted. */
  name: string;
  /** Only this one; 0: all that are kept. */
  revision?: bigint | number;
}

/** Response of ListRevisions. */
export interface ListRevisionsResponse {
  /** The newest first. At most 16 are kept of a resource, and 16,384 of all, 64 MiB of them. */
  revisions: Revision[];
}

/** What a program says of a ListRevisionsResponse. */
export interface ListRevisionsResponseInit {
  /** The newest first. At most 16 are kept of a resource, and 16,384 of all, 64 MiB of them. */
  revisions?: readonly RevisionInit[];
}

/** Request of RestoreRevision. */
export interface RestoreRevisionRequest {
  /** Name of the resource, existing or deleted. */
  name: string;
  /** Which one, as ListRevisions shows it. */
  revision: bigint;
  /** When not empty, must match the current etag. */
  etag: string;
  /** Makes a retry safe: the same id gets the stored reply (AIP-155). At most 64 bytes. */
  requestId: string;
  /** Check everything, change nothing (AIP-163). */
  validateOnly: boolean;
}

/** What a program says of a RestoreRevisionRequest. */
export interface RestoreRevisionRequestInit {
  /** Name of the resource, existing or deleted. */
  name: string;
  /** Which one, as ListRevisions shows it. */
  revision: bigint | number;
  /** When not empty, must match the current etag. */
  etag?: string;
  /** Makes a retry safe: the same id gets the stored reply (AIP-155). At most 64 bytes. */
  requestId?: string;
  /** Check everything, change nothing (AIP-163). */
  validateOnly?: boolean;
}

/** Response of RestoreRevision. */
export interface RestoreRevisionResponse {
  /** The resource as it is now. */
  resource?: AnyResource;
}

/** What a program says of a RestoreRevisionResponse. */
export interface RestoreRevisionResponseInit {
  /** The resource as it is now. */
  resource?: AnyResource;
}

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
  /** Level of behaviour that every member supports. */
  clusterLevel: number;
  /** Members; match_index is known to the leader only. */
  controllers: ControllerStatus[];
  /** Nodes with an open stream to this node. */
  connectedEdges: number;
  /** Generation of the newest computed bundles. */
  generation: bigint;
  /** Version of the answering binary. */
  softwareVersion: string;
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
  /** Level of behaviour that every member supports. */
  clusterLevel?: number;
  /** Members; match_index is known to the leader only. */
  controllers?: readonly ControllerStatusInit[];
  /** Nodes with an open stream to this node. */
  connectedEdges?: number;
  /** Generation of the newest computed bundles. */
  generation?: bigint | number;
  /** Version of the answering binary. */
  softwareVersion?: string;
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

/** What a path must offer to an application. */
export interface SlaProfile extends Resource {
  /** Resource name: organizations/{organization}/slaProfiles/{sla_profile}. Assigned from the parent and the id. */
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
  /** Largest loss, parts per million; unset means no bound. From 0 to 1000000 ppm. */
  maxLossPpm?: number;
  /** Largest round-trip time, microseconds; unset means no bound. From 1 to 60000000 us. */
  maxLatencyUs?: number;
  /** Largest jitter (RFC 3550), microseconds; unset means no bound. From 1 to 60000000 us. */
  maxJitterUs?: number;
  /** Smallest mean opinion score, thousandths (1000..5000); unset means no bound. From 1000 to 5000. */
  minMosMilli?: number;
  /** Window over which is judged; unset means 1 s. Seconds. */
  evaluationWindow?: number;
}

/** What a program says of a SlaProfile. */
export interface SlaProfileInit {
  /** Resource name: organizations/{organization}/slaProfiles/{sla_profile}. Assigned from the parent and the id. */
  name: string;
  /** Short key-value pairs for selection by filters. */
  labels?: Record<string, string>;
  /** Free key-value pairs that the system does not read. */
  annotations?: Record<string, string>;
  /** A name for people. */
  displayName?: string;
  /** Largest loss, parts per million; unset means no bound. From 0 to 1000000 ppm. */
  maxLossPpm?: number;
  /** Largest round-trip time, microseconds; unset means no bound. From 1 to 60000000 us. */
  maxLatencyUs?: number;
  /** Largest jitter (RFC 3550), microseconds; unset means no bound. From 1 to 60000000 us. */
  maxJitterUs?: number;
  /** Smallest mean opinion score, thousandths (1000..5000); unset means no bound. From 1000 to 5000. */
  minMosMilli?: number;
  /** Window over which is judged; unset means 1 s. Seconds. */
  evaluationWindow?: number;
}

/** Fields of SlaProfile that can be changed. */
export type SlaProfileFields = Omit<SlaProfileInit, "name">;

/** A description of packets. Every field that is set must hold. */
export interface ApplicationMatch {
  /** IP protocol number, 0..255; unset means any. From 0 to 255. */
  protocol?: number;
  /** Destination ports; empty means any. */
  ports: PortRange[];
  /** Destination prefixes; empty means any. The order carries no meaning. */
  cidrs: string[];
  /** DSCP code points, 0..63; empty means any. From 0 to 63. The order carries no meaning. */
  dscps: number[];
}

/** What a program says of a ApplicationMatch. */
export interface ApplicationMatchInit {
  /** IP protocol number, 0..255; unset means any. From 0 to 255. */
  protocol?: number;
  /** Destination ports; empty means any. */
  ports?: readonly PortRangeInit[];
  /** Destination prefixes; empty means any. The order carries no meaning. */
  cidrs?: readonly string[];
  /** DSCP code points, 0..63; empty means any. From 0 to 63. The order carries no meaning. */
  dscps?: readonly number[];
}

/** A kind of traffic, told by what its packets say. */
export interface Application extends Resource {
  /** Resource name: organizations/{organization}/applications/{application}. Assigned from the parent and the id. */
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
  /** Any of these describes the application. */
  matches: ApplicationMatch[];
  /** Number of the application in the data plane, allocated by the cluster. */
  readonly applicationId: number;
}

/** What a program says of a Application. */
export interface ApplicationInit {
  /** Resource name: organizations/{organization}/applications/{application}. Assigned from the parent and the id. */
  name: string;
  /** Short key-value pairs for selection by filters. */
  labels?: Record<string, string>;
  /** Free key-value pairs that the system does not read. */
  annotations?: Record<string, string>;
  /** A name for people. */
  displayName?: string;
  /** Any of these describes the application. */
  matches: readonly ApplicationMatchInit[];
}

/** Fields of Application that can be changed. */
export type ApplicationFields = Omit<ApplicationInit, "name">;

/** One rule of a policy. Every criterion that is set must hold. */
export interface SteeringRule {
  /** Applications; empty means any. Name of a application. The order carries no meaning. */
  applications: string[];
  /** Source sites; empty means any. Name of a site. The order carries no meaning. */
  sites: string[];
  /** Destination prefixes; empty means any. The order carries no meaning. */
  destinationCidrs: string[];
  /** DSCP code points, 0..63; empty means any. From 0 to 63. The order carries no meaning. */
  dscps: number[];
  /** How strongly. */
  preference: Preference;
  /** A path fits when its first link has one of these transports; empty means any. The order carries no meaning. */
  transports: Transport[];
  /** A path fits when its first link has one of these underlays; empty means any. The order carries no meaning. */
  underlays: string[];
  /** A path fits when it keeps this profile; empty means any. Name of a slaProfile. */
  slaProfile: string;
}

/** What a program says of a SteeringRule. */
export interface SteeringRuleInit {
  /** Applications; empty means any. Name of a application. The order carries no meaning. */
  applications?: readonly string[];
  /** Source sites; empty means any. Name of a site. The order carries no meaning. */
  sites?: readonly string[];
  /** Destination prefixes; empty means any. The order carries no meaning. */
  destinationCidrs?: readonly string[];
  /** DSCP code points, 0..63; empty means any. From 0 to 63. The order carries no meaning. */
  dscps?: readonly number[];
  /** How strongly. */
  preference: Preference;
  /** A path fits when its first link has one of these transports; empty means any. The order carries no meaning. */
  transports?: readonly Transport[];
  /** A path fits when its first link has one of these underlays; empty means any. The order carries no meaning. */
  underlays?: readonly string[];
  /** A path fits when it keeps this profile; empty means any. Name of a slaProfile. */
  slaProfile?: string;
}

/** Which paths the traffic of a segment may or should take. */
export interface SteeringPolicy extends Resource {
  /**
   * Resource name: organizations/{organization}/steeringPolicies/{steering_policy}. Assigned from the parent and the
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
  /** The segment whose traffic is steered. Name of a segment. */
  segment: string;
  /** Policies are read in order of priority, lowest first; equal priorities in order of name. From 0 to 65535. */
  priority: number;
  /** Read in order; the first that matches decides. */
  rules: SteeringRule[];
  /** Not in force when true. */
  disabled: boolean;
}

/** What a program says of a SteeringPolicy. */
export interface SteeringPolicyInit {
  /**
   * Resource name: organizations/{organization}/steeringPolicies/{steering_policy}. Assigned from the parent and the
   * id.
   */
  name: string;
  /** Short key-value pairs for selection by filters. */
  labels?: Record<string, string>;
  /** Free key-value pairs that the system does not read. */
  annotations?: Record<string, string>;
  /** A name for people. */
  displayName?: string;
  /** The segment whose traffic is steered. Name of a segment. */
  segment: string;
  /** Policies are read in order of priority, lowest first; equal priorities in order of name. From 0 to 65535. */
  priority?: number;
  /** Read in order; the first that matches decides. */
  rules: readonly SteeringRuleInit[];
  /** Not in force when true. */
  disabled?: boolean;
}

/** Fields of SteeringPolicy that can be changed. */
export type SteeringPolicyFields = Omit<SteeringPolicyInit, "name">;

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
}

/** Fields of Link that can be changed. */
export type LinkFields = Omit<LinkInit, "name">;

/**
 * Traffic that is expected between two sites, entered by hand: it stands beside what is measured when a what-if
 * question says so. It moves nothing by itself.
 */
export interface Demand extends Resource {
  /** Resource name: organizations/{organization}/demands/{demand}. Assigned from the parent and the id. */
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
  /** Where the traffic comes from. Name of a site. */
  sourceSite: string;
  /** Where it goes to; another site. Name of a site. */
  destinationSite: string;
  /** What it is for. */
  trafficClass: TrafficClass;
  /** How much, bit/s. From 1 to 400000000000 bit/s. */
  rateBps: bigint;
}

/** What a program says of a Demand. */
export interface DemandInit {
  /** Resource name: organizations/{organization}/demands/{demand}. Assigned from the parent and the id. */
  name: string;
  /** Short key-value pairs for selection by filters. */
  labels?: Record<string, string>;
  /** Free key-value pairs that the system does not read. */
  annotations?: Record<string, string>;
  /** A name for people. */
  displayName?: string;
  /** Where the traffic comes from. Name of a site. */
  sourceSite: string;
  /** Where it goes to; another site. Name of a site. */
  destinationSite: string;
  /** What it is for. */
  trafficClass?: TrafficClass;
  /** How much, bit/s. From 1 to 400000000000 bit/s. */
  rateBps: bigint | number;
}

/** Fields of Demand that can be changed. */
export type DemandFields = Omit<DemandInit, "name">;

/** One cell of the traffic matrix, as measured by the source's edge. */
export interface MatrixCell {
  /** Site that the traffic comes from. */
  sourceSite: string;
  /** Site that it goes to. */
  destinationSite: string;
  /** What it is for. */
  trafficClass: TrafficClass;
  /** Mean of the newest interval, bit/s. */
  rateBps: bigint;
  /** Half of the last hour's intervals were below this, bit/s. */
  p50Bps: bigint;
  /** 95 of 100 were, bit/s. */
  p95Bps: bigint;
  /** Largest of the last hour, bit/s. */
  maxBps: bigint;
  /** What the next interval will bring, by level and trend, bit/s. */
  forecastBps: bigint;
  /** What this hour of the day (UTC) used to bring, bit/s; 0 while it is not known. */
  usualBps: bigint;
  /** Bytes offered since the leader began to count. */
  bytes: bigint;
}

/** What a program says of a MatrixCell. */
export interface MatrixCellInit {
  /** Site that the traffic comes from. */
  sourceSite?: string;
  /** Site that it goes to. */
  destinationSite?: string;
  /** What it is for. */
  trafficClass?: TrafficClass;
  /** Mean of the newest interval, bit/s. */
  rateBps?: bigint | number;
  /** Half of the last hour's intervals were below this, bit/s. */
  p50Bps?: bigint | number;
  /** 95 of 100 were, bit/s. */
  p95Bps?: bigint | number;
  /** Largest of the last hour, bit/s. */
  maxBps?: bigint | number;
  /** What the next interval will bring, by level and trend, bit/s. */
  forecastBps?: bigint | number;
  /** What this hour of the day (UTC) used to bring, bit/s; 0 while it is not known. */
  usualBps?: bigint | number;
  /** Bytes offered since the leader began to count. */
  bytes?: bigint | number;
}

/** Request of GetTrafficMatrix. */
export interface GetTrafficMatrixRequest {
  /** The organization. Name of a organization. */
  parent: string;
  /** Leave out cells whose rate and p95 are below this, bit/s. */
  minRateBps: bigint;
}

/** What a program says of a GetTrafficMatrixRequest. */
export interface GetTrafficMatrixRequestInit {
  /** The organization. Name of a organization. */
  parent: string;
  /** Leave out cells whose rate and p95 are below this, bit/s. */
  minRateBps?: bigint | number;
}

/** Response of GetTrafficMatrix. */
export interface GetTrafficMatrixResponse {
  /** Ascending by source, destination, class. */
  cells: MatrixCell[];
  /** Length of an interval, milliseconds. */
  intervalMs: number;
  /** Sum of the newest rates, bit/s. */
  totalBps: bigint;
}

/** What a program says of a GetTrafficMatrixResponse. */
export interface GetTrafficMatrixResponseInit {
  /** Ascending by source, destination, class. */
  cells?: readonly MatrixCellInit[];
  /** Length of an interval, milliseconds. */
  intervalMs?: number;
  /** Sum of the newest rates, bit/s. */
  totalBps?: bigint | number;
}

/** Traffic that a what-if question adds. */
export interface AddedDemand {
  /** Where it comes from. Name of a site. */
  sourceSite: string;
  /** Where it goes to. Name of a site. */
  destinationSite: string;
  /** What it is for. */
  trafficClass: TrafficClass;
  /** How much, bit/s. From 1 to 400000000000 bit/s. */
  rateBps: bigint;
}

/** What a program says of a AddedDemand. */
export interface AddedDemandInit {
  /** Where it comes from. Name of a site. */
  sourceSite: string;
  /** Where it goes to. Name of a site. */
  destinationSite: string;
  /** What it is for. */
  trafficClass?: TrafficClass;
  /** How much, bit/s. From 1 to 400000000000 bit/s. */
  rateBps?: bigint | number;
}

/** A link that a what-if question adds, or changes. */
export interface ChangedLink {
  /** Name of a link that exists, or one of an existing site that does not exist yet. */
  link: string;
  /** Rate from the site, bit/s; 0 leaves it. From 0 to 400000000000 bit/s. */
  capacityUpBps: bigint;
  /** Rate to the site, bit/s; 0 leaves it. From 0 to 400000000000 bit/s. */
  capacityDownBps: bigint;
  /** For a new link: its underlay. */
  underlay: string;
  /** Administrative cost; 0 leaves it. From 0 to 65535. */
  cost: number;
}

/** What a program says of a ChangedLink. */
export interface ChangedLinkInit {
  /** Name of a link that exists, or one of an existing site that does not exist yet. */
  link: string;
  /** Rate from the site, bit/s; 0 leaves it. From 0 to 400000000000 bit/s. */
  capacityUpBps?: bigint | number;
  /** Rate to the site, bit/s; 0 leaves it. From 0 to 400000000000 bit/s. */
  capacityDownBps?: bigint | number;
  /** For a new link: its underlay. */
  underlay?: string;
  /** Administrative cost; 0 leaves it. From 0 to 65535. */
  cost?: number;
}

/** Request of WhatIf. Nothing is changed; everything named happens together. */
export interface WhatIfRequest {
  /** The organization. Name of a organization. */
  parent: string;
  /** Links that fail. Name of a link. The order carries no meaning. */
  failLinks: string[];
  /** Sites that fail. Name of a site. The order carries no meaning. */
  failSites: string[];
  /** Shared-risk groups that fail: every link with such a number. The order carries no meaning. */
  failSrlgs: number[];
  /** Traffic that comes on top. */
  demands: AddedDemand[];
  /** Links that are added or changed. */
  links: ChangedLink[];
  /** Take the Demand resources in, beside what is measured. */
  planned: boolean;
  /** Measured traffic grows to this many percent; 0 means 100. From 0 to 10000. */
  scalePercent: number;
}

/** What a program says of a WhatIfRequest. */
export interface WhatIfRequestInit {
  /** The organization. Name of a organization. */
  parent: string;
  /** Links that fail. Name of a link. The order carries no meaning. */
  failLinks?: readonly string[];
  /** Sites that fail. Name of a site. The order carries no meaning. */
  failSites?: readonly string[];
  /** Shared-risk groups that fail: every link with such a number. The order carries no meaning. */
  failSrlgs?: readonly number[];
  /** Traffic that comes on top. */
  demands?: readonly AddedDemandInit[];
  /** Links that are added or changed. */
  links?: readonly ChangedLinkInit[];
  /** Take the Demand resources in, beside what is measured. */
  planned?: boolean;
  /** Measured traffic grows to this many percent; 0 means 100. From 0 to 10000. */
  scalePercent?: number;
}

/** One direction of a link in an answer. */
export interface LinkUtilization {
  /** The link. */
  link: string;
  /** True: from the site; false: to the site. */
  up: boolean;
  /** Its capacity, bit/s. */
  capacityBps: bigint;
  /** What it carries now, bit/s. */
  beforeBps: bigint;
  /** What it would carry, bit/s. */
  afterBps: bigint;
  /** The latter as a share of its capacity, parts per million. */
  afterPpm: bigint;
}

/** What a program says of a LinkUtilization. */
export interface LinkUtilizationInit {
  /** The link. */
  link?: string;
  /** True: from the site; false: to the site. */
  up?: boolean;
  /** Its capacity, bit/s. */
  capacityBps?: bigint | number;
  /** What it carries now, bit/s. */
  beforeBps?: bigint | number;
  /** What it would carry, bit/s. */
  afterBps?: bigint | number;
  /** The latter as a share of its capacity, parts per million. */
  afterPpm?: bigint | number;
}

/** A pair of sites whose traffic takes another way. */
export interface MovedPath {
  /** Source. */
  sourceSite: string;
  /** Destination. */
  destinationSite: string;
  /** The links that it leaves by now. */
  before: string[];
  /** The links that it would leave by; empty: none is left. */
  after: string[];
  /** Traffic of the pair, bit/s. */
  rateBps: bigint;
}

/** What a program says of a MovedPath. */
export interface MovedPathInit {
  /** Source. */
  sourceSite?: string;
  /** Destination. */
  destinationSite?: string;
  /** The links that it leaves by now. */
  before?: readonly string[];
  /** The links that it would leave by; empty: none is left. */
  after?: readonly string[];
  /** Traffic of the pair, bit/s. */
  rateBps?: bigint | number;
}

/** A pair of sites that would miss an SLA profile which it meets now. */
export interface SlaRisk {
  /** Source. */
  sourceSite: string;
  /** Destination. */
  destinationSite: string;
  /** The profile; empty when the pair would be cut off. */
  slaProfile: string;
  /** A sentence. */
  reason: string;
}

/** What a program says of a SlaRisk. */
export interface SlaRiskInit {
  /** Source. */
  sourceSite?: string;
  /** Destination. */
  destinationSite?: string;
  /** The profile; empty when the pair would be cut off. */
  slaProfile?: string;
  /** A sentence. */
  reason?: string;
}

/** What more capacity at one place would be worth. */
export interface ShadowPrice {
  /** The link. */
  link: string;
  /** True: from the site; false: to the site. */
  up: boolean;
  /** So much more capacity here, bit/s, */
  addedBps: bigint;
  /** lets so much more traffic through, bit/s, */
  relievedBps: bigint;
  /** and brings the highest utilisation of all links to this, parts per million. */
  maxUtilizationPpm: bigint;
}

/** What a program says of a ShadowPrice. */
export interface ShadowPriceInit {
  /** The link. */
  link?: string;
  /** True: from the site; false: to the site. */
  up?: boolean;
  /** So much more capacity here, bit/s, */
  addedBps?: bigint | number;
  /** lets so much more traffic through, bit/s, */
  relievedBps?: bigint | number;
  /** and brings the highest utilisation of all links to this, parts per million. */
  maxUtilizationPpm?: bigint | number;
}

/** Response of WhatIf. */
export interface WhatIfResponse {
  /** Every direction of a link that carries something before or after, the fullest first. */
  links: LinkUtilization[];
  /** Highest utilisation now, parts per million. */
  beforePpm: bigint;
  /** Highest utilisation then, parts per million. */
  afterPpm: bigint;
  /** All traffic then, bit/s. */
  demandBps: bigint;
  /** Traffic that would not be carried, bit/s. */
  unmetBps: bigint;
  /** Pairs of sites with traffic that would be cut off. */
  cutOff: number;
  /** Pairs of sites whose traffic would take another way. */
  pathsMoved: number;
  /** The largest 100 of them. */
  moved: MovedPath[];
  /** At most 100. */
  slaAtRisk: SlaRisk[];
  /** Where more capacity would help most, at most 8; empty while nothing is full. */
  shadowPrices: ShadowPrice[];
  /** Revision of the state that the answer is about. */
  revision: bigint;
}

/** What a program says of a WhatIfResponse. */
export interface WhatIfResponseInit {
  /** Every direction of a link that carries something before or after, the fullest first. */
  links?: readonly LinkUtilizationInit[];
  /** Highest utilisation now, parts per million. */
  beforePpm?: bigint | number;
  /** Highest utilisation then, parts per million. */
  afterPpm?: bigint | number;
  /** All traffic then, bit/s. */
  demandBps?: bigint | number;
  /** Traffic that would not be carried, bit/s. */
  unmetBps?: bigint | number;
  /** Pairs of sites with traffic that would be cut off. */
  cutOff?: number;
  /** Pairs of sites whose traffic would take another way. */
  pathsMoved?: number;
  /** The largest 100 of them. */
  moved?: readonly MovedPathInit[];
  /** At most 100. */
  slaAtRisk?: readonly SlaRiskInit[];
  /** Where more capacity would help most, at most 8; empty while nothing is full. */
  shadowPrices?: readonly ShadowPriceInit[];
  /** Revision of the state that the answer is about. */
  revision?: bigint | number;
}

/** Request of Drain. */
export interface DrainRequest {
  /** A site or a link. */
  name: string;
  /** Drain also when the rest lacks capacity, or something would be cut off. */
  force: boolean;
  /** Only say what it would do. */
  validateOnly: boolean;
}

/** What a program says of a DrainRequest. */
export interface DrainRequestInit {
  /** A site or a link. */
  name: string;
  /** Drain also when the rest lacks capacity, or something would be cut off. */
  force?: boolean;
  /** Only say what it would do. */
  validateOnly?: boolean;
}

/** Response of Drain and Undrain. */
export interface DrainResponse {
  /** The site or link. */
  name: string;
  /** Its state now. */
  adminState: AdminState;
  /** What it does to the rest. */
  effect?: WhatIfResponse;
  /** Nodes that forward by the new state. */
  nodes: number;
  /** Time from the request until the last of them did, milliseconds. */
  tookMs: number;
}

/** What a program says of a DrainResponse. */
export interface DrainResponseInit {
  /** The site or link. */
  name?: string;
  /** Its state now. */
  adminState?: AdminState;
  /** What it does to the rest. */
  effect?: WhatIfResponseInit;
  /** Nodes that forward by the new state. */
  nodes?: number;
  /** Time from the request until the last of them did, milliseconds. */
  tookMs?: number;
}

/** Request of Undrain. */
export interface UndrainRequest {
  /** A site or a link. */
  name: string;
}

/** What a program says of a UndrainRequest. */
export interface UndrainRequestInit {
  /** A site or a link. */
  name: string;
}

/** Request of ExplainDemand. */
export interface ExplainDemandRequest {
  /** Source. Name of a site. */
  sourceSite: string;
  /** Destination. Name of a site. */
  destinationSite: string;
}

/** What a program says of a ExplainDemandRequest. */
export interface ExplainDemandRequestInit {
  /** Source. Name of a site. */
  sourceSite: string;
  /** Destination. Name of a site. */
  destinationSite: string;
}

/** A path of a pair of sites, and why it carries what it carries. */
export interface ExplainedPath {
  /** Name of the path. */
  path: string;
  /** Links that it takes: local and remote end of each tunnel, in order. */
  links: string[];
  /** 0 carries; the others wait in this order. */
  tier: number;
  /** Share of the pair's traffic, parts per million. */
  sharePpm: number;
  /** What it costs: administrative cost, delay and penalties, microseconds. */
  metric: bigint;
  /** Utilisation of its fullest link, parts per million. */
  utilizationPpm: bigint;
  /** Why it is in this tier. */
  reason: string;
}

/** What a program says of a ExplainedPath. */
export interface ExplainedPathInit {
  /** Name of the path. */
  path?: string;
  /** Links that it takes: local and remote end of each tunnel, in order. */
  links?: readonly string[];
  /** 0 carries; the others wait in this order. */
  tier?: number;
  /** Share of the pair's traffic, parts per million. */
  sharePpm?: number;
  /** What it costs: administrative cost, delay and penalties, microseconds. */
  metric?: bigint | number;
  /** Utilisation of its fullest link, parts per million. */
  utilizationPpm?: bigint | number;
  /** Why it is in this tier. */
  reason?: string;
}

/** Response of ExplainDemand. */
export interface ExplainDemandResponse {
  /** Best first. */
  paths: ExplainedPath[];
  /** Traffic of the pair, bit/s. */
  rateBps: bigint;
  /** Epoch of the solution. */
  epoch: bigint;
  /**
   * Failures of single links, sites and shared-risk groups that would hit every path in the first tier but leave one
   * that waits: the node takes it by itself.
   */
  repairedFailures: number;
  /** Those that would cut the pair off: no way is left. */
  cuttingFailures: string[];
}

/** What a program says of a ExplainDemandResponse. */
export interface ExplainDemandResponseInit {
  /** Best first. */
  paths?: readonly ExplainedPathInit[];
  /** Traffic of the pair, bit/s. */
  rateBps?: bigint | number;
  /** Epoch of the solution. */
  epoch?: bigint | number;
  /**
   * Failures of single links, sites and shared-risk groups that would hit every path in the first tier but leave one
   * that waits: the node takes it by itself.
   */
  repairedFailures?: number;
  /** Those that would cut the pair off: no way is left. */
  cuttingFailures?: readonly string[];
}

/** One direction of a link as the solver saw it. */
export interface SolutionLink {
  /** The link. */
  link: string;
  /** True: from the site; false: to the site. */
  up: boolean;
  /** Capacity, bit/s; 0 unknown. */
  capacityBps: bigint;
  /** Load by the solution, bit/s. */
  loadBps: bigint;
}

/** What a program says of a SolutionLink. */
export interface SolutionLinkInit {
  /** The link. */
  link?: string;
  /** True: from the site; false: to the site. */
  up?: boolean;
  /** Capacity, bit/s; 0 unknown. */
  capacityBps?: bigint | number;
  /** Load by the solution, bit/s. */
  loadBps?: bigint | number;
}

/** One path of a pair in a solution. */
export interface SolutionPath {
  /** Path id. */
  path: bigint;
  /** Indices into Solution.links. */
  links: number[];
  /** Weight among the paths of the pair before; they add to 256, or are 0 for a new pair. */
  weightBefore: number;
  /** Weight that was found. */
  weight: number;
  /** Weight that shortest paths and free capacity alone would give. */
  weightDefault: number;
  /** Good enough to carry traffic while something is full. */
  eligible: boolean;
}

/** What a program says of a SolutionPath. */
export interface SolutionPathInit {
  /** Path id. */
  path?: bigint | number;
  /** Indices into Solution.links. */
  links?: readonly number[];
  /** Weight among the paths of the pair before; they add to 256, or are 0 for a new pair. */
  weightBefore?: number;
  /** Weight that was found. */
  weight?: number;
  /** Weight that shortest paths and free capacity alone would give. */
  weightDefault?: number;
  /** Good enough to carry traffic while something is full. */
  eligible?: boolean;
}

/** One pair of a solution. */
export interface SolutionPair {
  /** Source. */
  sourceSite: string;
  /** Destination. */
  destinationSite: string;
  /** Traffic, bit/s. */
  rateBps: bigint;
  /** Its paths, in order of the solver. */
  paths: SolutionPath[];
}

/** What a program says of a SolutionPair. */
export interface SolutionPairInit {
  /** Source. */
  sourceSite?: string;
  /** Destination. */
  destinationSite?: string;
  /** Traffic, bit/s. */
  rateBps?: bigint | number;
  /** Its paths, in order of the solver. */
  paths?: readonly SolutionPathInit[];
}

/** A solution with everything that it was computed from. */
export interface Solution {
  /** Counts the solutions of a leader's term. */
  epoch: bigint;
  /** Revision of the state. */
  revision: bigint;
  /** When, by the leader's clock. */
  time?: Date;
  /** "kept": the weights of before still do; "default": shortest paths; "solved": the solver's. */
  kind: string;
  /** Highest utilisation, parts per million. */
  utilizationPpm: bigint;
  /** The solver's bound on it: no weights on these paths do better. 0 when it was not asked. */
  boundPpm: bigint;
  /** Certified distance of the two, parts per million. */
  gapPpm: bigint;
  /** Steps in which the nodes get it. */
  steps: number;
  /** No link exceeds its capacity in any interleaving of any step. */
  promised: boolean;
  /** Largest difference between a split and its weight, parts per million. */
  roundingPpm: bigint;
  /** Highest utilisation in the worst interleaving, parts per million. */
  worstPpm: bigint;
  /** What was in force was to be kept while nothing was fuller than this, parts per million. */
  keepBelowPpm: bigint;
  /** Links; the paths name them by index. */
  links: SolutionLink[];
  /** Pairs with traffic. */
  pairs: SolutionPair[];
}

/** What a program says of a Solution. */
export interface SolutionInit {
  /** Counts the solutions of a leader's term. */
  epoch?: bigint | number;
  /** Revision of the state. */
  revision?: bigint | number;
  /** When, by the leader's clock. */
  time?: Date;
  /** "kept": the weights of before still do; "default": shortest paths; "solved": the solver's. */
  kind?: string;
  /** Highest utilisation, parts per million. */
  utilizationPpm?: bigint | number;
  /** The solver's bound on it: no weights on these paths do better. 0 when it was not asked. */
  boundPpm?: bigint | number;
  /** Certified distance of the two, parts per million. */
  gapPpm?: bigint | number;
  /** Steps in which the nodes get it. */
  steps?: number;
  /** No link exceeds its capacity in any interleaving of any step. */
  promised?: boolean;
  /** Largest difference between a split and its weight, parts per million. */
  roundingPpm?: bigint | number;
  /** Highest utilisation in the worst interleaving, parts per million. */
  worstPpm?: bigint | number;
  /** What was in force was to be kept while nothing was fuller than this, parts per million. */
  keepBelowPpm?: bigint | number;
  /** Links; the paths name them by index. */
  links?: readonly SolutionLinkInit[];
  /** Pairs with traffic. */
  pairs?: readonly SolutionPairInit[];
}

/** Request of ListSolutions. */
export interface ListSolutionsRequest {
  /** The organization. Name of a organization. */
  parent: string;
  /** Leave links and pairs out. */
  summary: boolean;
}

/** What a program says of a ListSolutionsRequest. */
export interface ListSolutionsRequestInit {
  /** The organization. Name of a organization. */
  parent: string;
  /** Leave links and pairs out. */
  summary?: boolean;
}

/** Response of ListSolutions. */
export interface ListSolutionsResponse {
  /** The newest first; the leader keeps 16. */
  solutions: Solution[];
}

/** What a program says of a ListSolutionsResponse. */
export interface ListSolutionsResponseInit {
  /** The newest first; the leader keeps 16. */
  solutions?: readonly SolutionInit[];
}

/**
 * Limits of one organization and all that is below it. 0 leaves the limit to the tier, and then to the organization
 * above.
 */
export interface Quotas {
  /** Sites. */
  sites: bigint;
  /** Edges. */
  edges: bigint;
  /** Directed tunnels that the links can form: pairs of links at different sites over the same underlay. */
  tunnels: bigint;
  /** Steering policies. */
  policies: bigint;
  /** Models. */
  models: bigint;
  /** Stored bytes of all resources. */
  bytes: bigint;
  /** API requests a second by the organization's own principals, at each controller. */
  requestsPerSecond: bigint;
  /** Open streams of the organization's own principals, at each controller. */
  streams: bigint;
}

/** What a program says of a Quotas. */
export interface QuotasInit {
  /** Sites. */
  sites?: bigint | number;
  /** Edges. */
  edges?: bigint | number;
  /** Directed tunnels that the links can form: pairs of links at different sites over the same underlay. */
  tunnels?: bigint | number;
  /** Steering policies. */
  policies?: bigint | number;
  /** Models. */
  models?: bigint | number;
  /** Stored bytes of all resources. */
  bytes?: bigint | number;
  /** API requests a second by the organization's own principals, at each controller. */
  requestsPerSecond?: bigint | number;
  /** Open streams of the organization's own principals, at each controller. */
  streams?: bigint | number;
}

/** One limit and how much of it is used, what is below the organization included. */
export interface QuotaUsage {
  /** Field of Quotas, for example "sites". */
  metric: string;
  /** The limit in force; 0 when there is none. */
  limit: bigint;
  /** In use now. */
  usage: bigint;
}

/** What a program says of a QuotaUsage. */
export interface QuotaUsageInit {
  /** Field of Quotas, for example "sites". */
  metric?: string;
  /** The limit in force; 0 when there is none. */
  limit?: bigint | number;
  /** In use now. */
  usage?: bigint | number;
}

/** A tenant. Organizations are flat; a parent field makes them a tree, so that a move renames nothing. */
export interface Organization extends Resource {
  /** Resource name: organizations/{organization}. Assigned from the parent and the id. */
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
  /** The organization above this one; empty for a root. Name of a organization. */
  parentOrganization: string;
  /** What the tenant has booked. */
  tier: Tier;
  /** Limits that differ from the tier's. */
  quotas?: Quotas;
  /** Every limit and what is used of it, exact as of the read. */
  readonly quotaUsage: QuotaUsage[];
  /** When it was deleted. Only a List with show_deleted shows such organizations. */
  readonly deleteTime?: Date;
  /** Until when UndeleteOrganization brings it back, with everything that was below it. */
  readonly expireTime?: Date;
}

/** What a program says of a Organization. */
export interface OrganizationInit {
  /** Resource name: organizations/{organization}. Assigned from the parent and the id. */
  name: string;
  /** Short key-value pairs for selection by filters. */
  labels?: Record<string, string>;
  /** Free key-value pairs that the system does not read. */
  annotations?: Record<string, string>;
  /** A name for people. */
  displayName?: string;
  /** The organization above this one; empty for a root. Name of a organization. */
  parentOrganization?: string;
  /** What the tenant has booked. */
  tier?: Tier;
  /** Limits that differ from the tier's. */
  quotas?: QuotasInit;
}

/** Fields of Organization that can be changed. */
export type OrganizationFields = Omit<OrganizationInit, "name">;

/** Request of UndeleteOrganization. */
export interface UndeleteOrganizationRequest {
  /** Name of the deleted organization. */
  name: string;
  /** uid of the one that is meant; empty for the one that was deleted last. */
  uid: string;
  /** Makes a retry safe. */
  requestId: string;
  /** Check everything, change nothing. */
  validateOnly: boolean;
}

/** What a program says of a UndeleteOrganizationRequest. */
export interface UndeleteOrganizationRequestInit {
  /** Name of the deleted organization. */
  name?: string;
  /** uid of the one that is meant; empty for the one that was deleted last. */
  uid?: string;
  /** Makes a retry safe. */
  requestId?: string;
  /** Check everything, change nothing. */
  validateOnly?: boolean;
}

/** Any resource that this version knows; $kind tells which it is. */
export type AnyResource =
  | (Organization & { readonly $kind: "Organization" })
  | (Site & { readonly $kind: "Site" })
  | (Edge & { readonly $kind: "Edge" })
  | (Link & { readonly $kind: "Link" })
  | (Fabric & { readonly $kind: "Fabric" })
  | (Segment & { readonly $kind: "Segment" })
  | (SlaProfile & { readonly $kind: "SlaProfile" })
  | (Application & { readonly $kind: "Application" })
  | (SteeringPolicy & { readonly $kind: "SteeringPolicy" })
  | (Model & { readonly $kind: "Model" })
  | (ModelVersion & { readonly $kind: "ModelVersion" })
  | (Controller & { readonly $kind: "Controller" })
  | (EnrollmentToken & { readonly $kind: "EnrollmentToken" })
  | (Tunnel & { readonly $kind: "Tunnel" })
  | (Path & { readonly $kind: "Path" })
  | (Role & { readonly $kind: "Role" })
  | (RoleBinding & { readonly $kind: "RoleBinding" })
  | (ClusterRoleBinding & { readonly $kind: "ClusterRoleBinding" })
  | (ServiceAccount & { readonly $kind: "ServiceAccount" })
  | (ApiKey & { readonly $kind: "ApiKey" })
  | (IdentityProvider & { readonly $kind: "IdentityProvider" })
  | (DeniedIdentity & { readonly $kind: "DeniedIdentity" })
  | (Demand & { readonly $kind: "Demand" })
  | (ChangeSet & { readonly $kind: "ChangeSet" });

/** Every kind by the name of its message. */
export const KINDS = {
  Organization: {
    name: "Organization",
    singular: "organization",
    plural: "organizations",
    pattern: "organizations/*",
    view: false,
    methods: {"create": "/patronus.v1.OrganizationService/CreateOrganization", "get": "/patronus.v1.OrganizationService/GetOrganization", "list": "/patronus.v1.OrganizationService/ListOrganizations", "update": "/patronus.v1.OrganizationService/UpdateOrganization", "delete": "/patronus.v1.OrganizationService/DeleteOrganization"},
    settable: ["labels", "annotations", "displayName", "parentOrganization", "tier", "quotas"],
    immutable: [],
  },
  Site: {
    name: "Site",
    singular: "site",
    plural: "sites",
    pattern: "organizations/*/sites/*",
    view: false,
    methods: {"create": "/patronus.v1.SiteService/CreateSite", "get": "/patronus.v1.SiteService/GetSite", "list": "/patronus.v1.SiteService/ListSites", "update": "/patronus.v1.SiteService/UpdateSite", "delete": "/patronus.v1.SiteService/DeleteSite"},
    settable: ["labels", "annotations", "displayName", "location", "region", "timezone", "adminState"],
    immutable: [],
  },
  Edge: {
    name: "Edge",
    singular: "edge",
    plural: "edges",
    pattern: "organizations/*/sites/*/edges/*",
    view: false,
    methods: {"create": "/patronus.v1.EdgeService/CreateEdge", "get": "/patronus.v1.EdgeService/GetEdge", "list": "/patronus.v1.EdgeService/ListEdges", "update": "/patronus.v1.EdgeService/UpdateEdge", "delete": "/patronus.v1.EdgeService/DeleteEdge"},
    settable: ["labels", "annotations", "displayName", "roles", "lanInterfaces"],
    immutable: [],
  },
  Link: {
    name: "Link",
    singular: "link",
    plural: "links",
    pattern: "organizations/*/sites/*/links/*",
    view: false,
    methods: {"create": "/patronus.v1.LinkService/CreateLink", "get": "/patronus.v1.LinkService/GetLink", "list": "/patronus.v1.LinkService/ListLinks", "update": "/patronus.v1.LinkService/UpdateLink", "delete": "/patronus.v1.LinkService/DeleteLink"},
    settable: ["labels", "annotations", "displayName", "edge", "interface", "address", "gateway", "transport", "provider", "underlay", "capacityUpBps", "capacityDownBps", "metered", "mtu", "srlgs", "adminState", "cost", "encryption"],
    immutable: [],
  },
  Fabric: {
    name: "Fabric",
    singular: "fabric",
    plural: "fabrics",
    pattern: "organizations/*/fabrics/*",
    view: false,
    methods: {"create": "/patronus.v1.FabricService/CreateFabric", "get": "/patronus.v1.FabricService/GetFabric", "list": "/patronus.v1.FabricService/ListFabrics", "update": "/patronus.v1.FabricService/UpdateFabric", "delete": "/patronus.v1.FabricService/DeleteFabric"},
    settable: ["labels", "annotations", "displayName", "topology", "hubs", "sites", "maxTransitSites", "cipher"],
    immutable: [],
  },
  Segment: {
    name: "Segment",
    singular: "segment",
    plural: "segments",
    pattern: "organizations/*/segments/*",
    view: false,
    methods: {"create": "/patronus.v1.SegmentService/CreateSegment", "get": "/patronus.v1.SegmentService/GetSegment", "list": "/patronus.v1.SegmentService/ListSegments", "update": "/patronus.v1.SegmentService/UpdateSegment", "delete": "/patronus.v1.SegmentService/DeleteSegment"},
    settable: ["labels", "annotations", "displayName", "fabric", "prefixes", "encryption"],
    immutable: [],
  },
  SlaProfile: {
    name: "SlaProfile",
    singular: "slaProfile",
    plural: "slaProfiles",
    pattern: "organizations/*/slaProfiles/*",
    view: false,
    methods: {"create": "/patronus.v1.SlaProfileService/CreateSlaProfile", "get": "/patronus.v1.SlaProfileService/GetSlaProfile", "list": "/patronus.v1.SlaProfileService/ListSlaProfiles", "update": "/patronus.v1.SlaProfileService/UpdateSlaProfile", "delete": "/patronus.v1.SlaProfileService/DeleteSlaProfile"},
    settable: ["labels", "annotations", "displayName", "maxLossPpm", "maxLatencyUs", "maxJitterUs", "minMosMilli", "evaluationWindow"],
    immutable: [],
  },
  Application: {
    name: "Application",
    singular: "application",
    plural: "applications",
    pattern: "organizations/*/applications/*",
    view: false,
    methods: {"create": "/patronus.v1.ApplicationService/CreateApplication", "get": "/patronus.v1.ApplicationService/GetApplication", "list": "/patronus.v1.ApplicationService/ListApplications", "update": "/patronus.v1.ApplicationService/UpdateApplication", "delete": "/patronus.v1.ApplicationService/DeleteApplication"},
    settable: ["labels", "annotations", "displayName", "matches"],
    immutable: [],
  },
  SteeringPolicy: {
    name: "SteeringPolicy",
    singular: "steeringPolicy",
    plural: "steeringPolicies",
    pattern: "organizations/*/steeringPolicies/*",
    view: false,
    methods: {"create": "/patronus.v1.SteeringPolicyService/CreateSteeringPolicy", "get": "/patronus.v1.SteeringPolicyService/GetSteeringPolicy", "list": "/patronus.v1.SteeringPolicyService/ListSteeringPolicies", "update": "/patronus.v1.SteeringPolicyService/UpdateSteeringPolicy", "delete": "/patronus.v1.SteeringPolicyService/DeleteSteeringPolicy"},
    settable: ["labels", "annotations", "displayName", "segment", "priority", "rules", "disabled"],
    immutable: [],
  },
  Model: {
    name: "Model",
    singular: "model",
    plural: "models",
    pattern: "organizations/*/models/*",
    view: false,
    methods: {"create": "/patronus.v1.ModelService/CreateModel", "get": "/patronus.v1.ModelService/GetModel", "list": "/patronus.v1.ModelService/ListModels", "update": "/patronus.v1.ModelService/UpdateModel", "delete": "/patronus.v1.ModelService/DeleteModel"},
    settable: ["labels", "annotations", "displayName", "purpose", "liveVersion"],
    immutable: [],
  },
  ModelVersion: {
    name: "ModelVersion",
    singular: "modelVersion",
    plural: "versions",
    pattern: "organizations/*/models/*/versions/*",
    view: false,
    methods: {"create": "/patronus.v1.ModelVersionService/CreateModelVersion", "get": "/patronus.v1.ModelVersionService/GetModelVersion", "list": "/patronus.v1.ModelVersionService/ListVersions", "update": "/patronus.v1.ModelVersionService/UpdateModelVersion", "delete": "/patronus.v1.ModelVersionService/DeleteModelVersion"},
    settable: ["labels", "annotations", "displayName", "digest", "sizeBytes", "stage", "metricsMillionths"],
    immutable: ["digest", "sizeBytes"],
  },
  Controller: {
    name: "Controller",
    singular: "controller",
    plural: "controllers",
    pattern: "controllers/*",
    view: false,
    methods: {"create": "/patronus.v1.ControllerService/CreateController", "get": "/patronus.v1.ControllerService/GetController", "list": "/patronus.v1.ControllerService/ListControllers", "update": "/patronus.v1.ControllerService/UpdateController", "delete": "/patronus.v1.ControllerService/DeleteController"},
    settable: ["labels", "annotations", "displayName", "raftId", "peerAddress", "apiAddress", "agentAddress", "region", "role", "leaderPriority"],
    immutable: ["raftId"],
  },
  EnrollmentToken: {
    name: "EnrollmentToken",
    singular: "enrollmentToken",
    plural: "enrollmentTokens",
    pattern: "enrollmentTokens/*",
    view: false,
    methods: {"create": "/patronus.v1.EnrollmentTokenService/CreateEnrollmentToken", "get": "/patronus.v1.EnrollmentTokenService/GetEnrollmentToken", "list": "/patronus.v1.EnrollmentTokenService/ListEnrollmentTokens", "update": "/patronus.v1.EnrollmentTokenService/UpdateEnrollmentToken", "delete": "/patronus.v1.EnrollmentTokenService/DeleteEnrollmentToken"},
    settable: ["labels", "annotations", "displayName", "role", "edge", "secretDigest", "expireTime"],
    immutable: ["role", "edge", "secretDigest", "expireTime"],
  },
  Tunnel: {
    name: "Tunnel",
    singular: "tunnel",
    plural: "tunnels",
    pattern: "organizations/*/tunnels/*",
    view: true,
    methods: {"get": "/patronus.v1.TunnelService/GetTunnel", "list": "/patronus.v1.TunnelService/ListTunnels"},
    settable: ["labels", "annotations", "displayName"],
    immutable: [],
  },
  Path: {
    name: "Path",
    singular: "path",
    plural: "paths",
    pattern: "organizations/*/paths/*",
    view: true,
    methods: {"get": "/patronus.v1.PathService/GetPath", "list": "/patronus.v1.PathService/ListPaths"},
    settable: ["labels", "annotations", "displayName"],
    immutable: [],
  },
  Role: {
    name: "Role",
    singular: "role",
    plural: "roles",
    pattern: "organizations/*/roles/*",
    view: false,
    methods: {"create": "/patronus.v1.RoleService/CreateRole", "get": "/patronus.v1.RoleService/GetRole", "list": "/patronus.v1.RoleService/ListRoles", "update": "/patronus.v1.RoleService/UpdateRole", "delete": "/patronus.v1.RoleService/DeleteRole"},
    settable: ["labels", "annotations", "displayName", "permissions"],
    immutable: [],
  },
  RoleBinding: {
    name: "RoleBinding",
    singular: "roleBinding",
    plural: "roleBindings",
    pattern: "organizations/*/roleBindings/*",
    view: false,
    methods: {"create": "/patronus.v1.RoleBindingService/CreateRoleBinding", "get": "/patronus.v1.RoleBindingService/GetRoleBinding", "list": "/patronus.v1.RoleBindingService/ListRoleBindings", "update": "/patronus.v1.RoleBindingService/UpdateRoleBinding", "delete": "/patronus.v1.RoleBindingService/DeleteRoleBinding"},
    settable: ["labels", "annotations", "displayName", "role", "members", "condition"],
    immutable: [],
  },
  ClusterRoleBinding: {
    name: "ClusterRoleBinding",
    singular: "clusterRoleBinding",
    plural: "clusterRoleBindings",
    pattern: "clusterRoleBindings/*",
    view: false,
    methods: {"create": "/patronus.v1.ClusterRoleBindingService/CreateClusterRoleBinding", "get": "/patronus.v1.ClusterRoleBindingService/GetClusterRoleBinding", "list": "/patronus.v1.ClusterRoleBindingService/ListClusterRoleBindings", "update": "/patronus.v1.ClusterRoleBindingService/UpdateClusterRoleBinding", "delete": "/patronus.v1.ClusterRoleBindingService/DeleteClusterRoleBinding"},
    settable: ["labels", "annotations", "displayName", "role", "members", "condition"],
    immutable: [],
  },
  ServiceAccount: {
    name: "ServiceAccount",
    singular: "serviceAccount",
    plural: "serviceAccounts",
    pattern: "organizations/*/serviceAccounts/*",
    view: false,
    methods: {"create": "/patronus.v1.ServiceAccountService/CreateServiceAccount", "get": "/patronus.v1.ServiceAccountService/GetServiceAccount", "list": "/patronus.v1.ServiceAccountService/ListServiceAccounts", "update": "/patronus.v1.ServiceAccountService/UpdateServiceAccount", "delete": "/patronus.v1.ServiceAccountService/DeleteServiceAccount"},
    settable: ["labels", "annotations", "displayName", "disabled"],
    immutable: [],
  },
  ApiKey: {
    name: "ApiKey",
    singular: "apiKey",
    plural: "apiKeys",
    pattern: "organizations/*/serviceAccounts/*/apiKeys/*",
    view: false,
    methods: {"get": "/patronus.v1.ApiKeyService/GetApiKey", "list": "/patronus.v1.ApiKeyService/ListApiKeys", "update": "/patronus.v1.ApiKeyService/UpdateApiKey", "delete": "/patronus.v1.ApiKeyService/DeleteApiKey"},
    settable: ["labels", "annotations", "displayName", "secretHmac", "hint", "expireTime", "scopes", "sourcePrefixes", "disabled"],
    immutable: ["secretHmac", "hint"],
  },
  IdentityProvider: {
    name: "IdentityProvider",
    singular: "identityProvider",
    plural: "identityProviders",
    pattern: "organizations/*/identityProviders/*",
    view: false,
    methods: {"create": "/patronus.v1.IdentityProviderService/CreateIdentityProvider", "get": "/patronus.v1.IdentityProviderService/GetIdentityProvider", "list": "/patronus.v1.IdentityProviderService/ListIdentityProviders", "update": "/patronus.v1.IdentityProviderService/UpdateIdentityProvider", "delete": "/patronus.v1.IdentityProviderService/DeleteIdentityProvider"},
    settable: ["labels", "annotations", "displayName", "issuer", "audiences", "jwksUri", "subjectClaim", "groupsClaim", "disabled"],
    immutable: [],
  },
  DeniedIdentity: {
    name: "DeniedIdentity",
    singular: "deniedIdentity",
    plural: "deniedIdentities",
    pattern: "deniedIdentities/*",
    view: false,
    methods: {"create": "/patronus.v1.DeniedIdentityService/CreateDeniedIdentity", "get": "/patronus.v1.DeniedIdentityService/GetDeniedIdentity", "list": "/patronus.v1.DeniedIdentityService/ListDeniedIdentities", "update": "/patronus.v1.DeniedIdentityService/UpdateDeniedIdentity", "delete": "/patronus.v1.DeniedIdentityService/DeleteDeniedIdentity"},
    settable: ["labels", "annotations", "displayName", "identity", "reason", "expireTime"],
    immutable: ["identity"],
  },
  Demand: {
    name: "Demand",
    singular: "demand",
    plural: "demands",
    pattern: "organizations/*/demands/*",
    view: false,
    methods: {"create": "/patronus.v1.DemandService/CreateDemand", "get": "/patronus.v1.DemandService/GetDemand", "list": "/patronus.v1.DemandService/ListDemands", "update": "/patronus.v1.DemandService/UpdateDemand", "delete": "/patronus.v1.DemandService/DeleteDemand"},
    settable: ["labels", "annotations", "displayName", "sourceSite", "destinationSite", "trafficClass", "rateBps"],
    immutable: [],
  },
  ChangeSet: {
    name: "ChangeSet",
    singular: "changeSet",
    plural: "changeSets",
    pattern: "organizations/*/changeSets/*",
    view: false,
    methods: {"get": "/patronus.v1.ChangeSetService/GetChangeSet", "list": "/patronus.v1.ChangeSetService/ListChangeSets", "update": "/patronus.v1.ChangeSetService/UpdateChangeSet", "delete": "/patronus.v1.ChangeSetService/DeleteChangeSet"},
    settable: ["labels", "annotations", "displayName", "changes"],
    immutable: [],
  },
} as const satisfies Record<string, Kind>;

/** Lists whose order carries no meaning. */
export const SETS: ReadonlySet<string> = new Set([
  "Edge.roles",
  "Edge.lanInterfaces.prefixes",
  "Link.srlgs",
  "Fabric.hubs",
  "Fabric.sites",
  "Segment.prefixes",
  "Application.matches.cidrs",
  "Application.matches.dscps",
  "SteeringPolicy.rules.applications",
  "SteeringPolicy.rules.sites",
  "SteeringPolicy.rules.destinationCidrs",
  "SteeringPolicy.rules.dscps",
  "SteeringPolicy.rules.transports",
  "SteeringPolicy.rules.underlays",
  "Role.permissions",
  "RoleBinding.members",
  "RoleBinding.condition.sourcePrefixes",
  "ClusterRoleBinding.members",
  "ClusterRoleBinding.condition.sourcePrefixes",
  "ApiKey.scopes",
  "ApiKey.sourcePrefixes",
  "IdentityProvider.audiences",
]);

/** Fields whose zero is not the same as not set. */
export const OPTIONAL: ReadonlySet<string> = new Set([
  "Fabric.maxTransitSites",
  "SlaProfile.maxLossPpm",
  "SlaProfile.maxLatencyUs",
  "SlaProfile.maxJitterUs",
  "SlaProfile.minMosMilli",
  "Application.matches.protocol",
]);
