#!/bin/bash
# A rolling upgrade of real controllers: the program is replaced under one after the other while a client writes, put back,
# killed, and at last the upgrade is finalized.
#
#   writer --TLS--> c1, c2, c3 (127.0.x.1..3)     each runs a program file of its own, an older one or this one
#
# While old and new run side by side, each leads in turn and is asked what the two judge in two ways (a move that gives
# what the mover lacks, a link that moves at the limit, an undelete that gives what the caller lacks): the verdicts are
# those of the level in force, and after each entry the digests of all three are compared at one index.
#
# Usage: tests/e2e/upgrade.sh [BIN]   the folder of patronusctl and patronusd; else $PT_BUILD_DIR/bin, else the newest build.
# The older program is a real one, built out of the history (tests/e2e/older-build), or PT_OLD_DAEMON. Where the history
# does not reach back to it, this program is it, told to support no more than that one did, and what passed so is a skip
# with the reason. An older state that is there and does not build is a failure.
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
new_level=$(sed -n 's/^#define PT_CLUSTER_LEVEL_MAX \([0-9]*\).*/\1/p' "$root/internal/kind/kind.h")
old_level=$((new_level - 1))
old=$work/old
built=0
if [ -z "${PT_OLD_DAEMON:-}" ]; then
    PT_OLD_DAEMON=$("$root/tests/e2e/older-build" 2>"$work/why") || built=$?
fi
if [ $built = 0 ]; then
    cp "$PT_OLD_DAEMON" "$old"
    echo "the older program: $PT_OLD_DAEMON"
elif [ $built != 77 ]; then
    echo "FAIL: no older program: $(tail -n 1 "$work/why")" >&2
    exit 1
else
    printf '#!/bin/sh\nexec "%s" "$@" --level-max %s\n' "$daemon" "$old_level" >"$old"
fi
chmod +x "$old"
start() { # NUMBER WORD...
    local number=$1
    shift
    "$work/program$number" "$@" --data "$work/c$number" --seal-key "$work/c$number.seal" --address "$(address "$number")" \
        --id "c$number" --api-port $port --peer-port $((port + 1)) --agent-port $((port + 2)) \
        --admin-file "$work/admin.pem" >>"$work/c$number.log" 2>&1 </dev/null &
    pid_of[$number]=$!
}
swap() { # NUMBER PROGRAM: under a controller that is stopped
    ln -sf "$2" "$work/program$1.new"
    mv "$work/program$1.new" "$work/program$1"
}
end() {
    kill "${pid_of[$1]}"
    wait "${pid_of[$1]}" || fail "controller $1 did not end well"
    unset "pid_of[$1]"
}
strike() { # kill -9, and start again
    kill -KILL "${pid_of[$1]}"
    { wait "${pid_of[$1]}" || true; } 2>/dev/null # the shell's own word about it
    start "$1" run
}
at() { # NUMBER WORD...
    local number=$1
    shift
    "$ctl" -t 20s --server "$(address "$number"):$port" --credential "$work/admin.pem" "$@"
}
all() { "$ctl" -t 20s --server "$servers" --credential "$work/admin.pem" "$@"; }
leads() { at "$1" cluster status | awk -v id="c$1" '$1 == id && $3 == "leader" {found = 1} END {exit !found}'; }
# Index and digest of each controller, when all three answer with one index.
states() {
    all cluster status >"$work/status" 2>/dev/null || true # it complains of two digests, which is judged here
    awk '/^c[0-9]/ && $3 != "unreachable" {print $6, $7; n++; seen[$6] = 1} /^c[0-9]/ && $3 != "standby" {v++}
        END {exit !(n == 3 && v == 3 && length(seen) == 1)}' "$work/status" | sort -u
}
agree() { # with one digest: two at one index is what must never be
    states >"$work/states" || return 1
    if [ "$(wc -l <"$work/states")" != 1 ]; then
        echo "two digests at one index: $(paste -sd ' ' "$work/states")" >"$work/parted"
        return 1
    fi
    cat "$work/states" >>"$work/compared"
}
agree_or_part() { agree || [ -e "$work/parted" ]; }
compare() {
    until_true agree_or_part
    [ ! -e "$work/parted" ] || fail "$(cat "$work/parted")"
}
compared() { sort -u "$work/compared" | wc -l; }
level() { all cluster upgrade | grep -q "^cluster level $1;"; }

# ---- three controllers of the older program ------------------------------------------------------------------------------
for number in 1 2 3; do
    swap $number "$old"
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

