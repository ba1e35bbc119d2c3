#!/bin/bash
# patronusctl, every verb, against a real controller on loopback.
#
#   patronusctl --TLS--> patronusd (one voter, 127.0.0.N)      no root, no namespace, nothing outside of a temporary folder
#
# Usage: tests/e2e/cli.sh [BIN]   the folder of patronusctl and patronusd; else $PT_BUILD_DIR/bin, else the newest build.
# Exit code: 0 passed, 1 failed, 77 skipped with the reason.
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
bin=${1:-${PT_BUILD_DIR:+$PT_BUILD_DIR/bin}}
if [ -z "$bin" ]; then
    # shellcheck disable=SC2012 # build folders have plain names
    bin=$(dirname "$(ls -t "$root"/build/*/bin/patronusd 2>/dev/null | head -1)")
fi
ctl=${PT_CTL:-$bin/patronusctl}
daemon=${PT_DAEMON:-$bin/patronusd}
if [ ! -x "$ctl" ] || [ ! -x "$daemon" ]; then
    echo "SKIP: there is no patronusctl and patronusd; build them first"
    exit 77
fi

work=$(mktemp -d)
address=127.0.$((1 + $$ / 250 % 250)).$((1 + $$ % 250)) # of our own: tests may run side by side
port=17400
export PATRONUS_CONFIG=$work/config.json
passed=0
daemon_pid=
watch_pid=
get_pid=
cleanup() {
    for pid in $watch_pid $get_pid $daemon_pid; do
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    rm -rf "$work"
}
trap cleanup EXIT
fail() {
    echo "FAIL: $*" >&2
    echo "--- standard output" >&2
    tail -20 "$work/out" >&2 || true
    echo "--- standard error" >&2
    tail -20 "$work/err" >&2 || true
    echo "--- the controller" >&2
    tail -5 "$work/daemon.log" >&2 || true
    exit 1
}
pass() {
    passed=$((passed + 1))
    echo "ok: $*"
}
# Run the program and expect an exit code; output goes to $work/out and $work/err.
expect() {
    local want=$1 got=0
    shift
    timeout 60 "$ctl" "$@" >"$work/out" 2>"$work/err" </dev/null || got=$?
    [ "$got" = "$want" ] || fail "exit code $got, not $want: patronusctl $*"
}
out_has() { grep -qF -- "$1" "$work/out" || fail "standard output lacks '$1'"; }
out_lacks() { ! grep -qF -- "$1" "$work/out" || fail "standard output has '$1'"; }
err_has() { grep -qF -- "$1" "$work/err" || fail "standard error lacks '$1'"; }
# Wait for a condition, at most 20 s.
until_true() {
    for _ in $(seq 200); do
        if "$@" 2>/dev/null; then
            return 0
        fi
        sleep 0.1 # between two looks at a condition
    done
    fail "waited for: $*"
}
start() {
    "$daemon" "$@" --data "$work/data" --seal-key "$work/seal/key" --admin-file "$work/admin.pem" \
        --address "$address" --api-port "$port" --peer-port $((port + 1)) --agent-port $((port + 2)) \
        >>"$work/daemon.log" 2>&1 &
    daemon_pid=$!
}

# ---- without a cluster
expect 0 --help
out_has "Exit codes"
expect 2
for verb in get list create update delete edit apply confirm rollback history diff restore wait watch explain kinds tokens call contexts cluster doctor completion man version; do
    expect 0 "$verb" --help
    out_has "Usage: patronusctl $verb"
done
expect 0 kinds
out_has steeringPolicy
expect 0 explain link.capacity_up_bps
out_has bit/s
expect 0 version
expect 0 completion bash
bash -n "$work/out" || fail "the completion script is not bash"
expect 2 get sitez
err_has "did you mean 'sites'"
expect 2 get sites --force
expect 2 nonsense
expect 2 create tunnel x -p acme
pass "help, kinds, explain, completion and wrong usage"

