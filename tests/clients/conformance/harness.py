"""Does the scenarios of a plan (see scenarios.json) with one client, and prints a line for each.

A client is an object with `lacks`, a dictionary of needs that it does not offer and why, and `do(step, during)`, which does
one step and returns a Result or raises a Failure. `during` is for a watch: call it once the watch is under way.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Result:
    """Of a step that succeeded."""

    fields: dict[str, Any] = field(default_factory=dict)
    names: list[str] | None = None
    events: list[str] | None = None

    @property
    def etag(self) -> str:
        return self.fields.get("etag", "")


class Failure(Exception):
    """An error as every client can tell it."""

    def __init__(self, code: str, reason: str = "", place: str = "", text: str = "") -> None:
        super().__init__(f"{code} {reason} {place}: {text}")
        self.code, self.reason, self.place = code, reason, place


class Unexpected(Exception):
    """A step came out otherwise than expected."""


def other(step: dict[str, Any]) -> None:
    """What is not the client's: somebody else's change, or what happens to the cluster."""
    words = [step["run"]] if step["do"] == "hook" else [step["do"], step["name"]]
    if step["do"] in ("create", "update"):
        words.append(json.dumps(step["fields"]))
    done = subprocess.run([os.environ["PT_HOOK"], *words], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Unexpected(f"hook {' '.join(words)}: {done.stderr.strip()}")


def same(want: Any, got: Any) -> bool:
    """Equal as proto JSON: an absent value is the default one, whole numbers may be texts."""
    if isinstance(want, list):
        there = got if isinstance(got, list) else []
        return len(want) == len(there) and all(same(a, b) for a, b in zip(want, there, strict=True))
    if isinstance(want, dict):
        there = got if isinstance(got, dict) else {}
        return all(same(want.get(key), there.get(key)) for key in {*want, *there})
    if empty(want) or empty(got):
        return empty(want) and empty(got)
    return want == got or (not isinstance(want, bool) and str(want) == str(got))


def empty(value: Any) -> bool:
    return value in (None, False, 0, "", "0", [], {}) or (isinstance(value, str) and value.endswith("_UNSPECIFIED"))


class Run:
    def __init__(self, client: Any) -> None:
        self.client = client
        self.etags: dict[str, str] = {}

    def step(self, step: dict[str, Any]) -> None:
        if step.get("by") == "other" or step["do"] == "hook":
            other(step)
            return
        expect = step.get("expect", {})
        name = step.get("name", "")
        if step.get("etag") == "read":
            step["etag"] = self.etags.get(name, "")
        before = self.etags.get(name, "")
        start = time.monotonic()
        result, failure = None, None
        try:
            result = self.client.do(step, lambda: [self.step(one) for one in step.get("while", [])])
        except Failure as error:
            failure = error
        if time.monotonic() - start > expect.get("within_s", 600):
            raise Unexpected(f"took {time.monotonic() - start:.1f} s; at most {expect['within_s']}")
        if failure is not None or "reason" in expect or "code" in expect:
            judge_failure(expect, failure)
            return
        assert result is not None
        if result.etag and not step.get("validate_only"):
            self.etags[name] = result.etag
        judge_result(expect, result, before)


def judge_failure(expect: dict[str, Any], failure: Failure | None) -> None:
    codes = expect.get("code", [])
    codes = [codes] if isinstance(codes, str) else codes
    if failure is None:
        raise Unexpected(f"succeeded; expected {codes} {expect.get('reason', '')}")
    if "code" not in expect and "reason" not in expect:
        raise Unexpected(str(failure))
    wrong = [codes and failure.code not in codes, expect.get("reason", failure.reason) != failure.reason,
             expect.get("field", failure.place) != failure.place]  # fmt: skip
    if any(wrong):
        raise Unexpected(f"got {failure}; expected {codes} {expect.get('reason', '')} {expect.get('field', '')}")


def judge_result(expect: dict[str, Any], result: Result, before: str) -> None:
    for key, want in expect.get("fields", {}).items():
        if not same(want, result.fields.get(key)):
            raise Unexpected(f"{key} is {result.fields.get(key)}; expected {want}")
    if "count" in expect:
        names = result.names or []
        if len(names) != expect["count"]:
            raise Unexpected(f"{len(names)} items; expected {expect['count']}")
        if names != sorted(set(names)):
            raise Unexpected("the items are not each once and in order")
    for what, found in (("names", result.names), ("events", result.events)):
        if what in expect and found != expect[what]:
            raise Unexpected(f"{what} {found}; expected {expect[what]}")
    if expect.get("unchanged") and result.etag != before:
        raise Unexpected(f"etag {result.etag}; expected {before} as before")


def mend(scenario: dict[str, Any]) -> None:
    """A scenario that failed half way may have left a controller dead; the next ones are not to fail for that."""
    steps = [one for step in scenario["steps"] for one in [step, *step.get("while", [])]]
    if any(step["do"] == "hook" for step in steps):
        other({"do": "hook", "run": "revive"})


def main(make: Callable[[], Any]) -> int:
    """Read the plan that the first argument names and do it."""
    with open(sys.argv[1], encoding="utf-8") as file:
        plan = json.load(file)
    client = make()
    for step in plan.get("setup", []):
        other(step)
    good = True
    for scenario in plan["scenarios"]:
        if "waits" in scenario:
            continue
        lacking = [why for need, why in client.lacks.items() if need in scenario.get("needs", [])]
        if lacking:
            print("n/a", scenario["id"], lacking[0], flush=True)
            continue
        run = Run(client)
        try:
            for number, step in enumerate(scenario["steps"], 1):
                place = f"step {number} ({step['do']} {step.get('name', '')}): "
                run.step(step)
        except Exception as error:  # a runner's own fault is a failure of the scenario, too
            good = False
            mend(scenario)
            text = str(error) if isinstance(error, Unexpected) else f"{type(error).__name__}: {error}"
            print("fail", scenario["id"], (place + text).replace("\n", " "), flush=True)
        else:
            print("pass", scenario["id"], flush=True)
    return 0 if good else 1
