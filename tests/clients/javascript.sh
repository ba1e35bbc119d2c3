#!/usr/bin/env bash
# The JavaScript SDK: types, style, unit tests, then against three real controllers, then as the package that npm packs,
# then the scenarios of all clients (tests/clients/conformance).
set -euo pipefail
cd "$(dirname "$0")/../.."

if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    echo "skipped: Node 20 with npm is not installed"
    exit 77
fi
# shellcheck source=tests/clients/cluster.sh
. tests/clients/cluster.sh
WORK=$(mktemp -d)
export CLUSTER_DIR=$WORK/cluster PT_ROOT=$PWD
trap 'kill "$starting" 2>/dev/null || true; cluster_stop; rm -rf "$WORK"' EXIT
cluster_start "$CLUSTER_DIR" "${PT_PORT:-17810}" >"$WORK/start.log" 2>&1 &
starting=$!

code=0
api/tools/generate --check javascript || code=$?
[ $code = 0 ] || exit 1

# Packages are installed once for each lock file, beside a copy of the sources.
home=$PWD/build/javascript-$(sha256sum api/javascript/package-lock.json | cut -c 1-12)
mkdir -p "$home"
rm -rf "$home"/{src,test,examples,dist}
git ls-files --cached --others --exclude-standard api/javascript | tar -cf - -T - | tar -xf - -C "$home" --strip-components=2
cd "$home"
if [ ! -e complete ]; then
    npm ci --ignore-scripts >"$WORK/npm.log" 2>&1 || {
        tail "$WORK/npm.log"
        echo "skipped: npm cannot install the packages of package-lock.json"
        exit 77
    }
    touch complete
fi
npx --no-install tsc -p .
npx --no-install eslint --cache src test examples
node reference.mjs >"$WORK/reference.md"
grep -q '^## SiteFields' "$WORK/reference.md" && grep -q 'Takes no new traffic' "$WORK/reference.md"
echo "ok: types and style; a reference, and a comment on everything in it"

wait "$starting" || { cat "$WORK/start.log"; exit 1; }
cluster_attach "$CLUSTER_DIR"
node --test --test-reporter=spec dist/test/*.test.js

# What npm would publish, installed into an empty project.
npm pack --ignore-scripts --pack-destination "$WORK" >"$WORK/pack.log" 2>&1 || { cat "$WORK/pack.log"; exit 1; }
mkdir -p "$WORK/app/node_modules/@patronus-sdwan/client"
tar -xzf "$WORK"/patronus-sdwan-client-*.tgz -C "$WORK/app/node_modules/@patronus-sdwan/client" --strip-components=1
ln -s "$home"/node_modules/{@grpc,@bufbuild} "$WORK/app/node_modules/"
cd "$WORK/app"
cat >app.mjs <<'JS'
import { Client, ResourceNotFound } from "@patronus-sdwan/client";
const client = new Client();
const error = await client.sites.get("organizations/none/sites/none").catch((caught) => caught);
client.close();
if (!(error instanceof ResourceNotFound)) throw error;
console.log("ok: the package that npm packs");
JS
node app.mjs

cd "$PT_ROOT"
PT_PORT=17780 tests/clients/conformance/run --many 300 javascript >build/conformance-javascript.log 2>&1 || {
    grep -v ': pass' build/conformance-javascript.log
    exit 1
}
grep '^conformance: javascript' build/conformance-javascript.log
