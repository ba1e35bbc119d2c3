/**
 * Access: who may do what. Roles and what binds them, and the question what somebody may. Generated from the schema
 * by api/tools/generate; do not edit.
 */

import type { Resource } from "../collection.js";
import type { Condition } from "./common.js";

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
