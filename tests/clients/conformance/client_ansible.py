"""The Ansible collection as a client of the conformance scenarios.

Each step is a task: Ansible loads it, resolves the module to its action as the collection's routing says, checks the arguments and
runs it, in this process. What ansible-playbook does around that (forks, loops, output) is tested by tests/clients/ansible.sh.
"""

from __future__ import annotations

import importlib
import os
import re
import sys
import threading
from typing import Any

import harness
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play_context import PlayContext
from ansible.playbook.task import Task
from ansible.plugins.loader import action_loader, connection_loader, init_plugin_loader, module_loader
from ansible.template import Templar

COLLECTION = "patronus.sdwan"


def snake(name: str) -> str:
    return re.sub(r"[A-Z]", lambda m: "_" + m.group().lower(), name)


class Client:
    lacks = {
        "create": "state: present changes what is there already",
        "delete": "state: absent is content with what is gone",
        "cancel": "a task ends with its process",
    }

    def __init__(self) -> None:
        init_plugin_loader([os.environ["ANSIBLE_COLLECTIONS_PATH"]])
        self.loader = DataLoader()
        self.local = connection_loader.get("ansible.builtin.local", PlayContext())

    def task(self, step: dict[str, Any], module: str, options: dict[str, Any], check: bool = False) -> dict[str, Any]:
        """Run a task; its result, or what its failure says."""
        name = f"{COLLECTION}.{module}"
        found = module_loader.find_plugin_with_context(name)
        if not found.resolved:
            raise harness.Failure("UNIMPLEMENTED", text=f"there is no module {name}")
        options = {**options, **self.connection(step)}
        task = Task.load({"name": step["do"], name: options, "check_mode": check}, loader=self.loader)
        action = action_loader.get(found.action_plugin, task=task, connection=self.local, play_context=PlayContext(),
                                   loader=self.loader, templar=Templar(self.loader), shared_loader_obj=None)  # fmt: skip
        result = action.run(task_vars={})
        if result.get("failed"):
            raise harness.Failure(
                result.get("code", ""), result.get("reason", ""), result.get("field", ""), str(result.get("msg"))
            )
        return result

    def connection(self, step: dict[str, Any]) -> dict[str, Any]:
        servers = {"silent": os.environ["PT_SILENT"], "none": os.environ["PT_NONE"]}
        options = {"server": servers[step["server"]]} if step.get("server") in servers else {}
        if step.get("as") == "denied":
            options["credential"] = os.environ["PT_DENIED"]
        if "timeout_s" in step:
            options["timeout"] = step["timeout_s"]
        return options

    def do(self, step: dict[str, Any], during: Any) -> harness.Result:
        return getattr(self, step["do"])(step, during)

    def write(self, step: dict[str, Any], state: str, **options: Any) -> harness.Result:
        module = importlib.import_module(f"ansible_collections.{COLLECTION}.plugins.modules.{snake(step['kind'])}")
        named = {field: option for option, field in module.FIELDS.items()}
        given = {named.get(field, field): value for field, value in step.get("fields", {}).items()}
        words = {"name": step["name"], "state": state, **given, **options}
        if step.get("etag"):
            words["etag"] = step["etag"]
        result = self.task(step, snake(step["kind"]), words, step.get("validate_only", False))
        return harness.Result(result["resource"])

    def create(self, step: dict[str, Any], during: Any) -> harness.Result:
        return self.write(step, "present")

    def update(self, step: dict[str, Any], during: Any) -> harness.Result:
        return self.write(step, "present")

    def delete(self, step: dict[str, Any], during: Any) -> harness.Result:
        return self.write(step, "absent", force=step.get("force", False))

    def get(self, step: dict[str, Any], during: Any) -> harness.Result:
        found = self.task(step, snake(step["kind"]) + "_info", {"name": step["name"]})["resources"]
        if not found:  # how an info module says so
            raise harness.Failure("NOT_FOUND", "RESOURCE_NOT_FOUND", "name")
        return harness.Result(found[0])

    def list(self, step: dict[str, Any], during: Any) -> harness.Result:
        words = {word: step[word] for word in ("parent", "filter") if step.get(word)}
        found = self.task(step, snake(step["kind"]) + "_info", words)["resources"]
        return harness.Result(names=[one["name"] for one in found])

    def watch(self, step: dict[str, Any], during: Any) -> harness.Result:
        """A task waits for its events and then ends, so it runs beside what happens meanwhile. It goes on behind the token of
        a bookmark, so that nothing depends on when it starts."""
        request = {"kinds": step["kinds"], "parent": step["parent"]}
        if step.get("send_initial"):
            request["send_initial"] = True
        else:
            mark = {**request, "bookmarks": True, "bookmark_interval": "1s"}
            request["resume_token"] = self.call(step, mark, 1)[0]["resume_token"]
        replies: list[dict[str, Any]] = []
        wanted = len(step["expect"]["events"])
        waiting = threading.Thread(target=lambda: replies.extend(self.call(step, request, wanted)))
        waiting.start()
        during()
        waiting.join(60)
        return harness.Result(events=[f"{reply['type']} {reply['name']}" for reply in replies])

    def call(self, step: dict[str, Any], request: dict[str, Any], messages: int) -> list[dict[str, Any]]:
        words = {"method": "WatchService.Watch", "request": request, "messages": messages}
        return self.task(step, "call", words)["replies"]


sys.exit(harness.main(Client))
