resource "patronus_edge" "example" {
  name = "${patronus_site.example.name}/edges/example"
}
