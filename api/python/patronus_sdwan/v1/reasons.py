"""One exception per documented reason.

Generated from the schema by api/tools/generate; do not edit.
"""

from __future__ import annotations

from ..errors import PatronusError


class FieldInvalid(PatronusError):
    """A value breaks a rule of its field; the message says what would be right."""

    REASON = "FIELD_INVALID"


class FieldRequired(PatronusError):
    """A field that must be set is not."""

    REASON = "FIELD_REQUIRED"
    ADVICE = "set the field that is named"


class FieldImmutable(PatronusError):
    """A field that is fixed at creation would change."""

    REASON = "FIELD_IMMUTABLE"
    ADVICE = "leave the field as it is, or delete and create anew"


class FieldOutputOnly(PatronusError):
    """A field that the system computes was given."""

    REASON = "FIELD_OUTPUT_ONLY"
    ADVICE = "leave the field out"


class FieldUnknown(PatronusError):
    """The server does not know the field."""

    REASON = "FIELD_UNKNOWN"
    ADVICE = "look for a misspelling; an older server lacks newer fields"


class MessageMalformed(PatronusError):
    """The request cannot be read."""

    REASON = "MESSAGE_MALFORMED"


class MessageTooLarge(PatronusError):
    """The request is larger than a message may be."""

    REASON = "MESSAGE_TOO_LARGE"
    ADVICE = "split it"


class MessageTooDeep(PatronusError):
    """The request is nested deeper than a message may be."""

    REASON = "MESSAGE_TOO_DEEP"


class NameInvalid(PatronusError):
    """A name is not one of this kind."""

    REASON = "NAME_INVALID"
    ADVICE = "write it as the message shows"


class ResourceNotFound(PatronusError):
    """There is no such resource."""

    REASON = "RESOURCE_NOT_FOUND"
    ADVICE = "list the kind to see what there is"


class ResourceExists(PatronusError):
    """The resource is there already."""

    REASON = "RESOURCE_EXISTS"
    ADVICE = "update or apply it instead"


class ParentNotFound(PatronusError):
    """The resource above does not exist."""

    REASON = "PARENT_NOT_FOUND"
    ADVICE = "create the parent first"


class ReferenceNotFound(PatronusError):
    """A field names a resource that does not exist."""

    REASON = "REFERENCE_NOT_FOUND"
    ADVICE = "create that resource first"


class ResourceInUse(PatronusError):
    """Another resource refers to this one."""

    REASON = "RESOURCE_IN_USE"
    ADVICE = "change or delete the resource that is named first"


class ResourceHasChildren(PatronusError):
    """Resources stand below this one."""

    REASON = "RESOURCE_HAS_CHILDREN"
    ADVICE = "delete them first, or delete with force"


class EtagMismatch(PatronusError):
    """Somebody else changed the resource since it was read."""

    REASON = "ETAG_MISMATCH"
    ADVICE = "read it again and repeat the change"


class RequestIdReused(PatronusError):
    """The request id belongs to another request."""

    REASON = "REQUEST_ID_REUSED"
    ADVICE = "use a new request id for a new request"


class LimitReached(PatronusError):
    """A limit or quota is used up."""

    REASON = "LIMIT_REACHED"
    ADVICE = "delete what is not needed, or ask for a higher limit"


class PageTokenInvalid(PatronusError):
    """The page token is not one of this list."""

    REASON = "PAGE_TOKEN_INVALID"
    ADVICE = "begin the list anew"


class FilterInvalid(PatronusError):
    """The filter or order cannot be understood."""

    REASON = "FILTER_INVALID"
    ADVICE = 'write for example region = "eu" AND labels.tier = "gold"'


class ResumeTokenInvalid(PatronusError):
    """The resume token is not one of this cluster."""

    REASON = "RESUME_TOKEN_INVALID"
    ADVICE = "list, then watch anew"


class HistoryCompacted(PatronusError):
    """The place to resume at is older than the history kept."""

    REASON = "HISTORY_COMPACTED"
    ADVICE = "list, then watch anew without a token"


class CredentialsMissing(PatronusError):
    """The call carried no credential."""

    REASON = "CREDENTIALS_MISSING"
    ADVICE = "give the credential of this cluster"


class PermissionMissing(PatronusError):
    """The caller may not do this."""

    REASON = "PERMISSION_MISSING"
    ADVICE = "ask an administrator of the organization for the permission named"


class TokenInvalid(PatronusError):
    """The enrolment token is not one of this cluster."""

    REASON = "TOKEN_INVALID"
    ADVICE = "make a new token"


class TokenExpired(PatronusError):
    """The enrolment token has expired."""

    REASON = "TOKEN_EXPIRED"
    ADVICE = "make a new token"


class TokenUsed(PatronusError):
    """The enrolment token has been used by another node."""

    REASON = "TOKEN_USED"
    ADVICE = "make a new token"


class NoLeader(PatronusError):
    """The cluster has no leader at present."""

    REASON = "NO_LEADER"
    ADVICE = "try again in a few seconds; patronusctl cluster status shows who answers"


