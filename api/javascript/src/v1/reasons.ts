/** One class per documented reason. Generated from the schema by api/tools/generate; do not edit. */

import { PatronusError, registerReason } from "../errors.js";

/** A value breaks a rule of its field; the message says what would be right. */
export class FieldInvalid extends PatronusError {}
registerReason("FIELD_INVALID", FieldInvalid, "");

/** A field that must be set is not. */
export class FieldRequired extends PatronusError {}
registerReason("FIELD_REQUIRED", FieldRequired, "set the field that is named");

/** A field that is fixed at creation would change. */
export class FieldImmutable extends PatronusError {}
registerReason("FIELD_IMMUTABLE", FieldImmutable, "leave the field as it is, or delete and create anew");

/** A field that the system computes was given. */
export class FieldOutputOnly extends PatronusError {}
registerReason("FIELD_OUTPUT_ONLY", FieldOutputOnly, "leave the field out");

/** The server does not know the field. */
export class FieldUnknown extends PatronusError {}
registerReason("FIELD_UNKNOWN", FieldUnknown, "look for a misspelling; an older server lacks newer fields");

/** The request cannot be read. */
export class MessageMalformed extends PatronusError {}
registerReason("MESSAGE_MALFORMED", MessageMalformed, "");

/** The request is larger than a message may be. */
export class MessageTooLarge extends PatronusError {}
registerReason("MESSAGE_TOO_LARGE", MessageTooLarge, "split it");

/** The request is nested deeper than a message may be. */
export class MessageTooDeep extends PatronusError {}
registerReason("MESSAGE_TOO_DEEP", MessageTooDeep, "");

/** A name is not one of this kind. */
export class NameInvalid extends PatronusError {}
registerReason("NAME_INVALID", NameInvalid, "write it as the message shows");

/** There is no such resource. */
export class ResourceNotFound extends PatronusError {}
registerReason("RESOURCE_NOT_FOUND", ResourceNotFound, "list the kind to see what there is");

/** The resource is there already. */
export class ResourceExists extends PatronusError {}
registerReason("RESOURCE_EXISTS", ResourceExists, "update or apply it instead");

/** The resource above does not exist. */
export class ParentNotFound extends PatronusError {}
registerReason("PARENT_NOT_FOUND", ParentNotFound, "create the parent first");

/** A field names a resource that does not exist. */
export class ReferenceNotFound extends PatronusError {}
registerReason("REFERENCE_NOT_FOUND", ReferenceNotFound, "create that resource first");

/** Another resource refers to this one. */
export class ResourceInUse extends PatronusError {}
registerReason("RESOURCE_IN_USE", ResourceInUse, "change or delete the resource that is named first");

/** Resources stand below this one. */
export class ResourceHasChildren extends PatronusError {}
registerReason("RESOURCE_HAS_CHILDREN", ResourceHasChildren, "delete them first, or delete with force");

/** Somebody else changed the resource since it was read. */
export class EtagMismatch extends PatronusError {}
registerReason("ETAG_MISMATCH", EtagMismatch, "read it again and repeat the change");

/** The request id belongs to another request. */
export class RequestIdReused extends PatronusError {}
registerReason("REQUEST_ID_REUSED", RequestIdReused, "use a new request id for a new request");

/** A limit or quota is used up. */
export class LimitReached extends PatronusError {}
registerReason("LIMIT_REACHED", LimitReached, "delete what is not needed, or ask for a higher limit");

/** The page token is not one of this list. */
export class PageTokenInvalid extends PatronusError {}
registerReason("PAGE_TOKEN_INVALID", PageTokenInvalid, "begin the list anew");

/** The filter or order cannot be understood. */
export class FilterInvalid extends PatronusError {}
registerReason("FILTER_INVALID", FilterInvalid, "write for example region = \"eu\" AND labels.tier = \"gold\"");

/** The resume token is not one of this cluster. */
export class ResumeTokenInvalid extends PatronusError {}
registerReason("RESUME_TOKEN_INVALID", ResumeTokenInvalid, "list, then watch anew");

/** The place to resume at is older than the history kept. */
export class HistoryCompacted extends PatronusError {}
registerReason("HISTORY_COMPACTED", HistoryCompacted, "list, then watch anew without a token");

