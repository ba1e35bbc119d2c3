resource "patronus_application" "example" {
  name = "${patronus_organization.example.name}/applications/example"
  matches = [{
    protocol = 1
  }]
}
