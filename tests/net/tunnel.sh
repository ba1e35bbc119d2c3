#!/usr/bin/env bash
# Encrypted tunnels through the real programs and the real tunnel process, without controllers.
#
#    h1 --lan0-- s1 --wan0--+ br0 +--wan0-- s2 --lan0-- h2       segment 100: 10.N.0.0/24, 2001:db8:N::/64
#                           +--wan0-- s3                         s3 has no host: it only carries, by the path stack
#
# Each box is a network namespace. Paths from S to D: S D 4 direct, S D 9 over s3.
#
# usage: tunnel.sh [DP_DRIVER]      exit 0 passed, 1 failed, 77 skipped
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck disable=SC2012 # build folders have plain names
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
prefix=pttun$$
pins=/run/patronus-tunnel-$$
work=$(mktemp -d)
namespaces=()
declare -A to from pid key

in_ns() { nsenter --net="/run/netns/$prefix-$1" -- "${@:2}"; }
cleanup() {
    local status=$?
    trap - EXIT INT TERM
    for n in 1 2 3; do
        stop_driver "$n" || true
        in_ns "s$n" "$driver" "$pins/s$n" remove >/dev/null 2>&1 || true
    done
    rm -rf "$work" # the tunnel processes end when their sockets are gone
    jobs -p | xargs -r kill 2>/dev/null || true
    for ns in "${namespaces[@]}"; do ip netns del "$ns" 2>/dev/null || true; done
    rmdir "$pins" 2>/dev/null || true
    exit "$status"
}
trap cleanup EXIT INT TERM
fail() {
    echo "FAILED: $*"
    for n in 1 2 3; do
        echo "--- s$n"
        { ask "$n" counters; ask "$n" sealed; tail -n 3 "$work/d$n/tunnel.log"; } 2>&1 | sed 's/^/    /' || true
    done
    exit 1
}
pass() { echo "ok: $*"; }

