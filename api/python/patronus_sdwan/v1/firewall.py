"""What may pass: rules between and within segments, and protection of links against floods.

Generated from the schema by api/tools/generate; do not edit.
"""

from __future__ import annotations

import datetime
from typing import Annotated, ClassVar, TypedDict

from pydantic import Field

from .. import rules as marks
from ..message import Kind, Message, OpenEnum, Resource
from .common import Condition, PortRange


class FirewallAction(OpenEnum):
    """What becomes of a packet."""

    FIREWALL_ACTION_UNSPECIFIED = "FIREWALL_ACTION_UNSPECIFIED"
    """Of a rule: refused. Of a policy: ALLOW."""
    ALLOW = "ALLOW"
    """It passes, and so does what comes back."""
    DROP = "DROP"
    """It is dropped and counted."""


class FirewallScope(OpenEnum):
    """Where a packet is going."""

    FIREWALL_SCOPE_UNSPECIFIED = "FIREWALL_SCOPE_UNSPECIFIED"
    """Within the segment, and to the internet."""
    WITHIN = "WITHIN"
    """Within the segment."""
    INTERNET = "INTERNET"
    """To the internet, through a NatPolicy's breakout."""
    SEGMENT = "SEGMENT"
    """To the segment that `to_segment` names."""


class FirewallRule(Message):
    """One rule. Every criterion that is set must hold."""

    PROTO: ClassVar[str] = "patronus.v1.FirewallRule"

    action: Annotated[FirewallAction, marks.Required()]
    """What becomes of packets that match."""
    scope: FirewallScope = FirewallScope.FIREWALL_SCOPE_UNSPECIFIED
    """Where they go."""
    to_segment: Annotated[str, marks.Matches("organizations/*/segments/*")] = ""
    """The other segment, with scope SEGMENT."""
    source_cidrs: Annotated[list[Annotated[str, marks.IP_PREFIX, marks.Size(1024)]], marks.Items(8), marks.AsSet()] = (
        Field(default_factory=list)
    )
    """Sources; empty means any."""
    destination_cidrs: Annotated[
        list[Annotated[str, marks.IP_PREFIX, marks.Size(1024)]], marks.Items(8), marks.AsSet()
    ] = Field(default_factory=list)
    """Destinations; empty means any."""
    protocol: Annotated[int, marks.Range(0, 255)] | None = None
    """IP protocol; unset means any."""
    ports: Annotated[list[PortRange], marks.Items(8)] = Field(default_factory=list)
    """Destination ports; empty means any. Fragments have none."""


class FirewallPolicy(Resource):
    """What hosts of a segment may begin. Rules are asked where a flow begins; what answers it passes, for as long as
    the flow lives. Between segments nothing passes but what a rule allows.
    """

    PROTO: ClassVar[str] = "patronus.v1.FirewallPolicy"
    KIND: ClassVar[Kind] = Kind(
        singular="firewallPolicy",
        plural="firewallPolicies",
        pattern="organizations/*/firewallPolicies/*",
        view=False,
        columns=("segment", "priority"),
        methods={
            "create": "/patronus.v1.FirewallPolicyService/CreateFirewallPolicy",
            "get": "/patronus.v1.FirewallPolicyService/GetFirewallPolicy",
            "list": "/patronus.v1.FirewallPolicyService/ListFirewallPolicies",
            "update": "/patronus.v1.FirewallPolicyService/UpdateFirewallPolicy",
            "delete": "/patronus.v1.FirewallPolicyService/DeleteFirewallPolicy",
        },
    )

    name: Annotated[str, marks.Matches("organizations/*/firewallPolicies/*", optional=False), marks.Immutable()]
    """Resource name: organizations/{organization}/firewallPolicies/{firewall_policy}. Assigned from the parent and
    the id.
    """
    segment: Annotated[Annotated[str, marks.Matches("organizations/*/segments/*")], marks.Required()]
    """The segment whose hosts begin."""
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
    priority: Annotated[int, marks.Range(0, 65535)] = 0
    """Policies are read in order of priority, lowest first; equal priorities in order of name."""
    rules: Annotated[list[FirewallRule], marks.Items(64)] = Field(default_factory=list)
    """Read in order; the first that matches decides."""
    default_action: FirewallAction = FirewallAction.FIREWALL_ACTION_UNSPECIFIED
    """What becomes of packets within the segment and to the internet that no rule matches. DROP in one policy of the
    segment is enough.
    """
    disabled: bool = False
    """Not in force when true."""

    @staticmethod
    def resource_name(organization: str, firewall_policy: str) -> str:
        """The name of a firewallPolicy from its ids."""
        return f"organizations/{organization}/firewallPolicies/{firewall_policy}"


