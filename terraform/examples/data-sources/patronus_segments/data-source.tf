data "patronus_segments" "example" {
  parent = "organizations/example"
  filter = "labels.tier = \"gold\""
}
