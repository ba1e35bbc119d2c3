data "patronus_denied_identity" "example" {
  name = "deniedIdentities/example"
}
