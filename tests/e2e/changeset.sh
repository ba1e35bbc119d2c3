#!/usr/bin/env bash
# Change sets from the command line, on three real controllers: a plan changes nothing; what is applied with --confirm and
# not confirmed is taken back by itself, also when the leader is killed while it waits; what is confirmed stays until it
# is rolled back; history, diff and restore. A watch over all of it, and over the dead leader, sees each change once and
# in order. Needs no root.
#
#   patronusctl --mTLS--> c1 c2 c3 (loopback), one of them killed
set -euo pipefail
cd "$(dirname "$0")/../.."

# shellcheck disable=SC1091
. tests/clients/cluster.sh
if [ ! -x "$CLUSTER_BIN/patronusctl" ] || [ ! -x "$CLUSTER_BIN/patronusd" ]; then
    echo "skipped: there is no patronusctl and patronusd; build them first"
    exit 77
fi
WORK=$(mktemp -d)
watch_pid=
finish() {
    local code=$?
    [ $code -eq 0 ] || tail -n 5 "$WORK"/out "$WORK"/err "$WORK"/cluster/*.log || true
    [ -z "$watch_pid" ] || kill "$watch_pid" 2>/dev/null || true
    cluster_stop
    rm -rf "$WORK"
}
trap finish EXIT
fail() { echo "FAILED: $*"; exit 1; }
pass() { echo "ok: $*"; }
# Run the program and expect an exit code; output goes to $WORK/out and $WORK/err.
expect() {
    local want=$1 got=0
    shift
    cluster_ctl -p acme "$@" >"$WORK/out" 2>"$WORK/err" </dev/null || got=$?
    [ "$got" = "$want" ] || fail "exit code $got, not $want: patronusctl $*"
}
out_has() { grep -qF -- "$1" "$WORK/out" || fail "standard output lacks '$1'"; }
err_has() { grep -qF -- "$1" "$WORK/err" || fail "standard error lacks '$1'"; }
region() { cluster_ctl -p acme get site nyc -o json | sed -n 's/.*"region": "\(.*\)".*/\1/p'; }
is_state() { cluster_ctl -p acme get changeset "$1" -o json | grep -q "\"state\": \"$2\""; }

cluster_start "$WORK/cluster" 17900 2>"$WORK/err"
cluster_ctl create organization acme >/dev/null
expect 0 create site nyc region=us
mkdir "$WORK/lon"
cat >"$WORK/lon/sites.json" <<'J'
[{"kind": "Edge", "name": "organizations/acme/sites/lon/edges/e1"},
 {"kind": "Site", "name": "organizations/acme/sites/lon", "region": "eu"},
 {"kind": "Site", "name": "organizations/acme/sites/nyc", "region": "us-east"}]
J
# The watch begins at a token of now: what follows is all there is to see.
cluster_ctl watch sites edges changesets -o json -t 60s >"$WORK/watch" 2>"$WORK/watch.err" &
watch_pid=$!
canary() { cluster_ctl create site "canary$RANDOM" -p acme >/dev/null && grep -q canary "$WORK/watch"; }
cluster_until 20 "the watch does not open" canary

# ---- a plan
expect 0 apply -f "$WORK/lon" --dry-run
out_has "created organizations/acme/sites/lon (dry run)"
out_has "  ~ region: us -> us-east"
out_has "quota sites: "
out_has "2 created, 1 configured, 0 unchanged, 0 failed (dry run"
expect 3 get site lon
expect 0 get changesets -o name
[ ! -s "$WORK/out" ] || fail "a dry run left a change set behind"
pass "a plan tells what would change and changes nothing"

# ---- not confirmed, and the leader dies
expect 0 apply -f "$WORK/lon" --confirm 8s
out_has "2 created, 1 configured, 0 unchanged, 0 failed: in force together"
first=$(sed -n 's/.*patronusctl confirm .*changeSets\///p' "$WORK/out")
began=$SECONDS
[ "$(region)" = us-east ] || fail "what was applied is not in force"
expect 1 update sites/nyc location=x
err_has CHANGE_PENDING
dead=$(cluster_kill_leader)
cluster_until 30 "it is not taken back" is_state "$first" ROLLED_BACK
[ $((SECONDS - began)) -ge 7 ] || fail "it was taken back too soon"
[ "$(region)" = us ] || fail "region is '$(region)' and not what it was"
expect 3 get site lon
expect 1 confirm "$first"
err_has WRONG_STATE
pass "what is not confirmed is taken back, though the leader ($dead) was killed"

# ---- confirmed, then rolled back
expect 0 apply -f "$WORK/lon" --confirm 60s
second=$(sed -n 's/.*patronusctl confirm .*changeSets\///p' "$WORK/out")
expect 0 confirm
expect 0 update sites/nyc location=x
expect 1 rollback "$second"
err_has ETAG_MISMATCH
expect 0 update sites/nyc location=
expect 0 rollback "$second"
[ "$(region)" = us ] || fail "region is '$(region)' after the rollback"
expect 3 get sites/lon/edges/e1
expect 0 apply -f "$WORK/lon" --together
cat >"$WORK/bad.json" <<'J'
[{"kind": "Site", "name": "organizations/acme/sites/ams"},
 {"kind": "Segment", "name": "organizations/acme/segments/s", "fabric": "organizations/acme/fabrics/none"}]
J
expect 1 apply -f "$WORK/bad.json" --together
err_has "changes[1].fabric"
expect 3 get site ams
pass "confirmed stays until it is rolled back; all or nothing"

# ---- revisions
expect 0 history site nyc
out_has "region"
revision=$(awk '$1 ~ /^[0-9]+$/ { last = $1 } END { print last }' "$WORK/out")
expect 0 get site nyc --revision "$revision" -o json
out_has '"region": "us"'
expect 0 diff site nyc --revision "$revision"
out_has "~ region: us -> us-east"
expect 0 restore site nyc --revision "$revision"
[ "$(region)" = us ] || fail "region is '$(region)' after restore"
expect 1 restore site nyc --revision 999999
err_has HISTORY_COMPACTED
pass "history, diff, restore"

# ---- the watch
expect 0 create site last
last_seen() { grep -q 'sites/last"' "$WORK/watch"; }
cluster_until 20 "the watch lags" last_seen
kill "$watch_pid"
wait "$watch_pid" 2>/dev/null || true
watch_pid=
python3 - "$WORK/watch" <<'P' || fail "the watch missed or repeated something: $(tail -n 3 "$WORK/watch.err")"
import json, sys
events = [json.loads(line) for line in open(sys.argv[1])]
seen = [(int(e["revision"]), e["name"], e["type"]) for e in events if e["type"] != "BOOKMARK"]
assert len(seen) == len(set(seen)), "something came twice"
assert [s[0] for s in seen] == sorted(s[0] for s in seen), "out of order"
lon = [t for _, name, t in seen if name == "organizations/acme/sites/lon"]
assert lon == ["ADDED", "DELETED", "ADDED", "DELETED", "ADDED"], lon
nyc = [t for _, name, t in seen if name == "organizations/acme/sites/nyc"]
assert nyc == ["MODIFIED"] * 8, nyc
P
pass "a watch over a killed leader sees each change once, in order"
echo "passed: 5"
