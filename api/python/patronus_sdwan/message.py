"""The base of every model: a message of the schema as a pydantic model, a resource as a message with a name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Generic, Self, TypeVar

from pydantic import BaseModel, ConfigDict, model_validator

from . import rules

UNRECOGNIZED = "UNRECOGNIZED_"
R = TypeVar("R")


class OpenEnum(StrEnum):
    """An enum that newer servers may extend: an unknown number N reads as UNRECOGNIZED_N, and is sent back as N."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str) or not value.removeprefix(UNRECOGNIZED).lstrip("-").isdigit():
            return None
        if not value.startswith(UNRECOGNIZED):
            return None
        member = str.__new__(cls, value)
        member._name_ = value
        member._value_ = value
        return member

    @property
    def is_unspecified(self) -> bool:
        """True of the enum's zero, which means "not set"."""
        return self is next(iter(type(self)))


class Message(BaseModel):
    """A message. Assignment is checked; what a server sends is taken as it is, so that a newer one is understood."""

    model_config = ConfigDict(
        extra="forbid",
        validate_assignment=True,
        use_attribute_docstrings=True,
        protected_namespaces=(),
        ser_json_timedelta="float",
    )

    PROTO: ClassVar[str] = ""
    """Full name in the schema."""
    ONEOFS: ClassVar[tuple[tuple[str, ...], ...]] = ()
    """Groups of fields of which at most one is set."""

    @model_validator(mode="after")
    def check_oneofs(self) -> Self:
        """At most one of each group."""
        for group in self.ONEOFS:
            there = [name for name in group if getattr(self, name) is not None]
            if len(there) > 1:
                raise ValueError(f"only one of {', '.join(group)} may be set; {' and '.join(there)} are")
        return self

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """A secret is not printed with the rest, whatever prints it: a log, a traceback, a debugger."""
        secret = type(self).fields_with(rules.Secret)
        for name, value in super().__repr_args__():
            yield name, "..." if name in secret and value else value

    @classmethod
    def fields_with(cls, rule: type) -> set[str]:
        """Names of the fields that carry a rule, for example `fields_with(rules.Output)`."""
        return {name for name, info in cls.model_fields.items() if any(isinstance(m, rule) for m in info.metadata)}

    @classmethod
    def check_field(cls, name: str, value: Any) -> Any:
        """One value by the rules of its field; pydantic.ValidationError when it breaks one."""
        blank = cls.model_construct()
        cls.__pydantic_validator__.validate_assignment(blank, name, value)
        return getattr(blank, name)


@dataclass(frozen=True)
class Kind:
    """What the schema says of a kind of resource."""

    singular: str
    plural: str
    pattern: str
    """With a star for each id: "organizations/*/sites/*"."""
    view: bool
    columns: tuple[str, ...]
    methods: Mapping[str, str]
    """Path of each standard method that there is, by verb: create, get, list, update, delete."""


class Resource(Message):
    """A resource: a message with a name, an etag and a revision."""

    KIND: ClassVar[Kind]

    name: str
    """Its name, from the top: organizations/acme/sites/nyc."""
    etag: Annotated[str, rules.Output()] = ""
    """Digest of the user's fields."""

    @classmethod
    def settable(cls) -> list[str]:
        """Fields that a user sets, in order; without the name."""
        output = cls.fields_with(rules.Output)
        return [name for name in cls.model_fields if name not in output and name != "name"]

    @property
    def id(self) -> str:
        """Last segment of the name."""
        return self.name.rsplit("/", 1)[-1]

    @property
    def parent(self) -> str:
        """Name of the resource above; "" at the top."""
        return parent_of(self.name)


def parent_of(name: str) -> str:
    """Name of the resource above; "" at the top."""
    return "/".join(name.split("/")[:-2])


@dataclass(frozen=True)
class Page(Generic[R]):
    """One page of a list."""

    resources: list[R]
    next_page_token: str
    revision: int
