#!/bin/bash
# Who is believed, and what opens the secrets, on a running cluster: real processes, three controllers on loopback.
#
#   an edge's leaf, the admin, an API key --TLS--> c1, c2, c3 (127.0.x.1..3)      no root, no namespace
#
#   1. an edge that joins again makes the leaf of before worthless, at every controller
#   2. a denied edge is refused by every controller, for calls and for a new leaf, until it is denied no more
#   3. another seal key while everything runs: API keys and secrets go on, the old key opens nothing any more
#   4. everything was off for longer than leaves live: controllers renew themselves, an edge by the key it enrolled with
#   5. an authority that ends soon is warned of
#   6. secrets stand where they belong and nowhere else: not in data, logs, a backup, nor a core file
#
# tests/net/authority.sh has what needs packets: a rotation under pings, streams and a Watch.
# Usage: tests/e2e/authority.sh [BIN]   the folder of patronusctl and patronusd; else $PT_BUILD_DIR/bin, else the newest build.
# Exit code: 0 passed, 1 failed, 77 skipped with the reason.
# shellcheck disable=SC2046 # flags prints words, split on purpose
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
net=127.$((1 + $$ / 60000)).$((1 + $$ / 250 % 250)) # of our own: tests may run side by side
host=$((1 + $$ % 240))
port=17900
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
    for file in "$work/out" "$work/err" "$work"/*.log; do
        echo "--- $file" >&2
        tail -n 8 "$file" >&2 || true
    done
    exit 1
}
ok() { echo "ok: $*"; }
run() { "$@" >"$work/out" 2>"$work/err" </dev/null || fail "exit code $?: $*"; }
# Does the command fail, with this text on standard error?
refused() {
    local text=$1
    shift
    ! "$@" >"$work/out" 2>"$work/err" </dev/null && grep -qF -- "$text" "$work/err"
}
until_true() {
    local end=$((SECONDS + 60))
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $end ] || fail "waited for: $*"
        sleep 0.1 # between two looks at a condition
    done
}
address() { echo "$net.$((host + $1))"; }
servers=$(address 1):$port,$(address 2):$port,$(address 3):$port
start() { # NUMBER WORD...: run patronusd, with $environment
    local number=$1
    shift
    env "${environment[@]}" "$daemon" "$@" --data "$work/c$number" --seal-key "$work/c$number.seal" --address "$(address "$number")" \
        --id "c$number" --api-port $port --peer-port $((port + 1)) --agent-port $((port + 2)) --admin-file "$work/admin.pem" \
        >>"$work/c$number.log" 2>&1 </dev/null &
    pid_of[$number]=$!
}
environment=(WALL_SHIFT_S=0)
stop() {
    kill "${pid_of[$1]}"
    wait "${pid_of[$1]}" 2>/dev/null || true
    unset "pid_of[$1]"
}
as() { # SERVERS CREDENTIAL WORD...: patronusctl, at the time of day that the controllers have
    local servers=$1 credential=$2
    shift 2
    env "${environment[@]}" timeout 60 "$ctl" -t 20s --server "$servers" --credential "$credential" "$@"
}
admin() { as "$servers" "$work/admin.pem" "$@"; }
voters() { [ "$(admin get controllers -o json --stale | grep -c '"role": *"VOTER"')" = "$1" ]; }
leads() { admin cluster status | grep -q leader; }

# ---- a cluster of three, an edge, an API key --------------------------------------------------------------------------
start 1 init
until_true test -s "$work/admin.pem"
until_true leads
for number in 2 3; do
    admin tokens create --role voter >"$work/token" 2>/dev/null
    start $number join "@$work/token"
    until_true voters $number
done
run admin create organization acme
run admin -p organizations/acme create site nyc
run admin -p organizations/acme/sites/nyc create edge e1
EDGE=organizations/acme/sites/nyc/edges/e1
join_edge() { # FOLDER: its credential is $work/FOLDER.pem
    admin tokens create --role edge --edge $EDGE >"$work/token" 2>/dev/null
    run "$daemon" join "@$work/token" --data "$work/$1" --pin "$work/pin" --no-start
    cat "$work/$1"/{cert,key,ca}.pem >"$work/$1.pem"
}
# An edge's leaf calls what no edge may: whether it is believed is what the refusal says.
believed() { refused PERMISSION_DENIED as "$(address "$1"):$port" "$work/$2.pem" get organizations; }
revoked() { refused "${3:-IDENTITY_REVOKED}" as "$(address "$1"):$port" "$work/$2.pem" get organizations; }

# ---- 1 ---------------------------------------------------------------------------------------------------------------
join_edge first
for number in 1 2 3; do until_true believed $number first; done
join_edge second
for number in 1 2 3; do
    until_true revoked $number first
    until_true believed $number second
done
ok "who joined again has made its old leaf worthless"

# ---- 2 ---------------------------------------------------------------------------------------------------------------
cluster=$(admin cluster status -o json | grep -o '"clusterId": *"[^"]*"' | head -n 1 | cut -d '"' -f 4)
# What the edge's agent does at half life: a request by its own key. That is the proof: who sends it does not matter.
renews() { # FOLDER [KEY OF]: is a new leaf signed? It stands in $work/out
    openssl req -new -key "$work/${2:-$1}/key.pem" -subj / -outform DER -out "$work/csr" 2>/dev/null
    python3 - "$work/$1/cert.pem" "$work/csr" >"$work/renew.json" <<'PY'
import base64, json, sys
print(json.dumps({"certificatePem": open(sys.argv[1]).read(), "csr": base64.b64encode(open(sys.argv[2], "rb").read()).decode()}))
PY
    admin call EnrollmentService.Renew -f "$work/renew.json"
}
run renews second
grep -q 'BEGIN CERTIFICATE' "$work/out" || fail "no certificate in the answer"
refused 'the request is not signed by the key that enrolled' renews second first || fail "another key renews"
refused 'join it again' renews first || fail "a key that was replaced renews"

run admin create deniedIdentity stolen "identity=spiffe://$cluster/edge/$EDGE" reason=stolen
for number in 1 2 3; do until_true revoked $number second; done
refused 'revoked' renews second || fail "a denied edge gets a new leaf"
run admin delete deniedIdentities/stolen
for number in 1 2 3; do until_true believed $number second; done
run renews second
ok "a denied edge is refused by every controller, and gets no new leaf"

# A rotation that waits for an edge which is not there is given up, and nothing has become of it.
run admin cas rotate
has_authorities() { [ "$(admin cas list -o json | grep -c '"id"')" = "$1" ]; }
until_true has_authorities 2
run admin cas list
grep -qF "$EDGE" "$work/out" || fail "what a rotation waits for is not named"
run admin cas abort
until_true has_authorities 1
# Who has called at each of the controllers is one person, and is named once.
for number in 1 2 3; do as "$(address $number):$port" "$work/admin.pem" cas list >/dev/null; done
people() { admin cas rotate --dry-run | grep -c '/admin/root:'; }
until_true people
for _ in 1 2 3 4; do [ "$(people)" = 1 ] || fail "a person is named more than once"; done
ok "a rotation is given up before anything was signed"

# ---- 3 ---------------------------------------------------------------------------------------------------------------
run admin -p organizations/acme create serviceAccount ci
run admin -p organizations/acme create roleBinding ci role=roles/viewer members=organizations/acme/serviceAccounts/ci
run admin -p organizations/acme api-keys create ci --id main
tail -n 1 "$work/out" >"$work/ci.key"
key_opens() { as "$(address "$1"):$port" "$work/second/ca.pem" --token-file "$work/ci.key" -p organizations/acme get site nyc; }
for number in 1 2 3; do until_true key_opens $number; done
cp "$work/c1.seal" "$work/old.seal"
for number in 1 2 3; do cmp "$work/c$number.seal" "$work/old.seal" || fail "c$number has another seal key"; done

head -c 32 /dev/urandom >"$work/next.seal"
install -m 600 "$work/next.seal" "$work/c1.seal.next"
install -m 600 "$work/next.seal" "$work/c2.seal.next"
lacks() { { admin cas reseal --dry-run 2>&1 || true; } | grep -qF "controllers/$1: has"; }
only_c3_lacks() { lacks c3 && ! lacks c1 && ! lacks c2; }
until_true only_c3_lacks
! admin cas reseal >"$work/out" 2>"$work/err" || fail "resealed, though c3 has no next key"
cmp "$work/c1.seal" "$work/old.seal" || fail "a refused reseal replaced a key"
install -m 600 "$work/next.seal" "$work/c3.seal.next"
nobody_lacks() { admin cas reseal --dry-run; }
until_true nobody_lacks
run admin cas reseal
replaced() { cmp "$work/c$1.seal" "$work/next.seal" && [ ! -e "$work/c$1.seal.next" ]; }
for number in 1 2 3; do until_true replaced $number; done
for number in 1 2 3; do run key_opens $number; done
run renews second # the authority's key is opened
ok "secrets are sealed under another key while everything runs"


# Keys of nodes and people, both seal keys, an API key and a join token's secret, in the forms in which they might be
# written down. Each may stand in its own file alone.
run admin backup "$work/secrets.ptb"
join_token=$(cat "$work/token")
python3 - "$work" "$join_token" >"$work/out" 2>"$work/err" <<'PY' || fail "a secret stands where it does not belong"
import base64, os, sys
work, token = sys.argv[1], sys.argv[2]
def read(path):
    with open(os.path.join(work, path), "rb") as file:
        return file.read()
def body(path):  # of a private key: a line of it is enough
    lines = read(path).split(b"\n")
    return lines[next(i for i, line in enumerate(lines) if b"PRIVATE KEY" in line) + 1]
secrets = {"an API key": read("ci.key").strip()[5:40], "the admin's key": body("admin.pem"),
           "a join token": base64.urlsafe_b64decode(token.split(".")[1] + "==")[:16]}
for name in ("old", "next"):
    raw = read(name + ".seal")
    secrets |= {f"{name} seal key": raw, f"{name} seal key, hex": raw.hex().encode(), f"{name} seal key, base64": base64.b64encode(raw)[:40]}
for name in ("c1", "c2", "c3", "first", "second"):
    secrets[name + "'s key"] = body(name + "/key.pem")
assert all(len(secret) >= 16 for secret in secrets.values()), secrets
looked = 0
for folder in ("c1", "c2", "c3"):
    for at, _, files in os.walk(os.path.join(work, folder)):
        for file in files:
            data, looked = read(os.path.join(at, file)), looked + 1
            for what, secret in secrets.items():
                if secret in data and not (file == "key.pem" and what == folder + "'s key"):
                    sys.exit(f"{what} in {at}/{file}")
for file in ("secrets.ptb", "c1.log", "c2.log", "c3.log"):
    data, looked = read(file), looked + 1
    for what, secret in secrets.items():
        if secret in data:
            sys.exit(f"{what} in {file}")
print(f"{looked} files, {len(secrets)} secrets")
PY
ok "secrets stand nowhere else: $(cat "$work/out")"

# A controller that starts with the old key says so, and nothing can be made of its state.
stop 3
cp "$work/old.seal" "$work/c3.seal"
start 3 run
until_true grep -q 'seal key opens nothing' "$work/c3.log"
stop 3
refused 'seal key' "$daemon" recover --force-new-cluster --data "$work/c3" --seal-key "$work/c3.seal" \
    --admin-file "$work/recovered.pem" || fail "the old seal key opens a controller's state"
cp "$work/next.seal" "$work/c3.seal"
ok "the old seal key opens nothing any more"

# ---- 4 ---------------------------------------------------------------------------------------------------------------
# Two hours later: all leaves ended an hour ago.
stop 1
stop 2
environment=(LD_PRELOAD="$work/wall_clock.so" WALL_SHIFT_S=7200)
if ! "${CC:-cc}" -shared -fPIC -O1 -o "$work/wall_clock.so" "$root/tests/e2e/wall_clock.c" 2>"$work/err" ||
    ! env "${environment[@]}" "$daemon" --help >/dev/null 2>"$work/err"; then
    echo "skipped: what needs another time of day: $(head -n 1 "$work/err")"
    exit 0
fi
for number in 1 2 3; do
    : >"$work/c$number.log"
    start $number run
done
for number in 1 2 3; do until_true grep -q 'certificate renewed' "$work/c$number.log"; done
! grep -q 'seal key opens nothing' "$work"/c?.log || fail "a controller's seal key is not the new one"
for number in 1 2 3; do until_true key_opens $number; done
! believed 1 second || fail "an expired leaf is believed"
grep -q UNAVAILABLE "$work/err" || fail "an expired leaf gets past the handshake"
refused 'the request is not signed by the key that enrolled' renews second first || fail "another key renews"
until_true renews second
run renews second
python3 -c 'import json, sys; sys.stdout.write(json.load(sys.stdin)["certificatePem"])' <"$work/out" >"$work/second/cert.pem"
cat "$work/second"/{cert,key,ca}.pem >"$work/second.pem"
until_true believed 1 second
ok "after two hours off the controllers renew themselves, and an edge by the key it enrolled with"

# ---- 5 ---------------------------------------------------------------------------------------------------------------
for number in 1 2 3; do stop $number; done
environment=(LD_PRELOAD="$work/wall_clock.so" WALL_SHIFT_S=$((3500 * 86400)))
: >"$work/c3.log"
start 3 run # alone: nothing is written
until_true grep -q 'authority expires soon' "$work/c3.log"
grep 'authority expires soon' "$work/c3.log" | grep -q 'patronusctl cas rotate' || fail "the warning does not say what to do"
ok "an authority that ends in 150 days is warned of"

# ---- 6 ---------------------------------------------------------------------------------------------------------------
stop 3
mkdir "$work/core"
env "${environment[@]}" python3 - "$work" "$(address 3)" $port "$(readlink -f "$daemon")" --data "$work/c3" --seal-key "$work/c3.seal" >"$work/out" 2>"$work/err" <<'PY' || fail "a controller leaves a core file"
import os, resource, signal, socket, subprocess, sys, time
work, address, command = sys.argv[1], (sys.argv[2], int(sys.argv[3])), [sys.argv[4], "run", *sys.argv[5:]]
def answers():
    with socket.socket() as tried:
        return tried.connect_ex(address) == 0
def unlimited():
    resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
def dumps(argv, ready):
    process = subprocess.Popen(argv, cwd=work + "/core", preexec_fn=unlimited, stdout=open(work + "/core.log", "wb"), stderr=subprocess.STDOUT)
    end = time.monotonic() + 60
    while not ready() and process.poll() is None and time.monotonic() < end:
        time.sleep(0.05)  # between two looks at a condition
    assert process.poll() is None, open(work + "/core.log").read()[-500:]
    process.send_signal(signal.SIGSEGV)
    return os.WCOREDUMP(os.waitpid(process.pid, 0)[1])
try:
    able = not open("/proc/sys/kernel/core_pattern").read().startswith("|") and dumps(["sleep", "60"], lambda: True)
except (OSError, ValueError) as error:
    able = False
if not able:
    print("this machine writes no core files")
    sys.exit(0)
assert not dumps(command, answers), "there is a core file"
print("none, where others leave one")
PY
ok "a core file of a controller: $(cat "$work/out")"
