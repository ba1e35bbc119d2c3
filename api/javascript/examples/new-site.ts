/**
 * A site in one run: everything it needs, declared; running it again changes nothing.
 *
 *     node new-site.js ORGANIZATION SITE       servers and credential are found where patronusctl finds them
 */
import { Client } from "../src/index.js";

const [organization = "acme", id = "nyc"] = process.argv.slice(2);
const org = `organizations/${organization}`;
const site = `${org}/sites/${id}`;
const segment = `${org}/segments/corp`;
const edge = `${site}/edges/e1`;
const link = (name: string, underlay: string, wan: string, address: string) => ({
  name: `${site}/links/${name}`, edge, underlay, interface: wan, address, capacityUpBps: 100_000_000,
});

using client = new Client();
const applied = [
  await client.organizations.apply({ name: org }),
  await client.fabrics.apply({ name: `${org}/fabrics/wan` }),
  await client.segments.apply({ name: segment, fabric: `${org}/fabrics/wan` }),
  await client.sites.apply({ name: site, region: "us-east", labels: { tier: "gold" } }),
  await client.edges.apply({ name: edge, lanInterfaces: [{ interface: "lan0", segment, prefixes: ["10.1.0.0/24"] }] }),
  await client.links.apply(link("inet0", "internet", "wan0", "192.0.2.2")),
  await client.links.apply(link("mpls0", "mpls-acme", "wan1", "198.51.100.2")),
];
for (const { action, resource } of applied) {
  console.log(`${action} ${resource.name}`);
}
