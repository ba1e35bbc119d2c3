"""The generators of core.py without a network: the world is a script of outcomes, the clock a number."""

import random

import pytest

import patronus_sdwan as p
from patronus_sdwan import apply, codec, core, errors, transport, watch


class World:
    """Performs effects: each Call or Receive takes the next outcome; Sleep and silent calls let time pass."""

    def __init__(self, outcomes, servers=("a:1", "b:1", "c:1"), timeout=15.0):
        self.outcomes = list(outcomes)
        self.now = 0.0
        self.effects = []
        self.session = core.Session(servers, timeout, lambda: self.now)

    def perform(self, effect):
        self.effects.append(effect)
        if isinstance(effect, core.Sleep):
            self.now += effect.seconds
            return None
        if isinstance(effect, core.Open):
            return f"stream {len(self.calls(core.Open))}"
        outcome = self.outcomes.pop(0) if self.outcomes else unavailable()
        if isinstance(effect, core.Upload):
            self.sent = list(effect.requests)
        if outcome == "silent":
            self.now += effect.timeout
            return errors.make("DEADLINE_EXCEEDED", "", "", "too late", "")
        return outcome

    def run(self, steps, limit=1000):
        """Result of the steps, and what they emitted."""
        emitted = []
        try:
            effect = next(steps)
            while len(self.effects) < limit:
                if isinstance(effect, core.Emit):
                    emitted.append(effect.value)
                    effect = steps.send(None)
                else:
                    effect = steps.send(self.perform(effect))
        except StopIteration as stop:
            return stop.value, emitted
        raise AssertionError("the steps do not end")

    def calls(self, kind=core.Call):
        return [e for e in self.effects if isinstance(e, kind)]


def unavailable(reason=""):
    return errors.make("UNAVAILABLE", reason, "", "nobody is there", "")


def site(name="organizations/acme/sites/nyc", **values):
    return codec.to_proto(p.Site(name=name, **values)).SerializeToString()


def test_a_mutation_is_repeated_with_its_request_id_at_the_next_server():
    world = World([unavailable(), unavailable("LEADER_CHANGED"), site()])
    steps = core.create(world.session, p.Site(name="organizations/acme/sites/nyc"), "", False, None)
    world.run(steps)
    calls = world.calls()
    assert [call.server for call in calls] == [0, 1, 2]
    request = codec.method(calls[0].path)[0].FromString(calls[0].payload)
    assert len({call.payload for call in calls}) == 1
    assert len(request.request_id) == 32
    assert (request.parent, request.site_id) == ("organizations/acme", "nyc")


def test_another_method_is_not_repeated_when_it_may_have_been_done():
    world = World([unavailable("LEADER_CHANGED")])
    request = p.TransferLeadershipRequest()
    path = "/patronus.v1.ClusterService/TransferLeadership"
    with pytest.raises(p.LeaderChanged):
        world.run(core.custom(world.session, path, request, p.TransferLeadershipResponse, None))
    assert len(world.calls()) == 1


def test_another_method_with_a_request_id_is_repeated_with_it():
    done = p.ChangeSet(name="organizations/acme/changeSets/c")
    world = World([unavailable("LEADER_CHANGED"), codec.to_proto(done).SerializeToString()])
    request = p.ConfirmChangeSetRequest(name=done.name)
    path = "/patronus.v1.ChangeSetService/ConfirmChangeSet"
    assert world.run(core.custom(world.session, path, request, p.ChangeSet, None))[0].name == done.name
    calls = world.calls()
    assert len(calls) == 2
    assert len({call.payload for call in calls}) == 1
    assert len(codec.method(path)[0].FromString(calls[0].payload).request_id) == 32


