resource "patronus_firewall_policy" "example" {
  name    = "${patronus_organization.example.name}/firewallPolicies/example"
  segment = patronus_segment.example.name
}
