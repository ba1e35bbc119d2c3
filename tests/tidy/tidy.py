#!/usr/bin/env python3
"""The reviewer of form: layers, doors, sizes, docs, ids, formatting. Prints each finding as file:line: text.

Usage: tidy.py [--build DIR] [--no-format]
Exit code 0 when there is nothing to say, 1 otherwise. --build names a build folder whose pure objects are looked at by
`nm` and whose generated headers make each of our headers compile alone.
"""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
CLIENT_TOOLS = pathlib.Path(os.environ.get("PT_PYTHON", "/usr/local/lib/patronus-tools/python/bin/python")).parent

# Folder -> layer. A file includes its own folder and lower layers only; folders of one layer do not include each other.
LAYERS = {
    "internal/base": 0,
    "internal/flow": 1,
    "internal/bfd": 1,
    "internal/dpi": 1,
    "internal/measure": 1,
    "internal/sla": 1,
    "internal/sys": 1,
    "internal/wire": 1,
    "internal/crypto": 1,
    "internal/store": 2,
    "internal/node": 2,
    "internal/tunnel": 2,
    "internal/rpc": 2,
    "internal/fetch": 2,
    "internal/http": 2,
    "raft": 2,
    "internal/kind": 3,
    "internal/plan": 4,
    "internal/mod": 5,
    "internal/serve": 6,
    "internal/agent": 6,
    "internal/lab": 6,
    "internal/cli": 6,
    "cmd": 7,
}
# crypto (L1) and sys (L1) are what L2 stands on; these L2 folders are used by name only where listed.
SAME_LAYER_ALLOWED: set[tuple[str, str]] = set()

# Header prefix -> the only folders that may include it.
DOORS = {
    "uv.h": ["internal/sys"],
    "openssl/": ["internal/crypto"],
    "sqlite3.h": ["internal/store"],
    "curl/": ["internal/fetch"],
    "ndpi": ["internal/dpi"],
    "raft.h": ["raft"],
    "libwebsockets": ["internal/http"],
    "grpc/grpc": ["internal/rpc"],
    "grpc/support": ["internal/rpc"],
    "grpc/byte_buffer": ["internal/rpc"],
    "grpc/slice": ["internal/rpc"],
    "bpf/libbpf.h": ["internal/agent"],
    "bpf/bpf.h": ["internal/agent"],
}

# Objects of these folders must be pure: no symbol that reads or writes the world.
PURE = ["flow", "bfd", "measure", "sla", "wire", "plan", "mod_te", "mod_site", "mod_fabric", "mod_policy", "mod_tenancy", "mod_access", "mod_model", "mod_cluster", "mod_qos"]
IMPURE = re.compile(
    r"^(open|openat|fopen|read|write|socket|connect|send|recv|time|gettimeofday|clock_gettime|rand|random|getenv|"
    r"localtime|setlocale|pthread_create|sleep|usleep|nanosleep)(64)?$"
)

TOP_LEVEL = {"CMakeLists.txt", "cmd", "internal", "api", "bpf", "raft", "terraform", "ansible", "deploy", "tests", "docs",
             "README.md", "LICENSE"}
FILE_LINES_MAX = 900
FUNCTION_LINES_MAX = 70

findings: list[str] = []


def say(path: pathlib.Path | str, line: int, text: str) -> None:
    shown = path.relative_to(ROOT) if isinstance(path, pathlib.Path) else path
    findings.append(f"{shown}:{line}: {text}")


def tracked(*patterns: str) -> list[pathlib.Path]:
    out = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *patterns],
                         cwd=ROOT, check=True, capture_output=True)
    files = [ROOT / name.decode() for name in out.stdout.split(b"\0") if name]
    return [f for f in files if f.is_file()]


def folder_of(path: pathlib.Path) -> str | None:
    parts = path.relative_to(ROOT).parts
    if parts[0] == "internal" and len(parts) > 2:
        return f"internal/{parts[1]}"
    return parts[0] if parts[0] in ("raft", "cmd", "bpf", "tests", "api") else None


def target_of(include: str) -> str | None:
    first = include.split("/")[0]
    if f"internal/{first}" in LAYERS and "/" in include:
        return f"internal/{first}"
    return "raft" if include.startswith("raft/") else None


def check_includes() -> None:
    for path in tracked("internal", "raft", "cmd", "bpf"):
        if path.suffix not in (".c", ".h"):
            continue
        folder = folder_of(path)
        for number, line in enumerate(path.read_text().splitlines(), 1):
            match = re.match(r'\s*#\s*include\s+"([^"]+)"', line)  # <sys/...> is the system's
            if match:
                check_include(path, number, folder, match.group(1))