def test_a_stream_is_sent_once_and_the_next_one_to_the_next_server():
    name = "organizations/acme/models/m/versions/v1"
    done = codec.to_proto(p.ModelVersion(name=name, digest="0" * 64)).SerializeToString()
    world = World([unavailable(), done])
    path = "/patronus.v1.ArtifactService/UploadArtifact"
    pieces = [p.UploadArtifactRequest(name=name, data=b"ab"), p.UploadArtifactRequest(data=b"c")]
    with pytest.raises(p.Unavailable):
        world.run(core.upload(world.session, path, iter(pieces), p.ModelVersion, None))
    reply, _ = world.run(core.upload(world.session, path, pieces, p.ModelVersion, None))
    assert reply.name == name and world.sent == pieces
    assert [effect.server for effect in world.calls(core.Upload)] == [0, 1]


def test_a_refusal_is_not_repeated():
    world = World([errors.make("INVALID_ARGUMENT", "FIELD_INVALID", "region", "no", "")])
    with pytest.raises(p.FieldInvalid) as caught:
        world.run(core.get(world.session, p.Site, "x", False, None))
    assert caught.value.field == "region"
    assert len(world.calls()) == 1


def test_nobody_answers():
    world = World([])
    with pytest.raises(p.Unavailable, match="nobody is there"):
        world.run(core.get(world.session, p.Site, "x", False, 5.0))
    assert world.now == pytest.approx(5.0)
    assert 5 <= len(world.calls()) <= 60
    assert {call.server for call in world.calls()} == {0, 1, 2}


def test_a_silent_server_gets_a_part_of_the_time():
    world = World(["silent", site()])
    world.run(core.get(world.session, p.Site, "x", False, None))
    assert world.now == core.TRY_FIRST
    assert world.session.current == 1


def test_what_takes_long_is_answered_at_last():
    world = World(["silent"] * 7 + [site()])
    world.run(core.get(world.session, p.Site, "x", False, 120.0))
    assert [call.timeout for call in world.calls()] == [3, 3, 3, 6, 6, 6, 12, 12]


def test_one_silent_server_ends_with_the_deadline():
    world = World(["silent"], servers=("a:1",))
    with pytest.raises(p.DeadlineExceeded):
        world.run(core.get(world.session, p.Site, "x", False, 2.0))
    assert world.calls()[0].timeout == 2.0


def test_an_overloaded_server_is_given_time_not_left():
    world = World([errors.make("RESOURCE_EXHAUSTED", "OVERLOADED", "", "busy", "")] * 3 + [site()])
    world.run(core.get(world.session, p.Site, "x", False, None))
    assert {call.server for call in world.calls()} == {0}
    assert world.now > 0


def test_pages():
    reply = codec.method("/patronus.v1.SiteService/ListSites")[1]
    pages = []
    for i in range(3):
        page = reply(next_page_token=f"t{i}" if i < 2 else "")
        page.sites.add(name=f"organizations/acme/sites/s{i}")
        pages.append(page.SerializeToString())
    world = World(pages)
    _, found = world.run(core.everything(world.session, p.Site, {"parent": "organizations/acme"}, None))
    assert [s.id for s in found] == ["s0", "s1", "s2"]
    requests = [codec.method(c.path)[0].FromString(c.payload) for c in world.calls()]
    assert [r.page_token for r in requests] == ["", "t0", "t1"]


def update_request(target, patch=None, mask=None):
    world = World([site()])
    world.run(core.update(world.session, p.Site, target, patch, "", mask, {}, None))
    (call,) = world.calls()
    return codec.method(call.path)[0].FromString(call.payload)


def test_update_by_patch_names_what_it_changes():
    request = update_request("organizations/acme/sites/nyc", {"location": "x", "region": None})
    assert sorted(request.update_mask.paths) == ["location", "region"]
    assert (request.site.location, request.site.region) == ("x", "")


def test_update_of_what_was_read_carries_its_etag():
    read = codec.from_proto(codec.message_class(p.Site.PROTO)(name="n", etag="e1", region="eu", site_label=7), p.Site)
    read.location = "x"
    request = update_request(read)
    assert request.site.etag == "e1"
    assert sorted(request.update_mask.paths) == ["location", "region"]
    assert request.site.site_label == 0


