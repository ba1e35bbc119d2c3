resource "patronus_segment" "example" {
  name   = "${patronus_organization.example.name}/segments/example"
  fabric = patronus_fabric.example.name
}
