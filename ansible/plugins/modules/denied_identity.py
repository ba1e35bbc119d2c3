#!/usr/bin/python
# Copyright: Patronus maintainers
# Licence: Apache-2.0
# Generated from the schema by api/tools/generate; do not edit.

DOCUMENTATION = r"""
---
module: denied_identity
short_description: Declare a denied identity
description:
  - 'An identity that is refused at every door, whatever it presents, and whose open streams end.'
  - 'What is not given stays as it is; an empty value clears a field.'
options:
  name:
    description:
      - 'Name of the resource, from the top.'
      - For example C(deniedIdentities/my-denied-identity).
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
  identity:
    description:
      - 'A SPIFFE id, a service account, an API key, or a user of an identity provider.'
      - Needed to create the resource.
      - Cannot be changed after the resource is created.
    type: str
  reason:
    description:
      - 'Why, for people.'
    type: str
  expire_time:
    description:
      - 'Until when; unset: for ever.'
      - 'A time as RFC 3339, for example C(2030-01-31T12:00:00Z).'
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
- name: A denied identity
  patronus.sdwan.denied_identity:
    name: deniedIdentities/my-denied-identity
    identity: text
- name: No such denied identity
  patronus.sdwan.denied_identity:
    name: deniedIdentities/my-denied-identity
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

KIND = "DeniedIdentity"
FIELDS = {
    "labels": "labels",
    "annotations": "annotations",
    "display_name": "display_name",
    "identity": "identity",
    "reason": "reason",
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
    "identity": {"type": "str"},
    "reason": {"type": "str"},
    "expire_time": {"type": "str"},
}


def main():
    entry.resource(KIND, FIELDS, ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
