data "patronus_sites" "example" {
  parent = "organizations/example"
  filter = "labels.tier = \"gold\""
}
