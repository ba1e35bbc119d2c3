#!/usr/bin/env python3
"""Figures of traffic engineering in the 12-site lab: te_lab.py [--build build/release] [--runs 20]

matrix_error         bytes by the traffic matrix against the bytes that hosts sent, the worst of 12 cells
drain_lost, drain_s  a link that carries 200 packets a second is drained and put back: packets lost in all; the slowest drain, the start of
                     the command line in it. Beside it what is lost in as long a time without a drain: on a busy machine that is not 0
down_to_push_p99_ms  a line is cut silently, with the sample's steering policies in force; until the last bundle of those that the leader
                     planned within half a second is in force, at whichever node that is, also one that has to find the leader first

Needs root. Called by tests/bench/te. Figures are printed as they come; one that cannot be measured costs no other.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import json
import pathlib
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable

from spine_lab import ORG, ROOT, BenchError, Lab, quantile, running, say, wait_for

UDP_PAIR = str(ROOT / "tests/bench/udp_pair.py")
IN_FORCE = re.compile(r"^(\S+Z) info +bundle in force term=(\d+) generation=(\d+)", re.MULTILINE)
PLANNED = re.compile(r"^(\S+Z) info +planned generation=(\d+)", re.MULTILINE)
BURST = """
import socket, sys, time
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, int(sys.argv[3]) << 2)
due = time.monotonic()
for _ in range(int(sys.argv[2])):
    sock.sendto(bytes(972), (sys.argv[1], 9))
    due += 0.005
    time.sleep(max(0.0, due - time.monotonic()))
"""


def instant(text: str) -> float:
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def in_force(lab: Lab) -> list[tuple[float, int, str]]:
    """Every bundle that came into force: when, seconds since 1970, its generation, and where."""
    return [(instant(at), int(generation), site) for site in lab.sites()
            for at, _, generation in IN_FORCE.findall((lab.run / "nodes" / site / "patronusd.log").read_text())]


def planned(lab: Lab) -> list[tuple[float, int]]:
    """Every generation that a leader planned, and when. The lab's leader does not change meanwhile."""
    return [(instant(at), int(generation)) for node in lab.controllers()
            for at, generation in PLANNED.findall((lab.run / "nodes" / node / "patronusd.log").read_text())]


def wait_until_quiet(lab: Lab, seconds: float = 3.0) -> None:
    wait_for("bundles keep changing", 60, lambda: all(at < time.time() - seconds for at, _ in planned(lab)), 0.2)


def down_to_push_p99_ms(lab: Lab, runs: int) -> float:
    cuts = []
    links = [f"{node['name']}/{link['name']}" for node in lab.facts["nodes"] if node["role"] == "site"
             for link in node["links"] if link["name"] != "internet"]
    for i in range(runs):
        link = links[i * 7 % len(links)]
        wait_until_quiet(lab)
        lab.lab("link", "cut", link)
        cuts.append((time.time(), link))  # the relay has answered: nothing crosses from here on
        time.sleep(1.5)  # whatever follows from it
        lab.lab("link", "restore", link)
    wait_until_quiet(lab)
    results, plans, bundles = [], planned(lab), in_force(lab)
    for (cut, link), (end, _) in zip(cuts, [*cuts[1:], (time.time(), "")], strict=True):
        plan_of = {generation: at - cut for at, generation in reversed(plans) if cut <= at < cut + 0.5}
        arrived = [(at - cut, site) for at, generation, site in bundles if generation in plan_of and cut <= at < end]
        if not arrived:
            raise BenchError(f"no new state after {link} was cut")
        last, site = max(arrived)
        first = min(plan_of.values())
        say(f"{link}: planned after {first * 1000:.0f} ms, in force at {len({site for _, site in arrived})} nodes, last {site} after "
            f"{last * 1000:.0f} ms")
        results.append(last * 1000)
    say(f"{runs} cuts: p50 {quantile(results, 0.5):.0f} ms, p99 {quantile(results, 0.99):.0f} ms")
    return quantile(results, 0.99)


def matrix_cells(lab: Lab) -> dict[tuple[str, str, str], int]:
    cells = {}
    for line in lab.shell(f"ctl te matrix -p {ORG}").splitlines()[1:]:  # below the heading
        words = line.split()
        cells[words[0].split("/")[-1], words[1].split("/")[-1], words[2]] = int(words[-1])
    return cells


