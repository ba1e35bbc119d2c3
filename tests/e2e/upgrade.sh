#!/bin/bash
# A rolling upgrade of real controllers: the program is replaced under one after the other while a client writes, then
# the upgrade is finalized.
#
#   writer --TLS--> c1, c2, c3 (127.0.x.1..3)     each runs a program file of its own; "old" supports cluster level 2
#
# Usage: tests/e2e/upgrade.sh [BIN]   the folder of patronusctl and patronusd; else $PT_BUILD_DIR/bin, else the newest build.
# Exit code: 0 passed, 1 failed, 77 skipped with the reason.
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
bin=${1:-${PT_BUILD_DIR:+$PT_BUILD_DIR/bin}}
if [ -z "$bin" ]; then
    # shellcheck disable=SC2012 # build folders have plain names
    bin=$(dirname "$(ls -t "$root"/build/*/bin/patronusd 2>/dev/null | head -1)")
fi
ctl=${PT_CTL:-$bin/patronusctl}
daemon=$(readlink -f "${PT_DAEMON:-$bin/patronusd}")
if [ ! -x "$ctl" ] || [ ! -x "$daemon" ]; then
    echo "SKIP: there is no patronusctl and patronusd; build them first"
    exit 77
fi

work=$(mktemp -d)
net=127.$((1 + $$ / 60000)).$((1 + $$ / 250 % 250))
host=$((1 + $$ % 240))
port=17800
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
    tail -n 8 "$work"/out "$work"/*.log >&2 || true
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
address() { echo "$net.$((host + $1))"; }
servers=$(address 1):$port,$(address 2):$port,$(address 3):$port
old_level=2
new_level=3
# The older program is this one, told to support no more than that one did.
old=$work/old
printf '#!/bin/sh\nexec "%s" "$@" --level-max %s\n' "$daemon" "$old_level" >"$old"
chmod +x "$old"
start() { # NUMBER WORD...
    local number=$1
    shift
    "$work/program$number" "$@" --data "$work/c$number" --seal-key "$work/c$number.seal" --address "$(address "$number")" \
        --id "c$number" --api-port $port --peer-port $((port + 1)) --agent-port $((port + 2)) \
        --admin-file "$work/admin.pem" >>"$work/c$number.log" 2>&1 </dev/null &
    pid_of[$number]=$!
}
end() {
    kill "${pid_of[$1]}"
    wait "${pid_of[$1]}" || fail "controller $1 did not end well"
    unset "pid_of[$1]"
}
at() { # NUMBER WORD...
    local number=$1
    shift
    "$ctl" -t 20s --server "$(address "$number"):$port" --credential "$work/admin.pem" "$@"
}
all() { "$ctl" -t 20s --server "$servers" --credential "$work/admin.pem" "$@"; }
leads() { at "$1" cluster status | grep -q leader; }
agree() { # all of them, with one digest at one index
    at 1 cluster status | awk '/^c[0-9]/ && $3 != "unreachable" {n++; seen[$6 " " $7] = 1} /^c[0-9]/ && $3 != "standby" {v++}
        END {exit !(n == 3 && v == 3 && length(seen) == 1)}'
}
level() { all cluster upgrade | grep -q "^cluster level $1;"; }

# ---- three controllers of the older program ------------------------------------------------------------------------------
for number in 1 2 3; do
    cp "$old" "$work/program$number"
done
start 1 init
until_true leads 1
for number in 2 3; do
    at 1 tokens create --role voter >"$work/token" 2>/dev/null
    start $number join "@$work/token"
    until_true at $number cluster status
done
until_true agree
until_true level "$old_level"
pass "three controllers at level $old_level"

# ---- one program after the other is replaced, while somebody writes --------------------------------------------------------
write() { # what was acknowledged goes to $work/acked
    local i=0
    while [ ! -e "$work/enough" ]; do
        i=$((i + 1))
        if all create organization "w$i" >/dev/null 2>&1; then
            echo "w$i" >>"$work/acked"
        fi
    done
}
write &
pid_of[writer]=$!
written() { [ "$(wc -l <"$work/acked")" -ge "$1" ]; }
until_true written 3
for number in 3 2 1; do
    end $number
    ln -sf "$daemon" "$work/program$number.new"
    mv "$work/program$number.new" "$work/program$number"
    start $number run
    until_true at "$number" cluster status
    before=$(wc -l <"$work/acked")
    until_true written $((before + 3))
    if [ "$number" != 1 ]; then
        if all cluster upgrade --finalize >"$work/out" 2>&1 && ! grep -q 'nothing to finalize' "$work/out"; then
            fail "the level was raised while an older program runs"
        fi
        until_true level "$old_level"
    fi
done
: >"$work/enough"
wait "${pid_of[writer]}"
unset "pid_of[writer]"
until_true agree
all get organizations -o name >"$work/there"
while read -r id; do
    grep -q "organizations/$id\$" "$work/there" || fail "$id was acknowledged and is not there"
done <"$work/acked"
pass "replaced one by one; all of $(wc -l <"$work/acked") acknowledged writes are there"

# ---- finalize ------------------------------------------------------------------------------------------------------------
all cluster upgrade --finalize --dry-run | grep -q "would become $new_level" || fail "a dry run says nothing of the new level"
until_true level "$old_level"
all cluster upgrade --finalize | grep -q "level $old_level is now $new_level" || fail "the level was not raised"
until_true level "$new_level"
all cluster upgrade --finalize | grep -q 'nothing to finalize' || fail "a second time is no error"
until_true agree
pass "finalized"

# ---- the older program does not come back; the newer one then does ---------------------------------------------------------
end 3
cp "$old" "$work/program3.new" && mv "$work/program3.new" "$work/program3"
start 3 run
code=0
wait "${pid_of[3]}" || code=$?
unset "pid_of[3]"
[ $code != 0 ] || fail "the older program runs on a newer state"
grep -q 'upgrade this node' "$work/c3.log" || fail "it does not say what to do"
ln -sf "$daemon" "$work/program3.new" && mv "$work/program3.new" "$work/program3"
start 3 run
until_true agree
pass "the older program stops with a message, and nothing is lost by it"
echo "$passed parts passed"
