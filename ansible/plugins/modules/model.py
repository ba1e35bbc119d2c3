#!/usr/bin/python
# Copyright: Patronus maintainers
# Licence: Apache-2.0
# Generated from the schema by api/tools/generate; do not edit.

DOCUMENTATION = r"""
---
module: model
short_description: Declare a model
description:
  - 'A model with a purpose; its versions hold what was trained.'
  - 'What is not given stays as it is; an empty value clears a field.'
options:
  name:
    description:
      - 'Name of the resource, from the top.'
      - For example C(organizations/acme/models/my-model).
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
  purpose:
    description:
      - 'What it is for, for example "dpi" or "forecast".'
      - 'An id: 1 to 63 of a-z, 0-9 and ''-'', beginning with a letter and not ending with ''-''.'
      - Needed to create the resource.
    type: str
  live_version:
    description:
      - 'The version in use; empty for none. Its bytes must be stored. PromoteModelVersion sets it together with the stages.'
      - 'The full name of a modelVersion, for example C(organizations/acme/models/my-model/versions/my-model-version).'
    type: str
  signing_keys:
    description:
      - 'Ed25519 public keys, hexadecimal, one of which must have signed a version before it may decide or
          be loaded. Empty: versions need no signature.'
      - A SHA-256 digest in lower-case hexadecimal.
      - The order carries no meaning.
    type: list
    elements: str
  keep_versions:
    description:
      - 'How many versions to keep besides those in use, in CANARY, and the one in use before: older ones are deleted, the oldest first. 0: all.'
      - From 0 to 10000.
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
- name: A model
  patronus.sdwan.model:
    name: organizations/acme/models/my-model
    purpose: my-purpose
- name: No such model
  patronus.sdwan.model:
    name: organizations/acme/models/my-model
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

KIND = "Model"
FIELDS = {
    "labels": "labels",
    "annotations": "annotations",
    "display_name": "display_name",
    "purpose": "purpose",
    "live_version": "live_version",
    "signing_keys": "signing_keys",
    "keep_versions": "keep_versions",
}
ARGUMENT_SPEC = {
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "force": {"type": "bool", "default": False},
    "etag": {"type": "str"},
    "labels": {"type": "dict"},
    "annotations": {"type": "dict"},
    "display_name": {"type": "str"},
    "purpose": {"type": "str"},
    "live_version": {"type": "str"},
    "signing_keys": {"type": "list", "elements": "str", "no_log": False},
    "keep_versions": {"type": "int"},
}


def main():
    entry.resource(KIND, FIELDS, ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
