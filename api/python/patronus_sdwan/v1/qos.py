"""Classes of traffic: what a WAN link gives to each when not everything fits.

Generated from the schema by api/tools/generate; do not edit.
"""

from __future__ import annotations

import datetime
from typing import Annotated, ClassVar, TypedDict

from pydantic import Field

from .. import rules as marks
from ..message import Kind, Message, Resource
from .common import Condition, TrafficClass


class QosClass(Message):
    """What one class of traffic gets on a link."""

    PROTO: ClassVar[str] = "patronus.v1.QosClass"

    traffic_class: Annotated[TrafficClass, marks.Required()]
    """The class."""
    percent: Annotated[Annotated[int, marks.Range(1, 100, zero=True)], marks.Required(), marks.Unit("%")]
    """REALTIME is served before all others, and this is the most that it may take of the link; for the others it is
    the least that they get when they ask for it. What nobody uses is shared in the same proportion. (%)
    """
    dscps: Annotated[list[Annotated[int, marks.Range(0, 63)]], marks.Items(64), marks.AsSet()] = Field(
        default_factory=list
    )
    """DSCP code points, 0..63, that belong to the class; empty: those that RFC 4594 gives it. A code point may stand
    in one class only; CS6 and CS7 are network control, which has a queue for itself; of hosts, INTERACTIVE.
    """
    dscp_out: Annotated[int, marks.Range(0, 63)] | None = None
    """DSCP that its packets carry on the underlay; unset: as they came. The host's packet arrives as it was sent."""
    queue_ms: Annotated[Annotated[int, marks.Range(0, 2000)], marks.Unit("ms")] = 0
    """Most that may wait, as time that it takes at the link's rate (REALTIME: at its own); unset: 50 ms, REALTIME 20
    ms.
    """


class LinkClass(Message):
    """What one class of traffic does on a link now."""

    PROTO: ClassVar[str] = "patronus.v1.LinkClass"

    traffic_class: Annotated[TrafficClass, marks.Output()] = TrafficClass.TRAFFIC_CLASS_UNSPECIFIED
    """The class; unspecified for network control."""
    rate_bps: Annotated[int, marks.Output(), marks.Unit("bit/s")] = 0
    """Rate of the last second, bit/s, Ethernet frames."""
    promised_bps: Annotated[int, marks.Output(), marks.Unit("bit/s")] = 0
    """What the class is promised, bit/s: for REALTIME its bound, for others the least."""
    backlog_bytes: Annotated[int, marks.Output(), marks.Unit("byte")] = 0
    """Bytes that wait. (byte)"""
    backlog_packets: Annotated[int, marks.Output()] = 0
    """Packets that wait."""
    delay_us: Annotated[int, marks.Output(), marks.Unit("us")] = 0
    """How long what waits takes at the rate that the class has, microseconds. (us)"""
    drops: Annotated[int, marks.Output()] = 0
    """Packets dropped since the link is shaped, because too many waited."""
    packets: Annotated[int, marks.Output()] = 0
    """Packets sent since then."""
    bytes: Annotated[int, marks.Output(), marks.Unit("byte")] = 0
    """Bytes sent since then. (byte)"""