# ---- classify: a capture of one HTTP request; the same, cut within its last packet ----------------------------------------
python3 - "$work/good.pcap" "$work/cut.pcap" <<'EOF'
import struct
import sys

CLIENT, SERVER = (bytes([10, 0, 0, 1]), 40000), (bytes([10, 0, 0, 2]), 8080)


def record(seconds: int, source: tuple[bytes, int], to: tuple[bytes, int], flags: int, text: bytes) -> bytes:
    tcp = struct.pack(">HHIIBBHHH", source[1], to[1], 1, 1, 5 << 4, flags, 8192, 0, 0) + text
    ip = struct.pack(">BBHIBBH", 0x45, 0, 20 + len(tcp), 0x4000, 64, 6, 0) + source[0] + to[0] + tcp
    frame = bytes(12) + b"\x08\0" + ip
    return struct.pack("<IIII", seconds, 0, len(frame), len(frame)) + frame


request = b"GET / HTTP/1.1\r\nHost: www.example.test\r\nUser-Agent: test\r\n\r\n"
capture = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
capture += record(1, CLIENT, SERVER, 2, b"") + record(1, SERVER, CLIENT, 18, b"") + record(1, CLIENT, SERVER, 16, request)
for name, data in zip(sys.argv[1:], (capture, capture[:-9]), strict=True):
    with open(name, "wb") as file:
        file.write(data)
EOF
expect 0 classify "$work/good.pcap"
out_has "10.0.0.1:40000 -> 10.0.0.2:8080  http  http-host 95%  3 packets  www.example.test"
expect 0 classify "$work/good.pcap" -o json
python3 -c 'import json, sys; [flow] = json.load(sys.stdin); assert (flow["signature"], flow["knownAfter"]) == ("http", 3), flow' \
    <"$work/out" || fail "classify -o json"
expect 1 classify "$work/cut.pcap"
err_has "packet 3, byte 164: "
err_has "the file was cut short"
[ ! -s "$work/out" ] || fail "classify: an answer beside the error"
expect 1 classify "$work/nothing.pcap"
err_has "nothing.pcap: No such file"
expect 2 classify
pass "classify"

# ---- te solve: a file that is wrong is refused with the place; no answer is written ------------------------------------
# te NAME LINE...: a file; wrong CODE PLACE: solving it ends with the code and names the place
te() { printf '%s\n' "${@:2}" >"$work/$1.te"; }
wrong() {
    expect "$1" te solve "$work/$2.te" --flows "$work/$2.flows" -o json
    err_has "$3"
    [ ! -s "$work/out" ] || fail "$2: an answer beside the error"
}
te disconnected "3 1 1" "0 1 10" "0 2 1"
te zero "2 1 1" "0 1 0" "0 1 1"
te negative "2 1 1" "0 1 10" "0 1 -1"
te nan "2 1 1" "0 1 10" "0 1 nan"
te unknown "2 1 1" "0 1 10" "0 nyc 1"
te beyond "2 1 1" "0 1 10" "0 2 1"
te half "3 4 2" "0 1 10" "1 2 10" "2 1 1"
printf '4 4 2\n0 1 10\n1 2 1' >"$work/cut.te"
te many "2 1 1048577" "0 1 10"
wrong 1 disconnected "line 3: no path leads from node 0 to node 2"
wrong 1 zero "line 2, field 3"
wrong 1 negative "line 3, field 3"
wrong 1 nan "line 3, field 3"
wrong 1 unknown "line 3, field 2"
wrong 1 beyond "line 3, field 2"
wrong 1 half "it was cut off"
wrong 1 cut "it was cut off"
wrong 1 many "line 1, field 3"
# a graph alone: each objective says that demands are missing, and where they would stand
{ echo "# a comment"; cat "$root/tests/data/te/UsCarrier.topo"; } >"$work/graph.te"
for objective in mlu maxmin maxflow mindelay; do
    for paths in disjoint4 free; do
        expect 1 te solve "$work/graph.te" --objective $objective --paths $paths --flows "$work/graph.flows" -o json
        err_has "graph.te: line 2, field 3: the file has no demands"
        err_has "for each one behind the links"
        [ ! -s "$work/out" ] || fail "no demands, $objective: an answer beside the error"
        [ ! -e "$work/graph.flows" ] || fail "no demands, $objective: flows beside the error"
    done
