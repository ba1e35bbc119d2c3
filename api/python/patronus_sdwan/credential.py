"""Who we are: a client certificate, its key and the cluster's CA, in the file that `patronusd init` writes.

The same places are looked at as by patronusctl: an argument, then PATRONUS_CREDENTIAL, then
~/.config/patronus/admin.pem; and for servers an argument, then PATRONUS_SERVER, then 127.0.0.1:7400.
"""

from __future__ import annotations

import os
import pathlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from .errors import CredentialInvalid

DEFAULT_FILE = "~/.config/patronus/admin.pem"
DEFAULT_SERVER = "127.0.0.1:7400"
BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----\n?", re.S)


@dataclass(frozen=True)
class Credential:
    """A client's certificate and key, and the only CA that it trusts."""

    certificate: bytes
    key: bytes = field(repr=False)
    ca: bytes

    @classmethod
    def parse(cls, text: str, place: str = "the credential") -> Credential:
        """From PEM: the first certificate is the client's, the others are the CA's."""
        certificates: list[bytes] = []
        keys: list[bytes] = []
        for block in BLOCK.finditer(text):
            (keys if "PRIVATE KEY" in block.group(1) else certificates).append(block.group(0).encode())
        missing = [
            what
            for what, there in (
                ("the certificate", certificates),
                ("the private key", keys),
                ("the CA's certificate", certificates[1:]),
            )
            if not there
        ]
        if missing:
            raise CredentialInvalid(f"{' and '.join(missing)} is missing", field=place)
        return cls(certificates[0], keys[0], b"\n".join(certificates[1:]))

    @classmethod
    def load(cls, path: str | os.PathLike[str] | None = None) -> Credential:
        """From a file; without a path, from where patronusctl would take it."""
        file = pathlib.Path(path or os.environ.get("PATRONUS_CREDENTIAL") or DEFAULT_FILE).expanduser()
        try:
            text = file.read_text()
        except OSError as error:
            raise CredentialInvalid(f"cannot be read: {error.strerror}", field=str(file)) from error
        except UnicodeDecodeError as error:
            raise CredentialInvalid("is not text", field=str(file)) from error
        return cls.parse(text, str(file))


def find_servers(servers: str | Sequence[str] | None) -> list[str]:
    """Addresses of controllers, host:port; from the argument or the environment."""
    if servers is None or not servers:
        servers = os.environ.get("PATRONUS_SERVER") or DEFAULT_SERVER
    words = servers.split(",") if isinstance(servers, str) else servers
    found = [word.strip() for word in words if word.strip()]
    if not found:
        raise CredentialInvalid("names no server; write host:port[,host:port...]", field="servers")
    return found
