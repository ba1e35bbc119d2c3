"""Public methods that a client reaches, counted from the schema: prints "coverage COVERED TOTAL".

Usage: coverage.py python|ansible|javascript|cli   (PYTHONPATH: api/python, api/tools, tests/clients/conformance)
"""

from __future__ import annotations

import os
import pathlib
import re
import subprocess
import sys
import tempfile

from clients import schema

ROOT = pathlib.Path(__file__).resolve().parents[3]
WATCH = "WatchService.Watch"


def public() -> list[schema.Method]:
    with tempfile.TemporaryDirectory() as work:
        file = pathlib.Path(work) / "set"
        subprocess.run([ROOT / "api/tools/generate", "--set", file], check=True)
        return schema.Reader(file.read_bytes()).read().methods


def of_python() -> set[str]:
    import patronus_sdwan as p

    kinds = [model for model in p.v1.MODELS if issubclass(model, p.Resource)]
    assert all(hasattr(p.Client, p.Client.COLLECTIONS[kind]) for kind in kinds)
    standard = {path for kind in kinds for path in kind.KIND.methods.values()}
    return standard | set(p.v1.sync.METHODS) | ({WATCH} if hasattr(p.Client, "watch") else set())


def of_ansible() -> set[str]:
    import patronus_sdwan as p

    found = {"WatchService.Watch", *p.v1.sync.METHODS}  # patronus.sdwan.call
    for path in (ROOT / "ansible/plugins/modules").glob("*.py"):
        kind = re.search(r'^KIND = "(\w+)"', path.read_text(), re.M)
        if kind is not None:
            methods = getattr(p, kind.group(1)).KIND.methods
            reads = path.stem.endswith("_info")
            found |= {methods[verb] for verb in methods if (verb in ("get", "list")) == reads}
    return found


def of_javascript() -> set[str]:
    kinds = (ROOT / "api/javascript/src/v1/kinds.ts").read_text()
    services = (ROOT / "api/javascript/src/v1/services.ts").read_text()
    return {
        *re.findall(r'"(/patronus\.v1\.[\w/]+)"', kinds),
        *re.findall(r'^  "(\w+\.\w+)": \[', services, re.M),
        WATCH,
    }


def of_cli() -> set[str]:
    """What `patronusctl call` lists is what it calls; kinds are what the verbs go by."""
    ctl = ROOT / os.environ.get("PT_BUILD_DIR", "build/dev") / "bin/patronusctl"
    said = [subprocess.run([ctl, word], check=True, capture_output=True, text=True).stdout for word in ("kinds", "call")]
    kinds, methods = ({line.split()[0] for line in text.splitlines() if line.strip()} for text in said)
    standard = {m.path for m in public() if m.verb and m.kind[:1].lower() + m.kind[1:] in kinds}
    return standard | (methods & {f"{m.service}.{m.name}" for m in public() if not m.verb})


def main() -> int:
    reached = {"python": of_python, "ansible": of_ansible, "javascript": of_javascript, "cli": of_cli}[sys.argv[1]]()
    wanted = [m.path if m.verb else f"{m.service}.{m.name}" for m in public()]
    missing = [name for name in wanted if name not in reached]
    for name in missing:
        print(f"not reached: {name}", file=sys.stderr)
    print(f"coverage {len(wanted) - len(missing)} {len(wanted)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
