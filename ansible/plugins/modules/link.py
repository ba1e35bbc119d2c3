#!/usr/bin/python
# Copyright: Patronus maintainers
# Licence: Apache-2.0
# Generated from the schema by api/tools/generate; do not edit.

DOCUMENTATION = r"""
---
module: link
short_description: Declare a link
description:
  - 'An underlay connection of an edge [MEF 70: underlay connectivity service].'
  - 'What is not given stays as it is; an empty value clears a field.'
options:
  name:
    description:
      - 'Name of the resource, from the top.'
      - For example C(organizations/acme/sites/my-site/links/my-link).
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
  edge:
    description:
      - The edge that the link is plugged into.
      - 'The full name of a edge, for example C(organizations/acme/sites/my-site/edges/my-edge).'
      - Needed to create the resource.
    type: str
  interface:
    description:
      - 'Name of the interface on the node, for example "wan0".'
      - A name of a network interface.
      - Needed to create the resource.
    type: str
  address:
    description:
      - Address that other sites send to.
      - An IPv4 or IPv6 address in canonical text (RFC 5952).
      - Needed to create the resource.
    type: str
  gateway:
    description:
      - 'First hop towards the underlay; empty when the underlay is on-link or the system''s routes are to be used.'
      - An IPv4 or IPv6 address in canonical text (RFC 5952).
    type: str
  transport:
    description:
      - Technology.
      - 'V(MPLS) - A carrier''s MPLS service.'
      - 'V(BROADBAND) - Cable, DSL, fibre.'
      - V(LTE) - 4G.
      - V(NR_5G) - 5G.
      - V(SATELLITE) - Satellite.
    type: str
    choices:
      - MPLS
      - BROADBAND
      - LTE
      - NR_5G
      - SATELLITE
  provider:
    description:
      - Who sells it.
    type: str
  underlay:
    description:
      - 'Tunnels are made between links of equal underlay, for example "internet" or "mpls-acme".'
      - 'An id: 1 to 63 of a-z, 0-9 and ''-'', beginning with a letter and not ending with ''-''.'
      - Needed to create the resource.
    type: str
  capacity_up_bps:
    description:
      - 'Rate from the site, bit/s; 0 means unknown.'
      - From 0 to 400000000000 bit/s.
    type: int
  capacity_down_bps:
    description:
      - 'Rate to the site, bit/s; 0 means unknown.'
      - From 0 to 400000000000 bit/s.
    type: int
  metered:
    description:
      - Volume is paid for.
    type: bool
  mtu:
    description:
      - 'Largest IP packet of the underlay, bytes; 0 means 1500.'
      - From 0 to 9216 byte.
    type: int
  srlgs:
    description:
      - 'Shared-risk groups: links with a common number fail together (RFC 4202).'
      - The order carries no meaning.
    type: list
    elements: int
  admin_state:
    description:
      - Whether the link carries traffic.
      - V(ACTIVE) - Forwards.
      - V(DRAINED) - Takes no new traffic where another path exists.
      - V(MAINTENANCE) - Out of use.
    type: str
    choices:
      - ACTIVE
      - DRAINED
      - MAINTENANCE
  cost:
    description:
      - 'Administrative cost; lower is preferred among links of equal delay. 0 means 10.'
      - From 0 to 65535.
    type: int
  encryption:
    description:
      - Whether tunnels over the link are sealed.
      - V(SEALED) - Every path over the link is sealed from its first to its last edge.
      - 'V(PLAIN) - A path is plain Geneve when all links on it say so: for underlays that are trusted or
          encrypt by themselves. Segments whose encryption is REQUIRED do not use it then.'
    type: str
    choices:
      - SEALED
      - PLAIN
  qos_profile:
    description:
      - 'How the link''s traffic is divided when it is full; the link is then shaped to capacity_up_bps,
          which must be set. Empty: the link is not shaped.'
      - 'The full name of a qosProfile, for example C(organizations/acme/qosProfiles/my-qos-profile).'
    type: str
  admin_groups:
    description:
      - 'Administrative groups (RFC 7308), 0 to 255: what path constraints include and exclude, for example 1 for satellites.'
      - From 0 to 255.
      - The order carries no meaning.
    type: list
    elements: int
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
- name: A link
  patronus.sdwan.link:
    name: organizations/acme/sites/my-site/links/my-link
    edge: organizations/acme/sites/my-site/edges/my-edge
    interface: eth0
    address: '192.0.2.1'
    underlay: my-underlay
- name: No such link
  patronus.sdwan.link:
    name: organizations/acme/sites/my-site/links/my-link
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

KIND = "Link"
FIELDS = {
    "labels": "labels",
    "annotations": "annotations",
    "display_name": "display_name",
    "edge": "edge",
    "interface": "interface",
    "address": "address",
    "gateway": "gateway",
    "transport": "transport",
    "provider": "provider",
    "underlay": "underlay",
    "capacity_up_bps": "capacity_up_bps",
    "capacity_down_bps": "capacity_down_bps",
    "metered": "metered",
    "mtu": "mtu",
    "srlgs": "srlgs",
    "admin_state": "admin_state",
    "cost": "cost",
    "encryption": "encryption",
    "qos_profile": "qos_profile",
    "admin_groups": "admin_groups",
}
ARGUMENT_SPEC = {
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "force": {"type": "bool", "default": False},
    "etag": {"type": "str"},
    "labels": {"type": "dict"},
    "annotations": {"type": "dict"},
    "display_name": {"type": "str"},
    "edge": {"type": "str"},
    "interface": {"type": "str"},
    "address": {"type": "str"},
    "gateway": {"type": "str"},
    "transport": {"type": "str", "choices": ["MPLS", "BROADBAND", "LTE", "NR_5G", "SATELLITE"]},
    "provider": {"type": "str"},
    "underlay": {"type": "str"},
    "capacity_up_bps": {"type": "int"},
    "capacity_down_bps": {"type": "int"},
    "metered": {"type": "bool"},
    "mtu": {"type": "int"},
    "srlgs": {"type": "list", "elements": "int"},
    "admin_state": {"type": "str", "choices": ["ACTIVE", "DRAINED", "MAINTENANCE"]},
    "cost": {"type": "int"},
    "encryption": {"type": "str", "choices": ["SEALED", "PLAIN"]},
    "qos_profile": {"type": "str"},
    "admin_groups": {"type": "list", "elements": "int"},
}


def main():
    entry.resource(KIND, FIELDS, ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
