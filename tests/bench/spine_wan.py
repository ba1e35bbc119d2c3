"""The figures of tests/bench/spine about packets: leader kills, cuts, transfers, twelve sites."""

from __future__ import annotations

import contextlib
import pathlib
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator

from spine_lab import ORG, ROOT, BenchError, Lab, Probe, monotonic_ns, quantile, run, running, say, wait_for

UDP_PAIR = str(ROOT / "tests/bench/udp_pair.py")
SERVER = """
import hashlib, socket, sys
server = socket.create_server(("", 5001)); print("ready", flush=True); peer, _ = server.accept(); digest = hashlib.sha256()
while data := peer.recv(65536): digest.update(data)
print(digest.hexdigest())
"""
CLIENT = """
import hashlib, os, socket, sys
data = os.urandom(10_000_000); sock = socket.create_connection((sys.argv[1], 5001), timeout=20)
sock.sendall(data); sock.shutdown(socket.SHUT_WR); sock.recv(1); print(hashlib.sha256(data).hexdigest())
"""


def four_sites(folder: pathlib.Path) -> str:
    """The shipped three sites and a fourth one."""
    text = (ROOT / "internal/lab/topologies/sites3.lab").read_text()
    site = "site fra\n    lan corp\n    lan guest\n    link internet delay=5ms\n    link mpls transport=mpls delay=4ms\n\n"
    at = text.index("default delay=2ms")
    file = folder / "sites4.lab"
    file.write_text(text[:at] + site + text[at:])
    return str(file)


@contextlib.contextmanager
def pinging(lab: Lab, source: str, target: str, *flags: str) -> Iterator[subprocess.Popen[str]]:
    segment = lab.facts["segments"][0]
    words = lab.at(lab.host(source, segment), "ping", *flags, lab.address(target, segment))
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def lost(report: str) -> int:
    found = re.search(r"(\d+) packets transmitted, (\d+) received", report)
    if found is None:
        raise BenchError(f"ping said: {report[-200:]}")
    return int(found[1]) - int(found[2])


def heal(lab: Lab, victim: str) -> None:
    """Start the killed controller; wait until it votes again and somebody leads."""
    lab.restart(victim)
    lab.controller = lab.survivor(victim)
    wait_for("no leader after the restart", 30, lab.has_leader)
    time.sleep(2)  # the restarted one catches up: the next kill must leave two that are


def one_kill(lab: Lab, policy: str, edge: str, disable: bool) -> int:
    """200 pings from nyc to lon while an edge is killed and restarted and the leader dies under a change of policy."""
    leader = lab.leader()
    lab.controller = lab.survivor(leader)
    with (
        lab.probe(lab.controller, [name for name in lab.controllers() if name != leader]) as probe,
        pinging(lab, "nyc", "lon", "-q", "-c", "200", "-i", "0.05", "-W", "2") as ping,
    ):
        time.sleep(1)
        lab.kill(edge)
        lab.restart(edge)
        victim = lab.pid(leader)
        probe.tell(f"{'disable' if disable else 'enable'} {policy}")
        probe.next(("sent",))
        run("kill", "-9", str(victim))
        report, _ = ping.communicate(timeout=30)
    heal(lab, leader)
    return lost(report)


def leader_kill_lost(lab: Lab, runs: int) -> float:
    policy = lab.deny("bench", "sgp", "lon", lab.facts["segments"][1])
    results = []
    for i in range(max(runs, 1)):
        for edge in ("sgp", "lon"):
            results.append(one_kill(lab, policy, edge, i % 2 == 1))
            say(f"leader killed, {edge} restarted: {results[-1]} of 200 pings lost")
    return max(results)


def one_write_gap(lab: Lab, turn: int) -> float:
    leader = lab.leader()
    lab.controller = lab.survivor(leader)
    with lab.probe(lab.controller, lab.controllers()) as probe:
        probe.tell(f"write 10 {ORG} w{turn}-{time.time_ns() % 1000000}")
        for _ in range(20):
            probe.next(("wrote",))
        victim = lab.pid(leader)
        killed = monotonic_ns()
        run("kill", "-9", str(victim))
        while True:
            began, ended = (int(word) for word in probe.next(("wrote",), 30)[1:3])
            if began > killed:
                break
        probe.tell("stop")
    heal(lab, leader)
    return (ended - killed) / 1e6


