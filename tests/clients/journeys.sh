#!/usr/bin/env bash
# Journeys that end in code, as people go them, against three real controllers; each asserts its outcome, how many commands it
# took and, generously, how long. Sites by Terraform (five; fifty with PT_LONG=1); a site in two commands; drift found and
# mended, by each tool that is installed; a tenant who serves himself.
#
# What is not here because it needs interfaces of its own: the first packet over a new site (tests/net/lab.sh).
set -euo pipefail
cd "$(dirname "$0")/../.."
ROOT=$PWD

WORK=$(mktemp -d)
# shellcheck disable=SC1091
. tests/clients/cluster.sh
trap 'cluster_stop; rm -rf "$WORK"' EXIT
export PATRONUS_CONFIG=$WORK/config.json PATH=$CLUSTER_BIN:$PATH
unset PATRONUS_CONTEXT PATRONUS_PARENT PATRONUS_TOKEN
cluster_start "$WORK/cluster" "${PT_PORT:-17950}" 2>"$WORK/start" || { cat "$WORK/start" >&2; exit 1; }

fail() {
    echo "FAILED: $*"
    tail -n 20 "$WORK/out" 2>/dev/null || true
    exit 1
}
# A command that a person types; counted.
commands=0
began=0
begin() { commands=0 began=$SECONDS; }
typed() {
    commands=$((commands + 1))
    "$@" >"$WORK/out" 2>&1 || fail "$*"
}
has() { grep -qF -- "$1" "$WORK/out" || fail "no '$1' in what it said"; }
done_in() { # COMMANDS SECONDS WHAT
    [ $commands -le "$1" ] || fail "$3: $commands commands, not $1"
    [ $((SECONDS - began)) -le "$2" ] || fail "$3: $((SECONDS - began)) s, not $2"
    echo "ok: $3: $commands commands, $((SECONDS - began)) s"
}

# ---- a site in two commands: what it is, and its node
typed patronusctl apply -f - <<'YAML'
{"kind": "Organization", "name": "organizations/acme", "tier": "ENTERPRISE"}
{"kind": "Fabric", "name": "organizations/acme/fabrics/wan"}
{"kind": "Segment", "name": "organizations/acme/segments/corp", "fabric": "wan"}
YAML
cat >"$WORK/nyc.yaml" <<'YAML'
kind: Site
name: sites/nyc
region: us-east
---
kind: Edge
name: sites/nyc/edges/e1
lanInterfaces:
  - {interface: lan0, segment: corp, prefixes: [10.7.0.0/24]}
---
kind: Link
name: sites/nyc/links/inet0
edge: e1
interface: wan0
address: 192.0.2.7
underlay: internet
YAML
begin
export PATRONUS_PARENT=acme
typed patronusctl apply -f "$WORK/nyc.yaml"
has "3 created"
# The second one is a line: the token goes from the administrator's machine to the node and is never shown.
join() {
    patronusctl tokens create --role edge --edge sites/nyc/edges/e1 2>/dev/null | patronusd join - --no-start --data "$WORK/node"
}
typed join
done_in 2 60 "a site in two commands"
[ -s "$WORK/node/identity" ] || fail "the node has no identity"
patronusctl wait sites/nyc/edges/e1 --for connected=false >"$WORK/out" # it was not started
patronusctl get edge sites/nyc/edges/e1 -o 'jsonpath={.public_key_digest}' | grep -q . || fail "the edge does not know its node's key"
typed patronusctl apply -f "$WORK/nyc.yaml"
has "3 unchanged"

# ---- drift, found and mended
mkdir "$WORK/declared"
cp "$WORK/nyc.yaml" "$WORK/declared"
typed patronusctl apply -f "$WORK/declared" --owner branch
patronusctl update sites/nyc admin_state=DRAINED region=eu >/dev/null # somebody, by hand
begin
typed patronusctl apply -f "$WORK/declared" --owner branch --dry-run
has "configured organizations/acme/sites/nyc (dry run)"
has "0 created, 1 configured, 2 unchanged"
typed patronusctl apply -f "$WORK/declared" --owner branch
has "0 created, 1 configured, 2 unchanged"
done_in 2 60 "drift found and mended by patronusctl"
patronusctl get sites/nyc -o 'jsonpath={.region} {.admin_state}' | grep -qx 'us-east DRAINED' || fail "it changed what the file does not name"
patronusctl apply -f "$WORK/declared" --owner branch --dry-run | grep -q "3 unchanged" || fail "the drift is still there"

ANSIBLE=${PT_PYTHON_HOME:-/usr/local/lib/patronus-tools/python}/bin/ansible-playbook
if [ -x "$ANSIBLE" ]; then
    mkdir -p "$WORK/ansible_collections/patronus"
    ln -s "$ROOT/ansible" "$WORK/ansible_collections/patronus/sdwan"
    cat >"$WORK/play.yml" <<'YAML'
- hosts: localhost
  gather_facts: false
  tasks:
    - patronus.sdwan.site: {name: organizations/acme/sites/nyc, region: us-east, location: New York}
