"""Collections: the standard methods of a kind, blocking. aio.py is the same with await."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, ClassVar, Generic, Self, TypeVar, cast

from . import apply, core, watch
from .credential import Credential, find_servers
from .message import Message, Page, Resource
from .transport import Requests, SyncDriver

R = TypeVar("R", bound=Resource)
P = TypeVar("P")
M = TypeVar("M", bound=Message)


class Service:
    """Methods of one service."""

    def __init__(self, driver: SyncDriver) -> None:
        self._driver = driver

    def _call(self, path: str, request: Message, reply: type[M], timeout: float | None) -> M:
        return cast(M, self._driver.run(core.custom(self._driver.session, path, request, reply, timeout)))

    def _stream(self, path: str, request: Message, reply: type[M], timeout: float | None) -> Iterator[M]:
        return self._driver.iterate(core.stream(self._driver.session, path, request, reply, timeout))

    def _upload(self, path: str, requests: Requests[Any], reply: type[M], timeout: float | None) -> M:
        return cast(M, self._driver.run(core.upload(self._driver.session, path, requests, reply, timeout)))


class ReadCollection(Service, Generic[R]):
    """Resources of one kind that can be read."""

    kind: type[R]

    def get(self, name: str, *, stale: bool = False, timeout: float | None = None) -> R:
        """Read one. `stale` lets any controller answer from its own state, which may be behind."""
        return cast(R, self._driver.run(core.get(self._driver.session, self.kind, name, stale, timeout)))

    def list(
        self,
        parent: str = "",
        *,
        filter: str = "",
        order_by: str = "",
        page_size: int = 0,
        stale: bool = False,
        timeout: float | None = None,
    ) -> Iterator[R]:
        """Each resource below a parent, page by page as they are needed.

        "-" in place of an id reads across collections: "organizations/-". "" reads everything. `timeout` is for a page.
        """
        values = {
            "parent": parent or self._everywhere(),
            "filter": filter,
            "order_by": order_by,
            "page_size": page_size,
            "stale": stale,
        }
        return self._driver.iterate(core.everything(self._driver.session, self.kind, values, timeout))

    def page(
        self,
        parent: str = "",
        *,
        page_token: str = "",
        page_size: int = 0,
        filter: str = "",
        order_by: str = "",
        stale: bool = False,
        timeout: float | None = None,
    ) -> Page[R]:
        """One page, for programs that keep the token themselves."""
        values = {
            "parent": parent or self._everywhere(),
            "filter": filter,
            "order_by": order_by,
            "page_size": page_size,
            "page_token": page_token,
            "stale": stale,
        }
        return cast(Page[R], self._driver.run(core.page(self._driver.session, self.kind, values, timeout)))

    def _everywhere(self) -> str:
        return "/".join(self.kind.KIND.pattern.replace("*", "-").split("/")[:-2])


class Collection(ReadCollection[R], Generic[R, P]):
    """Resources of one kind that can be read and changed.

    Each change carries a random request id, so that a retry is answered and not done twice; give your own to make a
    repetition safe across restarts of your program.
    """

    def create(
        self, resource: R, *, request_id: str = "", validate_only: bool = False, timeout: float | None = None
    ) -> R:
        """Create a resource under its name; returns it as it is stored."""
        steps = core.create(self._driver.session, resource, request_id, validate_only, timeout)
        return cast(R, self._driver.run(steps))

    def update(
        self,
        target: str | R,
        patch: P | None = None,
        *,
        etag: str = "",
        mask: Sequence[str] | None = None,
        allow_missing: bool = False,
        request_id: str = "",
        validate_only: bool = False,
        timeout: float | None = None,
    ) -> R:
        """Change fields: by name and patch (None clears), or by a resource that was read, assigned to, and sent back.

        A resource carries its etag: EtagMismatch when somebody else changed it since. `mask` names the fields to write;
        unset, those that the patch or the resource has set.
        """
        flags = {"allow_missing": allow_missing, "request_id": request_id, "validate_only": validate_only}
        changes = cast("dict[str, Any] | None", patch)
        steps = core.update(self._driver.session, self.kind, target, changes, etag, mask, flags, timeout)
        return cast(R, self._driver.run(steps))

    def delete(
        self,
        target: str | R,
        *,
        etag: str = "",
        force: bool = False,
        allow_missing: bool = False,
        request_id: str = "",
        validate_only: bool = False,
        timeout: float | None = None,
    ) -> int:
        """Delete one; `force` takes what is below it too. Returns the revision of the change."""
        flags = {
            "etag": etag,
            "force": force,
            "allow_missing": allow_missing,
            "request_id": request_id,
            "validate_only": validate_only,
        }
        return cast(int, self._driver.run(core.delete(self._driver.session, self.kind, target, flags, timeout)))

    def apply(self, resource: R, *, validate_only: bool = False, timeout: float | None = None) -> apply.Applied[R]:
        """Make the resource be as declared: create it, or write the fields it sets that differ. Safe to repeat."""
        steps = apply.apply(self._driver.session, resource, validate_only, timeout)
        return cast("apply.Applied[R]", self._driver.run(steps))


class Watch(Generic[R]):
    """Events in order; an iterator and a context manager. close() may be called from another thread."""

    def __init__(self, driver: SyncDriver, request: watch.Request, patience: float) -> None:
        self._driver = driver
        self._request = request
        self._closed = False
        self._events = driver.iterate(watch.watch(driver.session, request, patience))

    @property
    def resume_token(self) -> str:
        """Stands behind the last event; give it to watch() to go on there."""
        return self._request.resume_token

    @property
    def reconnects(self) -> int:
        """How often the stream was taken up again."""
        return self._request.reconnects

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> watch.Event[R]:
        try:
            return cast("watch.Event[R]", next(self._events))
        except Exception:
            if self._closed:
                raise StopIteration from None
            raise

    def close(self) -> None:
        """End the stream; the iteration ends."""
        self._closed = True
        if self._request.stream is not None:
            self._driver.perform(core.Close(self._request.stream))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class BaseClient:
    """A connection to a cluster. Credential and servers are looked for where patronusctl looks for them."""

    COLLECTIONS: ClassVar[Mapping[type[Resource], str]] = {}

    def __init__(
        self,
        servers: str | Sequence[str] | None = None,
        *,
        credential: Credential | str | None = None,
        timeout: float = core.TIMEOUT,
    ) -> None:
        loaded = credential if isinstance(credential, Credential) else Credential.load(credential)
        self._driver = SyncDriver(find_servers(servers), loaded, timeout)

    def collection(self, kind: type[R]) -> Collection[R, Any]:
        """The collection of a kind, for code that is generic over kinds."""
        return cast("Collection[R, Any]", getattr(self, self.COLLECTIONS[kind]))

    def watch(
        self,
        parent: str = "",
        *,
        kinds: Sequence[str | type[Resource]] | None = None,
        filter: str = "",
        resume_token: str = "",
        send_initial: bool = False,
        bookmarks: bool = False,
        bookmark_interval: datetime.timedelta | None = None,
        patience: float = core.WATCH_PATIENCE,
    ) -> Watch[Any]:
        """Changes as they happen, each once and in order, over the loss of servers.

        `send_initial` first gives an ADDED for everything there is. `patience` is how many seconds to look for a server
        that answers before giving up.
        """
        request = watch.Request(
            parent, watch.kind_names(kinds), filter, resume_token, send_initial, bookmarks, bookmark_interval
        )
        return Watch(self._driver, request, patience)

    @property
    def server(self) -> str:
        """The server that answers at present."""
        return self._driver.session.servers[self._driver.session.current]

    def close(self) -> None:
        """Close the connections; calls under way end with Cancelled."""
        self._driver.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
