"""Loads on three servers of Patronus or etcd, by the one generator (tests/bench/generator), for tests/bench/control-plane.

One turn starts a cluster, runs every load of the plan on it and ends it; clusters take turns, so that only one runs at a
time and both see the same minutes of the machine. What a cluster holds stays for its next turn.
"""

from __future__ import annotations

import collections
import contextlib
import ctypes
import dataclasses
import os
import pathlib
import shutil
import socket
import statistics
import struct
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator

from spine_host import Etcd, Patronus, cpu_seconds, go_program, processes, resident_mib
from spine_lab import BenchError, run, say, wait_for

WARM_UP = 2000
SYNCED = 100  # writes of which strace counts the syncs
BURST = 16000  # creates of one turn at one size
FILL, FILLS = 14200, 7  # what is there before, when there is much: in so many parts
# name of the load: what, operations, in flight, whose sites ("w": those of the write of 64)
PLAN = {
    "write_1": ("write", 600, 1),
    "write_64": ("write", 20000, 64),
    "write_256": ("write", 20000, 256),
    "read_64": ("read", 20000, 64),
    "list_64": ("list", 2000, 64),
}
HEARTBEAT_MS = 100  # of raft, by default; the gap between two frames of the leader may be so long
STREAMS, FANOUT_CREATES = 1000, 100
WATCHES, WATCH_CREATES = 24, 42000
# <asm/socket.h>, <linux/if_packet.h>, <linux/if_ether.h>, <linux/filter.h>: what the socket module has no names for
SO_ATTACH_FILTER, SO_TIMESTAMPNS, SOL_PACKET, PACKET_STATISTICS, ETH_P_IP = 26, 35, 263, 6, 0x0800
FRAME_SIZE = 128  # of a frame that is read: its headers
BPF_LD_B, BPF_LD_H_X, BPF_LDX_MSH, BPF_JEQ, BPF_JGE, BPF_JGT, BPF_RET = 0x30, 0x48, 0xB1, 0x15, 0x35, 0x25, 0x06


@dataclasses.dataclass
class Sample:
    """What one load came to."""

    rate: float
    p50_us: float
    p99_us: float
    cpu_us: float  # of the three servers, for one operation


class Generator:
    """The program that loads a cluster, and clusters that live while they are loaded."""

    def __init__(self, program: str) -> None:
        self.generator = program

    def words(self, cluster: Etcd | Patronus, what: str, count: int, in_flight: int, name: str) -> list[str]:
        return [self.generator, what, cluster.label, cluster.servers, *cluster.files, str(count), str(in_flight), name]

    def load(self, cluster: Etcd | Patronus, what: str, count: int, in_flight: int, name: str) -> list[float]:
        done = subprocess.run(self.words(cluster, what, count, in_flight, name), capture_output=True, text=True, timeout=300)
        if done.returncode != 0:
            raise BenchError(f"{cluster.label}, {what}: {done.stderr[-400:]}")
        return [float(word) for word in done.stdout.split()]

    @contextlib.contextmanager
    def running(self, cluster: Etcd | Patronus, *names: str) -> Iterator[list[subprocess.Popen[bytes]]]:
        with processes() as started:
            cluster.start(started)
            for name in names:
                wait_for(f"{cluster.label} accepts no write", 40, lambda name=name: self.prepare(cluster, name), 0.2)
            yield started

    def prepare(self, cluster: Etcd | Patronus, name: str) -> bool:
        if isinstance(cluster, Patronus):
            return cluster.prepare(name)
        done = subprocess.run(self.words(cluster, "write", 10, 1, f"try-{name}"), capture_output=True, timeout=60)
        return done.returncode == 0


