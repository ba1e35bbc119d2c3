data "patronus_service_account" "example" {
  name = "organizations/example/serviceAccounts/example"
}
