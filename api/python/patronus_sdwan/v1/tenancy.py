"""Tenancy: the organizations that own everything else.

Generated from the schema by api/tools/generate; do not edit.
"""

from __future__ import annotations

import datetime
from typing import Annotated, ClassVar, TypedDict

from pydantic import Field

from .. import rules as marks
from ..message import Kind, Message, OpenEnum, Resource
from .common import Condition


class Tier(OpenEnum):
    """What a tenant has booked: the limits that hold where `quotas` names none."""

    TIER_UNSPECIFIED = "TIER_UNSPECIFIED"
    """That of the organization above; a root without tier has no limits: it belongs to whoever runs the cluster."""
    FREE = "FREE"
    """To try: 3 sites, 6 edges, 64 tunnels, 10 policies, 1 model, 1 MiB, 20 requests a second, 8 streams."""
    STARTER = "STARTER"
    """A few sites: 25 sites, 50 edges, 10,000 tunnels, 100 policies, 5 models, 16 MiB, 100 requests a second, 64
    streams.
    """
    PROFESSIONAL = "PROFESSIONAL"
    """Hundreds of sites: 500 sites, 1,000 edges, 1,000,000 tunnels, 1,000 policies, 50 models, 256 MiB, 500 requests
    a second, 512 streams.
    """
    ENTERPRISE = "ENTERPRISE"
    """As contracted: no limits but those in `quotas`."""


class Quotas(Message):
    """Limits of one organization and all that is below it. 0 leaves the limit to the tier, and then to the
    organization above.
    """

    PROTO: ClassVar[str] = "patronus.v1.Quotas"

    sites: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """Sites."""
    edges: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """Edges."""
    tunnels: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """Directed tunnels that the links can form: pairs of links at different sites over the same underlay."""
    policies: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """Policies: those of steering, of the firewall and of translation."""
    models: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """Models."""
    bytes: Annotated[Annotated[int, marks.Range(0, 18446744073709551615)], marks.Unit("bytes")] = 0
    """Stored bytes of all resources, and those of the artifacts that model versions stand for."""
    requests_per_second: Annotated[Annotated[int, marks.Range(0, 18446744073709551615)], marks.Unit("1/s")] = 0
    """API requests a second by the organization's own principals, at each controller; by one of them four fifths of
    it, so that a program that runs wild leaves room for who stops it. (1/s)
    """
    streams: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """Open streams of the organization's own principals, at each controller."""


class QuotaUsage(Message):
    """One limit and how much of it is used, what is below the organization included."""

    PROTO: ClassVar[str] = "patronus.v1.QuotaUsage"

    metric: Annotated[str, marks.Size(1024)] = ""
    """Field of Quotas, for example "sites"."""
    limit: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """The limit in force; 0 when there is none."""
    usage: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """In use now. Requests: those in the last full second, and streams: those that are open, at the controller that
    answers.
    """


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

    name: Annotated[str, marks.Matches("organizations/*", optional=False), marks.Immutable()]
    """Resource name: organizations/{organization}. Assigned from the parent and the id."""
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
    parent_organization: Annotated[str, marks.Matches("organizations/*")] = ""
    """The organization above this one; empty for a root."""
    tier: Tier = Tier.TIER_UNSPECIFIED
    """What the tenant has booked."""
    quotas: Quotas | None = None
    """Limits that differ from the tier's."""
    quota_usage: Annotated[list[QuotaUsage], marks.Output()] = Field(default_factory=list)
    """Every limit and what is used of it, exact as of the read."""
    delete_time: Annotated[datetime.datetime | None, marks.Output()] = None
    """When it was deleted. Only a List with show_deleted shows such organizations."""
    expire_time: Annotated[datetime.datetime | None, marks.Output()] = None
    """Until when UndeleteOrganization brings it back, with everything that was below it."""

    @staticmethod
    def resource_name(organization: str) -> str:
        """The name of a organization from its ids."""
        return f"organizations/{organization}"


class OrganizationPatch(TypedDict, total=False):
    """Fields of Organization to change; None clears one."""

    labels: dict[Annotated[str, marks.Size(1024)], Annotated[str, marks.Size(256)]] | None
    """Short key-value pairs for selection by filters."""
    annotations: dict[Annotated[str, marks.Size(1024)], Annotated[str, marks.Size(4096)]] | None
    """Free key-value pairs that the system does not read."""
    display_name: Annotated[str, marks.Size(256)] | None
    """A name for people."""
    parent_organization: Annotated[str, marks.Matches("organizations/*")] | None
    """The organization above this one; empty for a root."""
    tier: Tier | None
    """What the tenant has booked."""
    quotas: Quotas | None
    """Limits that differ from the tier's."""


class UndeleteOrganizationRequest(Message):
    """Request of UndeleteOrganization."""

    PROTO: ClassVar[str] = "patronus.v1.UndeleteOrganizationRequest"

    name: Annotated[str, marks.Size(1024)] = ""
    """Name of the deleted organization."""
    uid: Annotated[str, marks.Size(1024)] = ""
    """uid of the one that is meant; empty for the one that was deleted last."""
    request_id: Annotated[str, marks.Size(1024)] = ""
    """Makes a retry safe."""
    validate_only: bool = False
    """Check everything, change nothing."""
