#!/usr/bin/env bash
# The Terraform provider against three real controllers: unit tests, random configurations through the protocol, an apply
# during which the leader is killed, and, with PT_LONG=1 (tests/run --long) and where they are installed (deploy/deps --with
# terraform), Terraform and OpenTofu themselves.
set -euo pipefail
cd "$(dirname "$0")/../.."
command -v go >/dev/null || { echo "skipped: Go is not installed"; exit 77; }
# shellcheck disable=SC1091
. tests/clients/cluster.sh
export GOFLAGS="${GOFLAGS:-} -p=2"
mkdir -p build/clients
(
    cd terraform
    unformatted=$(gofmt -l .)
    [ -z "$unformatted" ] || { echo "not gofmt'ed: $unformatted"; exit 1; }
    go vet ./...
    go test ./...
    go build -o ../build/clients/tf-property ./internal/property
    go build -o ../build/clients/tf-acceptance ./internal/acceptance
)

WORK=$(mktemp -d)
trap 'cluster_stop; rm -rf "$WORK"' EXIT
cluster_start "$WORK/cluster" "${PT_PORT:-17840}" 2>/dev/null
build/clients/tf-property --count "${PT_PROPERTY_COUNT:-110}"
echo "ok: random configurations: applied, imported and drifted plans show what they must"

export PT_CLUSTER_DIR=$WORK/cluster PT_HOOK=$PWD/tests/clients/conformance/hook
build/clients/tf-acceptance

# ---- the binaries themselves: 25 random configurations each. They take a minute or two each.
if [ "${PT_LONG:-0}" != 1 ]; then
    echo "not run without PT_LONG=1: the same with Terraform and OpenTofu themselves"
    exit 0
fi
TOOLS=/usr/local/lib/patronus-tools
cluster_provider
for binary in "$TOOLS"/terraform-*/terraform "$TOOLS"/opentofu-*/tofu; do
    [ -x "$binary" ] || continue
    build/clients/tf-property --binary "$binary" --provider "$PWD/build/clients/provider" --count 25 --seed $((RANDOM + 2))
    echo "ok: random configurations with $(basename "$(dirname "$binary")")"
    found=1
done
[ -n "${found:-}" ] || echo "not run with the binaries: neither Terraform nor OpenTofu is installed (deploy/deps --with terraform)"
