#!/bin/bash
# Tokens of a real OpenID provider (npm oidc-provider): discovery, keys of each algorithm, rotation, refusals.
#
#   oidc-provider --https--> c1 (discovery, keys)      curl --> token --> patronusctl --token --> c1
#
# Usage: tests/clients/oidc.sh [BIN]; OIDC_MODULES names a folder in which oidc-provider is installed already.
# Exit code: 0 passed, 1 failed, 77 skipped with the reason.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
bin=${1:-${PT_BUILD_DIR:-$root/build/dev}/bin}
if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    echo "skipped: Node 20 with npm is not installed"
    exit 77
fi
work=$(mktemp -d)
pids=()
provider=
cleanup() {
    for pid in "${pids[@]}" $provider; do
        kill -KILL "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    rm -rf "$work"
}
trap cleanup EXIT
if [ -z "${OIDC_MODULES:-}" ]; then
    OIDC_MODULES=$work/npm
    mkdir -p "$OIDC_MODULES"
    (cd "$OIDC_MODULES" && npm install --no-audit --no-fund --ignore-scripts oidc-provider@8 >"$work/npm.log" 2>&1) || {
        tail -n 2 "$work/npm.log"
        echo "skipped: npm cannot install oidc-provider"
        exit 77
    }
fi
export OIDC_MODULES
fail() {
    echo "FAIL: $*" >&2
    tail -n 5 "$work/out" "$work/provider.log" "$work/c1.log" >&2 || true
    exit 1
}
ok() { echo "ok: $*"; }
until_true() {
    for _ in $(seq 400); do
        if "$@" >"$work/out" 2>&1; then
            return 0
        fi
        sleep 0.1 # between two looks at a condition
    done
    fail "waited for: $*"
}
address=127.$((1 + $$ / 60000)).$((1 + $$ / 250 % 250)).$((1 + $$ % 240))
port=$((20000 + $$ % 20000))
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/key.pem" -out "$work/cert.pem" \
    -days 2 -subj /CN=issuer -addext subjectAltName=IP:127.0.0.1 2>/dev/null
start_provider() { # ALG KID
    if [ -n "$provider" ]; then
        kill "$provider"
        wait "$provider" 2>/dev/null || true
    fi
    : >"$work/provider.log"
    node "$root/tests/clients/oidc_provider.mjs" "$port" "$work/key.pem" "$work/cert.pem" "$1" "$2" >"$work/provider.log" 2>&1 &
    provider=$!
    until_true grep -q ready "$work/provider.log"
}
token() { # [RESOURCE]
    curl -sS --cacert "$work/cert.pem" -d grant_type=client_credentials -d client_id=ci -d client_secret=a-secret-of-the-test \
        -d scope=api -d "resource=${1:-urn:patronus}" "https://127.0.0.1:$port/token" | sed 's/.*"access_token":"\([^"]*\)".*/\1/'
}
ctl() { "$bin/patronusctl" -t 5s --server "$address:17700" --credential "$work/admin.pem" "$@"; }
with() { ctl --token "$1" list sites -p organizations/acme; }
refused() { # WORDS TOKEN
    if with "$2" >"$work/out" 2>&1; then
        fail "accepted: $1"
    fi
    grep -q "$1" "$work/out" || fail "not refused for: $1"
}

start_provider RS256 first
"$bin/patronusd" init --data "$work/c1" --seal-key "$work/c1.seal" --address "$address" --id c1 --api-port 17700 \
    --peer-port 17701 --agent-port 17702 --admin-file "$work/admin.pem" --issuer-ca "$work/cert.pem" \
    --issuer-networks 127.0.0.0/8 >"$work/c1.log" 2>&1 </dev/null &
pids+=($!)
until_true ctl create organization acme
until_true ctl create site nyc -p organizations/acme
ctl create identityProvider lab -p organizations/acme "issuer=https://127.0.0.1:$port" audiences=patronus >/dev/null
ctl create roleBinding viewers -p organizations/acme role=roles/viewer \
    members=organizations/acme/identityProviders/lab/users/ci >/dev/null
good=$(token)
until_true with "$good"
grep -q nyc "$work/out" || fail "a user of the provider does not see what his binding shows"
ok "discovery, keys, RS256: a user is who his token says"

head=${good%.*} tail=${good##*.}
refused "not signed by its provider" "$head.$(echo "${tail:0:20}" | tr 'A-Za-z' 'N-ZA-Mn-za-m')${tail:20}"
refused "no identity provider" "$(token urn:other)"
unsigned=$(printf '{"alg":"none"}' | base64 -w0 | tr -d =).$(printf '%s' "$good" | cut -d. -f2).
refused "no signature" "$unsigned"
ok "a changed signature, another audience, alg none: refused"

for alg in ES256 EdDSA; do
    start_provider $alg "second-$alg"
    until_true with "$(token)"
    ok "keys rotate to $alg while the cluster runs"
done
refused "no key of the provider" "$good"
ok "a token of a key that was taken back is refused"

ctl update identityProvider lab -p organizations/acme disabled=true >/dev/null
now=$(token)
refused "no identity provider" "$now"
ok "a disabled provider's tokens are refused"
