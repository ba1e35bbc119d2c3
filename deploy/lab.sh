# shellcheck shell=bash
# Functions that bring up a cluster in a lab: what deploy/quickstart, tests/net and tests/bench share. Source it after
#
#   LAB=name TOPOLOGY=--sites3|--b4|FILE BUILD=build/dev
#
# Everything lives in network namespaces and below /run/patronus/lab/$LAB; lab_down removes all of it.
set -euo pipefail

: "${LAB:=pt}" "${TOPOLOGY:=--sites3}" "${BUILD:=build/release}"
BUILD=$(realpath "$BUILD")
CTL=$BUILD/bin/patronusctl
DAEMON=$BUILD/bin/patronusd
RUN=/run/patronus/lab/$LAB
NODES=$RUN/nodes
STATE=$RUN/nodes/.state
ORG=${ORG:-organizations/demo}
PORTS_API=7400
LAB_UP_FLAGS=()

lab_say() { printf '%s\n' "$*"; }
lab_fail() { printf 'error: %s\n' "$*" >&2; return 1; }

# Repeat a command until it succeeds: wait_for SECONDS WHAT COMMAND...
wait_for() {
    local limit=$1 what=$2 end=$((SECONDS + $1))
    shift 2
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $end ] || { lab_fail "after $limit s: $what"; return 1; }
        sleep 0.05
    done
}

lab() { "$CTL" lab "$1" --name "$LAB" "${@:2}"; }
in_node() { "$CTL" lab exec --name "$LAB" "$@"; }

# One value of the lab's description: facts EXPRESSION, with d the parsed export.
facts() { python3 -c 'import json,sys; d=json.load(open(sys.argv[1])); print(eval(sys.argv[2]))' "$STATE/export.json" "$1"; }
controllers() { facts '" ".join(n["name"] for n in d["nodes"] if n["role"]=="controller")'; }
sites() { facts '" ".join(n["name"] for n in d["nodes"] if n["role"]=="site")'; }
address_of() { facts "[n['links'][0]['address'].split('/')[0] for n in d['nodes'] if n['name']=='$1'][0]"; }
servers() { facts "','.join(n['links'][0]['address'].split('/')[0]+':$PORTS_API' for n in d['nodes'] if n['role']=='controller')"; }

# The CLI, run where an administrator would be: at the first controller still up, or at node $CTL_AT.
ctl() { in_node "${CTL_AT:-c1}" "$CTL" --server "$SERVERS" --credential "$STATE/admin.pem" "$@"; }

lab_up() {
    lab up "$TOPOLOGY" "${LAB_UP_FLAGS[@]}"
    mkdir -p "$STATE"
    lab export --json >"$STATE/export.json"
    SERVERS=$(servers)
}

# start NODE ARGS...: run patronusd there as a daemon of the lab.
start_node() {
    local node=$1
    shift
    mkdir -p "$NODES/$node"
    lab start "$node" -- "$DAEMON" "$@" --data "$NODES/$node/data" --seal-key "$STATE/$node.seal" --pin "$NODES/$node/bpf/pin"
}
restart_node() { start_node "$1" run; }
stop_node() { lab stop "$1" "${@:2}"; }

# Every answer of `cluster status`, as d; prints what the expression gives.
status_of() {
    ctl cluster status -o json | python3 -c 'import json,sys; d=[c.get("status",{}) for c in json.load(sys.stdin)["controllers"]]; print(eval(sys.argv[1]))' "$1"
}
is_voter() { [ "$(status_of "any(m['name']=='controllers/$1' and m['role']=='voter' for s in d for m in s.get('controllers',[]))")" = True ]; }
leader() { status_of 'next(s["leader"] for s in d if s.get("leader")).split("/")[1]'; }

cluster_up() {
    local first rest node token
    # shellcheck disable=SC2046
    set -- $(controllers)
    first=$1
    shift
    rest=$*
    start_node "$first" init --id "$first" --address "$(address_of "$first")" --admin-file "$STATE/admin.pem"
    wait_for 20 "the first controller does not answer; see $NODES/$first" ctl cluster status
    for node in $rest; do
        token=$(ctl tokens create --role voter)
        start_node "$node" join "$token" --id "$node" --address "$(address_of "$node")"
        wait_for 30 "$node does not become a voter" is_voter "$node"
    done
}

