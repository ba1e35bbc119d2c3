"""Fabrics, segments, and the tunnels and paths that follow from them.

Generated from the schema by api/tools/generate; do not edit.
"""

from __future__ import annotations

import datetime
from typing import Annotated, ClassVar, TypedDict

from pydantic import Field

from .. import rules as marks
from ..message import Kind, OpenEnum, Resource
from .common import Condition


class Topology(OpenEnum):
    """Which sites get tunnels between them."""

    TOPOLOGY_UNSPECIFIED = "TOPOLOGY_UNSPECIFIED"
    """Treated as FULL_MESH."""
    FULL_MESH = "FULL_MESH"
    """Every pair whose links share an underlay."""
    HUB_SPOKE = "HUB_SPOKE"
    """Hubs with every site."""
    REGIONAL = "REGIONAL"
    """Pairs of one region, and hubs with hubs."""


class TunnelCipher(OpenEnum):
    """How packets between two edges are sealed. Numbers are on the wire between edges."""

    TUNNEL_CIPHER_UNSPECIFIED = "TUNNEL_CIPHER_UNSPECIFIED"
    """Treated as AES_256_GCM."""
    AES_128_GCM = "AES_128_GCM"
    """AES-128 in Galois/counter mode."""
    AES_256_GCM = "AES_256_GCM"
    """AES-256 in Galois/counter mode."""
    CHACHA20_POLY1305 = "CHACHA20_POLY1305"
    """ChaCha20-Poly1305 (RFC 8439), for machines without AES instructions."""


class SegmentEncryption(OpenEnum):
    """Whether a segment may ever travel in the clear."""

    SEGMENT_ENCRYPTION_UNSPECIFIED = "SEGMENT_ENCRYPTION_UNSPECIFIED"
    """Treated as BY_LINK."""
    BY_LINK = "BY_LINK"
    """A path is sealed unless every link on it allows plain tunnels."""
    REQUIRED = "REQUIRED"
    """A plain path is refused, in both directions, even when nothing else is left."""


class OperState(OpenEnum):
    """Whether something works."""

    OPER_STATE_UNSPECIFIED = "OPER_STATE_UNSPECIFIED"
    """Nothing was heard yet."""
    UP = "UP"
    """Works."""
    DOWN = "DOWN"
    """Does not."""


class Fabric(Resource):
    """A set of sites that are connected with each other [MEF 70: SWVC]."""

    PROTO: ClassVar[str] = "patronus.v1.Fabric"
    KIND: ClassVar[Kind] = Kind(
        singular="fabric",
        plural="fabrics",
        pattern="organizations/*/fabrics/*",
        view=False,
        columns=("topology",),
        methods={
            "create": "/patronus.v1.FabricService/CreateFabric",
            "get": "/patronus.v1.FabricService/GetFabric",
            "list": "/patronus.v1.FabricService/ListFabrics",
            "update": "/patronus.v1.FabricService/UpdateFabric",
            "delete": "/patronus.v1.FabricService/DeleteFabric",
        },
    )

    name: Annotated[str, marks.Matches("organizations/*/fabrics/*", optional=False), marks.Immutable()]
    """Resource name: organizations/{organization}/fabrics/{fabric}. Assigned from the parent and the id."""
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
    topology: Topology = Topology.TOPOLOGY_UNSPECIFIED
    """Which sites get tunnels between them."""
    hubs: Annotated[list[Annotated[str, marks.Matches("organizations/*/sites/*")]], marks.Items(16), marks.AsSet()] = (
        Field(default_factory=list)
    )
    """Hub sites, for HUB_SPOKE."""
    sites: Annotated[
        list[Annotated[str, marks.Matches("organizations/*/sites/*")]], marks.Items(4096), marks.AsSet()
    ] = Field(default_factory=list)
    """Member sites; empty means every site of the organization."""
    max_transit_sites: Annotated[int, marks.Range(0, 5)] | None = None
    """Most transit sites on a path, 0..5; unset means 3."""
    cipher: TunnelCipher = TunnelCipher.TUNNEL_CIPHER_UNSPECIFIED
    """How packets between two edges are sealed."""

    @staticmethod
    def resource_name(organization: str, fabric: str) -> str:
        """The name of a fabric from its ids."""
        return f"organizations/{organization}/fabrics/{fabric}"


