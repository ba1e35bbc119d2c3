#!/usr/bin/python
# Copyright: Patronus maintainers
# Licence: Apache-2.0
# Generated from the schema by api/tools/generate; do not edit.

DOCUMENTATION = r"""
---
module: fabric
short_description: Declare a fabric
description:
  - 'A set of sites that are connected with each other [MEF 70: SWVC].'
  - 'What is not given stays as it is; an empty value clears a field.'
options:
  name:
    description:
      - 'Name of the resource, from the top.'
      - For example C(organizations/acme/fabrics/my-fabric).
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
  topology:
    description:
      - Which sites get tunnels between them.
      - V(FULL_MESH) - Every pair whose links share an underlay.
      - V(HUB_SPOKE) - Hubs with every site.
      - 'V(REGIONAL) - Pairs of one region, and hubs with hubs.'
    type: str
    choices:
      - FULL_MESH
      - HUB_SPOKE
      - REGIONAL
  hubs:
    description:
      - 'Hub sites, for HUB_SPOKE.'
      - 'The full name of a site, for example C(organizations/acme/sites/my-site).'
      - The order carries no meaning.
    type: list
    elements: str
  sites:
    description:
      - 'Member sites; empty means every site of the organization.'
      - 'The full name of a site, for example C(organizations/acme/sites/my-site).'
      - The order carries no meaning.
    type: list
    elements: str
  max_transit_sites:
    description:
      - 'Most transit sites on a path, 0..5; unset means 3.'
      - From 0 to 5.
    type: int
  cipher:
    description:
      - How packets between two edges are sealed.
      - V(AES_128_GCM) - AES-128 in Galois/counter mode.
      - V(AES_256_GCM) - AES-256 in Galois/counter mode.
      - 'V(CHACHA20_POLY1305) - ChaCha20-Poly1305 (RFC 8439), for machines without AES instructions.'
    type: str
    choices:
      - AES_128_GCM
      - AES_256_GCM
      - CHACHA20_POLY1305
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
- name: A fabric
  patronus.sdwan.fabric:
    name: organizations/acme/fabrics/my-fabric
- name: No such fabric
  patronus.sdwan.fabric:
    name: organizations/acme/fabrics/my-fabric
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

KIND = "Fabric"
FIELDS = {
    "labels": "labels",
    "annotations": "annotations",
    "display_name": "display_name",
    "topology": "topology",
    "hubs": "hubs",
    "sites": "sites",
    "max_transit_sites": "max_transit_sites",
    "cipher": "cipher",
}
ARGUMENT_SPEC = {
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "force": {"type": "bool", "default": False},
    "etag": {"type": "str"},
    "labels": {"type": "dict"},
    "annotations": {"type": "dict"},
    "display_name": {"type": "str"},
    "topology": {"type": "str", "choices": ["FULL_MESH", "HUB_SPOKE", "REGIONAL"]},
    "hubs": {"type": "list", "elements": "str"},
    "sites": {"type": "list", "elements": "str"},
    "max_transit_sites": {"type": "int"},
    "cipher": {"type": "str", "choices": ["AES_128_GCM", "AES_256_GCM", "CHACHA20_POLY1305"]},
}


def main():
    entry.resource(KIND, FIELDS, ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
