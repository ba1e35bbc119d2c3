# Copyright: Patronus maintainers
# Licence: Apache-2.0
"""What every module does: make a resource be as declared, or read resources. Knows kinds by the SDK's models alone."""

from __future__ import annotations

import base64
import binascii
import datetime
import re
import traceback

try:
    import patronus_sdwan
    import pydantic

    IMPORT_ERROR = None
except ImportError:
    IMPORT_ERROR = traceback.format_exc()

CONNECTION_SPEC = {
    "server": {"type": "str"},
    "credential": {"type": "path"},
    "timeout": {"type": "float", "default": 15},
}
CLIENTS = {}
DURATION = re.compile(r"-?[0-9]+(\.[0-9]+)?s")


class ActError(Exception):
    """A failure for the user: what, where, why, and what to do."""

    def __init__(self, msg, **details):
        super().__init__(msg)
        self.result = {"msg": msg, **{key: value for key, value in details.items() if value}}


def client(params):
    """The client of a cluster; kept for the next item of a loop."""
    if IMPORT_ERROR is not None:
        raise ActError(
            "the Python SDK is missing where ansible-playbook runs; install it there: pip install patronus-sdwan",
            exception=IMPORT_ERROR,
        )
    key = (params.get("server"), params.get("credential"), params.get("timeout"))
    if key not in CLIENTS:
        try:
            CLIENTS[key] = patronus_sdwan.Client(key[0], credential=key[1], timeout=key[2] or 15)
        except patronus_sdwan.PatronusError as error:
            raise from_error(error) from None
    return CLIENTS[key]


def from_error(error):
    return ActError(str(error), code=error.code, reason=error.reason, field=error.field, advice=error.advice)


# ---- values


def to_python(value, annotation):
    """A value as YAML has it, as the model wants it: durations, bytes, and so on at any depth."""
    text = str(annotation)
    if isinstance(value, str) and "timedelta" in text:
        if not DURATION.fullmatch(value):
            raise ActError(f"'{value}' is not a duration; write seconds, for example 1.5s")
        return datetime.timedelta(seconds=float(value[:-1]))
    if isinstance(value, str) and "bytes" in text:
        try:
            return base64.b64decode(value, validate=True)
        except binascii.Error as error:
            raise ActError(f"'{value}' is not base64: {error}") from error
    if isinstance(value, dict):
        model = inner_model(annotation)
        if model is None:
            return {str(k): v for k, v in value.items()}
        given = {k: v for k, v in value.items() if v is not None}
        return {k: to_python(v, model.model_fields[k].annotation) for k, v in given.items() if k in model.model_fields}
    if isinstance(value, list):
        return [to_python(element, annotation) for element in value]
    return value


def inner_model(annotation):
    """The model inside of list[Model], Model | None and the like."""
    if isinstance(annotation, type) and issubclass(annotation, patronus_sdwan.Message):
        return annotation
    if getattr(annotation, "__origin__", None) is dict:
        return None
    for argument in getattr(annotation, "__args__", ()):
        found = inner_model(argument)
        if found is not None:
            return found
    return None


