data "patronus_roles" "example" {
  parent = "organizations/example"
  filter = "labels.tier = \"gold\""
}
