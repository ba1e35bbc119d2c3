#!/usr/bin/python
# Copyright: Patronus maintainers
# Licence: Apache-2.0
# Generated from the schema by api/tools/generate; do not edit.

DOCUMENTATION = r"""
---
module: sla_profile
short_description: Declare a sla profile
description:
  - What a path must offer to an application.
  - 'What is not given stays as it is; an empty value clears a field.'
options:
  name:
    description:
      - 'Name of the resource, from the top.'
      - For example C(organizations/acme/slaProfiles/my-sla-profile).
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
  max_loss_ppm:
    description:
      - 'Largest loss, parts per million; unset means no bound.'
      - From 0 to 1000000 ppm.
    type: int
  max_latency_us:
    description:
      - 'Largest round-trip time, microseconds; unset means no bound.'
      - From 1 to 60000000 us.
    type: int
  max_jitter_us:
    description:
      - 'Largest jitter (RFC 3550), microseconds; unset means no bound.'
      - From 1 to 60000000 us.
    type: int
  min_mos_milli:
    description:
      - 'Smallest mean opinion score, thousandths (1000..5000); unset means no bound.'
      - From 1000 to 5000.
    type: int
  evaluation_window:
    description:
      - 'Window over which is judged, 200 ms to 10 s; unset means 1 s.'
      - 'A duration in seconds, for example C(1.5s).'
    type: str
  fast_down:
    description:
      - 'A path that breaks a bound in the whole of this short window is left at once, without waiting for
          the evaluation window: 100 ms to 10 s; unset means 300 ms.'
      - 'A duration in seconds, for example C(1.5s).'
    type: str
  slow_up:
    description:
      - 'How long a path that broke a bound must keep all of them, with a tenth to spare, before it is used again: at most an hour; unset means 10 s.'
      - 'A duration in seconds, for example C(1.5s).'
    type: str
  dampening:
    description:
      - 'Half-life of the penalty that a path gets for each break: one that breaks again and again is kept
          out, at most for three half-lives. At most an hour; unset means 1 min, 0 means no dampening.'
      - 'A duration in seconds, for example C(1.5s).'
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
- name: A sla profile
  patronus.sdwan.sla_profile:
    name: organizations/acme/slaProfiles/my-sla-profile
- name: No such sla profile
  patronus.sdwan.sla_profile:
    name: organizations/acme/slaProfiles/my-sla-profile
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

KIND = "SlaProfile"
FIELDS = {
    "labels": "labels",
    "annotations": "annotations",
    "display_name": "display_name",
    "max_loss_ppm": "max_loss_ppm",
    "max_latency_us": "max_latency_us",
    "max_jitter_us": "max_jitter_us",
    "min_mos_milli": "min_mos_milli",
    "evaluation_window": "evaluation_window",
    "fast_down": "fast_down",
    "slow_up": "slow_up",
    "dampening": "dampening",
}
ARGUMENT_SPEC = {
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "force": {"type": "bool", "default": False},
    "etag": {"type": "str"},
    "labels": {"type": "dict"},
    "annotations": {"type": "dict"},
    "display_name": {"type": "str"},
    "max_loss_ppm": {"type": "int"},
    "max_latency_us": {"type": "int"},
    "max_jitter_us": {"type": "int"},
    "min_mos_milli": {"type": "int"},
    "evaluation_window": {"type": "str"},
    "fast_down": {"type": "str"},
    "slow_up": {"type": "str"},
    "dampening": {"type": "str"},
}


def main():
    entry.resource(KIND, FIELDS, ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
