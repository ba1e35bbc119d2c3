"""What traffic is, what it needs and how it is steered.

Generated from the schema by api/tools/generate; do not edit.
"""

from __future__ import annotations

import datetime
from typing import Annotated, ClassVar, TypedDict

from pydantic import Field

from .. import rules as marks
from ..message import Kind, Message, OpenEnum, Resource
from .common import Condition, PortRange, TrafficClass, Transport


class Preference(OpenEnum):
    """How strongly a rule asks."""

    PREFERENCE_UNSPECIFIED = "PREFERENCE_UNSPECIFIED"
    """Treated as AVAILABLE."""
    REQUIRE = "REQUIRE"
    """Only paths that fit; without one the packet is dropped."""
    PREFER = "PREFER"
    """Paths that fit first, others when none is alive."""
    AVOID = "AVOID"
    """Paths that fit only when no other is alive."""
    AVAILABLE = "AVAILABLE"
    """Any path."""
    DENY = "DENY"
    """No path: the packet is dropped and counted."""


class MoveMode(OpenEnum):
    """What becomes of flows that are under way when their path breaks the rule's SLA profile. A path that dies is
    left at once in every mode, and so is one that REQUIRE does not allow any more.
    """

    MOVE_MODE_UNSPECIFIED = "MOVE_MODE_UNSPECIFIED"
    """Treated as NEW_ONLY."""
    NEW_ONLY = "NEW_ONLY"
    """They stay; new flows take the better path. Nothing is reordered."""
    GRACEFUL = "GRACEFUL"
    """They move when they pause for 200 ms, or begin anew, so that nothing overtakes."""
    FORCED = "FORCED"
    """They move at once, also back to a better path. Packets may be reordered."""


class DayOfWeek(OpenEnum):
    """A day of the week."""

    DAY_OF_WEEK_UNSPECIFIED = "DAY_OF_WEEK_UNSPECIFIED"
    """Refused."""
    MONDAY = "MONDAY"
    """Monday."""
    TUESDAY = "TUESDAY"
    """Tuesday."""
    WEDNESDAY = "WEDNESDAY"
    """Wednesday."""
    THURSDAY = "THURSDAY"
    """Thursday."""
    FRIDAY = "FRIDAY"
    """Friday."""
    SATURDAY = "SATURDAY"
    """Saturday."""
    SUNDAY = "SUNDAY"
    """Sunday."""


class SlaState(OpenEnum):
    """How a path stands to the profile of a rule."""

    SLA_STATE_UNSPECIFIED = "SLA_STATE_UNSPECIFIED"
    """The rule has no profile, or nothing is known of the path."""
    KEPT = "KEPT"
    """It keeps it."""
    HELD = "HELD"
    """It keeps it again, and waits until slow-up and dampening are over."""
    BROKEN = "BROKEN"
    """It breaks it."""


class SimulatedVerdict(OpenEnum):
    """What becomes of a packet."""

    SIMULATED_VERDICT_UNSPECIFIED = "SIMULATED_VERDICT_UNSPECIFIED"
    """Not said."""
    BY_PATH = "BY_PATH"
    """It leaves by a chosen path."""
    LOCAL = "LOCAL"
    """Its destination is at the same site."""
    DROPPED = "DROPPED"
    """It is dropped: see reason."""
    BY_EXIT = "BY_EXIT"
    """It leaves by a link of its site to the internet, under that link's address. Only of flows that were recorded:
    SimulateSteering answers for the overlay, and says no_route where none of its prefixes holds the destination.
    """


