#!/bin/bash
# The lab itself, measured: patronusctl lab up, link, start, down.
#
#   nyc-corp --lan0-- nyc --wan0--.                                .--wan0-- c1
#                      |           >-- relay -- underlay -- relay --<
#   nyc-guest -lan1----'--wan1--- '   (5 ms, 3 ms)       (2 ms)    '--wan0-- c2 ...
#
# Usage: tests/net/lab.sh [PROGRAM]   PROGRAM defaults to $PT_CTL, then to the newest build/*/bin/patronusctl.
# Exit code: 0 passed, 1 failed, 77 skipped with the reason.
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
ctl=${1:-${PT_CTL:-}}
if [ -z "$ctl" ]; then
    # shellcheck disable=SC2012 # build folders have plain names
    ctl=$(ls -t "$root"/build/*/bin/patronusctl 2>/dev/null | head -1 || true)
fi
if [ "$(id -u)" != 0 ]; then
    echo "SKIP: the lab needs root"
    exit 77
fi
if [ -z "$ctl" ] || [ ! -x "$ctl" ]; then
    echo "SKIP: there is no patronusctl; build it first"
    exit 77
fi

name=labt$(($$ % 10000000))
other=labu$(($$ % 10000000))
work=$(mktemp -d)
passed=0
cleanup() {
    "$ctl" lab down --name "$name" >/dev/null 2>&1 || true
    "$ctl" lab down --name "$other" >/dev/null 2>&1 || true
    ip netns del "$name-foreign" 2>/dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT

lab() {
    local command=$1
    shift
    "$ctl" lab "$command" --name "$name" "$@"
}
fail() {
    echo "FAIL: $*" >&2
    lab status >&2 || true
    exit 1
}
pass() {
    passed=$((passed + 1))
    echo "ok: $*"
}
# The smallest round trip in microseconds, of pings from node $1 with the further arguments; empty when none came back.
rtt_us() {
    local node=$1
    shift
    # shellcheck disable=SC2016 # awk's own variables
    { lab exec "$node" ping -n -q -W 1 "$@" || true; } | awk -F'[ /]' '/^rtt/ { printf "%d", $7 * 1000 }'
}
# Frames lost of those that node $1 sent.
lost() {
    local node=$1
    shift
    { lab exec "$node" ping -n -q -W 1 "$@" || true; } |
        awk '/packets transmitted/ { print $1 - $4 }'
}
# The text $2 has a line like $1. (A pipe into grep -q would fail at random: the writer may die of SIGPIPE.)
has() { grep -qE -- "$1" <<<"$2"; }
# $2 <= $1 < $3
within() { [ -n "$1" ] && [ "$1" -ge "$2" ] && [ "$1" -lt "$3" ]; }
# What a lab of that name left behind.
left() {
    ip netns list | awk '{ print $1 }' | grep "^$1-" || true
    ls -d "/run/patronus/lab/$1" 2>/dev/null || true
    ip -o link show | grep -oE '^[0-9]+: (wan|lan|n|u|l)[0-9]+[@:]' || true
    pgrep -f -- "--name $1( |$)" || true
}

# ---- refusals ----
if command -v setpriv >/dev/null; then
    cp "$ctl" "$work/ctl"
    chmod 755 "$work" "$work/ctl"
    out=$(setpriv --reuid=65534 --regid=65534 --clear-groups "$work/ctl" lab up --name "$name" 2>&1) &&
        fail "lab up worked without root"
    [[ $out == *sudo* ]] || fail "the refusal without root does not say what to do: $out"
    pass "without root it refuses and says so"
fi
printf 'site a\n    link internet speed=3\n' >"$work/bad.lab"
out=$(lab up "$work/bad.lab" 2>&1) && fail "a bad file was taken"
[[ $out == *bad.lab:2* ]] || fail "the refusal does not name the line: $out"
[ -z "$(left "$name")" ] || fail "a refused file left something behind"
pass "a bad file is refused by line and leaves nothing"

# ---- up, and the relay's delay ----
lab up >/dev/null
out=$(lab up 2>&1) && fail "a second lab of the same name came up"
[[ $out == *"lab down"* ]] || fail "the refusal of a second lab does not say what to do: $out"
has '198\.18\.0\.2/30' "$(lab exec nyc ip -o addr)" || fail "nyc has no address on wan0: a refused up has harmed the lab"
pass "up, and a second up is refused"

within "$(rtt_us nyc-corp -c 5 -i 0.05 10.1.0.1)" 1 2000 || fail "the LAN host does not reach its edge"
within "$(rtt_us nyc-guest -c 5 -i 0.05 fd00:1:1::1)" 1 2000 || fail "the LAN host does not reach its edge by IPv6"
pass "hosts reach their edges by IPv4 and IPv6"

us=$(rtt_us nyc -c 20 -i 0.05 198.18.0.1)
within "$us" 10000 14000 || fail "nyc to its provider: $us us, configured 2 x 5 ms"
us=$(rtt_us nyc -c 20 -i 0.05 198.18.0.26)
within "$us" 14000 19000 || fail "nyc to c1: $us us, configured 2 x (5 + 2) ms"
us=$(rtt_us nyc -c 20 -i 0.05 fd18::6:2)
within "$us" 14000 19000 || fail "nyc to c1 by IPv6: $us us, configured 2 x (5 + 2) ms"
us=$(rtt_us nyc -c 20 -i 0.05 -I 198.18.0.6 198.18.0.26)
within "$us" 10000 14000 || fail "nyc's mpls to c1: $us us, configured 2 x (3 + 2) ms: wrong link?"
pass "round trips are the configured delays; a source address leaves by its link"

# ---- parameters at run time ----
lab link set nyc/internet delay=0
lab link set c1/wan0 delay=30ms --up
us=$(rtt_us nyc -c 10 -i 0.05 198.18.0.26)
within "$us" 32000 37000 || fail "after the change: $us us, configured 30 + 2 ms"
out=$(lab link set nyc/internet delay=x 2>&1) && fail "a wrong delay was taken"
[[ $out == *"not a duration"* ]] || fail "the refusal does not say why: $out"
out=$(lab link set nyc/nothing delay=0 2>&1) && fail "a link that does not exist was set"
lab link set c1/wan0 delay=0
pass "delay changes at run time, in one direction too; wrong words are refused"

lab link set nyc/internet loss=20% --up
n=$(lost nyc -c 500 -i 0.002 198.18.0.1)
within "$n" 55 146 || fail "lost $n of 500 at 20 % loss (sigma 9)" # five sigma
lab link set nyc/internet loss=0
n=$(lost nyc -c 100 -i 0.002 198.18.0.1)
within "$n" 0 1 || fail "lost $n of 100 without loss"
pass "loss is the configured one"

# ---- cut ----
lab link cut nyc/internet
n=$(lost nyc -c 5 -i 0.02 198.18.0.1)
within "$n" 5 6 || fail "only $n of 5 pings were lost over a cut link"
has LOWER_UP "$(lab exec nyc ip -o link show wan0)" || fail "the cut took the node's carrier"
has LOWER_UP "$(lab exec underlay ip -o link show l0)" || fail "the cut took the provider's carrier"
n=$(lost nyc -c 5 -i 0.02 -I 198.18.0.6 198.18.0.5)
within "$n" 0 1 || fail "the cut of one link harmed the other"
has '"link": "nyc/internet", "direction": "up", "parameters": "[^"]*cut=yes"' "$(lab status --json)" ||
    fail "the status does not show the cut"
lab link restore nyc/internet
n=$(lost nyc -c 5 -i 0.02 198.18.0.1)
within "$n" 0 1 || fail "$n of 5 pings were lost after the restore"
lab link cut nyc/internet --down
before=$(lab status | awk '$1 == "nyc/internet" && $2 == "up" { print $3 }')
n=$(lost nyc -c 5 -i 0.02 198.18.0.1)
after=$(lab status | awk '$1 == "nyc/internet" && $2 == "up" { print $3 }')
within "$n" 5 6 || fail "a cut towards the node let pings through"
[ $((after - before)) -ge 5 ] || fail "a cut towards the node also stopped what comes from it"
lab link restore nyc/internet
pass "a cut is silent, leaves the carriers up, and can be one-way"

# ---- commands and daemons in nodes ----
code=0
lab exec nyc sh -c 'exit 42' || code=$?
[ "$code" = 42 ] || fail "exec gave $code, the command 42"
out=$(lab exec nowhere true 2>&1) && fail "exec in a node that does not exist"
pid=$(lab start nyc --as sleeper -- sleep 1000)
[ "$(readlink "/proc/$pid/ns/net")" = "$(lab exec nyc readlink /proc/self/ns/net)" ] || fail "the daemon is elsewhere"
has "$pid sleep" "$(lab status)" || fail "the status does not show the daemon"
out=$(lab start nyc --as sleeper -- sleep 1000 2>&1) && fail "a second daemon of the same name"
out=$(lab start nyc -- /nonexistent/program 2>&1) && fail "a program that does not exist was started"
[[ $out == *"No such file"* ]] || fail "the refusal does not say why: $out"
lab stop nyc --as sleeper >/dev/null
[ ! -e "/proc/$pid" ] || grep -q '^State:.Z' "/proc/$pid/status" || fail "the daemon did not stop"
pass "commands and daemons run in nodes"

# ---- two labs, and everything killed ----
"$ctl" lab up --name "$other" --b4 >"$work/up"
cat "$work/up"
us=$("$ctl" lab exec --name "$other" s0 ping -n -q -c 5 -i 0.05 198.18.0.162 |
    awk -F'[ /]' '/^rtt/ { printf "%d", $7 * 1000 }')
within "$us" 8000 13000 || fail "B4: s0 to c3: $us us, configured 2 x (2 + 2) ms"
pass "B4 stands beside the other lab"

lab start sgp -- sleep 1000 >/dev/null
mkdir -p "/run/patronus/lab/$name/nodes/lon/bpf"
mount -t bpf bpf "/run/patronus/lab/$name/nodes/lon/bpf"
ip netns add "$name-foreign"
kill -9 "$(cut -d' ' -f1 "/run/patronus/lab/$name/relay.pid")"
until ! kill -0 "$(cut -d' ' -f1 "/run/patronus/lab/$name/relay.pid")" 2>/dev/null; do :; done
out=$(lab link cut nyc/internet 2>&1) && fail "a dead relay took a command"
out=$(lab status 2>&1) && fail "the status of a lab with a dead relay was a success"
[[ $out == *"relay dead"* ]] || fail "the status does not say that the relay is dead: $out"
lab down >/dev/null
[ "$(left "$name")" = "$name-foreign" ] || fail "after down there is: $(left "$name")"
grep -q "/$name/" /proc/self/mountinfo && fail "a mount was left behind"
ip netns del "$name-foreign"
"$ctl" lab exec --name "$other" s0 true || fail "down of one lab took the other"
pass "after kill -9 of the relay, down leaves nothing, takes nothing else"
has 'there was no lab' "$(lab down)" || fail "a second down found something"
pass "down can be repeated"

rm -rf "/run/patronus/lab/$other"
"$ctl" lab down --name "$other" >/dev/null
[ -z "$(left "$other")" ] || fail "without its run directory, down left: $(left "$other")"
pass "down finds everything without the run directory too"

echo "PASS: $passed checks"
