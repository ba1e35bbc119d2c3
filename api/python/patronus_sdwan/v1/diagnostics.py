"""Diagnostics: what an edge finds out because somebody asks, reply by reply, and what is probably wrong at a site. Ping and Traceroute send packets into a segment as a host behind the edge would: rules, route, path and seal are those of traffic. Capture shows what passes on the site's wires of one segment. ProbePath tells what the probes of a path measure. Each call is recorded in the audit log before the edge is asked.

Generated from the schema by api/tools/generate; do not edit.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from .. import rules as marks
from ..message import Message, OpenEnum


class DiagnosisCause(OpenEnum):
    """What is probably wrong."""

    DIAGNOSIS_CAUSE_UNSPECIFIED = "DIAGNOSIS_CAUSE_UNSPECIFIED"
    """Nothing."""
    CAUSE_EDGE_NEVER_JOINED = "CAUSE_EDGE_NEVER_JOINED"
    """No edge stands at the site, or it never joined."""
    CAUSE_EDGE_NOT_CONNECTED = "CAUSE_EDGE_NOT_CONNECTED"
    """The edge has no stream to the leader."""
    CAUSE_CERTIFICATE_EXPIRING = "CAUSE_CERTIFICATE_EXPIRING"
    """Its certificate ends soon and was not renewed."""
    CAUSE_BUNDLE_REFUSED = "CAUSE_BUNDLE_REFUSED"
    """It refused its newest bundle."""
    CAUSE_BUNDLE_BEHIND = "CAUSE_BUNDLE_BEHIND"
    """It does not have the newest bundle."""
    CAUSE_CLOCK_OFF = "CAUSE_CLOCK_OFF"
    """Its clock is not the leader's."""
    CAUSE_LINK_DOWN = "CAUSE_LINK_DOWN"
    """Nothing lives over a link of the site."""
    CAUSE_SITE_UNREACHABLE = "CAUSE_SITE_UNREACHABLE"
    """No path to another site lives."""
    CAUSE_PATH_DOWN = "CAUSE_PATH_DOWN"
    """A path's session of liveness (BFD) is down; others carry."""
    CAUSE_SLA_BROKEN = "CAUSE_SLA_BROKEN"
    """A path breaks an SLA profile."""
    CAUSE_LOSS_HIGH = "CAUSE_LOSS_HIGH"
    """A path loses packets."""
    CAUSE_DELAY_HIGH = "CAUSE_DELAY_HIGH"
    """A path takes long."""
    CAUSE_MTU_REDUCED = "CAUSE_MTU_REDUCED"
    """A path carries smaller packets than is configured."""
    CAUSE_LINK_SATURATED = "CAUSE_LINK_SATURATED"
    """A link is full: packets wait."""
    CAUSE_POLICY_DENIES = "CAUSE_POLICY_DENIES"
    """Rules of policies or the firewall drop packets."""
    CAUSE_DROPS_RISING = "CAUSE_DROPS_RISING"
    """Packets are dropped for another reason."""
    CAUSE_DRAINED = "CAUSE_DRAINED"
    """The site, or a link, is drained."""
    CAUSE_PORTS_EXHAUSTED = "CAUSE_PORTS_EXHAUSTED"
    """A link has no port left, or few, for hosts that leave by it."""


class DiagnosisSeverity(OpenEnum):
    """How much a finding matters."""

    DIAGNOSIS_SEVERITY_UNSPECIFIED = "DIAGNOSIS_SEVERITY_UNSPECIFIED"
    """Not said."""
    DIAGNOSIS_NOTE = "DIAGNOSIS_NOTE"
    """Worth knowing."""
    DIAGNOSIS_WARNING = "DIAGNOSIS_WARNING"
    """Traffic suffers, or will."""
    DIAGNOSIS_CRITICAL = "DIAGNOSIS_CRITICAL"
    """Traffic does not flow."""


class PingRequest(Message):
    """Request of Ping."""

    PROTO: ClassVar[str] = "patronus.v1.PingRequest"

    edge: Annotated[Annotated[str, marks.Matches("organizations/*/sites/*/edges/*")], marks.Required()]
    """The edge that sends."""
    destination: Annotated[Annotated[str, marks.IP, marks.Size(1024)], marks.Required()]
    """Address to reach."""
    segment: Annotated[str, marks.Matches("organizations/*/segments/*")] = ""
    """Segment to send in; empty: the only one of the edge's."""
    count: Annotated[int, marks.Range(0, 1000)] = 0
    """How many: 1..1000; 0 means 5."""
    interval_ms: Annotated[Annotated[int, marks.Range(0, 10000)], marks.Unit("millisecond")] = 0
    """From one to the next, milliseconds: 100..10000; 0 means 1000."""
    payload_size: Annotated[Annotated[int, marks.Range(0, 1400)], marks.Unit("byte")] = 0
    """Bytes behind the ICMP header: 16..1400; 0 means 56. (byte)"""
    timeout_ms: Annotated[Annotated[int, marks.Range(0, 10000)], marks.Unit("millisecond")] = 0
    """How long an answer is waited for, milliseconds: 100..10000; 0 means 1000."""
    dscp: Annotated[int, marks.Range(0, 63)] = 0
    """DSCP of the packets: decides class and rules as that of traffic does."""


