#!/usr/bin/env bash
# The bytes of model versions: three real controllers on loopback, in a temporary folder; no root.
#
#   patronusctl models upload --> any controller --> a majority has them, verified --> promote, roll back, repair, collect
#
# Usage: tests/e2e/models.sh. PT_BUILD_DIR names the build, build/dev by default.
# Exit code: 0 passed, 1 failed, 77 skipped with the reason.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/clients/cluster.sh
. tests/clients/cluster.sh
if [ ! -x "$CLUSTER_BIN/patronusd" ] || [ ! -x "$CLUSTER_BIN/patronusctl" ]; then
    echo "SKIP: build patronusd and patronusctl first"
    exit 77
fi

work=$(mktemp -d)
dir=$work/cluster
cleanup() { cluster_stop; rm -rf "$work"; }
trap cleanup EXIT
fail() { echo "FAIL: $*" >&2; tail -n 5 "$work/err" "$dir"/*.log >&2 2>/dev/null || true; exit 1; }
pass() { echo "ok: $*"; }
ctl() { cluster_ctl -p demo "$@" 2>"$work/err"; }
refused() { # TEXT COMMAND...
    local text=$1
    shift
    ! "$@" >"$work/out" 2>&1 || fail "should have been refused: $*"
    cat "$work/out" >>"$work/err"
    grep -qF -- "$text" "$work/err" || { cat "$work/err" >&2; fail "the refusal does not say '$text': $*"; }
}
digest_of() { sha256sum "$1" | cut -d ' ' -f 1; }
file_of() { echo "$dir/$1/artifacts/$(digest_of "$2")"; } # NODE FILE
good_at() { [ "$(digest_of "$(file_of "$1" "$2")" 2>/dev/null)" = "$(digest_of "$2")" ]; }
everywhere() { good_at c1 "$1" && good_at c2 "$1" && good_at c3 "$1"; }
nowhere() { local id; for id in c1 c2 c3; do [ ! -e "$(file_of $id "$1")" ] || return 1; done; }
stages() { ctl list versions -o json | python3 -c '
import json, sys
print(" ".join(sorted(v["name"].rsplit("/", 1)[1] + "=" + v.get("stage", "-") for v in json.load(sys.stdin)["items"])))'; }

cluster_start "$dir" $((21000 + $$ % 300 * 30))
cluster_ctl create organization demo tier=ENTERPRISE >/dev/null
ctl create model dpi purpose=dpi >/dev/null
for i in 1 2 3 4; do head -c $((i * 700001)) /dev/urandom >"$work/v$i"; done
head -c 40000000 /dev/urandom >"$work/big"

# ---- upload, download, and what is there already
ctl models upload "$work/v1" dpi/v1 metricsMillionths.f1=987000 >/dev/null || fail "upload"
have=0
for id in c1 c2 c3; do if good_at $id "$work/v1"; then have=$((have + 1)); fi; done
[ $have -ge 2 ] || fail "acknowledged with the bytes on $have of three disks"
cluster_until 60 "the third does not fetch them" everywhere "$work/v1"
ctl models download dpi/v1 "$work/back" >/dev/null || fail "download"
cmp "$work/back" "$work/v1" || fail "other bytes came back"
ctl models upload "$work/v1" dpi/again >/dev/null || fail "the same bytes as another version"
[ "$(find "$dir/c1/artifacts" -type f | wc -l)" = 1 ] || fail "the same bytes are kept twice"
refused "FIELD_IMMUTABLE" ctl models upload "$work/v2" dpi/v1
pass "bytes go to a majority before the answer, to all soon, and come back the same; equal ones are kept once"

# ---- stages
refused "WRONG_STATE" ctl update "models/dpi/versions/v1" stage=LIVE
ctl models promote dpi/v1 >/dev/null
ctl models upload "$work/v2" dpi/v2 >/dev/null
ctl models promote dpi/v2 >/dev/null
[ "$(stages)" = "again=- v1=SHADOW v2=LIVE" ] || fail "stages: $(stages)"
ctl models rollback dpi >/dev/null
[ "$(stages)" = "again=- v1=LIVE v2=SHADOW" ] || fail "stages after the rollback: $(stages)"
ctl create modelVersion models/dpi/versions/empty digest="$(digest_of "$work/v3")" sizeBytes=2100003 >/dev/null
refused "not stored yet" ctl models promote dpi/empty
refused "not stored yet" ctl models download dpi/empty "$work/none"
pass "one version is LIVE, promotion and rollback are one call, bytes that are not there decide nothing"

# ---- signatures
key=$(ctl models keygen "$work/key")
ctl update model dpi signingKeys="$key" >/dev/null
refused "has no signature" ctl models promote dpi/v2
refused "nothing may load it" ctl models download dpi/v2 "$work/none"
ctl models sign dpi/v2 "$work/key" >/dev/null
ctl models promote dpi/v2 >/dev/null || fail "promote what is signed"
ctl models download dpi/v2 "$work/signed" >/dev/null || fail "download what is signed"
cmp "$work/signed" "$work/v2" || fail "other bytes came back"
other=$(ctl models keygen "$work/other")
[ "$other" != "$key" ] || fail "two keys are one"
ctl models sign dpi/v1 "$work/other" >/dev/null
refused "has no signature" ctl models promote dpi/v1
pass "without a signature by the model's key a version neither decides nor is loaded"

# ---- tampering
printf x | dd of="$(file_of c2 "$work/v2")" bs=1 seek=1000 conv=notrunc status=none
if ! PATRONUS_SERVER=127.0.0.1:$((CLUSTER_PORT + 10)) ctl models download dpi/v2 "$work/t1" --timeout 1s >/dev/null; then
    grep -q "damaged\|not have the bytes" "$work/err" || fail "tampered bytes: $(cat "$work/err")"
else
    cmp "$work/t1" "$work/v2" || fail "tampered bytes were handed out"
fi
cluster_until 60 "the damaged copy is not repaired" good_at c2 "$work/v2"
pass "tampered bytes are not handed out, and repaired from another controller"

# ---- a voter dies in the middle of an upload
cluster_ctl -p demo models upload "$work/big" dpi/big --timeout 60s >"$work/up" 2>&1 &
upload=$!
under_way() { find "$dir" -path '*/artifacts/*' -name "$(digest_of "$work/big").*" -size +1M | grep -q .; }
cluster_until 60 "the upload does not begin" under_way
killed=$(cluster_kill_leader)
wait $upload || { cat "$work/up"; fail "the upload does not survive the death of $killed"; }
cluster_revive
cluster_until 90 "not everybody has the bytes in the end" everywhere "$work/big"
[ -z "$(find "$dir" -path '*/artifacts/*' -name '*.upload-*')" ] || fail "parts of uploads are left: $(find "$dir" -name '*.upload-*')"
pass "an upload survives the death of the leader, who has the bytes when it comes back, and nothing half is left"

# ---- retention, quota, collection
ctl update model dpi signingKeys= >/dev/null
ctl models upload "$work/v3" dpi/v3 >/dev/null
ctl models upload "$work/v4" dpi/v4 >/dev/null
ctl update model dpi keepVersions=1 >/dev/null
kept() { [ "$(stages)" = "v1=SHADOW v2=LIVE v4=-" ]; }
cluster_until 60 "retention keeps: $(stages)" kept
cluster_until 60 "what nothing refers to stays" nowhere "$work/v3"
everywhere "$work/v2" || fail "what is referred to was removed"
cluster_ctl create organization small tier=FREE parentOrganization=organizations/demo >/dev/null
cluster_ctl -p small create model m purpose=dpi >/dev/null
head -c 600000 /dev/urandom >"$work/q1"
head -c 600000 /dev/urandom >"$work/q2"
cluster_ctl -p small models upload "$work/q1" m/a >/dev/null || fail "an upload within the quota"
refused "QUOTA_EXCEEDED" cluster_ctl -p small models upload "$work/q2" m/b
pass "old versions go by themselves, their bytes after them, and bytes count to the quota"
