#!/usr/bin/env bash
# Everything follows from the schema: what is committed is fresh, and a kind that no code knows, with a map, an enum, a
# nested list, a secret and a reference, is found in the reference, in Terraform, in the SDKs, in Ansible and in the CLI.
set -euo pipefail
cd "$(dirname "$0")/../.."
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
CTL=${PT_BUILD_DIR:-build/dev}/bin/patronusctl
FIELDS="levels mode parts passphrase place lifetime price serial"

find_in() { # WHAT FILE WORD...
    local what=$1 file=$2 word
    shift 2
    for word in "$@"; do
        grep -q -- "$word" "$file" || { echo "FAILED: $what: '$word' is not in $file"; exit 1; }
    done
    echo "ok: $what"
}

case $(protoc --version) in
    *" 3.21."*) api/tools/generate --check; echo "ok: what is committed is fresh" ;;
    *) echo "freshness not checked: the committed files are made with protoc 3.21, here is $(protoc --version)" ;;
esac

api/tools/generate --extra tests/clients/generation/widget.proto --into "$WORK/tree"
api/tools/generate --extra tests/clients/generation/widget.proto --set "$WORK/patronus.desc"

# ---- reference
# shellcheck disable=SC2086
find_in "the reference has the kind and its types" "$WORK/tree/docs/reference/widget.md" $FIELDS WidgetMode LOUD WidgetPiece "1 to 100 kg" Secret

# ---- CLI: it reads the set at run time
for word in "get wid" "create widget w "; do
    # shellcheck disable=SC2086
    PATRONUS_SCHEMA=$WORK/patronus.desc "$CTL" completion words -- ${word% *} "${word##* }"
done >"$WORK/completion"
find_in "the CLI completes the kind and its fields" "$WORK/completion" widgets levels. mode= parts= passphrase= place=
PATRONUS_SCHEMA=$WORK/patronus.desc "$CTL" explain widget.mode >"$WORK/explain"
find_in "the CLI explains it" "$WORK/explain" LOUD "Says everything"

# ---- Go and Terraform
if command -v go >/dev/null; then
    find_in "the Go SDK has its model" "$WORK/tree/api/go/patronus/v1/widget.pb.go" "type Widget struct" "map\[string\]int64" WidgetMode_LOUD
    page=$WORK/tree/terraform/docs/resources/widget.md
    # shellcheck disable=SC2086
    find_in "Terraform has it as a resource" "$page" $FIELDS "QUIET, LOUD" "pieces" "passphrase. (String, Sensitive)" "passphrase_wo. (String, Sensitive, Write-only)" "name of a site"
    find_in "and as data sources" "$WORK/tree/terraform/docs/data-sources/widgets.md" items filter serial
    (cd terraform && PT_SCHEMA_SET="$WORK/patronus.desc" go test -count=1 -run Widget ./internal/provider)
    echo "ok: the provider checks and plans it"
else
    echo "Go and Terraform not looked at: Go is not installed"
fi

# ---- Python, Ansible, JavaScript: each finds it in what its part made
for script in tests/clients/generation/*.sh; do
    [ -e "$script" ] || continue
    "$script" "$WORK/tree" "$WORK/patronus.desc"
done
