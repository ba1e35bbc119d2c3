#!/bin/bash
# The HTTP listener of real controllers: health, readiness and metrics, and who may ask.
#
#   curl --TLS--> c1, c2 (127.0.5.1, 127.0.5.2)     a network namespace of our own where there is root;
#                                                    with 10.255.0.1 on lo, an address that is not loopback
#
# Usage: tests/e2e/http.sh [BIN]   the folder of patronusctl and patronusd; else $PT_BUILD_DIR/bin, else the newest build.
# Exit code: 0 passed, 1 failed, 77 skipped with the reason.
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
if [ -z "${PT_HTTP_INSIDE:-}" ] && [ "$(id -u)" = 0 ] && unshare -n true 2>/dev/null; then
    PT_HTTP_INSIDE=1 exec unshare -n "$0" "$@"
fi
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
command -v curl >/dev/null || { echo "SKIP: curl is not installed (deploy/deps)"; exit 77; }

work=$(mktemp -d)
net=127.0.5
if [ -n "${PT_HTTP_INSIDE:-}" ]; then
    ip link set lo up
    ip address add 10.255.0.1/32 dev lo
else
    net=127.$((1 + $$ / 60000)).$((1 + $$ / 250 % 250)) # beside others
fi
port=17700
passed=0
declare -A pid_of=()
cleanup() {
    for pid in "${pid_of[@]}"; do
        kill -KILL "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    rm -rf "$work"
}
trap cleanup EXIT
fail() {
    echo "FAIL: $*" >&2
    tail -n 12 "$work"/out "$work"/*.log >&2 || true
    exit 1
}
pass() {
    passed=$((passed + 1))
    echo "ok: $*"
}
until_true() {
    for _ in $(seq 300); do
        if "$@" >/dev/null 2>&1; then
            return 0
        fi
        sleep 0.1 # between two looks at a condition
    done
    fail "waited for: $*"
}
start() { # NUMBER WORD...
    local number=$1
    shift
    "$daemon" "$@" --data "$work/c$number" --seal-key "$work/c$number.seal" --address "$net.$number" --id "c$number" \
        --api-port $port --peer-port $((port + 1)) --agent-port $((port + 2)) --http-listen "${listen:-$net.$number}:$((port + 3))" \
        --admin-file "$work/admin.pem" >>"$work/c$number.log" 2>&1 </dev/null &
    pid_of[$number]=$!
}
end() { # NUMBER
    kill "${pid_of[$1]}"
    wait "${pid_of[$1]}" || fail "controller $1 did not end well"
    unset "pid_of[$1]"
}
at() { # NUMBER WORD...: patronusctl at one controller
    local number=$1
    shift
    "$ctl" -t 20s --server "$net.$number:$port" --credential "$work/admin.pem" "$@"
}
get() { # NUMBER PATH [CURL FLAG]...: prints the status; the body goes to $work/out
    local number=$1 path=$2
    shift 2
    curl -s -m 20 -o "$work/out" -w '%{http_code}' --cacert "$work/ca.pem" --noproxy '*' \
        --resolve "controller.patronus:$((port + 3)):${to:-$net.$number}" "$@" \
        "https://controller.patronus:$((port + 3))$path" || true
}
admin=(--cert "$work/admin.pem" --key "$work/admin.pem")
answers() { # STATUS NUMBER PATH [CURL FLAG]...
    local want=$1 got
    shift
    got=$(get "$@")
    [ "$got" = "$want" ] || fail "$* answered $got, not $want"
}
ready() { [ "$(get "$1" /readyz)" = "$2" ]; }
leads() { at "$1" cluster status | grep -q leader; }
voters() { [ "$(value "$1" 'patronus_raft_members{role="voter"}')" = "$2" ]; }
value() { # NUMBER METRIC-WITH-LABELS
    get "$1" /metrics "${admin[@]}" >/dev/null
    awk -v want="$2" '$1 == want {print $2}' "$work/out"
}

# ---- settings --------------------------------------------------------------------------------------------------------
code=0
"$daemon" run --data "$work/none" --http-listen localhost:1 >"$work/out" 2>&1 || code=$?
if [ $code = 0 ] || ! grep -q 'http_listen.*IP:PORT' "$work/out"; then fail "a name is no address to listen at"; fi
start 1 init
until_true test -s "$work/admin.pem"
awk '/BEGIN CERTIFICATE/ {n++} n >= 2' "$work/admin.pem" >"$work/ca.pem"
until_true leads 1
pass "a controller with an HTTP listener"

# ---- health is open to this machine; the rest is not ------------------------------------------------------------------
answers 200 1 /healthz
until_true ready 1 200
grep -qx 'ok leader' "$work/out" || fail "/readyz does not say that there is a leader"
answers 401 1 /metrics
grep -q 'certificate of this cluster' "$work/out" || fail "the refusal does not say what to do"
answers 404 1 /
answers 405 1 /metrics -X POST -d ''
answers 405 1 /metrics -X DELETE
pass "who has no credential learns about health and nothing else"

# ---- metrics: every one of the registry, and the format ----------------------------------------------------------------
answers 200 1 /metrics "${admin[@]}"
cp "$work/out" "$work/metrics"
grep -o '"patronus_[a-z_]*"' "$root/internal/base/metric.h" | tr -d '"' | sort -u >"$work/names"
[ "$(wc -l <"$work/names")" -ge 25 ] || fail "the registry was not read"
while read -r name; do
    [ "$(grep -c "^# TYPE $name " "$work/metrics")" = 1 ] || fail "$name is not served"
done <"$work/names"
if grep -vE '^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{[a-z_]+="([^"\\]|\\.)*"\})? -?[0-9]+(\.[0-9]+)?)$' "$work/metrics"; then
    fail "a line is not in Prometheus' text format"
fi
[ "$(value 1 patronus_raft_is_leader)" = 1 ] || fail "the leader does not say so"
before=$(value 1 'patronus_rpc_calls_total{code="OK"}')
for i in 1 2 3; do
    at 1 create organization "org$i" >/dev/null
done
after=$(value 1 'patronus_rpc_calls_total{code="OK"}')
[ "$after" -ge $((before + 3)) ] || fail "three calls were made, and the counter went from $before to $after"
(trap - EXIT; at 1 watch organizations) >"$work/watch.log" 2>&1 &
pid_of[watch]=$!
watched() { [ "$(value 1 patronus_watch_streams)" = 1 ]; }
until_true watched
kill "${pid_of[watch]}"
wait "${pid_of[watch]}" 2>/dev/null || true
unset "pid_of[watch]"
pass "$(wc -l <"$work/names") metrics"

# ---- credentials ------------------------------------------------------------------------------------------------------
at 1 -p org1 create serviceAccount prom >/dev/null
at 1 -p org1 api-keys create prom --id main 2>/dev/null | tail -1 >"$work/key"
bearer=(-H "authorization: Bearer $(cat "$work/key")")
answers 403 1 /metrics "${bearer[@]}"
grep -q 'cluster.get' "$work/out" || fail "the refusal does not name the permission"
at 1 create clusterRoleBinding prom role=roles/viewer members=organizations/org1/serviceAccounts/prom >/dev/null
answers 200 1 /metrics "${bearer[@]}"
answers 401 1 /metrics "${bearer[@]}" "${admin[@]}"
answers 401 1 /metrics -H 'authorization: Bearer ptk1_guess'
answers 401 1 /metrics -H 'authorization: Basic YTpi'
answers 431 1 /metrics -H "authorization: Bearer $(head -c 5000 /dev/zero | tr '\0' a)"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/own.key" -out "$work/own.pem" -days 1 \
    -subj /CN=x -addext 'subjectAltName=URI:spiffe://c-1/admin/root' 2>/dev/null
answers 000 1 /healthz --cert "$work/own.pem" --key "$work/own.key"
answers 000 1 /healthz --tls-max 1.2
recorded() { at 1 audit export | grep -q '"code":"PERMISSION_DENIED"'; }
until_true recorded
at 1 delete clusterRoleBinding prom >/dev/null
answers 403 1 /metrics "${bearer[@]}"
pass "certificates and keys, wrong ones too"

# ---- from elsewhere even health needs a credential ----------------------------------------------------------------------
if [ -n "${PT_HTTP_INSIDE:-}" ]; then
    end 1
    listen=0.0.0.0 start 1 run
    until_true ready 1 200
    to=10.255.0.1 answers 401 1 /healthz --interface 10.255.0.1
    to=10.255.0.1 answers 401 1 /readyz --interface 10.255.0.1
    to=10.255.0.1 answers 200 1 /healthz --interface 10.255.0.1 "${admin[@]}"
    end 1 # or the other's address would be taken
    start 1 run
    until_true ready 1 200
    pass "health is open to loopback only"
else
    echo "SKIP: from another address: it takes root and a network namespace"
fi

# ---- readiness follows the cluster ----------------------------------------------------------------------------------------
at 1 tokens create --role voter >"$work/token" 2>/dev/null
start 2 join "@$work/token"
until_true voters 1 2
until_true ready 2 200
kill -KILL "${pid_of[1]}"
wait "${pid_of[1]}" 2>/dev/null || true
until_true ready 2 503
grep -q '^no leader: ' "$work/out" || fail "/readyz does not say what is missing"
answers 200 2 /healthz
answers 200 2 /metrics "${admin[@]}"
start 1 run
until_true ready 2 200
end 2
pass "readiness without a leader, and with one again"
echo "$passed parts passed"
