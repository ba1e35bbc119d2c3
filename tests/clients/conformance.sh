#!/usr/bin/env bash
# Every client that can run here does the same scenarios with the same outcomes. The paging scenario reads 300 resources
# here (javascript.sh has built that client, and runs it), 10,000 with PT_LONG=1 (tests/run --long) and in tests/bench/as-code.
set -euo pipefail
cd "$(dirname "$0")/../.."
MANY=300
[ "${PT_LONG:-0}" != 1 ] || MANY=10000
tests/clients/conformance/run --many $MANY cli go python terraform >build/conformance.log 2>&1 || { grep -v ': pass' build/conformance.log; exit 1; }
grep '^conformance:' build/conformance.log
