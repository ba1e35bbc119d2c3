#!/bin/bash
# Tenants, roles, keys, quotas and revocation through the real programs on loopback.
#
#   patronusctl --token-file KEY --TLS--> patronusd (one voter, 127.0.0.N)     no root, no namespace
#
# Usage: tests/e2e/access.sh [BIN]   the folder of patronusctl and patronusd; else $PT_BUILD_DIR/bin, else the newest.
# Exit code: 0 passed, 1 failed, 77 skipped with the reason.
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
bin=${1:-${PT_BUILD_DIR:+$PT_BUILD_DIR/bin}}
if [ -z "$bin" ]; then
    # shellcheck disable=SC2012 # build folders have plain names
    bin=$(dirname "$(ls -t "$root"/build/*/bin/patronusd 2>/dev/null | head -1)")
fi
ctl=${PT_CTL:-$bin/patronusctl}
daemon=${PT_DAEMON:-$bin/patronusd}
if [ ! -x "$ctl" ] || [ ! -x "$daemon" ]; then
    echo "SKIP: there is no patronusctl and patronusd; build them first"
    exit 77
fi

work=$(mktemp -d)
address=127.0.$((1 + ($$ + 77) / 250 % 250)).$((1 + ($$ + 77) % 250)) # of our own: tests may run side by side
port=17500
daemon_pid=
watch_pid=
cleanup() {
    for pid in $watch_pid $daemon_pid; do
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    rm -rf "$work"
}
trap cleanup EXIT
fail() {
    echo "FAIL: $*" >&2
    for file in out err daemon.log; do tail -20 "$work/$file" >&2 || true; done
    exit 1
}
ok() { echo "ok: $*"; }
# Run the program and expect an exit code; output goes to $work/out and $work/err.
expect() {
    local want=$1 got=0
    shift
    timeout 60 "$ctl" "$@" >"$work/out" 2>"$work/err" </dev/null || got=$?
    [ "$got" = "$want" ] || fail "exit code $got, not $want: patronusctl $*"
}
err_has() { grep -qF -- "$1" "$work/err" || fail "standard error lacks '$1'"; }
out_has() { grep -qF -- "$1" "$work/out" || fail "standard output lacks '$1'"; }
until_true() {
    for _ in $(seq 200); do
        if "$@" 2>/dev/null; then
            return 0
        fi
        sleep 0.1 # between two looks at a condition
    done
    fail "waited for: $*"
}

"$daemon" init --data "$work/data" --seal-key "$work/seal/key" --admin-file "$work/admin.pem" --address "$address" \
    --api-port "$port" --peer-port $((port + 1)) --agent-port $((port + 2)) >"$work/daemon.log" 2>&1 &
daemon_pid=$!
export PATRONUS_SERVER=$address:$port PATRONUS_CREDENTIAL=$work/admin.pem
until_true test -s "$work/admin.pem"
until_true sh -c "'$ctl' cluster status >/dev/null"

# ---- quotas, and a deleted organization comes back
expect 0 create organization acme tier=FREE
expect 0 create organization rival
expect 0 -p rival create site secret
for site in a b c; do
    expect 0 -p acme create site $site
done
expect 1 -p acme create site d
err_has "uses 3 of its 3 sites"
expect 0 get organization acme -o json
out_has '"metric": "sites"'
expect 0 delete organization acme --force
expect 3 get organization acme
expect 0 undelete organization acme
expect 0 -p acme get site b
ok "quotas and undelete"

# ---- a key: nothing without a binding, its role with one, less with scopes
expect 0 -p acme create serviceAccount ci
expect 0 -p acme api-keys create ci --id main
tail -1 "$work/out" >"$work/ci.key"
grep -q '^ptk1_' "$work/ci.key" || fail "no key was printed"
expect 0 get apiKeys -o json
if grep -qF "$(cut -c 6-30 "$work/ci.key")" "$work/out"; then fail "the key can be read again"; fi
# The CA is all that a holder of a key needs.
awk '/BEGIN CERTIFICATE/ {n++} n >= 2' "$work/admin.pem" >"$work/ca.pem"
key() { # exit code, then a command line
    local want=$1
    shift
    expect "$want" --credential "$work/ca.pem" --token-file "$work/ci.key" "$@"
}
key 3 get site organizations/acme/sites/a
err_has "there is no site"
expect 0 -p acme create roleBinding ci role=roles/viewer members=organizations/acme/serviceAccounts/ci
key 0 get site organizations/acme/sites/a
key 1 -p acme update sites/a region=x
err_has "sites.update"
key 3 get site organizations/rival/sites/secret
key 0 get sites
if grep -q secret "$work/out"; then fail "another tenant's site is listed"; fi
expect 0 -p acme update roleBindings/ci role=roles/operator
key 0 -p acme update sites/a region=x
key 1 -p acme create roleBinding mine role=roles/admin members=organizations/acme/serviceAccounts/ci
expect 0 -p acme api-keys create ci --id narrow 'sites.get'
tail -1 "$work/out" >"$work/narrow.key"
expect 0 --credential "$work/ca.pem" --token-file "$work/narrow.key" -p acme get sites/a
expect 1 --credential "$work/ca.pem" --token-file "$work/narrow.key" -p acme update sites/a region=y
ok "keys, roles, scopes"