class FabricPatch(TypedDict, total=False):
    """Fields of Fabric to change; None clears one."""

    labels: dict[Annotated[str, marks.Size(1024)], Annotated[str, marks.Size(256)]] | None
    """Short key-value pairs for selection by filters."""
    annotations: dict[Annotated[str, marks.Size(1024)], Annotated[str, marks.Size(4096)]] | None
    """Free key-value pairs that the system does not read."""
    display_name: Annotated[str, marks.Size(256)] | None
    """A name for people."""
    topology: Topology | None
    """Which sites get tunnels between them."""
    hubs: list[Annotated[str, marks.Matches("organizations/*/sites/*")]] | None
    """Hub sites, for HUB_SPOKE."""
    sites: list[Annotated[str, marks.Matches("organizations/*/sites/*")]] | None
    """Member sites; empty means every site of the organization."""
    max_transit_sites: Annotated[int, marks.Range(0, 5)] | None
    """Most transit sites on a path, 0..5; unset means 3."""
    cipher: TunnelCipher | None
    """How packets between two edges are sealed."""


class Segment(Resource):
    """An isolated routing domain [VRF]. Packets never cross from one to another."""

    PROTO: ClassVar[str] = "patronus.v1.Segment"
    KIND: ClassVar[Kind] = Kind(
        singular="segment",
        plural="segments",
        pattern="organizations/*/segments/*",
        view=False,
        columns=("fabric", "vni"),
        methods={
            "create": "/patronus.v1.SegmentService/CreateSegment",
            "get": "/patronus.v1.SegmentService/GetSegment",
            "list": "/patronus.v1.SegmentService/ListSegments",
            "update": "/patronus.v1.SegmentService/UpdateSegment",
            "delete": "/patronus.v1.SegmentService/DeleteSegment",
        },
    )

    name: Annotated[str, marks.Matches("organizations/*/segments/*", optional=False), marks.Immutable()]
    """Resource name: organizations/{organization}/segments/{segment}. Assigned from the parent and the id."""
    fabric: Annotated[Annotated[str, marks.Matches("organizations/*/fabrics/*")], marks.Required()]
    """The fabric that carries the segment."""
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
    prefixes: Annotated[list[Annotated[str, marks.IP_PREFIX, marks.Size(1024)]], marks.Items(256), marks.AsSet()] = (
        Field(default_factory=list)
    )
    """Prefixes that sites may announce into the segment; empty means any."""
    vni: Annotated[int, marks.Output()] = 0
    """Geneve VNI (24 bits), allocated by the cluster and not reused while anything may still carry it."""
    encryption: SegmentEncryption = SegmentEncryption.SEGMENT_ENCRYPTION_UNSPECIFIED
    """Whether packets of the segment may ever travel in the clear."""

    @staticmethod
    def resource_name(organization: str, segment: str) -> str:
        """The name of a segment from its ids."""
        return f"organizations/{organization}/segments/{segment}"


class SegmentPatch(TypedDict, total=False):
    """Fields of Segment to change; None clears one."""

    labels: dict[Annotated[str, marks.Size(1024)], Annotated[str, marks.Size(256)]] | None
    """Short key-value pairs for selection by filters."""
    annotations: dict[Annotated[str, marks.Size(1024)], Annotated[str, marks.Size(4096)]] | None
    """Free key-value pairs that the system does not read."""
    display_name: Annotated[str, marks.Size(256)] | None
    """A name for people."""
    fabric: Annotated[str, marks.Matches("organizations/*/fabrics/*")] | None
    """The fabric that carries the segment."""
    prefixes: list[Annotated[str, marks.IP_PREFIX, marks.Size(1024)]] | None
    """Prefixes that sites may announce into the segment; empty means any."""
    encryption: SegmentEncryption | None
    """Whether packets of the segment may ever travel in the clear."""


