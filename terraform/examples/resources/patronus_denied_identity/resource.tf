resource "patronus_denied_identity" "example" {
  name     = "deniedIdentities/example"
  identity = "example"
}
