data "patronus_identity_providers" "example" {
  parent = "organizations/example"
  filter = "labels.tier = \"gold\""
}
