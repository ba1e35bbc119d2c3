resource "patronus_site" "example" {
  name = "${patronus_organization.example.name}/sites/example"
}
