#!/bin/bash
# What goes wrong in the field, done to the real binary: each fault must end in a clear message and an exit code, and
# nothing that was acknowledged may be lost.
#
#   patronusctl --TLS--> patronusd (one voter, 127.0.0.N)      no namespace, nothing outside of a temporary folder;
#                                                              the full disk is a small tmpfs and wants root
#
# Usage: tests/e2e/faults.sh [BIN]   the folder of patronusctl and patronusd; else $PT_BUILD_DIR/bin, else the newest build.
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

faulty=$bin/../fault # libraries of tests/fault, where the build has them
work=$(mktemp -d)
address=127.0.$((1 + $$ / 250 % 250)).$((1 + $$ % 250)) # of our own: tests may run side by side
port=17500
passed=0
pids=()
mounted=
cleanup() {
    for pid in "${pids[@]}"; do
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    if [ -n "$mounted" ]; then
        umount "$mounted" 2>/dev/null || true
    fi
    rm -rf "$work"
}
trap cleanup EXIT
fail() {
    echo "FAIL: $*" >&2
    echo "--- standard error" >&2
    tail -5 "$work/err" >&2 || true
    echo "--- the controller" >&2
    tail -8 "$work/daemon.log" >&2 || true
    exit 1
}
pass() {
    passed=$((passed + 1))
    echo "ok: $*"
}
# The node's program with an expected exit code; it must say so within ten seconds.
refused() {
    local want=$1 got=0
    shift
    timeout 10 "$daemon" "$@" >"$work/out" 2>"$work/err" </dev/null || got=$?
    [ "$got" = "$want" ] || fail "exit code $got, not $want: patronusd $*"
}
err_has() { grep -qF -- "$1" "$work/err" || fail "standard error lacks '$1'"; }
err_is_short() { # a sentence for people, not a log
    [ "$(grep -c '^patronusd: ' "$work/err")" = 1 ] || fail "not one line from patronusd:"
}
until_true() {
    for _ in $(seq 200); do
        if "$@" 2>/dev/null; then
            return 0
        fi
        sleep 0.1 # between two looks at a condition
    done
    fail "waited for: $*"
}
flags=(--data "$work/data" --seal-key "$work/seal/key" --admin-file "$work/admin.pem" --address "$address"
    --api-port "$port" --peer-port "$((port + 1))" --agent-port "$((port + 2))")
start() { # [init|run] with the flags above; the pid in $started
    "$daemon" "$1" "${flags[@]}" >>"$work/daemon.log" 2>&1 &
    started=$!
    pids+=("$started")
}
stop() { # by pid; it must end by itself
    kill -TERM "$1" 2>/dev/null || true
    wait "$1" || fail "the node did not stop well: exit code $?"
}
create() { "$ctl" -t 20s create organization "$1" >"$work/out" 2>"$work/err"; }
exists() { "$ctl" -t 20s get organization "$1" >"$work/out" 2>"$work/err"; }
export PATRONUS_SERVER=$address:$port PATRONUS_CREDENTIAL=$work/admin.pem
export PATRONUS_PARENT=
unset PATRONUS_PARENT

# ---- configuration: the place and the reason, exit code 2
printf '# fine\ndata = %s\napi_prot = 1\n' "$work/data" >"$work/bad.conf"
refused 2 run --config "$work/bad.conf"
err_has "$work/bad.conf:3"
err_has "api_prot"
printf 'data = %s\n\napi_port = 70000\n' "$work/data" >"$work/bad.conf"
refused 2 run --config "$work/bad.conf"
err_has "$work/bad.conf:3"
err_has "65535"
printf 'no equals sign\n' >"$work/bad.conf"
refused 2 run --config "$work/bad.conf"
err_has "$work/bad.conf:1"
refused 1 run --config "$work/nowhere.conf"
err_has "$work/nowhere.conf"
refused 1 run --config "$work"
err_has "$work"
refused 2 run --config
err_has "--config"
refused 2 run --api-port
err_has "--api-port"
refused 2 run --nonsense 1
err_has "--nonsense"
refused 2 dance
err_has "dance"
PATRONUS_LOG_LEVEL=loud refused 2 run
err_has "PATRONUS_LOG_LEVEL"
err_is_short
pass "bad configuration is refused with its place"

