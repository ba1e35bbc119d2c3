"""Models to protobuf and back: every kind with random values, unknown things, times."""

import datetime
import random

import pytest

import patronus_sdwan as p
from patronus_sdwan import codec

TEXTS = ["", "x", "Zürich", "雪", "a" * 40]


def random_message(message, rng, depth=0):
    """Fill a protobuf message with random values."""
    for field in message.DESCRIPTOR.fields:
        if rng.random() < 0.3:
            continue
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            value = field.message_type.fields_by_name["value"]
            for _ in range(rng.randrange(3)):
                key = rng.choice(TEXTS)
                getattr(message, field.name)[key] = random_scalar(value, rng)
        elif field.message_type is not None:
            if depth > 3 or field.message_type.full_name.startswith("google.protobuf.Any"):
                continue
            targets = [getattr(message, field.name)]
            if field.is_repeated:
                targets = [getattr(message, field.name).add() for _ in range(rng.randrange(3))]
            for target in targets:
                if field.message_type.full_name in ("google.protobuf.Timestamp", "google.protobuf.Duration"):
                    target.seconds, target.nanos = rng.randrange(1, 1 << 31), rng.randrange(10**6) * 1000
                else:
                    random_message(target, rng, depth + 1)
                    target.SetInParent()
        elif field.is_repeated:
            getattr(message, field.name).extend(random_scalar(field, rng) for _ in range(rng.randrange(4)))
        else:
            setattr(message, field.name, random_scalar(field, rng))
    return message


def random_scalar(field, rng):
    if field.enum_type is not None:
        return rng.choice([v.number for v in field.enum_type.values] + [99])
    match field.cpp_type:
        case field.CPPTYPE_STRING:
            text = rng.choice(TEXTS)
            return text.encode() if field.type == field.TYPE_BYTES else text
        case field.CPPTYPE_BOOL:
            return rng.random() < 0.5
        case field.CPPTYPE_DOUBLE | field.CPPTYPE_FLOAT:
            return rng.random()
        case field.CPPTYPE_UINT32:
            return rng.choice([0, 1, (1 << 32) - 1])
        case field.CPPTYPE_UINT64:
            return rng.choice([0, 1, (1 << 64) - 1])
        case _:
            return rng.choice([0, 1, -1, -(1 << 31)])


@pytest.mark.parametrize("model", p.v1.MODELS, ids=lambda m: m.__name__)
def test_round_trip(model):
    rng = random.Random(model.__name__)
    for _ in range(30):
        message = random_message(codec.message_class(model.PROTO)(), rng)
        back = codec.to_proto(codec.from_proto(message, model))
        assert back.SerializeToString(deterministic=True) == message.SerializeToString(deterministic=True)


def test_models_and_schema_name_the_same_fields():
    for model in p.v1.MODELS:
        fields = [f.name for f in codec.message_class(model.PROTO).DESCRIPTOR.fields]
        assert sorted(codec.attribute(model, f) for f in fields) == sorted(model.model_fields)


def test_presence():
    fabric = p.Fabric(name="organizations/a/fabrics/f")
    assert not codec.to_proto(fabric).HasField("max_transit_sites")
    fabric.max_transit_sites = 0
    assert codec.to_proto(fabric).HasField("max_transit_sites")
    assert codec.from_proto(codec.to_proto(fabric), p.Fabric).max_transit_sites == 0


def test_what_a_newer_server_sends_is_tolerated():
    message = codec.to_proto(p.Site(name="organizations/a/sites/b", region="eu"))
    data = message.SerializeToString() + b"\xfa\x7f\x03abc" + b"\xb8\x01\x4d"  # field 2047; admin_state 77
    site = codec.from_proto(codec.message_class(p.Site.PROTO).FromString(data), p.Site)
    assert (site.region, site.admin_state) == ("eu", "UNRECOGNIZED_77")
    assert codec.to_proto(site).admin_state == 77


def test_the_server_may_break_the_rules_that_bind_the_user():
    message = codec.message_class(p.Link.PROTO)(name="x", address="not canonical", cost=1 << 20)
    assert codec.from_proto(message, p.Link).cost == 1 << 20


@pytest.mark.parametrize("seconds", [-86400.5, -0.000001, 0.0, 1.5, 4e9])
def test_durations(seconds):
    delta = datetime.timedelta(seconds=seconds)
    sla = p.SlaProfile(name="organizations/a/slaProfiles/s", evaluation_window=delta)
    message = codec.to_proto(sla)
    assert message.evaluation_window.ToTimedelta() == delta
    assert codec.from_proto(message, p.SlaProfile).evaluation_window == delta


def test_times_without_a_zone_are_utc():
    naive = datetime.datetime(2030, 1, 2, 3, 4, 5)
    condition = p.Condition(last_transition_time=naive)
    assert codec.to_proto(condition).last_transition_time.ToJsonString() == "2030-01-02T03:04:05Z"