def test_update_checks_the_patch():
    with pytest.raises(ValueError, match="is not an id"):
        update_request("organizations/acme/sites/nyc", {"region": "NOT AN ID"})
    with pytest.raises(ValueError):
        update_request("organizations/acme/sites/nyc", {"colour": "red"})
    with pytest.raises(ValueError, match="no field 'uid' to set"):
        update_request("organizations/acme/sites/nyc", {}, mask=["uid"])


def test_a_view_cannot_be_written():
    world = World([])
    with pytest.raises(errors.MethodMissing, match="tunnels cannot be created"):
        world.run(core.create(world.session, p.Tunnel(name="organizations/a/tunnels/t"), "", False, None))


# ---- apply


def test_apply_writes_only_what_is_declared_and_differs():
    present = site(region="eu", location="kept")
    world = World([present, present])
    done, _ = world.run(
        apply.apply(world.session, p.Site(name="organizations/acme/sites/nyc", region="us"), False, None)
    )
    assert (done.action, done.changed_fields) == ("updated", ["region"])
    request = codec.method(world.calls()[1].path)[0].FromString(world.calls()[1].payload)
    assert list(request.update_mask.paths) == ["region"]


def test_apply_twice_changes_nothing():
    world = World([site(region="eu")])
    done, _ = world.run(
        apply.apply(world.session, p.Site(name="organizations/acme/sites/nyc", region="eu"), False, None)
    )
    assert (done.action, done.changed) == ("unchanged", False)
    assert len(world.calls()) == 1


def test_apply_creates():
    missing = errors.make("NOT_FOUND", "RESOURCE_NOT_FOUND", "name", "none", "")
    world = World([missing, site()])
    done, _ = world.run(apply.apply(world.session, p.Site(name="organizations/acme/sites/nyc"), True, None))
    assert done.action == "created"
    assert codec.method(world.calls()[1].path)[0].FromString(world.calls()[1].payload).validate_only


def test_sets_have_no_order_lists_have():
    name = "organizations/a/sites/s/edges/e"
    segment = "organizations/a/segments/g"

    def edge(roles, prefixes):
        lan = p.LanInterface(interface="lan0", segment=segment, prefixes=prefixes)
        return p.Edge(name=name, roles=roles, lan_interfaces=[lan])

    one = edge([p.EdgeRole.HUB, p.EdgeRole.BRANCH], ["10.0.0.0/24", "10.0.1.0/24"])
    two = edge([p.EdgeRole.BRANCH, p.EdgeRole.HUB], ["10.0.1.0/24", "10.0.0.0/24"])
    assert apply.differences(one, two) == []
    assert apply.differences(edge([], ["10.0.0.0/24"]), two) == ["roles", "lan_interfaces"]


# ---- watch


def event(number, kind="ADDED", token=True, revision=None):
    message = codec.method(watch.PATH)[1](name=f"organizations/acme/sites/s{number}", revision=revision or number)
    message.type = watch.EventType.__members__[kind] and list(watch.EventType).index(watch.EventType[kind])
    message.resume_token = f"t{number}" if token else ""
    if kind != "BOOKMARK":
        message.resource.Pack(codec.to_proto(p.Site(name=message.name)))
    return message.SerializeToString()


