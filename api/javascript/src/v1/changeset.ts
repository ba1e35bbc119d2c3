/**
 * ChangeSets: changes of many resources that are staged, planned, applied, confirmed and taken back together; and the
 * revisions that every resource leaves behind. Generated from the schema by api/tools/generate; do not edit.
 */

import type { Resource } from "../collection.js";
import type { AnyResource } from "./models.js";
import type { Condition } from "./common.js";

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
  /** What would be accepted and is probably not meant: steering rules that never decide. The first 64. */
  warnings: string[];
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
  /** What would be accepted and is probably not meant: steering rules that never decide. The first 64. */
  warnings?: readonly string[];
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