class FirewallPolicyPatch(TypedDict, total=False):
    """Fields of FirewallPolicy to change; None clears one."""

    labels: dict[Annotated[str, marks.Size(1024)], Annotated[str, marks.Size(256)]] | None
    """Short key-value pairs for selection by filters."""
    annotations: dict[Annotated[str, marks.Size(1024)], Annotated[str, marks.Size(4096)]] | None
    """Free key-value pairs that the system does not read."""
    display_name: Annotated[str, marks.Size(256)] | None
    """A name for people."""
    segment: Annotated[str, marks.Matches("organizations/*/segments/*")] | None
    """The segment whose hosts begin."""
    priority: Annotated[int, marks.Range(0, 65535)] | None
    """Policies are read in order of priority, lowest first; equal priorities in order of name."""
    rules: list[FirewallRule] | None
    """Read in order; the first that matches decides."""
    default_action: FirewallAction | None
    """What becomes of packets within the segment and to the internet that no rule matches. DROP in one policy of the
    segment is enough.
    """
    disabled: bool | None
    """Not in force when true."""


class FloodGuard(Resource):
    """Protection of edges against floods, judged where packets of the underlay arrive."""

    PROTO: ClassVar[str] = "patronus.v1.FloodGuard"
    KIND: ClassVar[Kind] = Kind(
        singular="floodGuard",
        plural="floodGuards",
        pattern="organizations/*/floodGuards/*",
        view=False,
        columns=("source_packets_per_second",),
        methods={
            "create": "/patronus.v1.FloodGuardService/CreateFloodGuard",
            "get": "/patronus.v1.FloodGuardService/GetFloodGuard",
            "list": "/patronus.v1.FloodGuardService/ListFloodGuards",
            "update": "/patronus.v1.FloodGuardService/UpdateFloodGuard",
            "delete": "/patronus.v1.FloodGuardService/DeleteFloodGuard",
        },
    )

    name: Annotated[str, marks.Matches("organizations/*/floodGuards/*", optional=False), marks.Immutable()]
    """Resource name: organizations/{organization}/floodGuards/{flood_guard}. Assigned from the parent and the id."""
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
    sites: Annotated[
        list[Annotated[str, marks.Matches("organizations/*/sites/*")]], marks.Items(256), marks.AsSet()
    ] = Field(default_factory=list)
    """Sites where it applies; empty means all. The first by name decides at a site."""
    denied_cidrs: Annotated[
        list[Annotated[str, marks.IP_PREFIX, marks.Size(1024)]], marks.Items(1024), marks.AsSet()
    ] = Field(default_factory=list)
    """Sources whose packets are dropped."""
    source_packets_per_second: Annotated[int, marks.Range(0, 100000000)] = 0
    """Packets a second from one source that is no tunnel's far end; 0 means no limit."""
    syns_per_second: Annotated[int, marks.Range(0, 100000000)] = 0
    """TCP connections a second to the edge and its port forwards; while more begin, only those whose source has
    proved itself by a SYN cookie. 0 means no limit.
    """
    disabled: bool = False
    """Not in force when true."""

    @staticmethod
    def resource_name(organization: str, flood_guard: str) -> str:
        """The name of a floodGuard from its ids."""
        return f"organizations/{organization}/floodGuards/{flood_guard}"


class FloodGuardPatch(TypedDict, total=False):
    """Fields of FloodGuard to change; None clears one."""

    labels: dict[Annotated[str, marks.Size(1024)], Annotated[str, marks.Size(256)]] | None
    """Short key-value pairs for selection by filters."""
    annotations: dict[Annotated[str, marks.Size(1024)], Annotated[str, marks.Size(4096)]] | None
    """Free key-value pairs that the system does not read."""
    display_name: Annotated[str, marks.Size(256)] | None
    """A name for people."""
    sites: list[Annotated[str, marks.Matches("organizations/*/sites/*")]] | None
    """Sites where it applies; empty means all. The first by name decides at a site."""
    denied_cidrs: list[Annotated[str, marks.IP_PREFIX, marks.Size(1024)]] | None
    """Sources whose packets are dropped."""
    source_packets_per_second: Annotated[int, marks.Range(0, 100000000)] | None
    """Packets a second from one source that is no tunnel's far end; 0 means no limit."""
    syns_per_second: Annotated[int, marks.Range(0, 100000000)] | None
    """TCP connections a second to the edge and its port forwards; while more begin, only those whose source has
    proved itself by a SYN cookie. 0 means no limit.
    """
    disabled: bool | None
    """Not in force when true."""
