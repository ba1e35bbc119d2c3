"""What the Raft log and snapshots hold. Internal: no client sends or receives these messages. An entry's data is one Command in canonical form (fields by number, map entries by key, no unknown fields). Apply uses nothing but the entry and the store: the leader stamps time and identifiers before it proposes.

Generated from the schema by api/tools/generate; do not edit.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from .. import rules as marks
from ..message import Message


class RecordedCall(Message):
    """A call that is recorded and changes nothing in the state: refused at the edge, equal ones counted together; or
    carried out, with the code "OK": a diagnostic, a person's certificate.
    """

    PROTO: ClassVar[str] = "patronus.v1.RecordedCall"

    principal: Annotated[str, marks.Size(512)] = ""
    """Who asked."""
    api_key: Annotated[str, marks.Size(512)] = ""
    """API key that was presented."""
    source: Annotated[str, marks.Size(64)] = ""
    """Address."""
    method: Annotated[str, marks.Size(256)] = ""
    """Method."""
    resource: Annotated[str, marks.Size(512)] = ""
    """Resource named in the request."""
    code: Annotated[str, marks.Size(32)] = ""
    """Code of the refusal, or "OK"."""
    count: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """How many."""


class RecordedCalls(Message):
    """Calls of one controller."""

    PROTO: ClassVar[str] = "patronus.v1.RecordedCalls"

    calls: Annotated[list[RecordedCall], marks.Items(256)] = Field(default_factory=list)
    """Each with its count."""
