resource "patronus_identity_provider" "example" {
  name      = "${patronus_organization.example.name}/identityProviders/example"
  issuer    = "example"
  audiences = ["example"]
}
