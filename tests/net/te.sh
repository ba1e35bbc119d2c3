#!/usr/bin/env bash
# Traffic engineering on a whole cluster in the lab:
#
#   c1 c2 c3 --- underlay --- nyc, lon, sgp (two links each)
#
#   1. the traffic matrix says what a host sent, by class
#   2. what-if answers, and refuses a name that does not exist
#   2b. a packet that need not exist is simulated; a rule that never decides is told
#   2c. the edge explains where a flow went, and what it dropped; the doctor sees that too
#   2d. diagnostics: an edge pings, traces, captures and probes
#   2e. policies of translation, firewall, floods and rates that are written become what happens to packets
#   2f. the matrix is exported, imported as planned demands, and asked about
#   3. a link is drained under traffic and put back: nothing is lost, and nothing is on it in between; the solutions of
#      that are computed again
#   4. draining the last way is refused
#   5. all controllers are killed and the link that carries is cut: the node takes its repair path alone
set -euo pipefail
cd "$(dirname "$0")/../.."

if [ "$(id -u)" -ne 0 ]; then
    echo "skipped: root is needed for network namespaces and eBPF"
    exit 77
fi
LAB=ptte TOPOLOGY=--sites3 BUILD=${PT_BUILD_DIR:-build/dev}
# shellcheck source=deploy/lab.sh
. deploy/lab.sh
finish() {
    local code=$?
    if [ $code -ne 0 ]; then
        for node in nyc lon c1 c2 c3; do
            echo "--- $node"
            tail -n 8 "$NODES/$node/patronusd.log" 2>/dev/null || true
        done
    fi
    lab_down
    exit $code
}
trap finish EXIT
ok() { echo "ok: $*"; }
lab_down
lab_up
cluster_up >/dev/null
sample_config >"$STATE/sample.json"
ctl apply -f "$STATE/sample.json" | tail -n 1
edges_up >/dev/null
for to in lon sgp; do
    wait_for 30 "nyc does not reach $to" ping_sites nyc "$to" corp
done
value() { python3 -c 'import json,sys; d=json.load(sys.stdin); print(eval(sys.argv[1]))' "$@"; } # of JSON on standard input

# udp COMMAND...: numbered packets of 1200 bytes nyc -> lon each 5 ms, 240 kB a second, while the command runs; LOST says how many stayed out.
udp() {
    local sent receiver code=0
    # exec: what is killed below must be the receiver itself, not a shell around it
    (exec "$CTL" lab exec --name "$LAB" "$(host_of lon corp)" python3 tests/bench/udp_pair.py receive 9000) >"$STATE/received" &
    receiver=$!
    wait_for 5 "the receiver does not start" grep -q ready "$STATE/received"
    mkfifo "$STATE/stop"
    in_node "$(host_of nyc corp)" python3 tests/bench/udp_pair.py send "$(host_address lon corp)" 9000 5 1200 \
        <"$STATE/stop" >"$STATE/sent" &
    local sender=$!
    exec 9>"$STATE/stop"
    wait_for 5 "nothing arrives" grep -q '^100 ' "$STATE/received"
    "$@" || code=$?
    in_node c1 ping -q -c 5 -i 0.1 127.0.0.1 >/dev/null # what is under way arrives
    exec 9>&-
    wait "$sender"
    rm "$STATE/stop"
    sent=$(cat "$STATE/sent")
    wait_for 5 "the last packets do not arrive" grep -q "^$((sent - 1)) " "$STATE/received" || true
    kill "$receiver" 2>/dev/null || true
    wait "$receiver" 2>/dev/null || true
    LOST=$((sent - $(grep -c '^[0-9]' "$STATE/received")))
    return $code
}

# ---- 1. matrix
in_node "$(host_of nyc corp)" python3 - "$(host_address lon corp)" <<'PY'
import socket
import sys
import time

sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind(("", 40009))
sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, 46 << 2)
due = time.monotonic()
for _ in range(600):
    sock.sendto(bytes(972), (sys.argv[1], 9))  # 1000 bytes with its headers
    due += 0.005
    time.sleep(max(0.0, due - time.monotonic()))
PY
counted() { [ "$(ctl te matrix -p "$ORG" | awk '$3 == "REALTIME" { print $NF }' | head -n 1)" = 600000 ]; }
wait_for 5 "the matrix does not say 600000 bytes of REALTIME" counted || { ctl te matrix -p "$ORG"; exit 1; }
ok "the matrix counts every byte that a host offered, by class"

# ---- 2. what if
ctl te explain nyc lon -p "$ORG" >"$STATE/explain"
grep -q "carries" "$STATE/explain"
link=$(ctl te explain nyc lon -p "$ORG" -o json | value 'd["paths"][0]["links"][0]')
ctl te what-if -p "$ORG" "fail-link=$link" demand=nyc,lon,1M | grep -q "0 pairs cut off"
full=$(ctl te what-if -p "$ORG" demand=nyc,lon,10G -o json)
[ "$(value 'int(d["unmetBps"]) > 10**9 and len(d["shadowPrices"]) > 0' <<<"$full")" = True ] ||
    lab_fail "10 Gbit/s fit, or nothing would help: $full"
! ctl te what-if -p "$ORG" fail-link=sites/nyc/links/nowhere 2>"$STATE/error" || lab_fail "a link that does not exist fails"
grep -q "nowhere' does not exist" "$STATE/error"
ok "what-if answers, and names what does not exist"

# ---- 2b. a packet that need not exist, and rules that never decide
target=$(host_address lon corp)
told=$(ctl te simulate nyc corp "$target" protocol=udp port=9 dscp=46 -p "$ORG")
if ! grep -q "^BY_PATH, to sites/lon" <<<"$told" || ! grep -q "^\* sites/nyc/links/" <<<"$told"; then
    lab_fail "simulate says: $told"
fi
cat >"$STATE/shadow.json" <<JSON
{"kind": "SteeringPolicy", "name": "$ORG/steeringPolicies/zz-shadow", "segment": "$ORG/segments/corp",
 "priority": 60000, "rules": [{"preference": "DENY", "dscps": [9]}, {"preference": "AVAILABLE", "dscps": [9]}]}
JSON
warned=$(ctl apply -f "$STATE/shadow.json" --dry-run)
grep -q "^warning: .*zz-shadow rules\[1\] never decides" <<<"$warned" || lab_fail "a dry run says: $warned"
ctl apply -f "$STATE/shadow.json" >/dev/null
denied() { ctl te simulate nyc corp "$target" dscp=9 -p "$ORG" | grep -q "^DROPPED: policy_deny"; }
wait_for 20 "the packet is not denied" denied
ctl te shadowed -p "$ORG" | grep -q "zz-shadow, rule 1" || lab_fail "the shadowed rule is not found"
ok "a packet is simulated; a rule that never decides is told before it is written, and after"

# ---- 2c. why a flow went where it went: of what its edge recorded, also when it is gone
source=$(host_address nyc corp)
why=$(ctl explain flow "$source:40009" "$target:9/udp" -p "$ORG")
for line in "^BY_PATH, to sites/lon" "^class     REALTIME (DSCP 46)" "^\* sites/nyc/links/.*: chosen"; do
    grep -q "$line" <<<"$why" || lab_fail "explain flow has no '$line': $why"
