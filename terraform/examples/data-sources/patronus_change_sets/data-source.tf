data "patronus_change_sets" "example" {
  parent = "organizations/example"
  filter = "labels.tier = \"gold\""
}
