"""Access: who may do what. Roles and what binds them, and the question what somebody may.

Generated from the schema by api/tools/generate; do not edit.
"""

from __future__ import annotations

import datetime
from typing import Annotated, ClassVar, TypedDict

from pydantic import Field

from .. import rules as marks
from ..message import Kind, Message, Resource
from .common import Condition


class BindingCondition(Message):
    """When a binding counts. Everything that is set must hold."""

    PROTO: ClassVar[str] = "patronus.v1.BindingCondition"

    labels: Annotated[dict[Annotated[str, marks.Size(1024)], Annotated[str, marks.Size(256)]], marks.Items(16)] = Field(
        default_factory=dict
    )
    """The resource has these labels."""
    not_before: datetime.datetime | None = None
    """Not earlier."""
    not_after: datetime.datetime | None = None
    """Earlier than this."""
    source_prefixes: Annotated[
        list[Annotated[str, marks.IP_PREFIX, marks.Size(1024)]], marks.Items(32), marks.AsSet()
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

    name: Annotated[str, marks.Matches("organizations/*/roles/*", optional=False), marks.Immutable()]
    """Resource name: organizations/{organization}/roles/{role}. Assigned from the parent and the id."""
    permissions: Annotated[list[Annotated[str, marks.Size(128)]], marks.Required(), marks.Items(256), marks.AsSet()]
    """Permissions, for example "sites.update", or "sites.*" for all of a collection. One that nobody made yet grants
    nothing.
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

    @staticmethod
    def resource_name(organization: str, role: str) -> str:
        """The name of a role from its ids."""
        return f"organizations/{organization}/roles/{role}"


class RolePatch(TypedDict, total=False):
    """Fields of Role to change; None clears one."""

    labels: dict[Annotated[str, marks.Size(1024)], Annotated[str, marks.Size(256)]] | None
    """Short key-value pairs for selection by filters."""
    annotations: dict[Annotated[str, marks.Size(1024)], Annotated[str, marks.Size(4096)]] | None
    """Free key-value pairs that the system does not read."""
    display_name: Annotated[str, marks.Size(256)] | None
    """A name for people."""
    permissions: list[Annotated[str, marks.Size(128)]] | None
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

    name: Annotated[str, marks.Matches("organizations/*/roleBindings/*", optional=False), marks.Immutable()]
    """Resource name: organizations/{organization}/roleBindings/{role_binding}. Assigned from the parent and the id.
    """
    role: Annotated[Annotated[str, marks.Size(384)], marks.Required()]
    """Name of a role: roles/viewer, roles/operator, roles/developer, roles/admin, or a Role of this organization or
    of one above it.
    """
    members: Annotated[list[Annotated[str, marks.Size(512)]], marks.Required(), marks.Items(256), marks.AsSet()]
    """Who: a service account (organizations/acme/serviceAccounts/ci), a user or a group of an identity provider
    (organizations/acme/identityProviders/okta/users/SUBJECT, .../groups/GROUP), or a SPIFFE id.
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
    condition: BindingCondition | None = None
    """When the binding counts; unset: always."""

    @staticmethod
    def resource_name(organization: str, role_binding: str) -> str:
        """The name of a roleBinding from its ids."""
        return f"organizations/{organization}/roleBindings/{role_binding}"


class RoleBindingPatch(TypedDict, total=False):
    """Fields of RoleBinding to change; None clears one."""

    labels: dict[Annotated[str, marks.Size(1024)], Annotated[str, marks.Size(256)]] | None
    """Short key-value pairs for selection by filters."""
    annotations: dict[Annotated[str, marks.Size(1024)], Annotated[str, marks.Size(4096)]] | None
    """Free key-value pairs that the system does not read."""
    display_name: Annotated[str, marks.Size(256)] | None
    """A name for people."""
    role: Annotated[str, marks.Size(384)] | None
    """Name of a role: roles/viewer, roles/operator, roles/developer, roles/admin, or a Role of this organization or
    of one above it.
    """
    members: list[Annotated[str, marks.Size(512)]] | None
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

    name: Annotated[str, marks.Matches("clusterRoleBindings/*", optional=False), marks.Immutable()]
    """Resource name: clusterRoleBindings/{cluster_role_binding}. Assigned from the parent and the id."""
    role: Annotated[Annotated[str, marks.Size(384)], marks.Required()]
    """Name of a role: roles/viewer, roles/operator, roles/developer, roles/admin, or a Role of this organization or
    of one above it.
    """
    members: Annotated[list[Annotated[str, marks.Size(512)]], marks.Required(), marks.Items(256), marks.AsSet()]
    """Who: a service account (organizations/acme/serviceAccounts/ci), a user or a group of an identity provider
    (organizations/acme/identityProviders/okta/users/SUBJECT, .../groups/GROUP), or a SPIFFE id.
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
    condition: BindingCondition | None = None
    """When the binding counts; unset: always."""

    @staticmethod
    def resource_name(cluster_role_binding: str) -> str:
        """The name of a clusterRoleBinding from its ids."""
        return f"clusterRoleBindings/{cluster_role_binding}"


class ClusterRoleBindingPatch(TypedDict, total=False):
    """Fields of ClusterRoleBinding to change; None clears one."""

    labels: dict[Annotated[str, marks.Size(1024)], Annotated[str, marks.Size(256)]] | None
    """Short key-value pairs for selection by filters."""
    annotations: dict[Annotated[str, marks.Size(1024)], Annotated[str, marks.Size(4096)]] | None
    """Free key-value pairs that the system does not read."""
    display_name: Annotated[str, marks.Size(256)] | None
    """A name for people."""
    role: Annotated[str, marks.Size(384)] | None
    """Name of a role: roles/viewer, roles/operator, roles/developer, roles/admin, or a Role of this organization or
    of one above it.
    """
    members: list[Annotated[str, marks.Size(512)]] | None
    """Who: a service account (organizations/acme/serviceAccounts/ci), a user or a group of an identity provider
    (organizations/acme/identityProviders/okta/users/SUBJECT, .../groups/GROUP), or a SPIFFE id.
    """
    condition: BindingCondition | None
    """When the binding counts; unset: always."""


class TestIamPermissionsRequest(Message):
    """Request of TestIamPermissions."""

    PROTO: ClassVar[str] = "patronus.v1.TestIamPermissionsRequest"

    resource: Annotated[str, marks.Size(1024)] = ""
    """A resource, or an organization; empty: the cluster."""
    permissions: Annotated[list[Annotated[str, marks.Size(128)]], marks.Items(256)] = Field(default_factory=list)
    """Permissions to ask for, for example "sites.update"."""


class TestIamPermissionsResponse(Message):
    """Response of TestIamPermissions."""

    PROTO: ClassVar[str] = "patronus.v1.TestIamPermissionsResponse"

    permissions: Annotated[list[Annotated[str, marks.Size(1024)]], marks.Items(64)] = Field(default_factory=list)
    """Those of the permissions that the caller has."""
    principal: Annotated[str, marks.Size(1024)] = ""
    """Who the caller is."""
