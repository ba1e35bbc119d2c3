"""Sites, their edges and their links.

Generated from the schema by api/tools/generate; do not edit.
"""

from __future__ import annotations

import datetime
from typing import Annotated, ClassVar, TypedDict

from pydantic import Field

from .. import rules as marks
from ..message import Kind, Message, OpenEnum, Resource
from .common import AdminState, Condition, Transport
from .inspection import Inspection
from .nat import LinkTranslation
from .qos import LinkClass


class EdgeRole(OpenEnum):
    """What an edge does in a fabric."""

    EDGE_ROLE_UNSPECIFIED = "EDGE_ROLE_UNSPECIFIED"
    """Treated as BRANCH."""
    BRANCH = "BRANCH"
    """Serves its own site."""
    HUB = "HUB"
    """Carries traffic between other sites in a hub-and-spoke fabric."""
    GATEWAY = "GATEWAY"
    """Connects to networks outside."""


class LinkEncryption(OpenEnum):
    """Whether tunnels over a link are sealed."""

    LINK_ENCRYPTION_UNSPECIFIED = "LINK_ENCRYPTION_UNSPECIFIED"
    """Treated as SEALED."""
    SEALED = "SEALED"
    """Every path over the link is sealed from its first to its last edge."""
    PLAIN = "PLAIN"
    """A path is plain Geneve when all links on it say so: for underlays that are trusted or encrypt by themselves.
    Segments whose encryption is REQUIRED do not use it then.
    """


class Site(Resource):
    """A place: a branch, a hub, a data centre."""

    PROTO: ClassVar[str] = "patronus.v1.Site"
    KIND: ClassVar[Kind] = Kind(
        singular="site",
        plural="sites",
        pattern="organizations/*/sites/*",
        view=False,
        columns=("region", "admin_state", "site_label"),
        methods={
            "create": "/patronus.v1.SiteService/CreateSite",
            "get": "/patronus.v1.SiteService/GetSite",
            "list": "/patronus.v1.SiteService/ListSites",
            "update": "/patronus.v1.SiteService/UpdateSite",
            "delete": "/patronus.v1.SiteService/DeleteSite",
        },
    )

    name: Annotated[str, marks.Matches("organizations/*/sites/*", optional=False), marks.Immutable()]
    """Resource name: organizations/{organization}/sites/{site}. Assigned from the parent and the id."""
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
    location: Annotated[str, marks.Size(1024)] = ""
    """Where it is, for people: a town or an address."""
    region: Annotated[str, marks.ID, marks.Size(1024)] = ""
    """Region, for locality decisions."""
    timezone: Annotated[str, marks.Size(1024)] = ""
    """IANA time zone name."""
    admin_state: AdminState = AdminState.ADMIN_STATE_UNSPECIFIED
    """Whether the site forwards."""
    site_label: Annotated[int, marks.Output()] = 0
    """Number of the site in path stacks (20 bits), allocated by the cluster."""

    @staticmethod
    def resource_name(organization: str, site: str) -> str:
        """The name of a site from its ids."""
        return f"organizations/{organization}/sites/{site}"


class SitePatch(TypedDict, total=False):
    """Fields of Site to change; None clears one."""

    labels: dict[Annotated[str, marks.Size(1024)], Annotated[str, marks.Size(256)]] | None
    """Short key-value pairs for selection by filters."""
    annotations: dict[Annotated[str, marks.Size(1024)], Annotated[str, marks.Size(4096)]] | None
    """Free key-value pairs that the system does not read."""
    display_name: Annotated[str, marks.Size(256)] | None
    """A name for people."""
    location: Annotated[str, marks.Size(1024)] | None
    """Where it is, for people: a town or an address."""
    region: Annotated[str, marks.ID, marks.Size(1024)] | None
    """Region, for locality decisions."""
    timezone: Annotated[str, marks.Size(1024)] | None
    """IANA time zone name."""
    admin_state: AdminState | None
    """Whether the site forwards."""


class LanInterface(Message):
    """An interface towards the site's own hosts."""

    PROTO: ClassVar[str] = "patronus.v1.LanInterface"

    interface: Annotated[Annotated[str, marks.IFNAME, marks.Size(1024)], marks.Required()]
    """Name on the node, for example "lan0"."""
    segment: Annotated[Annotated[str, marks.Matches("organizations/*/segments/*")], marks.Required()]
    """Segment that packets from this interface belong to."""
    prefixes: Annotated[list[Annotated[str, marks.IP_PREFIX, marks.Size(1024)]], marks.Items(256), marks.AsSet()] = (
        Field(default_factory=list)
    )
    """Prefixes behind the interface, announced to the other sites of the segment."""