def to_yaml(value):
    """A model's value as YAML has it: proto JSON with the schema's names, numbers as numbers."""
    if isinstance(value, patronus_sdwan.Message):
        return {name: to_yaml(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, dict):
        return {key: to_yaml(element) for key, element in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_yaml(element) for element in value]
    if isinstance(value, datetime.timedelta):
        digits = 0 if value.microseconds == 0 else 3 if value.microseconds % 1000 == 0 else 6  # as proto JSON has it
        return f"{value.total_seconds():.{digits}f}s"
    if isinstance(value, datetime.datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return str(value) if isinstance(value, str) else value


def shown(resource):
    """A resource for the result; without secrets."""
    secret = type(resource).fields_with(patronus_sdwan.rules.Secret)
    return {name: value for name, value in to_yaml(resource).items() if name not in secret}


def declared(kind, fields, params):
    """The resource that the options declare: only what is given is set."""
    values = {}
    for option, field in fields.items():
        if params.get(option) is None:
            continue
        try:
            values[field] = kind.check_field(field, to_python(params[option], kind.model_fields[field].annotation))
        except pydantic.ValidationError as error:
            raise from_validation(error) from None
    name = params["name"]
    try:
        kind.check_field("name", name)
    except pydantic.ValidationError as error:
        raise from_validation(error) from None
    return kind.model_construct(_fields_set={"name", *values}, name=name, **values)


def from_validation(error):
    fault = error.errors()[0]
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in fault["loc"]).lstrip(".")
    missing = fault["type"] == "missing" or fault["msg"].endswith("is required")
    reason = "FIELD_REQUIRED" if missing else "NAME_INVALID" if place == "name" else "FIELD_INVALID"
    given = "" if fault["type"] == "patronus" else f" (it is {fault['input']!r:.100})"
    return ActError(f"{place}: {fault['msg']}{given}", field=place, code="INVALID_ARGUMENT", reason=reason)


# ---- the action


def resource(kind_name, fields, params, check_mode=False, diff_mode=False):
    """Make a resource be there as declared, or not be there. Returns the module's result."""
    api = client(params)
    kind = getattr(patronus_sdwan, kind_name)
    collection = api.collection(kind)
    try:
        wanted = declared(kind, fields, params)
        try:
            present = collection.get(params["name"])
        except patronus_sdwan.ResourceNotFound:
            present = None
        if present is not None and params.get("etag") and params["etag"] != present.etag:
            raise ActError(
                f"{params['name']} has changed since it was read (etag {present.etag}, yours is {params['etag']})",
                code="ABORTED", reason="ETAG_MISMATCH", field="etag", advice="read it again and repeat the change",
            )  # fmt: skip
        if params["state"] == "absent":
            done, after, changed = absent(collection, params, present, check_mode)
        else:
            done, after, changed = there(collection, wanted, present, check_mode)
    except patronus_sdwan.PatronusError as error:
        raise from_error(error) from None
    result = {"changed": done != "unchanged", "action": done, "resource": shown(after) if after is not None else {}}
    if diff_mode:
        result["diff"] = difference(present, after, changed)
    return result


def complete(wanted):
    """Refuse to create what lacks a required field. A change of what is there may leave it out."""
    try:
        type(wanted).model_validate({name: getattr(wanted, name) for name in wanted.model_fields_set})
    except pydantic.ValidationError as error:
        raise from_validation(error) from None


def there(collection, wanted, present, check_mode):
    """Create or update; what is done, the resource after it, and the fields that change."""
    if present is None:
        complete(wanted)
        fields = sorted(wanted.model_fields_set - {"name"})
        try:
            return "created", collection.create(wanted, validate_only=check_mode), fields
        except (patronus_sdwan.ParentNotFound, patronus_sdwan.ReferenceNotFound):
            if not check_mode:
                raise
            return "created", wanted, fields  # an earlier task of this run would have made what is missing
    changed = patronus_sdwan.differences(wanted, present)
    if not changed:
        return "unchanged", present, []
    try:
        after = collection.update(wanted, etag=present.etag, mask=changed, validate_only=check_mode)
    except patronus_sdwan.ReferenceNotFound:
        if not check_mode:
            raise
        after = present.model_copy(update={name: getattr(wanted, name) for name in changed})
    return "updated", after, changed


def absent(collection, params, present, check_mode):
    if present is None:
        return "unchanged", None, []
    force = bool(params.get("force"))
    try:
        collection.delete(present.name, etag=present.etag, force=force, allow_missing=True, validate_only=check_mode)
    except (patronus_sdwan.ResourceHasChildren, patronus_sdwan.ResourceInUse):
        if not check_mode:
            raise  # in check mode, earlier tasks of this run may have removed what stands in the way
    return "deleted", None, type(present).settable()


def difference(before, after, fields):
    """For --diff: the fields that change, as they were and as they are."""

    def part(resource):
        if resource is None:
            return {}
        values = shown(resource)
        return {"name": values["name"], **{name: values[name] for name in fields if name in values and values[name]}}

    name = (after or before).name if (after or before) is not None else ""
    return {"before": part(before), "after": part(after), "before_header": name, "after_header": name}


def info(kind_name, params):
    """Read one resource, or all that fit."""
    collection = client(params).collection(getattr(patronus_sdwan, kind_name))
    try:
        if params.get("name"):
            try:
                found = [collection.get(params["name"], stale=params["stale"])]
            except patronus_sdwan.ResourceNotFound:
                found = []
        else:
            found = collection.list(
                params["parent"], filter=params["filter"], order_by=params["order_by"], stale=params["stale"]
            )
        return {"changed": False, "resources": [shown(one) for one in found]}
    except patronus_sdwan.PatronusError as error:
        raise from_error(error) from None


def call(params, check_mode=False):
    """Call a method that is not one of the five standard ones."""
    api = client(params)
    method, request, requests = params["method"], params["request"] or {}, params.get("requests") or []
    try:
        if method == "WatchService.Watch":
            return {"changed": False, "replies": watch(api, request, params["messages"])}
        found = patronus_sdwan.v1.sync.METHODS.get(method)
        if found is None:
            known = ", ".join([*patronus_sdwan.v1.sync.METHODS, "WatchService.Watch"])
            raise ActError(f"there is no method {method}; there are {known}", field="method")
        accessor, name, input_name, reads, takes_stream = found
        if takes_stream != bool(requests):
            wanted = "takes a stream: give it `requests`" if takes_stream else "takes one request: give it `request`"
            raise ActError(f"{method} {wanted}", field="requests")
        if check_mode and not reads:
            return {"changed": True, "replies": []}
        model = getattr(patronus_sdwan, input_name)
        for one in requests or [request]:
            unknown = sorted(set(one) - set(model.model_fields))
            if unknown:
                raise ActError(
                    f"{input_name} has no field {unknown[0]}; it has {', '.join(model.model_fields)}", field="request"
                )
        function = getattr(getattr(api, accessor), name)
        if takes_stream:
            reply = function([model(**to_python(one, model)) for one in requests])
        else:
            reply = function(**to_python(request, model))
        replies = [to_yaml(reply)] if isinstance(reply, patronus_sdwan.Message) else []
        if not isinstance(reply, patronus_sdwan.Message):
            replies = [to_yaml(one) for one, _number in zip(reply, range(params["messages"]))]
        return {"changed": not reads, "replies": replies}
    except patronus_sdwan.PatronusError as error:
        raise from_error(error) from None
    except pydantic.ValidationError as error:
        raise from_validation(error) from None


def watch(api, request, count):
    """The first events of a watch."""
    events = []
    if "bookmark_interval" in request:
        interval = to_python(request["bookmark_interval"], datetime.timedelta)
        request = {**request, "bookmark_interval": interval}
    with api.watch(**request) as stream:
        for event in stream:
            body = shown(event.resource) if event.resource is not None else {}
            events.append({"type": str(event.type), "name": event.name, "resource": body, "revision": event.revision,
                           "resume_token": event.resume_token})  # fmt: skip
            if len(events) == count:
                break
    return events
