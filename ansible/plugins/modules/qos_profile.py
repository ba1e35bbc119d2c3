#!/usr/bin/python
# Copyright: Patronus maintainers
# Licence: Apache-2.0
# Generated from the schema by api/tools/generate; do not edit.

DOCUMENTATION = r"""
---
module: qos_profile
short_description: Declare a qos profile
description:
  - 'How the traffic of a WAN link is divided among classes, when the link is full. A link names its profile.'
  - 'What is not given stays as it is; an empty value clears a field.'
options:
  name:
    description:
      - 'Name of the resource, from the top.'
      - For example C(organizations/acme/qosProfiles/my-qos-profile).
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
  classes:
    description:
      - 'What each class gets; at most one entry a class, and together at most 100 percent. Packets of a
          class that has no entry go with STANDARD; without an entry of its own STANDARD has what the others
          leave, and they must leave some.'
      - Needed to create the resource.
    type: list
    elements: dict
    suboptions:
      traffic_class:
        description:
          - The class.
          - 'V(REALTIME) - Voice and live video: EF, VA, CS5, CS4, AF4x.'
          - 'V(INTERACTIVE) - Transactions and control: AF2x, CS2, CS6, CS7.'
          - 'V(STREAMING) - Recorded video: AF3x, CS3.'
          - V(STANDARD) - Everything else.
          - 'V(BULK) - Backups and updates: AF1x, CS1, LE.'
          - Needed to create the resource.
        type: str
        choices:
          - REALTIME
          - INTERACTIVE
          - STREAMING
          - STANDARD
          - BULK
      percent:
        description:
          - 'REALTIME is served before all others, and this is the most that it may take of the link; for the
              others it is the least that they get when they ask for it. What nobody uses is shared in the same
              proportion.'
          - 'From 1 to 100 %.'
          - Needed to create the resource.
        type: int
      dscps:
        description:
          - 'DSCP code points, 0..63, that belong to the class; empty: those that RFC 4594 gives it. A code
              point may stand in one class only; CS6 and CS7 are network control, which has a queue for itself; of
              hosts, INTERACTIVE.'
          - From 0 to 63.
          - The order carries no meaning.
        type: list
        elements: int
      dscp_out:
        description:
          - 'DSCP that its packets carry on the underlay; unset: as they came. The host''s packet arrives as it was sent.'
          - From 0 to 63.
        type: int
      queue_ms:
        description:
          - 'Most that may wait, as time that it takes at the link''s rate (REALTIME: at its own); unset: 50 ms, REALTIME 20 ms.'
          - From 0 to 2000 ms.
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
- name: A qos profile
  patronus.sdwan.qos_profile:
    name: organizations/acme/qosProfiles/my-qos-profile
    classes:
      - traffic_class: REALTIME
        percent: 100
        dscps:
          - 63
        dscp_out: 63
        queue_ms: 2000
- name: No such qos profile
  patronus.sdwan.qos_profile:
    name: organizations/acme/qosProfiles/my-qos-profile
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

KIND = "QosProfile"
FIELDS = {"labels": "labels", "annotations": "annotations", "display_name": "display_name", "classes": "classes"}
ARGUMENT_SPEC = {
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "force": {"type": "bool", "default": False},
    "etag": {"type": "str"},
    "labels": {"type": "dict"},
    "annotations": {"type": "dict"},
    "display_name": {"type": "str"},
    "classes": {
        "type": "list",
        "elements": "dict",
        "options": {
            "traffic_class": {"type": "str", "choices": ["REALTIME", "INTERACTIVE", "STREAMING", "STANDARD", "BULK"]},
            "percent": {"type": "int"},
            "dscps": {"type": "list", "elements": "int"},
            "dscp_out": {"type": "int"},
            "queue_ms": {"type": "int"},
        },
    },
}


def main():
    entry.resource(KIND, FIELDS, ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
