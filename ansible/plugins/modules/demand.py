#!/usr/bin/python
# Copyright: Patronus maintainers
# Licence: Apache-2.0
# Generated from the schema by api/tools/generate; do not edit.

DOCUMENTATION = r"""
---
module: demand
short_description: Declare a demand
description:
  - 'Traffic that is expected between two sites, entered by hand: it stands beside what is measured when
      a what-if question says so. It moves nothing by itself.'
  - 'What is not given stays as it is; an empty value clears a field.'
options:
  name:
    description:
      - 'Name of the resource, from the top.'
      - For example C(organizations/acme/demands/my-demand).
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
  source_site:
    description:
      - Where the traffic comes from.
      - 'The full name of a site, for example C(organizations/acme/sites/my-site).'
      - Needed to create the resource.
    type: str
  destination_site:
    description:
      - 'Where it goes to; another site.'
      - 'The full name of a site, for example C(organizations/acme/sites/my-site).'
      - Needed to create the resource.
    type: str
  traffic_class:
    description:
      - What it is for.
      - 'V(REALTIME) - Voice and live video: EF, VA, CS5, CS4, AF4x.'
      - 'V(INTERACTIVE) - Transactions and control: AF2x, CS2, CS6, CS7.'
      - 'V(STREAMING) - Recorded video: AF3x, CS3.'
      - V(STANDARD) - Everything else.
      - 'V(BULK) - Backups and updates: AF1x, CS1, LE.'
    type: str
    choices:
      - REALTIME
      - INTERACTIVE
      - STREAMING
      - STANDARD
      - BULK
  rate_bps:
    description:
      - 'How much, bit/s.'
      - From 1 to 400000000000 bit/s.
      - Needed to create the resource.
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
- name: A demand
  patronus.sdwan.demand:
    name: organizations/acme/demands/my-demand
    source_site: organizations/acme/sites/my-site
    destination_site: organizations/acme/sites/my-site
    rate_bps: 400000000000
- name: No such demand
  patronus.sdwan.demand:
    name: organizations/acme/demands/my-demand
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

KIND = "Demand"
FIELDS = {
    "labels": "labels",
    "annotations": "annotations",
    "display_name": "display_name",
    "source_site": "source_site",
    "destination_site": "destination_site",
    "traffic_class": "traffic_class",
    "rate_bps": "rate_bps",
}
ARGUMENT_SPEC = {
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "force": {"type": "bool", "default": False},
    "etag": {"type": "str"},
    "labels": {"type": "dict"},
    "annotations": {"type": "dict"},
    "display_name": {"type": "str"},
    "source_site": {"type": "str"},
    "destination_site": {"type": "str"},
    "traffic_class": {"type": "str", "choices": ["REALTIME", "INTERACTIVE", "STREAMING", "STANDARD", "BULK"]},
    "rate_bps": {"type": "int"},
}


def main():
    entry.resource(KIND, FIELDS, ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
