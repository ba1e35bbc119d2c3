"""The cluster itself: controllers, join tokens, enrolment, status.

Generated from the schema by api/tools/generate; do not edit.
"""

from __future__ import annotations

import datetime
from typing import Annotated, ClassVar, TypedDict

from pydantic import Field

from .. import rules as marks
from ..message import Kind, Message, OpenEnum, Resource
from .common import Condition


class ControllerRole(OpenEnum):
    """What part a controller takes in consensus."""

    CONTROLLER_ROLE_UNSPECIFIED = "CONTROLLER_ROLE_UNSPECIFIED"
    """Not allowed."""
    VOTER = "VOTER"
    """Votes."""
    STANDBY = "STANDBY"
    """Replicates, does not vote."""


class Controller(Resource):
    """A node that is, or may become, a Raft voter."""

    PROTO: ClassVar[str] = "patronus.v1.Controller"
    KIND: ClassVar[Kind] = Kind(
        singular="controller",
        plural="controllers",
        pattern="controllers/*",
        view=False,
        columns=("role", "peer_address", "api_address", "region"),
        methods={
            "create": "/patronus.v1.ControllerService/CreateController",
            "get": "/patronus.v1.ControllerService/GetController",
            "list": "/patronus.v1.ControllerService/ListControllers",
            "update": "/patronus.v1.ControllerService/UpdateController",
            "delete": "/patronus.v1.ControllerService/DeleteController",
        },
    )

    name: Annotated[str, marks.Matches("controllers/*", optional=False), marks.Immutable()]
    """Resource name: controllers/{controller}. Assigned from the parent and the id."""
    peer_address: Annotated[Annotated[str, marks.HOST_PORT, marks.Size(1024)], marks.Required()]
    """Where other controllers reach it, host:port."""
    api_address: Annotated[Annotated[str, marks.HOST_PORT, marks.Size(1024)], marks.Required()]
    """Where clients reach it, host:port."""
    agent_address: Annotated[Annotated[str, marks.HOST_PORT, marks.Size(1024)], marks.Required()]
    """Where edges reach it, host:port."""
    role: Annotated[ControllerRole, marks.Required()]
    """What part it takes in consensus."""
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
    raft_id: Annotated[Annotated[int, marks.Range(0, 18446744073709551615)], marks.Immutable()] = 0
    """Raft id of the node; allocated at join, never reused."""
    region: Annotated[str, marks.ID, marks.Size(1024)] = ""
    """Region, for locality decisions."""
    raft_state: Annotated[str, marks.Output()] = ""
    """Current part."""
    match_index: Annotated[int, marks.Output()] = 0
    """Newest log index known to be stored there."""
    public_key_digest: Annotated[str, marks.Output()] = ""
    """SHA-256 of the enrolled public key, hexadecimal; empty for the controller that the cluster began with."""
    leader_priority: Annotated[int, marks.Range(0, 100)] = 0
    """Leadership moves to a voter of a higher priority, once it answers and has caught up. Equal ones do not compete.
    To prefer a region, give all of its controllers the same higher number (patronusctl controllers prefer REGION).
    """

    @staticmethod
    def resource_name(controller: str) -> str:
        """The name of a controller from its ids."""
        return f"controllers/{controller}"


class ControllerPatch(TypedDict, total=False):
    """Fields of Controller to change; None clears one."""

    labels: dict[Annotated[str, marks.Size(1024)], Annotated[str, marks.Size(256)]] | None
    """Short key-value pairs for selection by filters."""
    annotations: dict[Annotated[str, marks.Size(1024)], Annotated[str, marks.Size(4096)]] | None
    """Free key-value pairs that the system does not read."""
    display_name: Annotated[str, marks.Size(256)] | None
    """A name for people."""
    peer_address: Annotated[str, marks.HOST_PORT, marks.Size(1024)] | None
    """Where other controllers reach it, host:port."""
    api_address: Annotated[str, marks.HOST_PORT, marks.Size(1024)] | None
    """Where clients reach it, host:port."""
    agent_address: Annotated[str, marks.HOST_PORT, marks.Size(1024)] | None
    """Where edges reach it, host:port."""
    region: Annotated[str, marks.ID, marks.Size(1024)] | None
    """Region, for locality decisions."""
    role: ControllerRole | None
    """What part it takes in consensus."""
    leader_priority: Annotated[int, marks.Range(0, 100)] | None
    """Leadership moves to a voter of a higher priority, once it answers and has caught up. Equal ones do not compete.
    To prefer a region, give all of its controllers the same higher number (patronusctl controllers prefer REGION).
    """


