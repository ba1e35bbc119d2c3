#!/usr/bin/env bash
# Classes of traffic over a shaped link that is full, through the real programs and the real tunnel process.
#
#    two_sites.bash; wan0 of both sites is shaped to 20 Mbit/s: REALTIME 20 %, INTERACTIVE 20, STREAMING 20, STANDARD 25,
#    BULK 15. Hosts send trains, as TCP does; each class on a port of its own, 9001 to 9005.
#
# usage: qos.sh [DP_DRIVER]      exit 0 passed, 1 failed, 77 skipped
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
prefix=ptqos$$ pins=/run/patronus-qos-$$ reply=
work=$(mktemp -d /run/ptqos.XXXXXX)
# shellcheck disable=SC1091 # looked at by itself
. "$root/tests/net/two_sites.bash"
senders=()

cleanup() {
    local status=$? p
    trap - EXIT INT TERM
    for p in "${senders[@]}"; do kill -9 "$p" 2>/dev/null || true; done
    two_sites_down
    jobs -p | xargs -r kill 2>/dev/null || true
    rm -rf "$work"
    exit "$status"
}
trap cleanup EXIT INT TERM
fail() {
    echo "FAILED: $*"
    { cat "$work"/sink* "$work"/queues*; ask 1 queues; ask 1 sealed; in_ns s1 tc -s class show dev wan0; } 2>&1 | sed 's/^/    /' || true
    exit 1
}
pass() { echo "ok: $*"; }
reaches() { in_ns h1 ping -q -c 1 -W 1 10.2.0.2 >/dev/null 2>&1; }
shape() { # SITE RATE CLASSES: a new bundle
    LINK[0]="name=wan0 rate=$2 classes=$3"
    two_sites_bundle "$1"
    ask "$1" apply "$work/s$1.bundle" >/dev/null || fail "s$1 does not take its bundle: $reply"
}
send() { spawn h1 "$bin/class_probe" send 10.2.0.2 "$@" & senders+=($!); }
stop_senders() {
    local p
    for p in "${senders[@]}"; do kill "$p" 2>/dev/null || true; wait "$p" 2>/dev/null || true; done
    senders=()
}
start_sink() { # PORTS SKIP_MS MEASURE_MS
    spawn h2 "$bin/class_probe" sink 10.2.0.2 9001 "$@" >"$work/sink" 2>&1 &
    sink=$!
    wait_for 5 grep -q ready "$work/sink" || fail "no sink"
}
of_port() { awk -v port="$1" -v name="$2" '$1 == "port" && $2 == port { for (i = 3; i < NF; i++) if ($i == name) print $(i + 1) }' "$work/sink"; }
of_class() { awk -v class="class$1" -v name="$2" '$1 == class { for (i = 2; i < NF; i++) if ($i == name) print $(i + 1) }' <<<"$queues"; }
near() { awk -v got="$1" -v want="$2" -v off="$3" 'BEGIN { exit !(got >= want * (1 - off) && got <= want * (1 + off)) }'; }

two_sites_up
two_sites_start || fail "the sites do not start: $reply"
wait_for 10 reaches || fail "h1 does not reach h2"
classes=1:20:46,2:20:18,3:20:26,4:25:0,5:15:8:10
shape 1 20000000 $classes
shape 2 20000000 $classes
queues=$(ask 1 queues)
[[ $queues == *'error ""'* && $(of_class 1 promised) = 4000000 ]] || fail "the link is not shaped"
wait_for 5 reaches || fail "nothing crosses the shaped link"
pass "a link is shaped, and carries"

