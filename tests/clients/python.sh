#!/usr/bin/env bash
# The Python SDK: style and types, unit tests, wheel and sdist, then what the wheel holds against three real controllers.
set -euo pipefail
cd "$(dirname "$0")/../.."

PYTHON=${PT_PYTHON:-/usr/local/lib/patronus-tools/python/bin/python}
if ! "$PYTHON" -c 'import grpc, pydantic, pytest, mypy, build' 2>/dev/null; then
    echo "skipped: the Python packages of the clients are not installed (deploy/deps --with clients)"
    exit 77
fi
export PYTHONDONTWRITEBYTECODE=1
# shellcheck source=tests/clients/cluster.sh
. tests/clients/cluster.sh
WORK=$(mktemp -d)
CLUSTER_DIR=$WORK/cluster
trap 'kill "$starting" 2>/dev/null || true; cluster_stop; rm -rf "$WORK"' EXIT
cluster_start "$WORK/cluster" "${PT_PORT:-17600}" >"$WORK/start.log" 2>&1 &
starting=$!

api/tools/generate --check python
(
    cd api/python
    "$PYTHON" -m ruff check --no-cache --quiet . ../tools/clients
    "$PYTHON" -m ruff format --no-cache --check --quiet . ../tools/clients --config pyproject.toml
    "$PYTHON" -m mypy --cache-dir ../../build/mypy patronus_sdwan examples
    "$PYTHON" -m pytest -p no:cacheprovider --ignore tests/live
)

# setuptools writes beside the sources: build from a copy.
cp -r api/python "$WORK/source"
"$PYTHON" -m build --no-isolation --outdir "$WORK/dist" "$WORK/source" >"$WORK/build.log" 2>&1 || { tail "$WORK/build.log"; exit 1; }
"$PYTHON" -m pip install --quiet --disable-pip-version-check --no-deps --target "$WORK/site" "$WORK"/dist/*.whl
"$PYTHON" -m tarfile --list "$WORK"/dist/*.tar.gz | grep patronus_sdwan/v1/schema.binpb >/dev/null
echo "ok: wheel and sdist"

wait "$starting" || { cat "$WORK/start.log"; exit 1; }
cluster_attach "$CLUSTER_DIR"
export CLUSTER_DIR PYTHONPATH=$WORK/site
"$PYTHON" -c 'import patronus_sdwan, sys; assert patronus_sdwan.__file__.startswith(sys.argv[1])' "$WORK"
(cd "$WORK" && "$PYTHON" -m pytest -p no:cacheprovider --rootdir "$OLDPWD" "$OLDPWD/api/python/tests/live" --durations 5)
