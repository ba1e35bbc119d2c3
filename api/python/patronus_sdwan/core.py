"""What the two clients do, without doing it: every call is a generator of effects.

A generator yields what it needs from the world (make a call, wait, read a stream) and is sent the outcome; the drivers
in transport.py perform the effects, one with blocking calls, the other with await. Retries, deadlines, pages and the
resumption of watches exist once, here, and are tested without a network.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from . import codec, errors
from .errors import PatronusError
from .message import Message, Page, Resource
from .v1.reasons import LeaderChanged, Overloaded

R = TypeVar("R", bound=Resource)
M = TypeVar("M", bound=Message)

TIMEOUT = 15.0
"""Seconds that a call may take, retries included, unless said otherwise."""
TRY_FIRST = 3.0
"""Of several servers, one that is silent gets at most this much of a call; in each further round of them twice as much,
so that what takes long is answered at last."""
READS = ("Get", "List", "Read", "Plan", "Check", "Test", "Explain", "WhatIf")
"""How the names of methods begin that change nothing: they may be repeated whatever became of the first try."""
BACKOFF_FIRST, BACKOFF_MAX = 0.05, 1.0
PAST = {"get": "read", "list": "listed", "create": "created", "update": "changed", "delete": "deleted"}
WATCH_PATIENCE = 120.0
"""Seconds that a watch goes on looking for a server before it gives up."""


# ---- effects


@dataclass(frozen=True)
class Call:
    """Make one call at one server. Outcome: the reply's bytes, or a PatronusError."""

    server: int
    path: str
    payload: bytes
    timeout: float


@dataclass(frozen=True)
class Sleep:
    """Wait. Outcome: None."""

    seconds: float


@dataclass(frozen=True)
class Open:
    """Open a stream at one server. Outcome: a handle."""

    server: int
    path: str
    payload: bytes
    timeout: float | None = None


@dataclass(frozen=True)
class Upload:
    """Send a stream of messages to one server. Outcome: the reply's bytes, or a PatronusError."""

    server: int
    path: str
    requests: Any  # an iterable of models; for the asynchronous driver an asynchronous one will do
    timeout: float | None


@dataclass(frozen=True)
class Receive:
    """Read the next message of a stream. Outcome: its bytes, None at the end, or a PatronusError."""

    stream: Any


@dataclass(frozen=True)
class Close:
    """Cancel a stream. Outcome: None."""

    stream: Any


@dataclass(frozen=True)
class Emit:
    """Hand a value to whoever iterates. Outcome: None."""

    value: Any


Steps = Generator[Any, Any, Any]


@dataclass
class Session:
    """What the calls of one client share: which server answers at present, and the clock."""

    servers: Sequence[str]
    timeout: float
    clock: Callable[[], float]
    current: int = 0

    def next(self, failed: int) -> None:
        """Turn to the next server, unless another call has already turned away from the failed one."""
        if self.current == failed:
            self.current = (failed + 1) % len(self.servers)


