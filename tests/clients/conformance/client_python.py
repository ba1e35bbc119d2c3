"""The Python SDK as a client of the conformance scenarios."""

from __future__ import annotations

import base64
import contextlib
import datetime
import os
import sys
import threading
from typing import Any

import harness
import pydantic

import patronus_sdwan as p

KINDS = {model.KIND.singular: model for model in p.v1.MODELS if issubclass(model, p.Resource)}


def to_json(value: Any) -> Any:
    """Proto JSON with the schema's names."""
    if isinstance(value, p.Message):
        return {name: to_json(getattr(value, name)) for name in value.model_fields_set}
    if isinstance(value, dict):
        return {key: to_json(element) for key, element in value.items()}
    if isinstance(value, list):
        return [to_json(element) for element in value]
    if isinstance(value, datetime.datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, datetime.timedelta):
        return f"{value.total_seconds():.3f}s" if value.microseconds else f"{value.total_seconds():.0f}s"
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def from_json(value: Any) -> Any:
    """Durations are the one thing that pydantic does not read as proto JSON has them."""
    if isinstance(value, dict):
        return {key: from_json(element) for key, element in value.items()}
    if isinstance(value, str) and value.endswith("s") and value[:-1].replace(".", "", 1).isdigit():
        return datetime.timedelta(seconds=float(value[:-1]))
    return value


class Client:
    lacks: dict[str, str] = {}

    def __init__(self) -> None:
        self.client = p.Client()

    def do(self, step: dict[str, Any], during: Any) -> harness.Result:
        try:
            with self.chosen(step) as client:
                return getattr(self, step["do"])(client, step, during)
        except p.PatronusError as error:
            raise harness.Failure(error.code, error.reason, error.field, error.message) from None
        except pydantic.ValidationError as error:
            raise self.refusal(step, error) from None

    def refusal(self, step: dict[str, Any], error: pydantic.ValidationError) -> harness.Failure:
        """The SDK refuses what the server would; its reasons, by pydantic's."""
        fault = error.errors()[0]
        place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in fault["loc"]).lstrip(".")
        missing = fault["type"] == "missing" or fault["msg"].endswith("is required")
        reason = "FIELD_REQUIRED" if missing else "NAME_INVALID" if place == "name" else "FIELD_INVALID"
        return harness.Failure("INVALID_ARGUMENT", reason, place, fault["msg"])

    @contextlib.contextmanager
    def chosen(self, step: dict[str, Any]) -> Any:
        """The client that the step wants."""
        servers = {"silent": os.environ["PT_SILENT"], "none": os.environ["PT_NONE"]}.get(step.get("server", ""))
        if servers is None and step.get("as") != "denied":
            yield self.client
            return
        credential = os.environ["PT_DENIED"] if step.get("as") == "denied" else None
        with p.Client(servers, credential=credential) as client:
            yield client

    def collection(self, client: p.Client, step: dict[str, Any]) -> Any:
        return client.collection(KINDS[step["kind"]])

    def create(self, client: p.Client, step: dict[str, Any], during: Any) -> harness.Result:
        resource = KINDS[step["kind"]](name=step["name"], **from_json(step["fields"]))
        made = self.collection(client, step).create(resource, validate_only=step.get("validate_only", False))
        return harness.Result(to_json(made))

    def get(self, client: p.Client, step: dict[str, Any], during: Any) -> harness.Result:
        collection = self.collection(client, step)
        if "cancel_after_s" in step:
            threading.Timer(step["cancel_after_s"], client.close).start()
        return harness.Result(to_json(collection.get(step["name"], timeout=step.get("timeout_s"))))

    def update(self, client: p.Client, step: dict[str, Any], during: Any) -> harness.Result:
        patch = from_json(step["fields"])
        fixed = [name for name in patch if name in KINDS[step["kind"]].fields_with(p.rules.Immutable)]
        collection = self.collection(client, step)
        options = {"etag": step.get("etag", ""), "validate_only": step.get("validate_only", False)}
        return harness.Result(
            to_json(collection.update(step["name"], patch, mask=[*patch] if fixed else None, **options))
        )

    def delete(self, client: p.Client, step: dict[str, Any], during: Any) -> harness.Result:
        words = ("etag", "force", "allow_missing", "validate_only")
        options = {word: step[word] for word in words if word in step}
        self.collection(client, step).delete(step["name"], **options)
        return harness.Result()

    def list(self, client: p.Client, step: dict[str, Any], during: Any) -> harness.Result:
        found = self.collection(client, step).list(
            step.get("parent", ""), filter=step.get("filter", ""), page_size=1000
        )
        return harness.Result(names=[resource.name for resource in found])

    def watch(self, client: p.Client, step: dict[str, Any], during: Any) -> harness.Result:
        wanted = len(step["expect"]["events"])
        events: list[str] = []
        options: dict[str, Any] = {"kinds": step.get("kinds"), "send_initial": step.get("send_initial", False)}
        quiet = datetime.timedelta(seconds=1)
        started = False
        failures: list[Exception] = []  # of what happens meanwhile: without it the events would be waited for in vain

        def meanwhile() -> None:
            try:
                during()
            except Exception as error:
                failures.append(error)

        with client.watch(step.get("parent", ""), bookmarks=True, bookmark_interval=quiet, **options) as stream:
            for event in stream:
                if failures:
                    raise failures[0]
                if event.type is not p.EventType.BOOKMARK:
                    events.append(f"{event.type} {event.name}")
                elif not started:  # the stream is open once it has said so
                    started = True
                    threading.Thread(target=meanwhile).start()
                elif len(events) >= wanted:
                    break
        return harness.Result(events=events)


sys.exit(harness.main(Client))
