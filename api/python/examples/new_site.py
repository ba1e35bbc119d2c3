"""A site in one run: everything it needs, declared; running it again changes nothing.

new_site.py ORGANIZATION SITE       servers and credential are found where patronusctl finds them
"""

import sys

from patronus_sdwan import Client, Edge, Fabric, LanInterface, Link, Organization, Resource, Segment, Site


def declare(organization: str, site: str) -> list[Resource]:
    """What a site is, in the order in which it can be made."""
    fabric = Fabric.resource_name(organization, "wan")
    segment = Segment.resource_name(organization, "corp")
    edge = Edge.resource_name(organization, site, "e1")
    lan = LanInterface(interface="lan0", segment=segment, prefixes=["10.1.0.0/24"])
    links = [("inet0", "internet", "wan0", "192.0.2.2"), ("mpls0", "mpls-acme", "wan1", "198.51.100.2")]
    return [
        Organization(name=Organization.resource_name(organization)),
        Fabric(name=fabric),
        Segment(name=segment, fabric=fabric),
        Site(name=Site.resource_name(organization, site), region="us-east", labels={"tier": "gold"}),
        Edge(name=edge, lan_interfaces=[lan]),
        *(
            Link(name=Link.resource_name(organization, site, name), edge=edge, interface=interface, address=address,
                 underlay=underlay, capacity_up_bps=100_000_000)
            for name, underlay, interface, address in links
        ),
    ]  # fmt: skip


def main() -> None:
    with Client() as client:
        for resource in declare(*sys.argv[1:3]):
            applied = client.collection(type(resource)).apply(resource)
            print(f"{applied.action:10} {applied.resource.name}")


if __name__ == "__main__":
    main()
