resource "patronus_role" "example" {
  name        = "${patronus_organization.example.name}/roles/example"
  permissions = ["example"]
}
