"""Watch: changes as they happen, each once, in order, over the loss of a server.

When the stream breaks, the next server is asked to go on behind the last resume token. Tokens stand at the end of a
transaction and behind the initial state; what came since the last one comes again, told by its name and revision.
Only a token that is older than the history kept ends a watch: HistoryCompacted, then list and watch anew.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

from . import codec, core, errors
from .errors import PatronusError
from .message import OpenEnum, Resource

R = TypeVar("R", bound=Resource)
STEADY = 5.0
"""A stream that lasted this many seconds was a good one, though nothing may have come."""
PATH = f"/{codec.PACKAGE}.WatchService/Watch"


class EventType(OpenEnum):
    """What happened."""

    WATCH_EVENT_TYPE_UNSPECIFIED = "WATCH_EVENT_TYPE_UNSPECIFIED"
    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"
    BOOKMARK = "BOOKMARK"


@dataclass(frozen=True)
class Event(Generic[R]):
    """One change."""

    type: EventType
    name: str
    """Name of the resource; "" in a BOOKMARK."""
    resource: R | None
    """The resource as it is now, in DELETED as it was last; None in a BOOKMARK and for a kind not known here."""
    revision: int
    resume_token: str
    """Hand it to watch() to go on right behind this event; "" in the midst of a transaction or of the initial state."""


@dataclass
class Request:
    """What to watch, and where the watch stands."""

    parent: str = ""
    kinds: Sequence[str] = ()
    filter: str = ""
    resume_token: str = ""
    send_initial: bool = False
    bookmarks: bool = False
    bookmark_interval: datetime.timedelta | None = None
    reconnects: int = field(default=0)
    """How often the stream was taken up again."""
    stream: Any = None

    def message(self) -> Any:
        request = codec.method(PATH)[0](parent=self.parent, kinds=list(self.kinds), filter=self.filter)
        request.resume_token = self.resume_token
        request.send_initial = self.send_initial and not self.resume_token
        if self.bookmark_interval is not None:
            request.bookmark_interval.FromTimedelta(self.bookmark_interval)
        return request


def kind_names(kinds: Sequence[str | type[Resource]] | None) -> list[str]:
    """Kinds by plural."""
    return [kind if isinstance(kind, str) else kind.KIND.plural for kind in kinds or ()]


class Progress:
    """Events since the last resume token: what a new stream says again is left out, what it no longer says is gone."""

    def __init__(self) -> None:
        self.seen: dict[str, list[Event[Any]]] = {}
        self.before: dict[str, list[Event[Any]]] = {}  # of the streams before this one

    def reopened(self) -> None:
        """A new stream begins behind the last token."""
        for name, events in self.seen.items():
            self.before.setdefault(name, []).extend(events)
        self.seen = {}

    def take(self, event: Event[Any], initial: bool) -> list[Event[Any]]:
        """What is news in this event."""
        news = [] if event.type is EventType.BOOKMARK else self.told_once(event, initial)
        if event.type is not EventType.BOOKMARK:
            self.seen.setdefault(event.name, []).append(event)
        if event.resume_token:
            gone = [events[-1] for name, events in self.before.items() if initial and name not in self.seen]
            news = [replace(last, type=EventType.DELETED) for last in gone] + news
            self.seen, self.before = {}, {}
        if event.type is EventType.BOOKMARK:
            news.append(event)
        return news

    def told_once(self, event: Event[Any], initial: bool) -> list[Event[Any]]:
        told = self.before.get(event.name, [])
        if any((e.revision, e.type) == (event.revision, event.type) for e in told):
            return []
        if initial and told:
            if told[-1].revision == event.revision:
                return []
            return [replace(event, type=EventType.MODIFIED)]
        return [event]


def watch(session: core.Session, request: Request, patience: float) -> core.Steps:
    """Emit events for ever; raise what cannot be mended by another server."""
    backoff = core.Backoff(len(session.servers))
    progress = Progress()
    failing_since: float | None = None
    while True:
        server = session.current
        opened = session.clock()
        request.stream = yield core.Open(server, PATH, request.message().SerializeToString())
        while True:
            data = yield core.Receive(request.stream)
            if data is None or isinstance(data, PatronusError):
                break
            backoff.reset()
            failing_since = None
            event = read(data)
            initial = request.send_initial and not request.resume_token
            for news in progress.take(event, initial):
                request.resume_token = news.resume_token or request.resume_token
                if news.type is not EventType.BOOKMARK or request.bookmarks:
                    yield core.Emit(news)
            request.resume_token = event.resume_token or request.resume_token
        cause = data or errors.Unavailable("the server ended the stream")
        if not core.may_repeat(cause, True):
            raise cause
        now = session.clock()
        if failing_since is None or now - opened > STEADY:
            failing_since = now
        if now - failing_since > patience:
            raise cause
        progress.reopened()
        request.reconnects += 1
        session.next(server)
        yield core.Sleep(backoff.pause())


def read(data: bytes) -> Event[Any]:
    """One event from its bytes."""
    message = codec.method(PATH)[1].FromString(data)
    field = message.DESCRIPTOR.fields_by_name["type"]
    found = codec.open_any(message.resource) if message.HasField("resource") else None
    return Event(
        type=EventType(field.enum_type.values_by_number[message.type].name)
        if message.type in field.enum_type.values_by_number
        else EventType(f"UNRECOGNIZED_{message.type}"),
        name=message.name,
        resource=found if isinstance(found, Resource) else None,
        revision=message.revision,
        resume_token=message.resume_token,
    )