class EnrollmentToken(Resource):
    """Permission for one node to join. The token itself is shown once and stored as a hash."""

    PROTO: ClassVar[str] = "patronus.v1.EnrollmentToken"
    KIND: ClassVar[Kind] = Kind(
        singular="enrollmentToken",
        plural="enrollmentTokens",
        pattern="enrollmentTokens/*",
        view=False,
        columns=("role", "edge", "used", "expire_time"),
        methods={
            "create": "/patronus.v1.EnrollmentTokenService/CreateEnrollmentToken",
            "get": "/patronus.v1.EnrollmentTokenService/GetEnrollmentToken",
            "list": "/patronus.v1.EnrollmentTokenService/ListEnrollmentTokens",
            "update": "/patronus.v1.EnrollmentTokenService/UpdateEnrollmentToken",
            "delete": "/patronus.v1.EnrollmentTokenService/DeleteEnrollmentToken",
        },
    )

    name: Annotated[str, marks.Matches("enrollmentTokens/*", optional=False), marks.Immutable()]
    """Resource name: enrollmentTokens/{enrollment_token}. Assigned from the parent and the id."""
    role: Annotated[Annotated[str, marks.ID, marks.Size(1024)], marks.Required(), marks.Immutable()]
    """What the node becomes: "edge", "voter" or "standby"."""
    secret_digest: Annotated[Annotated[str, marks.SHA256_HEX, marks.Size(1024)], marks.Required(), marks.Immutable()]
    """SHA-256 of the secret part, hexadecimal."""
    expire_time: Annotated[datetime.datetime, marks.Required(), marks.Immutable()]
    """After this the token is refused; at most a day after creation."""
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
    edge: Annotated[Annotated[str, marks.Matches("organizations/*/sites/*/edges/*")], marks.Immutable()] = ""
    """For an edge: the resource that the node becomes."""
    used_key_digest: Annotated[str, marks.Output()] = ""
    """Digest of the public key of the node that used it; the same node may repeat its request."""
    used: Annotated[bool, marks.Output()] = False
    """True once a node has joined with it."""

    @staticmethod
    def resource_name(enrollment_token: str) -> str:
        """The name of a enrollmentToken from its ids."""
        return f"enrollmentTokens/{enrollment_token}"


class EnrollmentTokenPatch(TypedDict, total=False):
    """Fields of EnrollmentToken to change; None clears one."""

    labels: dict[Annotated[str, marks.Size(1024)], Annotated[str, marks.Size(256)]] | None
    """Short key-value pairs for selection by filters."""
    annotations: dict[Annotated[str, marks.Size(1024)], Annotated[str, marks.Size(4096)]] | None
    """Free key-value pairs that the system does not read."""
    display_name: Annotated[str, marks.Size(256)] | None
    """A name for people."""


class EnrollRequest(Message):
    """Request of Enroll."""

    PROTO: ClassVar[str] = "patronus.v1.EnrollRequest"

    token: Annotated[Annotated[str, marks.Size(16384)], marks.Secret()] = ""
    """The token as printed by `patronusctl tokens create`."""
    csr: Annotated[bytes, marks.Size(1024)] = b""
    """PKCS #10 request in DER, signed by the node's own key."""
    controller_id: Annotated[str, marks.Size(1024)] = ""
    """For a controller: id of its Controller resource."""
    peer_address: Annotated[str, marks.Size(1024)] = ""
    """For a controller: its addresses."""
    api_address: Annotated[str, marks.Size(1024)] = ""
    """See peer_address."""
    agent_address: Annotated[str, marks.Size(1024)] = ""
    """See peer_address."""
    region: Annotated[str, marks.Size(1024)] = ""
    """See peer_address."""


