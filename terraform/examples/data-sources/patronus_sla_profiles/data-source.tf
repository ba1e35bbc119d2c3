data "patronus_sla_profiles" "example" {
  parent = "organizations/example"
  filter = "labels.tier = \"gold\""
}
