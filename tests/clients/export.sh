#!/usr/bin/env bash
# patronusctl export --format tf of a running system, planned by Terraform itself: everything is imported, nothing changes.
set -euo pipefail
cd "$(dirname "$0")/../.."
TOOLS=/usr/local/lib/patronus-tools
TERRAFORM=${PT_TERRAFORM:-$TOOLS/terraform-1.8.5/terraform}
command -v go >/dev/null || { echo "skipped: Go is not installed"; exit 77; }
[ -x "$TERRAFORM" ] || { echo "skipped: Terraform is not installed (deploy/deps --with terraform)"; exit 77; }
# shellcheck disable=SC1091
. tests/clients/cluster.sh
WORK=$(mktemp -d)
trap 'cluster_stop; rm -rf "$WORK"' EXIT
cluster_provider
cluster_start "$WORK/cluster" "${PT_PORT:-18260}" 2>/dev/null

python3 - <<'PY' | cluster_ctl apply -f - >/dev/null
import json
import sys
sys.path.insert(0, "tests/bench")
import as_code_sites
kinds = as_code_sites.resources("organizations/exported", 4)
out = [{"kind": kind, "name": name} | fields for kind, name, fields in kinds]
out.append({"kind": "site", "name": "organizations/exported/sites/odd", "display_name": "Zürich \"東京\" ${x} %{y} \\ \t\n 🛰",
            "annotations": {"a.b/c": "l'été", "${k}": "", "n": "1"}})
out.append({"kind": "slaProfile", "name": "organizations/exported/slaProfiles/zero", "max_loss_ppm": 0, "evaluation_window": "1.500s"})
json.dump(out, sys.stdout)
PY
cluster_ctl export --format tf >"$WORK/main.tf"
grep -q 'segment = patronus_segment.exported_corp.name' "$WORK/main.tf"
printf 'provider_installation {\n  dev_overrides {\n    "registry.terraform.io/patronus-sdwan/patronus" = "%s"\n  }\n}\n' \
    "$PWD/build/clients/provider" >"$WORK/cli.tfrc"
export TF_CLI_CONFIG_FILE=$WORK/cli.tfrc TF_IN_AUTOMATION=1 CHECKPOINT_DISABLE=1
cd "$WORK"
"$TERRAFORM" plan -input=false -no-color -out=plan >plan.log 2>&1 || { tail -n 30 plan.log; exit 1; }
grep -Eq 'Plan: [0-9]+ to import, 0 to add, 0 to change, 0 to destroy' plan.log || { grep -A12 'will be\|Plan:' plan.log | head -60; exit 1; }
"$TERRAFORM" apply -input=false -no-color plan >apply.log 2>&1 || { tail -n 30 apply.log; exit 1; }
"$TERRAFORM" plan -input=false -no-color -detailed-exitcode >again.log 2>&1 || { tail -n 30 again.log; exit 1; }
grep -o 'Plan: .*' plan.log
echo "ok: the export of a running system is imported whole and plans empty"
