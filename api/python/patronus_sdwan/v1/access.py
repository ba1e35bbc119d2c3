"""Access: who may do what. Roles, bindings, service accounts and their keys, identity providers, revoked identities.

Generated from the schema by api/tools/generate; do not edit.
"""

from __future__ import annotations

import datetime
from typing import Annotated, ClassVar, TypedDict

from pydantic import Field

from .. import rules
from ..message import Kind, Message, Resource
from .common import Condition


class BindingCondition(Message):
    """When a binding counts. Everything that is set must hold."""

    PROTO: ClassVar[str] = "patronus.v1.BindingCondition"

    labels: Annotated[dict[Annotated[str, rules.Size(1024)], Annotated[str, rules.Size(256)]], rules.Items(16)] = Field(
        default_factory=dict
    )
    """The resource has these labels."""
    not_before: datetime.datetime | None = None
    """Not earlier."""
    not_after: datetime.datetime | None = None
    """Earlier than this."""
    source_prefixes: Annotated[
        list[Annotated[str, rules.IP_PREFIX, rules.Size(1024)]], rules.Items(32), rules.AsSet()
    ] = Field(default_factory=list)
    """The call comes from one of these prefixes."""


class Role(Resource):
    """A set of permissions with a name. It counts in its organization and all below."""

    PROTO: ClassVar[str] = "patronus.v1.Role"
    KIND: ClassVar[Kind] = Kind(
        singular="role",
        plural="roles",
        pattern="organizations/*/roles/*",
        view=False,
        columns=("permissions",),
        methods={
            "create": "/patronus.v1.RoleService/CreateRole",
            "get": "/patronus.v1.RoleService/GetRole",
            "list": "/patronus.v1.RoleService/ListRoles",
            "update": "/patronus.v1.RoleService/UpdateRole",
            "delete": "/patronus.v1.RoleService/DeleteRole",
        },
    )

    name: Annotated[str, rules.Matches("organizations/*/roles/*", optional=False), rules.Immutable()]
    """Resource name: organizations/{organization}/roles/{role}. Assigned from the parent and the id."""
    permissions: Annotated[list[Annotated[str, rules.Size(128)]], rules.Required(), rules.Items(256), rules.AsSet()]
    """Permissions, for example "sites.update", or "sites.*" for all of a collection. One that nobody made yet grants
    nothing.
    """
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

    @staticmethod
    def resource_name(organization: str, role: str) -> str:
        """The name of a role from its ids."""
        return f"organizations/{organization}/roles/{role}"


class RolePatch(TypedDict, total=False):
    """Fields of Role to change; None clears one."""

    labels: dict[Annotated[str, rules.Size(1024)], Annotated[str, rules.Size(256)]] | None
    """Short key-value pairs for selection by filters."""
    annotations: dict[Annotated[str, rules.Size(1024)], Annotated[str, rules.Size(4096)]] | None
    """Free key-value pairs that the system does not read."""
    display_name: Annotated[str, rules.Size(256)] | None
    """A name for people."""
    permissions: list[Annotated[str, rules.Size(128)]] | None
    """Permissions, for example "sites.update", or "sites.*" for all of a collection. One that nobody made yet grants
    nothing.
    """


class RoleBinding(Resource):
    """Who has a role, in its organization and all below. Nobody gives what he does not hold himself."""

    PROTO: ClassVar[str] = "patronus.v1.RoleBinding"
    KIND: ClassVar[Kind] = Kind(
        singular="roleBinding",
        plural="roleBindings",
        pattern="organizations/*/roleBindings/*",
        view=False,
        columns=("role", "members"),
        methods={
            "create": "/patronus.v1.RoleBindingService/CreateRoleBinding",
            "get": "/patronus.v1.RoleBindingService/GetRoleBinding",
            "list": "/patronus.v1.RoleBindingService/ListRoleBindings",
            "update": "/patronus.v1.RoleBindingService/UpdateRoleBinding",
            "delete": "/patronus.v1.RoleBindingService/DeleteRoleBinding",
        },
    )

    name: Annotated[str, rules.Matches("organizations/*/roleBindings/*", optional=False), rules.Immutable()]
    """Resource name: organizations/{organization}/roleBindings/{role_binding}. Assigned from the parent and the id.
    """
    role: Annotated[Annotated[str, rules.Size(384)], rules.Required()]
    """Name of a role: roles/viewer, roles/operator, roles/developer, roles/admin, or a Role of this organization or
    of one above it.
    """
    members: Annotated[list[Annotated[str, rules.Size(512)]], rules.Required(), rules.Items(256), rules.AsSet()]
    """Who: a service account (organizations/acme/serviceAccounts/ci), a user or a group of an identity provider
    (organizations/acme/identityProviders/okta/users/SUBJECT, .../groups/GROUP), or a SPIFFE id.
    """
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
    condition: BindingCondition | None = None
    """When the binding counts; unset: always."""

    @staticmethod
    def resource_name(organization: str, role_binding: str) -> str:
        """The name of a roleBinding from its ids."""
        return f"organizations/{organization}/roleBindings/{role_binding}"


