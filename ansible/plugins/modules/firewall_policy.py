#!/usr/bin/python
# Copyright: Patronus maintainers
# Licence: Apache-2.0
# Generated from the schema by api/tools/generate; do not edit.

DOCUMENTATION = r"""
---
module: firewall_policy
short_description: Declare a firewall policy
description:
  - 'What hosts of a segment may begin. Rules are asked where a flow begins; what answers it passes, for
      as long as the flow lives. Between segments nothing passes but what a rule allows.'
  - 'What is not given stays as it is; an empty value clears a field.'
options:
  name:
    description:
      - 'Name of the resource, from the top.'
      - For example C(organizations/acme/firewallPolicies/my-firewall-policy).
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
      - The segment whose hosts begin.
      - 'The full name of a segment, for example C(organizations/acme/segments/my-segment).'
      - Needed to create the resource.
    type: str
  priority:
    description:
      - 'Policies are read in order of priority, lowest first; equal priorities in order of name.'
      - From 0 to 65535.
    type: int
  rules:
    description:
      - 'Read in order; the first that matches decides.'
    type: list
    elements: dict
    suboptions:
      action:
        description:
          - What becomes of packets that match.
          - 'V(ALLOW) - It passes, and so does what comes back.'
          - V(DROP) - It is dropped and counted.
          - Needed to create the resource.
        type: str
        choices:
          - ALLOW
          - DROP
      scope:
        description:
          - Where they go.
          - V(WITHIN) - Within the segment.
          - 'V(INTERNET) - To the internet, through a NatPolicy''s breakout.'
          - 'V(SEGMENT) - To the segment that `to_segment` names.'
        type: str
        choices:
          - WITHIN
          - INTERNET
          - SEGMENT
      to_segment:
        description:
          - 'The other segment, with scope SEGMENT.'
          - 'The full name of a segment, for example C(organizations/acme/segments/my-segment).'
        type: str
      source_cidrs:
        description:
          - 'Sources; empty means any.'
          - 'An IPv4 or IPv6 prefix in canonical text, without host bits.'
          - The order carries no meaning.
        type: list
        elements: str
      destination_cidrs:
        description:
          - 'Destinations; empty means any.'
          - 'An IPv4 or IPv6 prefix in canonical text, without host bits.'
          - The order carries no meaning.
        type: list
        elements: str
      protocol:
        description:
          - 'IP protocol; unset means any.'
          - From 0 to 255.
        type: int
      ports:
        description:
          - 'Destination ports; empty means any. Fragments have none.'
        type: list
        elements: dict
        suboptions:
          first:
            description:
              - 'First port, 0..65535.'
            type: int
          last:
            description:
              - 'Last port, not below first.'
            type: int
  default_action:
    description:
      - What becomes of packets within the segment and to the internet that no rule matches. DROP in one policy of the segment is enough.
      - 'V(ALLOW) - It passes, and so does what comes back.'
      - V(DROP) - It is dropped and counted.
    type: str
    choices:
      - ALLOW
      - DROP
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
- name: A firewall policy
  patronus.sdwan.firewall_policy:
    name: organizations/acme/firewallPolicies/my-firewall-policy
    segment: organizations/acme/segments/my-segment
- name: No such firewall policy
  patronus.sdwan.firewall_policy:
    name: organizations/acme/firewallPolicies/my-firewall-policy
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

KIND = "FirewallPolicy"
FIELDS = {
    "labels": "labels",
    "annotations": "annotations",
    "display_name": "display_name",
    "segment": "segment",
    "priority": "priority",
    "rules": "rules",
    "default_action": "default_action",
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
    "priority": {"type": "int"},
    "rules": {
        "type": "list",
        "elements": "dict",
        "options": {
            "action": {"type": "str", "choices": ["ALLOW", "DROP"]},
            "scope": {"type": "str", "choices": ["WITHIN", "INTERNET", "SEGMENT"]},
            "to_segment": {"type": "str"},
            "source_cidrs": {"type": "list", "elements": "str"},
            "destination_cidrs": {"type": "list", "elements": "str"},
            "protocol": {"type": "int"},
            "ports": {
                "type": "list",
                "elements": "dict",
                "options": {"first": {"type": "int"}, "last": {"type": "int"}},
            },
        },
    },
    "default_action": {"type": "str", "choices": ["ALLOW", "DROP"]},
    "disabled": {"type": "bool"},
}


def main():
    entry.resource(KIND, FIELDS, ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