class Edge(Resource):
    """A node that forwards packets for a site: one patronusd."""

    PROTO: ClassVar[str] = "patronus.v1.Edge"
    KIND: ClassVar[Kind] = Kind(
        singular="edge",
        plural="edges",
        pattern="organizations/*/sites/*/edges/*",
        view=False,
        columns=("node_id", "applied_generation", "connected"),
        methods={
            "create": "/patronus.v1.EdgeService/CreateEdge",
            "get": "/patronus.v1.EdgeService/GetEdge",
            "list": "/patronus.v1.EdgeService/ListEdges",
            "update": "/patronus.v1.EdgeService/UpdateEdge",
            "delete": "/patronus.v1.EdgeService/DeleteEdge",
        },
    )

    name: Annotated[str, marks.Matches("organizations/*/sites/*/edges/*", optional=False), marks.Immutable()]
    """Resource name: organizations/{organization}/sites/{site}/edges/{edge}. Assigned from the parent and the id."""
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
    roles: Annotated[list[EdgeRole], marks.Items(4), marks.AsSet()] = Field(default_factory=list)
    """Roles of the edge in its fabrics."""
    lan_interfaces: Annotated[list[LanInterface], marks.Items(64)] = Field(default_factory=list)
    """Interfaces towards the site's own hosts."""
    node_id: Annotated[str, marks.Output()] = ""
    """SPIFFE path of the node that enrolled as this edge; empty before."""
    public_key_digest: Annotated[str, marks.Output()] = ""
    """SHA-256 of the enrolled public key, hexadecimal."""
    software_version: Annotated[str, marks.Output()] = ""
    """Version that the node runs."""
    applied_generation: Annotated[int, marks.Output()] = 0
    """Generation of the bundle that the node has acknowledged."""
    last_seen_time: Annotated[datetime.datetime | None, marks.Output()] = None
    """When the leader last heard from the node."""
    connected: Annotated[bool, marks.Output()] = False
    """True while the node's stream to the leader is open."""
    tunnel_public_key: Annotated[str, marks.Output()] = ""
    """X25519 public key of the node's tunnels, hexadecimal; the node made it and keeps the private half."""
    inspection: Annotated[Inspection | None, marks.Output()] = None
    """Which applications its hosts' flows belong to, while the node says so."""

    @staticmethod
    def resource_name(organization: str, site: str, edge: str) -> str:
        """The name of a edge from its ids."""
        return f"organizations/{organization}/sites/{site}/edges/{edge}"


class EdgePatch(TypedDict, total=False):
    """Fields of Edge to change; None clears one."""

    labels: dict[Annotated[str, marks.Size(1024)], Annotated[str, marks.Size(256)]] | None
    """Short key-value pairs for selection by filters."""
    annotations: dict[Annotated[str, marks.Size(1024)], Annotated[str, marks.Size(4096)]] | None
    """Free key-value pairs that the system does not read."""
    display_name: Annotated[str, marks.Size(256)] | None
    """A name for people."""
    roles: list[EdgeRole] | None
    """Roles of the edge in its fabrics."""
    lan_interfaces: list[LanInterface] | None
    """Interfaces towards the site's own hosts."""


class Link(Resource):
    """An underlay connection of an edge [MEF 70: underlay connectivity service]."""

    PROTO: ClassVar[str] = "patronus.v1.Link"
    KIND: ClassVar[Kind] = Kind(
        singular="link",
        plural="links",
        pattern="organizations/*/sites/*/links/*",
        view=False,
        columns=("edge", "transport", "underlay", "capacity_up_bps", "admin_state", "loss_ppm", "latency_us"),
        methods={
            "create": "/patronus.v1.LinkService/CreateLink",
            "get": "/patronus.v1.LinkService/GetLink",
            "list": "/patronus.v1.LinkService/ListLinks",
            "update": "/patronus.v1.LinkService/UpdateLink",
            "delete": "/patronus.v1.LinkService/DeleteLink",
        },
    )

    name: Annotated[str, marks.Matches("organizations/*/sites/*/links/*", optional=False), marks.Immutable()]
    """Resource name: organizations/{organization}/sites/{site}/links/{link}. Assigned from the parent and the id."""
    edge: Annotated[Annotated[str, marks.Matches("organizations/*/sites/*/edges/*")], marks.Required()]
    """The edge that the link is plugged into."""
    interface: Annotated[Annotated[str, marks.IFNAME, marks.Size(1024)], marks.Required()]
    """Name of the interface on the node, for example "wan0"."""
    address: Annotated[Annotated[str, marks.IP, marks.Size(1024)], marks.Required()]
    """Address that other sites send to."""
    underlay: Annotated[Annotated[str, marks.ID, marks.Size(1024)], marks.Required()]
    """Tunnels are made between links of equal underlay, for example "internet" or "mpls-acme"."""
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
    gateway: Annotated[str, marks.IP, marks.Size(1024)] = ""
    """First hop towards the underlay; empty when the underlay is on-link or the system's routes are to be used."""
    transport: Transport = Transport.TRANSPORT_UNSPECIFIED
    """Technology."""
    provider: Annotated[str, marks.Size(1024)] = ""
    """Who sells it."""
    capacity_up_bps: Annotated[Annotated[int, marks.Range(0, 400000000000)], marks.Unit("bit/s")] = 0
    """Rate from the site, bit/s; 0 means unknown."""
    capacity_down_bps: Annotated[Annotated[int, marks.Range(0, 400000000000)], marks.Unit("bit/s")] = 0
    """Rate to the site, bit/s; 0 means unknown."""
    metered: bool = False
    """Volume is paid for."""
    mtu: Annotated[Annotated[int, marks.Range(0, 9216)], marks.Unit("byte")] = 0
    """Largest IP packet of the underlay, bytes; 0 means 1500."""
    srlgs: Annotated[list[Annotated[int, marks.Range(0, 4294967295)]], marks.Items(32), marks.AsSet()] = Field(
        default_factory=list
    )
    """Shared-risk groups: links with a common number fail together (RFC 4202)."""
    admin_state: AdminState = AdminState.ADMIN_STATE_UNSPECIFIED
    """Whether the link carries traffic."""
    cost: Annotated[int, marks.Range(0, 65535)] = 0
    """Administrative cost; lower is preferred among links of equal delay. 0 means 10."""
    loss_ppm: Annotated[int, marks.Output()] = 0
    """Measured loss over the last window, parts per million, worst tunnel."""
    latency_us: Annotated[int, marks.Output()] = 0
    """Measured round-trip time, microseconds, median tunnel."""
    encryption: LinkEncryption = LinkEncryption.LINK_ENCRYPTION_UNSPECIFIED
    """Whether tunnels over the link are sealed."""
    qos_profile: Annotated[str, marks.Matches("organizations/*/qosProfiles/*")] = ""
    """How the link's traffic is divided when it is full; the link is then shaped to capacity_up_bps, which must be
    set. Empty: the link is not shaped.
    """
    classes: Annotated[list[LinkClass], marks.Output()] = Field(default_factory=list)
    """What each class of traffic does on the link; empty while the link is not shaped."""
    shaping_error: Annotated[str, marks.Output()] = ""
    """Why the link is not shaped although it should be; empty when it is."""
    admin_groups: Annotated[list[Annotated[int, marks.Range(0, 255)]], marks.Items(32), marks.AsSet()] = Field(
        default_factory=list
    )
    """Administrative groups (RFC 7308), 0 to 255: what path constraints include and exclude, for example 1 for
    satellites.
    """
    translation: Annotated[LinkTranslation | None, marks.Output()] = None
    """What translation of addresses does on the link; unset while no hosts leave by it."""

    @staticmethod
    def resource_name(organization: str, site: str, link: str) -> str:
        """The name of a link from its ids."""
        return f"organizations/{organization}/sites/{site}/links/{link}"