add_ns() {
    ip netns add "$prefix-$1"
    namespaces+=("$prefix-$1")
    in_ns "$1" ip link set lo up
    in_ns "$1" sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0
}
cable() { # NS1 IF1 NS2 IF2
    ip link add name "$2" netns "$prefix-$1" type veth peer name "$4" netns "$prefix-$3"
    in_ns "$1" ip link set "$2" up
    in_ns "$3" ip link set "$4" up
}
topology() {
    local n
    add_ns net
    in_ns net ip link add br0 type bridge
    in_ns net ip link set br0 up
    for n in 1 2 3; do
        add_ns "s$n"
        cable "s$n" wan0 net "a$n"
        in_ns net ip link set "a$n" master br0
        in_ns "s$n" ip addr add "192.0.2.$n/24" dev wan0
        mkdir -p "$work/d$n"
    done
    for n in 1 2; do
        add_ns "h$n"
        cable "s$n" lan0 "h$n" eth0
        in_ns "s$n" ip addr add "10.$n.0.1/24" dev lan0
        in_ns "s$n" ip addr add "2001:db8:$n::1/64" dev lan0 nodad
        in_ns "h$n" ip addr add "10.$n.0.2/24" dev eth0
        in_ns "h$n" ip addr add "2001:db8:$n::2/64" dev eth0 nodad
        in_ns "h$n" ip route add default via "10.$n.0.1"
        in_ns "h$n" ip route add default via "2001:db8:$n::1"
    done
}
# What site $1 is told; $2: are paths sealed; $3: does the segment refuse plain ones.
bundle() {
    local s=$1 sealed=$2 required=$3 d t
    {
        echo "node site=$s"
        echo "link id=1 if=wan0 address=192.0.2.$s"
        if ((s < 3)); then
            echo "lan if=lan0 vni=100"
            echo "route vni=100 prefix=10.$s.0.0/24 site=$s lan=lan0 sealed=$required"
            echo "route vni=100 prefix=2001:db8:$s::/64 site=$s lan=lan0 sealed=$required"
        fi
        for d in 1 2 3; do
            if ((d == s)); then continue; fi
            t=$((6 - s - d))
            if ((d < 3 && s < 3)); then
                echo "route vni=100 prefix=10.$d.0.0/24 site=$d sealed=$required"
                echo "route vni=100 prefix=2001:db8:$d::/64 site=$d sealed=$required"
                echo "path id=$s${d}9 tunnel=$s${t}4 site=$d stack=$d sealed=$sealed"
            fi
            echo "tunnel id=$s${d}4 link=1 remote=192.0.2.$d site=$d mtu=1464"
            echo "path id=$s${d}4 tunnel=$s${d}4 site=$d sealed=$sealed"
            echo "group site=$d members=$s${d}4:1:0$( ((d < 3 && s < 3)) && echo ",$s${d}9:1:1")"
            echo "group site=$d class=transit members=$s${d}4:1:0"
            echo "peer site=$d key=${key[$d]} cipher=$((s + d - 2))"
        done
    } >"$work/s$s.bundle"
}
start_driver() { # SITE [PATRONUSD]
    local n=$1
    mkfifo "$work/in$n" "$work/out$n"
    in_ns "s$n" "$driver" "$pins/s$n" <"$work/in$n" >"$work/out$n" &
    pid[$n]=$!
    # shellcheck disable=SC1083,SC2093 # descriptors into array elements
    exec {to["$n"]}>"$work/in$n" {from["$n"]}<"$work/out$n"
    rm "$work/in$n" "$work/out$n"
    read_reply "$n" || fail "s$n does not start: $reply"
    key[$n]=$(ask "$n" tunnel "$work/d$n" "${2:-$bin/patronusd}" | awk '/^key/ { print $2 }')
    [[ -n ${key[$n]} ]] || fail "s$n has no tunnel process"
}
stop_driver() {
    local n=$1
    [[ -n ${pid[$n]:-} ]] || return 0
    eval "exec ${to[$n]}>&- ${from[$n]}<&-"
    kill -9 "${pid[$n]}" 2>/dev/null || true
    wait "${pid[$n]}" 2>/dev/null || true
    pid[$n]=
}
read_reply() {
    local line
    reply=
    while IFS= read -r -t 20 -u "${from[$1]}" line; do
        [[ $line != ok ]] || return 0
        reply+=$line$'\n'
        [[ $line != failed:* ]] || return 1
    done
    reply+="no answer"
    return 1
}
ask() {
    [[ -n ${pid[$1]:-} ]] || return 1
    echo "${*:2}" >&"${to[$1]}"
    if read_reply "$1"; then printf '%s' "$reply"; else
        printf '%s' "$reply"
        return 1
    fi
}
apply_all() { # SEALED REQUIRED
    local n
    for n in 1 2 3; do
        bundle "$n" "$1" "$2"
        ask "$n" apply "$work/s$n.bundle" >/dev/null || fail "s$n does not take its bundle: $reply"
    done
}
number() { # SITE COMMAND NAME: the figure behind a name in an answer
    { ask "$1" "$2" || true; } | awk -v name="$3" '{ for (i = 1; i < NF; i++) if ($i == name) { print $(i + 1); exit } }'
}
reaches() { in_ns "h$1" ping -q -c 2 -i 0.1 -W 1 "$2" >/dev/null 2>&1; }
wait_for() { # SECONDS COMMAND...
    local end=$((SECONDS + $1))
    until "${@:2}"; do
        ((SECONDS < end)) || return 1
        sleep 0.1
    done
}
lost() { awk '/packets transmitted/ { print $1 - $4 }' "$1"; }

topology
for n in 1 2 3; do start_driver "$n"; done
[[ ${key[1]} != "${key[2]}" ]] || fail "two nodes have one key"
apply_all 1 1

wait_for 10 reaches 1 10.2.0.2 || fail "h1 does not reach h2 sealed"
reaches 1 2001:db8:2::2 || fail "h1 does not reach h2 sealed by IPv6"
((  $(number 1 sealed sealed) > 3 && $(number 2 sealed opened) > 3 )) || fail "packets crossed, but not sealed"
pass "h1 reaches h2 by IPv4 and IPv6, sealed"

