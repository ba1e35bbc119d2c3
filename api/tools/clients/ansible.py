"""The generated part of the Ansible collection.

A module and an info module per kind, and the routing of both to the one action that does the work.
"""

from __future__ import annotations

import pprint
import re
import subprocess
import sys
from typing import Any

from .schema import Field, Message, Schema, snake

COLLECTION = "patronus.sdwan"
RESERVED = {
    "name",
    "state",
    "etag",
    "force",
    "server",
    "credential",
    "timeout",
    "parent",
    "filter",
    "order_by",
    "stale",
}
NOTE = "# Generated from the schema by api/tools/generate; do not edit.\n"
TYPES = {
    "string": "str",
    "bytes": "str",
    "bool": "bool",
    "float": "float",
    "int": "int",
    "enum": "str",
    "timestamp": "str",
    "duration": "str",
    "mask": "list",
    "any": "dict",
    "message": "dict",
}
SHAPES = {
    "timestamp": "A time as RFC 3339, for example C(2030-01-31T12:00:00Z).",
    "duration": "A duration in seconds, for example C(1.5s).",
    "bytes": "Base64.",
}
YAML_WORDS = {"true", "false", "yes", "no", "on", "off", "null"}
FORMATS = {
    "ID": "An id: 1 to 63 of a-z, 0-9 and '-', beginning with a letter and not ending with '-'.",
    "IP": "An IPv4 or IPv6 address in canonical text (RFC 5952).",
    "IP_PREFIX": "An IPv4 or IPv6 prefix in canonical text, without host bits.",
    "IP_INTERFACE": "An interface address with its prefix length.",
    "HOST_PORT": "A host with a port.",
    "FQDN": "A DNS name, optionally with a leading C(*.) label.",
    "IFNAME": "A name of a network interface.",
    "SHA256_HEX": "A SHA-256 digest in lower-case hexadecimal.",
}


def option_name(field: Field, top: bool) -> str:
    return field.name + "_value" if top and field.name in RESERVED else field.name