# ---- people: a certificate is worth what is bound to it
expect 0 cas issue user/ann "$work/ann.pem" --expires 2h
out_has "/user/ann"
ann=$(grep -o 'spiffe://[^ ]*' "$work/out")
[ "$(stat -c %a "$work/ann.pem")" = 600 ] || fail "others may read a credential"
expect 2 cas issue user/ann "$work/ann.pem"
expect 3 --credential "$work/ann.pem" -p acme get site a
expect 0 -p acme create roleBinding ann role=roles/viewer "members=$ann"
expect 0 --credential "$work/ann.pem" -p acme get site a
expect 1 --credential "$work/ann.pem" -p acme update sites/a region=z
expect 1 --credential "$work/ann.pem" cas issue user/bob "$work/bob.pem"
[ ! -e "$work/bob.pem" ] || fail "a refused credential left a file"
expect 0 --credential "$work/ann.pem" cas renew
expect 0 cas issue admin/eve "$work/eve.pem"
expect 0 --credential "$work/eve.pem" create organization eves
ok "certificates of people"

# ---- revocation ends an open stream
"$ctl" --credential "$work/ca.pem" --token-file "$work/ci.key" -p acme watch sites --initial -o json \
    >"$work/watch.out" 2>"$work/watch.err" &
watch_pid=$!
until_true grep -q organizations/acme/sites/a "$work/watch.out"
expect 0 create deniedIdentity ci identity=organizations/acme/serviceAccounts/ci reason=lost
ended() { ! kill -0 "$watch_pid"; }
until_true ended
watch_pid=
key 1 get site organizations/acme/sites/a
err_has "revoked"
expect 0 delete deniedIdentities/ci
key 0 get site organizations/acme/sites/a
expect 0 -p acme delete serviceAccounts/ci/apiKeys/main
key 1 get site organizations/acme/sites/a
expect 1 --credential "$work/ca.pem" --token ptk1_guess get sites
expect 1 --credential "$work/ca.pem" --token a.b.c get sites
ok "revocation"

# ---- the audit log: mutations and refused calls, as a chain
recorded() { "$ctl" audit export >"$work/audit.jsonl" && grep -q '"code":"PERMISSION_DENIED"' "$work/audit.jsonl"; }
until_true recorded
expect 0 audit verify
expect 0 audit verify "$work/audit.jsonl"
grep -q '"method":"CREATE".*"organizations/acme/roleBindings/ci"' "$work/audit.jsonl" || fail "a mutation is not recorded"
grep -q '"principal":"organizations/acme/serviceAccounts/ci".*"method":"UpdateSite".*"code":"PERMISSION_DENIED"' \
    "$work/audit.jsonl" || fail "a refused call is not recorded"
# Which line it is depends on what came first: requests of nodes are recorded among those of people.
line=$(grep -n '"CREATE"' "$work/audit.jsonl" | sed -n 3p | cut -d: -f1)
sed "${line}s/\"CREATE\"/\"DELETE\"/" "$work/audit.jsonl" >"$work/tampered.jsonl"
if cmp -s "$work/audit.jsonl" "$work/tampered.jsonl"; then fail "nothing was tampered with"; fi
expect 1 audit verify "$work/tampered.jsonl"
err_has "line $line"
sed 7d "$work/audit.jsonl" >"$work/cut.jsonl"
expect 1 audit verify "$work/cut.jsonl"
err_has "line 7"
ok "audit: $(wc -l <"$work/audit.jsonl") records"

kill "$daemon_pid"
wait "$daemon_pid" || fail "the controller did not stop well"
daemon_pid=
if grep -qrF "$(cut -c 6-30 "$work/ci.key")" "$work/data" "$work/daemon.log"; then fail "a key stands on disk"; fi
echo "passed"
