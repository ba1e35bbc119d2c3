"""The schema as the generators see it: kinds, messages, enums and public methods with their rules and comments.

It is read from the descriptor set that api/tools/generate makes of the same .proto files as the server's, so that
nothing about a kind is written down twice. The custom options are read by a message class made from the descriptor set
itself: no generated code is needed, and protoc's version does not matter.
"""

from __future__ import annotations

import pathlib
import re
from dataclasses import dataclass, field
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

ROOT = pathlib.Path(__file__).resolve().parents[3]
PACKAGE = "patronus.v1"
TYPES = descriptor_pb2.FieldDescriptorProto
WELL_KNOWN = {
    "google.protobuf.Timestamp": "timestamp",
    "google.protobuf.Duration": "duration",
    "google.protobuf.FieldMask": "mask",
    "google.protobuf.Any": "any",
}
SCALARS = {
    TYPES.TYPE_STRING: "string",
    TYPES.TYPE_BYTES: "bytes",
    TYPES.TYPE_BOOL: "bool",
    TYPES.TYPE_FLOAT: "float",
    TYPES.TYPE_DOUBLE: "float",
}
INTEGERS = {
    TYPES.TYPE_INT32: (32, True),
    TYPES.TYPE_SINT32: (32, True),
    TYPES.TYPE_SFIXED32: (32, True),
    TYPES.TYPE_INT64: (64, True),
    TYPES.TYPE_SINT64: (64, True),
    TYPES.TYPE_SFIXED64: (64, True),
    TYPES.TYPE_UINT32: (32, False),
    TYPES.TYPE_FIXED32: (32, False),
    TYPES.TYPE_UINT64: (64, False),
    TYPES.TYPE_FIXED64: (64, False),
}
SIZE_DEFAULT = 1024
ITEMS_DEFAULT = 64


@dataclass
class Field:
    """One field. `kind` is string, bytes, bool, float, int, enum, message, timestamp, duration, mask or any."""

    name: str
    number: int
    kind: str
    comment: str
    rules: Any
    repeated: bool = False
    optional: bool = False
    oneof: str = ""
    bits: int = 0
    signed: bool = False
    type: str = ""  # short name of the enum or message
    key: Field | None = None  # of a map: kind is then the value's

    @property
    def output(self) -> bool:
        return bool(self.rules.output)

    @property
    def size_max(self) -> int:
        return self.rules.max_size or SIZE_DEFAULT

    @property
    def items_max(self) -> int:
        return self.rules.max_items or ITEMS_DEFAULT

    @property
    def range(self) -> tuple[int, int] | None:
        if self.rules.has_range:
            return self.rules.min, self.rules.max
        return None


@dataclass
class Enum:
    name: str
    comment: str
    values: list[tuple[str, int, str]]  # name, number, comment


@dataclass
class Message:
    name: str
    file: str
    comment: str
    fields: list[Field]
    resource: Any = None

    @property
    def settable(self) -> list[Field]:
        return [f for f in self.fields if not f.output and f.name != "name"]


@dataclass
class Method:
    name: str
    service: str
    path: str
    comment: str
    input: str
    output: str
    streams: bool  # the reply
    takes_stream: bool  # the request
    access: Any
    kind: str = ""  # message name of the kind, for the five standard methods
    verb: str = ""  # create, get, list, update, delete; "" for others


