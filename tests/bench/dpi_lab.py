#!/usr/bin/env python3
"""Figures of packet inspection beside ndpiReader: dpi_lab.py [--build build/release] [--capture FILE] [--rounds N] [--megabytes N]

dpi_agree    of the flows of a capture that dpi_corpus.py makes, those to which `patronusctl classify` and ndpiReader give the same
             label: both the application and what carries it. A flow that only one of them has counts against
dpi_hit_ns   a packet of a classified flow: parse, find, count; worst of 1,024 and 16,384 flows, as many as a node keeps, in
             random order (bench_dpi; 65,536 beside it)
dpi_ratio    packets a second of processor time over ndpiReader's, the whole way from file to verdicts, of the same capture, alternating;
             what each takes for a capture of one packet is its start and is taken off. Median, and the worst pair

Needs root for the capture; --capture FILE compares on a file that is there. Called by tests/bench/traffic.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

import dpi_corpus
from spine_lab import ROOT, BenchError, run, say

REPEATS = 9
NODE_FLOWS = 16384
Key = tuple[int, tuple[str, int], tuple[str, int]]


def figure(name: str, value: float | None, goal: float, at_most: bool, places: int) -> None:
    if value is None:
        print(f"figure {name} - missing", flush=True)
        return
    met = value <= goal if at_most else value >= goal
    print(f"figure {name} {value:.{places}f} goal {'<=' if at_most else '>='}{goal:g} {'met' if met else 'short'}", flush=True)


def key(protocol: int, source: str, source_port: int, destination: str, destination_port: int) -> Key:
    low, high = sorted(((source, source_port), (destination, destination_port)))
    return protocol, low, high


def catalogue() -> dict[str, str]:
    """Our names of what libndpi calls otherwise."""
    text = (ROOT / "internal/dpi/catalog.def").read_text()
    return {theirs: ours for ours, theirs in re.findall(r'^X\(\d+, "([^"]+)", "([^"]+)"\)', text, re.M)}


def ours(binary: pathlib.Path, capture: pathlib.Path) -> tuple[dict[Key, tuple[str, str]], str]:
    done = subprocess.run([binary, "classify", "-o", "json", "--statistics", capture], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BenchError(done.stderr.strip())
    flows = {key(f["protocol"], f["source"], f["sourcePort"], f["destination"], f["destinationPort"]): (f["carrier"], f["signature"])
             for f in json.loads(done.stdout)}
    return flows, done.stderr.strip()


def theirs(capture: pathlib.Path, work: pathlib.Path) -> dict[Key, tuple[str, str]]:
    """What ndpiReader says; its table leaves flows out that it does not know."""
    names = catalogue()
    run("ndpiReader", "-i", str(capture), "-C", str(work / "reader.csv"))
    flows: dict[Key, tuple[str, str]] = {}
    with (work / "reader.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            words = [names.get(word, "?" + word) for word in row["ndpi_proto"].split(".", 1)]
            flows[key(int(row["protocol"]), row["src_ip"], int(row["src_port"]), row["dst_ip"], int(row["dst_port"]))] = (
                words[0] if len(words) > 1 else "", words[-1])
    return flows


def compare(binary: pathlib.Path, capture: pathlib.Path, work: pathlib.Path) -> float:
    mine, counts = ours(binary, capture)
    reader = theirs(capture, work)
    same = 0
    for flow in mine.keys() | reader.keys():
        a, b = mine.get(flow), reader.get(flow, ("", "unknown"))
        same += a == b
        if a != b:
            say(f"differs: {flow}: {a} here, {b} by ndpiReader")
    say(counts)
    say(f"flows {len(mine)}, of ndpiReader {len(reader)} with a label, the same {same}")
    labels = capture.with_name("labels.json")
    if labels.exists():
        known = json.loads(labels.read_text())
        judged = [(flow, name) for flow, (_, name) in mine.items() if flow[1][0] in known or flow[2][0] in known]
        right = sum(name in known.get(flow[1][0], known.get(flow[2][0], "")).split() for flow, name in judged)
        unknown = sum(name == "unknown" for _, name in judged)
        say(f"by what the flows are: {right} of {len(judged)} right ({right / max(1, len(judged)):.3f}), unknown share {unknown / max(1, len(judged)):.3f}")
    return same / max(1, len(mine.keys() | reader.keys()))


def cpu_seconds(*words: str | pathlib.Path) -> float:
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise BenchError(f"{words[0]} fails on {words[-1]}")
    return usage.ru_utime + usage.ru_stime


def first_packet(capture: pathlib.Path, work: pathlib.Path) -> pathlib.Path:
    """A capture of one packet. The capture is of tcpdump here: little-endian pcap."""
    with capture.open("rb") as file:
        head = file.read(24 + 16)
        size = int.from_bytes(head[32:36], "little")
        (work / "one.pcap").write_bytes(head + file.read(size))
    return work / "one.pcap"


def ratio(binary: pathlib.Path, capture: pathlib.Path, work: pathlib.Path) -> float:
    one = first_packet(capture, work)
    here, reader = (binary, "classify"), ("ndpiReader", "-q", "-i")
    starts = [statistics.median(cpu_seconds(*words, one) for _ in range(REPEATS)) for words in (here, reader)]
    pairs = [(cpu_seconds(*here, capture) - starts[0], cpu_seconds(*reader, capture) - starts[1]) for _ in range(REPEATS)]
    if min(min(pair) for pair in pairs) <= 0.005:
        raise BenchError("the capture is too small: a start takes as long")
    ratios = sorted(b / a for a, b in pairs)
    middle = [statistics.median(pair[n] for pair in pairs) for n in (0, 1)]
    say(f"ratio: median {ratios[REPEATS // 2]:.2f}, worst pair {ratios[0]:.2f}; processor time {middle[0]:.3f} s here, {middle[1]:.3f} s "
        f"ndpiReader, after starts of {starts[0]:.3f} and {starts[1]:.3f} s")
    return ratios[REPEATS // 2]


def hit_ns(build: pathlib.Path) -> float:
    out = run(str(build / "bench/bench_dpi"), "1024", "16384", "65536")
    rows = [line.split() for line in out.splitlines()]
    say("hit: " + ", ".join(f"{flows} flows {value} ns" for _, flows, value in rows))
    return max(float(value) for flows, value in ((int(flows), value) for _, flows, value in rows) if flows <= NODE_FLOWS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release")
    parser.add_argument("--capture", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--megabytes", type=int, default=5)
    options = parser.parse_args()
    binary = options.build / "bin/patronusctl"
    figures: dict[str, float | None] = {"dpi_agree": None, "dpi_hit_ns": None, "dpi_ratio": None}
    with tempfile.TemporaryDirectory(prefix="ptdpi.") as name:
        work = pathlib.Path(name)
        capture = options.capture
        try:
            if capture is None:
                dpi_corpus.make(work, options.rounds, options.megabytes)
                capture = work / "corpus.pcap"
            figures["dpi_agree"] = compare(binary, capture, work)
            figures["dpi_ratio"] = ratio(binary, capture, work)
            figures["dpi_hit_ns"] = hit_ns(options.build)
        except (BenchError, OSError, subprocess.SubprocessError) as error:
            say(f"error: {error}")
    figure("dpi_agree", figures["dpi_agree"], 0.95, False, 3)
    figure("dpi_hit_ns", figures["dpi_hit_ns"], 100, True, 1)
    figure("dpi_ratio", figures["dpi_ratio"], 3, False, 2)
    sys.exit(0 if None not in figures.values() else 1)


if __name__ == "__main__":
    main()
