data "patronus_paths" "example" {
  parent = "organizations/example"
  filter = "labels.tier = \"gold\""
}
