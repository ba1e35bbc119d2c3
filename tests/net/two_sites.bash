# Two sites with two links each and a host each, driven without controllers; sourced by bfd.sh and tests/bench.
#
#    h1 --lan0-- s1 --wan0-- net (br0) --wan0-- s2 --lan0-- h2       segment 100: 10.N.0.0/24
#                 +---wan1-- net (br1) --wan1---+                    paths 120 and 210 by wan0, 121 and 211 by wan1 (backup)
#
# The caller sets: driver (dp_driver), bin (its folder), prefix, pins, work; and may set WATCH= (empty: paths are judged
# by nobody), LINK (by number of a link: what its entry says besides) and SEALED (0: plain paths).
# shellcheck shell=bash disable=SC2154 # set by the caller
declare -A to from pid key
namespaces=()
WATCH=${WATCH-watch}
SEALED=${SEALED-1}
declare -A LINK

in_ns() { nsenter --net="/run/netns/$prefix-$1" -- "${@:2}"; }
# For the background: the process is the command itself, and holds none of our descriptors open.
spawn() { exec nsenter --net="/run/netns/$prefix-$1" -- "${@:2}" 7>&- 8>&- 9>&-; }
add_ns() {
    ip netns add "$prefix-$1"
    namespaces+=("$prefix-$1")
    in_ns "$1" ip link set lo up
    in_ns "$1" sysctl -qw net.ipv6.conf.all.disable_ipv6=1
}
cable() { # NS1 IF1 NS2 IF2
    ip link add name "$2" netns "$prefix-$1" type veth peer name "$4" netns "$prefix-$3"
    in_ns "$1" ip link set "$2" up
    in_ns "$3" ip link set "$4" up
}
two_sites_up() {
    local n l
    add_ns net
    for l in 0 1; do
        in_ns net ip link add "br$l" type bridge
        in_ns net ip link set "br$l" up
    done
    for n in 1 2; do
        add_ns "s$n"
        add_ns "h$n"
        for l in 0 1; do
            cable "s$n" "wan$l" net "s${n}l$l"
            in_ns net ip link set "s${n}l$l" master "br$l"
            in_ns "s$n" ip addr add "192.0.$((2 + l)).$n/24" dev "wan$l"
        done
        cable "s$n" lan0 "h$n" eth0
        in_ns "s$n" ip addr add "10.$n.0.1/24" dev lan0
        in_ns "h$n" ip addr add "10.$n.0.2/24" dev eth0
        in_ns "h$n" ip route add default via "10.$n.0.1"
        mkdir -p "$work/d$n"
    done
}
# What site $1 is told.
two_sites_bundle() {
    local s=$1 d=$((3 - $1)) l
    {
        echo "node site=$s"
        echo "lan if=lan0 vni=100"
        echo "route vni=100 prefix=10.$s.0.0/24 site=$s lan=lan0"
        echo "route vni=100 prefix=10.$d.0.0/24 site=$d"
        for l in 0 1; do
            echo "link id=$((l + 1)) if=wan$l address=192.0.$((2 + l)).$s ${LINK[$l]:-}"
            echo "tunnel id=$s$d$l link=$((l + 1)) remote=192.0.$((2 + l)).$d site=$d mtu=1464"
            echo "path id=$s$d$l tunnel=$s$d$l site=$d sealed=$SEALED"
        done
        echo "group site=$d members=$s${d}0:1:0,$s${d}1:1:1"
        echo "peer site=$d key=${key[$d]} cipher=1"
    } >"$work/s$s.bundle"
}
start_driver() {
    local n=$1
    mkfifo "$work/in$n" "$work/out$n"
    spawn "s$n" "$driver" "$pins/s$n" <"$work/in$n" >"$work/out$n" &
    pid[$n]=$!
    # shellcheck disable=SC1083,SC2093 # descriptors into array elements
    exec {to["$n"]}>"$work/in$n" {from["$n"]}<"$work/out$n"
    rm "$work/in$n" "$work/out$n"
    read_reply "$n" || return 1
    key[$n]=$(ask "$n" tunnel "$work/d$n" "$bin/patronusd" "$WATCH" | awk '/^key/ { print $2 }')
    [[ -n ${key[$n]} ]]
}
stop_driver() { # the agent's half dies; programs and the tunnel process go on
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
two_sites_start() {
    local n
    for n in 1 2; do start_driver "$n" || return 1; done
    for n in 1 2; do
        two_sites_bundle "$n"
        ask "$n" apply "$work/s$n.bundle" >/dev/null || return 1
    done
}
two_sites_down() {
    local n
    for n in 1 2; do
        stop_driver "$n" || true
        in_ns "s$n" "$driver" "$pins/s$n" remove >/dev/null 2>&1 || true
    done
    rm -rf "$work"/d? # the tunnel processes end when their sockets are gone
    for n in "${namespaces[@]}"; do ip netns del "$n" 2>/dev/null || true; done
    namespaces=()
    rmdir "$pins" 2>/dev/null || true
}
# A link that takes everything and delivers nothing; no carrier is lost.
cut_link() { in_ns net bridge link set dev "s1l$1" state 0; }
mend_link() { in_ns net bridge link set dev "s1l$1" state 3; }
live() { ask "$1" sealed | awk -v path="$2" '$1 == "live" && $2 == path { print $3 }'; } # SITE PATH
is_live() { [[ $(live "$1" "$2") = "$3" ]]; }
downs() { ask "$1" sealed | awk '$1 == "live" { n += $9 } END { print n + 0 }'; }
wait_for() { # SECONDS COMMAND...
    local end=$((SECONDS + $1))
    until "${@:2}"; do
        ((SECONDS < end)) || return 1
        sleep 0.05
    done
}
