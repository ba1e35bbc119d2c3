"""What can go wrong: one exception per documented reason, all of them a PatronusError.

Every exception carries the gRPC code, the reason, the path of the field, the server's sentence and what to do next, so
that a program branches on the class and a person reads the text. A reason that this version does not know yet is raised
as the plain PatronusError.
"""

from __future__ import annotations

from typing import ClassVar

CODES = (
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
)


class PatronusError(Exception):
    """A call that failed, or could not be made."""

    REASON: ClassVar[str] = ""
    CODE: ClassVar[str] = ""
    ADVICE: ClassVar[str] = ""

    def __init__(self, message: str, *, code: str = "", reason: str = "", field: str = "", server: str = "") -> None:
        super().__init__(message)
        self.message = message
        """What is wrong, and what would be right."""
        self.code = code or self.CODE
        """gRPC status, for example "NOT_FOUND"."""
        self.reason = reason or self.REASON
        """Documented reason, for example "RESOURCE_NOT_FOUND"; never renamed."""
        self.field = field
        """Path of the field that is wrong, or ""."""
        self.server = server
        """Address of the controller that answered, or ""."""

    @property
    def advice(self) -> str:
        """What to do next; "" where the message says all."""
        return self.ADVICE

    def __str__(self) -> str:
        place = f"{self.field}: " if self.field else ""
        kind = ", ".join(part for part in (self.code, self.reason) if part)
        text = f"{place}{self.message}" + (f" ({kind})" if kind else "")
        return f"{text}; {self.advice}" if self.advice else text


class Unavailable(PatronusError):
    """No controller answered in time; the last cause is in the message."""

    CODE = "UNAVAILABLE"
    ADVICE = "is a controller running there? Name others in PATRONUS_SERVER; patronusctl doctor looks closer"


class DeadlineExceeded(PatronusError):
    """The time allowed was over; the change may or may not have been made. Repeating it with its request id is safe."""

    CODE = "DEADLINE_EXCEEDED"
    ADVICE = "allow more time; patronusctl doctor looks closer"


class Cancelled(PatronusError):
    """The call was cancelled by this program."""

    CODE = "CANCELLED"


class NotAuthenticated(PatronusError):
    """The credential is not one of this cluster."""

    CODE = "UNAUTHENTICATED"
    ADVICE = "give the credential of this cluster (patronusd init wrote it)"


class MethodMissing(PatronusError):
    """The kind has no such method: what the system computes can be read and watched only."""

    CODE = "UNIMPLEMENTED"


class CredentialInvalid(PatronusError):
    """The credential file cannot be read, or lacks a part."""

    ADVICE = "the file must hold certificate, key and CA as PEM, as patronusd init writes it"


BY_CODE: dict[str, type[PatronusError]] = {
    "UNAVAILABLE": Unavailable,
    "DEADLINE_EXCEEDED": DeadlineExceeded,
    "CANCELLED": Cancelled,
    "UNAUTHENTICATED": NotAuthenticated,
}


def make(code: str, reason: str, field: str, message: str, server: str) -> PatronusError:
    """The exception for what a server said."""
    from .v1.reasons import BY_REASON

    found = BY_REASON.get(reason) or BY_CODE.get(code) or PatronusError
    return found(message, code=code, reason=reason, field=field, server=server)
