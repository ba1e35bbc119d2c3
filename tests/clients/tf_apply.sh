#!/usr/bin/env bash
# patronusctl tf apply: a run of Terraform, or OpenTofu, in one change set, against three real controllers. A run that ends
# well is in force in one step and plans empty; one that fails half-way changes nothing; one that nobody confirms is taken
# back, and the next plan says so; one that is confirmed stays. Then, without a change set: the leader dies in the middle.
# The first tool that is installed, both with PT_LONG=1; skipped without any (deploy/deps --with terraform).
set -euo pipefail
cd "$(dirname "$0")/../.."
ROOT=$PWD
TOOLS=()
for binary in "${PT_TERRAFORM:-}" /usr/local/lib/patronus-tools/terraform-*/terraform /usr/local/lib/patronus-tools/opentofu-*/tofu; do
    [ -z "$binary" ] || [ ! -x "$binary" ] || TOOLS+=("$binary")
done
[ ${#TOOLS[@]} -gt 0 ] || { echo "skipped: neither Terraform nor OpenTofu is installed (deploy/deps --with terraform)"; exit 77; }
command -v go >/dev/null || { echo "skipped: Go is not installed"; exit 77; }
[ "${PT_LONG:-0}" = 1 ] || TOOLS=("${TOOLS[0]}")

WORK=$(mktemp -d)
# shellcheck disable=SC1091
. tests/clients/cluster.sh
trap 'cluster_stop; rm -rf "$WORK"' EXIT
cluster_provider
export PATRONUS_CONFIG=$WORK/config.json PATH=$CLUSTER_BIN:$PATH TF_CLI_CONFIG_FILE=$WORK/cli.tfrc TF_IN_AUTOMATION=1 TMPDIR=$WORK
unset PATRONUS_CONTEXT PATRONUS_PARENT PATRONUS_TOKEN PATRONUS_CHANGE_SET
cat >"$TF_CLI_CONFIG_FILE" <<HCL
provider_installation {
  dev_overrides {
    "registry.terraform.io/patronus-sdwan/patronus" = "$ROOT/build/clients/provider"
    "registry.opentofu.org/patronus-sdwan/patronus" = "$ROOT/build/clients/provider"
  }
}
disable_checkpoint = true
HCL
cluster_start "$WORK/cluster" "${PT_PORT:-17990}" 2>"$WORK/start" || { cat "$WORK/start" >&2; exit 1; }

fail() {
    echo "FAILED: $tool: $*"
    tail -n 30 "$WORK/out" 2>/dev/null || true
    exit 1
}
has() { grep -qF -- "$1" "$WORK/out" || fail "no '$1' in what it said"; }
tf() { (cd "$WORK/$org" && "$tool" "$@"); }
together() { (cd "$WORK/$org" && patronusctl -p "$org" tf apply --tool "$tool" "$@" -- -auto-approve -input=false -no-color); }
plans() { # EXITCODE TEXT: 0 nothing to do, 2 something
    local code=0
    tf plan -input=false -no-color -detailed-exitcode >"$WORK/out" 2>&1 || code=$?
    [ $code = "$1" ] || fail "the plan ends with $code, not $1"
    has "$2"
}
# What the cluster says of everything that the runs may touch.
resources() { patronusctl -p "$org" get sites -o yaml && patronusctl -p "$org" get slaprofiles -o yaml; }
stands_still() {
    resources >"$WORK/now"
    cmp -s "$WORK/before" "$WORK/now" || { diff "$WORK/before" "$WORK/now" || true; fail "$1: something was changed"; }
}
config() { # the resources of a run: SITE LOCATION pairs
    printf 'terraform {\n  required_providers {\n    patronus = { source = "patronus-sdwan/patronus" }\n  }\n}\nprovider "patronus" {}\n'
    printf 'resource "patronus_sla_profile" "p" {\n  name = "organizations/%s/slaProfiles/p"\n  max_loss_ppm = 1000\n}\n' "$org"
    while [ $# -gt 0 ]; do
        printf 'resource "patronus_site" "%s" {\n  name = "organizations/%s/sites/%s"\n  location = "%s"\n  depends_on = [patronus_sla_profile.p]\n}\n' \
            "$1" "$org" "$1" "$2"
        shift 2
    done
}
has_state() { patronusctl -p "$org" get changesets --filter "state = \"$1\"" -o name 2>/dev/null | grep -q .; }
many_are_there() { [ "$(patronusctl -p "$org" get sites -o name | wc -l)" -ge 15 ]; }

try_tool() {
    patronusctl create organization "$org" tier=ENTERPRISE >/dev/null
    patronusctl -p "$org" create site taken >/dev/null
    mkdir "$WORK/$org"

    config a one b two >"$WORK/$org/main.tf"
    together >"$WORK/out" 2>&1 || fail "a good run"
    has "3 created, 0 configured, 0 deleted: in force together as organizations/$org/changeSets/tf-"
    patronusctl -p "$org" get sites/a -o 'jsonpath={.location}' | grep -qx one || fail "the site is not there"
    plans 0 "No changes"
    revisions=$(patronusctl -p "$org" get sites/a sites/b -o 'jsonpath={range .items[*]}{.revision}{"\n"}{end}' | sort -u | wc -l)
    [ "$revisions" = 1 ] || fail "it was not one step"
    echo "ok: $tool: a run in one change set, in force in one step"

    resources >"$WORK/before"
    config a moved c three taken here >"$WORK/$org/main.tf"
    ! together --confirm 5m >"$WORK/out" 2>&1 || fail "a run that cannot succeed"
    has "RESOURCE_EXISTS"
    has "apply failed: nothing was changed"
    stands_still "a run that failed half-way"
    ! patronusctl -p "$org" get changesets --filter 'state = "STAGED"' -o name 2>/dev/null | grep -q . || fail "a change set is left"
    config a moved c three >"$WORK/$org/main.tf"
    plans 2 "1 to add, 1 to change, 1 to destroy"
    echo "ok: $tool: a run that fails half-way changes nothing"

    ! together --confirm 2s >"$WORK/out" 2>&1 || fail "a run that nobody confirms succeeded"
    has "1 created, 1 configured, 1 deleted: in force together"
    has "was taken back: nobody confirmed it in time"
    has "is what it was before"
    resources | grep -v -e '^ *revision' -e '^ *updateTime' -e '^ *observedRevision' >"$WORK/now"
    grep -v -e '^ *revision' -e '^ *updateTime' -e '^ *observedRevision' "$WORK/before" | cmp -s - "$WORK/now" || fail "it was not taken back"
    plans 2 "1 to add, 1 to change, 1 to destroy"
    echo "ok: $tool: a run that nobody confirms is taken back, and the next plan says so"

    together --confirm 5m >"$WORK/out" 2>&1 &
    run=$!
    cluster_until 60 "the run does not wait for its confirmation" has_state CONFIRMING
    patronusctl -p "$org" confirm >"$WORK/confirmed" || fail "confirm"
    wait $run || fail "a run that was confirmed"
    has "confirmed organizations/$org/changeSets/tf-"
    plans 0 "No changes"
    echo "ok: $tool: a run that is confirmed stays"

    printf 'resource "patronus_role" "r" {\n  name = "organizations/%s/roles/r"\n  permissions = ["sites.get"]\n}\n' "$org" >"$WORK/$org/role.tf"
    ! together >"$WORK/out" 2>&1 || fail "a role went into a change set"
    has "Change sets do not hold roles"
    rm "$WORK/$org/role.tf"
    echo "ok: $tool: what a change set cannot hold is an error of the plan"

    mapfile -t many < <(for i in $(seq 60); do printf 's%d\nplace\n' "$i"; done)
    config "${many[@]}" >"$WORK/$org/main.tf"
    tf apply -auto-approve -input=false -no-color >"$WORK/out" 2>&1 &
    run=$!
    cluster_until 60 "the apply makes nothing" many_are_there
    cluster_kill_leader >"$WORK/killed"
    wait $run || fail "an apply over a killed leader"
    cluster_revive
    plans 0 "No changes"
    echo "ok: $tool: an apply during which the leader is killed"
}

for tool in "${TOOLS[@]}"; do
    org=$(basename "$tool")
    try_tool
done
