#!/usr/bin/python
# Copyright: Patronus maintainers
# Licence: Apache-2.0
# Generated from the schema by api/tools/generate; do not edit.

DOCUMENTATION = r"""
---
module: organization
short_description: Declare an organization
description:
  - 'A tenant. Organizations are flat; a parent field makes them a tree, so that a move renames nothing.'
  - 'What is not given stays as it is; an empty value clears a field.'
options:
  name:
    description:
      - 'Name of the resource, from the top.'
      - For example C(organizations/acme).
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
  parent_organization:
    description:
      - 'The organization above this one; empty for a root.'
      - 'The full name of a organization, for example C(organizations/acme).'
    type: str
  tier:
    description:
      - What the tenant has booked.
      - 'V(FREE) - To try: 3 sites, 6 edges, 64 tunnels, 10 policies, 1 model, 1 MiB, 20 requests a second, 8 streams.'
      - 'V(STARTER) - A few sites: 25 sites, 50 edges, 10,000 tunnels, 100 policies, 5 models, 16 MiB, 100 requests a second, 64 streams.'
      - 'V(PROFESSIONAL) - Hundreds of sites: 500 sites, 1,000 edges, 1,000,000 tunnels, 1,000 policies, 50
          models, 256 MiB, 500 requests a second, 512 streams.'
      - 'V(ENTERPRISE) - As contracted: no limits but those in `quotas`.'
    type: str
    choices:
      - FREE
      - STARTER
      - PROFESSIONAL
      - ENTERPRISE
  quotas:
    description:
      - 'Limits that differ from the tier''s.'
    type: dict
    suboptions:
      sites:
        description:
          - Sites.
        type: int
      edges:
        description:
          - Edges.
        type: int
      tunnels:
        description:
          - 'Directed tunnels that the links can form: pairs of links at different sites over the same underlay.'
        type: int
      policies:
        description:
          - 'Policies: those of steering, of the firewall and of translation.'
        type: int
      models:
        description:
          - Models.
        type: int
      bytes:
        description:
          - 'Stored bytes of all resources, and those of the artifacts that model versions stand for.'
        type: int
      requests_per_second:
        description:
          - 'API requests a second by the organization''s own principals, at each controller; by one of them
              four fifths of it, so that a program that runs wild leaves room for who stops it.'
        type: int
      streams:
        description:
          - 'Open streams of the organization''s own principals, at each controller.'
        type: int
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
- name: An organization
  patronus.sdwan.organization:
    name: organizations/acme
- name: No such organization
  patronus.sdwan.organization:
    name: organizations/acme
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

KIND = "Organization"
FIELDS = {
    "labels": "labels",
    "annotations": "annotations",
    "display_name": "display_name",
    "parent_organization": "parent_organization",
    "tier": "tier",
    "quotas": "quotas",
}
ARGUMENT_SPEC = {
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "force": {"type": "bool", "default": False},
    "etag": {"type": "str"},
    "labels": {"type": "dict"},
    "annotations": {"type": "dict"},
    "display_name": {"type": "str"},
    "parent_organization": {"type": "str"},
    "tier": {"type": "str", "choices": ["FREE", "STARTER", "PROFESSIONAL", "ENTERPRISE"]},
    "quotas": {
        "type": "dict",
        "options": {
            "sites": {"type": "int"},
            "edges": {"type": "int"},
            "tunnels": {"type": "int"},
            "policies": {"type": "int"},
            "models": {"type": "int"},
            "bytes": {"type": "int"},
            "requests_per_second": {"type": "int"},
            "streams": {"type": "int"},
        },
    },
}


def main():
    entry.resource(KIND, FIELDS, ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
