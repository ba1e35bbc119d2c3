#!/usr/bin/python
# Copyright: Patronus maintainers
# Licence: Apache-2.0
# Generated from the schema by api/tools/generate; do not edit.

DOCUMENTATION = r"""
---
module: nat_policy
short_description: Declare a nat policy
description:
  - 'How addresses of a segment are translated at its edges. IPv4 only. At most one policy applies to a segment at a site: the first by name.'
  - 'What is not given stays as it is; an empty value clears a field.'
options:
  name:
    description:
      - 'Name of the resource, from the top.'
      - For example C(organizations/acme/natPolicies/my-nat-policy).
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
      - The segment.
      - 'The full name of a segment, for example C(organizations/acme/segments/my-segment).'
      - Needed to create the resource.
    type: str
  sites:
    description:
      - 'Sites where it applies; empty means all.'
      - 'The full name of a site, for example C(organizations/acme/sites/my-site).'
      - The order carries no meaning.
    type: list
    elements: str
  breakout:
    description:
      - 'Breakout to the internet; unset means none.'
    type: dict
    suboptions:
      underlays:
        description:
          - 'Links that are used, by their underlay; empty means any. A host keeps to one of them while it is there.'
          - 'An id: 1 to 63 of a-z, 0-9 and ''-'', beginning with a letter and not ending with ''-''.'
          - The order carries no meaning.
        type: list
        elements: str
      destination_cidrs:
        description:
          - 'Destinations; empty means all that the segment has no route to.'
          - 'An IPv4 or IPv6 prefix in canonical text, without host bits.'
          - The order carries no meaning.
        type: list
        elements: str
      filtering:
        description:
          - Who may answer.
          - 'V(ENDPOINT_INDEPENDENT) - Anybody: applications that meet through a third party work best.'
          - V(ADDRESS_DEPENDENT) - Only addresses to which the host has sent by this mapping.
        type: str
        choices:
          - ENDPOINT_INDEPENDENT
          - ADDRESS_DEPENDENT
      udp_timeout_seconds:
        description:
          - 'How long a UDP mapping lasts after the host''s last packet, seconds; 0 means 300 (RFC 4787 4.3).'
          - From 0 to 86400 s.
        type: int
      tcp_timeout_seconds:
        description:
          - 'The same for TCP connections that were answered; 0 means 7440 (RFC 5382 5).'
          - From 0 to 864000 s.
        type: int
      tcp_transitory_seconds:
        description:
          - 'TCP that begins or has ended; 0 means 240.'
          - From 0 to 3600 s.
        type: int
      icmp_timeout_seconds:
        description:
          - 'ICMP queries; 0 means 60 (RFC 5508 3.2).'
          - From 0 to 3600 s.
        type: int
  port_forwards:
    description:
      - 'Port forwards; each takes effect at sites whose prefixes hold its address.'
    type: list
    elements: dict
    suboptions:
      protocol:
        description:
          - 'IP protocol: 6 (TCP) or 17 (UDP).'
          - From 6 to 17.
          - Needed to create the resource.
        type: int
      port:
        description:
          - 'Port of the link''s address.'
          - From 1 to 65535.
          - Needed to create the resource.
        type: int
      address:
        description:
          - 'Host that it leads to: an IPv4 address in a prefix of the site''s own.'
          - An IPv4 or IPv6 address in canonical text (RFC 5952).
          - Needed to create the resource.
        type: str
      target_port:
        description:
          - 'The host''s port; 0 means the same.'
          - From 0 to 65535.
        type: int
  prefix_maps:
    description:
      - 'Prefixes, one to one.'
    type: list
    elements: dict
    suboptions:
      site:
        description:
          - The site.
          - 'The full name of a site, for example C(organizations/acme/sites/my-site).'
          - Needed to create the resource.
        type: str
      inside:
        description:
          - Its own IPv4 prefix. It is not announced any more.
          - 'An IPv4 or IPv6 prefix in canonical text, without host bits.'
          - Needed to create the resource.
        type: str
      outside:
        description:
          - 'What is announced in its place: as long as `inside`.'
          - 'An IPv4 or IPv6 prefix in canonical text, without host bits.'
          - Needed to create the resource.
        type: str
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
- name: A nat policy
  patronus.sdwan.nat_policy:
    name: organizations/acme/natPolicies/my-nat-policy
    segment: organizations/acme/segments/my-segment
- name: No such nat policy
  patronus.sdwan.nat_policy:
    name: organizations/acme/natPolicies/my-nat-policy
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

KIND = "NatPolicy"
FIELDS = {
    "labels": "labels",
    "annotations": "annotations",
    "display_name": "display_name",
    "segment": "segment",
    "sites": "sites",
    "breakout": "breakout",
    "port_forwards": "port_forwards",
    "prefix_maps": "prefix_maps",
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
    "sites": {"type": "list", "elements": "str"},
    "breakout": {
        "type": "dict",
        "options": {
            "underlays": {"type": "list", "elements": "str"},
            "destination_cidrs": {"type": "list", "elements": "str"},
            "filtering": {"type": "str", "choices": ["ENDPOINT_INDEPENDENT", "ADDRESS_DEPENDENT"]},
            "udp_timeout_seconds": {"type": "int"},
            "tcp_timeout_seconds": {"type": "int"},
            "tcp_transitory_seconds": {"type": "int"},
            "icmp_timeout_seconds": {"type": "int"},
        },
    },
    "port_forwards": {
        "type": "list",
        "elements": "dict",
        "options": {
            "protocol": {"type": "int"},
            "port": {"type": "int"},
            "address": {"type": "str"},
            "target_port": {"type": "int"},
        },
    },
    "prefix_maps": {
        "type": "list",
        "elements": "dict",
        "options": {"site": {"type": "str"}, "inside": {"type": "str"}, "outside": {"type": "str"}},
    },
    "disabled": {"type": "bool"},
}


def main():
    entry.resource(KIND, FIELDS, ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
