"""The registry of machine-learning models: the records, and how their bytes come and go.

Generated from the schema by api/tools/generate; do not edit.
"""

from __future__ import annotations

import datetime
from typing import Annotated, ClassVar, TypedDict

from pydantic import Field

from .. import rules as marks
from ..message import Kind, Message, OpenEnum, Resource
from .common import Condition


class Stage(OpenEnum):
    """How far a model version may decide."""

    STAGE_UNSPECIFIED = "STAGE_UNSPECIFIED"
    """Treated as SHADOW."""
    SHADOW = "SHADOW"
    """Computes, decides nothing."""
    CANARY = "CANARY"
    """Decides for a share."""
    LIVE = "LIVE"
    """Decides."""


class ArtifactState(OpenEnum):
    """Where the bytes of a version are."""

    ARTIFACT_STATE_UNSPECIFIED = "ARTIFACT_STATE_UNSPECIFIED"
    """They have not come."""
    OFFERED = "OFFERED"
    """One controller has them, verified; the others fetch them."""
    STORED = "STORED"
    """A majority of the voters has them on disk, verified."""


class Model(Resource):
    """A model with a purpose; its versions hold what was trained."""

    PROTO: ClassVar[str] = "patronus.v1.Model"
    KIND: ClassVar[Kind] = Kind(
        singular="model",
        plural="models",
        pattern="organizations/*/models/*",
        view=False,
        columns=("purpose", "live_version"),
        methods={
            "create": "/patronus.v1.ModelService/CreateModel",
            "get": "/patronus.v1.ModelService/GetModel",
            "list": "/patronus.v1.ModelService/ListModels",
            "update": "/patronus.v1.ModelService/UpdateModel",
            "delete": "/patronus.v1.ModelService/DeleteModel",
        },
    )

    name: Annotated[str, marks.Matches("organizations/*/models/*", optional=False), marks.Immutable()]
    """Resource name: organizations/{organization}/models/{model}. Assigned from the parent and the id."""
    purpose: Annotated[Annotated[str, marks.ID, marks.Size(1024)], marks.Required()]
    """What it is for, for example "dpi" or "forecast"."""
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
    live_version: Annotated[str, marks.Matches("organizations/*/models/*/versions/*")] = ""
    """The version in use; empty for none. Its bytes must be stored. PromoteModelVersion sets it together with the
    stages.
    """
    signing_keys: Annotated[list[Annotated[str, marks.SHA256_HEX, marks.Size(1024)]], marks.Items(8), marks.AsSet()] = (
        Field(default_factory=list)
    )
    """Ed25519 public keys, hexadecimal, one of which must have signed a version before it may decide or be loaded.
    Empty: versions need no signature.
    """
    previous_live_version: Annotated[str, marks.Output()] = ""
    """The version that was in use before live_version: where RollbackModel goes."""
    keep_versions: Annotated[int, marks.Range(0, 10000)] = 0
    """How many versions to keep besides those in use, in CANARY, and the one in use before: older ones are deleted,
    the oldest first. 0: all.
    """

    @staticmethod
    def resource_name(organization: str, model: str) -> str:
        """The name of a model from its ids."""
        return f"organizations/{organization}/models/{model}"


class ModelPatch(TypedDict, total=False):
    """Fields of Model to change; None clears one."""

    labels: dict[Annotated[str, marks.Size(1024)], Annotated[str, marks.Size(256)]] | None
    """Short key-value pairs for selection by filters."""
    annotations: dict[Annotated[str, marks.Size(1024)], Annotated[str, marks.Size(4096)]] | None
    """Free key-value pairs that the system does not read."""
    display_name: Annotated[str, marks.Size(256)] | None
    """A name for people."""
    purpose: Annotated[str, marks.ID, marks.Size(1024)] | None
    """What it is for, for example "dpi" or "forecast"."""
    live_version: Annotated[str, marks.Matches("organizations/*/models/*/versions/*")] | None
    """The version in use; empty for none. Its bytes must be stored. PromoteModelVersion sets it together with the
    stages.
    """
    signing_keys: list[Annotated[str, marks.SHA256_HEX, marks.Size(1024)]] | None
    """Ed25519 public keys, hexadecimal, one of which must have signed a version before it may decide or be loaded.
    Empty: versions need no signature.
    """
    keep_versions: Annotated[int, marks.Range(0, 10000)] | None
    """How many versions to keep besides those in use, in CANARY, and the one in use before: older ones are deleted,
    the oldest first. 0: all.
    """


