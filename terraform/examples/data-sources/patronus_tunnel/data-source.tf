data "patronus_tunnel" "example" {
  name = "organizations/example/tunnels/example"
}
