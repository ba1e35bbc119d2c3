data "patronus_api_keys" "example" {
  parent = "organizations/example/serviceAccounts/example"
  filter = "labels.tier = \"gold\""
}
