"""Patronus from Python: a typed client of the SD-WAN's API, blocking (Client) and with await (AsyncClient).

from patronus_sdwan import Client, Site

with Client() as client:
    client.sites.create(Site(name="organizations/acme/sites/nyc", region="us-east"))
    for site in client.sites.list("organizations/acme"):
        print(site.id, site.admin_state)
"""

from . import errors, rules, v1
from .apply import Applied, differences
from .credential import Credential
from .errors import Cancelled, CredentialInvalid, DeadlineExceeded, NotAuthenticated, PatronusError, Unavailable
from .message import Kind, Message, Page, Resource
from .v1 import *  # noqa: F403 - every model and enum, as v1.__all__ lists them
from .v1 import reasons as _reasons
from .v1.aio import AsyncClient
from .v1.reasons import *  # noqa: F403 - one exception per reason
from .v1.sync import Client
from .watch import Event, EventType

__version__ = "0.1.0"

__all__ = [
    "Applied",
    "AsyncClient",
    "Cancelled",
    "Client",
    "Credential",
    "CredentialInvalid",
    "DeadlineExceeded",
    "Event",
    "EventType",
    "Kind",
    "Message",
    "NotAuthenticated",
    "Page",
    "PatronusError",
    "Resource",
    "Unavailable",
    "differences",
    "errors",
    "rules",
]
__all__ += v1.__all__
__all__ += _reasons.__all__
