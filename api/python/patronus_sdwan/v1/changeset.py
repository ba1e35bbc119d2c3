"""ChangeSets: changes of many resources that are staged, planned, applied, confirmed and taken back together; and the revisions that every resource leaves behind.

Generated from the schema by api/tools/generate; do not edit.
"""

from __future__ import annotations

import datetime
from typing import Annotated, ClassVar, TypedDict

from pydantic import Field

from .. import rules as marks
from ..message import Kind, Message, OpenEnum, Resource
from .common import Condition


class ChangeAction(OpenEnum):
    """What a staged change does."""

    CHANGE_ACTION_UNSPECIFIED = "CHANGE_ACTION_UNSPECIFIED"
    """Refused."""
    CHANGE_CREATE = "CHANGE_CREATE"
    """Makes a resource that does not exist."""
    CHANGE_UPDATE = "CHANGE_UPDATE"
    """Changes fields of a resource."""
    CHANGE_DELETE = "CHANGE_DELETE"
    """Removes a resource."""


class ChangeSetState(OpenEnum):
    """Where a change set is in its life."""

    CHANGE_SET_STATE_UNSPECIFIED = "CHANGE_SET_STATE_UNSPECIFIED"
    """Not shown."""
    STAGED = "STAGED"
    """Can be changed, planned, applied."""
    CONFIRMING = "CONFIRMING"
    """In force, and taken back by itself unless it is confirmed before `confirm_before_time`."""
    APPLIED = "APPLIED"
    """In force."""
    ROLLED_BACK = "ROLLED_BACK"
    """Was in force and has been taken back."""


class RollbackCause(OpenEnum):
    """Why a change set was taken back."""

    ROLLBACK_CAUSE_UNSPECIFIED = "ROLLBACK_CAUSE_UNSPECIFIED"
    """It was not."""
    REQUESTED = "REQUESTED"
    """Somebody asked for it."""
    NOT_CONFIRMED = "NOT_CONFIRMED"
    """Nobody confirmed it in time."""
    NODES_LOST = "NODES_LOST"
    """Edges that were connected when it was applied lost the controllers: see `lost_edges`."""


class StagedChange(Message):
    """One change of one resource, to be made later."""

    PROTO: ClassVar[str] = "patronus.v1.StagedChange"

    action: Annotated[ChangeAction, marks.Required()]
    """What it does."""
    name: Annotated[Annotated[str, marks.Size(384)], marks.Required()]
    """Full name of the resource, below the change set's own organization. Each name stands once in a change set."""
    resource: Message | None = None
    """Create, update: the resource. Its name and output fields are not looked at."""
    update_mask: list[str] | None = None
    """Update: the fields to change; empty means those that are set in `resource`, "*" every field."""
    allow_missing: bool = False
    """Update: create when missing. Delete: succeed when missing."""
    force: bool = False
    """Delete: also what is below it."""
    etag: Annotated[str, marks.Size(64)] = ""
    """When set, the resource must have this etag when the change set is applied. Otherwise the one that it had when
    the change was staged: see `bases`.
    """


class ChangeBase(Message):
    """What a staged change was made upon."""

    PROTO: ClassVar[str] = "patronus.v1.ChangeBase"

    name: Annotated[str, marks.Size(384)] = ""
    """Name of the resource."""
    etag: Annotated[str, marks.Size(1024)] = ""
    """Its etag when the change was staged; empty: it did not exist."""
    revision: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """Its revision then."""


