"""The generated part of the JavaScript SDK: api/javascript/src/v1."""

from __future__ import annotations

import base64
import json

from .python import Writer as PythonWriter
from .python import accessor, class_of, clean_head, pattern
from .reasons import ADVICE
from .schema import Enum, Field, Message, Method, Schema, camel, reasons

LINE = 1000  # of the descriptor set: data, which nobody reads by line
HEAD = "/** {doc} Generated from the schema by api/tools/generate; do not edit. */\n"
SCALARS = {
    "string": "string",
    "bytes": "Uint8Array",
    "bool": "boolean",
    "float": "number",
    "timestamp": "Date",
    "duration": "number",
    "mask": "string[]",
    "any": "AnyResource",
}
NOTES = {"duration": "Seconds."}


def comment(text: str, indent: str = "") -> str:
    """A doc comment, broken at 118 columns."""
    text = text.replace("*/", "* /")
    if not text:
        return ""
    if len(indent) + len(text) + 7 <= 118:
        return f"{indent}/** {text} */\n"
    lines, line = [], ""
    for word in text.split():
        if line and len(indent) + len(line) + len(word) + 4 > 118:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    return f"{indent}/**\n" + "".join(f"{indent} * {one}\n" for one in [*lines, line]) + f"{indent} */\n"


