resource "patronus_model" "example" {
  name    = "${patronus_organization.example.name}/models/example"
  purpose = "example"
}
