"""The figures of tests/bench/spine that need no lab of sites: the quickstart, writes against etcd, the simulator, memory."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator

from spine_lab import ROOT, BenchError, Lab, run, say, split_credential, wait_for

COUNT, IN_FLIGHT, WARM_UP = 20000, 64, 2000


def quickstart_s() -> float:
    """Nothing built: a build folder that does not exist yet."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        done = subprocess.run(
            [str(ROOT / "deploy/quickstart"), "--check", "--no-deps", "--build", f"{folder}/release"],
            capture_output=True, text=True, timeout=1800,
        )
        took = time.monotonic() - began
    if done.returncode != 0:
        raise BenchError(f"quickstart failed after {took:.0f} s: {(done.stdout + done.stderr)[-600:]}")
    return took


@contextlib.contextmanager
def processes() -> Iterator[list[subprocess.Popen[bytes]]]:
    """A list; whatever is in it at the end is killed."""
    started: list[subprocess.Popen[bytes]] = []
    try:
        yield started
    finally:
        for process in started:
            process.kill()
        for process in started:
            process.wait()


def go_program(build: pathlib.Path, name: str) -> str:
    """A program of tests/bench that is written in Go: the generator, or etcd from its module."""
    out = build.resolve() / "bench" / name
    if shutil.which("go") is None:
        raise BenchError("go is not installed: deploy/deps --with clients")
    done = subprocess.run(["go", "build", "-o", str(out), "."], cwd=ROOT / "tests/bench" / name, capture_output=True, text=True, timeout=1200)
    if done.returncode != 0:
        raise BenchError(f"{name} does not build: {done.stderr[-400:]}")
    return str(out)


class Etcd:
    """Three etcd servers on the loopback, mTLS for clients and peers, everything else by default."""

    label = "etcd"
    servers = "127.0.0.1:24790,127.0.0.1:24791,127.0.0.1:24792"

    def __init__(self, build: pathlib.Path, folder: pathlib.Path, program: str = "etcd") -> None:
        self.folder, self.build, self.program = folder, build, program
        run(str(build / "bench/bench_certs"), str(folder))
        self.files = [str(folder / name) for name in ("cert.pem", "key.pem", "ca.pem")]

    def prepare(self, name: str) -> bool:
        """True when a write was accepted; what the load of this name needs is there."""
        words = [str(self.build / "bench/bench_load"), self.label, self.servers, *self.files, "10", "1", f"try-{name}"]
        return subprocess.run(words, capture_output=True, timeout=60).returncode == 0

    def start(self, started: list[subprocess.Popen[bytes]]) -> None:
        peers = ",".join(f"e{i}=https://127.0.0.1:{24780 + i}" for i in range(3))
        for i in range(3):
            tls = []
            for kind in ("", "peer-"):
                tls += [f"--{kind}client-cert-auth", f"--{kind}cert-file={self.files[0]}",
                        f"--{kind}key-file={self.files[1]}", f"--{kind}trusted-ca-file={self.files[2]}"]
            log = (self.folder / f"e{i}.log").open("ab")
            started.append(subprocess.Popen(
                [self.program, f"--name=e{i}", f"--data-dir={self.folder}/e{i}", "--initial-cluster-state=new",
                 f"--listen-client-urls=https://127.0.0.1:{24790 + i}", f"--advertise-client-urls=https://127.0.0.1:{24790 + i}",
                 f"--listen-peer-urls=https://127.0.0.1:{24780 + i}",
                 f"--initial-advertise-peer-urls=https://127.0.0.1:{24780 + i}", f"--initial-cluster={peers}", *tls],
                stdout=log, stderr=log,
            ))