# ---- no node, no address, a bad address, ports in use
refused 1 run "${flags[@]}"
err_has "init"
refused 2 init --data "$work/data" --seal-key "$work/seal/key" --admin-file "$work/admin.pem"
err_has "--address"
refused 2 init "${flags[@]}" --address controller.example.invalid
err_has "--address"
[ ! -e "$work/data/identity" ] || fail "a refused init left a node"
pass "run without a node, init without an address"

start init
first=$started
until_true test -s "$work/admin.pem"
until_true "$ctl" -t 20s cluster status >/dev/null
create before || fail "the first write"
pass "a node runs"

refused 1 run "${flags[@]}"
err_has "$work/data"
kill -0 "$first" || fail "the first node went away"
exists before || fail "the first node does not answer any more"
pass "a second node on the same data folder is refused, the first one goes on"

other=(--data "$work/other" --seal-key "$work/seal/other" --admin-file "$work/other.pem" --address "$address")
refused 1 init "${other[@]}" --api-port $port --peer-port $((port + 3)) --agent-port $((port + 4))
err_has "$address:$port"
err_has "in use"
refused 1 run "${other[@]}"
err_has "in use"
rm -rf "$work/other" "$work/seal/other" "$work/other.pem"
refused 1 init "${other[@]}" --api-port $((port + 5)) --peer-port $((port + 1)) --agent-port $((port + 4))
err_has "$address:$((port + 1))"
rm -rf "$work/other" "$work/seal/other" "$work/other.pem"
pass "a port in use is named"

refused 1 init "${flags[@]}" --admin-file "$work/second.pem"
err_has "$work/data"
[ ! -e "$work/second.pem" ] || fail "a refused init left a credential"
pass "init on a folder that holds a node is refused"

# ---- tokens and names
join=(--data "$work/edge" --pin "$work/pin" --no-start)
refused 1 join pt1.AAAA "${join[@]}"
err_has "token"
refused 1 join nonsense "${join[@]}"
err_has "token"
refused 2 join "${join[@]}"
err_has "join needs a token"
"$ctl" create site nyc -p before >/dev/null 2>"$work/err" || fail "create site"
"$ctl" create edge e1 -p before/nyc >/dev/null 2>"$work/err" ||
    "$ctl" create edge e1 -p organizations/before/sites/nyc >/dev/null 2>"$work/err" || fail "create edge"
token=$("$ctl" tokens create --role edge --edge organizations/before/sites/nyc/edges/e1 2>"$work/err" | grep -o 'pt1\.[A-Za-z0-9_-]*' | head -1)
[ -n "$token" ] || fail "no token"
refused 2 join - "${join[@]}" # nothing on standard input
err_has "standard input"
refused 1 join "@$work/nowhere" "${join[@]}"
err_has "$work/nowhere"
flipped=${token%?????}AAAAA
refused 1 join "$flipped" "${join[@]}" # forged: its end is another
err_has "token"
printf '%s\n' "$token" >"$work/token"
refused 0 join "@$work/token" "${join[@]}"
[ -s "$work/edge/identity" ] || fail "the edge did not join"
refused 1 join "$token" --data "$work/edge2" --pin "$work/pin" --no-start
err_has "another node has used this token"
err_has "patronusctl tokens create"
refused 1 join "$token" "${join[@]}"
err_has "already holds a node"
pass "tokens: garbage, reused, on a folder that holds a node"

got=0
timeout 20 "$ctl" -t 5s -s dead.name.invalid:7400 cluster status >"$work/out" 2>"$work/err" || got=$?
case $got in 0 | 124) fail "a dead DNS name: exit code $got" ;; esac
err_has "dead.name.invalid"
pass "a dead DNS name is named"

