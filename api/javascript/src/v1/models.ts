/** Every message of the API as a TypeScript type. Generated from the schema by api/tools/generate; do not edit. */

import type { ClusterRoleBinding, Role, RoleBinding } from "./access.js";
import type { ApiKey, ServiceAccount } from "./account.js";
import type { ChangeSet } from "./changeset.js";
import type { Controller, EnrollmentToken } from "./cluster.js";
import type { Fabric, Path, Segment, Tunnel } from "./fabric.js";
import type { FirewallPolicy, FloodGuard } from "./firewall.js";
import type { DeniedIdentity, IdentityProvider } from "./identity.js";
import type { Model, ModelVersion } from "./model.js";
import type { NatPolicy } from "./nat.js";
import type { Application, SlaProfile, SteeringPolicy } from "./policy.js";
import type { QosProfile, RateLimit } from "./qos.js";
import type { UserSession } from "./session.js";
import type { Edge, Link, Site } from "./site.js";
import type { Demand } from "./te.js";
import type { Organization } from "./tenancy.js";

export * from "./access.js";
export * from "./account.js";
export * from "./audit.js";
export * from "./authority.js";
export * from "./changeset.js";
export * from "./cluster.js";
export * from "./common.js";
export * from "./diagnostics.js";
export * from "./explain.js";
export * from "./fabric.js";
export * from "./firewall.js";
export * from "./identity.js";
export * from "./inspection.js";
export * from "./model.js";
export * from "./nat.js";
export * from "./policy.js";
export * from "./qos.js";
export * from "./replication.js";
export * from "./session.js";
export * from "./site.js";
export * from "./te.js";
export * from "./tenancy.js";
export { KINDS, OPTIONAL, SETS } from "./kinds.js";

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
  | (ChangeSet & { readonly $kind: "ChangeSet" })
  | (QosProfile & { readonly $kind: "QosProfile" })
  | (UserSession & { readonly $kind: "UserSession" })
  | (NatPolicy & { readonly $kind: "NatPolicy" })
  | (FirewallPolicy & { readonly $kind: "FirewallPolicy" })
  | (FloodGuard & { readonly $kind: "FloodGuard" })
  | (RateLimit & { readonly $kind: "RateLimit" });
