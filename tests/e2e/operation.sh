#!/bin/bash
# What an operator does to a whole cluster: real processes, three controllers on loopback.
#
#   patronusctl --TLS--> c1, c2, c3 (127.0.x.1..3)      nothing outside of a temporary folder; no root
#
# Usage: tests/e2e/operation.sh [BIN]   the folder of patronusctl and patronusd; else $PT_BUILD_DIR/bin, else the newest build.
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
port=17600
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
    echo "--- output" >&2
    tail -n 15 "$work/out" "$work/err" >&2 || true
    for log in "$work"/*.log; do
        echo "--- $log" >&2
        tail -n 5 "$log" >&2 || true
    done
    exit 1
}
pass() {
    passed=$((passed + 1))
    echo "ok: $*"
}
run() { "$@" >"$work/out" 2>"$work/err" </dev/null || fail "exit code $?: $*"; }
refused() { # wanted exit code, then the command
    local want=$1 got=0
    shift
    "$@" >"$work/out" 2>"$work/err" </dev/null || got=$?
    [ "$got" = "$want" ] || fail "exit code $got, not $want: $*"
}
says() { cat "$work/out" "$work/err" | grep -qF -- "$1" || fail "neither output says '$1'"; }
until_true() {
    local end=$((SECONDS + 90)) # a hand-over that failed on a busy machine is tried again after half a minute
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $end ] || fail "waited for: $*"
        sleep 0.1 # between two looks at a condition
    done
}
address() { echo "$net.$((host + $1))"; }
declare -A seal_of=()
flags() { # of controller N, for init, join, run, restore and recover
    echo --data "$work/$2" --seal-key "${seal_of[$1]:-$work/$2.seal}" --address "$(address "$1")" --id "c$1" \
        --api-port $port --peer-port $((port + 1)) --agent-port $((port + 2))
}
start() { # NUMBER FOLDER [WORD]...: run patronusd
    local number=$1 folder=$2
    shift 2
    "$daemon" "$@" $(flags "$number" "$folder") --admin-file "$work/admin.pem" >>"$work/$folder.log" 2>&1 </dev/null &
    pid_of[$number]=$!
}
stop() {
    kill "-${2:-TERM}" "${pid_of[$1]}"
    wait "${pid_of[$1]}" 2>/dev/null || true
    unset "pid_of[$1]"
}
at() { # NUMBER WORD...: patronusctl at one controller
    local number=$1
    shift
    "$ctl" -t 20s --server "$(address "$number"):$port" --credential "$work/admin.pem" "$@"
}
voters() { [ "$(at "$1" get controllers -o json --stale | grep -c '"role": *"VOTER"')" = "$2" ]; }
leads() { at "$1" cluster status | grep -q leader; }
agree() { # the number of controllers in status that answer, with one and the same digest at one index
    at "$1" cluster status | awk -v want="$2" '/^c[0-9]/ && $3 != "unreachable" {n++; seen[$6 " " $7] = 1}
        END {exit !(n == want && length(seen) == 1)}'
}
join() { # NUMBER FOLDER [ROLE]
    at 1 controllers add --role "${3:-voter}" >"$work/token" 2>/dev/null
    start "$1" "$2" join "@$work/token"
}

# ---- the leader of two goes ------------------------------------------------------------------------------------------
# The command returns when the other one has it in its log, so that the machine can be switched off at once.
start 1 c1 init
until_true leads 1
join 2 gone
until_true voters 1 2
two_leads() { at 2 cluster status | awk '$1 == "c2" && $3 == "leader" {found = 1} END {exit !found}'; }
two_led() { two_leads || { at 2 cluster transfer c2 && two_leads; }; }
until_true two_led
run "$ctl" -t 20s --server "$(address 2):$port,$(address 1):$port" --credential "$work/admin.pem" controllers remove c2
stop 2 KILL
until_true at 1 create organization alone
run at 1 delete organization alone
pass "the leader of two is removed and switched off, the other one goes on"

# ---- a cluster of three ----------------------------------------------------------------------------------------------
join 2 c2
until_true voters 1 2
join 3 c3
until_true agree 1 3
for i in $(seq 5); do
    run at 2 create organization "org$i"
done
head -c 300000 /dev/urandom >"$work/model"
run at 1 -p org1 create model dpi purpose=dpi
run at 1 -p org1 models upload "$work/model" dpi/v1
pass "three controllers, and a model's bytes"

# ---- who leads -------------------------------------------------------------------------------------------------------
leader_is() { at 1 get controllers "$1" -o json | grep -q '"raftState": *"leader"'; }
handed_over() { leader_is "$1" || { at 1 cluster transfer "$1" && leader_is "$1"; }; }
until_true handed_over c2
run at 1 update controllers/c3 region=eu
run at 1 controllers prefer eu
says "preferred in region eu"
until_true leader_is c3 # c2 hands over by itself, some seconds after it began to lead
run at 1 controllers prefer none
refused 1 at 1 controllers demote c3
says "the only voter of region eu, which has other controllers"
run at 1 update controllers/c3 region=
until_true handed_over c1
pass "leadership is handed over, and goes to a preferred region by itself"

# ---- backup ----------------------------------------------------------------------------------------------------------
# The last write was acknowledged by way of c2; c3's backup holds it all the same.
run at 3 backup "$work/a.ptb"
says "SHA-256"
run "$ctl" backup verify "$work/a.ptb"
says "good $work/a.ptb"
says "1 files in $work/a.ptb.artifacts"
bytes=$work/a.ptb.artifacts/$(sha256sum <"$work/model" | cut -d ' ' -f 1)
cmp "$bytes" "$work/model" || fail "the backup holds other bytes of the model"
printf x >>"$bytes"
refused 1 "$ctl" backup verify "$work/a.ptb"
says "${bytes##*/}"
cp "$work/model" "$bytes"
refused 1 at 3 backup "$work/a.ptb"
says "the file exists"
cp "$work/a.ptb" "$work/bad.ptb"
size=$(stat -c %s "$work/bad.ptb")
printf 'X' | dd of="$work/bad.ptb" bs=1 seek=$((size - 5000)) conv=notrunc status=none
refused 1 "$ctl" backup verify "$work/bad.ptb"
says "block 0: "
head -c $((size - 100)) "$work/a.ptb" >"$work/cut.ptb"
refused 1 "$ctl" backup verify "$work/cut.ptb"
says "the file is cut off there"
sed 's/^revision=.*/revision=1/' "$work/a.ptb" >"$work/head.ptb"
refused 1 "$ctl" backup verify "$work/head.ptb"
says "line "
pass "a backup from a follower; damage has a place"

