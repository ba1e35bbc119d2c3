data "patronus_nat_policies" "example" {
  parent = "organizations/example"
  filter = "labels.tier = \"gold\""
}
