data "patronus_applications" "example" {
  parent = "organizations/example"
  filter = "labels.tier = \"gold\""
}
