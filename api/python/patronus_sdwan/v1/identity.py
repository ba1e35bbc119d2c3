"""Identities that come from elsewhere: identity providers whose tokens name users, and identities that are refused.

Generated from the schema by api/tools/generate; do not edit.
"""

from __future__ import annotations

import datetime
from typing import Annotated, ClassVar, TypedDict

from pydantic import Field

from .. import rules as marks
from ..message import Kind, Resource
from .common import Condition


class IdentityProvider(Resource):
    """An OpenID Connect issuer whose tokens name users: organizations/acme/identityProviders/okta/users/SUBJECT."""

    PROTO: ClassVar[str] = "patronus.v1.IdentityProvider"
    KIND: ClassVar[Kind] = Kind(
        singular="identityProvider",
        plural="identityProviders",
        pattern="organizations/*/identityProviders/*",
        view=False,
        columns=("issuer", "disabled"),
        methods={
            "create": "/patronus.v1.IdentityProviderService/CreateIdentityProvider",
            "get": "/patronus.v1.IdentityProviderService/GetIdentityProvider",
            "list": "/patronus.v1.IdentityProviderService/ListIdentityProviders",
            "update": "/patronus.v1.IdentityProviderService/UpdateIdentityProvider",
            "delete": "/patronus.v1.IdentityProviderService/DeleteIdentityProvider",
        },
    )

    name: Annotated[str, marks.Matches("organizations/*/identityProviders/*", optional=False), marks.Immutable()]
    """Resource name: organizations/{organization}/identityProviders/{identity_provider}. Assigned from the parent and
    the id.
    """
    issuer: Annotated[Annotated[str, marks.Size(512)], marks.Required()]
    """The `iss` of its tokens: an https URL. Keys are found through its discovery document."""
    audiences: Annotated[list[Annotated[str, marks.Size(256)]], marks.Required(), marks.Items(16), marks.AsSet()]
    """A token names one of these as `aud`."""
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
    jwks_uri: Annotated[str, marks.Size(512)] = ""
    """URL of the key set, where discovery is not wanted."""
    subject_claim: Annotated[str, marks.Size(64)] = ""
    """Claim that names the user; empty: "sub"."""
    groups_claim: Annotated[str, marks.Size(64)] = ""
    """Claim that lists the user's groups; empty: "groups"."""
    disabled: bool = False
    """True: its tokens are refused."""

    @staticmethod
    def resource_name(organization: str, identity_provider: str) -> str:
        """The name of a identityProvider from its ids."""
        return f"organizations/{organization}/identityProviders/{identity_provider}"


class IdentityProviderPatch(TypedDict, total=False):
    """Fields of IdentityProvider to change; None clears one."""

    labels: dict[Annotated[str, marks.Size(1024)], Annotated[str, marks.Size(256)]] | None
    """Short key-value pairs for selection by filters."""
    annotations: dict[Annotated[str, marks.Size(1024)], Annotated[str, marks.Size(4096)]] | None
    """Free key-value pairs that the system does not read."""
    display_name: Annotated[str, marks.Size(256)] | None
    """A name for people."""
    issuer: Annotated[str, marks.Size(512)] | None
    """The `iss` of its tokens: an https URL. Keys are found through its discovery document."""
    audiences: list[Annotated[str, marks.Size(256)]] | None
    """A token names one of these as `aud`."""
    jwks_uri: Annotated[str, marks.Size(512)] | None
    """URL of the key set, where discovery is not wanted."""
    subject_claim: Annotated[str, marks.Size(64)] | None
    """Claim that names the user; empty: "sub"."""
    groups_claim: Annotated[str, marks.Size(64)] | None
    """Claim that lists the user's groups; empty: "groups"."""
    disabled: bool | None
    """True: its tokens are refused."""


class DeniedIdentity(Resource):
    """An identity that is refused at every door, whatever it presents, and whose open streams end."""

    PROTO: ClassVar[str] = "patronus.v1.DeniedIdentity"
    KIND: ClassVar[Kind] = Kind(
        singular="deniedIdentity",
        plural="deniedIdentities",
        pattern="deniedIdentities/*",
        view=False,
        columns=("identity", "reason"),
        methods={
            "create": "/patronus.v1.DeniedIdentityService/CreateDeniedIdentity",
            "get": "/patronus.v1.DeniedIdentityService/GetDeniedIdentity",
            "list": "/patronus.v1.DeniedIdentityService/ListDeniedIdentities",
            "update": "/patronus.v1.DeniedIdentityService/UpdateDeniedIdentity",
            "delete": "/patronus.v1.DeniedIdentityService/DeleteDeniedIdentity",
        },
    )

    name: Annotated[str, marks.Matches("deniedIdentities/*", optional=False), marks.Immutable()]
    """Resource name: deniedIdentities/{denied_identity}. Assigned from the parent and the id."""
    identity: Annotated[Annotated[str, marks.Size(512)], marks.Required(), marks.Immutable()]
    """A SPIFFE id, a service account, an API key, or a user of an identity provider."""
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
    reason: Annotated[str, marks.Size(256)] = ""
    """Why, for people."""
    expire_time: datetime.datetime | None = None
    """Until when; unset: for ever."""

    @staticmethod
    def resource_name(denied_identity: str) -> str:
        """The name of a deniedIdentity from its ids."""
        return f"deniedIdentities/{denied_identity}"


class DeniedIdentityPatch(TypedDict, total=False):
    """Fields of DeniedIdentity to change; None clears one."""

    labels: dict[Annotated[str, marks.Size(1024)], Annotated[str, marks.Size(256)]] | None
    """Short key-value pairs for selection by filters."""
    annotations: dict[Annotated[str, marks.Size(1024)], Annotated[str, marks.Size(4096)]] | None
    """Free key-value pairs that the system does not read."""
    display_name: Annotated[str, marks.Size(256)] | None
    """A name for people."""
    reason: Annotated[str, marks.Size(256)] | None
    """Why, for people."""
    expire_time: datetime.datetime | None
    """Until when; unset: for ever."""
