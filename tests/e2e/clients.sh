#!/usr/bin/env bash
# Other people's clients: grpcurl (grpc-go) and Python's grpcio find everything by reflection, ask for health, and make,
# read and watch resources over mTLS, knowing nothing but the address and the credential.
set -euo pipefail
cd "$(dirname "$0")/../.."

TOOLS=/usr/local/lib/patronus-tools
BIN=${PT_BUILD_DIR:-build/dev}/bin
GRPCURL=$TOOLS/bin/grpcurl
PYTHON=$TOOLS/venv/bin/python
API=17510
WORK=$(mktemp -d)
PID=

finish() {
    local code=$?
    [ -z "$PID" ] || kill "$PID" 2>/dev/null || true
    [ $code -eq 0 ] || [ $code -eq 77 ] || tail -n 5 "$WORK/log"
    rm -rf "$WORK"
    exit $code
}
trap finish EXIT

if [ ! -x "$GRPCURL" ] || ! "$PYTHON" -c 'import grpc, grpc_reflection, grpc_health' 2>/dev/null; then
    echo "skipped: grpcurl or grpcio is not installed (deploy/deps --with clients)"
    exit 77
fi

"$BIN/patronusd" init --data "$WORK/data" --seal-key "$WORK/seal" --admin-file "$WORK/admin.pem" --address 127.0.0.1 \
    --api-port $API --peer-port $((API + 1)) --agent-port $((API + 2)) >"$WORK/log" 2>&1 &
PID=$!
ctl() { "$BIN/patronusctl" --server 127.0.0.1:$API --credential "$WORK/admin.pem" "$@"; }
for _ in $(seq 100); do
    ctl cluster status >/dev/null 2>&1 && break
    kill -0 "$PID"
done

# The admin credential is one file; these clients want three.
awk -v dir="$WORK" '/BEGIN CERTIFICATE/ { n++ } /BEGIN .*PRIVATE KEY/ { key = 1 }
    { print > (key ? dir "/key.pem" : n == 1 ? dir "/cert.pem" : dir "/ca.pem") } /END .*PRIVATE KEY/ { key = 0 }' "$WORK/admin.pem"
curl_it() { "$GRPCURL" -cacert "$WORK/ca.pem" -cert "$WORK/cert.pem" -key "$WORK/key.pem" "$@"; }

expect() { # WHAT PATTERN COMMAND...
    local what=$1 pattern=$2
    shift 2
    if "$@" >"$WORK/out" 2>&1; grep -q -- "$pattern" "$WORK/out"; then
        echo "ok: $what"
    else
        echo "FAILED: $what"
        cat "$WORK/out"
        exit 1
    fi
}

at=127.0.0.1:$API
expect "grpcurl lists services by reflection" patronus.v1.SteeringPolicyService curl_it "$at" list
expect "grpcurl describes a message with its comments' types" 'uint32 site_label = 24' curl_it "$at" describe patronus.v1.Site
expect "grpcurl asks for health" SERVING curl_it "$at" grpc.health.v1.Health/Check
expect "an unknown service is not healthy" NotFound curl_it -d '{"service":"nobody"}' "$at" grpc.health.v1.Health/Check
expect "grpcurl creates" organizations/acme curl_it -d '{"organization_id":"acme","organization":{"display_name":"Acme"}}' "$at" patronus.v1.OrganizationService/CreateOrganization
expect "a bad id is refused with what would be right" "is not an id; ids are" curl_it -d '{"organization_id":"NOT AN ID"}' "$at" patronus.v1.OrganizationService/CreateOrganization
expect "without a certificate everything is refused" Unauthenticated "$GRPCURL" -cacert "$WORK/ca.pem" -import-path api -proto patronus/v1/tenancy.proto "$at" patronus.v1.OrganizationService/ListOrganizations
expect "an unknown method is unimplemented" Unimplemented curl_it -import-path tests/e2e -proto nobody.proto "$at" patronus.v1.Nobody/Do

"$PYTHON" - "$at" "$WORK" <<'PY'
import sys
import grpc
from google.protobuf import descriptor_pool, message_factory
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

at, work = sys.argv[1:]
read = lambda name: open(f"{work}/{name}", "rb").read()
channel = grpc.secure_channel(at, grpc.ssl_channel_credentials(read("ca.pem"), read("key.pem"), read("cert.pem")))

health = health_pb2_grpc.HealthStub(channel)
assert health.Check(health_pb2.HealthCheckRequest(), timeout=10).status == health_pb2.HealthCheckResponse.SERVING
states = health.Watch(health_pb2.HealthCheckRequest(service="patronus.v1.SiteService"), timeout=10)
assert next(states).status == health_pb2.HealthCheckResponse.SERVING
states.cancel()
print("ok: Python asks for health, once and as a stream")

database = ProtoReflectionDescriptorDatabase(channel)
assert "patronus.v1.WatchService" in database.get_services()
pool = descriptor_pool.DescriptorPool(database)


def method(name):
    service, verb = name.rsplit("/", 1)
    descriptor = pool.FindServiceByName(service).FindMethodByName(verb)
    request = message_factory.GetMessageClass(descriptor.input_type)
    response = message_factory.GetMessageClass(descriptor.output_type)
    make = channel.unary_stream if descriptor.server_streaming else channel.unary_unary
    return request, make(f"/{name}", request.SerializeToString, response.FromString)


request, watch = method("patronus.v1.WatchService/Watch")
events = watch(request(kinds=["sites"]), timeout=20)
request, create = method("patronus.v1.SiteService/CreateSite")
for i in range(120):
    create(request(parent="organizations/acme", site_id=f"s{i:03}"), timeout=10)
for i in range(120):
    event = next(events)
    assert event.name == f"organizations/acme/sites/s{i:03}", event
    assert event.resource.type_url.endswith("patronus.v1.Site")
events.cancel()
print("ok: Python creates 120 sites and watches each arrive once, in order")

request, listing = method("patronus.v1.SiteService/ListSites")
names, token = [], ""
while True:
    page = listing(request(parent="organizations/acme", page_size=50, page_token=token), timeout=10)
    names += [site.name for site in page.sites]
    token = page.next_page_token
    if not token:
        break
assert names == [f"organizations/acme/sites/s{i:03}" for i in range(120)], names
print("ok: Python reads them back in three pages")

request, get = method("patronus.v1.SiteService/GetSite")
try:
    get(request(name="organizations/acme/sites/nowhere"), timeout=10)
    raise SystemExit("a missing site was found")
except grpc.RpcError as error:
    assert error.code() == grpc.StatusCode.NOT_FOUND
    details = dict(error.trailing_metadata())["grpc-status-details-bin"]
    assert b"RESOURCE_NOT_FOUND" in details and b"patronus" in details
print("ok: Python gets NOT_FOUND with the documented reason")
PY