# ---- old and new side by side: the verdicts of the level in force, and one state -------------------------------------------
# M may take organizations out of acme and put some into foreign, where ann sees what M does not, and may bring back what
# was deleted below acme: gone, in which ann sees what M does not. nyc and sfo form two tunnels, which is the limit, over
# one underlay or the other.
all cas issue user/m "$work/m.pem" --expires 2h >"$work/out"
m=$(grep -o 'spiffe://[^ ]*' "$work/out")
o=organizations
cat >"$work/world.json" <<END
[{"kind": "Organization", "name": "$o/acme", "quotas": {"tunnels": 2}}, {"kind": "Organization", "name": "$o/foreign"},
 {"kind": "Organization", "name": "$o/child", "parentOrganization": "$o/acme"},
 {"kind": "Role", "name": "$o/acme/roles/mover",
  "permissions": ["organizations.get", "organizations.update", "organizations.delete", "organizations.create",
                  "organizations.undelete"]},
 {"kind": "Organization", "name": "$o/gone", "parentOrganization": "$o/acme"},
 {"kind": "RoleBinding", "name": "$o/gone/roleBindings/ann", "role": "roles/viewer", "members": ["${m%/m}/ann"]},
 {"kind": "Role", "name": "$o/foreign/roles/door", "permissions": ["organizations.create"]},
 {"kind": "RoleBinding", "name": "$o/acme/roleBindings/m", "role": "$o/acme/roles/mover", "members": ["$m"]},
 {"kind": "RoleBinding", "name": "$o/foreign/roleBindings/m", "role": "$o/foreign/roles/door", "members": ["$m"]},
 {"kind": "RoleBinding", "name": "$o/foreign/roleBindings/ann", "role": "roles/viewer", "members": ["${m%/m}/ann"]},
 {"kind": "Site", "name": "$o/acme/sites/nyc"}, {"kind": "Site", "name": "$o/acme/sites/sfo"},
 {"kind": "Edge", "name": "$o/acme/sites/nyc/edges/e1"}, {"kind": "Edge", "name": "$o/acme/sites/sfo/edges/e1"},
 {"kind": "Link", "name": "$o/acme/sites/nyc/links/a", "edge": "$o/acme/sites/nyc/edges/e1", "interface": "wan0",
  "address": "192.0.2.1", "underlay": "internet"},
 {"kind": "Link", "name": "$o/acme/sites/nyc/links/b", "edge": "$o/acme/sites/nyc/edges/e1", "interface": "wan1",
  "address": "192.0.2.2", "underlay": "mpls"},
 {"kind": "Link", "name": "$o/acme/sites/sfo/links/a", "edge": "$o/acme/sites/sfo/edges/e1", "interface": "wan0",
  "address": "192.0.2.3", "underlay": "internet"}]
END
all apply -f "$work/world.json" >"$work/out" 2>&1 || fail "the world is refused"
compare
done_by() { # CREDENTIAL WORD...: is it accepted, or refused?
    local credential=$1 code=0
    shift
    "$ctl" -t 20s --server "$servers" --credential "$credential" "$@" >"$work/out" 2>&1 || code=$?
    [ $code -lt 2 ] || fail "exit code $code: $*"
    return $code
}
verdicts() { # LEVEL
    local wanted=$1 moved=no relinked=no returned=no due
    if done_by "$work/m.pem" update "$o/child" parent_organization=$o/foreign; then moved=yes; fi
    compare
    if [ $moved = no ]; then grep -q 'does not hold' "$work/out" || fail "the move is refused for another reason"; fi
    all update "$o/child" parent_organization=$o/acme >"$work/out" 2>&1
    compare
    if done_by "$work/admin.pem" update "$o/acme/sites/sfo/links/a" underlay=mpls; then relinked=yes; fi
    compare
    if [ $relinked = no ]; then grep -q 'uses 2 of its 2 tunnels' "$work/out" || fail "the link is refused for another reason"; fi
    all update "$o/acme/sites/sfo/links/a" underlay=internet >"$work/out" 2>&1
    compare
    all delete "$o/gone" --force >"$work/out" 2>&1
    compare
    if done_by "$work/m.pem" undelete "$o/gone"; then returned=yes; fi
    compare
    if [ $returned = no ]; then
        grep -q 'does not hold' "$work/out" || fail "the undelete is refused for another reason"
        all undelete "$o/gone" >"$work/out" 2>&1
        compare
    fi
    case $wanted in
        2) due=yesnoyes ;;
        3) due=noyesyes ;;
        *) due=noyesno ;;
    esac
    [ $moved$relinked$returned = $due ] || fail "at level $wanted: moved $moved, link $relinked, brought back $returned"
}
handed_over() { leads "$1" || { at "$1" cluster transfer "c$1" && leads "$1"; }; }
end 3
swap 3 "$daemon"
start 3 run
compare
for number in 3 1; do # the new one leads, then an old one
    until_true handed_over $number
    led="${led:-}c$number "
    for i in $(seq 8); do
        all create organization "side$number-$i" display_name="$i" >"$work/out" 2>&1 || fail "a write is refused"
        compare
    done
    verdicts "$old_level"
done
pass "side by side, led by ${led}in turn: one verdict and one digest at each of $(compared) indices"

# ---- killed, new and old; put back; the state of one sent to the other ------------------------------------------------------
for number in 3 1 2; do
    strike $number
    until_true at $number cluster status
    all create organization "struck$number" >"$work/out" 2>&1 || fail "a write is refused after a kill"
    compare
done
end 3
swap 3 "$old"
start 3 run
compare
verdicts "$old_level"
pass "killed, and put back: one digest at each of $(compared) indices"

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
    swap $number "$daemon"
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
compare
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
compare
verdicts "$new_level"
pass "finalized, and judged by the new level"

# ---- the older program does not come back; the newer one then does ---------------------------------------------------------
end 3
swap 3 "$old"
start 3 run
code=0
wait "${pid_of[3]}" || code=$?
unset "pid_of[3]"
[ $code != 0 ] || fail "the older program runs on a newer state"
grep -q 'upgrade this node' "$work/c3.log" || fail "it does not say what to do"
swap 3 "$daemon"
start 3 run
compare
pass "the older program stops with a message, and nothing is lost by it"
echo "$passed parts passed, $(compared) indices compared"
if [ -s "$work/why" ]; then
    echo "SKIP: passed with this program limited to level $old_level; no real older build: $(tail -n 1 "$work/why")"
    exit 77
fi
