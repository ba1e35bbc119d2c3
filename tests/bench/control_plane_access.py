"""What access control owes to others, for tests/bench/control-plane: how soon a revocation reaches open streams, and what
a tenant beyond its quota does to another.

Three controllers on the loopback; the Go generator (tests/bench/generator) asks and measures.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator

from spine_host import Patronus, cpu_seconds, go_program, processes
from spine_lab import BenchError, say, wait_for

STREAMS = 3  # that hold a credential when it is revoked: one at each controller
QUOTA = 100  # requests a second at each of three controllers: that of tier STARTER
QUIET_RATE = 100  # calls a second of the tenant that is measured, which has no quota


@contextlib.contextmanager
def running(build: pathlib.Path, name: str) -> Iterator[tuple[Patronus, list[subprocess.Popen[bytes]]]]:
    """A cluster with the organization NAME-0, and its processes."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DISK")) as folder, processes() as started:
        cluster = Patronus(build, pathlib.Path(folder))
        cluster.start(started)
        wait_for("no write is accepted", 40, lambda: cluster.prepare(name), 0.2)
        yield cluster, started


def revocations(build: pathlib.Path, count: int) -> dict[str, float]:
    """API keys deleted, bindings removed, certificates denied under open streams: from sending that to the last event."""
    generator = go_program(build, "generator")
    with running(build, "rv") as (cluster, _):
        words = [generator, "revoke", cluster.label, cluster.servers, *cluster.files, str(count), str(STREAMS), "rv"]
        done = subprocess.run(words, capture_output=True, text=True, timeout=60 + 10 * count)
    for line in done.stderr.splitlines():
        say(f"revoke: {line}")
    if done.returncode != 0:
        raise BenchError("revoke: see above")
    p50, p99, worst, ended = (int(word) / 1000 for word in done.stdout.split())
    say(f"revoke: {count} revocations under {STREAMS} streams each: last event p50 {p50:.1f} ms, p99 {p99:.1f}, worst {worst:.1f}; all ended after {ended:.1f} at most")
    return {"revoke_p99_ms": p99}


def tenant(cluster: Patronus, name: str, tier: str) -> str:
    """An organization with a site and an account that may change it; the account's key."""
    cluster.ctl("create", "organization", f"{name}-0", *([f"tier={tier}"] if tier else []))
    cluster.ctl("-p", f"{name}-0", "create", "site", "paced")
    cluster.ctl("-p", f"{name}-0", "create", "serviceAccount", "ci")
    cluster.ctl("-p", f"{name}-0", "create", "roleBinding", "ci", "role=roles/operator", f"members=organizations/{name}-0/serviceAccounts/ci")
    return cluster.ctl("-p", f"{name}-0", "api-keys", "create", "ci", "--id", "main").split()[-1]


def noisy_neighbour(build: pathlib.Path, turns: int, seconds: int) -> dict[str, float]:
    """One tenant's p99 while another sends ten times its quota to each controller, over its p99 alone; they take turns."""
    generator = go_program(build, "generator")
    ratios, alone, beside = [], [], []
    with running(build, "nn") as (cluster, started):
        keys = {"quiet": tenant(cluster, "quiet", ""), "noisy": tenant(cluster, "noisy", "STARTER")}

        def pace(name: str, rate: int, seconds: float) -> subprocess.Popen[str]:
            # Who makes the noise would have a machine of his own: here he yields to the controllers and to who is measured.
            nice = ["nice", "-n", "10"] if name == "noisy" else []
            words = [*nice, generator, "pace", cluster.label, cluster.servers, *cluster.files, str(round(rate * seconds)), str(rate), name]
            return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | {"BENCH_KEY": keys[name]})

        def result(process: subprocess.Popen[str]) -> list[float]:
            out, errors = process.communicate(timeout=120)
            if process.returncode != 0:
                raise BenchError(f"noisy: {errors[-400:]}")
            return [float(word) for word in out.split()]

        def measure() -> tuple[float, float]:
            """The p99, and how many processors the three controllers took meanwhile."""
            before, began = sum(map(cpu_seconds, started)), time.monotonic()
            p99 = result(pace("quiet", QUIET_RATE, seconds))[1]
            return p99, (sum(map(cpu_seconds, started)) - before) / (time.monotonic() - began)

        result(pace("quiet", QUIET_RATE, 3))
        for _ in range(turns):
            p99, cpu_alone = measure()
            alone.append(p99)
            noise = pace("noisy", QUOTA * 10 * 3, seconds + 2)
            time.sleep(1)  # the burst that its bucket allows is a part of the noise
            p99, cpu_beside = measure()
            beside.append(p99)
            _, _, _, rate, answered, refused = result(noise)
            ratios.append(beside[-1] / alone[-1])
            say(f"noisy: p99 alone {alone[-1] / 1000:.1f} ms, beside the other {beside[-1] / 1000:.1f}, ratio {ratios[-1]:.2f}; "
                f"the other sent {rate:.0f} a second, {answered:.0f} answered, {refused:.0f} refused; "
                f"controllers took {cpu_alone:.2f} and {cpu_beside:.2f} of a processor")
    ratio = statistics.median(beside) / statistics.median(alone)
    say(f"noisy: of medians {ratio:.2f}; pairs: median {statistics.median(ratios):.2f}, worst {max(ratios):.2f}")
    return {"noisy_p99_ratio": ratio}
