# shellcheck shell=bash
# Three real controllers on loopback, for the tests of clients. Source it after `set -euo pipefail`, then
#
#   cluster_start DIR PORT     # c1, c2, c3 at ports PORT+10*i; exports PATRONUS_SERVER and PATRONUS_CREDENTIAL
#   cluster_kill_leader        # SIGKILL; prints its id
#   cluster_revive             # start again what was killed
#   cluster_stop               # in a trap: ends all three and removes DIR
#
# Functions only; what they keep stands below DIR, so that a script they call can source this file and go on with
# `cluster_attach DIR`. Needs no root. PT_BUILD_DIR names the build, build/dev by default.

CLUSTER_BIN=$(realpath "${PT_BUILD_DIR:-$(dirname "${BASH_SOURCE[0]}")/../../build/dev}")/bin

# The Terraform provider into build/clients/provider, from the root of the tree. Another test may be running it meanwhile:
# the new one takes its place whole.
cluster_provider() {
    local draft
    mkdir -p build/clients/provider
    draft=$(mktemp -d build/clients/XXXXXX)
    (cd terraform && go build -o "../$draft/provider" .) || return 1
    mv -f "$draft/provider" build/clients/provider/terraform-provider-patronus
    rmdir "$draft"
}

cluster_ctl() { "$CLUSTER_BIN/patronusctl" "$@"; }

# cluster_daemon ID ARGS...: run patronusd as a process that outlives this shell's command.
cluster_daemon() {
    local id=$1
    shift
    "$CLUSTER_BIN/patronusd" "$@" --data "$CLUSTER_DIR/$id" --seal-key "$CLUSTER_DIR/$id.seal" \
        >>"$CLUSTER_DIR/$id.log" 2>&1 </dev/null &
    echo $! >"$CLUSTER_DIR/$id.pid"
    disown
}

cluster_until() { # SECONDS WHAT COMMAND...
    local end=$((SECONDS + $1)) what=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $end ] || { echo "cluster: $what" >&2; tail -n 5 "$CLUSTER_DIR"/*.log >&2; return 1; }
        sleep 0.05
    done
}

cluster_ports() { echo --address 127.0.0.1 --api-port "$1" --peer-port $(($1 + 1)) --agent-port $(($1 + 2)); }

cluster_attach() {
    CLUSTER_DIR=$1
    CLUSTER_PORT=$(cat "$CLUSTER_DIR/port")
    export PATRONUS_CREDENTIAL=$CLUSTER_DIR/admin.pem
    PATRONUS_SERVER=127.0.0.1:$CLUSTER_PORT,127.0.0.1:$((CLUSTER_PORT + 10)),127.0.0.1:$((CLUSTER_PORT + 20))
    export PATRONUS_SERVER
}

cluster_is_voter() {
    cluster_ctl cluster status -o json | python3 -c '
import json, sys
sys.exit(not any(m["name"] == "controllers/" + sys.argv[1] and m["role"] == "voter"
                 for c in json.load(sys.stdin)["controllers"] for m in c.get("status", {}).get("controllers", [])))' "$1"
}

cluster_start() {
    local id token port=$2
    mkdir -p "$1"
    echo "$2" >"$1/port"
    cluster_attach "$1"
    # shellcheck disable=SC2046
    cluster_daemon c1 init --id c1 --admin-file "$PATRONUS_CREDENTIAL" $(cluster_ports "$port")
    cluster_until 20 "the first controller does not answer" cluster_ctl cluster status
    for id in c2 c3; do
        port=$((port + 10))
        token=$(cluster_ctl tokens create --role voter)
        # shellcheck disable=SC2046
        cluster_daemon $id join "$token" --id $id $(cluster_ports $port)
        cluster_until 30 "$id does not become a voter" cluster_is_voter $id
    done
}

cluster_leader() {
    cluster_ctl cluster status -o json | python3 -c '
import json, sys
print(next(c["status"]["leader"] for c in json.load(sys.stdin)["controllers"] if c.get("status", {}).get("leader")).split("/")[1])'
}

# cluster_runs ID. A process that was killed is there until its parent has seen it end, and `kill -0` finds it: look whether it runs.
cluster_runs() {
    local pid
    pid=$(cat "$CLUSTER_DIR/$1.pid") && [ "$(sed -n 's/^State:[[:space:]]*//p' "/proc/$pid/status" 2>/dev/null | cut -c 1)" != Z ] &&
        [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = patronusd ]
}

cluster_is_dead() { ! cluster_runs "$1"; }

cluster_leader_runs() {
    local id
    id=$(cluster_leader) && cluster_runs "$id"
}

cluster_kill_leader() {
    local id
    # A follower may still name a leader that is dead: ask until it is one that runs.
    cluster_until 20 "nobody leads" cluster_leader_runs
    id=$(cluster_leader)
    kill -KILL "$(cat "$CLUSTER_DIR/$id.pid")"
    cluster_until 10 "$id does not die" cluster_is_dead "$id"
    echo "$id"
}

# cluster_answers ID: this one by itself, so it has heard the leader.
cluster_answers() { PATRONUS_SERVER=127.0.0.1:$((CLUSTER_PORT + 10 * (${1#c} - 1))) cluster_ctl cluster status; }

cluster_revive() {
    local id
    for id in c1 c2 c3; do
        cluster_runs $id || cluster_daemon $id run
    done
    cluster_until 20 "nobody leads" cluster_leader_runs
    # There are two leads without the third: who goes on must not meet one that is still starting.
    for id in c1 c2 c3; do
        cluster_until 20 "$id does not answer" cluster_answers $id
    done
}

cluster_stop() {
    local id pid
    [ -n "${CLUSTER_DIR:-}" ] || return 0 # ended before it was started
    for id in c1 c2 c3; do
        pid=$(cat "$CLUSTER_DIR/$id.pid" 2>/dev/null) || continue
        kill -KILL "$pid" 2>/dev/null || true
    done
    rm -rf "$CLUSTER_DIR"
}
