"""patronusctl as a client of the conformance scenarios."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from typing import Any

import harness

PLURALS = {"steeringPolicy": "steeringPolicies", "modelVersion": "versions"}
SAID = re.compile(
    r"^patronusctl: (?:(?P<field>[\w.\[\]]+): )?(?P<text>.*) \((?P<code>[A-Z_]+)(?:, (?P<reason>[A-Z_]+))?\)$", re.M
)
USAGE = re.compile(r"^patronusctl: (?:-, line [0-9]+, column [0-9]+: )?(?P<field>[^\s:]+): (?P<text>.*)$", re.M)
CODES = {"EXHAUSTED": "RESOURCE_EXHAUSTED"}


def snake(value: Any, inside: str = "") -> Any:
    """What `-o json` prints, with the schema's names."""
    if isinstance(value, list):
        return [snake(element, inside) for element in value]
    if isinstance(value, dict):
        keep = inside in ("labels", "annotations", "metricsMillionths")
        name = str if keep else lambda key: re.sub(r"[A-Z]", lambda m: "_" + m.group().lower(), key)
        return {name(key): snake(element, key) for key, element in value.items()}
    return value


class Client:
    lacks: dict[str, str] = {}

    def environment(self, step: dict[str, Any]) -> dict[str, str]:
        servers = {"silent": os.environ["PT_SILENT"], "none": os.environ["PT_NONE"]}
        changed = {"PATRONUS_SERVER": servers[step["server"]]} if step.get("server") in servers else {}
        if step.get("as") == "denied":
            changed["PATRONUS_CREDENTIAL"] = os.environ["PT_DENIED"]
        return {**os.environ, **changed}

    def run(self, step: dict[str, Any], *words: str, body: Any = None) -> str:
        command = [sys.argv[2], *words]
        if "timeout_s" in step:
            command += ["-t", f"{step['timeout_s']}s"]
        # What a shell starts in the background ignores SIGINT; a person's command does not.
        heeds = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)  # noqa: E731
        process = subprocess.Popen(command, env=self.environment(step), text=True, stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=heeds)  # fmt: skip
        if "cancel_after_s" in step:
            threading.Timer(step["cancel_after_s"], process.send_signal, [signal.SIGINT]).start()
        out, err = process.communicate(json.dumps(body) if body is not None else None)
        if process.returncode == -signal.SIGINT or (process.returncode != 0 and "cancel_after_s" in step):
            raise harness.Failure("CANCELLED", text=err)
        if process.returncode != 0:
            said = SAID.search(err)
            usage = USAGE.search(err)
            if said is None and process.returncode == 2 and usage is not None:  # refused before anything was sent
                place = (
                    "name"
                    if usage["field"] == words[-1] or "the name of" in usage["text"]
                    else usage["field"].split(".")[0]
                )
                reason = "NAME_INVALID" if place == "name" else "FIELD_INVALID"
                raise harness.Failure("INVALID_ARGUMENT", reason, place, usage["text"])
            if said is None:
                raise harness.Unexpected(f"exit code {process.returncode}: {err}")
            code = CODES.get(said["code"], said["code"])
            raise harness.Failure(code, said["reason"] or "", said["field"] or "", said["text"])
        return out

    def do(self, step: dict[str, Any], during: Any) -> harness.Result:
        return getattr(self, step["do"])(step, during)

    def flags(self, step: dict[str, Any]) -> list[str]:
        words = {"validate_only": "--dry-run", "force": "--force", "allow_missing": "--allow-missing"}
        found = [flag for word, flag in words.items() if step.get(word)]
        return found + (["--etag", step["etag"]] if step.get("etag") else [])

    def create(self, step: dict[str, Any], during: Any) -> harness.Result:
        self.run(step, "create", step["kind"], step["name"], "-f", "-", *self.flags(step), body=step["fields"])
        return harness.Result() if step.get("validate_only") else self.get({"name": step["name"]}, during)

    def get(self, step: dict[str, Any], during: Any) -> harness.Result:
        return harness.Result(snake(json.loads(self.run(step, "get", step["name"], "-o", "json"))))

    def update(self, step: dict[str, Any], during: Any) -> harness.Result:
        self.run(step, "update", step["name"], "-f", "-", *self.flags(step), body=step["fields"])
        return harness.Result() if step.get("validate_only") else self.get({"name": step["name"]}, during)

    def delete(self, step: dict[str, Any], during: Any) -> harness.Result:
        self.run(step, "delete", step["name"], *self.flags(step))
        return harness.Result()

    def list(self, step: dict[str, Any], during: Any) -> harness.Result:
        plural = PLURALS.get(step["kind"], step["kind"] + "s")
        words = [*(["--parent", step["parent"]] if step.get("parent") else [])]
        words += ["--filter", step["filter"]] if step.get("filter") else []
        # Names as they are typed with this parent: full ones are wanted here.
        found = json.loads(self.run(step, *words, "list", plural, "-o", "json") or "{}")
        return harness.Result(names=[item["name"] for item in found.get("items", [])])

    def watch(self, step: dict[str, Any], during: Any) -> harness.Result:
        wanted = len(step["expect"]["events"])
        words = ["--parent", step["parent"], "watch", *step["kinds"], "--count", str(wanted), "-o", "json"]
        words += ["--initial"] if step.get("send_initial") else []
        process = subprocess.Popen([sys.argv[2], *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        time.sleep(1)  # patronusctl does not say when its stream is open
        during()
        out, err = process.communicate(timeout=60)
        if process.returncode != 0:
            raise harness.Unexpected(err)
        events = [json.loads(line) for line in out.splitlines() if line]
        events = [event for event in events if event["type"] != "BOOKMARK"]  # may come at any time, and is not counted
        return harness.Result(
            events=[f"{event['type']} {(event.get('resource') or event)['name']}" for event in events]
        )


sys.exit(harness.main(Client))