/** The call carried no credential. */
export class CredentialsMissing extends PatronusError {}
registerReason("CREDENTIALS_MISSING", CredentialsMissing, "give the credential of this cluster");

/** The caller may not do this. */
export class PermissionMissing extends PatronusError {}
registerReason("PERMISSION_MISSING", PermissionMissing, "ask an administrator of the organization for the permission named");

/** The enrolment token is not one of this cluster. */
export class TokenInvalid extends PatronusError {}
registerReason("TOKEN_INVALID", TokenInvalid, "make a new token");

/** The enrolment token has expired. */
export class TokenExpired extends PatronusError {}
registerReason("TOKEN_EXPIRED", TokenExpired, "make a new token");

/** The enrolment token has been used by another node. */
export class TokenUsed extends PatronusError {}
registerReason("TOKEN_USED", TokenUsed, "make a new token");

/** The cluster has no leader at present. */
export class NoLeader extends PatronusError {}
registerReason("NO_LEADER", NoLeader, "try again in a few seconds; patronusctl cluster status shows who answers");

/** The leader changed in the middle of the call. */
export class LeaderChanged extends PatronusError {}
registerReason("LEADER_CHANGED", LeaderChanged, "repeat the call with the same request id");

/** A controller's disk is full. */
export class NoSpace extends PatronusError {}
registerReason("NO_SPACE", NoSpace, "free space on the controllers");

/** The controller has too much to do. */
export class Overloaded extends PatronusError {}
registerReason("OVERLOADED", Overloaded, "try again later, with fewer calls at a time");

/** The controller is about to stop. */
export class ShuttingDown extends PatronusError {}
registerReason("SHUTTING_DOWN", ShuttingDown, "try another controller");

/** The change contradicts another one. */
export class Conflict extends PatronusError {}
registerReason("CONFLICT", Conflict, "read again and repeat the change");

/** The call was refused for this reason. */
export class QuotaExceeded extends PatronusError {}
registerReason("QUOTA_EXCEEDED", QuotaExceeded, "");

/** The call was refused for this reason. */
export class RateLimited extends PatronusError {}
registerReason("RATE_LIMITED", RateLimited, "");

/** The call was refused for this reason. */
export class IdentityRevoked extends PatronusError {}
registerReason("IDENTITY_REVOKED", IdentityRevoked, "");

/** The call was refused for this reason. */
export class GrantNotHeld extends PatronusError {}
registerReason("GRANT_NOT_HELD", GrantNotHeld, "");

/** The call was refused for this reason. */
export class ChangePending extends PatronusError {}
registerReason("CHANGE_PENDING", ChangePending, "");

/** The call was refused for this reason. */
export class WrongState extends PatronusError {}
registerReason("WRONG_STATE", WrongState, "");

/** Every documented reason. */
export const REASONS = [
  "FIELD_INVALID",
  "FIELD_REQUIRED",
  "FIELD_IMMUTABLE",
  "FIELD_OUTPUT_ONLY",
  "FIELD_UNKNOWN",
  "MESSAGE_MALFORMED",
  "MESSAGE_TOO_LARGE",
  "MESSAGE_TOO_DEEP",
  "NAME_INVALID",
  "RESOURCE_NOT_FOUND",
  "RESOURCE_EXISTS",
  "PARENT_NOT_FOUND",
  "REFERENCE_NOT_FOUND",
  "RESOURCE_IN_USE",
  "RESOURCE_HAS_CHILDREN",
  "ETAG_MISMATCH",
  "REQUEST_ID_REUSED",
  "LIMIT_REACHED",
  "PAGE_TOKEN_INVALID",
  "FILTER_INVALID",
  "RESUME_TOKEN_INVALID",
  "HISTORY_COMPACTED",
  "CREDENTIALS_MISSING",
  "PERMISSION_MISSING",
  "TOKEN_INVALID",
  "TOKEN_EXPIRED",
  "TOKEN_USED",
  "NO_LEADER",
  "LEADER_CHANGED",
  "NO_SPACE",
  "OVERLOADED",
  "SHUTTING_DOWN",
  "CONFLICT",
  "QUOTA_EXCEEDED",
  "RATE_LIMITED",
  "IDENTITY_REVOKED",
  "GRANT_NOT_HELD",
  "CHANGE_PENDING",
  "WRONG_STATE",
] as const;
