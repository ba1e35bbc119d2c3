#!/usr/bin/env bash
# The Python SDK knows the test's kind: models with its rules, both clients, and its bytes. Called by generation.sh with the
# folder into which everything was generated.
set -euo pipefail
PYTHON=${PT_PYTHON:-/usr/local/lib/patronus-tools/python/bin/python}
if ! { [ -d "$1/api/python" ] && "$PYTHON" -c 'import grpc, pydantic' 2>/dev/null; }; then
    echo "Python not looked at: its packages are not installed"
    exit 0
fi
site=$(mktemp -d)
trap 'rm -rf "$site"' EXIT
cp -r api/python/patronus_sdwan "$site"
cp -r "$1/api/python/." "$site"
PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$site "$PYTHON" - <<'PY'
import datetime

import patronus_sdwan as p
from patronus_sdwan import codec
from patronus_sdwan.v1 import aio, sync

widget = p.Widget(
    name=p.Widget.resource_name("acme", "w"),
    place="organizations/acme/sites/a",
    levels={"low": -1},
    mode=p.WidgetMode.LOUD,
    parts=[p.WidgetPart(label="left", pieces=[p.WidgetPiece(weight=7)])],
    passphrase="hush",
    lifetime=datetime.timedelta(seconds=90),
)
back = codec.from_proto(codec.to_proto(widget), p.Widget)
assert back == widget and back.parts[0].pieces[0].weight == 7 and back.price is None
assert "hush" not in repr(widget), "a secret is shown"
for wrong in ({"place": "a"}, {"place": ""}, {"parts": [{"label": "l", "pieces": [{"weight": 101}]}]}, {"levels": {str(i): i for i in range(17)}}):
    try:
        p.Widget(**{"name": widget.name, "place": widget.place, **wrong})
    except ValueError:
        continue
    raise AssertionError(f"{wrong} was taken")
for module, name in ((sync, "Widgets"), (aio, "AsyncWidgets")):
    found = [one for one in vars(module) if one == name]
    assert found, f"{module.__name__} has no {name}"
PY
echo "ok: the Python SDK has its model, its rules, its clients and its bytes"