class SlaProfile(Resource):
    """What a path must offer to an application."""

    PROTO: ClassVar[str] = "patronus.v1.SlaProfile"
    KIND: ClassVar[Kind] = Kind(
        singular="slaProfile",
        plural="slaProfiles",
        pattern="organizations/*/slaProfiles/*",
        view=False,
        columns=("max_loss_ppm", "max_latency_us", "max_jitter_us"),
        methods={
            "create": "/patronus.v1.SlaProfileService/CreateSlaProfile",
            "get": "/patronus.v1.SlaProfileService/GetSlaProfile",
            "list": "/patronus.v1.SlaProfileService/ListSlaProfiles",
            "update": "/patronus.v1.SlaProfileService/UpdateSlaProfile",
            "delete": "/patronus.v1.SlaProfileService/DeleteSlaProfile",
        },
    )

    name: Annotated[str, marks.Matches("organizations/*/slaProfiles/*", optional=False), marks.Immutable()]
    """Resource name: organizations/{organization}/slaProfiles/{sla_profile}. Assigned from the parent and the id."""
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
    max_loss_ppm: Annotated[Annotated[int, marks.Range(0, 1000000)] | None, marks.Unit("ppm")] = None
    """Largest loss, parts per million; unset means no bound. (ppm)"""
    max_latency_us: Annotated[Annotated[int, marks.Range(1, 60000000)] | None, marks.Unit("us")] = None
    """Largest round-trip time, microseconds; unset means no bound. (us)"""
    max_jitter_us: Annotated[Annotated[int, marks.Range(1, 60000000)] | None, marks.Unit("us")] = None
    """Largest jitter (RFC 3550), microseconds; unset means no bound. (us)"""
    min_mos_milli: Annotated[int, marks.Range(1000, 5000)] | None = None
    """Smallest mean opinion score, thousandths (1000..5000); unset means no bound."""
    evaluation_window: datetime.timedelta | None = None
    """Window over which is judged, 200 ms to 10 s; unset means 1 s."""
    fast_down: datetime.timedelta | None = None
    """A path that breaks a bound in the whole of this short window is left at once, without waiting for the
    evaluation window: 100 ms to 10 s; unset means 300 ms.
    """
    slow_up: datetime.timedelta | None = None
    """How long a path that broke a bound must keep all of them, with a tenth to spare, before it is used again: at
    most an hour; unset means 10 s.
    """
    dampening: datetime.timedelta | None = None
    """Half-life of the penalty that a path gets for each break: one that breaks again and again is kept out, at most
    for three half-lives. At most an hour; unset means 1 min, 0 means no dampening.
    """

    @staticmethod
    def resource_name(organization: str, sla_profile: str) -> str:
        """The name of a slaProfile from its ids."""
        return f"organizations/{organization}/slaProfiles/{sla_profile}"


class SlaProfilePatch(TypedDict, total=False):
    """Fields of SlaProfile to change; None clears one."""

    labels: dict[Annotated[str, marks.Size(1024)], Annotated[str, marks.Size(256)]] | None
    """Short key-value pairs for selection by filters."""
    annotations: dict[Annotated[str, marks.Size(1024)], Annotated[str, marks.Size(4096)]] | None
    """Free key-value pairs that the system does not read."""
    display_name: Annotated[str, marks.Size(256)] | None
    """A name for people."""
    max_loss_ppm: Annotated[int, marks.Range(0, 1000000)] | None
    """Largest loss, parts per million; unset means no bound."""
    max_latency_us: Annotated[int, marks.Range(1, 60000000)] | None
    """Largest round-trip time, microseconds; unset means no bound."""
    max_jitter_us: Annotated[int, marks.Range(1, 60000000)] | None
    """Largest jitter (RFC 3550), microseconds; unset means no bound."""
    min_mos_milli: Annotated[int, marks.Range(1000, 5000)] | None
    """Smallest mean opinion score, thousandths (1000..5000); unset means no bound."""
    evaluation_window: datetime.timedelta | None
    """Window over which is judged, 200 ms to 10 s; unset means 1 s."""
    fast_down: datetime.timedelta | None
    """A path that breaks a bound in the whole of this short window is left at once, without waiting for the
    evaluation window: 100 ms to 10 s; unset means 300 ms.
    """
    slow_up: datetime.timedelta | None
    """How long a path that broke a bound must keep all of them, with a tenth to spare, before it is used again: at
    most an hour; unset means 10 s.
    """
    dampening: datetime.timedelta | None
    """Half-life of the penalty that a path gets for each break: one that breaks again and again is kept out, at most
    for three half-lives. At most an hour; unset means 1 min, 0 means no dampening.
    """