class Patronus:
    """Three controllers on the loopback with an organization, everything by default."""

    label = "patronus"
    servers = "127.0.0.1:24810,127.0.0.1:24811,127.0.0.1:24812"

    def __init__(self, build: pathlib.Path, folder: pathlib.Path) -> None:
        self.folder, self.build = folder, build
        self.made = False
        self.files: list[str] = []

    def command(self, i: int, *words: str) -> list[str]:
        return [str(self.build / "bin/patronusd"), *words, f"--data={self.folder}/p{i}", f"--seal-key={self.folder}/p{i}.seal"]

    def member(self, i: int) -> list[str]:
        return ["--id", f"c{i + 1}", "--address", "127.0.0.1", "--peer-port", str(24800 + i), "--api-port", str(24810 + i),
                "--agent-port", str(24820 + i)]

    def ctl(self, *words: str) -> str:
        return run(str(self.build / "bin/patronusctl"), "--server", self.servers, "--credential",
                   f"{self.folder}/admin.pem", *words)

    def spawn(self, started: list[subprocess.Popen[bytes]], i: int, words: list[str]) -> None:
        log = (self.folder / f"p{i}.log").open("ab")
        started.append(subprocess.Popen(words, stdout=log, stderr=log))

    def voters(self) -> int:
        try:
            answers = json.loads(self.ctl("cluster", "status", "-o", "json"))["controllers"]
        except (BenchError, ValueError):
            return 0
        members = [answer.get("status", {}).get("controllers", []) for answer in answers]
        return max(sum(member.get("role") == "voter" for member in voters) for voters in members)

    def prepare(self, name: str) -> bool:
        """True when the organizations that the load of this name fills are there."""
        documents = [{"kind": "Organization", "name": f"organizations/{name}-{i}"} for i in range(COUNT // 8000 + 1)]
        file = self.folder / "organizations.json"
        file.write_text(json.dumps(documents))
        try:
            self.ctl("apply", "-f", str(file))
        except BenchError:
            return False
        return True

    def start(self, started: list[subprocess.Popen[bytes]]) -> None:
        if self.made:
            for i in range(3):
                self.spawn(started, i, self.command(i, "run"))
            return
        admin = self.folder / "admin.pem"
        self.spawn(started, 0, [*self.command(0, "init"), *self.member(0), "--admin-file", str(admin)])
        wait_for("the first controller does not answer", 20, lambda: self.voters() > 0)
        for i in (1, 2):
            token = self.ctl("tokens", "create", "--role", "voter").split()[-1]
            self.spawn(started, i, [*self.command(i, "join", token), *self.member(i)])
            wait_for(f"c{i + 1} does not become a voter", 40, lambda n=i + 1: self.voters() == n)
        self.files = split_credential(admin, self.folder)
        self.made = True


@dataclasses.dataclass
class Load:
    """What one run of the load on one cluster came to."""

    rate: float  # creates a second
    p99_us: float
    cpu_us: float  # of the three servers, for one create
    resident_mib: float  # of the largest server afterwards


def cpu_seconds(process: subprocess.Popen[bytes]) -> float:
    fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mib(process: subprocess.Popen[bytes]) -> float:
    found = re.search(r"VmRSS:\s+(\d+) kB", pathlib.Path(f"/proc/{process.pid}/status").read_text())
    assert found is not None
    return int(found[1]) / 1024


def one_load(build: pathlib.Path, cluster: Etcd | Patronus, name: str, count: int = COUNT, in_flight: int = IN_FLIGHT) -> Load:
    with processes() as started:
        cluster.start(started)

        def load(count: int, in_flight: int, label: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                [str(build / "bench/bench_load"), cluster.label, cluster.servers, *cluster.files, str(count), str(in_flight), label],
                capture_output=True, text=True, timeout=300,
            )

        for each in (f"{name}w", name):
            wait_for(f"{cluster.label} accepts no write", 40, lambda each=each: cluster.prepare(each), 0.5)
        warm = load(WARM_UP, IN_FLIGHT, f"{name}w")
        before = sum(map(cpu_seconds, started))
        measured = load(count, in_flight, name)
        cpu_us = (sum(map(cpu_seconds, started)) - before) / count * 1e6
        resident = max(map(resident_mib, started))
    if warm.returncode != 0 or measured.returncode != 0:
        raise BenchError(f"{cluster.label}: {(warm.stderr + measured.stderr)[-400:]} {measured.stdout}")
    rate, p50, p99, _ = measured.stdout.split()
    say(f"{cluster.label}, {in_flight} in flight: {rate} creates a second, p50 {p50} us, p99 {p99} us, "
        f"{cpu_us:.0f} us of processor each, {resident:.0f} MiB")
    return Load(float(rate), float(p99), cpu_us, resident)


def write_ratio_etcd(build: pathlib.Path, runs: int) -> float:
    """The two take turns; only one of them runs at a time."""
    if shutil.which("etcd") is None:
        raise BenchError("etcd is not installed: deploy/deps --with bench")
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DISK")) as folder:
        path = pathlib.Path(folder)
        clusters = (Etcd(build, path), Patronus(build, path))
        rates: dict[str, list[float]] = {"etcd": [], "patronus": []}
        for i in range(max(runs, 5)):
            for cluster in clusters:
                rates[cluster.label].append(one_load(build, cluster, f"r{i}").rate)
    pairs = [ours / theirs for theirs, ours in zip(rates["etcd"], rates["patronus"])]
    medians = {label: statistics.median(values) for label, values in rates.items()}
    say(f"medians: etcd {medians['etcd']:.0f}, patronus {medians['patronus']:.0f}; worst pair {min(pairs):.2f}, best {max(pairs):.2f}")
    return medians["patronus"] / medians["etcd"]


def simulator(*flags: str) -> str:
    program = ROOT / "tests/sim/run"
    if not os.access(program, os.X_OK):
        raise BenchError("there is no tests/sim/run")
    done = subprocess.run([str(program), *flags], capture_output=True, text=True, timeout=3600)
    return done.stdout + done.stderr


def sim_numbers() -> dict[str, float]:
    said = simulator("--seconds", "300")
    found = re.findall(r"^sim: seeds=(\d+) ops=(\d+) faults=(\d+) violations=(\d+)", said, re.MULTILINE)
    if not found:
        raise BenchError(f"no summary: {said[-300:]}")
    say(f"{found[-1][0]} seeds")
    return dict(zip(("sim_ops", "sim_faults", "sim_violations"), map(float, found[-1][1:])))


def planted() -> tuple[str, bool]:
    """How many of the planted bugs were found, as N/M."""
    said = simulator("--planted")
    bugs = re.findall(r"^planted (\w+) (found|NOT FOUND)", said, re.MULTILINE)
    if not bugs:
        raise BenchError(f"no summary: {said[-300:]}")
    found = [bug for bug, fate in bugs if fate == "found"]
    say(f"found: {', '.join(found)}")
    return f"{len(found)}/{len(bugs)}", len(found) == len(bugs)


def voter_idle_mb(lab: Lab) -> float:
    """Resident memory of each voter after 30 s without load; the worst."""
    time.sleep(30)
    leader = lab.leader()
    results = []
    for node in lab.controllers():
        text = pathlib.Path(f"/proc/{lab.pid(node)}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", text)
        assert found is not None
        results.append(int(found[1]) / 1024)
        say(f"{node}{' (leader)' if node == leader else ''}: {results[-1]:.1f} MiB")
    return max(results)