class LinkPatch(TypedDict, total=False):
    """Fields of Link to change; None clears one."""

    labels: dict[Annotated[str, marks.Size(1024)], Annotated[str, marks.Size(256)]] | None
    """Short key-value pairs for selection by filters."""
    annotations: dict[Annotated[str, marks.Size(1024)], Annotated[str, marks.Size(4096)]] | None
    """Free key-value pairs that the system does not read."""
    display_name: Annotated[str, marks.Size(256)] | None
    """A name for people."""
    edge: Annotated[str, marks.Matches("organizations/*/sites/*/edges/*")] | None
    """The edge that the link is plugged into."""
    interface: Annotated[str, marks.IFNAME, marks.Size(1024)] | None
    """Name of the interface on the node, for example "wan0"."""
    address: Annotated[str, marks.IP, marks.Size(1024)] | None
    """Address that other sites send to."""
    gateway: Annotated[str, marks.IP, marks.Size(1024)] | None
    """First hop towards the underlay; empty when the underlay is on-link or the system's routes are to be used."""
    transport: Transport | None
    """Technology."""
    provider: Annotated[str, marks.Size(1024)] | None
    """Who sells it."""
    underlay: Annotated[str, marks.ID, marks.Size(1024)] | None
    """Tunnels are made between links of equal underlay, for example "internet" or "mpls-acme"."""
    capacity_up_bps: Annotated[int, marks.Range(0, 400000000000)] | None
    """Rate from the site, bit/s; 0 means unknown."""
    capacity_down_bps: Annotated[int, marks.Range(0, 400000000000)] | None
    """Rate to the site, bit/s; 0 means unknown."""
    metered: bool | None
    """Volume is paid for."""
    mtu: Annotated[int, marks.Range(0, 9216)] | None
    """Largest IP packet of the underlay, bytes; 0 means 1500."""
    srlgs: list[Annotated[int, marks.Range(0, 4294967295)]] | None
    """Shared-risk groups: links with a common number fail together (RFC 4202)."""
    admin_state: AdminState | None
    """Whether the link carries traffic."""
    cost: Annotated[int, marks.Range(0, 65535)] | None
    """Administrative cost; lower is preferred among links of equal delay. 0 means 10."""
    encryption: LinkEncryption | None
    """Whether tunnels over the link are sealed."""
    qos_profile: Annotated[str, marks.Matches("organizations/*/qosProfiles/*")] | None
    """How the link's traffic is divided when it is full; the link is then shaped to capacity_up_bps, which must be
    set. Empty: the link is not shaped.
    """
    admin_groups: list[Annotated[int, marks.Range(0, 255)]] | None
    """Administrative groups (RFC 7308), 0 to 255: what path constraints include and exclude, for example 1 for
    satellites.
    """
