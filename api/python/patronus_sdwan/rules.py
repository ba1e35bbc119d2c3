"""The schema's rules as pydantic constraints: what the server would refuse is refused here, with the same words.

They stand in the models' annotations, `Annotated[str, rules.IP]`, and can be read back from `Model.model_fields`.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema


def refuse(text: str) -> PydanticCustomError:
    """A refusal in our own words; braces in the text are not placeholders."""
    return PydanticCustomError("patronus", "{text}", {"text": text})


class Rule:
    """A rule that looks at a value after its type is right."""

    def check(self, value: Any) -> Any:
        """Return the value, or raise."""
        raise NotImplementedError

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))


@dataclass(frozen=True)
class Size(Rule):
    """Longest string or bytes, in bytes of UTF-8."""

    max: int

    def check(self, value: Any) -> Any:
        size = len(value.encode() if isinstance(value, str) else value)
        if size > self.max:
            raise refuse(f"is {size} bytes long; at most {self.max}")
        if isinstance(value, str) and "\0" in value:
            raise refuse("holds a NUL; leave it out")
        return value


@dataclass(frozen=True)
class Items(Rule):
    """Most elements of a list or map."""

    max: int

    def check(self, value: Any) -> Any:
        if len(value) > self.max:
            raise refuse(f"has {len(value)} elements; at most {self.max}")
        return value


@dataclass(frozen=True)
class Range(Rule):
    """Smallest and largest number. Zero of a plain field means "not set" and is always allowed."""

    min: int
    max: int
    zero: bool = False

    def check(self, value: Any) -> Any:
        if not self.min <= value <= self.max and not (self.zero and value == 0):
            raise refuse(f"is {value}; it must be {self.min} to {self.max}")
        return value


@dataclass(frozen=True)
class Required(Rule):
    """Must not be empty."""

    def check(self, value: Any) -> Any:
        if not value or getattr(value, "is_unspecified", False):
            raise refuse("is required")
        return value


@dataclass(frozen=True)
class AsSet(Rule):
    """The order carries no meaning; duplicates are refused."""

    def check(self, value: Any) -> Any:
        seen: list[Any] = []
        for element in value:
            if element in seen:
                raise refuse(f"{element!r} stands there twice")
            seen.append(element)
        return value


@dataclass(frozen=True)
class Matches(Rule):
    """A name of a resource, for example "organizations/*/sites/*"."""

    pattern: str
    optional: bool = True

    def check(self, value: Any) -> Any:
        if value == "" and self.optional:
            return value
        want, have = self.pattern.split("/"), value.split("/")
        fits = len(want) == len(have) and all(
            ID_PATTERN.fullmatch(part) if star == "*" else star == part for star, part in zip(want, have, strict=True)
        )
        if not fits:
            example = re.sub(r"(\w+?)(ies|s)/\*", r"\1\2/my-\1", self.pattern)
            raise refuse(f"'{value:.64}' is not a name of this kind; write for example {example}")
        return value


@dataclass(frozen=True)
class Output:
    """The system sets the field; what a program puts there is not sent."""


@dataclass(frozen=True)
class Immutable:
    """May be set when the resource is created only."""


@dataclass(frozen=True)
class Secret:
    """Never shown in reads, logs or audit."""


@dataclass(frozen=True)
class Unit:
    """What the number counts."""

    name: str


@dataclass(frozen=True)
class Format(Rule):
    """Shape of a string. The empty string means "not set"."""

    name: str
    fault: Callable[[str], str]

    def check(self, value: Any) -> Any:
        fault = self.fault(value) if value else ""
        if fault:
            raise refuse(fault)
        return value


ID_PATTERN = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
LABEL_PATTERN = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)")


def fault_of_id(text: str) -> str:
    if ID_PATTERN.fullmatch(text):
        return ""
    return (
        f"'{text:.64}' is not an id; write 1 to 63 of a-z, 0-9 and '-', beginning with a letter and not ending with '-'"
    )


def canonical_ip(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    """RFC 5952, with the dotted form of v4-mapped addresses."""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return f"::ffff:{mapped}" if mapped is not None else str(address)


def fault_of_ip(text: str) -> str:
    try:
        canonical = canonical_ip(ipaddress.ip_address(text))
    except ValueError:
        return f"'{text:.64}' is not an IP address; write for example 192.0.2.1 or 2001:db8::1"
    if canonical != text:
        return f"'{text:.64}' is not in canonical form (RFC 5952); write {canonical}"
    return ""


def fault_of_prefix(text: str) -> str:
    try:
        if "/" not in text:
            raise ValueError
        network = ipaddress.ip_interface(text).network
    except ValueError:
        return f"'{text:.64}' is not an IP prefix; write for example 192.0.2.0/24 or 2001:db8::/32"
    if ipaddress.ip_interface(text).ip != network.network_address:
        return f"'{text:.64}' has bits set behind the prefix length; write {network}"
    return "" if str(network) == text else f"'{text:.64}' is not in canonical form (RFC 5952); write {network}"


def fault_of_interface(text: str) -> str:
    try:
        if "/" not in text:
            raise ValueError
        interface = ipaddress.ip_interface(text)
    except ValueError:
        return f"'{text:.64}' is not an interface address; write for example 192.0.2.1/24 or 2001:db8::1/64"
    return "" if str(interface) == text else f"'{text:.64}' is not in canonical form (RFC 5952); write {interface}"


def is_fqdn(text: str) -> bool:
    return 1 <= len(text.encode()) <= 253 and all(LABEL_PATTERN.fullmatch(label) for label in text.split("."))


def fault_of_fqdn(text: str) -> str:
    if is_fqdn(text.removeprefix("*.")):
        return ""
    return f"'{text:.64}' is not a DNS name; write for example www.example.net or *.example.net"


def fault_of_host_port(text: str) -> str:
    host, _, port = text.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    try:
        address = ipaddress.ip_address(host[1:-1] if bracketed else host)
        good = bracketed == (address.version == 6)
    except ValueError:
        good = not bracketed and is_fqdn(host) and not host.rsplit(".", 1)[-1].isdigit()
    if good and re.fullmatch(r"[1-9][0-9]{0,4}", port) and int(port) <= 65535:
        return ""
    return (
        f"'{text:.64}' is not a host with a port; write for example 192.0.2.1:7400, [2001:db8::1]:7400 or "
        "ctl.example.net:7400"
    )


def fault_of_ifname(text: str) -> str:
    if re.fullmatch(r"[!-.0-9;-~]{1,15}", text) and text not in (".", ".."):
        return ""
    return (
        f"'{text:.64}' is not a name of a network interface; write 1 to 15 printable characters without '/', ':' "
        "and spaces, for example eth0"
    )


def fault_of_sha256(text: str) -> str:
    if re.fullmatch(r"[0-9a-f]{64}", text):
        return ""
    return f"'{text:.64}' is not a SHA-256 digest; write 64 digits of 0-9 and a-f"


ID = Format("ID", fault_of_id)
IP = Format("IP", fault_of_ip)
IP_PREFIX = Format("IP_PREFIX", fault_of_prefix)
IP_INTERFACE = Format("IP_INTERFACE", fault_of_interface)
HOST_PORT = Format("HOST_PORT", fault_of_host_port)
FQDN = Format("FQDN", fault_of_fqdn)
IFNAME = Format("IFNAME", fault_of_ifname)
SHA256_HEX = Format("SHA256_HEX", fault_of_sha256)
