data "patronus_model" "example" {
  name = "organizations/example/models/example"
}
