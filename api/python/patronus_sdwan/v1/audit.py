"""Audit: who changed what, and who was refused. A chain of records in the replicated state.

Generated from the schema by api/tools/generate; do not edit.
"""

from __future__ import annotations

import datetime
from typing import Annotated, ClassVar

from pydantic import Field

from .. import rules as marks
from ..message import Message


class AuditRecord(Message):
    """One record. Its hash is the SHA-256 of its canonical form without `hash`; the next record holds it as
    `previous_hash`.
    """

    PROTO: ClassVar[str] = "patronus.v1.AuditRecord"

    sequence: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """Number of the record, from 1, without gap."""
    revision: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """Log index of the entry that wrote it: the revision of what was changed."""
    time: datetime.datetime | None = None
    """When, by the leader's clock."""
    principal: Annotated[str, marks.Size(1024)] = ""
    """Who asked."""
    api_key: Annotated[str, marks.Size(1024)] = ""
    """Name of the API key that was presented; empty for none."""
    source: Annotated[str, marks.Size(1024)] = ""
    """Address that the call came from."""
    method: Annotated[str, marks.Size(1024)] = ""
    """What was asked for: CREATE, UPDATE, DELETE, UNDELETE, APPLY, CONFIRM, ROLLBACK, EXPIRE, ENROLL, SET_META,
    RAISE_LEVEL; or the method of a call that was refused, or changes nothing and is recorded all the same.
    """
    resources: Annotated[list[Annotated[str, marks.Size(1024)]], marks.Items(64)] = Field(default_factory=list)
    """Resources concerned, 16 at most."""
    resources_len: Annotated[int, marks.Range(0, 4294967295)] = 0
    """How many there were."""
    code: Annotated[str, marks.Size(1024)] = ""
    """"OK", or the code of the refusal, for example PERMISSION_DENIED."""
    count: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """How many equal calls the record stands for: refused calls are counted together."""
    request_id: Annotated[str, marks.Size(1024)] = ""
    """Request id of the caller; empty for none."""
    change_digest: Annotated[bytes, marks.Size(1024)] = b""
    """SHA-256 over the change as it stands in the log."""
    previous_hash: Annotated[bytes, marks.Size(1024)] = b""
    """Hash of the record before; empty in the first."""
    hash: Annotated[bytes, marks.Size(1024)] = b""
    """Hash of this record. Not stored: added where the record is shown."""


class QueryAuditRequest(Message):
    """Request of QueryAudit."""

    PROTO: ClassVar[str] = "patronus.v1.QueryAuditRequest"

    parent_: Annotated[str, marks.Size(1024)] = ""
    """An organization: what concerns it and what is below it. Empty: everything, which the chain can be verified on.
    """
    after_revision: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """Records of later log entries only: next_revision of the answer before; 0: from the oldest on."""
    page_size: Annotated[int, marks.Range(-2147483648, 2147483647)] = 0
    """Most log entries to look at: 1..10000, default 1000."""


class QueryAuditResponse(Message):
    """Response of QueryAudit."""

    PROTO: ClassVar[str] = "patronus.v1.QueryAuditResponse"

    records: Annotated[list[AuditRecord], marks.Items(64)] = Field(default_factory=list)
    """In order. Records of one log entry are never parted."""
    next_revision: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """after_revision of the next call; 0: there is nothing more now."""
    head_sequence: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """Number of the newest record."""
    head_hash: Annotated[bytes, marks.Size(1024)] = b""
    """Its hash."""


class ReportDeniedResponse(Message):
    """Response of ReportDenied."""

    PROTO: ClassVar[str] = "patronus.v1.ReportDeniedResponse"