class ApplicationMatch(Message):
    """A description of packets. Every field that is set must hold."""

    PROTO: ClassVar[str] = "patronus.v1.ApplicationMatch"

    protocol: Annotated[int, marks.Range(0, 255)] | None = None
    """IP protocol number, 0..255; unset means any."""
    ports: Annotated[list[PortRange], marks.Items(16)] = Field(default_factory=list)
    """Destination ports; empty means any."""
    cidrs: Annotated[list[Annotated[str, marks.IP_PREFIX, marks.Size(1024)]], marks.Items(64), marks.AsSet()] = Field(
        default_factory=list
    )
    """Destination prefixes; empty means any."""
    dscps: Annotated[list[Annotated[int, marks.Range(0, 63)]], marks.Items(64), marks.AsSet()] = Field(
        default_factory=list
    )
    """DSCP code points, 0..63; empty means any."""
    hosts: Annotated[list[Annotated[str, marks.FQDN, marks.Size(1024)]], marks.Items(64), marks.AsSet()] = Field(
        default_factory=list
    )
    """Host names that the traffic asks for (TLS and QUIC server name, HTTP host, a name whose DNS answer the edge has
    seen), exactly or with a leading "*." for every name below; empty means any. The first packets of a flow go
    before the name is known, unless its address was learned from a DNS answer.
    """
    signatures: Annotated[list[Annotated[str, marks.Size(32)]], marks.Items(64), marks.AsSet()] = Field(
        default_factory=list
    )
    """Names of signatures that come with the system ("youtube", "ssh", "rtp"; docs/mod/dpi.md lists them), any of
    which is enough; empty means any. They are told by what a flow's first packets say.
    """


class Application(Resource):
    """A kind of traffic, told by what its packets say."""

    PROTO: ClassVar[str] = "patronus.v1.Application"
    KIND: ClassVar[Kind] = Kind(
        singular="application",
        plural="applications",
        pattern="organizations/*/applications/*",
        view=False,
        columns=("display_name", "application_id"),
        methods={
            "create": "/patronus.v1.ApplicationService/CreateApplication",
            "get": "/patronus.v1.ApplicationService/GetApplication",
            "list": "/patronus.v1.ApplicationService/ListApplications",
            "update": "/patronus.v1.ApplicationService/UpdateApplication",
            "delete": "/patronus.v1.ApplicationService/DeleteApplication",
        },
    )

    name: Annotated[str, marks.Matches("organizations/*/applications/*", optional=False), marks.Immutable()]
    """Resource name: organizations/{organization}/applications/{application}. Assigned from the parent and the id."""
    matches: Annotated[list[ApplicationMatch], marks.Required(), marks.Items(64)]
    """Any of these describes the application."""
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
    application_id: Annotated[int, marks.Output()] = 0
    """Number of the application in the data plane, allocated by the cluster."""
    traffic_class: TrafficClass = TrafficClass.TRAFFIC_CLASS_UNSPECIFIED
    """Class in which shaped links queue its packets, whatever their DSCP says; unspecified: the class of their DSCP.
    A flow has one application: of several that describe it, the one with the lowest application_id.
    """

    @staticmethod
    def resource_name(organization: str, application: str) -> str:
        """The name of a application from its ids."""
        return f"organizations/{organization}/applications/{application}"


class ApplicationPatch(TypedDict, total=False):
    """Fields of Application to change; None clears one."""

    labels: dict[Annotated[str, marks.Size(1024)], Annotated[str, marks.Size(256)]] | None
    """Short key-value pairs for selection by filters."""
    annotations: dict[Annotated[str, marks.Size(1024)], Annotated[str, marks.Size(4096)]] | None
    """Free key-value pairs that the system does not read."""
    display_name: Annotated[str, marks.Size(256)] | None
    """A name for people."""
    matches: list[ApplicationMatch] | None
    """Any of these describes the application."""
    traffic_class: TrafficClass | None
    """Class in which shaped links queue its packets, whatever their DSCP says; unspecified: the class of their DSCP.
    A flow has one application: of several that describe it, the one with the lowest application_id.
    """


