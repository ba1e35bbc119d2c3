resource "patronus_link" "example" {
  name      = "${patronus_site.example.name}/links/example"
  edge      = patronus_edge.example.name
  interface = "eth0"
  address   = "192.0.2.1"
  underlay  = "example"
}
