"""The SDK against three real controllers: changes, refusals, pages, watches over a leader's death, examples."""

import asyncio
import hashlib
import os
import pathlib
import subprocess
import sys
import threading

import pytest

import patronus_sdwan as p

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "examples"


def test_life_of_a_resource(client, org):
    name = f"{org}/sites/nyc"
    made = client.sites.create(p.Site(name=name, region="us-east", labels={"tier": "gold"}))
    assert (made.region, made.labels, made.revision > 0, bool(made.uid)) == ("us-east", {"tier": "gold"}, True, True)
    with pytest.raises(p.ResourceExists) as caught:
        client.sites.create(p.Site(name=name))
    assert "update or apply it instead" in str(caught.value)
    changed = client.sites.update(name, {"location": "New York", "region": None})
    assert (changed.location, changed.region, changed.labels) == ("New York", "", {"tier": "gold"})
    changed.admin_state = p.AdminState.DRAINED
    drained = client.sites.update(changed)
    assert client.sites.get(name).admin_state is p.AdminState.DRAINED
    with pytest.raises(p.EtagMismatch):
        client.sites.update(changed)
    with pytest.raises(p.EtagMismatch):
        client.sites.delete(name, etag="0123456789abcdef")
    assert client.sites.delete(drained) > drained.revision
    with pytest.raises(p.ResourceNotFound):
        client.sites.get(name)
    client.sites.delete(name, allow_missing=True)


def test_refusals_name_field_and_remedy(client, org):
    with pytest.raises(p.ParentNotFound):
        client.sites.create(p.Site(name="organizations/nowhere/sites/a"))
    with pytest.raises(p.ReferenceNotFound) as caught:
        client.segments.create(p.Segment(name=f"{org}/segments/a", fabric=f"{org}/fabrics/none"))
    assert caught.value.field == "fabric"
    client.fabrics.create(p.Fabric(name=f"{org}/fabrics/f"))
    client.segments.create(p.Segment(name=f"{org}/segments/a", fabric=f"{org}/fabrics/f"))
    with pytest.raises(p.ResourceInUse):
        client.fabrics.delete(f"{org}/fabrics/f")
    unchecked = p.Site.model_construct(name=f"{org}/sites/a", region="NOT AN ID", _fields_set={"name", "region"})
    with pytest.raises(p.FieldInvalid) as caught:
        client.sites.create(unchecked)
    assert (caught.value.code, caught.value.field) == ("INVALID_ARGUMENT", "region")
    with pytest.raises(p.FilterInvalid):
        list(client.sites.list(org, filter="nope = 1"))


def test_validate_only_changes_nothing(client, org):
    client.sites.create(p.Site(name=f"{org}/sites/a"), validate_only=True)
    assert list(client.sites.list(org)) == []


def test_a_repeated_request_id_is_answered_not_done_twice(client, org):
    one = client.sites.create(p.Site(name=f"{org}/sites/a"), request_id="r1" + org[-20:])
    two = client.sites.create(p.Site(name=f"{org}/sites/a"), request_id="r1" + org[-20:])
    assert one.uid == two.uid
    with pytest.raises(p.RequestIdReused):
        client.sites.create(p.Site(name=f"{org}/sites/b"), request_id="r1" + org[-20:])


def test_texts_of_every_script(client, org):
    text = "Zürich 雪 🏔 e\u0301 \u202e"
    made = client.sites.create(p.Site(name=f"{org}/sites/a", location=text, annotations={text: text}))
    assert client.sites.get(made.name).annotations == {text: text}


def test_pages_and_filters(client, org):
    async def fill():
        async with p.AsyncClient() as many, asyncio.TaskGroup() as tasks:
            for i in range(250):
                site = p.Site(name=f"{org}/sites/s{i:03}", region="eu" if i % 2 else "us")
                tasks.create_task(many.sites.create(site))

    asyncio.run(fill())
    names = [f"{org}/sites/s{i:03}" for i in range(250)]
    assert [s.name for s in client.sites.list(org)] == names
    assert [s.name for s in client.sites.list(org, page_size=7)] == names
    assert [s.name for s in client.sites.list(org, order_by="name desc")] == names[::-1]
    assert len(list(client.sites.list(org, filter='region = "eu"'))) == 125
    page = client.sites.page(org, page_size=10)
    assert len(page.resources) == 10
    assert client.sites.page(org, page_size=10, page_token=page.next_page_token).resources[0].id == "s010"


