"""Packet inspection: what is told of flows by their first packets.

Generated from the schema by api/tools/generate; do not edit.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from .. import rules as marks
from ..message import Message, OpenEnum


class Evidence(OpenEnum):
    """By what an application was recognised, weakest first."""

    EVIDENCE_UNSPECIFIED = "EVIDENCE_UNSPECIFIED"
    """Nothing: the application is not known."""
    EVIDENCE_PORT = "EVIDENCE_PORT"
    """The port that is usual for it."""
    EVIDENCE_ADDRESS = "EVIDENCE_ADDRESS"
    """The address, which is known to be its operator's."""
    EVIDENCE_DNS_ANSWER = "EVIDENCE_DNS_ANSWER"
    """The address, to which a DNS answer had sent the host that asked."""
    EVIDENCE_RELATED = "EVIDENCE_RELATED"
    """Another flow between the same ends, which announced this one."""
    EVIDENCE_PAYLOAD = "EVIDENCE_PAYLOAD"
    """The form of what was sent."""
    EVIDENCE_DNS_NAME = "EVIDENCE_DNS_NAME"
    """The name asked for in DNS."""
    EVIDENCE_HTTP_HOST = "EVIDENCE_HTTP_HOST"
    """The host that an HTTP request names."""
    EVIDENCE_TLS_NAME = "EVIDENCE_TLS_NAME"
    """The server name of a TLS ClientHello."""
    EVIDENCE_QUIC_NAME = "EVIDENCE_QUIC_NAME"
    """The server name in a QUIC Initial."""
    EVIDENCE_DESCRIPTION = "EVIDENCE_DESCRIPTION"
    """Ports, prefixes or code points of an application that the organization describes."""


class ClassifyRequest(Message):
    """Request of Classify."""

    PROTO: ClassVar[str] = "patronus.v1.ClassifyRequest"

    parent_: Annotated[Annotated[str, marks.Matches("organizations/*")], marks.Required()]
    """The organization, whose own applications are looked for first."""
    capture: Annotated[Annotated[bytes, marks.Size(1000000)], marks.Required()]
    """A capture file: pcap or pcapng, of Ethernet, raw IP or Linux "any". At most 1,000,000 bytes; patronusctl sends
    the first packets of each flow only, which is what matters.
    """


class ClassifiedFlow(Message):
    """A flow of a capture."""

    PROTO: ClassVar[str] = "patronus.v1.ClassifiedFlow"

    source: Annotated[str, marks.Size(1024)] = ""
    """Address that sent the first packet."""
    source_port: Annotated[int, marks.Range(0, 4294967295)] = 0
    """Its port; 0 of protocols that have none."""
    destination: Annotated[str, marks.Size(1024)] = ""
    """Address that it was sent to."""
    destination_port: Annotated[int, marks.Range(0, 4294967295)] = 0
    """Its port."""
    protocol: Annotated[int, marks.Range(0, 4294967295)] = 0
    """IP protocol."""
    application: Annotated[str, marks.Size(1024)] = ""
    """Name of the Application, when the organization describes one; else empty."""
    signature: Annotated[str, marks.Size(1024)] = ""
    """Signature, most specific first: "youtube"; "unknown" when there is none."""
    carrier: Annotated[str, marks.Size(1024)] = ""
    """What carries it, when that has a signature too: "quic"; else empty."""
    evidence: Evidence = Evidence.EVIDENCE_UNSPECIFIED
    """By what it was recognised."""
    confidence: Annotated[int, marks.Range(0, 4294967295)] = 0
    """How sure that is, per cent."""
    host: Annotated[str, marks.Size(1024)] = ""
    """Name of the host that was asked for; may be empty."""
    packets: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """Packets, both ways."""
    bytes: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """Bytes from the IP header on, both ways."""
    known_after: Annotated[int, marks.Range(0, 4294967295)] = 0
    """Packets after which it was known; 0: it was guessed at the end."""


class ClassifyResponse(Message):
    """Response of Classify."""

    PROTO: ClassVar[str] = "patronus.v1.ClassifyResponse"

    flows: Annotated[list[ClassifiedFlow], marks.Items(64)] = Field(default_factory=list)
    """Flows in the order of their first packets; at most 4096."""
    packets: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """Packets in the capture."""
    skipped: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """Packets that are no IP, fragments behind the first, or damaged."""
    flows_left_out: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """Flows beyond the limit, which are left out."""


class ApplicationUse(Message):
    """How many flows of one application were seen."""

    PROTO: ClassVar[str] = "patronus.v1.ApplicationUse"

    application: Annotated[str, marks.Output()] = ""
    """Name of the Application, or of the signature; "unknown" for what was not recognised."""
    flows: Annotated[int, marks.Output()] = 0
    """Flows recognised since the agent started."""


class Inspection(Message):
    """What an edge inspects. Counts since the agent started; those of packets since the programs were loaded."""

    PROTO: ClassVar[str] = "patronus.v1.Inspection"

    sampled: Annotated[int, marks.Output()] = 0
    """Packets that were copied for inspection."""
    not_sampled: Annotated[int, marks.Output()] = 0
    """Packets that should have been, but were above the rate or found no room."""
    recognised: Annotated[int, marks.Output()] = 0
    """Flows recognised."""
    unknown: Annotated[int, marks.Output()] = 0
    """Flows given up."""
    cache_hits: Annotated[int, marks.Output()] = 0
    """New flows whose first packet was steered by an address learned from DNS."""
    cache_misses: Annotated[int, marks.Output()] = 0
    """New flows of which nothing was known."""
    learned_addresses: Annotated[int, marks.Output()] = 0
    """Addresses that are known from DNS now."""
    reloads: Annotated[int, marks.Output()] = 0
    """Times that descriptions and signatures were loaded anew."""
    applications: Annotated[list[ApplicationUse], marks.Output()] = Field(default_factory=list)
    """The applications with most flows; at most 64."""
