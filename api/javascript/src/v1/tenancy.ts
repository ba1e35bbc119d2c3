/**
 * Tenancy: the organizations that own everything else. Generated from the schema by api/tools/generate; do not edit.
 */

import type { Resource } from "../collection.js";
import type { Condition } from "./common.js";

/**
 * What a tenant has booked: the limits that hold where `quotas` names none. TIER_UNSPECIFIED: That of the
 * organization above; a root without tier has no limits: it belongs to whoever runs the cluster; FREE: To try: 3
 * sites, 6 edges, 64 tunnels, 10 policies, 1 model, 1 MiB, 20 requests a second, 8 streams; STARTER: A few sites: 25
 * sites, 50 edges, 10,000 tunnels, 100 policies, 5 models, 16 MiB, 100 requests a second, 64 streams; PROFESSIONAL:
 * Hundreds of sites: 500 sites, 1,000 edges, 1,000,000 tunnels, 1,000 policies, 50 models, 256 MiB, 500 requests a
 * second, 512 streams; ENTERPRISE: As contracted: no limits but those in `quotas`.
 */
export type Tier = | "TIER_UNSPECIFIED" | "FREE" | "STARTER" | "PROFESSIONAL" | "ENTERPRISE" | `UNRECOGNIZED_${number}`;

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
  /** Policies: those of steering, of the firewall and of translation. */
  policies: bigint;
  /** Models. */
  models: bigint;
  /** Stored bytes of all resources, and those of the artifacts that model versions stand for. */
  bytes: bigint;
  /**
   * API requests a second by the organization's own principals, at each controller; by one of them four fifths of it,
   * so that a program that runs wild leaves room for who stops it.
   */
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
  /** Policies: those of steering, of the firewall and of translation. */
  policies?: bigint | number;
  /** Models. */
  models?: bigint | number;
  /** Stored bytes of all resources, and those of the artifacts that model versions stand for. */
  bytes?: bigint | number;
  /**
   * API requests a second by the organization's own principals, at each controller; by one of them four fifths of it,
   * so that a program that runs wild leaves room for who stops it.
   */
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
  /**
   * In use now. Requests: those in the last full second, and streams: those that are open, at the controller that
   * answers.
   */
  usage: bigint;
}

/** What a program says of a QuotaUsage. */
export interface QuotaUsageInit {
  /** Field of Quotas, for example "sites". */
  metric?: string;
  /** The limit in force; 0 when there is none. */
  limit?: bigint | number;
  /**
   * In use now. Requests: those in the last full second, and streams: those that are open, at the controller that
   * answers.
   */
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
