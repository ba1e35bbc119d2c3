data "patronus_models" "example" {
  parent = "organizations/example"
  filter = "labels.tier = \"gold\""
}
