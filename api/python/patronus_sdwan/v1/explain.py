"""Why traffic went where it went, answered from what the edges recorded when they decided.

Generated from the schema by api/tools/generate; do not edit.
"""

from __future__ import annotations

import datetime
from typing import Annotated, ClassVar

from pydantic import Field

from .. import rules as marks
from ..message import Message
from .common import TrafficClass
from .inspection import Evidence
from .policy import MoveMode, SimulatedPath, SimulatedVerdict


class ExplainFlowRequest(Message):
    """Request of ExplainFlow."""

    PROTO: ClassVar[str] = "patronus.v1.ExplainFlowRequest"

    parent_: Annotated[Annotated[str, marks.Matches("organizations/*")], marks.Required()]
    """The organization."""
    source: Annotated[Annotated[str, marks.IP, marks.Size(1024)], marks.Required()]
    """Source address, as the site's own hosts have it."""
    destination: Annotated[Annotated[str, marks.IP, marks.Size(1024)], marks.Required()]
    """Destination address."""
    protocol: Annotated[int, marks.Range(0, 255)] = 0
    """IP protocol; 6 is TCP, 17 UDP."""
    source_port: Annotated[int, marks.Range(0, 65535)] = 0
    """Source port; 0 of protocols that have none."""
    destination_port: Annotated[int, marks.Range(0, 65535)] = 0
    """Destination port; 0 of protocols that have none."""
    site: Annotated[str, marks.Matches("organizations/*/sites/*")] = ""
    """Site where the flow enters; empty: the one with the source's prefix."""
    segment: Annotated[str, marks.Matches("organizations/*/segments/*")] = ""
    """Its segment; empty: the one with the source's prefix."""
    time: datetime.datetime | None = None
    """When; unset means now."""


class FlowDecision(Message):
    """An earlier decision about the same flow."""

    PROTO: ClassVar[str] = "patronus.v1.FlowDecision"

    time: datetime.datetime | None = None
    """When."""
    verdict: SimulatedVerdict = SimulatedVerdict.SIMULATED_VERDICT_UNSPECIFIED
    """What became of it."""
    reason: Annotated[str, marks.Size(1024)] = ""
    """The drop reason; empty unless dropped."""
    path: Annotated[str, marks.Size(1024)] = ""
    """Path that it took."""
    link: Annotated[str, marks.Size(1024)] = ""
    """Its first link."""
    revision: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """Log index of the configuration then."""


class FlowTranslation(Message):
    """Under what a flow's packets are sent on."""

    PROTO: ClassVar[str] = "patronus.v1.FlowTranslation"

    source: Annotated[str, marks.Size(1024)] = ""
    """Source address that they have then; empty: their own."""
    source_port: Annotated[int, marks.Range(0, 4294967295)] = 0
    """Source port, or id of an ICMP query; 0: their own."""
    link: Annotated[str, marks.Size(1024)] = ""
    """Link whose address that is; of what comes in by a port forward or for a mapping, the link that it comes by.
    Empty: none's.
    """
    segment: Annotated[str, marks.Size(1024)] = ""
    """Segment that they go on in; empty: their own."""
    destination: Annotated[str, marks.Size(1024)] = ""
    """Destination address that they have then; empty: their own."""
    destination_port: Annotated[int, marks.Range(0, 4294967295)] = 0
    """Destination port; 0: their own."""