done
expect 1 te solve "$work/nowhere.te"
err_has nowhere.te
te nothing "# a comment"
wrong 1 nothing "line 2: the file ends here: write the numbers of nodes"
# where the answer cannot go is said before the solve, and nothing stays there
expect 1 te solve "$root/tests/data/te/B4.te" --flows "$work/no/such/folder"
err_has "--flows $work/no/such/folder: the flows cannot be written: No such file"
expect 1 te solve "$root/tests/data/te/B4.te" --flows "$work"
err_has "--flows $work: the flows cannot be written: Is a directory"
[ ! -e "$work/disconnected.flows" ] || fail "a solve without an answer left its file"
te twice "2 1 2" "0 1 10" "0 1 1 class=1" "0 1 2 class=1"
te key "2 1 1" "0 1 10 delay=-1" "0 1 1"
wrong 1 twice "line 4: the demand from 0 to 1 stands on line 3 already"
wrong 1 key "line 2, field 4"
# classes in their order, what else is known of links, and an explanation that a program can read
te classes "4 4 3" "0 1 100 delay=5 srlgs=7" "1 3 100 delay=5" "0 2 40 delay=2 labels=3" "2 3 40 delay=2 labels=3" "0 3 60 class=4" "0 3 100 class=0" "0 1 5"
expect 0 te solve "$work/classes.te" --objective maxflow --explain 0,3 -o json
[ "$(python3 -c '
import json, sys
answer = json.load(sys.stdin)
carried = {d["class"]: round(sum(p["rate"] for p in d["paths"])) for d in answer["demands"]}
print(carried[0], carried[4], round(answer["value"]), answer["gap"] <= 0.01, answer["prices"][0]["price"] > 0)' <"$work/out")" = "100 35 140 True True" ] ||
    fail "te solve, classes: $(cat "$work/out")"
for rule in "--exclude-labels 3" "--max-delay 5" "--weight delay"; do
    # shellcheck disable=SC2086 # two words
    expect 0 te solve "$work/classes.te" --objective maxflow --paths disjoint1 $rule --flows "$work/classes.flows"
    grep -Ev ' 0 1$' "$work/classes.flows" | awk '{ print $3 }' | sort -u >>"$work/middles"
done
[ "$(paste -sd ' ' "$work/middles")" = "1 2 2" ] || fail "te solve, rules of paths: $(cat "$work/middles")"
expect 2 te solve "$work/classes.te" --paths free --max-delay 4
err_has "--paths"
# any path: the shortest way, over 1 and 2, stands in the way of both others, so that disjoint paths are one; delay within
# a bound that a single path cannot keep, fair rates of two classes proved over the whole graph
trap_links=("0 1 10" "1 2 10" "2 3 10" "1 4 10" "4 5 10" "5 3 10" "0 6 10" "6 7 10" "7 2 10")
te trap "8 9 1" "${trap_links[@]}" "0 3 24"
te classes2 "8 9 2" "${trap_links[@]}" "0 3 12 class=1" "0 3 12 class=0"
for words in "trap mlu 1 1.2 24" "trap maxflow 1 20 20" "trap mindelay 1.3 94 24" "trap maxmin 1 20 20" "classes2 maxmin 1 12 20" "classes2 mlu 1 1.2 24"; do
    read -r file objective utilisation value carried <<<"$words"
    expect 0 te solve "$work/$file.te" --objective "$objective" --utilisation "$utilisation" --paths free -o json --flows "$work/trap.flows"
    python3 -c '
import json, sys
value, carried = map(float, sys.argv[2:])
answer, rates = json.load(open(sys.argv[1])), [float(line.split()[0]) for line in sys.stdin]
right = abs(answer["value"] / value - 1) < 0.011 and answer["gap"] <= 0.01 and answer.get("level_gap", 0) < 1e-4
sys.exit(not right or answer.get("unproved", 0) != 0 or abs(sum(rates) - carried) > 0.01 * carried)' \
        "$work/out" "$value" "$carried" <"$work/trap.flows" || fail "te solve, any path: $(cat "$work/out" "$work/trap.flows")"
done
expect 1 te solve "$work/trap.te" --objective mindelay --utilisation 1.3
err_has "--utilisation: no answer keeps"
expect 1 te solve "$work/trap.te" --objective mindelay --utilisation 1.19 --paths free
err_has "over any path"
if "$ctl" te solve "$work/trap.te" >/dev/full 2>"$work/err"; then fail "te solve: an answer that was not written"; fi
err_has "cannot be written"
expect 1 te solve "$work/classes.te" --explain 3,0 -o json
err_has "--explain"
[ ! -s "$work/out" ] || fail "--explain: an answer beside the error"
for words in "--objective best" "--paths disjoint0" "--paths disjoint17" "--gap 0" "--gap nan" "--utilisation -1" "--time 0" "--threads 0"; do
    # shellcheck disable=SC2086 # two words
    expect 2 te solve "$work/zero.te" $words
    err_has "${words%% *}"
done
awk 'BEGIN { n = 1001; print n, 2 * (n - 1), n * (n - 1); for (i = 1; i < n; i++) { print 0, i, 1e6; print i, 0, 1e6 }
    for (i = 0; i < n; i++) for (j = 0; j < n; j++) if (i != j) print i, j, 1 }' >"$work/million.te"
