data "patronus_model_versions" "example" {
  parent = "organizations/example/models/example"
  filter = "labels.tier = \"gold\""
}
