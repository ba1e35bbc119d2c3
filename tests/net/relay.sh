#!/usr/bin/env bash
# A line that reorders and duplicates: what sealed packets and their measurement make of it.
#
#    host -- s1 -- wan0 [relay] underlay [relay] wan0 -- s2 -- host     5 ms each; of what s1 sends a tenth comes twice
#                                                                        and a twentieth overtakes what is on its way
#
# Duplicates are packets that were opened before: the window refuses them, no host sees one, and each counts. What is late
# is inside the window: it arrives, and is neither loss nor replayed.
#
# usage: relay.sh       exit 0 passed, 1 failed, 77 skipped
set -euo pipefail
cd "$(dirname "$0")/../.."
if [[ $(id -u) -ne 0 || ! -c /dev/net/tun ]]; then
    echo "skipped: needs root for network namespaces and BPF, and /dev/net/tun"
    exit 77
fi
build=$(realpath "${PT_BUILD_DIR:-build/dev}")
ctl=$build/bin/patronusctl
# shellcheck disable=SC2034 # for two_sites.bash
driver=$build/bin/dp_driver bin=$build/bin
# shellcheck disable=SC2034 # for two_sites.bash
prefix=ptrl$(($$ % 10000)) pins=/run/patronus-relay-$$ reply=
work=$(mktemp -d /run/ptrl.XXXXXX)
# shellcheck disable=SC1091 # looked at by itself
. tests/net/two_sites.bash
sender='' receiver=''

cleanup() {
    local status=$?
    trap - EXIT INT TERM
    exec 7>&-
    [[ -z $sender ]] || kill "$sender" 2>/dev/null || true
    [[ -z $receiver ]] || kill "$receiver" 2>/dev/null || true
    two_sites_down
    "$ctl" lab down --name "$prefix" >/dev/null 2>&1 || true
    rm -rf "$work"
    exit "$status"
}
trap cleanup EXIT INT TERM
fail() {
    echo "FAILED: $*"
    { ask 2 sealed; "$ctl" lab status --name "$prefix"; tail -n 5 "$work/received"; } 2>&1 | tail -n 40 | sed 's/^/    /' || true
    exit 1
}
pass() { echo "ok: $*"; }
# shellcheck disable=SC2154 # key is two_sites.bash's
two_sites_bundle() { # instead of the one with two links
    local s=$1 d=$((3 - $1))
    cat >"$work/s$s.bundle" <<END
node site=$s
lan if=lan0 vni=100
route vni=100 prefix=10.$s.0.0/24 site=$s lan=lan0
route vni=100 prefix=10.$d.0.0/24 site=$d
link id=1 if=wan0 address=198.18.0.$((4 * s - 2)) gateway=198.18.0.$((4 * s - 3))
tunnel id=$s$d link=1 remote=198.18.0.$((4 * d - 2)) site=$d mtu=1400
path id=$s${d}0 tunnel=$s$d site=$d sealed=1
group site=$d members=$s${d}0:1:0
peer site=$d key=${key[$d]} cipher=1
END
}
up() { is_live 1 120 alive && is_live 2 210 alive; }
reaches() { in_ns s1-corp ping -q -c 1 -W 1 10.2.0.10 >/dev/null 2>&1; }
dropped() { ask 2 sealed | awk -v name="$1" '$1 == "drop" && $2 == name { print $3 }'; } # NAME: packets at s2
duplicated() { # by the line of s1, on the way from it
    "$ctl" lab status --json --name "$prefix" | python3 -c 'import json, sys
print(next(l["duplicates"] for l in json.load(sys.stdin)["links"] if l["link"] == "s1/internet" and l["direction"] == "up"))'
}
loss_ppm() { ask 1 measures 0 | awk '/^measure/ { print $4 }'; }

printf 'default delay=5ms\nsite s1\n    lan corp\n    link internet\nsite s2\n    lan corp\n    link internet\n' >"$work/two.lab"
"$ctl" lab up "$work/two.lab" --name "$prefix" --seed 7 >/dev/null
mkdir -p "$work/d1" "$work/d2"
two_sites_start || fail "the two sites do not start: $reply"
wait_for 20 up || fail "sessions do not come up"
wait_for 20 reaches || fail "the hosts do not reach each other"
replayed=$(dropped tunnel_replayed) forged=$(dropped tunnel_not_authentic)
"$ctl" lab link set s1/internet --name "$prefix" --up duplicate=10% reorder=5% >/dev/null

mkfifo "$work/stop"
spawn s2-corp python3 "$PWD/tests/bench/udp_pair.py" receive 9000 >"$work/received" &
receiver=$!
wait_for 10 grep -q ready "$work/received" || fail "the receiver does not start"
spawn s1-corp python3 "$PWD/tests/bench/udp_pair.py" send 10.2.0.10 9000 1 <"$work/stop" >/dev/null &
sender=$!
exec 7>"$work/stop"
enough() { [[ $(duplicated) -ge 200 ]]; }
wait_for 30 enough || fail "the relay does not duplicate"
loss=$(loss_ppm)
exec 7>&-
wait "$sender" || true
sender=
wait_for 10 reaches || fail "the hosts do not reach each other any more" # what was on its way has arrived
kill "$receiver"
wait "$receiver" || true
receiver=
copies=$(duplicated) refused=$(($(dropped tunnel_replayed) - replayed))
[[ $((refused * 2)) -ge $copies && $refused -le $copies ]] || fail "$refused packets refused as replayed, $copies were duplicated"
[[ $(dropped tunnel_not_authentic) = "$forged" ]] || fail "a duplicate does not open: it was changed"
pass "$copies copies on the line (liveness has its share), $refused of sealed packets, all refused as replayed"
# a line a packet: number, sent, received
read -r got twice late <<<"$(awk 'NF == 3 { n++; if (seen[$1]++) twice++; if ($1 < highest) late++; else highest = $1 }
    END { print n + 0, twice + 0, late + 0 }' "$work/received")"
[[ $twice = 0 ]] || fail "a host got $twice copies"
[[ $late -gt 0 ]] || fail "nothing was reordered"
pass "$got packets, $late overtaken and delivered; no host gets a copy"
# Counted as lost, the overtaken ones would be 5 %.
[[ $loss -lt 25000 ]] || fail "$loss ppm are said to be lost"
pass "what is overtaken is not lost ($loss ppm measured)"
echo "passed"