def matrix_error(lab: Lab) -> float:
    segment = lab.facts["segments"][0]
    sites = lab.sites()
    before = matrix_cells(lab)
    sent = {}
    senders = []
    for i, source in enumerate(sites):
        target = sites[(i * 5 + 3) % len(sites)] if sites[(i * 5 + 3) % len(sites)] != source else sites[i - 1]
        packets, dscp, name = (400 + 25 * i, 46, "REALTIME") if i % 2 else (400 + 25 * i, 10, "BULK")
        sent[source, target, name] = packets * 1000  # with their headers
        senders.append(subprocess.Popen(lab.at(lab.host(source, segment), sys.executable, "-c", BURST,
                                               lab.address(target, segment), str(packets), str(dscp))))
    for sender in senders:
        sender.wait(timeout=60)

    def counted() -> dict[tuple[str, str, str], int]:
        after = matrix_cells(lab)
        return {cell: after.get(cell, 0) - before.get(cell, 0) for cell in sent}

    with contextlib.suppress(BenchError):  # what reports have not brought by then counts as missing
        wait_for("reports are missing", 15, lambda: all(counted()[cell] >= size for cell, size in sent.items()), 0.5)
    cells = counted()
    errors = [abs(cells[cell] - size) / size for cell, size in sent.items()]
    say(f"{len(sent)} cells, {sum(sent.values())} bytes: worst error {max(errors):.4f}")
    return max(errors)


class Stream:
    """Packets from one host to another each 5 ms; lost() is what has stayed out since the last call."""

    def __init__(self, lab: Lab, source: str, target: str) -> None:
        segment = lab.facts["segments"][0]
        self.log = (lab.state / "stream.log").open("w+")
        self.receiver = subprocess.Popen(
            lab.at(lab.host(target, segment), sys.executable, UDP_PAIR, "receive", "5003"), stdout=self.log)
        wait_for("the receiver does not start", 20, lambda: "ready" in self.read())
        self.sender = subprocess.Popen(
            lab.at(lab.host(source, segment), sys.executable, UDP_PAIR, "send", lab.address(target, segment), "5003", "5"),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.seen = 0
        wait_for("nothing arrives", 20, lambda: self.last() > 50)

    def read(self) -> str:
        self.log.flush()
        return pathlib.Path(self.log.name).read_text()

    def numbers(self) -> list[int]:
        return [int(line.split()[0]) for line in self.read().splitlines() if line.count(" ") == 2]

    def last(self) -> int:
        return max(self.numbers(), default=-1)

    def lost(self) -> tuple[int, int]:
        """Packets lost, and sent, since the last call: counted once a later one has arrived and stragglers had their time."""
        end = self.last()
        wait_for("packets stopped", 20, lambda: self.last() > end + 100)
        arrived = set(self.numbers())
        begin, self.seen = self.seen, end
        return sum(number not in arrived for number in range(begin, end)), end - begin

    def close(self) -> None:
        for process in (self.sender, self.receiver):
            process.terminate()
            process.wait(timeout=10)
        self.log.close()


def drains(lab: Lab, runs: int) -> tuple[int, float]:
    source, target = "s0", "s11"
    stream = Stream(lab, source, target)
    times = []
    try:
        stream.lost()
        began = time.monotonic()
        for _ in range(runs):
            answer = json.loads(lab.shell(f"ctl te explain {source} {target} -p {ORG} -o json"))
            link = next(path["links"][0] for path in answer["paths"] if path.get("tier", 0) == 0)
            at = time.monotonic()
            lab.shell(f"ctl links drain {link}")
            times.append(time.monotonic() - at)
            time.sleep(0.5)
            lab.shell(f"ctl links undrain {link}")
            time.sleep(0.5)
        lost, sent = stream.lost()
        time.sleep(max(0.0, time.monotonic() - began - 1))
        without, as_many = stream.lost()
    finally:
        stream.close()
    say(f"{runs} drains under {sent} packets: {lost} lost (in {as_many} packets without a drain: {without}), p50 {quantile(times, 0.5):.2f} s, "
        f"slowest {max(times):.2f} s with the start of the command line")
    if lost > 0:
        say(lab.shell(f"ctl -p {ORG} explain drop"))
    return lost, max(times)


def show(figure: str, value: float, goal: float) -> None:
    met = value == goal if goal == 0 else value <= goal
    print(f"figure {figure} {value:g} goal {goal:g} {'met' if met else 'short'}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release")
    parser.add_argument("--runs", type=int, default=20)
    arguments = parser.parse_args()
    status = 0

    def measure(names: tuple[str, ...], goals: tuple[float, ...], what: Callable[[], tuple[float, ...]]) -> None:
        nonlocal status
        try:
            for name, goal, value in zip(names, goals, what(), strict=True):
                show(name, value, goal)
        except (BenchError, OSError, subprocess.SubprocessError, KeyError, ValueError, IndexError, StopIteration) as error:
            print(f"te_lab: {' '.join(names)}: {error}", file=sys.stderr)
            status = 1

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the lab is taken down on the way out
    try:
        with running(arguments.build.resolve(), "--b4") as lab:
            measure(("matrix_error",), (0.02,), lambda: (matrix_error(lab),))
            measure(("drain_lost", "drain_s"), (0, 5), lambda: drains(lab, max(arguments.runs // 4, 3)))
            measure(("down_to_push_p99_ms",), (300,), lambda: (down_to_push_p99_ms(lab, arguments.runs),))
    except BenchError as error:
        print(f"te_lab: the lab: {error}", file=sys.stderr)
        return 1
    return status


if __name__ == "__main__":
    sys.exit(main())
