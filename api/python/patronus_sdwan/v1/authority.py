"""The cluster's certificate authorities and their rotation. Authorities are no resources: nobody writes them but the leader, and their keys stand sealed in the replicated state.

Generated from the schema by api/tools/generate; do not edit.
"""

from __future__ import annotations

import datetime
from typing import Annotated, ClassVar

from pydantic import Field

from .. import rules as marks
from ..message import Message, OpenEnum


class AuthorityState(OpenEnum):
    """Where an authority is in its life. One is ISSUING at any time."""

    AUTHORITY_STATE_UNSPECIFIED = "AUTHORITY_STATE_UNSPECIFIED"
    """None."""
    PENDING = "PENDING"
    """New: every node learns to trust it; nothing is signed by it yet."""
    ISSUING = "ISSUING"
    """Signs."""
    RETIRING = "RETIRING"
    """Signs no more and is still trusted, until nobody needs it."""


class Authority(Message):
    """One certificate authority."""

    PROTO: ClassVar[str] = "patronus.v1.Authority"

    id_: Annotated[str, marks.Size(1024)] = ""
    """"ca-1", "ca-2": a number is used once."""
    state: AuthorityState = AuthorityState.AUTHORITY_STATE_UNSPECIFIED
    """See values."""
    certificate_pem: Annotated[str, marks.Size(1024)] = ""
    """Its certificate."""
    fingerprint: Annotated[str, marks.Size(1024)] = ""
    """SHA-256 of the certificate, hexadecimal."""
    expire_time: datetime.datetime | None = None
    """When it ends."""
    state_time: datetime.datetime | None = None
    """When it came into this state; unset for the one that the cluster began with."""


class RotationObstacle(Message):
    """Whom a rotation waits for, or would break."""

    PROTO: ClassVar[str] = "patronus.v1.RotationObstacle"

    name: Annotated[str, marks.Size(1024)] = ""
    """A resource name, or the SPIFFE id of a credential."""
    reason: Annotated[str, marks.Size(1024)] = ""
    """What is wrong, and what to do."""


class RotationStatus(Message):
    """How far a rotation is."""

    PROTO: ClassVar[str] = "patronus.v1.RotationStatus"

    authorities: Annotated[list[Authority], marks.Items(64)] = Field(default_factory=list)
    """The present ones, oldest first."""
    running: bool = False
    """True while more than one is trusted."""
    nodes: Annotated[int, marks.Range(0, 4294967295)] = 0
    """Controllers and enrolled edges."""
    nodes_trusting: Annotated[int, marks.Range(0, 4294967295)] = 0
    """Of these: who trusts all authorities."""
    nodes_reissued: Annotated[int, marks.Range(0, 4294967295)] = 0
    """Of these: who has a certificate of the issuing one."""
    obstacles: Annotated[list[RotationObstacle], marks.Items(64)] = Field(default_factory=list)
    """What stands in the way; 256 at most. Of a rotation that does not run: whom one would break if it did not wait.
    """
    obstacles_len: Annotated[int, marks.Range(0, 4294967295)] = 0
    """How many there are."""
    forced: bool = False
    """True: the rotation does not wait for edges that are offline and for credentials of people."""


class ListAuthoritiesRequest(Message):
    """Request of ListAuthorities."""

    PROTO: ClassVar[str] = "patronus.v1.ListAuthoritiesRequest"


class RotateAuthorityRequest(Message):
    """Request of RotateAuthority."""

    PROTO: ClassVar[str] = "patronus.v1.RotateAuthorityRequest"

    validate_only: bool = False
    """Change nothing: say whom it would break."""
    force: bool = False
    """Do not wait for edges that are offline, which then must be joined again with a new token, nor for credentials
    of people, who then need new ones. May be given to a rotation that is under way.
    """
    abort: bool = False
    """Give up a rotation whose new authority has not signed yet."""


