"""Between models and protobuf messages, by the schema's descriptors alone.

The descriptor set travels with the package, and message classes are made from it in a pool of our own: no generated
protobuf code, no dependency on protoc's version, no clash with anybody else's copy of the schema.
"""

from __future__ import annotations

import datetime
import functools
import importlib.resources
from collections.abc import Iterable
from typing import Any, TypeVar, cast

from google.protobuf import (
    any_pb2,
    descriptor_pb2,
    descriptor_pool,
    duration_pb2,
    empty_pb2,
    field_mask_pb2,
    message_factory,
    timestamp_pb2,
)

from .message import UNRECOGNIZED, Message, OpenEnum

M = TypeVar("M", bound=Message)
PACKAGE = "patronus.v1"
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


@functools.cache
def pool() -> Any:
    """The schema, and the well-known types that it uses."""
    made = descriptor_pool.DescriptorPool()
    for module in (descriptor_pb2, any_pb2, duration_pb2, empty_pb2, field_mask_pb2, timestamp_pb2):
        made.AddSerializedFile(module.DESCRIPTOR.serialized_pb)
    data = importlib.resources.files("patronus_sdwan.v1").joinpath("schema.binpb").read_bytes()
    for file in descriptor_pb2.FileDescriptorSet.FromString(data).file:
        made.AddSerializedFile(file.SerializeToString())
    return made


@functools.cache
def message_class(name: str) -> Any:
    """The protobuf class of a message by its full name."""
    return message_factory.GetMessageClass(pool().FindMessageTypeByName(name))


@functools.cache
def method(path: str) -> tuple[Any, Any, bool]:
    """Classes of request and reply of "/package.Service/Method", and whether the reply is a stream."""
    service, _, name = path.lstrip("/").rpartition("/")
    found = pool().FindMethodByName(f"{service}.{name}")
    return (
        message_factory.GetMessageClass(found.input_type),
        message_factory.GetMessageClass(found.output_type),
        bool(found.server_streaming),
    )


@functools.cache
def models() -> dict[str, type[Message]]:
    """Every model by the full name of its message."""
    from .v1 import MODELS

    return {model.PROTO: model for model in MODELS}


@functools.cache
def enums() -> dict[str, type[OpenEnum]]:
    """Every enum by its full name."""
    from .v1 import ENUMS

    return {f"{PACKAGE}.{enum.__name__}": enum for enum in ENUMS}


def attribute(model: type[Message], field: str) -> str:
    """Name of a field in the model: that of the schema, with a "_" behind a word that Python keeps for itself."""
    return field if field in model.model_fields else field + "_"


# ---- from protobuf


def from_proto(message: Any, model: type[M]) -> M:
    """The model of a message. Nothing is checked: what the server says holds."""
    values: dict[str, Any] = {}
    set_fields = set()
    for field in message.DESCRIPTOR.fields:
        name = attribute(model, field.name)
        if name not in model.model_fields:
            continue  # a message of a newer schema
        there = message.HasField(field.name) if field.has_presence else bool(getattr(message, field.name))
        if there:
            set_fields.add(name)
        if there or model.model_fields[name].is_required():  # what the user must set, a server may leave out
            values[name] = read(field, getattr(message, field.name)) if there or not field.has_presence else None
    return cast(M, model.model_construct(_fields_set=set_fields, **values))


def read(field: Any, value: Any) -> Any:
    """A field's value as the model holds it."""
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        of = field.message_type.fields_by_name["value"]
        return {key: read_one(of, value[key]) for key in sorted(value)}
    if field.is_repeated:
        return [read_one(field, element) for element in value]
    return read_one(field, value)


def read_one(field: Any, value: Any) -> Any:
    if field.enum_type is not None:
        found = field.enum_type.values_by_number.get(value)
        return enums()[field.enum_type.full_name](found.name if found is not None else f"{UNRECOGNIZED}{value}")
    if field.message_type is None:
        return value
    match field.message_type.full_name:
        case "google.protobuf.Timestamp":
            return EPOCH + datetime.timedelta(seconds=value.seconds, microseconds=value.nanos // 1000)
        case "google.protobuf.Duration":
            return datetime.timedelta(seconds=value.seconds, microseconds=value.nanos / 1000)
        case "google.protobuf.FieldMask":
            return list(value.paths)
        case "google.protobuf.Any":
            return open_any(value)
        case name:
            return from_proto(value, models()[name])


def open_any(value: Any) -> Message | None:
    """What an Any holds; None for nothing, or for a kind that this version does not know."""
    name = value.type_url.rsplit("/", 1)[-1]
    if name not in models():
        return None
    return from_proto(message_class(name).FromString(value.value), models()[name])


# ---- to protobuf


def to_proto(model: Message, fields: Iterable[str] | None = None) -> Any:
    """The message of a model; with `fields`, of those only."""
    message = message_class(type(model).PROTO)()
    for field in message.DESCRIPTOR.fields:
        name = attribute(type(model), field.name)
        if fields is None or name in fields:
            write(message, field, getattr(model, name))
    return message


def write(message: Any, field: Any, value: Any) -> None:
    """Set one field from what the model holds."""
    if value is None:
        return
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        of = field.message_type.fields_by_name["value"]
        target = getattr(message, field.name)
        for key, element in value.items():
            if of.message_type is None:
                target[key] = write_one(of, element)
            else:
                target[key].CopyFrom(write_one(of, element))
    elif field.is_repeated:
        getattr(message, field.name).extend(write_one(field, element) for element in value)
    elif field.message_type is not None:
        getattr(message, field.name).CopyFrom(write_one(field, value))
    else:
        setattr(message, field.name, write_one(field, value))


def write_one(field: Any, value: Any) -> Any:
    if field.enum_type is not None:
        text = str(value)
        if text.startswith(UNRECOGNIZED):
            return int(text.removeprefix(UNRECOGNIZED))
        return field.enum_type.values_by_name[text].number
    if field.message_type is None:
        return value
    name = field.message_type.full_name
    match name:
        case "google.protobuf.Timestamp":
            aware = value if value.tzinfo is not None else value.replace(tzinfo=datetime.UTC)
            seconds, micros = divmod((aware - EPOCH) // datetime.timedelta(microseconds=1), 1_000_000)
            return message_class(name)(seconds=seconds, nanos=micros * 1000)
        case "google.protobuf.Duration":
            micros = value // datetime.timedelta(microseconds=1)
            sign = -1 if micros < 0 else 1
            seconds, rest = divmod(abs(micros), 1_000_000)
            return message_class(name)(seconds=sign * seconds, nanos=sign * rest * 1000)
        case "google.protobuf.FieldMask":
            return message_class(name)(paths=value)
        case "google.protobuf.Any":
            packed = message_class(name)()
            packed.Pack(to_proto(value))
            return packed
        case _:
            return to_proto(value)
