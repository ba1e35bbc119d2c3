#!/usr/bin/env bash
# Packets across three sites, through the real programs, without controllers.
#
#    h1 --lan0-- s1 --wan0--+      +--wan0-- s2 --lan0-- h2        segment 100: h1 h2 h3, 10.N.0.0/24, 2001:db8:N::/64
#    g1 --lan1--/ \         | net  |        / \--lan1-- g2        segment 200: g1 g2,    10.N.1.0/24
#                  \--wan1--+ br0  +--wan1-/                      wan0: 192.0.2.N/24 on br0, tunnels over IPv4
#                           | br1  |                             wan1: 2001:db8:ff::N/64 on br1, tunnels over IPv6
#    h3 --lan0-- s3 --wan0--+      |                             MTU 1500 and default offloads everywhere
#                 \---wan1---------+
#
# Each box is a network namespace. The internet is 192.0.2.200, in `net` on br0. From site S to site D there are three paths: over IPv4, over IPv6, and over IPv4 to the
# third site with label D left in the stack; path ids SD4, SD6 and SD9.
#
# usage: dataplane.sh DP_DRIVER      exit 0 passed, 1 failed, 77 skipped
set -euo pipefail

driver=$(realpath "${1:?usage: dataplane.sh DP_DRIVER}")
pipe=$(dirname "$driver")/tcp_pipe
flood=$(dirname "$driver")/syn_flood
prefix=ptbpf$$
pins=/run/patronus-test-$$
work=$(mktemp -d)
namespaces=()
passed=0

if [[ $(id -u) -ne 0 ]]; then
    echo "skipped: needs root for network namespaces and BPF"
    exit 77
fi

in_ns() { # NAME COMMAND...: not `ip netns exec`, which hides the bpffs that the driver mounts
    nsenter --net="/run/netns/$prefix-$1" -- "${@:2}"
}

cleanup() {
    local status=$?
    trap - EXIT INT TERM
    for n in 1 2 3; do
        stop_driver "$n" || true
        in_ns "s$n" "$driver" "$pins/s$n" remove >/dev/null 2>&1 || true
    done
    jobs -p | xargs -r kill 2>/dev/null || true
    wait 2>/dev/null || true
    for ns in "${namespaces[@]}"; do ip netns del "$ns" 2>/dev/null || true; done
    rmdir "$pins" 2>/dev/null || true
    rm -rf "$work"
    exit "$status"
}
trap cleanup EXIT INT TERM

fail() {
    echo "FAILED: $*"
    for n in 1 2 3; do
        echo "--- s$n"
        { ask "$n" counters || true; } | sed 's/^/    /'
    done
    exit 1
}

pass() {
    echo "ok: $*"
    passed=$((passed + 1))
}

wait_for() { # SECONDS COMMAND...
    local end=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        ((SECONDS < end)) || return 1
        sleep 0.02
    done
}

# ---- the topology ----------------------------------------------------------------------------------------------------

add_ns() {
    ip netns add "$prefix-$1"
    namespaces+=("$prefix-$1")
    in_ns "$1" ip link set lo up
    in_ns "$1" sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0
}

cable() { # NS IFACE NS IFACE
    ip link add "$2" netns "$prefix-$1" type veth peer name "$4" netns "$prefix-$3"
    in_ns "$1" ip link set "$2" up
    in_ns "$3" ip link set "$4" up
}

address() { # NS IFACE ADDRESS...
    local ns=$1 iface=$2 one
    for one in "${@:3}"; do
        if [[ $one == *:* ]]; then in_ns "$ns" ip addr add "$one" dev "$iface" nodad; else in_ns "$ns" ip addr add "$one" dev "$iface"; fi
    done
}