class ChangeSet(Resource):
    """Changes of resources of one organization that are applied together or not at all.  It is staged by
    UpdateChangeSet with allow_missing, as often as one likes; whoever may read the change set reads what is staged
    in it. Applied, it is one entry of the log: each change passes the same checks, quotas and access rules as if
    its caller had made it alone, and a refusal of one is a refusal of all. While one waits for its confirmation,
    its organization takes no other changes of the kinds that change sets hold, so that taking it back gives
    exactly the state before.
    """

    PROTO: ClassVar[str] = "patronus.v1.ChangeSet"
    KIND: ClassVar[Kind] = Kind(
        singular="changeSet",
        plural="changeSets",
        pattern="organizations/*/changeSets/*",
        view=False,
        columns=("state", "confirm_before_time", "apply_principal"),
        methods={
            "get": "/patronus.v1.ChangeSetService/GetChangeSet",
            "list": "/patronus.v1.ChangeSetService/ListChangeSets",
            "update": "/patronus.v1.ChangeSetService/UpdateChangeSet",
            "delete": "/patronus.v1.ChangeSetService/DeleteChangeSet",
        },
    )

    name: Annotated[str, marks.Matches("organizations/*/changeSets/*", optional=False), marks.Immutable()]
    """Resource name: organizations/{organization}/changeSets/{change_set}. Assigned from the parent and the id."""
    uid: Annotated[str, marks.Output()] = ""
    """Unique for ever, also across deletion and re-creation of the same name."""
    etag: Annotated[str, marks.Output()] = ""
    """Digest of the user's fields; send it back in Update or Delete to detect a concurrent change (AIP-154)."""
    revision: Annotated[int, marks.Output()] = 0
    """Log index of the last change of a user's field."""
    create_time: Annotated[datetime.datetime | None, marks.Output()] = None
    """When the resource was created, by the leader's clock."""
    update_time: Annotated[datetime.datetime | None, marks.Output()] = None
    """When a user's field last changed, by the leader's clock."""
    labels: Annotated[dict[Annotated[str, marks.Size(1024)], Annotated[str, marks.Size(256)]], marks.Items(64)] = Field(
        default_factory=dict
    )
    """Short key-value pairs for selection by filters."""
    annotations: Annotated[
        dict[Annotated[str, marks.Size(1024)], Annotated[str, marks.Size(4096)]], marks.Items(64)
    ] = Field(default_factory=dict)
    """Free key-value pairs that the system does not read."""
    display_name: Annotated[str, marks.Size(256)] = ""
    """A name for people."""
    reconciling: Annotated[bool, marks.Output()] = False
    """True while nodes have not yet reached the declared state."""
    conditions: Annotated[list[Condition], marks.Output()] = Field(default_factory=list)
    """Health, aspect by aspect."""
    observed_revision: Annotated[int, marks.Output()] = 0
    """Newest revision that every node concerned has applied."""
    changes: Annotated[list[StagedChange], marks.Items(512)] = Field(default_factory=list)
    """What it changes, in this order. Cannot be changed once it has been applied."""
    state: Annotated[ChangeSetState, marks.Output()] = ChangeSetState.CHANGE_SET_STATE_UNSPECIFIED
    """Where it is in its life."""
    bases: Annotated[list[ChangeBase], marks.Output()] = Field(default_factory=list)
    """What the changes were staged upon, in their order. A change that is staged again unchanged keeps its base."""
    apply_principal: Annotated[str, marks.Output()] = ""
    """Who applied it."""
    apply_time: Annotated[datetime.datetime | None, marks.Output()] = None
    """When it was applied, by the leader's clock."""
    apply_revision: Annotated[int, marks.Output()] = 0
    """Log index at which it was applied: the revision of what it changed."""
    changed: Annotated[int, marks.Output()] = 0
    """Resources that it changed, those included that went with a forced delete."""
    confirm_before_time: Annotated[datetime.datetime | None, marks.Output()] = None
    """While CONFIRMING: until when it waits to be confirmed."""
    finish_principal: Annotated[str, marks.Output()] = ""
    """Who confirmed it or took it back; "internal": the cluster itself."""
    finish_time: Annotated[datetime.datetime | None, marks.Output()] = None
    """When that was."""
    rollback_cause: Annotated[RollbackCause, marks.Output()] = RollbackCause.ROLLBACK_CAUSE_UNSPECIFIED
    """Why it was taken back."""
    lost_edges: Annotated[list[str], marks.Output()] = Field(default_factory=list)
    """With NODES_LOST: edges that lost the controllers, at most 16 of them."""

    @staticmethod
    def resource_name(organization: str, change_set: str) -> str:
        """The name of a changeSet from its ids."""
        return f"organizations/{organization}/changeSets/{change_set}"


class ChangeSetPatch(TypedDict, total=False):
    """Fields of ChangeSet to change; None clears one."""

    labels: dict[Annotated[str, marks.Size(1024)], Annotated[str, marks.Size(256)]] | None
    """Short key-value pairs for selection by filters."""
    annotations: dict[Annotated[str, marks.Size(1024)], Annotated[str, marks.Size(4096)]] | None
    """Free key-value pairs that the system does not read."""
    display_name: Annotated[str, marks.Size(256)] | None
    """A name for people."""
    changes: list[StagedChange] | None
    """What it changes, in this order. Cannot be changed once it has been applied."""


