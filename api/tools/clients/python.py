"""The Python SDK's generated part: api/python/patronus_sdwan/v1."""

from __future__ import annotations

import keyword
import subprocess
import sys
import textwrap

from google.protobuf import descriptor_pb2

from .reasons import ADVICE
from .schema import Enum, Field, Message, Method, Schema, reasons, snake

HEAD = """\"\"\"{doc}

Generated from the schema by api/tools/generate; do not edit.
\"\"\"

from __future__ import annotations

"""
TAKEN = {
    "copy",
    "json",
    "dict",
    "schema",
    "construct",
    "validate",
    "id",
    "parent",
    "settable",
    "fields_with",
    "check_field",
    "marks",
}


def attribute(name: str) -> str:
    return name + "_" if keyword.iskeyword(name) or name in TAKEN or name.startswith("model_") else name


def docstring(text: str, indent: str) -> str:
    if not text:
        return ""
    text = text.replace("\\", "\\\\").replace('"""', "'''")
    width = 118 - len(indent)
    if len(text) + 6 <= width:
        return f'{indent}"""{text}"""\n'
    lines = textwrap.wrap(text, width - 3)
    return f'{indent}"""' + f"\n{indent}".join(lines) + f'\n{indent}"""\n'


def pattern(schema: Schema, kind: Message) -> str:
    return "/".join(f"{plural}/*" for plural, _ in schema.pattern(kind))


