#!/usr/bin/python
# Copyright: Patronus maintainers
# Licence: Apache-2.0
# Generated from the schema by api/tools/generate; do not edit.

DOCUMENTATION = r"""
---
module: steering_policy
short_description: Declare a steering policy
description:
  - Which paths the traffic of a segment may or should take.
  - 'What is not given stays as it is; an empty value clears a field.'
options:
  name:
    description:
      - 'Name of the resource, from the top.'
      - For example C(organizations/acme/steeringPolicies/my-steering-policy).
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
      - The segment whose traffic is steered.
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
      - Needed to create the resource.
    type: list
    elements: dict
    suboptions:
      applications:
        description:
          - 'Applications; empty means any.'
          - 'The full name of a application, for example C(organizations/acme/applications/my-application).'
          - The order carries no meaning.
        type: list
        elements: str
      sites:
        description:
          - 'Source sites; empty means any.'
          - 'The full name of a site, for example C(organizations/acme/sites/my-site).'
          - The order carries no meaning.
        type: list
        elements: str
      destination_cidrs:
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
      preference:
        description:
          - How strongly.
          - 'V(REQUIRE) - Only paths that fit; without one the packet is dropped.'
          - 'V(PREFER) - Paths that fit first, others when none is alive.'
          - V(AVOID) - Paths that fit only when no other is alive.
          - V(AVAILABLE) - Any path.
          - 'V(DENY) - No path: the packet is dropped and counted.'
          - Needed to create the resource.
        type: str
        choices:
          - REQUIRE
          - PREFER
          - AVOID
          - AVAILABLE
          - DENY
      transports:
        description:
          - 'A path fits when its first link has one of these transports; empty means any.'
          - 'V(MPLS) - A carrier''s MPLS service.'
          - 'V(BROADBAND) - Cable, DSL, fibre.'
          - V(LTE) - 4G.
          - V(NR_5G) - 5G.
          - V(SATELLITE) - Satellite.
          - The order carries no meaning.
        type: list
        elements: str
        choices:
          - MPLS
          - BROADBAND
          - LTE
          - NR_5G
          - SATELLITE
      underlays:
        description:
          - 'A path fits when its first link has one of these underlays; empty means any.'
          - 'An id: 1 to 63 of a-z, 0-9 and ''-'', beginning with a letter and not ending with ''-''.'
          - The order carries no meaning.
        type: list
        elements: str
      sla_profile:
        description:
          - 'What a path must keep; empty means anything. Each node judges by its own measurements: with
              REQUIRE, paths that break it are not used (drop reason sla_unmet when there is no other); else they
              come after all others, also after those that are not preferred or to be avoided.'
          - 'The full name of a slaProfile, for example C(organizations/acme/slaProfiles/my-sla-profile).'
        type: str
      users:
        description:
          - 'Users, as their sessions name them; a rule with users or groups matches packets from addresses of
              such sessions only. Empty, and no groups: anybody.'
          - The order carries no meaning.
        type: list
        elements: str
      groups:
        description:
          - 'Groups of users, as their sessions name them; a user or a group is enough.'
          - The order carries no meaning.
        type: list
        elements: str
      windows:
        description:
          - 'When the rule is in force; empty means always.'
        type: list
        elements: dict
        suboptions:
          days:
            description:
              - 'Days on which it begins; empty means every day.'
              - V(MONDAY) - Monday.
              - V(TUESDAY) - Tuesday.
              - V(WEDNESDAY) - Wednesday.
              - V(THURSDAY) - Thursday.
              - V(FRIDAY) - Friday.
              - V(SATURDAY) - Saturday.
              - V(SUNDAY) - Sunday.
              - The order carries no meaning.
            type: list
            elements: str
            choices:
              - MONDAY
              - TUESDAY
              - WEDNESDAY
              - THURSDAY
              - FRIDAY
              - SATURDAY
              - SUNDAY
          start:
            description:
              - 'First minute, "HH:MM"; empty means 00:00.'
            type: str
          end:
            description:
              - 'Minute after the last, "HH:MM"; empty or 24:00 means the end of the day. Not after `start`: it ends on the next day.'
            type: str
          utc_offset_minutes:
            description:
              - 'What the times are by: minutes east of UTC, -720 to 840. Daylight saving is not followed.'
              - From -720 to 840 min.
            type: int
      move_mode:
        description:
          - What becomes of flows that are under way.
          - 'V(NEW_ONLY) - They stay; new flows take the better path. Nothing is reordered.'
          - 'V(GRACEFUL) - They move when they pause for 200 ms, or begin anew, so that nothing overtakes.'
          - 'V(FORCED) - They move at once, also back to a better path. Packets may be reordered.'
        type: str
        choices:
          - NEW_ONLY
          - GRACEFUL
          - FORCED
      fallbacks:
        description:
          - 'With PREFER: which paths come next, in this order, when none that fits is left; the rest comes
              behind them. With REQUIRE: which paths are allowed after those that fit, in this order.'
        type: list
        elements: dict
        suboptions:
          transports:
            description:
              - 'Transports; empty means any.'
              - 'V(MPLS) - A carrier''s MPLS service.'
              - 'V(BROADBAND) - Cable, DSL, fibre.'
              - V(LTE) - 4G.
              - V(NR_5G) - 5G.
              - V(SATELLITE) - Satellite.
              - The order carries no meaning.
            type: list
            elements: str
            choices:
              - MPLS
              - BROADBAND
              - LTE
              - NR_5G
              - SATELLITE
          underlays:
            description:
              - 'Underlays; empty means any.'
              - 'An id: 1 to 63 of a-z, 0-9 and ''-'', beginning with a letter and not ending with ''-''.'
              - The order carries no meaning.
            type: list
            elements: str
      constraints:
        description:
          - 'A path fits when it is like this all along, too. With REQUIRE and PREFER paths are searched for
              that are, also such as no traffic takes otherwise.'
        type: dict
        suboptions:
          require_labels:
            description:
              - 'Labels that every link has: "key=value", or "key" with any value.'
              - The order carries no meaning.
            type: list
            elements: str
          exclude_labels:
            description:
              - 'Labels that no link has: "key=value", or "key" with any value.'
              - The order carries no meaning.
            type: list
            elements: str
          include_all_groups:
            description:
              - 'Administrative groups that every link is in, all of them (RFC 3209: include-all).'
              - From 0 to 255.
              - The order carries no meaning.
            type: list
            elements: int
          include_any_groups:
            description:
              - 'Administrative groups of which every link is in one at least (RFC 3209: include-any).'
              - From 0 to 255.
              - The order carries no meaning.
            type: list
            elements: int
          exclude_groups:
            description:
              - 'Administrative groups that no link is in (RFC 3209: exclude-any).'
              - From 0 to 255.
              - The order carries no meaning.
            type: list
            elements: int
          max_latency_us:
            description:
              - 'Longest round trip over the whole path, microseconds, as the nodes measure its tunnels; 0: any.'
              - From 0 to 60000000 us.
            type: int
          max_loss_ppm:
            description:
              - 'Largest loss over the whole path, parts per million, as the nodes measure its tunnels; unset: any.'
              - From 0 to 1000000 ppm.
            type: int
          min_capacity_bps:
            description:
              - 'What every link''s capacity in the path''s direction is at least, bit/s; 0: any. A link of unknown capacity does not do.'
              - From 0 to 400000000000 bit/s.
            type: int
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
- name: A steering policy
  patronus.sdwan.steering_policy:
    name: organizations/acme/steeringPolicies/my-steering-policy
    segment: organizations/acme/segments/my-segment
    rules:
      - applications:
          - organizations/acme/applications/my-application
        sites:
          - organizations/acme/sites/my-site
        destination_cidrs:
          - '192.0.2.0/24'
        dscps:
          - 63
        preference: REQUIRE
        transports:
          - MPLS
        underlays:
          - my-underlays
        sla_profile: organizations/acme/slaProfiles/my-sla-profile
        users:
          - text
        groups:
          - text
        move_mode: NEW_ONLY
- name: No such steering policy
  patronus.sdwan.steering_policy:
    name: organizations/acme/steeringPolicies/my-steering-policy
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

KIND = "SteeringPolicy"
FIELDS = {
    "labels": "labels",
    "annotations": "annotations",
    "display_name": "display_name",
    "segment": "segment",
    "priority": "priority",
    "rules": "rules",
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
            "applications": {"type": "list", "elements": "str"},
            "sites": {"type": "list", "elements": "str"},
            "destination_cidrs": {"type": "list", "elements": "str"},
            "dscps": {"type": "list", "elements": "int"},
            "preference": {"type": "str", "choices": ["REQUIRE", "PREFER", "AVOID", "AVAILABLE", "DENY"]},
            "transports": {
                "type": "list",
                "elements": "str",
                "choices": ["MPLS", "BROADBAND", "LTE", "NR_5G", "SATELLITE"],
            },
            "underlays": {"type": "list", "elements": "str"},
            "sla_profile": {"type": "str"},
            "users": {"type": "list", "elements": "str"},
            "groups": {"type": "list", "elements": "str"},
            "windows": {
                "type": "list",
                "elements": "dict",
                "options": {
                    "days": {
                        "type": "list",
                        "elements": "str",
                        "choices": ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"],
                    },
                    "start": {"type": "str"},
                    "end": {"type": "str"},
                    "utc_offset_minutes": {"type": "int"},
                },
            },
            "move_mode": {"type": "str", "choices": ["NEW_ONLY", "GRACEFUL", "FORCED"]},
            "fallbacks": {
                "type": "list",
                "elements": "dict",
                "options": {
                    "transports": {
                        "type": "list",
                        "elements": "str",
                        "choices": ["MPLS", "BROADBAND", "LTE", "NR_5G", "SATELLITE"],
                    },
                    "underlays": {"type": "list", "elements": "str"},
                },
            },
            "constraints": {
                "type": "dict",
                "options": {
                    "require_labels": {"type": "list", "elements": "str"},
                    "exclude_labels": {"type": "list", "elements": "str"},
                    "include_all_groups": {"type": "list", "elements": "int"},
                    "include_any_groups": {"type": "list", "elements": "int"},
                    "exclude_groups": {"type": "list", "elements": "int"},
                    "max_latency_us": {"type": "int"},
                    "max_loss_ppm": {"type": "int"},
                    "min_capacity_bps": {"type": "int"},
                },
            },
        },
    },
    "disabled": {"type": "bool"},
}


def main():
    entry.resource(KIND, FIELDS, ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
