#!/usr/bin/env python3
"""Fifty sites, each with two links, an edge, a policy and an SLA profile, by Ansible, twice: prints `ansible_changed N`.

Usage: as_code_ansible.py WORK     with PATRONUS_SERVER and PATRONUS_CREDENTIAL of a running cluster
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOLS = pathlib.Path(os.environ.get("PT_PYTHON_HOME", "/usr/local/lib/patronus-tools/python")) / "bin"


def play(work: pathlib.Path) -> tuple[int, float]:
    """Tasks that changed something, and seconds."""
    changed = {"PATH": f"{TOOLS}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT / "api/python"), "PYTHONDONTWRITEBYTECODE": "1",
               "ANSIBLE_HOME": str(work / "home"), "ANSIBLE_COLLECTIONS_PATH": str(work),
               "ANSIBLE_CONFIG": str(ROOT / "ansible/tests/playbooks/ansible.cfg")}  # fmt: skip
    words = ["ansible-playbook", "-i", "localhost,", "-c", "local", "sites.yml", "-e", "sites=50 organization=fifty"]
    start = time.monotonic()
    done = subprocess.run(words, cwd=ROOT / "ansible/tests/playbooks", env={**os.environ, **changed}, check=False,
                          capture_output=True, text=True)  # fmt: skip
    if done.returncode != 0:
        sys.exit(done.stdout[-2000:] + done.stderr[-1000:])
    return int(re.findall(r"changed=(\d+)", done.stdout)[-1]), time.monotonic() - start


def main() -> None:
    if not (TOOLS / "ansible-playbook").exists():
        sys.exit("ansible-core is not installed (deploy/deps --with clients)")
    work = pathlib.Path(sys.argv[1])
    shutil.copytree(ROOT / "ansible", work / "ansible_collections/patronus/sdwan")
    first, first_s = play(work)
    if first == 0:
        sys.exit("the first run changed nothing")
    second, second_s = play(work)
    print(f"ansible: {first} tasks changed in {first_s:.0f} s, then {second} in {second_s:.0f} s", file=sys.stderr)
    print(f"ansible_changed {second}")


if __name__ == "__main__":
    main()
