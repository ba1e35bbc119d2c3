#!/usr/bin/python
# Copyright: Patronus maintainers
# Licence: Apache-2.0
# Generated from the schema by api/tools/generate; do not edit.

DOCUMENTATION = r"""
---
module: change_set
short_description: Declare a change set
description:
  - 'Changes of resources of one organization that are applied together or not at all.  It is staged by
      UpdateChangeSet with allow_missing, as often as one likes; whoever may read the change set reads
      what is staged in it. Applied, it is one entry of the log: each change passes the same checks,
      quotas and access rules as if its caller had made it alone, and a refusal of one is a refusal of
      all. While one waits for its confirmation, its organization takes no other changes of the kinds that
      change sets hold, so that taking it back gives exactly the state before.'
  - 'What is not given stays as it is; an empty value clears a field.'
options:
  name:
    description:
      - 'Name of the resource, from the top.'
      - For example C(organizations/acme/changeSets/my-change-set).
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
  changes:
    description:
      - 'What it changes, in this order. Cannot be changed once it has been applied.'
    type: list
    elements: dict
    suboptions:
      action:
        description:
          - What it does.
          - V(CHANGE_CREATE) - Makes a resource that does not exist.
          - V(CHANGE_UPDATE) - Changes fields of a resource.
          - V(CHANGE_DELETE) - Removes a resource.
          - Needed to create the resource.
        type: str
        choices:
          - CHANGE_CREATE
          - CHANGE_UPDATE
          - CHANGE_DELETE
      name:
        description:
          - 'Full name of the resource, below the change set''s own organization. Each name stands once in a change set.'
          - Needed to create the resource.
        type: str
      resource:
        description:
          - 'Create, update: the resource. Its name and output fields are not looked at.'
        type: dict
      update_mask:
        description:
          - 'Update: the fields to change; empty means those that are set in `resource`, "*" every field.'
        type: list
        elements: str
      allow_missing:
        description:
          - 'Update: create when missing. Delete: succeed when missing.'
        type: bool
      force:
        description:
          - 'Delete: also what is below it.'
        type: bool
      etag:
        description:
          - 'When set, the resource must have this etag when the change set is applied. Otherwise the one that
              it had when the change was staged: see `bases`.'
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
- name: A change set
  patronus.sdwan.change_set:
    name: organizations/acme/changeSets/my-change-set
- name: No such change set
  patronus.sdwan.change_set:
    name: organizations/acme/changeSets/my-change-set
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

KIND = "ChangeSet"
FIELDS = {"labels": "labels", "annotations": "annotations", "display_name": "display_name", "changes": "changes"}
ARGUMENT_SPEC = {
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "force": {"type": "bool", "default": False},
    "etag": {"type": "str"},
    "labels": {"type": "dict"},
    "annotations": {"type": "dict"},
    "display_name": {"type": "str"},
    "changes": {
        "type": "list",
        "elements": "dict",
        "options": {
            "action": {"type": "str", "choices": ["CHANGE_CREATE", "CHANGE_UPDATE", "CHANGE_DELETE"]},
            "name": {"type": "str"},
            "resource": {"type": "dict"},
            "update_mask": {"type": "list", "elements": "str"},
            "allow_missing": {"type": "bool"},
            "force": {"type": "bool"},
            "etag": {"type": "str"},
        },
    },
}


def main():
    entry.resource(KIND, FIELDS, ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