class RoleBindingPatch(TypedDict, total=False):
    """Fields of RoleBinding to change; None clears one."""

    labels: dict[Annotated[str, rules.Size(1024)], Annotated[str, rules.Size(256)]] | None
    """Short key-value pairs for selection by filters."""
    annotations: dict[Annotated[str, rules.Size(1024)], Annotated[str, rules.Size(4096)]] | None
    """Free key-value pairs that the system does not read."""
    display_name: Annotated[str, rules.Size(256)] | None
    """A name for people."""
    role: Annotated[str, rules.Size(384)] | None
    """Name of a role: roles/viewer, roles/operator, roles/developer, roles/admin, or a Role of this organization or
    of one above it.
    """
    members: list[Annotated[str, rules.Size(512)]] | None
    """Who: a service account (organizations/acme/serviceAccounts/ci), a user or a group of an identity provider
    (organizations/acme/identityProviders/okta/users/SUBJECT, .../groups/GROUP), or a SPIFFE id.
    """
    condition: BindingCondition | None
    """When the binding counts; unset: always."""


class ClusterRoleBinding(Resource):
    """Who has a role in the whole cluster: in every organization and in what stands above them."""

    PROTO: ClassVar[str] = "patronus.v1.ClusterRoleBinding"
    KIND: ClassVar[Kind] = Kind(
        singular="clusterRoleBinding",
        plural="clusterRoleBindings",
        pattern="clusterRoleBindings/*",
        view=False,
        columns=("role", "members"),
        methods={
            "create": "/patronus.v1.ClusterRoleBindingService/CreateClusterRoleBinding",
            "get": "/patronus.v1.ClusterRoleBindingService/GetClusterRoleBinding",
            "list": "/patronus.v1.ClusterRoleBindingService/ListClusterRoleBindings",
            "update": "/patronus.v1.ClusterRoleBindingService/UpdateClusterRoleBinding",
            "delete": "/patronus.v1.ClusterRoleBindingService/DeleteClusterRoleBinding",
        },
    )

    name: Annotated[str, rules.Matches("clusterRoleBindings/*", optional=False), rules.Immutable()]
    """Resource name: clusterRoleBindings/{cluster_role_binding}. Assigned from the parent and the id."""
    role: Annotated[Annotated[str, rules.Size(384)], rules.Required()]
    """Name of a role: roles/viewer, roles/operator, roles/developer, roles/admin, or a Role of this organization or
    of one above it.
    """
    members: Annotated[list[Annotated[str, rules.Size(512)]], rules.Required(), rules.Items(256), rules.AsSet()]
    """Who: a service account (organizations/acme/serviceAccounts/ci), a user or a group of an identity provider
    (organizations/acme/identityProviders/okta/users/SUBJECT, .../groups/GROUP), or a SPIFFE id.
    """
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
    condition: BindingCondition | None = None
    """When the binding counts; unset: always."""

    @staticmethod
    def resource_name(cluster_role_binding: str) -> str:
        """The name of a clusterRoleBinding from its ids."""
        return f"clusterRoleBindings/{cluster_role_binding}"