class PingResponse(Message):
    """One echo, answered or given up."""

    PROTO: ClassVar[str] = "patronus.v1.PingResponse"

    sequence: Annotated[int, marks.Range(0, 4294967295)] = 0
    """Number of the echo, from 1."""
    answered: bool = False
    """The destination answered."""
    rtt_us: Annotated[int, marks.Range(0, 4294967295)] = 0
    """Round trip, microseconds."""
    ttl: Annotated[int, marks.Range(0, 4294967295)] = 0
    """Time to live, or hop limit, that the answer came with."""
    responder: Annotated[str, marks.Size(1024)] = ""
    """Who answered, or sent the error; empty: nobody."""
    error: Annotated[str, marks.Size(1024)] = ""
    """What an error says, for example "host unreachable"; empty: there was none."""
    source: Annotated[str, marks.Size(1024)] = ""
    """Address that it was sent from: the edge's own in the segment."""
    sent: Annotated[int, marks.Range(0, 4294967295)] = 0
    """Echoes sent so far."""
    received: Annotated[int, marks.Range(0, 4294967295)] = 0
    """Of these answered."""


class TracerouteRequest(Message):
    """Request of Traceroute."""

    PROTO: ClassVar[str] = "patronus.v1.TracerouteRequest"

    edge: Annotated[Annotated[str, marks.Matches("organizations/*/sites/*/edges/*")], marks.Required()]
    """The edge that sends."""
    destination: Annotated[Annotated[str, marks.IP, marks.Size(1024)], marks.Required()]
    """Address to reach."""
    segment: Annotated[str, marks.Matches("organizations/*/segments/*")] = ""
    """Segment to send in; empty: the only one of the edge's."""
    max_hops: Annotated[int, marks.Range(0, 64)] = 0
    """Hops to look at: 1..64; 0 means 30."""
    probes: Annotated[int, marks.Range(0, 5)] = 0
    """Packets to each hop: 1..5; 0 means 3."""
    timeout_ms: Annotated[Annotated[int, marks.Range(0, 5000)], marks.Unit("millisecond")] = 0
    """How long an answer is waited for, milliseconds: 100..5000; 0 means 1000."""
    dscp: Annotated[int, marks.Range(0, 63)] = 0
    """DSCP of the packets."""


class TracerouteResponse(Message):
    """What one packet of a Traceroute met."""

    PROTO: ClassVar[str] = "patronus.v1.TracerouteResponse"

    hop: Annotated[int, marks.Range(0, 4294967295)] = 0
    """Hop, from 1: the edge itself. The way between two sites is one hop, whatever path the packet takes there: see
    `path`.
    """
    probe: Annotated[int, marks.Range(0, 4294967295)] = 0
    """Number of the packet to this hop, from 1."""
    answered: bool = False
    """Somebody answered."""
    responder: Annotated[str, marks.Size(1024)] = ""
    """Who; empty: nobody."""
    rtt_us: Annotated[int, marks.Range(0, 4294967295)] = 0
    """Round trip, microseconds."""
    reached: bool = False
    """It was the destination."""
    error: Annotated[str, marks.Size(1024)] = ""
    """What an error other than "time exceeded" says; empty: there was none."""
    path: Annotated[str, marks.Size(1024)] = ""
    """Path that the packet took to another site; empty: to none."""


class CaptureRequest(Message):
    """Request of Capture."""

    PROTO: ClassVar[str] = "patronus.v1.CaptureRequest"

    edge: Annotated[Annotated[str, marks.Matches("organizations/*/sites/*/edges/*")], marks.Required()]
    """The edge."""
    segment: Annotated[Annotated[str, marks.Matches("organizations/*/segments/*")], marks.Required()]
    """The segment: only its wires at the edge's site are looked at."""
    prefix: Annotated[str, marks.IP_PREFIX, marks.Size(1024)] = ""
    """Only packets from or to it; empty: any."""
    protocol: Annotated[int, marks.Range(0, 255)] = 0
    """Only packets of this IP protocol; 0: any, and what is not IP."""
    port: Annotated[int, marks.Range(0, 65535)] = 0
    """Only packets from or to this port of TCP or UDP; 0: any."""
    snap_size: Annotated[Annotated[int, marks.Range(0, 9000)], marks.Unit("byte")] = 0
    """Bytes kept of each packet: 64..9000; 0 means 128. (byte)"""
    max_packets: Annotated[int, marks.Range(0, 100000)] = 0
    """Packets after which it ends: 1..100000; 0 means 1000."""
    max_size: Annotated[Annotated[int, marks.Range(0, 16777216)], marks.Unit("byte")] = 0
    """Bytes of the capture file after which it ends: 1 KiB..16 MiB; 0 means 1 MiB. (byte)"""
    duration_ms: Annotated[Annotated[int, marks.Range(0, 300000)], marks.Unit("millisecond")] = 0
    """Time after which it ends, milliseconds: 100..300000; 0 means 30000."""