build() {
    local n
    add_ns net
    in_ns net ip link add br0 type bridge
    in_ns net ip link add br1 type bridge
    in_ns net ip link set br0 up
    in_ns net ip link set br1 up
    address net br0 192.0.2.200/24
    for n in 1 2 3; do
        add_ns "s$n"
        add_ns "h$n"
        cable "s$n" wan0 net "a$n"
        cable "s$n" wan1 net "b$n"
        in_ns net ip link set "a$n" master br0
        in_ns net ip link set "b$n" master br1
        cable "s$n" lan0 "h$n" eth0
        address "s$n" wan0 "192.0.2.$n/24"
        address "s$n" wan1 "2001:db8:ff::$n/64"
        address "s$n" lan0 "10.$n.0.1/24" "2001:db8:$n::1/64"
        address "h$n" eth0 "10.$n.0.2/24" "2001:db8:$n::2/64"
        in_ns "h$n" ip route add default via "10.$n.0.1"
        in_ns "h$n" ip route add default via "2001:db8:$n::1"
    done
    for n in 1 2; do
        add_ns "g$n"
        cable "s$n" lan1 "g$n" eth0
        address "s$n" lan1 "10.$n.1.1/24"
        address "g$n" eth0 "10.$n.1.2/24"
        in_ns "g$n" ip route add default via "10.$n.1.1"
    done
}

bundle() { # SITE -> file
    local s=$1 d t
    {
        echo "node site=$s"
        echo "link id=1 if=wan0 address=192.0.2.$s"
        echo "link id=2 if=wan1 address=2001:db8:ff::$s"
        echo "lan if=lan0 vni=100"
        if ((s < 3)); then echo "lan if=lan1 vni=200"; fi
        echo "route vni=100 prefix=10.$s.0.0/24 site=$s lan=lan0"
        echo "route vni=100 prefix=2001:db8:$s::/64 site=$s lan=lan0"
        if ((s < 3)); then echo "route vni=200 prefix=10.$s.1.0/24 site=$s lan=lan1"; fi
        echo "rule vni=100 order=0 protocol=6 ports=23-23 deny=1"
        echo "rule vni=100 order=1 dscp=46 class=1"
        for d in 1 2 3; do
            if ((d == s)); then continue; fi
            t=$((6 - s - d))
            echo "route vni=100 prefix=10.$d.0.0/24 site=$d"
            echo "route vni=100 prefix=2001:db8:$d::/64 site=$d"
            if ((d < 3)); then echo "route vni=200 prefix=10.$d.1.0/24 site=$d"; fi
            echo "tunnel id=$s${d}4 link=1 remote=192.0.2.$d site=$d mtu=1440"
            echo "tunnel id=$s${d}6 link=2 remote=2001:db8:ff::$d site=$d mtu=1440"
            echo "path id=$s${d}4 tunnel=$s${d}4 site=$d"
            echo "path id=$s${d}6 tunnel=$s${d}6 site=$d"
            echo "path id=$s${d}9 tunnel=$s${t}4 site=$d stack=$d"
            echo "group site=$d members=$s${d}4:1:0,$s${d}6:1:1,$s${d}9:1:2"
            echo "group site=$d class=1 members=$s${d}9:1:0"
            echo "group site=$d class=transit members=$s${d}4:1:0,$s${d}6:1:1"
        done
    } >"$work/s$1.bundle"
}

# ---- the drivers -----------------------------------------------------------------------------------------------------

declare -A to from pid

start_driver() { # SITE
    local n=$1
    mkfifo "$work/in$n" "$work/out$n"
    in_ns "s$n" "$driver" "$pins/s$n" <"$work/in$n" >"$work/out$n" &
    pid[$n]=$!
    # shellcheck disable=SC1083,SC2093 # descriptors into array elements
    exec {to["$n"]}>"$work/in$n" {from["$n"]}<"$work/out$n"
    rm "$work/in$n" "$work/out$n"
    read_reply "$n" || fail "s$n does not start: $reply"
}

stop_driver() {
    local n=$1
    [[ -n ${pid[$n]:-} ]] || return 0
    eval "exec ${to[$n]}>&- ${from[$n]}<&-"
    kill -9 "${pid[$n]}" 2>/dev/null || true
    wait "${pid[$n]}" 2>/dev/null || true
    pid[$n]=
}

