data "patronus_firewall_policies" "example" {
  parent = "organizations/example"
  filter = "labels.tier = \"gold\""
}