class PlanChangeSetRequest(Message):
    """Request of PlanChangeSet."""

    PROTO: ClassVar[str] = "patronus.v1.PlanChangeSetRequest"

    name: Annotated[Annotated[str, marks.Size(384)], marks.Required()]
    """Name of the change set."""
    changes: Annotated[list[StagedChange], marks.Items(512)] = Field(default_factory=list)
    """When set: plan these. The change set need not exist."""


class FieldDiff(Message):
    """One field that a change alters."""

    PROTO: ClassVar[str] = "patronus.v1.FieldDiff"

    path: Annotated[str, marks.Size(1024)] = ""
    """Path of the field, for example "match.ports" or "labels.tier"."""
    before: Annotated[str, marks.Size(1024)] = ""
    """Its value before, as tables show it; empty: it was not set."""
    after: Annotated[str, marks.Size(1024)] = ""
    """Its value after; empty: it is not set."""


class PlannedChange(Message):
    """What one resource would become."""

    PROTO: ClassVar[str] = "patronus.v1.PlannedChange"

    name: Annotated[str, marks.Size(1024)] = ""
    """Its name."""
    action: ChangeAction = ChangeAction.CHANGE_ACTION_UNSPECIFIED
    """What is done to the resource. CHANGE_ACTION_UNSPECIFIED: it stays as it is."""
    fields: Annotated[list[FieldDiff], marks.Items(64)] = Field(default_factory=list)
    """The fields that change, as the caller may see them."""
    error_reason: Annotated[str, marks.Size(1024)] = ""
    """Why it would be refused: reason, as in google.rpc.ErrorInfo; empty when it would not."""
    error_message: Annotated[str, marks.Size(1024)] = ""
    """The same for people."""
    error_field: Annotated[str, marks.Size(1024)] = ""
    """Which field the refusal is about."""


class PlannedQuota(Message):
    """Use of one quota."""

    PROTO: ClassVar[str] = "patronus.v1.PlannedQuota"

    metric: Annotated[str, marks.Size(1024)] = ""
    """Field of Quotas, for example "sites"."""
    limit: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """The limit in force; 0 when there is none."""
    before: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """In use before."""
    after: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """In use after."""


class PlannedNode(Message):
    """One edge whose forwarding would change."""

    PROTO: ClassVar[str] = "patronus.v1.PlannedNode"

    edge: Annotated[str, marks.Size(1024)] = ""
    """Name of the Edge."""
    entries: Annotated[int, marks.Range(0, 4294967295)] = 0
    """Entries of its forwarding tables that come, change or go."""


class PlanChangeSetResponse(Message):
    """Response of PlanChangeSet: what ApplyChangeSet would do now."""

    PROTO: ClassVar[str] = "patronus.v1.PlanChangeSetResponse"

    changes: Annotated[list[PlannedChange], marks.Items(64)] = Field(default_factory=list)
    """Every change and, with `force`, what goes with it."""
    acceptable: bool = False
    """True when all of it would be accepted."""
    quotas: Annotated[list[PlannedQuota], marks.Items(64)] = Field(default_factory=list)
    """Quotas of the organization whose use changes."""
    nodes: Annotated[list[PlannedNode], marks.Items(64)] = Field(default_factory=list)
    """Edges whose forwarding changes; the first 256."""
    nodes_affected: Annotated[int, marks.Range(0, 4294967295)] = 0
    """How many there are."""
    paths_moved: Annotated[int, marks.Range(0, 4294967295)] = 0
    """Next-hop groups of these edges, one for each destination and class, whose paths come, go, or change their
    share.
    """
    forwarding_planned: bool = False
    """True when nodes and paths were computed; false when the leader has no plan yet, or this one failed: see
    `forwarding_error`.
    """
    forwarding_error: Annotated[str, marks.Size(1024)] = ""
    """Why nodes and paths could not be computed."""
    revision: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """Log index as of which it was planned."""
    warnings: Annotated[list[Annotated[str, marks.Size(1024)]], marks.Items(64)] = Field(default_factory=list)
    """What would be accepted and is probably not meant: steering rules that never decide. The first 64."""


class ReadStagedStateRequest(Message):
    """Request of ReadStagedState."""

    PROTO: ClassVar[str] = "patronus.v1.ReadStagedStateRequest"

    name: Annotated[Annotated[str, marks.Size(384)], marks.Required()]
    """Name of the change set."""
    resource: Annotated[Annotated[str, marks.Size(384)], marks.Required()]
    """Name of the resource to read, staged or not; below the same organization."""