class Writer:
    """Writes the modules of one schema."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema

    # ---- types

    def element(self, field: Field) -> str:
        """Type of one element, with the rules that hold for each."""
        marks: list[str] = []
        base = {
            "string": "str",
            "bytes": "bytes",
            "bool": "bool",
            "float": "float",
            "int": "int",
            "timestamp": "datetime.datetime",
            "duration": "datetime.timedelta",
            "mask": "list[str]",
            "any": "Message",
        }.get(field.kind, field.type)
        if not field.output:
            if field.kind == "int":
                low, high = self.integer_range(field)
                marks.append(f"marks.Range({low}, {high}{', zero=True' if low > 0 and not field.optional else ''})")
            if field.kind in ("string", "bytes"):
                marks += self.string_marks(field)
        return f"Annotated[{base}, {', '.join(marks)}]" if marks else base

    def integer_range(self, field: Field) -> tuple[int, int]:
        if field.range is not None:
            return field.range
        if field.signed:
            return -(1 << (field.bits - 1)), (1 << (field.bits - 1)) - 1
        return 0, (1 << field.bits) - 1

    def string_marks(self, field: Field) -> list[str]:
        if field.rules.reference:
            target = self.schema.by_singular(field.rules.reference)
            return [f'marks.Matches("{pattern(self.schema, target)}")']
        marks = []
        if field.rules.format:
            names = field.rules.DESCRIPTOR.fields_by_name["format"].enum_type.values_by_number
            marks.append(f"marks.{names[field.rules.format].name}")
        return [*marks, f"marks.Size({field.size_max})"]

    def typed(self, field: Field, patch: bool = False) -> tuple[str, str]:
        """Annotation and default of a field."""
        rules, marks = field.rules, []
        element = self.element(field)
        if field.key is not None:
            base, default = f"dict[{self.element(field.key)}, {element}]", "Field(default_factory=dict)"
        elif field.repeated:
            base, default = f"list[{element}]", "Field(default_factory=list)"
        elif field.optional or field.oneof or field.kind in ("message", "timestamp", "duration", "mask", "any"):
            base, default = f"{element} | None", "None"
        else:
            base = element
            default = {"string": '""', "bytes": 'b""', "bool": "False", "float": "0.0", "int": "0"}.get(field.kind, "")
            if field.kind == "enum":
                default = f"{field.type}.{self.schema.enums[field.type].values[0][0]}"
        if patch:
            return base.removesuffix(" | None"), ""
        if rules.required and not field.output:
            base, default = base.removesuffix(" | None"), ""
            marks.append("marks.Required()")
        if (field.repeated or field.key is not None) and not field.output:
            marks.append(f"marks.Items({field.items_max})")
        if rules.set:
            marks.append("marks.AsSet()")
        for there, mark in ((rules.immutable, "Immutable"), (field.output, "Output"), (rules.secret, "Secret")):
            if there:
                marks.append(f"marks.{mark}()")
        if rules.unit:
            marks.append(f'marks.Unit("{rules.unit}")')
        if marks:
            base = f"Annotated[{base}, {', '.join(marks)}]"
        return base, default

    # ---- models

    def enum(self, enum: Enum) -> str:
        text = f"class {enum.name}(OpenEnum):\n" + (docstring(enum.comment, "    ") or "") + "\n"
        for name, _, comment in enum.values:
            text += f'    {name} = "{name}"\n' + docstring(comment, "    ")
        return text + "\n\n"

    def model(self, message: Message) -> str:
        resource = message.resource
        text = f"class {message.name}({'Resource' if resource is not None else 'Message'}):\n"
        text += docstring(message.comment, "    ") + "\n"
        text += f'    PROTO: ClassVar[str] = "patronus.v1.{message.name}"\n'
        groups: dict[str, list[str]] = {}
        for field in message.fields:
            if field.oneof:
                groups.setdefault(field.oneof, []).append(attribute(field.name))
        if groups:
            text += (
                f"    ONEOFS: ClassVar[tuple[tuple[str, ...], ...]] = {tuple(tuple(g) for g in groups.values())!r}\n"
            )
        if resource is not None:
            methods = {m.verb: m.path for m in self.schema.methods if m.kind == message.name}
            text += f"    KIND: ClassVar[Kind] = Kind(singular={resource.singular!r}, plural={resource.plural!r}, "
            text += f"pattern={pattern(self.schema, message)!r}, view={resource.view}, "
            text += f"columns={tuple(resource.columns)!r}, methods={methods!r})\n"
        text += "\n"
        for field in sorted(message.fields, key=lambda f: not (f.name == "name" or self.typed(f)[1] == "")):
            text += self.member(message, field)
        if resource is not None:
            text += self.namer(message)
        return text + "\n\n"

    def member(self, message: Message, field: Field) -> str:
        annotation, default = self.typed(field)
        if message.resource is not None and field.name == "name":
            annotation = (
                f'Annotated[str, marks.Matches("{pattern(self.schema, message)}", optional=False), marks.Immutable()]'
            )
            default = ""
        unit = f" ({field.rules.unit})" if field.rules.unit and field.rules.unit not in field.comment else ""
        value = f" = {default}" if default else ""
        return f"    {attribute(field.name)}: {annotation}{value}\n" + docstring(field.comment + unit, "    ")

    def namer(self, message: Message) -> str:
        levels = self.schema.pattern(message)
        arguments = ", ".join(f"{attribute(variable)}: str" for _, variable in levels)
        path = "/".join(f"{plural}/{{{attribute(variable)}}}" for plural, variable in levels)
        return (
            f"\n    @staticmethod\n    def resource_name({arguments}) -> str:\n"
            f'        """The name of a {message.resource.singular} from its ids."""\n        return f"{path}"\n'
        )

    def patch(self, message: Message) -> str:
        fields = [f for f in message.settable if not f.rules.immutable]
        text = f"class {message.name}Patch(TypedDict, total=False):\n"
        text += docstring(f"Fields of {message.name} to change; None clears one.", "    ") + "\n"
        for field in fields:
            text += f"    {attribute(field.name)}: {self.typed(field, patch=True)[0]} | None\n" + docstring(
                field.comment, "    "
            )
        return text + "\n\n"

    def modules(self) -> dict[str, str]:
        """Text of each file."""
        messages = self.schema.reachable()
        used = {f.type for m in messages for f in m.fields if f.kind == "enum"}
        files: dict[str, str] = {}
        homes: dict[str, str] = {}
        for proto in self.schema.files:
            stem = proto.rsplit("/", 1)[1].removesuffix(".proto")
            own_enums = [e for n, e in self.schema.enums.items() if self.schema.enum_file[n] == proto and n in used]
            own = [m for m in messages if m.file == proto]
            if not own and not own_enums:
                continue
            homes.update({e.name: stem for e in own_enums} | {m.name: stem for m in own})
            body = "".join(self.enum(e) for e in own_enums)
            for message in own:
                body += self.model(message)
                if message.resource is not None and self.schema.writable(message):
                    body += self.patch(message)
                    homes[message.name + "Patch"] = stem
            doc = clean_head(self.schema.protos[proto])
            imports = (
                "import datetime\nfrom typing import Annotated, ClassVar, TypedDict\n\nfrom pydantic import Field\n\n"
            )
            imports += "from .. import rules as marks\nfrom ..message import Kind, Message, OpenEnum, Resource\n"
            others = sorted({f.type for m in own for f in m.fields if f.type in homes and homes[f.type] != stem})
            for name in others:
                imports += f"from .{homes[name]} import {name}\n"
            files[f"{stem}.py"] = HEAD.format(doc=doc) + imports + "\n\n" + body
        files["reasons.py"] = self.reasons()
        files["__init__.py"] = self.init(homes, used)
        for stem, aio in (("sync", False), ("aio", True)):
            files[f"{stem}.py"] = self.client(aio)
            files[f"{stem}_methods.py"] = self.services(aio)
        return files

    def reasons(self) -> str:
        text = HEAD.format(doc="One exception per documented reason.") + "from ..errors import PatronusError\n\n\n"
        names = reasons()
        for reason in names:
            meaning, advice = ADVICE.get(reason, ("The call was refused for this reason.", ""))
            text += f"class {class_of(reason)}(PatronusError):\n" + docstring(meaning, "    ")
            text += f'\n    REASON = "{reason}"\n' + (f"    ADVICE = {advice!r}\n" if advice else "") + "\n\n"
        text += "BY_REASON: dict[str, type[PatronusError]] = {\n"
        text += "".join(f'    "{reason}": {class_of(reason)},\n' for reason in names) + "}\n\n"
        return text + "__all__ = [" + ", ".join(f'"{class_of(reason)}"' for reason in sorted(names)) + "]\n"

    def init(self, homes: dict[str, str], used: set[str]) -> str:
        text = HEAD.format(doc="Every model and enum of patronus.v1.") + "from ..message import Message, OpenEnum\n"
        for stem in sorted(set(homes.values())):
            text += f"from .{stem} import {', '.join(sorted(n for n, s in homes.items() if s == stem))}\n"
        enums = sorted(n for n in homes if n in used)
        models = sorted(n for n in homes if n not in used and not n.endswith("Patch"))
        text += "\nMODELS: tuple[type[Message], ...] = (" + "".join(f"{n}, " for n in models) + ")\n"
        text += "ENUMS: tuple[type[OpenEnum], ...] = (" + "".join(f"{n}, " for n in enums) + ")\n\n"
        return text + "__all__ = [" + ", ".join(f'"{n}"' for n in sorted(["MODELS", "ENUMS", *homes])) + "]\n"

    # ---- services

    def head(self, aio: bool, doc: str) -> str:
        """Of a module of classes for one colour; the formatter drops the imports that it does not need."""
        color, base = ("Async", "aio") if aio else ("", "sync")
        text = HEAD.format(doc=doc) + f"from collections.abc import {'AsyncIterator' if aio else 'Iterator'}, Mapping\n"
        text += "from typing import ClassVar\n\nimport datetime\nfrom .. import v1 as m\n"
        text += f"from ..{base} import {color}BaseClient, {color}Collection, {color}ReadCollection, {color}Service\n"
        return text + f"from ..message import Message, Resource\nfrom ..transport import {color}Requests\n"

    def services(self, aio: bool) -> str:
        """The services that are no kind's."""
        text = self.head(aio, f"Methods of services that are no kind's{', with await' if aio else ''}.") + "\n\n"
        return text + "".join(self.service_class(s, "Async" if aio else "")[2] for s in self.other_services())

    def client(self, aio: bool) -> str:
        color = "Async" if aio else ""
        client = f"{color}Client"
        text = self.head(aio, "The client with await." if aio else "The blocking client.")
        services = [self.service_class(s, color) for s in self.other_services()]
        text += f"from .{'aio' if aio else 'sync'}_methods import {', '.join(cls for _, cls, _ in services)}\n\n\n"
        members: list[tuple[str, str, str]] = []
        for kind in self.schema.kinds:
            members.append(self.collection_class(kind, color))
            text += members[-1][2]
        members += services
        text += "" if aio else self.method_table()  # of both
        text += f"class {client}({color}BaseClient):\n"
        text += f'    """{"A connection to a cluster, with await." if aio else "A connection to a cluster."}"""\n\n'
        text += "    COLLECTIONS: ClassVar[Mapping[type[Resource], str]] = {\n"
        for kind in self.schema.kinds:
            text += f'        m.{kind.name}: "{accessor(kind)}",\n'
        text += "    }\n\n"
        for name, cls, _ in members:
            text += f"    @property\n    def {name}(self) -> {cls}:\n"
            text += f'        """{doc_of(self.schema, cls)}"""\n        return {cls}(self._driver)\n\n'
        return text

    def method_table(self) -> str:
        """Methods beside the standard ones, for code that is generic over them."""
        text = "METHODS: dict[str, tuple[str, str, str, bool, bool]] = {\n"
        homes = {f"{k.name}Service": accessor(k) for k in self.schema.kinds}
        for m in self.schema.methods:
            if not m.verb and m.name != "Watch":
                home = homes.get(m.service, snake(m.service.removesuffix("Service")))
                reads = m.name.startswith(("Get", "List")) or (m.streams and not m.takes_stream)
                text += f'    "{m.service}.{m.name}": ("{home}", "{snake(m.name)}", "{m.input}", '
                text += f"{reads}, {m.takes_stream}),\n"
        about = "By service and method: collection, method, request, whether it only reads, whether it takes a stream."
        return text + f'}}\n"""{about}"""\n\n\n'

    def other_services(self) -> list[str]:
        kinds = {f"{k.name}Service" for k in self.schema.kinds}
        return sorted({m.service for m in self.schema.methods if m.service not in kinds and m.name != "Watch"})

    def collection_class(self, kind: Message, color: str) -> tuple[str, str, str]:
        cls = color + "".join(part.capitalize() for part in accessor(kind).split("_"))
        whole = self.schema.writable(kind)
        base = (
            f"{color}Collection[m.{kind.name}, m.{kind.name}Patch]"
            if whole
            else f"{color}ReadCollection[m.{kind.name}]"
        )
        text = f"class {cls}({base}):\n" + docstring(f"Access to {kind.resource.plural}.", "    ")
        text += f"\n    kind = m.{kind.name}\n"
        text += self.custom_methods(f"{kind.name}Service", color)
        return accessor(kind), cls, text + "\n\n"

    def service_class(self, service: str, color: str) -> tuple[str, str, str]:
        name = service.removesuffix("Service")
        cls = color + name + "Methods"
        text = f"class {cls}({color}Service):\n" + docstring(f"Methods of {service}.", "    ")
        return snake(name), cls, text + self.custom_methods(service, color) + "\n\n"

    def custom_methods(self, service: str, color: str) -> str:
        found = [m for m in self.schema.methods if m.service == service and not m.verb and m.name != "Watch"]
        return "".join(self.custom_method(m, color) for m in found)

    def custom_method(self, method: Method, color: str) -> str:
        fields = self.schema.messages[method.input].fields
        arguments, given = "", ""
        for field in fields:
            annotation, default = self.typed(field)
            plain = self.plain(field)
            arguments += f", {attribute(field.name)}: {plain}" + (
                "" if field.rules.required else self.default(field, default)
            )
            empty = " or {}" if field.key is not None else " or []" if field.repeated else ""
            given += f"{attribute(field.name)}={attribute(field.name)}{empty}, "
        given = given.removesuffix(", ")  # a comma at the end would give each argument a line
        star = ", *"
        result = f"m.{method.output}"
        if method.streams:
            result = f"{'Async' if color else ''}Iterator[{result}]"
        head = "async def" if color and not method.streams else "def"
        call = "self._stream" if method.streams else ("await self._call" if color else "self._call")
        text = f"\n    {head} {snake(method.name)}(self{star}{arguments}, timeout: float | None = None) -> {result}:\n"
        text += docstring(method.comment, "        ")
        if method.takes_stream:
            call = "await self._upload" if color else "self._upload"
            text = f"\n    {head} {snake(method.name)}(self, requests: {color}Requests[m.{method.input}], *, "
            text += f"timeout: float | None = None) -> {result}:\n" + docstring(method.comment, "        ")
            return text + f'        return {call}("{method.path}", requests, m.{method.output}, timeout)\n'
        return text + (
            f'        request = m.{method.input}({given})\n        return {call}("{method.path}", request, '
            f"m.{method.output}, timeout)\n"
        )

    def plain(self, field: Field) -> str:
        """Annotation of an argument: the type without its rules."""
        base = {
            "string": "str",
            "bytes": "bytes",
            "bool": "bool",
            "float": "float",
            "int": "int",
            "timestamp": "datetime.datetime",
            "duration": "datetime.timedelta",
            "mask": "list[str]",
            "any": "Message",
        }.get(field.kind, f"m.{field.type}")
        if field.key is not None:
            return f"dict[{self.plain(field.key)}, {base}] | None"
        if field.repeated:
            return f"list[{base}] | None"
        optional = field.optional or field.oneof or field.kind in ("message", "timestamp", "duration", "mask", "any")
        return f"{base} | None" if optional else base

    def default(self, field: Field, default: str) -> str:
        if field.repeated or field.key is not None:
            return " = None"
        return f" = {'m.' if field.kind == 'enum' else ''}{default}"

    def descriptor_set(self) -> bytes:
        """The schema for use at run time: without comments, in a stable form."""
        result = descriptor_pb2.FileDescriptorSet()
        for name in self.schema.files:
            file = descriptor_pb2.FileDescriptorProto.FromString(self.schema.protos[name].SerializeToString())
            file.ClearField("source_code_info")
            for message in file.message_type:  # the rules stand in the models
                message.ClearField("options")
                for field in message.field:
                    field.ClearField("options")
            result.file.append(file)
        return result.SerializeToString(deterministic=True)