YAML
    play() {
        PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$ROOT/api/python ANSIBLE_HOME=$WORK/home ANSIBLE_COLLECTIONS_PATH=$WORK \
            ANSIBLE_CONFIG=$ROOT/ansible/tests/playbooks/ansible.cfg "$ANSIBLE" -i localhost, -c local "$WORK/play.yml" "$@"
    }
    typed play
    patronusctl update sites/nyc location=Boston >/dev/null
    begin
    typed play --check --diff
    has "changed=1"
    grep -q 'Boston' "$WORK/out" || fail "the difference is not shown"
    patronusctl get sites/nyc -o 'jsonpath={.location}' | grep -qx Boston || fail "check mode changed it"
    typed play
    has "changed=1"
    done_in 2 120 "drift found and mended by Ansible"
    typed play
    has "changed=0"
else
    echo "not run: drift with Ansible (ansible-core is not installed: deploy/deps --with clients)"
fi

# ---- a tenant who serves himself: one command of the provider's makes him, the rest is his
typed patronusctl -p '' create organization tenant tier=FREE
typed patronusctl -p tenant create serviceAccount owner
typed patronusctl -p tenant create roleBinding owner role=roles/admin members=organizations/tenant/serviceAccounts/owner
patronusctl -p tenant api-keys create owner 2>/dev/null >"$WORK/tenant.key"
awk '/BEGIN CERTIFICATE/ { text = "" } { text = text $0 "\n" } /END CERTIFICATE/ { last = text } END { printf "%s", last }' "$PATRONUS_CREDENTIAL" >"$WORK/ca.pem"
begin
typed patronusctl contexts add mine -s "$PATRONUS_SERVER" -c "$WORK/ca.pem" --token-file "$WORK/tenant.key" -p tenant
(
    unset PATRONUS_PARENT PATRONUS_SERVER PATRONUS_CREDENTIAL
    typed patronusctl create site a
    typed patronusctl create serviceAccount ci
    typed patronusctl create roleBinding ci role=roles/viewer members=organizations/tenant/serviceAccounts/ci
    for id in b c; do typed patronusctl create site $id; done
    ! patronusctl create site d >"$WORK/out" 2>&1 || fail "a free tenant has four sites"
    has QUOTA_EXCEEDED
    has "ask for a higher quota" # what to do
    ! patronusctl get organizations/acme >"$WORK/out" 2>&1 || fail "he sees another organization"
    has RESOURCE_NOT_FOUND # not even that it is there
    ! patronusctl -p acme create site mine >"$WORK/out" 2>&1 || fail "he writes into another organization"
    ! patronusctl update organizations/tenant tier=ENTERPRISE >"$WORK/out" 2>&1 || fail "he gives himself a tier"
    patronusctl -p '' get sites -o name >"$WORK/out" 2>&1 || true
    ! grep -q organizations/acme "$WORK/out" || fail "he lists another's sites"
)
commands=6
done_in 6 60 "a tenant serves himself, up to his quota and nobody else's"

# ---- sites by Terraform: one pass, an empty second plan, drift shown, nothing left
TERRAFORM=${PT_TERRAFORM:-}
for binary in /usr/local/lib/patronus-tools/terraform-*/terraform "$(command -v terraform || true)"; do
    [ -n "$TERRAFORM" ] || [ ! -x "$binary" ] || TERRAFORM=$binary
done
if [ -z "$TERRAFORM" ] || ! command -v go >/dev/null; then
    echo "not run: sites by Terraform (Terraform or Go is not installed: deploy/deps --with terraform)"
    exit 0
fi
SITES=5 LIMIT=120
[ "${PT_LONG:-0}" != 1 ] || SITES=50 LIMIT=180
mkdir "$WORK/tf"
cluster_provider
export TF_CLI_CONFIG_FILE=$WORK/tf/cli.tfrc TF_IN_AUTOMATION=1
cat >"$TF_CLI_CONFIG_FILE" <<HCL
provider_installation {
  dev_overrides {
    "registry.terraform.io/patronus-sdwan/patronus" = "$ROOT/build/clients/provider"
    "registry.opentofu.org/patronus-sdwan/patronus" = "$ROOT/build/clients/provider"
  }
}
disable_checkpoint = true
HCL
python3 - "$SITES" >"$WORK/tf/main.tf.json" <<'PY'
import json, sys
sys.path.insert(0, "tests/bench")
import as_code_terraform
print(json.dumps(as_code_terraform.configuration("organizations/tf", int(sys.argv[1]))))
PY
tf() { (cd "$WORK/tf" && "$TERRAFORM" "$@"); }
begin
typed tf apply -input=false -no-color -auto-approve
has "0 changed, 0 destroyed"
typed tf plan -input=false -no-color -detailed-exitcode # 2 would be a difference
done_in 2 $LIMIT "$SITES sites by Terraform, one pass, an empty second plan"
patronusctl -p '' update organizations/tf/sites/s01 location=elsewhere >/dev/null
begin
code=0
tf plan -input=false -no-color -detailed-exitcode >"$WORK/out" 2>&1 || code=$?
commands=1
[ $code = 2 ] || fail "terraform plan does not see the drift"
has "0 to add, 1 to change, 0 to destroy"
typed tf apply -input=false -no-color -auto-approve
has "0 added, 1 changed, 0 destroyed"
done_in 2 $LIMIT "drift found and mended by Terraform"
typed tf destroy -input=false -no-color -auto-approve
left=$(patronusctl -p '' get sites --filter '' -o name | grep -c organizations/tf/ || true)
[ "$left" = 0 ] || fail "$left sites are left after destroy"
echo "ok: destroy leaves nothing"