# ---- members ---------------------------------------------------------------------------------------------------------
run at 1 controllers demote c3
voters 1 2 || fail "c3 is still a voter"
run at 1 controllers promote c3
stop 3 KILL
# With c3 silent, c2 is needed: taking its vote away is refused, by whichever controller is asked, and changes nothing.
c3_is_missed() { { at 2 controllers demote c2 --dry-run 2>&1 || true; } | grep -qF "Bring c3 back"; }
until_true c3_is_missed
refused 1 at 2 controllers demote c2
says "Bring c3 back"
refused 1 at 2 controllers remove c2
says "remove c3 instead"
voters 1 3 || fail "a refused change changed something"
run at 1 controllers replace c3
voters 1 2 || fail "c3 is still a voter"
cp "$work/out" "$work/token"
start 4 c4 join "@$work/token"
until_true agree 1 3
stop 4 KILL # and so it is lost again
# It takes no majority along, since c3 left before it got a vote. A busy machine may be without a leader for a moment.
removed() { at 1 controllers remove "$1" || { { at 1 get controllers "$1" 2>&1 || true; } | grep -qF NOT_FOUND; }; }
until_true removed c4
join 3 c3b
until_true agree 1 3
refused 2 at 1 controllers prefer nowhere
says "no controller is in region"
pass "controllers: demoted, promoted, replaced; what would lose the majority is refused"

# ---- the majority is lost: recover -----------------------------------------------------------------------------------
run at 1 create organization late
until_true agree 1 3
for i in 1 2 3; do stop $i KILL; done
refused 2 "$daemon" recover $(flags 3 c3b)
says "nothing was changed"
run "$daemon" recover --force-new-cluster $(flags 3 c3b)
says "epoch 1"
says "It was one of"
start 3 c3b run
until_true leads 3
run at 3 get organization late
start 2 c2 run # one of before: it is not a member, and cannot get in
run at 3 create organization after
[ "$(at 3 get controllers -o name | wc -l)" = 1 ] || fail "the others are still members"
! "$ctl" -t 1s --server "$(address 2):$port" --credential "$work/admin.pem" get organization after >/dev/null 2>&1 ||
    fail "a controller of before answers for the new cluster"
stop 2
stop 3
pass "recover: one survivor goes on alone, with everything it had"

# ---- everything is lost: restore -------------------------------------------------------------------------------------
refused 1 "$daemon" restore "$work/bad.ptb" $(flags 1 r1) --admin-file "$work/new.pem"
says "block 0"
refused 1 "$daemon" restore "$work/a.ptb" $(flags 1 c1) --admin-file "$work/new.pem"
says "not empty"
head -c 32 /dev/urandom >"$work/r1.seal"
refused 1 "$daemon" restore "$work/a.ptb" $(flags 1 r1) --admin-file "$work/new.pem"
says "not the seal key of the cluster"
# The seal key may be kept elsewhere: here a variable has it, and a command prints it.
SEAL=$(od -An -v -tx1 "$work/c1.seal" | tr -d ' \n')
export SEAL
rm -rf "$work/r1"
seal_of[1]=env:SEAL
seal_of[2]="cmd:echo\$IFS\$SEAL"
run "$daemon" restore "$work/a.ptb" $(flags 1 r1) --admin-file "$work/new.pem"
says "Next:"
says "1 files of bytes"
start 1 r1 run --log-format json
until_true leads 1
until_true at 1 -p org1 models download dpi/v1 "$work/back"
cmp "$work/back" "$work/model" || fail "other bytes of the model came back"
python3 -c 'import json, sys; assert all("event" in json.loads(line) for line in sys.stdin)' <"$work/r1.log" ||
    fail "a line of the log is not JSON"
run at 1 get organization org5 # by the admin credential of before
refused 3 at 1 get organization late
run "$ctl" -t 20s --server "$(address 1):$port" --credential "$work/new.pem" create organization restored
join 2 r2
until_true agree 1 2
pass "restore: a new controller from the file, and a second one that joins it"
stop 2
stop 1

echo "$passed passed"