def test_a_watch_goes_on_right_behind_its_last_event():
    compacted = errors.make("OUT_OF_RANGE", "HISTORY_COMPACTED", "", "too old", "")
    world = World([event(1), event(2), unavailable(), unavailable(), event(3), event(4, "BOOKMARK"), None, compacted])
    request = watch.Request(kinds=["sites"], send_initial=True)
    emitted = []
    steps = watch.watch(world.session, request, 120.0)
    with pytest.raises(p.HistoryCompacted):
        effect = next(steps)
        while True:
            if isinstance(effect, core.Emit):
                emitted.append(effect.value)
                effect = steps.send(None)
            else:
                effect = steps.send(world.perform(effect))
    assert [e.name[-2:] for e in emitted] == ["s1", "s2", "s3"]
    assert isinstance(emitted[0].resource, p.Site)
    opened = [codec.method(watch.PATH)[0].FromString(o.payload) for o in world.calls(core.Open)]
    assert [o.resume_token for o in opened] == ["", "t2", "t2", "t4"]
    assert [o.send_initial for o in opened] == [True, False, False, False]
    assert [o.server for o in world.calls(core.Open)] == [0, 1, 2, 0]
    assert request.reconnects == 3


def told(outcomes, **values):
    """What a watch tells, event by event, until its script ends."""
    world = World([*outcomes, errors.make("OUT_OF_RANGE", "HISTORY_COMPACTED", "", "too old", "")])
    emitted = []
    steps = watch.watch(world.session, watch.Request(**values), 120.0)
    with pytest.raises(p.HistoryCompacted):
        effect = next(steps)
        while True:
            if isinstance(effect, core.Emit):
                emitted.append(f"{effect.value.type} {effect.value.name[-2:]}@{effect.value.revision}")
                effect = steps.send(None)
            else:
                effect = steps.send(world.perform(effect))
    return emitted


def test_a_transaction_cut_in_its_middle_is_told_once():
    first, second, third = event(1, token=False), event(2, token=False), event(3)
    assert told([first, second, unavailable(), first, unavailable(), first, second, third, event(4)]) == [
        "ADDED s1@1", "ADDED s2@2", "ADDED s3@3", "ADDED s4@4"
    ]  # fmt: skip


def test_an_initial_state_cut_in_its_middle_is_told_once():
    """Meanwhile s2 changed and s1 was deleted."""
    first = [event(1, token=False), event(2, token=False), unavailable()]
    second = [event(2, token=False, revision=7), event(3, token=False), event(9, "BOOKMARK"), event(4)]
    assert told(first + second, send_initial=True) == [
        "ADDED s1@1", "ADDED s2@2", "MODIFIED s2@7", "ADDED s3@3", "DELETED s1@1", "ADDED s4@4"
    ]  # fmt: skip


def test_a_watch_has_patience_and_then_gives_up():
    world = World([event(1)])
    with pytest.raises(p.Unavailable):
        world.run(watch.watch(world.session, watch.Request(), 10.0))
    assert 10.0 < world.now < 12.0


# ---- errors


def test_every_reason_has_a_class_of_its_own():
    assert len(set(p.v1.reasons.BY_REASON.values())) == len(p.v1.reasons.BY_REASON)
    for reason, found in p.v1.reasons.BY_REASON.items():
        made = errors.make("ABORTED", reason, "field", "text", "server")
        assert type(made) is found
        assert str(made).startswith(f"field: text (ABORTED, {reason})")
    assert type(errors.make("ABORTED", "FROM_THE_FUTURE", "", "text", "")) is p.PatronusError


def test_details_are_read_and_nonsense_is_not():
    info = b"\n\rFIELD_INVALID\x12\x08patronus\x1a\x0f\n\x05field\x12\x06region"
    detail = b"\n\x28type.googleapis.com/google.rpc.ErrorInfo" + b"\x12" + bytes([len(info)]) + info
    status = b"\x08\x03\x12\x02no\x1a" + bytes([len(detail)]) + detail
    assert transport.read_details(status) == ("FIELD_INVALID", "region")
    rng = random.Random(8)
    for _ in range(3000):
        broken = bytearray(status)
        for _ in range(rng.randrange(1, 6)):
            broken[rng.randrange(len(broken))] = rng.randrange(256)
        transport.read_details(bytes(broken[: rng.randrange(len(broken) + 1)]))
