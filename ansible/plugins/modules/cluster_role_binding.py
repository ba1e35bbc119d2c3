#!/usr/bin/python
# Copyright: Patronus maintainers
# Licence: Apache-2.0
# Generated from the schema by api/tools/generate; do not edit.

DOCUMENTATION = r"""
---
module: cluster_role_binding
short_description: Declare a cluster role binding
description:
  - 'Who has a role in the whole cluster: in every organization and in what stands above them.'
  - 'What is not given stays as it is; an empty value clears a field.'
options:
  name:
    description:
      - 'Name of the resource, from the top.'
      - For example C(clusterRoleBindings/my-cluster-role-binding).
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
      - 'Name of a role: roles/viewer, roles/operator, roles/developer, roles/admin, or a Role of this organization or of one above it.'
      - Needed to create the resource.
    type: str
  members:
    description:
      - 'Who: a service account (organizations/acme/serviceAccounts/ci), a user or a group of an identity
          provider (organizations/acme/identityProviders/okta/users/SUBJECT, .../groups/GROUP), or a SPIFFE
          id.'
      - The order carries no meaning.
      - Needed to create the resource.
    type: list
    elements: str
  condition:
    description:
      - 'When the binding counts; unset: always.'
    type: dict
    suboptions:
      labels:
        description:
          - The resource has these labels.
        type: dict
      not_before:
        description:
          - Not earlier.
          - 'A time as RFC 3339, for example C(2030-01-31T12:00:00Z).'
        type: str
      not_after:
        description:
          - Earlier than this.
          - 'A time as RFC 3339, for example C(2030-01-31T12:00:00Z).'
        type: str
      source_prefixes:
        description:
          - The call comes from one of these prefixes.
          - 'An IPv4 or IPv6 prefix in canonical text, without host bits.'
          - The order carries no meaning.
        type: list
        elements: str
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
- name: A cluster role binding
  patronus.sdwan.cluster_role_binding:
    name: clusterRoleBindings/my-cluster-role-binding
    role: text
    members:
      - text
- name: No such cluster role binding
  patronus.sdwan.cluster_role_binding:
    name: clusterRoleBindings/my-cluster-role-binding
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

KIND = "ClusterRoleBinding"
FIELDS = {
    "labels": "labels",
    "annotations": "annotations",
    "display_name": "display_name",
    "role": "role",
    "members": "members",
    "condition": "condition",
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
    "members": {"type": "list", "elements": "str"},
    "condition": {
        "type": "dict",
        "options": {
            "labels": {"type": "dict"},
            "not_before": {"type": "str"},
            "not_after": {"type": "str"},
            "source_prefixes": {"type": "list", "elements": "str"},
        },
    },
}


def main():
    entry.resource(KIND, FIELDS, ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
