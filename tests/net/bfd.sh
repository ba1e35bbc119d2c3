#!/usr/bin/env bash
# Liveness by BFD: the product's sessions against other people's, and the product itself when links go silent.
#
#    ours (bfd_driver) --a-- veth --b-- BIRD or FRR        192.0.9.1, 192.0.9.2
#    then two sites with two links each: two_sites.bash
#
# usage: bfd.sh [DP_DRIVER]      exit 0 passed, 1 failed, 77 skipped: also when BIRD or FRR is missing and the rest passed
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
driver=${1:-${PT_BUILD_DIR:+$PT_BUILD_DIR/bin/dp_driver}}
# shellcheck disable=SC2012 # build folders have plain names
driver=${driver:-$(ls -t "$root"/build/*/bin/dp_driver 2>/dev/null | head -1 || true)}
if [[ $(id -u) -ne 0 ]]; then
    echo "skipped: needs root for network namespaces and BPF"
    exit 77
fi
if [[ -z $driver || ! -x $driver || ! -c /dev/net/tun ]]; then
    echo "skipped: needs dp_driver (build it) and /dev/net/tun"
    exit 77
fi
driver=$(realpath "$driver")
bin=$(dirname "$driver")
# shellcheck disable=SC2034 # for two_sites.bash
prefix=ptbfd$$ pins=/run/patronus-bfd-$$ reply=
work=$(mktemp -d /run/ptbfd.XXXXXX)
# shellcheck disable=SC1091 # looked at by itself
. "$root/tests/net/two_sites.bash"
others=()

cleanup() {
    local status=$? p
    trap - EXIT INT TERM
    for p in "${others[@]}"; do kill -9 "$p" 2>/dev/null || true; done
    stop_ours || true
    two_sites_down
    jobs -p | xargs -r kill 2>/dev/null || true
    rm -rf "$work"
    exit "$status"
}
trap cleanup EXIT INT TERM
fail() {
    echo "FAILED: $*"
    tail -n 20 "$work"/*.log "$work"/d?/tunnel.log 2>/dev/null | sed 's/^/    /'
    exit 1
}
pass() { echo "ok: $*"; }

# ---- other people's
start_ours() { # ARGUMENTS: INTERVAL_MS MULTIPLIER [auth]
    mkfifo "$work/ours.in"
    spawn a "$bin/bfd_driver" 192.0.9.1 192.0.9.2 "$@" <"$work/ours.in" >"$work/ours.log" 2>&1 &
    ours=$!
    exec 8>"$work/ours.in"
    rm "$work/ours.in"
}
stop_ours() {
    [[ -n ${ours:-} ]] || return 0
    exec 8>&-
    wait "$ours" || true
    ours=
}
ours_is() { [[ $(grep -cE "$1" "$work/ours.log") -ge $2 ]]; } # PATTERN TIMES
stop_other() {
    kill "$1"
    while kill -0 "$1" 2>/dev/null; do sleep 0.05; done
}

bird_runs() { # NAME AUTHENTICATION-LINES
    cat >"$work/bird.conf" <<END
router id 192.0.9.2;
protocol device {}
protocol bfd {
    interface "b0" { interval 50 ms; multiplier 4; $2 };
    neighbor 192.0.9.1 dev "b0" local 192.0.9.2;
}
END
    spawn b bird -f -c "$work/bird.conf" -s "$work/bird.ctl" >"$work/bird.log" 2>&1 &
    bird=$!
    others+=("$bird")
}
bird_up() { birdc -s "$work/bird.ctl" show bfd sessions 2>/dev/null | grep -q "192.0.9.1.* Up "; }

with_bird() { # NAME LINES OURS...
    start_ours "${@:3}"
    bird_runs "$1" "$2"
    wait_for 20 ours_is '^up' 1 || fail "$1: our end does not come up"
    wait_for 10 bird_up || fail "$1: BIRD's end does not come up"
    kill -STOP "$bird" # silent, but its host is there
    wait_for 10 ours_is '^down 1' 1 || fail "$1: its silence is not detected"
    kill -CONT "$bird"
    wait_for 20 ours_is '^up' 2 || fail "$1: does not come back"
    wait_for 10 bird_up || fail "$1: BIRD's end does not come back"
    stop_ours
    bird_down() { ! bird_up; }
    wait_for 10 bird_down || fail "$1: BIRD does not see that we are gone"
    stop_other "$bird"
    pass "$1"
}
frr_up() { in_ns b vtysh --vty_socket "$work/frr" -c 'show bfd peers brief' 2>/dev/null | grep -q 'up *$'; }
with_frr() {
    mkdir -p "$work/frr"
    printf 'bfd\n peer 192.0.9.1 interface b0\n  transmit-interval 50\n  receive-interval 50\n  detect-multiplier 4\n' >"$work/frr/bfdd.conf"
    : >"$work/frr/zebra.conf"
    chmod 755 "$work"
    chown -R frr:frr "$work/frr"
    local common=(-z "$work/frr/zserv" --vty_socket "$work/frr" -A 127.0.0.1 -P 0)
    spawn b /usr/lib/frr/zebra "${common[@]}" -i "$work/frr/zebra.pid" -f "$work/frr/zebra.conf" >"$work/zebra.log" 2>&1 &
    others+=($!)
    zebra=$!
    wait_for 10 test -S "$work/frr/zserv" || fail "zebra does not start"
    spawn b /usr/lib/frr/bfdd "${common[@]}" --bfdctl "$work/frr/bfdd.sock" -i "$work/frr/bfdd.pid" -f "$work/frr/bfdd.conf" >"$work/bfdd.log" 2>&1 &
    others+=($!)
    bfdd=$!
    start_ours 50 4
    wait_for 20 ours_is '^up' 1 || fail "FRR: our end does not come up"
    wait_for 10 frr_up || fail "FRR's end does not come up"
    kill -STOP "$bfdd"
    wait_for 10 ours_is '^down 1' 1 || fail "FRR: its silence is not detected"
    kill -CONT "$bfdd"
    wait_for 20 ours_is '^up' 2 || fail "FRR: does not come back"
    stop_ours
    frr_down() { ! frr_up; }
    wait_for 10 frr_down || fail "FRR does not see that we are gone"
    stop_other "$bfdd"
    stop_other "$zebra"
    pass "FRR's bfdd"
}
skipped=()
add_ns a
add_ns b
cable a a0 b b0
in_ns a ip addr add 192.0.9.1/24 dev a0
in_ns b ip addr add 192.0.9.2/24 dev b0
if command -v bird >/dev/null; then
    with_bird "BIRD without authentication" "" 50 4
    with_bird "BIRD, meticulous keyed SHA1" 'authentication meticulous keyed sha1; password "twenty bytes of key." { id 7; };' \
        50 4 meticulous 7 "twenty bytes of key."
    with_bird "BIRD, keyed SHA1, a short key" 'authentication keyed sha1; password "short" { id 3; };' 50 4 sha1 3 short
else
    skipped+=("bird2 is not installed (deploy/deps --with peers)")
fi
if [[ -x /usr/lib/frr/bfdd ]]; then
    with_frr
else
    skipped+=("frr is not installed (deploy/deps --with peers)")
fi

# ---- the product
two_sites_up
two_sites_start || fail "the two sites do not start: $reply"
for path in 120 121; do wait_for 20 is_live 1 "$path" alive || fail "path $path does not come up"; done
for path in 210 211; do wait_for 20 is_live 2 "$path" alive || fail "path $path does not come up"; done
reaches() { in_ns h1 ping -q -c 1 -W 1 10.2.0.2 >/dev/null 2>&1; }
wait_for 20 reaches || fail "h1 does not reach h2"
pass "sessions are up over each tunnel, keyed by the tunnels' own keys"

measured() { "$bin/patronusd" paths --data "$work/d1" | grep -q '"path": "0*78",.*"rtt_p50_us": [1-9].*"mos": 4[.].*"hour": '; } # 0x78: path 120
wait_for 20 measured || fail "the node does not say what its paths are like: $("$bin/patronusd" paths --data "$work/d1" 2>&1)"
pass "the node says what its paths are like, now and in the last hour"

mkfifo "$work/probe.in" "$work/sink.in"
spawn h2 "$bin/udp_probe" receive 10.2.0.2 7000 <"$work/sink.in" >"$work/sink.out" &
sink=$!
exec 9>"$work/sink.in"
spawn h1 "$bin/udp_probe" send 10.2.0.2 7000 2000 <"$work/probe.in" &
probe=$!
exec 7>"$work/probe.in"
gaps() { [[ $(grep -c '^gap' "$work/sink.out") -ge $1 ]]; }
sleep 0.3
cut_link 0
wait_for 20 is_live 1 120 dead || fail "a silent link is not found dead"
wait_for 20 gaps 1 || fail "nothing crosses by the other link"
is_live 1 121 alive || fail "the other link was taken for dead too"
pass "a silent cut flips to the other link: $(awk '/^gap/ { if ($2 > m) m = $2 } END { print int(m / 1000) }' "$work/sink.out") ms without a packet"
mend_link 0
wait_for 20 is_live 1 120 alive || fail "the mended link does not come back"
wait_for 20 is_live 2 210 alive || fail "the mended link does not come back at the far end"

# Without the agent: whoever flips is the tunnel process. A flow that never pauses stays where it went (docs/mod/data-plane.md),
# so it is the other link that has to be cut.
stop_driver 1
seen=$(grep -c '^gap' "$work/sink.out" || true)
cut_link 1
wait_for 20 gaps $((seen + 1)) || fail "nothing flips while the agent is dead"
pass "the path is left without an agent, too"
exec 7>&-
wait "$probe"
exec 9>&-
wait "$sink"
two_sites_down
if ((${#skipped[@]} > 0)); then # the product passed, but nobody else's BFD was there to talk to
    printf 'skipped: %s\n' "$(printf '%s; ' "${skipped[@]}")the rest passed"
    exit 77
fi
echo "passed"
