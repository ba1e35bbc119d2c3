data "patronus_role_bindings" "example" {
  parent = "organizations/example"
  filter = "labels.tier = \"gold\""
}