class LeaderChanged(PatronusError):
    """The leader changed in the middle of the call."""

    REASON = "LEADER_CHANGED"
    ADVICE = "repeat the call with the same request id"


class NoSpace(PatronusError):
    """A controller's disk is full."""

    REASON = "NO_SPACE"
    ADVICE = "free space on the controllers"


class Overloaded(PatronusError):
    """The controller has too much to do."""

    REASON = "OVERLOADED"
    ADVICE = "try again later, with fewer calls at a time"


class ShuttingDown(PatronusError):
    """The controller is about to stop."""

    REASON = "SHUTTING_DOWN"
    ADVICE = "try another controller"


class Conflict(PatronusError):
    """The change contradicts another one."""

    REASON = "CONFLICT"
    ADVICE = "read again and repeat the change"


class QuotaExceeded(PatronusError):
    """The call was refused for this reason."""

    REASON = "QUOTA_EXCEEDED"


class RateLimited(PatronusError):
    """The call was refused for this reason."""

    REASON = "RATE_LIMITED"


class IdentityRevoked(PatronusError):
    """The call was refused for this reason."""

    REASON = "IDENTITY_REVOKED"


class GrantNotHeld(PatronusError):
    """The call was refused for this reason."""

    REASON = "GRANT_NOT_HELD"


class ChangePending(PatronusError):
    """The call was refused for this reason."""

    REASON = "CHANGE_PENDING"


class WrongState(PatronusError):
    """The call was refused for this reason."""

    REASON = "WRONG_STATE"


BY_REASON: dict[str, type[PatronusError]] = {
    "FIELD_INVALID": FieldInvalid,
    "FIELD_REQUIRED": FieldRequired,
    "FIELD_IMMUTABLE": FieldImmutable,
    "FIELD_OUTPUT_ONLY": FieldOutputOnly,
    "FIELD_UNKNOWN": FieldUnknown,
    "MESSAGE_MALFORMED": MessageMalformed,
    "MESSAGE_TOO_LARGE": MessageTooLarge,
    "MESSAGE_TOO_DEEP": MessageTooDeep,
    "NAME_INVALID": NameInvalid,
    "RESOURCE_NOT_FOUND": ResourceNotFound,
    "RESOURCE_EXISTS": ResourceExists,
    "PARENT_NOT_FOUND": ParentNotFound,
    "REFERENCE_NOT_FOUND": ReferenceNotFound,
    "RESOURCE_IN_USE": ResourceInUse,
    "RESOURCE_HAS_CHILDREN": ResourceHasChildren,
    "ETAG_MISMATCH": EtagMismatch,
    "REQUEST_ID_REUSED": RequestIdReused,
    "LIMIT_REACHED": LimitReached,
    "PAGE_TOKEN_INVALID": PageTokenInvalid,
    "FILTER_INVALID": FilterInvalid,
    "RESUME_TOKEN_INVALID": ResumeTokenInvalid,
    "HISTORY_COMPACTED": HistoryCompacted,
    "CREDENTIALS_MISSING": CredentialsMissing,
    "PERMISSION_MISSING": PermissionMissing,
    "TOKEN_INVALID": TokenInvalid,
    "TOKEN_EXPIRED": TokenExpired,
    "TOKEN_USED": TokenUsed,
    "NO_LEADER": NoLeader,
    "LEADER_CHANGED": LeaderChanged,
    "NO_SPACE": NoSpace,
    "OVERLOADED": Overloaded,
    "SHUTTING_DOWN": ShuttingDown,
    "CONFLICT": Conflict,
    "QUOTA_EXCEEDED": QuotaExceeded,
    "RATE_LIMITED": RateLimited,
    "IDENTITY_REVOKED": IdentityRevoked,
    "GRANT_NOT_HELD": GrantNotHeld,
    "CHANGE_PENDING": ChangePending,
    "WRONG_STATE": WrongState,
}

__all__ = [
    "ChangePending",
    "Conflict",
    "CredentialsMissing",
    "EtagMismatch",
    "FieldImmutable",
    "FieldInvalid",
    "FieldOutputOnly",
    "FieldRequired",
    "FieldUnknown",
    "FilterInvalid",
    "GrantNotHeld",
    "HistoryCompacted",
    "IdentityRevoked",
    "LeaderChanged",
    "LimitReached",
    "MessageMalformed",
    "MessageTooDeep",
    "MessageTooLarge",
    "NameInvalid",
    "NoLeader",
    "NoSpace",
    "Overloaded",
    "PageTokenInvalid",
    "ParentNotFound",
    "PermissionMissing",
    "QuotaExceeded",
    "RateLimited",
    "ReferenceNotFound",
    "RequestIdReused",
    "ResourceExists",
    "ResourceHasChildren",
    "ResourceInUse",
    "ResourceNotFound",
    "ResumeTokenInvalid",
    "ShuttingDown",
    "TokenExpired",
    "TokenInvalid",
    "TokenUsed",
    "WrongState",
]
