data "patronus_tunnels" "example" {
  parent = "organizations/example"
  filter = "labels.tier = \"gold\""
}