def check_include(path: pathlib.Path, number: int, folder: str | None, include: str) -> None:
    target = target_of(include)
    if folder in LAYERS and target is not None and target != folder:
        if LAYERS[target] > LAYERS[folder]:
            say(path, number, f"{folder} (layer {LAYERS[folder]}) includes {include} of layer {LAYERS[target]}")
        elif LAYERS[target] == LAYERS[folder] and (folder, target) not in SAME_LAYER_ALLOWED:
            say(path, number, f"{folder} includes {include} of its own layer")
    if folder == "internal/mod" and target == "internal/mod":
        check_mod_include(path, number, include)
    for prefix, allowed in DOORS.items():
        if include.startswith(prefix) and folder not in allowed and folder != "bpf":
            if not (prefix == "raft.h" and include.startswith("raft/")):
                say(path, number, f"{include} may be included by {' and '.join(allowed)} only (one door per library)")


def check_mod_include(path: pathlib.Path, number: int, include: str) -> None:
    own = path.relative_to(ROOT / "internal/mod").parts[0]
    parts = include.split("/")
    if len(parts) == 3 and parts[1] != own and own not in ("mods.c", "mods.h") and parts[2] != f"{parts[1]}.h":
        say(path, number, f"a mod sees only the public header of another mod ({parts[1]}/{parts[1]}.h)")


def check_sizes() -> None:
    suffixes = (".c", ".h", ".py", ".go", ".ts", ".sh", "")
    for path in tracked("internal", "raft", "cmd", "bpf", "tests", "deploy", "api", "terraform", "ansible"):
        if path.suffix not in suffixes or "corpus" in path.parts or path.name.endswith(".pb.go"):
            continue
        try:
            lines = path.read_text().splitlines()
        except UnicodeDecodeError:
            continue
        generated = any("Generated from the schema" in line for line in lines[:4])
        if len(lines) > FILE_LINES_MAX and not generated:
            say(path, len(lines), f"{len(lines)} lines; at most {FILE_LINES_MAX}")
        if path.suffix == ".c" and "tests" not in path.parts:
            check_functions(path, lines)


def check_functions(path: pathlib.Path, lines: list[str]) -> None:
    start = None
    for number, line in enumerate(lines, 1):
        if line == "{":
            start = number
        elif line == "}" and start is not None:
            if number - start - 1 > FUNCTION_LINES_MAX:
                say(path, start, f"a function of {number - start - 1} lines; at most {FUNCTION_LINES_MAX}")
            start = None


def check_words() -> None:
    words = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
    for path in tracked("internal", "raft", "cmd", "bpf", "api", "deploy", "docs", "README.md"):
        try:
            lines = path.read_text().splitlines()
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(lines, 1):
            if words.search(line):
                say(path, number, "work that is not done belongs into an issue")


def check_docs() -> None:
    mods = {p.name for p in (ROOT / "internal/mod").iterdir() if p.is_dir()}
    for mod in sorted(mods):
        page = ROOT / "docs/mod" / f"{mod}.md"
        if not page.exists():
            say(f"docs/mod/{mod}.md", 1, f"the mod {mod} has no page")
        elif len(page.read_text().splitlines()) > 160:
            say(page, 1, "longer than two pages (160 lines)")
    listed = (ROOT / "internal/mod/mods.def").read_text() if (ROOT / "internal/mod/mods.def").exists() else ""
    for mod in sorted(mods):
        if not re.search(rf"\bPT_MOD\({mod}\)", listed):
            say("internal/mod/mods.def", 1, f"the mod {mod} is not listed")


def check_kinds() -> None:
    seen: dict[str, str] = {}
    for path in tracked("api/patronus"):
        if path.suffix != ".proto":
            continue
        text = path.read_text()
        for number, line in enumerate(text.splitlines(), 1):
            match = re.search(r"\bkind_id:\s*(\d+)", line)
            if match:
                if match.group(1) in seen:
                    say(path, number, f"kind id {match.group(1)} is {seen[match.group(1)]}'s")
                seen[match.group(1)] = f"{path.name}:{number}"
            if re.match(r"\s+(repeated |optional |map<.*> )?[\w.<>, ]+ \w+ = \d+( \[.*)?;?$", line):
                previous = text.splitlines()[number - 2].strip()
                if not previous.startswith("//") and "kind" not in line:
                    say(path, number, "a field without a comment")


def check_top_level() -> None:
    out = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True)
    for name in sorted({line.split("/")[0] for line in out.stdout.splitlines()}):
        if name not in TOP_LEVEL and not name.startswith("."):
            say(name, 1, "does not belong to the top level")
    for line in out.stdout.splitlines():
        path = ROOT / line
        if path.is_file() and not path.is_symlink() and path.open("rb").read(4) == b"\x7fELF":
            say(line, 1, "a program that was built does not belong into the tree")