class Writer:
    def __init__(self, schema: Schema) -> None:
        self.schema = schema

    # ---- options

    def choices(self, field: Field) -> list[str]:
        return [name for name, number, _ in self.schema.enums[field.type].values if number != 0]

    def children(self, field: Field, seen: tuple[str, ...]) -> list[Field]:
        """Fields of a message that a user sets; none below a message that holds itself."""
        if field.type in seen or field.type not in self.schema.messages:
            return []
        return [f for f in self.schema.messages[field.type].fields if not f.output]

    def spec(self, field: Field, seen: tuple[str, ...] = ()) -> dict[str, Any]:
        """Argument specification."""
        found: dict[str, Any] = {"type": TYPES[field.kind]}
        if field.key is not None:
            return {"type": "dict"}
        if field.repeated:
            found = {"type": "list", "elements": found["type"]}
        elif field.kind == "mask":
            found["elements"] = "str"
        if field.kind == "enum":
            found["choices"] = self.choices(field)
        children = self.children(field, seen) if field.kind == "message" else []
        if children:
            found["options"] = {f.name: self.spec(f, (*seen, field.type)) for f in children}
        if field.rules.secret:
            found["no_log"] = True
        elif re.search(r"pass|secret|token|key", field.name):
            found["no_log"] = False
        return found

    def texts(self, field: Field) -> list[str]:
        rules = field.rules
        texts = [field.comment]
        if rules.reference:
            target = self.schema.by_singular(rules.reference)
            texts.append(f"The full name of a {rules.reference}, for example C({self.example_name(target)}).")
        if rules.format:
            names = rules.DESCRIPTOR.fields_by_name["format"].enum_type.values_by_number
            texts.append(FORMATS.get(names[rules.format].name, ""))
        if field.range is not None:
            unit = f" {rules.unit}" if rules.unit else ""
            texts.append(f"From {field.range[0]} to {field.range[1]}{unit}.")
        texts.append(SHAPES.get(field.kind, ""))
        if field.kind == "enum":
            texts += [f"V({n}) - {c}" for n, number, c in self.schema.enums[field.type].values if number != 0 and c]
        if rules.set:
            texts.append("The order carries no meaning.")
        if rules.required:
            texts.append("Needed to create the resource.")
        if rules.immutable:
            texts.append("Cannot be changed after the resource is created.")
        return [t for t in texts if t]

    def doc(self, field: Field, seen: tuple[str, ...] = ()) -> dict[str, Any]:
        """Documentation of an option: its specification with texts."""
        found: dict[str, Any] = {"description": self.texts(field)}
        spec = self.spec(field, seen)
        spec.pop("no_log", None)
        if "options" in spec:
            spec["suboptions"] = {f.name: self.doc(f, (*seen, field.type)) for f in self.children(field, seen)}
            del spec["options"]
        return {**found, **spec}

    # ---- examples

    def example_name(self, kind: Message) -> str:
        return "/".join(
            f"{plural}/{'acme' if v == 'organization' else 'my-' + v.replace('_', '-')}"
            for plural, v in self.schema.pattern(kind)
        )

    def example(self, field: Field, depth: int = 0) -> Any:
        """A value that the rules allow."""
        value: Any
        if field.rules.reference:
            value = self.example_name(self.schema.by_singular(field.rules.reference))
        elif field.kind == "enum":
            value = self.choices(field)[0]
        elif field.kind == "message":
            value = {
                f.name: self.example(f, depth + 1)
                for f in self.schema.messages[field.type].fields
                if not f.output and (f.rules.required or (depth == 0 and not f.oneof and f.kind != "message"))
            }
        elif field.kind == "string":
            names = field.rules.DESCRIPTOR.fields_by_name["format"].enum_type.values_by_number
            value = {
                "ID": "my-" + field.name.replace("_", "-").rstrip("-"),
                "IP": "192.0.2.1",
                "IP_PREFIX": "192.0.2.0/24",
                "IP_INTERFACE": "192.0.2.1/24",
                "HOST_PORT": "192.0.2.1:7400",
                "FQDN": "www.example.net",
                "IFNAME": "eth0",
                "SHA256_HEX": "0" * 64,
            }.get(names[field.rules.format].name, "text")
        elif field.kind == "int":
            value = field.range[1] if field.range else 1
        else:
            value = {
                "bool": True,
                "float": 1.0,
                "duration": "10s",
                "timestamp": "2030-01-31T12:00:00Z",
                "bytes": "AA==",
                "mask": [],
                "any": {},
            }[field.kind]
        if field.key is not None:
            return {"key": value}
        return [value] if field.repeated else value

    # ---- modules

    def module(self, kind: Message) -> str:
        name = snake(kind.resource.singular)
        options: dict[str, Any] = {
            "name": {
                "description": ["Name of the resource, from the top.", f"For example C({self.example_name(kind)})."],
                "type": "str",
                "required": True,
            },
            "state": {
                "description": ["Whether the resource is to be there."],
                "type": "str",
                "choices": ["present", "absent"],
                "default": "present",
            },
            "force": {
                "description": ["With O(state=absent), delete what is below the resource too."],
                "type": "bool",
                "default": False,
            },
            "etag": {
                "description": [
                    "Fail when the resource is there and has another etag, that is, was changed since it was read."
                ],
                "type": "str",
            },
        }
        fields = {}
        for field in kind.settable:
            options[option_name(field, True)] = self.doc(field)
            fields[option_name(field, True)] = field.name
        spec: dict[str, Any] = {
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "force": {"type": "bool", "default": False},
            "etag": {"type": "str"},
        }
        spec |= {option_name(f, True): self.spec(f) for f in kind.settable}
        doc = {
            "module": name,
            "short_description": f"Declare {article(kind)}",
            "description": [kind.comment, "What is not given stays as it is; an empty value clears a field."],
            "options": options,
            "attributes": {
                "check_mode": {"description": "The server checks everything and changes nothing.", "support": "full"},
                "diff_mode": {"description": "Shows the fields that change.", "support": "full"},
            },
        }
        given = {option_name(f, True): self.example(f) for f in kind.settable if f.rules.required}
        examples = [
            {"name": article(kind).capitalize(), f"{COLLECTION}.{name}": {"name": self.example_name(kind), **given}},
            {
                "name": f"No such {spaced(kind.resource.singular)}",
                f"{COLLECTION}.{name}": {"name": self.example_name(kind), "state": "absent"},
            },
        ]
        returns = {
            "resource": {
                "description": "The resource as it is now; in check mode as it would be; empty when it is absent.",
                "type": "dict",
                "returned": "success",
            },
            "action": {
                "description": "What was done, one of created, updated, deleted, unchanged.",
                "type": "str",
                "returned": "success",
            },
        }
        return self.file(kind, doc, examples, returns, spec, fields, info=False)

    def info(self, kind: Message) -> str:
        name = snake(kind.resource.singular) + "_info"
        spec: dict[str, Any] = {
            "name": {"type": "str"},
            "parent": {"type": "str", "default": ""},
            "filter": {"type": "str", "default": ""},
            "order_by": {"type": "str", "default": ""},
            "stale": {"type": "bool", "default": False},
        }
        texts = {
            "name": "Name of one resource to read. Without it, all below O(parent) are read.",
            "parent": "Name of the resource above; C(-) in place of an id reads across collections, empty reads all.",
            "filter": 'Which resources, for example C(region = "eu" AND labels.tier = "gold").',
            "order_by": "Field to order by, optionally followed by C( desc).",
            "stale": "Let any controller answer from its own state, which may be behind.",
        }
        options = {key: {"description": [texts[key]], **value} for key, value in spec.items()}
        doc = {
            "module": name,
            "short_description": f"Read {spaced(kind.resource.plural)}",
            "description": [kind.comment, "Reads one, or all that fit; what does not exist is not an error."],
            "options": options,
            "attributes": {
                "check_mode": {"description": "Nothing is ever changed.", "support": "full"},
                "diff_mode": {"description": "Nothing is ever changed.", "support": "none"},
            },
        }
        parent = self.example_name(kind).rsplit("/", 2)[0]
        arguments = {"parent": parent} if parent.count("/") else {}
        examples = [
            {"name": f"All {spaced(kind.resource.plural)}", f"{COLLECTION}.{name}": arguments, "register": "found"},
            {"name": "Their names", "ansible.builtin.debug": {"msg": "{{ found.resources | map(attribute='name') }}"}},
        ]
        returns = {
            "resources": {
                "description": "What was found, ordered by name.",
                "type": "list",
                "elements": "dict",
                "returned": "success",
            }
        }
        return self.file(kind, doc, examples, returns, spec, {}, info=True)

    def file(
        self,
        kind: Message,
        doc: dict[str, Any],
        examples: list[Any],
        returns: dict[str, Any],
        spec: dict[str, Any],
        fields: dict[str, str],
        info: bool,
    ) -> str:
        doc["author"] = ["Patronus maintainers (@patronus-sdwan)"]
        doc["extends_documentation_fragment"] = [f"{COLLECTION}.connection"]
        text = "#!/usr/bin/python\n# Copyright: Patronus maintainers\n# Licence: Apache-2.0\n" + NOTE + "\n"
        text += f'DOCUMENTATION = r"""\n---\n{dump(doc)}"""\n\n'
        text += f'EXAMPLES = r"""\n{dump(examples)}"""\n\n'
        text += f'RETURN = r"""\n{dump(returns)}"""\n\n'
        text += "from ansible_collections.patronus.sdwan.plugins.module_utils import entry\n\n"
        text += f'KIND = "{kind.name}"\nFIELDS = {pprint.pformat(fields, sort_dicts=False)}\n'
        text += f"ARGUMENT_SPEC = {pprint.pformat(spec, sort_dicts=False, width=110)}\n\n\n"
        text += f"def main():\n    entry.{'info' if info else 'resource'}(KIND, FIELDS, ARGUMENT_SPEC)\n\n\n"
        return text + 'if __name__ == "__main__":\n    main()\n'

    def runtime(self, names: list[str]) -> str:
        """meta/runtime.yml: every module is done by the one action, in the process that runs the play."""
        routing = {name: {"action_plugin": f"{COLLECTION}.resource"} for name in names}
        return (
            "---\n"
            + NOTE
            + dump(
                {
                    "requires_ansible": ">=2.15.0",
                    "action_groups": {"all": sorted(names)},
                    "plugin_routing": {"modules": routing},
                }
            )
        )