expect 0 te solve "$work/million.te" --paths disjoint1 -o json
out_has '"gap": '
pass "te solve: wrong files and flags, a million demands"

start init
export PATRONUS_SERVER=$address:$port PATRONUS_CREDENTIAL=$work/admin.pem PATRONUS_PARENT=
unset PATRONUS_PARENT
until_true test -s "$work/admin.pem"
until_true sh -c "'$ctl' cluster status >/dev/null"
expect 0 -t 20s cluster status
out_has "1 of 1 controllers reachable, leader c1"
expect 0 cluster status -o json
out_has '"reachable":true'
pass "cluster status"

# ---- one resource at a time
"$ctl" watch organizations sites >"$work/watch.all" 2>&1 &
watch_pid=$!
# The stream is open once it has seen a change of ours.
# shellcheck disable=SC2016  # the inner shell expands its own arguments
until_true bash -c '"$0" create organization "canary$RANDOM$RANDOM" >/dev/null; grep -q canary "$1"' "$ctl" "$work/watch.all"
expect 0 create organization acme tier=enterprise
expect 1 create organization acme
err_has RESOURCE_EXISTS
expect 0 -p acme create site nyc region=us-east labels.tier=gold labels.x=y
expect 1 -p acme create site lon region=NOT-AN-ID
err_has "region:"
expect 3 -p nowhere create site lon
err_has PARENT_NOT_FOUND
expect 0 -p acme create site lon --dry-run
out_has "(dry run)"
expect 3 -p acme get sites/lon
pass "create, refusals, dry run"

expect 0 -p acme update sites/nyc admin_state=drained labels.tier= location="New York"
expect 0 -p acme get sites/nyc -o json
out_has '"kind": "Site"'
out_has '"adminState": "DRAINED"'
out_has '"location": "New York"'
out_has '"region": "us-east"'
out_lacks gold
etag=$(sed -n 's/.*"etag": "\(.*\)",/\1/p' "$work/out")
expect 1 -p acme update site nyc region=eu --etag 0000
err_has ETAG_MISMATCH
expect 0 -p acme update site nyc region=eu --etag "$etag"
expect 0 -p acme update sites/nyc region=
expect 0 -p acme get sites/nyc -o json
out_lacks '"region"'
expect 3 -p acme update sites/lon region=eu
expect 0 -p acme update sites/lon region=eu --allow-missing
pass "update: mask, clearing, etag, allow-missing"