class TimeWindow(Message):
    """A time of the week. Each node judges it by its own clock, also without a controller."""

    PROTO: ClassVar[str] = "patronus.v1.TimeWindow"

    days: Annotated[list[DayOfWeek], marks.Items(7), marks.AsSet()] = Field(default_factory=list)
    """Days on which it begins; empty means every day."""
    start: Annotated[str, marks.Size(5)] = ""
    """First minute, "HH:MM"; empty means 00:00."""
    end: Annotated[str, marks.Size(5)] = ""
    """Minute after the last, "HH:MM"; empty or 24:00 means the end of the day. Not after `start`: it ends on the next
    day.
    """
    utc_offset_minutes: Annotated[Annotated[int, marks.Range(-720, 840)], marks.Unit("min")] = 0
    """What the times are by: minutes east of UTC, -720 to 840. Daylight saving is not followed."""


class PathConstraints(Message):
    """What a path must be all along: unlike transports and underlays, which look at its first link only. Links are
    both ends of each tunnel that the path takes. What is measured is followed in steps: a bound is for choosing
    paths, an SLA profile is for leaving one at once.
    """

    PROTO: ClassVar[str] = "patronus.v1.PathConstraints"

    require_labels: Annotated[list[Annotated[str, marks.Size(384)]], marks.Items(16), marks.AsSet()] = Field(
        default_factory=list
    )
    """Labels that every link has: "key=value", or "key" with any value."""
    exclude_labels: Annotated[list[Annotated[str, marks.Size(384)]], marks.Items(16), marks.AsSet()] = Field(
        default_factory=list
    )
    """Labels that no link has: "key=value", or "key" with any value."""
    include_all_groups: Annotated[list[Annotated[int, marks.Range(0, 255)]], marks.Items(32), marks.AsSet()] = Field(
        default_factory=list
    )
    """Administrative groups that every link is in, all of them (RFC 3209: include-all)."""
    include_any_groups: Annotated[list[Annotated[int, marks.Range(0, 255)]], marks.Items(32), marks.AsSet()] = Field(
        default_factory=list
    )
    """Administrative groups of which every link is in one at least (RFC 3209: include-any)."""
    exclude_groups: Annotated[list[Annotated[int, marks.Range(0, 255)]], marks.Items(32), marks.AsSet()] = Field(
        default_factory=list
    )
    """Administrative groups that no link is in (RFC 3209: exclude-any)."""
    max_latency_us: Annotated[Annotated[int, marks.Range(0, 60000000)], marks.Unit("us")] = 0
    """Longest round trip over the whole path, microseconds, as the nodes measure its tunnels; 0: any. (us)"""
    max_loss_ppm: Annotated[Annotated[int, marks.Range(0, 1000000)] | None, marks.Unit("ppm")] = None
    """Largest loss over the whole path, parts per million, as the nodes measure its tunnels; unset: any. (ppm)"""
    min_capacity_bps: Annotated[Annotated[int, marks.Range(0, 400000000000)], marks.Unit("bit/s")] = 0
    """What every link's capacity in the path's direction is at least, bit/s; 0: any. A link of unknown capacity does
    not do.
    """


class PathChoice(Message):
    """Paths by their first link. Every criterion that is set must hold."""

    PROTO: ClassVar[str] = "patronus.v1.PathChoice"

    transports: Annotated[list[Transport], marks.Items(8), marks.AsSet()] = Field(default_factory=list)
    """Transports; empty means any."""
    underlays: Annotated[list[Annotated[str, marks.ID, marks.Size(1024)]], marks.Items(16), marks.AsSet()] = Field(
        default_factory=list
    )
    """Underlays; empty means any."""


