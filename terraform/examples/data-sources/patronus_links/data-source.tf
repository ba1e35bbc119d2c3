data "patronus_links" "example" {
  parent = "organizations/example/sites/example"
  filter = "labels.tier = \"gold\""
}