expect 0 -p acme list sites --filter 'region = "eu"' -o name
[ "$(cat "$work/out")" = organizations/acme/sites/lon ] || fail "the filter chose something else"
expect 0 list sites --page-size 1 --order-by "name desc" -o name
[ "$(head -1 "$work/out")" = organizations/acme/sites/nyc ] || fail "the order is not descending"
[ "$(wc -l <"$work/out")" = 2 ] || fail "pages were lost"
expect 0 -p acme list sites --stale
out_has "sites/nyc"
expect 1 list sites --filter 'nope = 1'
err_has FILTER_INVALID
expect 0 -p acme get sites
head -1 "$work/out" | grep -q '^NAME  *REGION  *ADMIN_STATE  *SITE_LABEL  *AGE$' || fail "the table's head is wrong"
pass "list: filter, order, pages, stale, table"

expect 3 -p acme delete sites/tokyo
expect 0 -p acme delete sites/tokyo --allow-missing
expect 0 -p acme delete site lon
expect 1 delete organizations/acme
err_has "--force"
pass "delete"

until_true sh -c "[ \$(grep -vc canary '$work/watch.all') -ge 7 ]"
kill "$watch_pid"
wait "$watch_pid" || true # ended by us
watch_pid=
grep -v canary "$work/watch.all" >"$work/watch"
[ "$(grep -c . "$work/watch")" = 7 ] || fail "watch printed other than 7 events: $(cat "$work/watch")"
sed -n 1p "$work/watch" | grep -q '^ADDED .*organizations/acme ' || fail "watch lacks the create"
sed -n 7p "$work/watch" | grep -q '^DELETED .*sites/lon' || fail "watch lacks the delete: $(cat "$work/watch")"
pass "watch: each change once, in order"

# ---- apply
mkdir "$work/apply"
cat >"$work/apply/links.json" <<'JSON'
[
  {"kind": "Link", "name": "organizations/acme/sites/nyc/links/inet0", "edge": "e1", "interface": "wan0",
   "address": "192.0.2.2", "underlay": "internet", "capacityUpBps": 100000000},
  {"kind": "Edge", "name": "organizations/acme/sites/nyc/edges/e1",
   "lanInterfaces": [{"interface": "lan0", "segment": "corp", "prefixes": ["10.1.0.0/24"]}]}
]
JSON
cat >"$work/apply/net.json" <<'JSON'
{"items": [
  {"kind": "Segment", "name": "organizations/acme/segments/corp", "fabric": "wan"},
  {"kind": "Fabric", "name": "organizations/acme/fabrics/wan"}
]}
JSON
echo '{"kind": "Site", "name": "organizations/acme/sites/nyc", "region": "us"}' >"$work/apply/site.json"
expect 0 apply -f "$work/apply" --dry-run
out_has "4 created, 1 configured, 0 unchanged, 0 failed (dry run"
expect 3 get organizations/acme/fabrics/wan
expect 0 apply -f "$work/apply"
out_has "4 created, 1 configured, 0 unchanged, 0 failed"
expect 0 apply -f "$work/apply"
out_has "0 created, 0 configured, 5 unchanged, 0 failed"
expect 0 -p acme get sites/nyc -o json
out_has '"location": "New York"' # not named by the file: stays
expect 0 list links -o json
cp "$work/out" "$work/links.json"
expect 0 apply -f "$work/links.json"
out_has "0 created, 0 configured, 1 unchanged, 0 failed"
sed -i 's/"internet"/"Not An Id"/' "$work/links.json"
expect 1 apply -f "$work/links.json"
err_has underlay
err_has "line"
echo '{"kind": "Site", "name": "organizations/acme/sites/nyc", "regio": 1}' >"$work/bad.json"
expect 2 apply -f "$work/bad.json"
err_has "bad.json, line 1"
cat >"$work/needs.json" <<'JSON'
{"kind": "Site", "name": "organizations/acme/sites/bad", "region": "NOT AN ID"}
{"kind": "Edge", "name": "organizations/acme/sites/bad/edges/e1"}
{"kind": "Site", "name": "organizations/acme/sites/good"}
JSON
expect 1 apply -f "$work/needs.json"
out_has "1 created, 0 configured, 0 unchanged, 2 failed"
err_has "skipped organizations/acme/sites/bad/edges/e1: it needs organizations/acme/sites/bad"
pass "apply: order, dry run, unchanged, round trip, failures"

