"""Traces behind tests/bench/write-path: perf records, and what is read from them."""

from __future__ import annotations

import collections
import contextlib
import os
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator

from spine_lab import BenchError, run

OURS = ("patronusd", "raft-log", "store", "raft-snap", "generator")
DEPTH_MAX = 14  # of the tree that is printed
LEAST = 0.01  # of all samples; what has less is left out
SWITCH = re.compile(r"prev_comm=(.*?) prev_pid=(\d+) prev_prio=-?\d+ prev_state=(\S+) ==> next_comm=(.*?) next_pid=(\d+)")
WAKING = re.compile(r"comm=(.*?) pid=(\d+)")
EVENT = re.compile(r"\s*.*?\s+\d+\s+\[(\d+)\]\s+([\d.]+):\s+sched:(\w+): (.*)")
SAMPLE = re.compile(r"(\S.*?)\s+(\d+)/\d+\s+[\d.]+:")
FRAME = re.compile(r"\s+[0-9a-f]+\s+(.*?)\s+\((.*)\)\s*$")


@contextlib.contextmanager
def recording(words: list[str], fields: str) -> Iterator[list[str]]:
    """perf, around what the body does; its lines are in the list behind it."""
    lines: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        recorder = subprocess.Popen([*words, "-o", f"{folder}/data"], stderr=subprocess.PIPE, text=True)
        time.sleep(0.5)  # perf does not say when it has begun; what it misses is the load's own beginning
        try:
            yield lines
        finally:
            recorder.send_signal(signal.SIGINT)
            _, complaint = recorder.communicate(timeout=60)
        if not os.path.exists(f"{folder}/data"):
            raise BenchError(f"perf does not record: {complaint[-300:]}")
        lines += run("perf", "script", "-i", f"{folder}/data", "--ns", "-F", fields, timeout=300).splitlines()


def record_idle() -> contextlib.AbstractContextManager[list[str]]:
    return recording(["perf", "sched", "record", "-a", "-m", "8192"], "comm,pid,cpu,time,event,trace")


def record_stacks(pids: list[int]) -> contextlib.AbstractContextManager[list[str]]:
    """32 KiB of each stack: gRPC's are deep."""
    return recording(["perf", "record", "-p", ",".join(map(str, pids)), "-e", "cpu-clock", "-F", "499", "--call-graph", "dwarf,32768", "-m", "4096"],
                     "comm,pid,tid,time,ip,sym,dso")


class Processors:
    """Who runs, who is ready and since what, as the events are read."""

    def __init__(self, leads: int) -> None:
        self.leads = leads
        self.runs = {cpu: 0 for cpu in range(os.cpu_count() or 1)}
        self.names: dict[int, str] = {}
        self.ready: dict[int, str] = {}  # why it is

    def name(self, pid: int) -> str:
        return "the leader" if pid == self.leads else self.names.get(pid, "?")

    def take(self, cpu: int, event: str, text: str) -> None:
        if event in ("sched_waking", "sched_wakeup") and (found := WAKING.search(text)):
            self.names[int(found[2])] = found[1]
            self.ready.setdefault(int(found[2]), "woken")
        elif event == "sched_switch" and (found := SWITCH.search(text)):
            before, after = int(found[2]), int(found[5])
            self.names |= {before: found[1], after: found[4]}
            self.ready.pop(after, None)
            if before != 0 and found[3].startswith("R"):
                self.ready[before] = f"put off for {self.name(after)}"
            else:
                self.ready.pop(before, None)
            self.runs[cpu] = after

    def state(self) -> list[str]:
        """What holds now, of what is counted."""
        busy = [pid for pid in self.runs.values() if pid != 0]
        if len(busy) == len(self.runs):
            return ["all processors busy"]
        waits = [pid for pid in self.ready if pid not in busy and self.names.get(pid) in OURS]
        if not waits:
            return ["a processor idle, nobody of ours ready"]
        running = ", ".join(sorted(map(self.name, busy))) or "nobody"
        return ["a processor idle, somebody of ours ready", *(f"  {self.name(pid)} ({self.ready[pid]}) while {running} runs" for pid in waits[:1])]


def idle_by_cause(lines: list[str], leads: int) -> list[str]:
    """Parts of the time between the generator's first and last switches, largest first."""
    events = sorted((float(found[2]), int(found[1]), found[3], found[4]) for found in map(EVENT.match, lines) if found)
    loaded = [time for time, _, event, text in events if event == "sched_switch" and "next_comm=generator" in text]
    if len(loaded) < 100:
        raise BenchError("perf sched saw no load: is perf allowed to (root)?")
    begin, end = loaded[len(loaded) // 20], loaded[-len(loaded) // 20]
    processors = Processors(leads)
    spent: collections.Counter[str] = collections.Counter()
    last = events[0][0]
    for at, cpu, event, text in events:
        if begin <= last and at <= end:
            for state in processors.state():
                spent[state] += at - last
        processors.take(cpu, event, text)
        last = at
    return [f"{100 * time / (end - begin):5.1f} % {state}" for state, time in spent.most_common(16)]


def stacks(lines: list[str]) -> Iterator[tuple[str, int, list[tuple[str, str]]]]:
    """Thread's name, process, and frames (function, file) from the innermost out, of each sample."""
    name, pid, frames = "", 0, []
    for line in lines:
        if found := SAMPLE.match(line):
            if frames:
                yield name, pid, frames
            name, pid, frames = found[1], int(found[2]), []
        elif found := FRAME.match(line):
            frames.append((found[1].removesuffix(" (inlined)").partition("+0x")[0], found[2].rsplit("/", 1)[-1]))
    if frames:
        yield name, pid, frames


def own(function: str, file: str) -> str:
    """A function of ours by its name, others by their library's."""
    if file in ("patronusd", "inlined"):
        return function
    return "[kernel]" if "kernel" in file else f"[{file.partition('.so')[0]}]"


def time_by_function(lines: list[str], leads: int) -> list[str]:
    """Samples by role and thread, and the tree of the loops' functions."""
    threads: collections.Counter[str] = collections.Counter()
    tree: collections.Counter[tuple[str, ...]] = collections.Counter()
    total = 0
    for name, pid, frames in stacks(lines):
        total += 1
        threads[f"{'leader' if pid == leads else 'followers'}, {name}"] += 1
        path = [own(*frame) for frame in reversed(frames)]
        if "run_node" in path:
            path = path[path.index("run_node"):]
            path = [step for i, step in enumerate(path) if i == 0 or step != path[i - 1]]
            for depth in range(1, min(len(path), DEPTH_MAX) + 1):
                tree[tuple(path[:depth])] += 1
    out = [f"{100 * count / total:5.1f} % {thread}" for thread, count in threads.most_common()]
    for path, count in sorted(tree.items(), key=lambda item: rank(tree, item[0])):
        if count >= LEAST * total:
            out.append(f"{100 * count / total:5.1f} % {'  ' * (len(path) - 1)}{path[-1]}")
    return out


def rank(tree: collections.Counter[tuple[str, ...]], path: tuple[str, ...]) -> list[tuple[int, str]]:
    """Parents before children, larger ones first."""
    return [(-tree[path[:depth]], path[depth - 1]) for depth in range(1, len(path) + 1)]
