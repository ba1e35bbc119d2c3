"""What access control owes to others, for tests/bench/control-plane: how soon a revocation reaches open streams, and what
a tenant beyond its quota does to another.

Three controllers on the loopback; the Go generator (tests/bench/generator) asks and measures.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator

from spine_host import Patronus, cpu_seconds, go_program, processes
from spine_lab import BenchError, say, wait_for

STREAMS = 3  # that hold a credential when it is revoked: one at each controller
QUOTA = 100  # requests a second at each of three controllers: that of tier STARTER
OWN_QUOTA = QUOTA * 4 // 5  # what one principal of it has
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


# Burns a part of a processor, a millisecond at a time, and does nothing.
BURNER = """
import sys, time
part, end = float(sys.argv[1]), time.monotonic() + float(sys.argv[2])
due = time.monotonic()
while due < end:
    until = time.thread_time() + part / 1000
    while time.thread_time() < until:
        pass
    due = max(due + 0.001, time.monotonic() - 0.01)
    time.sleep(max(0.0, due - time.monotonic()))
"""


def waited_seconds(process: subprocess.Popen[bytes]) -> float:
    """How long its threads could have run and had no processor."""
    stats = pathlib.Path(f"/proc/{process.pid}/task").glob("*/schedstat")
    return sum(int(stat.read_text().split()[1]) for stat in stats) / 1e9


@dataclasses.dataclass
class Measured:
    """The tenant's p99, ms, and what the controllers and their clients did meanwhile, in processors."""

    p99: float
    controllers: float
    waited: float  # of the controllers, for a processor
    clients: float

    def __str__(self) -> str:
        return (f"p99 {self.p99:.1f} ms, controllers took {self.controllers:.2f} of a processor and waited {self.waited:.2f} for one, "
                f"clients took {self.clients:.2f}")


class Neighbours:
    """Two tenants of one cluster, and what may go on beside the first."""

    def __init__(self, cluster: Patronus, started: list[subprocess.Popen[bytes]], generator: str, seconds: int) -> None:
        self.cluster, self.started, self.generator, self.seconds = cluster, started, generator, seconds
        self.keys = {"quiet": tenant(cluster, "quiet", ""), "noisy": tenant(cluster, "noisy", "STARTER")}

    def pace(self, name: str, rate: int, seconds: float) -> subprocess.Popen[str]:
        # Who makes the noise would have a machine of his own: here he yields to the controllers and to who is measured.
        nice = ["nice", "-n", "10"] if name == "noisy" else []
        words = [*nice, self.generator, "pace", self.cluster.label, self.cluster.servers, *self.cluster.files, str(round(rate * seconds)), str(rate), name]
        return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | {"BENCH_KEY": self.keys[name]})

    def result(self, process: subprocess.Popen[str]) -> list[float]:
        out, errors = process.communicate(timeout=120)
        if process.returncode != 0:
            raise BenchError(f"noisy: {errors[-400:]}")
        return [float(word) for word in out.split()]

    def measure(self, others: list[subprocess.Popen[str]]) -> Measured:
        def now() -> tuple[float, float, float, float]:
            ended = os.times()
            clients = ended.children_user + ended.children_system + sum(cpu_seconds(other) for other in others)
            return time.monotonic(), sum(map(cpu_seconds, self.started)), sum(map(waited_seconds, self.started)), clients

        before = now()
        p99 = self.result(self.pace("quiet", QUIET_RATE, self.seconds))[1] / 1000
        took, *rest = (after - earlier for after, earlier in zip(now(), before, strict=True))
        return Measured(p99, *(value / took for value in rest))

    def beside(self, rate: int) -> tuple[Measured, str]:
        """The other sends so many a second to each of the three."""
        noise = self.pace("noisy", rate * 3, self.seconds + 2)
        time.sleep(1)  # the burst that its bucket allows is a part of the noise
        measured = self.measure([noise])
        _, _, _, made, answered, refused, unanswered = self.result(noise)
        return measured, f"it made {made:.0f} calls a second: {answered:.0f} were answered, {refused:.0f} refused, {unanswered:.0f} waited in vain"

    def burning(self, controllers: float, clients: float) -> Measured:
        """Beside processes that take as much as the other tenant costs, its own part yielding as it does, and do nothing."""
        words = [sys.executable, "-c", BURNER]
        burners = [subprocess.Popen([*words, str(controllers / 3), str(self.seconds + 2)], text=True) for _ in range(3)]
        burners += [subprocess.Popen(["nice", "-n", "10", *words, str(clients), str(self.seconds + 2)], text=True)]
        time.sleep(1)
        measured = self.measure(burners)
        for burner in burners:
            burner.wait()
        return measured


def noisy_neighbour(build: pathlib.Path, turns: int, seconds: int) -> dict[str, float]:
    """One tenant's p99 while another sends ten times its quota to each controller, over its p99 alone; they take turns.

    Two more turns say what of it is what: beside the other at its quota, which it may have, and beside processes that take
    as much of the machine as it costs at ten times that and ask nobody for anything.
    """
    generator = go_program(build, "generator")
    kinds = ("alone", "at ten times its quota", "at its quota", "burning")
    all_of: dict[str, list[float]] = {kind: [] for kind in kinds}
    with running(build, "nn") as (cluster, started):
        neighbours = Neighbours(cluster, started, generator, seconds)
        neighbours.result(neighbours.pace("quiet", QUIET_RATE, 3))
        for _ in range(turns):
            alone = neighbours.measure([])
            noisy, said = neighbours.beside(QUOTA * 10)
            lawful, lawful_said = neighbours.beside(OWN_QUOTA)
            burning = neighbours.burning(noisy.controllers - alone.controllers, noisy.clients - alone.clients)
            for kind, measured, more in zip(kinds, (alone, noisy, lawful, burning), ("", said, lawful_said, ""), strict=True):
                all_of[kind].append(measured.p99)
                say(f"noisy: {kind}: {measured}{'; ' if more else ''}{more}")
    alone_p99 = statistics.median(all_of["alone"])
    ratios = {kind: statistics.median(all_of[kind]) / alone_p99 for kind in kinds[1:]}
    worst = max(noisy_p99 / p99 for noisy_p99, p99 in zip(all_of["at ten times its quota"], all_of["alone"], strict=True))
    say("noisy: of medians " + ", ".join(f"{kind} {ratio:.2f}" for kind, ratio in ratios.items()) + f"; worst pair {worst:.2f}")
    return {"noisy_p99_ratio": ratios["at ten times its quota"]}