class SteeringRule(Message):
    """One rule of a policy. Every criterion that is set must hold."""

    PROTO: ClassVar[str] = "patronus.v1.SteeringRule"

    preference: Annotated[Preference, marks.Required()]
    """How strongly."""
    applications: Annotated[
        list[Annotated[str, marks.Matches("organizations/*/applications/*")]], marks.Items(64), marks.AsSet()
    ] = Field(default_factory=list)
    """Applications; empty means any."""
    sites: Annotated[
        list[Annotated[str, marks.Matches("organizations/*/sites/*")]], marks.Items(256), marks.AsSet()
    ] = Field(default_factory=list)
    """Source sites; empty means any."""
    destination_cidrs: Annotated[
        list[Annotated[str, marks.IP_PREFIX, marks.Size(1024)]], marks.Items(64), marks.AsSet()
    ] = Field(default_factory=list)
    """Destination prefixes; empty means any."""
    dscps: Annotated[list[Annotated[int, marks.Range(0, 63)]], marks.Items(64), marks.AsSet()] = Field(
        default_factory=list
    )
    """DSCP code points, 0..63; empty means any."""
    transports: Annotated[list[Transport], marks.Items(8), marks.AsSet()] = Field(default_factory=list)
    """A path fits when its first link has one of these transports; empty means any."""
    underlays: Annotated[list[Annotated[str, marks.ID, marks.Size(1024)]], marks.Items(16), marks.AsSet()] = Field(
        default_factory=list
    )
    """A path fits when its first link has one of these underlays; empty means any."""
    sla_profile: Annotated[str, marks.Matches("organizations/*/slaProfiles/*")] = ""
    """What a path must keep; empty means anything. Each node judges by its own measurements: with REQUIRE, paths that
    break it are not used (drop reason sla_unmet when there is no other); else they come after all others, also
    after those that are not preferred or to be avoided.
    """
    users: Annotated[list[Annotated[str, marks.Size(128)]], marks.Items(64), marks.AsSet()] = Field(
        default_factory=list
    )
    """Users, as their sessions name them; a rule with users or groups matches packets from addresses of such sessions
    only. Empty, and no groups: anybody.
    """
    groups: Annotated[list[Annotated[str, marks.Size(128)]], marks.Items(64), marks.AsSet()] = Field(
        default_factory=list
    )
    """Groups of users, as their sessions name them; a user or a group is enough."""
    windows: Annotated[list[TimeWindow], marks.Items(8)] = Field(default_factory=list)
    """When the rule is in force; empty means always."""
    move_mode: MoveMode = MoveMode.MOVE_MODE_UNSPECIFIED
    """What becomes of flows that are under way."""
    fallbacks: Annotated[list[PathChoice], marks.Items(6)] = Field(default_factory=list)
    """With PREFER: which paths come next, in this order, when none that fits is left; the rest comes behind them.
    With REQUIRE: which paths are allowed after those that fit, in this order.
    """
    constraints: PathConstraints | None = None
    """A path fits when it is like this all along, too. With REQUIRE and PREFER paths are searched for that are, also
    such as no traffic takes otherwise.
    """


class SteeringPolicy(Resource):
    """Which paths the traffic of a segment may or should take."""

    PROTO: ClassVar[str] = "patronus.v1.SteeringPolicy"
    KIND: ClassVar[Kind] = Kind(
        singular="steeringPolicy",
        plural="steeringPolicies",
        pattern="organizations/*/steeringPolicies/*",
        view=False,
        columns=("segment", "priority"),
        methods={
            "create": "/patronus.v1.SteeringPolicyService/CreateSteeringPolicy",
            "get": "/patronus.v1.SteeringPolicyService/GetSteeringPolicy",
            "list": "/patronus.v1.SteeringPolicyService/ListSteeringPolicies",
            "update": "/patronus.v1.SteeringPolicyService/UpdateSteeringPolicy",
            "delete": "/patronus.v1.SteeringPolicyService/DeleteSteeringPolicy",
        },
    )

    name: Annotated[str, marks.Matches("organizations/*/steeringPolicies/*", optional=False), marks.Immutable()]
    """Resource name: organizations/{organization}/steeringPolicies/{steering_policy}. Assigned from the parent and
    the id.
    """
    segment: Annotated[Annotated[str, marks.Matches("organizations/*/segments/*")], marks.Required()]
    """The segment whose traffic is steered."""
    rules: Annotated[list[SteeringRule], marks.Required(), marks.Items(64)]
    """Read in order; the first that matches decides."""
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
    disabled: bool = False
    """Not in force when true."""

    @staticmethod
    def resource_name(organization: str, steering_policy: str) -> str:
        """The name of a steeringPolicy from its ids."""
        return f"organizations/{organization}/steeringPolicies/{steering_policy}"


