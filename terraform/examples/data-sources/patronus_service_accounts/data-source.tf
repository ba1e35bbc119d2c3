data "patronus_service_accounts" "example" {
  parent = "organizations/example"
  filter = "labels.tier = \"gold\""
}
