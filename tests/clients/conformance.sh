#!/usr/bin/env bash
# Every client that can run here does the same scenarios with the same outcomes (javascript.sh has built that client, and
# runs it). Two lanes at a time, each with a cluster of its own, because the scenarios kill leaders. The paging scenario
# reads 300 resources here, 10,000 with PT_LONG=1 (tests/run --long) and in tests/bench/as-code.
set -euo pipefail
cd "$(dirname "$0")/../.."
MANY=300
[ "${PT_LONG:-0}" != 1 ] || MANY=10000
mkdir -p build
lane() { # LOG PORT CLIENT...
    local log=$1 port=$2
    shift 2
    PT_PORT=$port tests/clients/conformance/run --many $MANY "$@" >"$log" 2>&1
}
lane build/conformance-1.log 17710 cli python &
first=$!
status=0
lane build/conformance-2.log 17750 go terraform ansible || status=1
wait $first || status=1
grep -h '^conformance: [a-z]' build/conformance-[12].log || status=1
[ $status = 0 ] || grep -hv ': pass' build/conformance-[12].log
exit $status
