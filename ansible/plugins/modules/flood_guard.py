#!/usr/bin/python
# Copyright: Patronus maintainers
# Licence: Apache-2.0
# Generated from the schema by api/tools/generate; do not edit.

DOCUMENTATION = r"""
---
module: flood_guard
short_description: Declare a flood guard
description:
  - 'Protection of edges against floods, judged where packets of the underlay arrive.'
  - 'What is not given stays as it is; an empty value clears a field.'
options:
  name:
    description:
      - 'Name of the resource, from the top.'
      - For example C(organizations/acme/floodGuards/my-flood-guard).
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
  sites:
    description:
      - 'Sites where it applies; empty means all. The first by name decides at a site.'
      - 'The full name of a site, for example C(organizations/acme/sites/my-site).'
      - The order carries no meaning.
    type: list
    elements: str
  denied_cidrs:
    description:
      - Sources whose packets are dropped.
      - 'An IPv4 or IPv6 prefix in canonical text, without host bits.'
      - The order carries no meaning.
    type: list
    elements: str
  source_packets_per_second:
    description:
      - 'Packets a second from one source that is no tunnel''s far end; 0 means no limit.'
      - From 0 to 100000000.
    type: int
  syns_per_second:
    description:
      - 'TCP connections a second to the edge and its port forwards; while more begin, only those whose
          source has proved itself by a SYN cookie. 0 means no limit.'
      - From 0 to 100000000.
    type: int
  disabled:
    description:
      - Not in force when true.
    type: bool
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
- name: A flood guard
  patronus.sdwan.flood_guard:
    name: organizations/acme/floodGuards/my-flood-guard
- name: No such flood guard
  patronus.sdwan.flood_guard:
    name: organizations/acme/floodGuards/my-flood-guard
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

KIND = "FloodGuard"
FIELDS = {
    "labels": "labels",
    "annotations": "annotations",
    "display_name": "display_name",
    "sites": "sites",
    "denied_cidrs": "denied_cidrs",
    "source_packets_per_second": "source_packets_per_second",
    "syns_per_second": "syns_per_second",
    "disabled": "disabled",
}
ARGUMENT_SPEC = {
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "force": {"type": "bool", "default": False},
    "etag": {"type": "str"},
    "labels": {"type": "dict"},
    "annotations": {"type": "dict"},
    "display_name": {"type": "str"},
    "sites": {"type": "list", "elements": "str"},
    "denied_cidrs": {"type": "list", "elements": "str"},
    "source_packets_per_second": {"type": "int"},
    "syns_per_second": {"type": "int"},
    "disabled": {"type": "bool"},
}


def main():
    entry.resource(KIND, FIELDS, ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
