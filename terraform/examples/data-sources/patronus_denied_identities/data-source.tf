data "patronus_denied_identities" "example" {
  filter = "labels.tier = \"gold\""
}
