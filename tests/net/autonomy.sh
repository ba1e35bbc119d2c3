#!/usr/bin/env bash
# Edges without controllers, on a whole cluster in the lab:
#
#   c1 c2 c3 --- underlay --- nyc (corp, guest), lon, sgp          all controllers are killed, then:
#
#   1. an edge's process is killed and started again: no ping is lost, for programs and maps are pinned
#   2. an edge reboots (everything pinned is gone): it forwards again by the signed bundle on its disk
#   3. a bundle on disk that was tampered with is not used
#   4. a link is cut: the edges fail over by themselves
#   5. the controllers come back: the edges find them
#   6. the link that an edge hears its controller by is cut: it goes on over its second connection, without a dial
set -euo pipefail
cd "$(dirname "$0")/../.."

if [ "$(id -u)" -ne 0 ]; then
    echo "skipped: root is needed for network namespaces and eBPF"
    exit 77
fi
LAB=ptauto TOPOLOGY=--sites3 BUILD=${PT_BUILD_DIR:-build/dev}
# shellcheck source=deploy/lab.sh
. deploy/lab.sh
finish() {
    local code=$?
    if [ $code -ne 0 ]; then
        for node in nyc lon c1; do
            echo "--- $node"
            tail -n 8 "$NODES/$node/patronusd.log" 2>/dev/null || true
        done
    fi
    lab_down
    exit $code
}
trap finish EXIT
lab_down
lab_up
cluster_up >/dev/null
sample_config >"$STATE/sample.json"
ctl apply -f "$STATE/sample.json" | tail -n 1
edges_up >/dev/null
for to in lon sgp; do
    wait_for 30 "nyc does not reach $to" ping_sites nyc "$to" corp
done
ok() { echo "ok: $*"; }
connected() { [ "$(ctl list edges --parent "$ORG/sites/-" -o json | grep -c '"connected": *true')" = 3 ]; }
wait_for 20 "the edges are not connected" connected
wait_for 20 "nyc has no bundle on disk" test -s "$NODES/nyc/data/bundle"
sleep_until_quiet() { # the first second of measurements may still change bundles
    local last=
    until [ "$last" = "$(cat "$NODES"/*/data/bundle | sha256sum)" ]; do
        last=$(cat "$NODES"/*/data/bundle | sha256sum)
        in_node c1 ping -q -c 20 -i 0.1 127.0.0.1 >/dev/null
    done
}
sleep_until_quiet

for node in $(controllers); do
    stop_node "$node" --kill
done
ok "all controllers are killed"

ping_count() { # COUNT COMMAND...: pings nyc -> lon at 50 ms while the command runs; LOST says how many stayed out
    local count=$1
    shift
    in_node "$(host_of nyc corp)" ping -q -c "$count" -i 0.05 -W 1 "$(host_address lon corp)" >"$STATE/ping.log" 2>&1 &
    local pinger=$!
    "$@" >/dev/null
    wait $pinger || true
    LOST=$(awk '/packets transmitted/ { print $1 - $4 }' "$STATE/ping.log")
}
restart_edge() {
    stop_node nyc --kill
    restart_node nyc
}
ping_count 60 restart_edge
[ "$LOST" = 0 ] || lab_fail "restarting an edge lost $LOST pings"
ok "an edge is killed and started again without controllers: 0 of 60 pings lost"

reboot_edge() {
    stop_node nyc --kill
    in_node nyc "$DAEMON" detach --pin "$NODES/nyc/bpf/pin"
    ! ping_sites nyc lon corp >/dev/null 2>&1 || lab_fail "packets still cross after a detach"
    restart_node nyc
}
reboot_edge >/dev/null
wait_for 10 "the edge does not forward by the bundle on its disk" ping_sites nyc lon corp
grep -q "bundle from disk in force" "$NODES/nyc/patronusd.log"
ok "an edge reboots without controllers and forwards by the bundle on its disk"

stop_node nyc --kill
in_node nyc "$DAEMON" detach --pin "$NODES/nyc/bpf/pin"
cp "$NODES/nyc/data/bundle" "$STATE/bundle.good"
python3 - "$NODES/nyc/data/bundle" <<'PY'
import sys
data = bytearray(open(sys.argv[1], "rb").read())
data[len(data) // 2] ^= 1
open(sys.argv[1], "wb").write(data)
PY
restart_node nyc >/dev/null
wait_for 10 "the edge does not say that the bundle is bad" grep -q "bundle on disk not used" "$NODES/nyc/patronusd.log"
! ping_sites nyc lon corp >/dev/null 2>&1 || lab_fail "a tampered bundle is in force"
ok "a tampered bundle is not used"
stop_node nyc --kill
cp "$STATE/bundle.good" "$NODES/nyc/data/bundle"
restart_node nyc >/dev/null
wait_for 10 "the edge does not forward any more" ping_sites nyc lon corp

for link in internet mpls; do
    lab link cut "nyc/$link" >/dev/null
    wait_for 5 "no failover from $link" ping_sites nyc lon corp
    lab link restore "nyc/$link" >/dev/null
    in_node c1 ping -q -c 10 -i 0.1 127.0.0.1 >/dev/null # the link comes back by hellos
done
ok "each link is cut in turn: the edges fail over by themselves"

seconds() { grep -c "second connection address" "$NODES/nyc/patronusd.log" || true; }
second_again() { [ "$(seconds)" -gt "$known" ]; }
known=$(seconds)
for node in $(controllers); do
    restart_node "$node" >/dev/null
done
wait_for 30 "the edges do not find the controllers again" connected
ok "the controllers come back and the edges find them"

# A machine that stalls may lose the other link's liveness in the same moment, and the edge then dials: three tries.
cut_live() {
    wait_for 30 "nyc has no second connection" second_again
    known=$(seconds)
    lines=$(wc -l <"$NODES/nyc/patronusd.log")
    lab link cut "nyc/$(in_node nyc ip -o route get "$1" | sed 's/.* dev \([^ ]*\) .*/\1/')" >/dev/null
    wait_for 30 "nyc does not find its controller again" found_again
    lab link restore nyc/internet >/dev/null
    lab link restore nyc/mpls >/dev/null
}
since_cut() { tail -n "+$((lines + 1))" "$NODES/nyc/patronusd.log" | grep -o "second connection takes over\|controller [a-z]* address" || true; }
found_again() { since_cut | grep -q "controller found"; }
took_over() { [ "$(since_cut | head -n 2 | tr '\n' ',')" = "second connection takes over,controller found address," ]; }
controller=$(sed -n 's/.*controller found address=\(.*\):[0-9]*$/\1/p' "$NODES/nyc/patronusd.log" | tail -n 1)
for _ in 1 2 3; do
    cut_live "$controller"
    ! took_over || break
done
took_over || lab_fail "nyc does not go on over its second connection"
wait_for 30 "nyc has no second connection any more" second_again
ok "its controller's link is cut: an edge goes on over its second connection, and opens another one"
