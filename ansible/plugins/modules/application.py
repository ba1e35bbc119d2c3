#!/usr/bin/python
# Copyright: Patronus maintainers
# Licence: Apache-2.0
# Generated from the schema by api/tools/generate; do not edit.

DOCUMENTATION = r"""
---
module: application
short_description: Declare an application
description:
  - 'A kind of traffic, told by what its packets say.'
  - 'What is not given stays as it is; an empty value clears a field.'
options:
  name:
    description:
      - 'Name of the resource, from the top.'
      - For example C(organizations/acme/applications/my-application).
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
  matches:
    description:
      - Any of these describes the application.
      - Needed to create the resource.
    type: list
    elements: dict
    suboptions:
      protocol:
        description:
          - 'IP protocol number, 0..255; unset means any.'
          - From 0 to 255.
        type: int
      ports:
        description:
          - 'Destination ports; empty means any.'
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
      cidrs:
        description:
          - 'Destination prefixes; empty means any.'
          - 'An IPv4 or IPv6 prefix in canonical text, without host bits.'
          - The order carries no meaning.
        type: list
        elements: str
      dscps:
        description:
          - 'DSCP code points, 0..63; empty means any.'
          - From 0 to 63.
          - The order carries no meaning.
        type: list
        elements: int
      hosts:
        description:
          - 'Host names that the traffic asks for (TLS and QUIC server name, HTTP host, a name whose DNS answer
              the edge has seen), exactly or with a leading "*." for every name below; empty means any. The first
              packets of a flow go before the name is known, unless its address was learned from a DNS answer.'
          - 'A DNS name, optionally with a leading C(*.) label.'
          - The order carries no meaning.
        type: list
        elements: str
      signatures:
        description:
          - 'Names of signatures that come with the system ("youtube", "ssh", "rtp"; docs/mod/dpi.md lists
              them), any of which is enough; empty means any. They are told by what a flow''s first packets say.'
          - The order carries no meaning.
        type: list
        elements: str
  traffic_class:
    description:
      - 'Class in which shaped links queue its packets, whatever their DSCP says; unspecified: the class of
          their DSCP. A flow has one application: of several that describe it, the one with the lowest
          application_id.'
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
- name: An application
  patronus.sdwan.application:
    name: organizations/acme/applications/my-application
    matches:
      - protocol: 255
        cidrs:
          - '192.0.2.0/24'
        dscps:
          - 63
        hosts:
          - www.example.net
        signatures:
          - text
- name: No such application
  patronus.sdwan.application:
    name: organizations/acme/applications/my-application
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

KIND = "Application"
FIELDS = {
    "labels": "labels",
    "annotations": "annotations",
    "display_name": "display_name",
    "matches": "matches",
    "traffic_class": "traffic_class",
}
ARGUMENT_SPEC = {
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "force": {"type": "bool", "default": False},
    "etag": {"type": "str"},
    "labels": {"type": "dict"},
    "annotations": {"type": "dict"},
    "display_name": {"type": "str"},
    "matches": {
        "type": "list",
        "elements": "dict",
        "options": {
            "protocol": {"type": "int"},
            "ports": {
                "type": "list",
                "elements": "dict",
                "options": {"first": {"type": "int"}, "last": {"type": "int"}},
            },
            "cidrs": {"type": "list", "elements": "str"},
            "dscps": {"type": "list", "elements": "int"},
            "hosts": {"type": "list", "elements": "str"},
            "signatures": {"type": "list", "elements": "str"},
        },
    },
    "traffic_class": {"type": "str", "choices": ["REALTIME", "INTERACTIVE", "STREAMING", "STANDARD", "BULK"]},
}


def main():
    entry.resource(KIND, FIELDS, ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