class CaptureResponse(Message):
    """A piece of a capture."""

    PROTO: ClassVar[str] = "patronus.v1.CaptureResponse"

    pcap: Annotated[bytes, marks.Size(262144)] = b""
    """The next bytes of a capture file (pcap, nanoseconds, Ethernet); all pieces together are one."""
    packets: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """Packets in all pieces so far."""
    lost: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """Packets that matched and are missing, because too many came at a time."""
    end_reason: Annotated[str, marks.Size(1024)] = ""
    """Why it ends: "packets", "size" or "duration"; empty: it goes on."""


class ProbePathRequest(Message):
    """Request of ProbePath."""

    PROTO: ClassVar[str] = "patronus.v1.ProbePathRequest"

    name: Annotated[Annotated[str, marks.Matches("organizations/*/paths/*")], marks.Required()]
    """Name of the Path."""
    count: Annotated[int, marks.Range(0, 600)] = 0
    """Readings: 1..600; 0 means 10."""
    interval_ms: Annotated[Annotated[int, marks.Range(0, 60000)], marks.Unit("millisecond")] = 0
    """From one to the next, milliseconds: 100..60000; 0 means 1000."""


class ProbePathResponse(Message):
    """What a path is like now."""

    PROTO: ClassVar[str] = "patronus.v1.ProbePathResponse"

    sequence: Annotated[int, marks.Range(0, 4294967295)] = 0
    """Number of the reading, from 1."""
    alive: bool = False
    """Its session of liveness is up."""
    measured: bool = False
    """Probes measure it; false: what follows is of hellos only, or not known."""
    rtt_us: Annotated[int, marks.Range(0, 4294967295)] = 0
    """Round trip, microseconds."""
    min_rtt_us: Annotated[int, marks.Range(0, 4294967295)] = 0
    """Smallest of the last seconds: what the way takes without queues."""
    loss_ppm: Annotated[int, marks.Range(0, 4294967295)] = 0
    """Loss of the last ten seconds there, parts per million."""
    back_loss_ppm: Annotated[int, marks.Range(0, 4294967295)] = 0
    """The same on the way back."""
    delay_us: Annotated[int, marks.Range(-2147483648, 2147483647)] = 0
    """One way there, microseconds; right as far as the clocks of both edges agree."""
    back_delay_us: Annotated[int, marks.Range(-2147483648, 2147483647)] = 0
    """The same on the way back."""
    jitter_us: Annotated[int, marks.Range(0, 4294967295)] = 0
    """Jitter there, microseconds."""
    back_jitter_us: Annotated[int, marks.Range(0, 4294967295)] = 0
    """The same on the way back."""
    mos_100: Annotated[int, marks.Range(0, 4294967295)] = 0
    """Mean opinion score times 100; 0: not measured."""
    mtu: Annotated[int, marks.Range(0, 4294967295)] = 0
    """Largest inner packet that was seen to arrive through the seal; 0: not known, or a plain path."""
    downs: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """Times that the session went down since the tunnel process began."""


class DiagnosisFinding(Message):
    """A probable cause."""

    PROTO: ClassVar[str] = "patronus.v1.DiagnosisFinding"

    cause: DiagnosisCause = DiagnosisCause.DIAGNOSIS_CAUSE_UNSPECIFIED
    """What."""
    severity: DiagnosisSeverity = DiagnosisSeverity.DIAGNOSIS_SEVERITY_UNSPECIFIED
    """How much it matters."""
    weight: Annotated[int, marks.Range(0, 4294967295)] = 0
    """How probably it is what hurts, of 1000: the order of the findings."""
    resource: Annotated[str, marks.Size(1024)] = ""
    """The resource that it is about."""
    summary: Annotated[str, marks.Size(1024)] = ""
    """In a sentence."""
    evidence: Annotated[list[Annotated[str, marks.Size(1024)]], marks.Items(64)] = Field(default_factory=list)
    """What it is concluded from, with figures."""
    remedy: Annotated[str, marks.Size(1024)] = ""
    """What to do."""


class DiagnoseSiteRequest(Message):
    """Request of DiagnoseSite."""

    PROTO: ClassVar[str] = "patronus.v1.DiagnoseSiteRequest"

    name: Annotated[Annotated[str, marks.Matches("organizations/*/sites/*")], marks.Required()]
    """Name of the Site."""


class DiagnoseSiteResponse(Message):
    """Response of DiagnoseSite."""

    PROTO: ClassVar[str] = "patronus.v1.DiagnoseSiteResponse"

    findings: Annotated[list[DiagnosisFinding], marks.Items(256)] = Field(default_factory=list)
    """Probable causes, the most probable first; none: nothing was found."""
    checks: Annotated[list[Annotated[str, marks.Size(1024)]], marks.Items(64)] = Field(default_factory=list)
    """What was looked at, one line each."""