class TrustReport(Message):
    """Of a controller, to the leader: what it trusts and who signed its certificate."""

    PROTO: ClassVar[str] = "patronus.v1.TrustReport"

    trust_digest: Annotated[bytes, marks.Size(1024)] = b""
    """SHA-256 of the authorities that it trusts, as PEM text."""
    issuer: Annotated[str, marks.Size(1024)] = ""
    """Key id of the authority that signed its certificate, hexadecimal."""
    expire_time_ns: Annotated[int, marks.Range(-9223372036854775808, 9223372036854775807)] = 0
    """When the certificate ends, nanoseconds since 1970."""
    seen: Annotated[list[SeenCredential], marks.Items(64)] = Field(default_factory=list)
    """Controllers: certificates of people that it saw lately."""
    next_seal_key_digest: Annotated[bytes, marks.Size(1024)] = b""
    """Controllers: SHA-256 of the next seal key under a constant, when it has one."""


class SeenCredential(Message):
    """A certificate that a controller saw."""

    PROTO: ClassVar[str] = "patronus.v1.SeenCredential"

    spiffe_id: Annotated[str, marks.Size(512)] = ""
    """Whose."""
    issuer: Annotated[str, marks.Size(1024)] = ""
    """See TrustReport."""
    expire_time_ns: Annotated[int, marks.Range(-9223372036854775808, 9223372036854775807)] = 0
    """See TrustReport."""
    age_ms: Annotated[int, marks.Range(0, 18446744073709551615)] = 0
    """How long ago, when the report was made."""


class ReportTrustResponse(Message):
    """Response of ReportTrust."""

    PROTO: ClassVar[str] = "patronus.v1.ReportTrustResponse"


class ResealSecretsRequest(Message):
    """Request of ResealSecrets."""

    PROTO: ClassVar[str] = "patronus.v1.ResealSecretsRequest"

    validate_only: bool = False
    """Change nothing: say which controllers lack the next key."""


class ResealSecretsResponse(Message):
    """Response of ResealSecrets."""

    PROTO: ClassVar[str] = "patronus.v1.ResealSecretsResponse"

    values: Annotated[int, marks.Range(0, 4294967295)] = 0
    """How many values were sealed anew."""
    obstacles: Annotated[list[RotationObstacle], marks.Items(64)] = Field(default_factory=list)
    """Controllers without the next key, or with another one than the leader's. Nothing is sealed while there is one.
    """


class IssueCredentialRequest(Message):
    """Request of IssueCredential."""

    PROTO: ClassVar[str] = "patronus.v1.IssueCredentialRequest"

    id_: Annotated[str, marks.Size(63)] = ""
    """Who it is: the end of the identity spiffe://CLUSTER/ROLE/ID. Lower-case letters, digits and hyphens."""
    role: Annotated[str, marks.Size(16)] = ""
    """"user", who may what bindings say; or "admin", who may everything, and whom only an admin's certificate makes.
    Empty: "user".
    """
    csr: Annotated[bytes, marks.Size(8192)] = b""
    """Request for a certificate, PKCS #10, DER, signed by the key that it is for. Nothing else in it counts."""
    lifetime: datetime.timedelta | None = None
    """For how long it is good: 1 h to 366 days; unset: 90 days. It can be renewed under another authority, but not
    beyond its end. Deny the identity to end it sooner.
    """


class IssueCredentialResponse(Message):
    """Response of IssueCredential."""

    PROTO: ClassVar[str] = "patronus.v1.IssueCredentialResponse"

    certificate_pem: Annotated[str, marks.Size(1024)] = ""
    """The certificate, PEM."""
    ca_pem: Annotated[str, marks.Size(1024)] = ""
    """The authorities to trust, PEM."""
    spiffe_id: Annotated[str, marks.Size(1024)] = ""
    """The identity, as role bindings and DeniedIdentity name it."""
    expire_time: datetime.datetime | None = None
    """When it ends."""
