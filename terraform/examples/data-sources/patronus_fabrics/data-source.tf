data "patronus_fabrics" "example" {
  parent = "organizations/example"
  filter = "labels.tier = \"gold\""
}
