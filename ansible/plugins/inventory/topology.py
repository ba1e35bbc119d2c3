# Copyright: Patronus maintainers
# Licence: Apache-2.0
"""Inventory from a running cluster: its edges, or its sites, as hosts."""

from __future__ import annotations

DOCUMENTATION = r"""
---
name: topology
short_description: Edges or sites of a cluster as hosts
description:
  - Reads sites, edges and links from a cluster.
  - A host is called by its ids from the inside out, C(e1.nyc.acme) for an edge and C(nyc.acme) for a site.
  - Groups are C(org_ID), C(site_ORGANIZATION_ID), C(region_ID), C(state_STATE) and, for edges, C(role_ROLE);
    C(connected) and C(disconnected) tell edges that hold a stream to a controller from those that do not.
  - Each host has the variables C(patronus_name), C(patronus_site), C(patronus_labels), C(patronus_links) and, for an edge,
    C(patronus_edge).
author:
  - Patronus maintainers (@patronus-sdwan)
extends_documentation_fragment:
  - patronus.sdwan.connection
  - constructed
options:
  plugin:
    description: Marks the file as one for this plugin.
    type: str
    required: true
    choices:
      - patronus.sdwan.topology
  hosts:
    description: What becomes a host.
    type: str
    choices:
      - edges
      - sites
    default: edges
  parent:
    description: Name of an organization to read; all when empty.
    type: str
    default: ''
  filter:
    description: Which sites, for example C(region = "eu").
    type: str
    default: ''
  address:
    description:
      - Underlay of the link whose address becomes C(ansible_host); none is set when empty.
    type: str
    default: ''
"""

EXAMPLES = r"""
- plugin: patronus.sdwan.topology
  parent: organizations/acme
  address: management
  keyed_groups:
    - key: patronus_labels.tier
      prefix: tier
"""

from ansible.errors import AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Constructable
from ansible_collections.patronus.sdwan.plugins.module_utils import act


class InventoryModule(BaseInventoryPlugin, Constructable):
    NAME = "patronus.sdwan.topology"

    def verify_file(self, path):
        return super().verify_file(path) and path.endswith(
            ("topology.yml", "topology.yaml", "patronus.yml", "patronus.yaml")
        )

    def parse(self, inventory, loader, path, cache=True):
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        params = {name: self.get_option(name) for name in ("server", "credential", "timeout")}
        try:
            sites, edges, links = self.read(params)
        except act.ActError as error:
            raise AnsibleParserError(str(error)) from None
        for site in sites:
            own_links = [link for link in links if link["name"].startswith(site["name"] + "/")]
            if self.get_option("hosts") == "sites":
                self.add(site, site, own_links)
                continue
            for edge in edges:
                if edge["name"].startswith(site["name"] + "/"):
                    self.add(edge, site, [link for link in own_links if link["edge"] == edge["name"]])

    def read(self, params):
        """Sites that fit, and everything's edges and links."""
        parent = self.get_option("parent")
        reading = {**params, "stale": False, "order_by": "", "filter": ""}
        sites = act.info("Site", {**reading, "parent": parent, "filter": self.get_option("filter")})["resources"]
        below = f"{parent}/sites/-" if parent else ""
        return (sites, *(act.info(kind, {**reading, "parent": below})["resources"] for kind in ("Edge", "Link")))

    def add(self, resource, site, links):
        ids = resource["name"].split("/")[1::2]
        host = ".".join(reversed(ids))
        variables = {
            "patronus_name": resource["name"],
            "patronus_site": site,
            "patronus_labels": {**site["labels"], **resource["labels"]},
            "patronus_links": links,
        }
        groups = [f"org_{ids[0]}", f"site_{ids[0]}_{ids[1]}", f"state_{plain(site['admin_state'])}"]
        if site["region"]:
            groups.append(f"region_{site['region']}")
        if resource is not site:
            variables["patronus_edge"] = resource
            groups += [f"role_{role.lower()}" for role in resource["roles"]]
            groups.append("connected" if resource["connected"] else "disconnected")
        self.inventory.add_host(host)
        for group in groups:
            name = self.inventory.add_group(self._sanitize_group_name(group))
            self.inventory.add_child(name, host)
        for address in [link["address"] for link in links if link["underlay"] == self.get_option("address")][:1]:
            variables["ansible_host"] = address
        for name, value in variables.items():
            self.inventory.set_variable(host, name, value)
        strict = self.get_option("strict")
        self._set_composite_vars(self.get_option("compose"), variables, host, strict=strict)
        self._add_host_to_composed_groups(self.get_option("groups"), variables, host, strict=strict)
        self._add_host_to_keyed_groups(self.get_option("keyed_groups"), variables, host, strict=strict)


def plain(state):
    """A state for a group's name: not set means active."""
    return "active" if state.endswith("UNSPECIFIED") else state.lower()
