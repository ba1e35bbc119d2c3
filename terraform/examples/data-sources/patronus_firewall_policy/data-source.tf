data "patronus_firewall_policy" "example" {
  name = "organizations/example/firewallPolicies/example"
}
