data "patronus_demands" "example" {
  parent = "organizations/example"
  filter = "labels.tier = \"gold\""
}