class SteeringPolicyPatch(TypedDict, total=False):
    """Fields of SteeringPolicy to change; None clears one."""

    labels: dict[Annotated[str, marks.Size(1024)], Annotated[str, marks.Size(256)]] | None
    """Short key-value pairs for selection by filters."""
    annotations: dict[Annotated[str, marks.Size(1024)], Annotated[str, marks.Size(4096)]] | None
    """Free key-value pairs that the system does not read."""
    display_name: Annotated[str, marks.Size(256)] | None
    """A name for people."""
    segment: Annotated[str, marks.Matches("organizations/*/segments/*")] | None
    """The segment whose traffic is steered."""
    priority: Annotated[int, marks.Range(0, 65535)] | None
    """Policies are read in order of priority, lowest first; equal priorities in order of name."""
    rules: list[SteeringRule] | None
    """Read in order; the first that matches decides."""
    disabled: bool | None
    """Not in force when true."""


class SimulateSteeringRequest(Message):
    """Request of SimulateSteering: a packet that need not exist."""

    PROTO: ClassVar[str] = "patronus.v1.SimulateSteeringRequest"

    site: Annotated[Annotated[str, marks.Matches("organizations/*/sites/*")], marks.Required()]
    """Site where it enters."""
    segment: Annotated[Annotated[str, marks.Matches("organizations/*/segments/*")], marks.Required()]
    """Its segment."""
    destination: Annotated[Annotated[str, marks.IP, marks.Size(1024)], marks.Required()]
    """Destination address."""
    source: Annotated[str, marks.IP, marks.Size(1024)] = ""
    """Source address; it says who sends, by the sessions that there are, unless user or groups do."""
    protocol: Annotated[int, marks.Range(0, 255)] = 0
    """IP protocol; 6 is TCP, 17 UDP."""
    destination_port: Annotated[int, marks.Range(0, 65535)] = 0
    """Destination port of TCP, UDP and SCTP."""
    source_port: Annotated[int, marks.Range(0, 65535)] = 0
    """Source port; no rule looks at it, the choice among equal paths does."""
    dscp: Annotated[int, marks.Range(0, 63)] = 0
    """DSCP code point."""
    user: Annotated[str, marks.Size(128)] = ""
    """The user who sends, as if logged in."""
    groups: Annotated[list[Annotated[str, marks.Size(128)]], marks.Items(64), marks.AsSet()] = Field(
        default_factory=list
    )
    """Groups of the user."""
    time: datetime.datetime | None = None
    """When; unset means now."""


