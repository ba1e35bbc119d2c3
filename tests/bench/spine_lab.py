"""A lab with a cluster, for the figures of tests/bench/spine: a thin layer over deploy/lab.sh, so that what is measured is
what deploy/quickstart starts."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import queue
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

ROOT = pathlib.Path(__file__).resolve().parents[2]
ORG = "organizations/demo"


class BenchError(Exception):
    """A figure could not be measured; the text says why."""


def say(text: str) -> None:
    print(f"  {text}", file=sys.stderr, flush=True)


def run(*words: str, timeout: float = 120, check: bool = True) -> str:
    done = subprocess.run(words, capture_output=True, text=True, timeout=timeout)
    if check and done.returncode != 0:
        raise BenchError(f"{shlex.join(words)[:200]}: {(done.stderr or done.stdout).strip()[-500:]}")
    return done.stdout


def wait_for(what: str, seconds: float, test: Callable[[], bool], pause: float = 0.1) -> None:
    end = time.monotonic() + seconds
    while not test():
        if time.monotonic() > end:
            raise BenchError(f"after {seconds:.0f} s: {what}")
        time.sleep(pause)


def monotonic_ns() -> int:
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC)


def quantile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


class Probe:
    """tests/bench/probe.c: a connected client."""

    def __init__(self, words: list[str]) -> None:
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.events: queue.Queue[list[str]] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.events.put(line.split(maxsplit=4))

    def tell(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def next(self, names: tuple[str, ...], seconds: float = 10) -> list[str]:
        """The next event of one of these names; others are dropped."""
        end = time.monotonic() + seconds
        while True:
            try:
                event = self.events.get(timeout=max(0.0, end - time.monotonic()))
            except queue.Empty:
                raise BenchError(f"no {' or '.join(names)} within {seconds:.0f} s") from None
            if event[0] in names:
                return event

    def close(self) -> None:
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=3)
        self.process.kill()
        self.process.wait()


class Lab:
    """A running lab; close() removes it. Names are sites, controllers (c1 ...) and hosts (nyc-corp)."""

    def __init__(self, build: pathlib.Path, topology: str, absent: tuple[str, ...] = ()) -> None:
        self.build, self.topology, self.absent = build, topology, absent
        self.name = f"ptb{os.getpid() % 1000000}"
        self.controller = "c1"  # where administration happens
        self.run = pathlib.Path("/run/patronus/lab") / self.name
        self.state = self.run / "nodes/.state"
        self.ctl_path = str(build / "bin/patronusctl")
        self.facts: dict = {}

    def shell(self, script: str, timeout: float = 120) -> str:
        """Run bash with the functions of deploy/lab.sh."""
        head = (
            f"cd {shlex.quote(str(ROOT))}; LAB={self.name}; TOPOLOGY={shlex.quote(self.topology)}; "
            f"BUILD={shlex.quote(str(self.build))}; CTL_AT={self.controller}; . deploy/lab.sh; "
            f'[ ! -s "$STATE/export.json" ] || SERVERS=$(servers); '
        )
        return run("bash", "-c", head + script, timeout=timeout)

    def lab(self, *words: str) -> str:
        return run(self.ctl_path, "lab", words[0], "--name", self.name, *words[1:])

    def at(self, node: str, *words: str) -> list[str]:
        return [self.ctl_path, "lab", "exec", "--name", self.name, node, *words]

    def up(self) -> None:
        self.shell("lab_down; lab_up; cluster_up", timeout=180)
        self.facts = json.loads((self.state / "export.json").read_text())
        self.shell('sample_config >"$STATE/sample.json"; ctl apply -f "$STATE/sample.json"')
        present = [site for site in self.sites() if site not in self.absent]
        self.shell("; ".join(f"join_site {site}" for site in present), timeout=240)
        segment = self.facts["segments"][0]
        for source in present:
            for target in present:
                if source != target:
                    wait_for(
                        f"{source} does not reach {target}", 60, lambda s=source, t=target: self.pings(s, t, segment)
                    )

    def close(self) -> None:
        run("bash", "-c", f"cd {shlex.quote(str(ROOT))}; LAB={self.name}; BUILD={shlex.quote(str(self.build))}; "
            ". deploy/lab.sh; lab_down", check=False)

    def nodes(self, role: str) -> list[str]:
        return [node["name"] for node in self.facts["nodes"] if node["role"] == role]

    def sites(self) -> list[str]:
        return self.nodes("site")

    def controllers(self) -> list[str]:
        return self.nodes("controller")

    def lan(self, site: str, segment: str) -> dict:
        node = next(node for node in self.facts["nodes"] if node["name"] == site)
        return next(lan for lan in node["lans"] if lan["segment"] == segment)

    def host(self, site: str, segment: str) -> str:
        return self.lan(site, segment)["host"]["node"]

    def address(self, site: str, segment: str, family: int = 4) -> str:
        return self.lan(site, segment)["host"]["address6" if family == 6 else "address"]

    def pings(self, source: str, target: str, segment: str) -> bool:
        words = self.at(self.host(source, segment), "ping", "-c1", "-W1", "-q", self.address(target, segment))
        return subprocess.run(words, capture_output=True).returncode == 0

    def pid(self, node: str) -> int:
        """The node's patronusd, not a program that lab start left around it."""
        status = json.loads(self.lab("status", "--json"))
        found = next(item for item in status["nodes"] if item["name"] == node)
        for process in found["processes"]:
            if process["command"].startswith("patronusd"):
                return process["pid"]
        raise BenchError(f"patronusd does not run on {node}")

    def kill(self, node: str) -> None:
        os.kill(self.pid(node), signal.SIGKILL)

    def restart(self, node: str) -> None:
        """Start what was killed."""
        self.shell(f"stop_node {node} --kill || true; restart_node {node}")

    def leader(self) -> str:
        return self.shell("leader").strip()

    def survivor(self, victim: str) -> str:
        return next(node for node in self.controllers() if node != victim)

    def has_leader(self) -> bool:
        try:
            return self.leader() != ""
        except BenchError:
            return False

    def credential(self) -> list[str]:
        """The admin credential as three files: certificate, key, CA."""
        return split_credential(self.state / "admin.pem", self.state)

    @contextlib.contextmanager
    def probe(self, node: str, controllers: list[str]) -> Iterator[Probe]:
        links = {item["name"]: item["links"][0]["address"].split("/")[0] for item in self.facts["nodes"]}
        servers = ",".join(f"{links[name]}:7400" for name in controllers)
        probe = Probe(self.at(node, str(self.build / "bench/bench_probe"), servers, *self.credential()))
        try:
            yield probe
        finally:
            probe.close()

    def frames(self) -> dict[str, int]:
        """Frames that left each node by each line."""
        links = json.loads(self.lab("status", "--json"))["links"]
        return {item["link"]: item["frames"] for item in links if item["direction"] == "up"}

    def deny(self, name: str, source: str, target: str, segment: str) -> str:
        """Declare a policy, disabled, that denies what source sends to target; its name."""
        policy = f"{ORG}/steeringPolicies/{name}"
        document = {
            "kind": "SteeringPolicy",
            "name": policy,
            "segment": f"{ORG}/segments/{segment}",
            "priority": 10,
            "disabled": True,
            "rules": [
                {
                    "sites": [f"{ORG}/sites/{source}"],
                    "destinationCidrs": [self.lan(target, segment)["prefix"]],
                    "preference": "DENY",
                }
            ],
        }
        (self.state / f"{name}.json").write_text(json.dumps([document]))
        self.shell(f'ctl apply -f "$STATE/{name}.json"')
        return policy


def split_credential(path: pathlib.Path, folder: pathlib.Path) -> list[str]:
    blocks = re.findall(r"-----BEGIN [^-]+-----.*?-----END [^-]+-----\n?", path.read_text(), re.DOTALL)
    key = next(block for block in blocks if "PRIVATE KEY" in block)
    certificates = [block for block in blocks if "BEGIN CERTIFICATE" in block]
    files = {"admin-cert.pem": certificates[0], "admin-key.pem": key, "admin-ca.pem": "".join(certificates[1:])}
    for name, text in files.items():
        file = folder / name
        file.touch(0o600)
        file.write_text(text)
    return [str(folder / name) for name in files]


@contextlib.contextmanager
def running(build: pathlib.Path, topology: str, absent: tuple[str, ...] = ()) -> Iterator[Lab]:
    lab = Lab(build, topology, absent)
    try:
        lab.up()
        yield lab
    finally:
        lab.close()