def leader_kill_write_ms(lab: Lab, runs: int) -> float:
    results = []
    for i in range(max(runs, 10)):
        results.append(one_write_gap(lab, i))
        say(f"kill to first accepted write: {results[-1]:.0f} ms")
    say(f"median {statistics.median(results):.0f} ms, worst {max(results):.0f} ms of {len(results)}")
    return max(results)


def new_site_s(build: pathlib.Path) -> float:
    with tempfile.TemporaryDirectory() as folder, running(build, four_sites(pathlib.Path(folder)), ("fra",)) as lab:
        leader = lab.leader()
        lab.controller = lab.survivor(leader)
        with pinging(lab, "nyc", "fra", "-D", "-i", "0.05", "-W", "1") as ping:
            time.sleep(0.5)
            lab.kill(leader)
            began = time.time()
            lab.shell("join_site fra")
            assert ping.stdout is not None
            for line in ping.stdout:
                if "bytes from" in line:
                    return float(line[1 : line.index("]")]) - began
                if time.time() - began > 60:
                    break
        raise BenchError("no packet of the new site within 60 s")


def carrier(lab: Lab) -> str:
    """The line of nyc by which the pings leave: in two half seconds in turn its counter leads by half of them."""
    leaders = [""]
    before = lab.frames()
    for _ in range(8):
        time.sleep(0.5)
        after = lab.frames()
        moved = {link: after[link] - before[link] for link in after if link.startswith("nyc/")}
        first, *others = sorted(moved, key=lambda link: -moved[link])
        leaders.append(first if moved[first] - moved[others[0]] > 25 else "")
        if leaders[-1] != "" and leaders[-1] == leaders[-2]:
            return first
        before = after
    raise BenchError(f"no line carries the pings for a second: {leaders}")


def one_cut(lab: Lab) -> float:
    """The line is found under the very pings that are cut: another flow may have another, and keeps it."""
    with pinging(lab, "nyc", "lon", "-D", "-i", "0.01", "-c", "800", "-W", "1") as ping:
        link = carrier(lab)
        lab.lab("link", "cut", link)
        report, _ = ping.communicate(timeout=30)
    lab.lab("link", "restore", link)
    stamps = [float(stamp) for stamp in re.findall(r"^\[([0-9.]+)\] \d+ bytes from", report, re.MULTILINE)]
    if len(stamps) < 100:
        raise BenchError(f"{len(stamps)} answers after the cut of {link}")
    gap = max(b - a for a, b in zip(stamps, stamps[1:]))
    if lost(report) == 0:
        raise BenchError(f"the cut of {link} lost nothing: it did not carry the pings")
    say(f"cut of {link}: {gap * 1000:.0f} ms, {lost(report)} lost; last answer {stamps[-1] - stamps[0]:.2f} s after the first")
    if stamps[-1] - stamps[0] < 3:
        raise BenchError(f"the pings did not come back after the cut of {link}")
    time.sleep(4)  # both paths are up again, and steady
    return gap * 1000


def cut_gap_ms(lab: Lab, runs: int) -> float:
    results = [one_cut(lab) for _ in range(max(runs, 20))]
    say(f"median {statistics.median(results):.0f} ms, worst {max(results):.0f} ms of {len(results)}")
    return max(results)