class ClusterRoleBindingPatch(TypedDict, total=False):
    """Fields of ClusterRoleBinding to change; None clears one."""

    labels: dict[Annotated[str, rules.Size(1024)], Annotated[str, rules.Size(256)]] | None
    """Short key-value pairs for selection by filters."""
    annotations: dict[Annotated[str, rules.Size(1024)], Annotated[str, rules.Size(4096)]] | None
    """Free key-value pairs that the system does not read."""
    display_name: Annotated[str, rules.Size(256)] | None
    """A name for people."""
    role: Annotated[str, rules.Size(384)] | None
    """Name of a role: roles/viewer, roles/operator, roles/developer, roles/admin, or a Role of this organization or
    of one above it.
    """
    members: list[Annotated[str, rules.Size(512)]] | None
    """Who: a service account (organizations/acme/serviceAccounts/ci), a user or a group of an identity provider
    (organizations/acme/identityProviders/okta/users/SUBJECT, .../groups/GROUP), or a SPIFFE id.
    """
    condition: BindingCondition | None
    """When the binding counts; unset: always."""


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

    name: Annotated[str, rules.Matches("organizations/*/serviceAccounts/*", optional=False), rules.Immutable()]
    """Resource name: organizations/{organization}/serviceAccounts/{service_account}. Assigned from the parent and the
    id.
    """
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
    disabled: bool = False
    """True: its keys are refused."""

    @staticmethod
    def resource_name(organization: str, service_account: str) -> str:
        """The name of a serviceAccount from its ids."""
        return f"organizations/{organization}/serviceAccounts/{service_account}"


class ServiceAccountPatch(TypedDict, total=False):
    """Fields of ServiceAccount to change; None clears one."""

    labels: dict[Annotated[str, rules.Size(1024)], Annotated[str, rules.Size(256)]] | None
    """Short key-value pairs for selection by filters."""
    annotations: dict[Annotated[str, rules.Size(1024)], Annotated[str, rules.Size(4096)]] | None
    """Free key-value pairs that the system does not read."""
    display_name: Annotated[str, rules.Size(256)] | None
    """A name for people."""
    disabled: bool | None
    """True: its keys are refused."""


class IssueApiKeyRequest(Message):
    """Request of IssueApiKey."""

    PROTO: ClassVar[str] = "patronus.v1.IssueApiKeyRequest"

    parent_: Annotated[str, rules.Size(1024)] = ""
    """Name of the service account."""
    api_key_id: Annotated[str, rules.Size(1024)] = ""
    """Last segment of the name; matches [a-z]([a-z0-9-]{0,61}[a-z0-9])?"""
    api_key: ApiKey | None = None
    """The key's properties."""


