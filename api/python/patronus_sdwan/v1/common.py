"""Types that several subsystems share.

Generated from the schema by api/tools/generate; do not edit.
"""

from __future__ import annotations

import datetime
from typing import Annotated, ClassVar

from .. import rules as marks
from ..message import Message, OpenEnum


class AdminState(OpenEnum):
    """Whether a site or link takes part in forwarding."""

    ADMIN_STATE_UNSPECIFIED = "ADMIN_STATE_UNSPECIFIED"
    """Treated as ACTIVE."""
    ACTIVE = "ACTIVE"
    """Forwards."""
    DRAINED = "DRAINED"
    """Takes no new traffic where another path exists."""
    MAINTENANCE = "MAINTENANCE"
    """Out of use."""


class Transport(OpenEnum):
    """The underlay technology of a link."""

    TRANSPORT_UNSPECIFIED = "TRANSPORT_UNSPECIFIED"
    """Unknown."""
    MPLS = "MPLS"
    """A carrier's MPLS service."""
    BROADBAND = "BROADBAND"
    """Cable, DSL, fibre."""
    LTE = "LTE"
    """4G."""
    NR_5G = "NR_5G"
    """5G."""
    SATELLITE = "SATELLITE"
    """Satellite."""


class TrafficClass(OpenEnum):
    """What packets are for, as their DSCP says (RFC 4594). Edges count what they are offered by class."""

    TRAFFIC_CLASS_UNSPECIFIED = "TRAFFIC_CLASS_UNSPECIFIED"
    """Treated as STANDARD."""
    REALTIME = "REALTIME"
    """Voice and live video: EF, VA, CS5, CS4, AF4x."""
    INTERACTIVE = "INTERACTIVE"
    """Transactions and control: AF2x, CS2, CS6, CS7."""
    STREAMING = "STREAMING"
    """Recorded video: AF3x, CS3."""
    STANDARD = "STANDARD"
    """Everything else."""
    BULK = "BULK"
    """Backups and updates: AF1x, CS1, LE."""


class Condition(Message):
    """One aspect of a resource's health, as AIP-216 and Kubernetes users know it."""

    PROTO: ClassVar[str] = "patronus.v1.Condition"

    type: Annotated[str, marks.Size(1024)] = ""
    """Aspect in UpperCamelCase, for example "Ready"."""
    status: bool = False
    """True when the aspect holds."""
    reason: Annotated[str, marks.Size(1024)] = ""
    """One UpperCamelCase word that says why."""
    message: Annotated[str, marks.Size(1024)] = ""
    """A sentence for people; says what to do when status is false."""
    last_transition_time: datetime.datetime | None = None
    """When status last changed."""


class PortRange(Message):
    """An inclusive range of transport ports."""

    PROTO: ClassVar[str] = "patronus.v1.PortRange"

    first: Annotated[int, marks.Range(0, 4294967295)] = 0
    """First port, 0..65535."""
    last: Annotated[int, marks.Range(0, 4294967295)] = 0
    """Last port, not below first."""
