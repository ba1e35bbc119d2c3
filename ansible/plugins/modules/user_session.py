#!/usr/bin/python
# Copyright: Patronus maintainers
# Licence: Apache-2.0
# Generated from the schema by api/tools/generate; do not edit.

DOCUMENTATION = r"""
---
module: user_session
short_description: Declare an user session
description:
  - 'A user who is logged in: whose packets those from an address are, until when. Whoever authenticates
      users (a captive portal, RADIUS accounting, a VPN gateway) creates one at login, updates expire_time
      while the user is there, and deletes it at logout.'
  - 'What is not given stays as it is; an empty value clears a field.'
options:
  name:
    description:
      - 'Name of the resource, from the top.'
      - For example C(organizations/acme/userSessions/my-user-session).
    type: str
    required: true
  state:
    description:
      - Whether the resource is to be there.
    type: str
    choices:
      - present
      - absent
    default: present
  force:
    description:
      - 'With O(state=absent), delete what is below the resource too.'
    type: bool
    default: false
  etag:
    description:
      - 'Fail when the resource is there and has another etag, that is, was changed since it was read.'
    type: str
  labels:
    description:
      - Short key-value pairs for selection by filters.
    type: dict
  annotations:
    description:
      - Free key-value pairs that the system does not read.
    type: dict
  display_name:
    description:
      - A name for people.
    type: str
  user:
    description:
      - 'Who, as steering rules name users.'
      - Needed to create the resource.
    type: str
  groups:
    description:
      - 'What the user belongs to, as steering rules name groups.'
      - The order carries no meaning.
    type: list
    elements: str
  site:
    description:
      - 'Where the addresses are: packets from them are the user''s when they come from a host of this site. Only its nodes are told.'
      - 'The full name of a site, for example C(organizations/acme/sites/my-site).'
      - Needed to create the resource.
    type: str
  segment:
    description:
      - The segment of the addresses.
      - 'The full name of a segment, for example C(organizations/acme/segments/my-segment).'
      - Needed to create the resource.
    type: str
  addresses:
    description:
      - 'The user''s addresses.'
      - An IPv4 or IPv6 address in canonical text (RFC 5952).
      - The order carries no meaning.
      - Needed to create the resource.
    type: list
    elements: str
  expire_time:
    description:
      - 'From then on the addresses are nobody''s. Nodes enforce it by their own clocks, also without a controller.'
      - 'A time as RFC 3339, for example C(2030-01-31T12:00:00Z).'
      - Needed to create the resource.
    type: str
attributes:
  check_mode:
    description: The server checks everything and changes nothing.
    support: full
  diff_mode:
    description: Shows the fields that change.
    support: full
author:
  - 'Patronus maintainers (@patronus-sdwan)'
extends_documentation_fragment:
  - patronus.sdwan.connection
"""

EXAMPLES = r"""
- name: An user session
  patronus.sdwan.user_session:
    name: organizations/acme/userSessions/my-user-session
    user: text
    site: organizations/acme/sites/my-site
    segment: organizations/acme/segments/my-segment
    addresses:
      - '192.0.2.1'
    expire_time: '2030-01-31T12:00:00Z'
- name: No such user session
  patronus.sdwan.user_session:
    name: organizations/acme/userSessions/my-user-session
    state: absent
"""

RETURN = r"""
resource:
  description: 'The resource as it is now; in check mode as it would be; empty when it is absent.'
  type: dict
  returned: success
action:
  description: 'What was done, one of created, updated, deleted, unchanged.'
  type: str
  returned: success
"""

from ansible_collections.patronus.sdwan.plugins.module_utils import entry

KIND = "UserSession"
FIELDS = {
    "labels": "labels",
    "annotations": "annotations",
    "display_name": "display_name",
    "user": "user",
    "groups": "groups",
    "site": "site",
    "segment": "segment",
    "addresses": "addresses",
    "expire_time": "expire_time",
}
ARGUMENT_SPEC = {
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "force": {"type": "bool", "default": False},
    "etag": {"type": "str"},
    "labels": {"type": "dict"},
    "annotations": {"type": "dict"},
    "display_name": {"type": "str"},
    "user": {"type": "str"},
    "groups": {"type": "list", "elements": "str"},
    "site": {"type": "str"},
    "segment": {"type": "str"},
    "addresses": {"type": "list", "elements": "str"},
    "expire_time": {"type": "str"},
}


def main():
    entry.resource(KIND, FIELDS, ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
