data "patronus_edge" "example" {
  name = "organizations/example/sites/example/edges/example"
}