head -c 30000000 /dev/urandom >"$work/blob"
in_ns h2 timeout 30 "$bin/tcp_pipe" listen 5001 >"$work/got" 2>"$work/ready" &
listener=$!
wait_for 5 grep -q ready "$work/ready" || fail "no listener"
in_ns h1 timeout 30 "$bin/tcp_pipe" connect 10.2.0.2 5001 <"$work/blob" || fail "TCP broke off"
wait "$listener" || fail "the listener failed"
cmp -s "$work/blob" "$work/got" || fail "30 MB did not arrive whole"
pass "30 MB by TCP arrive whole"

mtu_found() { [[ $(number 1 sealed mtu) = 1432 ]]; }
wait_for 15 mtu_found || fail "path MTU found: $(number 1 sealed mtu), should be 1432"
pass "the path's MTU is found inside the tunnel: 1432"

# Only the path through s3 is left: s3 forwards by the stack, and opens nothing.
ask 1 alive 124 >/dev/null; ask 1 alive 129 >/dev/null; ask 2 alive 214 >/dev/null; ask 2 alive 219 >/dev/null
before=$(number 3 sealed opened)
ask 1 dead 124 >/dev/null
ask 2 dead 214 >/dev/null
in_ns h1 ping -q -c 40 -i 0.02 -W 1 10.2.0.2 >"$work/ping" || fail "h1 does not reach h2 over s3"
[[ $(lost "$work/ping") = 0 ]] || fail "$(lost "$work/ping") of 40 lost over s3"
[[ $(number 3 sealed opened) -le $((before + 4)) ]] || fail "the transit site opened packets"
ask 1 alive 124 >/dev/null; ask 2 alive 214 >/dev/null
pass "a transit site forwards sealed packets by the stack alone"

# The agent dies and comes back; the tunnel is a process of its own.
in_ns h1 ping -q -c 400 -i 0.01 -W 1 10.2.0.2 >"$work/ping" 2>&1 &
pinger=$!
sleep 0.5
stop_driver 1
sleep 1
kept=${key[1]}
start_driver 1
[[ ${key[1]} = "$kept" ]] || fail "the key changed with the agent"
bundle 1 1 1
ask 1 apply "$work/s1.bundle" >/dev/null || fail "the new agent does not take the bundle: $reply"
wait "$pinger" || true
[[ $(lost "$work/ping") = 0 ]] || fail "$(lost "$work/ping") of 400 pings lost while the agent was replaced"
pass "no ping of 400 lost while the agent was killed and started again"

# The program itself is replaced, and with it the tunnel process: sessions, their numbers and the path's MTU go along.
handshakes() { { ask 1 sealed || true; } | awk '/^peer 2/ { print $5 }'; }
runs() { [[ $(number 1 sealed program) = "$(stat -c %i "$1")" ]]; }
cp "$bin/patronusd" "$work/next"
made=$(handshakes)
in_ns h1 ping -q -c 500 -i 0.01 -W 2 10.2.0.2 >"$work/ping" 2>&1 &
pinger=$!
stop_driver 1
start_driver 1 "$work/next"
[[ ${key[1]} = "$kept" ]] || fail "the key changed with the program"
bundle 1 1 1
ask 1 apply "$work/s1.bundle" >/dev/null || fail "the new program's agent does not take the bundle: $reply"
wait_for 20 runs "$work/next" || fail "the tunnel process still runs the old program: $(tail -n 3 "$work/d1/tunnel.log")"
mv "$work/next" "$work/last" && cp "$bin/patronusd" "$work/next"
stop_driver 1
start_driver 1 "$work/next"
ask 1 apply "$work/s1.bundle" >/dev/null || fail "the next program's agent does not take the bundle: $reply"
wait_for 20 runs "$work/next" || fail "the tunnel process still runs the program before: $(tail -n 3 "$work/d1/tunnel.log")"
wait "$pinger" || true
[[ $(lost "$work/ping") = 0 ]] || fail "$(lost "$work/ping") of 500 pings lost while the tunnel process was replaced twice"
[[ $(handshakes) = "$made" ]] || fail "sessions were made anew: $made handshakes before, $(handshakes) after"
mtu_found || fail "the path's MTU was forgotten: $(number 1 sealed mtu)"
pass "no ping of 500 lost while the tunnel process was replaced twice, and no new session made"

