"""The JavaScript SDK as a client of the conformance scenarios: a process that reads steps and writes outcomes, as lines."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from typing import Any

import harness


class Client:
    lacks: dict[str, str] = {}

    def __init__(self) -> None:
        self.node = subprocess.Popen(["node", sys.argv[2]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def do(self, step: dict[str, Any], during: Any) -> harness.Result:
        assert self.node.stdin is not None and self.node.stdout is not None
        self.node.stdin.write(json.dumps(step) + "\n")
        self.node.stdin.flush()
        for line in self.node.stdout:
            said = json.loads(line)
            if "during" in said:
                threading.Thread(target=during).start()
            elif "failure" in said:
                raise harness.Failure(*said["failure"])
            else:
                return harness.Result(said.get("fields", {}), said.get("names"), said.get("events"))
        raise harness.Unexpected("the process has ended")


sys.exit(harness.main(Client))
