#!/usr/bin/env python3
"""Figures of explain in a cluster of three sites: explain_lab.py [--build build/release]

explain_right   of 100 scripted flows the ones that `patronusctl explain flow` explains rightly: verdict, policy and rule, the policy's
                revision then, destination, class, first link of the path, whether the flow is under way. Half of them are gone: their entries
                are deleted from the edge's flow cache and their policy has been replaced by one with other places for its rules
explain_p99_ms  how long the answers took, the start of the command in it

Needs root. Called by tests/bench/traffic.
"""

from __future__ import annotations

import argparse
import datetime
import json
import pathlib
import signal
import subprocess
import sys
import time

from spine_lab import ORG, ROOT, BenchError, Lab, quantile, run, running, say, wait_for

FLOWS = 50  # of each half
CLASSES = {0: "STANDARD", 9: "STANDARD", 18: "INTERACTIVE", 26: "STREAMING"}
SEND = """
import socket, sys
for word in sys.argv[1:]:
    port, target, dscp = word.split(",")
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("", int(port)))
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, int(dscp) << 2)
    for _ in range(3):
        sock.sendto(b"explain", (target, 9))
"""
FORGET = """
import ctypes, os, socket, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
def bpf(command, attributes):
    return libc.syscall(321, command, attributes, len(attributes))
path = ctypes.create_string_buffer(sys.argv[1].encode())
fd = bpf(7, struct.pack("=QII", ctypes.addressof(path), 0, 0) + bytes(112))
assert fd >= 0, os.strerror(ctypes.get_errno())
for word in sys.argv[3:]:
    source, port, target = word.split(",")
    key = socket.inet_aton(source) + socket.inet_aton(target) + struct.pack("=HHI", int(port), 9, int(sys.argv[2]) | 17 << 24)
    data = ctypes.create_string_buffer(key)
    assert bpf(3, struct.pack("=IIQQQ", fd, 0, ctypes.addressof(data), 0, 0) + bytes(96)) == 0, word
"""


class Case:
    def __init__(self, port: int, target: str, dscp: int, gone: bool) -> None:
        self.port, self.target, self.dscp, self.gone = port, target, dscp, gone
        self.at = ""


