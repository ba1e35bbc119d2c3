resource "patronus_role_binding" "example" {
  name    = "${patronus_organization.example.name}/roleBindings/example"
  role    = "example"
  members = ["example"]
}
