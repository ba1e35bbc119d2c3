"""The two clients have one shape: the same members with the same arguments."""

import inspect
import re

import pytest

import patronus_sdwan as p
from patronus_sdwan import aio, sync
from patronus_sdwan.v1 import aio as aio_services
from patronus_sdwan.v1 import sync as sync_services

PAIRS = [
    (sync.Service, aio.AsyncService),
    (sync.ReadCollection, aio.AsyncReadCollection),
    (sync.Collection, aio.AsyncCollection),
    (sync.Watch, aio.AsyncWatch),
    (sync.BaseClient, aio.AsyncBaseClient),
    *((value, getattr(aio_services, "Async" + name)) for name, value in vars(sync_services).items()
      if inspect.isclass(value) and value.__module__ == sync_services.__name__),
]  # fmt: skip


def shape(cls):
    """Public members with their arguments and their texts."""
    found = {}
    for name, member in vars(cls).items():
        if name.startswith("_"):
            continue
        text = inspect.getdoc(member) or ""
        if callable(member):
            arguments = re.sub(
                r"Async|ReadCollection", "", str(inspect.signature(member).replace(return_annotation=""))
            )
            found[name] = (arguments, text.replace("task", "thread"))
        else:
            found[name] = text
    return found


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair[0].__name__)
def test_shape(pair):
    assert shape(pair[0]) == shape(pair[1])


def test_every_kind_and_method_is_there():
    for client in (p.Client, p.AsyncClient):
        for model in p.v1.MODELS:
            if issubclass(model, p.Resource):
                assert isinstance(getattr(client, client.COLLECTIONS[model]), property)


def test_credentials(tmp_path, monkeypatch):
    with pytest.raises(p.CredentialInvalid, match="the certificate and the private key"):
        p.Credential.parse("nothing")
    monkeypatch.setenv("PATRONUS_CREDENTIAL", str(tmp_path / "none.pem"))
    with pytest.raises(p.CredentialInvalid, match=r"none\.pem: cannot be read"):
        p.Client("127.0.0.1:1")
    pem = "".join(f"-----BEGIN {what}-----\n{i}\n-----END {what}-----\n"
                  for i, what in enumerate(["CERTIFICATE", "PRIVATE KEY", "CERTIFICATE", "CERTIFICATE"]))  # fmt: skip
    (tmp_path / "some.pem").write_text(pem)
    found = p.Credential.load(tmp_path / "some.pem")
    assert b"\n0\n" in found.certificate
    assert b"\n1\n" in found.key
    assert b"\n2\n" in found.ca and b"\n3\n" in found.ca
    assert "1" not in repr(found).split("key")[0]
