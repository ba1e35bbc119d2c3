"""Who is behind an address: the sessions of users, by which steering rules know users and groups.

Generated from the schema by api/tools/generate; do not edit.
"""

from __future__ import annotations

import datetime
from typing import Annotated, ClassVar, TypedDict

from pydantic import Field

from .. import rules as marks
from ..message import Kind, Resource
from .common import Condition


class UserSession(Resource):
    """A user who is logged in: whose packets those from an address are, until when. Whoever authenticates users (a
    captive portal, RADIUS accounting, a VPN gateway) creates one at login, updates expire_time while the user is
    there, and deletes it at logout.
    """

    PROTO: ClassVar[str] = "patronus.v1.UserSession"
    KIND: ClassVar[Kind] = Kind(
        singular="userSession",
        plural="userSessions",
        pattern="organizations/*/userSessions/*",
        view=False,
        columns=("user", "site", "expire_time"),
        methods={
            "create": "/patronus.v1.UserSessionService/CreateUserSession",
            "get": "/patronus.v1.UserSessionService/GetUserSession",
            "list": "/patronus.v1.UserSessionService/ListUserSessions",
            "update": "/patronus.v1.UserSessionService/UpdateUserSession",
            "delete": "/patronus.v1.UserSessionService/DeleteUserSession",
        },
    )

    name: Annotated[str, marks.Matches("organizations/*/userSessions/*", optional=False), marks.Immutable()]
    """Resource name: organizations/{organization}/userSessions/{user_session}. Assigned from the parent and the id.
    """
    user: Annotated[Annotated[str, marks.Size(128)], marks.Required()]
    """Who, as steering rules name users."""
    site: Annotated[Annotated[str, marks.Matches("organizations/*/sites/*")], marks.Required()]
    """Where the addresses are: packets from them are the user's when they come from a host of this site. Only its
    nodes are told.
    """
    segment: Annotated[Annotated[str, marks.Matches("organizations/*/segments/*")], marks.Required()]
    """The segment of the addresses."""
    addresses: Annotated[
        list[Annotated[str, marks.IP, marks.Size(1024)]], marks.Required(), marks.Items(16), marks.AsSet()
    ]
    """The user's addresses."""
    expire_time: Annotated[datetime.datetime, marks.Required()]
    """From then on the addresses are nobody's. Nodes enforce it by their own clocks, also without a controller."""
    uid: Annotated[str, marks.Output()] = ""
    """Unique for ever, also across deletion and re-creation of the same name."""
    etag: Annotated[str, marks.Output()] = ""
    """Digest of the user's fields; send it back in Update or Delete to detect a concurrent change (AIP-154)."""
    revision: Annotated[int, marks.Output()] = 0
    """Log index of the last change of a user's field."""
    create_time: Annotated[datetime.datetime | None, marks.Output()] = None
    """When the resource was created, by the leader's clock."""
    update_time: Annotated[datetime.datetime | None, marks.Output()] = None
    """When a user's field last changed, by the leader's clock."""
    labels: Annotated[dict[Annotated[str, marks.Size(1024)], Annotated[str, marks.Size(256)]], marks.Items(64)] = Field(
        default_factory=dict
    )
    """Short key-value pairs for selection by filters."""
    annotations: Annotated[
        dict[Annotated[str, marks.Size(1024)], Annotated[str, marks.Size(4096)]], marks.Items(64)
    ] = Field(default_factory=dict)
    """Free key-value pairs that the system does not read."""
    display_name: Annotated[str, marks.Size(256)] = ""
    """A name for people."""
    reconciling: Annotated[bool, marks.Output()] = False
    """True while nodes have not yet reached the declared state."""
    conditions: Annotated[list[Condition], marks.Output()] = Field(default_factory=list)
    """Health, aspect by aspect."""
    observed_revision: Annotated[int, marks.Output()] = 0
    """Newest revision that every node concerned has applied."""
    groups: Annotated[list[Annotated[str, marks.Size(128)]], marks.Items(64), marks.AsSet()] = Field(
        default_factory=list
    )
    """What the user belongs to, as steering rules name groups."""

    @staticmethod
    def resource_name(organization: str, user_session: str) -> str:
        """The name of a userSession from its ids."""
        return f"organizations/{organization}/userSessions/{user_session}"


class UserSessionPatch(TypedDict, total=False):
    """Fields of UserSession to change; None clears one."""

    labels: dict[Annotated[str, marks.Size(1024)], Annotated[str, marks.Size(256)]] | None
    """Short key-value pairs for selection by filters."""
    annotations: dict[Annotated[str, marks.Size(1024)], Annotated[str, marks.Size(4096)]] | None
    """Free key-value pairs that the system does not read."""
    display_name: Annotated[str, marks.Size(256)] | None
    """A name for people."""
    user: Annotated[str, marks.Size(128)] | None
    """Who, as steering rules name users."""
    groups: list[Annotated[str, marks.Size(128)]] | None
    """What the user belongs to, as steering rules name groups."""
    site: Annotated[str, marks.Matches("organizations/*/sites/*")] | None
    """Where the addresses are: packets from them are the user's when they come from a host of this site. Only its
    nodes are told.
    """
    segment: Annotated[str, marks.Matches("organizations/*/segments/*")] | None
    """The segment of the addresses."""
    addresses: list[Annotated[str, marks.IP, marks.Size(1024)]] | None
    """The user's addresses."""
    expire_time: datetime.datetime | None
    """From then on the addresses are nobody's. Nodes enforce it by their own clocks, also without a controller."""