@dataclass
class Schema:
    messages: dict[str, Message] = field(default_factory=dict)
    enums: dict[str, Enum] = field(default_factory=dict)
    methods: list[Method] = field(default_factory=list)
    files: list[str] = field(default_factory=list)  # those that clients need, dependencies first
    protos: dict[str, Any] = field(default_factory=dict)
    enum_file: dict[str, str] = field(default_factory=dict)

    @property
    def kinds(self) -> list[Message]:
        """Every kind that has a public method, by kind id."""
        public = {m.kind for m in self.methods if m.kind}
        found = [m for m in self.messages.values() if m.resource is not None and m.name in public]
        return sorted(found, key=lambda m: m.resource.kind_id)

    def by_singular(self, singular: str) -> Message:
        return next(m for m in self.messages.values() if m.resource is not None and m.resource.singular == singular)

    def pattern(self, kind: Message) -> list[tuple[str, str]]:
        """Collection and variable of each level: [("organizations", "organization"), ("sites", "site")]."""
        above = self.pattern(self.by_singular(kind.resource.parent)) if kind.resource.parent else []
        return [*above, (kind.resource.plural, snake(kind.resource.singular))]

    def verbs(self, kind: Message) -> list[str]:
        return [m.verb for m in self.methods if m.kind == kind.name]

    def writable(self, kind: Message) -> bool:
        """A kind that clients change: it need not have every one of the methods for that."""
        return bool({"create", "update", "delete"} & set(self.verbs(kind)))

    def reachable(self) -> list[Message]:
        """Messages that a client shows: kinds, and what custom methods take and give; in order of declaration."""
        names: set[str] = set()
        todo = [k.name for k in self.kinds]
        for method in self.methods:
            if not method.verb and method.name != "Watch":
                todo += [method.input, method.output]
        while todo:
            name = todo.pop()
            if name in names or name not in self.messages:
                continue
            names.add(name)
            todo += [f.type for f in self.messages[name].fields if f.kind == "message"]
        return [m for m in self.messages.values() if m.name in names]