def transfer(lab: Lab, source: str, target: str) -> bool:
    segment = lab.facts["segments"][0]
    server = subprocess.Popen(
        lab.at(lab.host(target, segment), "timeout", "60", "python3", "-c", SERVER), stdout=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    server.stdout.readline()
    try:
        address = lab.address(target, segment)
        sent = run(*lab.at(lab.host(source, segment), "timeout", "60", "python3", "-c", CLIENT, address), check=False)
        received = server.stdout.readline()
    finally:
        server.kill()
        server.wait()
    return len(sent.strip()) == 64 and sent.strip() == received.strip()


def tcp_digest_ok(lab: Lab, runs: int) -> float:
    good = 0
    for i in range(20):
        began = time.monotonic()
        there, back = transfer(lab, "nyc", "lon"), transfer(lab, "lon", "nyc")
        good += there and back
        say(f"transfer {i + 1}: {there} there, {back} back, {time.monotonic() - began:.1f} s for both")
    return good


def reached(lab: Lab, source: str, segment: str, family: int, into: str, count: int) -> set[str]:
    """Sites whose host in segment `into` answers the host of source in `segment`."""
    script = f'for a in "$@"; do ping -{family} -q -c {count} -i 0.3 -W 2 "$a" >/dev/null && echo "$a" & done; wait'
    addresses = {lab.address(site, into, family): site for site in lab.sites() if (site, segment) != (source, into)}
    said = run(*lab.at(lab.host(source, segment), "bash", "-c", script, "ping", *addresses), check=False)
    return {addresses[address] for address in said.split()}


def b4_pairs_ok(lab: Lab) -> float:
    corp, guest = lab.facts["segments"][:2]
    sites = lab.sites()
    pairs, crossings = 0, 0
    for source in sites:
        both = reached(lab, source, corp, 4, corp, 2) & reached(lab, source, corp, 6, corp, 2)
        crossed = [
            (family, target)
            for family in (4, 6)
            for a, b in ((guest, corp), (corp, guest))
            for target in reached(lab, source, a, family, b, 1)
        ]
        pairs += len(both)
        crossings += len(crossed)
        say(f"{source}: {len(both)} of {len(sites) - 1} reached by IPv4 and IPv6; {len(crossed)} across segments")
    if crossings != 0:
        raise BenchError(f"{crossings} pings crossed segments ({pairs} pairs reached each other)")
    return pairs


def fate_times(probe: Probe, policy: str, changes: int) -> list[tuple[bool, int]]:
    """Deny and permit in turn; when each change was acknowledged."""
    acknowledged = []
    for i in range(changes):
        deny = i % 2 == 0
        probe.tell(f"{'enable' if deny else 'disable'} {policy}")
        event = probe.next(("changed", "failed"), 10)
        if event[0] == "failed":
            raise BenchError(f"the change was refused: {' '.join(event[3:])}")
        acknowledged.append((deny, int(event[2])))
        time.sleep(0.6 + (i % 7) * 0.013)  # no beat with anything periodic
    return acknowledged


def delays(acknowledged: list[tuple[bool, int]], sent: int, arrived: dict[int, tuple[int, int]]) -> list[float]:
    """From each acknowledgement to the first packet of the other fate, ms, by the clock of the packet's arrival."""
    one_way = statistics.median(b - a for a, b in arrived.values())
    left = {number: times[0] for number, times in arrived.items()}
    numbers = sorted(left)
    for before, after in zip(numbers, numbers[1:]):  # a lost packet left in even steps between those that arrived
        for number in range(before + 1, after):
            left[number] = left[before] + (left[after] - left[before]) * (number - before) // (after - before)
    results = []
    for (deny, when), (_, end) in zip(acknowledged, acknowledged[1:] + [(False, acknowledged[-1][1] + 600_000_000)]):
        fates = [(left[n] + one_way, n in arrived) for n in range(sent) if n in left and when < left[n] + one_way < end]
        changed = next((at for at, alive in fates if alive != deny), None)
        if changed is None or sum(alive != deny for _, alive in fates) < len(fates) // 10:
            raise BenchError("a change did not reach the packets before the next one")
        results.append((changed - when) / 1e6)
    return results


def change_to_packet_p99_ms(lab: Lab, runs: int) -> float:
    segment = lab.facts["segments"][0]
    source, target = "s0", "s11"
    policy = lab.deny("bench", source, target, segment)
    receiver = subprocess.Popen(
        lab.at(lab.host(target, segment), sys.executable, UDP_PAIR, "receive", "5002"), stdout=subprocess.PIPE, text=True
    )
    assert receiver.stdout is not None
    receiver.stdout.readline()
    with tempfile.TemporaryFile("w+") as log:
        drain = subprocess.Popen(["cat"], stdin=receiver.stdout, stdout=log)
        sender = subprocess.Popen(
            lab.at(lab.host(source, segment), sys.executable, UDP_PAIR, "send", lab.address(target, segment), "5002", "2"),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        try:
            with lab.probe("c1", ["c1"]) as probe:
                time.sleep(1)
                acknowledged = fate_times(probe, policy, max(runs, 120) // 2 * 2)
            time.sleep(1)
            sent = int(sender.communicate("", timeout=10)[0])
        finally:
            sender.kill()
            receiver.send_signal(signal.SIGTERM)
            receiver.wait()
            drain.wait(timeout=5)
        log.seek(0)
        rows = [[int(word) for word in line.split()] for line in log if line.count(" ") == 2]
    arrived = {number: (left, at) for number, left, at in rows}
    results = delays(acknowledged, sent, arrived)
    say(f"{len(results)} changes: p50 {quantile(results, 0.5):.0f} ms, p99 {quantile(results, 0.99):.0f} ms, "
        f"worst {max(results):.0f} ms")
    return quantile(results, 0.99)
