data "patronus_api_key" "example" {
  name = "organizations/example/serviceAccounts/example/apiKeys/example"
}
