#!/usr/bin/python
# Copyright: Patronus maintainers
# Licence: Apache-2.0
# Generated from the schema by api/tools/generate; do not edit.

DOCUMENTATION = r"""
---
module: controller
short_description: Declare a controller
description:
  - 'A node that is, or may become, a Raft voter.'
  - 'What is not given stays as it is; an empty value clears a field.'
options:
  name:
    description:
      - 'Name of the resource, from the top.'
      - For example C(controllers/my-controller).
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
  raft_id:
    description:
      - 'Raft id of the node; allocated at join, never reused.'
      - Cannot be changed after the resource is created.
    type: int
  peer_address:
    description:
      - 'Where other controllers reach it, host:port.'
      - A host with a port.
      - Needed to create the resource.
    type: str
  api_address:
    description:
      - 'Where clients reach it, host:port.'
      - A host with a port.
      - Needed to create the resource.
    type: str
  agent_address:
    description:
      - 'Where edges reach it, host:port.'
      - A host with a port.
      - Needed to create the resource.
    type: str
  region:
    description:
      - 'Region, for locality decisions.'
      - 'An id: 1 to 63 of a-z, 0-9 and ''-'', beginning with a letter and not ending with ''-''.'
    type: str
  role:
    description:
      - What part it takes in consensus.
      - V(VOTER) - Votes.
      - 'V(STANDBY) - Replicates, does not vote.'
      - Needed to create the resource.
    type: str
    choices:
      - VOTER
      - STANDBY
  leader_priority:
    description:
      - 'Leadership moves to a voter of a higher priority, once it answers and has caught up. Equal ones do
          not compete. To prefer a region, give all of its controllers the same higher number (patronusctl
          controllers prefer REGION).'
      - From 0 to 100.
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
- name: A controller
  patronus.sdwan.controller:
    name: controllers/my-controller
    peer_address: '192.0.2.1:7400'
    api_address: '192.0.2.1:7400'
    agent_address: '192.0.2.1:7400'
    role: VOTER
- name: No such controller
  patronus.sdwan.controller:
    name: controllers/my-controller
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

KIND = "Controller"
FIELDS = {
    "labels": "labels",
    "annotations": "annotations",
    "display_name": "display_name",
    "raft_id": "raft_id",
    "peer_address": "peer_address",
    "api_address": "api_address",
    "agent_address": "agent_address",
    "region": "region",
    "role": "role",
    "leader_priority": "leader_priority",
}
ARGUMENT_SPEC = {
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "force": {"type": "bool", "default": False},
    "etag": {"type": "str"},
    "labels": {"type": "dict"},
    "annotations": {"type": "dict"},
    "display_name": {"type": "str"},
    "raft_id": {"type": "int"},
    "peer_address": {"type": "str"},
    "api_address": {"type": "str"},
    "agent_address": {"type": "str"},
    "region": {"type": "str"},
    "role": {"type": "str", "choices": ["VOTER", "STANDBY"]},
    "leader_priority": {"type": "int"},
}


def main():
    entry.resource(KIND, FIELDS, ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
