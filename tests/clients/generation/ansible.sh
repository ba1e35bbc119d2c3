#!/usr/bin/env bash
# The Ansible collection has modules of the test's kind: arguments, documentation, and the action that runs them. Called by
# generation.sh with the folder into which everything was generated.
set -euo pipefail
DOC=${PT_PYTHON_HOME:-/usr/local/lib/patronus-tools/python}/bin/ansible-doc
[ -x "$DOC" ] || { echo "Ansible not looked at: ansible-core is not installed"; exit 0; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
home=$work/ansible_collections/patronus/sdwan
mkdir -p "$home"
cp -r ansible/. "$1/ansible/." "$home"
ANSIBLE_HOME=$work/home ANSIBLE_COLLECTIONS_PATH=$work "$DOC" --json patronus.sdwan.widget patronus.sdwan.widget_info >"$work/doc"
PYTHONDONTWRITEBYTECODE=1 python3 - "$work/doc" "$home" <<'PY'
import ast
import json
import sys

docs = json.load(open(sys.argv[1]))
options = docs["patronus.sdwan.widget"]["doc"]["options"]
assert options["mode"]["choices"] == ["QUIET", "LOUD"], options["mode"]
assert options["parts"]["suboptions"]["pieces"]["suboptions"]["weight"]["type"] == "int"
assert options["levels"]["type"] == "dict" and options["lifetime"]["type"] == "str"
assert "serial" not in options, "an output field is an argument"
assert "filter" in docs["patronus.sdwan.widget_info"]["doc"]["options"]
tree = ast.parse(open(sys.argv[2] + "/plugins/modules/widget.py").read())
spec = next(ast.literal_eval(n.value) for n in tree.body if isinstance(n, ast.Assign) and n.targets[0].id == "ARGUMENT_SPEC")
assert spec["passphrase"]["no_log"] is True, "a secret is logged"
assert set(spec) >= set(options) - {"server", "credential", "timeout", "servers"}, set(options) - set(spec)
runtime = open(sys.argv[2] + "/meta/runtime.yml").read()
assert "    widget:" in runtime and "    - widget_info" in runtime
PY
echo "ok: Ansible has its modules, and what they take"
