data "patronus_qos_profiles" "example" {
  parent = "organizations/example"
  filter = "labels.tier = \"gold\""
}