def accessor(kind: Message) -> str:
    """Name of a kind's collection in a client: its plural, told apart by the front of its singular."""
    singular, plural = snake(kind.resource.singular).split("_"), snake(kind.resource.plural).split("_")
    return "_".join([*singular[: len(singular) - len(plural)], *plural])


def class_of(reason: str) -> str:
    return "".join(part.capitalize() for part in reason.split("_"))


def clean_head(proto: object) -> str:
    """First sentence of the file's comment."""
    for location in proto.source_code_info.location:  # type: ignore[attr-defined]
        if list(location.path) == [12] and location.leading_comments:
            return " ".join(location.leading_comments.split())
    return "Part of the schema."


def doc_of(schema: Schema, cls: str) -> str:
    name = cls.removeprefix("Async")
    for kind in schema.kinds:
        if name == "".join(part.capitalize() for part in accessor(kind).split("_")):
            return kind.comment.split(". ")[0].rstrip(".").replace('"', "'") + "."
    return f"Methods of {name.removesuffix('Methods')}Service."


def generate(schema: Schema) -> dict[str, bytes]:
    """Every file below api/python/patronus_sdwan/v1, formatted."""
    writer = Writer(schema)
    files = {name: formatted(text) for name, text in writer.modules().items()}
    files["schema.binpb"] = writer.descriptor_set()
    return {f"api/python/patronus_sdwan/v1/{name}": data for name, data in files.items()}


def formatted(text: str) -> bytes:
    """By ruff, which also drops imports that a module does not need."""
    ruff = [sys.executable, "-m", "ruff"]
    common = ["--quiet", "--config", "line-length=120", "--stdin-filename", "x.py"]
    fixed = subprocess.run(
        [*ruff, "check", "--fix", "--select", "F401,I", *common, "-"],
        input=text.encode(),
        capture_output=True,
        check=True,
    ).stdout
    return subprocess.run([*ruff, "format", *common, "-"], input=fixed, capture_output=True, check=True).stdout