done
before=$(date -u +%FT%TZ)
dropped() {
    in_node "$(host_of nyc corp)" python3 -c '
import socket, sys
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind(("", 40010))
sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, 9 << 2)
for _ in range(3): sock.sendto(b"x", (sys.argv[1], 9))' "$target"
    ctl explain flow "$source:40010" "$target:9/udp" -p "$ORG" >"$STATE/why" && grep -q "^DROPPED: policy_deny" "$STATE/why"
}
wait_for 20 "the denied flow is not explained" dropped || { cat "$STATE/why"; exit 1; }
grep -q "^rule      steeringPolicies/zz-shadow, rule 0" "$STATE/why" || lab_fail "explain flow says: $(cat "$STATE/why")"
counted_drop() { ctl explain drop nyc policy_deny -p "$ORG" >"$STATE/drop" && grep -q ":40010 -> $target:9/17 .*zz-shadow rules" "$STATE/drop"; }
wait_for 10 "the drop is not explained" counted_drop || { cat "$STATE/drop"; exit 1; }
diagnosed() { ctl doctor nyc -p "$ORG" >"$STATE/doctor" || true; grep -q "dropped as policy_deny" "$STATE/doctor"; } # exits 1 when traffic stands still
wait_for 10 "the doctor does not see denied packets" diagnosed || { cat "$STATE/doctor"; exit 1; }
ctl delete -p "$ORG" steeringPolicies/zz-shadow >/dev/null
code=0
ctl explain flow "$source:40010" "$target:9/udp" --at "$before" -p "$ORG" >/dev/null 2>"$STATE/error" || code=$?
[ $code -eq 3 ] || lab_fail "a flow is explained before it was: $(cat "$STATE/error")"
ok "a flow and a drop are explained from what the edge recorded; nothing is made up"

