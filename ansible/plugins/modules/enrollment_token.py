#!/usr/bin/python
# Copyright: Patronus maintainers
# Licence: Apache-2.0
# Generated from the schema by api/tools/generate; do not edit.

DOCUMENTATION = r"""
---
module: enrollment_token
short_description: Declare an enrollment token
description:
  - Permission for one node to join. The token itself is shown once and stored as a hash.
  - 'What is not given stays as it is; an empty value clears a field.'
options:
  name:
    description:
      - 'Name of the resource, from the top.'
      - For example C(enrollmentTokens/my-enrollment-token).
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
  role:
    description:
      - 'What the node becomes: "edge", "voter" or "standby".'
      - 'An id: 1 to 63 of a-z, 0-9 and ''-'', beginning with a letter and not ending with ''-''.'
      - Needed to create the resource.
      - Cannot be changed after the resource is created.
    type: str
  edge:
    description:
      - 'For an edge: the resource that the node becomes.'
      - 'The full name of a edge, for example C(organizations/acme/sites/my-site/edges/my-edge).'
      - Cannot be changed after the resource is created.
    type: str
  secret_digest:
    description:
      - 'SHA-256 of the secret part, hexadecimal.'
      - A SHA-256 digest in lower-case hexadecimal.
      - Needed to create the resource.
      - Cannot be changed after the resource is created.
    type: str
  expire_time:
    description:
      - 'After this the token is refused; at most a day after creation.'
      - 'A time as RFC 3339, for example C(2030-01-31T12:00:00Z).'
      - Needed to create the resource.
      - Cannot be changed after the resource is created.
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
- name: An enrollment token
  patronus.sdwan.enrollment_token:
    name: enrollmentTokens/my-enrollment-token
    role: my-role
    secret_digest: '0000000000000000000000000000000000000000000000000000000000000000'
    expire_time: '2030-01-31T12:00:00Z'
- name: No such enrollment token
  patronus.sdwan.enrollment_token:
    name: enrollmentTokens/my-enrollment-token
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

KIND = "EnrollmentToken"
FIELDS = {
    "labels": "labels",
    "annotations": "annotations",
    "display_name": "display_name",
    "role": "role",
    "edge": "edge",
    "secret_digest": "secret_digest",
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
    "role": {"type": "str"},
    "edge": {"type": "str"},
    "secret_digest": {"type": "str", "no_log": False},
    "expire_time": {"type": "str"},
}


def main():
    entry.resource(KIND, FIELDS, ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
