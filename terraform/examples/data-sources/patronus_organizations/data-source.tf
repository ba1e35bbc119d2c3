data "patronus_organizations" "example" {
  filter = "labels.tier = \"gold\""
}