class ExplainFlowResponse(Message):
    """Response of ExplainFlow: the decision that was in force at that time."""

    PROTO: ClassVar[str] = "patronus.v1.ExplainFlowResponse"

    site: Annotated[str, marks.Size(1024)] = ""
    """Site where it enters."""
    segment: Annotated[str, marks.Size(1024)] = ""
    """Segment."""
    edge: Annotated[str, marks.Size(1024)] = ""
    """Edge that answered."""
    present: bool = False
    """The flow is under way: its entry stands in the edge's table."""
    decide_time: datetime.datetime | None = None
    """When it was decided, by the edge's clock."""
    last_packet_time: datetime.datetime | None = None
    """Its last packet, by the edge's clock; unset when the flow is gone."""
    packets: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """Packets so far, while it is under way."""
    bytes: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """Bytes so far."""
    verdict: SimulatedVerdict = SimulatedVerdict.SIMULATED_VERDICT_UNSPECIFIED
    """What became of it."""
    reason: Annotated[str, marks.Size(1024)] = ""
    """The drop reason, as in metrics."""
    reason_text: Annotated[str, marks.Size(1024)] = ""
    """What it means."""
    destination_site: Annotated[str, marks.Size(1024)] = ""
    """Where it went."""
    steering_policy: Annotated[str, marks.Size(1024)] = ""
    """Steering policy whose rule decided; empty: none did."""
    rule: Annotated[int, marks.Range(0, 4294967295)] = 0
    """Place of the rule in it, from 0."""
    rule_id: Annotated[int, marks.Range(0, 4294967295)] = 0
    """Number of the rule in its segment, as the flow's entry has it; 0: none."""
    rule_revision: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """Log index of that policy then."""
    revision: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """Log index of the configuration in force then."""
    bundle_term: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """Raft term of the bundle in force then."""
    bundle_generation: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """Its generation within the term."""
    te_epoch: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """Epoch of traffic engineering then."""
    traffic_class: TrafficClass = TrafficClass.TRAFFIC_CLASS_UNSPECIFIED
    """What the traffic is for: the class of its application, or else that of its DSCP."""
    dscp: Annotated[int, marks.Range(0, 4294967295)] = 0
    """DSCP of the packet that was decided."""
    application_id: Annotated[int, marks.Range(0, 4294967295)] = 0
    """Number of the application that was recognised; 0: none was."""
    application_confidence: Annotated[int, marks.Range(0, 4294967295)] = 0
    """How sure that is, percent."""
    nat_index: Annotated[int, marks.Range(0, 4294967295)] = 0
    """Index of its translation of addresses on the edge; 0: not translated."""
    sla_profile: Annotated[str, marks.Size(1024)] = ""
    """The rule's profile."""
    move_mode: MoveMode = MoveMode.MOVE_MODE_UNSPECIFIED
    """How flows under way follow a new choice."""
    moved: bool = False
    """It has changed its path since it began."""
    sealed: bool = False
    """Its packets are sealed."""
    paths: Annotated[list[SimulatedPath], marks.Items(64)] = Field(default_factory=list)
    """Candidates as they were then, with what was measured then."""
    measure_time: datetime.datetime | None = None
    """When that was, by the edge's clock."""
    changes: Annotated[list[Annotated[str, marks.Size(1024)]], marks.Items(64)] = Field(default_factory=list)
    """What would change where it goes."""
    earlier: Annotated[list[FlowDecision], marks.Items(64)] = Field(default_factory=list)
    """Decisions before this one, newest first."""
    translation: FlowTranslation | None = None
    """Its translation of addresses, in words; unset: not translated, or from an edge that does not say."""
    application_name: Annotated[str, marks.Size(1024)] = ""
    """Name of the application: of an Application, or of a signature; empty: none was recognised, or it is gone since.
    """
    application_evidence: Evidence = Evidence.EVIDENCE_UNSPECIFIED
    """By what it was recognised."""
    firewall_policy: Annotated[str, marks.Size(1024)] = ""
    """Firewall policy whose rule refused it, or let it pass where no steering rule matched; `rule` is its place
    there.
    """


class ExplainDropRequest(Message):
    """Request of ExplainDrop."""

    PROTO: ClassVar[str] = "patronus.v1.ExplainDropRequest"

    parent_: Annotated[Annotated[str, marks.Matches("organizations/*")], marks.Required()]
    """The organization."""
    site: Annotated[str, marks.Matches("organizations/*/sites/*")] = ""
    """One site; empty: all."""
    reason: Annotated[str, marks.Size(64)] = ""
    """One reason, as in metrics; empty: all that occurred."""


class DroppedPacket(Message):
    """A packet that was dropped."""

    PROTO: ClassVar[str] = "patronus.v1.DroppedPacket"

    time: datetime.datetime | None = None
    """When, by the edge's clock."""
    source: Annotated[str, marks.Size(1024)] = ""
    """Source address."""
    source_port: Annotated[int, marks.Range(0, 4294967295)] = 0
    """Source port."""
    destination: Annotated[str, marks.Size(1024)] = ""
    """Destination address."""
    destination_port: Annotated[int, marks.Range(0, 4294967295)] = 0
    """Destination port."""
    protocol: Annotated[int, marks.Range(0, 4294967295)] = 0
    """IP protocol."""
    segment: Annotated[str, marks.Size(1024)] = ""
    """Segment."""
    rule: Annotated[str, marks.Size(1024)] = ""
    """Policy and place of the rule that denied it, if one did."""


class DropExplanation(Message):
    """Packets that a site dropped for one reason."""

    PROTO: ClassVar[str] = "patronus.v1.DropExplanation"

    site: Annotated[str, marks.Size(1024)] = ""
    """Site."""
    reason: Annotated[str, marks.Size(1024)] = ""
    """The reason, as in metrics."""
    text: Annotated[str, marks.Size(1024)] = ""
    """What it means."""
    remedy: Annotated[str, marks.Size(1024)] = ""
    """What to do about it."""
    packets: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """Packets since the edge's programs were loaded."""
    recent_packets: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """Packets in the last minute or so, as its edge reported."""
    samples: Annotated[list[DroppedPacket], marks.Items(64)] = Field(default_factory=list)
    """Some of the last ones."""


class ExplainDropResponse(Message):
    """Response of ExplainDrop."""

    PROTO: ClassVar[str] = "patronus.v1.ExplainDropResponse"

    drops: Annotated[list[DropExplanation], marks.Items(64)] = Field(default_factory=list)
    """By site, the reasons with most packets of late first."""