# A tunnel process that is killed is replaced, and the peers shake hands anew. By then the way is a narrower one, which
# nobody says: what is larger than 1360 bytes is gone. 1292 are left for what is inside.
for n in 1 2; do in_ns "s$n" ethtool -K wan0 tx-udp-segmentation off &>/dev/null || true; done
in_ns net ip link set a2 mtu 1360
tunnel_pid=$(pgrep -f -- "tunnel --data $work/d2 " | head -1)
kill -9 "$tunnel_pid"
again() { ask 2 verify >/dev/null && reaches 1 10.2.0.2; }
wait_for 25 again || fail "no packet crosses after a tunnel process was killed"
pass "a killed tunnel process is replaced"
narrow() { local found; found=$(number "$1" sealed mtu) && ((found > 1284 && found <= 1292)); }
for n in 1 2; do wait_for 40 narrow "$n" || fail "s$n found a path MTU of $(number "$n" sealed mtu), not 1285 to 1292"; done
# verify: the agent's turn, in which it tells the data plane what was found.
told() { ask "$1" verify >/dev/null && { in_ns "h$1" ping -M "do" -c 1 -W 1 -s 1372 "$2" 2>&1 || true; } | grep -q "mtu *= *$(number "$1" sealed mtu)"; }
wait_for 10 told 1 10.2.0.2 || fail "h1 is not told the path's MTU"
wait_for 10 told 1 2001:db8:2::2 || fail "h1 is not told the path's MTU by IPv6"
wait_for 10 told 2 10.1.0.2 || fail "h2 is not told the path's MTU"
for n in 1 2; do in_ns "h$n" ip route flush cache; done
mtu=$(number 1 sealed mtu)
in_ns h1 ping -q -M "do" -c 1 -W 5 -s $((mtu - 28)) 10.2.0.2 >/dev/null || fail "what fits the path's MTU does not arrive"
: >"$work/ready2"
in_ns h2 timeout 30 "$bin/tcp_pipe" listen 5002 >"$work/got" 2>"$work/ready2" &
listener=$!
wait_for 10 grep -q ready "$work/ready2" || fail "no listener"
head -c 3000000 "$work/blob" >"$work/part"
in_ns h1 timeout 30 "$bin/tcp_pipe" connect 10.2.0.2 5002 <"$work/part" || fail "TCP broke off on the narrow path"
wait "$listener" || fail "the listener failed"
cmp -s "$work/part" "$work/got" || fail "3 MB did not arrive whole on the narrow path"
in_ns h1 ip route get 10.2.0.2 | grep -q "mtu" && fail "TCP met the path's MTU: its MSS was not clamped"
pass "a narrower path is found inside the tunnel ($mtu), hosts are told, and TCP fits"

# Plain paths: allowed by policy, refused by a segment that requires encryption, at both ends.
apply_all 0 0
wait_for 5 reaches 1 10.2.0.2 || fail "plain paths do not carry when they are allowed"
sealed=$(number 1 sealed sealed)
reaches 1 10.2.0.2
[[ $(number 1 sealed sealed) -le $((sealed + 2)) ]] || fail "a plain path was sealed"
bundle 1 0 1
ask 1 apply "$work/s1.bundle" >/dev/null
reaches 1 10.2.0.2 && fail "a segment that requires encryption used a plain path"
[[ $(number 1 counters plain_refused) -ge 2 ]] || fail "the refusal was not counted"
apply_all 0 0
bundle 2 0 1
ask 2 apply "$work/s2.bundle" >/dev/null
reaches 1 10.2.0.2 && fail "a plain packet was taken into a segment that requires encryption"
[[ $(number 2 counters plain_refused) -ge 2 ]] || fail "the refusal of an arriving packet was not counted"
pass "plain paths carry only where the segment allows it, and are refused at both ends otherwise"
for name in tunnel_replayed tunnel_not_authentic tunnel_bad_inner; do
    for n in 1 2; do [[ $(number "$n" sealed "$name") = 0 ]] || fail "s$n counted $name"; done
done
pass "nothing was replayed, forged or malformed"
echo "passed"