if [ "$(id -u)" != 0 ]; then
    refused 1 run --data "$work/edge" --pin "$work/pin"
    err_has "root"
    pass "an edge without root is refused"
elif command -v setpriv >/dev/null && chown -R 65534 "$work/edge" 2>/dev/null && chmod 755 "$work"; then
    got=0
    timeout 10 setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all --bounding-set=-all \
        "$daemon" run --data "$work/edge" --pin "$work/pin" >"$work/out" 2>"$work/err" </dev/null || got=$?
    [ "$got" = 1 ] || fail "an edge without root: exit code $got"
    grep -qiE 'root|CAP_|privilege|permi' "$work/err" || fail "standard error does not say that root is missing"
    pass "an edge without root is refused"
fi

if [ "$(id -u)" = 0 ] && [ -e "$faulty/libpt_no_bpf.so" ]; then
    LD_PRELOAD=$faulty/libpt_no_bpf.so refused 1 run --data "$work/edge" --pin "$work/pin"
    err_has "the kernel lacks"
    err_has "CONFIG_BPF_SYSCALL"
    pass "a kernel without bpf() is named, with what to do"
fi

# ---- the seal key
stop "$first"
mv "$work/seal/key" "$work/seal/gone"
refused 1 run "${flags[@]}"
err_has "$work/seal/key"
head -c 7 "$work/seal/gone" >"$work/seal/key"
refused 2 run "${flags[@]}"
err_has "$work/seal/key"
rm "$work/seal/key"
mkdir "$work/seal/key"
refused 1 run "${flags[@]}"
err_has "$work/seal/key"
rmdir "$work/seal/key"
mv "$work/seal/gone" "$work/seal/key"
pass "a seal key that is missing, short or no file is named"

# ---- damaged files
cp "$work/data/identity" "$work/identity"
printf 'nonsense\n' >>"$work/data/identity"
refused 2 run "${flags[@]}"
err_has "identity"
cp "$work/identity" "$work/data/identity"
pass "a damaged identity is named"

start run
first=$started
until_true exists before
pass "what was acknowledged is there after all this"

# ---- kill -9 in the middle of writes: every acknowledged one survives
: >"$work/acked"
(
    for i in $(seq 40); do
        if "$ctl" -t 3s create organization "k$i" >/dev/null 2>&1; then
            echo "k$i" >>"$work/acked"
        fi
    done
) &
writer=$!
ten_acked() { [ "$(wc -l <"$work/acked")" -ge 10 ]; }
until_true ten_acked
kill -9 "$first"
wait "$first" 2>/dev/null || true
kill "$writer" 2>/dev/null || true
wait "$writer" 2>/dev/null || true
start run
first=$started
until_true exists before
while read -r name; do
    exists "$name" || fail "$name was acknowledged and is lost"
done <"$work/acked"
pass "kill -9: $(wc -l <"$work/acked") acknowledged writes are there"
stop "$first"

# ---- a disk that fails: the node stops at once, names the file, and has acknowledged nothing that it may lose
if [ -e "$faulty/libpt_disk_fault.so" ]; then
    : >"$work/acked"
    head -c 16 /dev/zero >"$work/control"
    set_control() { # WORD VALUE; native words, and this is little-endian as the machines that we build for
        printf "%b" "$(printf '\\x%02x\\x%02x\\x00\\x00' $(($2 % 256)) $(($2 / 256)))" | dd of="$work/control" bs=4 seek="$1" conv=notrunc status=none
    }
    for nth in 1 3 10; do
        set_control 2 5 # EIO
        LD_PRELOAD=$faulty/libpt_disk_fault.so PT_FAULT_CONTROL=$work/control PT_FAULT_FOLDER=$work/data start run
        first=$started
        until_true exists before
        set_control 1 $nth # from now on, the nth call
        for i in $(seq 20); do
            if "$ctl" -t 2s create organization "e$nth-$i" >/dev/null 2>&1; then
                echo "e$nth-$i" >>"$work/acked"
            fi
            kill -0 "$first" 2>/dev/null || break
        done
        got=0
        wait "$first" || got=$?
        [ $got = 3 ] || fail "the node ended with exit code $got after call $nth failed"
        tail -n 1 "$work/daemon.log" | grep -q "stopped: .*$work/data.*nput/output error" || fail "the node does not name file and error"
    done
    start run
    first=$started
    until_true exists before
    while read -r name; do
        exists "$name" || fail "$name was acknowledged and is lost"
    done <"$work/acked"
    pass "EIO: the node stops and names the file; $(wc -l <"$work/acked") acknowledged writes are there"
    stop "$first"
