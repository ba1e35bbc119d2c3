"""Faults, for tests/bench/control-plane: what other programs of this tree do and judge, as figures of the same run.

    sim      tests/sim/run             whole nodes on a virtual clock, by seeds
    rot      pt_sim_nodes --rot        one flipped bit, with one controller down and one lagging
    nemesis  tests/fault/nemesis       real processes in namespaces; wants root
    regions  tests/fault/nemesis       the same with three regions; wants root
    restore  tests/bench/restore       2,000 sites from a backup
"""

from __future__ import annotations

import os
import pathlib
import re
import subprocess

from spine_lab import ROOT, BenchError, say


def output_of(command: list[str], build: pathlib.Path, timeout: float) -> str:
    """What it printed. It may have missed a goal: the figures say so; without any it has failed."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, cwd=ROOT, env={**os.environ, "PT_BUILD_DIR": str(build)})
    for line in done.stdout.splitlines():
        if not line.startswith("figure "):
            say(f"{pathlib.Path(command[0]).name}: {line}")
    if done.returncode == 77:
        raise BenchError(done.stdout.strip().splitlines()[-1])
    return done.stdout


def figures_of(text: str, wanted: list[str]) -> dict[str, float | str]:
    found: dict[str, float | str] = {}
    for name, value in re.findall(r"^figure (\S+) (\S+)", text, re.MULTILINE):
        if name in wanted and value != "-":
            found[name] = value if value in ("yes", "no") else float(value)
    if len(found) < len(wanted):
        raise BenchError(f"no figure came: {', '.join(sorted(set(wanted) - set(found)))}")
    return found


def sums_of(text: str) -> dict[str, int]:
    """Of the last line of the simulator."""
    line = re.findall(r"^sim: seeds=\d+ ops=\d+ faults=\d+ violations=\d+$", text, re.MULTILINE)
    if not line:
        raise BenchError("the simulator did not sum up")
    return {word.split("=")[0]: int(word.split("=")[1]) for word in line[-1].split()[1:]}


def simulated(build: pathlib.Path, seconds: int) -> dict[str, float | str]:
    sums = sums_of(output_of(["tests/sim/run", "--seconds", str(seconds), "--build", str(build)], build, seconds * 3 + 600))
    return {f"sim_{name}": sums[name] for name in ("ops", "faults", "violations")}


def rotten(build: pathlib.Path, flips: int) -> dict[str, float | str]:
    """A write that was acknowledged and is gone is a violation, as is a cluster that does not come back."""
    sums = sums_of(output_of([str(build / "sim/pt_sim_nodes"), "--rot", "--count", str(flips)], build, flips * 30))
    say(f"rot: {sums['faults']} flips, {sums['ops']} operations")
    if sums["faults"] < flips:
        raise BenchError(f"{sums['faults']} flips of {flips}")
    return {"bitflip_lost": sums["violations"]}


def nemesis(build: pathlib.Path, seconds: int) -> dict[str, float | str]:
    # Few faults at a time and many clients: most of the time calls get through. Audit records of some millions want a disk.
    load = ["--disk", "2048", "--clients", "24", "--watchers", "2", "--calm", "700ms", "--seed", "22"]
    command = ["tests/fault/nemesis", "--seconds", str(seconds), *load]
    return figures_of(output_of(command, build, seconds + 1200), ["nemesis_ops", "nemesis_faults", "nemesis_lost", "nemesis_linearizable"])


def regions(build: pathlib.Path, seconds: int, losses: int) -> dict[str, float | str]:
    command = ["tests/fault/nemesis", "--seconds", str(seconds), "--regions", str(losses)]
    return figures_of(output_of(command, build, seconds + 120 * losses + 300), ["region_elections", "region_loss_write_s"])


def restored(build: pathlib.Path) -> dict[str, float | str]:
    return figures_of(output_of(["tests/bench/restore"], build, 900), ["restore_s"])
