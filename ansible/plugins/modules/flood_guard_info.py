#!/usr/bin/python
# Copyright: Patronus maintainers
# Licence: Apache-2.0
# Generated from the schema by api/tools/generate; do not edit.

DOCUMENTATION = r"""
---
module: flood_guard_info
short_description: Read flood guards
description:
  - 'Protection of edges against floods, judged where packets of the underlay arrive.'
  - 'Reads one, or all that fit; what does not exist is not an error.'
options:
  name:
    description:
      - 'Name of one resource to read. Without it, all below O(parent) are read.'
    type: str
  parent:
    description:
      - 'Name of the resource above; C(-) in place of an id reads across collections, empty reads all.'
    type: str
    default: ''
  filter:
    description:
      - 'Which resources, for example C(region = "eu" AND labels.tier = "gold").'
    type: str
    default: ''
  order_by:
    description:
      - 'Field to order by, optionally followed by C( desc).'
    type: str
    default: ''
  stale:
    description:
      - 'Let any controller answer from its own state, which may be behind.'
    type: bool
    default: false
attributes:
  check_mode:
    description: Nothing is ever changed.
    support: full
  diff_mode:
    description: Nothing is ever changed.
    support: none
author:
  - 'Patronus maintainers (@patronus-sdwan)'
extends_documentation_fragment:
  - patronus.sdwan.connection
"""

EXAMPLES = r"""
- name: All flood guards
  patronus.sdwan.flood_guard_info:
    parent: organizations/acme
  register: found
- name: Their names
  ansible.builtin.debug:
    msg: '{{ found.resources | map(attribute=''name'') }}'
"""

RETURN = r"""
resources:
  description: 'What was found, ordered by name.'
  type: list
  elements: dict
  returned: success
"""

from ansible_collections.patronus.sdwan.plugins.module_utils import entry

KIND = "FloodGuard"
FIELDS = {}
ARGUMENT_SPEC = {
    "name": {"type": "str"},
    "parent": {"type": "str", "default": ""},
    "filter": {"type": "str", "default": ""},
    "order_by": {"type": "str", "default": ""},
    "stale": {"type": "bool", "default": False},
}


def main():
    entry.info(KIND, FIELDS, ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
