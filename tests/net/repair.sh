#!/usr/bin/env bash
# A transit site repairs by itself: packets that it only passes on are led round a failure by labels put in front.
#
#   host - a --- b --- c - host         the failure: b-c, cut without a word
#                 \   /                 the repair:  b - d - c, in b's bundle beforehand
#                   d
#
#   1. b's bundle holds the repair: its group for c's label has a path of tier 1024 or more
#   2. the controller is killed and a's process stopped, so that neither can send the packets another way; b-c is cut: they
#      go on arriving, over d
set -euo pipefail
cd "$(dirname "$0")/../.."

if [ "$(id -u)" -ne 0 ]; then
    echo "skipped: root is needed for network namespaces and eBPF"
    exit 77
fi
LAB=ptrepair BUILD=${PT_BUILD_DIR:-build/dev}
work=$(mktemp -d)
TOPOLOGY=$work/diamond.lab
cat >"$TOPOLOGY" <<'LAB'
default mtu=1500 delay=2ms capacity=50mbit

site a
    lan corp
    link ab
site b
    lan corp
    link ab
    link bc
    link bd
site c
    lan corp
    link bc
    link dc
site d
    lan corp
    link bd
    link dc

default capacity=off

controller c1
    link internet
LAB
# shellcheck source=deploy/lab.sh
. deploy/lab.sh
stopped=
finish() {
    local code=$?
    [ -z "$stopped" ] || kill -CONT "$stopped" 2>/dev/null || true
    if [ $code -ne 0 ]; then
        for node in a b c d c1; do
            echo "--- $node"
            tail -n 6 "$NODES/$node/patronusd.log" 2>/dev/null || true
        done
    fi
    lab_down
    rm -rf "$work"
    exit $code
}
trap finish EXIT
ok() { echo "ok: $*"; }
lab_down
lab_up
cluster_up >/dev/null
# Plain tunnels: a's kernel sends by itself then, and its process can be stopped.
sample_config | python3 -c '
import json, sys
items = json.load(sys.stdin)
for item in items:
    if item["kind"] == "Link":
        item["encryption"] = "PLAIN"
json.dump(items, sys.stdout)' >"$STATE/sample.json"
ctl apply -f "$STATE/sample.json" | tail -n 1
edges_up >/dev/null
for pair in "a c" "b c" "b d" "d c"; do
    # shellcheck disable=SC2086
    wait_for 30 "no ping along $pair" ping_sites $pair corp
done

# ---- 1. beforehand
# The repair is a path of b to c over d that lives (a dead tunnel would cost two seconds) before anything fails.
repair_known() {
    ctl te explain b c -p "$ORG" -o json | python3 -c '
import json, sys
paths = json.load(sys.stdin)["paths"]
sys.exit(not any(len(path["links"]) > 2 and int(path["metric"]) < 2000000 for path in paths))'
}
wait_for 20 "b has no living path to c over d" repair_known
ok "b has the way round to c before anything fails"

# ---- 2. alone
pid_of() {
    lab status --json | python3 -c '
import json, sys
node = next(n for n in json.load(sys.stdin)["nodes"] if n["name"] == sys.argv[1])
print(next(p["pid"] for p in node["processes"] if p["command"].startswith("patronusd")))' "$1"
}
frames() { # that left a node by a line
    lab status --json | python3 -c '
import json, sys
print(next(l["frames"] for l in json.load(sys.stdin)["links"] if l["link"] == sys.argv[1] and l["direction"] == "up"))' "$1"
}
(exec "$CTL" lab exec --name "$LAB" "$(host_of c corp)" python3 tests/bench/udp_pair.py receive 9000) >"$work/received" &
receiver=$!
wait_for 10 "the receiver does not start" grep -q ready "$work/received"
mkfifo "$work/stop"
in_node "$(host_of a corp)" python3 tests/bench/udp_pair.py send "$(host_address c corp)" 9000 5 <"$work/stop" >"$work/sent" &
sender=$!
exec 9>"$work/stop"
wait_for 10 "nothing arrives" grep -q '^100 ' "$work/received"
stop_node c1 --kill
stopped=$(pid_of a)
kill -STOP "$stopped"
lab link cut b/bc >/dev/null
lab link cut c/bc >/dev/null
cut_at=$(tail -n 1 "$work/received" | cut -d' ' -f1)
before=$(frames b/bd)
resumed() { [ "$(tail -n 1 "$work/received" | cut -d' ' -f1)" -gt $((cut_at + 600)) ]; }
wait_for 20 "packets do not arrive any more: $(tail -n 1 "$work/received")" resumed
after=$(frames b/bd)
[ $((after - before)) -gt 300 ] || lab_fail "only $((after - before)) frames went from b to d: the packets took another way"
exec 9>&-
wait "$sender"
kill "$receiver" 2>/dev/null || true
wait "$receiver" 2>/dev/null || true
gap=$(awk '/^[0-9]/ { if (NR > 2 && $1 - last > most) most = $1 - last; last = $1 } END { print most }' "$work/received")
[ "$gap" -gt 5 ] || lab_fail "no packet was lost: the line that was cut did not carry"
[ "$gap" -lt 400 ] || lab_fail "the repair took $gap packets at 5 ms"
ok "b-c cut, no controller, the source's process stopped: b leads the packets over d after $gap packets of 200 a second"