class Loads(Generator):
    """The two clusters and what they have shown."""

    def __init__(self, build: pathlib.Path, folder: pathlib.Path) -> None:
        super().__init__(go_program(build, "generator"))
        self.build, self.folder = build, folder
        (folder / "etcd").mkdir()
        (folder / "patronus").mkdir()
        self.patronus = Patronus(build, folder / "patronus")
        self.etcd = Etcd(build, folder / "etcd", go_program(build, "etcd"))
        self.samples: dict[tuple[str, str], list[Sample]] = collections.defaultdict(list)
        self.resident: dict[str, list[float]] = collections.defaultdict(list)

    def turn(self, cluster: Etcd | Patronus, turn: int) -> None:
        names = {key: f"t{turn}-{key.replace('_', '-')}" for key, (what, _, _) in PLAN.items() if what == "write"}
        with self.running(cluster, f"t{turn}-warm", f"t{turn}-sync", *names.values()) as started:
            self.load(cluster, "write", WARM_UP, 64, f"t{turn}-warm")
            for key, (what, count, in_flight) in PLAN.items():
                before = sum(map(cpu_seconds, started))
                rate, p50, p99, _ = self.load(cluster, what, count, in_flight, names.get(key, names["write_64"]))
                cpu_us = (sum(map(cpu_seconds, started)) - before) / count * 1e6
                self.samples[cluster.label, key].append(Sample(rate, p50, p99, cpu_us))
                say(f"{cluster.label}, {key}: {rate:.0f} a second, p50 {p50:.0f} us, p99 {p99:.0f} us, {cpu_us:.0f} us of processor each")
            self.resident[cluster.label].append(max(map(resident_mib, started)))
            say(f"{cluster.label}: {self.resident[cluster.label][-1]:.0f} MiB")
            if turn == 0:
                self.show_syncs(cluster, f"t{turn}-sync", started)

    def show_syncs(self, cluster: Etcd | Patronus, name: str, started: list[subprocess.Popen[bytes]]) -> None:
        """By strace: one write after the other, and each is on the disks of two members at least before the next."""
        with tempfile.NamedTemporaryFile("r") as trace:
            words = ["strace", "-f", "-e", "trace=fdatasync,fsync,pwritev2", "-o", trace.name]
            tracer = subprocess.Popen(words + [word for process in started for word in ("-p", str(process.pid))], stderr=subprocess.PIPE, text=True)
            assert tracer.stderr is not None
            for _ in started:
                tracer.stderr.readline()  # "Process N attached"
            try:
                self.load(cluster, "write", SYNCED, 1, name)
            finally:
                tracer.terminate()
                tracer.communicate(timeout=20)
            syncs = sum("sync(" in line or "RWF_DSYNC" in line for line in trace if "resumed" not in line)
        say(f"{cluster.label}: {syncs} syncs of its three servers for {SYNCED} writes, one at a time (strace)")
        if syncs < 2 * SYNCED:
            raise BenchError(f"{cluster.label} does not sync: {syncs} for {SYNCED} writes")

    def ratio(self, key: str, what: str) -> float:
        ours, theirs = (statistics.median(getattr(sample, what) for sample in self.samples[label, key]) for label in ("patronus", "etcd"))
        return ours / theirs

    def worst(self, key: str, what: str, high_is_good: bool) -> float:
        pairs = [getattr(ours, what) / getattr(theirs, what) for ours, theirs in zip(self.samples["patronus", key], self.samples["etcd", key])]
        return min(pairs) if high_is_good else max(pairs)