def snake(name: str) -> str:
    """steeringPolicy, SteeringPolicy -> steering_policy."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def camel(name: str) -> str:
    """steering_policy -> steeringPolicy."""
    head, *tail = name.split("_")
    return head + "".join(part[:1].upper() + part[1:] for part in tail)


def parse_set(data: bytes) -> Any:
    """The set as a message whose options are known, by a pool that holds this very set."""
    plain = descriptor_pb2.FileDescriptorSet.FromString(data)
    pool = descriptor_pool.DescriptorPool()
    for file in plain.file:
        bare = descriptor_pb2.FileDescriptorProto()
        bare.CopyFrom(file)
        bare.ClearField("source_code_info")
        pool.AddSerializedFile(bare.SerializeToString())
    found = pool.FindMessageTypeByName("google.protobuf.FileDescriptorSet")
    parsed = message_factory.GetMessageClass(found).FromString(data)
    extensions = {name: pool.FindExtensionByName(f"{PACKAGE}.{name}") for name in ("resource", "field_rules", "access")}
    return parsed, extensions


class Reader:
    """Walks one descriptor set into a Schema."""

    def __init__(self, data: bytes) -> None:
        self.set, self.extensions = parse_set(data)
        self.schema = Schema()
        self.rules_class: Any = None

    def option(self, holder: Any, name: str) -> Any:
        extension = self.extensions[name]
        return holder.options.Extensions[extension]

    def has_option(self, holder: Any, name: str) -> bool:
        return bool(holder.HasField("options") and holder.options.HasExtension(self.extensions[name]))

    def read(self) -> Schema:
        for file in self.set.file:
            if file.package != PACKAGE:
                continue
            self.schema.protos[file.name] = file
            comments = {tuple(loc.path): clean(loc.leading_comments) for loc in file.source_code_info.location}
            for i, enum in enumerate(file.enum_type):
                self.read_enum(file.name, enum, "", (5, i), comments)
            for i, message in enumerate(file.message_type):
                self.read_message(file.name, message, "", (4, i), comments)
            for i, service in enumerate(file.service):
                self.read_service(service, (6, i), comments)
        self.order_files()
        return self.schema

    def read_enum(self, file: str, enum: Any, prefix: str, path: tuple[int, ...], comments: dict[Any, str]) -> None:
        name = prefix + enum.name
        values = [(v.name, v.number, comments.get((*path, 2, i), "")) for i, v in enumerate(enum.value)]
        self.schema.enums[name] = Enum(name, comments.get(path, ""), values)
        self.schema.enum_file[name] = file

    def read_message(
        self, file: str, message: Any, prefix: str, path: tuple[int, ...], comments: dict[Any, str]
    ) -> None:
        name = prefix + message.name
        maps = {n.name: n for n in message.nested_type if n.options.map_entry}
        for i, nested in enumerate(message.nested_type):
            if not nested.options.map_entry:
                self.read_message(file, nested, name, (*path, 3, i), comments)
        for i, nested in enumerate(message.enum_type):
            self.read_enum(file, nested, name, (*path, 4, i), comments)
        fields = [
            self.read_field(message, f, maps, comments.get((*path, 2, i), "")) for i, f in enumerate(message.field)
        ]
        found = Message(name, file, comments.get(path, ""), fields)
        if self.has_option(message, "resource"):
            found.resource = self.option(message, "resource")
        self.schema.messages[name] = found

    def read_field(self, message: Any, proto: Any, maps: dict[str, Any], comment: str) -> Field:
        rules = self.option(proto, "field_rules")
        entry = maps.get(proto.type_name.rsplit(".", 1)[-1]) if proto.type == TYPES.TYPE_MESSAGE else None
        if entry is not None:
            found = self.read_field(message, entry.field[1], {}, comment)
            found.name, found.number, found.rules = proto.name, proto.number, rules
            found.key = self.read_field(message, entry.field[0], {}, "")
            return found
        found = Field(proto.name, proto.number, "", comment, rules)
        found.repeated = proto.label == TYPES.LABEL_REPEATED
        found.optional = proto.proto3_optional
        if proto.HasField("oneof_index") and not proto.proto3_optional:
            found.oneof = message.oneof_decl[proto.oneof_index].name
        if proto.type in SCALARS:
            found.kind = SCALARS[proto.type]
        elif proto.type in INTEGERS:
            found.kind = "int"
            found.bits, found.signed = INTEGERS[proto.type]
        elif proto.type == TYPES.TYPE_ENUM:
            found.kind, found.type = "enum", short(proto.type_name)
        else:
            full = proto.type_name.lstrip(".")
            found.kind = WELL_KNOWN.get(full, "message")
            found.type = short(proto.type_name) if found.kind == "message" else ""
        return found

    def read_service(self, service: Any, path: tuple[int, ...], comments: dict[Any, str]) -> None:
        for i, method in enumerate(service.method):
            access = self.option(method, "access")
            if access.role:
                continue  # between nodes: not for clients
            found = Method(
                method.name,
                service.name,
                f"/{PACKAGE}.{service.name}/{method.name}",
                comments.get((*path, 2, i), ""),
                short(method.input_type),
                short(method.output_type),
                method.server_streaming,
                method.client_streaming,
                access,
            )
            if not self.has_option(method, "access"):
                self.find_verb(found)
            self.schema.methods.append(found)

    def find_verb(self, method: Method) -> None:
        for kind in self.schema.messages.values():
            if kind.resource is None:
                continue
            plural = kind.resource.plural[:1].upper() + kind.resource.plural[1:]
            names = {f"{verb.capitalize()}{kind.name}": verb for verb in ("create", "get", "update", "delete")}
            names[f"List{plural}"] = "list"
            if method.service == f"{kind.name}Service":
                if method.name in names:
                    method.kind, method.verb = kind.name, names[method.name]
                elif method.name.startswith("List") and any(
                    f.type == kind.name for f in self.schema.messages[method.output].fields
                ):
                    method.kind, method.verb = kind.name, "list"

    def order_files(self) -> None:
        needed: list[str] = []

        def visit(name: str) -> None:
            if name not in self.schema.protos or name in needed:
                return
            for dependency in self.schema.protos[name].dependency:
                visit(dependency)
            needed.append(name)

        services = {m.service for m in self.schema.methods}
        for name, file in self.schema.protos.items():
            if any(s.name in services for s in file.service):
                visit(name)
        self.schema.files = needed


def short(type_name: str) -> str:
    return type_name.lstrip(".").removeprefix(f"{PACKAGE}.").replace(".", "")


def clean(comment: str) -> str:
    return " ".join(line.strip() for line in comment.strip().splitlines()).strip()


def reasons() -> list[str]:
    """The documented reasons, from the one list of them."""
    text = (ROOT / "internal/base/error.h").read_text()
    table = re.search(r"#define PT_REASONS\(X\)(.*?)\n\n", text, re.S)
    assert table is not None, "internal/base/error.h no longer has PT_REASONS"
    return [name for name in re.findall(r"\bX\((\w+)\)", table.group(1)) if name != "NONE"]