class RollbackModelRequest(Message):
    """Request of RollbackModel."""

    PROTO: ClassVar[str] = "patronus.v1.RollbackModelRequest"

    name: Annotated[Annotated[str, marks.Size(384)], marks.Required()]
    """Name of the Model."""
    request_id: Annotated[str, marks.Size(1024)] = ""
    """Makes a retry safe."""


class ModelVersion(Resource):
    """One trained state of a model."""

    PROTO: ClassVar[str] = "patronus.v1.ModelVersion"
    KIND: ClassVar[Kind] = Kind(
        singular="modelVersion",
        plural="versions",
        pattern="organizations/*/models/*/versions/*",
        view=False,
        columns=("stage", "digest", "size_bytes"),
        methods={
            "create": "/patronus.v1.ModelVersionService/CreateModelVersion",
            "get": "/patronus.v1.ModelVersionService/GetModelVersion",
            "list": "/patronus.v1.ModelVersionService/ListVersions",
            "update": "/patronus.v1.ModelVersionService/UpdateModelVersion",
            "delete": "/patronus.v1.ModelVersionService/DeleteModelVersion",
        },
    )

    name: Annotated[str, marks.Matches("organizations/*/models/*/versions/*", optional=False), marks.Immutable()]
    """Resource name: organizations/{organization}/models/{model}/versions/{version}. Assigned from the parent and the
    id.
    """
    digest: Annotated[Annotated[str, marks.SHA256_HEX, marks.Size(1024)], marks.Required(), marks.Immutable()]
    """SHA-256 of the bytes, hexadecimal."""
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
    size_bytes: Annotated[Annotated[int, marks.Range(0, 1099511627776)], marks.Immutable(), marks.Unit("byte")] = 0
    """Size of the bytes. They count to the organization's quota of bytes from the creation of the version on."""
    stage: Stage = Stage.STAGE_UNSPECIFIED
    """How far it may decide. CANARY and LIVE need its bytes stored and, when the model has signing keys, its
    signature; LIVE is the model's live_version alone.
    """
    metrics_millionths: Annotated[
        dict[Annotated[str, marks.Size(1024)], Annotated[int, marks.Range(-9223372036854775808, 9223372036854775807)]],
        marks.Items(64),
    ] = Field(default_factory=dict)
    """Named results of its evaluation, in millionths."""
    signature: Annotated[str, marks.Size(128)] = ""
    """Ed25519 signature, 128 hexadecimal digits, of "patronus model version 1\\n", the name, "\\n", the digest and
    "\\n".
    """
    artifact_state: Annotated[ArtifactState, marks.Output()] = ArtifactState.ARTIFACT_STATE_UNSPECIFIED
    """Where its bytes are."""
    offered_by: Annotated[str, marks.Output()] = ""
    """Controller that took them."""

    @staticmethod
    def resource_name(organization: str, model: str, model_version_: str) -> str:
        """The name of a modelVersion from its ids."""
        return f"organizations/{organization}/models/{model}/versions/{model_version_}"


class ModelVersionPatch(TypedDict, total=False):
    """Fields of ModelVersion to change; None clears one."""

    labels: dict[Annotated[str, marks.Size(1024)], Annotated[str, marks.Size(256)]] | None
    """Short key-value pairs for selection by filters."""
    annotations: dict[Annotated[str, marks.Size(1024)], Annotated[str, marks.Size(4096)]] | None
    """Free key-value pairs that the system does not read."""
    display_name: Annotated[str, marks.Size(256)] | None
    """A name for people."""
    stage: Stage | None
    """How far it may decide. CANARY and LIVE need its bytes stored and, when the model has signing keys, its
    signature; LIVE is the model's live_version alone.
    """
    metrics_millionths: (
        dict[Annotated[str, marks.Size(1024)], Annotated[int, marks.Range(-9223372036854775808, 9223372036854775807)]]
        | None
    )
    """Named results of its evaluation, in millionths."""
    signature: Annotated[str, marks.Size(128)] | None
    """Ed25519 signature, 128 hexadecimal digits, of "patronus model version 1\\n", the name, "\\n", the digest and
    "\\n".
    """