def test_a_watch_outlives_its_leader(client, org, cluster):
    """Sixty changes, a leader killed in their middle: each arrives once, in order."""
    wanted = [f"{org}/sites/s{i:03}" for i in range(60)]
    found = []

    def read(events):
        for event in events:
            found.append(event)
            if event.name == wanted[-1]:
                return

    with client.watch(org, kinds=[p.Site], send_initial=True, bookmarks=True) as events:
        reader = threading.Thread(target=read, args=(events,))
        reader.start()
        for name in wanted:
            if name == wanted[30]:
                assert cluster("cluster_kill_leader") in ("c1", "c2", "c3")
            client.sites.create(p.Site(name=name), timeout=30)
        reader.join(30)
        assert not reader.is_alive()
    assert [e.name for e in found if e.resource is not None] == wanted
    cluster("cluster_revive")


def test_an_async_watch_is_cancelled_with_its_task(org):
    async def main():
        async with p.AsyncClient() as client, client.watch(org) as events:
            waiting = asyncio.create_task(anext(events))
            await asyncio.sleep(0)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            return await client.sites.create(p.Site(name=f"{org}/sites/a"))

    assert asyncio.run(main()).id == "a"


def test_deadlines_and_missing_servers(client):
    with p.Client("127.0.0.1:1") as nobody, pytest.raises(p.Unavailable) as caught:
        nobody.organizations.get("organizations/a", timeout=0.5)
    assert "127.0.0.1:1" in str(caught.value) or caught.value.server == "127.0.0.1:1"
    with pytest.raises((p.DeadlineExceeded, p.Unavailable)):
        client.organizations.get("organizations/a", timeout=0.000001)
    with p.Client(["127.0.0.1:1", *os.environ["PATRONUS_SERVER"].split(",")]) as other:
        assert other.cluster.get_cluster_status().cluster_id


def test_cluster_methods(client):
    status = client.cluster.get_cluster_status()
    assert len(status.controllers) == 3
    with pytest.raises(p.PatronusError):
        client.enrollment.enroll(token="pt1.nonsense", csr=b"x")
    assert list(client.tunnels.list()) == []


def test_streams_both_ways(client, org):
    data = bytes(range(256)) * 1000
    model = client.models.create(p.Model(name=f"{org}/models/m", purpose="dpi"))
    version = client.model_versions.create(
        p.ModelVersion(name=f"{model.name}/versions/v1", digest=hashlib.sha256(data).hexdigest(), size_bytes=len(data))
    )

    def pieces():
        yield p.UploadArtifactRequest(name=version.name)
        for at in range(0, len(data), 100_000):
            yield p.UploadArtifactRequest(data=data[at : at + 100_000])

    assert client.artifact.upload_artifact(pieces()).name == version.name
    chunks = list(client.artifact.download_artifact(name=version.name))
    assert chunks[0].manifest.digest == version.digest
    assert b"".join(chunk.data for chunk in chunks) == data
    with pytest.raises(p.PatronusError):
        client.artifact.upload_artifact([p.UploadArtifactRequest(name=f"{model.name}/versions/none", data=b"x")])

    async def with_await():
        async def again():
            for piece in pieces():
                yield piece

        async with p.AsyncClient() as other:
            assert (await other.artifact.upload_artifact(again())).name == version.name
            assert (await other.artifact.upload_artifact(list(pieces()))).name == version.name

    asyncio.run(with_await())


def run(name, *arguments):
    command = [sys.executable, str(EXAMPLES / name), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.splitlines()


def test_examples(client, org, tmp_path):
    organization = org.split("/")[1]
    first = run("new_site.py", organization, "nyc")
    assert [line.split()[0] for line in first] == ["unchanged", *["created"] * 6]
    assert [line.split()[0] for line in run("new_site.py", organization, "nyc")] == ["unchanged"] * 7
    assert run("drain_region.py", organization, "us-east") == [f"drained {org}/sites/nyc"]
    assert client.sites.get(f"{org}/sites/nyc").admin_state is p.AdminState.DRAINED
    place = str(tmp_path / "place")
    seen = run("follow.py", organization, place, "8")
    assert [line.split()[0] for line in seen] == ["ADDED"] * 7 + ["BOOKMARK"]
    client.sites.update(f"{org}/sites/nyc", {"location": "New York"})
    assert [line.split()[:2] for line in run("follow.py", organization, place, "1")] == [
        ["MODIFIED", f"{org}/sites/nyc"]
    ]
