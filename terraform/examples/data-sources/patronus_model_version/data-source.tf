data "patronus_model_version" "example" {
  name = "organizations/example/models/example/versions/example"
}
