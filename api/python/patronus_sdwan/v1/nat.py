"""Network address translation at edges: breakout to the internet, port forwards, prefixes that overlap.

Generated from the schema by api/tools/generate; do not edit.
"""

from __future__ import annotations

import datetime
from typing import Annotated, ClassVar, TypedDict

from pydantic import Field

from .. import rules as marks
from ..message import Kind, Message, OpenEnum, Resource
from .common import Condition


class NatFiltering(OpenEnum):
    """Who may send to a mapping that a host has made (RFC 4787 5)."""

    NAT_FILTERING_UNSPECIFIED = "NAT_FILTERING_UNSPECIFIED"
    """Treated as ENDPOINT_INDEPENDENT."""
    ENDPOINT_INDEPENDENT = "ENDPOINT_INDEPENDENT"
    """Anybody: applications that meet through a third party work best."""
    ADDRESS_DEPENDENT = "ADDRESS_DEPENDENT"
    """Only addresses to which the host has sent by this mapping."""


class LinkTranslation(Message):
    """What translation of addresses does on a link that hosts leave by. Counts begin with the pool of the link."""

    PROTO: ClassVar[str] = "patronus.v1.LinkTranslation"

    mappings_made: Annotated[int, marks.Output()] = 0
    """Mappings made."""
    exhausted_packets: Annotated[int, marks.Output()] = 0
    """Packets dropped because no port was found free (nat_exhausted)."""
    tcp_ports: Annotated[int, marks.Output()] = 0
    """Ports taken of TCP, counted at most half a minute ago."""
    udp_ports: Annotated[int, marks.Output()] = 0
    """The same of UDP."""
    icmp_ids: Annotated[int, marks.Output()] = 0
    """The same of ids of ICMP queries."""
    ports: Annotated[int, marks.Output()] = 0
    """Ports that there are, of each of them."""


class NatBreakout(Message):
    """Hosts of the segment reach by IPv4 what the segment has no route to, under the address of a link of their site."""

    PROTO: ClassVar[str] = "patronus.v1.NatBreakout"

    underlays: Annotated[list[Annotated[str, marks.ID, marks.Size(1024)]], marks.Items(16), marks.AsSet()] = Field(
        default_factory=list
    )
    """Links that are used, by their underlay; empty means any. A host keeps to one of them while it is there."""
    destination_cidrs: Annotated[
        list[Annotated[str, marks.IP_PREFIX, marks.Size(1024)]], marks.Items(16), marks.AsSet()
    ] = Field(default_factory=list)
    """Destinations; empty means all that the segment has no route to."""
    filtering: NatFiltering = NatFiltering.NAT_FILTERING_UNSPECIFIED
    """Who may answer."""
    udp_timeout_seconds: Annotated[Annotated[int, marks.Range(0, 86400)], marks.Unit("s")] = 0
    """How long a UDP mapping lasts after the host's last packet, seconds; 0 means 300 (RFC 4787 4.3)."""
    tcp_timeout_seconds: Annotated[Annotated[int, marks.Range(0, 864000)], marks.Unit("s")] = 0
    """The same for TCP connections that were answered; 0 means 7440 (RFC 5382 5)."""
    tcp_transitory_seconds: Annotated[Annotated[int, marks.Range(0, 3600)], marks.Unit("s")] = 0
    """TCP that begins or has ended; 0 means 240."""
    icmp_timeout_seconds: Annotated[Annotated[int, marks.Range(0, 3600)], marks.Unit("s")] = 0
    """ICMP queries; 0 means 60 (RFC 5508 3.2)."""


class PortForward(Message):
    """A port of the site's links that leads to a host."""

    PROTO: ClassVar[str] = "patronus.v1.PortForward"

    protocol: Annotated[Annotated[int, marks.Range(6, 17, zero=True)], marks.Required()]
    """IP protocol: 6 (TCP) or 17 (UDP)."""
    port: Annotated[Annotated[int, marks.Range(1, 65535, zero=True)], marks.Required()]
    """Port of the link's address."""
    address: Annotated[Annotated[str, marks.IP, marks.Size(1024)], marks.Required()]
    """Host that it leads to: an IPv4 address in a prefix of the site's own."""
    target_port: Annotated[int, marks.Range(0, 65535)] = 0
    """The host's port; 0 means the same."""