@dataclass
class Backoff:
    """Pauses between tries: each server once without a pause, then longer and longer ones."""

    servers: int
    tries: int = field(default=0)

    def pause(self) -> float:
        self.tries += 1
        if self.tries % self.servers:
            return 0.0
        longest = min(BACKOFF_MAX, BACKOFF_FIRST * 2.0 ** (self.tries // self.servers - 1))
        return longest * random.uniform(0.5, 1.0)

    def reset(self) -> None:
        self.tries = 0


# ---- one call


def call(session: Session, path: str, request: Any, timeout: float | None, repeatable: bool = True) -> Steps:
    """Make a call, at whichever server answers, until the time is over. Returns the reply's message.

    Reads can be repeated, and so can mutations, whose request id makes the second one answer as the first did. Another
    method is sent again only when it did not reach a leader.
    """
    _, reply_class, _ = codec.method(path)
    payload = request.SerializeToString(deterministic=True)
    end = session.clock() + (session.timeout if timeout is None else timeout)
    backoff = Backoff(len(session.servers))
    cause: PatronusError | None = None
    while (left := end - session.clock()) > 0:
        server = session.current
        limit = TRY_FIRST * 2 ** min(backoff.tries // len(session.servers), 10)
        cut = len(session.servers) > 1 and left > limit
        outcome = yield Call(server, path, payload, limit if cut else left)
        if not isinstance(outcome, PatronusError):
            return reply_class.FromString(outcome)
        if outcome.code == "DEADLINE_EXCEEDED" and not cut:
            raise cause or outcome
        if not may_repeat(outcome, repeatable) and not (outcome.code == "DEADLINE_EXCEEDED" and repeatable):
            raise outcome
        if cause is None or outcome.code != "DEADLINE_EXCEEDED":
            cause = outcome
        if not isinstance(outcome, Overloaded):
            session.next(server)
        pause = backoff.pause()
        if pause > 0:
            yield Sleep(min(pause, max(0.0, end - session.clock())))
    raise cause or errors.DeadlineExceeded("no time was left for the call")


def may_repeat(error: PatronusError, repeatable: bool) -> bool:
    if isinstance(error, Overloaded):
        return True
    return error.code == "UNAVAILABLE" and (repeatable or not isinstance(error, LeaderChanged))


def new_request_id() -> str:
    return uuid.uuid4().hex


# ---- the standard methods


def path_of(kind: type[Resource], verb: str) -> str:
    """Path of a standard method of a kind."""
    path = kind.KIND.methods.get(verb)
    if path is None:
        raise errors.MethodMissing(f"{kind.KIND.plural} cannot be {PAST[verb]}", field=kind.KIND.plural)
    return path


def body_field(request: Any, kind: type[Resource]) -> str:
    for part in request.DESCRIPTOR.fields:
        if part.message_type is not None and part.message_type.full_name == kind.PROTO:
            return str(part.name)
    raise AssertionError(f"{request.DESCRIPTOR.full_name} holds no {kind.PROTO}")


def fill(request: Any, **values: Any) -> None:
    """Set the fields that the request has; requests are alike by convention (AIP 131 to 135)."""
    for name, value in values.items():
        if value and name in request.DESCRIPTOR.fields_by_name:
            setattr(request, name, value)


def name_of(target: str | Resource) -> str:
    return target if isinstance(target, str) else target.name


def get(session: Session, kind: type[R], name: str, stale: bool, timeout: float | None) -> Steps:
    path = path_of(kind, "get")
    request = codec.method(path)[0](name=name)
    fill(request, stale=stale)
    reply = yield from call(session, path, request, timeout)
    return codec.from_proto(reply, kind)


def page(session: Session, kind: type[R], values: dict[str, Any], timeout: float | None) -> Steps:
    path = path_of(kind, "list")
    request = codec.method(path)[0]()
    fill(request, **values)
    reply = yield from call(session, path, request, timeout)
    field = body_field(reply, kind)
    return Page([codec.from_proto(r, kind) for r in getattr(reply, field)], reply.next_page_token, reply.revision)


def everything(session: Session, kind: type[R], values: dict[str, Any], timeout: float | None) -> Steps:
    """Each resource of a list, page after page."""
    while True:
        found = yield from page(session, kind, values, timeout)
        for resource in found.resources:
            yield Emit(resource)
        if not found.next_page_token:
            return
        values = {**values, "page_token": found.next_page_token}


def create(session: Session, resource: R, request_id: str, validate_only: bool, timeout: float | None) -> Steps:
    kind = type(resource)
    path = path_of(kind, "create")
    request = codec.method(path)[0]()
    fill(request, parent=resource.parent, request_id=request_id or new_request_id(), validate_only=validate_only)
    ids = [f.name for f in request.DESCRIPTOR.fields if f.name.endswith("_id") and f.name != "request_id"]
    setattr(request, ids[0], resource.id)
    body = codec.to_proto(resource, {*kind.settable(), "name"})
    getattr(request, body_field(request, kind)).CopyFrom(body)
    reply = yield from call(session, path, request, timeout)
    return codec.from_proto(reply, kind)


def update(
    session: Session,
    kind: type[R],
    target: str | R,
    patch: dict[str, Any] | None,
    etag: str,
    mask: Sequence[str] | None,
    flags: dict[str, Any],
    timeout: float | None,
) -> Steps:
    """Change fields. A name comes with a patch; a resource as it was read is sent with its etag and what it has set."""
    path = path_of(kind, "update")
    request = codec.method(path)[0]()
    if isinstance(target, str):
        resource = patched(kind, target, patch or {})
    else:
        resource = target
        etag = etag or resource.etag
        if patch:
            resource = resource.model_copy(update={k: kind.check_field(k, v) for k, v in patch.items()})
    settable = kind.settable()
    paths = list(mask) if mask is not None else [f for f in settable if f in resource.model_fields_set]
    heads = {path.split(".")[0] for path in paths}
    unknown = sorted(head for head in heads if head not in settable)
    if unknown:
        raise ValueError(f"{kind.__name__} has no field '{unknown[0]}' to set; it has {', '.join(settable)}")
    body = codec.to_proto(resource, {*heads, "name"})
    if etag:
        body.etag = etag
    getattr(request, body_field(request, kind)).CopyFrom(body)
    request.update_mask.paths.extend(paths)
    fill(request, **{**flags, "request_id": flags.get("request_id") or new_request_id()})
    reply = yield from call(session, path, request, timeout)
    return codec.from_proto(reply, kind)


def patched(kind: type[R], name: str, patch: dict[str, Any]) -> R:
    """A resource that has only the patch set; None clears a field."""
    values = {field: kind.check_field(field, value) for field, value in patch.items() if value is not None}
    return cast(R, kind.model_construct(_fields_set={"name", *patch}, **{**values, "name": name}))


def delete(session: Session, kind: type[R], target: str | R, flags: dict[str, Any], timeout: float | None) -> Steps:
    path = path_of(kind, "delete")
    request = codec.method(path)[0](name=name_of(target))
    etag = flags.get("etag") or ("" if isinstance(target, str) else target.etag)
    fill(request, **{**flags, "etag": etag, "request_id": flags.get("request_id") or new_request_id()})
    reply = yield from call(session, path, request, timeout)
    return int(reply.revision)


def custom(session: Session, path: str, request: Message, reply: type[M], timeout: float | None) -> Steps:
    """A method that is not one of the five."""
    message = codec.to_proto(request)
    repeatable = path.rpartition("/")[2].startswith(READS)
    if "request_id" in message.DESCRIPTOR.fields_by_name:
        repeatable = True
        message.request_id = message.request_id or new_request_id()
    answer = yield from call(session, path, message, timeout, repeatable)
    return codec.from_proto(answer, reply)


def stream(session: Session, path: str, request: Message, reply: type[M], timeout: float | None) -> Steps:
    """A method that answers with a stream: each message once, no resumption."""
    server = session.current
    handle = yield Open(server, path, codec.to_proto(request).SerializeToString(), timeout)
    while True:
        data = yield Receive(handle)
        if isinstance(data, PatronusError):
            if data.code == "UNAVAILABLE":
                session.next(server)
            raise data
        if data is None:
            return
        yield Emit(codec.from_proto(codec.message_class(reply.PROTO).FromString(data), reply))


def upload(session: Session, path: str, requests: Any, reply: type[M], timeout: float | None) -> Steps:
    """A method that takes a stream: sent once, because what has been taken from an iterator is gone.

    A server that is not available is left, so that the caller's next try goes to another one.
    """
    server = session.current
    outcome = yield Upload(server, path, requests, timeout)
    if isinstance(outcome, PatronusError):
        if outcome.code == "UNAVAILABLE":
            session.next(server)
        raise outcome
    return codec.from_proto(codec.method(path)[1].FromString(outcome), reply)
