#!/usr/bin/python
# Copyright: Patronus maintainers
# Licence: Apache-2.0
# Generated from the schema by api/tools/generate; do not edit.

DOCUMENTATION = r"""
---
module: segment
short_description: Declare a segment
description:
  - 'An isolated routing domain [VRF]. Packets never cross from one to another.'
  - 'What is not given stays as it is; an empty value clears a field.'
options:
  name:
    description:
      - 'Name of the resource, from the top.'
      - For example C(organizations/acme/segments/my-segment).
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
  fabric:
    description:
      - The fabric that carries the segment.
      - 'The full name of a fabric, for example C(organizations/acme/fabrics/my-fabric).'
      - Needed to create the resource.
    type: str
  prefixes:
    description:
      - 'Prefixes that sites may announce into the segment; empty means any.'
      - 'An IPv4 or IPv6 prefix in canonical text, without host bits.'
      - The order carries no meaning.
    type: list
    elements: str
  encryption:
    description:
      - Whether packets of the segment may ever travel in the clear.
      - V(BY_LINK) - A path is sealed unless every link on it allows plain tunnels.
      - 'V(REQUIRED) - A plain path is refused, in both directions, even when nothing else is left.'
    type: str
    choices:
      - BY_LINK
      - REQUIRED
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
- name: A segment
  patronus.sdwan.segment:
    name: organizations/acme/segments/my-segment
    fabric: organizations/acme/fabrics/my-fabric
- name: No such segment
  patronus.sdwan.segment:
    name: organizations/acme/segments/my-segment
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

KIND = "Segment"
FIELDS = {
    "labels": "labels",
    "annotations": "annotations",
    "display_name": "display_name",
    "fabric": "fabric",
    "prefixes": "prefixes",
    "encryption": "encryption",
}
ARGUMENT_SPEC = {
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "force": {"type": "bool", "default": False},
    "etag": {"type": "str"},
    "labels": {"type": "dict"},
    "annotations": {"type": "dict"},
    "display_name": {"type": "str"},
    "fabric": {"type": "str"},
    "prefixes": {"type": "list", "elements": "str"},
    "encryption": {"type": "str", "choices": ["BY_LINK", "REQUIRED"]},
}


def main():
    entry.resource(KIND, FIELDS, ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