# ---- 2d. what the edge sees: an address, the way there, the wire, a path
edge=sites/nyc/edges/e1
answers() { ctl ping -p "$ORG" $edge "$1" segment=corp count=3 interval_ms=100 >"$STATE/ping"; } # exit 0: one was answered
wait_for 20 "an edge's echo is not answered by a far host" answers "$target" || { cat "$STATE/ping"; exit 1; }
wait_for 20 "an edge's echo is not answered by its own host" answers "$source" || { cat "$STATE/ping"; exit 1; }
reached() { ctl traceroute -p "$ORG" $edge "$target" segment=corp probes=2 >"$STATE/route" && grep -q "^ 2 .* $target " "$STATE/route"; }
wait_for 20 "the way to a far host is not found" reached || { cat "$STATE/route"; exit 1; }
captured() {
    ctl capture -p "$ORG" $edge corp -f "$STATE/pcap" prefix="$target/32" protocol=17 max_packets=2 duration_ms=3000 2>/dev/null &
    local capture=$! code=0
    for _ in 1 2 3 4 5 6; do
        in_node "$(host_of nyc corp)" bash -c "echo secret >/dev/udp/$target/40011" || true
        sleep 0.2
    done
    wait $capture || code=$?
    return $code
}
packets() { python3 -c '
import struct, sys
data = open(sys.argv[1], "rb").read()
assert struct.unpack(">IHHiIII", data[:24])[0] == 0xA1B23C4D
found, at = 0, 24
while at < len(data):
    size = struct.unpack(">IIII", data[at : at + 16])[2]
    found += b"secret" in data[at + 16 : at + 16 + size]
    at += 16 + size
print(found)' "$STATE/pcap"; }
caught() { captured && [ "$(packets)" -ge 1 ]; }
wait_for 30 "what passes is not captured" caught
ctl probe -p "$ORG" "$(ctl get paths -p "$ORG" -o name | head -n 1)" count=2 interval_ms=100 | grep -q "^2  up" || lab_fail "a path is not probed"
nothing_left() { [ -z "$(in_node nyc bash -c 'ip neigh show nud permanent; tc filter show dev lan0 egress')" ]; }
wait_for 10 "diagnostics leave something behind" nothing_left
ctl audit export -p "$ORG" | grep -q '"method":"Capture".*"code":"OK"' || lab_fail "a capture is not in the audit log"
ok "an edge's echoes, traceroute, capture and probes are seen as they come, recorded, and leave nothing behind"

# ---- 2e. translation, firewall and floods: from the policy that is written to the packet that is sent
inet=$(facts '[l["address"].split("/")[0] for n in d["nodes"] if n["name"]=="nyc" for l in n["links"] if l["name"]=="internet"][0]')
outside=$(address_of c1) # somebody in the internet, for hosts of nyc
host=$(host_of nyc corp)
guests() { facts "[l['$2'] for n in d['nodes'] if n['name']=='$1' for l in n['lans'] if l['segment']=='guest'][0]"; }
python3 - "$ORG" "$source" "$(guests lon prefix)" "$STATE" <<'PY'
import json, sys
org, host, equal, state = sys.argv[1:]
corp, guest, nyc = f"{org}/segments/corp", f"{org}/segments/guest", f"{org}/sites/nyc"
json.dump([
    {"kind": "NatPolicy", "name": f"{org}/natPolicies/office", "segment": corp, "sites": [nyc],
     "breakout": {"underlays": ["internet"], "udpTimeoutSeconds": 60},
     "portForwards": [{"protocol": 6, "port": 8443, "address": host, "targetPort": 8080}]},
    {"kind": "NatPolicy", "name": f"{org}/natPolicies/twins", "segment": guest,
     "prefixMaps": [{"site": f"{org}/sites/{site}", "inside": equal, "outside": f"172.30.{n}.0/24"}
                    for n, site in enumerate(("lon", "sgp"), 1)]},
    {"kind": "FirewallPolicy", "name": f"{org}/firewallPolicies/office", "segment": corp,
     "rules": [{"action": "DROP", "scope": "INTERNET", "protocol": 6, "ports": [{"first": 25, "last": 25}]}]},
    {"kind": "FloodGuard", "name": f"{org}/floodGuards/nyc", "sites": [nyc],
     "deniedCidrs": ["203.0.113.66/32"], "sourcePacketsPerSecond": 500},
    {"kind": "RateLimit", "name": f"{org}/rateLimits/guests", "segment": guest, "sites": [nyc], "rateBps": 80000}],
    open(f"{state}/rules.json", "w"))
edge = next(r for r in json.load(open(f"{state}/sample.json")) if r["name"] == f"{org}/sites/sgp/edges/e1")
for lan in edge["lanInterfaces"]:
    if lan["segment"] == guest:
        lan["prefixes"] = [equal]
json.dump([edge], open(f"{state}/twin.json", "w"))
PY
ctl apply -f "$STATE/rules.json" >/dev/null
ctl apply -f "$STATE/twin.json" >/dev/null
twin=$(host_of sgp guest) address=$(host_address lon guest)
in_node sgp ip addr add "$(guests lon address)/24" dev "$(guests sgp interface)"
in_node "$twin" ip addr flush dev eth0
in_node "$twin" ip addr add "$address/24" dev eth0
in_node "$twin" ip route replace default via "$(guests lon address)"

servers=()
serve() { # NODE: tells each who he seems to be
    (exec "$CTL" lab exec --name "$LAB" "$1" python3 -c '
import socket
listener = socket.create_server(("", 8080))
while True:
    connection, peer = listener.accept()
    connection.sendall(("%s:%d\n" % peer[:2]).encode())
    connection.close()') &
    servers+=($!)
}
serve c1
serve "$host"
seen_from() { # NODE ADDRESS PORT OWN-PORT: how the server there sees a connection
    in_node "$1" timeout 5 python3 -c '
import socket, sys
print(socket.create_connection((sys.argv[1], int(sys.argv[2])), 2, ("", int(sys.argv[3]))).recv(64).decode().strip())' "${@:2}" 2>/dev/null
}
leaves() { own=$((own + 1)); seen=$(seen_from "$host" "$outside" 8080 $own) && [ "${seen%:*}" = "$inet" ]; }
own=41000 seen=
wait_for 30 "a host does not leave under the address of its site's link" leaves
told() { ctl explain flow "$source:$own" "$outside:8080/tcp" -p "$ORG" >"$STATE/why" && grep -q "^nat       as $seen of sites/nyc/links/internet" "$STATE/why"; }
wait_for 10 "explain does not say $seen" told || { cat "$STATE/why"; exit 1; }
grep -q "^BY_EXIT, to the internet" "$STATE/why" || lab_fail "explain says: $(cat "$STATE/why")"

forwarded() { own=$((own + 1)); seen=$(seen_from c1 "$inet" 8443 $own) && [ "$seen" = "$outside:$own" ]; }
wait_for 20 "a forwarded port does not lead to its host" forwarded
entered() {
    ctl explain flow "$outside:$own" "$inet:8443/tcp" site=sites/nyc segment=segments/corp -p "$ORG" >"$STATE/why" &&
        grep -q "^nat       to $source:8080, by sites/nyc/links/internet" "$STATE/why"
}
wait_for 10 "explain does not say where a forwarded port leads" entered || { cat "$STATE/why"; exit 1; }

refused_by_rule() {
    ! seen_from "$host" "$outside" 25 42001 || return 1
    ctl explain flow "$source:42001" "$outside:25/tcp" -p "$ORG" >"$STATE/why" && grep -q "^DROPPED: firewall" "$STATE/why"
}
wait_for 20 "the firewall's drop is not explained" refused_by_rule || { cat "$STATE/why"; exit 1; }
grep -q "^rule      firewallPolicies/office, rule 0" "$STATE/why" || lab_fail "explain names no rule: $(cat "$STATE/why")"

meet() { # each is known to the other under his outside address alone
    in_node "$(host_of lon guest)" ping -q -c 1 -W 1 "172.30.2.${address##*.}" >/dev/null 2>&1 &&
        in_node "$twin" ping -q -c 1 -W 1 "172.30.1.${address##*.}" >/dev/null 2>&1
}
wait_for 30 "two sites of equal prefixes do not meet" meet

# Packets of UDP from addresses, or from ports, as many as asked for.
burst() { # NODE DESTINATION COUNT SIZE SOURCE [PORTS]: one port, or that many
    in_node "$1" python3 -c '
import socket, struct, sys
to, count, size, source, ports = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], int(sys.argv[5])
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
head = struct.pack(">BBHHHBBH", 69, 0, 28 + size, 0, 0, 64, 17, 0) + socket.inet_aton(source) + socket.inet_aton(to)
for i in range(count):
    raw.sendto(head + struct.pack(">HHHH", 1024 + i % ports, 9, 8 + size, 0) + bytes(size), (to, 0))' "$2" "$3" "$4" "$5" "${6:-1}"
}
dropped_as() { ctl explain drop "$1" "$2" -p "$ORG" >"$STATE/drop" && grep -q "$2" "$STATE/drop"; } # SITE REASON
burst c1 "$inet" 5 10 203.0.113.66
wait_for 10 "a denied source is not dropped" dropped_as nyc source_denied
loud() { burst c1 "$inet" 3000 10 203.0.113.67 && dropped_as nyc source_rate; }
wait_for 20 "a source above its rate is not dropped" loud
limited() { burst "$(host_of nyc guest)" "172.30.1.${address##*.}" 100 1000 "$(host_address nyc guest)" && dropped_as nyc rate_limited; }
wait_for 20 "a segment above its rate is not limited" limited
burst "$host" "$outside" 34000 4 "$source" 34000
exhausted() {
    ctl get "sites/nyc/links/internet" -p "$ORG" -o json >"$STATE/link"
    [ "$(value 'd["translation"]["udpPorts"] > 31000 and int(d["translation"]["exhaustedPackets"]) > 100' <"$STATE/link")" = True ]
}
wait_for 20 "ports that are exhausted are not counted" exhausted || { cat "$STATE/link"; exit 1; }
full() { ctl doctor nyc -p "$ORG" >"$STATE/doctor" || true; grep -q "leave by the link find no port" "$STATE/doctor"; }
wait_for 10 "the doctor does not see that ports are exhausted" full || { cat "$STATE/doctor"; exit 1; }
if ! dropped_as nyc nat_exhausted || ! grep -q "$source:" "$STATE/drop"; then lab_fail "explain drop shows no host: $(cat "$STATE/drop")"; fi
kill "${servers[@]}" 2>/dev/null || true
wait "${servers[@]}" 2>/dev/null || true
ctl delete -p "$ORG" natPolicies/office firewallPolicies/office floodGuards/nyc rateLimits/guests >/dev/null
ok "policies become packets: breakout, a forwarded port, a refusal by rule, equal sites, limits of sources and segments, ports that run out"

# ---- 2f. what was measured, exported, is what apply reads: then it counts once more when a question says `planned`
exported() { ctl te matrix by=max -o json -p "$ORG" >"$STATE/matrix.json" && grep -q REALTIME "$STATE/matrix.json"; }
wait_for 60 "the matrix's largest rates are not exported" exported || { ctl te matrix -p "$ORG"; exit 1; }
ctl apply -f "$STATE/matrix.json" >/dev/null
ctl te matrix by=p50 -o json -p "$ORG" >"$STATE/again.json"
# of cells that are in both; traffic that began in between has one more
same=$(python3 - "$STATE/matrix.json" "$STATE/again.json" <<'PY'
import json, sys
first, again = ({(r["sourceSite"], r["destinationSite"], r["trafficClass"]): r["name"] for r in json.load(open(path))} for path in sys.argv[1:])
both = first.keys() & again.keys()
print(len(both) > 0 and all(first[cell] == again[cell] for cell in both))
PY
)
[ "$same" = True ] || lab_fail "a cell has another name in the next export: $(cat "$STATE/again.json")"
planned=$(value 'sum(int(r["rateBps"]) for r in d)' <"$STATE/matrix.json")
asked() { ctl te what-if -p "$ORG" scale=1 "$@" -o json | value 'int(d.get("demandBps", 0))'; }
more=$(($(asked planned) - $(asked)))
[ $((more * 10)) -gt $((planned * 9)) ] || lab_fail "$planned bit/s were entered, and a question that says planned has $more more"
mapfile -t entered < <(value '"\n".join(r["name"] for r in d)' <"$STATE/matrix.json")
ctl delete -p "$ORG" "${entered[@]}" >/dev/null
ok "the matrix is exported, imported, and asked about"

# ---- 3. drain under traffic
carried() { # bytes that nyc sent by a link of its own so far
    in_node nyc ip -s -j link show "$(facts "[l['interface'] for n in d['nodes'] if n['name']=='nyc' for l in n['links'] if l['name']=='${1##*/}'][0]")" |
        value 'd[0]["stats64"]["tx"]["bytes"]'
}
rate() { # bytes a second, over about one; liveness and probes, some ten thousands, cross in any case
    local before begun
    begun=$(date +%s%N)
    before=$(carried "$link")
    in_node c1 ping -q -c 10 -i 0.1 127.0.0.1 >/dev/null
    echo $((($(carried "$link") - before) * 1000000 / (($(date +%s%N) - begun) / 1000)))
}
# The link of nyc that the flow is on: paths may share the load, and the flow's hash decides.
carrying() {
    local name best=0 before after
    before=$(for name in "${links[@]}"; do carried "$name"; done)
    in_node c1 ping -q -c 10 -i 0.1 127.0.0.1 >/dev/null
    after=$(for name in "${links[@]}"; do carried "$name"; done)
    best=$(paste <(printf '%s\n' "$before") <(printf '%s\n' "$after") | awk '{ if ($2 - $1 > most) { most = $2 - $1; at = NR - 1 } } END { print at }')
    echo "${links[$best]}"
}
mapfile -t links < <(ctl list links --parent "$ORG/sites/nyc" -o name)
drain() { # called where a failing command does not end the script: each says so itself
    local loaded drained
    link=$(carrying)
    loaded=$(rate)
    ctl links drain "$link" | head -n 1 || return 1
    drained=$(rate)
    [ $((loaded - drained)) -gt 120000 ] || lab_fail "$link is drained and still carries: $drained bytes a second, $loaded before" || return 1
    ctl links undrain "$link" || return 1
}
udp drain
[ "$LOST" = 0 ] || lab_fail "a drain lost $LOST packets: $(awk '/^[0-9]/ { if ($1 != next_one && NR > 2) printf "%d-%d ", next_one, $1 - 1; next_one = $1 + 1 } END { print "up to " next_one - 1 }' "$STATE/received")"
ok "a link is drained and put back under traffic: nothing lost"
again() { # each line must say so, of two solutions at least: the drain and the way back
    [ "$(wc -l <"$1")" -ge 2 ] && ! grep -v "the same, bit for bit" "$1"
}
ctl te recompute -p "$ORG" >"$STATE/again"
again "$STATE/again" || lab_fail "a solution is not what comes of its inputs: $(cat "$STATE/again")"
ctl te solutions -p "$ORG" -o json >"$STATE/solutions.json"
ctl te recompute "$STATE/solutions.json" >"$STATE/again"
again "$STATE/again" || lab_fail "a solution that was written is not what comes of its inputs: $(cat "$STATE/again")"
ok "solutions are computed again from what the leader says of them, bit for bit"

# ---- 4. the last way
other=$(ctl list links --parent "$ORG/sites/nyc" -o name | grep -v "${link##*/}\$" | head -n 1)
ctl links drain "$link" >/dev/null
# exec: a shell around it that is killed would run this script's own exit trap, and take the lab away
(exec "$CTL" lab exec --name "$LAB" "$(host_of nyc corp)" python3 - "$(host_address lon corp)") <<'PY' &
import socket, sys, time
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
end = time.monotonic() + 60  # longer than anybody waits below, and killed then
while time.monotonic() < end:
    sock.sendto(bytes(1372), (sys.argv[1], 9))
    time.sleep(0.005)
PY
load=$!
refused() { ! ctl links drain "$other" --dry-run 2>"$STATE/error" >/dev/null; }
wait_for 30 "draining the last way is not refused" refused
grep -q "no other way" "$STATE/error" || lab_fail "$(cat "$STATE/error")"
kill $load 2>/dev/null || true
wait $load 2>/dev/null || true
ctl links undrain "$link" >/dev/null
ok "draining the last way is refused"

# ---- 5. repair by the node alone
living() { # controllers
    lab status --json | value 'sum(n["name"] in sys.argv[2:] and any(p["command"].startswith("patronusd") for p in n["processes"]) for n in d["nodes"])' "$@"
}
read -ra leaders <<<"$(controllers)"
[ "$(living "${leaders[@]}")" = 3 ] || lab_fail "not all of ${leaders[*]} live"
for node in "${leaders[@]}"; do
    stop_node "$node" --kill
done
[ "$(living "${leaders[@]}")" = 0 ] || lab_fail "some of ${leaders[*]} live"
cut() {
    link=$(carrying)
    lab link cut "nyc/${link##*/}" >/dev/null
    in_node relay ping -q -c 20 -i 0.1 127.0.0.1 >/dev/null
}
udp cut
[ "$LOST" -gt 10 ] || lab_fail "only $LOST packets were lost: the link that was cut did not carry"
[ "$LOST" -lt 160 ] || lab_fail "the repair took more than 800 ms: $LOST packets of 200 a second lost"
ok "no controller in reach and a link cut: the node repairs by itself, $LOST packets of 200 a second lost"
