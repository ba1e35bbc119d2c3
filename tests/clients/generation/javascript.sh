#!/usr/bin/env bash
# The JavaScript SDK knows the test's kind: its types are those of the schema, and its bytes come back as they went. Called
# by generation.sh with the folder into which everything was generated. Packages are those that javascript.sh has installed.
set -euo pipefail
home=$PWD/build/javascript-$(sha256sum api/javascript/package-lock.json | cut -c 1-12)
if ! { [ -d "$1/api/javascript" ] && [ -e "$home/complete" ]; }; then
    echo "JavaScript not looked at: its packages are not installed (tests/clients/javascript.sh)"
    exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r api/javascript/{src,package.json,tsconfig.json} "$work"
cp -r "$1/api/javascript/." "$work"
ln -s "$home/node_modules" "$work/node_modules"
mkdir "$work/test"
cat >"$work/test/widget.ts" <<'TS'
import assert from "node:assert/strict";
import { decode, encode, messageOf } from "../src/codec.js";
import { COLLECTIONS } from "../src/v1/services.js";
import { KINDS, type Widget, type WidgetFields, type WidgetInit } from "../src/v1/models.js";

const widget: WidgetInit = {
  name: "organizations/acme/widgets/w",
  place: "organizations/acme/sites/a",
  levels: { low: -1 },
  mode: "LOUD",
  parts: [{ label: "left", pieces: [{ weight: 7 }] }],
  passphrase: "hush",
  lifetime: 90,
};
// @ts-expect-error: a price is for ever, and cannot be changed
const fields: WidgetFields = { price: 1, place: "organizations/acme/sites/b" };
// @ts-expect-error: a mode is one of its values
const other: WidgetInit = { ...widget, mode: "SILENT" };
assert.ok(fields && other);
const back = decode(messageOf("Widget"), encode(messageOf("Widget"), { ...widget })) as unknown as Widget;
assert.equal(back.levels["low"], -1n);
assert.equal(back.parts[0]?.pieces[0]?.weight, 7);
assert.equal(back.mode, "LOUD");
assert.equal(back.lifetime, 90);
assert.equal(back.price, undefined);
assert.equal(KINDS.Widget.methods.create, "/patronus.v1.WidgetService/CreateWidget");
assert.equal(COLLECTIONS.Widget, "widgets");
TS
cd "$work"
"$home/node_modules/.bin/tsc" -p .
node dist/test/widget.js
echo "ok: the JavaScript SDK has its types and its bytes"