class PromoteModelVersionRequest(Message):
    """Request of PromoteModelVersion."""

    PROTO: ClassVar[str] = "patronus.v1.PromoteModelVersionRequest"

    name: Annotated[Annotated[str, marks.Size(384)], marks.Required()]
    """Name of the ModelVersion."""
    request_id: Annotated[str, marks.Size(1024)] = ""
    """Makes a retry safe."""


class UploadArtifactRequest(Message):
    """One message of UploadArtifact."""

    PROTO: ClassVar[str] = "patronus.v1.UploadArtifactRequest"

    name: Annotated[str, marks.Size(384)] = ""
    """In the first message, with or without data: name of the ModelVersion whose bytes come. It must exist."""
    data: Annotated[bytes, marks.Size(524288)] = b""
    """The next piece of the bytes."""


class DownloadArtifactRequest(Message):
    """Request of DownloadArtifact."""

    PROTO: ClassVar[str] = "patronus.v1.DownloadArtifactRequest"

    name: Annotated[Annotated[str, marks.Size(384)], marks.Required()]
    """Name of the ModelVersion."""
    offset: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """Bytes to leave out: those that the caller has."""
    limit: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """Most bytes to send; 0: all."""


class ArtifactManifest(Message):
    """What comes before the bytes: all that is needed to check them."""

    PROTO: ClassVar[str] = "patronus.v1.ArtifactManifest"

    name: Annotated[str, marks.Size(1024)] = ""
    """Name of the ModelVersion."""
    digest: Annotated[str, marks.Size(1024)] = ""
    """SHA-256 of all the bytes, hexadecimal."""
    size_bytes: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """How many there are in all."""
    signature: Annotated[str, marks.Size(1024)] = ""
    """The version's signature."""
    signing_keys: Annotated[list[Annotated[str, marks.Size(1024)]], marks.Items(64)] = Field(default_factory=list)
    """The model's signing keys."""


class ArtifactChunk(Message):
    """One message of DownloadArtifact."""

    PROTO: ClassVar[str] = "patronus.v1.ArtifactChunk"

    manifest: ArtifactManifest | None = None
    """In the first message only."""
    data: Annotated[bytes, marks.Size(1024)] = b""
    """The next piece."""


class OfferArtifactRequest(Message):
    """Of a controller: it has taken the bytes of a version from a client."""

    PROTO: ClassVar[str] = "patronus.v1.OfferArtifactRequest"

    name: Annotated[Annotated[str, marks.Size(384)], marks.Required()]
    """Name of the ModelVersion."""
    digest: Annotated[Annotated[str, marks.SHA256_HEX, marks.Size(1024)], marks.Required()]
    """SHA-256 of the bytes, verified."""
    principal: Annotated[Annotated[str, marks.Size(512)], marks.Required()]
    """Who sent them."""
    groups: Annotated[list[Annotated[str, marks.Size(512)]], marks.Items(64)] = Field(default_factory=list)
    """Groups of the sender, full names."""
    api_key: Annotated[str, marks.Size(512)] = ""
    """Name of the API key that the sender presented."""
    source: Annotated[str, marks.Size(64)] = ""
    """Address of the sender."""


class OfferArtifactResponse(Message):
    """Response of OfferArtifact."""

    PROTO: ClassVar[str] = "patronus.v1.OfferArtifactResponse"


class ReportArtifactsRequest(Message):
    """Of a controller: artifacts that it has on disk, verified."""

    PROTO: ClassVar[str] = "patronus.v1.ReportArtifactsRequest"

    digests: Annotated[list[Annotated[str, marks.SHA256_HEX, marks.Size(1024)]], marks.Items(512)] = Field(
        default_factory=list
    )
    """Their digests."""
    collect: bool = False
    """Say which of them nothing refers to, instead of counting them."""


class ReportArtifactsResponse(Message):
    """Response of ReportArtifacts."""

    PROTO: ClassVar[str] = "patronus.v1.ReportArtifactsResponse"

    unreferenced: Annotated[list[Annotated[str, marks.Size(1024)]], marks.Items(512)] = Field(default_factory=list)
    """With collect: digests that no version has, as of a moment after the question."""
