data "patronus_fabric" "example" {
  name = "organizations/example/fabrics/example"
}