fi

# ---- memory that is not there: the node goes on, or says so and stops; it never runs on with a wild pointer
if [ -e "$faulty/libpt_alloc_fault.so" ]; then
    nths=(7 300 2000 5000 9000 14000 20000 28000)
    [ "${PT_LONG:-0}" != 1 ] || mapfile -t nths < <(seq 1 97 40000)
    survived=0
    for nth in "${nths[@]}"; do
        LD_PRELOAD=$faulty/libpt_alloc_fault.so PT_ALLOC_NTH=$nth start run
        for _ in $(seq 100); do
            kill -0 "$started" 2>/dev/null || break
            ! "$ctl" -t 2s get organization before >/dev/null 2>&1 || break
        done
        kill -TERM "$started" 2>/dev/null || true
        got=0
        wait "$started" || got=$?
        case $got in
            0) survived=$((survived + 1)) ;;
            1 | 2 | 3 | 134) ;; # refused, stopped by itself, an assertion
            *) fail "exit code $got when allocation $nth failed" ;;
        esac
    done
    start run
    first=$started
    until_true exists before
    create "memory$$" || fail "a write after all that"
    stop "$first"
    pass "memory: allocation n of ${#nths[@]} failed, $survived times without harm; nothing is lost"
fi

# ---- a full disk
if [ "$(id -u)" = 0 ] && mkdir "$work/small" && mount -t tmpfs -o size=96m,mode=0700 tmpfs "$work/small" 2>/dev/null; then
    mounted=$work/small
    cp -a "$work/data" "$mounted/data"
    flags[1]=$mounted/data
    start run
    first=$started
    until_true exists before
    head -c 200m /dev/zero >"$mounted/ballast" 2>/dev/null || true # until nothing fits any more
    truncate -s -1M "$mounted/ballast"                              # but some writes
    : >"$work/acked"
    refusals=0
    ended=no
    label=$(head -c 3000 /dev/zero | tr '\0' x)
    for i in $(seq 3000); do
        if "$ctl" -t 5s create organization "f$i" "annotations.a=$label" >/dev/null 2>"$work/err"; then
            echo "f$i" >>"$work/acked"
        else
            refusals=$((refusals + 1))
            if ! kill -0 "$first" 2>/dev/null; then
                ended=yes
                break
            fi
            grep -qE 'disk is full|free space' "$work/err" || fail "a full disk is not what the answer names"
            [ $refusals -lt 3 ] || break
        fi
    done
    [ $refusals -gt 0 ] || fail "the disk never filled"
    if [ $ended = yes ]; then
        got=0
        wait "$first" || got=$?
        [ $got = 3 ] || fail "the node ended with exit code $got on a full disk"
        grep -qiE 'space|full' "$work/daemon.log" || fail "the log does not name the full disk"
    fi
    rm "$mounted/ballast"
    if [ $ended = yes ]; then
        start run
        first=$started
    fi
    until_true create after
    while read -r name; do
        exists "$name" || fail "$name was acknowledged before the disk was full and is lost"
    done <"$work/acked"
    exists before || fail "an old write is lost"
    pass "a full disk: $(wc -l <"$work/acked") writes acknowledged, then refused (node ended: $ended), all there after space came back"
    stop "$first"
else
    echo "skip: a full disk wants root and tmpfs"
fi

echo "$passed checks passed"
