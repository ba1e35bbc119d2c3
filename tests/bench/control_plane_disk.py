"""Damage to a stopped controller's files, for tests/bench/control-plane: every flipped bit is found, or did not matter.

The files are those of a real controller that began from a backup (so that a snapshot lies beside its log), wrote on, and
was stopped. bench_bitflip (tests/bench/bitflip.c) flips and opens.
"""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

from spine_host import Patronus, processes
from spine_lab import BenchError, run, say, wait_for

SITES = 60  # before the backup, and as many behind it
SEED = 1


def stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    if process.wait(timeout=30) != 0:
        raise BenchError(f"a controller did not stop well: exit code {process.returncode}")


def write(cluster: Patronus, name: str) -> None:
    documents = [{"kind": "Organization", "name": f"organizations/{name}"}]
    documents += [{"kind": "Site", "name": f"organizations/{name}/sites/s{i}", "region": f"r{i % 5}"} for i in range(SITES)]
    file = cluster.folder / f"{name}.json"
    file.write_text(json.dumps(documents))
    cluster.ctl("apply", "-f", str(file))


def stopped_node(build: pathlib.Path, folder: pathlib.Path) -> tuple[pathlib.Path, pathlib.Path]:
    """Its state and the folder of its log."""
    cluster = Patronus(build, folder)
    admin, backup = folder / "admin.pem", folder / "all.ptb"
    with processes() as started:
        cluster.spawn(started, 0, [*cluster.command(0, "init"), *cluster.member(0), "--admin-file", str(admin)])
        wait_for("the controller does not answer", 20, lambda: cluster.voters() == 1)
        write(cluster, "before")
        cluster.ctl("backup", str(backup))
        stop(started[0])
        shutil.copy(folder / "p0.seal", folder / "p1.seal")
        admin.rename(folder / "old.pem")
        run(*cluster.command(1, "restore", str(backup)), *cluster.member(1), "--admin-file", str(admin))
        cluster.spawn(started, 1, cluster.command(1, "run"))
        wait_for("the restored controller does not answer", 20, lambda: cluster.voters() == 1)
        write(cluster, "behind")
        stop(started[1])
    logs = list((folder / "p1").glob("raft*"))
    if len(logs) != 1 or not list(logs[0].glob("snapshot-*")):
        raise BenchError(f"no log with a snapshot: {logs}")
    return folder / "p1/state.db", logs[0]


def bitflips(build: pathlib.Path, flips: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DISK")) as folder:
        state, log = stopped_node(build, pathlib.Path(folder))
        done = subprocess.run([str(build / "bench/bench_bitflip"), str(state), str(log), str(flips), str(SEED)],
                              capture_output=True, text=True, timeout=60 + flips)
    for line in done.stderr.splitlines():
        say(f"bitflip: {line}")
    if done.returncode != 0:
        raise BenchError("bitflip: see above")
    count, detected, harmless, undetected = (int(word) for word in done.stdout.split())
    say(f"bitflip: of {count} flips {detected} detected, {harmless} harmless: everything reads the same; {undetected} undetected; seed {SEED}")
    return {"bitflip_undetected": undetected}
