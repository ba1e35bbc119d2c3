#!/usr/bin/env bash
# The Go SDK: formatting, vet, unit tests, and its example against three real controllers over a killed leader.
set -euo pipefail
cd "$(dirname "$0")/../.."
command -v go >/dev/null || { echo "skipped: Go is not installed"; exit 77; }
# shellcheck disable=SC1091
. tests/clients/cluster.sh
export GOFLAGS="${GOFLAGS:-} -p=2"
WORK=$(mktemp -d)
trap 'cluster_stop; rm -rf "$WORK"' EXIT
cluster_start "$WORK/cluster" "${PT_PORT:-17870}" 2>/dev/null
export PT_CLUSTER_DIR=$WORK/cluster PT_HOOK=$PWD/tests/clients/conformance/hook
cd api/go
unformatted=$(gofmt -l .)
[ -z "$unformatted" ] || { echo "not gofmt'ed: $unformatted"; exit 1; }
go vet ./...
go test -count=1 ./...
