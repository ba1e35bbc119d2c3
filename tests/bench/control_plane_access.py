"""What access control owes to others, for tests/bench/control-plane: how soon a revocation reaches open streams.

Three controllers on the loopback; the Go generator (tests/bench/generator) asks and measures.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import subprocess
import tempfile
from collections.abc import Iterator

from spine_host import Patronus, go_program, processes
from spine_lab import BenchError, say, wait_for

STREAMS = 3  # that hold a credential when it is revoked: one at each controller


@contextlib.contextmanager
def running(build: pathlib.Path, name: str) -> Iterator[Patronus]:
    """A cluster with the organization NAME-0."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DISK")) as folder, processes() as started:
        cluster = Patronus(build, pathlib.Path(folder))
        cluster.start(started)
        wait_for("no write is accepted", 40, lambda: cluster.prepare(name), 0.2)
        yield cluster


def revocations(build: pathlib.Path, count: int) -> dict[str, float]:
    """API keys deleted, bindings removed, certificates denied under open streams: from sending that to the last event."""
    generator = go_program(build, "generator")
    with running(build, "rv") as cluster:
        words = [generator, "revoke", cluster.label, cluster.servers, *cluster.files, str(count), str(STREAMS), "rv"]
        done = subprocess.run(words, capture_output=True, text=True, timeout=60 + 10 * count)
    for line in done.stderr.splitlines():
        say(f"revoke: {line}")
    if done.returncode != 0:
        raise BenchError("revoke: see above")
    p50, p99, worst, ended = (int(word) / 1000 for word in done.stdout.split())
    say(f"revoke: {count} revocations under {STREAMS} streams each: last event p50 {p50:.1f} ms, p99 {p99:.1f}, worst {worst:.1f}; all ended after {ended:.1f} at most")
    return {"revoke_p99_ms": p99}
