"""The fifty sites that every as-code client makes: each 2 links, 1 edge, 1 steering policy and 1 SLA profile.

Resources as (kind, name, fields), what others name first; references are full names.
"""

from __future__ import annotations

from typing import Any

Resource = tuple[str, str, dict[str, Any]]


def resources(org: str, sites: int = 50) -> list[Resource]:
    out: list[Resource] = [
        ("organization", org, {"display_name": "As code"}),
        ("fabric", f"{org}/fabrics/main", {"topology": "FULL_MESH"}),
        ("segment", f"{org}/segments/corp", {"fabric": f"{org}/fabrics/main"}),
        ("application", f"{org}/applications/voice", {"matches": [{"protocol": 17, "ports": [{"first": 16384, "last": 32767}]}]}),
    ]
    for i in range(sites):
        site = f"{org}/sites/s{i:02}"
        edge = f"{site}/edges/e1"
        sla = f"{org}/slaProfiles/p{i:02}"
        out += [
            ("site", site, {"location": f"Place {i}", "labels": {"tier": "gold" if i % 2 else "silver"}}),
            ("edge", edge, {"roles": ["BRANCH"], "lan_interfaces": [
                {"interface": "lan0", "segment": f"{org}/segments/corp", "prefixes": [f"10.{i}.0.0/16"]}]}),
            ("slaProfile", sla, {"max_loss_ppm": 10000, "max_latency_us": 100000 + i}),
            ("steeringPolicy", f"{org}/steeringPolicies/y{i:02}", {
                "segment": f"{org}/segments/corp", "priority": i, "rules": [
                    {"applications": [f"{org}/applications/voice"], "sites": [site], "preference": "PREFER", "sla_profile": sla}]}),
        ]
        for j, underlay in enumerate(("internet", "mpls")):
            out.append(("link", f"{site}/links/l{j}", {
                "edge": edge, "interface": f"wan{j}", "address": f"192.0.{j + 2}.{i + 1}", "underlay": underlay,
                "transport": "BROADBAND" if j == 0 else "MPLS", "capacity_up_bps": 100000000, "capacity_down_bps": 500000000}))
    return out