class IssueApiKeyResponse(Message):
    """Response of IssueApiKey."""

    PROTO: ClassVar[str] = "patronus.v1.IssueApiKeyResponse"

    api_key: ApiKey | None = None
    """The resource."""
    key: Annotated[Annotated[str, rules.Size(1024)], rules.Secret()] = ""
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
        str, rules.Matches("organizations/*/serviceAccounts/*/apiKeys/*", optional=False), rules.Immutable()
    ]
    """Resource name: organizations/{organization}/serviceAccounts/{service_account}/apiKeys/{api_key}. Assigned from
    the parent and the id.
    """
    secret_hmac: Annotated[
        Annotated[str, rules.SHA256_HEX, rules.Size(1024)], rules.Required(), rules.Immutable(), rules.Secret()
    ]
    """HMAC-SHA256 of the key, under a key that the controllers share."""
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
    hint: Annotated[Annotated[str, rules.Size(16)], rules.Immutable()] = ""
    """First characters of the key, to tell one from another."""
    expire_time: datetime.datetime | None = None
    """When it ends; unset: never."""
    scopes: Annotated[list[Annotated[str, rules.Size(128)]], rules.Items(64), rules.AsSet()] = Field(
        default_factory=list
    )
    """Permissions that the key is good for, of those its account has, for example "sites.*"; empty: all."""
    source_prefixes: Annotated[
        list[Annotated[str, rules.IP_PREFIX, rules.Size(1024)]], rules.Items(32), rules.AsSet()
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

    labels: dict[Annotated[str, rules.Size(1024)], Annotated[str, rules.Size(256)]] | None
    """Short key-value pairs for selection by filters."""
    annotations: dict[Annotated[str, rules.Size(1024)], Annotated[str, rules.Size(4096)]] | None
    """Free key-value pairs that the system does not read."""
    display_name: Annotated[str, rules.Size(256)] | None
    """A name for people."""
    expire_time: datetime.datetime | None
    """When it ends; unset: never."""
    scopes: list[Annotated[str, rules.Size(128)]] | None
    """Permissions that the key is good for, of those its account has, for example "sites.*"; empty: all."""
    source_prefixes: list[Annotated[str, rules.IP_PREFIX, rules.Size(1024)]] | None
    """Prefixes from which the key is good; empty: any."""
    disabled: bool | None
    """True: it is refused."""


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

    name: Annotated[str, rules.Matches("organizations/*/identityProviders/*", optional=False), rules.Immutable()]
    """Resource name: organizations/{organization}/identityProviders/{identity_provider}. Assigned from the parent and
    the id.
    """
    issuer: Annotated[Annotated[str, rules.Size(512)], rules.Required()]
    """The `iss` of its tokens: an https URL. Keys are found through its discovery document."""
    audiences: Annotated[list[Annotated[str, rules.Size(256)]], rules.Required(), rules.Items(16), rules.AsSet()]
    """A token names one of these as `aud`."""
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
    jwks_uri: Annotated[str, rules.Size(512)] = ""
    """URL of the key set, where discovery is not wanted."""
    subject_claim: Annotated[str, rules.Size(64)] = ""
    """Claim that names the user; empty: "sub"."""
    groups_claim: Annotated[str, rules.Size(64)] = ""
    """Claim that lists the user's groups; empty: "groups"."""
    disabled: bool = False
    """True: its tokens are refused."""

    @staticmethod
    def resource_name(organization: str, identity_provider: str) -> str:
        """The name of a identityProvider from its ids."""
        return f"organizations/{organization}/identityProviders/{identity_provider}"


class IdentityProviderPatch(TypedDict, total=False):
    """Fields of IdentityProvider to change; None clears one."""

    labels: dict[Annotated[str, rules.Size(1024)], Annotated[str, rules.Size(256)]] | None
    """Short key-value pairs for selection by filters."""
    annotations: dict[Annotated[str, rules.Size(1024)], Annotated[str, rules.Size(4096)]] | None
    """Free key-value pairs that the system does not read."""
    display_name: Annotated[str, rules.Size(256)] | None
    """A name for people."""
    issuer: Annotated[str, rules.Size(512)] | None
    """The `iss` of its tokens: an https URL. Keys are found through its discovery document."""
    audiences: list[Annotated[str, rules.Size(256)]] | None
    """A token names one of these as `aud`."""
    jwks_uri: Annotated[str, rules.Size(512)] | None
    """URL of the key set, where discovery is not wanted."""
    subject_claim: Annotated[str, rules.Size(64)] | None
    """Claim that names the user; empty: "sub"."""
    groups_claim: Annotated[str, rules.Size(64)] | None
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

    name: Annotated[str, rules.Matches("deniedIdentities/*", optional=False), rules.Immutable()]
    """Resource name: deniedIdentities/{denied_identity}. Assigned from the parent and the id."""
    identity: Annotated[Annotated[str, rules.Size(512)], rules.Required(), rules.Immutable()]
    """A SPIFFE id, a service account, an API key, or a user of an identity provider."""
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
    reason: Annotated[str, rules.Size(256)] = ""
    """Why, for people."""
    expire_time: datetime.datetime | None = None
    """Until when; unset: for ever."""

    @staticmethod
    def resource_name(denied_identity: str) -> str:
        """The name of a deniedIdentity from its ids."""
        return f"deniedIdentities/{denied_identity}"


class DeniedIdentityPatch(TypedDict, total=False):
    """Fields of DeniedIdentity to change; None clears one."""

    labels: dict[Annotated[str, rules.Size(1024)], Annotated[str, rules.Size(256)]] | None
    """Short key-value pairs for selection by filters."""
    annotations: dict[Annotated[str, rules.Size(1024)], Annotated[str, rules.Size(4096)]] | None
    """Free key-value pairs that the system does not read."""
    display_name: Annotated[str, rules.Size(256)] | None
    """A name for people."""
    reason: Annotated[str, rules.Size(256)] | None
    """Why, for people."""
    expire_time: datetime.datetime | None
    """Until when; unset: for ever."""


class TestIamPermissionsRequest(Message):
    """Request of TestIamPermissions."""

    PROTO: ClassVar[str] = "patronus.v1.TestIamPermissionsRequest"

    resource: Annotated[str, rules.Size(1024)] = ""
    """A resource, or an organization; empty: the cluster."""
    permissions: Annotated[list[Annotated[str, rules.Size(128)]], rules.Items(256)] = Field(default_factory=list)
    """Permissions to ask for, for example "sites.update"."""


class TestIamPermissionsResponse(Message):
    """Response of TestIamPermissions."""

    PROTO: ClassVar[str] = "patronus.v1.TestIamPermissionsResponse"

    permissions: Annotated[list[Annotated[str, rules.Size(1024)]], rules.Items(64)] = Field(default_factory=list)
    """Those of the permissions that the caller has."""
    principal: Annotated[str, rules.Size(1024)] = ""
    """Who the caller is."""