# ---- YAML, JSONPath, edit, wait, call, contexts, pruning
expect 0 -p acme get sites/nyc -o yaml
out_has 'kind: Site'
out_has 'location: New York'
cp "$work/out" "$work/nyc.yaml"
expect 0 -p acme apply -f "$work/nyc.yaml"
out_has "0 created, 0 configured, 1 unchanged"
expect 0 get sites -o 'jsonpath={range .items[*]}{.name}={.admin_state}{"\n"}{end}'
out_has "organizations/acme/sites/nyc=DRAINED"
expect 2 get sites -o 'jsonpath={.items[}'
err_has "character 9"
expect 0 cluster status -o 'jsonpath={.controllers[*].reachable}'
[ "$(cat "$work/out")" = true ] || fail "cluster status as JSONPath"
printf 'kind: Site\nname: organizations/acme/sites/nyc\nlabels:\n  tier: [gold]\n' >"$work/bad.yaml"
expect 2 apply -f "$work/bad.yaml"
err_has "bad.yaml, line 4"
pass "YAML and JSONPath"

export PATRONUS_EDITOR="sed -i 's/^region: us/region: eu/'"
expect 0 -p acme edit site nyc
out_has "updated organizations/acme/sites/nyc"
expect 0 -p acme edit site nyc
out_has "unchanged"
export PATRONUS_EDITOR="sed -i '/^location:/d'" # a field that is removed is cleared
expect 0 -p acme edit sites/nyc
expect 0 -p acme get sites/nyc -o yaml
out_lacks location
cat >"$work/editor" <<SH
#!/bin/sh
# Refused at first, mended when the reason is seen.
if grep -q '^#   region' "\$1"; then sed -i 's/^region: .*/region: us/' "\$1"; else sed -i 's/^region: .*/region: NOT AN ID/' "\$1"; fi
SH
chmod +x "$work/editor"
export PATRONUS_EDITOR="$work/editor"
expect 0 -p acme edit sites/nyc
expect 0 -p acme get sites/nyc -o 'jsonpath={.region}'
[ "$(cat "$work/out")" = us ] || fail "the mended edit was not taken"
export PATRONUS_EDITOR="sed -i 's/^region: .*/regio: x/'" TMPDIR=$work
expect 1 -p acme edit sites/nyc # given up: the second round changes nothing
kept=$(sed -n 's/.*what you wrote stays in //p' "$work/err")
grep -q '^regio: x' "$kept" || fail "what was written is lost"
export PATRONUS_EDITOR="'$ctl' -p acme update sites/nyc region=other >/dev/null; sed -i 's/^region: .*/region: mine/'"
expect 1 -p acme edit sites/nyc
err_has ETAG_MISMATCH
export PATRONUS_EDITOR=false
expect 1 -p acme edit sites/nyc
unset PATRONUS_EDITOR TMPDIR
pass "edit: changed, unchanged, cleared, refused and mended, given up, changed meanwhile"

