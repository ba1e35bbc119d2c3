"""Make a resource be as declared: read it, compare what is declared, write what differs; twice changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from . import core, rules
from .message import Message, Resource
from .v1.reasons import ResourceNotFound

R = TypeVar("R", bound=Resource)


@dataclass(frozen=True)
class Applied(Generic[R]):
    """Outcome of apply."""

    resource: R
    """As it is now; with validate_only as it would be."""
    action: str
    """"created", "updated" or "unchanged"."""
    before: R | None = None
    """As it was."""
    changed_fields: list[str] = field(default_factory=list)
    """Fields that were written."""

    @property
    def changed(self) -> bool:
        """True when something was, or with validate_only would be, written."""
        return self.action != "unchanged"


def differences(declared: Resource, present: Resource, fields: Sequence[str] | None = None) -> list[str]:
    """Fields that are declared (set in `declared`, or named by `fields`) and have another value in `present`."""
    wanted = [f for f in type(declared).settable() if f in (declared.model_fields_set if fields is None else fields)]
    return [f for f in wanted if not same_field(type(declared), f, getattr(declared, f), getattr(present, f))]


def same_field(model: type[Message], name: str, one: Any, two: Any) -> bool:
    """Equal by the field's rules: a set is compared without its order."""
    if any(isinstance(mark, rules.AsSet) for mark in model.model_fields[name].metadata):
        return len(one) == len(two) and all(element in two for element in one)
    return same(one, two)


def same(one: Any, two: Any) -> bool:
    """Equal as the server sees it: a field that is not set equals its default; sets at any depth have no order."""
    if isinstance(one, Message) and isinstance(two, Message):
        return type(one) is type(two) and all(
            same_field(type(one), name, getattr(one, name), getattr(two, name))
            for name in type(one).model_fields
            if name not in type(one).fields_with(rules.Output)
        )
    if isinstance(one, list) and isinstance(two, list):
        return len(one) == len(two) and all(same(a, b) for a, b in zip(one, two, strict=True))
    if isinstance(one, dict) and isinstance(two, dict):
        return one.keys() == two.keys() and all(same(value, two[key]) for key, value in one.items())
    return bool(one == two)


def apply(session: core.Session, resource: R, validate_only: bool, timeout: float | None) -> core.Steps:
    """See Collection.apply."""
    kind = type(resource)
    try:
        present = yield from core.get(session, kind, core.name_of(resource), False, timeout)
    except ResourceNotFound:
        made = yield from core.create(session, resource, "", validate_only, timeout)
        return Applied(made, "created", None, [f for f in kind.settable() if f in resource.model_fields_set])
    changed = differences(resource, present)
    if not changed:
        return Applied(present, "unchanged", present)
    name = core.name_of(resource)
    patch = {f: getattr(resource, f) for f in changed}
    target = kind.model_construct(_fields_set={"name", *changed}, **{**patch, "name": name})
    flags = {"validate_only": validate_only}
    after = yield from core.update(session, kind, target, None, present.etag, changed, flags, timeout)
    return Applied(after, "updated", present, changed)