class EnrollResponse(Message):
    """Response of Enroll."""

    PROTO: ClassVar[str] = "patronus.v1.EnrollResponse"

    certificate_pem: Annotated[str, marks.Size(1024)] = ""
    """Leaf certificate in PEM."""
    ca_pem: Annotated[str, marks.Size(1024)] = ""
    """CA certificates in PEM."""
    cluster_id: Annotated[str, marks.Size(1024)] = ""
    """Id of the cluster."""
    role: Annotated[str, marks.Size(1024)] = ""
    """What the node is now: "edge", "voter" or "standby"."""
    spiffe_id: Annotated[str, marks.Size(1024)] = ""
    """SPIFFE id in the certificate."""
    raft_id: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """For a controller: its Raft id."""
    seal_key: Annotated[Annotated[bytes, marks.Size(1024)], marks.Secret()] = b""
    """For a voter or standby: the seal key, 32 bytes."""
    bundle_key: Annotated[bytes, marks.Size(1024)] = b""
    """Ed25519 public key that bundles are signed with, 32 bytes."""
    controllers: Annotated[list[ControllerAddress], marks.Items(64)] = Field(default_factory=list)
    """Every controller."""
    epoch: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """How often the cluster was restored or recovered; controllers of different epochs do not talk to each other."""


class ControllerAddress(Message):
    """Where a controller is reached."""

    PROTO: ClassVar[str] = "patronus.v1.ControllerAddress"

    name: Annotated[str, marks.Size(1024)] = ""
    """Name of the resource."""
    raft_id: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """Raft id."""
    peer_address: Annotated[str, marks.Size(1024)] = ""
    """host:port for other controllers."""
    api_address: Annotated[str, marks.Size(1024)] = ""
    """host:port for clients."""
    agent_address: Annotated[str, marks.Size(1024)] = ""
    """host:port for edges."""


class RenewRequest(Message):
    """Request of Renew."""

    PROTO: ClassVar[str] = "patronus.v1.RenewRequest"

    certificate_pem: Annotated[str, marks.Size(1024)] = ""
    """The current or an expired leaf certificate, PEM."""
    csr: Annotated[bytes, marks.Size(1024)] = b""
    """PKCS #10 request in DER, signed by the enrolled key."""


class RenewResponse(Message):
    """Response of Renew."""

    PROTO: ClassVar[str] = "patronus.v1.RenewResponse"

    certificate_pem: Annotated[str, marks.Size(1024)] = ""
    """Leaf certificate in PEM."""
    ca_pem: Annotated[str, marks.Size(1024)] = ""
    """CA certificates in PEM."""


class GetClusterStatusRequest(Message):
    """Request of GetClusterStatus."""

    PROTO: ClassVar[str] = "patronus.v1.GetClusterStatusRequest"


class GetClusterStatusResponse(Message):
    """Response of GetClusterStatus: how the answering node sees the cluster."""

    PROTO: ClassVar[str] = "patronus.v1.GetClusterStatusResponse"

    cluster_id: Annotated[str, marks.Size(1024)] = ""
    """Id of the cluster."""
    controller: Annotated[str, marks.Size(1024)] = ""
    """The answering node."""
    raft_state: Annotated[str, marks.Size(1024)] = ""
    """"leader", "follower", "candidate" or "standby"."""
    term: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """Current term."""
    leader: Annotated[str, marks.Size(1024)] = ""
    """Name of the leader's Controller resource, empty when unknown."""
    commit_index: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """Highest committed and applied log index."""
    applied_index: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """See commit_index."""
    state_digest: Annotated[str, marks.Size(1024)] = ""
    """Digest of the replicated state at applied_index, hexadecimal."""
    cluster_level: Annotated[int, marks.Range(0, 4294967295)] = 0
    """Level of behaviour in force: every member supports it."""
    controllers: Annotated[list[ControllerStatus], marks.Items(64)] = Field(default_factory=list)
    """Members; match_index is known to the leader only."""
    connected_edges: Annotated[int, marks.Range(0, 4294967295)] = 0
    """Nodes with an open stream to this node."""
    generation: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """Generation of the newest computed bundles."""
    software_version: Annotated[str, marks.Size(1024)] = ""
    """Version of the answering binary."""
    supported_level: Annotated[int, marks.Range(0, 4294967295)] = 0
    """Highest cluster level that the answering binary supports; 0 from binaries that support level 1 only."""