class Tunnel(Resource):
    """A tunnel between two links of different sites: a view, made from fabrics and links."""

    PROTO: ClassVar[str] = "patronus.v1.Tunnel"
    KIND: ClassVar[Kind] = Kind(
        singular="tunnel",
        plural="tunnels",
        pattern="organizations/*/tunnels/*",
        view=True,
        columns=("local_link", "remote_link", "oper_state", "rtt_us", "loss_ppm"),
        methods={"get": "/patronus.v1.TunnelService/GetTunnel", "list": "/patronus.v1.TunnelService/ListTunnels"},
    )

    name: Annotated[str, marks.Matches("organizations/*/tunnels/*", optional=False), marks.Immutable()]
    """Resource name: organizations/{organization}/tunnels/{tunnel}. Assigned from the parent and the id."""
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
    local_link: Annotated[str, marks.Output()] = ""
    """The link at the near end."""
    remote_link: Annotated[str, marks.Output()] = ""
    """The link at the far end."""
    encapsulation: Annotated[str, marks.Output()] = ""
    """How packets are wrapped."""
    mtu: Annotated[int, marks.Output()] = 0
    """Largest inner packet, bytes."""
    oper_state: Annotated[OperState, marks.Output()] = OperState.OPER_STATE_UNSPECIFIED
    """Up when hellos come back."""
    rtt_us: Annotated[int, marks.Output()] = 0
    """Measured round-trip time, microseconds."""
    loss_ppm: Annotated[int, marks.Output()] = 0
    """Measured loss, parts per million."""
    path_mtu: Annotated[int, marks.Output()] = 0
    """Largest inner packet that was seen to arrive, bytes; 0 when not known yet."""
    cipher: Annotated[TunnelCipher, marks.Output()] = TunnelCipher.TUNNEL_CIPHER_UNSPECIFIED
    """How packets are sealed; unspecified on a plain tunnel, and while there is no session."""
    session_age_ms: Annotated[int, marks.Output(), marks.Unit("millisecond")] = 0
    """Age of the keys in use, milliseconds; 0 while there is no session."""
    handshakes: Annotated[int, marks.Output()] = 0
    """Handshakes with the far end since the tunnel process started there."""

    @staticmethod
    def resource_name(organization: str, tunnel: str) -> str:
        """The name of a tunnel from its ids."""
        return f"organizations/{organization}/tunnels/{tunnel}"


class Path(Resource):
    """A way from one site to another, over one or more tunnels: a view, made by traffic engineering."""

    PROTO: ClassVar[str] = "patronus.v1.Path"
    KIND: ClassVar[Kind] = Kind(
        singular="path",
        plural="paths",
        pattern="organizations/*/paths/*",
        view=True,
        columns=("source_site", "destination_site", "hops", "weight", "backup", "oper_state", "rtt_us"),
        methods={"get": "/patronus.v1.PathService/GetPath", "list": "/patronus.v1.PathService/ListPaths"},
    )

    name: Annotated[str, marks.Matches("organizations/*/paths/*", optional=False), marks.Immutable()]
    """Resource name: organizations/{organization}/paths/{path}. Assigned from the parent and the id."""
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
    source_site: Annotated[str, marks.Output()] = ""
    """First site."""
    destination_site: Annotated[str, marks.Output()] = ""
    """Last site."""
    hops: Annotated[list[str], marks.Output()] = Field(default_factory=list)
    """Sites after the first, in order."""
    tunnel: Annotated[str, marks.Output()] = ""
    """First tunnel."""
    weight: Annotated[int, marks.Output()] = 0
    """Share among the paths of the same tier."""
    backup: Annotated[bool, marks.Output()] = False
    """Used only when no primary path is alive."""
    oper_state: Annotated[OperState, marks.Output()] = OperState.OPER_STATE_UNSPECIFIED
    """Up when hellos come back."""
    rtt_us: Annotated[int, marks.Output()] = 0
    """Measured round-trip time, microseconds."""
    loss_ppm: Annotated[int, marks.Output()] = 0
    """Measured loss, parts per million."""
    segments: Annotated[list[str], marks.Output()] = Field(default_factory=list)
    """Segments whose packets take the path."""

    @staticmethod
    def resource_name(organization: str, path: str) -> str:
        """The name of a path from its ids."""
        return f"organizations/{organization}/paths/{path}"
