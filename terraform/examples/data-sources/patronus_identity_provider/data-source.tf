data "patronus_identity_provider" "example" {
  name = "organizations/example/identityProviders/example"
}