class ControllerStatus(Message):
    """One member."""

    PROTO: ClassVar[str] = "patronus.v1.ControllerStatus"

    name: Annotated[str, marks.Size(1024)] = ""
    """Name of the resource."""
    raft_id: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """Raft id."""
    role: Annotated[str, marks.Size(1024)] = ""
    """"voter", "standby" or "spare"."""
    match_index: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """Highest log index known to be stored there."""
    peer_address: Annotated[str, marks.Size(1024)] = ""
    """host:port for other controllers."""


class TransferLeadershipRequest(Message):
    """Request of TransferLeadership."""

    PROTO: ClassVar[str] = "patronus.v1.TransferLeadershipRequest"

    controller: Annotated[str, marks.Size(1024)] = ""
    """The controller to lead; empty lets the leader choose."""


class TransferLeadershipResponse(Message):
    """Response of TransferLeadership."""

    PROTO: ClassVar[str] = "patronus.v1.TransferLeadershipResponse"


class FinalizeUpgradeRequest(Message):
    """Request of FinalizeUpgrade."""

    PROTO: ClassVar[str] = "patronus.v1.FinalizeUpgradeRequest"

    validate_only: bool = False
    """Check everything, change nothing (AIP-163)."""


class FinalizeUpgradeResponse(Message):
    """Response of FinalizeUpgrade."""

    PROTO: ClassVar[str] = "patronus.v1.FinalizeUpgradeResponse"

    level: Annotated[int, marks.Range(0, 4294967295)] = 0
    """Level in force now."""
    previous_level: Annotated[int, marks.Range(0, 4294967295)] = 0
    """Level in force before; equal when there was nothing to raise."""


class BackupRequest(Message):
    """Request of Backup."""

    PROTO: ClassVar[str] = "patronus.v1.BackupRequest"

    stale: bool = False
    """Take what the answering controller has, without asking the leader: works without a leader, and may lack the
    newest writes.
    """


class BackupManifest(Message):
    """What a backup is; stands in the first message of the stream."""

    PROTO: ClassVar[str] = "patronus.v1.BackupManifest"

    cluster_id: Annotated[str, marks.Size(1024)] = ""
    """Id of the cluster."""
    epoch: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """How often the cluster was restored before."""
    revision: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """Log index that the state has applied: every write acknowledged before the call is in it, unless it is stale."""
    index: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """Log index of the snapshot: at or above revision."""
    term: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """Term of that entry."""
    level: Annotated[int, marks.Range(0, 4294967295)] = 0
    """Cluster level."""
    create_time: datetime.datetime | None = None
    """When it was taken, by the answering controller's clock."""
    controller: Annotated[str, marks.Size(1024)] = ""
    """Name of the answering controller."""
    software_version: Annotated[str, marks.Size(1024)] = ""
    """Version of its binary."""
    stale: bool = False
    """Taken without asking the leader."""
    size: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """Bytes that follow."""
    sha256: Annotated[str, marks.Size(1024)] = ""
    """SHA-256 of them, hexadecimal."""


class BackupChunk(Message):
    """One message of the stream that Backup answers."""

    PROTO: ClassVar[str] = "patronus.v1.BackupChunk"

    manifest: BackupManifest | None = None
    """In the first message only."""
    data: Annotated[bytes, marks.Size(1024)] = b""
    """The state's bytes, in order; those of all messages together are what the manifest says."""