class QosProfile(Resource):
    """How the traffic of a WAN link is divided among classes, when the link is full. A link names its profile."""

    PROTO: ClassVar[str] = "patronus.v1.QosProfile"
    KIND: ClassVar[Kind] = Kind(
        singular="qosProfile",
        plural="qosProfiles",
        pattern="organizations/*/qosProfiles/*",
        view=False,
        columns=("display_name",),
        methods={
            "create": "/patronus.v1.QosProfileService/CreateQosProfile",
            "get": "/patronus.v1.QosProfileService/GetQosProfile",
            "list": "/patronus.v1.QosProfileService/ListQosProfiles",
            "update": "/patronus.v1.QosProfileService/UpdateQosProfile",
            "delete": "/patronus.v1.QosProfileService/DeleteQosProfile",
        },
    )

    name: Annotated[str, marks.Matches("organizations/*/qosProfiles/*", optional=False), marks.Immutable()]
    """Resource name: organizations/{organization}/qosProfiles/{qos_profile}. Assigned from the parent and the id."""
    classes: Annotated[list[QosClass], marks.Required(), marks.Items(5)]
    """What each class gets; at most one entry a class, and together at most 100 percent. Packets of a class that has
    no entry go with STANDARD; without an entry of its own STANDARD has what the others leave, and they must leave
    some.
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
    def resource_name(organization: str, qos_profile: str) -> str:
        """The name of a qosProfile from its ids."""
        return f"organizations/{organization}/qosProfiles/{qos_profile}"


class QosProfilePatch(TypedDict, total=False):
    """Fields of QosProfile to change; None clears one."""

    labels: dict[Annotated[str, marks.Size(1024)], Annotated[str, marks.Size(256)]] | None
    """Short key-value pairs for selection by filters."""
    annotations: dict[Annotated[str, marks.Size(1024)], Annotated[str, marks.Size(4096)]] | None
    """Free key-value pairs that the system does not read."""
    display_name: Annotated[str, marks.Size(256)] | None
    """A name for people."""
    classes: list[QosClass] | None
    """What each class gets; at most one entry a class, and together at most 100 percent. Packets of a class that has
    no entry go with STANDARD; without an entry of its own STANDARD has what the others leave, and they must leave
    some.
    """


class RateLimit(Resource):
    """How much a tenant, or a site towards another, may send. Judged where hosts send, after rules."""

    PROTO: ClassVar[str] = "patronus.v1.RateLimit"
    KIND: ClassVar[Kind] = Kind(
        singular="rateLimit",
        plural="rateLimits",
        pattern="organizations/*/rateLimits/*",
        view=False,
        columns=("rate_bps",),
        methods={
            "create": "/patronus.v1.RateLimitService/CreateRateLimit",
            "get": "/patronus.v1.RateLimitService/GetRateLimit",
            "list": "/patronus.v1.RateLimitService/ListRateLimits",
            "update": "/patronus.v1.RateLimitService/UpdateRateLimit",
            "delete": "/patronus.v1.RateLimitService/DeleteRateLimit",
        },
    )

    name: Annotated[str, marks.Matches("organizations/*/rateLimits/*", optional=False), marks.Immutable()]
    """Resource name: organizations/{organization}/rateLimits/{rate_limit}. Assigned from the parent and the id."""
    rate_bps: Annotated[
        Annotated[int, marks.Range(10000, 400000000000, zero=True)], marks.Required(), marks.Unit("bit/s")
    ]
    """Rate, IP packets. (bit/s)"""
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
    segment: Annotated[str, marks.Matches("organizations/*/segments/*")] = ""
    """Segment; empty means all of the organization together."""
    sites: Annotated[
        list[Annotated[str, marks.Matches("organizations/*/sites/*")]], marks.Items(256), marks.AsSet()
    ] = Field(default_factory=list)
    """Sites where it applies, each with the whole rate; empty means all."""
    peer_site: Annotated[str, marks.Matches("organizations/*/sites/*")] = ""
    """Only what goes to this site; empty means everything."""
    burst_ms: Annotated[Annotated[int, marks.Range(0, 10000)], marks.Unit("ms")] = 0
    """How much may come at once, as time that it takes at the rate; 0 means 50. (ms)"""
    disabled: bool = False
    """Not in force when true."""

    @staticmethod
    def resource_name(organization: str, rate_limit: str) -> str:
        """The name of a rateLimit from its ids."""
        return f"organizations/{organization}/rateLimits/{rate_limit}"


class RateLimitPatch(TypedDict, total=False):
    """Fields of RateLimit to change; None clears one."""

    labels: dict[Annotated[str, marks.Size(1024)], Annotated[str, marks.Size(256)]] | None
    """Short key-value pairs for selection by filters."""
    annotations: dict[Annotated[str, marks.Size(1024)], Annotated[str, marks.Size(4096)]] | None
    """Free key-value pairs that the system does not read."""
    display_name: Annotated[str, marks.Size(256)] | None
    """A name for people."""
    segment: Annotated[str, marks.Matches("organizations/*/segments/*")] | None
    """Segment; empty means all of the organization together."""
    sites: list[Annotated[str, marks.Matches("organizations/*/sites/*")]] | None
    """Sites where it applies, each with the whole rate; empty means all."""
    peer_site: Annotated[str, marks.Matches("organizations/*/sites/*")] | None
    """Only what goes to this site; empty means everything."""
    rate_bps: Annotated[int, marks.Range(10000, 400000000000, zero=True)] | None
    """Rate, IP packets."""
    burst_ms: Annotated[int, marks.Range(0, 10000)] | None
    """How much may come at once, as time that it takes at the rate; 0 means 50."""
    disabled: bool | None
    """Not in force when true."""