class ReadStagedStateResponse(Message):
    """Response of ReadStagedState."""

    PROTO: ClassVar[str] = "patronus.v1.ReadStagedStateResponse"

    resource: Message | None = None
    """The resource as it would be if the change set were applied now. NOT_FOUND when there would be none."""
    staged: bool = False
    """True when the change set changes it."""


class ApplyChangeSetRequest(Message):
    """Request of ApplyChangeSet."""

    PROTO: ClassVar[str] = "patronus.v1.ApplyChangeSetRequest"

    name: Annotated[Annotated[str, marks.Size(384)], marks.Required()]
    """Name of the change set."""
    etag: Annotated[str, marks.Size(64)] = ""
    """When not empty, must match the change set's etag: what is applied is what was read."""
    confirm_timeout: datetime.timedelta | None = None
    """When set: take it back unless it is confirmed in this time. At least 1 s, at most 1 h."""
    reconnect_timeout: datetime.timedelta | None = None
    """With confirm_timeout: also take it back when an edge that was connected is not for so long. Unset means 30 s;
    at least 1 s.
    """
    request_id: Annotated[str, marks.Size(64)] = ""
    """Makes a retry safe: the same id gets the stored reply (AIP-155). At most 64 bytes."""


class ConfirmChangeSetRequest(Message):
    """Request of ConfirmChangeSet."""

    PROTO: ClassVar[str] = "patronus.v1.ConfirmChangeSetRequest"

    name: Annotated[Annotated[str, marks.Size(384)], marks.Required()]
    """Name of the change set."""
    request_id: Annotated[str, marks.Size(64)] = ""
    """Makes a retry safe: the same id gets the stored reply (AIP-155). At most 64 bytes."""


class RollbackChangeSetRequest(Message):
    """Request of RollbackChangeSet."""

    PROTO: ClassVar[str] = "patronus.v1.RollbackChangeSetRequest"

    name: Annotated[Annotated[str, marks.Size(384)], marks.Required()]
    """Name of the change set."""
    request_id: Annotated[str, marks.Size(64)] = ""
    """Makes a retry safe: the same id gets the stored reply (AIP-155). At most 64 bytes."""


class Revision(Message):
    """What a resource was, from one change to the next."""

    PROTO: ClassVar[str] = "patronus.v1.Revision"

    revision: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """Log index of the change that made it so."""
    time: datetime.datetime | None = None
    """When that was, by the leader's clock."""
    principal: Annotated[str, marks.Size(1024)] = ""
    """Who changed it; empty when that is not known any more."""
    resource: Message | None = None
    """The resource, without secrets; unset when it was deleted then."""
    current: bool = False
    """True for what it is now."""


class ListRevisionsRequest(Message):
    """Request of ListRevisions."""

    PROTO: ClassVar[str] = "patronus.v1.ListRevisionsRequest"

    name: Annotated[Annotated[str, marks.Size(384)], marks.Required()]
    """Name of the resource, existing or deleted."""
    revision: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """Only this one; 0: all that are kept."""


class ListRevisionsResponse(Message):
    """Response of ListRevisions."""

    PROTO: ClassVar[str] = "patronus.v1.ListRevisionsResponse"

    revisions: Annotated[list[Revision], marks.Items(64)] = Field(default_factory=list)
    """The newest first. At most 16 are kept of a resource, and 16,384 of all, 64 MiB of them."""


class RestoreRevisionRequest(Message):
    """Request of RestoreRevision."""

    PROTO: ClassVar[str] = "patronus.v1.RestoreRevisionRequest"

    name: Annotated[Annotated[str, marks.Size(384)], marks.Required()]
    """Name of the resource, existing or deleted."""
    revision: Annotated[Annotated[int, marks.Range(0, 18446744073709551615)], marks.Required()]
    """Which one, as ListRevisions shows it."""
    etag: Annotated[str, marks.Size(64)] = ""
    """When not empty, must match the current etag."""
    request_id: Annotated[str, marks.Size(64)] = ""
    """Makes a retry safe: the same id gets the stored reply (AIP-155). At most 64 bytes."""
    validate_only: bool = False
    """Check everything, change nothing (AIP-163)."""


class RestoreRevisionResponse(Message):
    """Response of RestoreRevision."""

    PROTO: ClassVar[str] = "patronus.v1.RestoreRevisionResponse"

    resource: Message | None = None
    """The resource as it is now."""