def cases(first: int, gone: bool) -> list[Case]:
    return [Case(first + n, ("lon", "sgp")[n % 2], (0, 9, 18, 26)[n // 2 % 4], gone) for n in range(FLOWS)]


class Bench:
    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.source = lab.address("nyc", "corp")
        node = next(node for node in lab.facts["nodes"] if node["name"] == "nyc")
        self.links = {18: node["links"][0], 26: node["links"][1]}
        self.revisions: dict[bool, int] = {}
        addresses = [item["links"][0]["address"].split("/")[0] for item in lab.facts["nodes"] if item["role"] == "controller"]
        self.servers = ",".join(f"{address}:7400" for address in addresses)

    def ctl(self, words: str) -> str:
        return self.lab.shell(f"ctl {words}")

    def put_policy(self, order: list[int], gone: bool) -> None:
        """Rules for DSCPs in an order; back when the edge decides by them."""
        rule = {9: {"dscps": [9], "preference": "DENY"}}
        for dscp, link in self.links.items():
            rule[dscp] = {"dscps": [dscp], "preference": "PREFER", "underlays": [link["underlay"]]}
        policy = {"kind": "SteeringPolicy", "name": f"{ORG}/steeringPolicies/explain", "segment": f"{ORG}/segments/corp",
                  "priority": 1, "rules": [rule[dscp] for dscp in order]}
        file = self.lab.state / "explain.json"
        file.write_text(json.dumps([policy]))
        self.ctl(f"apply -f {file}")
        got = json.loads(self.ctl(f"get {ORG}/steeringPolicies/explain -o json"))
        self.revisions[gone] = int(got["revision"])
        self.order = order

        def in_force() -> bool:
            edge = json.loads(self.ctl(f"get {ORG}/sites/nyc/edges/e1 -o json"))
            seen = self.probe_rule()
            return bool(edge.get("connected")) and seen == (order.index(9), self.revisions[gone])

        wait_for("the edge does not decide by the policy", 60, in_force)

    def probe_rule(self) -> tuple[int, int]:
        """A new denied flow, and which rule and revision it met."""
        self.port = getattr(self, "port", 50000) + 1
        target = self.lab.address("lon", "corp")
        self.send([f"{self.port},{target},9"])
        answer = self.ask(self.port, target, "", check=False)
        return int(answer.get("rule", 0)), int(answer.get("ruleRevision", 0))

    def send(self, words: list[str]) -> None:
        subprocess.run(self.lab.at(self.lab.host("nyc", "corp"), sys.executable, "-c", SEND, *words), check=True)

    def ask(self, port: int, target: str, at: str, check: bool = True) -> dict:
        words = [self.lab.ctl_path, "--server", self.servers, "--credential", str(self.lab.state / "admin.pem"), "-p", ORG,
                 "-o", "json", "explain", "flow", f"{self.source}:{port}", f"{target}:9/udp"]
        try:
            return json.loads(run(*self.lab.at(self.lab.controller, *words), *(["--at", at] if at else [])))
        except BenchError:
            if check:
                raise
            return {}

    def run(self, batch: list[Case]) -> None:
        self.send([f"{case.port},{self.lab.address(case.target, 'corp')},{case.dscp}" for case in batch])
        time.sleep(0.3)
        at = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
        for case in batch:
            case.at = at if case.gone else ""

    def forget(self, batch: list[Case]) -> None:
        vni = json.loads(self.ctl(f"get {ORG}/segments/corp -o json"))["vni"]
        pins = sorted((self.lab.run / "nodes/nyc/bpf/pin").glob("**/pt_flows4"))
        words = [f"{self.source},{case.port},{self.lab.address(case.target, 'corp')}" for case in batch]
        subprocess.run(self.lab.at("nyc", sys.executable, "-c", FORGET, str(pins[-1]), str(vni), *words), check=True)

    def wrong(self, case: Case, answer: dict, order: list[int]) -> str:
        """What is not right about an answer; "" when all is."""
        chosen = [path["link"] for path in answer.get("paths", []) if path.get("chosen")]
        expected = {"present": not case.gone, "trafficClass": CLASSES[case.dscp],
                    "destinationSite": f"{ORG}/sites/{case.target}",
                    "verdict": "DROPPED" if case.dscp == 9 else "BY_PATH", "reason": "policy_deny" if case.dscp == 9 else ""}
        if case.dscp != 0:
            expected |= {"steeringPolicy": f"{ORG}/steeringPolicies/explain", "rule": order.index(case.dscp),
                         "ruleRevision": self.revisions[case.gone]}
        else:
            expected |= {"steeringPolicy": ""}
        for field, value in expected.items():
            got = answer.get(field, type(value)())
            if (int(got) if isinstance(value, int) else got) != value:
                return f"{field} is {got}, not {value}"
        if case.dscp != 9 and len(chosen) != 1:
            return f"{len(chosen)} paths are chosen"
        link = self.links.get(case.dscp)
        if link is not None and not chosen[0].endswith("/" + link["name"]):
            return f"by {chosen[0]}, not {link['name']}"
        return ""


def measure(lab: Lab) -> tuple[int, float]:
    bench, right, times = Bench(lab), 0, []
    before, after = [9, 18, 26], [26, 9, 18]
    gone, present = cases(31000, True), cases(32000, False)
    bench.put_policy(before, True)
    bench.run(gone)
    bench.put_policy(after, False)
    bench.run(present)
    bench.forget(gone)
    for case in gone + present:
        begun = time.monotonic()
        answer = bench.ask(case.port, lab.address(case.target, "corp"), case.at, check=False)
        times.append((time.monotonic() - begun) * 1000)
        wrong = bench.wrong(case, answer, before if case.gone else after) if answer else "there is no answer"
        right += wrong == ""
        if wrong:
            say(f"explain_lab: port {case.port}, DSCP {case.dscp}, {'gone' if case.gone else 'present'}: {wrong}")
    return right, quantile(times, 0.99)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the lab is taken down on the way out
    try:
        with running(arguments.build.resolve(), "--sites3") as lab:
            right, p99 = measure(lab)
    except (BenchError, OSError, subprocess.SubprocessError, KeyError, ValueError, IndexError, StopIteration) as error:
        print(f"explain_lab: {error}", file=sys.stderr)
        print("figure explain_right - missing\nfigure explain_p99_ms - missing")
        return 1
    print(f"figure explain_right {right} goal 100 {'met' if right == 2 * FLOWS else 'short'}")
    print(f"figure explain_p99_ms {p99:.0f} goal <=1000 {'met' if p99 <= 1000 else 'short'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