# Sample resources for every site of the lab, as JSON documents.
sample_config() {
    python3 - "$STATE/export.json" "$ORG" <<'PY'
import json
import sys

lab = json.load(open(sys.argv[1]))
org = sys.argv[2]
out = [{"kind": "Organization", "name": org, "displayName": "Demo", "tier": "ENTERPRISE"},
       {"kind": "Fabric", "name": f"{org}/fabrics/main", "topology": "FULL_MESH", "maxTransitSites": 5}]
for segment in lab["segments"]:
    out.append({"kind": "Segment", "name": f"{org}/segments/{segment}", "fabric": f"{org}/fabrics/main"})
out.append({"kind": "SlaProfile", "name": f"{org}/slaProfiles/voice", "maxLossPpm": 10000, "maxLatencyUs": 150000})
out.append({"kind": "Application", "name": f"{org}/applications/voice", "displayName": "Voice",
            "matches": [{"protocol": 17, "ports": [{"first": 16384, "last": 32767}], "dscps": [46]}]})
for node in lab["nodes"]:
    if node["role"] != "site":
        continue
    site = f"{org}/sites/{node['name']}"
    out.append({"kind": "Site", "name": site, "location": node["name"]})
    lans = [{"interface": lan["interface"], "segment": f"{org}/segments/{lan['segment']}",
             "prefixes": [p for p in (lan.get("prefix"), lan.get("prefix6")) if p]} for lan in node["lans"]]
    out.append({"kind": "Edge", "name": f"{site}/edges/e1", "roles": ["BRANCH"], "lanInterfaces": lans})
    for link in node["links"]:
        item = {"kind": "Link", "name": f"{site}/links/{link['name']}", "edge": f"{site}/edges/e1",
                "interface": link["interface"], "address": link["address"].split("/")[0],
                "gateway": link["gateway"], "underlay": link["underlay"]}
        if link.get("transport"):
            item["transport"] = link["transport"].upper()
        if link.get("capacity_bps"):
            item["capacityUpBps"] = str(link["capacity_bps"])
            item["capacityDownBps"] = str(link["capacity_bps"])
        out.append(item)
out.append({"kind": "SteeringPolicy", "name": f"{org}/steeringPolicies/voice", "segment": f"{org}/segments/{lab['segments'][0]}",
            "priority": 100, "rules": [{"applications": [f"{org}/applications/voice"], "preference": "PREFER",
                                        "slaProfile": f"{org}/slaProfiles/voice"}]})
json.dump(out, sys.stdout, indent=1)
PY
}

join_site() {
    local token
    token=$(ctl tokens create --role edge --edge "$ORG/sites/$1/edges/e1")
    start_node "$1" join "$token"
}

edges_up() {
    local node
    for node in $(sites); do
        join_site "$node"
    done
}

# The host of a site in a segment, and its address: host_of SITE SEGMENT, host_address SITE SEGMENT [6]
host_fact() { facts "[l['host']['$3'] for n in d['nodes'] if n['name']=='$1' for l in n['lans'] if l['segment']=='$2'][0]"; }
host_of() { host_fact "$1" "$2" node; }
host_address() {
    if [ "${3:-4}" = 6 ]; then
        host_fact "$1" "$2" address6
    else
        host_fact "$1" "$2" address
    fi
}

# ping_sites FROM TO SEGMENT [6] [ping flags]: one host to another
ping_sites() {
    local from=$1 to=$2 segment=$3 family=${4:-4}
    shift $(($# < 4 ? $# : 4))
    in_node "$(host_of "$from" "$segment")" ping "-$family" -c 1 -W 1 "$@" "$(host_address "$to" "$segment" "$family")"
}

lab_down() {
    "$CTL" lab down --name "$LAB" >/dev/null 2>&1 || true
    rm -rf "$STATE"
}
