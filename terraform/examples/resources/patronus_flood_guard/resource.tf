resource "patronus_flood_guard" "example" {
  name = "${patronus_organization.example.name}/floodGuards/example"
}
