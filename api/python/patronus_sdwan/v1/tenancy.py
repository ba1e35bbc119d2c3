"""Tenancy: the organizations that own everything else.

Generated from the schema by api/tools/generate; do not edit.
"""

from __future__ import annotations

import datetime
from typing import Annotated, ClassVar, TypedDict

from pydantic import Field

from .. import rules
from ..message import Kind, OpenEnum, Resource
from .common import Condition


class Tier(OpenEnum):
    """What a tenant has booked."""

    TIER_UNSPECIFIED = "TIER_UNSPECIFIED"
    """Treated as FREE."""
    FREE = "FREE"
    """To try."""
    STARTER = "STARTER"
    """A few sites."""
    PROFESSIONAL = "PROFESSIONAL"
    """Tens of sites."""
    ENTERPRISE = "ENTERPRISE"
    """As contracted."""


class Organization(Resource):
    """A tenant. Organizations are flat; a parent field makes them a tree, so that a move renames nothing."""

    PROTO: ClassVar[str] = "patronus.v1.Organization"
    KIND: ClassVar[Kind] = Kind(
        singular="organization",
        plural="organizations",
        pattern="organizations/*",
        view=False,
        columns=("tier", "parent_organization"),
        methods={
            "create": "/patronus.v1.OrganizationService/CreateOrganization",
            "get": "/patronus.v1.OrganizationService/GetOrganization",
            "list": "/patronus.v1.OrganizationService/ListOrganizations",
            "update": "/patronus.v1.OrganizationService/UpdateOrganization",
            "delete": "/patronus.v1.OrganizationService/DeleteOrganization",
        },
    )

    name: Annotated[str, rules.Matches("organizations/*", optional=False), rules.Immutable()]
    """Resource name: organizations/{organization}. Assigned from the parent and the id."""
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
    parent_organization: Annotated[str, rules.Matches("organizations/*")] = ""
    """The organization above this one; empty for a root."""
    tier: Tier = Tier.TIER_UNSPECIFIED
    """What the tenant has booked."""

    @staticmethod
    def resource_name(organization: str) -> str:
        """The name of a organization from its ids."""
        return f"organizations/{organization}"


class OrganizationPatch(TypedDict, total=False):
    """Fields of Organization to change; None clears one."""

    labels: dict[Annotated[str, rules.Size(1024)], Annotated[str, rules.Size(256)]] | None
    """Short key-value pairs for selection by filters."""
    annotations: dict[Annotated[str, rules.Size(1024)], Annotated[str, rules.Size(4096)]] | None
    """Free key-value pairs that the system does not read."""
    display_name: Annotated[str, rules.Size(256)] | None
    """A name for people."""
    parent_organization: Annotated[str, rules.Matches("organizations/*")] | None
    """The organization above this one; empty for a root."""
    tier: Tier | None
    """What the tenant has booked."""
