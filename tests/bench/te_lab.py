#!/usr/bin/env python3
"""Figures of traffic engineering in the 12-site lab: te_lab.py [--build build/release] [--runs 20]

down_to_push_p99_ms  a line is cut silently; until the last bundle that follows from it is in force, at whichever node that is
matrix_error         bytes by the traffic matrix against the bytes that hosts sent, the worst of 12 cells
drain_lost, drain_s  a link that carries 200 packets a second is drained and put back: packets lost in all; the slowest drain

Needs root. Called by tests/bench/te.
"""

from __future__ import annotations

import argparse
import datetime
import json
import pathlib
import re
import signal
import subprocess
import sys
import time

from spine_lab import ORG, ROOT, BenchError, Lab, quantile, running, say, wait_for

UDP_PAIR = str(ROOT / "tests/bench/udp_pair.py")
STAMP = re.compile(r"^(\S+Z) info +bundle in force", re.MULTILINE)
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


def in_force(lab: Lab, since: float) -> list[float]:
    """When bundles came into force at any node after an instant, seconds since 1970."""
    found = []
    for site in lab.sites():
        for text in STAMP.findall((lab.run / "nodes" / site / "patronusd.log").read_text()):
            at = datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
            if at >= since - 0.001:
                found.append(at)
    return found


def wait_until_quiet(lab: Lab, seconds: float = 3.0) -> None:
    wait_for("bundles keep changing", 60, lambda: not in_force(lab, time.time() - seconds), 0.2)


def down_to_push_p99_ms(lab: Lab, runs: int) -> float:
    results = []
    links = [f"{node['name']}/{link['name']}" for node in lab.facts["nodes"] if node["role"] == "site"
             for link in node["links"] if link["name"] != "internet"]
    for i in range(runs):
        link = links[i * 7 % len(links)]
        wait_until_quiet(lab)
        lab.lab("link", "cut", link)
        cut = time.time()  # the relay has answered: nothing crosses from here on
        wait_for(f"no new state after {link} was cut", 5, lambda since=cut: bool(in_force(lab, since)), 0.02)
        time.sleep(1.5)  # whatever follows from it
        results.append((max(in_force(lab, cut)) - cut) * 1000)
        lab.lab("link", "restore", link)
    say(f"{runs} cuts: p50 {quantile(results, 0.5):.0f} ms, p99 {quantile(results, 0.99):.0f} ms, all "
        + " ".join(f"{value:.0f}" for value in results))
    return quantile(results, 0.99)


def matrix_cells(lab: Lab) -> dict[tuple[str, str, str], int]:
    cells = {}
    for line in lab.shell(f"ctl te matrix -p {ORG}").splitlines():
        words = line.split()
        cells[words[0].split("/")[-1], words[1].split("/")[-1], words[2]] = int(words[-2])
    return cells


def matrix_error(lab: Lab, _: int) -> float:
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
        sender.wait()
    time.sleep(2.5)  # the last report
    after = matrix_cells(lab)
    errors = [abs(after.get(cell, 0) - before.get(cell, 0) - size) / size for cell, size in sent.items()]
    say(f"{len(sent)} cells, {sum(sent.values())} bytes: worst error {max(errors):.4f}")
    return max(errors)


def drains(lab: Lab, runs: int) -> tuple[int, float]:
    segment = lab.facts["segments"][0]
    source, target = "s0", "s11"
    receiver = subprocess.Popen(
        lab.at(lab.host(target, segment), sys.executable, UDP_PAIR, "receive", "5003"), stdout=subprocess.PIPE, text=True)
    assert receiver.stdout is not None
    receiver.stdout.readline()
    log = (lab.state / "drain.log").open("w+")
    pump = subprocess.Popen(["cat"], stdin=receiver.stdout, stdout=log)
    sender = subprocess.Popen(
        lab.at(lab.host(source, segment), sys.executable, UDP_PAIR, "send", lab.address(target, segment), "5003", "5"),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    times = []
    try:
        time.sleep(1)
        for _ in range(runs):
            answer = json.loads(lab.shell(f"ctl te explain {source} {target} -p {ORG} -o json"))
            carrying = [path["links"] for path in answer["paths"] if path.get("tier", 0) == 0]
            link = carrying[0][0]
            began = time.monotonic()
            lab.shell(f"ctl links drain {link}")
            times.append(time.monotonic() - began)
            time.sleep(0.5)
            lab.shell(f"ctl links undrain {link}")
            time.sleep(0.5)
        time.sleep(1)
        sent = int(sender.communicate("", timeout=10)[0])
        time.sleep(1)
    finally:
        sender.kill()
        receiver.send_signal(signal.SIGTERM)
        receiver.wait()
        pump.wait(timeout=5)
    log.seek(0)
    arrived = sum(1 for line in log if line.count(" ") == 2)
    log.close()
    say(f"{runs} drains under {sent} packets: {sent - arrived} lost, p50 {quantile(times, 0.5):.2f} s, slowest "
        f"{max(times):.2f} s with the start of the command line")
    return sent - arrived, max(times)


def show(figure: str, value: float, goal: float) -> None:
    met = value == goal if goal == 0 else value <= goal
    print(f"figure {figure} {value:g} goal {goal:g} {'met' if met else 'short'}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release")
    parser.add_argument("--runs", type=int, default=20)
    arguments = parser.parse_args()
    try:
        with running(arguments.build.resolve(), "--b4") as lab:
            error = matrix_error(lab, 1)
            lost, slowest = drains(lab, max(arguments.runs // 4, 3))
            show("down_to_push_p99_ms", down_to_push_p99_ms(lab, arguments.runs), 300)
            show("matrix_error", error, 0.02)
            show("drain_lost", lost, 0)
            show("drain_s", slowest, 5)
    except BenchError as error_text:
        print(f"te_lab: {error_text}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