def check_format() -> None:
    tool = shutil.which("clang-format")
    version = subprocess.run([tool, "--version"], capture_output=True, text=True).stdout if tool else ""
    if "version 14" not in version:
        print(f"tidy: formatting not checked: clang-format 14 is the reference, here is '{version.strip()}'")
        return
    files = [f for f in tracked("internal", "raft", "cmd", "bpf", "tests", "api") if f.suffix in (".c", ".h")]
    for i in range(0, len(files), 40):
        out = subprocess.run([tool, "--dry-run", *map(str, files[i:i + 40])], capture_output=True, text=True)
        for line in out.stderr.splitlines():
            match = re.match(r"(.*?):(\d+):\d+: warning: code should be clang-formatted", line)
            if match and not any(match.group(1) == f.split(":")[0] and "clang-format" in f for f in findings):
                say(pathlib.Path(match.group(1)), int(match.group(2)), "not formatted: clang-format -i")
                break


def check_shell() -> None:
    scripts = [f for f in tracked("deploy", "tests", ".ci")
               if f.suffix == ".sh" or (f.suffix == "" and f.read_bytes()[:64].startswith(b"#!/usr/bin/env bash"))]
    if scripts and shutil.which("shellcheck"):
        out = subprocess.run(["shellcheck", "-f", "gcc", *map(str, scripts)], capture_output=True, text=True)
        for line in out.stdout.splitlines():
            match = re.match(r"(.*?):(\d+):\d+: (.*)", line)
            if match:
                say(pathlib.Path(match.group(1)), int(match.group(2)), f"shellcheck: {match.group(3)}")
    for script in scripts:
        if not re.search(r"set -[a-z]*u[a-z]* ?-?o? ?pipefail|set -euo pipefail|set -uo pipefail", script.read_text()):
            say(script, 1, "a script begins with set -euo pipefail")


def check_other_languages() -> None:
    """Go by gofmt; the SDK and its generators by ruff: the whole of it runs with the clients, this finds it before a landing."""
    go = [str(f) for f in tracked("api", "terraform", "tests") if f.suffix == ".go"]
    if go and shutil.which("gofmt"):
        for name in subprocess.run(["gofmt", "-l", *go], capture_output=True, text=True).stdout.split():
            say(pathlib.Path(name), 1, "not formatted: gofmt -w")
    ruff = shutil.which("ruff") or CLIENT_TOOLS / "ruff"
    if not pathlib.Path(ruff).exists():
        print("tidy: Python not checked: no ruff here (deploy/deps --with clients)")
        return
    for command in (["check", "--output-format", "concise"], ["format", "--check"]):
        out = subprocess.run([ruff, *command, "--no-cache", "--quiet", "--config", "pyproject.toml", ".", "../tools/clients"],
                             cwd=ROOT / "api/python", capture_output=True, text=True)
        if out.returncode:
            say("api/python", 1, f"ruff {command[0]}: {(out.stdout + out.stderr).strip()}")


def check_pure(build: pathlib.Path) -> None:
    for name in PURE:
        library = build / f"libpt_{name}.a"
        if not library.exists():
            continue
        out = subprocess.run(["nm", "-A", "-u", str(library)], capture_output=True, text=True)
        for line in out.stdout.splitlines():
            symbol = line.split()[-1]
            if IMPURE.match(symbol):
                say(library.name, 1, f"{line.split(':')[1]} is pure, but uses {symbol}")


def check_headers(build: pathlib.Path) -> None:
    for path in tracked("internal", "raft"):
        if path.suffix != ".h":
            continue
        out = subprocess.run(["cc", "-std=gnu17", "-D_GNU_SOURCE", "-fsyntax-only", "-x", "c", "-I", str(ROOT), "-I",
                              str(ROOT / "internal"), "-isystem", str(build / "gen"), str(path)],
                             capture_output=True, text=True)
        errors = [line for line in out.stderr.splitlines() if ": error: " in line or "fatal error" in line]
        if errors:
            say(path, 1, f"does not compile alone: {errors[0].split('error: ')[-1]}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path)
    parser.add_argument("--no-format", action="store_true")
    args = parser.parse_args()
    for check in (check_includes, check_sizes, check_words, check_docs, check_kinds, check_top_level, check_shell,
                  check_other_languages):
        check()
    if not args.no_format:
        check_format()
    if args.build:
        check_pure(args.build)
        check_headers(args.build)
    for finding in findings:
        print(finding)
    print(f"tidy: {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
