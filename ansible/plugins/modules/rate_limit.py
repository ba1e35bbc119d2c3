#!/usr/bin/python
# Copyright: Patronus maintainers
# Licence: Apache-2.0
# Generated from the schema by api/tools/generate; do not edit.

DOCUMENTATION = r"""
---
module: rate_limit
short_description: Declare a rate limit
description:
  - 'How much a tenant, or a site towards another, may send. Judged where hosts send, after rules.'
  - 'What is not given stays as it is; an empty value clears a field.'
options:
  name:
    description:
      - 'Name of the resource, from the top.'
      - For example C(organizations/acme/rateLimits/my-rate-limit).
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
  segment:
    description:
      - 'Segment; empty means all of the organization together.'
      - 'The full name of a segment, for example C(organizations/acme/segments/my-segment).'
    type: str
  sites:
    description:
      - 'Sites where it applies, each with the whole rate; empty means all.'
      - 'The full name of a site, for example C(organizations/acme/sites/my-site).'
      - The order carries no meaning.
    type: list
    elements: str
  peer_site:
    description:
      - 'Only what goes to this site; empty means everything.'
      - 'The full name of a site, for example C(organizations/acme/sites/my-site).'
    type: str
  rate_bps:
    description:
      - 'Rate, IP packets.'
      - From 10000 to 400000000000 bit/s.
      - Needed to create the resource.
    type: int
  burst_ms:
    description:
      - 'How much may come at once, as time that it takes at the rate; 0 means 50.'
      - From 0 to 10000 ms.
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
- name: A rate limit
  patronus.sdwan.rate_limit:
    name: organizations/acme/rateLimits/my-rate-limit
    rate_bps: 400000000000
- name: No such rate limit
  patronus.sdwan.rate_limit:
    name: organizations/acme/rateLimits/my-rate-limit
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

KIND = "RateLimit"
FIELDS = {
    "labels": "labels",
    "annotations": "annotations",
    "display_name": "display_name",
    "segment": "segment",
    "sites": "sites",
    "peer_site": "peer_site",
    "rate_bps": "rate_bps",
    "burst_ms": "burst_ms",
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
    "segment": {"type": "str"},
    "sites": {"type": "list", "elements": "str"},
    "peer_site": {"type": "str"},
    "rate_bps": {"type": "int"},
    "burst_ms": {"type": "int"},
    "disabled": {"type": "bool"},
}


def main():
    entry.resource(KIND, FIELDS, ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
