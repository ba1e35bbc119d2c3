#!/usr/bin/env bash
# What those send who mean no good, or know no better, to three real controllers over mTLS: bytes that are no message,
# messages that are too large or too deep, methods that there are not, certificates and tokens that are missing, wrong,
# foreign, old or used. Each is refused with its own word at every controller, and changes nothing. Needs no root.
#
#   bytes ----mTLS----> c1 c2 c3 (loopback)      tests/e2e/faults.sh has what goes wrong on a node of one's own:
#   tokens ---join----> c1 c2 c3                 configuration, ports in use, folders in use, disks, dead names
set -euo pipefail
cd "$(dirname "$0")/../.."

PYTHON=/usr/local/lib/patronus-tools/venv/bin/python
if ! "$PYTHON" -c 'import grpc' 2>/dev/null; then
    echo "skipped: grpcio is not installed (deploy/deps --with clients)"
    exit 77
fi
# shellcheck disable=SC1091
. tests/clients/cluster.sh
WORK=$(mktemp -d)
PORT=17960
foreign=
finish() {
    local code=$?
    [ $code -eq 0 ] || tail -n 5 "$WORK"/out "$WORK"/foreign.log "$WORK"/cluster/*.log || true
    [ -z "$foreign" ] || kill -KILL "$foreign" 2>/dev/null || true
    cluster_stop
    rm -rf "$WORK"
}
trap finish EXIT
fail() { echo "FAILED: $*"; exit 1; }
pass() { echo "ok: $*"; }

cluster_start "$WORK/cluster" $PORT 2>"$WORK/out"
cluster_ctl create organization acme >/dev/null

# split FILE PREFIX: the three parts of a credential, for clients that want three files.
split() {
    awk -v to="$2" '/BEGIN CERTIFICATE/ { n++ } /BEGIN .*PRIVATE KEY/ { key = 1 }
        { print > (to (key ? "key.pem" : n == 1 ? "cert.pem" : "ca.pem")) } /END .*PRIVATE KEY/ { key = 0 }' "$1"
}
split "$PATRONUS_CREDENTIAL" "$WORK/"

# A token that will be too old by the time it is used, further down.
old=$(cluster_ctl tokens create --role voter --expires 5s --id old 2>"$WORK/out")
old_until=$(($(date +%s) + 6))

# Somebody else's cluster: its CA signs well, but is not ours.
"$CLUSTER_BIN/patronusd" init --id f1 --data "$WORK/foreign" --seal-key "$WORK/foreign.seal" --admin-file "$WORK/foreign.pem" \
    --address 127.0.0.1 --api-port $((PORT + 30)) --peer-port $((PORT + 31)) --agent-port $((PORT + 32)) >"$WORK/foreign.log" 2>&1 </dev/null &
foreign=$!
cluster_until 60 "the foreign cluster has no credential" test -s "$WORK/foreign.pem"
split "$WORK/foreign.pem" "$WORK/foreign-"

# ---- bytes, messages, methods, certificates: by a client that sends what it likes
"$PYTHON" - "$WORK" $PORT <<'PY'
import re
import socket
import ssl
import sys

import grpc

work, port = sys.argv[1], int(sys.argv[2])
CREATE = "/patronus.v1.OrganizationService/CreateOrganization"
LIST = "/patronus.v1.OrganizationService/ListOrganizations"
Code = grpc.StatusCode


def read(name):
    with open(f"{work}/{name}", "rb") as file:
        return file.read()


def connect(at, cert="cert.pem", key="key.pem"):
    credentials = grpc.ssl_channel_credentials(read("ca.pem"), read(key) if key else None, read(cert) if cert else None)
    options = [("grpc.max_send_message_length", -1), ("grpc.enable_retries", 0)]
    return grpc.secure_channel(f"127.0.0.1:{at}", credentials, options=options)


def call(channel, method, data, metadata=None, patient=True):
    try:
        reply = channel.unary_unary(method, None, None)(data, timeout=60, wait_for_ready=patient, metadata=metadata)
        return Code.OK, reply
    except grpc.RpcError as error:
        return error.code(), error.details()


def refused(channel, what, method, data, code, words, metadata=None):
    got = call(channel, method, data, metadata)
    if got[0] != code or words not in got[1]:
        sys.exit(f"FAILED: {what}: {got[0]} {str(got[1])[:200]}; wanted {code} with '{words}'")


def organizations(channel):
    code, reply = call(channel, LIST, b"")
    assert code == Code.OK, reply
    return set(re.findall(rb"organizations/([a-z]+)", reply))


MIB = 1 << 20
text = lambda size: b"\x12" + bytes([size & 127 | 128, size >> 7 & 127 | 128, size >> 14]) + b"a" * size
BYTES = [
    ("half a tag", b"\xff", Code.INVALID_ARGUMENT, "malformed"),
    ("a length behind the end", b"\x0a\x05ab", Code.INVALID_ARGUMENT, "reaches behind the end"),
    ("a length of ten bytes", b"\x0a" + b"\xff" * 10, Code.INVALID_ARGUMENT, "malformed"),
    ("text that is not UTF-8", b"\x0a\x02\xff\xfe", Code.INVALID_ARGUMENT, "UTF-8"),
    ("text with a NUL", b"\x0a\x02a\x00", Code.INVALID_ARGUMENT, "NUL"),
    ("a thousand levels of a known field", b"\x0b" * 1000 + b"\x0c" * 1000, Code.INVALID_ARGUMENT, "wire type"),
    ("ten thousand levels of an unknown one", b"\xfb\x7f" * 10000 + b"\xfc\x7f" * 10000, Code.INVALID_ARGUMENT, ""),
    ("ten thousand levels that do not end", b"\xfb\x7f" * 10000, Code.INVALID_ARGUMENT, ""),
    ("a megabyte and a bit", text(MIB), Code.INVALID_ARGUMENT, "at most 1048576"),
    ("more than the transport takes", text(MIB + 100000), Code.RESOURCE_EXHAUSTED, "larger than max"),
    ("sixteen megabytes", b"a" * (16 * MIB), Code.RESOURCE_EXHAUSTED, "larger than max"),
]
METHODS = [
    ("/patronus.v1.OrganizationService/Explode", "reflection lists them"),
    ("/patronus.v1.Nobody/CreateOrganization", "reflection lists them"),
    ("/" + "x" * 3000, "there is no method"),
    ("no-slash", "there is no method"),
]
DOORS = [CREATE, "/patronus.v1.EnrollmentService/Enroll", "/patronus.v1.WatchService/Watch",
         "/grpc.health.v1.Health/Check", "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"]

for at in (port, port + 10, port + 20):
    channel = connect(at)
    before = organizations(channel)
    for what, data, code, words in BYTES:
        refused(channel, what, CREATE, data, code, words)
    for method, words in METHODS:
        refused(channel, "a method", method, b"", Code.UNIMPLEMENTED, words)
    for door in DOORS:
        refused(channel, f"garbage at {door}", door, b"\xff\xff\xff", Code.INVALID_ARGUMENT, "")
    much = connect(at)  # of its own: with such a sender gRPC may end the whole connection
    refused(much, "metadata", CREATE, b"", Code.RESOURCE_EXHAUSTED, "metadata", [("x-much", "y" * 20000)])
    much.close()
    assert organizations(channel) == before == {b"acme"}, "bad input changed something"
    channel.close()
print("ok: bad bytes, sizes, depths and methods are refused at all three controllers")

for at in (port, port + 10, port + 20):
    for what, cert, key in (("no certificate", None, None), ("a foreign certificate", "foreign-cert.pem", "foreign-key.pem")):
        channel = connect(at, cert, key)
        got = call(channel, LIST, b"", patient=False)  # a handshake that fails would be repeated for ever
        assert got[0] in (Code.UNAUTHENTICATED, Code.UNAVAILABLE), (what, got)
        channel.close()


def shakes_hands(at, cert, key):
    """True if the TLS door at this port lets the certificate in."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(f"{work}/ca.pem")
    context.set_alpn_protocols(["h2"])
    if cert:
        context.load_cert_chain(f"{work}/{cert}", f"{work}/{key}")
    try:
        with socket.create_connection(("127.0.0.1", at), timeout=60) as raw, context.wrap_socket(raw, server_hostname="127.0.0.1") as tls:
            tls.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00")
            return bool(tls.recv(1))  # TLS 1.3: the refusal comes after the client thinks it is through
    except (ssl.SSLError, ConnectionError, TimeoutError):
        return False


agents, peers = port + 2, port + 1
assert shakes_hands(port, None, None), "the API door lets nobody in who wants to join"
assert shakes_hands(agents, "cert.pem", "key.pem")
for what, at in (("agent", agents), ("peer", peers)):
    assert not shakes_hands(at, None, None), f"the {what} door opens without a certificate"
    assert not shakes_hands(at, "foreign-cert.pem", "foreign-key.pem"), f"the {what} door opens to a foreign certificate"
assert not shakes_hands(peers, "cert.pem", "key.pem"), "the peer door opens to somebody who is no controller"
for at in (port, agents, peers):  # no TLS at all
    with socket.create_connection(("127.0.0.1", at), timeout=60) as raw:
        raw.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        try:
            answer = raw.recv(100)
        except ConnectionError:
            answer = b""
        assert b"HTTP" not in answer, answer
print("ok: without a certificate, and with a foreign one, every door stays shut")
PY

# ---- the same mistakes by people: patronusctl says what is wrong
ctl_refused() { # WHAT PATTERN ARGS...
    local what=$1 pattern=$2 code=0
    shift 2
    timeout 60 "$CLUSTER_BIN/patronusctl" -t 5s "$@" >"$WORK/out" 2>&1 </dev/null || code=$?
    case $code in 0 | 124 | 13?) fail "$what: exit code $code" ;; esac
    grep -qiE -- "$pattern" "$WORK/out" || fail "$what: not '$pattern'"
}
ctl_refused "a foreign credential" 'certificate|credential' --server 127.0.0.1:$PORT --credential "$WORK/foreign.pem" list organizations
cat "$WORK/cert.pem" "$WORK/ca.pem" "$WORK/foreign-key.pem" >"$WORK/mixed.pem"
ctl_refused "a key of another certificate" 'key' --credential "$WORK/mixed.pem" list organizations
head -c 300 "$WORK/cert.pem" >"$WORK/torn.pem"
ctl_refused "a torn credential" 'torn\.pem|certificate' --credential "$WORK/torn.pem" list organizations
python3 -c 'n = 20000; print("{\"kind\": \"Organization\", \"name\": \"organizations/deep\", \"labels\": " + "{\"a\": " * n + "1" + "}" * n + "}")' >"$WORK/deep.json"
ctl_refused "twenty thousand levels of JSON" 'deep|level' apply -f "$WORK/deep.json"
python3 -c 'print("{\"kind\": \"Organization\", \"name\": \"organizations/large\", \"display_name\": \"" + "x" * (2 << 20) + "\"}")' >"$WORK/large.json"
ctl_refused "a display name of two megabytes" 'large|long|at most|bytes' apply -f "$WORK/large.json"
pass "patronusctl names what is wrong with a credential or a file"

# ---- texts that would matter if anything took them for more than texts
"$PYTHON" tests/e2e/injection.py "$WORK" $PORT "$CLUSTER_BIN/patronusctl" -t 20s || fail "a text is more than a text"
[ ! -e "$WORK/executed" ] || fail "a text was carried out"
LC_ALL=C grep -lP '[\x00-\x08\x0b-\x1f\x7f]' "$WORK"/cluster/*.log && fail "a log holds control characters"
grep -hvE '^(20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:.]{12}Z (debug|info |warn |error)|[A-Z][a-z]|  )' "$WORK"/cluster/*.log >"$WORK/out" && fail "a line of a log is not the program's: $(head -n 1 "$WORK/out")"
pass "texts stay texts: stored, listed, filtered, logged"

# ---- tokens
join_refused() { # WHAT PATTERN TOKEN
    local code=0
    timeout 60 "$CLUSTER_BIN/patronusd" join "$3" --id c9 --address 127.0.0.1 --api-port $((PORT + 40)) --peer-port $((PORT + 41)) \
        --agent-port $((PORT + 42)) --data "$WORK/c9" --seal-key "$WORK/c9.seal" --no-start >"$WORK/out" 2>&1 </dev/null || code=$?
    [ $code = 1 ] || fail "$1: exit code $code"
    grep -qiE -- "$2" "$WORK/out" || fail "$1: not '$2'"
    [ ! -e "$WORK/c9/identity" ] || fail "$1: there is a node now"
}
token=$(cluster_ctl tokens create --role voter --id gone 2>"$WORK/out")
cluster_ctl delete enrollmentTokens/gone >/dev/null
join_refused "a token that was taken back" 'token' "$token"
# Forged: the right form, cluster and name, and another secret.
token=$(cluster_ctl tokens create --role voter --id kept 2>"$WORK/out")
forged=$(python3 - "$token" <<'PY'
import base64, sys
head, body = sys.argv[1].split(".")
data = bytearray(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
data[3] ^= 1
print(head + "." + base64.urlsafe_b64encode(bytes(data)).decode().rstrip("="))
PY
)
join_refused "a forged token" 'token' "$forged"
cluster_until 20 "the old token does not get old" sh -c "[ \$(date +%s) -gt $old_until ]"
join_refused "an expired token" 'expired' "$old"
grep -q 'patronusctl tokens create' "$WORK/out" || fail "an expired token: not what to do"
# The right one still works after all this, once.
"$CLUSTER_BIN/patronusd" join "$token" --id c9 --address 127.0.0.1 --api-port $((PORT + 40)) --peer-port $((PORT + 41)) \
    --agent-port $((PORT + 42)) --data "$WORK/c9" --seal-key "$WORK/c9.seal" --no-start >"$WORK/out" 2>&1 || fail "the good token is refused"
mv "$WORK/c9" "$WORK/c9-first"
rm -f "$WORK/c9.seal"
join_refused "a token that was used" 'used' "$token"
pass "tokens: taken back, forged, expired, used"

# ---- nothing was lost, and the three are of one mind
kill "$foreign"
wait "$foreign" || fail "the foreign controller did not stop well"
foreign=
cluster_ctl delete controllers/c9 >/dev/null
cluster_ctl create organization zeta >/dev/null
for id in c1 c2 c3; do
    kill -KILL "$(cat "$WORK/cluster/$id.pid")"
    cluster_until 10 "$id does not die" cluster_is_dead $id
done
cluster_revive
one_mind() {
    cluster_ctl cluster status -o json | python3 -c '
import json, sys
states = [c.get("status", {}) for c in json.load(sys.stdin)["controllers"]]
sys.exit(len(states) != 3 or len({(s.get("appliedIndex"), s.get("stateDigest")) for s in states}) != 1)'
}
cluster_until 60 "the controllers do not agree" one_mind
[ "$(cluster_ctl list organizations -o json | grep -c '"name":')" = 2 ] || fail "there are other organizations than the two that were made"
[ "$(cluster_ctl list controllers -o json | grep -c '"name":')" = 3 ] || fail "there are other controllers than the three"
pass "killed and back, the three agree on what was made, and on nothing else"