class SimulatedPath(Message):
    """One candidate."""

    PROTO: ClassVar[str] = "patronus.v1.SimulatedPath"

    path: Annotated[str, marks.Size(1024)] = ""
    """Path."""
    link: Annotated[str, marks.Size(1024)] = ""
    """Its first link."""
    chosen: bool = False
    """The packet takes it, or one of several with this mark, by the flow's hash."""
    reason: Annotated[str, marks.Size(1024)] = ""
    """Why it is chosen, waits or is not allowed."""
    measured: bool = False
    """Its node has reported of it."""
    alive: bool = False
    """It lives."""
    rtt_us: Annotated[int, marks.Range(0, 4294967295)] = 0
    """Round trip, microseconds."""
    loss_ppm: Annotated[int, marks.Range(0, 4294967295)] = 0
    """Loss, parts per million."""
    sla_state: SlaState = SlaState.SLA_STATE_UNSPECIFIED
    """How it stands to the rule's profile, as the node judges."""
    weight: Annotated[int, marks.Range(0, 4294967295)] = 0
    """Share among chosen ones."""
    tier: Annotated[int, marks.Range(0, 4294967295)] = 0
    """Its order in traffic engineering and the rule: the lowest that is usable is used."""
    jitter_us: Annotated[int, marks.Range(0, 4294967295)] = 0
    """Jitter, microseconds."""
    mos_100: Annotated[int, marks.Range(0, 4294967295)] = 0
    """Mean opinion score times 100; 0: not measured."""
    change: Annotated[str, marks.Size(1024)] = ""
    """What would have the packet take it; empty for those that are chosen."""


class PassedRule(Message):
    """A rule that was looked at before and does not match."""

    PROTO: ClassVar[str] = "patronus.v1.PassedRule"

    steering_policy: Annotated[str, marks.Size(1024)] = ""
    """Policy."""
    rule: Annotated[int, marks.Range(0, 4294967295)] = 0
    """Place in it, from 0."""
    reason: Annotated[str, marks.Size(1024)] = ""
    """What does not match."""


class SimulateSteeringResponse(Message):
    """Response of SimulateSteering."""

    PROTO: ClassVar[str] = "patronus.v1.SimulateSteeringResponse"

    verdict: SimulatedVerdict = SimulatedVerdict.SIMULATED_VERDICT_UNSPECIFIED
    """What becomes of it."""
    reason: Annotated[str, marks.Size(1024)] = ""
    """The drop reason, as in telemetry."""
    steering_policy: Annotated[str, marks.Size(1024)] = ""
    """Policy whose rule decides; empty: none does."""
    rule: Annotated[int, marks.Range(0, 4294967295)] = 0
    """Place of the rule in it, from 0."""
    destination_site: Annotated[str, marks.Size(1024)] = ""
    """Where it goes."""
    sla_profile: Annotated[str, marks.Size(1024)] = ""
    """The rule's profile."""
    paths: Annotated[list[SimulatedPath], marks.Items(64)] = Field(default_factory=list)
    """Candidates, in the order of traffic engineering."""
    passed_rules: Annotated[list[PassedRule], marks.Items(64)] = Field(default_factory=list)
    """Rules before, in order."""
    traffic_class: Annotated[str, marks.Size(1024)] = ""
    """Name of the TrafficClass that the packet's DSCP says, for example "REALTIME"."""
    reason_text: Annotated[str, marks.Size(1024)] = ""
    """What reason means; empty unless dropped."""


class FindShadowedRulesRequest(Message):
    """Request of FindShadowedRules."""

    PROTO: ClassVar[str] = "patronus.v1.FindShadowedRulesRequest"

    parent_: Annotated[Annotated[str, marks.Matches("organizations/*")], marks.Required()]
    """The organization."""


class ShadowedRule(Message):
    """A rule that never decides."""

    PROTO: ClassVar[str] = "patronus.v1.ShadowedRule"

    steering_policy: Annotated[str, marks.Size(1024)] = ""
    """Its policy."""
    rule: Annotated[int, marks.Range(0, 4294967295)] = 0
    """Its place in it, from 0."""
    by_steering_policy: Annotated[str, marks.Size(1024)] = ""
    """Policy of the rule that keeps it from deciding; empty: it matches nothing by itself."""
    by_rule: Annotated[int, marks.Range(0, 4294967295)] = 0
    """That rule's place."""
    reason: Annotated[str, marks.Size(1024)] = ""
    """Why."""


class FindShadowedRulesResponse(Message):
    """Response of FindShadowedRules."""

    PROTO: ClassVar[str] = "patronus.v1.FindShadowedRulesResponse"

    rules: Annotated[list[ShadowedRule], marks.Items(64)] = Field(default_factory=list)
    """In the order of segments and rules."""