def spaced(name: str) -> str:
    return snake(name).replace("_", " ")


def article(kind: Message) -> str:
    name = spaced(kind.resource.singular)
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def dump(value: Any, indent: int = 0) -> str:
    """YAML for people: block style, folded texts, in our own order."""
    pad = "  " * indent
    if isinstance(value, dict) and value:
        text = ""
        for key, item in value.items():
            if isinstance(item, (dict, list)) and item:
                text += f"{pad}{scalar(key, 0)}:\n{dump(item, indent + 1)}"
            else:
                text += f"{pad}{scalar(key, 0)}: {scalar(item, len(pad) + len(str(key)) + 2)}\n"
        return text
    if isinstance(value, list) and value:
        text = ""
        for item in value:
            if isinstance(item, (dict, list)) and item:
                inner = dump(item, indent + 1)
                text += pad + "- " + inner[len(pad) + 2 :]
            else:
                text += f"{pad}- {scalar(item, len(pad) + 2)}\n"
        return text
    return pad + scalar(value, len(pad)) + "\n"


def scalar(value: Any, at: int) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (dict, list)):
        return "{}" if isinstance(value, dict) else "[]"
    if isinstance(value, (int, float)):
        return str(value)
    text = str(value)
    plain = re.fullmatch(r"[A-Za-z/_][\w ./()-]*", text) and text.lower() not in YAML_WORDS
    if plain and at + len(text) <= 150:
        return text
    quoted = "'" + text.replace("'", "''") + "'"
    if at + len(quoted) <= 150:
        return quoted
    # Folded inside the quotes: a line break in a quoted scalar is a space.
    words, lines, line = quoted.split(" "), [], ""
    for word in words:
        if line and len(line) + len(word) + 1 > 100:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    return ("\n" + " " * (at + 2)).join([*lines, line])


def generate(schema: Schema) -> dict[str, bytes]:
    writer = Writer(schema)
    files: dict[str, str] = {}
    names: list[str] = []
    for kind in schema.kinds:
        name = snake(kind.resource.singular)
        if schema.writable(kind):
            files[f"plugins/modules/{name}.py"] = writer.module(kind)
            names.append(name)
        files[f"plugins/modules/{name}_info.py"] = writer.info(kind)
        names.append(f"{name}_info")
    result = {f"ansible/{path}": formatted(text) for path, text in files.items()}
    result["ansible/meta/runtime.yml"] = writer.runtime(sorted([*names, "call"])).encode()
    return result


def formatted(text: str) -> bytes:
    command = [
        sys.executable,
        "-m",
        "ruff",
        "format",
        "--quiet",
        "--config",
        "line-length=120",
        "--stdin-filename",
        "x.py",
    ]
    return subprocess.run([*command, "-"], input=text.encode(), capture_output=True, check=True).stdout
