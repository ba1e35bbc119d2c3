data "patronus_edges" "example" {
  parent = "organizations/example/sites/example"
  filter = "labels.tier = \"gold\""
}
