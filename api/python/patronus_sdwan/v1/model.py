"""The registry of machine-learning models: the records; their bytes travel apart.

Generated from the schema by api/tools/generate; do not edit.
"""

from __future__ import annotations

import datetime
from typing import Annotated, ClassVar, TypedDict

from pydantic import Field

from .. import rules
from ..message import Kind, OpenEnum, Resource
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

    name: Annotated[str, rules.Matches("organizations/*/models/*", optional=False), rules.Immutable()]
    """Resource name: organizations/{organization}/models/{model}. Assigned from the parent and the id."""
    purpose: Annotated[Annotated[str, rules.ID, rules.Size(1024)], rules.Required()]
    """What it is for, for example "dpi" or "forecast"."""
    uid: Annotated[str, rules.Output()] = ""
    """Unique for ever, also across deletion and re-creation of the same name."""
    etag: Annotated[str, rules.Output()] = ""
    """Digest of the user's fields; send it back in Update or Delete to detect a concurrent change (AIP-154)."""
    revision: Annotated[int, rules.Output()] = 0
    """Log index of the last change of a user's field."""
    create_time: Annotated[datetime.datetime | None, rules.Output()] = None
    """When the resource was created, by the leader's clock."""
    update_time: Annotated[datetime.datetime | None, rules.Output()] = None
    """When a user's field last changed, by the leader's clock."""
    labels: Annotated[dict[Annotated[str, rules.Size(1024)], Annotated[str, rules.Size(256)]], rules.Items(64)] = Field(
        default_factory=dict
    )
    """Short key-value pairs for selection by filters."""
    annotations: Annotated[
        dict[Annotated[str, rules.Size(1024)], Annotated[str, rules.Size(4096)]], rules.Items(64)
    ] = Field(default_factory=dict)
    """Free key-value pairs that the system does not read."""
    display_name: Annotated[str, rules.Size(256)] = ""
    """A name for people."""
    reconciling: Annotated[bool, rules.Output()] = False
    """True while nodes have not yet reached the declared state."""
    conditions: Annotated[list[Condition], rules.Output()] = Field(default_factory=list)
    """Health, aspect by aspect."""
    observed_revision: Annotated[int, rules.Output()] = 0
    """Newest revision that every node concerned has applied."""
    live_version: Annotated[str, rules.Matches("organizations/*/models/*/versions/*")] = ""
    """The version in use; empty for none."""

    @staticmethod
    def resource_name(organization: str, model: str) -> str:
        """The name of a model from its ids."""
        return f"organizations/{organization}/models/{model}"


class ModelPatch(TypedDict, total=False):
    """Fields of Model to change; None clears one."""

    labels: dict[Annotated[str, rules.Size(1024)], Annotated[str, rules.Size(256)]] | None
    """Short key-value pairs for selection by filters."""
    annotations: dict[Annotated[str, rules.Size(1024)], Annotated[str, rules.Size(4096)]] | None
    """Free key-value pairs that the system does not read."""
    display_name: Annotated[str, rules.Size(256)] | None
    """A name for people."""
    purpose: Annotated[str, rules.ID, rules.Size(1024)] | None
    """What it is for, for example "dpi" or "forecast"."""
    live_version: Annotated[str, rules.Matches("organizations/*/models/*/versions/*")] | None
    """The version in use; empty for none."""


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

    name: Annotated[str, rules.Matches("organizations/*/models/*/versions/*", optional=False), rules.Immutable()]
    """Resource name: organizations/{organization}/models/{model}/versions/{version}. Assigned from the parent and the
    id.
    """
    digest: Annotated[Annotated[str, rules.SHA256_HEX, rules.Size(1024)], rules.Required(), rules.Immutable()]
    """SHA-256 of the bytes, hexadecimal."""
    uid: Annotated[str, rules.Output()] = ""
    """Unique for ever, also across deletion and re-creation of the same name."""
    etag: Annotated[str, rules.Output()] = ""
    """Digest of the user's fields; send it back in Update or Delete to detect a concurrent change (AIP-154)."""
    revision: Annotated[int, rules.Output()] = 0
    """Log index of the last change of a user's field."""
    create_time: Annotated[datetime.datetime | None, rules.Output()] = None
    """When the resource was created, by the leader's clock."""
    update_time: Annotated[datetime.datetime | None, rules.Output()] = None
    """When a user's field last changed, by the leader's clock."""
    labels: Annotated[dict[Annotated[str, rules.Size(1024)], Annotated[str, rules.Size(256)]], rules.Items(64)] = Field(
        default_factory=dict
    )
    """Short key-value pairs for selection by filters."""
    annotations: Annotated[
        dict[Annotated[str, rules.Size(1024)], Annotated[str, rules.Size(4096)]], rules.Items(64)
    ] = Field(default_factory=dict)
    """Free key-value pairs that the system does not read."""
    display_name: Annotated[str, rules.Size(256)] = ""
    """A name for people."""
    reconciling: Annotated[bool, rules.Output()] = False
    """True while nodes have not yet reached the declared state."""
    conditions: Annotated[list[Condition], rules.Output()] = Field(default_factory=list)
    """Health, aspect by aspect."""
    observed_revision: Annotated[int, rules.Output()] = 0
    """Newest revision that every node concerned has applied."""
    size_bytes: Annotated[Annotated[int, rules.Range(0, 1099511627776)], rules.Immutable(), rules.Unit("byte")] = 0
    """Size of the bytes."""
    stage: Stage = Stage.STAGE_UNSPECIFIED
    """How far it may decide."""
    metrics_millionths: Annotated[
        dict[Annotated[str, rules.Size(1024)], Annotated[int, rules.Range(-9223372036854775808, 9223372036854775807)]],
        rules.Items(64),
    ] = Field(default_factory=dict)
    """Named results of its evaluation, in millionths."""

    @staticmethod
    def resource_name(organization: str, model: str, model_version_: str) -> str:
        """The name of a modelVersion from its ids."""
        return f"organizations/{organization}/models/{model}/versions/{model_version_}"


class ModelVersionPatch(TypedDict, total=False):
    """Fields of ModelVersion to change; None clears one."""

    labels: dict[Annotated[str, rules.Size(1024)], Annotated[str, rules.Size(256)]] | None
    """Short key-value pairs for selection by filters."""
    annotations: dict[Annotated[str, rules.Size(1024)], Annotated[str, rules.Size(4096)]] | None
    """Free key-value pairs that the system does not read."""
    display_name: Annotated[str, rules.Size(256)] | None
    """A name for people."""
    stage: Stage | None
    """How far it may decide."""
    metrics_millionths: (
        dict[Annotated[str, rules.Size(1024)], Annotated[int, rules.Range(-9223372036854775808, 9223372036854775807)]]
        | None
    )
    """Named results of its evaluation, in millionths."""