def beside_etcd(build: pathlib.Path, turns: int) -> dict[str, float]:
    """Every figure that is a ratio to etcd, by medians; the worst pair goes to standard error."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DISK")) as folder:
        loads = Loads(build, pathlib.Path(folder))
        for turn in range(turns):
            for cluster in (loads.etcd, loads.patronus):
                loads.turn(cluster, turn)
    values = {}
    for figure, key, what, high in (
        ("write_ratio_1", "write_1", "rate", True), ("write_ratio_64", "write_64", "rate", True), ("write_ratio_256", "write_256", "rate", True),
        ("write_p99_ratio_64", "write_64", "p99_us", False), ("cpu_per_create_ratio", "write_64", "cpu_us", False),
        ("read_ratio_64", "read_64", "rate", True), ("list_ratio", "list_64", "rate", True),
    ):
        values[figure] = loads.ratio(key, what)
        say(f"{figure}: median {values[figure]:.2f}, worst pair {loads.worst(key, what, high):.2f}")
    values["memory_ratio"] = statistics.median(loads.resident["patronus"][-1:]) / statistics.median(loads.resident["etcd"][-1:])
    return values


class AtSizes:
    """Bursts of creates on clusters that hold different numbers of resources, each begun from a copy of its files."""

    def __init__(self, build: pathlib.Path, folder: pathlib.Path) -> None:
        self.build, self.folder, self.loads = build, folder, Loads(build, folder)

    def cluster(self, name: str) -> Patronus:
        path = self.folder / name
        path.mkdir()
        return Patronus(self.build, path)

    def filled(self, name: str, fills: int) -> Patronus:
        """One that is stopped again, with what its bursts need, and FILL sites for each of `fills`."""
        cluster = self.cluster(name)
        names = [f"fill{part}" for part in range(fills)]
        with self.loads.running(cluster, "warm", "burst", *names):
            for fill in names:
                self.loads.load(cluster, "write", FILL, 256, fill)
        return cluster

    def burst(self, filled: Patronus) -> tuple[float, float]:
        """Creates a second, and the servers' processor for each, us. A thousand before them do not count, and nothing is
        left to be written to the disk when they begin."""
        kept = filled.folder.rename(filled.folder.with_suffix(".kept"))
        shutil.copytree(kept, filled.folder)
        try:
            with self.loads.running(filled, "warm") as started:
                self.loads.load(filled, "write", 1000, 64, "warm")
                os.sync()
                before = sum(map(cpu_seconds, started))
                rate = self.loads.load(filled, "write", BURST, 64, "burst")[0]
                return rate, (sum(map(cpu_seconds, started)) - before) / BURST * 1e6
        finally:
            shutil.rmtree(filled.folder)
            kept.rename(filled.folder)


def at_100k(build: pathlib.Path, turns: int) -> dict[str, float]:
    """Creates at 64 in flight with 100,000 resources there, over those with 1,000: they take turns; by medians."""
    rates: dict[int, list[float]] = {0: [], FILLS: []}
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DISK")) as folder:
        sizes = AtSizes(build, pathlib.Path(folder))
        clusters = {fills: sizes.filled(f"fills{fills}", fills) for fills in rates}
        for _ in range(turns):
            for fills, cluster in clusters.items():
                rate, cpu_us = sizes.burst(cluster)
                rates[fills].append(rate)
                there = fills * FILL + 1000
                say(f"creates with {there} to {there + BURST} there: {rate:.0f} a second, {cpu_us:.0f} us of processor each")
    few, many = map(statistics.median, rates.values())
    worst = min(large / small for small, large in zip(*rates.values(), strict=True))
    say(f"creates a second: median {few:.0f} with few there, {many:.0f} with many; worst pair {worst:.2f}")
    return {"write_at_100k": many / few}


def local_ports(pid: int) -> set[int]:
    """The ports at this end of a process's TCP connections over IPv4."""
    inodes = set()
    for link in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            inodes.add(os.readlink(link))
    rows = [line.split() for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {int(row[1].split(":")[1], 16) for row in rows if f"socket:[{row[9]}]" in inodes}


class Frames(threading.Thread):
    """Frames with data from the leader to the other controllers' peer ports on the loopback, by AF_PACKET: the longest
    silence on a connection. It speaks at each heartbeat at least; followers ping each other more seldom.

    The kernel picks the frames and stamps them: a fan-out sends a hundred thousand frames a second, and a reader that
    takes them all takes half a processor from what it watches, falls behind, and loses heartbeats to a full buffer."""

    def __init__(self, sources: set[int], targets: set[int]) -> None:
        super().__init__(daemon=True)
        self.sources, self.targets, self.last, self.silence, self.lost = sources, targets, {}, 0.0, 0
        self.ended = threading.Event()
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
        low, high = min(targets), max(targets)
        instructions = (  # a TCP segment to port low..high
            (BPF_LD_B, 0, 0, 9), (BPF_JEQ, 0, 5, socket.IPPROTO_TCP), (BPF_LDX_MSH, 0, 0, 0), (BPF_LD_H_X, 0, 0, 2),
            (BPF_JGE, 0, 2, low), (BPF_JGT, 1, 0, high), (BPF_RET, 0, 0, FRAME_SIZE), (BPF_RET, 0, 0, 0),
        )
        program = b"".join(struct.pack("HBBI", *instruction) for instruction in instructions)
        code = ctypes.create_string_buffer(program, len(program))
        self.socket.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HP", len(instructions), ctypes.addressof(code)))
        self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.socket.bind(("lo", ETH_P_IP))
        self.socket.settimeout(0.2)

    def run(self) -> None:
        while not self.ended.is_set():
            try:
                packet, stamps, _, address = self.socket.recvmsg(FRAME_SIZE, 128)
            except TimeoutError:
                continue
            if address[2] != socket.PACKET_OUTGOING:
                self.heard(packet, stamps)
        self.lost = struct.unpack("II", self.socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))[1]

    def heard(self, packet: bytes, stamps: list[tuple[int, int, bytes]]) -> None:
        head = (packet[0] & 15) * 4
        source, target = struct.unpack_from("!HH", packet, head)
        size = struct.unpack_from("!H", packet, 2)[0] - head - (packet[head + 12] >> 4) * 4
        if size == 0 or source not in self.sources or target not in self.targets:
            return
        seconds, nanoseconds = next(struct.unpack("qq", data) for _, kind, data in stamps if kind == SO_TIMESTAMPNS)
        now = seconds + nanoseconds / 1e9
        key = (source, target)
        if key in self.last:
            self.silence = max(self.silence, now - self.last[key])
        self.last[key] = now


