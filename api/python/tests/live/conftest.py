"""A cluster of three real controllers, given by tests/clients/python.sh; without one these tests do not run."""

import os
import pathlib
import subprocess

import pytest

import patronus_sdwan as p

ROOT = pathlib.Path(__file__).resolve().parents[4]


@pytest.fixture(scope="session", autouse=True)
def cluster():
    if "CLUSTER_DIR" not in os.environ:
        pytest.skip("there is no cluster; run tests/clients/python.sh")

    def run(command):
        text = f"set -euo pipefail; . tests/clients/cluster.sh; cluster_attach {os.environ['CLUSTER_DIR']}; {command}"
        return subprocess.run(["bash", "-c", text], cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()

    return run


@pytest.fixture
def client():
    with p.Client() as made:
        yield made


@pytest.fixture
def org(client, request):
    """An organization of the test's own."""
    name = "organizations/py-" + request.node.name.removeprefix("test_").replace("_", "-")[:50].rstrip("-")
    client.organizations.create(p.Organization(name=name))
    yield name
    client.organizations.delete(name, force=True)
