resource "patronus_service_account" "example" {
  name = "${patronus_organization.example.name}/serviceAccounts/example"
}