class PrefixMap(Message):
    """A prefix under which the other sites know one of a site's, one to one: so sites may use equal prefixes."""

    PROTO: ClassVar[str] = "patronus.v1.PrefixMap"

    site: Annotated[Annotated[str, marks.Matches("organizations/*/sites/*")], marks.Required()]
    """The site."""
    inside: Annotated[Annotated[str, marks.IP_PREFIX, marks.Size(1024)], marks.Required()]
    """Its own IPv4 prefix. It is not announced any more."""
    outside: Annotated[Annotated[str, marks.IP_PREFIX, marks.Size(1024)], marks.Required()]
    """What is announced in its place: as long as `inside`."""


class NatPolicy(Resource):
    """How addresses of a segment are translated at its edges. IPv4 only. At most one policy applies to a segment at a
    site: the first by name.
    """

    PROTO: ClassVar[str] = "patronus.v1.NatPolicy"
    KIND: ClassVar[Kind] = Kind(
        singular="natPolicy",
        plural="natPolicies",
        pattern="organizations/*/natPolicies/*",
        view=False,
        columns=("segment",),
        methods={
            "create": "/patronus.v1.NatPolicyService/CreateNatPolicy",
            "get": "/patronus.v1.NatPolicyService/GetNatPolicy",
            "list": "/patronus.v1.NatPolicyService/ListNatPolicies",
            "update": "/patronus.v1.NatPolicyService/UpdateNatPolicy",
            "delete": "/patronus.v1.NatPolicyService/DeleteNatPolicy",
        },
    )

    name: Annotated[str, marks.Matches("organizations/*/natPolicies/*", optional=False), marks.Immutable()]
    """Resource name: organizations/{organization}/natPolicies/{nat_policy}. Assigned from the parent and the id."""
    segment: Annotated[Annotated[str, marks.Matches("organizations/*/segments/*")], marks.Required()]
    """The segment."""
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
    """Sites where it applies; empty means all."""
    breakout: NatBreakout | None = None
    """Breakout to the internet; unset means none."""
    port_forwards: Annotated[list[PortForward], marks.Items(64)] = Field(default_factory=list)
    """Port forwards; each takes effect at sites whose prefixes hold its address."""
    prefix_maps: Annotated[list[PrefixMap], marks.Items(16)] = Field(default_factory=list)
    """Prefixes, one to one."""
    disabled: bool = False
    """Not in force when true."""

    @staticmethod
    def resource_name(organization: str, nat_policy: str) -> str:
        """The name of a natPolicy from its ids."""
        return f"organizations/{organization}/natPolicies/{nat_policy}"


class NatPolicyPatch(TypedDict, total=False):
    """Fields of NatPolicy to change; None clears one."""

    labels: dict[Annotated[str, marks.Size(1024)], Annotated[str, marks.Size(256)]] | None
    """Short key-value pairs for selection by filters."""
    annotations: dict[Annotated[str, marks.Size(1024)], Annotated[str, marks.Size(4096)]] | None
    """Free key-value pairs that the system does not read."""
    display_name: Annotated[str, marks.Size(256)] | None
    """A name for people."""
    segment: Annotated[str, marks.Matches("organizations/*/segments/*")] | None
    """The segment."""
    sites: list[Annotated[str, marks.Matches("organizations/*/sites/*")]] | None
    """Sites where it applies; empty means all."""
    breakout: NatBreakout | None
    """Breakout to the internet; unset means none."""
    port_forwards: list[PortForward] | None
    """Port forwards; each takes effect at sites whose prefixes hold its address."""
    prefix_maps: list[PrefixMap] | None
    """Prefixes, one to one."""
    disabled: bool | None
    """Not in force when true."""
