#!/usr/bin/env bash
# Every client that can run here does the same scenarios with the same outcomes. The paging scenario reads 1,000 resources
# here and 10,000 in tests/bench/as-code.
set -euo pipefail
cd "$(dirname "$0")/../.."
tests/clients/conformance/run --many 1000 >build/conformance.log 2>&1 || { grep -v ': pass' build/conformance.log; exit 1; }
grep '^conformance:' build/conformance.log