class Writer:
    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.messages = schema.reachable()

    def element(self, field: Field, given: bool = False) -> str:
        """Type of one element; `given` for what a program writes, where numbers may stand for bigints."""
        if field.kind == "int":
            wide = field.bits == 64
            return ("bigint | number" if given else "bigint") if wide else "number"
        if field.kind == "message":
            return field.type + ("Init" if given else "")
        return SCALARS.get(field.kind, field.type)

    def type(self, field: Field, given: bool = False) -> str:
        element = self.element(field, given)
        if field.key is not None:
            return f"Record<string, {element}>"
        if field.repeated:
            return (
                f"readonly ({element})[]" if " " in element and given else f"{'readonly ' if given else ''}{element}[]"
            )
        return element

    def may_lack(self, field: Field) -> bool:
        """A field that a message need not hold when it is read."""
        plain = not field.repeated and field.key is None
        return plain and (
            field.optional or bool(field.oneof) or field.kind in ("message", "timestamp", "duration", "mask", "any")
        )

    def text(self, field: Field) -> str:
        parts = [field.comment, NOTES.get(field.kind, "")]
        if field.range is not None:
            parts.append(
                f"From {field.range[0]} to {field.range[1]}{' ' + field.rules.unit if field.rules.unit else ''}."
            )
        if field.rules.reference:
            parts.append(f"Name of a {field.rules.reference}.")
        if field.rules.set:
            parts.append("The order carries no meaning.")
        if field.rules.immutable and field.name != "name":
            parts.append("Fixed at creation.")
        return " ".join(part for part in parts if part)

    def enum(self, enum: Enum) -> str:
        names = "".join(f' | "{name}"' for name, _, _ in enum.values)
        texts = "; ".join(f"{name}: {text.rstrip('.')}" for name, _, text in enum.values if text)
        return (
            comment(f"{enum.comment} {texts}.") + f"export type {enum.name} ={names} | `UNRECOGNIZED_${{number}}`;\n\n"
        )

    def message(self, message: Message) -> str:
        resource = message.resource is not None
        if not message.fields:
            names = (message.name, message.name + "Init")
            return "".join(f"{comment(message.comment)}export type {n} = Record<string, never>;\n\n" for n in names)
        text = (
            comment(message.comment) + f"export interface {message.name}{' extends Resource' if resource else ''} {{\n"
        )
        for field in message.fields:
            fixed = "readonly " if field.output else ""
            lacks = "?" if self.may_lack(field) else ""
            text += comment(self.text(field), "  ") + f"  {fixed}{camel(field.name)}{lacks}: {self.type(field)};\n"
        text += "}\n\n"
        given = [f for f in message.fields if not f.output]
        text += comment(f"What a program says of a {message.name}.")
        if not given:
            return text + f"export type {message.name}Init = Record<string, never>;\n\n"
        text += f"export interface {message.name}Init {{\n"
        for field in given:
            needed = field.rules.required or (resource and field.name == "name")
            text += comment(self.text(field), "  ")
            text += f"  {camel(field.name)}{'' if needed else '?'}: {self.type(field, True)};\n"
        text += "}\n\n"
        if resource:
            fixed = [
                "name",
                *(camel(f.name) for f in message.settable if f.rules.immutable),
            ]
            names = " | ".join(f'"{name}"' for name in fixed)
            text += comment(f"Fields of {message.name} that can be changed.")
            text += f"export type {message.name}Fields = Omit<{message.name}Init, {names}>;\n\n"
        return text

    def places(self, message: Message, place: str, seen: tuple[str, ...], test) -> list[str]:  # noqa: ANN001
        """Paths of fields for which the test holds, at any depth."""
        found = []
        for field in message.fields:
            if field.output:
                continue
            here = f"{place}.{camel(field.name)}"
            if test(field):
                found.append(here)
            if field.kind == "message" and field.type not in seen:
                found += self.places(self.schema.messages[field.type], here, (*seen, field.type), test)
        return found

    def models(self) -> dict[str, str]:
        """A file for each .proto that declares something, and models.ts, through which all of them are imported."""
        used = {f.type for m in self.messages for f in m.fields if f.kind == "enum"}
        homes: dict[str, str] = {}
        enums: dict[str, list[Enum]] = {}
        messages: dict[str, list[Message]] = {}
        heads: dict[str, str] = {}
        for proto in self.schema.files:
            stem = proto.rsplit("/", 1)[1].removesuffix(".proto")
            own_enums = [e for n, e in self.schema.enums.items() if self.schema.enum_file[n] == proto and n in used]
            own = [m for m in self.messages if m.file == proto]
            if own or own_enums:
                enums[stem], messages[stem] = own_enums, own
                heads[stem] = clean_head(self.schema.protos[proto])
                homes |= {e.name: stem for e in own_enums} | {m.name: stem for m in own}
        files = {}
        for stem, about in heads.items():
            head = about.removesuffix(".").replace("*/", "* /")
            text = comment(f"{head}. Generated from the schema by api/tools/generate; do not edit.") + "\n"
            text += self.imports(stem, messages[stem], homes)
            text += "".join(self.enum(e) for e in enums[stem]) + "".join(self.message(m) for m in messages[stem])
            files[f"{stem}.ts"] = text.removesuffix("\n")
        text = HEAD.format(doc="Every message of the API as a TypeScript type.") + "\n"
        kinds = self.schema.kinds
        for stem in sorted({homes[k.name] for k in kinds}):
            named = ", ".join(sorted(k.name for k in kinds if homes[k.name] == stem))
            text += f'import type {{ {named} }} from "./{stem}.js";\n'
        text += "\n" + "".join(f'export * from "./{stem}.js";\n' for stem in sorted(heads))
        text += 'export { KINDS, OPTIONAL, SETS } from "./kinds.js";\n\n'
        text += "/** Any resource that this version knows; $kind tells which it is. */\nexport type AnyResource =\n"
        text += "".join(f'  | ({k.name} & {{ readonly $kind: "{k.name}" }})\n' for k in kinds).rstrip("\n") + ";\n"
        return {**files, "models.ts": text, "kinds.ts": self.kinds()}

    def imports(self, stem: str, own: list[Message], homes: dict[str, str]) -> str:
        """What the messages of one file take from others."""
        fields = [(m, f) for m in own for f in m.fields]
        wanted: dict[str, set[str]] = {}
        for _, field in fields:
            if field.kind in ("message", "enum") and homes[field.type] != stem:
                names = {field.type} | (
                    {field.type + "Init"} if field.kind == "message" and not field.output else set()
                )
                wanted.setdefault(homes[field.type], set()).update(names)
        text = ""
        if any(m.resource is not None for m in own):
            text += 'import type { Resource } from "../collection.js";\n'
        if any(f.kind == "any" for _, f in fields):
            text += 'import type { AnyResource } from "./models.js";\n'
        for home in sorted(wanted):
            text += f'import type {{ {", ".join(sorted(wanted[home]))} }} from "./{home}.js";\n'
        return text + ("\n" if text else "")

    def kinds(self) -> str:
        """What the code must know of each kind at run time."""
        kinds = self.schema.kinds
        text = HEAD.format(doc="Every kind, and what must be known of its fields.") + "\n"
        text += 'import type { Kind } from "../call.js";\n\n'
        text += "/** Every kind by the name of its message. */\nexport const KINDS = {\n"
        for kind in kinds:
            methods = {m.verb: m.path for m in self.schema.methods if m.kind == kind.name}
            entry = {
                "name": kind.name,
                "singular": kind.resource.singular,
                "plural": kind.resource.plural,
                "pattern": pattern(self.schema, kind),
                "view": kind.resource.view,
                "methods": methods,
                "settable": [camel(f.name) for f in kind.settable],
                "immutable": [camel(f.name) for f in kind.settable if f.rules.immutable],
            }
            text += (
                f"  {kind.name}: {{\n" + "".join(f"    {k}: {json.dumps(v)},\n" for k, v in entry.items()) + "  },\n"
            )
        text += "} as const satisfies Record<string, Kind>;\n\n"
        sets = [p for k in kinds for p in self.places(k, k.name, (), lambda f: f.rules.set)]
        optional = [p for k in kinds for p in self.places(k, k.name, (), lambda f: f.optional)]
        text += "/** Lists whose order carries no meaning. */\nexport const SETS: ReadonlySet<string> = new Set([\n"
        text += "".join(f'  "{p}",\n' for p in sets) + "]);\n\n"
        text += "/** Fields whose zero is not the same as not set. */\n"
        text += "export const OPTIONAL: ReadonlySet<string> = new Set([\n"
        return text + "".join(f'  "{p}",\n' for p in optional) + "]);\n"

    def reasons(self) -> str:
        text = HEAD.format(doc="One class per documented reason.") + "\n"
        text += 'import { PatronusError, registerReason } from "../errors.js";\n\n'
        for reason in reasons():
            meaning, advice = ADVICE.get(reason, ("The call was refused for this reason.", ""))
            text += comment(meaning) + f"export class {class_of(reason)} extends PatronusError {{}}\n"
            text += f'registerReason("{reason}", {class_of(reason)}, {json.dumps(advice)});\n\n'
        text += "/** Every documented reason. */\nexport const REASONS = [\n"
        return text + "".join(f'  "{reason}",\n' for reason in reasons()) + "] as const;\n"

    def client(self) -> str:
        kinds = self.schema.kinds
        text = HEAD.format(doc="The services of the API.") + "\n"
        text += 'import type { CallOptions, Requests, Session } from "../call.js";\n'
        text += 'import { Collection, ReadCollection, Service } from "../collection.js";\n'
        text += 'import { KINDS } from "./kinds.js";\nimport type * as m from "./models.js";\n\n'
        services: list[tuple[str, str, str]] = []  # member, class, doc
        for kind in kinds:
            service = f"{kind.name}Service"
            extra = self.customs(service)
            whole = self.schema.writable(kind)
            types = f"m.{kind.name}, m.{kind.name}Init, m.{kind.name}Fields" if whole else f"m.{kind.name}"
            base = f"{'Collection' if whole else 'ReadCollection'}<{types}>"
            name = camel(accessor(kind))
            cls = name[:1].upper() + name[1:]
            text += comment(f"Access to {kind.resource.plural}.") + f"export class {cls} extends {base} {{\n"
            text += f"  constructor(session: Session) {{\n    super(session, KINDS.{kind.name});\n  }}\n{extra}}}\n\n"
            services.append((name, cls, kind.comment.split(". ")[0].rstrip(".") + "."))
        for service in sorted({m.service for m in self.schema.methods} - {f"{k.name}Service" for k in kinds}):
            extra = self.customs(service)
            if extra:
                name = service.removesuffix("Service")
                text += (
                    comment(f"Methods of {service}.") + f"export class {name}Methods extends Service {{{extra}}}\n\n"
                )
                services.append(
                    (
                        name[:1].lower() + name[1:],
                        f"{name}Methods",
                        f"Methods of {service}.",
                    )
                )
        text += comment("Everything that the API offers, but for watch.") + "export class Services {\n"
        text += "".join(comment(doc, "  ") + f"  readonly {name}: {cls};\n" for name, cls, doc in services)
        text += "\n  constructor(session: Session) {\n"
        text += "".join(f"    this.{name} = new {cls}(session);\n" for name, cls, _ in services) + "  }\n}\n"
        text += "\n/** Member of Services for each kind, by the name of its message. */\nexport const COLLECTIONS = {\n"
        text += "".join(f'  {k.name}: "{camel(accessor(k))}",\n' for k in kinds) + "} as const;\n"
        text += "\n/** Member of Services and name there for each method that is not a standard one. */\n"
        text += "export const METHODS = {\n"
        homes = {f"{k.name}Service": camel(accessor(k)) for k in kinds}
        for method in self.schema.methods:
            if not method.verb and method.name != "Watch":
                name = method.service.removesuffix("Service")
                home = homes.get(method.service, name[:1].lower() + name[1:])
                own = method.name[:1].lower() + method.name[1:]
                text += f'  "{method.service}.{method.name}": ["{home}", "{own}"],\n'
        return text + "} as const;\n"

    def customs(self, service: str) -> str:
        found = [m for m in self.schema.methods if m.service == service and not m.verb and m.name != "Watch"]
        return "".join("\n" + self.custom(m) for m in found)

    def custom(self, method: Method) -> str:
        name = method.name[:1].lower() + method.name[1:]
        needed = any(f.rules.required for f in self.schema.messages[method.input].fields)
        request = f"request: m.{method.input}Init{'' if needed else ' = {}'}"
        text = comment(method.comment, "  ")
        if method.takes_stream:
            text += f"  async {name}(requests: Requests<m.{method.input}Init>, options: CallOptions = {{}}): "
            text += f"Promise<m.{method.output}> {{\n"
            text += f'    const reply = await this.upload("{method.path}", requests, options);\n'
            return text + f"    return reply as unknown as m.{method.output};\n  }}\n"
        if method.streams:
            text += f"  async *{name}({request}, options: CallOptions = {{}}): AsyncGenerator<m.{method.output}> {{\n"
            text += f'    for await (const one of this.messages("{method.path}", request, options)) {{\n'
            return text + f"      yield one as unknown as m.{method.output};\n    }}\n  }}\n"
        text += f"  async {name}({request}, options: CallOptions = {{}}): Promise<m.{method.output}> {{\n"
        return (
            text
            + f'    const reply = await this.custom("{method.path}", request, options);\n'
            + f"    return reply as unknown as m.{method.output};\n  }}\n"
        )

    def binary(self) -> str:
        data = base64.b64encode(PythonWriter(self.schema).descriptor_set()).decode()
        # One array, not one sum: a parser descends into each `+`, and a thousand of them exhaust its stack.
        lines = "".join(f'  "{data[at : at + LINE]}",\n' for at in range(0, len(data), LINE))
        head = HEAD.format(doc="The schema's descriptor set, Base64.")
        return head + f'export const SCHEMA = [\n{lines}].join("");\n'


def generate(schema: Schema) -> dict[str, bytes]:
    writer = Writer(schema)
    files = {
        **writer.models(),
        "reasons.ts": writer.reasons(),
        "services.ts": writer.client(),
        "schema.ts": writer.binary(),
    }
    return {f"api/javascript/src/v1/{name}": text.encode() for name, text in files.items()}