expect 0 -p acme wait site nyc --for region=OTHER
expect 1 -p acme wait site nyc --for region=nowhere -t 1s
err_has "region is other, not nowhere"
expect 1 -p acme wait site soon --for exists -t 1s
err_has "it is not there"
expect 0 -p acme wait site soon --for deleted
expect 2 -p acme wait site nyc --for nothing=1
expect 0 -p acme wait sites/nyc/edges/e1 --for connected=false # measured: in no watch
expect 1 -p acme wait sites/nyc/edges/e1 --for connected=true -t 1s
err_has "connected is not set, not true"
expect 1 -p acme wait sites/nyc/edges/e1 --for condition=Ready -t 1s
"$ctl" -p acme wait site soon --for location=here -t 30s >"$work/wait" 2>&1 &
watch_pid=$!
"$ctl" -p acme get sites --watch >"$work/get" 2>&1 &
get_pid=$!
until_true grep -q '^sites/nyc' "$work/get"
expect 0 -p acme create site soon
expect 0 -p acme update sites/soon location=here
wait "$watch_pid" || fail "wait: $(cat "$work/wait")"
watch_pid=
until_true grep -q '^MODIFIED  *sites/soon' "$work/get"
kill "$get_pid"
wait "$get_pid" || true # ended by us
[ "$(grep -c 'sites/nyc' "$work/get")" = 1 ] || fail "get --watch showed what was there twice: $(cat "$work/get")"
expect 0 -p acme delete site soon
pass "wait, get --watch"

expect 0 call
out_has "SiteService.GetSite"
expect 0 call GetSite '{"name": "organizations/acme/sites/nyc"}'
out_has '"region": "other"'
expect 0 call SiteService.UpdateSite 'site: {name: organizations/acme/sites/nyc, region: us}
updateMask: region'
expect 0 call /patronus.v1.WatchService/Watch '{"sendInitial": true}' --count 2 -o 'jsonpath={.type}'
[ "$(sort -u "$work/out")" = ADDED ] || fail "call of a stream"
expect 3 call GetSite '{"name": "organizations/acme/sites/nope"}'
expect 2 call GetSite '{"nome": ""}'
expect 2 call NoSuchMethod
pass "call"

expect 0 contexts list
expect 0 contexts add here -s "$address:$port" -c "$work/admin.pem" -p acme
expect 0 contexts add away -s "$address:1"
out_has "kept away"
expect 0 contexts list
out_has "here"
stat -c %a "$PATRONUS_CONFIG" | grep -qx 600 || fail "the file of contexts can be read by others"
(unset PATRONUS_SERVER PATRONUS_CREDENTIAL && expect 0 get site nyc)
(unset PATRONUS_SERVER PATRONUS_CREDENTIAL && expect 4 --context away -c "$work/admin.pem" -t 1s get sites)
expect 0 --context here -s "$address:$port" get site nyc
expect 0 contexts use away
expect 0 get sites # the environment wins over the one in use
expect 2 --context nope get sites
expect 0 contexts remove away
expect 0 contexts remove here
expect 3 contexts use here
expect 2 contexts add other --token x
pass "contexts"

mkdir "$work/owned"
for id in a b; do printf 'kind: Site\nname: sites/%s\n' $id >"$work/owned/$id.yaml"; done
printf 'kind: Edge\nname: sites/b/edges/e1\n' >"$work/owned/e.yml"
expect 0 -p acme apply -f "$work/owned" --owner branch --prune
out_has "3 created"
expect 0 -p acme get sites --filter 'labels.applied-by = "branch"' -o name
[ "$(wc -l <"$work/out")" = 2 ] || fail "the owner's label"
expect 1 -p acme apply -f "$work/owned" --owner other
err_has "belongs to 'branch'"
rm "$work/owned/b.yaml" "$work/owned/e.yml"
expect 2 -p acme apply -f "$work/owned" --owner branch --prune # nobody can be asked
err_has "--yes"
expect 0 -p acme apply -f "$work/owned" --owner branch --prune --dry-run
out_has "2 deleted, 0 failed (dry run)"
expect 0 -p acme get site b
expect 0 -p acme apply -f "$work/owned" --owner branch --prune --yes
out_has "2 deleted, 0 failed"
sed -n 's/^deleted //p' "$work/out" | head -1 | grep -q edges/e1 || fail "the child goes first"
expect 3 -p acme get site b
expect 0 -p acme get site nyc # not the owner's
expect 2 -p acme apply -f "$work/owned" --prune
expect 0 -p acme apply -f "$work/owned" --owner branch --prune
out_has "1 unchanged"
expect 0 -p acme delete site a
pass "apply --owner --prune"

