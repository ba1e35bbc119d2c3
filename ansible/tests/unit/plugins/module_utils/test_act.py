"""Values between YAML and models, and that documentation and specification of every module agree."""

from __future__ import annotations

import datetime
import importlib
import pathlib

import patronus_sdwan as p
import pytest
import yaml
from ansible_collections.patronus.sdwan.plugins.module_utils import act

MODULES = sorted(
    path.stem for path in (pathlib.Path(act.__file__).parents[1] / "modules").glob("*.py") if path.stem != "__init__"
)


def test_durations_and_bytes():
    assert act.to_python("1.5s", datetime.timedelta) == datetime.timedelta(seconds=1.5)
    assert act.to_python("AAE=", bytes) == b"\0\1"
    assert act.to_yaml(datetime.timedelta(seconds=10)) == "10s"
    assert act.to_yaml(datetime.timedelta(milliseconds=1500)) == "1.500s"
    assert act.to_yaml(datetime.datetime(2030, 1, 2, tzinfo=datetime.timezone.utc)) == "2030-01-02T00:00:00Z"
    for bad, kind in (("10", datetime.timedelta), ("x", datetime.timedelta), ("%", bytes)):
        with pytest.raises(act.ActError):
            act.to_python(bad, kind)


def test_declared_sets_only_what_is_given():
    params = {"name": "organizations/a/sites/s", "region": "eu", "location": "", "labels": None}
    fields = {"region": "region", "location": "location", "labels": "labels"}
    found = act.declared(p.Site, fields, params)
    assert found.model_fields_set == {"name", "region", "location"}


def test_declared_names_the_field_that_is_wrong():
    params = {"name": "organizations/a/sites/s", "lan": [{"interface": "a/b", "segment": "x"}]}
    with pytest.raises(act.ActError) as caught:
        act.declared(p.Edge, {"lan": "lan_interfaces"}, params)
    assert caught.value.result["field"].startswith("lan_interfaces[0]")


def test_what_is_created_must_be_complete():
    wanted = act.declared(p.Segment, {}, {"name": "organizations/a/segments/s"})
    with pytest.raises(act.ActError) as caught:
        act.complete(wanted)
    assert caught.value.result["field"] == "fabric"
    assert caught.value.result["reason"] == "FIELD_REQUIRED"


def test_every_kind_and_method_is_reachable():
    kinds = {model.__name__ for model in p.v1.MODELS if issubclass(model, p.Resource)}
    loaded = [importlib.import_module(f"ansible_collections.patronus.sdwan.plugins.modules.{m}") for m in MODULES]
    assert {m.KIND for m in loaded if hasattr(m, "KIND")} == kinds
    writable = {model.__name__ for model in p.v1.MODELS if issubclass(model, p.Resource) and not model.KIND.view}
    assert {m.KIND for m in loaded if hasattr(m, "FIELDS") and m.FIELDS} == writable


def options(documented, specified, place):
    assert sorted(documented) == sorted(specified), place
    for name, doc in documented.items():
        spec = specified[name]
        for key in ("type", "elements", "required", "default", "choices"):
            assert doc.get(key) == spec.get(key), (place, name, key)
        assert doc["description"], (place, name)
        options(doc.get("suboptions", {}), spec.get("options", {}), f"{place}.{name}")


@pytest.mark.parametrize("name", MODULES)
def test_documentation_is_the_specification(name):
    module = importlib.import_module(f"ansible_collections.patronus.sdwan.plugins.modules.{name}")
    doc = yaml.safe_load(module.DOCUMENTATION)
    assert doc["module"] == name
    options(doc["options"], module.ARGUMENT_SPEC, name)
    for task in yaml.safe_load(module.EXAMPLES):
        used = task.get(f"patronus.sdwan.{name}", {})
        assert set(used) <= set(module.ARGUMENT_SPEC)
    assert yaml.safe_load(module.RETURN)