# Everybody wants all of it; REALTIME stays below its bound.
start_sink 5 1000 4000
send 9001 46 0.5 60 200
for class in 2:18 3:26 4:0 5:8; do send "900${class%:*}" "${class#*:}" 9 60 1200 20; done
sleep_until_full() { queues=$(ask 1 queues); [[ $(of_class 5 drops) -gt 0 ]]; }
wait_for 5 sleep_until_full || fail "BULK does not fill its queue"
wait_for 5 test "$(of_class 5 backlog)" -gt 0 || fail "nothing waits in BULK"
wait "$sink" || fail "the sink failed"
total=0 rest=0
for class in 1 2 3 4 5; do total=$((total + $(of_port 900$class bytes))); done
rest=$((total - $(of_port 9001 bytes)))
# 20 Mbit/s for 4 s, less what the tunnel adds to packets of 1200 bytes and of 200 (a tenth or so).
near "$total" 9000000 0.15 || fail "$total bytes in 4 s of a link of 20 Mbit/s"
for pair in 2:20 3:20 4:25 5:15; do
    near "$(of_port "900${pair%:*}" bytes)" $((rest * ${pair#*:} / 80)) 0.15 || fail "class ${pair%:*} has $(of_port "900${pair%:*}" bytes) bytes of $rest, not ${pair#*:}/80"
done
pass "a full link is divided as the profile says"
near "$(of_port 9001 packets)" 1250 0.05 || fail "$(of_port 9001 packets) realtime packets of 1250"
[[ $(($(of_port 9001 p50_us) * 3)) -lt $(of_port 9005 p50_us) ]] || fail "REALTIME waits $(of_port 9001 p50_us) us, BULK $(of_port 9005 p50_us) us"
pass "REALTIME passes it by: $(of_port 9001 p50_us) us, BULK $(of_port 9005 p50_us) us"
[[ $(downs 1) = 0 && $(downs 2) = 0 ]] || fail "liveness flapped on a full link"
pass "liveness does not notice"

# What the underlay sees: BULK goes out as AF11 (10), the others as they came. The host sees what was sent.
cat >"$work/dscp.py" <<'PY'
import collections, socket, struct, time
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))  # all: a bridge takes packets before a single protocol sees them
s.bind(("s1l0", 0))
s.settimeout(1)
seen = collections.Counter()
end = time.monotonic() + 1.5
while time.monotonic() < end:
    try:
        frame, place = s.recvfrom(2048)
    except TimeoutError:
        continue
    if place[2] != socket.PACKET_OUTGOING and frame[12:14] == b"\x08\0" and frame[23] == 17 and struct.unpack("!H", frame[36:38])[0] == 6082:
        seen[frame[15] >> 2] += 1
print(" ".join(f"{dscp}" for dscp, n in sorted(seen.items()) if n > 20))
PY
seen=$(in_ns net python3 "$work/dscp.py")
[[ $seen = "0 10 18 26 46" ]] || fail "code points on the underlay: $seen"
stop_senders
pass "the underlay sees the code points that the profile says"

# What nobody uses goes to who wants it; the rate follows a new profile in place.
shape 1 8000000 $classes
start_sink 1 500 2000
senders=()
send 9001 8 20 20 1200 20
wait "$sink" || fail "the sink failed"
near "$(of_port 9001 bytes)" 1850000 0.15 || fail "BULK alone has $(of_port 9001 bytes) bytes in 2 s of 8 Mbit/s"
stop_senders
pass "BULK alone has the whole link, at its new rate"

# A slow link: liveness takes its share and no more, the rest is the hosts' and the path stays. What a host marks as
# network control is not the network's, and does not push liveness out. A machine that stands still is given a second
# try: a path that dies by its own packets dies in each.
slow_link_carries() {
    local downs_before
    downs_before=$(($(downs 1) + $(downs 2)))
    start_sink 1 1000 3000
    wait "$sink" || fail "the sink failed"
    # 25 of 45 parts of 1 Mbit/s for 3 s, less liveness, less what a tunnel adds to 1200 bytes.
    near "$(of_port 9001 bytes)" 178000 0.25 && [[ $(($(downs 1) + $(downs 2))) = "$downs_before" ]]
}
shape 1 1000000 $classes
shape 2 1000000 $classes
send 9002 48 1 60 200
send 9001 0 2 60 1200
slow_link_carries || slow_link_carries || slow_link_carries ||
    fail "$(of_port 9001 bytes) bytes of STANDARD in 3 s of a link of 1 Mbit/s, $(downs 1) and $(downs 2) times down"
queues=$(ask 1 queues)
[[ $(of_class 2 drops) -gt 0 && $(of_class 0 drops) = 0 ]] || fail "hosts' network control does not go with INTERACTIVE"
stop_senders
pass "a link of 1 Mbit/s carries what it should, and its path stays"

# An agent that comes back changes nothing; a bundle without a profile, and leaving, undo it.
has_htb() { [[ $(in_ns "$1" tc qdisc show dev wan0) == *"htb 5074:"* ]]; }
stop_driver 1
has_htb s1 || fail "the queues went with the agent"
start_driver 1 || fail "s1 does not come back"
two_sites_bundle 1
ask 1 apply "$work/s1.bundle" >/dev/null || fail "s1 does not take its bundle again: $reply"
queues=$(ask 1 queues)
[[ $(of_class 5 bytes) -gt 1000000 ]] || fail "the queues were made anew"
in_ns s1 tc qdisc del dev wan0 root
[[ $(ask 1 queues) == *"the queues are gone"* ]] || fail "nobody says that the queues are gone"
# shellcheck disable=SC2034 # two_sites.bash
LINK[0]="name=wan0"
two_sites_bundle 1
ask 1 apply "$work/s1.bundle" >/dev/null
two_sites_bundle 2
ask 2 apply "$work/s2.bundle" >/dev/null
has_htb s1 && fail "a link without a profile is still shaped"
has_htb s2 && fail "s2 is still shaped"
shape 1 8000000 $classes
has_htb s1 || fail "s1 is not shaped again"
stop_driver 1
in_ns s1 "$driver" "$pins/s1" remove >/dev/null
has_htb s1 && fail "a node that left is still shaped"
pass "queues outlive the agent, and go with the profile"
echo "passed"
