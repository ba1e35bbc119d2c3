"""The two drivers: they perform what the generators of core.py ask for, one by blocking, the other by awaiting.

Nothing is sent without TLS, and the CA of the credential is the only one that is trusted.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Sequence
from typing import Any, TypeVar

import grpc
import grpc.aio

from . import codec, core, errors
from .credential import Credential
from .errors import PatronusError
from .message import Message

M = TypeVar("M", bound=Message)
Requests = Iterable[M]
"""What a method takes that takes a stream."""
AsyncRequests = AsyncIterable[M] | Iterable[M]
"""The same of the client with await."""

OPTIONS: list[tuple[str, Any]] = [
    ("grpc.keepalive_time_ms", 5000),
    ("grpc.keepalive_timeout_ms", 3000),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.max_receive_message_length", 64 << 20),
    ("grpc.enable_retries", 0),  # core.py retries, and knows what may be repeated
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.use_local_subchannel_pool", 1),
]


def to_error(failure: Any, server: str) -> PatronusError:
    """What a server, or gRPC itself, said; the details are google.rpc.Status with ErrorInfo."""
    code = failure.code().name if failure.code() is not None else "UNKNOWN"
    reason = field = ""
    for key, value in failure.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            reason, field = read_details(value)
    return errors.make(code, reason, field, failure.details() or "the server gave no reason", server)


def read_details(data: bytes) -> tuple[str, str]:
    """Reason and field of a google.rpc.Status, whose few fields are read by hand: no further package for them."""
    for number, value in fields_of(data):
        if number != 3 or not isinstance(value, bytes):
            continue
        detail = dict(fields_of(value))
        if not bytes(detail.get(1, b"")).endswith(b"google.rpc.ErrorInfo"):
            continue
        reason, metadata = "", {}
        for part, content in fields_of(detail.get(2, b"")):
            if part == 1:
                reason = content.decode(errors="replace")
            elif part == 3:
                entry = dict(fields_of(content))
                metadata[entry.get(1, b"").decode(errors="replace")] = entry.get(2, b"").decode(errors="replace")
        return reason, metadata.get("field", "")
    return "", ""


def fields_of(data: bytes) -> list[tuple[int, Any]]:
    """Number and value of each field of a message: bytes, or a whole number. Ends where the data is not sound."""
    found: list[tuple[int, Any]] = []
    at = 0

    def varint() -> int:
        nonlocal at
        value = shift = 0
        while at < len(data) and shift < 64:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7
        at = len(data) + 1
        return value

    while at < len(data):
        tag = varint()
        size = {0: 0, 1: 8, 2: -1, 5: 4}.get(tag & 7)
        if size is None:
            break
        value: Any = varint() if tag & 7 in (0, 2) else b""
        if size == -1:
            size = value
        if tag & 7:
            value = data[at : at + size]
            at += size
        if at > len(data):
            break
        found.append((tag >> 3, value))
    return found


class Driver:
    """What both drivers have: the servers, the credential and the session."""

    def __init__(self, servers: Sequence[str], credential: Credential, timeout: float) -> None:
        self.session = core.Session(servers, timeout, time.monotonic)
        self.credential = credential
        self.channels: dict[int, Any] = {}
        self.closed = False

    def credentials(self) -> grpc.ChannelCredentials:
        return grpc.ssl_channel_credentials(self.credential.ca, self.credential.key, self.credential.certificate)

    def connect(self, address: str) -> Any:
        raise NotImplementedError

    def channel(self, server: int) -> Any:
        """The channel to a server, made when first needed."""
        if self.closed:
            raise errors.Cancelled("the client is closed", code="CANCELLED")
        if server not in self.channels:
            self.channels[server] = self.connect(self.session.servers[server])
        return self.channels[server]

    def open(self, effect: core.Open) -> Any:
        call = self.channel(effect.server).unary_stream(effect.path)(effect.payload, timeout=effect.timeout)
        call.patronus_server = self.session.servers[effect.server]
        return call


class SyncDriver(Driver):
    """Blocks."""

    def connect(self, address: str) -> grpc.Channel:
        return grpc.secure_channel(address, self.credentials(), OPTIONS)

    def perform(self, effect: Any) -> Any:
        match effect:
            case core.Call(server, path, payload, timeout):
                try:
                    return self.channel(server).unary_unary(path)(payload, timeout=timeout)
                except grpc.RpcError as failure:
                    return to_error(failure, self.session.servers[server])
            case core.Upload(server, path, requests, timeout):
                try:
                    return self.channel(server).stream_unary(path)(map(encode, requests), timeout=timeout)
                except grpc.RpcError as failure:
                    return to_error(failure, self.session.servers[server])
            case core.Sleep(seconds):
                time.sleep(seconds)
            case core.Open():
                return self.open(effect)
            case core.Receive(stream):
                try:
                    return next(stream, None)
                except grpc.RpcError as failure:
                    return to_error(failure, stream.patronus_server)
            case core.Close(stream):
                stream.cancel()
        return None

    def run(self, steps: core.Steps) -> Any:
        """Perform a call; its result."""
        try:
            effect = next(steps)
            while True:
                effect = steps.send(self.perform(effect))
        except StopIteration as stop:
            return stop.value

    def iterate(self, steps: core.Steps) -> Iterator[Any]:
        """Perform, and yield what is emitted."""
        try:
            effect = next(steps)
            while True:
                outcome = None
                if isinstance(effect, core.Emit):
                    yield effect.value
                else:
                    outcome = self.perform(effect)
                effect = steps.send(outcome)
        except StopIteration:
            return

    def close(self) -> None:
        self.closed = True
        for channel in self.channels.values():
            channel.close()
        self.channels.clear()


class AsyncDriver(Driver):
    """Awaits. Cancelling the task cancels the call."""

    def connect(self, address: str) -> grpc.aio.Channel:
        return grpc.aio.secure_channel(address, self.credentials(), OPTIONS)

    async def perform(self, effect: Any) -> Any:
        match effect:
            case core.Call(server, path, payload, timeout):
                try:
                    return await self.channel(server).unary_unary(path)(payload, timeout=timeout)
                except grpc.aio.AioRpcError as failure:
                    return to_error(failure, self.session.servers[server])
            case core.Upload(server, path, requests, timeout):
                try:
                    return await self.channel(server).stream_unary(path)(encoded(requests), timeout=timeout)
                except grpc.aio.AioRpcError as failure:
                    return to_error(failure, self.session.servers[server])
            case core.Sleep(seconds):
                await asyncio.sleep(seconds)
            case core.Open():
                return self.open(effect)
            case core.Receive(stream):
                try:
                    data = await stream.read()
                    return None if data is grpc.aio.EOF else data
                except grpc.aio.AioRpcError as failure:
                    return to_error(failure, stream.patronus_server)
                except asyncio.CancelledError:
                    if stream.cancelled() and not being_cancelled():
                        return errors.Cancelled("the stream was cancelled")
                    raise
            case core.Close(stream):
                stream.cancel()
        return None

    async def run(self, steps: core.Steps) -> Any:
        """Perform a call; its result."""
        try:
            effect = next(steps)
            while True:
                effect = steps.send(await self.perform(effect))
        except StopIteration as stop:
            return stop.value

    async def iterate(self, steps: core.Steps) -> AsyncIterator[Any]:
        """Perform, and yield what is emitted."""
        try:
            effect = next(steps)
            while True:
                outcome = None
                if isinstance(effect, core.Emit):
                    yield effect.value
                else:
                    outcome = await self.perform(effect)
                effect = steps.send(outcome)
        except StopIteration:
            return

    async def close(self) -> None:
        self.closed = True
        for channel in self.channels.values():
            await channel.close(None)
        self.channels.clear()


def encode(request: Message) -> bytes:
    return bytes(codec.to_proto(request).SerializeToString())


async def encoded(requests: AsyncRequests[Message]) -> AsyncIterator[bytes]:
    if isinstance(requests, AsyncIterable):
        async for request in requests:
            yield encode(request)
    else:
        for request in requests:
            yield encode(request)


def being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