expect 0 completion bash
cat >"$work/complete" <<'SH'
source "$1"
patronusctl() { "$CTL" "$@"; }
COMP_WORDS=(patronusctl -p acme get site n) COMP_CWORD=5
_patronusctl 2>/dev/null
echo "${COMPREPLY[*]}"
COMP_WORDS=(patronusctl update site nyc re) COMP_CWORD=4
_patronusctl 2>/dev/null
echo "${COMPREPLY[*]}"
COMP_WORDS=(patronusctl --output = ya) COMP_CWORD=3
_patronusctl 2>/dev/null
echo "${COMPREPLY[*]}"
SH
CTL=$ctl bash "$work/complete" "$work/out" >"$work/completed"
[ "$(sed -n 1p "$work/completed")" = nyc ] || fail "completion of names: $(cat "$work/completed")"
[ "$(sed -n 2p "$work/completed")" = region= ] || fail "completion of fields: $(cat "$work/completed")"
[ "$(sed -n 3p "$work/completed")" = yaml ] || fail "completion behind '=': $(cat "$work/completed")"
for shell in zsh fish; do
    expect 0 completion $shell
    command -v $shell >/dev/null || continue
    $shell -n "$work/out" || fail "the completion script is not $shell"
done
if command -v fish >/dev/null; then
    PATH=$(dirname "$ctl"):$PATH fish -c "source $work/out; complete -C 'patronusctl -p acme get site n'" >"$work/completed"
    grep -qx nyc "$work/completed" || fail "completion in fish: $(cat "$work/completed")"
fi
expect 0 man
grep -q '^\.TH PATRONUSCTL 1' "$work/out" || fail "the manual page"
pass "completion and man"

# ---- nodes
expect 0 -p acme tokens create --role edge --edge sites/nyc/edges/e1 --expires 5m
grep -q '^pt1\.[A-Za-z0-9_-]*$' "$work/out" || fail "that is no token"
expect 0 tokens create --role voter --id spare1
expect 0 get tokens
out_has spare1
expect 2 tokens create --role edge
expect 2 tokens create --role king
expect 2 tokens create --role voter --expires 2d
expect 0 doctor
out_has "edges/e1 never joined"
out_has "tokens create --role edge"
expect 0 doctor -o json
out_has '"severity":"warning"'
pass "tokens and doctor"

# ---- faults
expect 0 -s "$address:1,$address:$port" get organizations
expect 4 -s "$address:1" -t 1s get organizations
err_has "$address:1"
expect 1 -s "$address:1" -t 1s doctor
out_has "does not answer"
expect 1 -c "$work/nothing.pem" get organizations
err_has nothing.pem
"$daemon" init --no-start --data "$work/other" --seal-key "$work/other-seal/key" --admin-file "$work/other.pem" \
    --address "$address" >/dev/null 2>&1
expect 4 -c "$work/other.pem" -t 1s get organizations
pass "next server, no server, no credential, another cluster's credential"

# A watch outlives a restart of its server, and loses nothing.
"$ctl" watch sites --initial --count 4 -t 30s >"$work/watch" 2>"$work/watch.err" &
watch_pid=$!
until_true sh -c "[ \$(grep -c '^ADDED' '$work/watch') = 2 ]"
kill "$daemon_pid"
wait "$daemon_pid" || true
start run
expect 0 -t 30s -p acme update sites/nyc location=after
expect 0 -t 30s -p acme update sites/nyc location=after2
until_true sh -c "! kill -0 $watch_pid"
wait "$watch_pid" || fail "watch: $(cat "$work/watch.err")"
watch_pid=
[ "$(grep -c '^MODIFIED' "$work/watch")" = 2 ] || fail "watch: $(cat "$work/watch")"
grep -q "going on at" "$work/watch.err" || fail "watch did not notice the restart"
expect 0 get tokens -o name
# shellcheck disable=SC2046 # names hold no spaces
expect 0 delete $(cat "$work/out")
expect 0 delete organizations/acme --force
expect 0 get sites
err_has "nothing found"
pass "watch across a restart; delete --force"

echo "$passed passed"
