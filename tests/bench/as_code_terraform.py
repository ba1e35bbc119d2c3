#!/usr/bin/env python3
"""Terraform's figures: fifty sites applied in one pass, planned again, destroyed. Prints `ID VALUE` lines.

Usage: as_code_terraform.py TERRAFORM PROVIDER_FOLDER WORK_FOLDER     (the cluster: PATRONUS_SERVER, PATRONUS_CREDENTIAL)

References are written as references, so that the order is Terraform's own; plan and apply are two commands, as in a
pipeline, and apply_50_s is both.
"""

from __future__ import annotations

import json
import os
import pathlib
import re
import subprocess
import sys
import time
from typing import Any

import as_code_sites


def snake(kind: str) -> str:
    return re.sub(r"[A-Z]", lambda m: "_" + m.group().lower(), kind)


def configuration(org: str, sites: int = 50) -> dict[str, Any]:
    found = as_code_sites.resources(org, sites)
    address = {name: f"patronus_{snake(kind)}.r{i}" for i, (kind, name, _) in enumerate(found)}

    def linked(value: Any) -> Any:
        if isinstance(value, str) and value in address:
            return "${" + address[value] + ".name}"
        if isinstance(value, list):
            return [linked(item) for item in value]
        if isinstance(value, dict):
            return {key: linked(item) for key, item in value.items()}
        return value

    out: dict[str, dict[str, Any]] = {}
    for i, (kind, name, fields) in enumerate(found):
        parent = "/".join(name.split("/")[:-2])
        own = "${" + address[parent] + ".name}/" + "/".join(name.split("/")[-2:]) if parent else name
        out.setdefault(f"patronus_{snake(kind)}", {})[f"r{i}"] = {"name": own} | linked(fields)
    return {"terraform": {"required_providers": {"patronus": {"source": "patronus-sdwan/patronus"}}}, "resource": out}


def main() -> int:
    binary, provider, work = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
    org = "organizations/as-code"
    (work / "main.tf.json").write_text(json.dumps(configuration(org)))
    (work / "cli.tfrc").write_text("provider_installation {\n  dev_overrides {\n"
                                   + "".join(f'    "{host}/patronus-sdwan/patronus" = "{provider}"\n'
                                             for host in ("registry.terraform.io", "registry.opentofu.org"))
                                   + "  }\n}\ndisable_checkpoint = true\n")
    env = os.environ | {"TF_CLI_CONFIG_FILE": str(work / "cli.tfrc"), "TF_IN_AUTOMATION": "1"}

    def run(*words: str) -> str:
        return subprocess.run([binary, *words], cwd=work, env=env, check=True, stdout=subprocess.PIPE, text=True).stdout

    start = time.monotonic()
    run("plan", "-input=false", "-no-color", "-out=plan")
    run("apply", "-input=false", "-no-color", "plan")
    print("apply_50_s", time.monotonic() - start)
    start = time.monotonic()
    run("plan", "-input=false", "-no-color", "-out=again")
    print("plan_again_s", time.monotonic() - start)
    again = json.loads(run("show", "-json", "again"))
    print("plan_again_changes", sum(c["change"]["actions"] != ["no-op"] for c in again.get("resource_changes", []))
          + len(again.get("resource_drift", [])))
    run("destroy", "-input=false", "-no-color", "-auto-approve")
    left = 0
    for kind in ("organizations", "fabrics", "segments", "applications", "sites", "edges", "links", "slaProfiles", "steeringPolicies"):
        listed = subprocess.run([os.environ["PT_CTL"], "get", kind, "-o", "json"], check=True, stdout=subprocess.PIPE, text=True).stdout
        left += sum(item["name"].startswith(org) for item in json.loads(listed).get("items", []))
    print("destroy_left", left)
    return 0


if __name__ == "__main__":
    sys.exit(main())