def fanout(build: pathlib.Path) -> dict[str, float]:
    """1,000 mTLS watch streams, each on a connection of its own: from a create's answer to its event at a stream."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DISK")) as folder:
        loads = Loads(build, pathlib.Path(folder))
        with loads.running(loads.patronus, "fan") as started:
            generator = subprocess.Popen(loads.words(loads.patronus, "fanout", FANOUT_CREATES, STREAMS, "fan"), stdout=subprocess.PIPE,
                                         stderr=subprocess.PIPE, text=True)
            assert generator.stderr is not None
            said = generator.stderr.readline()
            frames = None
            if said == "open\n" and os.geteuid() == 0:
                led = leader(loads.patronus)
                if led is not None:
                    frames = Frames(local_ports(started[led].pid), {24800, 24801, 24802})
                    frames.start()
            out, errors = generator.communicate(timeout=200)
            if frames is not None:
                frames.ended.set()
                frames.join()
    if generator.returncode != 0:
        raise BenchError(f"fanout: {said}{errors[-400:]}")
    p50, p99, worst, received = (int(word) for word in out.split())
    say(f"fanout: {received} events, p50 {p50} us, p99 {p99} us, worst {worst} us")
    values = {"fanout_p50_ms": p50 / 1000, "fanout_p99_ms": p99 / 1000}
    if frames is not None and frames.lost > 0:
        say(f"fanout: {frames.lost} frames between controllers were not seen: the lateness is not known")
    elif frames is not None:
        values["heartbeat_late_ms"] = max(0.0, frames.silence * 1000 - HEARTBEAT_MS)
        say(f"fanout: the longest silence between two controllers was {frames.silence * 1000:.0f} ms; a heartbeat is due each {HEARTBEAT_MS} ms")
    return values


def watches(build: pathlib.Path, kills: int) -> dict[str, float]:
    """Streams that are cut and resumed, and leaders that are killed, while sites are created: what is missing or twice."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DISK")) as folder:
        loads = Loads(build, pathlib.Path(folder))
        cluster = loads.patronus
        names = [f"wt-{i}" for i in range(WATCH_CREATES // 8000 + 1)]
        with loads.running(cluster, "wt") as started:
            documents = ",".join(f'{{"kind": "Organization", "name": "organizations/{name}"}}' for name in names)
            file = pathlib.Path(folder) / "more.json"
            file.write_text(f"[{documents}]")
            cluster.ctl("apply", "-f", str(file))
            generator = subprocess.Popen(loads.words(cluster, "watch", WATCH_CREATES, WATCHES, "wt"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            killed = 0
            while generator.poll() is None and killed < kills:
                time.sleep(6)
                if generator.poll() is None:
                    killed += kill_leader(cluster, started)
            out, errors = generator.communicate(timeout=600)
    if not out:
        raise BenchError(f"watch: {errors[-400:]}")
    events, missing, duplicates, cuts = (int(word) for word in out.split())
    say(f"watch: {events} events at {WATCHES} streams, {cuts} cuts, {killed} leaders killed; {missing} missing, {duplicates} twice {errors[-200:]}")
    return {"watch_events": events, "watch_missing": missing, "watch_duplicate": duplicates}


def leader(cluster: Patronus) -> int | None:
    """The place of the controller that leads; None when nobody does."""
    try:
        answer = run(str(cluster.build / "bin/patronusctl"), "--server", cluster.servers, "--credential", f"{cluster.folder}/admin.pem",
                     "cluster", "status", "-o", "json")
    except BenchError:
        return None
    name = next((word for word in answer.split('"') if word.startswith("controllers/c")), None) if '"leader"' in answer else None
    for part in answer.split('"leader":')[1:]:
        name = part.split('"')[1] or name
    return int(name.rsplit("c", 1)[1]) - 1 if name is not None else None


def kill_leader(cluster: Patronus, started: list[subprocess.Popen[bytes]]) -> int:
    """Kill the leader and start it again at once; 1 when there was one."""
    i = leader(cluster)
    if i is None:
        return 0
    started[i].kill()
    started[i].wait()
    fresh: list[subprocess.Popen[bytes]] = []
    cluster.spawn(fresh, i, cluster.command(i, "run"))
    started[i] = fresh[0]
    return 1