read_reply() { # SITE; the lines in $reply
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

ask() { # SITE COMMAND...
    [[ -n ${pid[$1]:-} ]] || return 1
    echo "${*:2}" >&"${to[$1]}"
    if read_reply "$1"; then printf '%s' "$reply"; else
        printf '%s' "$reply"
        return 1
    fi
}

tx() { # SITE PATH: packets sent
    ask "$1" counters | awk -v p="$2" '$1 == "path" && $2 == p { print $4 }'
}

dropped() { # SITE REASON
    ask "$1" counters | awk -v r="$2" '$1 == "drop" && $2 == r { n = $3 } END { print n + 0 }'
}

# ---- checks ----------------------------------------------------------------------------------------------------------

ping_ok() { # NS ADDRESS [OPTIONS]
    in_ns "$1" ping -q -n -c 3 -i 0.02 -W 2 "${@:3}" "$2" >"$work/ping" 2>&1 && grep -q ' 0% packet loss' "$work/ping"
}

expect_ping() {
    ping_ok "$@" || fail "ping from $1 to $2 ${*:3}: $(tail -3 "$work/ping")"
}

transfer() { # NS NS ADDRESS BYTES: equal digests
    local sink
    in_ns "$2" "$pipe" listen 7000 >"$work/got" 2>"$work/ready" &
    sink=$!
    wait_for 5 grep -q ready "$work/ready" || fail "no listener in $2"
    head -c "$4" /dev/urandom >"$work/sent"
    in_ns "$1" timeout 30 "$pipe" connect "$3" 7000 <"$work/sent" || fail "TCP from $1 to $3 breaks"
    wait "$sink" || fail "TCP sink in $2"
    cmp -s "$work/sent" "$work/got" || fail "TCP from $1 to $3: digests differ"
}

check_reach() {
    local a b
    for a in 1 2 3; do
        for b in 1 2 3; do
            if ((a == b)); then continue; fi
            expect_ping "h$a" "10.$b.0.2"
            expect_ping "h$a" "2001:db8:$b::2"
        done
        expect_ping "h$a" "10.$a.0.1"
    done
    expect_ping g1 10.2.1.2
    pass "every pair of a segment reaches each other by IPv4 and IPv6, and its gateway"
}

check_tcp() { # WHAT
    transfer h1 h2 10.2.0.2 10000000
    transfer h2 h1 2001:db8:1::2 10000000
    pass "10 MB by TCP each way, equal digests: $1"
}

check_segments() {
    local before after
    before=$(dropped 1 no_route)
    if ping_ok h1 10.2.1.2 -c 1 -W 1; then fail "segment 100 reaches segment 200"; fi
    if ping_ok g1 10.2.0.2 -c 1 -W 1; then fail "segment 200 reaches segment 100"; fi
    if ping_ok h1 10.1.1.2 -c 1 -W 1; then fail "segment 100 reaches segment 200 in its own site"; fi
    after=$(dropped 1 no_route)
    ((after >= before + 3)) || fail "no_route counts $before -> $after"
    pass "segments never cross"
}

# Breakout under the link's address, a forwarded port, and a firewall that lets segment 200 ping segment 100 and no more.
check_edge() {
    local before
    cp "$work/s1.bundle" "$work/s1.edge"
    {
        echo "exit vni=100 link=1"
        echo "forward link=1 protocol=6 port=7000 vni=100 address=10.1.0.2 target=7000"
        echo "filter vni=200 drop=1 reach=100"
        echo "filter_rule vni=200 order=0 to=100 protocol=1"
        echo "filter vni=100 reach=200"
    } >>"$work/s1.edge"
    if ping_ok h1 192.0.2.200 -c 1 -W 1; then fail "the internet is reached without an exit"; fi
    ask 1 apply "$work/s1.edge" >"$work/apply" || fail "apply: $(cat "$work/apply")"
    ask 1 verify >"$work/verify" || fail "verify: $(cat "$work/verify")"
    expect_ping h1 192.0.2.200
    transfer h1 net 192.0.2.200 3000000
    transfer net h1 192.0.2.1 3000000
    expect_ping h1 10.2.0.2
    expect_ping g1 10.1.0.2
    before=$(dropped 1 firewall)
    if ping_ok h1 10.1.1.2 -c 1 -W 1; then fail "segment 100 reaches segment 200"; fi
    if ping_ok g1 10.2.1.2 -c 1 -W 1; then fail "the default of segment 200 is not kept"; fi
    (($(dropped 1 firewall) >= before + 2)) || fail "firewall counts $before -> $(dropped 1 firewall)"
    stop_driver 1
    expect_ping h1 192.0.2.200
    start_driver 1
    ask 1 apply "$work/s1.bundle" >"$work/apply" || fail "apply: $(cat "$work/apply")"
    if ping_ok h1 192.0.2.200 -c 1 -W 1; then fail "the exit is gone and still used"; fi
    pass "hosts go out and are reached by a forwarded port, without an agent too; segments meet by rules only"
}

# Connections to the node itself, many at once, while it answers SYNs above one a second by cookies: all stand, and some came by a cookie that XDP made.
cookies() { # FIELD of TcpExt
    in_ns s1 cat /proc/net/netstat |
        awk -v name="$1" '$1 == "TcpExt:" && !len { for (i = 2; i <= NF; i++) at[$i] = i; len = NF; next } $1 == "TcpExt:" { print $at[name] }'
}
check_cookies() {
    local made proven passer server
    cp "$work/s1.bundle" "$work/s1.guard"
    echo "guard syns=1" >>"$work/s1.guard"
    # Not by in_ns: the process is to be the one that is killed.
    nsenter --net="/run/netns/$prefix-net" -- "$flood" pass a1 2>"$work/passing" &
    passer=$!
    nsenter --net="/run/netns/$prefix-s1" -- "$flood" serve 7100 2>"$work/serving" &
    server=$!
    wait_for 10 grep -q ready "$work/passing" || fail "no XDP in net: $(cat "$work/passing")"
    wait_for 10 grep -q ready "$work/serving" || fail "no server: $(cat "$work/serving")"
    ask 1 apply "$work/s1.guard" >"$work/apply" || fail "apply: $(cat "$work/apply")"
    made=$(cookies SyncookiesSent) proven=$(cookies SyncookiesRecv)
    in_ns net "$flood" connect 192.0.2.1 7100 40 0 30000 >"$work/honest" || fail "connect: $(cat "$work/honest")"
    grep -qx "tried 40 answered 40" "$work/honest" || fail "under cookies: $(cat "$work/honest")"
    made=$(($(cookies SyncookiesSent) - made)) proven=$(($(cookies SyncookiesRecv) - proven))
    ((proven > made)) || fail "the kernel took $proven cookies and made $made itself: none is XDP's"
    kill "$passer" "$server"
    wait "$passer" "$server" 2>/dev/null || true
    ask 1 apply "$work/s1.bundle" >"$work/apply" || fail "apply: $(cat "$work/apply")"
    pass "40 connections at once by SYN cookies, $((proven - made)) of them made before the kernel"
}

check_policy() {
    local before
    before=$(tx 1 129)
    expect_ping h1 10.2.0.2 -Q 0xb8
    (($(tx 1 129) >= before + 3)) || fail "DSCP 46 does not take the path via s3"
    if in_ns h1 timeout 1 "$pipe" connect 10.2.0.2 23 </dev/null 2>/dev/null; then fail "telnet is not denied"; fi
    (($(dropped 1 policy_deny) > 0)) || fail "policy_deny is not counted"
    pass "a rule steers by DSCP through a transit site, another denies"
}

# ---- books -----------------------------------------------------------------------------------------------------------

# Packets that a host sent and received, as its kernel counts. Of IPv6 echoes only: neighbour discovery ends at the site.
host_counts() { # NS
    in_ns "$1" cat /proc/net/snmp /proc/net/snmp6 | awk '
        $1 == "Ip:" && !named { for (i = 2; i <= NF; i++) at[$i] = i; named = 1; next }
        $1 == "Ip:" { sent += $at["OutRequests"]; got += $at["InReceives"] }
        $1 ~ /^Icmp6OutEcho(s|Replies)$/ { sent += $2 }
        $1 ~ /^Icmp6InEcho(s|Replies)$/ { got += $2 }
        END { print sent, got }'
}

ledger() { # SITE: packets in by LAN and by paths, out by LAN and by paths, dropped; bytes in and out by paths
    ask "$1" counters | awk -v host="$(host_counts "h$1")" '
        $1 == "path" { tx += $4; sent += $5; rx += $7; got += $8 }
        $1 == "drop" { dropped += $3 }
        END { split(host, h); print h[1], rx + 0, h[2], tx + 0, dropped + 0, got + 0, sent + 0 }'
}

# Since the ledgers in $opened: at each site in = out + dropped, and what all sent by paths all received, bytes too.
balanced() {
    local n
    for n in 1 2 3; do echo "${opened[$n]} $(ledger "$n")"; done | awk '
        { for (i = 1; i <= 7; i++) d[i] = $(i + 7) - $i
          printf "s%d: in %d + %d, out %d + %d, dropped %d; bytes by paths in %d, out %d\n", NR, d[1], d[2], d[3], d[4], d[5], d[6], d[7]
          wrong += d[1] + d[2] != d[3] + d[4] + d[5]
          packets += d[4] - d[2]; bytes += d[7] - d[6]; all += d[1] }
        END { exit wrong || packets != 0 || bytes != 0 || all == 0 }' >"$work/books"
}

# Known numbers of packets with every kind of end, by both families, there and back, also through a transit site.
check_books() {
    local n reason seen pings=() opened=() before=() reasons=(no_route too_big ttl_exceeded no_path) packets=(31 23 17 13) denied
    for n in 1 2 3; do opened[n]=$(ledger "$n"); done
    for n in "${!reasons[@]}"; do before[n]=$(dropped 1 "${reasons[$n]}"); done
    denied=$(dropped 1 policy_deny)
    burst() { # NAME COUNT ADDRESS [OPTIONS]: fewer in all than a virtual link's ring holds, so that none can be lost there
        in_ns h1 ping -q -n -i 0.01 -c "$2" -W 1 "${@:4}" "$3" >"$work/$1" 2>&1 &
        pings+=($!)
    }
    burst there4 60 10.2.0.2
    burst there6 50 2001:db8:2::2
    burst transit 40 10.2.0.2 -Q 0xb8
    burst lost 31 10.2.1.2
    burst lost 23 10.2.0.2 -M dont -s 1472
    burst lost 17 10.2.0.2 -t 1
    in_ns h1 timeout 0.5 "$pipe" connect 10.2.0.2 23 </dev/null >/dev/null 2>&1 || true
    wait "${pings[@]}" || true
    for n in 124 126 129; do ask 1 dead "$n" >/dev/null; done
    burst lost 13 10.2.0.2
    wait "${pings[-1]}" || true
    for n in 124 126 129; do ask 1 alive "$n" >/dev/null; done
    for n in there4 there6 transit; do grep -q ' 0% packet loss' "$work/$n" || fail "$n: $(tail -3 "$work/$n")"; done
    wait_for 10 balanced || fail "the books do not balance: $(cat "$work/books")"
    for n in "${!reasons[@]}"; do
        reason=${reasons[$n]} seen=$(($(dropped 1 "${reasons[$n]}") - before[n]))
        [[ $seen == "${packets[$n]}" ]] || fail "$seen dropped as $reason, not ${packets[$n]}: $(cat "$work/books")"
    done
    (($(dropped 1 policy_deny) > denied)) || fail "policy_deny is not counted"
    pass "the books of three sites balance, packets and bytes; $(head -1 "$work/books")"
}

check_mtu() {
    in_ns h1 ping -n -c 2 -i 0.05 -W 2 -M 'do' -s 1472 10.2.0.2 >"$work/ping" 2>&1 || true
    grep -q 'mtu.*1440' "$work/ping" || fail "no fragmentation needed: $(cat "$work/ping")"
    in_ns h1 ping -n -c 2 -i 0.05 -W 2 -M 'do' -s 1452 2001:db8:2::2 >"$work/ping" 2>&1 || true
    grep -q 'mtu.*1440' "$work/ping" || fail "no packet too big: $(cat "$work/ping")"
    in_ns h1 ip route flush cache
    in_ns h1 ip -6 route flush cache
    expect_ping h1 10.2.0.2 -M 'do' -s 1412
    expect_ping h1 2001:db8:2::2 -M 'do' -s 1392
    pass "hosts learn the path's MTU by ICMP and ICMPv6; what just fits gets through"
}

check_flip() {
    local path
    ask 1 dead 124 >/dev/null
    path=$(tx 1 126)
    expect_ping h1 10.2.0.2
    (($(tx 1 126) >= path + 3)) || fail "with 124 dead, 126 is not used"
    check_tcp "over IPv6 outside"
    ask 1 dead 126 >/dev/null
    ask 2 dead 214 >/dev/null
    ask 2 dead 216 >/dev/null
    ask 3 dead 324 >/dev/null # s3 hands IPv4 outside over to IPv6 outside
    path=$(tx 3 326)
    expect_ping h1 10.2.0.2
    (($(tx 3 326) >= path + 3)) || fail "s3 does not forward to s2 over 326"
    check_tcp "through a transit site, changing family there"
    ask 1 dead 129 >/dev/null
    if ping_ok h1 10.2.0.2 -c 1 -W 1; then fail "a packet crossed without a live path"; fi
    (($(dropped 1 no_path) > 0)) || fail "no_path is not counted"
    for path in 124 126 129; do ask 1 alive "$path" >/dev/null; done
    for path in 214 216; do ask 2 alive "$path" >/dev/null; done
    ask 3 alive 324 >/dev/null
    path=$(tx 1 124)
    expect_ping h1 10.2.0.2
    (($(tx 1 124) >= path + 3)) || fail "the first path is not used again"
    pass "paths die and return"
}

# A ping at 10 ms while s1's driver is killed, started and given its bundle again, and while bundles change.
check_restart() {
    local pinger lost
    in_ns h1 ping -q -n -i 0.01 -c 300 -W 2 10.2.0.2 >"$work/long" 2>&1 &
    pinger=$!
    stop_driver 1
    start_driver 1
    ask 1 apply "$work/s1.bundle" >"$work/apply" || fail "apply after restart: $(cat "$work/apply")"
    ask 1 verify >"$work/verify" || fail "verify after restart: $(cat "$work/verify")"
    cp "$work/s1.bundle" "$work/s1.other"
    echo "route vni=100 prefix=10.99.0.0/16 site=3" >>"$work/s1.other"
    for _ in 1 2 3 4 5; do
        ask 1 apply "$work/s1.other" >/dev/null
        ask 1 apply "$work/s1.bundle" >/dev/null
    done
    wait "$pinger" || true
    lost=$(awk '/packets transmitted/ { print $1 - $4 }' "$work/long")
    [[ $lost == 0 ]] || fail "restart and ten flips lost $lost of 300 pings: $(tail -3 "$work/long")"
    pass "killing and restarting the agent and ten generation flips lose no ping"
}

check_refusal() {
    local before after
    before=$(ask 1 verify | grep digest)
    sed 's/^path id=124 .*/path id=124 tunnel=777 site=2/' "$work/s1.bundle" >"$work/bad"
    if ask 1 apply "$work/bad" >"$work/answer"; then fail "a bundle with an unknown tunnel is taken"; fi
    grep -q 'path 000000000000007c' "$work/answer" || fail "the refusal names no path: $(cat "$work/answer")"
    after=$(ask 1 verify | grep digest)
    [[ $before == "$after" ]] || fail "a refused bundle changed what is in force"
    expect_ping h1 10.2.0.2
    pass "a bad bundle is refused by name and changes nothing"
}

check_removal() {
    stop_driver 1
    in_ns s1 "$driver" "$pins/s1" remove >/dev/null
    [[ ! -e $pins/s1 ]] || fail "$pins/s1 is still there"
    if [[ $(in_ns s1 tc filter show dev lan0 ingress) == *bpf* ]]; then fail "the filter on lan0 stays"; fi
    if [[ $(in_ns s1 ip link show wan0) == *xdp* ]]; then fail "XDP on wan0 stays"; fi
    pass "removal leaves nothing attached or pinned"
}

build
for n in 1 2 3; do
    bundle "$n"
    start_driver "$n"
    ask "$n" apply "$work/s$n.bundle" >"$work/apply" || fail "apply at s$n: $(cat "$work/apply")"
    for d in 1 2 3; do
        for kind in 4 6 9; do ask "$n" alive "$n$d$kind" >/dev/null; done
    done
done
[[ $(in_ns s1 ip -d link show wan0) == *"xdp "* ]] || fail "XDP is not native on wan0"
check_reach
check_tcp "over IPv4 outside"
check_segments
check_edge
check_cookies
check_policy
check_books
check_mtu
check_flip
check_restart
check_refusal
check_removal
echo "passed: $passed"
