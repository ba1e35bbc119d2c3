resource "patronus_fabric" "example" {
  name = "${patronus_organization.example.name}/fabrics/example"
}
