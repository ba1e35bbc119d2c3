"""Accounts: programs that call the API, and their keys.

Generated from the schema by api/tools/generate; do not edit.
"""

from __future__ import annotations

import datetime
from typing import Annotated, ClassVar, TypedDict

from pydantic import Field

from .. import rules as marks
from ..message import Kind, Message, Resource
from .common import Condition


class ServiceAccount(Resource):
    """A program that calls the API. It can nothing until a binding names it."""

    PROTO: ClassVar[str] = "patronus.v1.ServiceAccount"
    KIND: ClassVar[Kind] = Kind(
        singular="serviceAccount",
        plural="serviceAccounts",
        pattern="organizations/*/serviceAccounts/*",
        view=False,
        columns=("disabled",),
        methods={
            "create": "/patronus.v1.ServiceAccountService/CreateServiceAccount",
            "get": "/patronus.v1.ServiceAccountService/GetServiceAccount",
            "list": "/patronus.v1.ServiceAccountService/ListServiceAccounts",
            "update": "/patronus.v1.ServiceAccountService/UpdateServiceAccount",
            "delete": "/patronus.v1.ServiceAccountService/DeleteServiceAccount",
        },
    )

    name: Annotated[str, marks.Matches("organizations/*/serviceAccounts/*", optional=False), marks.Immutable()]
    """Resource name: organizations/{organization}/serviceAccounts/{service_account}. Assigned from the parent and the
    id.
    """
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
    disabled: bool = False
    """True: its keys are refused."""

    @staticmethod
    def resource_name(organization: str, service_account: str) -> str:
        """The name of a serviceAccount from its ids."""
        return f"organizations/{organization}/serviceAccounts/{service_account}"


class ServiceAccountPatch(TypedDict, total=False):
    """Fields of ServiceAccount to change; None clears one."""

    labels: dict[Annotated[str, marks.Size(1024)], Annotated[str, marks.Size(256)]] | None
    """Short key-value pairs for selection by filters."""
    annotations: dict[Annotated[str, marks.Size(1024)], Annotated[str, marks.Size(4096)]] | None
    """Free key-value pairs that the system does not read."""
    display_name: Annotated[str, marks.Size(256)] | None
    """A name for people."""
    disabled: bool | None
    """True: its keys are refused."""


class IssueApiKeyRequest(Message):
    """Request of IssueApiKey."""

    PROTO: ClassVar[str] = "patronus.v1.IssueApiKeyRequest"

    parent_: Annotated[str, marks.Size(1024)] = ""
    """Name of the service account."""
    api_key_id: Annotated[str, marks.Size(1024)] = ""
    """Last segment of the name; matches [a-z]([a-z0-9-]{0,61}[a-z0-9])?"""
    api_key: ApiKey | None = None
    """The key's properties."""


class IssueApiKeyResponse(Message):
    """Response of IssueApiKey."""

    PROTO: ClassVar[str] = "patronus.v1.IssueApiKeyResponse"

    api_key: ApiKey | None = None
    """The resource."""
    key: Annotated[Annotated[str, marks.Size(1024)], marks.Secret()] = ""
    """The key itself, to be sent as "authorization: Bearer KEY". It is shown here and never again."""


class ApiKey(Resource):
    """A key that speaks for a service account. Made by IssueApiKey; the cluster keeps a keyed digest of it only."""

    PROTO: ClassVar[str] = "patronus.v1.ApiKey"
    KIND: ClassVar[Kind] = Kind(
        singular="apiKey",
        plural="apiKeys",
        pattern="organizations/*/serviceAccounts/*/apiKeys/*",
        view=False,
        columns=("hint", "expire_time", "disabled"),
        methods={
            "get": "/patronus.v1.ApiKeyService/GetApiKey",
            "list": "/patronus.v1.ApiKeyService/ListApiKeys",
            "update": "/patronus.v1.ApiKeyService/UpdateApiKey",
            "delete": "/patronus.v1.ApiKeyService/DeleteApiKey",
        },
    )

    name: Annotated[
        str, marks.Matches("organizations/*/serviceAccounts/*/apiKeys/*", optional=False), marks.Immutable()
    ]
    """Resource name: organizations/{organization}/serviceAccounts/{service_account}/apiKeys/{api_key}. Assigned from
    the parent and the id.
    """
    secret_hmac: Annotated[
        Annotated[str, marks.SHA256_HEX, marks.Size(1024)], marks.Required(), marks.Immutable(), marks.Secret()
    ]
    """HMAC-SHA256 of the key, under a key that the controllers share."""
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
    hint: Annotated[Annotated[str, marks.Size(16)], marks.Immutable()] = ""
    """First characters of the key, to tell one from another."""
    expire_time: datetime.datetime | None = None
    """When it ends; unset: never."""
    scopes: Annotated[list[Annotated[str, marks.Size(128)]], marks.Items(64), marks.AsSet()] = Field(
        default_factory=list
    )
    """Permissions that the key is good for, of those its account has, for example "sites.*"; empty: all."""
    source_prefixes: Annotated[
        list[Annotated[str, marks.IP_PREFIX, marks.Size(1024)]], marks.Items(32), marks.AsSet()
    ] = Field(default_factory=list)
    """Prefixes from which the key is good; empty: any."""
    disabled: bool = False
    """True: it is refused."""

    @staticmethod
    def resource_name(organization: str, service_account: str, api_key: str) -> str:
        """The name of a apiKey from its ids."""
        return f"organizations/{organization}/serviceAccounts/{service_account}/apiKeys/{api_key}"


class ApiKeyPatch(TypedDict, total=False):
    """Fields of ApiKey to change; None clears one."""

    labels: dict[Annotated[str, marks.Size(1024)], Annotated[str, marks.Size(256)]] | None
    """Short key-value pairs for selection by filters."""
    annotations: dict[Annotated[str, marks.Size(1024)], Annotated[str, marks.Size(4096)]] | None
    """Free key-value pairs that the system does not read."""
    display_name: Annotated[str, marks.Size(256)] | None
    """A name for people."""
    expire_time: datetime.datetime | None
    """When it ends; unset: never."""
    scopes: list[Annotated[str, marks.Size(128)]] | None
    """Permissions that the key is good for, of those its account has, for example "sites.*"; empty: all."""
    source_prefixes: list[Annotated[str, marks.IP_PREFIX, marks.Size(1024)]] | None
    """Prefixes from which the key is good; empty: any."""
    disabled: bool | None
    """True: it is refused."""
